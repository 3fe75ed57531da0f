"""Answers that do not fit the declared scale by more than a stray value: a question, not a loss.

    doubt("service", item, answers)      # "" or what was found, the likely scale and what to write

A scale of 1 to 10 declared as 1 to 5 would lose half of the answers, and one of 1 to 5 declared as
0 to 10 has an NPS of -100: both are asked about before anything is loaded. Ratings beside the
questionnaire (of a solution, with a comment) need no declared scale: `rating_rules` tells it from
them, so that 55 among answers from 1 to 5 is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cxlib.data import contract
from cxlib.data.intake.reasons import Reason
from cxlib.data.intake.rules import Rule, within
from cxlib.data.schema import Item
from cxlib.data.study import Study

STRAY, FEW = 0.05, 5  # share of answers, and answers, that a few slips may be
IN_A_WAVE = 0.2  # the same share of one wave among several: on another scale more lie outside
USUAL = ((0, 1), (1, 3), (1, 4), (1, 5), (0, 5), (1, 6), (1, 7), (1, 10), (0, 10), (0, 100))
ENOUGH = {5: 20, 7: 50}  # answers of which none is above this, on a scale up to 10 or more
ENOUGH_OF_SEVEN = 50  # answers of which none is above 5, on a scale up to 7
MOST_SHOWN = 12
SURE = 20  # ratings from which their scale is told although a few lie outside it
FAR = 2  # times the highest answer of a scale, from which a value is no answer on a longer scale
Scale = tuple[float, float]


def doubt(name: str, item: Item, answers: pd.Series, *, stray: float = STRAY) -> str:
    """What is doubtful about the answers to a question; empty where nothing is.

    Parameters
    ----------
    name, item : the question, as study.yaml declares it
    answers : as they were given, without the codes of `missing` and `not_experienced`
    stray : share of answers outside the scale that may be slips

    Examples
    --------
    >>> item = Item(label="Service", scale=(1, 5), role="csat")
    >>> doubt("service", item, pd.Series([5.0] * 70 + [9.0] * 30)).split(". ")[0]
    'responses.service: 30 of 100 answers (30%) lie outside the declared scale 1 to 5'
    """
    given = answers.dropna()
    if item.confirmed or given.empty:
        return ""
    outside = given[~given.between(*item.scale)]
    broken = given[given != given.round()] if item.role == "nps" else given.head(0)
    if _many(outside, given, stray):
        return _outside(name, item, given, outside)
    if _many(broken, given, stray):
        return (
            f"responses.{name}: {_share(broken, given)} are not whole numbers, which the NPS is "
            f"made of. Answers: {_listed(given)}. Averages and converted answers have no NPS: use "
            f"role intention under items.{name}, or state the conversion under `recode`."
        )
    return _narrow(name, item, given)


def _many(some: pd.Series, given: pd.Series, stray: float) -> bool:
    return len(some) >= FEW and len(some) > stray * len(given)


def _outside(name: str, item: Item, given: pd.Series, outside: pd.Series) -> str:
    low, high = item.scale
    parts = [
        f"responses.{name}: {_share(outside, given)} lie outside the declared scale {low:g} to "
        f"{high:g}. Answers: {_listed(given)}."
    ]
    codes = sorted(outside.unique())
    if likely := _likely(given, item.scale):
        parts.append(
            f"The scale is probably {likely[0]} to {likely[1]}: write `scale: [{likely[0]}, "
            f"{likely[1]}]` under items.{name}."
        )
    if len(codes) <= 3:
        named = ", ".join(f"{c:g}" for c in codes)
        parts.append(
            f"If {named} stand(s) for no answer or not applicable, write `missing: [{named}]` or "
            f"`not_experienced: [{named}]`."
        )
    parts.append("`confirmed: true` sets them aside.")
    return " ".join(parts)


def _narrow(name: str, item: Item, given: pd.Series) -> str:
    """A wide scale of which only the lower part was used, all of it, as of a shorter scale."""
    low, high = item.scale
    top = given.max()
    if item.role == "attribute" or given.nunique() < 3 or given.min() < min(low, 1):
        return ""
    short = (high >= 10 and any(top <= t and len(given) >= n for t, n in ENOUGH.items())) or (
        high == 7 and top <= 5 and len(given) >= ENOUGH_OF_SEVEN
    )
    wide = high >= 100 and top <= 10 and len(given) >= ENOUGH[5]
    likely = _likely(given, item.scale)
    if not (short or wide) or not likely:
        return ""
    if item.role == "nps":
        advice = (
            "of which no NPS can be made: use role intention with that scale, or state a "
            "conversion under `recode`"
        )
    else:
        advice = f"so write `scale: [{likely[0]}, {likely[1]}]` under items.{name}"
    return (
        f"responses.{name}: all {len(given):,} answers lie between {given.min():g} and {top:g}, "
        f"the declared scale is {low:g} to {high:g}. Answers: {_listed(given)}. They were probably "
        f"given on a scale of {likely[0]} to {likely[1]}, {advice}. `confirmed: true` takes them "
        "as they are."
    )


def _likely(given: pd.Series, declared: tuple[float, float]) -> tuple[int, int] | None:
    """The shortest usual scale that holds (almost) all answers; None where it is the declared."""
    for low, high in USUAL:
        holds = given.between(low, high).mean() >= 1 - STRAY / 2
        if holds and (low, high) != declared and given.quantile(0.99) > (low + high) / 2:
            return low, high
    return None


def rating_rules(study: Study, name: str, rows: pd.DataFrame) -> Iterator[Rule]:
    """Rules that ratings beside the questionnaire lie on their scale, declared or told from them.

    Those whose scale cannot be told are under no rule; `unclear_ratings` asks about them.
    """
    for column in _ratings(name, rows):
        if scale := study.tables[name].scales.get(column) or told_scale(rows[column]):
            about = {"low": scale[0], "high": scale[1], "column": column, "table": name}
            yield within(column, Reason("outside_rating", about), *scale)


def unclear_ratings(
    study: Study, name: str, rows: pd.DataFrame
) -> Iterator[tuple[str, int, Reason]]:
    """Ratings whose scale is neither declared nor told from them: column, rows and the reason."""
    for column in _ratings(name, rows):
        given = rows[column].dropna()
        if column not in study.tables[name].scales and told_scale(given) is None:
            about = {"low": float(given.min()), "high": float(given.max())}
            reason = Reason("unclear_scale", {**about, "column": column, "table": name})
            yield column, len(given), reason


def told_scale(values: pd.Series) -> Scale | None:
    """The shortest usual scale of the ratings, less a few that are far off; None in doubt.

    Examples
    --------
    >>> told_scale(pd.Series([1.0, 2, 3, 4, 5] * 10 + [55]))
    (1, 5)
    >>> told_scale(pd.Series([1.0, 2, 3, 4, 5] * 10 + [8])) is None  # up to 10, or a slip?
    True
    """
    given = values.dropna()
    few = max(1, 0.01 * len(given))
    for low, high in USUAL:
        outside = given[~given.between(low, high)]
        if outside.empty:
            return low, high
        if len(outside) <= few:
            far = bool(((outside > FAR * high) | (outside < min(low, 0))).all())
            return (low, high) if far and len(given) >= SURE else None
    return None


def _ratings(name: str, rows: pd.DataFrame) -> list[str]:
    """Columns of the contract that are ratings, with any value."""
    known = [c.name for c in contract.TABLES[name].columns.values() if c.rating]
    return [c for c in known if c in rows and rows[c].notna().any()]


def _share(some: pd.Series, given: pd.Series) -> str:
    share = 100 * len(some) / len(given)
    return f"{len(some):,} of {len(given):,} answers ({share:.0f}%)"


def _listed(given: pd.Series) -> str:
    """The answers and how often each was given, in order; the most frequent where many differ."""
    counts = given.value_counts()
    shown = counts.head(MOST_SHOWN).sort_index()
    more = f" and {len(counts) - MOST_SHOWN} others" if len(counts) > MOST_SHOWN else ""
    return ", ".join(f"{value:g} ({n:,})" for value, n in shown.items()) + more
