"""Covariates that change with time: quadrature by hand, laws, and a rate that is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import roots_genlaguerre, roots_sh_jacobi

from cxlib import value
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.purchases import days_bought
from cxlib.value.dynamic_covariates import Clock, clock_of, clocked
from cxlib.value.newton import maximise
from cxlib.value.purchase_model import PURCHASE

MODELS = ["bg_nbd", "mbg_nbd"]
OWN = (0.8, 12.0, 0.6, 2.0)
START, END = pd.Timestamp("2023-01-02"), pd.Timestamp("2024-12-30")
SEEN = (END - START).days
WEEKS = pd.period_range(START, periods=112, freq="W")
PROMOTED = (np.random.default_rng(99).random(112) < 0.3).astype(float)
CALENDAR = pd.DataFrame({"period": WEEKS, "promotion": PROMOTED})


def orders(n: int, seed: int = 1, model: str = "mbg_nbd", times: float = 2.0) -> pd.DataFrame:
    """Two years of orders of n customers, who buy `times` as fast in weeks with a promotion."""
    rng, rows = np.random.default_rng(seed), []
    rate, leaves = rng.gamma(OWN[0], 1 / OWN[1], n), rng.beta(*OWN[2:], n)
    daily = times ** np.repeat(PROMOTED, 7) / 7
    for i in range(n):
        first = int(rng.integers(0, 90))
        rows.append((i, first))
        clock = np.cumsum(daily[first + 1 : SEEN])
        here = model == "bg_nbd" or rng.random() >= leaves[i]
        at = rng.exponential(1 / rate[i])
        while here and at < clock[-1]:
            rows.append((i, first + 1 + int(np.searchsorted(clock, at))))
            here = rng.random() >= leaves[i]
            at += rng.exponential(1 / rate[i])
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    return table.assign(at=START + pd.to_timedelta(table["day"], unit="D"))


def clock(
    rows: pd.DataFrame, covariates: pd.DataFrame, ahead: int = 8
) -> tuple[Clock, pd.DataFrame]:
    kept, _notes = value.purchase_histories(rows, END, amounts=False)
    return clock_of(days_bought(rows, END)[0], kept, covariates, END, ahead), kept


def history(kept: pd.DataFrame) -> tuple[np.ndarray, ...]:
    return tuple(kept[c].to_numpy(float) for c in ("repeats", "last", "age"))


# --- truth by hand


def test_the_clock_of_two_weeks_by_hand():
    at = pd.to_datetime(["2024-12-18", "2024-12-20", "2024-12-24"])  # Wednesday, Friday, Tuesday
    rows = pd.DataFrame({"customer_id": "a", "at": at})
    weeks = pd.period_range("2024-12-16", periods=3, freq="W")
    found, _kept = clock(rows, pd.DataFrame({"period": weeks, "sale": [1.0, 3.0, 2.0]}), ahead=1)
    assert_allclose(found.last, [[4 / 7, 2 / 7, 0]])  # Thursday to Sunday, Monday and Tuesday
    assert_allclose(found.seen, [[4 / 7, 7 / 7, 0]])  # until Sunday the 29th
    assert_allclose(found.ahead, [[0, 0, 7 / 7]])
    assert_allclose(found.bought, [[1.0 + 3.0]])
    last, seen, ahead = found.times(np.array([np.log(2)]))
    assert_allclose([last[0], seen[0], ahead[0]], [(4 * 2 + 2 * 8) / 7, (4 * 2 + 7 * 8) / 7, 4.0])


# --- witness: the integrals over both chances


def _grid(own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates (g, 1), chances of leaving (b,) and weights of their gamma and beta distribution."""
    r, alpha, a, b = own
    rate, in_rate = roots_genlaguerre(120, r - 1)
    leaves, in_leaves = roots_sh_jacobi(60, a + b - 1, a)
    weights = (in_rate / in_rate.sum())[:, None] * (in_leaves / in_leaves.sum())
    return (rate / alpha)[:, None], leaves, weights


