"""Names of points: each can be matched to its own."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cxlib.plots import figure


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_a_name_is_nearest_to_its_own_point_or_has_a_line_to_it(seed: int) -> None:
    """A crowd of eight points: no name stands nearer to another without a line to its own."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1, 8), rng.uniform(0, 0.4, 8)
    made, ax = plt.subplots(figsize=(6, 3.3))
    ax.scatter(x, y)
    ax.set_ylim(0, 2)
    names = [f"touchpoint {k}" for k in range(8)]
    figure.name_points(ax, names, x, y)
    dots = ax.transData.transform(np.column_stack([x, y]))
    draw = made.canvas.get_renderer()
    lined = {tuple(t.xy) for t in ax.texts if not t.get_text()}
    for text in (t for t in ax.texts if t.get_text()):
        own = names.index(text.get_text())
        box = text.get_window_extent(draw)
        gap = [
            np.hypot(max(box.x0 - a, a - box.x1, 0), max(box.y0 - b, b - box.y1, 0))
            for a, b in dots
        ]
        assert int(np.argmin(gap)) == own or (x[own], y[own]) in lined
    plt.close(made)
