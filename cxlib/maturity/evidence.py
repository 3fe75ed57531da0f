"""What the study's own records show of an item: verified, contradicted, or not checked.

    evidence = data_evidence(Practice(**study.quality.practice()), day)
    proof = verify(items, fit, evidence).table    # term (the item), proof, what the data show
    next_steps(fit, items, proof)                 # what to do to reach the next level

Some items of the grid are claims about data that are here to look at: that a survey recurs, that
definitions are documented, that the loop was closed. What the records show is reported with what
the raters said; it does not change the level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.maturity.items import LEVELS, questions

YEAR = pd.DateOffset(months=12)
HABIT = 10  # actions for single customers that show a practice; one or two may be exceptions
Record = tuple[bool, str]  # whether it holds, and the sentence that says what was found
VERIFIED, CONTRADICTED, UNCHECKED = "verified", "contradicted", "not checked"


@dataclass(frozen=True)
class Practice:
    """What the records of a study show of how the work is done (`study.quality.practice`).

    Attributes
    ----------
    responses, cases, actions : tables; None where the study has none
    alerts : how many alerts led to an action, and all (`alerts_followed`); None where not known
    worded : number of questions whose wording is on file, and of all
    roles : of the questions asked ("nps", "csat", "effort" ...)
    standards : number of service standards in study.yaml
    joined : whether answers, orders and cases share customers; None where it is not known
    questions : columns of the responses that are questions; all numbers where none are named
    """

    responses: pd.DataFrame | None = None
    cases: pd.DataFrame | None = None
    actions: pd.DataFrame | None = None
    alerts: tuple[int, int] | None = None
    worded: tuple[int, int] = (0, 0)
    roles: frozenset[str] = frozenset()
    standards: int = 0
    joined: bool | None = None
    questions: tuple[str, ...] = ()


def data_evidence(practice: Practice, day: pd.Timestamp) -> dict[str, Record]:
    """What the records show by a day: proof -> (whether it holds, what was found, in words).

    Parameters
    ----------
    practice : what the study has; the proofs of a table that it has not are left out
    day : of the audit

    Examples
    --------
    >>> data_evidence(Practice(worded=(1, 2)), pd.Timestamp("2026-09-15"))
    {'documented': (False, '1 of 2 questions have their wording on file.')}
    """
    responses, cases, worded = practice.responses, practice.cases, practice.worded
    roles, standards, joined = practice.roles, practice.standards, practice.joined
    found: dict[str, Record] = {}
    if responses is not None and "wave" in responses:
        found |= _of_waves(responses, day, practice.questions)
    if worded[1]:
        found["documented"] = (
            worded[0] == worded[1],
            _(
                "{some:count} of {all:count} questions have their wording on file.",
                some=worded[0],
                all=worded[1],
            ),
        )
    if roles:
        kinds = sorted({"nps", "csat", "effort"} & roles)
        found["several"] = (
            len(kinds) == 3 and cases is not None,
            _(
                "Asked: {kinds}. Complaints: {complaints}.",
                kinds=i18n.listed(map(i18n.label, kinds)) or _("none"),
                complaints=_("no") if cases is None else _("yes"),
            ),
        )
    if cases is not None:
        found["standards"] = (
            standards > 0,
            ngettext(
                "The study states {n:count} service standard.",
                "The study states {n:count} service standards.",
                standards,
            ),
        )
        found |= _of_cases(cases)
    if practice.actions is not None:
        found |= _of_actions(practice.actions, day, practice.alerts)
    if joined is not None:
        found["one_store"] = (
            joined,
            _(
                "Tables with a customer in common: {joined}.",
                joined=_("yes") if joined else _("no"),
            ),
        )
    return found


def _of_waves(
    responses: pd.DataFrame, day: pd.Timestamp, questions: tuple[str, ...]
) -> dict[str, Record]:
    waves = sorted(responses["wave"].dropna().unique())
    last = responses["answered_on"].max() if "answered_on" in responses else pd.NaT
    recent = bool(pd.notna(last) and day - YEAR <= last)
    asked = (
        responses[[q for q in questions if q in responses]]
        if questions
        else responses.drop(columns="weight", errors="ignore").select_dtypes("number")
    )
    every = asked.notna().groupby(responses["wave"]).any()
    kept = every.loc[:, every.any()]
    same = int(kept.all().sum())
    return {
        "recurring": (
            len(waves) > 1 and recent,
            ngettext(
                "{n:count} wave; the last answer is of {last:date}.",
                "{n:count} waves; the last answer is of {last:date}.",
                max(len(waves), 1),
                last="–" if pd.isna(last) else last,
            ),
        ),
        "repeated": (
            len(waves) > 1 and same == kept.shape[1],
            _(
                "{same:count} of {all:count} questions were answered in every wave.",
                same=same,
                all=kept.shape[1],
            ),
        ),
    }


def _of_cases(cases: pd.DataFrame) -> dict[str, Record]:
    if "first_reply_at" not in cases or not len(cases):
        return {}
    replied = cases["first_reply_at"].notna().mean()
    return {
        "complaints": (
            bool(replied > 0.5),
            _(
                "{share:share} of {n:count} cases have a reply on file.",
                share=replied,
                n=len(cases),
            ),
        )
    }


def alerts_followed(answers: Mapping[str, Mapping[str, Result]]) -> tuple[int, int] | None:
    """How many incidents with alerts led to an action, and all, as 41_what_shall_we_do_next has it.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them

    Examples
    --------
    >>> rows = pd.DataFrame({"response": ["acted on", "no action", "no action"]})
    >>> alerts_followed({"41": {"follow_up": Result(rows.assign(event=[1, 1, 2]), "")}})
    (1, 2)
    """
    kept = answers.get("41", {}).get("follow_up")
    if kept is None or not {"response", "event"} <= set(kept.table) or kept.table.empty:
        return None
    acted = kept.table["response"].eq("acted on").groupby(kept.table["event"]).any()
    return int(acted.sum()), len(acted)


def _of_actions(
    actions: pd.DataFrame, day: pd.Timestamp, alerts: tuple[int, int] | None
) -> dict[str, Record]:
    """Of the ledger: alerts acted on, one customer's, done in the last year, both effects known."""

    def column(name: str) -> pd.Series:
        return actions[name] if name in actions else pd.Series(pd.NA, actions.index)

    owned = int((column("owner").notna() & column("due_on").notna()).sum())
    done = column("status").eq("done").fillna(False).astype(bool)
    ended = pd.to_datetime(column("done_on")).fillna(pd.to_datetime(column("due_on")))
    lately = done & (ended >= day - YEAR) & (ended <= day)
    measured = int((lately & column("realised").notna()).sum())
    both = int((done & column("predicted").notna() & column("realised").notna()).sum())
    due = pd.to_datetime(column("due_on"))
    single = column("class").eq("one customer").fillna(False).astype(bool)
    single &= (due >= day - YEAR) & (due <= day)
    timely = int((single & done & (ended <= due)).sum())
    found = _of_alerts(alerts, owned, len(actions))
    if single.sum() >= HABIT:
        found["inner"] = (
            timely > 0.5 * single.sum(),
            _(
                "{timely:count} of {n:count} actions for single customers that were due in the 12 "
                "months before {day:date} were finished in time.",
                n=int(single.sum()),
                timely=timely,
                day=day,
            ),
        )
    if not done.any():  # nothing has been finished that could have a result
        return found
    return found | {
        "used": (
            measured > 0,
            _(
                "{done:count} actions were finished in the 12 months before {day:date}, "
                "{measured:count} of them with a realised effect.",
                done=int(lately.sum()),
                day=day,
                measured=measured,
            ),
        ),
        "compared": (
            both > 1,
            ngettext(
                "{n:count} finished action has a predicted and a realised effect.",
                "{n:count} finished actions have a predicted and a realised effect.",
                both,
            ),
        ),
    }


