"""Are service standards met now? Shares of cases in time by month, the latest against the before.

now = sla_by_month(case_times(cases, standards))
print(now)          # In 2026-09, 61% of resolutions were on time, not significantly ...
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service.cases import IN_TIME, observed_until, provisional
from cxlib.service.standards import DONE, sla_attainment
from cxlib.stats.estimators import Replicated

SPARE = pd.Timedelta(days=3)  # by which the last month may fall short of its end


def sla_by_month(sample: SampleLike, *, goal: float = 0.9, months: int = 12) -> Result:
    """Share of cases answered and resolved in time in each of the last months.

    Parameters
    ----------
    sample : cases of `case_times`
    goal : share of cases that is to be in time, 0 to 1
    months : how many, the latest month that is over last; months in which too many cases have no
        verdict yet (`cases.provisional`) are left out, as the quick ones would flatter

    Returns
    -------
    Result with "table": month and the columns of `sla_attainment` but verdict; and "changes" of the
    latest month since the one before: term, estimate (difference of the shares), low, high, n. The
    finding is about resolutions, or first responses where only those are on file.

    Raises
    ------
    ValueError : no case has a standard

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> at = pd.to_datetime(["2026-03-02"] * 30 + ["2026-04-02"] * 30 + ["2026-04-30"])
    >>> cases = pd.DataFrame({"opened_at": at, "solved_at": at, "solved_in_time": 1.0})
    >>> cases.loc[:14, "solved_in_time"] = 0.0
    >>> print(sla_by_month(cases.assign(month=at.strftime("%Y-%m"))))
    On-time resolutions rose to 100% in 2026-04, from 50% the month before.
    """
    sample = as_sample(sample)
    over = (observed_until(sample) + SPARE).strftime("%Y-%m")
    early = provisional(sample, "month", list(IN_TIME.values()))
    known = sorted(m for m in sample["month"].unique() if m < over and m not in early)[-months:]
    told = [
        _("{period:period} ({share:share} of cases without a verdict)", period=m, share=share)
        for m, share in early.items()
        if known and known[-1] < m < over
    ]
    fit = sla_attainment(sample.where(sample["month"].isin(known)), by="month", goal=goal)
    changes = _changes(fit)
    finding = _finding(fit, changes, goal)
    if told:
        left = _("left out as provisional: {months:list3}", months=told)
        detail = _("{first}; {second}", first=finding.detail, second=left)
        finding = replace(finding, detail=detail if finding.detail else i18n.opening(left))
    return fit.replace(
        tables={"table": fit.table.drop(columns="verdict"), "changes": changes}, finding=finding
    )


def _changes(fit: Result) -> pd.DataFrame:
    """The latest month minus the one before, of each clock."""
    rows = []
    for term, part in fit.table.groupby("term", sort=False):
        if len(part) < 2:
            continue
        then, now = part.index[-2:]
        drawn = np.asarray(fit.replicates)
        change = Replicated(
            np.array([part["estimate"][now] - part["estimate"][then]]),
            (drawn[:, now] - drawn[:, then])[:, None],
            float(part["n"].iloc[-2:].min()),
        )
        low, high = change.interval()
        n = int(part["n"].iloc[-2:].min())
        rows.append((term, change.estimate[0], low[0], high[0], n))
    return pd.DataFrame(rows, columns=["term", "estimate", "low", "high", "n"])


def _finding(fit: Result, changes: pd.DataFrame, goal: float) -> Finding:
    table = disclosure.shown(fit.table)
    rows = table[table["term"] == table["term"].iloc[-1]] if len(table) else table
    if len(rows) < 2 or changes.empty:
        return Finding(_("Too few cases to compare months."), importance=Importance.METHOD)
    then, now = rows.iloc[-2], rows.iloc[-1]
    change = changes[changes["term"] == now["term"]].iloc[0]
    words = {
        "what": _(DONE[now["term"]]),
        "month": now["month"],
        "share": now["estimate"],
        "before": periods.before(now["month"], then["month"]),
        "then": then["estimate"],
    }
    clear = change["low"] > 0 or change["high"] < 0
    if not clear:
        claim = _(
            "In {month}, {share:share} of {what} were on time, not significantly different from "
            "{before} ({then:share}).",
            **words,
        )
    elif change["estimate"] > 0:
        claim = _(
            "On-time {what} rose to {share:share} in {month}, from {then:share} {before}.", **words
        )
    else:
        claim = _(
            "On-time {what} fell to {share:share} in {month}, from {then:share} {before}.", **words
        )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}; change {size:signed} percentage points (95% "
        "CI {ends:interval})",
        span=(now["low"], now["high"]),
        n=now["n"],
        size=100 * change["estimate"],
        ends=(100 * change["low"], 100 * change["high"]),
    )
    worse = bool(clear and change["estimate"] < 0)
    return Finding.of_row(
        now,
        i18n.opening(claim),
        detail,
        unit="share",
        measure=IN_TIME[now["term"]],
        at={"month": str(now["month"])},
        previous=float(then["estimate"]),
        change=float(change["estimate"]),
        target=goal,
        verdict="unclear" if not clear else "worse" if worse else "better",
        importance=Importance.NEWS if worse else Importance.ANSWER,
    )
