"""Boosting benchmark: would gradient boosting predict churn better than the transparent model?

    churn.boosting_benchmark(fit)       # The transparent model is as good as boosting: AUC ...

Both are judged on customers they had not seen, the same folds and the same measures; the difference
is taken customer by customer, so that its interval is narrow. Boosting is scikit-learn's histogram
boosting (Friedman 2001; Ke and others 2017), its trees small, their number chosen by early stopping
inside each fold.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import validation
from cxlib.churn.features import Feature, numbers_of, text_of
from cxlib.churn.leakage import TrainingData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.stats import regression
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table

MEASURES = ("AUC", "log-loss", "Brier score")
RELEVANT_GAIN = 0.01  # of AUC: for less nobody would give up a transparent model


def boosting_benchmark(fit: Result) -> Result:
    """Gradient boosting on the customers, folds and repeats of a churn model.

    Parameters
    ----------
    fit : of `churn.fit`

    Returns
    -------
    Result with tables "table" (model, term: AUC, log-loss, Brier score, estimate, low, high, n) and
    "differences" (term, estimate: boosting minus the transparent model, low, high, n); intervals
    over customers, the models held

    References
    ----------
    Friedman (2001); Ke and others (2017).

    Examples
    --------
    >>> boosting_benchmark(fit).differences                            # doctest: +SKIP
    """
    data, draws = fit.data, fit.draws
    left, w = data.left, data.weight
    x, kinds = _columns(data.rows, fit.features)
    eta = _out_of_fold(x, kinds, data, fit)
    parts = [
        regression.measures(left, e, w) for e in (regression.logit(fit.out_of_fold.to_numpy()), eta)
    ]
    means = ratio(np.hstack(parts) * w[:, None], w[:, None], **data.how)
    drawn = means.replicates.reshape(draws, 2, -1)
    estimate = np.array([np.average(p, axis=0, weights=w) for p in parts])
    gap, effective = drawn[:, 1] - drawn[:, 0], w.sum() ** 2 / (w**2).sum()
    auc = regression.MEASURES.index("AUC")
    drawn[..., auc] = regression.auc_draws(estimate[:, auc], drawn[..., auc], effective)
    models = pd.concat(
        estimates_table(regression.MEASURES, estimate[i], drawn[:, i], len(left), model=name)
        for i, name in enumerate(("transparent model", "gradient boosting"))
    )
    gaps = estimates_table(regression.MEASURES, estimate[1] - estimate[0], gap, len(left))
    tables = {
        "table": models[models["term"].isin(MEASURES)].reset_index(drop=True),
        "differences": gaps[gaps["term"].isin(MEASURES)].reset_index(drop=True),
    }
    auc = gaps.iloc[0]
    return Result(
        tables,
        _finding(auc, estimate[:, 0]),
        _("The same folds and customers for both."),
        draws=draws,
        seed=fit.seed,
    )


def _columns(rows: pd.DataFrame, features: list[Feature]) -> tuple[np.ndarray, list[bool]]:
    columns, kinds = [], []
    for feature in features:
        values = rows[feature.name]
        if feature.kind == "number":
            columns.append(numbers_of(values))
        else:
            columns.append(pd.Index(feature.levels).get_indexer(text_of(values)) + 1.0)
        kinds.append(feature.kind != "number")
    return np.column_stack(columns), kinds


def _out_of_fold(x: np.ndarray, kinds: list[bool], data: TrainingData, fit: Result) -> np.ndarray:
    """Log-odds of the probabilities averaged over the repeats, as the fit's own are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    left, w, plan = data.left, data.weight, fit.validation
    total = np.zeros(len(left))
    with threadpool_limits(1):
        for repeat in range(plan.repeats):
            fold = validation.folds_of(left, plan.folds, fit.seed + repeat)
            for f in range(plan.folds):
                seen = fold != f
                model = HistGradientBoostingClassifier(
                    learning_rate=0.05,
                    max_iter=300,
                    max_leaf_nodes=6,
                    min_samples_leaf=30,
                    l2_regularization=5.0,
                    early_stopping=True,
                    n_iter_no_change=15,
                    categorical_features=kinds,
                    random_state=fit.seed,
                )
                model.fit(x[seen], left[seen], sample_weight=w[seen])
                total[~seen] += model.predict_proba(x[~seen])[:, 1]
    return regression.logit(total / plan.repeats)


def _finding(row: pd.Series, auc: np.ndarray) -> Finding:
    facts = {
        "boosting": auc[1],
        "ours": auc[0],
        "difference": row.estimate,
        "span": (row.low, row.high),
        "n": row.n,
    }
    importance = Importance.METHOD
    if row.high < RELEVANT_GAIN:
        claim = _("The transparent model predicts as well as gradient boosting.")
    elif row.low > 0:
        claim = _(
            "Gradient boosting predicts better: the transparent model misses a curve or an "
            "interaction."
        )
        importance = Importance.CONTEXT
    else:
        claim = _("Gradient boosting does not predict significantly better.")
    return Finding.of_row(
        row,
        claim,
        _(
            "AUC {boosting:number3}, transparent model {ours:number3}; difference "
            "{difference:signed3} (95% CI {span:interval3}); n = {n:count}",
            **facts,
        ),
        importance=importance,
    )
