"""A figure is the same, to the last coordinate, whatever the numbers of its hidden rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxlib import plots
from cxlib.core import context
from cxlib.privacy import disclosure

PLACES = {"n", "people", "time", "step", "k", "contacted", "treated", "difference"}
PLACES |= {"changed", "baseline", "share", "waves"}  # what was planned, not what was found
TERMS = ["price", "speed", "staff", "islet"]
WAVES = ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
Draw = Callable[[pd.DataFrame], Axes]


def four(names: str = "term", few: int = 3, **columns: object) -> pd.DataFrame:
    """Four rows, of which one has four people; its values are the smallest and largest of all."""
    values = {"estimate": [0.30, 0.41, 0.29, 0.35], "low": [0.25, 0.38, 0.20, 0.3]}
    values |= {"high": [0.35, 0.44, 0.38, 0.4], "n": [400, 380, 420, 450]}
    own = WAVES if names == "wave" else TERMS
    table = pd.DataFrame({names: own} | values | columns)
    table.loc[few, "n"] = 4
    return table


def other_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all numbers of its hidden rows changed; what hides them is as it was."""
    why = disclosure.hidden(table)
    gone = (why != "").to_numpy()
    assert gone.any() and not gone.all()
    changed = table.copy()
    for column in changed.select_dtypes(include=["number", "bool"]).columns:
        if column in PLACES:
            continue
        if pd.api.types.is_bool_dtype(changed[column]):
            changed.loc[gone, column] = ~changed.loc[gone, column]
        else:
            moved = changed[column].astype(float)
            changed[column] = moved.mask(gone, moved * 3.7 - 1.3)
    for column in changed.columns.intersection(disclosure.JUDGED):
        changed.loc[gone, column] = "very low" if "very low" in set(table[column]) else "better"
    changed["n"] = changed["n"].mask(why == disclosure.SMALL, 6)
    assert disclosure.hidden(changed).equals(why)
    return changed


def crossed(one: str, other: str, groups: list[str], terms: list[str]) -> pd.DataFrame:
    pairs = [(g, t) for g in groups for t in terms]
    rows = pd.DataFrame(pairs, columns=[one, other])
    estimate = np.linspace(0.1, 0.7, len(rows))
    rows = rows.assign(estimate=estimate, low=estimate - 0.05, high=estimate + 0.05)
    return rows.assign(n=np.where(rows[one] == groups[-1], 4, 300 + np.arange(len(rows))))


REGIONS = crossed("region", "term", ["east", "west", "north", "islet"], ["price", "speed"])
BY_WAVE = crossed("region", "wave", ["east", "west", "north", "islet"], WAVES)
CURVES = crossed("region", "time", ["east", "west", "north", "islet"], [1.0, 2.0, 3.0])
PAIR = crossed("plan", "term", ["basic", "plus"], ["price", "speed", "staff"]).assign(
    n=[400, 380, 4, 300, 310, 320]
)
SIGNAL = ["", "very low", "high", "very high"]
LIMITS = pd.DataFrame(
    {
        "n": [4, 50, 500],
        "estimate": 0.5,
        "low": 0.4,
        "high": 0.6,
        "outer_low": 0.3,
        "outer_high": 0.7,
    }
)
JUDGED = REGIONS.assign(verdict=["better", "", "worse", "", "better", "worse", "worse", "better"])
CLASSES = pd.DataFrame(
    {
        "term": TERMS,
        "size": [1.6, 1.1, 0.9, 0.5],
        "class": ["must-be", "performance", "must-be", "attractive"],
    }
)
EFFECTS = crossed("effect", "term", ["penalty", "reward"], TERMS).assign(
    n=[400, 380, 420, 4, 410, 390, 400, 4]
)
CORNERS = pd.DataFrame({"term": np.repeat(TERMS, 2), "x": [1, 2] * 4, "y": [3, 5] * 4})
CELLS = CORNERS.assign(n=40)

