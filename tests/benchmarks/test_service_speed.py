"""Waits with all their draws beside scipy's curve, draw by draw; ratios are printed.

python -m pytest tests/benchmarks/test_service_speed.py -s
"""

from __future__ import annotations

import numpy as np
import pytest
from clock import seconds
from scipy import stats

from cxlib.service import shares
from cxlib.stats.resampling import ResamplingUnits

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("n", [5_000, 60_000])
def test_waits_beside_scipy(n: int) -> None:
    rng = np.random.default_rng(1)
    hours, ends = rng.lognormal(4, 0.9, n), rng.exponential(400, n)
    seen, happened = np.minimum(hours, ends).round(2), hours <= ends
    at, who, draws = np.array([24.0, 72.0, 120.0]), ResamplingUnits(np.arange(n)), 200
    ours = seconds(lambda: shares.share_within(seen, happened, at, who, draws=draws), 2)
    found = shares.share_within(seen, happened, at, who, draws=2).estimate
    few = 5

    def theirs() -> np.ndarray:
        for times in next(who.times(few, 1)):
            rows = np.repeat(np.arange(n), times.astype(int))
            curve = _curve(seen[rows], happened[rows])
        return curve.evaluate(at)

    longer = seconds(theirs, 1) * draws / few
    print(
        f"\n{draws} draws of {n:,} cases: {ours:.2f} s CPU; scipy {longer:.1f} s, "
        f"{longer / ours:.0f} times ours"
    )
    assert found == pytest.approx(1 - _curve(seen, happened).evaluate(at), abs=1e-9)


def _curve(seen: np.ndarray, happened: np.ndarray):
    data = stats.CensoredData(uncensored=seen[happened], right=seen[~happened])
    return stats.ecdf(data).sf
