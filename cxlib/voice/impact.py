"""What each topic does to the score, as far as words and scores go together.

    effect = impact.impact(marked, fit, "recommend", nps=True, weight="weight")
    effect.table          # points of the score that go with each topic, companions held

Points: the score's regression on all topics at once; the share who speak of a topic times its
slope. For a linear model this is the topic's Shapley value of the mean score (Lundberg and Lee
2017), so that the points of all topics add up to the mean less that of comments on none. The custom
of the trade sets beside it the mean less the mean without the comments on the topic; that blames a
topic for all that was said together with it, and its parts do not add up. Shares of what is
explained come from `drivers.importance` on the columns of `mark`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.stats.moments import Moments
from cxlib.voice.fits import Topics
from cxlib.voice.people import EACH

WORDS = ("removal", "adjusted", "silence")


@dataclass(frozen=True)
class Impact(Estimates):
    """Points of the score that go with each topic.

    Attributes
    ----------
    table : term, estimate (points of the mean score), low, high (all hold at once), n (comments on
        it), share (of comments), slope, slope_low, slope_high (difference between comments on it
        and others, companions held), removal (the custom of the trade), origin
    removal : term, estimate, low, high, n of the custom; comparable with `table`
    both : the two, with `way` "adjusted" or "removal"
    mean : term, estimate, low, high, n: the mean score, and that of comments on no topic (silence)
    """

    removal: pd.DataFrame = field(kw_only=True)
    both: pd.DataFrame = field(kw_only=True)
    mean: pd.DataFrame = field(kw_only=True)


def impact(
    marked: pd.DataFrame,
    fit: Topics,
    outcome: str,
    *,
    nps: bool = False,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Impact:
    """Points of the mean of `outcome` (or of the NPS) that go with each topic of `mark`.

    Comments without a score are left out. Raises ValueError where fewer than three times as many
    comments have a score as there are topics, or all scores are the same.
    """
    names = fit.table["term"].tolist()
    scored = marked[marked[outcome].notna()]
    if len(scored) < EACH * (len(names) + 1) or scored[outcome].nunique() < 2:
        raise ValueError(
            f"{len(scored):,} of {len(marked):,} comments have {outcome!r}, with "
            f"{scored[outcome].nunique()} different values; {len(names)} topics need more."
        )
    rows = scored[names].assign(score=points(scored[outcome], nps=nps))
    for column in filter(None, (weight, bucket)):
        rows[column] = scored[column]
    rows.attrs = scored.attrs
    sums = moments.of(rows, ["score", *names], weight=weight, bucket=bucket)
    value, again = (_points(s) for s in (sums.total(), sums.resample(draws, seed)))
    n = rows[names].sum().to_numpy(int)
    drawn = how_drawn(draws, weights.differing(marked, weight), bucket)
    return _packed(fit, value, again, n, len(rows), outcome, nps, drawn, draws, seed)


def points(score: pd.Series, *, nps: bool = False) -> pd.Series:
    """The score as it is, or 100, 0 or -100 for promoters, passives and detractors."""
    if not nps:
        return score.astype(float)
    return 100.0 * (score >= 9) - 100.0 * (score <= 6)


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
    fit: Topics,
    value: dict[str, np.ndarray],
    again: dict[str, np.ndarray],
    n: np.ndarray,
    scored: int,
    outcome: str,
    nps: bool,
    drawn: str,
    draws: int,
    seed: int,
) -> Impact:
    names, k = fit.table["term"].tolist(), len(fit.table)
    tables = {}
    for way in ("points", "slope", "removal"):
        low, high = simultaneous_interval(value[way], again[way], units=scored, fitted=k + 1)
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
        scored,
    )
    table = table.iloc[order].reset_index(drop=True)
    unit = "points" if nps else "scale"
    facts = {"removal": tables["removal"].iloc[order].reset_index(drop=True), "mean": mean}
    facts |= {"both": both.reset_index(drop=True), "replicates": again["points"][:, order]}
    note = i18n.together(
        [
            _(
                "{n:count} comments with a score. The points of all {topics:count} topics add up "
                "to the mean, {mean:number1}, less that of comments on none of them, "
                "{silence:number1}.",
                n=scored,
                topics=k,
                mean=mean["estimate"][0],
                silence=mean["estimate"][1],
            ),
            drawn,
        ]
    )
    return Impact(table, _answer(table, outcome, nps), note, unit, draws=draws, seed=seed, **facts)


def _answer(table: pd.DataFrame, outcome: str, nps: bool) -> str:
    least = context.current().smallest_cell
    sure = table[((table["high"] < 0) | (table["low"] > 0)) & (table["n"] >= least)]
    what = _("NPS") if nps else i18n.quoted(i18n.label(outcome))
    if sure.empty:
        return _("No topic goes with a higher or lower {what}, clear of chance.", what=what)
    parts = []
    for row, low in ((sure.iloc[0], True), (sure.iloc[-1], False)):
        if bool(row["estimate"] < 0) is not low:
            continue
        said = {
            "topic": row["term"],
            "points": i18n.number(abs(row["estimate"]), 1 if nps else 2),
            "span": i18n.span(*sorted((abs(row["low"]), abs(row["high"]))), 1 if nps else 2),
            "what": what,
        }
        parts.append(
            _("{topic:quoted} goes with {points} ({span}) points of {what} lost.", **said)
            if low
            else _("{topic:quoted} goes with {points} ({span}) points of {what} won.", **said)
        )
    return i18n.together(i18n.opening(p) for p in parts)
