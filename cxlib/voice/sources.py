"""What is said in surveys, in reviews and in social media, side by side.

found = voice.by_source(marked, fit)
found.table           # a row a source and topic: share of the comments of the source
found.over_time       # the same by wave, of the topic that differs most
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.notes import resampling_note, unless_adjusted
from cxlib.voice.comment_length import (
    gap_like_for_like,
    holds_like_for_like,
    like_for_like_note,
    unadjusted_note,
)
from cxlib.voice.comments import interval_ends, share_table, shares

WORDS = ("survey", "review", "social")


def source_column(sample: SampleLike) -> str:
    """The column that says where comments come from: source, else channel; "" where one is all.

    Examples
    --------
    >>> source_column(pd.DataFrame({"channel": ["survey", "review"], "source": "letter"}))
    'channel'
    """
    rows = as_sample(sample).data
    several = [c for c in ("source", "channel") if c in rows and rows[c].nunique() > 1]
    return several[0] if several else ""


def by_source(sample: SampleLike, fit: Result, source: str = "source", over: str = "") -> Result:
    """Share of the comments of each source that mention each topic, and how sources differ.

    Comments of different sources are of different people, so a difference says how the sources
    differ, not how customers do.

    Parameters
    ----------
    sample : comments of `mark`; counted without weights
    fit : of `topics`
    source : column of where a comment comes from
    over : column of the periods; "wave" where there is one, else the quarter of `at`, when empty

    Returns
    -------
    Result with the tables "table": source, term, estimate, low, high, n (comments that mention it);
    "differences": source, term, estimate (its share minus that of all other sources), low, high, n
    (comments that mention it in the rarer of the two), simultaneous_low, simultaneous_high (these
    decide what is significant); "over_time": source, period, term, estimate, low, high, n, of
    the topic that differs most, or of the commonest where none does; "sources": term, estimate
    (share of all comments), low, high, n. The part shown is the name of the topic over time.

    Raises
    ------
    InsufficientData : fewer than two sources with as many comments as the smallest cell
    ValueError : no column `source`

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["late", "fine"] * 20, "lang": "en"})
    >>> rows["source"] = ["review", "survey"] * 20
    >>> fit = topics(rows, {"late": {"en": ["late"]}})
    >>> by_source(mark(rows, fit), fit).table["estimate"].tolist()
    [1.0, 0.0]
    """
    sample = as_sample(sample).replace(weight=None)
    require_columns(sample.data, [source], "comments")
    sample = sample.where(sample[source].notna())
    counts = sample[source].value_counts()
    levels = counts.index.to_numpy()
    people = sample.people(sample[source].to_numpy()[:, None] == levels)
    kept = sorted(levels[people >= context.current().smallest_cell], key=str)
    if len(kept) < 2:
        raise InsufficientData(
            _(
                "Comments of two sources are needed; {n:count} of {all:count} sources has enough.",
                n=len(kept),
                all=len(counts),
            )
        )
    sample = sample.where(sample[source].isin(kept))
    names = fit.table["term"].tolist()
    member = (sample[source].to_numpy()[:, None] == np.array(kept, object)).astype(float)
    table, differences = _tables(sample, names, kept, member)
    finding, topic = _finding(differences, table, sample, fit, source)
    share, ends, _unused = shares(sample, member, np.ones((len(sample), 1)))
    tables = {
        "table": table,
        "differences": differences,
        "over_time": _over_time(sample, topic, source, over) if topic else pd.DataFrame(),
        "sources": share_table({"term": kept}, share, ends, member.sum(0).astype(int)),
    }
    notes = [
        _("Counted without weights: sources are written by different people."),
        _("What is significant is decided by intervals that hold for all topics and sources."),
        unadjusted_note(),
        resampling_note(sample),
    ]
    if len(kept) < len(counts):
        notes.append(
            _(
                "Sources with comments of fewer than {least:count} customers are left out, also "
                "from the other sources and from all comments.",
                least=context.current().smallest_cell,
            )
        )
    if len(tables["over_time"]):
        notes.insert(0, _("The topic shown over time is {topic:quoted}.", topic=topic))
    said = i18n.together(notes)
    shown = {"shown": i18n.label(topic) if topic else ""}
    return Result(tables, finding, said, "share", **sample.bootstrap, parts=shown)


def _tables(
    sample: Sample, names: list[str], kept: list[str], member: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares of each source and topic, and each source minus all others."""
    k, on_it = len(names), sample.data[names].to_numpy(float)
    inside = np.repeat(np.hstack([member, 1 - member]), k, axis=1)
    there = inside * np.tile(on_it, 2 * len(kept))
    share, ends, again = shares(sample, there, inside)
    n, own = there.sum(0).astype(int), len(kept) * k
    about = {"source": np.repeat(kept, k), "term": np.tile(names, len(kept))}
    table = share_table(about, share[:own], ends[:, :own], n[:own])
    gap, drawn = share[:own] - share[own:], again[:, :own] - again[:, own:]
    differences = share_table(
        about, gap, interval_ends(gap, drawn), np.minimum(n[:own], n[own:])
    ).assign(others=share[own:])
    return table.drop(columns=list(SIMULTANEOUS)), differences


