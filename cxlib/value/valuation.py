"""What a customer's value is: over what time, in margin or in sales, and how a page words it.

Valuation(weeks=52, margin=0.3)     # without a margin: sales, of which nobody knows what is left
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance
from cxlib.value.purchase_model import Amounts


@dataclass(frozen=True)
class Valuation:
    """Over what time purchases count, and what they bring.

    Attributes
    ----------
    weeks : horizon, 1 or more
    discount : rate a year, 0 or more
    margin : share of an amount that is margin, above 0 and at most 1; None for value in sales
    currency : of the amounts, for sentences
    amounts : "purchases" learns the distribution of amounts from every purchase, "means" from the
        means of customers, as published

    Raises
    ------
    ValueError : a value outside its range
    """

    weeks: float = 52
    discount: float = 0.10
    margin: float | None = None
    currency: str = ""
    amounts: Amounts = "purchases"

    def __post_init__(self) -> None:
        for name, value, least in (("weeks", self.weeks, 1), ("discount", self.discount, 0)):
            if not least <= value < np.inf:
                raise ValueError(f"{name} is {value}; it must be {least} or more.")
        if not 0 < self.kept <= 1:
            raise ValueError(
                f"margin is {self.margin}; it must be above 0 and at most 1, a share of amounts."
            )
        require_choice("amounts", self.amounts, ("purchases", "means"))

    @property
    def kept(self) -> float:
        """Share of an amount that counts: the margin, or all of it for value in sales."""
        return 1.0 if self.margin is None else self.margin

    @property
    def basis(self) -> str:
        """What value is in: "margin" or "sales"."""
        return "sales" if self.margin is None else "margin"

    @property
    def about(self) -> str:
        """What values are, for axes."""
        return _("sales per customer") if self.margin is None else _("margin per customer")


HARDLY = 0.1  # purchases to come of a customer, under which there is nothing to keep


def counted_amounts(margin: float | None) -> str:
    """What counts of an amount, for details and notes."""
    if margin is None:
        return _("sales, no margin stated")
    return _("margin {margin:share} of amounts", margin=margin)


def spending_limit(margin: float | None) -> str:
    """What a customer lifetime value is for: the most to spend on a customer, once it is margin."""
    if margin is None:
        return _("Find out the margin before you set budgets by this: it is sales, not profit.")
    return _("Spend less than this on winning or keeping an average customer.")


def valued(
    row: pd.Series, valuation: Valuation, purchases: float = 1.0, buyers: int = 0
) -> Finding:
    """The finding on what the average customer is worth; `purchases` are expected of each.

    `buyers` are those from whom amounts were learned, where they are some customers only.
    """
    digits = 0 if row.estimate >= 20 and not row.high - row.low < 2 else 2
    facts: dict[str, Any] = {
        "amount": (row.estimate, valuation.currency),
        "span": (row.low, row.high, valuation.currency),
        "discount": valuation.discount,
        "weeks": valuation.weeks,
        "digits": digits,
        "n": row.n,
    }
    sure = (
        _("no interval can be given")
        if np.isnan(row.low)
        else _("95% CI {span:money_interval{digits}}", **facts)
    )
    detail = _(
        "customer lifetime value (CLV) over {weeks:count} weeks; {sure}; {counted}, discounted at "
        "{discount:share} a year; n = {n:count}",
        sure=sure,
        counted=counted_amounts(valuation.margin),
        **facts,
    )
    if buyers:
        amounts = _("amounts from {buyers:count} of them", buyers=buyers)
        detail = _("{first}; {second}", first=detail, second=amounts)
    if purchases < HARDLY:
        bound = _("a lower bound where the file is a sample of orders")
        detail = _("{first}; {second}", first=detail, second=bound)
    return Finding.of_row(
        row,
        _worth(valuation, facts),
        detail,
        unit=valuation.currency,
        measure="clv",
        at={"horizon": f"{valuation.weeks:g}", "basis": valuation.basis},
        importance=Importance.ANSWER,
        action=spending_limit(valuation.margin)
        if purchases >= HARDLY
        else _(
            "Do not spend on keeping customers by this: hardly any is expected to buy again. Judge "
            "what winning a customer may cost by the first order."
        ),
    )


def _worth(valuation: Valuation, facts: dict[str, Any]) -> str:
    year, sales = round(valuation.weeks) == 52, valuation.margin is None
    if year and sales:
        return _(
            "The average customer is worth {amount:money{digits}} of sales over the next 12 "
            "months.",
            **facts,
        )
    if year:
        return _(
            "The average customer is worth {amount:money{digits}} in margin over the next 12 "
            "months.",
            **facts,
        )
    if sales:
        return _(
            "The average customer is worth {amount:money{digits}} of sales over the next "
            "{weeks:count} weeks.",
            **facts,
        )
    return _(
        "The average customer is worth {amount:money{digits}} in margin over the next "
        "{weeks:count} weeks.",
        **facts,
    )
