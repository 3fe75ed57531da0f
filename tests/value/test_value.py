"""What customers are worth: published fits, derivatives, laws and known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import hyp2f1

from cxlib import value
from cxlib.core import context, i18n
from cxlib.core.context import Context
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.data import sources, study
from cxlib.stats import resampling
from cxlib.value import loglik, predictions
from cxlib.value.holdout import _finding
from cxlib.value.lifetime_value import _parameters
from cxlib.value.newton import NoMaximum, maximise
from cxlib.value.purchase_model import PurchaseModel
from cxlib.value.valuation import valued

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "value.json").read_text())
WITNESSES = {
    "bg_nbd": "Fader, Hardie and Lee (2005), CDNOW",
    "pareto_nbd": "Fader, Hardie and Lee (2005), CDNOW",
    "mbg_nbd": "lifetimes, as pymc-marketing prints it (CDNOW)",
}
END = pd.Timestamp("2025-01-01") + pd.Timedelta(weeks=780)
MEANS = value.Valuation(amounts="means")
MODELS = {
    "bg_nbd": loglik.bg_nbd,
    "mbg_nbd": loglik.mbg_nbd,
    "pareto_nbd": loglik.pareto_nbd,
}


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """The published sample: 2,357 of the customers of the study, in a file of its own."""
    source = study.read("cdnow").sources["CDNOW_master.txt"]
    name = "CDNOW_sample.txt"
    changed = {
        "member": f"lifetimes/datasets/{name}",
        "mirror": f"cdnow/{name}",
        "sha256": "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
    }
    try:
        path = sources.fetch(source.model_copy(update=changed), name)
    except Exception as error:  # whatever keeps the data away
        pytest.skip(f"the CDNOW sample cannot be had: {error}")
    names = ["customer_id", "number", "at", "discs", "amount"]
    orders = pd.read_csv(path, sep=r"\s+", names=names, dtype={"customer_id": str, "at": str})
    return orders.assign(at=pd.to_datetime(orders["at"], format="%Y%m%d"))


def bought(
    n: int,
    seed: int,
    *,
    weeks: float = 780,
    true=(0.8, 80.0, 0.6, 3.0),
    at_once: bool = False,
) -> pd.DataFrame:
    """Orders of `n` customers who buy by BG/NBD with the parameters `true`, amounts Gamma-Gamma.

    By MBG/NBD where they may leave `at_once`, after the first purchase. Slowly, so that two
    purchases seldom fall on one day, which would make them one.
    """
    rng = np.random.default_rng(seed)
    r, alpha, a, b = true
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    likes, start = rng.gamma(4.0, 1 / 60.0, n), rng.uniform(0, 130, n)
    who, at, rows = np.arange(n), start, []
    while len(who):
        rows.append((who, at, rng.gamma(5.0, 1 / likes[who])))
        stays = (rng.random(len(who)) >= leaves[who]) | ((at == start[who]) & (not at_once))
        later = at + rng.exponential(1 / rate[who])
        who, at = who[stays & (later < weeks)], later[stays & (later < weeks)]
    number, week, amount = (np.concatenate(column) for column in zip(*rows, strict=True))
    orders = pd.DataFrame({"week": week, "amount": amount})
    orders.insert(0, "customer_id", pd.Series(number).map("c{}".format))
    at = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.floor(orders.pop("week") * 7), unit="D")
    return orders.assign(at=at)


def purchases_of_anyone(model: str, own: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Repeat purchases that a customer nothing is known of makes within `age` weeks, (...)."""
    if model == "bg_nbd":
        r, alpha, a, b = own
        a = np.where(np.abs(a - 1) < 1e-6, 1 + 1e-6, a)
        shape = hyp2f1(r, b, a + b - 1, age / (alpha + age))
        return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + age)) ** r * shape)
    if model == "mbg_nbd":
        r, alpha, a, b = own
        shape = hyp2f1(r, b + 1, a + b, age / (alpha + age))
        return b / (a - 1) * (1 - (alpha / (alpha + age)) ** r * shape)
    r, alpha, s, beta = own
    s = np.where(np.abs(s - 1) < 1e-6, 1 + 1e-6, s)
    return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + age)) ** (s - 1))


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return bought(800, 3)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_purchase_models_equal_the_published_fit_of_cdnow(cdnow, model, tell_witness):
    fit = value.lifetime_value(Sample(cdnow, draws=20), MEANS, model=model, as_of="1997-10-01")
    printed = PUBLISHED[model]["parameters"]
    found = fit.parameters.set_index("term")["estimate"]
    assert len(value.score(cdnow, fit, as_of="1997-10-01")) == 2357
    witness, own = WITNESSES[model], found[list(printed)]
    tell_witness(
        "BG/NBD, Pareto/NBD, MBG/NBD: parameters", witness, own, [*printed.values()], atol=1.6e-3
    )
    if model != "mbg_nbd":
        likely = PUBLISHED[model]["log_likelihood"]
        tell_witness("BG/NBD, Pareto/NBD: log-likelihood", witness, fit.loglik, likely, atol=0.05)


