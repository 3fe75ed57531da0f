"""What is new: topics and words that more comments speak of now than before.

    new = emerging.emerging(marked, fit, wave="2026-Q3")
    new.table             # what grew, with the chance of so much growth without a change
    new.warnings          # in the shape of scores.warnings, for the pages that read it

Hundreds of words are looked at, so some grow by chance: of what is called new, five in a hundred at
most are expected to be false (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import context
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.stats import pvalues
from cxlib.voice import given as given_
from cxlib.voice import lexicon, words
from cxlib.voice.fits import Topics

FALSE = 0.05  # share of what is called new that may be false
LEAST = 5  # comments now that must have a word
SHOWN = 12  # words that a page shows
APART = 0.5  # share of a word's comments that speak of no topic, from which it is warned of
RECORD = ("wave", "by", "group", "term", "estimate", "low", "high", "n", "measure", "signal",
          "probability", "first_seen", "kind")  # fmt: skip
WORDS = ("topic", "word", "new topic", "rose", "adjusted")


@dataclass(frozen=True)
class Emerging(Estimates):
    """What grew.

    Attributes
    ----------
    table : kind ("topic", "word"), term, estimate (share of the comments now less that
        before), low, high (its own, 95%), n (comments now that have it), before, now (shares),
        p (of so much growth without a change), adjusted (p, all looked at allowed for), new
    warnings : the new ones (words only where they stand apart from all topics), in the shape of
        `scores.warnings`, with kind "new topic"
    """

    warnings: pd.DataFrame = field(kw_only=True)


def emerging(
    marked: pd.DataFrame,
    fit: Topics,
    wave: str = "",
    *,
    over: str = "wave",
    bucket: str | None = None,
) -> Emerging:
    """Topics and words that more comments of `wave` (the latest when empty) have than before it.

    Exact one-sided tests (Fisher) of counts of comments, one a customer and wave, without weights.
    Words that judge and words of the topics are not looked at by themselves. Raises ValueError for
    an unknown wave, or none before it.
    """
    marked = marked[marked[over].notna()]
    waves = sorted(marked[over].astype(str).unique())
    wave = wave or waves[-1]
    if wave not in waves[1:]:
        raise ValueError(
            f"no wave {wave!r} with another before it. There are: {', '.join(waves) or 'none'}."
        )
    rows = marked[(marked[over].astype(str) <= wave).to_numpy()]
    now = (rows[over].astype(str) == wave).to_numpy()
    group = _once(rows, over, bucket)
    looked = [
        _counted(rows[fit.table["term"]].to_numpy(float), now, group).assign(
            term=fit.table["term"].to_numpy(), kind="topic"
        )
    ]
    looked += _words(rows, fit, now, group)
    table = pd.concat(looked, ignore_index=True)
    table["p"] = _chance(table)
    table["adjusted"] = pvalues.adjusted(table["p"].to_numpy(float), "benjamini-hochberg")
    table["new"] = (table["adjusted"] <= FALSE) & (table["estimate"] > 0)
    return _packed(table, wave, len(table))


def _once(rows: pd.DataFrame, over: str, bucket: str | None) -> np.ndarray:
    """The number of each comment's customer and wave: several comments of one count as one."""
    if bucket is None or bucket not in rows:
        return np.arange(len(rows))
    known = rows[bucket].notna()
    key = rows[over].astype(str) + "\t" + rows[bucket].astype(str)
    key = key.where(known, "\t\t" + pd.Series(np.arange(len(rows)).astype(str), rows.index))
    return pd.factorize(key)[0]


def _counted(
    there: np.ndarray | sparse.csr_matrix, now: np.ndarray, group: np.ndarray
) -> pd.DataFrame:
    """now and before (shares), n and the numbers behind them, a row a column of `there`."""
    at, n = np.arange(len(group)), group.max() + 1
    pooled = sparse.csr_matrix((np.ones(len(group)), (group, at)), (n, len(group)))
    held = ((pooled @ sparse.csr_matrix(there)) > 0).astype(float)
    late = np.zeros(n, bool)
    late[group[now]] = True
    counts = [np.asarray(held[side].sum(0)).ravel() for side in (late, ~late)]
    sizes = late.sum(), (~late).sum()
    shares = [c / s for c, s in zip(counts, sizes, strict=True)]
    # Agresti and Caffo (2000): a success and a failure more in each sample.
    near = [(c + 1) / (s + 2) for c, s in zip(counts, sizes, strict=True)]
    error = np.sqrt(sum(q * (1 - q) / (s + 2) for q, s in zip(near, sizes, strict=True)))
    middle = near[0] - near[1]
    return pd.DataFrame(
        {
            "estimate": shares[0] - shares[1],
            "low": middle - 1.96 * error,
            "high": middle + 1.96 * error,
            "n": counts[0].astype(int),
            "before": shares[1],
            "now": shares[0],
            "earlier": counts[1].astype(int),
            "late": sizes[0],
            "early": sizes[1],
        }
    )


