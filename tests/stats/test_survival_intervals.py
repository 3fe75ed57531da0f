"""Bands and quantiles of survival curves: by hand, R and statsmodels as witnesses, coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm
from witness_table import package

from cxlib import churn
from cxlib.stats import intervals, survival, survival_intervals

# Weeks in remission, and whether it ended: Freireich et al. (1963), Blood 21, as in Cox (1972).
MERCAPTOPURINE = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def risk_of(time: list[float], ended: list[int], w: np.ndarray | None = None) -> survival.Risk:
    n = len(time)
    return survival.at_risk(
        np.zeros(n), np.array(time, float), np.array(ended), np.ones(n) if w is None else w
    )


@pytest.mark.parametrize(
    ("time", "ended", "expected"),
    [
        # R: survfit(Surv(time, status) ~ 1, conf.type = "log-log") prints these.
        (MERCAPTOPURINE, ENDED, (23, 13, np.nan)),
        (PLACEBO, [1] * 21, (8, 4, 11)),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # statsmodels takes logarithms of 0
def test_the_median_is_that_of_r_and_statsmodels(time, ended, expected, tell_witness) -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    found = survival_intervals.quantile(risk_of(time, ended))
    tell_witness("survival curve: median and interval", "R survival (6-MP)", found, expected)
    theirs = SurvfuncRight(np.array(time, float), np.array(ended))
    low, high = theirs.quantile_ci(0.5, method="cloglog")
    ends = [theirs.quantile(0.5), low, high if np.isfinite(high) else np.nan]
    tell_witness("survival curve: median and interval", package("statsmodels"), found, ends)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.1, 0.25, 0.5, 0.9])
def test_quantiles_of_many_times_are_found_exactly(part: float) -> None:
    rng = np.random.default_rng(3)
    wait, seen = rng.exponential(100, 900), rng.uniform(50, 400, 900)
    time, left = np.minimum(wait, seen), (wait <= seen).astype(int)
    risk = risk_of(time, left)
    share, covariance = survival.incidence(risk, risk.times)
    ends = survival.bent(share[0], np.sqrt(np.diag(covariance)), 1.959963985)
    first = [risk.times[np.argmax(c >= part)] for c in (share[0], ends[1], ends[0])]
    assert survival_intervals.quantile(risk, part) == pytest.approx(first)


def test_a_weight_of_two_moves_the_median_as_the_customer_twice_does() -> None:
    twice = np.arange(21) < 6
    weighted = survival_intervals.quantile(risk_of(PLACEBO, [1] * 21, 1.0 + twice))
    copies = [*PLACEBO, *np.array(PLACEBO)[twice]]
    assert weighted[0] == survival_intervals.quantile(risk_of(copies, [1] * 27))[0] == 5
    who = np.r_[np.arange(21), np.arange(21)]  # each customer's row twice, known as one
    same = survival_intervals.quantile(risk_of(PLACEBO * 2, [1] * 42), who=who)
    assert_allclose(same, survival_intervals.quantile(risk_of(PLACEBO, [1] * 21)))


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="part is 1"):
        survival_intervals.quantile(risk_of(PLACEBO, [1] * 21), 1)


@pytest.mark.slow
def test_the_sentence_has_the_exact_median_and_all_customers() -> None:
    rows = pd.DataFrame({"time": np.array(PLACEBO, float), "left": True})
    fit = churn.survival(rows, unit="weeks")
    assert str(fit) == "Half of the customers leave within 8 weeks."
    assert fit.finding.detail == "median lifetime, 95% CI 4 to 11 weeks; n = 21"
    assert (fit.finding.value, fit.finding.low, fit.finding.high) == (8, 4, 11)
    both = pd.concat(
        [
            rows.assign(arm="placebo"),
            pd.DataFrame({"time": map(float, MERCAPTOPURINE), "left": ENDED, "arm": "6-MP"}),
        ]
    )
    medians = churn.survival(both, by="arm", unit="weeks").median.set_index("arm")["median"]
    assert medians.to_dict() == {"6-MP": 23, "placebo": 8}


def test_before_the_first_event_the_interval_is_that_of_none_among_so_many() -> None:
    # By hand: of 25 watched until 1 without an event the share is at most 1 - 0.025 ** (1 / 25).
    risk = risk_of([1.0] * 5 + [2.0] * 20, [0] * 5 + [1] * 20)
    n, most = survival_intervals.effective_at_risk(risk, np.array([0.5, 1.5]))
    assert n.tolist() == [25, 20] and most.tolist() == [25, 25]
    low, high = survival_intervals.pointwise(np.zeros(2), np.zeros(2), n)
    assert_allclose(high, 1 - 0.025 ** (1 / n))
    assert_allclose(low, 0)
    curve = churn.survival(
        pd.DataFrame({"time": np.arange(1.0, 41), "left": [False, *[True] * 39]})
    ).curve
    none = curve[curve["estimate"] == 1]
    assert len(none) and (none["low"] < 1).all() and (none["simultaneous_low"] < 1).all()


def test_a_band_is_that_of_clopper_and_pearson_where_nothing_is_censored() -> None:
    from statsmodels.stats.proportion import proportion_confint

    risk = risk_of(list(range(1, 31)), [1] * 30)
    at = np.array([3.0, 12, 21])
    share, covariance = survival.incidence(risk, at)
    n, most = survival_intervals.effective_at_risk(risk, at)
    own = survival_intervals.band(
        share[:, 1:2], np.sqrt(covariance[[1], [1]])[None], np.eye(1), n[[1]], most[[1]]
    )
    theirs = proportion_confint(12, 30, 0.05, "beta")
    assert_allclose([end.item() for end in own], theirs, rtol=1e-6)


def made(n: int, seed: int, kind: str) -> tuple[np.ndarray, ...]:
    """Entry, time, left, weight and customer of stays with a mean of 100, censored at 50 to 250."""
    rng = np.random.default_rng(seed)
    who, w, entry = np.arange(n), np.ones(n), np.zeros(n)
    if kind == "clustered":  # half as many customers, with two stays each that are alike
        who = np.repeat(np.arange(n // 2), 2)
        mood = rng.normal(size=n // 2)[who] + rng.normal(size=len(who))
        wait = -100 * np.log(norm.cdf(mood / np.sqrt(2)))
    else:
        wait = rng.exponential(100, n)
    if kind == "weighted":
        w = rng.choice([0.5, 1.0, 2.0], n)
    if kind == "late":  # those who came under observation late had not left before
        entry = np.where(rng.random(n) < 1 / 3, rng.uniform(0, 60, n), 0.0)
        wait += entry
    seen = entry + rng.uniform(50, 250, len(wait))
    return entry, np.minimum(wait, seen), (wait <= seen).astype(int), w, who


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"),
    [
        (25, ""),
        (50, ""),
        (200, ""),
        (50, "weighted"),
        (25, "weighted"),
        (60, "clustered"),
        (50, "late"),
    ],
)
def test_the_band_covers_the_whole_curve_from_the_start(n: int, kind: str, tell_coverage) -> None:
    held, median = [], []
    for seed in range(200):
        entry, time, left, w, who = made(n, seed, kind)
        risk = survival.at_risk(entry, time, left, w)
        at = np.linspace(2.5, np.sort(time)[-min(10, n // 2)], 30)
        share, covariance = survival.incidence(risk, at, who)
        error = np.sqrt(np.diag(covariance))
        known = error > 0
        cor = covariance[known][:, known] / np.outer(error[known], error[known])
        low, high = survival_intervals.band(
            share[0], error, cor, *survival_intervals.effective_at_risk(risk, at, who), seed=seed
        )
        truth = 1 - np.exp(-at / 100)
        held.append(((low <= truth) & (truth <= high)).all())
        ends = np.nan_to_num(survival_intervals.quantile(risk, who=who), nan=np.inf)
        median.append(ends[1] <= 100 * np.log(2) <= ends[2])
    # At least 95 in 100, less two standard errors of 200 repeats.
    extra = {"clustered": "clustered", "late": "late entry"}.get(kind, kind)
    of = f"{n} customers" + (f", {extra}" if extra else "")
    tell_coverage("survival curve, band", of, np.mean(held), len(held))
    tell_coverage("median survival time", of, np.mean(median), len(median))
    assert np.mean(held) >= 0.93 and np.mean(median) >= 0.92, (np.mean(held), np.mean(median))


@pytest.mark.coverage
@pytest.mark.parametrize("n", [25, 50])
def test_the_drawn_band_of_survival_covers_the_whole_curve(n: int, tell_coverage) -> None:
    held = []
    for seed in range(120):
        _entry, time, left, _w, _who = made(n, 300 + seed, "")
        curve = churn.survival(pd.DataFrame({"time": time, "left": left > 0})).curve
        truth = np.exp(-curve["time"] / 100)
        low, high = curve["simultaneous_low"], curve["simultaneous_high"]
        held.append(((low <= truth) & (truth <= high)).all())
    tell_coverage("survival curve, band by bootstrap", f"{n} customers", np.mean(held), len(held))
    assert np.mean(held) >= 0.93, np.mean(held)


def test_one_critical_value_serves_curves_without_an_event() -> None:
    assert intervals.normal_critical_value(np.eye(0), 0.95, 1) == pytest.approx(1.96, abs=1e-3)
