"""Were trends parallel before the change? The event study, and placebo tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.causal import difference_in_differences, staggered
from cxlib.core import i18n, periods
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact.effects import cells_of, group_time, staggered_cells, treated_groups
from cxlib.impact.trial import Trial, require_controls
from cxlib.stats.estimators import Replicated
from cxlib.stats.intervals import percentile_interval
from cxlib.stats.notes import resampling_note

ALPHA = 0.05  # of the test of parallel trends
REASSIGNED = 500  # random starts of a roll-out
DIVERGENCE = (0.0, 0.5, 1.0, 2.0)  # times the largest step before
COLUMNS = ["kind", "term", "estimate", "low", "high", "n"]


def event_study(trial: Trial) -> Result:
    """Compare treated and controls wave by wave, and test whether trends were parallel before.

    Parameters
    ----------
    trial : from `read`, with a wave before the change and controls

    Returns
    -------
    Result of the first outcome with the tables

    - table: wave, term, estimate (gap minus that of the last wave before), low, high, n, changed
      (whether the change was in place); the intervals are simultaneous
    - bounds: term (how many times), estimate, low, high, n: the mean effect if the two diverge from
      then on by up to so many times their largest step before, each wave

    - cohorts: of a staggered design in place of bounds: wave (of the start), term, estimate (mean
      effect since then), low, high, n (answers); the waves of its table are those since the start
      ("-1" the last before it), n the answers of the treated

    and the parts p (of gaps as uneven before if trends were parallel; NaN with one wave before) and
    breakdown (the divergence from which there may be no effect)

    Raises
    ------
    InsufficientData : no wave before the change, or no controls

    References
    ----------
    Rambachan and Roth (2023), Review of Economic Studies 90(5)
    """
    if trial.change.design == "staggered":
        return _roll_out_study(trial)
    require_controls(trial)
    cells = cells_of(trial)
    gaps = difference_in_differences.path(cells, treated_groups(trial), trial.before)
    p, compared = difference_in_differences.pre_trend_test(gaps, trial.before)
    low, high = gaps.simultaneous_interval()
    table = pd.DataFrame(
        {
            "wave": trial.waves,
            "term": trial.outcomes[0],
            "estimate": gaps.estimate,
            "low": low,
            "high": high,
            "n": cells.count.sum(0),
            "changed": trial.after,
        }
    )
    last = np.flatnonzero(trial.before)[-1]
    table.loc[last, ["low", "high"]] = 0.0
    mean, time = gaps.estimate[trial.after].mean(), periods.places(trial.waves)
    rows = [
        (
            _("{times:g} times", times=times),
            mean,
            *difference_in_differences.bounds(gaps, trial.before, trial.after, times, time=time),
        )
        for times in (DIVERGENCE if compared else DIVERGENCE[:1])
    ]
    bounds = pd.DataFrame(rows, columns=["term", "estimate", "low", "high"])
    bounds["n"] = int(cells.count.sum())
    breakdown = difference_in_differences.breakdown(gaps, trial.before, trial.after, time=time)
    groups = _(
        "Intervals reflect the sampling of customers; how far {groups:count} groups drift by "
        "themselves is for the placebo tests to show.",
        groups=len(trial.groups),
    )
    return Result(
        {"table": table, "bounds": bounds},
        _parallel(p, compared, breakdown),
        i18n.together([resampling_note(trial.sample), groups]),
        trial.unit,
        **trial.bootstrap,
        parts={"p": p, "breakdown": breakdown},
    )


def _roll_out_study(trial: Trial) -> Result:
    """The event study of units that were treated one after the other, in waves since the start."""
    fit, (cells, start) = group_time(trial), staggered_cells(trial)
    times, path = staggered.by_event_time(fit)
    before = times < 0
    p, compared = difference_in_differences.pre_trend_test(path, before)
    low, high = path.simultaneous_interval()
    places = np.arange(cells.count.shape[1]) - start[:, None]
    treated = ((start > 0) & (start < cells.count.shape[1]))[:, None]
    table = pd.DataFrame(
        {
            "wave": [f"+{t}" if t > 0 else str(t) for t in times],
            "term": trial.outcomes[0],
            "estimate": path.estimate,
            "low": low,
            "high": high,
            "n": [int(cells.count[treated & (places == t)].sum()) for t in times],
            "changed": ~before,
        }
    )
    table.loc[times == -1, ["low", "high"]] = 0.0
    each, there = staggered.by_cohort(fit), staggered.compared_cohorts(fit)
    low, high = each.simultaneous_interval()
    full = ~np.isnan(cells_of(trial).means.estimate).any(0)
    cohorts = pd.DataFrame(
        {
            "wave": np.array(trial.waves)[full][fit.start[there]],
            "term": trial.outcomes[0],
            "estimate": each.estimate,
            "low": low,
            "high": high,
            "n": [int(cells.count[start == g].sum()) for g in fit.start[there]],
        }
    )
    note = _(
        "Waves since the start of each cohort, 0 the first with it; the last before it is compared "
        "with. Cohorts that started late show few waves after it, and those that started early few "
        "before, so the cohorts behind the dots differ."
    )
    return Result(
        {"table": table, "cohorts": cohorts},
        _parallel(p, compared, np.nan),
        note,
        trial.unit,
        **trial.bootstrap,
        parts={"p": p, "breakdown": np.nan},
    )


def _parallel(p: float, waves: int, breakdown: float) -> Finding:
    if not waves:
        claim, detail = _("With one wave before the change, pre-trends cannot be tested."), ""
    elif p < ALPHA:
        claim, detail = _("Trends were not parallel before the change."), _("p = {p:p}", p=p)
    else:
        claim = ngettext(
            "Trends were parallel before the change, as far as {n:count} wave can show.",
            "Trends were parallel before the change, as far as {n:count} waves can show.",
            waves + 1,
        )
        detail = _("p = {p:p}", p=p)
        if breakdown >= 0.1:
            detail = _(
                "p = {p:p}; the effect remains significant if trends diverge from then on by up to "
                "{times:number1} times their largest step before",
                p=p,
                times=breakdown,
            )
    return Finding(claim, detail, importance=Importance.METHOD)


def placebo_tests(trial: Trial) -> Result:
    """Estimate effects of changes that never happened: at earlier times, and in control groups.

    A placebo in time takes the change to have begun earlier, with the waves before only; one in
    place takes a control group to be treated, compared with the other controls. Of a staggered
    design the starts are given to the units at random ("placebo starts"): an effect is doubtful
    where 5 in 100 of them give one as large.

    Parameters
    ----------
    trial : from `read`, with a wave before the change and controls

    Returns
    -------
    Result of the first outcome; table: kind ("the change", "placebo in time", "placebo in place",
    "placebo starts"), term, estimate, low, high, n; the intervals of the placebos are simultaneous.
    Its part significant is how many of the placebos show an effect

    Raises
    ------
    InsufficientData : no wave before or no controls, or too few of both for a placebo
    """
    if trial.change.design == "staggered":
        return _reassigned_starts(trial)
    require_controls(trial)
    cells, treated = cells_of(trial), treated_groups(trial)
    before, after = trial.before, trial.after
    real = difference_in_differences.effect(cells, treated, before, after)
    placebos = []
    for first, second in difference_in_differences.placebo_times(before):
        begun = trial.waves[np.flatnonzero(second)[0]]
        one = difference_in_differences.effect(cells, treated, first, second)
        n = cells.count[:, before].sum()
        placebos.append(("placebo in time", _("as if from {wave}", wave=begun), one, n))
    controls = np.flatnonzero(~treated)
    if len(controls) > 1:
        kept = difference_in_differences.Cells(
            cells.means[controls], cells.share[controls], cells.count[controls]
        )
        for place in controls:
            one = difference_in_differences.effect(kept, controls == place, before, after)
            n = kept.count[:, before | after].sum()
            placebos.append(("placebo in place", trial.groups[place], one, n))
    if not placebos:
        raise InsufficientData(
            _(
                "One wave came before the change and there is one control group: no placebo test "
                "is possible."
            )
        )
    every = Replicated(
        np.concatenate([p[2].estimate for p in placebos]),
        np.concatenate([p[2].replicates for p in placebos], axis=1),
        real.units,
    )
    low, high = every.simultaneous_interval()
    (own_low,), (own_high,) = real.interval()
    n = cells.count[:, before | after].sum()
    rows = [("the change", trial.change.name, real.estimate[0], own_low, own_high, n)]
    rows += [
        (kind, term, one.estimate[0], a, b, n)
        for (kind, term, one, n), a, b in zip(placebos, low, high, strict=True)
    ]
    size = np.abs(every.estimate) / every.error
    significant = int(((low > 0) | (high < 0)).sum())
    if significant:
        claim = ngettext(
            "{n:count} of {all:count} placebo tests shows a significant effect.",
            "{n:count} of {all:count} placebo tests show a significant effect.",
            significant,
            all=len(placebos),
        )
    else:
        claim = _("No placebo test shows a significant effect.")
    detail = ngettext(
        "{n:count} placebo test; {larger:count} at least as clear as the change itself",
        "{n:count} placebo tests; {larger:count} at least as clear as the change itself",
        len(placebos),
        larger=(size >= abs(real.estimate[0]) / real.error[0]).sum(),
    )
    return Result(
        pd.DataFrame(rows, columns=COLUMNS),
        Finding(claim, detail, importance=Importance.METHOD),
        resampling_note(trial.sample),
        trial.unit,
        **trial.bootstrap,
        parts={"significant": significant},
    )


def _reassigned_starts(trial: Trial) -> Result:
    """What the starts of the roll-out would seem to do, had other units had them."""
    cells, start = staggered_cells(trial)
    real = staggered.overall(group_time(trial))
    (low,), (high,) = real.interval()
    exact = replace(
        cells,
        means=Replicated(cells.means.estimate, cells.means.estimate[None], cells.means.units),
    )
    rng = np.random.default_rng(trial.sample.seed)
    used, drawn = start > 0, []
    for _k in range(REASSIGNED):
        given = start.copy()
        given[used] = rng.permutation(start[used])
        fit = staggered.group_time(exact, given, resample="customers")
        drawn.append(float(staggered.overall(fit).estimate[0]))
    larger = int((np.abs(drawn) >= abs(real.estimate[0]) - 1e-12).sum())
    p = (1 + larger) / (1 + REASSIGNED)
    ends = percentile_interval(np.array(drawn))
    n = int(cells.count.sum())
    rows = [
        ("the change", trial.change.name, real.estimate[0], low, high, n),
        ("placebo starts", trial.change.name, np.median(drawn), *ends, n),
    ]
    significant = bool((low > 0 or high < 0) and p >= ALPHA)
    return Result(
        pd.DataFrame(rows, columns=COLUMNS),
        Finding(
            ngettext(
                "{n:count} of {all:count} random starts of the units shows an effect as large.",
                "{n:count} of {all:count} random starts of the units show an effect as large.",
                larger,
                all=REASSIGNED,
            ),
            _("p = {p:p}", p=p),
            importance=Importance.METHOD,
        ),
        _("The interval of placebo starts holds 95 in 100 of them."),
        trial.unit,
        **trial.bootstrap,
        parts={"significant": int(significant)},
    )
