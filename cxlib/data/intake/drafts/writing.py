"""A plan written as study.yaml: what was taken, with the evidence and confidence of each guess."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cxlib.core import codes
from cxlib.data import contract, schema
from cxlib.data.intake import conversion
from cxlib.data.intake.drafts.looking import clean, slug
from cxlib.data.intake.drafts.parts import TableOf
from cxlib.data.intake.drafts.plans import Plan
from cxlib.data.intake.drafts.questions import Rating
from cxlib.data.intake.profiles.recognition import plain

EXPORT = re.compile(  # words of an export's name that say nothing of the study
    r"responses?|results?|export(ed|s)?|raw|data|answers?|survey\d+|antworten|réponses|respuestas"
    r"|odpovědi|final|copy|kopie|副本|按文本|按序号|按选项|原始数据|答卷数据|(?!(19|20)\d\d$)\d+"
    r"|(?=.*\d)(?=.*[A-Za-z])[A-Za-z\d]{5,}",
    re.IGNORECASE,
)
LEFT = re.compile(
    r"(^|_)(churn(ed)?|left|exit(ed)?|attrit(ion|ed)|cancell?ed|terminated|gekündigt)(_|$)|流失|退订"
)
HAN = re.compile("[\u3400-\u9fff]")
KANA = re.compile(
    "[\u3041-\u306d\u306f-\u3096\u30a1-\u30fa]"
)  # but \u306e, which Chinese write too
MORE = [  # what the files do not tell
    "",
    "# Further keys, when you have what they need (`cx help study.yaml` explains all):",
    "# margins: {region: {north: 0.4, south: 0.6}}   # population shares, to weight answers to",
    "# replicates: {prefix: rep, kind: jk1}   # replicate weights that the file of responses has",
    "# model: {preset: ecsi10, constructs: {image: [ITEM], ...}}   # the index of notebook 11",
]


def text_of(plan: Plan, folder: Path, copies: Mapping[Path, Path]) -> str:
    """The study.yaml of a plan, for a study in `folder`; `copies` are where files will lie."""
    open_ = [
        f"{q.text} Taken: {q.options[q.proposed]}" for q in plan.questions if not q.settled
    ] + plan.doubts
    lines = [
        f"# Drafted by `cx new` from {len(plan.files)} file(s). Beside each guess stands what",
        "# speaks for it, and its confidence: high, medium, low. Correct it, then run",
        f"# `cx check {plan.name}`.",
        f"title: {_both(title_of(plan))}  # made from the name of a file; zh: on Chinese pages",
        "# source: who collected these data, when and how (reports show it)",
        "# licence: internal, or the licence that they came under",
        *(f"# Left out: {why}" for why in plan.passed),
    ]
    if open_:
        lines += [
            "",
            "# Take a line away when you have confirmed or corrected what it says.",
            "unconfirmed:",
        ]
        lines += [f"  - {json.dumps(o, ensure_ascii=False)}" for o in open_]
    lines += ["", f"time_zone: {plan.time_zone}"] * bool(plan.time_zone) + ["", "tables:"]
    for table, of in plan.tables.items():
        lines += _table(plan, table, of, lambda p: _relative(copies.get(p, p), folder))
    lines += _items(plan.ratings) + _ending(plan)
    # YAML allows no control characters; between double quotes it reads them from their numbers.
    return re.sub(r"[\x7f-\x9f\ufeff]", lambda c: f"\\u{ord(c[0]):04x}", "\n".join(lines) + "\n")


# Tables


def _table(plan: Plan, table: str, of: list[TableOf], where: Callable[[Path], str]) -> list[str]:
    shared = _shared(plan, table, of)
    lines = [f"  {table}:"]
    lines += [f"    # {note}" for note in dict.fromkeys(n for p in of for n in p.notes)]
    lines.append("    files:")
    same = all(p.derive == of[0].derive for p in of)
    for part in of:
        lines += _file(plan, part, shared, where, with_derive=not same)
    lines.append("    columns:  # ours: theirs")
    ratings = {r.name: r for r in plan.ratings}
    for ours, theirs in shared.items():
        why = of[0].why.get(ours, "")
        comment = f"  # {why}" if why and ours not in ratings else ""
        lines.append(f"      {quoted(ours)}: {quoted(theirs)}{comment}")
    if same and of[0].derive:
        lines += ["    derive:", *_derived(of[0].derive, "      ")]
    for key, answers in plan.forms.get(table, {}).items():
        lines.append(f"    {key}: {_flow(answers)}")
    if recodes := _recodes(plan, table, shared):
        lines.append("    recode:")
        lines += [f"      {quoted(name)}: {_flow(codes)}" for name, codes in recodes.items()]
    if of[0].only:
        lines.append(f"    only: {quoted(of[0].only)}")
    if of[0].merge is not None:
        lines.append(f"    merge: {_list(of[0].merge) if of[0].merge else 'true'}")
    if left := {c: why for p in of for c, why in p.left_out.items()}:
        lines.append("    # Left out:")
        lines += [f"    #   {c}: {why}" for c, why in left.items()]
    if kept := _everywhere(plan, table, of):
        lines.append(f"    keep: {_list(kept)}  # further columns, to filter and group by")
    return lines


def _recodes(plan: Plan, table: str, shared: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The codes of words, by column: of questions, and of the scores of comments or cases."""
    if table == "responses":
        return {r.name: r.recode for r in plan.ratings if r.recode}
    scored = {shared[c]: c for c in ("score", "satisfaction_after") if c in shared}
    return {
        scored[r.column]: {w: None if c in r.not_experienced else c for w, c in r.recode.items()}
        for r in plan.ratings
        if r.recode and r.column in scored
    }


