"""Columns as questions with answers to tick: which to ask, where to cut numbers, what points.

Questions are added one by one, each the one that places most customers correctly; points
are those of a logistic regression, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.segments import inputs
from cxlib.segments.features import MOST_LEVELS, is_category

MOST = 6  # questions
CUTS = 4  # of a number, at most
CHOICES = 8  # levels of a category that are asked one by one; others are one answer
TOP = 10  # points
FEWEST = 10  # customers of a segment, and of an answer
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
        """Number of answers to choose from."""
        return len(self.levels) if self.levels else len(self.cuts) + 1


def ticks_of(question: Question, values: pd.Series) -> np.ndarray:
    """Which answer each customer ticks, (n, answers); a gap ticks none."""
    if question.levels:
        known = {level: at for at, level in enumerate(question.levels)}
        other = known.get(OTHER, -1)
        at = values.map(lambda v: known.get(text_of(v), other), na_action="ignore")
        at = at.fillna(-1).to_numpy(int)
    else:
        x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
        at = np.where(np.isnan(x), -1, np.searchsorted(question.cuts, x, "right"))
    return (at[:, None] == np.arange(question.answers)).astype(float)


def candidates(rows: pd.DataFrame, first: list[str]) -> list[str]:
    """The columns that could be asked, `first` before the others."""
    numbers = inputs.numeric_features(rows)
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


def select_questions(
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
    ticks = [ticks_of(q, rows[q.name]) for q in asked]
    order = _chosen(ticks, label, w, train, k)
    return [asked[i] for i in order], [ticks[i] for i in order]


def _question(values: pd.Series, label: np.ndarray, w: np.ndarray) -> Question:
    """Levels as they are; numbers cut where the segments part (Breiman et al. 1984)."""
    if is_category(values):
        levels = values.dropna().map(text_of).value_counts().index.tolist()
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


def text_of(value: object) -> str:
    """A level as text: yes and no for flags."""
    if isinstance(value, (bool, np.bool_)) or value in (0, 1):
        return "yes" if value else "no"
    return str(value)


def design_matrix(ticks: list[np.ndarray]) -> np.ndarray:
    """What everybody ticks, a column for everybody first: (n, 1 + answers)."""
    return np.hstack([np.ones((len(ticks[0]), 1)), *ticks])


def _chosen(
    ticks: list[np.ndarray], label: np.ndarray, w: np.ndarray, train: np.ndarray, k: int
) -> list[int]:
    """The places of the questions in that order, by ridge regression of the segments."""
    x, at = design_matrix(ticks)[train], label[train]
    weight = w[train][:, None]
    gram, answer = x.T @ (weight * x), x.T @ (weight * (at[:, None] == np.arange(k)))
    ends = np.cumsum([1, *(t.shape[1] for t in ticks)])
    columns = [np.arange(a, b) for a, b in zip(ends, ends[1:], strict=False)]
    taken, order = np.array([0]), list[int]()
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


class PointScores:
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
        """Segment of each row."""
        return (x @ self.points).argmax(1)


def answer_labels(question: Question) -> list[str]:
    """What a reader calls each answer."""
    if question.levels:
        yes_no = {"yes": _("yes"), "no": _("no")}
        return [yes_no.get(level) or i18n.label(level) for level in question.levels]

    def write(v: float) -> str:
        return f"{v:,g}"

    cuts = question.cuts
    if not cuts:
        return [_("any")]
    middle = []
    for a, b in zip(cuts, cuts[1:], strict=False):
        if not question.whole:
            middle.append(_("{low} to under {high}", low=write(a), high=write(b)))
        else:
            middle.append(i18n.span(a, b - 1, 0) if b - a > 1 else i18n.count(a))
    first = _("under {high}", high=write(cuts[0]))
    return [first, *middle, _("{low} or more", low=write(cuts[-1]))]
