"""Tables of answers as HTML: readable heads, numbers to the right, an interval in one column.

    html_tables.of_record(record)        # an answer's table
    html_tables.csv_of(record)           # the same to download
    html_tables.framed(fragment)         # any HTML: tables in boxes that scroll, numbers aligned

The page's small script makes heads buttons that sort; without it the tables are the same.
"""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import A_WEEK, PER_CONTACTS, PER_CUSTOMERS, SIMULTANEOUS, heading
from cxlib.core.i18n import N_, _
from cxlib.report.answers import cells_of
from cxlib.report.customer_lists import spreadsheet_cell

NUMBER = re.compile(r"(&lt;|[−+-])?[\d,. ]*\d%?|–|NaN|")
INTERVAL = ("low", "high")
UNITS = {  # what the estimates of a unit are called
    "share": N_("share"), "gap": N_("difference (percentage points)"), "points": N_("points"),
    "money": N_("amount"),
    "percentage points": N_("percentage points"), "days": N_("days"), "hours": N_("hours"),
    "minutes": N_("minutes"), "ratio": N_("ratio"), "index": N_("index"),
    "scale": N_("rating points"), "count": N_("number"), "purchases": N_("purchases"),
    "percent": N_("per cent"), "amount": N_("amount"), "answers": N_("answers"),
    "times": N_("times as often"), "maturity level": N_("stage"), "periods": N_("periods to come"),
    "priority": N_("priority"),
    PER_CONTACTS: N_("cases per 1,000 contacts"),
    PER_CUSTOMERS: N_("cases per 1,000 customers"), A_WEEK: N_("cases a week"),
}  # fmt: skip
CHANGES = ("mix", "signs", "warnings")  # answers whose shares are differences of shares
LEVELS = (
    "before",
    "now",
    "after",
    "overall",
    "share",
    "predicted",
    "target",
)  # next to differences
MOST = 7  # columns that are shown unasked
# What the rows of an answer are, as readers say it; elsewhere they are measures.
ROWS = {
    "losses": "table", "answered": "column", "weighting": "group",
    "representation": "group", "nps": "question",
    "csat": "question", "effort": "question", "by_group": "question", "by_wave": "question",
    "differences": "question", "questions": "question", "warnings": "question",
    "touchpoints": "question", "index": "construct", "key_drivers": "construct",
    "priorities": "construct", "loadings": "question", "drivers": "driver", "missing": "driver",
    "opportunities": "driver",
    "firmness": "driver", "first": "driver", "gains": "driver", "penalty_and_reward": "driver",
    "necessary_conditions": "driver", "segments": "segment", "rfm": "grade",
    "limits_of_grades": "grade",
    "lead": "horizon", "signs": "sign", "reasons": "sign",
    "pain_points": "problem", "factors": "problem",
    "loops": "touchpoint", "dropoff": "touchpoint", "value_lost": "touchpoint", "rework": "measure",
    "removal": "touchpoint", "transitions": "after", "flows": "after", "change": "after",
    "paths_by_group": "after",
    "stays": "stage", "peak_and_end": "rule", "maturity": "dimension", "next_level": "item",
    "checked": "item", "topics": "topic", "impact": "topic", "sentiment": "topic",
    "shares": "topic", "emerging": "topic", "complaint_rate": "touchpoint", "owners": "owner",
    "owners_satisfaction": "owner", "repeat": "time", "verdicts": "outcome",
    "callbacks": "priority", "callback_reasons": "reason", "resting": "reason",
    "classes": "class", "categories": "category", "retention_by_group": "group",
    "periods_to_come": "periods so far",
}  # fmt: skip


