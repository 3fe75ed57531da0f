"""Other measures of relative importance beside Shapley values, and the sign of each driver.

    fit = drivers.importance_metrics(sample, "recommend", ["delivery", "room", "price"])
    fit.table            # metric, term, estimate, low, high, n, rank
    fit.signs            # standardised coefficient and correlation of each driver

The measures answer different questions, and only LMG, Pratt and CAR add up to R². Where they rank
drivers differently, the drivers overlap, and the order is a matter of definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.drivers import linear, notes, shapley_values
from cxlib.drivers.formula import specified
from cxlib.drivers.importance import covariates_note
from cxlib.drivers.shapley_values import Players
from cxlib.drivers.specification import Answers, Drivers
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import estimates_table, expanded_level, percentile_interval

METRICS = ("lmg", "first", "last", "betasq", "pratt", "car")
OF_ONE_COLUMN = ("betasq", "pratt", "car")  # depend on how a factor is coded
COLUMNS = [
    Column("metric", "how importance is measured", "name", label="metric"),
    Column("rank", "place of the driver by this measure", "count"),
    Column("correlation", "correlation with the outcome", decimals=2),
    Column("correlation_low", "lower end of the interval of the correlation", decimals=2),
    Column("correlation_high", "upper end of the interval of the correlation", decimals=2),
    Column(
        "suppressed", "whether coefficient and correlation have opposite signs", label="suppression"
    ),
]


def importance_metrics(
    sample: Answers,
    outcome: str,
    drivers: Drivers | None = None,
    *,
    missing: str = "complete",
    always: Sequence[str] = (),
) -> Result:
    """Measures of relative importance side by side, as parts of R², with 95% intervals.

    Parameters
    ----------
    sample, outcome, drivers, missing, always : as in `importance`; with `always`, parts of the
        partial R²

    Returns
    -------
    Result with the tables "table" (metric, term, estimate, low, high, n, rank), not normalised, and
    "signs" (term, estimate: standardised coefficient, low, high, n; correlation with its interval;
    suppressed: the two are significant with opposite signs). Of the metrics, "lmg" is the average
    gain in R² over all orders of entry (Shapley), "first" the R² of the driver alone, "last" its
    gain when it enters after all others, "betasq" the squared standardised coefficient, "pratt" the
    coefficient times the correlation (may be negative), "car" the squared correlation with the
    driver freed of the others symmetrically. The last three are NaN for drivers of several
    columns, whose measure would depend on their coding. Intervals of squares are squares of the
    interval of their root, so that they hold 0 where the sign is open.

    Raises
    ------
    ValueError : as `importance`

    References
    ----------
    Grömping (2006), Journal of Statistical Software 17(1); Pratt (1987); Zuber and Strimmer (2011),
    Statistical Applications in Genetics and Molecular Biology 10(1).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"delivery": rng.normal(size=200), "room": rng.normal(size=200)})
    >>> rows["recommend"] = 2 * rows["delivery"] + rows["room"] + rng.normal(size=200)
    >>> print(importance_metrics(rows, "recommend", ["room", "delivery"]))
    Every measure ranks delivery first.
    """
    spec = specified(sample, outcome, drivers, missing, always)
    sums = spec.sums()
    cov = linear.covariances(spec, sums)
    gains, _error, drawn = shapley_values.decompose(
        cov.estimate, cov.replicates, spec.sample.seed, spec.entries
    )
    gains, drawn = spec.divided(gains), spec.divided(drawn)
    n, counts = len(spec.terms), spec.counts(sums)
    level = expanded_level(sums.effective, 1 + len(spec.columns))
    parts = [estimates_table(spec.terms, gains, drawn, counts, level=level, metric="lmg")]
    roots = {m: (f(cov.estimate), f(cov.replicates)) for m, f in ROOTS.items()}
    for metric in METRICS[1:]:
        estimate, low, high = (np.full(n, np.nan) for _unused in range(3))
        for t, places in enumerate(spec.players):
            if len(places) == 1:
                value, again = (part[..., places[0]] for part in roots[metric])
                how = _plain if metric == "pratt" else squared_interval
            elif metric in OF_ONE_COLUMN:
                continue
            else:
                value, again = (
                    group_gain(c, places, metric) for c in (cov.estimate, cov.replicates)
                )
                how = _freed
            estimate[t], low[t], high[t] = how(float(value), again, level)
        ends = {"estimate": estimate, "low": low, "high": high, "n": counts}
        parts.append(pd.DataFrame({"metric": metric, "term": spec.terms, **ends}))
    table = pd.concat(parts, ignore_index=True)
    table["rank"] = table.groupby("metric")["estimate"].rank(ascending=False, method="min")
    remarks = notes.regression_notes(spec, sums, cov, drawn, covariates_note(spec))
    signs = _signs(spec.terms, spec.players, roots, counts, level)
    return Result(
        {"table": table, "signs": signs},
        _finding(table, signs),
        i18n.together(remarks),
        "share",
        **spec.sample.bootstrap,
        columns=COLUMNS,
    )


def _scaled(cov: np.ndarray) -> np.ndarray:
    """Correlations (..., p, p); a column without variance has none with others."""
    deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    deviation = np.where(deviation > 0, deviation, 1.0)
    return cov / deviation[..., :, None] / deviation[..., None, :]


def correlation(cov: np.ndarray) -> np.ndarray:
    """Correlation of each driver with the outcome, (..., k); its square is the metric "first"."""
    return _scaled(cov)[..., 0, 1:]


def coefficient(cov: np.ndarray) -> np.ndarray:
    """Standardised coefficient of each driver, (..., k); its square is the metric "betasq"."""
    return linear.slopes(_scaled(cov))[0]


def semipartial(cov: np.ndarray) -> np.ndarray:
    """Root of the gain in R² of each driver after all others, signed, (..., k)."""
    beta, gain, _left = linear.solution(_scaled(cov))
    return np.sign(beta) * np.sqrt(gain)


def pratt(cov: np.ndarray) -> np.ndarray:
    """Coefficient times correlation, (..., k); they add up to R²."""
    return coefficient(cov) * correlation(cov)


def car_score(cov: np.ndarray) -> np.ndarray:
    """Correlations of the outcome with the drivers made uncorrelated (Zuber and Strimmer 2011)."""
    cor = _scaled(cov)
    sound = linear_algebra.solvable(cor[..., 1:, 1:])[..., None]
    safe = np.where(sound[..., None], cor[..., 1:, 1:], np.eye(cor.shape[-1] - 1))
    values, vectors = np.linalg.eigh(safe)
    turned = np.swapaxes(vectors, -1, -2) @ cor[..., 1:, :1] / np.sqrt(values)[..., None]
    return np.where(sound, (vectors @ turned)[..., 0], np.nan)


ROOTS = {
    "first": correlation,
    "last": semipartial,
    "betasq": coefficient,
    "pratt": pratt,
    "car": car_score,
}


def group_gain(cov: np.ndarray, places: Sequence[int], metric: str) -> np.ndarray:
    """R² of some drivers together, "first" of all or after all others ("last"), (...,)."""
    k = cov.shape[-1] - 1
    own = [0, *(1 + j for j in places)]
    rest = [0, *(1 + j for j in range(k) if j not in places)]
    if metric == "first":
        return _fit(cov, own)
    return _fit(cov, list(range(k + 1))) - _fit(cov, rest)


def _fit(cov: np.ndarray, at: Sequence[int]) -> np.ndarray:
    """R² of the outcome on the drivers at these places, (...,)."""
    cor = _scaled(cov[..., at, :][..., at])
    empty = np.diagonal(cor, axis1=-2, axis2=-1) == 0
    cor = cor + empty[..., None] * np.eye(len(at))
    across = cor[..., 1:, :1]
    return (across * linear_algebra.solve(cor[..., 1:, 1:], across)).sum((-2, -1))


def owen(cov: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Owen values of R²: groups enter one after another, and drivers within their group.

    The average gain over all orders in which no group is interrupted. Values of a group add up to
    the Shapley value of the group entered as one, unlike plain Shapley values.

    Parameters
    ----------
    cov : covariances, (..., 1 + k, 1 + k), the outcome first
    groups : places of the drivers of each group, 0 to k - 1, each once; at most 12 groups

    Returns
    -------
    Parts of R², (..., k), in the order of the drivers. As the `method` of `importance`:
    ``functools.partial(owen, groups=[[0, 1], [2]])``.

    Raises
    ------
    ValueError : a driver in no group or in two; more than 12 groups

    References
    ----------
    Owen (1977), Values of games with a priori unions.

    Examples
    --------
    >>> cov = np.array([[1, 0.5, 0.4], [0.5, 1, 0.5], [0.4, 0.5, 1]])
    >>> owen(cov, [[0], [1]]).round(3).tolist()          # groups of one: Shapley values
    [0.185, 0.095]
    """
    k = cov.shape[-1] - 1
    if sorted(j for own in groups for j in own) != list(range(k)):
        raise ValueError(f"each of the {k} drivers must be in one of the groups.")
    if len(groups) > 12:
        raise ValueError(f"{len(groups)} groups are too many to order; the limit is 12.")
    values = np.zeros((*cov.shape[:-2], k))
    for g, own in enumerate(groups):
        others = [list(p) for at, p in enumerate(groups) if at != g]
        for before, chance in _coalitions(len(others)):
            entered = [1 + j for at in before for j in others[at]]
            at = [0, *(1 + j for j in own), *entered]
            rest = linear.given_the_last(cov[..., at, :][..., at], 1 + len(own))
            left = rest[..., 0, 0] / cov[..., 0, 0]
            values[..., list(own)] += chance * left[..., None] * shapley_values.shapley(rest)
    return values


