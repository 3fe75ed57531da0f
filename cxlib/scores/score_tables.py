"""What every score returns: its table, finding and notes, and pointwise intervals by formula."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.privacy import disclosure
from cxlib.scores import nps_intervals
from cxlib.scores.answers import Answers
from cxlib.scores.group_means import GroupMeans
from cxlib.scores.measures import Measure
from cxlib.stats.intervals import LEVEL, failed_draws, wilson_interval
from cxlib.stats.notes import resampling_note

METHODS = {  # what a note says of the intervals
    "adjusted_wald": lambda: _("Intervals: adjusted Wald (Rocks 2016)."),
    "score": lambda: _("Intervals: score method (May and Johnson 1997)."),
    "dirichlet": lambda: _("Intervals: Dirichlet posterior, Jeffreys prior."),
    "wilson": lambda: _("Intervals: Wilson (1927)."),
}


def own_interval(
    answers: Answers, found: GroupMeans, measure: Measure, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise interval of each group's score, by formula: (low, high), (groups,) each.

    NPS by adjusted Wald, shares by Wilson, means by Student's t, all with the effective n.
    """
    mean, n = found.mean[:, 0], found.counted[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "nps":
            detractors, promoters = (s[:, 0] for s in shares_of(answers))
            low, high = nps_intervals.adjusted_wald(promoters, detractors, n, level)
        elif measure.kind == "csat":
            low, high = wilson_interval(mean, n, level)
        else:
            low, high = _student(mean, found.variance[:, 0], n, level)
    return measure.factor * low, measure.factor * high


def _student(
    mean: np.ndarray, variance: np.ndarray, n: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a mean by Student's t; `variance` is that of the n answers (divided by n)."""
    from scipy.special import stdtrit

    free = np.where(n > 1, n - 1, np.nan)
    reach = stdtrit(free, (1 + level) / 2) * np.sqrt(variance / free)
    return mean - reach, mean + reach


def shares_of(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Weighted shares of detractors and of promoters, (groups, 1) each."""
    tally = answers.tallies[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = tally.weight / tally.weight.sum(1, keepdims=True)
    return (
        shares[:, tally.values <= 6].sum(1, keepdims=True),
        shares[:, tally.values >= 9].sum(1, keepdims=True),
    )


def table_of(
    answers: Answers,
    found: GroupMeans,
    estimate: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    more: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """The table of a result, with the columns `more` at its end."""
    groups, items = found.mean.shape
    empty = found.n == 0
    columns = {"term": pd.array(list(answers.items) * groups, dtype="str"), "estimate": estimate}
    if answers.by:
        named = np.repeat(np.array(answers.groups, dtype=object), items)
        columns = {answers.by: pd.Series(named).infer_objects(), **columns}
    low, high = (np.where(empty, np.nan, end) for end in bounds)
    columns |= {"low": low, "high": high, "n": found.n, **(more or {})}
    return pd.DataFrame(
        {name: np.ravel(v) if isinstance(v, np.ndarray) else v for name, v in columns.items()}
    )


def result_of(
    answers: Answers,
    found: GroupMeans,
    table: pd.DataFrame,
    measure: Measure,
    replicates: np.ndarray | None,
    method: str,
) -> Result:
    """The result of a score: finding, notes on what was left out, intervals' method."""
    sample = answers.sample
    by_draws = method in ("bootstrap", "dirichlet")
    shown = disclosure.hidden(table, _least()) == ""
    how = resampling_note(sample) if method == "bootstrap" else METHODS[method]()
    notes = [*answers.notes, *_caveats(answers, found, replicates), how, _hidden_note(shown)]
    return Result(
        table,
        _finding(answers, table, shown, measure),
        i18n.together(notes),
        measure.unit,
        draws=sample.draws if by_draws else 0,
        seed=sample.seed if by_draws else 0,
        replicates=None if replicates is None else measure.factor * replicates,
        parts={"ungrouped": int(sample[answers.by].isna().sum())} if answers.by else {},
    )


def _least() -> int:
    return max(context.current().smallest_cell, 1)


def _finding(answers: Answers, table: pd.DataFrame, may: pd.Series, measure: Measure) -> Finding:
    """The number when there is one; else the highest and the lowest of those that may be shown."""
    shown = table[may]
    if shown.empty:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=_least()))
    name = measure.name(answers.items[0]) if len(answers.items) == 1 else _("Mean")
    names = _names(answers, shown)
    values = [
        _(
            "{value} ({span}), n {n:count}",
            value=measure.value(cell.estimate),
            span=measure.span(cell.low, cell.high),
            n=cell.n,
        )
        for cell in shown.itertuples()
    ]
    if len(table) == 1 and not answers.by:
        claim = _("{measure} {said}.", measure=name, said=values[0])
        return Finding(claim, value=float(shown["estimate"].iloc[0]), unit=measure.unit)
    top, bottom = int(np.argmax(shown["estimate"])), int(np.argmin(shown["estimate"]))
    if top == bottom:
        return Finding(
            _("{measure} for {name}: {said}.", measure=name, name=names[top], said=values[top])
        )
    return Finding(
        _(
            "{measure}: highest for {best}, {high}; lowest for {worst}, {low}.",
            measure=name,
            best=names[top],
            high=values[top],
            worst=names[bottom],
            low=values[bottom],
        )
    )


def _hidden_note(may: pd.Series) -> str:
    """How many of several numbers a page hides, and why."""
    if may.all() or len(may) == 1:
        return ""
    return _(
        "{hidden:count} of {cells:count} numbers are not shown: they rest on fewer than "
        "{least:count} answers, or one that does could be worked out from them.",
        hidden=(~may).sum(),
        cells=len(may),
        least=_least(),
    )


def _names(answers: Answers, shown: pd.DataFrame) -> list[str]:
    items = [i18n.label(term) for term in shown["term"]]
    if not answers.by:
        return items
    groups = [i18n.label(str(g)) for g in shown[answers.by]]
    if len(answers.items) == 1:
        return groups
    return [_("{item} ({group})", item=i, group=g) for i, g in zip(items, groups, strict=True)]


def _caveats(answers: Answers, found: GroupMeans, replicates: np.ndarray | None) -> list[str]:
    parts, worst = [], found.design[found.n > 0].max()
    if (answers.weighted or answers.repeated) and worst > 1.005:
        parts.append(
            _(
                "Weights and repeated customers: design effect {deff:number2}, effective n "
                "{n:count}.",
                deff=worst,
                n=found.effective.sum(),
            )
            if found.mean.size == 1
            else _(
                "Weights and repeated customers: design effect up to {deff:number2}.", deff=worst
            )
        )
    together = answers.cells if replicates is not None else len(answers.groups)
    if together > 1:
        parts.append(_("The {cells:count} intervals are simultaneous.", cells=together))
    if replicates is None:
        if answers.sample.raking is not None and answers.weighted:
            parts.append(
                _(
                    "These intervals take the weights as given; the precision that raking to known "
                    "shares adds is not in them."
                )
            )
        return parts
    nothing = np.isnan(replicates).all(0)
    if lonely := int(nothing.sum()):
        parts.append(
            _("{cells:count} without two different answers have no interval.", cells=lonely)
        )
    if lost := failed_draws(replicates[:, ~nothing]) if not nothing.all() else 0:
        parts.append(
            _(
                "{lost:count} resamples left some group without an answer, and do not count there.",
                lost=lost,
            )
        )
    return parts
