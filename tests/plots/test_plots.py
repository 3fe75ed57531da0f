"""Figures: what is drawn, what is said, what is hidden."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from io import StringIO
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
import seaborn as sns

matplotlib.use("agg")

from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, QuadMesh

from cxlib import plots
from cxlib.core import context, text
from cxlib.plots import export, fonts
from cxlib.plots.export import compact_svg
from cxlib.plots.palette import COLOURS, INK, SOFT

TWO_TABLES = {"penalty_reward", "funnel_plot", "importance_performance"}


@pytest.fixture(autouse=True)
def _closed():
    plots.use_house_style()
    yield
    plt.close("all")


@pytest.fixture
def shares() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": ["price", "speed", "staff"],
            "estimate": [0.30, 0.41, 0.29],
            "low": [0.25, 0.38, 0.20],
            "high": [0.35, 0.44, 0.38],
            "n": [400, 400, 400],
        }
    )


@pytest.fixture
def paths() -> pd.DataFrame:
    pairs = [("image", "quality"), ("image", "satisfaction"), ("quality", "satisfaction")]
    table = pd.DataFrame(pairs, columns=["cause", "effect"])
    table.insert(0, "term", table["cause"] + " → " + table["effect"])
    return table.assign(estimate=[0.5, -0.2, 0.1], low=[0.4, -0.3, -0.1], high=[0.6, -0.1, 0.3])


def labels(ax) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


def texts(ax) -> str:
    return " ".join(t.get_text() for t in ax.texts)


def test_rows_are_sorted_by_the_estimate(shares) -> None:
    assert labels(plots.intervals(shares)) == ["speed", "price", "staff"]


def test_the_title_is_computed_from_the_table(shares) -> None:
    said = "speed (41%) is clearly above price (30%)"  # staff is lower, but its interval is wide
    assert plots.intervals(shares, unit="share").get_title("left") == said


@pytest.mark.parametrize(
    ("low", "high", "reference", "said"),
    [
        ([1, 2, 3], [4, 5, 6], None, "From a (2.00) to c (4.00): the intervals overlap"),
        ([1, 2, 3], [2.5, 5, 6], None, "c (4.00) is clearly above a (2.00)"),
        ([1, 2, 4], [4, 5, 4], None, "Highest: c (4.00). Lowest: a (2.00)."),
        ([1, 3, 2], [4, 3, 6], None, "From a (2.00) to c (4.00): the intervals overlap"),
        ([np.nan] * 3, [np.nan] * 3, None, "Highest: c (4.00). Lowest: a (2.00)."),
        ([1, 2, 3], [4, 5, 6], 0, "Clearly above 0: 3 of 3; furthest: c (4.00)"),
        ([1, 2, 3], [2.5, 5, 6], 2.7, "Clearly above 2.7: 1 of 3, below: 1; furthest: c (4.00)"),
        ([1, 2, 3], [4, 5, 6], 3.5, "None of 3 is clear of 3.5"),
        ([1, 2, 4], [4, 5, 4], 0, "Clearly above 0: 3 of 3; furthest: b (3.00)"),
        ([1, 2, 3], [2.5, 3.2, 6], 3.5, "Clearly below 3.5: 2 of 3; furthest: a (2.00)"),
    ],
)
def test_a_title_says_no_more_than_the_intervals_bear(low, high, reference, said) -> None:
    table = pd.DataFrame(
        {"term": ["a", "b", "c"], "estimate": [2.0, 3.0, 4.0], "low": low, "high": high, "n": 50}
    )
    title = plots.intervals(table, reference=reference).get_title("left")
    assert title.replace("\n", " ") == said


def test_all_of_a_long_name_stands_beside_a_matrix() -> None:
    names = ["Information on screens and monitors", "Passing through security and screening"]
    ax = plots.correlation_matrix(pd.DataFrame([[1, 0.4], [0.4, 1]], index=names, columns=names))
    assert " ".join(labels(ax)).replace("\n", " ") == f"1  {names[0]} 2  {names[1]}"
    assert f"{names[0]} and {names[1]}" in ax.get_title("left").replace("\n", " ")


def test_lines_are_joined_as_the_script_asks() -> None:
    assert text.unwrap("优惠购\n买占比") == "优惠购买占比"
    assert text.unwrap("Signs and\ndirections") == "Signs and directions"
    assert text.unwrap("近 3\n个月") == "近 3个月"


def test_chinese_is_bold_without_a_bold_cut(shares, monkeypatch) -> None:
    monkeypatch.setattr(fonts, "chinese_fonts", lambda: ["Some Font"])
    context.begin(lang="zh", labels={"speed": "速度"})
    ax = plots.intervals(shares.assign(channel="x"), panel="channel", title="速度 41%")
    assert ax._left_title.get_fontweight() == "normal"
    assert f'<g style="stroke:{INK};stroke-width:256"' in export.picture(ax.figure)[0]
    monkeypatch.setattr(export, "LARGEST_SVG", 0)
    data, about = export._bundle(ax.figure)
    assert about["image/png"]["width"] == pytest.approx(100 * 5.4, rel=0.4) and data
    assert ax._left_title.get_path_effects()


def drawn(ax) -> list[list[float]]:
    """The ends of each interval that is drawn."""
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [[float(x) for x in part[:, 0]] for c in lines for part in c.get_segments()]


def test_an_interval_is_drawn_from_low_to_high(shares) -> None:
    ax = plots.intervals(shares)
    assert [0.38, 0.44] in drawn(ax)
    dots = np.ma.getdata(ax.collections[-1].get_offsets())[:, 0]
    assert sorted(dots) == sorted(shares["estimate"])


def test_a_small_cell_is_drawn_nowhere(shares) -> None:
    shares.loc[1, "n"] = 3
    ax = plots.intervals(shares, unit="share")
    assert drawn(ax) and 0.44 not in np.ravel(drawn(ax))
    assert 0.41 not in np.ma.getdata(ax.collections[-1].get_offsets())[:, 0]
    assert "41%" not in ax.figure.alt_text and "<10" in texts(ax)


def test_the_same_threshold_holds_as_on_the_page(shares) -> None:
    context.begin(smallest_cell=500)
    assert plots.intervals(shares).get_title("left") == "Too few answers to show"


def test_a_panel_is_a_block_with_its_heading(shares) -> None:
    both = pd.concat([shares.assign(channel=c) for c in ("web", "shop")])[
        ["channel", *shares.columns]
    ]
    names = labels(plots.intervals(both, panel="channel"))
    assert names == ["web", "speed", "price", "staff", "shop", "speed", "price", "staff"]


def test_groups_of_one_term_become_the_rows(shares) -> None:
    groups = shares.rename(columns={"term": "channel"})
    groups.insert(1, "term", "nps")
    assert labels(plots.grouped_intervals(groups, "channel")) == ["speed", "price", "staff"]


def test_a_column_of_any_name_may_group(shares) -> None:
    both = pd.concat([shares.assign(place=p) for p in ("west", "east")])
    ax = plots.grouped_intervals(both[["place", *shares.columns]], "place")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["west", "east"]


def test_waves_stay_in_their_order(shares) -> None:
    waves = shares.rename(columns={"term": "wave"}).assign(term="nps")
    waves = waves[["wave", "term", "estimate", "low", "high", "n"]]
    assert labels(plots.intervals(waves)) == ["price", "speed", "staff"]


def test_names_are_the_readers(shares) -> None:
    context.begin(labels={"speed": "How fast $ we are"})
    assert labels(plots.intervals(shares))[0] == r"How fast \$ we are"


def test_a_hundred_thousand_letters_do_not_break_a_figure(shares) -> None:
    shares["term"] = ["x" * 100_000, "<script>alert(1)</script>", r"$\frac{1}{"]
    assert max(map(len, labels(plots.intervals(shares)))) < 70


@pytest.mark.parametrize("draw", [plots.intervals, plots.bars, plots.trend, plots.calibration])
def test_an_unusable_table_is_refused_with_its_columns(draw) -> None:
    with pytest.raises(ValueError, match="It has: colour"):
        draw(pd.DataFrame({"colour": ["red"]}))


def test_an_empty_table_is_refused(shares) -> None:
    with pytest.raises(ValueError, match="no rows"):
        plots.intervals(shares.iloc[:0])


def test_a_trend_says_whether_the_ends_part() -> None:
    waves = pd.DataFrame({"wave": ["q1", "q2"], "term": "nps", "estimate": [10.0, 30], "n": 99})
    waves = waves.assign(low=waves["estimate"] - 5, high=waves["estimate"] + 5)
    assert plots.trend(waves, unit="points").get_title("left") == "From 10.0 (q1) to 30.0 (q2)"
    wide = waves.assign(low=waves["estimate"] - 50, high=waves["estimate"] + 50)
    assert "no clear change" in plots.trend(wide, unit="points").get_title("left")


def test_a_missing_wave_interrupts_the_line() -> None:
    waves = pd.DataFrame({"wave": ["2019", "2020", "2022", "2023"], "estimate": 1.0, "n": 99})
    ax = plots.trend(waves.assign(low=0.0, high=2.0))
    lines = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) > 1]
    assert lines == [[0, 1], [3, 4]]
    assert [t.get_text() for t in ax.get_xticklabels()][2] == "2021"
    assert "2021" not in ax.figure.alt_text


def test_every_path_carries_its_coefficient(paths) -> None:
    r2 = pd.DataFrame({"term": ["satisfaction"], "estimate": [0.61]})
    said = texts(plots.path_diagram(paths, r2))
    assert all(part in said for part in ("0.50", "−0.20", "0.10", "R² 0.61", "image"))


def test_paths_in_a_circle_are_refused(paths) -> None:
    paths.loc[0, ["cause", "effect"]] = ["satisfaction", "image"]
    with pytest.raises(ValueError, match="circle"):
        plots.path_diagram(paths)


def test_a_bar_begins_at_zero(shares) -> None:
    ax = plots.bars(shares, unit="share")
    assert ax.get_xlim()[0] == 0 and [p.get_x() for p in ax.patches] == [0, 0, 0]


def test_all_answers_to_a_question_fill_its_bar() -> None:
    table = pd.DataFrame({"term": "q", "answer": [1, 2, 3], "estimate": [0.2, 0.3, 0.5], "n": 50})
    ax = plots.answer_distribution(table)
    assert sum(p.get_width() for p in ax.patches) == pytest.approx(1)
    assert ax.get_title("left") == "q: 3 was given most, by 50%"


def test_a_matrix_names_the_closest_pair() -> None:
    names = ["speed", "price", "staff"]
    table = pd.DataFrame([[1, 0.2, 0.7], [0.2, 1, 0.1], [0.7, 0.1, 1]], names, names)
    assert (
        plots.correlation_matrix(table).get_title("left")
        == "speed and staff move together most: r 0.70"
    )
    with pytest.raises(ValueError, match="square"):
        plots.correlation_matrix(table.iloc[:2])


def test_calibration_counts_the_bins_that_hold() -> None:
    bins = pd.DataFrame(
        {
            "term": ["a", "b"],
            "estimate": [0.1, 0.5],
            "low": [0.05, 0.45],
            "high": [0.2, 0.6],
            "n": 90,
            "predicted": [0.1, 0.9],
        }
    )
    assert plots.calibration(bins).get_title("left").startswith("In 1 of 2 bins")


def test_what_matters_and_is_done_badly_comes_first(shares) -> None:
    performance = shares.assign(estimate=[3.0, 1, 4], low=0, high=5)
    assert (
        plots.importance_performance(shares, performance).get_title("left")
        == "Matters more than others and goes worse: speed"
    )


def test_the_chosen_number_is_marked() -> None:
    table = pd.DataFrame({"k": [2, 3], "estimate": [0.9, 0.8], "chosen": [False, True]})
    assert plots.model_selection(table).get_title("left") == "Chosen: 3"


def test_margins_name_the_furthest() -> None:
    table = pd.DataFrame(
        {
            "attribute": "age",
            "term": ["young", "old"],
            "estimate": [0.5, 0.5],
            "n": 99,
            "before": [0.1, 0.9],
            "target": [0.5, 0.5],
        }
    )
    assert "young, 10% of the responses" in plots.margins(table).get_title("left").replace(
        "\n", " "
    )


def test_every_figure_has_words_for_those_who_cannot_see_it(shares) -> None:
    assert "speed 41%" in plots.alt_text(plots.intervals(shares, unit="share").figure)
    figure, ax = plt.subplots()
    ax.set(title="Mine", xlabel="days")
    assert plots.alt_text(figure) == "Figure: Mine; days."


def test_the_same_figure_is_the_same_bytes(shares) -> None:
    one, two = (plots.picture(plots.intervals(shares).figure) for _ in range(2))
    assert one == two and one[1] == "image/svg+xml"


def test_outlines_are_lightened_and_look_the_same(shares) -> None:
    figure = plots.intervals(shares, title="It's “bold” & 5 < 6").figure
    heavy = StringIO()
    figure.savefig(heavy, format="svg", bbox_inches="tight", metadata={"Date": None})
    light = compact_svg(heavy.getvalue())
    assert len(light) < 0.75 * len(heavy.getvalue())
    marks = [
        [e.tag for e in ElementTree.fromstring(s).iter() if "svg" in e.tag and "meta" not in e.tag]
        for s in (heavy.getvalue(), light)
    ]
    assert marks[0] == marks[1] and len(marks[0]) > 100
    said = [re.findall("<!-- (.*?) -->", s) for s in (heavy.getvalue(), light)]
    assert said[0] == said[1] and len(said[0]) > 3
    pointed = set(re.findall('href="#([^"]*)"', light))
    assert pointed <= set(re.findall(' id="([^"]*)"', light)) and pointed


def test_a_figure_of_many_marks_becomes_pixels() -> None:
    figure, ax = plt.subplots()
    ax.plot(np.random.default_rng(1).normal(size=40_000), ",")
    ax.scatter(*np.random.default_rng(1).normal(size=(2, 5_000)))
    assert plots.picture(figure)[1] == "image/png"


def test_pixels_reach_a_notebook_as_text(monkeypatch, shares) -> None:
    monkeypatch.setattr(export, "LARGEST_SVG", 0)
    data, _ = export._bundle(plots.intervals(shares).figure)
    assert data["image/png"].startswith("iVBOR")


def test_n_is_said_once_where_it_is_the_same(shares) -> None:
    ax = plots.intervals(shares, unit="share")
    assert ax.get_xlabel() == "share · n 400" and "n 400" not in texts(ax)
    ax = plots.intervals(shares.assign(n=[1000, 2000, 3000]))
    assert all(f"n {n},000" in texts(ax) for n in (1, 2, 3))


def test_many_groups_become_tiles_with_their_intervals(shares) -> None:
    many = pd.concat([shares.assign(channel=f"c{i}", n=400 + i) for i in range(14)])
    ax = plots.intervals(many[["channel", *shares.columns]], panel="channel", unit="share")
    [tiles] = [c for c in ax.collections if isinstance(c, QuadMesh)]
    assert tiles.get_array().count() == len(drawn(ax)) == len(ax.texts) == 42
    assert len(ax.collections[-1].get_offsets()) == 42
    assert labels(ax) == ["speed", "price", "staff"] and "n 400 · 401" in ax.get_xlabel()
    assert ax.xaxis.label.get_visible()


def test_a_difference_of_shares_is_told_in_points(shares) -> None:
    ax = plots.intervals(shares, unit="share", reference=0)
    assert "percentage points" in ax.get_xlabel() and "(41.0)" in ax.get_title("left")


def test_a_label_of_two_lines_has_room(shares) -> None:
    shares["term"] = ["a long name that takes two lines at least", "short", "staff"]
    places = sorted(plots.intervals(shares).get_yticks())
    assert places[-1] - places[-2] > 1.2


def test_a_drawing_goes_where_it_is_told(shares) -> None:
    _, ax = plt.subplots()
    assert plots.intervals(shares, ax=ax) is ax


@pytest.mark.skipif(not plots.chinese_fonts(), reason="no font with Chinese characters installed")
def test_chinese_names_are_not_boxes(shares, recwarn) -> None:
    shares["term"] = ["速度", "价格", "员工"]
    plots.picture(plots.intervals(shares).figure)
    assert not [w for w in recwarn if "missing from font" in str(w.message)]


def test_a_missing_chinese_font_is_said_plainly(monkeypatch) -> None:
    monkeypatch.setattr(fonts, "chinese_fonts", list)
    context.begin(lang="zh")
    with pytest.warns(UserWarning, match="apt install"):
        plots.use_house_style()


def test_titles_break_by_their_breadth_in_either_script() -> None:
    assert text.wrap("one two three", 8) == "one two\nthree"
    assert text.wrap("最高：客房（38%）。最低", 12) == "最高：客房\n（38%）。最\n低"
    assert text.display_width("客房 A") == 6


def test_a_line_is_interrupted_where_its_number_is_hidden() -> None:
    waves = pd.DataFrame(
        {"wave": list("abcd"), "estimate": [1.0, 2, 3, 4], "low": 0.0, "high": 5.0}
    )
    ax = plots.trend(waves.assign(n=[90, 3, 90, 90]))
    assert [list(line.get_xdata()) for line in ax.lines] == [[0], [2, 3]]


def test_a_line_goes_on_where_another_is_hidden() -> None:
    waves = pd.DataFrame({"channel": list("xyxyxy"), "wave": list("aabbcc"), "term": "nps"})
    ax = plots.trend(waves.assign(estimate=[1.0, 1, 1, np.nan, 1, 1]))
    assert sorted(map(list, (line.get_xdata() for line in ax.lines))) == [[0], [0, 1, 2], [2]]


def test_the_house_style_is_a_seaborn_theme() -> None:
    assert matplotlib.rcParams["axes.edgecolor"] == SOFT
    assert sns.color_palette().as_hex()[:2] == [c.lower() for c in COLOURS[:2]]


def test_importing_figures_changes_no_setting() -> None:
    code = (
        "import matplotlib as m, matplotlib.pyplot; before = dict(m.rcParams); import cxlib.plots;"
        " print([k for k in before if before[k] != m.rcParams[k]])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", plots.__all__)
def test_a_public_function_has_an_example_and_few_arguments(name: str) -> None:
    function = getattr(plots, name)
    assert ">>> " in function.__doc__
    tables = 3 if name == "necessary_conditions" else 2 if name in TWO_TABLES else 1
    assert len(set(inspect.signature(function).parameters) - {"ax"}) <= 5 + tables


@pytest.mark.skipif(not plots.chinese_fonts(), reason="no font with Chinese characters installed")
def test_a_font_that_the_list_of_matplotlib_lacks_is_found_afresh(monkeypatch) -> None:
    """As after installing it, when the list is older than the font."""
    [name] = plots.chinese_fonts()
    listed = font_manager.fontManager.ttflist
    files = {f.fname for f in listed if f.name in fonts.CJK_FONTS}
    old = [f for f in listed if f.fname not in files]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", old)
    fonts.chinese_fonts.cache_clear()
    try:
        assert plots.chinese_fonts() == [name]
    finally:
        fonts.chinese_fonts.cache_clear()
