"""Emerging topics: topics and words that more comments mention now than before.

    new = voice.emerging_topics(marked, fit, wave="2026-Q3")
    new.table             # what grew, with the p-value of so much growth without a change
    new.warnings          # in the shape of scores.warnings, for the pages that read it

Hundreds of words are tested, so some grow by chance: of what is called new, five in a hundred at
most are expected to be false (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import pvalues
from cxlib.voice import lexicon, tokens
from cxlib.voice.comment_length import (
    Gap,
    gap_like_for_like,
    holds_like_for_like,
    like_for_like_note,
)
from cxlib.voice.keywords import known_words
from cxlib.voice.tokens import language_of

FALSE = 0.05  # share of what is called new that may be false
LEAST = 5  # comments now that must have a word
NEW = 0.25  # part of its share now that a topic had before, up to which it is called new
SHOWN = 12  # words that a page shows
ALONE = 0.5  # share of a word's comments that mention no topic, from which it is warned of
INTERVAL = ["term", "estimate", "low", "high", "n"]
COLUMNS = ["kind", *INTERVAL, "before", "now", "p", "adjusted", "new"]
SIGNAL = ["measure", "signal", "probability", "first_seen", "kind"]
RECORD = ["wave", "by", "group", *INTERVAL, *SIGNAL]
WORDS = ("topic", "word", "new topic", "rose", "adjusted")


def emerging_topics(
    sample: SampleLike, fit: Result, wave: str = "", *, over: str = "wave", hold: str = ""
) -> Result:
    """Topics and words that more comments of a wave mention than of all waves before it.

    Exact one-sided tests (Fisher) of counts of comments, one a customer and wave, without weights.
    Words that judge and words of the topics are not tested by themselves.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    wave : looked at; the latest when empty
    over : column of the waves
    hold : column of groups whose mix may differ between waves; the growth that is reported is also
        given among comments of the same length and group

    Returns
    -------
    Result with the tables "table": kind ("topic", "word"), term, estimate (share of the comments
    now minus that before), low, high (pointwise, 95%), n (comments now that have it), before, now
    (shares), p, adjusted (p, for all tested), new; and "warnings": the new ones (words only where
    they stand apart from all topics), in the shape of `scores.warnings`, with kind "new topic".

    Raises
    ------
    ValueError : an unknown wave, or none before it

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["fine"] * 20 + ["late"] * 20, "lang": "en"})
    >>> rows["wave"] = ["1"] * 20 + ["2"] * 20
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> emerging_topics(mark(rows, fit), fit).table[["term", "before", "now"]].values.tolist()
    [['delivery', 0.0, 1.0]]
    """
    sample = as_sample(sample)
    sample = sample.where(sample[over].notna())
    waves = sorted(sample[over].astype(str).unique())
    wave = wave or waves[-1]
    if wave not in waves[1:]:
        raise ValueError(
            f"no wave {wave!r} with another before it. There are: {', '.join(waves) or 'none'}."
        )
    sample = sample.where(sample[over].astype(str) <= wave)
    rows, names = sample.data, fit.table["term"]
    now = (rows[over].astype(str) == wave).to_numpy()
    group = _once(sample, over)
    topics = _counted(rows[names].to_numpy(float), now, group)
    tested = [topics.assign(term=names.to_numpy(), kind="topic"), *_words(rows, fit, now, group)]
    table = pd.concat(tested, ignore_index=True)
    table["p"] = _p_values(table)
    table["adjusted"] = pvalues.adjusted(table["p"].to_numpy(float), "benjamini-hochberg")
    table["new"] = (table["adjusted"] <= FALSE) & (table["estimate"] > 0)
    grown = table[table["new"] & (table["kind"] == "topic") & _tellable(table)]
    first = grown.sort_values("p", kind="stable")["term"].head(1).tolist()
    hold = hold if hold in rows else ""
    alone = sample.replace(weight=None)
    gap = gap_like_for_like(alone, fit, first[0], now, hold) if first else None
    return _packed(table, wave, gap, hold)


def _once(sample: Sample, over: str) -> np.ndarray:
    """The number of each comment's customer and wave: several comments of one count as one."""
    rows, customer = sample.data, sample.cluster
    if customer is None:
        return np.arange(len(rows))
    known = rows[customer].notna()
    key = rows[over].astype(str) + "\t" + rows[customer].astype(str)
    key = key.where(known, "\t\t" + pd.Series(np.arange(len(rows)).astype(str), rows.index))
    return pd.factorize(key)[0]


