"""Sentiment of each comment on each topic, clause by clause.

    sentiments(comments, keywords)           # a row a comment and topic: sentiment -1, 0 or 1
    topic_sentiment(marked, fit)             # share of positive, negative and neutral comments

The sentiment on a topic is that of the clauses that mention it, by the words of our lexicon. A
clause that names a topic and judges nothing takes the judgement of the next one that names no other
topic ("The waiter, well. Rude."); what stays without one is neutral. Who mentions a complaint
("Not received") complains: no comment on it is positive, and one that judges nothing is negative.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.intervals import symmetric_interval
from cxlib.stats.notes import resampling_note
from cxlib.voice import lexicon, tokens
from cxlib.voice.comments import interval_ends, share_table, shares
from cxlib.voice.keywords import Keywords, clauses, known_words, mentions

SELDOM = 0.05  # share of negative comments below which no topic is said to be discussed negatively
Kinds = tuple[np.ndarray, np.ndarray, np.ndarray]  # (n, k) each: good, bad, on the topic
Correct = Callable[[list[str], Kinds], Mapping[str, tuple[float, float, int, np.ndarray]]]


def sentiments(
    comments: pd.DataFrame, topics: Keywords, complaints: Collection[str] = ()
) -> pd.DataFrame:
    """Table of place (of the comment, from 0), topic, sentiment (-1, 0, 1) by comment and topic.

    On one of `complaints` good words make it neutral at most, and none make it negative.
    """
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
        if topic in complaints:
            signs = np.where(signs > 0, 0, -1)
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


def complaints_among(
    topics: Keywords, stated: Mapping[str, bool | None] | None = None
) -> list[str]:
    """The topics that are complaints: as stated, else by their words (`lexicon.complains`)."""
    said = stated or {}
    known = {t: said.get(t) for t in topics}
    return [t for t, yes in known.items() if (lexicon.complains(topics[t]) if yes is None else yes)]


def topic_sentiment(
    sample: SampleLike,
    fit: Result,
    complaints: Mapping[str, bool | None] | None = None,
    correct: Correct | None = None,
) -> Result:
    """Of the comments on each topic the shares that are positive, negative and neutral about it.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    complaints : whether a topic is a complaint, on which no comment is positive; where that is not
        stated (None), its words decide
    correct : how shares are corrected by comments that people coded
        (`coding_accuracy.correction`); not at all when None

    Returns
    -------
    Result with the tables "table": term, estimate (share of the comments on it that are positive),
    low, high, n (comments on it), simultaneous_low, simultaneous_high, bad (share that is
    negative), neutral (that does not judge it); the three shares add up to 1; the lowest first; and
    "both": term, tone ("positive", "negative"), estimate, low, high, n. Topics that no comment
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
    floor = complaints_among(fit.study_topics, complaints)
    by_topic = sentiments(marked, fit.keywords, floor)
    good, bad, seen = (np.zeros((len(marked), len(names))) for _ in range(3))
    at = by_topic["topic"].map({n: k for k, n in enumerate(names)}).to_numpy(int)
    place, sentiment = by_topic["place"].to_numpy(int), by_topic["sentiment"].to_numpy(int)
    on_it = marked[names].to_numpy(float)[place, at] > 0  # a found topic is not of all its words
    place, sentiment, at = place[on_it], sentiment[on_it], at[on_it]
    good[place, at], bad[place, at], seen[place, at] = sentiment > 0, sentiment < 0, 1
    judged, n = (good + bad).sum(0), seen.sum(0)
    share, ends, happier = shares(sample, good, seen)
    worse, worse_ends, drawn = shares(sample, bad, seen)
    happier, drawn = np.array(happier), np.array(drawn)
    fixed = correct(names, (good, bad, seen)) if correct else {}
    for topic, (positive, negative, many, again) in fixed.items():
        k = names.index(topic)
        share[k], worse[k], n[k], judged[k] = positive, negative, many, 1
        both = np.array([positive, negative])
        ends[:, k], worse_ends[:, k] = np.clip(interval_ends(both, again), 0, 1).T
        happier[:, k], drawn[:, k] = again.T
    table = share_table({"term": names}, share, ends, n.astype(int))
    table = disclosure.with_people(table, sample.people(seen))
    table = table.assign(bad=worse, neutral=1 - worse - share)
    bad_ends = dict(zip(names, worse_ends[:2].T, strict=True))
    table = table[judged > 0].sort_values("estimate", ignore_index=True)
    low, high = np.array([bad_ends[t] for t in table["term"]]).reshape(-1, 2).T
    alone = table.drop(columns=[*SIMULTANEOUS, "bad", "neutral"])
    tones = [
        alone.assign(tone="positive"),
        alone.assign(tone="negative", estimate=table["bad"], low=low, high=high),
    ]
    floor = [topic for topic in table["term"] if topic in floor]
    notes = [_("Judged by the words of each clause that mentions the topic.")]
    if floor:
        notes.append(
            _(
                "Complaints by name, on which no comment counts as positive: {topics:label_list}.",
                topics=floor,
            )
        )
    if fixed:
        notes.append(
            _("Corrected by comments that people coded: {topics:label_list}.", topics=list(fixed))
        )
    notes.append(resampling_note(sample))
    worst = _most_negative(table, floor, dict(zip(names, drawn.T, strict=True)))
    known = _judgeable(table, floor)
    best = _first(known, "estimate", dict(zip(names, happier.T, strict=True)))
    return Result(
        {"table": table, "both": pd.concat(tones, ignore_index=True)},
        _finding(table, floor, bad_ends, worst, best),
        i18n.together(notes),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        parts={"most_negative": worst},
    )


