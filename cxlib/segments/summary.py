"""What a fit of segments says: the sentence and the notes."""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.segments.features import FARTHEST, Axis, clipped
from cxlib.segments.profiles import PATTERN, share_facts

CLEAR = 0.25  # silhouette below which segments shade into each other


def claim(named: pd.DataFrame) -> str:
    """How many segments, the largest, and how many are stable."""
    first = named.iloc[0]
    return _(
        "{k} segments; the largest ({name}) holds {share} of {n} customers ({span}). {stable} of "
        "{k} are stable.",
        k=len(named),
        name=first.term,
        **share_facts(first, "share") | {"n": i18n.count(named["n"].sum())},
        stable=int((named["verdict"] == "report").sum()),
    )


def largest_difference(marks: pd.DataFrame) -> str:
    """Where a segment is furthest from the average customer."""
    row = marks.loc[marks["estimate"].abs().idxmax()]
    return _(
        "Furthest from the average customer: {segment:verbatim}, {feature:verbatim} "
        "{value:number2} standard deviations ({span:interval2}).",
        segment=row.segment,
        feature=row.term,
        value=row.estimate,
        span=(row.low, row.high),
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
        _(
            "{used:count} of {n:count} customers could be placed by their features.",
            used=len(rows),
            n=customers,
        )
    ]
    if far := clipped(axes, rows):
        found.append(
            _(
                "{far:count} values more than {deviations:count} deviations from the mean count "
                "as that far.",
                far=far,
                deviations=FARTHEST,
            )
        )
    if sampled < len(rows):
        found.append(_("The number was chosen on {n:count} of them.", n=sampled))
    found += _separation(chosen)
    if weak := int((named["verdict"] == "not named").sum()):
        found.append(
            _(
                "{weak} of {k} segments are not found again in other samples of customers "
                "(Jaccard below {limit:number2}) and get no name.",
                weak=weak,
                k=len(named),
                limit=PATTERN,
            )
        )
    return found


def _separation(chosen: pd.Series) -> list[str]:
    """How distinct segments are: by silhouette, or by the probabilities of the model."""
    if "entropy" in chosen:
        return [
            _(
                "Entropy {entropy:number2}: the model expects {share:share} of customers to "
                "belong to another segment than the one they are placed in.",
                entropy=chosen["entropy"],
                share=chosen["misplaced share"],
            )
        ]
    if chosen["silhouette"] < CLEAR:
        return [
            _(
                "The segments shade into each other (silhouette {silhouette:number2}): a useful "
                "cut through a crowd, not natural kinds.",
                silhouette=chosen["silhouette"],
            )
        ]
    return []
