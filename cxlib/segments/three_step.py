"""Which class members belong to, explained by covariates, with errors of placing undone.

    fit_membership(x, placed, taken, w)                  # by maximum likelihood ("ml")
    fit_membership(x, placed, taken, w, method="bch")
    fit_outcome(y, placed, taken, w, size, share=False)  # means of an outcome by maximum likelihood

Customers are placed in their likeliest class and are wrong now and then; `taken` says how often
each class is taken for each other. A multinomial logit of the placed class is therefore too flat.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Method = Literal["ml", "bch", "plain"]
MOST_STEPS, MOST_ROUNDS = 100, 1000
SETTLED, NARROW = 1e-7, 1e-3  # of a mean, in spreads; least variance, of that of all
ENDLESS = 30.0  # log-odds of a covariate of spread one that stand for infinity


def taken_for(inside: np.ndarray, placed: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Share of each class (rows) whose members are placed in each (columns): (k, k).

    Parameters
    ----------
    inside : probability of each class, (n, k)
    placed : code of the class each customer was placed in, (n,)
    w : weights, (n,)

    Examples
    --------
    >>> inside = np.array([[0.9, 0.1], [0.3, 0.7]])
    >>> taken_for(inside, np.array([0, 1]), np.ones(2)).round(3).tolist()
    [[0.75, 0.25], [0.125, 0.875]]
    """
    there = (placed[:, None] == np.arange(inside.shape[1])) * w[:, None]
    both = inside.T @ there
    return both / both.sum(1, keepdims=True)


