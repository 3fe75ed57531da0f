"""What comes in: complaints by touchpoint, cases by the hour of the week, cases a customer.

complaint_rate(cases, events)          # cases in a thousand contacts with each touchpoint
complaint_rate(cases, customers=customers)             # cases in a thousand customers
workload(cases)                        # weekday, term (hours), estimate: cases in such hours
customer_weeks(cases, customers)       # a row a customer and week, for a chart of the rate
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import A_WEEK, PER_CONTACTS, PER_CUSTOMERS, deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import observed_until, require_case_columns
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns, simultaneous_interval
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design, resample_sums

PER = 1000
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK = pd.Timedelta(weeks=1)


def complaint_rate(
    sample: SampleLike, events: pd.DataFrame | None = None, *, customers: pd.DataFrame | None = None
) -> Result:
    """Cases in a thousand contacts with each touchpoint, or in a thousand customers.

    A case belongs to the touchpoint that its category is called by; contacts are counted in the
    days in which cases are. Without events, or where no category is a touchpoint: cases of each
    category in a thousand of the customers. Customers are resampled with their cases and contacts.

    Parameters
    ----------
    sample : cases (category, opened_at)
    events : contacts (customer_id, at, touchpoint)
    customers : one row a customer

    Returns
    -------
    Result with "table": term, estimate, low, high (pointwise; simultaneous limits stand in columns
    of their own), n (cases), contacts (or customers), the highest rate first; no row where cases
    and contacts have no name in common.

    Raises
    ------
    ValueError : neither events nor customers are given

    Examples
    --------
    >>> day = pd.Timestamp("2026-03-02")
    >>> cases = pd.DataFrame({"category": ["web", "web", "app"], "opened_at": day})
    >>> complaint_rate(cases, customers=pd.DataFrame(index=range(100))).table["estimate"].tolist()
    [20.0, 10.0]
    """
    sample = as_sample(sample)
    require_case_columns(sample, "category", "opened_at")
    if events is None:
        return _per_customer(sample, customers)
    start, end = sample["opened_at"].min(), observed_until(sample)
    events = events[events["at"].between(start, end)]
    terms = sorted(set(sample["category"].dropna()) & set(events["touchpoint"].dropna()))
    if not terms and customers is not None:
        return _per_customer(sample, customers)
    if not terms:
        return _none_in_common(sample)
    met = events[events["touchpoint"].isin(terms)]
    about = sample.data[sample["category"].isin(terms)]
    unit = sample.cluster or "customer_id"
    sides = [
        t[[unit, c]].set_axis([unit, "what"], axis=1)
        for t, c in ((met, "touchpoint"), (about, "category"))
    ]
    both = Sample(pd.concat(sides, ignore_index=True), cluster=unit, **sample.bootstrap)
    place = pd.Index(terms).get_indexer(both["what"])
    place[len(met) :] += len(terms)
    k = len(terms)
    parts = (place[:, None] == np.arange(2 * k)).astype(float)
    rate, again = ratio(parts[:, k:], parts[:, :k], **design(both))
    sums, others = parts.sum(0), len(sample) - len(about)
    note = (
        _("{n:count} cases are about no touchpoint that contacts are on file for.", n=others)
        if others
        else ""
    )
    table, again = _rates(terms, PER * rate, PER * again, sums[k:], sums[:k])
    return _rate_result(sample, _hidden_as_shares(table, sample), again, note)


def _none_in_common(sample: Sample) -> Result:
    about = sample["category"].value_counts().index[:3]
    claim = _(
        "No complaint rate: no case is about a touchpoint that contacts are on file for. Most "
        "cases are about {categories:label_list}; give the touchpoints of the events the same "
        "names, or load the customers.",
        categories=about,
    )
    table = pd.DataFrame(columns=["term", "estimate", "low", "high", "n", "contacts"])
    return Result(table, claim, draws=sample.draws, seed=sample.seed)


def _per_customer(sample: Sample, customers: pd.DataFrame | None) -> Result:
    if customers is None or not len(customers):
        raise ValueError("give the events, or the customers there are (customers=...).")
    terms, place = shares.group_places(sample["category"], len(sample))
    parts = (place[:, None] == np.arange(len(terms))).astype(float)
    sums, drawn = parts.sum(0), resample_sums(parts, **design(sample))
    rate, again = PER * sums / len(customers), PER * drawn / len(customers)
    of = np.full(len(terms), float(len(customers)))
    table, again = _rates(terms, rate, again, sums, of)
    table = _hidden_as_shares(table, sample)
    return _rate_result(sample, table, again, "", per_customer=True)


def _hidden_as_shares(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """The table with the categories hidden that their shares of all cases hide (`reasons`).

    Where one page has both, a count that is shown here would give those of the shares away.
    """
    n = sample["category"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    shares = pd.DataFrame({"term": n.index, "estimate": n / n.sum(), "n": n}).reset_index(drop=True)
    shares = sample.counted(shares, term="category")
    gone = shares["term"][disclosure.hidden(shares) != ""]
    return disclosure.with_people(table, np.where(table["term"].isin(gone), 0, table["n"]))


def _rates(
    terms: list[str], rate: np.ndarray, again: np.ndarray, cases: np.ndarray, contacts: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table, the highest rate first, and its replicates."""
    with np.errstate(divide="ignore"):
        logs = np.log(again)
    ends = interval_columns(np.log(rate), np.where(np.isfinite(logs), logs, np.nan))
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": rate,
            "n": cases.astype(int),
            "contacts": contacts.astype(int),
            **{c: np.exp(end) for c, end in ends.items()},
        }
    )
    table = table.sort_values("estimate", ascending=False, kind="stable")
    return table.reset_index(drop=True), again[:, table.index.to_numpy()]


