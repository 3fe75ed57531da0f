"""Was it solved at the first contact? Who comes back, and how often cases are reopened.

    fit = first_contact_resolution(case_times(cases), stated="solved_at_first")
    fit.table           # window, term, estimate: share with no further contact within so many days
    fit.stated          # share of customers who say so, where a column asks them
    reopen_rate(cases, by="channel")

There is no one window: a share at 1 day flatters, one at 30 counts new problems as old ones. So all
of them are given, each of the first contacts that are old enough for it: of a younger one it cannot
be known yet whether the customer will come back. A case that is still open is not solved. Behaviour
and words differ too: some give up, others call to say thank you.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import case_notes, observed_until, require_case_columns
from cxlib.stats.notes import resampling_note

WINDOWS = (1, 3, 7, 14, 30)  # days
DAY = pd.Timedelta(days=1)


def first_contact_resolution(
    sample: SampleLike,
    *,
    windows: Sequence[int] = WINDOWS,
    issue: str = "category",
    stated: str = "",
    by: str | None = None,
) -> Result:
    """Share of issues solved at the first contact, for each window of days.

    A first contact is a case that follows no other of the same customer and issue within the
    longest window. It fails a window when the same comes again within so many days, and in any
    window when the case is still open, was reopened or took longer than the longest window. Each
    window is judged by the contacts at least so many days old; a window that the data do not span
    is left out and named.

    Parameters
    ----------
    sample : cases of `case_times`, with customer_id
    windows : days, each 1 or more
    issue : column that says what a case is about; all cases are about the same where it is absent
    stated : column of what customers say themselves, yes (1) or no (0); "" for none
    by : column of groups

    Returns
    -------
    Result with "table": [by,] window, term ("solved at the first contact"), estimate (share without
    a further contact within so many days), low, high, n (first contacts old enough),
    simultaneous_low, simultaneous_high; and "stated": [by,] term, estimate (share of customers who
    say so), low, high, n, without rows
    where they are not asked.

    Raises
    ------
    ValueError : columns that are absent, windows under a day, stated answers other than 0 and 1
    InsufficientData : no case has a customer, or none is as old as the shortest window

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> day = pd.to_datetime(["2026-03-02", "2026-03-04", "2026-03-02"])
    >>> cases = pd.DataFrame({"customer_id": ["a", "a", "b"], "opened_at": day, "solved_at": day})
    >>> fit = first_contact_resolution(case_times(cases, as_of="2026-05-01"), windows=[1, 7])
    >>> fit.table["estimate"].tolist()
    [1.0, 0.5]
    """
    sample = as_sample(sample)
    windows = sorted(set(windows))
    require_case_columns(sample, "customer_id", "solution_hours", *[c for c in (stated, by) if c])
    if not windows or windows[0] < 1:
        raise ValueError(f"windows are {list(windows)}; give days, each 1 or more.")
    known = sample.where(sample["customer_id"].notna())
    if not len(known):
        raise InsufficientData(
            _(
                "None of {n:count} cases has a customer_id, so repeat contacts cannot be counted.",
                n=len(sample),
            )
        )
    first, fails, watched = _first(known, issue, windows[-1])
    judged = [w for w in windows if (first & (watched >= w)).any()]
    if not judged:
        raise InsufficientData(_too_young(windows[:1], watched))
    contacts = known.assign(_fails=fails, _watched=watched).where(first)
    table, replicates = _table(contacts, judged, by)
    answers = _stated(contacts, stated, by)
    unasked = (
        ""
        if stated
        else _(
            "What customers themselves say needs a question that asks them, named in study.yaml."
        )
    )
    unknown = [w for w in windows if w not in judged]
    young = _too_young(unknown, watched) if unknown else ""
    notes = [*case_notes(sample), _left_out(sample, known, first, issue), young, unasked]
    return Result(
        {"table": table, "stated": answers},
        _finding(table, answers, by, judged[-1], young),
        i18n.together([*notes, resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
    )


def _table(
    contacts: Sample, judged: Sequence[int], by: str | None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Shares by group and window of the contacts that are old enough, and their replicates.

    n is that of all contacts where so few are too young that subtraction would count them.
    """
    found = []
    groups, place = shares.group_places(contacts[by] if by else None, len(contacts))
    every = np.bincount(place[place >= 0], minlength=len(groups))
    for days in judged:
        solved = (contacts["_fails"] > days).astype(float).where(contacts["_watched"] >= days)
        names, drawn, n = shares.group_shares(contacts, solved, by)
        near = disclosure.near_whole(n, every)
        found += [(name, days, drawn[[k]], near[k]) for k, name in enumerate(names) if n[k]]
    found.sort(key=lambda f: (list(names).index(f[0]), f[1]))
    share = np.concatenate([f[2].estimate for f in found])
    replicates = np.concatenate([f[2].replicates for f in found], axis=1)
    ends = [shares.interval_columns(f[2], np.array([f[3]]), len(found)) for f in found]
    table = pd.DataFrame(
        {
            "window": [_days(f[1]) for f in found],
            "term": "solved at the first contact",
            "estimate": share,
            **{name: np.concatenate([e[name] for e in ends]) for name in ends[0]},
        }
    )
    if by:
        table.insert(0, by, [f[0] for f in found])
    return contacts.counted(table), replicates