def test_the_likelihood_of_one_customer_by_mbg_is_the_published_one(tell_witness):
    one = PUBLISHED["mbg_nbd"]["of_one"]
    x, last, printed = np.array(one["log_likelihood"]).T
    found = loglik.mbg_nbd(np.array(one["parameters"]), x, last, np.full(2, float(one["age"])))
    witness = "pymc-marketing (tests of 2025)"
    tell_witness("MBG/NBD: log-likelihood of a customer", witness, found[0], printed, atol=1e-5)


@pytest.mark.slow
def test_amounts_equal_the_published_fit_of_cdnow(cdnow, tell_witness):
    fit = value.lifetime_value(Sample(cdnow, draws=20), MEANS, as_of="1997-10-01")
    found = fit.parameters.set_index("term")["estimate"]
    printed = PUBLISHED["gamma_gamma"]["parameters"]
    witness, told = "Fader and Hardie (2013), CDNOW", PUBLISHED["gamma_gamma"]
    own, likely = found[list(printed)], told["log_likelihood"]
    tell_witness("Gamma-Gamma: parameters", witness, own, [*printed.values()], atol=0.05)
    tell_witness("Gamma-Gamma: log-likelihood", witness, fit.loglik_amounts, likely, atol=0.05)
    own = value.amount_correlation(Sample(cdnow, draws=50), as_of="1997-10-01").table.iloc[0]
    assert own["n"] == 946 and own["estimate"] == pytest.approx(told["correlation"], abs=0.001)


def test_the_purchases_expected_of_the_first_customer_are_the_published_ones(tell_witness):
    own = np.array(list(PUBLISHED["bg_nbd"]["parameters"].values()))
    first = PUBLISHED["bg_nbd"]["first_customer"]
    data = (np.array([float(first[k])]) for k in ("repeats", "last", "age"))
    ahead = predictions.purchases("bg_nbd", own, *data, first["weeks"])
    witness = "Fader, Hardie and Lee (2004), BG/NBD in Excel"
    tell_witness("BG/NBD: expected purchases", witness, ahead[0], first["purchases"], atol=0.001)


def test_retention_equals_the_published_fit(tell_witness):
    shares = np.array(PUBLISHED["sbg"]["survived"])
    lost = np.round(-np.diff(shares) * 10).astype(int)
    tenure = np.repeat([*range(1, 8), 7], [*lost, 1000 - lost.sum()])
    customers = pd.DataFrame({"tenure": tenure, "left": np.arange(1000) < lost.sum()})
    fit = value.retention(Sample(customers, draws=50))
    found = fit.parameters.set_index("term")["estimate"]
    witness, printed = "Fader and Hardie (2007), High End", PUBLISHED["sbg"]["parameters"]
    tell_witness(
        "sBG retention: parameters", witness, found[[*printed]], [*printed.values()], atol=6e-4
    )
    seen = fit.curve.loc[fit.curve["model"] == "observed", "estimate"]
    assert seen.to_numpy() == pytest.approx(shares[1:] / 100, abs=0.0006)
    assert fit.table["months"].tolist() == ["1", "3", "6", "12", "24", "1", "3", "6"]
    # One who has renewed is likelier to be one who stays (Fader and Hardie 2010).
    assert value.remaining_periods(fit).table["estimate"].is_monotonic_increasing


@pytest.mark.slow
def test_where_the_model_of_renewals_misses_the_answer_says_what_was_seen():
    # Many leave at once, then hardly anybody, then many again: the model's chance only falls.
    tenure = np.repeat([1, 2, 3, 4, 5], [200, 10, 10, 200, 580])
    customers = pd.DataFrame({"tenure": tenure, "left": tenure < 5})
    sample = Sample(customers, draws=50)
    fit = value.retention(sample, ahead=3, unit="weeks")
    off = fit.finding
    assert off.claim == "78% of the customers on file are retained after 3 weeks."
    assert "if those who left earlier are missing" in fit.notes
    assert "does not fit" in off.detail
    assert off.value == pytest.approx(0.78)
    to_come = value.remaining_periods(value.retention(sample, ahead=3)).finding
    assert "cannot be predicted" in to_come.claim and to_come.value is None
    unseen = value.retention(sample, ahead=24).finding  # nobody was observed so long
    assert "does not fit" not in unseen.detail and "expected" in unseen.claim


