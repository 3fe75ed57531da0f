"""What goes wrong for each segment: the share of its meetings with a touchpoint that end badly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.segments.profiles import tidy, told
from cxlib.stats.estimators import ratio

COLUMNS = ["segment", "term", "estimate", "low", "high", "n", "overall", "share"]


def trouble(
    events: pd.DataFrame,
    groups: pd.Series,
    bad: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """The share of events with an outcome in `bad`, by segment and touchpoint.

    `groups` are those of `segments.groups`. The table has segment, term (touchpoint), estimate,
    low, high, n (events), overall (the share for all segments), share (true); touchpoints that
    never went wrong are left out, and none is left without a `bad` outcome. Intervals draw
    customers whole and hold all at once.
    """
    rows = events.assign(segment=events["customer_id"].map(groups))
    rows = rows.dropna(subset=["segment", "touchpoint"])
    wrong = rows["outcome"].isin(list(bad)) if "outcome" in rows else pd.Series(False, rows.index)
    seen = rows["touchpoint"].isin(rows.loc[wrong, "touchpoint"].unique())
    table = _shares(rows[seen], wrong[seen].to_numpy(), groups.cat.categories, draws, seed)
    left_out = _(
        "{n:count} events at touchpoints of which nothing is known to go wrong are left out.",
        n=(~seen).sum(),
    )
    notes = [*([] if seen.all() else [left_out]), how_drawn(draws, bucket="customer_id")]
    return Estimates(table, _answer(table), i18n.together(notes), "share", draws=draws, seed=seed)


def _shares(
    rows: pd.DataFrame, wrong: np.ndarray, names: pd.Index, draws: int, seed: int
) -> pd.DataFrame:
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    who, customers = pd.factorize(rows["customer_id"])
    at, points = pd.factorize(rows["touchpoint"], sort=True)
    k, p = len(names), len(points)
    cell = pd.Index(names).get_indexer(rows["segment"]) * p + at
    counts = np.zeros((2, len(customers), k * p))
    np.add.at(counts[0], (who, cell), 1.0)
    np.add.at(counts[1], (who, cell), wrong)
    n, bad = counts.sum(1)
    share, drawn = ratio(counts[1], counts[0], draws=draws, seed=seed)
    with np.errstate(invalid="ignore"):
        overall = bad.reshape(k, p).sum(0) / n.reshape(k, p).sum(0)
    met = n > 0
    about = {
        "segment": np.repeat(np.array(names, object), p)[met],
        "term": np.tile(np.array(points, object), k)[met],
    }
    table = tidy(about, share[met], drawn[:, met], n[met].astype(int), share=True)
    return table.assign(overall=np.tile(overall, k)[met], share=True)


def _answer(table: pd.DataFrame) -> str:
    """Where a segment fares furthest worse than all, for certain."""
    if table.empty:
        return _("Nothing is known to have gone wrong for these customers.")
    worse = table[table["low"] > table["overall"]]
    if worse.empty:
        return _("At no touchpoint does it surely go wrong more often for one segment.")
    row = worse.loc[(worse["estimate"] - worse["overall"]).idxmax()]
    return _(
        "{touchpoint:opening} goes wrong most often for {segment:verbatim}: {value} ({span}) "
        "against {overall:share} for all, n {n}.",
        touchpoint=row.term,
        segment=row.segment,
        overall=row.overall,
        **told(row, "value"),
    )
