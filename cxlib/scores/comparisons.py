"""Do groups differ significantly? All differences with simultaneous intervals.

    fit = scores.compare(sample, "recommend", by="channel")            # all pairs
    scores.compare(sample, "recommend", by="region", against="rest")   # each with all others
    fit.table                             # channel, against, term, estimate, low, high, n, p

The same clusters are resampled in every group, so that customers who are in several groups
count as they should, and one max-t band holds for all differences at once. A significant
difference is associated with the group; it is not its effect.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.scores import group_means
from cxlib.scores.answers import Answers, read
from cxlib.scores.measures import Measure, as_measure
from cxlib.stats.intervals import LEVEL, simultaneous_interval
from cxlib.stats.notes import gap_note, resampling_note
from cxlib.stats.pvalues import max_t


def compare(
    sample: SampleLike,
    item: str = "recommend",
    *,
    by: str,
    against: str = "pairs",
    measure: Measure | str = "nps",
) -> Result:
    """Differences of a score between the groups of `by`, in the unit of the score.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of answers
    by : column of the groups
    against : "pairs" compares every two groups, "rest" each group with all others together,
        "previous" each with the one before it (waves), and the name of a group each with that one
    measure : what is compared

    Returns
    -------
    Result whose table has a row a comparison: the group, against, term, estimate, low, high
    (simultaneous 95% intervals), n (of the smaller side) and p (max-t, adjusted for all
    comparisons).

    Raises
    ------
    ValueError : fewer than two groups with two answers, an unknown group, and as of `nps`

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 9, 0, 10, 0, 0], "wave": list("aaabbb")})
    >>> compare(rows, by="wave").table[["wave", "against", "estimate"]].round(1).values.tolist()
    [['b', 'a', -66.7]]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    answers = read(sample, [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    one, other, names = _sides(answers, found.n[:, 0], against)
    estimate = measure.factor * _gap(
        found.mean[:, 0] * found.total[:, 0], found.total[:, 0], one, other
    )
    tops, bottoms = group_means.resampled_sums(answers, measure.recode)
    replicates = measure.factor * _gap(tops, bottoms, one, other, found.effective[:, 0])
    low, high = simultaneous_interval(estimate, replicates)
    in_turn = against == "previous"
    n = np.minimum(one @ found.n[:, 0], other @ found.n[:, 0]).astype(int)
    table = pd.DataFrame({by: [a for a, _ in names], "against": [b for _, b in names]}).assign(
        term=item, estimate=estimate, low=low, high=high, n=n, p=max_t(estimate, replicates)
    )
    return Result(
        table,
        _finding(table, by, measure, in_turn),
        i18n.together([_notes(answers, table), gap_note(answers.groups) if in_turn else ""]),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
    )


def _sides(
    answers: Answers, n: np.ndarray, against: str
) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
    """Which groups stand on either side of each comparison, (comparisons, groups), and names."""
    groups, usable = answers.groups, np.flatnonzero(n > 1)
    if len(usable) < 2 <= len(groups):
        raise InsufficientData(_("Too few answers to compare groups."))
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
    """Mean of one side minus that of the other, (..., comparisons).

    Resamples of few answers are expanded by the `effective` n of the groups.
    """
    sides = []
    for side in (one, other):
        mean = group_means.ratio(np.nan_to_num(tops) @ side.T, bottoms @ side.T)
        if effective is not None:
            mean = group_means.expand(mean, np.nanmean(mean, axis=0), side @ effective)
        sides.append(mean)
    return sides[0] - sides[1]


def _finding(table: pd.DataFrame, by: str, measure: Measure, in_time: bool) -> Finding:
    least = max(context.current().smallest_cell, 1)
    shown = table[(disclosure.hidden(table, least) == "") & table["p"].notna()]
    if shown.empty:
        return Finding(_("Too few answers to compare groups."))
    widest = shown.loc[(shown["estimate"].abs() / (shown["high"] - shown["low"])).idxmax()]
    significant = int((shown["p"] < 1 - LEVEL).sum())
    up = bool(widest["estimate"] >= 0)
    ends = (widest.low, widest.high) if up else (-widest.high, -widest.low)
    sides = (widest[by], widest["against"]) if up else (widest["against"], widest[by])
    facts = {
        "measure": measure.name(widest["term"]),
        "best": i18n.label(str(sides[0])),
        "worst": i18n.label(str(sides[1])),
        "gap": measure.change(widest["estimate"]),
        "span": measure.change_span(*ends),
        "clear": i18n.count(significant),
        "all": i18n.count(len(shown)),
    }
    if len(shown) == 1 and in_time:
        before, after = facts["worst" if up else "best"], facts["best" if up else "worst"]
        claim = _step(facts | {"before": before, "after": after}, up, bool(significant))
        verdict = ("better" if up else "worse") if significant else "unclear"
        return Finding(claim, value=float(widest["estimate"]), unit=measure.unit, verdict=verdict)
    if len(shown) == 1:
        claim = (
            _("{measure}: {best} is significantly above {worst} by {gap} ({span}).", **facts)
            if significant
            else _(
                "{measure}: {best} is above {worst} by {gap} ({span}); the difference is not "
                "significant.",
                **facts,
            )
        )
        return Finding(claim)
    if not significant:
        return Finding(
            _(
                "{measure}: none of {all} differences is significant; the largest relative to its "
                "interval: {best} above {worst} by {gap} ({span}).",
                **facts,
            )
        )
    return Finding(
        _(
            "{measure}: significant differences: {clear} of {all}; the most significant: {best} "
            "above {worst} by {gap} ({span}).",
            **facts,
        )
    )


def _step(facts: dict[str, str], up: bool, significant: bool) -> str:
    """One step in time, in words."""
    if up and significant:
        return _(
            "{measure} rose significantly by {gap} ({span}) from {before} to {after}.", **facts
        )
    if up:
        return _(
            "{measure} rose by {gap} ({span}) from {before} to {after}; the change is not "
            "significant.",
            **facts,
        )
    if significant:
        return _(
            "{measure} fell significantly by {gap} ({span}) from {before} to {after}.", **facts
        )
    return _(
        "{measure} fell by {gap} ({span}) from {before} to {after}; the change is not significant.",
        **facts,
    )


def _notes(answers: Answers, table: pd.DataFrame) -> str:
    notes = [*answers.notes, resampling_note(answers.sample)]
    if len(table) > 1:
        notes.append(_("The {cells:count} intervals are simultaneous.", cells=len(table)))
    if lonely := int(table["p"].isna().sum()):
        notes.append(
            _("{cells:count} without two different answers have no interval.", cells=lonely)
        )
    return i18n.together(notes)
