"""What a comparison of groups or waves says in words, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.scores.score_findings import LARGE, interval, moved
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import unless_adjusted


@dataclass(frozen=True)
class Levels:
    """The scores behind the differences, (comparisons,) each.

    Attributes
    ----------
    one, other : score of the first side and of the other
    low, high, n : the first side's own interval, and its answers
    spread : standard deviation of an answer
    """

    one: np.ndarray
    other: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    spread: float


def is_significant(row: pd.Series | dict[str, object]) -> bool:
    """Whether a difference is significant: its adjusted p and its simultaneous interval say so.

    Examples
    --------
    >>> is_significant({"p": 0.04}), is_significant({"p": 0.063})
    (True, False)
    >>> is_significant({"p": 0.049, "simultaneous_low": -0.1, "simultaneous_high": 5.8})
    False
    """
    low, high = (row.get(end, np.nan) for end in SIMULTANEOUS)
    return bool(row["p"] < 1 - LEVEL) and not low <= 0 <= high  # type: ignore[operator]


def pointwise(row: pd.Series) -> bool:
    """Whether the row's own interval excludes zero: what is not significant may still differ."""
    return bool(row["low"] > 0 or row["high"] < 0)


def finding(
    table: pd.DataFrame,
    levels: Levels,
    by: str,
    measure: Measure,
    in_time: bool,
) -> Finding:
    """The difference that matters most, of those that may be shown."""
    least = max(context.current().smallest_cell, 1)
    shown = table[(disclosure.hidden(table, least) == "") & table["p"].notna()]
    if shown.empty:
        return Finding(_("Too few answers to compare groups."))
    if in_time:
        if len(shown) == 1:
            place = int(shown.index[0])
            return _step(shown.iloc[0], levels, place, by, measure)
        return _steps(shown, by, measure)
    return _groups(shown, levels, by, measure)


def of_groups(
    rest: Result,
    by: str,
    measure: Measure,
    waves: int = 1,
    latest: Result | None = None,
    wave: str = "",
) -> Finding:
    """What the groups' scores say: whether any differs from all others, and by how much.

    Of several waves the latest speaks where a group differs significantly in it; else all of them,
    and the claim says so.

    Parameters
    ----------
    rest : of `compare(..., against="rest")`, of all waves
    by, measure : as there
    waves : how many there are
    latest, wave : the same of the latest wave, and its name; None where it cannot be made
    """
    now = latest is not None and bool(latest.finding.at)
    fit = latest if latest is not None and now else rest
    told = fit.finding
    mine = fit.table[by].astype(str) == told.at.get(by, "")
    if not mine.any():
        return told
    if len(fit.table) == 2:  # all others are the other group
        other = i18n.quoted(i18n.label(str(fit.table.loc[~mine, by].iloc[0])))
        told = replace(told, claim=told.claim.replace(_("all others"), other))
    group, levels = told.at[by], fit.levels.set_index(fit.levels[by].astype(str))["n"]
    share = float(levels[group] / levels.sum())
    if latest is not None and now:
        told = _of_latest(told, rest, by, measure, wave, waves)
        often = _("{share:share} of answers in {wave:label}", share=share, wave=wave)
    else:
        often = _("{share:share} of answers", share=share)
        if waves > 1:
            claim = _("Over all {n:count} waves, {claim}", n=waves, claim=told.claim)
            told = replace(told, claim=claim)
    moved = float(fit.table.loc[mine, "estimate"].iloc[0])
    large = abs(moved) >= LARGE * fit.spread
    action = (
        _(
            "Reduce the share of {group:quoted} ({often}) where you can, or what lowers their "
            "score.",
            group=group,
            often=often,
        )
        if moved < 0
        else _(
            "Find out what raises the score of {group:quoted}, and offer it to others.", group=group
        )
    )
    news = Importance.NOTABLE if large else Importance.ANSWER
    return replace(told, importance=news, action=action)


