"""Driver importance: answers in, shares with intervals and one sentence out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.drivers import linear, odds, ranks, said, shares
from cxlib.drivers.columns import Chosen, Drivers, choose
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, simultaneous_interval
from cxlib.stats.moments import Moments

METHODS, KINDS = ("shapley", "johnson"), ("linear", "logistic", "ordered")


@dataclass(frozen=True)
class Importance(Estimates):
    """Shares of R² (`table`), R² itself (`r2`), and the shares' `differences`.

    Beyond the usual columns `table` has rank_low and rank_high, the 95% interval of the driver's
    rank, chance_first, the share of draws in which the driver comes first, and top, whether it may
    be the first (with 95% confidence the true first is among them). `differences` has a row for
    each pair: term, other, estimate, low, high (all hold at once), n, and chance, the share
    of draws in which term is ahead of other.
    """

    r2: pd.DataFrame = field(kw_only=True)
    differences: pd.DataFrame = field(kw_only=True)

    @property
    def top(self) -> list[str]:
        """The drivers that may be first: with 95% confidence the true first is among them."""
        return self.table.loc[self.table["top"], "term"].tolist()


@dataclass(frozen=True)
class Comparison(Estimates):
    """Shares in each group (`table`), and how far each is from everybody's (`differences`)."""

    differences: pd.DataFrame = field(kw_only=True)


@dataclass(frozen=True)
class Split:
    """How a fit is shared out: gains (k,), their draws (draws, k), and what belongs to them."""

    gains: np.ndarray
    again: np.ndarray
    measure: str  # of fit
    effective: float
    n: int | list[int]
    answered: int
    by_chance: bool
    remarks: list[str]


