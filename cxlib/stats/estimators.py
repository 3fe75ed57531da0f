"""Ratios, means, shares, differences and regressions with all their bootstrap replicates.

    means = cell_means(y, place, 16, clusters=resampling.resampling_units(sample))
    means.estimate, means.replicates            # (16, outcomes), (draws, 16, outcomes)
    means @ contrast                            # any sum of cells, with its replicates
    ratio(spent, orders, draws=1000, seed=1)    # sums over sums: shares, means, rates

A difference between arms, a difference in differences, an event study and a placebo are sums of
cell means, so one pass over the rows serves them all, drawn from the same customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats import intervals, linear_algebra, resampling
from cxlib.stats.resampling import ResamplingUnits


@dataclass(frozen=True, eq=False)
class Replicated:
    """Estimates and the same numbers in each bootstrap draw.

    Attributes
    ----------
    estimate : (...)
    replicates : (draws, ...); NaN where a draw gives none
    units : customers behind them, for the width of intervals

    Examples
    --------
    >>> one = Replicated(np.array([3.0]), np.array([[2.0], [4.0]]))
    >>> (one - one).replicates.ravel().tolist()
    [0.0, 0.0]
    """

    estimate: np.ndarray
    replicates: np.ndarray
    units: float = np.inf

    def __matmul__(self, contrast: np.ndarray) -> Replicated:
        """Sums over the first axis: `contrast` is (places, terms); gives (terms, ...)."""
        point = np.tensordot(contrast.T, self.estimate, 1)
        again = np.moveaxis(np.tensordot(contrast.T, self.replicates, (1, 1)), 1, 0)
        return Replicated(point, again, self.units)

    def __sub__(self, other: Replicated) -> Replicated:
        units = min(self.units, other.units)
        return Replicated(self.estimate - other.estimate, self.replicates - other.replicates, units)

    def __getitem__(self, places: object) -> Replicated:
        places = places if isinstance(places, tuple) else (places,)
        return Replicated(
            self.estimate[places], self.replicates[(slice(None), *places)], self.units
        )

    @property
    def error(self) -> np.ndarray:
        """Standard errors, (...)."""
        return np.nanstd(self.replicates, axis=0, ddof=1)

    def __iter__(self) -> Iterator[np.ndarray]:
        """`estimate, replicates = ratio(...)`."""
        return iter((self.estimate, self.replicates))

    def interval(self, level: float = intervals.LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Each with its own interval: (low, high)."""
        if np.isfinite(self.units):
            level = intervals.expanded_level(self.units, 2, level)
        return intervals.percentile_interval(self.replicates, level)

    def simultaneous_interval(
        self, level: float = intervals.LEVEL
    ) -> tuple[np.ndarray, np.ndarray]:
        """Intervals that hold together: (low, high). One number has its own."""
        if self.estimate.size == 1:
            return self.interval(level)
        flat = self.replicates.reshape(len(self.replicates), -1)
        ends = intervals.simultaneous_interval(
            self.estimate.ravel(), flat, level, units=self.units, fitted=2
        )
        low, high = (end.reshape(self.estimate.shape) for end in ends)
        return low, high

    def interval_columns(self) -> dict[str, np.ndarray]:
        """Columns of a table: each with its own interval, and the simultaneous ones of all."""
        ends = (*self.interval(), *self.simultaneous_interval())
        return dict(zip((*INTERVAL[1:], *SIMULTANEOUS), ends, strict=True))

    def p(self) -> np.ndarray:
        """Chance of a number as far from 0 if it were 0 (two-sided, normal law), (...)."""
        from scipy.special import ndtr

        return 2 * ndtr(-np.abs(self.estimate) / np.maximum(self.error, 1e-300))


