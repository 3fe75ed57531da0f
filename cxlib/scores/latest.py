"""The latest wave of a score: against the wave before, the year before, all waves and a target.

now = scores.latest(sample, "recommend", target=study.target("recommend", "nps"))
print(now)             # NPS was +26 in 2026-Q3, not significantly different from ...
now.table              # a row a wave, the latest first
now.changes            # since the wave before, since the year before
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores import score_findings as findings
from cxlib.scores.comparison_findings import pointwise
from cxlib.scores.comparisons import compare
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import mean, score
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import unless_adjusted

Row = Mapping[str, object]


def latest(
    sample: SampleLike,
    item: str = "recommend",
    measure: Measure | str = "nps",
    *,
    over: str = "wave",
    target: Target | None = None,
) -> Result:
    """The score in the latest wave, and whether it differs from the wave and the year before.

    Parameters
    ----------
    sample, item, measure : as in `score`
    over : column of the waves
    target : the value to reach

    Returns
    -------
    Result whose table has a row a wave, the latest first: wave, term, estimate, low, high, n and
    what else `score` gives; "changes": wave, against (the wave before; the same wave of the year
    before, where there is one), term, estimate, low, high, n, p; "everybody": all waves together.
    Without two waves of enough answers it is the Result of `score`.

    Raises
    ------
    ValueError : as of `score`

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 30 + [10, 9] * 15, "wave": "2025"})
    >>> rows.loc[60:, "wave"] = "2026"
    >>> print(latest(rows))
    NPS rose by 100.0 points to +100 in 2026.
    """
    sample, measure = as_sample(sample), as_measure(measure)
    if over in sample:
        sample = sample.of(item, over)
    everybody = score(sample, item, measure)
    of_waves = _by_wave(sample, item, measure, over)
    if of_waves is None:
        one = disclosure.shown(everybody.table)
        if one.empty:
            return everybody
        level = findings.level(measure, one.iloc[0], target)
        if target is None:
            step = _(
                "Set a target and ask again: one wave says neither what is good nor what changes."
            )
            level = replace(level, action=step)
        return everybody.replace(finding=level)
    table = of_waves.table.iloc[::-1].reset_index(drop=True)
    known = disclosure.shown(table)
    known = known[known["n"] > 1]
    now = known.iloc[0]
    year = known[known[over].astype(str) == periods.year_before(now[over])]
    earlier = [w for w in dict.fromkeys([*known[over].iloc[1:2], *year[over]]) if w != now[over]]
    steps = [
        compare(
            sample.where(sample[over].isin([now[over], w])),
            item,
            by=over,
            against=str(w),
            measure=measure,
        )
        for w in earlier
    ]
    tables = {"table": table, "changes": pd.concat([s.table for s in steps], ignore_index=True)}
    told = [_at(known, over, w) for w in earlier]
    finding = _finding(measure, now, told, steps, everybody, over, target)
    return of_waves.replace(tables=tables | {"everybody": everybody.table}, finding=finding)


def ratings(
    sample: SampleLike, items: list[str], targets: Mapping[str, Target | None] | None = None
) -> Result:
    """Mean of several questions, those first that significantly miss a target.

    Parameters
    ----------
    sample, items : as in `mean`
    targets : of the questions that have one

    Returns
    -------
    Result of `mean`, with a column target where there are any.

    Examples
    --------
    >>> rows = pd.DataFrame({"room": [4, 5] * 20, "speed": [2, 3] * 20})
    >>> print(ratings(rows, ["room", "speed"], {"speed": Target(value=4)}))
    Speed (2.5) is significantly short of its target of 4.0.
    """
    fit = mean(sample, items)
    goals = {item: t for item, t in (targets or {}).items() if t is not None and item in items}
    if not goals:
        return fit
    table = fit.table.assign(target=fit.table["term"].map({i: t.value for i, t in goals.items()}))
    shown = disclosure.shown(table)
    missed = [r for r in shown.itertuples() if findings.misses(goals.get(r.term), r._asdict())]
    if not missed:
        return fit.replace(tables={**fit.tables, "table": table})
    first = max(missed, key=lambda r: abs(r.estimate - r.target))
    claim = _(
        "{item:quoted} ({now:number1}) is significantly short of its target of {goal:number1}.",
        item=first.term,
        now=first.estimate,
        goal=first.target,
    )
    measure = Measure("mean")
    row = table[table["term"] == first.term].iloc[0]
    finding = Finding.of_row(
        row,
        claim,
        findings.interval(measure, first.low, first.high, first.n),
        **findings.facts(measure, first.term),
        **findings.of_target(goals[first.term], row),
        verdict="worse",
        importance=Importance.NEWS,
    )
    return fit.replace(tables={**fit.tables, "table": table}, finding=finding)


def _by_wave(sample: Sample, item: str, measure: Measure, over: str) -> Result | None:
    """The score of each wave; None without two that may be shown."""
    if over not in sample:
        return None
    asked = sample.data.loc[sample[item].notna(), over].dropna().unique()
    if len(asked) < 2:
        return None
    found = score(sample.where(sample[over].isin(asked)), item, measure, by=over)
    shown = disclosure.shown(found.table)
    return found if (shown["n"] > 1).sum() > 1 else None


def _at(table: pd.DataFrame, over: str, wave: object) -> pd.Series:
    return table[table[over] == wave].iloc[0]


def _finding(
    measure: Measure,
    now: pd.Series,
    earlier: list[pd.Series],
    steps: list[Result],
    everybody: Result,
    over: str,
    target: Target | None,
) -> Finding:
    """The first that holds: a target missed, a change since the wave or the year before."""
    item, changes = str(now["term"]), [s.table.iloc[0] for s in steps]
    # The wave before is the planned comparison; the other has to pass a stricter test.
    clear = [c["p"] < (1 - LEVEL) / (k + 1) for k, c in enumerate(changes)]
    change = float(changes[0]["estimate"])
    verdict, importance = findings.moved(change, bool(clear[0]), steps[0].spread)
    words: dict[str, object] = {
        "measure": i18n.opening(measure.name(item)),
        "now": measure.level(now["estimate"]),
        "wave": now[over],
        "size": measure.change(change),
        "before": periods.before(now[over], earlier[0][over]),
        "then": measure.level(earlier[0]["estimate"], bare=True),
    }
    if target is not None and findings.misses(target, now):
        claim = _missed(words | {"goal": measure.level(target.value)}, verdict == "worse")
        verdict, importance = "worse", Importance.NEWS
    elif clear[0]:
        claim = (
            _("{measure} rose by {size} to {now} in {wave:label}.", **words)
            if change > 0
            else _("{measure} fell by {size} to {now} in {wave:label}.", **words)
        )
    elif any(clear):
        year = measure.level(earlier[-1]["estimate"], bare=True)
        over_year = float(changes[-1]["estimate"])
        claim = (
            _(
                "{measure} was {now} in {wave:label}, significantly higher than a year before "
                "({year}).",
                year=year,
                **words,
            )
            if over_year > 0
            else _(
                "{measure} was {now} in {wave:label}, significantly lower than a year before "
                "({year}).",
                year=year,
                **words,
            )
        )
        verdict, importance = findings.moved(over_year, True, steps[-1].spread)
    elif pointwise(changes[0]):
        claim = (
            _("{measure} may have risen by {size} to {now} in {wave:label}.", **words)
            if change > 0
            else _("{measure} may have fallen by {size} to {now} in {wave:label}.", **words)
        )
    else:
        claim = _(
            "{measure} was {now} in {wave:label}, not significantly different from {before} "
            "({then}).",
            **words,
        )
    lines = [
        measure.asked(item) if measure.kind != "nps" else "",
        findings.interval(measure, now["low"], now["high"], now["n"]),
        *(
            _since(measure, row[over], c, 0 if sure else len(changes))
            for row, c, sure in zip(earlier, changes, clear, strict=True)
        ),
        _average(measure, everybody.table),
    ]
    return Finding.of_row(
        now,
        claim,
        _("; ").join(line for line in lines if line),
        **findings.facts(measure, item, **{over: str(now[over])}),
        previous=float(earlier[0]["estimate"]),
        change=change,
        **findings.of_target(target, now),
        verdict=verdict,
        importance=importance,
    )


def _missed(words: Row, fell: bool) -> str:
    if fell:
        return _(
            "{measure} fell to {now} in {wave:label} and misses its target of {goal}.", **words
        )
    return _(
        "{measure} was {now} in {wave:label}, significantly short of the target of {goal}.", **words
    )


def _since(measure: Measure, wave: object, change: pd.Series, tested: int) -> str:
    """The change since a wave; `tested` is of how many comparisons it is not significant."""
    few = unless_adjusted(change["low"], change["high"], tested)
    facts = {
        "wave": wave,
        "moved": measure.moved(change["estimate"]),
        "span": measure.change_span(change["low"], change["high"]),
    }
    if few:
        return _("since {wave:label} {moved} (95% CI {span}, {few})", few=few, **facts)
    return _("since {wave:label} {moved} (95% CI {span})", **facts)


def _average(measure: Measure, everybody: pd.DataFrame) -> str:
    shown = disclosure.shown(everybody)
    if shown.empty:
        return ""
    return _("all waves {average}", average=measure.level(shown["estimate"].iloc[0]))
