"""The few questions that place a new customer: a sheet of points to print and tick.

    tool = typing_tool(customers, fit, value="spend_365")
    print(tool)           # 5 questions place 88% (86% to 89%) of customers in their segment ...
    tool.sheet            # question, answer, a column of points a segment: the most points win
    tool.confusion        # of each segment, who is placed where

All of it (`questions`) is done again without a fifth of the customers, who then are placed by it:
that is the accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.segments.clusters import Fit, place
from cxlib.segments.profiles import tidy, told
from cxlib.segments.questions import (
    FEWEST,
    MOST,
    Points,
    Question,
    answers,
    askable,
    asked,
    beside,
    ticked,
)
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import ratio

LEAST = 2  # questions
WORTH = 0.01  # accuracy that one more question has to bring
FOLDS = 5
SAMPLE = 5_000  # customers on whom the tool is made


@dataclass(frozen=True)
class Tool(Estimates):
    """A typing tool.

    Attributes
    ----------
    table : term (all, then each segment), estimate (share placed rightly), low, high, n; the
        customers placed had no part in making the tool that placed them
    choice : questions (how many), term, estimate (share placed rightly by so many), low, high, n,
        chosen: the fewest that place hardly fewer than the best number does
    sheet : question, answer, and the points for each segment
    confusion : segment, term (where placed), estimate (share of the segment), low, high, n
    cost : term, estimate, low, high, n: what a customer is misjudged by on average, in the unit of
        the value: all and each segment's own by the tool, all by nothing; empty without a value
    questions, points : what `ticked` and `placed` need; points (answers + 1, segments), the first
        row for everybody
    """

    choice: pd.DataFrame = field(kw_only=True)
    sheet: pd.DataFrame = field(kw_only=True)
    confusion: pd.DataFrame = field(kw_only=True)
    cost: pd.DataFrame = field(kw_only=True)
    questions: list[Question] = field(kw_only=True)
    points: np.ndarray = field(kw_only=True)
    segments: list[str] = field(kw_only=True)


def typing_tool(
    customers: pd.DataFrame,
    fit: Fit,
    questions: list[str] | None = None,
    *,
    weight: str | None = None,
    value: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Tool:
    """The few of `questions`, six at most, that place customers in the segments of the fit.

    Without `questions`, all columns that could be asked: numbers, and categories of few levels.
    `value` is a column in which a wrong placing costs the difference between the segments' means.
    Intervals are over customers, the tools held. Raises ValueError where a segment has fewer than
    10 customers or there is no question.
    """
    w = moments.weights_of(customers, weight)
    placed = place(customers, fit)["segment"]
    kept = np.flatnonzero(placed.notna().to_numpy() & (w > 0))
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(kept)[:SAMPLE])
    rows, w = customers.iloc[kept], w[kept]
    label = placed.iloc[kept].to_numpy(int) - 1
    k = len(fit.table)
    names = list(questions or askable(rows, [axis.name for axis in fit.axes]))
    _check(names, label, k)
    fold = rng.permutation(len(rows)) % FOLDS
    guesses = {m: np.empty(len(rows), int) for m in _sizes(names)}
    for f in range(FOLDS):
        train = fold != f
        order, ticks = asked(rows, names, label, w, train, k)
        for m, guess in guesses.items():
            x = beside(ticks[:m])
            guess[~train] = Points(x[train], label[train], w[train], k)(x[~train])
    choice = _tried(guesses, label, w, draws, seed)
    size = int(choice.loc[choice["chosen"], "questions"].iloc[0])
    chosen, ticks = asked(rows, names, label, w, np.ones(len(rows), bool), k)
    chosen, points = chosen[:size], Points(beside(ticks[:size]), label, w, k).points
    names = fit.table["term"].tolist()
    table, confusion = _accuracy(label, guesses[size], w, names, draws, seed)
    worth = rows[value].astype("Float64").to_numpy(float, na_value=np.nan) if value else None
    cost = _cost(worth, label, guesses[size], w, names, draws, seed)
    return Tool(
        table,
        _answer(table, chosen, w, label),
        _note(len(rows), len(customers), cost, value),
        "share",
        draws=draws,
        seed=seed,
        choice=choice,
        sheet=_sheet(chosen, points, names),
        confusion=confusion,
        cost=cost,
        questions=chosen,
        points=points,
        segments=names,
    )


def placed_by(customers: pd.DataFrame, tool: Tool) -> pd.Series:
    """The segment's name of each customer by the points; an answer not given has none."""
    if lacking := [q.name for q in tool.questions if q.name not in customers]:
        raise ValueError(f"customers lack {lacking}, which the tool asks.")
    x = beside([ticked(q, customers[q.name]) for q in tool.questions])
    return pd.Series(np.array(tool.segments, object)[(x @ tool.points).argmax(1)], customers.index)


