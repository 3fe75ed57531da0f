"""What a fit of the index says in words: its sentence, and the remarks of its note."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import filled
from cxlib.privacy import disclosure
from cxlib.stats.intervals import LEVEL
from cxlib.stats.moments import Moments


def sentence(table: pd.DataFrame, target: str, n: int) -> str:
    row = table.set_index("term").loc[target]
    least = context.current().smallest_cell
    if n < least:
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    return _(
        "{construct:opening} index {index:number1} ({span:interval1}), n {n:count}.",
        construct=target,
        index=row["estimate"],
        span=(row["low"], row["high"]),
        n=n,
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
        "by": by,
        "whole": whole,
        "gap": gap,
        "span": (max(gap - reach, 0), gap + reach),
        "top": table[by][top],
        "bottom": table[by][bottom],
    }
    if gap > reach:
        return _(
            "{whole} By {by:label}: {top:label} is {gap:number1} ({span:interval1}) points above "
            "{bottom:label}.",
            **facts,
        )
    return _(
        "{whole} By {by:label}: no difference beyond chance; {top:label} and {bottom:label} are "
        "{gap:number1} ({span:interval1}) points apart.",
        **facts,
    )


def answered(sums: Moments, responses: pd.DataFrame | Moments, items: list[str]) -> str:
    """How many answered, how missing answers were treated, and who had nothing to answer."""
    facts = {"n": sums.rows.sum(), "offered": sums.offered}
    rows = None if isinstance(responses, Moments) else responses
    if sums.missing == "complete":
        found = _("{n:count} of {offered:count} responses answered every question.", **facts)
    elif sums.missing == "em":
        found = filled(sums)
    elif rows is None:
        found = _("{n:count} of {offered:count} responses answered some of the questions.", **facts)
    else:
        given = rows[items].notna().sum()
        found = _(
            "{n:count} of {offered:count} responses answered some of the questions: from "
            "{fewest:count} ({rarest:label}) to {most:count}; every pair of questions uses those "
            "who answered both.",
            fewest=given.min(),
            rarest=given.idxmin(),
            most=given.max(),
            **facts,
        )
    return found if rows is None else i18n.together([found, _not_experienced(rows, items)])


def _not_experienced(rows: pd.DataFrame, items: list[str]) -> str:
    flags = [i for i in items if f"{i}_not_experienced" in rows]
    never = rows[[f"{i}_not_experienced" for i in flags]].fillna(False).astype(bool).sum()
    each = [f"{i18n.label(i)} {i18n.count(n)}" for i, n in zip(flags, never, strict=True) if n]
    if not each:
        return ""
    return _("Not experienced, so not rated: {each}.", each=_("; ").join(each))


def mended(moved: float, drawn: int, draws: int) -> str:
    if not moved and not drawn:
        return ""
    return _(
        "Pairwise correlations were impossible and moved to the nearest possible ones: by "
        "{moved:number3} at most in the estimate, and in {drawn:count} of {draws:count} draws.",
        moved=moved,
        drawn=drawn,
        draws=draws,
    )
