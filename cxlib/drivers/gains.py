"""What goes with raising a driver: outcome points, and how firm that association stands.

    fit = drivers.gains(responses, "recommend", ["speed", "price"], by="region")
    fit.table       # term, estimate (outcome points), low, high, n, step, level, robustness ...
    fit.best        # what goes with reaching the level of the best group

A coefficient with all other drivers held is an association. Beside it stands how strong a cause
that nobody measured would have to be to account for it alone (`robustness`): Cinelli and Hazlett
(2020), J. R. Stat. Soc. B 82(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.causal.sensitivity import robustness
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.drivers import linear, ranks, said
from cxlib.drivers.columns import Chosen, Drivers, choose
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, simultaneous_interval
from cxlib.stats.moments import Moments

LEAST_GROUP = 30  # answers a group needs to be an example to others


@dataclass(frozen=True)
class Gains(Estimates):
    """Outcome points that go with a step up of each driver (`table`), largest first.

    Beyond the usual columns `table` has level (the driver's mean), robustness (share of the rest of
    both driver and outcome that an unmeasured cause would have to explain to account for the gain)
    and top (whether it may be first). `details` has step (points the driver is raised: one, or what
    its scale leaves), partial_r2, robustness_low (for the interval to reach zero), rank_low,
    rank_high and chance_first (as in `Importance`).
    `performance` has the drivers' means with intervals. `best` has, where groups were given, what
    goes with the level of the best group: the group's column, term, estimate, low, high, n, level,
    reached.
    """

    details: pd.DataFrame = field(kw_only=True)
    performance: pd.DataFrame = field(kw_only=True)
    best: pd.DataFrame = field(kw_only=True)

    @property
    def top(self) -> list[str]:
        """The drivers that may be first: with 95% confidence the true first is among them."""
        return self.table.loc[self.table["top"], "term"].tolist()

    @property
    def lead(self) -> Estimates:
        """`best` with a sentence about the driver by which most would be reached."""
        answer = _("No group with 30 answers or more rates any part above the others.")
        if len(self.best):
            row = self.best.loc[self.best["estimate"].idxmax()]
            answer = _(
                "Bringing {driver:quoted} to its level in {group:quoted} goes with {gain:number2} "
                "({span:interval2}) points more.",
                driver=row["term"],
                group=row.iloc[0],
                gain=row["estimate"],
                span=(row["low"], row["high"]),
            )
        return Estimates(self.best, answer, self.note, self.unit, draws=self.draws, seed=self.seed)


def gains(
    responses: pd.DataFrame | Moments,
    outcome: str,
    drivers: Drivers,
    *,
    by: str = "",
    scales: Mapping[str, tuple[float, float]] | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Gains:
    """Outcome points that go with one point more of each driver, the others held, with intervals.

    The intervals hold at once (max-t). With `scales` (lowest and highest answer) a driver is raised
    by no more than its scale leaves. With `by` the table `best` says what goes with bringing a
    driver to its mean in the best group of that column (30 answers or more). `missing` as in
    `importance`. Raises ValueError as `importance` does, and for drivers that are no numbers.
    """
    chosen = choose(responses, outcome, drivers, missing)
    _check_numbers(chosen)
    sums = chosen.sums(weight=weight, bucket=bucket)
    first = [p[0] for p in chosen.players]
    cov, moved = linear.possible(sums)
    drawn, mended = linear.drawn(sums, chosen, draws, seed)
    (slope, partial), (slopes, _unused) = linear.slopes(cov), linear.slopes(drawn)
    slope, partial, slopes = slope[first], partial[first], slopes[:, first]
    level = sums.total().mean[1:][first]
    levels = sums.resample(draws, seed).mean[:, 1:][:, first]
    n = said.counts(chosen, sums)
    step = _steps(chosen.terms, level, scales or {})
    gain, again = slope * step, slopes * step
    fitted = 1 + len(chosen.columns)
    low, high = simultaneous_interval(gain, again, units=sums.effective, fitted=fitted)
    free = sums.effective - len(chosen.columns) - 1
    order = ranks.ranked(chosen.terms, gain, again, level=expanded_level(sums.effective, fitted))
    table = pd.DataFrame(
        {
            "term": chosen.terms,
            "estimate": gain,
            "low": low,
            "high": high,
            "n": n,
            "level": level,
            "robustness": robustness(partial, free),
            "top": order["top"].to_numpy(),
        }
    ).sort_values("estimate", ascending=False, ignore_index=True)
    details = pd.DataFrame(
        {
            "term": chosen.terms,
            "n": n,
            "step": step,
            "partial_r2": partial,
            "robustness_low": robustness(partial, free, level=LEVEL),
        }
    ).join(order.drop(columns="top"), on="term")
    best, remark = _best(chosen, by, (slope, slopes, level, levels), weight, bucket, draws, seed)
    remarks = [
        said.answered(chosen, sums),
        said.not_experienced(responses, chosen.terms, chosen.adjusted),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        _("Intervals hold for all drivers at once."),
        said.moved(moved),
        said.mended(mended, draws),
        said.failures(slopes, draws),
        remark,
    ]
    return Gains(
        table,
        sentence(table, details, outcome),
        i18n.together(remarks),
        "scale",
        draws=draws,
        seed=seed,
        details=details,
        best=best,
        performance=estimates_table(chosen.terms, level, levels, said.raters(chosen, n)),
    )


def sentence(table: pd.DataFrame, details: pd.DataFrame, outcome: str) -> str:
    """What goes with a step up of the driver that comes first."""
    row, least = table.iloc[0], context.current().smallest_cell
    if row["n"] < least:
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    step = details.set_index("term")["step"][row["term"]]
    facts = {
        "driver": row["term"],
        "outcome": outcome,
        "step": step,
        "gain": row["estimate"],
        "span": (row["low"], row["high"]),
        "n": row["n"],
    }
    if row["low"] <= 0:
        return _(
            "No driver goes with more of {outcome:quoted} beyond chance; the largest is "
            "{driver:quoted}, {step:.2g} point more with {gain:number2} ({span:interval2}) "
            "points, n {n:count}.",
            **facts,
        )
    leaders = int(table["top"].sum())
    if leaders == 1:
        return _(
            "{step:.2g} point more of {driver:quoted} goes with {gain:number2} ({span:interval2}) "
            "points more of {outcome:quoted}, more than any other driver, n {n:count}.",
            **facts,
        )
    return _(
        "{step:.2g} point more of {driver:quoted} goes with {gain:number2} ({span:interval2}) "
        "points more of {outcome:quoted}, n {n:count}; which of the first {leaders:count} comes "
        "first is open.",
        leaders=leaders,
        **facts,
    )


def _check_numbers(chosen: Chosen) -> None:
    for term, places in zip(chosen.terms, chosen.players, strict=True):
        if len(places) > 1 and term not in chosen.adjusted:
            raise ValueError(
                f"driver {term!r} has {len(places)} columns: a factor or a group cannot be raised "
                "by a point. Give its columns as drivers of their own, or leave it out."
            )


def _steps(terms: list[str], level: np.ndarray, scales: Mapping) -> np.ndarray:
    """One point, or what the scale leaves above the mean."""
    top = np.array([scales[t][1] if t in scales else np.inf for t in terms], float)
    return np.clip(top - level, 0, 1)


def _best(chosen: Chosen, by: str, fit: tuple, weight, bucket, draws: int, seed: int):
    """What goes with the level of the best group, and what is to be said of it."""
    columns = [by or "group", "term", "estimate", "low", "high", "n", "level", "reached"]
    if not by or isinstance(chosen.responses, Moments):
        return pd.DataFrame(columns=columns), ""
    slope, slopes, level, levels = fit
    how = {"weight": weight, "bucket": bucket, "missing": chosen.missing}
    every = [chosen.outcome, *chosen.columns]
    sums = moments.by_group(chosen.responses, every, by, **how)
    sums = {g: s for g, s in sums.items() if s.rows.sum() >= LEAST_GROUP}
    if len(sums) < 2:
        return pd.DataFrame(columns=columns), ""
    first = [1 + p[0] for p in chosen.players]
    means = np.array([s.total().mean[first] for s in sums.values()])
    drawn = np.array([s.resample(draws, seed).mean[:, first] for s in sums.values()])
    place, at = means.argmax(0), np.arange(len(first))
    estimate = slope * (means[place, at] - level)
    again = slopes * (drawn[place, :, at].T - levels)
    low, high = simultaneous_interval(estimate, again)
    names, n = list(sums), [int(s.rows.sum()) for s in sums.values()]
    table = pd.DataFrame(
        {
            "term": chosen.terms,
            by: [str(names[p]) for p in place],
            "estimate": estimate,
            "low": low,
            "high": high,
            "n": [n[p] for p in place],
            "level": level,
            "reached": means[place, at],
        }
    )
    remark = _(
        "The best group of {by:label} is the best in these answers; part of its lead may be "
        "chance.",
        by=by,
    )
    return table.sort_values("estimate", ascending=False, ignore_index=True)[columns], remark
