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

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.schema import STAGES
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.transitions import shares_held


@dataclass(frozen=True)
class Loops(Estimates):
    """Returns to touchpoints, and rework over all.

    Attributes
    ----------
    table : term (touchpoint), estimate (share of the journeys that met it which met it again), low,
        high, n (journeys that met it), times (meetings a journey), days (from the first to the
        last, of those that came back)
    rework : Estimates of term, estimate, low, high, n: "journeys with a return" (a touchpoint met
        again), "journeys that go back" (to an earlier stage than they had reached) and "steps met
        before"
    """

    rework: Estimates = field(kw_only=True)


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
    drawn = {"draws": draws, "seed": seed}
    columns = shares_held(met, one, one & again.to_numpy()[:, None], **drawn)
    table = pd.DataFrame({"term": names, **columns})
    days = (met["last"] - met["first"]) / pd.Timedelta(days=1)
    by = met["touchpoint"].astype(str)
    table["times"] = met["times"].groupby(by).mean()[names].to_numpy()
    table["days"] = days[again].groupby(by[again]).mean().reindex(names).to_numpy()
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    rework = _rework(steps, met, stages, drawn)
    note = i18n.together(
        [
            _(
                "{journeys:count} journeys of {customers:count} customers, {steps:count} steps.",
                journeys=steps["journey"].nunique(),
                customers=steps["customer_id"].nunique(),
                steps=len(steps),
            ),
            _("All intervals of a table hold together."),
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    answer = _answer(rework.table, table)
    return Loops(table, answer, note, "share", **drawn, rework=rework)


def _rework(
    steps: pd.DataFrame, met: pd.DataFrame, stages: Mapping[str, str] | None, drawn: dict
) -> Estimates:
    of = met.groupby("journey")
    each = of.agg(
        customer_id=("customer_id", "first"), most=("times", "max"), steps=("times", "sum")
    )
    one, distinct = np.ones(len(each)), of.size()
    shares = {  # above, below
        "journeys with a return": (each["most"] > 1, one),
        "steps met before": (each["steps"] - distinct, each["steps"]),
    }
    if stages:
        shares["journeys that go back"] = (_goes_back(steps, stages)[each.index], one)
    above, below = (np.column_stack(side) for side in zip(*shares.values(), strict=True))
    columns = shares_held(each.reset_index(), below, above, **drawn)
    table = pd.DataFrame({"term": list(shares), **columns})
    return Estimates(table, _again(table), "", "share", **drawn)


def _goes_back(steps: pd.DataFrame, stages: Mapping[str, str]) -> pd.Series:
    """Whether each journey comes to an earlier stage than it had reached."""
    order = {s: i for i, s in enumerate(STAGES)}
    at = steps["touchpoint"].map({t: order[s] for t, s in stages.items()}).astype(float)
    reached = at.groupby(steps["journey"]).cummax()
    return (at < reached).groupby(steps["journey"]).any()


def _again(table: pd.DataFrame) -> str:
    """How much is done again, in steps and stages."""
    rows = table.set_index("term")

    def said(term: str) -> dict[str, str]:
        row = rows.loc[term]
        span = i18n.span(row["low"], row["high"], share=True)
        return {"share": i18n.percent(row["estimate"], 1), "span": span}

    steps = _(
        "{share} ({span}) of all steps lead to a touchpoint that the journey had met.",
        **said("steps met before"),
    )
    if "journeys that go back" not in rows.index:
        return steps
    back = _(
        "{share} ({span}) of journeys go back to an earlier stage than they had reached.",
        **said("journeys that go back"),
    )
    return i18n.together([steps, back])


def _answer(rework: pd.DataFrame, table: pd.DataFrame) -> str:
    all_, most = rework.iloc[0], table.iloc[0]
    return _(
        "{share:share1} ({span:share_interval1}) of {n:count} journeys come back to a touchpoint "
        "they had met; most often to {touchpoint:quoted}: {most:share1} "
        "({most_span:share_interval1}) of the journeys there.",
        share=all_["estimate"],
        span=(all_["low"], all_["high"]),
        n=all_["n"],
        touchpoint=most["term"],
        most=most["estimate"],
        most_span=(most["low"], most["high"]),
    )
