"""Early warning: who is likely to leave, how far the warning can be trusted, and why.

    fit = churn.fit(customers, outcome="left")
    print(fit)            # 1,204 of 7,043 customers are at high risk of leaving ... (AUC 0.85 ...).
    fit.table             # AUC, log-loss, Brier score, calibration slope and intercept
    fit.calibration       # ten bins of predicted probability: who left
    fit.risk              # high, medium and low risk: who left, beside what was predicted
    fit.effects           # what goes with leaving, in points of probability and in odds
    fit.groups            # the same measures in each region, held together
    fit.why               # the commonest reasons of those at high risk
    churn.score(customers, fit)     # the rows with probability, risk and reasons
    churn.boosting(customers, fit)  # would a model nobody can read tell it better?
    churn.over_time(snapshots)      # does what was learnt then hold later?
    churn.attempt(churn.fit, customers)     # None, and why on the page, where too few left

Also here: `survival`, `incidence`, `hazards` (how long customers stay), `lead_time`, `profit`,
`to_contact` (what a warning is worth, and whom to contact), `uplift`, `by_lot` (whom a trial shows
to be kept by it) and `reasons_for_leaving`.

The model is transparent: a logistic regression of smooth curves (numbers) and levels (categories)
that add up, with a ridge penalty chosen by leave-one-out log-loss. Each measure of it comes from
customers that the model in question had not seen. It tells who will leave, not who would stay if
asked: that needs a trial (notebook 40), and associations here are not causes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import evidence
from cxlib.churn.admission import Given, admit
from cxlib.churn.challenge import boosting
from cxlib.churn.contacts import to_contact
from cxlib.churn.drift import over_time
from cxlib.churn.features import (
    Feature,
    columns_of,
    learn,
    numbers_of,
    places,
    plain,
    stiffness_of,
    text_of,
    wording,
)
from cxlib.churn.leaving import PUBLISHED, reasons_for_leaving
from cxlib.churn.money import expected_profit, lead_time, profit
from cxlib.churn.pilots import by_lot, uplift
from cxlib.churn.scoring import contributions, reasons_of, score
from cxlib.churn.staying import hazards, incidence, survival
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.enough import Unfit, attempt
from cxlib.estimates import Estimates
from cxlib.stats import regression

__all__ = [
    "PUBLISHED", "Fit", "Unfit", "attempt", "boosting", "by_lot", "expected_profit", "fit",
    "hazards", "incidence", "lead_time", "over_time", "profit", "reasons_for_leaving", "score",
    "survival", "to_contact", "uplift",
]  # fmt: skip

HIGH_ODDS, MEDIUM_ODDS = 3.0, 1.0  # times the average odds of leaving
TOO_GOOD = 0.95  # an AUC above this is rare where nothing leaks
REPEATS_OTHERS = 0.9  # R² of a number on all other features from which we say so


@dataclass(frozen=True)
class Fit(Estimates):
    """A warning that was learnt, what it is worth, and what it needs to score customers.

    Attributes
    ----------
    table : AUC, log-loss, Brier score, calibration slope (1 is right) and intercept (0 is right),
        out of fold, averaged over the repeats; intervals over customers, the models held
    calibration : term, estimate (share who left), low, high, n, predicted; the band is simultaneous
    risk : term (high, medium, low), estimate, low, high, n, predicted, leavers, least
    effects : term, estimate, low, high, n, feature, odds, odds_low, odds_high
    groups : group, term (a measure), estimate, low, high (all at once), n; without rows for `by` ""
    why : how often each feature is among the first three reasons of customers at high risk
    out_of_fold : probability of each customer (by row label) from models that had not seen it
    plan : outcome, weight, folds and repeats, for who tries another model on the same folds
    thresholds : probability from which risk is high, and medium
    features, coefficients, penalty : the model; `coefficients` are (1 + p,), intercept first
    """

    calibration: pd.DataFrame = field(kw_only=True)
    risk: pd.DataFrame = field(kw_only=True)
    effects: pd.DataFrame = field(kw_only=True)
    groups: pd.DataFrame = field(kw_only=True)
    why: Estimates = field(kw_only=True)
    thresholds: tuple[float, float] = field(kw_only=True)
    features: list[Feature] = field(kw_only=True)
    coefficients: np.ndarray = field(kw_only=True)
    penalty: float = field(kw_only=True)
    out_of_fold: pd.Series = field(kw_only=True, repr=False)
    plan: dict = field(kw_only=True)

    @property
    def by_group(self) -> Estimates:
        """`groups` with a sentence about the group in which the warning is weakest."""
        return evidence.weakest(self.groups, self.table)

    @property
    def associations(self) -> Estimates:
        """`effects` with a sentence about the one that is surely largest."""
        clear = self.effects[(self.effects["low"] > 0) | (self.effects["high"] < 0)]
        if clear.empty:
            answer = _("No feature is clearly associated with leaving.")
        else:
            top = clear.iloc[0]
            answer = _(
                "Most associated with leaving: {term}, {points:points1} points "
                "({span:interval1}), others equal; n {n:count}.",
                term=top.term,
                points=top.estimate,
                span=(100 * top.low, 100 * top.high),
                n=top.n,
            )
        return Estimates(self.effects, answer, self.note, "share", draws=self.draws, seed=self.seed)


def fit(
    customers: pd.DataFrame,
    *,
    outcome: str = "left",
    features: list[str] | None = None,
    weight: str | None = None,
    by: str | None = None,
    folds: int = 5,
    repeats: int = 2,
    draws: int = 500,
    seed: int = 1,
    thresholds: tuple[float, float] | None = None,
    leak_limit: float = 0.95,
) -> Fit:
    """Learn who leaves from one row a customer, and measure the warning out of fold.

    Parameters
    ----------
    outcome : column that is true (or 1) for those who left; rows without it are left out
    features : columns known before the leaving; by default all but keys, dates and free text
    weight : column of how many customers a row stands for
    by : column of groups in which the warning is measured too
    folds, repeats : of the cross-validation
    thresholds : probabilities from which risk is high, and medium; by default those of three times
        and once the average odds of leaving
    leak_limit : a column that alone reaches this AUC out of fold is refused as known too late

    Raises ValueError when a column is missing, the outcome is not true or false, a customer has
    several rows, or a column gives the outcome away; Unfit (one too) where hardly anybody left or
    stayed.
    """
    _check_plan(folds, repeats, thresholds)
    given = admit(customers, outcome, features, weight, leak_limit)
    learnt = [f for f in learn(given.rows, given.features) if f.kept]
    # Knots and scales look at no outcome, so they may be shared by the folds.
    a = np.column_stack([np.ones(len(given.left)), columns_of(learnt, given.rows)])
    stiffness = stiffness_of(learnt)
    with threadpool_limits(1):  # small products: threads would only wait for each other
        eta = evidence.out_of_fold(a, given.left, given.weight, stiffness, folds, repeats, seed)
        model = regression.ridge(a, given.left, given.weight, stiffness)
        effects = evidence.effects(learnt, a, given.left, given.weight, model, draws, seed)
    p = regression.expit(eta).mean(0)
    thresholds = thresholds or _thresholds(given)
    table = evidence.quality(eta, given.left, given.weight, draws, seed)
    risk = evidence.risks(p, given.left, given.weight, thresholds)
    return Fit(
        table,
        _answer(table, risk, thresholds),
        _note(customers, given, learnt, a, table),
        draws=draws,
        seed=seed,
        calibration=evidence.calibration(p, given.left, given.weight),
        risk=risk,
        effects=effects,
        groups=evidence.in_groups(eta, given.left, given.weight, _group(given, by), draws, seed),
        why=_why(given, learnt, model, p, thresholds),
        thresholds=thresholds,
        features=learnt,
        coefficients=model.coefficients,
        penalty=model.penalty,
        out_of_fold=pd.Series(p, given.rows.index),
        plan={"outcome": outcome, "weight": weight, "folds": folds, "repeats": repeats},
    )


def _group(given: Given, by: str | None) -> pd.Series | None:
    if by is not None and by not in given.rows:
        raise ValueError(
            f"no column {by!r} in customers to group by; churn.exclude may leave it out. "
            f"They have: {', '.join(map(str, given.rows))}."
        )
    return None if by is None else given.rows[by]


def _check_plan(folds: int, repeats: int, thresholds: tuple[float, float] | None) -> None:
    if folds < 2 or repeats < 1:
        raise ValueError(f"folds is {folds}, repeats {repeats}; take 2 or more and 1 or more.")
    if thresholds and not 0 < thresholds[1] <= thresholds[0] < 1:
        raise ValueError(
            f"thresholds are {thresholds}; give two probabilities, that of high risk first, "
            "e.g. (0.5, 0.2)."
        )


def _thresholds(given: Given) -> tuple[float, float]:
    share = np.average(given.left, weights=given.weight)
    odds = share / (1 - share)
    return tuple(round(float(k * odds / (1 + k * odds)), 3) for k in (HIGH_ODDS, MEDIUM_ODDS))


def _answer(table: pd.DataFrame, risk: pd.DataFrame, thresholds: tuple[float, float]) -> str:
    auc, high = table.iloc[0], risk.iloc[0]
    return _(
        "{high:count} of {n:count} customers are at high risk of leaving, {least:share} or more "
        "(AUC {auc:number2}, {span:interval2}).",
        high=high.n,
        n=risk["n"].sum(),
        least=thresholds[0],
        auc=auc.estimate,
        span=(auc.low, auc.high),
    )


def _why(
    given: Given,
    learnt: list[Feature],
    model: regression.Ridge,
    p: np.ndarray,
    thresholds: tuple[float, float],
) -> Estimates:
    parts = contributions(given.rows, learnt, model.coefficients)
    places_of, telling = reasons_of(parts)
    reasons = np.zeros(parts.shape, bool)
    np.put_along_axis(reasons, places_of, telling, axis=1)
    at_risk = p >= thresholds[0]
    if not at_risk.any():  # nobody is at high risk: the tenth at the highest
        at_risk = p >= np.quantile(p, 0.9)
    table = evidence.commonest_reasons(learnt, reasons, at_risk, given.weight)
    n = at_risk.sum()
    if table.empty:
        answer = _("No feature sets the {n:count} customers at the highest risk apart.", n=n)
    else:
        top = table.iloc[0]
        digits = int(0.99 < top.estimate < 1)  # nearly all is not all
        answer = _(
            "The commonest reason of the {n:count} customers at the highest risk: {feature}, "
            "{share:share{digits}} ({span:share_interval{digits}}) of them.",
            n=n,
            feature=top.term,
            share=top.estimate,
            span=(top.low, top.high),
            digits=digits,
        )
    note = _("A reason is one of at most three features that raise a customer's odds most.")
    return Estimates(table, answer, note, "share")


def _note(
    customers: pd.DataFrame,
    given: Given,
    learnt: list[Feature],
    a: np.ndarray,
    table: pd.DataFrame,
) -> str:
    said = [
        _(
            "{known:count} of {n:count} customers have a known outcome; {left:count} of them left "
            "({share:share1}).",
            known=len(given.left),
            n=len(customers),
            left=given.left.sum(),
            share=np.average(given.left, weights=given.weight),
        ),
        *given.notes,
        *_gaps(given, learnt),
        *_repeated(given, learnt, a),
        *_lopsided(given, learnt),
    ]
    if table["low"].iloc[0] <= 0.5:
        said.append(_("The warning may be no better than chance: its AUC reaches 0.5."))
    if table["estimate"].iloc[0] > TOO_GOOD:
        said.append(_("So high an AUC is rare: look for a column written after customers left."))
    return i18n.together(said)


def _gaps(given: Given, learnt: list[Feature]) -> list[str]:
    return [
        ngettext(
            "{feature:label} is missing for {n:count} customer: the middle value ({middle}) "
            "stands in, and being missing may count.",
            "{feature:label} is missing for {n:count} customers: the middle value ({middle}) "
            "stands in, and being missing may count.",
            np.isnan(numbers_of(given.rows[f.name])).sum(),
            feature=f.name,
            middle=plain(f.middle),
        )
        for f in learnt
        if f.gaps
    ]


def _lopsided(given: Given, learnt: list[Feature]) -> list[str]:
    found = []
    for feature in (f for f in learnt if f.kind != "number"):
        left = pd.Series(given.left).groupby(text_of(given.rows[feature.name])).mean()
        levels = left.index[left.isin([0, 1]) & left.index.isin(feature.levels)]
        found += [
            _("{feature:label}: {value}", feature=feature.name, value=wording(feature, v))
            for v in levels
        ]
    if not found:
        return []
    said = found
    return [
        _("Nobody or everybody left, so no difference can be told: {levels:list}.", levels=said)
    ]


def _repeated(given: Given, learnt: list[Feature], a: np.ndarray) -> list[str]:
    """Say which features repeat others, wholly or nearly: their effects cannot be told apart."""
    kept = {f.name for f in learnt}
    said = [i18n.label(name) for name in given.features if name not in kept]
    notes = []
    if said:
        notes.append(_("Left out, says what other columns say: {columns:list}.", columns=said))
    near = [i18n.label(f.name) for f in learnt if _is_near_copy(f, given, learnt, a)]
    if near:
        notes.append(
            _(
                "{columns:list} can nearly be worked out from the other columns: read their "
                "effects together.",
                columns=near,
            )
        )
    return notes


def _is_near_copy(feature: Feature, given: Given, learnt: list[Feature], a: np.ndarray) -> bool:
    """Whether a number can be worked out from the columns of all other features."""
    if feature.kind != "number":
        return False
    at = places(learnt)[feature.name]
    others = np.delete(a, np.arange(at.start + 1, at.stop + 1), axis=1)
    x = numbers_of(given.rows[feature.name])
    x = np.where(np.isnan(x), feature.middle, x)
    slopes = np.linalg.lstsq(others.T @ others, others.T @ x, rcond=None)[0]
    return 1 - (x - others @ slopes).var() / x.var() > REPEATS_OTHERS
