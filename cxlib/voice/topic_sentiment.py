"""Sentiment of each comment on each topic, clause by clause.

    sentiments(comments, keywords)           # a row a comment and topic: sentiment -1, 0 or 1
    topic_sentiment(marked, fit)             # share that speaks well of each topic

The sentiment on a topic is that of the clauses that mention it, by the words of our lexicon. A
clause that names a topic and judges nothing takes the judgement of the next one that names no other
topic ("The waiter, well. Rude."); what stays without one is neutral.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.notes import resampling_note
from cxlib.voice import lexicon, tokens
from cxlib.voice.comments import shares
from cxlib.voice.keywords import Keywords, clauses, known_words, mentions


def sentiments(comments: pd.DataFrame, topics: Keywords) -> pd.DataFrame:
    """place (of the comment, from 0), topic, sentiment (-1, 0, 1), a row a comment and topic."""
    parts = clauses(comments)
    hits = mentions(parts, topics)
    judged = _judged(parts, known_words(topics))
    place = parts["place"].to_numpy()
    named = hits.to_numpy().any(1) if len(topics) else np.zeros(len(parts), bool)
    follows = np.zeros(len(parts))
    if len(parts) > 1:
        next_is_free = (place[1:] == place[:-1]) & ~named[1:]
        follows[:-1] = np.where(next_is_free, judged[1:], 0)
    sentiment = np.where(judged != 0, judged, follows)
    found = []
    for topic in hits:
        of = hits[topic].to_numpy()
        sums = np.bincount(place[of], sentiment[of], len(comments))
        there = np.flatnonzero(np.bincount(place[of], minlength=len(comments)))
        signs = np.sign(sums[there]).astype(int)
        found.append(pd.DataFrame({"place": there, "topic": topic, "sentiment": signs}))
    if not found:
        return pd.DataFrame({"place": [], "topic": [], "sentiment": []})
    return pd.concat(found, ignore_index=True)


def _judged(parts: pd.DataFrame, known: list[str]) -> np.ndarray:
    """Good less bad words of each clause."""
    judged = np.zeros(len(parts))
    for lang in set(parts["lang"]) - {""}:
        of = (parts["lang"] == lang).to_numpy()
        good, bad = lexicon.score(tokens.tokenise(parts["text"][of], lang, known))
        judged[of] = good - bad
    return judged


def topic_sentiment(sample: SampleLike, fit: Result) -> Result:
    """Of the comments on each topic that judge it, the share that speaks well of it.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`

    Returns
    -------
    Result with a table term, estimate, low, high (simultaneous), n (comments that judge it), bad
    (share of all comments on it that speak badly of it), neutral (that do not judge it), the lowest
    share first.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["good room", "dirty room", "nice room"], "lang": "en"})
    >>> fit = topics(rows, {"room": {"en": ["room"]}})
    >>> topic_sentiment(mark(rows, fit), fit).table["estimate"].round(2).tolist()
    [0.67]
    """
    sample = as_sample(sample)
    marked, names = sample.data, fit.table["term"].tolist()
    by_topic = sentiments(marked, fit.keywords)
    good, bad, seen = (np.zeros((len(marked), len(names))) for _ in range(3))
    at = by_topic["topic"].map({n: k for k, n in enumerate(names)}).to_numpy(int)
    place, sentiment = by_topic["place"].to_numpy(int), by_topic["sentiment"].to_numpy(int)
    on_it = marked[names].to_numpy(float)[place, at] > 0  # a found topic is not of all its words
    place, sentiment, at = place[on_it], sentiment[on_it], at[on_it]
    good[place, at], bad[place, at], seen[place, at] = sentiment > 0, sentiment < 0, 1
    judged = (good + bad).sum(0)
    share, low, high, _unused = shares(sample, good, good + bad)
    low, high = _with_ends(share, low, high, judged)
    w = sample.weights
    with np.errstate(invalid="ignore", divide="ignore"):
        worse, better = (w @ some / (w @ seen) for some in (bad, good))
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": share,
            "low": low,
            "high": high,
            "n": judged.astype(int),
            "bad": worse,
            "neutral": 1 - worse - better,
        }
    )
    table = table[judged > 0].sort_values("estimate", ignore_index=True)
    notes = [
        _(
            "By the words of each clause that speaks of it; comments that name a topic "
            "and do not judge it are not counted."
        ),
        resampling_note(sample),
    ]
    return Result(
        table, _claim(table), i18n.together(notes), "share", draws=sample.draws, seed=sample.seed
    )


def _with_ends(
    share: np.ndarray, low: np.ndarray, high: np.ndarray, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals where none or all said so, which no draw varies: exact (Clopper, Pearson 1934)."""
    with np.errstate(divide="ignore"):
        reach = 1 - (0.025 / max(len(share), 1)) ** (1 / np.maximum(n, 1))
    low = np.where((share == 1) & np.isnan(low), 1 - reach, np.where(share == 0, 0, low))
    return low, np.where((share == 0) & np.isnan(high), reach, np.where(share == 1, 1, high))


def _claim(table: pd.DataFrame) -> str:
    known = table[table["n"] >= context.current().smallest_cell]
    if known.empty:
        return _("Too few comments judge a topic.")
    worst, best = known.iloc[0], known.iloc[-1]
    return _(
        "Least is said well of {worst:quoted}: {low:share} ({low_span:share_interval0}) of the "
        "comments that judge it; most of {best:quoted}: {high:share} "
        "({high_span:share_interval0}).",
        worst=worst["term"],
        low=worst["estimate"],
        low_span=(worst["low"], worst["high"]),
        best=best["term"],
        high=best["estimate"],
        high_span=(best["low"], best["high"]),
    )
