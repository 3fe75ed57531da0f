"""Logistic and proportional-odds regression on many subsets of drivers at once.

    fits, replicates, _ = ordered_logit.subset_fits(grades, x, w, cluster, subsets, counts)

The fit of a subset is McFadden's R² (1 - log-likelihood over that without drivers), the measure
Azen and Traxel (2009, J. Educ. Behav. Stat. 34(3)) recommend for sharing out what a logistic
regression explains; Luchman (2014) takes it for ordered answers. A logistic regression is a
proportional-odds one with two grades (McCullagh 1980), so there is one engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlib.drivers import shapley_values
from cxlib.drivers.specification import Specification
from cxlib.stats import resampling
from cxlib.stats.moments import Moments
from cxlib.stats.resampling import ResamplingUnits

MOST_GRADES = 21  # answers that an ordered outcome may take
MOST_FITTED = 10  # drivers whose subsets are all fitted
FEW_ORDERS = 64  # orders of entry sampled beyond
ROUNDS = 30  # Newton steps at most
EXACT = 1e-9  # change of the log-likelihood, in parts of the whole, that ends them
CELLS = 1 << 21  # subsets times rows held at once
LEAST = 1e-12  # probability of an answer


@dataclass(frozen=True)
class Answers:
    """What is fitted: rows sorted by grade.

    grade (n,) 0 to J - 1; x (n, k) standardised; w (n,) weights; edges (J + 1,) where grades begin.
    """

    grade: np.ndarray
    x: np.ndarray
    w: np.ndarray
    edges: np.ndarray


def subset_fits(
    grade: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    cluster: np.ndarray,
    subsets: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """McFadden's R² of each subset, in the sample (S,) and in each draw (S, draws); and G².

    `subsets` is (S, k) of booleans; `counts` (draws, clusters) says how often each is drawn.
    The sample is fitted by Newton's method; a draw by one step from the sample's fit, which leaves
    out terms of the order 1/n of what the draw changes. G² is twice the gain in log-likelihood of
    all drivers together over the first subset, which has none of them, with weights of mean one.
    """
    order = np.argsort(grade, kind="stable")
    w = w / w.mean()
    centred = x - np.average(x, axis=0, weights=w)
    scale = np.sqrt(np.average(centred**2, axis=0, weights=w))
    scale = np.where(scale > 0, scale, 1)
    edges = np.searchsorted(grade[order], np.arange(grade.max() + 2))
    rows = Answers(grade[order], (centred / scale)[order], w[order], edges)
    by_cluster = np.argsort(cluster[order], kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order][by_cluster], prepend=-1))
    null, null_drawn = _null(rows, by_cluster, starts, counts)
    block = max(1, CELLS // len(w))
    fitted, drawn = [], []
    for i in range(0, len(subsets), block):
        one, again = _block(rows, subsets[i : i + block], by_cluster, starts, counts)
        fitted.append(one)
        drawn.append(again)
    found = np.concatenate(fitted)
    return 1 - found / null, 1 - np.concatenate(drawn) / null_drawn, 2 * (found.max() - found[0])


def _null(
    rows: Answers, by_cluster: np.ndarray, starts: np.ndarray, counts: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log-likelihood without drivers: of the shares of the grades, in closed form."""
    grades = len(rows.edges) - 1
    each = np.zeros((len(rows.w), grades))
    each[np.arange(len(rows.w)), rows.grade] = rows.w
    drawn = counts @ np.add.reduceat(each[by_cluster], starts, axis=0)
    return float(_entropy(each.sum(0))), _entropy(drawn)


def _entropy(weights: np.ndarray) -> np.ndarray:
    share = weights / weights.sum(-1, keepdims=True)
    return (weights * np.log(np.where(share > 0, share, 1))).sum(-1)


