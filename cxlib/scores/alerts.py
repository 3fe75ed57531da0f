"""A breach of the control limits as a record that others can act on: the alert.

    found = scores.alerts(scores.trend(sample, touchpoints, measure="mean", by="region"))
    found.table        # wave, by, group, term, estimate (size), ..., first_seen: a row an alert

An alert says that something moved by more than sampling explains, since when, and how sure that
is; not what moved it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.stats import control_charts
from cxlib.stats.intervals import LEVEL, normal_quantile

DOWN = ("below", "falling")
MOST = 2  # scores that a claim names
COLUMNS = (
    *("wave", "by", "group", "term", "estimate", "low", "high", "n"),
    *("measure", "signal", "probability", "first_seen"),
)


def alerts(*trends: Result) -> Result:
    """One record for each wave of the trends that gives a signal: falls first, the latest first.

    Parameters
    ----------
    trends : results of `trend`; small cells give no alert

    Returns
    -------
    Result whose table has wave, by (column of the groups), group (both empty for everybody), term,
    estimate (the wave minus the centre line, in the unit of its measure), low, high (its 95%
    interval; the wider limits decide the signal), n, measure ("nps" ...), signal, probability (of
    such a wave anywhere in its series without a change) and first_seen (of the latest wave as
    `control_charts.began` dates it).

    Raises
    ------
    ValueError : no trend

    Examples
    --------
    >>> from cxlib.scores import ControlLimits, trend
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 16 + 16 * [10]})
    >>> fit = trend(rows.assign(wave=np.repeat(list("abc"), 16)), limits=ControlLimits(baseline=2))
    >>> alerts(fit).table[["wave", "signal", "estimate"]].values.tolist()
    [['c', 'above', 100.0]]
    """
    if not trends:
        raise ValueError("no trend to look at. Pass what scores.trend() gives.")
    table = pd.concat([_records(t) for t in trends], ignore_index=True)
    rises, latest = ~table["signal"].isin(DOWN), -pd.factorize(table["wave"], sort=True)[0]
    order = np.lexsort((table["probability"], table["group"] != "", latest, rises))
    table = table.iloc[order].reset_index(drop=True)
    examined = sum(int(_shown(t)["z"].notna().sum()) for t in trends)
    waves = [str(wave) for t in trends for wave in _shown(t)[t.over]]
    measures = {t.measure.kind: t.measure for t in trends}
    notes = _(
        "Size: the wave minus its centre line. Probability: of such a wave anywhere in its "
        "series without a change."
    )
    return Result(table, _finding(table, measures, examined, max(waves, default="")), notes)


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
        measure=trend.measure.kind,
        first_seen=rows["first_seen"].astype(str),
    )
    names = [*([trend.by] if trend.by else []), "term"]
    steps = {tuple(row[c] for c in names): row for row in trend.changes.to_dict("records")}
    for place, row in records[records["wave"] == str(trend.limits[trend.over].max())].iterrows():
        step = steps.get(tuple(row[names]), {})
        began = control_charts.began(row["first_seen"], row["estimate"], step)
        records.loc[place, "first_seen"] = began
    return records[list(COLUMNS)]


def _finding(
    table: pd.DataFrame, measures: dict[str, Measure], examined: int, latest: str
) -> Finding:
    """What has fallen and still is low in the latest wave; else what has risen; else nothing."""
    counted = ngettext(
        "{n:count} of {all:count} points examined lies outside its limits",
        "{n:count} of {all:count} points examined lie outside their limits",
        len(table),
        all=examined,
    )
    now = table[table["wave"] == latest]
    falls = now[now["signal"].isin(DOWN)]
    if now.empty:
        claim = _("No score gives an alert in {latest:label}.", latest=latest)
        return Finding(claim, counted, importance=Importance.METHOD)
    rows = falls if len(falls) else now
    # Of one score the whole is named, and its groups only where the whole gives no alert.
    whole = rows[rows["group"] == ""]
    rows = whole if len(whole) else rows
    first, claim = rows.iloc[0], _told(rows, measures, latest, bool(len(falls)))
    measure = measures[first["measure"]]
    detail = _(
        "{name}: {size} (95% CI {span}); in {latest:label} falls: {falls:count}, rises: "
        "{rises:count}; {counted}",
        name=_name(first, measures),
        size=measure.moved(first["estimate"]),
        span=measure.change_span(first["low"], first["high"]),
        falls=len(falls),
        rises=len(now) - len(falls),
        counted=counted,
        latest=latest,
    )
    return Finding(
        claim,
        detail,
        verdict="worse" if len(falls) else "better",
        importance=Importance.NEWS if len(falls) else Importance.CONTEXT,
    )


def _told(rows: pd.DataFrame, measures: dict[str, Measure], latest: str, down: bool) -> str:
    """Which scores lie outside, and since when: with each where that differs."""
    some = rows.head(MOST)
    since, names = some["first_seen"].iloc[0], [_name(row, measures) for _k, row in some.iterrows()]
    together = bool((some["first_seen"] == since).all())
    if not together:
        names = [
            _("{name} (since {since:label})", name=name, since=when)
            for name, when in zip(names, some["first_seen"], strict=True)
        ]
    if more := len(rows) - len(names):
        names.append(ngettext("{n:count} more", "{n:count} more", more))
    words = {"names": _(" and ").join([i18n.listed(names[:-1]), names[-1]][-len(names) :])}
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
                "{names} has been below its baseline since {since:label}.",
                "{names} have been below their baseline since {since:label}.",
                len(names),
                **words,
            )
            if down
            else ngettext(
                "{names} has been above its baseline since {since:label}.",
                "{names} have been above their baseline since {since:label}.",
                len(names),
                **words,
            )
        )
    return (
        ngettext(
            "{names} fell below its baseline in {latest:label}.",
            "{names} fell below their baseline in {latest:label}.",
            len(names),
            **words,
        )
        if down
        else ngettext(
            "{names} rose above its baseline in {latest:label}.",
            "{names} rose above their baseline in {latest:label}.",
            len(names),
            **words,
        )
    )


def _name(row: pd.Series, measures: dict[str, Measure]) -> str:
    measure = measures[row["measure"]]
    name = (
        i18n.quoted(i18n.label(row["term"]))
        if measure.kind == "mean"
        else measure.name(row["term"])
    )
    if row["group"]:
        name = _("{item} ({group:label})", item=name, group=row["group"])
    return name
