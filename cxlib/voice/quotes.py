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

SHORT, LONG = 12, 90  # characters of a quote
FULL = {"zh": 16}  # and of one that says what happened; in a language not named:
USUAL = 45
CANDIDATES = 5  # comments looked at for each quote
ALIKE = 10  # first or last letters by which two quotes are the same


def quotes(sample: SampleLike, fit: Result, each: int = 2) -> pd.DataFrame:
    """The quotes that speak most plainly of each topic, personal data masked.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    each : quotes of each topic

    Returns
    -------
    Table with term, n, words and the columns "quote 1", "quote 2" ...: of a long comment what
    stands around the topic's words. None of a topic of which fewer than twice the smallest cell
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
    for row in fit.table.itertuples():
        of = marked[marked[row.term] > 0].drop_duplicates("text")
        of = of[of["text"].str.len() >= SHORT]
        # Plain: much of this topic, little of others, and neither a bare word nor long.
        alone = loads[row.term].loc[of.index] / (1 + of[fit.table["term"]].sum(axis=1))
        off = (of["text"].str.len() - _full(of)).abs()
        plain = alone - 1e-4 * off + (of["lang"] == context.current().lang)
        best = of.loc[plain.sort_values(kind="stable").index[::-1]].head(CANDIDATES * each)
        ways = patterns(fit.keywords[row.term])
        chosen = [excerpt(t, ways.get(k)) for t, k in zip(best["text"], best["lang"], strict=True)]
        for end in (slice(None, ALIKE), slice(-ALIKE, None)):
            chosen = list({re.sub(r"\W|\d", "", q)[end]: q for q in chosen[::-1]}.values())[::-1]
        chosen = chosen[:each] if (marked[row.term] > 0).sum() >= least else []
        rows.append((row.term, row.n, fit.words[row.term], *chosen, *[""] * (each - len(chosen))))
    names = ["term", "n", "words", *(f"quote {k + 1}" for k in range(each))]
    return pd.DataFrame(rows, columns=names)


def excerpt(text: str, pattern: re.Pattern[str] | None, most: int = LONG) -> str:
    """The clauses around the first words that the pattern finds, about `most` characters."""
    text = re.sub(r"\\+n|\s+", " ", re.sub("[\ue000-\uf8ff]", "", text)).strip()
    text = re.sub(r"([^\w\s])\1{2,}", r"\1\1", text)
    if len(text) <= most:
        return text
    match = pattern.search(text) or pattern.search(tokens.simplified(text)) if pattern else None
    middle = (match.start() + match.end()) // 2 if match else 0
    ends = [0, *(m.end() for m in CLAUSES.finditer(text)), len(text)]
    begin = next((e for e in ends if middle - most // 2 <= e <= middle), max(middle - most // 2, 0))
    last = [e for e in ends if middle < e <= begin + most]
    end = last[-1] if last else begin + most
    return "…" * (begin > 0) + text[begin:end].strip(" ,，、") + "…" * (end < len(text))


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
