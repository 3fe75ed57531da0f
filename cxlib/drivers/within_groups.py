"""Drivers within branches: slopes freed of what branches differ in, beside the pooled ones.

    fit = drivers.within_groups(sample, "recommend", ["delivery", "room"], by="branch")
    fit.table            # term, estimate (slope within branches), low, high, n
    fit.differences      # pooled slope minus that within branches
    fit.icc              # share of the residual variance that lies between branches

A pooled slope mixes two questions: whether a customer who rates higher recommends more, and whether
a branch that is rated higher is recommended more. With unit means in the model (Mundlak 1978), the
slopes of a random-intercept model are those within units, whatever its variances are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.drivers import linear, notes
from cxlib.drivers.random_slopes import COLUMNS, intraclass
from cxlib.drivers.random_slopes import random_slopes as varying_slopes
from cxlib.drivers.specification import specify
from cxlib.stats import moments
from cxlib.stats.intervals import estimates_table, expanded_level, simultaneous_interval
from cxlib.stats.moments import Moments

POOLED = Column("pooled", "slope over all units together", "scale", 2, label=N_("pooled"))


def within_groups(
    sample: SampleLike,
    outcome: str,
    drivers: Sequence[str],
    *,
    by: str,
    random_slopes: Sequence[str] = (),
) -> Result:
    """Slopes of drivers within units, their intraclass correlation, and the pooled slopes.

    Parameters
    ----------
    sample : answers, a row each; complete ones that name a unit are used
    outcome : column to explain
    drivers : columns of numbers
    by : column of the units, such as branches
    random_slopes : drivers whose slopes may differ from unit to unit, as (1 + x | unit) of lme4

    Returns
    -------
    Result with the tables "table" (term, estimate: slope within units, low, high, n, joint_low and
    joint_high: simultaneous over the drivers) and "differences" (term, estimate: pooled minus
    within, low, high, n, joint_low, joint_high, pooled), and the part "icc": of the variance that
    drivers and their unit means leave, the share between units, by statsmodels' MixedLM (REML,
    without weights; NaN where they leave nothing). With random slopes "random_slopes" (term,
    estimate: mean slope of units, low, high: for units like these, n, sd: standard deviation of the
    slopes of units, p: of no such deviation, by likelihood ratio).

    Raises
    ------
    InsufficientData : fewer than two units, or too few complete answers
    ValueError : as `gains`; random slopes of what is no driver

    References
    ----------
    Mundlak (1978), Econometrica 46(1); Stram and Lee (1994), Biometrics 50(4), for the test.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"branch": np.repeat(range(20), 20), "room": rng.normal(size=400)})
    >>> rows["room"] += rows["branch"] % 5
    >>> rows["recommend"] = rows["room"] - 2.0 * (rows["branch"] % 5) + rng.normal(size=400)
    >>> fit = within_groups(rows, "recommend", ["room"], by="branch")
    >>> fit.table["estimate"].round().tolist(), (fit.differences["estimate"] < -1).tolist()
    ([1.0], [True])
    """
    sample = as_sample(sample)
    require_columns(sample.data, [outcome, *drivers, by])
    sample = sample.where(sample.data[by].notna())
    spec = specify(sample, outcome, drivers)
    for name in random_slopes:
        require_choice("random_slopes", name, drivers)
    spec.require_single_columns("slopes within units are of single columns. Leave it out.")
    sums = spec.sums()
    parts = list(moments.by_group(spec.sample, spec.asked, by).values())
    if len(parts) < 2:
        raise InsufficientData(_("Fewer than two units have complete answers."))
    cov = linear.covariances(spec, sums)
    slope = linear.slopes(within([p.total() for p in parts]))[0]
    slopes = linear.slopes(within([p.resample(sample.draws, sample.seed) for p in parts]))[0]
    pooled, pooled_draws = (linear.slopes(c)[0] for c in (cov.estimate, cov.replicates))
    n, units, fitted = int(sums.rows.sum()), sums.effective, 1 + len(spec.columns)
    tables = {}
    for name, value, drawn in [
        ("table", slope, slopes),
        ("differences", pooled - slope, pooled_draws - slopes),
    ]:
        low, high = simultaneous_interval(value, drawn, units=units, fitted=fitted)
        own = estimates_table(spec.terms, value, drawn, n, level=expanded_level(units, fitted))
        tables[name] = own.assign(joint_low=low, joint_high=high)
    tables["differences"]["pooled"] = pooled
    rows = spec.require_rows().loc[spec.used()]
    icc, more = intraclass(rows, outcome, spec.columns, by), list[str]()
    if random_slopes and not np.isnan(icc):
        found, more = varying_slopes(rows, outcome, spec.columns, by, list(random_slopes))
        tables["random_slopes"] = found
    remark = _(
        "Slopes are within {k:count} units of {by:label}; of what drivers and unit means leave, "
        "{icc:share} of the variance lies between units (unweighted).",
        k=len(parts),
        by=by,
        icc=icc,
    )
    return Result(
        tables,
        _finding(tables["differences"], tables["table"], outcome, by, icc),
        i18n.together([*notes.regression_notes(spec, sums, cov, slopes, remark), *more]),
        "scale",
        columns=[POOLED, *COLUMNS],
        **sample.bootstrap,
        parts={"icc": icc},
    )


def within(parts: Sequence[Moments]) -> np.ndarray:
    """Covariances around the means of each group, (..., p, p), from the sums of the groups."""
    weight = np.sum([p.weight for p in parts], axis=0)
    # A group that nobody of a resample belongs to has no covariance, and no weight.
    scatter = sum(np.nan_to_num(p.cov) * p.weight[..., None, None] for p in parts)
    return np.asarray(scatter) / weight[..., None, None]


def _finding(
    differences: pd.DataFrame, table: pd.DataFrame, outcome: str, by: str, icc: float
) -> Finding:
    least = context.current().smallest_cell
    if differences["n"].iloc[0] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    clear = (differences["joint_low"] > 0) | (differences["joint_high"] < 0)
    row = (
        (differences[clear] if clear.any() else differences)
        .sort_values("estimate", key=lambda x: -x.abs())
        .iloc[0]
    )
    facts = {
        "driver": row["term"],
        "outcome": outcome,
        "by": by,
        "own": table["estimate"].loc[row.name],
        "pooled": row["pooled"],
        "difference": row["estimate"],
        "span": (row["low"], row["high"]),
        "icc": icc,
        "n": row["n"],
    }
    if clear.any():
        claim = _(
            "The slope of {outcome:quoted} on {driver:quoted} is significantly different within "
            "units of {by:label} from that over all units.",
            **facts,
        )
    else:
        claim = _(
            "Slopes of {outcome:quoted} within units of {by:label} do not differ significantly "
            "from those over all units.",
            **facts,
        )
    detail = _(
        "Slope on {driver:quoted}: {own:number2} within, {pooled:number2} pooled, pooled minus "
        "within {difference:signed2} (95% CI {span:interval2}); ICC {icc:share}; n = {n:count}",
        **facts,
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="scale",
        verdict="" if clear.any() else "unchanged",
        importance=Importance.CONTEXT,
    )
