"""Did the change work? What could be detected before acting, and what was found after.

    trial = impact.read(sample, change, points=["recommend"])      # change: from study.yaml
    fit = impact.effect(trial)
    print(fit)            # The call-back programme raised NPS by 9.8 points.
    fit.table             # term (outcome), estimate, low, high, n; simultaneous intervals
    fit.by_design         # the same by every other design that the rows allow
    one = impact.evaluate(trial)           # the effect, and a table of checks
    impact.event_study(trial)              # one check: wave by wave; were trends parallel before?
    impact.placebo_tests(trial)            # another: changes that never happened
    impact.verdicts({"callback": one})     # of all changes
    impact.calibration(pairs)              # how good were the predictions?
    impact.power_analysis(sample, "recommend", expected=3)         # before acting
    impact.comparison_units(sample, "welcome", "hotel")            # and if units are treated

Randomisation leaves chance only. Every other design rests on something that cannot be seen: that
the controls would have moved in parallel. The checks look where it could show.
"""

from __future__ import annotations

from cxlib.impact.calibration import calibration, predicted_and_realised, predictions
from cxlib.impact.comparison_units import comparison_units, next_units
from cxlib.impact.counterfactuals import interrupted_time_series, synthetic_control
from cxlib.impact.effects import effect
from cxlib.impact.evaluation import evaluate, evaluate_all
from cxlib.impact.group_effects import effects_by_group
from cxlib.impact.outcomes import outcomes
from cxlib.impact.parallel_trends import event_study, placebo_tests
from cxlib.impact.power import Experiment, power_analysis
from cxlib.impact.robustness import (
    attrition,
    baseline_balance,
    regression_to_the_mean,
    unmeasured_confounding,
)
from cxlib.impact.trial import Trial, read, read_all
from cxlib.impact.verdicts import verdicts

__all__ = [
    "Experiment",
    "Trial",
    "attrition",
    "baseline_balance",
    "calibration",
    "comparison_units",
    "effect",
    "effects_by_group",
    "evaluate",
    "evaluate_all",
    "event_study",
    "interrupted_time_series",
    "next_units",
    "outcomes",
    "placebo_tests",
    "power_analysis",
    "predicted_and_realised",
    "predictions",
    "read",
    "read_all",
    "regression_to_the_mean",
    "synthetic_control",
    "unmeasured_confounding",
    "verdicts",
]
