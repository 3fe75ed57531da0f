"""How often intervals of the lifetime value of a few hundred customers hold the truth."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.value.lifetime_value import Valuation, _tables
from cxlib.value.newton import MOST_REFITTED
from cxlib.value.purchase_model import PurchaseModel

OWN = {
    "bg_nbd": (0.8, 12.0, 0.6, 3.0),
    "mbg_nbd": (0.8, 12.0, 0.6, 3.0),
    "pareto_nbd": (0.8, 12.0, 0.8, 40.0),
}
AHEAD, DISCOUNT = 52.0, np.log(1.1) / (365.25 / 7)
NAMES = {"CLV": "CLV", "active": "share of active customers", "purchases": "purchases to come"}


def customers(model: str, n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Histories of 30 to 78 weeks, and what the next 52 bring: CLV, active, purchases (means)."""
    r, alpha, a, b = OWN[model]
    rate, age, likes = rng.gamma(r, 1 / alpha, n), rng.uniform(30, 78, n), rng.gamma(4, 1 / 60, n)
    pareto = model == "pareto_nbd"
    end = rng.exponential(1 / rng.gamma(a, 1 / b, n)) if pareto else np.full(n, np.inf)
    leaves = np.zeros(n) if pareto else rng.beta(a, b, n)
    here = rng.random(n) >= (leaves if model == "mbg_nbd" else 0)
    end[~here] = 0
    x, last, paid, logs, ahead, worth, now = np.zeros((7, n))
    while here.any():
        now = np.where(here, now + rng.exponential(1 / rate), now)
        here &= now < np.minimum(age + AHEAD, end)
        past, later = here & (now <= age), here & (now > age)
        amount = rng.gamma(5, 1 / likes)
        x, last = x + past, np.where(past, now, last)
        paid, logs = paid + past * amount, logs + past * np.log(amount)
        ahead = ahead + later
        worth = worth + later * np.exp(-DISCOUNT * np.maximum(now - age, 0)) * 5 / likes
        gone = here & (rng.random(n) < leaves)
        end, here = np.where(gone, now, end), here & ~gone
    with np.errstate(invalid="ignore"):
        rows = pd.DataFrame({"repeats": x, "last": last, "age": age, "paid": x})
        rows = rows.assign(customer_id=np.arange(n), mean_amount=paid / x, mean_log=logs / x)
    return rows, np.array([worth.mean(), (end > age).mean(), ahead.mean()])


@cache
def truth(model: str) -> np.ndarray:
    return np.mean([customers(model, 100_000, np.random.default_rng(k))[1] for k in range(4)], 0)


def tables(model: str, rows: pd.DataFrame, draws: int, seed: int) -> dict[str, pd.DataFrame]:
    sample = Sample(rows, cluster="customer_id", draws=draws, seed=seed)
    everyone = ["everyone"], np.ones((len(rows), 1))
    return _tables(PurchaseModel(rows, model), Valuation(), everyone, sample)[0]


@pytest.mark.slow
def test_many_customers_have_the_same_interval_by_one_step_and_by_several(monkeypatch):
    rows, _ahead = customers("bg_nbd", MOST_REFITTED + 700, np.random.default_rng(5))
    one = tables("bg_nbd", rows, 100, 1)["purchases"].iloc[0]
    module = import_module("cxlib.value.lifetime_value")  # a function has its name in cxlib.value
    monkeypatch.setattr(module, "MOST_REFITTED", len(rows))
    several = tables("bg_nbd", rows, 100, 1)["purchases"].iloc[0]
    ends = ["low", "high"]
    np.testing.assert_allclose(one[ends].astype(float), several[ends].astype(float), rtol=0.05)


@pytest.mark.coverage
@pytest.mark.parametrize("model", OWN)
def test_intervals_of_few_customers_hold_what_the_next_year_brings(model, tell_coverage):
    """Of 150 customers, whose draws often move the parameters far; one step covers 67% to 91%."""
    held = []
    for seed in range(120):
        rows, _ahead = customers(model, 150, np.random.default_rng([1, seed]))
        try:
            found = tables(model, rows, 200, seed)
        except InsufficientData:  # no maximum, and a sentence that says so
            continue
        ends = [found[name].iloc[0] for name in NAMES]
        held.append([e.low <= t <= e.high for e, t in zip(ends, truth(model), strict=True)])
    kind = {"bg_nbd": "BG/NBD", "mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD"}[model]
    for name, share in zip(NAMES.values(), np.mean(held, axis=0), strict=True):
        tell_coverage(f"{name} ({kind})", "150 customers", share, len(held))
    assert np.min(np.mean(held, axis=0)) >= 0.88, np.mean(held, axis=0)
