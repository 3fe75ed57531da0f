"""What each topic does to the score, as far as words and scores go together.

    effect = voice.impact(marked, fit, voice.Outcome("recommend", nps=True))
    effect.table          # points of the score associated with each topic, the others held

Points: the score's regression on all topics at once and on the length of the comment; the share who
mention a topic times its slope. For a linear model this is the topic's Shapley value of the mean
score (Lundberg and Lee 2017), so that the points of all topics add up to the mean minus that of
comments on none. The custom of the trade (removal) is the mean minus the mean without the comments
on the topic; that blames a topic for all that was said together with it, and its parts do not add
up. Shares of explained variance come from `drivers.importance` on the columns of `mark`;
`topic_shares` says what they mean for topics.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS, in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.stats.moments import Moments
from cxlib.stats.notes import of_waves, resampling_note
from cxlib.stats.passing_waves import past_wave, what_remains
from cxlib.voice.comment_length import length_note, length_terms
from cxlib.voice.comments import EACH, share_table
from cxlib.voice.outcome import Outcome, outcome_of
from cxlib.voice.topic_sentiment import complaints_among

WORDS = ("removal", "adjusted", "silence")
MOST_WORDS = 21  # of a topic and a claim, so that the whole is no longer than 25
NAMED_MOST = 4  # words that say of a topic that it is mentioned most
NEARLY = 0.5  # of the largest loss, from which a second topic is named with it


def impact(
    sample: SampleLike,
    fit: Result,
    outcome: Outcome | str,
    complaints: Mapping[str, bool | None] | None = None,
    sentiment: Result | None = None,
) -> Result:
    """Points of the mean score (or of the NPS) associated with each topic.

    Parameters
    ----------
    sample : comments of `mark`; those without a score are left out
    fit : of `topics`
    outcome : the score
    complaints : whether a topic is a complaint, as in `topic_sentiment`; who mentions any other
            topic need not complain
    sentiment : of `topic_sentiment`: how many of the comments on a topic are negative, for the
        advice

    Comments of the same length and language are compared (`length_terms`), where there are enough.

    Returns
    -------
    Result with the tables "table": term, estimate (points of the mean score), low, high, n
    (comments on it), simultaneous_low, simultaneous_high (these decide what is significant), share
    (of comments), slope, slope_low, slope_high (difference between comments on it and others,
    other topics and the length held), removal, origin; "removal": the custom of the trade with its
    intervals; "both": the two, with `way` "adjusted" or "removal"; "mean": the mean score, and that
    of comments on no topic (silence).

    Raises
    ------
    ValueError : fewer than three times as many comments have a score as there are topics, or all
        scores are the same

    References
    ----------
    Lundberg and Lee (2017), Advances in Neural Information Processing Systems 30.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["late"] * 5 + ["fine"] * 5, "lang": "en"})
    >>> rows["csat"] = [1.0, 2, 1, 2, 1, 5, 4, 5, 4, 5]
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> impact(mark(rows, fit), fit, "csat").table[["slope", "share"]].round(2).values.tolist()
    [[-3.2, 0.5]]
    """
    sample, outcome = as_sample(sample), outcome_of(outcome)
    names, column = fit.table["term"].tolist(), outcome.column
    scored = sample.where(sample[column].notna())
    if len(scored) < EACH * (len(names) + 1) or scored[column].nunique() < 2:
        raise ValueError(
            f"{len(scored):,} of {len(sample):,} comments have {column!r}, with "
            f"{scored[column].nunique()} different values; {len(names)} topics need more."
        )
    outcome = outcome.scaled(scored[column])
    points = {"points of the score": outcome.points(scored[column])}
    length = length_terms(scored, fit)
    rows = scored.with_data(pd.concat([scored.data.assign(**points), length], axis=1))
    sums, k = moments.of(rows, [*points, *names, *length]), len(names)
    value, again = (_points(s, k) for s in (sums.total(), sums.resample(sample.draws, sample.seed)))
    negative = {t: 1.0 for t in complaints_among(fit.study_topics, complaints)}
    if sentiment is not None:
        negative = {
            **dict(zip(*sentiment.table[["term", "bad"]].to_numpy().T, strict=True)),
            **negative,
        }
    return _packed(scored, fit, outcome, value, again, length, negative)


def _points(sums: Moments, k: int) -> dict[str, np.ndarray]:
    """points, slope, removal (..., k), mean and silence (..., 1) of a sample or of many draws.

    The score is the first column, the topics are the next k, and the others are held fixed.
    """
    mean, cov = sums.mean, sums.cov
    share = mean[..., 1 : k + 1]
    apart = linear_algebra.pseudo_inverse(cov[..., 1:, 1:])
    slope = (apart @ cov[..., 1:, :1])[..., :k, 0]
    whole = mean[..., :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        spoken = cov[..., 0, 1 : k + 1] / share + whole  # mean score of the comments on each topic
        removal = share * (spoken - whole) / (1 - share)
    return {
        "points": slope * share,
        "slope": slope,
        "removal": removal,
        "share": share,
        "mean": whole,
        "silence": whole - (slope * share).sum(-1, keepdims=True),
    }


def _packed(
    scored: Sample,
    fit: Result,
    outcome: Outcome,
    value: dict[str, np.ndarray],
    again: dict[str, np.ndarray],
    length: pd.DataFrame,
    negative: Mapping[str, float],
) -> Result:
    names, k, tables = fit.table["term"].tolist(), len(fit.table), {}
    n = scored.data[names].sum().to_numpy(int)
    for way in ("points", "slope", "removal"):
        how = {"units": len(scored), "fitted": k + 1 + len(length.columns)}
        own = [simultaneous_interval(value[way][[j]], again[way][:, [j]], **how) for j in range(k)]
        together = simultaneous_interval(value[way], again[way], **how)
        ends = np.array([*np.concatenate(own, axis=1).reshape(2, k), *together])
        tables[way] = share_table({"term": names}, value[way], ends, n)
    slope = tables["slope"]
    table = tables["points"].assign(
        share=value["share"],
        slope=slope["estimate"],
        slope_low=slope["low"],
        slope_high=slope["high"],
        removal=value["removal"],
        origin=fit.table["origin"],
    )
    order = np.argsort(value["points"], kind="stable")
    both = pd.concat(
        [tables["points"].assign(way="adjusted"), tables["removal"].assign(way="removal")]
    )
    mean = estimates_table(
        ["mean", "silence"],
        np.r_[value["mean"], value["silence"]],
        np.hstack([again["mean"], again["silence"]]),
        len(scored),
    )
    table = table.iloc[order].reset_index(drop=True)
    notes = [
        _(
            "{n:count} comments with a score. The points of all {topics:count} topics add up "
            "to the mean, {mean:number1}, less that of comments on none of them, "
            "{silence:number1}.",
            n=len(scored),
            topics=k,
            mean=mean["estimate"][0],
            silence=mean["estimate"][1],
        ),
        length_note(length),
        resampling_note(scored),
    ]
    return Result(
        {
            "table": table,
            "removal": tables["removal"].iloc[order].reset_index(drop=True),
            "both": both.reset_index(drop=True),
            "mean": mean,
        },
        _finding(table, fit.table, outcome, scored, _past(table, scored), negative),
        i18n.together(notes),
        outcome.unit,
        columns=in_unit("share", "share"),
        draws=scored.draws,
        seed=scored.seed,
        replicates=again["points"][:, order],
    )


def _past(table: pd.DataFrame, scored: Sample) -> str:
    """The wave in which the topic with the largest loss rose, where that is over."""
    return past_wave(scored, str(table["term"].iloc[0]), rises=True)


def _finding(
    table: pd.DataFrame,
    topics: pd.DataFrame,
    outcome: Outcome,
    scored: Sample,
    past: str = "",
    negative: Mapping[str, float] | None = None,
) -> Finding:
    """The two topics with the largest significant losses; else the largest gain."""
    least = context.current().smallest_cell
    low, high = (table[c] for c in SIMULTANEOUS)
    known = table["n"] >= least
    losses, gains = table[known & (high < 0)], table[known & (low > 0)].iloc[::-1]
    digits = 1 if outcome.unit == "points" else 2
    words: dict[str, object] = {
        "what": _("NPS") if outcome.nps else i18n.quoted(i18n.label(outcome.column))
    }
    count = _("n = {n:count} comments with a score", n=len(scored))
    count = of_waves(count, scored)
    if losses.empty and gains.empty:
        claim = _("No topic is significantly associated with a higher or lower {what}.", **words)
        return Finding(claim, count)
    rows = losses.head(2) if len(losses) else gains.head(1)
    if not rows["estimate"].abs().iloc[-1] >= NEARLY * rows["estimate"].abs().iloc[0]:
        rows = rows.head(1)
    names = [str(t) for t in rows["term"]]
    words |= {
        "first": i18n.quoted(i18n.label(names[0])),
        "second": i18n.quoted(i18n.label(names[-1])),
        "size": i18n.signed(rows["estimate"].iloc[0], digits),
        "other": i18n.signed(rows["estimate"].iloc[-1], digits),
    }
    if losses.empty:
        claim = _gained(words, len(gains))
    else:
        claim = _lost(words, len(names))
        most = topics[topics["n"] >= least].head(1)
        if past:
            over = _(
                "the rise of {first} in {past:label} is over.", first=words["first"], past=past
            )
            if len(claim.split()) + len(over.split()) > MOST_WORDS + NAMED_MOST:
                claim = _lost(words, 1)
            claim = _("{rest}; {over}", rest=claim.rstrip(".。"), over=over)
        elif len(most) and most["term"].iloc[0] not in names:
            name = i18n.opening(i18n.quoted(i18n.label(most["term"].iloc[0])))
            if len(name.split()) + len(claim.split()) <= MOST_WORDS:
                claim = _("{most} is mentioned most; {rest}", most=name, rest=claim)
    lines = [_interval(row, digits) for _place, row in pd.concat([rows, gains]).head(3).iterrows()]
    first = rows.iloc[0]
    left = what_remains(scored, names[0], past)
    if left is not None:
        words |= left._asdict()
        lines.append(
            _(
                "{first} in {now:share} of comments in {latest:label}, {then:share} in "
                "{past:label}",
                past=past,
                **words,
            )
        )
    return Finding.of_row(
        first,
        i18n.opening(claim),
        _("; ").join([*dict.fromkeys(lines), count]),
        unit=outcome.unit,
        measure=f"points_of_{outcome.column}",
        at={"topic": names[0]},
        verdict="worse" if len(losses) else "better",
        importance=Importance.NOTABLE,
        action=_next_step(losses, scored, negative or {})
        if len(losses)
        else _("Keep what customers praise in {first}.", **words),
    )


def _gained(words: dict[str, object], topics: int) -> str:
    """The largest significant gain; one that is not significant may be larger."""
    if topics == 1:
        return _(
            "Only {first} is significantly associated with a gain in {what} ({size} points).",
            **words,
        )
    return _(
        "{first} is associated with the largest significant gain in {what} ({size} points).",
        **words,
    )


def _lost(words: dict[str, object], topics: int) -> str:
    if topics == 1:
        return _("{first} is associated with the largest loss in {what} ({size} points).", **words)
    if words["size"] == words["other"]:
        return _(
            "{first} and {second} are associated with the largest losses in {what} ({size} "
            "points each).",
            **words,
        )
    return _(
        "{first} and {second} are associated with the largest losses in {what} ({size} and "
        "{other} points).",
        **words,
    )


def _next_step(losses: pd.DataFrame, scored: Sample, negative: Mapping[str, float]) -> str:
    """What to do about the largest loss, by the shares of comments in the latest wave.

    `negative` is the share of the comments on a topic that are negative about it: 1 of complaints.

    A topic whose peak is over counts with what is left of it. Of no wave, or of one with too few
    comments to be shown, all comments count.
    """
    waves = scored["wave"].dropna().astype(str) if "wave" in scored else pd.Series(dtype=str)
    latest = waves.max() if waves.nunique() > 1 else ""
    now = {t: left.now for t in losses["term"] if (left := what_remains(scored, t, latest))}
    known = losses[losses["term"].isin(now)]
    if known.empty:
        first = losses.iloc[0]
        often = _("the largest loss: {share:share} of comments mention it", share=first["share"])
    else:
        first = known.loc[(known["slope"] * known["term"].map(now)).idxmin()]
        often = _(
            "the largest loss in {latest:label}: {now:share} of comments mention it",
            latest=latest,
            now=now[first["term"]],
        )
    name = i18n.quoted(i18n.label(first["term"]))
    if (part := negative.get(first["term"])) == 1:
        return _("Reduce {topic}, {often}. Read them to find the causes.", topic=name, often=often)
    if part is not None:
        often = _(
            "{often}, and {part:share} of those are negative about it", often=often, part=part
        )
    return _(
        "Reduce what customers complain of in {topic}, {often}. Read them to find the causes.",
        topic=name,
        often=often,
    )


def _interval(row: pd.Series, digits: int) -> str:
    return _(
        "{topic:quoted} {size} (95% CI {span})",
        topic=row["term"],
        size=i18n.signed(row["estimate"], digits),
        span=i18n.span(row["low"], row["high"], digits),
    )
