"""NPS, CSAT, means and effort: one weighted mean, recoded in different ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.scores import group_means, nps_intervals
from cxlib.scores.answers import Answers, read
from cxlib.scores.group_means import GroupMeans
from cxlib.scores.measures import Measure, Scale, as_measure
from cxlib.stats.intervals import LEVEL, failed_draws, sidak_level, wilson_interval
from cxlib.stats.notes import resampling_note

METHODS = {  # what a note says of the intervals
    "adjusted_wald": lambda: _("Intervals: adjusted Wald (Rocks 2016)."),
    "score": lambda: _("Intervals: score method (May and Johnson 1997)."),
    "dirichlet": lambda: _("Intervals: Dirichlet posterior, Jeffreys prior."),
    "wilson": lambda: _("Intervals: Wilson (1927)."),
}
NPS_METHODS = ("adjusted_wald", "score", "dirichlet", "bootstrap")
CSAT_METHODS = ("wilson", "bootstrap")


def nps(
    sample: SampleLike,
    item: str = "recommend",
    *,
    by: str | None = None,
    method: str = "adjusted_wald",
) -> Result:
    """Net promoter score: share of 9-10 minus share of 0-6, in points.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of whole numbers from 0 to 10
    by : column of groups, whose 95% intervals are then simultaneous (Šidák)
    method : of the intervals. "adjusted_wald" (Rocks), "score" (May and Johnson; Tango) and
        "dirichlet" (posterior under the Jeffreys prior) use the effective n of weights and of
        customers who answer more than once; or "bootstrap"

    Returns
    -------
    Result whose table has [group,] term, estimate (points, -100 to 100), low, high, n, detractors,
    passives and promoters (shares, 0 to 1).

    Raises
    ------
    ValueError : unknown column or method, answers that are no whole numbers from 0 to 10, bad
        weights, no answer

    References
    ----------
    Reichheld (2003), Harvard Business Review 81(12); Rocks (2016), The American Statistician 70(4);
    May and Johnson (1997), Statistics in Medicine 16; Tango (1998), ibid. 17; Kish (1965).

    Examples
    --------
    >>> nps(pd.DataFrame({"recommend": [10, 9, 8, 0]})).table["estimate"].tolist()
    [25.0]
    """
    require_choice("method", method, NPS_METHODS)
    sample, measure = as_sample(sample), Measure("nps")
    answers = read(sample, [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    detractors, promoters = _shares(answers)
    replicates, level = None, sidak_level(len(answers.groups))
    if method == "bootstrap":
        low, high, replicates = group_means.bootstrap_interval(
            answers, measure.recode, found, (-1, 1)
        )
    elif method == "dirichlet":
        low, high = nps_intervals.dirichlet(
            promoters, detractors, found.effective, level, draws=sample.draws, seed=sample.seed
        )
    else:
        formula = nps_intervals.adjusted_wald
        if method == "score":
            formula = nps_intervals.score_interval
        low, high = formula(promoters, detractors, found.effective, level)
    kinds = {"detractors": detractors, "passives": 1 - promoters - detractors}
    bounds = (100 * low, 100 * high)
    table = _table(answers, found, 100 * found.mean, bounds, kinds | {"promoters": promoters})
    return _result(answers, found, table, measure, replicates, method)


def csat(
    sample: SampleLike,
    item: str,
    *,
    scale: Scale = (1, 10),
    top: int = 2,
    by: str | None = None,
    method: str = "wilson",
) -> Result:
    """Customer satisfaction score (CSAT): share whose answer is one of the `top` best (top box).

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of answers
    scale : worst and best answer
    top : how many of the best answers count as satisfied, 1 or more
    by : column of groups, whose 95% intervals are then simultaneous
    method : "wilson" (with the effective n) or "bootstrap"

    Returns
    -------
    Result whose table has [group,] term, estimate (share, 0 to 1), low, high, n.

    Raises
    ------
    ValueError : unknown column or method, answers off the scale, bad weights, no answer

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Kish (1965).

    Examples
    --------
    >>> csat(pd.DataFrame({"overall": [10, 9, 8, 1]}), "overall").table["estimate"].tolist()
    [0.5]
    """
    require_choice("method", method, CSAT_METHODS)
    measure, replicates = Measure("csat", scale, top), None
    answers = read(as_sample(sample), [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    if method == "bootstrap":
        low, high, replicates = group_means.bootstrap_interval(
            answers, measure.recode, found, (0, 1)
        )
    else:
        low, high = wilson_interval(found.mean, found.counted, sidak_level(len(answers.groups)))
    table = _table(answers, found, found.mean, (low, high))
    return _result(answers, found, table, measure, replicates, method)


def mean(
    sample: SampleLike,
    items: str | Sequence[str],
    *,
    scale: Scale | None = None,
    by: str | None = None,
) -> Result:
    """Mean answer to each item, on the item's own scale.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed. Those who never experienced what an
        item asks about have no answer
    items : one or more columns of numbers
    scale : worst and best answer; answers outside are an error. None allows any number
    by : column of groups

    Returns
    -------
    Result whose table has [group,] term, estimate, low, high (95% bootstrap intervals, simultaneous
    where there are several) and n.

    Raises
    ------
    ValueError : unknown column, text, answers off the scale, bad weights, no answer

    References
    ----------
    Montiel Olea and Plagborg-Møller (2019), Journal of Applied Econometrics 34(1).

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [2, 4], "price": [5, 8]})
    >>> mean(rows, ["speed", "price"]).table["estimate"].tolist()
    [3.0, 6.5]
    """
    items, measure = [items] if isinstance(items, str) else list(items), Measure("mean", scale)
    answers = read(as_sample(sample), items, measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    bounds = (_column(np.nanmin, answers.x), _column(np.nanmax, answers.x))
    low, high, replicates = group_means.bootstrap_interval(answers, measure.recode, found, bounds)
    table = _table(answers, found, found.mean, (low, high))
    return _result(answers, found, table, measure, replicates, "bootstrap")


def effort(
    sample: SampleLike, item: str, *, scale: Scale = (1, 7), by: str | None = None
) -> Result:
    """Customer effort score (CES): mean agreement that it was easy; high is easy.

    Parameters
    ----------
    sample, by : as in `mean`
    item : column of answers; one that asks for effort is reversed when it is loaded
        (`reverse: true` in study.yaml)
    scale : worst and best answer

    Returns
    -------
    Result as of `mean`.

    Raises
    ------
    ValueError : as of `mean`

    References
    ----------
    Dixon, Freeman and Toman (2010), Harvard Business Review 88(7).

    Examples
    --------
    >>> effort(pd.DataFrame({"ease": [7, 5, 4, 4]}), "ease").table["estimate"].tolist()
    [5.0]
    """
    fit = mean(sample, item, scale=scale, by=by)
    low, high = (i18n.number(v, 0) for v in scale)
    meaning = _("The scale runs from {low} to {high}; high is easy.", low=low, high=high)
    return fit.replace(notes=i18n.together([fit.notes, meaning]))


def score(
    sample: SampleLike, item: str, measure: Measure | str = "nps", *, by: str | None = None
) -> Result:
    """The score that belongs to a question: NPS, CSAT, effort or its mean.

    Parameters
    ----------
    sample, by : as in `nps`
    item : column of answers
    measure : what is measured, as `measure_of` finds it by the question's role

    Returns
    -------
    Result of `nps`, `csat`, `effort` or `mean`.

    Raises
    ------
    ValueError : as of these

    Examples
    --------
    >>> score(pd.DataFrame({"recommend": [10, 9, 8, 0]}), "recommend").unit
    'points'
    """
    measure = as_measure(measure)
    if measure.kind == "nps":
        return nps(sample, item, by=by)
    if measure.kind == "csat" and measure.scale:
        return csat(sample, item, scale=measure.scale, top=measure.top, by=by)
    if measure.kind == "effort" and measure.scale:
        return effort(sample, item, scale=measure.scale, by=by)
    return mean(sample, item, scale=measure.scale, by=by)


def own_interval(
    answers: Answers, found: GroupMeans, measure: Measure, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise interval of each group's score, by formula: (low, high), (groups,) each.

    NPS by adjusted Wald, shares by Wilson, means by Student's t, all with the effective n.
    """
    mean, n = found.mean[:, 0], found.counted[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "nps":
            detractors, promoters = (s[:, 0] for s in _shares(answers))
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


def _table(
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


def _result(
    answers: Answers,
    found: GroupMeans,
    table: pd.DataFrame,
    measure: Measure,
    replicates: np.ndarray | None,
    method: str,
) -> Result:
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
