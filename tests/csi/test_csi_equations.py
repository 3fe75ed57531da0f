"""Equations, routes and scores against seminr and plspm, by hand, and over samples of a truth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_csi_coverage import covered, intervals, prepared, weighed
from test_csi_fit import MODEL, NESTED, SMALL, WITNESS, answers, mobi

from cxlib import csi
from cxlib.core.sample import Sample

FOUND = WITNESS["equations"]
__all__ = ["mobi"]  # the fixture


# --- witnesses


def test_mobi_has_the_adjusted_r2_and_bic_of_seminr(mobi, tell_witness):
    table = csi.equations(Sample(mobi, draws=2), MODEL).table.set_index("term")
    for column in ("adjusted_r2", "bic"):
        theirs = [FOUND[column][t] for t in table.index]
        tell_witness("PLS: adjusted R², BIC", "seminr (mobi)", table[column], theirs, atol=2e-5)


def test_mobi_has_the_cross_loadings_of_seminr(mobi, tell_witness):
    table = csi.equations(Sample(mobi, draws=2), MODEL).cross_loadings
    for construct, own in table.groupby("construct"):
        witness = {k.lower(): v for k, v in FOUND["cross_loadings"][construct].items()}
        theirs = [witness[t] for t in own["term"]]
        tell_witness("PLS: cross-loadings", "seminr (mobi)", own["estimate"], theirs, atol=2e-6)


def test_mobi_has_the_redundancy_and_gof_of_plspm(mobi, tell_witness):
    fit = csi.equations(Sample(mobi, draws=2), MODEL, csi.Options(scheme="centroid"))
    table = fit.table.set_index("term")
    ours = [*table["redundancy"], fit.gof]
    theirs = [*(FOUND["centroid_redundancy"][t] for t in table.index), FOUND["centroid_gof"]]
    tell_witness("PLS: redundancy and GoF", "plspm (mobi)", ours, theirs, atol=2e-6)


@pytest.mark.slow
def test_mobi_has_the_indirect_effects_of_seminr(mobi, tell_witness):
    fit = csi.mediation(Sample(mobi, draws=2), MODEL)
    routes = fit.table.groupby(["cause", "effect"])["estimate"].sum()
    totals = fit.totals[fit.totals["term"] == "indirect"].set_index(["cause", "effect"])
    for (cause, effect), value in routes.items():
        theirs = FOUND["indirect"][effect][cause]
        tell_witness("PLS: indirect effects", "seminr (mobi)", value, theirs, atol=2e-6)
        assert totals.loc[(cause, effect), "estimate"] == pytest.approx(value)


def test_mobi_has_the_scores_of_seminr(mobi, tell_witness):
    found = csi.scores(mobi, MODEL)
    standard = (found - found.mean()) / found.std()
    for construct, witness in FOUND["scores"].items():
        ours = standard[construct].head(5)
        tell_witness("PLS: construct scores", "seminr (mobi)", ours, witness, atol=2e-6)


# --- truth by hand, and laws


@pytest.mark.slow
def test_a_route_is_the_product_of_its_paths_and_routes_add_up_to_the_total():
    sample = Sample(answers(), draws=100)
    fit, whole = csi.mediation(sample, SMALL), csi.fit(sample, SMALL)
    path = whole.paths.set_index(["cause", "effect"])["estimate"]
    row = fit.table.iloc[0]
    assert row["term"] == "quality → satisfaction → loyalty"
    through = path["quality", "satisfaction"] * path["satisfaction", "loyalty"]
    assert row["estimate"] == pytest.approx(through)
    part = fit.totals.set_index("term")["estimate"]
    assert part["direct"] + part["indirect"] == pytest.approx(part["total"])
    assert fit.totals["accounted"].iloc[0] == pytest.approx(part["indirect"] / part["total"])
    assert set(fit.totals["kind"]) == {"complementary"}
    assert f"{row['estimate']:.2f}" in fit.finding.detail


@pytest.mark.slow
def test_the_mean_of_scores_is_the_index_and_their_slope_the_importance():
    rows = answers()
    sample = Sample(rows, weight="weight", draws=2)
    found, fit = csi.scores(sample, SMALL), csi.fit(sample, SMALL)
    index = fit.table.set_index("term")["estimate"]
    mean = np.average(found, axis=0, weights=rows["weight"])
    assert_allclose(mean, index[list(found)])
    x, y, w = found["quality"], found["satisfaction"], rows["weight"]
    slope = np.polyfit(x, y, 1, w=np.sqrt(w))[0]
    assert fit.importance["estimate"][0] == pytest.approx(slope)


@pytest.mark.slow
def test_scores_of_a_higher_order_have_its_index_as_their_mean(mobi):
    found = csi.scores(mobi, NESTED)
    index = csi.fit(Sample(mobi, draws=2), NESTED).table.set_index("term")["estimate"]
    assert_allclose(found.mean()[index.index], index)


def test_who_does_not_answer_has_no_score_and_sums_are_refused():
    rows = answers(100)
    rows.loc[3, "q1"] = np.nan
    found = csi.scores(rows, SMALL)
    assert np.isnan(found.loc[3, "quality"]) and found.loc[3, ["satisfaction"]].notna().all()
    from cxlib.stats import moments

    with pytest.raises(ValueError, match="a row for each answer"):
        csi.scores(moments.of(rows, SMALL.items), SMALL)


def test_a_model_without_a_route_says_so():
    model = csi.Model({"quality": ["q1"], "satisfaction": ["s1"]}, {"satisfaction": ["quality"]})
    fit = csi.mediation(Sample(answers(60), draws=5), model)
    assert str(fit) == "The model has no indirect route." and fit.table.empty


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, False), (50, False), (50, True)])
def test_intervals_of_an_indirect_effect_cover_the_truth(n, weight, tell_coverage):
    big = csi.mediation(Sample(answers(200_000, seed=98), draws=1, cluster="channel"), SMALL)
    truth = {"indirect": big.table["estimate"].to_numpy()}
    x = np.stack([answers(n, 1000 + k)[SMALL.items].to_numpy() for k in range(200)])
    task = prepared(SMALL, (1, 10))

    def indirect(_cov, solved):
        return (solved.paths[1, 0] * solved.paths[2, 1])[None]

    found = intervals(x, weighed(200, n, weight), task, {"indirect": (3, indirect)})
    share = covered(found, truth)["indirect"][0]
    of = f"{n} customers" + ", weighted" * weight
    tell_coverage("specific indirect effect, PLS", of, share, len(x))
    assert 0.91 <= share <= 0.985
