"""Gains, robustness, penalty and reward, necessity and the joined table: by hand, law and truth."""

from __future__ import annotations

import re
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from test_drivers_importance import PARTS, visits

from cxlib import drivers, plots
from cxlib.causal.sensitivity import robustness
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.drivers import linear
from cxlib.drivers.penalty_reward import _finding, _named

STUDIES = Path(__file__).parents[2] / "data"
SLOPES = np.linspace(0.8, 0.3, 5)
TOUCHPOINTS = [f"t{j}" for j in range(5)]


def ratings(n: int, seed: int) -> pd.DataFrame:
    """Ratings from 1 to 5 of a must-be, an attractive touchpoint and one of no effect."""
    rng = np.random.default_rng(seed)
    x = rng.choice(5, size=(n, 3), p=[0.1, 0.2, 0.4, 0.2, 0.1]) + 1
    y = np.where(x[:, 0] <= 2, -1.2, 0) + np.where(x[:, 1] >= 4, 1.2, 0) + rng.normal(size=n)
    table = pd.DataFrame(x, columns=["must", "charm", "idle"]).astype(float)
    return table.assign(y=y, weight=rng.uniform(0.5, 2, n))


# --- gains


def test_a_gain_is_the_slope_of_the_regression(responses):
    fit = drivers.gains(Sample(responses, weight="weight", draws=50), "recommend", PARTS)
    w = np.sqrt(responses["weight"])
    x = np.column_stack([np.ones(len(responses)), responses[PARTS]])
    slope = np.linalg.lstsq(x * w.to_numpy()[:, None], responses["recommend"] * w, rcond=None)[0]
    found = fit.table.set_index("term")
    assert_allclose(found["estimate"][PARTS], slope[1:])
    assert_allclose(found["level"][PARTS], np.average(responses[PARTS], 0, responses["weight"]))
    assert_allclose(fit.performance["estimate"], found["level"][PARTS])


def test_a_driver_is_raised_no_further_than_its_scale(responses):
    free = drivers.gains(Sample(responses, draws=20), "recommend", PARTS).table.set_index("term")
    top = free["level"]["speed"] + 0.25
    fit = drivers.gains(Sample(responses, draws=20), "recommend", PARTS, scales={"speed": (1, top)})
    held = fit.table.set_index("term")
    assert held["estimate"]["speed"] == pytest.approx(free["estimate"]["speed"] / 4)
    assert fit.details.set_index("term")["step"].to_dict() == pytest.approx(
        {"speed": 0.25, "price": 1, "staff": 1}
    )


def test_the_best_group_is_the_one_with_the_highest_mean(responses):
    sample = Sample(responses, draws=50)
    fit = drivers.best_groups(sample, "recommend", PARTS, by="channel")
    means = responses.groupby("channel")[PARTS].mean()
    best = fit.table.set_index("term")
    slope = drivers.gains(sample, "recommend", PARTS).table.set_index("term")["estimate"]
    for part in PARTS:
        assert best["channel"][part] == means[part].idxmax()
        gap = means[part].max() - responses[part].mean()
        assert best["estimate"][part] == pytest.approx(slope[part] * gap)
    assert "part of its lead may be chance" in fit.notes


def test_darfur_has_the_robustness_that_cinelli_and_hazlett_print():
    # Table 1 of the paper: coefficient .097, s.e. .023, t 4.184, df 783; R² 2.2%, RV 13.9%, 7.6%
    partial = 4.18445**2 / (4.18445**2 + 783)
    assert partial == pytest.approx(0.02187309, abs=1e-7)
    assert robustness(partial, 783) == pytest.approx(0.13877635, abs=1e-7)
    assert robustness(partial, 783, level=0.95) == pytest.approx(0.07625797, abs=1e-7)
    assert robustness(partial, 783, share=0.5) == pytest.approx(0.07202698, abs=1e-7)


