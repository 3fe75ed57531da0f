"""What the study's own records show of an item: verified, contradicted, or not checked.

    records = records_of(day=day, **study.quality.practice())
    proof = verified(items, fit, records).table   # term (the item), proof, what the data show
    next_list(fit, items, proof)                  # what to do to reach the next level

Some items of the grid are claims about data that are here to look at: that a survey recurs, that
definitions are documented, that the loop was closed. What the records show stands beside what the
raters said; it does not change the level.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.estimates import Estimates
from cxlib.maturity.grading import Maturity
from cxlib.maturity.items import LEVELS, ask

YEAR = pd.DateOffset(months=12)
Record = tuple[bool, str]  # whether it holds, and the sentence that says what was found
VERIFIED, CONTRADICTED, UNCHECKED = "verified", "contradicted", "not checked"


def records_of(
    *,
    day: pd.Timestamp,
    responses: pd.DataFrame | None = None,
    cases: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
    worded: tuple[int, int] = (0, 0),
    roles: frozenset[str] = frozenset(),
    standards: int = 0,
    joined: bool | None = None,
) -> dict[str, Record]:
    """What the tables show by `day`: proof -> (whether it holds, in words what was found).

    `worded` counts the questions whose wording is on file, and all; `roles` are the
    roles of the questions asked, `standards` how many service standards study.yaml states, and
    `joined` whether answers, orders and cases share customers (None: not told). A table that is not
    there tells nothing: its proofs are left out.
    """
    found: dict[str, Record] = {}
    if responses is not None and "wave" in responses:
        found |= _of_waves(responses, day)
    if worded[1]:
        found["documented"] = worded[0] == worded[1], page.say(
            "{some} of {all} questions have their wording on file.",
            some=page.count(worded[0]), all=page.count(worded[1]),
        )  # fmt: skip
    if roles:
        kinds = sorted({"nps", "csat", "effort"} & roles)
        found["several"] = (
            len(kinds) == 3 and cases is not None,
            page.say(
                "Asked: {kinds}. Complaints: {complaints}.",
                kinds=page.listed(map(page.label, kinds)) or page.say("none"),
                complaints=page.say("no") if cases is None else page.say("yes"),
            ),
        )
    if cases is not None:
        found["standards"] = (
            standards > 0,
            page.say("The study states {n} service standards.", n=page.count(standards)),
        )
        found |= _of_cases(cases)
    if actions is not None:
        found |= _of_actions(actions, day)
    if joined is not None:
        found["one_store"] = (
            joined,
            page.say(
                "Tables with a customer in common: {joined}.",
                joined=page.say("yes") if joined else page.say("no"),
            ),
        )
    return found


def _of_waves(responses: pd.DataFrame, day: pd.Timestamp) -> dict[str, Record]:
    waves = sorted(responses["wave"].dropna().unique())
    last = responses["answered_on"].max() if "answered_on" in responses else pd.NaT
    recent = bool(pd.notna(last) and day - YEAR <= last)
    asked = responses.drop(columns=[c for c in ("weight",) if c in responses]).select_dtypes(
        "number"
    )
    every = asked.notna().groupby(responses["wave"]).any()
    kept = every.loc[:, every.any()]
    same = int(kept.all().sum())
    return {
        "recurring": (len(waves) > 1 and recent, page.say(
            "{n} waves; the last answer is of {last}.", n=page.count(len(waves)),
            last="–" if pd.isna(last) else f"{last:%Y-%m-%d}",
        )),
        "repeated": (len(waves) > 1 and same == kept.shape[1], page.say(
            "{same} of {all} questions were answered in every wave.",
            same=page.count(same), all=page.count(kept.shape[1]),
        )),
    }  # fmt: skip


def _of_cases(cases: pd.DataFrame) -> dict[str, Record]:
    if "first_reply_at" not in cases or not len(cases):
        return {}
    replied = cases["first_reply_at"].notna().mean()
    return {"complaints": (bool(replied > 0.5), page.say(
        "{share} of {n} cases have a reply on file.", share=page.percent(replied),
        n=page.count(len(cases)),
    ))}  # fmt: skip


def _of_actions(actions: pd.DataFrame, day: pd.Timestamp) -> dict[str, Record]:
    """Of the ledger: owned and dated, one customer's, done in the last year, both effects told."""

    def column(name: str) -> pd.Series:
        return actions[name] if name in actions else pd.Series(pd.NA, actions.index)

    owned = int((column("owner").notna() & column("due_on").notna()).sum())
    done = column("status").eq("done").fillna(False).astype(bool)
    ended = pd.to_datetime(column("done_on")).fillna(pd.to_datetime(column("due_on")))
    lately = done & (ended >= day - YEAR) & (ended <= day)
    measured = int((lately & column("realised").notna()).sum())
    both = int((done & column("predicted").notna() & column("realised").notna()).sum())
    inner = int((column("class").eq("one customer").fillna(False) & (done | lately)).sum())
    return {
        "ledger": (owned == len(actions) and owned > 0, page.say(
            "{some} of {all} actions have an owner and a due date.",
            some=page.count(owned), all=page.count(len(actions)))),
        "inner": (inner > 0, page.say(
            "{n} actions for single customers were finished.", n=page.count(inner))),
        "used": (measured > 0, page.say(
            "{done} actions were finished in the 12 months before {day}, {measured} of them with a "
            "realised effect.", done=page.count(int(lately.sum())), day=f"{day:%Y-%m-%d}",
            measured=page.count(measured))),
        "compared": (both > 1, page.say(
            "{n} finished actions have a predicted and a realised effect.", n=page.count(both))),
    }  # fmt: skip


