"""What customers under contract are worth: their charges over the periods they will still stay.

fit = contract_value(sample, "monthly_charges", Valuation(margin=0.3), by="contract")
print(fit)            # A customer under contract is worth $115 in margin over the next 12 ...
fit.table             # everyone, then the groups
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import resampling
from cxlib.stats.intervals import (
    estimates_table,
    percentile_interval,
    simultaneous_interval,
)
from cxlib.stats.notes import resampling_note
from cxlib.value.valuation import Valuation, counted_amounts, spending_limit

(TERM,) = mark("contract value")
TAIL = 12  # last periods observed, whose share leaving is taken for those beyond
WEEKS_A_YEAR = 365.25 / 7


def contract_value(
    sample: SampleLike,
    charge: str,
    valuation: Valuation | None = None,
    *,
    tenure: str = "tenure",
    left: str = "left",
    by: str = "",
    periods_a_year: float = 12,
) -> Result:
    """Discounted margin or sales that customers who have not left bring in the periods ahead.

    A customer of `t` periods stays another `k` with probability S(t + k) / S(t), where S is the
    observed retention (product-limit) of the customer's group. Beyond the longest tenure observed,
    as many leave in a period as in the last twelve. Charges are taken to stay as they are.

    Parameters
    ----------
    sample : a row a customer
    charge : column of what a customer pays in a period
    valuation : horizon, discount and margin (52 weeks, 10% a year, in sales)
    tenure, left : as in `retention`
    by : column of groups, each with a retention of its own; everyone is the sum of the groups
    periods_a_year : 12 for months

    Returns
    -------
    Result whose table has group, term, estimate (value of a customer who has not left), low, high,
    n, simultaneous_low and simultaneous_high; everyone first, then the groups. The part total is
    what all of them will bring, (estimate, low, high).

    Raises
    ------
    InsufficientData : nobody is left under contract, or nobody has a charge
    ValueError : columns that are missing, a charge below 0

    References
    ----------
    Kaplan and Meier (1958) for retention; Gupta and Lehmann (2003), Journal of Interactive
    Marketing 17, for value from margin, retention and discount.

    Examples
    --------
    >>> rows = pd.DataFrame({"tenure": [1] * 100, "left": [True] * 50 + [False] * 50, "fee": 10.0})
    >>> half = contract_value(rows, "fee", Valuation(weeks=9, discount=0))    # two months
    >>> half.table["estimate"].round(2).tolist()
    [7.5]
    """
    sample, terms = as_sample(sample), valuation or Valuation()
    needed = [charge, tenure, left, *([by] if by else [])]
    require_columns(sample.data, needed, "customers")
    known = sample.where(sample.data[needed].notna().all(axis=1))
    fee, gone = known[charge].to_numpy(float), known[left].to_numpy(bool)
    if (fee < 0).any():
        raise ValueError(f"{charge!r} is below 0 for {(fee < 0).sum():,} customers.")
    if not len(known) or gone.all():
        raise InsufficientData(_("Nobody with a known charge is still under contract."))
    names, group = np.unique(known[by].astype(str), return_inverse=True) if by else ([""], None)
    group = np.zeros(len(known), int) if group is None else group
    periods = known[tenure].to_numpy(int)
    ahead = max(1, round(terms.weeks / WEEKS_A_YEAR * periods_a_year))
    parts, shape = _sums(periods, gone, fee, group, len(names))
    drawn = resampling.resample_sums(
        parts, sample.draws, sample.seed, resampling.resampling_units(known)
    )
    keeps = (1 + terms.discount) ** (-np.arange(1, ahead + 1) / periods_a_year)
    estimate, all_of_them = _values(parts.sum(0)[None], shape, keeps, terms.kept)
    replicates, drawn_totals = _values(drawn, shape, keeps, terms.kept)
    shown = slice(None) if len(names) > 1 else slice(1)
    active = np.array([(~gone).sum(), *np.bincount(group[~gone], minlength=len(names))])
    table = estimates_table(
        [TERM] * (1 + len(names)) if len(names) > 1 else [TERM],
        estimate[0, shown],
        replicates[:, shown],
        active[shown].tolist(),
    )
    table.insert(0, "group", [_("everyone"), *names][: len(table)])
    if len(table) > 2:
        ends = simultaneous_interval(estimate[0, 1:], replicates[:, 1:])
        for column, end in zip(SIMULTANEOUS, ends, strict=True):
            table[column] = [np.nan, *end]
    total = (all_of_them[0], *percentile_interval(drawn_totals))
    return Result(
        table,
        _finding(table, total, by, terms),
        i18n.together(_notes(sample, known)),
        terms.currency or "amount",
        **sample.bootstrap,
        parts={"total": total},
    )


def _sums(
    periods: np.ndarray, gone: np.ndarray, fee: np.ndarray, group: np.ndarray, groups: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """What each customer adds, by group and period: left, faced, still there, charges of these."""
    longest = int(periods.max())
    at = np.arange(1, longest + 1)
    own = (group[:, None] == np.arange(groups))[:, :, None]
    here = (periods[:, None] == at)[:, None, :]
    ended = own & here & gone[:, None, None]
    faced = own & (periods[:, None] >= at)[:, None, :]
    stays = own & here & ~gone[:, None, None]
    parts = np.stack([ended, faced, stays, stays * fee[:, None, None]], axis=1).astype(float)
    return parts.reshape(len(periods), -1), (groups, longest)


def _values(
    sums: np.ndarray, shape: tuple[int, int], keeps: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Value a customer of everyone and of each group (draws, 1 + groups), and of all together."""
    groups, longest = shape
    ended, faced, stays, fees = np.moveaxis(sums.reshape(-1, 4, groups, longest), 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = np.where(faced > 0, ended / faced, np.nan)
        tail = ended[..., -TAIL:].sum(-1) / faced[..., -TAIL:].sum(-1)
    beyond = np.repeat(tail[..., None], len(keeps), axis=-1)
    stay = 1 - np.where(np.isnan(hazard), tail[..., None], hazard)
    stay = np.nan_to_num(np.concatenate([stay, 1 - beyond], axis=-1))
    # Of a customer of t periods: the periods t + 1, t + 2 ... each stayed with their own chance.
    worth = np.zeros_like(fees)
    kept = np.ones_like(fees)
    for step, discounted in enumerate(keeps, start=1):
        kept = kept * stay[..., step : step + longest]
        worth += kept * discounted
    each, count = (fees * worth).sum(-1) * margin, stays.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.column_stack([each.sum(-1) / count.sum(-1), each / count])
    return means, each.sum(-1)


def _notes(sample: Sample, known: Sample) -> list[str]:
    lost = len(sample) - len(known)
    return [
        _("{n:count} customers without charge or tenure are left out.", n=lost) if lost else "",
        *sample.notes,
        _("Charges are taken to stay as they are."),
        _(
            "Only customers on file count: if those who left earlier are missing from it, "
            "customers stay for less long and are worth less."
        ),
        resampling_note(sample),
    ]


def _finding(table: pd.DataFrame, total: tuple[Any, ...], by: str, terms: Valuation) -> Finding:
    row = table.iloc[0]
    digits = 0 if row.estimate >= 20 else 2
    facts: dict[str, Any] = {
        "amount": (row.estimate, terms.currency),
        "span": (row.low, row.high, terms.currency),
        "total": (total[0], terms.currency),
        "total_span": (total[1], total[2], terms.currency),
        "counted": counted_amounts(terms.margin),
        "discount": terms.discount,
        "months": round(terms.weeks / WEEKS_A_YEAR * 12),
        "digits": digits,
        "n": row.n,
        "by": by,
    }
    detail = _(
        "95% CI {span:money_interval{digits}}; all together {total:money0} "
        "({total_span:money_interval0}); {counted}, by the retention observed, discounted at "
        "{discount:share} a year; n = {n:count}",
        **facts,
    )
    shown, differs = disclosure.shown(table.iloc[1:]), False
    if terms.margin is None:
        claim = _(
            "A customer under contract is worth {amount:money{digits}} of sales over the next "
            "{months:count} months.",
            **facts,
        )
    else:
        claim = _(
            "A customer under contract is worth {amount:money{digits}} in margin over the next "
            "{months:count} months.",
            **facts,
        )
    if len(shown) > 1:
        best, worst = (shown.loc[getattr(shown["estimate"], f)()] for f in ("idxmax", "idxmin"))
        differs = deciding_ends(best)[0] > deciding_ends(worst)[1]
        facts |= {"first": best["group"], "last": worst["group"]}
        facts |= {"most": (best["estimate"], terms.currency)}
        facts |= {"least": (worst["estimate"], terms.currency)}
        detail = _(
            "{first:quoted} {most:money0}, {last:quoted} {least:money0}; {detail}",
            detail=detail,
            **facts,
        )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=terms.currency or "amount",
        measure="contract_value",
        at={"basis": terms.basis},
        action=spending_limit(terms.margin),
        importance=Importance.NOTABLE if differs else Importance.ANSWER,
    )
