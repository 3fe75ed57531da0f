"""The covariance metric, eigenvalues of blocks and blindfolding: plspm, by hand, laws, coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_csi_coverage import covered, customers, intervals, prepared, weighed
from test_csi_fit import MODEL, NESTED, SMALL, WITNESS, answers, mobi, numbers

from cxlib import csi
from cxlib.core.sample import Sample

THEIRS = WITNESS["unscaled"]
RAW = csi.Options(scaled=False)
__all__ = ["mobi"]  # the fixture


def estimates(fit, table: str) -> pd.Series:
    return fit.tables[table].set_index("term")["estimate"]


def standardised(rows: pd.DataFrame, weight: str | None = None) -> pd.DataFrame:
    w = rows[weight] if weight else np.ones(len(rows))
    x = rows[SMALL.items]
    centred = x - np.average(x, axis=0, weights=w)
    rows = rows.assign(**(centred / np.sqrt(np.average(centred**2, axis=0, weights=w))))
    return rows.assign(**(rows[SMALL.items] + 5))


# --- witness


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["path", "centroid"])
def test_unscaled_mobi_agrees_with_plspm(mobi, scheme, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), MODEL, replace(RAW, scheme=scheme))
    ours = {name: estimates(fit, name) for name in ("paths", "weights", "loadings")}
    ours["loadings"] = ours["loadings"] / mobi.std(ddof=0)  # plspm prints correlations
    for name, theirs in THEIRS[scheme].items():
        mine = ours[name][list(theirs)]
        tell_witness("PLS: covariance metric", "plspm (mobi)", mine, [*theirs.values()], atol=1e-7)


@pytest.mark.slow
def test_mobi_has_the_eigenvalues_of_plspm(mobi, tell_witness):
    found = csi.reliability(csi.fit(Sample(mobi, draws=2), MODEL)).eigenvalues
    assert set(found["construct"]) == set(THEIRS["eigenvalues"])
    for construct, own in found.groupby("construct"):
        theirs = THEIRS["eigenvalues"][construct]
        tell_witness("PLS: eigenvalues", "plspm (mobi)", own["estimate"], theirs, atol=1e-8)


# --- truth by hand, and laws


@pytest.mark.slow
@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("how", [{}, {"consistent": True}])
def test_questions_standardised_before_make_no_difference(weight, how):
    sample = Sample(standardised(answers(), weight), weight=weight, draws=60)
    scales = dict.fromkeys(SMALL.items, (0.0, 10.0))
    one, other = (
        csi.fit(sample, SMALL, csi.Options(scales, scaled=scaled, **how))
        for scaled in (True, False)
    )
    for name, table in one.tables.items():  # resamples are not standardised, so only estimates
        assert_allclose(other.tables[name]["estimate"], table["estimate"], rtol=1e-6)


@pytest.mark.slow
def test_one_unit_for_all_changes_nothing_but_what_is_in_that_unit():
    rows = answers()
    once, twice = Sample(rows, draws=30), Sample(rows.assign(**2 * rows[SMALL.items]), draws=30)
    scales = dict.fromkeys(SMALL.items, (2.0, 20.0))
    one, two = csi.fit(once, SMALL, RAW), csi.fit(twice, SMALL, replace(RAW, scales=scales))
    for name in ("table", "paths", "r2", "effects", "importance", "reliability", "unstandardised"):
        assert_allclose(
            two.tables[name].select_dtypes(float), one.tables[name].select_dtypes(float), atol=1e-6
        )
    assert_allclose(estimates(two, "weights"), estimates(one, "weights") / 2)
    assert_allclose(estimates(two, "loadings"), 2 * estimates(one, "loadings"))


@pytest.mark.slow
def test_unscaled_questions_of_larger_variance_weigh_more():
    rows = answers()
    wide = rows.assign(q1=5.5 + 3 * (rows["q1"] - 5.5))
    scales = {"q1": (-20.0, 30.0)}
    shared = {"draws": 2}
    same = numbers(csi.fit(Sample(wide, **shared), SMALL, csi.Options(scales)))
    assert_allclose(
        same[3:5], numbers(csi.fit(Sample(rows, **shared), SMALL))[3:5]
    )  # standardised paths know no unit
    plain, raw = (
        estimates(csi.fit(Sample(wide, **shared), SMALL, csi.Options(scales, scaled=s)), "loadings")
        for s in (True, False)
    )
    assert raw["q1"] / wide["q1"].std(ddof=0) > plain["q1"] + 0.05


@pytest.mark.slow
def test_formative_and_single_questions_know_no_metric():
    model = replace(SMALL, formative=("quality", "satisfaction"))
    one, other = (csi.fit(Sample(answers(), draws=2), model, csi.Options(scaled=s)) for s in (1, 0))
    assert_allclose(estimates(one, "paths"), estimates(other, "paths"), atol=1e-6)
    assert_allclose(other.weights["share"], one.weights["share"], atol=1e-6)


def test_unstandardised_paths_are_the_slopes_of_the_scores():
    rows = answers()
    sample = Sample(rows, weight="weight", draws=2)
    found = csi.scores(sample, SMALL, RAW)
    fit = csi.fit(sample, SMALL, RAW)
    assert_allclose(np.average(found, axis=0, weights=rows["weight"]), fit.table["estimate"])
    assert "found from covariances" in fit.notes
    x, y, w = found["quality"], found["satisfaction"], rows["weight"]
    slope = np.polyfit(x, y, 1, w=np.sqrt(w))[0]
    path = fit.unstandardised.set_index(["cause", "effect"])["estimate"]
    assert path["quality", "satisfaction"] == pytest.approx(slope)


@pytest.mark.slow
def test_an_unscaled_model_of_a_higher_order_keeps_its_laws(mobi):
    fit = csi.fit(Sample(mobi, draws=5), NESTED, RAW)
    found = csi.scores(mobi, NESTED, RAW)
    index = estimates(fit, "table")
    assert_allclose(found.mean()[index.index], index)
    assert set(fit.weights["construct"]) == set(NESTED.constructs)
    score = found["quality"] - found["quality"].mean()  # a proxy of variance one, by its loading
    loading = (score * mobi["perq1"]).mean() / score.std(ddof=0)
    assert estimates(fit, "loadings")["perq1"] == pytest.approx(loading)


def test_interactions_refuse_unscaled_questions():
    with pytest.raises(ValueError, match="scaled"):
        csi.moderation(answers(), SMALL, {"loyalty": [("satisfaction", "quality")]}, RAW)


@pytest.mark.slow
def test_eigenvalues_are_those_of_the_weighted_correlations():
    rows = answers()
    found = csi.fit(Sample(rows, weight="weight", draws=20), SMALL).eigenvalues
    cov = np.cov(rows[["q1", "q2", "q3"]].T, aweights=rows["weight"])
    deviation = np.sqrt(np.diagonal(cov))
    values = np.linalg.eigvalsh(cov / np.outer(deviation, deviation))
    mine = found[found["construct"] == "quality"]["estimate"]
    assert_allclose(mine, values[::-1][:2])
    r = (rows["s1"], rows["s2"])
    r = np.cov(r, aweights=rows["weight"])
    r = r[0, 1] / np.sqrt(r[0, 0] * r[1, 1])
    mine = found[found["construct"] == "satisfaction"]["estimate"]
    assert_allclose(mine, [1 + r, 1 - r])
    assert "loyalty" not in set(found["construct"])  # one question
    formative = csi.fit(Sample(rows, draws=5), replace(SMALL, formative=("quality",)))
    assert "quality" in set(formative.eigenvalues["construct"])
    assert "quality" not in set(formative.reliability["construct"])


def blindfolded(rows: pd.DataFrame, items: list[str], model: csi.Model, distance: int) -> float:
    """Q² by causes of a construct, cell by cell, by the algorithm of plain loops."""
    x, names = rows[model.items].astype(float), list(model.constructs)
    sse = sso = 0.0
    for first in range(distance):
        filled, out = x.copy(), []
        for c, item in enumerate(items):
            at = [i for i in range(len(x)) if (c * len(x) + i) % distance == first]
            filled.loc[at, item] = np.nan
            out += [(i, item) for i in at]
        mean = filled.mean()
        filled = filled.fillna(mean)
        fit = csi.fit(Sample(filled, draws=1), model)
        weights, loadings = estimates(fit, "weights"), estimates(fit, "loadings")
        z = (filled - filled.mean()) / filled.std(ddof=0)
        score = {n: z[model.constructs[n]] @ weights[model.constructs[n]] for n in names}
        effect = next(n for n in names if model.constructs[n] == items)
        causes = model.paths[effect]
        slopes = np.linalg.lstsq(
            np.stack([score[k] for k in causes], 1), score[effect], rcond=None
        )[0]
        guess = sum(b * score[k] for b, k in zip(slopes, causes, strict=True))
        for i, item in out:
            size = x[item].std(ddof=0)
            told = mean[item] + guess[i] * loadings[item] * filled[item].std(ddof=0)
            sse += ((x.loc[i, item] - told) / size) ** 2
            sso += ((x.loc[i, item] - mean[item]) / size) ** 2
    return 1 - sse / sso


@pytest.mark.slow
def test_blindfolding_is_what_plain_loops_find():
    rows = answers(60)
    found = estimates(csi.blindfolding(rows, SMALL), "table")
    for effect in ("satisfaction", "loyalty"):
        plain = blindfolded(rows, list(SMALL.constructs[effect]), SMALL, 7)
        assert found[effect] == pytest.approx(plain, abs=1e-6)


def test_blindfolding_is_near_one_without_noise_and_near_zero_without_a_link():
    rng = np.random.default_rng(1)
    quality, chance = rng.normal(size=(2, 250))
    near = 5.5 + np.stack([quality + 0.01 * e for e in rng.normal(size=(3, 250))], 1)
    rows = pd.DataFrame(near, columns=["q1", "q2", "q3"])
    rows = rows.assign(s1=rows["q1"], s2=rows["q2"], l1=5.5 + chance)
    found = csi.blindfolding(rows, SMALL)
    q2 = estimates(found, "table")
    assert q2["satisfaction"] > 0.97 and q2["loyalty"] < 0.02
    # a person's score lacks what was left out: of k equal questions it keeps 1 - 1/k
    assert_allclose(estimates(found, "communality"), [1 - 1 / 9, 1 - 1 / 4], atol=0.01)
    assert "no predictive relevance" in str(found) and "loyalty" in str(found).lower()


@pytest.mark.slow
def test_blindfolding_stays_below_r2_and_weights_count_by_ratios():
    rows = answers(251)
    r2 = estimates(csi.fit(Sample(rows, draws=2), SMALL), "r2")
    q2 = estimates(csi.blindfolding(rows, SMALL), "table")
    assert (q2 < r2[q2.index]).all() and (q2 > 0.1).all()
    weighted = Sample(rows.assign(w=rows["weight"] * 7), weight="w")
    once = Sample(rows, weight="weight")
    assert_allclose(
        estimates(csi.blindfolding(weighted, SMALL), "table"),
        estimates(csi.blindfolding(once, SMALL), "table"),
    )
    assert not np.allclose(estimates(csi.blindfolding(once, SMALL), "table"), q2)


def test_the_order_of_rows_matters_only_through_which_cells_are_left_out():
    rows = answers(120)
    model = csi.Model({"quality": ["q1"], "satisfaction": ["s1"]}, {"satisfaction": ["quality"]})
    first = csi.blindfolding(rows, model).table["estimate"][0]
    within = np.concatenate(
        [np.random.default_rng(2).permutation(np.arange(k, 120, 7)) for k in range(7)]
    )
    order = np.empty(120, int)  # rows move among those that are left out together
    order[np.concatenate([np.arange(k, 120, 7) for k in range(7)])] = within
    same = csi.blindfolding(rows.iloc[order], model).table["estimate"][0]
    other = csi.blindfolding(rows.sort_values("s1"), model).table["estimate"][0]
    assert same == pytest.approx(first) and other != pytest.approx(first, abs=1e-9)


@pytest.mark.parametrize(("n", "distance"), [(70, 7), (60, 1), (60, 60), (60, 99)])
def test_a_distance_that_leaves_out_complete_rows_is_refused(n, distance):
    with pytest.raises(ValueError, match="distance"):
        csi.blindfolding(answers(n), SMALL, distance=distance)


@pytest.mark.slow
def test_missing_answers_are_left_out_of_blindfolding_and_higher_orders_taken_in_parts(mobi):
    rows = answers(121)
    rows.loc[4, "q1"] = np.nan
    assert csi.blindfolding(rows, SMALL).table["n"].tolist() == [120, 120]
    assert {"quality", "value"} <= set(csi.blindfolding(mobi, NESTED).communality["term"])


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, False), (50, False), (50, True)])
def test_intervals_of_unscaled_models_and_eigenvalues_cover_the_truth(n, weight, tell_coverage):
    big = csi.fit(Sample(answers(200_000, seed=98), draws=1, cluster="channel"), SMALL, RAW)
    eigen = big.eigenvalues.pivot_table(index="construct", columns="term", values="estimate")
    eigen = eigen.loc[["quality", "satisfaction"]]
    path = big.unstandardised.set_index(["cause", "effect"])["estimate"]
    truth = {
        "unstandardised paths": path.to_numpy(),
        "first eigenvalue": eigen["eigenvalue_1"].to_numpy(),
        "second eigenvalue": eigen["eigenvalue_2"].to_numpy(),
    }
    names, samples = list(SMALL.constructs), 200
    cause, effect = ([names.index(pair[k]) for pair in path.index] for k in (0, 1))
    measures = {
        "unstandardised paths": (3, lambda _, s: s.slopes[effect, cause]),
        "first eigenvalue": (3, lambda _, s: s.eigenvalue_1[:2]),
        "second eigenvalue": (3, lambda _, s: s.eigenvalue_2[:2]),
    }
    x = np.stack([answers(n, 1000 + k)[SMALL.items].to_numpy() for k in range(samples)])
    task = prepared(SMALL, (1, 10), scaled=False)
    found = covered(intervals(x, weighed(samples, n, weight), task, measures), truth)
    for name, share in found.items():
        tell_coverage(f"{name}, PLS", customers(n, weight), share.mean(), samples)
        print(name, share)
    assert found["unstandardised paths"].mean() >= 0.91
    assert found["first eigenvalue"].mean() >= 0.91
