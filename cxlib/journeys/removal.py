"""What would be lost without a touchpoint: Markov removal effects, exactly.

    journeys.removal(counts, goal=["booking"])

Journeys are taken as a Markov chain (the next step depends on where one is only). The removal
effect of a touchpoint is the share of completed journeys that pass through it (Anderl, Becker, von
Wangenheim and Schumann 2016): those who would have gone there are lost. With the fundamental matrix
N = inv(I - Q) the chance to pass through i is N[0, i] / N[i, i], and the chance to complete from
there is b[i], so that one inverse gives the effects of all touchpoints, and one batched inverse
those of all draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.estimates import Estimates, at_once, failed, how_drawn
from cxlib.journeys.transitions import BEGINS, Pairs, pairs_of


def removal(
    counts: pd.DataFrame, *, goal: Sequence[str], draws: int = 1000, seed: int = 1
) -> Estimates:
    """Share of completed journeys lost without each touchpoint, with 95% intervals held together.

    `counts` are of journeys up to the goal (`goal=` of `counted`). table: term, estimate, low,
    high, n (steps there), share (the effects made to add up to 1, the credit of attribution).
    Raises ValueError where no journey completes or `counts` go on beyond the goal.
    """
    pairs = pairs_of(counts)
    reached = np.isin(pairs.after, list(goal))
    if not reached.any():
        raise ValueError(f"no journey reaches {list(goal)}. Name another goal.")
    if np.isin(pairs.before, list(goal)).any():
        raise ValueError(f"these counts go on beyond {list(goal)}. Count with goal={list(goal)}.")
    states = [BEGINS, *sorted(set(pairs.before) - {BEGINS})]
    if len(states) == 1:
        raise ValueError(f"no touchpoint is met before {list(goal)}, so none can be missed.")
    places = _places(pairs, states)
    effect, completes = _effects(pairs.whole[None], places, reached, len(states))
    again, _ = _effects(pairs.drawn(draws, seed), places, reached, len(states))
    low, high = at_once(effect[0], again)
    n = np.bincount(places[0], pairs.whole)[1:]
    table = pd.DataFrame(
        {
            "term": states[1:],
            "estimate": effect[0],
            "low": np.clip(np.where(np.isnan(low), effect[0], low), 0, 1),
            "high": np.clip(np.where(np.isnan(high), effect[0], high), 0, 1),
            "n": n.astype(int),
            "share": effect[0] / effect[0].sum(),
        }
    )
    order = np.argsort(-effect[0], kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    facts = {"draws": draws, "seed": seed, "replicates": again[:, order]}
    note = _note(again, completes[0], len(table), draws)
    return Estimates(table, _answer(table, goal), note, "share", **facts)


def _places(pairs: Pairs, states: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The state each pair leaves and enters; the number of states for one that is left for good."""
    index = pd.Index(states)
    after = index.get_indexer(pairs.after)
    return index.get_indexer(pairs.before), np.where(after < 0, len(states), after)


def _effects(
    sums: np.ndarray, places: tuple[np.ndarray, np.ndarray], reached: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Removal effects (draws, size - 1) and chances to complete (draws,), from sums (draws, p).

    NaN in draws where nobody completes; 0 for a touchpoint that a draw lacks.
    """
    before, after = places
    moves = np.zeros((len(sums), size, size + 1))
    np.add.at(moves, (slice(None), before, after), sums)
    goals = sums * reached @ (before[:, None] == np.arange(size))
    left = moves.sum(-1)
    safe = np.where(left > 0, left, 1)
    inside = moves[..., :size] / safe[..., None]
    # A state with no way out (all of a draw's steps there lead back to it) is left for good.
    stuck = np.diagonal(inside, axis1=1, axis2=2) >= 1
    inside = np.where(stuck[..., None], 0.0, inside)
    fundamental = np.linalg.inv(np.eye(size) - inside)
    completes = (fundamental @ (goals / safe)[..., None])[..., 0]
    met = fundamental[:, 0, :] / np.diagonal(fundamental, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = met[:, 1:] * completes[:, 1:] / completes[:, :1]
    return np.where(completes[:, :1] > 0, effects, np.nan), completes[:, 0]


def _answer(table: pd.DataFrame, goal: Sequence[str]) -> str:
    most = table.iloc[0]
    return page.say(
        "Without {touchpoint}, {share} ({span}) of the journeys that reach {goal} would be lost if "
        "nothing took its place.",
        touchpoint=page.quoted(page.label(most["term"])),
        share=page.percent(most["estimate"], 1),
        span=page.span(most["low"], most["high"], share=True),
        goal=page.listed(page.quoted(page.label(g)) for g in goal),
    )


def _note(again: np.ndarray, completes: float, terms: int, draws: int) -> str:
    lost = failed(again)
    return page.together(
        [
            page.say("{share} of journeys reach the goal.", share=page.percent(completes, 1)),
            page.say("All {cells} intervals hold together.", cells=page.count(terms)),
            how_drawn(draws, bucket="customer_id"),
            page.say("{n} draws gave no number.", n=page.count(lost)) if lost else "",
        ]
    )
