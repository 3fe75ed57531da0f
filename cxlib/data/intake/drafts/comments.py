"""Which columns of a survey are comments: texts in people's own words."""

from __future__ import annotations

import pandas as pd

from cxlib.data.intake.cells import NO_VALUE
from cxlib.data.intake.drafts import scales
from cxlib.data.intake.drafts.labels import label
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.plans import Plan
from cxlib.data.intake.drafts.questions import asks
from cxlib.data.intake.drafts.tables import ROW, TableOf, dates_in
from cxlib.data.intake.profiles.recognition import plain

NOTHING = (
    "no",
    "nope",
    "nothing",
    "no comment",
    "no comments",
    "nil",
    "x",
    "?",
    "..",
    "...",
    "无",
    "没有",
    "暂无",
    "nein",
    "nichts",
    "non",
    "ninguno",
    "nada",
)  # said instead of a comment


def written(column: Column) -> pd.Series:
    """The cells that say something in words: neither "NA" nor "nothing"."""
    small = column.words.str.strip().str.casefold()
    return column.words[~small.isin([*NO_VALUE, *NOTHING]) & (small.map(scales.no_rating) == "")]


def open_text(column: Column) -> bool:
    """Whether a column holds sentences in people's own words."""
    words = written(column)
    different = words.nunique()
    if column.labels or different < 5 or column.not_numbers < 0.9 * len(column.words):
        return False
    if dates_in(column) >= 0.5 or _chosen(words) or _codes_only(words):
        return False
    length, spaces = words.str.len().mean(), words.str.count(r"\s").mean()
    chinese = words.str.contains(r"[\u3040-\u30ff\u4e00-\u9fff]").mean() > 0.5
    named = asks("own_words").search(column.text)
    varied = different > max(5, 0.2 * len(words)) or different > 100
    return bool(
        varied
        and (
            length > 25
            or spaces >= 3
            or (chinese and length > 8)
            or (named and (length > 8 or spaces >= 1))
        )
    )


def _chosen(words: pd.Series) -> bool:
    """Lists of answers that were offered, beside a few of one's own: their parts repeat."""
    parts = words.str.split(r"[,;┋]\s*", regex=True).explode().str.strip()
    return len(parts) > 1.5 * len(words) and parts.nunique() < 0.3 * len(parts)


def _codes_only(words: pd.Series) -> bool:
    """Letters and digits without a blank: tokens such as 7f3c-11aa, and no sentences."""
    return bool(words.str.fullmatch(r"[\x21-\x7e]+").mean() > 0.5)


def unique_text(column: Column) -> bool:
    """Short texts that hardly repeat: names, ids."""
    many = len(column.counts) > 0.8 * len(column.words) and len(column.words) > 20
    return many and column.not_numbers > 0.5 * len(column.words) and dates_in(column) < 0.5


def leave_out(plan: Plan, column: str, why: str) -> None:
    for part in plan.tables["responses"]:
        if column in part.seen.columns:
            part.left_out[column] = why


def add(plan: Plan, texts: dict[str, Column], ignored: dict[str, str]) -> None:
    """Make comments of the columns, the fullest first; each says which question it answers."""
    if "comments" in plan.tables:
        for n in texts:
            leave_out(plan, n, "text in people's own words")
        return
    fullest = sorted(texts, key=lambda n: -written(texts[n]).str.len().sum())
    of = [
        _of(part, theirs, texts[n], ignored)
        for n in fullest
        for part in plan.tables["responses"]
        if (theirs := next((c for c in part.free if plain(c) == plain(n)), None))
    ]
    if len({part.columns["text"] for part in of}) > 1:
        for part in of:
            part.constants["question"] = label(part.seen.columns[part.columns["text"]].label)
    if of:
        plan.tables["comments"] = of


def _of(part: TableOf, theirs: str, column: Column, ignored: dict[str, str]) -> TableOf:
    columns = {"comment_id": ROW, "response_id": part.columns["response_id"], "text": theirs}
    for ours, own in (("at", "answered_on"), ("customer_id", "customer_id")):
        if own in part.columns:
            columns[ours] = part.columns[own]
    said = set(written(column).index)
    empty = set(column.words[[i not in said for i in column.words.index]])
    empty |= {w for w in ignored if w in column.counts.index}
    why = {"text": "high: sentences in people's own words"}
    return TableOf(part.seen, "comments", columns, why, rows={**part.rows, theirs: sorted(empty)})


def score(plan: Plan) -> None:
    """Give comments that came with the outcome its answer as their score."""
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    if outcome is None or outcome.reverse:
        return
    for part in plan.tables.get("comments", []):
        if part.seen.profile is None and part.columns.get("response_id"):
            theirs = next((c for c in part.seen.columns if plain(c) == plain(outcome.column)), "")
            if theirs and "score" not in part.columns:
                part.columns["score"], part.why["score"] = theirs, "high: the outcome"
