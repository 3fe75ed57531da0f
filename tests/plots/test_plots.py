"""Figures: what is drawn, what is said, what is hidden."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
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
from cxlib.plots.palette import COLOURS, QUIET, SOFT, VARIABLES
from cxlib.plots.svg import without_variables

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


@pytest.mark.parametrize("draw", [plots.intervals, plots.bars])
def test_a_figure_of_the_first_rows_says_how_many_there_are(shares, draw) -> None:
    ax = draw(shares, unit="share", sort=False, first=2)
    assert labels(ax) == [*shares["term"][:2]]
    assert ax.get_xlabel().endswith("first 2 of 3 rows")
    assert "(first 2 of 3 rows)" in ax.figure.alt_text
    assert "rows" not in draw(shares, unit="share", first=3).get_xlabel()


@pytest.mark.slow
def test_a_figure_has_no_title_but_the_one_it_is_given(shares) -> None:
    assert plots.intervals(shares, unit="share").get_title("left") == ""
    given = plots.intervals(shares, title="Speed leads by ten points")
    assert given.get_title("left") == "Speed leads by ten points"
    assert given.figure.alt_text.startswith("Speed leads by ten points Dots")


def colours(ax) -> list[str]:
    """The colour of each interval that is drawn."""
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [matplotlib.colors.to_hex(c) for part in lines for c in part.get_colors()]


@pytest.mark.slow
def test_colour_is_for_intervals_that_exclude_the_reference(shares) -> None:
    blue, grey = COLOURS[0].lower(), QUIET
    assert colours(plots.intervals(shares, reference=0.36, sort=False)) == [blue, blue, grey]
    assert set(colours(plots.intervals(shares))) == {blue}
    some = plots.intervals(shares, reference=0.36, sort=False, highlight=["staff"])
    assert colours(some) == [grey, grey, blue]
    bars = plots.bars(shares, sort=False, highlight=["price"])
    faces = {matplotlib.colors.to_hex(p.get_facecolor()): p.get_width() for p in bars.patches}
    assert faces[blue] == 0.30 and faces[grey] in (0.41, 0.29)


@pytest.mark.slow
def test_all_of_a_long_name_stands_beside_a_matrix() -> None:
    names = ["Information on screens and monitors", "Passing through security and screening"]
    ax = plots.correlation_matrix(pd.DataFrame([[1, 0.4], [0.4, 1]], index=names, columns=names))
    assert " ".join(labels(ax)).replace("\n", " ") == f"{names[0]} {names[1]}"
    assert all(name in ax.figure.alt_text for name in names)
    above = [note.get_text().replace("\n", " ") for note in ax.texts]
    assert names[0] in above and not any("…" in name for name in above)


def test_lines_are_joined_as_the_script_asks() -> None:
    assert text.unwrap("优惠购\n买占比") == "优惠购买占比"
    assert text.unwrap("Signs and\ndirections") == "Signs and directions"
    assert text.unwrap("近 3\n个月") == "近 3个月"


def svg_of(ax) -> str:
    return str(plots.picture(ax.figure)[0])


@pytest.mark.slow
def test_text_of_a_figure_is_text_for_the_readers_own_fonts(shares) -> None:
    context.begin(lang="zh", labels={"speed": "速度"})
    svg = svg_of(plots.intervals(shares.assign(channel="x"), panel="channel", title="速度 41%"))
    assert ">速度<" in svg and ">速度 41%<" in svg and "font-weight:700" in svg
    assert "PingFang SC" in svg and "Microsoft YaHei" in svg and "DejaVu" not in svg


@pytest.mark.slow
def test_chinese_needs_no_font_to_be_measured(shares, monkeypatch, recwarn) -> None:
    monkeypatch.setattr(fonts, "chinese_fonts", list)
    plots.use_house_style()
    ax = plots.intervals(shares.assign(term=["价格", "速度速度速度速度", "员工"]))
    ax.figure.draw_without_rendering()
    inch = 72 / ax.figure.dpi
    widths = [t.get_window_extent().width * inch / t.get_fontsize() for t in ax.get_yticklabels()]
    assert widths[:2] == pytest.approx([8, 2], rel=0.05)
    assert "速度速度速度速度" in svg_of(ax)
    assert not [w for w in recwarn if "Glyph" in str(w.message) or "font" in str(w.message)]


@pytest.mark.slow
def test_an_svg_holds_for_the_page_around_it_neither_styles_nor_ids(shares) -> None:
    one = svg_of(plots.intervals(shares))
    two = svg_of(plots.intervals(shares.assign(estimate=shares["estimate"] / 2, low=0.1)))
    for banned in ("<style", "<script", "<metadata", "<!", "font-family:"):
        assert banned not in one, banned
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (one, two)]
    assert ids[0] and not ids[0] & ids[1]
    pointed = set(re.findall(r'(?:href="#|url\(#)([^")]*)', one))
    assert pointed == ids[0]


@pytest.mark.slow
def test_a_figure_is_the_same_svg_whatever_the_last_bit_of_its_numbers(shares) -> None:
    numbers = ["estimate", "low", "high"]
    other = shares.assign(**{c: shares[c] + 1e-9 for c in numbers})  # as more threads may add up
    assert svg_of(plots.intervals(shares)) == svg_of(plots.intervals(other))


@pytest.mark.slow
def test_colours_are_variables_with_the_house_colours_behind_them(shares) -> None:
    svg = svg_of(plots.intervals(shares, reference=0.36))
    assert "var(--c0,#0072b2)" in svg and "var(--paper,#ffffff)" in svg
    plain = {h for h in VARIABLES if re.search(rf"(?<!,){h}", svg)}
    assert not plain
    root = ElementTree.fromstring(svg)
    covers = [e for e in root.iter() if "fill:var(--paper" in e.get("style", "")]
    assert not [e for e in covers if e.tag.endswith(("rect", "path"))], "a background"
    assert "var(" not in without_variables(svg) and "#0072b2" in without_variables(svg)


@pytest.mark.slow
def test_a_mark_says_its_numbers_on_hover(shares) -> None:
    svg = svg_of(plots.intervals(shares, unit="share"))
    said = "speed: 41%; 95% CI 38% to 44%; n = 400"
    assert svg.count(f"<title>{said}</title>") == 2  # the dot and its interval
    shares.loc[0, "n"] = 3
    assert "price: " not in svg_of(plots.intervals(shares, unit="share"))
    shares.loc[0, "n"] = 400
    waves = shares.rename(columns={"term": "wave"}).assign(wave=["q1", "q2", "q3"])
    assert "<title>q2: 41%; 95% CI 38%" in svg_of(plots.trend(waves, unit="share"))
    assert "<title>speed: 41%;" in svg_of(plots.bars(shares, unit="share"))


@pytest.mark.slow
def test_lines_of_a_text_keep_to_their_side_in_any_font(shares) -> None:
    shares["term"] = ["a long name that takes two lines at least", "speed", "staff"]
    root = ElementTree.fromstring(svg_of(plots.intervals(shares)))
    lines = [e for e in root.iter() if e.tag.endswith("text") and "long name" in (e.text or "")]
    lines += [e for e in root.iter() if e.tag.endswith("text") and "two lines" in (e.text or "")]
    assert all("text-anchor:end" in e.get("style") for e in lines) and len(lines) == 2
    assert float(lines[0].get("x")) == pytest.approx(float(lines[1].get("x")), abs=0.6)


def sizes(svg: str) -> tuple[float, list[float]]:
    """Width of a figure, and the sizes of its letters, in points."""
    letters = re.findall(r"font-size:([\d.]+)px", svg)
    return float(re.search(r'width="([\d.]+)pt"', svg)[1]), list(map(float, letters))


@pytest.mark.slow
def test_a_phone_gets_its_own_figure_with_labels_above_the_marks(shares) -> None:
    ax = plots.intervals(shares.assign(term=["a rather long name of a driver", "speed", "staff"]))
    before = plt.get_fignums()
    small = plots.narrow_picture(ax.figure)
    assert plt.get_fignums() == before
    width, letters = sizes(small)
    assert width == pytest.approx(3.4 * 72, abs=8) and min(letters) >= 8.25  # 11 pixels
    wide = sizes(svg_of(ax))
    assert wide[0] == pytest.approx(6.9 * 72, abs=8) and min(wide[1]) >= 8.25
    root = ElementTree.fromstring(small)
    name = next(e for e in root.iter() if e.text == "a rather long name of a driver")
    assert "text-anchor:start" in name.get("style") and float(name.get("x")) < 20
    assert plots.narrow_picture(plt.subplots()[0]) is None
    bundle, about = export._bundle(ax.figure)
    assert bundle[export.NARROW] == small and about["image/svg+xml"]["alt"]


@pytest.mark.slow
def test_an_svg_has_light_pixels_beside_it_for_notebooks_that_nobody_trusts(
    shares, monkeypatch
) -> None:
    ax = plots.intervals(shares)
    bundle, about = export._bundle(ax.figure)
    assert bundle["image/png"].startswith("iVBOR") and len(bundle["image/png"]) < 20_000
    assert about["image/png"] == about["image/svg+xml"]
    assert export._bundle(ax.figure)[0] == bundle
    monkeypatch.setenv(export.PREVIEWS, "no")
    assert "image/png" not in export._bundle(ax.figure)[0]


@pytest.mark.slow
def test_a_phone_sees_the_table_as_it_was_drawn(shares) -> None:
    ax = plots.intervals(shares, unit="share")
    shares["estimate"] = 0.9
    assert "41%" in plots.narrow_picture(ax.figure) and "90%" not in plots.narrow_picture(ax.figure)


def drawn(ax) -> list[list[float]]:
    """The ends of each interval that is drawn."""
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [[float(x) for x in part[:, 0]] for c in lines for part in c.get_segments()]


def test_an_interval_is_drawn_from_low_to_high(shares) -> None:
    ax = plots.intervals(shares)
    assert [0.38, 0.44] in drawn(ax)
    dots = np.ma.getdata(ax.collections[-1].get_offsets())[:, 0]
    assert sorted(dots) == sorted(shares["estimate"])


@pytest.mark.slow
def test_a_small_cell_is_drawn_nowhere(shares) -> None:
    shares.loc[1, "n"] = 3
    ax = plots.intervals(shares, unit="share")
    assert drawn(ax) and 0.44 not in np.ravel(drawn(ax))
    assert 0.41 not in np.ma.getdata(ax.collections[-1].get_offsets())[:, 0]
    assert "41%" not in ax.figure.alt_text and "<10" in texts(ax)


def test_the_same_threshold_holds_as_on_the_page(shares) -> None:
    context.begin(smallest_cell=500)
    assert texts(plots.intervals(shares)).count("hidden: too few answers") == 3


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_trend_shows_its_last_value_the_target_and_the_finding() -> None:
    waves = pd.DataFrame({"wave": ["q1", "q2"], "term": "nps", "estimate": [10.0, 30], "n": 99})
    waves = waves.assign(low=waves["estimate"] - 5, high=waves["estimate"] + 5)
    ax = plots.trend(waves, unit="points", target=50, note={"q1": "Price rise"})
    assert {"30.0", "target 50.0", "Price rise"} <= {t.get_text() for t in ax.texts}
    assert ax.get_ylim()[1] > 50
    [note] = [t for t in ax.texts if t.get_text() == "Price rise"]
    assert note.xy[0] == 0


@pytest.mark.slow
def test_the_lines_that_are_not_highlighted_are_grey() -> None:
    waves = pd.DataFrame(
        {"channel": list("xxyy"), "wave": list("abab"), "estimate": [1.0, 2, 3, 4]}
    )
    ax = plots.trend(waves.assign(n=99), highlight=["y"])
    drawn = {line.get_ydata()[0]: matplotlib.colors.to_hex(line.get_color()) for line in ax.lines}
    assert drawn == {1: QUIET, 3: COLOURS[0].lower()}


@pytest.mark.slow
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


def test_small_shares_are_written_as_their_bars_differ() -> None:
    table = pd.DataFrame({"term": ["billing", "website"], "estimate": [0.018, 0.0135], "n": 50})
    assert [t.get_text() for t in plots.bars(table, unit="share").texts] == ["1.8%", "1.4%"]
    table["estimate"] *= 10
    assert [t.get_text() for t in plots.bars(table, unit="share").texts] == ["18%", "14%"]


def test_a_rule_says_what_follows_from_what() -> None:
    rule = {"if_bought": ["robe, spa"], "then_bought": ["massage"], "term": ["adjusted lift"]}
    table = pd.DataFrame(rule | {"estimate": [3.1], "low": [2.8], "high": [3.5], "n": [134]})
    assert labels(plots.intervals(table)) == ["robe, spa → massage"]


def test_all_answers_to_a_question_fill_its_bar() -> None:
    table = pd.DataFrame({"term": "q", "answer": [1, 2, 3], "estimate": [0.2, 0.3, 0.5], "n": 50})
    ax = plots.answer_distribution(table)
    assert sum(p.get_width() for p in ax.patches) == pytest.approx(1)
    assert "q: 1 20%; 2 30%; 3 50%." in ax.figure.alt_text


def test_a_matrix_is_square() -> None:
    names = ["speed", "price", "staff"]
    table = pd.DataFrame([[1, 0.2, 0.7], [0.2, 1, 0.1], [0.7, 0.1, 1]], names, names)
    assert "0.70" in texts(plots.correlation_matrix(table))
    with pytest.raises(ValueError, match="square"):
        plots.correlation_matrix(table.iloc[:2])


def test_every_figure_has_words_for_those_who_cannot_see_it(shares) -> None:
    assert "speed 41%" in plots.alt_text(plots.intervals(shares, unit="share").figure)
    figure, ax = plt.subplots()
    ax.set(title="Mine", xlabel="days")
    assert plots.alt_text(figure) == "Figure: Mine; days."


@pytest.mark.slow
def test_the_same_figure_is_the_same_bytes(shares) -> None:
    one, two = (plots.picture(plots.intervals(shares).figure) for _ in range(2))
    assert one == two and one[1] == "image/svg+xml"


@pytest.mark.slow
def test_a_figure_of_many_marks_becomes_pixels() -> None:
    figure, ax = plt.subplots()
    ax.plot(np.random.default_rng(1).normal(size=40_000), ",")
    ax.scatter(*np.random.default_rng(1).normal(size=(2, 5_000)))
    assert plots.picture(figure)[1] == "image/png"


@pytest.mark.slow
def test_pixels_reach_a_notebook_as_text(monkeypatch, shares) -> None:
    monkeypatch.setattr(export, "LARGEST_SVG", 0)
    data, _ = export._bundle(plots.intervals(shares).figure)
    assert data["image/png"].startswith("iVBOR")


@pytest.mark.slow
def test_n_is_said_once_where_it_is_the_same(shares) -> None:
    ax = plots.intervals(shares, unit="share")
    assert ax.get_xlabel() == "share · n 400" and "n 400" not in texts(ax)
    ax = plots.intervals(shares.assign(n=[1000, 2000, 3000]))
    assert all(f"n {n},000" in texts(ax) for n in (1, 2, 3))


@pytest.mark.slow
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
    assert "percentage points" in ax.get_xlabel() and "speed 41.0" in ax.figure.alt_text


def test_a_label_of_two_lines_has_room(shares) -> None:
    shares["term"] = ["a long name that takes two lines at least", "short", "staff"]
    places = sorted(plots.intervals(shares).get_yticks())
    assert places[-1] - places[-2] > 1.2


@pytest.mark.slow
def test_a_drawing_goes_where_it_is_told(shares) -> None:
    _, ax = plt.subplots()
    assert plots.intervals(shares, ax=ax) is ax


@pytest.mark.slow
@pytest.mark.skipif(not plots.chinese_fonts(), reason="no font with Chinese characters installed")
def test_chinese_names_are_not_boxes(shares, recwarn) -> None:
    shares["term"] = ["速度", "价格", "员工"]
    plots.picture(plots.intervals(shares).figure)
    assert not [w for w in recwarn if "missing from font" in str(w.message)]


@pytest.mark.slow
def test_a_missing_chinese_font_is_said_where_pixels_need_one(monkeypatch, shares, recwarn) -> None:
    monkeypatch.setattr(export, "chinese_fonts", list)
    figure = plots.intervals(shares.assign(term=["速度", "价格", "员工"])).figure
    assert plots.picture(figure)[1] == "image/svg+xml" and not recwarn
    monkeypatch.setattr(export, "LARGEST_SVG", 0)
    with pytest.warns(UserWarning, match="apt install"):
        assert plots.picture(figure)[1] == "image/png"


def test_titles_break_by_their_breadth_in_either_script() -> None:
    assert text.wrap("one two three", 8) == "one two\nthree"
    assert text.wrap("最高：客房（38%）。最低", 12) == "最高：客房\n（38%）。最\n低"
    assert text.display_width("客房 A") == 6


@pytest.mark.slow
def test_a_line_is_interrupted_where_its_number_is_hidden() -> None:
    waves = pd.DataFrame(
        {"wave": list("abcd"), "estimate": [1.0, 2, 3, 4], "low": 0.0, "high": 5.0}
    )
    ax = plots.trend(waves.assign(n=[90, 3, 90, 90]))
    assert [list(line.get_xdata()) for line in ax.lines] == [[0], [2, 3]]


@pytest.mark.slow
def test_a_line_goes_on_where_another_is_hidden() -> None:
    waves = pd.DataFrame({"channel": list("xyxyxy"), "wave": list("aabbcc"), "term": "nps"})
    ax = plots.trend(waves.assign(estimate=[1.0, 1, 1, np.nan, 1, 1]))
    assert sorted(map(list, (line.get_xdata() for line in ax.lines))) == [[0], [0, 1, 2], [2]]


def test_the_house_style_is_a_seaborn_theme() -> None:
    assert matplotlib.rcParams["axes.edgecolor"] == SOFT
    assert sns.color_palette().as_hex()[:2] == [c.lower() for c in COLOURS[:2]]


@pytest.mark.slow
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
    assert len(set(inspect.signature(function).parameters) - {"ax"}) <= 9 + tables


@pytest.mark.skipif(not plots.chinese_fonts(), reason="no font with Chinese characters installed")
def test_a_font_that_the_list_of_matplotlib_lacks_is_found_afresh(monkeypatch) -> None:
    """As after installing it, when the list is older than the font."""
    [name] = plots.chinese_fonts()
    listed = font_manager.fontManager.ttflist
    files = {f.fname for f in listed if f.name in fonts.CJK_FONTS}
    old = [f for f in listed if f.fname not in files]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", old)
    assert plots.chinese_fonts() == [name]


@pytest.mark.slow
def test_a_long_title_takes_no_width_from_what_is_drawn(shares) -> None:
    def width(title: str) -> float:
        ax = plots.intervals(shares, title=title)
        plots.picture(ax.figure)
        assert ax.get_title("left") == plots.figure.wrap(title, 68)
        return ax.figure.get_figwidth()

    long = "“Customers with a long name” differ most from the average customer in one thing"
    assert width(long) == pytest.approx(width("Short"), abs=0.05)


def test_maturity_levels_are_whole_numbers(shares) -> None:
    ax = plots.intervals(shares.assign(estimate=[2, 3, 4], low=[1, 3, 3], high=[3, 3, 4]),
                         unit="maturity level")  # fmt: skip
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_a_tile_map_says_what_its_numbers_are(shares) -> None:
    ax = plots.tile_map(shares.assign(level=2), "level", unit="share", about="share of items met")
    assert ax.get_xlabel().startswith("share of items met")


def test_ticks_of_an_axis_have_the_same_decimals(shares) -> None:
    ax = plots.intervals(shares.assign(estimate=[4.98, 5.02, 5.0], low=4.95, high=5.05))
    ax.figure.draw_without_rendering()
    ticks = [t.get_text() for t in ax.get_xticklabels()]
    assert len({len(t.partition(".")[2]) for t in ticks}) == 1 and "." in ticks[0]


def test_bars_of_nothing_have_no_whisker_across_the_figure() -> None:
    table = pd.DataFrame({"term": ["a", "b"], "estimate": 0.0, "low": 0.0, "high": 0.001})
    assert plots.bars(table, unit="share").get_xlim()[1] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(0.015, 0.055), (0.02, 0.021), (0.1, 0.9), (0.0, 0.0004)])
def test_no_two_ticks_of_shares_are_written_alike(ends: tuple[float, float]) -> None:
    table = pd.DataFrame(
        {"term": ["a", "b"], "estimate": ends, "low": ends[0], "high": ends[1], "n": 90}
    )
    ax = plots.intervals(table, unit="share")
    ax.figure.canvas.draw()
    written = [label.get_text() for label in ax.get_xticklabels()]
    assert len(set(written)) == len(written)


def test_nearly_all_is_not_written_as_all() -> None:
    table = pd.DataFrame({"term": ["amount", "wave"], "estimate": [0.99996, 1.0], "n": 99_000})
    said = [text.get_text() for text in plots.bars(table, unit="share", sort=False).texts]
    assert said == ["over 99%", "100%"]
