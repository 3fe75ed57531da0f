"""Pain points: where problems are frequent, bad, costly and come again, in that order of urgency.

    fit = journeys.pain_points(exposure, "recommend", Touchpoints(ratings={"room": "room"}))
    fit.table         # touchpoint, term (the problem), estimate (priority), chance_top ...

A pain point is a problem in an event (an outcome that study.yaml calls bad), a low rating at a
touchpoint, or not coming to one that every journey should reach. Its priority is

    reach x severity x impact x recurrence

the share of answers that met the touchpoint, the share of those with the problem, the points of the
outcome that the problem is associated with (adjusted; nothing where they go the other way), and how
many times it came to those whom it came to; for PER answers. All factors of a resample are of the
same customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column, in_unit
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.problems import problem_name
from cxlib.journeys.associations import LEAST, adjusted_slopes, adjustment_note, exposure_terms
from cxlib.journeys.exposure import Exposure, Touchpoints, past_fall, rating_now
from cxlib.stats import moments
from cxlib.stats.intervals import percentile_interval
from cxlib.stats.notes import resampling_note
from cxlib.stats.passing_waves import Remains
from cxlib.stats.resampling import design, resample_sums

LOW = 40.0  # of 100; a rating below it is a low one
PER = 100  # answers that a priority is for, so that it is no tiny number
KEPT = [
    "touchpoint", "term", "stage", "estimate", "low", "high", "n", "reach", "severity", "impact",
    "impact_low", "impact_high", "recurrence", "rank_low", "rank_high", "chance_top", "money",
    "money_low", "money_high",
]  # fmt: skip


@dataclass(frozen=True)
class Loss:
    """Money that leaves with customers.

    Attributes
    ----------
    column : of the answers: what left with each customer after the answer, 0 for who stayed
    customers : there are, over whom it is added up
    """

    column: str
    customers: int


@dataclass(frozen=True, eq=False)
class _Problems:
    """Problems of one kind, and what they are compared among.

    Attributes
    ----------
    names : (touchpoint, term) of each, p
    x : columns of the regression, (answers, q)
    own : places of the problems among them, p
    known : answers to compare, (answers,)
    here : who met the touchpoint, (answers, p)
    times : how often with the problem, (answers, p)
    """

    names: list[tuple[str, str]]
    x: np.ndarray
    own: list[int]
    known: np.ndarray
    here: np.ndarray
    times: np.ndarray


def pain_points(
    exposure: Exposure,
    outcome: str,
    touchpoints: Touchpoints | None = None,
    *,
    adjust: Sequence[str] = (),
    top: int = 3,
    loss: Loss | None = None,
) -> Result:
    """Pain points by priority, with the chance to be among the first `top`.

    Parameters
    ----------
    exposure : of `journeys.exposure`; its answers have weights, cluster, draws and seed
    outcome : column of the answers
    touchpoints : stages, ratings, scales, and those that every journey should reach: not to reach
        them is a problem too
    adjust : columns of the answers, to compare like with like
    top : a pain point among how many counts as first
    loss : what leaves with customers; money is then what a problem is associated with, over all
        customers; missing without it

    Returns
    -------
    Result with "table", by priority: touchpoint, term ("problem", "low rating", "not reached"),
    stage, estimate (priority), low, high (95% intervals), n (answers with the problem), reach,
    severity (shares), impact, impact_low, impact_high (points of the outcome), recurrence, rank_low
    to rank_high (the rank in 95 of 100 resamples), chance_top, money, money_low, money_high.

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : no problem came to 20 answers

    Examples
    --------
    >>> from cxlib.journeys.exposure import exposure
    >>> answers = pd.DataFrame({"order": range(200), "score": [5, 9, 9, 9] * 50})
    >>> events = pd.DataFrame({"order": range(200), "touchpoint": "delivery"})
    >>> events = events.assign(outcome=["late", "", "", ""] * 50, at=pd.Timestamp("2026-01-01"))
    >>> about = exposure(Sample(answers, draws=50), events, by="order", bad=["late"])
    >>> pain_points(about, "score").table[["term", "severity", "impact"]].round(3).values.tolist()
    [['problem', 0.25, 4.0]]
    """
    sample, touchpoints = exposure.sample, touchpoints or Touchpoints()
    columns = [outcome, *adjust, *([loss.column] if loss else [])]
    require_columns(sample.data, columns, "responses")
    kinds = [_of_events(exposure, touchpoints.expected), _of_ratings(sample.data, touchpoints)]
    problems = [p for p in kinds if p is not None]
    if not problems:
        raise InsufficientData(
            _(
                "No problem and no low rating has {least:count} answers or more. Name bad outcomes "
                "under journey.bad in study.yaml, or take more answers.",
                least=LEAST,
            )
        )
    parts = [_factors(sample, p, outcome, adjust, loss) for p in problems]
    whole, again = (np.concatenate([p[i] for p in parts], axis=-1) for i in (0, 1))
    table = pd.DataFrame(
        [name for p in problems for name in p.names], columns=["touchpoint", "term"]
    )
    table["n"] = np.concatenate([(p.times > 0).sum(0) for p in problems])
    table["stage"] = table["touchpoint"].map(dict(touchpoints.stages))
    priority, drawn = _priority(whole), _priority(again)
    customers = loss.customers if loss else 0
    table = table.assign(**_columns(priority, drawn, whole, again, customers, top))
    order = np.argsort(-priority, kind="stable")
    table = table.iloc[order].reset_index(drop=True)[KEPT]
    low = _("A rating below {low:count} of 100 is a low one.", low=LOW)
    notes = [
        low if touchpoints.ratings else "",
        adjustment_note(adjust),
        _("Priority is reach × severity × impact × recurrence, for {per:count} answers.", per=PER),
        _("A dash in place of an amount: no loss is shown.") if _without_loss(table) else "",
        resampling_note(sample),
    ]
    past = _past(sample, touchpoints, table.iloc[0])
    return Result(
        table,
        _finding(table, outcome, top, *past),
        i18n.together(notes),
        "priority",
        columns=[
            *in_unit("share", "severity"),
            Column("reach", unit="share", label=N_("rated or met by")),
            *in_unit("money", "money", "money_low", "money_high"),
        ],
        **sample.bootstrap,
        replicates=drawn[:, order],
        parts={"past": past[0], "named": _named(table)},
    )


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The priorities with each problem under one name, for a figure."""
    pairs = zip(table["touchpoint"], table["term"], strict=True)
    named = table[["estimate", "low", "high", "n"]]
    return named.assign(term=[i18n.opening(problem_name(str(t), str(p))) for t, p in pairs])


