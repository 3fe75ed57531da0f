"""Whom does contacting keep? From a trial in which chance decided who was contacted.

    fit = churn.uplift(pilot, treated="treated", outcome="left", lower_is_better=True)
    fit.table             # average effect, Qini, AUUC, effect inside and outside the treat set
    fit.curve             # what treating the best tenth, fifth ... brings

A risk says who will leave; an uplift says who stays because of the call. Two models, one for each
arm, or one model of the transformed outcome, whose mean is the effect (Athey and Imbens 2016);
each customer's uplift comes from models that had not seen that customer. Only a trial by lot can
teach this: elsewhere those who were called differ from the others before the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.churn import evidence
from cxlib.churn.admission import usable
from cxlib.churn.features import columns_of, learn, stiffness_of
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.data.study import Change
from cxlib.enough import Unfit, few
from cxlib.estimates import Estimates
from cxlib.stats import moments, regression, resampling
from cxlib.stats.intervals import simultaneous_interval

METHODS = ("two models", "transformed outcome")
STEPS = 50  # of the curve
FEWEST = 50  # customers in each arm
PENALTY = 100.0  # of the transformed outcome, per column of deviation one


@dataclass(frozen=True)
class Uplift(Estimates):
    """Effects in percentage points and how well they are told apart; `curve` treats ever more.

    curve : term (the model's order, or by lot), treated (share of the customers), estimate (gain a
        customer of all), low, high (all at once), n
    gain : each customer's predicted gain, by row label, from models that had not seen it
    """

    curve: pd.DataFrame = field(kw_only=True)
    gain: pd.Series = field(kw_only=True, repr=False)


def uplift(
    customers: pd.DataFrame,
    *,
    treated: str,
    outcome: str,
    features: list[str] | None = None,
    lower_is_better: bool = False,
    least: float = 0.0,
    method: str = "two models",
    weight: str | None = None,
    folds: int = 5,
    draws: int = 500,
    seed: int = 1,
) -> Uplift:
    """Gain from treatment: on average, along the model's order, and in the set worth treating.

    `treated` and `outcome` are true or false (1 or 0); gains are shares of customers, positive when
    treatment helps. The treat set are those whose predicted gain exceeds `least` (what a contact
    costs over what the outcome is worth). Qini is the area between the model's curve and treatment
    by lot (Radcliffe 2007), AUUC the area under the curve; intervals are over customers, the
    models held, and hold for the table at once. Raises ValueError for arms too small to compare.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}. There are: {', '.join(METHODS)}.")
    rows, t, y, w = _arms(customers, treated, outcome, weight)
    sign = -1.0 if lower_is_better else 1.0
    names = features if features is not None else usable(rows, [treated, outcome, weight, "left"])
    learnt = [f for f in learn(rows, names) if f.kept]
    a = np.column_stack([np.ones(len(rows)), columns_of(learnt, rows)])
    tell = _two_models if method == METHODS[0] else _transformed
    gain = np.empty(len(rows))
    fold = evidence.folds_of(2 * t + y, folds, seed)
    with threadpool_limits(1):
        for f in range(folds):
            seen = fold != f
            gain[~seen] = sign * tell(a, t, y, w, seen, stiffness_of(learnt))
    # Equal gains are in no order: chance puts them in one.
    rank = np.lexsort((np.random.default_rng(seed).random(len(gain)), -gain)).argsort()
    table = _effects(gain, rank, t, sign * y, w, least, draws, seed)
    curve, areas = _curves(rank, t, sign * y, w, draws, seed)
    table = pd.concat([table.iloc[:1], areas, table.iloc[1:]], ignore_index=True)
    table[["estimate", "low", "high"]] *= 100
    share = float(np.average(gain > least, weights=w))
    return Uplift(
        table,
        _verdict(table, share),
        _note(t, method),
        "points",
        draws=draws,
        seed=seed,
        curve=curve,
        gain=pd.Series(gain, rows.index),
    )


def by_lot(
    tables: Mapping[str, pd.DataFrame],
    changes: Sequence[Change],
    *,
    draws: int = 500,
    seed: int = 1,
) -> dict[str, Uplift]:
    """`uplift` of each change by lot that names what came `before`; says when there is none.

    Only a yes or no of customers can be told so (`outcome`, else the first of `also` that is one).
    """
    found = {}
    for change in changes:
        rows = tables[change.table]
        yes_or_no = [c for c in (change.outcome, *change.also) if c and rows[c].isin([0, 1]).all()]
        if change.design != "randomised" or not change.before or not yes_or_no:
            continue
        arms = rows[rows[change.column].isin([*change.treated, *change.control])]
        arms = arms.assign(reached=arms[change.column].isin(change.treated))
        if min(arms["reached"].sum(), (~arms["reached"]).sum()) < FEWEST:
            continue
        how = {"treated": "reached", "outcome": yes_or_no[0], "features": change.before}
        fit = uplift(arms, **how, draws=draws, seed=seed)
        said = _(
            "{change} ({outcome:label}): {said}",
            change=change.label.get(context.current().lang, change.name),
            outcome=yes_or_no[0],
            said=fit.answer,
        )
        found[change.name] = replace(fit, answer=said)
    if not found:
        print(
            _(
                "No change by lot has a yes or no for an outcome, what came before it, and enough "
                "customers. This part is left out."
            )
        )
    return found


