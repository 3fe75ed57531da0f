"""Drivers written as a formula, as statsmodels and R take it: "recommend ~ delivery + C(plan)".

drivers.importance(sample, "recommend ~ delivery + room + C(plan)")
drivers.gains(*drivers.formula(sample, "recommend ~ delivery + np.log(spend)"))
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers.specification import Answers, Drivers, Specification, specify
from cxlib.stats.moments import Moments


def formula(sample: SampleLike, text: str) -> tuple[Sample, str, dict[str, list[str]]]:
    """Sample, outcome and drivers of a formula, as every function of drivers takes them.

    Parameters
    ----------
    sample : answers, a row each
    text : "outcome ~ term + term"; a term is a column, a transformation (`np.log(spend)`,
        `bs(age, df=3)`) or a category (`C(plan)`, a text column), whose columns enter together

    Returns
    -------
    The sample with a column of numbers for each column of the design, the name of the outcome, and
    the columns of each term. Rows that lack an answer to any term are NaN in the new columns.

    Raises
    ------
    InsufficientData : no row has all answers
    ValueError : a formula that cannot be read, columns that do not exist, interactions (their share
        depends on that of the columns they are made of) and models without intercept

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [9, 7, 3, 8.0], "room": [1, 2, 4, np.nan]})
    >>> rows["plan"] = ["basic", "plus", "plus", "basic"]
    >>> found, outcome, drivers = formula(rows, "recommend ~ np.log2(room) + C(plan)")
    >>> outcome, drivers
    ('recommend', {'np.log2(room)': ['np.log2(room)'], 'plan': ['plan = plus']})
    >>> found["np.log2(room)"].tolist()
    [0.0, 1.0, 2.0, nan]
    """
    import patsy

    sample = as_sample(sample)
    rows = sample.data.reset_index(drop=True)
    if text.count("~") != 1:
        raise ValueError(f"formula {text!r}: write it as 'outcome ~ driver + driver'.")
    try:
        described = patsy.ModelDesc.from_formula(text)
        crossed = [t.name() for t in described.rhs_termlist if len(t.factors) > 1]
        if crossed:
            raise ValueError(
                f"formula {text!r}: the interaction {crossed[0]!r} has no share of its own: it "
                "depends on the columns it is made of. Leave it out; statsmodels tests it on "
                "`sample.data`."
            )
        if not any(not t.factors for t in described.rhs_termlist):
            raise ValueError(f"formula {text!r}: shares of R² need the intercept. Leave out '- 1'.")
        given = patsy.EvalEnvironment([{"np": np}])
        left, right = patsy.dmatrices(described, rows, given, return_type="dataframe")
    except patsy.PatsyError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"formula {text!r}: {reason}. Columns: {', '.join(map(str, rows.columns[:20]))}."
        ) from error
    if left.shape[1] != 1:
        raise ValueError(
            f"formula {text!r}: the outcome has {left.shape[1]} columns; it must be one number."
        )
    if not len(left):
        raise InsufficientData(_("No response answers all questions of the formula."))
    outcome, columns, terms = left.columns[0], [left], {}
    slices = right.design_info.term_name_slices
    for term in (t.name() for t in described.rhs_termlist if t.factors):
        part = right.iloc[:, slices[term]].rename(columns=_column)
        columns.append(part)
        terms[re.sub(r"^C\((\w+)\)$", r"\1", term)] = list(part)
    if not terms:
        raise ValueError(f"formula {text!r} has no drivers. Name the columns that may explain it.")
    made = pd.concat(columns, axis=1).reindex(rows.index).set_axis(sample.data.index)
    if not made.columns.is_unique:
        raise ValueError(f"formula {text!r}: a column stands in it twice. Name each once.")
    new = made.loc[:, ~made.columns.isin(rows.columns)]
    return sample.assign(**dict(new.items())), outcome, terms


def _column(name: str) -> str:
    """A column of the design; those of categories are named as drivers name them."""
    return re.sub(r"^(?:C\((\w+)\)|(\w+))\[T\.(.*)\]$", _level, name)


def specified(
    answers: Answers,
    outcome: str,
    drivers: Drivers | None,
    missing: str,
    covariates: Sequence[str],
) -> Specification:
    """The regression of an outcome and its drivers, or of a formula without drivers."""
    if drivers is None:
        if isinstance(answers, Moments):
            raise ValueError("a formula needs a row for each answer, not sums. Pass the Sample.")
        if missing != "complete":
            raise ValueError("a formula takes complete answers: missing='complete'.")
        answers, outcome, drivers = formula(answers, outcome)
    return specify(answers, outcome, drivers, missing, covariates)


def _level(match: re.Match[str]) -> str:
    """The column of a category, named as drivers name those of text columns."""
    return f"{match[1] or match[2]} = {match[3]}"
