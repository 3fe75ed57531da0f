"""What the index says in words: its level, what is weaker, and how it moved between waves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n, periods
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance
from cxlib.data.schema import Target
from cxlib.stats.intervals import LEVEL
from cxlib.stats.pvalues import max_t

MEASURE = "index"
CLEARLY = 4.0  # points; as wide as the European index allows an interval to be
MOST = 2  # constructs that a claim names


def name_of(target: str) -> str:
    """What the index is called inside a sentence."""
    return _("the {construct} index", construct=lowered(i18n.label(target)))


def lowered(label: str) -> str:
    """A label inside an English sentence: perceived value, but NPS."""
    plain = i18n.language() == "en" and label[1:2].islower()
    return label[:1].lower() + label[1:] if plain else label


def level(
    table: pd.DataFrame,
    target: str,
    weak: pd.DataFrame | None = None,
    goal: Target | None = None,
    *,
    pooled: bool = False,
) -> Finding:
    """The target's index, the constructs that are clearly lower, and whether a goal is missed.

    `pooled` is whether the rows are of several waves, so that the claim says so.
    """
    row = table.set_index("term").loc[target]
    least = context.current().smallest_cell
    if row["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    name = name_of(target)
    name = _("over all waves, {name}", name=name) if pooled else name
    words: dict[str, object] = {"name": i18n.opening(name), "now": row["estimate"]}
    met = of_goal(goal, row)
    missed = met.get("target_standing") == "missed"
    if missed and goal is not None:
        claim = _(
            "{name} is {now:number0} of 100, significantly short of the target of {goal:number0}.",
            goal=goal.value,
            **words,
        )
    elif weak is not None and len(weak):
        names = [
            _("{construct} ({x:number0})", construct=lowered(i18n.label(w.term)), x=w.estimate)
            for w in weak.head(MOST).itertuples()
        ]
        claim = ngettext(
            "{name} is {now:number0} of 100; {weak} is significantly below it.",
            "{name} is {now:number0} of 100; {weak} are significantly below it.",
            len(names),
            weak=i18n.conjoined(names),
            **words,
        )
    else:
        claim = _("{name} is {now:number0} of 100.", **words)
    return Finding.of_row(
        row,
        claim,
        interval(row),
        **facts(),
        **met,
        verdict="worse" if missed else "",
        importance=Importance.NEWS if missed else Importance.ANSWER,
    )


def of_goal(goal: Target | None, row: pd.Series) -> dict[str, Any]:
    """The slots of a finding that say whether a row meets the goal."""
    ends = float(row["estimate"]), float(row["low"]), float(row["high"])
    return {} if goal is None else goal.slots(*ends)


def interval(row: pd.Series) -> str:
    """Interval and answers."""
    return _("95% CI {ci:interval1}; n = {n:count}", ci=(row["low"], row["high"]), n=row["n"])


def facts(**at: str) -> dict[str, Any]:
    """The slots of a finding that say what its number is of."""
    return {"unit": "points", "measure": MEASURE, "at": at}


def weak(table: pd.DataFrame, target: str, index: np.ndarray, again: np.ndarray) -> pd.DataFrame:
    """Constructs that stand significantly and clearly lower than the target, lowest first.

    `index` (constructs,) and `again` (constructs, draws) in the order of `table`.
    """
    terms = list(table["term"])
    at = terms.index(target)
    places = [k for k in range(len(terms)) if k != at]
    gap, gaps = index[places] - index[at], (again[places] - again[at]).T
    lower = (gap <= -CLEARLY) & (max_t(gap, gaps) < 1 - LEVEL)
    found = table.iloc[[p for p, low in zip(places, lower, strict=True) if low]]
    return found.sort_values("estimate")


def step(
    rows: pd.DataFrame, by: str, target: str, change: pd.Series, goal: Target | None
) -> Finding:
    """The last wave of `rows` against the one before."""
    then, now = rows.iloc[-2], rows.iloc[-1]
    significant, moved = change["p"] < 1 - LEVEL, float(change["estimate"])
    words: dict[str, object] = {
        "measure": i18n.opening(name_of(target)),
        "now": i18n.number(now["estimate"], 0),
        "wave": now[by],
        "size": _("{v:number1} points", v=abs(moved)),
        "before": periods.before(now[by], then[by]),
        "then": i18n.number(then["estimate"], 0),
    }
    met = of_goal(goal, now)
    missed = met.get("target_standing") == "missed"
    if significant and moved > 0:
        claim = _("{measure} rose by {size} to {now} in {wave:label}.", **words)
    elif significant:
        claim = _("{measure} fell by {size} to {now} in {wave:label}.", **words)
    else:
        claim = _(
            "{measure} was {now} in {wave:label}, not significantly different from {before} "
            "({then}).",
            **words,
        )
    since = _(
        "since {wave:label} {moved} (95% CI {span})",
        wave=then[by],
        moved=_("{v:signed} points", v=moved),
        span=i18n.span(change["low"], change["high"]),
    )
    verdict = ("better" if moved > 0 else "worse") if significant else "unclear"
    worse = missed or (significant and moved < 0)
    return Finding.of_row(
        now,
        claim,
        _("; ").join(line for line in (interval(now), since) if line),
        **facts(**{by: str(now[by])}),
        previous=float(then["estimate"]),
        change=moved,
        **met,
        verdict=verdict,
        importance=Importance.NEWS if worse else Importance.ANSWER,
    )