def _too_young(windows: Sequence[int], watched: np.ndarray) -> str:
    """Which windows cannot be judged, and why."""
    return _(
        "Repeat contacts within {windows:list} cannot be known yet: the oldest case is "
        "{days:count} days old.",
        windows=[_days(w) for w in windows],
        days=int(np.nanmax(watched, initial=0.0)),
    )


def _first(sample: Sample, issue: str, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which cases are first contacts; days until the same comes again; days observed."""
    rows = sample.data
    same = ["customer_id", *([issue] if issue in rows else [])]
    opened = rows["opened_at"].sort_values(kind="stable")
    each = opened.groupby([rows[c] for c in same], dropna=False)
    since = (each.diff() / DAY).reindex(rows.index).to_numpy(float)
    until = (-each.diff(-1) / DAY).reindex(rows.index).to_numpy(float)
    watched = ((observed_until(sample) - rows["opened_at"]) / DAY).to_numpy(float)
    late = (rows["solution_hours"] > 24 * longest).to_numpy() | ~rows["solved"].to_numpy(bool)
    again = rows["reopened"].fillna(False).to_numpy(bool) if "reopened" in rows else False
    fails = np.where(late | again, 0.0, np.nan_to_num(until, nan=np.inf))
    return ~(since <= longest), fails, watched


def _days(days: int) -> str:
    if days == 1:
        return _("1 day")
    return _("{days:count} days", days=days)


def _stated(contacts: Sample, stated: str, by: str | None) -> pd.DataFrame:
    if not stated:
        return pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
    answers = pd.to_numeric(contacts[stated], errors="coerce")
    if odd := int((~answers.dropna().isin([0, 1])).sum()):
        raise ValueError(
            f"{stated}: {odd:,} of {answers.notna().sum():,} answers are neither 0 nor 1. Recode "
            "them in study.yaml: yes to 1, no to 0."
        )
    return _shares(contacts, answers, "as reported by the customer", by)[0]


def _shares(
    sample: Sample, hit: pd.Series, term: str, by: str | None
) -> tuple[pd.DataFrame, np.ndarray]:
    names, drawn, n = shares.group_shares(sample, hit, by)
    ends = shares.interval_columns(drawn, n, len(names))
    table = pd.DataFrame({"term": term, "estimate": drawn.estimate, **ends})
    if by:
        table.insert(0, by, names)
    return sample.counted(table), drawn.replicates


def reopen_rate(sample: SampleLike, *, by: str | None = None) -> Result:
    """Share of the solved cases that were reopened.

    Parameters
    ----------
    sample : cases of `case_times`, with `reopened` (true, false or missing)
    by : column of groups

    Returns
    -------
    Result with "table": [by,] term ("reopened"), estimate, low, high (Wilson), n (solved cases)
    and, for several groups, simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : `reopened` is not on file
    InsufficientData : no case was solved

    References
    ----------
    Wilson (1927).

    Examples
    --------
    >>> cases = pd.DataFrame({"solved": True, "reopened": [True, False, False, False]})
    >>> cases["opened_at"] = pd.Timestamp("2026-03-02")
    >>> reopen_rate(cases).table["estimate"].tolist()
    [0.25]
    """
    sample = as_sample(sample)
    require_case_columns(sample, "reopened", "solved", *([by] if by else []))
    solved = sample.where(sample["solved"] & sample["reopened"].notna())
    if not len(solved):
        raise InsufficientData(
            _("None of {n:count} cases is resolved, so none can be reopened.", n=len(sample))
        )
    table, replicates = _shares(solved, solved["reopened"].astype(float), "reopened", by)
    return Result(
        table,
        _reopened(table, by),
        i18n.together([*case_notes(sample), resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
    )


def _reopened(table: pd.DataFrame, by: str | None) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("Too few resolved cases to say how many are reopened.")
        return Finding(claim, importance=Importance.METHOD)
    row = shown.loc[shown["estimate"].idxmax()]
    words = {"share": row["estimate"], "group": shares.group_name(row, by)}
    facts: dict[str, Any] = {
        "unit": "share",
        "measure": "reopened",
        "at": {by: str(row[by])} if by else {},
    }
    line = shares.interval_line(row)
    if not by:
        claim = _("{share:share} of resolved cases were reopened.", **words)
        return Finding.of_row(row, claim, line, **facts)
    if shares.significant(shown, row):
        words["others"] = alike = shares.alike(shown, row, by)
        claim = (
            _(
                "Cases are reopened more often for {group} than for some others: {share:share}; "
                "not significantly different: {others:quoted_list3}.",
                **words,
            )
            if alike
            else _("Cases are reopened most often for {group}: {share:share}.", **words)
        )
        return Finding.of_row(
            row, claim, line, **facts, verdict="worse", importance=Importance.NOTABLE
        )
    claim = _(
        "The share of reopened cases does not differ significantly by {column:inner}; it is "
        "highest for “{group:label}”, {share:share}.",
        column=by,
        group=row[by],
        share=row["estimate"],
    )
    return Finding.of_row(row, claim, line, **facts)


def _left_out(sample: Sample, known: Sample, first: np.ndarray, issue: str) -> str:
    counts = {"n": disclosure.count_in_words(int((~first).sum())), "offered": len(known)}
    notes = [
        _(
            "{n} of {offered:count} cases follow another of the same customer and category "
            "and are not first contacts.",
            **counts,
        )
        if issue in sample
        else _(
            "{n} of {offered:count} cases follow another of the same customer and are not "
            "first contacts.",
            **counts,
        )
    ]
    if blank := len(sample) - len(known):
        notes.append(
            ngettext(
                "{n:count} case without a customer is left out.",
                "{n:count} cases without a customer are left out.",
                blank,
            )
        )
    return i18n.together(notes)


def _finding(
    table: pd.DataFrame, stated: pd.DataFrame, by: str | None, longest: int, young: str
) -> Finding:
    shown = disclosure.shown(table)
    last = shown[shown["window"] == _days(longest)]
    if last.empty:
        claim = _("Too few first contacts to say how many were solved.")
        return Finding(claim, importance=Importance.METHOD)
    row = last.loc[last["estimate"].idxmin()]
    words = {
        "share": row["estimate"],
        "days": _days(longest),
        "group": shares.group_name(row, by),
    }
    lines = [shares.interval_line(row)]
    claim = (
        _(
            "Fewest issues are resolved at first contact for {group}: {share:share} without a "
            "repeat contact within {days}.",
            **words,
        )
        if by
        else _(
            "{share:share} of issues are resolved at first contact, without a repeat contact "
            "within {days}.",
            **words,
        )
    )
    asked = disclosure.shown(stated)
    if len(asked) and not by:
        one = asked.iloc[0]
        said = _("as customers state, {share:share}", share=one["estimate"])
        lines.append(shares.interval_line(one, said))
    return Finding.of_row(
        row,
        claim,
        _("; ").join([*lines, *([young] if young else [])]),
        unit="share",
        measure="first_contact_resolution",
        at={"window": str(row["window"])} | ({by: str(row[by])} if by else {}),
        importance=Importance.ANSWER,
    )
