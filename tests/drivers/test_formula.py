"""Formulas of drivers, and covariates of graded outcomes, against statsmodels and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from statsmodels.miscmodels.ordinal_model import OrderedModel

from cxlib import drivers
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.stats import moments


def visits(n: int = 240, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, a = rng.normal(size=(2, n))
    a, b = a + 0.5 * age, 0.6 * a + rng.normal(size=n)
    score = 0.8 * a + 0.4 * b + 0.9 * age + rng.logistic(size=n)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "age": age,
            "spend": np.exp(b),
            "plan": rng.choice(["basic", "plus", "pro"], n),
            "y": score,
            "yes": (score > 0).astype(float),
            "grade": np.digitize(score, [-1, 0.5, 2]).astype(float),
            "weight": rng.uniform(0.5, 2, n),
            "who": np.arange(n) // 2,
        }
    )


# --- formulas


@pytest.mark.slow
def test_a_formula_is_the_same_regression_as_its_columns():
    rows = Sample(visits(), weight="weight", cluster="who", draws=50)
    one = drivers.importance(rows, "y ~ a + b + C(plan)", always=["age"])
    two = drivers.importance(rows, "y", ["a", "b", "plan"], always=["age"])
    assert set(one.table["term"]) == {"a", "b", "plan"}
    pd.testing.assert_frame_equal(one.table, two.table)
    assert str(one) == str(two)
    metrics = [
        drivers.importance_metrics(rows, *how).table
        for how in (("y ~ a + np.log(spend)",), ("y", ["a", "b"]))
    ]
    assert_allclose(metrics[0]["estimate"], metrics[1]["estimate"])


def test_the_fit_of_a_formula_is_that_of_statsmodels():
    text = "np.exp(y / 4) ~ np.log(spend) + C(plan, Treatment('pro')) + bs(age, df=4)"
    rows = visits()
    rows.loc[:9, "spend"] = np.nan
    fit = drivers.importance(Sample(rows, weight="weight", draws=20), text)
    peer = smf.wls(text, rows, weights=rows["weight"]).fit()
    assert fit.r2["estimate"][0] == pytest.approx(peer.rsquared)
    assert fit.table["n"].tolist() == [230] * 3


def test_a_formula_serves_other_functions_too():
    rows = visits().set_index(np.repeat(np.arange(120), 2))  # labels twice
    found = drivers.gains(*drivers.formula(Sample(rows, draws=20), "y ~ a + np.log(spend)"))
    by_name = drivers.gains(Sample(rows, draws=20), "y", ["a", "b"]).table
    assert_allclose(found.table["estimate"].sort_values(), by_name["estimate"].sort_values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y", "no column 'y ~'|write it as"),
        ("y ~ a + nothing", "nothing"),
        ("y ~ a * b", "interaction 'a:b'"),
        ("y ~ a - 1", "intercept"),
        ("y ~ 1", "no drivers"),
        ("plan ~ a", "3 columns"),
        ("y ~ a +", "formula"),
        ("y ~ y + a", "twice|copy|outcome"),
        ("1 ~ a", "neither a column"),
        ("y + b ~ a", "2 columns"),
        ("y ~ a | b", "write it as"),
        ("~ a", "write it as"),
        ("y ~ np.log(`a b`)", r"Q\('its name'\)"),
        ("y ~ C(plan, Treatment('none'))", "none"),
    ],
)
def test_formulas_that_cannot_be_fitted_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        drivers.importance(visits(), text)


@pytest.mark.parametrize(
    "term",
    [
        "__import__('os').system('touch {path}')",
        "I(__import__('os').system('touch {path}'))",
        "{{__import__('pathlib').Path('{path}').touch()}}",
        "np.log(open('{path}', 'w').write('a'))",
        "np.save('{path}', a)",
        "np.asarray(a).tofile('{path}')",
        "a.to_csv('{path}')",
        "I(a.__class__)",
        "Q('np').save('{path}', a)",
        "C(a, contr.custom(open('{path}', 'w')))",
        "I((lambda: open('{path}', 'w'))())",
        "I([open('{path}', 'w') for b in [1]])",
        "I((b := a))",
        "I(f'{{a}}')",
        "I(9 ** 9 ** 9 ** 9)",
        "a + I(a * 9 ** 9 ** 9 ** 9)",
        "I('a' * 10 ** 10)",
        "bs(a, df=4, _context=1)",
        "bs(a, **b)",
        "np.log(a, a)",
        "np.log(a, out=a)",
        "np",
        "`np`",
        "I",
        "I(`__import__('os').system('touch {path}')`)",
        "hashed(a)",
    ],
)
def test_a_formula_runs_no_code_but_arithmetic_on_columns(term, tmp_path):
    rows, path = visits(), tmp_path / "written"
    before = rows.copy()
    with pytest.raises(ValueError, match="formula"):
        drivers.formula(rows, "y ~ a + " + term.format(path=path))
    assert not path.exists()
    pd.testing.assert_frame_equal(rows, before)


def test_a_column_called_like_a_function_is_no_way_to_its_methods():
    rows = visits().assign(np=1.0, I=2.0)
    for term in ("np.add(a, b)", "I(a)"):
        with pytest.raises(ValueError, match="neither a column nor a function"):
            drivers.formula(rows, f"y ~ {term}")


def test_terms_may_compute_with_columns_and_names_of_any_kind():
    rows = visits().assign(**{"my room": lambda d: d["a"] ** 2})
    text = (
        "y ~ I(a**2 + 1) + `my room` + np.sqrt(Q('my room')) + I(plan == 'pro') + np.maximum(b, 0)"
    )
    found, _, terms = drivers.formula(rows, text)
    got = found.data[[c for columns in terms.values() for c in columns]].to_numpy()
    a, b = rows["a"], rows["b"]
    by_hand = [a**2 + 1, a**2, a.abs(), rows["plan"] == "pro", b.clip(lower=0)]
    assert_allclose(got, np.column_stack(by_hand).astype(float))


def test_categories_are_those_of_complete_rows():
    rows = visits().assign(plan=lambda d: d["plan"].where(d.index > 0, "old"))
    rows.loc[0, "a"] = np.nan
    found, _, terms = drivers.formula(rows, "y ~ a + C(plan)")
    assert terms["plan"] == ["plan = plus", "plan = pro"]
    assert found.data.loc[0, terms["plan"]].isna().all()


def test_a_formula_needs_rows_and_complete_answers():
    rows = visits()
    with pytest.raises(ValueError, match="a row for each answer"):
        drivers.importance(moments.of(rows, ["y", "a", "b"]), "y ~ a + b")
    with pytest.raises(ValueError, match="complete"):
        drivers.importance(rows, "y ~ a + b", missing="em")
    with pytest.raises(InsufficientData, match="No response answers"):
        drivers.importance(rows.assign(b=np.nan), "y ~ a + b")


# --- covariates of graded outcomes


def likelihood(rows: pd.DataFrame, kind: str, columns: list[str]) -> float:
    if kind == "logistic":
        return sm.Logit(rows["yes"], sm.add_constant(rows[columns])).fit(disp=0).llf
    return OrderedModel(rows["grade"], rows[columns], distr="logit").fit(disp=0, method="bfgs").llf


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "outcome"), [("logistic", "yes"), ("ordered", "grade")])
def test_covariates_leave_the_share_of_the_likelihood_that_statsmodels_gives(kind, outcome):
    rows = visits()
    fit = drivers.importance(Sample(rows, draws=20), outcome, ["a", "b"], kind=kind, always=["age"])
    of = {c: likelihood(rows, kind, ["age", *c]) for c in [(), ("a",), ("b",), ("a", "b")]}
    part = {c: 1 - v / of[()] for c, v in of.items()}
    assert fit.r2["estimate"][0] == pytest.approx(part["a", "b"], abs=1e-6)
    gain = {"a": (part["a",] + part["a", "b"] - part["b",]) / 2}
    share = fit.table.set_index("term")["estimate"]
    assert share["a"] == pytest.approx(gain["a"] / part["a", "b"], abs=1e-5)
    assert "Adjusted for" in fit.notes and "partial McFadden R²" in fit.finding.detail


def test_a_covariate_that_is_a_factor_is_adjusted_for_by_its_categories():
    rows = visits()
    fit = drivers.importance(
        Sample(rows, draws=9), "yes", ["a", "b"], kind="logistic", always=["plan"]
    )
    dummies = pd.get_dummies(rows["plan"], dtype=float).iloc[:, 1:]
    wide = rows.join(dummies)
    names = list(dummies)
    base, full = (likelihood(wide, "logistic", [*names, *c]) for c in ([], ["a", "b"]))
    assert fit.r2["estimate"][0] == pytest.approx(1 - full / base, abs=1e-7)


@pytest.mark.coverage
@pytest.mark.parametrize("weight", [None, "weight"])
def test_intervals_of_shares_beside_covariates_cover_the_truth(weight, tell_coverage):
    big = drivers.importance(
        Sample(visits(200_000, 99), draws=1, cluster="plan"),
        "yes",
        ["a", "b"],
        kind="logistic",
        always=["age"],
    )
    truth, hits = big.table.set_index("term")["estimate"]["a"], []
    for k in range(150):
        rows = Sample(visits(100, 1000 + k), weight=weight, draws=200, seed=k)
        fit = drivers.importance(rows, "yes", ["a", "b"], kind="logistic", always=["age"])
        row = fit.table.set_index("term").loc["a"]
        hits.append(row["low"] <= truth <= row["high"])
    of = f"100 answers{', weighted' * bool(weight)}"
    tell_coverage("Shapley share adjusted for covariates, logistic", of, np.mean(hits), 150)
    assert np.mean(hits) >= 0.9
