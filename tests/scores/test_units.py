"""Units: mix removed as by a regression, pooled, rolled up; who is named below standard."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.organisation import Tree
from cxlib.data.schema import Benchmark, Target
from cxlib.privacy import disclosure
from cxlib.scores import Measure
from cxlib.scores.answers import read
from cxlib.scores.small_units import joined_units
from cxlib.scores.unit_means import unit_means

MEASURES = {
    "nps": Measure("nps"),
    "csat": Measure("csat", (0, 10), 2),
    "mean": Measure("mean", (0, 10)),
}
GRID = np.linspace(-4, 4, 2001)
NORMAL = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
SHOPS = {"North": "", "South": "", **dict.fromkeys("ABC", "North"), **dict.fromkeys("DEF", "South")}


def league(
    rng: np.random.Generator, k: int, between: float, measure: Measure, uneven: float = 0
) -> tuple[Sample, np.ndarray]:
    """Weighted answers of pairs of one customer to k units, and the true score of each."""
    n, centre = rng.integers(5, 101, k), rng.normal(7.8, between, k)
    spread = 2 * np.exp(rng.normal(0, uneven, k))
    unit = np.repeat(np.arange(k), n)
    who = np.arange(len(unit)) // 2
    felt = np.sqrt(0.6) * rng.normal(size=len(unit))[who] + np.sqrt(0.4) * rng.normal(
        size=len(unit)
    )
    rows = {"recommend": np.clip(np.rint(centre[unit] + spread[unit] * felt), 0, 10), "unit": unit}
    rows |= {"who": who, "weight": rng.uniform(0.5, 2, len(unit))}
    every = np.clip(np.rint(centre[:, None] + spread[:, None] * GRID), 0, 10)
    true = measure.factor * measure.recode(every) @ NORMAL
    return Sample(pd.DataFrame(rows), weight="weight", cluster="who"), true


def shops(n: int = 60, seed: int = 1, **moved: float) -> Sample:
    """Answers to six shops in two regions; `moved` shifts a shop's."""
    rng = np.random.default_rng(seed)
    shop = np.repeat(list("ABCDEF"), n)
    felt = rng.normal(8, 1.5, len(shop)) + pd.Series(shop).map(moved).fillna(0)
    rows = {"recommend": np.clip(np.rint(felt), 0, 10), "shop": shop, "plan": "basic"}
    return Sample(pd.DataFrame(rows), draws=200)


def test_the_mix_is_removed_as_by_weighted_least_squares():
    rng, n = np.random.default_rng(0), 600
    rows = pd.DataFrame({"unit": rng.choice(list("abcde"), n), "plan": rng.choice(list("xyz"), n)})
    rows["age"], rows["w"] = rng.uniform(18, 80, n), rng.uniform(0.5, 2, n)
    rows["y"] = (
        rng.normal(5, 1.5, n) + rows["plan"].map({"x": 0, "y": 1, "z": 2}) + rows["age"] / 50
    )
    sample, mean = Sample(rows, weight="w"), Measure("mean")
    found = unit_means(read(sample, ["y"], mean, by="unit"), mean, ["plan", "age"])
    fit = smf.wls("y ~ unit + plan + age", rows, weights=rows["w"]).fit()
    every = pd.concat([rows.assign(unit=u) for u in "abcde"])
    predicted = fit.predict(every).to_numpy().reshape(5, n)
    assert_allclose(found.mean, predicted @ rows["w"] / rows["w"].sum())
    assert_allclose(found.plain, rows.groupby("unit").apply(lambda r: np.average(r.y, weights=r.w)))
    plain = unit_means(read(Sample(rows), ["y"], mean, by="unit"), mean, ["plan", "age"])
    equal = smf.ols("y ~ unit + plan + age", rows).fit()
    names = equal.params.index
    row = pd.DataFrame(0.0, index=range(5), columns=names)
    row["Intercept"] = 1.0
    for i, u in enumerate("bcde", 1):
        row.loc[i, f"unit[T.{u}]"] = 1.0
    for p in "yz":
        row[f"plan[T.{p}]"] = (rows["plan"] == p).mean()
    row["age"] = rows["age"].mean()
    errors = np.sqrt(np.diag(row.to_numpy() @ equal.cov_params().to_numpy() @ row.to_numpy().T))
    assert_allclose(np.sqrt(np.diag(plain.covariance)), errors, rtol=0.15)  # variances of units


def test_customers_of_several_units_tie_their_means():
    rng = np.random.default_rng(2)
    felt = rng.normal(7, 2, 400)
    rows = pd.DataFrame({"y": np.tile(felt, 4), "unit": np.repeat(list("abcd"), 400)})
    rows["who"] = np.tile(np.arange(400), 4)
    rows["y"] += rng.normal(0, 0.5, len(rows))
    mean = Measure("mean")
    covariance = unit_means(
        read(Sample(rows, cluster="who"), ["y"], mean, by="unit"), mean
    ).covariance
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert_allclose(correlation, 4 / 4.25, atol=0.03)


