"""How right the machine is by comments that people coded, and shares corrected by them.

    coded = voice.codes_of(marked, fit, study.coding)
    voice.accuracy(coded)                      # found, right, sentiment right, sentiment reversed
    fit = voice.corrected(fit, marked, coded)  # shares of topics by people and machine together

A corrected share is that of the machine over all comments plus the mean difference between people
and machine over the coded ones, each counted for the comments it stands for (the difference
estimator: Cochran 1977, chapter 7; prediction-powered inference: Angelopoulos et al. 2023). It is
right on average however wrong the machine is; the better the machine, the shorter its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import in_unit
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.notes import resampling_note
from cxlib.voice.coding_sheet import ID, WEIGHT
from cxlib.voice.comments import interval_ends, share_table, shares
from cxlib.voice.topic_sentiment import Correct, Kinds, complaints_among, sentiments
from cxlib.voice.topics import finding_of

TERMS = ("mentions found", "mentions right", "sentiment right", "sentiment reversed")
WORDS = ("mentions found", "mentions right", "sentiment right", "sentiment reversed", "machine")


@dataclass(frozen=True, eq=False)
class Coded:
    """What people and the machine read in the comments, row by row of the marked comments.

    Attributes
    ----------
    sample : the comments of `mark`
    topics : (k) the coded topics
    stands_for : (n,) comments that each coded one stands for; 0 where it is not coded
    people, machine : (n, k) sentiment -1, 0 or 1; NaN where the topic is not mentioned
    """

    sample: Sample
    topics: list[str]
    stands_for: np.ndarray
    people: np.ndarray
    machine: np.ndarray

    @property
    def everything(self) -> bool:
        """Whether all comments are coded."""
        return bool((self.stands_for > 0).all())

    def difference(self, people: np.ndarray, machine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted mean of people minus machine over the coded comments, and its replicates."""
        weight = self.stands_for[:, None]
        gap, _ends, again = shares(self.sample, weight * (people * 1.0 - machine), weight)
        return gap, again


def codes_of(
    sample: SampleLike,
    fit: Result,
    coding: pd.DataFrame,
    complaints: Mapping[str, bool | None] | None = None,
) -> Coded:
    """The codes of people beside what the machine reads.

    Parameters
    ----------
    sample : comments of `mark`, with comment_id
    fit : of `topics`
    coding : comment_id, stands_for and a column a topic: -1, 0, 1 or missing (`reserve.coding`)
    complaints : whether a topic is a complaint, as for `topic_sentiment`

    Raises
    ------
    InsufficientData : no comment looked at was coded, or no topic
    ValueError : a comment is coded twice

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"comment_id": ["a", "b"], "text": ["good staff", "fine"]})
    >>> rows["lang"] = "en"
    >>> fit = topics(rows, {"staff": {"en": ["staff"]}})
    >>> coding = pd.DataFrame({"comment_id": ["a", "b"], "stands_for": 1.0, "staff": [1, None]})
    >>> codes_of(mark(rows, fit), fit, coding).people.tolist()
    [[1.0], [nan]]
    """
    sample = as_sample(sample)
    names = [t for t in fit.table["term"] if t in coding]
    ids = coding[ID].astype(str)
    if ids.duplicated().any():
        raise ValueError(f"{ids[ids.duplicated()].iloc[0]!r} is coded twice. Keep one row of it.")
    of = pd.Index(ids).get_indexer(sample[ID].astype(str)) if len(coding) else np.array([])
    if not names or not len(of) or (of < 0).all():
        raise InsufficientData(
            _(
                "None of {n:count} coded comments is among those looked at with a topic of today.",
                n=len(coding),
            )
        )
    codes, weight = coding[names].to_numpy(float), coding[WEIGHT].to_numpy(float)
    there = of >= 0
    people = np.where(there[:, None], codes[np.maximum(of, 0)], np.nan)
    floor = complaints_among(fit.study_topics, complaints)
    found = sentiments(sample.data, {n: fit.keywords[n] for n in names}, floor)
    machine = np.where(sample.data[names].to_numpy(float) > 0, 0.0, np.nan)
    place = found["place"].to_numpy(int)
    at = found["topic"].map({n: k for k, n in enumerate(names)}).to_numpy(int)
    machine[place, at] += found["sentiment"]  # stays missing where the topic is not held
    return Coded(sample, names, np.where(there, weight[np.maximum(of, 0)], 0.0), people, machine)


