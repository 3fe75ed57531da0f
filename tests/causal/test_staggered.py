"""Staggered adoption: the published example, laws by hand, and the coverage of intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cxlib.causal import difference_in_differences, staggered
from cxlib.causal.difference_in_differences import Cells
from cxlib.core.errors import InsufficientData
from cxlib.stats.estimators import Replicated

KNOWN = json.loads((Path(__file__).parents[1] / "reference" / "staggered.json").read_text())
DID = "R did 2.5.1 (mpdta)"
DRAWS = 1000


def cells(values: np.ndarray, share=None, draws: int = 4) -> Cells:
    """Means without noise of customers."""
    values = np.asarray(values, float)
    share = np.ones(len(values)) if share is None else np.asarray(share, float)
    means = Replicated(values, np.repeat(values[None], draws, axis=0))
    return Cells(means, share, np.ones(values.shape))


@pytest.fixture(scope="module")
def counties() -> staggered.GroupTimeEffects:
    """Made-up counties with exactly the means and covariances of those of the published example."""
    rng, values, start = np.random.default_rng(1), [], []
    for year, cohort in KNOWN["cohorts"].items():
        noise = rng.standard_normal((cohort["n"], len(KNOWN["years"])))
        noise -= noise.mean(0)
        white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False)).T)
        values.append(cohort["mean"] + white @ np.linalg.cholesky(cohort["cov"]).T)
        place = KNOWN["years"].index(int(year)) if int(year) else len(KNOWN["years"])
        start += [place] * cohort["n"]
    table = cells(np.concatenate(values), draws=DRAWS)
    return staggered.group_time(table, np.array(start), never=True)


def test_the_effects_and_errors_of_the_published_example(counties, tell_witness):
    """Points to the last digit printed; errors, which both programs draw, within 12 in 100."""
    effects, years = counties.effects, KNOWN["years"]
    for k, (cohort, printed) in enumerate(KNOWN["printed"]["effects"].items()):
        for year, (estimate, error) in printed.items():
            one = effects[k, [years.index(int(year))]]
            if year < cohort:  # printed as changes since the year before
                one = one - effects[k, [years.index(int(year)) - 1]]
            tell_witness("staggered adoption: effects", DID, one.estimate[0], estimate, atol=6e-5)
            tell_witness("staggered adoption: errors", DID, one.error[0], error, rtol=0.12)


def test_the_aggregates_of_the_published_example(counties, tell_witness):
    times, path = staggered.by_event_time(counties)
    later = times >= 0
    found = {"event_time": path[later], "cohort": staggered.by_cohort(counties)}
    for name, one in found.items():
        printed = np.array([*KNOWN["printed"][name].values()])
        tell_witness("staggered adoption: aggregates", DID, one.estimate, printed[:, 0], atol=6e-5)
        tell_witness("staggered adoption: errors", DID, one.error, printed[:, 1], rtol=0.12)
    whole, printed = staggered.overall(counties), KNOWN["printed"]["overall"]
    tell_witness("staggered adoption: aggregates", DID, whole.estimate[0], printed[0], atol=6e-5)
    tell_witness("staggered adoption: errors", DID, whole.error[0], printed[1], rtol=0.12)


def test_the_test_of_parallel_trends_of_the_published_example(counties):
    before = [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (2, 3)]  # the last is 0 by definition
    path = counties.effects[tuple(np.transpose(before))]
    p, compared = difference_in_differences.pre_trend_test(path, np.ones(len(before), bool))
    assert compared == 5 and p == pytest.approx(KNOWN["printed"]["p_before"], abs=0.03)


def test_units_treated_at_once_are_the_difference_in_differences():
    rng = np.random.default_rng(2)
    table, treated = cells(rng.normal(size=(6, 5)), rng.uniform(1, 3, 6)), np.arange(6) < 2
    fit = staggered.group_time(table, np.where(treated, 3, 5))
    path = difference_in_differences.path(table, treated, np.arange(5) < 3)
    assert_allclose(fit.effects.estimate[0], path.estimate)
    assert staggered.overall(fit).estimate[0] == pytest.approx(path.estimate[3:].mean())


def test_effects_that_grow_are_found_where_two_way_fixed_effects_fail():
    start, waves = np.array([1, 1, 4, 4]), np.arange(6)
    grown = np.maximum(waves - start[:, None] + 1, 0.0)  # 1, 2, 3 ...
    values = np.arange(4.0)[:, None] + np.sin(waves) + grown
    fit = staggered.group_time(cells(values), start)
    times, path = staggered.by_event_time(fit)
    assert_allclose(path.estimate[(times >= 0) & (times < 3)], [1, 2, 3])
    d = (grown > 0) * 1.0
    demeaned = d - d.mean(1, keepdims=True) - d.mean(0) + d.mean()
    assert (demeaned * values).sum() / (demeaned * d).sum() < 1  # below every true effect


def test_later_units_are_controls_until_their_start_and_the_last_have_none():
    fit = staggered.group_time(cells([[0.0, 1, 5, 5], [0, 1, 2, 9]]), np.array([2, 3]))
    assert_allclose(fit.effects.estimate, [[0, 0, 3, np.nan], [np.nan] * 4])
    assert staggered.compared_cohorts(fit).tolist() == [True, False]
    assert staggered.overall(fit).estimate.tolist() == [3]
    with pytest.raises(InsufficientData, match="nothing to compare with"):
        staggered.group_time(cells(np.ones((2, 3))), np.array([1, 1]))


def test_units_treated_from_the_first_wave_on_tell_nothing():
    values = np.random.default_rng(3).normal(size=(4, 4))
    with_, without = (
        staggered.group_time(cells(v), np.array(s))
        for v, s in ((values, [0, 2, 3, 4]), (values[1:], [2, 3, 4]))
    )
    assert_allclose(with_.effects.estimate, without.effects.estimate)


def test_units_without_answers_in_some_wave_are_refused():
    with pytest.raises(ValueError, match="1 units lack a mean"):
        staggered.group_time(cells([[0, np.nan, 1], [0, 1, 1]]), np.array([1, 3]))


def test_units_are_resampled_where_there_are_enough():
    values = np.random.default_rng(4).normal(size=(6, 6))
    many = staggered.group_time(cells(values), np.array([2, 2, 4, 4, 6, 6]))
    few = staggered.group_time(cells(values[:5]), np.array([2, 2, 4, 4, 6]))
    assert (many.resampled, few.resampled) == ("units", "customers")
    assert (staggered.overall(many).error > 0).all() and (staggered.overall(few).error == 0).all()


def _held(sizes: tuple[int, ...], starts: tuple[int, ...], times: int, how: str) -> np.ndarray:
    """How often the intervals of the mean effect, and all those of event times, hold the truth."""
    rng, waves, held = np.random.default_rng(7), 8, []
    start = np.repeat(starts, sizes)
    time = np.arange(waves) - start[:, None]
    for _ in range(times):
        shock = rng.normal(size=(len(start), waves))
        for wave in range(1, waves):  # what happens in a unit lasts
            shock[:, wave] = 0.5 * shock[:, wave - 1] + 0.87 * shock[:, wave]
        values = rng.normal(size=(len(start), 1)) + rng.normal(size=waves) + 0.3 * shock
        values += np.where(time >= 0, 0.3 + 0.1 * time, 0)
        sampling = 1.5 / np.sqrt(30)  # of the mean of 30 answers
        values += sampling * rng.normal(size=values.shape)
        again = values + sampling * rng.normal(size=(200, *values.shape))
        share = rng.uniform(0.7, 1.3, len(start))
        fit = staggered.group_time(
            Cells(Replicated(values, again), share, np.full(values.shape, 30)),
            start,
            resample=how,
            seed=int(rng.integers(1 << 30)),
        )
        true = [0.3 + 0.05 * (waves - 1 - g) for g in fit.start]
        (low,), (high,) = staggered.overall(fit).interval()
        mean = low <= np.average(true, weights=fit.share) <= high
        places, path = staggered.by_event_time(fit)
        low, high = path.simultaneous_interval()
        true = np.where(places >= 0, 0.3 + 0.1 * places, 0)
        held.append((mean, ((low <= true) & (true <= high))[places != -1].all()))
    return np.mean(held, axis=0)


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("sizes", "starts"),
    [((2, 2, 2), (3, 5, 8)), ((1, 2, 3, 6), (2, 4, 6, 8)), ((7, 8, 7, 8), (2, 4, 6, 8))],
)
def test_intervals_of_6_12_and_30_units_with_shocks_of_their_own_cover(
    sizes, starts, tell_coverage
):
    held = _held(sizes, starts, 200, "units")
    for what, share in zip(("mean effect", "event times, simultaneous"), held, strict=True):
        tell_coverage(
            f"staggered roll-out, {what}", f"{sum(sizes)} units, 30 answers a wave", share, 200
        )
    assert (held > 0.92).all()


@pytest.mark.slow
def test_resampled_customers_do_not_know_the_shocks_of_units():
    assert (_held((2, 2, 1), (3, 5, 8), 100, "customers") < 0.9).all()
