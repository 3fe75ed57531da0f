"""Who answers a survey: response rates, reminders, and how often customers are asked.

    asked = response.invited(study.sample("invitations"), study.read("responses"))
    print(response.by_wave(asked))                   # 46% of those invited in 2026-Q3 answered ...
    response.by_attribute(asked, ["region", "plan"]).table
    response.reminders(asked)                        # of those silent: reminded and not reminded
    response.contact_pressure(asked, rest_days=90, customers=study.read("customers"))

A response rate says how many did not answer, not how they differ: `scores.nonresponse` asks how
different they would have to be to change a verdict.
"""

from cxlib.core.errors import attempt
from cxlib.response.contact_pressure import contact_pressure
from cxlib.response.invitations import invited, with_when
from cxlib.response.rates import by_attribute, by_wave
from cxlib.response.reminders import late_answers, reminders

__all__ = [
    "attempt",
    "by_attribute",
    "by_wave",
    "contact_pressure",
    "invited",
    "late_answers",
    "reminders",
    "with_when",
]