def share_interval(
    drawn: Replicated,
    n: np.ndarray,
    held: int = 1,
    *,
    units: np.ndarray | None = None,
    effective: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) interval of shares with the effective number of rows that the draws tell.

    Near 0 and 1, where draws hardly vary, it is no more than the number of clusters.

    Parameters
    ----------
    drawn : shares (terms,)
    n : rows behind each
    held : how many shares the intervals hold for at once (Šidák 1967)
    units : clusters behind each, where they are fewer than those of all
    effective : as how many rows of one weight each counts (Kish 1965). A share is then worth no
        more than these rows, which a few rows of small weight could seem to be, and its error
        counts as estimated from as many (`intervals.expanded_level`)

    Examples
    --------
    >>> drawn = mean(np.array([[1.0], [0.0]] * 20), draws=200)
    >>> [bool(0 < end[0] < 1) for end in share_interval(drawn, np.array([40]))]
    [True, True]
    """
    share, spread = drawn.estimate, np.nanvar(drawn.replicates, axis=0, ddof=1)
    rows = np.asarray(n, float) if effective is None else np.minimum(n, effective)
    most = np.minimum(rows, drawn.units if units is None else units)
    varies = (spread > 1e-12) & (share * (1 - share) > 1e-9)
    worth = np.divide(share * (1 - share), spread, out=most + 0 * share, where=varies)
    wanted = intervals.sidak_level(held)
    if effective is None:
        level = np.full(share.shape, wanted)
    else:
        level = np.array([intervals.expanded_level(u, 1, wanted) for u in most + 0 * share])
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = intervals.wilson_interval(share, np.minimum(worth, rows), level)
    empty = np.asarray(n) == 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def rate_interval(
    drawn: Replicated, events: np.ndarray, one: np.ndarray, held: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of rates of events: exact Poisson limits for the effective number of events.

    Parameters
    ----------
    drawn : rates (terms,)
    events : events behind each
    one : the rate that one event makes; it scales the limit where there is none
    held : how many rates the intervals hold for at once (Šidák 1967)

    References
    ----------
    Fay and Feuer (1997), Statistics in Medicine 16: gamma intervals of weighted rates.

    Examples
    --------
    >>> drawn = ratio(np.eye(50)[:, :3].sum(1, keepdims=True), np.ones((50, 1)), draws=200)
    >>> low, high = rate_interval(drawn, np.array([3]), np.array([0.02]))
    >>> bool(0 < low[0] < 0.06 < high[0] < 0.25)
    True
    """
    rate, spread = drawn.estimate, np.nanvar(drawn.replicates, axis=0, ddof=1)
    varies = (spread > 0) & (rate > 0)
    # Events of one customer come together and are worth fewer; they are never worth more.
    worth = np.divide(rate**2, spread, out=np.asarray(events, float) + 0 * rate, where=varies)
    worth = np.where(rate > 0, np.minimum(worth, events), 0.0)
    each = np.divide(rate, worth, out=np.asarray(one, float) + 0 * rate, where=worth > 0)
    low, high = intervals.poisson_interval(worth, intervals.sidak_level(held))
    return low * each, high * each


def columns(values: np.ndarray) -> np.ndarray:
    """Outcomes as columns, (n, outcomes)."""
    values = np.asarray(values, float)
    return values[:, None] if values.ndim == 1 else values


def ready(
    n: int, weight: np.ndarray | None, clusters: ResamplingUnits | None
) -> tuple[np.ndarray, ResamplingUnits]:
    """Weights of 1 and rows drawn one by one, where nothing else is told."""
    w = np.ones(n) if weight is None else np.asarray(weight, float)
    return w, clusters or ResamplingUnits(np.arange(n))


def ratio(
    above: np.ndarray,
    below: np.ndarray,
    *,
    draws: int = 1000,
    seed: int = 1,
    clusters: ResamplingUnits | None = None,
) -> Replicated:
    """Sums over sums: means, shares and rates, with their replicates.

    Parameters
    ----------
    above : what is summed in the numerator, weights included, (rows, terms)
    below : the same in the denominator, (rows, terms), or (rows, 1) for all terms
    draws, seed : of the bootstrap
    clusters : how rows are resampled (`resampling.resampling_units`); each by itself when None

    Returns
    -------
    Replicated of (terms,); NaN where a denominator is 0, in a draw too.

    Examples
    --------
    >>> found = ratio(np.array([[1.0], [0.0], [1.0], [0.0]]), np.ones((4, 1)), draws=200)
    >>> found.estimate.tolist(), found.replicates.shape
    ([0.5], (200, 1))
    """
    terms = above.shape[1]
    sums = np.hstack([above, below]).astype(float)
    whole, drawn = sums.sum(0), resampling.resample_sums(sums, draws, seed, clusters)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate, replicates = (s[..., :terms] / s[..., terms:] for s in (whole, drawn))
    units = len(np.unique(clusters.keys)) if clusters is not None else len(sums)
    return Replicated(estimate, replicates, float(units))