def test_a_bad_unit_is_named_and_an_unlucky_small_one_is_not():
    sample = shops(B=-3.0)
    few = sample.data[sample["shop"] != "F"]
    unlucky = pd.DataFrame({"recommend": [6.0] * 7 + [9.0] * 5, "shop": "F", "plan": "basic"})
    sample = sample.replace(data=pd.concat([few, unlucky], ignore_index=True))
    tree = Tree(SHOPS, {"B": "Ms Li"})
    fit = scores.units(sample, by="shop", tree=tree, target=Target(value=20))
    assert str(fit) == "1 of 6 units significantly misses the target of +20: B."
    assert fit.finding.owner == "Ms Li" and fit.finding.importance == Importance.NOTABLE
    table = fit.table.set_index("shop")
    assert table.index[0] == "B" and list(table.index[1:]) == list("ACDEF")
    assert table.loc["F", "observed"] < 20 - 10 and table.loc["F", "verdict"] != "below standard"
    assert table.loc["F", "estimate"] > table.loc["F", "observed"]


def test_a_maximum_is_missed_from_above():
    sample = shops(C=-4.0)
    late = sample.assign(late=(sample["recommend"] <= 6) * 1.0)
    measure, target = Measure("csat", (0, 1), 1), Target(value=0.2, direction="at most")
    fit = scores.units(late, "late", measure, by="shop", target=target)
    assert fit.finding.claim == "1 of 6 units significantly misses the target of 20%: C."
    assert (fit.table["low"] <= fit.table["estimate"]).all()
    assert (fit.table["estimate"] <= fit.table["high"]).all()


def test_what_the_tree_lacks_is_named_and_counted():
    sample = shops()
    tree = Tree({**{u: p for u, p in SHOPS.items() if u != "F"}, "G": "South"})
    fit = scores.units(sample, by="shop", tree=tree)
    assert "60 rows are left out: their units are not in the organisation (F)" in fit.notes
    assert "1 unit has no row: G." in fit.notes
    assert set(fit.table["shop"]) == set("ABCDE")


def test_answers_of_units_add_up_to_their_parents():
    sample = shops().assign(weight=np.random.default_rng(1).uniform(0.5, 2, 360))
    sample = sample.replace(weight="weight")
    table = scores.roll_up(sample, by="shop", tree=Tree(SHOPS)).table
    below = table[table["level"] == 2].groupby("parent")[["n", "weight"]].sum()
    top = table[table["level"] == 1].set_index("unit")[["n", "weight"]]
    assert_allclose(below.loc[top.index], top)
    by_shop = scores.nps(sample, by="shop").table.set_index("shop")
    ends = ["estimate", "low", "high", "n"]
    shown = table[table["level"] == 2].set_index("unit")
    assert_allclose(shown[ends].astype(float), by_shop.loc[shown.index, ends].astype(float))


@pytest.mark.slow
def test_a_small_unit_takes_a_second_one_with_it():
    sample = shops()
    few = sample.where((sample["shop"] != "B") | (np.arange(360) % 10 == 0))
    with context.use(Context(smallest_cell=10)):
        fit = scores.units(few, by="shop", tree=Tree(SHOPS))
        assert set(fit.table["shop"]) == set("CDEF") or set(fit.table["shop"]) == set("ADEF")
        assert not {"B"} & set(fit.roll_up.table["unit"])
        listed = scores.roll_up(few, by="shop", tree=Tree(SHOPS), published=list("ACDEF")).table
        assert set(listed["unit"]) == set("ACDEF")  # the regions would give B away


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (shops().where(shops()["shop"].isin(list("ABC"))), "needs 4 units"),
        (shops().assign(recommend=9.0), "do not vary"),
    ],
)
def test_what_cannot_be_compared(sample, message):
    with pytest.raises(InsufficientData, match=message):
        scores.units(sample, by="shop")


