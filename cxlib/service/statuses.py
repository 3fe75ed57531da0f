"""What happened to a case between its opening and its solution: the statuses it had, one by one.

spells(statuses)                        # case_id, status, since, until
time_in_status(cases, statuses).table   # term (status), estimate (share of the time to solution)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_columns, require_dates
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import design

HOURS = Column("hours", "hours of each case that had the status", "hours", 1, label="Hours a case")


def spells(statuses: pd.DataFrame) -> pd.DataFrame:
    """From when to when each case had each status.

    Parameters
    ----------
    statuses : the table case_statuses: case_id, at, status

    Returns
    -------
    case_id, status, since, until (when the next status began; missing for the last)

    Raises
    ------
    ValueError : a column is missing, or `at` holds no dates

    Examples
    --------
    >>> at = pd.to_datetime(["2026-03-02 09:00", "2026-03-02 12:00"])
    >>> rows = pd.DataFrame({"case_id": "k1", "at": at, "status": ["new", "solved"]})
    >>> spells(rows)["until"].tolist()
    [Timestamp('2026-03-02 12:00:00'), NaT]
    """
    require_columns(statuses, ["case_id", "at", "status"], "case_statuses")
    require_dates(statuses, ["at"], "case_statuses")
    rows = statuses.sort_values(["case_id", "at"], kind="stable", ignore_index=True)
    until = rows.groupby("case_id")["at"].shift(-1)
    return pd.DataFrame(
        {"case_id": rows["case_id"], "status": rows["status"], "since": rows["at"], "until": until}
    )


def time_in_status(sample: SampleLike, statuses: pd.DataFrame) -> Result:
    """Share of the time from opening to solution that cases spend in each status.

    Parameters
    ----------
    sample : cases of `case_times`; those that are solved count, all their hours
    statuses : the table case_statuses: case_id, at, status

    Returns
    -------
    Result with "table": term (status), estimate (share of all hours), low, high (cases resampled
    with all their hours), simultaneous ends, hours (mean hours of a case that had the status), n
    (cases that had it; all cases where so few lack it that the rest would be known), the largest
    share first.

    Raises
    ------
    ValueError : columns are missing
    InsufficientData : no solved case has a status

    Examples
    --------
    >>> at = pd.to_datetime(["2026-03-02 09:00", "2026-03-02 12:00", "2026-03-02 13:00"])
    >>> log = pd.DataFrame({"case_id": "k1", "at": at, "status": ["new", "on hold", "solved"]})
    >>> cases = pd.DataFrame({"case_id": ["k1"], "opened_at": at[:1], "solved_at": at[2:]})
    >>> time_in_status(cases, log).table[["term", "estimate"]].values.tolist()
    [['new', 0.75], ['on hold', 0.25]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["case_id", "opened_at", "solved_at"], "cases")
    solved = sample.where(sample["solved_at"].notna() & ~sample["case_id"].duplicated())
    ends = solved.data.set_index("case_id")[["opened_at", "solved_at"]]
    rows = spells(statuses)
    rows = rows[rows["case_id"].isin(ends.index)].join(ends, on="case_id")
    since, until = rows["since"], rows["until"]
    since = since.where(since > rows["opened_at"], rows["opened_at"])
    until = until.where(until < rows["solved_at"], rows["solved_at"])
    rows = rows.assign(hours=(until - since) / pd.Timedelta(hours=1))
    each = rows[rows["hours"] > 0].pivot_table(
        index="case_id", columns="status", values="hours", aggfunc="sum"
    )
    if each.empty:
        raise InsufficientData(_("No resolved case has a status that lasted."))
    each = each.reindex(solved["case_id"])
    known = each.notna().any(axis=1).to_numpy()
    hours = each[known].fillna(0).to_numpy(float)
    total = np.repeat(hours.sum(1, keepdims=True), hours.shape[1], axis=1)
    drawn = ratio(hours, total, **design(solved.where(known)))
    n = disclosure.near_whole(each.notna().sum().to_numpy(), len(sample))
    own = interval_columns(drawn.estimate, drawn.replicates, units=drawn.units)
    table = pd.DataFrame({"term": each.columns, "estimate": drawn.estimate})
    table = table.assign(**{k: v.clip(0, 1) for k, v in own.items()})
    table = table.assign(hours=each.mean().to_numpy(), n=n)
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    timed = int(disclosure.near_whole(known.sum(), len(sample)))
    used = _("{n:count} resolved cases with statuses.", n=timed)
    return Result(
        table,
        _finding(table),
        i18n.together([used, resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        columns=[HOURS],
    )


def _finding(table: pd.DataFrame) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("Too few cases to say how long they have each status.")
        return Finding(claim, importance=Importance.METHOD)
    row = shown.iloc[0]
    return Finding.of_row(
        row,
        _(
            "Cases spend {share:share} of the time until they are resolved in the status "
            "{status:quoted}.",
            share=row["estimate"],
            status=i18n.label(str(row["term"])),
        ),
        _(
            "95% CI {span:share_interval}; {hours:number1} hours in each case that has it; n = "
            "{n:count}",
            span=(row["low"], row["high"]),
            hours=row["hours"],
            n=row["n"],
        ),
        unit="share",
        measure="time_in_status",
        at={"status": str(row["term"])},
        importance=Importance.CONTEXT,
    )
