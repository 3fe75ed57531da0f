"""Each alert opened into what changed with it: group, driver, touchpoint, topic, process.

    fit = causes(answers, alerts, ratings={"delivery": "delivery"})
    fit.table        # warning, wave, depth, link, term, estimate, ..., verdict, answers_needed
    fit.trees        # the same in words, a tree an event

The links are read from what other notebooks reported of the same waves; none of them is a proof.
The waves in which the alert held are compared with those before it. Where an interval holds zero,
`answers_needed` is the smallest n that would detect a difference of the size seen with a power of
80%.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlib.actions.alerts import clause, name_of, subject
from cxlib.actions.events import (
    Event,
    Movements,
    alerted,
    away_from_others,
    contributed,
    events,
    question_scores,
    since,
)
from cxlib.actions.links import (
    ASSOCIATED,
    NUMBERS,
    SENTENCES,
    UNAVAILABLE,
    Say,
    significant,
    unavailable,
)
from cxlib.actions.series import AT_RISK, MISSED, MOVED, OPENED, TOPIC, Answers
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result

WORDS = (
    *("associated", "unknown", "not available", "topic", "process", "causes", "link"),
    *("warning", "answers needed", "touchpoint", "group", "driver"),
    *("depth", "team"),
)
COLUMNS = [
    "warning",
    "wave",
    "depth",
    "link",
    "term",
    *NUMBERS,
    "unit",
    "verdict",
    "answers_needed",
]
HEADS = (Column("warning", "alert", "text", label=N_("alert")),)
TOLD = 2  # of each link in a sentence
STANDARDS = {
    "first-response SLA": "first response",
    "resolution SLA": "resolution",
}  # as 24 calls them


@dataclass(frozen=True)
class Tree:
    """An event in words: its alerts, and a line a link: depth (from 0), whether found, text."""

    head: str
    lines: tuple[tuple[int, bool, str], ...]


def causes(
    answers: Answers, alerts: Result, *, ratings: Mapping[str, str] | None = None, most: int = 5
) -> Result:
    """Open alerts into what changed with them: groups, drivers, touchpoints, topics, processes.

    An event is alerts of one kind that began and ended together. Of each link those that changed
    significantly with it, else the one that changed most in the alert's direction, over the waves
    in which it held minus those before: group (of the same score, from 12), driver (how far its
    question moved; for the outcome times what a point of it is associated with, from 12 and 21),
    touchpoint (the contact which that question rates), topic (share of comments, from 23), process
    (complaints about the touchpoint for a thousand contacts, minus those about all others, from
    24). A missed standard is opened into groups and teams (24), a topic into its association with
    the score (23), customers at risk into the signs of leaving (32). All candidates of a link are
    compared at once (Bonferroni).

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    alerts : of `alerts`
    ratings : touchpoint -> question that rates it
    most : events that are opened, the first ones

    Returns
    -------
    Result with table, a row a link: warning, wave, depth, link, term, estimate, low, high, n, unit,
    verdict ("associated", "unknown", "not available"), answers_needed (to detect it); and the
    part trees, the same in words for `report.tree`
    """
    rated = {item: touchpoint for touchpoint, item in (ratings or {}).items()}
    rows, trees, opened = [], [], []
    for event in events(alerts.table)[:most]:
        links = list(_OPEN_BY.get(event.kind, _unopened)(answers, event, rated))
        about = {"warning": name_of(event.first), "wave": event.start}
        rows += [about | {c: link[c] for c in COLUMNS[2:]} for link in links]
        trees.append(Tree(_head(event), _lines(links)))
        opened.append((event, links))
    trees = _once(trees)
    table = pd.DataFrame(rows, columns=COLUMNS)
    note = _(
        "What changed while the alert held, compared with the waves before; an association is no "
        "proof. Intervals are pointwise; what is significant is decided over all candidates of a "
        "link at once (Bonferroni). Answers needed: to detect a change of the size seen with a "
        "power of 80%."
    )
    if table.empty:
        finding = Finding(_("There are no alerts to explain."), importance=Importance.METHOD)
        return Result(table, finding, note, columns=HEADS, parts={"trees": ()})
    return Result(table, _finding(opened), note, columns=HEADS, parts={"trees": tuple(trees)})


# What each kind of alert is opened into


def _of_moved(answers: Answers, event: Event, rated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    down = event.first["estimate"] < 0
    yield from _groups(answers, event)
    outcome = _outcome(answers)
    drivers, gained = contributed(answers, event, outcome)
    said = (
        partial(SENTENCES["driver"], of=i18n.quoted(i18n.label(outcome)))
        if gained
        else SENTENCES["along"]
    )
    links = list(significant("driver", drivers, down, said))
    for driver in links:
        yield driver
        if driver["verdict"] == ASSOCIATED:
            yield from _contact(answers, event, driver, rated)
    if links[0]["verdict"] != ASSOCIATED:
        yield from (unavailable(link, links[0]["verdict"], 1) for link in ("touchpoint", "process"))
    yield from significant("topic", _topics(answers, event), not down, SENTENCES["topic"])


def _of_standard(answers: Answers, event: Event, rated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kept, term = answers.get("24", {}), STANDARDS.get(event.first["term"], "")
    groups = kept["groups"].table if "groups" in kept else pd.DataFrame({"term": []})
    yield from significant(
        "group", away_from_others(groups[groups["term"] == term]), True, SENTENCES["compared"]
    )
    teams = kept["owners"].table if "owners" in kept and term == "resolution" else pd.DataFrame()
    yield from significant("team", away_from_others(teams), True, SENTENCES["team"])


def _of_topic(answers: Answers, event: Event, rated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kept = answers.get("23", {})
    rows = kept["impact"].table if "impact" in kept else pd.DataFrame({"term": []})
    yield from significant(
        "driver", Movements.of(rows[rows["term"] == event.first["term"]]), True, SENTENCES["score"]
    )


def _of_risk(answers: Answers, event: Event, rated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kept = answers.get("32", {})
    rows = kept["signs"].table if "signs" in kept else pd.DataFrame()
    moved = Movements.of(rows, "share")
    yield from significant("driver", moved and moved.upwards(), False, SENTENCES["sign"])


def _unopened(answers: Answers, event: Event, rated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield unavailable("driver", UNAVAILABLE)


_OPEN_BY = {MOVED: _of_moved, MISSED: _of_standard, TOPIC: _of_topic, AT_RISK: _of_risk}


# Links


def _outcome(answers: Answers) -> str:
    """The score that 12 is about."""
    trend = answers.get("12", {}).get("trend")
    return "" if trend is None else str(trend.table["term"].iloc[0])


def _groups(answers: Answers, event: Event) -> Iterator[dict[str, Any]]:
    """The groups of the first score of the event that 12 has groups of.

    None of an alert that is of one group.
    """
    if event.first["group"]:
        return
    down = event.first["estimate"] < 0
    for alert in (event.first, *event.also):
        for name in ("groups", OPENED):
            fit = answers.get("12", {}).get(name)
            if fit is None or alert["group"]:
                continue
            rows = fit.table[fit.table["term"] == alert["term"]]
            if rows.empty:
                continue
            by, of = rows.columns[0], i18n.quoted(i18n.label(str(alert["term"])))
            said = (
                SENTENCES["group"]
                if alert is event.first
                else partial(SENTENCES["group_of"], of=of)
            )
            moved = since(rows, by, event, fit.unit)
            moved = moved and alerted(moved, event, groups_of=str(alert["term"]))
            links = significant("group", moved, down, said)
            yield from (link | {"of": alert} for link in links)
            return
    yield unavailable("group", UNAVAILABLE)


def _topics(answers: Answers, event: Event) -> Movements | None:
    """How far the share of comments on each topic moved."""
    for fit in answers.get("23", {}).values():
        for table in fit.tables.values():
            if {"wave", "term", "estimate", "low", "high", "n"} <= set(
                table
            ) and fit.unit == "share":
                # The lower end of a small share lies nearer; the upper one is what is known of it.
                reach = table["high"] - table["estimate"]
                ends = {"low": table["estimate"] - reach, "high": table["estimate"] + reach}
                if moved := since(table.assign(**ends), "term", event, "share"):
                    return moved
    return None


def _contact(
    answers: Answers, event: Event, driver: dict[str, Any], rated: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The contact that the driver's question rates, and the process behind it."""
    name = rated.get(driver["term"])
    if not name:
        yield from (unavailable(link, UNAVAILABLE, 1) for link in ("touchpoint", "process"))
        return
    questions = question_scores(answers, event)
    assert questions is not None  # it has the driver
    rows = questions[questions["term"] == driver["term"]]
    moved = since(rows.assign(term=name), "term", event, "scale")
    moved = moved and alerted(moved, event, {name: driver["term"]})
    yield from (
        link | {"depth": 1}
        for link in significant(
            "touchpoint", moved, driver["estimate"] < 0, SENTENCES["touchpoint"]
        )
    )
    yield _process(answers.get("24", {}), name) | {"depth": 2}


