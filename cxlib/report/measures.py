"""The cards of the index: each measure now, against the wave before, against its target.

    cards, since = measures.of(run, answers, before)   # `before`: (run, answers) of that before

Nothing is computed but differences to the run before. A measure whose page the run has not, or
whose number is hidden, has no card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cxlib.core import i18n
from cxlib.core.i18n import N_, _
from cxlib.data import study
from cxlib.report import commitments, forecast_book, sparkline
from cxlib.report.findings import Answers

STAGES = 5  # of maturity
WAVES = 12  # at most, in a sparkline
ALPHA = 0.05
STANDINGS = {  # of targets: what a card says of them, and its tone
    "met": (N_("Target {t} met"), "better"),
    "met, not certain": (N_("Target {t} met by the estimate, within the margin of error"), "same"),
    "missed, not certain": (
        N_("Target {t} missed by the estimate, within the margin of error"),
        "same",
    ),
    "missed": (N_("Target {t} missed"), "worse"),
    "not reached yet": (N_("Target {t} not reached yet"), "same"),
}
WORDS = (
    "Satisfaction index",
    "CSAT",
    "Customer effort score (high is easy)",
    "Past customers flagged (backtest)",
    "First-response SLA met",
    "Resolution SLA met",
    "Repeat purchase",
    "Retention",
    "Customer lifetime value",
    "Maturity stage",
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Measure:
    """Where a measure is kept, and how its numbers are written.

    Attributes
    ----------
    name : what readers call it
    notebook, answer : where it is kept
    kind : "nps", "index", "share", "scale", "money", "people" or "stage"
    row : which row of the answer's table; None for the row that its finding is about
    table : a further table of the answer
    about : what a reader reads of the row besides
    """

    name: str
    notebook: str
    answer: str
    kind: str
    row: Callable[[list[Row], str], Row | None] | None = None
    table: str = ""
    about: Callable[[Row], str] = lambda row: ""


@dataclass(frozen=True)
class Reading:
    """What is known of a measure: its row, and what its finding says of it."""

    row: Row
    finding: Mapping[str, Any]
    series: list[tuple[str, float]] = field(default_factory=list)  # of the waves up to this one
    significant: bool | None = None  # the change since the wave before


def _target_construct(rows: list[Row], name: str) -> Row | None:
    model = study.read(name).model if name in study.names() else None
    return _named(rows, model.target if model else "satisfaction")


def _named(rows: list[Row], term: str) -> Row | None:
    return next((row for row in rows if row["term"] == term), None)


def _year(rows: list[Row], _unused: str) -> Row | None:
    """Who came back after the first purchase, by a year, or as late as is known."""
    first = [r for r in rows if r.get("purchase") == rows[0].get("purchase")]
    shown = [r for r in first if r["estimate"] is not None]
    return next((r for r in shown if "365" in str(r["term"])), shown[-1] if shown else None)


def _bought_again(row: Row) -> str:
    """Within what time, and that it is a lower bound where hardly anybody buys again."""
    from cxlib.loyalty.repeat_purchase import RARE

    term = i18n.label(str(row["term"]))
    if row["estimate"] is None or row["estimate"] >= RARE:
        return term
    return _("{term}; a lower bound where the file is a sample of orders", term=term)


def _stayed(row: Row) -> str:
    """After how long the share was retained: the column is named by its unit."""
    unit = next((u for u in ("months", "weeks", "days") if u in row), "")
    return _("after {time:count} {unit:label}", time=row[unit], unit=unit) if unit else ""


def _all_cases(row: Row) -> str:
    """Service standards are of every case, where scores beside them are of the latest wave."""
    if lost := row.get("undecided"):
        return _("all cases with a verdict; {n:count} without one are left out", n=int(lost))
    return _("all cases on file")


MEASURES = (
    Measure("NPS", "10", "nps", "nps"),
    Measure("Satisfaction index", "11", "by_wave", "index"),
    Measure("Satisfaction index", "11", "index", "index", _target_construct),
    Measure("CSAT", "10", "csat", "share"),
    Measure("Customer effort score (high is easy)", "10", "effort", "scale"),
    Measure(
        "First-response SLA met",
        "24",
        "standards",
        "share",
        lambda r, _: _named(r, "first response"),
        about=_all_cases,
    ),
    Measure(
        "Resolution SLA met",
        "24",
        "standards",
        "share",
        lambda r, _: _named(r, "resolution"),
        about=_all_cases,
    ),
    Measure(
        "Past customers flagged (backtest)",
        "32",
        "churn",
        "people",
        lambda r, _: _named(r, "high"),
        "risk",
    ),
    Measure(
        "Retention",
        "31",
        "retention",
        "share",
        about=_stayed,
    ),
    Measure(
        "Repeat purchase",
        "33",
        "repeat",
        "share",
        _year,
        about=_bought_again,
    ),
    Measure("Customer lifetime value", "31", "worth", "money"),
    Measure("Maturity stage", "42", "maturity", "stage", lambda rows, _unused: rows[0], "overall"),
)


def of(
    run: Mapping[str, Any],
    answers: Answers,
    before: tuple[Mapping[str, Any], Answers] | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """The cards in the page's language, and a sentence on how they compare with the run before.

    A card: name, value, change, change_tone ("better", "worse", "same"), target, target_tone, tone
    (of both), detail, owner, revised, as_before, spark, link. What is worse comes first.
    """
    pages = pages_of(run)
    now = {number: answers.get(p["page"], {}) for number, p in pages.items()}
    then, compared = _earlier(before, run["study"])
    cards: dict[str, dict[str, Any]] = {}
    for asked in MEASURES:
        reading = read(asked, now, run["study"])
        if asked.name not in cards and reading:
            earlier = read(asked, then, run["study"])
            link = f"{pages[asked.notebook]['page']}.html#answer-{asked.answer}"
            cards[asked.name] = _card(asked, reading, earlier, compared) | {"link": link}
    ordered = sorted(cards.values(), key=lambda card: card["tone"] != "worse")
    since = _since(before, compared, ordered, bool(then))
    return ordered, i18n.together([since, forecast_book.scored(now, then, compared)])


def pages_of(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The run's page of each notebook, by number: of all rows, in its language."""
    mine = [p for p in run["pages"] if not p["set"] and p["status"] == "ok"]
    return {p["notebook"].split("_")[0]: p for p in reversed(mine)}


