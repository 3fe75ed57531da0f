"""A study.yaml drafted from a user's files by looking at them; every guess is marked as one.

    text = draft("shop", ["answers.csv", "orders.xlsx"])     # what `cx new` writes

The draft is valid and loads when the guesses hold. Each line that was guessed ends with
`# guess: confirm`; what was left out, and why, stands in comments too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cxlib.data import contract, schema
from cxlib.data import study as study_
from cxlib.data.intake import conversion
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.readers import Raw, read_file, sheets_of

GUESS = "  # guess: confirm"
ALIASES = {  # our column: what others call it, blanks and case aside
    "customer_id": r"(customer|client|user|member|cust|account|patient|guest)_?(id|no|number|num)?"
    r"|客户(编号|号|id)?|会员(编号|号|id)|用户(编号|id)",
    "response_id": r"(response|respondent|survey|questionnaire|interview|resp|answer)_?"
    r"(id|no|number|num)|resp(ondent)?|caseid|问卷(编号|号|id)|答卷(编号|id)|序号",
    "event_id": r"(event|log|visit|session)_?(id|no)|事件(编号|id)",
    "order_id": r"(order|invoice|transaction|purchase|basket)_?(id|no|number)|订单(编号|号|id)",
    "case_id": r"(case|ticket|complaint|issue|request)_?(id|no|number)|(工单|投诉)(编号|号|id)",
    "comment_id": r"(comment|review|feedback)_?(id|no|number)|评论(编号|id)",
    "line": r"line(_?(no|number|id))?|order_item_id|行号",
    "joined_on": r"join(ed|ing)?(_?(on|at|date))?|sign_?up(_?(date|at|on))?|registered(_?(on|at))?"
    r"|registration_date|(customer_|member_)?since|(注册|入会|开户)(日期|时间)",
    "referred_by": r"referred_by|referr(er|al)(_?(id|by|customer))?|(推荐|介绍)人(编号)?",
    "left_on": r"left(_?(on|at|date))|churn(ed)?_?(date|on|at)|cancel(l?ed)?_?(date|on|at)"
    r"|(流失|离网|退订)(日期|时间)",
    "answered_on": r"answered(_?(on|at))?|(response|survey|interview|completion|end|start|submit"
    r"(ted)?)_?(date|time|at|on)|date|timestamp|(填答|提交|答题|调查)(日期|时间)|日期",
    "wave": r"wave|quarter|period|round|(调查)?(批次|波次|季度)",
    "channel": r"channel|source_channel|渠道",
    "weight": r"weight|wt|wgt|weighting|权重",
    "at": r"at|date|time|timestamp|datetime|(created|ordered|placed|purchased|event|order|posted|"
    r"visit|review|purchase|transaction)_?(at|on|date|time|timestamp)|invoice_?date|日期|时间|"
    r"(下单|发生|评论)(日期|时间)",
    "touchpoint": r"touch_?point|activity|concept_name|event(_?(name|type))?|action|"
    r"触点|事件(名称|类型)?",
    "stage": r"(journey_?)?stage|阶段",
    "minutes": r"minutes|duration(_?min(utes)?)?|用时|时长",
    "outcome": r"outcome|result|结果",
    "amount": r"amount|total|revenue|sales|spend|price|value|payment(_?value)?|(订单)?金额",
    "product": r"product(_?(id|name))?|sku|item|商品(名称|编号)?",
    "category": r"category|type|topic|类别|品类|投诉类型",
    "quantity": r"quantity|qty|units|数量",
    "opened_at": r"opened(_?(at|on))?|(open|created|received|submitted)_?(at|on|date|time)|"
    r"date_(received|submitted)|(建单|受理|投诉)(日期|时间)",
    "first_reply_at": r"first_?(reply|response)(_?(at|on|date|time))?|首次(回复|响应)时间",
    "solved_at": r"(solved|resolved|closed)(_?(at|on|date|time))?|(解决|关闭|办结)(日期|时间)",
    "reopened": r"reopen(ed)?|是否重开",
    "severity": r"severity|priority|级别|严重程度|优先级",
    "owner": r"owner|agent|assignee|team|负责人|处理人",
    "satisfaction_after": r"satisfaction_after|(处理)?满意度",
    "lang": r"lang(uage)?|语言",
    "text": r"text|comments?|review(_?text)?|feedback|verbatim|message|content|body|"
    r"(评论|意见|内容)(内容)?",
    "score": r"score|stars?|rating|评分|星级",
}
PLAIN_ID = re.compile(r"id|no|nr|number|key|uuid|record_?(id|no)|row_?(id|no)|编号|序号|记录号")
TABLE_NAMES = {
    "customers": "customer|client|member|account|客户|会员",
    "responses": "response|survey|answer|questionnaire|nps|csat|问卷|调查",
    "events": "event|journey|log|visit|触点|事件",
    "orders": "order|transaction|purchase|sale|订单|交易",
    "order_lines": "line|item|basket|明细",
    "cases": "case|ticket|complaint|service|工单|投诉",
    "comments": "comment|review|verbatim|feedback|评论",
}
PERSONAL = re.compile(
    r"(first|last|full|customer|user)?_?name|e?_?mail(_address)?|(mobile_|cell_)?(phone|tel)"
    r"(_?(no|number))?|mobile|address|street|zip(_?code)?|postcode|ip(_address)?|passport|ssn|"
    r"birth_?(date|day)|dob|姓名|手机号?|电话|邮箱|地址|身份证号?"
)
ROLES = {  # the first that fits; the words stand in the column's name or its label
    "nps": r"\bnps\b|recommend|netpro|net_?promoter|推荐",
    "effort": r"effort|费力|省力",
    "csat": r"overall.*satisf|satisf.*overall|\bcsat\b|^overall|总体满意|整体满意|^satisf",
    "intention": r"again|repurchase|renew|intention|loyal|复购|续约|再次",
}
SPECIAL = (-99.0, -9.0, -8.0, -1.0, 77.0, 88.0, 96.0, 97.0, 98.0, 99.0, 888.0, 998.0, 999.0)
SLIPS = 0.02  # of the answers to a question, how many may be off its scale
SCALES = ((1, 5), (1, 7), (1, 10), (0, 10))
MORE = [  # what the files do not tell
    "",
    "# Further keys, when you have what they need (data/sample/study.yaml shows all):",
    "# margins: {region: {north: 0.4, south: 0.6}}   # population shares, to weight answers to",
    "# replicates: {prefix: rep, kind: jk1}   # replicate weights that the file of responses has",
    "# model:                                        # the satisfaction index, notebook 11",
    "#   preset: ecsi10                             # or acsi9, ecsi12, ccsi",
    "#   constructs: {image: [ITEM], expectation: [ITEM], ...}",
]
DATE_FORMS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%Y年%m月%d日"),
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M"),
)


@dataclass
class _Guess:
    """What a file seems to be."""

    path: Path
    raw: Raw
    sheet: str  # of a workbook with several; else empty
    table: str
    columns: dict[str, str]
    items: dict[str, dict] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    dates: tuple[str, str] = ("", "")  # form, and a word of doubt


def draft(name: str, files: Sequence[str | Path]) -> str:
    """A commented study.yaml for the files, its guesses marked `# guess: confirm`.

    Raises StudyError for a name that is none, and IntakeError when there is no file, a file cannot
    be read, or one looks like no table of the contract.
    """
    folder = study_.folder_of(name)
    if not files:
        raise IntakeError(f"give the files of {name}: cx new {name} FILE...")
    guesses, passed = _look_at_all([Path(f) for f in files])
    lines = [
        f"# Drafted by looking at {len(files)} file(s). Read each line marked `guess: confirm`,",
        f"# correct it, take the mark away; then run `cx check {name}`.",
        f"title: {{en: {_quoted(name)}, zh: {_quoted(name)}}}{GUESS}",
        "source: to be written (who collected these data, when and how)",
        "licence: to be written (internal, or the licence they came under)",
        *(f"# Left out: {why}" for why in passed),
        "",
        "tables:",
    ]
    for table in (t for t in contract.TABLES if any(g.table == t for g in guesses)):
        lines += _table_lines(table, [g for g in guesses if g.table == table], folder)
    items = {i: about for g in guesses for i, about in g.items.items()}
    lines += _item_lines(items) + _ending(guesses, items)
    return "\n".join(lines) + "\n"


# Look


def _look_at_all(files: list[Path]) -> tuple[list[_Guess], list[str]]:
    """A guess for each file, for each sheet of a workbook; and why sheets were passed over.

    A workbook may hold notes beside its tables; but if none of its sheets is a table, it raises.
    """
    guesses, passed = list[_Guess](), list[str]()
    for path in files:
        sheets = sheets_of(path)
        if len(sheets) < 2:
            guesses.append(_look_at(path))
            continue
        found, why = [], []
        for sheet in sheets:
            try:
                found.append(_look_at(path, sheet))
            except IntakeError as error:
                why.append(str(error).split(" Write its part")[0])
        if not found:
            raise IntakeError("\n  ".join([f"no sheet of {path.name} is a table:", *why]))
        guesses, passed = guesses + found, passed + why
    return guesses, passed


def _look_at(path: Path, sheet: str = "") -> _Guess:
    raw = read_file(path, sheet=sheet or 0)
    matched = {t: _match(t, raw.frame) for t in TABLE_NAMES}
    items = _items(raw, set())
    called = sheet or path.stem
    scores = {t: _likeness(t, m, raw.frame, called, items) for t, m in matched.items()}
    table = max(scores, key=lambda name: scores[name])
    if scores[table] <= 0:
        where = f"{path.name}, sheet {sheet!r}," if sheet else path.name
        raise IntakeError(
            f"{where} looks like no table: its columns are {', '.join(raw.frame.columns)}. "
            f"Write its part of study.yaml by hand; the tables are {', '.join(contract.TABLES)}."
        )
    columns = matched[table]
    key = contract.TABLES[table].key[0]
    if key not in columns and (plain := _plain_id(raw.frame, columns)):
        columns = {key: plain, **columns}
    repeats = key not in columns or raw.frame[columns[key]].duplicated().any()
    if repeats and len(contract.TABLES[table].key) == 1:
        columns = {key: "#row", **{k: v for k, v in columns.items() if k != key}}
    guess = _Guess(path, raw, sheet, table, columns)
    guess.items = _items(raw, set(columns.values())) if table == "responses" else {}
    used = {*columns.values(), *(about["column"] for about in guess.items.values())}
    rest = [c for c in raw.frame if c not in used and raw.frame[c].notna().any()]
    guess.personal = [c for c in rest if PERSONAL.fullmatch(_slug(c))]
    guess.kept = [c for c in rest if c not in guess.personal]
    guess.dates = _date_form(raw, table, columns)
    return guess


def _match(table: str, frame: pd.DataFrame) -> dict[str, str]:
    """Our columns of the table that the file seems to have: ours -> theirs."""
    found: dict[str, str] = {}
    for ours in contract.TABLES[table].columns:
        pattern = re.compile(ALIASES.get(ours, re.escape(ours)))
        for theirs in frame:
            name = _slug(theirs)
            if theirs not in found.values() and (name == ours or pattern.fullmatch(name)):
                found[ours] = theirs
                break
    if table in ("orders", "events") and "at" not in found:
        near = (c for c in frame if c not in found.values() and _seems_dated(frame[c]))
        if (theirs := next(near, None)) is not None:
            found["at"] = theirs
    return found


def _plain_id(frame: pd.DataFrame, columns: dict[str, str]) -> str:
    """A column that calls itself only "id" or the like and never repeats; empty when none does."""
    free = (c for c in frame if c not in columns.values() and PLAIN_ID.fullmatch(_slug(c)))
    return next((c for c in free if frame[c].notna().all() and frame[c].is_unique), "")


def _seems_dated(values: pd.Series) -> bool:
    """A name that speaks of time, over cells that are dates (or empty)."""
    if not re.search(r"date|time|_at$|_on$|日期|时间", _slug(str(values.name))):
        return False
    return values.notna().any() and not conversion.date(values).bad.any()


def _likeness(
    table: str, matched: dict[str, str], frame: pd.DataFrame, stem: str, items: dict
) -> float:
    """How much a file looks like the table; 0 when a required column beyond the id is missing."""
    expected = contract.TABLES[table]
    needed = {c.name for c in expected.columns.values() if c.required} - {expected.key[0]}
    if needed - set(matched):
        return 0
    key = matched.get("customer_id")
    if table == "customers" and (key is None or frame[key].duplicated().any()):
        return 0  # a file with several rows a customer tells of something else
    score = 2.0 * bool(re.search(TABLE_NAMES[table], stem.casefold()))
    score += 2 * (expected.key[-1] in matched) + 0.5 * len(matched) + 0.5 * len(needed)
    return score + (min(len(items), 6) / 2 if table == "responses" else 0)


def _items(raw: Raw, used: set[str]) -> dict[str, dict]:
    """Columns of whole numbers on what seems to be a rating scale: item -> what was guessed."""
    items: dict[str, dict] = {}
    for column in raw.frame:
        if column in used or re.search(r"(^|_)(id|year|month|day|age)$", _slug(column)):
            continue
        x = conversion.number(raw.frame[column])
        given = x.values.dropna()
        codes = sorted(set(given.unique()) & set(SPECIAL))
        answers = given[~given.isin(codes)]
        fits = answers.between(0, 10) & (answers % 1 == 0)
        odd = int(x.bad.sum() + (~fits).sum())
        inside = set(answers[fits])
        # A slip or two in a long column are mistakes to be shown by `cx check`, no other scale.
        if odd > len(answers) * SLIPS or len(inside) < 3 or max(inside) < 4:
            continue
        scale = next(s for s in SCALES if s[0] <= min(inside) and max(inside) <= s[1])
        label = raw.labels.get(column, column)
        role = _role(f"{_slug(column)} {label.casefold()}", scale)
        name = _unique(_slug(column), items)
        items[name] = {
            "column": column,
            "label": label,
            "scale": (0, 10) if role == "nps" else scale,
            "codes": codes,
            "role": role,
            "odd": odd,
        }
    return items


def _role(words: str, scale: tuple[int, int]) -> str:
    for role, pattern in ROLES.items():
        if re.search(pattern, words):
            return "intention" if role == "nps" and scale not in ((0, 10), (1, 10)) else role
    return "touchpoint"


def _date_form(raw: Raw, table: str, columns: dict[str, str]) -> tuple[str, str]:
    """The form of the dates (empty for ISO) and a word of doubt where two forms fit."""
    dated = [c.name for c in contract.TABLES[table].columns.values() if c.kind == "date"]
    values = [raw.frame[columns[c]] for c in dated if c in columns]
    if not values or not any(conversion.date(v).bad.any() for v in values):
        return "", ""
    fits = [f for f in DATE_FORMS if not any(conversion.date(v, f).bad.any() for v in values)]
    if not fits:
        return "", "some dates are in no form we know; name it: dates: '%d/%m/%Y'"
    return fits[0], f"{fits[1]} fits as well" if len(fits) > 1 else ""


# Write


def _table_lines(table: str, guesses: list[_Guess], folder: Path) -> list[str]:
    lines = [f"  {table}:{GUESS}", "    files:"]
    for g in guesses:
        lines += [f"      # {note}" for note in g.raw.notes]
        lines.append(f"      - file: {_quoted(_relative(g.path, folder))}")
        if g.sheet:
            lines.append(f"        sheet: {json.dumps(g.sheet, ensure_ascii=False)}")
        if g.raw.encoding not in ("", "utf-8", "utf-8-sig") and g.raw.delimiter:
            lines.append(f"        encoding: {g.raw.encoding}{GUESS}")
        if g.raw.delimiter not in ("", ","):
            lines.append(f"        delimiter: {_quoted(g.raw.delimiter)}{GUESS}")
    first, *others = guesses
    lines.append("    columns:  # ours: theirs")
    numbered = "  # the rows are numbered: no column looks like an id without repeats"
    for ours, theirs in first.columns.items():
        mark = numbered if theirs == "#row" else GUESS
        lines.append(f"      {ours}: {_quoted(theirs)}{mark}")
    lines += [f"      {_quoted(i)}: {_quoted(about['column'])}" for i, about in first.items.items()]
    for g in others:
        if missing := [c for c in first.columns.values() if c not in (*g.raw.frame, "#row")]:
            lines.append(
                f"    # {g.path.name} lacks {missing}: give its file `columns` of its own."
            )
    form, doubt = first.dates
    if form:
        lines.append(f"    dates: {_quoted(form)}{GUESS}{'; ' + doubt if doubt else ''}")
    elif doubt:
        lines.append(f"    # {doubt}")
    if first.personal:
        lines.append(f"    # left out as personal: {', '.join(first.personal)}")
    if first.kept:
        kept = ", ".join(map(_quoted, first.kept))
        lines.append(f"    keep: [{kept}]  # further columns, to filter and group by")
    return lines


def _item_lines(items: dict[str, dict]) -> list[str]:
    if not items:
        return []
    lines = ["", "# Questions. Roles: " + ", ".join(schema.ROLES) + ".", "items:"]
    for item, about in items.items():
        low, high = about["scale"]
        label = _quoted(about["label"])
        lines += [
            f"  {_quoted(item)}:",
            f"    label: {{en: {label}, zh: {label}}}{GUESS}",
            f"    scale: [{low}, {high}]{GUESS}" + _odd(about["odd"]),
            f"    role: {about['role']}{GUESS}",
        ]
        if about["codes"]:
            codes = ", ".join(f"{c:g}" for c in about["codes"])
            lines.append(f"    missing: [{codes}]{GUESS} (or is it not_experienced?)")
    return lines


def _odd(n: int) -> str:
    return f"; {n:,} answer(s) are not on it, `cx check` shows them" if n else ""


def _ending(guesses: list[_Guess], items: dict[str, dict]) -> list[str]:
    there = {g.table for g in guesses}
    roles = [about["role"] for about in items.values()]
    lines = [""]
    reports = ["00"]
    if {"csat", "nps", "effort"} & set(roles):
        reports.append("10")
        if roles.count("touchpoint") > 1:
            reports.append("20")
    if there & {"customers", "orders"}:
        reports.append("30")
    flag = _churn_flag(guesses)
    if flag:
        lines.append(f"churn: {{flag: {_quoted(flag[0])}, left: {_quoted(flag[1])}}}{GUESS}")
    dated = any(g.table == "customers" and "left_on" in g.columns for g in guesses)
    if flag or dated:
        reports.append("32")
    named = [(c, g.raw.labels[c]) for g in guesses for c in g.kept if g.raw.labels.get(c, c) != c]
    if named:
        lines.append("labels:")
        lines += [
            f"  {_quoted(c)}: {{en: {_quoted(said)}, zh: {_quoted(said)}}}{GUESS}"
            for c, said in dict(named).items()
        ]
    if group := _group(guesses):
        lines.append(f"group: {_quoted(group)}{GUESS}: reports compare the groups of this column")
    lines.append(f"reports: {json.dumps(reports)}{GUESS}")
    return lines + (MORE if "responses" in there else [])


def _group(guesses: list[_Guess]) -> str:
    """A column of few, large groups to compare answers by; empty when there is none."""
    for g in (g for g in guesses if g.table == "responses"):
        mine = {c: c for c in g.kept}
        mine = {"channel": g.columns["channel"], **mine} if "channel" in g.columns else mine
        for ours, theirs in mine.items():
            sizes = conversion.text(g.raw.frame[theirs]).value_counts()
            if 2 <= len(sizes) <= 12 and sizes.min() >= 10:
                return ours
    return ""


def _churn_flag(guesses: list[_Guess]) -> tuple[str, str] | None:
    for g in (g for g in guesses if g.table == "customers"):
        for column in g.kept:
            values = conversion.text(g.raw.frame[column]).dropna().unique()
            if re.search(r"churn|left|attrition|流失", _slug(column)) and len(values) == 2:
                left = [v for v in values if v.casefold() in conversion.YES]
                return (column, left[0]) if left else None
    return None


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _quoted(text: str) -> str:
    """Text as YAML reads it back: bare where that is safe, in double quotes elsewhere."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) and text.casefold() not in (
        *("yes", "no", "on", "off", "true", "false", "null", "y", "n"),
    ):
        return text
    return json.dumps(text, ensure_ascii=False)


def _slug(name: str) -> str:
    """A name in small letters, words joined by _: "Customer ID", "CustomerId" are customer_id."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=ID$)", "_", name.strip())
    return re.sub(r"\W+", "_", name.casefold()).strip("_") or "column"


def _unique(name: str, taken: dict) -> str:
    name = f"q_{name}" if name[0].isdigit() else name
    n, first = 2, name
    while name in taken or name in contract.TABLES["responses"].columns:
        name, n = f"{first}_{n}", n + 1
    return name
