"""The satisfaction index against published numbers, laws, and a population whose truth is known."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import csi
from cxlib.core import context
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.csi import pls
from cxlib.data import sources, study
from cxlib.data.schema import Target
from cxlib.stats import moments, resampling

WITNESS = json.loads(
    (Path(__file__).parents[1] / "reference" / "ecsi_mobi.json").read_text("utf-8")
)
SIZES = {"imag": 5, "cuex": 3, "perq": 7, "perv": 2, "cusa": 3, "cusl": 3}
NAMES = ["image", "expectation", "quality", "value", "satisfaction", "loyalty"]
ECSI = {
    n: [f"{s}{i}" for i in range(1, k + 1)] for n, (s, k) in zip(NAMES, SIZES.items(), strict=True)
}
ECSI = {**{n: ECSI[n] for n in NAMES[:5]}, "complaints": ["cusco"], "loyalty": ECSI["loyalty"]}
MODEL = csi.Model(ECSI, preset="ecsi12")
SMALL = csi.Model(
    {"quality": ["q1", "q2", "q3"], "satisfaction": ["s1", "s2"], "loyalty": ["l1"]},
    {"satisfaction": ["quality"], "loyalty": ["satisfaction", "quality"]},
)
NESTED = csi.Model(
    {n: ECSI[n] for n in ("image", "quality", "value", "satisfaction", "loyalty")}
    | {"experience": ["quality", "value"]},
    {
        "experience": ["image"],
        "satisfaction": ["image", "experience"],
        "loyalty": ["satisfaction"],
    },
)


@pytest.fixture(scope="module")
def mobi() -> pd.DataFrame:
    try:
        source = study.read("mobile").sources["mobi.csv"]
        path = sources.fetch(source, "mobi.csv")
    except Exception as error:  # whatever keeps the data away
        pytest.skip(f"the mobi data cannot be had: {error}")
    return pd.read_csv(path).rename(columns=str.lower)


def answers(n: int = 300, seed: int = 5) -> pd.DataFrame:
    """Answers on 1-10 to the questions of SMALL, with groups, weights and customers."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    satisfaction = 0.7 * quality + 0.7 * rng.normal(size=n)
    loyalty = 0.6 * satisfaction + 0.2 * quality + 0.6 * rng.normal(size=n)
    parents = {"q": quality, "s": satisfaction, "l": loyalty}
    rows = {
        item: np.clip(np.round(6.5 + 1.6 * parents[item[0]] + rng.normal(size=n)), 1, 10)
        for item in SMALL.items
    }
    return pd.DataFrame(rows).assign(
        channel=rng.choice(["web", "shop"], n),
        weight=rng.uniform(0.5, 2, n),
        customer_id=np.arange(n) % (n * 4 // 5),
    )


PARTED = csi.Model(
    {
        "whole": ["quality", "joy"],
        "quality": ["q1", "q2", "q3"],
        "joy": ["s1", "s2"],
        "loyalty": ["l1"],
    },
    {"loyalty": ["whole"]},
    target="loyalty",
)
FACTORS = csi.Model(
    {k: [f"{k[0]}{i}" for i in range(3)] for k in ("quality", "satisfaction", "loyalty")},
    SMALL.paths,
)
WIDE = {item: (-20, 20) for item in FACTORS.items}


def exact_factors(n: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    """Answers whose correlations are exactly those of three factors, and their loadings."""
    loadings = np.array([0.9, 0.8, 0.7, 0.85, 0.75, 0.65, 0.8, 0.8, 0.6])
    factors = np.array([[1, 0.6, 0.5], [0.6, 1, 0.62], [0.5, 0.62, 1]])  # .5 = .2 + .5 x .6
    home = np.repeat(np.arange(3), 3)
    cor = np.outer(loadings, loadings) * factors[home[:, None], home]
    np.fill_diagonal(cor, 1)
    raw = np.random.default_rng(3).normal(size=(n, 9))
    white = (raw - raw.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T, ddof=0))).T
    return pd.DataFrame(white @ np.linalg.cholesky(cor).T, columns=FACTORS.items), loadings


def numbers(fit: Result) -> np.ndarray:
    tables = (fit.table, fit.paths, fit.weights, fit.r2, fit.effects, fit.importance)
    return np.concatenate([t["estimate"].to_numpy(float) for t in tables])


# --- a witness: published and independently computed numbers