def _own(part: TableOf, column: str) -> str:
    """The file's name of a column; empty when the file does not have it."""
    return next((c for c in part.free if plain(c) == plain(column)), "")


def _everywhere(plan: Plan, table: str, of: list[TableOf]) -> list[str]:
    return [c for c in plan.kept.get(table, []) if all(_own(p, c) == c for p in of)]


def _named(plan: Plan, table: str, of: list[TableOf]) -> dict[str, str]:
    """Items and kept columns that need a name in `columns`: ours -> theirs."""
    named = {r.name: r.column for r in plan.ratings} if table == "responses" else {}
    kept = set(_everywhere(plan, table, of))
    return named | {c: c for c in plan.kept.get(table, []) if c not in kept}


def _shared(plan: Plan, table: str, of: list[TableOf]) -> dict[str, str]:
    """The columns of the table: ours, and what the first file that has them calls them."""
    out: dict[str, str] = {}
    for part in of:
        for ours, theirs in part.columns.items():
            out.setdefault(ours, theirs)
    return out | _named(plan, table, of)


def _file(
    plan: Plan,
    part: TableOf,
    shared: dict[str, str],
    where: Callable[[Path], str],
    *,
    with_derive: bool,
) -> list[str]:
    seen, raw = part.seen, part.seen.raw
    lines = [f"      # {seen.profile.title}"] if seen.profile else []
    lines += [f"      # {note}" for note in raw.notes]
    lines.append(f"      - file: {quoted(where(seen.path))}")
    if seen.part:
        key, value = seen.part
        lines.append(f"        {key}: {json.dumps(value, ensure_ascii=False)}")
    if raw.encoding not in ("", "utf-8", "utf-8-sig") and raw.delimiter:
        lines.append(f"        encoding: {raw.encoding}")
    if raw.delimiter not in ("", ","):
        lines.append(f"        delimiter: {quoted(raw.delimiter)}")
    if part.rows:
        lines.append("        filled:" + _left_rows(part))
        lines += [f"          {quoted(c)}: {_list(words)}" for c, words in part.rows.items()]
    own = {o: part.columns.get(o, "") for o in shared if o in contract.TABLES[part.table].columns}
    own |= {o: _own(part, t) for o, t in _named(plan, part.table, plan.tables[part.table]).items()}
    if differing := {o: t for o, t in own.items() if t != shared[o]}:
        lines.append(f'        columns: {_flow(differing)}  # "": not in this file')
    constants = dict(part.constants)
    if part.table == "responses" and plan.waves == "file":
        constants["wave"] = seen.title
    if constants:
        lines.append(f"        constants: {_flow(constants)}")
    if with_derive and part.derive:
        lines += ["        derive:", *_derived(part.derive, "          ")]
    return lines


