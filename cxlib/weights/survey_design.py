"""How a survey was sampled: strata, sampling units and the size of the population.

sample = weights.with_design(sample, strata="region", psu="school", population="schools")
survey.mean(sample, "recommend")            # linearised standard errors
scores.nps(sample, "recommend")             # as always; resamples now follow the design
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cxlib.core.errors import require_columns
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.survey_design import SurveyDesign


def with_design(
    sample: SampleLike,
    *,
    strata: str | Sequence[str] = (),
    psu: str | None = None,
    population: str | Mapping[Any, float] | None = None,
    weight: str | None = None,
) -> Sample:
    """The sample, whose resamples and standard errors then follow how it was sampled.

    Give it all rows that were sampled, and choose some of them afterwards (`Sample.where`): a group
    is then a domain of the design.

    Parameters
    ----------
    sample : all rows that were sampled, with unique index labels
    strata : columns that together name the stratum of a row; none for one stratum. Waves that were
        sampled independently are strata too: ["wave", "region"]
    psu : column of the primary sampling unit (school, branch, household); the rows themselves
        when None. Numbers may be used again in another stratum
    population : column with the number of sampling units in the population of the row's stratum,
        or {stratum: number}. Numbers of at most 1 are shares that were sampled. None where it is
        not known or sampling was with replacement: no finite population correction is made
    weight : column of the sampling weights; that of the sample when None. Without either, and with
        a population, each row of a stratum stands for population / sampled units, in a new column
        `weight`: right where units are sampled whole

    Returns
    -------
    Sample with the design, without replicate weights.

    Raises
    ------
    ValueError : unknown or incomplete columns, a stratum with one sampling unit, a population
        smaller than what was sampled

    References
    ----------
    Cochran (1977), Sampling Techniques; Rao and Wu (1988), Journal of the American Statistical
    Association 83, for the resamples.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"region": list("aabb"), "shops": [4, 4, 10, 10]})
    >>> sample = with_design(rows, strata="region", population="shops")
    >>> sample.weights.tolist(), sample.design.degrees_of_freedom
    ([2.0, 2.0, 5.0, 5.0], 2)
    """
    sample = as_sample(sample)
    columns = [strata] if isinstance(strata, str) else list(strata)
    if weight is not None:
        require_columns(sample.data, [weight])
    plan = SurveyDesign.of(sample.data, columns, psu, population)
    data, weight = sample.data, weight or sample.weight
    if weight is None and population is not None:
        with np.errstate(divide="ignore"):
            each = 1 / plan.fraction
        data, weight = data.assign(weight=each[plan.stratum[plan.unit]]), "weight"
    raking = sample.raking if weight == sample.weight else None
    return replace(
        sample, data=data, weight=weight, raking=raking, replicate_weights=None, design=plan
    )