def _of_latest(
    told: Finding, pooled: Result, by: str, measure: Measure, wave: str, waves: int
) -> Finding:
    """The finding on the latest wave, with all waves together as context."""
    claim = _("In {wave:label}, {claim}", wave=wave, claim=told.claim)
    detail, rows = told.detail, disclosure.shown(pooled.table)
    rows = rows[(rows[by].astype(str) == told.at[by]) & rows["p"].notna()]
    if len(rows):
        row, levels = rows.iloc[0], pooled.levels.set_index(pooled.levels[by].astype(str))
        over = _(
            "over all {n:count} waves {level}, {moved} (95% CI {span})",
            level=measure.value(float(levels.loc[told.at[by], "estimate"])),
            moved=measure.moved(row["estimate"]),
            span=measure.change_span(row["low"], row["high"]),
            n=waves,
        )
        detail = _("{first}; {second}", first=detail, second=over)
    return replace(told, claim=claim, detail=detail, at={**told.at, "wave": wave})


def with_latest(
    told: Finding, recent: pd.DataFrame, by: str, measure: Measure, wave: str
) -> Finding:
    """The finding on all waves together; its detail says why it is not on the latest alone."""
    rows = disclosure.shown(recent)
    rows = rows[rows[by].astype(str) == told.at[by]]
    if rows.empty or np.isnan(rows["p"].iloc[0]):
        held = _("too few answers in {wave:label} to show whether it holds there", wave=wave)
        return replace(told, detail=_("{first}; {second}", first=told.detail, second=held))
    row = rows.iloc[0]
    facts = {
        "wave": wave,
        "moved": measure.moved(row["estimate"]),
        "span": measure.change_span(row["low"], row["high"]),
    }
    held = _("not significant in {wave:label} alone: {moved} (95% CI {span})", **facts)
    return replace(told, detail=_("{first}; {second}", first=told.detail, second=held))


def counted(table: pd.DataFrame) -> Finding:
    """How many groups differ significantly from all others."""
    shown = disclosure.shown(table)
    found = int((shown["p"] < 1 - LEVEL).sum())
    return Finding(_counted(found, len(shown)), importance=Importance.METHOD)


def _counted(found: int, every: int) -> str:
    if not found:
        return _("No group differs significantly from all others.")
    if found == every == 2:
        return _("The two groups differ significantly from each other.")
    if found == every:
        return _("Each of the {n:count} groups differs significantly from all others.", n=found)
    return ngettext(
        "{n:count} of {all:count} groups differs significantly from all others.",
        "{n:count} of {all:count} groups differ significantly from all others.",
        found,
        all=every,
    )


def _step(row: pd.Series, levels: Levels, place: int, by: str, measure: Measure) -> Finding:
    """One step in time."""
    significant, change = is_significant(row), float(row["estimate"])
    words = {
        "measure": i18n.opening(measure.name(row["term"])),
        "size": measure.change(change),
        "moved": measure.moved(change),
        "before": row["against"],
        "after": row[by],
    }
    if not significant and pointwise(row):
        claim = (
            _("{measure} may have risen by {size} from {before:label} to {after:label}.", **words)
            if change > 0
            else _(
                "{measure} may have fallen by {size} from {before:label} to {after:label}.", **words
            )
        )
    elif not significant:
        claim = _(
            "{measure} did not change significantly from {before:label} to {after:label}.", **words
        )
    elif change > 0:
        claim = _("{measure} rose by {size} from {before:label} to {after:label}.", **words)
    else:
        claim = _("{measure} fell by {size} from {before:label} to {after:label}.", **words)
    now, low, high = (float(v[place]) for v in (levels.one, levels.low, levels.high))
    detail = _(
        "change {moved} (95% CI {span}); {after:label}: {now} ({ci}); {before:label}: {then}",
        span=measure.change_span(row["low"], row["high"]),
        now=measure.value(now),
        ci=interval(measure, low, high, levels.n[place]),
        then=measure.value(float(levels.other[place])),
        **words,
    )
    verdict, importance = moved(change, significant, levels.spread)
    return Finding(
        claim,
        detail,
        value=now,
        unit=measure.unit,
        low=low,
        high=high,
        measure=measure.key(row["term"]),
        at={by: str(row[by])},
        previous=float(levels.other[place]),
        change=change,
        verdict=verdict,
        importance=importance,
    )


