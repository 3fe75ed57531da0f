"""Teams and agents compared: who stands out from what chance and the mix of cases explain?

    fit = funnel(rows, "solved_in_time", by="owner", mix=["severity", "category"])
    fit.table          # term (owner), estimate, low, high (its 95% limits), outer ones, n, signal
    fit.limits         # the funnel: n, low, high, outer_low, outer_high

No league table: somebody is always last. A funnel (Spiegelhalter 2005) tells those whom chance does
not explain. Where all differ more than chance, as teams do for reasons nobody wrote down, limits
are widened by that (additive overdispersion), so that the usual spread accuses nobody. Fewer than
10 units do not tell what is usual: one that differs would widen the limits by which it is judged
until it lies inside them. Their limits are those of chance alone, about the units that are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service.cases import require_case_columns
from cxlib.service.shares import group_places
from cxlib.stats.intervals import normal_quantile

LEVELS = (0.95, 0.998)  # of the limits: worth a look, and standing out
TRIMMED = 0.1  # of the units at each end, drawn in before overdispersion is measured
FEWEST = 10  # units of which overdispersion is measured: of fewer none would be drawn in
# The mean square of standard normal numbers winsorised so: what phi of units alike comes to.
WINSORISED = 0.67865
POINTS = 80


def funnel(
    sample: SampleLike,
    hit: str,
    *,
    by: str = "owner",
    mix: Sequence[str] = (),
    overdispersed: bool = True,
) -> Result:
    """The share of `hit`, or its mean, of each unit, in funnel limits.

    Limits of a share are those of the binomial law, interpolated (Spiegelhalter 2005, appendix
    A.1.1); where mix or overdispersion enters, they are normal on the scale of the arcsine of its
    root, on which chance is the same for all shares (Spiegelhalter and others 2012).

    Parameters
    ----------
    sample : cases
    hit : column of the outcome: 0 and 1 for a share, other numbers for a mean
    by : column of the units (teams, agents)
    mix : columns of kinds of cases; each unit is corrected for the kinds it has: its rate minus
        what all units together have in such cases, plus the rate of all
    overdispersed : whether limits are widened by how much more units differ than chance explains,
        where there are 10 or more

    Returns
    -------
    Result with "table": term (unit), estimate (as if it had had the usual mix of cases), low, high
    (limits that 19 in 20 lie inside by chance), outer_low, outer_high (998 in 1,000), n, signal
    ("", "low", "high", "very low", "very high"); and "limits": n, term ("limits"), estimate (of all
    units), low, high, outer_low, outer_high. Its parts are `dispersion`, how much more units differ
    than chance explains (phi; 1: not at all), `between`, the standard deviation of the units
    themselves, which widens the limits (0 of fewer than 10 units), and `apart`, the units (of fewer
    than 10) that differ from all others and do not count for the middle of the funnel.

    Raises
    ------
    InsufficientData : fewer than two units

    References
    ----------
    Spiegelhalter (2005), Funnel plots for comparing institutional performance; Spiegelhalter and
    others (2012).

    Examples
    --------
    >>> hits = [1.0] * 50 + [0.0, 1.0] * 25
    >>> cases = pd.DataFrame({"owner": ["a"] * 50 + ["b"] * 50, "solved_in_time": hits})
    >>> fit = funnel(cases, "solved_in_time", overdispersed=False)
    >>> fit.table[["term", "estimate", "signal"]].values.tolist()
    [['a', 1.0, 'very high'], ['b', 0.5, 'very low']]
    """
    sample = as_sample(sample)
    require_case_columns(sample, hit, by, *mix)
    known = sample.data[sample[hit].notna() & sample[by].notna()]
    names, place = group_places(known[by], len(known))
    if len(names) < 2:
        raise InsufficientData(
            _(
                "Groups of {by:quoted} with {outcome:quoted}: {n:count}; two are needed.",
                by=by,
                n=len(names),
                outcome=hit,
            )
        )
    y = known[hit].to_numpy(float)
    share = bool(np.isin(y, (0, 1)).all())
    expected, spread = _usual(known, y, mix, share)
    n = np.bincount(place)
    target = y.mean()
    value = target + np.bincount(place, y - expected) / n
    error = np.sqrt(np.bincount(place, spread)) / n
    usual = float(spread.mean())
    if share:
        value, error = np.clip(value, 0, 1), error / (2 * _root(target))
    position = _angle(value) if share else value
    usual_unit = usual_units(position, error) if overdispersed else np.ones(len(n), bool)
    middle_of = target if usual_unit.all() else np.average(value[usual_unit], weights=n[usual_unit])
    distance = position - (_angle(middle_of) if share else middle_of)
    phi, tau2 = (
        overdispersion(distance[usual_unit], error[usual_unit]) if overdispersed else (1.0, 0.0)
    )
    if few := len(names) < FEWEST:
        tau2 = 0.0
    target = float(middle_of)
    exact = share and tau2 == 0 and not mix
    grid = np.unique(np.geomspace(n.min(), n.max(), POINTS).round().astype(int))
    middle = np.sqrt(usual / grid) / (2 * _root(target) if share else 1)
    free = _free(int(usual_unit.sum()))
    ends = _ends(target, n, error, (tau2, free), exact, share)
    table = pd.DataFrame({"term": names, "estimate": value, **ends, "n": n})
    table = sample.counted(table, term=by)
    table["signal"] = _signals(table)
    limits = pd.DataFrame(
        {
            "n": grid,
            "term": "limits",
            "estimate": target,
            **_ends(target, grid, middle, (tau2, free), exact, share),
        }
    )
    between = np.sqrt(tau2) * (2 * _root(target) if share else 1)
    apart = list(np.array(names)[~usual_unit])
    return Result(
        {"table": table, "limits": limits},
        _finding(table, by, hit),
        _notes(phi, between, mix, share, exact, apart, len(names) if few and overdispersed else 0),
        "share" if share else "scale",
        parts={"dispersion": phi, "between": float(between), "apart": apart},
    )


def _angle(share: np.ndarray | float) -> np.ndarray:
    return np.arcsin(np.sqrt(share))


def _root(share: float) -> float:
    """Standard deviation of a single yes or no; a trifle where all say the same."""
    return float(np.sqrt(max(share * (1 - share), 1e-9)))


def _usual(
    rows: pd.DataFrame, y: np.ndarray, mix: Sequence[str], share: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What all units together have in cases like each one, and the variance of a single case."""
    kind = (
        rows.groupby(list(mix), dropna=False, sort=False).ngroup().to_numpy()
        if mix
        else 0 * y.astype(int)
    )
    size = np.bincount(kind)
    mean = np.bincount(kind, y) / size
    squares = np.bincount(kind, (y - mean[kind]) ** 2)
    variance = squares.sum() / max(len(y) - len(size), 1)
    own = mean[kind] * (1 - mean[kind]) if share else np.full(len(y), variance)
    return mean[kind], own


