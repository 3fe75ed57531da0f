"""Topics that a study defines by keywords: a name and words in each language.

    topics = {"delivery": {"en": ["late", "deliver*", "parcel"], "zh": ["快递", "晚到"]}}
    mentions(comments, topics)                # a column a topic: which comments mention it

A word stands for itself, `deliver*` for all words that begin so; Chinese words may stand anywhere,
in Simplified or Traditional characters alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.voice.tokens import MASKED, simplified

Keywords = Mapping[str, Mapping[str, Sequence[str]]]

CLAUSES = re.compile(
    "[。！？!?；;，,、~～…\n]+|(?<=[^\\d])\\.(?=\\s|$)| {2,}|(?<=[\u4e00-\u9fff]) "
)


def mentions(comments: pd.DataFrame, topics: Keywords) -> pd.DataFrame:
    """Whether each comment has a word of each topic: booleans, a column a topic."""
    found = {}
    for topic, words in topics.items():
        hit = np.zeros(len(comments), bool)
        for lang, pattern in patterns(words).items():
            of = (comments["lang"] == lang).to_numpy()
            # What stands for masked data ("[phone]") is not the customer's word.
            texts = comments["text"][of]
            texts = texts.map(simplified) if lang == "zh" else texts
            hit[of] = [bool(pattern.search(MASKED.sub(" ", t))) for t in texts]
        found[topic] = hit
    return pd.DataFrame(found, index=comments.index)


def patterns(words: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    """A pattern for the words of each language; ValueError where a word is empty."""
    found = {}
    for lang, some in words.items():
        if empty := [w for w in some if not w.strip("* ")]:
            raise ValueError(f"a topic's word is {empty[0]!r}. Give at least one letter.")
        if some:
            ways = "|".join(_way(w.strip(), lang) for w in sorted(some, key=len, reverse=True))
            found[lang] = re.compile(ways, re.I)
    return found


def _way(word: str, lang: str) -> str:
    word = simplified(word) if lang == "zh" else word
    parts = [re.escape(p.rstrip("*")) + r"\w*" * p.endswith("*") for p in word.split()]
    return "".join(parts) if lang == "zh" else r"\b" + r"\s+".join(parts) + r"\b"


def clauses(comments: pd.DataFrame) -> pd.DataFrame:
    """The clauses of the comments: place (of the comment, from 0), lang, text; blank ones out."""
    parts = [CLAUSES.split(t) for t in comments["text"]]
    place = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    text = np.array([c for p in parts for c in p], object)
    table = pd.DataFrame({"place": place, "lang": comments["lang"].to_numpy()[place], "text": text})
    return table[table["text"].str.strip() != ""].reset_index(drop=True)


def known_words(topics: Keywords | None) -> list[str]:
    """The Chinese words of the topics: the domain's dictionary when text is cut."""
    return [w for words in (topics or {}).values() for w in words.get("zh", ()) if len(w) > 1]
