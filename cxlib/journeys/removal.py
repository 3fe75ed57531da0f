"""What would be lost without a touchpoint: Markov removal effects, exactly.

    journeys.removal(counts, goal=["booking"])

Journeys are taken as a Markov chain: the next step depends on where one is only, or on the last few
touchpoints where `paths` were given an order. The removal effect of a touchpoint is the share of
completed journeys that pass through it (Anderl, Becker, von Wangenheim and Schumann 2016): those
who would have gone there are lost. With the fundamental matrix N = inv(I - Q) the chance to pass
through i is N[0, i] / N[i, i], and the chance to complete from there is b[i], so that one inverse
gives the effects of all touchpoints, and one batched inverse those of all draws. Where a touchpoint
stands in several histories S, the chances to come to S first at each of them are
N[0, S] inv(N[S, S]). With the value of conversions in place of their number, the effect is the
share of value that would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike
from cxlib.journeys.counts import TransitionCounts, counts_of
from cxlib.journeys.transitions import interval_notes
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import failed_draws
from cxlib.stats.logit_intervals import share_ends
from cxlib.stats.resampling import sum_by

FEW = 20  # conversions through a touchpoint, below which the interval of their value is too narrow
TOGETHER = 10_000_000  # numbers of the matrices of draws that are inverted at once


def removal(
    counts: SampleLike | TransitionCounts, *, goal: Sequence[str], intervals: bool = True
) -> Result:
    """Share of completed journeys lost without each touchpoint (Markov removal effects).

    Parameters
    ----------
    counts : of journeys up to the goal (`goal=` of `count_transitions`, or `paths`, which also
        takes the order of the chain and the value of conversions)
    goal : touchpoints that complete a journey
    intervals : False for the estimates alone, which takes a hundredth of the time

    Returns
    -------
    Result with "table": term, estimate, low, high, n (steps there),
    share (the effects made to add up to 1, the credit of attribution). Where the value of
    conversions is known, "value": the same of value, and its column value (credited, in currency
    units); with intervals where each row of the paths has one conversion at most.

    Raises
    ------
    InsufficientData : no journey completes, or no touchpoint comes before the goal
    ValueError : the counts go on beyond the goal

    References
    ----------
    Anderl, Becker, von Wangenheim and Schumann (2016), Mapping the customer journey.

    Examples
    --------
    >>> from cxlib.journeys.counts import paths
    >>> table = pd.DataFrame({"path": ["C1 > C2 > C3", "C1", "C2 > C3"], "completed": [1, 0, 0]})
    >>> fit = removal(paths(table.assign(lost=[0, 1, 1]), lost="lost"), goal=["conversion"])
    >>> fit.table[["term", "estimate"]].values.tolist()
    [['C2', 1.0], ['C3', 1.0], ['C1', 0.5]]
    """
    pairs = counts_of(counts)
    goals = [1 + i for i, name in enumerate(pairs.names) if name in goal]
    if not np.isin(pairs.enters, goals).any():
        raise InsufficientData(
            _("No journey reaches {goal:label_list}. Name another goal.", goal=list(goal))
        )
    if np.isin(pairs.leaves, goals).any():
        raise ValueError(f"these counts go on beyond {list(goal)}. Count with goal={list(goal)}.")
    last = np.array(pairs.last or pairs.names, dtype=object)
    n = np.bincount(pairs.leaves, pairs.whole, len(pairs.names) + 1)
    left = 1 + np.flatnonzero(n[1:])
    if not len(left):
        raise InsufficientData(
            _(
                "No touchpoint comes before {goal:label_list}, so none can be removed.",
                goal=list(goal),
            )
        )
    place, terms = pd.factorize(last[left - 1])
    states = [left[place == k] for k in range(len(terms))]
    named = {"term": terms, "n": [int(n[s].sum()) for s in states]}
    completed = float(pairs.whole[np.isin(pairs.enters, goals)].sum())
    effect, completes = _effects(pairs, pairs.whole[None], None, states, goals)
    again = drawn = None
    reached = _(
        "By the chain of steps, in which the next depends on the last alone, {share:share1} of "
        "journeys reach the goal; the share observed stands where journeys end.",
        share=completes[0],
    )
    notes = [reached]
    if intervals:
        drawn = pairs.resample()
        again, _unused = _effects(pairs, drawn, None, states, goals)
        notes += interval_notes(len(terms), pairs.sample)
        if lost := failed_draws(again):
            notes.append(_("{n:count} draws gave no number.", n=lost))
    else:
        notes += [_("No interval was asked for."), *pairs.sample.notes]
    table, order = _table(named, effect[0], again, completed)
    tables = {"table": table}
    if pairs.value is not None:
        tables["value"], note = _of_value(pairs, named, states, goals, drawn, completed)
        notes.append(note)
    return Result(
        tables,
        _finding(table, goal),
        i18n.together(notes),
        "share",
        columns=[
            Column("share", unit="share", label="share of credit"),
            Column("value", "value credited", "money", label="credited value"),
        ],
        draws=pairs.sample.draws if intervals else 0,
        seed=pairs.sample.seed,
        replicates=None if again is None else again[:, order],
    )


def _table(
    named: Mapping[str, Sequence[object]],
    effect: np.ndarray,
    again: np.ndarray | None,
    completed: float,
) -> tuple[pd.DataFrame, np.ndarray]:
    """(the table, the largest effect first; the place of each of its rows among the terms).

    Effects are shares of the journeys that completed, and have the intervals of shares.
    """
    order = np.argsort(-effect, kind="stable")
    ends = dict.fromkeys(INTERVAL[1:], np.full_like(effect, np.nan))
    if again is not None:
        # An effect that no draw changes has no width: the first step of all journeys.
        fixed = (np.isnan(again) | np.isclose(again, effect)).all(0)
        ends = {
            c: np.where(fixed, effect, end)
            for c, end in share_ends(effect, again, np.full(len(effect), completed)).items()
        }
    table = pd.DataFrame(
        {
            "term": named["term"],
            "estimate": effect,
            **{c: ends[c] for c in INTERVAL[1:]},
            "n": named["n"],
            "share": effect / effect.sum(),
            **ends,
        }
    )
    return table.iloc[order].reset_index(drop=True), order


def _of_value(
    pairs: TransitionCounts,
    named: Mapping[str, Sequence[object]],
    states: list[np.ndarray],
    goals: list[int],
    drawn: np.ndarray | None,
    completed: float,
) -> tuple[pd.DataFrame, str]:
    """(the effects on the value of conversions, what their intervals rest on)."""
    value = np.asarray(pairs.value)
    effect, _worth = _effects(pairs, pairs.whole[None], value[None], states, goals)
    again, note = None, ""
    if pairs.resampled_value is None:
        note = _("Effects on value have no interval: rows hold several conversions each.")
    elif drawn is not None:
        values = pairs.resampled_value(pairs.sample.draws, pairs.sample.seed)
        again, _worth = _effects(pairs, drawn, values, states, goals)
    table = _table(named, effect[0], again, completed)[0]
    table["value"] = table["share"] * value.sum()
    if again is not None and (effect[0] * completed < FEW).any():
        note = _(
            "Intervals of value are too narrow for touchpoints on which fewer than {n:count} "
            "conversions depend.",
            n=FEW,
        )
    return table, note


def _effects(
    pairs: TransitionCounts,
    sums: np.ndarray,
    values: np.ndarray | None,
    states: list[np.ndarray],
    goals: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Removal effects (draws, m) and what a journey brings (draws,), from sums (draws, p).

    A journey brings its chance to complete; with `values` (draws, p) the value of its conversion.
    `states` are those of each touchpoint. NaN in draws where no journey brings anything; 0 for a
    touchpoint that a draw lacks.
    """
    size = len(pairs.names) + 1  # the beginning, and each touchpoint
    parts = max(1, len(sums) * size**2 // TOGETHER)
    found = [
        _effects_of_draws(pairs, some, worth, states, goals)
        for some, worth in zip(
            np.array_split(sums, parts),
            [None] * parts if values is None else np.array_split(values, parts),
            strict=True,
        )
    ]
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _effects_of_draws(
    pairs: TransitionCounts,
    sums: np.ndarray,
    values: np.ndarray | None,
    states: list[np.ndarray],
    goals: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """`_effects` of draws whose matrices fit into memory together."""
    size = len(pairs.names) + 1
    cells, place = np.unique(pairs.leaves * size + pairs.enters, return_inverse=True)
    flat = np.zeros((len(sums), size * size))
    flat[:, cells] = sum_by(place, sums.T).T
    moves = flat.reshape(-1, size, size)
    left = moves.sum(-1)
    left = np.where(left > 0, left, 1)
    inside = moves / left[..., None]
    inside[..., 0] = 0  # where journeys end
    # A state with no way out (all of a draw's steps there lead back to it) is left for good.
    inside[np.diagonal(inside, axis1=1, axis2=2) >= 1] = 0
    fundamental = linear_algebra.solve_general(np.eye(size) - inside, np.eye(size))
    if values is None:
        brings = fundamental[..., goals].sum(-1)  # nobody goes on: N[i, goal] is a chance
    else:
        worth = np.zeros((len(sums), size))
        np.add.at(worth.T, pairs.leaves, values.T)
        brings = (fundamental @ (worth / left)[..., None])[..., 0]
    lost = np.column_stack([_through(fundamental, s, brings) for s in states])
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = lost / brings[:, :1]
    return np.where(brings[:, :1] > 0, effects, np.nan), brings[:, 0]


def _through(fundamental: np.ndarray, some: np.ndarray, brings: np.ndarray) -> np.ndarray:
    """What journeys bring that come through any of some states, (draws,)."""
    if len(some) == 1:
        k = some[0]
        return fundamental[:, 0, k] / fundamental[:, k, k] * brings[:, k]
    inner = np.swapaxes(fundamental[:, some[:, None], some], 1, 2)
    first = linear_algebra.solve_general(inner, fundamental[:, 0, some][..., None])
    return (first[..., 0] * brings[:, some]).sum(-1)


def _finding(table: pd.DataFrame, goal: Sequence[str]) -> Finding:
    """Of the touchpoint with the largest effect, of those that journeys can do without.

    All journeys pass their first step: that they would be lost without it tells nothing.
    """
    some = table[table["estimate"] < 1 - 1e-9]
    most = (some if len(some) else table).iloc[0]
    claim = _(
        "In the model of paths {share:rate} of the journeys that reach {goal:quoted_list} depend "
        "on {touchpoint:quoted}.",
        touchpoint=most["term"],
        share=most["estimate"],
        goal=goal,
    )
    detail, at = "", {"touchpoint": str(most["term"])}
    if pd.notna(most["low"]):
        span = most["low"], most["high"]
        detail = _(
            "95% CI {span:share_interval}; n = {n:count} steps there", span=span, n=most["n"]
        )
    return Finding.of_row(most, claim, detail, unit="share", measure="removal_effect", at=at)
