"""Driver importance: answers in, shares with intervals and one sentence out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import moments, page, weights
from cxlib.drivers import said, shares
from cxlib.estimates import LEVEL, Estimates, at_once, how_drawn, tabulate, widened
from cxlib.moments import Moments

COPY = 1 - 1e-9  # correlation from which one driver says what another does
LEAST_VARIANCE = 1e-9  # of a column in a draw, in parts of its variance in the sample
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another


@dataclass(frozen=True)
class Importance(Estimates):
    """Shares of R² (`table`), and R² itself with its interval (`r2`).

    Beyond the usual columns `table` has rank_low and rank_high, the 95% interval of the driver's
    rank, and chance_first, the share of draws in which it comes first.
    """

    r2: pd.DataFrame = field(kw_only=True)


@dataclass(frozen=True)
class Comparison(Estimates):
    """Shares in each group (`table`), and how far each is from everybody's (`differences`)."""

    differences: pd.DataFrame = field(kw_only=True)


def importance(
    responses: pd.DataFrame | Moments,
    outcome: str,
    drivers: list[str],
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Importance:
    """Share of the explained variance that belongs to each driver, with 95% intervals.

    Shapley values of R² (Lindeman, Merenda and Gold 1980): exact for up to 16 drivers, beyond that
    from sampled orders of entry, whose error the note tells. `responses` are answers, a row each,
    or sums of them. With `missing="pairwise"` each pair of questions uses those who answered both,
    as needed where nobody meets every touchpoint. Raises ValueError for drivers that are unknown,
    constant, copies of one another or too many, and for too few answers.
    """
    how = {"weight": weight, "bucket": bucket, "missing": missing, "draws": draws, "seed": seed}
    return _importance(responses, outcome, list(drivers), _values(len(drivers), seed), **how)


def relative_weights(
    responses: pd.DataFrame | Moments,
    outcome: str,
    drivers: list[str],
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Importance:
    """Johnson's relative weights as shares of R²: one regression, so for any number of drivers.

    Johnson (2000). Same table and errors as `importance`.
    """
    how = {"weight": weight, "bucket": bucket, "missing": missing, "draws": draws, "seed": seed}
    return _importance(
        responses, outcome, list(drivers), lambda cov: (shares.johnson(cov), 0), **how
    )


def agreement(first: Estimates, second: Estimates) -> str:
    """One sentence: do two methods put the drivers in the same order? (Spearman 1904)"""
    both = first.table.merge(second.table, on="term", suffixes=("", "_2"))
    ranks = both[["estimate", "estimate_2"]].rank()
    same_first = both["estimate"].idxmax() == both["estimate_2"].idxmax()
    correlation = page.number(ranks["estimate"].corr(ranks["estimate_2"]), 2)
    if same_first:
        return page.say(
            "Both methods put the same driver first; rank correlation {r}.", r=correlation
        )
    return page.say("The methods put different drivers first; rank correlation {r}.", r=correlation)


def importance_by(
    responses: pd.DataFrame,
    outcome: str,
    drivers: list[str],
    by: str,
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Comparison:
    """Shares of R² in each group of the column `by`, and their differences from everybody's.

    The intervals of `table` hold all at once, and so do those of `differences` (max-t over groups
    and drivers); groups are drawn together, customers whole. A group too small or too uniform
    for a regression is left blank and named in the note.
    """
    drivers = list(drivers)
    how = {"weight": weight, "bucket": bucket, "missing": missing}
    sums = _sums(responses, outcome, drivers, **how)
    groups = moments.by_group(responses, [outcome, *drivers], by, **how)
    values = _values(len(drivers), seed)
    whole, _ = _estimate(sums, values)
    fits = {g: _group(s, values, draws, seed) for g, s in groups.items()}
    blank = [g for g, (point, _) in fits.items() if np.isnan(point).any()]
    point = np.concatenate([p for p, _ in fits.values()])
    again = np.concatenate([r for _, r in fits.values()], axis=1)
    drawn, _ = _drawn(sums, values, draws, seed)
    frame = pd.DataFrame(
        {by: np.repeat([str(g) for g in groups], len(drivers)), "term": drivers * len(groups)}
    )
    n = np.repeat([int(s.rows.sum()) for s in groups.values()], len(drivers))
    low, high = at_once(point, again)
    table = frame.assign(estimate=point, low=low.clip(0), high=high.clip(None, 1), n=n)
    apart = point - np.tile(_parts(whole), len(groups))
    low, high = at_once(apart, again - np.tile(_parts(drawn), (1, len(groups))))
    differences = frame.assign(estimate=apart, low=low, high=high, n=n)
    remarks = [
        said.answered(responses, sums, outcome, drivers),
        page.say(
            "Intervals hold at once over groups and drivers; {draws} draws.",
            draws=page.count(draws),
        ),
        said.blank(blank, by),
        said.failures(again[:, ~np.isnan(point)], draws),
    ]
    return Comparison(
        table,
        said.difference_sentence(differences, by, outcome),
        page.together(remarks),
        "share",
        draws=draws,
        seed=seed,
        differences=differences,
    )


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


def _importance(
    responses, outcome, drivers, values, *, weight, bucket, missing, draws, seed
) -> Importance:
    sums = _sums(responses, outcome, drivers, weight=weight, bucket=bucket, missing=missing)
    gains, remark = _estimate(sums, values)
    again, mended = _drawn(sums, values, draws, seed)
    n = said.counts(responses, sums, outcome, drivers)
    level = widened(sums.effective, 1 + len(drivers))
    table = tabulate(drivers, _parts(gains), _parts(again), n, level=level)
    table = table.assign(**_ranks(_parts(again)))
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    total = again.sum(-1, keepdims=True)
    answered = said.used(responses, sums, outcome, drivers)
    r2 = tabulate(["R²"], [gains.sum()], total, answered, level=level)
    remarks = [
        said.answered(responses, sums, outcome, drivers),
        said.not_experienced(responses, drivers),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        remark,
        said.mended(mended, draws),
        said.failures(again, draws),
    ]
    return Importance(
        table,
        said.sentence(table, r2, outcome, _by_chance(sums, float(gains.sum()))),
        page.together(remarks),
        "share",
        draws=draws,
        seed=seed,
        r2=r2,
    )


def _by_chance(sums: Moments, r2: float) -> bool:
    """Whether unrelated drivers would reach this R² in 5 samples of 100 or more (F test)."""
    from scipy.special import fdtrc

    k = len(sums.columns) - 1
    free = sums.effective - k - 1
    return free <= 0 or fdtrc(k, free, r2 / max(1 - r2, 1e-12) * free / k) >= 1 - LEVEL


def _values(k: int, seed: int) -> Callable:
    """The function from covariances to (gains in R², their sampling errors)."""
    if k > shares.MOST_SAMPLED:
        raise ValueError(
            f"{k} drivers are too many to order; the limit is {shares.MOST_SAMPLED}. Group them "
            "first, or use drivers.relative_weights(), which needs one regression."
        )
    if k > shares.MOST_EXACT:
        return lambda cov: shares.sampled_shapley(cov, seed)
    return lambda cov: (shares.shapley(cov), 0)


def _parts(gains: np.ndarray) -> np.ndarray:
    """Gains as shares of R²."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return gains / gains.sum(-1, keepdims=True)


def _sums(responses, outcome: str, drivers: list[str], *, weight, bucket, missing) -> Moments:
    columns = [outcome, *drivers]
    if not drivers:
        raise ValueError("no drivers given. Name the columns that may explain the outcome.")
    if twice := sorted({c for c in columns if columns.count(c) > 1}):
        where = "the outcome and a driver" if twice[0] == outcome else "given twice as a driver"
        raise ValueError(f"{twice[0]!r} is {where}. Name each column once.")
    if isinstance(responses, Moments):
        sums = responses.select(columns)
    else:
        sums = moments.of(responses, columns, weight=weight, bucket=bucket, missing=missing)
    if (n := int(sums.rows.sum())) < len(drivers) + 3:
        raise ValueError(
            f"{n} of {sums.offered:,} responses can be used for {len(drivers)} drivers; at least "
            f"{len(drivers) + 3} are needed, and some 30 a driver for useful intervals. Take fewer "
            "drivers or more responses, or missing='pairwise'."
        )
    _check_spread(sums, outcome, drivers)
    return sums


def _check_spread(sums: Moments, outcome: str, drivers: list[str]) -> None:
    total = sums.total()
    variance, columns = np.diagonal(total.cov), [outcome, *drivers]
    if alike := [c for c, v in zip(columns, variance, strict=True) if v < 1e-12]:
        mean = total.mean[columns.index(alike[0])]
        first = alike[0] == outcome
        mend = "cannot be explained; choose another" if first else "explains nothing; leave it out"
        raise ValueError(
            f"{'outcome' if first else 'driver'} {alike[0]!r} is constant: all "
            f"{int(sums.rows.sum()):,} answers are {mean:g}. What never differs {mend}."
        )
    if np.isnan(total.cov).any():
        i, j = np.argwhere(np.isnan(total.cov))[0]
        raise ValueError(
            f"nobody answers both {columns[i]!r} and {columns[j]!r}, so they cannot be weighed "
            "together. Leave one out."
        )
    same = np.argwhere(np.triu(np.abs(total.cor), 1) > COPY)
    if len(same):
        one, other = (columns[i] for i in same[0])
        what = "the outcome" if one == outcome else f"driver {one!r}"
        raise ValueError(
            f"driver {other!r} is a copy of {what} (correlation {total.cor[tuple(same[0])]:.3f}): "
            "the credit cannot be shared between them. Leave one out."
        )
    if not sums.pairwise:
        _check_combinations(total.cor[1:, 1:], drivers)


def _check_combinations(cor: np.ndarray, drivers: list[str]) -> None:
    values, vectors = np.linalg.eigh(cor)
    if values[0] < shares.LEAST_PIVOT:
        involved = [d for d, v in zip(drivers, vectors[:, 0], strict=True) if abs(v) > 0.05]
        raise ValueError(
            f"drivers {', '.join(involved)} are copies of one another taken together: one is a sum "
            "of the others. Leave one of them out."
        )


def _estimate(sums: Moments, values: Callable) -> tuple[np.ndarray, str]:
    """Gains in R² of the drivers, and what there is to say about how they were found."""
    cov, remark = sums.total().cov, ""
    if sums.pairwise:
        cov, moved = moments.possible(cov)
        if not moved <= MOST_MOVED:
            raise ValueError(
                f"pairwise correlations contradict one another (one would have to move by "
                f"{moved:.2f}; the limit is {MOST_MOVED}). Leave out drivers that few answer, or "
                "use missing='complete'."
            )
        if moved:
            remark = page.say(
                "Pairwise correlations were impossible; moved by up to {moved} to possible ones.",
                moved=page.number(float(moved), 3),
            )
    gains, errors = values(cov)
    if np.any(errors):
        remark += page.say(
            " Shares come from sampled orders of entry, with a standard error of {error} at most.",
            error=page.percent(float(np.max(errors) / gains.sum()), 2),
        )
    return gains, remark.strip()


def _drawn(sums: Moments, values: Callable, draws: int, seed: int) -> tuple[np.ndarray, int]:
    """Gains in each draw (draws, k), NaN where there is no solution, and draws that were mended."""
    cov, mended = sums.resample(draws, seed).cov, 0
    # A constant column has a variance of rounding errors, which would pass for answers.
    least = LEAST_VARIANCE * np.diagonal(sums.total().cov)
    constant = (np.diagonal(cov, axis1=-2, axis2=-1) < least).any(-1)
    cov = np.where(constant[:, None, None], np.nan, cov) if constant.any() else cov
    with np.errstate(invalid="ignore", divide="ignore"):
        if sums.pairwise:
            cov, moved = moments.possible(cov)
            mended = int((moved > 0).sum())
        return values(cov)[0], mended


def _group(sums: Moments, values: Callable, draws: int, seed: int):
    """Shares in one group and its draws; NaN where the group cannot carry a regression."""
    k = len(sums.columns) - 1
    nothing = np.full(k, np.nan), np.full((draws, k), np.nan)
    if sums.rows.sum() < k + 3:
        return nothing
    with np.errstate(invalid="ignore", divide="ignore"):
        cov = sums.total().cov
        if (np.diagonal(cov) < 1e-12).any() or np.isnan(cov).any():
            return nothing
        if sums.pairwise:
            cov, moved = moments.possible(cov)
            if not moved <= MOST_MOVED:
                return nothing
        point = _parts(values(cov)[0])
        return point, _parts(_drawn(sums, values, draws, seed)[0])


def _ranks(parts: np.ndarray) -> dict[str, np.ndarray]:
    """Interval of each driver's rank (1 is the largest share), and how often it comes first."""
    parts = parts[~np.isnan(parts).any(1)]
    if not len(parts):
        nothing = np.full(parts.shape[1], np.nan)
        return {"rank_low": nothing, "rank_high": nothing, "chance_first": nothing}
    ranks = 1 + (-parts).argsort(1).argsort(1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return {
        "rank_low": low.astype(int),
        "rank_high": high.astype(int),
        "chance_first": (ranks == 1).mean(0),
    }
