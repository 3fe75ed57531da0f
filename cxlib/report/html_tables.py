"""Tables of answers as HTML: readable heads, numbers to the right, an interval under one heading.

    html_tables.of_record(record)        # an answer's table
    html_tables.framed(fragment)         # any HTML: tables in boxes that scroll, numbers aligned

The page's small script makes heads buttons that sort; without it the tables are the same.
"""

from __future__ import annotations

import html
import re

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import heading
from cxlib.core.i18n import _
from cxlib.report.answers import cells_of

NUMBER = re.compile(r"(&lt;|[−+-])?[\d,. ]*\d%?|–|NaN|")
INTERVAL = ("low", "high")
# What the rows of an answer are, as readers say it; elsewhere they are measures.
ROWS = {
    "losses": "table", "answered": "column", "weighting": "group",
    "representation": "group", "nps": "question",
    "csat": "question", "effort": "question", "by_group": "question", "by_wave": "question",
    "differences": "question", "questions": "question", "warnings": "question",
    "touchpoints": "question", "index": "construct", "levers": "construct",
    "priorities": "construct", "loadings": "question", "drivers": "driver", "missing": "driver",
    "opportunities": "driver",
    "firmness": "driver", "first": "driver", "gains": "driver", "penalty_and_reward": "driver",
    "needed": "driver", "segments": "segment", "rfm": "grade", "grades": "grade",
    "signs": "sign", "reasons": "sign", "pain_points": "problem", "factors": "problem",
    "loops": "touchpoint", "dropoff": "touchpoint", "value_lost": "touchpoint", "rework": "measure",
    "removal": "touchpoint", "transitions": "after", "flows": "after", "change": "after",
    "groups_apart": "after",
    "stays": "stage", "peak_and_end": "rule", "maturity": "dimension", "next_level": "item",
    "checked": "item", "topics": "topic", "impact": "topic", "sentiment": "topic", "shares": "topic",
    "emerging": "topic", "complaint_rate": "touchpoint", "owners": "owner",
    "owners_satisfaction": "owner", "classes": "class", "categories": "category",
}  # fmt: skip


def of_record(record: dict) -> str:
    """The table of a kept answer as HTML text, escaped; small cells hidden."""
    raw = pd.DataFrame(record["table"]["rows"], columns=record["table"]["columns"])
    if not len(raw.columns):
        return ""
    shown, known = cells_of(record)
    raw = raw[shown.columns]
    kept = [c for c in raw if not _says_nothing(raw, c)]
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row) + "</tr>"
        for row in shown[kept].itertuples(index=False, name=None)
    )
    names = {c: heading(known, c) for c in kept}
    if "term" in kept:
        names["term"] = i18n.heading(ROWS.get(record.get("name", ""), "measure"))
    return f"<table><thead>{_head(kept, names)}</thead><tbody>{body}</tbody></table>"


def _says_nothing(table: pd.DataFrame, column: str) -> bool:
    """What no row has, a term that is the same in all groups, a number of each row."""
    if column in INTERVAL:
        return all(table[c].isna().all() for c in INTERVAL if c in table)
    if len(table) and column != "estimate" and table[column].isna().all():
        return True
    if column == "segment" and "term" in table:
        return pd.api.types.is_numeric_dtype(table[column])
    groups = list(table.columns).index(column) > 0
    return column == "term" and groups and len(table) > 1 and table[column].nunique() == 1


def _head(columns: list[str], names: dict[str, str]) -> str:
    """One row of heads, or two where low and high stand under one."""
    names = {c: html.escape(i18n.opening(n) if len(n) > 1 else n) for c, n in names.items()}
    together = all(c in columns for c in INTERVAL)
    if not together:
        return "<tr>" + "".join(f'<th scope="col">{names[c]}</th>' for c in columns) + "</tr>"
    first = []
    for c in columns:
        if c == INTERVAL[0]:
            funnel = "outer_low" in columns  # where a unit lies by chance, not what it may be
            said = html.escape(_("Limits of chance") if funnel else _("95% interval"))
            first.append(f'<th colspan="2" scope="colgroup">{said}</th>')
        elif c not in INTERVAL:
            first.append(f'<th rowspan="2" scope="col">{names[c]}</th>')
    second = "".join(f'<th scope="col">{names[c]}</th>' for c in INTERVAL)
    return f"<tr>{''.join(first)}</tr><tr>{second}</tr>"


def framed(fragment: str) -> str:
    """Every table in a box that scrolls by itself; rows that only count have no column for it."""
    name = html.escape(_("Table"))
    box = f'<div class="scroll" role="group" tabindex="0" aria-label="{name}">'

    def frame(table: re.Match) -> str:
        return f"{box}{_aligned(_uncounted(table[0]))}</div>"

    return re.sub(r"<table.*?</table>", frame, fragment, flags=re.S)


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

    def mark(match: re.Match) -> str:
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