def verified(items: pd.DataFrame, fit: Maturity, records: Mapping[str, Record]) -> Estimates:
    """The items that the study's records tell of, a row each, and whether they bear them out.

    table: dimension, term (what the item asks), level, proof ("verified" or "contradicted" by the
    records), rated (what more than half of the raters said of it; a dash where nobody did) and what
    the data show. Items that disagree come first.
    """
    said = fit.items.set_index("item")["met"]
    rows, against = [], []
    for item in items.assign(question=ask(items)).to_dict("records"):
        if item["proof"] not in records:
            continue
        holds, found = records[item["proof"]]
        word = {True: page.say("yes"), False: page.say("no")}
        rows.append({
            "dimension": item["dimension"], "term": item["question"], "level": item["level"],
            "proof": VERIFIED if holds else CONTRADICTED,
            "rated": word[bool(said[item["item"]])] if item["item"] in said else "–",
            "what the data show": found,
        })  # fmt: skip
        against.append(item["item"] in said and bool(said[item["item"]]) != holds)
    columns = ["dimension", "term", "level", "proof", "rated", "what the data show"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.iloc[np.argsort(~np.array(against, bool), kind="stable")].reset_index(drop=True)
    answer = page.say(
        "Of {all} items the study's own records tell of {told}: verified {verified}, contradicted "
        "{contradicted}; raters saw it otherwise in {against}.",
        all=page.count(len(items)), told=page.count(len(table)),
        verified=page.count((table["proof"] == VERIFIED).sum()),
        contradicted=page.count((table["proof"] == CONTRADICTED).sum()),
        against=page.count(sum(against)),
    )  # fmt: skip
    note = page.say("What the records show does not change the stage: raters decide.")
    return Estimates(table, answer, note)


def next_list(fit: Maturity, items: pd.DataFrame, proof: pd.DataFrame | None = None) -> Estimates:
    """What to do next: items not met of the level after the staged one, a row each.

    Those of the dimensions that hold the stage back come first (`bottleneck`), the cheapest of them
    first. Estimates whose table has dimension, term (what the item asks), bottleneck, estimate
    (share of raters who see it met), cost and proof ("verified", "contradicted", "not checked");
    items of lower levels that are still open belong to it.
    """
    goal = min(fit.stage + 1, 5)
    held = set(fit.table.loc[fit.table["estimate"] == fit.stage, "term"])
    rows = fit.items[~fit.items["met"] & (fit.items["level"] <= goal)]
    rows = rows.merge(items.assign(question=ask(items))[["item", "question", "cost"]], on="item")
    rows["bottleneck"] = rows["dimension"].isin(held)
    known = {} if proof is None else dict(zip(proof["term"], proof["proof"], strict=True))
    rows["proof"] = [known.get(q, UNCHECKED) for q in rows["question"]]
    rows = rows.sort_values(["bottleneck", "level", "cost"], ascending=[False, True, True],
                            kind="stable", ignore_index=True)  # fmt: skip
    rows = rows.rename(columns={"question": "term"})
    columns = ["dimension", "term", "level", "bottleneck", "cost", "estimate", "proof"]
    note = page.say(
        "Items that more than half of the raters did not see documented, up to the next level; "
        "first those of the dimensions that hold the stage back, the cheaper first. Estimate: the "
        "share of raters who did see it."
    )
    return Estimates(rows[columns], _what_next(rows, goal, fit.stage), note, "share",
                     draws=fit.draws, seed=fit.seed)  # fmt: skip


def _what_next(rows: pd.DataFrame, goal: int, stage: int) -> str:
    if rows.empty:
        return page.say("Nothing is left to show up to stage {goal}.", goal=page.count(goal))
    first = int(rows["bottleneck"].sum())
    facts = {
        "goal": page.count(goal), "name": page.say(LEVELS[goal - 1]), "all": page.count(len(rows)),
        "first": page.count(first), "question": rows["term"].iloc[0],
    }  # fmt: skip
    if stage == 5:
        return page.say("To keep stage 5, open items: {all}. First: {question}.", **facts)
    return page.say(
        "To reach stage {goal}, {name}, open items: {all}, of the weakest dimensions: {first}. "
        "First: {question}.", **facts,
    )  # fmt: skip
