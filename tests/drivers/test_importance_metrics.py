"""Measures of importance against relaimpo, nested regressions, brute force, and a truth."""

from __future__ import annotations

import json
import sys
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from cxlib import drivers
from cxlib.core.sample import Sample

WITNESS = json.loads(
    (Path(__file__).parents[1] / "reference" / "relative_importance.json").read_text("utf-8")
)
OUTCOME, *PARTS = WITNESS["columns"]
metrics = sys.modules["cxlib.drivers.importance_metrics"]  # the package has a function of that name


def rows_with(covariance: list[list[float]], weights: np.ndarray) -> pd.DataFrame:
    """Made-up rows whose weighted covariances are these, all that measures of importance need."""
    made = np.random.default_rng(0).normal(size=(len(weights), len(covariance)))
    made -= np.average(made, axis=0, weights=weights)
    own = np.linalg.cholesky(np.cov(made.T, aweights=weights, bias=True))
    made = made @ np.linalg.inv(own).T @ np.linalg.cholesky(np.array(covariance)).T
    return pd.DataFrame(made, columns=WITNESS["columns"])


SWISS = rows_with(WITNESS["covariance"], np.ones(WITNESS["n"]))
RELAIMPO = "R relaimpo 2.2-7 (swiss)"


def wide(fit) -> pd.DataFrame:
    """Estimates, drivers by metrics, in the order of PARTS."""
    table = fit.table.pivot(index="term", columns="metric", values="estimate")
    return table.loc[list(dict.fromkeys(fit.table["term"]))]


def r2(rows: pd.DataFrame, columns: list[str], outcome: str = OUTCOME, **how) -> float:
    x = sm.add_constant(pd.get_dummies(rows[columns], drop_first=True).astype(float))
    return sm.OLS(rows[outcome], x).fit(**how).rsquared


def touchpoints(n: int, seed: int) -> pd.DataFrame:
    """Three correlated ratings, the last of which does nothing, and an outcome."""
    rng = np.random.default_rng(seed)
    x = 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 3))
    rows = pd.DataFrame(x, columns=["t0", "t1", "t2"])
    return rows.assign(
        y=x @ [0.8, 0.4, 0.0] + 1.5 * rng.normal(size=n),
        weight=rng.uniform(0.5, 2, n),
        customer_id=np.arange(n),
        channel=rng.choice(["web", "shop", "app"], n),
    )


# --- witnesses


def test_swiss_has_the_numbers_that_relaimpo_and_lm_print(tell_witness):
    fit = drivers.importance_metrics(Sample(SWISS, draws=2), OUTCOME, PARTS)
    found = wide(fit)
    known = {**WITNESS, "betasq": np.square(WITNESS["beta"])}
    for name in ("lmg", "first", "betasq"):
        tell_witness(
            "importance metrics: lmg, first, betasq", RELAIMPO, found[name], known[name], atol=1e-10
        )
    assert_allclose(fit.signs["estimate"], WITNESS["beta"], atol=1e-10)
    assert_allclose(found[["lmg", "pratt", "car"]].sum(), WITNESS["r2"], atol=1e-10)


def test_weights_enter_as_in_relaimpo(tell_witness):
    weights = 1 + np.arange(1, WITNESS["n"] + 1) % 3
    rows = rows_with(WITNESS["covariance_weighted"], weights).assign(w=weights)
    fit = drivers.importance_metrics(Sample(rows, weight="w", draws=2), OUTCOME, PARTS)
    ours, theirs = wide(fit)["lmg"], WITNESS["lmg_weighted"]
    tell_witness("importance metrics: lmg, weighted", RELAIMPO, ours, theirs, atol=1e-10)


def test_last_is_what_a_nested_regression_loses():
    found = wide(drivers.importance_metrics(Sample(SWISS, draws=2), OUTCOME, PARTS))["last"]
    lost = [WITNESS["r2"] - r2(SWISS, [p for p in PARTS if p != part]) for part in PARTS]
    assert_allclose(found, lost, atol=1e-10)


def test_what_is_shared_out_with_covariates_is_the_partial_r2_of_nested_regressions():
    rows, parts = touchpoints(300, 1), ["t0", "t1", "t2"]
    rows["y"] += 2.0 * (rows["channel"] == "web")
    sample = Sample(rows, draws=20)
    fit = drivers.importance(sample, "y", parts, always=["channel"])
    base, whole = (r2(rows, c, "y") for c in (["channel"], [*parts, "channel"]))
    assert fit.r2["term"][0] == "partial R²"
    assert fit.r2["estimate"][0] == pytest.approx((whole - base) / (1 - base))
    assert "Adjusted for channel = " in fit.notes
    # Frisch, Waugh and Lovell: the same as of what is left of each by the covariates.
    dummies = sm.add_constant(pd.get_dummies(rows["channel"], drop_first=True).astype(float))
    left = {c: sm.OLS(rows[c], dummies).fit().resid for c in [*parts, "y"]}
    own = drivers.importance(Sample(pd.DataFrame(left), draws=2), "y", parts)
    assert_allclose(
        fit.table.set_index("term")["estimate"].loc[parts],
        own.table.set_index("term")["estimate"].loc[parts],
        atol=1e-9,
    )
    found = drivers.importance_metrics(sample, "y", parts, always=["channel"])
    assert wide(found)["pratt"].sum() == pytest.approx((whole - base) / (1 - base))


# --- truth by hand, and laws


def test_two_drivers_by_hand():
    cov = np.array([[1, 0.5, 0.4], [0.5, 1, 0.5], [0.4, 0.5, 1]])
    beta = np.array([0.5 - 0.5 * 0.4, 0.4 - 0.5 * 0.5]) / 0.75
    assert_allclose(metrics.coefficient(cov), beta)
    assert_allclose(metrics.pratt(cov), beta * [0.5, 0.4])
    assert_allclose(metrics.semipartial(cov) ** 2, [0.28 - 0.16, 0.28 - 0.25])


