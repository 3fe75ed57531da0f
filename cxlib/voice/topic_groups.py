"""Groups of topics, the level above them: how often comments mention any topic of a group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.notes import resampling_note
from cxlib.voice.coding_accuracy import Coded
from cxlib.voice.comments import interval_ends, share_table, shares

WORDS = ("other topics", "topics")
REST = "other topics"


def topic_groups(
    sample: SampleLike, fit: Result, groups: Mapping[str, str], coded: Coded | None = None
) -> Result:
    """Share of comments that mention each group of topics.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    groups : topic -> its group; topics without one are together "other topics"
    coded : codes of people (`coding_accuracy.codes_of`); they correct the share of a group of which
        all topics were coded

    Returns
    -------
    Result with the tables "table": term (group), estimate (share of comments that mention one of
    its topics or more), low, high, n (comments that do), simultaneous_low, simultaneous_high,
    topics (how many there are); and "members": group, term, estimate, low, high, n (of `topics`).

    Raises
    ------
    InsufficientData : no topic has a group

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["late parcel", "rude courier", "fine"], "lang": "en"})
    >>> fit = topics(rows, {"late": {"en": ["late"]}, "rude": {"en": ["rude"]}})
    >>> found = topic_groups(mark(rows, fit), fit, {"late": "delivery", "rude": "delivery"})
    >>> found.table[["term", "n", "topics"]].values.tolist()
    [['delivery', 2, 2]]
    """
    sample = as_sample(sample)
    names = fit.table["term"].tolist()
    of = np.array([groups.get(name) or REST for name in names], object)
    known = list(dict.fromkeys(g for g in of if g != REST))
    if not known:
        raise InsufficientData(_("No topic belongs to a group of topics in topics.yaml."))
    known += [REST] * bool((of == REST).any())
    marked = sample.data[names].to_numpy(float) > 0
    there = np.column_stack([marked[:, of == group].any(1) for group in known]).astype(float)
    share, ends, again = shares(sample, there, np.ones((len(sample), 1)))
    n = there.sum(0).astype(int)
    if coded:
        said = ~np.isnan(coded.people)
        for k, group in enumerate(known):
            own = [coded.topics.index(t) for t in np.array(names)[of == group] if t in coded.topics]
            if len(own) < (of == group).sum():
                continue
            people = said[:, own].any(1, keepdims=True)
            gap, drawn = coded.difference(people, there[:, [k]])
            share[k], again[:, k] = share[k] + gap[0], again[:, k] + drawn[:, 0]
            n[k] = people.sum() if coded.everything else n[k]
        share, again = np.clip(share, 0, 1), np.clip(again, 0, 1)
        ends = np.clip(interval_ends(share, again), 0, 1)
    table = share_table({"term": known}, share, ends, n)
    table["topics"] = [int((of == group).sum()) for group in known]
    order = np.lexsort((-share, np.array(known) == REST))
    members = fit.table[["term", "estimate", "low", "high", "n"]].copy()
    members.insert(0, "group", of)
    place = members["group"].map({known[k]: rank for rank, k in enumerate(order)})
    members = members.iloc[np.lexsort((-members["estimate"], place))].reset_index(drop=True)
    table = table.iloc[order].reset_index(drop=True)
    return Result(
        {"table": table, "members": members},
        _finding(table, len(sample)),
        i18n.together([_("A comment may be on several groups."), resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        replicates=again[:, order],
    )


def _finding(table: pd.DataFrame, n: int) -> Finding:
    named = disclosure.shown(table[table["term"] != REST])
    if named.empty:
        return Finding(
            _("Too few comments mention a group of topics."), importance=Importance.METHOD
        )
    first = named.iloc[0]
    claim = _(
        "{group:quoted} is the group of topics mentioned most, in {share:share} of comments.",
        group=i18n.opening(i18n.label(first["term"])),
        share=first["estimate"],
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count} comments; {topics:count} topics",
        span=(first["low"], first["high"]),
        n=n,
        topics=first["topics"],
    )
    return Finding.of_row(
        first,
        claim,
        detail,
        unit="share",
        measure="share_of_comments",
        at={"group": str(first["term"])},
    )