def _process(kept: Mapping[str, Result], name: str) -> dict[str, Any]:
    """Complaints about the touchpoint, compared with all others, and who can solve them."""
    rate = kept["complaint_rate"].table if "complaint_rate" in kept else pd.DataFrame()
    rows = rate[rate["estimate"].notna()] if len(rate) else rate
    own = rows[rows["term"] == name] if len(rows) else rows
    if own.empty:
        return unavailable("process", UNAVAILABLE)
    rest = rows[rows["term"] != name]
    usual = np.average(rest["estimate"], weights=rest["n"] / rest["estimate"]) if len(rest) else 0.0
    moved = Movements.of(own.assign(**{c: own[c] - usual for c in NUMBERS[:3]}), "rate")
    about = kept["categories"].table if "categories" in kept else pd.DataFrame({"term": []})
    level = [i18n.label(str(v)) for v in about.loc[about["term"] == name].get("level", [])[:1]]
    return next(significant("process", moved, False, _complaints(level[0] if level else "")))


# In words


def _complaints(level: str) -> Say:
    def said(**facts: str) -> str:
        # Named only where there are more, so that the number needs no sign.
        many = _(
            "Process: {size} more complaints about {term} per 1,000 contacts than about other "
            "touchpoints ({detail})",
            **{**facts, "size": facts["size"].lstrip("+")},
        )
        return _("{many}; solved by: {level}", many=many, level=level) if level else many

    return said


