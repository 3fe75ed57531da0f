"""Cases with their durations: hours to the first reply and to the solution, open ones until today.

    cases = case_times(study.sample("cases"), study.service.standards)
    cases.data[["reply_hours", "replied", "reply_limit", "reply_in_time"]]   # and of the solution

Waits are hours of the calendar, nights and Sundays among them. Which hours count towards a standard
says its clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import codes
from cxlib.core.errors import InsufficientData, leave_out, require_columns, require_dates
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Standard
from cxlib.data.study import Study
from cxlib.service.clocks import HOUR as HOUR
from cxlib.service.clocks import Clock, make_clock

MANY_OPEN = 0.1  # share of a period's cases without a verdict, above the usual, that is too many
DURATIONS = {"first_reply_at": "first_reply_hours", "solved_at": "solved_hours"}
CLOCKS = {  # what is waited for: column of the day it came, and what its own columns begin with
    "first response": ("first_reply_at", "reply", "replied"),
    "resolution": ("solved_at", "solution", "solved"),
}
IN_TIME = {"first response": "reply_in_time", "resolution": "solved_in_time"}  # of the outcome


def case_times(
    sample: SampleLike,
    standards: Mapping[str, Standard] | None = None,
    *,
    clock: Clock | None = None,
    grade: str = "",
    as_of: str | pd.Timestamp | None = None,
) -> Sample:
    """The cases opened by `as_of`, with the hours each waited and whether that was in time.

    Parameters
    ----------
    sample : cases (opened_at; first_reply_at, solved_at, severity where on file); weights are not
        used. Where a case has no date of the first reply or the solution but its duration in
        first_reply_hours or solved_hours, the date is the opening plus so many hours
    standards : hours by severity or grade, of which the strictest counts; "any" holds for all
        others
    clock : which hours count towards a standard; all of them by default
    grade : column that grades customers, whose values standards may name
    as_of : end of observation; the last moment on file by default

    Returns
    -------
    Sample with added columns. For the first reply and the solution where their dates are on file:
    reply_hours and solution_hours (hours until it came, or until `as_of` where it has not), replied
    and solved (whether it came), reply_used and solution_used (the hours of these that count
    towards the standard), reply_limit and solution_limit (hours by the standard of the
    severity; NaN without one), reply_in_time and solved_in_time (1, 0; NaN where there is no
    standard, or its time was not up by `as_of`); week (ISO), month, as_of, clock (its
    note) and counted (its hours in a few words). A solution without a reply counts as the reply.
    Its notes say what was left out.

    Raises
    ------
    ValueError : opened_at is absent, or a column of times holds no dates
    InsufficientData : no case was opened by `as_of`

    Examples
    --------
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-03"])
    >>> cases = pd.DataFrame({"opened_at": days[:1], "solved_at": days[1:]})
    >>> timed = case_times(cases, {"any": Standard(solved_hours=20)})
    >>> timed["solution_hours"].tolist(), timed["solved_in_time"].tolist()
    ([24.0], [0.0])
    """
    sample = as_sample(sample)
    cases = _dated(sample.data)
    there = [c for c in ("opened_at", "first_reply_at", "solved_at") if c in cases]
    require_dates(cases, dict.fromkeys(["opened_at", *there]), "cases")
    seen = cases[there].max().max() if as_of is None else pd.Timestamp(as_of)
    backwards = np.zeros(len(cases), bool)
    for column in there[1:]:
        backwards |= (cases[column] < cases["opened_at"]).to_numpy()
    known = cases["opened_at"].notna().to_numpy()
    early = known & (cases["opened_at"] <= seen).to_numpy()
    rows = cases[early & ~backwards].copy()
    if rows.empty:
        raise InsufficientData(
            _(
                "None of {n:count} cases was opened by {day:date}. Check opened_at.",
                n=len(cases),
                day=seen,
            )
        )
    counts = [int(lost.sum()) for lost in (~known, known & ~early, backwards & early)]
    notes = left_out(len(cases), *counts)
    reply, solution = (_came(rows, column, seen) for column, *_unused in CLOCKS.values())
    if reply is not None and solution is not None:
        notes += unanswered(int((reply.isna() & solution.notna()).sum()))
        reply = reply.fillna(solution)
    notes += _whole_days(rows)
    limits, clock = limits_of(rows, standards or {}, grade), clock or Clock()
    names, opened = rows.get("case_id"), rows["opened_at"]
    watched = clock.hours(opened, pd.Series(seen, rows.index), names)
    for (name, (_unused, prefix, happened)), came in zip(
        CLOCKS.items(), (reply, solution), strict=True
    ):
        if came is None:
            continue
        used = clock.hours(opened, end := came.fillna(seen), names)
        done, limit = came.notna(), limits[name]
        rows[f"{prefix}_hours"], rows[happened] = clock.elapsed(opened, end), done
        rows[f"{prefix}_used"], rows[f"{prefix}_limit"] = used, limit
        # Of those whose time is not up, only the quick would count: they would flatter.
        rows[IN_TIME[name]] = np.where(watched >= limit, done & (used <= limit), np.nan)
    rows["week"] = rows["opened_at"].dt.strftime("%G-W%V")
    rows["month"] = rows["opened_at"].dt.strftime("%Y-%m")
    rows["as_of"], rows["clock"], rows["counted"] = seen, clock.note(), clock.counted
    return sample.with_data(rows).replace(notes=(*sample.notes, *notes))


def times_of(
    some: pd.DataFrame,
    every: SampleLike,
    study: Study,
    statuses: pd.DataFrame | None = None,
    *,
    as_of: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """The times of some cases, by the clock, the grades and the standards of study.yaml.

    They are timed with all others: where none of a few is solved, it would not be known that they
    are open.

    Parameters
    ----------
    some : the cases wanted, by case_id
    every : all cases, with the column of `service.grade` where study.yaml names one
    study : as read
    statuses : the table case_statuses, where the study has it
    as_of : end of observation, as in `case_times`

    Returns
    -------
    The rows of `case_times` of the cases wanted

    Raises
    ------
    ValueError, InsufficientData : as `case_times`

    Examples
    --------
    >>> table = {"files": "cases.csv", "columns": {"case_id": "id"}}
    >>> study = Study(name="s", folder=".", title="S", tables={"cases": table})
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-03"])
    >>> cases = pd.DataFrame({"case_id": ["a", "b"], "opened_at": days})
    >>> cases = cases.assign(solved_at=[days[1], pd.NaT])
    >>> times_of(cases.tail(1), cases, study)["solved"].tolist()
    [False]
    """
    about = study.service
    clock = make_clock(study.working_hours, about, statuses, study.time_zone)
    grade = about.grade if about.grade in as_sample(every) else ""
    timed = case_times(every, about.standards, clock=clock, grade=grade, as_of=as_of).data
    return timed[timed["case_id"].isin(some["case_id"])]


def _dated(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with dates of reply and solution, made of durations where only those are given."""
    if "opened_at" not in cases or not pd.api.types.is_datetime64_any_dtype(cases["opened_at"]):
        return cases
    for column, hours in DURATIONS.items():
        if hours in cases and cases[hours].notna().any():
            given = pd.to_timedelta(pd.to_numeric(cases[hours]).astype(float), unit="h")
            made = cases["opened_at"] + given
            cases = cases.assign(
                **{column: cases[column].fillna(made) if column in cases else made}
            )
    return cases