def _judgeable(table: pd.DataFrame, floor: list[str]) -> pd.DataFrame:
    """Topics with enough comments; that complaints are negative is no news."""
    shown = disclosure.shown(table)
    return shown[~shown["term"].isin(floor)]


def _most_negative(
    table: pd.DataFrame, floor: list[str], drawn: Mapping[str, np.ndarray]
) -> list[str]:
    """The topic with the largest negative share, and the next where they do not differ."""
    known = _judgeable(table, floor)
    known = known[(known["bad"] >= SELDOM) & (known["term"] != _best(table, floor))]
    return _first(known, "bad", drawn)


def _first(known: pd.DataFrame, share: str, drawn: Mapping[str, np.ndarray]) -> list[str]:
    """The topic with the largest share, and the next where they do not differ."""
    known = known.sort_values(share, ascending=False, kind="stable")
    first, *rest = known["term"].tolist() or [""]
    if not rest:
        return [first] if first else []
    ahead = known[share].iloc[[0]].to_numpy() - known[share].iloc[[1]].to_numpy()
    apart = (drawn[first] - drawn[rest[0]])[:, None]
    low, _high = symmetric_interval(ahead, apart[np.isfinite(apart[:, 0])])
    settled = low[0] > 0 or (np.isnan(low[0]) and ahead[0] > 0)  # shares that never vary
    return [first] if settled else [first, rest[0]]


def _best(table: pd.DataFrame, floor: list[str]) -> str:
    """The topic with the largest positive share."""
    known = _judgeable(table, floor)
    return "" if known.empty else str(known.loc[known["estimate"].idxmax(), "term"])


