"""Models of other libraries become a Result with one call."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from statsmodels.duration.hazard_regression import PHReg

from cxlib.core.result import Result

RNG = np.random.default_rng(2)
ROWS = pd.DataFrame(RNG.normal(size=(90, 2)), columns=["delivery", "room"])
ROWS["recommend"] = 2 * ROWS["delivery"] + RNG.normal(size=90)
X = ROWS[["delivery", "room"]]


def test_statsmodels_gives_coefficients_with_their_intervals() -> None:
    model = smf.ols("recommend ~ delivery + room", ROWS).fit()
    fit = Result.of(model, "Delivery counts.", unit="scale")
    assert str(fit) == "Delivery counts." and fit.model is model
    assert fit.table["term"].tolist() == ["Intercept", "delivery", "room"]
    np.testing.assert_allclose(fit.table[["low", "high"]], model.conf_int())
    assert set(fit.table["n"]) == {90}


def test_a_model_without_its_number_of_rows_has_no_n() -> None:
    model = PHReg(np.exp(ROWS["recommend"]), X).fit()
    table = Result.of(model).table
    assert table.columns.tolist() == ["term", "estimate", "low", "high"]
    np.testing.assert_allclose(table["estimate"], model.params)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LinearRegression(), lambda m: m.coef_),
        (make_pipeline(StandardScaler(), LinearRegression()), lambda m: m[-1].coef_),
        (DecisionTreeRegressor(random_state=1), lambda m: m.feature_importances_),
    ],
)
def test_scikit_learn_gives_coefficients_or_importances_by_name(model, expected) -> None:
    fit = Result.of(model.fit(X, ROWS["recommend"]))
    assert fit.table["term"].tolist() == ["delivery", "room"]
    np.testing.assert_allclose(fit.table["estimate"], expected(fit.model))


def test_several_classes_have_a_row_for_each() -> None:
    plan = pd.qcut(ROWS["recommend"], 3, labels=["a", "b", "c"]).astype(str)
    table = Result.of(LogisticRegression().fit(X, plan)).table
    assert table[["class", "term"]].values.tolist() == [
        [c, t] for c in "abc" for t in ("delivery", "room")
    ]


def test_a_model_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="Fit it first"):
        Result.of(LinearRegression())