def _rate_result(
    sample: Sample,
    table: pd.DataFrame,
    replicates: np.ndarray,
    note: str,
    per_customer: bool = False,
) -> Result:
    notes = [
        _("Each the number of cases for {per:count}.", per=PER),
        simultaneous_note(len(table)),
        note,
        resampling_note(sample),
    ]
    return Result(
        table,
        _with_period(_highest_rate(table, replicates, per_customer), sample),
        i18n.together(notes),
        PER_CUSTOMERS if per_customer else PER_CONTACTS,
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
    )


def _with_period(finding: Finding, sample: Sample) -> Finding:
    """With the months of the cases, which may hold a peak that is over."""
    months = sample["month"].dropna().astype(str) if "month" in sample else pd.Series(dtype=str)
    if months.nunique() < 2 or not finding.detail:
        return finding
    period = _(
        "all cases from {first:period} to {last:period}", first=months.min(), last=months.max()
    )
    return replace(finding, detail=_("; ").join([finding.detail, period]))


def _lower_rates(shown: pd.DataFrame, replicates: np.ndarray) -> np.ndarray:
    """Which of the other rates are significantly lower than the first: by their ratio to it.

    Intervals of two rates may overlap where their ratio, which is what is claimed, excludes 1.
    """
    rate, place = shown["estimate"].to_numpy(), shown.index.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.log(replicates[:, place[:1]]) - np.log(replicates[:, place[1:]])
    drawn = np.where(np.isfinite(drawn), drawn, np.nan)
    return simultaneous_interval(np.log(rate[0] / rate[1:]), drawn)[0] > 0


def _highest_rate(table: pd.DataFrame, replicates: np.ndarray, per_customer: bool) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        return Finding(_("Too few cases to say what they are about."), importance=Importance.METHOD)
    row = shown.iloc[0]
    words = {"rate": row["estimate"], "term": i18n.label(str(row["term"])), "per": PER}
    words["term"] = i18n.opening(i18n.quoted(words["term"]))
    claim = (
        _("{term} draws most complaints: {rate:count} per {per:count} customers.", **words)
        if per_customer
        else _("{term} draws most complaints: {rate:count} per {per:count} contacts.", **words)
    )
    lower = _lower_rates(shown, replicates) if len(shown) > 1 else np.array([], bool)
    apart = len(shown) > 1 and bool(lower.all())
    span = (row["low"], row["high"])
    detail = _("95% CI {span:interval}; n = {n:count} cases", span=span, n=row["n"])
    if len(shown) > 1 and not apart:
        next_ = _(
            "not significantly more than {term:quoted}", term=shown["term"].iloc[1 + lower.argmin()]
        )
        detail = _("; ").join([detail, next_])
    return Finding.of_row(
        row,
        claim,
        detail,
        measure="complaint_rate",
        at={"touchpoint": str(row["term"])},
        importance=Importance.NOTABLE if apart else Importance.CONTEXT,
    )


