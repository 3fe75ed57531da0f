"""The satisfaction index against published numbers, laws, and a population whose truth is known."""

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

from cxlib import csi, moments, page, sources, study, synthetic
from cxlib.csi import pls

WITNESS = json.loads((Path(__file__).parent / "reference" / "ecsi_mobi.json").read_text("utf-8"))
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


def numbers(fit: csi.Fit) -> np.ndarray:
    tables = (fit.table, fit.paths, fit.weights, fit.r2, fit.effects, fit.importance)
    return np.concatenate([t["estimate"].to_numpy(float) for t in tables])


# --- a witness: published and independently computed numbers


@pytest.mark.parametrize("scheme", pls.SCHEMES)
def test_mobi_agrees_with_independent_programs_in_every_scheme(mobi, scheme):
    fit = csi.fit(mobi, MODEL, scheme=scheme, draws=2)
    for part in {"paths", "r2", "loadings", "weights"} & set(WITNESS[scheme]):
        witness = {k.lower(): v for k, v in WITNESS[scheme][part].items()}
        table = getattr(fit, part)
        assert_allclose(table["estimate"], [witness[t] for t in table["term"]], atol=2e-6)


def test_mobi_has_the_paths_and_weights_that_smartpls_printed(mobi):
    fit = csi.fit(mobi, MODEL, draws=2)
    paths = fit.paths.set_index("term")["estimate"]
    assert paths["image → expectation"] == pytest.approx(0.50491393, abs=1e-8)
    assert paths["satisfaction → loyalty"] == pytest.approx(0.48547762, abs=1e-8)
    assert paths["complaints → loyalty"] == pytest.approx(0.06692607, abs=1e-8)
    weights = fit.weights.set_index("term")["estimate"]
    expected = [0.36486486, 0.38315604, 0.45096120]
    assert_allclose(weights[["cusa1", "cusa2", "cusa3"]], expected, atol=1e-8)


def test_mobi_with_two_formative_constructs_agrees_with_seminr(mobi):
    fit = csi.fit(mobi, replace(MODEL, formative=("image", "quality")), draws=2)
    for part in ("paths", "weights", "loadings", "r2"):
        witness = {k.lower(): v for k, v in WITNESS["formative"][part].items()}
        table = getattr(fit, part)
        assert_allclose(table["estimate"], [witness[t] for t in table["term"]], atol=2e-6)


def test_mobi_reliability_agrees_with_seminr(mobi):
    found = csi.fit(mobi, MODEL, draws=2).reliability
    assert "complaints" not in set(found["construct"])
    for construct, group in found.groupby("construct"):
        assert_allclose(group["estimate"], WITNESS["path"]["reliability"][construct], atol=2e-6)


def test_mobi_standard_errors_are_those_printed_with_the_centroid_scheme(mobi):
    plan, sums = pls.plan_of(MODEL), moments.of(mobi, MODEL.items)
    again = sums.resample(3000, seed=1)
    ends = np.array([(1.0, 10.0)] * 24)
    mean, cov = np.moveaxis(again.mean, 0, -1), np.moveaxis(again.cov, 0, -1)
    errors = pls.solve(plan, mean, cov, ends, "centroid").paths.std(-1)
    assert errors[1, 0] == pytest.approx(0.0587, rel=0.15)  # image → expectation
    assert errors[6, 4] == pytest.approx(0.0857, rel=0.15)  # satisfaction → loyalty


# --- truth by hand


def test_the_index_is_the_weighted_mean_between_the_ends_of_the_scale():
    rows = answers()
    fit = csi.fit(rows, SMALL, draws=2)
    index = fit.table.set_index("term")["estimate"]
    assert index["loyalty"] == pytest.approx((rows["l1"].mean() - 1) / 9 * 100)
    share = fit.weights.set_index("term")["share"]
    expected = sum(share[q] * (rows[q].mean() - 1) for q in ("q1", "q2", "q3")) / 9 * 100
    assert index["quality"] == pytest.approx(expected)
    standard = fit.weights.set_index("term")["estimate"][["q1", "q2", "q3"]]
    raw = standard / rows[["q1", "q2", "q3"]].std()
    assert_allclose(share[["q1", "q2", "q3"]], raw / raw.sum())


def test_importance_is_the_slope_between_the_indices():
    rows = answers()
    fit = csi.fit(rows, SMALL, draws=2)
    share = fit.weights.set_index("term")["share"]
    score = {c: rows[list(i)] @ share[list(i)] for c, i in SMALL.constructs.items()}
    slope = np.polyfit(score["quality"], score["satisfaction"], 1)[0]
    assert fit.importance["estimate"].tolist() == pytest.approx([slope])
    assert fit.importance["term"].tolist() == ["quality"]


