"""How much of a change comes from another mix of respondents, and how much from other scores.

    fit = scores.decompose_change(sample, "recommend", by="boarding_area", over="wave")
    fit.table      # column, term (change, mix, rate), estimate, low, high, n
    fit.groups     # group, term (mix, rate), estimate: what each group adds

Between two waves the shares of the groups change (mix) and so do their scores (rate). Kitagawa
(1955), in the symmetric form in which both are taken at their average, which is also the Shapley
value of the two: mix and rate add up to the change exactly, in every resample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.scores import group_means
from cxlib.scores.answers import read
from cxlib.scores.comparisons import compare
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import score
from cxlib.stats.intervals import estimates_table, expanded_level
from cxlib.stats.notes import resampling_note

TERMS = ("change", "mix", "rate")
UNKNOWN = "\uffff"  # sorts last in any language


def decompose_change(
    sample: SampleLike,
    item: str = "recommend",
    *,
    by: str | Sequence[str | tuple[str, ...]],
    over: str = "wave",
    waves: tuple[str, str] = ("", ""),
    measure: Measure | str = "nps",
) -> Result:
    """The change of a score between two waves as the sum of mix and rate (Kitagawa).

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of answers
    by : columns of groups, each taken by itself; a tuple of columns is taken as its combinations.
        Rows without a value are a group of their own
    over : column of the waves
    waves : the earlier and the later value of `over`; empty for the last two
    measure : what is measured

    Returns
    -------
    Result with tables
    table : column (by which the change is decomposed), term ("change", "mix", "rate"), estimate,
        low, high (95% intervals; that of the change as `compare` has it), n (of the smaller wave)
    groups : column, group, term ("mix", "rate"), estimate, low, high, n (of the smaller wave),
        share_before, share_after, score_before, score_after. The rows of a column add up to its mix
        and its rate; a group that one wave lacks counts as mix
    The parts are "largest", the rows of the column of the largest mix (empty where a wave is too
    small to be shown), and "before", the score of the earlier wave, for a waterfall

    Raises
    ------
    ValueError : unknown columns and waves, fewer than two waves

    References
    ----------
    Kitagawa (1955), Journal of the American Statistical Association 50.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 0, 10, 10], "wave": list("aabb")})
    >>> fit = decompose_change(rows.assign(plan=list("xyxx")), by="plan")
    >>> fit.table[["term", "estimate"]].values.tolist()
    [['change', 100.0], ['mix', 100.0], ['rate', 0.0]]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    crossed = [(c,) if isinstance(c, str) else c for c in ([by] if isinstance(by, str) else by)]
    for columns in crossed:
        require_columns(sample.of(item, over, *columns).data, [item, over, *columns])
    before, after = _waves(sample.of(item, over).data, over, *waves)
    sample = sample.only(over, [before, after])
    plain = sample.of(item, over)
    # One change, one interval: the one that comparing the two waves gives.
    enough = plain.data.groupby(over)[item].count().min() > 1
    whole = compare(plain, item, by=over, against=str(before), measure=measure) if enough else None
    parts = [
        _decomposed(sample.of(item, over, *columns), item, (over, after), columns, measure, whole)
        for columns in crossed
    ]
    table, groups = (pd.concat(p, ignore_index=True) for p in zip(*parts, strict=True))
    notes = [resampling_note(plain), _("Mix and rate add up to the change (Kitagawa 1955).")]
    level = score(plain.where(plain[over] == before), item, measure).table["estimate"].iloc[0]
    return Result(
        {"table": table, "groups": groups},
        _finding(table, item, measure, before, after),
        i18n.together(notes),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
        parts={"largest": _largest(disclosure.shown(table)), "before": level},
    )


def _largest(shown: pd.DataFrame) -> pd.DataFrame:
    """The rows of the column by which the mix moved most; none where they may not be shown."""
    mix = shown[shown["term"] == "mix"]
    if mix.empty:
        return shown
    return shown[shown["column"] == mix.loc[mix["estimate"].abs().idxmax(), "column"]]


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


