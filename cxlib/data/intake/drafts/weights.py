"""Which column of the responses holds survey weights, and what is doubtful about it.

settle(part)
part.columns["weight"]     # "Weighting factor"
part.doubts                # where a column may be one of weights, or of kilograms
"""

from __future__ import annotations

import re
from functools import cache

from cxlib.data.intake.drafts.looking import Column, slug
from cxlib.data.intake.drafts.parts import TableOf
from cxlib.data.intake.profiles import names

USUAL, NORMALISED = (0.5, 2.0), (0.9, 1.1)  # means of weights, and of weights that sum to the rows
LIKE_NUMBERS = re.compile(r"[+-]?\d[\d.,' e-]*", re.IGNORECASE)  # in whatever form
ENOUGH, DIFFERENT = 30, 10  # cells, and different numbers, from which unnamed weights are known
WIDEST = 50  # times the mean that a weight may be


@cache
def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(names()["columns"]["weight"] if key == "weight" else names()[key])


def settle(part: TableOf) -> None:
    """Map the column of weights, and ask where its name or its numbers leave doubts."""
    seen = part.seen
    free = [seen.columns[c] for c in part.free if c not in part.left_out]
    named = [c for c in free if _pattern("weight").fullmatch(slug(c.name)) and numeric(c)]
    if named and "weight" not in part.columns:
        part.columns["weight"], part.why["weight"] = likeliest(named).name, "high: its name"
    if theirs := part.columns.get("weight"):
        part.doubts += _of_taken(seen.columns[theirs], [c for c in named if c.name != theirs])
        return
    for c in free:
        words = bool(_pattern("weight_words").search(slug(c.name)))
        if c.name not in part.columns.values() and _like_weights(c, USUAL if words else NORMALISED):
            part.doubts.append(
                f"{c.name!r}: positive numbers around {_mean(c):.2f}: survey weights? They are not "
                f"used now; to weight by them, write `weight: {c.name}` under columns"
            )


def likeliest(named: list[Column]) -> Column:
    """The weights to take of several: those called weight, else the final ones, else the first."""
    plain = [c for c in named if slug(c.name) == "weight"]
    final = [c for c in named if _pattern("final_weights").search(slug(c.name))]
    return (plain or final or named)[0]


def numeric(column: Column) -> bool:
    """Whether most cells look like numbers; the others are for `cx check` to speak of."""
    return bool(column.words.str.fullmatch(LIKE_NUMBERS).sum() > 0.5 * len(column.words))


def _of_taken(column: Column, others: list[Column]) -> list[str]:
    doubts = []
    if others:
        so = " or ".join(repr(c.name) for c in others[:3])
        so += f" and {len(others) - 3:,} others" * (len(others) > 3)
        doubts.append(f"responses.weight: {column.name!r} is taken; so could {so}")
    bare = _pattern("bare_weights").fullmatch(slug(column.name))
    if bare and len(column.numbers) and not USUAL[0] <= _mean(column) <= USUAL[1]:
        doubts.append(
            f"responses.weight: {column.name!r} has a mean of {_mean(column):,.4g}: weights of "
            "answers, or what something weighs? Where it is no weight of answers, take the line "
            "`weight` out of columns"
        )
    return doubts


def _like_weights(column: Column, means: tuple[float, float]) -> bool:
    """Whether the cells are positive numbers with decimals, whose mean is within the limits."""
    if column.not_numbers or column.labels or column.dates or len(column.words) < ENOUGH:
        return False
    x = column.numbers.index.to_series()
    parts = column.numbers[(x % 1 != 0).to_numpy()].sum() > 0.5 * len(column.words)
    mean = _mean(column)
    return bool(
        parts
        and len(x) >= DIFFERENT
        and x.min() > 0
        and means[0] <= mean <= means[1]
        and x.max() <= WIDEST * mean
    )


def _mean(column: Column) -> float:
    return float((column.numbers.index * column.numbers).sum() / column.numbers.sum())
