"""From alerts to action: what is out of line, what changed with it, and what to do about it.

    answers = report.others(STUDY)                            # of the other notebooks
    alerts = actions.alerts(answers)                          # one list, false alerts controlled
    actions.causes(answers, alerts, ratings=...)              # a tree for each event
    actions.opportunities(answers)                            # candidates for the ledger
    actions.action_status(ledger, today)                      # overdue and stalled ones first
    actions.net_gain(ledger, ...)                             # expected gain, value of waiting
    actions.realised_gains(ledger)                            # what closed ones brought
    actions.follow_up(alerts, ledger, today)                  # did alerts lead to actions?
    actions.expected_by_kind(ledger)                          # what judged ones suggest

An alert says that something moved, a cause what changed with it in the same waves; neither says
what would help. That is predicted in the ledger, and judged by what came (40_did_the_change_work).
"""

from __future__ import annotations

from cxlib.actions.alerts import alerts
from cxlib.actions.causes import causes
from cxlib.actions.experience import expected_by_kind
from cxlib.actions.follow_up import follow_up
from cxlib.actions.gains import net_gain, on_hold
from cxlib.actions.ledger import (
    OPEN,
    action_status,
    check_ledger,
    contradictions,
    customers_waiting,
)
from cxlib.actions.opportunities import opportunities, past_problems
from cxlib.actions.realised import faded_effects, realised_gains, with_measured
from cxlib.actions.responsibility import evidence_against, responsible
from cxlib.actions.series import tests_of
from cxlib.actions.waiting import sample_information

__all__ = [
    "OPEN",
    "action_status",
    "alerts",
    "causes",
    "check_ledger",
    "contradictions",
    "customers_waiting",
    "evidence_against",
    "expected_by_kind",
    "faded_effects",
    "follow_up",
    "net_gain",
    "on_hold",
    "opportunities",
    "past_problems",
    "realised_gains",
    "responsible",
    "sample_information",
    "tests_of",
    "with_measured",
]
