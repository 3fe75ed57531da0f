"""Synthetic control: the treated unit compared with a weighted mixture of controls.

    fit = synthetic_control(y, treated=2, first=19)   # y: (units, periods), treated from period 19
    fit.effect, fit.weights, fit.counterfactual       # mean gap after; weights of units; path
    fit.p                                             # how often a control looks as much changed

Weights are non-negative, sum to one, and follow the treated unit as closely as they can before the
change (Abadie, Diamond and Hainmueller 2010, on outcomes alone). With method="sdid" both units and
periods are weighted and levels may differ: synthetic difference-in-differences (Arkhangelsky,
Athey, Hirshberg, Imbens and Wager 2021), which depends less on a close fit. Every control is then
taken for treated in turn (placebos): where many differ as much, the effect may be chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _

METHODS = ("classic", "sdid")
Method = Literal["classic", "sdid"]
SUM = 1e4  # penalty on weights that do not sum to one, relative to a misfit of one


@dataclass(frozen=True, eq=False)
class SyntheticControl:
    """The path of the treated unit and of its synthetic control.

    Attributes
    ----------
    effect : mean over the periods after of the treated unit minus its synthetic control
    weights : part of each unit in the synthetic control, (units,); 0 for the treated one
    counterfactual : path of the synthetic control, (periods,); "sdid" moves it to the treated level
    misfit : root of the mean squared gap before the change
    ratio : the same after, divided by the misfit
    placebo : effect that each donor seems to have, (units,); NaN for the changed one
    ratios : `ratio` of each unit, the changed one's among them
    p : share of all units whose ratio is as large as the changed one's
    """

    effect: float
    weights: np.ndarray
    counterfactual: np.ndarray
    misfit: float
    ratio: float
    placebo: np.ndarray
    ratios: np.ndarray
    p: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Effect plus and minus Student's quantile times the spread of the donors' placebos.

        The placebo variance of Arkhangelsky et al. (2021, algorithm 4): donors are taken to vary as
        the changed unit would have.
        """
        from scipy.special import stdtrit

        known = self.placebo[~np.isnan(self.placebo)]
        if len(known) < 2:
            return np.nan, np.nan
        reach = stdtrit(len(known) - 1, (1 + level) / 2) * known.std(ddof=1)
        return self.effect - reach, self.effect + reach


def synthetic_control(
    y: np.ndarray, treated: int, first: int, *, method: Method = "classic"
) -> SyntheticControl:
    """The counterfactual of one treated unit from a weighted mixture of controls, with placebos.

    Parameters
    ----------
    y : outcome, (units, periods), complete
    treated : row of the treated unit
    first : first treated period
    method : "classic" weights units (Abadie, Diamond and Hainmueller 2010); "sdid" weights units
        and periods, and lets levels differ (synthetic difference-in-differences)

    Returns
    -------
    SyntheticControl, with every control's placebo effect where there are three or more.

    Raises
    ------
    InsufficientData : gaps, fewer than two controls, or fewer than two periods before

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111(12).

    Examples
    --------
    >>> y = np.array([[1.0, 2, 3, 9], [0.0, 1, 2, 3], [2.0, 3, 4, 5]])
    >>> round(synthetic_control(y, treated=0, first=3).effect, 6)
    5.0
    """
    y = np.asarray(y, float)
    _check(y, treated, first)
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not a choice. There are: {', '.join(METHODS)}.")
    even = method == "sdid"
    effect, weights, own = counterfactual(y, treated, first, even)
    misfit, ratio = _ratio(y[treated], own, first)
    placebo, ratios = np.full(len(y), np.nan), np.full(len(y), ratio)
    donors = [unit for unit in range(len(y)) if unit != treated]
    if len(donors) > 2:  # the synthetic control of a donor is made of the others only
        for place, unit in enumerate(donors):
            placebo[unit], _, path = counterfactual(y[donors], place, first, even)
            ratios[unit] = _ratio(y[unit], path, first)[1]
    p = float((ratios >= ratio - 1e-12).mean()) if len(donors) > 2 else np.nan
    return SyntheticControl(effect, weights, own, misfit, ratio, placebo, ratios, p)


def _check(y: np.ndarray, treated: int, first: int) -> None:
    if gaps := int(np.isnan(y).sum()):
        raise InsufficientData(
            _(
                "{gaps:count} of {n:count} means are missing. Leave those units or waves out.",
                gaps=gaps,
                n=y.size,
            )
        )
    if len(y) < 3:
        raise InsufficientData(
            _("Control units: {n:count}; a synthetic control needs two at least.", n=len(y) - 1)
        )
    if not 2 <= first < y.shape[1]:
        raise InsufficientData(
            _(
                "{before:count} of {periods:count} periods are before the change; a synthetic "
                "control needs two at least before it and one after.",
                before=first,
                periods=y.shape[1],
            )
        )


def counterfactual(
    y: np.ndarray, treated: int, first: int, even: bool
) -> tuple[float, np.ndarray, np.ndarray]:
    """(effect, shares, path) for one unit taken as changed, without checks or placebos.

    `even` weights units and periods and lets levels differ, as method "sdid" does.
    """
    others = np.delete(y, treated, axis=0)
    ridge = 0.0
    if even:  # equations 5 and 6: noise of first differences times (periods after)^(1/4)
        noise = np.diff(others[:, :first], axis=1).std(ddof=1)
        ridge = (y.shape[1] - first) ** 0.5 * noise**2 * first
    unit = simplex(others[:, :first].T, y[treated, :first], ridge=ridge, level=even)
    path = unit @ others
    share = np.insert(unit, treated, 0.0)
    gap = y[treated] - path
    if not even:
        return float(gap[first:].mean()), share, path
    when = simplex(others[:, :first], others[:, first:].mean(1), ridge=1e-12, level=True)
    level = float(when @ gap[:first])
    return float(gap[first:].mean()) - level, share, path + level


def simplex(x: np.ndarray, y: np.ndarray, *, ridge: float = 0.0, level: bool = False) -> np.ndarray:
    """Weights w of the columns of `x` (n, k), none negative, summing to 1, with x w nearest `y`.

    `ridge` times the sum of squares of w is added to the squared misfit; with `level` a constant
    may be added to x w. Solved as non-negative least squares with a dear equation for the sum.
    """
    from scipy.optimize import nnls

    if level:
        x, y = x - x.mean(0), y - y.mean()
    size = max(np.abs(x).max(initial=0), np.abs(y).max(initial=0), 1e-300)
    rows, right = [x / size], [y / size]
    if ridge:
        rows.append(np.sqrt(ridge) / size * np.eye(x.shape[1]))
        right.append(np.zeros(x.shape[1]))
    rows.append(np.full((1, x.shape[1]), SUM))
    right.append([SUM])
    found, _ = nnls(np.vstack(rows), np.concatenate(right), maxiter=100 * x.shape[1])
    return found / found.sum()


def _ratio(y: np.ndarray, path: np.ndarray, first: int) -> tuple[float, float]:
    square = (y - path) ** 2
    before, after = np.sqrt(square[:first].mean()), np.sqrt(square[first:].mean())
    return float(before), float(after / max(before, 1e-300))
