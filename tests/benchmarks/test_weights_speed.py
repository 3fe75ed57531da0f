"""Raking beside its peers in one run on one machine; ratios are printed, nothing is judged.

pip install weightipy==0.4.2 ipfn==1.4.4 rimpy==0.5.0   # apart, with cxlib;
python -m pytest tests/benchmarks -s   # rimpy wants Python 3.12
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib import weights
from cxlib.core.sample import Sample
from cxlib.stats import moments

SHARES = {
    "region": [0.3, 0.25, 0.2, 0.15, 0.1],
    "age": [0.2, 0.2, 0.25, 0.2, 0.15],
    "sex": [0.52, 0.48],
    "plan": [0.5, 0.3, 0.2],
}
MARGINS = {a: {str(k): s for k, s in enumerate(shares)} for a, shares in SHARES.items()}
NUMBERED = {a: dict(enumerate(shares)) for a, shares in SHARES.items()}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """100,000 answers that lean to the first categories."""
    rng, n = np.random.default_rng(1), 100_000
    lean = {a: np.array(s) * np.linspace(1.4, 0.6, len(s)) for a, s in SHARES.items()}
    codes = {a: rng.choice(len(p), n, p=p / p.sum()) for a, p in lean.items()}
    return pd.DataFrame(codes).assign(y=rng.normal(size=n))


@pytest.fixture(scope="module")
def ours(rows) -> float:
    spent = seconds(lambda: weights.rake(rows, MARGINS, trim=1e9))
    print(f"\nraking 100,000 rows: {spent:.4f} s CPU")
    return spent


def test_one_estimate_of_which_every_draw_is_raked(rows):
    weighed = weights.weigh(Sample(rows), MARGINS)
    sums = moments.of(weighed, ["y"])
    spent = seconds(lambda: sums.resample(1000, np.random.default_rng().integers(1 << 30)), 3)
    print(f"\nraking 1,000 bootstrap draws of 100,000 rows: {spent:.3f} s CPU")


def test_against_weightipy(rows, ours):
    weightipy = pytest.importorskip("weightipy")
    percent = {a: {k: 100 * s for k, s in t.items()} for a, t in NUMBERED.items()}
    scheme = weightipy.scheme_from_dict(percent)
    theirs = seconds(lambda: weightipy.weight_dataframe(rows.copy(), scheme), 2)
    print(f"\nweightipy takes {theirs / ours:.0f} times as long ({theirs:.3f} s CPU)")


def test_against_rimpy(rows, ours):
    rimpy = pytest.importorskip("rimpy")
    percent = {a: {k: 100 * s for k, s in t.items()} for a, t in NUMBERED.items()}
    theirs = seconds(lambda: rimpy.rake(rows, percent))
    print(f"\nrimpy takes {theirs / ours:.1f} times as long ({theirs:.4f} s CPU)")


def test_against_ipfn(rows, ours):
    ipfn = pytest.importorskip("ipfn.ipfn")
    ends = [pd.Series(t, name="total").rename_axis(a) * len(rows) for a, t in NUMBERED.items()]
    start = rows.assign(total=1.0)
    fit = lambda: ipfn.ipfn(start.copy(), ends, [[a] for a in SHARES]).iteration()  # noqa: E731
    theirs = seconds(fit, 1)
    print(f"\nipfn takes {theirs / ours:.0f} times as long ({theirs:.2f} s CPU)")
