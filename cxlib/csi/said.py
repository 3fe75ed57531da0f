"""What a fit of the index says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.estimates import filled
from cxlib.privacy import disclosure
from cxlib.stats.intervals import LEVEL
from cxlib.stats.moments import Moments


def sentence(table: pd.DataFrame, target: str, n: int) -> str:
    row = table.set_index("term").loc[target]
    least = page.rules().smallest_cell
    if n < least:
        return page.say("Fewer than {least} answered: no number is shown.", least=page.count(least))
    return page.say(
        "{construct} index {index} ({span}), n {n}.",
        construct=page.opening(page.label(target)),
        index=page.number(row["estimate"]),
        span=page.span(row["low"], row["high"]),
        n=page.count(n),
    )


def group_sentence(table: pd.DataFrame, by: str, index: np.ndarray, replicates: np.ndarray) -> str:
    judged = np.flatnonzero(table["low"].notna().to_numpy()[:-1])
    judged = judged[(disclosure.hidden(table) == "").to_numpy()[judged]]
    overall = table.iloc[-1]
    whole = sentence(table.iloc[[-1]], overall["term"], overall["n"])
    if len(judged) < 2:
        return whole
    top, bottom = judged[index[judged].argmax()], judged[index[judged].argmin()]
    gaps = (replicates - index)[:, judged]
    # Any two groups might have been the extremes: the widest deviation of any pair is what counts.
    reach = np.nanquantile(np.nanmax(gaps, 1) - np.nanmin(gaps, 1), LEVEL)
    gap = index[top] - index[bottom]
    facts = {
        "by": page.label(by),
        "whole": whole,
        "gap": page.number(gap),
        "span": page.span(max(gap - reach, 0), gap + reach),
        "top": page.label(str(table[by][top])),
        "bottom": page.label(str(table[by][bottom])),
    }
    if gap > reach:
        return page.say(
            "{whole} By {by}: {top} is {gap} ({span}) points above {bottom}.",
            **facts,
        )
    return page.say(
        "{whole} By {by}: no difference beyond chance; {top} and {bottom} are {gap} ({span}) "
        "points apart.",
        **facts,
    )


def answered(sums: Moments, responses: pd.DataFrame | Moments, items: list[str]) -> str:
    """How many answered, how missing answers were treated, and who had nothing to answer."""
    facts = {"n": page.count(sums.rows.sum()), "offered": page.count(sums.offered)}
    rows = None if isinstance(responses, Moments) else responses
    if sums.missing == "complete":
        found = page.say("{n} of {offered} responses answered every question.", **facts)
    elif sums.missing == "em":
        found = filled(sums)
    elif rows is None:
        found = page.say("{n} of {offered} responses answered some of the questions.", **facts)
    else:
        given = rows[items].notna().sum()
        found = page.say(
            "{n} of {offered} responses answered some of the questions: from {fewest} ({rarest}) "
            "to {most}; every pair of questions uses those who answered both.",
            fewest=page.count(given.min()),
            rarest=page.label(given.idxmin()),
            most=page.count(given.max()),
            **facts,
        )
    return found if rows is None else page.together([found, _not_experienced(rows, items)])


def _not_experienced(rows: pd.DataFrame, items: list[str]) -> str:
    flags = [i for i in items if f"{i}_not_experienced" in rows]
    never = rows[[f"{i}_not_experienced" for i in flags]].fillna(False).astype(bool).sum()
    each = [f"{page.label(i)} {page.count(n)}" for i, n in zip(flags, never, strict=True) if n]
    if not each:
        return ""
    return page.say("Not experienced, so not rated: {each}.", each=page.say("; ").join(each))


def mended(moved: float, drawn: int, draws: int) -> str:
    if not moved and not drawn:
        return ""
    return page.say(
        "Pairwise correlations were impossible and moved to the nearest possible ones: by {moved} "
        "at most in the estimate, and in {drawn} of {draws} draws.",
        moved=page.number(moved, 3),
        drawn=page.count(drawn),
        draws=page.count(draws),
    )
