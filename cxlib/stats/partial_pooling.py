"""Partial pooling: estimates of many small groups, each moved towards the mean of all.

    fit = partial_pooling(estimate, covariance)
    fit.mean, fit.low, fit.high           # posterior mean and 95% interval of each true value
    fit.below(standard)                   # probability that it lies below a standard
    fit.certainly_below(standard)         # those that may be called so in an appraisal
    partial_pooling(estimate, covariance, parent=branch)    # teams towards their branch's mean

The model is normal: an estimate varies about the true value of its group with a known covariance,
and true values about their common mean with a variance A that is integrated out, under the flat
prior on A. With equal variances its posterior mean is the positive-part form of the James-Stein
estimator, and its intervals keep their coverage for few groups (Morris 1983), where those of a
model with A estimated, such as a mixed model's, are too narrow.

With parents there is a second variance, that of the means of parents about the mean of all. Its
prior is that of uniform shrinkage (Daniels 1999), which is proper for any number of parents.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, stdtr

from cxlib.stats.intervals import LEVEL
from cxlib.stats.pvalues import adjusted

LEAST_GROUPS = 4  # with fewer the posterior is improper under the flat prior
Posterior = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
LEAST_UNDER_PARENTS = 2  # with the prior of uniform shrinkage
NODES = 200  # values of A in the numerical integral
NESTED_NODES = 80, 24  # of A, and of the variance between parents
HALVINGS = 36  # of the interval in which a quantile is sought


@dataclass(frozen=True)
class PartialPooling:
    """The posterior of the true values of k groups, a mixture of normals over values of A.

    Attributes
    ----------
    chance : posterior probability of each value of A, (nodes,)
    variance_between : the values of A, (nodes,)
    centre, spread : mean and standard deviation of each true value given A, (k, nodes)
    gap, gap_spread : the same of its difference from the mean of all true values, (k, nodes)
    observed, error : the estimates as they came, and their standard errors, (k,)
    observed_gap, gap_error : the same of their differences from the mean of all, (k,)
    freedom : degrees of freedom of the tests, (k,)
    level : of the intervals
    """

    chance: np.ndarray
    variance_between: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    gap: np.ndarray
    gap_spread: np.ndarray
    observed: np.ndarray
    error: np.ndarray
    observed_gap: np.ndarray
    gap_error: np.ndarray
    freedom: np.ndarray
    level: float = LEVEL

    @property
    def mean(self) -> np.ndarray:
        """Posterior mean of each true value, (k,)."""
        return self.centre @ self.chance

    @cached_property
    def low(self) -> np.ndarray:
        """Lower end of each interval, (k,)."""
        return self._quantile((1 - self.level) / 2)

    @cached_property
    def high(self) -> np.ndarray:
        """Upper end of each interval, (k,)."""
        return self._quantile((1 + self.level) / 2)

    @property
    def between(self) -> float:
        """Standard deviation of true values between groups, its posterior median.

        The mean would be drawn up by the long tail that few groups leave.
        """
        order = np.argsort(self.variance_between, kind="stable")
        middle = np.searchsorted(np.cumsum(self.chance[order]), 0.5)
        return float(np.sqrt(self.variance_between[order[min(int(middle), len(order) - 1)]]))

    def below(self, standard: float | None = None) -> np.ndarray:
        """Probability that each true value lies below the standard, (k,).

        Parameters
        ----------
        standard : a fixed value; None for the mean of all true values
        """
        if standard is None:
            return ndtr(-self.gap / self.gap_spread) @ self.chance
        return ndtr((standard - self.centre) / self.spread) @ self.chance

    def p_below(self, standard: float | None = None) -> np.ndarray:
        """One-sided p-value of each observed estimate against the standard, adjusted (Holm), (k,).

        By t tests, which suppose nothing about how true values are distributed.
        """
        if standard is None:
            return adjusted(stdtr(self.freedom, self.observed_gap / self.gap_error))
        return adjusted(stdtr(self.freedom, (self.observed - standard) / self.error))

    def certainly_below(
        self, standard: float | None = None, wrong: float | None = None
    ) -> np.ndarray:
        """Groups that may be called below the standard, (k,) boolean.

        Two conditions keep the probability of one wrong name or more under `wrong`, 1 - level
        unless given (less, where this is one of several lists that are read together). By the
        posterior, the probabilities of being wrong of all that are named add up to no more; and
        by the tests, each differs significantly, also where most groups meet the standard exactly
        and few are far off, which the normal model does not foresee.
        """
        wrong = 1 - self.level if wrong is None else wrong
        return _surest(self.below(standard), wrong) & (self.p_below(standard) <= wrong)

    def _quantile(self, share: float) -> np.ndarray:
        return mixture_quantile(self.centre, self.spread, self.chance, share)


def mixture_quantile(
    centre: np.ndarray, spread: np.ndarray, chance: np.ndarray, share: float
) -> np.ndarray:
    """A quantile of mixtures of normals, (k,): components (k, nodes), their probabilities (nodes,).

    Examples
    --------
    >>> one = np.array([[0.0, 0.0]])
    >>> mixture_quantile(one, one + 1, np.array([0.5, 0.5]), 0.975).round(2).tolist()
    [1.96]
    """
    low = (centre - 10 * spread).min(1)
    high = (centre + 10 * spread).max(1)
    for _halving in range(HALVINGS):  # bisection
        middle = (low + high) / 2
        under = ndtr((middle[:, None] - centre) / spread) @ chance < share
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return (low + high) / 2


def partial_pooling(
    estimate: np.ndarray,
    covariance: np.ndarray,
    *,
    share: np.ndarray | None = None,
    freedom: np.ndarray | float = np.inf,
    level: float = LEVEL,
    parent: Sequence[Hashable] | None = None,
) -> PartialPooling:
    """The true values of groups, given an estimate of each and its sampling covariance.

    Parameters
    ----------
    estimate : (k,), of 4 groups or more; 2 with parents
    covariance : sampling variances (k,), or covariances (k, k) of estimates that share customers
    share : of each group in the mean of all that `below(None)` compares with; equal unless given
    freedom : degrees of freedom of each variance in the tests of `certainly_below`
    level : of the intervals
    parent : of each group, (k,): a group is moved towards the mean of its parent, and parents
        towards the mean of all

    Returns
    -------
    PartialPooling

    Raises
    ------
    ValueError : fewer than 4 groups, or 2 with parents; or a variance that is not above 0

    References
    ----------
    Efron and Morris (1975), Journal of the American Statistical Association 70; Morris (1983),
    ibid. 78; Tak, Kelly and Morris (2017), Journal of Statistical Software 78(5); Daniels (1999),
    Canadian Journal of Statistics 27.

    Examples
    --------
    >>> fit = partial_pooling(np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
    ...                       np.array([15.0, 10, 16, 11, 9, 11, 10, 18]) ** 2)
    >>> fit.mean.round(1).tolist()
    [14.6, 8.0, 4.6, 7.6, 3.3, 4.9, 12.8, 9.1]
    """
    y, v = np.asarray(estimate, float), np.asarray(covariance, float)
    k = len(y)
    least = LEAST_GROUPS if parent is None else LEAST_UNDER_PARENTS
    if k < least:
        raise ValueError(f"partial pooling needs {least} groups or more; there are {k}.")
    own = v if v.ndim == 1 else np.diag(v)
    if not (own > 0).all():
        raise ValueError("every estimate needs a sampling variance above 0.")
    v = np.diag(v) if v.ndim == 1 else (v + v.T) / 2
    share = np.full(k, 1 / k) if share is None else np.asarray(share, float)
    gap_squares = np.maximum(own - 2 * v @ share + share @ v @ share, 1e-12 * own)
    posterior = _integrated(y, v, share) if parent is None else _nested(y, v, share, parent)
    gap = y - share @ y
    freedom = np.broadcast_to(np.asarray(freedom, float), k)
    errors = np.sqrt(own), np.sqrt(gap_squares)
    return PartialPooling(*posterior, y, errors[0], gap, errors[1], freedom, level)


def _nested(
    y: np.ndarray, v: np.ndarray, share: np.ndarray, parent: Sequence[Hashable]
) -> Posterior:
    """The posterior for each pair of variances: within parents, and between them."""
    names = list(dict.fromkeys(parent))
    of = np.array([[p == name for name in names] for p in parent], float)
    alike = of @ of.T
    few = len(y) < LEAST_GROUPS
    if len(names) == 1 or len(names) == len(y):  # parents say nothing of how groups differ
        return _integrated(y, v, share, few=few)
    part = (np.arange(NESTED_NODES[1]) + 0.5) / NESTED_NODES[1]
    size = np.trace(v) / len(y) / of.sum(0).mean()  # sampling variance of a parent's mean
    nodes = [
        _posterior(y, v, v + a * alike, share, NESTED_NODES[0], few=few)
        for a in size * part / (1 - part)  # shrinkage uniform
    ]
    loglik = np.concatenate([loglik for loglik, *_rest in nodes])
    chance = np.exp(loglik - loglik.max())
    a, *rest = (
        np.concatenate(parts, axis=-1) for parts in zip(*(n[1:] for n in nodes), strict=True)
    )
    return chance / chance.sum(), a, *rest


def _integrated(y: np.ndarray, v: np.ndarray, share: np.ndarray, *, few: bool = False) -> Posterior:
    """The posterior for each value of A."""
    loglik, *rest = _posterior(y, v, v, share, NODES, few=few)
    chance = np.exp(loglik - loglik.max())
    return chance / chance.sum(), *rest


def _posterior(
    y: np.ndarray, v: np.ndarray, base: np.ndarray, share: np.ndarray, size: int, *, few: bool
) -> Posterior:
    """The posterior for each value of A, in the axes in which `base` is diagonal.

    `base` is the covariance of estimates without A: that of sampling `v`, and that of true values
    of one parent. First is the logarithm of the weight of each value: prior times likelihood.
    """
    roots, axes = np.linalg.eigh(base)
    roots = np.maximum(roots, 1e-9 * roots.max())
    part = (np.arange(size) + 0.5) / size
    if few:  # uniform shrinkage
        a = np.trace(v) / len(y) * part / (1 - part)
        prior = np.zeros(size)
    else:
        a = (np.trace(v) / len(y) + y.var()) * part**2 / (1 - part)  # close to 0 and far out
        prior = np.log(part * (2 - part) / (1 - part) ** 2)
    w = 1 / (roots[:, None] + a)  # (k, nodes)
    turned, one = axes.T @ y, axes.T @ np.ones(len(y))
    total = one**2 @ w
    mean = (one * turned) @ w / total
    rest = turned[:, None] - one[:, None] * mean
    loglik = 0.5 * np.log(w).sum(0) - 0.5 * np.log(total) - 0.5 * (rest**2 * w).sum(0)
    error = v @ axes  # an estimate less its expected sampling error is the posterior mean
    centre = y[:, None] - error @ (w * rest)
    common = error @ (w * one[:, None])
    squares = np.diag(v)[:, None] - error**2 @ w + common**2 / total
    all_error, all_common = share @ error, share @ common
    with_all = (v @ share)[:, None] - error @ (w * all_error[:, None]) + common * all_common / total
    of_all = share @ v @ share - all_error**2 @ w + all_common**2 / total
    squares = np.maximum(squares, 1e-12 * np.diag(v)[:, None])
    gap_squares = np.maximum(squares - 2 * with_all + of_all, 1e-12 * squares)
    gap = centre - share @ centre
    return loglik + prior, a, centre, np.sqrt(squares), gap, np.sqrt(gap_squares)


def _surest(chance: np.ndarray, wrong: float) -> np.ndarray:
    """The likeliest groups, as many as the sum of their probabilities of being wrong allows."""
    order = np.argsort(-chance, kind="stable")
    found = np.zeros(len(order), bool)
    found[order[np.cumsum(1 - chance[order]) <= wrong]] = True
    return found
