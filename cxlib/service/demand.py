"""What comes in: complaints by touchpoint, cases by the hour of the week, cases a customer.

complaint_rate(cases, events)          # cases in a thousand contacts with each touchpoint
complaint_rate(cases, customers=customers)             # cases in a thousand customers
workload(cases)                        # weekday, term (hours), estimate: cases in such hours
exposed(cases, customers, weeks=26)    # a row a customer and week, for a chart of the rate
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.casebook import needs
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import simultaneous_interval

PER = 1000
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK = pd.Timedelta(weeks=1)


def complaint_rate(
    cases: pd.DataFrame,
    events: pd.DataFrame | None = None,
    *,
    customers: pd.DataFrame | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Cases in a thousand contacts with each touchpoint, 95% intervals held together.

    A case belongs to the touchpoint that its category is called by; contacts are counted in the
    days in which cases are. Without `events`, or where no category is a touchpoint: cases of each
    category in a thousand of the `customers`. Customers are drawn whole, with their cases and their
    contacts. table: term, estimate, low, high, n (cases), contacts; without rows where cases and
    contacts have no name in common. Raises ValueError where neither events nor customers are given.
    """
    needs(cases, "category", "opened_at")
    if events is None:
        return _per_customer(cases, customers, draws, seed)
    seen = cases.attrs.get("seen", cases["opened_at"].max())
    events = events[events["at"].between(cases["opened_at"].min(), seen)]
    terms = sorted(set(cases["category"].dropna()) & set(events["touchpoint"].dropna()))
    if not terms and customers is not None:
        return _per_customer(cases, customers, draws, seed)
    if not terms:
        return _none_in_common(cases, draws, seed)
    met = events[events["touchpoint"].isin(terms)]
    about = cases[cases["category"].isin(terms)]
    sides = [
        t[["customer_id", c]].set_axis(["customer_id", "what"], axis=1)
        for t, c in ((met, "touchpoint"), (about, "category"))
    ]
    both = pd.concat(sides, ignore_index=True)
    place = pd.Index(terms).get_indexer(both["what"])
    place[len(met) :] += len(terms)
    parts = (place[:, None] == np.arange(2 * len(terms))).astype(float)
    k, sums = len(terms), parts.sum(0)
    how = {"draws": draws, "seed": seed, "who": shares.who_of(both)}
    rate, again = (PER * part for part in ratio(parts[:, k:], parts[:, :k], **how))
    others = len(cases) - len(about)
    said = (
        _("{n:count} cases are about no touchpoint that contacts are on file for.", n=others)
        if others
        else ""
    )
    return _rates(terms, rate, again, sums[k:], sums[:k], said, draws, seed)


def _none_in_common(cases: pd.DataFrame, draws: int, seed: int) -> Estimates:
    about = cases["category"].value_counts().index[:3]
    answer = _(
        "No complaint rate: no case is about a touchpoint that contacts are on file for. Most "
        "cases are about {categories:label_list}; give the touchpoints of the events the same "
        "names, or load the customers.",
        categories=about,
    )
    table = pd.DataFrame(columns=["term", "estimate", "low", "high", "n", "contacts"])
    return Estimates(table, answer, "", draws=draws, seed=seed)


def _per_customer(
    cases: pd.DataFrame, customers: pd.DataFrame | None, draws: int, seed: int
) -> Estimates:
    if customers is None or not len(customers):
        raise ValueError("give the events, or the customers there are (customers=...).")
    terms, place = shares.groups(cases["category"], len(cases))
    parts = (place[:, None] == np.arange(len(terms))).astype(float)
    sums, drawn = parts.sum(0), resampling.resample_sums(parts, draws, seed, shares.who_of(cases))
    rate, again = PER * sums / len(customers), PER * drawn / len(customers)
    of = np.full(len(terms), float(len(customers)))
    return _rates(terms, rate, again, sums, of, "", draws, seed, per_customer=True)


