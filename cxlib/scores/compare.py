"""Are the differences between groups more than chance? All of them held together.

    fit = scores.compare(responses, "recommend", by="channel")            # all pairs
    scores.compare(responses, "recommend", by="region", against="rest")   # each with all others
    scores.compare(responses, "overall", by="wave", against="2025-Q4", measure=Measure(...))
    fit.table                             # channel, against, term, estimate, low, high, n, p

The same draws of customers go through every group, so that customers who are in several groups
count as they should, and one max-t band holds for all differences at once (Westfall and Young
1993). A difference clear of chance is associated with the group; it is not its doing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores import cells
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.rows import Answers, read
from cxlib.stats.intervals import LEVEL


def compare(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    by: str,
    against: str = "pairs",
    measure: Measure | str = "nps",
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Differences of a score between the groups of `by`, in the unit of the score.

    `against`: "pairs" compares every two groups, "rest" each group with all others together,
    "previous" each with the one before it (waves), and the name of a group each with that one.
    The intervals hold together; `p` is the chance of a difference as clear as this anywhere in the
    table if there were none (max-t over draws, step-free). `n` is that of the smaller side.
    Raises ValueError for fewer than two groups with two answers, and for an unknown group.
    """
    measure = as_measure(measure)
    answers = read(
        responses,
        [item],
        by=by,
        weight=weight,
        customer=customer,
        scale=measure.scale,
        whole=measure.whole,
    )
    found = cells.of(answers, measure.recode)
    one, other, names = _sides(answers, found.n[:, 0], against)
    estimate = measure.factor * _gap(
        found.mean[:, 0] * found.total[:, 0], found.total[:, 0], one, other
    )
    tops, bottoms = cells.draw_sums(answers, measure.recode, draws, seed)
    drawn = measure.factor * _gap(tops, bottoms, one, other, found.effective[:, 0])
    low, high, p = together(estimate, drawn)
    n = np.minimum(one @ found.n[:, 0], other @ found.n[:, 0]).astype(int)
    table = pd.DataFrame({by: [a for a, _ in names], "against": [b for _, b in names]}).assign(
        term=item, estimate=estimate, low=low, high=high, n=n, p=p
    )
    return Estimates(
        table,
        _sentence(table, by, measure, against == "previous"),
        _note(answers, table, draws),
        measure.unit,
        draws=draws,
        seed=seed,
    )


