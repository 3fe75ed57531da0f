"""How satisfied customers are: recommendation (NPS), satisfied share (CSAT), means and effort.

    print(scores.nps(sample))                       # NPS is +31.
    print(scores.latest(sample))                    # NPS rose by 4.1 points to +31 in 2026-Q3.
    scores.csat(sample, "overall", by="channel").table
    scores.mean(sample, ["website", "delivery"])
    scores.compare(sample, "recommend", by="channel")         # simultaneous intervals
    scores.trend(sample, "recommend", over="wave").limits     # control limits, signals
    scores.forecast(scores.trend(sample, "recommend")).table  # the next waves, prediction intervals
    scores.decompose_change(sample, "recommend", by="channel").table     # mix and rate

All are weighted means of recoded answers of a `Sample` (or a bare DataFrame). They describe how
customers answered, not why, and not those who did not answer: see 01_who_answers. With
`by`, each group has its own interval, and a simultaneous one that holds for all groups at once. Who
never used a touchpoint has no answer to its question, and is counted separately.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.scores.alarm_audit import alarm_audit
from cxlib.scores.alerts import advised, alerts
from cxlib.scores.answers import latest_wave
from cxlib.scores.banner import banner
from cxlib.scores.benchmarks import compare_with_benchmarks
from cxlib.scores.comparisons import by_group, compare
from cxlib.scores.crosstab import crosstab
from cxlib.scores.decomposition import decompose_change
from cxlib.scores.forecasts import forecast
from cxlib.scores.latest import latest, ratings
from cxlib.scores.measures import Measure, measure_of
from cxlib.scores.next_survey import next_survey
from cxlib.scores.nonresponse import nonresponse
from cxlib.scores.questions import distribution, item_response, question_scores
from cxlib.scores.roll_up import hidden_units, roll_up
from cxlib.scores.sample_size import detectable_change, sample_size
from cxlib.scores.scoring import csat, effort, mean, nps, score
from cxlib.scores.survey_quality import survey_quality
from cxlib.scores.trend_series import ControlLimits
from cxlib.scores.trends import last_two_waves, repeated, trend
from cxlib.scores.two_periods import two_periods
from cxlib.scores.unit_changes import unit_changes
from cxlib.scores.unit_scorecard import unit_scorecard
from cxlib.scores.units import units
from cxlib.scores.windows import rolling, seasonally_adjusted

__all__ = [
    "ControlLimits",
    "Measure",
    "advised",
    "alarm_audit",
    "alerts",
    "attempt",
    "banner",
    "by_group",
    "compare",
    "compare_with_benchmarks",
    "crosstab",
    "csat",
    "decompose_change",
    "detectable_change",
    "distribution",
    "effort",
    "forecast",
    "hidden_units",
    "item_response",
    "last_two_waves",
    "latest",
    "latest_wave",
    "mean",
    "measure_of",
    "next_survey",
    "nonresponse",
    "nps",
    "question_scores",
    "ratings",
    "repeated",
    "roll_up",
    "rolling",
    "sample_size",
    "score",
    "seasonally_adjusted",
    "survey_quality",
    "trend",
    "two_periods",
    "unit_changes",
    "unit_scorecard",
    "units",
]
