"""docs/coverage.md: how often intervals held the truth, as `make coverage` measured it."""

from __future__ import annotations

import re
from collections.abc import Iterable

Told = tuple[str, str, float, int, float]  # estimate, what samples are like, share, samples, stated

INTERVALS = """# How often the intervals hold the truth

`make coverage` simulates samples with a known truth, makes the interval of each and counts how many
hold the truth. It writes this page; nothing here is typed by hand. Where an estimate has several
terms, the share is that of all their intervals; simultaneous intervals count only where each of
them holds. A share measured on few samples is itself uncertain: the last column is its own 95%
interval (Wilson). It also says where the share is more than two points off the stated level:
"significantly" where its interval excludes that level, "may be" where it does not. Below the stated
level intervals are too narrow, above it they are wider than need be.

| estimate | samples of | stated | held | samples | 95% CI |
|---|---|---|---|---|---|
"""
RATES = """
## How often tests and alarms are wrong

The same for tests, alarms and names where there is nothing to find. Below the stated rate they are
more careful than they say, above it they are wrong too often.

| error | samples of | stated | found | samples | 95% CI |
|---|---|---|---|---|---|
"""


def page(told: Iterable[Told]) -> str:
    """The page: a table of intervals, and one of error rates (those stated below one half)."""
    rows = sorted({(*row[:2], row[4], *row[2:4]) for row in map(tuple, told)}, key=_place)
    tables = [[_line(*row) for row in rows if (row[2] < 0.5) == rate] for rate in (False, True)]
    return INTERVALS + "".join(tables[0]) + RATES + "".join(tables[1])


def _place(row: tuple) -> tuple:
    """By estimate, then by what the samples are like, with numbers as numbers."""
    parts = re.split(r"(\d+)", row[1].replace(",", ""))
    return row[0].casefold(), [int(p) if p.isdigit() else p for p in parts], row[2:]


def _line(estimate: str, of: str, stated: float, share: float, samples: int) -> str:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * samples, samples, method="wilson")
    remark = ""
    if abs(share - stated) > 0.02 + 1e-9:
        sure = "significantly" if not low <= stated <= high else "may be"
        remark = f", {sure} {'below' if share < stated else 'above'}"
    return (
        f"| {estimate} | {of} | {_percent(stated)} | {share:.1%} | {samples:,} | "
        f"{low:.1%} to {high:.1%}{remark} |\n"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%"
