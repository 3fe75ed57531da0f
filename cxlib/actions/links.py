"""One link of a tree: which candidate moved beyond chance, its numbers, and it in words.

rows = list(clear("group", moved, True, SAY["group"]))     # those that went with it, or nearest
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from cxlib.actions.moves import Moved
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext

POWER = 0.8416212335729143  # the normal quantile of four cases in five
TIMES = 20  # as many answers as there are: more than any survey of the study's size brings
MOST = 3  # of one link, where several went with it
TOLD, OPEN, NOT_ASKED = "goes with it", "cannot tell", "not asked"
NUMBERS = ["estimate", "low", "high", "n"]

Say = Callable[..., str]
SAY: dict[str, Say] = {
    "group": lambda **f: _("Group {term}: {size} ({span}), n {n}", **f),
    "group_of": lambda **f: _("Group {term}, in {of}: {size} ({span}), n {n}", **f),
    "driver": lambda **f: _(
        "Driver {term}: how far it moved goes with {size} ({span}) of {of}, n {n}", **f
    ),
    "along": lambda **f: _("Driver {term} moved along: {size} ({span}), n {n}", **f),
    "touchpoint": lambda **f: _("Touchpoint {term}: rated {size} ({span}), n {n}", **f),
    "topic": lambda **f: _("Topic {term}: {size} ({span}) of all comments, n {n}", **f),
    "beside": lambda **f: _("Group {term}: {size} ({span}) beside the others, n {n}", **f),
    "team": lambda **f: _("Team {term}: {size} ({span}) beside the others, n {n}", **f),
    "score": lambda **f: _("Driver: goes with {size} ({span}) points of the score, n {n}", **f),
    "sign": lambda **f: _("Sign {term}: {size} ({span}) leave, n {n}", **f),
}


def clear(link: str, moved: Moved | None, down: bool, say: Say) -> Iterator[dict]:
    """Those of a link that moved beyond chance in the direction, most for its error first; where
    none did, the one that comes nearest, with the n that could tell.
    """
    if moved is None or not len(moved.names):
        yield without(link, NOT_ASKED)
        return
    z = moved.size / moved.error * (-1 if down else 1)
    errors = quantile(len(moved.names))
    order = np.argsort(-z)
    told = order[z[order] > errors][:MOST]
    for at in told if len(told) else order[:1]:
        size, reach = float(moved.size[at]), errors * float(moved.error[at])
        row = {
            "depth": 0,
            "link": link,
            "term": moved.names[at],
            "estimate": size,
            "low": size - reach,
            "high": size + reach,
            "n": int(moved.n[at]),
            "unit": moved.unit,
            "verdict": TOLD if len(told) else OPEN,
            "answers_needed": np.nan if len(told) else _needed(moved, at, errors),
        }
        yield row | {"said": say(**_facts(row)) if len(told) else _cannot_tell(row)}


def quantile(count: int) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - 0.025 / max(count, 1)))


def _needed(moved: Moved, at: int, errors: float) -> float:
    """n with which a move of this size shows in four cases of five, at this many candidates."""
    if not moved.size[at]:
        return np.nan
    times = (errors + POWER) * moved.error[at] / abs(moved.size[at])
    return float(np.ceil(moved.n[at] * times**2))


def without(link: str, verdict: str, depth: int = 0) -> dict:
    numbers = dict.fromkeys((*NUMBERS, "answers_needed"), np.nan)
    return numbers | {"depth": depth, "link": link, "term": "–", "unit": "", "verdict": verdict}


def _facts(row: dict) -> dict[str, str]:
    """What a sentence says of a link: its name, how far it moved, the interval and n."""
    share, size = row["unit"] == "share", abs(row["estimate"])
    digits = 0 if share or row["unit"] == "rate" else 1 if size >= 10 else 2 + (size < 0.1)
    estimate, low, high = ((100 if share else 1) * row[c] for c in ("estimate", "low", "high"))
    told = f"{'+' if estimate > 0 else ''}{i18n.number(estimate, digits)}"
    return {
        "term": i18n.quoted(i18n.label(str(row["term"]))),
        "n": i18n.count(row["n"]),
        "size": _("{v} percentage points", v=told) if share else told,
        "span": i18n.span(low, high, digits),
    }


def _cannot_tell(row: dict) -> str:
    """What comes nearest, and how many answers it would take to tell."""
    facts = _facts(row) | {"link": i18n.opening(i18n.label(row["link"]))}
    nearest = _("{link}: the data cannot tell. Nearest: {term}, {size} ({span}), n {n}.", **facts)
    needed = row["answers_needed"]
    if needed != needed or needed > TIMES * row["n"]:
        more = _("So small a difference no survey of this size could tell from chance.")
    elif row["link"] == "topic":
        more = ngettext(
            "It would take {n:count} comment on it.",
            "It would take {n:count} comments on it.",
            needed,
        )
    else:
        more = ngettext(
            "It would take {n:count} answer.", "It would take {n:count} answers.", needed
        )
    return i18n.together([nearest, more])
