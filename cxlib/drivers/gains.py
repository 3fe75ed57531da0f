"""Outcome points associated with raising a driver, and how robust that association is.

    fit = drivers.gains(sample, "recommend", ["speed", "price"])
    fit.table         # term, estimate (outcome points), low, high, n, level, robustness, top
    drivers.best_groups(sample, "recommend", ["speed", "price"], "region").table

A coefficient with all other drivers held is an association. Together with it stands how strong an
unmeasured confounder would have to be to account for it alone (`robustness`): Cinelli and Hazlett
(2020), J. R. Stat. Soc. B 82(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal.sensitivity import robustness
from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers import linear, notes, ranks
from cxlib.drivers.linear import Covariances
from cxlib.drivers.needs import positions
from cxlib.drivers.specification import Answers, Drivers, Specification, specify
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, simultaneous_interval
from cxlib.stats.moments import Moments

CONSTANT = 1e-12  # standard deviation over resamples, in the unit of the outcome
LEAST_GROUP = 30  # answers a group needs to be an example to others
MEAN_RATING = Column("level", label=N_("mean rating"))
BEST = Column("reached", label=N_("best group's mean rating"))


@dataclass(frozen=True, eq=False)
class Regression:
    """Slopes, partial R² and means of the drivers, (k,), and their resamples, (draws, k)."""

    spec: Specification
    sums: Moments
    cov: Covariances
    slope: np.ndarray
    slopes: np.ndarray
    partial: np.ndarray
    level: np.ndarray
    levels: np.ndarray

    def notes(self, *more: str) -> str:
        """The note of the regression."""
        remarks = notes.regression_notes(self.spec, self.sums, self.cov, self.slopes, *more)
        return i18n.together(remarks)


def gains(
    sample: Answers,
    outcome: str,
    drivers: Drivers,
    *,
    scales: Mapping[str, tuple[float, float]] | None = None,
    missing: str = "complete",
) -> Result:
    """Outcome points associated with one point more of each driver, the others held.

    Parameters
    ----------
    sample : answers, a row each, or sums of them (`stats.moments.of`)
    outcome : column to explain
    drivers : columns of numbers
    scales : driver -> (lowest, highest answer); a driver is raised no further than its scale
    missing : as in `importance`

    Returns
    -------
    Result, largest gain first, with the tables "table" (term, estimate, low, high, n, level: the
    driver's mean, robustness: share of the residual variance of both driver and outcome that an
    unmeasured confounder would have to explain to account for the gain, top: whether it may be
    first), "details" (term, n, step: points the driver is raised, partial_r2, robustness_low: for
    the interval to reach zero, joint_low and joint_high: simultaneous over the drivers, which
    decide what is significant, rank_low, rank_high, chance_first), "performance" (means of the
    drivers with intervals) and "positions" (of `needs.positions`); the part "top" lists the
    drivers among which, with 95% confidence, the true first is.

    Raises
    ------
    ValueError : as in `importance`; a driver that is a factor or a group of columns

    References
    ----------
    Cinelli and Hazlett (2020), Journal of the Royal Statistical Society B 82(1).

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 3, 4, 5, 4.0], "recommend": [2, 4, 6, 8, 10, 7.9]})
    >>> gains(rows, "recommend", ["speed"]).table["estimate"].round(1).tolist()
    [2.0]
    """
    fit = _regression(sample, outcome, drivers, missing)
    spec, sums = fit.spec, fit.sums
    n, step = spec.counts(sums), _steps(spec.terms, fit.level, scales or {})
    gain, drawn = fit.slope * step, fit.slopes * step
    fitted = 1 + len(spec.columns)
    free = sums.effective - len(spec.columns) - 1
    low, high = simultaneous_interval(gain, drawn, units=sums.units, fitted=fitted)
    known = drawn.std(0) < CONSTANT  # of a perfect fit, whose slopes are those of every resample
    low, high = (np.where(known, gain, end) for end in (low, high))
    level = expanded_level(sums.units, fitted)
    order = ranks.ranks(spec.terms, gain, drawn, level=level)
    table = estimates_table(spec.terms, gain, drawn, n, level=level).assign(
        level=fit.level,
        robustness=robustness(fit.partial, free),
        top=order["top"].to_numpy(),
    )
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    details = pd.DataFrame(
        {
            "term": spec.terms,
            "n": n,
            "step": step,
            "partial_r2": fit.partial,
            "robustness_low": robustness(fit.partial, free, level=LEVEL),
            "joint_low": low,
            "joint_high": high,
        }
    ).join(order.drop(columns="top"), on="term")
    performance = estimates_table(spec.terms, fit.level, fit.levels, spec.raters(sums))
    raters = spec.raters(sums)
    places = positions(spec.terms, gain, drawn, fit.level, fit.levels, raters)
    return Result(
        {"table": table, "details": details, "performance": performance, "positions": places},
        _finding(table, details, outcome),
        fit.notes(_("Simultaneous intervals over the drivers decide what is significant.")),
        "scale",
        columns=[MEAN_RATING],
        **spec.sample.bootstrap,
        parts={"top": table.loc[table["top"], "term"].tolist()},
    )


def best_groups(
    sample: SampleLike, outcome: str, drivers: Drivers, by: str, *, missing: str = "complete"
) -> Result:
    """Outcome points associated with bringing each driver to its mean in the best group.

    Parameters
    ----------
    sample : answers, a row each
    outcome, drivers, missing : as in `gains`
    by : column of the groups; those of 30 answers or more count

    Returns
    -------
    Result whose table has by (the best group), term, estimate, low, high, n (of the group), level
    (everybody's mean) and reached (the group's), largest first; empty where fewer than two groups
    have 30 answers.

    Raises
    ------
    ValueError : as in `gains`; no such column, or no group in it

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": np.tile([1.0, 2, 3, 4], 20)})
    >>> rows = rows.assign(recommend=2 * rows["speed"] + rows.index % 3, web=rows["speed"] > 2)
    >>> best_groups(rows, "recommend", ["speed"], "web").table[["web", "reached"]].values.tolist()
    [['True', 3.5]]
    """
    sample = as_sample(sample)
    fit = _regression(sample, outcome, drivers, missing)
    table, significant = _best(fit, by)
    remark = _("No group with 30 answers or more rates any part above the others.")
    finding = Finding(remark, importance=Importance.METHOD)
    if len(table):
        row = table.iloc[0]
        finding = Finding.of_row(
            row,
            _(
                "Bringing {driver:quoted} to its level in {group:quoted} is associated with "
                "{outcome:quoted} being {gain:number2} points higher.",
                driver=row["term"],
                group=row.iloc[0],
                gain=row["estimate"],
                outcome=outcome,
            ),
            _(
                "95% CI {span:interval2}; rated {level:number1} by all and {reached:number1} "
                "there; n = {n:count}",
                span=(row["low"], row["high"]),
                level=row["level"],
                reached=row["reached"],
                n=row["n"],
            ),
            unit="scale",
            verdict="" if significant else "unchanged",
            importance=Importance.ANSWER if significant else Importance.METHOD,
        )
        remark = _(
            "The best group of {by:label} is the best in these answers; part of its lead may be "
            "chance.",
            by=by,
        )
    note = fit.notes(remark)
    return Result(table, finding, note, "scale", columns=[MEAN_RATING, BEST], **sample.bootstrap)


def _regression(sample: Answers, outcome: str, drivers: Drivers, missing: str) -> Regression:
    spec = specify(sample, outcome, drivers, missing, in_rows=False)
    spec.require_single_columns(
        "a factor or a group cannot be raised by a point. Give its columns as drivers of their "
        "own, or leave it out."
    )
    sums, first = spec.sums(), [p[0] for p in spec.players]
    cov = linear.covariances(spec, sums)
    (slope, partial), (slopes, _partials) = (
        linear.slopes(cov.estimate),
        linear.slopes(cov.replicates),
    )
    level, levels = sums.total().mean, sums.resample(spec.sample.draws, spec.sample.seed).mean
    return Regression(
        spec,
        sums,
        cov,
        slope[first],
        slopes[:, first],
        partial[first],
        level[1:][first],
        levels[:, 1:][:, first],
    )


def _steps(terms: list[str], level: np.ndarray, scales: Mapping[str, Any]) -> np.ndarray:
    """One point, or what the scale leaves above the mean."""
    top = np.array([scales[t][1] if t in scales else np.inf for t in terms], float)
    return np.clip(top - level, 0, 1)


def _best(fit: Regression, by: str) -> tuple[pd.DataFrame, bool]:
    """The table, and whether its first gain is significant among all of them."""
    columns = [by, "term", "estimate", "low", "high", "n", "level", "reached"]
    spec = fit.spec
    assert isinstance(spec.sample, Sample)
    every = [spec.outcome, *spec.columns]
    groups = moments.by_group(spec.sample, every, by, missing=spec.missing)
    groups = {g: s for g, s in groups.items() if s.rows.sum() >= LEAST_GROUP}
    if len(groups) < 2:
        return pd.DataFrame(columns=columns), False
    first = [1 + p[0] for p in spec.players]
    means = np.array([s.total().mean[first] for s in groups.values()])
    drawn = np.array(
        [s.resample(spec.sample.draws, spec.sample.seed).mean[:, first] for s in groups.values()]
    )
    place, at = means.argmax(0), np.arange(len(first))
    estimate = fit.slope * (means[place, at] - fit.level)
    replicates = fit.slopes * (drawn[place, :, at].T - fit.levels)
    joint = simultaneous_interval(estimate, replicates)[0]
    names, n = list(groups), [int(s.rows.sum()) for s in groups.values()]
    table = estimates_table(spec.terms, estimate, replicates, [n[p] for p in place])
    table.insert(0, by, [str(names[p]) for p in place])
    table = table.assign(level=fit.level, reached=means[place, at])
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    return table, bool(joint[estimate.argmax()] > 0)


def _finding(table: pd.DataFrame, details: pd.DataFrame, outcome: str) -> Finding:
    row, least = table.iloc[0], context.current().smallest_cell
    if row["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    more, leaders = details.set_index("term").loc[row["term"]], int(table["top"].sum())
    facts = {
        "driver": row["term"],
        "outcome": outcome,
        "step": more["step"],
        "gain": row["estimate"],
        "span": (row["low"], row["high"]),
        "n": row["n"],
        "leaders": leaders,
        "robustness": row["robustness"],
    }
    significant = bool(more["joint_low"] > 0)
    if not significant:
        claim = _("No driver is significantly associated with {outcome:quoted}.", **facts)
    elif len(table) == 1:
        claim = _(
            "{step:.2g} rating point more for {driver:quoted} is associated with "
            "{outcome:quoted} being {gain:number2} points higher.",
            **facts,
        )
    elif leaders == 1:
        claim = _(
            "{step:.2g} rating point more for {driver:quoted} is associated with "
            "{outcome:quoted} being {gain:number2} points higher, the largest gain of all drivers.",
            **facts,
        )
    else:
        claim = _(
            "{step:.2g} rating point more for {driver:quoted} is associated with "
            "{outcome:quoted} being {gain:number2} points higher; {leaders:count} drivers "
            "may be first by gain.",
            **facts,
        )
    detail = (
        _("95% CI {span:interval2}; n = {n:count}; robustness value {robustness:share}", **facts)
        if significant
        else _(
            "largest: {driver:quoted}, {gain:number2} points for {step:.2g} rating point more "
            "(95% CI {span:interval2}); n = {n:count}",
            **facts,
        )
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="scale",
        measure="driver_gain",
        at={"outcome": outcome, "driver": row["term"]},
        verdict="" if significant else "unclear",
        importance=Importance.CONTEXT,
    )
