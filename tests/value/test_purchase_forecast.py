"""Purchases from dates alone: published values, truth by hand, and repeated samples."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import beta as beta_law

from cxlib import value
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.value import discrete, newton

DONATIONS = json.loads(
    (Path(__file__).parents[1] / "reference" / "donations.json").read_text("utf-8")
)
OWN = np.array([1.2, 0.8, 0.7, 4.0])
MONTHS = pd.period_range("2024-01", periods=36, freq="M").to_timestamp()


def bought(n: int, seed: int, months: int = 12) -> np.ndarray:
    """Who buys in which month after the first, (n, months), by BG/BB with OWN."""
    rng = np.random.default_rng(seed)
    buys, leaves = rng.beta(*OWN[:2], n), rng.beta(*OWN[2:], n)
    here = np.arange(1, months + 1) < rng.geometric(np.maximum(leaves, 1e-12))[:, None]
    return here & (rng.random((n, months)) < buys[:, None])


def orders(n: int, seed: int = 1) -> pd.DataFrame:
    """A year of orders of customers who all bought first in January 2024."""
    again = np.column_stack([np.ones(n, bool), bought(n, seed)])
    who, month = np.nonzero(again)
    return pd.DataFrame({"customer_id": who, "at": MONTHS[month] + pd.Timedelta(days=9)})


# --- witness


def test_donations_have_the_published_fit_and_forecasts(tell_witness):
    x, last, count = np.array(DONATIONS["frequency_recency_customers"], float).T
    data = x, last, np.full(len(x), float(DONATIONS["periods"]))
    fit = newton.maximise(discrete.bg_bb, data, count, np.zeros(4))
    assert count.sum() == 11104
    source, parameters = "Fader, Hardie and Shang (2010)", DONATIONS["parameters"]
    tell_witness("BG/BB: parameters", source, np.exp(fit.at), parameters, atol=5e-4)
    tell_witness("BG/BB: log-likelihood", source, fit.loglik, DONATIONS["loglik"], atol=0.05)
    ahead = discrete.purchases(np.exp(fit.at), *data, 10)
    for key, published in DONATIONS["ten_more"].items():
        frequency, recency = map(float, key.split(","))
        at = (x == frequency) & (last == recency)
        tell_witness("BG/BB: expected purchases", "R BTYD", ahead[at], [published], atol=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_without_amounts_the_purchase_model_is_that_of_lifetime_value(model):
    rows = _weekly(300)
    priced = rows.assign(amount=np.random.default_rng(2).gamma(5, 2, len(rows)))
    one = value.purchase_forecast(Sample(rows, draws=50), 26, model=model)
    two = value.lifetime_value(Sample(priced, draws=50), value.Valuation(weeks=26), model=model)
    assert_allclose(one.log_parameters, two.log_parameters)
    for mine, theirs in ((one.table, two.purchases), (one.active, two.active)):
        assert mine["estimate"][0] == pytest.approx(theirs["estimate"][0])
        assert mine["n"][0] == theirs["n"][0] == 300


def _weekly(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rate, life = rng.gamma(0.8, 0.2, n), rng.exponential(1 / rng.gamma(0.8, 0.03, n))
    weeks = [rng.exponential(1 / r, 40).cumsum() for r in rate]
    rows = [(i, w) for i, ws in enumerate(weeks) for w in [0.0, *ws[ws < min(life[i], 60)]]]
    table = pd.DataFrame(rows, columns=["customer_id", "week"])
    return table.assign(at=pd.Timestamp("2025-01-01") + pd.to_timedelta(table["week"] * 7, "D"))


# --- truth by hand, and laws


def test_the_likelihood_of_two_periods_is_the_integral_over_both_chances():
    own = np.array([1.2, 1.8, 1.7, 4.0])
    nodes, weights = np.polynomial.legendre.leggauss(400)
    p, q = (nodes[:, None] + 1) / 2, (nodes + 1) / 2
    density = beta_law.pdf(p, *own[:2]) * beta_law.pdf(q, *own[2:])
    density = density * weights[:, None] * weights / 4
    for x, last in ((0, 0), (1, 1), (1, 2), (2, 2)):
        still = (1 - q) ** 2 * p**x * (1 - p) ** (2 - x)
        left = sum(q * (1 - q) ** t * p**x * (1 - p) ** (t - x) for t in range(last, 2))
        found = discrete.bg_bb(own, *np.array([[x], [last], [2.0]]))[0]
        assert np.exp(found) == pytest.approx([((still + left) * density).sum()], abs=1e-5)


def test_the_chances_of_all_histories_sum_to_one():
    periods, total = 5, 0.0
    for history in product((0, 1), repeat=periods):
        x, last = sum(history), max((k + 1 for k, b in enumerate(history) if b), default=0)
        total += np.exp(discrete.bg_bb(OWN, *np.array([[x], [last], [float(periods)]]))[0][0])
    assert total == pytest.approx(1.0)


def test_gradient_and_hessian_are_the_differences_of_the_likelihood():
    data = np.array([[0, 1, 3, 2], [0, 1, 4, 6], [6, 6, 6, 6.0]])
    _, gradient, hessian = discrete.bg_bb(OWN, *data)
    for at, step in enumerate(1e-5 * np.eye(4)):
        up, down = discrete.bg_bb(OWN + step, *data), discrete.bg_bb(OWN - step, *data)
        assert_allclose(gradient[at], (up[0] - down[0]) / 2e-5, rtol=1e-5, atol=1e-7)
        assert_allclose(hessian[at], (up[1] - down[1]) / 2e-5, rtol=1e-4, atol=1e-6)


def test_periods_are_counted_from_the_first_purchase_to_the_last_complete_one():
    at = pd.to_datetime(["2026-01-31", "2026-02-01", "2026-02-20", "2026-04-02", "2026-05-01"])
    rows = pd.DataFrame({"customer_id": ["a", "a", "a", "a", "b"], "at": at})
    kept, _ = value.opportunity_histories(rows, "month", "2026-05-01")
    assert kept.to_numpy().tolist() == [["a", 2.0, 3.0, 3.0]]
    kept, _ = value.opportunity_histories(rows, "month", "2026-06-30")
    assert kept.iloc[:, 1:].to_numpy().tolist() == [[2.0, 3.0, 4.0], [0.0, 0.0, 0.0]]
    kept, _ = value.opportunity_histories(rows, "quarter", "2026-07-01")
    assert kept.iloc[:, 1:].to_numpy().tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"ahead": 0}, "ahead is 0"),
        ({"ahead": 1.5}, "whole number"),
        ({"model": "nbd"}, "model"),
        ({"period": "day"}, "period"),
    ],
)
def test_choices_that_do_not_exist_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        value.purchase_forecast(orders(50), **how)


def test_too_few_who_bought_again_are_told():
    with pytest.raises(InsufficientData, match="bought again"):
        value.purchase_forecast(orders(20), model="bg_bb")
    with pytest.raises(InsufficientData, match="No calendar period"):
        value.purchase_forecast(orders(20), model="bg_bb", as_of="2024-01-20")


@pytest.mark.slow
def test_groups_stand_beside_everyone_and_the_reader_is_told():
    rows = orders(300)
    groups = pd.Series(np.where(np.arange(300) < 120, "web", "shop"), np.arange(300))
    fit = value.purchase_forecast(
        Sample(rows, draws=200), 6, model="bg_bb", groups=groups, as_of="2025-02-01"
    )
    whole, parts = fit.table.iloc[0], fit.table.iloc[1:]
    assert np.average(parts["estimate"], weights=parts["n"]) == pytest.approx(whole["estimate"])
    assert f"{whole['estimate']:.1f} purchases per customer in the next 6 periods" in str(fit)


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize("n", [150, 400])
def test_intervals_of_a_forecast_from_dates_cover_the_truth(n, tell_coverage):
    big = bought(400_000, 99, 18)
    ahead = big[:, 12:].sum(1).mean()
    rng = np.random.default_rng(98)
    leaves = rng.beta(*OWN[2:], 400_000)
    active = ((1 - leaves) ** 13).mean()
    hits = []
    for k in range(60):
        rows = Sample(orders(n, 1000 + k), draws=120, seed=k)
        fit = value.attempt(value.purchase_forecast, rows, 6, model="bg_bb", as_of="2025-02-01")
        if fit is None:  # no maximum, and a sentence that says so
            continue
        hits.append(
            [
                t["low"] <= truth <= t["high"]
                for t, truth in ((fit.table.iloc[0], ahead), (fit.active.iloc[0], active))
            ]
        )
    ahead_held, active_held = np.mean(hits, axis=0)
    tell_coverage("Purchases to come (BG/BB)", f"{n} customers", ahead_held, len(hits))
    tell_coverage("Share of active customers (BG/BB)", f"{n} customers", active_held, len(hits))
    assert len(hits) > 50 and min(ahead_held, active_held) >= 0.88
