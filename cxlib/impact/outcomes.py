"""All that is known of one randomised change: its outcomes of this and of other pages, together.

    every = impact.outcomes(one, study.study, report.others("mine"))
    print(every)    # The call-back programme raised NPS and reduced leaving; its effect on ...

Pages on churn, purchases and call-backs judge the same trial by their own outcomes. A reader wants
one table and one verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, Column, deciding_ends
from cxlib.core.i18n import N_, _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Change
from cxlib.data.study import Study
from cxlib.impact import wording
from cxlib.impact.evaluation import is_significant

HIGHER, LOWER, MAY_RISE, MAY_FALL, OPEN = mark(
    "higher", "lower", "may be higher", "may be lower", "not settled"
)
Answers = Mapping[str, Mapping[str, Result]]
COLUMNS = ["term", "source", "estimate", "low", "high", "n", "unit", "verdict"]
LEAVING, PURCHASES, SALES, MARGIN = mark("leaving", "purchases", "sales", "margin minus cost")


def outcomes(one: Result, study: Study, answers: Answers) -> Result | None:
    """Put the outcomes of a randomised change side by side, and give one verdict.

    Parameters
    ----------
    one : of `evaluate`
    study : its study.yaml, which says which trial the other pages judge
    answers : notebook -> name -> Result, as `report.others` gives them

    Returns
    -------
    Result with "table": term (outcome), source (number of the page; empty for this one), estimate
    (treated minus controls), low, high, n, unit, verdict ("higher" or "lower": significant among
    all outcomes of its page; "may be higher" or "may be lower": by its own interval alone; "not
    settled"). None where the change is not randomised, or no other page judges the same trial

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> nps = {"term": ["nps"], "estimate": [9.0], "low": [3.0], "high": [15.0], "n": [900]}
    >>> table, parts = pd.DataFrame(nps | {"unit": "points"}), {"label": "It", "change": "it"}
    >>> one = Result({"effects": table}, "", parts=parts)
    >>> it = Change(name="it", label="It", design="randomised", column="arm", treated=["a"],
    ...             begun="Q1")
    >>> study = SimpleNamespace(changes=[it], contact_rules=None, loyalty=None)
    >>> study.churn = SimpleNamespace(pilot=SimpleNamespace(column="arm"))
    >>> left = nps | {"term": ["average effect"], "estimate": [5.0], "low": [1.0], "high": [9.0]}
    >>> print(outcomes(one, study, {"32": {"uplift": Result(pd.DataFrame(left), "")}}))
    It raised NPS and reduced leaving.
    """
    change = next((c for c in study.changes if c.name == one.change), None)
    if change is None or change.design != "randomised":
        return None
    others = list(_of_other_pages(change, study, answers))
    if not others:
        return None
    first = one.effects.iloc[0]
    own = {c: first[c] for c in ("estimate", "low", "high", "n", "unit")}
    name = _("NPS") if first["unit"] == "points" else str(first["term"])
    own |= {
        "term": name,
        "source": "",
        "verdict": OPEN if one.parts.get("doubt") else _verdict(first),
    }
    table = pd.DataFrame([own, *others], columns=COLUMNS)
    sales = answers.get("26", {}).get("callback_money")
    priced = sales is not None and table["source"].eq("26").any()
    faded = one.parts.get("faded_in") if is_significant(one) else ""
    columns = [Column("source", "number of the page", "page", label=N_("page"))]
    note = _(
        "Treated minus controls, each outcome as its own page measures it. May be: significant by "
        "its own interval, but not among all outcomes of that page."
    )
    if priced and sales is not None and sales.finding.detail:
        cost = _("Of sales: {detail:inner}.", detail=sales.finding.detail.rstrip(".。"))
        note = i18n.together([note, cost])
    finding = _finding(table, one.label, faded or "")
    return Result(table, finding, note, columns=columns)


def _of_other_pages(change: Change, study: Study, answers: Answers) -> Iterator[dict[str, Any]]:
    """A row for each outcome of the same trial: leaving, purchases, and what is left of sales."""
    pilot = study.churn.pilot if study.churn else None
    plan = study.loyalty.programme if study.loyalty else None
    if pilot is not None and pilot.column == change.column:
        yield from _row(answers, "32", "uplift", LEAVING, "percentage points", gains=True)
    if plan is not None and plan.randomised and change.column in plan.where:
        yield from _row(answers, "33", "programme", PURCHASES, "percent")
    if change.action and change.action == study.contact_rules.action:
        kept = answers.get("26", {}).get("callback_money")
        whole = kept is not None and kept.table["term"].iloc[-1] != "spend"
        yield from _row(answers, "26", "callback_money", MARGIN if whole else SALES, "")


def _row(
    answers: Answers, page: str, name: str, outcome: str, unit: str, *, gains: bool = False
) -> Iterator[dict[str, Any]]:
    """The row of a page's answer that its own finding rests on; a gain is that of fewer leavers."""
    kept = answers.get(page, {}).get(name)
    if kept is None or kept.table.empty:
        return
    if gains:
        found = kept.table[kept.table["term"] == "average effect"].iloc[0].copy()
        for low, high in (("low", "high"), SIMULTANEOUS):
            if low in found:
                found[[low, high]] = -found[[high, low]].to_numpy(float)
        found["estimate"] = -found["estimate"]
    elif "design" in kept.table:  # the first outcome by the last of its designs
        found = kept.table[kept.table["term"] == kept.table["term"].iloc[0]].iloc[-1]
    else:
        found = kept.table.iloc[-1]
    numbers = {c: found[c] for c in ("estimate", "low", "high", "n")}
    unit = unit or kept.finding.unit or "amount"
    yield {**numbers, "term": outcome, "source": page, "unit": unit, "verdict": _verdict(found)}


def _verdict(row: pd.Series) -> str:
    low, high = deciding_ends(row)
    if low > 0 or high < 0:
        return HIGHER if low > 0 else LOWER
    if row["low"] > 0 or row["high"] < 0:
        return MAY_RISE if row["low"] > 0 else MAY_FALL
    return OPEN


def _finding(table: pd.DataFrame, label: str, faded: str) -> Finding:
    """One verdict: what it raised, what it reduced, and what is not settled."""
    by = {v: table.loc[table["verdict"] == v, "term"].tolist() for v in (HIGHER, LOWER)}
    rest = table.loc[~table["verdict"].isin(list(by)), "term"].tolist()
    did = [
        _("raised {outcomes:label_list}", outcomes=by[HIGHER]) if by[HIGHER] else "",
        _("reduced {outcomes:label_list}", outcomes=by[LOWER]) if by[LOWER] else "",
    ]
    did = [words for words in did if words]
    facts = {"change": i18n.opening(label), "outcomes": rest}
    if not did:
        facts["change"] = wording.inside(label)
        claim = _("No effect of {change} is settled: {outcomes:label_list}.", **facts)
        return Finding(claim, verdict="unclear", importance=Importance.ANSWER)
    facts["did"] = did[0]
    if len(did) > 1:
        facts["did"] = _("{raised} and {reduced}", raised=did[0], reduced=did[1])
    detail = _sizes(table[~table["term"].isin(rest)])
    if faded:
        facts |= {"first": table["term"].iloc[0], "wave": faded}
        claim = (
            _(
                "{change} {did}; no effect on {first:label} shows in {wave:label}, and that on "
                "{outcomes:label_list} is not settled.",
                **facts,
            )
            if rest
            else _("{change} {did}; no effect on {first:label} shows in {wave:label}.", **facts)
        )
    elif rest:
        claim = _("{change} {did}; its effect on {outcomes:label_list} is not settled.", **facts)
    else:
        claim = _("{change} {did}.", **facts)
    action = (
        _(
            "Keep {change:verbatim} a randomised trial, and decide by all of its outcomes whether "
            "to extend it: also by {others:label_list}, not by {first:label} alone.",
            change=label,
            first=table["term"].iloc[0],
            others=[t for t in table["term"].iloc[1:] if t not in rest],
        )
        if faded and (~table["term"].iloc[1:].isin(rest)).any()
        else ""
    )
    return Finding(claim, _("; ").join(detail), importance=Importance.ANSWER, action=action)


def _sizes(rows: pd.DataFrame) -> list[str]:
    """The effect on each outcome with its interval."""
    return [
        _(
            "{outcome} {size} (95% CI {span})",
            outcome=i18n.label(row.term),
            size=_sized(row.estimate, row.unit),
            span=wording.span(row.low, row.high, "points" if row.unit == "percent" else row.unit),
        )
        for row in rows.itertuples()
    ]


def _sized(value: float, unit: str) -> str:
    """A difference with its unit and sign; wording knows points, not percent and currencies."""
    if unit == "percent":
        return f"{i18n.signed(value)}%"
    return i18n.money((value, unit), 2) if unit.isupper() else wording.signed(value, unit)