def of_record(record: dict[str, Any]) -> str:
    """The table of a kept answer as HTML text, escaped; small cells hidden.

    Of more than seven columns those that a reader looks for first are shown, the others on request,
    and simultaneous limits always: the verdicts next to them say what they decide.
    """
    raw = pd.DataFrame(record["table"]["rows"], columns=record["table"]["columns"])
    if not len(raw.columns):
        return ""
    shown, known = cells_of(record)
    raw = raw[shown.columns]
    kept = [c for c in raw if not _says_nothing(raw, c)]
    names = {c: heading(known, c) for c in kept}
    unit = record["unit"]
    currency = _currency(record)
    unit = "money" if currency and unit == currency else unit
    if unit == "share" and ("against" in kept or record.get("name") in CHANGES):
        unit = "gap"
    labelled = "estimate" in known and known["estimate"].label
    if "estimate" in kept and unit in UNITS and not labelled:
        names["estimate"] = _(UNITS[unit])
    if currency:  # cells of amounts have no sign
        amounts = {c for c in kept if c in known and known[c].unit == "money"} - {*INTERVAL}
        amounts |= {"estimate"} & {*kept} if unit in ("money", "amount") else set()
        names |= {c: _in_currency(names[c], currency) for c in amounts}
    if "term" in kept and not (known.get("term") and known["term"].label):
        names["term"] = i18n.heading(ROWS.get(record.get("name", ""), "measure"))
    cells = {c: [str(v) for v in shown[c]] for c in kept}
    if unit == "gap":  # the head says what a difference of shares is counted in
        own = [c for c in kept if c in known and known[c].unit == record["unit"]]
        cells |= {c: [v.removesuffix("%") for v in cells[c]] for c in own if c not in LEVELS}
    if set(INTERVAL) <= set(kept):
        ends = zip(cells["low"], cells["high"], strict=True)
        cells["low"] = [i18n.between(*both) for both in ends]
        # On a funnel plot: where a unit lies by chance, not what it may be.
        names["low"] = (
            _("95% control limits")
            if "outer_low" in kept
            else _("95% prediction interval")
            if "forecast" in str(record.get("name", ""))
            else _("95% CI")
        )
        kept.remove("high")
    usual = [c for c in kept if c not in SIMULTANEOUS]  # what decides stands behind what is read
    kept = [*usual, *(c for c in SIMULTANEOUS if c in kept)]
    leading = dict.fromkeys(c for c in ("term", "estimate", "low", "n", *kept) if c in kept)
    first = [c for c in leading if c not in SIMULTANEOUS][:MOST]
    if kept[0] not in first:
        first[-1] = kept[0]
    named = next((c for c in kept if all(cells[c])), None)  # no row is named by an empty cell
    classes = {}
    for c in kept:
        written = all(NUMBER.fullmatch(html.escape(v)) for v in cells[c])
        number = c in ("low", "estimate") or (written and c != named)  # years are names
        classes[c] = " ".join(["num"] * number + ["more"] * (c not in first))
    head = "".join(_cell(opened(names[c]), classes[c], "col") for c in kept)
    body = "".join(
        f"<tr>{''.join(_cell(cells[c][i], classes[c], 'row' * (c == named)) for c in kept)}</tr>"
        for i in range(len(shown))
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if len(first) == len(kept):
        return _framed(table)
    switch = html.escape(_("All {n:count} columns", n=len(kept)))
    return f'<label class="all"><input type="checkbox"> {switch}</label>{_framed(table)}'


def _currency(record: dict[str, Any]) -> str:
    """The currency of an answer's amounts: of its table, its finding, or the study; else ""."""
    units = (record["unit"], (record.get("finding") or {}).get("unit") or "")
    own = (u for u in units if len(u) == 3 and u.isupper())
    return next(own, context.current().currency)


def _in_currency(name: str, currency: str) -> str:
    return name if currency in name else _("{name} ({unit})", name=name, unit=currency)


def opened(name: str) -> str:
    """The head of a column as it begins a cell; single letters, which are symbols, stay."""
    return i18n.opening(name) if len(name) > 1 else name


def _cell(text: str, classes: str, scope: str = "") -> str:
    about = f' class="{classes}"' if classes else ""
    about += f' scope="{scope}"' if scope else ""
    tag = "th" if scope else "td"
    return f"<{tag}{about}>{html.escape(text)}</{tag}>"


def _says_nothing(table: pd.DataFrame, column: str) -> bool:
    """What no row has, a term that is the same in all groups, a number of each row."""
    if column in INTERVAL:
        return all(table[c].isna().all() for c in INTERVAL if c in table)
    if len(table) and column != "estimate" and (table[column].isna() | (table[column] == "")).all():
        return True
    if column == "segment" and "term" in table:
        return pd.api.types.is_numeric_dtype(table[column])
    groups = list(table.columns).index(column) > 0
    return column == "term" and groups and len(table) > 1 and table[column].nunique() == 1


def csv_of(record: dict[str, Any]) -> str:
    """The table as CSV, numbers as they are kept: what a page hides is empty in it too."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n")
    write.writerow([spreadsheet_cell(c) for c in record["table"]["columns"]])
    write.writerows([spreadsheet_cell(v) for v in row] for row in record["table"]["rows"])
    return text.getvalue()


def framed(fragment: str) -> str:
    """Every table in a box that scrolls by itself; rows that only count have no column for it."""
    return re.sub(
        r"<table.*?</table>",
        lambda m: _framed(_opened(_aligned(_uncounted(m[0])))),
        fragment,
        flags=re.S,
    )


def _framed(table: str) -> str:
    name = html.escape(_("Table"))
    return f'<div class="scroll" role="group" tabindex="0" aria-label="{name}">{table}</div>'


def _opened(table: str) -> str:
    """With heads of columns that begin with a capital, as those of answers."""
    head, end, body = table.partition("</thead>")
    if not end:
        return table
    return re.sub(r"(<th[^>]*>)([^<]+)", lambda m: m[1] + opened(m[2]), head) + end + body


def _uncounted(table: str) -> str:
    """Without pandas' count of the rows: 0, 1, 2 ... beneath an empty head."""
    rows = re.findall(r"<tr.*?</tr>", table, flags=re.S)
    if not rows or not re.match(r"<tr[^>]*>\s*<th[^>]*>\s*</th>", rows[0]):
        return table
    counts = [re.match(r"<tr[^>]*>\s*<th[^>]*>(\d+)</th>", row) for row in rows[1:]]
    if not counts or any(m is None or int(m[1]) != i for i, m in enumerate(counts)):
        return table
    return re.sub(r"(<tr[^>]*>)\s*<th[^>]*>\d*\s*</th>", r"\1", table)


def _aligned(table: str) -> str:
    """Columns whose every cell is a number get the class that sets them right."""
    rows = re.findall(r"<tr.*?</tr>", table, flags=re.S)
    cells = [re.findall(r"<t([hd])[^>]*>(.*?)</t\1>", row, flags=re.S) for row in rows]
    body = [row for row in cells if any(kind == "d" for kind, _ in row)]
    width = max((len(row) for row in body), default=0)
    numeric = [
        bool(body) and all(len(r) > i and NUMBER.fullmatch(r[i][1].strip()) for r in body)
        for i in range(width)
    ]
    free = [0] * width  # rows still covered from above
    return re.sub(r"<tr.*?</tr>", lambda row: _mark(row[0], numeric, free), table, flags=re.S)


def _mark(row: str, numeric: list[bool], free: list[int]) -> str:
    place = 0

    def mark(match: re.Match[str]) -> str:
        nonlocal place
        while place < len(free) and free[place]:
            free[place] -= 1
            place += 1
        across, down = (
            int(m[1]) if (m := re.search(f'{s}="(\\d+)"', match[0])) else 1
            for s in ("colspan", "rowspan")
        )
        here = range(place, min(place + across, len(numeric)))
        for i in here:
            free[i] = down - 1
        place += across
        right = len(here) and all(numeric[i] for i in here)
        wide = "mid" if across > 1 else "num"
        return f'{match[0][:-1]} class="{wide}">' if right else match[0]

    marked = re.sub(r"<t[hd](?: [^>]*)?>", mark, row)
    for i in range(place, len(free)):
        free[i] = max(free[i] - 1, 0)
    return marked
