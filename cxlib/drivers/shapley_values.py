"""How R² is shared out among drivers, from covariances alone.

`cov` is (..., 1 + k, 1 + k) with the outcome first, and the answer (..., k): one sample and its
thousand draws are the same call. Shares come out as parts of R², which they add up to. `players`
are groups of drivers that enter together (a factor's categories, a block of questions), as lists
of their places; without it every driver is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb

import numpy as np

from cxlib.stats import linear_algebra

MOST_EXACT = 20  # players whose subsets are all fitted for the estimate: 2**20 regressions
MOST_DRAWN = 16  # and for every draw
MOST_SAMPLED = 60  # players taken in by sampling orders of entry
ORDERS = 1024  # orders sampled beyond; each also backwards
ORDERS_DRAWN = 2  # and for every draw, with their rotations
LEAST_PIVOT = 1e-10  # of a driver's variance that the others must leave unexplained
BLOCK = 1 << 18  # regressions held at once, so that they stay in the processor's cache

Players = Sequence[Sequence[int]]


def shapley(cov: np.ndarray, players: Players | None = None) -> np.ndarray:
    """Average gain in R² from adding each player, over every order of entry: (..., players).

    Lindeman, Merenda and Gold (1980); the Shapley value of R². NaN where single drivers are copies
    of one another; inside a group a copy adds nothing. Beyond MOST_EXACT use `sampled_shapley`.
    """
    k = cov.shape[-1] - 1
    players = _each(k) if players is None else players
    flat = _correlations(cov, players)
    block = max(1, BLOCK >> len(players))
    fits = (
        _subset_fits(flat[..., i : i + block], players) for i in range(0, flat.shape[-1], block)
    )
    parts = [shapley_of_subsets(f) for f in fits]
    return np.concatenate(parts, axis=-1).T.reshape(*cov.shape[:-2], len(players))


def _each(k: int) -> list[list[int]]:
    return [[j] for j in range(k)]


def _correlations(cov: np.ndarray, players: Players) -> np.ndarray:
    """Correlations with draws last, drivers in the order of players, and the outcome at the end."""
    at = [1 + j for members in players for j in members] + [0]
    flat = np.moveaxis(cov.reshape(-1, *cov.shape[-2:])[:, at][:, :, at], 0, -1)
    deviation = np.sqrt(np.einsum("iid->id", flat))
    grouped = np.array([len(m) > 1 for m in players for _ in m] + [False])
    deviation[grouped] = np.where(deviation[grouped] > 0, deviation[grouped], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return flat / deviation[:, None] / deviation


def _subset_fits(cor: np.ndarray, players: Players) -> np.ndarray:
    """R² on every subset of players, (2**players, D); bit j of the subset's number is player j.

    Covariances of what is still to come, given each subset met so far, lie side by side, subsets
    and draws last. Adding a player writes the swept half beside the old one (a rank-one update for
    each of its members), so a regression costs about four numbers, whatever the number of drivers.
    """
    k, draws = len(cor) - 1, cor.shape[-1]
    owner = [p for p, members in enumerate(players) for _ in members] + [len(players)]
    rows = []
    for i in range(k + 1):
        rows.append(np.empty((k + 1 - i, draws << owner[i])))
        rows[i][:, :draws] = cor[i, i:]
    spare = np.empty((k + 1, draws << max(len(players) - 1, 0)))
    for g in range(k):
        old, first = draws << owner[g], g == 0 or owner[g - 1] != owner[g]
        alone = first and owner[g + 1] != owner[g]
        pivot = rows[g][0]
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = rows[g][1:] / np.where(pivot > LEAST_PIVOT, pivot, np.nan if alone else np.inf)
        for i in range(g + 1, k + 1):
            inside = owner[i] == owner[g]
            source = rows[i][:, :old] if inside or first else rows[i][:, old : 2 * old]
            target = rows[i][:, :old] if inside else rows[i][:, old : 2 * old]
            step = np.multiply(rows[g][i - g :], slopes[i - g - 1], out=spare[: k + 1 - i, :old])
            np.subtract(source, step, out=target)
        rows[g] = np.empty((1, 0))
    return 1 - rows[k][0].reshape(-1, draws)


def shapley_of_subsets(fits: np.ndarray) -> np.ndarray:
    """Shapley values (k, D) of the fits (2**k, D) of all subsets, the empty one first."""
    k = len(fits).bit_length() - 1
    size = np.bitwise_count(np.arange(len(fits))).astype(int)
    joining = np.array([1 / (k * comb(k - 1, s)) for s in range(k)])
    gained = np.r_[0, joining][size]  # weight of a subset for a member: it was just joined
    missed = np.r_[joining, 0][size]  # and for an outsider: it is about to be joined
    member, outsider = fits * (gained + missed)[:, None], missed @ fits
    shares = np.empty((k, fits.shape[1]))
    for j in range(k - 1, -1, -1):
        without, within = np.split(member, 2)
        shares[j] = within.sum(0) - outsider
        member = without + within
    return shares


def decompose(
    cov: np.ndarray, drawn: np.ndarray, seed: int, players: Players
) -> tuple[np.ndarray, float, np.ndarray]:
    """(gains of the sample, their largest sampling error, gains of the draws).

    All subsets where that is quick, else sampled orders of entry. Draws then keep their distance
    from the sample under the same few orders, which cancels most of what these orders miss.
    """
    if len(players) <= MOST_DRAWN:
        return shapley(cov, players), 0.0, shapley(drawn, players)
    few = ORDERS_DRAWN * len(players)
    both, _unused = sampled_shapley(np.concatenate([cov[None], drawn]), seed, few, players)
    if len(players) <= MOST_EXACT:
        values, error = shapley(cov, players), 0.0
    else:
        values, errors = sampled_shapley(cov, seed, players=players)
        error = float(errors.max())
    return values, error, both[1:] + (values - both[0])


def is_sampled_in_draws(k: int) -> bool:
    """Whether `decompose` has exact values of the sample, and sampled ones of the draws."""
    return MOST_DRAWN < k <= MOST_EXACT


def sampled_shapley(
    cov: np.ndarray, seed: int, orders: int = ORDERS, players: Players | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values from random orders of entry, each also taken backwards: (values, errors).

    Castro, Gómez and Tejada (2009). `errors` are the standard errors of the sampling of orders,
    same shape; all draws use the same orders. NaN where a draw has no solution.
    """
    players = _each(cov.shape[-1] - 1) if players is None else players
    cov = _without_zeros(cov)
    # The order of the columns does not decide whether there is a solution: it is asked once.
    known = linear_algebra.solvable(cov)[..., None]
    safe = np.where(known[..., None], cov, np.eye(cov.shape[-1]))
    sampled = over_orders(lambda order: _gains(safe, order, players), len(players), seed, orders)
    values, errors = (np.where(known, part, np.nan) for part in sampled)
    return values, errors


