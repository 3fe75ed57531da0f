"""NPS, CSAT, means and effort: one weighted mean, recoded in different ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores import cells, intervals
from cxlib.scores.cells import Cells
from cxlib.scores.measures import Measure
from cxlib.scores.rows import Answers, Scale, read
from cxlib.stats.intervals import LEVEL, failed_draws, sidak_level, wilson_interval

METHODS = {  # what a note says of the intervals
    "adjusted_wald": lambda: _("Intervals: adjusted Wald (Rocks 2016)."),
    "score": lambda: _("Intervals: score method (May and Johnson 1997)."),
    "dirichlet": lambda: _("Intervals: Dirichlet posterior, Jeffreys prior."),
    "wilson": lambda: _("Intervals: Wilson (1927)."),
    "bootstrap": lambda: "",
}


def nps(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    method: str = "adjusted_wald",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Net promoter score in points: share of 9-10 less share of 0-6, times 100 (Reichheld 2003).

    `method`, of the intervals: "adjusted_wald" (Rocks 2016), "score" (May and Johnson 1997; Tango
    1998), "dirichlet" (posterior under the Jeffreys prior: half an answer of each kind), all three
    with the effective n of weights and of customers who answer more than once; or "bootstrap". The
    table has the shares of detractors, passives and promoters at its end.
    """
    _choice(method, "adjusted_wald", "score", "dirichlet", "bootstrap")
    measure = Measure("nps")
    answers = read(
        responses, [item], by=by, weight=weight, customer=customer, scale=measure.scale, whole=True
    )
    found = cells.of(answers, measure.recode)
    detractors, promoters = _shares(answers)
    replicates, level = None, sidak_level(len(answers.groups))
    if method == "bootstrap":
        low, high, replicates = cells.drawn(answers, measure.recode, found, draws, seed, (-1, 1))
    elif method == "dirichlet":
        low, high = intervals.dirichlet(
            promoters, detractors, found.effective, level, draws=draws, seed=seed
        )
    else:
        formula = {"adjusted_wald": intervals.adjusted_wald, "score": intervals.score}[method]
        low, high = formula(promoters, detractors, found.effective, level)
    table = _table(
        answers,
        found,
        *(100 * v for v in (found.mean, low, high)),
        detractors=detractors,
        passives=1 - promoters - detractors,
        promoters=promoters,
    )
    return _packed(answers, found, table, measure, replicates, method, draws, seed)


