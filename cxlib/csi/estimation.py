"""What every fit of a path model starts from: checked sums, the estimate, and the draws.

Nothing is packed into tables here. A model with a construct of a higher order is solved in two
stages; all others in one, so that solutions come as a tuple of one or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.csi import pls
from cxlib.csi.model import Model
from cxlib.stats import moments
from cxlib.stats.moments import Moments

SCALE = (1.0, 10.0)
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another
Scales: TypeAlias = Mapping[str, tuple[float, float]]
Answers: TypeAlias = SampleLike | Moments
Solutions: TypeAlias = tuple[pls.Solution, ...]


@dataclass(frozen=True)
class Options:
    """How a path model is estimated.

    Attributes
    ----------
    scales : lowest and highest possible answer of each question; 1 to 10 where not given
    scheme : inner weighting, "path" (causes by regression, effects by correlation), "factorial",
        "centroid"
    missing : "complete" rows only, "pairwise", or "em" (maximum likelihood)
    consistent : constructs that are not formative are common factors: paths, loadings, R² and
        importance are freed of measurement error (consistent PLS); the index is the same
    scaled : weights are found from correlations; False: from covariances, so that of two questions
        on one scale the one whose answers differ more weighs more (`scaled` of plspm)
    """

    scales: Scales = field(default_factory=dict)
    scheme: str = "path"
    missing: str = "complete"
    consistent: bool = False
    scaled: bool = True

    def __post_init__(self) -> None:
        require_choice("scheme", self.scheme, pls.SCHEMES)
        require_choice("missing", self.missing, moments.MISSING)


@dataclass(frozen=True, eq=False)
class Problem:
    """A model, the sums of its questions, the ends of their scales (p, 2), and how to solve it."""

    model: Model
    sample: Sample | Moments
    sums: Moments
    ends: np.ndarray
    options: Options = field(default_factory=Options)

    @property
    def rows(self) -> pd.DataFrame | None:
        """The answers, a row each; None where only their sums are known."""
        return None if isinstance(self.sample, Moments) else self.sample.data

    @property
    def answers(self) -> Sample | None:
        """The answers, or counts of equal ones to each question; None of sums alone."""
        return None if isinstance(self.sample, Moments) else self.sample.of(self.model.items)

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The models that are estimated one after the other; one, unless it has parts."""
        return self.model.stages if self.model.parts else (self.model,)

    @cached_property
    def plans(self) -> tuple[pls.Plan, ...]:
        """How each of the models is estimated."""
        return tuple(pls.plan_of(m, consistent=self.options.consistent) for m in self.models)

    @cached_property
    def stage_ends(self) -> tuple[np.ndarray, ...]:
        """Ends of the scales in each stage: of questions their own, of constructs 0 to 100."""
        own = {item: tuple(ends) for item, ends in zip(self.model.items, self.ends, strict=True)}
        return tuple(np.array([own.get(i, (0.0, 100.0)) for i in m.items]) for m in self.models)

    @property
    def n(self) -> int:
        """Number of answers."""
        return int(self.sums.rows.sum())

    def solve(self, mean: np.ndarray, cov: np.ndarray, point: Solutions = ()) -> Solutions:
        """Solutions of means (p, D) and covariances (p, p, D), aligned with those of `point`."""
        start: list[np.ndarray | None] = [p.weights[:, 0] for p in point]
        start = start or [None, None]
        how = self.options.scheme, self.options.scaled
        first = pls.solve(self.plans[0], mean, cov, self.ends, how[0], start[0], scaled=how[1])
        if len(self.plans) == 1:
            return (first,)
        lifted = self._lifted(first, mean, cov)
        return first, pls.solve(self.plans[1], *lifted, how[0], start[1], scaled=how[1])

    def _lifted(
        self, first: pls.Solution, mean: np.ndarray, cov: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means, covariances and scales of the second stage, whose questions are 0-100 indices."""
        (lower, higher), (plan, _) = self.models, self.plans
        names, items, own = list(lower.constructs), higher.items, lower.items
        mixing = np.zeros((len(items), *mean.shape))
        means, ends = np.empty((len(items), mean.shape[-1])), np.empty((len(items), 2))
        points = points_of(plan, first.share, self.ends)
        for row, item in enumerate(items):
            if item in names:
                j = names.index(item)
                block = plan.blocks[j]
                mixing[row, block], means[row] = points[block], first.index[j]
                ends[row] = 0.0, 100.0
            else:
                at = own.index(item)
                mixing[row, at], means[row], ends[row] = 1.0, mean[at], self.ends[at]
        half = np.einsum("qpd,prd->qrd", mixing, cov)
        return means, np.einsum("qrd,srd->qsd", half, mixing), ends

    def target_points(self, solutions: Solutions) -> np.ndarray:
        """Points of the target's index for one more of each answer, (p, D); 0 off its own."""
        plan, share = self.plans[0], solutions[0].share
        points = points_of(plan, share, self.ends)
        names, target = list(self.models[0].constructs), self.model.target
        weigh = np.zeros_like(points)
        if len(solutions) == 1:
            weigh[plan.blocks[plan.target]] = 1.0
            return weigh * points
        higher, block = self.models[1], self.plans[1].blocks[self.plans[1].target]
        if target in names:
            weigh[plan.blocks[names.index(target)]] = 1.0
            return weigh * points
        for part, by in zip(higher.constructs[target], solutions[1].share[block], strict=True):
            weigh[plan.blocks[names.index(part)]] = by
        return weigh * points


def points_of(plan: pls.Plan, share: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Points of its construct's 0-100 index for one more of each answer, (p, D)."""
    room = np.add.reduceat(share * (ends[:, 1:] - ends[:, :1]), [b.start for b in plan.blocks])
    return 100 * share / np.repeat(room, [b.stop - b.start for b in plan.blocks], axis=0)


def prepare(answers: Answers, model: Model, options: Options | None = None) -> Problem:
    """Sums of the model's questions and the ends of their scales, both checked."""
    options, items = options or Options(), model.items
    ends = np.array([tuple(map(float, options.scales.get(item, SCALE))) for item in items])
    if (flat := ends[:, 0] >= ends[:, 1]).any():
        raise ValueError(f"scales: {items[flat.argmax()]!r} must have its lowest answer first.")
    if isinstance(answers, Moments):
        sums = answers.select(items)
    else:
        answers = as_sample(answers)
        sums = moments.of(answers, items, missing=options.missing)
        _check_answers(answers.of(items), items, ends)
    most = max((len(causes) for causes in model.paths.values()), default=1)
    if (n := int(sums.rows.sum())) < most + 3:
        raise ValueError(
            f"{n} of {sums.offered} responses can be used; a construct with {most} causes needs "
            f"{most + 3} at the very least, and some 200 for a useful interval."
        )
    _check_spread(sums, items)
    return Problem(model, answers, sums, ends, options)


def _check_answers(answers: Sample, items: list[str], ends: np.ndarray) -> None:
    values, n = answers.data[items].to_numpy(float, na_value=np.nan), answers.counts
    outside = (values < ends[:, 0]) | (values > ends[:, 1])
    if outside.any():
        at = int(outside.any(0).argmax())
        item, given = items[at], int(n[~np.isnan(values[:, at])].sum())
        raise ValueError(
            f"responses.{item}: {int(n[outside[:, at]].sum()):,} of {given:,} answers lie outside "
            f"{ends[at, 0]:g}-{ends[at, 1]:g} (found {values[outside[:, at], at][0]:g}). Recode "
            f"them, or give the question's ends: scales={{{item!r}: (lowest, highest)}}."
        )


def _check_spread(sums: Moments, items: list[str]) -> None:
    total = sums.total()
    variance = np.diagonal(total.cov)
    if alike := [i for i, v in zip(items, variance, strict=True) if v < 1e-12]:
        raise InsufficientData(
            _(
                "Everybody gives the same answer to {questions:quoted_list}. A question without "
                "differences cannot be weighed: leave it out of the model, or take more responses.",
                questions=alike,
            )
        )


def estimate(task: Problem) -> tuple[Solutions, float]:
    """Solutions of everybody (D is 1), and how far pairwise correlations had to be moved."""
    mean, cov, moved = everybody(task)
    point = task.solve(mean, cov)
    if not all(stage.rounds[0] for stage in point):
        raise ValueError(
            f"the weights did not settle in {pls.MOST_ROUNDS} rounds ({task.options.scheme} "
            "scheme): some questions or constructs are copies of one another, or a construct is "
            "unrelated to its neighbours. Look at the correlations of the questions; try another "
            "scheme."
        )
    for stage, plan, staged in zip(point, task.plans, task.models, strict=True):
        _check_factors(stage, plan, staged)
        if np.isnan(stage.paths).any():
            names = list(staged.constructs)
            effect = names[int(np.isnan(stage.paths).any((1, 2)).argmax())]
            freed = ", once freed of measurement error," if any(plan.reflective) else ""
            raise ValueError(
                f"the causes of {effect!r} ({', '.join(staged.paths[effect])}){freed} are copies "
                "of one another: their paths cannot be separated. Leave one out, or join them in "
                "one."
            )
    return point, moved


def everybody(task: Problem) -> tuple[np.ndarray, np.ndarray, float]:
    """Means (p, 1) and covariances (p, p, 1) of all, and how far pairwise ones had to be moved."""
    total = task.sums.total()
    cov, moved = moments.possible(total.cov) if task.sums.pairwise else (total.cov, np.zeros(()))
    if not moved <= MOST_MOVED:
        raise ValueError(_contradiction(total, task.model.items, float(moved)))
    return total.mean[:, None], cov[:, :, None], float(moved)


def _check_factors(point: pls.Solution, plan: pls.Plan, model: Model) -> None:
    for name, factor, rho in zip(model.constructs, plan.reflective, point.rho_a[:, 0], strict=True):
        if factor and not rho > 0:
            raise ValueError(
                f"the questions of {name!r} share nothing (rho_A {rho:.2f}), so they are no common "
                "factor. Recode a reversed question, or do not call the construct reflective."
            )


def _contradiction(total: Moments, items: list[str], moved: float) -> str:
    if np.isnan(moved):
        i, j = np.argwhere(np.isnan(total.cov))[0]
        return (
            f"nobody answers both {items[i]!r} and {items[j]!r}, so they cannot be compared. Leave "
            "one out of the model."
        )
    return (
        f"pairwise correlations contradict one another (one would have to move by {moved:.2f}; "
        f"the limit is {MOST_MOVED}). Use missing='complete', or leave out what few answer."
    )


def covariances(task: Problem) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Resamples in parts: means (p, D), covariances (p, p, D), how many had to be repaired."""
    sums = task.sums
    for drawn in sums.resample_in_parts(sums.draws, sums.seed, pls.DRAWS_AT_ONCE):
        cov, repaired = drawn.cov, 0
        if sums.pairwise:
            cov, moved = moments.possible(cov)
            repaired = int((moved > 0).sum())
        yield np.moveaxis(drawn.mean, 0, -1), np.moveaxis(cov, 0, -1), repaired


def replicate(task: Problem, point: Solutions) -> tuple[Solutions, int]:
    """The solutions of all resamples, and how many had to be repaired (pairwise only)."""
    parts, repaired = [], 0
    for mean, cov, some in covariances(task):
        parts.append(task.solve(mean, cov, point))
        repaired += some
    return joined(parts), repaired


def joined(parts: list[Solutions]) -> Solutions:
    """The draws of several parts, stage by stage."""
    return tuple(pls.joined(list(stage)) for stage in zip(*parts, strict=True))
