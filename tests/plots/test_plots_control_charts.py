"""Control charts: what is drawn is what the table says; a hidden cell stands out nowhere."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.markers import MarkerStyle

from cxlib import plots, scores
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.plots import control_charts


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    waves = np.repeat([f"2026-{k:02d}" for k in range(1, 9)], 200)
    answers = np.where(waves == "2026-07", rng.integers(0, 7, 1600), rng.integers(4, 11, 1600))
    area = rng.choice(["east", "west"], 1600)
    return pd.DataFrame({"wave": waves, "recommend": answers.astype(float), "area": area})


def markers(ax, signal: str) -> list[tuple[float, float]]:
    """Where the signs of a signal stand: those with the corners of its marker."""
    shape = MarkerStyle(control_charts.SIGNALS[signal][0])
    corners = shape.get_path().transformed(shape.get_transform()).vertices
    found = [
        tuple(map(float, place))
        for c in ax.collections
        if isinstance(c, PathCollection) and np.array_equal(c.get_paths()[0].vertices, corners)
        for place in np.ma.getdata(c.get_offsets())
    ]
    return sorted(found)


@pytest.mark.slow
def test_a_wave_outside_is_a_triangle_and_named(rows):
    fit = scores.trend(rows)
    ax = plots.control_chart(fit.limits, unit="points", change=fit.changes)
    assert markers(ax, "below") == [(6, fit.limits["estimate"][6])]
    assert len(markers(ax, "")) == 7
    assert "2026-07" in ax.figure.alt_text
    edges = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 16]
    assert np.isclose(edges[0][::2], fit.limits["low"], equal_nan=True).all()
    assert np.isclose(edges[1][::2], fit.limits["high"], equal_nan=True).all()


@pytest.mark.slow
def test_the_wave_since_which_an_alert_is_dated_is_marked_before_its_first_signal(rows):
    fit = scores.trend(rows)
    alert = pd.DataFrame({"term": ["recommend"], "group": "", "first_seen": "2026-05"})
    ax = plots.signals(fit.limits, since=alert)
    assert markers(ax, "began") == [(4, 0)] and len(markers(ax, "")) == 6
    assert "level changed, as later waves show" in [
        t.get_text() for t in ax.get_legend().get_texts()
    ]
    flagged = plots.signals(fit.limits, since=alert.assign(first_seen="2026-07"))
    assert not markers(flagged, "began")


@pytest.mark.slow
def test_a_missing_wave_is_a_gap_of_the_chart(rows):
    fit = scores.trend(rows[rows["wave"] != "2026-03"])
    assert "2026-03 is missing" in str(fit.notes)
    ax = plots.control_chart(fit.limits, unit="points", change=fit.changes)
    assert markers(ax, "below") == [(6, fit.limits["estimate"].iloc[5])]
    joined = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) in (2, 5)]
    assert [0, 1] in joined and [3, 4, 5, 6, 7] in joined
    assert len(markers(plots.signals(fit.limits), "")) == 6


@pytest.mark.slow
def test_quiet_waves_are_said_to_be_inside(rows):
    quiet = rows[rows["wave"] < "2026-07"]
    ax = plots.control_chart(scores.trend(quiet, limits=5).limits)
    assert len(markers(ax, "")) == 6


@pytest.mark.slow
def test_a_change_of_level_is_marked_where_it_is_clear(rows):
    shifted = rows.assign(recommend=rows["recommend"].where(rows["wave"] < "2026-05", 2.0))
    fit = scores.trend(shifted)
    ax = plots.control_chart(fit.limits, change=fit.changes)
    assert "level changed" in [t.get_text() for t in ax.texts]
    quiet = scores.trend(rows[rows["wave"] < "2026-07"])
    said = [t.get_text() for t in plots.control_chart(quiet.limits, change=quiet.changes).texts]
    assert "level changed" not in said


@pytest.mark.slow
@pytest.mark.parametrize("lang, words", [("en", "shaded: the baseline"), ("zh", "阴影：基线期")])
def test_the_shading_says_what_it_is(rows, lang, words):
    limits = scores.trend(rows).limits
    with context.use(Context(lang=lang)):
        assert words in [t.get_text() for t in plots.control_chart(limits).texts]
        bare = plots.control_chart(limits.assign(baseline=False))
    assert not bare.patches and not bare.texts


@pytest.mark.slow
def test_every_score_has_a_row_and_every_wave_a_sign(rows):
    fit = scores.trend(rows, by="area")
    ax = plots.signals(fit.limits, by="area")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["east", "west"]
    assert {x for x, _ in markers(ax, "below")} == {6}
    assert len(markers(ax, "")) + len(markers(ax, "below")) == 16


@pytest.mark.slow
def test_small_cells_have_no_sign(rows):
    context.begin(smallest_cell=1000)
    fit = scores.trend(rows)
    assert fit.limits["signal"].eq("").all()
    ax = plots.control_chart(fit.limits.assign(signal="below"), unit="points")
    assert not [p for p in markers(ax, "below") if not np.isnan(p[1])]
    assert "2026-07" not in ax.figure.alt_text


@pytest.mark.slow
def test_one_chart_shows_one_score(rows):
    with pytest.raises(ValueError, match="16 rows for 8 waves: a control chart shows one"):
        plots.control_chart(scores.trend(rows, by="area").limits)


@pytest.mark.slow
def test_a_legend_leaves_the_axes_their_width_beside_long_names_of_rows():
    names = ["Passing through security and screening", "Cleanliness of boarding areas"]
    rows = [(t, w, s) for t in names for w, s in (("a", "lasted"), ("b", "passed"), ("c", "open"))]
    table = pd.DataFrame(rows, columns=["term", "wave", "signal"]).assign(estimate=1.0, n=99)
    ax = plots.signals(table)
    ax.figure.canvas.draw()
    wide, whole = ax.get_window_extent().width, ax.figure.bbox.width
    assert wide > 0.35 * whole


def test_scores_with_a_signal_in_the_latest_wave_come_first():
    """Then those with one in an earlier wave; within each the order of the table."""
    signals = {"speed": ("", ""), "price": ("below", ""), "room": ("", "below"), "app": ("", "")}
    rows = [(t, w, s) for t, own in signals.items() for w, s in zip("ab", own, strict=True)]
    table = pd.DataFrame(rows, columns=["term", "wave", "signal"]).assign(estimate=1.0, n=99)
    names = [t.get_text() for t in plots.signals(table).get_yticklabels()]
    assert names == ["room", "price", "speed", "app"]
