"""A logistic model with a ridge penalty, and how well its probabilities hold.

    fit = ridge(a, y, w)                  # the penalty that predicts best, coefficients, curvature
    measures(y, eta, w)                   # AUC, log-loss ... and what each customer adds to them

Functions of arrays: `a` is (n, 1 + p) with ones first, `y` 0 or 1, `w` weights of mean one, `eta`
log-odds. Uncertainty comes from influence: what one customer adds to an estimate (Hampel 1974).
A draw of customers then moves the estimate by a sum, so that a thousand draws are one product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlib.stats.intervals import LEVEL, interval_columns, normal_quantile

PENALTIES = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)  # per column of deviation one
MEASURES = ("AUC", "log-loss", "Brier score", "calibration slope", "calibration intercept")


@dataclass(frozen=True)
class Ridge:
    """coefficients (1 + p,), curvature: the penalised Hessian (1 + p, 1 + p), and the penalty."""

    coefficients: np.ndarray
    curvature: np.ndarray
    penalty: float


def ridge(
    a: np.ndarray, y: np.ndarray, w: np.ndarray, stiffness: np.ndarray | float = 1.0
) -> Ridge:
    """The fit whose leave-one-out log-loss is least over PENALTIES (times `stiffness`, (p,)).

    The leave-one-out predictions are read off one fit, not n of them (Rad and Maleki 2020).
    """
    fits, start = [], np.zeros(a.shape[1])
    for penalty in PENALTIES:
        fit = newton(a, y, w, penalty, start, stiffness)
        start = fit.coefficients
        fits.append((_left_out_loss(a, y, w, fit), penalty, fit))
    return min(fits, key=lambda trial: trial[:2])[2]


def newton(
    a: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    penalty: float,
    start: np.ndarray | None = None,
    stiffness: np.ndarray | float = 1.0,
) -> Ridge:
    """Penalised maximum likelihood by Newton's steps, halved where one overshoots."""
    shrink = np.full(a.shape[1], 1e-8)  # a trifle keeps the curvature invertible
    shrink[1:] += penalty * stiffness  # the intercept is free
    b = np.zeros(a.shape[1]) if start is None else start
    height = _loss(a @ b, y, w) + shrink @ b**2 / 2
    for _ in range(50):
        mu = expit(a @ b)
        curvature = _curvature(a, w * mu * (1 - mu), shrink)
        step = np.linalg.solve(curvature, a.T @ (w * (y - mu)) - shrink * b)
        size = 1.0
        while (new := _loss(a @ (b + size * step), y, w) + shrink @ (b + size * step) ** 2 / 2) > (
            height + 1e-9
        ) and size > 1e-4:
            size /= 2
        b, height = b + size * step, new
        if np.abs(step).max() < 1e-8:
            break
    mu = expit(a @ b)
    return Ridge(b, _curvature(a, w * mu * (1 - mu), shrink), penalty)


def influence(a: np.ndarray, y: np.ndarray, w: np.ndarray, fit: Ridge) -> np.ndarray:
    """What each customer adds to the coefficients, (n, 1 + p): their weighted mean is zero."""
    scores = a * (y - expit(a @ fit.coefficients))[:, None]
    scores -= np.average(scores, axis=0, weights=w)
    return w.sum() * np.linalg.solve(fit.curvature, scores.T).T


def measures(y: np.ndarray, eta: np.ndarray, w: np.ndarray) -> np.ndarray:
    """A column for each of MEASURES, (n, 5): its weighted mean over customers is the measure.

    Over a draw of customers the mean is the measure of that draw, up to a term of order 1/n. AUC by
    placements (DeLong, DeLong and Clarke-Pearson 1988). The slope is of the outcome on the
    log-odds; the intercept is with the slope held at one (Van Calster and others 2016).
    """
    p = expit(eta)
    slope = newton(np.column_stack([np.ones_like(eta), eta]), y, w, 0.0)
    level, level_parts = _level(y, eta, w)
    return np.column_stack(
        [
            _auc_parts(y, eta, w),
            np.logaddexp(0, eta) - y * eta,
            (y - p) ** 2,
            slope.coefficients[1]
            + influence(np.column_stack([np.ones_like(eta), eta]), y, w, slope)[:, 1],
            level + level_parts,
        ]
    )