def accuracy(coded: Coded) -> Result:
    """How many mentions of topics the machine finds, and how often it is right.

    Returns
    -------
    Result with the tables "table": term ("mentions found": of what people say is mentioned, recall;
    "mentions right": of what the machine finds, precision; "sentiment right" and "sentiment
    reversed", positive for negative or the reverse: of what both find), estimate, low, high, n
    (mentions), all weighted to all comments; and "topics": term, estimate (sentiment right), low,
    high, n (mentions by both), recall, precision.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["a", "b"]})
    >>> people, machine = np.array([[1.0], [np.nan]]), np.array([[1.0], [0.0]])
    >>> coded = Coded(Sample(rows), ["staff"], np.ones(2), people, machine)
    >>> accuracy(coded).table["estimate"].tolist()
    [1.0, 0.5, 1.0, 0.0]
    """
    kept = coded.stands_for > 0
    w = coded.stands_for[kept, None]
    people, machine = coded.people[kept], coded.machine[kept]
    theirs, ours = ~np.isnan(people), ~np.isnan(machine)
    both, same = theirs & ours, people == machine
    turned = both & (people * machine < 0)
    parts, wholes = [both, both, same, turned], [theirs, ours, both, both]
    sample = coded.sample.where(kept)
    above, below = (np.column_stack([p.sum(1) for p in of]) for of in (parts, wholes))
    share, ends, again = shares(sample, w * above, w * below)
    table = share_table({"term": list(TERMS)}, share, ends, below.sum(0).astype(int))
    each, each_ends, _unused = shares(sample, w * same, w * both)
    topics = share_table({"term": coded.topics}, each, each_ends, both.sum(0).astype(int))
    topics = topics.assign(
        recall=shares(sample, w * both, w * theirs)[0],
        precision=shares(sample, w * both, w * ours)[0],
    )
    found, right, felt, turned_share = table.itertuples()
    claim = _(
        "The machine finds {found:share} of the topics that people coded and reads {felt:share} of "
        "their sentiments as they do.",
        found=found.estimate,
        felt=felt.estimate,
    )
    n = int(kept.sum())
    detail = ngettext(
        "95% CI {span:share_interval}, {more:share_interval}; n = {n:count} coded comment",
        "95% CI {span:share_interval}, {more:share_interval}; n = {n:count} coded comments",
        n,
        span=(found.low, found.high),
        more=(felt.low, felt.high),
    )
    notes = [
        _(
            "Of what the machine finds, {right:share} is right; {turned:share} of sentiments are "
            "reversed.",
            right=right.estimate,
            turned=turned_share.estimate,
        ),
        resampling_note(sample),
    ]
    return Result(
        {"table": table, "topics": topics},
        Finding.of_row(
            pd.Series(found._asdict()),
            claim,
            detail,
            unit="share",
            measure="mentions_found",
            importance=Importance.CONTEXT,
        ),
        i18n.together(notes),
        "share",
        columns=in_unit("share", "recall", "precision"),
        draws=sample.draws,
        seed=sample.seed,
        replicates=again,
    )


def correction(coded: Coded) -> Correct:
    """How `topic_sentiment` corrects its shares by these codes."""
    return partial(_corrected_sentiment, coded)


