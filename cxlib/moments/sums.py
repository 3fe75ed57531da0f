"""Weighted sums of survey answers: the one small table that every linear method needs.

A mean, a covariance, a regression, a driver's share of R² and a path model are all functions of
three sums: of weights, of answers, and of products of answers. We take the sums once, in buckets of
customers. Adding the buckets gives the estimate; drawing buckets again with replacement gives its
uncertainty. The rows are never read twice.

    sums = moments.of(responses, ["nps", "speed", "price"], weight="weight", bucket="customer_id")
    sums.total().cov                                 # (3, 3)
    sums.resample(draws=1000, seed=7).mean           # (1000, 3)

Missing answers are a named choice. "complete" uses the rows that answer everything; "pairwise" uses
for each pair of answers the rows that give both, which keeps more people but may give a covariance
that no data could have; "em" finds the likeliest means and covariances given all that was answered
(maximum likelihood under the normal law), which holds where what is missing depends on answers
that were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlib.moments.draws import batches, buckets_of

MISSING = ("complete", "pairwise", "em")
SUMS = ("weight", "first", "second", "rows")
LEAST_EIGENVALUE = 1e-3  # of pairwise correlations that are to be used


@dataclass(frozen=True)
class Moments:
    """Sums over rows; leading axes (buckets, draws) ride along.

    Attributes
    ----------
    columns : names of the p answers
    origin  : what was subtracted from each answer before summing, shape (p,): sums of squares of
              large numbers would lose their digits
    weight  : sum of weights, shape (...,); pairwise: (..., p, p), of rows that give both answers
    first   : weighted sums of the answers, shape (..., p); pairwise: (..., p, p), of answer i over
              the rows that give i and j
    second  : weighted sums of their products, shape (..., p, p)
    rows    : rows summed, shape (...,): those that answer everything, or anything when pairwise
    offered : rows looked at, before incomplete ones were left out
    """

    columns: tuple[str, ...]
    origin: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    offered: int

    @property
    def pairwise(self) -> bool:
        return self.weight.ndim == self.second.ndim

    @property
    def missing(self) -> str:
        """The treatment of missing answers, one of MISSING."""
        return "pairwise" if self.pairwise else "complete"

    @property
    def mean(self) -> np.ndarray:
        """Weighted means, (..., p); NaN where a draw has nobody."""
        if self.pairwise:
            sums = np.diagonal(self.first, axis1=-2, axis2=-1)
            return self.origin + _ratio(sums, np.diagonal(self.weight, axis1=-2, axis2=-1))
        return self.origin + _ratio(self.first, self.weight[..., None])

    @property
    def cov(self) -> np.ndarray:
        """Weighted covariances (divided by the sum of weights), (..., p, p)."""
        if self.pairwise:
            mean = _ratio(self.first, self.weight)
            return _ratio(self.second, self.weight) - mean * np.swapaxes(mean, -1, -2)
        mean = _ratio(self.first, self.weight[..., None])
        squares = _ratio(self.second, self.weight[..., None, None])
        return squares - mean[..., :, None] * mean[..., None, :]

    @property
    def cor(self) -> np.ndarray:
        """Weighted correlations, (..., p, p)."""
        cov = self.cov
        deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
        return cov / (deviation[..., :, None] * deviation[..., None, :])

    @property
    def buckets(self) -> int:
        return len(self.second)

    @property
    def effective(self) -> float:
        """As how many equally weighted buckets these count; the least over answers when pairwise.

        Kish (1965): squared sum of weights over the sum of squared weights.
        """
        w = self.weight if self.weight.ndim == 1 else np.diagonal(self.weight, axis1=1, axis2=2)
        return float(np.min(w.sum(0) ** 2 / (w**2).sum(0)))

    def total(self) -> Moments:
        """All buckets added up."""
        sums = self._mix([np.ones((1, self.buckets))])
        parts = {p: np.array(getattr(sums, p)[0], order="C") for p in SUMS}
        return replace(sums, **parts)

    def resample(self, draws: int, seed: int) -> Moments:
        """`draws` new samples, each of as many buckets, drawn with replacement.

        In memory the draws lie last (the arrays are views), so that arithmetic on
        `np.moveaxis(sums.cov, 0, -1)` runs over draws that lie side by side.
        """
        return self._mix(counts.astype(float) for counts in batches(self.buckets, draws, seed))

    def resample_in_parts(self, draws: int, seed: int, together: int) -> Iterator[Moments]:
        """The same draws as `resample`, `together` at a time: for work in little memory."""
        for counts in batches(self.buckets, draws, seed, together):
            yield self._mix([counts.astype(float)])

    def select(self, columns: list[str]) -> Moments:
        """The sums of some of the columns, in the order given."""
        at = [self.columns.index(c) for c in columns]
        pick = (..., at, slice(None)), (..., slice(None), at)
        both = lambda a: a[pick[0]][pick[1]]  # noqa: E731
        return replace(
            self,
            columns=tuple(columns),
            origin=self.origin[at],
            weight=both(self.weight) if self.pairwise else self.weight,
            first=both(self.first) if self.pairwise else self.first[..., at],
            second=both(self.second),
        )

    def __add__(self, other: Moments) -> Moments:
        """Both sets of buckets; they must be of the same answers around the same origin."""
        if self.columns != other.columns or not np.array_equal(self.origin, other.origin):
            raise ValueError(
                f"sums of {self.columns} around {self.origin} cannot be added to sums of "
                f"{other.columns} around {other.origin}. Sum both with the same columns and origin."
            )
        if self.pairwise != other.pairwise:
            raise ValueError("complete and pairwise sums cannot be added. Sum both the same way.")
        joined = {p: np.concatenate([getattr(self, p), getattr(other, p)]) for p in SUMS}
        return replace(self, **joined, offered=self.offered + other.offered)

    def _mix(self, batches: Iterable[np.ndarray]) -> Moments:
        # Everything is laid side by side, and one matrix product a batch makes all its draws;
        # of symmetric sums only one half is multiplied.
        p = len(self.columns)
        upper = np.triu_indices(p)
        half = lambda a: a[:, *upper]  # noqa: E731
        flat = {
            "weight": half(self.weight) if self.pairwise else self.weight[:, None],
            "first": self.first.reshape(self.buckets, -1),
            "second": half(self.second),
            "rows": self.rows[:, None],
        }
        ends = np.cumsum([part.shape[1] for part in flat.values()])[:-1]
        beside = np.concatenate(list(flat.values()), axis=1).T
        mixed = np.concatenate([beside @ counts.T for counts in batches], axis=1)
        weight, first, second, rows = np.split(mixed, ends)
        whole = np.empty((p, p), int)  # where each pair lies in the half
        whole[upper] = whole.T[upper] = np.arange(len(upper[0]))
        draws_first = lambda a: np.moveaxis(a, -1, 0)  # noqa: E731
        return replace(
            self,
            weight=draws_first(weight[whole]) if self.pairwise else weight[0],
            first=draws_first(first.reshape(p, p, -1) if self.pairwise else first),
            second=draws_first(second[whole]),
            rows=rows[0],
        )


def of(
    rows: pd.DataFrame,
    columns: list[str],
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    origin: np.ndarray | None = None,
) -> Moments:
    """Sum `columns` over the rows, bucket by bucket.

    Without `bucket` each row is its own bucket: the ordinary bootstrap, for some 5,000 rows at
    most. With `bucket="customer_id"` customers are drawn whole. Raises ValueError when a column is
    unknown, not a number, or answered by nobody together with the others, and for bad weights.
    """
    answers, origin = _answers(rows, columns, weight, bucket, missing, origin)
    if missing == "em":
        return _patterned(tuple(columns), origin, *answers, answers[2].max() + 1, len(rows))
    return Moments(
        tuple(columns),
        origin,
        *_sums(*answers, missing),
        rows=np.bincount(answers[2]).astype(float),
        offered=len(rows),
    )


def by_group(
    rows: pd.DataFrame,
    columns: list[str],
    by: str,
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
) -> dict[object, Moments]:
    """The sums of each group of the column `by`, over the same buckets as `of` has for all rows.

    A bucket without rows of the group holds zeros, so `resample` with one seed draws the same
    customers in every group and in the whole: differences may be taken draw by draw.
    """
    (x, w, b, given), origin = _answers(rows, columns, weight, bucket, missing, None, by)
    size, group = b.max() + 1, rows[by].to_numpy()[_kept(rows, columns, weight, missing)]
    groups = {}
    for name in pd.unique(rows[by].dropna().sort_values()):
        here, offered = group == name, int((rows[by] == name).sum())
        if missing == "em" and here.any():
            parts = (part[here] for part in (x, w, b, given))
            groups[name] = _patterned(tuple(columns), origin, *parts, size, offered)
            continue
        parts = _sums(x[here], w[here], b[here], given[here], missing) if here.any() else ()
        filled = np.unique(b[here])
        sums = [_spread(part, filled, size) for part in (*parts, np.bincount(b[here])[filled])]
        if parts:
            groups[name] = Moments(tuple(columns), origin, *sums, offered=offered)
    return groups


def possible(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances that some data could have, nearest to pairwise ones: (cov, moved).

    `cov` is (..., p, p). Where the correlations have an eigenvalue under `LEAST_EIGENVALUE` it is
    raised to that, and the diagonal restored. `moved` (...,) is the largest change of a
    correlation: 0 where nothing was the matter, NaN where a covariance is missing.
    """
    deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    scale = deviation[..., :, None] * deviation[..., None, :]
    cor = cov / scale
    whole = np.isfinite(cor).all((-2, -1))
    values, vectors = np.linalg.eigh(np.where(whole[..., None, None], cor, np.eye(cov.shape[-1])))
    raised = np.maximum(values, LEAST_EIGENVALUE)
    mended = (vectors * raised[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    length = np.sqrt(np.diagonal(mended, axis1=-2, axis2=-1))
    mended /= length[..., :, None] * length[..., None, :]
    wrong = values[..., 0] < LEAST_EIGENVALUE
    moved = np.where(wrong, np.abs(mended - cor).max((-2, -1)), np.where(whole, 0.0, np.nan))
    return np.where(wrong[..., None, None], mended * scale, cov), moved


def weights_of(rows: pd.DataFrame, weight: str | None) -> np.ndarray:
    """The rows' weights, ones without a column; ValueError for negative or missing ones."""
    if weight is None:
        return np.ones(len(rows))
    w = _numbers(rows, [weight])[:, 0]
    if bad := int((np.isnan(w) | (w < 0)).sum()):
        raise ValueError(
            f"{bad:,} of {len(rows):,} weights in {weight!r} are negative or missing. Give every "
            "row a weight of 0 or more, or run `weights.rake` again."
        )
    if not w.sum() > 0:
        raise ValueError(f"the weights in {weight!r} sum to {w.sum():g}; some must be positive.")
    return w


def _ratio(sums: np.ndarray, weight: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / weight


def _numbers(rows: pd.DataFrame, columns: list[str]) -> np.ndarray:
    if unknown := [c for c in columns if c not in rows]:
        raise ValueError(
            f"no column {unknown} in these rows. They have: {', '.join(rows.columns)}."
        )
    try:
        return rows[list(columns)].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        text = [c for c in columns if not pd.api.types.is_numeric_dtype(rows[c])]
        raise ValueError(f"{text} hold text, not numbers. Recode them before summing.") from error


def _kept(rows: pd.DataFrame, columns: list[str], weight: str | None, missing: str) -> np.ndarray:
    given = ~np.isnan(_numbers(rows, columns))
    answered = given.all(1) if missing == "complete" else given.any(1)
    return answered & (weights_of(rows, weight) > 0)


def _answers(
    rows: pd.DataFrame,
    columns: list[str],
    weight: str | None,
    bucket: str | None,
    missing: str,
    origin: np.ndarray | None,
    by: str | None = None,
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """((answers less origin, weights, bucket numbers, given), origin) of the rows that are used."""
    if missing not in MISSING:
        raise ValueError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    x, w = _numbers(rows, columns), weights_of(rows, weight)
    if by is not None and by not in rows:
        raise ValueError(f"no column {by!r} in these rows. They have: {', '.join(rows.columns)}.")
    given = ~np.isnan(x)
    keep = _kept(rows, columns, weight, missing)
    if rows.empty:
        raise ValueError("no rows to sum. Choose another wave, or a wider WHERE.")
    if by is not None and rows[by].isna().all():
        raise ValueError(
            f"column {by!r} is empty in these {len(rows):,} rows: there are no groups."
        )
    if not keep.any():
        answered = pd.Series(given.sum(0), index=columns).sort_values()
        raise ValueError(
            f"no row answers all of {columns}: {answered.index[0]!r} has {answered.iloc[0]:,} "
            f"answers in {len(rows):,} rows. Leave it out, or use missing='pairwise'."
        )
    if silent := [c for c, some in zip(columns, given[keep].any(0), strict=True) if not some]:
        raise ValueError(
            f"none of {len(rows):,} rows answers {silent}. Leave them out, or take other rows."
        )
    x, w, given = x[keep], w[keep], given[keep]
    if origin is None:
        origin = np.round(np.nanmean(np.where(given, x, np.nan), axis=0), 1)
    b = np.arange(len(x))
    if bucket is not None:
        b = np.unique(buckets_of(rows, bucket)[keep], return_inverse=True)[1]
    return (np.where(given, x - origin, 0.0), w, b, given), np.asarray(origin, float)


def _sums(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, given: np.ndarray, missing: str
) -> tuple[np.ndarray, ...]:
    return _complete_sums(x, w, b) if missing == "complete" else _pairwise_sums(x, w, b, given)


def _patterned(
    columns: tuple[str, ...],
    origin: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    given: np.ndarray,
    units: int,
    offered: int,
) -> Moments:
    from cxlib.moments.em import Patterned

    _, first, kind = np.unique(
        np.packbits(given, axis=1), axis=0, return_index=True, return_inverse=True
    )
    entry, place = np.unique(b * len(first) + kind.ravel(), return_inverse=True)
    return Patterned(
        columns,
        origin,
        *_complete_sums(x, w, place),
        rows=np.bincount(place).astype(float),
        offered=offered,
        unit=entry // len(first),
        units=units,
        pattern=entry % len(first),
        given=given[first],
    )


def _spread(part: np.ndarray, filled: np.ndarray, size: int) -> np.ndarray:
    whole = np.zeros((size, *part.shape[1:]))
    whole[filled] = part
    return whole


def _complete_sums(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    wx = w[:, None] * x
    return _sum_by(b, w), _sum_by(b, wx), _sum_by(b, wx[:, :, None] * x[:, None, :])


def _pairwise_sums(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, given: np.ndarray
) -> tuple[np.ndarray, ...]:
    there = given.astype(float)
    wx, wg = w[:, None] * x, w[:, None] * there
    return (
        _sum_by(b, wg[:, :, None] * there[:, None, :]),
        _sum_by(b, wx[:, :, None] * there[:, None, :]),
        _sum_by(b, wx[:, :, None] * x[:, None, :]),
    )


def _sum_by(bucket: np.ndarray, values: np.ndarray) -> np.ndarray:
    if np.array_equal(bucket, np.arange(len(values))):
        return values
    order = np.argsort(bucket, kind="stable")
    starts = np.flatnonzero(np.diff(bucket[order], prepend=-1))
    return np.add.reduceat(values[order], starts, axis=0)