def _decomposed(
    sample: Sample,
    item: str,
    last: tuple[str, str],
    columns: tuple[str, ...],
    measure: Measure,
    whole: Result | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    column = columns[0] if len(columns) == 1 else " × ".join(i18n.label(c) for c in columns)
    codes, names = pd.factorize(_combinations(sample.data, columns), sort=True)
    names = [str(name).replace(UNKNOWN, _("not stated")) for name in names]
    k, (over, after) = len(names), last
    later = (sample[over] == after).to_numpy(int)
    answers = read(sample.assign(_cell=later * k + codes), [item], measure, by="_cell")
    place, found = np.asarray(answers.groups), group_means.estimate(answers, measure.recode)
    total = _spread(found.total[:, 0], place, k)

    def shape(v: np.ndarray) -> np.ndarray:
        return measure.factor * _spread(v, place, k)

    moved, answered = parts(shape(np.nan_to_num(found.mean[:, 0]) * found.total[:, 0]), total)
    tops, bottoms = group_means.resampled_sums(answers, measure.recode)
    drawn = parts(shape(tops), _spread(bottoms, place, k))
    n = _spread(found.n[:, 0], place, k)
    sums = np.array([moved.sum() + answered.sum(), moved.sum(), answered.sum()])
    replicates = np.stack([drawn[0].sum(-1) + drawn[1].sum(-1), *(d.sum(-1) for d in drawn)], 1)
    # Resamples of few people spread too little, the less the more groups they are split into.
    level = expanded_level(_spread(found.effective[:, 0], place, k).sum(-1).min(), k)
    smaller = int(n.sum(1).min())
    table = estimates_table(TERMS, sums, replicates, smaller, level=level, column=column)
    if whole is not None:
        ends = whole.table[["low", "high"]].iloc[0].to_numpy()
        table.loc[table["term"] == "change", ["low", "high"]] = ends
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


def _combinations(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
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
        raise ValueError(
            f"{over} has no {unknown}. There are: {', '.join(map(str, waves)) or 'none'}."
        )
    return before, last


def _finding(table: pd.DataFrame, item: str, measure: Measure, before: str, after: str) -> Finding:
    """Whether other respondents or other answers moved it, by the column of the largest mix."""
    if (table := disclosure.shown(table)).empty:
        return Finding(disclosure.left_out())
    rows = _largest(table).set_index("term")
    column = rows["column"].iloc[0]
    mix, rate = rows.loc["mix"], rows.loc["rate"]
    mixed, answered = (bool(r["low"] > 0 or r["high"] < 0) for r in (mix, rate))
    words = {
        "measure": measure.name(item),
        "by": column,
        "before": before,
        "after": after,
        "mix": measure.moved(mix["estimate"]),
        "rate": measure.moved(rate["estimate"]),
    }
    if mixed and not answered:
        claim = _(
            "Another mix of respondents by {by:quoted} moved {measure} by {mix}; answers within "
            "groups did not change significantly.",
            **words,
        )
    elif answered and not mixed:
        claim = _(
            "Answers within groups moved {measure} by {rate}; the mix of respondents did not "
            "change it significantly.",
            **words,
        )
    elif mixed:
        claim = _(
            "Answers within groups moved {measure} by {rate}, another mix of respondents by "
            "{by:quoted} by {mix}.",
            **words,
        )
    else:
        claim = _(
            "Neither the mix of respondents nor answers within groups moved {measure} "
            "significantly from {before:label} to {after:label}.",
            **words,
        )
    detail = _(
        "by {by:label}: mix {mix} (95% CI {mix_span}), rate {rate} (95% CI {rate_span})",
        mix_span=measure.change_span(mix["low"], mix["high"]),
        rate_span=measure.change_span(rate["low"], rate["high"]),
        **words,
    )
    importance = Importance.ANSWER if mixed or answered else Importance.CONTEXT
    return Finding(claim, detail, importance=importance)
