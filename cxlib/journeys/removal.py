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
from cxlib.core.columns import INTERVAL, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike
from cxlib.journeys.counts import TransitionCounts, counts_of
from cxlib.journeys.transitions import interval_notes
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import failed_draws, interval_columns
from cxlib.stats.resampling import sum_by


def removal(
    counts: SampleLike | TransitionCounts, *, goal: Sequence[str], intervals: bool = True
) -> Result:
    """Share of completed journeys lost without each touchpoint (Markov removal effects).

    Parameters
    ----------
    counts : of journeys up to the goal (`goal=` of `count_transitions`, or `paths`)
    goal : touchpoints that complete a journey
    intervals : False for the estimates alone, which takes a hundredth of the time

    Returns
    -------
    Result with "table": term, estimate, low, high, n (steps there),
    share (the effects made to add up to 1, the credit of attribution).

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
    n = np.bincount(pairs.leaves, pairs.whole, len(pairs.names) + 1)
    met = 1 + np.flatnonzero(n[1:])
    if not len(met):
        raise InsufficientData(
            _(
                "No touchpoint comes before {goal:label_list}, so none can be removed.",
                goal=list(goal),
            )
        )
    effects, completes = _effects(pairs, pairs.whole[None], met, goals)
    order = np.argsort(-effects[0], kind="stable")
    met, effect = met[order], effects[0, order]
    ends = dict.fromkeys(INTERVAL[1:], np.full_like(effect, np.nan))
    again = None
    notes = [_("{share:share1} of journeys reach the goal.", share=completes[0])]
    if intervals:
        again, _unused = _effects(pairs, pairs.resample(), met, goals)
        ends = {  # an effect that no draw changes has no width
            c: np.where(np.isnan(end), effect, np.clip(end, 0, 1))
            for c, end in interval_columns(effect, again).items()
        }
        notes += interval_notes(len(met), pairs.sample)
        if lost := failed_draws(again):
            notes.append(_("{n:count} draws gave no number.", n=lost))
    else:
        notes.append(_("No interval was asked for."))
    table = pd.DataFrame(
        {
            "term": [pairs.names[i - 1] for i in met],
            "estimate": effect,
            **{c: ends[c] for c in INTERVAL[1:]},
            "n": n[met].astype(int),
            "share": effect / effect.sum(),
            **ends,
        }
    )
    return Result(
        table,
        _finding(table, goal),
        i18n.together(notes),
        "share",
        columns=[Column("share", unit="share", label="share of credit")],
        draws=pairs.sample.draws if intervals else 0,
        seed=pairs.sample.seed,
        replicates=again,
    )


def _effects(
    pairs: TransitionCounts, sums: np.ndarray, met: np.ndarray, goals: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Removal effects of `met` (draws, m) and chances to complete (draws,), from sums (draws, p).

    NaN in draws where nobody completes; 0 for a touchpoint that a draw lacks.
    """
    size = len(pairs.names) + 1  # the beginning, and each touchpoint
    cells, place = np.unique(pairs.leaves * size + pairs.enters, return_inverse=True)
    flat = np.zeros((len(sums), size * size))
    flat[:, cells] = sum_by(place, sums.T).T
    moves = flat.reshape(-1, size, size)
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


def _finding(table: pd.DataFrame, goal: Sequence[str]) -> Finding:
    """Of the touchpoint with the largest effect, of those that journeys can do without.

    All journeys pass their first step: that they would be lost without it tells nothing.
    """
    some = table[table["estimate"] < 1 - 1e-9]
    most = (some if len(some) else table).iloc[0]
    claim = _(
        "Without {touchpoint:quoted}, {share:rate} of the journeys that reach "
        "{goal:quoted_list} would be lost if nothing replaced it.",
        touchpoint=most["term"],
        share=most["estimate"],
        goal=goal,
    )
    detail, at = "", {"touchpoint": str(most["term"])}
    if pd.notna(most["low"]):
        span = most["low"], most["high"]
        detail = _("95% CI {span:share_interval}; n = {n:count}", span=span, n=most["n"])
    return Finding.of_row(most, claim, detail, unit="share", measure="removal_effect", at=at)
