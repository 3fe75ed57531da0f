"""A breach of the control limits as a record that others can act on: the alert.

    found = scores.alerts(scores.trend(sample, touchpoints, measure="mean", by="region"))
    found.table        # wave, by, group, term, estimate (size), ..., first_seen: a row an alert

An alert says that something moved by more than sampling explains, since when, and how sure that
is; not what moved it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.stats import control_charts
from cxlib.stats.intervals import LEVEL, normal_quantile

DOWN = ("below", "falling")
HELD_BACK = "awaits confirmation"  # a verdict of `alarm_audit`
MOST = 2  # scores that a claim names
COLUMNS = (
    *("wave", "by", "group", "term", "estimate", "low", "high", "n"),
    *("measure", "signal", "probability", "first_seen"),
)


def alerts(*trends: Result, audit: Result | None = None) -> Result:
    """One record for each wave of the trends that lies low: the latest first. Gains are no alerts.

    Parameters
    ----------
    trends : results of `trend`; small cells give no alert
    audit : of `alarm_audit`; scores that it holds back are listed, but are not the finding

    Returns
    -------
    Result with tables "table" (falls) and "improved" (gains), whose columns are wave, by (column of
    the groups), group (both empty for everybody), term, estimate (the wave minus the centre line,
    in the unit of its measure), low, high (its 95% interval; the wider limits decide the signal),
    n, measure ("nps" ...), signal, probability (of such a wave anywhere in its series without a
    change) and first_seen (where its run of signals began; all of a run that lasts to the latest
    wave as `control_charts.began` dates it).

    Raises
    ------
    ValueError : no trend

    Examples
    --------
    >>> from cxlib.scores import ControlLimits, trend
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 16 + 16 * [10]})
    >>> fit = trend(rows.assign(wave=np.repeat(list("abc"), 16)), limits=ControlLimits(baseline=2))
    >>> alerts(fit).improved[["wave", "signal", "estimate"]].values.tolist()
    [['c', 'above', 100.0]]
    """
    if not trends:
        raise ValueError("no trend to look at. Pass what scores.trend() gives.")
    table = pd.concat([_records(t) for t in trends], ignore_index=True)
    latest = -pd.factorize(table["wave"], sort=True)[0]
    order = np.lexsort((table["probability"], table["group"] != "", latest))
    table = table.iloc[order]
    falls = table["signal"].isin(DOWN)
    table, gains = (table[rows].reset_index(drop=True) for rows in (falls, ~falls))
    examined = sum(int(_shown(t)["z"].notna().sum()) for t in trends)
    waves = [str(wave) for t in trends for wave in _shown(t)[t.over]]
    measures = {t.measure.recorded: t.measure for t in trends}
    notes = _(
        "Size: the wave minus its centre line. p-value of the signal: probability of such a "
        "wave anywhere in its series without a change, by control limits and CUSUM, whatever its "
        "own interval. Began: the first wave of a run of alerts, or, of a run that "
        "lasts, an earlier significant change of level."
    )
    held = set() if audit is None else _held_back(audit.table)
    keys = table[["by", "group", "term"]].astype(str).itertuples(index=False, name=None)
    quiet = np.array([k in held for k in keys], bool)
    told = _finding(table, quiet, gains, measures, examined, max(waves, default=""))
    known = [Column("estimate", "size of the alert", ESTIMATE, label="change from baseline")]
    return Result({"table": table, "improved": gains}, told, notes, columns=known)


def _held_back(table: pd.DataFrame) -> set[tuple[str, ...]]:
    rows = table.loc[table["verdict"] == HELD_BACK, ["by", "group", "term"]]
    return set(rows.astype(str).itertuples(index=False, name=None))


def _shown(trend: Result) -> pd.DataFrame:
    return disclosure.shown(trend.limits)


def _records(trend: Result) -> pd.DataFrame:
    rows = _shown(trend)
    rows = rows[rows["signal"] != ""]
    size = rows["estimate"] - rows["centre"]
    reach = normal_quantile(LEVEL) * (rows["high"] - rows["low"]) / (2 * trend.width)
    group = rows[trend.by].astype(str) if trend.by else ""
    records = rows.assign(
        wave=rows[trend.over].astype(str),
        by=trend.by,
        group=group,
        estimate=size,
        low=size - reach,
        high=size + reach,
        measure=trend.measure.recorded,
        first_seen=rows["first_seen"].astype(str),
    )
    names = [*([trend.by] if trend.by else []), "term"]
    steps = {tuple(row[c] for c in names): row for row in trend.changes.to_dict("records")}
    for _place, row in records[records["wave"] == str(trend.limits[trend.over].max())].iterrows():
        step = steps.get(tuple(row[names]), {})
        began = control_charts.began(row["first_seen"], row["estimate"], step)
        # One run of signals has one beginning, whichever of its waves says so.
        run = (records[[*names, "first_seen"]] == row[[*names, "first_seen"]]).all(axis=1)
        records.loc[run, "first_seen"] = began
    return records[list(COLUMNS)]


def _finding(
    table: pd.DataFrame,
    quiet: np.ndarray,
    gains: pd.DataFrame,
    measures: dict[str, Measure],
    examined: int,
    latest: str,
) -> Finding:
    """What has fallen and still is low in the latest wave; else what has risen; else nothing."""
    counted = ngettext(
        "{n:count} of {all:count} points examined is an alert",
        "{n:count} of {all:count} points examined are alerts",
        len(table),
        all=examined,
    )
    held = table[quiet & (table["wave"] == latest)]
    held = held[held["group"] == ""]
    if len(held):  # the page shows their fall, so that it says why none of them is an alert
        names = [
            _(
                "{name} ({gain})",
                name=_name(row, measures),
                gain=measures[row["measure"]].moved(row["estimate"]),
            )
            for _k, row in held.iterrows()
        ]
        also = _(
            "also low, to be confirmed by a second wave as earlier alarms faded: {names:list3}",
            names=names,
        )
        counted = _("; ").join([also, counted])
    falls, rises = (rows[rows["wave"] == latest] for rows in (table[~quiet], gains))
    action = _causes_to_find(_questions(falls, measures) + _questions(held, measures))
    if falls.empty and rises.empty:
        claim = _("No score gives an alert in {latest:period}.", latest=latest)
        return Finding(claim, counted, importance=Importance.METHOD, action=action)
    rows = falls if len(falls) else rises
    # Of one score the whole is named, and its groups only where the whole gives no alert.
    whole = rows[rows["group"] == ""]
    rows = whole if len(whole) else rows
    first, claim = rows.iloc[0], _told(rows, measures, latest, bool(len(falls)))
    measure = measures[first["measure"]]
    detail = _(
        "{name}: {size} (95% CI {span}); {counted}",
        name=_name(first, measures),
        size=measure.moved(first["estimate"]),
        span=measure.change_span(first["low"], first["high"]),
        counted=counted,
    )
    return Finding(
        claim,
        detail,
        verdict="worse" if len(falls) else "better",
        importance=Importance.NEWS if len(falls) else Importance.CONTEXT,
        action=action,
    )


def advised(change: Result, alerts: Result) -> Result:
    """A change for the worse, with the questions of `alerts` as what to look into.

    Parameters
    ----------
    change : of `compare`, the last wave against the one before
    alerts : of `alerts`, of the same waves

    Returns
    -------
    `change`, with the action of `alerts` in its finding where that became worse and asks for
    nothing itself

    Examples
    --------
    >>> fell = Result(pd.DataFrame(), Finding("NPS fell.", verdict="worse"))
    >>> price = Result(pd.DataFrame(), Finding("Price fell.", action="Ask why."))
    >>> advised(fell, price).finding.action
    'Ask why.'
    >>> advised(fell, Result(pd.DataFrame(), Finding("No score gives an alert."))).finding.action
    'Find out why: no single question gives an alert.'
    """
    finding = change.finding
    if finding.verdict != "worse" or finding.action:
        return change
    action = alerts.finding.action or _("Find out why: no single question gives an alert.")
    return change.replace(finding=replace(finding, action=action))


def _questions(rows: pd.DataFrame, measures: dict[str, Measure]) -> list[str]:
    """The questions among alerts, without their groups."""
    mean = [m in measures and measures[m].kind == "mean" for m in rows["measure"]]
    rows = rows.loc[mean]
    return [name_of_series(None, term, "") for term in dict.fromkeys(rows["term"])]


def _causes_to_find(names: list[str]) -> str:
    """What to do about questions that fell; empty without any."""
    if not names:
        return ""
    return ngettext(
        "Find out why {names:list3} is rated lower.",
        "Find out why {names:list3} are rated lower.",
        len(names),
        names=list(dict.fromkeys(names)),
    )


def _told(rows: pd.DataFrame, measures: dict[str, Measure], latest: str, down: bool) -> str:
    """Which scores lie outside, and since when: with each where that differs."""
    some = rows.head(MOST)
    since, names = some["first_seen"].iloc[0], [_name(row, measures) for _k, row in some.iterrows()]
    together = bool((some["first_seen"] == since).all())
    if not together:
        names = [
            _("{name} (since {since:period})", name=name, since=when)
            for name, when in zip(names, some["first_seen"], strict=True)
        ]
    if more := len(rows) - len(names):
        names.append(ngettext("{n:count} more", "{n:count} more", more))
    words = {"names": i18n.conjoined(names)}
    words |= {"since": since, "latest": latest}
    if not together:
        return (
            _("{names} are below their baseline.", **words)
            if down
            else _("{names} are above their baseline.", **words)
        )
    if since != latest:
        return (
            ngettext(
                "{names} has been below its baseline since {since:period}.",
                "{names} have been below their baseline since {since:period}.",
                len(names),
                **words,
            )
            if down
            else ngettext(
                "{names} has been above its baseline since {since:period}.",
                "{names} have been above their baseline since {since:period}.",
                len(names),
                **words,
            )
        )
    return (
        ngettext(
            "{names} fell below its baseline in {latest:period}.",
            "{names} fell below their baseline in {latest:period}.",
            len(names),
            **words,
        )
        if down
        else ngettext(
            "{names} rose above its baseline in {latest:period}.",
            "{names} rose above their baseline in {latest:period}.",
            len(names),
            **words,
        )
    )


def _name(row: pd.Series, measures: dict[str, Measure]) -> str:
    return name_of_series(measures[row["measure"]], row["term"], row["group"])


def name_of_series(measure: Measure | None, term: str, group: str) -> str:
    """A score, and its group, as a sentence names it; without a measure the question alone."""
    if measure is None or measure.kind == "mean":
        name = i18n.quoted(i18n.label(term))
    else:
        name = measure.name(term)
    return _("{item} ({group:label})", item=name, group=group) if group else name
