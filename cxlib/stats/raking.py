"""Raking on cells: rows alike in every margin and base weight get one weight; draws are an axis.

A cell is a combination of categories with a base weight. How many rows each cell has is all that
raking needs, so a hundred thousand rows are a few hundred numbers, and a thousand bootstrap draws
are raked together as an array (draws, cells).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.sample import Design
from cxlib.stats.resampling import batches, keys_of

Asked = tuple[str | None, int, int, Design | None]  # cluster, draws, seed, design
NEAR, ROUNDS = 1e-6, 50  # of draws: what a share may still move, and rounds at most
KEPT = 20_000_000  # ratios of draws kept for the next estimate of the page
CELL = "_raking_cell"  # column of counted rows: the cell that they were raked in


@dataclass(frozen=True)
class Cells:
    """Cells and the margins they are raked to.

    base : (cells,) weight that raking starts from; codes : of each attribute, the place of each
    cell's category in its target; targets : the population's shares
    """

    base: np.ndarray
    codes: list[np.ndarray]
    targets: list[np.ndarray]

    def rake(
        self, n: np.ndarray, start: np.ndarray, trim: float, tolerance: float, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(weights, rounds) of each draw for its `n` (draws, cells) rows; 0 rounds: not settled.

        Iterative proportional fitting from `start` (cells,), by which no weight exceeds `trim`
        times the mean. A category that nobody of a draw is in leaves its share to the others.
        """
        ends = np.repeat(start[None], len(n), axis=0)
        rounds, left, w = np.zeros(len(n), int), np.arange(len(n)), ends.copy()
        within = [np.eye(len(t))[code] for code, t in zip(self.codes, self.targets, strict=True)]
        for turn in range(1, most + 1):
            moved = np.zeros(len(left))
            for code, target, members in zip(self.codes, self.targets, within, strict=True):
                have = (n * w) @ members
                wanted = np.where(have > 0, target, 0.0)
                with np.errstate(invalid="ignore", divide="ignore"):
                    wanted /= wanted.sum(1, keepdims=True)
                    factor = np.where(have > 0, wanted * have.sum(1, keepdims=True) / have, 1.0)
                    apart = np.abs(wanted - have / have.sum(1, keepdims=True)).max(1)
                w = w * factor[:, code]
                moved = np.maximum(moved, apart)
            cut = trimmed(w, n, trim)
            with np.errstate(invalid="ignore", divide="ignore"):
                moved = np.maximum(moved, (np.abs(cut - w) * (n > 0)).max(1) / n.sum(1))
            w = cut
            done = moved < tolerance
            ends[left] = w
            rounds[left[done]] = turn
            if done.all():
                break
            if done.any():
                left, w, n = left[~done], w[~done], n[~done]
        return ends, rounds


