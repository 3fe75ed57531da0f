"""Models that other libraries fitted, as a tidy table of their coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def table_of(fit: Any) -> pd.DataFrame:
    """The coefficients of a fitted model: term, estimate, low, high and n as far as it knows them.

    Parameters
    ----------
    fit : results of statsmodels (`params`, `conf_int()`, `nobs` if any), or a fitted estimator of
        scikit-learn (`coef_` or `feature_importances_`), at the end of a pipeline too; those of
        several classes have a column `class` in front

    Raises
    ------
    ValueError : something else, or a model that was not fitted

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> params = pd.Series({"delivery": 0.5})
    >>> fit = SimpleNamespace(params=params, nobs=40, conf_int=lambda: [[0.25, 0.75]])
    >>> table_of(fit).values.tolist()
    [['delivery', 0.5, 0.25, 0.75, 40]]
    """
    if hasattr(fit, "params") and hasattr(fit, "conf_int"):
        return _of_statsmodels(fit)
    names = None
    if hasattr(fit, "steps"):
        before, fit = fit[:-1], fit[-1]
        names = before.get_feature_names_out() if len(before) else None
    for attribute in ("coef_", "feature_importances_"):
        if (found := getattr(fit, attribute, None)) is not None:
            return _of_sklearn(fit, np.atleast_2d(np.asarray(found, float)), names)
    raise ValueError(
        f"a {type(fit).__name__} has neither params with conf_int() nor coef_ or "
        "feature_importances_. Fit it first, or give Result a table with term and estimate."
    )


def _of_statsmodels(fit: Any) -> pd.DataFrame:
    params, ends = fit.params, np.asarray(fit.conf_int(), float)
    if np.ndim(params) != 1:
        raise ValueError("a model of several outcomes has no one table; give Result its tables.")
    names = getattr(params, "index", None)
    names = getattr(fit.model, "exog_names", None) if names is None else names
    names = range(len(ends)) if names is None else names
    table = pd.DataFrame({"term": list(map(str, names)), "estimate": np.asarray(params, float)})
    table["low"], table["high"] = ends[:, 0], ends[:, 1]
    n = getattr(fit, "nobs", None)  # a Cox model of statsmodels has none
    return table if n is None else table.assign(n=int(n))


def _of_sklearn(fit: Any, values: np.ndarray, names: Any) -> pd.DataFrame:
    names = getattr(fit, "feature_names_in_", None) if names is None else names
    terms = [f"x{i}" for i in range(values.shape[1])] if names is None else list(map(str, names))
    if len(values) == 1:
        return pd.DataFrame({"term": terms, "estimate": values[0]})
    classes = np.repeat(list(map(str, fit.classes_)), len(terms))
    return pd.DataFrame({"class": classes, "term": terms * len(values), "estimate": values.ravel()})
