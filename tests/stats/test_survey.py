"""Sampling designs: linearised errors and resamples against formulas and published output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlib import scores, weights
from cxlib.core.sample import Sample
from cxlib.data.schema import Item
from cxlib.scores.crosstab import independence
from cxlib.stats import bootstrap, survey

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "survey.json").read_text())


def stratified(rng: np.random.Generator, sizes=(40, 30, 20), drawn=(6, 5, 4), within=3):
    """A sample of clusters in strata of a finite population, and the population."""
    parts = []
    for h, size in enumerate(sizes):
        cluster = np.repeat(np.arange(size), within)
        effect = rng.normal(0, 0.7, size)[cluster]
        y = np.clip(np.round(5 + 1.5 * h + effect + rng.normal(0, 1.5, len(cluster))), 0, 10)
        parts.append(pd.DataFrame({"stratum": f"s{h}", "psu": cluster, "N": size, "y": y}))
    population = pd.concat(parts, ignore_index=True)
    population["psu"] += 100  # the same numbers in every stratum
    return population, drawn


def draw(population: pd.DataFrame, drawn, rng: np.random.Generator) -> Sample:
    kept = []
    for n, (_, rows) in zip(drawn, population.groupby("stratum"), strict=True):
        chosen = rng.choice(rows["psu"].unique(), n, replace=False)
        kept.append(rows[rows["psu"].isin(chosen)])
    rows = pd.concat(kept, ignore_index=True)
    return weights.with_design(rows, strata="stratum", psu="psu", population="N")


def test_a_stratified_mean_is_that_of_cochran():
    # Two strata of 10 and 20, samples (1, 3) and (2, 4, 6): weights 1/3 and 2/3, s² = 2 and 4.
    rows = pd.DataFrame({"s": list("aabbb"), "N": [10, 10, 20, 20, 20], "y": [1.0, 3, 2, 4, 6]})
    fit = survey.mean(weights.with_design(rows, strata="s", population="N"), "y")
    row = fit.table.iloc[0]
    variance = (1 / 3) ** 2 * (1 - 0.2) * 2 / 2 + (2 / 3) ** 2 * (1 - 0.15) * 4 / 3
    assert row["estimate"] == pytest.approx(2 / 3 + 8 / 3)
    assert row["error"] == pytest.approx(np.sqrt(variance))
    assert row["high"] == pytest.approx(row["estimate"] + 3.18244631 * row["error"])  # t, 3 df


def test_r_survey_prints_the_same_for_the_stratified_schools(tell_witness):
    # Errors need the mean and variance of each stratum only: two values give both.
    parts = []
    for name, s in PUBLISHED["apistrat"]["strata"].items():
        spread = s["error"] * np.sqrt((s["n"] - 1) / (1 - s["n"] / s["population"]))
        y = s["mean"] + spread * np.tile([-1.0, 1.0], s["n"] // 2)
        parts.append(pd.DataFrame({"stype": name, "fpc": s["population"], "api00": y}))
    rows = pd.concat(parts, ignore_index=True)
    fit = survey.mean(weights.with_design(rows, strata="stype", population="fpc"), "api00")
    told = PUBLISHED["apistrat"]["mean api00"]
    witness, row = "R survey 4 (apistrat)", fit.table.iloc[0]
    tell_witness("mean of a survey design", witness, row["estimate"], told["estimate"], atol=0.005)
    tell_witness(
        "mean of a survey design: standard error", witness, row["error"], told["error"], atol=0.0001
    )


def test_a_total_of_clusters_by_hand():
    # 3 of 6 schools, taken whole: totals 3, 5, 10; N² (1 - f) s² / n = 36 · ½ · 13 / 3.
    rows = pd.DataFrame({"school": list("aabbc"), "N": 6, "y": [1.0, 2, 5, 0, 10]})
    fit = survey.total(weights.with_design(rows, psu="school", population="N"), "y")
    assert fit.table["estimate"][0] == pytest.approx(36)
    assert fit.table["error"][0] == pytest.approx(np.sqrt(36 * 0.5 * 13 / 3))


def test_without_a_design_the_mean_has_its_usual_error():
    y = np.random.default_rng(1).normal(size=40)
    fit = survey.mean(pd.DataFrame({"y": y}), "y")
    assert fit.table["error"][0] == pytest.approx(y.std(ddof=1) / np.sqrt(40))


def test_ratios_and_shares_agree_with_means():
    rng = np.random.default_rng(2)
    sample = draw(*stratified(rng), rng).assign(one=1.0)
    mean, ratio = survey.mean(sample, "y").table, survey.ratio(sample, "y", "one").table
    assert ratio[["estimate", "error"]].to_numpy() == pytest.approx(
        mean[["estimate", "error"]].to_numpy()
    )
    # The error of the total of ones is that of the number of people; here every cluster has three.
    assert survey.total(sample, "one").table["error"][0] == pytest.approx(0, abs=1e-9)


def test_a_jackknife_of_sampling_units_gives_the_error_of_a_total():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"psu": rng.integers(0, 12, 60), "w": rng.uniform(1, 3, 60)})
    rows["y"] = rng.normal(size=60)
    fit = survey.total(weights.with_design(rows, psu="psu", weight="w"), "y")
    kept = [(rows["psu"] != k) * 12 / 11 * rows["w"] for k in rows["psu"].unique()]
    again = np.array([(w * rows["y"]).sum() for w in kept])
    error = np.sqrt(11 / 12 * ((again - (rows["w"] * rows["y"]).sum()) ** 2).sum())
    assert fit.table["error"][0] == pytest.approx(error)
    replicated = weights.with_replicates(
        rows.assign(**{f"r{k}": w for k, w in enumerate(kept)}),
        [f"r{k}" for k in range(12)],
        kind="jk1",
        weight="w",
    )
    assert survey.total(replicated, "y").table["error"][0] == pytest.approx(error)


def test_a_domain_is_the_same_chosen_before_or_by_group():
    rng = np.random.default_rng(4)
    sample = draw(*stratified(rng), rng)
    sample = sample.assign(sex=rng.choice(["f", "m"], len(sample)))
    whole = survey.mean(sample, "y", by="sex").table
    alone = survey.mean(sample.where(sample["sex"] == "m"), "y").table
    numbers = ["estimate", "error", "low", "high"]
    assert whole.loc[1, numbers].to_numpy(float) == pytest.approx(alone.loc[0, numbers].to_numpy())
    drawn = [
        scores.mean(s.replace(draws=200), "y", by=by).replicates[:, -1]
        for s, by in ((sample, "sex"), (sample.where(sample["sex"] == "m"), None))
    ]
    assert drawn[0] == pytest.approx(drawn[1])  # one seed resamples the same units


@pytest.mark.slow
def test_resamples_vary_as_the_linearised_error():
    rng = np.random.default_rng(5)
    sample = draw(*stratified(rng), rng).replace(draws=4000)

    def mean(rows, w):
        return np.average(rows["y"], weights=w)

    drawn = bootstrap(sample, mean).replicates
    error = survey.mean(sample, "y").table["error"][0]
    assert drawn.std() == pytest.approx(error, rel=0.05)
    assert drawn.mean() == pytest.approx(survey.mean(sample, "y").table["estimate"][0], abs=0.03)
    ignorant = bootstrap(sample.replace(design=None, cluster=None), mean).replicates
    assert abs(ignorant.std() / error - 1) > 0.1


def test_draws_do_not_depend_on_how_many_are_made_at_a_time():
    rng = np.random.default_rng(6)
    design = draw(*stratified(rng), rng).design
    units = np.array([2, 7, 9])
    one, many = (np.concatenate(list(design.multiplicities(units, 20, 1, t))) for t in (3, 20))
    assert (one == many).all() and one.shape == (20, 3)
    every = np.concatenate(list(design.multiplicities(np.arange(design.units), 20, 1, 20)))
    assert (every[:, units] == one).all() and every.min() >= 0


def test_a_census_has_no_error():
    rows = pd.DataFrame({"s": list("aabb"), "N": 2, "y": [9.0, 3.0, 10.0, 8.0]})
    sample = weights.with_design(rows, strata="s", population="N")
    assert survey.mean(sample, "y").table["error"][0] == 0
    assert scores.mean(sample, "y").replicates == pytest.approx(np.nan, nan_ok=True)


@pytest.mark.slow
def test_raking_in_resamples_of_a_design_holds_its_margins():
    rng = np.random.default_rng(7)
    sample = draw(*stratified(rng), rng)
    sample = sample.assign(sex=np.tile([0.0, 1.0, 1.0], len(sample) // 3)).replace(draws=300)
    raked = weights.weigh(sample, {"sex": {0.0: 0.5, 1.0: 0.5}})

    def share(rows, w):
        return np.average(rows["sex"], weights=w)

    assert raked.design is sample.design
    assert bootstrap(raked, share).replicates == pytest.approx(0.5, abs=1e-4)


def test_strata_with_means_of_their_own_make_intervals_narrow():
    rng = np.random.default_rng(8)
    rows = pd.DataFrame({"s": np.repeat(["a", "b"], 50), "recommend": np.repeat([9.0, 2.0], 50)})
    rows["recommend"] = np.clip(rows["recommend"] + rng.integers(-1, 2, 100), 0, 10)
    plain, designed = Sample(rows), weights.with_design(rows, strata="s")
    for fit in (scores.nps, scores.mean):
        wide, narrow = (fit(s, "recommend").table.iloc[0] for s in (plain, designed))
        assert narrow["estimate"] == wide["estimate"]
        assert narrow["high"] - narrow["low"] < 0.7 * (wide["high"] - wide["low"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s": list("aabc")}, "2 of 3 strata have one sampling unit"),
        ({"N": [1.5, 1.5, 1.5, 1.5]}, "2 sampling units were sampled"),
        ({"N": [9, 8, 9, 9]}, "differs within 1 strata"),
        ({"s": ["a", None, "b", "b"]}, "empty in 1 of 4 rows"),
    ],
)
def test_mistakes_in_designs_are_named(change, message):
    rows = pd.DataFrame({"s": list("aabb"), "N": 9.0, "y": 1.0}).assign(**change)
    with pytest.raises(ValueError, match=message):
        weights.with_design(rows, strata="s", population="N")


def test_rows_from_elsewhere_are_refused():
    sample = weights.with_design(pd.DataFrame({"y": [1.0, 2.0, 3.0]}))
    with pytest.raises(ValueError, match="not in the sampling design"):
        sample.with_data(pd.DataFrame({"y": [1.0]}, index=[7]))


def test_one_stratum_tests_a_table_as_clusters_do():
    rng = np.random.default_rng(9)
    rows = pd.DataFrame({"psu": np.repeat(np.arange(30), 5)})
    row, column = rng.integers(0, 3, 150), rng.integers(0, 2, 150)
    w = rng.uniform(0.5, 2, 150)
    design = weights.with_design(rows, psu="psu").design
    clusters, stratum = (
        independence(row, column, w, rows["psu"].to_numpy(), d) for d in (None, design)
    )
    assert stratum.p == pytest.approx(clusters.p)


def test_a_design_of_single_rows_gives_nearly_pearsons_test():
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(10)
    rows = pd.DataFrame({"stars": rng.integers(1, 4, 3000), "shop": rng.choice(["a", "b"], 3000)})
    fit = scores.crosstab(
        weights.with_design(rows), {"stars": Item(label="x", scale=(1, 5))}, "shop"
    )
    expected = chi2_contingency(pd.crosstab(rows["stars"], rows["shop"]), correction=False).pvalue
    assert fit.table["p"][0] == pytest.approx(expected, abs=0.01)


@pytest.mark.coverage
def test_intervals_of_designs_cover_the_truth(tell_coverage):
    """15 to 24 clusters in three strata, 45 to 72 answers, a third of the population or less."""
    rng = np.random.default_rng(11)
    hits = {"mean": 0, "median": 0, "bootstrap": 0, "nps": 0, "csat": 0}
    repeats, drawn = 400, (7, 6, 5)
    for _ in range(repeats):
        population, _n = stratified(rng, within=4)
        y = population["y"].to_numpy()
        truth = {
            "mean": y.mean(),
            "median": float(np.sort(y)[int(np.ceil(len(y) / 2)) - 1]),
            "bootstrap": y.mean(),
            "nps": 100 * ((y >= 9).mean() - (y <= 6).mean()),
            "csat": (y >= 9).mean(),
        }
        sample = draw(population, drawn, rng).replace(draws=400)
        fits = {
            "mean": survey.mean(sample, "y"),
            "median": survey.quantile(sample, "y"),
            "bootstrap": scores.mean(sample, "y"),
            "nps": scores.nps(sample, "y"),
            "csat": scores.csat(sample, "y", scale=(0, 10)),
        }
        for name, fit in fits.items():
            row = fit.table.iloc[0]
            hits[name] += row["low"] - 1e-9 <= truth[name] <= row["high"] + 1e-9
    covered = {name: k / repeats for name, k in hits.items()}
    names = {"mean": "mean, linearised", "median": "median, Woodruff interval"}
    names |= {"bootstrap": "mean, bootstrap of sampling units", "nps": "NPS", "csat": "top-2 box"}
    for name, share in covered.items():
        of = "18 sampling units in 3 strata, 72 answers"
        tell_coverage(f"{names[name]}, survey design", of, share, repeats)
    assert all(0.925 <= covered[name] <= 0.98 for name in ("mean", "bootstrap")), covered
    assert all(covered[name] >= 0.91 for name in ("median", "nps", "csat")), covered


@pytest.mark.coverage
def test_the_corrected_test_of_a_stratified_design_keeps_its_level(tell_coverage):
    rng = np.random.default_rng(12)
    wrong, naive, repeats = 0, 0, 400
    for _ in range(repeats):
        population, _n = stratified(rng, (8, 8, 8), within=6)  # all of them: no finite population
        sample = weights.with_design(population, strata="stratum", psu="psu")
        unit = sample.design.units_of(sample.data)
        row = (sample["y"] > 6).to_numpy().astype(int)
        column = (rng.random(sample.design.units) < 0.5).astype(int)[unit]  # says nothing of y
        wrong += independence(row, column, sample.weights, unit, sample.design).p < 0.05
        naive += independence(row, column, np.ones(len(row))).p < 0.05
    tell_coverage(
        "rate of false findings, Rao–Scott test, survey design",
        "24 sampling units in 3 strata",
        wrong / repeats,
        repeats,
        0.05,
    )
    assert 0.015 <= wrong / repeats <= 0.095, wrong / repeats
    assert naive > wrong
