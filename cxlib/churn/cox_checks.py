"""How well a Cox model fits and ranks, and hazards of one reason for leaving among several.

churn.concordance(lifetimes, "risk")                  # does a score rank customers?
churn.cox_fit(lifetimes, ["plan", "region"])          # likelihood ratio test, AIC, concordance
churn.subdistribution_ratios(lifetimes, "price", ["plan"])      # Fine and Gray
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.churn.features import Feature, columns_of
from cxlib.churn.hazards import (
    TIMES,
    aside_notes,
    coefficient_covariance,
    feature_moves,
    fitted_cox,
    ratio_table,
    with_leavers,
)
from cxlib.churn.leakage import eligible_features
from cxlib.churn.survival import lifetimes_of
from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import fine_gray, intervals, survival_measures


def concordance(sample: SampleLike, score: str) -> Result:
    """Share of pairs of customers of whom the one with the higher score left first (Harrell's C).

    Parameters
    ----------
    sample : lifetimes, as in `survival`, with weights and clusters
    score : column of numbers; the higher, the sooner a customer should leave. One that was learnt
        from the same customers ranks them better than others

    Returns
    -------
    Result with a table of term, estimate (0.5 is chance, 1 perfect order), low, high, n

    Raises
    ------
    ValueError : missing columns
    InsufficientData : fewer than two customers left, or no two can be compared

    References
    ----------
    Harrell, Lee and Mark (1996), Statistics in Medicine 15.

    Examples
    --------
    >>> rows = pd.DataFrame({"time": [1.0, 2, 3], "left": [True, True, True], "risk": [3, 1, 2]})
    >>> concordance(rows, "risk").table["estimate"].round(3).tolist()
    [0.667]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [score], "lifetimes")
    rows = lifetimes_of(sample, None).dropna(subset=[score])
    table = pd.DataFrame([_concordance(rows[score].to_numpy(float), rows, sample)])
    row = table.iloc[0]
    facts = {
        "score": score,
        "share": row.estimate,
        "span": (row.low, row.high),
        "n": row.n,
    }
    finding = Finding.of_row(
        row,
        _(
            "{score:opening} is higher for the customer who left first in {share:share} of pairs; "
            "by chance it is in 50%.",
            **facts,
        ),
        _("concordance, 95% CI {span:share_interval0}; n = {n:count}", **facts),
        unit="share",
        measure="concordance",
        at={"score": score},
    )
    return Result(table, finding, "", "share")


def _concordance(risk: np.ndarray, rows: pd.DataFrame, sample: Sample) -> dict[str, Any]:
    """A row of a table: the share, its interval on the scale of log-odds, and the customers."""
    entry, time, left, w = rows[["entry", "time", "left", "w"]].to_numpy(float).T
    who = None if sample.cluster is None else pd.factorize(rows[sample.cluster])[0]
    try:
        share, error = survival_measures.concordance(risk, entry, time, left, w, who)
    except ArithmeticError as problem:
        raise InsufficientData(
            _("Nobody left while another customer was under observation.")
        ) from problem
    if 0 < share < 1 and error > 0:
        n = w.sum() ** 2 / (w**2).sum() if who is None else who.max() + 1
        reach = survival_measures.student_reach(n) * error / (share * (1 - share))
        odds = share / (1 - share) * np.exp([-reach, reach])
        low, high = odds / (1 + odds)
    else:  # every pair in order: as for a share of as many as left
        low, high = intervals.wilson_interval(np.array(share), np.array(left.sum()))
    ends = {"low": float(low), "high": float(high)}
    return {"term": _("concordance"), "estimate": share, **ends, "n": len(rows)}


