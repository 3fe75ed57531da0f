"""Numbers beside a scale that stand for no answer: -1, 99, a 9 after answers from 1 to 5.

found = beside({1: 20, 2: 30, 3: 50, 4: 60, 5: 25, 9: 15}, None)
found.answers, found.codes      # those from 1 to 5, [9]
found.doubts                    # what is to be asked about them
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_ANSWER = (
    *(-99.0, -9.0, -8.0, -3.0, -2.0, -1.0, 77.0, 88.0, 96.0, 97.0, 98.0, 99.0),
    *(888.0, 998.0, 999.0),
)
ENOUGH = 30  # answers from which points that nobody chose say where the scale ends
SHORT = (4, 5, 6, 7)  # points of scales after which a number apart may be a code
GAP, CODES = 2, (8, 9)  # numbers left out before a code; such codes need but one
KINDS = 3  # different codes at most
SLIPS = 0.02  # of the answers, how many may be slips of the pen and no code
HALF = 0.5  # of the answers, from which those on a scale make the others codes


@dataclass(frozen=True)
class Beside:
    """The answers (number: how often) without the codes, the codes, and what to ask of them."""

    answers: dict[float, int]
    codes: list[float]
    doubts: list[str] = field(default_factory=list)


def beside(numbers: Mapping[float, int], scale: tuple[int, int] | None, *, ten: bool) -> Beside:
    """Tell answers from codes of no answer.

    Parameters
    ----------
    numbers : number: how often it was given
    scale : ends that the wording states; None where it states none
    ten : the question is one of recommendation, whose scale reaches to 10
    """
    codes = sorted(x for x in numbers if x in NO_ANSWER)
    rest = {x: n for x, n in numbers.items() if x not in codes}
    doubts = []
    if codes:
        doubts.append(f"{_listed(codes)}: no answer, or not experienced?")
    if scale:
        off, why = _outside(rest, scale), f"off the scale {scale[0]} to {scale[1]} of its wording"
    else:
        off, why = _apart(rest, ten=ten)
    if off:
        n, of = sum(rest[x] for x in off), sum(rest.values())
        doubts.append(
            f"{_listed(off)}: {n:,} of {of:,} answers are {why}, and taken for codes of no answer "
            "(`missing`). Where they are answers, take them out of `missing` and correct `scale`"
        )
    elif not scale and (low := _zero(rest)):
        doubts.append(
            f"0: {rest[0]:,} answers; the lowest answer, or none? Where it is none, write `scale: "
            f"[1, {low}]` and `missing: [0]`"
        )
    return Beside({x: n for x, n in rest.items() if x not in off}, sorted([*codes, *off]), doubts)


def _outside(numbers: Mapping[float, int], scale: tuple[int, int]) -> list[float]:
    """The few kinds of answers off a stated scale, where they are too many for slips."""
    off = [x for x in numbers if not scale[0] <= x <= scale[1]]
    n, of = sum(numbers[x] for x in off), sum(numbers.values())
    return sorted(off) if len(off) <= KINDS and SLIPS * of < n < HALF * of else []


def _apart(numbers: Mapping[float, int], *, ten: bool) -> tuple[list[float], str]:
    """Numbers after (or a 0 before) a scale each of whose points was used; and why."""
    top = _top(numbers)
    if top not in SHORT or sum(numbers.values()) < ENOUGH:
        return [], ""
    above = sorted(x for x in numbers if x > top)
    if not above:
        zero = 0 in numbers and top > 5 and not ten
        return ([0], f"below a scale of 1 to {top}") if zero else ([], "")
    wide = above[0] > top + GAP or (above[0] > top + 1 and set(above) <= set(CODES))
    if not wide or len(above) > KINDS or above[-1] > 10:
        return [], ""
    return above, f"apart from 1 to {top}, as no answer is {top + 1}"


def _zero(numbers: Mapping[float, int]) -> int:
    """The top of a scale that begins at 1 or at 0; 0 where that is no question."""
    top = _top(numbers)
    doubtful = top in (4, 5) and max(numbers) == top and 0 in numbers
    return top if doubtful and sum(numbers.values()) >= ENOUGH else 0


def _top(numbers: Mapping[float, int]) -> int:
    top = 0
    while top + 1 in numbers:
        top += 1
    return top


def _listed(codes: list[float]) -> str:
    return ", ".join(f"{c:g}" for c in codes)
