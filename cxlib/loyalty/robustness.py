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
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.loyalty.panel import OUTCOMES, Panel
from cxlib.stats.estimators import Replicated

RANDOMISED, ADJUSTED = mark("randomised", "randomised, adjusted for baseline")
UNADJUSTED, DID, WEIGHTED_DID = mark(
    "unadjusted difference",
    "difference-in-differences",
    "difference-in-differences, weighted controls",
)
ALPHA = 0.05  # pre-trends with a smaller p are not taken for parallel
PRE_TRENDS, BREAKDOWN, GAMMA = mark(
    "parallel pre-trends, p",
    "violation of parallel trends that explains it away (ratio)",
    "Rosenbaum's gamma that explains it away",
)
E_VALUE, E_VALUE_LIMIT = mark("E-value", "E-value of the nearer confidence limit")
MATCHED_SHARE, EFFECTIVE_CONTROLS = mark(
    "share of members with a matched control", "effective number of controls"
)
MATCHED_PAIRS, BASELINE = mark(
    "difference in purchases, matched pairs", "difference in purchases at baseline"
)
WORDS = (
    *(
        "unadjusted",
        "weighted",
        "matched pairs",
        "amount spent",
        "customers who bought",
        "percent",
        "design",
    ),
    *("effect (column)", "without", "when", "the programme", "purchases more"),
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
        "unadjusted": (np.arange(len(panel.member)), None)
    }
    if controls is not None:
        parts["weighted"] = (np.arange(len(panel.member)), controls.weight)
        if len(controls.member) > 1:
            parts["matched pairs"] = (np.r_[controls.member, controls.partner], None)
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
    near = sensitivity.nearest_to_none(*deciding_ends(best))
    rows = [
        (PRE_TRENDS, difference_in_differences.pre_trend_test(path, before)[0], n),
        (BREAKDOWN, difference_in_differences.breakdown(path, before, after), n),
        (E_VALUE, float(sensitivity.e_value(1 + best.estimate / 100)), n),
        (E_VALUE_LIMIT, float(sensitivity.e_value(1 + near / 100)), n),
    ]
    last = []
    if controls is not None:
        change = (panel.mean(True) - panel.mean(False))[:, 0]
        difference = change[controls.member] - change[controls.partner]
        rows += [
            (GAMMA, sensitivity.hidden_bias(difference), 2 * len(difference)),
            (MATCHED_SHARE, len(difference) / members, members),
            (EFFECTIVE_CONTROLS, matching.effective(controls.weight[~panel.member]), n - members),
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
    row = {"term": MATCHED_PAIRS, "estimate": mean, "low": mean - reach, "high": mean + reach}
    return pd.DataFrame([row | {"n": 2 * len(difference)}])


def baseline_check(panel: Panel, how: dict[str, Any]) -> pd.DataFrame:
    """Whether members and control bought alike before, as randomisation should have it."""
    found = experiment.difference(panel.mean(False)[:, 0], panel.member, **how)
    low, high = found.interval()
    row = {"term": BASELINE, "estimate": found.estimate[0], "low": low[0], "high": high[0]}
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
    randomised = effect.design == ADJUSTED
    return Result(effect.checks, _finding(effect.checks, randomised), _reading_note(randomised))


def _finding(checks: pd.DataFrame, randomised: bool) -> Finding:
    """What the checks say."""
    by_term = checks.set_index("term")
    if randomised:
        before = by_term.loc[BASELINE]
        facts = {"more": before.estimate, "span": (before.low, before.high), "n": before.n}
        alike = bool(before.low <= 0 <= before.high)
        facts["programme"] = programme_name()
        claim = (
            _(
                "Customers in {programme} and in its control group did not differ significantly "
                "before it.",
                **facts,
            )
            if alike
            else _(
                "Customers in {programme} and in its control group already differed before it: "
                "check the randomisation.",
                **facts,
            )
        )
        detail = _(
            "{more:signed2} purchases (95% CI {span:interval2}); n = {n:count}",
            **facts,
        )
        return Finding(claim, detail, importance=Importance.METHOD if alike else Importance.NOTABLE)
    p = by_term["estimate"].get(PRE_TRENDS, np.nan)
    if p < ALPHA:
        claim = _("Pre-trends are not parallel: difference-in-differences is not reliable here.")
    elif MATCHED_SHARE not in by_term.index:
        claim = _("No weights balance the control group with the members.")
    elif p == p:
        claim = _("The test does not reject parallel pre-trends.")
    else:
        claim = _("Parallel pre-trends cannot be tested with these periods.")
    detail = "" if p != p else _("pre-trends p {p:p}", p=p)
    if MATCHED_SHARE in by_term.index:
        share = _(
            "{share:share} of members have a matched control",
            share=by_term["estimate"][MATCHED_SHARE],
        )
        detail = "; ".join(filter(None, (detail, share)))
    level = Importance.CONTEXT if p < ALPHA else Importance.METHOD
    return Finding(claim, detail, importance=level)


def programme_name() -> str:
    """What the study calls the programme, in quotation marks."""
    called = i18n.label("the programme")
    return called if called == _("the programme") else i18n.quoted(called)


def _reading_note(randomised: bool) -> str:
    """How the numbers of the checks are to be read."""
    if randomised:
        return _("Purchases a customer and period.")
    return _(
        "Purchases a customer and period. An E-value of 1, a gamma of 1 or a deviation of 0 "
        "means that no unmeasured confounder is needed: the effect may be zero anyway."
    )