def _whole_days(cases: pd.DataFrame) -> list[str]:
    """That waits are of whole days, where no date has a time of day and no hours are given."""
    ends = [c for c in ("first_reply_at", "solved_at") if c in cases and cases[c].notna().any()]
    dates = [cases[c].dropna() for c in ("opened_at", *ends)]
    timed = not ends or any((d != d.dt.normalize()).any() for d in dates)
    return [] if timed else [whole_days()]


def whole_days() -> str:
    """That waits are of whole days."""
    return _("Dates of cases have no time of day, so waits are counted in days, without hours.")


def observed_until(sample: Sample) -> pd.Timestamp:
    """The end of observation: `as_of` of `case_times`, else the last opening."""
    return sample["as_of" if "as_of" in sample else "opened_at"].max()


def undecided(sample: Sample, column: str) -> np.ndarray:
    """Which cases have no verdict on file in `column` (reply_in_time, solved_in_time), (rows,).

    None where verdicts come from hours: open cases count there for as long as they were observed.

    Examples
    --------
    >>> cases = Sample(pd.DataFrame({"reply_in_time": [1.0, None]}))
    >>> undecided(cases, "reply_in_time").tolist()
    [False, True]
    """
    prefix = next((CLOCKS[clock][1] for clock, own in IN_TIME.items() if own == column), "")
    timed = f"{prefix}_limit" in sample and sample[f"{prefix}_limit"].notna().any()
    if column not in sample or timed or sample[column].isna().all():
        return np.zeros(len(sample), bool)
    return sample[column].isna().to_numpy()