def test_retention_of_groups_is_what_was_seen_of_each():
    customers = pd.DataFrame(
        {
            "tenure": [1, 2, 2, 2] * 30 + [2] * 50,
            "left": [True, True, False, False] * 30 + [False] * 50,
            "plan": ["a"] * 120 + ["b"] * 50,
        }
    )
    table = value.retention_by_group(Sample(customers, draws=200), "plan", ahead=2).table
    assert table["estimate"].tolist() == pytest.approx([3 / 4 * 2 / 3, 1.0])
    # Nobody of b left: the limit of Clopper and Pearson for none of 50.
    assert table["low"][1] == pytest.approx(0.025 ** (1 / 50))


@pytest.mark.parametrize("name", [*MODELS, "gamma_gamma", "with logs", "sbg"])
def test_slopes_and_bends_are_the_derivatives(name):
    rng = np.random.default_rng(2)
    x = rng.poisson(2, 40).astype(float)
    age = rng.uniform(5, 60, 40)
    last = np.where(x > 0, age * rng.random(40), 0.0)
    amount = rng.gamma(4, 10, 40)
    model, data, at = {
        "bg_nbd": (loglik.bg_nbd, (x, last, age), [0.5, 8, 0.7, 5]),
        "mbg_nbd": (loglik.mbg_nbd, (x, last, age), [0.5, 8, 0.7, 5]),
        "pareto_nbd": (loglik.pareto_nbd, (x, last, age), [0.5, 8, 0.7, 5]),
        "gamma_gamma": (loglik.gamma_gamma, (x + 1, amount), [2, 3, 9]),
        "with logs": (loglik.gamma_gamma, (x + 1, amount, np.log(amount) - 0.1), [2, 3, 9]),
        "sbg": (loglik.sbg, (x + 1, (x > 2).astype(float)), [0.7, 3]),
    }[name]
    _, slope, bend = model(np.array(at, float), *data)
    for j in range(len(at)):
        step = 1e-5 * np.eye(len(at))[j]
        up, down = model(at + step, *data), model(at - step, *data)
        assert slope[j] == pytest.approx((up[0] - down[0]) / 2e-5, abs=1e-5)
        assert bend[:, j] == pytest.approx((up[1] - down[1]) / 2e-5, abs=1e-4)


