"""The effect of a change, by the design it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import (
    difference_in_differences,
    experiment,
    interrupted_time_series,
    matching,
    regression_to_the_mean,
    staggered,
)
from cxlib.core import i18n, periods
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact import wording
from cxlib.impact.trial import SMALLEST_ARM, Trial
from cxlib.stats.estimators import Replicated, cell_means
from cxlib.stats.intervals import LEVEL, normal_quantile, sidak_level
from cxlib.stats.notes import gap_note

MOST_WEIGHTED_DRAWS = 500  # balancing weights are found anew in each, which takes time


@dataclass(frozen=True, eq=False)
class DesignEstimate:
    """Effects on all outcomes by one design, (outcomes,), and the standard error of the first.

    The first outcome was named beforehand, and has its own interval; those of the others are
    simultaneous.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: float
    n: int

    @classmethod
    def of(cls, effects: Replicated, n: int) -> DesignEstimate:
        """From effects and their replicates."""
        low, high = effects.interval()
        if len(low) > 1:
            low[1:], high[1:] = effects[1:].simultaneous_interval()
        return cls(effects.estimate, low, high, float(effects.error[0]), n)


def effect(trial: Trial) -> Result:
    """Estimate the effect of a change by the design that study.yaml names for it.

    randomised: the difference between arms at equal values of what came before. compared: the
    difference-in-differences. staggered: each cohort of units minus those that did not have it yet.
    alike: treated minus others weighted to equal them before. series:
    the waves with the change minus the trend of the waves before.

    Parameters
    ----------
    trial : from `read`

    Returns
    -------
    Result with the tables

    - table: term (outcome), estimate (treated minus what they would have answered), low, high, n
      (answers or customers), unit. The first outcome was named beforehand and has its own interval;
      those of the others are simultaneous
    - standard: the same in standard deviations of the answers
    - by_design: design, term, estimate, low, high, n of the first outcome in standard deviations,
      by every design these rows allow, each with its own interval

    and the parts change, label, clause (the effect as part of a sentence), design, error (standard
    error of the first outcome) and sides (answers with the change in place, of treated and of
    controls)

    Raises
    ------
    InsufficientData : the rows do not allow the design

    References
    ----------
    Lin (2013), Annals of Applied Statistics 7(1); Hainmueller (2012), Political Analysis 20(1)
    """
    design: str = trial.change.design
    estimates = {design: _DESIGNS[design](trial)}
    for name, further in _FURTHER.get(design, {}).items():
        try:
            estimates[name] = further(trial)
        except InsufficientData:  # a second opinion that these rows do not allow is none
            continue
    own = estimates[design]
    deviation = standard_deviations(trial)
    table = pd.DataFrame(
        {
            "term": trial.outcomes,
            "estimate": own.estimate,
            "low": own.low,
            "high": own.high,
            "n": own.n,
            "unit": trial.units,
        }
    )
    standard = table.drop(columns="unit")
    ends = ["estimate", "low", "high"]
    standard[ends] = standard[ends].to_numpy() / deviation[:, None]
    by_design = pd.DataFrame([_row(name, e, deviation[0]) for name, e in estimates.items()])
    every, first = trial.every, table.iloc[0]
    counted = _(
        "Means of groups and waves are those of all answers; what needs the earlier answers of "
        "each customer is estimated from those that were read."
    )
    return Result(
        {"table": table, "standard": standard, "by_design": by_design},
        finding_of(trial, first),
        i18n.together(
            [
                wording.design(trial, design),
                wording.counts(every),
                gap_note(trial.waves),
                *([] if trial.counted is None else [counted]),
            ]
        ),
        **trial.bootstrap,
        parts={
            "change": trial.change.name,
            "label": trial.label,
            "clause": wording.clause(trial, first, design),
            "design": design,
            "error": own.error,
            "sides": tuple(every.answers(every.during & (every.arm == arm)) for arm in (1, 0)),
        },
    )