def _arms(
    customers: pd.DataFrame, treated: str, outcome: str, weight: str | None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    if unknown := [c for c in (treated, outcome) if c not in customers]:
        raise ValueError(f"no column {unknown}. There are: {', '.join(map(str, customers))}.")
    for name in (treated, outcome):
        if not customers[name].dropna().isin([0, 1]).all():
            raise ValueError(f"{name} must be true or false (1 or 0) for each customer.")
    w = moments.weights_of(customers, weight)
    known = (customers[treated].notna() & customers[outcome].notna()).to_numpy() & (w > 0)
    rows = customers[known]
    t, y = rows[treated].to_numpy(float), rows[outcome].to_numpy(float)
    if min(t.sum(), (1 - t).sum()) < FEWEST:
        raise Unfit(
            _(
                "{treated} customers were treated and {others} were not; each arm needs "
                "{least:count}.",
                treated=few(int(t.sum())),
                others=few(int((1 - t).sum())),
                least=FEWEST,
            )
        )
    return rows, t, y, w[known] / w[known].mean()


def _two_models(a, t, y, w, seen, stiffness) -> np.ndarray:
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


def _transformed(a, t, y, w, seen, stiffness) -> np.ndarray:
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


def _effects(gain, rank, t, y, w, least: float, draws: int, seed: int) -> pd.DataFrame:
    each, inside = _sums(t, y, w), gain > least
    sets = {
        "average effect": np.ones(len(t), bool),
        "effect in the treat set": inside,
        "effect outside the treat set": ~inside,
    }
    parts = np.hstack([each * mask[:, None] for mask in sets.values()])
    estimate = _difference(parts.sum(0).reshape(-1, 4))
    drawn = _difference(resampling.resample_sums(parts, draws, seed).reshape(draws, -1, 4))
    low, high = simultaneous_interval(estimate, drawn)
    table = pd.DataFrame({"term": list(sets), "estimate": estimate, "low": low, "high": high})
    return table.assign(n=[int(mask.sum()) for mask in sets.values()])


def _curves(rank, t, y, w, draws: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gain a customer of treating the first of the order, and the areas Qini and AUUC."""
    step = rank * STEPS // len(rank)
    parts = np.zeros((len(rank), STEPS, 4))
    parts[np.arange(len(rank)), step] = _sums(t, y, w)
    sums = resampling.resample_sums(parts.reshape(len(rank), -1), draws, seed)
    values = [_curve(s.reshape(-1, STEPS, 4)) for s in (parts.sum(0), sums)]
    (share, uplift, qini), (_unused, uplift_drawn, qini_drawn) = values
    share = share[0]
    low, high = simultaneous_interval(uplift[0], uplift_drawn)
    curve = pd.DataFrame(
        {
            "term": "by predicted gain",
            "treated": share,
            "estimate": uplift[0],
            "low": low,
            "high": high,
            "n": len(rank),
        }
    )
    by_lot = curve.assign(term="by lot", estimate=share * uplift[0, -1], low=np.nan, high=np.nan)
    areas = [
        np.column_stack([_area(q) - q[:, -1] / 2, _area(u)])
        for u, q in ((uplift, qini), (uplift_drawn, qini_drawn))
    ]
    low, high = simultaneous_interval(areas[0][0], areas[1])
    table = pd.DataFrame({"term": ["Qini", "AUUC"], "estimate": areas[0][0], "low": low})
    return pd.concat([curve, by_lot], ignore_index=True), table.assign(high=high, n=len(rank))


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


def _verdict(table: pd.DataFrame, share: float) -> str:
    rows = table.set_index("term")
    average, qini = rows.loc["average effect"], rows.loc["Qini"]
    values = {"points": average.estimate, "span": (average.low, average.high), "n": average.n}
    if average.low > 0:
        said = _(
            "The trial helps: {points:number1} points ({span:interval1}) of {n:count} customers.",
            **values,
        )
    elif average.high < 0:
        said = _(
            "The trial harms: {points:number1} points ({span:interval1}) of {n:count} customers.",
            **values,
        )
    else:
        said = _(
            "Whether the trial helps is open: {points:number1} points ({span:interval1}), n "
            "{n:count}.",
            **values,
        )
    if qini.low > 0:
        inside = rows.loc["effect in the treat set"]
        more = _(
            "Whom to treat can be told: {share:share} of the customers, with a gain of "
            "{points:number1} points ({span:interval1}).",
            share=share,
            points=inside.estimate,
            span=(inside.low, inside.high),
        )
    else:
        more = _("Whom it helps most cannot be told: the Qini interval reaches 0.")
    return i18n.together([said, more])


def _note(t: np.ndarray, method: str) -> str:
    return _(
        "{treated:count} treated by lot, {others:count} not; {method}. All intervals hold at once.",
        treated=t.sum(),
        others=(1 - t).sum(),
        method=_(method),
    )