@pytest.mark.slow
@pytest.mark.parametrize("scheme", pls.SCHEMES)
def test_mobi_agrees_with_independent_programs_in_every_scheme(mobi, scheme, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), MODEL, csi.Options(scheme=scheme))
    for part in {"paths", "r2", "loadings", "weights"} & set(WITNESS[scheme]):
        witness = {k.lower(): v for k, v in WITNESS[scheme][part].items()}
        table = getattr(fit, part)
        ours, theirs = table["estimate"], [witness[t] for t in table["term"]]
        tell_witness(
            "PLS: paths, weights, loadings, R²",
            "seminr, plspm, SmartPLS (mobi)",
            ours,
            theirs,
            atol=2e-6,
        )


@pytest.mark.slow
def test_mobi_has_the_paths_and_weights_that_smartpls_printed(mobi, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), MODEL)
    paths = fit.paths.set_index("term")["estimate"]
    source = "SmartPLS 2.0.M3 (mobi)"
    ours = paths[["image → expectation", "satisfaction → loyalty", "complaints → loyalty"]]
    theirs = [0.50491393, 0.48547762, 0.06692607]
    tell_witness("PLS: paths and weights", source, ours, theirs, atol=1e-8)
    weights = fit.weights.set_index("term")["estimate"]
    expected = [0.36486486, 0.38315604, 0.45096120]
    ours = weights[["cusa1", "cusa2", "cusa3"]]
    tell_witness("PLS: paths and weights", source, ours, expected, atol=1e-8)


@pytest.mark.slow
def test_mobi_with_two_formative_constructs_agrees_with_seminr(mobi, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), replace(MODEL, formative=("image", "quality")))
    for part in ("paths", "weights", "loadings", "r2"):
        witness = {k.lower(): v for k, v in WITNESS["formative"][part].items()}
        table = getattr(fit, part)
        ours, theirs = table["estimate"], [witness[t] for t in table["term"]]
        tell_witness("PLS with formative constructs", "seminr (mobi)", ours, theirs, atol=2e-6)


@pytest.mark.slow
def test_mobi_by_consistent_pls_agrees_with_seminr(mobi, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), MODEL, csi.Options(consistent=True))
    for part in ("paths", "loadings", "r2"):
        witness = {k.lower(): v for k, v in WITNESS["consistent"][part].items()}
        table = getattr(fit, part)
        ours, theirs = table["estimate"], [witness[t] for t in table["term"]]
        tell_witness("consistent PLS", "seminr (mobi)", ours, theirs, atol=2e-6)


@pytest.mark.slow
def test_mobi_with_a_construct_of_a_higher_order_agrees_with_seminr(mobi, tell_witness):
    fit = csi.fit(Sample(mobi, draws=2), NESTED)
    for part in ("paths", "weights"):
        witness = {k.lower(): v for k, v in WITNESS["higher"][part].items()}
        table = getattr(fit, part)
        assert len(table) == len(witness)
        ours, theirs = table["estimate"], [witness[t] for t in table["term"]]
        tell_witness("PLS of a higher order", "seminr (mobi)", ours, theirs, atol=2e-6)


@pytest.mark.slow
def test_mobi_reliability_agrees_with_seminr(mobi, tell_witness):
    found = csi.fit(Sample(mobi, draws=2), MODEL).reliability
    assert "complaints" not in set(found["construct"])
    for construct, group in found.groupby("construct"):
        theirs = WITNESS["path"]["reliability"][construct]
        tell_witness("PLS: reliability", "seminr (mobi)", group["estimate"], theirs, atol=2e-6)


@pytest.mark.slow
def test_mobi_standard_errors_are_those_printed_with_the_centroid_scheme(mobi):
    plan, sums = pls.plan_of(MODEL), moments.of(mobi, MODEL.items)
    again = sums.resample(3000, seed=1)
    ends = np.array([(1.0, 10.0)] * 24)
    mean, cov = np.moveaxis(again.mean, 0, -1), np.moveaxis(again.cov, 0, -1)
    errors = pls.solve(plan, mean, cov, ends, "centroid").paths.std(-1)
    assert errors[1, 0] == pytest.approx(0.0587, rel=0.15)  # image → expectation
    assert errors[6, 4] == pytest.approx(0.0857, rel=0.15)  # satisfaction → loyalty


# --- truth by hand


@pytest.mark.slow
def test_the_index_is_the_weighted_mean_between_the_ends_of_the_scale():
    rows = answers()
    fit = csi.fit(Sample(rows, draws=2), SMALL)
    index = fit.table.set_index("term")["estimate"]
    assert index["loyalty"] == pytest.approx((rows["l1"].mean() - 1) / 9 * 100)
    share = fit.weights.set_index("term")["share"]
    expected = sum(share[q] * (rows[q].mean() - 1) for q in ("q1", "q2", "q3")) / 9 * 100
    assert index["quality"] == pytest.approx(expected)
    standard = fit.weights.set_index("term")["estimate"][["q1", "q2", "q3"]]
    raw = standard / rows[["q1", "q2", "q3"]].std()
    assert_allclose(share[["q1", "q2", "q3"]], raw / raw.sum())


