"""Problems of each segment: the share of its contacts with a touchpoint that end badly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.logit_intervals import share_ends
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import ResamplingUnits, keys_of, resample_sums

COLUMNS = ["segment", "term", "estimate", "low", "high", "n", "overall", "share"]


def problem_rates(sample: SampleLike, groups: pd.Series, bad: Sequence[str]) -> Result:
    """The share of events that end badly, by segment and touchpoint, with 95% intervals.

    Parameters
    ----------
    sample : events with customer_id, touchpoint and outcome
    groups : segment of each customer_id (its index), as `segments.groups` gives it
    bad : outcomes that are problems

    Returns
    -------
    Result whose table has segment, term (touchpoint), estimate, n, low, high,
    (events), overall (the share for all segments), share (true); touchpoints without problems are
    left out, so that none is left without a `bad` outcome

    Raises
    ------
    ValueError : columns that are missing

    Examples
    --------
    >>> rows = {"customer_id": range(40), "touchpoint": "call", "outcome": ["failed", "done"] * 20}
    >>> groups = pd.Series(["new", "old"] * 20, dtype="category")
    >>> problem_rates(pd.DataFrame(rows), groups, ["failed"]).table["estimate"].tolist()
    [1.0, 0.0]
    """
    sample = as_sample(sample)
    events = sample.data
    require_columns(events, ("customer_id", "touchpoint"), "events")
    rows = events.assign(segment=events["customer_id"].map(groups))
    rows = rows.dropna(subset=["segment", "touchpoint"])
    wrong = rows["outcome"].isin(list(bad)) if "outcome" in rows else pd.Series(False, rows.index)
    seen = rows["touchpoint"].isin(rows.loc[wrong, "touchpoint"].unique())
    table = _shares(rows[seen], wrong[seen].to_numpy(), groups.cat.categories, sample)
    left_out = _(
        "{n:count} events at touchpoints without known problems are left out.",
        n=(~seen).sum(),
    )
    resampled = resampling_note(sample.replace(cluster="customer_id"))
    notes = i18n.together([*([] if seen.all() else [left_out]), resampled])
    return Result(table, _finding(table), notes, "share", **sample.bootstrap)


def _shares(rows: pd.DataFrame, wrong: np.ndarray, names: pd.Index, sample: Sample) -> pd.DataFrame:
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
    # The same resamples of customers, and the same interval, as on the experience map (22).
    keys = ResamplingUnits(keys_of(pd.DataFrame({"c": customers}), "c"))
    sums = resample_sums(np.hstack([counts[1], counts[0]]), sample.draws, sample.seed, keys)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, drawn = bad / n, sums[:, : k * p] / sums[:, k * p :]
    with np.errstate(invalid="ignore"):
        overall = bad.reshape(k, p).sum(0) / n.reshape(k, p).sum(0)
    met = n > 0
    about = {
        "segment": np.repeat(np.array(names, object), p)[met],
        "term": np.tile(np.array(points, object), k)[met],
    }
    numbers = {"estimate": share[met], "n": n[met].astype(int)}
    table = pd.DataFrame({**about, **numbers, **share_ends(share[met], drawn[:, met], n[met])})
    return table.assign(overall=np.tile(overall, k)[met], share=True)


def _finding(table: pd.DataFrame) -> Finding:
    """Where a segment is furthest worse than all, significantly."""
    if table.empty:
        claim = _("No problems of these customers are on file.")
        return Finding(claim, importance=Importance.METHOD)
    worse = table[deciding_ends(table)[0] > table["overall"]]
    if worse.empty:
        claim = _("No segment has significantly more problems at any touchpoint.")
        return Finding(claim, importance=Importance.METHOD)
    row = worse.loc[(worse["estimate"] - worse["overall"]).idxmax()]
    claim = _(
        "{segment:verbatim} have the most problems at {touchpoint:quoted}: {value:share} of "
        "contacts, against {overall:share} for all.",
        touchpoint=row.term,
        segment=row.segment,
        value=row.estimate,
        overall=row.overall,
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count} contacts", span=(row.low, row.high), n=row.n
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure="problem_rate",
        at={"segment": str(row.segment), "touchpoint": str(row.term)},
        verdict="worse",
        importance=Importance.NOTABLE,
    )
