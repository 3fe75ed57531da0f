"""Coefficients of touchpoints are the same however the computer adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.sample import Sample
from cxlib.journeys.associations import adjusted_slopes


def test_touchpoints_met_by_the_same_customers_share_the_coefficient_in_every_order_of_rows():
    rng = np.random.default_rng(3)
    met, plan = rng.integers(0, 2, 400), rng.choice(["a", "b", "c"], 400)
    x = np.column_stack([met, met, rng.integers(0, 2, 400)]).astype(float)
    y = 0.4 * met + (plan == "a") + rng.normal(size=400)
    found = []
    for order in (np.arange(400), np.arange(400)[::-1]):
        sample = Sample(pd.DataFrame({"plan": plan[order]}), draws=100)
        slopes, *_ = adjusted_slopes(sample, y[order], x[order], np.ones(400, bool), ["plan"])
        found.append(slopes)
    # Sums in another order, as with other numbers of threads, differ in the sixteenth digit.
    np.testing.assert_allclose(*found, rtol=1e-10)
    np.testing.assert_allclose(found[0][0], found[0][1], rtol=1e-10)
