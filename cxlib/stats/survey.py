"""Survey estimates with linearised standard errors: means, totals, ratios, quantiles, domains.

    sample = weights.with_design(rows, strata="stype", population="fpc", weight="pw")
    survey.mean(sample, ["api00", "api99"]).table     # term, estimate, error, low, high, n
    survey.mean(sample, "api00", by="region")         # domains
    survey.total(sample, "enroll")
    survey.ratio(sample, "api.stu", "enroll")
    survey.quantile(sample, "api00", [0.25, 0.5, 0.75])

Known as svymean, svytotal, svyratio, svyquantile and svyby in R survey, and as CSDESCRIPTIVES in
SPSS Complex Samples. Without a design the clusters of the sample are sampling units drawn with
replacement; replicate weights give the variance where the file has them. Weights are taken as
given: raking adds no uncertainty and takes none away; use `scores` or `stats.bootstrap` for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL
from cxlib.stats.resampling import resampling_units
from cxlib.stats.survey_design import SurveyDesign, student_quantile

Columns = str | Sequence[str]
COLUMNS = (Column("error", "standard error", "estimate", label=N_("standard error")),)


@dataclass(frozen=True, eq=False)
class Linearised:
    """Variances of sums of linearised values.

    Attributes
    ----------
    weight : of each row, (n,)
    unit : place of each row's sampling unit, (n,)
    design : its strata
    person : number of each row's cluster, or of the row itself, (n,)
    moved : of replicate weights (`ResamplingUnits.moved`); the design is not used then
    """

    weight: np.ndarray
    unit: np.ndarray
    design: SurveyDesign
    person: np.ndarray
    moved: np.ndarray | None = None

    @classmethod
    def of(cls, sample: Sample) -> Linearised:
        """Sampling units of the sample's design, else of its clusters or rows."""
        weight = moments.weights_of(sample.data, sample.weight)
        person = pd.factorize(sample.clusters, use_na_sentinel=False)[0]
        if sample.replicate_weights is not None:
            count = len(sample.replicate_weights.columns)
            none = SurveyDesign(
                sample.data.index, np.arange(len(sample)), np.zeros(count), np.array([count]), _ZERO
            )
            return cls(weight, none.unit, none, person, resampling_units(sample).moved)
        if isinstance(plan := sample.design, SurveyDesign):
            return cls(weight, plan.units_of(sample.data), plan, person)
        units = int(person.max(initial=-1)) + 1
        plan = SurveyDesign(
            sample.data.index, person, np.zeros(units, int), np.array([units]), _ZERO
        )
        return cls(weight, person, plan, person)

    @property
    def degrees_of_freedom(self) -> int:
        """Sampled units less strata, as the design has them."""
        return self.design.degrees_of_freedom

    def covariance(self, values: np.ndarray) -> np.ndarray:
        """Covariances of the weighted totals of linearised values (n, k): (k, k)."""
        weighed = self.weight[:, None] * values
        if self.moved is not None:
            parts = self.moved.T @ weighed
        else:
            sums = [np.bincount(self.unit, v, self.design.units) for v in weighed.T]
            parts = self.design.deviations(np.column_stack(sums))
        return parts.T @ parts

    def error(self, values: np.ndarray) -> float:
        """Standard error of the weighted total of linearised values, (n,)."""
        return float(np.sqrt(self.covariance(values[:, None])[0, 0]))


_ZERO = np.zeros(1)
Estimator = Callable[[np.ndarray, Linearised], tuple[float, np.ndarray]]


