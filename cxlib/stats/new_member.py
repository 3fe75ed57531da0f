"""The true value of a member that nobody has measured yet, from measured members of some kinds.

    known = predict_new([3.1, 2.4, 0.2], [0.5, 0.8, 0.4], ["process", "process", "policy"],
                        ["process", "policy", "product"])
    known.mean, known.low, known.high        # with 95% prediction intervals

An estimate varies about the true value of its member with a known variance, true values about the
mean of their kind with a variance A, and means of kinds about the mean of all with a variance B.
Both variances are integrated out under uniform shrinkage (Daniels 1999), here of the variance of
the estimates, which is proper however few members or kinds there are; the mean of all has a flat
prior.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxlib.stats.intervals import LEVEL
from cxlib.stats.partial_pooling import mixture_quantile

FEWEST = 2  # measured members
NODES = 40, 20  # of A, and of B


@dataclass(frozen=True)
class Prediction:
    """True values of new members, one for each kind asked for.

    Attributes
    ----------
    mean : posterior mean, (m,)
    low, high : ends of each prediction interval, (m,)
    within, between : standard deviation of true values within kinds, and of the kinds' means:
        posterior medians
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    within: float
    between: float


def predict_new(
    estimate: ArrayLike,
    variance: ArrayLike,
    kind: Sequence[Hashable],
    wanted: Sequence[Hashable],
    *,
    level: float = LEVEL,
) -> Prediction:
    """Predict the true value of a new member of each kind wanted.

    Parameters
    ----------
    estimate : of each measured member, (k,), 2 or more
    variance : sampling variance of each estimate, (k,)
    kind : of each measured member, (k,)
    wanted : kinds of new members, (m,); one that no measured member is of gets the mean of all,
        with the variance between kinds on top
    level : of the intervals

    Returns
    -------
    Prediction; missing for kinds that no member is of where all members are of one kind, since
    nothing then says how kinds differ

    Raises
    ------
    ValueError : fewer than 2 members, or a variance that is not above 0

    References
    ----------
    Daniels (1999), Canadian Journal of Statistics 27; Higgins, Thompson and Spiegelhalter (2009),
    J. Royal Statistical Society A 172(1), for the prediction interval of a new study.

    Examples
    --------
    >>> estimates, kinds = [3.0, 3.2, 2.8, 0.1, -0.1], ["a", "a", "a", "b", "b"]
    >>> predict_new(estimates, np.full(5, 0.04), kinds, ["a", "b"]).mean.round().tolist()
    [3.0, 0.0]
    """
    y, v = np.asarray(estimate, float), np.asarray(variance, float)
    if len(y) < FEWEST:
        raise ValueError(f"a prediction needs {FEWEST} measured members or more; got {len(y)}.")
    if not (v > 0).all():
        raise ValueError("every estimate needs a sampling variance above 0.")
    kinds = np.array([list(kind).index(k) for k in kind])
    alike = (kinds[:, None] == kinds).astype(float)
    to_new = np.array([[k == w for w in wanted] for k in kind], float)  # (k, m)
    several = len(set(kinds)) > 1
    scale = v.mean() + y.var()  # far enough out also where errors are small
    within, kinds_apart = _nodes(scale, NODES[0]), _nodes(scale, NODES[1])
    grid = np.meshgrid(within, kinds_apart if several else np.zeros(1), indexing="ij")
    a, b = (values.ravel() for values in grid)
    loglik, centre, spread = _given(y, v, alike, to_new, a, b)
    chance = np.exp(loglik - loglik.max())
    chance /= chance.sum()
    unknown = ~to_new.any(0) & (not several)
    low, high = (
        np.where(unknown, np.nan, mixture_quantile(centre, spread, chance, share))
        for share in ((1 - level) / 2, (1 + level) / 2)
    )
    mean = np.where(unknown, np.nan, centre @ chance)
    return Prediction(mean, low, high, _median(a, chance), _median(b, chance))


def _nodes(size: float, count: int) -> np.ndarray:
    """Values of a variance that are equally likely under uniform shrinkage."""
    part = (np.arange(count) + 0.5) / count
    return size * part / (1 - part)


def _given(
    y: np.ndarray,
    v: np.ndarray,
    alike: np.ndarray,
    to_new: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log likelihood of pairs of variances (p,), and what is predicted of new members given each.

    Mean and standard deviation (m, p) of the best linear unbiased prediction.
    """
    k, at = len(y), (slice(None), None, None)
    covariance = np.diag(v) + a[at] * np.eye(k) + b[at] * alike
    of_new = b[at] * to_new
    fixed = np.broadcast_to(np.column_stack([np.ones(k), y]), (len(a), k, 2))
    solved = np.linalg.solve(covariance, np.concatenate([fixed, of_new], axis=2))
    total = solved[..., 0].sum(1)
    mu = solved[..., 1].sum(1) / total
    rest, weights = y - mu[:, None], solved[..., 2:]
    squares = (rest * (solved[..., 1] - mu[:, None] * solved[..., 0])).sum(1)
    loglik = -0.5 * (np.linalg.slogdet(covariance)[1] + np.log(total) + squares)
    centre = mu[:, None] + (rest[..., None] * weights).sum(1)
    variance = (a + b)[:, None] - (of_new * weights).sum(1)
    variance += (1 - weights.sum(1)) ** 2 / total[:, None]
    return loglik, centre.T, np.sqrt(np.maximum(variance, 1e-12 * v.mean())).T


def _median(variance: np.ndarray, chance: np.ndarray) -> float:
    order = np.argsort(variance, kind="stable")
    middle = int(np.searchsorted(np.cumsum(chance[order]), 0.5))
    return float(np.sqrt(variance[order[min(middle, len(order) - 1)]]))
