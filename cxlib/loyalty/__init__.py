"""What keeps customers coming back: cohorts, repeat purchase, referral, and a programme's effect.

    history = loyalty.purchase_history(study.sample("orders"), **study.loyalty.first_orders())
    loyalty.cohorts(history)                           # retention, period by period
    loyalty.repeat_purchase(history)                   # time to the next purchase
    loyalty.repeat_revenue(history)                    # share of revenue from repeat purchases
    sample = loyalty.first_purchases(history, OrderContext(events=events, cases=cases))
    loyalty.repurchase_drivers(sample)                 # who comes back
    loyalty.referral(responses, reviews)               # do promoters refer others?
    loyalty.referred_customers(customers)              # who was referred by another customer
    panel = loyalty.panel(orders, customers, start="2025-10-01")
    loyalty.programme_effect(panel, randomised=True)   # effect of a loyalty programme

`joined` and `quiet` tell new customers from those who bought before the file begins. What is
associated with coming back need not cause it; only random assignment shows that.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.loyalty.cohorts import cohorts, repeat_by_group
from cxlib.loyalty.drivers import repurchase_drivers
from cxlib.loyalty.first_purchase import OrderContext, first_purchases
from cxlib.loyalty.history import PurchaseHistory, purchase_history
from cxlib.loyalty.panel import Panel, panel
from cxlib.loyalty.programme import programme_effect
from cxlib.loyalty.referral import referral, referred_customers
from cxlib.loyalty.repeat_purchase import repeat_purchase, repeat_revenue
from cxlib.loyalty.robustness import programme_checks

__all__ = [
    "attempt",
    "OrderContext",
    "Panel",
    "PurchaseHistory",
    "cohorts",
    "first_purchases",
    "panel",
    "programme_checks",
    "programme_effect",
    "purchase_history",
    "referral",
    "referred_customers",
    "repeat_by_group",
    "repeat_purchase",
    "repeat_revenue",
    "repurchase_drivers",
]
