"""Before acting on units: which are the best controls, and what effect could be found?

    plan = comparison_units(sample, "welcome", "hotel", treated=["hotel 12"])
    print(plan)           # With Hotel 12 treated, effects from 1.2 points on can be detected ...
    plan.donors           # its synthetic control: term (unit), estimate (weight), n
    plan.table            # the smallest effect that can be found with 1, 2 or 3 units treated

Changes that never happened are judged as the true one would be (synthetic
difference-in-differences), in every set of as many units and every earlier wave: how far they lie
from none is what units do by themselves, and what an effect has to exceed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import difference_in_differences as did
from cxlib.causal.synthetic_control import counterfactual
from cxlib.core import i18n
from cxlib.core.codes import plain
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.data.schema import Change
from cxlib.impact import wording
from cxlib.impact.trial import recoded
from cxlib.stats import resampling

POWER = 0.8
SETS = 30  # of units, for each number of treated ones
LEAST_UNITS, LEAST_BEFORE, MOST_TREATED = 4, 2, 3
COLUMNS = (Column("treated", "number of treated units", "count", label="treated units"),)


def next_units(
    samples: Mapping[str, SampleLike],
    changes: Sequence[Change],
    *,
    outcome: str = "",
    treated: Sequence[str] = (),
    points: Sequence[str] = (),
) -> Result:
    """`comparison_units` for the next units of the first roll-out, else of the first comparison.

    Parameters
    ----------
    samples : name of the table -> its rows
    changes : of study.yaml; units that one of them reached are neither treated nor controls
    outcome : the question where the change names none
    treated, points : as in `comparison_units`

    Raises
    ------
    InsufficientData : no change of units, and as `comparison_units`
    """
    designs = ("staggered", "compared")
    found = [c for design in designs for c in changes if c.design == design]
    if not found:
        raise InsufficientData(_("No change was made unit by unit."))
    one = found[0]
    return comparison_units(
        samples[one.table],
        one.outcome or outcome,
        one.column,
        treated=treated,
        without=[unit for c in changes if c.column == one.column for unit in c.treated],
        points=points,
    )


def comparison_units(
    sample: SampleLike,
    outcome: str,
    by: str,
    *,
    treated: Sequence[str] = (),
    without: Sequence[str] = (),
    points: Sequence[str] = (),
    over: str = "wave",
    after: int = 2,
) -> Result:
    """Choose comparison units for a change, and find the smallest effect it would show.

    Parameters
    ----------
    sample : answers so far
    outcome : question
    by : column of the units
    treated : units that the change shall reach; without any, only their number is looked at
    without : units that are neither (another change reached them)
    points : questions reported as NPS
    over : column of the waves
    after : waves after the change, over which the effect is averaged

    Returns
    -------
    Result with the tables

    - table: treated (number of units), term, estimate (effect that is found in 80 of 100 cases at
      5%), low, high (empty), n (answers)
    - donors: term (unit), estimate (weight in the synthetic control of `treated`), low, high
      (empty), n; without `treated` empty

    and the parts smallest (effect with `treated`, or with one unit) and misfit (root mean squared
    gap between `treated` and their synthetic control so far; NaN without `treated`)

    Raises
    ------
    ValueError : unknown units
    InsufficientData : under 4 units with answers in every wave, too few waves, or under 2 controls

    References
    ----------
    Arkhangelsky and others (2021), American Economic Review 111(12); Abadie and Zhao (2021),
    arXiv 2108.02196
    """
    sample = as_sample(sample)
    names, cells, unit = _cells(sample, outcome, by, list(without), outcome in points, over)
    if lost := [name for name in treated if name not in names]:
        raise ValueError(
            f"{by} has no unit {lost} that has answers in every wave and no change yet. There "
            f"are: {', '.join(names)}."
        )
    y, n = cells.means.estimate, cells.count.sum(1)
    if y.shape[1] < LEAST_BEFORE + after or len(names) < max(LEAST_UNITS, len(treated) + 2):
        raise InsufficientData(
            _(
                "{units:count} units have answers in all of {waves:count} waves and no change yet; "
                "{needed:count} units and {least:count} waves are needed.",
                units=len(names),
                waves=y.shape[1],
                needed=max(LEAST_UNITS, len(treated) + 2),
                least=LEAST_BEFORE + after,
            )
        )
    most = min(len(names) // 2, MOST_TREATED)
    sizes = sorted({*range(1, most + 1), *([len(treated)] if treated else [])})
    smallest = {k: smallest_effect(y, k, after, sample.seed) for k in sizes}
    table = pd.DataFrame(
        {
            "treated": sizes,
            "term": outcome,
            "estimate": [smallest[k] for k in sizes],
            "low": np.nan,
            "high": np.nan,
            "n": int(n.sum()),
        }
    )
    donors, misfit = _donors(names, y, n, list(treated))
    name = _("NPS") if outcome in points else i18n.quoted(i18n.label(outcome))
    facts = {"outcome": name, "of": len(names), "waves": after}
    finding = _finding(facts, smallest, unit, donors, list(treated), misfit)
    note = _(
        "Smallest effect: found in 80 of 100 cases at 5%, by how much changes that never happened "
        "seemed to do in {of:count} units and earlier waves. With few units it is a rough number.",
        **facts,
    )
    return Result(
        {"table": table, "donors": donors},
        finding,
        note,
        unit if unit != "amount" else "",
        columns=COLUMNS,
        **sample.bootstrap,
        parts={"smallest": smallest[len(treated) or 1], "misfit": misfit},
    )


def _cells(
    sample: SampleLike, outcome: str, by: str, without: list[str], nps: bool, over: str
) -> tuple[list[str], did.Cells, str]:
    """Units with answers in every wave in which the question was asked, and their means."""
    sample = as_sample(sample)
    unit, y = recoded(sample[outcome], nps)
    group = sample[by].map(plain, na_action="ignore")
    group = group.mask(group.isin(without))
    place, names = pd.factorize(group, sort=True)
    wave, waves = pd.factorize(sample[over], sort=True)
    known = (place >= 0) & (wave >= 0)
    cells = did.group_means(
        y[known],
        place[known],
        wave[known],
        len(names),
        len(waves),
        weight=sample.weights[known],
        clusters=resampling.resampling_units(sample).take(known),
        draws=2,
        seed=sample.seed,
    )
    empty = np.isnan(cells.means.estimate)
    asked = ~empty.all(0)
    full = ~empty[:, asked].any(1)
    means = cells.means[np.ix_(full, asked)]
    kept = did.Cells(means, cells.share[full], cells.count[np.ix_(full, asked)])
    return [str(name) for name in names[full]], kept, unit


def smallest_effect(y: np.ndarray, treated: int, after: int, seed: int = 1) -> float:
    """The effect on `treated` units that is found in 80 of 100 cases at 5%, from placebos.

    `y` are means of units and waves in which nothing was done, (units, waves).
    """
    from scipy.special import stdtrit

    units, waves = y.shape
    if comb(units, treated) <= SETS:
        sets = [list(s) for s in combinations(range(units), treated)]
    else:
        rng = np.random.default_rng(seed)
        sets = [rng.permutation(units)[:treated].tolist() for _k in range(SETS)]
    starts = range(LEAST_BEFORE, waves - after + 1)
    effects = [_placebo(y[:, : s + after], some, s)[0] for some in sets for s in starts]
    # Over all sets of so many units, squared differences from the rest add up to a multiple of the
    # squared deviations of single units: one degree of freedom less than there are units.
    free = units - 1
    reach = stdtrit(free, 0.975) + stdtrit(free, POWER)
    return float(reach * np.sqrt(np.mean(np.square(effects))))


def _placebo(
    y: np.ndarray, some: list[int], first: int
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Effect on the mean of some units, weights of the others, the mean, and its counterpart."""
    own, others = y[some].mean(0), np.delete(y, some, axis=0)
    effect, weights, path = counterfactual(np.vstack([own, others]), 0, first, True)
    return effect, weights[1:], own, path


