"""From warnings to action: what is out of line, what may be behind it, and what to do about it.

    found = report.others(STUDY)                              # what other notebooks kept
    alarms = actions.alarms(found)                            # one list, false alarms held
    actions.causes(found, alarms, touchpoints=...)            # a tree for each, number and interval
    actions.levers(found)                                     # candidates, with what they go with
    actions.standing(ledger, today)                           # overdue and stalled ones first
    actions.net_gain(ledger, ...)                             # expected gain, worth of waiting
    actions.closed(ledger)                                    # what closed ones brought

A warning says that something moved, a cause what went with it in the same wave; neither says what
would help. That is predicted in the ledger, and judged by what came (40_did_the_change_work).
"""

from cxlib.actions.alarms import Alarms, alarms
from cxlib.actions.causes import causes
from cxlib.actions.ledger import OPEN, mistakes, sound, standing
from cxlib.actions.levers import levers
from cxlib.actions.series import tests_of
from cxlib.actions.worth import closed, net_gain, sample_information

__all__ = [
    "OPEN", "Alarms", "alarms", "causes", "closed", "levers", "mistakes",
    "net_gain", "sample_information", "sound", "standing", "tests_of",
]  # fmt: skip
