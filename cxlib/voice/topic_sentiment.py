"""Sentiment of each comment on each topic, clause by clause.

    sentiments(comments, keywords)           # a row a comment and topic: sentiment -1, 0 or 1
    topic_sentiment(marked, fit)             # share of positive, negative and neutral comments

The sentiment on a topic is that of the clauses that mention it, by the words of our lexicon. A
clause that names a topic and judges nothing takes the judgement of the next one that names no other
topic ("The waiter, well. Rude."); what stays without one is neutral.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.notes import resampling_note
from cxlib.voice import lexicon, tokens
from cxlib.voice.comments import share_table, shares
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
    """Of the comments on each topic the shares that are positive, negative and neutral about it.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`

    Returns
    -------
    Result with a table term, estimate (share of the comments on it that are positive), low, high,
    n (comments on it), simultaneous_low, simultaneous_high, bad (share that is negative), neutral
    (that does not judge it); the three shares add up to 1; the lowest first. Topics that no comment
    judges are left out.

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
    judged, n = (good + bad).sum(0), seen.sum(0)
    share, ends, _unused = shares(sample, good, seen)
    ends[:2] = _with_ends(share, ends[0], ends[1], n, 1)
    ends[2:] = _with_ends(share, ends[2], ends[3], n, len(n))
    w = sample.weights
    with np.errstate(invalid="ignore", divide="ignore"):
        worse = w @ bad / (w @ seen)
    table = share_table({"term": names}, share, ends, n.astype(int))
    table = table.assign(bad=worse, neutral=1 - worse - share)
    table = table[judged > 0].sort_values("estimate", ignore_index=True)
    notes = [
        _("Judged by the words of each clause that mentions the topic."),
        resampling_note(sample),
    ]
    return Result(
        table, _finding(table), i18n.together(notes), "share", draws=sample.draws, seed=sample.seed
    )


def _with_ends(
    share: np.ndarray, low: np.ndarray, high: np.ndarray, n: np.ndarray, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals where none or all said so, which no draw varies: exact (Clopper, Pearson 1934)."""
    with np.errstate(divide="ignore"):
        reach = 1 - (0.025 / max(cells, 1)) ** (1 / np.maximum(n, 1))
    low = np.where((share == 1) & np.isnan(low), 1 - reach, np.where(share == 0, 0, low))
    return low, np.where((share == 0) & np.isnan(high), reach, np.where(share == 1, 1, high))


def _finding(table: pd.DataFrame) -> Finding:
    known = table[table["n"] >= context.current().smallest_cell]
    if known.empty:
        claim = _("Too few comments judge a topic.")
        return Finding(claim, importance=Importance.METHOD)
    worst, best = known.loc[known["bad"].idxmax()], known.loc[known["estimate"].idxmax()]
    words = {"worst": i18n.opening(i18n.label(worst["term"])), "best": best["term"]}
    claim = _(
        "{worst:quoted} is discussed most negatively ({low:share} of its comments), {best:quoted} "
        "most positively ({high:share}).",
        low=worst["bad"],
        high=best["estimate"],
        **words,
    )
    detail = _(
        "{best:quoted} 95% CI {span:share_interval}; n = {n:count}",
        span=(best["low"], best["high"]),
        n=best["n"],
        best=best["term"],
    )
    return Finding(claim, detail, importance=Importance.ANSWER)