@pytest.mark.parametrize("model", [loglik.bg_nbd, loglik.mbg_nbd])
def test_the_quick_sums_are_the_sums_of_all_kinds(model):
    rng = np.random.default_rng(3)
    x = rng.poisson(1, 500).astype(float)
    x[:3] = 0, 40, 400  # histories so odd that one of the two ways is beyond all odds
    age = rng.integers(5, 60, 500) / 7
    data = (x, np.where(x > 0, np.ceil(age * rng.random(500)), 0.0), age)
    count, own = rng.integers(1, 9, 500).astype(float), np.array([0.5, 8, 0.7, 0.9])
    for found, each in zip(loglik.SUMS[model](*data, count)(own), model(own, *data), strict=True):
        assert found == pytest.approx(each @ count, rel=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_everyone_is_here_at_the_last_purchase(model):
    x, age = np.array([1.0, 3.0, 9.0]), np.array([10.0, 20.0, 30.0])
    active = predictions.active(model, np.array([0.5, 8, 0.7, 5]), x, age, age)
    # By BG/NBD one may have left right after it, by MBG/NBD after the first too.
    more = x + (5 if model == "mbg_nbd" else 4)
    assert active == pytest.approx(1 if model == "pareto_nbd" else 1 / (1 + 0.7 / more))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.slow
def test_expected_purchases_add_up_over_those_nothing_is_known_of(model):
    """What is expected of all, given each one's past, is what is expected of anyone (a law)."""
    rng = np.random.default_rng(1)
    if model == "pareto_nbd":
        own = np.array([0.8, 8.0, 0.6, 3.0])
        rate, gone = rng.gamma(0.8, 1 / 8, 60_000), rng.gamma(0.6, 1 / 3.0, 60_000)
        end = np.minimum(rng.exponential(1 / gone), 1e6)
        x = rng.poisson(rate * np.minimum(end, 40))
        last = np.where(x > 0, np.minimum(end, 40) * rng.beta(np.maximum(x, 1), 1), 0.0)
        ahead = predictions.purchases(model, own, x.astype(float), last, np.full(60_000, 40.0), 30)
        later = purchases_of_anyone(model, own, 70.0) - purchases_of_anyone(model, own, 40.0)
        assert ahead.mean() == pytest.approx(later, rel=0.03)
    else:
        own = np.array([0.8, 80.0, 0.6, 3.0])
        kept, _ = value.purchase_histories(bought(6000, 9, at_once=model == "mbg_nbd"), END)
        ages = kept["age"].to_numpy()
        data = kept[["repeats", "last", "age"]].to_numpy(float).T
        ahead = predictions.purchases(model, own, *data, 300).mean()
        later = purchases_of_anyone(model, own, ages + 300) - purchases_of_anyone(model, own, ages)
        assert ahead == pytest.approx(later.mean(), rel=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_without_discount_worth_is_what_is_bought(model):
    own, data = np.array([0.8, 8.0, 0.6, 3.0]), (np.array([2.0]), np.array([9.0]), np.array([20.0]))
    plain = predictions.purchases(model, own, *data, 52)
    assert predictions.measures(model, own, *data, 52, 0.0)[:, 2] == pytest.approx(plain)
    assert predictions.measures(model, own, *data, 52, 0.1)[:, 2] < plain


def test_two_purchases_on_one_day_are_one_and_refunds_are_taken_off():
    orders = pd.DataFrame(
        {
            "customer_id": ["a"] * 4,
            "at": pd.to_datetime(["2026-01-01", "2026-01-15", "2026-01-15", "2026-01-15"]),
            "amount": [10.0, 20.0, 30.0, -5.0],
        }
    )
    kept, _ = value.purchase_histories(orders, as_of="2026-01-30")
    row = kept.iloc[0]
    assert (row.repeats, row["last"], row.age, row.mean_amount) == (1, 2.0, 4.0, 45.0)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_customers_change_nothing(random):
    orders = bought(200, 4)
    names = list(orders["customer_id"].unique())
    random.shuffle(names)
    renamed = dict(zip(orders["customer_id"].unique(), names, strict=True))
    other = orders.assign(customer_id=orders["customer_id"].map(renamed)).sample(
        frac=1, random_state=random.randrange(10**6)
    )
    one, two = (
        value.lifetime_value(Sample(o, draws=10)).table["estimate"][0] for o in (orders, other)
    )
    assert one == pytest.approx(two, rel=1e-7)


@pytest.mark.slow
def test_worth_goes_with_the_margin_and_the_currency(orders):
    whole = value.lifetime_value(Sample(orders, draws=50))
    eightfold = Sample(orders.assign(amount=orders["amount"] * 8), draws=50)
    dear = value.lifetime_value(eightfold, value.Valuation(margin=0.25))
    both = (f.table[["estimate", "low", "high"]].to_numpy() for f in (whole, dear))
    assert next(both) * 2 == pytest.approx(next(both), rel=1e-5)


@pytest.mark.slow
def test_a_covariate_that_moves_buying_is_found():
    fast, slow = (
        bought(700, 5, true=(0.8, 4.0, 0.6, 3.0)),
        bought(700, 6, true=(0.8, 8.0, 0.6, 3.0)),
    )
    fast["customer_id"] += "f"
    orders = pd.concat([fast, slow])
    ids = orders["customer_id"].unique()
    z = pd.DataFrame({"fast": [float(i.endswith("f")) for i in ids]}, index=ids)
    fit = value.lifetime_value(Sample(orders, draws=200), covariates=z)
    buy = fit.parameters.set_index("term").iloc[4]
    assert buy.low < np.log(2) < buy.high and buy.low > 0
    scored = value.score(orders, fit, covariates=z)
    assert scored["clv"].mean() == pytest.approx(fit.table["estimate"][0])


@pytest.mark.coverage
@pytest.mark.parametrize("n", [200, 500])
def test_the_intervals_cover_the_truth_95_times_in_100(n, tell_coverage):
    """Parameters, by simulation from BG/NBD and Gamma-Gamma."""
    everyone, hits = value.purchase_histories(bought(60_000, 1), END)[0], []
    for seed in range(120):
        found = PurchaseModel(everyone.iloc[n * seed : n * (seed + 1)], "bg_nbd")
        parts = np.hstack([found.purchase.parts[found.which], found.amount_parts()])
        sums = resampling.resample_sums(parts, 200, seed)
        drawn = found.purchase.replicates(sums[:, :20]), found.amount.replicates(sums[:, 20:])
        table = _parameters(found, *drawn).set_index("term")
        rows = table.loc[["r", "alpha", "b", "p", "q", "v"]]
        truth = np.array([0.8, 80.0, 3.0, 5.0, 4.0, 60.0])
        hits.append((rows["low"] <= truth) & (truth <= rows["high"]))
    share = np.mean(hits, axis=0)
    tell_coverage("parameter of BG/NBD and Gamma-Gamma", f"{n} customers", share.mean(), len(hits))
    assert (share > 0.87).all() and 0.915 < share.mean() < 0.985, share


@pytest.mark.slow
def test_a_customer_who_hands_all_back_in_the_holdout_buys_less_than_nothing(orders):
    end = orders["at"].max() + pd.Timedelta(days=1)
    one = {"customer_id": "back", "amount": 30.0, "at": end - pd.Timedelta(weeks=200)}
    back = {"customer_id": "back", "amount": -30.0, "at": end - pd.Timedelta(weeks=2)}
    more = pd.concat([orders, pd.DataFrame([one, back])], ignore_index=True)
    before, after = (value.holdout(Sample(o, draws=20), 104).overall for o in (orders, more))
    n = before["n"][0]
    assert after["estimate"][0] == pytest.approx((n * before["estimate"][0] - 1) / (n + 1))


@pytest.mark.slow
def test_groups_are_parts_of_the_whole(orders):
    ids = orders["customer_id"].unique()
    groups = pd.Series(np.where(np.arange(len(ids)) % 3 == 0, "x", "y"), index=ids)
    table = value.lifetime_value(Sample(orders, draws=50), groups=groups).table
    parts = table.iloc[1:]
    assert (parts["estimate"] * parts["n"]).sum() / parts["n"].sum() == pytest.approx(
        table["estimate"][0]
    )


@pytest.mark.slow
def test_customers_of_no_group_are_named_and_what_a_purchase_is(orders):
    """Everyone may lie outside of all groups where most belong to none."""
    ids = orders["customer_id"].unique()
    groups = pd.Series(np.where(np.arange(60) % 2 == 0, "x", "y"), index=ids[:60])
    fit = value.lifetime_value(Sample(orders, draws=20), groups=groups)
    lost = fit.table["n"].iloc[0] - fit.table["n"].iloc[1:].sum()
    assert lost == len(ids) - 60 > 0
    assert f"{lost:,} customers belong to none of the groups" in fit.notes
    assert "orders of one day count once" in fit.notes
    assert " days of purchase; n = " in value.expected_purchases(fit).finding.detail


def test_the_life_cycle_by_hand():
    days = {
        "new": ["2026-03-20"],
        "kept": ["2025-12-01", "2026-02-01", "2026-03-20"],
        "risk": ["2025-11-01", "2026-02-01"],
        "back": ["2025-11-01", "2026-03-20"],
        "lost": ["2025-11-01"],
    }
    orders = pd.DataFrame(
        [(c, pd.Timestamp(d), 5.0) for c, when in days.items() for d in when],
        columns=["customer_id", "at", "amount"],
    )
    cycle = value.lifecycle(Sample(orders, draws=20), as_of="2026-04-01", weeks=7)
    last = cycle.table[cycle.table["period"] == cycle.table["period"].iloc[-1]]
    assert last["estimate"].tolist() == [0.2] * 5 and last["n"].tolist() == [5] * 5
    assert cycle.moves.groupby("before")["estimate"].sum().to_numpy() == pytest.approx(1)


@pytest.mark.slow
def test_the_value_of_an_average_customer_is_the_answer(orders):
    sample = Sample(orders, draws=50)
    fit = value.lifetime_value(sample, value.Valuation(margin=0.3, currency="EUR"))
    row, finding = fit.table.iloc[0], fit.finding
    written = i18n.money((row.estimate, "EUR"), 0 if row.estimate >= 20 else 2)
    assert finding.claim == (
        f"The average customer is worth {written} in margin over the next 12 months."
    )
    assert (finding.low, finding.value, finding.high) == (row.low, row.estimate, row.high)
    assert finding.importance == Importance.ANSWER and "margin 30% of amounts" in finding.detail
    half = value.lifetime_value(sample, value.Valuation(26))
    assert str(half).endswith("of sales over the next 26 weeks.")
    assert "sales, no margin stated" in half.finding.detail


@pytest.mark.slow
def test_without_a_margin_value_is_sales_and_no_other_measure(orders):
    sample = Sample(orders, draws=50)
    sales, tenth = (value.lifetime_value(sample, value.Valuation(margin=m)) for m in (None, 0.1))
    ends = ["estimate", "low", "high"]
    assert_allclose(0.1 * sales.table[ends].to_numpy(), tenth.table[ends].to_numpy())
    assert " of sales over the next 12 months." in sales.finding.claim
    assert (sales.finding.at["basis"], tenth.finding.at["basis"]) == ("sales", "margin")


@pytest.mark.slow
def test_a_forecast_far_off_is_news_and_a_good_one_a_check(orders):
    good = value.holdout(Sample(orders, draws=50), 13).finding
    assert good.importance == Importance.METHOD
    # Nobody buys in the weeks that are forecast but one, once.
    end = orders["at"].max()
    stopped = orders[orders["at"] < end - pd.Timedelta(weeks=13)]
    one = stopped.iloc[[0]].assign(at=end)
    bad = value.holdout(Sample(pd.concat([stopped, one]), draws=50), 13).finding
    assert bad.importance == Importance.NEWS and "too high" in bad.claim


@pytest.mark.parametrize(
    ("made", "ends", "forecast", "claim"),
    [
        (0.0041, (0.0029, 0.0054), 0.0019, "too low by 54%"),
        (0.0041, (0.0009, 0.0084), 0.0019, "Too few purchases were made in the last 26 weeks"),
        (0.0041, (0.0029, 0.0054), 0.0039, "was accurate"),
        (0.0, (0.0, 0.0004), 0.0002, "Too few purchases were made in the last 26 weeks"),
    ],
)
def test_a_forecast_of_few_purchases_is_accurate_only_if_near(made, ends, forecast, claim):
    low, high = ends
    row = pd.Series({"term": "all", "estimate": made, "low": low, "high": high, "n": 10_140})
    found = _finding(row, forecast, 26)
    assert claim in found.claim
    assert found.detail.startswith(f"{forecast:.4f}") and f", {made:.4f}" in found.detail


@pytest.mark.slow
def test_the_grid_holds_all_worth(orders):
    sample = Sample(orders, draws=50)
    scored = value.score(sample, value.lifetime_value(sample))
    listed = value.customer_list(scored)
    # A program or a Chinese page cannot take “first” for an order.
    assert {"first_purchase", "probability_active", "expected_purchases"} <= set(listed)
    assert listed["clv"].is_monotonic_decreasing and len(listed) == len(scored)
    assert listed["clv"].sum() == pytest.approx(scored["clv"].sum(), abs=0.005 * len(scored))
    grid = value.value_at_risk(scored)
    assert grid.table["estimate"].sum() == pytest.approx(1)
    assert grid.table["n"].sum() == len(scored)


def test_the_grid_tells_of_no_tile_that_is_hidden():
    worth = [9.0] * 30 + [5.0] * 60 + [1.0] * 60
    rows = pd.DataFrame({"clv_if_active": worth, "risk": np.tile([0.9, 0.4, 0.1], 50)})
    shown = "10 customers of high value have probably stopped buying"
    assert str(value.value_at_risk(Sample(rows, draws=20))).startswith(shown)
    # 8 at medium risk are too few to show, and 10 and 12 beside them would give them away.
    rows.loc[1, "risk"], rows.loc[4, "risk"] = 0.1, 0.1
    hidden = value.value_at_risk(Sample(rows, draws=20)).finding
    assert hidden.claim.startswith("How many of 150 customers") and hidden.value is None


@pytest.mark.slow
def test_customers_who_cost_more_than_they_bring_by_hand():
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "at": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "amount": [100.0, 10.0],
        }
    )
    cases = pd.DataFrame(
        {"customer_id": ["b", "c"], "opened_at": pd.to_datetime(["2026-01-01"] * 2)}
    )
    groups = pd.Series({"a": "x", "b": "x", "c": "y"})
    costs = value.ServiceCosts(contact=4, cheaper=1, margin=0.3)
    found = value.cost_to_serve(Sample(orders, draws=20), cases, costs, groups=groups)
    # b brings 3 and costs 4; c brings nothing and costs 4: 5 short, 6 saved, over 3 customers.
    assert found.table["estimate"].tolist() == pytest.approx([2 / 3, 1 / 2, 1])
    assert found.money["estimate"].tolist() == pytest.approx([5 / 3, 6 / 3])
    # The two cases cost 8 of 110 of sales: from that margin on they pay for themselves.
    assert found.break_even["estimate"].item() == pytest.approx(8 / 110)
    with context.use(Context(smallest_cell=1)):
        sales = value.ServiceCosts(contact=4, cheaper=1, currency="EUR")
        sold = value.cost_to_serve(Sample(orders, draws=20), cases, sales)
        quarter = value.cost_to_serve(Sample(orders, draws=20), cases, costs, days=90).finding
    assert quarter.claim.endswith("within 90 days.")
    assert sold.table["estimate"].item() == pytest.approx(1 / 3)  # only c: b brings 10 and costs 4
    assert "a margin of 7.3% of sales covers the cost of their cases" in sold.finding.claim
    assert "cases at €4.00 each, or €1.00 each if served the cheaper way" in str(sold.notes)


