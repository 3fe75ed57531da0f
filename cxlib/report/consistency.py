"""Whether the findings of a run agree: with each other, with their tables, with their sentences.

    for conflict in consistency.conflicts(run, answers):
        print(conflict)

A measure of one group or wave has one value and one interval on all pages of a population; a
finding's numbers are those of a row of its own table, and its sentence prints them. Two tables that
hold the same estimates of the same answers hold the same intervals of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cxlib.report.findings import Answers
from cxlib.report.measures import Row, rows_of

NUMBERS = ("value", "low", "high")
TOLERANCE = 1e-6  # relative; numbers are stored with 8 digits
NUMBER = re.compile(r"−?[^\w\s\d−+]?(\d[\d,]*(?:\.\d+)?)(%?)")
# What a number of a unit is multiplied by before it is printed, without and with a percent sign.
SCALES: Mapping[str, tuple[float, ...]] = {
    "share": (100, 1),
    "gap": (100, 1),
    "hours": (1, 1 / 24, 60),
}
# Tables whose low and high are no pointwise intervals of the estimates, or of a curve.
OTHER_ENDS = ("limits", "bounds", "curve")
DIGITS = 5  # significant ones of an estimate that two tables do not share by chance
ROUGH = 1e-3  # of the width of an interval; less is rounding
GAP = 8  # characters between the ends of an interval, " to " or " 至 "


@dataclass(frozen=True)
class Conflict:
    """Two numbers of a run that should be one.

    Attributes
    ----------
    page, answer : where it stands
    kind : "two values", "two intervals", "not in its table" or "not in its sentence"
    detail : the numbers that differ
    other, measure : of two values, the page with the other one, and what both are of
    """

    page: str
    answer: str
    kind: str
    detail: str
    other: str = ""
    measure: str = ""

    def __str__(self) -> str:
        return f"{self.page}, {self.answer}: {self.kind}: {self.detail}"


class Printed(NamedTuple):
    """A number in a sentence: what it says, to how many decimals, where."""

    value: float
    decimals: int
    percent: bool
    start: int
    end: int


def conflicts(run: Mapping[str, Any], answers: Answers) -> list[Conflict]:
    """What contradicts itself in the pages of a run.

    Parameters
    ----------
    run : as run.json has it
    answers : as answers.json has it: page -> name -> record

    Examples
    --------
    >>> page = {"page": "10_a", "set": "", "parameters": {}}
    >>> nps = {"claim": "NPS was 25.", "value": 31.0}
    >>> table = {"columns": ["term", "estimate"], "rows": [["nps", 31.0]]}
    >>> record = {"finding": nps, "table": table, "tables": {}}
    >>> [c.kind for c in conflicts({"pages": [page]}, {"10_a": {"nps": record}})]
    ['not in its sentence']
    """
    found: list[Conflict] = []
    known: dict[tuple[Any, ...], tuple[str, str, list[float | None]]] = {}
    for page in run["pages"]:
        population = (page["set"], *(page["parameters"].get(k, "") for k in ("WAVE", "WHERE")))
        for name, record in answers.get(page["page"], {}).items():
            finding = record.get("finding") or {}
            if finding.get("value") is None:
                continue
            of = (page["page"], name)
            found += [Conflict(*of, *wrong) for wrong in _by_itself(record, finding)]
            for key, numbers in _quantities(record, finding):
                first = known.setdefault((population, *key), (*of, numbers))
                if not _agree(first[2], numbers):
                    words = f"{key[0]} {dict(key[1])}: {numbers}, but {first[2]} in {first[:2]}"
                    found.append(Conflict(*of, "two values", words, first[0], key[0]))
    return [*found, *_two_intervals(run, answers)]


def between_pages(run: Mapping[str, Any], answers: Answers) -> dict[str, str]:
    """The pages of a run that contradict another, and in what: a sentence for each page.

    Parameters
    ----------
    run, answers : as run.json and answers.json have them
    """
    found: dict[str, dict[str, list[str]]] = {}
    for one in conflicts(run, answers):
        if one.kind == "two values" and one.page != one.other:
            measures = found.setdefault(one.page, {}).setdefault(one.other, [])
            measures += [one.measure] if one.measure not in measures else []
    return {
        page: "; ".join(
            f"its value of {', '.join(measures)} is not that of {other}"
            for other, measures in others.items()
        )
        for page, others in found.items()
    }


def _two_intervals(run: Mapping[str, Any], answers: Answers) -> Iterator[Conflict]:
    """Estimates that two answers share, row by row, with other intervals."""
    shared: dict[tuple[Any, ...], list[tuple[str, str, str, Row]]] = {}
    size: dict[tuple[Any, ...], int] = {}
    for page in run["pages"]:
        population = (page["set"], *(page["parameters"].get(k, "") for k in ("WAVE", "WHERE")))
        for name, record in answers.get(page["page"], {}).items():
            for table in {"", *record["tables"]} - set(OTHER_ENDS):
                for row in rows_of(record, table):
                    if (key := _identity(row)) is not None:
                        place = (page["page"], name, table, row)
                        size[place[:3]] = size.get(place[:3], 0) + 1
                        shared.setdefault((*population, *key), []).append(place)
    pairs: dict[tuple[Any, ...], list[tuple[Row, Row]]] = {}
    for places in shared.values():
        for k, (*one, row) in enumerate(places):
            for *other, same in places[k + 1 :]:
                if one[:2] != other[:2] and _may_be_same(row, same, other, places):
                    pairs.setdefault((*one, *other), []).append((row, same))
    for (page, name, table, *other), rows in pairs.items():
        # Some rows may be the same shares of as many by chance.
        alike = 2 * len(rows) >= min(size[page, name, table], size[tuple(other)])
        apart = [(a, b) for a, b in rows if not _same_interval(a, b)]
        if len(rows) > 1 and alike and apart:
            a, b = apart[0]
            ends = [f"{r['low']} to {r['high']}" for r in (a, b)]
            words = f"{a['estimate']} ({', '.join(_labels(a) & _labels(b))}): {ends[0]}, but "
            yield Conflict(page, name, "two intervals", f"{words}{ends[1]} in {other}", other[0])


def _may_be_same(row: Row, same: Row, table: Sequence[str], places: Sequence[Any]) -> bool:
    """Whether two rows have a label in common, and the table no other row with all labels of `row`.

    Two categories of as many cases have one share, and each is itself in another table.
    """
    mine, there = _labels(row), [_labels(other) for *of, other in places if of == table]
    return bool(mine & _labels(same)) and (mine == _labels(same) or mine not in there)


def _identity(row: Row) -> tuple[float, float] | None:
    """Estimate and n of a row with an interval; None where the estimate is a round number."""
    numbers = [row.get(k) for k in ("estimate", "low", "high", "n")]
    known = [float(v) for v in numbers if isinstance(v, (int, float))]
    if len(known) < len(numbers):
        return None
    estimate, low, high, n = known
    round_ = float(f"{estimate:.{DIGITS - 1}g}") == estimate
    return None if round_ or not low < high else (float(f"{estimate:.7g}"), n)


def _labels(row: Row) -> set[str]:
    return {v for v in row.values() if isinstance(v, str) and v}


def _same_interval(one: Row, other: Row) -> bool:
    reach = ROUGH * (one["high"] - one["low"])
    return all(abs(one[end] - other[end]) <= reach for end in ("low", "high"))


def _by_itself(record: Mapping[str, Any], finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a finding contradicts its tables, or its sentence its numbers."""
    numbers: list[Any] = [finding.get(k) for k in NUMBERS]
    if finding.get("unit") != "count" and _row_of(record, finding) is None:
        yield "not in its table", f"{numbers}"
    text = f"{finding.get('claim', '')}\n{finding.get('detail', '')}"
    printed = list(_printed(text))
    scales = SCALES.get(finding.get("unit", ""), (1, 100))
    if not any(_says(p, abs(numbers[0]), scales) for p in printed):
        yield "not in its sentence", f"value {numbers[0]}: {text}"
    ends = numbers[1:]
    if None not in ends and not any(
        _says(a, abs(low), scales) and _says(b, abs(high), scales)
        for a, b in zip(printed, printed[1:], strict=False)
        if b.start - a.end <= GAP and ";" not in text[a.end : b.start]
        for low, high in (ends, ends[::-1])
    ):
        yield "not in its sentence", f"interval {ends}: {text}"


