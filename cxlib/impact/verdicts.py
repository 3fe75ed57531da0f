"""Did it work: a verdict for each change, and the designs behind it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import N_, _
from cxlib.core.result import Result
from cxlib.impact import wording
from cxlib.impact.parallel_trends import ALPHA

DETECTABLE = 2.8016  # standard errors that 80 of 100 comparisons find at 5%: 1.9600 + 0.8416
SENTENCES = {  # of each verdict
    "higher": N_("Significantly higher with {changes}."),
    "lower": N_("Significantly lower with {changes}."),
    "in doubt": N_("In doubt: {changes}."),
    "less than predicted": N_("Less than predicted: {changes}."),
    "cannot tell": N_("No significant effect of {changes}."),
}
COLUMNS = ["change", "verdict", "term", "estimate", "low", "high", "n", "unit", "design"]
PREDICTED = ("predicted", "predicted_low", "predicted_high")


def verdicts(
    effects: Mapping[str, Result],
    event_studies: Mapping[str, Result] | None = None,
    predicted: pd.DataFrame | None = None,
) -> Result:
    """Judge each change: its effect, what could have been found, and a verdict.

    Parameters
    ----------
    effects : name of the change -> `effect`
    event_studies : of the changes that have one; without parallel pre-trends a significant effect
        is in doubt, and so it is without controls
    predicted : term (the change) and predicted, perhaps predicted_low and predicted_high

    Returns
    -------
    Result with table: change, verdict ("higher", "lower", "in doubt", "less than predicted",
    "cannot tell"), term (outcome), estimate, low, high, n, unit, design, could_find (the effect
    that 80 of 100 such comparisons find), and what was predicted. Empty without effects
    """
    if not effects:
        finding = _("These rows can judge none of the changes.")
        return Result(pd.DataFrame(columns=COLUMNS), finding)
    known = {} if predicted is None else predicted.set_index("term").to_dict("index")
    rows = []
    for name, one in effects.items():
        first, ahead = one.table.iloc[0], known.get(name, {})
        study = (event_studies or {}).get(name)
        row = {
            "change": name,
            "verdict": _verdict(one, study, ahead.get("predicted", np.nan)),
            **first[["term", "estimate", "low", "high", "n", "unit"]],
            "design": wording.DESIGNS[one.design],
            "could_find": DETECTABLE * one.error,
        }
        rows.append(row | ({c: ahead.get(c, np.nan) for c in PREDICTED} if known else {}))
    table = pd.DataFrame(rows).dropna(axis=1, how="all")
    note = _(
        "Higher or lower: statistically significant, and no check speaks against it. In doubt: "
        "significant, but without controls or without parallel pre-trends. Each interval is "
        "pointwise."
    )
    return Result(table, _finding(table, effects), note)


def _verdict(one: Result, event_study: Result | None, predicted: float) -> str:
    low, high = one.table.iloc[0][["low", "high"]]
    if low > 0 or high < 0:
        uneven = event_study is not None and event_study.p < ALPHA
        doubt = one.design == "series" or (one.design != "randomised" and uneven)
        return "in doubt" if doubt else "higher" if low > 0 else "lower"
    missed = predicted == predicted and not low <= predicted <= high
    return "less than predicted" if missed else "cannot tell"


def _finding(table: pd.DataFrame, effects: Mapping[str, Result]) -> str:
    named = {
        verdict: i18n.listed(_named(effects[str(r["change"])], r) for _i, r in rows.iterrows())
        for verdict, rows in table.groupby("verdict")
    }
    return i18n.together(_(s, changes=named[v]) for v, s in SENTENCES.items() if v in named)


def _named(one: Result, row: pd.Series) -> str:
    """A change, its outcome and by how much, as a part of a list."""
    return _(
        "{change:verbatim} ({outcome} {size}, {span})",
        change=one.label,
        outcome=one.outcome,
        size=wording.value(row["estimate"], row["unit"]),
        span=wording.span(row["low"], row["high"], row["unit"]),
    )


def designs(effects: Mapping[str, Result]) -> Result:
    """List whom each change treated and what it is compared with.

    Parameters
    ----------
    effects : name of the change -> `effect`

    Returns
    -------
    Result with table: term (change), design, n (answers of the treated with the change in place),
    control (of the controls then)
    """
    table = pd.DataFrame(
        [(name, wording.DESIGNS[one.design], *one.sides) for name, one in effects.items()],
        columns=["term", "design", "n", "control"],
    )
    parts = []
    for design in dict.fromkeys(table["design"]):
        names = [effects[t].label for t in table.loc[table["design"] == design, "term"]]
        named = i18n.listed(map(i18n.quoted, names))
        parts.append(_("{design:label}: {changes}", design=design, changes=named))
    return Result(table, i18n.opening(_("{parts}.", parts=_("; ").join(parts))))


def compare_designs(effects: Mapping[str, Result]) -> Result:
    """Put the effect of each change by every design that its rows allow side by side.

    Parameters
    ----------
    effects : name of the change -> `effect`, one at least

    Returns
    -------
    Result with table, in standard deviations of the answers: change, design, term, estimate, low,
    high, n; each interval is pointwise. The design that study.yaml names comes first
    """
    table = pd.concat([e.by_design.assign(change=name) for name, e in effects.items()])
    table = table[["change", "design", "term", "estimate", "low", "high", "n"]]
    differing = [e.label for e in effects.values() if _contradicted(e.by_design)]
    if not any(len(e.by_design) > 1 for e in effects.values()):
        finding = _("The rows allow one design for each change.")
    elif differing:
        finding = _(
            "Another design contradicts the effect of {changes}.",
            changes=i18n.listed(map(i18n.quoted, differing)),
        )
    else:
        finding = _(
            "No other design contradicts the one that study.yaml names: their intervals overlap."
        )
    return Result(table.reset_index(drop=True), finding)


def _contradicted(by_design: pd.DataFrame) -> bool:
    first, others = by_design.iloc[0], by_design.iloc[1:]
    return bool(((others["low"] > first["high"]) | (others["high"] < first["low"])).any())