def test_uncorrelated_drivers_have_their_squared_correlation_by_every_metric():
    cov = np.eye(4)
    cov[0, 1:] = cov[1:, 0] = [0.6, -0.3, 0.1]
    for name, root in metrics.ROOTS.items():
        value = root(cov) if name == "pratt" else root(cov) ** 2
        assert_allclose(value, [0.36, 0.09, 0.01], err_msg=name)


def test_a_suppressor_is_named():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 400))
    rows = pd.DataFrame({"a": a, "b": 0.8 * a + 0.6 * b})
    rows["y"] = 1.5 * rows["a"] - 0.8 * rows["b"] + 0.3 * rng.normal(size=400)
    fit = drivers.importance_metrics(Sample(rows, draws=200), "y", ["a", "b"])
    assert fit.signs.set_index("term")["suppressed"].to_dict() == {"a": False, "b": True}
    assert fit.finding.detail == "Coefficient and correlation have opposite signs: b."
    assert wide(fit)["pratt"]["b"] < 0


def test_a_factor_has_the_metrics_that_do_not_depend_on_its_coding():
    rows = touchpoints(200, 2)
    rows["y"] += rows["channel"] == "web"
    fit = drivers.importance_metrics(Sample(rows, draws=50), "y", ["t0", "channel"])
    own = wide(fit).loc["channel"]
    assert own["first"] == pytest.approx(r2(rows, ["channel"], "y"))
    assert own["last"] == pytest.approx(r2(rows, ["t0", "channel"], "y") - r2(rows, ["t0"], "y"))
    assert own[list(metrics.OF_ONE_COLUMN)].isna().all()
    assert fit.signs["term"].tolist() == ["t0"]


def test_owen_values_are_the_mean_over_orders_that_keep_groups_together():
    rng = np.random.default_rng(0)
    cov = np.cov(rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6)), rowvar=False)
    groups, total = [[0, 3], [1], [2, 4]], np.zeros(5)
    orders = [
        [j for g in order for j in g]
        for outer in permutations(groups)
        for order in _inner_orders(list(outer))
    ]
    for order in orders:
        before = 0.0
        for at in range(5):
            here = float(metrics._fit(cov, [0, *(1 + j for j in order[: at + 1])]))
            total[order[at]] += (here - before) / len(orders)
            before = here
    found = drivers.owen(cov, groups)
    assert_allclose(found, total, atol=1e-10)
    together = [found[g].sum() for g in groups]
    assert_allclose(together, drivers.shapley(cov, groups), atol=1e-10)


def _inner_orders(groups: list[list[int]]) -> list[list[list[int]]]:
    if not groups:
        return [[]]
    rest = _inner_orders(groups[1:])
    return [[list(p), *others] for p in permutations(groups[0]) for others in rest]


def test_owen_values_are_a_method_of_importance():
    share = partial(drivers.owen, groups=[[0, 2], [1]])
    sample, parts = Sample(touchpoints(200, 3), draws=30), ["t0", "t1", "t2"]
    own = drivers.importance(sample, "y", parts, method=share).table.set_index("term")["estimate"]
    groups = {"both": ["t0", "t2"], "t1": ["t1"]}
    whole = drivers.importance(sample, "y", groups).table.set_index("term")["estimate"]
    assert own["t0"] + own["t2"] == pytest.approx(whole["both"])


# --- mistakes


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"always": ["t0"]}, "covariate 't0' is named twice"),
        ({"always": ["chanel"]}, "no column"),
    ],
)
def test_covariates_that_cannot_be_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        drivers.importance(Sample(touchpoints(60, 1), draws=5), "y", ["t0", "t1"], **how)


def test_groups_that_leave_a_driver_out_are_refused():
    with pytest.raises(ValueError, match="each of the 2 drivers"):
        drivers.owen(np.eye(3), [[0]])


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "weight", "twice"),
    [(30, None, False), (50, None, False), (50, "weight", False), (50, None, True)],
)
def test_intervals_of_metrics_cover_the_truth(n, weight, twice, tell_coverage):
    slopes, between = np.array([0.8, 0.4, 0.0]), np.eye(3) + 0.36
    effect = between @ slopes
    cov = np.block([[slopes @ effect + 2.25, effect], [effect[:, None], between]])
    truth = {"lmg": drivers.shapley(cov)}
    truth |= {m: f(cov) ** (1 if m == "pratt" else 2) for m, f in metrics.ROOTS.items()}
    hits = []
    for sample in range(150):
        rows = touchpoints(n, 7000 + sample)
        rows = pd.concat([rows, rows], ignore_index=True) if twice else rows
        drawn = Sample(rows, weight=weight, cluster="customer_id", draws=300, seed=sample)
        table = drivers.importance_metrics(drawn, "y", ["t0", "t1", "t2"]).table
        true = np.concatenate([truth[m] for m in drivers.METRICS])
        hits.append((table["low"] <= true) & (true <= table["high"]))
    found = pd.Series(
        np.mean(hits, axis=0), index=pd.MultiIndex.from_frame(table[["metric", "term"]])
    )
    of = f"{n} customers" + ", weighted" * (weight is not None) + ", each answer twice" * twice
    for metric, share in found.groupby("metric"):
        tell_coverage(f"part of R² of a driver, {metric}", of, share.mean(), len(hits))
    each = found.drop("lmg").groupby("metric").mean()
    assert each.between(0.92, 0.995).all(), found.to_dict()
