"""The index of a run: what a director reads in a minute, from the findings of its pages.

    card = scorecard.of(run, answers, before)      # `before`: (run, answers) of the run before
    card["summary"], card["measures"], card["alerts"], card["opportunities"], card["actions"]
    scorecard.pages(run, answers)                  # what each page found, page by page

A part whose page the run has not, or whose numbers are hidden, is left out. A page's entry is the
head of the page itself: what a reader finds there is what the index says of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cxlib.core import i18n
from cxlib.core.columns import RATED
from cxlib.core.finding import Importance, by_importance
from cxlib.core.i18n import N_, _
from cxlib.data import study
from cxlib.report import findings, measures
from cxlib.report.findings import Answers, Found
from cxlib.report.measures import Row, pages_of, rows_of
from cxlib.service.clocks import counted_in
from cxlib.service.standards import SLA

MOST_ALERTS, MOST = 5, 3  # alerts; opportunities and actions
LATE = ("overdue", "stalled", "without a date", "due soon", "on its way", "on hold")
NEEDED = ("overdue", "stalled")
DIFFERS = "other verdict"  # of a standard, where time is counted in another way
AVERAGE = "points on average"  # unit of a pain point's loss over all answers
POSITIONS = {  # of drivers, as page 21 names them: what an opportunity is
    "weakness": N_("a weakness: rated below average"),
    "strength": N_("a strength: rated above average already"),
    "rated about average": N_("matters more than average, rated about average"),
}
QUOTED = re.compile(r"^[“\"](.+?)[”\"]")  # a name that stands by itself needs no marks

Answered = Mapping[str, Mapping[str, dict[str, Any]]]  # notebook's number: its answers


def of(
    run: Mapping[str, Any],
    answers: Answers,
    before: tuple[Mapping[str, Any], Answers] | None = None,
) -> dict[str, Any]:
    """The parts of the index in the page's language; an empty one where nothing is known.

    `run` is as run.json has it, with its pages in one language; `answers` as answers.json.
    """
    found = findings.of(run, answers)
    now = {number: answers.get(p["page"], {}) for number, p in pages_of(run).items()}
    files = {number: f"{p['page']}.html" for number, p in pages_of(run).items()}
    cards, since = measures.of(run, answers, before)
    summary = findings.summary(found)
    return {
        "summary": summary,
        "do": _to_do(summary, found),
        "measures": cards,
        "since": since,
        "n": _rows_of_data(now),
        "alerts": _alerts(now, files) or _news(found, summary),
        "opportunities": _opportunities(now, files, run),
        "actions": _actions(now, files),
        "worked": _worked(now, files),
    }


def _to_do(summary: Sequence[Found], every: Sequence[Found]) -> dict[str, str] | None:
    """What to do about the last of the summary that asks for something its claim does not say.

    Of alerts it is what page 41 says, which knows the groups and who owns what; an opportunity
    comes after what asks for an answer, and what improved after what did not.
    """
    alerts = [f for f in every if (f.number, f.answer) == ("41", "warnings")]
    known = [f for f in alerts if f.record.get("action")]
    for found in sorted(reversed(summary), key=_comes_later):
        asks = known[0] if known and found.number == "12" else found
        action = str(asks.record.get("action") or "")
        if action and action not in asks.claim:
            return {"action": action, "link": asks.link}
    return None


def _comes_later(found: Found) -> tuple[bool, bool]:
    opportunity = (found.number, found.answer) == ("41", "opportunities")
    return opportunity, found.record.get("verdict") == "better"


def pages(run: Mapping[str, Any], answers: Answers) -> dict[str, list[dict[str, Any]]]:
    """The pages of the run by set, in the order of the run, in which each leads to the next.

    A page has title, file, status and the claim of its most important finding, which is the head of
    the page, also where the summary above has it: a reader of the list looks for the answer.
    """
    sets: dict[str, list[dict[str, Any]]] = {}
    for page in run["pages"]:
        kept = [r.get("finding") or {} for r in answers.get(page["page"], {}).values()]
        ordered = by_importance(k for k in kept if k.get("claim"))
        claim = ordered[0]["claim"] if ordered else page["answer"]
        sets.setdefault(page["set"], []).append({**page, "claim": claim})
    return sets


def _rows_of_data(now: Answered) -> str:
    """How many answers, or else customers, the study has, as page 00 counts them."""
    kept = now.get("00", {}).get("contents", {}).get("table", {}).get("rows", [])
    rows = {row[0]: row[2] for row in kept if len(row) > 2}  # table, offered, kept
    if n := rows.get(i18n.label("responses")):
        return i18n.ngettext("{n:count} response", "{n:count} responses", n)
    if n := rows.get(i18n.label("customers")):
        return i18n.ngettext("{n:count} customer", "{n:count} customers", n)
    return ""


def _part(items: Sequence[dict[str, Any]], link: str, **more: str) -> dict[str, Any] | None:
    return {"items": list(items), "link": link, **more} if items else None


def _alerts(now: Answered, files: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = [r for r in rows_of(now.get("41", {}).get("warnings")) if r["estimate"] is not None]
    rows = [r for r in rows if r["standing"] != "over"]
    if not rows:
        return None
    link = f"{files['41']}#answer-warnings"
    counts = rows_of(now.get("24", {}).get("standards"))
    doubtful = {
        SLA.get(r["term"]): str(r.get("hours") or "calendar hours")
        for r in counts
        if r.get("other_counts") == DIFFERS
    }
    items = [
        _alert(row, doubtful.get(str(row["term"]), "")) | {"link": link}
        for row in rows[:MOST_ALERTS]
    ]
    rest = len(rows) - len(items)
    more = i18n.ngettext("{n} more alert", "{n} more alerts", rest) if rest > 0 else ""
    said = _("; ").join(part for part in (more, _held_back(now)) if part)
    return _part(items, link, more=said, unowned=_unowned(items))


def _unowned(items: Sequence[Mapping[str, Any]]) -> str:
    """What gives the alerts an owner that have none, said once for all of them."""
    lacking = sum(not item["owner"] for item in items)
    if not lacking:
        return ""
    if lacking == len(items):
        return i18n.ngettext(
            "This alert has no owner yet: enter an action about it in the action ledger, with who "
            "answers for it and by when.",
            "None of these alerts has an owner yet: enter an action about each in the action "
            "ledger, with who answers for it and by when.",
            lacking,
        )
    return i18n.ngettext(
        "{n:count} of these {all:count} alerts has no owner yet: enter an action about it in the "
        "action ledger, with who answers for it and by when.",
        "{n:count} of these {all:count} alerts have no owner yet: enter an action about each in "
        "the action ledger, with who answers for it and by when.",
        lacking,
        all=len(items),
    )


def _held_back(now: Answered) -> str:
    """Scores whose earlier alarms passed: no alerts until a second wave confirms them."""
    from cxlib.actions.alerts import subject

    rows = rows_of(now.get("41", {}).get("warnings"), "held_back")
    names = [QUOTED.sub(r"\1", subject(row)) for row in rows]
    said = _("To be confirmed by a second wave: {names:list}", names=names)
    return said if names else ""


def _alert(row: Row, hours: str = "") -> dict[str, Any]:
    """An alert, with the hours that count where the verdict of its standard depends on them."""
    from cxlib.actions import series
    from cxlib.actions.alerts import distance, subject

    since, how = str(row["first_seen"] or ""), _how(row, distance(row))
    verdict = str(row.get("verdict") or "")
    missed = row.get("kind") == series.MISSED
    began = _("since {since:period}", since=since) if since else ""
    if missed and since:  # the number is of all months
        began = _("below it in each month since {since:period}", since=since)
    if hours and missed:
        how = _("{first}, {second}", first=how, second=counted_in(hours))
    return {
        "what": i18n.opening(QUOTED.sub(r"\1", subject(row))),
        "how": how,
        "since": began,
        "owner": i18n.opening(i18n.label(str(row.get("owner") or ""))),
        "more": _("verdict on its action: {verdict:label}", verdict=verdict) if verdict else "",
        "tone": "same" if hours and missed else "worse",  # of the first nothing is settled
        "new": row["standing"] == "new",
    }


def _how(row: Row, size: str) -> str:
    from cxlib.actions import series

    if row.get("kind") == series.MISSED:
        return _("{size} below target over all months", size=size)
    if row.get("kind") == series.SINKING:  # the difference of both shares; many read only one
        return _("{share:share} of changes were downwards", share=(1 - row["estimate"]) / 2)
    if row.get("kind") in (series.TOPIC, series.AT_RISK):
        return ("+" if row["estimate"] > 0 else "−") + size
    if row.get("against"):
        return _("{size} lower than in {before:period}", size=size, before=row["against"])
    if row.get("signal") == series.STEPPED:
        lower = _("{size} lower on average", size=size)
        return lower if row["estimate"] < 0 else _("{size} higher on average", size=size)
    facts = {"size": size, "wave": row["wave"]}
    if row["estimate"] < 0:
        return _("{size} below its baseline in {wave:period}", **facts)
    return _("{size} above its baseline in {wave:period}", **facts)


def _news(found: Sequence[Found], said: Sequence[Found]) -> dict[str, Any] | None:
    """Without a page of alerts: what became worse, or misses its target."""
    worse = [
        f
        for f in found
        if f.record.get("verdict") == "worse" and not any(findings.same(f, s) for s in said)
    ]
    items = [
        {
            "what": f.claim,
            "how": "",
            "since": f.record.get("detail", ""),
            "owner": f.record.get("owner", ""),
            "tone": "worse",
            "new": True,
            "link": f.link,
        }
        for f in worse
        if f.importance == Importance.NEWS
    ]
    return _part(items[:MOST_ALERTS], items[0]["link"], more="") if items else None


def _outcome(run: Mapping[str, Any], number: str) -> str:
    """What the drivers of a notebook explain: the page's parameter, or the study's own outcome."""
    named = pages_of(run)[number].get("parameters", {}).get("OUTCOME")
    known = run["study"] in study.names()
    own = study.read(run["study"]).default_outcome if known else ""
    return i18n.quoted(i18n.label(named or own)) if named or own else _("the outcome")


def _opportunities(
    now: Answered, files: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The drivers with the largest association, then what has an expected gain in money."""
    for number, name in (("41", "opportunities"), ("21", "gains"), ("21", "first")):
        rows = rows_of(now.get(number, {}).get(name))
        rows = [r for r in rows if r["estimate"] is not None and r["low"] is not None]
        drivers = [r for r in rows if r.get("unit", "scale") == "scale" and r["low"] > 0]
        worth = [r for r in rows if r.get("unit") == "money" and r["estimate"] > 0]
        best = sorted(drivers, key=_lasting_first)[:MOST]
        best += sorted(worth, key=_estimate)[: MOST - len(best)]
        if not best:  # pain points, of studies without drivers or amounts
            pains = [r for r in rows if r.get("unit") == AVERAGE and r["low"] > 0]
            best = sorted(pains, key=_estimate)[:MOST]
        if best:
            outcome = _outcome(run, number)
            about = _("Change in {outcome} associated with one more rating point.", outcome=outcome)
            note = about if drivers else "" if worth else _("On average over all answers.")
            if any(r.get("rests_on") for r in best):
                note = i18n.together([note, _("Last comes what rests on a fall that is over.")])
            link = f"{files[number]}#answer-{name}"
            return _part([_opportunity(r, outcome) for r in best], link, note=note)
    return None


