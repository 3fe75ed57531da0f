"""Loops and rework: who has to come back to a touchpoint, or to an earlier stage.

back = journeys.loops(steps, stages)
back.table           # term (touchpoint): share of the journeys there that came back to it
back.rework          # share of journeys that repeat, that go back a stage; share of steps
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import moments, page
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.transitions import held

STAGES = ("awareness", "discovery", "interest", "consideration", "action", "use", "advocacy")


@dataclass(frozen=True)
class Loops(Estimates):
    """Returns to touchpoints, and rework over all.

    Attributes
    ----------
    table : term (touchpoint), estimate (share of the journeys that met it which met it again), low,
        high, n (journeys that met it), times (meetings a journey), days (from the first to the
        last, of those that came back)
    rework : term, estimate, low, high, n: "journeys with a return" (a touchpoint met again),
        "journeys that go back" (to an earlier stage than they had reached) and "steps met before"
    """

    rework: pd.DataFrame = field(kw_only=True)


def loops(
    steps: pd.DataFrame,
    stages: Mapping[str, str] | None = None,
    *,
    draws: int = 1000,
    seed: int = 1,
) -> Loops:
    """Who comes back, with 95% intervals held together within each table; customers drawn whole.

    `stages` is the stage of each touchpoint; without it nothing is said of going back a stage.
    """
    met = steps.groupby(["journey", "touchpoint"], sort=True).agg(
        customer_id=("customer_id", "first"),
        times=("step", "size"),
        first=("at", "min"),
        last=("at", "max"),
    )
    met = met.reset_index()
    again = met["times"] > 1
    names, place = np.unique(met["touchpoint"].astype(str), return_inverse=True)
    one = place[:, None] == np.arange(len(names))
    parts = np.hstack([one, one * again.to_numpy()[:, None]]).astype(float)
    table = _table(names, parts, met, draws, seed)
    days = (met["last"] - met["first"]) / pd.Timedelta(days=1)
    by = met["touchpoint"].astype(str)
    table["times"] = met["times"].groupby(by).mean()[names].to_numpy()
    table["days"] = days[again].groupby(by[again]).mean().reindex(names).to_numpy()
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    rework = _rework(steps, met, stages, draws, seed)
    note = page.together(
        [
            page.say(
                "{journeys} journeys of {customers} customers, {steps} steps.",
                journeys=page.count(steps["journey"].nunique()),
                customers=page.count(steps["customer_id"].nunique()),
                steps=page.count(len(steps)),
            ),
            page.say("All intervals of a table hold together."),
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    answer = _answer(rework, table)
    return Loops(table, answer, note, "share", draws=draws, seed=seed, rework=rework)


def _table(
    names: np.ndarray, parts: np.ndarray, rows: pd.DataFrame, draws: int, seed: int
) -> pd.DataFrame:
    """Shares: the second half of the columns of `parts` out of the first."""
    k = len(names)
    who = moments.who_of(rows, "customer_id")
    drawn, whole = moments.resample_sums(parts, draws, seed, who), parts.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, again = whole[k:] / whole[:k], drawn[:, k:] / drawn[:, :k]
    low, high = held(share, again, whole[:k])
    return pd.DataFrame(
        {"term": names, "estimate": share, "low": low, "high": high, "n": whole[:k].astype(int)}
    )


def _rework(
    steps: pd.DataFrame,
    met: pd.DataFrame,
    stages: Mapping[str, str] | None,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    of = met.groupby("journey")
    each = of.agg(
        customer_id=("customer_id", "first"), most=("times", "max"), steps=("times", "sum")
    )
    each["distinct"] = of.size()
    terms = ["journeys with a return", "steps met before"]
    below = [np.ones(len(each)), each["steps"].to_numpy(float)]
    above = [(each["most"] > 1).to_numpy(float), (each["steps"] - each["distinct"]).to_numpy(float)]
    if stages:
        terms.append("journeys that go back")
        below.append(np.ones(len(each)))
        above.append(_goes_back(steps, stages)[each.index].to_numpy(float))
    parts = np.column_stack([*below, *above])
    return _table(np.array(terms), parts, each.reset_index(), draws, seed)


def _goes_back(steps: pd.DataFrame, stages: Mapping[str, str]) -> pd.Series:
    """Whether each journey comes to an earlier stage than it had reached."""
    order = {s: i for i, s in enumerate(STAGES)}
    at = steps["touchpoint"].map({t: order[s] for t, s in stages.items()}).astype(float)
    reached = at.groupby(steps["journey"]).cummax()
    return (at < reached).groupby(steps["journey"]).any()


def _answer(rework: pd.DataFrame, table: pd.DataFrame) -> str:
    all_, most = rework.iloc[0], table.iloc[0]
    return page.say(
        "{share} ({span}) of {n} journeys come back to a touchpoint they had met; most often to "
        "{touchpoint}: {most} ({most_span}) of the journeys there.",
        share=page.percent(all_["estimate"], 1),
        span=page.span(all_["low"], all_["high"], share=True),
        n=page.count(all_["n"]),
        touchpoint=page.quoted(page.label(most["term"])),
        most=page.percent(most["estimate"], 1),
        most_span=page.span(most["low"], most["high"], share=True),
    )
