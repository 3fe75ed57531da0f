"""Do complaints get solved: in time, at the first contact, for good, and by whom?

    rows = service.timed(study.read("cases"), study.service.standards)
    service.met(rows, by="severity")           # share answered and solved within their standard
    service.waiting(rows, "solution").curve    # share still waiting after each hour
    service.backlog(rows)                      # cases open, week by week, and their age
    service.first_contact(rows)                # solved at the first contact, by window of days
    service.reopened(rows, by="channel")
    service.complaint_rate(rows, events)       # cases in a thousand contacts of each touchpoint
    service.workload(rows)                     # by weekday and hours
    around = service.answers_around(rows, responses, "csat")
    service.recovery(around)                   # complainers beside others like them
    service.funnel(rows, "solved_in_time", by="owner")     # teams and agents, no league table
    service.reasons(rows, study.service.classes)           # class of problem, and who can solve it

A case is what one customer brought up once. None of this says that a case caused what followed.
"""

from __future__ import annotations

from cxlib.service.backlog import Backlog, backlog
from cxlib.service.casebook import join, last_weeks, spans, timed
from cxlib.service.contacts import FirstContact, first_contact, reopened
from cxlib.service.demand import complaint_rate, exposed, workload
from cxlib.service.owners import Funnel, funnel
from cxlib.service.reasons import Reasons, reasons
from cxlib.service.recovery import Recovery, answers_around, enough, recovery
from cxlib.service.standards import Waiting, met, missed, waiting

__all__ = [
    "Backlog", "FirstContact", "Funnel", "Reasons", "Recovery", "Waiting", "answers_around",
    "backlog", "complaint_rate", "enough", "exposed", "first_contact", "funnel",
    "join", "last_weeks", "met", "missed", "reasons", "recovery", "reopened", "spans", "timed",
    "waiting", "workload",
]  # fmt: skip
