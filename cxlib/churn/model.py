"""The churn model: a transparent logistic regression and how well it predicts, out of fold.

    fit = churn.fit(sample, outcome="left")
    fit.table             # AUC, log-loss, Brier score, calibration slope and intercept
    fit.calibration       # ten bins of predicted probability: who left
    fit.risk              # high, medium and low risk: who left, and what was predicted
    fit.effects           # association with leaving, in points of probability and in odds
    fit.groups            # the same measures in each region, also with simultaneous intervals
    fit.reasons           # the commonest reasons of customers at high risk

Every measure comes from models that had not seen the customer in question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import validation as measures
from cxlib.churn.effects import commonest_reasons, feature_effects
from cxlib.churn.features import (
    Feature,
    columns_of,
    contrast_term,
    contrasts,
    learn,
    numbers_of,
    places,
    plain,
    stiffness_of,
    text_of,
    wording,
)
from cxlib.churn.leakage import TrainingData, training_data
from cxlib.churn.scoring import contributions, reasons_of
from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import regression

HIGH_ODDS, MEDIUM_ODDS = 3.0, 1.0  # times the average odds of leaving
WEAK = 0.7  # an AUC below this is called weak (Hosmer and Lemeshow)
TOO_GOOD = 0.95  # an AUC above this is rare where nothing leaks
REPEATS_OTHERS = 0.9  # R² of a number on all other features from which we say so


@dataclass(frozen=True)
class Validation:
    """How a churn model is validated.

    Attributes
    ----------
    folds, repeats : of the cross-validation: 2 or more, 1 or more
    leak_limit : a column that alone reaches this AUC out of fold is refused as known too late
    """

    folds: int = 5
    repeats: int = 2
    leak_limit: float = 0.95

    def __post_init__(self) -> None:
        if self.folds < 2 or self.repeats < 1:
            raise ValueError(
                f"folds is {self.folds}, repeats {self.repeats}; take 2 or more and 1 or more."
            )


def fit(
    sample: SampleLike,
    *,
    outcome: str = "left",
    features: list[str] | None = None,
    by: str | None = None,
    thresholds: tuple[float, float] | None = None,
    validation: Validation | None = None,
) -> Result:
    """Learn who leaves from one row a customer, and validate the prediction out of fold.

    Parameters
    ----------
    sample : one row a customer, weighted or not
    outcome : column that is true (or 1) for customers who left; rows without it are left out
    features : columns known before customers left; by default all but keys, dates and free text
    by : column of groups in which the model is validated too
    thresholds : probabilities from which risk is high, and medium; by default those of three times
        and once the average odds of leaving
    validation : folds, repeats and the limit for leakage

    Returns
    -------
    Result with tables "table" (AUC, log-loss, Brier score, calibration slope: 1 is right, and
    intercept: 0 is right, averaged over the repeats; intervals over customers, the models held),
    "calibration" (term, estimate: share who left, low, high, n, predicted), "risk" (term,
    estimate, low, high, n, predicted, leavers, least), "effects" (term, estimate, low, high, n,
    feature, odds, odds_low, odds_high), "groups" (group, term, estimate, low, high, n, leavers;
    empty without `by`); "calibration", "risk", "effects" and "groups" have simultaneous_low and
    simultaneous_high too; and `reasons` (a Result), `thresholds`, `features`, `coefficients`
    (intercept first), `penalty`, `out_of_fold` (probability by row label), `data`, `validation`

    Raises
    ------
    ValueError : missing columns, an outcome that is not true or false, several rows of a customer,
        leakage
    InsufficientData : hardly anybody left or stayed

    References
    ----------
    Splines: Eilers and Marx (1996). AUC: DeLong, DeLong and Clarke-Pearson (1988). Calibration:
    Cox (1958).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"tenure": rng.integers(0, 40, 400)})
    >>> rows["left"] = rng.random(400) < 1 / (2 + rows["tenure"] / 4)
    >>> fit(rows).table["term"].tolist()[:2]
    ['AUC', 'log-loss']
    """
    _check_thresholds(thresholds)
    validation = validation or Validation()
    data = training_data(as_sample(sample), outcome, features, validation.leak_limit)
    left, w, how = data.left, data.weight, data.how
    learnt = [f for f in learn(data.rows, data.features) if f.kept]
    # Knots and scales look at no outcome, so they may be shared by the folds.
    a = np.column_stack([np.ones(len(left)), columns_of(learnt, data.rows)])
    stiffness, seed = stiffness_of(learnt), data.sample.seed
    with threadpool_limits(1):  # small products: threads would only wait for each other
        eta = measures.out_of_fold(
            a, left, w, stiffness, folds=validation.folds, repeats=validation.repeats, seed=seed
        )
        model = regression.ridge(a, left, w, stiffness)
        effects = feature_effects(learnt, a, left, w, model, **how)
    p = regression.expit(eta).mean(0)
    thresholds = thresholds or _default_thresholds(data)
    table = measures.quality(eta, left, w, **how)
    risk = measures.risks(p, left, w, thresholds)
    tables = {
        "table": table,
        "calibration": measures.calibration(p, left, w),
        "risk": risk,
        "effects": effects,
        "groups": measures.in_groups(eta, left, w, _group(data, by), **how),
    }
    return Result(
        tables,
        _finding(table, risk, thresholds, effects),
        _notes(data, learnt, a, table),
        draws=data.sample.draws,
        seed=seed,
        parts={
            "reasons": _reasons(data, learnt, model, effects, p, thresholds),
            "thresholds": thresholds,
            "features": learnt,
            "coefficients": model.coefficients,
            "penalty": model.penalty,
            "out_of_fold": pd.Series(p, data.rows.index),
            "data": data,
            "validation": validation,
        },
    )


def associations(fit: Result) -> Result:
    """The table `fit.effects`, with a finding on the largest significant association.

    The simultaneous intervals decide what is significant.

    Parameters
    ----------
    fit : of `churn.fit`

    Returns
    -------
    Result with the table of effects: term, estimate (difference of probability), low, high, n,
    feature, odds, odds_low, odds_high
    """
    low, high = deciding_ends(fit.effects)
    clear = fit.effects[(low > 0) | (high < 0)]
    if clear.empty:
        finding = Finding(_("No feature is significantly associated with leaving."))
    else:
        finding = _association(clear.iloc[0], fit.features)
    return Result(fit.effects, finding, fit.notes, "share", draws=fit.draws, seed=fit.seed)


def _association(top: pd.Series, features: list[Feature]) -> Finding:
    feature = next(f for f in features if f.name == top.feature)
    # The terms of the effects are in the order of the feature's contrasts.
    start, end = next(
        (start, end)
        for start, end, _ends in contrasts(feature)
        if contrast_term(feature.name, start, end) == top.term
    )
    facts = {
        "feature": top.feature,
        "start": start,
        "end": end,
        "points": abs(top.estimate),
        "span": (100 * top.low, 100 * top.high),
        "n": top.n,
    }
    if top.estimate < 0:
        claim = _(
            "Customers whose {feature:inner} is {end:verbatim} are {points:points1} percentage "
            "points less likely to leave than those for whom it is {start:verbatim}.",
            **facts,
        )
    else:
        claim = _(
            "Customers whose {feature:inner} is {end:verbatim} are {points:points1} percentage "
            "points more likely to leave than those for whom it is {start:verbatim}.",
            **facts,
        )
    return Finding.of_row(
        top,
        claim,
        _(
            "the association whose interval lies furthest from 0, other features equal; 95% "
            "CI {span:interval1} percentage points; n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="leaving_effect",
        at={"term": top.term},
        importance=Importance.NOTABLE,
    )


def validation_by_group(fit: Result) -> Result:
    """The table `fit.groups`, with a finding on the group in which the model predicts worst.

    Parameters
    ----------
    fit : of `churn.fit` with groups (`by`)

    Returns
    -------
    Result with a table of group, term (a measure), estimate, low, high, n, leavers,
    simultaneous_low, simultaneous_high
    """
    return measures.weakest(fit.groups, fit.table)


def _group(data: TrainingData, by: str | None) -> pd.Series | None:
    if by is None:
        return None
    require_columns(data.rows, [by], "customers (churn.exclude may leave columns out)")
    return data.rows[by]


def _check_thresholds(thresholds: tuple[float, float] | None) -> None:
    if thresholds and not 0 < thresholds[1] <= thresholds[0] < 1:
        raise ValueError(
            f"thresholds are {thresholds}; give two probabilities, that of high risk first, "
            "e.g. (0.5, 0.2)."
        )


def _default_thresholds(data: TrainingData) -> tuple[float, float]:
    share = np.average(data.left, weights=data.weight)
    odds = share / (1 - share)
    high, medium = (round(float(k * odds / (1 + k * odds)), 3) for k in (HIGH_ODDS, MEDIUM_ODDS))
    return high, medium


def _finding(
    table: pd.DataFrame,
    risk: pd.DataFrame,
    thresholds: tuple[float, float],
    effects: pd.DataFrame,
) -> Finding:
    """How well the model predicts, and how many it flags."""
    auc, high = table.iloc[0], risk.iloc[0]
    facts = {
        "high": disclosure.count_in_words(int(high.n)),
        "n": risk["n"].sum(),
        "least": thresholds[0],
        "auc": auc.estimate,
        "span": (auc.low, auc.high),
    }
    unproven = auc.low <= 0.5
    if unproven:
        claim = _(
            "The churn model is not shown to rank customers better than chance: do not choose "
            "single customers by it."
        )
    elif not high.n:
        claim = _("The churn model flags no past customer as being at high risk of leaving.")
    elif auc.estimate < WEAK:
        claim = _(
            "The churn model predicts leaving weakly: of {n:count} customers it had not learnt "
            "from, it flags {high} as being at high risk.",
            **facts,
        )
    else:
        claim = _(
            "The churn model predicts leaving well: of {n:count} customers it had not learnt from, "
            "it flags {high} as being at high risk.",
            **facts,
        )
    return Finding.of_row(
        auc,
        claim,
        _(
            "AUC {auc:number2} (95% CI {span:interval2}); risk cut-off {least:share}; "
            "n = {n:count}",
            **facts,
        ),
        measure="churn_auc",
        importance=Importance.NEWS if unproven else Importance.ANSWER,
        action=_unproven_step(effects)
        if unproven
        else _(
            "Contact the listed customers, but for a random control group that shows the effect."
        ),
    )


def _unproven_step(effects: pd.DataFrame) -> str:
    """What to do without a ranking: differences between groups may be significant nonetheless."""
    search = _("Look for features that differ between leavers and stayers before they leave.")
    low, high = deciding_ends(effects)
    if not ((low > 0) | (high < 0)).any():
        return search
    groups = _(
        "Significant differences between groups still hold: act on those groups, not on single "
        "customers."
    )
    return i18n.together([groups, search])


def _reasons(
    data: TrainingData,
    learnt: list[Feature],
    model: regression.Ridge,
    effects: pd.DataFrame,
    p: np.ndarray,
    thresholds: tuple[float, float],
) -> Result:
    parts = contributions(data.rows, learnt, model.coefficients)
    top_features, counted = reasons_of(parts, learnt, effects)
    reasons = np.zeros(parts.shape, bool)
    np.put_along_axis(reasons, top_features, counted, axis=1)
    at_risk = p >= thresholds[0]
    if not at_risk.any():  # nobody is at high risk: the tenth at the highest
        at_risk = p >= np.quantile(p, 0.9)
    table = commonest_reasons(learnt, data.rows, reasons, at_risk, data.weight)
    n = at_risk.sum()
    if table.empty:
        finding = Finding(
            _("No feature distinguishes the {n:count} customers at the highest risk.", n=n)
        )
    else:
        top = table.iloc[0]
        facts = {
            "n": n,
            "feature": top.term,
            "share": top.estimate,
            "span": (top.low, top.high),
            "digits": int(0.99 < top.estimate < 1),  # nearly all is not all
        }
        finding = Finding.of_row(
            top,
            _(
                "The most common reason for a high risk of leaving is {feature:verbatim}: it "
                "applies to {share:share{digits}} of those most at risk.",
                **facts,
            ),
            _("95% CI {span:share_interval{digits}}; n = {n:count}", **facts),
            unit="share",
        )
    note = _("A reason is one of at most three features that raise a customer's odds most.")
    return Result(table, finding, note, "share")


def _notes(data: TrainingData, learnt: list[Feature], a: np.ndarray, table: pd.DataFrame) -> str:
    notes = [
        _(
            "{known:count} of {n:count} customers have a known outcome; {left:count} of them left "
            "({share:share1}).",
            known=len(data.left),
            n=data.offered,
            left=data.left.sum(),
            share=np.average(data.left, weights=data.weight),
        ),
        *data.notes,
        *_gaps(data, learnt),
        *_repeated(data, learnt, a),
        *_lopsided(data, learnt),
    ]
    if table["low"].iloc[0] <= 0.5:
        notes.append(
            _(
                "The model is not shown to predict better than chance: the AUC's interval reaches "
                "0.5."
            )
        )
    if table["estimate"].iloc[0] > TOO_GOOD:
        notes.append(_("So high an AUC is rare: look for a column written after customers left."))
    return i18n.together(notes)


def _gaps(data: TrainingData, learnt: list[Feature]) -> list[str]:
    return [
        ngettext(
            "{feature:label} is missing for {n:count} customer: replaced by the middle value "
            "({middle}), and flagged as missing.",
            "{feature:label} is missing for {n:count} customers: replaced by the middle value "
            "({middle}), and flagged as missing.",
            np.isnan(numbers_of(data.rows[f.name])).sum(),
            feature=f.name,
            middle=plain(f.middle),
        )
        for f in learnt
        if f.gaps
    ]


def _lopsided(data: TrainingData, learnt: list[Feature]) -> list[str]:
    found = []
    for feature in (f for f in learnt if f.kind != "number"):
        left = pd.Series(data.left).groupby(text_of(data.rows[feature.name])).mean()
        levels = left.index[left.isin([0, 1]) & left.index.isin(feature.levels)]
        found += [
            _("{feature:label}: {value}", feature=feature.name, value=wording(feature, v))
            for v in levels
        ]
    if not found:
        return []
    return [
        _("Nobody or everybody left, so no difference is estimated: {levels:list}.", levels=found)
    ]


def _repeated(data: TrainingData, learnt: list[Feature], a: np.ndarray) -> list[str]:
    """Say which features repeat others, wholly or nearly: their effects cannot be separated."""
    kept = {f.name for f in learnt}
    repeated = [i18n.label(name) for name in data.features if name not in kept]
    notes = []
    if repeated:
        notes.append(_("Left out, as they repeat other columns: {columns:list}.", columns=repeated))
    near = [i18n.label(f.name) for f in learnt if _is_near_copy(f, data, learnt, a)]
    if near:
        notes.append(
            _(
                "{columns:list} can nearly be worked out from the other columns: read their "
                "effects together.",
                columns=near,
            )
        )
    return notes


def _is_near_copy(
    feature: Feature, data: TrainingData, learnt: list[Feature], a: np.ndarray
) -> bool:
    """Whether a number can be worked out from the columns of all other features."""
    if feature.kind != "number":
        return False
    at = places(learnt)[feature.name]
    others = np.delete(a, np.arange(at.start + 1, at.stop + 1), axis=1)
    x = numbers_of(data.rows[feature.name])
    x = np.where(np.isnan(x), feature.middle, x)
    slopes = np.linalg.lstsq(others.T @ others, others.T @ x, rcond=None)[0]
    return 1 - (x - others @ slopes).var() / x.var() > REPEATS_OTHERS