def test_too_few_repeat_buyers_are_a_sentence_and_no_error(capsys):
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(60)] + ["c1", "c2"],
            "at": pd.to_datetime(["2026-01-01"] * 60 + ["2026-02-01"] * 2),
            "amount": 10.0,
        }
    )
    assert value.attempt(value.lifetime_value, orders) is None
    assert value.attempt(value.lifecycle, orders) is None
    said = capsys.readouterr().out.splitlines()
    # Two who came back are too few to be told from one another on a page.
    assert said[0].startswith("Fewer than 10 of 60 customers bought again")
    assert "fewer than 3 complete periods of 13 weeks" in said[1]
    with pytest.raises(ValueError, match="not dates"):  # a mistake stays one
        value.attempt(value.lifetime_value, orders.assign(at="2026-01-01"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda o: o.drop(columns="amount"), "orders have no amounts"),
        (lambda o: o.assign(at=o["at"].astype(str)), "not dates"),
        (lambda o: o.drop_duplicates("customer_id"), "0 of 800 customers bought again"),
        (lambda o: o.assign(amount=-1.0), "none of .* orders is a purchase"),
    ],
)
def test_orders_that_cannot_be_used_are_told(orders, change, said):
    with pytest.raises(ValueError, match=said):
        value.lifetime_value(change(orders))


