"""NPS, CSAT, means and effort: one weighted mean, recoded in different ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cxlib.core import i18n
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.scores import group_means, nps_intervals
from cxlib.scores.answers import Answers, read
from cxlib.scores.group_means import Bounds
from cxlib.scores.measures import Measure, Scale, as_measure
from cxlib.scores.score_tables import extremes, result_of, shares_of, table_of
from cxlib.stats.intervals import LEVEL, sidak_level, wilson_interval

NPS_METHODS = ("adjusted_wald", "score", "dirichlet", "bootstrap", "wald")
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
    by : column of groups
    method : of the intervals. "adjusted_wald" (Rocks), "score" (May and Johnson; Tango) and
        "dirichlet" (posterior under the Jeffreys prior) use the effective n of weights and of
        customers who answer more than once; or "bootstrap". "wald" is too short of few answers

    Returns
    -------
    Result whose table has [group,] term, estimate (points, -100 to 100), low, high (95% intervals,
    each its own), n, with several groups simultaneous_low, simultaneous_high (Šidák: they hold for
    all groups at once), detractors, passives and promoters (shares, 0 to 1). Further table "errors"
    ([group,] term, estimate, error: standard error, variance: of an answer, effective: effective n,
    so that error² = variance / effective), as of every score.

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
    >>> import pandas as pd
    >>> nps(pd.DataFrame({"recommend": [10, 9, 8, 0]})).table["estimate"].tolist()
    [25.0]
    """
    require_choice("method", method, NPS_METHODS)
    sample, measure = as_sample(sample), Measure("nps")
    answers = read(sample, [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    detractors, promoters = shares_of(answers)
    replicates = None
    if method == "bootstrap":
        *bounds, replicates = group_means.bootstrap_interval(
            answers, measure.recode, found, (-1, 1)
        )
    else:
        formula: Callable[..., Bounds] = nps_intervals.adjusted_wald
        if method == "wald":
            formula = nps_intervals.wald
        if method == "score":
            formula = nps_intervals.score_interval
        if method == "dirichlet":
            formula = partial(nps_intervals.dirichlet, **sample.bootstrap)
        each = promoters, detractors, found.effective
        bounds = [formula(*each, level) for level in _levels(answers)]
    kinds = {"detractors": detractors, "passives": 1 - promoters - detractors}
    bounds = [(100 * low, 100 * high) for low, high in bounds]
    table = table_of(answers, found, 100 * found.mean, bounds, kinds | {"promoters": promoters})
    return result_of(answers, found, table, measure, replicates, method)


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
    top : how many of the best answers count as satisfied, 1 or more: of 1 to 5 the top two are all
        answers of at least 4
    by : column of groups
    method : "wilson" (with the effective n) or "bootstrap"

    Returns
    -------
    Result whose table has [group,] term, estimate (share, 0 to 1), low, high, n and, with several
    groups, simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : unknown column or method, answers off the scale, bad weights, no answer

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Kish (1965).

    Examples
    --------
    >>> import pandas as pd
    >>> csat(pd.DataFrame({"overall": [10, 9, 8, 1]}), "overall").table["estimate"].tolist()
    [0.5]
    """
    require_choice("method", method, CSAT_METHODS)
    return _share(sample, item, Measure("csat", scale, top), by, method)


def _share(
    sample: SampleLike, item: str, measure: Measure, by: str | None, method: str = "wilson"
) -> Result:
    replicates = None
    answers = read(as_sample(sample), [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    if method == "bootstrap":
        *bounds, replicates = group_means.bootstrap_interval(answers, measure.recode, found, (0, 1))
    else:
        bounds = [wilson_interval(found.mean, found.counted, v) for v in _levels(answers)]
    table = table_of(answers, found, found.mean, bounds)
    return result_of(answers, found, table, measure, replicates, method)


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
    Result whose table has [group,] term, estimate, low, high (95% bootstrap intervals, each its
    own), n and, of several, simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : unknown column, text, answers off the scale, bad weights, no answer

    References
    ----------
    Montiel Olea and Plagborg-Møller (2019), Journal of Applied Econometrics 34(1).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"speed": [2, 4], "price": [5, 8]})
    >>> mean(rows, ["speed", "price"]).table["estimate"].tolist()
    [3.0, 6.5]
    """
    return _mean(
        sample, [items] if isinstance(items, str) else list(items), Measure("mean", scale), by
    )


def _mean(sample: SampleLike, items: list[str], measure: Measure, by: str | None) -> Result:
    answers = read(as_sample(sample), items, measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    ends = extremes(answers)
    *bounds, replicates = group_means.bootstrap_interval(answers, measure.recode, found, ends)
    table = table_of(answers, found, found.mean, bounds)
    return result_of(answers, found, table, measure, replicates, "bootstrap")


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
    >>> import pandas as pd
    >>> effort(pd.DataFrame({"ease": [7, 5, 4, 4]}), "ease").table["estimate"].tolist()
    [5.0]
    """
    return _effort(sample, item, Measure("mean", scale), by)


def _effort(sample: SampleLike, item: str, measure: Measure, by: str | None) -> Result:
    fit, scale = _mean(sample, [item], measure, by), measure.scale or ()
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
    >>> import pandas as pd
    >>> score(pd.DataFrame({"recommend": [10, 9, 8, 0]}), "recommend").unit
    'points'
    """
    measure = as_measure(measure)
    if measure.kind == "nps":
        return nps(sample, item, by=by)
    if measure.kind == "csat":
        return _share(sample, item, measure, by)
    if measure.kind == "effort" and measure.scale:
        return _effort(sample, item, measure, by)
    return _mean(sample, [item], measure, by)


def _levels(answers: Answers) -> tuple[float, float]:
    """Of each group's own interval, and of intervals that hold for all groups at once."""
    return LEVEL, sidak_level(len(answers.groups))
