"""Each warning opened into what went with it: which group, driver, touchpoint, topic, process.

    found = causes(others, alarms, ratings={"delivery": "delivery"})
    found.table      # warning, wave, depth, link, term, estimate, ..., verdict, answers_needed
    found.trees      # the same in words, a tree an event

The links are read from what other notebooks kept of the same waves; none of them is a proof. What
is compared are the waves in which the warning held with those before it. Where an interval holds
zero the data cannot tell, and `answers_needed` is the smallest n with which a difference of the
size seen would show in four cases of five.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cxlib.actions.alarms import Alarms, name_of
from cxlib.actions.links import NOT_ASKED, NUMBERS, SAY, TOLD, Say, clear, quantile, without
from cxlib.actions.moves import Event, Moved, away_from_others, contributed, events, since
from cxlib.actions.series import AT_RISK, MISSED, MOVED, NORMAL, OPENED, TOPIC, Found
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates

WORDS = (
    *("goes with it", "cannot tell", "not asked", "topic", "process", "causes", "link"),
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
STANDARDS = {"reply in time": "first reply", "solved in time": "solution"}  # as 24 calls them


@dataclass(frozen=True)
class Tree:
    """An event in words: its warnings, and a line a link: depth (from 0), whether told, text."""

    head: str
    lines: tuple[tuple[int, bool, str], ...]


@dataclass(frozen=True)
class Causes(Estimates):
    """What went with each event: `trees` in words; `table` a row a link."""

    trees: tuple[Tree, ...] = ()


def causes(
    found: Found,
    alarms: Alarms,
    *,
    ratings: Mapping[str, str] | None = None,
    most: int = 5,
) -> Causes:
    """The trees of the first `most` events: warnings of one kind that began and ended together.

    table: COLUMNS. Of each link those that went with it beyond chance, else the one that moved most
    in the warning's direction, over the waves in which it held less those before: group (of the
    same score, from 12), driver (how far its question moved; for the outcome times what a point of
    it goes with, from 12 and 21), touchpoint (the contact which that question rates, `ratings`:
    touchpoint -> question), topic (share of comments, from 23), process (complaints about the
    touchpoint for a thousand contacts, less those about all others, from 24). A missed standard is
    opened into groups and teams (24), a topic into what goes with it in the score (23), customers
    at risk into the signs of leaving (32). All candidates of a link are compared at once
    (Bonferroni). verdict "goes with it", "cannot tell" (answers_needed says which n could) or
    "not asked" (no notebook kept it).
    """
    rated = {item: touchpoint for touchpoint, item in (ratings or {}).items()}
    rows, trees = [], []
    for event in events(alarms.table)[:most]:
        links = list(_OPEN_BY.get(event.kind, _unopened)(found, event, rated))
        about = {"warning": name_of(event.first), "wave": event.start}
        rows += [about | {c: link[c] for c in COLUMNS[2:]} for link in links]
        trees.append(Tree(_head(event), _lines(links)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    note = _(
        "What moved while the warning held, beside the waves before; it goes with it and is no "
        "proof. How many answers it would take: to see a move of the size seen in four cases of "
        "five."
    )
    if table.empty:
        return Causes(table, _("Nothing is warned of, so there is nothing to open."), note)
    return Causes(table, _answer(table, trees), note, trees=tuple(trees))


# What each kind of warning is opened into


def _of_moved(found: Found, event: Event, rated: dict) -> Iterator[dict]:
    down = event.first["estimate"] < 0
    yield from _groups(found, event)
    outcome = _outcome(found)
    drivers, gained = contributed(found, event, outcome)
    said = partial(SAY["driver"], of=i18n.quoted(i18n.label(outcome))) if gained else SAY["along"]
    told = list(clear("driver", drivers, down, said))
    for driver in told:
        yield driver
        if driver["verdict"] == TOLD:
            yield from _contact(found, event, driver, rated)
    if told[0]["verdict"] != TOLD:
        yield from (without(link, told[0]["verdict"], 1) for link in ("touchpoint", "process"))
    yield from clear("topic", _topics(found, event), not down, SAY["topic"])


def _of_standard(found: Found, event: Event, rated: dict) -> Iterator[dict]:
    kept, term = found.get("24", {}), STANDARDS.get(event.first["term"], "")
    groups = kept["groups"].table if "groups" in kept else pd.DataFrame({"term": []})
    yield from clear("group", away_from_others(groups[groups["term"] == term]), True, SAY["beside"])
    teams = kept["owners"].table if "owners" in kept and term == "solution" else pd.DataFrame()
    yield from clear("team", away_from_others(teams), True, SAY["team"])


def _of_topic(found: Found, event: Event, rated: dict) -> Iterator[dict]:
    kept = found.get("23", {})
    rows = kept["impact"].table if "impact" in kept else pd.DataFrame({"term": []})
    yield from clear(
        "driver", Moved.of(rows[rows["term"] == event.first["term"]]), True, SAY["score"]
    )


def _of_risk(found: Found, event: Event, rated: dict) -> Iterator[dict]:
    kept = found.get("32", {})
    rows = kept["signs"].table if "signs" in kept else pd.DataFrame()
    moved = Moved.of(rows, "share")
    yield from clear("driver", moved and moved.upwards(), False, SAY["sign"])


def _unopened(found: Found, event: Event, rated: dict) -> Iterator[dict]:
    yield without("driver", NOT_ASKED)


_OPEN_BY = {MOVED: _of_moved, MISSED: _of_standard, TOPIC: _of_topic, AT_RISK: _of_risk}


# Links


def _outcome(found: Found) -> str:
    """The score that 12 is about."""
    trend = found.get("12", {}).get("trend")
    return "" if trend is None else str(trend.table["term"].iloc[0])


def _groups(found: Found, event: Event) -> Iterator[dict]:
    """The groups of the first score of the event that 12 tells groups of; none of a warning that
    is of one group.
    """
    if event.first["group"]:
        return
    down = event.first["estimate"] < 0
    for warning in (event.first, *event.also):
        for name in ("groups", OPENED):
            fit = found.get("12", {}).get(name)
            rows = fit.table[fit.table["term"] == warning["term"]] if fit else pd.DataFrame()
            if rows.empty or warning["group"]:
                continue
            by, of = rows.columns[0], i18n.quoted(i18n.label(str(warning["term"])))
            said = SAY["group"] if warning is event.first else partial(SAY["group_of"], of=of)
            yield from clear("group", since(rows, by, event, fit.unit), down, said)
            return
    yield without("group", NOT_ASKED)


def _topics(found: Found, event: Event) -> Moved | None:
    """How far the share of comments on each topic moved."""
    for fit in found.get("23", {}).values():
        for table in (fit.table, *getattr(fit, "tables", {}).values()):
            if {"wave", "term", "estimate", "low", "high", "n"} <= set(
                table
            ) and fit.unit == "share":
                # The intervals hold all at once; a share may have none below it.
                reach = (table["high"] - table["estimate"]) * NORMAL / quantile(len(table))
                ends = {"low": table["estimate"] - reach, "high": table["estimate"] + reach}
                if moved := since(table.assign(**ends), "term", event, "share"):
                    return moved
    return None


def _contact(found: Found, event: Event, driver: dict, rated: dict) -> Iterator[dict]:
    """The contact that the driver's question rates, and the process behind it."""
    name = rated.get(driver["term"])
    if not name:
        yield from (without(link, NOT_ASKED, 1) for link in ("touchpoint", "process"))
        return
    questions = found["12"]["questions"]
    rows = questions.table[questions.table["term"] == driver["term"]]
    moved = since(rows.assign(term=name), "term", event, "scale")
    yield from (
        link | {"depth": 1}
        for link in clear("touchpoint", moved, driver["estimate"] < 0, SAY["touchpoint"])
    )
    yield _process(found.get("24", {}), name) | {"depth": 2}


