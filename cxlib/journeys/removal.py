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

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.pairs import Pairs, pairs_of
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import failed_draws, simultaneous_interval
from cxlib.stats.resampling import sum_by


def removal(
    counts: pd.DataFrame | Pairs, *, goal: Sequence[str], draws: int = 1000, seed: int = 1
) -> Estimates:
    """Share of completed journeys lost without each touchpoint, with 95% intervals held together.

    `counts` are of journeys up to the goal (`goal=` of `counted`, or `paths`); draws=0 gives no
    intervals. table: term, estimate, low, high, n (steps there), share (the effects made to add up
    to 1, the credit of attribution). Raises ValueError where no journey completes or `counts` go on
    beyond the goal.
    """
    pairs = pairs_of(counts)
    goals = [1 + i for i, name in enumerate(pairs.names) if name in goal]
    if not np.isin(pairs.enters, goals).any():
        raise ValueError(f"no journey reaches {list(goal)}. Name another goal.")
    if np.isin(pairs.leaves, goals).any():
        raise ValueError(f"these counts go on beyond {list(goal)}. Count with goal={list(goal)}.")
    n = np.bincount(pairs.leaves, pairs.whole, len(pairs.names) + 1)
    met = 1 + np.flatnonzero(n[1:])
    if not len(met):
        raise ValueError(f"no touchpoint is met before {list(goal)}, so none can be missed.")
    effect, completes = _effects(pairs, pairs.whole[None], met, goals)
    order = np.argsort(-effect[0], kind="stable")
    met, effect = met[order], effect[0, order]
    low, high, again = np.full_like(effect, np.nan), np.full_like(effect, np.nan), None
    if draws:
        again, _unused = _effects(pairs, pairs.summed(draws, seed), met, goals)
        ends = simultaneous_interval(effect, again)  # an effect that no draw changes has no width
        low, high = (np.where(np.isnan(end), effect, np.clip(end, 0, 1)) for end in ends)
    table = {
        "term": [pairs.names[i - 1] for i in met],
        "estimate": effect,
        "low": low,
        "high": high,
        "n": n[met].astype(int),
        "share": effect / effect.sum(),
    }
    facts = {"draws": draws, "seed": seed, "replicates": again}
    note = _note(again, completes[0], len(met), draws, pairs.bucket)
    first = {column: values[0] for column, values in table.items()}
    return Estimates(pd.DataFrame(table), _answer(first, goal, draws), note, "share", **facts)


def _effects(
    pairs: Pairs, sums: np.ndarray, met: np.ndarray, goals: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Removal effects of `met` (draws, m) and chances to complete (draws,), from sums (draws, p).

    NaN in draws where nobody completes; 0 for a touchpoint that a draw lacks.
    """
    size = len(pairs.names) + 1  # the beginning, and each touchpoint
    cells, place = np.unique(pairs.leaves * size + pairs.enters, return_inverse=True)
    moves = np.zeros((len(sums), size * size))
    moves[:, cells] = sum_by(place, sums.T).T
    moves = moves.reshape(-1, size, size)
    left = moves.sum(-1)
    inside = moves / np.where(left > 0, left, 1)[..., None]
    inside[..., 0] = 0  # where journeys end
    # A state with no way out (all of a draw's steps there lead back to it) is left for good.
    inside[np.diagonal(inside, axis1=1, axis2=2) >= 1] = 0
    fundamental = linear_algebra.solve_general(np.eye(size) - inside, np.eye(size))
    completes = fundamental[..., goals].sum(-1)  # nobody goes on from there: N[i, goal] is a chance
    through = (fundamental[:, 0] / np.diagonal(fundamental, axis1=1, axis2=2))[:, met]
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = through * completes[:, met] / completes[:, :1]
    return np.where(completes[:, :1] > 0, effects, np.nan), completes[:, 0]


def _answer(most: dict, goal: Sequence[str], draws: int) -> str:
    said = {"touchpoint": most["term"], "share": most["estimate"], "goal": goal}
    if not draws:
        return _(
            "Without {touchpoint:quoted}, {share:share1} of the journeys that reach "
            "{goal:quoted_list} would be lost if nothing took its place.",
            **said,
        )
    return _(
        "Without {touchpoint:quoted}, {share:share1} ({span:share_interval1}) of the journeys "
        "that reach {goal:quoted_list} would be lost if nothing took its place.",
        span=(most["low"], most["high"]),
        **said,
    )


def _note(
    again: np.ndarray | None, completes: float, terms: int, draws: int, bucket: str | None
) -> str:
    reached = _("{share:share1} of journeys reach the goal.", share=completes)
    if again is None:
        return i18n.together([reached, _("No interval was asked for.")])
    lost = failed_draws(again)
    return i18n.together(
        [
            reached,
            _("All {cells:count} intervals hold together.", cells=terms),
            how_drawn(draws, bucket=bucket),
            _("{n:count} draws gave no number.", n=lost) if lost else "",
        ]
    )
