"""What to improve first: how much of the whole score the gap to the best group makes.

fit = adjusted(answers, "recommend", by="channel", mix=["region"], measure=measure)
priorities(fit).table        # channel, term, estimate (gain), low, high, n, gap, share, verdict
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cxlib.channels.groups import OTHERS, named
from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, INTERVAL, SIMULTANEOUS, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.stats import intervals

LEAST = 30  # clusters of a group that may be the best one


def priorities(fit: Result) -> Result:
    """Gain in the whole score if a group had the adjusted score of the best comparable one.

    Volume times gap: the share of answers that the group has times its distance from the best. The
    best is the highest adjusted score among groups of 30 clusters or more. As it is chosen by its
    score, its distance from others flatters it; the simultaneous intervals, which decide the
    verdict, hold for the differences of all pairs and so for whichever is chosen. Named first is
    the largest gain among groups significantly below the best, or below all others.

    Parameters
    ----------
    fit : of `adjusted`

    Returns
    -------
    Result with "table", the largest gain first: by, term, estimate (gain), low, high, n,
    simultaneous_low, simultaneous_high, gap (distance from the best), share (of answers), verdict
    ("worse": significantly below the best; "unclear"). Its part "best" is the best group.

    Raises
    ------
    InsufficientData : fewer than two groups are large enough

    References
    ----------
    Hsu (1996), Multiple Comparisons, ch. 4, for comparisons with the best.

    Examples
    --------
    >>> from cxlib.channels.adjustment import adjusted
    >>> from cxlib.scores import Measure
    >>> rows = pd.DataFrame({"channel": ["web"] * 60 + ["phone"] * 40})
    >>> rows["ok"] = [1.0] * 54 + [0.0] * 6 + [1.0] * 16 + [0.0] * 24
    >>> fit = adjusted(rows, "ok", by="channel", measure=Measure("csat", (0, 1), 1))
    >>> priorities(fit).table[["channel", "gap", "share", "estimate"]].round(2).values.tolist()
    [['phone', 0.5, 0.4, 0.2]]
    """
    table, units = fit.table, np.asarray(fit.units)
    by = str(table.columns[0])
    fair = (units >= LEAST) & (disclosure.hidden(table) == "").to_numpy()
    if fair.sum() < 2:
        raise InsufficientData(_("Too few answers to compare groups."))
    if (named_ones := fair & table[by].ne(OTHERS).to_numpy()).sum() > 1:
        fair = named_ones  # nobody can follow the example of all small groups together
    level, drawn = table["estimate"].to_numpy(), np.asarray(fit.replicates)
    best = int(np.where(fair, level, -np.inf).argmax())
    gap, gaps = level[best] - level, drawn[:, [best]] - drawn
    gain, gains = fit.share * gap, fit.share_replicates * gaps
    reach = _reach(level, drawn, units)[:, best]
    own = intervals.symmetric_interval(gain, gains, units=np.minimum(units, units[best]), fitted=2)
    found = pd.DataFrame({by: table[by], "term": table["term"], "estimate": gain})
    ends = (*own, fit.share * (gap - reach), fit.share * (gap + reach))
    found = found.assign(**dict(zip((*INTERVAL[1:], *SIMULTANEOUS), ends, strict=True)))
    found = found.assign(n=table["n"], gap=gap, share=fit.share)
    found["verdict"] = np.where(gap - reach > 0, "worse", "unclear")
    others = np.arange(len(found)) != best
    found, gains = found[others], gains[:, others]
    order = found["estimate"].argsort(kind="stable").to_numpy()[::-1]
    found, gains = found.iloc[order].reset_index(drop=True), gains[:, order]
    found = found[[by, "term", *INTERVAL, "n", *SIMULTANEOUS, "gap", "share", "verdict"]]
    name = str(table[by].iloc[best])
    note = _(
        "Gain: share of answers times the distance from {best:quoted}, the highest adjusted score "
        "of a group of {least:count} or more. Verdicts hold for the differences of all pairs, "
        "whichever is the best.",
        best=name,
        least=LEAST,
    )
    return Result(
        found,
        _finding(found, by, name, fit, _rivals(found, gains, by, fit)),
        i18n.together([note, fit.notes]),
        "gap" if fit.unit == "share" else fit.unit,
        columns=[
            Column("gap", "distance from the best", ESTIMATE, label=N_("distance from the best")),
            Column("share", "share of answers", "share"),
            Column("verdict", label=N_("compared with the best")),
        ],
        draws=fit.draws,
        seed=fit.seed,
        replicates=gains,
        parts={"best": name},
    )


def _reach(level: np.ndarray, drawn: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Half widths of the simultaneous intervals of the differences of all pairs, (g, g)."""
    pairs = list(combinations(range(len(level)), 2))
    one, other = np.array(pairs).T
    differences, again = level[one] - level[other], drawn[:, one] - drawn[:, other]
    low, high = intervals.simultaneous_interval(
        differences, again, units=np.minimum(units[one], units[other]), fitted=2
    )
    reach = np.zeros((len(level), len(level)))
    reach[one, other] = reach[other, one] = (high - low) / 2
    return reach


