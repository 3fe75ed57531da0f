"""Shares, means and rates of each group, and how each differs from all others.

    rate(cases, "solved_in_time", by="channel")            # a share, more is better
    per_contact(cases, contacts, by="channel", what="cases")   # cases per 100 contacts
    volume({"events": contacts, "orders": orders}, "channel")

All are sums over sums, so that one pass over clusters of customers gives the estimates, their
replicates and the same of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.channels.groups import OTHERS, named, places
from cxlib.channels.mix import at_one_mix, comparable, verdicts
from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import intervals, resampling
from cxlib.stats.estimators import Replicated, rate_interval, share_interval
from cxlib.stats.notes import resampling_note, simultaneous_note

BETTER = ("higher", "lower", "")
PER = 100
FEWEST = 10  # rows with and without what a share counts, from which a group's is adjusted
DAY = pd.Timedelta(days=1)
Ends = Callable[[int], tuple[np.ndarray, np.ndarray]]  # of simultaneous intervals, by how many
PER_CONTACT = {
    ("cases", "contacts"): N_("Cases per 100 contacts"),
    ("cases", "customers"): N_("Cases per 100 customers"),
    ("orders", "contacts"): N_("Orders per 100 contacts"),
    ("orders", "customers"): N_("Orders per 100 customers"),
}


@dataclass(frozen=True)
class Kind:
    """What is compared: its name for sentences, its unit, and which direction is better.

    `unit` is "share", "money" (of `currency`), "minutes", "hours" or "" (a number); `better` is
    "higher", "lower" or "" where neither is.
    """

    name: str
    unit: str = "share"
    better: str = ""
    currency: str = ""

    def written(self, value: float) -> str:
        """A value as a sentence says it."""
        if self.unit == "share":
            return i18n.percent(value, int(0 < value < 0.2 or 0.98 < value < 1))
        if self.unit == "money":
            return i18n.money((value, self.currency), 2)
        if self.unit == "minutes":
            return _("{v:number1} minutes", v=value)
        return i18n.number(value, 1 if value >= 10 else 2)

    def span(self, low: float, high: float) -> str:
        """An interval in the same unit."""
        if self.unit == "share":
            return i18n.span(low, high, 1 if high - low < 0.02 else 0, share=True)
        if self.unit == "money":
            return i18n.money_span((low, high, self.currency), 2)
        return i18n.span(low, high, 1 if high >= 10 else 2)


def rate(
    sample: SampleLike,
    column: str,
    *,
    by: str,
    name: str = "",
    unit: str = "share",
    better: str = "higher",
    currency: str = "",
    mix: Sequence[str] = (),
) -> Result:
    """Share or mean of a column in each group, and whether it differs from all others.

    Parameters
    ----------
    sample : rows with weights, clusters, draws and seed
    column : numbers, or true and false (1, 0); missing values are left out
    by : column of groups
    name : what readers call it; the column's label unless given
    unit : "share", "money", "minutes", "hours" or "" (a number)
    better : "higher", "lower" or "" (neither)
    currency : of "money"
    mix : attributes of customers (or of rows: severity) that are held alike, as is time, by
        regression as in `adjusted`. A share is left as it is where a group has fewer than 10 rows
        with it, or without: regression says too little of rare events

    Returns
    -------
    Result with tables

    - "table": by, term, estimate, low, high, n, simultaneous_low, simultaneous_high, verdict
      ("better", "worse", "unclear" or, where neither direction is, "different"); where it is
      adjusted, plain (the share or mean as it is)
    - "versus_rest": by, against, term, estimate (difference from all others), low, high, n,
      simultaneous_low, simultaneous_high

    Raises
    ------
    ValueError : columns that are absent, an unknown direction
    InsufficientData : fewer than two groups have values

    References
    ----------
    Wilson (1927) for shares, Newcombe (1998), Statistics in Medicine 17, for their differences.
    Little (1982), Journal of the American Statistical Association 77, for those adjusted.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40})
    >>> rows["solved"] = [1] * 60 + [0] * 20
    >>> rate(rows, "solved", by="channel").table[["channel", "estimate", "verdict"]].values.tolist()
    [['phone', 0.5, 'worse'], ['web', 1.0, 'better']]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [column, by])
    require_choice("better", better, BETTER)
    values = sample[column].to_numpy(float, na_value=np.nan)
    known = sample.where(~np.isnan(values))
    kind = Kind(name or i18n.opening(named(column, i18n.label)), unit, better, currency)
    if mix and (like := _adjusted(known, column, by, kind, mix)):
        return like
    values, weight = values[~np.isnan(values)], known.weights
    found = ratios(known, by, weight * values, weight, kind, term=column)
    every = sample[by].value_counts()  # beside it few without a value would be counted
    tables = {
        k: t.assign(n=disclosure.near_whole(t["n"], t[by].map(every).fillna(t["n"]).astype(int)))
        for k, t in found.tables.items()
    }
    return found.replace(tables=tables)


