"""Necessary conditions: is a level of the driver needed, whatever else is done well?

    fit = drivers.necessary_conditions(sample, "recommend", ["speed", "price"])
    fit.table        # term, estimate (effect size d, 0 to 1), low, high, n, p
    fit.ceilings     # the steps of each ceiling, to draw

Necessary condition analysis (Dul 2016, Organizational Research Methods 19(1)) looks at the empty
corner: customers who rate the driver low and the outcome high. A regression speaks of averages; a
ceiling is made by single customers, so weights do not enter, and a few answers may change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike
from cxlib.drivers.specification import specify
from cxlib.privacy import disclosure
from cxlib.stats import moments, pvalues

CEILINGS = ("ce_fdh", "cr_fdh")
LEAST_EFFECT, ALPHA = 0.1, 0.05  # d and p from which a condition is called necessary (Dul 2016)
CELLS = 1 << 21  # permuted answers held at once
LEVELS = 10  # steps of the outcome in the table of what each needs


@dataclass(frozen=True)
class Box:
    """The answers there may be: lowest and highest of driver and outcome."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def area(self) -> float:
        """The area between the lowest and highest answers of both."""
        return (self.right - self.left) * (self.top - self.bottom)


def necessary_conditions(
    sample: SampleLike,
    outcome: str,
    drivers: list[str],
    *,
    ceiling: str = "ce_fdh",
    scales: Mapping[str, tuple[float, float]] | None = None,
    permutations: int = 2000,
) -> Result:
    """The share of possible answers that the empty corner of each driver takes, and its p-value.

    Parameters
    ----------
    sample : answers, a row each; weights and clusters do not enter
    outcome : column to explain
    drivers : columns of ratings; for each the rows that rate it and the outcome are used
    ceiling : "ce_fdh", a step function no answer lies above, or "cr_fdh", the straight line
        through its corners
    scales : column -> (lowest, highest possible answer); the range of the answers where absent
    permutations : samples with the outcome shuffled; p is the share of those whose corner is as
        large, Holm-adjusted over the drivers

    Returns
    -------
    Result with the tables "table" (term, estimate: effect size d from 0 to 1, low and high: none,
    n, p, necessary), "ceilings" (corners: term, x, y), "lines" (term, intercept, slope), "cells"
    (answers: term, x, y, n) and "needed" (outcome, then the least level of each driver that it
    needs, NaN where none).

    Raises
    ------
    ValueError : factors, an unknown ceiling, answers without a range

    References
    ----------
    Dul (2016), Organizational Research Methods 19(1); Dul, van der Laan and Kuik (2020).

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 4, 5, 3], "recommend": [1, 3, 4, 5, 2.0]})
    >>> fit = necessary_conditions(rows, "recommend", ["speed"], permutations=50)
    >>> round(fit.table["estimate"].item(), 2)
    0.56
    """
    require_choice("ceiling", ceiling, CEILINGS)
    spec = specify(sample, outcome, list(drivers), in_rows=False)
    sample = spec.sample
    assert isinstance(sample, Sample)
    if grouped := [t for t, p in zip(spec.terms, spec.players, strict=True) if len(p) > 1]:
        raise ValueError(f"driver {grouped[0]!r} is a factor; a ceiling needs an order.")
    if not isinstance(sample, moments.Stored):
        moments.of(sample.data, [outcome, *spec.columns], missing="pairwise")  # its checks
    how = ceiling, scales or {}, permutations, sample.seed
    parts = [_one(_cells(sample, t, outcome), outcome, t, *how) for t in spec.terms]
    rows, corners, lines, cells, needed = zip(*parts, strict=True)
    table = pd.DataFrame(list(rows), columns=["term", "estimate", "low", "high", "n", "p"])
    table["p"] = pvalues.adjusted(table["p"].to_numpy())
    table["necessary"] = (table["estimate"] >= LEAST_EFFECT) & (table["p"] < ALPHA)
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    levels = np.linspace(
        *_range(sample.of(outcome)[outcome].dropna(), outcome, scales or {}), LEVELS + 1
    )
    tables = {
        "table": table,
        "ceilings": pd.concat(corners, ignore_index=True),
        "lines": pd.DataFrame(list(lines), columns=["term", "intercept", "slope"]),
        "cells": pd.concat(cells, ignore_index=True),
        "needed": pd.DataFrame({"outcome": levels} | dict(zip(spec.terms, needed, strict=True))),
    }
    note = _(
        "Weights do not enter: a ceiling is made by single customers. p, from {n:count} shuffled "
        "samples, holds for all drivers together.",
        n=permutations,
    )
    finding = _finding(table, outcome, tables["cells"])
    return Result(tables, finding, note, "share", draws=permutations, seed=sample.seed)