def workload(sample: SampleLike, *, hours: int = 4) -> Result:
    """Cases that come in on each weekday, in parts of `hours` hours, in a usual week.

    Whole weeks are resampled, as busy and quiet ones are what a roster has to bear.

    Parameters
    ----------
    sample : cases (opened_at)
    hours : length of a part of the day, a divisor of 24; whole days where only days are on file

    Returns
    -------
    Result with "table": weekday, term (hours), estimate (cases a week), low, high (pointwise;
    simultaneous limits stand in columns of their own), n (cases).

    Raises
    ------
    ValueError : a day holds no whole number of such parts
    InsufficientData : fewer than four whole weeks

    Examples
    --------
    >>> days = pd.date_range("2026-03-02", periods=35)
    >>> workload(pd.DataFrame({"opened_at": days})).table["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    sample = as_sample(sample)
    require_case_columns(sample, "opened_at")
    if 24 % hours:
        raise ValueError(f"hours is {hours}; a day must hold a whole number of such parts.")
    opened = sample["opened_at"].dropna()
    if opened.eq(opened.dt.normalize()).all():
        hours = 24  # days are all that is on file
    first = opened.min().normalize()
    first += pd.Timedelta(days=(7 - first.weekday()) % 7)
    weeks = int((observed_until(sample) - first) / WEEK)
    if weeks < 4:
        raise InsufficientData(
            _(
                "The cases span {weeks:count} complete weeks; a usual one needs 4 or more.",
                weeks=max(weeks, 0),
            )
        )
    inside = opened[(opened >= first) & (opened < first + weeks * WEEK)]
    week = ((inside - first) // WEEK).to_numpy(int)
    part = (inside.dt.day_of_week * (24 // hours) + inside.dt.hour // hours).to_numpy(int)
    parts = np.zeros((weeks, 7 * 24 // hours))
    np.add.at(parts, (week, part), 1)
    draws, seed = sample.draws, sample.seed
    mean = parts.mean(0)
    again = ratio(parts, np.ones((weeks, 1)), draws=draws, seed=seed).replicates
    ends = interval_columns(mean, again, units=weeks)
    starts = range(0, 24, hours)
    names = [f"{h:02d}–{h + hours:02d}" if hours < 24 else _("all day") for h in starts]
    table = pd.DataFrame(
        {
            "weekday": np.repeat(WEEKDAYS, len(names)),
            "term": names * 7,
            "estimate": mean,
            "n": parts.sum(0).astype(int),
            **{c: np.maximum(end, 0) for c, end in ends.items()},
        }
    )
    there = table["n"].to_numpy() > 0  # hours in which nothing ever comes are no news
    table, again = table[there].reset_index(drop=True), again[:, there]
    note = _(
        "{weeks:count} complete weeks from {first:date}; {draws:count} bootstrap resamples of "
        "complete weeks.",
        weeks=weeks,
        first=first,
        draws=draws,
    )
    return Result(
        table, _busiest(table, mean), note, A_WEEK, draws=draws, seed=seed, replicates=again
    )


def _busiest(table: pd.DataFrame, mean: np.ndarray) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("Too few cases to compare busy and quiet hours.")
        return Finding(claim, importance=Importance.METHOD)
    row = shown.loc[shown["estimate"].idxmax()]
    words = {
        "day": row["weekday"],
        "hours": row["term"],
        "part": i18n.label(str(row["weekday"])),
        "cases": row["estimate"],
        "usual": mean.mean(),
    }
    if row["term"] != _("all day"):
        words["part"] = _("{day:label} {hours}", **words)
    low, high = (ends.fillna(shown["estimate"]) for ends in deciding_ends(shown))
    others = high.drop(row.name).max()  # no number where nothing comes at any other time
    if low[row.name] <= mean.mean():
        claim = _("No time of the week is significantly busier than the average.")
        detail = _(
            "Busiest: {part}, {cases:number1} cases a week (95% CI {span:interval}), "
            "against {usual:number1} on average; {week:count} cases a week",
            span=(row["low"], row["high"]),
            week=mean.sum(),
            **words,
        )
        return Finding.of_row(row, claim, detail)
    if len(shown) > 1 and low[row.name] <= others:
        claim = _(
            "Cases arrive significantly more often than average on {part}: {cases:number1} a week, "
            "against {usual:number1}.",
            **words,
        )
    elif table["term"].eq(_("all day")).all():
        claim = _(
            "Most cases arrive on {day:label}: {cases:number1} a week, against {usual:number1} on "
            "an average day.",
            **words,
        )
    else:
        claim = _(
            "Most cases arrive on {day:label}, {first}:00 to {last}:00: {cases:number1} a week, "
            "against {usual:number1} on average.",
            first=str(row["term"]).split("–")[0],
            last=str(row["term"]).split("–")[-1],
            **words,
        )
    detail = _(
        "95% CI {span:interval}; {week:count} cases a week",
        span=(row["low"], row["high"]),
        week=mean.sum(),
    )
    return Finding.of_row(row, claim, detail)


def customer_weeks(
    sample: Sample, customers: pd.DataFrame, *, weeks: int = 26, most: int = 100_000
) -> Sample:
    """A row for each customer and each of the last whole weeks as one: how many cases were opened.

    Parameters
    ----------
    sample : cases (customer_id, opened_at)
    customers : customer_id, joined_on and left_on where on file
    weeks : how many weeks back
    most : customers that are kept; of more, so many are taken at random, and a note is printed

    Returns
    -------
    Sample of customer_id, week (ISO), cases, cases_per_1000: its mean is the rate whose chart has
    limits that follow how many customers there were (a u-chart).

    Raises
    ------
    InsufficientData : the cases fill no complete week

    Examples
    --------
    >>> opened = pd.to_datetime(["2026-03-02", "2026-03-10"])
    >>> cases = Sample(pd.DataFrame({"customer_id": ["a", "a"], "opened_at": opened}))
    >>> customer_weeks(cases, pd.DataFrame({"customer_id": ["a", "b"]}))["cases"].tolist()
    [1, 0]
    """
    require_case_columns(sample, "customer_id", "opened_at")
    cases, seen = sample.data, observed_until(sample)
    end = seen.normalize() - pd.Timedelta(days=seen.weekday())
    first = cases["opened_at"].min().normalize()
    starts = [end - k * WEEK for k in range(weeks, 0, -1) if end - k * WEEK >= first]
    if not starts:
        raise InsufficientData(
            _(
                "The cases from {first:date} to {last:date} fill no complete week.",
                first=first,
                last=seen,
            )
        )
    if len(customers) > most:
        chosen = np.random.default_rng(0).permutation(len(customers))[:most]
        customers = customers.iloc[np.sort(chosen)]
        print(_("{n:count} customers, taken at random.", n=most))
    clusters = customers["customer_id"].to_numpy()
    joined = _day(customers, "joined_on", pd.Timestamp("1900-01-01"))
    left = _day(customers, "left_on", pd.Timestamp("2200-01-01"))
    counts = cases.groupby([cases["customer_id"], cases["opened_at"].dt.strftime("%G-W%V")]).size()
    parts = []
    for start in starts:
        here = clusters[(joined < start + WEEK) & (left > start)]
        parts.append(pd.DataFrame({"customer_id": here, "week": f"{start:%G-W%V}"}))
    rows = pd.concat(parts, ignore_index=True)
    index = pd.MultiIndex.from_frame(rows)
    opened = counts.reindex(index, fill_value=0).to_numpy()
    rows = rows.assign(cases=opened, cases_per_1000=PER * opened.astype(float))
    return Sample(rows, cluster="customer_id", draws=sample.draws, seed=sample.seed)


def _day(customers: pd.DataFrame, column: str, otherwise: pd.Timestamp) -> np.ndarray:
    if column not in customers:
        return np.full(len(customers), otherwise)
    return customers[column].fillna(otherwise).to_numpy()