def _without_loss(table: pd.DataFrame) -> bool:
    """Whether some problem has an amount at stake and another none."""
    return bool(table["money"].notna().any() and table["money"].isna().any())


def priority_factors(fit: Result) -> Result:
    """What the priority of each pain point is made of: touchpoint, term, the factors, n.

    Examples
    --------
    >>> names = ["touchpoint", "term", "reach", "severity", "impact", "recurrence", "chance_top"]
    >>> row = ["web", "problem", 1, 1, 1, 1, 1, 9, None]
    >>> table = pd.DataFrame([row], columns=[*names, "n", "money"])
    >>> priority_factors(Result(table, "")).table.columns.tolist() == [*names, "n"]
    True
    """
    columns = ["reach", "severity", "impact", "recurrence", "chance_top"]
    columns += ["money"] if fit.table["money"].notna().any() else []
    return Result(fit.table[["touchpoint", "term", *columns, "n"]], "", columns=fit.columns)


def _of_events(exposure: Exposure, expected: Sequence[str]) -> _Problems | None:
    """Problems at touchpoints, and not reaching those expected."""
    columns = exposure_terms(exposure)
    own = [
        i
        for i, (t, kind, *_unused) in enumerate(columns)
        if kind == "problem" or (kind == "met it" and t in expected)
    ]
    if not own:
        return None
    names, x, here, times = (
        [],
        np.column_stack([v for *_unused, v in columns]).astype(float),
        [],
        [],
    )
    for i in own:
        touchpoint, kind, among, inside = columns[i]
        if kind == "problem":
            names.append((touchpoint, "problem"))
            times.append(exposure.trouble[:, exposure.touchpoints.index(touchpoint)])
        else:
            names.append((touchpoint, "not reached"))
            times.append(~inside & exposure.known)
            x[:, i] = ~inside
        here.append(among & exposure.known)
    met, often = np.column_stack(here), np.column_stack(times).astype(float)
    return _Problems(names, x, own, exposure.known, met, often)


