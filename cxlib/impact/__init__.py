"""Did the change work? What could be detected before acting, and what was found after.

    trial = impact.read(sample, change, points=["recommend"])      # change: from study.yaml
    fit = impact.effect(trial)
    print(fit)            # Call-back programme raised “Recommendation” by 9.8 points (4.1 to ...
    fit.table             # term (outcome), estimate, low, high, n; simultaneous intervals
    fit.by_design         # the same by every other design that the rows allow
    impact.event_study(trial)              # wave by wave; were trends parallel before?
    impact.placebo_tests(trial)            # changes that never happened
    impact.synthetic_control(trial)        # or interrupted_time_series(trial), the trend before
    impact.regression_to_the_mean(trial)
    impact.attrition(trial)                # did as many answer again?
    impact.unmeasured_confounding([fit])   # how strong a confounder would have to be
    impact.verdicts({"callback": fit})
    impact.calibration(pairs)              # how good were the predictions?
    impact.power_analysis(sample, "recommend", expected=3)         # before acting

Randomisation leaves chance only. Every other design rests on something that cannot be seen: that
the controls would have moved in parallel. The checks look where it could show.
"""

from __future__ import annotations

from cxlib.impact.calibration import calibration, predicted_and_realised, predictions
from cxlib.impact.counterfactuals import interrupted_time_series, synthetic_control
from cxlib.impact.effects import effect
from cxlib.impact.parallel_trends import event_study, placebo_tests
from cxlib.impact.power import Experiment, power_analysis
from cxlib.impact.robustness import attrition, regression_to_the_mean, unmeasured_confounding
from cxlib.impact.trial import Trial, for_each, read, read_all, report_missing
from cxlib.impact.verdicts import compare_designs, designs, verdicts

__all__ = [
    "Experiment",
    "Trial",
    "attrition",
    "calibration",
    "compare_designs",
    "designs",
    "effect",
    "event_study",
    "for_each",
    "interrupted_time_series",
    "placebo_tests",
    "power_analysis",
    "predicted_and_realised",
    "predictions",
    "read",
    "read_all",
    "regression_to_the_mean",
    "report_missing",
    "synthetic_control",
    "unmeasured_confounding",
    "verdicts",
]
