"""Driver importance beside its peers in one run on one machine; ratios are printed, nothing judged.

pip install pingouin==0.7.0                 # in an environment of its own, with cxlib
python -m pytest tests/benchmarks -s
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib import drivers
from cxlib.core.sample import Sample
from cxlib.stats import moments


def ratings(n: int, k: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x = 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    table = pd.DataFrame(x, columns=[f"t{j}" for j in range(k)])
    return table.assign(outcome=x.sum(1) + 2 * rng.normal(size=n))


@pytest.mark.parametrize(("k", "draws"), [(8, 1000), (12, 1000), (14, 1000), (16, 100)])
def test_draws_of_all_subsets(k, draws):
    rows = ratings(1000, k)
    parts = [f"t{j}" for j in range(k)]
    cov = moments.of(rows, ["outcome", *parts]).resample(draws, 1).cov
    shares = seconds(lambda: drivers.shapley(cov))
    whole = seconds(lambda: drivers.importance(Sample(rows, draws=draws), "outcome", parts))
    print(f"\n{k} drivers, {draws:,} draws: {shares:.3f} s CPU, with sums and tables {whole:.3f} s")


def test_twenty_drivers_once():
    rows = ratings(1000, 20)
    cov = moments.of(rows, ["outcome", *(f"t{j}" for j in range(20))]).total().cov
    print(f"\n20 drivers, one fit: {seconds(lambda: drivers.shapley(cov)):.3f} s CPU")


@pytest.mark.parametrize("k", [8, 12])
def test_against_pingouin(k):
    pingouin = pytest.importorskip("pingouin")
    rows = ratings(1000, k)
    parts = [f"t{j}" for j in range(k)]
    fit = lambda: pingouin.linear_regression(rows[parts], rows["outcome"], relimp=True)  # noqa: E731
    theirs = seconds(fit, 1)
    ours = seconds(lambda: drivers.importance(Sample(rows, draws=1000), "outcome", parts))
    print(
        f"\n{k} drivers: one fit of pingouin {theirs:.3f} s CPU, our 1,000 draws {ours:.3f} s: "
        f"{theirs / ours:.1f} times"
    )


@pytest.mark.parametrize(("kind", "k"), [("logistic", 8), ("ordered", 8), ("ordered", 12)])
def test_graded_outcomes(kind, k):
    cuts = {"logistic": [0], "ordered": list(np.linspace(-6, 6, 10))}[kind]
    rows = ratings(1000, k).assign(g=lambda r: np.digitize(r["outcome"], cuts))
    parts = [f"t{j}" for j in range(k)]
    ours = seconds(lambda: drivers.importance(Sample(rows, draws=1000), "g", parts, kind=kind), 2)
    print(f"\n{kind}, {k} drivers, 1,000 answers, 1,000 draws: {ours:.3f} s CPU")


def test_what_to_improve():
    rows = ratings(5000, 8).round().clip(-4, 4)
    parts = [f"t{j}" for j in range(8)]
    for task in (drivers.gains, drivers.penalty_reward, drivers.necessary_conditions):
        spent = seconds(lambda task=task: task(rows, "outcome", parts), 2)
        print(f"\n{task.__name__}, 8 drivers, 5,000 answers: {spent:.3f} s CPU")