def provisional(sample: Sample, over: str, columns: Sequence[str]) -> dict[str, float]:
    """The last periods, as far back as too many cases have no verdict yet, and the share of these.

    What is decided first is what was quick: a share of such a month flatters. Too many are 10
    percentage points more than in the median period.

    Parameters
    ----------
    sample : cases of `case_times`
    over : column of periods ("month", "week")
    columns : of verdicts ("reply_in_time", "solved_in_time")

    Examples
    --------
    >>> cases = pd.DataFrame({"month": ["1", "1", "2", "2"], "reply_in_time": [1, 0, 1, None]})
    >>> provisional(Sample(cases), "month", ["reply_in_time"])
    {'2': 0.5}
    """
    found: dict[str, float] = {}
    for column in columns:
        share = pd.Series(undecided(sample, column)).groupby(sample[over].to_numpy()).mean()
        usual = share.quantile(0.5, interpolation="lower") if len(share) else 0.0
        done = np.flatnonzero(share <= usual + MANY_OPEN)
        many = share.iloc[done[-1] + 1 if len(done) else 0 :]
        found |= {str(k): max(found.get(str(k), 0.0), float(v)) for k, v in many.items()}
    return found


def last_weeks(sample: Sample, weeks: int, decided: str = "") -> Sample:
    """The cases of the last `weeks` whole weeks; the week that is not over is left out.

    With `decided`, a column of verdicts, weeks in which too many have none (see `provisional`) are
    left out, too.

    Examples
    --------
    >>> cases = pd.DataFrame({"opened_at": pd.to_datetime(["2026-03-02", "2026-03-12"])})
    >>> last_weeks(case_times(cases), 4)["week"].tolist()
    ['2026-W10']
    """
    seen = observed_until(sample)
    monday = seen.normalize() - pd.Timedelta(days=seen.weekday())
    opened = sample["opened_at"]
    last = sample.where((opened >= monday - pd.Timedelta(weeks=weeks)) & (opened < monday))
    return last.where(~last["week"].isin(provisional(sample, "week", [decided])))


def has_solutions(sample: Sample) -> bool:
    """Whether some case is known to be solved, and when; prints that none is.

    Examples
    --------
    >>> cases = pd.DataFrame({"opened_at": pd.to_datetime(["2026-03-02"]), "solved_at": pd.NaT})
    >>> has_solutions(case_times(cases.astype({"solved_at": "datetime64[ns]"})))
    No case has a date or duration of its solution. This part is left out.
    False
    """
    if "solved" in sample:
        return True
    leave_out(_("No case has a date or duration of its solution."))
    return False


def in_time(sample: Sample) -> str:
    """The column of what is on time: the resolution, else the first response; "" where neither is.

    Examples
    --------
    >>> cases = Sample(pd.DataFrame({"solved_in_time": [None], "reply_in_time": [1.0]}))
    >>> in_time(cases)
    'reply_in_time'
    """
    columns = reversed(IN_TIME.values())
    return next((c for c in columns if c in sample and sample[c].notna().any()), "")