def overdispersion(apart: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """How much more units differ than chance explains: (phi, tau squared).

    phi is the mean square of their standardised distances `apart / error` from the target, the
    largest tenth at each end drawn in to the next (winsorised) and the whole made larger by what
    this takes from normal distances; tau squared the variance between units that explains it, by
    moments (DerSimonian and Laird 1986). Spiegelhalter (2005), who leaves the winsorised square as
    it is, by which 15 units of a usual spread were left by 1% in place of 0.2%.
    """
    tells = error > 0  # a unit whose cases are each the only one of its kind has nothing to show
    if tells.sum() < 2:
        return 1.0, 0.0
    standard, error = apart[tells] / error[tells], error[tells]
    if len(standard) >= FEWEST:
        standard = np.clip(standard, *np.quantile(standard, [TRIMMED, 1 - TRIMMED]))
        standard = standard / np.sqrt(WINSORISED)
    return moments_of(standard, error)


def usual_units(position: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Which of fewer than 10 units make the middle: those that chance alone explains.

    The unit furthest from the others together (the error of both included) is left out while it
    lies outside the outer limits; at least two thirds of the units stay. Of 10 or more all do.

    Parameters
    ----------
    position, error : of each unit, on the scale of the limits, and its standard error

    Examples
    --------
    >>> usual_units(np.array([0.0, 0.1, 3.0]), np.full(3, 0.1)).tolist()
    [True, True, False]
    """
    usual = np.ones(len(position), bool)
    if len(position) >= FEWEST or (error <= 0).any():
        return usual
    for _turn in range(len(position) // 3):
        w = usual / error**2
        rest = w.sum() - w
        centre = ((w * position).sum() - w * position) / rest
        z = np.where(usual, np.abs(position - centre) / np.sqrt(error**2 + 1 / rest), 0.0)
        if z.max() <= normal_quantile(LEVELS[1]):
            break
        usual[int(np.argmax(z))] = False
    return usual


def moments_of(standard: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """(phi, tau squared) of standardised distances as they are."""
    w, units = 1 / error**2, len(standard)
    phi = float((standard**2).mean())
    room = w.sum() - (w**2).sum() / w.sum()
    return phi, float(max(0.0, (units * phi - (units - 1)) / room))


def binomial_limits(target: float, n: np.ndarray, p: float) -> np.ndarray:
    """The share below which a unit of n cases lies with chance `p` at most, interpolated: (units,).

    Spiegelhalter (2005), appendix A.1.1. The upper limit is that of the misses: taken at 1 - p of
    the hits, as there, it is passed by chance more often than `p` (Manktelow and Seaton 2012).
    """
    from scipy.stats import binom

    n = np.asarray(n)
    at = binom.ppf(p, n, target)
    above = binom.cdf(at, n, target)
    step = np.maximum(binom.pmf(at, n, target), 1e-300)
    return np.clip((at - (above - p) / step) / n, 0, 1)


def _free(units: int) -> int:
    """Degrees of freedom of the variance between units, winsorised from 10 units on.

    Tukey and McLaughlin (1963), Sankhya A 25.
    """
    return units - 1 - (2 * int(TRIMMED * units) if units >= FEWEST else 0)


def _ends(
    target: float,
    n: np.ndarray,
    error: np.ndarray,
    between: tuple[float, int],
    exact: bool,
    share: bool,
) -> dict[str, np.ndarray]:
    """Limits for the variance `between` units with its degrees of freedom.

    Student's quantile where that variance is estimated too (Satterthwaite 1946).
    """
    from scipy.special import stdtrit

    found: dict[str, np.ndarray] = {}
    tau2, free = between
    with np.errstate(divide="ignore"):
        df = np.minimum(free * ((error**2 + tau2) / tau2) ** 2 if tau2 else np.inf, 1e9)
    for level, names in zip(LEVELS, (("low", "high"), ("outer_low", "outer_high")), strict=True):
        tail = (1 - level) / 2
        if exact:
            ends = [binomial_limits(target, n, tail), 1 - binomial_limits(1 - target, n, tail)]
        else:
            reach = stdtrit(df, (1 + level) / 2) * np.sqrt(error**2 + tau2)
            ends = [target - reach, target + reach]
            if share:
                at = _angle(target)
                ends = [np.sin(np.clip(at + side * reach, 0, np.pi / 2)) ** 2 for side in (-1, 1)]
        found |= dict(zip(names, ends, strict=True))
    return found


def _signals(table: pd.DataFrame) -> np.ndarray:
    y, hair = table["estimate"], 1e-9  # at the limit is not beyond it
    signal = np.select(
        [
            y < table["outer_low"] - hair,
            y > table["outer_high"] + hair,
            y < table["low"] - hair,
            y > table["high"] + hair,
        ],
        ["very low", "very high", "low", "high"],
        "",
    )
    return np.where(disclosure.hidden(table) != "", "", signal)


def _finding(table: pd.DataFrame, by: str, hit: str) -> Finding:
    """Which of the units that may be shown differ from the others."""
    table = disclosure.shown(table)
    if len(table) < 2:
        claim = _("Too few cases of each unit ({by:label}) to compare them.", by=by)
        return Finding(claim, importance=Importance.METHOD)
    out = table[table["signal"].isin(["very low", "very high"])]
    words = {"units": len(table), "by": by, "what": hit}
    detail = _(
        "{near:count} units outside the inner 95% limits, {expected:number1} expected by chance",
        near=table["signal"].isin(["low", "high"]).sum(),
        expected=len(table) * (1 - LEVELS[0]),
    )
    if out.empty:
        claim = _(
            "{what:opening}: none of {units:count} units ({by:label}) differs significantly from "
            "the others.",
            **words,
        )
        return Finding(claim, detail, importance=Importance.METHOD)
    names = [
        _("{unit:label} ({value})", unit=r.term, value=_value(r.estimate, table))
        for r in out.itertuples()
    ]
    claim = ngettext(
        "{what:opening}: {n:count} of {units:count} units ({by:label}) differs significantly: "
        "{names:list2}.",
        "{what:opening}: {n:count} of {units:count} units ({by:label}) differ significantly: "
        "{names:list2}.",
        len(out),
        names=names,
        **words,
    )
    return Finding(
        claim, detail, value=float(len(out)), unit="count", importance=Importance.NOTABLE
    )


def _value(value: float, table: pd.DataFrame) -> str:
    inside = table["estimate"].between(-0.5, 1.5).all()
    return i18n.percent(value) if inside else i18n.number(value, 2)


def _notes(
    phi: float,
    between: float,
    mix: Sequence[str],
    share: bool,
    exact: bool,
    apart: list[str],
    few: int,
) -> str:
    notes = [
        _(
            "Limits: 95 in 100 units lie inside the inner ones by chance, 998 in 1,000 "
            "inside the outer ones (Spiegelhalter 2005)."
        )
    ]
    if exact:
        notes.append(_("Limits are those of the binomial law."))
    if mix:
        notes.append(_("Each unit as if it had the usual mix of {kinds:label_list}.", kinds=mix))
    if apart:
        notes.append(
            _(
                "The middle is that of the other units, without {units:label_list}.",
                units=apart,
            )
        )
    if between > 0:
        notes.append(
            _(
                "Units differ {phi:number1} times as much as chance explains (variance), so "
                "limits are wider by a standard deviation of {between} between units.",
                phi=phi,
                between=i18n.percent(between, 1) if share else i18n.number(between, 2),
            )
        )
    if few:
        notes.append(
            _(
                "Limits are those of chance alone: {units:count} units are too few to show how "
                "much units usually differ.",
                units=few,
            )
        )
    return i18n.together(notes)