def test_a_likelihood_without_a_maximum_is_told():
    with pytest.raises(NoMaximum):
        maximise(loglik.sbg, (np.array([1.0]), np.array([1.0])), np.array([5.0]), np.zeros(2))
    with pytest.raises(ValueError, match="some must have, some not"):
        value.retention(pd.DataFrame({"tenure": [1, 2], "left": [True, True]}))


def test_a_customer_without_a_covariate_is_told(orders):
    z = pd.DataFrame({"years": [30.0]}, index=["c1"])
    with pytest.raises(ValueError, match="799 of 800 customers lack a covariate"):
        value.lifetime_value(orders, covariates=z)


@pytest.mark.slow
def test_a_forecast_without_an_interval_says_so():
    """Customers of a growing shop hardly seem to leave: the data do not bound how fast."""
    rng = np.random.default_rng(7)
    weeks = [
        start + (100 - start) * rng.uniform(0, 1, 1 + rng.poisson(rng.gamma(3, 2))) ** 0.8
        for start in rng.uniform(0, 40, 100)
    ]
    orders = pd.DataFrame({"customer_id": np.repeat(np.arange(100), list(map(len, weeks)))})
    day = pd.to_timedelta(np.concatenate(weeks) * 7, unit="D")
    amount = rng.gamma(5, rng.gamma(4, 1, 100)[orders["customer_id"]])
    orders = orders.assign(at=pd.Timestamp("2024-01-01") + day, amount=amount)
    fit = value.lifetime_value(Sample(orders, draws=50), value.Valuation(margin=0.3))
    assert np.isnan(fit.table["low"].iloc[0])
    for result in (fit, value.expected_purchases(fit)):
        assert "no interval can be given" in result.finding.detail
        assert "CI" not in result.finding.detail and "–" not in result.finding.detail
        assert "Do not rely on this forecast" in str(result.notes)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [False, True])