@pytest.mark.slow
def test_importance_is_the_slope_between_the_indices():
    rows = answers()
    fit = csi.fit(Sample(rows, draws=2), SMALL)
    share = fit.weights.set_index("term")["share"]
    score = {c: rows[list(i)] @ share[list(i)] for c, i in SMALL.constructs.items()}
    slope = np.polyfit(score["quality"], score["satisfaction"], 1)[0]
    assert fit.importance["estimate"].tolist() == pytest.approx([slope])
    assert fit.importance["term"].tolist() == ["quality"]


def test_why_names_what_goes_with_the_target_and_leaves_close_ones_open():
    model = csi.Model(
        {"a": ["q1"], "b": ["q2"], "satisfaction": ["s1"]}, {"satisfaction": ["a", "b"]}
    )
    why = csi.key_drivers(csi.fit(Sample(answers(), draws=200), model))
    top = why.table.iloc[0]
    assert str(why).startswith(
        f"Each point of {top['term']} is associated with {top['estimate']:.2f}"
    )
    assert "may matter as much." in str(why)


@pytest.mark.slow
def test_total_effects_add_the_routes():
    fit = csi.fit(Sample(answers(), draws=2), SMALL)
    path = fit.paths.set_index(["cause", "effect"])["estimate"]
    total = fit.effects.set_index(["cause", "effect"])["estimate"]
    through = path["quality", "satisfaction"] * path["satisfaction", "loyalty"]
    assert total["quality", "loyalty"] == pytest.approx(path["quality", "loyalty"] + through)


@pytest.mark.slow
def test_alpha_of_two_questions_is_the_stepped_up_correlation():
    rows = answers()
    fit = csi.fit(Sample(rows, draws=2), SMALL)
    r = rows["s1"].corr(rows["s2"])
    alpha = fit.reliability.query("construct == 'satisfaction' and term == 'alpha'")
    assert alpha["estimate"].item() == pytest.approx(2 * r / (1 + r))


def test_a_model_of_single_questions_is_a_regression():
    model = csi.Model({"a": ["q1"], "satisfaction": ["s1"]}, {"satisfaction": ["a"]})
    rows = answers()
    fit = csi.fit(Sample(rows, draws=2), model)
    assert fit.paths["estimate"].item() == pytest.approx(rows["q1"].corr(rows["s1"]))
    assert fit.reliability.empty


@pytest.mark.slow
def test_consistent_pls_finds_the_factors_of_a_population_exactly():
    rows, loadings = exact_factors()
    fit = csi.fit(Sample(rows, draws=2), FACTORS, csi.Options(scales=WIDE, consistent=True))
    paths = fit.paths.set_index(["cause", "effect"])["estimate"]
    assert paths["quality", "satisfaction"] == pytest.approx(0.6)
    assert paths["quality", "loyalty"] == pytest.approx(0.2)
    assert paths["satisfaction", "loyalty"] == pytest.approx(0.5)
    assert_allclose(fit.loadings["estimate"], loadings, atol=1e-7)
    assert fit.r2["estimate"].tolist() == pytest.approx([0.36, 0.41])
    plain = csi.fit(Sample(rows, draws=2), FACTORS, csi.Options(scales=WIDE))
    assert plain.paths["estimate"].iloc[0] < 0.55  # measurement error lies on it
    assert_allclose(plain.table["estimate"], fit.table["estimate"])  # the index is the same


@pytest.mark.slow
def test_importance_of_a_factor_is_freed_of_the_error_of_its_own_index_only():
    rows, _ = exact_factors()
    plain = csi.fit(Sample(rows, draws=2), FACTORS, csi.Options(scales=WIDE))
    freed = csi.fit(
        Sample(rows, draws=2), replace(FACTORS, reflective=("quality",)), csi.Options(scales=WIDE)
    )
    rho = freed.reliability.query("construct == 'quality' and term == 'rho_A'")["estimate"].item()
    before, after = plain.importance["estimate"].item(), freed.importance["estimate"].item()
    assert after == pytest.approx(before / rho)


