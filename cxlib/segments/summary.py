"""What a fit of segments says: the sentence and the notes."""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance
from cxlib.segments.features import FARTHEST, Axis, clipped
from cxlib.segments.profiles import PATTERN

CLEAR = 0.25  # silhouette below which segments shade into each other


def finding(named: pd.DataFrame) -> Finding:
    """How many segments, how many of them are stable, and which is the largest."""
    first, stable = named.iloc[0], int((named["verdict"] == "report").sum())
    words: dict[str, object] = {
        "k": len(named),
        "stable": stable,
        "name": first.term,
        "share": first.estimate,
    }
    if stable == len(named):
        claim = _(
            "The largest of {k} stable segments is {name:verbatim}: {share:share} of customers.",
            **words,
        )
    elif stable:
        claim = ngettext(
            "Only {n:count} of {k} segments is stable; the largest, {name:verbatim}, holds "
            "{share:share} of customers.",
            "Only {n:count} of {k} segments are stable; the largest, {name:verbatim}, holds "
            "{share:share} of customers.",
            stable,
            **words,
        )
    else:
        claim = _(
            "None of {k} segments is stable: customers do not fall into clear groups.", **words
        )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}; {stability}",
        span=(first.low, first.high),
        n=named["n"].sum(),
        stability=stability(named),
    )
    return Finding.of_row(
        first,
        claim,
        detail,
        unit="share",
        measure="share_of_customers",
        at={"segment": str(first.term)},
        importance=Importance.ANSWER if stable else Importance.NEWS,
        action=""
        if stable
        else _("Do not plan by segments: compare customers by what is known of them instead."),
    )


def stability(named: pd.DataFrame) -> str:
    """How stable the segments are: one number where they are equally so."""
    low, high = (i18n.number(end, 2) for end in (named["jaccard"].min(), named["jaccard"].max()))
    if low == high:
        return _("bootstrap stability {low}", low=low)
    return _("bootstrap stability {low} to {high}", low=low, high=high)


def largest_difference(marks: pd.DataFrame) -> str:
    """Where a segment is furthest from the average customer."""
    row = marks.loc[marks["estimate"].abs().idxmax()]
    return _(
        "{segment:verbatim} differ most from the average customer, in {feature:verbatim}.",
        segment=row.segment,
        feature=row.term,
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
                "{weak} of {k} segments are not reproduced in other samples of customers (Jaccard "
                "below {limit:number2}) and get no name.",
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
                "The segments shade into each other (silhouette {silhouette:number2}): they are "
                "useful groups, not natural types.",
                silhouette=chosen["silhouette"],
            )
        ]
    return []
