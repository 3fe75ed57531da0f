"""Was it solved at the first contact? Who comes back, and how often cases are opened again.

    fit = first_contact(timed(cases), stated="solved_at_first")
    fit.table           # term, days, estimate: share with no further contact within so many days
    fit.stated          # share of customers who say so, where a column asks them
    reopened(rows, by="channel")

There is no one window: a share at 1 day flatters, one at 30 counts new troubles as old ones. So the
whole curve is told. Behaviour and words differ too: some give up, others call to say thank you.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.casebook import about, needs
from cxlib.stats.intervals import simultaneous_interval

WINDOWS = (1, 3, 7, 14, 30)  # days
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class FirstContact(Estimates):
    """First-contact resolution.

    Attributes
    ----------
    table : [group,] window, term ("solved at the first contact"), estimate (share without a further
        contact within so many days of the first), low, high (all at once), n (first contacts)
    stated : [group,] term, estimate (share of customers who say so), low, high, n; no row where
        they are not asked
    """

    stated: pd.DataFrame = field(kw_only=True)


def first_contact(
    rows: pd.DataFrame,
    *,
    windows: Sequence[int] = WINDOWS,
    issue: str = "category",
    stated: str = "",
    by: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> FirstContact:
    """Share of issues solved at the first contact, for each window of days; customers drawn whole.

    A first contact is a case that follows no other of the same customer and `issue` within the
    longest window. It fails a window when the same comes again within so many days, in any window
    when the case was reopened or stayed open for longer than the longest one; one whose window is
    not over counts as far as it was watched (Kaplan and Meier). `stated` is a column of answers,
    yes (1) or no (0). Raises ValueError without customers, or for windows under a day.
    """
    windows = sorted(set(windows))
    needs(rows, "customer_id", "solution_hours", *[c for c in (stated, by) if c])
    if not windows or windows[0] < 1:
        raise ValueError(f"windows are {list(windows)}; give days, each 1 or more.")
    known = rows[rows["customer_id"].notna()]
    if known.empty:
        raise ValueError(f"none of {len(rows):,} cases has a customer_id; nobody comes back.")
    first, fails, watched = _first(known, issue, windows[-1])
    contacts, at = known[first], np.array(windows, float)
    names, place = shares.groups(contacts[by] if by else None, len(contacts))
    hours, failed = np.where(fails <= watched, fails, watched)[first], (fails <= watched)[first]
    parts = [
        shares.reached(
            hours[place == k],
            failed[place == k],
            at,
            shares.who_of(contacts[place == k]),
            draws=draws,
            seed=seed,
        )
        for k in range(len(names))
    ]
    n = np.repeat([int((place == k).sum()) for k in range(len(names))], len(at))
    share = 1 - np.concatenate([p.estimate for p in parts])
    replicates = 1 - np.concatenate([p.replicates for p in parts], axis=1)
    low, high = simultaneous_interval(share, replicates)
    table = pd.DataFrame(
        {
            "window": [_days(d) for d in windows] * len(names),
            "term": "solved at the first contact",
            "estimate": share,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": n,
        }
    )
    if by:
        table.insert(0, by, np.repeat(names, len(at)))
    said = _stated(contacts, stated, by, draws, seed)
    unasked = (
        ""
        if stated
        else _(
            "The other definition, what customers say of it, needs a question that asks them, "
            "named in study.yaml."
        )
    )
    note = i18n.together(
        [
            *about(rows),
            _left_out(rows, known, first, issue),
            unasked,
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    answer = _said(table, said, by, windows[-1])
    return FirstContact(
        table, answer, note, "share", draws=draws, seed=seed, replicates=replicates, stated=said
    )


def _first(rows: pd.DataFrame, issue: str, longest: int) -> tuple[np.ndarray, ...]:
    """Which cases are first contacts; days until the same comes again; days watched."""
    same = ["customer_id", *([issue] if issue in rows else [])]
    opened = rows["opened_at"].sort_values(kind="stable")
    each = opened.groupby([rows[c] for c in same], dropna=False)
    since = (each.diff() / DAY).reindex(rows.index).to_numpy(float)
    until = (-each.diff(-1) / DAY).reindex(rows.index).to_numpy(float)
    seen = rows.attrs.get("seen", rows["opened_at"].max())
    watched = ((seen - rows["opened_at"]) / DAY).to_numpy(float)
    never = ~rows["solved"].to_numpy(bool) & (watched > longest)
    late = (rows["solution_hours"] > 24 * longest).to_numpy() | never
    again = rows["reopened"].fillna(False).to_numpy(bool) if "reopened" in rows else False
    fails = np.where(late | again, 0.0, np.nan_to_num(until, nan=np.inf))
    return ~(since <= longest), fails, watched


def _days(days: int) -> str:
    if days == 1:
        return _("1 day")
    return _("{days:count} days", days=days)


def _stated(
    contacts: pd.DataFrame, stated: str, by: str | None, draws: int, seed: int
) -> pd.DataFrame:
    if not stated:
        return pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
    answers = pd.to_numeric(contacts[stated], errors="coerce")
    if odd := int((~answers.dropna().isin([0, 1])).sum()):
        raise ValueError(
            f"{stated}: {odd:,} of {answers.notna().sum():,} answers are neither 0 nor 1. Recode "
            "them in study.yaml: yes to 1, no to 0."
        )
    return _shares(contacts, answers, "said so by the customer", by, draws, seed)[0]


def _shares(
    rows: pd.DataFrame, hit: pd.Series, term: str, by: str | None, draws: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    names, drawn, n = shares.of_groups(
        hit, rows[by] if by else None, shares.who_of(rows), draws=draws, seed=seed
    )
    low, high = shares.bounds(drawn, n, len(names))
    table = pd.DataFrame(
        {"term": term, "estimate": drawn.estimate, "low": low, "high": high, "n": n}
    )
    if by:
        table.insert(0, by, names)
    return table, drawn.replicates


def reopened(
    rows: pd.DataFrame, *, by: str | None = None, draws: int = 1000, seed: int = 1
) -> Estimates:
    """Share of the solved cases that came back, Wilson intervals held together.

    table: [by,] term ("reopened"), estimate, low, high, n (solved cases). Raises ValueError where
    `reopened` is not on file, or no case was solved.
    """
    needs(rows, "reopened", "solved", *([by] if by else []))
    solved = rows[rows["solved"] & rows["reopened"].notna()]
    if solved.empty:
        raise ValueError(f"none of {len(rows):,} cases is solved, so that none can come back.")
    hit = solved["reopened"].astype(float)
    table, again = _shares(solved, hit, "reopened", by, draws, seed)
    customers = "customer_id" if "customer_id" in rows else None
    note = i18n.together([*about(rows), how_drawn(draws, bucket=customers)])
    return Estimates(
        table, _came_back(table, by), note, "share", draws=draws, seed=seed, replicates=again
    )


def _came_back(table: pd.DataFrame, by: str | None) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few solved cases to say how many come back.")
    row = shown.loc[shown["estimate"].idxmax()]
    facts = shares.in_words(row) | {"group": i18n.label(str(row[by])) if by else ""}
    if by:
        return _("Most often reopened: {group}, {share} ({span}), n {n}.", **facts)
    return _("{share} ({span}) of {n} solved cases came back.", **facts)


def _left_out(rows: pd.DataFrame, known: pd.DataFrame, first: np.ndarray, issue: str) -> str:
    said = [
        _(
            "{n:count} of {offered:count} cases follow another of the same customer and category "
            "and are no first contacts.",
            n=(~first).sum(),
            offered=len(known),
        )
        if issue in rows
        else _(
            "{n:count} of {offered:count} cases follow another of the same customer and are no "
            "first contacts.",
            n=(~first).sum(),
            offered=len(known),
        )
    ]
    if blank := len(rows) - len(known):
        said.append(_("{n:count} cases without a customer are left out.", n=blank))
    return i18n.together(said)


def _said(table: pd.DataFrame, stated: pd.DataFrame, by: str | None, longest: int) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few first contacts to say how many were solved.")
    last = shown[shown["window"] == _days(longest)]
    row = last.loc[last["estimate"].idxmin()]
    facts = shares.in_words(row) | {
        "days": i18n.count(longest),
        "group": i18n.label(str(row[by])) if by else "",
    }
    if by:
        return _(
            "Fewest are solved at the first contact of {group}: {share} ({span}) did "
            "not come back within {days} days; n {n}.",
            **facts,
        )
    said = [
        _(
            "{share} ({span}) of {n} first contacts were solved and did not come back "
            "within {days} days.",
            **facts,
        )
    ]
    told = disclosure.shown(stated)
    if len(told):
        one = told.iloc[0]
        said.append(_("Of {n} customers asked, {share} ({span}) say so.", **shares.in_words(one)))
    return i18n.together(said)