def _donors(
    names: list[str], y: np.ndarray, n: np.ndarray, treated: list[str]
) -> tuple[pd.DataFrame, float]:
    """The synthetic control of the treated from all waves so far, the largest weight first."""
    columns = ["term", "estimate", "low", "high", "n"]
    if not treated:
        return pd.DataFrame(columns=columns), np.nan
    some = [names.index(name) for name in treated]
    twice = np.hstack([y, y[:, -1:]])  # weights need a wave after; the last stands for it
    _effect, weights, own, path = _placebo(twice, some, y.shape[1])
    gap = (own - path)[:-1]
    rest = [k for k in range(len(names)) if k not in some]
    table = pd.DataFrame(
        {
            "term": [names[k] for k in rest],
            "estimate": weights,
            "low": np.nan,
            "high": np.nan,
            "n": n[rest],
        }
    )
    table = table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)
    return table[columns], float(np.sqrt(np.mean((gap - gap.mean()) ** 2)))


def _finding(
    facts: dict[str, Any],
    smallest: dict[int, float],
    unit: str,
    donors: pd.DataFrame,
    treated: list[str],
    misfit: float,
) -> Finding:
    least = min(smallest, key=lambda k: smallest[k])
    k = len(treated) or least
    facts = facts | {"k": k, "size": wording.value(smallest[k], unit), "names": treated}
    if not treated:
        claim = _(
            "With {k:count} of {of:count} units treated, effects on {outcome} from {size} on can "
            "be detected.",
            **facts,
        )
        detail = _("Over {waves:count} waves after it", **facts)
        if k > 1:
            detail = _(
                "{detail}; with one unit treated from {one} on",
                detail=detail,
                one=wording.value(smallest[1], unit),
            )
    else:
        claim = _(
            "With {names:label_list4} treated, effects on {outcome} from {size} on can be "
            "detected.",
            **facts,
        )
        best = donors[donors["estimate"] > 0.005].head(3)
        detail = _(
            "Best controls: {best:list}; their gap so far varies by {gap}",
            best=[f"{i18n.label(r.term)} {i18n.percent(r.estimate)}" for r in best.itertuples()],
            gap=wording.value(misfit, unit),
        )
    return Finding(
        claim, detail, smallest[k], "" if unit == "amount" else unit, importance=Importance.CONTEXT
    )