def _adjusted(known: Sample, column: str, by: str, kind: Kind, mix: Sequence[str]) -> Result | None:
    """The same at the mix of customers of all groups, in the same time; None if none is known."""
    groups = comparable(known, by)
    if groups is None:
        return None
    y = groups.sample[column].to_numpy(float)
    if kind.unit == "share":
        hits = np.bincount(groups.place, y, minlength=len(groups.names))
        if np.minimum(hits, groups.sizes - hits).min() < FEWEST:
            return None
    limits = 0.0 if kind.unit else -np.inf, 1.0 if kind.unit == "share" else np.inf
    found = at_one_mix(groups, column, y, mix, better=kind.better, limits=limits)
    if not found.used:
        return None
    table = found.table.sort_values("estimate", kind="stable")
    place = table.index.to_numpy()
    note = _(
        "Adjusted for {mix:label_list} by regression: the value of each group at the mix of all.",
        mix=found.used,
    )
    rest = (table["estimate"] - found.versus["estimate"]).sort_index().to_numpy()
    return Result(
        {"table": table.reset_index(drop=True), "versus_rest": found.versus},
        finding(table, found.versus, rest, by, kind, found.used),
        i18n.together(dict.fromkeys([note, *found.notes])),
        kind.currency if kind.unit == "money" else kind.unit,
        draws=known.draws,
        seed=known.seed,
        replicates=found.replicates[:, place],
        parts={"kind": kind, "mix": found.used},
    )


def ratios(
    sample: Sample,
    by: str,
    above: np.ndarray,
    below: np.ndarray,
    kind: Kind,
    *,
    term: str,
    counted: np.ndarray | None = None,
    events: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
) -> Result:
    """Sums `above` over sums `below` in each group, as `rate` has them.

    `counted` says which rows are behind n (all of them by default). `events` are the rows that are
    counted above, where they are events: a rate of few of them has the interval of a count.
    """
    names, place = places(sample, by)
    counted = np.ones(len(sample), bool) if counted is None else counted
    n = np.bincount(place[counted], minlength=len(names))
    if (n > 0).sum() < 2:
        raise InsufficientData(_("Too few rows to compare groups."))
    cells = (place[:, None] == np.arange(len(names))).astype(float)
    sums = np.hstack([cells * above[:, None], cells * below[:, None]])
    drawn = resampling.resample_sums(sums, **resampling.design(sample))
    units = _units(sample, place, len(names))
    own, rest = (_sides(s, len(names)) for s in (sums.sum(0), drawn))
    each, others = (
        Replicated(own[k], rest[k], float(units.sum())) for k in (0, 1)
    )  # of each group, and of all others
    both: tuple[Ends, Ends] | None = None
    if kind.unit == "share":
        both = (
            lambda held: share_interval(each, n, held, units=units),
            lambda held: share_interval(others, n.sum() - n, held, units=units.sum() - units),
        )
    elif events is not None:
        many = np.bincount(place[events], minlength=len(names))
        one = above[events].mean() / np.stack([below @ cells, below.sum() - below @ cells])
        both = (
            lambda held: rate_interval(each, many, one[0], held),
            lambda held: rate_interval(others, many.sum() - many, one[1], held),
        )
    ends = _ends(each, units, both)
    table = pd.DataFrame({by: names, "term": term, "estimate": each.estimate, **ends, "n": n})
    gaps = _differences(each, others, units, both)
    gap = pd.DataFrame({by: names, "against": _("all others"), "term": term, **gaps, "n": n})
    table["verdict"] = verdicts(gap, kind.better)
    order = [by, "term", *INTERVAL, "n", *SIMULTANEOUS, "verdict"]
    table, gap = (disclosure.with_people(t, units) for t in (table[order], gap))
    note = [*notes, *sample.notes, simultaneous_note(len(names)), resampling_note(sample)]
    table = table.sort_values("estimate", kind="stable")
    place = table.index.to_numpy()
    return Result(
        {"table": table.reset_index(drop=True), "versus_rest": gap},
        finding(table, gap, others.estimate, by, kind),
        i18n.together(dict.fromkeys(note)),
        kind.currency if kind.unit == "money" else kind.unit,
        draws=sample.draws,
        seed=sample.seed,
        replicates=each.replicates[:, place],
        parts={"kind": kind},
    )