@pytest.mark.parametrize("model", MODELS)
def test_likelihood_and_forecast_are_those_of_the_integrals(model, tell_witness):
    own, beta, first = np.array([1.3, 6.0, 1.4, 2.5]), np.array([0.7]), int(model == "mbg_nbd")
    rows = orders(60, seed=3)
    found, kept = clock(rows, CALENDAR)
    x = history(kept)[0]
    some = [int(np.flatnonzero(x == k)[0]) for k in (0, 1, 2)]
    ours = clocked(model)(np.r_[own, np.exp(beta)], *found.data(x))[0][some]
    expected = found.expected(model, np.r_[np.log(own), beta], x)[some]
    daily, (rate, p, weights) = np.exp(beta[0] * np.repeat(PROMOTED, 7)), _grid(own)
    likelihoods, forecasts = [], []
    for i in some:
        days = rows[rows["customer_id"] == kept["customer_id"][i]]["day"].sort_values().unique()
        until, seen, ahead = (
            daily[begin:end].sum() / 7
            for begin, end in ((days[0] + 1, days[-1] + 1), (days[0] + 1, SEEN), (SEEN, SEEN + 56))
        )
        bought, chances = rate ** (len(days) - 1) * np.prod(daily[days[1:]]), len(days) - 1 + first
        here = (1 - p) ** chances * bought * np.exp(-rate * seen)
        gone = (chances > 0) * p * (1 - p) ** (chances - 1) * bought * np.exp(-rate * until)
        likelihood = (weights * (here + gone)).sum()
        later = here * -np.expm1(-rate * p * ahead) / p  # purchases until a customer leaves
        likelihoods.append(np.log(likelihood))
        forecasts.append([(weights * of).sum() / likelihood for of in (here, later)])
    source = "quadrature over rate and chance of leaving"
    tell_witness("time-varying covariates: likelihood", source, ours, likelihoods, atol=1e-5)
    tell_witness("time-varying covariates: forecast", source, expected, forecasts, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_gradient_and_hessian_are_the_differences_of_the_likelihood(model):
    found, kept = clock(orders(20), CALENDAR.assign(season=np.linspace(-1, 1, 112)))
    surface, at = clocked(model), np.array([1.2, 6.0, 0.8, 2.5, 1.5, 0.7])
    data = found.data(history(kept)[0])
    _, gradient, hessian = surface(at, *data)
    for k, step in enumerate(1e-5 * np.eye(6)):
        up, down = surface(at + step, *data), surface(at - step, *data)
        assert_allclose(gradient[k], (up[0] - down[0]) / 2e-5, rtol=1e-5, atol=1e-6)
        assert_allclose(hessian[k], (up[1] - down[1]) / 2e-5, rtol=1e-4, atol=1e-5)


# --- laws


@pytest.mark.parametrize("model", MODELS)
def test_without_an_effect_it_is_the_model_without_covariates(model):
    found, kept = clock(orders(80), CALENDAR)
    data, own = history(kept), np.array([1.2, 6.0, 0.8, 2.5])
    ours = clocked(model)(np.r_[own, 1.0], *found.data(data[0]))[0]
    assert_allclose(ours, PURCHASE[model](own, *data)[0])


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_covariate_constant_in_time_is_the_static_one(model):
    rows = orders(600, seed=2, model=model)
    kept, _ = value.purchase_histories(rows, END, amounts=False)
    plan = pd.Series(np.arange(len(kept)) % 2.0, kept["customer_id"])
    every = pd.MultiIndex.from_product([plan.index, WEEKS], names=["customer_id", "period"])
    table = every.to_frame(index=False)
    found, kept = clock(rows, table.assign(plan=table["customer_id"].map(plan)))
    data, count = history(kept), np.ones(len(kept))
    start = np.r_[0, np.log(20), 0, 0, 0]
    ours = maximise(clocked(model), found.data(data[0]), count, start)
    design = np.zeros((len(kept), 4, 5))
    design[:, :, :4] = np.eye(4)
    design[:, 1, 4] = -plan.to_numpy()
    theirs = maximise(PURCHASE[model], data, count, start, design)
    assert ours.loglik == pytest.approx(theirs.loglik)
    assert_allclose(ours.at, theirs.at, atol=1e-6)


@pytest.mark.slow
def test_units_of_covariates_change_nothing_but_their_coefficients():
    rows = orders(300, seed=2)
    x = history(clock(rows, CALENDAR)[1])[0]

    def fitted(covariates: pd.DataFrame):
        own = clock(rows, covariates)[0]
        fit = maximise(clocked("mbg_nbd"), own.data(x), np.ones(len(x)), np.r_[0, 3, 0, 0, 0])
        return fit, own.expected("mbg_nbd", fit.at, x)

    (one, ahead), (half, same) = (
        fitted(CALENDAR.assign(promotion=scale * PROMOTED)) for scale in (1, 2)
    )
    assert half.at[4] == pytest.approx(one.at[4] / 2) and half.loglik == pytest.approx(one.loglik)
    assert_allclose(same, ahead)
    moved, same = fitted(CALENDAR.assign(promotion=PROMOTED + 1))
    assert moved.at[4] == pytest.approx(one.at[4]) and moved.loglik == pytest.approx(one.loglik)
    assert moved.at[1] == pytest.approx(one.at[1] + one.at[4])  # all clocks run faster by exp(beta)
    assert_allclose(same, ahead)


@pytest.mark.slow
def test_a_calendar_is_the_same_for_each_customer_and_future_ones_count():
    rows = orders(120)
    customers = pd.Series(rows["customer_id"].unique(), name="customer_id")
    each = CALENDAR.merge(customers, how="cross")
    sample, how = Sample(rows, draws=40), {"model": "mbg_nbd", "as_of": END}
    one, same = (
        value.purchase_forecast(sample, 8, covariates=table, **how)
        for table in (CALENDAR, each.sample(frac=1, random_state=1))
    )
    for name in ("table", "active", "parameters", "covariates"):
        pd.testing.assert_frame_equal(one.tables[name], same.tables[name])
    future = CALENDAR["period"].dt.start_time >= END
    sold = CALENDAR.assign(promotion=CALENDAR["promotion"].where(~future, 1.0))
    more = value.purchase_forecast(sample, 8, covariates=sold, **how)
    assert more.table["estimate"][0] > one.table["estimate"][0]
    assert_allclose(more.log_parameters, one.log_parameters)
    assert one.covariates["term"].tolist() == ["promotion"] and one.covariates["n"][0] == 120
    assert one.parameters["term"].tolist() == ["r", "alpha", "a", "b"]


# --- what is refused


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        (CALENDAR.iloc[:-2], "120 of 120 customers lack values"),
        (CALENDAR.iloc[3:], "customers lack values"),
        (CALENDAR.drop(index=20), "customers lack values"),
        (CALENDAR.assign(promotion=np.where(WEEKS[20] == WEEKS, np.nan, 1)), "lack values"),
        (CALENDAR.assign(customer_id=1), "119 of 120 customers"),
        (pd.concat([CALENDAR, CALENDAR.iloc[:1]]), "another row"),
        (CALENDAR.assign(promotion="yes"), "no numbers"),
        (CALENDAR[["period"]], "no numbers"),
        (CALENDAR.assign(period=WEEKS.start_time), "pandas periods"),
        (CALENDAR[["promotion"]], "pandas periods"),
    ],
)
def test_covariates_that_leave_days_out_or_are_no_numbers_are_refused(covariates, message):
    with pytest.raises(ValueError, match=message):
        value.purchase_forecast(orders(120), 8, covariates=covariates, as_of=END)


