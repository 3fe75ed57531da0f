"""What a problem at a touchpoint is called: by the study's own words where it has them.

Such words are labels of study.yaml: `"delivery: not reached": {en: Order not delivered}`.
"""

from __future__ import annotations

from cxlib.core import context
from cxlib.core.i18n import _


def problem_name(touchpoint: str, problem: str) -> str:
    """The problem as a sentence and a figure name it.

    Parameters
    ----------
    touchpoint : name of the touchpoint
    problem : "problem" (an outcome that study.yaml calls bad), "low rating" or "not reached"

    Examples
    --------
    >>> problem_name("delivery", "problem"), problem_name("delivery", "not reached")
    ('problem at delivery', 'delivery not reached')
    >>> own = context.Context(labels={"delivery: problem": "Late delivery"})
    >>> with context.use(own):
    ...     problem_name("delivery", "problem")
    'Late delivery'
    """
    if own := context.current().labels.get(f"{touchpoint}: {problem}"):
        return own
    facts = {"touchpoint": touchpoint, "problem": problem}
    return {
        "problem": _("problem at {touchpoint:label}", **facts),
        "low rating": _("low rating of {touchpoint:label}", **facts),
        "not reached": _("{touchpoint:label} not reached", **facts),
    }.get(problem, _("{touchpoint:label}: {problem:label}", **facts))
