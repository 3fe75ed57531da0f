"""Mixed models of units by statsmodels: intraclass correlation, and slopes that differ by unit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import chi2

from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.stats.intervals import LEVEL

NOTHING = 1e-12  # of the outcome's variance; what is less is rounding
BOUNDARY = 1e-3  # of the larger deviation, below which the other counts as zero
COLUMNS = (
    Column("sd", "standard deviation of the slopes of units", "scale", 2, label=N_("SD of slopes")),
)


def intraclass(rows: pd.DataFrame, outcome: str, drivers: Sequence[str], by: str) -> float:
    """Share between units of the variance that drivers and their unit means leave (REML).

    NaN where they leave none.
    """
    y, design, _apart, groups = _design(rows, outcome, drivers, by)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    if left.var() <= NOTHING * y.var():
        return float("nan")
    fit = _fitted(y, design, groups, np.ones((len(y), 1)))
    between = float(np.asarray(fit.cov_re)[0, 0])
    return between / (between + float(fit.scale))


def random_slopes(
    rows: pd.DataFrame, outcome: str, drivers: Sequence[str], by: str, random: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """How much slopes within units differ between units, and what is to be said of it.

    Of a model with a random intercept and random slopes of `random`, all correlated, beside the
    slopes of all drivers within units and those of their unit means (REML, without weights).

    Returns
    -------
    Table with term, estimate (mean slope of units), low, high (Student's, of units less one), n, sd
    (of the slopes of units) and p (of no such variance: likelihood ratio, by the mixture of
    chi-squared distributions of Stram and Lee 1994); and sentences.
    """
    y, design, apart, groups = _design(rows, outcome, drivers, by)
    size = apart.std(0)
    places, units = [list(drivers).index(d) for d in random], len(np.unique(groups))

    def varying(which: Sequence[int]) -> np.ndarray:
        return np.column_stack([np.ones(len(y)), apart[:, which] / size[which]])

    def of(which: Sequence[int]) -> Any:
        return _fitted(y, design, groups, varying(which))

    fit, found = of(places), []
    errors = _errors(fit, design, groups, varying(places))
    within, reach = float(np.sqrt(fit.scale)), -stdtrit(units - 1, (1 - LEVEL) / 2)
    for k, place in enumerate(places):
        slope, error = fit.fe_params[1 + place], errors[1 + place]
        sd = float(np.sqrt(max(np.asarray(fit.cov_re)[1 + k, 1 + k], 0.0)))
        ratio = max(2 * (fit.llf - of([p for p in places if p != place]).llf), 0.0)
        p = chi2.sf(ratio, len(places)) / 2 + chi2.sf(ratio, len(places) + 1) / 2
        sd = 0.0 if sd < BOUNDARY * within else sd / size[place]
        ends = slope - reach * error, slope + reach * error
        found.append((random[k], slope, *ends, len(y), sd, float(p) if sd else 1.0))
    table = pd.DataFrame(found, columns=["term", "estimate", "low", "high", "n", "sd", "p"])
    flat = table.loc[table["sd"] == 0, "term"].tolist()
    notes = [
        _("Random slopes by REML without weights; {k:count} units.", k=units),
    ]
    if flat:
        notes.append(
            _(
                "No difference between the slopes of units is found for {drivers:label_list}: the "
                "variance is estimated as zero, its lower bound.",
                drivers=flat,
            )
        )
    if not fit.converged:
        notes.append(
            _("The mixed model did not converge: its variances of slopes are not reliable.")
        )
    return table, notes


def _design(
    rows: pd.DataFrame, outcome: str, drivers: Sequence[str], by: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, columns of the fixed part, drivers around their unit means, and units."""
    x, groups = rows[list(drivers)].astype(float), rows[by].to_numpy()
    means = x.groupby(groups).transform("mean")
    apart = (x - means).to_numpy()
    design = np.column_stack([np.ones(len(x)), apart, means])
    return rows[outcome].to_numpy(float), design, apart, groups


def _errors(fit: Any, design: np.ndarray, groups: np.ndarray, varying: np.ndarray) -> np.ndarray:
    """Standard errors of the fixed part, given the variances.

    Those of statsmodels come from the Hessian of all parameters, which at a variance of 0 may have
    no inverse.
    """
    between, information = np.asarray(fit.cov_re), np.zeros((design.shape[1],) * 2)
    for unit in np.unique(groups):
        x, z = design[groups == unit], varying[groups == unit]
        spread = z @ between @ z.T + fit.scale * np.eye(len(x))
        information += x.T @ np.linalg.solve(spread, x)
    return np.sqrt(np.diagonal(np.linalg.inv(information)))


def _fitted(y: np.ndarray, design: np.ndarray, groups: np.ndarray, varying: np.ndarray) -> Any:
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A variance of 0 between units is an answer, on the boundary that statsmodels warns of.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return MixedLM(y, design, groups=groups, exog_re=varying).fit()