def _check(names: list[str], label: np.ndarray, k: int) -> None:
    if not names:
        raise ValueError("no column could be asked: name the questions.")
    if (few := np.bincount(label, minlength=k)).min() < FEWEST:
        raise ValueError(
            f"segment {few.argmin() + 1} has {few.min()} customers; a typing tool needs "
            f"{FEWEST} of each segment. Take fewer segments."
        )


def _sizes(names: list[str]) -> list[int]:
    return sorted({min(m, len(names)) for m in range(LEAST, MOST + 1)})


def _tried(guesses: dict[int, np.ndarray], label, w, draws: int, seed: int) -> pd.DataFrame:
    """How many customers each number of questions places rightly."""
    right = np.column_stack([guess == label for guess in guesses.values()]) * w[:, None]
    share, again = ratio(right, w[:, None], draws=draws, seed=seed)
    about = {"questions": list(guesses), "term": _("placed rightly")}
    table = tidy(about, share, again, len(label), share=True)
    first = (share >= share.max() - WORTH).argmax()
    return table.assign(chosen=np.arange(len(share)) == first)


def _accuracy(
    label: np.ndarray, guess: np.ndarray, w: np.ndarray, names: list[str], draws: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    k = len(names)
    each = ((label * k + guess)[:, None] == np.arange(k * k)) * w[:, None]
    sums = np.concatenate([each.sum(0)[None], resampling.resample_sums(each, draws, seed)])
    sums = sums.reshape(-1, k, k)
    with np.errstate(invalid="ignore"):
        share = sums / sums.sum(2, keepdims=True)
    right = np.diagonal(sums, axis1=1, axis2=2).sum(1) / sums.sum((1, 2))
    both = np.column_stack([right, np.diagonal(share, axis1=1, axis2=2)])
    n = np.bincount(label, minlength=k)
    terms = {"term": [_("all"), *names]}
    table = tidy(terms, both[0], both[1:], np.array([len(label), *n]), share=True)
    pairs = {"segment": np.repeat(np.array(names, object), k), "term": names * k}
    return table, tidy(pairs, share[0], share[1:], n[:, None], share=True)


def _cost(v, label, guess, w, names: list[str], draws: int, seed: int) -> pd.DataFrame:
    """By how much a customer is misjudged, on average: all by the tool, all by nothing, each
    segment's own by the tool. `v` are the values, NaN where not known; empty without."""
    if v is None:
        return pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
    k, known = len(names), ~np.isnan(v)
    inside = (label[:, None] == np.arange(k)) * w[:, None]
    of = (inside[known].T @ v[known]) / inside[known].sum(0)
    largest = int(inside.sum(0).argmax())
    by_tool, by_none = np.abs(of[label] - of[guess]), np.abs(of[label] - of[largest])
    lost = np.column_stack([w * by_tool, w * by_none, inside * by_tool[:, None]])
    counted = np.column_stack([w, w, inside])
    sums = resampling.resample_sums(np.hstack([lost, counted]), draws, seed)
    lost_again, counted_again = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore"):
        found, again = lost.sum(0) / counted.sum(0), lost_again / counted_again
    terms = [_("placed by the tool"), _("all taken for the largest segment")]
    terms += [_("{segment}, placed by the tool", segment=name) for name in names]
    n = np.array([len(label), len(label), *np.bincount(label, minlength=k)])
    table = tidy({"term": terms}, found, again, n)
    return table.assign(low=table["low"].clip(lower=0))


def _sheet(questions: list[Question], points: np.ndarray, names: list[str]) -> pd.DataFrame:
    rows = [(_("to begin with"), "")]
    for q in questions:
        rows += [(i18n.label(q.name), a) for a in answers(q)]
    sheet = pd.DataFrame(rows, columns=["question", "answer"])
    return pd.concat([sheet, pd.DataFrame(points, columns=names)], axis=1)


def _answer(table: pd.DataFrame, chosen: list[Question], w: np.ndarray, label: np.ndarray) -> str:
    row = table.iloc[0]
    return _(
        "{m} questions place {share} ({span}) of customers in their own segment; the largest "
        "segment alone would place {base:share}. n {n}.",
        m=len(chosen),
        base=np.bincount(label, w).max() / w.sum(),
        **told(row, "share"),
    )


def _note(used: int, n: int, cost: pd.DataFrame, value: str | None) -> str:
    found = [
        _(
            "Made on {used:count} of {n:count} customers; each was placed by a tool made without "
            "a fifth of them, to which the customer belonged.",
            used=used,
            n=n,
        )
    ]
    if len(cost):
        a, b = cost.iloc[0], cost.iloc[1]
        found.append(
            _(
                "Wrong placings misjudge {value:quoted} by {cost:number1} on average over all "
                "customers ({span:interval1}); taking everybody for the largest segment does by "
                "{base:number1}.",
                value=value,
                cost=a.estimate,
                span=(a.low, a.high),
                base=b.estimate,
            )
        )
    return i18n.together(found)