def _of_ratings(responses: pd.DataFrame, touchpoints: Touchpoints) -> _Problems | None:
    """Low ratings of touchpoints."""
    found = []
    for name, item in touchpoints.ratings.items():
        score = touchpoints.scaled(responses, item)
        here, bad = ~np.isnan(score), score < LOW
        if LEAST <= bad.sum() <= here.sum() - LEAST:
            found.append((name, here, bad))
    if not found:
        return None
    here, bad = (np.column_stack([f[i] for f in found]) for i in (1, 2))
    some = [i for i in range(len(found)) if LEAST <= here[:, i].sum() <= len(here) - LEAST]
    x = np.hstack([bad, here[:, some]]).astype(float)
    names = [(f[0], "low rating") for f in found]
    return _Problems(
        names, x, list(range(len(found))), np.asarray(here.any(1)), here, bad.astype(float)
    )


def _factors(
    sample: Sample, problems: _Problems, outcome: str, adjust: Sequence[str], loss: Loss | None
) -> tuple[np.ndarray, np.ndarray]:
    """reach, severity, impact, recurrence, money a customer: (5, p), and (draws, 5, p)."""

    def slopes(column: str) -> tuple[np.ndarray, np.ndarray]:
        y = sample[column].to_numpy(float)
        whole, again, _unused = adjusted_slopes(sample, y, problems.x, problems.known, adjust)
        return whole[problems.own], again[:, problems.own]

    impact, impact_again = slopes(outcome)
    share, share_again = _shares(sample, problems)
    money, money_again = np.full(len(impact), np.nan), np.full_like(impact_again, np.nan)
    if loss:
        lost, lost_again = slopes(loss.column)
        money = lost * share[0] * share[1]
        money_again = lost_again * share_again[:, 0] * share_again[:, 1]
    whole = np.stack([share[0], share[1], -impact, share[2], money])
    again = np.stack(
        [share_again[:, 0], share_again[:, 1], -impact_again, share_again[:, 2], money_again],
        axis=1,
    )
    return whole, again


