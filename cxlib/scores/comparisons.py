"""Do groups differ significantly? All differences with simultaneous intervals.

    fit = scores.compare(sample, "recommend", by="channel")            # all pairs
    scores.compare(sample, "recommend", by="region", against="rest")   # each with all others
    scores.by_group(sample, "recommend", by="region")  # each group's score, and whether they differ
    fit.table                             # channel, against, term, estimate, low, high, n, p

The same clusters are resampled in every group, so that customers who are in several groups
count as they should, and p is adjusted for all differences at once (max-t). A significant
difference is associated with the group; it is not its effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.scores import comparison_findings, group_means
from cxlib.scores.answers import Answers, latest_wave, read
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.score_tables import own_interval
from cxlib.scores.scoring import score
from cxlib.stats.intervals import simultaneous_interval, symmetric_interval
from cxlib.stats.notes import gap_note, resampling_note, simultaneous_note
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
    Result whose table has a row a comparison: the group, against, term, estimate, low, high (95%
    intervals, each its own), n (of the smaller side), p (max-t, adjusted for all comparisons) and,
    of several, simultaneous_low, simultaneous_high.

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
    sample, measure = as_sample(sample).of(item, by), as_measure(measure)
    answers = read(sample, [item], measure, by=by)
    found = group_means.estimate(answers, measure.recode)
    one, other, names = _sides(answers, found.n[:, 0], against)
    estimate = measure.factor * _gap(
        found.mean[:, 0] * found.total[:, 0], found.total[:, 0], one, other
    )
    sums = group_means.resampled_sums(answers, measure.recode)
    replicates = measure.factor * _gap(*sums, one, other, found.effective[:, 0])
    low, high = symmetric_interval(estimate, replicates)
    in_turn = against == "previous"
    n = np.minimum(one @ found.n[:, 0], other @ found.n[:, 0]).astype(int)
    table = pd.DataFrame({by: [a for a, _ in names], "against": [b for _, b in names]}).assign(
        term=item, estimate=estimate, low=low, high=high, n=n, p=max_t(estimate, replicates)
    )
    if len(table) > 1:
        together = simultaneous_interval(estimate, replicates)
        table = table.assign(**dict(zip(SIMULTANEOUS, together, strict=True)))
    table = sample.counted(table)
    levels = _levels(answers, found, measure, (one, other), sums)
    level = pd.DataFrame({by: table[by], "term": item, "estimate": levels.one, "n": levels.n})
    level = level.assign(low=levels.low, high=levels.high)[[by, "term", *INTERVAL, "n"]]
    level = sample.counted(level)
    return Result(
        {"table": table, "levels": level},
        comparison_findings.finding(table, levels, by, measure, in_turn),
        i18n.together([_notes(answers, table), gap_note(answers.groups) if in_turn else ""]),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
        parts={"spread": levels.spread},
    )


def by_group(
    sample: SampleLike, item: str = "recommend", *, by: str, measure: Measure | str = "nps"
) -> Result:
    """The score of each group, and whether any differs significantly from all others.

    Parameters
    ----------
    sample, item, by, measure : as in `compare`

    Returns
    -------
    Result of `score` with `by`; its finding names the group that differs most of those that differ
    significantly, in the latest wave where it shows that (the table "latest" then has that wave's
    scores), else over all waves. The part "versus_rest" is the Result of `compare` against "rest",
    or None of a single group.

    Raises
    ------
    ValueError : as of `compare`

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 8] * 20 + [0, 9] * 20})
    >>> rows["wait"] = np.repeat(["no", "yes"], 40)
    >>> print(by_group(rows, by="wait"))
    NPS differs significantly by wait: 0 for yes, +50 for no.
    """
    sample, measure = as_sample(sample), as_measure(measure)
    over = "wave" if "wave" in sample and by != "wave" else None
    sample = sample.of(item, by, over)
    fit = score(sample, item, measure, by=by)
    if (fit.table["n"] > 1).sum() < 2:
        return fit.replace(parts={**fit.parts, "versus_rest": None})
    rest = compare(sample, item, by=by, against="rest", measure=measure)
    counted = rest.replace(finding=comparison_findings.counted(rest.table))
    parts = {**fit.parts, "versus_rest": counted}
    waves = sample[over].nunique() if over else 1
    now = latest_wave(sample, item) if waves > 1 else sample
    wave, recent = (str(now["wave"].iloc[0]) if waves > 1 else ""), None
    if waves > 1:
        try:
            recent = compare(now, item, by=by, against="rest", measure=measure)
        except (InsufficientData, ValueError):  # one group alone
            recent = None
    told = comparison_findings.of_groups(rest, by, measure, waves, recent, wave)
    if waves > 1 and told.at and "wave" not in told.at:
        rows = rest.table.iloc[:0] if recent is None else recent.table
        told = comparison_findings.with_latest(told, rows, by, measure, wave)
    tables = fit.tables
    if recent is not None and "wave" in told.at:
        tables = {**tables, "latest": recent.levels.assign(wave=wave)}
    return fit.replace(tables=tables, finding=told, parts=parts)


def _sides(
    answers: Answers, n: np.ndarray, against: str
) -> tuple[np.ndarray, np.ndarray, list[tuple[Any, ...]]]:
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


def _levels(
    answers: Answers,
    found: group_means.GroupMeans,
    measure: Measure,
    sides: tuple[Any, ...],
    sums: tuple[Any, ...],
) -> comparison_findings.Levels:
    """The score of each side of each comparison, and of the first side its own interval."""
    low, high, _unused = own_interval(answers, found, measure, sums)
    total = found.total[:, 0]
    one, other = (
        measure.factor * group_means.ratio((found.mean[:, 0] * total) @ s.T, total @ s.T)
        for s in sides
    )
    first = sides[0].argmax(1)
    spread = np.sqrt(np.nansum(found.variance[:, 0] * total) / np.nansum(total))
    return comparison_findings.Levels(
        one, other, low[first], high[first], found.n[first, 0], measure.factor * float(spread)
    )


def _notes(answers: Answers, table: pd.DataFrame) -> str:
    notes = [*answers.notes, resampling_note(answers.sample)]
    if len(table) > 1:
        notes.append(simultaneous_note(len(table)))
    if lonely := int(table["p"].isna().sum()):
        notes.append(
            _("{cells:count} without two different answers have no interval.", cells=lonely)
        )
    return i18n.together(notes)
