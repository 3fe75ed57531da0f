"""Models of purchases and amounts at maximum likelihood, and what they predict of each customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.privacy import disclosure
from cxlib.stats import resampling
from cxlib.value import loglik, predictions
from cxlib.value.histories import kinds
from cxlib.value.newton import Model, NoMaximum, maximise, parameters_of
from cxlib.value.patterns import customers_of, keys_of

Purchase = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
Amounts = Literal["purchases", "means"]
Data = tuple[np.ndarray, np.ndarray, np.ndarray]  # repeats, last, age
NAMES = {
    "bg_nbd": ("r", "alpha", "a", "b"),
    "mbg_nbd": ("r", "alpha", "a", "b"),
    "pareto_nbd": ("r", "alpha", "s", "beta"),
}
PURCHASE: dict[Purchase, Model] = {
    "bg_nbd": loglik.bg_nbd,
    "mbg_nbd": loglik.mbg_nbd,
    "pareto_nbd": loglik.pareto_nbd,
}
AMOUNT = ("p", "q", "v")
LEAST_REPEATERS = 30
STEP = 1e-4  # of a logarithm, for derivatives of what is expected


class PurchaseModel:
    """Both models at their maximum, on the distinct kinds of customers.

    Rows are customers, or patterns that some of them have (`patterns.Histories`); amounts are
    learned from `buyers`, the customers of the rows unless others are given.
    """

    def __init__(
        self,
        kept: pd.DataFrame,
        model: Purchase,
        covariates: pd.DataFrame | None = None,
        amounts: Amounts = "purchases",
        buyers: pd.DataFrame | None = None,
    ) -> None:
        self.model, self.each, self.keys = model, customers_of(kept), keys_of(kept)
        self.customers = int(self.each.sum())
        self.spread = kept["spread"].to_numpy() if "spread" in kept else np.zeros(len(kept))
        spending = kept if buyers is None else buyers
        self.buyer_keys = keys_of(spending)
        kept, self.covariates = with_covariates(kept, covariates)
        columns = ["repeats", "last", "age", *self.covariates]
        distinct, self.count, self.which = kinds(kept, columns, self.each)
        self.data: Data = (distinct[:, 0], distinct[:, 1], distinct[:, 2])
        self.design = design_of(model, distinct[:, 3:])
        self.paid, self.mean = kept[["paid", "mean_amount"]].to_numpy(float).T
        paid, mean, log = spending[["paid", "mean_amount", "mean_log"]].to_numpy(float).T
        self.buyers = paid > 0
        if (again := int(self.buyers.sum())) < LEAST_REPEATERS:
            raise InsufficientData(
                _(
                    "{again} of {customers:count} customers bought again for an amount; at least "
                    "{least:count} are needed for a forecast. Choose a longer period or more "
                    "customers.",
                    again=disclosure.count_in_words(again),
                    customers=len(spending),
                    least=LEAST_REPEATERS,
                )
            )
        start = np.zeros(4 + 2 * len(self.covariates))
        start[1] = np.log(max(np.average(self.data[2], weights=self.count), 1e-3))
        if model == "pareto_nbd":
            start[3] = start[1]
        try:
            self.purchase = maximise(PURCHASE[model], self.data, self.count, start, self.design)
            money = [column[self.buyers] for column in (paid, mean)]
            money += [log[self.buyers]] if amounts == "purchases" else []
            begin = np.log([1.0, 2.0, max(float(np.mean(money[1])), 1e-6)])
            self.amount = maximise(loglik.gamma_gamma, tuple(money), np.ones(again), begin)
        except NoMaximum as error:
            raise InsufficientData(
                _(
                    "{again:count} of {customers:count} customers bought again: they are too few, "
                    "or too alike, for a forecast by this model. Choose a longer period, more "
                    "customers, or the other model.",
                    again=again,
                    customers=len(spending),
                )
            ) from error
        self.correlation = (
            float(np.corrcoef(money[0], money[1])[0, 1]) if np.std(money[0]) > 0 else 0.0
        )

    def own(self, at: np.ndarray | None = None) -> np.ndarray:
        """Parameters of the purchase model, (4,) or, with covariates, of each kind (4, u)."""
        return parameters_of(self.purchase.at if at is None else at, self.design)

    def by_kind(self, at: np.ndarray, weeks: float, discount: float, margin: float) -> np.ndarray:
        """Probability of being active, purchases, and those discounted, of each kind (u, 3)."""
        terms = weeks, discount
        return predictions.measures(self.model, self.own(at), *self.data, *terms) * [1, 1, margin]

    def values(self, at: np.ndarray, money: np.ndarray, *terms: float) -> np.ndarray:
        """`individual_values` at other parameters; the value is NaN where it has no bound."""
        values = self.by_kind(at, *terms)[self.which]
        try:
            values[:, 2] *= predictions.amount(np.exp(money), self.paid, self.mean)
        except ArithmeticError:
            values[:, 2] = np.nan
        return values

    def refits(self, times: np.ndarray, bought: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parameters of both models in draws of the customers of each row so many `times`.

        (draws, rows), and `bought` of those from whom amounts are learned.
        """
        kinds_of = self.which[:, None] == np.arange(len(self.count))
        return self.purchase.refits(times @ kinds_of), self.amount.refits(bought[:, self.buyers])

    def names(self) -> list[str]:
        """Of all parameters, in the order they stand in `Maximum.at`, amounts last."""
        named = [i18n.label(column) for column in self.covariates]
        return [
            *NAMES[self.model],
            *(_("{covariate}: how fast they buy", covariate=name) for name in named),
            *(_("{covariate}: how soon they leave", covariate=name) for name in named),
            *AMOUNT,
        ]

    def amount_parts(self) -> np.ndarray:
        """What each of the customers in rows adds to the derivatives of the spending model."""
        money = np.zeros((len(self.buyers), self.amount.parts.shape[1]))
        money[self.buyers] = self.amount.parts
        return money

    def value_variance(self, values: np.ndarray) -> np.ndarray:
        """How much the value of `individual_values` varies among the customers of each row."""
        v, paid = np.exp(self.amount.at[2]), np.nan_to_num(self.mean) * self.paid
        return self.spread * (values[:, 2] * self.paid / (v + paid)) ** 2

    def resample(self, values: np.ndarray, draws: int, seed: int) -> np.ndarray:
        """Sums of `values` (rows, p), of one customer each, over draws of customers (draws, p)."""
        return resampling.resample_counted(values, self.each, self.keys, draws, seed)

    def resample_buyers(self, values: np.ndarray, draws: int, seed: int) -> np.ndarray:
        """The same of the customers from whom amounts are learned."""
        units = resampling.ResamplingUnits(self.buyer_keys)
        return resampling.resample_sums(values, draws, seed, units)


