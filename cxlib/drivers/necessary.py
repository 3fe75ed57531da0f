"""Necessary conditions: is a level of the driver needed, whatever else is done well?

    fit = drivers.necessary(responses, "recommend", ["speed", "price"])
    fit.table        # term, estimate (effect size d, 0 to 1), low, high, n, p
    fit.ceilings     # the steps of each ceiling, to draw

Necessary condition analysis (Dul 2016, Organizational Research Methods 19(1)) looks at the empty
corner: customers who rate the driver low and the outcome high. A regression speaks of averages; a
ceiling is made by single customers, so weights do not enter, and a few answers may change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.drivers.columns import choose
from cxlib.estimates import Estimates
from cxlib.stats import moments, pvalues

CEILINGS = ("ce_fdh", "cr_fdh")
LEAST_EFFECT, LEVEL = 0.1, 0.05  # d and p from which a condition is called necessary (Dul 2016)
CELLS = 1 << 21  # permuted answers held at once
NEEDED = 10  # levels of the outcome in the table of what is needed


@dataclass(frozen=True)
class Necessary(Estimates):
    """Effect sizes d (`table`): term, estimate, low, high (none), n, p, necessary.

    `ceilings` are the corners of each ceiling (term, x, y), `lines` the straight ones (term,
    intercept, slope), `cells` the answers (term, x, y, n). `needed` says which level of each driver
    each level of the outcome needs: outcome, then a column for each driver, NaN where none.
    """

    ceilings: pd.DataFrame = field(kw_only=True)
    lines: pd.DataFrame = field(kw_only=True)
    cells: pd.DataFrame = field(kw_only=True)
    needed: pd.DataFrame = field(kw_only=True)


@dataclass(frozen=True)
class Box:
    """The answers there may be: lowest and highest of driver and outcome."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


def necessary(
    responses: pd.DataFrame,
    outcome: str,
    drivers: list[str],
    *,
    ceiling: str = "ce_fdh",
    scales: Mapping[str, tuple[float, float]] | None = None,
    permutations: int = 2000,
    seed: int = 1,
) -> Necessary:
    """The share of possible answers that the empty corner of each driver takes, and its p-value.

    `ceiling`: "ce_fdh", a step function no answer lies above, or "cr_fdh", the straight line
    through its corners. Possible are the ranges of the answers, or `scales`. p is the share of
    samples with the outcome shuffled whose corner is as large (Dul, van der Laan and Kuik 2020),
    Holm-adjusted over the drivers. For each driver the rows that rate it and the outcome are used.
    Raises ValueError for factors, for an unknown ceiling, and for answers without a range.
    """
    if ceiling not in CEILINGS:
        raise ValueError(f"ceiling={ceiling!r} is not a choice. There are: {', '.join(CEILINGS)}.")
    chosen = choose(responses, outcome, list(drivers))
    if chosen.grouped:
        raise ValueError(f"driver {chosen.grouped[0]!r} is a factor; a ceiling needs an order.")
    moments.of(responses, [outcome, *chosen.columns], missing="pairwise")  # its checks
    parts = [
        _one(responses, outcome, t, ceiling, scales or {}, permutations, seed) for t in chosen.terms
    ]
    rows, corners, lines, cells, needed = zip(*parts, strict=True)
    table = pd.DataFrame(list(rows), columns=["term", "estimate", "low", "high", "n", "p"])
    table["p"] = pvalues.adjusted(table["p"].to_numpy())
    table["necessary"] = (table["estimate"] >= LEAST_EFFECT) & (table["p"] < LEVEL)
    note = _(
        "Weights do not enter: a ceiling is made by single customers. p, from {n:count} shuffled "
        "samples, holds for all drivers together.",
        n=permutations,
    )
    levels = np.linspace(*_range(responses[outcome].dropna(), outcome, scales or {}), NEEDED + 1)
    return Necessary(
        table.sort_values("estimate", ascending=False, ignore_index=True),
        sentence(table, outcome),
        note,
        "share",
        draws=permutations,
        seed=seed,
        ceilings=pd.concat(corners, ignore_index=True),
        lines=pd.DataFrame(list(lines), columns=["term", "intercept", "slope"]),
        cells=pd.concat(cells, ignore_index=True),
        needed=pd.DataFrame({"outcome": levels} | dict(zip(chosen.terms, needed, strict=True))),
    )


