"""What each comment says of each topic, and how that felt: clause by clause.

    said = feelings.said(comments, given)         # a row a comment and topic: feeling -1, 0 or 1

The feeling of a topic is that of the clauses that speak of it, by the words of our lexicon. A
clause that names a topic and judges nothing takes the judgement of the next one that names no other
topic ("The waiter, well. Rude."); what stays without one is neutral.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.voice import given as given_
from cxlib.voice import lexicon, words
from cxlib.voice.given import Given


def said(comments: pd.DataFrame, given: Given) -> pd.DataFrame:
    """place (of the comment, from 0), topic, feeling (-1, 0, 1), a row a comment and topic."""
    clauses = given_.clauses(comments)
    hits = given_.mentions(clauses, given)
    judged = _judged(clauses, given_.known_words(given))
    place = clauses["place"].to_numpy()
    named = hits.to_numpy().any(1) if len(given) else np.zeros(len(clauses), bool)
    follows = np.zeros(len(clauses))
    if len(clauses) > 1:
        next_is_free = (place[1:] == place[:-1]) & ~named[1:]
        follows[:-1] = np.where(next_is_free, judged[1:], 0)
    feeling = np.where(judged != 0, judged, follows)
    found = []
    for topic in hits:
        of = hits[topic].to_numpy()
        sums = np.bincount(place[of], feeling[of], len(comments))
        there = np.flatnonzero(np.bincount(place[of], minlength=len(comments)))
        found.append(
            pd.DataFrame(
                {"place": there, "topic": topic, "feeling": np.sign(sums[there]).astype(int)}
            )
        )
    if not found:
        return pd.DataFrame({"place": [], "topic": [], "feeling": []})
    return pd.concat(found, ignore_index=True)


def _judged(clauses: pd.DataFrame, known: list[str]) -> np.ndarray:
    """Good less bad words of each clause."""
    judged = np.zeros(len(clauses))
    for lang in set(clauses["lang"]) - {""}:
        of = (clauses["lang"] == lang).to_numpy()
        good, bad = lexicon.score(words.split(clauses["text"][of], lang, known))
        judged[of] = good - bad
    return judged