def _left_rows(part: TableOf) -> str:
    """How many rows the file's `filled` leaves out, by the word that they hold."""
    counts = []
    for column, words in part.rows.items():
        cells = conversion.text(part.seen.raw.frame[column])
        counts += [f"{n:,} {w}" for w, n in cells[cells.isin(words)].value_counts().items()]
        if blank := int(cells.isna().sum()):
            counts.append(f"{blank:,} without {column}")
    return f"  # leaves out: {', '.join(counts) or 'no row of this file'}"


def _derived(derive: Mapping[str, str], indent: str) -> Iterator[str]:
    return (f"{indent}{quoted(n)}: {json.dumps(e, ensure_ascii=False)}" for n, e in derive.items())


# Questions


def _items(ratings: list[Rating]) -> list[str]:
    if not ratings:
        return []
    lines = ["", "# Questions. Roles: " + ", ".join(schema.ROLES) + ".", "items:"]
    for r in ratings:
        odd = f"; {r.odd:,} answer(s) are not on it, `cx check` shows them" if r.odd else ""
        lines += [
            f"  {quoted(r.name)}:",
            f"    label: {_both(r.label, r.label_zh)}",
            *([f"    wording: {_both(r.wording)}"] if r.wording else []),
            f"    scale: [{r.scale[0]}, {r.scale[1]}]  # {r.sure}: {r.why}{odd}",
            f"    role: {r.role}",
        ]
        if r.reverse:
            lines.append("    reverse: true  # a low number is the good one")
        if r.scale[1] - r.scale[0] == 2 and r.role == "csat":
            best = r.scale[0 if r.reverse else 1]
            lines.append(
                f"    satisfied: {best}  # of three answers the best alone, not the middle"
            )
        if r.confirmed and not r.odd:
            lines.append("    confirmed: true  # value labels name both ends of the scale")
        for key, values in (("missing", r.missing), ("not_experienced", r.not_experienced)):
            if values:
                lines.append(f"    {key}: [{', '.join(f'{c:g}' for c in values)}]")
    return lines


# The rest


def _ending(plan: Plan) -> list[str]:
    lines = [""]
    flag = _churn_flag(plan)
    if flag:
        lines.append(
            f"churn: {{flag: {quoted(flag[0])}, left: {quoted(flag[1])}}}  # medium: its name"
        )
    named = {c: label for c, label in plan.labels.items() if label != c}
    wordings = _wordings(plan)
    for table, of in plan.tables.items():
        if table != "responses":
            named |= {
                c: p.seen.columns[c].label
                for p in of
                for c in plan.kept.get(table, [])
                if c in p.seen.columns and p.seen.columns[c].label != c
            }
    if named:
        lines.append("labels:")
        lines += [f"  {quoted(c)}: {_both(said)}{wordings.get(c, '')}" for c, said in named.items()]
    if plan.outcome and plan.outcome != _default_outcome(plan):
        lines.append(f"outcome: {quoted(plan.outcome)}")
    if plan.group:
        lines.append(f"group: {quoted(plan.group)}  # low: the first column of few, large groups")
    asked = [r.wording or r.label for r in plan.ratings]
    if sum(bool(HAN.search(a)) for a in asked) > len(asked) / 2 and not _japanese(plan):
        lines.append("reporting: {languages: [zh]}  # questions are in Chinese; [zh, en]: both")
    lines.append(f"reports: {json.dumps(reports(plan, bool(flag)))}")
    return lines + (MORE if "responses" in plan.tables else [])


def _japanese(plan: Plan) -> bool:
    """Whether kana stand in a header or among the answers to a rated question."""
    rated = {r.column for r in plan.ratings}
    columns = [c for p in plan.tables["responses"] for c in p.seen.columns.values()]
    words = [str(w) for c in columns if c.name in rated for w in c.counts.index]
    return any(KANA.search(w) for w in [*(c.label for c in columns), *words])


def _wordings(plan: Plan) -> dict[str, str]:
    """As comments, the questions of groups whose columns are called by a code."""
    asked = {
        c: p.seen.columns[c].label
        for p in plan.tables.get("responses", [])
        for c in plan.labels
        if c in p.seen.columns
    }
    return {
        c: f"  # {w}" for c, w in asked.items() if w != plan.labels[c] and slug(w) != slug(clean(c))
    }