def _sides(sums: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """The ratio of each group, and that of all others together, (..., groups) each."""
    above, below = sums[..., :groups], sums[..., groups:]
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = above.sum(-1, keepdims=True) - above, below.sum(-1, keepdims=True) - below
        return above / below, np.where(rest[1] > 1e-9, rest[0] / rest[1], np.nan)


def _units(sample: Sample, place: np.ndarray, groups: int) -> np.ndarray:
    """Clusters of each group, which are what its error is estimated from."""
    return sample.people(place[:, None] == np.arange(groups)).astype(float)


def _ends(
    each: Replicated, units: np.ndarray, both: tuple[Ends, Ends] | None
) -> dict[str, np.ndarray]:
    """Columns of the intervals: pointwise, and those that hold for all groups at once."""
    if both:
        own = [both[0](held) for held in (1, len(each.estimate))]
        return dict(zip((*INTERVAL[1:], *SIMULTANEOUS), (*own[0], *own[1]), strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        if (each.estimate <= 0).any():
            return intervals.interval_columns(each.estimate, each.replicates, units=units)
        logs = np.log(each.replicates)
        ends = intervals.interval_columns(
            np.log(each.estimate), np.where(np.isfinite(logs), logs, np.nan), units=units
        )
    return {name: np.exp(end) for name, end in ends.items()}


def _differences(
    each: Replicated, others: Replicated, units: np.ndarray, both: tuple[Ends, Ends] | None
) -> dict[str, np.ndarray]:
    """Each minus all others: pointwise and simultaneous intervals."""
    gap, drawn = each.estimate - others.estimate, each.replicates - others.replicates
    found: dict[str, np.ndarray] = {"estimate": gap}
    if not both:
        return found | intervals.interval_columns(gap, drawn, units=units)
    for names, held in ((INTERVAL[1:], 1), (SIMULTANEOUS, len(gap))):
        a, b = (ends(held) for ends in both)
        below = np.hypot(each.estimate - a[0], b[1] - others.estimate)
        above = np.hypot(a[1] - each.estimate, others.estimate - b[0])
        found |= dict(zip(names, (gap - below, gap + above), strict=True))
    return found


def finding(
    table: pd.DataFrame,
    gap: pd.DataFrame,
    rest: np.ndarray,
    by: str,
    kind: Kind,
    used: Sequence[str] = (),
) -> Finding:
    """The group that lies farthest from all others, of those that may be shown and differ.

    `used` is what is held alike.
    """
    shown = disclosure.shown(table)
    if len(shown) < 2:
        return Finding(_("Too few rows to compare groups."), importance=Importance.METHOD)
    found = shown[shown["verdict"].isin(["worse", "different"])]
    found = found if len(found) else shown[shown["verdict"] != "unclear"]
    # Where groups differ, the farthest is named and not the one that is surest to.
    size = gap["estimate"].abs()
    row = (
        found.loc[size[found.index].idxmax()]
        if len(found)
        else shown.loc[(size * np.sqrt(gap["n"]))[shown.index].idxmax()]
    )
    other = table.loc[table.index != row.name, by].map(str)
    words: dict[str, Any] = {
        "what": i18n.opening(kind.name),
        "by": by,
        "group": i18n.quoted(i18n.label(str(row[by]))),
        "here": kind.written(row["estimate"]),
        "other": i18n.quoted(i18n.label(other.iloc[0])),
        "there": kind.written(float(rest[row.name])),
        "low": kind.written(shown["estimate"].min()),
        "high": kind.written(shown["estimate"].max()),
        "span": kind.span(row["low"], row["high"]),
        "n": row["n"],
        "found": len(shown[shown["verdict"] != "unclear"]),
        "all": len(shown),
    }
    claim = (
        _(
            "{what}: {here} for {group}, {there} for all others with the same mix of customers, a "
            "significant difference.",
            **words,
        )
        if len(found) and used
        else _(
            "{what}: no significant difference by {by:label} at the same mix of customers "
            "({low} to {high}).",
            **words,
        )
        if used
        else _(
            "{what}: {here} for {group}, {there} for {other}, a significant difference.", **words
        )
        if len(found) and len(table) == 2
        else _(
            "{what}: {here} for {group}, {there} for all others, a significant difference.", **words
        )
        if len(found)
        else _("{what}: no significant difference by {by:label} ({low} to {high}).", **words)
    )
    detail = (
        _(
            "{group}: 95% CI {span}; {plain} as it is; n = {n:count}; {found:count} of {all:count} "
            "groups different from all others; adjusted for {mix:label_list}",
            plain=kind.written(row["plain"]),
            mix=list(used),
            **words,
        )
        if used
        else _(
            "{group}: 95% CI {span}; n = {n:count}; {found:count} of {all:count} groups different "
            "from all others; not adjusted for customers or time",
            **words,
        )
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=kind.currency if kind.unit == "money" else kind.unit,
        at={by: str(row[by])},
        verdict={"different": "", "unclear": "unclear"}.get(row["verdict"], row["verdict"]),
        importance=Importance.NOTABLE
        if row["verdict"] == "worse"
        else Importance.ANSWER
        if len(found)
        else Importance.CONTEXT,
    )


def volume(samples: Mapping[str, SampleLike], by: str) -> Result:
    """Share of each table's rows that each group has.

    Parameters
    ----------
    samples : tables by name ("events", "orders" ...), the one that says most of volume first
    by : column of groups

    Returns
    -------
    Result with "table": by, term (table), estimate (share), low, high, n, simultaneous_low,
    simultaneous_high.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 10})
    >>> volume({"events": rows}, "channel").table["estimate"].tolist()
    [0.75, 0.25]
    """
    parts, notes = [], []
    for term, rows in samples.items():
        sample = as_sample(rows)
        names, place = places(sample, by)
        cells = (place[:, None] == np.arange(len(names))) * sample.weights[:, None]
        sums = np.hstack([cells, sample.weights[:, None]])
        drawn = resampling.resample_sums(sums, **resampling.design(sample))
        share, again = (s[..., :-1] / s[..., -1:] for s in (sums.sum(0), drawn))
        n = np.bincount(place, minlength=len(names))
        each = Replicated(share, again, float(sample.clusters.nunique(dropna=False)))
        whole = np.full(len(n), n.sum())
        one = [share_interval(each, whole, held) for held in (1, len(n))]
        ends = dict(zip((*INTERVAL[1:], *SIMULTANEOUS), (*one[0], *one[1]), strict=True))
        part = pd.DataFrame({by: names, "term": term, "estimate": share, **ends, "n": n})
        parts.append(disclosure.with_people(part, _units(sample, place, len(names))))
        notes += [*sample.notes, resampling_note(sample)]
    table = pd.concat(parts, ignore_index=True)
    last = [c for c in (disclosure.PEOPLE, *SIMULTANEOUS) if c in table]
    table = table[[by, "term", *INTERVAL, "n", *last]]
    first = as_sample(next(iter(samples.values())))
    return Result(
        table,
        _volume_finding(table, by),
        i18n.together(dict.fromkeys(notes)),
        "share",
        **first.bootstrap,
    )


def _volume_finding(table: pd.DataFrame, by: str) -> Finding:
    rows = disclosure.shown(table[table["term"] == table["term"].iloc[0]])
    rows = rows[rows[by] != OTHERS]
    if rows.empty:
        return Finding(_("Too few rows to compare groups."), importance=Importance.METHOD)
    row, last = (rows.loc[k] for k in (rows["estimate"].idxmax(), rows["estimate"].idxmin()))
    words: dict[str, Any] = {
        "group": i18n.opening(i18n.quoted(i18n.label(str(row[by])))),
        "table": row["term"],
        "share": row["estimate"],
        "least": last["estimate"],
        "by": by,
    }
    claim = (
        _("{group} has the largest share of {table:label}: {share:share}.", **words)
        if row["simultaneous_low"] > 1.25 * last["simultaneous_high"]
        else _(
            "{table:opening} are spread evenly: {least:share} to {share:share} by {by:label}.",
            **words,
        )
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}", span=(row["low"], row["high"]), n=row["n"]
    )
    return Finding.of_row(row, claim, detail, unit="share", at={by: str(row[by])})


def per_contact(
    sample: SampleLike, contacts: SampleLike, *, by: str, what: str, better: str = "lower"
) -> Result:
    """Rows of a table (cases, orders) per 100 contacts, or customers, of each group.

    Rows and contacts are counted in the days in which there are both, and in the groups that both
    tables have. Customers are resampled with all they did.

    Parameters
    ----------
    sample : rows that are counted above, with `by` and, if dated, at or opened_at
    contacts : rows that are counted below: contacts, or customers (one row each)
    by : column of groups
    what : what the rows above are ("cases", "orders")
    better : "higher", "lower" or ""

    Returns
    -------
    Result as of `rate`; n counts contacts, and a column `cases` the rows above.

    Raises
    ------
    InsufficientData : fewer than two groups are in both tables

    Examples
    --------
    >>> cases = pd.DataFrame({"channel": ["web"] * 10 + ["phone"] * 30})
    >>> contacts = pd.DataFrame({"channel": ["web"] * 100 + ["phone"] * 100})
    >>> fit = per_contact(cases, contacts, by="channel", what="cases")
    >>> fit.table["estimate"].tolist()
    [10.0, 30.0]
    """
    over, under = as_sample(sample), as_sample(contacts)
    over, under = _same_days(over, under)
    both = set(over[by].dropna().astype(str)) & set(under[by].dropna().astype(str))
    cluster = over.cluster if over.cluster == under.cluster else None
    rows = [
        s.data.loc[s[by].astype(str).isin(both), [by, *([cluster] if cluster else [])]].assign(
            above=k
        )
        for k, s in ((1.0, over), (0.0, under))
    ]
    joined = Sample(pd.concat(rows, ignore_index=True), cluster=cluster, **under.bootstrap)
    above = joined["above"].to_numpy()
    unit_below = "customers" if _dated(under) is None else "contacts"
    require_choice("what", what, [w for w, _unused in PER_CONTACT])
    fit = ratios(
        joined,
        by,
        PER * above,
        1 - above,
        Kind(_(PER_CONTACT[what, unit_below]), "", better),
        term=f"{what} per 100 {unit_below}",
        counted=above == 0,
        events=above > 0,
        notes=(*over.notes, *under.notes),
    )
    counts = joined.data[above == 1][by].astype(str).value_counts()
    table = fit.table.assign(cases=fit.table[by].map(counts).fillna(0).astype(int))
    return fit.replace(tables={**fit.tables, "table": table})


def _dated(sample: Sample) -> str | None:
    """The column of the day of a row."""
    return next((c for c in ("at", "opened_at", "answered_on") if c in sample), None)


def _same_days(one: Sample, other: Sample) -> tuple[Sample, Sample]:
    """The rows of the days in which both tables have some."""
    columns = _dated(one), _dated(other)
    if None in columns:
        return one, other
    days = [s[str(c)] for s, c in zip((one, other), columns, strict=True)]
    start, end = max(d.min() for d in days), min(d.max() for d in days)
    kept = [s.where(d.between(start, end)) for s, d in zip((one, other), days, strict=True)]
    return kept[0], kept[1]


def conversion(
    contacts: SampleLike,
    orders: SampleLike,
    *,
    by: str,
    days: int = 7,
    name: str = "",
    mix: Sequence[str] = (),
) -> Result:
    """Share of contacts in each group that the same customer's order follows within `days`.

    Contacts that are not old enough when the orders end are left out.

    Parameters
    ----------
    contacts : customer_id, at, `by` and what is in the mix
    orders : customer_id and at
    by : column of groups
    days : 1 or more
    name, mix : as in `rate`

    Returns
    -------
    Result as of `rate`.

    Raises
    ------
    InsufficientData : no contact is old enough, or fewer than two groups have one

    Examples
    --------
    >>> who = [f"c{k}" for k in range(40)]
    >>> seen = pd.DataFrame({"customer_id": who, "channel": ["web", "app"] * 20})
    >>> seen["at"] = pd.Timestamp("2026-01-05")
    >>> web = seen[seen["channel"] == "web"]
    >>> days = [pd.Timestamp(f"2026-01-{d:02}") for d in (1, 6, 30)]
    >>> bought = pd.concat([web.assign(at=d) for d in days])
    >>> conversion(seen, bought, by="channel").table["estimate"].tolist()
    [0.0, 1.0]
    """
    sample, bought = as_sample(contacts), as_sample(orders).data
    end = bought["at"].max()
    started, window = bought["at"].min(), days * DAY
    old = sample["at"].notna() & (sample["at"] + window <= end) & (sample["at"] >= started)
    seen = sample.where(old & sample["customer_id"].notna())
    if not len(seen):
        raise InsufficientData(
            _("No contact is {days:count} days old when the orders end.", days=days)
        )
    rows = seen.data[["customer_id", "at"]].assign(row=np.arange(len(seen))).sort_values("at")
    later = bought[["customer_id", "at"]].dropna().sort_values("at")
    # The same customer's first order at or after the contact.
    found = pd.merge_asof(
        rows,
        later.assign(ordered=later["at"]),
        on="at",
        by="customer_id",
        direction="forward",
        tolerance=window,
    )
    hit = found.set_index("row")["ordered"].notna().sort_index().to_numpy()
    said = name or _("Contacts followed by an order within {days:count} days", days=days)
    with_hit = seen.assign(conversion=hit.astype(float))
    return rate(with_hit, "conversion", by=by, name=said, mix=mix)
