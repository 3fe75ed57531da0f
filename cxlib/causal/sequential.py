"""Looking at a randomised comparison more than once: boundaries that keep the error rate.

    plan = boundaries([0.2, 0.4, 0.6, 0.8, 1.0])          # five looks, by alpha spending
    repeated_intervals(estimates, errors, plan)           # at the looks so far: stop or go on

Judging a trial at 1.96 standard errors at each of five looks finds an effect where there is none in
14 of 100 trials instead of 5. Boundaries are wider, most of all at early looks. They are exact for
estimates whose increments are independent and normal, as differences of means are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

SPENDING = ("lan_demets_obrien_fleming", "lan_demets_pocock")
CONSTANT = ("obrien_fleming", "pocock")
NODES = 201  # of the integration between the boundaries of a look
FARTHEST = 8.5  # standard errors beyond which nothing is left to integrate


def boundaries(
    information: Sequence[float],
    *,
    kind: str = "lan_demets_obrien_fleming",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Two-sided boundaries of a group sequential trial at each look.

    Parameters
    ----------
    information : share of the planned information (about: of the customers) at each look, rising,
        above 0 and at most 1; for alpha spending the looks need not have been planned, and those to
        come may be left out
    kind : "lan_demets_obrien_fleming" (spends little early) or "lan_demets_pocock" (evenly), which
        spend alpha as information comes in; "obrien_fleming" or "pocock", the designs of fixed
        shape, whose last look is the end
    alpha : probability of a false finding over all looks, two-sided

    Returns
    -------
    Table with look, information, z (standard errors from 0 that stop the trial), nominal (p-value
    that corresponds to z) and spent (probability of a false finding up to the look).

    Raises
    ------
    ValueError : information not rising or not between 0 and 1; an unknown kind; alpha not between 0
        and 1

    References
    ----------
    Pocock (1977), Biometrika 64(2); O'Brien and Fleming (1979), Biometrics 35(3); Lan and DeMets
    (1983), Biometrika 70(3); Armitage, McPherson and Rowe (1969) for the integration.

    Examples
    --------
    >>> boundaries([0.2, 0.4, 0.6, 0.8, 1.0], kind="obrien_fleming")["z"].round(2).tolist()
    [4.56, 3.23, 2.63, 2.28, 2.04]
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    at = np.asarray(information, float)
    if not at.size or at[0] <= 0 or at[-1] > 1 + 1e-9 or (np.diff(at) <= 0).any():
        raise ValueError(
            f"information {list(information)} must rise from above 0 to at most 1, as "
            "[0.5, 1.0] does."
        )
    if kind not in SPENDING + CONSTANT:
        raise ValueError(
            f"kind={kind!r} is not a choice. There are: {', '.join(SPENDING + CONSTANT)}."
        )
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha:g}; it must lie between 0 and 1, as .05 does.")
    if kind in CONSTANT:
        shape = at**-0.5 if kind == "obrien_fleming" else np.ones(len(at))
        factor = brentq(lambda c: crossing(at, c * shape).sum() - alpha, 0.1, 10, xtol=1e-10)
        z = factor * shape
    else:
        due, z = spent(at, kind, alpha), np.empty(0)
        for k, want in enumerate(np.diff(due, prepend=0.0)):
            z = np.append(z, _bound(at[: k + 1], z, want))
    return pd.DataFrame(
        {
            "look": np.arange(1, len(at) + 1),
            "information": at,
            "z": z,
            "nominal": 2 * ndtr(-z),
            "spent": np.cumsum(crossing(at, z)),
        }
    )


def _bound(information: np.ndarray, z: np.ndarray, want: float) -> float:
    """The boundary of the last look that spends `want`, after the boundaries `z`."""
    from scipy.optimize import brentq

    def over(bound: float) -> float:
        return float(crossing(information, np.append(z, bound))[-1]) - want

    # So little may be spent at a very early look that nothing observable would stop the trial.
    return float(brentq(over, 0, FARTHEST)) if over(FARTHEST) < 0 else np.inf


def spent(information: np.ndarray, kind: str, alpha: float) -> np.ndarray:
    """Probability of a false finding that may be spent up to each share of information.

    Examples
    --------
    >>> spent(np.array([0.5, 1.0]), "lan_demets_pocock", 0.05).round(4).tolist()
    [0.031, 0.05]
    """
    from scipy.special import ndtr, ndtri

    if kind == "lan_demets_pocock":
        return alpha * np.log1p((np.e - 1) * information)
    return 4 * ndtr(ndtri(alpha / 4) / np.sqrt(information))


def crossing(information: np.ndarray, z: np.ndarray, drift: float = 0.0) -> np.ndarray:
    """Probability that a trial first crosses its boundaries at each look, (looks,).

    Parameters
    ----------
    information : share of the planned information at each look, (looks,)
    z : boundaries in standard errors, (looks,)
    drift : true effect over its standard error at full information; 0 for none

    Examples
    --------
    >>> crossing(np.array([0.5, 1.0]), np.array([1.96, 1.96])).sum().round(3)
    np.float64(0.083)
    """
    from scipy.special import ndtr

    points, weights = np.polynomial.legendre.leggauss(NODES)
    found, before = [], 0.0
    place, mass = np.zeros(1), np.ones(1)  # where trials that go on stand, and how many
    for now, bound in zip(information, z, strict=True):
        step, end = now - before, bound * np.sqrt(now)
        mean = place + drift * step
        out = ndtr((mean - end) / np.sqrt(step)) + ndtr((-end - mean) / np.sqrt(step))
        found.append(float(mass @ out))
        middle, widest = drift * now, FARTHEST * np.sqrt(now)
        low, high = max(-end, middle - widest), min(end, middle + widest)
        nodes = (low + high) / 2 + (high - low) / 2 * points
        density = np.exp(-((nodes[:, None] - mean) ** 2) / (2 * step)) / np.sqrt(2 * np.pi * step)
        mass = (density @ mass) * weights * max(high - low, 0.0) / 2
        place, before = nodes, now
    return np.array(found)


def repeated_intervals(
    estimate: Sequence[float], error: Sequence[float], plan: pd.DataFrame
) -> pd.DataFrame:
    """Intervals at the looks so far that all hold the true effect with probability 1 - alpha.

    Valid whenever and for whatever reason the trial is stopped, and for that wider than a plain
    interval.

    Parameters
    ----------
    estimate, error : effect and its standard error at each look so far, of all answers up to then
    plan : from `boundaries`

    Returns
    -------
    The rows of the plan so far with estimate, error, low, high and stop (the interval leaves 0
    out).

    Raises
    ------
    ValueError : more looks than the plan has, or an estimate without an error

    References
    ----------
    Jennison and Turnbull (1989), Journal of the Royal Statistical Society B 51(3).

    Examples
    --------
    >>> plan = boundaries([0.5, 1.0])
    >>> repeated_intervals([0.30], [0.09], plan)[["low", "high", "stop"]].round(2).values.tolist()
    [[0.03, 0.57, True]]
    """
    effect, spread = np.asarray(estimate, float), np.asarray(error, float)
    if len(effect) != len(spread) or len(effect) > len(plan):
        raise ValueError(
            f"{len(effect)} estimates and {len(spread)} errors for a plan of {len(plan)} looks. "
            "Give one of each at every look so far."
        )
    rows = plan.head(len(effect)).reset_index(drop=True)
    low, high = effect - rows["z"] * spread, effect + rows["z"] * spread
    return rows.assign(
        estimate=effect, error=spread, low=low, high=high, stop=(low > 0) | (high < 0)
    )
