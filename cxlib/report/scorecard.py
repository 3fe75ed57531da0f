"""The scorecard of a run: what an executive reads in a minute, from the answers of its pages.

    card = scorecard.of(run, answers, before)      # `before`: (run, answers) of the run before
    card["measures"], card["alerts"], card["opportunities"], card["pains"], card["actions"]

Nothing is computed but differences to the run before; a part whose page the run has not, or whose
numbers are hidden, is left out. A change is more than noise where the two intervals do not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data import study

MOST = 3  # alerts, opportunities and pain points shown
STAGES = 5  # of maturity
WORDS = (
    "Satisfaction index",
    "CSAT",
    "Customer effort score",
    "At high risk of leaving",
    "First-response SLA met",
    "Resolution SLA met",
    "Repeat purchase",
    "Retention",
    "Maturity stage",
)

Row = Mapping[str, Any]
Answers = Mapping[str, Mapping[str, dict]]  # notebook's number: its answers


@dataclass(frozen=True)
class Measure:
    """Where a measure of the scorecard is kept: notebook, answer, and which row of it.

    `kind` is what its numbers are, where the answer's unit does not say it; `about` what a reader
    reads of the row and the page's parameters besides.
    """

    name: str
    notebook: str
    answer: str
    row: Callable[[list[Row], str], Row | None] = lambda rows, _: rows[0]
    table: str = ""  # a further table of the answer
    kind: str = ""
    about: Callable[[Row, Mapping], str] = lambda row, parameters: ""


def _target(rows: list[Row], name: str) -> Row | None:
    model = study.read(name).model if name in study.names() else None
    return _named(rows, model.target if model else "satisfaction")


def _named(rows: list[Row], term: str) -> Row | None:
    return next((row for row in rows if row["term"] == term), None)


def _year(rows: list[Row], _unused: str) -> Row | None:
    """Who came back after the first purchase, by a year, or as late as is known."""
    first = [r for r in rows if r.get("purchase") == rows[0].get("purchase")]
    shown = [r for r in first if r["estimate"] is not None]
    return next((r for r in shown if "365" in str(r["term"])), shown[-1] if shown else None)


def _longest(rows: list[Row], _unused: str) -> Row | None:
    """Who is there still after the most renewals that are known."""
    first = [r for r in rows if r.get("model") == rows[0].get("model")]
    return next((r for r in reversed(first) if r["estimate"] is not None), None)


def _top(_unused: Row, parameters: Mapping) -> str:
    """What counts as satisfied."""
    top = parameters.get("TOP")
    return _("of the {top:count} best marks", top=top) if top is not None else ""


MEASURES = (
    Measure("Satisfaction index", "11", "index", _target),
    Measure("NPS", "10", "nps"),
    Measure("CSAT", "10", "csat", about=_top),
    Measure("Customer effort score", "10", "effort"),
    Measure("First-response SLA met", "24", "standards", lambda r, _: _named(r, "first reply")),
    Measure("Resolution SLA met", "24", "standards", lambda r, _: _named(r, "solution")),
    Measure(
        "At high risk of leaving",
        "32",
        "churn",
        lambda r, _: _named(r, "high"),
        "risk",
        kind="people",
    ),
    Measure(
        "Retention",
        "31",
        "retention",
        _longest,
        about=lambda r, _unused: _("after {periods} renewals", periods=r["renewals"]),
    ),
    Measure(
        "Repeat purchase", "33", "repeat", _year, about=lambda r, _: i18n.label(str(r["term"]))
    ),
    Measure("Maturity stage", "42", "maturity", table="overall", kind="stage"),
)


def of(
    run: Mapping, answers: Answers, before: tuple[Mapping, Answers] | None = None
) -> dict[str, object]:
    """The parts of the scorecard in the page's language; an empty one where nothing is known.

    `run` is as run.json has it, with its pages in one language; `answers` as answers.json.
    """
    now, pages, name = _by_notebook(run, answers), _pages(run), run["study"]
    files = {number: f"{p['page']}.html" for number, p in pages.items()}
    then, unread = _earlier(before, name)
    measures = [m for asked in MEASURES if (m := _measure(asked, now, then, pages, name))]
    return {
        "measures": measures,
        "since": str(before[0]["run"]) if before and not unread else "",
        "unread": unread,
        "alerts": _alerts(now, files),
        "opportunities": _opportunities(now, files, run),
        "pains": _pains(now, files),
        "actions": _actions(now, files),
    }


def _earlier(before: tuple[Mapping, Answers] | None, name: str) -> tuple[Answers, str]:
    """Answers of the run before; none, and which run that is, where they have another form."""
    if not before:
        return {}, ""
    try:
        then = _by_notebook(*before)
        for asked in MEASURES:
            _row_of(asked, then, name)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return {}, str(before[0].get("run", ""))
    return then, ""


def _pages(run: Mapping) -> dict[str, dict]:
    """The run's page of each notebook, by number: of all rows, in its language."""
    mine = [p for p in run["pages"] if not p["set"] and p["status"] == "ok"]
    return {p["notebook"].split("_")[0]: p for p in reversed(mine)}