def auc(y: np.ndarray, score: np.ndarray, w: np.ndarray) -> float:
    """The chance that one who left scores higher than one who stayed; ties count half.

    Examples
    --------
    >>> auc(np.array([0.0, 1.0]), np.array([0.2, 0.7]), np.ones(2))
    1.0
    """
    return float(np.average(_auc_parts(y, score, w), weights=w))


def auc_draws(estimate: np.ndarray, replicates: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """Draws of the AUC by its placements, so that their percentiles cover as often as they say.

    Draws of a mean of placements are symmetric and too narrow for few customers. On the scale of
    log-odds, and moved out by Student's quantile of n - 1, their intervals of 50 customers cover
    the true AUC in 95% of samples, against 90% to 92% without.

    Parameters
    ----------
    estimate : AUC, (...)
    replicates : weighted means of the placements in each draw, (draws, ...)
    n : (effective) number of customers

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, for the placements; Pepe (2003), The
    Statistical Evaluation of Medical Tests for Classification and Prediction, for log-odds.

    Examples
    --------
    >>> auc_draws(np.array(0.9), np.array([0.8, 0.9, 1.0]), 1e6).round(2).tolist()
    [0.75, 0.9, 0.96]
    """
    from scipy.stats import t

    spread = estimate * (1 - estimate)
    n = np.maximum(n, 2.0)
    wider = t.ppf((1 + LEVEL) / 2, n - 1) / normal_quantile(LEVEL)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = expit(logit(estimate) + wider * (replicates - estimate) / spread)
    return np.where(spread > 0, moved, estimate)


def measure_ends(
    terms: Sequence[str], estimate: np.ndarray, replicates: np.ndarray, n: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of `intervals.interval_columns`, of an AUC on the scale of its log-odds.

    Parameters
    ----------
    terms : of MEASURES
    estimate, replicates : (terms,), (draws, terms)
    n : (effective) number of customers of each
    """
    auc = np.asarray(terms) == "AUC"
    with np.errstate(invalid="ignore"):
        drawn = logit(auc_draws(np.where(auc, estimate, 0.5), replicates, n))
    at = np.where(auc, logit(estimate), estimate)
    ends = interval_columns(at, np.where(auc, drawn, replicates))
    return {name: np.where(auc, expit(end), end) for name, end in ends.items()}


def expit(eta: np.ndarray) -> np.ndarray:
    """Probability from log-odds, without overflow.

    Examples
    --------
    >>> float(expit(np.array(0.0)))
    0.5
    """
    return 0.5 * (1 + np.tanh(0.5 * eta))


def logit(p: np.ndarray) -> np.ndarray:
    """Log-odds from probability, kept finite."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.log(p / (1 - p))


def _auc_parts(y: np.ndarray, score: np.ndarray, w: np.ndarray) -> np.ndarray:
    order, place = np.unique(score, return_inverse=True)
    left = np.bincount(place, w * y, len(order))
    stayed = np.bincount(place, w * (1 - y), len(order))
    below = (np.cumsum(stayed) - stayed / 2) / stayed.sum()  # stayers a leaver stands above
    above = 1 - (np.cumsum(left) - left / 2) / left.sum()  # leavers above a stayer
    area = left @ below / left.sum()
    share = left.sum() / w.sum()
    return area + np.where(
        y > 0, (below[place] - area) / share, (above[place] - area) / (1 - share)
    )


def _level(y: np.ndarray, eta: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
    level = 0.0
    for _ in range(50):
        p = expit(eta + level)
        step = w @ (y - p) / (w @ (p * (1 - p)))
        level += np.clip(step, -2, 2)
        if abs(step) < 1e-10:
            break
    p = expit(eta + level)
    return level, (y - p) / np.average(p * (1 - p), weights=w)


def _left_out_loss(a: np.ndarray, y: np.ndarray, w: np.ndarray, fit: Ridge) -> float:
    eta = a @ fit.coefficients
    mu = expit(eta)
    reach = np.einsum("ij,ij->i", a @ np.linalg.inv(fit.curvature), a)
    eta = eta + w * reach * (mu - y) / np.maximum(1 - w * reach * mu * (1 - mu), 1e-6)
    return _loss(eta, y, w)


def _loss(eta: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    return float(w @ (np.logaddexp(0, eta) - y * eta))


def _curvature(a: np.ndarray, w: np.ndarray, shrink: np.ndarray) -> np.ndarray:
    return (a * w[:, None]).T @ a + np.diag(shrink)