def csat(
    responses: pd.DataFrame,
    item: str,
    *,
    scale: Scale = (1, 10),
    top: int = 2,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    method: str = "wilson",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share whose answer is one of the `top` best of the scale (0 to 1): the top-box score.

    Intervals by Wilson (1927) with the effective n, or by bootstrap (`method="bootstrap"`).
    """
    _choice(method, "wilson", "bootstrap")
    measure = Measure("csat", scale, top)
    answers = read(responses, [item], by=by, weight=weight, customer=customer, scale=scale)
    found, replicates = cells.of(answers, measure.recode), None
    if method == "bootstrap":
        low, high, replicates = cells.drawn(answers, measure.recode, found, draws, seed, (0, 1))
    else:
        low, high = wilson_interval(found.mean, found.counted, sidak_level(len(answers.groups)))
    table = _table(answers, found, found.mean, low, high)
    return _packed(answers, found, table, measure, replicates, method, draws, seed)


def mean(
    responses: pd.DataFrame,
    items: str | Sequence[str],
    *,
    scale: Scale | None = None,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Mean answer to each item, on the item's own scale; bootstrap intervals that hold together.

    Those who did not experience what an item asks about are not counted. With `scale`, answers
    outside it are an error.
    """
    items, measure = [items] if isinstance(items, str) else list(items), Measure("mean", scale)
    answers = read(responses, items, by=by, weight=weight, customer=customer, scale=scale)
    found = cells.of(answers, measure.recode)
    bounds = (_column(np.nanmin, answers.x), _column(np.nanmax, answers.x))
    low, high, replicates = cells.drawn(answers, measure.recode, found, draws, seed, bounds)
    table = _table(answers, found, found.mean, low, high)
    return _packed(answers, found, table, measure, replicates, "bootstrap", draws, seed)


def effort(
    responses: pd.DataFrame,
    item: str,
    *,
    scale: Scale = (1, 7),
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Customer effort score: mean agreement that it was easy, on its scale (Dixon et al. 2010).

    High is easy; an item that asks for effort is turned round when it is loaded (`reverse: true`).
    """
    fit = mean(
        responses,
        item,
        scale=scale,
        by=by,
        weight=weight,
        customer=customer,
        draws=draws,
        seed=seed,
    )
    low, high = (i18n.number(v, 0) for v in scale)
    meaning = _("The scale runs from {low} to {high}; high is easy.", low=low, high=high)
    note = i18n.together([fit.note, meaning])
    return replace(fit, note=note)


def own_interval(
    answers: Answers, found: Cells, measure: Measure, level: float = LEVEL
) -> intervals.Bounds:
    """Interval of each group's score on its own, by formula: (low, high), (groups,) each.

    NPS by adjusted Wald, shares by Wilson, means by Student's t, all with the effective n.
    """
    mean, n = found.mean[:, 0], found.counted[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "nps":
            detractors, promoters = (s[:, 0] for s in _shares(answers))
            low, high = intervals.adjusted_wald(promoters, detractors, n, level)
        elif measure.kind == "csat":
            low, high = wilson_interval(mean, n, level)
        else:
            low, high = intervals.student(mean, found.variance[:, 0], n, level)
    return measure.factor * low, measure.factor * high


def _shares(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Weighted shares of detractors and of promoters, (groups, 1) each."""
    tally = answers.tallies[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = tally.weight / tally.weight.sum(1, keepdims=True)
    return (
        shares[:, tally.values <= 6].sum(1, keepdims=True),
        shares[:, tally.values >= 9].sum(1, keepdims=True),
    )


def _column(reduce, x: np.ndarray) -> np.ndarray:
    empty = np.isnan(x).all(0)
    return np.where(empty, np.nan, reduce(np.where(empty, 0.0, x), axis=0))


def _choice(method: str, *known: str) -> None:
    if method not in known:
        raise ValueError(f"method={method!r} is not a choice. There are: {', '.join(known)}.")


def _table(
    answers: Answers,
    found: Cells,
    estimate: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    **more: np.ndarray,
) -> pd.DataFrame:
    """The table of a result, with the columns `more` at its end."""
    groups, items = found.mean.shape
    empty = found.n == 0
    columns = {"term": pd.array(list(answers.items) * groups, dtype="str"), "estimate": estimate}
    if answers.by:
        named = np.repeat(np.array(answers.groups, dtype=object), items)
        columns = {answers.by: pd.Series(named).infer_objects(), **columns}
    columns |= {"low": np.where(empty, np.nan, low), "high": np.where(empty, np.nan, high)}
    columns |= {"n": found.n, **more}
    return pd.DataFrame(
        {name: np.ravel(v) if isinstance(v, np.ndarray) else v for name, v in columns.items()}
    )


def _packed(
    answers: Answers,
    found: Cells,
    table: pd.DataFrame,
    measure: Measure,
    replicates: np.ndarray | None,
    method: str,
    draws: int,
    seed: int,
) -> Estimates:
    by_draws = method in ("bootstrap", "dirichlet")
    shown = disclosure.hidden(table, max(context.current().smallest_cell, 1)) == ""
    said = [*answers.note, *_caveats(answers, found, replicates), METHODS[method](), _unseen(shown)]
    return Estimates(
        table,
        _sentence(answers, table, shown, measure),
        i18n.together(said),
        measure.unit,
        **(dict(draws=draws, seed=seed) if by_draws else {}),
        replicates=None if replicates is None else measure.factor * replicates,
    )


def _sentence(answers: Answers, table: pd.DataFrame, may: pd.Series, measure: Measure) -> str:
    """The number when there is one; else the highest and the lowest of those that may be shown."""
    shown = table[may]
    if shown.empty:
        least = max(context.current().smallest_cell, 1)
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    names, called = _names(answers, shown), _called(answers, measure)
    said = [
        _(
            "{value} ({span}), n {n:count}",
            value=measure.value(cell.estimate),
            span=measure.span(cell.low, cell.high),
            n=cell.n,
        )
        for cell in shown.itertuples()
    ]
    if len(table) == 1 and not answers.by:
        return _("{measure} {said}.", measure=called, said=said[0])
    top, bottom = int(np.argmax(shown["estimate"])), int(np.argmin(shown["estimate"]))
    if top == bottom:
        return _("{measure} for {name}: {said}.", measure=called, name=names[top], said=said[top])
    return _(
        "{measure}: highest for {best}, {high}; lowest for {worst}, {low}.",
        measure=called,
        best=names[top],
        high=said[top],
        worst=names[bottom],
        low=said[bottom],
    )


def _unseen(may: pd.Series) -> str:
    """How many of several numbers a page hides, and why."""
    if may.all() or len(may) == 1:
        return ""
    return _(
        "{hidden:count} of {cells:count} numbers are not shown: they rest on fewer than "
        "{least:count} answers, or one that does could be worked out from them.",
        hidden=(~may).sum(),
        cells=len(may),
        least=max(context.current().smallest_cell, 1),
    )


def _called(answers: Answers, measure: Measure) -> str:
    return measure.name(answers.items[0]) if len(answers.items) == 1 else _("Mean")


def _names(answers: Answers, shown: pd.DataFrame) -> list[str]:
    items = [i18n.label(term) for term in shown["term"]]
    if not answers.by:
        return items
    groups = [i18n.label(str(g)) for g in shown[answers.by]]
    if len(answers.items) == 1:
        return groups
    return [_("{item} ({group})", item=i, group=g) for i, g in zip(items, groups, strict=True)]


def _caveats(answers: Answers, found: Cells, replicates: np.ndarray | None) -> list[str]:
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
        parts.append(_("The {cells:count} intervals hold together.", cells=together))
    if replicates is None:
        if answers.raked and answers.weighted:
            parts.append(
                _(
                    "These intervals take the weights as given; what raking to known shares "
                    "adds to certainty is not in them."
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
                "{lost:count} draws left some group without an answer, and do not count there.",
                lost=lost,
            )
        )
    return parts
