"""Care: whom to call back, whom not to contact, and what earlier call-backs did.

    needs = care.needs(care.Evidence(cases=cases, events=events), today)    # who has a reason
    rest = care.resting(needs["customer_id"], contacts, rules, today)       # who is left out
    week = care.callbacks(needs, rest, care.Plan(today=today, capacity=40))
    week.customers                       # who is called, who is a control: report.list_to_file
    late = care.late_steps(sample.with_data(care.order_steps(orders)), ["category"], today)
    late.items                           # orders that wait longer than is usual for their kind
    care.late_among(late, others, today)     # of customers whom it was not learnt from
    care.effect_on_score(contacts, responses, "recommend", measure, follow_up=75)
    care.effect_on_spend(contacts, orders, follow_up=75, cost=6)

Among equals chance decides who is called, so the call-back is a randomised trial: customers whom it
kept as controls show what would have happened without a call.
"""

from __future__ import annotations

from cxlib.care.booking import booking
from cxlib.care.call_list import Plan, callbacks, reasons
from cxlib.care.effects import effect_on_score
from cxlib.care.evidence import Evidence, in_words, needs
from cxlib.care.expected_steps import case_steps, order_steps
from cxlib.care.rest import rest_summary, resting, with_contact
from cxlib.care.spend_effects import effect_on_spend
from cxlib.care.waits import joined_items, late_among, late_steps
from cxlib.core.errors import attempt

__all__ = [
    "Evidence",
    "Plan",
    "attempt",
    "booking",
    "callbacks",
    "case_steps",
    "effect_on_score",
    "effect_on_spend",
    "in_words",
    "joined_items",
    "late_among",
    "late_steps",
    "needs",
    "order_steps",
    "reasons",
    "rest_summary",
    "resting",
    "with_contact",
]
