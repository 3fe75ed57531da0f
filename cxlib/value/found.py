"""Both models at their maximum on one set of customers, and what they expect of each."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.enough import Unfit, few
from cxlib.value import expected, models
from cxlib.value.histories import kinds
from cxlib.value.likelihood import NoMaximum, climb, parameters_of

Purchase = Literal["bg_nbd", "pareto_nbd"]
Amounts = Literal["purchases", "means"]
NAMES = {"bg_nbd": ("r", "alpha", "a", "b"), "pareto_nbd": ("r", "alpha", "s", "beta")}
PURCHASE = {"bg_nbd": models.bg_nbd, "pareto_nbd": models.pareto_nbd}
AMOUNT = ("p", "q", "v")
LEAST_REPEATERS = 30
STEP = 1e-4  # of a logarithm, for derivatives of what is expected


class Found:
    """Both models at their maximum, on the distinct kinds of customers."""

    def __init__(
        self,
        kept: pd.DataFrame,
        model: Purchase,
        covariates: pd.DataFrame | None = None,
        amounts: Amounts = "purchases",
    ) -> None:
        self.model, self.customers = model, len(kept)
        kept, self.moved_by = joined_to(kept, covariates)
        columns = ["repeats", "last", "age", *self.moved_by]
        distinct, self.count, self.which = kinds(kept, columns)
        self.data = tuple(distinct[:, :3].T)
        self.design = design_of(model, distinct[:, 3:])
        self.paid, self.mean, log = kept[["paid", "mean_amount", "mean_log"]].to_numpy(float).T
        buyers = self.paid > 0
        if (again := int(buyers.sum())) < LEAST_REPEATERS:
            raise Unfit(
                _(
                    "{again} of {customers:count} customers bought again for an amount; at least "
                    "{least:count} are needed to tell what is to come. Take a longer time, or "
                    "more customers.",
                    again=few(again),
                    customers=len(kept),
                    least=LEAST_REPEATERS,
                )
            )
        start = np.zeros(4 + 2 * len(self.moved_by))
        start[1] = np.log(max(np.average(self.data[2], weights=self.count), 1e-3))
        if model == "pareto_nbd":
            start[3] = start[1]
        try:
            self.purchase = climb(PURCHASE[model], self.data, self.count, start, self.design)
            money = [self.paid[buyers], self.mean[buyers]]
            money += [log[buyers]] if amounts == "purchases" else []
            begin = np.log([1.0, 2.0, max(float(np.mean(money[1])), 1e-6)])
            self.amount = climb(models.gamma_gamma, tuple(money), np.ones(again), begin)
        except NoMaximum as error:
            raise Unfit(
                _(
                    "{again:count} of {customers:count} customers bought again: they are too few, "
                    "or too alike, for the model to tell what is to come. Take a longer time, "
                    "more customers, or the other model.",
                    again=again,
                    customers=len(kept),
                )
            ) from error
        self.buyers = buyers
        self.apart = float(np.corrcoef(money[0], money[1])[0, 1]) if np.std(money[0]) > 0 else 0.0

    def own(self, at: np.ndarray | None = None) -> np.ndarray:
        """Parameters of the purchase model, (4,) or, with covariates, of each kind (4, u)."""
        return parameters_of(self.purchase.at if at is None else at, self.design)

    def names(self) -> list[str]:
        """Of all parameters, in the order they stand in `Summit.at`, amounts last."""
        moved = [i18n.label(column) for column in self.moved_by]
        return [
            *NAMES[self.model],
            *(_("{covariate}: how fast they buy", covariate=name) for name in moved),
            *(_("{covariate}: how soon they leave", covariate=name) for name in moved),
            *AMOUNT,
        ]

    def parts(self) -> np.ndarray:
        """What each customer adds to the derivatives of both models, (customers, ...)."""
        money = np.zeros((self.customers, self.amount.parts.shape[1]))
        money[self.buyers] = self.amount.parts
        return np.hstack([self.purchase.parts[self.which], money])


class Worth:
    """alive, purchases and worth of each customer, and how they move with the parameters."""

    def __init__(self, found: Found, weeks: float, discount: float, margin: float) -> None:
        self.found, self.weeks, self.discount, self.margin = found, weeks, discount, margin

    def each(self) -> tuple[np.ndarray, np.ndarray]:
        """Values (customers, 3), and their slopes in the logarithms (customers, 3, 4 + 3)."""
        found = self.found
        at, money = found.purchase.at, found.amount.at
        kind, paid = self._kinds(at), self._amounts(money)
        by_kind = np.stack([slope_of(self._kinds, at, j) for j in range(len(at))], -1)
        by_money = np.stack([slope_of(self._amounts, money, j) for j in range(len(money))], -1)
        whole = kind[found.which]
        slopes = np.zeros((found.customers, 3, len(at) + len(money)))
        slopes[:, :, : len(at)] = by_kind[found.which]
        slopes[:, 2, : len(at)] *= paid[:, None]
        slopes[:, 2, len(at) :] = whole[:, 2, None] * by_money
        whole[:, 2] *= paid
        return whole, slopes

    def _kinds(self, at: np.ndarray) -> np.ndarray:
        own, data, model = self.found.own(at), self.found.data, self.found.model
        return np.column_stack(
            [
                expected.alive(model, own, *data),
                expected.purchases(model, own, *data, self.weeks),
                self.margin * expected.discounted(model, own, *data, self.weeks, self.discount),
            ]
        )

    def _amounts(self, at: np.ndarray) -> np.ndarray:
        return expected.amount(np.exp(at), self.found.paid, self.found.mean)


def slope_of(of, at: np.ndarray, j: int) -> np.ndarray:
    step = STEP * (np.arange(len(at)) == j)
    return (of(at + step) - of(at - step)) / (2 * STEP)


def joined_to(
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
    leaving, sign = ((2, 3), 1) if model == "bg_nbd" else ((3,), -1)
    for at in leaving:
        design[:, at, 4 + k :] = sign * moving
    return design