def test_why_names_what_goes_with_the_target_and_leaves_close_ones_open():
    model = csi.Model(
        {"a": ["q1"], "b": ["q2"], "satisfaction": ["s1"]}, {"satisfaction": ["a", "b"]}
    )
    why = csi.fit(answers(), model, draws=200).why
    top = why.table.iloc[0]
    assert why.answer.startswith(f"One point more of {top['term']} goes with {top['estimate']:.2f}")
    assert "may matter as much is open" in why.answer


def test_total_effects_add_the_routes():
    fit = csi.fit(answers(), SMALL, draws=2)
    path = fit.paths.set_index(["cause", "effect"])["estimate"]
    total = fit.effects.set_index(["cause", "effect"])["estimate"]
    through = path["quality", "satisfaction"] * path["satisfaction", "loyalty"]
    assert total["quality", "loyalty"] == pytest.approx(path["quality", "loyalty"] + through)


def test_alpha_of_two_questions_is_the_stepped_up_correlation():
    rows = answers()
    fit = csi.fit(rows, SMALL, draws=2)
    r = rows["s1"].corr(rows["s2"])
    alpha = fit.reliability.query("construct == 'satisfaction' and term == 'alpha'")
    assert alpha["estimate"].item() == pytest.approx(2 * r / (1 + r))


def test_a_model_of_single_questions_is_a_regression():
    model = csi.Model({"a": ["q1"], "satisfaction": ["s1"]}, {"satisfaction": ["a"]})
    rows = answers()
    fit = csi.fit(rows, model, draws=2)
    assert fit.paths["estimate"].item() == pytest.approx(rows["q1"].corr(rows["s1"]))
    assert fit.reliability.empty


# --- laws


def test_the_index_is_near_0_when_nearly_all_answer_1_and_near_100_when_nearly_all_answer_10():
    rows = answers(4000)
    low, high = rows.copy(), rows.copy()
    low.loc[20:, SMALL.items], high.loc[20:, SMALL.items] = 1, 10
    assert csi.fit(low, SMALL, draws=2).table["estimate"].max() < 0.5
    assert csi.fit(high, SMALL, draws=2).table["estimate"].min() > 99.5


@pytest.mark.parametrize(("answer", "index"), [(1.0, 0), (10.0, 100), (5.5, 50)])
def test_means_at_the_ends_give_the_ends_of_the_index(answer, index):
    sums = moments.of(answers(), SMALL.items).total()
    mean, cov = np.full((6, 1), answer), sums.cov[..., None]
    ends = np.array([(1.0, 10.0)] * 6)
    assert_allclose(pls.solve(pls.plan_of(SMALL), mean, cov, ends).index[:, 0], index, atol=1e-9)


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
    before = csi.fit(rows, SMALL, weight="weight", draws=2)
    after = csi.fit(change(rows), SMALL, weight="weight", draws=2)
    assert_allclose(numbers(before), numbers(after), atol=1e-8)


def test_a_scale_of_1_to_5_relabelled_1_to_10_is_the_same_index():
    rows = answers()
    five = rows.assign(**{i: 1 + (rows[i] - 1) * 4 / 9 for i in SMALL.items})
    scales = {i: (1, 5) for i in SMALL.items}
    a, b = csi.fit(rows, SMALL, draws=50), csi.fit(five, SMALL, scales=scales, draws=50)
    assert_allclose(numbers(a), numbers(b), atol=1e-7)
    assert_allclose(a.table["high"], b.table["high"], atol=1e-7)


def test_a_weight_of_two_is_the_row_twice():
    rows = answers()
    first = rows.index < 90
    weighted = csi.fit(rows.assign(w=1 + first), SMALL, weight="w", draws=2)
    repeated = csi.fit(pd.concat([rows, rows[first]]), SMALL, draws=2)
    assert_allclose(numbers(weighted), numbers(repeated), atol=1e-8)


@pytest.mark.parametrize("scheme", pls.SCHEMES)
def test_a_draw_is_the_fit_of_the_drawn_rows(scheme):
    rows = answers(120)
    plan, sums = pls.plan_of(SMALL), moments.of(rows, SMALL.items)
    ends = np.array([(1.0, 10.0)] * 6)
    point = csi.fit(rows, SMALL, scheme=scheme, draws=2).weights["estimate"].to_numpy()
    again = sums.resample(7, seed=3)
    mean, cov = np.moveaxis(again.mean, 0, -1), np.moveaxis(again.cov, 0, -1)
    drawn = pls.solve(plan, mean, cov, ends, scheme, start=point)
    times = moments.multiplicities(120, 7, seed=3)[4]
    fresh = csi.fit(rows.iloc[np.repeat(np.arange(120), times)], SMALL, scheme=scheme, draws=2)
    assert_allclose(drawn.index[:, 4], fresh.table["estimate"], atol=1e-6)
    assert_allclose(drawn.weights[:, 4], fresh.weights["estimate"], atol=1e-7)


