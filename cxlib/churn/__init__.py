"""Churn: who is likely to leave, how far the prediction can be trusted, what it is worth, and why.

    sample = Sample(study.customers.profiles(), draws=500, seed=1)
    fit = churn.fit(sample, outcome="left")
    print(fit)            # 1,204 of 7,043 customers are at high risk of leaving ... (AUC 0.85 ...).
    fit.table             # AUC, log-loss, Brier score, calibration slope and intercept
    fit.risk              # high, medium and low risk: who left, and what was predicted
    churn.associations(fit), churn.validation_by_group(fit), fit.reasons
    churn.score(customers, fit)               # probability, risk and reasons of each customer
    churn.boosting_benchmark(fit)             # would gradient boosting predict better?
    churn.model_drift(snapshots)              # does the model hold at later dates?
    churn.survival(lifetimes), churn.cumulative_incidence(lifetimes), churn.hazard_ratios(lifetimes)
    churn.hazard_ratios(churn.episodes(lifetimes, changes), customer="customer_id")
    churn.logrank(lifetimes, "plan"), churn.restricted_mean(lifetimes, 365, by="plan")
    churn.cox_fit(lifetimes), churn.concordance(lifetimes, "risk")
    churn.subdistribution_ratios(lifetimes, "price")    # Fine and Gray, one reason of several
    churn.losses_forecast(customers, last_day)    # customers lost in the next months
    churn.lead_time(scored, 0.3), churn.campaign_gain(scored, Campaign(value="worth", offer=25))
    churn.contact_list(active, fit, campaign)
    churn.joined_lists(lists, campaign)           # of several parts of the customers
    churn.uplift(pilot, treated="treated", outcome="left", lower_is_better=True)
    churn.churn_reasons(leavers, "left_because")

The model is transparent: a logistic regression on smooth curves (numbers) and levels (categories),
with a ridge penalty chosen by leave-one-out log-loss. It predicts who will leave, not who would
stay if contacted: that needs a randomised trial (`uplift`). Associations are not causes.
"""

from __future__ import annotations

from cxlib.churn.boosting import boosting_benchmark
from cxlib.churn.cox_checks import concordance, cox_fit, subdistribution_ratios
from cxlib.churn.drift import model_drift
from cxlib.churn.episodes import episodes
from cxlib.churn.group_tests import logrank, restricted_mean
from cxlib.churn.hazards import hazard_ratios
from cxlib.churn.lead_time import lead_time
from cxlib.churn.losses import losses_forecast
from cxlib.churn.model import Validation, associations, fit, validation_by_group
from cxlib.churn.profit import Campaign, campaign_gain, expected_gain
from cxlib.churn.reasons import PUBLISHED, churn_reasons
from cxlib.churn.scoring import score
from cxlib.churn.survival import cumulative_incidence, survival
from cxlib.churn.targeting import (
    Experiences,
    contact_list,
    joined_lists,
    largest_gains,
    worth_contacting,
)
from cxlib.churn.uplift_models import UpliftModel, uplift, uplift_of_changes
from cxlib.core.errors import attempt

__all__ = [
    "PUBLISHED",
    "Campaign",
    "Experiences",
    "UpliftModel",
    "Validation",
    "associations",
    "attempt",
    "boosting_benchmark",
    "campaign_gain",
    "churn_reasons",
    "concordance",
    "contact_list",
    "cox_fit",
    "cumulative_incidence",
    "episodes",
    "expected_gain",
    "fit",
    "hazard_ratios",
    "joined_lists",
    "largest_gains",
    "lead_time",
    "logrank",
    "losses_forecast",
    "model_drift",
    "restricted_mean",
    "score",
    "subdistribution_ratios",
    "survival",
    "uplift",
    "uplift_of_changes",
    "validation_by_group",
    "worth_contacting",
]