def _shares(sample: Sample, problems: _Problems) -> tuple[np.ndarray, np.ndarray]:
    """reach, severity and recurrence: (3, p), and (draws, 3, p)."""
    w = moments.weights_of(sample.data, sample.weight)[:, None]
    customer, hurt = pd.factorize(sample.clusters)[0], problems.times > 0
    # Of a customer's several answers with the problem the first stands for the customer.
    first = np.zeros_like(hurt)
    for k in range(hurt.shape[1]):
        at = np.flatnonzero(hurt[:, k])
        first[at[np.unique(customer[at], return_index=True)[1]], k] = True
    here = problems.here
    parts = np.hstack([w, w * here, w * (hurt & here), problems.times, first]).astype(float)

    def shares(sums: np.ndarray) -> np.ndarray:
        met, bad, often, people = np.split(sums[..., 1:], 4, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([met / sums[..., :1], bad / met, often / people], axis=-2)

    drawn = resample_sums(parts, **design(sample))
    return shares(parts.sum(0)), shares(drawn)


def _priority(factors: np.ndarray) -> np.ndarray:
    reach, severity, impact, recurrence = (factors[..., i, :] for i in range(4))
    return PER * reach * severity * np.maximum(impact, 0) * recurrence


def _columns(
    priority: np.ndarray,
    drawn: np.ndarray,
    whole: np.ndarray,
    again: np.ndarray,
    customers: int,
    top: int,
) -> dict[str, np.ndarray]:
    low, high = percentile_interval(drawn)
    rank = 1 + (np.nan_to_num(drawn)[:, None, :] > np.nan_to_num(drawn)[:, :, None]).sum(-1)
    impact = percentile_interval(again[:, 2])
    # Without customers there is no money to report, and below zero nothing is at stake.
    known = np.where(whole[4] > 0, customers or np.nan, np.nan)
    money = np.asarray(percentile_interval(again[:, 4])) * known
    rank_low, rank_high = np.quantile(rank, [0.025, 0.975], axis=0, method="nearest")
    return {
        "estimate": priority,
        "low": np.minimum(low, priority),
        "high": np.maximum(high, priority),
        "reach": whole[0],
        "severity": whole[1],
        "impact": whole[2],
        "impact_low": impact[0],
        "impact_high": impact[1],
        "recurrence": whole[3],
        "rank_low": rank_low.astype(int),
        "rank_high": rank_high.astype(int),
        "chance_top": (rank <= top).mean(0),
        "money": whole[4] * known,
        "money_low": money[0],
        "money_high": money[1],
    }


def _past(sample: Sample, touchpoints: Touchpoints, first: pd.Series) -> tuple[str, Remains | None]:
    """The wave that made low ratings the first pain point and is over, and what is left of it."""
    name = str(first["touchpoint"])
    past = past_fall(sample, touchpoints, name) if first["term"] == "low rating" else ""
    return past, rating_now(sample, touchpoints, name, past, LOW) if past else None


def _finding(
    table: pd.DataFrame, outcome: str, top: int, past: str = "", left: Remains | None = None
) -> Finding:
    first = table.iloc[0]
    name = problem_name(str(first["touchpoint"]), str(first["term"]))
    facts = {
        "past": past,
        "name": i18n.opening(name),
        "problem": first["term"],
        "touchpoint": first["touchpoint"],
        "severity": first["severity"],
        "impact": first["impact"],
        "span": (first["impact_low"], first["impact_high"]),
        "outcome": outcome,
        "top": top,
        "chance": first["chance_top"],
        "n": first["n"],
    }
    ranks = {"low": int(first["rank_low"]), "high": int(first["rank_high"])}
    if not first["low"] > 0:
        claim = _("No problem is significantly associated with a lower {outcome:quoted}.", **facts)
        detail = _("first by priority: {name}", **facts | {"name": i18n.quoted(name)})
        return Finding(claim, detail, verdict="unclear", importance=Importance.ANSWER)
    if first["term"] == "low rating" and past:
        claim = _(
            "Low ratings of {touchpoint:quoted} hurt most over all waves ({impact:number1} points "
            "of {outcome:quoted}), but the fall of {past:label} is over.",
            **facts,
        )
    elif first["term"] == "low rating":
        claim = _(
            "Low ratings of {touchpoint:quoted} hurt most: {severity:share} of its ratings are "
            "low, associated with {impact:number1} points less of {outcome:quoted}.",
            **facts,
        )
    elif first["term"] == "not reached":
        claim = _(
            "{name} hurts most: {severity:share} of respondents have it, associated with "
            "{impact:number1} points less of {outcome:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "{name} hurts most: {severity:share} of respondents there have it, associated with "
            "{impact:number1} points less of {outcome:quoted}.",
            **facts,
        )
    detail = _(
        "95% CI {span:interval2}; adjusted for other touchpoints; n = {n:count}; among the "
        "top {top:count} in {chance:chance} of resamples",
        **facts,
    )
    if first["rank_high"] > 1:
        settled = _("whether it is the first is not settled: rank {low} to {high}", **ranks)
        detail = _("; ").join([detail, settled])
    if first["term"] == "low rating":
        rated = _("rated in {reach:share} of responses", reach=first["reach"])
        detail = _("; ").join([detail, rated])
    if past and left:
        facts |= left._asdict()
        share = _(
            "{severity:share} of its ratings are low over all waves, {now:share} in "
            "{latest:label} and {then:share} in {past:label}",
            **facts,
        )
        detail = _("; ").join([detail, share])
    elif past:
        share = _("{severity:share} of its ratings over all waves are low", **facts)
        detail = _("; ").join([detail, share])
    return Finding.of_row(
        first,
        claim,
        detail,
        estimate="impact",
        unit="scale",
        low="impact_low",
        high="impact_high",
        measure="pain_point_impact",
        at={
            "outcome": outcome,
            "touchpoint": str(first["touchpoint"]),
            "problem": str(first["term"]),
        },
        verdict="unclear" if past else "",
        importance=Importance.NOTABLE,
        action=""
        if past
        else _(
            "Begin with {name:verbatim}, which costs most by reach and impact together: find out "
            "what causes it.",
            name=name,
        ),
    )