def mean(sample: SampleLike, columns: Columns, *, by: str | None = None) -> Result:
    """Weighted means with linearised standard errors; shares of columns of 0 and 1.

    Parameters
    ----------
    sample : answers with weights and, from `weights.with_design`, strata and sampling units
    columns : numbers or booleans; missing values are left out, each column by itself
    by : column of domains, each with its own mean

    Returns
    -------
    Result whose table has `by`, term, estimate, error (standard error), low, high (95% interval by
    Student's t; its degrees of freedom are sampling units minus strata), n (answers).

    Raises
    ------
    InsufficientData : a column or domain without an answer of positive weight
    ValueError : unknown columns, text, bad weights

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 5.7 and 10.3.

    Examples
    --------
    >>> rows = pd.DataFrame({"score": [1.0, 2.0, 3.0, 4.0]})
    >>> mean(rows, "score").table[["estimate", "error"]].round(4).values.tolist()
    [[2.5, 0.6455]]
    """

    def one(y: np.ndarray, plan: Linearised) -> tuple[float, np.ndarray]:
        known = ~np.isnan(y)
        size = plan.weight[known].sum()
        y = np.where(known, y, 0.0)
        found = float(plan.weight @ y / size)
        return found, known * (y - found) / size

    return _table(sample, columns, by, one)


def total(sample: SampleLike, columns: Columns, *, by: str | None = None) -> Result:
    """Weighted totals of the population with linearised standard errors.

    Weights must add up to the population, as sampling weights do and raked weights (mean 1) do not.
    A column of ones gives the size of the population. Parameters, errors and return value are those
    of `mean`; missing values count as 0.

    Examples
    --------
    >>> rows = pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0], "w": 10.0})
    >>> fit = total(Sample(rows, weight="w"), "spend")
    >>> fit.table[["estimate", "error"]].round(2).values.tolist()
    [[100.0, 25.82]]
    """

    def one(y: np.ndarray, plan: Linearised) -> tuple[float, np.ndarray]:
        y = np.nan_to_num(y)
        return float(plan.weight @ y), y

    return _table(sample, columns, by, one)