def _rates(
    terms: list[str],
    rate: np.ndarray,
    again: np.ndarray,
    cases: np.ndarray,
    contacts: np.ndarray,
    said: str,
    draws: int,
    seed: int,
    per_customer: bool = False,
) -> Estimates:
    with np.errstate(divide="ignore"):
        logs = np.log(again)
    low, high = simultaneous_interval(np.log(rate), np.where(np.isfinite(logs), logs, np.nan))
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": rate,
            "low": np.exp(low),
            "high": np.exp(high),
            "n": cases.astype(int),
            "contacts": contacts.astype(int),
        }
    )
    table = table.sort_values("estimate", ascending=False, kind="stable")
    shown = disclosure.shown(table)
    if shown.empty:
        answer = _("Too few cases to tell what they are about.")
    else:
        row = shown.iloc[0]
        facts = {
            "rate": row["estimate"],
            "n": row["n"],
            "span": (row["low"], row["high"]),
            "term": row["term"],
            "per": PER,
        }
        answer = (
            _(
                "Most complaints for each customer: {term:label}, {rate:number1} "
                "({span:interval1}) in {per:count}; n {n:count}.",
                **facts,
            )
            if per_customer
            else _(
                "Most complaints for each contact: {term:label}, {rate:number1} "
                "({span:interval1}) in {per:count}; n {n:count}.",
                **facts,
            )
        )
    note = i18n.together(
        [
            _("Each the number of cases for {per:count}; the intervals hold together.", per=PER),
            said,
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    order = table.index.to_numpy()
    return Estimates(
        table.reset_index(drop=True),
        answer,
        note,
        "",
        draws=draws,
        seed=seed,
        replicates=again[:, order],
    )


def workload(cases: pd.DataFrame, *, hours: int = 4, draws: int = 1000, seed: int = 1) -> Estimates:
    """Cases that come in on each weekday, in parts of `hours` hours, in a usual week.

    Whole weeks are drawn, as busy and quiet ones are what a roster has to bear; intervals hold
    together. table: weekday, term (hours), estimate (cases a week), low, high, n (cases). Raises
    ValueError for fewer than four whole weeks.
    """
    needs(cases, "opened_at")
    if 24 % hours:
        raise ValueError(f"hours is {hours}; a day must hold a whole number of such parts.")
    opened = cases["opened_at"].dropna()
    if opened.eq(opened.dt.normalize()).all():
        hours = 24  # days are all that is on file
    seen = cases.attrs.get("seen", opened.max())
    first = opened.min().normalize()
    first += pd.Timedelta(days=(7 - first.weekday()) % 7)
    weeks = int((seen - first) / WEEK)
    if weeks < 4:
        raise ValueError(
            f"the cases span {max(weeks, 0)} whole weeks; a usual one needs 4 or more."
        )
    inside = opened[(opened >= first) & (opened < first + weeks * WEEK)]
    week = ((inside - first) // WEEK).to_numpy(int)
    part = (inside.dt.day_of_week * (24 // hours) + inside.dt.hour // hours).to_numpy(int)
    parts = np.zeros((weeks, 7 * 24 // hours))
    np.add.at(parts, (week, part), 1)
    again = ratio(parts, np.ones((weeks, 1)), draws=draws, seed=seed).replicates
    mean = parts.mean(0)
    low, high = simultaneous_interval(mean, again, units=weeks)
    table = pd.DataFrame(
        {
            "weekday": np.repeat(WEEKDAYS, 24 // hours),
            "term": [
                f"{h:02d}–{h + hours:02d}" if hours < 24 else _("all day")
                for h in range(0, 24, hours)
            ]
            * 7,
            "estimate": mean,
            "low": np.maximum(low, 0),
            "high": high,
            "n": parts.sum(0).astype(int),
        }
    )
    there = table["n"].to_numpy() > 0  # hours in which nothing ever comes are no news
    table, again = table[there].reset_index(drop=True), again[:, there]
    return Estimates(
        table,
        _busiest(table, mean),
        _weeks(weeks, first, draws),
        "",
        draws=draws,
        seed=seed,
        replicates=again,
    )


def _busiest(table: pd.DataFrame, mean: np.ndarray) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few cases to tell busy hours from quiet ones.")
    row = shown.loc[shown["estimate"].idxmax()]
    facts = {
        "day": row["weekday"],
        "hours": row["term"],
        "cases": row["estimate"],
        "span": (row["low"], row["high"]),
        "usual": mean.mean(),
        "week": mean.sum(),
    }
    if table["weekday"].is_unique:
        return _(
            "Most cases come on {day:label}: {cases:number1} a week ({span:interval1}); the "
            "average over all days is {usual:number1}, and {week:count} in a whole week.",
            **facts,
        )
    return _(
        "Most cases come on {day:label}, {hours} o'clock: {cases:number1} a week "
        "({span:interval1}); the average over all hours is {usual:number1}, and {week:count} in a "
        "whole week.",
        **facts,
    )


def _weeks(weeks: int, first: pd.Timestamp, draws: int) -> str:
    return _(
        "{weeks:count} whole weeks from {first:date}; {draws:count} draws of whole weeks.",
        weeks=weeks,
        first=first,
        draws=draws,
    )


def exposed(
    cases: pd.DataFrame, customers: pd.DataFrame, *, weeks: int = 26, most: int = 100_000
) -> pd.DataFrame:
    """A row for each customer and each of the last whole weeks as one: how many cases were opened.

    Columns: customer_id, week (ISO), cases, cases_per_1000: its mean is the rate whose chart has
    limits that follow how many customers there were (a u-chart). Of more than `most` customers so
    many are taken by lot, and said so.
    """
    needs(cases, "customer_id", "opened_at")
    seen = cases.attrs.get("seen", cases["opened_at"].max())
    end = seen.normalize() - pd.Timedelta(days=seen.weekday())
    first = cases["opened_at"].min().normalize()
    starts = [end - k * WEEK for k in range(weeks, 0, -1) if end - k * WEEK >= first]
    if not starts:
        raise ValueError(f"the cases from {first:%Y-%m-%d} to {seen:%Y-%m-%d} fill no whole week.")
    if len(customers) > most:
        lot = np.random.default_rng(0).permutation(len(customers))[:most]
        customers = customers.iloc[np.sort(lot)]
        print(_("{n:count} customers, taken by lot.", n=most))
    who = customers["customer_id"].to_numpy()
    joined = _day(customers, "joined_on", pd.Timestamp("1900-01-01"))
    left = _day(customers, "left_on", pd.Timestamp("2200-01-01"))
    counts = cases.groupby([cases["customer_id"], cases["opened_at"].dt.strftime("%G-W%V")]).size()
    parts = []
    for start in starts:
        here = who[(joined < start + WEEK) & (left > start)]
        parts.append(pd.DataFrame({"customer_id": here, "week": f"{start:%G-W%V}"}))
    rows = pd.concat(parts, ignore_index=True)
    index = pd.MultiIndex.from_frame(rows)
    opened = counts.reindex(index, fill_value=0).to_numpy()
    return rows.assign(cases=opened, cases_per_1000=PER * opened.astype(float))


def _day(customers: pd.DataFrame, column: str, otherwise: pd.Timestamp) -> np.ndarray:
    if column not in customers:
        return np.full(len(customers), otherwise)
    return customers[column].fillna(otherwise).to_numpy()
