"""The contract: the tables a study may have, and what each column means, in English and Chinese.

    contract.TABLES["responses"].columns["weight"].meaning["en"]
    contract.dictionary("zh")                                            # the data dictionary

Schema, rules and dictionary are one thing, so they cannot disagree: `data/README.md` and
`cx check --dictionary` are printed from here. Columns beyond these are kept as attributes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

KINDS = {  # kind -> pandas dtype of a column that holds the contract
    "text": "string",
    "number": "float64",
    "integer": "Int64",
    "date": "datetime64[us]",
    "flag": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One column: its kind (a key of KINDS), its meaning, its unit and the values allowed."""

    name: str
    kind: str
    meaning: dict[str, str]
    unit: str = ""
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()
    required: bool = False  # every row must have a value
    refers: str = ""  # table whose key this is
    after: str = ""  # date that this one is not before, by the day; a breach is a warning only
    rating: bool = False  # an answer on a scale, which study.yaml declares or the values show


@dataclass(frozen=True)
class Table:
    """One table: its key and its columns by name."""

    name: str
    key: tuple[str, ...]
    meaning: dict[str, str]
    columns: dict[str, Column] = field(default_factory=dict)


def _table(name: str, key: str, en: str, zh: str, *columns: Column) -> Table:
    return Table(name, tuple(key.split()), {"en": en, "zh": zh}, {c.name: c for c in columns})


def _column(name: str, kind: str, en: str, zh: str, **rest: Any) -> Column:
    return Column(name, kind, {"en": en, "zh": zh}, **rest)


def _key(name: str, en: str, zh: str) -> Column:
    return _column(name, "text", en, zh, required=True)


