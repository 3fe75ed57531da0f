"""Groups of customers beside one another on the experience map: where they are furthest apart."""

from __future__ import annotations

from functools import partial

import pandas as pd

from cxlib import page

FELT = ("satisfaction", "trouble", "reach")  # what groups are compared in, first things first


def how_many(steps: pd.DataFrame, groups: pd.Series | None) -> str:
    """What a note says of customers in no group."""
    if groups is None:
        return ""
    customers = steps["customer_id"].drop_duplicates()
    known = int(customers.map(groups).notna().sum())
    if known == len(customers):
        return ""
    return page.say(
        "{known} of {customers} customers are in one of the groups.",
        known=page.count(known),
        customers=page.count(len(customers)),
    )


def apart(table: pd.DataFrame) -> str:
    """Where two groups differ most: in the first of FELT in which any intervals part.

    Only touchpoints that a question rates are compared in satisfaction: groups may have been made
    by the overall answer.
    """
    rows = table[(table["group"] != "overall") & table["estimate"].notna() & table["rated"]]
    asked = [term for term in FELT if (rows["term"] == term).any()]
    for term in asked:
        pairs = _parted(rows[rows["term"] == term])
        if len(pairs):
            return _told(pairs.loc[pairs["gap"].idxmax()], term)
    return page.say(
        "At no touchpoint do groups surely differ ({terms}).",
        terms=page.listed(map(page.label, asked)),
    )


def _parted(rows: pd.DataFrame) -> pd.DataFrame:
    """The lowest and the highest group of each touchpoint, where their intervals part."""
    order = rows.sort_values("estimate", kind="stable").groupby("touchpoint", sort=False)
    pairs = order.head(1).merge(order.tail(1), on="touchpoint", suffixes=("", "_most"))
    pairs["gap"] = pairs["estimate_most"] - pairs["estimate"]
    return pairs[pairs["low_most"] > pairs["high"]]


def _told(pair: pd.Series, term: str) -> str:
    number = page.number if term == "satisfaction" else partial(page.percent, digits=1)
    said = {
        "touchpoint": page.quoted(page.label(pair["touchpoint"])),
        "least": page.label(pair["group"]),
        "most": page.label(pair["group_most"]),
        "low": number(pair["estimate"]),
        "high": number(pair["estimate_most"]),
    }
    if term == "satisfaction":
        return page.say(
            "Satisfaction differs most at {touchpoint}: {low} (“{least}”) and {high} (“{most}”).",
            **said,
        )
    if term == "trouble":
        return page.say(
            "Trouble is most unlike at {touchpoint}: {low} of meetings (“{least}”) and {high} "
            "(“{most}”).",
            **said,
        )
    return page.say(
        "Reach differs most at {touchpoint}: {low} of customers (“{least}”) and {high} (“{most}”).",
        **said,
    )
