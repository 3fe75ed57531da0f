"""Segments as latent classes or a Gaussian mixture: tried, refitted over draws, tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlib.segments import profiles
from cxlib.segments.features import Axis, answers_of, axes_of, in_order
from cxlib.segments.stability import Trial, jaccard_of_counts
from cxlib.stats import adjacent_logit, mixture_em, resampling
from cxlib.stats.mixture_em import Block, Sheet
from cxlib.stats.mixture_refits import NEAR, REFITS, by_pattern, criteria, refit, refits

STARTS = 12
SAMPLE = 3_000  # customers on whom the number of classes is chosen
SUFFICIENT = 0.9  # share of the best gain in BIC that the chosen number brings


@dataclass(frozen=True)
class Classes:
    """What is needed to place a customer: how answers are read, and each class's sums."""

    axes: list[Axis]
    sums: np.ndarray
    joint: bool

    @property
    def ordinal(self) -> list[str]:
        """The features that are ordinal."""
        return [axis.name for axis in self.axes if axis.scores]

    def memberships(self, rows: pd.DataFrame) -> np.ndarray:
        """Probability of each class for each row, (n, k), from the answers given; NaN without."""
        sheet = _sheet(self.axes, rows, np.ones(len(rows)), self.joint)
        inside = mixture_em.membership(sheet, self.sums)
        inside[:, ~sheet.statistics.any(axis=1)] = np.nan
        return inside.T[sheet.pattern]

    def refitted(
        self, rows: pd.DataFrame, w: np.ndarray, times: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Memberships (n, k) of the model fitted again to each draw; `times` (draws, n)."""
        sheet = _sheet(self.axes, rows, w, self.joint)
        for sums in refit(sheet, w, self.sums, times):
            yield mixture_em.membership(sheet, sums).T[sheet.pattern]


@dataclass(frozen=True)
class Answers:
    """Customers' answers, ready to be classified."""

    axes: list[Axis]
    sheet: Sheet
    w: np.ndarray
    joint: bool

    @property
    def different(self) -> int:
        """Number of patterns of answers."""
        return len(self.sheet.weight)

    def trials(
        self, numbers: list[int], sampled: np.ndarray, draws: int, seed: int
    ) -> dict[int, Trial]:
        """A trial for each number of classes, all over the same draws."""
        some = self._of(sampled)
        counts = resampling.multiplicities(len(sampled), draws, seed)
        pattern, w = some.pattern, self.w[sampled]
        drawn = by_pattern(counts * w, pattern, len(some.weight))
        different = by_pattern((counts > 0).astype(float), pattern, len(some.weight))
        found = {1: mixture_em.best(some, 1, 1, seed)}
        for k in numbers:
            near = mixture_em.split(found[k - 1].sums) if k - 1 in found else None
            found[k] = mixture_em.best(some, k, STARTS, seed, near=near)
        alone = criteria(some, found[1], some.weight.sum())["BIC"]
        return {k: _trial(some, found[k], drawn, different, alone, seed) for k in numbers}

    def _of(self, sampled: np.ndarray) -> Sheet:
        """The patterns of some of the rows."""
        at, pattern = np.unique(self.sheet.pattern[sampled], return_inverse=True)
        weight = np.bincount(pattern, self.w[sampled])
        return Sheet(self.sheet.statistics[at], pattern, weight, self.sheet.blocks)

    def describe(
        self, trial: Trial, draws: int, seed: int
    ) -> tuple[Classes, profiles.Description, np.ndarray]:
        """Of all customers, the largest first: (model, description, order of the trial's)."""
        scale = self.sheet.weight.sum() / trial.solution.sums[:, 0].sum()
        sums, _ = mixture_em.maximise(
            self.sheet, trial.solution.sums[None] * scale, self.sheet.weight
        )
        order = np.argsort(-sums[0, :, 0], kind="stable")
        sums = sums[0][order]
        drawn = refits(self.sheet, self.w, sums, min(draws, REFITS), seed)
        inside = mixture_em.membership(self.sheet, sums)
        placed = inside.argmax(0)[self.sheet.pattern]
        n = np.bincount(placed, minlength=len(sums))
        return Classes(self.axes, sums, self.joint), self._description(sums, drawn, n), order

    def _description(
        self, sums: np.ndarray, drawn: np.ndarray, n: np.ndarray
    ) -> profiles.Description:
        share, shares = (s[..., 0] / s[..., 0].sum(-1, keepdims=True) for s in (sums, drawn))
        means, means_drawn = (means_of(self.axes, self.sheet.blocks, s) for s in (sums, drawn))
        overall = share @ means
        levels = np.concatenate([[bool(a.levels)] * max(len(a.levels), 1) for a in self.axes])
        scale = np.concatenate([np.resize(a.scale, max(len(a.levels), 1)) for a in self.axes])
        spread = np.where(levels, np.sqrt(np.clip(overall * (1 - overall), 0, None)), scale)
        located, relocated = (_locations(self.sheet.blocks, s) for s in (sums, drawn))
        return profiles.Description(
            share, shares, means, means_drawn, overall, spread, n, located, relocated
        )


def answers(
    rows: pd.DataFrame, w: np.ndarray, *, joint: bool, ordinal: Sequence[str] = ()
) -> Answers:
    """The customers' answers as patterns; `joint` for a Gaussian mixture of complete numbers."""
    axes = [
        in_order(axis, rows[axis.name]) if axis.name in ordinal else axis
        for axis in axes_of(rows, list(rows), w, skip=True)
    ]
    if joint:
        axes = [replace(axis, steps=()) for axis in axes]
    return Answers(axes, _sheet(axes, rows, w, joint), w, joint)


def _sheet(axes: list[Axis], rows: pd.DataFrame, w: np.ndarray, joint: bool) -> Sheet:
    given = answers_of(axes, rows)
    if joint:  # no gaps are left but those that the median shall fill
        middles = [((a.middle - a.centre) / a.scale)[0] for a in axes]
        given = [(np.where(np.isnan(z), m, z), 0) for (z, _), m in zip(given, middles, strict=True)]
    return mixture_em.sheet_of(given, w, joint=joint, scores=[axis.scores for axis in axes])


def _locations(blocks: list[Block], sums: np.ndarray) -> np.ndarray:
    """Location of each class but the first, against it, on each ordinal answer: (..., k - 1, i)."""
    found = [
        adjacent_logit.locations(sums[..., 1:][..., block.at], block.scores)
        for block in blocks
        if block.scores
    ]
    shape = (*sums.shape[:-2], sums.shape[-2] - 1, 0)
    return np.stack(found, axis=-1) if found else np.empty(shape)


def means_of(axes: list[Axis], blocks: list[Block], sums: np.ndarray) -> np.ndarray:
    """Mean of each number and share of each level, in the features' units: (..., k, p)."""
    part, found = sums[..., 1:], []
    if blocks[0].kind == "numbers":
        z = part[..., 1 : 1 + len(axes)] / part[..., :1]
        found = [z[..., i, None] * a.scale + a.centre for i, a in enumerate(axes)]
    for axis, block in zip(axes, blocks, strict=False) if not found else ():
        own = part[..., block.at]
        if block.kind == "number":
            found.append(
                own[..., 1:2] / np.maximum(own[..., :1], 1e-300) * axis.scale + axis.centre
            )
            continue
        share = own / np.maximum(own.sum(-1, keepdims=True), 1e-300)
        found.append(share @ np.array(axis.steps)[:, None] if axis.steps else share)
    return np.concatenate(found, axis=-1)


def _trial(
    sheet: Sheet,
    found: mixture_em.Solution,
    drawn: np.ndarray,
    different: np.ndarray,
    alone: float,
    seed: int,
) -> Trial:
    k, draws = len(found.sums), len(drawn)
    scale = drawn.sum(1) / sheet.weight.sum()
    warm = found.sums * scale[:, None, None]
    starts = np.concatenate([warm, mixture_em.random_starts(sheet, k, draws, seed, drawn)])
    sums, loglik = mixture_em.maximise(sheet, starts, np.concatenate([drawn, drawn]), NEAR)
    other = np.where((loglik[draws:] > loglik[:draws])[:, None, None], sums[draws:], sums[:draws])
    before = mixture_em.membership(sheet, found.sums).argmax(0)
    parts = mixture_em.parts(sheet, other)
    after = np.concatenate([mixture_em.membership(sheet, other[part]).argmax(1) for part in parts])
    cells = before * k + after + k * k * np.arange(draws)[:, None]
    both = np.bincount(cells.ravel(), different.ravel(), draws * k * k).reshape(draws, k, k)
    facts = criteria(sheet, found, sheet.weight.sum())
    share = found.sums[:, 0] / found.sums[:, 0].sum()
    gain = alone - facts["BIC"]
    return Trial(share, jaccard_of_counts(both), found, gain, facts)