def _customer(required: bool = False) -> Column:
    return _column(
        "customer_id", "text", "who it was", "客户编号", required=required, refers="customers"
    )


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        _table(
            "customers",
            "customer_id",
            "one row per customer",
            "每位客户一行",
            _key("customer_id", "the customer", "客户编号"),
            _column("joined_on", "date", "day the customer joined", "成为客户的日期"),
            _column(
                "left_on",
                "date",
                "day the customer left; empty while a customer",
                "流失日期；仍为客户则为空",
                after="joined_on",
            ),
            _column(
                "left_because", "text", "why the customer left, as far as known", "已知的流失原因"
            ),
            _column(
                "referred_by",
                "text",
                "the customer who brought this one; empty when nobody did",
                "由哪位客户介绍而来；无人介绍则为空",
            ),
        ),
        _table(
            "responses",
            "response_id",
            "one row per completed questionnaire",
            "每份问卷一行",
            _key("response_id", "the questionnaire", "问卷编号"),
            _customer(),
            _column("answered_on", "date", "day it was answered", "填答日期"),
            _column(
                "wave",
                "text",
                "survey wave, e.g. 2026-Q1; other names become such that sort in time",
                "调研轮次，例如 2026-Q1；其他名称会转换为可按时间排序的名称",
            ),
            _column("channel", "text", "where the customer was asked or served", "调查或服务渠道"),
            _column(
                "weight",
                "number",
                "how many customers the response stands for",
                "该问卷代表的客户数（权重）",
                low=0,
                high=1e10,  # more than there are people; sums of much more overflow
            ),
        ),
        _table(
            "invitations",
            "invitation_id",
            "one row per invitation to a survey, reminders included",
            "每次调研邀请一行，含催答",
            _key("invitation_id", "the invitation", "邀请编号"),
            _customer(),
            _column("wave", "text", "survey wave it was for", "所属调研轮次"),
            _column("sent_at", "date", "when it was sent", "发送时间"),
            _column("channel", "text", "how it was sent", "发送渠道"),
            _column(
                "reminder_of",
                "text",
                "the first invitation that this one repeats; empty for the first",
                "所催答的首次邀请编号；首次邀请则为空",
            ),
            _column(
                "response_id",
                "text",
                "the questionnaire that answered it; empty without an answer",
                "收回的问卷；未作答则为空",
                refers="responses",
            ),
        ),
        _table(
            "events",
            "event_id",
            "one row per contact with a touchpoint",
            "每次触点接触一行",
            _key("event_id", "the event", "事件编号"),
            _customer(required=True),
            _column("at", "date", "when it happened", "发生时间", required=True),
            _column("touchpoint", "text", "what was met", "触点", required=True),
            _column("stage", "text", "journey stage", "旅程阶段"),
            _column("channel", "text", "where", "渠道"),
            _column("minutes", "number", "how long it took", "用时", unit="minutes", low=0),
            _column("outcome", "text", "how it ended", "结果"),
            _column(
                "sequence",
                "number",
                "order of events that share their time",
                "同一时间各事件的先后次序",
            ),
        ),
        _table(
            "visits",
            "visit_id",
            "one row per visit to the website or app, or per line of an export of totals",
            "网站或应用的每次访问一行，或汇总导出的每行一行",
            _key("visit_id", "the visit", "访问编号"),
            _column(
                "customer_id",
                "text",
                "who it was; empty where nobody logged in",
                "客户编号；未登录则为空",
                refers="customers",
            ),
            _column("at", "date", "when it began", "开始时间", required=True),
            _column("page", "text", "page on which it began", "着陆页"),
            _column(
                "stage",
                "text",
                "journey stage that the page is for",
                "页面所属的旅程阶段",
            ),
            _column("source", "text", "where the visitor came from", "访问来源"),
            _column("device", "text", "device of the visitor", "设备"),
            _column("pages", "number", "pages viewed", "浏览页数", low=0),
            _column("minutes", "number", "how long it took", "用时", unit="minutes", low=0),
            _column(
                "visits",
                "number",
                "visits that the row stands for; empty for one",
                "该行代表的访问次数；为空则为一次",
                low=0,
            ),
            _column(
                "bounces",
                "number",
                "how many of them left after one page; taken from `pages` when empty",
                "其中只看一页即离开的次数；为空时由 pages 得出",
                low=0,
            ),
            _column(
                "conversions",
                "number",
                "how many of them reached the goal of the website",
                "其中达成网站目标的次数",
                low=0,
            ),
            _column("help", "flag", "whether the visitor looked for help", "访问者是否寻求帮助"),
        ),
        _table(
            "orders",
            "order_id",
            "one row per order",
            "每笔订单一行",
            _key("order_id", "the order", "订单编号"),
            _customer(required=True),
            _column("at", "date", "when it was placed", "下单时间", required=True),
            _column("amount", "number", "what was paid", "订单金额", unit="currency"),
            _column("channel", "text", "where", "渠道"),
            _column("promised_on", "date", "day by which delivery was promised", "承诺送达日期"),
            _column(
                "delivered_at",
                "date",
                "when it was delivered; empty until then",
                "送达时间；未送达则为空",
                after="at",
            ),
            _column("cancelled", "flag", "whether it will not be delivered", "是否已取消"),
        ),
        _table(
            "order_lines",
            "order_id line",
            "one row per product in an order",
            "订单中每种商品一行",
            _column("order_id", "text", "the order", "订单编号", required=True, refers="orders"),
            _key("line", "number of the line within the order", "行号"),
            _column("product", "text", "product", "商品"),
            _column("category", "text", "product category", "品类"),
            _column("quantity", "number", "how many; below zero: returned", "数量；负数为退货"),
            _column("amount", "number", "what the line cost", "行金额", unit="currency"),
        ),
        _table(
            "cases",
            "case_id",
            "one row per complaint or service case",
            "每个投诉或服务工单一行",
            _key("case_id", "the case", "工单编号"),
            _customer(),
            _column("opened_at", "date", "when it was opened", "建单时间", required=True),
            _column(
                "first_reply_at",
                "date",
                "first reply to the customer",
                "首次回复时间",
                after="opened_at",
            ),
            _column(
                "solved_at",
                "date",
                "when it was solved; empty while open",
                "解决时间；未解决则为空",
                after="opened_at",
            ),
            _column(
                "first_reply_hours",
                "number",
                "hours until the first reply, where its date is not known",
                "首次回复所用小时数（无首次回复时间时使用）",
                low=0,
            ),
            _column(
                "solved_hours",
                "number",
                "hours until it was solved, where its date is not known",
                "解决所用小时数（无解决时间时使用）",
                low=0,
            ),
            _column("reopened", "flag", "opened again after it was solved", "是否重开"),
            _column("category", "text", "what it was about", "类别"),
            _column("severity", "text", "how bad", "严重程度"),
            _column("channel", "text", "where it came in", "渠道"),
            _column("owner", "text", "team or person who solved it", "负责人"),
            _column(
                "satisfaction_after",
                "number",
                "satisfaction with the solution",
                "对处理结果的满意度",
                rating=True,
            ),
        ),
        _table(
            "case_statuses",
            "status_id",
            "one row per status that a case had",
            "工单每次状态变更一行",
            _key("status_id", "the change of status", "状态变更编号"),
            _column("case_id", "text", "the case", "工单编号", required=True, refers="cases"),
            _column("at", "date", "when the status began", "状态开始时间", required=True),
            _column(
                "status",
                "text",
                "the status until the next one; e.g. new, in progress, waiting for customer",
                "状态，持续到下一状态为止；例如新建、处理中、等待客户",
                required=True,
            ),
        ),
        _table(
            "comments",
            "comment_id",
            "one row per comment in the customer's words",
            "每条客户评论一行",
            _key("comment_id", "the comment", "评论编号"),
            _customer(),
            _column(
                "response_id", "text", "questionnaire it came with", "所属问卷", refers="responses"
            ),
            _column("at", "date", "when it was written", "时间"),
            _column("channel", "text", "where", "渠道"),
            _column(
                "source", "text", "survey, review, social ...", "来源，例如问卷、评价、社交媒体"
            ),
            _column("lang", "text", "language, e.g. en or zh", "语言，例如 en 或 zh"),
            _column("text", "text", "what the customer wrote", "评论内容", required=True),
            _column("score", "number", "score given with it", "同时给出的评分", rating=True),
        ),
        _table(
            "actions",
            "action_id",
            "one row per action of the ledger",
            "每项改进行动一行",
            _key("action_id", "the action", "行动编号"),
            _column("problem", "text", "what is wrong", "问题", required=True),
            _column(
                "class",
                "text",
                "what kind of problem it is: of one customer, or of a "
                "process, a product or a policy",
                "问题类别：单个客户、流程、产品或政策",
                allowed=("one customer", "process", "product", "policy"),
            ),
            _column(
                "level",
                "text",
                "the level that can solve it, e.g. front line, team, department, board",
                "能够解决的层级，例如一线、团队、部门、董事会",
            ),
            _column(
                "about",
                "text",
                "the item, touchpoint or topic of the study that it is about",
                "所针对的题目、触点或主题",
            ),
            _column("owner", "text", "who answers for it", "负责人"),
            _customer(),
            _column("begun_on", "date", "when it began", "开始日期"),
            _column("due_on", "date", "when it shall be done", "截止日期"),
            _column(
                "done_on", "date", "when it was done or dropped", "完成或放弃日期", after="begun_on"
            ),
            _column(
                "status",
                "text",
                "where it stands",
                "状态",
                allowed=("planned", "started", "done", "dropped"),
            ),
            _column("cost", "number", "what it costs", "成本", unit="currency", low=0),
            _column(
                "measure",
                "text",
                "what its effect is counted in, e.g. points of NPS",
                "效果的计量单位，例如 NPS 点数",
            ),
            _column("predicted", "number", "predicted effect", "预期效果"),
            _column("predicted_low", "number", "low end of its 95% interval", "其 95% 区间下限"),
            _column("predicted_high", "number", "high end of its 95% interval", "其 95% 区间上限"),
            _column(
                "answers",
                "integer",
                "how many answers the prediction rests on",
                "预期所依据的答卷数",
                low=0,
            ),
            _column(
                "worth",
                "number",
                "what one unit of the effect brings in a year",
                "一单位效果一年带来的金额",
                unit="currency",
            ),
            _column("realised", "number", "realised effect", "实际效果"),
            _column("realised_low", "number", "low end of its 95% interval", "其 95% 区间下限"),
            _column("realised_high", "number", "high end of its 95% interval", "其 95% 区间上限"),
        ),
        _table(
            "audits",
            "audit_id",
            "one row per rater's answer to a maturity item",
            "成熟度评估中每位评估人对每个条目的回答一行",
            _key("audit_id", "the answer", "评估编号"),
            _column("item", "text", "item of the maturity grid", "条目", required=True),
            _column("rater", "text", "who answered", "评估人"),
            _column("on", "date", "when", "日期"),
            _column(
                "evidence",
                "integer",
                "0 none, 1 claimed, 2 documented, 3 documented and used in the last 12 months",
                "证据等级：0 无，1 口头，2 有文档，3 有文档且近 12 个月内使用",
                low=0,
                high=3,
            ),
        ),
        _table(
            "units",
            "unit",
            "one row a unit of the organisation: region, branch, team, agent",
            "组织中每个单位一行：大区、门店、班组、坐席",
            _key("unit", "the unit, as answers or cases name it", "单位，与回答或工单中的名称一致"),
            _column(
                "parent",
                "text",
                "the unit it belongs to; empty at the top",
                "所属上级单位；最上级为空",
            ),
            _column("manager", "text", "who is responsible for it", "负责人"),
        ),
        _table(
            "benchmarks",
            "benchmark_id",
            "one row a published value or one of others to compare a measure with",
            "每个可对标的公开数值或其他单位数值一行",
            _key("benchmark_id", "the benchmark", "对标值编号"),
            _column(
                "measure",
                "text",
                "the measure: nps, csat, effort, index or a question",
                "指标：nps、csat、effort、index 或题目",
                required=True,
            ),
            _column("value", "number", "the value", "数值", required=True),
            _column("n", "number", "answers it rests on", "所依据的回答数", low=1),
            _column("error", "number", "its standard error", "标准误", low=0),
            _column("source", "text", "who published it", "来源", required=True),
            _column("period", "text", "when it was measured", "测量时期"),
            _column("industry", "text", "of which industry or company it is", "行业或企业"),
        ),
        _table(
            "contacts",
            "contact_id",
            "one row per contact made by the company, and per control of a call-back",
            "企业每次主动联系客户一行；回访的每位对照客户也各占一行",
            _key("contact_id", "the contact", "联系编号"),
            _customer(required=True),
            _column(
                "at",
                "date",
                "when it was made, or chance decided",
                "联系或随机分组的时间",
                required=True,
            ),
            _column("channel", "text", "where", "渠道"),
            _column("reason", "text", "why the customer was contacted", "联系原因"),
            _column("campaign", "text", "of which campaign or programme it is", "所属活动或计划"),
            _column(
                "arm",
                "text",
                "what chance decided, where it did: contacted, or control (not contacted)",
                "随机分组结果：contacted 为联系，control 为对照（不联系）；非随机则为空",
                allowed=("contacted", "control"),
            ),
            _column(
                "block",
                "text",
                "the group of equals within which chance decided",
                "随机分组所在的同级组",
            ),
            _column("outcome", "text", "how it ended", "结果"),
        ),
    )
}


