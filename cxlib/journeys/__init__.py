"""Where journeys break: the experience map, what follows what, who drops off, what hurts most.

steps = journeys.steps(events, gap=90)               # events in the order of journeys
counts = journeys.counted(steps, goal=["booking"])   # or Reserve.journeys, by SQL
journeys.transitions(counts)                         # shares, held together
journeys.removal(counts, goal=["booking"])           # what would be lost without a touchpoint
journeys.removal(journeys.paths(table), goal=["conversion"])    # the same of a table of paths
journeys.loops(steps, stages)                        # who has to come back
journeys.stays(steps, stages)                        # time in stage
journeys.dropoff(steps, goal=["booking"])            # where they went instead, who, how much
met = journeys.exposure(responses, events)           # what each answer is about
journeys.experience(steps, responses, met, ...)      # the experience map
journeys.effects(responses, met, "recommend")        # adjusted for who meets a touchpoint
journeys.peak_end(responses, met, "recommend", ...)  # worst and last moment against the mean
journeys.pains(responses, met, "recommend", ...)     # ranked, with the chance to be first
"""

from __future__ import annotations

from cxlib.journeys.compared import compare, compare_parts, periods
from cxlib.journeys.dropoff import Dropoff, dropoff
from cxlib.journeys.effects import effects
from cxlib.journeys.experience import Experience, experience
from cxlib.journeys.exposure import Exposure, exposure
from cxlib.journeys.loops import Loops, loops
from cxlib.journeys.pains import Pains, pains
from cxlib.journeys.pairs import GOAL, Pairs, paths
from cxlib.journeys.peaks import PeakEnd, peak_end
from cxlib.journeys.removal import removal
from cxlib.journeys.stays import Stays, stays
from cxlib.journeys.steps import counted, steps
from cxlib.journeys.transitions import flows, transitions

__all__ = [
    "Dropoff", "Experience", "Exposure", "GOAL", "Loops", "Pains", "Pairs", "PeakEnd", "Stays",
    "compare", "compare_parts", "counted", "dropoff", "effects", "experience", "exposure", "flows",
    "loops", "pains", "paths", "peak_end", "periods", "removal", "stays", "steps", "transitions",
]  # fmt: skip