def together(
    estimate: np.ndarray, drawn: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals that hold at once, and p held to all, of terms and their draws: (low, high, p).

    Max-t: each deviation of a draw is measured in standard errors, and the largest of a draw says
    what chance does anywhere. A term that does not vary, or that no draw gives, has none of them.
    """
    nothing = np.full(len(estimate), np.nan)
    away = drawn - estimate
    error = np.full(len(estimate), np.nan)
    known = (~np.isnan(away)).sum(0) > 1
    error[known] = np.nanstd(away[:, known], axis=0, ddof=1)
    error[error < 1e-12] = np.nan
    if np.isnan(error).all():
        return nothing, nothing, nothing
    ratio = np.abs(away[:, ~np.isnan(error)]) / error[~np.isnan(error)]
    largest = np.nanmax(ratio[~np.isnan(ratio).all(1)], axis=1)
    reach = np.quantile(largest, level) * error
    beyond = (largest[:, None] >= np.abs(estimate) / error).sum(0)
    p = np.where(np.isnan(error), np.nan, (1 + beyond) / (1 + len(largest)))
    return estimate - reach, estimate + reach, p


def _sides(
    answers: Answers, n: np.ndarray, against: str
) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
    """Which groups stand on either side of each comparison, (comparisons, groups), and names."""
    groups, usable = answers.groups, np.flatnonzero(n > 1)
    if len(usable) < 2:
        raise ValueError(
            f"{answers.by}: {len(usable)} of {len(groups)} groups have two answers or more; a "
            "comparison needs two. Choose another column."
        )
    unit, whole = np.eye(len(groups)), (n > 1).astype(float)
    if against == "rest":
        names = [(groups[g], _("all others")) for g in usable]
        return unit[usable], whole - unit[usable], names
    if against == "pairs":
        pairs = [(b, a) for k, a in enumerate(usable) for b in usable[k + 1 :]]
    elif against == "previous":
        pairs = list(zip(usable[1:], usable[:-1], strict=True))
    else:
        known = {str(groups[g]): g for g in usable}
        if against not in known:
            raise ValueError(
                f"against={against!r} is no group of {answers.by} with two answers. There are: "
                f"pairs, rest, previous, or one of {', '.join(known)}."
            )
        pairs = [(g, known[against]) for g in usable if g != known[against]]
    first, second = (np.array([p[k] for p in pairs]) for k in (0, 1))
    return unit[first], unit[second], [(groups[a], groups[b]) for a, b in pairs]


def _gap(
    tops: np.ndarray,
    bottoms: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    effective: np.ndarray | None = None,
) -> np.ndarray:
    """Mean of one side less that of the other, (..., comparisons); draws of few are moved out."""
    sides = []
    for side in (one, other):
        mean = cells.means(np.nan_to_num(tops) @ side.T, bottoms @ side.T)
        if effective is not None:
            mean = cells.moved_out(mean, np.nanmean(mean, axis=0), side @ effective)
        sides.append(mean)
    return sides[0] - sides[1]


def _sentence(table: pd.DataFrame, by: str, measure: Measure, in_time: bool) -> str:
    least = max(context.current().smallest_cell, 1)
    shown = table[(disclosure.hidden(table, least) == "") & table["p"].notna()]
    if shown.empty:
        return _("Too few answers to compare groups.")
    widest = shown.loc[(shown["estimate"].abs() / (shown["high"] - shown["low"])).idxmax()]
    clear = int((shown["p"] < 1 - LEVEL).sum())
    up = widest["estimate"] >= 0
    ends = (widest.low, widest.high) if up else (-widest.high, -widest.low)
    sides = (widest[by], widest["against"]) if up else (widest["against"], widest[by])
    facts = {
        "measure": measure.name(widest["term"]),
        "best": i18n.label(str(sides[0])),
        "worst": i18n.label(str(sides[1])),
        "gap": measure.change(widest["estimate"]),
        "span": measure.change_span(*ends),
        "clear": i18n.count(clear),
        "all": i18n.count(len(shown)),
    }
    if len(shown) == 1 and in_time:
        return _step(
            facts
            | {"after": i18n.label(str(widest[by])), "before": i18n.label(str(widest["against"]))},
            up,
            clear,
        )
    if len(shown) == 1:
        return (
            _("{measure}: {best} is above {worst} by {gap} ({span}), clear of chance.", **facts)
            if clear
            else _(
                "{measure}: {best} is above {worst} by {gap} ({span}); that may be chance.", **facts
            )
        )
    if not clear:
        return _(
            "{measure}: none of {all} differences is clear of chance; the clearest: {best} above "
            "{worst} by {gap} ({span}).",
            **facts,
        )
    return _(
        "{measure}: differences clear of chance: {clear} of {all}; the clearest: {best} above "
        "{worst} by {gap} ({span}).",
        **facts,
    )


def _step(facts: dict[str, str], up: bool, clear: int) -> str:
    """One step in time, in words."""
    if up and clear:
        return _(
            "{measure} rose by {gap} ({span}) from {before} to {after}, clear of chance.", **facts
        )
    if up:
        return _(
            "{measure} rose by {gap} ({span}) from {before} to {after}; that may be chance.",
            **facts,
        )
    if clear:
        return _(
            "{measure} fell by {gap} ({span}) from {before} to {after}, clear of chance.", **facts
        )
    return _(
        "{measure} fell by {gap} ({span}) from {before} to {after}; that may be chance.", **facts
    )


def _note(answers: Answers, table: pd.DataFrame, draws: int) -> str:
    said = [*answers.note, _("{draws:count} draws.", draws=draws)]
    if len(table) > 1:
        said.append(_("The {cells:count} intervals hold together.", cells=len(table)))
    if lonely := int(table["p"].isna().sum()):
        said.append(
            _("{cells:count} without two different answers have no interval.", cells=lonely)
        )
    return i18n.together(said)
