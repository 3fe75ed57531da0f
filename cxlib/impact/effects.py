"""What a change went with, by the design it allows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.causal import (
    difference_in_differences,
    experiment,
    interrupted_time_series,
    matching,
    regression_to_the_mean,
)
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.enough import Unfit
from cxlib.estimates import Estimates
from cxlib.impact import said
from cxlib.impact.rows import Trial
from cxlib.stats.estimators import Replicated, cell_means
from cxlib.stats.intervals import LEVEL

DRAWS = 500  # of balancing weights, which are found anew in each


@dataclass(frozen=True, eq=False)
class Found:
    """Effects on all outcomes, (outcomes,), and the standard error of the first.

    The first outcome was named beforehand, and has its own interval; those of the others hold
    together.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: float
    n: int

    @classmethod
    def of(cls, drawn: Replicated, n: int) -> Found:
        """From draws."""
        low, high = drawn.interval()
        if len(low) > 1:
            low[1:], high[1:] = drawn[1:].simultaneous_interval()
        return cls(drawn.estimate, low, high, float(drawn.error[0]), n)


@dataclass(frozen=True)
class Effect(Estimates):
    """What a change went with.

    Attributes
    ----------
    table : term (outcome), estimate (those reached less what they would have said), low, high, n
        (answers or customers), unit. The first outcome was named beforehand and has its own
        interval; those of the others hold together
    standard : the same in standard deviations of the answers
    ways : design, term, estimate, low, high, n of the first outcome in standard deviations: every
        design these rows allow, each with its own interval
    change, label, outcome, design : what was judged, of what, and how
    error : standard error of the first outcome
    sides : answers while it was there, of those reached and of those spared
    """

    standard: pd.DataFrame = field(kw_only=True)
    ways: pd.DataFrame = field(kw_only=True)
    change: str = field(kw_only=True)
    label: str = field(kw_only=True)
    outcome: str = field(kw_only=True)
    design: str = field(kw_only=True)
    error: float = field(kw_only=True)
    sides: tuple[int, int] = field(kw_only=True)