def _of_alerts(alerts: tuple[int, int] | None, owned: int, every: int) -> dict[str, Record]:
    """Whether problems become actions: by the alerts that did; actions alone do not show it."""
    said = _(
        "{some:count} of {all:count} actions have an owner and a due date.", some=owned, all=every
    )
    if alerts is None:
        return {} if 0 < owned == every else {"ledger": (False, said)}
    acted, raised = alerts
    led = ngettext(
        "{acted:count} of {n:count} incident with alerts led to an action.",
        "{acted:count} of {n:count} incidents with alerts led to an action.",
        raised,
        acted=acted,
    )
    return {"ledger": (0 < owned == every and acted > 0.5 * raised, i18n.together([led, said]))}


def verify(items: pd.DataFrame, fit: Result, evidence: Mapping[str, Record]) -> Result:
    """Whether the study's records bear out the items that they cover.

    Parameters
    ----------
    items : the grid (`grid`)
    fit : of `assess`
    evidence : of `data_evidence`

    Returns
    -------
    Result with a table dimension, term (what the item asks), level, proof ("verified" or
    "contradicted"), rated (what more than half of the raters said of it; a dash where nobody did)
    and what the data show. Items on which records and raters disagree come first.

    Examples
    --------
    >>> from cxlib.maturity.grading import assess
    >>> from cxlib.maturity.items import grid
    >>> fit = assess(grid()[["item"]].assign(rater="Ann", evidence=3), grid())
    >>> verify(grid(), fit, {"documented": (False, "None is.")}).table["proof"].tolist()
    ['contradicted']
    """
    met = fit.items.set_index("item")["met"]
    rows, against, unseen = [], [], 0
    for item in items.assign(question=questions(items)).to_dict("records"):
        if item["proof"] not in evidence:
            continue
        holds, found = evidence[item["proof"]]
        word = {True: _("yes"), False: _("no")}
        rows.append(
            {
                "dimension": item["dimension"],
                "term": item["question"],
                "level": item["level"],
                "proof": VERIFIED if holds else CONTRADICTED,
                "rated": word[bool(met[item["item"]])] if item["item"] in met else "–",
                "what the data show": found,
            }
        )
        against.append(item["item"] in met and bool(met[item["item"]]) != holds)
        unseen += against[-1] and holds
    columns = ["dimension", "term", "level", "proof", "rated", "what the data show"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.iloc[np.argsort(~np.array(against, bool), kind="stable")].reset_index(drop=True)
    detail = _("{covered:count} of {all:count} items checked", covered=len(table), all=len(items))
    if differing := sum(against):
        claim = ngettext(
            "The study's own records and the raters disagree on {n:count} item.",
            "The study's own records and the raters disagree on {n:count} items.",
            differing,
        )
        detail += _(
            "; on {unseen:count} the records show what raters did not see, on {missing:count} they "
            "do not show what raters saw",
            unseen=unseen,
            missing=differing - unseen,
        )
    elif len(table):
        claim = _("The study's own records agree with the raters.")
    else:
        claim = _("The study's own records cover none of the items.")
    importance = Importance.ANSWER if differing else Importance.METHOD
    note = _("What the records show does not change the stage: raters decide.")
    return Result(table, Finding(claim, detail, importance=importance), note)


def next_steps(fit: Result, items: pd.DataFrame, proof: pd.DataFrame | None = None) -> Result:
    """What to do next: items not met, up to the level after the staged one.

    Those of the dimensions that hold the stage back come first (`bottleneck`), the cheapest of them
    first; items of lower levels that are still open belong to it.

    Parameters
    ----------
    fit : of `assess`
    items : the grid (`grid`)
    proof : table of `verify`

    Returns
    -------
    Result with a table dimension, term (what the item asks), level, bottleneck, cost (1 to 3),
    estimate (share of raters who see it met), proof ("verified", "contradicted", "not checked").

    Examples
    --------
    >>> from cxlib.maturity.grading import assess
    >>> from cxlib.maturity.items import grid
    >>> fit = assess(grid()[["item"]].assign(rater="Ann", evidence=1), grid())
    >>> next_steps(fit, grid()).table["level"].unique().tolist()
    [2]
    """
    goal = min(fit.stage + 1, 5)
    held = set(fit.table.loc[fit.table["estimate"] == fit.stage, "term"])
    rows = fit.items[~fit.items["met"] & (fit.items["level"] <= goal)]
    asked = items.assign(term=questions(items))[["item", "term", "cost"]]
    rows = rows.merge(asked, on="item")
    rows["bottleneck"] = rows["dimension"].isin(held)
    known = {} if proof is None else dict(zip(proof["term"], proof["proof"], strict=True))
    rows["proof"] = [known.get(q, UNCHECKED) for q in rows["term"]]
    rows = rows.sort_values(
        ["bottleneck", "level", "cost"],
        ascending=[False, True, True],
        kind="stable",
        ignore_index=True,
    )
    columns = ["dimension", "term", "level", "bottleneck", "cost", "estimate", "proof"]
    notes = _(
        "Items that more than half of the raters did not see documented, up to the next level; "
        "first those of the dimensions that hold the stage back, the cheaper first. Estimate: the "
        "share of raters who did see it."
    )
    shown = {} if proof is None else dict(proof[["term", "what the data show"]].to_numpy())
    claim = _next_claim(rows, goal, fit.stage, shown)
    return Result(rows[columns], claim, notes, "share", **fit.bootstrap)


def _next_claim(rows: pd.DataFrame, goal: int, stage: int, shown: Mapping[str, str]) -> Finding:
    """What to show first, and what the study's own records (`shown`, by item) say of it."""
    if rows.empty:
        return Finding(_("Nothing is left to show up to stage {goal:count}.", goal=goal))
    count = ngettext(
        "{n:count} item is not documented yet; {first:count} holds the stage back",
        "{n:count} items are not documented yet; {first:count} of them hold the stage back",
        len(rows),
        first=int(rows["bottleneck"].sum()),
    )
    facts = {"goal": goal, "name": _(LEVELS[goal - 1]), "question": rows["term"].iloc[0]}
    if stage == 5:
        claim = _("To keep stage 5, show this first: {question}.", **facts)
    else:
        claim = _("To reach stage {goal:count} ({name}), show this first: {question}.", **facts)
    action = rows["term"].iloc[0]
    proof = rows["proof"].iloc[0]
    facts["found"] = str(shown.get(action, "")).rstrip(".。")
    if proof == VERIFIED:
        count = _("{first}; the records show it already: {found}", first=count, **facts)
        action = _("Show the raters what the records hold: {found}", **facts)
    elif proof == CONTRADICTED:
        count = _("{first}; the records do not show it either: {found}", first=count, **facts)
    return Finding(claim, count, importance=Importance.ANSWER, action=action)
