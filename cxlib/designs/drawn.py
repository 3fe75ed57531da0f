"""Means and regressions with all their draws: what every design is made of.

    means = cell_means(y, place, 16, who=moments.who_of(rows, "customer_id"))
    means.point, means.again                    # (16, outcomes), (draws, 16, outcomes)
    means @ contrast                            # any sum of cells, with its draws

A difference between arms, a difference in differences, an event study and a placebo are sums of
cell means, so one pass over the rows serves them all, drawn from the same customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib import estimates, moments
from cxlib.enough import Unfit
from cxlib.moments import Who
from cxlib.stats import linear_algebra


@dataclass(frozen=True, eq=False)
class Drawn:
    """Numbers and the same numbers in each draw.

    Attributes
    ----------
    point : (...)
    again : (draws, ...); NaN where a draw cannot tell
    units : customers behind them, for the width of intervals
    """

    point: np.ndarray
    again: np.ndarray
    units: float = np.inf

    def __matmul__(self, contrast: np.ndarray) -> Drawn:
        """Sums over the first axis: `contrast` is (places, terms); gives (terms, ...)."""
        point = np.tensordot(contrast.T, self.point, 1)
        again = np.moveaxis(np.tensordot(contrast.T, self.again, (1, 1)), 1, 0)
        return Drawn(point, again, self.units)

    def __sub__(self, other: Drawn) -> Drawn:
        units = min(self.units, other.units)
        return Drawn(self.point - other.point, self.again - other.again, units)

    def __getitem__(self, places: object) -> Drawn:
        places = places if isinstance(places, tuple) else (places,)
        return Drawn(self.point[places], self.again[(slice(None), *places)], self.units)

    @property
    def error(self) -> np.ndarray:
        """Standard errors, (...)."""
        return np.nanstd(self.again, axis=0, ddof=1)

    def interval(self, level: float = estimates.LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Each with its own interval: (low, high)."""
        if np.isfinite(self.units):
            level = estimates.widened(self.units, 2, level)
        return estimates.interval(self.again, level)

    def at_once(self, level: float = estimates.LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Intervals that hold together: (low, high). One number has its own."""
        if self.point.size == 1:
            return self.interval(level)
        flat = self.again.reshape(len(self.again), -1)
        ends = estimates.at_once(self.point.ravel(), flat, level, units=self.units, fitted=2)
        return tuple(end.reshape(self.point.shape) for end in ends)

    def p(self) -> np.ndarray:
        """Chance of a number as far from 0 if it were 0 (two-sided, normal law), (...)."""
        from scipy.special import ndtr

        return 2 * ndtr(-np.abs(self.point) / np.maximum(self.error, 1e-300))


def columns(values: np.ndarray) -> np.ndarray:
    """Outcomes as columns, (n, outcomes)."""
    values = np.asarray(values, float)
    return values[:, None] if values.ndim == 1 else values


def ready(n: int, weight: np.ndarray | None, who: Who | None) -> tuple[np.ndarray, Who]:
    """Weights of 1 and rows drawn one by one, where nothing else is told."""
    w = np.ones(n) if weight is None else np.asarray(weight, float)
    return w, who or Who(np.arange(n))


def cell_means(
    y: np.ndarray,
    place: np.ndarray,
    cells: int,
    *,
    weight: np.ndarray | None = None,
    who: Who | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Drawn:
    """Weighted means of the outcomes in each cell, (cells, outcomes); missing outcomes left out.

    `place` is the cell of each row, -1 for none. An empty cell is NaN.
    """
    y = columns(y)
    w, who = ready(len(y), weight, who)
    there = ~np.isnan(y) & (place >= 0)[:, None]
    whom, unit, _ = who.grouped()
    spot, size = unit * cells + np.maximum(place, 0), len(whom.keys) * cells

    def summed(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(spot, column, size) for column in values.T]
        return np.stack(sums, axis=-1).reshape(len(whom.keys), -1)

    parts = [summed(w[:, None] * np.where(there, y, 0.0)), summed(w[:, None] * there)]
    both = np.concatenate(parts, axis=1)
    drawn = moments.resample_sums(both, draws, seed, whom)
    with np.errstate(invalid="ignore", divide="ignore"):
        point, again = (np.divide(*np.split(s, 2, axis=-1)) for s in (both.sum(0), drawn))
    shape = (cells, y.shape[1])
    units = float(len(np.unique(who.keys[there.any(1)])))
    return Drawn(point.reshape(shape), again.reshape(-1, *shape), units)


def least_squares(
    x: np.ndarray,
    y: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    who: Who | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Drawn:
    """Weighted least squares of every outcome on `x` (n, p), no constant added: (p, outcomes).

    Rows must be complete. Raises ValueError where the columns of `x` depend on each other.
    """
    y = columns(y)
    w, who = ready(len(y), weight, who)
    p, q = x.shape[1], y.shape[1]
    products = np.einsum("n,ni,nj->nij", w, x, np.hstack([x, y])).reshape(len(y), -1)
    drawn = moments.resample_sums(products, draws, seed, who).reshape(draws, p, p + q)
    whole = products.sum(0).reshape(1, p, p + q)
    point, again = (linear_algebra.solve(sums[..., :p], sums[..., p:]) for sums in (whole, drawn))
    if np.isnan(point).any():
        raise Unfit(
            f"the {p} columns of the regression depend on each other in {len(y):,} rows. Leave out "
            "columns that say the same, or that are the same for everybody."
        )
    return Drawn(point[0], again, float(len(np.unique(who.keys))))