CASES: dict[str, tuple[pd.DataFrame, Draw]] = {
    "intervals": (four(), lambda t: plots.intervals(t, unit="share", reference=0.3)),
    "intervals by group": (REGIONS, lambda t: plots.intervals(t, panel="region")),
    "grouped": (REGIONS, lambda t: plots.grouped_intervals(t, "region")),
    "caterpillar": (
        four("shop", observed=[0.2, 0.5, 0.3, 0.9]),
        lambda t: plots.caterpillar(t, reference=0.3),
    ),
    "benchmark": (
        four(quoted=[0.2, 0.5, 0.3, 0.9]),
        lambda t: plots.benchmark(t, "quoted", unit="share"),
    ),
    "bars": (four(), lambda t: plots.bars(t, unit="share")),
    "nps": (
        four(detractors=[0.2, 0.3, 0.4, 0.3], passives=[0.3] * 4, promoters=[0.5, 0.4, 0.3, 0.4]),
        plots.nps_bars,
    ),
    "answers": (
        crossed("term", "answer", TERMS, [1, 2, 3]).assign(
            estimate=[0.2, 0.3, 0.5] * 4, n=[400] * 9 + [4] * 3
        )[["term", "answer", "estimate", "n"]],
        plots.answer_distribution,
    ),
    "trend": (four("wave"), plots.trend),
    "trends": (BY_WAVE, plots.trend),
    "retention": (four(after=["1", "2", "3", "4"]), plots.retention),
    "cohorts": (
        crossed("cohort", "after", ["c1", "c2", "c3"], ["1", "2", "3"]),
        plots.cohorts,
    ),
    "slope": (BY_WAVE[BY_WAVE["wave"] > WAVES[1]], plots.slope),
    "dumbbell": (PAIR, lambda t: plots.dumbbell(t, "plan")),
    "tiles": (REGIONS, lambda t: plots.tile_map(t, "region", unit="share")),
    "verdicts": (JUDGED, lambda t: plots.verdicts(t, "region")),
    "crosstab": (REGIONS, plots.crosstab),
    "transitions": (REGIONS.rename(columns={"region": "before"}), plots.transitions),
    "survival": (CURVES, lambda t: plots.survival(t, by="region")),
    "incidence": (CURVES, lambda t: plots.incidence(t, by="region")),
    "bought again": (CURVES, lambda t: plots.repeat_purchase(t, by="region")),
    "margins": (
        four(before=[0.2, 0.4, 0.3, 0.1], target=[0.3, 0.3, 0.3, 0.1]).assign(attribute="region")[
            ["attribute", "term", "estimate", "before", "target", "low", "high", "n"]
        ],
        plots.margins,
    ),
    "balance": (
        crossed("term", "when", TERMS, ["before", "after"]),
        plots.balance,
    ),
    "ranks": (
        four(rank_low=[1, 1, 2, 3], rank_high=[2, 2, 4, 4], top=[True, True, False, True]),
        plots.rank_intervals,
    ),
    "stability": (
        four(jaccard=[0.9, 0.8, 0.7, 0.6], verdict=["report", "report", "pattern", "pattern"]),
        plots.stability,
    ),
    "small multiples": (
        crossed("segment", "term", ["one", "two", "three", "islet"], ["spend", "visits"]).assign(
            overall=0.4, share=False
        ),
        plots.small_multiples,
    ),
    "control chart": (
        four(
            "wave",
            1,
            centre=0.3,
            signal=["", "above", "", "below"],
            baseline=[True, True, False, False],
        ),
        plots.control_chart,
    ),
    "signals": (
        BY_WAVE.assign(signal=["", "above", "", "below"] * 4, term="nps"),
        lambda t: plots.signals(t, by="region"),
    ),
    "waterfall": (four(), lambda t: plots.waterfall(t, before=20.0)),
    "pareto": (four(), plots.pareto),
    "funnel": (
        four(signal=SIGNAL),
        lambda t: plots.funnel_plot(t, LIMITS),
    ),
    "event study": (four("wave", 1, changed=[False, False, True, True]), plots.event_study),
    "synthetic control": (
        crossed("of", "wave", ["treated", "synthetic"], WAVES).assign(
            changed=[False, False, True, True] * 2, n=[400, 4, 410, 420] * 2
        ),
        plots.synthetic_control,
    ),
    "forecast": (
        four("wave", 1),
        lambda t: plots.forecast(t, t.tail(1).assign(wave="2027-Q1")),
    ),
    "importance": (
        four(),
        lambda t: plots.importance_performance(t, t.assign(estimate=t["estimate"] * 9)),
    ),
    "importance with index": (
        four(
            index=[50.0, 60.0, 70.0, 80.0],
            index_low=[45.0, 55.0, 65.0, 75.0],
            index_high=[55.0, 65.0, 75.0, 85.0],
        ),
        plots.importance_performance,
    ),
    "penalties": (EFFECTS, lambda t: plots.penalty_reward(t, CLASSES)),
    "penalties' classes": (
        EFFECTS,
        lambda t: plots.penalty_reward(
            t, CLASSES.assign(size=t.groupby("term", sort=False)["estimate"].sum().to_numpy())
        ),
    ),
    "necessary": (
        four(necessary=[True, True, False, True]),
        lambda t: plots.necessary_conditions(
            t, CORNERS.assign(y=CORNERS["y"] * (1 + np.repeat(t["estimate"].to_numpy(), 2))), CELLS
        ),
    ),
    "calibration": (
        four("bin", predicted=[0.1, 0.3, 0.5, 0.7]),
        plots.calibration,
    ),
    "experience map": (
        crossed("touchpoint", "term", TERMS, ["satisfaction", "contacts"]).assign(stage="action"),
        plots.experience_map,
    ),
    "sankey": (
        pd.DataFrame(
            {
                "step": [1, 2, 2, 2, 2],
                "before": ["begins", *["web"] * 4],
                "term": ["web", "shop", "app", "islet", "ends"],
                "estimate": [1.0, 0.5, 0.2, 0.1, 0.1],
                "n": [400, 200, 80, 4, 80],
            }
        ),
        plots.sankey,
    ),
    "paths": (
        pd.DataFrame(
            {
                "cause": ["image", "image", "quality"],
                "effect": ["quality", "satisfaction", "satisfaction"],
            }
        ).assign(
            term=list("abc"),
            estimate=[0.5, -0.2, 0.1],
            low=[0.4, -0.3, -0.1],
            high=[0.6, -0.1, 0.3],
            n=[400, 380, 4],
        ),
        plots.path_diagram,
    ),
    "profit": (
        crossed("term", "contacted", ["by risk", "islet"], [10, 20]).assign(n=[400, 380, 4, 4]),
        plots.profit,
    ),
    "uplift": (
        crossed("term", "treated", ["by risk", "islet"], [0.5, 1.0]).assign(n=[400, 380, 4, 4]),
        plots.uplift,
    ),
    "tipping point": (
        four("difference", 1).assign(difference=[-10.0, -5.0, 5.0, 10.0]),
        plots.tipping_point,
    ),
    "power": (four("waves", n=[400, 380, 420, 450]).assign(waves=1), plots.power),
}


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    plots.use_house_style()
    context.begin(smallest_cell=10)
    yield
    plt.close("all")


def both(name: str) -> list[Figure]:
    """The figure of a case, and that of the same table with other numbers in its hidden rows."""
    table, draw = CASES[name]
    return [draw(t).figure for t in (table, other_numbers(table))]


# Drawn by the functions of other cases.
ALIKE = {"incidence", "bought again", "retention", "importance with index", "penalties' classes"}
ALIKE |= {"synthetic control", "trends", "grouped", "intervals by group", "margins", "calibration"}
EACH = [pytest.param(n, marks=[pytest.mark.thorough] if n in ALIKE else []) for n in CASES]


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_a_figure_says_nothing_of_its_hidden_rows(name: str) -> None:
    figures = both(name)
    for figure in figures:
        figure.fitted = None  # the width that labels leave takes the most time, and tells no more
    one, other = ((plots.picture(f), plots.alt_text(f)) for f in figures)
    assert one == other


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_nor_does_its_form_for_a_phone(name: str) -> None:
    one, other = map(plots.narrow_picture, both(name))
    assert one == other