def title_of(plan: Plan) -> str:
    """A title made from the name of the only file, where that says something; else the study's."""
    stem = re.sub(r"[(（\[][^)）\]]*[)）\]]", " ", plan.files[0].name.partition(".")[0])
    words = [w for w in re.split(r"[\W_]+", stem) if w and not EXPORT.fullmatch(w)]
    said = " ".join(words) if len(plan.files) == 1 else ""
    alone = len(words) == 1 and len(words[0]) < 5 and said.isascii()
    said = plan.name.replace("_", " ").replace("-", " ") if not said or alone else said
    return said[:1].upper() + said[1:]


def _default_outcome(plan: Plan) -> str:
    by_role = (r.name for role in ("nps", "csat", "effort") for r in plan.ratings if r.role == role)
    return next(by_role, "")


def reports(plan: Plan, left: bool) -> list[str]:
    """The notebooks that these tables are enough for."""
    there, roles = plan.tables, [r.role for r in plan.ratings]
    asked = bool({"csat", "nps", "effort"} & set(roles))
    waves = plan.waves or any(
        "wave" in p.columns and len(p.seen.columns[p.columns["wave"]].counts) > 1
        for p in there.get("responses", [])
    )
    known = any(
        "customer_id" in p.columns or "md5" in p.derive.get("customer_id", "")
        for p in there.get("orders", [])
    )
    paid = known and any("amount" in {**p.columns, **p.derive} for p in there.get("orders", []))
    numbers = _numbers_of_customers(plan)
    dated = any("left_on" in p.columns for p in there.get("customers", []))
    wanted = {
        "00": True,
        "01": asked and "invitations" in there,
        "10": asked,
        "12": asked and waves,
        "20": asked and roles.count("touchpoint") > 1,
        "21": asked and roles.count("touchpoint") > 1,
        "22": "events" in there,
        "23": "comments" in there,
        "24": "cases" in there,
        "30": paid or numbers > 1,
        "31": paid,
        "32": left or dated,
        "33": paid or _bought_again(there.get("orders", [])),
        "34": "order_lines" in there,
    }
    return [number for number, ready in wanted.items() if ready]


def _bought_again(orders: list[TableOf]) -> bool:
    """Whether some customer has several orders, by the rows of the files."""
    for part in orders:
        who, when = part.columns.get("customer_id"), part.columns.get("at")
        if who and when:
            frame = part.seen.raw.frame[[who, when]].drop_duplicates()
            if frame[who].dropna().duplicated().any():
                return True
    return False


def _numbers_of_customers(plan: Plan) -> int:
    """Columns of customers that hold numbers: what segments can be made of."""
    kept = plan.kept.get("customers", [])
    columns = (
        p.seen.columns[c]
        for p in plan.tables.get("customers", [])
        for c in kept
        if c in p.seen.columns
    )
    return sum(c.not_numbers == 0 and len(c.counts) > 2 for c in columns)


def _churn_flag(plan: Plan) -> tuple[str, str] | None:
    for part in plan.tables.get("customers", []):
        for column in plan.kept.get("customers", []):
            values = (
                list(part.seen.columns[column].counts.index) if column in part.seen.columns else []
            )
            if LEFT.search(slug(column)) and len(values) == 2:
                left = [v for v in values if v.casefold() in codes.YES or LEFT.search(slug(v))]
                return (column, left[0]) if left else None
    return None


# YAML


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def quoted(text: str) -> str:
    """Text as YAML reads it back: bare where that is safe, in double quotes elsewhere."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) and text.casefold() not in (
        *("yes", "no", "on", "off", "true", "false", "null", "y", "n"),
    ):
        return text
    return json.dumps(text, ensure_ascii=False)


def _both(words: str, chinese: str = "") -> str:
    en, zh = (json.dumps(w, ensure_ascii=False) for w in (words, chinese or words))
    return f"{{en: {en}, zh: {zh}}}"


def _list(words: list[str]) -> str:
    return f"[{', '.join(map(quoted, words))}]"


def _flow(values: Mapping[str, object]) -> str:
    pairs = (f"{quoted(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in values.items())
    return f"{{{', '.join(pairs)}}}"
