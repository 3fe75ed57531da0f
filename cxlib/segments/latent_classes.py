"""Segments as latent classes or a Gaussian mixture: tried, refitted over draws, tested.

The classes of a refit are put in the order of the fit by whom they share (Munkres 1957), so that
draw by draw the same class is spoken of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cxlib.segments import mixture_em, profiles
from cxlib.segments.features import Axis, answers_of, axes_of
from cxlib.segments.mixture_em import Block, Sheet
from cxlib.segments.stability import Trial, jaccard_of_counts
from cxlib.stats import resampling

STARTS = 12
REFITS = 200  # draws, at most, in which the model is fitted again
SAMPLE = 3_000  # customers on whom the number of classes is chosen
SUFFICIENT = 0.9  # share of the best gain in BIC that the chosen number brings
NEAR = 0.05  # gain in log-likelihood below which a refit is near enough to the top


@dataclass(frozen=True)
class Classes:
    """What is needed to place a customer: how answers are read, and each class's sums."""

    axes: list[Axis]
    sums: np.ndarray
    joint: bool

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
        for sums in _refit(sheet, w, self.sums, times):
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
        drawn = _by_pattern(counts * w, pattern, len(some.weight))
        different = _by_pattern((counts > 0).astype(float), pattern, len(some.weight))
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
        return profiles.Description(share, shares, means, means_drawn, overall, spread, n)


def answers(rows: pd.DataFrame, w: np.ndarray, *, joint: bool) -> Answers:
    """The customers' answers as patterns; `joint` for a Gaussian mixture of complete numbers."""
    axes = axes_of(rows, list(rows), w, skip=True)
    if joint:
        axes = [replace(axis, steps=()) for axis in axes]
    return Answers(axes, _sheet(axes, rows, w, joint), w, joint)


def _sheet(axes: list[Axis], rows: pd.DataFrame, w: np.ndarray, joint: bool) -> Sheet:
    given = answers_of(axes, rows)
    if joint:  # no gaps are left but those that the median shall fill
        middles = [((a.middle - a.centre) / a.scale)[0] for a in axes]
        given = [(np.where(np.isnan(z), m, z), 0) for (z, _), m in zip(given, middles, strict=True)]
    return mixture_em.sheet_of(given, w, joint=joint)


def refits(sheet: Sheet, w: np.ndarray, sums: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """The model fitted again to samples of the rows, classes in order: (draws, k, 1 + q).

    Each begins at the fit, so that it needs few steps. `w` is (n,).
    """
    return np.concatenate([_refit(sheet, w, sums, c) for c in _in_parts(len(w), draws, seed)])


def _refit(sheet: Sheet, w: np.ndarray, sums: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The model fitted to each draw, `times` (draws, n); classes in the order of `sums`."""
    drawn = _by_pattern(times * w, sheet.pattern, len(sheet.weight))
    starts = np.repeat(sums[None], len(drawn), axis=0)
    return aligned(sheet, sums, mixture_em.maximise(sheet, starts, drawn, NEAR)[0])


def _in_parts(n: int, draws: int, seed: int) -> list[np.ndarray]:
    # All draws of a large study at once would fill the memory.
    counts = resampling.multiplicities(n, draws, seed)
    return np.array_split(counts, max(1, counts.size // 20_000_000))


def aligned(sheet: Sheet, sums: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The classes of `others` (draws, k, 1 + q) in the order of `sums`, by whom they share."""
    ours = (mixture_em.membership(sheet, sums) * sheet.weight).T
    parts = mixture_em.parts(sheet, others)
    shared = np.concatenate([mixture_em.membership(sheet, others[part]) @ ours for part in parts])
    order = np.array([linear_sum_assignment(-each.T)[1] for each in shared])
    return np.take_along_axis(others, order[:, :, None], axis=1)


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


def criteria(sheet: Sheet, found: mixture_em.Solution, n: float) -> dict[str, float]:
    """log-likelihood, parameters, BIC, ICL, entropy (1 is certain) and expected misplacement.

    Schwarz (1978); Biernacki, Celeux and Govaert (2000); Ramaswamy et al. (1993). `n` is the
    (effective) number of customers.
    """
    k = len(found.sums)
    inside = mixture_em.membership(sheet, found.sums)
    unsure = -(sheet.weight * inside * np.log(np.maximum(inside, 1e-300))).sum()
    total = sheet.weight.sum()
    bic = -2 * found.loglik + sheet.parameters(k) * np.log(n)
    return {
        "log-likelihood": found.loglik,
        "parameters": sheet.parameters(k),
        "BIC": bic,
        "ICL": bic + 2 * unsure,
        "entropy": 1 - unsure / (total * np.log(k)) if k > 1 else 1.0,
        "misplaced share": float(1 - sheet.weight @ inside.max(0) / total),
    }


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


def _by_pattern(values: np.ndarray, pattern: np.ndarray, patterns: int) -> np.ndarray:
    """Sums over the rows of each pattern, draw by draw: (draws, patterns)."""
    if patterns == len(pattern):
        order = np.empty(patterns, int)
        order[pattern] = np.arange(patterns)
        return values[:, order].astype(float)
    at = pattern + patterns * np.arange(len(values))[:, None]
    summed = np.bincount(at.ravel(), np.ravel(values), minlength=len(values) * patterns)
    return summed.reshape(len(values), patterns)
