"""Loops and rework: who has to come back to a touchpoint, or to an earlier stage.

fit = journeys.loops(steps, stages)
fit.table           # term (touchpoint): share of the journeys there that came back to it
fit.rework          # share of journeys that repeat, that go back a stage; share of steps
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.schema import STAGES
from cxlib.journeys.transitions import share_columns
from cxlib.stats.notes import resampling_note

SELDOM = 0.01  # share of journeys; less is no finding


def loops(
    sample: Sample, stages: Mapping[str, str] | None = None, *, patience: float = 0
) -> Result:
    """Who comes back to a touchpoint, and how much of the journeys is rework.

    Parameters
    ----------
    sample : of `steps`
    stages : the stage of each touchpoint; without it nothing is said of going back a stage
    patience : days without a step after which a journey counts as ended; journeys that may go on
        are left out. 0 where all journeys of the data are over

    Returns
    -------
    Result with "table": term (touchpoint), estimate (share of the journeys that met it which met it
    again), low, high (95% intervals), n (journeys that met it), times (contacts a
    journey), days (from the first to the last, of those that came back); and "overall", the table
    of its part `rework`, a
    Result of term, estimate, low, high, n: "journeys with a return" (a touchpoint met again),
    "steps met before" and "journeys that go back" (to an earlier stage than they had reached).

    Raises
    ------
    InsufficientData : no journey is over

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.date_range("2026-01-01", periods=3)
    >>> events = pd.DataFrame({"customer_id": "c", "at": at, "touchpoint": ["web", "shop", "web"]})
    >>> loops(steps(events)).table[["term", "estimate", "days"]].values.tolist()
    [['web', 1.0, 2.0], ['shop', 0.0, nan]]
    """
    steps, notes = sample.data, []
    if patience:
        last = steps.groupby("journey")["at"].transform("max")
        over = last <= steps["at"].max() - pd.Timedelta(days=patience)
        if not over.any():
            raise InsufficientData(
                _("No journey is older than {days:g} days. Take a shorter patience.", days=patience)
            )
        still = steps.loc[~over, "journey"].nunique()
        notes = [
            ngettext(
                "{n:count} journey is still open (its last step is less than {days:count} days "
                "old) and left out.",
                "{n:count} journeys are still open (their last step is less than {days:count} "
                "days old) and left out.",
                still,
                days=patience,
            )
        ]
        steps = steps[over]
    met = steps.groupby(["journey", "touchpoint"], sort=True).agg(
        customer=(sample.cluster, "first"),
        times=("step", "size"),
        first=("at", "min"),
        last=("at", "max"),
    )
    met = met.reset_index()
    again = met["times"] > 1
    names, place = np.unique(met["touchpoint"].astype(str), return_inverse=True)
    one = place[:, None] == np.arange(len(names))
    by_customer = sample.replace(data=met, cluster="customer")
    columns = share_columns(by_customer, one, one & again.to_numpy()[:, None])
    table = pd.DataFrame({"term": names, **columns})
    days = (met["last"] - met["first"]) / pd.Timedelta(days=1)
    by = met["touchpoint"].astype(str)
    table["times"] = met["times"].groupby(by).mean()[names].to_numpy()
    table["days"] = days[again].groupby(by[again]).mean().reindex(names).to_numpy()
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    rework = _rework(by_customer, steps, stages)
    notes = [
        *notes,
        _(
            "{journeys:count} journeys of {customers:count} customers, {steps:count} steps.",
            journeys=steps["journey"].nunique(),
            customers=steps["customer_id"].nunique(),
            steps=len(steps),
        ),
        resampling_note(sample),
    ]
    return Result(
        {"table": table, "overall": rework.table},
        _finding(rework.table, table),
        i18n.together(notes),
        "share",
        **sample.bootstrap,
        parts={"rework": rework},
    )


def _rework(met: Sample, steps: pd.DataFrame, stages: Mapping[str, str] | None) -> Result:
    of = met.data.groupby("journey")
    each = of.agg(customer=("customer", "first"), most=("times", "max"), steps=("times", "sum"))
    one, distinct = np.ones(len(each)), of.size()
    shares = {  # above, below
        "journeys with a return": (each["most"] > 1, one),
        "steps met before": (each["steps"] - distinct, each["steps"]),
    }
    if stages:
        shares["journeys that go back"] = (_goes_back(steps, stages)[each.index], one)
    above, below = (np.column_stack(side) for side in zip(*shares.values(), strict=True))
    columns = share_columns(met.replace(data=each.reset_index()), below, above)
    table = pd.DataFrame({"term": list(shares), **columns})
    return Result(table, _rework_finding(table), "", "share", **met.bootstrap)


def _goes_back(steps: pd.DataFrame, stages: Mapping[str, str]) -> pd.Series:
    """Whether each journey comes to an earlier stage than it had reached."""
    order: dict[str, int] = {s: i for i, s in enumerate(STAGES)}
    at = steps["touchpoint"].map({t: order[s] for t, s in stages.items()}).astype(float)
    reached = at.groupby(steps["journey"]).cummax()
    return (at < reached).groupby(steps["journey"]).any()


def _rework_finding(table: pd.DataFrame) -> Finding:
    """How much is done again, in stages where they are known, else in steps."""
    rows = table.set_index("term", drop=False)
    if "journeys that go back" in rows.index:
        row = rows.loc["journeys that go back"]
        claim = _(
            "{share:share} of journeys go back to an earlier stage than they had reached.",
            share=row["estimate"],
        )
    else:
        row = rows.loc["steps met before"]
        claim = _(
            "{share:share} of all steps lead to a touchpoint that the journey had reached before.",
            share=row["estimate"],
        )
    return _described(row, claim)


def _finding(rework: pd.DataFrame, table: pd.DataFrame) -> Finding:
    every, most = rework.iloc[0], table.iloc[0]
    if every["estimate"] < SELDOM:
        claim = _("Fewer than {share:share} of journeys return to a touchpoint.", share=SELDOM)
        return _described(every, claim, importance=Importance.METHOD)
    claim = _(
        "{share:share} of journeys return to a touchpoint they had reached; returns are most "
        "frequent at {touchpoint:quoted} ({most:share}).",
        share=every["estimate"],
        touchpoint=most["term"],
        most=most["estimate"],
    )
    return _described(every, claim, importance=Importance.ANSWER)


def _described(row: pd.Series, claim: str, **slots: Any) -> Finding:
    """A finding about a share, with its interval and n."""
    facts = {"span": (row["low"], row["high"]), "n": row["n"]}
    detail = (
        _("95% CI {span:share_interval}; n = {n:count} steps", **facts)
        if row["term"] == "steps met before"
        else _("95% CI {span:share_interval}; n = {n:count} journeys that have ended", **facts)
    )
    return Finding.of_row(row, claim, detail, unit="share", **slots)
