"""Two runs compared: which numbers differ, whether significantly, and why they may.

    found = compare(read(Path("reports/mine/monday")), read(Path("reports/mine/friday")))
    found.same                            # every number and every sentence is the same
    print(found)                          # a line a difference, and what changed behind them
    comparison_page.html(found)                   # what matters of it, as a page (see `changes`)

Nothing is computed again here: the numbers are those of `answers.json`, the reasons those of
`run.json`. Two 95% intervals that do not touch are further apart than chance explains; two that do
touch may still differ (Schenker and Gentleman 2001, Am. Statistician 55(3)): "intervals overlap".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlib.privacy.cross_page import tables_of

Key = tuple[str, str, str, str]  # page, answer, term, column
Value = float | int | str | bool | None
GONE = "(not there)"
# What a run is made from, as the page of a comparison names it.
WORDS = (
    "data",
    "question wording",
    "code",
    "environment",
    "fonts",
    "notebook",
    "seed",
    "parameter values",
    "pages",
    "language",
)
# Pages without numbers: what they kept before they failed is no result.
WITHOUT = ("failed", "not run")
# Statuses as records of version 0.1 have them.
FORMER = {"whole": "ok", "lacking": "skipped", "not made": "not run"}


@dataclass(frozen=True)
class Run:
    """What a run left: its name, its answers by page, and its record."""

    name: str
    answers: Mapping[str, Mapping[str, dict[str, Any]]]
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One value that differs; `beyond` whether significantly, None where that is unknown."""

    page: str
    answer: str
    term: str
    column: str
    before: Value
    after: Value
    beyond: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "  significant", False: "  intervals overlap", None: ""}[self.beyond]
        where = " ".join(w for w in (self.page, self.answer, self.term, self.column) if w)
        return f"{where}: {_said(self.before)} -> {_said(self.after)}{verdict}"


