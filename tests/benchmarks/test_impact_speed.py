"""A synthetic control with every donor's placebo and that of a peer; ratios are printed only.

pip install diff-diff==3.13.0   # apart, with cxlib; python -m pytest tests/benchmarks -s

The peer's standard error rests on as many random placebos as it is asked for; it is asked for one
a donor, as many as ours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib.causal.synthetic_control import synthetic_control

UNITS, PERIODS, FIRST = 39, 31, 19


@pytest.fixture(scope="module")
def panel() -> np.ndarray:
    """39 units over 31 periods that share two movements; the first falls by 3 from period 19."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(2, PERIODS)).cumsum(1)
    y = rng.uniform(size=(UNITS, 2)) @ common + 0.3 * rng.normal(size=(UNITS, PERIODS)) + 20
    y[0, FIRST:] -= 3
    return y


def test_beside_diff_diff(panel):
    peer = pytest.importorskip("diff_diff")
    unit, time = np.indices(panel.shape)
    rows = pd.DataFrame(
        {
            "unit": unit.ravel(),
            "time": time.ravel(),
            "y": panel.ravel(),
            "treated": (unit.ravel() == 0).astype(int),
        }
    )

    def theirs() -> float:
        fit = peer.SyntheticDiD(variance_method="placebo", n_bootstrap=UNITS - 1, seed=1)
        told = {"outcome": "y", "treatment": "treated", "unit": "unit", "time": "time"}
        return fit.fit(rows, post_periods=list(range(FIRST, PERIODS)), **told).att

    ours = synthetic_control(panel, 0, FIRST, method="sdid")
    print(f"\neffect: ours {ours.effect:.3f}, diff-diff {theirs():.3f}, truth -3")
    mine, other = (
        seconds(lambda: synthetic_control(panel, 0, FIRST, method="sdid")),
        seconds(theirs),
    )
    print(f"ours {mine:.4f} s CPU; diff-diff {other / mine:.1f} times as long")
