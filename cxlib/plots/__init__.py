"""Figures of tidy tables, drawn by seaborn: intervals everywhere, values on hover.

    plots.use_house_style()                            # once, at the top of a notebook
    plots.intervals(fit.table, unit="share")           # a dot, its interval, n at the right
    plots.intervals(by_channel.table, panel="channel")
    plots.trend(waves.table)                           # a line with its band
    plots.path_diagram(fit.paths, fit.r2)

Every function takes a tidy table (groups, term, estimate, low, high, n) and gives back the Axes;
pass `ax` to draw into your own. A figure has no title of its own, as the page prints the claim of
its cell above it; `title` sets one, a finding of at most 15 words. Small cells are hidden here too.
Each figure carries `alt_text`, which the page reads out to those who cannot see it, and a form for
phones (`narrow_picture`) where it has one. Nothing is computed here.
"""

from __future__ import annotations

from cxlib.plots.bars import answer_distribution, bars, penalty_reward
from cxlib.plots.cohorts import cohorts, retention
from cxlib.plots.comparisons import dumbbell, slope
from cxlib.plots.contributions import pareto, waterfall
from cxlib.plots.control_charts import control_chart, signals
from cxlib.plots.distributions import quantile_dots
from cxlib.plots.event_study import event_study, power, synthetic_control
from cxlib.plots.export import alt_text, narrow_picture, picture
from cxlib.plots.fonts import chinese_fonts
from cxlib.plots.funnel import funnel_plot
from cxlib.plots.heatmaps import (
    correlation_matrix,
    crosstab,
    rank_probabilities,
    tile_map,
    transitions,
    verdicts,
)
from cxlib.plots.importance_performance import importance_performance
from cxlib.plots.intervals import (
    balance,
    benchmark,
    caterpillar,
    grouped_intervals,
    intervals,
    margins,
    rank_intervals,
    small_multiples,
    stability,
)
from cxlib.plots.journeys import experience_map, sankey
from cxlib.plots.model_checks import calibration, model_selection
from cxlib.plots.necessary_conditions import necessary_conditions
from cxlib.plots.paths import path_diagram
from cxlib.plots.score_bars import nps_bars
from cxlib.plots.sparklines import sparkline
from cxlib.plots.survival import incidence, repeat_purchase, survival
from cxlib.plots.targeting import profit, uplift
from cxlib.plots.theme import use_house_style
from cxlib.plots.tipping_points import tipping_point
from cxlib.plots.trends import forecast, trend

__all__ = [
    "alt_text",
    "answer_distribution",
    "balance",
    "bars",
    "benchmark",
    "calibration",
    "caterpillar",
    "chinese_fonts",
    "cohorts",
    "control_chart",
    "correlation_matrix",
    "crosstab",
    "dumbbell",
    "event_study",
    "experience_map",
    "forecast",
    "funnel_plot",
    "grouped_intervals",
    "importance_performance",
    "incidence",
    "intervals",
    "margins",
    "model_selection",
    "narrow_picture",
    "necessary_conditions",
    "nps_bars",
    "pareto",
    "path_diagram",
    "penalty_reward",
    "picture",
    "power",
    "profit",
    "quantile_dots",
    "rank_intervals",
    "rank_probabilities",
    "repeat_purchase",
    "retention",
    "sankey",
    "signals",
    "slope",
    "small_multiples",
    "sparkline",
    "stability",
    "survival",
    "synthetic_control",
    "tile_map",
    "tipping_point",
    "transitions",
    "trend",
    "uplift",
    "use_house_style",
    "verdicts",
    "waterfall",
]
