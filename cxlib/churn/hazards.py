"""Hazard ratios: who leaves sooner, others equal, and whether that holds over time (Cox model)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.churn.features import (
    OTHER,
    Feature,
    columns_of,
    contrast_term,
    contrasts,
    learn,
    places,
    text_of,
    wording,
)
from cxlib.churn.leakage import eligible_features
from cxlib.churn.survival import lifetimes_of
from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, Column, deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import intervals, pvalues
from cxlib.stats import survival as durations
from cxlib.stats.intervals import LEVEL
from cxlib.stats.survey import Linearised

TIMES = ("time", "entry", "left")

# A ratio far from 1 may well be constant in time: the test is not of the ratio.
PROPORTIONAL = Column(
    "p", "p-value of proportional hazards", "p", label=N_("p-value (ratio changes with time)")
)


def hazard_ratios(
    sample: SampleLike, features: list[str] | None = None, *, customer: str | None = None
) -> Result:
    """How many times the risk of leaving is with each feature, at any time, others equal.

    Parameters
    ----------
    sample : lifetimes, as in `survival`; customers of a level that nobody left are set aside, and
        the level is named; with weights, a design or clusters of several customers, standard errors
        are robust (linearised)
    features : columns; by default all but keys, dates, free text and time itself. A number goes
        from its lower to its upper quartile
    customer : column of customers who have several rows, one for each time from `entry` to `time`
        within which their features stay the same, as `episodes` makes them

    Returns
    -------
    Result with a table of term, estimate (hazard ratio), low, high, n, feature, chi2, p (test
    of proportional hazards, adjusted by Holm), simultaneous_low, simultaneous_high

    Raises
    ------
    ValueError : unknown features, or rows of one customer that overlap or follow a leaving
    InsufficientData : the model cannot be fitted

    References
    ----------
    Cox (1972); Andersen and Gill (1982) for features that change; Binder (1992), Biometrika 79, for
    weights and designs; Grambsch and Therneau (1994); Holm (1979).

    Examples
    --------
    >>> hazard_ratios(lifetimes, ["plan", "region"]).table             # doctest: +SKIP
    """
    sample = as_sample(sample)
    if features is None:
        taken = [*TIMES, sample.weight, customer]
        features = eligible_features(sample.data, taken, sample["time"])
    require_columns(sample.data, [*features, *([customer] if customer else [])], "lifetimes")
    rows = lifetimes_of(sample, None)
    if customer is not None:
        _check_episodes(rows, customer)
    rows, aside = with_leavers(rows, features)
    learnt, fit, odd = fitted_cox(rows, features, aside)
    columns = sum(len(f.kept) for f in learnt)
    terms, names, moves = feature_moves(learnt, columns)
    covariance = moves @ coefficient_covariance(fit, rows, sample, customer) @ moves.T
    chi2, p = durations.proportional(fit, moves)
    tested = {"chi2": chi2, "p": pvalues.adjusted(p)}
    value, n = moves @ fit.coefficients, len(rows) if customer is None else rows[customer].nunique()
    table = ratio_table(terms, names, value, covariance, n, sample.seed, **tested)
    notes = [_proportionality_note(table), *aside_notes(aside, odd)]
    return Result(
        table, _finding(table, aside, odd), i18n.together(notes), "ratio", columns=[PROPORTIONAL]
    )


def coefficient_covariance(
    fit: durations.Cox, rows: pd.DataFrame, sample: Sample, customer: str | None = None
) -> np.ndarray:
    """Of a Cox model's coefficients: linearised where `needs_robust` says so, else the model's."""
    if not needs_robust(rows, sample, customer):
        return fit.covariance
    plan = linearised(sample.replace(cluster=sample.cluster or customer), rows)
    return fit.covariance @ plan.covariance(fit.scores / plan.weight[:, None]) @ fit.covariance


def needs_robust(rows: pd.DataFrame, sample: Sample, customer: str | None = None) -> bool:
    """Whether customers count unequally, come from a design, or several belong to one cluster.

    Rows of one customer need no robust error: they are one contribution to the likelihood.
    """
    if sample.weight is not None or sample.design is not None:
        return True
    if sample.cluster is None or sample.cluster == customer:
        return False
    units = rows if customer is None else rows.drop_duplicates([sample.cluster, customer])
    return bool(units[sample.cluster].duplicated().any())


def linearised(sample: Sample, rows: pd.DataFrame) -> Linearised:
    """Variances of sums over the customers in `rows`, of `lifetimes_of`, as they were sampled."""
    if sample.weight is not None and sample.data.index.is_unique:
        rows = rows.assign(**{sample.weight: sample.data[sample.weight]})  # before it was scaled
    return Linearised.of(sample.replace(data=rows, raking=None))


def _check_episodes(rows: pd.DataFrame, customer: str) -> None:
    """Raises ValueError where a customer is at risk twice at one time, or after leaving."""
    rows = rows.sort_values([customer, "entry"], kind="stable")
    follows = rows[customer].eq(rows[customer].shift())
    for wrong, what in (
        (follows & (rows["entry"] < rows["time"].shift() - 1e-9), "overlap in time"),
        (follows & (rows["left"].shift() > 0), "follow one at whose end the customer left"),
    ):
        if wrong.any():
            first = rows.loc[wrong, customer].iloc[0]
            raise ValueError(
                f"{int(wrong.sum()):,} rows of a {customer} {what} (the first: {first!r}). Give "
                "each customer rows from `entry` to `time` that follow one another, `left` true "
                "in the last only; `churn.episodes` makes them."
            )


def ratio_table(
    terms: list[str],
    names: list[str],
    value: np.ndarray,
    covariance: np.ndarray,
    n: int,
    seed: int,
    **more: np.ndarray,
) -> pd.DataFrame:
    """Ratios with pointwise and simultaneous intervals, the one furthest from 1 for certain first.

    Parameters
    ----------
    terms, names : of the ratios, and their features
    value, covariance : of the logarithms, (terms,) and (terms, terms)
    n : customers
    seed : of the draws of the simultaneous interval
    more : further columns, (terms,)
    """
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    reach = intervals.normal_critical_value(correlation, LEVEL, seed) * spread
    own = intervals.normal_quantile(LEVEL) * spread
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": np.exp(value),
            "low": np.exp(value - own),
            "high": np.exp(value + own),
            "n": n,
            "feature": names,
            **more,
            SIMULTANEOUS[0]: np.exp(value - reach),
            SIMULTANEOUS[1]: np.exp(value + reach),
        }
    )
    order = np.argsort(-(np.abs(value) - reach), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def with_leavers(rows: pd.DataFrame, features: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The customers without the levels that nobody left, and the names of those levels.

    Where nobody of a level left, its hazard ratio is 0 or infinite and nothing can be estimated.
    Without its customers the other ratios are those that the likelihood tends to.
    """
    aside: list[str] = []
    while True:
        stayed = np.zeros(len(rows), bool)
        for feature in learn(rows, features, curved=False):
            if feature.kind == "number" or not feature.kept:
                continue
            texts = text_of(rows[feature.name])
            texts = np.where(np.isin(texts, feature.levels), texts, OTHER)
            for level in feature.levels:
                there = texts == level
                if there.any() and not rows.loc[there, "left"].any():
                    stayed |= there
                    aside.append(f"{i18n.label(feature.name)}: {wording(feature, level)}")
        if not stayed.any():
            return rows, list(dict.fromkeys(aside))
        rows = rows[~stayed]


