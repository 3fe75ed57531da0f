"""Every test of "did something change?" that the notebooks report, as one table: a row a test.

    tests_of(report.others("mine"))     # notebook, measure, by, group, term, kind, ..., probability

All tests count, not only those that stood out: without them nobody can say how many alerts chance
alone would give. A series over the waves is one test: its control limits and its change of
level, the smaller probability taken twice (Bonferroni).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import periods
from cxlib.core.i18n import mark
from cxlib.core.result import Result
from cxlib.stats import control_charts

NORMAL = 1.959963984540054
OPENED = "opened"  # what 12 adds of the groups of an alert: examined because of it, no test
HEADLINES = ("trend", "nps_trend")  # what 12 calls the outcome and NPS of everybody
# 12's audit, and its verdict where no alarm lasted
AUDIT, HELD_BACK = "alarm_audit", "awaits confirmation"
FEW_COME_BACK = 0.1  # share of customers who bought again below which nearly all buy once
COLUMNS = ["notebook", "measure", "by", "group", "term", "kind", "wave", "estimate", "low", "high",
           "n", "signal", "probability", "first_seen", "now", "against", "headline"]  # fmt: skip
DOWN, UP = ("below", "falling"), ("above", "rising")
HIGHER_IS_WORSE = ("cases_per_1000",)  # series of notebooks of which a rise is bad
MOVED, MISSED, SINKING, AT_RISK, TOPIC = mark(
    "change", "standard missed", "segments sinking", "customers at risk", "new topic"
)
STEPPED = "change of level"
WORDS = ("change of level", "fewer move up than down", "rose", "standard", "grades")
# What a test of all customers has in common; the rest is said row by row.
PLAIN = {"measure": "share", "by": "", "group": "", "wave": "", "first_seen": "", "now": True}
PLAIN |= {"against": "", "headline": False}

Answers = Mapping[str, Mapping[str, Result]]  # notebook -> name -> what it added to its report


def tests_of(answers: Answers) -> pd.DataFrame:
    """One row a test, with its two-sided p-value if nothing had changed; see COLUMNS.

    `now`: it still stands out in the latest wave, whose numbers are given; else those of the wave
    in which it had fallen most. estimate is how far it moved, with its own 95% interval. first_seen
    is the wave in which it began, of a change of level that of the change; empty where it is not
    known. against is the wave before, where that alone is the baseline. headline: the outcome or
    NPS of everybody. Rows of small cells have no p-value and are left out.
    """
    rows = [
        {"notebook": notebook, **row}
        for notebook, named in answers.items()
        for row in _of_notebook(named)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["headline"] = table["headline"].eq(True)
    table["against"] = table["against"].astype(object).fillna("")
    return table[table["probability"].notna()].reset_index(drop=True)


def _of_notebook(answers: Mapping[str, Result]) -> Iterator[dict[str, Any]]:
    charted: set[str] = set()
    measures = {str(fit.finding.measure) for fit in answers.values()}
    boxes = {m.removeprefix("csat:") for m in measures if re.fullmatch(r"csat:\w+", m)}
    top_box = boxes.pop() if len(boxes) == 1 else None  # a question that pages call CSAT
    for name, fit in answers.items():
        tables = {} if name == OPENED else fit.tables
        if "limits" in tables and {"centre", "z", "probability"} <= set(tables["limits"]):
            charted |= set(tables["limits"]["term"].astype(str))
            first = {"headline": name in HEADLINES}
            for row in _of_series(tables["limits"], tables.get("changes"), fit.unit):
                called = {"measure": "csat"} if row["term"] == top_box else {}
                yield row | first | called | _as_compared(answers, row)
    for fit in answers.values():
        if {"term", "before", "now", "p", "new"} <= set(fit.table):
            charted |= set(fit.table["term"].astype(str))
            yield from _of_emerging(fit.table)
    # An alert with a standing is one of the list itself, which a notebook opened by hand reads too.
    if "warnings" in answers and "standing" not in answers["warnings"].table:
        yield from _of_records(answers, charted)
    if "moves" in answers and "grade" in answers["moves"].table:
        yield from _of_moves(answers["moves"].table)
    if "lifecycle" in answers and "period" in answers["lifecycle"].table:
        yield from _of_lifecycle(answers["lifecycle"].table)


def _of_series(
    limits: pd.DataFrame, changes: pd.DataFrame | None, unit: str
) -> Iterator[dict[str, Any]]:
    """A row for each series of a chart: control limits and change of level together."""
    place = list(limits.columns).index("term")
    over, by = limits.columns[place - 1], limits.columns[0] if place > 1 else ""
    names = [*([by] if by else []), "term"]
    steps = (
        {}
        if changes is None
        else {tuple(row[c] for c in names): row for row in changes.to_dict("records")}
    )
    for key, rows in limits.groupby(names, sort=False):
        judged = rows[rows["probability"].notna() & rows["z"].notna() & rows["n"].notna()]
        if judged.empty:
            continue
        worse = UP if str(rows["term"].iloc[0]) in HIGHER_IS_WORSE else DOWN
        fallen = judged[judged["signal"].isin(worse)]
        last, top = rows.iloc[-1], _least_likely(fallen if len(fallen) else judged)
        now = last.name in judged.index and (
            last["signal"] != "" or last.name == _least_likely(judged).name
        )
        row = {
            "measure": unit,
            "by": by,
            "group": str(key[0]) if by else "",
            "term": str(key[-1]),
            "kind": MOVED,
            "now": now,
            **_of_wave(last if now else top, over),
            "probability": (last if now else top)["probability"],
            "against": _single_baseline(rows, over) if now else "",
        }
        step = steps.get(tuple(key) if isinstance(key, tuple) else (key,), {})
        if (chance := step.get("p")) is not None and chance == chance:
            if chance < row["probability"] and not now and _within_a_year(step["wave"], rows[over]):
                row |= {k: step[k] for k in ("estimate", "low", "high", "wave")}
                row |= {"signal": STEPPED, "first_seen": step["wave"], "now": True}
            elif now:
                row["first_seen"] = control_charts.began(row["first_seen"], row["estimate"], step)
            row["probability"] = min(1.0, 2 * min(chance, row["probability"]))
        yield row


def _within_a_year(wave: object, waves: pd.Series) -> bool:
    """Whether a wave is among the last year of waves: older changes of level are history.

    Of waves without dates nobody knows, and all count.
    """
    names = [str(w) for w in waves]
    dated = periods.following(names, 1) != ["+1"]
    return not dated or str(wave) in names[-(periods.in_a_year(names) or 1) :]


def _least_likely(rows: pd.DataFrame) -> pd.Series:
    return rows.loc[rows["probability"].idxmin()]


def _as_compared(answers: Mapping[str, Result], row: Mapping[str, Any]) -> dict[str, float]:
    """Interval and p of the page's own comparison with the one wave before, where it has one."""
    for fit in answers.values() if row["against"] and not row["by"] else ():
        if {"term", "wave", "against", "low", "high", "p"} <= set(fit.table):
            same = fit.table["term"].eq(row["term"]) & fit.table["wave"].eq(row["wave"])
            found = fit.table[same & fit.table["against"].eq(row["against"])]
            if len(found) == 1 and abs(found["estimate"].iloc[0] - row["estimate"]) < 1e-6:
                low, high, p = found[["low", "high", "p"]].iloc[0]
                return {"low": low, "high": high, "probability": p}
    return {}


