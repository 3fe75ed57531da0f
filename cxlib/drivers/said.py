"""What driver importance says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import hiding, page
from cxlib.estimates import LEVEL, failed
from cxlib.moments import Moments


def sentence(table: pd.DataFrame, r2: pd.DataFrame, outcome: str, by_chance: bool) -> str:
    """Who explains most; where the draws disagree on who comes first, that is left open."""
    whole = r2.iloc[0]
    least = page.rules().smallest_cell
    if whole["n"] < least:
        return page.say("Fewer than {least} answered: no number is shown.", least=page.count(least))
    facts = {
        "outcome": page.quoted(page.label(outcome)),
        "r2": page.number(whole["estimate"], 2),
        "n": page.count(whole["n"]),
    }
    if by_chance:
        return page.say(
            "These drivers explain no more of {outcome} than chance: R² {r2} ({span}), n {n}.",
            span=page.span(whole["low"], whole["high"], 2),
            **facts,
        )
    first = table["chance_first"].fillna(0).cumsum().ge(LEVEL)
    leaders = table.iloc[: int(first.to_numpy().argmax()) + 1 if first.any() else len(table)]
    names = [page.label(t) for t in leaders["term"]]
    opening, names = page.quoted(page.opening(names[0])), [page.quoted(n) for n in names]
    shown = [
        page.say(
            "{value} ({span})",
            value=page.percent(r.estimate),
            span=page.span(r.low, r.high, 0, share=True),
        )
        for r in leaders.itertuples()
    ]
    if len(names) == 1:
        return page.say(
            "{driver} explains most of {outcome}: {share} of R² {r2}, n {n}.",
            driver=opening,
            share=shown[0],
            **facts,
        )
    if len(names) == 2:
        return page.say(
            "{first} and {second} explain most of {outcome}: {share} and {share2} of R² {r2}, "
            "n {n}; which of the two comes first is open.",
            first=opening,
            second=names[1],
            share=shown[0],
            share2=shown[1],
            **facts,
        )
    return page.say(
        "{driver} has the largest share of {outcome}: {share} of R² {r2}, n {n}; which of the "
        "first {leaders} comes first is open.",
        driver=opening,
        share=shown[0],
        leaders=page.count(len(names)),
        **facts,
    )


def difference_sentence(differences: pd.DataFrame, by: str, outcome: str) -> str:
    known = differences[hiding.hidden(differences) == ""].dropna(subset=["low", "high"])
    beyond = known[(known["low"] > 0) | (known["high"] < 0)]
    facts = {"by": page.label(by), "outcome": page.quoted(page.label(outcome))}
    if known.empty:
        return page.say("No group of {by} has enough answers to explain {outcome}.", **facts)
    clear = len(beyond) > 0
    largest = (beyond if clear else known).assign(size=lambda t: t["estimate"].abs())
    row = largest.sort_values("size").iloc[-1]
    facts |= {
        "driver": page.quoted(page.label(row["term"])),
        "group": page.label(str(row[by])),
        "difference": page.number(100 * row["estimate"]),
        "span": page.span(100 * row["low"], 100 * row["high"]),
        "n": page.count(row["n"]),
    }
    if clear:
        return page.say(
            "What explains {outcome} differs by {by}: the share of {driver} in {group} is "
            "{difference} ({span}) percentage points from everybody's, n {n}.",
            **facts,
        )
    return page.say(
        "No driver of {outcome} differs by {by} beyond chance; the largest gap is {driver} in "
        "{group}, {difference} ({span}) percentage points from everybody's, n {n}.",
        **facts,
    )


def used(responses, sums: Moments, outcome: str, drivers: list[str]) -> int:
    """Responses behind R²: those that give the outcome and some driver."""
    if not sums.pairwise or isinstance(responses, Moments):
        return int(sums.rows.sum())
    return int((responses[outcome].notna() & responses[drivers].notna().any(axis=1)).sum())


def counts(responses, sums: Moments, outcome: str, drivers: list[str]) -> int | list[int]:
    """Responses behind each driver."""
    if not sums.pairwise or isinstance(responses, Moments):
        return int(sums.rows.sum())
    answered = responses[outcome].notna()
    return [int((responses[d].notna() & answered).sum()) for d in drivers]


def answered(responses, sums: Moments, outcome: str, drivers: list[str]) -> str:
    facts = {"n": page.count(sums.rows.sum()), "offered": page.count(sums.offered)}
    if not sums.pairwise:
        return page.say("{n} of {offered} responses answered every question.", **facts)
    rated = counts(responses, sums, outcome, drivers)
    if isinstance(rated, int):
        return page.say("{n} of {offered} responses answered some of the questions.", **facts)
    each = [f"{page.label(d)} {page.count(c)}" for d, c in zip(drivers, rated, strict=True)]
    return page.say(
        "Each pair of questions uses those who answered both. Of {offered} responses these rated "
        "{outcome} and the driver: {each}.",
        outcome=page.label(outcome),
        each=page.say("; ").join(each),
        **facts,
    )


def not_experienced(responses, drivers: list[str]) -> str:
    """Touchpoints not met, which is not the same as a question left open."""
    if isinstance(responses, Moments):
        return ""
    found = []
    for driver in drivers:
        flag = f"{driver}_not_experienced"
        if flag in responses and (never := int(responses[flag].fillna(False).astype(bool).sum())):
            found.append(f"{page.label(driver)} {page.count(never)}")
    if not found:
        return ""
    return page.say("Not experienced, so not rated: {each}.", each=page.say("; ").join(found))


def blank(groups: list, by: str) -> str:
    if not groups:
        return ""
    return page.say(
        "Left blank, too few or too uniform answers: {groups} ({by}).",
        groups=page.say("; ").join(page.label(str(g)) for g in groups),
        by=page.label(by),
    )


def mended(mended: int, draws: int) -> str:
    if not mended:
        return ""
    return page.say(
        "In {mended} of {draws} draws pairwise correlations were moved to possible ones.",
        mended=page.count(mended),
        draws=page.count(draws),
    )


def failures(again: np.ndarray, draws: int) -> str:
    lost = failed(again)
    if not lost:
        return ""
    return page.say(
        "{failed} of {draws} draws had drivers that were constant or copies; the intervals rest on "
        "the others.",
        failed=page.count(lost),
        draws=page.count(draws),
    )
