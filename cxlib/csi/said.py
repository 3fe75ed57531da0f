"""What a fit of the index says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import hiding, page
from cxlib.csi import pls
from cxlib.csi.model import Model
from cxlib.estimates import LEVEL
from cxlib.moments import Moments


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
    judged = judged[(hiding.hidden(table) == "").to_numpy()[judged]]
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
    facts = {"n": page.count(sums.rows.sum()), "offered": page.count(sums.offered)}
    if not sums.pairwise:
        return page.say("{n} of {offered} responses answered every question.", **facts)
    sentence = page.say("{n} of {offered} responses answered some of the questions", **facts)
    if isinstance(responses, Moments):
        return sentence + "."
    given = responses[items].notna().sum()
    return page.say(
        "{sentence}: from {fewest} ({rarest}) to {most}; every pair of questions uses those who "
        "answered both.",
        sentence=sentence,
        fewest=page.count(given.min()),
        rarest=page.label(given.idxmin()),
        most=page.count(given.max()),
    )


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


def failures(again: pls.Solution, draws: int) -> str:
    unsettled = int((again.rounds == 0).sum())
    if not unsettled:
        return ""
    return page.say(
        "{failed} of {draws} draws did not settle in {rounds} rounds or had a question without "
        "differences; the intervals rest on the others.",
        failed=page.count(unsettled),
        draws=page.count(draws),
        rounds=page.count(pls.MOST_ROUNDS),
    )


def warnings(model: Model, point: pls.Solution) -> list[str]:
    found = []
    for item, weight in zip(model.items, point.weights[:, 0], strict=True):
        if weight < 0:
            found.append(
                page.say(
                    "Warning: the weight of {item} is negative ({weight}), so its construct's "
                    "index is not to be trusted.",
                    item=page.label(item),
                    weight=page.number(weight, 3),
                )
            )
    for name, rho in zip(model.constructs, point.rho_a[:, 0], strict=True):
        if rho > 1:
            found.append(
                page.say(
                    "Warning: rho_A of {construct} is {rho}, over 1: its questions do not hang "
                    "together as one construct, or answers are too few.",
                    construct=page.label(name),
                    rho=page.number(rho, 2),
                )
            )
    unrated = [page.label(c) for c, i in model.constructs.items() if len(i) == 1]
    if unrated:
        found.append(
            page.say(
                "One question has no reliability: {constructs}.",
                constructs=page.say("; ").join(unrated),
            )
        )
    if model.preset == "ccsi":
        found.append(
            page.say(
                "CCSI-type model: the 11 official paths of the Chinese index are not public; these "
                "are the 12 that its six constructs make plausible, or the study's own."
            )
        )
    return found
