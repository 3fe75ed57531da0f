"""Weighted sums of answers by cluster of customers, and means and covariances from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.sample import DRAWS, SEED
from cxlib.stats.resampling import ResamplingUnits, sum_by

SUMS = ("weight", "first", "second", "rows")
LEAST_EIGENVALUE = 1e-3  # of pairwise correlations that are to be used


@dataclass(frozen=True)
class Moments:
    """Sums over rows; leading axes (clusters, draws) ride along.

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
    clusters : how each row of sums is drawn; None once added up or drawn
    draws, seed : of the resamples that methods take of these sums
    masses : weight behind each answer by customer (p or 1 columns), where the rows of sums are
        those of several customers each
    """

    columns: tuple[str, ...]
    origin: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    offered: int
    clusters: ResamplingUnits | None = None
    draws: int = DRAWS
    seed: int = SEED
    masses: pd.DataFrame | None = None

    @property
    def keys(self) -> np.ndarray:
        """The key of each row of sums (`draws.keys_of`)."""
        return self.drawn.keys

    @property
    def drawn(self) -> ResamplingUnits:
        """How each row of sums is drawn. Raises ValueError once they are added up or drawn."""
        if self.clusters is None:
            raise ValueError("these sums are added up already, so nothing can be drawn from them.")
        return self.clusters

    @property
    def bootstrap(self) -> dict[str, Any]:
        """`draws` and `seed`, as methods take them by name."""
        return {"draws": self.draws, "seed": self.seed}

    @property
    def pairwise(self) -> bool:
        """Whether each pair of columns has customers of its own."""
        return self.weight.ndim == self.second.ndim

    @property
    def missing(self) -> str:
        """The treatment of missing answers, one of `moments.MISSING`."""
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
    def effective(self) -> float:
        """As how many equally weighted customers these count; the least over answers.

        Kish (1965): squared sum of weights over the sum of squared weights.
        """
        if self.masses is not None:
            w = self.masses.to_numpy()
        else:
            w = sum_by(np.unique(self.keys, return_inverse=True)[1], self._masses())
        return float(np.min(w.sum(0) ** 2 / (w**2).sum(0)))

    @property
    def units(self) -> float:
        """`effective`, or of how many rows of sums resamples are made where those are fewer."""
        return min(self.effective, float(len(np.unique(self.keys))))

    def _masses(self) -> np.ndarray:
        """Weight behind each answer of each row of sums, (rows, p or 1)."""
        return np.diagonal(self.weight, axis1=1, axis2=2) if self.pairwise else self.weight[:, None]

    def total(self) -> Moments:
        """All customers added up."""
        sums = self._mix([np.ones((1, len(self.second)))])
        parts: dict[str, Any] = {p: np.array(getattr(sums, p)[0], order="C") for p in SUMS}
        return replace(sums, **parts)

    def resample(self, draws: int, seed: int) -> Moments:
        """`draws` samples of the customers.

        In memory the draws lie last (the arrays are views), so that arithmetic on
        `np.moveaxis(sums.cov, 0, -1)` runs over draws that lie side by side.
        """
        return self._mix(self.drawn.times(draws, seed))

    def resample_in_parts(self, draws: int, seed: int, together: int) -> Iterator[Moments]:
        """The same draws as `resample`, `together` at a time: for work in little memory."""
        for times in self.drawn.times(draws, seed, together):
            yield self._mix([times])

    def mixed(self, times: np.ndarray) -> Moments:
        """The rows of sums added up, each as often as `times` (samples, rows of sums) says.

        For samples other than draws: groups with their members permuted, parts left out.
        """
        return self._mix([times])

    def parted(self, times: np.ndarray) -> tuple[Moments, Moments]:
        """(`mixed` with `times`, with 1 - `times`): the groups that customers are parted into."""
        one, whole = self._mix([times]), self._mix([np.ones((1, len(self.second)))])
        rest: dict[str, Any] = {part: getattr(whole, part) - getattr(one, part) for part in SUMS}
        return one, replace(one, **rest)

    def select(self, columns: list[str]) -> Moments:
        """The sums of some of the columns, in the order given."""
        at = [self.columns.index(c) for c in columns]
        pick = (..., at, slice(None)), (..., slice(None), at)
        masses = self.masses
        if masses is not None and self.pairwise:
            masses = masses.iloc[:, at]

        def both(a: np.ndarray) -> np.ndarray:
            return a[pick[0]][pick[1]]

        return replace(
            self,
            columns=tuple(columns),
            origin=self.origin[at],
            weight=both(self.weight) if self.pairwise else self.weight,
            first=both(self.first) if self.pairwise else self.first[..., at],
            second=both(self.second),
            masses=masses,
        )

    def transformed(self, columns: Sequence[str], origin: np.ndarray, by: np.ndarray) -> Moments:
        """Sums of linear combinations of the answers less their origin; `by` is (columns, p).

        Not of pairwise sums, in which each pair of columns has rows of its own.
        """
        return replace(
            self,
            columns=tuple(columns),
            origin=origin,
            first=self.first @ by.T,
            second=by @ self.second @ by.T,
        )

    def __add__(self, other: Moments) -> Moments:
        """Both sets of customers, of the same answers around the same origin."""
        if self.columns != other.columns or not np.array_equal(self.origin, other.origin):
            raise ValueError(
                f"sums of {self.columns} around {self.origin} cannot be added to sums of "
                f"{other.columns} around {other.origin}. Sum both with the same columns and origin."
            )
        if self.pairwise != other.pairwise:
            raise ValueError("complete and pairwise sums cannot be added. Sum both the same way.")
        if self.drawn.raking is not other.drawn.raking:
            raise ValueError("sums of rows raked apart cannot be added. Rake all at once.")
        joined: dict[str, Any] = {
            p: np.concatenate([getattr(self, p), getattr(other, p)]) for p in SUMS
        }
        clusters = self.drawn + other.drawn
        return replace(self, **joined, clusters=clusters, offered=self.offered + other.offered)

    def _mix(self, batches: Iterable[np.ndarray]) -> Moments:
        """The rows of sums added up, as often as `batches` (some draws, rows) say."""
        # Everything is laid side by side, and one matrix product a batch makes all its draws;
        # of symmetric sums only one half is multiplied.
        p = len(self.columns)
        upper = np.triu_indices(p)

        def half(a: np.ndarray) -> np.ndarray:
            return a[:, *upper]

        flat = {
            "weight": half(self.weight) if self.pairwise else self.weight[:, None],
            "first": self.first.reshape(len(self.first), -1),
            "second": half(self.second),
            "rows": self.rows[:, None],
        }
        ends = np.cumsum([part.shape[1] for part in flat.values()])[:-1]
        beside = np.concatenate(list(flat.values()), axis=1).T
        mixed = np.concatenate([beside @ counts.T for counts in batches], axis=1)
        weight, first, second, rows = np.split(mixed, ends)
        whole = np.empty((p, p), int)  # where each pair lies in the half
        whole[upper] = whole.T[upper] = np.arange(len(upper[0]))

        def draws_first(a: np.ndarray) -> np.ndarray:
            return np.moveaxis(a, -1, 0)

        return replace(
            self,
            weight=draws_first(weight[whole]) if self.pairwise else weight[0],
            first=draws_first(first.reshape(p, p, -1) if self.pairwise else first),
            second=draws_first(second[whole]),
            rows=rows[0],
            clusters=None,
        )


def together(parts: Sequence[Moments]) -> Moments:
    """Sums of several sets of rows as one; rows of sums of one key and cell are added up.

    Examples
    --------
    >>> one = Moments(("x",), *map(np.array, ([0.0], [2.0], [[4.0]], [[[9.0]]], [2.0])), 2)
    >>> one = replace(one, clusters=ResamplingUnits(np.array([7])))
    >>> both = together([one, one])
    >>> both.keys.tolist(), both.weight.tolist(), both.offered
    ([7], [4.0], 4)
    """
    whole = reduce(Moments.__add__, parts)
    clusters, place, _kind = whole.drawn.grouped()
    sums: dict[str, Any] = {part: sum_by(place, getattr(whole, part)) for part in SUMS}
    known = [p.masses for p in parts if p.masses is not None]
    masses = pd.concat(known).groupby(level=0).sum() if known else None
    return replace(whole, **sums, clusters=clusters, masses=masses)


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


def _ratio(sums: np.ndarray, weight: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / weight
