"""Effect of a loyalty programme on purchases, by a named design, with its robustness checks.

    panel = loyalty.panel(study.sample("orders"), customers, start="2025-10-01")
    fit = loyalty.programme_effect(panel, randomised=True)
    fit.table         # term (purchases ...), design, estimate: percent more than without it
    fit.path          # event study: gap between members and control in each period
    fit.balance       # standardised differences of the covariates
    fit.checks        # pre-trends, sensitivity: loyalty.programme_checks(fit)

Where membership was randomised, the control group shows what would have happened without the
programme. Where members were chosen it does not, as a rule: they bought more before. Then three
designs stand side by side: the unadjusted difference, the difference-in-differences, and the same
with controls weighted to have the members' means before the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import experiment, matching
from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.loyalty import robustness
from cxlib.loyalty.panel import OUTCOMES, Panel
from cxlib.loyalty.robustness import (
    ADJUSTED,
    DID,
    E_VALUE_LIMIT,
    RANDOMISED,
    UNADJUSTED,
    WEIGHTED_DID,
)
from cxlib.stats import estimators, resampling
from cxlib.stats.estimators import Replicated
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import other_outcomes_note, resampling_note, unless_adjusted


def programme_effect(panel: Panel, *, randomised: bool = False) -> Result:
    """Effect of being in the programme, a customer and period, over the periods after its start.

    Parameters
    ----------
    panel : see `panel`; customers are resampled with the draws and seed of its orders
    randomised : True only where random assignment decided who is in it. Then: difference in means,
        and the same adjusted for baseline purchases. Else: difference-in-differences, and the same
        with weighted controls, which is left out where no weights balance the covariates

    Returns
    -------
    Result with tables "table" (design, term, estimate in percent, low, high, n, effect a customer
    and period, without: what it would have been, simultaneous_low, simultaneous_high), "path"
    (wave: first day of a period, term, estimate: gap in purchases less that of the last period
    before, low, high, n, changed, simultaneous_low, simultaneous_high), "balance" (term, when,
    estimate: standardised difference, n), "checks" (term, estimate, low, high, n), and `design`, on
    which the finding rests

    References
    ----------
    Adjustment: Lin (2013). Weights: Hainmueller (2012). Pairs: Austin (2011). Sensitivity:
    Rosenbaum (2002); VanderWeele and Ding (2017); Rambachan and Roth (2023).

    Examples
    --------
    >>> from cxlib.loyalty import panel
    >>> rows = pd.DataFrame({"customer_id": range(60), "member": [True, False] * 30})
    >>> day = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(240) * 7 % 60, unit="D")
    >>> who = np.arange(240) % 60
    >>> orders = pd.DataFrame({"customer_id": who, "at": day, "amount": 5.0})
    >>> fit = programme_effect(panel(orders, rows, start="2026-01-31", days=30), randomised=True)
    >>> fit.table["design"].unique().tolist()
    ['randomised', 'randomised, adjusted for baseline']
    """
    customers = panel.customers
    how: dict[str, Any] = resampling.design(customers)
    after, earlier = panel.mean(True), panel.mean(False)
    controls = None
    if randomised:
        effects = {
            RANDOMISED: experiment.difference(after, panel.member, **how),
            ADJUSTED: experiment.adjusted(after, panel.member, earlier, **how),
        }
    else:
        effects = {
            UNADJUSTED: experiment.difference(after, panel.member, **how),
            DID: experiment.difference(after - earlier, panel.member, **how),
        }
        if (controls := robustness.matched_controls(panel)) is not None:
            effects[WEIGHTED_DID] = matching.effect(after - earlier, panel.member, panel.x, **how)
    level = estimators.cell_means(after, np.where(panel.member, 0, -1), 1, **how)[0]
    table, replicates = _table(effects, level, len(panel.member))
    path, design = _path(panel, how), list(effects)[-1]
    if randomised:
        checks = robustness.baseline_check(panel, how)
    else:
        checks = robustness.observational_checks(panel, table, path, controls)
    tables = {
        "table": table,
        "path": _path_table(path, panel),
        "balance": robustness.balance(panel, controls),
        "checks": checks,
    }
    return Result(
        tables,
        _finding(table, checks),
        i18n.together([_panel_note(panel, design), resampling_note(customers)]),
        "percent",
        **customers.bootstrap,
        replicates=replicates,
        parts={"design": design},
    )


def _table(
    effects: dict[str, Replicated], level: Replicated, n: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Percent more than without the programme, for each outcome and design, one family."""
    rows, replicated = [], []
    for j, outcome in enumerate(OUTCOMES):
        for design, effect in effects.items():
            without = level.estimate[j] - effect.estimate[j]
            more = float(_more(effect.estimate[j], without))
            rows.append((design, outcome, more, effect.estimate[j], without))
            replicated.append(
                _more(effect.replicates[:, j], level.replicates[:, j] - effect.replicates[:, j])
            )
    table = pd.DataFrame(rows, columns=["design", "term", "estimate", "effect", "without"])
    replicates = np.column_stack(replicated)
    ends = interval_columns(table["estimate"].to_numpy(), replicates)
    for place, name in enumerate(INTERVAL[1:], 3):
        table.insert(place, name, ends[name])
    table.insert(5, "n", n)
    return table.assign(**{c: ends[c] for c in SIMULTANEOUS}), replicates


