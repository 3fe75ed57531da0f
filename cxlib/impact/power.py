"""Before acting: could a randomised comparison detect what is predicted, and with how many?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import power
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.impact import wording
from cxlib.impact.trial import numbered, recoded

SMALL_EFFECT = 0.2  # of a standard deviation: the effect where none is predicted (Cohen: small)


@dataclass(frozen=True)
class Experiment:
    """A randomised comparison to be planned.

    Attributes
    ----------
    share : of the customers that is treated, between 0 and 1
    sizes : customers in both arms, each 20 or more
    waves : after how many waves it is judged
    power : wanted: probability of finding the expected effect, between 0 and 1
    """

    share: float = 0.5
    sizes: tuple[int, ...] = (200, 500, 1000, 2000, 5000)
    waves: tuple[int, ...] = (1, 2, 4)
    power: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or not 0 < self.power < 1 or min(self.sizes) < 20:
            raise ValueError(
                f"share={self.share:g} and power={self.power:g} must lie between 0 and 1, and "
                f"sizes {list(self.sizes)} be 20 or more."
            )


def power_analysis(
    sample: SampleLike,
    outcome: str,
    *,
    points: Sequence[str] = (),
    over: str = "wave",
    expected: float = 0.0,
    experiment: Experiment | None = None,
) -> Result:
    """Simulate randomised comparisons out of the latest answers, for each size and time.

    Customers who answered in the last waves are drawn, some of them treated, and judged after so
    many waves, as they answered: some not, some often.

    Parameters
    ----------
    sample : answers so far; clusters are customers; `draws` is the number of simulated comparisons
    outcome : question
    points : questions reported as NPS
    over : column of the waves
    expected : effect predicted, in the outcome's unit; 0 for a fifth of a standard deviation
    experiment : share treated, sizes, waves and power wanted

    Returns
    -------
    Result with the tables

    - table: waves, term, estimate (the smallest effect found with the power wanted), low, high
      (empty), n (customers in both arms)
    - chances: waves, term, estimate (power to find the expected effect), low, high, n

    and the parts expected (in the outcome's unit) and act (whether the customers at hand give the
    power wanted)

    Raises
    ------
    ValueError : shares or sizes that make no sense

    Examples
    --------
    >>> rows = pd.DataFrame({"score": [1, 2, 3, 4, 5] * 20})
    >>> fit = power_analysis(rows, "score", expected=2.0, experiment=Experiment(sizes=(100,)))
    >>> fit.act, fit.table["n"].tolist()
    (True, [100])
    """
    sample, experiment = as_sample(sample), experiment or Experiment()
    rows, known_by = sample.data, sample.cluster
    unit, y = recoded(rows[outcome], outcome in points)
    answers = _by_wave(y, None if known_by is None else rows[known_by], rows.get(over))
    if known_by is None:  # who answers again is not known: the latest answers, once each
        answers = answers[:, -1:]
    waves = [k for k in experiment.waves if k <= answers.shape[1]] or [1]
    latest = answers[:, -max(waves) :]
    expected = expected or SMALL_EFFECT * float(np.nanstd(latest))
    latest = latest[(~np.isnan(latest)).any(1)]
    there = len(latest)
    effects, chances = [], []
    for k in waves:
        for n in sorted({*experiment.sizes, there}):
            drawn = power.simulated(
                latest[:, -k:], n, share=experiment.share, draws=sample.draws, seed=sample.seed
            )
            common = {"waves": k, "term": outcome, "low": np.nan, "high": np.nan, "n": n}
            least = power.minimum_detectable_effect(drawn, experiment.power)
            effects.append({**common, "estimate": least})
            chances.append({**common, "estimate": power.detected(drawn, abs(expected))})
    order = ["waves", "term", "estimate", "low", "high", "n"]
    table, chance = (pd.DataFrame(r)[order] for r in (effects, chances))
    act = bool((chance.loc[chance["n"] == there, "estimate"] >= experiment.power).any())
    note = _(
        "{draws:count} simulated comparisons for each size, of {there:count} customers who "
        "answered (waves: {waves:count}), {share:share} of them treated; a difference counts as "
        "found at 5%.",
        draws=sample.draws,
        there=there,
        waves=max(waves),
        share=experiment.share,
    )
    name = _("NPS") if outcome in points else i18n.quoted(i18n.label(outcome))
    facts = {
        "outcome": name,
        "effect": wording.value(expected, unit),
        "customers": there,
        "share": experiment.share,
    }
    own = [t[t["n"] == there].sort_values("waves") for t in (table, chance)]
    if act:
        soonest = own[1][own[1]["estimate"] >= experiment.power].iloc[0]
        least = own[0].set_index("waves")["estimate"].loc[soonest["waves"]]
        finding = _sufficient(facts | {"smallest": wording.value(least, unit)}, soonest)
    else:
        enough = chance[chance["estimate"] >= experiment.power].sort_values(["n", "waves"])
        smallest = wording.value(own[0].iloc[-1]["estimate"], unit)
        finding = _insufficient(facts | {"smallest": smallest}, own[1].iloc[-1], enough)
    return Result(
        {"table": table, "chances": chance},
        finding,
        note,
        unit if unit != "amount" else "",
        draws=sample.draws,
        seed=sample.seed,
        parts={"expected": expected, "act": act},
    )


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


def _sufficient(facts: dict[str, Any], soonest: pd.Series) -> Finding:
    chance = float(soonest["estimate"])
    claim = _(
        "The customers at hand are enough for the next comparison to detect an effect of {effect} "
        "on {outcome}.",
        **facts,
    )
    return Finding(claim, _smallest(facts, soonest), chance, "share", importance=Importance.ANSWER)


def _insufficient(facts: dict[str, Any], last: pd.Series, enough: pd.DataFrame) -> Finding:
    claim = _(
        "Do not act yet: with the customers at hand, an effect of {effect} on {outcome} would "
        "often be missed.",
        **facts,
    )
    detail = _smallest(facts, last)
    if enough.empty:
        detail = _("{detail}; no size considered is sufficient", detail=detail)
    else:
        detail = _(
            "{detail}; {n:count} customers would be sufficient",
            detail=detail,
            n=enough["n"].iloc[0],
        )
    chance = float(last["estimate"])
    return Finding(claim, detail, chance, "share", importance=Importance.ANSWER)


def _smallest(facts: dict[str, Any], row: pd.Series) -> str:
    """The power for the effect asked for, and the smallest effect that has enough of it."""
    return _(
        "{detail}; smallest effect that can be detected: {smallest}",
        detail=_detail(facts, row),
        **facts,
    )


def _detail(facts: dict[str, Any], row: pd.Series) -> str:
    """The power, and of which comparison."""
    return ngettext(
        "Power {chance:chance}; {customers:count} customers, {share:share} treated; {n:count} "
        "wave after the change",
        "Power {chance:chance}; {customers:count} customers, {share:share} treated; {n:count} "
        "waves after the change",
        row["waves"],
        chance=row["estimate"],
        customers=facts["customers"],
        share=facts["share"],
    )