def _coalitions(n: int) -> list[tuple[list[int], float]]:
    """Every set of n others, and the chance that exactly they come before in a random order."""
    from math import comb

    sets = ([i for i in range(n) if mask >> i & 1] for mask in range(1 << n))
    return [(found, 1 / ((n + 1) * comb(n, len(found)))) for found in sets]


def _plain(estimate: float, drawn: np.ndarray, level: float) -> tuple[float, float, float]:
    low, high = (float(end) for end in percentile_interval(drawn, level))
    estimate = float(estimate)
    return estimate, min(low, estimate), max(high, estimate)


def squared_interval(
    estimate: float, drawn: np.ndarray, level: float
) -> tuple[float, float, float]:
    """The square of a number and of its interval, which is 0 at the lowest where it holds 0."""
    estimate, low, high = _plain(estimate, drawn, level)
    ends = low**2, high**2
    return estimate**2, 0.0 if low <= 0 <= high else min(ends), max(ends)


def _freed(estimate: float, drawn: np.ndarray, level: float) -> tuple[float, float, float]:
    """A gain of several columns, whose draws lie too high: moved back by the bias twice."""
    low, high = (float(end) for end in percentile_interval(drawn, level))
    estimate = float(estimate)
    bias = float(np.nanmean(drawn)) - estimate
    return estimate, min(max(low - 2 * bias, 0.0), estimate), max(high - 2 * bias, estimate)