def cox_fit(sample: SampleLike, features: list[str] | None = None) -> Result:
    """How well the Cox model of `hazard_ratios` fits: tests of all features, AIC, concordance.

    Parameters
    ----------
    sample : lifetimes, as in `hazard_ratios`; with a weight there is no likelihood ratio and no
        AIC, and the Wald test is robust
    features : columns, as in `hazard_ratios`

    Returns
    -------
    Result with a table of term, estimate, low, high (of the concordance), n, df, p: the likelihood
    ratio test, the Wald test, AIC and the concordance in the same customers, which is higher than
    among others, the more so the fewer left per coefficient

    Raises
    ------
    ValueError : unknown features
    InsufficientData : the model cannot be fitted

    References
    ----------
    Cox (1972); Akaike (1974); Harrell, Lee and Mark (1996).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age = rng.normal(size=80)
    >>> rows = pd.DataFrame({"time": rng.exponential(np.exp(-age)), "left": True, "age": age})
    >>> cox_fit(rows, ["age"]).table["df"].iloc[0].item()
    1.0
    """
    from scipy.stats import chi2

    sample = as_sample(sample)
    rows, aside, features = _rows(sample, features)
    learnt, fit, odd = fitted_cox(rows, features, aside)
    x, p = columns_of(learnt, rows), len(fit.coefficients)
    covariance = coefficient_covariance(fit, rows, sample)
    wald = float(fit.coefficients @ np.linalg.solve(covariance, fit.coefficients))
    ratio = 2 * (fit.loglik - fit.loglik_null)
    tested = [(_("likelihood ratio test"), ratio)] if sample.weight is None else []
    tested.append((_("Wald test"), wald))
    lines: list[dict[str, Any]] = [
        {"term": term, "estimate": value, "n": len(rows), "df": p, "p": chi2.sf(value, p)}
        for term, value in tested
    ]
    if sample.weight is None:
        lines.append({"term": "AIC", "estimate": 2 * p - 2 * fit.loglik, "n": len(rows)})
    own = _concordance(x @ fit.coefficients, rows, sample)
    table = pd.DataFrame([*lines, own])[["term", "estimate", "low", "high", "n", "df", "p"]]
    test = table.iloc[0]
    facts = {
        "test": test.term,
        "chi2": test.estimate,
        "df": p,
        "p": test.p,
        "share": own["estimate"],
        "span": (own["low"], own["high"]),
        "n": len(rows),
    }
    finding = Finding.of_row(
        pd.Series(own),
        _(
            "What is known of customers predicts who leaves first in {share:share} of pairs; "
            "chance does in 50%.",
            **facts,
        ),
        _(
            "concordance in the same customers, 95% CI {span:share_interval0}; {test}: "
            "χ² = {chi2:number1}, df = {df}, p = {p:p}; n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="concordance",
        importance=Importance.METHOD,
    )
    return Result(table, finding, i18n.together(aside_notes(aside, odd)), "number")


def _rows(sample: Sample, features: list[str] | None) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The customers of `hazard_ratios`, the levels set aside, and the features."""
    if features is None:
        features = eligible_features(sample.data, [*TIMES, sample.weight], sample["time"])
    require_columns(sample.data, features, "lifetimes")
    rows, aside = with_leavers(lifetimes_of(sample, None), features)
    return rows, aside, features


def subdistribution_ratios(
    sample: SampleLike,
    because: str,
    features: list[str] | None = None,
    *,
    reason: str = "left_because",
) -> Result:
    """Subdistribution hazard ratios (Fine and Gray): features associated with one reason.

    Above 1, more customers leave for that reason in the end, whatever the feature does to other
    reasons; `hazard_ratios` instead says how the risk of those still there differs.

    Parameters
    ----------
    sample : lifetimes, as in `survival`, all under observation from the day they joined
    because : the reason, a value of `reason`
    features : columns, as in `hazard_ratios`
    reason : column of the reasons for leaving

    Returns
    -------
    Result with a table of term, estimate (ratio), low, high, n, feature, simultaneous_low,
    simultaneous_high; standard errors are robust and take the censoring weights as known

    Raises
    ------
    ValueError : unknown columns, or customers who came under observation late
    InsufficientData : nobody left for the reason, or the model cannot be fitted

    References
    ----------
    Fine and Gray (1999), Journal of the American Statistical Association 94.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> plan = np.repeat(["a", "b"], 100)
    >>> rows = pd.DataFrame({"time": rng.exponential(100, 200), "left": True, "plan": plan})
    >>> rows["left_because"] = np.where(rng.random(200) < 0.5, "price", "moved")
    >>> subdistribution_ratios(rows, "price", ["plan"]).table["feature"].tolist()
    ['plan']
    """
    sample = as_sample(sample)
    require_columns(sample.data, [reason], "lifetimes")
    if features is None:
        taken = [*TIMES, sample.weight, reason]
        features = eligible_features(sample.data, taken, sample["time"])
    require_columns(sample.data, features, "lifetimes")
    rows = lifetimes_of(sample, reason)
    if late := int((rows["entry"] > 0).sum()):
        raise ValueError(
            f"{late:,} customers came under observation after they joined, which Fine and Gray's "
            "weights do not allow for. Leave them out (entry of 0), or use hazard_ratios."
        )
    this = (rows["left"] > 0) & (rows[reason] == because)
    if not this.any():
        raise InsufficientData(_("Nobody left because of {reason:quoted}.", reason=because))
    cause = np.where(this, 1, np.where(rows["left"] > 0, 2, 0))
    rows, aside = with_leavers(rows.assign(left=this.astype(float), cause=cause), features)
    learnt, _fit, odd = fitted_cox(rows, features, aside)
    table = _ratios(rows, learnt, sample.seed)
    return Result(
        table, _ratio_finding(table, because), i18n.together(aside_notes(aside, odd)), "ratio"
    )


def _ratios(rows: pd.DataFrame, learnt: list[Feature], seed: int) -> pd.DataFrame:
    """A row a feature, the surest first."""
    x = columns_of(learnt, rows)
    time, w = rows[["time", "w"]].to_numpy(float).T
    try:
        fit, covariance = fine_gray.fine_gray(x, time, rows["cause"].to_numpy(int), w)
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise InsufficientData(
            _("Too few customers left for this reason to compare their features.")
        ) from error
    terms, names, moves = feature_moves(learnt, x.shape[1])
    value, covariance = moves @ fit.coefficients, moves @ covariance @ moves.T
    return ratio_table(terms, names, value, covariance, len(rows), seed)


def _ratio_finding(table: pd.DataFrame, because: str) -> Finding:
    top = table.iloc[0]
    facts: dict[str, Any] = {
        "term": top.term,
        "reason": because,
        "ratio": top.estimate,
        "span": (top.low, top.high),
        "n": top.n,
    }
    low, high = deciding_ends(top)
    if low <= 1 <= high:
        return Finding(
            _(
                "No feature is significantly associated with leaving because of {reason:quoted}.",
                **facts,
            )
        )
    return Finding.of_row(
        top,
        _(
            "{term:verbatim} has the strongest association with leaving because of "
            "{reason:quoted}.",
            **facts,
        ),
        _(
            "subdistribution hazard ratio {ratio:number2}, 95% CI {span:interval2}; n = {n:count}",
            **facts,
        ),
        unit="ratio",
        measure="subdistribution_ratio",
        at={"term": str(top.term), "reason": str(because)},
    )