def effect(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Effect:
    """The effect of a change by the design that study.yaml names for it.

    randomised: the difference between arms at equal values of what came before. compared: the
    difference in differences. alike: those reached less others weighted to look like them before.
    series: the waves with it less the line of the waves before. Raises ValueError where the rows do
    not allow the design.
    """
    how = {"draws": draws, "seed": seed}
    design = trial.change.design
    ways = {design: _BY[design](trial, **how)}
    for name, way in _SECOND.get(design, {}).items():
        try:
            ways[name] = way(trial, **how)
        except Unfit:  # a second opinion that these rows do not allow is none
            continue
    found = ways[design]
    spread = _spread(trial)
    table = pd.DataFrame(
        {
            "term": trial.outcomes,
            "estimate": found.estimate,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "unit": trial.units,
        }
    )
    standard = table.drop(columns="unit")
    standard[["estimate", "low", "high"]] = (
        standard[["estimate", "low", "high"]].to_numpy() / spread[:, None]
    )
    second = pd.DataFrame([_row(name, way, spread[0]) for name, way in ways.items()])
    inside = ~np.isnan(trial.y[:, 0]) & trial.during
    answer = said.effect(trial, table.iloc[0], design)
    return Effect(
        table,
        answer,
        i18n.together([said.how(trial, design), said.n(trial)]),
        "",
        standard=standard,
        ways=second,
        change=trial.change.name,
        label=trial.label,
        outcome=trial.called(),
        design=design,
        error=found.error,
        sides=tuple(int((inside & (trial.arm == arm)).sum()) for arm in (1, 0)),
        **how,
    )


def _row(design: str, found: Found, spread: float) -> dict:
    ends = np.array([found.estimate[0], found.low[0], found.high[0]]) / spread
    named = {"design": said.DESIGNS[design], "term": "effect"}
    return {**named, **dict(zip(("estimate", "low", "high"), ends, strict=True)), "n": found.n}


def _spread(trial: Trial) -> np.ndarray:
    rows = trial.earlier if trial.earlier.any() else trial.during & (trial.arm == 0)
    rows = rows if rows.any() else trial.during
    deviation = np.nanstd(trial.y[rows], axis=0)
    return np.where(deviation > 0, deviation, np.nan)


def by_lot(trial: Trial, **how: object) -> Found:
    """Difference between arms at equal values of the past, (outcomes,), and n."""
    rows = trial.during & ~np.isnan(trial.y).any(1)
    arms = {"weight": trial.weight[rows], "who": trial.who.take(rows), **how}
    past = _past(trial)[rows]
    y, arm = trial.y[rows], trial.arm[rows]
    if not past.shape[1]:
        return Found.of(experiment.difference(y, arm, **arms), int(rows.sum()))
    return Found.of(experiment.adjusted(y, arm, past, **arms), int(rows.sum()))


def plain(trial: Trial, **how: object) -> Found:
    """Difference between arms as it is."""
    rows = trial.during
    arms = {"weight": trial.weight[rows], "who": trial.who.take(rows), **how}
    found = experiment.difference(trial.y[rows], trial.arm[rows], **arms)
    return Found.of(found, int((rows & ~np.isnan(trial.y[:, 0])).sum()))


def _past(trial: Trial) -> np.ndarray:
    """What each row's customer had answered before, and what was known of them, (n, k)."""
    who = np.unique(trial.ids, return_inverse=True)[1]
    past = np.hstack([trial.x, trial.mean_by_customer(trial.earlier)[who]])
    inside = past[trial.during]
    return past[:, ~np.isnan(inside).all(0)] if inside.size else past[:, :0]


def compared(trial: Trial, **how: object) -> Found:
    """Difference in differences of each outcome, (outcomes,)."""
    if not trial.before.any() or not (trial.arm == 0).any():
        raise Unfit("nothing was spared, or no wave came before: nothing to compare with.")
    parts = [_compared(trial, k, **how) for k in range(len(trial.outcomes))]
    n = int((~np.isnan(trial.y[:, 0]) & (trial.during | trial.earlier)).sum())
    return Found.of(joined(parts), n)


def _compared(trial: Trial, outcome: int, **how: object) -> Replicated:
    """(1,), over the waves in which every group answered; NaN where none is before, or after."""
    grid = cells(trial, outcome, **how)
    full = ~np.isnan(grid.means.estimate).any(0)
    before, after = trial.before & full, trial.after & full
    if not before.any() or not after.any():
        return Replicated(np.full(1, np.nan), np.full((len(grid.means.replicates), 1), np.nan))
    return difference_in_differences.effect(grid, reached(trial), before, after)


def cells(trial: Trial, outcome: int = 0, **how: object) -> difference_in_differences.Cells:
    """Means of the groups and waves of one outcome; rows of neither arm left out."""
    keep = trial.arm >= 0
    return difference_in_differences.group_means(
        trial.y[keep, outcome],
        trial.group[keep],
        trial.wave[keep],
        len(trial.groups),
        len(trial.waves),
        weight=trial.weight[keep],
        who=trial.who.take(keep),
        **how,
    )


def reached(trial: Trial) -> np.ndarray:
    """Which groups the change reached, (groups,)."""
    return np.isin(np.array(trial.groups), trial.change.treated)


def joined(parts: list[Replicated]) -> Replicated:
    """Numbers one after the other, (sum of terms,)."""
    return Replicated(
        np.concatenate([p.estimate for p in parts]),
        np.concatenate([p.replicates for p in parts], axis=1),
        min(p.units for p in parts),
    )


def alike(trial: Trial, **how: object) -> Found:
    """Those reached less others made like them in what was known and answered before."""
    people = trial.customers()
    x = np.hstack([people.x, people.before[:, : 1 if trial.before.any() else 0]])
    rows = (people.arm >= 0) & ~np.isnan(people.after).any(1) & ~np.isnan(x).any(1)
    how = {**how, "draws": min(int(how.get("draws", DRAWS)), DRAWS)}
    found = matching.effect(
        people.after[rows],
        people.arm[rows] == 1,
        x[rows],
        weight=people.weight[rows],
        who=people.who.take(rows),
        **how,
    )
    return Found.of(found, int(rows.sum()))


def only_after(trial: Trial, **how: object) -> Found:
    """The waves with the change less the line of those before, of those reached, (outcomes,)."""
    means = wave_means(trial, **how)
    q = len(trial.outcomes)
    levels = [LEVEL, *[1 - (1 - LEVEL) / max(q - 1, 1)] * (q - 1)]
    fits = [broken(trial, means, k, level) for k, level in enumerate(levels)]
    n = int(((trial.arm == 1) & ~np.isnan(trial.y[:, 0])).sum())
    point, low, high = (np.array([getattr(f, e) for f in fits]) for e in ("effect", "low", "high"))
    return Found(point, low, high, fits[0].error, n)


def wave_means(trial: Trial, **how: object) -> Replicated:
    """Means of those reached in each wave, (waves, outcomes)."""
    rows = trial.arm == 1
    return cell_means(
        trial.y[rows],
        trial.wave[rows],
        len(trial.waves),
        weight=trial.weight[rows],
        who=trial.who.take(rows),
        **how,
    )


def broken(
    trial: Trial, means: Replicated, outcome: int = 0, level: float = LEVEL
) -> interrupted_time_series.SegmentedRegression:
    """The line of wave means, broken where the change began; a step where waves are few."""
    last = int(np.flatnonzero(trial.after)[-1]) + 1
    first = int(np.flatnonzero(trial.after)[0])
    again = means.replicates[:, :last, outcome]
    again = again[~np.isnan(again).any(1)]  # draws in which nobody answered in some wave
    if len(again) < 2 or np.isnan(means.estimate[:last, outcome]).any():
        raise Unfit(_("In some wave too few of those with the change answered."))
    sampling = np.cov(again, rowvar=False)
    sloped = first >= 3 and last > 4
    return interrupted_time_series.segmented_regression(
        means.estimate[:last, outcome], first, sampling=sampling, sloped=sloped, level=level
    )


def way_back(trial: Trial, **how: object) -> Replicated:
    """Raw change of those reached, the part that is the way back to the middle, and the rest: (3,).

    Of customers who answered before and after. Raises ValueError where they are too few.
    """
    people = trial.customers()
    rows = (people.arm >= 0) & ~np.isnan(people.before[:, 0]) & ~np.isnan(people.after[:, 0])
    return regression_to_the_mean.adjusted_change(
        people.before[rows, 0],
        people.after[rows, 0],
        people.arm[rows] == 1,
        weight=people.weight[rows],
        who=people.who.take(rows),
        **how,
    )


_BY = {"randomised": by_lot, "compared": compared, "alike": alike, "series": only_after}
_SECOND = {
    "randomised": {"plain": plain, "compared": compared, "series": only_after},
    "compared": {"series": only_after},
    "alike": {"plain": plain, "compared": compared},
}
