"""Strengths, weaknesses and key needs: the quadrants of importance and performance, by name.

    fit = drivers.gains(sample, "recommend", ["speed", "price", "staff"])
    drivers.needs(fit).table      # term, position, chance, key_need, importance, level, n

A driver matters more than average where its gain exceeds the mean gain of all drivers, and is done
well where its mean rating exceeds the mean of all (Martilla and James 1977). Both are taken in
each resample, which gives every position its chance; below 0.95 no position is named, and a driver
that matters more than average is then one that is rated about average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.drivers.waves import PastWave

POSITIONS = ("weakness", "strength", "low priority", "maintain")
AVERAGE = "rated about average"  # of a key need
UNCLEAR = "unclear"
NAMED = 0.95  # chance from which a position or a key need is named: it is decisive
MOST = 3  # drivers of a kind that a sentence names
COLUMNS = (
    Column("position", unit="name"),
    Column("level", unit="scale", label=N_("mean rating")),
    Column("chance", unit="chance", label=N_("probability of the position")),
    Column("key_need", unit="chance", label=N_("probability of being a key need")),
)


def positions(
    terms: list[str],
    gain: np.ndarray,
    gains: np.ndarray,
    level: np.ndarray,
    levels: np.ndarray,
    n: int | Sequence[int] | np.ndarray,
) -> pd.DataFrame:
    """The position of each driver with its chance.

    Parameters
    ----------
    terms : names of the drivers
    gain, level : importance and performance, (terms,)
    gains, levels : the same in each resample, (draws, terms)
    n : who rated each, (terms,)

    Returns
    -------
    Table with term, position (one of `POSITIONS`, "rated about average" of a key need that is
    decisively neither above nor below, or "unclear"), chance (of a position; missing without),
    key_need (the chance that the driver matters more than average), importance, level (the mean
    rating) and n

    Examples
    --------
    >>> draws = np.tile([[0.4, 0.1]], (9, 1)), np.tile([[5.0, 7.0]], (9, 1))
    >>> found = positions(["price", "room"], draws[0][0], draws[0], draws[1][0], draws[1], 90)
    >>> found["position"].tolist(), found["key_need"].tolist()
    (['weakness', 'maintain'], [1.0, 0.0])
    """
    known = ~(np.isnan(gains) | np.isnan(levels)).any(1)
    matters, well = (
        x[known] > x[known].mean(1, keepdims=True) for x in (np.asarray(gains), np.asarray(levels))
    )
    kind = np.where(matters, np.where(well, 1, 0), np.where(well, 3, 2))
    chances = np.stack([(kind == i).mean(0) for i in range(len(POSITIONS))], axis=1)
    key_need = matters.mean(0)
    otherwise = np.where(key_need >= NAMED, AVERAGE, UNCLEAR)
    best = chances.argmax(1)
    most = chances[np.arange(len(best)), best]
    return pd.DataFrame(
        {
            "term": terms,
            "position": [
                POSITIONS[i] if p >= NAMED else other
                for i, p, other in zip(best, most, otherwise, strict=True)
            ],
            "chance": np.where(most >= NAMED, most, np.nan),
            "key_need": key_need,
            "importance": gain,
            "level": level,
            "n": n,
        }
    )


def needs(gain: Result, rests_on: Mapping[str, PastWave] | None = None) -> Result:
    """Named strengths, weaknesses and key needs.

    Parameters
    ----------
    gain : of `gains`
    rests_on : of `rests_on_waves`; the claim says of a weakness that it is one only with such a
        wave

    Returns
    -------
    Result whose table is that of `positions`, the most probable key needs first. A weakness
    matters more than the average driver and is rated below it, a strength matters more and is rated
    above; a key need matters more, however it is rated.

    References
    ----------
    Martilla and James (1977), Journal of Marketing 41.

    Examples
    --------
    >>> from cxlib import drivers
    >>> rows = pd.DataFrame({"speed": np.arange(20) % 5, "recommend": np.arange(20) % 7})
    >>> needs(drivers.gains(rows, "recommend", ["speed"])).finding.claim
    'With one driver there is nothing to compare.'
    """
    table = gain.positions.sort_values("key_need", ascending=False, kind="stable")
    table = table.reset_index(drop=True)
    note = _(
        "More and less than the average of all drivers, in importance and in mean rating. A "
        "position is named from a chance of {least:share}; below it a driver that matters more is "
        "rated about average, and others are unclear.",
        least=NAMED,
    )
    finding = _finding(table, rests_on or {})
    return Result(table, finding, note, "scale", columns=COLUMNS, **gain.bootstrap)


def _finding(table: pd.DataFrame, rests_on: Mapping[str, PastWave]) -> Finding:
    """Weaknesses first, then strengths; all of them and the key needs below."""
    least = context.current().smallest_cell
    if table["n"].min() < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    if len(table) < 2:
        return Finding(_("With one driver there is nothing to compare."))
    named = {p: list(table.loc[table["position"] == p, "term"]) for p in POSITIONS}
    weak, strong = (named[p] for p in POSITIONS[:2])
    facts = {"weak": weak[:MOST], "strong": strong[:MOST]}
    if weak and strong:
        claim = ngettext(
            "Weakness in what matters most: {weak:quoted_list3}; strengths: {strong:quoted_list3}.",
            "Weaknesses in what matters most: {weak:quoted_list3}; strengths: "
            "{strong:quoted_list3}.",
            len(weak),
            **facts,
        )
    elif weak:
        claim = ngettext(
            "Weakness in what matters most: {weak:quoted_list3}; no driver is a clear strength.",
            "Weaknesses in what matters most: {weak:quoted_list3}; no driver is a clear strength.",
            len(weak),
            **facts,
        )
    elif strong:
        claim = ngettext(
            "Strength in what matters most: {strong:quoted_list3}; no driver is a clear weakness.",
            "Strengths in what matters most: {strong:quoted_list3}; no driver is a clear weakness.",
            len(strong),
            **facts,
        )
    else:
        claim = _("No driver is clearly a strength or a weakness.")
    passed = [
        i18n.opening(
            _(
                "{driver:quoted} matters most only with the fall of {wave:label}, which is over.",
                driver=d,
                wave=w.wave,
            )
        )
        for d, w in rests_on.items()
        if d in weak
    ]
    claim = i18n.together([claim, *passed])
    key = table[table["key_need"] >= NAMED]
    parts = [
        _(
            "key needs: {drivers:list}",
            drivers=[
                _("{driver:quoted} {chance:chance}", driver=r.term, chance=r.key_need)
                for r in key.itertuples()
            ],
        )
        if len(key)
        else _("no driver is a clear key need")
    ]
    for kind in (AVERAGE, UNCLEAR):
        if drivers := list(table.loc[table["position"] == kind, "term"]):
            parts.append(
                _("{kind:label}: {drivers:list}", kind=kind, drivers=[*map(_quoted, drivers)])
            )
    parts.append(_("n = {n:count}", n=table["n"].max()))
    importance = Importance.ANSWER if weak or strong else Importance.CONTEXT
    verdict = "" if weak or strong else "unclear"
    return Finding(claim, _("; ").join(parts), verdict=verdict, importance=importance)


def _quoted(term: str) -> str:
    return i18n.quoted(i18n.label(term))
