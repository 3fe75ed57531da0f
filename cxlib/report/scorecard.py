"""The scorecard of a run: what an executive reads in a minute, taken from what its pages kept.

    card = scorecard.of(run, answers, before)      # `before`: (run, answers) of the run before
    card["measures"], card["warnings"], card["levers"], card["pains"], card["actions"]

Nothing is computed but differences to the run before; a part whose page the run has not, or whose
numbers are hidden, is left out. A change is more than noise where the two intervals do not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cxlib import page, study

MOST = 3  # warnings, levers and pain points shown
WORDS = (
    "Satisfaction index", "Satisfied customers", "Ease", "At high risk of leaving",
    "First reply in time", "Solution in time", "Came back", "Stay on", "Maturity stage",
)  # fmt: skip

Row = Mapping[str, object]
Answers = Mapping[str, Mapping[str, dict]]  # notebook's number: its answers


@dataclass(frozen=True)
class Measure:
    """Where a measure of the scorecard is kept: notebook, answer, and which row of it."""

    name: str
    notebook: str
    answer: str
    row: Callable[[list[Row], str], Row | None] = lambda rows, _: rows[0]
    table: str = ""  # a further table of the answer


def _target(rows: list[Row], name: str) -> Row | None:
    model = study.read(name).model if name in study.names() else None
    return _named(rows, model.target if model else "satisfaction")


def _named(rows: list[Row], term: str) -> Row | None:
    return next((row for row in rows if row["term"] == term), None)


def _year(rows: list[Row], _: str) -> Row | None:
    """Who came back after the first purchase, by a year, or as late as is told."""
    first = [r for r in rows if r.get("purchase") == rows[0].get("purchase")]
    shown = [r for r in first if r["estimate"] is not None]
    return next((r for r in shown if "365" in str(r["term"])), shown[-1] if shown else None)


MEASURES = (
    Measure("Satisfaction index", "11", "index", _target),
    Measure("NPS", "10", "nps"),
    Measure("Satisfied customers", "10", "csat"),
    Measure("Ease", "10", "effort"),
    Measure("First reply in time", "24", "standards", lambda r, _: _named(r, "first reply")),
    Measure("Solution in time", "24", "standards", lambda r, _: _named(r, "solution")),
    Measure("At high risk of leaving", "32", "churn", lambda r, _: _named(r, "high"), "risk"),
    Measure("Stay on", "31", "retention"),
    Measure("Came back", "33", "repeat", _year),
    Measure("Maturity stage", "42", "maturity", lambda r, _: r[0], "overall"),
)


def of(
    run: Mapping, answers: Answers, before: tuple[Mapping, Answers] | None = None
) -> dict[str, object]:
    """The parts of the scorecard in the page's language; an empty one where nothing is told.

    `run` is as run.json has it, with its pages in one language; `answers` as answers.json.
    """
    now, files = _by_notebook(run, answers), _files(run)
    then = _by_notebook(*before) if before else {}
    measures = [m for asked in MEASURES if (m := _measure(asked, now, then, files, run["study"]))]
    return {
        "measures": measures,
        "since": str(before[0]["run"]) if before else "",
        "warnings": _warnings(now, files),
        "levers": _levers(now, files),
        "pains": _pains(now, files),
        "actions": _actions(now, files),
    }


def _pages(run: Mapping) -> dict[str, dict]:
    """The run's page of each notebook, by number: of all rows, in its language."""
    mine = [p for p in run["pages"] if not p["set"] and p["status"] == "whole"]
    return {p["notebook"].split("_")[0]: p for p in reversed(mine)}


def _files(run: Mapping) -> dict[str, str]:
    return {number: f"{p['page']}.html" for number, p in _pages(run).items()}


def _by_notebook(run: Mapping, answers: Answers) -> dict[str, Mapping[str, dict]]:
    return {number: answers.get(p["page"], {}) for number, p in _pages(run).items()}


def _rows(record: dict | None, table: str = "") -> list[dict]:
    if record is None:
        return []
    kept = record["tables"].get(table) if table else record["table"]
    return [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]] if kept else []


def _row_of(asked: Measure, now: Answers, name: str) -> tuple[dict, str] | None:
    """The measure's row and its unit; None where it is not told."""
    record = now.get(asked.notebook, {}).get(asked.answer)
    rows = _rows(record, asked.table)
    row = asked.row(rows, name) if rows else None
    if row is None or row.get("estimate") is None:
        return None
    return dict(row), record["unit"]


