"""Before acting: could a comparison by lot find what is promised, and with how many customers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.causal import power
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.impact import said
from cxlib.impact.rows import numbered, recoded

SIZES = (200, 500, 1000, 2000, 5000)
WAVES = (1, 2, 4)
SOME = 0.2  # of a standard deviation: the effect asked for where none is promised (Cohen: small)


@dataclass(frozen=True)
class Plan(Estimates):
    """What a comparison by lot could find.

    Attributes
    ----------
    table : waves, n (customers in both arms), term, estimate (the smallest effect found in `power`
        of the comparisons), low, high (empty)
    chances : waves, n, term, estimate: chance that the expected effect is found
    expected : the effect asked for, in the outcome's unit
    act : whether what is expected is found in `power` of the comparisons with the customers at hand
    """

    chances: pd.DataFrame = field(kw_only=True)
    expected: float = field(kw_only=True)
    act: bool = field(kw_only=True)


def plan(
    rows: pd.DataFrame,
    outcome: str,
    *,
    points: Sequence[str] = (),
    customer: str = "customer_id",
    over: str = "wave",
    expected: float = 0.0,
    sizes: Sequence[int] = SIZES,
    waves: Sequence[int] = WAVES,
    share: float = 0.5,
    least: float = 0.8,
    draws: int = 1000,
    seed: int = 1,
) -> Plan:
    """Comparisons by lot made many times out of the latest answers, for each size and time.

    `rows` are answers to `outcome` so far (`points` as in `read`), of customers in waves where they
    tell them. Customers (who answered in the last waves) are drawn, `share` of them reached, and
    judged after so many waves, as they answered: some not, some often. `expected` is the effect
    promised, in the outcome's unit (0: a fifth of a standard deviation). Where fewer than `least`
    of the comparisons at hand find it, the verdict is not to act yet. Raises ValueError for shares
    and sizes that make no sense.
    """
    if not 0 < share < 1 or not 0 < least < 1 or min(sizes) < 20:
        raise ValueError(
            f"share={share:g} and least={least:g} must lie between 0 and 1, and sizes "
            f"{list(sizes)} be 20 or more."
        )
    unit, y = recoded(rows[outcome], outcome in points)
    answers = _by_wave(y, rows.get(customer), rows.get(over))
    if customer not in rows:  # who answers again is not known: the latest answers, once each
        answers = answers[:, -1:]
    waves = [k for k in waves if k <= answers.shape[1]] or [1]
    spread = float(np.nanstd(answers[:, -max(waves) :]))
    expected = expected or SOME * spread
    there = int((~np.isnan(answers[:, -max(waves) :])).any(1).sum())
    known = answers[(~np.isnan(answers[:, -max(waves) :])).any(1)]
    rows, chances = [], []
    sizes = sorted({*sizes, there})
    for k in waves:
        for n in sizes:
            drawn = power.simulated(known[:, -k:], n, share=share, draws=draws, seed=seed)
            common = {"waves": k, "n": n, "term": outcome}
            rows.append({**common, "estimate": power.minimum_detectable_effect(drawn, least)})
            chances.append({**common, "estimate": power.detected(drawn, abs(expected))})
    order = ["waves", "term", "estimate", "low", "high", "n"]
    table, chance = (
        pd.DataFrame(r).assign(low=np.nan, high=np.nan)[order] for r in (rows, chances)
    )
    act = bool((chance.loc[chance["n"] == there, "estimate"] >= least).any())
    note = _(
        "{draws:count} comparisons for each size, of {there:count} customers who answered (waves "
        "looked at: {waves:count}), {share:share} of them reached; a difference counts as found "
        "at 5%.",
        draws=draws,
        there=there,
        waves=max(waves),
        share=share,
    )
    name = _("NPS") if outcome in points else i18n.quoted(i18n.label(outcome))
    answer = _sentence((name, unit), table, chance, (expected, there, least, share), act)
    facts = {"draws": draws, "seed": seed, "chances": chance, "expected": expected, "act": act}
    return Plan(table, answer, note, unit if unit != "amount" else "", **facts)


def _by_wave(y: np.ndarray, ids: pd.Series | None, over: pd.Series | None) -> np.ndarray:
    """Mean answer of each customer in each wave, (customers, waves); NaN for none."""
    who = np.arange(len(y)) if ids is None else numbered(ids)
    wave = np.zeros(len(y), int) if over is None else pd.factorize(over, sort=True)[0]
    there = ~np.isnan(y) & (wave >= 0)
    shape = (who.max() + 1, wave.max() + 1)
    tops, bottoms = np.zeros(shape), np.zeros(shape)
    np.add.at(tops, (who[there], wave[there]), y[there])
    np.add.at(bottoms, (who[there], wave[there]), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return tops / bottoms


def _sentence(
    of: tuple[str, str],
    table: pd.DataFrame,
    chance: pd.DataFrame,
    asked: tuple[float, int, float, float],
    act: bool,
) -> str:
    (name, unit), (expected, there, least, share) = of, asked
    last = chance[chance["n"] == there].sort_values("waves").iloc[-1]
    facts = {
        "outcome": name,
        "effect": said.value(expected, unit),
        "n": i18n.count(there),
        "share": i18n.percent(share),
        "waves": i18n.count(last["waves"]),
        "chance": i18n.chance(last["estimate"]),
    }
    if act:
        soon = chance[(chance["n"] == there) & (chance["estimate"] >= least)].sort_values("waves")
        first = soon.iloc[0]
        return _(
            "With the {n} customers at hand, {share} of them reached, an effect of {effect} on "
            "{outcome} is found with a chance of {chance} (waves after it: {waves}): act, and "
            "measure.",
            **{
                **facts,
                "waves": i18n.count(first["waves"]),
                "chance": i18n.chance(first["estimate"]),
            },
        )
    enough = chance[chance["estimate"] >= least].sort_values(["n", "waves"])
    smallest = table[(table["n"] == there)].sort_values("waves").iloc[-1]
    facts["smallest"] = said.value(smallest["estimate"], unit)
    first = _(
        "Do not act yet: with the {n} customers at hand, {share} of them reached, an effect of "
        "{effect} on {outcome} is found with a chance of {chance} only (waves after it: {waves}); "
        "what shows is {smallest} or more.",
        **facts,
    )
    if enough.empty:
        return i18n.together([first, _("No size looked at is enough.")])
    row = enough.iloc[0]
    return i18n.together(
        [
            first,
            _(
                "{n:count} customers would be enough (waves after it: {waves:count}).",
                n=row["n"],
                waves=row["waves"],
            ),
        ]
    )