RULE_LABELS = {  # what the dictionary says of kinds and rules: English, Chinese
    "text": ("text", "文本"),
    "number": ("number", "数值"),
    "integer": ("integer", "整数"),
    "date": ("date", "日期"),
    "flag": ("flag", "是或否"),
    "unique": ("unique", "唯一"),
    "required": ("never empty", "不可为空"),
    "between": ("{low:,.12g} to {high:,.12g}", "{low:,.12g} 至 {high:,.12g}"),
    "at least": ("{low:g} or more", "{low:g} 或以上"),
    "one of": ("one of {allowed}", "取值：{allowed}"),
    "refers": ("in {refers}", "须在 {refers} 中"),
    "after": ("not before {after}", "不早于 {after}"),
    "scale": ("on its scale", "须在量表范围内"),
}


def dictionary(lang: str = "en") -> pd.DataFrame:
    """The data dictionary: table, column, kind, unit, what must hold, meaning in `lang`."""
    said = {name: words[lang == "zh"] for name, words in RULE_LABELS.items()}
    rows = [
        {
            "table": t.name,
            "column": f"{c.name} *" if c.name in t.key else c.name,
            "kind": said[c.kind],
            "unit": c.unit,
            "must hold": ("；" if lang == "zh" else "; ").join(_rules(t, c, said)),
            "meaning": c.meaning[lang],
        }
        for t in TABLES.values()
        for c in t.columns.values()
    ]
    return pd.DataFrame(rows)


