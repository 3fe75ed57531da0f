"""What a programme's effect rests on: how alike the two are, and what could make it out of nothing.

beside = made_alike(seen)              # weights and pairs; None where nobody is alike
balance(seen, beside)                  # standardised differences before and after
chosen(seen, table, path, beside)      # trends before, E-value, odds within pairs
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.causal import difference_in_differences, experiment, matching, propensity, sensitivity
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.enough import Unfit
from cxlib.loyalty.panel import OUTCOMES, Panel
from cxlib.stats.estimators import Replicated

LOT, LOT_ADJUSTED = "by lot", "by lot, adjusted for before"
PLAIN, DID, ALIKE = "plain difference", "difference in differences", "beside others made alike"
MOVED_ALIKE = "chance of gaps as uneven before, if even"
BREAKDOWN = "parting, in times of that before, that would undo it"
E_VALUE, E_VALUE_END = "E-value", "E-value of the interval's nearer end"
GAMMA = "odds of taking part within pairs that would undo it"
PAIRED, WORTH = "share of those in it who have a partner", "others it rests on, in effect"
IN_PAIRS = "purchases more, in pairs"
BEFORE = "purchases more before it began"
WORDS = (
    "by lot",
    "by lot, adjusted for before",
    "plain difference",
    "difference in differences",
    "beside others made alike",
    "chance of gaps as uneven before, if even",
    "parting, in times of that before, that would undo it",
    "E-value",
    "E-value of the interval's nearer end",
    "odds of taking part within pairs that would undo it",
    "share of those in it who have a partner",
    "others it rests on, in effect",
    "purchases more, in pairs",
    "purchases more before it began",
    "as they were",
    "weighted",
    "in pairs",
    "bought",
    "percent",
    "design",
    "effect (column)",
    "without",
    "when",
    "the programme",
    "purchases more",
)


@dataclass(frozen=True)
class Beside:
    """Others made alike: weights of all (n,), and pairs as places of both."""

    weight: np.ndarray
    one: np.ndarray
    other: np.ndarray


def made_alike(seen: Panel) -> Beside | None:
    """Others weighted to have the members' means, and in pairs; None where no weights do it."""
    try:
        weight = matching.balanced(seen.x, seen.member)
    except Unfit:
        return None
    return Beside(
        weight, *propensity.paired(propensity.propensity(seen.x, seen.member), seen.member)
    )


def balance(seen: Panel, beside: Beside | None) -> pd.DataFrame:
    """Standardised differences of what was known before, as it was and once made alike."""
    parts = {"as they were": (np.arange(len(seen.member)), None)}
    if beside is not None:
        parts["weighted"] = (np.arange(len(seen.member)), beside.weight)
        if len(beside.one) > 1:
            parts["in pairs"] = (np.r_[beside.one, beside.other], None)
    tables = []
    for when, (rows, weight) in parts.items():
        apart = matching.balance(seen.x[rows], seen.member[rows], weight)
        tables.append(
            pd.DataFrame({"term": seen.names, "when": when, "estimate": apart, "n": len(rows)})
        )
    return pd.concat(tables, ignore_index=True)


def chosen(
    seen: Panel, table: pd.DataFrame, path: Replicated, beside: Beside | None
) -> pd.DataFrame:
    """What speaks for and against others standing for what would have been.

    term, estimate, low, high, n; `table` and `path` are those of the programme.
    """
    before, after = seen.offset < 0, seen.offset >= 0
    members, n = int(seen.member.sum()), len(seen.member)
    best = table[table["term"] == OUTCOMES[0]].iloc[-1]
    near = sensitivity.nearest_to_none(best.low, best.high)
    rows = [
        (MOVED_ALIKE, difference_in_differences.pre_trend_test(path, before)[0], n),
        (BREAKDOWN, difference_in_differences.breakdown(path, before, after), n),
        (E_VALUE, float(sensitivity.e_value(1 + best.estimate / 100)), n),
        (E_VALUE_END, float(sensitivity.e_value(1 + near / 100)), n),
    ]
    last = []
    if beside is not None:
        change = (seen.mean(True) - seen.mean(False))[:, 0]
        apart = change[beside.one] - change[beside.other]
        rows += [
            (GAMMA, sensitivity.hidden_bias(apart), 2 * len(apart)),
            (PAIRED, len(apart) / members, members),
            (WORTH, matching.effective(beside.weight[~seen.member]), n - members),
        ]
        last = [_in_pairs(apart)] if len(apart) > 1 else []
    checks = pd.DataFrame(rows, columns=["term", "estimate", "n"])
    checks.insert(2, "low", np.nan)
    checks.insert(3, "high", np.nan)
    return pd.concat([checks, *last], ignore_index=True)


def _in_pairs(apart: np.ndarray) -> pd.DataFrame:
    """The effect in pairs, where a bootstrap does not hold (Abadie and Imbens 2008)."""
    from scipy.special import stdtrit

    reach = stdtrit(len(apart) - 1, 0.975) * apart.std(ddof=1) / np.sqrt(len(apart))
    mean = apart.mean()
    row = {"term": IN_PAIRS, "estimate": mean, "low": mean - reach, "high": mean + reach}
    return pd.DataFrame([row | {"n": 2 * len(apart)}])


def by_lot(seen: Panel, how: dict) -> pd.DataFrame:
    """Whether the lots did their work: those in it bought as much as the others before."""
    found = experiment.difference(seen.mean(False)[:, 0], seen.member, **how)
    low, high = found.interval()
    row = {"term": BEFORE, "estimate": found.estimate[0], "low": low[0], "high": high[0]}
    return pd.DataFrame([row | {"n": len(seen.member)}])


def verdict(checks: pd.DataFrame, randomised: bool) -> str:
    """What the checks tell, in a sentence or two."""
    found = checks.set_index("term")
    if randomised:
        before = found.loc[BEFORE]
        facts = {"more": before.estimate, "span": (before.low, before.high)}
        if before.low <= 0 <= before.high:
            return _(
                "Before it began those in it bought as often as the others, {more:number2} "
                "purchases more ({span:interval2}), as lots should have it.",
                **facts,
            )
        return _(
            "Before it began those in it bought {more:number2} purchases more ({span:interval2}): "
            "look whether lots decided.",
            **facts,
        )
    said = []
    if (p := found["estimate"].get(MOVED_ALIKE, np.nan)) < 0.05:
        said.append(_("The two did not move alike before: trust no trend of the others."))
    elif p == p:
        said.append(_("That the two moved alike before is not refuted."))
    if PAIRED in found.index:
        share = found["estimate"][PAIRED]
        said.append(_("{share:share} of those in it have a like among the others.", share=share))
    else:
        said.append(_("No weights make the others like those in it."))
    return i18n.together(said)


def read_as(randomised: bool) -> str:
    """How the numbers of the checks are to be read."""
    if randomised:
        return _("Purchases a customer and period.")
    return _(
        "Purchases a customer and period. An E-value of 1, odds of 1 and a parting of 0 mean that "
        "nothing unseen is needed: the effect may be none anyway."
    )