def _signs(
    terms: list[str],
    players: Players,
    roots: Mapping[str, tuple[np.ndarray, np.ndarray]],
    counts: int | list[int],
    level: float,
) -> pd.DataFrame:
    """Coefficient and correlation of the drivers that are one column."""
    n = np.broadcast_to(counts, len(terms))
    rows = []
    for term, places, answers in zip(terms, players, n.tolist(), strict=True):
        if len(places) > 1:
            continue
        sides = [[part[..., places[0]] for part in roots[m]] for m in ("betasq", "first")]
        beta, r = (_plain(float(own), again, level) for own, again in sides)
        both = beta[0] * r[0] < 0 and all(x[1] > 0 or x[2] < 0 for x in (beta, r))
        rows.append((term, *beta, answers, *r, both))
    names = ["term", "estimate", "low", "high", "n"]
    return pd.DataFrame(
        rows, columns=[*names, "correlation", "correlation_low", "correlation_high", "suppressed"]
    )


def _finding(table: pd.DataFrame, signs: pd.DataFrame) -> Finding:
    known = table.dropna(subset=["estimate"])
    if known.empty:
        return Finding(_("Too few answers to show"))
    first = known.loc[known.groupby("metric", sort=False)["estimate"].idxmax()]
    leaders = list(dict.fromkeys(first["term"]))
    against = signs.loc[signs["suppressed"], "term"].tolist()
    detail = ""
    if against:
        detail = _(
            "Coefficient and correlation have opposite signs: {drivers:label_list}.",
            drivers=against,
        )
    if len(leaders) == 1:
        claim = _("Every measure ranks {driver:quoted} first.", driver=leaders[0])
    else:
        claim = _(
            "The measures rank different drivers first: {drivers:label_list}.", drivers=leaders
        )
    return Finding(claim, detail, importance=Importance.CONTEXT)
