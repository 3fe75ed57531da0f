"""How satisfied customers are: recommendation (NPS), satisfied share (CSAT), means and effort.

    print(scores.nps(responses, weight="weight"))      # NPS 31.0 points (28.1 to 33.9), n 4,812.
    scores.csat(responses, "overall", by="channel").table
    scores.mean(responses, ["website", "delivery"], customer="customer_id")

All are weighted means of recoded answers. They tell how customers answered, not why, and nothing
of those who were not asked: see 00_is_the_data_sound. With `by`, the intervals of all groups hold
at once. Answers of those who never used a touchpoint are blank, and counted apart.
"""

from __future__ import annotations

from cxlib.scores.answers import answered, distribution
from cxlib.scores.headline import headline
from cxlib.scores.means import csat, effort, mean, nps

__all__ = ["answered", "csat", "distribution", "effort", "headline", "mean", "nps"]
