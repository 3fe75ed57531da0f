"""Where customers stand by worth and by the risk that they are gone; what serving them costs.

    value.grid(value.score(orders, fit).assign(risk=lambda c: 1 - c["alive"]))
    value.served(orders, cases, contact=4.0, margin=0.3, cheaper=1.0)

Neither tells whom to serve less: those who ask most are often those who were let down, or who need
help to use what they bought.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.data.purchases import seen_from
from cxlib.enough import Unfit
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table, simultaneous_interval

WORTH = ("high worth", "middle worth", "low worth")
TOP, BOTTOM = 0.8, 0.4  # quantiles of worth above which it is high, and up to which it is low
RISK = ("high risk", "medium risk", "low risk")
HIGH, MEDIUM = 0.5, 0.25  # chance of being gone from which risk is high, and medium


def grid(
    customers: pd.DataFrame,
    *,
    worth: str = "if_here",
    risk: str = "risk",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share of all worth that each level of worth and risk holds, with 95% intervals held together.

    `customers` has what each would bring if here still (`worth`) and a chance of being gone
    (`risk`, 0 to 1). Worth is high for the best fifth, low for the last two fifths. table: levels
    of risk and, as term, of worth; estimate (share of worth), low, high, n, customers (their
    share). Raises ValueError where a number lacks, or worth sums to nothing.
    """
    values = customers[[worth, risk]].to_numpy(float)
    if lacking := int(np.isnan(values).any(1).sum()):
        raise ValueError(f"{lacking:,} of {len(values):,} customers lack {worth!r} or {risk!r}.")
    if not values[:, 0].sum() > 0:
        raise ValueError(f"{worth!r} sums to {values[:, 0].sum():g}; there is nothing to share.")
    low, high = np.quantile(values[:, 0], [BOTTOM, TOP])
    level = np.select([values[:, 0] > high, values[:, 0] > low], [0, 1], 2)
    danger = np.select([values[:, 1] >= HIGH, values[:, 1] >= MEDIUM], [0, 1], 2)
    inside = (3 * level + danger)[:, None] == np.arange(9)
    share, again = ratio(inside * values[:, :1], values[:, :1], draws=draws, seed=seed)
    least, most = simultaneous_interval(share, again)
    table = pd.DataFrame(
        {
            "risk": np.tile(RISK, 3),
            "term": np.repeat(WORTH, 3),
            "estimate": share,
            "low": np.clip(least, 0, 1),
            "high": np.clip(most, 0, 1),
            "n": inside.sum(0),
            "customers": inside.mean(0),
        }
    )
    best = estimates_table(["at stake"], share[:1], again[:, :1], len(values))
    both = {"count": i18n.count(int(inside[:, 0].sum())), "n": i18n.count(len(values))}
    answer = _("None of {n} customers is of high worth and at high risk.", n=both["n"])
    least = context.current().smallest_cell
    if 0 < inside[:, 0].sum() < least:
        answer = _(
            "Fewer than {least:count} of {n} customers are of high worth and at high risk.",
            least=least,
            n=both["n"],
        )
    elif disclosure.hidden(table).iloc[0]:
        answer = _(
            "How many of {n} customers are of high worth and at high risk is not shown: a smaller "
            "number could be worked out from it.",
            n=both["n"],
        )
    elif inside[:, 0].any():
        answer = _(
            "{count} of {n} customers are of high worth and at high risk: {share:share} "
            "({span:share_interval1}) of what all would bring if they were here still.",
            **both,
            share=best["estimate"][0],
            span=(best["low"][0], best["high"][0]),
        )
    note = _(
        "Worth is high for the best fifth and low for the last two fifths; risk is high from "
        "{high:share} and medium from {medium:share}.",
        high=HIGH,
        medium=MEDIUM,
    )
    note = i18n.together([note, how_drawn(draws, bucket="customer_id")])
    return Estimates(table, answer, note, "share", draws=draws, seed=seed)


@dataclass(frozen=True)
class Served(Estimates):
    """Share of customers who cost more than they bring, in `table`: of all, and of each group.

    money : term (shortfall of those customers, and saving if they were served the other way; both
        in currency a customer of all), estimate, low, high, n
    """

    money: pd.DataFrame = field(kw_only=True)


