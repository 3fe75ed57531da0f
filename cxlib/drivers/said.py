"""What driver importance says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.drivers.columns import FLAG, Chosen
from cxlib.drivers.shares import MOST_DRAWN, MOST_EXACT
from cxlib.estimates import filled
from cxlib.privacy import disclosure
from cxlib.stats.intervals import failed_draws
from cxlib.stats.moments import Moments


def sentence(table: pd.DataFrame, r2: pd.DataFrame, outcome: str, by_chance: bool) -> str:
    """Who explains most; where the draws disagree on who comes first, that is left open."""
    whole = r2.iloc[0]
    least = context.current().smallest_cell
    if whole["n"] < least:
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    facts = {
        "outcome": outcome,
        "fit": f"{i18n.label(whole['term'])} {i18n.number(whole['estimate'], 2)}",
        "n": whole["n"],
    }
    if by_chance:
        return _(
            "These drivers explain no more of {outcome:quoted} than chance: {fit} "
            "({span:interval2}), n {n:count}.",
            span=(whole["low"], whole["high"]),
            **facts,
        )
    leaders = table[table["top"]]
    names = [i18n.label(t) for t in leaders["term"]]
    opening, names = i18n.quoted(i18n.opening(names[0])), [i18n.quoted(n) for n in names]
    shown = [
        _("{value:share} ({span:share_interval0})", value=r.estimate, span=(r.low, r.high))
        for r in leaders.itertuples()
    ]
    if len(names) == 1:
        return _(
            "{driver} explains most of {outcome:quoted}: {share} of {fit}, n {n:count}.",
            driver=opening,
            share=shown[0],
            **facts,
        )
    if len(names) == 2:
        return _(
            "{first} and {second} explain most of {outcome:quoted}: {share} and {share2} of "
            "{fit}, n {n:count}; which of the two comes first is open.",
            first=opening,
            second=names[1],
            share=shown[0],
            share2=shown[1],
            **facts,
        )
    return _(
        "{driver} has the largest share of {outcome:quoted}: {share} of {fit}, n {n:count}; which "
        "of the first {leaders:count} comes first is open.",
        driver=opening,
        share=shown[0],
        leaders=len(names),
        **facts,
    )


def difference_sentence(differences: pd.DataFrame, by: str, outcome: str) -> str:
    known = disclosure.shown(differences).dropna(subset=["low", "high"])
    beyond = known[(known["low"] > 0) | (known["high"] < 0)]
    facts = {"by": by, "outcome": outcome}
    if known.empty:
        return _("No group of {by:label} has enough answers to explain {outcome:quoted}.", **facts)
    clear = len(beyond) > 0
    largest = (beyond if clear else known).assign(size=lambda t: t["estimate"].abs())
    row = largest.sort_values("size").iloc[-1]
    facts |= {
        "driver": row["term"],
        "group": row[by],
        "difference": row["estimate"],
        "span": (100 * row["low"], 100 * row["high"]),
        "n": row["n"],
    }
    if clear:
        return _(
            "What explains {outcome:quoted} differs by {by:label}: the share of {driver:quoted} "
            "in {group:label} is {difference:points1} ({span:interval1}) percentage points from "
            "everybody's, n {n:count}.",
            **facts,
        )
    return _(
        "No driver of {outcome:quoted} differs by {by:label} beyond chance; the largest gap is "
        "{driver:quoted} in {group:label}, {difference:points1} ({span:interval1}) percentage "
        "points from everybody's, n {n:count}.",
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
        place = next(
            i for i, p in enumerate(chosen.players) if column in [chosen.columns[c] for c in p]
        )
        counts[place] -= int(chosen.responses.loc[whole, column + FLAG].sum())
    return counts


def complete(n: int, offered: int) -> str:
    return _(
        "{n:count} of {offered:count} responses answered every question.", n=n, offered=offered
    )


def answered(chosen: Chosen, sums: Moments) -> str:
    """How many answers there are, and how missing ones are treated."""
    n, offered = sums.rows.sum(), sums.offered
    facts = {"n": n, "offered": offered}
    if sums.missing == "complete":
        return complete(n, offered)
    if sums.missing == "em":
        return filled(sums)
    rated = counts(chosen, sums)
    if isinstance(rated, int):
        return _("{n:count} of {offered:count} responses answered some of the questions.", **facts)
    each = [f"{i18n.label(d)} {i18n.count(c)}" for d, c in zip(chosen.terms, rated, strict=True)]
    return _(
        "Each pair of questions uses those who answered both. Of {offered:count} responses these "
        "rated {outcome:label} and the driver: {each}.",
        outcome=chosen.outcome,
        each=_("; ").join(each),
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
            found.append(f"{i18n.label(driver)} {i18n.count(never)}")
    each = _("; ").join(found)
    if not found:
        return ""
    if adjusted:
        return _(
            "Not experienced: {each}. These rows are kept; whether a customer met the touchpoint "
            "enters beside the rating.",
            each=each,
        )
    return _("Not experienced, so not rated: {each}.", each=each)


def of_both(adjusted: list[str]) -> str:
    return _("Shares are those of both together.") if adjusted else ""


def graded(kind: str, grade: np.ndarray, outcome: str) -> str:
    facts = {"outcome": outcome, "n": grade.max() + 1}
    if kind == "logistic":
        return _("{outcome:quoted} is taken as yes or no (logistic regression).", **facts)
    return _("{outcome:quoted} is taken as {n:count} ordered grades (proportional odds).", **facts)


def sampled(error: float) -> str:
    if not error:
        return ""
    return _(
        "Shares come from sampled orders of entry, with a standard error of {error:share2} at "
        "most.",
        error=float(error),
    )


def sampled_draws(k: int, method: str) -> str:
    if method != "shapley" or not MOST_DRAWN < k <= MOST_EXACT:
        return ""
    return _("Shares are exact; their intervals come from sampled orders of entry.")


def moved(moved: float) -> str:
    if not moved:
        return ""
    return _(
        "Pairwise correlations were impossible; moved by up to {moved:number3} to possible ones.",
        moved=moved,
    )


def blank(groups: list, by: str) -> str:
    if not groups:
        return ""
    return _(
        "Left blank, too few or too uniform answers: {groups} ({by:label}).",
        groups=_("; ").join(i18n.label(str(g)) for g in groups),
        by=by,
    )


def mended(mended: int, draws: int) -> str:
    if not mended:
        return ""
    return _(
        "In {mended:count} of {draws:count} draws pairwise correlations were moved to possible "
        "ones.",
        mended=mended,
        draws=draws,
    )


def failures(again: np.ndarray, draws: int) -> str:
    lost = failed_draws(again)
    if not lost:
        return ""
    return _(
        "{failed:count} of {draws:count} draws had drivers that were constant or copies; the "
        "intervals rest on the others.",
        failed=lost,
        draws=draws,
    )