def timed(sample: Sample) -> list[str]:
    """The clocks that some case was stopped by: "first response", "resolution".

    Examples
    --------
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-03"])
    >>> timed(case_times(pd.DataFrame({"opened_at": days[:1], "solved_at": days[1:]})))
    ['resolution']
    """
    return [
        c for c, (_unused, _prefix, done) in CLOCKS.items() if done in sample and sample[done].any()
    ]


def has_weeks(sample: Sample, weeks: int) -> bool:
    """Whether the cases span so many whole weeks; prints that they do not.

    Examples
    --------
    >>> has_weeks(case_times(pd.DataFrame({"opened_at": pd.to_datetime(["2026-03-02"])})), 4)
    The cases span 0 complete weeks; 4 are needed. This part is left out.
    False
    """
    span = observed_until(sample) - sample["opened_at"].min()
    there = int(span / pd.Timedelta(weeks=1)) - 1
    if there >= weeks:
        return True
    leave_out(
        _(
            "The cases span {n:count} complete weeks; {least:count} are needed.",
            n=max(there, 0),
            least=weeks,
        )
    )
    return False


def require_case_columns(sample: Sample, *columns: str) -> None:
    """Raise ValueError for cases that lack a column, with what adds it."""
    try:
        require_columns(sample.data, columns, "cases")
    except ValueError as error:
        raise ValueError(
            f"{error} service.case_times(cases, standards) adds hours; map the others in "
            "study.yaml."
        ) from None


def case_notes(sample: Sample) -> list[str]:
    """How many cases there are, since when, and what was left out."""
    opened = ngettext(
        "{n:count} case opened from {first:date}, as of {seen:date}.",
        "{n:count} cases opened from {first:date}, as of {seen:date}.",
        sample.rows_of(),
        first=sample["opened_at"].min(),
        seen=observed_until(sample),
    )
    return [opened, *sample.notes]


def _came(rows: pd.DataFrame, column: str, seen: pd.Timestamp) -> pd.Series | None:
    """When it came, missing where it had not by `seen`; None where it is not on file."""
    if column not in rows or rows[column].isna().all():
        return None
    return rows[column].where(rows[column] <= seen)


def limits_of(
    rows: pd.DataFrame, standards: Mapping[str, Standard], grade: str
) -> dict[str, np.ndarray]:
    """Hours of the standard of each case: the strictest of its severity and grade, else of any."""
    found = {}
    named = [codes.named(rows[c], standards) for c in ("severity", grade) if c in rows]
    for name, field in (("first response", "first_reply_hours"), ("resolution", "solved_hours")):
        own = np.full(len(rows), np.nan)
        for level, standard in standards.items():
            hours = getattr(standard, field)
            for values in named if hours is not None and level != "any" else ():
                those = values.eq(level).fillna(False).to_numpy(bool)
                own[those] = np.fmin(own[those], hours)
        usual = getattr(standards.get("any", Standard()), field)
        found[name] = np.where(np.isnan(own), np.nan if usual is None else usual, own)
    return found


def left_out(offered: int, unknown: int, late: int, backwards: int) -> list[str]:
    """How many cases are left out, and why."""
    losses = {
        N_("{n:count} of {offered:count} cases without a day of opening are left out."): unknown,
        N_("{n:count} of {offered:count} cases were opened later and are left out."): late,
        N_(
            "{n:count} of {offered:count} cases were answered or solved before they were opened, "
            "and are left out."
        ): backwards,
    }
    return [_(why, n=n, offered=offered) for why, n in losses.items() if n]


def unanswered(n: int) -> list[str]:
    """That a solution counts as the reply where none is on file."""
    if not n:
        return []
    return [
        ngettext(
            "{n:count} case was solved without a reply on file: the solution counts as the reply.",
            "{n:count} cases were solved without a reply on file: the solution counts as the "
            "reply.",
            n,
        )
    ]
