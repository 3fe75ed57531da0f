"""Survival: how long customers stay, and which reason for leaving comes first.

    churn.survival(lifetimes, by="plan")         # Kaplan-Meier: who is still a customer, and when
    churn.cumulative_incidence(lifetimes)        # reasons for leaving as competing risks

`lifetimes` is one row a customer, as `study.customers.lifetimes()` gives it: `time` as a customer,
until they left (`left`) or were last seen; `entry`, the time at which they came under observation
(left truncation); `left_because`, the reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.churn import survival_findings
from cxlib.churn.features import UNKNOWN
from cxlib.core import context, i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, in_unit
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import moments, survival_intervals
from cxlib.stats import survival as durations
from cxlib.stats.intervals import LEVEL, sidak_level

POINTS = 40  # of a curve
FEWEST = 10  # customers at risk, for a curve to go on
YEAR = 365  # days
MARKS = {  # times at which the table is read
    "days": (90, 180, 365, 730, 1095, 1825),
    "months": (3, 6, 12, 24, 36, 60),
    "weeks": (4, 13, 26, 52, 104, 156),
}


def survival(sample: SampleLike, *, by: str | None = None, unit: str = "days") -> Result:
    """Share still customers after each time (Kaplan-Meier), and the median time as a customer.

    Parameters
    ----------
    sample : lifetimes: time, left, and where known entry, one row a customer; seed is used for the
        simultaneous bands
    by : column of groups
    unit : of `time`: "days", "weeks", "months"

    Returns
    -------
    Result with tables "table" ([by], term, time, estimate, low, high, n: at risk then), "curve"
    (the same at some forty times; simultaneous_low, simultaneous_high: bands over all times and
    groups) and "median" ([by], median: the first time by which half have left, exactly from the
    steps of the curve; median_low, median_high: its 95% interval, in `unit` of time, NaN where the
    curve or its limit does not reach a half; n: customers)

    Raises
    ------
    ValueError : missing columns
    InsufficientData : fewer than two customers left

    References
    ----------
    Kaplan and Meier (1958); Brookmeyer and Crowley (1982), Biometrics 38, for the median.

    Examples
    --------
    >>> rows = pd.DataFrame({"time": [10.0, 20, 30, 40], "left": [True, True, False, True]})
    >>> fit = survival(rows, unit="months")
    >>> fit.table["estimate"].round(2).tolist(), fit.median["median"].tolist()
    ([1.0, 1.0, 0.75, 0.5], [20.0])
    """
    sample = as_sample(sample)
    rows = lifetimes_of(sample, by)
    groups = {"": rows} if by is None else dict(list(rows.groupby(by, observed=True)))
    level = sidak_level(len(groups))
    marks = _marks(max(map(_watched_until, groups.values())), unit)
    parts, medians = [], []
    for name, members in groups.items():
        if members["left"].sum() < 2:
            continue
        cause = np.ones(len(members), int)
        curve = _curve(members, cause, [""], level, unit, marks, sample.seed)
        for low, high in (INTERVAL[1:], SIMULTANEOUS):
            curve[[low, high]] = 1 - curve[[high, low]]
        curve["estimate"] = 1 - curve["estimate"]
        own = {} if by is None else {by: name}
        parts.append(curve.assign(**own))
        medians.append({**own, **_median(members)})
    if not parts:
        raise InsufficientData(
            _("In every group fewer than two customers left: there is no curve.")
        )
    curve = pd.concat(parts, ignore_index=True)
    table = _in_order(curve[curve["time"].isin(marks)], by)
    if by:  # a curve ends when somebody left: of few, hidden points too would say when
        least = context.current().smallest_cell
        many = [name for name, members in groups.items() if len(members) >= least]
        curve = curve[curve[by].isin(many)]
    median = pd.DataFrame(medians)
    tables = {"table": table, "curve": _in_order(curve, by), "median": median}
    finding = survival_findings.finding(
        median, table, by, unit, (table if curve.empty else curve)["time"].max()
    )
    known = in_unit(unit, "median", "median_low", "median_high")
    return Result(tables, finding, _notes(rows, len(sample)), "share", columns=known)


def cumulative_incidence(
    sample: SampleLike, *, reason: str = "left_because", unit: str = "days"
) -> Result:
    """Share who left for each reason by each time, the reasons as competing risks.

    One minus a survival curve for each reason would add up to more than everybody.

    Parameters
    ----------
    sample : lifetimes, as in `survival`
    reason : column of the reason for leaving
    unit : of `time`

    Returns
    -------
    Result with tables "table" (reason, term, time, estimate, low, high, n) and "curve";
    simultaneous_low, simultaneous_high: bands over all reasons and times

    Raises
    ------
    InsufficientData : no reason is known, fewer than two customers left

    References
    ----------
    Aalen and Johansen (1978).

    Examples
    --------
    >>> rows = pd.DataFrame({"time": [1.0, 2, 3, 4], "left": [True, True, True, False]})
    >>> rows["left_because"] = ["moved", "product", "product", None]
    >>> cumulative_incidence(rows).table.groupby("left_because")["estimate"].max().tolist()
    [0.25, 0.5]
    """
    sample = as_sample(sample)
    rows = lifetimes_of(sample, reason)
    why = rows[reason].astype("string").fillna(UNKNOWN)
    names = why[rows["left"] > 0].value_counts().index.tolist()
    cause = np.where(rows["left"] > 0, pd.Index(names).get_indexer(why) + 1, 0)
    marks = _marks(_watched_until(rows), unit)
    curve = _curve(rows, cause, names, LEVEL, unit, marks, sample.seed)
    curve = curve.rename(columns={"group": reason})
    table = _in_order(curve[curve["time"].isin(marks)], reason)
    last = table[(table["time"] == table["time"].max()) & (table[reason] != UNKNOWN)]
    if last.empty:
        raise InsufficientData(_("No reason for leaving is on file."))
    top = last.sort_values("estimate", ascending=False).iloc[0]
    facts = {
        "reason": top[reason],
        "share": top.estimate,
        "span": (top.low, top.high),
        "term": top.term,
        "n": top.n,
    }
    tables = {"table": table, "curve": _in_order(curve, reason)}
    finding = Finding.of_row(
        top,
        _("{share:share} of all customers have left {term} because of {reason:quoted}.", **facts),
        _("95% CI {span:share_interval0}; n = {n:count}", **facts),
        unit="share",
        measure="left_because",
        at={"reason": str(top[reason]), "term": top.term},
    )
    return Result(tables, finding, _notes(rows, len(sample)), "share")


def lifetimes_of(sample: Sample, group: str | None) -> pd.DataFrame:
    """Customers under observation, with entry, and `w`, weights of mean one.

    Who left (or was last seen) on the day they joined was there for half a day: `first_unit`.
    """
    rows = sample.data
    require_columns(rows, ["time", "left", *([group] if group else [])], "lifetimes")
    entry = rows["entry"].to_numpy(float) if "entry" in rows else np.zeros(len(rows))
    rows = rows.assign(
        w=moments.weights_of(rows, sample.weight), entry=entry, left=rows["left"].astype(float)
    )
    rows = rows.assign(time=durations.first_unit(rows["time"].to_numpy(float)))
    known = rows["time"].notna() & rows["left"].notna() & (rows["w"] > 0)
    watched = known & (rows["time"] > rows["entry"])
    if not rows.loc[watched, "left"].sum() >= 2:
        raise InsufficientData(
            _(
                "Of {n:count} customers under observation {gone} left; a survival curve needs"
                " more.",
                n=watched.sum(),
                gone=disclosure.count_in_words(int(rows.loc[watched, "left"].sum())),
            )
        )
    kept = rows[watched]
    return kept.assign(w=kept["w"] / kept["w"].mean())


def _curve(
    rows: pd.DataFrame,
    cause: np.ndarray,
    names: list[str],
    level: float,
    unit: str,
    marks: list[float],
    seed: int,
) -> pd.DataFrame:
    """Shares who left by each reason at each time of a grid, with a band for all of them."""
    left = np.where(rows["left"] > 0, cause, 0)
    entry, time = (rows[c].to_numpy(float) for c in ("entry", "time"))
    risk = durations.at_risk(entry, time, left, rows["w"].to_numpy())
    at = _grid(rows, risk, marks)
    share, covariance = durations.incidence(risk, at)
    error = np.sqrt(np.diag(covariance)).reshape(share.shape)
    known = error.ravel() > 0
    cor = covariance[known][:, known] / np.outer(error.ravel()[known], error.ravel()[known])
    n, most = survival_intervals.effective_at_risk(risk, at)
    low, high = survival_intervals.pointwise(share, error, n)
    joint = survival_intervals.band(share, error, cor, n, most, level=level, seed=seed)
    n_at_risk = durations.sums_from(at, entry, time, np.ones(len(rows)))
    return pd.DataFrame(
        {
            "group": np.repeat(names, len(at)),
            "term": [_after(t, unit) for t in at] * len(names),
            "time": np.tile(at, len(names)),
            "estimate": share.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "n": np.tile(n_at_risk.astype(int), len(names)),
            **{c: end.ravel() for c, end in zip(SIMULTANEOUS, joint, strict=True)},
        }
    )


def _median(rows: pd.DataFrame) -> dict[str, float]:
    """The time by which half have left, with its interval, and the customers behind it."""
    entry, time, w = (rows[c].to_numpy(float) for c in ("entry", "time", "w"))
    risk = durations.at_risk(entry, time, rows["left"].to_numpy(int), w)
    ends = survival_intervals.quantile(risk)
    return dict(zip(("median", "median_low", "median_high", "n"), (*ends, len(rows)), strict=True))


def _watched_until(rows: pd.DataFrame) -> float:
    """The time until which enough customers are under observation for a curve to go on."""
    entry, time = (rows[c].to_numpy(float) for c in ("entry", "time"))
    ends = np.unique(time)
    there = durations.sums_from(ends, entry, time, np.ones(len(rows)))
    observed = ends[there >= min(FEWEST, len(rows) / 2)]
    return float(observed.max() if len(observed) else ends.max())


def _grid(rows: pd.DataFrame, risk: durations.Risk, marks: list[float]) -> np.ndarray:
    """Times of a curve: to the last leaving that is well observed, and the marks beyond it."""
    end = _watched_until(rows)
    observed = risk.times[risk.times <= end]
    last = float(observed.max() if len(observed) else risk.times.max())
    marks = [m for m in marks if m <= max(last, end)]
    return np.unique(np.concatenate([np.linspace(last / POINTS, last, POINTS).round(3), marks]))


def _marks(last: float, unit: str) -> list[float]:
    marks = [float(m) for m in MARKS.get(unit, ()) if m <= last]
    return marks or [round(last * part, 3) for part in (0.25, 0.5, 0.75, 1.0)]


def _after(time: float, unit: str) -> str:
    if unit == "days" and time >= YEAR and time % YEAR == 0:
        return ngettext("after {n:count} year", "after {n:count} years", time / YEAR)
    if unit == "months" and time > 24 and time % 12 == 0:
        return ngettext("after {n:count} year", "after {n:count} years", time / 12)
    return _("after {time:count} {unit:label}", time=time, unit=unit)


def _in_order(table: pd.DataFrame, group: str | None) -> pd.DataFrame:
    columns = [c for c in table if c not in (group, "group")]
    return table[[*([group] if group else []), *columns]].reset_index(drop=True)


def _notes(rows: pd.DataFrame, offered: int) -> str:
    notes = [
        _(
            "{n:count} of {offered:count} customers were under observation, {left:count} of "
            "them left; intervals are pointwise, bands of curves simultaneous over time.",
            n=len(rows),
            offered=offered,
            left=rows["left"].sum(),
        )
    ]
    if (rows["entry"] > 0).any():
        notes.append(
            _(
                "{n:count} joined before the first departure on file: they count from that day on.",
                n=(rows["entry"] > 0).sum(),
            )
        )
    return i18n.together(notes)