def _row_of(record: Mapping[str, Any], finding: Mapping[str, Any]) -> Row | None:
    """The first row of its tables that has the finding's numbers."""
    wanted = [finding[k] for k in NUMBERS if finding.get(k) is not None]
    for table in ("", *record["tables"]):
        for row in rows_of(record, table):
            held = [v for v in row.values() if isinstance(v, (int, float))]
            if all(any(_equal(v, one) for v in held) for one in wanted):
                return row
    return None


def _quantities(
    record: Mapping[str, Any], finding: Mapping[str, Any]
) -> Iterator[tuple[tuple[Any, ...], list[float | None]]]:
    """What the finding and the rows beside its own are about, and their numbers.

    Rows of the main table belong to the finding's measure where they differ from its own row in
    nothing but the group or wave.
    """
    measure, at = finding.get("measure"), finding.get("at") or {}
    if not measure:
        return
    yield (measure, _key(at)), [finding.get(k) for k in NUMBERS]
    rows = rows_of(record)
    own = [r for r in rows if all(str(r.get(k)) == str(v) for k, v in at.items())]
    if not at or len(own) != 1 or not _equal(own[0].get("estimate"), finding["value"]):
        return
    same = [c for c, v in own[0].items() if isinstance(v, str) and c not in at]
    for row in (r for r in rows if all(r[c] == own[0][c] for c in same)):
        numbers = [row.get(k) for k in ("estimate", "low", "high")]
        if numbers[0] is not None:
            yield (measure, _key({k: row[k] for k in at})), numbers


def _key(at: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, str(v)) for k, v in at.items()))


def _agree(one: Iterable[float | None], other: Iterable[float | None]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a is None or b is None or _equal(a, b) for a, b in pairs)


def _equal(one: Any, other: Any) -> bool:
    if not (isinstance(one, (int, float)) and isinstance(other, (int, float))):
        return False
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-9)


def _printed(text: str) -> Iterator[Printed]:
    for match in NUMBER.finditer(text):
        digits = match[1].replace(",", "").rstrip(".")
        decimals = len(digits.partition(".")[2])
        yield Printed(float(digits), decimals, bool(match[2]), *match.span())


def _says(printed: Printed, value: float, scales: Iterable[float]) -> bool:
    """Whether the printed number is the value, rounded; signs are said in words too.

    Large amounts are rounded to three digits: 421,000 says 420,887.
    """
    least = 10.0**-printed.decimals
    digits = len(f"{printed.value:.0f}")
    if printed.value >= 1000 and printed.value % 10 ** (digits - 3) == 0:
        least = max(least, 10.0 ** (digits - 3))
    reach = 0.5 * least * (1 + TOLERANCE)
    return any(
        math.isclose(printed.value, scale * value, rel_tol=TOLERANCE, abs_tol=reach)
        for scale in scales
    )