def _steps(shown: pd.DataFrame, by: str, measure: Measure) -> Finding:
    """Many steps in time: how many are significant, and the largest of them."""
    found = shown[shown.apply(is_significant, axis=1)]
    words = {"measure": measure.name(shown["term"].iloc[0]), "all": len(shown)}
    if found.empty:
        claim = _("No single step of {measure} is significant.", **words)
        return Finding(claim, importance=Importance.METHOD)
    row = found.loc[found["estimate"].abs().idxmax()]
    claim = ngettext(
        "{n:count} of {all:count} steps of {measure} is significant, from {before:label} to "
        "{after:label}.",
        "{n:count} of {all:count} steps of {measure} are significant, the largest from "
        "{before:label} to {after:label}.",
        len(found),
        before=row["against"],
        after=row[by],
        **words,
    )
    detail = _(
        "{moved} (95% CI {span}); p adjusted for {all:count} steps {p:p}",
        moved=measure.moved(row["estimate"]),
        span=measure.change_span(row["low"], row["high"]),
        p=row["p"],
        **words,
    )
    return Finding(claim, detail)


def _groups(shown: pd.DataFrame, levels: Levels, by: str, measure: Measure) -> Finding:
    """The largest significant difference between groups; else that there is none."""
    size, own = shown["estimate"].abs(), shown[["low", "high"]].to_numpy()
    significant = (shown["p"] < 1 - LEVEL).to_numpy()
    pointwise = (own > 0).all(1) | (own < 0).all(1)
    # Of a pair seen from both sides, the lower one is named.
    order = np.lexsort((shown["estimate"], -size, ~pointwise, ~significant))
    row = shown.iloc[order[0]]
    place = int(shown.index[order[0]])
    lower = row["estimate"] < 0
    words = {
        "measure": i18n.opening(measure.name(row["term"])),
        "by": by,
        "group": i18n.quoted(i18n.label(str(row[by]))),
        "other": i18n.quoted(i18n.label(str(row["against"]))),
        "here": measure.level(float(levels.one[place]), bare=True),
        "there": measure.level(float(levels.other[place]), bare=True),
    }
    if row["against"] == _("all others"):
        words["other"] = row["against"]
    if significant[order[0]]:
        claim = _(
            "{measure} differs significantly by {by:label}: {here} for {group}, {there} for "
            "{other}.",
            **words,
        )
    elif pointwise[order[0]] and len(shown) > 2:
        claim = (
            _("{measure} may be lower for {group} ({here}) than for {other} ({there}).", **words)
            if lower
            else _(
                "{measure} may be higher for {group} ({here}) than for {other} ({there}).", **words
            )
        )
    elif len(shown) == 1:
        claim = _("{measure} does not differ significantly between {group} and {other}.", **words)
    else:
        claim = _("{measure} does not differ significantly by {by:label}.", **words)
    detail = _(
        "largest difference {moved} (95% CI {span}); {group}: {ci}",
        moved=measure.moved(row["estimate"]),
        span=measure.change_span(row["low"], row["high"]),
        ci=interval(measure, levels.low[place], levels.high[place], levels.n[place]),
        **words,
    )
    if not significant[order[0]]:
        few = unless_adjusted(row["low"], row["high"], len(shown))
        return Finding(claim, _("; ").join(filter(None, [detail, few])))
    return Finding(
        claim,
        detail,
        value=float(levels.one[place]),
        unit=measure.unit,
        low=float(levels.low[place]),
        high=float(levels.high[place]),
        measure=measure.key(row["term"]),
        at={by: str(row[by])},
    )