def finding_of(trial: Trial, row: pd.Series) -> Finding:
    """What is told of the effect on the first outcome."""
    design = trial.change.design
    none = row["low"] <= 0 <= row["high"]
    return Finding.of_row(
        row,
        wording.sentence(wording.clause(trial, row, design)),
        wording.detail(row, design),
        unit=row["unit"],
        measure="effect",
        at={"change": trial.change.name, "outcome": trial.outcomes[0]},
        importance=Importance.CONTEXT if none else Importance.NOTABLE,
    )


def _row(design: str, found: DesignEstimate, deviation: float) -> dict[str, Any]:
    ends = np.array([found.estimate[0], found.low[0], found.high[0]]) / deviation
    named = {"design": wording.DESIGNS[design], "term": "effect"}
    return {**named, **dict(zip(("estimate", "low", "high"), ends, strict=True)), "n": found.n}


def standard_deviations(trial: Trial) -> np.ndarray:
    """Of the answers before the change, else of the controls during it, (outcomes,)."""
    trial = trial.every
    rows = trial.earlier if trial.earlier.any() else trial.during & (trial.arm == 0)
    rows = rows if rows.any() else trial.during
    y, n = trial.y[rows], trial.sample.counts[rows, None]
    n = np.where(np.isnan(y), 0.0, n)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(n * y, axis=0) / n.sum(0)
        deviation = np.sqrt(np.nansum(n * (y - mean) ** 2, axis=0) / n.sum(0))
    return np.where(deviation > 0, deviation, np.nan)


def randomised(trial: Trial) -> DesignEstimate:
    """Difference between arms at equal values of the past."""
    rows = trial.during & ~np.isnan(trial.y).any(1)
    how = {"weight": trial.weight[rows], "clusters": trial.clusters.take(rows), **trial.bootstrap}
    past = _past(trial)[rows]
    y, arm = trial.y[rows], trial.arm[rows]
    if not past.shape[1]:
        return DesignEstimate.of(experiment.difference(y, arm, **how), int(rows.sum()))
    return DesignEstimate.of(experiment.adjusted(y, arm, past, **how), int(rows.sum()))


def in_latest_wave(trial: Trial) -> pd.Series | None:
    """The effect on the first outcome among answers of the latest of several waves with the change.

    wave, estimate, low, high, n, by the difference between randomised arms; None of one wave, or
    where it has too few answers of an arm.
    """
    if trial.after.sum() < 2:
        return None
    return _in_wave(trial, int(np.flatnonzero(trial.after).max()))


def in_each_wave(trial: Trial) -> pd.DataFrame:
    """The effect between randomised arms in each wave with the change.

    wave, estimate, low, high (simultaneous over the waves: Šidák), n, changed; waves with too few
    answers of an arm are left out.
    """
    found = [_in_wave(trial, int(place)) for place in np.flatnonzero(trial.after)]
    table = pd.DataFrame([row for row in found if row is not None])
    if table.empty:
        return table
    wider = normal_quantile(sidak_level(len(table))) / normal_quantile(LEVEL)
    for end in ("low", "high"):
        table[end] = table["estimate"] + wider * (table[end] - table["estimate"])
    return table.assign(changed=True)


def _in_wave(trial: Trial, place: int) -> pd.Series | None:
    """The effect among the answers of one wave; None where an arm has too few."""
    alone = replace(trial, after=np.arange(len(trial.waves)) == place)
    arms = trial.arm[alone.during & ~np.isnan(trial.y).any(1)]
    if np.bincount(arms, minlength=2).min() < SMALLEST_ARM:
        return None
    own = randomised(alone)
    row = {"estimate": own.estimate[0], "low": own.low[0], "high": own.high[0], "n": own.n}
    return pd.Series({"wave": trial.waves[place], **row})


def without_shared_waves(trial: Trial) -> pd.Series | None:
    """The effect on the first outcome without the waves in which another change came on top.

    estimate, low, high, by difference-in-differences; None where no other wave has the change.
    """
    after = trial.after & ~np.isin(trial.waves, trial.shared_in)
    if not after.any():
        return None
    own = compared(replace(trial, after=after))
    if np.isnan(own.estimate[0]):
        return None
    return pd.Series({"estimate": own.estimate[0], "low": own.low[0], "high": own.high[0]})


