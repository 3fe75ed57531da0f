"""Two runs beside each other: which numbers differ, whether beyond noise, and why they may.

    found = compare(read(Path("reports/mine/monday")), read(Path("reports/mine/friday")))
    found.same                            # every number and every sentence is the same
    print(found)                          # a line a difference, and what changed behind them
    found.html()                          # the same as a page

Nothing is computed again here: the numbers are those of `answers.json`, the reasons those of
`run.json`. Two 95% intervals that do not touch are further apart than chance explains; two that do
touch may still differ (Schenker and Gentleman 2001, Am. Statistician 55(3)), so "may be noise".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cxlib import page
from cxlib.masking import legible

Key = tuple[str, str, str, str]  # page, answer, term, column
Value = float | int | str | bool | None
GONE = "(not there)"
# What a run is made from, as the page of a comparison names it.
WORDS = (
    "data",
    "question wording",
    "code",
    "environment",
    "notebook",
    "seed",
    "parameters",
    "pages",
)


@dataclass(frozen=True)
class Run:
    """What a run left: its name, its answers by page, and its record."""

    name: str
    answers: Mapping[str, Mapping[str, dict]]
    record: Mapping[str, object]


@dataclass(frozen=True)
class Difference:
    """One value that differs; `beyond` whether it is more than noise, None where none can tell."""

    page: str
    answer: str
    term: str
    column: str
    before: Value
    after: Value
    beyond: bool | None = None

    def __str__(self) -> str:
        noise = {True: "  beyond noise", False: "  may be noise", None: ""}[self.beyond]
        where = " ".join(w for w in (self.page, self.answer, self.term, self.column) if w)
        return f"{where}: {_said(self.before)} -> {_said(self.after)}{noise}"


@dataclass(frozen=True)
class Comparison:
    """Differences of two runs, what changed behind them, and how many values were compared."""

    before: str
    after: str
    values: int
    differences: tuple[Difference, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # data: (responses,)

    @property
    def same(self) -> bool:
        """Whether every number and sentence is the same."""
        return not self.differences

    @property
    def beyond(self) -> tuple[Difference, ...]:
        """The estimates whose intervals do not touch."""
        return tuple(d for d in self.differences if d.beyond)

    def __str__(self) -> str:
        why = [f"  {part} changed{_listed(names)}" for part, names in self.changed.items()]
        behind = ["Behind them:", *why] if why else ["No fingerprint differs."]
        if self.same:
            return "\n".join([f"All {self.values:,} values are the same.", *behind])
        return "\n".join(
            [
                f"{len(self.differences):,} of {self.values:,} values differ, "
                f"{len(self.beyond):,} beyond noise.",
                *(f"  {d}" for d in self.differences),
                *behind,
            ]
        )

    def html(self) -> str:
        """The comparison as a page like those of the runs: self-contained, no request."""
        from cxlib.report import pages

        made = pages.environment().get_template("comparison.html.j2")
        return legible(
            made.render(found=self, policy=pages.POLICY, lang=page.rules().lang, said=_said)
        )


def _listed(names: tuple[str, ...]) -> str:
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


def compare(before: Run, after: Run) -> Comparison:
    """What differs from one run to the other, and which fingerprints do."""
    old, new = _values(before), _values(after)
    keys = dict.fromkeys([*old, *new])
    differences = [
        Difference(*key, old.get(key, GONE), new.get(key, GONE), _beyond(key, old, new))
        for key in keys
        if old.get(key, GONE) != new.get(key, GONE)
    ]
    return Comparison(
        before.name, after.name, len(keys), tuple(differences), _behind(before, after)
    )


def _values(run: Run) -> dict[Key, Value]:
    """Every value of a run by page, answer, term and column; what became of each page too."""
    found: dict[Key, Value] = {}
    for made in run.record["pages"]:
        found[made["page"], "", "", "status"] = made["status"]
    for name, answers in run.answers.items():
        for record in answers.values():
            found[name, record["name"], "", "sentence"] = record["answer"]
            found[name, record["name"], "", "note"] = record["note"]
            for part, table in _tables(record):
                for term, column, value in _cells(table):
                    found[name, part, term, column] = value
    return found


def _tables(record: Mapping) -> Iterator[tuple[str, Mapping]]:
    yield record["name"], record["table"]
    for name, table in record["tables"].items():
        yield f"{record['name']}.{name}", table


def _cells(table: Mapping) -> Iterator[tuple[str, str, Value]]:
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
    if not all(isinstance(e, (int, float)) for e in ends):
        return None
    return bool(ends[0] > ends[3] or ends[2] > ends[1])


def _behind(before: Run, after: Run) -> dict[str, tuple[str, ...]]:
    """Which fingerprints differ, and of what: data, wording, code, parameters, notebook, seed."""
    old, new = before.record, after.record
    found = {
        "data": _differing(old.get("data", {}), new.get("data", {})),
        "question wording": () if old.get("wording") == new.get("wording") else None,
        "code": () if old.get("code") == new.get("code") else None,
        "environment": _environment(old.get("environment", {}), new.get("environment", {})),
    }
    pages_old = {p["page"]: p for p in old["pages"]}
    pages_new = {p["page"]: p for p in new["pages"]}
    for name, of in (("notebook", "notebook_sha256"), ("seed", "seed")):
        found[name] = _differing(*({p: v.get(of) for p, v in side.items()}
                                   for side in (pages_old, pages_new)), both=True)  # fmt: skip
    found["parameters"] = tuple(dict.fromkeys(
        parameter
        for name in pages_old.keys() & pages_new.keys()
        for parameter in _differing(pages_old[name]["parameters"], pages_new[name]["parameters"])
    ))  # fmt: skip
    found["pages"] = tuple(sorted(pages_old.keys() ^ pages_new.keys()))
    return {part: names or () for part, names in found.items() if names or names is None}


def _environment(old: Mapping, new: Mapping) -> tuple[str, ...] | None:
    parts = ("python", "system")
    own = tuple(p for p in parts if old.get(p) != new.get(p))
    names = own + _differing(old.get("packages", {}), new.get("packages", {}))
    return names if names or old.get("fingerprint") == new.get("fingerprint") else None


def _differing(old: Mapping, new: Mapping, both: bool = False) -> tuple[str, ...]:
    """The keys whose values differ, in order; only those on both sides with `both`."""
    keys = sorted(old.keys() & new.keys() if both else old.keys() | new.keys())
    return tuple(k for k in keys if old.get(k) != new.get(k))
