"""A breach of the control limits as a record that others can act on: the warning.

    found = scores.warnings(scores.trend(responses, touchpoints, measure="mean", by="region"))
    found.table        # wave, by, group, term, estimate (size), ..., first_seen: a row a warning

A warning says that something moved by more than sampling explains, since when, and how sure that
is; not what moved it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.scores.trends import Trend

DOWN = ("below", "falling")
COLUMNS = ("wave", "by", "group", "term", "estimate", "low", "high", "n", "measure", "signal",
           "probability", "first_seen")  # fmt: skip


def warnings(*trends: Trend) -> Estimates:
    """One record for each wave of the trends that gives a signal: falls first, the latest first.

    Columns: wave, by (column of the groups), group (both empty for everybody), term, estimate (the
    wave less the centre line), low, high (that, plus and minus the reach of the limits), n,
    measure ("nps" ...), signal, probability (of such a wave anywhere in its series without a
    change), first_seen. Small cells give no warning. The unit is that of each measure.
    """
    if not trends:
        raise ValueError("no trend to warn of. Pass what scores.trend() gives.")
    table = pd.concat([_records(t) for t in trends], ignore_index=True)
    rises, latest = ~table["signal"].isin(DOWN), -pd.factorize(table["wave"], sort=True)[0]
    order = np.lexsort((table["probability"], table["group"] != "", latest, rises))
    table = table.iloc[order].reset_index(drop=True)
    looked = sum(int(_told(t)["z"].notna().sum()) for t in trends)
    waves = [str(wave) for t in trends for wave in _told(t)[t.over]]
    latest = max(waves, default="")
    measures = {t.measure.kind: t.measure for t in trends}
    note = _(
        "Size: the wave less its centre line. Probability: of so clear a wave anywhere in its "
        "series without a change."
    )
    return Estimates(table, _sentence(table, measures, looked, latest), note)


def _told(trend: Trend) -> pd.DataFrame:
    return disclosure.shown(trend.limits)


def _records(trend: Trend) -> pd.DataFrame:
    rows = _told(trend)
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


def _sentence(table: pd.DataFrame, measures: dict[str, Measure], looked: int, latest: str) -> str:
    """How many there are now, and the first: a fall in the latest wave before any other."""
    facts = {"looked": looked, "count": len(table), "latest": latest}
    if table.empty:
        return _("No warning: all {looked:count} points lie inside their limits.", **facts)
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
        "Warnings in {latest:label}: {now:count}, of a fall: {falls:count}; in all waves "
        "{count:count} of {looked:count} points looked at.",
        **facts,
    )
    told = (
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
    return i18n.together([counted, told])
