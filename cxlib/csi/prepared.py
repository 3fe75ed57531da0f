"""What every fit of a path model starts from: checked sums, the estimate, and the draws.

Nothing is packed into tables here. A model with a construct of a higher order is solved in two
stages; all others in one, so that solutions come as a tuple of one or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxlib.csi import pls
from cxlib.csi.model import Model
from cxlib.stats import moments
from cxlib.stats.moments import Moments

SCALE = (1.0, 10.0)
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another
Scales = Mapping[str, tuple[float, float]]
Solutions = tuple[pls.Solution, ...]


@dataclass(frozen=True)
class Prepared:
    """Sums of the model's questions, the ends of their scales (p, 2), and how to solve them."""

    model: Model
    sums: Moments
    ends: np.ndarray
    scheme: str
    consistent: bool = False

    @cached_property
    def models(self) -> tuple[Model, ...]:
        return self.model.stages if self.model.parts else (self.model,)

    @cached_property
    def plans(self) -> tuple[pls.Plan, ...]:
        return tuple(pls.plan_of(m, consistent=self.consistent) for m in self.models)

    @property
    def n(self) -> int:
        return int(self.sums.rows.sum())

    def solve(self, mean: np.ndarray, cov: np.ndarray, point: Solutions = ()) -> Solutions:
        """Solutions of means (p, D) and covariances (p, p, D), aligned with those of `point`."""
        start = [p.weights[:, 0] for p in point] or [None, None]
        first = pls.solve(self.plans[0], mean, cov, self.ends, self.scheme, start[0])
        if len(self.plans) == 1:
            return (first,)
        lifted = self._lifted(first, mean, cov)
        return first, pls.solve(self.plans[1], *lifted, self.scheme, start[1])

    def _lifted(self, first: pls.Solution, mean: np.ndarray, cov: np.ndarray):
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


def prepare(
    responses: pd.DataFrame | Moments,
    model: Model,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    missing: str = "complete",
    consistent: bool = False,
) -> Prepared:
    """Sums of the model's questions and the ends of their scales, both checked."""
    if scheme not in pls.SCHEMES:
        raise ValueError(f"no scheme {scheme!r}. There are: {', '.join(pls.SCHEMES)}.")
    items = model.items
    ends = np.array([tuple(map(float, (scales or {}).get(item, SCALE))) for item in items])
    if (flat := ends[:, 0] >= ends[:, 1]).any():
        raise ValueError(f"scales: {items[flat.argmax()]!r} must have its lowest answer first.")
    if isinstance(responses, Moments):
        sums = responses.select(items)
    else:
        sums = moments.of(responses, items, weight=weight, bucket=bucket, missing=missing)
        _check_answers(responses[items], ends)
    most = max((len(causes) for causes in model.paths.values()), default=1)
    if (n := int(sums.rows.sum())) < most + 3:
        raise ValueError(
            f"{n} of {sums.offered} responses can be used; a construct with {most} causes needs "
            f"{most + 3} at the very least, and some 200 for a useful interval."
        )
    _check_spread(sums, items)
    return Prepared(model, sums, ends, scheme, consistent)


def _check_answers(answers: pd.DataFrame, ends: np.ndarray) -> None:
    values = answers.to_numpy(float, na_value=np.nan)
    outside = (values < ends[:, 0]) | (values > ends[:, 1])
    if outside.any():
        at = int(outside.any(0).argmax())
        item, given = answers.columns[at], int((~np.isnan(values[:, at])).sum())
        raise ValueError(
            f"responses.{item}: {outside[:, at].sum():,} of {given:,} answers lie outside "
            f"{ends[at, 0]:g}-{ends[at, 1]:g} (found {values[outside[:, at], at][0]:g}). Recode "
            f"them, or give the question's ends: scales={{{item!r}: (lowest, highest)}}."
        )


def _check_spread(sums: Moments, items: list[str]) -> None:
    total = sums.total()
    variance = np.diagonal(total.cov)
    alike = [
        f"{i!r} (all {m:g})"
        for i, m, v in zip(items, total.mean, variance, strict=True)
        if v < 1e-12
    ]
    if alike:
        raise ValueError(
            f"everybody gives the same answer to {', '.join(alike)}. A question without "
            "differences cannot be weighed: leave it out of the model, or take more responses."
        )


def estimate(task: Prepared) -> tuple[Solutions, float]:
    """Solutions of everybody (D is 1), and how far pairwise correlations had to be moved."""
    mean, cov, moved = everybody(task)
    point = task.solve(mean, cov)
    if not all(stage.rounds[0] for stage in point):
        raise ValueError(
            f"the weights did not settle in {pls.MOST_ROUNDS} rounds ({task.scheme} scheme): some "
            "questions or constructs are copies of one another, or a construct is unrelated to "
            "its neighbours. Look at the correlations of the questions; try another scheme."
        )
    for stage, plan, staged in zip(point, task.plans, task.models, strict=True):
        _check_factors(stage, plan, staged)
        if np.isnan(stage.paths).any():
            names = list(staged.constructs)
            effect = names[int(np.isnan(stage.paths).any((1, 2)).argmax())]
            freed = ", once freed of measurement error," if any(plan.reflective) else ""
            raise ValueError(
                f"the causes of {effect!r} ({', '.join(staged.paths[effect])}){freed} are copies "
                "of one another: their paths cannot be told apart. Leave one out, or join them in "
                "one."
            )
    return point, moved


def everybody(task: Prepared) -> tuple[np.ndarray, np.ndarray, float]:
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


def covariances(
    task: Prepared, draws: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Draws of customers in parts: means (p, D), covariances (p, p, D), how many were mended."""
    for again in task.sums.resample_in_parts(draws, seed, pls.TOGETHER):
        cov, mended = again.cov, 0
        if task.sums.pairwise:
            cov, moved = moments.possible(cov)
            mended = int((moved > 0).sum())
        yield np.moveaxis(again.mean, 0, -1), np.moveaxis(cov, 0, -1), mended


def all_draws(task: Prepared, point: Solutions, draws: int, seed: int) -> tuple[Solutions, int]:
    """The solutions of all draws, and how many were mended (pairwise only)."""
    parts, mended = [], 0
    for mean, cov, some in covariances(task, draws, seed):
        parts.append(task.solve(mean, cov, point))
        mended += some
    return joined(parts), mended


def joined(parts: list[Solutions]) -> Solutions:
    """The draws of several parts, stage by stage."""
    return tuple(pls.joined(list(stage)) for stage in zip(*parts, strict=True))
