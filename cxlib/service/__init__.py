"""Do complaints get solved: in time, at the first contact, for good, and by whom?

    cases = service.case_times(study.sample("cases"), study.service.standards)
    service.sla_attainment(cases, by="severity")    # share answered and solved in time
    service.definitions(cases, clock)               # the same under other definitions of on time
    service.sla_by_month(cases)                     # the latest month against the one before
    service.treatment(cases, by="plan", mix=["severity"])   # are all grades served alike?
    service.waiting_times(cases, "resolution").curve  # share still waiting after each hour
    service.open_cases(cases)                       # cases open today, by age; which are overdue
    service.backlog(cases)                          # cases open, week by week, and their age
    service.clearance(cases)                        # days until it is cleared, at today's rates
    service.time_in_status(cases, statuses)         # share of the time to solution in each status
    service.volume_forecast(cases)                  # new cases of the next weeks
    service.first_contact_resolution(cases)         # solved at the first contact, by window of days
    service.reopen_rate(cases, by="channel")
    service.complaint_rate(cases, events)           # cases in a thousand contacts of a touchpoint
    service.workload(cases)                         # by weekday and hours
    pairs = service.answer_pairs(study.sample(), cases, "csat")
    service.recovery(pairs)                         # complainers compared with others like them
    service.funnel(cases, "solved_in_time", by="owner")     # teams and agents, no league table
    service.reasons(cases, study.service.classes)   # class of problem, and who can solve it

A case is what one customer brought up once. None of this says that a case caused what followed.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.service.backlog import backlog
from cxlib.service.cases import (
    case_times,
    has_solutions,
    has_weeks,
    in_time,
    last_weeks,
    timed,
    times_of,
)
from cxlib.service.clocks import Clock, make_clock
from cxlib.service.counted import count_cases
from cxlib.service.definitions import definitions, with_definitions, with_hours
from cxlib.service.demand import complaint_rate, customer_weeks, workload
from cxlib.service.funnels import funnel
from cxlib.service.monthly_standards import sla_by_month
from cxlib.service.open_cases import open_cases
from cxlib.service.reasons import categories, reasons
from cxlib.service.recovery import answer_pairs, recovery
from cxlib.service.resolution import first_contact_resolution, reopen_rate
from cxlib.service.standards import sla_alerts, sla_attainment
from cxlib.service.statuses import time_in_status
from cxlib.service.treatment import treatment
from cxlib.service.volumes import clearance, volume_forecast
from cxlib.service.waiting import waiting_times

__all__ = [
    "Clock",
    "answer_pairs",
    "attempt",
    "backlog",
    "case_times",
    "categories",
    "clearance",
    "complaint_rate",
    "count_cases",
    "customer_weeks",
    "definitions",
    "first_contact_resolution",
    "funnel",
    "has_solutions",
    "has_weeks",
    "in_time",
    "last_weeks",
    "make_clock",
    "open_cases",
    "reasons",
    "recovery",
    "reopen_rate",
    "sla_alerts",
    "sla_attainment",
    "sla_by_month",
    "timed",
    "times_of",
    "time_in_status",
    "treatment",
    "volume_forecast",
    "waiting_times",
    "workload",
    "with_definitions",
    "with_hours",
]