@pytest.mark.slow
def test_the_index_of_a_whole_is_the_weighted_mean_of_its_parts():
    rows = answers()
    fit = csi.fit(Sample(rows, draws=50), PARTED)
    index = fit.table.set_index("term")["estimate"]
    share = fit.weights.set_index("term")["share"]
    assert index["whole"] == pytest.approx(
        share["quality"] * index["quality"] + share["joy"] * index["joy"]
    )
    flat = csi.fit(Sample(rows, draws=2), PARTED.stages[0])
    assert_allclose(
        flat.table.set_index("term").loc[["quality", "joy"], "estimate"], index[["quality", "joy"]]
    )
    assert fit.paths["term"].tolist() == ["whole → loyalty"]
    score = rows[list(PARTED.items[:3])] @ share[list(PARTED.items[:3])].to_numpy()
    joy = rows[["s1", "s2"]] @ share[["s1", "s2"]].to_numpy()
    whole = share["quality"] * score + share["joy"] * joy
    assert fit.paths["estimate"].item() == pytest.approx(whole.corr(rows["l1"]), abs=1e-6)


def test_a_study_may_declare_parts_and_factors():
    declared = study.IndexModel(
        constructs=PARTED.constructs, paths=PARTED.paths, target="loyalty", reflective=["quality"]
    )
    model = csi.model_of(declared)
    assert model.parts == {"whole": ["quality", "joy"]} and model.reflective == ("quality",)
    note = csi.fit(Sample(answers(), draws=2), model).notes
    assert "taking these for common factors: quality." in note


@pytest.mark.slow
def test_a_group_has_the_index_of_a_whole_by_the_weights_of_everybody():
    rows, model = answers(), replace(PARTED, target="whole")
    table = csi.fit_by(Sample(rows, draws=20), model, "channel").table.set_index("channel")
    share = csi.fit(Sample(rows, draws=2), model).weights.set_index("term")["share"]
    web = rows[rows["channel"] == "web"].mean(numeric_only=True)
    parts = {"quality": ["q1", "q2", "q3"], "joy": ["s1", "s2"]}
    index = sum(share[p] * (share[q] @ web[q] - 1) / 9 * 100 for p, q in parts.items())
    assert table.loc["web", "estimate"] == pytest.approx(index)


# --- laws


@pytest.mark.slow
def test_the_index_is_near_0_when_nearly_all_answer_1_and_near_100_when_nearly_all_answer_10():
    rows = answers(4000)
    low, high = rows.copy(), rows.copy()
    low.loc[20:, SMALL.items], high.loc[20:, SMALL.items] = 1, 10
    assert csi.fit(Sample(low, draws=2), SMALL).table["estimate"].max() < 0.5
    assert csi.fit(Sample(high, draws=2), SMALL).table["estimate"].min() > 99.5


@pytest.mark.parametrize(("answer", "index"), [(1.0, 0), (10.0, 100), (5.5, 50)])
def test_means_at_the_ends_give_the_ends_of_the_index(answer, index):
    sums = moments.of(answers(), SMALL.items).total()
    mean, cov = np.full((6, 1), answer), sums.cov[..., None]
    ends = np.array([(1.0, 10.0)] * 6)
    assert_allclose(pls.solve(pls.plan_of(SMALL), mean, cov, ends).index[:, 0], index, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.sample(frac=1, random_state=2),
        lambda r: r.assign(weight=2 * r["weight"]),
        lambda r: r[list(reversed(r.columns))],
    ],
    ids=["rows permuted", "weights doubled", "columns turned round"],
)
def test_nothing_changes_when(change):
    rows = answers()
    before = csi.fit(Sample(rows, weight="weight", draws=2), SMALL)
    after = csi.fit(Sample(change(rows), weight="weight", draws=2), SMALL)
    assert_allclose(numbers(before), numbers(after), atol=1e-8)


@pytest.mark.slow
def test_a_scale_of_1_to_5_relabelled_1_to_10_is_the_same_index():
    rows = answers()
    five = rows.assign(**{i: 1 + (rows[i] - 1) * 4 / 9 for i in SMALL.items})
    scales = {i: (1, 5) for i in SMALL.items}
    a, b = (
        csi.fit(Sample(rows, draws=50), SMALL),
        csi.fit(Sample(five, draws=50), SMALL, csi.Options(scales=scales)),
    )
    assert_allclose(numbers(a), numbers(b), atol=1e-7)
    assert_allclose(a.table["high"], b.table["high"], atol=1e-7)


