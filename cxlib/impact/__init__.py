"""Did the change work? What could be found before acting, what was found after, and how surely.

    trial = trials.read(responses, change, points=["recommend"], weight="weight",
                        customer="customer_id")        # change: as study.yaml tells it
    fit = trials.effect(trial)
    print(fit)            # Call-back programme raised “Recommendation” by 9.8 points (4.1 to ...
    fit.table             # term (outcome), estimate, low, high, n; all at once
    fit.ways              # the same by every other design that the rows allow
    trials.path(trial)    # wave by wave; did the two move alike before?
    trials.placebos(trial)                             # changes that never were
    trials.beside(trial)  # a stand-in made of spared groups;  trials.line: the waves before
    trials.returning(trial)                            # the way back to the middle
    trials.answering(trial)                            # did as many answer again?
    trials.hidden([fit])  # how strong an unseen cause would have to be
    trials.verdicts({"callback": fit})
    trials.calibration(pairs)                          # how good were the predictions?
    trials.plan(responses, "recommend", points=["recommend"], expected=3)     # before acting

Lots leave chance only. Every other design rests on something that cannot be seen: that those spared
would have moved alike. The checks look where it could show.
"""

from __future__ import annotations

from cxlib.impact.checks import (
    Beside,
    Path,
    answering,
    beside,
    each,
    hidden,
    line,
    path,
    placebos,
    returning,
    told,
)
from cxlib.impact.effects import Effect, effect
from cxlib.impact.planning import Plan, plan
from cxlib.impact.rows import Trial, read, read_all
from cxlib.impact.verdicts import (
    Calibration,
    agreement,
    calibration,
    designs,
    promised,
    standing,
    verdicts,
)

__all__ = [
    "Beside", "Calibration", "Effect", "Path", "Plan", "Trial", "agreement", "answering",
    "beside", "calibration", "designs", "each", "effect", "hidden", "line", "path", "placebos",
    "plan", "promised", "read", "read_all", "returning", "standing", "told", "verdicts",
]  # fmt: skip
