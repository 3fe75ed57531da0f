"""The column whose groups a draft compares, by those who answered the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from cxlib.data.intake import conversion
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.parts import TableOf, counted_rows
from cxlib.data.intake.drafts.plans import Plan
from cxlib.data.intake.drafts.questions import Rating, asks, coded
from cxlib.data.intake.profiles.recognition import plain

SMALL = 10  # answers of a group, below which nothing is compared
MOST = 12  # groups that a figure shows


def choose(plan: Plan, columns: Mapping[str, Column]) -> None:
    """Take the channel, else the first column that names groups, else the first that has some.

    Each of its groups is large enough among those who answered the outcome; a file may hold people
    who were not asked. Codes without names come last, and what the outcome decides is no group.
    """
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    rated = [columns[r.column] for r in plan.ratings if r.column in columns]
    some = [columns[n] for n in plan.kept["responses"] if n in columns]
    some = [c for c in some if not no_customers(c).sum()]
    some = [c for c in some if c.dates < 0.9 and not any(_bands(c, r) for r in rated)]
    some.sort(
        key=lambda c: (not asks("groups").search(c.text), c.not_numbers == 0 and not c.labels)
    )
    answered = list(_answered(plan, outcome))
    first = plan.tables["responses"][0].columns
    if "channel" in first and _large(answered, first["channel"]):
        plan.group = "channel"
    else:
        plan.group = next((c.name for c in some if _large(answered, c.name)), "")


def no_customers(column: Column) -> pd.Series:
    """How often each word for tests or one's own staff stands in a column of kinds."""
    counts = column.counts
    other = counts[[bool(asks("not_customers").fullmatch(str(w).casefold())) for w in counts.index]]
    few = 0 < other.sum() <= 0.3 * counts.sum() and len(counts) <= MOST
    return other if few else other.head(0)


def _answered(plan: Plan, outcome: Rating | None) -> Iterator[tuple[TableOf, pd.Index]]:
    """Each file with the rows that count and have an answer to the outcome."""
    for part in plan.tables["responses"]:
        rows = counted_rows(part)
        theirs = _own(part, outcome.column) if outcome else ""
        if outcome and theirs:
            answers = coded(part.seen.columns[theirs], outcome)
            rows &= answers.notna().to_numpy()
        elif outcome:
            rows &= False
        yield part, rows.index[rows]


def _large(answered: list[tuple[TableOf, pd.Index]], column: str) -> bool:
    """Whether the column has 2 to 12 groups, and each enough answers."""
    cells = [p.seen.raw.frame.loc[rows, own] for p, rows in answered if (own := _own(p, column))]
    sizes = conversion.text(pd.concat(cells, ignore_index=True)).value_counts() if cells else []
    return 2 <= len(sizes) <= MOST and min(sizes) >= SMALL


def _own(part: TableOf, column: str) -> str:
    return next((c for c in part.seen.columns if plain(c) == plain(column)), "")


def _bands(column: Column, rating: Column) -> bool:
    """Promoters and detractors, "4 or 5": groups that the answers to a rating already decide."""
    if len(column.cells) != len(rating.cells):
        return False
    both = pd.DataFrame({"band": column.words, "answer": rating.words}).dropna()
    of_answer = both.groupby("answer")["band"].agg(["nunique", "first"])
    bands = both["band"].nunique()
    if not 1 < bands < len(of_answer) or (of_answer["nunique"] > 1).any():
        return False
    number = pd.to_numeric(of_answer.index.to_series(), errors="coerce")
    ordered = of_answer["first"].loc[number.sort_values().index].tolist()
    # A band is a run of answers; a group that chance spreads over them is none.
    turns = sum(a != b for a, b in zip(ordered, ordered[1:], strict=False))
    return bool(number.isna().any()) or turns + 1 == bands
