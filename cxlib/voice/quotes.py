"""What customers said of a topic, in their own words: two quotes of each, personal data masked."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.voice import tokens
from cxlib.voice.keywords import CLAUSES, known_words, patterns
from cxlib.voice.topic_sentiment import sentiments

SHORT, LONG = 12, 90  # characters of a quote
FULL = {"zh": 16}  # and of one that says what happened; in a language not named:
USUAL = 45
CANDIDATES = 5  # comments looked at for each quote
MOST = 2 / 3  # of those who judge a topic, to prevail
SENTENCES = re.compile(
    r"[。！？!?…]+[”’\"'）)]*\s*|(?:(?<=[\u4e00-\u9fff])\.+|(?<=\D)\.+(?=\s))\s*"
)
ENDED = re.compile(r"[。.！？!?~～)）”’\"'\]]$")
PRIVATE = re.compile("[\ue000-\uf8ff]")
ALIKE = 10  # first or last letters by which two quotes are the same


def quotes(
    sample: SampleLike, fit: Result, each: int = 2, sentiment: Result | None = None
) -> pd.DataFrame:
    """The quotes that speak most plainly of each topic, personal data masked.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    each : quotes of each topic
    sentiment : of `topic_sentiment`; where two thirds of the comments that judge a topic agree, its
        quotes do too

    Returns
    -------
    Table with term, n, words and the columns "quote 1", "quote 2" ...: of a long comment the
    sentences around the topic's words. None of a topic of which fewer than twice the smallest cell
    wrote: words tell more of a person than numbers do.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["the parcel came late"] * 30, "lang": "en"})
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> quotes(mark(rows, fit), fit)["quote 1"].tolist()
    ['the parcel came late']
    """
    marked = as_sample(sample).data
    least, loads, rows = 2 * context.current().smallest_cell, _loads(marked, fit), []
    signs = {} if sentiment is None else _prevailing(sentiment)
    for row in fit.table.itertuples():
        of = marked[marked[row.term] > 0].drop_duplicates("text")
        of = of[of["text"].str.len() >= SHORT]
        # Plain: much of this topic, little of others, and neither a bare word nor long.
        alone = loads[row.term].loc[of.index] / (1 + of[fit.table["term"]].sum(axis=1))
        off = (of["text"].str.len() - _full(of)).abs()
        plain = alone - 1e-4 * off + (of["lang"] == context.current().lang)
        best = of.loc[plain.sort_values(kind="stable").index[::-1]]
        if sign := signs.get(row.term):
            best = _agreeing(best.head(4 * CANDIDATES * each), row.term, fit, sign)
        best = best.head(CANDIDATES * each)
        ways = patterns(fit.keywords[row.term])
        chosen = [excerpt(t, ways.get(k)) for t, k in zip(best["text"], best["lang"], strict=True)]
        cut = [_cut(q, t) for q, t in zip(chosen, best["text"], strict=True)]
        chosen = [chosen[k] for k in np.argsort(cut, kind="stable")]  # whole sentences first
        for end in (slice(None, ALIKE), slice(-ALIKE, None)):
            chosen = list({re.sub(r"\W|\d", "", q)[end]: q for q in chosen[::-1]}.values())[::-1]
        chosen = chosen[:each] if (marked[row.term] > 0).sum() >= least else []
        rows.append((row.term, row.n, fit.words[row.term], *chosen, *[""] * (each - len(chosen))))
    names = ["term", "n", "words", *(f"quote {k + 1}" for k in range(each))]
    return pd.DataFrame(rows, columns=names)


def _prevailing(sentiment: Result) -> dict[str, int]:
    """1 or -1 for the topics that most of those who judge them find good or bad."""
    table = sentiment.table.set_index("term")
    good = table["estimate"] / (table["estimate"] + table["bad"])
    return {t: 1 if good[t] > 0.5 else -1 for t in good.index[(good - 0.5).abs() >= MOST - 0.5]}


def _agreeing(comments: pd.DataFrame, topic: str, fit: Result, sign: int) -> pd.DataFrame:
    """Those of the comments that judge the topic so, then those that do not judge it.

    Words err: comments whose score says the opposite are left out too.
    """
    if "good" in comments:
        comments = comments[~comments["good"].isin([sign < 0])]
    judged = sentiments(comments, {topic: fit.keywords[topic]})
    own = np.zeros(len(comments), int)
    own[judged["place"].to_numpy(int)] = judged["sentiment"].to_numpy(int)
    return pd.concat([comments[own == sign], comments[own == 0]])


def excerpt(text: str, pattern: re.Pattern[str] | None, most: int = LONG) -> str:
    """The sentences around the first words that the pattern finds, about `most` characters.

    Of a longer sentence its clauses, of a longer clause its words, with … where it is cut.

    Examples
    --------
    >>> excerpt("We came late. The soup was cold.", re.compile("soup"), 20)
    'The soup was cold.'
    """
    text = re.sub(r"\\+n|\s+", " ", PRIVATE.sub("", text)).strip()
    text = re.sub(r"([^\w\s])\1{2,}", r"\1\1", text)
    if len(text) <= most:
        return text
    match = pattern.search(text) or pattern.search(tokens.simplified(text)) if pattern else None
    first, last = match.span() if match else (0, 1)
    ends = [0, *(m.end() for m in SENTENCES.finditer(text)), len(text)]
    begin = max(e for e in ends if e <= first)
    whole = [e for e in ends if last <= e and len(text[begin:e].strip()) <= most]
    if whole:
        return text[begin : whole[-1]].strip(" ,，、")
    middle = (first + last) // 2
    clauses = [0, *(m.end() for m in CLAUSES.finditer(text))]
    words = [0, *(m.end() for m in re.finditer(r"\s+", text))]
    begin = next(
        (e for at in (clauses, words) for e in at if middle - most // 2 <= e <= middle),
        max(middle - most // 2, 0),
    )
    stops = ([e for e in at if last <= e <= begin + most] for at in ([*clauses, len(text)], words))
    end = next((found[-1] for found in stops if found), begin + most)
    said = text[begin:end].strip(" ,，、")
    return "…" * (begin > 0) + said + "…" * (end < len(text))


def _cut(quote: str, text: str) -> int:
    """0 of whole sentences, 1 of a quote that ends without a mark, as where a file cuts texts off.

    2 of a part of a sentence, or of a text that lost characters (private use).
    """
    if quote.startswith("…") or quote.endswith("…") or PRIVATE.search(text):
        return 2
    return 0 if ENDED.search(quote) else 1


def _full(comments: pd.DataFrame) -> pd.Series:
    """Characters that a plain quote has, by the language of each comment."""
    return comments["lang"].map(FULL).astype(float).fillna(USUAL)


def _loads(marked: pd.DataFrame, fit: Result) -> pd.DataFrame:
    """How much of each comment is of each topic: of given ones, words a hundred characters."""
    length = marked["text"].str.len().clip(lower=_full(marked))
    loads = pd.DataFrame({n: 10 / (10 + length) for n in fit.study_topics}, index=marked.index)
    for model in fit.models:
        of = (tokens.language_of(marked) == model.language).to_numpy()
        text = tokens.tokenise(marked["text"][of], model.lang, known_words(fit.study_topics))
        held = np.zeros((len(marked), len(model.names)))
        held[of] = model.loads(text)
        loads[list(model.names)] = held
    return loads