def rows_of(record: Mapping[str, Any] | None, table: str = "") -> list[Row]:
    """The rows of an answer's table, or of a further one; none where there is none."""
    if record is None:
        return []
    kept = record["tables"].get(table) if table else record["table"]
    return [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]] if kept else []


def read(
    asked: Measure, answers: Mapping[str, Mapping[str, dict[str, Any]]], name: str
) -> Reading | None:
    """What the answers by notebook say of a measure; None where it is unknown or hidden."""
    record = answers.get(asked.notebook, {}).get(asked.answer)
    rows = rows_of(record, asked.table)
    if record is None or not rows:
        return None
    finding = record.get("finding") or {}
    if asked.row:
        row = asked.row(rows, name)
    else:
        row = next((r for r in rows if _is_of(r, finding)), rows[0])
    if row is None or row.get("estimate") is None:
        return None
    if row["estimate"] != finding.get("value"):  # the finding is about another number
        return Reading(row, {"unit": finding.get("unit", "")})
    return Reading(row, finding, _series(rows, row, finding), _significant(record, finding))


def _is_of(row: Row, finding: Mapping[str, Any]) -> bool:
    """Whether the finding is about the row: the same number of the same wave."""
    at = finding.get("at", {})
    same = all(str(row[key]) == value for key, value in at.items() if key in row)
    return same and row["estimate"] == finding.get("value")


