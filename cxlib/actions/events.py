"""Alerts that began and ended together, and how far other things moved meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.actions.series import MISSED, MOVED, NORMAL, OPENED, Answers

ENDS = ["estimate", "low", "high", "n"]

CHANGE = re.compile("^(.*?[:：] ?)(.*) → (.*)$")  # feature, start and end (`churn.features`)


@dataclass(frozen=True)
class Event:
    """Alerts of one kind that began and ended together; the clearest first.

    `end` is the last wave in which they held, empty while they do.
    """

    kind: str
    first: dict[str, Any]
    also: list[dict[str, Any]]
    start: str
    end: str


def events(alerts: pd.DataFrame) -> list[Event]:
    """The rows of `alerts.table` as events, in its order; topics and such each for itself."""
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row, key in zip(alerts.to_dict("records"), keys(alerts), strict=True):
        together.setdefault(key, []).append(row)
    return [
        Event(kind, rows[0], rows[1:], start, end)
        for (kind, start, end, _own, _down), rows in together.items()
    ]


def keys(alerts: pd.DataFrame) -> list[tuple[Any, ...]]:
    """What alerts of one event share: kind, first and last wave, direction; of others their place.

    The last wave is empty while an alert holds, and "?" where it is over and that is not known.
    """
    found = []
    for place, row in enumerate(alerts.to_dict("records")):
        end = str(row.get("wave", "?")) if row["standing"] == "over" else ""
        start = str(row["first_seen"] or row["wave"])
        own = "" if row["kind"] in (MOVED, MISSED) else place
        found.append((row["kind"], start, end, own, row.get("estimate", -1.0) < 0))
    return found


@dataclass(frozen=True)
class Movements:
    """How far things of one kind moved, with the standard error of each; n while it held."""

    names: list[str]
    size: np.ndarray
    error: np.ndarray
    n: np.ndarray
    unit: str = ""

    @classmethod
    def of(cls, rows: pd.DataFrame, unit: str = "") -> Movements | None:
        """From a table of term, estimate, low, high, n; None where it is empty."""
        if rows.empty:
            return None
        rows = rows[rows[ENDS].notna().all(axis=1) & (rows["high"] > rows["low"])]
        size, low, high, n = (rows[c].to_numpy(float) for c in ENDS)
        return cls(list(rows["term"].astype(str)), size, (high - low) / (2 * NORMAL), n, unit)

    def upwards(self) -> Movements:
        """The same with every change told in the direction that is a rise.

        What "Plan: Basic → Premium" lowers, "Plan: Premium → Basic" raises; a name without a
        direction keeps its sign.
        """
        turned = [CHANGE.sub(r"\1\3 → \2", name) for name in self.names]
        falls = (self.size < 0) & np.array([bool(CHANGE.match(name)) for name in self.names], bool)
        names = [
            t if fall else name for name, t, fall in zip(self.names, turned, falls, strict=True)
        ]
        return Movements(
            names, np.where(falls, -self.size, self.size), self.error, self.n, self.unit
        )


def since(table: pd.DataFrame, names: str, event: Event, unit: str) -> Movements | None:
    """How far each of `names` lies in the waves of the event from the waves before it.

    From all others, where none came before; None where the table knows no such wave.
    """
    wave = table["wave"].astype(str)
    if event.start not in set(wave):
        return None
    known = table[ENDS].notna().all(axis=1) & (table["high"] > table["low"])
    during = (wave >= event.start) & (wave <= event.end if event.end else True)
    before = wave < event.start if (wave < event.start).any() else ~during
    after, then = (_middle(table[known & side], names) for side in (during, before))
    both = after.join(then.add_suffix("_before"), how="inner")
    if both.empty:
        return None
    size, error = both["estimate"] - both["estimate_before"], both["square"] + both["square_before"]
    return Movements(
        list(both.index.astype(str)),
        size.to_numpy(float),
        np.sqrt(error.to_numpy(float)),
        both["n"].to_numpy(float),
        unit,
    )


def _middle(rows: pd.DataFrame, names: str) -> pd.DataFrame:
    """The middle of each name's waves, its squared error, and n over all of them.

    The median, so that what happened in one wave of many is left to the alert of that wave.
    """
    square = ((rows["high"] - rows["low"]) / (2 * NORMAL)) ** 2
    parts = rows.assign(square=square).groupby(names, sort=False)
    waves = parts.size()
    inflation = np.where(waves > 2, np.pi / 2, 1.0)  # a median errs more than a mean
    return pd.DataFrame(
        {
            "estimate": parts["estimate"].median(),
            "square": inflation * parts["square"].mean() / waves,
            "n": parts["n"].sum(),
        }
    )


def alerted(
    moved: Movements, event: Event, terms: Mapping[str, str] | None = None, groups_of: str = ""
) -> Movements:
    """The same, with the numbers of the event's own alerts where there are such.

    What has an alert has one size and one interval on the page: those of the alert.

    Parameters
    ----------
    moved : how far questions moved, of everybody; or groups of one
    event : with its alerts
    terms : name in `moved` -> question, where it is called otherwise
    groups_of : the question, where `moved` is of its groups
    """
    every = (event.first, *event.also)
    if groups_of:
        own = {a["group"]: a for a in every if a["group"] and a["term"] == groups_of}
    else:
        group = str(event.first["group"] or "")
        own = {a["term"]: a for a in every if str(a["group"] or "") == group}
    size, error, n = moved.size.copy(), moved.error.copy(), moved.n.copy()
    for place, name in enumerate(moved.names):
        alert = own.get((terms or {}).get(name, name))
        if alert is not None and alert["high"] > alert["low"]:
            size[place], n[place] = alert["estimate"], alert["n"]
            error[place] = (alert["high"] - alert["low"]) / (2 * NORMAL)
    return replace(moved, size=size, error=error, n=n)


def contributed(answers: Answers, event: Event, outcome: str) -> tuple[Movements | None, bool]:
    """How far each driver's question moved, and whether that is in points of the outcome.

    It is where the alert is of the outcome, or of the question itself: times what a point of it is
    associated with in the outcome, from 21.
    """
    gains, questions = _gains(answers), question_scores(answers, event)
    if gains.empty or questions is None:
        return None, False
    term = str(event.first["term"])
    wanted = [term] if term in gains.index else list(gains.index)
    rows = questions[questions["term"].isin(wanted)]
    moved = since(rows, "term", event, "scale") if len(rows) else None
    if moved is None or (term != outcome and term not in gains.index):
        return moved and alerted(moved, event), False
    own = gains.loc[moved.names]
    gain = own["estimate"].to_numpy(float)
    unsure = ((own["high"] - own["low"]) / (2 * NORMAL)).to_numpy(float)
    error = np.sqrt((gain * moved.error) ** 2 + (moved.size * unsure) ** 2)
    return Movements(moved.names, gain * moved.size, error, moved.n, "scale"), True


def question_scores(answers: Answers, event: Event) -> pd.DataFrame | None:
    """Scores of the questions by wave, of the group of the alert; None where 12 has none."""
    by, group = (str(event.first[k] or "") for k in ("by", "group"))
    fit = answers.get("12", {}).get(OPENED if group else "questions")
    if fit is None or not group:
        return None if fit is None else fit.table
    return fit.table[fit.table[by].astype(str) == group] if by in fit.table else None


def _gains(answers: Answers) -> pd.DataFrame:
    """What a point of each driver is associated with in the outcome, from 21."""
    for name in ("gains", "first"):
        if name in answers.get("21", {}):
            table = answers["21"][name].table
            return table[table["estimate"].notna()].set_index("term")
    return pd.DataFrame()


def away_from_others(rows: pd.DataFrame) -> Movements | None:
    """Each row's share minus the mean of all rows, weighted by n; names from the first column."""
    if rows.empty or (rows := rows[rows[ENDS].notna().all(axis=1)]).empty:
        return None
    usual = np.average(rows["estimate"], weights=rows["n"])
    apart = rows.assign(term=rows[rows.columns[0]].astype(str), estimate=rows["estimate"] - usual)
    return Movements.of(apart, "share")