def ratio(sample: SampleLike, numerator: str, denominator: str, *, by: str | None = None) -> Result:
    """Ratio of two weighted totals with its linearised standard error.

    Parameters
    ----------
    sample : as in `mean`
    numerator, denominator : columns of numbers; rows without either are left out
    by : column of domains

    Returns
    -------
    As `mean`; term is "numerator / denominator".

    Examples
    --------
    >>> rows = pd.DataFrame({"spend": [2.0, 4.0, 6.0, 9.0], "visits": [1.0, 2.0, 3.0, 4.0]})
    >>> ratio(rows, "spend", "visits").table[["estimate", "error"]].round(4).values.tolist()
    [[2.1, 0.0816]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [numerator, denominator])
    below = _numbers(sample, denominator)

    def one(y: np.ndarray, plan: Linearised) -> tuple[float, np.ndarray]:
        known = ~np.isnan(y) & ~np.isnan(below)
        above, under = np.where(known, y, 0.0), np.where(known, below, 0.0)
        size = plan.weight @ under
        found = float(plan.weight @ above / size) if size else np.nan
        return found, (above - found * under) / (size or np.nan)

    return _table(sample, numerator, by, one, f"{numerator} / {denominator}")


def quantile(
    sample: SampleLike,
    column: str,
    probabilities: float | Sequence[float] = 0.5,
    *,
    by: str | None = None,
) -> Result:
    """Weighted quantiles with Woodruff's intervals.

    Parameters
    ----------
    sample : as in `mean`
    column : of numbers
    probabilities : above 0 and below 1; 0.5 is the median
    by : column of domains

    Returns
    -------
    As `mean`, with the column probability. A quantile is the smallest value that at least this
    share of the population reaches; the ends are those of the interval of that share, and the
    error is their distance over twice Student's quantile.

    References
    ----------
    Woodruff (1952), Journal of the American Statistical Association 47(260).

    Examples
    --------
    >>> rows = pd.DataFrame({"days": range(1, 100)})
    >>> quantile(rows, "days").table[["estimate", "low", "high"]].values.tolist()
    [[50.0, 40.0, 60.0]]
    """
    sample = as_sample(sample)
    wanted = [float(p) for p in np.atleast_1d(probabilities)]
    if any(not 0 < p < 1 for p in wanted):
        raise ValueError(f"probabilities are {wanted}; each must be above 0 and below 1.")
    require_columns(sample.data, [column, *([by] if by else [])])
    plan, y = Linearised.of(sample), _numbers(sample, column)
    reach = student_quantile(plan.degrees_of_freedom, LEVEL)
    rows = []
    for group, inside in _domains(sample, by):
        known = inside & ~np.isnan(y) & (plan.weight > 0)
        _require_answers(known, column, group)
        for p in wanted:
            found = _weighted_quantile(y[known], plan.weight[known], p)
            size = plan.weight[known].sum()
            error = plan.error(known * ((y <= found) - p) / size)
            ends = [
                _weighted_quantile(y[known], plan.weight[known], min(max(at, 0.0), 1.0))
                for at in (p - reach * error, p + reach * error)
            ]
            spread = (ends[1] - ends[0]) / (2 * reach)
            rows.append([group, column, p, found, spread, *ends, int(known.sum())])
    names = [by or "group", "term", "probability", "estimate", "error", "low", "high", "n"]
    return _result(pd.DataFrame(rows, columns=names), sample, by, plan)


def _weighted_quantile(y: np.ndarray, weight: np.ndarray, p: float) -> float:
    """Smallest value at which the weighted distribution reaches p."""
    order = np.argsort(y, kind="stable")
    reached = np.cumsum(weight[order])
    # Sums of weights round: a share that is p but for that is reached.
    at = np.searchsorted(reached, p * reached[-1] * (1 - 1e-12))
    return float(y[order][min(int(at), len(y) - 1)])


def _table(
    sample: SampleLike, columns: Columns, by: str | None, one: Estimator, name: str = ""
) -> Result:
    """One estimate for each column and domain."""
    sample = as_sample(sample)
    columns = [columns] if isinstance(columns, str) else list(columns)
    require_columns(sample.data, [*columns, *([by] if by else [])])
    plan = Linearised.of(sample)
    reach = student_quantile(plan.degrees_of_freedom, LEVEL)
    rows = []
    for column in columns:
        y = _numbers(sample, column)
        for group, inside in _domains(sample, by):
            own = np.where(inside, y, np.nan)
            known = ~np.isnan(own) & (plan.weight > 0)
            _require_answers(known, column, group)
            found, linear = one(own, plan)
            error = plan.error(np.nan_to_num(linear))
            ends = found - reach * error, found + reach * error
            rows.append([group, name or column, found, error, *ends, int(known.sum())])
    names = [by or "group", "term", "estimate", "error", "low", "high", "n"]
    return _result(pd.DataFrame(rows, columns=names), sample, by, plan)


def _result(table: pd.DataFrame, sample: Sample, by: str | None, plan: Linearised) -> Result:
    table = table if by else table.drop(columns="group")
    first = table.iloc[0]
    claim = _(
        "{term:label} is {x:number2} (95% CI {ci:interval2}, n = {n:count}).",
        term=first["term"],
        x=first["estimate"],
        ci=(first["low"], first["high"]),
        n=first["n"],
    )
    note = _(
        "Linearised standard errors; Student's t with {df:count} degrees of freedom.",
        df=plan.degrees_of_freedom,
    )
    table = sample.counted(table) if by else table
    return Result(table, Finding.of_row(first, claim), note, columns=COLUMNS)


def _domains(sample: Sample, by: str | None) -> list[tuple[object, np.ndarray]]:
    """(name, which rows) of each domain."""
    if by is None:
        return [("all", np.ones(len(sample), bool))]
    place, names = pd.factorize(sample[by], sort=True)
    return [(name, place == k) for k, name in enumerate(names)]


def _require_answers(known: np.ndarray, column: str, group: object) -> None:
    if not known.any():
        raise InsufficientData(
            _("No answer to {column:label} in {group}.", column=column, group=group)
        )


def _numbers(sample: Sample, column: str) -> np.ndarray:
    try:
        return sample[column].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{column} holds text, not numbers: {error}.") from error