def _below(shown: pd.DataFrame, by: str, fit: Result) -> pd.DataFrame:
    """The groups significantly below the best, or below all others; the largest gain first."""
    others = fit.table.loc[fit.table["verdict"] == "worse", by]
    return shown[(shown["verdict"] == "worse") | shown[by].isin(others)]


def _rivals(found: pd.DataFrame, gains: np.ndarray, by: str, fit: Result) -> list[str]:
    """Groups whose gain does not differ significantly from that of the first to improve."""
    shown = disclosure.shown(found)
    worse = _below(shown, by, fit).index
    # Nobody answers for all small groups together.
    others = shown.index[shown[by].ne(OTHERS)].drop(worse[:1])
    if worse.empty or others.empty:
        return []
    gap = found["estimate"][worse[0]] - found["estimate"][others].to_numpy()
    low, high = intervals.simultaneous_interval(gap, gains[:, [worse[0]]] - gains[:, others])
    return found.loc[others[(low <= 0) & (high >= 0)], by].astype(str).tolist()


def _finding(table: pd.DataFrame, by: str, best: str, fit: Result, rivals: list[str]) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        return Finding(_("Too few answers to compare groups."), importance=Importance.METHOD)
    measure = fit.measure
    found = _below(shown, by, fit)
    row = (found if len(found) else shown).iloc[0]
    words: dict[str, Any] = {
        "group": i18n.quoted(i18n.label(str(row[by]))),
        "named": _("{by:label} {group:quoted}", by=by, group=row[by]),
        "best": i18n.quoted(i18n.label(best)),
        "what": i18n.opening(named(row["term"], measure.name)),
        "by": by,
        "gain": measure.change(row["estimate"]),
        "span": measure.change_span(row["low"], row["high"]),
        "gap": measure.change(row["gap"]),
        "share": row["share"],
        "n": row["n"],
    }
    near = shown[shown[by].astype(str).isin(rivals)]
    if found.empty:
        claim = _(
            "No {by:label} is shown to be below the best, {best}; {group} may offer the most.",
            **words,
        )
    elif row["verdict"] == "worse":
        claim = _(
            "{what} is {gap} lower for {named} than for {best}: closing the gap corresponds to "
            "{gain}.",
            **words,
        )
    else:
        claim = _(
            "{what} may be {gap} lower for {named} than for {best}: closing the gap corresponds to "
            "{gain}.",
            **words,
        )
    detail = _("overall {gain}, 95% CI {span}; {share:share} of all; n = {n:count}", **words)
    if len(found) and row["verdict"] != "worse":
        told = _("significantly below all others, while its distance from the best is not settled")
        detail = _("{first}; {second}", first=detail, second=told)
    less = near[near["estimate"] <= row["estimate"]]
    if len(less):
        others = [
            _(
                "{name} ({gain})",
                name=i18n.quoted(i18n.label(str(group))),
                gain=measure.change(gain),
            )
            for group, gain in zip(less[by], less["estimate"], strict=True)
        ]
        told = _("not significantly different by gain: {others:list3}", others=others)
        detail = _("{first}; {second}", first=detail, second=told)
    groups = shown[shown[by].ne(OTHERS)]  # nobody answers for all small groups together
    if len(more := groups[groups["estimate"] > row["estimate"]]):
        larger = _(
            "{names:quoted_list3} may offer more ({gain}), but whether it is below the best is "
            "not settled",
            names=more[by].astype(str),
            gain=measure.change(more["estimate"].iloc[0]),
        )
        detail = _("{first}; {second}", first=detail, second=larger)
    if len(fit.waves) > 1:
        told = _(
            "all {k:count} waves from {first:period} to {last:period} together",
            k=len(fit.waves),
            first=fit.waves[0],
            last=fit.waves[-1],
        )
        detail = _("{first}; {second}", first=detail, second=told)
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=fit.unit,
        at={by: str(row[by])},
        verdict="worse" if len(found) else "unclear",
        importance=Importance.NOTABLE if len(found) else Importance.ANSWER,
        action="" if found.empty else _aim(words, _near(found, by, rivals)),
    )


def _near(found: pd.DataFrame, by: str, rivals: list[str]) -> list[str]:
    """The groups shown to be below others whose gain may be as large as the first's."""
    names = found[by].astype(str).tolist()[1:]
    return [name for name in names if name in rivals]


def _aim(words: dict[str, Any], near: list[str]) -> str:
    """What is asked for: the first group, and which others it may be as well."""
    if not near:
        return _("Improve {named} first", **words)
    if len(near) > 1:
        return _(
            "Start with {named} or where it costs least: the gains of {k:count} that are below "
            "others do not differ significantly",
            k=1 + len(near),
            **words,
        )
    return _("Improve {named} or {others:quoted_list3}", others=near, **words)