def _worked(now: Answered, files: Mapping[str, Any]) -> dict[str, Any] | None:
    """Changes that improved a rating, whose checks all passed and whose effect still shows."""
    rows = [r for r in rows_of(now.get("40", {}).get("verdicts")) if r["verdict"] == "higher"]
    rows = [r for r in rows if r.get("unit") in RATED and not (r["failed"] or r.get("faded_in"))]
    names = [f"change_{r['change']}" for r in rows]
    told = [(name, now["40"].get(name, {}).get("finding") or {}) for name in names]
    items = [
        {
            "what": f["claim"],
            "since": f.get("detail", ""),
            "more": f.get("action", ""),
            "link": f"{files['40']}#answer-{name}",
        }
        for name, f in told
        if f.get("claim")
    ]
    return _part(items[:MOST], f"{files['40']}#answer-verdicts") if items else None


def _estimate(row: Row) -> float:
    return -row["estimate"]


def _lasting_first(row: Row) -> tuple[bool, float]:
    """The largest first, and last what rests on a wave that is over."""
    return bool(row.get("rests_on")), -row["estimate"]


def _opportunity(row: Row, outcome: str) -> dict[str, str]:
    span = (row["low"], row["high"])
    money = row.get("unit") == "money"
    words = POSITIONS.get(str(row.get("position") or ""))
    about = [_(words)] if words else []
    if row.get("rests_on"):
        about.append(
            _(
                "number {place:count} by explained variance without {wave:label}, whose fall is "
                "over",
                place=row["place"],
                wave=row["rests_on"],
            )
        )
    return {
        "what": i18n.opening(i18n.label(str(row["term"]))),
        "how": _("{v:money} a year", v=row["estimate"])
        if money
        else _("{v:number2} points less {outcome}", v=row["estimate"], outcome=outcome)
        if row.get("unit") == AVERAGE
        else _("{v:signed2} points of {outcome}", v=row["estimate"], outcome=outcome),
        "since": _("95% CI {ci:interval0}", ci=span)
        if money
        else _("95% CI {ci:interval2}", ci=span),
        "more": _("; ").join(about),
    }


