"""A score beside published values of others: differences that carry the uncertainty of both sides.

fit = scores.compare_with_benchmarks(now, study.benchmarks("nps"), scores.Measure("nps"))
print(fit)            # NPS (+26) does not differ significantly from Hotels 2025 (+21).
fit.table             # benchmark, source, term, estimate (difference), low, high, n, own, value
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, SIMULTANEOUS, Column, deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Benchmark
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure, as_measure
from cxlib.stats.intervals import LEVEL, normal_quantile, sidak_level
from cxlib.stats.notes import simultaneous_note, unless_adjusted

COLUMNS = (
    Column("benchmark", unit="text"),
    Column("source", unit="text"),
    Column("own", "score of the study", ESTIMATE),
    Column("value", "published value", ESTIMATE, label=N_("benchmark value")),
)


def compare_with_benchmarks(
    fit: Result, benchmarks: Sequence[Benchmark], measure: Measure | str = "nps"
) -> Result:
    """Differences between a score and benchmarks of the same measure.

    Parameters
    ----------
    fit : Result whose first row is the score, with its 95% interval and n
    benchmarks : values in the unit of the measure (shares 0 to 1). One that states `n` has the
        standard error of as many of the study's own answers; one without `n` and `error` counts as
        exact, which the notes say
    measure : of the score

    Returns
    -------
    Result whose table has a row a benchmark: benchmark (industry or source, and period), source,
    term, estimate (score minus benchmark), low, high (95%), of several simultaneous_low,
    simultaneous_high (Šidák), n (own answers), own and value.

    Raises
    ------
    InsufficientData : no benchmark, or a score of too few answers to show

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17; Zou and Donner (2008), ibid. 27: the interval of a
    difference from the intervals of both sides (MOVER).

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["recommend"], "estimate": 26.0, "low": 15.0, "high": 37.0,
    ...                       "n": 458})
    >>> others = [Benchmark(measure="nps", value=21, error=3, source="Hotels")]
    >>> print(compare_with_benchmarks(Result(table, ""), others))
    NPS (+26) does not differ significantly from Hotels (+21).
    """
    measure = as_measure(measure)
    row = fit.table.iloc[0]
    if not benchmarks or disclosure.shown(fit.table.head(1)).empty or not row["low"] <= row["high"]:
        raise InsufficientData(_("There is no score with an interval to compare with benchmarks."))
    value = np.array([b.value for b in benchmarks])
    error = np.array([_error(b, row) for b in benchmarks])
    table = pd.DataFrame(
        {
            "benchmark": [_name(b) for b in benchmarks],
            "source": [i18n.label(b.source) for b in benchmarks],
            "term": row["term"],
            "estimate": row["estimate"] - value,
        }
    )
    table["low"], table["high"] = _interval(row, value, error, LEVEL)
    table["n"] = int(row["n"])
    method = _("Intervals of differences: Newcombe (1998).")
    notes = [_exact_note(benchmarks), _borrowed_note(benchmarks), method]
    if len(table) > 1:
        together = _interval(row, value, error, sidak_level(len(table)))
        table = table.assign(**dict(zip(SIMULTANEOUS, together, strict=True)))
        notes.append(simultaneous_note(len(table)))
    table = table.assign(own=row["estimate"], value=value)
    return Result(
        table, _finding(table, measure), i18n.together(notes), measure.unit, columns=COLUMNS
    )


def _name(benchmark: Benchmark) -> str:
    """What readers call it: industry or source, and the period."""
    who = i18n.label(benchmark.industry or benchmark.source)
    return f"{who} {benchmark.period}".strip()


def _error(benchmark: Benchmark, row: pd.Series) -> float:
    """The standard error of a benchmark."""
    if benchmark.error is not None:
        return benchmark.error
    if benchmark.n is None:
        return 0.0
    own = (row["high"] - row["low"]) / 2 / normal_quantile(LEVEL)
    return float(own * np.sqrt(row["n"] / benchmark.n))


def _interval(
    row: pd.Series, value: np.ndarray, error: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the difference, from that of each side (MOVER)."""
    reach = normal_quantile(level)
    wider = reach / normal_quantile(LEVEL)
    below, above = ((wider * (row[e] - row["estimate"])) ** 2 for e in ("low", "high"))
    difference, other = row["estimate"] - value, (reach * error) ** 2
    return difference - np.sqrt(below + other), difference + np.sqrt(above + other)


def _exact_note(benchmarks: Sequence[Benchmark]) -> str:
    exact = [_name(b) for b in benchmarks if b.n is None and b.error is None]
    if not exact:
        return ""
    return _("Published without n, so taken as exact: {names:list3}.", names=exact)


def _borrowed_note(benchmarks: Sequence[Benchmark]) -> str:
    if all(b.n is None for b in benchmarks):
        return ""
    return _("Answers behind a benchmark are taken to vary as the study's own do.")


def _finding(table: pd.DataFrame, measure: Measure) -> Finding:
    """The significant difference that is largest; else that there is none."""
    low, high = deciding_ends(table)
    clear = table[(low > 0) | (high < 0)]
    rows = clear if len(clear) else table
    first = rows.loc[rows["estimate"].abs().idxmax()]
    words = {
        "measure": i18n.opening(measure.name(str(first["term"]))),
        "own": measure.level(first["own"]),
        "value": measure.level(first["value"]),
        "name": first["benchmark"],
    }
    detail = _(
        "difference {change} (95% CI {ci}); n = {n:count}",
        change=measure.moved(first["estimate"]),
        ci=measure.change_span(first["low"], first["high"]),
        n=first["n"],
    )
    if len(table) > 1:
        detail += _(
            "; {n:count} of {all:count} differences are significant", n=len(clear), all=len(table)
        )
    if clear.empty and (few := unless_adjusted(first["low"], first["high"], len(table))):
        detail = _("; ").join([detail, few])
    slots: dict[str, Any] = {
        "unit": measure.unit,
        "measure": f"benchmark {measure.key(str(first['term']))}",
    }
    slots["at"] = {"benchmark": first["benchmark"]}
    if clear.empty:
        claim = (
            _("{measure} ({own}) does not differ significantly from {name} ({value}).", **words)
            if len(table) == 1
            else _(
                "{measure} ({own}) does not differ significantly from any of {n:count} benchmarks.",
                n=len(table),
                **words,
            )
        )
        return Finding.of_row(first, claim, detail, verdict="unchanged", **slots)
    worse = first["estimate"] < 0
    claim = (
        _("{measure} ({own}) is significantly below {name} ({value}).", **words)
        if worse
        else _("{measure} ({own}) is significantly above {name} ({value}).", **words)
    )
    verdict, importance = ("worse", Importance.NOTABLE) if worse else ("better", Importance.ANSWER)
    return Finding.of_row(first, claim, detail, verdict=verdict, importance=importance, **slots)
