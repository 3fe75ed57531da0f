"""How much of a change is other people, and how much is people answering otherwise.

    fit = scores.mix(responses, "recommend", by="boarding_area", over="wave")
    fit.table      # column, term (change, mix, rate), estimate, low, high, n
    fit.groups     # group, term (mix, rate), estimate: what each group adds

Between two waves the shares of the groups change (mix) and so do their scores (rate). Kitagawa
(1955, JASA 50), in the symmetric form in which both are taken at their average, which is also the
Shapley value of the two: mix and rate add up to the change exactly, in every draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores import cells
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.rows import known, read
from cxlib.stats.intervals import estimates_table, expanded_level

TERMS = ("change", "mix", "rate")
UNKNOWN = "\uffff"  # sorts last in any language
MOST_TOLD = 2  # columns whose parts one sentence can hold


@dataclass(frozen=True)
class Mix(Estimates):
    """A change taken apart.

    Attributes
    ----------
    table : column (what the groups are of), term ("change", "mix", "rate"), estimate, low, high, n
        (of the smaller wave)
    groups : column, group, term ("mix", "rate"), estimate, low, high, n (of the smaller wave),
        share_before, share_after, score_before, score_after; a column's rows add up to its mix and
        its rate
    """

    groups: pd.DataFrame = field(kw_only=True)


def mix(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    by: str | Sequence[str],
    over: str = "wave",
    before: str = "",
    after: str = "",
    jointly: bool = False,
    measure: Measure | str = "nps",
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Mix:
    """The change of a score between two values of `over`, parted by each of the columns `by`.

    `before` and `after` are the last two when empty. Several columns are taken one at a time, or
    as cells of all together (`jointly`). Rows that do not say are a group of their own; a group
    that one wave lacks counts as mix. Percentile intervals, customers drawn whole. Raises
    ValueError for unknown columns and waves, and when there are fewer than two.
    """
    measure, columns = as_measure(measure), [by] if isinstance(by, str) else list(by)
    known(responses, [item, over, *columns])
    before, after = _waves(responses, over, before, after)
    rows = responses[responses[over].isin([before, after])]
    later = (rows[over] == after).to_numpy(int)
    how = dict(measure=measure, weight=weight, customer=customer, draws=draws, seed=seed)
    if jointly and len(columns) > 1:
        joined = " × ".join(i18n.label(c) for c in columns)
        parts = [_parted(rows, item, later, _cells_of(rows, columns), joined, **how)]
    else:
        parts = [_parted(rows, item, later, _cells_of(rows, [c]), c, **how) for c in columns]
    table, groups = (pd.concat(p, ignore_index=True) for p in zip(*parts, strict=True))
    return Mix(
        table,
        _sentence(table, item, measure, before, after),
        _("{draws:count} draws. Mix and rate add up to the change (Kitagawa 1955).", draws=draws),
        measure.unit,
        groups=groups,
        draws=draws,
        seed=seed,
    )


def parts(tops: np.ndarray, bottoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mix and rate of each group, (..., groups) each.

    `tops` and `bottoms` are weighted sums of the recoded answers and of the weights, (..., 2,
    groups): first the earlier wave. NaN where a wave has nobody.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        size = bottoms.sum(-1, keepdims=True)
        share, score = bottoms / size, tops / bottoms
        whole = (tops.sum(-1) / size[..., 0]).mean(-1)
    # Of a group that one wave lacks, nobody can say that its answers changed.
    first, second = score[..., 0, :], score[..., 1, :]
    first, second = (
        np.where(np.isnan(first), second, first),
        np.where(np.isnan(second), first, second),
    )
    average, shift = (first + second) / 2, share[..., 1, :] - share[..., 0, :]
    rate = share.mean(-2) * (second - first)
    return np.nan_to_num(shift * (average - whole[..., None])), np.nan_to_num(rate)


def _parted(
    rows: pd.DataFrame,
    item: str,
    later: np.ndarray,
    group: pd.Series,
    column: str,
    *,
    measure: Measure,
    weight: str | None,
    customer: str | None,
    draws: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    codes, names = pd.factorize(group, sort=True)
    names = [str(name).replace(UNKNOWN, _("not stated")) for name in names]
    k = len(names)
    answers = read(
        rows.assign(**{"_cell": later * k + codes}),
        [item],
        by="_cell",
        weight=weight,
        customer=customer,
        scale=measure.scale,
        whole=measure.whole,
    )
    place, found = np.asarray(answers.groups), cells.of(answers, measure.recode)
    total = _spread(found.total[:, 0], place, k)
    shape = lambda v: measure.factor * _spread(v, place, k)  # noqa: E731
    moved, answered = parts(shape(np.nan_to_num(found.mean[:, 0]) * found.total[:, 0]), total)
    tops, bottoms = cells.draw_sums(answers, measure.recode, draws, seed)
    drawn = parts(shape(tops), _spread(bottoms, place, k))
    n = _spread(found.n[:, 0], place, k)
    sums = np.array([moved.sum() + answered.sum(), moved.sum(), answered.sum()])
    replicates = np.stack([drawn[0].sum(-1) + drawn[1].sum(-1), *(d.sum(-1) for d in drawn)], 1)
    # Draws of few people spread too little, the less the more groups they are parted into.
    level = expanded_level(_spread(found.effective[:, 0], place, k).sum(-1).min(), k)
    smaller = int(n.sum(1).min())
    table = estimates_table(TERMS, sums, replicates, smaller, level=level, column=column)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = total / total.sum(-1, keepdims=True)
        score = shape(np.nan_to_num(found.mean[:, 0]) * found.total[:, 0]) / total
    groups = [
        estimates_table(
            [term] * k, value, d, n.min(0).astype(int), level=level, column=column, group=names
        ).assign(
            share_before=share[0], share_after=share[1], score_before=score[0], score_after=score[1]
        )
        for term, value, d in (("mix", moved, drawn[0]), ("rate", answered, drawn[1]))
    ]
    return table, pd.concat(groups, ignore_index=True)


def _spread(values: np.ndarray, place: np.ndarray, k: int) -> np.ndarray:
    """(..., cells there are) as (..., 2, k): the earlier wave first, nothing where nobody is."""
    whole = np.zeros((*values.shape[:-1], 2 * k))
    whole[..., place] = values
    return whole.reshape(*values.shape[:-1], 2, k)


def _cells_of(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    texts = [rows[c].astype("string").fillna(UNKNOWN) for c in columns]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + " · " + text
    return joined


def _waves(responses: pd.DataFrame, over: str, before: str, after: str) -> tuple[str, str]:
    waves = sorted(responses[over].dropna().unique())
    if len(waves) < 2:
        raise ValueError(
            f"{over}: {len(waves)} value(s) in these rows; a change needs two. Take other rows."
        )
    last = after or waves[-1]
    if last in waves and not before:
        before = waves[waves.index(last) - 1] if last != waves[0] else waves[1]
    if unknown := [w for w in (before, last) if w not in waves]:
        raise ValueError(f"{over} has no {unknown}. There are: {', '.join(map(str, waves))}.")
    return before, last


def _sentence(table: pd.DataFrame, item: str, measure: Measure, before: str, after: str) -> str:
    if (table := disclosure.shown(table)).empty:
        return disclosure.left_out()
    parts_of = {c: rows.set_index("term") for c, rows in table.groupby("column", sort=False)}
    told = sorted(parts_of, key=lambda c: -abs(parts_of[c].loc["mix", "estimate"]))[:1]
    if len(parts_of) <= MOST_TOLD:
        told = list(parts_of)
    said = [_parts_said(column, parts_of[column], measure) for column in told]
    change = parts_of[told[0]].loc["change"]
    facts = {
        "before": before,
        "after": after,
        "change": measure.moved(change["estimate"]),
        "measure": measure.name(item),
        "span": measure.change_span(change["low"], change["high"]),
        "parts": said,
        "others": len(parts_of) - 1,
    }
    if len(told) < len(parts_of):
        return _(
            "From {before:label} to {after:label} the change is {change} ({span}) for {measure}: "
            "{parts:list}; by {others:count} other columns less is mix.",
            **facts,
        )
    return _(
        "From {before:label} to {after:label} the change is {change} ({span}) for {measure}: "
        "{parts:list}.",
        **facts,
    )


def _parts_said(column: str, rows: pd.DataFrame, measure: Measure) -> str:
    mixed, answered = rows.loc["mix"], rows.loc["rate"]
    return _(
        "by {column:quoted}, {mix} ({mix_span}) is mix and {rate} ({rate_span}) rate",
        column=column,
        mix=measure.signed(mixed["estimate"]),
        rate=measure.signed(answered["estimate"]),
        mix_span=measure.change_span(mixed["low"], mixed["high"]),
        rate_span=measure.change_span(answered["low"], answered["high"]),
    )
