"""How often each topic is mentioned in each wave, and what changed since the wave before.

found = voice.by_wave(marked, fit)
found.table           # a row a wave and topic
found.changes         # the latest wave minus the one before
found.since_first     # the latest wave minus the first
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.columns import SIMULTANEOUS, Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.notes import resampling_note
from cxlib.voice.comment_length import (
    Gap,
    gap_like_for_like,
    holds_like_for_like,
    like_for_like_note,
    unadjusted_note,
)
from cxlib.voice.comments import interval_ends, share_table, shares


def by_wave(sample: SampleLike, fit: Result, over: str = "wave", hold: str = "") -> Result:
    """Share of the comments of each wave that mention each topic, and the latest change of it.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    over : column of the waves
    hold : column of groups whose mix may differ between waves; the change that is reported is also
        given among comments of the same length and group

    Returns
    -------
    Result with the tables "table": wave, term, estimate, low, high, n (comments that mention it),
    simultaneous_low, simultaneous_high; and "changes" of the latest wave since the one before:
    wave, term, estimate (difference of the shares), low, high, n, simultaneous_low,
    simultaneous_high (these decide what is significant), before, now (shares); and "since_first",
    the same since the first of three waves or more: what grew little by little.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["late", "fine"], "lang": "en", "wave": ["1", "2"]})
    >>> from cxlib.voice.topics import mark, topics
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> found = by_wave(mark(rows, fit), fit)
    >>> found.table["estimate"].tolist(), found.changes["estimate"].tolist()
    ([1.0, 0.0], [-1.0])
    """
    sample = as_sample(sample)
    sample = sample.where(sample[over].notna())
    hold = hold if hold in sample else ""
    waves, place = np.unique(sample[over].astype(str).to_numpy(), return_inverse=True)
    names = fit.table["term"].tolist()
    k = len(names)
    inside = np.repeat(place[:, None] == np.arange(len(waves)), k, axis=1)
    there = inside * np.tile(sample.data[names].to_numpy(float), len(waves))
    share, ends, again = shares(sample, there, inside)
    n = there.sum(0).astype(int)
    about = {"wave": np.repeat(waves, k), "term": np.tile(names, len(waves))}
    table = disclosure.with_people(share_table(about, share, ends, n), sample.people(there))
    changes = table.iloc[:0].assign(before=np.nan, now=np.nan)
    found = {"changes": changes, "since_first": changes}
    since = {"changes": len(waves) - 2, "since_first": 0}
    for name in list(since)[: len(waves) - 1] if k else []:
        first = slice(since[name] * k, (since[name] + 1) * k)
        now, before = share[-k:], share[first]
        ends = interval_ends(now - before, again[:, -k:] - again[:, first])
        about = {"wave": waves[-1], "term": names}
        # The rarer of the two shares decides whether a page may show the change.
        least = np.minimum(n[-k:], n[first])
        rows = share_table(about, now - before, ends, least).assign(before=before, now=now)
        # Those that the table hides for the sake of others would be shown here.
        gone = table[disclosure.hidden(table) == disclosure.COMPLEMENT]
        told = gone.loc[gone["wave"].isin([waves[since[name]], waves[-1]]), "term"]
        found[name] = rows[~rows["term"].isin(told)].reset_index(drop=True)
    return Result(
        {"table": table, **found},
        _finding(found["changes"], waves, found["since_first"], Alike(sample, fit, over, hold)),
        i18n.together([unadjusted_note(), resampling_note(sample)]),
        "share",
        columns=[Column("term", "topic", "name", label="topic")],
        draws=sample.draws,
        seed=sample.seed,
    )


@dataclass(frozen=True)
class Alike:
    """Compares waves among comments of the same length and group."""

    sample: Sample
    fit: Result
    over: str
    hold: str

    def gap(self, topic: str, now: str, before: str) -> Gap | None:
        """The change of a topic's share between two waves."""
        two = self.sample.where(self.sample[self.over].astype(str).isin([now, before]))
        return gap_like_for_like(two, self.fit, topic, two[self.over].astype(str) == now, self.hold)


def _finding(
    changes: pd.DataFrame, waves: np.ndarray, since_first: pd.DataFrame, alike: Alike
) -> Finding:
    """The topic that changed most significantly in the latest wave, or since the first."""
    shown = disclosure.shown(changes)
    if shown.empty:
        return Finding(
            _("Too few comments mention a topic to compare the latest waves."),
            importance=Importance.METHOD,
        )
    words = {"wave": waves[-1], "before": periods.before(waves[-1], waves[-2])}
    low, high = (shown[c] for c in SIMULTANEOUS)
    clear = shown[(low > 0) | (high < 0)]
    grown = disclosure.shown(since_first)
    grown = grown[grown[SIMULTANEOUS[0]] > 0]
    if clear.empty and len(grown):
        return _grown(grown.loc[grown["estimate"].idxmax()], waves, alike)
    if clear.empty:
        claim = _(
            "No topic is mentioned significantly more or less often in {wave:label} than in "
            "{before}.",
            **words,
        )
        return Finding(claim)
    row = clear.loc[clear["estimate"].abs().idxmax()]
    words |= {
        "topic": i18n.opening(i18n.label(row["term"])),
        "now": row["now"],
        "then": row["before"],
    }
    claim = (
        _(
            "{topic:quoted} is mentioned more often in {wave:label} than in {before} ({now:share} "
            "against {then:share} of comments).",
            **words,
        )
        if row["estimate"] > 0
        else _(
            "{topic:quoted} is mentioned less often in {wave:label} than in {before} ({now:share} "
            "against {then:share} of comments).",
            **words,
        )
    )
    return _changed(row, waves, claim, Importance.NEWS, alike, waves[-2])


def _grown(row: pd.Series, waves: np.ndarray, alike: Alike) -> Finding:
    """A topic that no single quarter shows to have grown, but all of them together."""
    claim = _(
        "{topic:quoted} is mentioned more often than at first: in {now:share} of comments in "
        "{wave:label}, {then:share} in {first:label}.",
        topic=i18n.opening(i18n.label(row["term"])),
        now=row["now"],
        then=row["before"],
        wave=waves[-1],
        first=waves[0],
    )
    return _changed(row, waves, claim, Importance.NOTABLE, alike, waves[0])


def _changed(
    row: pd.Series,
    waves: np.ndarray,
    claim: str,
    importance: Importance,
    alike: Alike,
    before: str,
) -> Finding:
    gap = alike.gap(str(row["term"]), waves[-1], before)
    detail = _(
        "change {size:signed} percentage points (95% CI {span:interval}); mentioned in "
        "{n:count} comments or more of each of the two",
        size=100 * row["estimate"],
        span=(100 * row["low"], 100 * row["high"]),
        n=row["n"],
    ) + like_for_like_note(gap, alike.hold)
    return Finding(
        claim,
        detail,
        value=float(row["now"]),
        unit="share",
        previous=float(row["before"]),
        change=float(row["estimate"]),
        measure="share_of_comments",
        at={"topic": str(row["term"]), "wave": str(waves[-1])},
        importance=importance if holds_like_for_like(row["estimate"], gap) else Importance.CONTEXT,
    )
