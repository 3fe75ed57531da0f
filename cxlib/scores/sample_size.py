"""How large a change must be to be detected, and how many answers that takes.

    scores.detectable_change(sample, "recommend", by="wave")     # points, for two waves like each
    scores.sample_size(sample, "recommend", changes=[2, 5])      # answers a wave

Two waves of independent samples are compared at 5%, two-sided; the change is found with
probability `power`. Answers vary as they did so far, weights and repeated customers included
(their design effect). When the same customers answer in both waves, smaller changes can be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.scores import group_means
from cxlib.scores.answers import read
from cxlib.scores.measures import Measure, as_measure
from cxlib.stats.intervals import LEVEL, normal_quantile

USUAL = (0.02, 0.05, 0.1)


def detectable_change(
    sample: SampleLike,
    item: str = "recommend",
    *,
    by: str | None = None,
    measure: Measure | str = "nps",
    power: float = 0.8,
) -> Result:
    """Smallest change between two waves like this one that a test finds with probability `power`.

    Parameters
    ----------
    sample : answers with weights and clusters
    item : column of answers
    by : column of groups (waves); then the change is that of two waves like each group
    measure : what is measured
    power : probability to find the change, between 0 and 1

    Returns
    -------
    Result whose table has [group,] term, estimate (in the unit of the score), low, high (empty), n.

    Raises
    ------
    ValueError : impossible power, and as of `nps`

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 9, 8, 0] * 100})
    >>> detectable_change(rows).table["estimate"].round(1).tolist()
    [16.4]
    """
    measure, reach = as_measure(measure), _standard_errors(power)
    answers = read(as_sample(sample), [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    size = np.where(
        found.n[:, 0] > 1,
        measure.factor * smallest_change(found.variance[:, 0], found.counted[:, 0], reach),
        np.nan,
    )
    table = _table(item, size, found.n[:, 0])
    if by:
        table.insert(0, by, answers.groups)
    notes = i18n.together(answers.notes)
    if (shown := disclosure.shown(table)).empty:
        return Result(table, disclosure.left_out(), notes, measure.unit)
    last = shown.iloc[-1]
    facts = {
        "measure": measure.name(item),
        "n": last["n"],
        "change": measure.change(last["estimate"]),
        "power": power,
    }
    claim = _(
        "A change of {measure} by less than {change} between two waves would mostly be missed.",
        **facts,
    )
    detail = (
        _("power {power:share} with n = {n:count}, as in {group:label}", group=last[by], **facts)
        if by
        else _("power {power:share} with n = {n:count}", **facts)
    )
    finding = Finding(claim, detail, importance=Importance.METHOD)
    return Result(table, finding, notes, measure.unit)


def sample_size(
    sample: SampleLike,
    item: str = "recommend",
    *,
    changes: Sequence[float] = (),
    measure: Measure | str = "nps",
    power: float = 0.8,
) -> Result:
    """Answers each of two waves needs so that a test finds a change with probability `power`.

    Parameters
    ----------
    sample : answers with weights and clusters
    item : column of answers
    changes : sizes in the unit of the score (points; shares as 0.05), each above 0; 2, 5 and 10%
        of the way from 0 to the best when none are given
    measure : what is measured
    power : probability to find the change, between 0 and 1

    Returns
    -------
    Result whose table has a row a change: change, term, estimate (answers, weighted and repeated
    as they are now), low, high (empty), n.

    Raises
    ------
    ValueError : impossible power or changes, and as of `nps`

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 9, 8, 0] * 100})
    >>> sample_size(rows, changes=[5]).table["estimate"].tolist()
    [4317.0]
    """
    measure, reach = as_measure(measure), _standard_errors(power)
    whole = {"points": 100, "share": 1}.get(measure.unit) or (measure.scale or (0, 10))[1]
    changes = list(changes) or [whole * share for share in USUAL]
    if min(changes) <= 0:
        raise ValueError(f"changes={changes}: give the sizes of changes, each above 0.")
    answers = read(as_sample(sample), [item], measure)
    found = group_means.estimate(answers, measure.recode)
    spread = measure.factor**2 * found.variance[0, 0] * found.design[0, 0]
    sizes = np.ceil(2 * spread * (reach / np.asarray(changes, float)) ** 2)
    table = _table(item, sizes, np.repeat(found.n[0, 0], len(changes)))
    table.insert(0, "change", [measure.change(c) for c in changes])
    middle = len(changes) // 2
    claim = _(
        "To detect a change of {measure} by {change}, each wave needs {n:count} answers.",
        measure=measure.name(item),
        change=measure.change(changes[middle]),
        n=sizes[middle],
    )
    detail = _("power {power:share}; n = {n:count} now", power=power, n=found.n[0, 0])
    finding = Finding(claim, detail, importance=Importance.METHOD)
    return Result(table, finding, i18n.together(answers.notes), "answers")


def smallest_change(variance: np.ndarray, n: np.ndarray, reach: float) -> np.ndarray:
    """The change found between two samples of (effective) size n; `reach` in standard errors."""
    return reach * np.sqrt(2 * variance / n)


def _standard_errors(power: float) -> float:
    if not 0 < power < 1:
        raise ValueError(f"power={power:g}; it must lie between 0 and 1, as .8 does.")
    return normal_quantile(LEVEL) + NormalDist().inv_cdf(power)


def _table(item: str, estimate: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    ends = {"low": np.nan, "high": np.nan}
    return pd.DataFrame({"term": item, "estimate": estimate, **ends, "n": n.astype(int)})