def test_a_cause_as_strong_as_the_robustness_takes_the_gain_away():
    # a hidden cause that explains the share RV of what is left of both, made to order
    rng = np.random.default_rng(3)
    n = 5000
    basis = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 3))]))[0][:, 1:]
    driver, noise = basis[:, 0], basis[:, 1]
    rows = pd.DataFrame({"x": driver, "y": 0.4 * driver + noise})
    fit = drivers.gains(Sample(rows, draws=5), "y", ["x"])
    rv = fit.table["robustness"].item()
    # cause = a x + b e + c u with partial R² of rv with x, and of rv with y given x
    with_x, given_x = np.sqrt(rv), np.sqrt(rv * (1 - rv))
    cause = with_x * driver + given_x * noise + np.sqrt(1 - rv - rv * (1 - rv)) * basis[:, 2]
    both = drivers.gains(Sample(rows.assign(cause=cause), draws=5), "y", ["x", "cause"])
    assert both.table.set_index("term")["estimate"]["x"] == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(0.2, 20), st.floats(-5, 5))
def test_units_and_row_order_do_not_matter_to_what_a_gain_rests_on(seed, factor, shift):
    rows = visits(60, seed, k=3)
    parts = ["t0", "t1", "t2"]
    one = drivers.gains(Sample(rows, weight="weight", draws=8), "outcome", parts)
    turned = rows.assign(t1=shift + factor * rows["t1"], weight=2 * rows["weight"])
    two = drivers.gains(Sample(turned.iloc[::-1], weight="weight", draws=8), "outcome", parts)
    a, b = one.table.set_index("term"), two.table.set_index("term").loc[one.table["term"]]
    per_unit = np.where(b.index == "t1", factor, 1.0)
    assert_allclose(a["estimate"], b["estimate"] * per_unit, atol=1e-9)
    assert_allclose(a["robustness"], b["robustness"], atol=1e-9)