@pytest.mark.coverage
@pytest.mark.parametrize("kind", MEASURES)
@pytest.mark.parametrize(("between", "uneven"), [(0, 0), (0.8, 0), (0.4, 0.3)])
@pytest.mark.parametrize("k", [5, 10, 30])
def test_leagues_of_weighted_clustered_answers(kind, between, uneven, k, tell_coverage):
    """Intervals cover, and fewer than 5% of leagues have a wrong name."""
    rng, measure = np.random.default_rng(k), MEASURES[kind]
    covered, wrong = [], []
    for _league in range(100):
        sample, true = league(rng, k, between, measure, uneven)
        fit = scores.units(sample, measure=measure, by="unit")
        table = fit.table.sort_values("unit")
        covered.append(((table["low"] <= true) & (true <= table["high"])).mean())
        average = np.average(true, weights=sample.data.groupby("unit")["weight"].sum())
        named = (table["verdict"] == "below standard").to_numpy()
        wrong.append((named & (true >= average - 1e-9)).any())
    name = {"mean": "mean score"}.get(kind, kind.upper())
    of = f"{k} units, weighted, clustered, between {between}" + ", of uneven spread" * bool(uneven)
    tell_coverage(f"{name} of a unit, pooled", of, np.mean(covered), len(covered))
    tell_coverage(f"rate of false names in a league, {name}", of, np.mean(wrong), len(wrong), 0.05)
    assert np.mean(covered) >= 0.93 - 2 * np.std(covered) / np.sqrt(len(covered))
    assert np.mean(wrong) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(wrong))


def score(estimate: float = 26, low: float = 15, high: float = 37, n: int = 458) -> Result:
    row = {"term": "recommend", "estimate": estimate, "low": low, "high": high, "n": n}
    return Result(pd.DataFrame([row]), "")


def benchmark(value: float, **how) -> Benchmark:
    return Benchmark(measure="nps", value=value, source="Hotels", **how)


def test_a_difference_from_a_benchmark_has_the_uncertainty_of_both():
    found = scores.compare_with_benchmarks(score(), [benchmark(5, error=4)])
    row = found.table.iloc[0]
    reach = np.hypot(11, 1.959964 * 4)
    assert_allclose(row[["estimate", "low", "high"]].astype(float), [21, 21 - reach, 21 + reach])
    assert str(found) == "NPS (+26) is significantly above Hotels (+5)."
    assert "exact" not in found.notes


def test_the_error_of_a_benchmark_with_n_is_that_of_as_many_own_answers():
    one = scores.compare_with_benchmarks(score(), [benchmark(21, n=458)]).table.iloc[0]
    assert_allclose(one["high"] - one["low"], 22 * np.sqrt(2))
    exact = scores.compare_with_benchmarks(score(), [benchmark(21)])
    assert_allclose(exact.table[["low", "high"]].iloc[0].astype(float), [-6, 16])
    assert "taken as exact: Hotels." in exact.notes


def test_of_several_benchmarks_the_simultaneous_intervals_decide():
    others = [benchmark(14.9), benchmark(26, period="2024"), benchmark(26, industry="Shops")]
    found = scores.compare_with_benchmarks(score(), others)
    assert found.table["low"].iloc[0] > 0 > found.table["simultaneous_low"].iloc[0]
    assert found.finding.verdict == "unchanged"
    assert found.table["benchmark"].tolist() == ["Hotels", "Hotels 2024", "Shops"]


def test_a_small_cell_is_compared_with_nothing():
    with context.use(Context(smallest_cell=10)), pytest.raises(InsufficientData):
        scores.compare_with_benchmarks(score(n=9), [benchmark(5)])


@pytest.mark.parametrize(("measure", "value"), [("nps", 1800), ("csat", 31)])
def test_a_benchmark_that_cannot_be_is_refused(measure: str, value: float):
    with pytest.raises(ValueError, match=f"{measure} lies between"):
        Benchmark(measure=measure, value=value, source="an association")


# --- small units joined


SIZES = {"A": 40, "B": 4, "C": 50, "D": 30, "E": 5, "F": 7}


def small_shops(sizes: dict[str, int] = SIZES, seed: int = 1) -> Sample:
    shop = np.repeat(list(sizes), list(sizes.values()))
    felt = np.random.default_rng(seed).normal(8, 1.5, len(shop))
    rows = {"recommend": np.clip(np.rint(felt), 0, 10), "shop": shop}
    return Sample(pd.DataFrame(rows), draws=50)


def joined(sizes: dict[str, int] = SIZES, **how) -> Result:
    with context.use(Context(smallest_cell=10)):
        return scores.units(small_shops(sizes), by="shop", join_small=True, **how)


def test_small_units_count_together():
    fit = joined()
    table = fit.table.set_index("shop")
    assert dict(table["n"]) == {"A": 40, "C": 50, "D": 30, "Other units (3)": 16}
    assert table.loc["Other units (3)", "joined"] == 3 and table.loc["A", "joined"] == 1
    rows = small_shops().data
    those = rows.loc[rows["shop"].isin(list("BEF")), "recommend"]
    assert table.loc["Other units (3)", "observed"] == pytest.approx(
        100 * ((those >= 9).mean() - (those <= 6).mean())
    )
    assert fit.unions == {"Other units (3)": ["B", "E", "F"]}
    assert "Other units (3) are B, E and F" in fit.notes
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()


def test_without_small_units_nothing_is_joined():
    sample = shops()
    plain, same = (scores.units(sample, by="shop", join_small=j) for j in (False, True))
    pd.testing.assert_frame_equal(same.table.drop(columns="joined"), plain.table)
    assert same.unions == {} and set(same.table["joined"]) == {1}


