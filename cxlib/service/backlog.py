"""How many cases are open, and for how long they have been.

    fit = backlog(timed(cases))
    fit.table           # day, term, estimate: cases open at the end of it, one a week
    fit.ageing          # term (age), estimate: share of the open cases of these days

A backlog that grows while solutions keep their standard means that more comes in; one that ages
means that the hard cases are left lying.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.casebook import HOUR, about, needs
from cxlib.stats import resampling
from cxlib.stats.intervals import simultaneous_interval

DAYS = (1, 3, 7, 30)  # edges of age


@dataclass(frozen=True)
class Backlog(Estimates):
    """What is open.

    Attributes
    ----------
    table : day, term ("open cases"), estimate (open at its end), low, high, n (open at some time of
        the week before); the bands hold for all days at once
    ageing : term (age), estimate (share of cases open on these days, a case counted on each),
        low, high, n (cases)
    """

    ageing: pd.DataFrame = field(kw_only=True)


def backlog(rows: pd.DataFrame, *, weeks: int = 26, draws: int = 1000, seed: int = 1) -> Backlog:
    """Cases open at the end of each of the last `weeks` weeks, and their age.

    Customers are drawn whole: intervals say how far such a backlog swings with who complains when.
    Raises ValueError
    where solutions are not on file.
    """
    needs(rows, "solution_hours", "solved")
    if weeks < 1:
        raise ValueError(f"weeks is {weeks}; it must be 1 or more.")
    seen = rows.attrs.get("seen", rows["opened_at"].max())
    back = int((seen - rows["opened_at"].min()) / pd.Timedelta(weeks=1))
    days = [seen - pd.Timedelta(weeks=k) for k in range(min(weeks - 1, back), -1, -1)]
    ages = np.stack([((day - rows["opened_at"]) / HOUR).to_numpy() for day in days], axis=1)
    ends = np.where(rows["solved"], rows["solution_hours"], np.inf)[:, None]
    there = (ages >= 0) & (ages < ends)
    edges = 24.0 * np.array([0, *DAYS, np.inf])
    busy = ((ages >= 0) & (ages - 7 * 24 < ends)).sum(0)  # open at some time of the week
    bands = [((low <= ages) & (ages < high) & there) for low, high in pairwise(edges)]
    parts = np.column_stack([there, *[b.sum(1) for b in bands]]).astype(float)
    drawn = resampling.resample_sums(parts, draws, seed, shares.who_of(rows))
    whole = parts.sum(0)
    names = [f"{d:%Y-%m-%d}" for d in days]
    table = _counts(names, whole[: len(days)], drawn[:, : len(days)], busy)
    ageing = _ages(whole[len(days) :], drawn[:, len(days) :], [b.any(1).sum() for b in bands])
    customers = "customer_id" if "customer_id" in rows else None
    note = i18n.together([*about(rows), how_drawn(draws, bucket=customers)])
    return Backlog(
        table,
        _said(table, ageing),
        note,
        "",
        draws=draws,
        seed=seed,
        replicates=drawn[:, : len(days)],
        ageing=ageing,
    )


def _counts(
    days: list[str], whole: np.ndarray, drawn: np.ndarray, busy: np.ndarray
) -> pd.DataFrame:
    low, high = simultaneous_interval(whole, drawn)
    return pd.DataFrame(
        {
            "day": days,
            "term": "open cases",
            "estimate": whole,
            "low": np.maximum(low, 0),
            "high": high,
            "n": busy,
        }
    )


def _ages(whole: np.ndarray, drawn: np.ndarray, n: list[int]) -> pd.DataFrame:
    with np.errstate(invalid="ignore", divide="ignore"):
        share, again = whole / whole.sum(), drawn / drawn.sum(1, keepdims=True)
    low, high = simultaneous_interval(share, again)
    return pd.DataFrame(
        {
            "term": _bands(),
            "estimate": share,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": n,
        }
    )


def _bands() -> list[str]:
    first = _("up to a day")
    between = [_("{low} to {high} days", low=a, high=b) for a, b in pairwise(DAYS)]
    return [first, *between, _("over {days} days", days=DAYS[-1])]


def _said(table: pd.DataFrame, ageing: pd.DataFrame) -> str:
    last, most = table.iloc[-1], max(context.current().smallest_cell, 1)
    old, shown = ageing.iloc[-1], disclosure.hidden(ageing) == ""
    facts = {
        "n": last["estimate"],
        "day": last["day"],
        "least": most,
        "span": (last["low"], last["high"]),
        "days": DAYS[-1],
        "share": old["estimate"],
        "old_span": (old["low"], old["high"]),
    }
    said = [
        _("{n:count} cases ({span:interval0}) were open on {day}.", **facts)
        if last["n"] >= most
        else _("Fewer than {least:count} cases were open on {day}.", **facts)
    ]
    if shown.iloc[-1]:
        said.append(
            _(
                "Of those open on the days looked at, {share:share} ({old_span:share_interval0}) "
                "had been for more than {days} days.",
                **facts,
            )
        )
    return i18n.together(said)
