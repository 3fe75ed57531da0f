"""Which columns of a survey are comments: texts in people's own words."""

from __future__ import annotations

from cxlib.data.intake.drafts.labels import label
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.parts import ROW, TableOf
from cxlib.data.intake.drafts.plans import Plan
from cxlib.data.intake.drafts.texts import written
from cxlib.data.intake.profiles.recognition import plain


def leave_out(plan: Plan, column: str, why: str) -> None:
    """Leave a column out of the responses, and say why."""
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
    derive = {ours: made for ours, made in part.derive.items() if ours == "customer_id"}
    said = set(written(column).index)
    empty = set(column.words[[i not in said for i in column.words.index]])
    empty |= {w for w in ignored if w in column.counts.index}
    why = {"text": "high: sentences in people's own words"}
    rows = {**part.rows, theirs: sorted(empty)}
    return TableOf(part.seen, "comments", columns, why, derive, rows)


def score(plan: Plan) -> None:
    """Give comments that came with the outcome its answer as their score."""
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    if outcome is None or outcome.reverse:
        return
    for part in plan.tables.get("comments", []):
        if part.columns.get("response_id"):
            theirs = next((c for c in part.seen.columns if plain(c) == plain(outcome.column)), "")
            if theirs and "score" not in part.columns:
                part.columns["score"], part.why["score"] = theirs, "high: the outcome"