def test_the_model_by_which_customers_bought_is_among_those_that_fit(at_once):
    orders = bought(900, 11, at_once=at_once)
    models = value.compare_models(Sample(orders), holdout=0, as_of=END)
    true, other = ("MBG/NBD", "BG/NBD") if at_once else ("BG/NBD", "MBG/NBD")
    fits = models.table.set_index("term")["fits"]
    assert fits[true] and (at_once or not fits[other])  # few customers do not tell MBG from BG
    assert value.choose(models) == models.best and value.choose(models, "bg_nbd") == "bg_nbd"


@pytest.mark.slow
def test_models_that_fit_alike_and_disagree_say_so(orders):
    of = pd.Series(orders["customer_id"].unique())
    groups = pd.Series(np.where(np.arange(len(of)) % 2, "odd", "even"), of)
    models = value.compare_models(Sample(orders, draws=20), groups=groups, holdout=13)
    table = models.table
    assert table["behind"].min() == 0 and table["chosen"].sum() == 1
    assert table.loc[table["chosen"], "fits"].item()
    wide = models.active.pivot(index="term", columns="group", values="estimate")
    assert wide["everyone"].to_dict() == pytest.approx(
        table.set_index("term")["estimate"].to_dict()
    )
    fit = value.lifetime_value(Sample(orders, draws=20), model=models.best)
    unsure = models.replace(parts={**models.parts, "depends": True})
    said = value.expected_purchases(fit, unsure).finding
    assert "depends on the model" in said.claim and said.verdict == "unclear"
    stake = value.value_at_risk(value.score(orders, fit), models=unsure).finding
    assert "depends on the purchase model" in stake.detail


