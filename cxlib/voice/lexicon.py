"""How words feel: a small list of our own, English, Chinese and others, with what turns them.

    good, bad = lexicon.score(text)           # how many good and bad words each comment has

It is where tone begins when nothing was scored, and one feature among thousands when something was
(`tone`). Words of `GENERAL` only judge: they say how, never what, so topics do without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cxlib.voice.tokens import NEGATORS, Text, lists

GENERAL = lists("judging")
GOOD = lists("good")
BAD = lists("bad")
DEGREE = "很太超好真挺最较更蛮巨特极颇够"  # before an adjective, often cut as one word with it
TURNED = "不没无未"


def score(text: Text) -> tuple[np.ndarray, np.ndarray]:
    """(good, bad) words of each comment, a negated one counted on the other side."""
    feel = np.array([feeling(w, text.lang) for w in text.words], float)
    signs = feel[text.code] if len(feel) else np.zeros(0)
    signs = np.where(text.negated, -signs, signs)
    good = np.bincount(text.place, signs > 0, text.n)
    return good, np.bincount(text.place, signs < 0, text.n)


def feeling(word: str, lang: str) -> int:
    """1 for a good word, -1 for a bad one, 0 for any other."""
    good, bad = GOOD.get(lang, ()), BAD.get(lang, ())
    if word in good or word in bad:
        return int(word in good) - int(word in bad)
    if lang == "zh" and len(word) > 1:
        if word[0] in TURNED:
            return -feeling(word[1:], lang)
        if word[0] in DEGREE:
            return feeling(word[1:], lang)
    return 0


def complains(words: Mapping[str, Sequence[str]]) -> bool:
    """Whether the words by which a topic is defined are those of complaints.

    Half of them or more are bad or begin with a negator, and none is good.

    Examples
    --------
    >>> complains({"en": ["not received", "missing", "parcel"]}), complains({"en": ["parcel"]})
    (True, False)
    """
    signs = [_sign(w, lang) for lang, some in words.items() for w in some]
    return bool(signs) and 1 not in signs and -2 * sum(signs) >= len(signs)


def _sign(phrase: str, lang: str) -> int:
    """1, -1 or 0 for a keyword that is good, bad (or negated) or neither."""
    phrase = phrase.strip().lower()
    if lang == "zh":
        feels = feeling(phrase, "zh")
        return feels or -any(phrase.startswith(n) for n in NEGATORS["zh"])
    parts = phrase.split()
    if parts[0] in NEGATORS.get(lang, ()):
        return -1
    stem = parts[-1].rstrip("*")
    if parts[-1].endswith("*"):  # all words that begin so
        ways = ((GOOD, 1), (BAD, -1))
        found = {sign for some, sign in ways for w in some.get(lang, ()) if w.startswith(stem)}
        return found.pop() if len(found) == 1 else 0
    signs = {feeling(w, lang) for w in parts} - {0}
    return signs.pop() if len(signs) == 1 else 0


def judging(lang: str) -> frozenset[str]:
    """The words of a language that only judge."""
    return GENERAL.get(lang, frozenset())
