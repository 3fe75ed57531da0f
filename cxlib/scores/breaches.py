"""A breach of the control limits as a record that others can act on: the warning.

    found = scores.warnings(scores.trend(responses, touchpoints, measure="mean", by="region"))
    found.table        # [group,] wave, term, estimate (size), low, high, n, ... one row a warning
    study.warn(found.table, item="delivery")      # kept for the notebooks that come after

A warning says that something moved by more than sampling explains, since when, and how sure that
is; not what moved it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import hiding, page
from cxlib.estimates import Estimates
from cxlib.scores.trends import Trend

DOWN = ("below", "falling")


def warnings(trend: Trend) -> Estimates:
    """One record for each wave of a trend that gives a signal, falls first, the latest first.

    Columns: [group,] wave, term, estimate (the wave less the centre line), low, high (that, plus
    and minus the reach of the limits), n, measure ("nps" ...), signal, probability (of such a wave
    anywhere in its series without a change), first_seen. Small cells give no warning. Of a shift
    that stays, the cumulative sum's first wave and each wave outside the limits are told.
    """
    told = trend.limits[hiding.hidden(trend.limits) == ""]
    rows = told[told["signal"] != ""]
    sums = rows["signal"].isin(["rising", "falling"])
    series = [c for c in (trend.by, "term", "signal", "first_seen") if c]
    again = sums & rows.duplicated(series)  # a sum out of control stays so: said once
    rows = rows[~again]
    size, reach = rows["estimate"] - rows["centre"], (rows["high"] - rows["low"]) / 2
    rows = rows.assign(estimate=size, low=size - reach, high=size + reach,
                       measure=trend.measure.kind)  # fmt: skip
    columns = [c for c in (trend.by, trend.over) if c]
    columns += ["term", "estimate", "low", "high", "n", "measure", "signal", "probability",
                "first_seen"]  # fmt: skip
    fall = ~rows["signal"].isin(DOWN)
    order = np.lexsort((rows["probability"], _latest_first(rows[trend.over]), fall))
    table = rows.iloc[order][columns].reset_index(drop=True)
    return Estimates(table, _sentence(table, trend, told), trend.note, trend.unit)


def _latest_first(waves: pd.Series) -> np.ndarray:
    return -pd.factorize(waves, sort=True)[0]


def _sentence(table: pd.DataFrame, trend: Trend, told: pd.DataFrame) -> str:
    looked = page.count(told["z"].notna().sum())
    if table.empty:
        return page.say("No warning: all {looked} points lie inside their limits.", looked=looked)
    first = table.iloc[0]
    name = trend.measure.name(first["term"])
    if trend.by:
        name = page.say("{item} ({group})", item=name, group=page.label(str(first[trend.by])))
    facts = {
        "count": page.count(len(table)), "looked": looked, "name": name,
        "size": trend.measure.change(first["estimate"]),
        "wave": page.label(str(first[trend.over])), "since": page.label(str(first["first_seen"])),
    }  # fmt: skip
    if first["signal"] in DOWN:
        return page.say("{count} warnings from {looked} points. First: {name}, {size} below its "
                        "centre line in {wave}, first seen in {since}.", **facts)  # fmt: skip
    return page.say("{count} warnings from {looked} points, none of a fall. First: {name}, {size} "
                    "above its centre line in {wave}, first seen in {since}.", **facts)  # fmt: skip
