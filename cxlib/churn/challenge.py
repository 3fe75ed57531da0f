"""Would a model that nobody can read tell it better? Gradient boosting on the same folds.

    churn.boosting(customers, fit)      # Boosting tells no more than the model that can be read ...

Both are judged on customers they had not seen, the same folds and the same measures; the difference
is taken customer by customer, so that its interval is narrow. Boosting is scikit-learn's histogram
boosting (Friedman 2001; Ke and others 2017), its trees small, their number chosen by early stopping
inside each fold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import evidence
from cxlib.churn.features import numbers_of, text_of
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.stats import moments, regression
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table

MEASURES = ("AUC", "log-loss", "Brier score")
AS_GOOD = 0.01  # of AUC: less nobody would give a readable model up for


@dataclass(frozen=True)
class Challenge(Estimates):
    """Both models' measures in `table` (model, term ...); `differences`: boosting less ours."""

    differences: pd.DataFrame = field(kw_only=True)


def boosting(customers: pd.DataFrame, fit, *, draws: int = 500) -> Challenge:
    """Boosting beside the warning `fit`, which was learnt from these customers.

    The table has AUC, log-loss and Brier score of each; `differences` are boosting less the
    readable model, with intervals over customers. Raises ValueError when the customers are not
    those the fit was learnt from.
    """
    rows, outcome = customers.reindex(fit.out_of_fold.index), fit.plan["outcome"]
    if not fit.out_of_fold.index.isin(customers.index).all() or rows[outcome].isna().any():
        raise ValueError(
            "these are not the customers the warning was learnt from. Pass the same rows to "
            "churn.fit and churn.boosting."
        )
    left = rows[outcome].to_numpy(float)
    w = moments.weights_of(rows, fit.plan["weight"])
    w = w / w.mean()
    x, kinds = _columns(rows, fit.features)
    eta = _out_of_fold(x, kinds, left, w, fit.plan, fit.seed)
    parts = [
        regression.measures(left, e, w) for e in (regression.logit(fit.out_of_fold.to_numpy()), eta)
    ]
    found = ratio(np.hstack(parts) * w[:, None], w[:, None], draws=draws, seed=fit.seed)
    drawn = found.replicates.reshape(draws, 2, -1)
    estimate = np.array([np.average(p, axis=0, weights=w) for p in parts])
    models = pd.concat(
        estimates_table(regression.MEASURES, estimate[i], drawn[:, i], len(left), model=name)
        for i, name in enumerate(("the readable model", "boosting"))
    )
    gaps = estimates_table(
        regression.MEASURES, estimate[1] - estimate[0], drawn[:, 1] - drawn[:, 0], len(left)
    )
    return Challenge(
        models[models["term"].isin(MEASURES)].reset_index(drop=True),
        _verdict(gaps.iloc[0], estimate[:, 0]),
        _("The same folds and customers for both."),
        draws=draws,
        seed=fit.seed,
        differences=gaps[gaps["term"].isin(MEASURES)].reset_index(drop=True),
    )


def _columns(rows: pd.DataFrame, features: list) -> tuple[np.ndarray, list[bool]]:
    columns, kinds = [], []
    for feature in features:
        values = rows[feature.name]
        if feature.kind == "number":
            columns.append(numbers_of(values))
        else:
            columns.append(pd.Index(feature.levels).get_indexer(text_of(values)) + 1.0)
        kinds.append(feature.kind != "number")
    return np.column_stack(columns), kinds


def _out_of_fold(
    x: np.ndarray, kinds: list[bool], left: np.ndarray, w: np.ndarray, plan: dict, seed: int
) -> np.ndarray:
    """Log-odds of the probabilities averaged over the repeats, as the fit's own are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    total = np.zeros(len(left))
    with threadpool_limits(1):
        for repeat in range(plan["repeats"]):
            fold = evidence.folds_of(left, plan["folds"], seed + repeat)
            for f in range(plan["folds"]):
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
                    random_state=seed,
                )
                model.fit(x[seen], left[seen], sample_weight=w[seen])
                total[~seen] += model.predict_proba(x[~seen])[:, 1]
    return regression.logit(total / plan["repeats"])


def _verdict(row: pd.Series, auc: np.ndarray) -> str:
    values = {
        "boosting": auc[1],
        "ours": auc[0],
        "difference": row.estimate,
        "span": (row.low, row.high),
    }
    if row.high < AS_GOOD:
        values["least"] = AS_GOOD
        return _(
            "The readable model is as good as boosting: AUC {ours:number3} and "
            "{boosting:number3}, difference {difference:number3} ({span:interval3}), under "
            "{least:number2}.",
            **values,
        )
    if row.low > 0:
        return _(
            "Boosting tells more: AUC {boosting:number3} against {ours:number3}, difference "
            "{difference:number3} ({span:interval3}). A curve or two features together are "
            "missing from the readable model.",
            **values,
        )
    return _(
        "Whether boosting tells more is open: AUC {boosting:number3} against {ours:number3}, "
        "difference {difference:number3} ({span:interval3}).",
        **values,
    )