def fitted_cox(
    rows: pd.DataFrame, features: list[str], aside: list[str]
) -> tuple[list[Feature], durations.Cox, list[str]]:
    """The features that count, the model, and the features that tell the order of leaving."""
    learnt = [f for f in learn(rows, features, curved=False) if f.kept]
    try:
        return learnt, _cox(learnt, rows), []
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        odd = [f.name for f in learnt if not _settles(f, rows)]
        rest = [name for name in features if name not in odd]
        if odd and rest:
            learnt, fit, more = fitted_cox(rows, rest, aside)
            return learnt, fit, odd + more
        raise InsufficientData(
            i18n.together(
                [
                    _(
                        "Hazard ratios cannot be estimated for {features:label_list}: one of them "
                        "determines exactly who leaves when, or repeats another, or too few left.",
                        features=features,
                    ),
                    *aside_notes(aside, odd),
                ]
            )
        ) from error


def _settles(feature: Feature, rows: pd.DataFrame) -> bool:
    """Whether a model with this feature alone has finite ratios."""
    try:
        _cox([feature], rows)
    except (ArithmeticError, np.linalg.LinAlgError):
        return False
    return True


def _cox(learnt: list[Feature], rows: pd.DataFrame) -> durations.Cox:
    if not learnt:
        raise ArithmeticError("no feature differs between customers.")
    times = rows[["entry", "time", "left", "w"]].to_numpy(float).T
    return durations.cox(columns_of(learnt, rows), *times)


