"""docs/witnesses.md: how near methods come to witnesses, as `make witnesses` compared them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import version

import numpy as np

Told = tuple[str, str, int, float, float]  # method, witness, values, largest distances
LEAST = 1e-9  # smaller distances depend on the machine

PAGE = """# How near the methods come to their witnesses

`make witnesses` compares what the methods give with published values and with other programs, and
writes this page; nothing here is typed by hand. A witness is a published result with its source, or
a program with its version: those of R, SmartPLS and others as they printed their results, those of
Python as they run in the tests. Where a value is printed with a few digits, the distance from it
contains its rounding. A distance of 5% to 15% belongs to values that both sides simulate.

| method | witness | values | largest absolute distance | largest relative distance |
|---|---|---|---|---|
"""


def package(name: str) -> str:
    """A package of Python with its version, as the name of a witness."""
    return f"{name} {version(name)}"


def distances(ours: object, theirs: object) -> tuple[int, float, float]:
    """How many values, and the largest absolute and relative distance from those of the witness."""
    there = np.asarray(theirs, float)
    gap = np.abs(np.asarray(ours, float) - there)
    relative = np.divide(gap, np.abs(there), out=np.zeros_like(gap), where=there != 0)
    return there.size, float(np.nanmax(gap)), float(np.nanmax(relative))


def page(told: Iterable[Told]) -> str:
    """The page: one row for each method and witness."""
    found: dict[tuple[str, str], list[tuple]] = defaultdict(list)
    for method, witness, *numbers in told:
        found[method, witness].append(tuple(numbers))
    rows = []
    for name in sorted(found, key=lambda n: (n[0].casefold(), n[1].casefold())):
        counts, absolute, relative = zip(*found[name], strict=True)
        distance = f"{_size(max(absolute))} | {_size(max(relative))}"
        rows.append(f"| {name[0]} | {name[1]} | {sum(counts):,} | {distance} |\n")
    return PAGE + "".join(rows)


def methods(page: str) -> set[str]:
    """The methods of a page."""
    return {row.split(" | ")[0].removeprefix("| ") for row in page.splitlines()[len(HEAD) :]}


def _size(distance: float) -> str:
    return f"{distance:.1g}" if distance >= LEAST else f"under {LEAST:.0e}"


HEAD = PAGE.splitlines()
