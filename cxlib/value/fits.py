"""The purchase model and the amounts together: `fit`, and `score` of customers by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from cxlib import moments, page
from cxlib.estimates import Estimates, at_once, failed, how_drawn, tabulate
from cxlib.value import expected, models
from cxlib.value.histories import day_after, histories, kinds
from cxlib.value.likelihood import NoMaximum, Summit, climb

Purchase = Literal["bg_nbd", "pareto_nbd"]
NAMES = {"bg_nbd": ("r", "alpha", "a", "b"), "pareto_nbd": ("r", "alpha", "s", "beta")}
PURCHASE = {"bg_nbd": models.bg_nbd, "pareto_nbd": models.pareto_nbd}
AMOUNT = ("p", "q", "v")
LEAST_REPEATERS = 30
STEP = 1e-4  # of a logarithm, for derivatives of what is expected


@dataclass(frozen=True)
class Value(Estimates):
    """What customers are worth, and what is needed to value others alike.

    Attributes
    ----------
    table : [group,] term (worth), estimate: discounted margin of a customer within `weeks`, in the
        currency of the orders; groups hold together
    alive, purchases : the same for the share who are here still, and purchases within `weeks`
    parameters : term, estimate, low, high, n
    holdout : term (repeats before the split), estimate (purchases that came, a customer), low,
        high, n, predicted; empty where there was no hold-out
    logarithms, amounts : of the parameters of the purchase model (k,), of Gamma-Gamma (3,)
    """

    alive: pd.DataFrame = field(kw_only=True)
    purchases: pd.DataFrame = field(kw_only=True)
    parameters: pd.DataFrame = field(kw_only=True)
    holdout: pd.DataFrame = field(kw_only=True)
    model: Purchase = field(kw_only=True)
    logarithms: np.ndarray = field(kw_only=True)
    amounts: np.ndarray = field(kw_only=True)
    height: float = field(kw_only=True)
    amounts_apart: float = field(kw_only=True)
    weeks: float = field(kw_only=True)
    discount: float = field(kw_only=True)
    margin: float = field(kw_only=True)


def fit(
    orders: pd.DataFrame,
    *,
    model: Purchase = "bg_nbd",
    groups: pd.Series | None = None,
    as_of: str | pd.Timestamp | None = None,
    weeks: float = 52,
    discount: float = 0.10,
    margin: float = 1.0,
    holdout: float = 0,
    draws: int = 1000,
    seed: int = 1,
) -> Value:
    """Worth of a customer over the next `weeks`, by maximum likelihood, with 95% intervals.

    `orders` has customer_id, at, amount. `groups` gives each customer_id (its index) a group.
    `discount` is a year's rate, `margin` what is kept of an amount. `holdout` weeks at the end are
    set apart to check a fit on what came before. Intervals draw customers whole and refit the
    models by one Newton step a draw. Raises ValueError where there are too few repeat buyers or
    the likelihood has no maximum.
    """
    _checked(model, weeks, discount, margin, holdout, day_after(orders, as_of))
    kept, notes = histories(orders, as_of)
    found = _Found(kept, model)
    worth = _Worth(found, weeks, discount, margin)
    values, slopes = worth.each()
    names, member = _members(kept, groups)
    tables, replicates = _tables(found, values, slopes, names, member, draws, seed)
    parameters = _parameters(found, replicates["purchase"], replicates["amount"])
    notes += [how_drawn(draws, bucket="customer_id")]
    return Value(
        tables["worth"],
        _answer(tables["worth"], weeks),
        page.together(notes),
        "amount",
        draws=draws,
        seed=seed,
        alive=tables["alive"],
        purchases=tables["purchases"],
        parameters=parameters,
        holdout=_held_out(orders, model, as_of, holdout),
        model=model,
        logarithms=found.purchase.at,
        amounts=found.amount.at,
        height=found.purchase.height,
        amounts_apart=found.apart,
        weeks=weeks,
        discount=discount,
        margin=margin,
    )


def score(orders: pd.DataFrame, fit: Value, as_of: str | pd.Timestamp | None = None) -> pd.DataFrame:
    """One row a customer: customer_id, repeats, last, age, alive, purchases, amount, worth."""
    kept, _ = histories(orders, as_of)
    data = tuple(kept[["repeats", "last", "age"]].to_numpy(float).T)
    own = np.exp(fit.logarithms)
    amount = expected.amount(np.exp(fit.amounts), _paid(kept), kept["mean_amount"].to_numpy(float))
    discounted = expected.discounted(fit.model, own, *data, fit.weeks, fit.discount)
    return kept.assign(
        alive=expected.alive(fit.model, own, *data),
        purchases=expected.purchases(fit.model, own, *data, fit.weeks),
        amount=amount,
        worth=fit.margin * discounted * amount,
    )
