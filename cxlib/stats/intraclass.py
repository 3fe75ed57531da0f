"""Agreement of raters on a scale of numbers: intraclass correlations, in six forms.

    fit = intraclass.icc(ratings, ["ann", "bo", "cy"])
    fit.table                         # term, estimate, low, high, n
    fit.anova                         # mean squares of units, raters and error

Which form answers the question: ICC(1) where each unit has raters of its own, ICC(2) where the same
raters, a sample of all raters, rate every unit and must agree in level, ICC(3) where these raters
are the only ones and it matters that they rank units alike. "1" is the reliability of one rating,
"k" that of the mean of all k raters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.intervals import LEVEL

COLUMNS = (Column("mean_square", "mean squares", label="mean square"),)


def icc(sample: SampleLike, raters: Sequence[str] | None = None, *, level: float = LEVEL) -> Result:
    """Intraclass correlations ICC(1), ICC(2) and ICC(3), of one rating and of the mean of k.

    Parameters
    ----------
    sample : a row is a unit, a column what one rater gave it, as numbers. Weights and clusters are
        not used: intervals take units for independent
    raters : two or more columns; all but the cluster when None. Units without a rating by each of
        them are left out
    level : of the intervals

    Returns
    -------
    Result with the tables "table" (term: "ICC(1,1)" to "ICC(3,k)", estimate, low, high: exact F
    intervals, for ICC(2) by Satterthwaite's degrees of freedom, n: units) and "anova" (term,
    mean_square, df).

    Raises
    ------
    InsufficientData : fewer than two units that all rated, or ratings that are all the same
    ValueError : fewer than two raters, unknown columns, text

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86(2); McGraw and Wong (1996), Psychological
    Methods 1(1).

    Examples
    --------
    >>> ratings = pd.DataFrame({"ann": [9, 6, 8], "bo": [8, 5, 7]})
    >>> icc(ratings).table[["term", "estimate"]].round(3).values.tolist()[2:5]
    [['ICC(3,1)', 1.0], ['ICC(1,k)', 0.893], ['ICC(2,k)', 0.903]]
    """
    sample = as_sample(sample)
    rows = sample.data
    names = [c for c in rows if c != sample.cluster] if raters is None else list(raters)
    require_columns(rows, names, "the ratings")
    if len(names) < 2:
        raise ValueError(f"agreement needs two raters or more; these are {names}.")
    try:
        x = rows[names].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"ratings must be numbers: {error}.") from error
    x = x[~np.isnan(x).any(1)]
    n, k = x.shape
    if n < 2 or np.ptp(x) == 0:
        raise InsufficientData(
            _("{n:count} units with different ratings by all raters; two are needed.", n=n)
        )
    anova = _mean_squares(x)
    table = pd.DataFrame(_forms(anova["mean_square"].to_numpy(), n, k, level))
    table["n"] = n
    one = table[table["term"] == "ICC(2,1)"].iloc[0]
    claim = _(
        "The intraclass correlation ICC(2,1) of one rating is {x:number2}.", x=one["estimate"]
    )
    detail = _(
        "95% CI {ci:interval2}; {k:count} raters, n = {n:count}",
        ci=(one["low"], one["high"]),
        k=k,
        n=n,
    )
    notes = _(
        "{lost:count} of {all:count} units were not rated by all and left out.",
        lost=len(rows) - n,
        all=len(rows),
    )
    finding = Finding.of_row(one, claim, detail, unit="correlation")
    return Result({"table": table, "anova": anova}, finding, notes, columns=COLUMNS)


def _mean_squares(x: np.ndarray) -> pd.DataFrame:
    """Two-way analysis of variance of units (rows) and raters (columns)."""
    n, k = x.shape
    mean, units, raters = x.mean(), x.mean(1), x.mean(0)
    between = k * ((units - mean) ** 2).sum()
    judges = n * ((raters - mean) ** 2).sum()
    error = ((x - units[:, None] - raters + mean) ** 2).sum()
    within = judges + error
    df = np.array([n - 1, k - 1, (n - 1) * (k - 1), n * (k - 1)])
    squares = np.array([between, judges, error, within]) / df
    return pd.DataFrame(
        {"term": ["units", "raters", "error", "within"], "mean_square": squares, "df": df}
    )


def _forms(squares: np.ndarray, n: int, k: int, level: float) -> list[dict[str, object]]:
    """The six coefficients and their intervals."""
    between, judges, error, within = squares
    low, high = _ends_by_f(between, within, n - 1, n * (k - 1), level)
    absolute = {
        "ICC(1,1)": [_icc(f, k) for f in (_ratio(between, within), low, high)],
        "ICC(1,k)": [_icc_of_mean(f) for f in (_ratio(between, within), low, high)],
    }
    low, high = _ends_by_f(between, error, n - 1, (n - 1) * (k - 1), level)
    consistent = {
        "ICC(3,1)": [_icc(f, k) for f in (_ratio(between, error), low, high)],
        "ICC(3,k)": [_icc_of_mean(f) for f in (_ratio(between, error), low, high)],
    }
    single = (between - error) / (between + (k - 1) * error + k * (judges - error) / n)
    ends = _agreement_ends(squares, float(single), n, k, level)
    agreement = {
        "ICC(2,1)": [single, *ends],
        "ICC(2,k)": [k * r / (1 + (k - 1) * r) for r in (single, *ends)],
    }
    found = absolute | consistent | agreement
    order = [f"ICC({form},{size})" for size in ("1", "k") for form in (1, 2, 3)]
    return [
        dict(zip(("term", "estimate", "low", "high"), (t, *found[t]), strict=True)) for t in order
    ]


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else np.inf


def _icc(f: float, k: int) -> float:
    return (f - 1) / (f + k - 1) if np.isfinite(f) else 1.0


def _icc_of_mean(f: float) -> float:
    return 1 - 1 / f if f > 0 else -np.inf


def _ends_by_f(
    above: float, below: float, df_above: float, df_below: float, level: float
) -> tuple[float, float]:
    """Ends of the interval of a ratio of expected mean squares."""
    from scipy.special import fdtri

    f, tail = _ratio(above, below), (1 + level) / 2
    return f / fdtri(df_above, df_below, tail), f * fdtri(df_below, df_above, tail)


def _agreement_ends(
    squares: np.ndarray, single: float, n: int, k: int, level: float
) -> tuple[float, float]:
    """Interval of ICC(2,1), McGraw and Wong (1996), table 7."""
    from scipy.special import fdtri

    between, judges, error, _within = squares
    if error <= 0 and judges <= 0:
        return 1.0, 1.0
    tail = (1 + level) / 2
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    spread = (a * judges) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    v = (a * judges + b * error) ** 2 / spread
    mixed = k * judges + (k * n - k - n) * error
    upper, lower = fdtri(n - 1, v, tail), fdtri(v, n - 1, tail)
    low = n * (between - upper * error) / (upper * mixed + n * between)
    high = n * (lower * between - error) / (mixed + n * lower * between)
    return float(low), float(high)