def unadjusted(trial: Trial) -> DesignEstimate:
    """Difference between arms as it is."""
    trial = trial.every
    rows = trial.during
    how = {"weight": trial.weight[rows], "clusters": trial.clusters.take(rows), **trial.bootstrap}
    effects = experiment.difference(trial.y[rows], trial.arm[rows], **how)
    return DesignEstimate.of(effects, trial.answers(rows))


def _past(trial: Trial) -> np.ndarray:
    """What each row's customer had answered before, and what was known of them, (n, k)."""
    who = np.unique(trial.ids, return_inverse=True)[1]
    past = np.hstack([trial.x, trial.mean_by_customer(trial.earlier)[who]])
    inside = past[trial.during]
    return past[:, ~np.isnan(inside).all(0)] if inside.size else past[:, :0]


def compared(trial: Trial) -> DesignEstimate:
    """Difference-in-differences of each outcome."""
    if not trial.before.any() or not (trial.arm == 0).any():
        raise InsufficientData(_("No controls, or no wave before: nothing to compare with."))
    parts = [_compared(trial, k) for k in range(len(trial.outcomes))]
    every = trial.every
    return DesignEstimate.of(concatenated(parts), every.answers(every.during | every.earlier))


def _compared(trial: Trial, outcome: int) -> Replicated:
    """(1,), over the waves in which every group answered; NaN where none is before, or after."""
    cells = cells_of(trial, outcome)
    full = ~np.isnan(cells.means.estimate).any(0)
    before, after = trial.before & full, trial.after & full
    if not before.any() or not after.any():
        return Replicated(np.full(1, np.nan), np.full((len(cells.means.replicates), 1), np.nan))
    return difference_in_differences.effect(cells, treated_groups(trial), before, after)


def cells_of(trial: Trial, outcome: int = 0) -> difference_in_differences.Cells:
    """Means of the groups and waves of one outcome; rows of neither arm left out."""
    trial = trial.every
    keep = trial.arm >= 0
    return difference_in_differences.group_means(
        trial.y[keep, outcome],
        trial.group[keep],
        trial.wave[keep],
        len(trial.groups),
        len(trial.waves),
        counts=trial.sample.counts[keep],
        weight=trial.weight[keep],
        clusters=trial.clusters.take(keep),
        **trial.bootstrap,
    )


def treated_groups(trial: Trial) -> np.ndarray:
    """Which groups the change treated, (groups,)."""
    return np.isin(np.array(trial.groups), trial.change.treated)


def concatenated(parts: list[Replicated]) -> Replicated:
    """Numbers one after the other, (sum of terms,)."""
    return Replicated(
        np.concatenate([p.estimate for p in parts]),
        np.concatenate([p.replicates for p in parts], axis=1),
        min(p.units for p in parts),
    )


def roll_out(trial: Trial, *, never: bool = False) -> DesignEstimate:
    """Mean effect on each outcome since the start of each unit."""
    fits = [group_time(trial, k, never=never) for k in range(len(trial.outcomes))]
    n = trial.every.answers(trial.every.arm >= 0)
    return DesignEstimate.of(concatenated([staggered.overall(fit) for fit in fits]), n)


def never_treated(trial: Trial) -> DesignEstimate:
    """The same compared with units that never had it only."""
    if not (trial.arm == 0).any():
        raise InsufficientData(_("Every unit has had the change."))
    return roll_out(trial, never=True)


def group_time(
    trial: Trial, outcome: int = 0, *, never: bool = False
) -> staggered.GroupTimeEffects:
    """Effects of each cohort of units in each wave, of the waves in which every unit answered."""
    cells, start = staggered_cells(trial, outcome)
    return staggered.group_time(cells, start, never=never, seed=trial.sample.seed)


def staggered_cells(
    trial: Trial, outcome: int = 0
) -> tuple[difference_in_differences.Cells, np.ndarray]:
    """Means of units in the waves in which all answered, and the first with the change of each."""
    if trial.start is None:
        raise ValueError(f"change {trial.change.name!r} began everywhere at once.")
    cells = cells_of(trial, outcome)
    full = np.flatnonzero(~np.isnan(cells.means.estimate).any(0))
    if len(full) < 2:
        raise InsufficientData(_("In fewer than two waves every unit has an answer."))
    kept = difference_in_differences.Cells(cells.means[:, full], cells.share, cells.count[:, full])
    return kept, np.searchsorted(full, trial.start)


