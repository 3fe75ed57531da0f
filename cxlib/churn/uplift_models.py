"""Uplift: whom does contacting keep? From a randomised trial.

    fit = churn.uplift(pilot, treated="treated", outcome="left", lower_is_better=True)
    fit.table             # average effect, Qini, AUUC, effect inside and outside the treat set
    fit.curve             # what treating the best tenth, fifth ... brings

A risk says who will leave; an uplift says who stays because of the contact. Two models, one for
each arm, or one model of the transformed outcome, whose mean is the effect; each customer's uplift
comes from models that had not seen that customer. Only random assignment allows this: elsewhere
those who were contacted differ from the others before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import validation
from cxlib.churn.features import columns_of, learn, stiffness_of
from cxlib.churn.leakage import eligible_features
from cxlib.core import codes, context, i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.errors import InsufficientData, leave_out, require_choice, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Change
from cxlib.privacy import disclosure
from cxlib.stats import moments, regression, resampling
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import other_outcomes_note

METHODS = ("two models", "transformed outcome")
WORDS = ("in random order",)
STEPS = 50  # of the curve
FEWEST = 50  # customers in each arm
PENALTY = 100.0  # of the transformed outcome, per column of deviation one


@dataclass(frozen=True)
class UpliftModel:
    """How uplift is modelled.

    Attributes
    ----------
    method : "two models" or "transformed outcome"
    least : predicted gain above which a customer is in the treat set: what a contact costs over
        what the outcome is worth
    folds : of the cross-validation
    """

    method: str = METHODS[0]
    least: float = 0.0
    folds: int = 5

    def __post_init__(self) -> None:
        require_choice("method", self.method, METHODS)


def uplift(
    sample: SampleLike,
    *,
    treated: str,
    outcome: str,
    features: list[str] | None = None,
    lower_is_better: bool = False,
    treatment: str = "",
    model: UpliftModel | None = None,
) -> Result:
    """Gain from treatment: on average, along the model's order, and in the set worth treating.

    Parameters
    ----------
    sample : customers of a randomised trial, one row each
    treated, outcome : columns that are true or false (1 or 0)
    features : columns known before; by default all but keys, dates and free text
    lower_is_better : whether the outcome is bad, as leaving is
    treatment : what it is called, for the sentence
    model : method, treat set and folds

    Returns
    -------
    Result, in percentage points, positive where treatment helps, with tables "table" (term: average
    effect, Qini, AUUC, effect in and outside the treat set; estimate, low, high, n) and "curve"
    (term: the model's order, or random; treated: share of the customers, estimate: gain a customer
    of all, low, high, n), each with simultaneous_low and simultaneous_high; and `gain`, each
    customer's predicted gain by row label

    Raises
    ------
    ValueError : missing columns, values that are not true or false
    InsufficientData : fewer than 50 customers in an arm

    References
    ----------
    Qini: Radcliffe (2007). Transformed outcome: Athey and Imbens (2016).

    Examples
    --------
    >>> uplift(pilot, treated="treated", outcome="left", lower_is_better=True)   # doctest: +SKIP
    """
    model = model or UpliftModel()
    sample, t, y, w = _arms(as_sample(sample), treated, outcome)
    rows, sign = sample.data, -1.0 if lower_is_better else 1.0
    names = features
    if names is None:
        names = eligible_features(rows, [treated, outcome, sample.weight, "left"])
    learnt = [f for f in learn(rows, names) if f.kept]
    a = np.column_stack([np.ones(len(rows)), columns_of(learnt, rows)])
    predict = _two_models if model.method == METHODS[0] else _transformed
    gain = np.empty(len(rows))
    fold = validation.folds_of(2 * t + y, model.folds, sample.seed)
    with threadpool_limits(1):
        for f in range(model.folds):
            seen = fold != f
            gain[~seen] = sign * predict(a, t, y, w, seen, stiffness_of(learnt))
    # Equal gains are in no order: chance puts them in one.
    rank = np.lexsort((np.random.default_rng(sample.seed).random(len(gain)), -gain)).argsort()
    how: dict[str, Any] = {
        "draws": sample.draws,
        "seed": sample.seed,
        "clusters": resampling.resampling_units(sample),
    }
    effects = _effects(gain > model.least, t, sign * y, w, **how)
    curve, areas = _curves(rank, t, sign * y, w, **how)
    table = pd.concat([effects.iloc[:1], areas, effects.iloc[1:]], ignore_index=True)
    table[[*INTERVAL, *SIMULTANEOUS]] *= 100
    share = float(np.average(gain > model.least, weights=w))
    return Result(
        {"table": table, "curve": curve},
        _finding(
            table,
            share,
            outcome,
            lower_is_better,
            treatment,
            control=float(np.average(y[t == 0], weights=w[t == 0])),
        ),
        _notes(t, model.method),
        "points",
        draws=sample.draws,
        seed=sample.seed,
        parts={"gain": pd.Series(gain, rows.index)},
    )


def uplift_of_changes(
    tables: Mapping[str, SampleLike], changes: Sequence[Change]
) -> dict[str, Result]:
    """`uplift` of each randomised change that names what was known `before`.

    Parameters
    ----------
    tables : name -> rows of a table of the study
    changes : of study.yaml; the outcome is the first of `outcome` and `also` that is true or false

    Returns
    -------
    Results by the names of the changes
    """
    found = {}
    for change in changes:
        sample = as_sample(tables[change.table]).replace(weight=None)  # arms as they were assigned
        rows = sample.data
        binary = [c for c in (change.outcome, *change.also) if c and rows[c].isin([0, 1]).all()]
        if change.design != "randomised" or not change.before or not binary:
            continue
        group = codes.named(rows[change.column], [*change.treated, *change.control])
        arms = sample.assign(treated=group.isin(change.treated))
        arms = arms.where(group.isin([*change.treated, *change.control]))
        if min(arms["treated"].sum(), (~arms["treated"]).sum()) < FEWEST:
            continue
        lang = context.current().lang
        name = next((text for key, text in change.label.items() if key == lang), change.name)
        found[change.name] = uplift(
            arms,
            treated="treated",
            outcome=binary[0],
            features=change.before,
            treatment=name,
        )
    if not found:
        leave_out(
            _(
                "No randomised change in study.yaml names a binary outcome and features known "
                "before it, for enough customers."
            )
        )
    return found


def _arms(
    sample: Sample, treated: str, outcome: str
) -> tuple[Sample, np.ndarray, np.ndarray, np.ndarray]:
    """Customers whose arm and outcome are known, both as 0 and 1, and weights of mean one."""
    customers = sample.data
    require_columns(customers, [treated, outcome], "customers")
    for name in (treated, outcome):
        if not customers[name].dropna().isin([0, 1]).all():
            raise ValueError(f"{name} must be true or false (1 or 0) for each customer.")
    w = moments.weights_of(customers, sample.weight)
    known = (customers[treated].notna() & customers[outcome].notna()).to_numpy() & (w > 0)
    sample = sample.where(known)
    t, y = sample[treated].to_numpy(float), sample[outcome].to_numpy(float)
    if min(t.sum(), (1 - t).sum()) < FEWEST:
        raise InsufficientData(
            _(
                "{treated} customers were treated and {others} were not; each arm needs "
                "{least:count}.",
                treated=disclosure.count_in_words(int(t.sum())),
                others=disclosure.count_in_words(int((1 - t).sum())),
                least=FEWEST,
            )
        )
    return sample, t, y, w[known] / w[known].mean()


def _two_models(
    a: np.ndarray,
    t: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    seen: np.ndarray,
    stiffness: np.ndarray,
) -> np.ndarray:
    p = []
    for arm in (1.0, 0.0):
        here = seen & (t == arm)
        if y[here].min() == y[here].max():
            p.append(np.full((~seen).sum(), y[here].mean()))
            continue
        p.append(
            regression.expit(
                a[~seen] @ regression.ridge(a[here], y[here], w[here], stiffness).coefficients
            )
        )
    return p[0] - p[1]


def _transformed(
    a: np.ndarray,
    t: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    seen: np.ndarray,
    stiffness: np.ndarray,
) -> np.ndarray:
    share = np.average(t[seen], weights=w[seen])
    z = y * (t - share) / (share * (1 - share))
    x, shrink = (
        a[seen],
        np.diag(np.append(1e-8, PENALTY * np.broadcast_to(stiffness, a.shape[1] - 1))),
    )
    left = (x * w[seen, None]).T
    return a[~seen] @ np.linalg.solve(left @ x + shrink, left @ z[seen])


def _sums(t: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """What each customer adds: outcomes and numbers of the treated, and of the others, (n, 4)."""
    return np.column_stack([w * t * y, w * t, w * (1 - t) * y, w * (1 - t)])


def _difference(sums: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1] - sums[..., 2] / sums[..., 3]


def _effects(
    inside: np.ndarray, t: np.ndarray, y: np.ndarray, w: np.ndarray, *, draws: int, **how: Any
) -> pd.DataFrame:
    """Effect on everybody, and in and outside the treat set."""
    each = _sums(t, y, w)
    sets = {
        "average effect": np.ones(len(t), bool),
        "effect in the treat set": inside,
        "effect outside the treat set": ~inside,
    }
    parts = np.hstack([each * mask[:, None] for mask in sets.values()])
    estimate = _difference(parts.sum(0).reshape(-1, 4))
    drawn = _difference(resampling.resample_sums(parts, draws, **how).reshape(draws, -1, 4))
    n = [int(mask.sum()) for mask in sets.values()]
    columns = {"term": list(sets), "estimate": estimate, "n": n}
    return pd.DataFrame(columns | interval_columns(estimate, drawn))


def _curves(
    rank: np.ndarray, t: np.ndarray, y: np.ndarray, w: np.ndarray, **how: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gain a customer of treating the first of the order, and the areas Qini and AUUC."""
    step = rank * STEPS // len(rank)
    parts = np.zeros((len(rank), STEPS, 4))
    parts[np.arange(len(rank)), step] = _sums(t, y, w)
    sums = resampling.resample_sums(parts.reshape(len(rank), -1), **how)
    values = [_curve(s.reshape(-1, STEPS, 4)) for s in (parts.sum(0), sums)]
    (share, uplift, qini), (_unused, uplift_drawn, qini_drawn) = values
    share = share[0]
    curve = pd.DataFrame(
        {
            "term": "by predicted gain",
            "treated": share,
            "estimate": uplift[0],
            "n": len(rank),
            **(ends := interval_columns(uplift[0], uplift_drawn)),
        }
    )
    random = curve.assign(
        term="in random order", estimate=share * uplift[0, -1], **dict.fromkeys(ends, np.nan)
    )
    areas = [
        np.column_stack([_area(q) - q[:, -1] / 2, _area(u)])
        for u, q in ((uplift, qini), (uplift_drawn, qini_drawn))
    ]
    columns = {"term": ["Qini", "AUUC"], "estimate": areas[0][0], "n": len(rank)}
    table = pd.DataFrame(columns | interval_columns(areas[0][0], areas[1]))
    return pd.concat([curve, random], ignore_index=True), table