def _more(effect: np.ndarray, without: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(without > 0, 100 * effect / without, np.nan)


def _path(panel: Panel, how: dict[str, Any]) -> Replicated:
    """The gap in purchases in each period less that of the last before, (periods,)."""
    gap = experiment.difference(panel.values[..., 0], panel.member, **how)
    since = np.eye(len(panel.offset))
    since[np.flatnonzero(panel.offset == -1)[0]] -= 1
    return gap @ since


def _path_table(path: Replicated, panel: Panel) -> pd.DataFrame:
    fixed = panel.offset == -1
    ends = {c: np.where(fixed, 0.0, end) for c, end in path.interval_columns().items()}
    return pd.DataFrame(
        {
            "wave": panel.starts,
            "term": "purchases",
            "estimate": path.estimate,
            "n": len(panel.member),
            "changed": panel.offset >= 0,
            **ends,
        }
    )


def _panel_note(panel: Panel, design: str) -> str:
    members = int(panel.member.sum())
    facts = {
        "members": members,
        "programme": i18n.opening(robustness.programme_name()),
        "others": len(panel.member) - members,
        "before": (panel.offset < 0).sum(),
        "after": (panel.offset >= 0).sum(),
        "date": panel.starts[int(np.flatnonzero(panel.offset == 0)[0])],
    }
    notes = [
        _(
            "{programme}: {members:count} customers in it and {others:count} others, "
            "{before:count} periods before {date:date} and {after:count} after; analysed by who "
            "was in it at the start (intention to treat).",
            **facts,
        )
    ]
    if panel.joined_later:
        notes.append(
            _("{n:count} who joined within the periods before are left out.", n=panel.joined_later)
        )
    if design == ADJUSTED:
        notes.append(other_outcomes_note())
    if design == WEIGHTED_DID:
        notes.append(
            _(
                "Controls are weighted to have the members' means at baseline in {k:count} "
                "covariates; unmeasured confounders may remain.",
                k=len(panel.names),
            )
        )
    return i18n.together(notes)


def _finding(table: pd.DataFrame, checks: pd.DataFrame) -> Finding:
    """What the programme adds by the best design: causal words for random assignment alone."""
    rows = table[table["term"] == OUTCOMES[0]]
    best, plain = rows.iloc[-1], rows.iloc[0]
    facts = {
        "percent": f"{i18n.number(abs(best.estimate), 1)}%",
        "change": f"{i18n.signed(best.estimate)}%",
        "span": (best.low / 100, best.high / 100),
        "plain": f"{i18n.signed(plain.estimate)}%",
        "n": best.n,
        "programme": robustness.programme_name(),
    }
    low, high = deciding_ends(best)
    differs = bool(low > 0 or high < 0)
    if best.design == ADJUSTED:
        claim, detail = _randomised(best, facts)
    elif best.design == DID:
        claim = _(
            "The effect of {programme} cannot be estimated: no controls are comparable.", **facts
        )
        detail = _("not randomised; n = {n:count}", **facts)
        differs = False
    elif checks.set_index("term")["estimate"].get(robustness.PRE_TRENDS, 1.0) < robustness.ALPHA:
        claim = _(
            "The effect of {programme} is not established: members' purchases already developed "
            "differently before it.",
            **facts,
        )
        detail = _("{found}; pre-trends are not parallel", found=_observed(best, facts)[1])
        differs = False
    else:
        if differs:
            facts["e"] = checks.set_index("term")["estimate"][E_VALUE_LIMIT]
        claim, detail = _observed(best, facts)
    family = int(table[SIMULTANEOUS[0]].notna().sum()) if SIMULTANEOUS[0] in table else 0
    if not differs and (few := unless_adjusted(best.low, best.high, family)):
        detail = _("{first}; {second}", first=detail, second=few)
    return Finding.of_row(
        best,
        claim,
        detail,
        unit="percent",
        verdict=("better" if low > 0 else "worse") if differs else "unclear",
        measure="programme_effect",
        importance=Importance.NOTABLE if differs else Importance.ANSWER,
    )


def _randomised(best: pd.Series, facts: dict[str, Any]) -> tuple[str, str]:
    low, high = deciding_ends(best)
    if low > 0:
        claim = _("{programme:opening} made customers buy {percent} more often.", **facts)
    elif high < 0:
        claim = _("{programme:opening} made customers buy {percent} less often.", **facts)
    elif best["low"] > 0:  # by itself, not among all outcomes
        claim = _(
            "{programme:opening} may raise purchases by {percent}; not significant after "
            "adjustment for all outcomes compared.",
            **facts,
        )
    elif best["high"] < 0:
        claim = _(
            "{programme:opening} may lower purchases by {percent}; not significant after "
            "adjustment for all outcomes compared.",
            **facts,
        )
    else:
        claim = _(
            "Whether {programme} adds purchases is unclear: the difference from the control group "
            "is not significant.",
            **facts,
        )
    return claim, _(
        "randomised; {change} purchases (95% CI {span:share_interval1}); n = {n:count}",
        **facts,
    )


def _observed(best: pd.Series, facts: dict[str, Any]) -> tuple[str, str]:
    low, high = deciding_ends(best)
    if low > 0:
        claim = _(
            "Members of {programme} buy {percent} more often than weighted controls.", **facts
        )
    elif high < 0:
        claim = _(
            "Members of {programme} buy {percent} less often than weighted controls.", **facts
        )
    else:
        claim = _(
            "Members of {programme} do not buy significantly more often than weighted controls.",
            **facts,
        )
    detail = _(
        "not randomised; {change} (95% CI {span:share_interval1}), {plain} compared "
        "with all others; n = {n:count}",
        **facts,
    )
    if "e" in facts:
        detail += _(
            "; an unmeasured confounder would need a risk ratio of {e:number2} with both to "
            "explain it away",
            **facts,
        )
    return claim, detail