def alike(trial: Trial) -> DesignEstimate:
    """Treated minus others weighted to equal them in what was known and answered before."""
    people = trial.customers()
    x = np.hstack([people.x, people.before[:, : 1 if trial.before.any() else 0]])
    rows = (people.arm >= 0) & ~np.isnan(people.after).any(1) & ~np.isnan(x).any(1)
    effects = matching.effect(
        people.after[rows],
        people.arm[rows] == 1,
        x[rows],
        weight=people.weight[rows],
        clusters=people.clusters.take(rows),
        draws=min(trial.sample.draws, MOST_WEIGHTED_DRAWS),
        seed=trial.sample.seed,
    )
    return DesignEstimate.of(effects, int(rows.sum()))


def series(trial: Trial) -> DesignEstimate:
    """The waves with the change minus the trend of those before, of the treated."""
    means = wave_means(trial)
    q = len(trial.outcomes)
    levels = [LEVEL, *[1 - (1 - LEVEL) / max(q - 1, 1)] * (q - 1)]
    fits = [segmented_regression(trial, means, k, level) for k, level in enumerate(levels)]
    n = trial.every.answers(trial.every.arm == 1)
    point, low, high = (np.array([getattr(f, e) for f in fits]) for e in ("effect", "low", "high"))
    return DesignEstimate(point, low, high, fits[0].error, n)


def wave_means(trial: Trial) -> Replicated:
    """Means of the treated in each wave, (waves, outcomes)."""
    trial = trial.every
    rows = trial.arm == 1
    return cell_means(
        trial.y[rows],
        trial.wave[rows],
        len(trial.waves),
        weight=trial.weight[rows],
        clusters=trial.clusters.take(rows),
        **trial.bootstrap,
    )


def segmented_regression(
    trial: Trial, means: Replicated, outcome: int = 0, level: float = LEVEL
) -> interrupted_time_series.SegmentedRegression:
    """A trend of wave means with a break at the change; a step where waves are few."""
    last = int(np.flatnonzero(trial.after)[-1]) + 1
    first = int(np.flatnonzero(trial.after)[0])
    replicates = means.replicates[:, :last, outcome]
    replicates = replicates[~np.isnan(replicates).any(1)]  # draws in which some wave is empty
    if len(replicates) < 2 or np.isnan(means.estimate[:last, outcome]).any():
        raise InsufficientData(_("In some wave too few of those with the change answered."))
    sampling = np.cov(replicates, rowvar=False)
    sloped = first >= 3 and last > 4
    return interrupted_time_series.segmented_regression(
        means.estimate[:last, outcome],
        first,
        sampling=sampling,
        sloped=sloped,
        time=periods.places(trial.waves[:last]),
        level=level,
    )


def adjusted_change(trial: Trial) -> tuple[Replicated, int]:
    """Raw change of the treated, the part that is regression to the mean, and the rest; and n.

    Of customers who answered before and after. Raises InsufficientData where they are too few.
    """
    people = trial.customers()
    rows = (people.arm >= 0) & ~np.isnan(people.before[:, 0]) & ~np.isnan(people.after[:, 0])
    found = regression_to_the_mean.adjusted_change(
        people.before[rows, 0],
        people.after[rows, 0],
        people.arm[rows] == 1,
        weight=people.weight[rows],
        clusters=people.clusters.take(rows),
        **trial.bootstrap,
    )
    return found, int(rows.sum())


Design = Callable[[Trial], DesignEstimate]
_DESIGNS: dict[str, Design] = {
    "randomised": randomised,
    "compared": compared,
    "staggered": roll_out,
    "alike": alike,
    "series": series,
}
_FURTHER: dict[str, dict[str, Design]] = {
    "randomised": {"unadjusted": unadjusted, "compared": compared, "series": series},
    "compared": {"series": series},
    "staggered": {"never": never_treated},
    "alike": {"unadjusted": unadjusted, "compared": compared},
}
