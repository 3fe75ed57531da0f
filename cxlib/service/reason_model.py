"""Classes of problems learnt from the names of categories that a study classes by hand.

    model = learn({"late delivery": "process", "fees too high": "policy", ...})
    model.kind("late parcel")     # "process"; "" where it is not sure

Runs of letters of the names in a logistic regression. Each listed name is also predicted by the
others (leave one out): the model is used only if it then beats always guessing the largest class,
and only for names it is sure of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from cxlib.core.i18n import _

FEWEST = 20  # names to learn from
EACH = 3  # and of each class
SURE = 0.7  # chance from which a class is claimed


@dataclass(frozen=True, eq=False)
class ReasonModel:
    """A fitted model and its accuracy.

    Attributes
    ----------
    fitted : the classifier; None where it is not accurate enough to be used
    said : its accuracy, in a sentence
    accuracy, low, high : share of listed names it classes right from the others, 95% interval
    """

    fitted: Any
    said: str
    accuracy: float
    low: float
    high: float

    def kind(self, name: str) -> str:
        """The class of a category; "" where the model is not used or not sure."""
        if self.fitted is None:
            return ""
        chance = self.fitted.predict_proba([_plain(name)])[0]
        return str(self.fitted.classes_[chance.argmax()]) if chance.max() >= SURE else ""


def learn(listed: Mapping[str, str]) -> ReasonModel | None:
    """A model of the classes of names; None where too few are listed to learn from.

    Classes with fewer than three names are not learnt.

    Examples
    --------
    >>> fees = {f"{kind} fee": "policy" for kind in "abcdefghijkl"}
    >>> parcels = {f"{kind} delivery": "process" for kind in "abcdefghijkl"}
    >>> model = learn(fees | parcels)
    >>> model.accuracy, model.kind("unexpected fee"), model.kind("kitchen")
    (1.0, 'policy', '')
    """
    often = Counter(listed.values())
    usable = {_plain(name): kind for name, kind in listed.items() if often[kind] >= EACH}
    if len(usable) < FEWEST or len(set(usable.values())) < 2:
        return None
    names, kinds = list(usable), np.array(list(usable.values()))
    right, sure = 0, []
    for left_out in range(len(names)):
        kept = np.arange(len(names)) != left_out
        fitted = _fitted([n for n, k in zip(names, kept, strict=True) if k], kinds[kept])
        chance = fitted.predict_proba([names[left_out]])[0]
        if chance.max() >= SURE:
            sure.append(kinds[left_out])
            right += int(fitted.classes_[chance.argmax()] == kinds[left_out])
    if not sure:
        return None
    guess = max(Counter(sure).values()) / len(sure)
    low, high = proportion_confint(right, len(sure), method="wilson")
    used = bool(low > guess)
    words = {"share": right / len(sure), "span": (low, high), "n": len(sure), "all": len(names)}
    said = (
        _(
            "Classes are learnt from {all:count} listed categories; {share:share} of {n:count} are "
            "classed right from the others (95% CI {span:share_interval}).",
            **words,
        )
        if used
        else _(
            "Classes could not be learnt from {all:count} listed categories: {share:share} of "
            "{n:count} are classed right from the others (95% CI {span:share_interval}), not "
            "significantly more than by always guessing the largest class ({guess:share}).",
            guess=guess,
            **words,
        )
    )
    return ReasonModel(_fitted(names, kinds) if used else None, said, right / len(sure), low, high)


def _plain(name: str) -> str:
    return name.lower().replace("_", " ")


def _fitted(names: list[str], kinds: np.ndarray) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    return make_pipeline(runs, LogisticRegression(C=10.0, class_weight="balanced")).fit(
        names, kinds
    )
