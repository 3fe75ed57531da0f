"""What could be done, as the notebooks before found it: candidates for the ledger, most first.

    levers(report.others("mine"))       # source, term, estimate, low, high, n, unit, of

21 tells what a point more of a driver goes with in the outcome, 22 what goes with a pain point, 32
what it brings to contact customers at risk. What is associated is no promise: the effect that is
expected of an action belongs into the ledger, with its interval.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cxlib.actions.series import Found
from cxlib.core.i18n import _
from cxlib.estimates import Estimates

COLUMNS = ["source", "term", "estimate", "low", "high", "n", "unit"]
MOST = 3  # of one notebook
WORDS = ("levers", "source", "contact customers at risk", "money", "a point more", "priority")


def levers(found: Found) -> Estimates:
    """The first three of each notebook that tells of gains; those beyond chance first.

    table: COLUMNS; source is the number of the notebook, unit what the gain is counted in: "scale"
    (points of the outcome for one point more of the driver), "money" or "priority".
    """
    rows = [row for part in (_of_drivers, _of_pains, _of_contacts) for row in part(found)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    note = _(
        "As 21, 22 and 32 found them; associations but for what was drawn by lot. An interval that "
        "holds zero is no promise of anything."
    )
    return Estimates(table, _answer(table), note)


def _first(table: pd.DataFrame, source: str, unit: str) -> Iterator[dict]:
    told = table[table["estimate"].notna() & table["n"].notna()]
    for row in told.sort_values("estimate", ascending=False).head(MOST).to_dict("records"):
        yield {c: row.get(c) for c in COLUMNS} | {"source": source, "unit": unit}


def _of_drivers(found: Found) -> Iterator[dict]:
    kept = found.get("21", {})
    for name in ("gains", "first"):
        if name in kept:
            yield from _first(kept[name].table, "21", "scale")
            return


def pains_of(found: Found) -> pd.DataFrame:
    """The pain points that 22 kept, whatever it calls them; empty without."""
    for fit in found.get("22", {}).values():
        if {"touchpoint", "term", "reach", "severity", "chance_top"} <= set(fit.table):
            return fit.table[fit.table["estimate"].notna()]
    return pd.DataFrame()


def _of_pains(found: Found) -> Iterator[dict]:
    pains = pains_of(found)
    if pains.empty:
        return
    names = [
        _("{touchpoint:label}: {problem:label}", touchpoint=t, problem=p)
        for t, p in zip(pains["touchpoint"], pains["term"], strict=True)
    ]
    named = pains.assign(term=names)
    money = {"money": "estimate", "money_low": "low", "money_high": "high"}
    if set(money) <= set(pains) and named["money"].notna().any():
        told = named.drop(columns=["estimate", "low", "high"]).rename(columns=money)
        yield from _first(told, "22", "money")
    else:
        yield from _first(named, "22", "priority")


def _of_contacts(found: Found) -> Iterator[dict]:
    kept = found.get("32", {}).get("profit")
    if kept is not None and len(kept.table):
        best = kept.table[kept.table["term"] == "by expected profit"]
        yield from _first(best.assign(term="contact customers at risk"), "32", "money")


def _answer(table: pd.DataFrame) -> str:
    if table.empty:
        return _("No notebook before this one tells of a lever; run 20, 21, 22 and 32.")
    first = table.iloc[0]
    facts = {
        "term": first["term"],
        "n": first["n"],
        "size": first["estimate"],
        "span": (first["low"], first["high"]),
    }
    if first["unit"] == "scale":
        return _(
            "First lever: {term:quoted}; a point more goes with {size:number2} ({span:interval2}) "
            "points more of the outcome, n {n:count}.",
            **facts,
        )
    return _("First lever: {term:quoted}, {size:number2} ({span:interval2}), n {n:count}.", **facts)
