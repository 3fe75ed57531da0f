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
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure

DOWN = ("below", "falling")
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
    estimate (the wave minus the centre line, in the unit of its measure), low, high (that, plus and
    minus the reach of the limits), n, measure ("nps" ...), signal, probability (of such a wave
    anywhere in its series without a change) and first_seen.

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
    return Result(table, _claim(table, measures, examined, max(waves, default="")), notes)


def _shown(trend: Result) -> pd.DataFrame:
    return disclosure.shown(trend.limits)


def _records(trend: Result) -> pd.DataFrame:
    rows = _shown(trend)
    rows = rows[rows["signal"] != ""]
    size, reach = rows["estimate"] - rows["centre"], (rows["high"] - rows["low"]) / 2
    group = rows[trend.by].astype(str) if trend.by else ""
    records = rows.assign(
        wave=rows[trend.over].astype(str),
        by=trend.by,
        group=group,
        estimate=size,
        low=size - reach,
        high=size + reach,
        measure=trend.measure.kind,
    )
    return records[list(COLUMNS)]


def _claim(table: pd.DataFrame, measures: dict[str, Measure], examined: int, latest: str) -> str:
    """How many there are now, and the first: a fall in the latest wave before any other."""
    facts: dict[str, object] = {"examined": examined, "count": len(table), "latest": latest}
    if table.empty:
        return _("No alert: all {examined:count} points lie inside their limits.", **facts)
    now = table[table["wave"] == latest]
    first = (now if len(now) else table).iloc[0]
    measure = measures[first["measure"]]
    name = measure.name(first["term"])
    if first["group"]:
        name = _("{item} ({group:label})", item=name, group=first["group"])
    facts |= {
        "now": len(now),
        "falls": now["signal"].isin(DOWN).sum(),
        "name": name,
        "size": measure.change(first["estimate"]),
        "wave": first["wave"],
        "since": first["first_seen"],
    }
    counted = _(
        "Alerts in {latest:label}: {now:count}, of them {falls:count} for a fall; in all waves "
        "{count:count} of {examined:count} points examined.",
        **facts,
    )
    leading = (
        _(
            "First: {name}, {size} below its centre line in {wave:label}, first seen in "
            "{since:label}.",
            **facts,
        )
        if first["estimate"] < 0
        else _(
            "First: {name}, {size} above its centre line in {wave:label}, first seen in "
            "{since:label}.",
            **facts,
        )
    )
    return i18n.together([counted, leading])
