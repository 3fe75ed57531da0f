"""What each comment says of each topic, and how that felt: clause by clause.

    said = feelings.said(comments, given)         # a row a comment and topic: feeling -1, 0 or 1
    feelings.felt(marked, fit)                    # share that speaks well of each topic

The feeling of a topic is that of the clauses that speak of it, by the words of our lexicon. A
clause that names a topic and judges nothing takes the judgement of the next one that names no other
topic ("The waiter, well. Rude."); what stays without one is neutral.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.voice import given as given_
from cxlib.voice import lexicon, words
from cxlib.voice.fits import Topics
from cxlib.voice.given import Given
from cxlib.voice.people import shares


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


def felt(
    marked: pd.DataFrame,
    fit: Topics,
    *,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Of the comments on each topic that judge it, the share that speaks well of it.

    table: term, estimate, low, high (all hold at once), n (comments that judge it), bad (share of
    all comments on it that speak badly of it), neutral (that do not judge it).
    """
    spoken = said(marked, fit.spoken)
    names = fit.table["term"].tolist()
    good, bad, seen = (np.zeros((len(marked), len(names))) for _ in range(3))
    at = spoken["topic"].map({n: k for k, n in enumerate(names)}).to_numpy(int)
    place, feeling = spoken["place"].to_numpy(int), spoken["feeling"].to_numpy(int)
    on_it = marked[names].to_numpy(float)[place, at] > 0  # a found topic is not of all its words
    place, feeling, at = place[on_it], feeling[on_it], at[on_it]
    good[place, at], bad[place, at], seen[place, at] = feeling > 0, feeling < 0, 1
    judged = (good + bad).sum(0)
    share, low, high, _unused = shares(
        marked, good, good + bad, weight=weight, bucket=bucket, draws=draws, seed=seed
    )
    low, high = _with_ends(share, low, high, judged)
    w = np.ones(len(marked)) if weight is None else marked[weight].to_numpy(float)
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
    return Estimates(
        table,
        _felt_answer(table),
        i18n.together(
            [
                _(
                    "By the words of each clause that speaks of it; comments that name a topic "
                    "and do not judge it are not counted."
                ),
                how_drawn(draws, weights.differing(marked, weight), bucket),
            ]
        ),
        "share",
        draws=draws,
        seed=seed,
    )


def _with_ends(
    share: np.ndarray, low: np.ndarray, high: np.ndarray, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals where none or all said so, which no draw varies: exact (Clopper, Pearson 1934)."""
    with np.errstate(divide="ignore"):
        reach = 1 - (0.025 / len(share)) ** (1 / np.maximum(n, 1))
    low = np.where((share == 1) & np.isnan(low), 1 - reach, np.where(share == 0, 0, low))
    return low, np.where((share == 0) & np.isnan(high), reach, np.where(share == 1, 1, high))


def _felt_answer(table: pd.DataFrame) -> str:
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