def fit_membership(
    x: np.ndarray,
    placed: np.ndarray,
    taken: np.ndarray,
    w: np.ndarray,
    method: Method = "ml",
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients of a multinomial logit of the true class, (k - 1, q), the first class the base.

    Parameters
    ----------
    x : covariates with ones first, (n, q)
    placed, w : as in `taken_for`
    taken : of `taken_for`
    method : "ml" takes the placed class for a single answer with known errors; "bch" turns every
        placing into weights of all classes, some of them negative; "plain" believes the placing
    start : coefficients to climb from

    Raises
    ------
    ArithmeticError : no maximum, as where a covariate separates classes or classes cannot be told
        apart

    References
    ----------
    Bolck, Croon and Hagenaars (2004), Political Analysis 12; Vermunt (2010), Political Analysis 18.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> fit_membership(x, np.array([0, 1, 0, 1]), np.eye(2), np.ones(4)).round(3).tolist()
    [[0.0, 0.0]]
    """
    errors = np.eye(len(taken)) if method == "plain" else taken
    given = _inverse(taken)[placed] if method == "bch" else None
    b = np.zeros((len(taken) - 1, x.shape[1])) if start is None else start
    height, gradient, curvature = _likelihood(x, b, errors[:, placed].T, given, w)
    for _ in range(MOST_STEPS):
        step, size = np.linalg.solve(curvature, gradient).reshape(b.shape), 1.0
        while (new := _likelihood(x, b + size * step, errors[:, placed].T, given, w))[0] < (
            height - 1e-9 * abs(height)
        ) and size > 1e-6:
            size /= 2
        b, (height, gradient, curvature) = b + size * step, new
        if not np.abs(b).max() < ENDLESS:
            break
        if np.abs(step).max() < 1e-8:
            return b
    raise ArithmeticError("the coefficients of class membership do not settle.")


def fit_outcome(
    y: np.ndarray,
    placed: np.ndarray,
    taken: np.ndarray,
    w: np.ndarray,
    size: np.ndarray,
    *,
    share: bool,
) -> np.ndarray:
    """Mean of an outcome in each true class, (k,), by maximum likelihood.

    The placed class is a single answer with known errors; means and, of numbers, variances of the
    classes are estimated by EM. Classes keep their sizes of the first step.

    Parameters
    ----------
    y : outcome, (n,), complete
    placed, taken, w : as in `fit_membership`
    size : share of each class, (k,)
    share : whether the outcome is yes (1) or no (0); a number is taken to be normal in a class

    References
    ----------
    Vermunt (2010), Political Analysis 18; Bakk, Tekle and Vermunt (2013), Sociological
    Methodology 43.

    Examples
    --------
    >>> y, placed = np.array([0.0, 1, 1, 1]), np.array([0, 0, 1, 1])
    >>> fit_outcome(y, placed, np.eye(2), np.ones(4), np.ones(2) / 2, share=True).round(3).tolist()
    [0.5, 1.0]
    """
    # Rows alike in both count once: draws of ratings are then quick.
    cells, at = np.unique(np.column_stack([placed, y]), axis=0, return_inverse=True)
    w, y = np.bincount(at.ravel(), w, len(cells)), cells[:, 1]
    errors = taken[:, cells[:, 0].astype(int)].T
    centre = w @ y / w.sum()
    spread = np.sqrt(w @ (y - centre) ** 2 / w.sum())
    z = y if share or not spread else (y - centre) / spread
    inside = errors / errors.sum(1, keepdims=True)
    mean = np.full(len(taken), np.inf)
    for _ in range(MOST_ROUNDS):
        total = np.maximum(w @ inside, 1e-300)
        before, mean = mean, (w * z) @ inside / total
        if share:
            mean = np.clip(mean, 1e-9, 1 - 1e-9)
            chance = np.where(z[:, None] > 0, mean, 1 - mean)
        else:
            variance = (w @ (inside * (z[:, None] - mean) ** 2)) / total
            variance = np.maximum(variance, NARROW)
            apart = (z[:, None] - mean) ** 2 / variance
            chance = np.exp(-0.5 * (apart - apart.min(1, keepdims=True))) / np.sqrt(variance)
        inside = size * chance * errors
        inside /= np.maximum(inside.sum(1, keepdims=True), 1e-300)
        if np.abs(mean - before).max() < SETTLED:
            break
    return mean if share else mean * (spread or 1.0) + centre


def _likelihood(
    x: np.ndarray, b: np.ndarray, errors: np.ndarray, given: np.ndarray | None, w: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood, its gradient and a positive curvature; `errors` (n, k) of the placing."""
    eta = np.column_stack([np.zeros(len(x)), x @ b.T])
    eta -= eta.max(1, keepdims=True)
    chance = np.exp(eta)
    chance /= chance.sum(1, keepdims=True)
    curvature = _curvature(x, w, chance)
    if given is not None:
        value = float(w @ (given * np.log(np.maximum(chance, 1e-300))).sum(1))
    else:
        both = chance * errors
        whole = np.maximum(both.sum(1, keepdims=True), 1e-300)
        value, given = float(w @ np.log(whole[:, 0])), both / whole
        # Less what the unknown class takes away; where that leaves no maximum, a step of EM's kind.
        observed = curvature - _curvature(x, w, given)
        if np.linalg.eigvalsh(observed)[0] > 1e-6 * np.linalg.eigvalsh(curvature)[-1]:
            curvature = observed
    gradient = ((w[:, None] * (given - chance))[:, 1:].T @ x).ravel()
    return value, gradient, curvature + 1e-12 * np.trace(curvature) * np.eye(len(curvature))


def _curvature(x: np.ndarray, w: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Of a multinomial logit with these shares (n, k), the base class left out."""
    k, q = share.shape[1] - 1, x.shape[1]
    out = np.empty((k, q, k, q))
    for a in range(k):
        for c in range(k):
            own = share[:, a + 1] * ((a == c) - share[:, c + 1])
            out[a, :, c] = (x * (w * own)[:, None]).T @ x
    return out.reshape(k * q, k * q)


def _inverse(taken: np.ndarray) -> np.ndarray:
    """What each placing says of all classes, (placed, true); ArithmeticError where it says none."""
    if not np.isfinite(taken).all() or np.linalg.cond(taken) > 1e6:
        raise ArithmeticError("classes are placed so badly that errors cannot be undone.")
    return np.linalg.inv(taken)