def _head(event: Event) -> str:
    """The event's clearest alert, since when it holds, and the alerts that came with it."""
    said = i18n.opening(clause(event.first))
    if not event.also:
        return said
    also = i18n.listed(map(name_of, event.also), most=4)
    return _("{said} (also: {also})", said=said, also=also)


def _lines(links: Iterable[dict[str, Any]]) -> tuple[tuple[int, bool, str], ...]:
    links = list(links)
    lines = [(k["depth"], k["verdict"] == ASSOCIATED, k["said"]) for k in links if "said" in k]
    if not lines:
        names = list(dict.fromkeys(k["link"] for k in links))
        lines = [(0, False, _("Not available: {names:label_list}.", names=names))]
    return tuple(lines)


def _once(trees: list[Tree]) -> list[Tree]:
    """Events with one list, in which nothing is significant, have it beneath the last alone."""
    after = [*(tree.lines for tree in trees[1:]), ()]
    return [
        replace(
            tree,
            lines=() if tree.lines == same and not any(f for _d, f, _w in same) else tree.lines,
        )
        for tree, same in zip(trees, after, strict=False)
    ]


def _finding(opened: list[tuple[Event, list[dict[str, Any]]]]) -> Finding:
    """The first event with which something changed significantly, and what that is.

    Events that are over come in only where there is no other.
    """
    current = [(event, links) for event, links in opened if not event.end]
    for event, links in current or opened:
        found = [k for k in links if k["verdict"] == ASSOCIATED]
        if found:
            detail = _(
                "{numbers}; waves from {wave:period} compared with those before",
                numbers=_("; ").join(_number(k) for k in found[:TOLD]),
                wave=event.start,
            )
            importance = Importance.NOTABLE if current else Importance.CONTEXT
            return Finding(_claim(event, found), detail, importance=importance)
    name = subject(opened[0][0].first)
    claim = _("No group, driver or topic is significantly associated with {name}.", name=name)
    return Finding(claim, importance=Importance.CONTEXT)


def _claim(event: Event, found: list[dict[str, Any]]) -> str:
    """What changed with an event, in a sentence."""
    named = {
        link: i18n.conjoined(
            i18n.quoted_alike(i18n.label(str(k["term"])) for k in found if k["link"] == link), TOLD
        )
        for link in dict.fromkeys(k["link"] for k in found)
    }
    of = next((k["of"] for k in found if "of" in k), event.first)  # whose groups they are
    facts = {"name": subject(of), "wave": event.start, **named}
    down = event.kind == MOVED and event.first["estimate"] < 0
    if down and {"group", "topic"} <= set(named) and event.end:
        claim = _(
            "{name} fell significantly in {group}, while comments on {topic} increased.", **facts
        )
    elif down and {"group", "topic"} <= set(named):
        claim = _(
            "Since {wave:period} {name} has been significantly lower in {group}, while comments on "
            "{topic} have increased.",
            **facts,
        )
    elif down and "group" in named and event.end:
        claim = _("{name} fell significantly in {group}.", **facts)
    elif down and "group" in named:
        claim = _("Since {wave:period} {name} has been significantly lower in {group}.", **facts)
    else:
        things = i18n.conjoined(dict.fromkeys(named.values()), TOLD)
        claim = _("{name} is associated with {things}.", name=subject(event.first), things=things)
    return i18n.opening(claim)


def _number(link: dict[str, Any]) -> str:
    """How far one link moved, for a detail."""
    share = 100 if link["unit"] == "share" else 1
    size, low, high = (share * link[c] for c in ("estimate", "low", "high"))
    digits = 2 if share == 1 else 1
    facts = {"term": link["term"], "size": i18n.signed(size, digits)}
    span = i18n.span(low, high, digits)
    if share == 1:
        return _("{term:label} {size} points, 95% CI {span}", span=span, **facts)
    return _("{term:label} {size} percentage points, 95% CI {span}", span=span, **facts)