def _finding(
    table: pd.DataFrame,
    floor: list[str],
    bad_ends: Mapping[str, np.ndarray],
    most_negative: list[str],
    most_positive: list[str],
) -> Finding:
    """The topics with most negative and most positive comments; `bad_ends` of negative shares.

    Of two that are not apart, both are named.
    """
    known = _judgeable(table, floor).set_index("term", drop=False)
    if known.empty:
        claim = _("Too few comments judge a topic.")
        return Finding(claim, importance=Importance.METHOD)
    best = known.loc[_best(table, floor)]
    both = bool(most_negative)
    worst = known.loc[most_negative[0]] if both else best
    words = {"worst": i18n.opening(i18n.label(worst["term"])), "best": best["term"]}
    shares_of = {"low": worst["bad"], "high": best["estimate"]}
    tied_best = known.loc[most_positive[1]] if len(most_positive) == 2 else None
    among_complaints = bool(set(table["term"]) & set(floor))
    if len(most_negative) == 2:
        second = known.loc[most_negative[1]]
        tied = {"second": second["term"], "low": worst["bad"], "low2": second["bad"]}
        if among_complaints:
            claim = _(
                "Leaving out complaints by name, {worst:quoted} and {second:quoted} are discussed "
                "most negatively ({low:share} and {low2:share} of their comments).",
                worst=worst["term"],
                **tied,
            )
        else:
            claim = _(
                "{worst:quoted} and {second:quoted} are discussed most negatively ({low:share} and "
                "{low2:share} of their comments).",
                worst=words["worst"],
                **tied,
            )
    elif both and tied_best is not None:
        claim = _(
            "{worst:quoted} is discussed most negatively ({low:share} of its comments).",
            **words | shares_of,
        )
        if among_complaints:
            claim = _(
                "Leaving out complaints by name, {worst:quoted} is discussed most negatively "
                "({low:share} of its comments).",
                **words | shares_of | {"worst": worst["term"]},
            )
    elif both and among_complaints:
        claim = _(
            "Leaving out complaints by name, {worst:quoted} is discussed most "
            "negatively ({low:share} of its comments), {best:quoted} most positively "
            "({high:share}).",
            **words | shares_of | {"worst": worst["term"]},
        )
    elif both:
        claim = _(
            "{worst:quoted} is discussed most negatively ({low:share} of its comments), "
            "{best:quoted} most positively ({high:share}).",
            **words | shares_of,
        )
    elif tied_best is not None:
        claim = _(
            "{best:quoted} and {second:quoted} are discussed most positively ({high:share} and "
            "{high2:share} of their comments).",
            best=i18n.opening(i18n.label(best["term"])),
            second=tied_best["term"],
            high=best["estimate"],
            high2=tied_best["estimate"],
        )
    else:
        claim = _(
            "{best:quoted} is discussed most positively ({high:share} of its comments).",
            **shares_of | {"best": i18n.opening(i18n.label(best["term"]))},
        )
    detail = _(
        "{best:quoted} 95% CI {span:share_interval}; n = {n:count}",
        span=(best["low"], best["high"]),
        n=best["n"],
        best=best["term"],
    )
    if tied_best is not None:
        detail = _(
            "{best:quoted} and {second:quoted} most positively: {high:share} (95% CI "
            "{span:share_interval}) and {high2:share} ({span2:share_interval}); n = {n:count} and "
            "{n2:count}",
            best=best["term"],
            second=tied_best["term"],
            high=best["estimate"],
            high2=tied_best["estimate"],
            span=(best["low"], best["high"]),
            span2=(tied_best["low"], tied_best["high"]),
            n=best["n"],
            n2=tied_best["n"],
        )
    elif len(most_negative) == 2:  # the claim has no room for the share of the best
        detail = _(
            "{best:quoted} most positively: {high:share} (95% CI {span:share_interval}); n = "
            "{n:count}",
            high=best["estimate"],
            span=(best["low"], best["high"]),
            n=best["n"],
            best=best["term"],
        )
    for topic in reversed(most_negative):
        negative = _(
            "{worst:quoted} 95% CI {span:share_interval}",
            worst=topic,
            span=tuple(bad_ends[topic]),
        )
        detail = _("{first}; {second}", first=negative, second=detail)
    return Finding(claim, detail, importance=Importance.ANSWER)
