"""The few questions that place a new customer: a sheet of points to print and tick.

    tool = typing_tool(customers, fit, value="spend_365")
    print(tool)           # 5 questions place 88% (86% to 89%) of customers in their segment ...
    tool.sheet            # question, answer, a column of points a segment: the most points win
    tool.confusion        # of each segment, who is placed where

Questions are added one by one, each the one that places most customers rightly; points are those of
a logistic regression, rounded. All of it is done again without a fifth of the customers, who then
are placed by it: that is the accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from cxlib import moments, page
from cxlib.estimates import Estimates
from cxlib.segments import admission
from cxlib.segments.clusters import Fit, place
from cxlib.segments.profiles import together
from cxlib.segments.space import MOST_LEVELS, is_category

LEAST, MOST = 2, 6  # questions
WORTH = 0.01  # accuracy that one more question has to bring
CUTS = 4  # of a number, at most
CHOICES = 8  # levels of a category that are asked one by one; others are one answer
FOLDS = 5
TOP = 10  # points
FEWEST = 10  # customers of a segment, and of an answer
SAMPLE = 5_000  # customers on whom the tool is made
RIDGE = 1.0
OTHER = "other"


@dataclass(frozen=True)
class Question:
    """A column as answers to tick: levels of a category, or numbers from each cut point on."""

    name: str
    levels: tuple[str, ...]
    cuts: tuple[float, ...]
    whole: bool = False  # numbers without a fraction

    @property
    def answers(self) -> int:
        return len(self.levels) if self.levels else len(self.cuts) + 1


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
    names = list(questions or _askable(rows, fit))
    _check(names, label, k)
    fold = rng.permutation(len(rows)) % FOLDS
    guesses = {m: np.empty(len(rows), int) for m in _sizes(names)}
    for f in range(FOLDS):
        train = fold != f
        order, ticks = _asked(rows, names, label, w, train, k)
        for m, guess in guesses.items():
            x = _beside(ticks[:m])
            guess[~train] = _Points(x[train], label[train], w[train], k)(x[~train])
    choice = _tried(guesses, label, w, draws, seed)
    size = int(choice.loc[choice["chosen"], "questions"].iloc[0])
    chosen, ticks = _asked(rows, names, label, w, np.ones(len(rows), bool), k)
    chosen, points = chosen[:size], _Points(_beside(ticks[:size]), label, w, k).points
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
    x = _beside([ticked(q, customers[q.name]) for q in tool.questions])
    return pd.Series(np.array(tool.segments, object)[(x @ tool.points).argmax(1)], customers.index)


def ticked(question: Question, values: pd.Series) -> np.ndarray:
    """Which answer each customer ticks, (n, answers); a gap ticks none."""
    if question.levels:
        known = {level: at for at, level in enumerate(question.levels)}
        other = known.get(OTHER, -1)
        at = values.map(lambda v: known.get(_text(v), other), na_action="ignore")
        at = at.fillna(-1).to_numpy(int)
    else:
        x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
        at = np.where(np.isnan(x), -1, np.searchsorted(question.cuts, x, "right"))
    return (at[:, None] == np.arange(question.answers)).astype(float)


def _askable(rows: pd.DataFrame, fit: Fit) -> list[str]:
    first = [axis.name for axis in fit.axes]
    numbers = admission.own_numbers(rows)
    categories = [
        c
        for c in rows
        if is_category(rows[c])
        and not str(c).endswith("id")
        and not pd.api.types.is_datetime64_any_dtype(rows[c])
        and c not in ("left", "segment_name")
        and 1 < rows[c].nunique() <= MOST_LEVELS
    ]
    return list(dict.fromkeys([*first, *numbers, *categories]))


def _asked(
    rows: pd.DataFrame,
    names: list[str],
    label: np.ndarray,
    w: np.ndarray,
    train: np.ndarray,
    k: int,
) -> tuple[list[Question], list[np.ndarray]]:
    """The questions in the order in which each places most more, and what everybody ticks.

    All of it, cut points too, is learnt from the customers of `train`.
    """
    asked = [_question(rows.loc[train, c], label[train], w[train]) for c in names]
    ticks = [ticked(q, rows[q.name]) for q in asked]
    order = _chosen(ticks, label, w, train, k)
    return [asked[i] for i in order], [ticks[i] for i in order]


def _question(values: pd.Series, label: np.ndarray, w: np.ndarray) -> Question:
    """Levels as they are; numbers cut where the segments part (Breiman et al. 1984)."""
    if is_category(values):
        levels = values.dropna().map(_text).value_counts().index.tolist()
        if len(levels) > CHOICES:
            levels = [*levels[: CHOICES - 1], OTHER]
        return Question(str(values.name), tuple(levels), ())
    x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    known = np.isfinite(x)
    tree = DecisionTreeClassifier(max_leaf_nodes=CUTS + 1, min_samples_leaf=FEWEST, random_state=0)
    tree.fit(x[known, None], label[known], sample_weight=w[known])
    found = tree.tree_.threshold[tree.tree_.feature == 0]
    whole = bool((x[known] == np.rint(x[known])).all())
    cuts = np.unique([float(f"{c:.2g}") for c in (np.ceil(found) if whole else found)])
    return Question(str(values.name), (), tuple(cuts.tolist()), whole)


def _text(value: object) -> str:
    if isinstance(value, (bool, np.bool_)) or value in (0, 1):
        return "yes" if value else "no"
    return str(value)


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


def _beside(ticks: list[np.ndarray]) -> np.ndarray:
    return np.hstack([np.ones((len(ticks[0]), 1)), *ticks])


def _chosen(
    ticks: list[np.ndarray], label: np.ndarray, w: np.ndarray, train: np.ndarray, k: int
) -> list[int]:
    """The places of the questions in that order, by ridge regression of the segments."""
    x, at = _beside(ticks)[train], label[train]
    weight = w[train][:, None]
    gram, answer = x.T @ (weight * x), x.T @ (weight * (at[:, None] == np.arange(k)))
    ends = np.cumsum([1, *(t.shape[1] for t in ticks)])
    columns = [np.arange(a, b) for a, b in zip(ends, ends[1:], strict=False)]
    taken, order = np.array([0]), []
    while len(order) < min(MOST, len(ticks)):
        right = {}
        for i in set(range(len(ticks))) - set(order):
            own = np.concatenate([taken, columns[i]])
            ridge = gram[np.ix_(own, own)] + RIDGE * np.eye(len(own))
            score = x[:, own] @ np.linalg.solve(ridge, answer[own])
            right[i] = w[train] @ (score.argmax(1) == at)
        best = max(right, key=lambda i: (right[i], -i))
        order.append(best)
        taken = np.concatenate([taken, columns[best]])
    return order


class _Points:
    """Whole points by logistic regression; called, it places."""

    def __init__(self, x: np.ndarray, label: np.ndarray, w: np.ndarray, k: int) -> None:
        fitted = LogisticRegression(C=RIDGE, max_iter=300, fit_intercept=False)
        fitted.fit(x, label, sample_weight=w)
        effect = fitted.coef_.T
        if k == 2:
            effect = np.hstack([-effect, effect]) / 2
        effect = effect - effect.min(axis=1, keepdims=True)
        self.points = np.rint(TOP * effect / max(effect.max(), 1e-12)).astype(int)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return (x @ self.points).argmax(1)


def _tried(guesses: dict[int, np.ndarray], label, w, draws: int, seed: int) -> pd.DataFrame:
    """How many customers each number of questions places rightly."""
    right = np.column_stack([guess == label for guess in guesses.values()]) * w[:, None]
    sums = moments.resample_sums(np.column_stack([right, w]), draws, seed)
    share = right.sum(0) / w.sum()
    low, high = together(share, sums[:, :-1] / sums[:, -1:], len(label))
    chosen = int((share >= share.max() - WORTH).argmax())
    return pd.DataFrame(
        {
            "questions": list(guesses),
            "term": page.say("placed rightly"),
            "estimate": share,
            "low": low,
            "high": high,
            "n": len(label),
            "chosen": np.arange(len(share)) == chosen,
        }
    )


def _accuracy(
    label: np.ndarray, guess: np.ndarray, w: np.ndarray, names: list[str], draws: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    k = len(names)
    each = ((label * k + guess)[:, None] == np.arange(k * k)) * w[:, None]
    sums = np.concatenate([each.sum(0)[None], moments.resample_sums(each, draws, seed)])
    sums = sums.reshape(-1, k, k)
    with np.errstate(invalid="ignore"):
        share = sums / sums.sum(2, keepdims=True)
    right = np.diagonal(sums, axis1=1, axis2=2).sum(1) / sums.sum((1, 2))
    own = np.diagonal(share, axis1=1, axis2=2)
    n = np.bincount(label, minlength=k)
    both, counts = np.column_stack([right, own]), np.array([len(label), *n])
    low, high = together(both[0], both[1:], counts)
    terms = [page.say("all"), *names]
    table = pd.DataFrame(
        {"term": terms, "estimate": both[0], "low": low, "high": high, "n": counts}
    )
    low, high = together(share[0], share[1:], n[:, None])
    confusion = pd.DataFrame(
        {
            "segment": np.repeat(np.array(names, object), k),
            "term": np.tile(np.array(names, object), k),
            "estimate": share[0].ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "n": np.repeat(n, k),
        }
    )
    return table, confusion


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
    sums = moments.resample_sums(np.hstack([lost, counted]), draws, seed)
    lost_again, counted_again = np.split(sums, 2, axis=1)
    found = lost.sum(0) / counted.sum(0)
    with np.errstate(invalid="ignore"):
        low, high = together(found, lost_again / counted_again)
    n = [len(label), len(label), *np.bincount(label, minlength=k)]
    terms = [page.say("placed by the tool"), page.say("all taken for the largest segment")]
    terms += [page.say("{segment}, placed by the tool", segment=name) for name in names]
    return pd.DataFrame(
        {"term": terms, "estimate": found, "low": low.clip(0), "high": high, "n": n}
    )


def _sheet(questions: list[Question], points: np.ndarray, names: list[str]) -> pd.DataFrame:
    rows = [(page.say("to begin with"), "")]
    for q in questions:
        rows += [(page.label(q.name), a) for a in _answers(q)]
    sheet = pd.DataFrame(rows, columns=["question", "answer"])
    return pd.concat([sheet, pd.DataFrame(points, columns=names)], axis=1)


def _answers(question: Question) -> list[str]:
    if question.levels:
        yes_no = {"yes": page.say("yes"), "no": page.say("no")}
        return [yes_no.get(level) or page.label(level) for level in question.levels]
    write = lambda v: f"{v:,g}"  # noqa: E731
    cuts = question.cuts
    if not cuts:
        return [page.say("any")]
    middle = []
    for a, b in zip(cuts, cuts[1:], strict=False):
        if not question.whole:
            middle.append(page.say("{low} to under {high}", low=write(a), high=write(b)))
        else:
            middle.append(page.span(a, b - 1, 0) if b - a > 1 else page.count(a))
    first = page.say("under {high}", high=write(cuts[0]))
    return [first, *middle, page.say("{low} or more", low=write(cuts[-1]))]


def _answer(table: pd.DataFrame, chosen: list[Question], w: np.ndarray, label: np.ndarray) -> str:
    row = table.iloc[0]
    return page.say(
        "{m} questions place {share} ({span}) of customers in their own segment; the largest "
        "segment alone would place {base}. n {n}.",
        m=len(chosen),
        share=page.percent(row.estimate),
        span=page.span(row.low, row.high, share=True, digits=0),
        base=page.percent(np.bincount(label, w).max() / w.sum()),
        n=page.count(row.n),
    )


def _note(used: int, n: int, cost: pd.DataFrame, value: str | None) -> str:
    found = [
        page.say(
            "Made on {used} of {n} customers; each was placed by a tool made without a fifth of "
            "them, to which the customer belonged.",
            used=page.count(used),
            n=page.count(n),
        )
    ]
    if len(cost):
        a, b = cost.iloc[0], cost.iloc[1]
        found.append(
            page.say(
                "Wrong placings misjudge {value} by {cost} on average over all customers ({span}); "
                "taking everybody for the largest segment does by {base}.",
                value=page.quoted(page.label(value)),
                cost=page.number(a.estimate, 1),
                span=page.span(a.low, a.high, digits=1),
                base=page.number(b.estimate, 1),
            )
        )
    return page.together(found)
