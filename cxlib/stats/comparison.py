"""The difference of two results, draw by draw.

    difference(scores.nps(now), scores.nps(before), names=("now", "before"))

Results of one seed resample the same clusters, so their replicates may be compared draw by draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.stats.intervals import simultaneous_interval, symmetric_interval
from cxlib.stats.notes import unless_adjusted


def difference(one: Result, other: Result, *, names: tuple[str, str]) -> Result:
    """How far each estimate of `one` lies above the same of `other`, taken draw by draw.

    Rows are matched by all columns before `estimate` (term, groups); two results of one row each
    are matched as they are. Of several, the simultaneous intervals (simultaneous_low, _high) decide
    what is significant. `names` are what readers call the two.
    Raises ValueError unless both rest on the same draws, have the same unit and a row in common.
    """
    _check_draws([one, other])
    if one.unit != other.unit:
        raise ValueError(f"{one.unit or 'no unit'} minus {other.unit or 'no unit'} has no meaning.")
    first, second = _matched(one.table, other.table)
    table = one.table.iloc[first][[*_named_by(one.table), "estimate"]].reset_index(drop=True)
    table["estimate"] -= other.table["estimate"].to_numpy()[second]
    apart = np.asarray(one.replicates)[:, first] - np.asarray(other.replicates)[:, second]
    known = table["estimate"].notna().to_numpy()  # asked in both
    first, second, table = first[known], second[known], table[known].reset_index(drop=True)
    apart = apart[:, known]
    if table.empty:
        raise ValueError("no row has an estimate in both results.")
    estimate = table["estimate"].to_numpy(float)
    table["low"], table["high"] = symmetric_interval(estimate, apart)
    together = simultaneous_interval(estimate, apart)
    table["n"] = np.minimum(one.table["n"].to_numpy()[first], other.table["n"].to_numpy()[second])
    if len(table) > 1:
        table = table.assign(**dict(zip(SIMULTANEOUS, together, strict=True)))
    facts: dict[str, Any] = {**one.bootstrap, "replicates": apart}
    note = i18n.together(dict.fromkeys([one.notes, other.notes]))
    told = disclosure.shown(table)
    if told.empty:
        return Result(table, disclosure.left_out(), note, one.unit, **facts)
    return Result(table, _finding(told, one.unit, names), note, one.unit, **facts)


def _finding(told: pd.DataFrame, unit: str, names: tuple[str, str]) -> Finding:
    """The largest of the significant differences; else that there is none."""
    low, high = (
        told[c] if c in told else told[end]
        for c, end in zip(SIMULTANEOUS, ("low", "high"), strict=True)
    )
    clear = told[(low > 0) | (high < 0)]
    rows = clear if len(clear) else told
    widest = rows.loc[rows["estimate"].abs().idxmax()]
    words = {"one": names[0], "other": names[1], "all": len(told), "n": len(clear)}
    words |= {"term": widest["term"]}
    factor, digits = (100, 1) if unit == "share" else (1, 2 if unit == "scale" else 1)
    size = factor * widest["estimate"]
    detail = _(
        "{term:quoted} {apart} (95% CI {span}); n = {answers:count}",
        apart=i18n.signed(size, digits),
        span=i18n.span(factor * widest["low"], factor * widest["high"], digits),
        answers=widest["n"],
        **words,
    )
    few = unless_adjusted(widest["low"], widest["high"], len(told)) if clear.empty else ""
    counted = _("{n:count} of {all:count} differences are significant", **words)
    detail = _("; ").join([detail, few or counted])
    if clear.empty:
        claim = _("Nothing differs significantly between {one:label} and {other:label}.", **words)
        return Finding(claim, detail)
    claim = (
        _(
            "{term:quoted} is lower in {one:label} than in {other:label}.",
            **words,
        )
        if size < 0
        else _(
            "{term:quoted} is higher in {one:label} than in {other:label}.",
            **words,
        )
    )
    worse = size < 0
    return Finding(
        claim,
        detail,
        verdict="worse" if worse else "better",
        importance=Importance.NOTABLE if worse else Importance.ANSWER,
    )


def _check_draws(results: Sequence[Result]) -> None:
    if without := sum(e.replicates is None for e in results):
        raise ValueError(
            f"{without} of {len(results)} results have no draws, so they cannot be compared draw "
            "by draw. Ask for them with method='bootstrap'."
        )
    if len({(e.draws, e.seed) for e in results}) > 1:
        found = ", ".join(f"{e.draws:,} draws of seed {e.seed}" for e in results)
        raise ValueError(f"results of different draws ({found}). Give all the same draws and seed.")


def _named_by(table: pd.DataFrame) -> list[str]:
    return list(table.columns[: table.columns.get_loc("estimate")])


def _matched(one: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows that both tables have."""
    if len(one) == len(other) == 1:
        return np.zeros(1, int), np.zeros(1, int)
    if (by := _named_by(one)) != _named_by(other):
        raise ValueError(f"rows named by {by} cannot be matched with {_named_by(other)}.")
    sides = [t[by].assign(place=np.arange(len(t))) for t in (one, other)]
    both = sides[0].merge(sides[1], on=by, suffixes=("", "_2"))
    if both.empty:
        raise ValueError(f"the results have no row in common (by {', '.join(by)}).")
    return both["place"].to_numpy(), both["place_2"].to_numpy()
