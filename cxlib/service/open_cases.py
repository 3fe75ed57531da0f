"""Which cases are open today, for how long, and which of them are overdue.

    fit = open_cases(case_times(cases, standards))
    fit.table           # standing (overdue, within the standard), open_for, estimate (open cases)
    fit.cases           # one row a case, the longest overdue first: for those who work on them

The page has the counts. The list names cases and belongs in a file that only its owner can read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.service.backlog import DAYS, bands
from cxlib.service.cases import CLOCKS, case_notes, observed_until, require_case_columns

OVERDUE, WITHIN, NO_STANDARD = "overdue", "within the standard", "no standard"
LISTED = ("case_id", "owner", "severity", "category", "channel", "opened_at")  # no customer
COLUMNS = (
    Column("estimate", "open cases", "count", label="Open cases"),
    Column("open_for", "days since it was opened", "name", label="open for"),
)


def open_cases(sample: SampleLike) -> Result:
    """Cases that are open at the end of observation, by age, and whether they are overdue.

    A case is overdue when its time to be resolved, or to be answered where it was not, is up.

    Parameters
    ----------
    sample : cases of `case_times`

    Returns
    -------
    Result with "table": standing ("overdue", "within the standard", "no standard"), open_for, term,
    estimate (open cases), low, high (both missing), n (the same). Its part `cases` has a row for
    each open case, the longest overdue first: case_id, owner, severity, category, channel,
    opened_at (as far as they are on file), age_days, standing, days_overdue (in the hours of the
    standard).

    Raises
    ------
    ValueError : solutions are not on file

    Examples
    --------
    >>> from cxlib.data.schema import Standard
    >>> from cxlib.service.cases import case_times
    >>> day = pd.to_datetime(["2026-03-02", "2026-03-09"])
    >>> cases = pd.DataFrame({"case_id": ["a", "b"], "opened_at": day, "solved_at": [pd.NaT] * 2})
    >>> solved = pd.DataFrame({"case_id": ["c"], "opened_at": day[:1], "solved_at": day[1:]})
    >>> timed = case_times(pd.concat([cases.astype(solved.dtypes), solved]),
    ...                    {"any": Standard(solved_hours=48)}, as_of="2026-03-10")
    >>> open_cases(timed).cases[["case_id", "age_days", "days_overdue"]].values.tolist()
    [['a', 8.0, 6.0], ['b', 1.0, 0.0]]
    """
    sample = as_sample(sample)
    require_case_columns(sample, "solution_hours", "solved")
    still = sample.where(~sample["solved"])
    days = (still["solution_hours"] / 24).to_numpy(float)
    standing, over = _standing(still)
    table = _counts(standing, days)
    kept = [c for c in LISTED if c in still]
    cases = still.data[kept].assign(
        age_days=days.round(1), standing=standing, days_overdue=(over / 24).round(1)
    )
    order = ["days_overdue", "age_days"]
    return Result(
        {"table": table},
        _finding(standing, days, observed_until(sample)),
        i18n.together(case_notes(sample)),
        "count",
        columns=COLUMNS,
        parts={"cases": cases.sort_values(order, ascending=False, ignore_index=True)},
    )


def _standing(still: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Whether each case is overdue, and by how many hours of its standard."""
    over, stated = np.zeros(len(still)), np.zeros(len(still), bool)
    for _unused, prefix, happened in CLOCKS.values():
        if f"{prefix}_limit" not in still:
            continue
        limit = still[f"{prefix}_limit"].to_numpy(float)
        late = np.where(still[happened], 0, still[f"{prefix}_used"].to_numpy(float) - limit)
        over, stated = np.fmax(over, late), stated | ~np.isnan(limit)
    return np.where(over > 0, OVERDUE, np.where(stated, WITHIN, NO_STANDARD)), over


def _counts(standing: np.ndarray, days: np.ndarray) -> pd.DataFrame:
    edges = [0, *DAYS, np.inf]
    rows = [
        (name, band, n)
        for name in (OVERDUE, WITHIN, NO_STANDARD)
        for band, (low, high) in zip(bands(), pairwise(edges), strict=True)
        if (n := int(((low <= days) & (days < high) & (standing == name)).sum()))
    ]
    table = pd.DataFrame(rows, columns=["standing", "open_for", "n"]).assign(term="open cases")
    found = table.assign(estimate=table["n"].astype(float), low=np.nan, high=np.nan)
    return found[["standing", "open_for", "term", "estimate", "low", "high", "n"]]


def _finding(standing: np.ndarray, days: np.ndarray, seen: pd.Timestamp) -> Finding:
    """How many cases are open, and how many of them overdue, where that may be told."""
    n, late = len(standing), int((standing == OVERDUE).sum())
    least = max(context.current().smallest_cell, 1)
    words = {"n": n, "late": late, "day": seen, "least": least}
    if n < least:
        claim = _(
            "Fewer than {least:count} cases are open on {day:date}, the last day on file.", **words
        )
        return Finding(claim, importance=Importance.METHOD)
    facts: dict[str, Any] = {
        "value": float(n),
        "measure": "open_cases:today",
        "importance": Importance.ANSWER,
    }
    detail = _("half of them for {half:count} days or more", half=float(np.median(days)))
    if late == n:
        claim = _("All {n:count} cases open on {day:date} are overdue.", **words)
    elif min(late, n - late) < least:  # neither the few nor, by subtraction, the others
        claim = ngettext(
            "{n:count} case is open on {day:date}, the last day on file.",
            "{n:count} cases are open on {day:date}, the last day on file.",
            n,
            day=seen,
        )
    else:
        claim = _("Of {n:count} cases open on {day:date}, {late:count} are overdue.", **words)
    return Finding(claim, i18n.opening(detail), **facts)