@pytest.mark.slow
def test_a_weight_of_two_is_the_row_twice():
    rows = answers()
    first = rows.index < 90
    weighted = csi.fit(Sample(rows.assign(w=1 + first), weight="w", draws=2), SMALL)
    repeated = csi.fit(Sample(pd.concat([rows, rows[first]]), draws=2), SMALL)
    assert_allclose(numbers(weighted), numbers(repeated), atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", pls.SCHEMES)
def test_a_draw_is_the_fit_of_the_drawn_rows(scheme):
    rows = answers(120)
    plan, sums = pls.plan_of(SMALL), moments.of(rows, SMALL.items)
    ends = np.array([(1.0, 10.0)] * 6)
    point = (
        csi.fit(Sample(rows, draws=2), SMALL, csi.Options(scheme=scheme))
        .weights["estimate"]
        .to_numpy()
    )
    again = sums.resample(7, seed=3)
    mean, cov = np.moveaxis(again.mean, 0, -1), np.moveaxis(again.cov, 0, -1)
    drawn = pls.solve(plan, mean, cov, ends, scheme, start=point)
    times = resampling.multiplicities(resampling.keys_of(rows), 7, seed=3)[4]
    fresh = csi.fit(
        Sample(rows.iloc[np.repeat(np.arange(120), times)], draws=2),
        SMALL,
        csi.Options(scheme=scheme),
    )
    assert_allclose(drawn.index[:, 4], fresh.table["estimate"], atol=1e-6)
    assert_allclose(drawn.weights[:, 4], fresh.weights["estimate"], atol=1e-7)


@pytest.mark.slow
def test_draws_do_not_depend_on_how_many_are_worked_on_together(monkeypatch):
    rows = answers(150)
    before = csi.fit(Sample(rows, draws=60), SMALL)
    monkeypatch.setattr(pls, "DRAWS_AT_ONCE", 7)
    after = csi.fit(Sample(rows, draws=60), SMALL)
    assert_allclose(before.paths["high"], after.paths["high"], atol=1e-7)


@pytest.mark.slow
def test_weights_point_along_their_questions_even_when_a_construct_is_turned_round():
    rows = answers()
    rows["l1"] = 11 - rows["l1"]
    fit = csi.fit(Sample(rows, draws=200), SMALL)
    assert (fit.loadings["estimate"] > 0).all()
    path = fit.paths.set_index("term").loc["satisfaction → loyalty"]
    assert path["high"] < 0  # the draws were not flipped back and forth


@pytest.mark.slow
def test_pairwise_without_gaps_is_the_same_as_complete():
    a = csi.fit(Sample(answers(), draws=20), SMALL)
    b = csi.fit(Sample(answers(), draws=20), SMALL, csi.Options(missing="pairwise"))
    assert_allclose(numbers(a), numbers(b), atol=1e-7)


@pytest.mark.slow
def test_the_sums_give_the_same_as_the_rows():
    rows = answers()
    sums = moments.of(Sample(rows, weight="weight"), SMALL.items[::-1])
    a = csi.fit(Sample(rows, weight="weight", draws=20), SMALL)
    assert_allclose(numbers(a), numbers(csi.fit(sums, SMALL)), atol=1e-8)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.sampled_from(pls.SCHEMES))
def test_row_order_units_of_weight_and_labels_of_the_scale_never_matter(seed, factor, scheme):
    rows = answers(80, seed=seed)
    scales = {i: (0, 9 * factor) for i in SMALL.items}
    other = rows.sample(frac=1, random_state=seed).assign(weight=lambda r: factor * r["weight"])
    other[SMALL.items] = (other[SMALL.items] - 1) * factor
    design = {"weight": "weight", "draws": 2}
    before = csi.fit(Sample(rows, **design), SMALL, csi.Options(scheme=scheme))
    after = csi.fit(Sample(other, **design), SMALL, csi.Options(scales=scales, scheme=scheme))
    assert_allclose(numbers(before), numbers(after), atol=1e-6)


# --- groups


def test_groups_share_the_weights_of_everybody_and_average_to_the_whole():
    rows = answers()
    found = csi.fit_by(Sample(rows, cluster="customer_id", draws=200), SMALL, "channel").table
    assert found["channel"].tolist() == ["shop", "web", "overall"]
    parts = found.iloc[:2]
    assert np.average(parts["estimate"], weights=parts["n"]) == pytest.approx(
        found["estimate"].iloc[2]
    )
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()


@pytest.mark.slow
def test_the_row_of_everybody_is_the_fit_itself():
    sample = Sample(answers(), weight="weight", cluster="customer_id", draws=200)
    overall = csi.fit_by(sample, SMALL, "channel").table.iloc[-1]
    fit = csi.fit(sample, SMALL).table.set_index("term").loc["satisfaction"]
    assert_allclose(overall[["estimate", "low", "high"]].astype(float), fit[:3], atol=1e-8)


def test_a_group_of_one_row_has_an_index_and_no_interval():
    rows = answers().assign(channel=lambda r: np.where(r.index == 3, "fax", r["channel"]))
    fit = csi.fit_by(Sample(rows, draws=100), SMALL, "channel")
    lonely = fit.table.set_index("channel").loc["fax"]
    assert lonely["n"] == 1 and np.isnan(lonely["low"]) and lonely["estimate"] >= 0
    assert "fax" not in str(fit)


