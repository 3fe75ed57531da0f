"""The scale that a question's own wording states: "(1-5)", "von 0 bis 10", "1 = low, 5 = high".

ends("Delivery (1～5分)")                     # (1, 5)
anchors("Delivery (1 = best, 6 = worst)")     # {1: "best", 6: "worst"}
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from cxlib.data.intake.drafts import scales

TO = r"(?:-|[\u2010-\u2015]|−|~|〜|至|到|から|to|bis|à|al?|do|až|through|\.{2,3})"
UNIT = r"(?:points?|pts|stars?|scale|skala|punkten?|sternen?|étoiles?|estrellas?|分制?|点|星|级|級)"
RANGE = re.compile(
    rf"(?<![\d.,/])([01])\s*{UNIT}?\s*{TO}\s*(4|5|6|7|10)(?![\d/]|[.,:]\d|\s*-\s*\d)\s*{UNIT}?\s*"
)
SCALE = re.compile(  # words after which a range is a scale, wherever it stands
    r"(scales?|skala|scala|échelle|escala|stupnici|skali|评分|打分|分值)\s*(of|from|von|de|da|od|从|为|:)?$"
)
OPENED = re.compile(r"([(\[【,;:，；]|\b(from|between|von|zwischen|de|da|od)|从)$")
COUNTED = re.compile(  # what is counted through, so that a range behind it is the name of a part
    r"\b(q|questions?|frage|items?|parts?|teil|nr|no|pages?|rows?|statements?|options?|blocks?)\W*$"
)
NAMED = re.compile(r"([^\W\d_]{3,}|[\u3040-\u30ff\u4e00-\u9fff])[\s\W]*$")
BY_NUMBER = re.compile(  # "1 = very easy", "5:非常满意"
    r"(?<!\d)(\d{1,3})\s*分?\s*(?:[=:–-]|表示|代表|为|means)\s*([^\d,;/、()\[\]=]{2,})"
)
IN_BRACKETS = re.compile(r"(?<!\d)(\d{1,2})\s*\(([^\d()]{2,})\)")  # "1 (very easy) to 5 (hard)"
BY_WORD = re.compile(r"([^\W\d][^\d,;/、()\[\]=]+?)\s*=\s*(\d{1,2})(?!\d)")  # "low = 1, high = 5"
LOW = re.compile(
    r"\b(low|lowest|worst|bad|poor|least|not|never|niedrig|gering|schlecht|wenig|nicht|faible|mauvais"
    r"|bajo|peor|nada|baixo|pior|basso|peggio)|最?[低差]|不"
)
HIGH = re.compile(
    r"\b(high|best|good|excellent|top|most|fully|hoch|gut|sehr|voll|élevé|bien|alto|mejor|melhor"
    r"|meglio)|最?[高好]|非常|完全"
)


def plain(wording: str) -> str:
    """A wording in small letters and plain forms: full-width digits and brackets are plain ones."""
    return unicodedata.normalize("NFKC", wording).casefold().replace("_", " ")


@cache
def ends(wording: str) -> tuple[int, int] | None:
    """The ends of the scale that a wording states; None where it states none.

    A range states one in brackets, after a word for scales, or at the end: "Delivery 1-5". Days,
    pages or questions from 1 to 5 are none.

    Examples
    --------
    >>> ends("推荐意愿(0-10分)"), ends("Sauberkeit von 1 bis 5"), ends("Delivery (1-5 days)")
    ((0, 10), (1, 5), None)
    """
    text = plain(wording)
    for found in RANGE.finditer(text):
        before = text[: found.start()].rstrip()
        after = re.sub(r"^\(\s*\d[^()]*\)", "", text[found.end() :])
        closed = not re.match(r"(?!打分|评)\w|[-/(]", after)
        last = not re.search(r"\w", after) and NAMED.search(before) and not COUNTED.search(before)
        if SCALE.search(before) or closed and (OPENED.search(before) or last):
            return int(found[1]), int(found[2])
    named = anchors(wording)
    if len(named) > 1 and min(named) in (0, 1) and 3 <= max(named) <= 10:
        return int(min(named)), int(max(named))
    return None


@cache
def anchors(wording: str) -> dict[float | int, str]:
    """What a wording says of points of its scale, as "(1 = very easy, 5 = very difficult)"."""
    text = RANGE.sub(" ", plain(wording))
    found = [(n, w) for p in (BY_NUMBER, IN_BRACKETS) for n, w in p.findall(text)]
    found += [(n, w) for w, n in BY_WORD.findall(text)] if len(found) < 2 else []
    return {int(n): w.strip(" .\"'”") for n, w in found}


def reverse(wording: str, scale: tuple[int, int] | None = None) -> bool | None:
    """Whether the low numbers are the good ones, by what is said of the ends; None if unclear.

    `scale` is that of the answers; where it is not given, the one that the wording states.

    Examples
    --------
    >>> [reverse(w) for w in ("1 = best, 6 = worst", "(1-5, 5 = high)", "1 = A1, 5 = B1")]
    [True, False, None]
    """
    named, (low, high) = anchors(wording), scale or ends(wording) or (0, 0)
    if len(named) > 1 and (words := scales.of_labels(named)):
        return words.reverse
    return falls(named.get(low, ""), named.get(high, ""))


def falls(low: str, high: str) -> bool | None:
    """Whether the word of the lowest number is the better one; None if neither is known."""
    lean = _good(high) - _good(low)
    return lean < 0 if lean else None


def _good(word: str) -> int:
    """1 for a word of much or of praise, -1 for one of little or of blame, 0 for others."""
    return bool(HIGH.search(word)) - bool(LOW.search(word))
