"""How long customers stay in a stage of the journey before they move to another.

    fit = journeys.time_in_stage(steps, stages, until=last_day)
    fit.table           # term (stage): median days, low, high, n
    fit.curve           # stage, time, estimate: share still there

A stay begins when a journey enters a stage and ends when it enters another; a journey is in one
stage at a time, the one entered last. The last stay is not over when the data end (nor, where
silence ends a journey, when that silence was long enough): it is censored then (Kaplan and Meier
1958), with the stays of a customer taken together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample
from cxlib.data.schema import STAGES
from cxlib.stats import survival, survival_intervals

POINTS = 40  # of a curve
FEWEST, SHARE = 10, 0.02  # stays, and share of them, that a curve's last point needs


def time_in_stage(
    sample: Sample, stages: Mapping[str, str], *, until: pd.Timestamp | None = None, gap: float = 0
) -> Result:
    """Median time in each stage and the curves behind it.

    Parameters
    ----------
    sample : of `steps`
    stages : the stage of each touchpoint
    until : end of the data; the last event by default
    gap : days of silence that end a journey; 0 for none

    Returns
    -------
    Result with "table": term (stage), estimate (median days; missing where fewer than half leave),
    low, high (missing where the data do not say), n (stays), over (share of them that ended); and
    "curve": stage, time (days), estimate (share still there), low, high (bands of whole curves), n.

    Raises
    ------
    InsufficientData : no touchpoint has a stage

    References
    ----------
    Kaplan and Meier (1958).

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-04"])
    >>> events = pd.DataFrame({"customer_id": "c", "at": at, "touchpoint": ["web", "shop"]})
    >>> fit = time_in_stage(steps(events), {"web": "discovery", "shop": "action"})
    >>> fit.table[["term", "estimate", "n"]].values.tolist()
    [['discovery', 3.0, 1], ['action', nan, 1]]
    """
    runs = _runs(sample.data, stages, until or sample["at"].max(), gap)
    found, curves = [], []
    for stage in (s for s in STAGES if s in set(runs["stage"])):
        rows = runs[runs["stage"] == stage]
        line, curve = _of_stage(rows, sample.seed)
        found.append({"term": stage, **line})
        if len(curve):
            curves.append(curve.assign(stage=stage)[["stage", *curve.columns]])
    table = pd.DataFrame(found)
    note = _(
        "{stays:count} stays of {customers:count} customers; those not over count for as long as "
        "they were seen.",
        stays=len(runs),
        customers=runs["customer_id"].nunique(),
    )
    empty = pd.DataFrame(columns=["stage", "time", "estimate", "low", "high", "n"])
    curve = pd.concat(curves, ignore_index=True) if curves else empty
    tables = {"table": table, "curve": curve}
    known = [Column("over", "share of stays that ended", "share", label="ended")]
    return Result(tables, _finding(table), note, "days", columns=known, seed=sample.seed)


def _runs(
    steps: pd.DataFrame, stages: Mapping[str, str], until: pd.Timestamp, gap: float
) -> pd.DataFrame:
    """A row a stay: customer_id, stage, time (days), over."""
    staged = steps.assign(stage=steps["touchpoint"].map(stages))
    staged = staged[staged["stage"].notna()]
    if staged.empty:
        raise InsufficientData(
            _("No touchpoint has a stage. Name them under touchpoints in study.yaml.")
        )
    new = (staged["journey"] != staged["journey"].shift()) | (
        staged["stage"] != staged["stage"].shift()
    )
    heads = staged[new]
    ends = heads["at"].shift(-1).where(heads["journey"] == heads["journey"].shift(-1))
    final = staged.groupby("journey")["at"].max()
    silence = final + pd.Timedelta(days=gap) if gap else pd.Series(until, final.index)
    censored = heads["journey"].map(silence.clip(upper=until))
    time = (ends.fillna(censored) - heads["at"]) / pd.Timedelta(days=1)
    return pd.DataFrame(
        {
            "customer_id": heads["customer_id"],
            "stage": heads["stage"],
            # One who enters two stages at one moment has stayed in the first for an instant.
            "time": np.maximum(time, 1e-6),
            "over": ends.notna(),
        }
    ).reset_index(drop=True)


def _of_stage(rows: pd.DataFrame, seed: int) -> tuple[dict[str, Any], pd.DataFrame]:
    line: dict[str, float] = dict.fromkeys(("estimate", "low", "high"), np.nan)
    line["n"] = len(rows)
    line["over"] = float(rows["over"].mean())
    if not rows["over"].any():
        return line, pd.DataFrame()
    time, cause = rows["time"].to_numpy(), rows["over"].to_numpy().astype(int)
    risk = survival.at_risk(np.zeros(len(rows)), time, cause, np.ones(len(rows)))
    who = pd.factorize(rows["customer_id"])[0]
    line |= zip(INTERVAL, survival_intervals.quantile(risk, who=who), strict=True)
    known = risk.times[risk.there >= max(FEWEST, SHARE * len(rows))]
    if not len(known):
        return line, pd.DataFrame()
    # As many points by leavings as by time: a long tail of few leavings is seen too.
    often = np.quantile(known, np.linspace(0, 1, POINTS // 2), method="lower")
    at = np.unique(np.r_[often, np.linspace(known[0], known[-1], POINTS // 2)])
    share, covariance = survival.incidence(risk, at, who)
    error = np.sqrt(np.diag(covariance))
    varies = error > 0
    cor = covariance[varies][:, varies] / np.outer(error[varies], error[varies])
    n, most = survival_intervals.effective_at_risk(risk, at, who)
    low, high = survival_intervals.band(share[0], error, cor, n, most, seed=seed)
    curve = pd.DataFrame({"time": at, "estimate": 1 - share[0], "low": 1 - high, "high": 1 - low})
    return line, curve.assign(n=len(rows))


def _finding(table: pd.DataFrame) -> Finding:
    known = table.dropna(subset=["estimate"])
    if known.empty:
        return Finding(_("In no stage have half of the stays come to an end."))
    most = known.loc[known["estimate"].idxmax()]
    claim = _(
        "Customers stay longest in the “{stage:label}” stage: half move on within "
        "{days:number1} days.",
        stage=most["term"],
        days=most["estimate"],
    )
    low, high = most["low"], most["high"]
    span = i18n.span(low, high) if pd.notna(high) else _("{low:number1} or more", low=low)
    detail = _("95% CI {span} days; n = {n:count} stays", span=span, n=most["n"])
    return Finding.of_row(most, claim, detail, unit="days")
