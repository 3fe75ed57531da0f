"""Log-likelihoods of purchase and contract models, with gradient and Hessian, for each kind.

Each takes parameters (p,) or (p, u) and data, and gives loglik (u,), gradient (p, u) and Hessian
(p, p, u): kinds of customers are on the last axis, along which numpy is quick.

    bg_nbd       r, alpha, a, b: buys at a gamma rate, may leave after any purchase (Fader, Hardie
                 and Lee 2005)
    mbg_nbd      the same, and may leave at once too (Batislam, Denizel and Filiztekin 2007)
    pareto_nbd   r, alpha, s, beta: may leave at any moment (Schmittlein, Morrison, Colombo 1987)
    bg_bb        alpha, beta, gamma, delta: may buy, and may leave, once a period (Fader, Hardie and
                 Shang 2010); in `discrete`
    gamma_gamma  p, q, v: what a purchase is worth (Fader and Hardie 2013)
    sbg          alpha, beta: may leave at each renewal of a contract (Fader and Hardie 2007)

`x` is the number of repeat purchases, `last` the time of the last, `age` the time observed, both
since the first purchase.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import digamma, expit, gammaln, zeta

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
BLOCK = 2048  # kinds at once, whose arrays stay in the processor's cache


def trigamma(x: np.ndarray) -> np.ndarray:
    """Of positive x; scipy's polygamma(1, x) works out three functions for it."""
    return zeta(2.0, x)