def _words(
    rows: pd.DataFrame, fit: Topics, now: np.ndarray, group: np.ndarray
) -> list[pd.DataFrame]:
    tables, told = [], (rows[fit.table["term"]].to_numpy() > 0).any(1)
    for lang in sorted(set(rows["lang"]) - {""}):
        of = (rows["lang"] == lang).to_numpy()
        if not (now[of].any() and (~now[of]).any()):
            continue
        text = words.split(rows["text"][of], lang, given_.known_words(fit.given))
        taken = {w.rstrip("*").lower() for some in fit.given.values() for w in some.get(lang, ())}
        taken |= {w for m in fit.models if m.lang == lang for first in m.listed(3) for w in first}
        places = words.telling(text)
        out = taken | lexicon.judging(lang)
        places = places[[w not in out for w in text.words[places]]]
        there = text.counts(places)
        kept = np.asarray((there[now[of]] > 0).sum(0)).ravel() >= LEAST
        if kept.any():
            table = _counted(there[:, np.flatnonzero(kept)], now[of], pd.factorize(group[of])[0])
            late = there[now[of]][:, np.flatnonzero(kept)] > 0
            free = late[~told[of][now[of]]].sum(0) / late.sum(0)
            table["apart"] = np.asarray(free).ravel()
            tables.append(table.assign(term=text.words[places[kept]], kind="word"))
    return tables


def _chance(table: pd.DataFrame) -> np.ndarray:
    """Of as many comments now, given how many there are in all: hypergeometric, one-sided."""
    from scipy.stats import hypergeom

    every, having = table["late"] + table["early"], table["n"] + table["earlier"]
    return hypergeom.sf(table["n"] - 1, every, having, table["late"]).clip(0, 1)


def _packed(table: pd.DataFrame, wave: str, looked: int) -> Emerging:
    found = table[table["new"]]
    # A word that mostly stands in comments on a topic is told with the topic.
    alone = found["kind"].eq("topic") | (found.get("apart", 0.0) >= APART)
    records = found[alone].assign(
        wave=wave,
        by="",
        group="",
        measure="share",
        signal="rose",
        probability=found.loc[alone, "adjusted"],
        first_seen=wave,
        kind="new topic",
    )[list(RECORD)]
    topics = table["kind"] == "topic"
    shown = pd.concat(
        [
            table[topics],
            table[~topics & table["new"] & _tellable(table)]
            .sort_values("p", kind="stable")
            .head(SHOWN),
        ]
    )
    columns = [
        "kind",
        "term",
        "estimate",
        "low",
        "high",
        "n",
        "before",
        "now",
        "p",
        "adjusted",
        "new",
    ]
    shown = shown.sort_values(["kind", "p"], kind="stable")[columns].reset_index(drop=True)
    note = _(
        "{looked:count} topics and words looked at; of those called new at most {false:share} are "
        "expected to be false. Comments count once a customer and wave, without weights.",
        looked=looked,
        false=FALSE,
    )
    return Emerging(shown, _answer(found, wave), note, "share", warnings=records)


def _tellable(table: pd.DataFrame) -> pd.Series:
    """A word that a page may not count would stand there without a number, and without a reason."""
    return table["n"] >= context.current().smallest_cell


def _answer(found: pd.DataFrame, wave: str) -> str:
    told = found[_tellable(found)].sort_values(["kind", "p"], kind="stable")
    if told.empty:
        return _("Nothing is new in {wave:label}, clear of chance.", wave=wave)
    first = told.iloc[0]
    return _(
        "New in {wave:label}: {what:quoted} ({before:share1} to {now:share1} of comments); "
        "{n:count} topics or words grew, clear of chance.",
        wave=wave,
        what=first["term"],
        before=first["before"],
        now=first["now"],
        n=len(found),
    )