def served(
    orders: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    contact: float,
    cheaper: float = 0.0,
    margin: float = 1.0,
    groups: pd.Series | None = None,
    currency: str = "",
    days: int = 365,
    as_of: str | pd.Timestamp | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Served:
    """Customers whose cases cost more than their orders bring, and what another way would save.

    `contact` is what a case costs, `cheaper` what it would cost served the other way, `margin` the
    share of an amount that is kept; counted over the last `days`. `groups` gives each customer_id
    (its index) a group: whom another way of serving would meet more often. table: term (everyone,
    then the groups, held together), estimate, low, high, n. Raises ValueError for costs that make
    no sense, Unfit where nobody bought or asked.
    """
    if not 0 <= cheaper < contact:
        raise ValueError(f"a case costs {contact} and {cheaper} the other way; it must be less.")
    both = _year(orders, cases, seen_from(orders, as_of), days)
    if both.empty:
        raise Unfit(_("Nobody bought or asked within {days:count} days.", days=days))
    asked = both["cases"].to_numpy()
    net = margin * both["amount"].to_numpy() - contact * asked
    loss = net < 0
    names, member = members(both.index, groups)
    saved = np.where(loss, asked, 0) * (contact - cheaper)
    parts = np.column_stack([member, member * loss[:, None], np.where(loss, -net, 0.0), saved])
    sums, drawn = parts.sum(0), resampling.resample_sums(parts, draws, seed)
    k = len(names)
    with np.errstate(invalid="ignore"):  # a draw of few customers may have nobody
        shares, again = (s[..., k : 2 * k] / s[..., :k] for s in (sums, drawn))
        money, money_again = (s[..., 2 * k :] / s[..., :1] for s in (sums, drawn))
    money = estimates_table(["shortfall", "saving"], money, money_again, len(net))
    table = estimates_table(names, shares, again, sums[:k].astype(int))
    if k > 1:
        low, high = simultaneous_interval(shares[1:], again[:, 1:])
        table.loc[1:, "low"], table.loc[1:, "high"] = np.clip(low, 0, 1), np.clip(high, 0, 1)
    note = _(
        "Customers who bought or asked within {days:count} days; {cases:count} cases at "
        "{contact:number2}, or {cheaper:number2} the other way; {margin:share} of amounts are "
        "kept.",
        days=days,
        cases=int(asked.sum()),
        contact=contact,
        cheaper=cheaper,
        margin=margin,
    )
    return Served(
        table,
        _cost_more(table.iloc[0], int(loss.sum()), money.iloc[1], currency),
        i18n.together([note, how_drawn(draws, bucket="customer_id")]),
        "share",
        draws=draws,
        seed=seed,
        money=money,
    )


def members(ids: pd.Index, groups: pd.Series | None) -> tuple[list[str], np.ndarray]:
    """Names, and who belongs (customers, names): everyone first, then each group."""
    everyone = np.ones((len(ids), 1))
    if groups is None:
        return [_("everyone")], everyone
    of = pd.Series(ids).map(groups)
    names = sorted(of.dropna().astype(str).unique())
    inside = of.astype(str).to_numpy()[:, None] == np.array(names)
    return [_("everyone"), *names], np.hstack([everyone, inside])


def _cost_more(share: pd.Series, count: int, saving: pd.Series, currency: str) -> str:
    least, n = context.current().smallest_cell, i18n.count(share.n)
    if not count:
        return _("None of {n} customers costs more to serve than they bring.", n=n)
    if count < least:
        return _(
            "Fewer than {least:count} of {n} customers cost more to serve than they bring.",
            least=least,
            n=n,
        )
    return _(
        "{count:count} of {n} customers, {share:share} ({span:share_interval1}), cost more to "
        "serve than they bring; serving them the other way would save {saving} "
        "({saving_span:interval2}) a customer of all.",
        count=count,
        n=n,
        share=share.estimate,
        span=(share.low, share.high),
        saving=f"{i18n.number(saving.estimate, 2)} {currency}".strip(),
        saving_span=(saving.low, saving.high),
    )


def _year(orders: pd.DataFrame, cases: pd.DataFrame, end: pd.Timestamp, days: int) -> pd.DataFrame:
    """amount and cases within `days` before `end`, by customer_id, of those who have either."""
    begin = end - pd.Timedelta(days=days)
    bought = orders[orders["at"].between(begin, end, inclusive="left")]
    opened = cases[cases["opened_at"].between(begin, end, inclusive="left")]
    amounts = pd.to_numeric(bought["amount"], errors="coerce").groupby(bought["customer_id"]).sum()
    counts = opened["customer_id"].value_counts()
    return pd.concat([amounts.rename("amount"), counts.rename("cases")], axis=1).fillna(0.0)
