"""What follows what: shares with their intervals, and flows.

    moves = journeys.transitions(counts)         # before, term, estimate: share who went there next
    journeys.flows(counts)                       # step by step, shares of all journeys

`counts` are those of `journeys.count_transitions` or `study.journeys.transitions`. Customers are
resampled whole; where steps may be taken as independent of who takes them, `method="dirichlet"`
gives Jeffreys' posterior.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike
from cxlib.journeys.counts import BEGINS, ENDS, TransitionCounts, counts_of
from cxlib.privacy import disclosure
from cxlib.stats.estimators import ratio
from cxlib.stats.logit_intervals import share_ends
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design

METHODS = ("bootstrap", "dirichlet")
LEAST = 0.01  # of the journeys, for a path that is reported


def transitions(
    counts: SampleLike | TransitionCounts, *, order: Iterable[str] = (), method: str = "bootstrap"
) -> Result:
    """Of those at a touchpoint, the share who went on to each.

    Parameters
    ----------
    counts : of `count_transitions`, `study.journeys.transitions` or `paths`
    order : touchpoints in the order of the table
    method : "bootstrap" resamples customers; "dirichlet" takes steps as independent

    Returns
    -------
    Result with "table": before ("begins" for the first step), term ("ends" for no further step),
    estimate, n (departures from `before`), low, high, simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : unknown method, or a table that is not one of counts

    Examples
    --------
    >>> from cxlib.journeys.counts import paths
    >>> table = pd.DataFrame({"path": ["ad > web", "web"], "completed": [1, 1]})
    >>> fit = transitions(paths(table), order=["ad", "web"])
    >>> fit.table[["before", "term", "estimate"]].values.tolist()[:2]
    [['begins', 'ad', 0.5], ['begins', 'web', 0.5]]
    """
    require_choice("method", method, METHODS)
    pairs = counts_of(counts)
    shares, again = transition_shares(pairs, method)
    n = totals(pairs.whole, pairs.leaves)
    named = {"before": pairs.before, "term": pairs.after, "estimate": shares, "n": n.astype(int)}
    table = pd.DataFrame(named | share_ends(shares, again, n))
    rank = {t: i for i, t in enumerate([BEGINS, *order])} | {ENDS: len(table) + len(shares)}
    table = pairs.sample.counted(table)
    columns = (pairs.after, pairs.before)
    place = np.lexsort([[rank.get(v, len(table)) for v in names] for names in columns])
    table, again = table.iloc[place].reset_index(drop=True), again[:, place]
    notes = interval_notes(len(table), pairs.sample)
    if method == "dirichlet":
        notes[1] = _("Steps are taken as independent (Dirichlet, Jeffreys' prior).")
    return Result(
        table,
        _finding(table),
        i18n.together(notes),
        "share",
        **pairs.sample.bootstrap,
        replicates=again,
    )


def transition_shares(
    pairs: TransitionCounts, method: str = "bootstrap"
) -> tuple[np.ndarray, np.ndarray]:
    """(shares (p,) of the departures from each touchpoint, their replicates (draws, p))."""
    rows, whole = pairs.leaves, pairs.whole
    if method == "dirichlet":
        rng = np.random.default_rng(pairs.sample.seed)
        drawn = rng.standard_gamma(whole + 0.5, size=(pairs.sample.draws, len(whole)))
    else:
        drawn = pairs.resample()
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample may lack all of a touchpoint
        return whole / totals(whole, rows), drawn / totals(drawn, rows)


def totals(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum over the pairs of one `before`, at each pair: (..., p)."""
    return (values @ (rows[:, None] == rows)).astype(float)


def interval_notes(cells: int, sample: Sample) -> list[str]:
    """What the two kinds of intervals are, what they rest on, and notes of the sample."""
    return [simultaneous_note(cells), resampling_note(sample), *sample.notes]


def share_columns(
    sample: Sample, below: np.ndarray, above: np.ndarray, *, simultaneous: bool = False
) -> dict[str, pd.Series]:
    """Columns estimate, low, high, n of shares: sums `above` of sums `below`, (rows, k) each.

    With `simultaneous`, the intervals that hold for all shares at once too.
    """
    n = below.sum(0)
    share, replicates = ratio(above, below, **design(sample))
    ends = share_ends(share, replicates, n)
    if not simultaneous:
        ends = {c: end for c, end in ends.items() if c not in SIMULTANEOUS}
    table = pd.DataFrame({"estimate": share, **ends, "n": n.astype(int)})
    return dict(disclosure.with_people(table, sample.people(below)))


