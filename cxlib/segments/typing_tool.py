"""The few questions that place a new customer: a sheet of points to print and tick.

    tool = typing_tool(sample, fit, value="spend_365")
    print(tool)           # 5 questions place 88% (86% to 89%) of customers in their segment ...
    tool.sheet            # question, answer, a column of points a segment: the most points win
    tool.confusion        # of each segment, who is placed where

All of it (`questions`) is done again without a fifth of the customers, who then are placed by it:
that is the accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.segments.profiles import interval_table
from cxlib.segments.questions import (
    FEWEST,
    MOST,
    PointScores,
    Question,
    answer_labels,
    candidates,
    design_matrix,
    select_questions,
    ticks_of,
)
from cxlib.segments.segmentation import score
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import ratio

LEAST = 2  # questions
WORTH = 0.01  # accuracy that one more question has to bring
FOLDS = 5
SAMPLE = 5_000  # customers on whom the tool is made


def typing_tool(
    sample: SampleLike,
    fit: Result,
    questions: Sequence[str] | Mapping[str, str] | None = None,
    *,
    value: str | None = None,
) -> Result:
    """The few questions, six at most, that place customers in the segments of a fit.

    Parameters
    ----------
    sample : a row a customer
    fit : of `segments.fit`
    questions : columns that can be asked a new customer, or {column: question as it is asked};
        every number and every category of few levels where none are given
    value : column in which a wrong placing costs the difference between the segments' means

    Returns
    -------
    Result with tables

    - "table": term (all, then each segment), estimate (share placed correctly), low, high, n; the
      customers placed had no part in making the tool that placed them
    - "choice": questions (how many), term, estimate (share placed correctly by so many), low, high,
      n, chosen: the fewest that place hardly fewer than the best number does
    - "sheet": question, answer, and the points for each segment; without rows where the tool does
      not place significantly more customers than always taking the largest segment does (of the
      same customers: those who answered at least one question)
    - "confusion": segment, term (where placed), estimate (share of the segment), low, high, n
    - "cost": term, estimate, low, high, n: what a customer is misjudged by on average, in the unit
      of the value: all and each segment's own by the tool, all by nothing; empty without a value

    and parts questions, points (answers + 1, segments; the first row for everybody) and segments,
    which `classify` needs. Intervals are over customers, the tools held.

    Raises
    ------
    InsufficientData : a segment has fewer than 10 customers, or there is no question
    """
    sample = as_sample(sample)
    customers = sample.data
    w = moments.weights_of(customers, sample.weight)
    placed = score(sample, fit)["segment"]
    every = [axis.name for axis in fit.model.axes] if questions is None else []
    names = (
        candidates(customers, every)
        if questions is None
        else [q for q in questions if q in customers]
    )
    # Whoever answered nothing is placed by no question: the largest segment would be right by luck.
    answered = customers[names].notna().any(axis=1).to_numpy() if names else np.ones(len(w), bool)
    there = placed.notna().to_numpy() & (w > 0)
    kept = np.flatnonzero(there & answered)
    silent = int((there & ~answered).sum())
    rng = np.random.default_rng(sample.seed)
    kept = np.sort(rng.permutation(kept)[:SAMPLE])
    rows, w = customers.iloc[kept], w[kept]
    label = placed.iloc[kept].to_numpy(int) - 1
    k = len(fit.table)
    _check(names, label, k)
    fold = rng.permutation(len(rows)) % FOLDS
    guesses = {m: np.empty(len(rows), int) for m in _sizes(names)}
    for f in range(FOLDS):
        train = fold != f
        order, ticks = select_questions(rows, names, label, w, train, k)
        for m, guess in guesses.items():
            x = design_matrix(ticks[:m])
            guess[~train] = PointScores(x[train], label[train], w[train], k)(x[~train])
    choice = _tried(guesses, label, w, sample)
    size = int(choice.loc[choice["chosen"], "questions"].iloc[0])
    chosen, ticks = select_questions(rows, names, label, w, np.ones(len(rows), bool), k)
    chosen, points = chosen[:size], PointScores(design_matrix(ticks[:size]), label, w, k).points
    names = fit.table["term"].tolist()
    largest = int(np.bincount(label, w).argmax())
    base = float(w[label == largest].sum() / w.sum())
    table, confusion = _accuracy(label, guesses[size], w, names, sample)
    works = _beats(label, guesses[size], largest, w, sample)
    worth = rows[value].astype("Float64").to_numpy(float, na_value=np.nan) if value else None
    cost = _cost(worth, label, guesses[size], w, names, sample)
    return Result(
        {
            "table": table,
            "choice": choice,
            "sheet": _sheet(
                chosen, points, names, questions if isinstance(questions, Mapping) else {}
            ).iloc[: None if works else 0],
            "confusion": confusion,
            "cost": cost,
        },
        _finding(table, chosen, base, works),
        _note(len(rows), len(customers), silent, cost, value),
        "share",
        **sample.bootstrap,
        parts={"questions": chosen, "points": points, "segments": names},
    )


def classify(sample: SampleLike, tool: Result) -> pd.Series:
    """The segment's name of each customer by the points; an answer not given has none.

    Parameters
    ----------
    sample : a row a customer
    tool : of `typing_tool`

    Raises
    ------
    ValueError : a question of the tool is missing
    """
    customers = as_sample(sample).data
    require_columns(customers, [q.name for q in tool.questions], "customers")
    x = design_matrix([ticks_of(q, customers[q.name]) for q in tool.questions])
    return pd.Series(np.array(tool.segments, object)[(x @ tool.points).argmax(1)], customers.index)


def _check(names: list[str], label: np.ndarray, k: int) -> None:
    if not names:
        raise InsufficientData(
            _("No column can be asked of a new customer. Name some in `segments.questions`.")
        )
    if (few := np.bincount(label, minlength=k)).min() < FEWEST:
        raise InsufficientData(
            _(
                "segment {number} has {n:count} customers; a typing tool needs {least:count} of "
                "each segment. Choose fewer segments.",
                number=few.argmin() + 1,
                n=few.min(),
                least=FEWEST,
            )
        )


def _sizes(names: list[str]) -> list[int]:
    return sorted({min(m, len(names)) for m in range(LEAST, MOST + 1)})


def _tried(
    guesses: dict[int, np.ndarray], label: np.ndarray, w: np.ndarray, sample: Sample
) -> pd.DataFrame:
    """How many customers each number of questions places correctly."""
    right = np.column_stack([guess == label for guess in guesses.values()]) * w[:, None]
    share, again = ratio(right, w[:, None], **sample.bootstrap)
    about = {"questions": list(guesses), "term": _("placed correctly")}
    table = interval_table(about, share, again, len(label), share=True)
    first = (share >= share.max() - WORTH).argmax()
    return table.assign(chosen=np.arange(len(share)) == first)


def _accuracy(
    label: np.ndarray, guess: np.ndarray, w: np.ndarray, names: list[str], sample: Sample
) -> tuple[pd.DataFrame, pd.DataFrame]:
    k = len(names)
    each = ((label * k + guess)[:, None] == np.arange(k * k)) * w[:, None]
    sums = np.concatenate(
        [each.sum(0)[None], resampling.resample_sums(each, sample.draws, sample.seed)]
    )
    sums = sums.reshape(-1, k, k)
    with np.errstate(invalid="ignore"):
        share = sums / sums.sum(2, keepdims=True)
    right = np.diagonal(sums, axis1=1, axis2=2).sum(1) / sums.sum((1, 2))
    both = np.column_stack([right, np.diagonal(share, axis1=1, axis2=2)])
    n = np.bincount(label, minlength=k)
    terms = {"term": [_("all"), *names]}
    table = interval_table(terms, both[0], both[1:], np.array([len(label), *n]), share=True)
    pairs = {"segment": np.repeat(np.array(names, object), k), "term": names * k}
    return table, interval_table(pairs, share[0], share[1:], n[:, None], share=True)


def _beats(
    label: np.ndarray, guess: np.ndarray, largest: int, w: np.ndarray, sample: Sample
) -> bool:
    """Whether significantly more are placed correctly than if all were taken for the largest."""
    more = ((guess == label).astype(float) - (label == largest)) * w
    share, again = ratio(more[:, None], w[:, None], **sample.bootstrap)
    return bool(interval_table({"term": ["more"]}, share, again, len(label))["low"].iloc[0] > 0)


def _cost(
    v: np.ndarray | None,
    label: np.ndarray,
    guess: np.ndarray,
    w: np.ndarray,
    names: list[str],
    sample: Sample,
) -> pd.DataFrame:
    """By how much a customer is misjudged, on average.

    All by the tool, all by nothing, each segment's own by the tool. `v` are the values, NaN where
    not known; empty without.
    """
    if v is None:
        return pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
    k, known = len(names), ~np.isnan(v)
    inside = (label[:, None] == np.arange(k)) * w[:, None]
    of = (inside[known].T @ v[known]) / inside[known].sum(0)
    largest = int(inside.sum(0).argmax())
    by_tool, by_none = np.abs(of[label] - of[guess]), np.abs(of[label] - of[largest])
    lost = np.column_stack([w * by_tool, w * by_none, inside * by_tool[:, None]])
    counted = np.column_stack([w, w, inside])
    sums = resampling.resample_sums(np.hstack([lost, counted]), sample.draws, sample.seed)
    lost_again, counted_again = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore"):
        found, again = lost.sum(0) / counted.sum(0), lost_again / counted_again
    terms = [_("placed by the tool"), _("all taken for the largest segment")]
    terms += [_("{segment}, placed by the tool", segment=name) for name in names]
    n = np.array([len(label), len(label), *np.bincount(label, minlength=k)])
    table = interval_table({"term": terms}, found, again, n)
    return table.assign(**{c: table[c].clip(lower=0) for c in ("low", SIMULTANEOUS[0])})


def _sheet(
    questions: list[Question], points: np.ndarray, names: list[str], wording: Mapping[str, str]
) -> pd.DataFrame:
    rows = [(_("to begin with"), "")]
    for q in questions:
        asked = wording.get(q.name) or i18n.label(q.name)
        rows += [(asked, a) for a in answer_labels(q)]
    sheet = pd.DataFrame(rows, columns=["question", "answer"])
    return pd.concat([sheet, pd.DataFrame(points, columns=names)], axis=1)


def _finding(table: pd.DataFrame, chosen: list[Question], base: float, works: bool) -> Finding:
    """How many the tool places; that it does not work where guessing does as well."""
    row = table.iloc[0]
    detail = _("95% CI {span:share_interval}; n = {n:count}", span=(row.low, row.high), n=row.n)
    if not works:
        claim = _(
            "A few questions do not place customers in their segment: {share:share} correctly, "
            "against {base:share} by always taking the largest.",
            share=row.estimate,
            base=base,
        )
        held = _("no typing tool is given for this reason")
        detail = _("{first}; {second}", first=detail, second=held)
        return Finding.of_row(
            row, claim, detail, unit="share", verdict="unclear", importance=Importance.CONTEXT
        )
    claim = ngettext(
        "{n:count} question places {share:share} of customers in their segment, against "
        "{base:share} by always taking the largest.",
        "{n:count} questions place {share:share} of customers in their segment, against "
        "{base:share} by always taking the largest.",
        len(chosen),
        share=row.estimate,
        base=base,
    )
    return Finding.of_row(row, claim, detail, unit="share", importance=Importance.METHOD)


def _note(used: int, n: int, silent: int, cost: pd.DataFrame, value: str | None) -> str:
    found = [
        _(
            "{n} of {all:count} customers answered none of the questions: no sheet can place them, "
            "and they are left out.",
            n=disclosure.count_in_words(silent),
            all=n,
        )
        if silent
        else "",
        _(
            "Made on {used:count} of {n:count} customers; each was placed by a tool made without "
            "a fifth of them, to which the customer belonged.",
            used=used,
            n=n,
        ),
    ]
    if len(cost):
        a, b = cost.iloc[0], cost.iloc[1]
        found.append(
            _(
                "Wrong placements misjudge {value:quoted} by {cost:number1} on average over all "
                "customers ({span:interval1}); taking everybody for the largest segment does by "
                "{base:number1}.",
                value=value,
                cost=a.estimate,
                span=(a.low, a.high),
                base=b.estimate,
            )
        )
    return i18n.together(found)
