"""How R² is shared out among drivers, from covariances alone.

`cov` is (..., 1 + k, 1 + k) with the outcome first, and the answer (..., k): one sample and its
thousand draws are the same call. Shares come out as parts of R², which they add up to.
"""

from __future__ import annotations

from math import comb

import numpy as np

MOST_EXACT = 16  # drivers whose subsets are all fitted: 2**16 regressions
MOST_SAMPLED = 60  # drivers taken in by sampling orders of entry
ORDERS = 256  # orders sampled beyond MOST_EXACT; each also backwards
LEAST_PIVOT = 1e-10  # of a driver's variance that the others must leave unexplained
TOGETHER = 1 << 17  # regressions held at once, so that they stay in the processor's cache


def shapley(cov: np.ndarray) -> np.ndarray:
    """Average gain in R² from adding each driver, over every order of entry.

    Lindeman, Merenda and Gold (1980); the Shapley value of R². NaN where drivers are copies of one
    another. Beyond MOST_EXACT drivers use `sampled_shapley`.
    """
    k = cov.shape[-1] - 1
    flat = np.moveaxis(cov.reshape(-1, k + 1, k + 1), 0, -1)
    flat = np.roll(flat, -1, axis=(0, 1))  # outcome last
    block = max(1, TOGETHER >> k)
    parts = [
        _share_out(_all_fits(flat[..., i : i + block]), k) for i in range(0, flat.shape[-1], block)
    ]
    return np.concatenate(parts, axis=-1).T.reshape(*cov.shape[:-2], k)


def _all_fits(cov: np.ndarray) -> np.ndarray:
    """R² on every subset of drivers, (2**k, D); driver j is in subset s when bit k-1-j of s is set.

    Driver by driver, each subset met so far is kept without it and swept by it (one rank-one
    update), so that a regression costs about as many steps as there are drivers still to come.
    """
    k, draws = len(cov) - 1, cov.shape[-1]
    own = np.einsum("iid->id", cov)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = cov / np.sqrt(
            own[:, None] * own[None, :]
        )  # correlations: pivots are 1 - R² of a driver
        for _ in range(k):
            pivot = rest[0, 0]
            slopes = rest[0, 1:] / np.where(pivot > LEAST_PIVOT, pivot, np.nan)
            after, m = rest[1:, 1:], len(rest) - 1
            both = np.empty((m, m, 2, rest.shape[-1]))
            both[:, :, 0] = after
            np.multiply(rest[0, 1:, None], slopes, out=both[:, :, 1])
            np.subtract(after, both[:, :, 1], out=both[:, :, 1])
            # subset-major: the newest driver is the lowest bit
            both = both.reshape(m, m, 2, -1, draws).swapaxes(2, 3)
            rest = both.reshape(m, m, -1)
    return 1 - rest[0, 0].reshape(-1, draws)


def _share_out(fits: np.ndarray, k: int) -> np.ndarray:
    """Shapley values (k, D) of the worths `fits` (2**k, D) of all subsets."""
    size = np.bitwise_count(np.arange(len(fits))).astype(int)
    joining = np.array([1 / (k * comb(k - 1, s)) for s in range(k)])
    gained = np.r_[0, joining][size]  # weight of a subset for a member: it was just joined
    missed = np.r_[joining, 0][size]  # and for an outsider: it is about to be joined
    member, outsider = fits * (gained + missed)[:, None], (missed @ fits)
    shares = np.empty((k, fits.shape[1]))
    for j in range(k):
        halves = member.reshape(2, -1, fits.shape[1])
        shares[j] = halves[1].sum(0) - outsider
        member = halves[0] + halves[1]
    return shares


def sampled_shapley(
    cov: np.ndarray, seed: int, orders: int = ORDERS
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values from random orders of entry, each also taken backwards: (values, errors).

    Castro, Gómez and Tejada (2009). `errors` are the standard errors of the sampling of orders,
    same shape; all draws use the same orders.
    """
    k = cov.shape[-1] - 1
    rng = np.random.default_rng(seed)
    total, squares = np.zeros((*cov.shape[:-2], k)), np.zeros((*cov.shape[:-2], k))
    for _ in range(orders):
        order = rng.permutation(k)
        pair = (_gains(cov, order) + _gains(cov, order[::-1])) / 2
        total += pair
        squares += pair**2
    mean = total / orders
    return mean, np.sqrt(np.maximum(squares / orders - mean**2, 0) / (orders - 1))


def _gains(cov: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Gain in R² of each driver when they enter in this order, (..., k)."""
    at = np.r_[1 + order, 0]
    lower = _cholesky(cov[..., at[:, None], at])
    gains = np.empty((*cov.shape[:-2], len(order)))
    gains[..., order] = lower[..., -1, :-1] ** 2 / cov[..., :1, 0]
    return gains


def _cholesky(cov: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:  # some draw has copies: leave that one out
        sound = np.linalg.eigvalsh(cov)[..., 0] > 0
        safe = np.where(sound[..., None, None], cov, np.eye(cov.shape[-1]))
        return np.where(sound[..., None, None], np.linalg.cholesky(safe), np.nan)


def johnson(cov: np.ndarray) -> np.ndarray:
    """Relative weights, parts of R²: Johnson (2000), Multivariate Behavioral Research 35(1).

    The drivers are replaced by the uncorrelated variables nearest to them, and the shares of these
    handed back.
    """
    deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    cor = cov / (deviation[..., :, None] * deviation[..., None, :])
    sound = np.isfinite(cor).all((-2, -1))[..., None]
    values, vectors = np.linalg.eigh(
        np.where(sound[..., None], cor[..., 1:, 1:], np.eye(cov.shape[-1] - 1))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.where(values > LEAST_PIVOT, values, np.nan))
        half = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        inverse = (vectors / root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    slopes = (inverse @ cor[..., 1:, :1])[..., 0]
    return np.where(sound, (half**2 @ slopes[..., None] ** 2)[..., 0], np.nan)


def r_squared(cov: np.ndarray) -> np.ndarray:
    """R² of the outcome on all drivers, (...,)."""
    lower = _cholesky(np.roll(cov, -1, axis=(-2, -1)))
    return (lower[..., -1, :-1] ** 2).sum(-1) / cov[..., 0, 0]
