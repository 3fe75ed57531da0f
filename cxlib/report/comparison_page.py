"""Differences of two runs as people read them: page by page, answer by answer.

    for part in comparison_page.parts(found):          # of a comparison.Comparison
        part.title, part.status, part.why, part.answers
    print(comparison_page.text(found))
    comparison_page.html(found)

Shown are answers that say something else or hold an estimate that differs significantly; of their
rows those first, `MOST` at most. All else is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.privacy.masking import legible
from cxlib.report import rendering
from cxlib.report.comparison import (
    GONE,
    Comparison,
    Difference,
    Key,
    Value,
    listed,
    uncompared,
    values_of,
)

MOST = 6  # rows of an answer
ENDS = ("estimate", "low", "high")


@dataclass(frozen=True)
class Row:
    """An estimate with its interval, in words, before and after."""

    term: str
    before: str
    after: str
    beyond: bool | None


@dataclass(frozen=True)
class Answer:
    """What an answer says; `before` is empty where it says the same."""

    before: str
    after: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Part:
    """A page: what became of it, what changed behind it, how many values differ, what it says."""

    title: str
    status: str
    why: tuple[str, ...]
    differing: int
    beyond: int
    answers: tuple[Answer, ...]


def parts(found: Comparison) -> list[Part]:
    """The pages on which something differs, those of the later run first."""
    by_page: dict[str, list[Difference]] = {}
    for difference in found.differences:
        by_page.setdefault(difference.page, []).append(difference)
    sides = [{p["page"]: p for p in run.record["pages"]} for run in found.runs]
    values = [values_of(run) for run in found.runs]
    order = [n for n in dict.fromkeys([*sides[1], *sides[0]]) if n in by_page]
    return [_part(name, by_page[name], sides, values, found) for name in order]


def _part(
    name: str,
    differ: Sequence[Difference],
    sides: Sequence[Mapping[str, Any]],
    values: Sequence[Mapping[Key, Value]],
    found: Comparison,
) -> Part:
    old, new = (side.get(name) for side in sides)
    beyond = sum(bool(d.beyond) for d in differ)
    title = (new or old or {}).get("title", name)
    if not (old and new):
        only = _("only in {run}", run=found.after if new else found.before)
        return Part(title, only, (), len(differ), 0, ())
    words = [_word(p["status"]) for p in (old, new)]
    status = " → ".join(words) if words[0] != words[1] else ""
    keys = [p.get("key", {}) for p in (old, new)]
    why = tuple(
        _("parameter values" if k == "parameters" else k)
        for k in keys[1]
        if keys[0].get(k) != keys[1][k]
    )
    return Part(title, status, why, len(differ), beyond, tuple(_answers(differ, values, found)))


def _word(status: str) -> str:
    words = {"skipped": _("not for this study"), GONE: _("not there")}
    return words.get(status) or _(status)


def _answers(
    differ: Sequence[Difference], values: Sequence[Mapping[Key, Value]], found: Comparison
) -> Iterator[Answer]:
    """Of each answer that says something else, or differs significantly: what it says, its rows."""
    by_answer: dict[str, list[Difference]] = {}
    for difference in differ:
        by_answer.setdefault(difference.answer.partition(".")[0], []).append(difference)
    for name, of in by_answer.items():
        said = [v.get((of[0].page, name, "", "sentence")) for v in values]
        if name and (said[0] != said[1] or any(d.beyond for d in of)):
            before = "" if said[0] == said[1] else str(said[0] or "–")
            yield Answer(before, str(said[1] or "–"), tuple(_rows(of, values, found)))


def _rows(
    differ: Iterable[Difference], values: Sequence[Mapping[Key, Value]], found: Comparison
) -> Iterator[Row]:
    moved = [d for d in differ if d.column == "estimate"]
    moved.sort(key=lambda d: (not d.beyond, "." in d.answer, d.beyond is None))
    for d in moved[:MOST]:
        share = "." not in d.answer and found.unit(d.page, d.answer) == "share"
        of = [[v.get((d.page, d.answer, d.term, c)) for c in ENDS] for v in values]
        digits = _digits([n for side in of for n in side if _is_number(n)])
        write = partial(i18n.percent, digits=1) if share else partial(i18n.number, digits=digits)
        before, after = (_estimate(side, write) for side in of)
        term = i18n.listed(i18n.label(part) for part in d.term.split(", "))
        yield Row(term, before, after, d.beyond)


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _estimate(of: Sequence[Value], write: Callable[[float], str]) -> str:
    """An estimate with its interval, where it has one; a dash where it is hidden or not there."""
    numbers = [n for n in of if _is_number(n)]
    if not _is_number(of[0]):
        return "–"
    if len(numbers) < len(of):
        return write(of[0])
    value, low, high = map(write, numbers)
    return _("{value} ({low} to {high})", value=value, low=low, high=high)


def _digits(numbers: Sequence[float]) -> int:
    """Decimals that leave the largest number three digits."""
    largest = max(map(abs, numbers), default=0)
    return min(max(2 - math.floor(math.log10(largest)), 0), 4) if largest else 0


def text(found: Comparison) -> str:
    """The comparison for a terminal: what changed behind the numbers, then page by page."""
    if found.same:
        return str(found)
    lines = [*uncompared(found), found.summary, *listed(found.changed), ""]
    for part in parts(found):
        lines.append(f"{part.title}: {part.status or _counted(part)}")
        for answer in part.answers:
            lines += [f"    was  {answer.before}"] if answer.before else []
            lines.append(f"    now  {answer.after}")
            lines += [
                f"         {row.term}: {row.before} -> {row.after}  significant"
                for row in answer.rows
                if row.beyond
            ]
    return "\n".join(lines)


def html(found: Comparison) -> str:
    """The comparison as a page like those of the runs: self-contained, no request."""
    made = rendering.environment().get_template("comparison.html.j2")
    lang = context.current().lang
    return legible(
        made.render(found=found, parts=parts(found), without=_uncompared(found), lang=lang)
    )


def _uncompared(found: Comparison) -> list[str]:
    """A sentence on each page that has no numbers in one of the runs."""
    titles = {
        p["page"]: p.get("title", p["page"]) for run in found.runs for p in run.record["pages"]
    }
    return [
        _(
            "“{page}” could not be compared: {before} before, {after} after.",
            page=titles[page],
            before=_word(before),
            after=_word(after),
        )
        for page, (before, after) in found.without.items()
    ]


def _counted(part: Part) -> str:
    why = f"; behind them: {', '.join(part.why)}" if part.why else ""
    return f"{part.differing:,} values differ, {part.beyond:,} significantly{why}"