def _rules(table: Table, column: Column, said: dict[str, str]) -> list[str]:
    holds = {
        "unique": table.key == (column.name,),
        "required": column.required,
        "between": column.low is not None and column.high is not None,
        "at least": column.low is not None and column.high is None,
        "one of": bool(column.allowed),
        "refers": bool(column.refers),
        "after": bool(column.after),
        "scale": column.rating,
    }
    words = {
        "low": column.low,
        "high": column.high,
        "allowed": ", ".join(column.allowed),
        "refers": column.refers,
        "after": column.after,
    }
    return [said[rule].format(**words) for rule, yes in holds.items() if yes]


LABELS = {  # what readers call tables, columns and what is counted of them: English, Chinese
    "customers": ("customers", "客户"),
    "responses": ("responses", "问卷"),
    "invitations": ("invitations", "调研邀请"),
    "events": ("events", "触点事件"),
    "visits": ("visits", "访问"),
    "orders": ("orders", "订单"),
    "order_lines": ("order lines", "订单明细"),
    "cases": ("cases", "工单"),
    "case_statuses": ("statuses of cases", "工单状态"),
    "comments": ("comments", "评论"),
    "actions": ("actions", "行动"),
    "audits": ("audits", "评估"),
    "units": ("units", "单位"),
    "benchmarks": ("benchmarks", "对标值"),
    "contacts": ("contacts", "联系"),
    "contact_id": ("contact", "联系编号"),
    "arm": ("arm of the trial", "试验组别"),
    "block": ("block of the trial", "试验区组"),
    "customer_id": ("customer", "客户编号"),
    "response_id": ("response", "问卷编号"),
    "invitation_id": ("invitation", "邀请编号"),
    "sent_at": ("sent at", "发送时间"),
    "reminder_of": ("reminder of", "所催答的邀请"),
    "event_id": ("event", "事件编号"),
    "visit_id": ("visit", "访问编号"),
    "page": ("landing page", "着陆页"),
    "device": ("device", "设备"),
    "pages": ("pages viewed", "浏览页数"),
    "bounces": ("bounces", "跳出次数"),
    "conversions": ("conversions", "转化次数"),
    "help": ("help visit", "求助访问"),
    "order_id": ("order", "订单编号"),
    "case_id": ("case", "工单编号"),
    "status_id": ("change of status", "状态变更编号"),
    "comment_id": ("comment", "评论编号"),
    "action_id": ("action", "行动编号"),
    "audit_id": ("audit", "评估编号"),
    "benchmark_id": ("benchmark", "对标值编号"),
    "parent": ("belongs to", "上级单位"),
    "manager": ("manager", "负责人"),
    "industry": ("industry", "行业"),
    "at": ("time", "时间"),
    "line": ("line", "行号"),
    "product": ("product", "产品"),
    "quantity": ("quantity", "数量"),
    "reopened": ("reopened", "曾重开"),
    "lang": ("language", "语言"),
    "text": ("text", "文字"),
    "problem": ("problem", "问题"),
    "about": ("about", "针对"),
    "begun_on": ("begun on", "开始日期"),
    "due_on": ("due on", "截止日期"),
    "done_on": ("done on", "完成日期"),
    "class": ("class", "类别"),
    "cost": ("cost", "成本"),
    "predicted": ("predicted", "预期"),
    "predicted_low": ("predicted, low end", "预期下限"),
    "predicted_high": ("predicted, high end", "预期上限"),
    "realised_low": ("realised, low end", "实际下限"),
    "realised_high": ("realised, high end", "实际上限"),
    "status": ("status", "状态"),
    "rater": ("rater", "评估人"),
    "on": ("date", "日期"),
    "evidence": ("evidence", "依据"),
    "joined_on": ("joined on", "加入日期"),
    "left_on": ("left on", "流失日期"),
    "left_because": ("reason for leaving", "流失原因"),
    "referred_by": ("brought by", "介绍人"),
    "left": ("left", "已流失"),
    "answered_on": ("answered on", "填答日期"),
    "wave": ("wave", "轮次"),
    "channel": ("channel", "渠道"),
    "weight": ("weight", "权重"),
    "promised_on": ("promised on", "承诺送达日期"),
    "delivered_at": ("delivered at", "送达时间"),
    "cancelled": ("cancelled", "已取消"),
    "touchpoint": ("touchpoint", "触点"),
    "stage": ("stage", "阶段"),
    "minutes": ("minutes", "分钟"),
    "sequence": ("sequence", "次序"),
    "amount": ("amount", "金额"),
    "category": ("category", "类别"),
    "severity": ("severity", "严重程度"),
    "owner": ("owner", "负责人"),
    "satisfaction_after": ("satisfaction with the solution", "对处理结果的满意度"),
    "left_out": ("left out by `only`", "被 `only` 排除"),
    "tenure_days": ("days as a customer", "成为客户的天数"),
    "recency_days": ("days since the last order", "距上次下单天数"),
    "orders_365": ("orders in 365 days", "365 天内订单数"),
    "spend_365": ("spend in 365 days", "365 天内消费额"),
    "cases_180": ("cases in 180 days", "180 天内工单数"),
    "open_cases": ("open cases", "未解决工单数"),
    "last_satisfaction": ("last satisfaction", "最近一次满意度"),
    "events_90": ("contacts in 90 days", "90 天内接触次数"),
    "en": ("English", "英语"),  # values of `lang`: codes are no words for readers
    "zh": ("Chinese", "中文"),
}


def labels(lang: str = "en") -> dict[str, str]:
    """What readers call tables and columns, in `lang`; a study's own labels go before these."""
    at = ("en", "zh").index(lang)
    return {name: words[at] for name, words in LABELS.items()}


def markdown() -> str:
    """The data dictionary as the page data/README.md: a table for each table, in both languages."""
    lines = [
        "# Data dictionary",
        "",
        "The tables a study may have, made from `cxlib/data/contract.py`; `cx check --dictionary`",
        "prints it too. Columns of the key are marked with a star. Further columns of a file can",
        "be kept as attributes; the questions of a survey are declared in its `study.yaml`.",
    ]
    english, chinese = dictionary("en"), dictionary("zh")
    for table in TABLES.values():
        lines += ["", f"## {table.name}", "", f"{table.meaning['en']} · {table.meaning['zh']}", ""]
        lines += [
            "| column | kind | must hold | meaning | 含义 |",
            "| --- | --- | --- | --- | --- |",
        ]
        for e, z in zip(english.itertuples(), chinese.itertuples(), strict=True):
            if e.table == table.name:
                kind = f"{e.kind}, {e.unit}" if e.unit else e.kind
                cells = (f"`{e.column}`", kind, e[5], e.meaning, z.meaning)
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
