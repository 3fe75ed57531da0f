"""What a fitted purchase model predicts of customers: still active, purchases, their value.

All functions are of arrays, a row a kind of customer: `own` is the model's parameters (p,) or
(p, u), `x`, `last`, `age` as in `loglik`, `ahead` weeks from now.
"""

from __future__ import annotations

import numpy as np
from scipy.special import hyp2f1

from cxlib.value import loglik

NODES, WEIGHTS = np.polynomial.legendre.leggauss(6)
WEEKS_A_YEAR = 365.25 / 7


def purchases(
    model: str,
    own: np.ndarray,
    x: np.ndarray,
    last: np.ndarray,
    age: np.ndarray,
    ahead: float | np.ndarray,
) -> np.ndarray:
    """Purchases expected within `ahead` weeks, (u,)."""
    return _each(model, own, x, age, ahead) * active(model, own, x, last, age)


def active(
    model: str, own: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> np.ndarray:
    """The probability that the customer is still active, (u,)."""
    if model == "pareto_nbd":
        return loglik.pareto_nbd_active(own, x, last, age)
    return loglik.bg_nbd_active(own, x, last, age, int(model == "mbg_nbd"))


def measures(
    model: str,
    own: np.ndarray,
    x: np.ndarray,
    last: np.ndarray,
    age: np.ndarray,
    ahead: float,
    discount: float,
) -> np.ndarray:
    """`active`, `purchases`, and these each worth less the later it comes, (u, 3)."""
    here = active(model, own, x, last, age)
    come = _each(model, own, x, age, ahead)
    worth = _each_discounted(model, own, x, age, ahead, discount)
    return np.column_stack([here, come * here, here * worth])


def _each_discounted(
    model: str, own: np.ndarray, x: np.ndarray, age: np.ndarray, ahead: float, discount: float
) -> np.ndarray:
    """Of an active customer, by the rate `discount` a year.

    Integrated by parts, so that only the expected number by each of a few times is needed.
    """
    rate = np.log1p(discount) / WEEKS_A_YEAR
    total = np.exp(-rate * ahead) * _each(model, own, x, age, ahead)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        when = ahead * (1 + node) / 2
        total = total + rate * weight * ahead / 2 * np.exp(-rate * when) * _each(
            model, own, x, age, when
        )
    return total


def amount(own: np.ndarray, x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What a purchase of each customer is expected to be worth, (u,): the mean where x is 0.

    Raises ArithmeticError where q <= 1: then the mean over customers has no bound.
    """
    p, q, v = own
    if not q > 1:
        raise ArithmeticError(f"q is {q:.3g}: the mean amount over customers has no bound.")
    paid = np.where(x > 0, np.nan_to_num(mean), 0.0)
    return p * (v + x * paid) / (p * x + q - 1)


def _each(
    model: str, own: np.ndarray, x: np.ndarray, age: np.ndarray, ahead: float | np.ndarray
) -> np.ndarray:
    """Purchases within `ahead` weeks of an active customer."""
    if model != "pareto_nbd":
        r, alpha, a, b = own
        k = x + (model == "mbg_nbd")  # how often the customer could have left
        a = np.where(np.abs(a - 1) < 1e-6, 1 + 1e-6, a)
        shape = hyp2f1(r + x, b + k, a + b + k - 1, ahead / (alpha + age + ahead))
        shape = shape * ((alpha + age) / (alpha + age + ahead)) ** (r + x)
        return (a + b + k - 1) / (a - 1) * (1 - shape)
    r, alpha, s, beta = own
    s = np.where(np.abs(s - 1) < 1e-6, 1 + 1e-6, s)
    left = 1 - ((beta + age) / (beta + age + ahead)) ** (s - 1)
    return (r + x) * (beta + age) / ((alpha + age) * (s - 1)) * left
