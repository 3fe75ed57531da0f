"""What keeps customers coming back: cohorts, the next purchase, referral, and a programme's effect.

    kept = loyalty.cohorts(orders, joined=joined)      # who bought again, period by period
    again = loyalty.repeat(orders)                     # how soon the next purchase comes
    loyalty.revenue(orders)                            # how much comes from those who came back
    loyalty.referral(responses, reviews)               # do promoters do what they say?
    loyalty.brought(customers)                         # who came through another customer
    began = loyalty.first_purchases(orders, events=events, cases=cases)
    loyalty.returning(began)                           # what distinguishes those who come back
    seen = loyalty.panel(people, orders, begun_on="2025-10-01")
    loyalty.programme(seen, randomised=True)           # what a programme brings, design named

`joined` and `quiet` tell new customers from those who bought before the file begins. What goes with
coming back need not bring it about; only lots tell that.
"""

from __future__ import annotations

from cxlib.loyalty.cohorts import Cohorts, cohorts
from cxlib.loyalty.firsts import first_purchases
from cxlib.loyalty.panel import Panel, panel
from cxlib.loyalty.programme import Programme, programme
from cxlib.loyalty.referral import Referral, brought, referral
from cxlib.loyalty.repeat import Repeat, repeat, revenue
from cxlib.loyalty.returning import returning

__all__ = [
    "Cohorts", "Panel", "Programme", "Referral", "Repeat", "brought", "cohorts", "first_purchases",
    "panel", "programme", "referral", "repeat", "returning", "revenue",
]  # fmt: skip