@pytest.mark.slow
def test_a_group_that_differs_is_named_in_the_answer():
    rows = answers()
    rows.loc[rows["channel"] == "web", ["s1", "s2"]] -= 2
    rows[["s1", "s2"]] = rows[["s1", "s2"]].clip(1, 10)
    apart = csi.fit_by(Sample(rows, draws=300), SMALL, "channel")
    assert "index is significantly lower for web" in str(apart)
    assert apart.finding.importance.name == "NOTABLE"
    same = csi.fit_by(Sample(answers(), draws=300), SMALL, "channel")
    assert "does not differ significantly by" in str(same)
    assert same.finding.importance.name == "CONTEXT"


@pytest.mark.slow
def test_the_index_of_the_latest_wave_is_compared_with_the_one_before():
    rows = answers().assign(wave=lambda r: np.where(r.index % 2, "2025", "2026"))
    still = csi.by_wave(Sample(rows, draws=300), SMALL)
    assert "not significantly different from the year before" in str(still)
    assert still.finding.importance.name == "ANSWER"  # the level now
    now = still.table.iloc[-1]
    assert (still.finding.value, still.finding.low) == (now["estimate"], now["low"])
    assert " points (95% CI" in still.finding.detail.split("since 2025 ")[1]
    rows.loc[rows["wave"] == "2026", ["s1", "s2"]] -= 2
    rows[["s1", "s2"]] = rows[["s1", "s2"]].clip(1, 10)
    fell = csi.by_wave(Sample(rows, draws=300), SMALL, goal=Target(value=99))
    assert str(fell).startswith("The satisfaction index fell by ")
    assert (fell.finding.verdict, fell.finding.importance.name) == ("worse", "NEWS")
    assert fell.changes["p"].item() < 0.05 and fell.finding.target == 99


# --- what is said


@pytest.mark.slow
def test_the_answer_holds_index_interval_and_n():
    fit = csi.fit(Sample(answers(), draws=200, weight="weight", cluster="customer_id"), SMALL)
    row = fit.table.set_index("term").loc["satisfaction"]
    assert str(fit).startswith(f"The satisfaction index is {row['estimate']:.0f} of 100")
    assert fit.finding.detail == f"95% CI {row['low']:.1f} to {row['high']:.1f}; n = 300"
    assert "300 of 300 responses" in fit.notes and "clustered by customer" in fit.notes
    waves = answers().assign(wave=["2025", "2026"] * 150)
    pooled = csi.fit(Sample(waves, draws=20), SMALL)
    assert str(pooled).startswith("Over all waves, the satisfaction index is")
    assert pooled.pooled and not fit.pooled
    context.begin(labels={"satisfaction": "overall CSI"})
    assert str(csi.fit(Sample(answers(), draws=20), SMALL)).startswith("The overall CSI index is")


@pytest.mark.slow
def test_gaps_are_counted_in_the_note():
    rows = answers()
    rows.loc[:49, "q2"] = np.nan
    assert "250 of 300 responses" in csi.fit(Sample(rows, draws=20), SMALL).notes
    pairwise = csi.fit(Sample(rows, draws=20), SMALL, csi.Options(missing="pairwise")).notes
    assert "from 250 (q2) to 300" in pairwise


@pytest.mark.slow
def test_negative_weights_rho_over_one_and_the_ccsi_type_are_warned_of():
    rows = answers(2000)
    rows["q3"] = 11 - rows["q3"]
    note = csi.fit(Sample(rows, draws=20), SMALL).notes
    assert "weight of q3 is negative" in note
    rng = np.random.default_rng(1)
    loose = answers(40).assign(s2=rng.integers(1, 11, 40))
    fits = (
        csi.fit(Sample(loose.assign(s1=rng.integers(1, 11, 40)), draws=2), SMALL) for _ in range(30)
    )
    wild = (f for f in fits if (f.reliability["estimate"][f.reliability.term == "rho_A"] > 1).any())
    first = [*itertools.islice(wild, 3)]
    assert first and all("over 1" in f.notes for f in first)
    chinese = csi.Model({c: ECSI[c] for c in NAMES}, preset="ccsi")
    assert len([c for causes in chinese.paths.values() for c in causes]) == 12


