"""Where customers stand by worth and by the risk that they are gone; what serving them costs.

    value.grid(value.score(orders, fit).assign(risk=lambda c: 1 - c["alive"]))
    value.served(orders, cases, contact=4.0, margin=0.3, cheaper=1.0)

Neither tells whom to serve less: those who ask most are often those who were let down, or who need
help to use what they bought.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import moments, page
from cxlib.bought import seen_from
from cxlib.estimates import Estimates, at_once, how_drawn, tabulate

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
    parts = np.hstack([inside * values[:, :1], values[:, :1]])
    drawn = moments.resample_sums(parts, draws, seed)
    whole = parts.sum(0)
    least, most = at_once(whole[:9] / whole[9], drawn[:, :9] / drawn[:, 9:])
    table = pd.DataFrame(
        {
            "risk": np.tile(RISK, 3),
            "term": np.repeat(WORTH, 3),
            "estimate": whole[:9] / whole[9],
            "low": np.clip(least, 0, 1),
            "high": np.clip(most, 0, 1),
            "n": inside.sum(0),
            "customers": inside.mean(0),
        }
    )
    best = tabulate(["at stake"], whole[:1] / whole[9], drawn[:, :1] / drawn[:, 9:], len(values))
    both = {"count": page.count(int(inside[:, 0].sum())), "n": page.count(len(values))}
    answer = page.say("None of {n} customers is of high worth and at high risk.", n=both["n"])
    least = page.rules().smallest_cell
    if 0 < inside[:, 0].sum() < least:
        answer = page.say(
            "Fewer than {least} of {n} customers are of high worth and at high risk.",
            least=page.count(least), n=both["n"],
        )  # fmt: skip
    elif inside[:, 0].any():
        answer = page.say(
            "{count} of {n} customers are of high worth and at high risk: {share} ({span}) of what "
            "all would bring if they were here still.",
            **both,
            share=page.percent(best["estimate"][0]),
            span=page.span(best["low"][0], best["high"][0], share=True),
        )
    note = page.say(
        "Worth is high for the best fifth and low for the last two fifths; risk is high from "
        "{high} and medium from {medium}.",
        high=page.percent(HIGH),
        medium=page.percent(MEDIUM),
    )
    note = page.together([note, how_drawn(draws, bucket="customer_id")])
    return Estimates(table, answer, note, "share", draws=draws, seed=seed)


def served(
    orders: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    contact: float,
    cheaper: float = 0.0,
    margin: float = 1.0,
    days: int = 365,
    as_of: str | pd.Timestamp | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Customers whose cases cost more than their orders bring, and what another way would save.

    `contact` is what a case costs, `cheaper` what it would cost served the other way, `margin` the
    share of an amount that is kept; counted over the last `days`. table: term (share of customers;
    shortfall and saving, in currency a customer of all), estimate, low, high, n. Raises ValueError
    for costs that make no sense, or where nobody bought or asked.
    """
    if not 0 <= cheaper < contact:
        raise ValueError(f"a case costs {contact} and {cheaper} the other way; it must be less.")
    brought, asked = _year(orders, cases, seen_from(orders, as_of), days)
    net = margin * brought - contact * asked
    loss = net < 0
    if not len(net):
        raise ValueError(f"nobody bought or asked within {days} days.")
    parts = np.column_stack(
        [
            np.ones(len(net)),
            loss,
            np.where(loss, -net, 0.0),
            np.where(loss, asked, 0) * (contact - cheaper),
        ]
    )
    drawn = moments.resample_sums(parts, draws, seed)
    whole = parts.sum(0)
    terms = ["cost more than they bring", "shortfall", "saving"]
    with np.errstate(invalid="ignore"):  # a draw of few customers may have nobody
        replicates = drawn[:, 1:] / drawn[:, :1]
    table = tabulate(terms, whole[1:] / whole[0], replicates, len(net))
    share, _, saving = table.itertuples()
    answer = page.say(
        "{count} of {n} customers, {share} ({span}), cost more to serve than they bring; serving "
        "them the other way would save {saving} ({saving_span}) a customer of all.",
        count=page.count(int(loss.sum())),
        n=page.count(len(net)),
        share=page.percent(share.estimate),
        span=page.span(share.low, share.high, share=True),
        saving=page.number(saving.estimate, 2),
        saving_span=page.span(saving.low, saving.high, 2),
    )
    least = page.rules().smallest_cell
    if 0 < loss.sum() < least:
        answer = page.say(
            "Fewer than {least} of {n} customers cost more to serve than they bring.",
            least=page.count(least), n=page.count(len(net)),
        )  # fmt: skip
    note = page.together(
        [
            page.say(
                "Customers who bought or asked within {days} days; {cases} cases at {contact}, or "
                "{cheaper} the other way; {margin} of amounts are kept.",
                days=page.count(days),
                cases=page.count(int(asked.sum())),
                contact=page.number(contact, 2),
                cheaper=page.number(cheaper, 2),
                margin=page.percent(margin),
            ),
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    return Estimates(table, answer, note, "amount", draws=draws, seed=seed)


def _year(
    orders: pd.DataFrame, cases: pd.DataFrame, end: pd.Timestamp, days: int
) -> tuple[np.ndarray, np.ndarray]:
    """(amounts, cases) within `days` before `end`, a customer who has either."""
    begin = end - pd.Timedelta(days=days)
    bought = orders[orders["at"].between(begin, end, inclusive="left")]
    opened = cases[cases["opened_at"].between(begin, end, inclusive="left")]
    amounts = pd.to_numeric(bought["amount"], errors="coerce").groupby(bought["customer_id"]).sum()
    counts = opened["customer_id"].value_counts()
    both = pd.concat([amounts.rename("amount"), counts.rename("cases")], axis=1).fillna(0.0)
    return both["amount"].to_numpy(float), both["cases"].to_numpy(float)
