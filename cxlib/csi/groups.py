"""The target's index in groups of people, measured with the same weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi import index_findings, notes
from cxlib.csi.estimation import Options, Problem, Solutions, estimate, prepare, replicate
from cxlib.csi.model import Model
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.stats import moments
from cxlib.stats.intervals import (
    LEVEL,
    draw_quantile,
    expanded_level,
    percentile_interval,
    simultaneous_interval,
    symmetric_interval,
)
from cxlib.stats.moments import Moments
from cxlib.stats.pvalues import max_t


def fit_by(sample: SampleLike, model: Model, by: str, options: Options | None = None) -> Result:
    """The target's 0-100 index in each group of a column, and overall (last row).

    All groups are measured with the same weights, those of everybody together, found anew in each
    resample: what differs is then the answers, not the yardstick.

    Parameters
    ----------
    sample : answers, a row each
    model, options : as in `fit`
    by : column of the groups

    Returns
    -------
    Result whose table has by, term, estimate (index points), low, high and n. Each has its own
    interval; simultaneous_low and simultaneous_high (max-t) hold for all groups at once.

    Raises
    ------
    ValueError : as `fit`; no such column, or no group in it

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> fit_by(rows.assign(shop=list("aabbab")), model, "shop").table["shop"].tolist()
    ['a', 'b', 'overall']
    """
    sample = as_sample(sample)
    task = prepare(sample, model, options)
    groups = moments.by_group(sample, model.items, by, missing=task.options.missing)
    point, _unused = estimate(task)
    drawn, _unused = replicate(task, point)
    index, replicates = _group_indices(task, groups, point, drawn)
    n = [int(s.rows.sum()) for s in (*groups.values(), task.sums)]
    replicates[:, np.array(n) < 2] = np.nan  # one answer has no spread to draw from
    # As `fit` has that of everybody; the simultaneous ones hold jointly for all groups.
    low, high = percentile_interval(replicates, expanded_level(task.sums.effective))
    together = simultaneous_interval(index[:-1], replicates[:, :-1])
    names = [*map(str, groups), "overall"]
    table = pd.DataFrame({by: names, "term": model.target, "estimate": index})
    table = table.assign(low=low.clip(0), high=high.clip(None, 100), n=n)
    for column, ends in zip(SIMULTANEOUS, together, strict=True):
        table[column] = np.r_[ends.clip(0, 100), np.nan]
    of_groups = sample.of(by)
    table = of_groups.counted(table)
    without = of_groups.rows_of(of_groups[by].isna().to_numpy())
    remarks = [
        notes.answers_note(task),
        notes.resamples_note(task),
        _(
            "All groups are measured with the weights of everybody. Intervals are pointwise; the "
            "simultaneous ones hold jointly for all groups."
        ),
        ngettext(
            "{n:count} row belongs to no group.", "{n:count} rows belong to no group.", without
        )
        if without
        else "",
        *notes.failures_notes(task, drawn),
    ]
    return Result(
        table,
        _finding(table, by, index[:-1], replicates[:, :-1]),
        i18n.together(remarks),
        "points",
        **sample.bootstrap,
        replicates=replicates,
        parts={"ungrouped": without},
    )


def _group_indices(
    task: Problem, groups: dict[object, Moments], point: Solutions, drawn: Solutions
) -> tuple[np.ndarray, np.ndarray]:
    """Index of the target in each group and in all, (G + 1,), and its replicates."""
    low, target = task.ends[:, :1], task.plans[-1].target
    here, there = task.target_points(point), task.target_points(drawn)
    index = [(here * (s.total().mean[:, None] - low)).sum() for s in groups.values()]
    means = (np.moveaxis(s.resample(s.draws, s.seed).mean, 0, -1) for s in groups.values())
    replicates = [(there * (mean - low)).sum(0) for mean in means]
    index = [*index, point[-1].index[target, 0]]
    replicates = [*replicates, drawn[-1].index[target]]
    return np.array(index), np.stack(replicates, axis=1)


def _finding(table: pd.DataFrame, by: str, index: np.ndarray, replicates: np.ndarray) -> Finding:
    """The two groups furthest apart, and whether that is significant."""
    judged = np.flatnonzero(table["low"].notna().to_numpy()[:-1])
    judged = judged[(disclosure.hidden(table) == "").to_numpy()[judged]]
    target = table["term"].iloc[-1]
    if len(judged) < 2:
        return index_findings.level(table.iloc[[-1]], target)
    top, bottom = judged[index[judged].argmax()], judged[index[judged].argmin()]
    gaps = (replicates - index)[:, judged]
    # Any two groups might have been the extremes: the widest deviation of any pair is what counts.
    reach = draw_quantile(np.nanmax(gaps, 1) - np.nanmin(gaps, 1), LEVEL)
    gap = index[top] - index[bottom]
    words = {
        "measure": i18n.opening(index_findings.name_of(target)),
        "by": by,
        "gap": gap,
        "top": i18n.quoted(i18n.label(str(table[by][top]))),
        "bottom": i18n.quoted(i18n.label(str(table[by][bottom]))),
        "high": i18n.number(index[top], 0),
        "low": i18n.number(index[bottom], 0),
    }
    low, high = percentile_interval(replicates[:, top] - replicates[:, bottom])
    detail = _(
        "{bottom} 95% CI {own:interval1}; {top} {gap:number1} points above (95% CI "
        "{span:interval1})",
        own=(table["low"][bottom], table["high"][bottom]),
        span=(float(low), float(high)),
        **words,
    )
    if gap <= reach:
        return Finding(_("{measure} does not differ significantly by {by:label}.", **words), detail)
    claim = _(
        "{measure} is significantly lower for {bottom} ({low}) than for {top} ({high}).", **words
    )
    worst = table.iloc[bottom]
    return Finding.of_row(
        worst,
        claim,
        detail,
        **index_findings.facts(**{by: str(worst[by])}),
        importance=Importance.NOTABLE if gap >= index_findings.CLEARLY else Importance.ANSWER,
    )


def by_wave(
    sample: SampleLike,
    model: Model,
    options: Options | None = None,
    *,
    over: str = "wave",
    goal: Target | None = None,
) -> Result:
    """The target's index in each wave, with one set of weights, and its last change.

    Parameters
    ----------
    sample, model, options : as in `fit`
    over : column of the waves
    goal : the value to reach

    Returns
    -------
    Result of `fit_by` without the row of all waves, with the table "changes" (wave, against, term,
    estimate, low, high, n, p): the last wave that may be shown against the one before.

    Raises
    ------
    InsufficientData : fewer than two waves that may be shown

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> rows = pd.concat([rows] * 9, ignore_index=True)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> print(by_wave(rows.assign(wave=["2025"] * 27 + ["2026"] * 27), model))
    The satisfaction index was 51 in 2026, not significantly different from the year before (49).
    """
    fit = fit_by(sample, model, over, options)
    table, replicates = fit.table.iloc[:-1], np.asarray(fit.replicates)
    known = (disclosure.hidden(table) == "") & table["low"].notna()
    shown = table[known]
    if len(shown) < 2:
        raise InsufficientData(
            _("The index needs two waves of enough answers; there are {n:count}.", n=len(shown))
        )
    then, now = shown.index[-2:]
    estimate = np.array([table["estimate"][now] - table["estimate"][then]])
    apart = (replicates[:, now] - replicates[:, then])[:, None]
    low, high = symmetric_interval(estimate, apart)
    change = {
        over: table[over][now],
        "against": table[over][then],
        "term": model.target,
        "estimate": estimate[0],
        "low": low[0],
        "high": high[0],
        "n": int(min(table["n"][now], table["n"][then])),
        "p": max_t(estimate, apart)[0],
    }
    changes = pd.DataFrame([change])
    finding = index_findings.step(shown, over, model.target, changes.iloc[0], goal)
    return fit.replace(
        tables={"table": table, "changes": changes},
        finding=finding,
        replicates=replicates[:, :-1],
    )
