"""How large a change must be to be seen, and how many answers it takes.

    scores.detectable(responses, "recommend", by="wave")        # points, for two waves like each
    scores.needed(responses, "recommend", changes=[2, 5])       # answers a wave

Two waves of independent samples are compared at 5 %, two-sided; the change is found with
probability `power`. Answers differ as they did so far, weights and repeated customers included
(their design effect). When the same customers answer in both waves, smaller changes can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores import cells
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.rows import read
from cxlib.stats.intervals import LEVEL, normal_quantile

USUAL = (0.02, 0.05, 0.1)


def detectable(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    by: str | None = None,
    measure: Measure | str = "nps",
    weight: str | None = None,
    customer: str | None = None,
    power: float = 0.8,
) -> Estimates:
    """Smallest change between two waves like this one that a test finds with probability `power`.

    In the unit of the score; with `by`, of two waves like each group. `low` and `high` are empty.
    """
    measure, reach = as_measure(measure), _reach(power)
    answers = read(
        responses,
        [item],
        by=by,
        weight=weight,
        customer=customer,
        scale=measure.scale,
        whole=measure.whole,
    )
    found = cells.of(answers, measure.recode)
    size = np.where(
        found.n[:, 0] > 1,
        measure.factor * smallest(found.variance[:, 0], found.counted[:, 0], reach),
        np.nan,
    )
    table = _table(by, answers.groups, item, size, found.n[:, 0])
    note = i18n.together(answers.note)
    if (told := disclosure.shown(table)).empty:
        return Estimates(table, disclosure.left_out(), note, measure.unit)
    last = told.iloc[-1]
    name = measure.name(item)
    answer = (
        _(
            "{measure}: with {n:count} answers a wave, as in {group:label}, a change of {change} "
            "is found {power:share} of the time; a smaller one is mostly missed.",
            measure=name,
            n=last["n"],
            group=last[by],
            change=measure.change(last["estimate"]),
            power=power,
        )
        if by
        else _(
            "{measure}: with {n:count} answers a wave, a change of {change} is found "
            "{power:share} of the time; a smaller one is mostly missed.",
            measure=name,
            n=last["n"],
            change=measure.change(last["estimate"]),
            power=power,
        )
    )
    return Estimates(table, answer, note, measure.unit)


def needed(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    changes: Sequence[float] = (),
    measure: Measure | str = "nps",
    weight: str | None = None,
    customer: str | None = None,
    power: float = 0.8,
) -> Estimates:
    """Answers each of two waves needs so that a test finds a change with probability `power`.

    `changes` are in the unit of the score (points; shares as .05), 2, 5 and 10 % of the way from 0
    to the best when none are given. The table has a row a change, `estimate` is the number of
    answers, weighted and repeated as they are now.
    """
    measure, reach = as_measure(measure), _reach(power)
    whole = {"points": 100, "share": 1}.get(measure.unit) or (measure.scale or (0, 10))[1]
    changes = list(changes) or [whole * share for share in USUAL]
    if min(changes) <= 0:
        raise ValueError(f"changes={changes}: give the sizes of changes, each above 0.")
    answers = read(
        responses,
        [item],
        weight=weight,
        customer=customer,
        scale=measure.scale,
        whole=measure.whole,
    )
    found = cells.of(answers, measure.recode)
    spread = measure.factor**2 * found.variance[0, 0] * found.design[0, 0]
    sizes = np.ceil(2 * spread * (reach / np.asarray(changes, float)) ** 2)
    table = _table(
        "change",
        [measure.change(c) for c in changes],
        item,
        sizes,
        np.repeat(found.n[0, 0], len(changes)),
    )
    answer = _(
        "{measure}: to find a change of {change} {power:share} of the time, each wave needs "
        "{n:count} answers.",
        measure=measure.name(item),
        change=measure.change(changes[len(changes) // 2]),
        power=power,
        n=sizes[len(changes) // 2],
    )
    return Estimates(table, answer, i18n.together(answers.note), "answers")


def smallest(variance: np.ndarray, n: np.ndarray, reach: float) -> np.ndarray:
    """The change found between two samples of (effective) size n; `reach` in standard errors."""
    return reach * np.sqrt(2 * variance / n)


def _reach(power: float) -> float:
    if not 0 < power < 1:
        raise ValueError(f"power={power:g}; it must lie between 0 and 1, as .8 does.")
    return normal_quantile(LEVEL) + NormalDist().inv_cdf(power)


def _table(
    by: str | None, groups: list, item: str, estimate: np.ndarray, n: np.ndarray
) -> pd.DataFrame:
    table = pd.DataFrame(
        {"term": item, "estimate": estimate, "low": np.nan, "high": np.nan, "n": n.astype(int)}
    )
    if by:
        table.insert(0, by, groups)
    return table