def _finding(table: pd.DataFrame) -> Finding:
    inner = table[~table["before"].eq(BEGINS) & ~table["term"].eq(ENDS)]
    if inner.empty:
        return Finding(_("No journey has a second step."), importance=Importance.METHOD)
    most = inner.loc[(inner["estimate"] * inner["n"]).idxmax()]
    claim = _(
        "The most frequent path leads from {before:quoted} to {after:quoted}: {share:share} of "
        "those there take it.",
        before=most["before"],
        after=most["term"],
        share=most["estimate"],
    )
    facts = {"span": (most["low"], most["high"]), "n": most["n"]}
    detail = _("95% CI {span:share_interval}; n = {n:count} steps there", **facts)
    return Finding.of_row(most, claim, detail, unit="share")


def flows(counts: SampleLike) -> Result:
    """Shares of all journeys that take each path at each step.

    A share is that of the journeys at the touchpoint before, times the share of them that went on
    this way, so that journeys whose next step is not known yet (`patience`) are taken to go on as
    the others did.

    Parameters
    ----------
    counts : by step (`most=` of `count_transitions` or `study.journeys.transitions`)

    Returns
    -------
    Result with "table": step (of `term`), before, term, estimate (share of all journeys), n
    (journeys), low, high, simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : the counts are not by step

    Examples
    --------
    >>> rows = {"cluster": [1, 2], "step": 1, "before": pd.NA, "after": ["web", "shop"]}
    >>> rows |= {"n": [3, 1]}
    >>> flows(pd.DataFrame(rows)).table[["term", "estimate"]].values.tolist()
    [['shop', 0.25], ['web', 0.75]]
    """
    pairs = counts_of(counts)
    if not (pairs.step > 0).all():
        raise ValueError("these counts are not by step. Count with most=5, say.")
    shares, again = _of_all(pairs, pairs.whole), _of_all(pairs, pairs.resample())
    n = np.full(len(shares), pairs.whole[pairs.leaves == 0].sum())
    named = {"step": pairs.step, "before": pairs.before, "term": pairs.after, "estimate": shares}
    table = pd.DataFrame(named | {"n": n.astype(int)} | share_ends(shares, again, n))
    first = table[table["before"] == BEGINS].sort_values("estimate").iloc[-1]
    claim = _(
        "Journeys begin most often with {touchpoint:quoted}, {share:rate} of them.",
        share=first["estimate"],
        touchpoint=first["term"],
    )
    facts = {"span": (first["low"], first["high"]), "n": first["n"]}
    detail = _(
        "95% CI {span:share_interval}; n = {n:count} journeys, those still open included", **facts
    )
    return Result(
        table,
        Finding.of_row(first, claim, detail, unit="share"),
        i18n.together(interval_notes(len(table), pairs.sample)),
        "share",
        **pairs.sample.bootstrap,
        replicates=again,
    )


def _of_all(pairs: TransitionCounts, counts: np.ndarray) -> np.ndarray:
    """Shares of all journeys, step by step, of counts (..., p)."""
    shares = np.zeros_like(counts, dtype=float)
    at = np.zeros((*counts.shape[:-1], len(pairs.names) + 1))  # journeys at each name
    at[..., 0] = 1  # where journeys begin
    for step in np.unique(pairs.step):
        here = pairs.step == step
        leaves, enters, gone = pairs.leaves[here], pairs.enters[here], counts[..., here]
        with np.errstate(invalid="ignore"):  # of a resample nobody may have been there
            on = np.nan_to_num(gone / totals(gone, leaves))
        shares[..., here] = at[..., leaves] * on
        at = shares[..., here] @ (enters[:, None] == np.arange(at.shape[-1]))
        at[..., 0] = 0  # these have ended
    return shares


def main_flows(fit: Result) -> Result:
    """The flows of 1% of all journeys or more, in the order of the steps.

    Examples
    --------
    >>> rows = pd.DataFrame({"cluster": [1, 2], "after": ["web", "shop"], "n": [999, 1]})
    >>> main_flows(flows(rows.assign(step=1, before=pd.NA))).table["term"].tolist()
    ['web']
    """
    table = fit.table[fit.table["estimate"] >= LEAST].reset_index(drop=True)
    return fit.replace(tables={"table": table}, replicates=None)