def aside_notes(aside: list[str], odd: list[str]) -> list[str]:
    """What was set aside before the ratios were estimated, and why."""
    notes = []
    if aside:
        notes.append(
            _(
                "Nobody left of {levels:list}: their hazard ratios would be zero, so these "
                "customers are left out and the others compared.",
                levels=aside,
            )
        )
    if odd:
        notes.append(
            _(
                "Left out because they alone determine exactly who leaves when: "
                "{features:label_list}.",
                features=odd,
            )
        )
    return notes


def feature_moves(learnt: list[Feature], columns: int) -> tuple[list[str], list[str], np.ndarray]:
    """Terms and features of the contrasts, and how far each moves the columns."""
    where, terms, names, moves = places(learnt), [], [], []
    for feature in learnt:
        for start, end, ends in contrasts(feature):
            move = np.zeros(columns)
            move[where[feature.name]] = ends[1] - ends[0]
            moves.append(move)
            names.append(feature.name)
            terms.append(contrast_term(feature.name, start, end))
    return terms, names, np.array(moves)


def _finding(table: pd.DataFrame, aside: list[str], odd: list[str]) -> Finding:
    top = table.iloc[0]
    low, high = deciding_ends(top)
    if low <= 1 <= high:
        if aside:
            return Finding(
                _(
                    "Nobody left of {levels:list}; what else is known of customers is not "
                    "significantly associated with when they leave.",
                    levels=aside,
                )
            )
        if odd:
            return Finding(aside_notes(aside, odd)[0])
        return Finding(_("No feature is significantly associated with when customers leave."))
    facts = {
        "term": top.term,
        "ratio": top.estimate,
        "span": (top.low, top.high),
        "n": top.n,
    }
    drifts = top.p < 1 - LEVEL  # one number is then an average over time
    claim = (
        _(
            "{term:verbatim} has the strongest association with when customers leave: "
            "{ratio:number2} times the risk, on average over time.",
            **facts,
        )
        if drifts
        else _(
            "{term:verbatim} has the strongest association with when customers leave: "
            "{ratio:number2} times the risk at any time.",
            **facts,
        )
    )
    detail = _("hazard ratio, 95% CI {span:interval2}; n = {n:count}", **facts)
    if aside:
        detail += _("; nobody left of {levels:list}", levels=aside)
    return Finding.of_row(
        top, claim, detail, unit="ratio", measure="hazard_ratio", at={"term": str(top.term)}
    )


def _proportionality_note(table: pd.DataFrame) -> str:
    drifting = table[table["p"] < 1 - LEVEL]
    if drifting.empty:
        return _("No ratio changes significantly with time (Grambsch and Therneau, after Holm).")
    return _(
        "Ratios that change with time, so that one number is an average of them: {terms:list}.",
        terms=dict.fromkeys(i18n.label(f) for f in drifting["feature"]),
    )
