"""Question by question: how often each answer was given, its score, and how many answered it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Item
from cxlib.privacy import disclosure
from cxlib.scores import group_means
from cxlib.scores.answers import not_experienced, numbers, read
from cxlib.scores.measures import Measure, top_box_of
from cxlib.stats.intervals import LEVEL, sidak_level, wilson_interval
from cxlib.stats.moments import weights_of

MUCH = 0.2  # item non-response from which answers may speak for too few
ENDS = ("low", "high", *SIMULTANEOUS)
MOST_UNANSWERED = 10  # questions in the table of those that were left unanswered


def distribution(sample: SampleLike, items: Iterable[str] | Mapping[str, Item]) -> Result:
    """Share of each answer to each item, for a table and a stacked figure.

    Parameters
    ----------
    sample : answers, with their weights
    items : columns of numbers; with the questions that study.yaml declares (a mapping), answers to
        reversed ones are shown as they were given

    Returns
    -------
    Result whose table has term, answer (from the worst to the best), estimate (share, 0 to 1; those
    of an item add up to one) and n (how many answered the item). Items without an answer are left
    out.

    Raises
    ------
    ValueError : unknown columns, text, bad weights

    Examples
    --------
    >>> fit = distribution(pd.DataFrame({"ease": [7, 7, 1]}), ["ease"])
    >>> fit.table["estimate"].round(2).tolist()
    [0.33, 0.67]
    """
    asked = items if isinstance(items, Mapping) else {}
    sample, items = as_sample(sample), list(items)
    parts = []
    for item in items:
        one = sample.of(item)
        require_columns(one.data, [item], "the responses")
        w, x = weights_of(one.data, one.weight), numbers(one.data, [item])[:, 0]
        given = ~np.isnan(x) & (w > 0)
        values, place = np.unique(x[given], return_inverse=True)
        share = np.bincount(place, w[given]) / w[given].sum() if len(values) else np.empty(0)
        if item in asked and asked[item].reverse:
            values = sum(asked[item].scale) - values
        parts.append(
            pd.DataFrame(
                {"term": item, "answer": values, "estimate": share, "n": one.rows_of(given)}
            )
        )
    table, claim = pd.concat(parts, ignore_index=True), ""
    if len(known := disclosure.shown(table)):
        top = known.loc[known.loc[known["term"] == known["term"].iloc[0], "estimate"].idxmax()]
        claim = _(
            "The most frequent answer to {item:quoted} is {answer:g} ({share:share}).",
            item=top.term,
            answer=top.answer,
            share=top.estimate,
        )
    return Result(table, claim, _("Answers run from the worst to the best."), "share")


def question_scores(sample: SampleLike, asked: Mapping[str, Item], *, top: int = 2) -> Result:
    """Share of the best answers (top box) and mean answer of several questions.

    Parameters
    ----------
    sample : answers with weights and clusters
    asked : the questions by item, as study.yaml declares them; those that are no columns or that
        nobody answered are left out
    top : how many of the best answers are counted, where the question does not say it (`satisfied`)

    Returns
    -------
    Result whose table has term, estimate (share of the best answers, 0 to 1; missing where the
    scale has no such answers), low, high (95% Wilson intervals, effective n), simultaneous_low,
    simultaneous_high (by Šidák; these decide which question is first or last), n, counted (which
    answers) and mean (as the answers were given).

    Raises
    ------
    InsufficientData : nobody answered any of the questions

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Kish (1965); Šidák (1967).

    Examples
    --------
    >>> asked = {"again": Item(label="Buys again", scale=(1, 5), role="intention")}
    >>> fit = question_scores(pd.DataFrame({"again": [5, 4, 3.5, 1]}), asked)
    >>> fit.table[["estimate", "counted", "mean"]].values.tolist()
    [[0.5, '4 or more', 3.375]]
    """
    sample = as_sample(sample)
    there = [i for i in asked if i in sample and sample.of(i)[i].notna().any()]
    if not there:
        raise InsufficientData(_("Nobody answered any of these questions."))
    each = sidak_level(len(there))
    rows = [_question(sample, item, asked[item], top, each) for item in there]
    table = pd.DataFrame(rows)
    notes = _("Intervals: Wilson (1927).")
    if len(wide := table.loc[table["estimate"].isna(), "term"]):
        without = _(
            "No share for {items:label_list}: a scale of so many answers has no best two. Give "
            "`satisfied` in study.yaml, the answer from which on a customer counts as satisfied.",
            items=list(wide),
        )
        notes = i18n.together([notes, without])
    if len(there) > 1:
        decided = _("Simultaneous intervals decide which question is first or last.")
        notes = i18n.together([notes, decided])
    known = disclosure.shown(table).dropna(subset="estimate")
    scales = {item: (*asked[item].scale, c) for item, c in table[["term", "counted"]].values}
    return Result(table, _of_best(known, scales), notes, "share")


def _of_best(known: pd.DataFrame, scales: Mapping[str, tuple[object, ...]]) -> Finding:
    """The best and the worst of the questions that may be shown and have the same scale.

    The best two of seven answers are more of the scale than the best two of ten.
    """
    of = known["term"].map(scales)
    if of.nunique() > 1:
        known = known[of == of.value_counts(sort=False).idxmax()]
    if known.empty:
        return Finding(_("No question has a share of best answers to show."))
    best, worst = known.loc[known["estimate"].idxmax()], known.loc[known["estimate"].idxmin()]
    words = {
        "best": best.term,
        "high": best.estimate,
        "worst": worst.term,
        "low": worst.estimate,
        "first": (best.low, best.high),
        "last": (worst.low, worst.high),
    }
    if best.term == worst.term:
        claim = _("{high:share} give one of the best answers to {best:quoted}.", **words)
        detail = _("95% CI {first:share_interval1}; n = {n:count}", n=best.n, **words)
        return Finding(claim, detail)
    low, high = (known[c] for c in SIMULTANEOUS)
    first = (high.drop(best.name) < low[best.name]).all()
    last = (low.drop(worst.name) > high[worst.name]).all()
    if first and last:
        claim = _(
            "Best answers are most frequent for {best:quoted} ({high:share}), least for "
            "{worst:quoted} ({low:share}).",
            **words,
        )
    elif first:
        claim = _("Best answers are most frequent for {best:quoted} ({high:share}).", **words)
    elif last:
        claim = _("Best answers are least frequent for {worst:quoted} ({low:share}).", **words)
    else:
        claim = _(
            "Shares of best answers range from {low:share} ({worst:label}) to {high:share} "
            "({best:label}); which question is first or last is not settled.",
            **words,
        )
    detail = _(
        "95% CI {first:share_interval1} and {last:share_interval1}; n = {n:count} and {m:count}",
        n=best.n,
        m=worst.n,
        **words,
    )
    return Finding(claim, detail)


def _question(sample: Sample, item: str, asked: Item, top: int, each: float) -> dict[str, object]:
    """The row of one question; `each` is the level of its simultaneous interval."""
    answers = read(sample, [item], Measure("mean", asked.scale))
    mean = float(group_means.estimate(answers, lambda x: x).mean[0, 0])
    row: dict[str, object] = {"term": item, **dict.fromkeys(("estimate", *ENDS), np.nan)}
    counted = ""
    if measure := top_box_of(asked, top):
        found = group_means.estimate(answers, measure.recode)
        wilson = [wilson_interval(found.mean, found.counted, at) for at in (LEVEL, each)]
        ends = [float(end[0, 0]) for both in wilson for end in both]
        row |= {"estimate": float(found.mean[0, 0]), **dict(zip(ENDS, ends, strict=True))}
        counted = measure.counted
    n = answers.answered()
    given = sum(asked.scale) - mean if asked.reverse else mean
    return row | {"n": n, "counted": counted, "mean": given}


def item_response(sample: SampleLike, items: Iterable[str]) -> Result:
    """Share of the responses that answered each item, of those to whom it applied.

    Parameters
    ----------
    sample : answers; `<item>_not_experienced` marks who never experienced what an item asks
        about, and `wave` the survey wave. An item that nobody answered in a wave was not asked in
        it. Weights are not used.
    items : the questions; those that are no columns are left out

    Returns
    -------
    Result whose table has term, estimate (share, 0 to 1), low, high (95% Wilson intervals),
    n (to whom it applied) and not_experienced (a share of all responses), the lowest
    estimate first; table "unanswered" has the share that did not answer, of the questions where
    it is largest.

    Raises
    ------
    ValueError : no row, or none of the items is a column

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22.

    Examples
    --------
    >>> item_response(pd.DataFrame({"ease": [7, 6, None, 1]}), ["ease"]).table["estimate"].tolist()
    [0.75]
    """
    responses = as_sample(sample).data
    items = [item for item in items if item in responses]
    if not items or responses.empty:
        raise ValueError(
            f"no answers to count: {len(items)} of the items are columns of these "
            f"{len(responses):,} responses."
        )
    unused = np.stack([not_experienced(responses, item) for item in items], axis=1)
    given = responses[items].notna().to_numpy()
    unasked = never_asked(responses, given | unused)
    n = (~unused & ~unasked).sum(0)
    share = np.divide(given.sum(0), n, out=np.full(len(items), np.nan), where=n > 0)
    low, high = wilson_interval(share, np.maximum(n, 1))
    table = pd.DataFrame(
        {"term": items, "estimate": share, "low": low, "high": high, "n": n}
    ).assign(not_experienced=unused.mean(0))
    table = table.sort_values("estimate", kind="stable", ignore_index=True)
    notes = _(
        "{n:count} of {total:count} responses answered every question that applied.",
        n=int((given | unused | unasked).all(1).sum()),
        total=len(responses),
    )
    if some := [item for item, lacks in zip(items, np.any(unasked, axis=0), strict=True) if lacks]:
        asked_of_some = _(
            "Not asked in every wave, and counted where asked: {items:label_list}.", items=some
        )
        notes = i18n.together([notes, asked_of_some])
    tables = {"table": table, "unanswered": _unanswered(table)}
    return Result(tables, _finding(table.iloc[0], len(responses)), notes, "share")


def _unanswered(table: pd.DataFrame) -> pd.DataFrame:
    """Share that did not answer each question, the largest first; none that all answered."""
    some = table[table["estimate"] < 1].head(MOST_UNANSWERED)
    return some[["term", "n"]].assign(
        estimate=1 - some["estimate"], low=1 - some["high"], high=1 - some["low"]
    )[["term", "estimate", "low", "high", "n"]]


def _finding(worst: pd.Series, total: int) -> Finding:
    if worst.estimate == 1:
        claim = _("Everybody answered every question that applied.")
        return Finding(claim, _("n = {n:count}", n=total), importance=Importance.METHOD)
    claim = _(
        "Item non-response is highest for {item:quoted}: {share:share1} of those asked did not "
        "answer.",
        item=worst.term,
        share=1 - worst.estimate,
    )
    detail = _(
        "95% CI {span:share_interval1}; n = {n:count}",
        span=(1 - worst.high, 1 - worst.low),
        n=worst.n,
    )
    many = 1 - worst.low > MUCH
    return Finding(claim, detail, importance=Importance.ANSWER if many else Importance.CONTEXT)


def never_asked(responses: pd.DataFrame, answered: np.ndarray) -> np.ndarray:
    """Where (rows, items) nobody of the wave has an answer to an item that other waves have."""
    if "wave" not in responses:
        return np.zeros(answered.shape, bool)
    waves = responses["wave"].astype(object).fillna("")
    asked = pd.DataFrame(answered, index=responses.index).groupby(waves).transform("any").to_numpy()
    return ~asked & answered.any(0)