def mean(
    values: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    draws: int = 1000,
    seed: int = 1,
    clusters: ResamplingUnits | None = None,
) -> Replicated:
    """Weighted means of columns (rows, terms); missing values are left out. Shares of booleans.

    Parameters and return value as in `ratio`.

    Examples
    --------
    >>> mean(np.array([[1.0, 2.0], [3.0, np.nan]]), draws=10).estimate.tolist()
    [2.0, 2.0]
    """
    values = columns(np.asarray(values, float))
    w = np.ones((len(values), 1)) if weight is None else np.asarray(weight, float)[:, None]
    known = ~np.isnan(values)
    above, below = w * np.where(known, values, 0.0), w * known
    return ratio(above, below, draws=draws, seed=seed, clusters=clusters)


def cell_means(
    y: np.ndarray,
    place: np.ndarray,
    cells: int,
    *,
    weight: np.ndarray | None = None,
    clusters: ResamplingUnits | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Replicated:
    """Weighted means of the outcomes in each cell, (cells, outcomes); missing outcomes left out.

    `place` is the cell of each row, -1 for none. An empty cell is NaN.

    Examples
    --------
    >>> y, place = np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])
    >>> cell_means(y, place, 2, draws=10).estimate.ravel().tolist()
    [2.0, 5.0]
    """
    y = columns(y)
    w, clusters = ready(len(y), weight, clusters)
    there = ~np.isnan(y) & (place >= 0)[:, None]
    whom, unit, _ = clusters.grouped()
    spot, size = unit * cells + np.maximum(place, 0), len(whom.keys) * cells

    def summed(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(spot, column, size) for column in values.T]
        return np.stack(sums, axis=-1).reshape(len(whom.keys), -1)

    parts = [summed(w[:, None] * np.where(there, y, 0.0)), summed(w[:, None] * there)]
    both = np.concatenate(parts, axis=1)
    drawn = resampling.resample_sums(both, draws, seed, whom)
    with np.errstate(invalid="ignore", divide="ignore"):
        point, again = (np.divide(*np.split(s, 2, axis=-1)) for s in (both.sum(0), drawn))
    shape = (cells, y.shape[1])
    units = float(len(np.unique(clusters.keys[there.any(1)])))
    return Replicated(point.reshape(shape), again.reshape(-1, *shape), units)


def least_squares(
    x: np.ndarray,
    y: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    clusters: ResamplingUnits | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Replicated:
    """Weighted least squares of every outcome on `x` (n, p), no constant added: (p, outcomes).

    Rows must be complete. Raises ValueError where the columns of `x` depend on each other.

    Examples
    --------
    >>> x = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    >>> least_squares(x, np.array([1.0, 3.0, 5.0]), draws=10).estimate.ravel().round(6).tolist()
    [1.0, 2.0]
    """
    y = columns(y)
    w, clusters = ready(len(y), weight, clusters)
    p, q = x.shape[1], y.shape[1]
    whom, place, _kind = clusters.grouped()
    sides = np.hstack([x, y])
    # Column by column: the products of many rows would not fit in memory.
    each = [resampling.sum_by(place, (w * column)[:, None] * sides) for column in x.T]
    products = np.hstack(each)
    drawn = resampling.resample_sums(products, draws, seed, whom).reshape(draws, p, p + q)
    whole = products.sum(0).reshape(1, p, p + q)
    point, again = (linear_algebra.solve(sums[..., :p], sums[..., p:]) for sums in (whole, drawn))
    if np.isnan(point).any():
        raise InsufficientData(
            _(
                "The {p:count} columns of the regression depend on each other in {n:count} rows. "
                "Leave out columns that say the same, or that are the same for everybody.",
                p=p,
                n=len(y),
            )
        )
    return Replicated(point[0], again, float(len(np.unique(clusters.keys))))
