"""How words feel: a small list of our own, English, Chinese and others, with what turns them.

    good, bad = lexicon.score(text)           # how many good and bad words each comment has

It is where tone begins when nothing was scored, and one feature among thousands when something was
(`tone`). Words of `GENERAL` only judge: they say how, never what, so topics do without them.
"""

from __future__ import annotations

import numpy as np

from cxlib.voice.tokens import Text, lists

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


def judging(lang: str) -> frozenset[str]:
    """The words of a language that only judge."""
    return GENERAL.get(lang, frozenset())