def test_draws_do_not_depend_on_how_many_are_worked_on_together(monkeypatch):
    rows = answers(150)
    before = csi.fit(rows, SMALL, draws=60)
    monkeypatch.setattr(pls, "TOGETHER", 7)
    after = csi.fit(rows, SMALL, draws=60)
    assert_allclose(before.paths["high"], after.paths["high"], atol=1e-7)


def test_weights_point_along_their_questions_even_when_a_construct_is_turned_round():
    rows = answers()
    rows["l1"] = 11 - rows["l1"]
    fit = csi.fit(rows, SMALL, draws=200)
    assert (fit.loadings["estimate"] > 0).all()
    path = fit.paths.set_index("term").loc["satisfaction → loyalty"]
    assert path["high"] < 0  # the draws were not flipped back and forth


def test_pairwise_without_gaps_is_the_same_as_complete():
    a = csi.fit(answers(), SMALL, draws=20)
    b = csi.fit(answers(), SMALL, missing="pairwise", draws=20)
    assert_allclose(numbers(a), numbers(b), atol=1e-7)


def test_the_sums_give_the_same_as_the_rows():
    rows = answers()
    sums = moments.of(rows, SMALL.items[::-1], weight="weight")
    a = csi.fit(rows, SMALL, weight="weight", draws=20)
    assert_allclose(numbers(a), numbers(csi.fit(sums, SMALL, draws=20)), atol=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.sampled_from(pls.SCHEMES))
def test_row_order_units_of_weight_and_labels_of_the_scale_never_matter(seed, factor, scheme):
    rows = answers(80, seed=seed)
    scales = {i: (0, 9 * factor) for i in SMALL.items}
    other = rows.sample(frac=1, random_state=seed).assign(weight=lambda r: factor * r["weight"])
    other[SMALL.items] = (other[SMALL.items] - 1) * factor
    how = {"weight": "weight", "scheme": scheme, "draws": 2}
    before, after = csi.fit(rows, SMALL, **how), csi.fit(other, SMALL, scales=scales, **how)
    assert_allclose(numbers(before), numbers(after), atol=1e-6)


# --- groups


def test_groups_share_the_weights_of_everybody_and_average_to_the_whole():
    rows = answers()
    found = csi.fit_by(rows, SMALL, "channel", bucket="customer_id", draws=200).table
    assert found["channel"].tolist() == ["shop", "web", "overall"]
    parts = found.iloc[:2]
    assert np.average(parts["estimate"], weights=parts["n"]) == pytest.approx(
        found["estimate"].iloc[2]
    )
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()


def test_the_row_of_everybody_is_the_fit_itself():
    how = {"weight": "weight", "bucket": "customer_id", "draws": 200}
    overall = csi.fit_by(answers(), SMALL, "channel", **how).table.iloc[-1]
    fit = csi.fit(answers(), SMALL, **how).table.set_index("term").loc["satisfaction"]
    assert_allclose(overall[["estimate", "low", "high"]].astype(float), fit[:3], atol=1e-8)


def test_a_group_of_one_row_has_an_index_and_no_interval():
    rows = answers().assign(channel=lambda r: np.where(r.index == 3, "fax", r["channel"]))
    fit = csi.fit_by(rows, SMALL, "channel", draws=100)
    lonely = fit.table.set_index("channel").loc["fax"]
    assert lonely["n"] == 1 and np.isnan(lonely["low"]) and lonely["estimate"] >= 0
    assert "fax" not in fit.answer


def test_a_group_that_differs_is_named_in_the_answer():
    rows = answers()
    rows.loc[rows["channel"] == "web", ["s1", "s2"]] -= 2
    rows[["s1", "s2"]] = rows[["s1", "s2"]].clip(1, 10)
    assert "shop is" in csi.fit_by(rows, SMALL, "channel", draws=300).answer
    same = csi.fit_by(answers(), SMALL, "channel", draws=300).answer
    assert "no difference beyond chance" in same


# --- what is said


def test_the_answer_holds_index_interval_and_n():
    fit = csi.fit(answers(), SMALL, draws=200, weight="weight", bucket="customer_id")
    row = fit.table.set_index("term").loc["satisfaction"]
    shown = f"{row['estimate']:.1f} ({row['low']:.1f} to {row['high']:.1f}), n 300."
    assert fit.answer == f"Satisfaction index {shown}"
    assert "300 of 300 responses" in fit.note and "whole customers" in fit.note
    page.begin(labels={"satisfaction": "overall CSI"})
    assert csi.fit(answers(), SMALL, draws=20).answer.startswith("Overall CSI index")


