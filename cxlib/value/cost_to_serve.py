"""Customers who cost more to serve than they bring, and what another way of serving would save.

    cost_to_serve(orders, cases, ServiceCosts(contact=4.0, cheaper=1.0, margin=0.3))

It does not say whom to serve less: those who ask most are often those who were let down, or who
need help to use what they bought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.data.purchases import purchases, require_amounts, seen_from
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table
from cxlib.stats.notes import resampling_note
from cxlib.value.lifetime_value import members
from cxlib.value.valuation import counted_amounts


@dataclass(frozen=True)
class ServiceCosts:
    """What cases cost and orders bring.

    Attributes
    ----------
    contact : cost of a case
    cheaper : cost of a case served the other way, less than `contact`
    margin : share of an amount that is margin; None where it is not known: who then costs more
        than they bring does so at any margin
    currency : of costs and amounts, for sentences

    Raises
    ------
    ValueError : costs outside their range
    """

    contact: float
    cheaper: float = 0.0
    margin: float | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.cheaper < self.contact:
            raise ValueError(
                f"a case costs {self.contact} and {self.cheaper} the other way; that must be less."
            )


def cost_to_serve(
    sample: SampleLike,
    cases: pd.DataFrame,
    costs: ServiceCosts,
    *,
    groups: pd.Series | None = None,
    days: int = 365,
    as_of: str | pd.Timestamp | None = None,
) -> Result:
    """Customers whose cases cost more than their orders bring, with 95% intervals.

    Parameters
    ----------
    sample : orders with customer_id, at and amount
    cases : customer_id and opened_at
    costs : of a case, and the margin of an order
    groups : group of each customer_id (its index): whom another way of serving meets more often
    days : how far back orders and cases count
    as_of : date from which customers are seen, the day after the last order by default

    Returns
    -------
    Result with tables

    - "table": term (everyone, then the groups), estimate (share who cost more than they bring),
      low, high, n
    - "money": term (shortfall of those customers, and saving if they were served the other way,
      both in currency a customer of all), estimate, low, high, n
    - "break_even": cost of all cases as a share of sales, the margin that pays for them: term,
      estimate, low, high, n; empty without sales

    Raises
    ------
    InsufficientData : nobody bought or asked
    ValueError : columns that are missing

    Examples
    --------
    >>> day = pd.Timestamp("2026-01-01")
    >>> orders = pd.DataFrame({"customer_id": ["a", "b"], "at": day, "amount": [100.0, 10.0]})
    >>> cases = pd.DataFrame({"customer_id": ["b", "c"], "opened_at": day})
    >>> found = cost_to_serve(orders, cases, ServiceCosts(contact=4, cheaper=1, margin=0.3))
    >>> found.money["estimate"].round(2).tolist()
    [1.67, 2.0]
    """
    sample = as_sample(sample)
    require_columns(cases, ("customer_id", "opened_at"), "cases")
    both = _year(sample.data, cases, seen_from(sample.data, as_of), days)
    if both.empty:
        raise InsufficientData(_("Nobody bought or asked within {days:count} days.", days=days))
    asked = both["cases"].to_numpy()
    sales, cost = both["amount"].to_numpy(), costs.contact * asked
    net = (1.0 if costs.margin is None else costs.margin) * sales - cost
    loss = net < 0
    names, member = members(both.index, groups)
    saved = np.where(loss, asked, 0) * (costs.contact - costs.cheaper)
    lost = np.where(loss, -net, 0.0)
    parts = np.column_stack([member, member * loss[:, None], lost, saved, cost, sales])
    sums, drawn = parts.sum(0), resampling.resample_sums(parts, sample.draws, sample.seed)
    k = len(names)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw of few may have nobody
        shares, replicates = (s[..., k : 2 * k] / s[..., :k] for s in (sums, drawn))
        amounts, amounts_drawn = (s[..., 2 * k : 2 * k + 2] / s[..., :1] for s in (sums, drawn))
        even, even_drawn = (s[..., -2:-1] / s[..., -1:] for s in (sums, drawn))
    money = estimates_table(mark("shortfall", "saving"), amounts, amounts_drawn, len(net))
    break_even = estimates_table(mark("cost of cases"), even, even_drawn, len(net))
    table = estimates_table(names, shares, replicates, sums[:k].astype(int).tolist())
    note = _(
        "Customers who bought or asked within {days:count} days; {cases:count} cases at "
        "{contact:money2} each, or {cheaper:money2} each if served the cheaper way; {counted}.",
        days=days,
        cases=int(asked.sum()),
        contact=(costs.contact, costs.currency),
        cheaper=(costs.cheaper, costs.currency),
        counted=counted_amounts(costs.margin),
    )
    return Result(
        {"table": table, "money": money, "break_even": break_even},
        _finding(table.iloc[0], int(loss.sum()), money.iloc[1], break_even.iloc[0], costs, days),
        i18n.together([note, resampling_note(sample.replace(cluster="customer_id"))]),
        "share",
        draws=sample.draws,
        seed=sample.seed,
    )


def _finding(
    share: pd.Series, count: int, saving: pd.Series, even: pd.Series, costs: ServiceCosts, days: int
) -> Finding:
    least, n = context.current().smallest_cell, share.n
    if not count:
        return Finding(_("None of {n:count} customers costs more to serve than they bring.", n=n))
    if count < least:
        return Finding(
            _(
                "Fewer than {least:count} of {n:count} customers cost more to serve than they "
                "bring.",
                least=least,
                n=n,
            )
        )
    facts = {
        "count": count,
        "n": n,
        "days": days,
        "share": share.estimate,
        "span": (share.low, share.high),
        "saving": (n * saving.estimate, costs.currency),
        "saving_span": (n * saving.low, n * saving.high, costs.currency),
        "even": even.estimate,
        "even_span": (even.low, even.high),
    }
    if costs.margin is None:
        claim = _(
            "{share:rate} of customers cost more to serve than they spend; for all together, a "
            "margin of {even:share1} of sales covers the cost of their cases.",
            **facts,
        )
        detail = _(
            "{count:count} of {n:count} customers within {days:count} days, at any margin; 95% CI "
            "{span:share_interval1}, margin {even_span:share_interval1}",
            **facts,
        )
    else:
        claim = _(
            "{share:rate} of customers cost more to serve than they bring; cheaper service for "
            "them would save {saving:money} within {days:count} days.",
            **facts,
        )
        detail = _(
            "{count:count} of {n:count} customers; 95% CI {span:share_interval1} and "
            "{saving_span:money_interval}",
            **facts,
        )
    return Finding.of_row(
        share,
        claim,
        detail,
        unit="share",
        measure="unprofitable",
        at={"basis": "sales" if costs.margin is None else "margin"},
        importance=Importance.ANSWER,
    )


def _year(orders: pd.DataFrame, cases: pd.DataFrame, end: pd.Timestamp, days: int) -> pd.DataFrame:
    """Columns amount and cases within `days` before `end`, of each customer who has either."""
    begin = end - pd.Timedelta(days=days)
    require_amounts(orders)
    bought = purchases(orders, end)[0]
    bought = bought[bought["at"] >= begin]
    opened = cases[cases["opened_at"].between(begin, end, inclusive="left")]
    amounts = bought.groupby("customer_id", observed=True)["amount"].sum()
    counts = opened["customer_id"].value_counts()
    return pd.concat([amounts.rename("amount"), counts.rename("cases")], axis=1).fillna(0.0)