def _single_baseline(rows: pd.DataFrame, over: str) -> str:
    """The wave that alone is the baseline of a series of two; else nothing."""
    return str(rows[over].iloc[0]) if len(rows) == 2 else ""


def _of_wave(wave: pd.Series, over: str) -> dict[str, Any]:
    """How far one wave lies from its centre line, with its own interval."""
    size = wave["estimate"] - wave["centre"]
    reach = NORMAL * abs(size / wave["z"]) if wave["z"] else np.nan
    return {
        "wave": str(wave[over]),
        "estimate": size,
        "low": size - reach,
        "high": size + reach,
        "n": int(wave["n"]),
        "signal": wave["signal"],
        "first_seen": wave["first_seen"] or str(wave[over]),
    }


def held_back(answers: Answers) -> set[tuple[str, str, str]]:
    """(by, group, term) of scores none of whose alarms lasted so far, by 12's audit."""
    found: set[tuple[str, str, str]] = set()
    for named in answers.values():
        if AUDIT in named:
            table = named[AUDIT].table
            rows = table[table["verdict"] == HELD_BACK][["by", "group", "term"]]
            found |= set(rows.fillna("").astype(str).itertuples(index=False, name=None))
    return found


def _of_records(answers: Mapping[str, Result], charted: set[str]) -> Iterator[dict[str, Any]]:
    """Records that a notebook gave itself, and as many silent tests as it looked at."""
    records = answers["warnings"].table
    records = records[~records["term"].astype(str).isin(charted)]  # they are in their series
    if records.empty and charted:
        return
    looked = max(
        [
            len(records),
            *(len(fit.table) for fit in answers.values() if {"goal", "verdict"} <= set(fit.table)),
        ]
    )
    for row in records.to_dict("records"):
        yield {
            **{k: row.get(k) for k in COLUMNS if k not in ("notebook", "kind", "now")},
            "kind": row.get("kind") or MISSED,
            "now": True,
        }
    silent = dict.fromkeys(("measure", "by", "group", "signal", "wave"), "")
    for k in range(looked - len(records)):
        yield silent | {"term": f"{k}", "kind": MISSED, "probability": 1.0, "now": False}


