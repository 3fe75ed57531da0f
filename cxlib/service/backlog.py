"""How many cases are open, and for how long they have been.

    fit = backlog(case_times(cases))
    fit.table           # day, term, estimate: cases open at the end of it, one a week
    fit.ageing          # term (age), estimate: share of the open cases of these days

A backlog that grows while solutions keep their standard means that more comes in; one that ages
means that the hard cases are left lying.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service.cases import HOUR, case_notes, observed_until, require_case_columns
from cxlib.stats.intervals import symmetric_interval
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import design, resample_sums

DAYS = (1, 3, 7, 30)  # edges of age
BACK = 4  # weeks before, that the open cases are compared with


def backlog(sample: SampleLike, *, weeks: int = 26) -> Result:
    """Cases open at the end of each of the last weeks, and their age.

    The cases are counted, so their number has no interval.

    Parameters
    ----------
    sample : cases of `case_times`
    weeks : how many weeks back, 1 or more

    Returns
    -------
    Result with "table": day, term ("open cases"), estimate (open at its end), low, high (both
    missing), n (the same, so that a count of few cases is hidden); and "ageing": term (age),
    estimate (share of the cases open on these days, a case counted on each), low, high, n (cases).

    Raises
    ------
    ValueError : solutions are not on file, or weeks is under 1

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> day = pd.to_datetime(["2026-03-02", "2026-03-09"])
    >>> cases = pd.DataFrame({"opened_at": day, "solved_at": [day[1], pd.NaT]})
    >>> backlog(case_times(cases, as_of="2026-03-10"), weeks=2).table["estimate"].tolist()
    [1.0, 1.0]
    """
    sample = as_sample(sample)
    require_case_columns(sample, "solution_hours", "solved")
    if weeks < 1:
        raise ValueError(f"weeks is {weeks}; it must be 1 or more.")
    seen = observed_until(sample)
    back = int((seen - sample["opened_at"].min()) / pd.Timedelta(weeks=1))
    days = [seen - pd.Timedelta(weeks=k) for k in range(min(weeks - 1, back), -1, -1)]
    ages = np.stack([((day - sample["opened_at"]) / HOUR).to_numpy() for day in days], axis=1)
    ends = np.where(sample["solved"], sample["solution_hours"], np.inf)[:, None]
    there = (ages >= 0) & (ages < ends)
    edges = 24.0 * np.array([0, *DAYS, np.inf])
    bands = [((low <= ages) & (ages < high) & there) for low, high in pairwise(edges)]
    parts = np.column_stack([there, *[b.sum(1) for b in bands]]).astype(float)
    drawn = resample_sums(parts, **design(sample))
    whole = parts.sum(0)
    names = [f"{d:%Y-%m-%d}" for d in days]
    table = pd.DataFrame(
        {
            "day": names,
            "term": "open cases",
            "estimate": whole[: len(days)],
            "low": np.nan,
            "high": np.nan,
            "n": whole[: len(days)].astype(int),
        }
    )
    ageing = _ages(whole[len(days) :], drawn[:, len(days) :], [b.any(1).sum() for b in bands])
    return Result(
        {"table": table, "ageing": ageing},
        _finding(table, ageing),
        i18n.together([*case_notes(sample), resampling_note(sample)]),
        "count",
        draws=sample.draws,
        seed=sample.seed,
    )


def _ages(whole: np.ndarray, drawn: np.ndarray, n: list[int]) -> pd.DataFrame:
    with np.errstate(invalid="ignore", divide="ignore"):
        share, again = whole / whole.sum(), drawn / drawn.sum(1, keepdims=True)
    low, high = symmetric_interval(share, again)
    return pd.DataFrame(
        {
            "term": bands(),
            "estimate": share,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": n,
        }
    )


def bands() -> list[str]:
    """What readers call the bands of age."""
    first = _("up to a day")
    between = [_("{low} to {high} days", low=a, high=b) for a, b in pairwise(DAYS)]
    return [first, *between, _("over {days} days", days=DAYS[-1])]


def _finding(table: pd.DataFrame, ageing: pd.DataFrame) -> Finding:
    """How many cases are open, against four weeks before, and how many of them are old."""
    last, most = table.iloc[-1], max(context.current().smallest_cell, 1)
    old = ageing.iloc[-1]
    words = {"n": last["estimate"], "day": last["day"], "least": most}
    lines = []
    if (disclosure.hidden(ageing) == "").iloc[-1]:
        lines.append(
            _(
                "{share:share} of the open cases of these weeks were older than {days} days (95% "
                "CI {span:share_interval})",
                share=old["estimate"],
                days=DAYS[-1],
                span=(old["low"], old["high"]),
            )
        )
    detail = _("; ").join(lines)
    if last["n"] < most:
        claim = _(
            "Fewer than {least:count} cases are open on {day:date}, the last day on file.", **words
        )
        return Finding(claim, detail, importance=Importance.METHOD)
    value = float(last["estimate"])
    facts: dict[str, Any] = {
        "value": value,
        "measure": "open cases",
        "at": {"day": str(last["day"])},
        "importance": Importance.ANSWER,
    }
    before = table.iloc[-1 - BACK] if len(table) > BACK else None
    if before is None or before["n"] < most:
        claim = ngettext(
            "{n:count} case was open on {day:date}, the last day on file.",
            "{n:count} cases were open on {day:date}, the last day on file.",
            value,
            day=last["day"],
        )
        return Finding(claim, detail, **facts)
    claim = ngettext(
        "{n:count} case was open on {day:date}, against {then:count} four weeks before.",
        "{n:count} cases were open on {day:date}, against {then:count} four weeks before.",
        value,
        day=last["day"],
        then=before["estimate"],
    )
    return Finding(
        claim,
        detail,
        **facts,
        previous=float(before["estimate"]),
        change=value - float(before["estimate"]),
    )
