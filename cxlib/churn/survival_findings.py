"""What survival curves say: how long customers stay, and how groups differ."""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance
from cxlib.privacy import disclosure


def finding(
    median: pd.DataFrame, table: pd.DataFrame, by: str | None, unit: str, observed: float
) -> Finding:
    """The median lifetime; of groups how they differ.

    Where it is not reached while enough customers are observed (until `observed`), the share
    retained at the last time.
    """
    if by is not None and table[by].nunique() > 1:
        return _groups_finding(table, by)
    half = median.iloc[0]
    if half["median"] <= observed:
        low, high = half["median_low"], half["median_high"]
        facts = {
            "time": half["median"],
            "unit": unit,
            "low": low,
            "high": i18n.count(high) if pd.notna(high) else _("no upper limit"),
            "n": half["n"],
        }
        return Finding.of_row(
            half,
            _("Half of the customers leave within {time:count} {unit:label}.", **facts),
            _(
                "median lifetime, 95% CI {low:count} to {high} {unit:label}; n = {n:count}",
                **facts,
            ),
            estimate="median",
            low="median_low",
            high="median_high",
            unit=unit,
            measure="median_lifetime",
            importance=Importance.ANSWER,
        )
    row = table.iloc[-1]
    facts = {
        "share": row.estimate,
        "span": (row.low, row.high),
        "term": row.term,
        "n": half["n"],
    }
    return Finding.of_row(
        row,
        _("{share:share} of customers are retained {term}.", **facts),
        _("95% CI {span:share_interval0}; n = {n:count}", **facts),
        unit="share",
        measure="retained_after",
        at={"term": row.term},
        importance=Importance.ANSWER,
    )


def _groups_finding(table: pd.DataFrame, by: str) -> Finding:
    """The groups most and least of which are retained at the last time that all have."""
    last = table[table["time"] == table.groupby(by)["time"].max().min()]
    last = disclosure.shown(last).sort_values("estimate")
    if len(last) < 2:
        return Finding(disclosure.left_out())
    worst, best = last.iloc[0], last.iloc[-1]
    facts = {
        "by": by,
        "term": last["term"].iloc[0],
        "low": str(worst[by]),
        "low_share": worst.estimate,
        "low_span": (worst.low, worst.high),
        "high": str(best[by]),
        "high_share": best.estimate,
        "high_span": (best.low, best.high),
    }
    differs = bool(deciding_ends(worst)[1] < deciding_ends(best)[0])
    if differs:
        claim = _(
            "{by:opening}: only {low_share:share} of {low:quoted} are retained {term}, compared "
            "with {high_share:share} of {high:quoted}.",
            **facts,
        )
    else:
        claim = _("Retention {term} does not differ significantly by {by:quoted}.", **facts)
    return Finding(
        claim,
        _(
            "{high:quoted} {high_share:share} (95% CI {high_span:share_interval}), {low:quoted} "
            "{low_share:share} ({low_span:share_interval})",
            **facts,
        ),
        importance=Importance.NOTABLE if differs else Importance.CONTEXT,
    )
