"""Validity, prediction and comparison of groups of a path model, beside independent programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ttest_1samp
from test_csi_fit import FACTORS, MODEL, NESTED, SMALL, WIDE, WITNESS, answers, exact_factors, mobi

from cxlib import csi, plots, weights
from cxlib.core import context
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.csi.estimation import prepare
from cxlib.csi.prediction import _errors
from cxlib.stats import moments, pvalues, resampling

__all__ = ["mobi"]
HTMT = json.loads(
    (Path(__file__).parents[1] / "reference" / "ecsi_mobi_htmt.json").read_text("utf-8")
)


def scores(rows: pd.DataFrame, model: csi.Model, fit: Result) -> pd.DataFrame:
    """Standardised proxies, from the rows and the outer weights."""
    weight = fit.weights.set_index("term")["estimate"]
    x = rows[model.items]
    z = (x - x.mean()) / x.std(ddof=0)
    return pd.DataFrame({c: z[list(i)] @ weight[list(i)] for c, i in model.constructs.items()})


# --- validity


@pytest.mark.slow
def test_mobi_has_the_htmt_and_htmt2_of_semtools(mobi, tell_witness):
    table = csi.validity(Sample(mobi, draws=2), MODEL).table
    named = (table["one"] + " · " + table["other"]).rename("pair")
    both = table.set_index(named)
    for column, name in (("estimate", "htmt"), ("htmt2", "htmt2")):
        ours, theirs = both.loc[list(HTMT[name]), column], list(HTMT[name].values())
        tell_witness("PLS: HTMT, HTMT2", "R semTools (mobi)", ours, theirs, atol=1e-9)


@pytest.mark.slow
def test_mobi_has_the_variance_inflation_of_seminr(mobi, tell_witness):
    vif = csi.validity(Sample(mobi, draws=2), MODEL).vif.set_index(["effect", "term"])["estimate"]
    for effect, causes in WITNESS["checks"]["vif"].items():
        for cause, value in causes.items():
            ours = vif[effect, cause]
            tell_witness("PLS: VIF", "seminr (mobi)", ours, value, atol=1e-7)


def test_formative_questions_have_the_variance_inflation_of_a_regression():
    rows = answers()
    vif = csi.validity(Sample(rows, draws=2), replace(SMALL, formative=("quality",))).vif
    own = vif[vif["effect"] == "quality"].set_index("term")["estimate"]
    x = np.column_stack([np.ones(300), rows[["q2", "q3"]]])
    rest = rows["q1"] - x @ np.linalg.lstsq(x, rows["q1"], rcond=None)[0]
    assert own["q1"] == pytest.approx(rows["q1"].var() / rest.var())
    assert len(own) == 3


@pytest.mark.slow
def test_f2_is_what_is_lost_without_a_cause():
    rows = answers()
    fit = csi.fit(Sample(rows, draws=2), SMALL)
    proxies = scores(rows, SMALL, fit)
    alone = proxies["quality"].corr(proxies["loyalty"]) ** 2
    whole = fit.r2.set_index("term").loc["loyalty", "estimate"]
    f2 = csi.validity(Sample(rows, draws=2), SMALL).f2.set_index(["cause", "effect"])["estimate"]
    assert f2["satisfaction", "loyalty"] == pytest.approx((whole - alone) / (1 - whole))


@pytest.mark.slow
def test_f2_of_the_other_definition_takes_the_weights_of_the_model_without_the_path():
    rows = answers()
    found = csi.f2_refitted(Sample(rows, draws=2), SMALL).set_index(["cause", "effect"])["estimate"]
    whole = csi.fit(Sample(rows, draws=2), SMALL).r2.set_index("term")["estimate"]
    # An effect of one cause has no R² without it; of two, that of the smaller model by itself.
    one = whole["satisfaction"]
    assert found["quality", "satisfaction"] == pytest.approx(one / (1 - one))
    paths = {**SMALL.paths, "loyalty": ["quality"]}
    smaller = csi.fit(Sample(rows, draws=2), replace(SMALL, paths=paths)).r2.set_index("term")
    lost = whole["loyalty"] - smaller.loc["loyalty", "estimate"]
    assert found["satisfaction", "loyalty"] == pytest.approx(lost / (1 - whole["loyalty"]))
    kept = csi.validity(Sample(rows, draws=2), SMALL).f2.set_index(["cause", "effect"])["estimate"]
    assert found["satisfaction", "loyalty"] != pytest.approx(kept["satisfaction", "loyalty"])


@pytest.mark.slow
def test_htmt_of_factors_with_equal_loadings_is_their_correlation_and_htmt2_of_any():
    rows, _ = exact_factors()
    table = csi.validity(Sample(rows, draws=2), FACTORS, csi.Options(scales=WIDE)).table
    assert_allclose(table["htmt2"], [0.6, 0.5, 0.62], atol=1e-9)
    assert not np.allclose(table["estimate"], [0.6, 0.5, 0.62], atol=1e-4)
    equal = np.array([[1, 0.6], [0.6, 1]])
    cor = 0.49 * np.kron(equal, np.ones((2, 2)))
    np.fill_diagonal(cor, 1)
    raw = np.random.default_rng(1).normal(size=(100, 4))
    white = (raw - raw.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T, ddof=0))).T
    pair = csi.Model({"a": ["a1", "a2"], "b": ["b1", "b2"]}, {"b": ["a"]}, target="b")
    rows = pd.DataFrame(white @ np.linalg.cholesky(cor).T, columns=pair.items)
    found = csi.validity(
        Sample(rows, draws=2), pair, csi.Options(scales=dict.fromkeys(pair.items, (-20, 20)))
    ).table
    assert found["estimate"].item() == pytest.approx(0.6) == found["htmt2"].item()


@pytest.mark.slow
def test_a_population_of_factors_leaves_no_residual_and_composites_do():
    rows, _ = exact_factors()
    sample = Sample(rows, draws=2)
    assert_allclose(
        csi.validity(sample, FACTORS, csi.Options(scales=WIDE, consistent=True)).srmr["estimate"],
        0,
        atol=1e-7,
    )
    assert csi.validity(sample, FACTORS, csi.Options(scales=WIDE)).srmr["estimate"].min() > 0.01


@pytest.mark.slow
def test_srmr_is_the_root_mean_square_of_the_residuals():
    rows = answers()
    model = csi.Model(SMALL.constructs, {"satisfaction": ["quality"], "loyalty": ["satisfaction"]})
    fit = csi.fit(Sample(rows, draws=2), model)
    between = scores(rows, model, fit).corr().to_numpy().copy()
    between[0, 2] = between[2, 0] = between[0, 1] * between[1, 2]  # as the two paths have it
    cor, home = rows[model.items].corr().to_numpy(), [0, 0, 0, 1, 1, 2]
    loading = fit.loadings["estimate"].to_numpy()
    squares = [
        (cor[i, j] - loading[i] * loading[j] * between[home[i], home[j]]) ** 2
        for i in range(6)
        for j in range(i)
        if home[i] != home[j]
    ]
    srmr = csi.validity(Sample(rows, draws=2), model).srmr.set_index("term")["estimate"]
    assert srmr["estimated"] == pytest.approx(np.sqrt(sum(squares) / 21))


def test_constructs_that_are_one_are_not_told_apart():
    rows = answers(600).assign(s1=lambda r: r["q1"], s2=lambda r: r["q2"])
    rows["s1"] = np.clip(rows["s1"] + np.random.default_rng(2).integers(-1, 2, 600), 1, 10)
    same = csi.validity(Sample(rows, draws=200), SMALL)
    close = same.table.iloc[0]
    assert close["one"] == "quality" and close["high"] > 0.9
    assert str(same) == "Customers hardly distinguish quality from satisfaction."
    assert "2 of 3 pairs are distinct" in same.finding.detail
    assert "closest: quality and satisfaction" in same.finding.detail


def test_a_model_that_leaves_out_a_path_that_is_there_does_not_fit():
    rows = answers(2000)
    rows["l1"] = np.clip(rows["q1"] + np.random.default_rng(1).integers(-1, 2, 2000), 1, 10)
    chain = {"satisfaction": ["quality"], "loyalty": ["satisfaction"]}
    wrong = csi.validity(Sample(rows, draws=200), replace(SMALL, paths=chain))
    assert "the deviation is significant" in csi.model_fit(wrong).finding.detail
    assert wrong.srmr.set_index("term").loc["estimated", "p"] < 0.01


def test_parts_are_checked_in_the_place_of_a_whole(mobi):
    table = csi.validity(Sample(mobi, draws=2), NESTED).table
    assert "experience" not in set(table["one"]) | set(table["other"])
    assert {"quality", "value"} <= set(table["one"]) | set(table["other"])


@pytest.mark.slow
def test_what_is_said_of_fit_and_redundance():
    rows = answers(600)
    sound = csi.validity(Sample(rows, draws=100), SMALL)
    assert "reproduces the correlations" in str(csi.model_fit(sound))
    assert "can be separated" in str(csi.redundancy(sound))
    rows["s1"] = rows["s2"] = rows["q1"]
    rows.loc[::9, "s2"] = 5
    again = csi.validity(rows, replace(SMALL, constructs={**SMALL.constructs, "quality": ["q1"]}))
    assert "Causes of loyalty overlap" in str(csi.redundancy(again))
    square = csi.htmt_matrix(sound)
    assert list(square) == ["quality", "satisfaction", "loyalty"]
    assert_allclose(square.to_numpy(), square.to_numpy().T)
    assert square.loc["loyalty", "quality"] == sound.table["estimate"][1]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_order_weights_and_scale_change_no_check(seed, factor):
    rows = answers(120, seed=seed)
    other = rows.sample(frac=1, random_state=seed).assign(weight=lambda r: factor * r["weight"])
    other[SMALL.items] = (other[SMALL.items] - 1) * factor
    scales = {i: (0, 9 * factor) for i in SMALL.items}
    one = csi.validity(Sample(rows, weight="weight", draws=2), SMALL)
    two = csi.validity(Sample(other, weight="weight", draws=2), SMALL, csi.Options(scales=scales))
    for name in ("table", "vif", "f2", "srmr"):
        before, after = (getattr(f, name)["estimate"] for f in (one, two))
        assert_allclose(before, after, atol=1e-6)


# --- prediction


@pytest.mark.slow
@pytest.mark.parametrize("antecedents", ["direct", "earliest"])
def test_mobi_is_foretold_person_by_person_as_seminr_does(mobi, antecedents, tell_witness):
    found = csi.predict(
        Sample(mobi, draws=2), MODEL, antecedents=antecedents, folds=len(mobi), repeats=1
    ).table.set_index("term")
    for kind, ours in (("pls", ("rmse", "mae")), ("lm", ("rmse_linear", "mae_linear"))):
        witness = WITNESS["checks"][f"{antecedents}_{kind}"]
        for item, values in witness.items():
            errors = found.loc[item.lower(), list(ours)].astype(float)
            tell_witness("PLSpredict: RMSE, MAE", "seminr (mobi)", errors, values, atol=2e-6)


def test_q2_compares_with_the_mean_of_the_others():
    rows = answers(60)
    found = csi.predict(Sample(rows, draws=2), SMALL, folds=60, repeats=1).table.set_index("term")
    left_out = (rows["l1"].sum() - rows["l1"]) / 59
    means = ((rows["l1"] - left_out) ** 2).mean()
    assert found.loc["l1", "rmse_means"] == pytest.approx(np.sqrt(means))
    assert found.loc["l1", "estimate"] == pytest.approx(1 - found.loc["l1", "rmse"] ** 2 / means)


def test_a_customer_is_never_foretold_from_the_same_customer():
    once = answers(80)
    twice = pd.concat([once, once]).assign(customer_id=np.tile(np.arange(80), 2))
    alone = csi.predict(Sample(once, draws=2), SMALL, folds=80, repeats=1).table
    both = csi.predict(
        Sample(twice, cluster="customer_id", draws=2), SMALL, folds=80, repeats=1
    ).table
    assert_allclose(alone["rmse"], both["rmse"], atol=1e-9)


@pytest.mark.slow
def test_draws_of_what_was_foretold_are_raked_again():
    rows = answers()
    rows["half"] = np.where(rows["s1"] > rows["s1"].median(), "upper", "lower")
    sample = weights.weigh(Sample(rows, draws=200), {"half": {"upper": 0.4, "lower": 0.6}})
    raked = csi.predict(sample, SMALL)
    fixed = csi.predict(sample.replace(raking=None), SMALL)  # the weights as they are
    assert_allclose(raked.table["estimate"], fixed.table["estimate"])
    assert not np.allclose(raked.table["low"], fixed.table["low"], atol=1e-6)


@pytest.mark.slow
def test_noise_is_not_foretold_and_a_model_as_good_as_any_is_told_from_a_poor_one():
    rows = answers(400).assign(l1=np.random.default_rng(1).integers(1, 11, 400))
    power = csi.predict(Sample(rows, draws=200), SMALL)
    noise = power.table.set_index("term").loc["l1"]
    assert noise["low"] < 0 and power.table["low"].iloc[0] > 0
    assert "predicts 2 of 3 questions of new customers better" in str(power)
    # satisfaction's questions stand for single causes: a model through one composite loses
    rng = np.random.default_rng(3)
    rows["s1"], rows["s2"] = np.clip(rows["q1"] + rng.integers(-1, 2, 400), 1, 10), rows["q3"]
    poor = csi.predict(Sample(rows, draws=200), SMALL)
    assert "significantly larger errors, by" in poor.finding.detail


@pytest.mark.slow
def test_t_and_p_of_losses_are_those_of_the_paired_t_test(tell_witness):
    rows = answers(300)
    task = prepare(Sample(rows), SMALL)
    x, keys = rows[SMALL.items].to_numpy(float), resampling.keys_of(rows)
    squared = _errors(task, x, keys, "direct", 10, 4)[0] / x.var(0)
    table = csi.predict(Sample(rows, draws=4000), SMALL, repeats=4).losses
    known = slice(3, None)  # questions of constructs with causes
    blocks = {"satisfaction": [0, 1], "loyalty": [2], "overall": None}
    for name, k in (("means", 2), ("linear", 1)):
        own = table[table["against"] == name].set_index("term")
        gain = (squared[k] - squared[0])[:, known]
        each = [gain[:, blocks[t]].mean(1) for t in ("satisfaction", "loyalty")]
        theirs = [ttest_1samp(g, 0) for g in [*each, gain.mean(1)]]
        ours = own.loc[list(blocks)]
        source = "paired t-test of scipy"
        t = [test.statistic for test in theirs]
        tell_witness("CVPAT: t", source, ours["t"], t, rtol=0.06, atol=0.02)
        p = [test.pvalue for test in theirs]
        tell_witness("CVPAT: p", source, ours["p"], p, rtol=0.3, atol=0.03)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_weights_and_scale_change_no_q2(seed, factor):
    rows = answers(100, seed=seed)
    other = rows.assign(weight=factor * rows["weight"])
    other[SMALL.items] = (other[SMALL.items] - 1) * factor
    scales = {i: (0, 9 * factor) for i in SMALL.items}
    design = {"weight": "weight", "draws": 5}
    one = csi.predict(Sample(rows, **design), SMALL, repeats=2)
    two = csi.predict(Sample(other, **design), SMALL, csi.Options(scales=scales), repeats=2)
    for column in ("estimate", "low", "high"):
        assert_allclose(one.table[column], two.table[column], atol=1e-6)
        assert_allclose(one.losses[column], two.losses[column], atol=1e-6)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"folds": 1}, "folds is 1; it must be 2 or more"),
        ({"antecedents": "any"}, "direct, earliest"),
    ],
)
def test_a_prediction_that_cannot_be_made_says_why(how, message):
    with pytest.raises(ValueError, match=message):
        csi.predict(answers(), SMALL, **how)


# --- groups


@pytest.mark.slow
def test_the_first_difference_is_that_of_the_two_fits():
    rows = answers()
    found = csi.compare(Sample(rows, weight="weight", draws=9), SMALL, "channel", permutations=19)
    fits = {
        g: csi.fit(Sample(rows[rows["channel"] == g], weight="weight", draws=2), SMALL)
        for g in ("shop", "web")
    }
    gap = fits["shop"].paths["estimate"] - fits["web"].paths["estimate"]
    assert_allclose(found.paths["estimate"], gap, atol=1e-7)
    index = csi.fit_by(Sample(rows, weight="weight", draws=9), SMALL, "channel").table["estimate"]
    assert found.table["estimate"].item() == pytest.approx(index[0] - index[1])


@pytest.mark.slow
def test_measurement_is_compared_on_the_pooled_scores():
    rows = answers()
    table = csi.compare(Sample(rows, draws=2), SMALL, "channel", permutations=19).measured
    row = table.set_index("term").loc["quality"]
    q = ["q1", "q2", "q3"]
    z = (rows[q] - rows[q].mean()) / rows[q].std(ddof=0)
    parts = [rows[rows["channel"] == g] for g in ("shop", "web")]
    own = [
        csi.fit(Sample(p, draws=2), SMALL).weights.set_index("term")["estimate"][q] for p in parts
    ]
    assert row["estimate"] == pytest.approx(np.corrcoef(z @ own[0], z @ own[1])[0, 1])
    pooled = z @ csi.fit(Sample(rows, draws=2), SMALL).weights.set_index("term")["estimate"][q]
    shop, web = (pooled[rows["channel"] == g] for g in ("shop", "web"))
    assert row["means"] == pytest.approx(shop.mean() - web.mean())
    assert row["spread"] == pytest.approx(np.log(shop.var(ddof=0) / web.var(ddof=0)))


@pytest.mark.slow
def test_groups_that_are_copies_do_not_differ_at_all():
    rows = answers(150)
    both = pd.concat([rows.assign(channel="a"), rows.assign(channel="b")], ignore_index=True)
    found = csi.compare(Sample(both, draws=50), SMALL, "channel", permutations=50)
    assert_allclose(found.table["estimate"], 0, atol=1e-9)
    assert found.table["p"].item() == 1 and (found.paths["p_held"] == 1).all()
    assert (found.measured["verdict"] == "full").all()
    assert "no pair of groups differs" in found.finding.detail


@pytest.mark.slow
def test_groups_that_differ_in_index_paths_and_measurement_are_found():
    rows = answers(900).assign(channel=lambda r: np.array(["a", "b", "c"])[r.index % 3])
    c = rows["channel"] == "c"
    rows.loc[c, ["s1", "s2"]] -= 1.5
    rows.loc[c, "l1"] = np.random.default_rng(1).integers(1, 11, c.sum())
    rows.loc[c, "q1"] = np.random.default_rng(2).integers(1, 11, c.sum())
    rows[["s1", "s2"]] = rows[["s1", "s2"]].clip(1, 10)
    found = csi.compare(Sample(rows, draws=300), SMALL, "channel", permutations=300)
    sure = found.table[found.table["p_held"] < 0.05]
    assert set(sure["other"]) == {"c"} and len(sure) == 2
    assert "2 of 3 pairs of groups differ significantly in satisfaction" in found.finding.detail
    unlike = found.measured[found.measured["verdict"] == "none"]
    assert set(unlike["term"]) == {"quality"} and set(unlike["other"]) == {"c"}
    assert "Questions weigh differently in 2 of 3 pairs of groups" in str(found)
    assert found.finding.detail.startswith("quality; scores correlate by")
    moved = found.paths[(found.paths["p_held"] < 0.05) & (found.paths["other"] == "c")]
    assert "satisfaction → loyalty" in set(moved["term"])


def test_holm_raises_small_p_most():
    assert_allclose(pvalues.adjusted(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    assert_allclose(pvalues.adjusted(np.array([0.5, 0.9])), [1, 1])
    assert_allclose(pvalues.adjusted(np.array([np.nan, 0.01])), [np.nan, 0.02])


@pytest.mark.slow
def test_a_group_without_a_proper_solution_has_no_p_for_its_paths():
    rows = answers(200, seed=4)
    odd = (rows["channel"] == "web").to_numpy()
    rows.loc[odd, "s1"], rows.loc[odd, "s2"] = rows["q1"][odd], rows["q2"][odd]
    found = csi.compare(
        Sample(rows, draws=19), SMALL, "channel", csi.Options(consistent=True), permutations=19
    )
    lost = found.paths["estimate"].isna()
    assert lost.any() and found.paths.loc[lost, "p"].isna().all()
    assert found.paths["p_held"].isna().all() and set(found.measured["verdict"]) <= {
        "none",
        "partial",
        "full",
    }


@pytest.mark.slow
def test_groups_too_small_are_named_and_one_group_is_no_comparison():
    rows = answers().assign(channel=lambda r: np.where(r.index < 4, "fax", r["channel"]))
    found = csi.compare(Sample(rows, draws=9), SMALL, "channel", permutations=19)
    assert "Too small to be compared: fax." in found.notes and len(found.table) == 1
    many = rows.assign(who=np.where(rows.index < 40, rows.index % 4, rows.index))
    many["channel"] = np.where(rows.index < 40, "fax", rows["channel"])  # 40 answers of 4 customers
    with context.use(context.Context(smallest_cell=10)):
        found = csi.compare(Sample(many, cluster="who", draws=9), SMALL, "channel", permutations=59)
    assert "Too small to be compared: fax." in found.notes
    assert not any("fax" in t.to_string() for t in (found.table, found.measured, found.paths))
    alone = csi.compare(rows.assign(channel="web"), SMALL, "channel")
    assert alone.table.empty and str(alone).startswith("Fewer than two groups by channel")


def test_too_few_permutations_for_so_many_pairs_are_refused():
    rows = answers(300).assign(channel=lambda r: np.array(["a", "b", "c", "d"])[r.index % 4])
    with pytest.raises(
        ValueError, match="50 permutations cannot separate 6 pairs.*119 are the least"
    ):
        csi.compare(rows, SMALL, "channel", permutations=50)


@pytest.mark.slow
def test_missing_answers_are_permuted_with_the_people():
    rows = answers(200)
    rows.loc[:19, "q2"] = np.nan
    for missing in ("pairwise", "em"):
        found = csi.compare(
            Sample(rows, draws=9), SMALL, "channel", csi.Options(missing=missing), permutations=19
        )
        assert found.paths["estimate"].notna().all()
        assert found.table["n"].item() == rows["channel"].value_counts().min()


@pytest.mark.slow
def test_the_map_has_an_ellipse_where_both_axes_are_known_together():
    fit = csi.fit(Sample(answers(), draws=100), SMALL)
    ax = plots.importance_performance(
        csi.importance_performance(fit).table, performance_unit="points"
    )
    assert len(ax.patches) == len(fit.importance) == 1


def test_resampled_sums_do_not_depend_on_other_samples():
    sums = moments.of(answers(50), SMALL.items)
    times = np.random.default_rng(1).integers(0, 3, (4, 50)).astype(float)
    alone = sums.mixed(times[2:3]).cov[0]
    assert_allclose(sums.mixed(times).cov[2], alone)
