"""Key phrases: the two words, next to each other, that tell a topic from the others.

A phrase is two content words of one clause, with at most two small words between them ("front
desk", "value for money"). It is the better for a topic the oftener its comments have it and the
seldomer those of other topics do (after class-based tf-idf: Grootendorst 2022), and the more its
words belong together (NPMI: Bouma 2009).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cxlib.voice.tokens import NEGATORS, Text

COMMON = 0.01  # part of a topic's comments that a phrase which names it is in, at least
FEWEST = 5  # and of how many
LEADING = 4  # words of a topic, one of which is in its name
TOGETHER = 0.05  # NPMI of the words of a phrase, at least
SMALL = {"en": 2, "zh": 1, "other": 2}  # small words between the two at most
MOST = 8  # phrases of a topic


def key_phrases(
    text: Text, held: np.ndarray, leading: list[list[str]], content: frozenset[str]
) -> list[list[str]]:
    """The phrases that name each topic, the best first; none where no phrase is common enough.

    Parameters
    ----------
    text : words of the comments, all of one language
    held : (n, k) whether each comment is on each topic
    leading : (k) words of each topic, the most distinctive first
    content : words that tell a matter; others neither begin nor end a phrase
    """
    place, phrase, phrases = _pairs(text, content)
    if not len(phrases):
        return [[] for _topic in leading]
    there = _there(place, phrase, (text.n, len(phrases)))
    words = np.asarray(_there(text.place, text.code, (text.n, len(text.words))).sum(0)).ravel()
    often = np.asarray(there.sum(0)).ravel()
    usual = np.flatnonzero(often >= FEWEST)
    there, phrases, often = there[:, usual], phrases[usual], often[usual]
    inside = np.asarray(there.T @ held.astype(float))  # comments of the topic with the phrase
    share, alone = often / text.n, words[phrases[:, [0, -1]]] / text.n
    with np.errstate(divide="ignore", invalid="ignore"):
        npmi = np.log(share / alone.prod(1)) / -np.log(share)
    rate = inside / np.maximum(held.sum(0), 1)
    own = rate / np.maximum(rate.sum(1, keepdims=True), 1e-12)
    worth = rate * np.sqrt(own * np.maximum(npmi, 0)[:, None])
    names = np.array([written(text.words[p[p >= 0]], text.lang) for p in phrases], object)
    found = []
    for t, first in enumerate(leading):
        led = np.isin(text.words[phrases[:, [0, -1]]].astype(str), first[:LEADING]).any(1)
        enough = inside[:, t] >= max(FEWEST, COMMON * held[:, t].sum())
        usable = np.flatnonzero(led & enough & (npmi >= TOGETHER))
        order = usable[np.lexsort((names[usable], -worth[usable, t].round(9)))]
        found.append(names[order[:MOST]].tolist())
    return found


def written(words: np.ndarray, lang: str) -> str:
    """A phrase as people write it."""
    return ("" if lang == "zh" else " ").join(words)


def _pairs(text: Text, content: frozenset[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(comment, place of the phrase) of every phrase that is written, and the phrases.

    A phrase is the places of its words: first, those between (-1 for none) and last.
    """
    tells = np.array([w in content for w in text.words], bool)
    turns = np.array([w in NEGATORS[text.lang] for w in text.words], bool)
    code, found = text.code, []
    for gap in range(1, SMALL[text.lang] + 2):
        first, last = code[:-gap], code[gap:]
        same = (text.clause[:-gap] == text.clause[gap:]) & (first != last)
        same &= tells[first] & tells[last]
        between = [code[k : len(code) - gap + k] for k in range(1, gap)]
        for middle in between:
            same &= ~tells[middle] & ~turns[middle]
        none = np.full(len(first), -1)
        middles = [*between, *[none] * (max(SMALL.values()) - len(between))]
        found.append(np.column_stack([text.place[:-gap], first, *middles, last])[same])
    rows = np.concatenate(found)
    phrases, phrase = np.unique(rows[:, 1:], axis=0, return_inverse=True)
    return rows[:, 0], phrase.ravel(), phrases


def _there(place: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    ones = np.ones(len(place))
    found = sparse.csr_matrix((ones, (place, column)), shape)
    found.data = np.ones_like(found.data)
    return found