def _measure(asked: Measure, now: Answers, then: Answers, files: Mapping, name: str) -> dict | None:
    found = _row_of(asked, now, name)
    if found is None:
        return None
    row, unit = found
    share = unit == "share" or asked.answer == "churn"
    whole = asked.notebook == "42"

    digits = 0 if whole else 1 if unit == "points" or share else 2

    def write(value: float) -> str:
        return page.percent(value) if share else page.number(value, digits)

    said = {
        "name": page.say(asked.name) if asked.name != "NPS" else "NPS",
        "value": write(row["estimate"]), "span": "", "file": files[asked.notebook],
        "n": page.count(row["n"]) if isinstance(row.get("n"), (int, float)) else "",
        "change": "", "tone": "", "more": "",
    }  # fmt: skip
    if asked.answer == "churn":  # how many they are; how many of them leave is beside it
        said["value"] = page.count(row["n"])
        said["n"] = ""
        said["more"] = page.say("{share} of them leave", share=write(row["estimate"]))
    elif asked.answer == "repeat":
        said["more"] = page.label(str(row["term"]))
    if row.get("low") is not None and row.get("high") is not None:
        said["span"] = page.say("{low} to {high}", low=write(row["low"]), high=write(row["high"]))
    earlier = _row_of(asked, then, name)
    if said["more"] and said["span"]:
        said["more"], said["span"] = f"{said['more']} ({said['span']})", ""
    return said | (_change(row, earlier[0], share, digits) if earlier else {})


def _change(row: Row, before: Row, share: bool, digits: int) -> dict[str, str]:
    """How far it moved since the run before, and whether that is more than noise."""
    apart = row["estimate"] - before["estimate"]
    if abs(apart) < 1e-9:
        return {"change": page.say("as before"), "tone": "same"}
    size = page.number(100 * apart if share else apart, digits)
    size = f"+{size}" if apart > 0 else size
    ends = [r.get(side) for r in (row, before) for side in ("low", "high")]
    if None in ends:
        return {"change": size, "tone": "same"}
    clear = ends[0] > ends[3] or ends[2] > ends[1]
    said = (page.say("{size}, more than noise", size=size) if clear
            else page.say("{size}, may be noise", size=size))  # fmt: skip
    return {"change": said, "tone": ("up" if apart > 0 else "down") if clear else "same"}


def _part(said: Sequence[str], file: str, answer: str = "") -> dict | None:
    said = [s for s in said if s]
    return {"said": said, "file": f"{file}#answer-{answer}" if answer else file} if said else None


def _warnings(now: Answers, files: Mapping) -> dict | None:
    record = now.get("41", {}).get("warnings")
    if record is None:
        return None
    rows = [r for r in _rows(record) if r["standing"] != "over" and r["estimate"] is not None]
    lines = []
    for row in rows[:MOST]:
        name = page.quoted(page.label(str(row["term"])))
        if row["group"]:
            name = page.say("{item} ({group})", item=name, group=page.label(str(row["group"])))
        write = page.percent if row["measure"] in ("share", "csat") else page.number
        lines.append(page.say(
            "{name} {size} ({low} to {high}), since {since}", name=name,
            size=write(row["estimate"]), low=write(row["low"]), high=write(row["high"]),
            since=page.label(str(row["first_seen"])),
        ))  # fmt: skip
    counts = {k: page.count(sum(r["standing"] == k for r in rows)) for k in ("new", "known")}
    first = page.say("Out of line now: new {new}, known {known}.", **counts)
    return _part([first, *lines], files["41"], "warnings")


def _levers(now: Answers, files: Mapping) -> dict | None:
    for number, name in (("21", "gains"), ("21", "first"), ("41", "levers")):
        rows = _rows(now.get(number, {}).get(name))
        rows = [r for r in rows if r["estimate"] is not None and r["low"] is not None]
        if rows:
            rows.sort(key=lambda r: -r["estimate"])
            return _part([_lever(row) for row in rows[:MOST]], files[number], name)
    return None


def _lever(row: Row) -> str:
    facts = {
        "term": page.opening(page.label(str(row["term"]))),
        "size": page.number(row["estimate"], 2),
        "span": page.span(row["low"], row["high"], 2),
    }
    return page.say("{term}: one point more goes with {size} ({span})", **facts)


def _pains(now: Answers, files: Mapping) -> dict | None:
    record = now.get("22", {}).get("pain_points")
    rows = [r for r in _rows(record) if r["estimate"] is not None]
    said = [
        page.say("{touchpoint}: {problem} (among the first in {chance} of the draws)",
                 touchpoint=page.label(str(r["touchpoint"])), problem=page.label(str(r["term"])),
                 chance=page.percent(r["chance_top"]))
        for r in rows[:MOST] if r.get("chance_top") is not None
    ]  # fmt: skip
    return _part(said, files["22"], "pain_points") if said else None


def _actions(now: Answers, files: Mapping) -> dict | None:
    kept = now.get("41", {})
    said = [kept[n]["answer"] for n in ("ledger", "net_gain", "closed") if n in kept]
    return _part(said, files["41"], "ledger") if said else None
