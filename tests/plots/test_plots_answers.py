"""Figures of findings: scores, slopes, dumbbells, waterfalls, causes, sparklines, chances."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from cxlib import plots, scores
from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.plots import figure
from cxlib.plots.palette import COLOURS, QUIET

BLUE, ORANGE = (c.lower() for c in COLOURS[:2])


@pytest.fixture(autouse=True)
def _closed():
    plots.use_house_style()
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    waves = np.repeat(["2026-Q1", "2026-Q2"], 300)
    recommend = np.where(waves == "2026-Q2", rng.integers(0, 9, 600), rng.integers(5, 11, 600))
    plan = np.where(rng.random(600) < 0.5, "A", "B")
    return pd.DataFrame({"wave": waves, "recommend": recommend.astype(float), "plan": plan})


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts]


def rows(ax) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


def test_detractors_passives_and_promoters_fill_the_bar_beside_their_nps(answers) -> None:
    table = scores.nps(Sample(answers, draws=50), by="wave").table
    ax = plots.nps_bars(table)
    widths = np.array([p.get_width() for p in ax.patches]).reshape(3, 2)
    assert_allclose(widths, table[["detractors", "passives", "promoters"]].T)
    assert rows(ax) == ["2026-Q1", "2026-Q2"]
    first, last = table["estimate"].round().astype(int)
    signs = [f"NPS {'+' if v > 0 else '−' if v else ''}{abs(v)}" for v in (first, last)]
    assert [t for t in texts(ax) if t.startswith("NPS")] == signs
    assert all(sign in ax.figure.alt_text for sign in signs)


def test_a_hidden_group_has_no_bar(answers) -> None:
    table = scores.nps(Sample(answers, draws=50), by="wave").table.assign(n=[300, 4])
    context.begin(smallest_cell=10)
    ax = plots.nps_bars(table)
    assert len(ax.patches) == 3 or not ax.patches
    assert "2026-Q2" not in ax.figure.alt_text


def two_waves() -> pd.DataFrame:
    table = pd.DataFrame({"wave": ["q1"] * 3 + ["q2"] * 3, "term": ["price", "speed", "staff"] * 2})
    table["estimate"] = [5.0, 7.0, 6.0, 5.1, 8.0, 5.0]
    return table.assign(low=table["estimate"] - 0.2, high=table["estimate"] + 0.2, n=90)


def colours(ax) -> dict[float, str]:
    """The colour of each line by its last value."""
    return {line.get_ydata()[-1]: to_hex(line.get_color()) for line in ax.lines[:3]}


@pytest.mark.slow
def test_a_slope_is_coloured_where_it_is_significant() -> None:
    ax = plots.slope(two_waves())
    assert colours(ax) == {5.1: QUIET, 8.0: BLUE, 5.0: ORANGE}
    assert {"5.00", "7.00", "8.00 speed", "5.10 price"} <= set(texts(ax))
    assert "speed 7.00 → 8.00" in ax.figure.alt_text
    changes = pd.DataFrame({"wave": "q2", "against": "q1", "term": ["price", "speed", "staff"]})
    changes = changes.assign(estimate=[0.1, 1, -1], low=[0.05, -1, -3], high=[0.2, 3, 1])
    assert colours(plots.slope(two_waves(), changes)) == {5.1: BLUE, 8.0: QUIET, 5.0: QUIET}
    assert colours(plots.slope(two_waves(), highlight=["price"])) == {
        5.1: BLUE,
        8.0: QUIET,
        5.0: QUIET,
    }


@pytest.mark.slow
def test_of_many_slopes_those_in_colour_are_named_or_those_that_moved_most() -> None:
    waves = [
        pd.DataFrame({"wave": wave, "term": [f"q{k:02}" for k in range(22)], "n": 90}).assign(
            estimate=[5 + k / 10 + by * k / 100 for k in range(22)]
        )
        for wave, by in (("q1", 0), ("q2", 1))
    ]
    both = pd.concat(waves, ignore_index=True)
    both = both.assign(low=both["estimate"] - 1, high=both["estimate"] + 1)

    def named(ax) -> set[str]:
        return {t.split()[-1] for t in texts(ax) if " q" in t}

    assert named(plots.slope(both)) == {f"q{k}" for k in range(12, 22)}
    ax = plots.slope(both, highlight=["q00"])
    assert named(ax) == {"q00"} and len(ax.lines) >= 22


def test_a_waterfall_writes_all_its_shares_with_the_same_decimals() -> None:
    parts = pd.DataFrame({"term": ["mix", "rate"], "estimate": [-0.005, -0.013], "n": 90})
    ax = plots.waterfall(parts, before=0.823, unit="share")
    assert texts(ax) == ["−0.5 pp", "−1.3 pp", "82.3%", "80.5%"]  # a change of shares: points


def test_a_waterfall_of_large_changes_of_a_share_writes_their_decimals_too() -> None:
    parts = pd.DataFrame({"term": ["mix", "rate"], "estimate": [0.013, 0.016], "n": 90})
    ax = plots.waterfall(parts, before=0.773, unit="share")
    assert texts(ax) == ["+1.3 pp", "+1.6 pp", "77%", "80%"]


@pytest.mark.slow
def test_a_slope_takes_the_last_two_waves_and_one_score(answers) -> None:
    sample = Sample(answers, draws=50)
    trend = scores.trend(sample).table
    older = pd.concat([trend.iloc[:1].assign(wave="2025-Q4"), trend])
    ax = plots.slope(older, scores.compare(sample, by="wave", against="previous").table)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2026-Q1", "2026-Q2"]
    assert to_hex(ax.lines[0].get_color()) == ORANGE


def test_labels_are_moved_apart_and_no_higher_than_allowed() -> None:
    assert figure.spread([1.0, 1.2, 1.1], [1, 1, 1]) == [1.0, 3.0, 2.0]
    assert figure.spread([9.0, 9.5], [1, 1], most=9.6) == pytest.approx([8.6, 9.6])


def test_a_dumbbell_joins_two_dots_and_begins_with_the_largest_difference() -> None:
    ax = plots.dumbbell(two_waves().rename(columns={"wave": "when"}), "when")
    assert rows(ax)[-1] == "price" and set(rows(ax)[:2]) == {"speed", "staff"}
    with pytest.raises(ValueError, match="has 3 values"):
        plots.dumbbell(two_waves(), "term")


@pytest.mark.slow
def test_a_waterfall_leads_from_before_to_now(answers) -> None:
    sample = Sample(answers, draws=50)
    fit = scores.decompose_change(sample, by="plan")
    before, now = scores.nps(sample, by="wave").table["estimate"]
    ax = plots.waterfall(fit.table, before=before, ends=("2026-Q1", "2026-Q2"))
    steps = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    assert steps[0][0] == pytest.approx(before) and steps[-1][1] == pytest.approx(now)
    assert rows(ax) == ["2026-Q1", "mix", "rate", "2026-Q2"]
    groups = plots.waterfall(fit.groups, before=before)
    assert len(rows(groups)) == 6 and rows(groups)[1] == "A: mix"
    assert sum(p.get_width() for p in groups.patches) == pytest.approx(now - before)


def test_a_pareto_chart_counts_all_causes_and_colours_the_first_eighty_percent() -> None:
    table = pd.DataFrame({"term": list("abcdef"), "estimate": [10.0, 40, 5, 25, 15, 5]})
    ax = plots.pareto(table, most=4)
    assert rows(ax) == ["b", "d", "e", "a"]
    assert [t for t in texts(ax) if t.endswith("%")][:4] == ["40%", "65%", "80%", "90%"]
    assert [p.get_width() for p in ax.patches if to_hex(p.get_facecolor()) == BLUE] == [40, 25, 15]


def test_a_sparkline_is_small_marks_its_last_point_and_is_read_aloud(answers) -> None:
    table = pd.DataFrame({"estimate": [10.0, 20, 30], "low": [5.0, 15, 25], "high": [15.0, 25, 35]})
    svg = plots.sparkline(table.assign(n=90), unit="points")
    root = ElementTree.fromstring(svg)
    tags = [e.tag.rpartition("}")[2] for e in root]
    assert tags == ["rect", "path", "circle"] and len(svg) < 900
    assert root.get("aria-label") == "From 10.0 to 30.0 in 3 waves."
    dot, bar = root[2], root[0]
    assert float(dot.get("cx")) == 116 and float(bar.get("x")) == 60
    assert "var(--c0,#0072b2)" in svg
    hidden = plots.sparkline(table.assign(n=[90, 90, 3]))
    assert "circle" not in hidden
    assert plots.sparkline(table.assign(estimate=np.nan, low=np.nan, high=np.nan)) == ""
    gap = plots.sparkline(pd.Series([1.0, np.nan, 2.0, 3.0]))
    assert re.search(r'd="M[\d.]+ [\d.]+M[\d.]+ [\d.]+L', gap)


@pytest.mark.slow
def test_each_dot_is_the_same_chance() -> None:
    draws = pd.Series(np.linspace(-25, 75, 1001), name="gain")
    ax = plots.quantile_dots(draws, reference=0, unit="EUR")
    dots = {to_hex(c.get_facecolor()[0]): len(c.get_offsets()) for c in ax.collections}
    assert dots == {BLUE: 15, QUIET: 5}
    two = plots.quantile_dots(pd.DataFrame({"a": draws, "b": draws * 2}))
    assert rows(two) == ["a", "b"] and sum(len(c.get_offsets()) for c in two.collections) == 40


@pytest.mark.slow
def test_quadrants_are_named_and_what_to_improve_first_has_the_colour() -> None:
    importance = pd.DataFrame({"term": ["price", "speed", "staff"], "estimate": [0.6, 0.4, 0.1]})
    performance = pd.DataFrame({"term": ["price", "speed", "staff"], "estimate": [2.0, 4.0, 3.5]})
    ax = plots.importance_performance(importance, performance)
    assert {"Weakness", "Strength", "Low priority", "Maintain"} <= set(texts(ax))
    assert "Weaknesses: price." in ax.figure.alt_text
    faces = [to_hex(c) for c in ax.collections[-1].get_facecolors()]
    dots = next(c for c in ax.collections if len(c.get_offsets()) == 3)
    assert [to_hex(c) == ORANGE for c in dots.get_facecolors()] == [True, False, False], faces
    # One that is there only with a wave that is over is named with it, and not set off.
    past = plots.importance_performance(importance, performance, past={"price": "Q1"})
    assert "price (fall of Q1)" in [t.replace("\n", " ") for t in texts(past)]
    assert "Weaknesses" not in past.figure.alt_text


@pytest.mark.slow
def test_names_of_close_points_do_not_cover_each_other() -> None:
    rng = np.random.default_rng(1)
    names = [f"driver number {k}" for k in range(9)]
    importance = pd.DataFrame({"term": names, "estimate": 0.1 + 0.02 * rng.random(9)})
    performance = pd.DataFrame({"term": names, "estimate": 7 + 0.05 * rng.random(9)})
    ax = plots.importance_performance(importance, performance)
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text().startswith("driver")]
    pairs = [(a, b) for k, a in enumerate(boxes) for b in boxes[:k]]
    assert len(boxes) == 9 and sum(a.overlaps(b) for a, b in pairs) <= 1


@pytest.mark.slow
def test_names_of_points_keep_off_the_words_in_the_corners() -> None:
    importance = pd.DataFrame({"term": ["a", "the way around here"], "estimate": [0.6, 0.1]})
    performance = pd.DataFrame({"term": ["a", "the way around here"], "estimate": [2.0, 4.0]})
    ax = plots.importance_performance(importance, performance)
    boxes = {t.get_text(): t.get_window_extent() for t in ax.texts}
    assert not boxes["the way around here"].overlaps(boxes["Maintain"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nps_bars", "slope", "dumbbell", "waterfall", "pareto", "dots"])
def test_figures_of_findings_have_a_form_for_phones_and_values_on_hover(name, answers) -> None:
    sample = Sample(answers, draws=50)
    draw = {
        "nps_bars": lambda: plots.nps_bars(scores.nps(sample, by="wave").table),
        "slope": lambda: plots.slope(two_waves()),
        "dumbbell": lambda: plots.dumbbell(two_waves(), "wave"),
        "waterfall": lambda: plots.waterfall(scores.decompose_change(sample, by="plan").table),
        "pareto": lambda: plots.pareto(two_waves().head(3)),
        "dots": lambda: plots.quantile_dots(pd.Series(np.arange(50.0)), reference=10),
    }[name]
    ax = draw()
    small, wide = plots.narrow_picture(ax.figure), plots.picture(ax.figure)[0]
    for svg, inches in ((small, 3.4), (wide, 6.9)):
        assert float(re.search(r'width="([\d.]+)pt"', svg)[1]) == pytest.approx(72 * inches, abs=12)
        assert min(map(float, re.findall(r"font-size:([\d.]+)px", svg))) >= 8.25
    assert wide.count("<title>") >= 2 and ax.figure.alt_text


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hover_words_reach_every_mark_they_were_made_for(answers, lang) -> None:
    context.begin(lang=lang)
    fit = scores.trend(Sample(answers, draws=50))
    for ax in (plots.trend(fit.table), plots.control_chart(fit.limits), plots.slope(two_waves())):
        words = [w for kept in ax.figure.hover.values() for w in kept]
        assert plots.picture(ax.figure)[0].count("<title>") == len(words) > 0
