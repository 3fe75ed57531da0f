"""Which purchase model describes the customers best, and what the others would say.

    models = compare_models(orders, Valuation(margin=0.3), holdout=26)
    models.best           # "mbg_nbd"
    models.table          # a row a model: share active, purchases, CLV, fit, forecast error
    models.depends        # whether the share still active depends on the model

The models agree on purchases more than on who has left, which nobody sees: a customer who left and
one who buys seldom look alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.intervals import LEVEL, normal_quantile
from cxlib.value import predictions
from cxlib.value.lifetime_value import members_of
from cxlib.value.patterns import CountedPurchases, Histories, held_out, histories
from cxlib.value.purchase_model import PURCHASE, Purchase, PurchaseModel
from cxlib.value.valuation import Valuation

LABELS = {"bg_nbd": "BG/NBD", "mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD"}
APART = 0.05  # shares still active further apart than this depend on the model
COLUMNS = [
    Column("purchases", "purchases to come of a customer", "number", 2),
    Column("clv", "discounted value of a customer", "money", 2, label="CLV"),
    Column("loglik", "log-likelihood", "number", 1, label="log-likelihood"),
    Column("behind", "log-likelihood below that of the best", "number", 1, label="behind the best"),
    Column("error", "forecast of the hold-out against purchases", "gap", 0, label="forecast error"),
]


def compare_models(
    sample: SampleLike,
    valuation: Valuation | None = None,
    *,
    holdout: float = 26,
    groups: pd.Series | None = None,
    as_of: str | pd.Timestamp | None = None,
    counted: CountedPurchases | None = None,
) -> Result:
    """Fit each purchase model, choose one by fit and hold-out, and say where they disagree.

    The model with the highest likelihood is chosen. Of those that do not fit significantly worse
    (Vuong's test, each customer once), it is the one whose forecast of the last weeks was nearest.

    Parameters
    ----------
    sample : orders with customer_id, at and amount
    valuation : over what time purchases count, and what they bring
    holdout : last weeks, which are predicted from those before; 0 for none
    groups : group of each customer_id (its index), whose order by share active is compared
    as_of : date from which customers are seen, the day after the last order by default
    counted : purchases of all customers, as for `lifetime_value`

    Returns
    -------
    Result with tables

    - "table": term (model), estimate (share of customers still active), n, purchases (of a customer
      in the weeks to come), clv (its discounted value), loglik, behind, behind_low, behind_high
      (how much lower the log-likelihood is than the best; 95% interval), error (forecast of the
      hold-out divided by what was bought, minus 1), fits (not significantly worse), chosen
    - "active": group, term (model), estimate (share still active), n; only with groups

    and parts best (the model chosen), depends (whether the shares still active of models that fit
    are more than five points apart, of everyone or a group, or order the groups differently)

    Raises
    ------
    InsufficientData : no model can be fitted
    ValueError : as `lifetime_value`

    References
    ----------
    Fader, Hardie and Lee (2005) for BG/NBD, Batislam, Denizel and Filiztekin (2007) for MBG/NBD,
    Schmittlein, Morrison and Colombo (1987) for Pareto/NBD; Vuong (1989), Econometrica 57.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rate, life = rng.gamma(0.8, 0.2, 200), rng.exponential(30, 200)
    >>> weeks = [rng.exponential(1 / r, 40).cumsum() for r in rate]
    >>> weeks = [[0.0, *w[w < min(end, 60)]] for w, end in zip(weeks, life)]
    >>> orders = pd.DataFrame([(i, w) for i, bought in enumerate(weeks) for w in bought])
    >>> orders = orders.set_axis(["customer_id", "week"], axis=1).assign(amount=10.0)
    >>> orders["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(orders["week"] * 7, unit="D")
    >>> orders["amount"] += rng.random(len(orders))
    >>> models = compare_models(orders, holdout=0)
    >>> LABELS[models.best] == models.table.loc[models.table["chosen"], "term"].item()
    True
    """
    sample, valuation = as_sample(sample), valuation or Valuation()
    found = histories(sample, as_of=as_of, groups=groups, counted=counted)
    notes = found.notes
    fits, lost = _fitted(found, valuation)
    best_fit = max(fits, key=lambda m: fits[m].purchase.loglik)
    before = held_out(sample, holdout, as_of=as_of, counted=counted) if holdout else None
    errors = _errors(*before, holdout) if before is not None else {}
    each = {m: fit.purchase.each()[0][fit.which] for m, fit in fits.items()}
    rows = [
        _row(m, fit, valuation, each[best_fit] - each[m], errors.get(m, np.nan))
        for m, fit in fits.items()
    ]
    table = pd.DataFrame(rows)
    table["fits"] = table["behind_low"].fillna(0) <= 0
    near = table[table["fits"]]
    off = near["error"].abs()
    by_fit = {m: fit for m, fit in fits.items() if LABELS[m] in set(near["term"])}
    nearest = None if off.isna().all() else near.loc[off.idxmin(), "term"]
    best = next((m for m in by_fit if LABELS[m] == nearest), best_fit)
    table["chosen"] = table["term"] == LABELS[best]
    tables = {"table": table}
    widest = (_("everyone"), near["estimate"].min(), near["estimate"].max())
    reordered = False
    if found.group is not None:
        tables["active"] = _by_group(fits, found)
        alike = disclosure.shown(_by_group(by_fit, found))
        ends = alike.groupby("group", sort=False)["estimate"].agg(["min", "max"])
        group = (ends["max"] - ends["min"]).idxmax()
        widest = (str(group), *ends.loc[group])
        reordered = _orders(alike) > 1
    depends = reordered or widest[2] - widest[1] > APART
    if lost:
        notes.append(_("{models:list} could not be fitted.", models=[LABELS[m] for m in lost]))
    notes.append(_("All models have four parameters, so that the likelihoods compare."))
    return Result(
        tables,
        _finding(table, depends, reordered, widest),
        i18n.together(notes),
        "share",
        columns=COLUMNS,
        parts={"best": best, "depends": depends},
    )


def choose(models: Result | None, model: str = "best") -> Purchase:
    """The model of that name; "best" is the one that `compare_models` chose, BG/NBD without it.

    Raises ValueError for another name.

    Examples
    --------
    >>> choose(None, "pareto_nbd"), choose(None)
    ('pareto_nbd', 'bg_nbd')
    """
    require_choice("model", model, ("best", *PURCHASE))
    found = getattr(models, "best", "bg_nbd") if model == "best" else model
    return found  # type: ignore[return-value]


def _fitted(
    found: Histories, valuation: Valuation | None = None
) -> tuple[dict[Purchase, PurchaseModel], list[Purchase]]:
    """The models that have a maximum, and those that have none."""
    fits: dict[Purchase, PurchaseModel] = {}
    problem: InsufficientData | None = None
    amounts = (valuation or Valuation()).amounts
    for model in PURCHASE:
        try:
            fits[model] = PurchaseModel(found.rows, model, None, amounts, found.buyers)
        except InsufficientData as error:
            problem = error
    if problem is not None and not fits:
        raise problem
    return fits, [m for m in PURCHASE if m not in fits]


def _errors(before: Histories, after: np.ndarray, weeks: float) -> dict[Purchase, float]:
    """Forecast of the last weeks divided by what was bought, minus 1; empty with too few."""
    bought = float(before.customers @ after)
    try:
        fits = _fitted(before)[0]
    except InsufficientData:
        return {}
    ahead = {m: before.customers @ _ahead(fit, weeks) for m, fit in fits.items()}
    return {m: total / bought - 1 for m, total in ahead.items()} if bought else {}


def _ahead(fit: PurchaseModel, weeks: float) -> np.ndarray:
    return predictions.purchases(fit.model, fit.own(), *fit.data, weeks)[fit.which]


def _active(fit: PurchaseModel) -> np.ndarray:
    return predictions.active(fit.model, fit.own(), *fit.data)[fit.which]


def _row(
    model: Purchase, fit: PurchaseModel, terms: Valuation, behind: np.ndarray, error: float
) -> dict[str, Any]:
    paid = predictions.amount(np.exp(fit.amount.at), fit.paid, fit.mean)
    kinds = fit.by_kind(fit.purchase.at, terms.weeks, terms.discount, terms.kept)[fit.which]
    active, ahead, value = fit.each @ np.column_stack([kinds[:, :2], kinds[:, 2] * paid])
    n, below = fit.customers, float(fit.each @ behind)
    # The difference of two log-likelihoods is a sum over customers, whose spread is known.
    spread = fit.each @ (behind - below / n) ** 2 / (n - 1)
    reach = normal_quantile(LEVEL) * np.sqrt(spread * n)
    return {
        "term": LABELS[model],
        "estimate": active / n,
        "n": n,
        "purchases": ahead / n,
        "clv": value / n,
        "loglik": fit.purchase.loglik,
        "behind": below,
        "behind_low": below - reach if reach else np.nan,
        "behind_high": below + reach if reach else np.nan,
        "error": error,
    }


def _by_group(fits: dict[Purchase, PurchaseModel], found: Histories) -> pd.DataFrame:
    """Share active by group and model."""
    names, member = members_of(found.group, len(found.rows))
    counts = member * found.customers[:, None]
    n = counts.sum(0)
    parts = [
        pd.DataFrame({"group": names, "term": LABELS[m], "estimate": counts.T @ _active(fit) / n})
        for m, fit in fits.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(n=np.tile(n.astype(int), len(fits)))


def _orders(active: pd.DataFrame) -> int:
    """In how many ways the models order the groups by their share active; everyone is none."""
    wide = active.pivot(index="term", columns="group", values="estimate").drop(
        columns=_("everyone")
    )
    return len(np.unique(np.argsort(wide.to_numpy(), axis=1, kind="stable"), axis=0))


def _finding(
    table: pd.DataFrame, depends: bool, reordered: bool, widest: tuple[str, float, float]
) -> Finding:
    """How many are active by the model chosen, and where other models say otherwise."""
    best = table[table["chosen"]].iloc[0]
    others = table[~table["fits"]]
    far = others[(others["estimate"] - best["estimate"]).abs() > APART]
    words = {
        "best": best["term"],
        "active": best["estimate"],
        "group": widest[0],
        "low": widest[1],
        "high": widest[2],
        "n": best["n"],
    }
    importance = Importance.ANSWER
    if depends and words["high"] - words["low"] > APART and widest[0] != _("everyone"):
        claim = _(
            "How many of {group:quoted} are still active depends on the model: {low:share} to "
            "{high:share} by models that fit alike.",
            **words,
        )
    elif depends and words["high"] - words["low"] > APART:
        claim = _(
            "How many customers are still active depends on the model: {low:share} to {high:share} "
            "by models that fit alike.",
            **words,
        )
    elif depends:
        claim = _(
            "Which groups are still active depends on the model; models that fit alike order them "
            "differently."
        )
    elif len(far):
        other = far.loc[far["behind"].idxmin()]
        words |= {"other": other["term"], "its": other["estimate"]}
        claim = _(
            "{active:share} of past buyers are still active by {best}; {other}, which fits "
            "significantly worse, would say {its:share}.",
            **words,
        )
    else:
        importance = Importance.METHOD
        claim = _("{active:share} of past buyers are still active by {best}.", **words)
    return Finding(
        claim,
        _detail(table, best, reordered),
        verdict="unclear" if depends else "",
        importance=importance,
    )


def _detail(table: pd.DataFrame, best: pd.Series, reordered: bool) -> str:
    """How the model was chosen."""
    parts = [
        _("{model} {active:share} of past buyers active", model=row.term, active=row.estimate)
        if row.behind == 0
        else _(
            "{model} {active:share} active, log-likelihood {behind:number1} lower, not "
            "significantly",
            model=row.term,
            active=row.estimate,
            behind=row.behind,
        )
        if row.fits
        else _(
            "{model} {active:share} active, log-likelihood {behind:number1} lower",
            model=row.term,
            active=row.estimate,
            behind=row.behind,
        )
        for row in table.sort_values("behind").itertuples()
    ]
    if np.isfinite(best["error"]):
        facts = {"best": best["term"], "error": abs(best["error"])}
        parts.append(_("{best} was off by {error:share} in the hold-out", **facts))
    if reordered:
        parts.append(_("the models that fit order the groups differently"))
    parts.append(_("n = {n:count}", n=best["n"]))
    return _("; ").join(parts)
