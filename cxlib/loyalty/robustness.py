"""Robustness checks of a programme's effect: covariate balance, pre-trends, unmeasured confounding.

controls = matched_controls(panel)                    # weights and pairs; None without any
balance(panel, controls)                              # standardised differences, before and after
observational_checks(panel, table, path, controls)    # pre-trends, E-value, Rosenbaum's gamma
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import difference_in_differences, experiment, matching, propensity, sensitivity
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Result
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
class MatchedControls:
    """Balancing weights of all customers (n,), and matched pairs as places of both."""

    weight: np.ndarray
    member: np.ndarray
    partner: np.ndarray


def matched_controls(panel: Panel) -> MatchedControls | None:
    """Controls weighted to the members' means, and in pairs; None where no weights do it."""
    try:
        weight = matching.balanced(panel.x, panel.member)
    except InsufficientData:
        return None
    score = propensity.propensity(panel.x, panel.member)
    return MatchedControls(weight, *propensity.paired(score, panel.member))


def balance(panel: Panel, controls: MatchedControls | None) -> pd.DataFrame:
    """Standardised differences of the covariates: unadjusted, weighted and in matched pairs."""
    parts: dict[str, tuple[np.ndarray, np.ndarray | None]] = {
        "as they were": (np.arange(len(panel.member)), None)
    }
    if controls is not None:
        parts["weighted"] = (np.arange(len(panel.member)), controls.weight)
        if len(controls.member) > 1:
            parts["in pairs"] = (np.r_[controls.member, controls.partner], None)
    tables = []
    for when, (rows, weight) in parts.items():
        difference = matching.balance(panel.x[rows], panel.member[rows], weight)
        tables.append(
            pd.DataFrame(
                {"term": panel.names, "when": when, "estimate": difference, "n": len(rows)}
            )
        )
    return pd.concat(tables, ignore_index=True)


def observational_checks(
    panel: Panel, table: pd.DataFrame, path: Replicated, controls: MatchedControls | None
) -> pd.DataFrame:
    """Pre-trends, sensitivity to an unmeasured confounder, and the effect in matched pairs.

    term, estimate, low, high, n; `table` and `path` are those of the programme.
    """
    before, after = panel.offset < 0, panel.offset >= 0
    members, n = int(panel.member.sum()), len(panel.member)
    best = table[table["term"] == OUTCOMES[0]].iloc[-1]
    near = sensitivity.nearest_to_none(best.low, best.high)
    rows = [
        (MOVED_ALIKE, difference_in_differences.pre_trend_test(path, before)[0], n),
        (BREAKDOWN, difference_in_differences.breakdown(path, before, after), n),
        (E_VALUE, float(sensitivity.e_value(1 + best.estimate / 100)), n),
        (E_VALUE_END, float(sensitivity.e_value(1 + near / 100)), n),
    ]
    last = []
    if controls is not None:
        change = (panel.mean(True) - panel.mean(False))[:, 0]
        difference = change[controls.member] - change[controls.partner]
        rows += [
            (GAMMA, sensitivity.hidden_bias(difference), 2 * len(difference)),
            (PAIRED, len(difference) / members, members),
            (WORTH, matching.effective(controls.weight[~panel.member]), n - members),
        ]
        last = [_in_pairs(difference)] if len(difference) > 1 else []
    checks = pd.DataFrame(rows, columns=["term", "estimate", "n"])
    checks.insert(2, "low", np.nan)
    checks.insert(3, "high", np.nan)
    return pd.concat([checks, *last], ignore_index=True)


def _in_pairs(difference: np.ndarray) -> pd.DataFrame:
    """The effect in pairs, where a bootstrap does not hold (Abadie and Imbens 2008)."""
    from scipy.special import stdtrit

    reach = stdtrit(len(difference) - 1, 0.975) * difference.std(ddof=1) / np.sqrt(len(difference))
    mean = difference.mean()
    row = {"term": IN_PAIRS, "estimate": mean, "low": mean - reach, "high": mean + reach}
    return pd.DataFrame([row | {"n": 2 * len(difference)}])


def baseline_check(panel: Panel, how: dict[str, Any]) -> pd.DataFrame:
    """Whether members and control bought alike before, as randomisation should have it."""
    found = experiment.difference(panel.mean(False)[:, 0], panel.member, **how)
    low, high = found.interval()
    row = {"term": BEFORE, "estimate": found.estimate[0], "low": low[0], "high": high[0]}
    return pd.DataFrame([row | {"n": len(panel.member)}])


def programme_checks(effect: Result) -> Result:
    """The robustness checks of a programme's effect, with a finding of their own.

    Parameters
    ----------
    effect : of `programme_effect`

    Returns
    -------
    Result with the table of checks: term, estimate, low, high, n
    """
    randomised = effect.design == LOT_ADJUSTED
    return Result(effect.checks, _claim(effect.checks, randomised), _reading_note(randomised))


def _claim(checks: pd.DataFrame, randomised: bool) -> str:
    """What the checks say, in a sentence or two."""
    by_term = checks.set_index("term")
    if randomised:
        before = by_term.loc[BEFORE]
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
    claims = []
    if (p := by_term["estimate"].get(MOVED_ALIKE, np.nan)) < 0.05:
        claims.append(_("The two did not move alike before: trust no trend of the others."))
    elif p == p:
        claims.append(_("That the two moved alike before is not refuted."))
    if PAIRED in by_term.index:
        share = by_term["estimate"][PAIRED]
        claims.append(_("{share:share} of those in it have a like among the others.", share=share))
    else:
        claims.append(_("No weights make the others like those in it."))
    return i18n.together(claims)


def _reading_note(randomised: bool) -> str:
    """How the numbers of the checks are to be read."""
    if randomised:
        return _("Purchases a customer and period.")
    return _(
        "Purchases a customer and period. An E-value of 1, odds of 1 and a parting of 0 mean that "
        "nothing unseen is needed: the effect may be none anyway."
    )