def test_one_small_unit_takes_the_next_smallest_with_it():
    fit = joined({**SIZES, "E": 20, "F": 25})
    assert fit.unions == {"Other units (2)": ["B", "E"]}
    assert fit.table.set_index("shop").loc["Other units (2)", "n"] == 24


def test_small_units_that_hold_too_few_together_take_a_larger_one():
    fit = joined({"A": 40, "B": 2, "C": 50, "D": 30, "E": 3, "F": 25})
    assert fit.unions == {"Other units (3)": ["B", "E", "F"]}


def test_units_are_joined_with_those_of_the_same_parent():
    sizes = {"A": 40, "B": 4, "C": 60, "D": 30, "E": 6, "F": 8}
    fit = joined(sizes, tree=Tree(SHOPS))
    assert fit.unions == {
        "Other units of North (2)": ["A", "B"],
        "Other units of South (2)": ["E", "F"],
    }
    assert dict(zip(fit.table["shop"], fit.table["n"], strict=True)) == {
        "C": 60,
        "Other units of North (2)": 44,
        "D": 30,
        "Other units of South (2)": 14,
    }
    listed = fit.roll_up.table.set_index("unit")
    assert listed.loc["Other units of South (2)", "parent"] == "South"
    below = fit.roll_up.table[fit.roll_up.table["level"] == 2].groupby("parent")["n"].sum()
    assert below.to_dict() == {"North": 104, "South": 44}


def test_a_unit_whose_number_is_published_is_not_joined_and_a_single_one_stays_hidden():
    sizes = {**SIZES, "E": 20, "F": 25}
    assert joined(sizes, published=["E"]).unions == {"Other units (2)": ["B", "F"]}
    fit = joined(sizes, published=list("ACDEF"))
    assert fit.unions == {} and "B" in set(fit.table["shop"])
    with context.use(Context(smallest_cell=10)):
        assert "B" not in set(disclosure.shown(fit.table)["shop"])


def test_people_count_and_not_their_answers():
    sample = small_shops({**SIZES, "B": 20})
    who = np.where(sample["shop"] == "B", np.arange(len(sample)) % 3 + 1000, np.arange(len(sample)))
    with context.use(Context(smallest_cell=10)):
        clustered = sample.assign(who=who).replace(cluster="who")
        fit = scores.units(clustered, by="shop", join_small=True)
    assert fit.unions == {"Other units (3)": ["B", "E", "F"]}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=5, max_size=9),
    st.lists(st.integers(0, 1), min_size=9, max_size=9),
    st.booleans(),
)
def test_no_small_unit_follows_from_what_is_shown(sizes, regions, flat):
    """Of each family, what is not shown by itself is two units or more of ten people or more."""
    names = [f"u{i}" for i in range(len(sizes))]
    home = {u: f"R{r}" for u, r in zip(names, regions, strict=False)}
    tree = None if flat else Tree({**dict.fromkeys(home.values(), ""), **home})
    sample = small_shops(dict(zip(names, sizes, strict=True)))
    with context.use(Context(smallest_cell=10)):
        known, _tree, unions = joined_units(sample, "recommend", by="shop", tree=tree)
    count = known["shop"].value_counts()
    assert count.sum() == sum(sizes)
    for name, units in unions.items():
        assert len(units) >= 2 and count[name] >= 10
        assert count[name] == sum(s for u, s in zip(names, sizes, strict=True) if u in units)
        assert len({home[u] for u in units}) == 1 or flat
    if flat and sum(sizes) >= 10 and min(sizes) < 10:
        assert count.min() >= 10  # every customer of a small unit counts


@pytest.mark.coverage
@pytest.mark.parametrize("kind", MEASURES)
def test_intervals_of_units_joined_cover_the_truth(kind, tell_coverage):
    """Weighted answers of pairs of a customer, of units of 5 answers and more."""
    rng, measure, covered = np.random.default_rng(8), MEASURES[kind], []
    for _league in range(200):
        sample, true = league(rng, 12, 0.5, measure)
        with context.use(Context(smallest_cell=15)):
            fit = scores.units(sample, measure=measure, by="unit", join_small=True)
        weight = sample.data.groupby("unit")["weight"].sum().to_numpy()
        for row in fit.table[fit.table["joined"] > 1].itertuples():
            those = [int(u) for u in fit.unions[row.unit]]
            truth = np.average(true[those], weights=weight[those])
            covered.append(row.low <= truth <= row.high)
    name = {"mean": "mean score"}.get(kind, kind.upper())
    tell_coverage(
        f"{name} of units joined", "12 units, weighted, clustered", np.mean(covered), len(covered)
    )
    assert np.mean(covered) >= 0.91 and len(covered) > 100
