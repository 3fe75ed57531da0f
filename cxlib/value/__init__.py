"""Customer lifetime value: who is active, what they will buy, and what that is worth today.

    sample = study.sample("orders")
    fit = value.lifetime_value(sample, value.Valuation(margin=0.3))
    print(fit)            # A customer is expected to bring 21.40 (20.10 to 22.90) over the next ...
    fit.table             # CLV of a customer, by group
    fit.active            # share still active;  fit.purchases: purchases to come
    fit.parameters        # of the purchase model and of the amounts
    value.purchase_forecast(sample, 52)          # purchases to come, from dates alone
    value.compare_models(sample).best            # which purchase model fits and forecasts best
    value.amount_correlation(sample)             # do amounts depend on how often they buy?
    value.holdout(sample, 26)                    # did such forecasts hold?
    value.score(sample, fit)                     # a row a customer
    value.attempt(value.lifetime_value, sample)  # None, and why on the page, where rows are too few

Purchases: BG/NBD, MBG/NBD or Pareto/NBD, and BG/BB of whole periods; amounts: Gamma-Gamma, which
takes amounts to depend on nothing but the customer (`fit.correlation` is that with the number of
purchases). The model predicts what customers will bring if nothing changes, not what an offer would
add.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.value.contract_value import contract_value
from cxlib.value.cost_to_serve import ServiceCosts, cost_to_serve
from cxlib.value.covariate_effects import covariate_effects
from cxlib.value.histories import opportunity_histories, purchase_histories
from cxlib.value.holdout import holdout
from cxlib.value.independence import amount_correlation
from cxlib.value.lifecycle import lifecycle, transitions
from cxlib.value.lifetime_value import (
    customer_list,
    expected_purchases,
    lifetime_value,
    score,
    with_reliability,
)
from cxlib.value.model_comparison import choose, compare_models
from cxlib.value.purchase_forecast import purchase_forecast
from cxlib.value.retention import remaining_periods, retention, retention_by_group
from cxlib.value.risk_matrix import value_at_risk
from cxlib.value.valuation import Valuation

__all__ = [
    "ServiceCosts",
    "Valuation",
    "amount_correlation",
    "attempt",
    "choose",
    "compare_models",
    "contract_value",
    "cost_to_serve",
    "covariate_effects",
    "customer_list",
    "expected_purchases",
    "holdout",
    "lifecycle",
    "lifetime_value",
    "opportunity_histories",
    "purchase_forecast",
    "purchase_histories",
    "remaining_periods",
    "retention",
    "retention_by_group",
    "score",
    "transitions",
    "value_at_risk",
    "with_reliability",
]
