"""The arithmetic of designs: published cases, laws, independent programs and known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib.causal import (
    difference_in_differences,
    experiment,
    interrupted_time_series,
    matching,
    power,
    regression_to_the_mean,
    sensitivity,
)
from cxlib.causal.synthetic_control import simplex, synthetic_control
from cxlib.core.sample import Sample
from cxlib.data import sources
from cxlib.data.mapping import Source
from cxlib.stats import resampling
from cxlib.stats.estimators import Replicated, cell_means, least_squares

KNOWN = json.loads((Path(__file__).parents[1] / "reference" / "designs.json").read_text())
PUBLISHED = KNOWN["published"]
TABLES = {  # inside the package causalpy 0.9.0: read as data, never installed
    "california_prop99": "50d36488a8ef17251e2897ddc46df7c7476b6727cfeb96770c7f5e7422a69f5b",
    "lalonde": "3d88708e5846cec658cceddc0590a72739f3d8ed28cb5c34c1a1042077c6bac8",
}


def published(name: str) -> pd.DataFrame:
    member = f"causalpy/data/{name}.csv"
    source = Source(wheel="causalpy==0.9.0", member=member, sha256=TABLES[name])
    try:
        return pd.read_csv(sources.fetch(source, f"{name}.csv"))
    except Exception as error:  # whatever keeps the data away
        pytest.skip(f"{name} cannot be had: {error}")


def exact(values: np.ndarray, draws: int = 4) -> Replicated:
    """Numbers without noise."""
    values = np.asarray(values, float)
    return Replicated(values, np.repeat(values[None], draws, axis=0))


# Means and regressions


def test_cell_means_are_weighted_means_and_a_weight_of_two_is_the_row_twice():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"y": rng.normal(size=90), "cell": rng.integers(0, 4, 90)})
    rows.loc[5:9, "y"] = np.nan
    w = 1.0 + (rows.index < 30)
    found = cell_means(rows["y"], rows["cell"].to_numpy(), 5, weight=w, draws=3).estimate[:, 0]
    twice = pd.concat([rows, rows[rows.index < 30]])
    assert_allclose(found[:4], twice.groupby("cell")["y"].mean())
    assert np.isnan(found[4])


def test_draws_of_cell_means_are_those_of_their_customers():
    rng = np.random.default_rng(4)
    y, place, keys = rng.normal(size=60), rng.integers(0, 2, 60), np.arange(60) // 3
    clusters = resampling.ResamplingUnits(keys)
    found = cell_means(y, place, 2, clusters=clusters, draws=8, seed=5).replicates[:, :, 0]
    times = resampling.multiplicities(keys, 8, 5).astype(float)
    inside = place[:, None] == np.arange(2)
    assert_allclose(found, (times * y) @ inside / (times @ inside))


def test_least_squares_equals_numpy_and_refuses_columns_that_say_the_same():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    y = rng.normal(size=(50, 2))
    assert_allclose(least_squares(x, y, draws=2).estimate, np.linalg.lstsq(x, y)[0], atol=1e-12)
    with pytest.raises(ValueError, match="4 columns of the regression depend .* 50 rows"):
        least_squares(np.column_stack([x, x[:, 1]]), y, draws=2)


# Randomised


def test_the_adjusted_difference_is_the_regression_with_all_products():
    rng = np.random.default_rng(6)
    x, t = rng.normal(size=(80, 2)), rng.integers(0, 2, 80)
    y = x @ [1.0, -0.5] + 0.3 * t + rng.normal(size=80)
    centred = x - x.mean(0)
    full = np.column_stack([np.ones(80), t, centred, centred * t[:, None]])
    found = experiment.adjusted(y, t, x, draws=2).estimate
    assert_allclose(found, np.linalg.lstsq(full, y)[0][1])


def test_what_is_missing_before_is_marked_and_what_tells_nothing_left_out():
    x = np.array([[1.0, np.nan, 3.0, 5.0], [2, 2, 2, 2]]).T
    assert_allclose(experiment.filled(x), [[1, 0], [3, 1], [3, 0], [5, 0]])


@pytest.mark.parametrize("lacking", [1, 3])
def test_a_past_that_few_lack_or_have_leaves_the_difference_an_answer(lacking):
    rng, arm = np.random.default_rng(4), np.arange(40) % 2
    past = rng.normal(size=40)
    y = past + arm + 0.1 * rng.normal(size=40)
    past[np.flatnonzero(arm == 1)[:lacking]] = np.nan  # in one arm only
    fit = experiment.adjusted(y, arm, past, draws=100)
    assert np.isfinite(fit.replicates).all() and abs(fit.estimate[0] - 1) < 0.3
    rare = np.where(np.arange(40) < lacking, past, np.nan)
    plain = experiment.difference(y, arm, draws=100)
    assert_allclose(experiment.adjusted(y, arm, rare, draws=100).estimate, plain.estimate)


# Difference in differences


def test_card_and_krueger(tell_witness):
    known = PUBLISHED["card_krueger"]
    means = exact([known["NJ"], known["PA"]])
    cells = difference_in_differences.Cells(means, np.ones(2), np.ones((2, 2)))
    found = difference_in_differences.effect(cells, [True, False], [True, False], [False, True])
    ours, source = found.estimate[0], "Card and Krueger (1994)"  # printed to 2 digits
    tell_witness("difference-in-differences", source, ours, known["difference"], atol=0.011)


def grid(values: np.ndarray, share=None) -> difference_in_differences.Cells:
    values = np.asarray(values, float)
    share = np.ones(len(values)) if share is None else np.asarray(share, float)
    return difference_in_differences.Cells(exact(values), share, np.ones(values.shape))


@given(
    level=st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    wave=st.lists(st.floats(-5, 5), min_size=5, max_size=5),
    effect=st.floats(-3, 3),
)
@settings(max_examples=25, deadline=None)
def test_levels_of_groups_and_waves_drop_out(level, wave, effect):
    after = np.arange(5) >= 3
    values = np.add.outer(level, wave) + np.outer([1, 0, 0], effect * after)
    cells, treated = grid(values, [1, 2, 5]), [True, False, False]
    assert_allclose(
        difference_in_differences.effect(cells, treated, ~after, after).estimate, effect, atol=1e-9
    )
    path = difference_in_differences.path(cells, treated, ~after)
    assert_allclose(path.estimate, effect * after, atol=1e-9)


def test_bounds_widen_by_the_largest_step_before_and_break_where_they_reach_nothing():
    after = np.arange(5) >= 3
    path = difference_in_differences.path(grid([[0, 1, 1, 4, 4], [0] * 5]), [True, False], ~after)
    # Steps before: 1 and 0. Waves after are 1 and 2 steps on, 1.5 on average; the effect is 3.
    assert difference_in_differences.bounds(path, ~after, after, 1.0) == pytest.approx((1.5, 4.5))
    assert difference_in_differences.breakdown(path, ~after, after) == pytest.approx(2.0, abs=0.01)


def test_a_step_over_a_missing_wave_counts_as_two():
    after, time = np.arange(5) >= 3, np.array([0, 2, 3, 4, 5])
    path = difference_in_differences.path(grid([[0, 2, 2, 5, 5], [0] * 5]), [True, False], ~after)
    found = difference_in_differences.bounds(path, ~after, after, 1.0, time=time)
    assert found == pytest.approx((1.5, 4.5))


@pytest.mark.slow
def test_uneven_gaps_before_are_told_as_often_as_they_should():
    rng = np.random.default_rng(8)
    before = np.arange(5) < 4
    told = []
    for _ in range(300):
        noise = rng.normal(size=5)
        draws = noise + rng.normal(size=(200, 5))
        path = difference_in_differences._since(Replicated(noise, draws, 400.0), 3)
        told.append(difference_in_differences.pre_trend_test(path, before)[0])
    assert 0.02 <= np.mean(np.array(told) < 0.05) <= 0.09


# Like with like


@pytest.fixture(scope="module")
def trained() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = published("lalonde")
    races = [(rows["race"] == r).astype(float) for r in ("black", "hispan")]
    columns = ["age", "educ", "married", "nodegree", "re74", "re75"]
    x = np.column_stack([rows[columns].to_numpy(float), *races])
    return x, rows["treat"].to_numpy() == 1, rows["re78"].to_numpy(float)


@pytest.mark.slow
def test_lalonde_is_balanced_as_a_general_optimiser_balances_it(trained):
    from scipy.optimize import minimize

    x, treated, y = trained
    w = matching.balanced(x, treated)
    assert_allclose(matching.balance(x, treated, w), 0, atol=1e-6)
    z = (x[~treated] - x[treated].mean(0)) / x.std(0)

    def height(tilt: np.ndarray) -> float:
        return float(np.log(np.exp(z @ tilt).sum()))

    tilt = minimize(height, np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-9}).x
    share = np.exp(z @ tilt) / np.exp(z @ tilt).sum()
    assert_allclose(w[~treated] / w[~treated].sum(), share, atol=1e-6)
    found = matching.effect(y, treated, x, draws=40)
    # Plainly the trained earn 635 less; the experiment they come from found 1,794 more.
    assert y[treated].mean() - y[~treated].mean() == pytest.approx(-635.03, abs=0.01)
    assert found.estimate[0] == pytest.approx(1273.26, abs=0.01)
    assert found.interval()[0][0] < 1794 < found.interval()[1][0]


def test_balance_does_not_depend_on_units_and_leaves_the_like_alone():
    rng = np.random.default_rng(9)
    x, treated = rng.normal(size=(200, 3)), np.arange(200) < 60
    x[treated] += 0.3
    moved = x * [10, 0.1, -1] + [5, 0, 3]
    first, second = matching.balanced(x, treated), matching.balanced(moved, treated)
    assert_allclose(first, second, rtol=1e-5)
    same = np.vstack([x[:60], x[:60]])
    assert_allclose(matching.balanced(same, np.arange(120) < 60), 1.0)
    assert matching.effective(np.ones(7)) == pytest.approx(7)


def test_those_without_their_like_are_named():
    x = np.column_stack([np.r_[np.full(10, 9.0), np.linspace(0, 1, 30)]])
    treated = np.arange(40) < 10
    with pytest.raises(ValueError, match="30 controls similar to the 10 treated .*column 0 of"):
        matching.balanced(x, treated)
    with pytest.raises(ValueError, match="40 of 40 are treated"):
        matching.balanced(x, np.ones(40, bool))


# Synthetic control


@pytest.mark.slow
def test_california_as_published(tell_witness):
    rows, known = published("california_prop99").set_index("Year"), PUBLISHED["california"]
    y, place = rows.to_numpy(float).T, list(rows).index("California")
    plain = synthetic_control(y, place, known["first"])
    source = "R synthdid (California, Proposition 99)"
    tell_witness("synthetic control", source, plain.effect, known["sc"], atol=0.15)
    states = [list(rows).index(s) for s in ("Utah", "Montana", "Nevada", "Connecticut")]
    assert plain.weights[states].sum() > 0.9
    even = synthetic_control(y, place, known["first"], method="sdid")
    ours = even.effect
    tell_witness("synthetic difference-in-differences", source, ours, known["sdid"], atol=0.01)
    others = np.delete(y, place, axis=0).mean(0)
    gap, after = y[place] - others, np.arange(31) >= known["first"]
    assert gap[after].mean() - gap[~after].mean() == pytest.approx(known["did"], abs=1e-4)
    assert even.p == pytest.approx(1 / 39)
    assert 7.5 < np.nanstd(even.placebo, ddof=1) < 11  # printed: 8.4, from 200 random placebos


def test_a_mixture_of_donors_is_found_again():
    rng = np.random.default_rng(10)
    donors = rng.normal(size=(4, 12)).cumsum(1)
    own = 0.7 * donors[1] + 0.3 * donors[3] + 2.0 * (np.arange(12) >= 8)
    fit = synthetic_control(np.vstack([own, donors]), 0, 8)
    assert_allclose(fit.weights, [0, 0, 0.7, 0, 0.3], atol=1e-6)
    assert fit.effect == pytest.approx(2.0, abs=1e-6)
    lifted = synthetic_control(np.vstack([own + 5, donors]), 0, 8, method="sdid")
    assert lifted.effect == pytest.approx(2.0, abs=0.7)  # a level of its own is no effect


def test_weights_on_the_simplex_cannot_be_bettered():
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(9, 6)), rng.normal(size=9)
    w = simplex(x, y)
    slope = x.T @ (x @ w - y)
    assert w.sum() == pytest.approx(1) and (w >= 0).all()
    assert_allclose(slope[w > 1e-9], slope.min(), atol=1e-5)  # Karush, Kuhn and Tucker


@pytest.mark.parametrize(
    ("y", "first", "said"),
    [
        (np.zeros((2, 6)), 3, "Control units: 1"),
        (np.zeros((4, 6)), 1, "1 of 6 periods are before"),
        (np.where(np.eye(4, 6) > 0, np.nan, 0), 3, "4 of 24 means are missing"),
    ],
)
def test_a_stand_in_says_what_it_lacks(y, first, said):
    with pytest.raises(ValueError, match=said):
        synthetic_control(y, 0, first)


# One series


def test_a_broken_line_equals_statsmodels(tell_witness):
    """The line itself, and its covariance under a correlation of .5 (generalised least squares)."""
    known = KNOWN["series"]
    y = np.array(known["y"])
    fit = interrupted_time_series.segmented_regression(y, 25)
    ours, theirs = [fit.step, fit.slope], known["beta"][2:]
    tell_witness(
        "interrupted time series: step, slope", "statsmodels 0.15.0 (GLS)", ours, theirs, rtol=1e-6
    )
    x, _ = interrupted_time_series._columns(np.arange(40), 25, True)
    at = int(np.abs(interrupted_time_series.FOLLOWS - 0.55).argmin())
    assert interrupted_time_series.FOLLOWS[at] == pytest.approx(0.55)
    _, cov = interrupted_time_series._by_correlation(x, y, np.arange(40))
    inverse = np.linalg.pinv(x)
    along = 0.55 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    theirs = known["scale"] * inverse @ along @ inverse.T
    witness = "statsmodels 0.15.0 (GLS)"
    tell_witness("interrupted time series: covariance", witness, cov[at], theirs, rtol=1e-8)


def test_a_line_without_noise_gives_its_step_and_slope_back():
    time = np.arange(12.0)
    y = 3 + 0.5 * time + np.where(time >= 7, 2 + 0.25 * (time - 7), 0)
    fit = interrupted_time_series.segmented_regression(y, 7)
    assert (fit.step, fit.slope) == pytest.approx((2, 0.25))
    assert fit.effect == pytest.approx(2 + 0.25 * 2)
    assert_allclose(fit.counterfactual, 3 + 0.5 * time)
    with pytest.raises(ValueError, match="5 of 5 periods have a value, and 2 come before"):
        interrupted_time_series.segmented_regression(y[:5], 2)


@pytest.mark.parametrize("lost", [[3], [3, 4, 9]])
def test_a_missing_period_is_a_gap_in_the_line(lost):
    time = np.delete(np.arange(14.0), lost)
    y = 3 + 0.5 * time + np.where(time >= 7, 2 + 0.25 * (time - 7), 0)
    first = int((time < 7).sum())
    fit = interrupted_time_series.segmented_regression(y, first, time=time)
    assert (fit.step, fit.slope) == pytest.approx((2, 0.25))
    assert_allclose(fit.counterfactual, 3 + 0.5 * time)


def test_errors_are_never_smaller_than_sampling_makes_them():
    y = np.linspace(1, 2, 10) + 1e-6 * np.cos(np.arange(10))
    fit = interrupted_time_series.segmented_regression(y, 6, sampling=0.04 * np.eye(10))
    assert fit.error > 0.1


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("follows", "least"), [(0.0, 0.975), (0.3, 0.96), (0.6, 0.925), (0.8, 0.87)]
)
def test_intervals_of_a_broken_line_cover(follows, least, tell_coverage):
    """Of 2,000 series. How closely waves follow each other cannot be known from 16 of them."""
    rng = np.random.default_rng(12)
    noise = rng.normal(size=(2000, 16))
    noise[:, 0] /= np.sqrt(1 - follows**2)
    for t in range(1, 16):
        noise[:, t] += follows * noise[:, t - 1]
    fits = [
        interrupted_time_series.segmented_regression(one + (np.arange(16) >= 8), 8) for one in noise
    ]
    held = np.mean([fit.low <= 1.0 <= fit.high for fit in fits])
    tell_coverage(
        "effect, interrupted time series", f"16 waves, autocorrelation {follows}", held, 2000
    )
    assert held >= least


# Compared with CausalPy and CausalImpact


def test_the_same_effects_as_causalpy_and_causalimpact(tell_witness):
    """Their numbers are in reference/peers.json, with the program that prints them. Rows taken for
    independent, as CausalPy takes them, the difference in differences has its interval; with
    customers drawn whole it is shorter, for they answered before and after. The interval of the
    broken series is longer than theirs, which take errors to be independent.
    """
    from reference.peers import panel, waves

    peers = json.loads((Path(__file__).parents[1] / "reference" / "peers.json").read_text())
    rows = panel()

    def differ(clusters: resampling.ResamplingUnits | None) -> tuple[float, float, float]:
        cells = difference_in_differences.group_means(
            rows["y"].to_numpy(),
            rows["group"].to_numpy(),
            rows["t"].to_numpy(),
            2,
            2,
            clusters=clusters,
        )
        found = difference_in_differences.effect(cells, [False, True], [True, False], [False, True])
        return (float(found.estimate[0]), *(float(e[0]) for e in found.interval()))

    known, apart = peers["causalpy"]["differences"], differ(None)
    theirs = [known[k] for k in ("estimate", "low", "high")]
    tell_witness("difference-in-differences: interval", "CausalPy", apart, theirs, atol=0.06)
    paired = differ(resampling.resampling_units(Sample(rows, cluster="unit")))
    assert apart[1] < paired[1] < 0.8 < paired[2] < apart[2]
    fit = interrupted_time_series.segmented_regression(waves()["y"].to_numpy(), 28)
    for name in peers:
        known = peers[name]["series"]
        theirs = known["estimate"]
        witness = {"causalpy": "CausalPy", "causalimpact": "CausalImpact"}[name]
        tell_witness("interrupted time series: effect", witness, fit.effect, theirs, atol=0.03)
        assert fit.low < known["low"] < 3.0 < known["high"]


# What could explain it away, and what could be found


def test_published_e_values(tell_witness):
    for ratio, value in PUBLISHED["e_value"].items():
        ours = sensitivity.e_value(float(ratio))
        tell_witness("E-value", "VanderWeele and Ding (2017)", ours, value, atol=0.005)
    assert sensitivity.e_value(0.5) == pytest.approx(sensitivity.e_value(2.0))
    assert sensitivity.e_value(standardised=0.0) == 1
    assert sensitivity.nearest_to_none(-1, 2) == 0
    assert sensitivity.nearest_to_none(-3, -1) == -1
    with pytest.raises(ValueError, match="either a risk ratio or"):
        sensitivity.e_value()


def test_rosenbaums_gamma_where_all_pairs_agree_is_known():
    ranks, z = np.arange(1, 31), 1.6448536269514722
    expected = ranks.sum() ** 2 / (z**2 * (ranks**2).sum())
    assert sensitivity.hidden_bias(ranks.astype(float)) == pytest.approx(expected, rel=1e-6)
    assert sensitivity.hidden_bias(np.array([1.0, -1.0])) == 1


@pytest.mark.slow
def test_simulated_power_is_that_of_the_t_test_where_answers_are_normal():
    answers = np.random.default_rng(13).normal(size=4000)
    for n, known in KNOWN["power"].items():
        drawn = power.simulated(answers, int(n), draws=3000)
        spread = answers.std()
        smallest = known["smallest"] * spread
        assert power.minimum_detectable_effect(drawn) == pytest.approx(smallest, rel=0.06)
        assert power.detected(drawn, 0.2 * spread) == pytest.approx(known["found"], abs=0.035)
        assert power.detected(drawn, power.minimum_detectable_effect(drawn)) == pytest.approx(
            0.8, abs=0.01
        )
    with pytest.raises(ValueError, match="n=3 customers"):
        power.simulated(answers, 3)


def test_customers_who_answer_twice_are_one_customer():
    answers = np.random.default_rng(14).normal(size=500)
    once, twice = (power.simulated(a, 200, draws=400) for a in (answers, np.c_[answers, answers]))
    assert_allclose(once.error, twice.error)


@pytest.mark.slow
def test_the_way_back_to_the_middle_is_what_davis_says():
    rng = np.random.default_rng(15)
    n, r = 40_000, 0.6
    before = rng.normal(7, 2, n)
    after = 7 + r * (before - 7) + 2 * np.sqrt(1 - r**2) * rng.normal(size=n)
    low = before < 5
    rise = (after - before)[low].mean()
    assert rise == pytest.approx(regression_to_the_mean.expected_return(5, 7, 2, r), abs=0.05)
    half = low & (rng.random(n) < 0.5)
    found = regression_to_the_mean.adjusted_change(before, after + 0.5 * half, half, draws=100)
    assert found.estimate[2] == pytest.approx(0.5, abs=0.06)
    assert_allclose(found.estimate[0], found.estimate[1] + found.estimate[2])
    with pytest.raises(ValueError, match="before and after: 1; controls: 8"):
        regression_to_the_mean.adjusted_change(before[:9], after[:9], np.arange(9) < 1)
