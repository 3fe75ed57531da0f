"""How long customers stay, what goes with staying, and which reason of leaving comes first.

    churn.survival(lifetimes, by="plan")              # Kaplan-Meier: who is still there, and when
    churn.incidence(lifetimes)                        # each reason beside the others
    churn.hazards(lifetimes, ["plan", "region"])      # Cox: who leaves sooner, and does that hold

`lifetimes` is one row a customer, as `reserve.lifetimes()` gives it: `time` as a customer, until
they left (`left`) or were last seen; `entry`, the time at which we began to watch them (who left
before is in no file, so the years before count for nobody); `left_because`, the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.churn.admission import usable
from cxlib.churn.features import UNKNOWN, columns_of, contrasts, learn, places
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.enough import Unfit, few
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.stats import intervals, moments, pvalues
from cxlib.stats import survival as durations
from cxlib.stats.intervals import LEVEL, sidak_level

TIMES = ("time", "entry", "left")
POINTS = 40  # of a curve
FEWEST = 10  # customers at risk, for a curve to go on
MARKS = {  # times at which the table is read
    "days": (90, 180, 365, 730, 1095, 1825),
    "months": (3, 6, 12, 24, 36, 60),
    "weeks": (4, 13, 26, 52, 104, 156),
}


@dataclass(frozen=True)
class Curves(Estimates):
    """Shares by time; `curve` has them at some forty times: [group], term, time, estimate ..."""

    curve: pd.DataFrame = field(kw_only=True)


def survival(
    lifetimes: pd.DataFrame,
    *,
    by: str | None = None,
    unit: str = "days",
    weight: str | None = None,
    seed: int = 1,
) -> Curves:
    """Share still customers after each time, by Kaplan and Meier (1958), and the median stay.

    The table has [by], term, time, estimate, low, high, n (at risk then). The bands hold for the
    whole curve, and for all groups, at once. Raises ValueError for lifetimes that are
    none, Unfit where fewer than two left.
    """
    rows = _lifetimes(lifetimes, weight, by)
    groups = {"": rows} if by is None else dict(list(rows.groupby(by, observed=True)))
    level, marks = sidak_level(len(groups)), _marks(rows["time"].max(), unit)
    parts = []
    for name, members in groups.items():
        if members["left"].sum() < 2:
            continue
        curve = _curve(members, np.ones(len(members), int), [""], level, unit, marks, seed)
        curve[["estimate", "low", "high"]] = 1 - curve[["estimate", "high", "low"]]
        parts.append(curve if by is None else curve.assign(**{by: name}))
    if not parts:
        raise Unfit(_("In every group fewer than two customers left: there is no curve."))
    curve = pd.concat(parts, ignore_index=True)
    table = _in_order(curve[curve["time"].isin(marks)], by)
    return Curves(
        table,
        _stay(curve, table, by, unit),
        _about(rows, unit),
        "share",
        curve=_in_order(curve, by),
    )


def incidence(
    lifetimes: pd.DataFrame,
    *,
    reason: str = "left_because",
    unit: str = "days",
    weight: str | None = None,
    seed: int = 1,
) -> Curves:
    """Share who left for each reason by each time, the reasons competing (Aalen, Johansen 1978).

    The table has reason, term, time, estimate, low, high, n; the bands hold for all reasons and
    times at once. One minus a survival curve per reason would add up to more than everybody.
    """
    rows = _lifetimes(lifetimes, weight, reason)
    why = rows[reason].astype("string").fillna(UNKNOWN)
    names = why[rows["left"] > 0].value_counts().index.tolist()
    cause = np.where(rows["left"] > 0, pd.Index(names).get_indexer(why) + 1, 0)
    marks = _marks(rows["time"].max(), unit)
    curve = _curve(rows, cause, names, LEVEL, unit, marks, seed).rename(columns={"group": reason})
    table = _in_order(curve[curve["time"].isin(marks)], reason)
    last = table[(table["time"] == table["time"].max()) & (table[reason] != UNKNOWN)]
    if last.empty:
        raise Unfit(_("Of nobody who left it is known why."))
    top = last.sort_values("estimate", ascending=False).iloc[0]
    answer = _(
        "The reason that comes first most often: {reason:quoted}, {share:share} "
        "({span:share_interval0}) of all customers {term}.",
        reason=top[reason],
        share=top.estimate,
        span=(top.low, top.high),
        term=top.term,
    )
    return Curves(table, answer, _about(rows, unit), "share", curve=_in_order(curve, reason))


def hazards(
    lifetimes: pd.DataFrame,
    features: list[str] | None = None,
    *,
    weight: str | None = None,
    seed: int = 1,
) -> Estimates:
    """How many times sooner customers leave with each feature, others equal (Cox 1972).

    The table has term, estimate (hazard ratio), low, high (all at once), n, feature, chi2 and p:
    the test that the ratio stays the same over time (Grambsch and Therneau 1994), p after Holm.
    A number goes from its lower to its upper quartile. Without `features` all columns are taken
    but keys, dates, free text and time itself. Raises Unfit where it cannot be fitted.
    """
    if features is None:
        features = usable(lifetimes, [*TIMES, weight], lifetimes["time"])
    if unknown := [c for c in features if c not in lifetimes]:
        raise ValueError(f"no column {unknown} in lifetimes. They have: {', '.join(lifetimes)}.")
    rows = _lifetimes(lifetimes, weight, None)
    learnt = [f for f in learn(rows, features, curved=False) if f.kept]
    x = columns_of(learnt, rows)
    try:
        fit = durations.cox(x, *rows[["entry", "time", "left", "w"]].to_numpy(float).T)
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        named = features
        raise Unfit(
            _(
                "Who leaves sooner cannot be told from {features:label_list}: one of them tells "
                "exactly who leaves when, or repeats another, or too few left.",
                features=named,
            )
        ) from error
    terms, names, moves = _moves(learnt, x.shape[1])
    covariance = moves @ (fit.covariance if weight is None else fit.robust) @ moves.T
    error = np.sqrt(np.diag(covariance))
    reach = (
        intervals.normal_critical_value(covariance / np.outer(error, error), LEVEL, seed) * error
    )
    value = moves @ fit.coefficients
    chi2, p = _drifts(fit, moves)
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": np.exp(value),
            "low": np.exp(value - reach),
            "high": np.exp(value + reach),
            "n": len(rows),
            "feature": names,
            "chi2": chi2,
            "p": p,
        }
    )
    order = np.argsort(-(np.abs(value) - reach), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    return Estimates(table, _sooner(table), _changing(table), "ratio")


def _lifetimes(rows: pd.DataFrame, weight: str | None, group: str | None) -> pd.DataFrame:
    needed = ["time", "left", *([group] if group else [])]
    if lacking := [c for c in needed if c not in rows]:
        raise ValueError(
            f"no column {lacking} in lifetimes. They have: {', '.join(map(str, rows))}. "
            "reserve.open(STUDY).customers.lifetimes() makes them."
        )
    entry = rows["entry"].to_numpy(float) if "entry" in rows else np.zeros(len(rows))
    rows = rows.assign(
        w=moments.weights_of(rows, weight), entry=entry, left=rows["left"].astype(float)
    )
    known = rows["time"].notna() & rows["left"].notna() & (rows["w"] > 0)
    watched = known & (rows["time"] > rows["entry"])
    if not rows.loc[watched, "left"].sum() >= 2:
        raise Unfit(
            _(
                "Of {n:count} customers under watch {gone} left; how long customers stay needs "
                "more.",
                n=watched.sum(),
                gone=few(int(rows.loc[watched, "left"].sum())),
            )
        )
    kept = rows[watched]
    kept.attrs["offered"] = len(rows)
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
    risk = durations.at_risk(*rows[["entry", "time"]].to_numpy(float).T, left, rows["w"].to_numpy())
    at = _grid(rows, risk, marks)
    share, covariance = durations.incidence(risk, at)
    error = np.sqrt(np.diag(covariance)).reshape(share.shape)
    known = error.ravel() > 0
    cor = covariance[known][:, known] / np.outer(error.ravel()[known], error.ravel()[known])
    reach = intervals.normal_critical_value(cor, level, seed)
    low, high = durations.bent(share, error, reach)
    there = durations.sums_from(
        at, rows["entry"].to_numpy(float), rows["time"].to_numpy(float), np.ones(len(rows))
    )
    return pd.DataFrame(
        {
            "group": np.repeat(names, len(at)),
            "term": [_after(t, unit) for t in at] * len(names),
            "time": np.tile(at, len(names)),
            "estimate": share.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "n": np.tile(there.astype(int), len(names)),
        }
    )


def _grid(rows: pd.DataFrame, risk: durations.Risk, marks: list[float]) -> np.ndarray:
    # The curve ends where hardly anybody is watched any more.
    there = durations.sums_from(
        risk.times, rows["entry"].to_numpy(float), rows["time"].to_numpy(float), np.ones(len(rows))
    )
    enough = risk.times[there >= min(FEWEST, len(rows) / 2)]
    last = float(enough.max() if len(enough) else risk.times.max())
    marks = [m for m in marks if m <= last]
    return np.unique(np.concatenate([np.linspace(last / POINTS, last, POINTS).round(3), marks]))


def _marks(last: float, unit: str) -> list[float]:
    marks = [float(m) for m in MARKS.get(unit, ()) if m <= last]
    return marks or [round(last * part, 3) for part in (0.25, 0.5, 0.75, 1.0)]


def _after(time: float, unit: str) -> str:
    return _("after {time:count} {unit:label}", time=time, unit=unit)


def _in_order(table: pd.DataFrame, group: str | None) -> pd.DataFrame:
    columns = [c for c in table if c not in (group, "group")]
    return table[[*([group] if group else []), *columns]].reset_index(drop=True)


def _stay(curve: pd.DataFrame, table: pd.DataFrame, by: str | None, unit: str) -> str:
    if by is not None and table[by].nunique() > 1:
        last = table[table["time"] == table.groupby(by)["time"].max().min()]
        last = disclosure.shown(last).sort_values("estimate")
        if len(last) < 2:
            return disclosure.left_out()
        values = {}
        for name, row in (("low", last.iloc[0]), ("high", last.iloc[-1])):
            values[name] = i18n.quoted(i18n.label(str(row[by])))
            values[f"{name}_share"] = i18n.percent(row.estimate)
            values[f"{name}_span"] = i18n.span(row.low, row.high, 0, share=True)
        return _(
            "Still customers {term}: {high_share} ({high_span}) of {high}, {low_share} "
            "({low_span}) of {low}.",
            term=last["term"].iloc[0],
            **values,
        )
    half = curve[curve["estimate"] <= 0.5]
    if len(half):
        end, start = curve[curve["high"] <= 0.5], curve[curve["low"] <= 0.5]
        latest = end["time"].min() if len(end) else _("no end in sight")
        return _(
            "Half of the customers leave within {time:count} {unit:label} ({low:count} to "
            "{high:count}); n {n:count}.",
            time=half["time"].min(),
            unit=unit,
            low=start["time"].min(),
            high=latest,
            n=curve["n"].max(),
        )
    row = table.iloc[-1]
    return _(
        "{share:share} ({span:share_interval0}) are still customers {term}; n {n:count}.",
        share=row.estimate,
        span=(row.low, row.high),
        term=row.term,
        n=curve["n"].max(),
    )


def _about(rows: pd.DataFrame, unit: str) -> str:
    said = [
        _(
            "{n:count} of {offered:count} customers were under watch, {left:count} of them left; "
            "the band holds for all times at once.",
            n=len(rows),
            offered=rows.attrs.get("offered", len(rows)),
            left=rows["left"].sum(),
        )
    ]
    if (rows["entry"] > 0).any():
        said.append(
            _(
                "{n:count} joined before the first leaving on file: they count from that day on.",
                n=(rows["entry"] > 0).sum(),
            )
        )
    return i18n.together(said)


def _moves(learnt: list, columns: int) -> tuple[list[str], list[str], np.ndarray]:
    where, terms, names, moves = places(learnt), [], [], []
    for feature in learnt:
        for start, end, ends in contrasts(feature):
            move = np.zeros(columns)
            move[where[feature.name]] = ends[1] - ends[0]
            moves.append(move)
            names.append(feature.name)
            terms.append(
                _("{feature:label}: {start} → {end}", feature=feature.name, start=start, end=end)
            )
    return terms, names, np.array(moves)


def _drifts(fit: durations.Cox, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """chi2 of each contrast's drift over time and its p, held together by Holm (1979)."""
    chi2, p = durations.proportional(fit, moves)
    return chi2, pvalues.adjusted(p)


def _sooner(table: pd.DataFrame) -> str:
    top = table.iloc[0]
    if top.low <= 1 <= top.high:
        return _("No feature clearly goes with leaving sooner or later.")
    return _(
        "Most associated with when customers leave: {term}, {ratio:number2} times the risk at any "
        "time ({span:interval2}); n {n:count}.",
        term=top.term,
        ratio=top.estimate,
        span=(top.low, top.high),
        n=top.n,
    )


def _changing(table: pd.DataFrame) -> str:
    drifting = table[table["p"] < 1 - LEVEL]
    if drifting.empty:
        return _("No ratio is seen to change with time (Grambsch and Therneau, after Holm).")
    return _(
        "Ratios that change with time, so that one number is an average of them: {terms:list}.",
        terms=dict.fromkeys(i18n.label(f) for f in drifting["feature"]),
    )