def _curve(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    total = np.cumsum(sums, axis=1)
    treated, others = total[..., 1], total[..., 3]
    share = (treated + others) / (treated + others)[:, -1:]
    uplift = np.nan_to_num(_difference(total)) * share
    with np.errstate(invalid="ignore", divide="ignore"):
        qini = total[..., 0] - np.nan_to_num(total[..., 2] * treated / others)
    return share, uplift, qini / treated[:, -1:]


def _area(curve: np.ndarray) -> np.ndarray:
    whole = np.concatenate([np.zeros((len(curve), 1)), curve], axis=1)
    return np.trapezoid(whole, dx=1 / STEPS, axis=1)


def _finding(
    table: pd.DataFrame,
    share: float,
    outcome: str,
    lower: bool,
    treatment: str,
    *,
    control: float,
) -> Finding:
    """What the treatment did, and whether the model finds whom it helps."""
    rows = table.set_index("term")
    average, qini = rows.loc["average effect"], rows.loc["Qini"]
    inside = rows.loc["effect in the treat set"]
    facts = {
        "treatment": treatment or _("the treatment"),
        "outcome": "leaving" if outcome == "left" else outcome,
        "points": abs(average.estimate),
        "span": (average.low, average.high),
        "n": average.n,
        "share": share,
        "inside": inside.estimate,
        "inside_span": (inside.low, inside.high),
    }
    low, high = deciding_ends(average)
    moved = low > 0 or high < 0
    if moved and (average.estimate > 0) != lower:
        claim = _(
            "{treatment:opening} raised {outcome:quoted} by {points:number1} percentage points in "
            "the randomised trial.",
            **facts,
        )
    elif moved:
        claim = _(
            "{treatment:opening} reduced {outcome:quoted} by {points:number1} percentage points in "
            "the randomised trial.",
            **facts,
        )
    else:
        claim = _(
            "{treatment:opening} had no significant effect on {outcome:quoted} in the randomised "
            "trial.",
            **facts,
        )
    if deciding_ends(qini)[0] > 0:
        more = _(
            "treating only the {share:share} with the largest predicted gain: {inside:signed1} "
            "percentage points ({inside_span:interval1})",
            **facts,
        )
    else:
        more = _("the model does not identify whom it helps most")
    return Finding.of_row(
        average,
        claim,
        _(
            "control group {control:share1}; gain {gain:signed1} percentage points (95% CI "
            "{span:interval1}); n = {n:count}; {more}",
            gain=average.estimate,
            control=control,
            more=more,
            **facts,
        ),
        unit="points",
        measure="treatment_gain",
        at={"outcome": outcome} | ({"treatment": treatment} if treatment else {}),
        verdict="" if not moved else "better" if average.estimate > 0 else "worse",
        importance=Importance.NOTABLE if moved else Importance.CONTEXT,
    )


def _notes(t: np.ndarray, method: str) -> str:
    arms = _(
        "Randomised: {treated:count} treated, {others:count} control; {method}.",
        treated=t.sum(),
        others=(1 - t).sum(),
        method=_(method),
    )
    return i18n.together([arms, other_outcomes_note()])