def importance(
    responses: pd.DataFrame | Moments,
    outcome: str,
    drivers: Drivers,
    *,
    method: str = "shapley",
    kind: str = "linear",
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Importance:
    """Share of what is explained that belongs to each driver, with 95% intervals.

    `method="shapley"`: average gain over all orders of entry (Lindeman, Merenda and Gold 1980),
    exact for up to 20 drivers, beyond that from sampled orders, whose error the note tells;
    `"johnson"`: relative weights (Johnson 2000), one regression for any number of drivers.
    `kind` is how the outcome is taken: "linear" (R²), "logistic" (two values) or "ordered" (grades,
    proportional odds), the latter two by McFadden's R² (Azen and Traxel 2009; Luchman 2014).

    `responses` are answers, a row each, or sums of them. A driver is a column, a factor (text), or
    with `drivers={"name": [columns]}` a group; what has several columns enters together. `missing`:
    "complete" (rows that answer everything), "pairwise" (each pair of questions uses those who
    answered both), "em" (maximum likelihood of means and covariances) or "dummy" (not experienced
    is adjusted for by a column of its own). Raises ValueError for drivers that are unknown,
    constant, copies of one another or too many, and for too few answers.
    """
    for name, value, allowed in (("method", method, METHODS), ("kind", kind, KINDS)):
        if value not in allowed:
            raise ValueError(f"{name}={value!r} is not a choice. There are: {', '.join(allowed)}.")
    chosen = choose(responses, outcome, drivers, missing)
    _check_method(chosen, method, kind)
    split = _by_sums if kind == "linear" else _by_odds
    found = split(chosen, method, kind, weight, bucket, draws, seed)
    remarks = [
        found.remarks[0],
        said.not_experienced(responses, chosen.terms, chosen.adjusted),
        said.of_both(chosen.adjusted),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        *found.remarks[1:],
        said.failures(found.again, draws),
    ]
    table, r2, differences = _tables(chosen.terms, found)
    answer = said.sentence(table, r2, outcome, found.by_chance)
    note = i18n.together(remarks)
    replicates = _parts(found.again)[:, [chosen.terms.index(t) for t in table["term"]]]
    facts = {"draws": draws, "seed": seed, "replicates": replicates}
    facts |= {"r2": r2, "differences": differences}
    return Importance(table, answer, note, "share", **facts)


def _check_method(chosen: Chosen, method: str, kind: str) -> None:
    if method == "johnson" and kind != "linear":
        raise ValueError(f"method='johnson' is for kind='linear', not {kind!r}. Use 'shapley'.")
    if method == "johnson" and chosen.factors:
        raise ValueError(
            f"method='johnson' hangs on how a factor is coded, and {chosen.factors[0]!r} is one. "
            "Use method='shapley'."
        )
    if method == "shapley" and (k := len(chosen.terms)) > shares.MOST_SAMPLED:
        raise ValueError(
            f"{k} drivers are too many to order; the limit is {shares.MOST_SAMPLED}. Group them "
            "first, or use method='johnson', which needs one regression."
        )


def _tables(terms: list[str], found: Split) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    point, again = _parts(found.gains), _parts(found.again)
    level = expanded_level(found.effective, 1 + len(terms))
    table = estimates_table(terms, point, again, found.n, level=level)
    differences = ranks.pairs(terms, point, again, found.answered, units=found.effective)
    order = ranks.ranked(terms, point, again, level=level)
    table = table.join(order, on="term")
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    total = found.again.sum(-1, keepdims=True)
    r2 = estimates_table([found.measure], [found.gains.sum()], total, found.answered, level=level)
    return table, r2, differences


def _parts(gains: np.ndarray) -> np.ndarray:
    """Gains as shares of R²."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return gains / gains.sum(-1, keepdims=True)


def _by_sums(chosen: Chosen, method, kind, weight, bucket, draws, seed) -> Split:
    sums = chosen.sums(weight=weight, bucket=bucket)
    cov, moved = linear.possible(sums)
    drawn, mended = linear.drawn(sums, chosen, draws, seed)
    if method == "johnson":
        of_columns = shares.johnson(cov), shares.johnson(drawn)
        (gains, again), error = (_together(g, chosen.players) for g in of_columns), 0.0
    else:
        gains, error, again = shares.split(cov, drawn, seed, chosen.players)
    remarks = [
        said.moved(moved),
        said.sampled(error / gains.sum()),
        said.sampled_draws(len(chosen.terms), method),
        said.mended(mended, draws),
    ]
    return Split(
        gains,
        again,
        "R²",
        sums.effective,
        said.counts(chosen, sums),
        said.used(chosen, sums),
        linear.by_chance(float(gains.sum()), len(chosen.columns), sums.effective),
        [said.answered(chosen, sums), *remarks],
    )


def _together(gains: np.ndarray, players: list[list[int]]) -> np.ndarray:
    """Sums over the columns of each term."""
    return np.add.reduceat(gains, [p[0] for p in players], axis=-1)


def _by_odds(chosen: Chosen, method, kind, weight, bucket, draws, seed) -> Split:
    from scipy.special import chdtrc

    grade, x, w, who, offered = odds.graded(chosen, kind, weight, bucket)
    k = len(chosen.players)
    subsets, orders = odds.subsets_of(k, seed)
    member = np.zeros((k, x.shape[1]), bool)
    for p, columns in enumerate(chosen.players):
        member[p, columns] = True
    units, b, _unused = who.grouped()
    counts = np.concatenate(list(units.times(draws, seed)))  # with weights raked anew
    fitted, drawn, gain = odds.worths(grade, x, w, b, subsets @ member, counts)
    both = np.concatenate([fitted[:, None], drawn], axis=1)
    if orders is None:
        gains, error = shares.share_out(both), 0.0
    else:
        place = {s.tobytes(): i for i, s in enumerate(subsets)}
        step = lambda order: odds.along(order, both, place)  # noqa: E731
        gains, errors = shares.over_orders(step, k, seed, odds.FEW_ORDERS)
        error = float(errors[:, 0].max())
    by_bucket = np.bincount(np.unique(who.keys, return_inverse=True)[1], w)
    effective = float(by_bucket.sum() ** 2 / (by_bucket**2).sum())
    n = len(grade)
    by_chance = chdtrc(len(chosen.columns), gain * effective / n) >= 1 - LEVEL
    remarks = [
        said.complete(n, offered),
        said.graded(kind, grade, chosen.outcome),
        said.sampled(error / gains[:, 0].sum()),
    ]
    return Split(
        gains[:, 0], gains[:, 1:].T, "McFadden R²", effective, n, n, bool(by_chance), remarks
    )


def agreement(first: Estimates, second: Estimates) -> str:
    """One sentence: do two methods put the drivers in the same order? (Spearman 1904)"""
    both = first.table.merge(second.table, on="term", suffixes=("", "_2"))
    ranking = both[["estimate", "estimate_2"]].rank()
    same_first = both["estimate"].idxmax() == both["estimate_2"].idxmax()
    correlation = ranking["estimate"].corr(ranking["estimate_2"])
    if same_first:
        return _(
            "Both methods put the same driver first; rank correlation {r:number2}.", r=correlation
        )
    return _(
        "The methods put different drivers first; rank correlation {r:number2}.", r=correlation
    )


def importance_by(
    responses: pd.DataFrame,
    outcome: str,
    drivers: Drivers,
    by: str,
    *,
    kind: str = "linear",
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Comparison:
    """Shares of R² in each group of the column `by`, and their differences from everybody's.

    The intervals of `table` hold all at once, and so do those of `differences` (max-t over groups
    and drivers); groups are drawn together, customers whole. A group too small or too uniform
    for a regression is left blank and named in the note. `kind` as in `importance`.
    """
    chosen = choose(responses, outcome, drivers, missing)
    _check_method(chosen, "shapley", kind)
    split = _by_sums if kind == "linear" else _by_odds
    asked = "shapley", kind, weight, bucket, draws, seed
    rows, every = chosen.responses, split(chosen, *asked)
    groups = {g: rows[rows[by] == g] for g in moments.groups_of(rows, by)}
    fits = {g: _group(split, replace(chosen, responses=r), asked) for g, r in groups.items()}
    blank = [g for g, (point, _) in fits.items() if np.isnan(point).any()]
    whole, drawn = every.gains, every.again
    point = np.concatenate([p for p, _ in fits.values()])
    again = np.concatenate([r for _, r in fits.values()], axis=1)
    k = len(chosen.terms)
    frame = pd.DataFrame(
        {by: np.repeat([str(g) for g in groups], k), "term": chosen.terms * len(groups)}
    )
    used = _used(chosen, weight)
    n = np.repeat([int(used[(rows[by] == g).to_numpy()].sum()) for g in groups], k)
    low, high = simultaneous_interval(point, again)
    table = frame.assign(estimate=point, low=low.clip(0), high=high.clip(None, 1), n=n)
    apart = point - np.tile(_parts(whole), len(groups))
    low, high = simultaneous_interval(apart, again - np.tile(_parts(drawn), (1, len(groups))))
    differences = frame.assign(estimate=apart, low=low, high=high, n=n)
    remarks = [
        every.remarks[0],
        _("Intervals hold at once over groups and drivers; {draws:count} draws.", draws=draws),
        said.blank(blank, by),
        said.failures(again[:, ~np.isnan(point)], draws),
    ]
    return Comparison(
        table,
        said.difference_sentence(differences, by, outcome),
        i18n.together(remarks),
        "share",
        draws=draws,
        seed=seed,
        differences=differences,
    )


def _used(chosen: Chosen, weight: str | None) -> pd.Series:
    """Which rows a fit uses."""
    given = chosen.responses[[chosen.outcome, *chosen.columns]].notna()
    answered = given.all(axis=1) if chosen.missing == "complete" else given.any(axis=1)
    return answered & (moments.weights_of(chosen.responses, weight) > 0)


def _group(split: Callable, chosen: Chosen, asked: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Shares in one group and its draws; NaN where the group cannot carry a regression."""
    k, draws = len(chosen.terms), asked[-2]
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            found = split(chosen, *asked)
            return _parts(found.gains), _parts(found.again)
    except (ValueError, np.linalg.LinAlgError):  # too few, too uniform, or contradicting answers
        return np.full(k, np.nan), np.full((draws, k), np.nan)


def overlap(
    responses: pd.DataFrame | Moments,
    drivers: list[str],
    weight: str | None = None,
    *,
    missing: str = "pairwise",
) -> pd.DataFrame:
    """Correlations of the drivers, a square table: how far they share the credit."""
    drivers = list(drivers)
    if isinstance(responses, Moments):
        sums = responses.select(drivers)
    else:
        sums = moments.of(responses, drivers, weight=weight, missing=missing)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(sums.total().cor.clip(-1, 1), index=drivers, columns=drivers)
