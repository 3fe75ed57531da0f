"""What customers said of a topic, in their own words: two quotes of each, personal data masked."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.voice import given as given_
from cxlib.voice import words
from cxlib.voice.fits import Topics

SHORT, LONG = 12, 90  # characters of a quote
FULL = {"zh": 16}  # and of one that tells what happened; in a language not named:
USUAL = 45
CANDIDATES = 5  # comments looked at for each quote
ALIKE = 10  # first or last letters by which two quotes are the same


def quotes(marked: pd.DataFrame, fit: Topics, each: int = 2) -> pd.DataFrame:
    """term, n, words and the quotes that speak most plainly of each topic, personal data masked.

    Of a long comment what stands around the topic's words. None of a topic of which fewer than
    twice the smallest cell wrote: words tell more of a person than numbers do.
    """
    least, loads, rows = 2 * context.current().smallest_cell, _loads(marked, fit), []
    for row in fit.table.itertuples():
        of = marked[marked[row.term] > 0].drop_duplicates("text")
        of = of[of["text"].str.len() >= SHORT]
        # Plain: much of this topic, little of others, and neither a bare word nor long.
        alone = loads[row.term].loc[of.index] / (1 + of[fit.table["term"]].sum(axis=1))
        off = (of["text"].str.len() - _full(of)).abs()
        plain = alone - 1e-4 * off + (of["lang"] == context.current().lang)
        best = of.loc[plain.sort_values(kind="stable").index[::-1]].head(CANDIDATES * each)
        ways = given_.patterns(fit.spoken[row.term])
        said = [excerpt(t, ways.get(k)) for t, k in zip(best["text"], best["lang"], strict=True)]
        for end in (slice(None, ALIKE), slice(-ALIKE, None)):
            said = list({re.sub(r"\W|\d", "", q)[end]: q for q in said[::-1]}.values())[::-1]
        said = said[:each] if (marked[row.term] > 0).sum() >= least else []
        rows.append((row.term, row.n, fit.words[row.term], *said, *[""] * (each - len(said))))
    names = ["term", "n", "words", *(f"quote {k + 1}" for k in range(each))]
    return pd.DataFrame(rows, columns=names)


def excerpt(text: str, pattern: re.Pattern | None, most: int = LONG) -> str:
    """The clauses around the first words that the pattern finds, about `most` characters."""
    text = re.sub(r"\\+n|\s+", " ", re.sub("[\ue000-\uf8ff]", "", text)).strip()
    text = re.sub(r"([^\w\s])\1{2,}", r"\1\1", text)
    if len(text) <= most:
        return text
    match = pattern.search(text) if pattern else None
    middle = (match.start() + match.end()) // 2 if match else 0
    ends = [0, *(m.end() for m in given_.CLAUSES.finditer(text)), len(text)]
    begin = next((e for e in ends if middle - most // 2 <= e <= middle), max(middle - most // 2, 0))
    last = [e for e in ends if middle < e <= begin + most]
    end = last[-1] if last else begin + most
    return "…" * (begin > 0) + text[begin:end].strip(" ,，、") + "…" * (end < len(text))


def _full(comments: pd.DataFrame) -> pd.Series:
    """Characters that a plain quote has, by the language of each comment."""
    return comments["lang"].map(FULL).fillna(USUAL)


def _loads(marked: pd.DataFrame, fit: Topics) -> pd.DataFrame:
    """How much of each comment is of each topic: of given ones, words a hundred characters."""
    length = marked["text"].str.len().clip(lower=_full(marked))
    loads = pd.DataFrame({n: 10 / (10 + length) for n in fit.given}, index=marked.index)
    for model in fit.models:
        of = (marked["lang"] == model.lang).to_numpy()
        text = words.split(marked["text"][of], model.lang, given_.known_words(fit.given))
        held = np.zeros((len(marked), len(model.names)))
        held[of] = model.loads(text)
        loads[list(model.names)] = held
    return loads
