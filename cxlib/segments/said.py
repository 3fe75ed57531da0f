"""What a fit of segments says: the sentence and the notes."""

from __future__ import annotations

import pandas as pd

from cxlib import page
from cxlib.segments.profiles import PATTERN, told
from cxlib.segments.space import FARTHEST, Axis, clipped

CLEAR = 0.25  # silhouette below which segments shade into each other


def answer(named: pd.DataFrame) -> str:
    """How many segments, the largest, and how many are stable."""
    first = named.iloc[0]
    return page.say(
        "{k} segments; the largest ({name}) holds {share} of {n} customers ({span}). {stable} of "
        "{k} are stable.",
        k=len(named),
        name=first.term,
        **told(first, "share") | {"n": page.count(named["n"].sum())},
        stable=int((named["verdict"] == "report").sum()),
    )


def mark(marks: pd.DataFrame) -> str:
    """Where a segment is furthest from the average customer."""
    row = marks.loc[marks["estimate"].abs().idxmax()]
    return page.say(
        "Furthest from the average customer: {segment}, {feature} {value} standard deviations "
        "({span}).",
        segment=page.quoted(row.segment),
        feature=page.quoted(row.term),
        value=page.number(row.estimate, 2),
        span=page.span(row.low, row.high, digits=2),
    )


def notes(
    axes: list[Axis],
    rows: pd.DataFrame,
    customers: int,
    choice: pd.DataFrame,
    named: pd.DataFrame,
    sampled: int,
) -> list[str]:
    """Who could be placed, on whom the number was chosen, and how far segments can be trusted."""
    chosen = choice[choice["chosen"]].iloc[0]
    found = [
        page.say(
            "{used} of {n} customers could be placed by their features.",
            used=page.count(len(rows)),
            n=page.count(customers),
        )
    ]
    if far := clipped(axes, rows):
        found.append(
            page.say(
                "{far} values more than {deviations} deviations from the mean count as that far.",
                far=page.count(far),
                deviations=page.count(FARTHEST),
            )
        )
    if sampled < len(rows):
        found.append(
            page.say("The number was chosen on {n} of them.", n=page.count(sampled)),
        )
    found += _apart(chosen)
    if weak := int((named["verdict"] == "not named").sum()):
        found.append(
            page.say(
                "{weak} of {k} segments are not found again in other samples of customers "
                "(Jaccard below {limit}) and get no name.",
                weak=weak,
                k=len(named),
                limit=page.number(PATTERN, 2),
            )
        )
    return found


def _apart(chosen: pd.Series) -> list[str]:
    """How clearly segments are told apart: by silhouette, or by the model's own probabilities."""
    if "entropy" in chosen:
        return [
            page.say(
                "Entropy {entropy}: the model expects {share} of customers to belong to another "
                "segment than the one they are placed in.",
                entropy=page.number(chosen["entropy"], 2),
                share=page.percent(chosen["misplaced share"]),
            )
        ]
    if chosen["silhouette"] < CLEAR:
        return [
            page.say(
                "The segments shade into each other (silhouette {silhouette}): a useful cut "
                "through a crowd, not natural kinds.",
                silhouette=page.number(chosen["silhouette"], 2),
            )
        ]
    return []