def test_a_contract_is_worth_its_charges_while_it_lasts():
    """A tenth of each month's customers leave: 20 a month, kept .9, .81, .729 and discounted."""
    months = np.repeat(np.arange(1, 6), [10, 9, 8, 7, 66])
    left = np.repeat([True, True, True, True, False], [10, 9, 8, 7, 66])
    rows = pd.DataFrame({"tenure": months, "left": left, "fee": 20.0})
    tail = 34 / (100 + 90 + 81 + 73 + 66)  # beyond the longest tenure, of all periods seen
    terms = value.Valuation(weeks=13, discount=0.1, margin=0.5)
    fit = value.contract_value(Sample(rows, draws=50), "fee", terms)
    keeps = (1 - tail) ** np.arange(1, 4) * 1.1 ** (-np.arange(1, 4) / 12)
    assert fit.table["estimate"].item() == pytest.approx(10 * keeps.sum())
    assert fit.total[0] == pytest.approx(66 * 10 * keeps.sum())
    two = pd.concat([rows.assign(plan="a"), rows.assign(plan="b", fee=40.0)])
    groups = value.contract_value(Sample(two, draws=50), "fee", terms, by="plan").table
    assert groups["estimate"].tolist() == pytest.approx(list(np.array([15, 10, 20]) * keeps.sum()))
    with pytest.raises(ValueError, match="below 0 for 100 customers"):
        value.contract_value(rows.assign(fee=-1.0), "fee")


@pytest.mark.slow
def test_a_group_that_buys_twice_as_often_is_found():
    fast, slow = (bought(500, k, true=(0.8, a, 0.6, 3.0)) for k, a in ((5, 4.0), (6, 8.0)))
    fast["customer_id"] += "f"
    orders = pd.concat([fast, slow])
    ids = pd.Series(orders["customer_id"].unique())
    groups = pd.Series(np.where(ids.str.endswith("f"), "fast", "slow"), ids)
    fit = value.covariate_effects(Sample(orders, draws=100), groups, model="bg_nbd")
    buys, leaves = fit.table.itertuples()
    truth = 2.0 if buys.against == "slow" else 0.5
    assert buys.low < truth < buys.high and leaves.low < 1 < leaves.high


def test_no_interval_of_a_value_goes_below_nothing() -> None:
    from cxlib.value.lifetime_value import grouped

    draws = np.random.default_rng(1).normal([[0.07, 0.6]], [[0.01, 0.4]], (200, 2))
    table = grouped("clv", ["everyone", "A"], np.array([0.07, 0.6]), draws, np.array([900, 60]))
    assert (table[["low", "simultaneous_low"]].min() >= 0).all() and (draws < 0).any()


def test_where_hardly_anybody_buys_again_nothing_is_to_be_spent_on_keeping():
    row = pd.Series({"estimate": 0.24, "low": 0.13, "high": 0.36, "n": 900})
    terms = value.Valuation(currency="EUR")
    assert "it is sales, not profit" in valued(row, terms).action
    once = valued(row, terms, purchases=0.002).action
    assert once.startswith("Do not spend on keeping customers by this")


@pytest.mark.parametrize(
    ("error", "active", "said"),
    [(0.1, 0.9, ""), (0.54, 0.9, "off by 54% in the hold-out"), (0.1, 0.03, "3% to 100%")],
)
def test_a_forecast_that_tests_or_models_contradict_is_said_not_to_be_reliable(error, active, said):
    models = pd.DataFrame({"estimate": [1.0, active], "error": [error, 0.0], "fits": True})
    models = Result(models.assign(chosen=[True, False]), "")
    row = pd.DataFrame({"term": ["CLV"], "estimate": [0.24], "low": [0.1], "high": [0.4], "n": [9]})
    clv = Result(row, valued(row.iloc[0], value.Valuation(currency="EUR")))
    told = value.with_reliability(clv, models).finding
    assert told.claim.endswith("; this forecast is not reliable.") == bool(said)
    assert said in told.detail
