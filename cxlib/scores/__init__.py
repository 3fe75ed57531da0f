"""How satisfied customers are: recommendation (NPS), satisfied share (CSAT), means and effort.

    print(scores.nps(responses, weight="weight"))      # NPS 31.0 points (28.1 to 33.9), n 4,812.
    scores.csat(responses, "overall", by="channel").table
    scores.mean(responses, ["website", "delivery"], customer="customer_id")
    scores.compare(responses, "recommend", by="channel")           # all differences held together
    scores.trend(responses, "recommend", over="wave").limits       # control limits, signals
    scores.mix(responses, "recommend", by="channel").table         # other people, or other answers

All are weighted means of recoded answers. They tell how customers answered, not why, and nothing
of those who were not asked: see 00_is_the_data_sound. With `by`, the intervals of all groups hold
at once. Answers of those who never used a touchpoint are blank, and counted apart.
"""

from __future__ import annotations

from cxlib.scores.answers import answered, distribution
from cxlib.scores.breaches import warnings
from cxlib.scores.compare import compare
from cxlib.scores.headline import headline
from cxlib.scores.means import csat, effort, mean, nps
from cxlib.scores.measures import Measure, measure_of
from cxlib.scores.mix import Mix, mix
from cxlib.scores.sizes import detectable, needed
from cxlib.scores.trends import Trend, last_two, trend

__all__ = [
    "Measure", "Mix", "Trend", "answered", "compare", "csat", "detectable", "distribution",
    "effort", "headline", "last_two", "mean", "measure_of", "mix", "needed", "nps", "trend",
    "warnings",
]  # fmt: skip
