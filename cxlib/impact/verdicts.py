"""Did it work: a verdict for each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact import wording
from cxlib.impact.evaluation import FAILED, counted, in_head, is_significant, works

IN_DOUBT = "in doubt"
DETECTABLE = 2.8016  # standard errors that 80 of 100 comparisons find at 5%: 1.9600 + 0.8416
COLUMNS = ["change", "verdict", "term", "estimate", "low", "high", "n", "unit", "design"]
PREDICTED = ("predicted", "predicted_low", "predicted_high")


def verdicts(
    evaluations: Mapping[str, Result],
    predicted: pd.DataFrame | None = None,
    others: Mapping[str, Result] | None = None,
) -> Result:
    """Judge each change: its effect, how many checks it passed, and what could have been found.

    Parameters
    ----------
    evaluations : name of the change -> `evaluate`
    predicted : term (the change) and predicted, perhaps predicted_low and predicted_high
    others : name of a change -> `outcomes`; a change that the finding names by itself is judged by
        all of its outcomes

    Returns
    -------
    Result with the tables

    - table: change, verdict ("higher", "lower", "in doubt", "less than predicted", "unknown"),
      term (outcome), estimate, low, high, n, unit, design, could_find (the effect that 80 of 100
      such comparisons find), passed, failed and silent (numbers of checks; silent are those that
      could not have failed), faded_in (the latest wave, where no effect can be shown in it) and
      what was predicted
    - standard: term (the change), estimate, low, high, n to draw: the effects in their unit where
      all have the same, else in standard deviations of the answers, with the effect in its own unit
      in the name; without those in doubt, as an interval beside 0 would say that they had one

    Both are empty without evaluations; and the part drawn, the unit of standard
    """
    if not evaluations:
        finding = _("These rows can judge none of the changes.")
        empty = pd.DataFrame(columns=COLUMNS)
        return Result({"table": empty, "standard": empty}, finding)
    known = {} if predicted is None else predicted.set_index("term").to_dict("index")
    judged = {
        name: _verdict(one, known.get(name, {}).get("predicted", np.nan))
        for name, one in evaluations.items()
    }
    shown = [one for name, one in evaluations.items() if judged[name] != IN_DOUBT]
    units = {one.effects["unit"].iloc[0] for one in shown}
    rows = []
    for name, one in evaluations.items():
        first, ahead = one.effects.iloc[0], known.get(name, {})
        row = {
            "change": name,
            "verdict": judged[name],
            **first[["term", "estimate", "low", "high", "n", "unit"]],
            "design": wording.DESIGNS[one.design],
            "could_find": DETECTABLE * one.error,
            "passed": one.passed,
            "failed": one.failed,
            "silent": one.silent,
            "faded_in": one.parts.get("faded_in") or None,
        }
        rows.append(row | ({c: ahead.get(c, np.nan) for c in PREDICTED} if known else {}))
    standard = []
    for one in shown:
        first = one.effects.iloc[0]
        drawn = first[["estimate", "low", "high", "n"]] if len(units) == 1 else one.standard.iloc[0]
        term = one.label if len(units) == 1 else _with_size(one.label, first)
        standard.append({"term": term, **drawn.drop("term", errors="ignore")})
    table = pd.DataFrame(rows).dropna(axis=1, how="all")
    note = _(
        "Higher or lower: statistically significant. In doubt: significant, but without controls, "
        "without parallel pre-trends, with two failed checks, with no effect outside the waves of "
        "another change, with randomised arms that already differed before, or a roll-out whose "
        "effect random starts match. Each interval is pointwise. A check is inconclusive where its "
        "interval is wider than the effect that it would have to detect, or includes 0 where its "
        "estimate is less than half of a significant effect."
    )
    tables = {"table": table, "standard": pd.DataFrame(standard)}
    columns = [
        Column("silent", "checks that could not fail", "count", label="inconclusive"),
        Column("faded_in", "wave without an effect", "name", label=N_("no effect shown in")),
    ]
    drawn_in = units.pop() if len(units) == 1 else "standard deviations"
    parts = {"drawn": "rating points" if drawn_in == "scale" else drawn_in}
    told = _finding(evaluations, others or {})
    return Result(tables, told, note, columns=columns, parts=parts)


def _with_size(label: str, row: pd.Series) -> str:
    """A change with its outcome and effect, which a figure of several units does not show."""
    return _(
        "{size} {outcome:quoted}, {change}",
        change=wording.inside(label),
        outcome=_("NPS") if row["unit"] == "points" else str(row["term"]),
        size=i18n.signed(row["estimate"], 2 if row["unit"] == "scale" else 1),
    )


def _verdict(one: Result, predicted: float) -> str:
    low, high = one.effects.iloc[0][["low", "high"]]
    if is_significant(one):
        return IN_DOUBT if one.doubt else "higher" if low > 0 else "lower"
    missed = predicted == predicted and not low <= predicted <= high
    return "less than predicted" if missed else "unknown"


def _finding(evaluations: Mapping[str, Result], others: Mapping[str, Result]) -> Finding:
    """The effects that the head tells, else the first in doubt, else that none is significant."""
    every = list(evaluations.values())
    sure = in_head(every)
    if not sure and not is_significant(every[0]) and len(every) > 1:
        return Finding(
            _("None of the {n:count} changes had a significant effect.", n=len(every)),
            _("Changes: {names:list}", names=[one.label for one in every]),
            importance=Importance.ANSWER,
            action=_("Do not extend any of them on this evidence."),
        )
    if not sure:
        return replace(every[0].finding, importance=Importance.ANSWER)
    if len(sure) == 1:
        told = replace(sure[0].finding, importance=Importance.NOTABLE)
        if (whole := others.get(sure[0].change)) is not None:
            said = [whole.finding.detail, sure[0].parts["faded"], _checks(sure[0])]
            words = i18n.opening(_("; ").join(filter(None, said)))
            told = replace(told, claim=whole.finding.claim, detail=words)
            told = replace(told, action=whole.finding.action or told.action)
        extended = [one.finding.action for one in every if one is not sure[0] and works(one)]
        return replace(told, action=i18n.together([told.action, *extended]))
    claim = wording.sentence(*(one.clause for one in sure))
    detail = _(
        "{first}; {second}", **dict(zip(("first", "second"), map(_short, sure), strict=True))
    )
    action = i18n.together([one.finding.action for one in sure])
    first, news = sure[0].finding, Importance.NOTABLE
    return replace(first, claim=claim, detail=detail, action=action, importance=news)


def _short(one: Result) -> str:
    """Design, interval and checks of one of several effects."""
    row = one.effects.iloc[0]
    return _(
        "{design}, 95% CI {span}, {checks}",
        design=i18n.label(wording.DESIGNS[one.design]),
        span=wording.span(row["low"], row["high"], row["unit"]),
        checks=_checks(one),
    )


def _checks(one: Result) -> str:
    failed = one.checks.loc[one.checks["result"] == FAILED, "term"].tolist()
    return counted(one.passed, failed, one.silent)