def _series(rows: list[Row], row: Row, finding: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Wave and value of the waves up to that of the row."""
    by = next((key for key in finding.get("at", {}) if key in row), "")
    if not by or finding.get("previous") is None:
        return []
    same = [r for r in rows if r["term"] == row["term"]]
    if same[0] is row:  # the latest wave comes first
        same.reverse()
    until = same[: same.index(row) + 1]
    return [(str(r[by]), r["estimate"]) for r in until if r["estimate"] is not None][-WAVES:]


def _significant(record: Mapping[str, Any], finding: Mapping[str, Any]) -> bool | None:
    """Whether the change since the wave before is: by its own test where the answer has it."""
    if finding.get("change") is None:
        return None
    tested = rows_of(record, "changes")
    if tested and tested[0].get("p") is not None:
        return bool(tested[0]["p"] < ALPHA)
    return finding.get("verdict") in ("better", "worse")


def _earlier(
    before: tuple[Mapping[str, Any], Answers] | None, name: str
) -> tuple[dict[str, Any], str]:
    """Answers of the run before by notebook, and its name; none where they have another form."""
    if not before:
        return {}, ""
    run, answers = before
    try:
        then = {number: answers.get(p["page"], {}) for number, p in pages_of(run).items()}
        for asked in MEASURES:
            read(asked, then, name)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return {}, str(run.get("run", ""))
    return then, str(run["run"])


def _since(before: object, run: str, cards: list[dict[str, Any]], read_: bool) -> str:
    if not before or not cards:
        return ""
    if not read_:
        return _("The run {run} has other tables and cannot be compared.", run=run)
    if not all(card["as_before"] for card in cards):
        return ""
    return _("All these numbers are the same as in the run {run}.", run=run)


def _card(asked: Measure, now: Reading, earlier: Reading | None, run: str) -> dict[str, Any]:
    write = _writer(asked.kind, now)
    estimate = now.row["estimate"]
    target = now.finding.get("target", now.row.get("goal"))
    change, tone = _change(asked, now, earlier, run)
    goal, goal_tone = _target(now, target, write)
    owner = now.finding.get("owner", "")
    card = {
        "name": _called(asked, now),
        "value": write(estimate),
        "change": change,
        "change_tone": tone,
        "target": goal,
        "target_tone": goal_tone,
        "detail": _detail(asked, now),
        "owner": _("Owner: {owner}", owner=owner) if owner else "",
        "tone": next((t for t in ("worse", "better") if t in (tone, goal_tone)), "same"),
        "revised": "",
        "as_before": False,
        "spark": sparkline.svg([v for _wave, v in now.series], target),
    }
    if asked.kind == "people":  # how many they are, and how many of them leave
        card["value"] = i18n.count(now.row["n"])
        leave = _("{x:share} of those flagged left", x=estimate)
        ends = _ends(now.row)
        sure = _("95% CI {ci:share_interval0}", ci=ends) if ends else ""
        card["detail"] = i18n.line(_("; ").join(part for part in (leave, sure) if part))
    elif asked.kind == "stage":
        card["value"] = _("{stage} of {stages}", stage=card["value"], stages=STAGES)
    if earlier is None or earlier.finding.get("at") != now.finding.get("at"):
        return card
    card["as_before"] = not _moved(now, earlier)
    if now.series and _moved(now, earlier):
        card["revised"] = _(
            "{value} in the run {run}", value=write(earlier.row["estimate"]), run=run
        )
    return card


def _called(asked: Measure, now: Reading) -> str:
    """The name of a card; that of money says over which time it is."""
    at = now.finding.get("at", {})
    weeks = at.get("horizon")
    if asked.kind == "money" and weeks:
        over = _("12 months") if weeks == "52" else _("{weeks} weeks", weeks=weeks)
        if at.get("basis") == "sales":
            return _("Sales per customer, next {time}", time=over)
        return _("Margin per customer, next {time}", time=over)
    return _(asked.name) if asked.name != "NPS" else _("NPS")


def _ends(row: Row) -> tuple[float, float] | None:
    """The interval of a row; None where it has none."""
    low, high = row.get("low"), row.get("high")
    return None if low is None or high is None else (low, high)


def _moved(now: Reading, earlier: Reading) -> bool:
    return abs(now.row["estimate"] - earlier.row["estimate"]) >= 1e-9


def _writer(kind: str, now: Reading) -> Callable[[float], str]:
    """How the numbers of a card are written: as the claims of its page write them."""
    if kind == "nps":
        return lambda v: i18n.signed(v, 0)
    if kind in ("share", "people"):
        few = abs(now.row["estimate"]) < 0.1
        return lambda v: i18n.percent(v, 1 if few else 0)
    if kind == "money":
        return lambda v: i18n.money((v, now.finding.get("unit", "")), _cents(now))
    digits = 1 if kind == "scale" else 0
    return lambda v: i18n.number(v, digits)


def _cents(now: Reading) -> int:
    """Decimals of an amount: small ones would be rounded away."""
    return 0 if abs(now.row["estimate"]) >= 20 else 2


def _size(kind: str, change: float) -> str:
    """A change with sign and unit."""
    if kind in ("share", "people"):
        return _("{v} percentage points", v=i18n.signed(100 * change))
    if kind in ("nps", "index"):
        return _("{v:signed1} points", v=change)
    return i18n.signed(change, 2)


def _change(asked: Measure, now: Reading, earlier: Reading | None, run: str) -> tuple[str, str]:
    """How far it moved since the wave before; without waves, since the run before."""
    change = now.finding.get("change")
    if change is not None:
        words = {"size": _size(asked.kind, change), "wave": _wave_before(now)}
        if not now.significant:
            return _("{size} since {wave}, not significant", **words), "same"
        return _("{size} since {wave}, significant", **words), _tone(asked, change)
    if earlier is None or set(now.finding.get("at", {})) - {"horizon", "basis"}:
        return "", "same"
    if not _moved(now, earlier):
        return "", "same"
    change = now.row["estimate"] - earlier.row["estimate"]
    words = {"size": _size(asked.kind, change), "run": run}
    ends, then = _ends(now.row), _ends(earlier.row)
    if ends is None or then is None:
        return _("{size} since the run {run}", **words), "same"
    if ends[0] > then[1] or ends[1] < then[0]:
        return _("{size} since the run {run}, significant", **words), _tone(asked, change)
    return _("{size} since the run {run}; the intervals overlap", **words), "same"


def _tone(asked: Measure, change: float) -> str:
    return "better" if (change > 0) != (asked.kind == "people") else "worse"


def _wave_before(now: Reading) -> str:
    return i18n.label(now.series[-2][0]) if len(now.series) > 1 else _("the wave before")


def _target(now: Reading, target: float | None, write: Callable[[float], str]) -> tuple[str, str]:
    """Whether the target is met, as the page says it; a colour only where that is certain."""
    if target is None:
        return "", "same"
    standing = now.finding.get("target_standing")
    if standing is None:  # a row that its page's finding is not about
        ahead = "met" if now.row["estimate"] >= target else "missed"
        standing = ahead if now.row.get("verdict") == ahead else f"{ahead}, not certain"
    words, tone = STANDINGS[standing]
    said = _(words, t=write(target))
    if now.row.get("other_counts") == "other verdict":  # page 24 says so
        said, tone = _("{first}; depends on how time is counted", first=said), "same"
    if (open_ := commitments.by_nonresponse()) in now.finding.get("detail", ""):
        said = _("{first}; {second}", first=said, second=open_)
    return said, tone


def _detail(asked: Measure, now: Reading) -> str:
    row = now.row
    ends = _ends(row)
    parts = [asked.about(row)]
    if ends is not None and asked.kind != "people":
        parts.append(_("95% CI {span}", span=_span(asked.kind, now, ends)))
    if isinstance(row.get("n"), (int, float)):
        parts.append(_("n = {n:count}", n=row["n"]))
    return i18n.line(_("; ").join(p for p in parts if p))


def _span(kind: str, now: Reading, ends: tuple[float, float]) -> str:
    if kind == "share":
        return i18n.span(*ends, 1 if abs(now.row["estimate"]) < 0.1 else 0, share=True)
    if kind in ("money", "stage"):
        return i18n.span(*ends, _cents(now) if kind == "money" else 0)
    return i18n.span(*ends, 2 if kind == "scale" else 1)