def test_gaps_are_counted_in_the_note():
    rows = answers()
    rows.loc[:49, "q2"] = np.nan
    assert "250 of 300 responses" in csi.fit(rows, SMALL, draws=20).note
    pairwise = csi.fit(rows, SMALL, missing="pairwise", draws=20).note
    assert "from 250 (q2) to 300" in pairwise


def test_negative_weights_rho_over_one_and_the_ccsi_type_are_warned_of():
    rows = answers(2000)
    rows["q3"] = 11 - rows["q3"]
    note = csi.fit(rows, SMALL, draws=20).note
    assert "weight of q3 is negative" in note
    rng = np.random.default_rng(1)
    loose = answers(40).assign(s2=rng.integers(1, 11, 40))
    fits = [csi.fit(loose.assign(s1=rng.integers(1, 11, 40)), SMALL, draws=2) for _ in range(30)]
    wild = [f for f in fits if (f.reliability["estimate"][f.reliability.term == "rho_A"] > 1).any()]
    assert wild and all("over 1" in f.note for f in wild)
    chinese = csi.Model({c: ECSI[c] for c in NAMES}, preset="ccsi")
    assert len([c for causes in chinese.paths.values() for c in causes]) == 12


def test_draws_without_a_solution_are_counted():
    rows = answers(30)
    rows["l1"] = 7.0
    rows.loc[0, "l1"] = 3.0  # a third of the draws miss this one answer
    fit = csi.fit(rows, SMALL, draws=500)
    lost = (moments.multiplicities(30, 500, 1)[:, 0] == 0).sum()
    assert f"{lost} of 500 draws did not settle" in fit.note
    assert fit.table["low"].notna().all()


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
        ({"s1": 10.0}, r"same answer to 's1' \(all 10\)"),
        ({"s1": 11.0}, "responses.s1: 300 of 300 answers lie outside 1-10"),
        ({"s1": np.nan}, "'s1' has 0 answers in 300 rows"),
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


@pytest.mark.filterwarnings("error")
def test_a_handful_of_rows_gives_no_numerical_warning():
    fit = csi.fit(answers().head(6), SMALL, draws=100)
    assert np.isfinite(fit.table["estimate"]).all()


def test_a_construct_that_is_a_copy_of_another_is_named():
    model = csi.Model(
        {"a": ["q1"], "b": ["q2"], "satisfaction": ["s1"]}, {"satisfaction": ["a", "b"]}
    )
    with pytest.raises(ValueError, match="copies of one another"):
        csi.fit(answers().assign(q2=lambda r: r["q1"]), model)


def test_an_unknown_scheme_lists_those_there_are():
    with pytest.raises(ValueError, match="path, factorial, centroid"):
        csi.fit(answers(), SMALL, scheme="pat")


# --- recovery


def covered(make, truth: pd.Series, samples: int, **how) -> pd.Series:
    """Share of samples whose interval holds the truth, by term."""
    hits = []
    for sample in range(samples):
        table = make(sample, **how).table.set_index("term").loc[truth.index]
        hits.append((table["low"] <= truth) & (truth <= table["high"]))
    return pd.concat(hits, axis=1).mean(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "weight"), [(400, None), (400, "weight"), (50, None)])
def test_the_interval_of_the_index_covers_the_truth_95_times_in_100(n, weight):
    big = csi.fit(answers(400_000, seed=99), SMALL, draws=1, bucket="channel")
    truth = big.table.set_index("term")["estimate"]

    def sampled(k: int) -> csi.Fit:
        return csi.fit(answers(n, 1000 + k), SMALL, weight=weight, draws=400, seed=k)

    found = covered(sampled, truth, 600)
    assert found.between(0.93, 0.97).all(), found.to_dict()


@pytest.mark.slow
def test_the_interval_of_the_index_covers_the_truth_of_the_made_up_company():
    truth = pd.Series(synthetic.TRUTH["population"]["index"])
    model = csi.Model(synthetic.CONSTRUCTS, preset="ecsi12")

    def sampled(k: int) -> csi.Fit:
        return csi.fit(synthetic.survey(400, seed=5000 + k), model, draws=400, seed=k)

    found = covered(sampled, truth, 500)
    assert found.between(0.93, 0.97).all(), found.to_dict()


def test_the_bootstrap_error_of_paths_is_that_of_new_samples():
    fits = [csi.fit(answers(300, s), SMALL, draws=2).paths["estimate"] for s in range(80)]
    fit = csi.fit(answers(300), SMALL, draws=800)
    width = (fit.paths["high"] - fit.paths["low"]) / 3.92
    assert_allclose(width, np.std(fits, axis=0), rtol=0.25)
