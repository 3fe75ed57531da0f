"""How long groups of customers stay, compared over the whole of a curve rather than at one time.

churn.logrank(lifetimes, "plan")                      # is there any difference?
churn.restricted_mean(lifetimes, 365, by="plan")      # how many days of the first year
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, get_args

import numpy as np
import pandas as pd

from cxlib.churn.hazards import linearised, needs_robust
from cxlib.churn.survival import lifetimes_of
from cxlib.core import i18n
from cxlib.core.columns import Column, deciding_ends, in_unit
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import intervals, survival_measures
from cxlib.stats.intervals import LEVEL
from cxlib.stats.survival_measures import Weighting

LEAVINGS = [
    Column("observed", "customers who left", "count"),
    Column("expected", "customers who would have left at the rate of all", "number", 1),
    Column("ratio", "observed divided by expected", "number", 2),
]

FEW = 40  # sampling units below which the robust test rejects too often


def logrank(
    sample: SampleLike,
    by: str,
    *,
    weighting: Weighting = "log-rank",
    rho: float = 1.0,
    strata: str | None = None,
) -> Result:
    """Whether groups leave at different rates: the log-rank test and its weighted relatives.

    Parameters
    ----------
    sample : lifetimes, as in `survival`, one row a customer; with weights, a design or clusters of
        several customers the test is the score test of a weighted Cox model with a linearised
        covariance (svylogrank of R survey), its p by an F distribution
    by : column of groups
    weighting : of the times: "log-rank" (all alike, best for hazards in constant proportion),
        "gehan" and "tarone-ware" (early ones more, by who is at risk), "fleming-harrington" (early
        ones more, by the share retained just before, to the power `rho`)
    rho : 0 or more; 1 is the test of Peto and Peto
    strata : column within whose groups customers are compared

    Returns
    -------
    Result with tables "table" (term, estimate: χ², df, p, n) and "groups" ([by], n, observed,
    expected: customers who left and who would have left at the rate of all, weighted to n in all,
    ratio)

    Raises
    ------
    ValueError : missing columns, or an unknown weighting
    InsufficientData : fewer than two groups under observation, or two customers who left

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50; Gehan (1965); Tarone and Ware (1977); Harrington
    and Fleming (1982), Biometrika 69; Rader (2014), Methods for Analyzing Survival and Binary Data
    in Complex Surveys, Harvard University, for weights and designs.

    Examples
    --------
    >>> rows = pd.DataFrame({"time": [1.0, 2, 3, 4], "left": [True, True, True, True]})
    >>> fit = logrank(rows.assign(plan=["a", "a", "b", "b"]), "plan")
    >>> fit.table["df"].item(), fit.groups["expected"].round(2).tolist()
    (1, [0.83, 3.17])
    """
    require_choice("weighting", weighting, get_args(Weighting))
    sample = as_sample(sample)
    if strata is not None:
        require_columns(sample.data, [strata], "lifetimes")
    rows = lifetimes_of(sample, by)
    rows = rows.dropna(subset=[by, *([strata] if strata else [])])
    group, names = pd.factorize(rows[by], sort=True)
    stratum = None if strata is None else pd.factorize(rows[strata])[0]
    entry, time, left, w = rows[["entry", "time", "left", "w"]].to_numpy(float).T
    robust, drawn = needs_robust(rows, sample), {}
    if robust:
        plan = linearised(sample, rows)
        by_unit = lambda scores: plan.covariance(scores / plan.weight[:, None])  # noqa: E731
        drawn = {"w": w, "covariance": by_unit, "free": plan.degrees_of_freedom}
    try:
        test = survival_measures.logrank(
            entry, time, left, group, weighting, rho=rho, stratum=stratum, **drawn
        )
    except (ArithmeticError, ValueError) as error:
        raise InsufficientData(
            _("At no time are customers of two groups of {by:quoted} under observation.", by=by)
        ) from error
    n = np.bincount(group)
    table = pd.DataFrame(
        {"term": [weighting], "estimate": test.chi2, "df": test.df, "p": test.p, "n": n.sum()}
    )
    groups = pd.DataFrame(
        {by: names, "n": n, "observed": test.observed, "expected": test.expected}
    ).assign(ratio=test.observed / test.expected)
    note = _("The test takes weights and sampling of customers into account (robust score test).")
    if drawn and drawn["free"] < FEW:
        note += " " + _(
            "Of fewer than {n:count} sampling units it calls groups different too often: of 25, in "
            "some 7 of 100 studies where they are alike, not 5.",
            n=FEW,
        )
    tables = {"table": table, "groups": groups}
    finding = _logrank_finding(table, by)
    return Result(tables, finding, note if robust else "", "number", columns=LEAVINGS)


def _logrank_finding(table: pd.DataFrame, by: str) -> Finding:
    row = table.iloc[0]
    facts = {"by": by, "chi2": row.estimate, "df": int(row.df), "p": row.p, "n": row.n}
    differs = row.p < 1 - LEVEL
    if differs:
        claim = _("How soon customers leave differs significantly by {by:quoted}.", **facts)
    else:
        claim = _("How soon customers leave does not differ significantly by {by:quoted}.", **facts)
    return Finding(
        claim,
        _("log-rank test: χ² = {chi2:number1}, df = {df}, p = {p:p}; n = {n:count}", **facts)
        if row.term == "log-rank"
        else _(
            "weighted log-rank test: χ² = {chi2:number1}, df = {df}, p = {p:p}; n = {n:count}",
            **facts,
        ),
        value=row.estimate,
        importance=Importance.NOTABLE if differs else Importance.CONTEXT,
    )


def restricted_mean(
    sample: SampleLike, until: float, *, by: str | None = None, unit: str = "days"
) -> Result:
    """Mean time as a customer within the first `until`, by group, and the differences of groups.

    Unlike a median it is known for every group, and unlike a hazard ratio it needs no constant
    proportion.

    Parameters
    ----------
    sample : lifetimes, as in `survival`; weights are taken
    until : end of the time that counts, above 0, in `unit`
    by : column of groups
    unit : of `time`: "days", "weeks", "months"

    Returns
    -------
    Result with tables "table" ([by], term, estimate, low, high, n) and, with groups, "differences"
    (group, compared, estimate: how much longer the first stays, low, high, n, simultaneous_low,
    simultaneous_high: over all pairs), in `unit`

    Raises
    ------
    ValueError : `until` is not above 0
    InsufficientData : fewer than two customers left, or nobody is observed until `until`

    References
    ----------
    Royston and Parmar (2013), BMC Medical Research Methodology 13; Uno et al. (2014), Journal of
    Clinical Oncology 32.

    Examples
    --------
    >>> rows = pd.DataFrame({"time": [1.0, 2, 3, 6], "left": [True, True, True, False]})
    >>> restricted_mean(rows, 4.0, unit="months").table["estimate"].tolist()
    [2.5]
    """
    if not until > 0:
        raise ValueError(f"until is {until}; it must be above 0, in {unit}.")
    rows = lifetimes_of(as_sample(sample), by)
    groups = {"": rows} if by is None else dict(list(rows.groupby(by, observed=True)))
    observed = {g: members for g, members in groups.items() if members["time"].max() >= until}
    if not observed:
        raise InsufficientData(
            _(
                "No customer is observed for {until:count} {unit:label}: choose a shorter time.",
                until=until,
                unit=unit,
            )
        )
    found = [_one(members, until) for members in observed.values()]
    term = _("first {until:count} {unit:label}", until=until, unit=unit)
    table = pd.DataFrame([f[0] for f in found]).assign(term=term)
    table = table[["term", "estimate", "low", "high", "n"]]
    if by is not None:
        table.insert(0, by, list(observed))
    tables = {"table": table}
    if len(observed) > 1:
        errors = np.array([f[1] for f in found])
        tables["differences"] = _differences(list(observed), table, errors, as_sample(sample).seed)
    left_out = [str(g) for g in groups if g not in observed]
    note = _("Nobody of {groups:list} is observed so long: they are left out.", groups=left_out)
    return Result(
        tables,
        _mean_finding(table, tables.get("differences"), by, until, unit),
        i18n.together([note] if left_out else []),
        unit,
        columns=in_unit(unit, "simultaneous_low", "simultaneous_high"),
    )


def _one(rows: pd.DataFrame, until: float) -> tuple[dict[str, float], float]:
    """The mean of one group with its interval, and its standard error."""
    entry, time, left, w = rows[["entry", "time", "left", "w"]].to_numpy(float).T
    mean, error = survival_measures.restricted_mean(entry, time, left, w, until)
    n = w.sum() ** 2 / (w**2).sum()
    reach = survival_measures.student_reach(n) * error
    low, high = mean - reach, min(mean + reach, until)
    if error == 0:  # nobody left yet: the share retained is at least this, as for a curve
        low, high = until * ((1 - LEVEL) / 2) ** (1 / n), until
    return {"estimate": mean, "low": max(low, 0.0), "high": high, "n": len(rows)}, error


def _differences(
    names: list[Any], table: pd.DataFrame, errors: np.ndarray, seed: int
) -> pd.DataFrame:
    """Each pair of groups, with intervals of each and of all pairs at once."""
    pairs = list(combinations(range(len(names)), 2))
    moves = np.zeros((len(pairs), len(names)))
    for row, (one, other) in enumerate(pairs):
        moves[row, [one, other]] = 1, -1
    covariance = (moves * errors**2) @ moves.T
    spread = np.sqrt(np.diag(covariance))
    known = np.maximum(spread, 1e-300)
    all_at_once = intervals.normal_critical_value(covariance / np.outer(known, known), LEVEL, seed)
    value, own = moves @ table["estimate"].to_numpy(), intervals.normal_quantile(LEVEL)
    n = table["n"].to_numpy()
    return pd.DataFrame(
        {
            "group": [str(names[one]) for one, _other in pairs],
            "compared": [str(names[other]) for _one, other in pairs],
            "estimate": value,
            "low": value - own * spread,
            "high": value + own * spread,
            "n": [int(min(n[one], n[other])) for one, other in pairs],
            "simultaneous_low": value - all_at_once * spread,
            "simultaneous_high": value + all_at_once * spread,
        }
    )


def _mean_finding(
    table: pd.DataFrame,
    differences: pd.DataFrame | None,
    by: str | None,
    until: float,
    unit: str,
) -> Finding:
    """The largest difference of two groups; the mean where there are none."""
    row = table.iloc[0]
    facts: dict[str, Any] = {"until": until, "unit": unit, "by": by}
    if differences is None:
        facts |= {"mean": row.estimate, "span": (row.low, row.high), "n": row.n}
        return Finding.of_row(
            row,
            _(
                "Customers stay for {mean:number0} of the first {until:count} {unit:label} on "
                "average.",
                **facts,
            ),
            _("restricted mean survival time, 95% CI {span:interval0}; n = {n:count}", **facts),
            unit=unit,
            measure="restricted_mean",
            importance=Importance.ANSWER,
        )
    shown = disclosure.shown(differences)
    if shown.empty:
        return Finding(disclosure.left_out())
    low, high = deciding_ends(shown)
    sure = np.maximum(low, -high)
    top = shown.loc[sure.idxmax()]
    longer = top.estimate >= 0
    ends = (top.low, top.high) if longer else (-top.high, -top.low)
    facts |= {
        "one": top["group" if longer else "compared"],
        "other": top["compared" if longer else "group"],
        "more": abs(top.estimate),
        "span": ends,
        "n": top.n,
    }
    if sure.max() > 0:
        claim = _(
            "Of the first {until:count} {unit:label}, {one:quoted} stay {more:number1} more than "
            "{other:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "How many of the first {until:count} {unit:label} customers stay does not differ "
            "significantly by {by:quoted}.",
            **facts,
        )
    return Finding(
        claim,
        _(
            "{one:quoted} {more:number1} longer than {other:quoted} (95% CI {span:interval1}); "
            "n = {n:count} or more each",
            **facts,
        ),
        importance=Importance.NOTABLE if sure.max() > 0 else Importance.CONTEXT,
    )
