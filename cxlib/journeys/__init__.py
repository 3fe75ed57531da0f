"""Where journeys break: the experience map, what follows what, who drops off, what hurts most.

steps = journeys.steps(study.sample("events"), gap=90)      # events in the order of journeys
counts = journeys.count_transitions(steps, goal=["booking"])    # or study.journeys.transitions
journeys.transitions(counts)                     # shares, with simultaneous intervals
journeys.removal(counts, goal=["booking"])       # what would be lost without a touchpoint
journeys.removal(journeys.paths(table), goal=["conversion"])    # the same of a table of paths
journeys.removal(journeys.paths(table, order="chosen", value="revenue"), goal=["conversion"])
journeys.touch_credit(table)                     # first, last, linear and position-based touch
journeys.loops(steps, stages)                    # who has to come back
journeys.variants(steps, goal=["booking"])       # most frequent complete paths
journeys.conformance(steps, ["web", "shop", "booking"])     # who follows the expected order
journeys.time_in_stage(steps, stages)
journeys.dropoff(steps, goal=["booking"])        # where they went instead, who, how much
exposure = journeys.exposure(responses, events)  # what each answer is about
touchpoints = journeys.Touchpoints(stages, ratings)
journeys.experience_map(steps, touchpoints, exposure)
journeys.associations(exposure, "recommend")     # adjusted for who meets a touchpoint
journeys.peak_end(exposure, "recommend", touchpoints)       # worst and last moment, or the mean
journeys.pain_points(exposure, "recommend", touchpoints)    # with the chance to be first
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.journeys.associations import associations
from cxlib.journeys.comparison import compare_groups, compare_transitions, periods
from cxlib.journeys.conformance import conformance
from cxlib.journeys.counts import GOAL, TransitionCounts, chain_order, paths
from cxlib.journeys.dropoff import Revenue, dropoff, next_journeys
from cxlib.journeys.experience_map import experience_map, group_difference, group_map, overall_map
from cxlib.journeys.exposure import Exposure, Touchpoints, exposure
from cxlib.journeys.loops import loops
from cxlib.journeys.pain_points import Loss, pain_points, priority_factors
from cxlib.journeys.peak_end import peak_end
from cxlib.journeys.removal import removal
from cxlib.journeys.stage_times import time_in_stage
from cxlib.journeys.steps import count_transitions, steps
from cxlib.journeys.touch_credit import touch_credit
from cxlib.journeys.transitions import flows, main_flows, transitions
from cxlib.journeys.variants import variants
from cxlib.journeys.web import self_service, web_scores, web_visits

__all__ = [
    "attempt",
    "GOAL",
    "Exposure",
    "Loss",
    "Revenue",
    "Touchpoints",
    "TransitionCounts",
    "associations",
    "chain_order",
    "compare_groups",
    "compare_transitions",
    "conformance",
    "count_transitions",
    "dropoff",
    "experience_map",
    "exposure",
    "flows",
    "group_difference",
    "group_map",
    "loops",
    "main_flows",
    "next_journeys",
    "overall_map",
    "pain_points",
    "paths",
    "peak_end",
    "periods",
    "priority_factors",
    "removal",
    "self_service",
    "steps",
    "time_in_stage",
    "touch_credit",
    "transitions",
    "variants",
    "web_scores",
    "web_visits",
]
