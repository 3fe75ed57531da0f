"""One link of a tree: which candidate moved significantly, its numbers, and it in words.

rows = list(significant("group", moved, True, SENTENCES["group"]))  # or the nearest one
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cxlib.actions.events import Movements
from cxlib.actions.series import NORMAL
from cxlib.core import i18n
from cxlib.core.i18n import _

POWER = 0.8416212335729143  # the normal quantile of four cases in five
MOST_TIMES = 20  # as many answers as there are: more than any survey of the study's size brings
MOST = 3  # of one link, where several are associated
ASSOCIATED, UNCLEAR, UNAVAILABLE = "associated", "unknown", "not available"
NUMBERS = ["estimate", "low", "high", "n"]

Say = Callable[..., str]
SENTENCES: dict[str, Say] = {
    "group": lambda **f: _("Group: {term} {size} ({detail})", **f),
    "group_of": lambda **f: _("Group: {term}, {of} {size} ({detail})", **f),
    "driver": lambda **f: _("Driver: {term}, associated with {size} of {of} ({detail})", **f),
    "along": lambda **f: _("Driver: {term} {size} ({detail})", **f),
    "touchpoint": lambda **f: _("Touchpoint: {term}, rated {size} ({detail})", **f),
    "topic": lambda **f: _("Topic: {term}, {size} of all comments ({detail})", **f),
    "compared": lambda **f: _("Group: {term}, {size} from the others ({detail})", **f),
    "team": lambda **f: _("Team: {term}, {size} from the others ({detail})", **f),
    "score": lambda **f: _("Driver: associated with {size} of the score ({detail})", **f),
    "sign": lambda **f: _("Sign: {term}, {size} leave ({detail})", **f),
}


def significant(
    link: str, moved: Movements | None, down: bool, say: Say
) -> Iterator[dict[str, Any]]:
    """Those of a link that moved significantly in the direction, largest for its error first.

    Where none did, the one that comes nearest, with the n that would show it.
    What is significant is decided over all candidates of the link at once; the interval of each is
    its own, as on every other page.
    """
    if moved is None or not len(moved.names):
        yield unavailable(link, UNAVAILABLE)
        return
    z = moved.size / moved.error * (-1 if down else 1)
    errors = quantile(len(moved.names))
    order = np.argsort(-z)
    found = order[z[order] > errors][:MOST]
    for at in found if len(found) else order[:1]:
        size, reach = float(moved.size[at]), NORMAL * float(moved.error[at])
        row = {
            "depth": 0,
            "link": link,
            "term": moved.names[at],
            "estimate": size,
            "low": size - reach,
            "high": size + reach,
            "n": int(moved.n[at]),
            "unit": moved.unit,
            "verdict": ASSOCIATED if len(found) else UNCLEAR,
            "answers_needed": np.nan if len(found) else _needed(moved, at, errors),
        }
        yield row | {"said": say(**_facts(row)) if len(found) else _unclear(row)}


def quantile(count: int) -> float:
    """The normal quantile of 95% intervals of `count` candidates at once (Bonferroni)."""
    from scipy.special import ndtri

    return float(ndtri(1 - 0.025 / max(count, 1)))


def _needed(moved: Movements, at: int, errors: float) -> float:
    """The n with which a move of this size shows in four cases of five, at this many candidates.

    NaN for a move that is too small to be worth a number.
    """
    if not moved.size[at]:
        return np.nan
    times = ((errors + POWER) * moved.error[at] / abs(moved.size[at])) ** 2
    return float(np.ceil(moved.n[at] * times)) if times <= MOST_TIMES else np.nan


def unavailable(link: str, verdict: str, depth: int = 0) -> dict[str, Any]:
    """A link without numbers."""
    numbers = dict.fromkeys((*NUMBERS, "answers_needed"), np.nan)
    return numbers | {"depth": depth, "link": link, "term": "–", "unit": "", "verdict": verdict}


def _facts(row: dict[str, Any]) -> dict[str, str]:
    """What a sentence says of a link: its name, how far it moved, the interval and n."""
    share, size = row["unit"] == "share", abs(row["estimate"])
    digits = 0 if share or row["unit"] == "rate" else 1 if size >= 10 else 2 + (size < 0.1)
    estimate, low, high = ((100 if share else 1) * row[c] for c in ("estimate", "low", "high"))
    size_ = i18n.signed(estimate, digits)
    if share:
        size_ = _("{v} percentage points", v=size_)
    elif row["unit"] != "rate":
        size_ = _("{v} points", v=size_)
    return {
        "term": i18n.quoted(i18n.label(str(row["term"]))),
        "size": size_,
        "detail": _("95% CI {span}; n = {n:count}", span=i18n.span(low, high, digits), n=row["n"]),
    }


def _unclear(row: dict[str, Any]) -> str:
    """What comes nearest, and how many answers it would take to detect it."""
    facts: dict[str, object] = {
        **_facts(row),
        "link": i18n.opening(i18n.label(row["link"])),
    }
    needed = row["answers_needed"]
    if needed != needed:
        return _("{link}: no significant difference.", **facts)
    facts["n"] = float(f"{needed:.2g}")
    if row["link"] == "topic":
        return _(
            "{link}: no significant difference; to detect the largest ({term} {size}) would take "
            "about {n:count} comments on it.",
            **facts,
        )
    return _(
        "{link}: no significant difference; to detect the largest ({term} {size}) would take about "
        "{n:count} answers.",
        **facts,
    )