def bg_nbd(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray, first: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """BG/NBD: the customer is active, or left right after the last purchase.

    A customer could leave `x + first` times: `first` is 1 where the first purchase counts too.
    """
    r, alpha, a, b = parameters
    # Parameters that all share make functions of x alone, of which there are few values.
    shared = np.ndim(r) == 0
    terms, place = np.unique(x, return_inverse=True) if shared else (x, np.arange(len(x)))
    parts = of_repeats(parameters, terms, first)
    loglik, gradient, hessian = (part.take(place, -1) for part in parts)
    chances = x + first
    # Of two ways to this history, active (0) and left after the last purchase (1), the log of
    # their sum has the mean of their gradients, and a curvature of its own where they differ.
    since = alpha + np.stack([age, last])
    before = np.where(chances > 0, b + chances - 1, 1.0)
    log = np.log(since)
    ways = -(r + x) * log
    ways[1] += np.where(chances > 0, np.log(a) - np.log(before), -np.inf)
    share = expit(ways[0] - ways[1])
    share = np.stack([share, 1 - share])
    gradients = np.zeros((2, 4, len(x)))
    gradients[:, 0], gradients[:, 1] = -log, -(r + x) / since
    gradients[1, 2], gradients[1, 3] = 1 / a, -1 / before
    apart = gradients[0] - gradients[1]
    hessian += (share[0] * share[1] * apart)[:, None] * apart
    crossed = (share / since).sum(0)
    hessian[0, 1] -= crossed
    hessian[1, 0] -= crossed
    hessian[1, 1] += (r + x) * (share / since**2).sum(0)
    hessian[2, 2] -= share[1] / a**2
    hessian[3, 3] += share[1] / before**2
    return loglik + np.logaddexp(*ways), gradient + gradients[1] + share[0] * apart, hessian


def mbg_nbd(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """MBG/NBD: as BG/NBD, but the customer may leave right after the first purchase too."""
    return bg_nbd(parameters, x, last, age, 1)


class BgNbdSums:
    """The sums of `bg_nbd` over all kinds, `count` customers each, where all share the parameters.

    Logarithms are taken once for each distinct x, last and age: days and repeats take few values.
    """

    first = 0

    def __init__(self, x: np.ndarray, last: np.ndarray, age: np.ndarray, count: np.ndarray) -> None:
        self.terms, self.of_x = np.unique(x, return_inverse=True)
        self.x, self.back, self.count = x, x + self.first > 0, count
        self.spans = [np.unique(time, return_inverse=True) for time in (age, last)]
        self.customers = np.bincount(self.of_x, count)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The log-likelihood at the parameters, its gradient and its Hessian."""
        r, alpha, a, b = parameters
        loglik, gradient, hessian = (
            part @ self.customers for part in of_repeats(parameters, self.terms, self.first)
        )
        chances = self.terms + self.first
        before = np.where(chances > 0, b + chances - 1, 1.0)
        (log, last_log), (per, last_per) = (
            [of(alpha + times).take(place) for times, place in self.spans]
            for of in (np.log, np.reciprocal)
        )
        every = r + self.x
        # The odds of having left are `a / before * exp(every * (log - last_log))`, 0 without x.
        more = every * (log - last_log) + np.log(a / before).take(self.of_x)
        more = np.where(self.back, more, -np.inf)
        small = np.exp(-np.abs(more))
        gone = np.where(more > 0, 1.0, small) / (1 + small)
        loglik -= self.count @ (every * log - np.maximum(more, 0) - np.log(1 + small))
        left = self.count * gone
        here = self.count - left
        own = (1 / before).take(self.of_x)
        apart = np.stack([last_log - log, every * (last_per - per), np.full(len(own), -1 / a), own])
        hessian += (apart * (here * gone)) @ apart.T
        both = here @ per + left @ last_per
        gradient -= [
            here @ log + left @ last_log,
            (here * per + left * last_per) @ every,
            -left.sum() / a,
            left @ own,
        ]
        hessian[[0, 1], [1, 0]] -= both
        hessian[1, 1] += (here * per**2 + left * last_per**2) @ every
        hessian[2, 2] -= left.sum() / a**2
        hessian[3, 3] += left @ own**2
        return float(loglik), gradient, hessian


class MbgNbdSums(BgNbdSums):
    """The sums of `mbg_nbd`."""

    first = 1


def of_repeats(
    parameters: np.ndarray, x: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of `bg_nbd` that depends on the number of repeats alone."""
    r, alpha, a, b = parameters
    from_ = np.stack([r, b, a + b]).reshape(3, -1)
    times = np.stack([x, x + first, x + first])
    log, slope, second = (of(from_ + times) - of(from_) for of in (gammaln, digamma, trigamma))
    gradient, hessian = np.zeros((4, len(x))), np.zeros((4, 4, len(x)))
    gradient[0], gradient[1] = slope[0] + np.log(alpha), r / alpha
    gradient[2], gradient[3] = -slope[2], slope[1] - slope[2]
    hessian[0, 0], hessian[1, 1] = second[0], -r / alpha**2
    hessian[0, 1] = hessian[1, 0] = 1 / alpha
    hessian[2, 2] = hessian[2, 3] = hessian[3, 2] = -second[2]
    hessian[3, 3] = second[1] - second[2]
    return log[0] + log[1] - log[2] + r * np.log(alpha), gradient, hessian


SUMS: dict[Callable[..., Any], Callable[..., Callable[..., Any]]] = {
    bg_nbd: BgNbdSums,
    mbg_nbd: MbgNbdSums,
}  # models whose sums have a quicker way than kind by kind


def bg_nbd_active(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray, first: int = 0
) -> np.ndarray:
    """The probability that the customer is still active, (u,)."""
    r, alpha, a, b = parameters
    chances = x + first
    gone = (
        a
        / np.where(chances > 0, b + chances - 1, 1.0)
        * np.exp((r + x) * (np.log(alpha + age) - np.log(alpha + last)))
    )
    return 1 / (1 + np.where(chances > 0, gone, 0.0))


def pareto_nbd(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pareto/NBD: active, or left at some moment since the last purchase.

    The moment is integrated out by Gauss and Legendre's rule on log(alpha + time), which needs no
    hypergeometric function and gives the derivatives by the same sum.
    """
    r, alpha, s, beta = parameters
    logs, one, two, ends = _pareto_ways(parameters, x, last, age)
    top = logs.max(0)
    share = np.exp(logs - top)
    whole = share.sum(0)
    share /= whole
    per_one, per_two = 1 / one, 1 / two
    slopes = [-np.log(one), -(r + x) * per_one, ends / s - np.log(two), -(s + ends) * per_two]

    def mean(of: np.ndarray) -> np.ndarray:
        return np.einsum("ku,ku->u", share, of)

    # The log of a sum has the mean of the gradients of its parts, and their spread as curvature.
    gradient, hessian = np.stack([mean(slope) for slope in slopes]), np.zeros((4, 4, len(x)))
    for i in range(4):
        weighted = share * (slopes[i] - gradient[i])
        for j in range(i, 4):
            hessian[i, j] = hessian[j, i] = np.einsum("ku,ku->u", weighted, slopes[j])
    crossed, left = -mean(per_one), -mean(per_two)
    hessian[1, 1] += (r + x) * mean(per_one**2)
    hessian[2, 2] -= (1 - share[0]) / s**2
    hessian[3, 3] += mean((s + ends) * per_two**2)
    loglik = top + np.log(whole) + _pareto_shared(parameters, x)
    gradient[0] += digamma(r + x) - digamma(r) + np.log(alpha)
    gradient[1] += r / alpha
    gradient[2] += np.log(beta)
    gradient[3] += s / beta
    hessian[0, 0] += trigamma(r + x) - trigamma(r)
    crossed, left = crossed + 1 / alpha, left + 1 / beta
    hessian[0, 1], hessian[1, 0] = hessian[0, 1] + crossed, hessian[1, 0] + crossed
    hessian[2, 3], hessian[3, 2] = hessian[2, 3] + left, hessian[3, 2] + left
    hessian[1, 1] -= r / alpha**2
    hessian[3, 3] -= s / beta**2
    return loglik, gradient, hessian


def _pareto_ways(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logs of the parts of `pareto_nbd`, still active first; alpha and beta plus their times."""
    r, alpha, s, beta = parameters
    low, high = np.log(alpha + last), np.log(alpha + age)
    half = (high - low) / 2
    logtime = low + half + half * NODES[:, None]  # (nodes, u)
    since = np.concatenate([age[None, :], np.exp(logtime) - alpha])
    ends = np.ones((len(since), 1))
    ends[0] = 0.0
    with np.errstate(divide="ignore"):
        share = np.concatenate(
            [np.zeros((1, len(x))), np.log(s * WEIGHTS[:, None] * half) + logtime]
        )
    one, two = alpha + since, beta + since
    return share - (r + x) * np.log(one) - (s + ends) * np.log(two), one, two, ends


def _pareto_shared(parameters: np.ndarray, x: np.ndarray) -> np.ndarray:
    r, alpha, s, beta = parameters
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)


def pareto_nbd_active(
    parameters: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray
) -> np.ndarray:
    """The probability that the customer is still active, (u,)."""
    own = np.asarray(parameters)[:, None] if np.ndim(parameters) == 1 else parameters
    own, found = np.broadcast_to(own, (4, len(x))), np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        some = slice(start, start + BLOCK)
        logs = _pareto_ways(own[:, some], x[some], last[some], age[some])[0]
        found[some] = np.exp(logs[0] - np.logaddexp.reduce(logs, axis=0))
    return found


def gamma_gamma(
    parameters: np.ndarray, x: np.ndarray, mean: np.ndarray, log: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gamma-Gamma of x > 0 purchases: `mean` of their amounts and `log`, the mean logarithm.

    Without `log` the likelihood is that of the means alone, as published: then p, how alike the
    purchases of one customer are, is told only by how the spread of means falls with x.
    """
    p, q, v = parameters
    total = v + x * mean
    loglik = gammaln(p * x + q) - gammaln(q) + q * np.log(v) - (p * x + q) * np.log(total)
    both = digamma(p * x + q)
    curved = trigamma(p * x + q)
    if log is None:
        loglik += (p * x - 1) * np.log(mean) + p * x * np.log(x) - gammaln(p * x)
        alike, bent = x * (np.log(mean) + np.log(x) - digamma(p * x)), x**2 * trigamma(p * x)
    else:
        loglik += x * ((p - 1) * log - gammaln(p))
        alike, bent = x * (log - digamma(p)), x * trigamma(p)
    gradient = np.stack(
        [
            alike + x * (both - np.log(total)),
            both - digamma(q) + np.log(v) - np.log(total),
            q / v - (p * x + q) / total,
        ]
    )
    hessian = np.empty((3, 3, len(x)))
    hessian[0, 0] = x**2 * curved - bent
    hessian[0, 1] = hessian[1, 0] = x * curved
    hessian[1, 1] = curved - trigamma(q)
    hessian[0, 2] = hessian[2, 0] = -x / total
    hessian[1, 2] = hessian[2, 1] = 1 / v - 1 / total
    hessian[2, 2] = -q / v**2 + (p * x + q) / total**2
    return loglik, gradient, hessian


def sbg(
    parameters: np.ndarray, periods: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifted beta-geometric: left at renewal `periods` (1, 2, ...), or stayed that many."""
    a, b = parameters
    one, more = left.astype(float), periods - left  # B(a + one, b + more) / B(a, b)
    loglik = gammaln(a + one) + gammaln(b + more) - gammaln(a + b + periods)
    loglik -= gammaln(a) + gammaln(b) - gammaln(a + b)
    both = digamma(a + b) - digamma(a + b + periods)
    gradient = np.stack(
        [digamma(a + one) - digamma(a) + both, digamma(b + more) - digamma(b) + both]
    )
    hessian = np.empty((2, 2, len(periods)))
    hessian[:] = trigamma(a + b) - trigamma(a + b + periods)
    hessian[0, 0] += trigamma(a + one) - trigamma(a)
    hessian[1, 1] += trigamma(b + more) - trigamma(b)
    return loglik, gradient, hessian


def sbg_survival(parameters: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """The share of customers retained after `periods` renewals."""
    a, b = parameters
    return np.exp(gammaln(b + periods) + gammaln(a + b) - gammaln(b) - gammaln(a + b + periods))