def perfect(extra: bool = True) -> pd.DataFrame:
    """Answers that a and b explain completely: y = (a + 2b)/3; c has nothing to do with them."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.integers(1, 11, (120, 2)), columns=["a", "b"]).astype(float)
    rows = rows.assign(y=(rows["a"] + 2 * rows["b"]) / 3, unit=np.repeat(range(6), 20))
    return rows.assign(c=rng.normal(size=120)) if extra else rows


def test_a_perfect_fit_has_slopes_and_they_are_significant():
    fit = drivers.gains(Sample(perfect(), draws=60), "y", ["a", "b", "c"])
    table = fit.table.set_index("term")
    assert_allclose(table.loc[["b", "a", "c"], "estimate"], [2 / 3, 1 / 3, 0], atol=1e-9)
    assert_allclose(table["low"], table["high"], atol=1e-9)
    details = fit.details.set_index("term")
    assert_allclose(details.loc[["a", "b"], "partial_r2"], 1)
    assert_allclose(details["joint_low"], table.loc[details.index, "estimate"], atol=1e-9)
    assert "No driver" not in fit.finding.claim and fit.finding.verdict == ""


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-4, 1.0])
def test_slopes_are_those_of_least_squares_however_little_is_left(noise):
    rows = perfect()
    rows["y"] += noise * np.random.default_rng(2).normal(size=120)
    cov = np.cov(rows[["y", "a", "b", "c"]].T)
    coefficients, partial = linear.slopes(cov)
    x = np.column_stack([np.ones(120), rows[["a", "b", "c"]]])
    expected, left, *_ = np.linalg.lstsq(x, rows["y"], rcond=None)
    assert_allclose(coefficients, expected[1:], atol=1e-9)
    without = np.linalg.lstsq(x[:, [0, 1, 3]], rows["y"], rcond=None)[1]
    assert partial[1] == pytest.approx(float(1 - (left.sum() / without[0])), abs=1e-6)


def test_measures_of_a_perfect_fit_add_up_to_it():
    fit = drivers.importance_metrics(Sample(perfect(extra=False), draws=60), "y", ["a", "b"])
    table = fit.table.pivot(index="term", columns="metric", values="estimate")
    assert_allclose(table[["lmg", "pratt", "car"]].sum(), 1)
    r = perfect()[["a", "b", "y"]].corr()
    assert_allclose(table["last"], 1 - r.loc[["b", "a"], "y"] ** 2)  # what the other leaves


def test_a_perfect_fit_within_units_leaves_no_variance_between_them():
    fit = drivers.within_groups(Sample(perfect(), draws=40), "y", ["a", "b"], by="unit")
    assert_allclose(fit.table["estimate"], [1 / 3, 2 / 3])
    assert np.isnan(fit.icc)


def test_a_gain_that_chance_would_give_is_no_gain():
    rows = visits(200, seed=8, k=3).assign(
        outcome=lambda r: np.random.default_rng(2).normal(size=len(r))
    )
    fit = drivers.gains(Sample(rows, draws=200), "outcome", ["t0", "t1", "t2"])
    assert str(fit).startswith("No driver is significantly associated with outcome")
    joined = drivers.opportunities(
        fit,
        drivers.importance(Sample(rows, draws=20), "outcome", ["t0", "t1", "t2"]),
        outcome="outcome",
    )
    assert str(joined).startswith("No driver can be put first") and not joined.finding.action


def test_what_has_several_columns_cannot_be_raised(responses):
    with pytest.raises(ValueError, match="'channel' has .* cannot be raised by a point"):
        drivers.gains(Sample(responses, draws=5), "recommend", [*PARTS, "channel"])
    with pytest.raises(ValueError, match="'both' has 2 columns: a factor or a group"):
        drivers.gains(Sample(responses, draws=5), "recommend", {"both": ["speed", "price"]})


# --- not experienced


def never_met(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = visits(n, seed, k=3)
    never = rng.random(n) < 0.4
    outcome = rows["outcome"] - np.where(never, 0.6 * rows["t1"] + 1.0, 0)  # t1 moves who met it
    return rows.assign(t1=rows["t1"].mask(never), t1_not_experienced=never, outcome=outcome)


def test_dummy_adjustment_is_the_regression_with_a_column_for_those_who_never_met_it():
    rows, parts = never_met(400, 1), ["t0", "t1", "t2"]
    fit = drivers.gains(Sample(rows, draws=20), "outcome", parts, missing="dummy")
    met = rows["t1"].notna().astype(float)
    x = np.column_stack([np.ones(400), rows["t0"], rows["t1"].fillna(0), rows["t2"], 1 - met])
    slope = np.linalg.lstsq(x, rows["outcome"], rcond=None)[0]
    assert_allclose(fit.table.set_index("term")["estimate"][parts], slope[1:4])
    assert "400 of 400 responses" in fit.notes and "These rows are kept" in fit.notes
    share = drivers.importance(Sample(rows, draws=20), "outcome", parts, missing="dummy")
    residual = rows["outcome"] - x @ slope
    assert share.r2["estimate"].item() == pytest.approx(1 - residual.var() / rows["outcome"].var())


def seldom_met(n: int, seed: int) -> pd.DataFrame:
    """Two touchpoints that three customers never met, one of them neither: flags nearly copies."""
    rows = visits(n, seed, k=3)
    for part, never in (("t0", [0, 1]), ("t1", [0, 2])):
        rows[f"{part}_not_experienced"] = rows.index.isin(never)
        rows[part] = rows[part].mask(rows.index.isin(never))
    return rows


@pytest.mark.parametrize("fit_of", [drivers.gains, drivers.importance])
def test_draws_that_cannot_be_fitted_are_left_out_and_counted(fit_of):
    rows, parts = seldom_met(200, 1), ["t0", "t1", "t2"]
    fit = fit_of(Sample(rows, draws=300), "outcome", parts, missing="dummy")
    assert fit.table[["low", "high"]].notna().all().all()
    if fit_of is drivers.gains:  # a draw of customer 0 alone has one column for both touchpoints
        lost = re.search(
            r"(\d+) of 300 resamples had drivers that were constant or copies", fit.notes
        )
        assert lost and 0 < int(lost[1]) < 150


def test_a_draw_in_which_everybody_met_a_touchpoint_can_be_fitted():
    rows = visits(200, 1, k=3)
    rows["t0_not_experienced"] = rows.index == 0
    rows["t0"] = rows["t0"].mask(rows.index == 0)
    fit = drivers.gains(Sample(rows, draws=100), "outcome", ["t0", "t1", "t2"], missing="dummy")
    assert "drivers that were constant or copies" not in fit.notes


@pytest.mark.slow
def test_every_treatment_of_missing_answers_stands_beside_the_others():
    parts = ["t0", "t1", "t2"]
    fit = drivers.missing_sensitivity(Sample(never_met(500, 2), draws=30), "outcome", parts)
    assert set(fit.table["missing"]) == {"complete", "pairwise", "em", "dummy"}
    assert "all 4 treatments" in str(fit) or "depends on the treatment" in str(fit)
    whole = drivers.missing_sensitivity(Sample(visits(100, 1, k=3), draws=30), "outcome", parts)
    assert set(whole.table["missing"]) == {"complete"} and "No answer is missing" in str(whole)
    apart = visits(200, 1, k=3).assign(
        t0=lambda r: r["t0"].where(r.index < 100), t1=lambda r: r["t1"].where(r.index >= 100)
    )
    with pytest.raises(ValueError, match="Nobody answered all of"):
        drivers.missing_sensitivity(Sample(apart, draws=5), "outcome", parts)


# --- penalty and reward


def test_a_contrast_is_the_regression_on_low_and_high():
    rows = ratings(400, 1)
    parts = ["must", "charm", "idle"]
    fit = drivers.penalty_reward(Sample(rows, weight="weight", draws=50), "y", parts)
    cut = fit.classes.set_index("term")
    columns = [np.ones(400)]
    for part in parts:
        columns += [rows[part] <= cut["below"][part], rows[part] >= cut["above"][part]]
    x, w = np.column_stack(columns).astype(float), np.sqrt(rows["weight"].to_numpy())
    slope = np.linalg.lstsq(x * w[:, None], rows["y"] * w, rcond=None)[0]
    assert_allclose(fit.table["estimate"], slope[1:])
    assert cut["below"].tolist() == [2, 2, 2] and cut["above"].tolist() == [4, 4, 4]
    assert fit.table["n"].iloc[0] == (rows["must"] <= 2).sum()
    assert "must up to 2, from 4" in fit.notes


def test_asymmetry_and_class_by_hand():
    from cxlib.drivers.penalty_reward import _asymmetry, _kinds

    sides = np.array([[3.0, 1.0], [1.0, 3.0], [2.0, 2.0], [-1.0, 2.0], [0.05, 0.05]])
    lean, size = _asymmetry(sides)
    assert_allclose(lean, [-0.5, 0.5, 0, 1, 0])
    assert_allclose(size, [4, 4, 4, 2, 0.1])
    kinds = [drivers.CLASSES[i] for i in _kinds(lean, size, 1.0)]
    assert kinds == ["must-be", "attractive", "performance", "attractive", "indifferent"]


def test_what_was_built_in_is_classed_as_it_was_built():
    fit = drivers.penalty_reward(
        Sample(ratings(1500, 2), draws=300), "y", ["must", "charm", "idle"]
    )
    found = fit.classes.set_index("term")["class"].to_dict()
    assert found == {"must": "must-be", "charm": "attractive", "idle": "indifferent"}
    chances = fit.chances[list(drivers.CLASSES)]
    assert_allclose(chances.sum(axis=1), 1)
    claim = "Must is a must-be by association: low ratings cost more than high ones gain."
    assert str(fit) == claim
    assert fit.finding.detail.startswith("must-be: must over 99%; attractive: charm")
    assert fit.finding.importance == Importance.NOTABLE


def test_the_kind_that_is_named_is_the_most_probable_one():
    chances = np.array([[0.72, 0.25, 0.02, 0.01], [0.59, 0.2, 0.2, 0.01], [0.1, 0.1, 0.2, 0.6]])
    assert [_named(row) for row in chances] == [0, -1, 3]
    classes = pd.DataFrame({"term": ["check_in"], "class": ["must-be"], "chance": [0.72], "n": 90})
    classes = classes.assign(low=-0.9, high=-0.1)
    finding = _finding(classes, "recommend")
    assert finding.claim.startswith("“Check in” is probably a must-be, by association:")
    assert "72%" in finding.detail and finding.importance == Importance.ANSWER
    # High ratings gain more than low ones cost only where the two differ significantly.
    sure = classes.assign(chance=0.85, **{"class": "attractive"})
    assert "is probably attractive" in _finding(sure.assign(low=-0.2, high=0.9), "y").claim
    assert "“Check in” is attractive" in _finding(sure.assign(low=0.1, high=0.9), "y").claim


def test_a_driver_without_three_parts_is_left_out_and_named():
    rows = ratings(200, 3).assign(met=lambda r: (r["must"] > 3).astype(float))
    fit = drivers.penalty_reward(Sample(rows, draws=20), "y", ["must", "met"])
    assert set(fit.table["term"]) == {"must"} and "Left out" in fit.notes and "met" in fit.notes
    with pytest.raises(InsufficientData, match="No driver has 10 low and 10 high ratings"):
        drivers.penalty_reward(rows, "y", ["met"])
    with pytest.raises(ValueError, match="a contrast needs answers"):
        drivers.penalty_reward(rows, "y", ["must"], missing="em")


def test_those_who_never_met_a_touchpoint_are_neither_low_nor_high():
    rng = np.random.default_rng(1)
    rows = ratings(600, 4)
    never = rng.random(600) < 0.3
    rows = rows.assign(charm=rows["charm"].mask(never), charm_not_experienced=never)
    fit = drivers.penalty_reward(Sample(rows, draws=50), "y", ["must", "charm"], missing="dummy")
    counted = fit.table.query("term == 'charm'").set_index("effect")["n"]
    assert counted["penalty"] == (rows["charm"] <= 2).sum()
    assert counted["reward"] == (rows["charm"] >= 4).sum()
    assert fit.classes["n"].iloc[0] == 600


# --- necessity


def test_the_empty_corner_by_hand():
    # steps at (1, 1), (2, 3), (4, 4) in a box from 1 to 5 and 1 to 5
    rows = pd.DataFrame({"x": [1, 2, 4, 5, 3], "y": [1, 3, 4, 5, 2.0]})
    fit = drivers.necessary_conditions(rows, "y", ["x"], permutations=200)
    # widths 1, 2, 1 times what is free above: 4, 2, 1
    assert fit.table["estimate"].item() == pytest.approx((4 + 2 * 2 + 1) / 16)
    assert fit.ceilings[["x", "y"]].to_numpy().tolist() == [[1, 1], [2, 3], [4, 4], [5, 5]]
    # the line through the four corners: slope 9 / 10, through (3, 3.25)
    line = drivers.necessary_conditions(rows, "y", ["x"], ceiling="cr_fdh", permutations=200)
    assert line.lines["slope"].item() == pytest.approx(0.9)
    assert line.lines["intercept"].item() == pytest.approx(0.55)
    # above it: a triangle with sides 4.45 / .9 - 1 and 5 - 1.45
    assert line.table["estimate"].item() == pytest.approx((4.45 / 0.9 - 1) * 3.55 / 2 / 16)
    needed = fit.needed.set_index("outcome")["x"]
    assert needed[5.0] == 5 and needed[3.0] == 2 and np.isnan(needed[1.0])


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["ce_fdh", "cr_fdh"]), st.booleans())
def test_the_corner_is_what_a_fine_grid_finds_empty(seed, ceiling, fine):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, 30) if fine else rng.integers(0, 5, 30).astype(float)
    y = rng.uniform(0, 1, 30) * (1 + x) if fine else rng.integers(0, 4, 30) * (x > 0) + 0.0
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    rows = pd.DataFrame({"x": x, "y": y})
    fit = drivers.necessary_conditions(rows, "y", ["x"], ceiling=ceiling, permutations=1)
    across, up = np.meshgrid(np.linspace(x.min(), x.max(), 401), np.linspace(y.min(), y.max(), 401))
    across, up = across + np.ptp(x) / 1e6, up + np.ptp(y) / 1e6
    if ceiling == "ce_fdh":
        above = np.ones_like(across, bool)
        for a, b in zip(x, y, strict=True):
            above &= ~((a <= across) & (b >= up))
    else:
        line = fit.lines.iloc[0]
        above = up > line["intercept"] + line["slope"] * across
        if np.isnan(line["slope"]):
            above[:] = False
    assert fit.table["estimate"].item() == pytest.approx(above.mean(), abs=0.012)


def test_turning_the_scale_of_a_driver_into_other_units_changes_nothing():
    rows = ratings(200, 5)
    one = drivers.necessary_conditions(rows, "y", ["must", "charm"], permutations=100).table
    other = rows.assign(must=3 + 7 * rows["must"], y=rows["y"] / 2)
    two = drivers.necessary_conditions(
        other.iloc[::-1], "y", ["must", "charm"], permutations=100
    ).table
    assert_allclose(one["estimate"], two["estimate"])


def test_tables_drawn_cell_by_cell_are_shuffled_rows():
    from cxlib.drivers.necessary_conditions import _reach, _shuffled

    rng = np.random.default_rng(2)
    y, sizes = rng.integers(0, 4, 60).astype(float), np.array([5, 20, 25, 10])
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    cells = _shuffled(y, np.ones(60, int), starts, 20_000, np.random.default_rng(1))
    rows = _reach(rng.permuted(np.tile(y, (20_000, 1)), axis=1), starts)
    for level in range(4):
        for grade in range(4):
            a, b = (cells[:, level] == grade).mean(), (rows[:, level] == grade).mean()
            assert abs(a - b) < 0.02


@pytest.mark.coverage
@pytest.mark.parametrize("discrete", [True, False])
def test_p_of_unrelated_answers_is_even_and_of_a_built_in_need_small(discrete, tell_coverage):
    ps = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = (rng.normal(size=40), rng.normal(size=40))
        rows = pd.DataFrame({"x": x, "y": y})
        rows = rows.round() if discrete else rows
        ps.append(
            drivers.necessary_conditions(Sample(rows, seed=seed), "y", ["x"], permutations=99)
            .table["p"]
            .item()
        )
    of = "40 answers" + ", rounded" * discrete
    tell_coverage(
        "rate of false findings, necessary condition", of, np.mean(np.array(ps) <= 0.05), 60, 0.05
    )
    assert np.mean(np.array(ps) <= 0.2) < 0.36  # on ratings p is larger: ties count as as large
    rng = np.random.default_rng(1)
    x = rng.integers(1, 6, 300)
    rows = pd.DataFrame(
        {"x": x, "z": rng.integers(1, 6, 300), "y": np.minimum(rng.integers(1, 6, 300), x)}
    )
    fit = drivers.necessary_conditions(rows.astype(float), "y", ["x", "z"])
    found = fit.table.set_index("term")
    assert found["necessary"].to_dict() == {"x": True, "z": False}
    assert str(fit) == "Nobody who rated x 2 or less gave y more than 2."
    few = int((x <= 2).sum())
    assert fit.finding.detail.startswith(f"x: none of {few} with 2 or less gave more than 2; ")


def test_what_has_no_order_or_no_range_has_no_ceiling(responses):
    with pytest.raises(ValueError, match="'channel' is a factor"):
        drivers.necessary_conditions(responses, "recommend", ["speed", "channel"])
    with pytest.raises(ValueError, match="'speed' is 5 in every answer"):
        drivers.necessary_conditions(responses.assign(speed=5), "recommend", ["speed"])
    with pytest.raises(ValueError, match="ceiling='c_lp' is not a choice"):
        drivers.necessary_conditions(responses, "recommend", ["speed"], ceiling="c_lp")


# --- all of it


def test_where_no_driver_can_be_ruled_out_none_is_to_be_chosen_by_its_number():
    """Pages 20 and 21 give one advice: effort and cost decide."""
    rng = np.random.default_rng(5)
    common = rng.normal(size=80)
    rows = pd.DataFrame({name: common + rng.normal(size=80) for name in ("a", "b", "c", "y")})
    sample = Sample(rows, draws=200)
    gain = drivers.gains(sample, "y", ["a", "b", "c"])
    share = drivers.importance(sample, "y", ["a", "b", "c"])
    finding = drivers.opportunities(gain, share, outcome="y").finding
    assert finding.action == (
        "Choose by effort and cost, not by these numbers: none of 3 drivers can be ruled out as "
        "the first"
    )


@pytest.mark.slow
def test_the_joined_table_is_sorted_by_gain_and_says_where_to_begin(responses):
    sample = Sample(responses, weight="weight", draws=200)
    gain = drivers.gains(sample, "recommend", PARTS)
    share = drivers.importance(sample, "recommend", PARTS)
    kano = drivers.penalty_reward(sample, "recommend", PARTS)
    needed = drivers.necessary_conditions(responses, "recommend", PARTS, permutations=100)
    fit = drivers.opportunities(gain, share, kano, needed, outcome="recommend")
    assert fit.table["estimate"].is_monotonic_decreasing
    assert {"share", "class", "robust"} <= set(fit.table.columns)
    assert ("needed" in fit.table) == needed.table["necessary"].any()
    first = fit.table.iloc[0]
    assert fit.finding.action == f"Improve {first['term']} first"
    assert str(fit).startswith(fit.finding.action) and f"{first['estimate']:.2f}" in str(fit)
    assert "robustness value" in fit.finding.detail and "caus" not in str(fit)
    found = fit.finding
    assert (found.value, found.low, found.high) == (first["estimate"], first["low"], first["high"])
    assert (found.measure, found.at) == (gain.finding.measure, gain.finding.at)
    assert (found.low, found.high) == (gain.finding.low, gain.finding.high)


@pytest.mark.slow
def test_too_few_answers_give_no_number_in_a_sentence():
    rows = ratings(60, 1)
    context.begin(smallest_cell=100)
    try:
        gain = drivers.gains(Sample(rows, draws=20), "y", ["must", "charm"])
        share = drivers.importance(Sample(rows, draws=20), "y", ["must", "charm"])
        kano = drivers.penalty_reward(Sample(rows, draws=20), "y", ["must", "charm"])
        needed = drivers.necessary_conditions(rows, "y", ["must", "charm"], permutations=20)
        joined = drivers.opportunities(gain, share, kano, needed, outcome="y")
        for fit in (gain, share, kano, needed, joined):
            assert str(fit) == "Fewer than 100 answered: no number is shown."
    finally:
        context.begin()


@pytest.mark.slow
def test_the_figures_say_what_they_show():
    rows = ratings(800, 2)
    parts = ["must", "charm", "idle"]
    share = drivers.importance(Sample(rows, draws=100), "y", parts)
    kano = drivers.penalty_reward(Sample(rows, draws=100), "y", parts)
    needed = drivers.necessary_conditions(rows, "y", parts, permutations=50)
    ranks = plots.rank_intervals(share.table)
    assert "must 1 to 2" in ranks.figure.alt_text
    legend = [t.get_text() for t in ranks.get_legend().get_texts()]
    assert legend == ["may be first", "ruled out as first"]
    assert drivers.order(share).finding.detail == "may be the strongest: must and charm"
    square = drivers.order_probabilities(share.differences)
    assert_allclose(square + square.T, np.where(np.eye(3), np.nan, 1))
    assert "must – charm 97%" in plots.rank_probabilities(square).figure.alt_text
    assert "must-be" in plots.penalty_reward(kano.table, kano.classes).figure.alt_text
    words = plots.necessary_conditions(
        needed.table, needed.ceilings, needed.cells, outcome="y"
    ).figure.alt_text
    assert "must d " in words
    with pytest.raises(ValueError, match="a matrix is square"):
        plots.rank_probabilities(square.iloc[:1])


def test_dots_of_few_answers_are_not_drawn():
    rows = ratings(40, 2).assign(y=lambda r: r["y"].round())
    needed = drivers.necessary_conditions(rows, "y", ["must"], permutations=20)
    ax = plots.necessary_conditions(needed.table, needed.ceilings, needed.cells)
    drawn = sum(
        len(c.get_offsets())
        for c in ax.collections
        if hasattr(c, "get_sizes") and len(c.get_sizes())
    )
    assert drawn == (needed.cells["n"] >= 10).sum()


@pytest.mark.slow
def test_what_the_made_up_company_has_built_in_is_found():
    truth = pd.Series(generator.TRUTH["drivers"])
    rows = generator.survey(60_000, seed=5).assign(part=lambda r: r.index % 500)
    asked = Sample(rows, cluster="part", draws=200), "recommend", list(truth.index)
    gain = drivers.gains(*asked, missing="pairwise")
    share = drivers.importance(*asked, missing="pairwise")
    kano = drivers.penalty_reward(*asked, missing="pairwise").classes
    assert truth.idxmax() in gain.top and truth.idxmax() in share.top  # the room
    found = gain.table.set_index("term")["estimate"]
    assert found.corr(truth, method="spearman") > 0.85
    assert share.table.set_index("term")["estimate"].corr(truth, method="spearman") > 0.85
    kinds = kano.set_index("term")[
        "class"
    ]  # effects are straight lines; those of the app are small
    assert kinds["room"] == kinds["delivery"] == "performance" and kinds["app"] == "indifferent"


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, "weight"), (50, None)])
def test_the_intervals_of_gains_and_contrasts_cover_the_truth_all_at_once(n, weight, tell_coverage):
    alone, whole, first, sides = [], [], [], []
    truth = pd.Series([-1.2, 0, 0, 1.2, 0, 0])
    for sample in range(240):
        fit = drivers.gains(
            Sample(visits(n, sample), weight=weight, draws=400, seed=sample), "outcome", TOUCHPOINTS
        )
        row, joint = (t.set_index("term").loc[TOUCHPOINTS] for t in (fit.table, fit.details))
        alone.append(((row["low"] <= SLOPES) & (row["high"] >= SLOPES)).mean())
        whole.append(((joint["joint_low"] <= SLOPES) & (joint["joint_high"] >= SLOPES)).all())
        first.append("t0" in fit.top)
        if n > 100:
            parts = ["must", "charm", "idle"]
            kano = drivers.penalty_reward(
                Sample(ratings(n, sample), weight=weight, draws=400, seed=sample), "y", parts
            ).table
            sides.append(
                ((kano["simultaneous_low"] <= truth) & (kano["simultaneous_high"] >= truth)).all()
            )
    near = 2.5 * np.sqrt(0.05 * 0.95 / 240)  # standard errors of a share of the samples
    of = f"{n} answers" + ", weighted" * (weight is not None)
    tell_coverage("gain of a driver", of, np.mean(alone), len(alone))
    tell_coverage("gains of all drivers, simultaneous", of, np.mean(whole), len(whole))
    if sides:
        tell_coverage("penalty and reward, simultaneous", of, np.mean(sides), len(sides))
    assert abs(np.mean(whole) - 0.95) < near and np.mean(first) > 0.93, np.mean(whole)
    assert abs(np.mean(alone) - 0.95) < near, np.mean(alone)
    assert not sides or abs(np.mean(sides) - 0.95) < near, np.mean(sides)


def test_the_best_groups_lead_is_reported_where_there_are_two(responses):
    asked = "recommend", ["speed", "price"], "channel"
    fit = drivers.best_groups(Sample(responses, draws=100), *asked)
    row = fit.table.loc[fit.table["estimate"].idxmax()]
    assert row["channel"] in str(fit) and i18n.number(row["estimate"], 2) in str(fit)
    alone = drivers.best_groups(
        Sample(responses, draws=100).where(responses["channel"] == "web"), *asked
    )
    assert alone.table.empty and str(alone).startswith("No group with 30 answers")


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(STUDIES.glob("*/study.yaml")), ids=lambda f: f.parent.name)
def test_pages_20_and_21_of_a_study_treat_missing_answers_alike(file):
    asked = yaml.safe_load(file.read_text(encoding="utf-8")).get("reports") or {}
    if isinstance(asked, dict) and {"20", "21"} <= set(asked):
        assert asked["20"].get("MISSING") == asked["21"].get("MISSING")
