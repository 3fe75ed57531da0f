"""A million customers scored with reasons in under a minute; the Cox model beside lifelines."""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib import churn
from cxlib.churn import Validation
from cxlib.core.sample import Sample
from cxlib.stats import survival

pytestmark = pytest.mark.slow


def test_a_million_customers_are_scored_with_reasons_in_under_a_minute() -> None:
    rng = np.random.default_rng(1)
    n = 1_000_000
    people = pd.DataFrame({f"x{i}": rng.normal(size=n).round(3) for i in range(8)})
    people = people.assign(**{f"c{i}": rng.choice(list("abcd"), n) for i in range(8)})
    odds = np.exp(people["x0"] - 1 - (people["c0"] == "a"))
    people["left"] = rng.random(n) < odds / (1 + odds)
    fit = churn.fit(Sample(people.head(5_000), draws=50), validation=Validation(repeats=1))
    start = time.perf_counter()
    scored = churn.score(people, fit)
    took = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # in GB, as Linux counts
    print(f"\n{n:,} customers scored with reasons: {took:.1f} s, {most:.1f} GB at most")
    assert took < 60 and most < 4
    assert len(scored) == n and scored["reasons"].str.len().gt(0).all()


def test_cox_beside_lifelines() -> None:
    """pip install lifelines==0.30.0, in an environment of its own with cxlib."""
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(1)
    n = 20_000
    people = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(8)})
    gone = rng.exponential(np.exp(-0.3 * people["x0"].to_numpy()) * 200)
    seen = rng.integers(30, 400, n)  # whole days: many leave on the same one
    time, left = np.ceil(np.minimum(gone, seen)), (gone <= seen).astype(float)
    x, none, ones = people.to_numpy(), np.zeros(n), np.ones(n)
    spent = seconds(lambda: survival.cox(x, none, time, left, ones), 3)
    rows = people.assign(time=time, left=left)

    def theirs():
        return lifelines.CoxPHFitter().fit(rows, "time", "left")

    longer, same = seconds(theirs, 1), theirs()
    print(f"\nCox of {n:,} x 8: {spent:.3f} s CPU; lifelines {longer / spent:.1f} times")
    found = survival.cox(x, none, time, left, ones)
    assert found.coefficients == pytest.approx(same.params_.to_numpy(), abs=1e-5)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(
        same.standard_errors_.to_numpy(), rel=1e-4
    )
    at = np.arange(30.0, 390.0, 30.0)
    risk = survival.at_risk(none, time, left.astype(int), ones)
    curve = seconds(lambda: survival.incidence(risk, at), 3)
    meier = seconds(lambda: lifelines.KaplanMeierFitter().fit(time, left), 3)
    there = lifelines.KaplanMeierFitter().fit(time, left).survival_function_at_times(at)
    assert 1 - survival.incidence(risk, at)[0][0] == pytest.approx(there.to_numpy(), abs=1e-9)
    print(f"Kaplan-Meier with covariances: {curve:.4f} s CPU; lifelines {meier / curve:.1f} times")
