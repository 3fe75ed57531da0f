"""Was it solved at the first contact? Who comes back, and how often cases are reopened.

    fit = first_contact_resolution(case_times(cases), stated="solved_at_first")
    fit.table           # window, term, estimate: share with no further contact within so many days
    fit.stated          # share of customers who say so, where a column asks them
    reopen_rate(cases, by="channel")

There is no one window: a share at 1 day flatters, one at 30 counts new problems as old ones. So the
whole curve is given. Behaviour and words differ too: some give up, others call to say thank you.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import case_notes, observed_until, require_case_columns
from cxlib.stats.intervals import simultaneous_interval
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
    longest window. It fails a window when the same comes again within so many days, in any window
    when the case was reopened or stayed open for longer than the longest one; one whose window is
    not over counts as far as it was observed (Kaplan and Meier).

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
    a further contact within so many days), low, high (simultaneous), n (first contacts); and
    "stated": [by,] term, estimate (share of customers who say so), low, high, n, without rows where
    they are not asked.

    Raises
    ------
    ValueError : columns that are absent, windows under a day, stated answers other than 0 and 1
    InsufficientData : no case has a customer

    References
    ----------
    Kaplan and Meier (1958).

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
    happened = fails <= watched
    contacts = known.assign(_hours=np.where(happened, fails, watched), _failed=happened)
    contacts, at = contacts.where(first), np.array(windows, float)
    parts = list(shares.group_samples(contacts, by))
    drawn = [
        shares.cases_within(part, part["_hours"].to_numpy(), part["_failed"].to_numpy(), at)
        for _unused, part in parts
    ]
    share = 1 - np.concatenate([d.estimate for d in drawn])
    replicates = 1 - np.concatenate([d.replicates for d in drawn], axis=1)
    low, high = simultaneous_interval(share, replicates)
    table = pd.DataFrame(
        {
            "window": [_days(d) for d in windows] * len(parts),
            "term": "solved at the first contact",
            "estimate": share,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": np.repeat([len(part) for _unused, part in parts], len(at)),
        }
    )
    if by:
        table.insert(0, by, np.repeat([name for name, _unused in parts], len(at)))
    answers = _stated(contacts, stated, by)
    unasked = (
        ""
        if stated
        else _(
            "The other definition, what customers say of it, needs a question that asks them, "
            "named in study.yaml."
        )
    )
    notes = [*case_notes(sample), _left_out(sample, known, first, issue), unasked]
    return Result(
        {"table": table, "stated": answers},
        _finding(table, answers, by, windows[-1]),
        i18n.together([*notes, resampling_note(sample)]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
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
    never = ~rows["solved"].to_numpy(bool) & (watched > longest)
    late = (rows["solution_hours"] > 24 * longest).to_numpy() | never
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
    return _shares(contacts, answers, "said so by the customer", by)[0]


def _shares(
    sample: Sample, hit: pd.Series, term: str, by: str | None
) -> tuple[pd.DataFrame, np.ndarray]:
    names, drawn, n = shares.group_shares(sample, hit, by)
    low, high = shares.share_interval(drawn, n, len(names))
    table = pd.DataFrame(
        {"term": term, "estimate": drawn.estimate, "low": low, "high": high, "n": n}
    )
    if by:
        table.insert(0, by, names)
    return table, drawn.replicates


def reopen_rate(sample: SampleLike, *, by: str | None = None) -> Result:
    """Share of the solved cases that were reopened.

    Parameters
    ----------
    sample : cases of `case_times`, with `reopened` (true, false or missing)
    by : column of groups

    Returns
    -------
    Result with "table": [by,] term ("reopened"), estimate, low, high (Wilson, simultaneous), n
    (solved cases).

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
        return Finding(_("Too few solved cases to say how many are reopened."))
    row = shown.loc[shown["estimate"].idxmax()]
    facts = shares.share_facts(row) | {"group": i18n.label(str(row[by])) if by else ""}
    if by:
        claim = _("Most often reopened: {group}, {share} ({span}), n {n}.", **facts)
    else:
        claim = _("{share} ({span}) of {n} solved cases were reopened.", **facts)
    return Finding(claim, value=float(row["estimate"]), unit="share")


def _left_out(sample: Sample, known: Sample, first: np.ndarray, issue: str) -> str:
    counts = {"n": (~first).sum(), "offered": len(known)}
    notes = [
        _(
            "{n:count} of {offered:count} cases follow another of the same customer and category "
            "and are no first contacts.",
            **counts,
        )
        if issue in sample
        else _(
            "{n:count} of {offered:count} cases follow another of the same customer and are no "
            "first contacts.",
            **counts,
        )
    ]
    if blank := len(sample) - len(known):
        notes.append(_("{n:count} cases without a customer are left out.", n=blank))
    return i18n.together(notes)


def _finding(table: pd.DataFrame, stated: pd.DataFrame, by: str | None, longest: int) -> Finding:
    shown = disclosure.shown(table)
    last = shown[shown["window"] == _days(longest)]
    if last.empty:
        return Finding(_("Too few first contacts to say how many were solved."))
    row = last.loc[last["estimate"].idxmin()]
    value = float(row["estimate"])
    facts = shares.share_facts(row) | {
        "days": i18n.count(longest),
        "group": i18n.label(str(row[by])) if by else "",
    }
    if by:
        claim = _(
            "Fewest are solved at the first contact of {group}: {share} ({span}) did "
            "not come back within {days} days; n {n}.",
            **facts,
        )
        return Finding(claim, value=value, unit="share")
    claims = [
        _(
            "{share} ({span}) of {n} first contacts were solved and did not come back "
            "within {days} days.",
            **facts,
        )
    ]
    asked = disclosure.shown(stated)
    if len(asked):
        one = shares.share_facts(asked.iloc[0])
        claims.append(_("Of {n} customers asked, {share} ({span}) say so.", **one))
    return Finding(i18n.together(claims), value=value, unit="share")
