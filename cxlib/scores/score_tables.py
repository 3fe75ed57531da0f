"""What every score returns: its table, finding and notes, and pointwise intervals by formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import ESTIMATE, SIMULTANEOUS, Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Result
from cxlib.privacy import disclosure
from cxlib.scores import group_means, nps_intervals, score_findings
from cxlib.scores.answers import Answers
from cxlib.scores.group_means import GroupMeans
from cxlib.scores.measures import Measure
from cxlib.stats.intervals import LEVEL, failed_draws, wilson_interval
from cxlib.stats.notes import resampling_note, simultaneous_note

ERRORS = (
    Column("error", "standard error", ESTIMATE, label=N_("standard error")),
    Column("variance", "of an answer, in the unit of the score squared", decimals=2),
    Column("effective", "effective number of answers", "count", label=N_("effective n")),
)
METHODS = {  # what a note says of the intervals
    "adjusted_wald": lambda: _("Intervals: adjusted Wald (Rocks 2016)."),
    "score": lambda: _("Intervals: score method (May and Johnson 1997)."),
    "wald": lambda: _("Intervals: Wald, too short of few answers."),
    "dirichlet": lambda: _("Intervals: Dirichlet posterior, Jeffreys prior."),
    "wilson": lambda: _("Intervals: Wilson (1927)."),
}


def own_interval(
    answers: Answers,
    found: GroupMeans,
    measure: Measure,
    sums: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each group's own 95% interval, as `score` has it, and the resamples of its mean.

    NPS by adjusted Wald and shares by Wilson with the effective n, means from the resamples:
    (low, high), (groups,) each, in the unit of the score, and (draws, groups) of recoded means.
    """
    (low, high), _unused, replicates = group_means.bootstrap_interval(
        answers, measure.recode, found, extremes(answers), sums
    )
    if measure.kind in ("nps", "csat"):
        return *formula_interval(answers, found, measure), replicates
    return low[:, 0], high[:, 0], replicates


def formula_interval(
    answers: Answers, found: GroupMeans, measure: Measure, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of each group's NPS (adjusted Wald) or share (Wilson), with the effective n."""
    mean, n = found.mean[:, 0], found.counted[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "nps":
            detractors, promoters = (s[:, 0] for s in shares_of(answers))
            low, high = nps_intervals.adjusted_wald(promoters, detractors, n, level)
        else:
            low, high = wilson_interval(mean, n, level)
    return measure.factor * low, measure.factor * high


def extremes(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest answer given to each item, (items,) each."""
    empty = np.isnan(answers.x).all(0)
    filled = np.where(empty, 0.0, answers.x)
    low, high = (np.where(empty, np.nan, f(filled, axis=0)) for f in (np.nanmin, np.nanmax))
    return low, high


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
    bounds: Sequence[tuple[np.ndarray, np.ndarray]],
    more: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """The table of a result, with the columns `more` at its end.

    `bounds` are the intervals of each cell and, for tables of several, the simultaneous ones.
    """
    groups, items = found.mean.shape
    empty = found.n == 0
    columns = {"term": pd.array(list(answers.items) * groups, dtype="str"), "estimate": estimate}
    if answers.by:
        named = np.repeat(np.array(answers.groups, dtype=object), items)
        columns = {answers.by: pd.Series(named).infer_objects(), **columns}
    own, together = ([np.where(empty, np.nan, end) for end in ends] for ends in bounds)
    columns |= {"low": own[0], "high": own[1], "n": found.n}
    if found.mean.size > 1:
        columns |= dict(zip(SIMULTANEOUS, together, strict=True))
    columns |= more or {}
    table = pd.DataFrame(
        {name: np.ravel(v) if isinstance(v, np.ndarray) else v for name, v in columns.items()}
    )
    return answers.sample.counted(table)


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
        {"table": table, "errors": _errors(table, found, measure)},
        score_findings.finding(answers, table, shown, measure),
        i18n.together(notes),
        measure.unit,
        columns=ERRORS,
        draws=sample.draws if by_draws else 0,
        seed=sample.seed if by_draws else 0,
        replicates=None if replicates is None else measure.factor * replicates,
        parts={"ungrouped": sample.rows_of(sample[answers.by].isna())} if answers.by else {},
    )


def _errors(table: pd.DataFrame, found: GroupMeans, measure: Measure) -> pd.DataFrame:
    """Standard errors by the effective n, and what they are made of, row by row of the table."""
    names = list(table.columns[: list(table.columns).index("estimate") + 1])
    variance = measure.factor**2 * found.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(variance / found.effective)
    more = {"error": error, "variance": variance, "effective": found.effective}
    counts = [c for c in ("n", "people") if c in table]
    return table[[*names, *counts]].assign(**{name: np.ravel(v) for name, v in more.items()})


def _least() -> int:
    return max(context.current().smallest_cell, 1)


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
        parts.append(simultaneous_note(together))
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