@pytest.mark.slow
def test_improper_factors_are_warned_of_and_counted():
    rows = answers(60, seed=8)
    rows["s2"] = np.clip(rows["q1"] + np.random.default_rng(2).integers(-1, 2, 60), 1, 10)
    chain = replace(SMALL, paths={"satisfaction": ["quality"], "loyalty": ["satisfaction"]})
    note = csi.fit(Sample(rows, draws=200), chain, csi.Options(consistent=True)).notes
    assert "freed of error, quality and satisfaction correlate by 1." in note
    assert "resamples the solution was improper" in note
    assert "taking these for common factors: quality; satisfaction." in note
    assert "Of fewer than 200 answers the intervals of R² freed of error" in note
    with pytest.raises(ValueError, match="once freed of measurement error, are copies"):
        csi.fit(Sample(rows, draws=2), SMALL, csi.Options(consistent=True))
    with pytest.raises(ValueError, match="questions of 'quality' share nothing"):
        two = replace(chain, constructs={**SMALL.constructs, "quality": ["q1", "q2"]})
        csi.fit(Sample(apart(rows), draws=2), two, csi.Options(consistent=True))


def apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Answers in which q1 and q2 go with satisfaction, but against one another."""
    noise = np.random.default_rng(5).normal(0, 2, len(rows))
    half = rows["s1"] / 3 + 4
    both = {"q1": half + noise, "q2": half - noise}
    return rows.assign(**{q: np.clip(v, 1, 10) for q, v in both.items()})


def test_draws_that_are_turned_round_are_counted():
    plan, rows = pls.plan_of(SMALL), answers()
    sums = moments.of(rows, SMALL.items).total()
    ends, cov = np.array([(1.0, 10.0)] * 6), sums.cov[..., None]
    ahead = pls.solve(plan, sums.mean[:, None], cov, ends)
    start = ahead.weights[:, 0] * np.array([-1, -1, -1, 1, 1, 1])
    turned = pls.solve(plan, sums.mean[:, None], cov, ends, start=start)
    assert ahead.turned.tolist() == [0]
    assert_allclose(turned.weights[:3], -ahead.weights[:3], atol=1e-8)


@pytest.mark.slow
def test_draws_without_a_solution_are_counted():
    rows = answers(30)
    rows["l1"] = 7.0
    rows.loc[0, "l1"] = 3.0  # a third of the draws miss this one answer
    fit = csi.fit(Sample(rows, draws=500), SMALL)
    lost = (resampling.multiplicities(resampling.keys_of(rows), 500, 1)[:, 0] == 0).sum()
    assert f"{lost} of 500 resamples did not settle" in fit.notes
    assert fit.table["low"].notna().all()


@pytest.mark.slow
def test_the_width_rule_is_checked_and_says_how_many_would_meet_it():
    fit = csi.fit(Sample(answers(), draws=300), SMALL)
    row = csi.precision(fit).table.set_index("term").loc["satisfaction"]
    assert row["width"] == pytest.approx(row["high"] - row["low"]) and not row["meets"]
    assert row["needed"] == np.ceil(300 * (row["width"] / 4) ** 2)
    assert f"some {row['needed']:,.0f} answers would meet it" in fit.notes
    found = csi.precision(csi.fit(Sample(answers(20_000), draws=100), SMALL))
    assert found.table["meets"].all() and "Every interval is at most 4 points" in str(found)
    assert f"would need n {row['needed']:,.0f}" not in str(found)
    larger = csi.precision(csi.fit(Sample(answers(int(row["needed"]), 6), draws=300), SMALL)).table
    assert larger.set_index("term").loc["satisfaction", "width"] == pytest.approx(4, abs=0.5)


@pytest.mark.slow
def test_the_map_puts_first_what_matters_more_and_stands_lower():
    rows = answers(2000).assign(t1=lambda r: np.clip(r["q1"] // 2, 1, 10))
    rng = np.random.default_rng(1)
    rows["u1"], rows["v1"] = rng.integers(6, 11, (2, 2000))
    model = csi.Model(
        {"talk": ["t1"], "price": ["u1"], "shop": ["v1"], "satisfaction": ["s1", "s2"]},
        {"satisfaction": ["talk", "price", "shop"]},
    )
    found = csi.importance_performance(csi.fit(Sample(rows, draws=200), model))
    assert found.table["term"].iloc[0] == "talk" and found.table["chance_priority"].iloc[0] == 1
    assert str(found) == (
        "These are significantly more associated with satisfaction than the average construct and "
        "stand lower: talk."
    )
    rows["t1"] = (6 + rows["t1"]).clip(None, 10)
    assert "No construct is both" in str(
        csi.importance_performance(csi.fit(Sample(rows, draws=200), model))
    )


@pytest.mark.slow
def test_not_experienced_is_told_apart_from_not_answered():
    rows = answers().assign(q2_not_experienced=lambda r: r.index < 40)
    rows.loc[:49, "q2"] = np.nan
    assert "Not experienced, so not rated: q2 40." in csi.fit(Sample(rows, draws=20), SMALL).notes


@pytest.mark.slow
def test_maximum_likelihood_uses_everybody_and_agrees_without_gaps():
    rows = answers()
    assert_allclose(
        numbers(csi.fit(Sample(rows, draws=20), SMALL, csi.Options(missing="em"))),
        numbers(csi.fit(Sample(rows, draws=20), SMALL)),
        atol=1e-5,
    )
    rows.loc[:99, "l1"] = np.nan
    fit = csi.fit(Sample(rows, draws=20), SMALL, csi.Options(missing="em"))
    assert fit.table["n"].eq(300).all() and "maximum likelihood" in fit.notes


# --- mistakes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"paths": {"satisfaction": ["qality"]}},
            "'qality' is not a construct. Did you mean 'qual",
        ),
        ({"constructs": {**SMALL.constructs, "image": []}}, "'image' has no question"),
        ({"constructs": {**SMALL.constructs, "image": ["i"]}}, "'image' is in no path"),
        ({"constructs": {**SMALL.constructs, "image": ["q1"]}}, "'q1' is used twice, in 'quality'"),
        ({"constructs": {**SMALL.constructs, "image": "q9"}}, "must be a list"),
        ({"target": "joy"}, "target: 'joy' is not a construct"),
        ({"formative": ("price",)}, "formative: 'price' is not a construct"),
        ({"preset": "nps"}, "no preset 'nps'"),
        ({"reflective": ("price",)}, "reflective: 'price' is not a construct"),
        ({"reflective": ("loyalty",), "formative": ("loyalty",)}, "formative and reflective"),
        (
            {"constructs": {**SMALL.constructs, "image": ["quality", "i1"]}},
            "'image' is made of constructs, so 'i1' in it must be one too",
        ),
        (
            {"constructs": {**SMALL.constructs, "image": ["quality"]}},
            "'quality' is a part of 'image': paths and target name the whole",
        ),
        (
            {"constructs": {**SMALL.constructs, "a": ["b"], "b": ["c"], "c": ["c1"]}},
            "Two levels are the most",
        ),
        (
            {"constructs": {**SMALL.constructs, "a": ["c"], "b": ["c"], "c": ["c1"]}},
            "'c' is used twice",
        ),
        (
            {
                "paths": {
                    "satisfaction": ["quality"],
                    "quality": ["loyalty"],
                    "loyalty": ["satisfaction"],
                }
            },
            "circle among quality → satisfaction → loyalty → quality",
        ),
        (
            {"paths": {"satisfaction": ["satisfaction", "quality"], "loyalty": ["quality"]}},
            "circle",
        ),
        ({"paths": {"loyalty": ["quality", "satisfaction", "quality"]}}, "given twice"),
    ],
)
def test_a_model_that_cannot_be_is_refused_when_made(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_a_preset_names_the_construct_it_misses():
    with pytest.raises(
        ValueError, match="'complaints' is not a construct.*Preset 'ecsi12' needs it"
    ):
        csi.Model({c: ECSI[c] for c in NAMES}, preset="ecsi12")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s1": 10.0}, "gives the same answer to s1"),
        ({"s1": 11.0}, "responses.s1: 300 of 300 answers lie outside 1-10"),
        ({"s1": np.nan}, "s1 has 0 answers in 300 rows"),
        ({"s1": "good"}, "hold text"),
    ],
)
def test_answers_that_cannot_be_used_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        csi.fit(answers().assign(**change), SMALL)


def test_two_rows_of_data_are_too_few():
    with pytest.raises(ValueError, match="2 of 2 responses can be used"):
        csi.fit(answers().head(2), SMALL)


def test_no_rows_and_no_groups_are_said_to_be_so():
    with pytest.raises(ValueError, match="no rows to sum"):
        csi.fit(answers().head(0), SMALL)
    with pytest.raises(ValueError, match="column 'channel' is empty"):
        csi.fit_by(answers().assign(channel=None), SMALL, "channel")


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_a_handful_of_rows_gives_no_numerical_warning():
    fit = csi.fit(Sample(answers().head(6), draws=100), SMALL)
    assert np.isfinite(fit.table["estimate"]).all()


def test_a_construct_that_is_a_copy_of_another_is_named():
    model = csi.Model(
        {"a": ["q1"], "b": ["q2"], "satisfaction": ["s1"]}, {"satisfaction": ["a", "b"]}
    )
    with pytest.raises(ValueError, match="copies of one another"):
        csi.fit(answers().assign(q2=lambda r: r["q1"]), model)


def test_an_unknown_scheme_lists_those_there_are():
    with pytest.raises(
        ValueError, match="Did you mean 'path'. There are: path, factorial, centroid"
    ):
        csi.fit(answers(), SMALL, csi.Options(scheme="pat"))