def _corrected_sentiment(
    coded: Coded, names: list[str], kinds: Kinds
) -> dict[str, tuple[float, float, int, np.ndarray]]:
    """Shares of positive and negative comments on each topic, corrected by people's codes.

    `kinds` are (n, k): whether the machine reads a comment as good, as bad, and as on the topic.
    Returns topic -> (positive, negative, n, replicates of both: (draws, 2)), for topics that as
    many coded comments mention as the smallest cell, by people and by the machine.
    """
    at = [names.index(t) for t in coded.topics]
    good, bad, seen = (kind[:, at].astype(float) for kind in kinds)
    theirs = ~np.isnan(coded.people)
    people = (coded.people > 0, coded.people < 0, theirs)
    one = np.ones((len(coded.sample), 1))
    sums = []
    for said, read in zip(people, (good, bad, seen), strict=True):
        mean, _ends, drawn = shares(coded.sample, read, one)
        gap, again = coded.difference(said, read)
        sums.append((np.maximum(mean + gap, 0), np.maximum(drawn + again, 0)))
    (pos, pos_drawn), (neg, neg_drawn), (all_, all_drawn) = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.clip([pos / all_, neg / all_], 0, 1)
        both = np.stack([pos_drawn / all_drawn, neg_drawn / all_drawn], axis=2)
    replicates = np.clip(both, 0, 1)
    rates = rates / np.maximum(rates.sum(0), 1)
    there = (coded.stands_for > 0)[:, None]
    counts = np.minimum((theirs & there).sum(0), ((seen > 0) & there).sum(0))
    n = (theirs if coded.everything else seen > 0).sum(0)
    return {
        topic: (float(rates[0, k]), float(rates[1, k]), int(n[k]), replicates[:, k])
        for k, topic in enumerate(coded.topics)
        if counts[k] >= context.current().smallest_cell
    }


def mark_coded(sample: SampleLike, coded: Coded) -> Sample:
    """The comments of `mark` with the topics that people coded as they coded them.

    Only where every comment was coded; else as they are, since a topic must be marked in one way.

    Examples
    --------
    >>> rows = pd.DataFrame({"staff": [1.0, 1.0]})
    >>> people, machine = np.array([[1.0], [np.nan]]), np.array([[1.0], [0.0]])
    >>> coded = Coded(Sample(rows), ["staff"], np.ones(2), people, machine)
    >>> mark_coded(rows, coded)["staff"].tolist()
    [1.0, 0.0]
    """
    sample = as_sample(sample)
    if not coded.everything:
        return sample
    theirs = (~np.isnan(coded.people)).astype(float)
    return sample.assign(**dict(zip(coded.topics, theirs.T, strict=True)))


def corrected(fit: Result, sample: SampleLike, coded: Coded) -> Result:
    """The topics with the shares of those that people coded corrected by their codes.

    Parameters
    ----------
    fit : of `topics`
    sample : comments of `mark`
    coded : of `codes_of`

    Returns
    -------
    The Result of `topics` with corrected estimate, low, high, simultaneous ends and replicates, the
    column `machine` (the share by words alone) and n (comments that people say mention it, where
    all were coded). A topic that fewer coded comments mention than the smallest cell is left as it
    was.

    References
    ----------
    Angelopoulos et al. (2023), Science 382: prediction-powered inference.
    """
    sample = as_sample(sample)
    table, again = fit.table.copy(), np.array(fit.replicates)
    theirs, ours = ~np.isnan(coded.people), ~np.isnan(coded.machine)
    gap, drawn = coded.difference(theirs, ours)
    place = pd.Index(table["term"]).get_indexer(coded.topics)
    enough = (theirs & (coded.stands_for > 0)[:, None]).sum(0) >= context.current().smallest_cell
    table["machine"] = table["estimate"]
    at = place[enough]
    value = table["estimate"].to_numpy(float).copy()
    value[at] = np.clip(value[at] + gap[enough], 0, 1)
    again[:, at] = np.clip(again[:, at] + drawn[:, enough], 0, 1)
    n = table["n"].to_numpy(int).copy()
    if coded.everything:
        n[at] = theirs.sum(0)[enough]
    ends = np.clip(interval_ends(value, again), 0, 1)
    about = {"term": table["term"].tolist()}
    fresh = share_table(about, value, ends, n)
    for column in fresh.columns[1:]:
        table[column] = fresh[column].to_numpy()
    order = np.argsort(-value, kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    note = ngettext(
        "Shares of {topics:count} topic are corrected by {n:count} comments that people coded.",
        "Shares of {topics:count} topics are corrected by {n:count} comments that people coded.",
        int(enough.sum()),
        topics=int(enough.sum()),
        n=int((coded.stands_for > 0).sum()),
    )
    return fit.replace(
        tables={**fit.tables, "table": table},
        finding=finding_of(table, sample),
        notes=i18n.together([note, fit.notes]),
        columns=(*fit.columns, *in_unit("share", "machine")),
        replicates=again[:, order],
        parts={**fit.parts, "commonest": table["term"].head(len(fit.commonest)).tolist()},
    )