@dataclass(frozen=True)
class Comparison:
    """Differences of two runs, what changed behind them, and how many values were compared."""

    before: str
    after: str
    values: int
    differences: tuple[Difference, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # data: (responses,)
    runs: tuple[Run, ...] = field(default=(), repr=False)

    @property
    def same(self) -> bool:
        """Whether every number and sentence is the same."""
        return not self.differences

    @property
    def without(self) -> dict[str, tuple[str, str]]:
        """Pages that failed or were not made in a run, with what became of them in each."""
        sides = [_statuses(run) for run in self.runs]
        both = {
            page: (sides[0].get(page, GONE), sides[1].get(page, GONE))
            for page in dict.fromkeys(page for side in sides for page in side)
        }
        return {page: pair for page, pair in both.items() if set(pair) & {*WITHOUT}}

    @property
    def beyond(self) -> tuple[Difference, ...]:
        """The estimates whose intervals do not touch."""
        return tuple(d for d in self.differences if d.beyond)

    @property
    def summary(self) -> str:
        """How many values differ, in a sentence."""
        return (
            f"{len(self.differences):,} of {self.values:,} values differ, "
            f"{len(self.beyond):,} significantly."
        )

    def unit(self, page: str, answer: str) -> str:
        """The unit of an answer in the later run."""
        return self.runs[1].answers.get(page, {}).get(answer, {}).get("unit", "")

    def __str__(self) -> str:
        first = f"All {self.values:,} values are the same." if self.same else self.summary
        every = (f"  {d}" for d in self.differences)
        return "\n".join([*uncompared(self), first, *every, *listed(self.changed)])


def uncompared(found: Comparison) -> list[str]:
    """A line for each page that has no numbers in one of the runs."""
    if not found.without:
        return []
    pages = "1 page" if len(found.without) == 1 else f"{len(found.without)} pages"
    became = (f"  {page}: {old} -> {new}" for page, (old, new) in found.without.items())
    return [f"{pages} could not be compared:", *became]


def listed(changed: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A line for each thing that changed behind the numbers."""
    if not changed:
        return ["No fingerprint differs."]
    return ["Behind them:", *(f"  {part} changed{_some(of)}" for part, of in changed.items())]


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f": {', '.join(names[:8])}{more}" if names else ""


def _said(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "hidden or missing" if value is None else str(value)
    return f"{value:,.8g}"


def read(folder: Path) -> Run:
    """What the run in `folder` left. Raises ValueError when it is no whole run."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        return Run(str(record["run"]), answers, record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} is not a run of `cx run`: no whole answers.json and run.json in it."
        ) from error


def in_one_language(before: Run, after: Run, lang: str) -> tuple[Run, Run]:
    """The pages of both runs in `lang`, or else in a language that both have, by the same names.

    Raises ValueError when they have none in common.
    """
    known = [[p.get("lang", "en") for p in run.record["pages"]] for run in (before, after)]
    both = [k for k in dict.fromkeys([lang, *known[0]]) if all(k in langs for langs in known)]
    if not both:
        raise ValueError(
            f"{before.name} is in {', '.join(dict.fromkeys(known[0]))} and {after.name} in "
            f"{', '.join(dict.fromkeys(known[1]))}: they have no page in common. Run one again "
            "with --lang."
        )
    return _in(before, both[0]), _in(after, both[0])


def _in(run: Run, lang: str) -> Run:
    mine = [p for p in run.record["pages"] if p.get("lang", "en") == lang]
    names = {p["page"]: p["page"].removesuffix(p.get("suffix", "")) for p in mine}
    answers = {names[p]: kept for p, kept in run.answers.items() if p in names}
    pages = [p | {"page": names[p["page"]]} for p in mine]
    return Run(run.name, answers, {**run.record, "pages": pages})


def compare(before: Run, after: Run) -> Comparison:
    """What differs from one run to the other, and which fingerprints do.

    A page that only one of them has, or that failed in one, is one difference, whatever it holds;
    one that failed in both is none (`Comparison.without` names it).
    """
    old, new = values_of(before), values_of(after)
    sides = _statuses(before), _statuses(after)
    gone = sides[0].keys() ^ sides[1].keys()
    gone |= {page for side in sides for page, status in side.items() if status in WITHOUT}
    keys = [
        k
        for k in dict.fromkeys([*old, *new])
        if k[0] not in gone or (k[-1] == "status" and old.get(k) != new.get(k))
    ]
    differences = [
        Difference(*key, old.get(key, GONE), new.get(key, GONE), _beyond(key, old, new))
        for key in keys
        if old.get(key, GONE) != new.get(key, GONE)
    ]
    return Comparison(
        before.name,
        after.name,
        len(keys),
        tuple(differences),
        _behind(before, after),
        (before, after),
    )


def _statuses(run: Run) -> dict[str, str]:
    """What became of each page."""
    made = run.record["pages"]
    return {page["page"]: FORMER.get(page["status"], page["status"]) for page in made}


def values_of(run: Run) -> dict[Key, Value]:
    """Every value of a run by page, answer, term and column; what became of each page too."""
    found: dict[Key, Value] = {}
    for page, status in _statuses(run).items():
        found[page, "", "", "status"] = status
    for name, answers in run.answers.items():
        for record in answers.values():
            found[name, record["name"], "", "sentence"] = record["answer"]
            found[name, record["name"], "", "note"] = record["note"]
            for part, table in tables_of(record):
                for term, column, value in _cells(table):
                    found[name, part, term, column] = value
    return found


def _cells(table: Mapping[str, Any]) -> Iterator[tuple[str, str, Value]]:
    """(term, column, value): a row is known by the words in it, and their repetition."""
    seen: Counter[str] = Counter()
    columns = table["columns"]
    place = columns.index("term") + 1 if "term" in columns else 1
    for row in table["rows"]:
        term = ", ".join(str(v) for v in row[:place])
        seen[term] += 1
        term += f" ({seen[term]})" if seen[term] > 1 else ""
        for column, value in zip(columns[place:], row[place:], strict=True):
            yield term, column, value


def _beyond(key: Key, old: Mapping[Key, Value], new: Mapping[Key, Value]) -> bool | None:
    """Whether the intervals of an estimate do not touch; None for what has none."""
    if key[-1] != "estimate":
        return None
    low, high = ((*key[:-1], side) for side in ("low", "high"))
    ends = [values.get(side) for values in (old, new) for side in (low, high)]
    known = [e for e in ends if isinstance(e, (int, float))]
    return bool(known[0] > known[3] or known[2] > known[1]) if len(known) == len(ends) else None


def _behind(before: Run, after: Run) -> dict[str, tuple[str, ...]]:
    """Which fingerprints differ, and of what: data, wording, code, parameters, notebook, seed."""
    old, new = before.record, after.record
    found: dict[str, tuple[str, ...] | None] = {
        "data": _differing(old.get("data", {}), new.get("data", {})),
        "question wording": () if old.get("wording") == new.get("wording") else None,
        "code": () if old.get("code") == new.get("code") else None,
        "environment": _environment(old.get("environment", {}), new.get("environment", {})),
    }
    pages_old, pages_new = ({p["page"]: p for p in side["pages"]} for side in (old, new))
    for name, of in (("notebook", "notebook_sha256"), ("seed", "seed")):
        was, now = ({p: v.get(of) for p, v in side.items()} for side in (pages_old, pages_new))
        found[name] = _differing(was, now, both=True)
    values = (
        _from_to(made["parameters"], pages_new[name]["parameters"])
        for name, made in pages_old.items()
        if name in pages_new
    )
    found["parameter values"] = tuple(dict.fromkeys(told for of_page in values for told in of_page))
    found["pages"] = tuple(sorted(pages_old.keys() ^ pages_new.keys()))
    return {part: names or () for part, names in found.items() if names or names is None}


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...] | None:
    parts = ("python", "system")
    own = tuple(_from_to(*({p: side.get(p) for p in parts} for side in (old, new))))
    names = own + tuple(_from_to(old.get("packages", {}), new.get("packages", {})))
    return names if names or old.get("fingerprint") == new.get("fingerprint") else None


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any], both: bool = False
) -> tuple[str, ...]:
    """The keys whose values differ, in order; only those on both sides with `both`."""
    keys = sorted(old.keys() & new.keys() if both else old.keys() | new.keys())
    return tuple(k for k in keys if old.get(k) != new.get(k))


def _from_to(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Each key whose value differs, with both: DRAWS 1000 -> 200."""

    def told(side: Mapping[str, Any], key: str) -> str:
        return (str(side[key]) or "''") if key in side else "–"

    return [f"{k} {told(old, k)} -> {told(new, k)}" for k in _differing(old, new)]