def individual_values(
    fit: PurchaseModel, weeks: float, discount: float, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of being active, purchases and value of each row's customers, and gradients.

    Values are (rows, 3); gradients in the logarithms of all parameters (rows, 3, 4 + 3).
    """

    def by_kind(at: np.ndarray) -> np.ndarray:
        return fit.by_kind(at, weeks, discount, margin)

    def by_amount(at: np.ndarray) -> np.ndarray:
        return predictions.amount(np.exp(at), fit.paid, fit.mean)

    at, money = fit.purchase.at, fit.amount.at
    paid, values = by_amount(money), by_kind(at)[fit.which]
    gradients = np.zeros((len(paid), 3, len(at) + len(money)))
    gradients[:, :, : len(at)] = gradient(by_kind, at)[fit.which]
    gradients[:, 2, : len(at)] *= paid[:, None]
    gradients[:, 2, len(at) :] = values[:, 2, None] * gradient(by_amount, money)
    values[:, 2] *= paid
    return values, gradients


def gradient(of: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Central differences by each of the parameters, on a last axis."""
    steps = STEP * np.eye(len(at))
    return np.stack([(of(at + step) - of(at - step)) / (2 * STEP) for step in steps], -1)


def with_covariates(
    kept: pd.DataFrame, covariates: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    """The customers with their covariates, and the names of these; ValueError where some lack."""
    if covariates is None:
        return kept, []
    if text := [c for c in covariates if not pd.api.types.is_numeric_dtype(covariates[c])]:
        raise ValueError(f"covariates {text} hold no numbers. Make a column of 0 and 1 a level.")
    if taken := sorted(set(covariates) & set(kept)):
        raise ValueError(f"covariates {taken} have names that purchases use. Rename them.")
    joined = kept.join(covariates.astype(float), on="customer_id")
    if blank := int(joined[list(covariates)].isna().any(axis=1).sum()):
        raise ValueError(
            f"{blank:,} of {len(kept):,} customers lack a covariate. Fill it in, or leave their "
            "orders out."
        )
    return joined, list(covariates)


def design_of(model: Purchase, moving: np.ndarray) -> np.ndarray | None:
    """How each logarithm of the parameters moves with its own and the covariates' coefficients.

    Purchases: alpha * exp(-z @ g). Leaving: a and b * exp(z @ d), or beta * exp(-z @ d). Comes
    back as (u, 4, 4 + 2 * covariates); None without covariates.
    """
    u, k = moving.shape
    if not k:
        return None
    design = np.zeros((u, 4, 4 + 2 * k))
    design[:, :, :4] = np.eye(4)
    design[:, 1, 4 : 4 + k] = -moving
    leaving, sign = ((2, 3), 1) if model != "pareto_nbd" else ((3,), -1)
    for at in leaving:
        design[:, at, 4 + k :] = sign * moving
    return design
