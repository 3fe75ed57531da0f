"""BG/BB: customers who may buy once a period, and may leave before each.

Arrays are as in `loglik`, but times are whole periods: `x` periods with a purchase since the first
one, `last` the latest of them, `age` periods observed. The chance to buy is beta (alpha, beta) over
customers, that to leave before a period is beta (gamma, delta). Fader, Hardie and Shang (2010),
Marketing Science 29(6).
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, digamma, gammaln, logsumexp

from cxlib.value.loglik import trigamma

SIGNS = (1, 1, -1, 1, 1, -1)  # of logarithms of gamma functions in two beta functions
STEPS, CLOSE, ROUGH, FAR = 40, 1e-3, 0.05, 7.0  # of Newton's method for draws, on logarithms
BLOCK = 64  # draws at once


def bg_bb(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood (u,), gradient (4, u) and Hessian (4, 4, u)."""
    loglik, gradient, hessian = _surfaces(np.reshape(parameters, (4, 1)), x, last, age)
    return loglik[0], gradient[:, 0], hessian[:, :, 0]


def _surfaces(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of many parameters (4, D): (D, u), (4, D, u) and (4, 4, D, u).

    Ways to one history: still active (the first), or left after any period since the last purchase.
    Arguments of gamma functions are a parameter plus a whole number, so that they are looked up.
    """
    places = _ways(x, last, age)[1]
    log = _logs(parameters, x, last, age)
    slopes, bends = (
        [
            of(b[:, None] + np.arange(p.max() + 1.0))
            for b, p in zip(_bases(parameters), places, strict=True)
        ]
        for of in (digamma, trigamma)
    )
    loglik = logsumexp(log, axis=1)
    share = np.exp(log - loglik[:, None])
    buys, skips, both, leaves, stays, ends = (
        t[:, p] - t[:, :1, None] for t, p in zip(slopes, places, strict=True)
    )
    each = np.stack([buys - both, skips - both, leaves - ends, stays - ends])
    gradient = np.einsum("dku,idku->idu", share, each)
    hessian = np.einsum("dku,idku,jdku->ijdu", share, each, each, optimize=True)
    hessian -= gradient[:, None] * gradient
    bent = [
        np.einsum("dku,dku->du", share, t[:, p] - t[:, :1, None])
        for t, p in zip(bends, places, strict=True)
    ]
    for at in (0, 2):
        one, other, whole = bent[:3] if at == 0 else bent[3:]
        hessian[at : at + 2, at : at + 2] -= whole
        hessian[at, at] += one
        hessian[at + 1, at + 1] += other
    return loglik, gradient, hessian


def _bases(parameters: np.ndarray) -> tuple[np.ndarray, ...]:
    """First arguments of the gamma functions, in the order of `SIGNS`."""
    alpha, beta, gamma, delta = parameters
    return alpha, beta, alpha + beta, gamma, delta, gamma + delta


def _logs(parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Logarithm of the probability of each way, (D, k, u)."""
    possible, places = _ways(x, last, age)
    whole = 0.0
    for sign, base, place in zip(SIGNS, _bases(parameters), places, strict=True):
        table = gammaln(base[:, None] + np.arange(place.max() + 1.0))
        whole = whole + sign * (table[:, place] - table[:, :1, None])
    return np.where(possible, whole, -np.inf)


def _ways(
    x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Which ways are possible, and what is added to the parameters in each: (k, u) whole numbers.

    In the order of `_bases`.
    """
    x, last, age = (np.asarray(a).astype(int) for a in (x, last, age))
    most = int((age - last).max(initial=0))
    lived = np.vstack([age, last + np.arange(most)[:, None]])
    left = np.zeros_like(lived)
    left[1:] = 1
    possible = np.vstack([np.ones(len(x), bool), lived[1:] < age])
    return possible, (x + 0 * lived, lived - x, lived, left, lived, lived + left)


def refits(
    start: np.ndarray, counts: np.ndarray, data: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """Logarithms of the parameters at the maximum of each draw, (D, 4); NaN where there is none.

    `start` (4,) are those of the sample, `counts` (D, u) the customers of each kind in the draws.
    Where the customers of a draw are too alike for a maximum, parameters end at `FAR`, beyond
    which the forecast hardly changes.
    """
    blocks = np.array_split(counts, max(1, len(counts) // BLOCK))
    return np.concatenate([_refitted(start, block, data) for block in blocks])


def _refitted(start: np.ndarray, counts: np.ndarray, data: tuple[np.ndarray, ...]) -> np.ndarray:
    at, moved = np.tile(start, (len(counts), 1)), np.full(len(counts), np.inf)
    length, here = np.ones(len(counts)), _summed(at, counts, data)
    for _step in range(STEPS):
        left = np.flatnonzero(moved > CLOSE)
        if not len(left):
            break
        loglik, gradient, hessian = (part[left] for part in here)
        values, vectors = np.linalg.eigh(hessian)
        values = np.maximum(np.abs(values), 1e-8 * np.abs(values).max(1, keepdims=True))
        step = np.einsum("dij,dj,dkj,dk->di", vectors, 1 / values, vectors, gradient)
        step *= np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(1), 1e-300))[:, None]
        ahead = np.clip(at[left] + length[left, None] * step, -FAR, FAR)
        new = _summed(ahead, counts[left], data)
        better = new[0] >= loglik - 1e-9 * np.abs(loglik)
        length[left] = np.where(better, np.minimum(1.0, 4 * length[left]), length[left] / 4)
        climbed = left[better]
        moved[climbed] = np.abs(ahead - at[left])[better].max(1)
        at[climbed] = ahead[better]
        for part, part_new in zip(here, new, strict=True):
            part[climbed] = part_new[better]
    return np.where(moved[:, None] < ROUGH, at, np.nan)


def _summed(
    at: np.ndarray, counts: np.ndarray, data: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood (D,), gradient (D, 4) and Hessian (D, 4, 4) in the logarithms `at` (D, 4)."""
    own = np.exp(at)
    parts = _surfaces(own.T, *data)
    loglik, gradient, hessian = (np.einsum("...du,du->d...", f, counts) for f in parts)
    gradient = gradient * own
    hessian = hessian * own[:, None] * own[:, :, None]
    hessian[:, range(4), range(4)] += gradient
    return loglik, gradient, hessian


def active(parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray) -> np.ndarray:
    """The probability that the customer is still active in the period after `age`, (u,)."""
    return _ahead(parameters, x, last, age, np.ones(1), 0)


def purchases(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray, ahead: int
) -> np.ndarray:
    """Purchases expected in the next `ahead` periods, (u,)."""
    return _ahead(parameters, x, last, age, np.arange(1.0, ahead + 1), 1)


def _ahead(
    parameters: np.ndarray,
    x: np.ndarray,
    last: np.ndarray,
    age: np.ndarray,
    periods: np.ndarray,
    bought: int,
) -> np.ndarray:
    """The probability to be active in a period after `age`, and to buy if `bought`; summed."""
    alpha, beta, gamma, delta = parameters
    log = betaln(alpha + x + bought, beta + age - x)
    stays = betaln(gamma, delta + age + periods[:, None])
    whole = logsumexp(_logs(np.reshape(parameters, (4, 1)), x, last, age)[0], axis=0)
    whole += betaln(alpha, beta) + betaln(gamma, delta)
    return np.exp(log + stays - whole).sum(0)