def _process(kept: Mapping[str, Estimates], name: str) -> dict:
    """Complaints about the touchpoint, beside those about all others, and who can solve them."""
    rate = kept["complaint_rate"].table if "complaint_rate" in kept else pd.DataFrame()
    rows = rate[rate["estimate"].notna()] if len(rate) else rate
    own = rows[rows["term"] == name] if len(rows) else rows
    if own.empty:
        return without("process", NOT_ASKED)
    rest = rows[rows["term"] != name]
    usual = np.average(rest["estimate"], weights=rest["n"] / rest["estimate"]) if len(rest) else 0.0
    moved = Moved.of(own.assign(**{c: own[c] - usual for c in NUMBERS[:3]}), "rate")
    about = kept["categories"].table if "categories" in kept else pd.DataFrame({"term": []})
    level = [i18n.label(str(v)) for v in about.loc[about["term"] == name].get("level", [])[:1]]
    return next(clear("process", moved, False, _complaints(level[0] if level else "")))


# In words


def _complaints(level: str) -> Say:
    def said(**facts: str) -> str:
        many = _(
            "Process: complaints about {term} for a thousand contacts, over all waves, beside "
            "those about all others: {size} ({span}), n {n}",
            **facts,
        )
        return _("{many}; who can solve them: {level}", many=many, level=level) if (level) else many

    return said


def _head(event: Event) -> str:
    """The event's clearest warning, since when it holds, and what is warned of with it."""
    facts = {"name": name_of(event.first), "start": i18n.label(event.start)}
    if not event.start:
        return facts["name"]
    said = (
        _("{name} in {start}, over since", **facts)
        if event.end
        else _("{name} since {start}", **facts)
    )
    if not event.also:
        return said
    also = i18n.listed(map(name_of, event.also), most=4)
    return _("{said}; with it {also}", said=said, also=also)


def _lines(links: Iterable[dict]) -> tuple[tuple[int, bool, str], ...]:
    lines = [(k["depth"], k["verdict"] == TOLD, k["said"]) for k in links if "said" in k]
    never = list(dict.fromkeys(k["link"] for k in links if k["verdict"] == NOT_ASKED))
    if never:
        names = never
        lines.append((0, False, _("No notebook told of: {names:label_list}.", names=names)))
    return tuple(lines)


def _answer(table: pd.DataFrame, trees: list[Tree]) -> str:
    """The first event with its links in a sentence, and how many events are open to no link."""
    first = next((t for t in trees if any(told for _, told, _ in t.lines)), trees[0])
    told = _("; ").join(text for _, is_told, text in first.lines if is_told)
    if not told:
        return _("What went with {warning} the data cannot tell.", warning=first.head)
    return _("{warning}. {links}.", warning=first.head, links=told)
