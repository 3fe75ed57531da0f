"""What follows what: shares with intervals that hold together, and flows.

    moves = journeys.transitions(counts)         # before, term, estimate: share who went there next
    journeys.flows(counts)                       # step by step, shares of all journeys

`counts` are those of `journeys.counted` or `Reserve.journeys`. Draws are of whole customers; where
steps may be taken as independent of who takes them, `method="dirichlet"` gives Jeffreys' posterior.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.pairs import BEGINS, ENDS, Pairs, pairs_of
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import LEVEL, simultaneous_interval

METHODS = ("bootstrap", "dirichlet")
LEAST = 0.01  # of the journeys, for a way that is told


@dataclass(frozen=True)
class Flows(Estimates):
    """Ways step by step; see `flows`."""

    @property
    def most(self) -> Estimates:
        """The ways of LEAST of all journeys or more, in the order of the steps."""
        table = self.table[self.table["estimate"] >= LEAST].reset_index(drop=True)
        return Estimates(table, self.answer, self.note, self.unit, draws=self.draws, seed=self.seed)


def transitions(
    counts: pd.DataFrame | Pairs,
    *,
    order: Iterable[str] = (),
    method: str = "bootstrap",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Of those at a touchpoint, the share who went on to each, with 95% intervals held together.

    table: before ("begins" for the first step), term ("ends" for no further step), estimate, low,
    high, n (departures from `before`), in the `order` of touchpoints given. Raises ValueError for
    an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not a choice. There are: {', '.join(METHODS)}.")
    pairs = pairs_of(counts)
    rows, shares, again = shares_of(pairs, method, draws, seed)
    table = _table(pairs, rows, shares, again)
    rank = {t: i for i, t in enumerate([BEGINS, *order])} | {ENDS: len(table) + len(shares)}
    place = np.lexsort(
        [
            [rank.get(v, len(table)) for v in pairs.after],
            [rank.get(v, len(table)) for v in pairs.before],
        ]
    )
    table, again = table.iloc[place].reset_index(drop=True), again[:, place]
    note = all_held(len(table), draws)
    if method == "dirichlet":
        note[1] = _("Steps are taken as independent (Dirichlet, Jeffreys' prior).")
    facts = {"draws": draws, "seed": seed, "replicates": again}
    return Estimates(table, _most_taken(table), i18n.together(note), "share", **facts)


def shares_of(
    pairs: Pairs, method: str, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(which `before` each pair has, shares (p,), shares in each draw (draws, p))."""
    rows, whole = pairs.leaves, pairs.whole
    if method == "dirichlet":
        rng = np.random.default_rng(seed)
        drawn = rng.standard_gamma(whole + 0.5, size=(draws, len(whole)))
    else:
        drawn = pairs.summed(draws, seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw may lack all of a touchpoint
        return rows, whole / totals(whole, rows), drawn / totals(drawn, rows)


def totals(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum over the pairs of one `before`, at each pair: (..., p)."""
    return (values @ (rows[:, None] == rows)).astype(float)


def _table(pairs: Pairs, rows: np.ndarray, shares: np.ndarray, again: np.ndarray) -> pd.DataFrame:
    n = totals(pairs.whole, rows)
    low, high = held(shares, again, n)
    named = {"before": pairs.before, "term": pairs.after, "estimate": shares}
    return pd.DataFrame({**named, "low": low, "high": high, "n": n.astype(int)})


def held(shares: np.ndarray, again: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of shares that hold together: on the logit scale, half a case on either side.

    A share of none or all, which no draw changes, has the exact limit of so many cases (Clopper and
    Pearson 1934), one for each share.
    """

    def bent(share: np.ndarray) -> np.ndarray:
        return logit((share * n + 0.5) / (n + 1))

    low, high = simultaneous_interval(bent(shares), bent(again))
    low, high = expit(low), expit(high)
    reach = 1 - ((1 - LEVEL) / 2) ** (1 / np.maximum(n, 1))
    low = np.where(np.isnan(low), np.where(shares > 0.5, 1 - reach, 0.0), low)
    high = np.where(np.isnan(high), np.where(shares > 0.5, 1.0, reach), high)
    return np.minimum(low, shares), np.maximum(high, shares)


def all_held(cells: int, draws: int, weight: str | None = None) -> list[str]:
    """What a note says of intervals that hold together and of their draws."""
    said = _("All {cells:count} intervals hold together.", cells=cells)
    return [said, how_drawn(draws, weight, "customer_id")]


def shares_held(
    rows: pd.DataFrame, below: np.ndarray, above: np.ndarray, *, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Columns estimate, low, high, n of shares: sums `above` of sums `below`, (rows, k) each.

    Held together; the customers of `rows` are drawn whole.
    """
    who, n = resampling.who_of(rows, "customer_id"), below.sum(0)
    share, replicates = ratio(above, below, draws=draws, seed=seed, who=who)
    low, high = held(share, replicates, n)
    return {"estimate": share, "low": low, "high": high, "n": n.astype(int)}


def _most_taken(table: pd.DataFrame) -> str:
    inner = table[~table["before"].eq(BEGINS) & ~table["term"].eq(ENDS)]
    if inner.empty:
        return _("No journey has a second step.")
    most = inner.loc[(inner["estimate"] * inner["n"]).idxmax()]
    return _(
        "The way taken most leads from {before:quoted} to {after:quoted}: {share:share1} "
        "({span:share_interval1}) of those who were there, n {n:count}.",
        before=most["before"],
        after=most["term"],
        share=most["estimate"],
        span=(most["low"], most["high"]),
        n=most["n"],
    )


def flows(counts: pd.DataFrame, *, draws: int = 1000, seed: int = 1) -> Flows:
    """Shares of all journeys that take each way at each step, with 95% intervals held together.

    `counts` are by step (`most=` of `counted`). table: step (of `term`), before, term, estimate
    (share of all journeys), low, high, n (journeys).
    """
    pairs = pairs_of(counts)
    if not (pairs.step > 0).all():
        raise ValueError("these counts do not tell steps. Count with most=5, say.")
    begun = pairs.leaves == 0
    drawn, whole = pairs.summed(draws, seed), pairs.whole
    shares, again = whole / whole[begun].sum(), drawn / drawn[:, begun].sum(1, keepdims=True)
    n = np.full(len(whole), whole[begun].sum())
    low, high = held(shares, again, n)
    named = {"step": pairs.step, "before": pairs.before, "term": pairs.after, "estimate": shares}
    table = pd.DataFrame({**named, "low": low, "high": high, "n": n.astype(int)})
    first = table[table["before"] == BEGINS].sort_values("estimate").iloc[-1]
    answer = _(
        "{share:share1} ({span:share_interval1}) of {n:count} journeys begin with "
        "{touchpoint:quoted}.",
        share=first["estimate"],
        span=(first["low"], first["high"]),
        n=first["n"],
        touchpoint=first["term"],
    )
    note = i18n.together(all_held(len(table), draws))
    facts = {"draws": draws, "seed": seed, "replicates": again}
    return Flows(table, answer, note, "share", **facts)
