"""How the forecasts of the run before did, now that what they forecast is measured.

forecast_book.scored(now, then, "2026-09-30")     # "2 of 2 forecasts of the run ..."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext

Kept = Mapping[str, Mapping[str, Mapping[str, Any]]]  # answers by notebook


class Entry(NamedTuple):
    """What is forecast: notebook, name of the forecast, and where what came of it stands.

    `table` is the further table of `measured` that has it, "" for the main one; `over` the column
    of the periods; `what` is "scores", "cases" or "losses".
    """

    page: str
    forecast: str
    measured: str
    table: str
    over: str
    what: str


BOOK = (
    Entry("12", "forecast", "trend", "", "wave", "scores"),
    Entry("24", "volume_forecast", "volume_forecast", "earlier", "week", "cases"),
    Entry("32", "losses_forecast", "losses_forecast", "earlier", "month", "losses"),
)


def scored(now: Kept, then: Kept, run: str) -> str:
    """A sentence on the forecasts of `then` whose periods `now` has; "" where there are none.

    Scores of waves (page 12), new cases of weeks (24) and customers lost in months (32).

    Parameters
    ----------
    now, then : number of the notebook -> name -> record of an answer
    run : the name of the run before
    """
    within = n = 0
    sizes = []
    for entry in BOOK:
        due = _due(entry, now, then)
        if not due:
            continue
        n += len(due)
        within += sum(row["low"] <= actual <= row["high"] for row, actual in due)
        error = sum(abs(row["estimate"] - actual) for row, actual in due) / len(due)
        finding = then[entry.page][entry.forecast].get("finding") or {}
        sizes.append(_size(error, entry.what, finding.get("unit", "")))
    if not n:
        return ""
    return ngettext(
        "{within:count} of {n:count} forecast of the run {run} lay in its 95% prediction interval "
        "(mean error {error}).",
        "{within:count} of {n:count} forecasts of the run {run} lay in their 95% prediction "
        "intervals (mean error {error}).",
        n,
        within=within,
        run=run,
        error=_("; ").join(sizes),
    )


def _due(entry: Entry, now: Kept, then: Kept) -> list[tuple[dict[str, Any], float]]:
    """Forecasts of periods that were not measured then and are now, with what was measured."""
    known = _rows(then, entry, entry.measured, entry.table)
    measured = _rows(now, entry, entry.measured, entry.table)
    found = []
    for key, row in _rows(then, entry, entry.forecast).items():
        actual = measured.get(key, {}).get("estimate")
        if key not in known and actual is not None and row.get("low") is not None:
            found.append((row, actual))
    return found


def _size(error: float, what: str, unit: str) -> str:
    """An error in words, in the unit of what is forecast."""
    if what == "cases":
        return _("{v:number1} new cases a week", v=error)
    if what == "losses":
        return _("{v:number1} customers lost a month", v=error)
    if unit == "share":
        return _("{v:points1} percentage points", v=error)
    return _("{v:number1} points", v=error) if unit == "points" else i18n.number(error, 2)


def _rows(
    answers: Kept, entry: Entry, name: str, table: str = ""
) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of an answer of the page by term and period."""
    record = answers.get(entry.page, {}).get(name, {})
    kept = (record.get("tables") or {}).get(table) if table else record.get("table")
    kept = kept or {"columns": [], "rows": []}
    rows = [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]]
    return {(str(r["term"]), str(r[entry.over])): r for r in rows if {"term", entry.over} <= set(r)}