def _cells(sample: Sample, term: str, outcome: str) -> pd.DataFrame:
    """How many customers gave each pair of answers: x, y and n, in order."""
    answers = sample.of(term, outcome)
    pair = answers.data[[term, outcome]].astype(float).set_axis(["x", "y"], axis=1)
    cells = pair.assign(n=answers.counts.astype(int)).dropna().groupby(["x", "y"])["n"].sum()
    if cells.empty:
        raise moments.unanswered([term, outcome], [0, 0], sample.rows_of())
    return cells.reset_index()


def _one(
    cells: pd.DataFrame,
    outcome: str,
    term: str,
    ceiling: str,
    scales: Mapping[str, tuple[float, float]],
    permutations: int,
    seed: int,
) -> tuple[tuple[Any, ...], pd.DataFrame, tuple[Any, ...], pd.DataFrame, np.ndarray]:
    """(row of the table, corners, line, cells, needed levels) of one driver."""
    x, y, n = (cells[c].to_numpy() for c in ("x", "y", "n"))
    box, rows = Box(*_range(x, term, scales), *_range(y, outcome, scales)), int(n.sum())
    levels, starts = np.unique(x, return_index=True)
    reach = _reach(y[None], starts)
    straight = ceiling == "cr_fdh"
    effect = _effect(levels, reach, box, straight)[0]
    rng, at_least = np.random.default_rng(seed), 0
    block = max(1, CELLS // rows) if _is_fine(y, n, starts) else permutations
    for start in range(0, permutations, block):
        size = min(block, permutations - start)
        found = _effect(levels, _shuffled(y, n, starts, size, rng), box, straight)
        at_least += int((found >= effect - 1e-12).sum())
    corner = np.diff(reach[0], prepend=-np.inf) > 0
    xs, ys = levels[corner], reach[0][corner]
    line = [float(v[0]) for v in _line(levels, reach)]
    wanted = np.linspace(box.bottom, box.top, LEVELS + 1)
    return (
        (term, effect, np.nan, np.nan, rows, (1 + at_least) / (1 + permutations)),
        pd.DataFrame({"term": term, "x": xs, "y": ys}),
        (term, *line),
        cells.sort_values("n", ascending=False, kind="stable").assign(term=term),
        _needed(xs, ys, line if straight else None, wanted, box),
    )


def _range(
    values: np.ndarray | pd.Series, name: str, scales: Mapping[str, Any]
) -> tuple[float, float]:
    low, high = scales.get(name) or (float(np.min(values)), float(np.max(values)))
    if not low < high:
        raise ValueError(f"{name!r} is {low:g} in every answer: a corner needs a range of answers.")
    return low, high


def _reach(y: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Highest outcome among those who rate the driver so or lower, (samples, levels)."""
    return np.maximum.accumulate(np.maximum.reduceat(y, starts, axis=1), axis=1)


def _is_fine(y: np.ndarray, n: np.ndarray, starts: np.ndarray) -> bool:
    """Whether there are more pairs of answers than rows, so that shuffling rows is quicker."""
    return len(np.unique(y)) * len(starts) > n.sum()


def _shuffled(
    y: np.ndarray, n: np.ndarray, starts: np.ndarray, samples: int, rng: np.random.Generator
) -> np.ndarray:
    """`_reach` of samples in which the outcome is shuffled over the rows, (samples, levels).

    `n` rows have the outcome `y`. On rating scales the shuffled table is drawn cell by cell, the
    highest grade first, until every level of the driver has one.
    """
    rated = np.add.reduceat(n, starts)
    if _is_fine(y, n, starts):
        rows = np.tile(np.repeat(y, n), (samples, 1))
        return _reach(rng.permuted(rows, axis=1), np.r_[0, rated.cumsum()[:-1]])
    grades, place = np.unique(y, return_inverse=True)
    counts = np.bincount(place, n).astype(int)
    free = np.tile(rated, (samples, 1))
    highest = np.full(free.shape, -np.inf)
    for grade, count in zip(grades[::-1], counts[::-1], strict=True):
        left, rest = np.full(samples, count), free.sum(1)
        for level in range(free.shape[1]):
            rest = rest - free[:, level]
            got = rng.hypergeometric(free[:, level], rest, left)
            highest[:, level] = np.where(
                got > 0, np.maximum(highest[:, level], grade), highest[:, level]
            )
            free[:, level] -= got
            left -= got
        if (highest > -np.inf).all():
            break
    return np.maximum.accumulate(highest, axis=1)


def _effect(levels: np.ndarray, reach: np.ndarray, box: Box, straight: bool) -> np.ndarray:
    """Empty corner over the whole box, (samples,)."""
    if straight:
        return _above(*_line(levels, reach), box) / box.area
    width = np.diff(levels, append=box.right)
    empty = (box.top - reach) @ width + (levels[0] - box.left) * (box.top - box.bottom)
    return empty / box.area


def _line(levels: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(intercept, slope) of the line through the corners, NaN where there is but one."""
    corner = np.diff(reach, axis=1, prepend=-np.inf) > 0
    count = corner.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (corner @ levels) / count, (corner * reach).sum(1) / count
        spread = (corner * (levels - x[:, None]) ** 2).sum(1)
        slope = (corner * (levels - x[:, None]) * reach).sum(1) / spread
    return y - slope * x, slope


def _above(intercept: np.ndarray, slope: np.ndarray, box: Box) -> np.ndarray:
    """Area of the box above a rising line; none where there is no line."""
    height = box.top - box.bottom
    with np.errstate(invalid="ignore", divide="ignore"):
        enters = np.clip((box.bottom - intercept) / slope, box.left, box.right)
        leaves = np.clip((box.top - intercept) / slope, box.left, box.right)

    def over(x: np.ndarray) -> np.ndarray:
        return np.clip(box.top - intercept - slope * x, 0, height)

    area = (enters - box.left) * height + (over(enters) + over(leaves)) / 2 * (leaves - enters)
    return np.nan_to_num(area)


def _needed(
    xs: np.ndarray, ys: np.ndarray, line: list[float] | None, wanted: np.ndarray, box: Box
) -> np.ndarray:
    """The least level of the driver with which each level of the outcome was reached."""
    if line is None:
        place = np.searchsorted(ys, wanted - 1e-9)
        least = np.append(xs, np.nan)[np.minimum(place, len(xs))]
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            least = (wanted - line[0]) / line[1]
    return np.where(least > box.left, np.minimum(least, box.right), np.nan)


def _empty_corner(cells: pd.DataFrame) -> tuple[float, float, int]:
    """(x, y, n): none of the n who answered x or less reached more than y; the largest such field.

    Fields of fewer customers than the page's smallest cell are not taken.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": [1.0, 2, 4, 5], "y": [1.0, 2, 5, 5], "n": [9, 8, 9, 9]})
    >>> _empty_corner(rows)
    (2.0, 2.0, 17)
    """
    by_x = cells.groupby("x").agg(y=("y", "max"), n=("n", "sum"))
    reach, count = by_x["y"].cummax(), by_x["n"].cumsum()
    next_x = np.append(by_x.index[1:], by_x.index[-1])  # the field ends where the next answer is
    field = (next_x - by_x.index[0]) * (cells["y"].max() - reach).to_numpy()
    enough = (count >= context.current().smallest_cell).to_numpy()  # of a few it says little
    at = int(np.where(enough, field, -1.0).argmax())
    return float(by_x.index[at]), float(reach.iloc[at]), int(count.iloc[at])


def _corner_line(row: pd.Series, outcome: str, cells: pd.DataFrame) -> str:
    """What nobody did, with the answers that it is said of."""
    x, y, n = _empty_corner(cells[cells["term"] == row["term"]])
    return _(
        "{driver:quoted}: none of {n} with {x:g} or less gave more than {y:g}",
        driver=row["term"],
        n=disclosure.count_in_words(n),
        x=x,
        y=y,
        outcome=outcome,
    )


def _finding(table: pd.DataFrame, outcome: str, cells: pd.DataFrame) -> Finding:
    """Which drivers are necessary, the strongest with its numbers."""
    n, least = table["n"].max(), context.current().smallest_cell
    if n < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    found = table[table["necessary"]]
    first = (found if len(found) else table).iloc[0]
    facts = {"outcome": outcome, "n": n, "driver": first["term"], "d": first["estimate"]}
    detail = _(
        "largest empty corner: {driver:quoted}, {d:share} of the field; p {p:p}; n = {n:count}",
        p=first["p"],
        **facts,
    )
    if not len(found):
        claim = _("No driver is necessary for a high {outcome:quoted}.", **facts)
    else:
        x, y, _n = _empty_corner(cells[cells["term"] == first["term"]])
        claim = _(
            "Nobody who rated {driver:quoted} {x:g} or less gave {outcome:quoted} more than {y:g}.",
            x=x,
            y=y,
            **facts,
        )
        lines = [_corner_line(row, outcome, cells) for _place, row in found.iterrows()]
        detail = _("; ").join([*lines, detail])
    importance = Importance.NOTABLE if len(found) else Importance.METHOD
    return Finding(claim, detail, float(first["estimate"]), "share", importance=importance)
