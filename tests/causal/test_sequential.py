"""Several looks, equivalence and the formula of power: published bounds, witnesses, known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.weightstats import ttost_ind

from cxlib.causal import experiment, power, sequential
from cxlib.causal.equivalence import equivalence
from cxlib.core.sample import Sample
from cxlib.stats import resampling

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]
# Jennison and Turnbull (2000), Group Sequential Methods, tables 2.1 and 2.3, and the bounds of
# Lan and DeMets as printed by Reboussin et al. (2000), Controlled Clinical Trials 21(3).
PUBLISHED = {
    "obrien_fleming": [4.5617, 3.2256, 2.6337, 2.2809, 2.0401],
    "pocock": [2.4132] * 5,
    "lan_demets_obrien_fleming": [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
    "lan_demets_pocock": [2.4380, 2.4268, 2.4101, 2.3966, 2.3859],
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "bounds"), PUBLISHED.items())
def test_bounds_of_five_looks_are_those_published(kind, bounds, tell_witness):
    plan = sequential.boundaries(FIVE, kind=kind)
    source = "Jennison and Turnbull (2000); Reboussin and others (2000)"
    tell_witness("sequential tests: limits of five looks", source, plan["z"], bounds, atol=2e-4)
    assert plan["spent"].iloc[-1] == pytest.approx(0.05, abs=1e-6)


@pytest.mark.slow
def test_one_look_is_the_plain_test():
    for kind in sequential.SPENDING + sequential.CONSTANT:
        assert sequential.boundaries([1.0], kind=kind)["z"][0] == pytest.approx(1.959964, abs=1e-5)


def test_five_plain_looks_find_an_effect_in_14_of_100():
    # Armitage, McPherson and Rowe (1969): 0.142 at five looks
    found = sequential.crossing(np.array(FIVE), np.full(5, 1.959964)).sum()
    assert found == pytest.approx(0.142, abs=5e-4)


@pytest.mark.slow
def test_looks_that_come_later_do_not_change_those_before():
    first = sequential.boundaries([0.3, 0.7])["z"]
    assert_allclose(sequential.boundaries([0.3, 0.7, 1.0])["z"][:2], first)


@pytest.mark.slow
def test_crossings_are_as_often_as_simulated_with_and_without_an_effect():
    z = sequential.boundaries([0.25, 0.5, 1.0], kind="lan_demets_pocock")["z"].to_numpy()
    at, rng = np.array([0.25, 0.5, 1.0]), np.random.default_rng(1)
    for drift in (0.0, 2.8):
        steps = rng.normal(size=(200_000, 3)) * np.sqrt(np.diff(at, prepend=0))
        path = (steps + drift * np.diff(at, prepend=0)).cumsum(1) / np.sqrt(at)
        out = np.abs(path) > z
        first = np.where(out.any(1), out.argmax(1), 3)
        share = np.bincount(first, minlength=4)[:3] / len(path)
        assert_allclose(sequential.crossing(at, z, drift), share, atol=0.004)


@pytest.mark.coverage
def test_repeated_intervals_hold_at_every_look_of_trials_of_20_to_50_customers(tell_coverage):
    plan, truth, held = sequential.boundaries([0.4, 0.7, 1.0]), 0.5, []
    rng = np.random.default_rng(7)
    for _trial in range(800):
        y = rng.normal(size=50) + truth * (np.arange(50) % 2)
        errors, estimates = [], []
        for n in (20, 35, 50):
            one, other = y[1:n:2], y[0:n:2]
            estimates.append(one.mean() - other.mean())
            errors.append(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))
        rows = sequential.repeated_intervals(estimates, errors, plan)
        held.append(((rows["low"] <= truth) & (truth <= rows["high"])).all())
    tell_coverage(
        "effect at every look, repeated intervals (O'Brien–Fleming)",
        "20, 35 and 50 customers, randomised",
        np.mean(held),
        800,
    )
    assert 0.93 <= np.mean(held) <= 0.97  # normal bounds, errors of 20 customers estimated


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"information": [0.5, 0.4]}, "must rise"),
        ({"information": [0.5, 1.2]}, "at most 1"),
        ({"information": [1.0], "kind": "haybittle"}, "kind='haybittle' is not a choice"),
        ({"information": [1.0], "alpha": 5}, "alpha=5"),
    ],
)
def test_plans_that_cannot_be_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        sequential.boundaries(**how)


@pytest.mark.slow
def test_more_looks_than_planned_are_refused():
    with pytest.raises(ValueError, match="3 estimates and 3 errors for a plan of 2 looks"):
        sequential.repeated_intervals([1, 2, 3], [1, 1, 1], sequential.boundaries([0.5, 1]))


# --- equivalence


def test_equivalence_agrees_with_statsmodels():
    rng = np.random.default_rng(3)
    one, other = rng.normal(5.1, 1, 400), rng.normal(5, 1, 400)
    y, arm = np.r_[other, one], np.repeat([0, 1], 400)
    effects = experiment.difference(y, arm, draws=4000)
    found = equivalence(effects, -0.3, 0.3).iloc[0]
    p, lower, upper = ttost_ind(one, other, -0.3, 0.3, usevar="unequal")
    assert found["estimate"] == pytest.approx(one.mean() - other.mean())
    assert found["p"] == pytest.approx(p, rel=0.3)  # an error from 4,000 draws
    assert found["equivalent"] == (p < 0.05) and max(lower[1], upper[1]) == p


@pytest.mark.coverage
@pytest.mark.parametrize(("weighted", "twice"), [(False, False), (True, False), (False, True)])
def test_arms_at_the_margin_are_called_alike_5_times_in_100(weighted, twice, tell_coverage):
    hits, rng = [], np.random.default_rng(5)
    for seed in range(300):
        arm = np.arange(50) % 2
        y = rng.normal(size=50) + 1.0 * arm  # the margin itself
        weight = rng.uniform(0.5, 2, 50) if weighted else np.ones(50)
        rows = pd.DataFrame({"y": y, "arm": arm, "w": weight, "who": np.arange(50)})
        rows = pd.concat([rows, rows]) if twice else rows
        clusters = resampling.resampling_units(Sample(rows, cluster="who"))
        how = {"clusters": clusters, "draws": 200, "seed": seed}
        effects = experiment.difference(
            rows["y"].to_numpy(), rows["arm"].to_numpy(), weight=rows["w"].to_numpy(), **how
        )
        hits.append(equivalence(effects, -1.0, 1.0)["equivalent"][0])
    of = "50 customers" + ", weighted" * weighted + ", 2 answers each" * twice
    tell_coverage(
        "rate of false findings of equivalence (TOST)", of, np.mean(hits), len(hits), 0.05
    )
    assert 0.015 <= np.mean(hits) <= 0.085


def test_margins_in_the_wrong_order_are_refused():
    effects = experiment.difference(np.arange(8.0), np.arange(8) % 2, draws=10)
    with pytest.raises(ValueError, match="the lower one must come first"):
        equivalence(effects, 1.0, -1.0)


# --- the formula of power


def test_the_formula_of_the_smallest_effect_is_that_of_statsmodels():
    for n, share in ((40, 0.5), (400, 0.5), (900, 0.2)):
        ratio = share / (1 - share)
        known = NormalIndPower().solve_power(
            nobs1=n * (1 - share), alpha=0.05, power=0.8, ratio=ratio
        )
        found = power.minimum_detectable_effect_by_formula(n, 2.0, share=share)
        assert found == pytest.approx(2 * known, rel=1e-3)


def test_the_formula_agrees_with_the_simulation():
    answers = np.random.default_rng(13).normal(size=4000)
    drawn = power.simulated(answers, 300, draws=2000)
    found = power.minimum_detectable_effect_by_formula(300, answers.std())
    assert found == pytest.approx(power.minimum_detectable_effect(drawn), rel=0.06)
