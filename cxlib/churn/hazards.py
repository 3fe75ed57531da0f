"""Hazard ratios: who leaves sooner, others equal, and whether that holds over time (Cox model)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.churn.features import Feature, columns_of, contrasts, learn, places
from cxlib.churn.leakage import eligible_features
from cxlib.churn.survival import lifetimes_of
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import intervals, pvalues
from cxlib.stats import survival as durations
from cxlib.stats.intervals import LEVEL

TIMES = ("time", "entry", "left")


def hazard_ratios(sample: SampleLike, features: list[str] | None = None) -> Result:
    """How many times the risk of leaving is with each feature, at any time, others equal.

    Parameters
    ----------
    sample : lifetimes, as in `survival`; with a weight, standard errors are robust
    features : columns; by default all but keys, dates, free text and time itself. A number goes
        from its lower to its upper quartile

    Returns
    -------
    Result with a table of term, estimate (hazard ratio), low, high (simultaneous), n, feature, chi2
    and p (test of proportional hazards, adjusted by Holm)

    Raises
    ------
    ValueError : unknown features
    InsufficientData : the model cannot be fitted

    References
    ----------
    Cox (1972); Grambsch and Therneau (1994); Holm (1979).

    Examples
    --------
    >>> hazard_ratios(lifetimes, ["plan", "region"]).table             # doctest: +SKIP
    """
    sample = as_sample(sample)
    if features is None:
        taken = [*TIMES, sample.weight]
        features = eligible_features(sample.data, taken, sample["time"])
    require_columns(sample.data, features, "lifetimes")
    rows = lifetimes_of(sample, None)
    learnt = [f for f in learn(rows, features, curved=False) if f.kept]
    x = columns_of(learnt, rows)
    try:
        fit = durations.cox(x, *rows[["entry", "time", "left", "w"]].to_numpy(float).T)
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise InsufficientData(
            _(
                "Who leaves sooner cannot be told from {features:label_list}: one of them tells "
                "exactly who leaves when, or repeats another, or too few left.",
                features=features,
            )
        ) from error
    terms, names, moves = _moves(learnt, x.shape[1])
    covariance = moves @ (fit.covariance if sample.weight is None else fit.robust) @ moves.T
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    reach = intervals.normal_critical_value(correlation, LEVEL, sample.seed) * spread
    value = moves @ fit.coefficients
    chi2, p = durations.proportional(fit, moves)
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": np.exp(value),
            "low": np.exp(value - reach),
            "high": np.exp(value + reach),
            "n": len(rows),
            "feature": names,
            "chi2": chi2,
            "p": pvalues.adjusted(p),
        }
    )
    order = np.argsort(-(np.abs(value) - reach), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    return Result(table, _finding(table), _proportionality_note(table), "ratio")


def _moves(learnt: list[Feature], columns: int) -> tuple[list[str], list[str], np.ndarray]:
    where, terms, names, moves = places(learnt), [], [], []
    for feature in learnt:
        for start, end, ends in contrasts(feature):
            move = np.zeros(columns)
            move[where[feature.name]] = ends[1] - ends[0]
            moves.append(move)
            names.append(feature.name)
            terms.append(
                _("{feature:label}: {start} → {end}", feature=feature.name, start=start, end=end)
            )
    return terms, names, np.array(moves)


def _finding(table: pd.DataFrame) -> Finding:
    top = table.iloc[0]
    if top.low <= 1 <= top.high:
        return Finding(_("No feature is significantly associated with when customers leave."))
    claim = _(
        "Most associated with when customers leave: {term}, {ratio:number2} times the risk at any "
        "time ({span:interval2}); n {n:count}.",
        term=top.term,
        ratio=top.estimate,
        span=(top.low, top.high),
        n=top.n,
    )
    return Finding(claim, value=float(top.estimate), unit="ratio")


def _proportionality_note(table: pd.DataFrame) -> str:
    drifting = table[table["p"] < 1 - LEVEL]
    if drifting.empty:
        return _("No ratio is seen to change with time (Grambsch and Therneau, after Holm).")
    return _(
        "Ratios that change with time, so that one number is an average of them: {terms:list}.",
        terms=dict.fromkeys(i18n.label(f) for f in drifting["feature"]),
    )
