"""Pain points: where trouble is frequent, bad, costly and comes again, in that order of urgency.

    points = journeys.pains(responses, met, "recommend", ratings={"room": "room"}, ...)
    points.table         # touchpoint, term (the problem), estimate (priority), chance_top ...

A pain point is trouble in an event (an outcome that study.yaml calls bad), a low rating at a
touchpoint, or not coming to one that every journey should reach. Its priority is

    reach x severity x impact x recurrence

the share of answers that met the touchpoint, the share of those with the problem, the points of the
outcome that go with the problem (adjusted; nothing where they go the other way), and how many times
it came to those whom it came to; told for PER answers. All factors of a draw are of the same
customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.effects import LEAST, adjusted, adjusted_for, terms_of
from cxlib.journeys.exposure import Exposure, Scales, scaled
from cxlib.stats import moments, resampling
from cxlib.stats.intervals import percentile_interval

LOW = 40.0  # of 100; a rating below it is a low one
PER = 100  # answers that a priority is told for, so that it is no tiny number
KEPT = [
    "touchpoint", "term", "stage", "estimate", "low", "high", "n", "reach", "severity", "impact",
    "impact_low", "impact_high", "recurrence", "rank_low", "rank_high", "chance_top", "money",
    "money_low", "money_high",
]  # fmt: skip


@dataclass(frozen=True)
class Pains(Estimates):
    """Pain points.

    Attributes
    ----------
    table : columns KEPT, by priority; rank_low to rank_high hold the rank in 95 of 100 draws
    factors : touchpoint, term, reach, severity, impact, recurrence, chance_top, money, n
    """

    @property
    def factors(self) -> pd.DataFrame:
        """What the priority is made of."""
        columns = ["reach", "severity", "impact", "recurrence", "chance_top"]
        columns += ["money"] if self.table["money"].notna().any() else []
        return self.table[["touchpoint", "term", *columns, "n"]]


def pains(
    responses: pd.DataFrame,
    met: Exposure,
    outcome: str,
    *,
    ratings: Mapping[str, str] | None = None,
    scales: Scales | None = None,
    stages: Mapping[str, str] | None = None,
    expected: Sequence[str] = (),
    adjust: Sequence[str] = (),
    loses: str = "",
    customers: int = 0,
    weight: str | None = None,
    top: int = 3,
    draws: int = 1000,
    seed: int = 1,
) -> Pains:
    """Pain points by priority, with 95% intervals and the chance to be among the first `top`.

    `expected` are touchpoints that every journey should reach: not to reach them is a problem too.
    `loses` is a column of what left with each customer after the answer (0 for who stayed): money
    is then what goes with the problem, over all `customers`; missing without it. table: columns
    KEPT; n are answers with the problem, rank_low to rank_high hold its rank in 95 of 100 draws.
    Raises ValueError when no problem came to 20 answers.
    """
    about = (responses, outcome, adjust, loses, weight, draws, seed)
    parts = [_of_events(met, expected, *about)]
    if ratings:
        parts.append(_of_ratings(met, ratings, scales, *about))
    parts = [p for p in parts if p is not None]
    if not parts:
        raise ValueError(
            f"no trouble and no low rating came to {LEAST} answers or more. Name bad outcomes "
            "under journey.bad in study.yaml, or take more answers."
        )
    names = sum((p[0] for p in parts), [])
    whole, again = (np.concatenate([p[i] for p in parts], axis=-1) for i in (1, 2))
    table = pd.DataFrame(names, columns=["touchpoint", "term", "n"])
    table["stage"] = table["touchpoint"].map(dict(stages or {}))
    priority, drawn = _priority(whole), _priority(again)
    known = customers if loses else 0
    table = table.assign(**_columns(priority, drawn, whole, again, known, top))
    order = np.argsort(-priority, kind="stable")
    table = table.iloc[order].reset_index(drop=True)[KEPT]
    note = i18n.together(
        [
            _("A rating below {low:count} of 100 is a low one.", low=LOW) if ratings else "",
            adjusted_for(adjust),
            _(
                "Priority is reach × severity × impact × recurrence, for {per:count} answers.",
                per=PER,
            ),
            how_drawn(draws, weight, "customer_id"),
        ]
    )
    facts = {"draws": draws, "seed": seed, "replicates": drawn[:, order]}
    return Pains(table, _answer(table, outcome, top), note, "priority", **facts)


Part = tuple[list[tuple[str, str, int]], np.ndarray, np.ndarray]


def _of_events(
    met: Exposure, expected: Sequence[str], responses: pd.DataFrame, outcome: str, *about
) -> Part | None:
    """Trouble at touchpoints, and not reaching those expected: names, factors (5, p), draws."""
    columns = terms_of(met)
    own = [
        i
        for i, (t, kind, *_) in enumerate(columns)
        if kind == "trouble" or (kind == "met it" and t in expected)
    ]
    if not own:
        return None
    names, x, here, times = [], np.column_stack([v for *_, v in columns]).astype(float), [], []
    for i in own:
        touchpoint, kind, among, inside = columns[i]
        k = met.touchpoints.index(touchpoint)
        if kind == "trouble":
            names.append((touchpoint, "trouble"))
            times.append(met.trouble[:, k])
        else:
            names.append((touchpoint, "not reached"))
            times.append(~inside & met.known)
            x[:, i] = ~inside
        here.append(among & met.known)
    return _factors(
        responses,
        outcome,
        x,
        own,
        met.known,
        np.column_stack(here),
        np.column_stack(times).astype(float),
        names,
        *about,
    )


def _of_ratings(
    met: Exposure,
    ratings: Mapping[str, str],
    scales: Scales | None,
    responses: pd.DataFrame,
    outcome: str,
    *about,
) -> Part | None:
    """Low ratings of touchpoints."""
    found = []
    for name, item in ratings.items():
        score = scaled(responses, item, scales)
        here, bad = ~np.isnan(score), score < LOW
        if LEAST <= bad.sum() <= here.sum() - LEAST:
            found.append((name, here, bad))
    if not found:
        return None
    here, bad = (np.column_stack([f[i] for f in found]) for i in (1, 2))
    some = [i for i in range(len(found)) if LEAST <= here[:, i].sum() <= len(here) - LEAST]
    x = np.hstack([bad, here[:, some]]).astype(float)
    return _factors(
        responses,
        outcome,
        x,
        list(range(len(found))),
        here.any(1),
        here,
        bad.astype(float),
        [(f[0], "low rating") for f in found],
        *about,
    )


def _factors(
    responses: pd.DataFrame,
    outcome: str,
    x: np.ndarray,
    own: list[int],
    known: np.ndarray,
    here: np.ndarray,
    times: np.ndarray,
    names: list[tuple[str, str]],
    adjust: Sequence[str],
    loses: str,
    weight: str | None,
    draws: int,
    seed: int,
) -> Part:
    """Names with n; reach, severity, impact, recurrence, money a customer (5, p), (draws, 5, p)."""
    how = (x, known, adjust, weight, draws, seed)
    slopes, slopes_again, _unused = adjusted(responses, responses[outcome].to_numpy(float), *how)
    impact, impact_again = -slopes[own], -slopes_again[:, own]
    share, share_again = _shares(responses, here, times, weight, draws, seed)
    money, money_again = np.full(len(own), np.nan), np.full((draws, len(own)), np.nan)
    if loses:
        lost, lost_again, _unused = adjusted(responses, responses[loses].to_numpy(float), *how)
        money = lost[own] * share[0] * share[1]
        money_again = lost_again[:, own] * share_again[:, 0] * share_again[:, 1]
    whole = np.stack([share[0], share[1], impact, share[2], money])
    again = np.stack(
        [share_again[:, 0], share_again[:, 1], impact_again, share_again[:, 2], money_again], axis=1
    )
    n = (times > 0).sum(0)
    return [(*name, int(k)) for name, k in zip(names, n, strict=True)], whole, again


def _shares(
    rows: pd.DataFrame,
    here: np.ndarray,
    times: np.ndarray,
    weight: str | None,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """reach, severity and recurrence: (3, p), and (draws, 3, p)."""
    w = moments.weights_of(rows, weight)[:, None]
    who = pd.factorize(rows["customer_id"])[0] if "customer_id" in rows else np.arange(len(rows))
    hurt = times > 0
    # Of a customer's several answers with the problem the first stands for the customer.
    first = np.zeros_like(hurt)
    for k in range(hurt.shape[1]):
        at = np.flatnonzero(hurt[:, k])
        first[at[np.unique(who[at], return_index=True)[1]], k] = True
    parts = np.hstack([w, w * here, w * (hurt & here), times, first]).astype(float)

    def shares(sums: np.ndarray) -> np.ndarray:
        met, bad, often, people = np.split(sums[..., 1:], 4, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([met / sums[..., :1], bad / met, often / people], axis=-2)

    drawn = resampling.resample_sums(
        parts, draws, seed, resampling.who_of(rows, "customer_id", weight)
    )
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
    known = customers or np.nan  # without customers there is no money to tell
    money = percentile_interval(again[:, 4] * customers) if customers else whole[[4, 4]]
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


def _answer(table: pd.DataFrame, outcome: str, top: int) -> str:
    first = table.iloc[0]
    if not first["low"] > 0:
        return _(
            "No problem surely goes with a lower {outcome:quoted}; first by priority is "
            "{problem:label} at {touchpoint:quoted}.",
            outcome=outcome,
            problem=first["term"],
            touchpoint=first["touchpoint"],
        )
    facts = {
        "problem": first["term"],
        "touchpoint": first["touchpoint"],
        "reach": first["reach"],
        "severity": first["severity"],
        "impact": first["impact"],
        "span": (first["impact_low"], first["impact_high"]),
        "outcome": outcome,
        "top": top,
        "chance": first["chance_top"],
        "n": first["n"],
    }
    if first["term"] == "low rating":
        return _(
            "The first pain point is {problem:label} at {touchpoint:quoted}: {reach:share} of "
            "those who answered rate it, {severity:share1} of them low, which goes with "
            "{impact:number2} points less ({span:interval2}) of {outcome:quoted}; among the first "
            "{top:count} in {chance:share} of draws, n {n:count}.",
            **facts,
        )
    return _(
        "The first pain point is {problem:label} at {touchpoint:quoted}: {reach:share} meet it, "
        "{severity:share1} of them with the problem, which goes with {impact:number2} points less "
        "({span:interval2}) of {outcome:quoted}; among the first {top:count} in {chance:share} of "
        "draws, n {n:count}.",
        **facts,
    )
