"""Before acting on units: best controls, and the smallest effect that would be found."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

from cxlib import impact
from cxlib.causal.synthetic_control import synthetic_control
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.schema import Change
from cxlib.impact.comparison_units import smallest_effect


def panel(units: int, waves: int, seed: int = 1, each: int = 1) -> pd.DataFrame:
    """Answers of units with levels of their own, in waves that move all of them."""
    rng = np.random.default_rng(seed)
    means = 5 + rng.normal(size=(units, 1)) + rng.normal(size=waves)
    means = np.repeat(means + rng.normal(size=(units, waves)), each, axis=0)
    names = np.repeat([f"u{k:02}" for k in range(units)], each)
    wide = pd.DataFrame(means, index=names, columns=[f"w{t}" for t in range(waves)])
    return wide.rename_axis("unit").reset_index().melt("unit", var_name="wave", value_name="score")


@pytest.mark.slow
def test_the_best_controls_are_those_that_moved_like_the_treated():
    rows = panel(6, 7, each=3)
    wide = rows.pivot_table(index="unit", columns="wave", values="score")
    twin = wide.loc["u04"] + 2
    score = rows["wave"].map(twin).where(rows["unit"] == "u00", rows["score"])
    plan = impact.comparison_units(rows.assign(score=score), "score", "unit", treated=["u00"])
    assert plan.donors["term"].iloc[0] == "u04"
    assert plan.donors["estimate"].sum() == pytest.approx(1)
    assert plan.misfit < 0.5 * np.std(wide.to_numpy() - wide.to_numpy().mean(0))
    assert plan.table["treated"].tolist() == [1, 2, 3]
    said = f"With u00 treated, effects on score from {plan.smallest:.2f} points on can be detected."
    assert str(plan) == said and plan.finding.detail.startswith("Best controls: u04 ")


@pytest.mark.slow
def test_units_move_by_twice_as_much_and_an_effect_must_be_twice_as_large():
    rows = panel(6, 6)
    once, twice = (
        impact.comparison_units(rows.assign(score=size * rows["score"]), "score", "unit")
        for size in (1, 2)
    )
    assert twice.smallest == pytest.approx(2 * once.smallest)
    assert once.donors.empty and "units treated" in str(once)


def test_squares_over_all_sets_of_units_are_those_of_single_units():
    """The degrees of freedom of placebos in sets of two are those of single units."""
    y = np.random.default_rng(4).normal(size=5)
    pairs = [y[list(s)].mean() - np.delete(y, list(s)).mean() for s in combinations(range(5), 2)]
    own = [y[k] - np.delete(y, k).mean() for k in range(5)]
    # Of n units, k treated: n² C(n−2, k−1) / (k (n − k))² times the sum of squares about the mean.
    squares = ((y - y.mean()) ** 2).sum()
    assert np.square(pairs).sum() == pytest.approx(25 * 3 / 36 * squares)
    assert np.square(own).sum() == pytest.approx(25 / 16 * squares)


@pytest.mark.slow
def test_more_treated_units_find_smaller_effects():
    """Each of the two is judged by all five units: the mean of two varies less than one."""
    y = np.random.default_rng(1).normal(size=(10, 5, 8))
    least = np.array([[smallest_effect(one, k, 2) for k in (1, 2)] for one in y])
    assert (least[:, 1] < least[:, 0]).mean() >= 0.9 and least[:, 1].mean() < least[:, 0].mean()


def test_units_are_those_without_a_change_so_far_and_answers_in_every_wave():
    rows = panel(8, 6)
    rows = rows[~((rows["unit"] == "u07") & (rows["wave"] == "w3"))]
    told = {"name": "x", "label": "X", "column": "unit", "outcome": "score"}
    done = Change(**told, design="staggered", begun={"u00": "w2", "u01": "w3"})
    plan = impact.next_units({"responses": rows}, [done], treated=["u02"])
    assert sorted(plan.donors["term"]) == ["u03", "u04", "u05", "u06"]
    with pytest.raises(ValueError, match=r"no unit \['u00'\] .* There are: u02, u03"):
        impact.next_units({"responses": rows}, [done], treated=["u00"])
    with pytest.raises(InsufficientData, match="unit by unit"):
        impact.next_units({"responses": rows}, [])
    with pytest.raises(InsufficientData, match="3 units have answers in all of 6 waves"):
        few = [f"u{k:02}" for k in range(4)]
        impact.comparison_units(rows, "score", "unit", without=few)


@pytest.mark.slow
def test_it_speaks_chinese():
    context.begin(lang="zh")
    with i18n.noting_untranslated() as untranslated:
        for treated in ([], ["u00"]):
            plan = impact.comparison_units(Sample(panel(5, 6)), "score", "unit", treated=treated)
            assert "单位" in str(plan) + plan.notes
    assert untranslated == set()


@pytest.mark.coverage
@pytest.mark.parametrize(("units", "treated"), [(6, 1), (12, 2), (5, 2)])
def test_the_smallest_effect_is_found_in_80_of_100_cases(units, treated, tell_coverage):
    rng, found, wrong, waves, after = np.random.default_rng(3), [], [], 7, 2
    quantiles = stdtrit(units - 1, [0.975, 0.8])
    for _ in range(40):
        y = rng.normal(size=(units, 1)) + rng.normal(size=(units, waves + after))
        least = smallest_effect(y[:, :waves], treated, after)
        critical = least * quantiles[0] / quantiles.sum()
        both = np.vstack([y[:treated].mean(0), y[treated:]])
        gap = synthetic_control(both, 0, waves, method="sdid").effect
        found.append(abs(gap + least) > critical)
        wrong.append(abs(gap) > critical)
    tell_coverage(
        "rate of false findings, synthetic difference-in-differences",
        f"{units} units, {treated} treated, 7 waves before",
        np.mean(wrong),
        len(wrong),
        0.05,
    )
    assert 0.7 <= np.mean(found) <= 0.98 and np.mean(wrong) <= 0.1