def _one(rows, outcome: str, term: str, ceiling: str, scales, permutations: int, seed: int):
    """(row of the table, corners, line, cells, needed levels) of one driver."""
    pair = rows[[term, outcome]].astype(float).dropna()
    x, y = pair[term].to_numpy(), pair[outcome].to_numpy()
    box = Box(*_range(x, term, scales), *_range(y, outcome, scales))
    levels, place = np.unique(x, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(levels)))
    reach = _reach(y[None, order], starts)
    straight = ceiling == "cr_fdh"
    effect = _effect(levels, reach, box, straight)[0]
    rng, at_least = np.random.default_rng(seed), 0
    block = max(1, CELLS // len(y)) if _is_fine(y, starts) else permutations
    for start in range(0, permutations, block):
        size = min(block, permutations - start)
        found = _effect(levels, _shuffled(y, starts, size, rng), box, straight)
        at_least += int((found >= effect - 1e-12).sum())
    corner = np.diff(reach[0], prepend=-np.inf) > 0
    xs, ys = levels[corner], reach[0][corner]
    line = [float(v[0]) for v in _line(levels, reach)]
    cells = pair.value_counts().rename("n").reset_index()
    cells.columns = ["x", "y", "n"]
    wanted = np.linspace(box.bottom, box.top, NEEDED + 1)
    return (
        (term, effect, np.nan, np.nan, len(y), (1 + at_least) / (1 + permutations)),
        pd.DataFrame({"term": term, "x": xs, "y": ys}),
        (term, *line),
        cells.assign(term=term),
        _needed(xs, ys, line if straight else None, wanted, box),
    )


def _range(values, name: str, scales: Mapping) -> tuple[float, float]:
    low, high = scales.get(name) or (float(np.min(values)), float(np.max(values)))
    if not low < high:
        raise ValueError(f"{name!r} is {low:g} in every answer: a corner needs a range of answers.")
    return low, high


def _reach(y: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Highest outcome among those who rate the driver so or lower, (samples, levels)."""
    return np.maximum.accumulate(np.maximum.reduceat(y, starts, axis=1), axis=1)


def _is_fine(y: np.ndarray, starts: np.ndarray) -> bool:
    """Whether there are more pairs of answers than rows, so that shuffling rows is quicker."""
    return len(np.unique(y)) * len(starts) > len(y)


def _shuffled(
    y: np.ndarray, starts: np.ndarray, samples: int, rng: np.random.Generator
) -> np.ndarray:
    """`_reach` of samples in which the outcome is shuffled over the rows, (samples, levels).

    On rating scales the shuffled table is drawn cell by cell, the highest grade first, until every
    level of the driver has one.
    """
    if _is_fine(y, starts):
        return _reach(rng.permuted(np.tile(y, (samples, 1)), axis=1), starts)
    grades, counts = np.unique(y, return_counts=True)
    free = np.tile(np.diff(starts, append=len(y)), (samples, 1))
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
    over = lambda x: np.clip(box.top - intercept - slope * x, 0, height)  # noqa: E731
    area = (enters - box.left) * height + (over(enters) + over(leaves)) / 2 * (leaves - enters)
    return np.nan_to_num(area)


def _needed(xs, ys, line: list[float] | None, wanted: np.ndarray, box: Box) -> np.ndarray:
    """The least level of the driver with which each level of the outcome was reached."""
    if line is None:
        place = np.searchsorted(ys, wanted - 1e-9)
        least = np.append(xs, np.nan)[np.minimum(place, len(xs))]
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            least = (wanted - line[0]) / line[1]
    return np.where(least > box.left, np.minimum(least, box.right), np.nan)


def sentence(table: pd.DataFrame, outcome: str) -> str:
    """Which drivers are necessary, the strongest with its numbers."""
    facts = {"outcome": outcome, "n": table["n"].max()}
    if table["n"].max() < (least := context.current().smallest_cell):
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    found = table[table["necessary"]].sort_values("estimate", ascending=False)
    first = (found if len(found) else table.sort_values("estimate", ascending=False)).iloc[0]
    facts |= {
        "driver": first["term"],
        "d": first["estimate"],
        "least": LEAST_EFFECT,
        "p": first["p"],
        "chance": i18n.percent(first["p"], int(first["p"] < 0.05)),
    }
    if not len(found):
        return _(
            "No driver is necessary for a high {outcome:quoted}: the largest empty corner, of "
            "{driver:quoted}, is {d:share} of the field of ratings and outcomes; {least:share}, "
            "and more than chance leaves, would count. Chance leaves as much in {chance} of "
            "samples; n {n:count}.",
            **facts,
        )
    names = found["term"]
    return _(
        "Without a good rating no high {outcome:quoted}: {names:quoted_list4}; the largest empty "
        "corner, of {driver:quoted}, is {d:share} of the field of ratings and outcomes, more than "
        "chance leaves (p {p:p}), n {n:count}.",
        names=names,
        **facts,
    )