def _of_emerging(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Topics and aspects of which more is said than before: all that were looked at.

    What their notebook does not call new raises no alert here either.
    """
    for row in table[table["p"].notna() & table["n"].notna()].to_dict("records"):
        yield PLAIN | {
            "term": str(row["term"]),
            "kind": TOPIC,
            "signal": "rose" if row["estimate"] > 0 else "below",
            "probability": row["p"] if row["new"] else 1.0,
            **{k: row[k] for k in ("estimate", "low", "high", "n")},
        }


def _of_moves(moves: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Do more customers sink to a lower grade than rise? The sign test of those who moved.

    A customer rises by buying again. Where hardly anybody of the middle grades does, customers can
    but sink in time, and first purchases alone rise from the last grade: that is no measure.
    """
    from scipy.special import ndtr

    order = {g: k for k, g in enumerate(dict.fromkeys(moves["grade"]))}
    known = moves[moves["estimate"].notna() & moves["term"].isin(order)]
    step = known["term"].map(order) - known["grade"].map(order)
    count = known["estimate"] * known["n"]
    between = known["grade"].map(order).between(1, len(order) - 2) & (known["n"] > 0)
    if between.any() and (count[between & (step < 0)].sum() < FEW_COME_BACK * count[between].sum()):
        return
    down, up = count[step > 0].sum(), count[step < 0].sum()
    if (movers := down + up) < 1:
        return
    error = np.sqrt(movers)
    z = (down - up) / error
    yield PLAIN | {
        "term": "grades",
        "kind": SINKING,
        "estimate": (up - down) / movers,
        "low": (up - down - NORMAL * error) / movers,
        "high": (up - down + NORMAL * error) / movers,
        "n": int(movers),
        "signal": "fewer move up than down" if z > 0 else "",
        "probability": float(2 * ndtr(-abs(z))),
    }


def _of_lifecycle(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Is the share of customers at risk, or lost, another than in the period before?

    Where nearly all buy once, everybody comes to be lost in time: that is no measure.
    """
    from scipy.special import ndtr

    back = table[table["term"].isin(["retained", "won back"])].groupby("period")["estimate"].sum()
    if len(back) and back.iloc[-1] < FEW_COME_BACK:
        return
    for term in ("at risk", "lost"):
        rows = table[(table["term"] == term) & table["estimate"].notna() & table["low"].notna()]
        if len(rows) < 2:
            continue
        before, last = rows.iloc[-2], rows.iloc[-1]
        change = last["estimate"] - before["estimate"]
        error = np.hypot(*((r["high"] - r["low"]) / (2 * NORMAL) for r in (before, last)))
        yield PLAIN | {
            "term": term,
            "kind": AT_RISK,
            "wave": str(last["period"]),
            "estimate": change,
            "low": change - NORMAL * error,
            "high": change + NORMAL * error,
            "n": int(last["n"]),
            "signal": "rose" if change > 0 else "below",
            "probability": float(2 * ndtr(-abs(change / error))) if error else 1.0,
            "first_seen": str(last["period"]),
        }
