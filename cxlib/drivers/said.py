"""What driver importance says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.drivers.columns import FLAG, Chosen
from cxlib.drivers.shares import MOST_DRAWN, MOST_EXACT
from cxlib.estimates import filled
from cxlib.privacy import disclosure
from cxlib.stats.intervals import failed_draws
from cxlib.stats.moments import Moments


def sentence(table: pd.DataFrame, r2: pd.DataFrame, outcome: str, by_chance: bool) -> str:
    """Who explains most; where the draws disagree on who comes first, that is left open."""
    whole = r2.iloc[0]
    least = page.rules().smallest_cell
    if whole["n"] < least:
        return page.say("Fewer than {least} answered: no number is shown.", least=page.count(least))
    facts = {
        "outcome": page.quoted(page.label(outcome)),
        "fit": f"{page.label(whole['term'])} {page.number(whole['estimate'], 2)}",
        "n": page.count(whole["n"]),
    }
    if by_chance:
        return page.say(
            "These drivers explain no more of {outcome} than chance: {fit} ({span}), n {n}.",
            span=page.span(whole["low"], whole["high"], 2),
            **facts,
        )
    leaders = table[table["top"]]
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
            "{driver} explains most of {outcome}: {share} of {fit}, n {n}.",
            driver=opening,
            share=shown[0],
            **facts,
        )
    if len(names) == 2:
        return page.say(
            "{first} and {second} explain most of {outcome}: {share} and {share2} of {fit}, "
            "n {n}; which of the two comes first is open.",
            first=opening,
            second=names[1],
            share=shown[0],
            share2=shown[1],
            **facts,
        )
    return page.say(
        "{driver} has the largest share of {outcome}: {share} of {fit}, n {n}; which of the "
        "first {leaders} comes first is open.",
        driver=opening,
        share=shown[0],
        leaders=page.count(len(names)),
        **facts,
    )


def difference_sentence(differences: pd.DataFrame, by: str, outcome: str) -> str:
    known = disclosure.shown(differences).dropna(subset=["low", "high"])
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


def used(chosen: Chosen, sums: Moments) -> int:
    """Responses behind R²: those that give the outcome and some driver."""
    rows = chosen.responses
    if sums.missing == "complete" or isinstance(rows, Moments):
        return int(sums.rows.sum())
    return int((rows[chosen.outcome].notna() & rows[chosen.columns].notna().any(axis=1)).sum())


def counts(chosen: Chosen, sums: Moments) -> int | list[int]:
    """Responses behind each term."""
    rows = chosen.responses
    if sums.missing == "complete" or isinstance(rows, Moments):
        return int(sums.rows.sum())
    rated = rows[chosen.outcome].notna()
    columns = [[chosen.columns[c] for c in places] for places in chosen.players]
    return [int((rows[c].notna().all(axis=1) & rated).sum()) for c in columns]


def raters(chosen: Chosen, n: int | list[int]) -> list[int]:
    """Of the responses `n` behind each term those that rated it: a touchpoint that was never met
    is counted with the mean of the others."""
    counts = np.broadcast_to(n, len(chosen.terms)).tolist()
    for column in chosen.adjusted:
        whole = chosen.responses[[chosen.outcome, *chosen.columns]].notna().all(axis=1)
        place = next(i for i, p in enumerate(chosen.players) if column in
                     [chosen.columns[c] for c in p])  # fmt: skip
        counts[place] -= int(chosen.responses.loc[whole, column + FLAG].sum())
    return counts


def complete(n: int, offered: int) -> str:
    return page.say(
        "{n} of {offered} responses answered every question.",
        n=page.count(n),
        offered=page.count(offered),
    )


def answered(chosen: Chosen, sums: Moments) -> str:
    """How many answers there are, and how missing ones are treated."""
    n, offered = sums.rows.sum(), sums.offered
    facts = {"n": page.count(n), "offered": page.count(offered)}
    if sums.missing == "complete":
        return complete(n, offered)
    if sums.missing == "em":
        return filled(sums)
    rated = counts(chosen, sums)
    if isinstance(rated, int):
        return page.say("{n} of {offered} responses answered some of the questions.", **facts)
    each = [f"{page.label(d)} {page.count(c)}" for d, c in zip(chosen.terms, rated, strict=True)]
    return page.say(
        "Each pair of questions uses those who answered both. Of {offered} responses these rated "
        "{outcome} and the driver: {each}.",
        outcome=page.label(chosen.outcome),
        each=page.say("; ").join(each),
        **facts,
    )


def not_experienced(responses, drivers: list[str], adjusted: list[str]) -> str:
    """Touchpoints not met, which is not the same as a question left open."""
    if isinstance(responses, Moments):
        return ""
    found = []
    for driver in drivers:
        flag = driver + FLAG
        if flag in responses and (never := int(responses[flag].fillna(False).astype(bool).sum())):
            found.append(f"{page.label(driver)} {page.count(never)}")
    each = page.say("; ").join(found)
    if not found:
        return ""
    if adjusted:
        return page.say(
            "Not experienced: {each}. These rows are kept; whether a customer met the touchpoint "
            "enters beside the rating.",
            each=each,
        )
    return page.say("Not experienced, so not rated: {each}.", each=each)


def of_both(adjusted: list[str]) -> str:
    return page.say("Shares are those of both together.") if adjusted else ""


def graded(kind: str, grade: np.ndarray, outcome: str) -> str:
    facts = {"outcome": page.quoted(page.label(outcome)), "n": page.count(grade.max() + 1)}
    if kind == "logistic":
        return page.say("{outcome} is taken as yes or no (logistic regression).", **facts)
    return page.say("{outcome} is taken as {n} ordered grades (proportional odds).", **facts)


def sampled(error: float) -> str:
    if not error:
        return ""
    return page.say(
        "Shares come from sampled orders of entry, with a standard error of {error} at most.",
        error=page.percent(float(error), 2),
    )


def sampled_draws(k: int, method: str) -> str:
    if method != "shapley" or not MOST_DRAWN < k <= MOST_EXACT:
        return ""
    return page.say("Shares are exact; their intervals come from sampled orders of entry.")


def moved(moved: float) -> str:
    if not moved:
        return ""
    return page.say(
        "Pairwise correlations were impossible; moved by up to {moved} to possible ones.",
        moved=page.number(moved, 3),
    )


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
    lost = failed_draws(again)
    if not lost:
        return ""
    return page.say(
        "{failed} of {draws} draws had drivers that were constant or copies; the intervals rest on "
        "the others.",
        failed=page.count(lost),
        draws=page.count(draws),
    )