def _by_notebook(run: Mapping, answers: Answers) -> dict[str, Mapping[str, dict]]:
    return {number: answers.get(p["page"], {}) for number, p in _pages(run).items()}


def _rows(record: dict | None, table: str = "") -> list[Row]:
    if record is None:
        return []
    kept = record["tables"].get(table) if table else record["table"]
    return [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]] if kept else []


def _row_of(asked: Measure, now: Answers, name: str) -> tuple[dict, str] | None:
    """The measure's row and its unit; None where it is unknown."""
    record = now.get(asked.notebook, {}).get(asked.answer)
    rows = _rows(record, asked.table)
    row = asked.row(rows, name) if rows else None
    if record is None or row is None or row.get("estimate") is None:
        return None
    return dict(row), record["unit"]


def _measure(asked: Measure, now: Answers, then: Answers, pages: Mapping, name: str) -> dict | None:
    found = _row_of(asked, now, name)
    if found is None:
        return None
    (row, unit), made = found, pages[asked.notebook]
    write = _writer(asked.kind or unit, row["estimate"])
    earlier = _row_of(asked, then, name)
    about = {
        "name": _(asked.name) if asked.name != "NPS" else "NPS",
        "value": write(row["estimate"]),
        "span": "",
        "file": f"{made['page']}.html",
        "n": i18n.count(row["n"]) if isinstance(row.get("n"), (int, float)) else "",
        "change": "",
        "tone": "",
        "more": asked.about(row, made.get("parameters", {})),
    }
    if row.get("low") is not None and row.get("high") is not None:
        about["span"] = _("{low} to {high}", low=write(row["low"]), high=write(row["high"]))
    if asked.kind == "people":  # how many they are, and how many of them leave
        leave = _("{share} of them leave", share=about["value"])
        about |= {"value": i18n.count(row["n"]), "n": "", "more": leave}
    elif asked.kind == "stage":
        about["value"] = _("{stage} of {stages}", stage=about["value"], stages=STAGES)
    if about["more"] and about["span"]:
        about |= {"more": f"{about['more']} ({about['span']})", "span": ""}
    return about | (_change(row, earlier[0], write) if earlier else {})


def _writer(kind: str, estimate: float) -> Callable[[float], str]:
    """How numbers of a kind are written: few shares with a decimal, points with one, others two."""
    if kind in ("share", "people"):
        return lambda v: i18n.percent(v, 1 if abs(estimate) < 0.1 else 0)
    digits = {"stage": 0, "points": 1}.get(kind, 2)
    return lambda v: i18n.number(v, digits)


