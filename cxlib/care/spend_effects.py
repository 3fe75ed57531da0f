"""Whether call-backs pay: what customers spend whom chance had called, compared with its controls.

    effect_on_spend(contacts, orders, follow_up=75, cost=6, margin=0.3, currency="EUR")

Without a margin nobody knows what is left of sales; the margin from which a call pays is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.care.effects import assigned, design_note, effect_table, verdict_of
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample

ENDS = ["estimate", "low", "high"]


def effect_on_spend(
    contacts: pd.DataFrame,
    orders: SampleLike,
    *,
    follow_up: int = 90,
    cost: float = 0.0,
    margin: float | None = None,
    currency: str = "",
) -> Result:
    """Effect of a call-back on what the customer spends, and whether that pays for the call.

    Parameters
    ----------
    contacts : as in `effect_on_score`
    orders : customer_id, at, amount; refunds are below zero
    follow_up : days after the call in which spend is counted; calls whose days are not over yet do
        not count
    cost : of a call
    margin : share of an amount that is margin, over 0 and at most 1; None where it is not known
    currency : of amounts

    Returns
    -------
    Result with "table": term (spend, and with a margin: margin minus cost), estimate (a customer
    called), low, high, n, calls, controls; and the part cost. Without a margin the finding says
    from which one a call pays: cost divided by spend.

    Raises
    ------
    InsufficientData : fewer than 20 customers in an arm whose days are over
    ValueError : margin is not over 0 and at most 1
    """
    if margin is not None and not 0 < margin <= 1:
        raise ValueError(f"margin must be over 0 and at most 1; it is {margin:g}.")
    sample = as_sample(orders)
    followed = _followed(contacts, sample.data, follow_up)
    spend = effect_table(followed, sample, quarters=False)[0].assign(term="spend")
    table, finding = spend, _sales_finding(spend.iloc[0], follow_up, cost, currency)
    notes = [_("Customers who left or bought nothing count with 0.")]
    if margin is not None:
        net = spend.assign(term="margin minus cost")
        net[ENDS] = margin * net[ENDS] - cost
        table = pd.concat([spend, net], ignore_index=True)
        finding = _margin_finding(net.iloc[0], follow_up, cost, currency)
        notes = [_("{margin:share} of spend is margin.", margin=margin), *notes]
    return Result(
        table,
        finding,
        i18n.together([*notes, design_note(sample)]),
        currency or "amount",
        **sample.bootstrap,
        parts={"cost": cost},
    )


def _followed(contacts: pd.DataFrame, orders: pd.DataFrame, follow_up: int) -> pd.DataFrame:
    """Calls and controls whose days are over, with spend in as many days after and before."""
    rows = orders[["customer_id", "at", "amount"]].dropna()
    calls, within = assigned(contacts), pd.Timedelta(days=follow_up)
    calls = calls[calls["at"] + within <= rows["at"].max()].reset_index(drop=True)
    pairs = calls[["customer_id", "at"]].reset_index().merge(rows, on="customer_id")
    apart = pairs["at_y"] - pairs["at_x"]
    zero = pd.Timedelta(0)

    def spent(during: pd.Series) -> np.ndarray:
        sums = pairs[during].groupby("index")["amount"].sum()
        return sums.reindex(calls.index, fill_value=0.0).to_numpy(float)

    return calls.assign(
        _y=spent((apart > zero) & (apart <= within)),
        _before=spent((apart <= zero) & (apart > -within)),
        _weight=1.0,
    )


def _margin_finding(net: pd.Series, follow_up: int, cost: float, currency: str) -> Finding:
    verdict, importance = verdict_of(net)
    facts = {
        "net": (abs(net["estimate"]), currency),
        "signed": (net["estimate"], currency),
        "cost": (cost, currency),
        "span": (net["low"], net["high"], currency),
        "days": follow_up,
        "n": net["n"],
    }
    claims = {
        "better": _(
            "A call-back brings {net:money2} more margin within {days:count} days than it costs.",
            **facts,
        ),
        "worse": _(
            "A call-back costs {net:money2} more than the margin it brings within {days:count} "
            "days.",
            **facts,
        ),
        "unclear": _unclear(follow_up),
    }
    return Finding.of_row(
        net,
        claims[verdict],
        _(
            "randomised; {signed:money2} of margin a customer called (95% CI "
            "{span:money_interval2}), after {cost:money2} for the call; n = {n:count}",
            **facts,
        ),
        unit=currency,
        verdict=verdict,
        measure="callback_money",
        importance=importance,
    )


def _unclear(follow_up: int) -> str:
    return _(
        "Whether call-backs pay within {days:count} days is unclear; keep controls until it is "
        "known.",
        days=follow_up,
    )


def _sales_finding(spend: pd.Series, follow_up: int, cost: float, currency: str) -> Finding:
    """Without a margin: a call cannot pay, has a break-even margin, or nobody knows yet."""
    facts: dict[str, Any] = {
        "spend": (spend["estimate"], currency),
        "span": (spend["low"], spend["high"], currency),
        "cost": (cost, currency),
        "days": follow_up,
        "n": spend["n"],
    }
    verdict = "worse" if spend["high"] < cost else "" if spend["low"] > 0 else "unclear"
    pays = 0 < cost <= spend["estimate"]
    if pays:
        facts["even"] = cost / spend["estimate"]
    if verdict == "worse":
        claim = _(
            "A call-back costs more than the sales it brings within {days:count} days: it pays at "
            "no margin.",
            **facts,
        )
    elif verdict == "unclear":
        claim = _unclear(follow_up)
    elif pays:
        claim = _(
            "A call-back brings {spend:money2} of sales within {days:count} days; it pays if at "
            "least {even:share} of sales is margin.",
            **facts,
        )
    else:
        claim = _("A call-back brings {spend:money2} of sales within {days:count} days.", **facts)
    detail = _(
        "randomised; {spend:money2} of sales a customer called (95% CI {span:money_interval2}), "
        "{cost:money2} for the call; n = {n:count}",
        **facts,
    )
    return Finding.of_row(
        spend,
        claim,
        _("; ").join([detail, *_break_even(spend, cost)]),
        unit=currency,
        verdict=verdict,
        measure="callback_sales",
        importance=Importance.ANSWER if verdict == "unclear" else Importance.NOTABLE,
    )


def _break_even(spend: pd.Series, cost: float) -> list[str]:
    """The break-even margin of a call, as far as the interval of spend shows one."""
    if cost <= 0 or spend["high"] < cost:
        return []
    if spend["estimate"] < cost:
        return [_("by the estimate it pays at no margin")]
    even, least = cost / spend["estimate"], cost / spend["high"]
    if spend["low"] < cost:
        return [
            _(
                "break-even margin {even:share} ({least:share} in the best case)",
                even=even,
                least=least,
            )
        ]
    span = (least, cost / spend["low"])
    return [
        _("break-even margin {even:share} (95% CI {span:share_interval})", even=even, span=span)
    ]
