"""Tables drawn: one style, intervals everywhere, a title that says what was found.

    show.use_house_style()                            # once, at the top of a notebook
    show.intervals(fit.table, unit="share")           # a dot, its interval, n at the right
    show.intervals(by_channel.table, panel="channel")
    show.trend(waves.table)                           # a line with its band
    show.paths(fit.paths, fit.r2)                     # the path model as people draw it

Every function takes a tidy table (groups, term, estimate, low, high, n) and gives back the Axes;
pass `ax` to draw into your own. Small cells are hidden here too. Each figure carries `alt_text`,
which the page reads out to those who cannot see it. Nothing is computed but the title.
"""

from __future__ import annotations

from cxlib.show.changes import event_study, power, stand_in
from cxlib.show.charts import control, signals
from cxlib.show.curves import beside, incidence, profit, survival, uplift
from cxlib.show.funnels import funnel
from cxlib.show.groups import by_group, crossings, found_again
from cxlib.show.journeys import experience_map, flow, follows
from cxlib.show.levers import ahead, ceilings, contrast, ranks
from cxlib.show.model import paths
from cxlib.show.planes import calibration, choice, matrix, priorities, trend
from cxlib.show.rows import answers, bars, intervals, margins
from cxlib.show.style import alt_text, chinese_fonts, picture, use_house_style
from cxlib.show.tiles import tiles
from cxlib.show.triangle import balance, cohorts, comeback, retention

__all__ = [
    "ahead", "alt_text", "answers", "balance", "bars", "beside", "by_group", "calibration",
    "ceilings", "chinese_fonts", "choice", "cohorts", "comeback", "contrast", "control",
    "crossings", "event_study", "experience_map", "flow", "follows", "found_again", "funnel",
    "incidence", "intervals", "margins", "matrix", "paths", "picture", "power", "priorities",
    "profit", "ranks", "retention", "signals", "stand_in", "survival", "tiles", "trend", "uplift",
    "use_house_style",
]  # fmt: skip