@dataclass(frozen=True)
class Strata:
    """Cells of strata (survey waves) that are raked each by itself, numbered stratum by stratum.

    Each keeps the share of all weights that its base weights give it, in every draw.
    """

    parts: tuple[Cells, ...]

    @property
    def base(self) -> np.ndarray:
        """(cells,) weight that raking starts from."""
        return np.concatenate([part.base for part in self.parts])

    def rake(
        self, n: np.ndarray, start: np.ndarray, trim: float, tolerance: float, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """As of `Cells`: no weight exceeds `trim` times the mean of its stratum."""
        ends, rounds = np.repeat(start[None], len(n), axis=0), np.ones(len(n), int)
        mean = (n @ self.base) / n.sum(1)
        settled, first = np.ones(len(n), bool), 0
        for part in self.parts:
            own = slice(first, first := first + len(part.base))
            there = n[:, own].any(1)  # a draw may have nobody of a stratum
            of = np.ascontiguousarray(n[there, own])
            w, turns = part.rake(of, start[own], trim, tolerance, most)
            ends[there, own] = w * ((of @ part.base) / of.sum(1) / mean[there])[:, None]
            rounds[there] = np.maximum(rounds[there], turns)
            settled[there] &= turns > 0
        return ends, np.where(settled, rounds, 0)


def group_rows(
    codes: list[np.ndarray], sizes: list[int], start: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cells of rows that are alike in all attributes and in base weight.

    Parameters
    ----------
    codes : of each attribute the place of each row's category
    sizes : of each attribute how many categories there are
    start : base weight of each row

    Returns
    -------
    (cell of each row, [codes of each cell by attribute, then its base weight])

    Examples
    --------
    >>> cell, (code, base) = group_rows([np.array([0, 1, 0])], [2], np.ones(3))
    >>> cell.tolist(), code.tolist(), base.tolist()
    ([0, 1, 0], [0, 1], [1.0, 1.0])
    """
    values, level = start[:1], None
    if np.ptp(start) > 0:
        values, level = np.unique(start, return_inverse=True)
        codes, sizes = [*codes, level], [*sizes, len(values)]
    if np.prod(sizes, dtype=float) < 4 * len(start):  # quicker than sorting
        joint = codes[0]
        for code, size in zip(codes[1:], sizes[1:], strict=True):
            joint = joint * size + code
        there = np.bincount(joint, minlength=int(np.prod(sizes))) > 0
        cell = (np.cumsum(there) - 1)[joint]
        own = list(np.unravel_index(np.flatnonzero(there), sizes))
    else:
        cell = np.zeros(len(start), int)
        for code, size in zip(codes, sizes, strict=True):
            _unused, first, cell = np.unique(
                cell * size + code, return_index=True, return_inverse=True
            )
        own = [c[first] for c in codes]
    if level is None:
        return cell, [*own, np.full(len(own[0]), values[0])]
    return cell, [*own[:-1], values[own[-1]]]


def trimmed(w: np.ndarray, n: np.ndarray, trim: float) -> np.ndarray:
    """Weights (draws, cells) of mean 1 over `n` rows, none above `trim`; others get the rest."""
    size = n.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = w * size / (n * w).sum(1, keepdims=True)
        while ((w > trim * (1 + 1e-12)) & (n > 0)).any():
            high = w >= trim
            low = np.where(high, 0.0, w)
            room = size - trim * (n * high).sum(1, keepdims=True)
            w = np.where(high, trim, low * room / (n * low).sum(1, keepdims=True))
    return w


@dataclass(frozen=True, eq=False)
class Raking:
    """How rows were raked, so that every draw of them is raked again.

    `rows` are those that were weighed; `cell` of each row its cell; `weight` of each cell what it
    got; `count` the column that says how many rows each of `rows` stands for. Counted rows carry
    their cell in the column `CELL`. Copies of a table share one Raking.
    """

    rows: pd.DataFrame
    cell: np.ndarray
    cells: Cells | Strata
    weight: np.ndarray
    trim: float
    count: str | None = None
    _last: dict[Asked, np.ndarray] = field(default_factory=dict, repr=False)

    def __deepcopy__(self, _: dict[str, Any]) -> Raking:
        return self

    def cells_of(self, rows: pd.DataFrame, weight: str) -> np.ndarray | None:
        """Cells of some of the rows that were raked; None if their weights are no longer those."""
        if self.count is not None:
            return rows[CELL].to_numpy() if CELL in rows else None
        place = self.rows.index.get_indexer(rows.index) if self.rows.index.is_unique else [-1]
        if np.min(place, initial=0) < 0 or len(place) != len(rows):
            return None
        cell = self.cell[place]
        same = np.isclose(rows[weight].to_numpy(float, na_value=np.nan), self.weight[cell])
        return cell if same.all() else None

    def ratios(
        self,
        cluster: str | None,
        draws: int,
        seed: int,
        together: int,
        design: Design | None = None,
    ) -> Iterator[np.ndarray]:
        """Weights of the cells in each draw, in parts of their weights: (some draws, cells)."""
        asked = cluster, draws, seed, design
        if asked not in self._last:
            if draws * len(self.weight) > KEPT:
                yield from self._raked(cluster, draws, seed, together, design)
                return
            self._last.clear()
            raked = self._raked(cluster, draws, seed, together, design)
            self._last[asked] = np.concatenate(list(raked))
        for start in range(0, draws, together):
            yield self._last[asked][start : start + together]

    def _raked(
        self, cluster: str | None, draws: int, seed: int, together: int, design: Design | None
    ) -> Iterator[np.ndarray]:
        from scipy.sparse import coo_array

        counts = np.ones(len(self.rows))
        if self.count is not None:  # counted by these keys
            counts, of_rows = self.rows[self.count].to_numpy(float), self.rows[cluster].to_numpy()
        else:
            of_rows = keys_of(self.rows, cluster) if design is None else design.units_of(self.rows)
        keys, place = np.unique(of_rows, return_inverse=True)
        shape = len(self.weight), len(keys)
        rows = coo_array((counts, (self.cell, place)), shape=shape).tocsr()
        drawn = batches if design is None else design.multiplicities
        for times in drawn(keys, draws, seed, together):
            n = np.ascontiguousarray((rows @ times.T.astype(float)).T)
            w, _ = self.cells.rake(n, self.weight, self.trim, NEAR, ROUNDS)
            yield np.divide(w, self.weight, out=np.zeros_like(w), where=self.weight > 0)
