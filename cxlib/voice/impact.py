"""What each topic does to the score, as far as words and scores go together.

    effect = voice.impact(marked, fit, voice.Outcome("recommend", nps=True))
    effect.table          # points of the score that go with each topic, companions held

Points: the score's regression on all topics at once; the share who mention a topic times its
slope. For a linear model this is the topic's Shapley value of the mean score (Lundberg and Lee
2017), so that the points of all topics add up to the mean minus that of comments on none. The
custom of the trade (removal) is the mean minus the mean without the comments on the topic; that
blames a topic for all that was said together with it, and its parts do not add up. Shares of
explained variance come from `drivers.importance` on the columns of `mark`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.stats.moments import Moments
from cxlib.stats.notes import resampling_note
from cxlib.voice.comments import EACH
from cxlib.voice.outcome import Outcome, outcome_of

WORDS = ("removal", "adjusted", "silence")


def impact(sample: SampleLike, fit: Result, outcome: Outcome | str) -> Result:
    """Points of the mean score (or of the NPS) that go with each topic.

    Parameters
    ----------
    sample : comments of `mark`; those without a score are left out
    fit : of `topics`
    outcome : the score

    Returns
    -------
    Result with the tables "table": term, estimate (points of the mean score), low, high
    (simultaneous), n (comments on it), share (of comments), slope, slope_low, slope_high
    (difference between comments on it and others, companions held), removal, origin; "removal":
    the custom of the trade with its intervals; "both": the two, with `way` "adjusted" or "removal";
    "mean": the mean score, and that of comments on no topic (silence).

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
    points = {"points of the score": outcome.points(scored[column])}
    sums = moments.of(scored.assign(**points), [*points, *names])
    value, again = (_points(s) for s in (sums.total(), sums.resample(sample.draws, sample.seed)))
    n = scored.data[names].sum().to_numpy(int)
    return _packed(scored, fit, outcome, value, again, n)


def _points(sums: Moments) -> dict[str, np.ndarray]:
    """points, slope, removal (..., k), mean and silence (..., 1) of a sample or of many draws."""
    mean, cov = sums.mean, sums.cov
    share = mean[..., 1:]
    apart = linear_algebra.pseudo_inverse(cov[..., 1:, 1:])
    slope = (apart @ cov[..., 1:, :1])[..., 0]
    whole = mean[..., :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        spoken = cov[..., 0, 1:] / share + whole  # mean score of the comments on each topic
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
    n: np.ndarray,
) -> Result:
    names, k, tables = fit.table["term"].tolist(), len(fit.table), {}
    for way in ("points", "slope", "removal"):
        low, high = simultaneous_interval(value[way], again[way], units=len(scored), fitted=k + 1)
        tables[way] = pd.DataFrame(
            {"term": names, "estimate": value[way], "low": low, "high": high, "n": n}
        )
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
        resampling_note(scored),
    ]
    return Result(
        {
            "table": table,
            "removal": tables["removal"].iloc[order].reset_index(drop=True),
            "both": both.reset_index(drop=True),
            "mean": mean,
        },
        _claim(table, outcome),
        i18n.together(notes),
        "points" if outcome.nps else "scale",
        columns=in_unit("share", "share"),
        draws=scored.draws,
        seed=scored.seed,
        replicates=again["points"][:, order],
    )


def _claim(table: pd.DataFrame, outcome: Outcome) -> str:
    least = context.current().smallest_cell
    sure = table[((table["high"] < 0) | (table["low"] > 0)) & (table["n"] >= least)]
    what = _("NPS") if outcome.nps else i18n.quoted(i18n.label(outcome.column))
    if sure.empty:
        return _("No topic is significantly associated with a higher or lower {what}.", what=what)
    parts, digits = [], 1 if outcome.nps else 2
    for row, low in ((sure.iloc[0], True), (sure.iloc[-1], False)):
        if bool(row["estimate"] < 0) is not low:
            continue
        near, far = sorted((abs(row["low"]), abs(row["high"])))
        facts = {
            "topic": row["term"],
            "points": i18n.number(abs(row["estimate"]), digits),
            "span": i18n.span(near, far, digits),
            "what": what,
        }
        parts.append(
            _("{topic:quoted} is associated with {points} ({span}) points of {what} lost.", **facts)
            if low
            else _(
                "{topic:quoted} is associated with {points} ({span}) points of {what} won.",
                **facts,
            )
        )
    return i18n.together(i18n.opening(p) for p in parts)