def _over_time(sample: Sample, topic: str, source: str, over: str) -> pd.DataFrame:
    """Share of the comments of each source and period on one topic.

    By wave or quarter, by year where too few comments of a source and quarter would be on it; empty
    where that are too few as well, or there is one period.
    """
    least = context.current().smallest_cell
    for period in _periods(sample, over):
        table = _by_period(sample.where(period.notna()), topic, source, period.dropna())
        enough = table.groupby("period")["n"].min() >= least
        if enough.sum() > 1 and enough.mean() > 0.5:
            return table
    return pd.DataFrame()


def _periods(sample: Sample, over: str) -> list[pd.Series]:
    """The periods of the comments, from the shortest: waves (or quarters), then years."""
    found = []
    if over or ("wave" in sample and sample["wave"].notna().any()):
        found.append(sample[over or "wave"].astype("string"))
    if "at" in sample and sample["at"].notna().any():
        day = pd.to_datetime(sample["at"])
        year = day.dt.year.astype("Int64").astype("string")
        quarter = year + "-Q" + day.dt.quarter.astype("Int64").astype("string")
        found += [year] if found else [quarter, year]
    return found


def _by_period(sample: Sample, topic: str, source: str, period: pd.Series) -> pd.DataFrame:
    cells = pd.MultiIndex.from_arrays([sample[source].astype(str), period.astype(str)])
    place, found = pd.factorize(cells, sort=True)
    inside = (place[:, None] == np.arange(len(found))).astype(float)
    on_it = sample[topic].to_numpy(float)[:, None]
    share, ends, _unused = shares(sample, inside * on_it, inside)
    about = {"source": [f[0] for f in found], "period": [f[1] for f in found], "term": topic}
    table = share_table(about, share, ends, (inside * on_it).sum(0).astype(int))
    return table.sort_values(["period", "source"], ignore_index=True).drop(
        columns=list(SIMULTANEOUS)
    )


def _finding(
    differences: pd.DataFrame, table: pd.DataFrame, sample: Sample, fit: Result, source: str
) -> tuple[Finding, str]:
    """What is said of the topic that differs most between sources, and which it is."""
    shown = disclosure.shown(differences)
    if shown.empty:
        claim = _("Too few comments mention a topic to compare their sources.")
        return Finding(claim, importance=Importance.METHOD), ""
    low, high = (shown[c] for c in SIMULTANEOUS)
    clear = shown[(low > 0) | (high < 0)]
    rows = clear if len(clear) else shown
    row = rows.loc[rows["estimate"].abs().idxmax()]
    where = (table["source"] == row["source"]) & (table["term"] == row["term"])
    words = {
        "topic": i18n.opening(i18n.label(row["term"])),
        "source": row["source"],
        "share": float(table.loc[where, "estimate"].item()),
        "others": row["others"],
    }
    if clear.empty:
        claim = _("No topic differs significantly between the sources of comments.")
    else:
        claim = _(
            "{topic:quoted} differs most between sources: {share:share} of comments from "
            "{source:label}, {others:share} of the others.",
            **words,
        )
    detail = _(
        "{topic:quoted}, {source:label} minus others: {size:signed} percentage points (95% CI "
        "{span:interval}); n = {n:count} comments",
        size=100 * row["estimate"],
        span=(100 * row["low"], 100 * row["high"]),
        n=len(sample),
        **words,
    )
    gap = gap_like_for_like(sample, fit, row["term"], (sample[source] == row["source"]).to_numpy())
    detail += like_for_like_note(gap)
    if clear.empty and (few := unless_adjusted(row["low"], row["high"], len(shown))):
        detail = _("; ").join([detail, few])
    like = holds_like_for_like(row["estimate"], gap)
    importance = Importance.NOTABLE if len(clear) and like else Importance.CONTEXT
    topic = row["term"] if len(clear) else table["term"].iloc[0]
    return Finding(claim, detail, importance=importance), str(topic)