def _counted(
    there: np.ndarray | sparse.csr_matrix, now: np.ndarray, group: np.ndarray
) -> pd.DataFrame:
    """Shares now and before, n and the numbers behind them, a row a column of `there`."""
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
    rows: pd.DataFrame, fit: Result, now: np.ndarray, group: np.ndarray
) -> list[pd.DataFrame]:
    tables, mentioned = [], (rows[fit.table["term"]].to_numpy() > 0).any(1)
    languages = language_of(rows)
    for language in sorted(set(languages) - {""}):
        of = (languages == language).to_numpy()
        if not (now[of].any() and (~now[of]).any()):
            continue
        lang = rows["lang"].to_numpy()[of][0]
        text = tokens.tokenise(rows["text"][of], lang, known_words(fit.study_topics))
        taken = {
            w.rstrip("*").lower() for some in fit.study_topics.values() for w in some.get(lang, ())
        }
        taken |= {
            w for m in fit.models if m.language == language for first in m.listed(3) for w in first
        }
        places = tokens.content_words(text, language=language)
        out = taken | lexicon.judging(lang)
        places = places[[w not in out for w in text.words[places]]]
        there = text.counts(places)
        kept = np.asarray((there[now[of]] > 0).sum(0)).ravel() >= LEAST
        if kept.any():
            table = _counted(there[:, np.flatnonzero(kept)], now[of], pd.factorize(group[of])[0])
            late = there[now[of]][:, np.flatnonzero(kept)] > 0
            free = late[~mentioned[of][now[of]]].sum(0) / late.sum(0)
            table["apart"] = np.asarray(free).ravel()
            tables.append(table.assign(term=text.words[places[kept]], kind="word"))
    return tables


def _p_values(table: pd.DataFrame) -> np.ndarray:
    """Of as many comments now, given how many there are in all: hypergeometric, one-sided."""
    from scipy.stats import hypergeom

    every, having = table["late"] + table["early"], table["n"] + table["earlier"]
    return hypergeom.sf(table["n"] - 1, every, having, table["late"]).clip(0, 1)


def _packed(table: pd.DataFrame, wave: str, gap: Gap | None, hold: str) -> Result:
    new = table[table["new"]]
    # A word that mostly stands in comments on a topic is reported with the topic.
    alone = new["kind"].eq("topic") | (new.get("apart", 0.0) >= ALONE)
    warnings = new[alone].assign(
        wave=wave,
        by="",
        group="",
        measure="share",
        signal="rose",
        probability=new.loc[alone, "adjusted"],
        first_seen=wave,
        kind="new topic",
    )[RECORD]
    topics = table["kind"] == "topic"
    words = table[~topics & table["new"] & _tellable(table)].sort_values("p", kind="stable")
    shown = pd.concat([table[topics], words.head(SHOWN)])
    shown = shown.sort_values(["kind", "p"], kind="stable")[COLUMNS].reset_index(drop=True)
    notes = _(
        "{looked:count} topics and words were tested against all earlier waves (false discovery "
        "rate {false:share}). Comments count once per customer and wave, without weights.",
        looked=len(table),
        false=FALSE,
    )
    columns = [
        Column("new", "mentioned significantly more than before", label="emerging"),
        Column("now", unit="share", label="commenters now, unweighted"),
        Column("before", unit="share", label="commenters before, unweighted"),
    ]
    tables = {"table": shown, "warnings": warnings}
    return Result(tables, _finding(new, wave, gap, hold), notes, "gap", columns=columns)


def _tellable(table: pd.DataFrame) -> pd.Series:
    """A word that a page may not count would stand there without a number, and without a reason."""
    return table["n"] >= context.current().smallest_cell


def _finding(new: pd.DataFrame, wave: str, gap: Gap | None, hold: str) -> Finding:
    known = new[_tellable(new)].sort_values(["kind", "p"], kind="stable")
    if known.empty:
        return Finding(
            _(
                "No topic or word is mentioned significantly more often in {wave:label} than in "
                "all waves before.",
                wave=wave,
            ),
            importance=Importance.METHOD,
        )
    first = known.iloc[0]
    words = {
        "wave": wave,
        "what": i18n.opening(i18n.label(first["term"])),
        "before": first["before"],
        "now": first["now"],
    }
    claim = (
        _(
            "{what:quoted} is new in {wave:label}: {now:share1} of those who comment mention it, "
            "against {before:share1} before.",
            **words,
        )
        if first["before"] < NEW * first["now"]
        else _(
            "More of those who comment mention {what:quoted} in {wave:label}: {now:share1}, "
            "against {before:share1} in all waves before.",
            **words,
        )
    )
    detail = _(
        "change {size:signed} percentage points (95% CI {span:interval}); n = {n:count}; "
        "{new:count} topics or words grew significantly; without weights",
        size=100 * first["estimate"],
        span=(100 * first["low"], 100 * first["high"]),
        n=first["n"],
        new=len(new),
    ) + like_for_like_note(gap, hold)
    return Finding(
        claim,
        detail,
        value=float(first["now"]),
        unit="share",
        previous=float(first["before"]),
        change=float(first["estimate"]),
        measure="share_of_customers_who_comment",
        at={"topic": str(first["term"]), "wave": wave},
        importance=(
            Importance.NEWS if holds_like_for_like(first["estimate"], gap) else Importance.CONTEXT
        ),
    )