def _block(
    rows: Answers,
    subsets: np.ndarray,
    by_cluster: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods of some subsets, in the sample (S,) and one step on in each draw (S, B)."""
    fit = _newton(rows, subsets)
    value, scores, information = _terms(rows, subsets, fit)
    per_row = np.concatenate([value[:, None], scores], axis=1)[..., by_cluster]
    drawn = np.add.reduceat(per_row, starts, axis=-1) @ counts.T  # (S, 1 + parameters, B)
    gradient = drawn[:, 1:]
    step = np.linalg.solve(information, gradient)
    # The information of a draw is the sample's times the weight drawn, to the order we keep.
    return value.sum(-1), drawn[:, 0] + 0.5 * (gradient * step).sum(1)


def _newton(rows: Answers, subsets: np.ndarray) -> np.ndarray:
    """Thresholds and slopes that fit each subset best, (S, J - 1 + k)."""
    share = np.cumsum(np.add.reduceat(rows.w, rows.edges[:-1]))[:-1] / rows.w.sum()
    start = np.r_[np.log(share / (1 - share)), np.zeros(rows.x.shape[1])]
    now = np.tile(start, (len(subsets), 1))
    value, gradient, information = _sums(rows, subsets, now)
    for _ in range(ROUNDS):
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        length = np.ones(len(now))
        for _ in range(ROUNDS):  # a step that makes it worse is halved
            ahead = now + length[:, None] * step
            next_value, *further = _sums(rows, subsets, ahead)
            worse = ~(next_value >= value - EXACT * np.abs(value))
            if not worse.any():
                break
            length[worse] /= 2
        gain, now, value = np.abs(next_value - value), ahead, next_value
        gradient, information = further
        if (gain <= EXACT * np.abs(value)).all():
            break
    return now


def _sums(
    rows: Answers, subsets: np.ndarray, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value, scores, information = _terms(rows, subsets, parameters)
    return value.sum(-1), scores.sum(-1), information


def _terms(
    rows: Answers, subsets: np.ndarray, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood (S, n), its slopes (S, J - 1 + k, n) by row, and the information summed.

    An answer of grade g has probability u - l, logistic functions of the thresholds above and
    below it less the row's score.
    """
    cuts, k = len(rows.edges) - 2, rows.x.shape[1]
    score = (parameters[:, cuts:] * subsets) @ rows.x.T
    ends = np.pad(parameters[:, :cuts], ((0, 0), (1, 1)), constant_values=np.inf)
    ends[:, 0] = -np.inf
    u, low = _logistic(ends[:, rows.grade + 1] - score), _logistic(ends[:, rows.grade] - score)
    p = u - low
    value = rows.w * np.log(
        np.where(p > 0, np.maximum(p, LEAST), 0.0), where=p > 0, out=np.full(p.shape, -np.inf)
    )
    p = np.maximum(p, LEAST)
    a, c = u * (1 - u), low * (1 - low)
    scores = np.zeros((len(parameters), cuts + k, len(rows.w)))
    np.multiply((rows.w * (u + low - 1))[:, None], rows.x.T, out=scores[:, cuts:])
    scores[:, cuts:] *= subsets[..., None]
    information = np.zeros((len(parameters), cuts + k, cuts + k))
    slopes = (rows.w * (a + c)) @ (rows.x[:, :, None] * rows.x[:, None, :]).reshape(-1, k * k)
    information[:, cuts:, cuts:] = slopes.reshape(-1, k, k)
    for g in range(cuts + 1):
        _of_grade(g, rows, (u, low, p, a, c), scores, information)
    information[:, :cuts, cuts:] = np.swapaxes(information[:, cuts:, :cuts], 1, 2)
    inside = np.concatenate([np.ones((len(subsets), cuts), bool), subsets], axis=1)
    information *= inside[:, :, None] & inside[:, None, :]
    information += (~inside[:, :, None] + 1e-10) * np.eye(cuts + k)
    return value, scores, information


def _of_grade(
    g: int,
    rows: Answers,
    terms: tuple[np.ndarray, ...],
    scores: np.ndarray,
    information: np.ndarray,
) -> None:
    """What the answers of grade g add for the thresholds above (g) and below (g - 1) them."""
    here = slice(rows.edges[g], rows.edges[g + 1])
    u, low, p, a, c = (t[:, here] for t in terms)
    w, x, cuts = rows.w[here], rows.x[here], len(rows.edges) - 2
    if g < cuts:
        scores[:, g, here] = w * a / p
        information[:, g, g] += (w * (a**2 / p**2 - a * (1 - 2 * u) / p)).sum(-1)
        information[:, cuts:, g] -= (w * a) @ x
    if g > 0:
        scores[:, g - 1, here] = -w * c / p
        information[:, g - 1, g - 1] += (w * (c**2 / p**2 + c * (1 - 2 * low) / p)).sum(-1)
        information[:, cuts:, g - 1] -= (w * c) @ x
    if 0 < g < cuts:
        both = (w * a * c / p**2).sum(-1)
        information[:, g, g - 1] -= both
        information[:, g - 1, g] -= both


def _logistic(value: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(value)


def graded_answers(
    spec: Specification, kind: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, ResamplingUnits, int]:
    """(grades from 0, drivers and covariates, weights, units) of rows used, and rows offered."""
    if isinstance(spec.sample, Moments) or spec.missing != "complete":
        raise ValueError(
            f"kind={kind!r} needs rows that answer everything, not sums or pairs of answers. Pass "
            "the responses, with missing='complete' or 'dummy'."
        )
    spec.sums()  # the checks of every fit
    rows, used = spec.sample.data, spec.used()
    values, grade = np.unique(rows.loc[used, spec.outcome].to_numpy(float), return_inverse=True)
    if (kind == "logistic") != (len(values) == 2) or len(values) > MOST_GRADES:
        wanted = "two values" if kind == "logistic" else f"3 to {MOST_GRADES} values"
        raise ValueError(
            f"outcome {spec.outcome!r} has {len(values)} different values; kind={kind!r} takes "
            f"{wanted}. Choose another kind, or recode the outcome."
        )
    columns = [*spec.columns, *spec.covariates]
    x, weight = rows.loc[used, columns].to_numpy(float), spec.sample.weights[used]
    return grade, x, weight, resampling.resampling_units(spec.sample).take(used), len(rows)


def subsets_of(k: int, seed: int) -> tuple[np.ndarray, list[Any] | None]:
    """Subsets of k players to fit: all of them, or those met along sampled orders of entry."""
    if k <= MOST_FITTED:
        every = np.arange(1 << k)[:, None] >> np.arange(k) & 1
        return every.astype(bool), None
    orders: list[np.ndarray] = []

    def noted(order: np.ndarray) -> np.ndarray:
        orders.append(order)
        return np.zeros(1)

    shapley_values.over_orders(noted, k, seed, FEW_ORDERS)
    met = np.concatenate([np.tri(k + 1, k, -1, dtype=bool)[:, np.argsort(o)] for o in orders])
    return np.unique(met, axis=0), orders


def gains_in_order(order: np.ndarray, fits: np.ndarray, place: dict[bytes, int]) -> np.ndarray:
    """Gains of each player when they enter in this order, (k, draws)."""
    chain = np.tri(len(order) + 1, len(order), -1, dtype=bool)[:, np.argsort(order)]
    steps = np.diff(fits[[place[s.tobytes()] for s in chain]], axis=0)
    gains = np.empty_like(steps)
    gains[order] = steps
    return gains