def _actions(now: Answered, files: Mapping[str, Any]) -> dict[str, Any] | None:
    """Open actions, the late ones first, and what closed ones brought."""
    kept = now.get("41", {})
    open_ = [r for r in rows_of(kept.get("ledger")) if r.get("standing") in LATE]
    gains = {r.get("action_id"): r for r in rows_of(kept.get("net_gain"))}
    unit = (kept.get("net_gain", {}).get("finding") or {}).get("unit", "")
    open_.sort(key=lambda r: LATE.index(r["standing"]))
    items = [_action(r, gains.get(r.get("action_id")), unit) for r in open_[:MOST]]
    closed = (kept.get("closed", {}).get("finding") or {}).get("claim", "")
    if not items and not closed:
        return None
    note = _("Expected net gains rest on an assumed value of the effects.")
    said = [closed, note if any(item["more"] for item in items) else ""]
    return {"items": items, "link": f"{files['41']}#answer-ledger", "closed": i18n.together(said)}


def _action(row: Row, gain: Row | None, unit: str) -> dict[str, str]:
    due = _("due {day:date}", day=row["due_on"]) if row.get("due_on") not in (None, "", "–") else ""
    brings, how = "", i18n.label(str(row["standing"]))
    verdict = str((gain or {}).get("verdict") or "")
    if gain is not None and gain["estimate"] is not None:
        brings = _("expected net gain {gain} a year", gain=i18n.money((gain["estimate"], unit)))
        if gain.get("rests_on"):
            brings = ""
        elif verdict:
            brings = _("{first}: {second:label}", first=brings, second=verdict)
    if gain is not None and gain.get("rests_on"):  # what it was to solve is over
        how = _("{first}: close it or set a new goal", first=how)
    return {
        "what": i18n.label(str(row["problem"])),
        "how": how,
        "tone": "worse" if row["standing"] in NEEDED else "same",
        "since": due,
        "more": brings,
        "owner": i18n.opening(i18n.label(str(row.get("owner") or ""))),
    }
