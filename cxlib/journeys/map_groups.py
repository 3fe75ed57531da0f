"""Groups of customers compared on the experience map: where they differ most."""

from __future__ import annotations

from functools import partial

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.i18n import _

COMPARED = ("satisfaction", "problem", "met by")  # what groups differ in, most important first


def membership_note(steps: pd.DataFrame, groups: pd.Series | None) -> str:
    """What a note says of customers in no group."""
    if groups is None:
        return ""
    customers = steps["customer_id"].drop_duplicates()
    known = int(customers.map(groups).notna().sum())
    if known == len(customers):
        return ""
    return _(
        "{known:count} of {customers:count} customers are in one of the groups.",
        known=known,
        customers=len(customers),
    )


def largest_difference(table: pd.DataFrame) -> str:
    """Where two groups differ most, in the first of COMPARED in which intervals part, or empty."""
    rows = table[(table["group"] != "overall") & table["estimate"].notna()]
    asked = [term for term in COMPARED if (rows["term"] == term).any()]
    for term in asked:
        pairs = _separate(rows[rows["term"] == term])
        if len(pairs):
            return _sentence(pairs.loc[pairs["gap"].idxmax()], term)
    return ""


def leading_term(table: pd.DataFrame) -> str:
    """The first of COMPARED in which groups part; the first there is where they part in none."""
    rows = table[(table["group"] != "overall") & table["estimate"].notna()]
    asked = [term for term in COMPARED if (rows["term"] == term).any()]
    parted = (term for term in asked if len(_separate(rows[rows["term"] == term])))
    return next(parted, asked[0] if asked else "")


def _separate(rows: pd.DataFrame) -> pd.DataFrame:
    """The lowest and the highest group of each touchpoint, where their intervals part."""
    low, high = deciding_ends(rows)
    rows = rows.assign(low=low, high=high)
    order = rows.sort_values("estimate", kind="stable").groupby("touchpoint", sort=False)
    pairs = order.head(1).merge(order.tail(1), on="touchpoint", suffixes=("", "_most"))
    pairs["gap"] = pairs["estimate_most"] - pairs["estimate"]
    return pairs[pairs["low_most"] > pairs["high"]]


def _sentence(pair: pd.Series, term: str) -> str:
    number = i18n.number if term == "satisfaction" else partial(i18n.percent, digits=1)
    facts = {
        "touchpoint": pair["touchpoint"],
        "least": pair["group"],
        "most": pair["group_most"],
        "low": number(pair["estimate"]),
        "high": number(pair["estimate_most"]),
    }
    if term == "satisfaction":
        return _(
            "Satisfaction differs most at {touchpoint:quoted}: {low} (“{least:label}”) and {high} "
            "(“{most:label}”).",
            **facts,
        )
    if term == "problem":
        return _(
            "Problems differ most at {touchpoint:quoted}: {low} of contacts (“{least:label}”) "
            "and {high} (“{most:label}”).",
            **facts,
        )
    return _(
        "Reach differs most at {touchpoint:quoted}: {low} of customers (“{least:label}”) and "
        "{high} (“{most:label}”).",
        **facts,
    )