@pytest.mark.parametrize("model", ["pareto_nbd", "bg_bb"])
def test_models_whose_customers_leave_by_the_calendar_are_refused(model):
    with pytest.raises(ValueError, match="model"):
        value.purchase_forecast(orders(120), 4, model=model, covariates=CALENDAR, as_of=END)


# --- recovery


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_known_effect_is_recovered(model):
    rows = orders(4000, seed=5, model=model)
    fit = value.purchase_forecast(
        Sample(rows, draws=200), 8, model=model, covariates=CALENDAR, as_of=END
    )
    row = fit.covariates.iloc[0]
    assert row["low"] < 2 < row["high"] and row["high"] / row["low"] < 1.2
    assert np.exp(fit.log_parameters[1]) == pytest.approx(OWN[1], rel=0.2)


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "samples"), [(150, 50), (600, 80)])
def test_intervals_of_an_effect_that_changes_with_time_cover_it(n, samples, tell_coverage):
    held = []
    for k in range(samples):
        sample = Sample(orders(n, seed=100 + k), draws=150)
        try:
            fit = value.purchase_forecast(
                sample, 8, model="mbg_nbd", covariates=CALENDAR, as_of=END
            )
        except InsufficientData:  # no maximum: the reader is told
            continue
        row = fit.covariates.iloc[0]
        held.append(row["low"] <= 2 <= row["high"])
    tell_coverage(
        "effect of a time-varying covariate, MBG/NBD", f"{n} customers", np.mean(held), len(held)
    )
    assert len(held) > 0.9 * samples
    assert np.mean(held) >= 0.86
