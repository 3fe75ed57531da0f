"""The target's index in groups of people, measured with the same weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi import notes
from cxlib.csi.estimation import Options, Problem, Solutions, estimate, prepare, replicate
from cxlib.csi.index import index_finding
from cxlib.csi.model import Model
from cxlib.privacy import disclosure
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL, expanded_level, percentile_interval, simultaneous_interval
from cxlib.stats.moments import Moments


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
    Result whose table has by, term, estimate (index points), low, high and n. The intervals of the
    groups are simultaneous (max-t over the groups); that of "overall" is its own, as in `fit`.

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
    low, high = simultaneous_interval(index[:-1], replicates[:, :-1])
    alone = percentile_interval(
        replicates[:, -1], expanded_level(task.sums.effective)
    )  # as `fit` has it
    low, high = np.r_[low, alone[0]], np.r_[high, alone[1]]
    names = [*map(str, groups), "overall"]
    table = pd.DataFrame({by: names, "term": model.target, "estimate": index})
    table = table.assign(low=low.clip(0), high=high.clip(None, 100), n=n)
    without = int(sample[by].isna().sum())
    remarks = [
        notes.answers_note(task),
        notes.resamples_note(task),
        _(
            "All groups are measured with the weights of everybody; their intervals are "
            "simultaneous."
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
    """The index overall, and the two groups furthest apart."""
    judged = np.flatnonzero(table["low"].notna().to_numpy()[:-1])
    judged = judged[(disclosure.hidden(table) == "").to_numpy()[judged]]
    overall = table.iloc[-1]
    whole = index_finding(table.iloc[[-1]], overall["term"])
    if len(judged) < 2:
        return whole
    top, bottom = judged[index[judged].argmax()], judged[index[judged].argmin()]
    gaps = (replicates - index)[:, judged]
    # Any two groups might have been the extremes: the widest deviation of any pair is what counts.
    reach = np.nanquantile(np.nanmax(gaps, 1) - np.nanmin(gaps, 1), LEVEL)
    gap = index[top] - index[bottom]
    facts = {
        "by": by,
        "whole": whole.claim,
        "gap": gap,
        "span": (max(gap - reach, 0), gap + reach),
        "top": table[by][top],
        "bottom": table[by][bottom],
    }
    if gap > reach:
        claim = _(
            "{whole} By {by:label}: {top:label} is {gap:number1} ({span:interval1}) points above "
            "{bottom:label}.",
            **facts,
        )
    else:
        claim = _(
            "{whole} By {by:label}: no significant difference; {top:label} and {bottom:label} are "
            "{gap:number1} ({span:interval1}) points apart.",
            **facts,
        )
    return replace(whole, claim=claim)
