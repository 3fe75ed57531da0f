"""BG/NBD beside lifetimes in one run on one machine; ratios are printed, nothing is judged.

pip install lifetimes==0.11.3               # in an environment of their own, with cxlib
python -m pytest tests/benchmarks/test_value_speed.py -s
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib.data import sources, study
from cxlib.stats import resampling
from cxlib.value import loglik
from cxlib.value.histories import kinds, purchase_histories
from cxlib.value.newton import Maximum, maximise

pytestmark = pytest.mark.slow
TRUE = (0.243, 4.414, 0.793, 2.426)  # r, alpha, a, b of CDNOW (Fader, Hardie and Lee 2005)
COLUMNS = ["repeats", "last", "age"]


def cdnow() -> pd.DataFrame:
    """All customers of the study, in days."""
    name = "CDNOW_master.txt"
    path = sources.fetch(study.read("cdnow").sources[name], name)
    names = ["customer_id", "at", "discs", "amount"]
    orders = pd.read_csv(path, sep=r"\s+", names=names, header=0, dtype={"at": str})
    return purchase_histories(orders.assign(at=pd.to_datetime(orders["at"], format="%Y%m%d")))[0]


def bought(n: int, weeks: int = 39, seed: int = 1) -> pd.DataFrame:
    """Whole weeks of `n` customers: repeats, last, age, as a file of purchases gives them."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = TRUE
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    age = rng.integers(weeks - 12, weeks + 1, n).astype(float)
    repeats, last, here = np.zeros(n), np.zeros(n), np.ones(n, bool)
    while here.any():
        then = last + rng.exponential(1 / np.maximum(rate, 1e-12))
        here &= then < age
        repeats[here] += 1
        last[here] = then[here]
        here &= rng.random(n) >= leaves
    return pd.DataFrame({"repeats": repeats, "last": np.ceil(last), "age": age})


@pytest.mark.parametrize("n", [23_570, 1_000_000])
def test_fit_beside_lifetimes(n: int) -> None:
    rows = cdnow() if n == 23_570 else bought(n)
    start = np.array([0.0, np.log(rows["age"].mean()), 0.0, 0.0])

    def ours() -> tuple[Maximum, np.ndarray]:
        distinct, count, which = kinds(rows, COLUMNS)
        return maximise(loglik.bg_nbd, tuple(distinct.T), count, start), which

    def intervals() -> np.ndarray:
        found, which = ours()
        return found.replicates(resampling.resample_sums(found.parts[which], 1000, 1))

    spent, found = seconds(ours, 5), ours()[0]
    more = seconds(intervals, 1)
    print(f"\nBG/NBD of {n:,} customers: {spent:.4f} s CPU; with 1,000 draws {more:.2f} s")
    lifetimes = pytest.importorskip("lifetimes")

    def theirs():
        fitter = lifetimes.BetaGeoFitter()
        return fitter.fit(*(rows[column] for column in COLUMNS))

    longer, same = seconds(theirs, 3), theirs().params_[["r", "alpha", "a", "b"]]
    print(f"lifetimes (errors by curvature): {longer:.2f} s CPU, {longer / spent:.0f} times ours")
    assert found.at == pytest.approx(np.log(same.to_numpy()), abs=0.01)
