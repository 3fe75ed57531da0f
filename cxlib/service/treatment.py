"""Are customers of all grades served alike? Shares on time and waits for cases of the same kind.

    fit = treatment(cases, by="plan", mix=["severity", "category"])
    fit.table           # plan, term, estimate (share on time at the mix of all), plain, verdict
    fit.waits           # plan, term, ratio (typical wait over that of all others)

A better grade may have stricter standards (VIP service): its customers can wait less and have fewer
cases on time. Both are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service.cases import CLOCKS, IN_TIME, case_notes, require_case_columns
from cxlib.service.shares import group_name, group_places
from cxlib.service.standards import DONE
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.standardisation import from_rest, group_shares, periods, standardised

FEWEST = 10  # cases of a group, below which it is not compared
SHORTEST = 1 / 60  # hours that a wait counts at least, as its logarithm is taken
COLUMNS = (
    Column("gap", "difference from all others", "gap", label="Difference from all others"),
    Column("gap_low", "lower end of its interval", "gap"),
    Column("gap_high", "upper end of its interval", "gap"),
    Column("ratio", "wait over that of all others", "share", label="Wait, all others = 100%"),
    Column("ratio_low", "lower end of its interval", "share"),
    Column("ratio_high", "upper end of its interval", "share"),
)
WAITED = {"first response": N_("the first response"), "resolution": N_("the resolution")}
VERDICTS = {1: "better", -1: "worse", 0: "unclear"}


def treatment(sample: SampleLike, *, by: str, mix: Sequence[str] = ()) -> Result:
    """Whether cases of the same kind and time are served alike for every group of customers.

    Parameters
    ----------
    sample : cases of `case_times`, with the column `by`
    by : column of the grade, priority or other group of customers
    mix : columns of kinds of cases (severity, category, channel) that are held alike, as is
        the month in which cases were opened (quarters where months are more than 32, then years)

    Returns
    -------
    Result with "table": by, term ("first response", "resolution"), estimate (share on time if the
    group had the mix of cases of all), low, high, n (cases; those whose time is not up count for n
    alone, groups of fewer than 10 have no more than n), plain (the share as
    it is), gap, gap_low, gap_high (minus all others), verdict ("better", "worse" where the
    simultaneous interval of the gap excludes 0; else "unclear"); and "waits", of open cases so far:
    by, term, ratio, ratio_low, ratio_high (typical wait over that of all others: geometric
    means), n, verdict.

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : fewer than two groups of 10 cases or more, or no case is timed

    References
    ----------
    Direct standardisation by regression: Little (1982), Journal of the American Statistical
    Association 77.

    Examples
    --------
    >>> from cxlib.data.schema import Standard
    >>> from cxlib.service.cases import case_times
    >>> opened = pd.Timestamp("2026-03-02") + pd.to_timedelta(range(80), unit="h")
    >>> rows = pd.DataFrame({"opened_at": opened, "plan": ["gold", "basic"] * 40})
    >>> rows["solved_at"] = opened + pd.to_timedelta([5, 50, 5, 5] * 20, unit="h")
    >>> fit = treatment(case_times(rows, {"any": Standard(solved_hours=24)}), by="plan")
    >>> fit.table[["plan", "estimate", "verdict"]].values.tolist()
    [['basic', 0.5, 'worse'], ['gold', 1.0, 'better']]
    """
    sample = as_sample(sample)
    require_case_columns(sample, by, *mix)
    mix = [m for m in mix if m != by]
    tables: dict[str, list[pd.DataFrame]] = {"table": [], "waits": []}
    used: list[str] = []
    clocks = [c for c, (_at, p, _done) in CLOCKS.items() if f"{p}_hours" in sample]
    hits = [IN_TIME[c] for c in clocks if sample[IN_TIME[c]].notna().any()]
    sample = sample.where(sample[by].notna())
    names, place = group_places(sample[by], len(sample))
    if (np.bincount(place, minlength=1) >= FEWEST).sum() < 2 or not clocks:
        raise InsufficientData(_("Too few cases to compare groups."))
    for clock in clocks:
        hit, hours = IN_TIME[clock], sample[f"{CLOCKS[clock][1]}_hours"].clip(lower=SHORTEST)
        wait, used = _gaps(sample, np.log(hours), names, place, mix, more=-1)
        ratio = {f"ratio{c[3:]}": np.exp(wait[c]) for c in ("gap", "gap_low", "gap_high")}
        kept = wait[["n", "verdict"]].assign(**ratio)
        tables["waits"].append(kept.assign(**{by: names, "term": clock}))
        if hit in hits:
            part, used = _gaps(sample, sample[hit], names, place, mix)
            tables["table"].append(part.assign(**{by: names, "term": clock}))
    found = {k: _ordered(pd.concat(v, ignore_index=True), by) for k, v in tables.items() if v}
    notes = [*case_notes(sample), _note(used), simultaneous_note(len(names))]
    return Result(
        found,
        _finding(found, by, used),
        i18n.together([*notes, resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        columns=COLUMNS,
        parts={"mix": used},
    )


def _ordered(table: pd.DataFrame, by: str) -> pd.DataFrame:
    first = [by, "term", *[c for c in ("estimate", "low", "high", "ratio") if c in table]]
    return table[[*first, *[c for c in table if c not in first]]]


def _gaps(
    rows: Sample,
    y: pd.Series,
    names: list[str],
    place: np.ndarray,
    mix: Sequence[str],
    *,
    more: int = 1,
) -> tuple[pd.DataFrame, list[str]]:
    """Adjusted means of the groups and their differences from all others, better with `more`."""
    n, known = np.bincount(place, minlength=len(names)), y.notna().to_numpy()
    rows, place = rows.where(known), place[known]
    values = y[known].to_numpy(float)
    unit, time = periods(rows)
    level, plain, used = standardised(
        rows, values, place, len(names), mix, time if time.nunique() > 1 else None
    )
    used = [name or unit for name in used]
    own = interval_columns(level.estimate, level.replicates, units=n, fitted=2)
    gap, gaps = from_rest(level, *group_shares(rows, place, len(names)))
    ends = interval_columns(gap, gaps, units=n, fitted=2)
    low, high = (ends[c] for c in SIMULTANEOUS)
    few = np.bincount(place, minlength=len(names)) < FEWEST
    sign = np.where(few, 0, more * ((low > 0).astype(int) - (high < 0).astype(int)))
    table = pd.DataFrame({"estimate": level.estimate, "low": own["low"], "high": own["high"]})
    if more > 0:
        table = table.clip(0, 1)
    table = table.assign(plain=plain.estimate, gap=gap, gap_low=ends["low"], gap_high=ends["high"])
    table[few] = np.nan
    return table.assign(n=n, verdict=[VERDICTS[int(s)] for s in sign]), used


def _note(used: Sequence[str]) -> str:
    if not used:
        return _("Not adjusted for the kind of case.")
    return _(
        "Adjusted for {mix:label_list} by regression: the value of each group at the mix of all "
        "cases. Open cases have waited for as long as they were observed.",
        mix=used,
    )


def _finding(found: dict[str, pd.DataFrame], by: str, used: Sequence[str]) -> Finding:
    """The largest significant difference of shares on time, else of waits, else that none is."""
    shares, waits = (disclosure.shown(found.get(k, pd.DataFrame())) for k in ("table", "waits"))
    if len(waits) < 2:
        return Finding(_("Too few cases to compare groups."), importance=Importance.METHOD)
    for table, size, told in ((shares, "gap", _unequal_shares), (waits, "ratio", _unequal_waits)):
        if len(table) and len(differ := table[table["verdict"] != "unclear"]):
            size_of = differ[size].abs() if size == "gap" else np.log(differ[size]).abs()
            return told(differ.loc[size_of.idxmax()], by, used)
    words = {"by": by, "n": int(waits["n"].sum() / waits["term"].nunique())}
    claim = (
        _(
            "Neither shares on time nor waits differ significantly by {by:inner} for like cases.",
            **words,
        )
        if used
        else _("Neither shares on time nor waits differ significantly by {by:inner}.", **words)
    )
    return Finding(claim, _("n = {n:count}", **words), importance=Importance.CONTEXT)


def _unequal_shares(row: pd.Series, by: str, used: Sequence[str]) -> Finding:
    gap, ends = 100 * row["gap"], (100 * row["gap_low"], 100 * row["gap_high"])
    words: dict[str, Any] = {
        "what": _(DONE[row["term"]]),
        "group": group_name(row, by),
        "size": abs(gap),
    }
    claim = (
        _(
            "On-time {what} are {size:number1} percentage points rarer for {group} than for others "
            "with like cases.",
            **words,
        )
        if gap < 0
        else _(
            "On-time {what} are {size:number1} percentage points more frequent for {group} than "
            "for others with like cases.",
            **words,
        )
    )
    detail = _(
        "difference {gap:signed} percentage points (95% CI {ends:interval}); {share:share} on "
        "time; n = {n:count}",
        gap=gap,
        ends=ends,
        share=row["estimate"],
        n=row["n"],
    )
    return Finding(
        claim,
        i18n.opening(detail),
        value=float(row["gap"]),
        low=float(row["gap_low"]),
        high=float(row["gap_high"]),
        unit="gap",
        measure=f"{IN_TIME[row['term']]}:gap",
        at={by: str(row[by])},
        verdict=str(row["verdict"]),
        importance=Importance.NOTABLE,
    )


def _unequal_waits(row: pd.Series, by: str, used: Sequence[str]) -> Finding:
    ratio = row["ratio"]
    words = {"what": _(WAITED[row["term"]]), "group": group_name(row, by), "size": abs(ratio - 1)}
    claim = (
        _(
            "{group} waits {size:share} less for {what} than others with like cases; shares on "
            "time do not differ significantly.",
            **words,
        )
        if ratio < 1
        else _(
            "{group} waits {size:share} longer for {what} than others with like cases; shares on "
            "time do not differ significantly.",
            **words,
        )
    )
    detail = _(
        "wait {ratio:share} of that of all others (95% CI {ends:share_interval}); n = {n:count}",
        ratio=ratio,
        ends=(row["ratio_low"], row["ratio_high"]),
        n=row["n"],
    )
    return Finding(
        i18n.opening(claim),
        i18n.opening(detail),
        value=float(ratio),
        low=float(row["ratio_low"]),
        high=float(row["ratio_high"]),
        unit="share",
        measure=f"{row['term']}:wait",
        at={by: str(row[by])},
        verdict=str(row["verdict"]),
        importance=Importance.NOTABLE,
    )