def over_orders(
    gains: Callable[[np.ndarray], np.ndarray], k: int, seed: int, orders: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of `gains(order)` over random orders of k players and their reverses, and its error.

    Each order is taken with its k rotations, so that every player enters at every place equally
    often: a tenth of the orders then has the same error.
    """
    rng, blocks = np.random.default_rng(seed), max(2, -(-orders // k))
    total = squares = np.zeros(())
    for _ in range(blocks):
        first = rng.permutation(k)
        turned = [np.roll(first, place) for place in range(k)]
        mean = sum(gains(order) + gains(order[::-1]) for order in turned) / (2 * k)
        total, squares = total + mean, squares + mean**2
    mean = total / blocks
    return mean, np.sqrt(np.maximum(squares / blocks - mean**2, 0) / (blocks - 1))


def _gains(cov: np.ndarray, order: np.ndarray, players: Players) -> np.ndarray:
    """Gain in R² of each player when they enter in this order, (..., players)."""
    at = np.array([1 + j for p in order for j in players[p]] + [0])
    starts = np.cumsum([0, *(len(players[p]) for p in order[:-1])])
    lower = np.linalg.cholesky(cov[..., at[:, None], at])
    gains = np.empty((*cov.shape[:-2], len(order)))
    gained = np.add.reduceat(lower[..., -1, :-1] ** 2, starts, axis=-1)
    gains[..., order] = gained / cov[..., :1, 0]
    return gains


def _without_zeros(cov: np.ndarray) -> np.ndarray:
    """A category that nobody in a draw belongs to has no variance; give it one, of no avail."""
    empty = np.diagonal(cov, axis1=-2, axis2=-1) == 0
    return cov + empty[..., None] * np.eye(cov.shape[-1]) if empty.any() else cov


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
    lower = linear_algebra.cholesky(np.roll(cov, -1, axis=(-2, -1)))
    return (lower[..., -1, :-1] ** 2).sum(-1) / cov[..., 0, 0]
