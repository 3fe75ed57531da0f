"""Tables drawn: one style, intervals everywhere, a title that says what was found.

    plots.use_house_style()                            # once, at the top of a notebook
    plots.intervals(fit.table, unit="share")           # a dot, its interval, n at the right
    plots.intervals(by_channel.table, panel="channel")
    plots.trend(waves.table)                           # a line with its band
    plots.paths(fit.paths, fit.r2)                     # the path model as people draw it

Every function takes a tidy table (groups, term, estimate, low, high, n) and gives back the Axes;
pass `ax` to draw into your own. Small cells are hidden here too. Each figure carries `alt_text`,
which the page reads out to those who cannot see it. Nothing is computed but the title.
"""

from __future__ import annotations

from cxlib.plots.changes import event_study, power, stand_in
from cxlib.plots.charts import control, signals
from cxlib.plots.curves import beside, incidence, profit, survival, uplift
from cxlib.plots.funnels import funnel
from cxlib.plots.groups import by_group, crossings, found_again
from cxlib.plots.journeys import experience_map, flow, follows
from cxlib.plots.levers import ahead, ceilings, contrast, ranks
from cxlib.plots.model import paths
from cxlib.plots.planes import calibration, choice, matrix, priorities, trend
from cxlib.plots.rows import answers, bars, intervals, margins
from cxlib.plots.style import alt_text, chinese_fonts, picture, use_house_style
from cxlib.plots.tiles import tiles
from cxlib.plots.triangle import balance, cohorts, comeback, retention

__all__ = [
    "ahead", "alt_text", "answers", "balance", "bars", "beside", "by_group", "calibration",
    "ceilings", "chinese_fonts", "choice", "cohorts", "comeback", "contrast", "control",
    "crossings", "event_study", "experience_map", "flow", "follows", "found_again", "funnel",
    "incidence", "intervals", "margins", "matrix", "paths", "picture", "power", "priorities",
    "profit", "ranks", "retention", "signals", "stand_in", "survival", "tiles", "trend", "uplift",
    "use_house_style",
]  # fmt: skip