def _change(row: Row, before: Row, write: Callable[[float], str]) -> dict[str, str]:
    """How far it moved since the run before, and whether that is more than noise."""
    apart = row["estimate"] - before["estimate"]
    if abs(apart) < 1e-9:
        return {"change": _("as before"), "tone": "same"}
    size = write(apart).removesuffix("%")  # of a share: percentage points
    size = f"+{size}" if apart > 0 else size
    ends = [e for r in (row, before) for side in ("low", "high") if (e := r.get(side)) is not None]
    if len(ends) < 4:
        return {"change": size, "tone": "same"}
    clear = ends[0] > ends[3] or ends[2] > ends[1]
    said = _("{size}, more than noise" if clear else "{size}, may be noise", size=size)
    return {"change": said, "tone": ("up" if apart > 0 else "down") if clear else "same"}


def _part(said: Sequence[str], file: str, answer: str = "") -> dict | None:
    said = [s for s in said if s]
    return {"said": said, "file": f"{file}#answer-{answer}" if answer else file} if said else None


def _alerts(now: Answers, files: Mapping) -> dict | None:
    record = now.get("41", {}).get("warnings")
    if record is None:
        return None
    rows = [r for r in _rows(record) if r["standing"] != "over" and r["estimate"] is not None]
    counts = {k: i18n.count(sum(r["standing"] == k for r in rows)) for k in ("new", "known")}
    first = _("Alerts now: new {new}, known {known}.", **counts)
    return _part([first, *map(_alert, rows[:MOST])], files["41"], "warnings")


def _alert(row: Row) -> str:
    from cxlib.actions.alerts import name_of, size_of

    ends = (size_of({**row, "estimate": row[side]}) for side in ("low", "high"))
    low, high = (end.removesuffix("%") for end in ends)  # of a share: percentage points
    since = i18n.label(str(row["first_seen"]))
    return _(
        "{name} ({low} to {high}), since {since}" if since else "{name} ({low} to {high})",
        name=i18n.opening(name_of(row)),
        low=low,
        high=high,
        since=since,
    )


def _outcome(run: Mapping, number: str) -> str:
    """What the drivers of a notebook explain: the page's parameter, or the study's own outcome."""
    named = _pages(run)[number].get("parameters", {}).get("OUTCOME")
    known = run["study"] in study.names()
    own = study.read(run["study"]).default_outcome if known else ""
    return i18n.quoted(i18n.label(named or own)) if named or own else _("the outcome")


def _opportunities(now: Answers, files: Mapping, run: Mapping) -> dict | None:
    for number, name in (("21", "gains"), ("21", "first"), ("41", "opportunities")):
        rows = [
            r for r in _rows(now.get(number, {}).get(name)) if r.get("unit", "scale") == "scale"
        ]
        rows = [r for r in rows if r["estimate"] is not None and r["low"] is not None]
        if rows:
            rows.sort(key=lambda r: -r["estimate"])
            head = _(
                "One rating point more is associated with so many points more of {outcome}:",
                outcome=_outcome(run, number),
            )
            said = [
                _(
                    "{term:opening}: {size:number2} ({span:interval2})",
                    term=r["term"],
                    size=r["estimate"],
                    span=(r["low"], r["high"]),
                )
                for r in rows[:MOST]
            ]
            return _part([head, *said], files[number], name)
    return None


def _pains(now: Answers, files: Mapping) -> dict | None:
    rows = [r for r in _rows(now.get("22", {}).get("pain_points")) if r["estimate"] is not None]
    said = [_pain(row) for row in rows[:MOST]]
    return _part(said, files["22"], "pain_points") if said else None


def _pain(row: Row) -> str:
    facts = {"touchpoint": row["touchpoint"], "problem": row["term"]}
    if row.get("severity") is None or row.get("impact_low") is None:
        return _("{touchpoint:label}: {problem:label}", **facts)
    return _(
        "{touchpoint:label}: {problem:label}; {share:share1} of its customers, associated with "
        "{size:number2} points less ({span:interval2})",
        share=row["severity"],
        size=row["impact"],
        span=(row["impact_low"], row["impact_high"]),
        **facts,
    )


def _actions(now: Answers, files: Mapping) -> dict | None:
    kept = now.get("41", {})
    said = [kept[n]["answer"] for n in ("ledger", "net_gain", "closed") if n in kept]
    return _part(said, files["41"], "ledger") if said else None
