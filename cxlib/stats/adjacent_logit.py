"""Adjacent-category logits with common thresholds: counts of classes, fitted by one location each.

P(level m | class k) is proportional to exp(alpha_m + beta_k score_m): the log-odds of two
neighbouring levels differ between classes by their distance alone (Goodman 1979; for latent
classes, Magidson and Vermunt 2004).
"""

from __future__ import annotations

import numpy as np

LEAST = 1e-10  # share of a level in a class, so that its logarithm is finite
MOST_STEPS, HALVINGS = 60, 12
CLOSE = 1e-10  # gradient, in parts of all counts, at which a fit has arrived


def fitted(counts: np.ndarray, scores: tuple[float, ...], start: np.ndarray) -> np.ndarray:
    """Counts (..., k, levels) that the model expects, by maximum likelihood.

    They keep the total of each class, of each level over the classes, and each class's sum of
    scores. Newton's method with halved steps; the log-likelihood is concave.

    Parameters
    ----------
    counts : (..., k, levels), as expected of the classes, 0 or more
    scores : of the levels, (levels,), rising
    start : counts near the solution, (..., k, levels), such as the last ones
    """
    shape = counts.shape
    n, before = (v.reshape(-1, *shape[-2:]) for v in (counts, start))
    size = n.sum(-1, keepdims=True)
    n = np.maximum(n, LEAST * size)
    s = np.asarray(scores, float)
    s = (s - s[0]) / (s[-1] - s[0])
    margin = np.maximum(n.sum(1), 1e-300)
    plain = np.concatenate(
        [np.log(margin[:, 1:] / margin[:, :1]), np.zeros((len(n), shape[-2] - 1))], 1
    )
    at = _parameters(before)
    worse = _height(at, n, s) < _height(plain, n, s)
    at[worse] = plain[worse]
    on = np.arange(len(n))
    for _ in range(MOST_STEPS):
        gradient, information = _slopes(at[on], n[on], s)
        far = np.abs(gradient).max(1) > CLOSE * np.maximum(size[on].sum((1, 2)), 1e-300)
        if not far.any():
            break
        on, gradient, information = on[far], gradient[far], information[far]
        ridge = 1e-12 * np.maximum(np.trace(information, axis1=1, axis2=2), 1e-290)
        information = information + ridge[:, None, None] * np.eye(information.shape[-1])
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        here, length = _height(at[on], n[on], s), np.ones(len(on))
        for _halving in range(HALVINGS):
            lower = ~(
                _height(at[on] + length[:, None] * step, n[on], s) >= here - 1e-12 * abs(here)
            )
            if not lower.any():
                break
            length[lower] /= 2
        at[on] += np.where(lower, 0.0, length)[:, None] * step
        on = on[~lower]
    return (np.exp(_log_share(at, s, shape[-2])) * n.sum(-1, keepdims=True)).reshape(shape)


def locations(counts: np.ndarray, scores: tuple[float, ...]) -> np.ndarray:
    """Location of each class but the first against the first, (..., k - 1), of fitted counts.

    The log-odds of a level against the one a unit of score below, less those of the first class.
    """
    k, s = counts.shape[-2], np.asarray(scores, float)
    found = _parameters(counts)[..., counts.shape[-1] - 1 :]
    return found.reshape(*counts.shape[:-2], k - 1) / (s[-1] - s[0])


def _parameters(counts: np.ndarray) -> np.ndarray:
    """Thresholds (levels - 1) and locations (k - 1) of counts that the model fits, (..., both)."""
    log = np.log(np.maximum(counts, LEAST * counts.sum(-1, keepdims=True) + 1e-300))
    log = log - log[..., :1]
    return np.concatenate([log[..., 0, 1:], log[..., 1:, -1] - log[..., :1, -1]], axis=-1)


def _log_share(at: np.ndarray, s: np.ndarray, k: int) -> np.ndarray:
    first = np.zeros((len(at), 1))
    alpha = np.concatenate([first, at[:, : len(s) - 1]], axis=1)
    beta = np.concatenate([first, at[:, len(s) - 1 :]], axis=1)
    log = alpha[:, None] + beta[:, :, None] * s
    log = log - log.max(-1, keepdims=True)
    return log - np.log(np.exp(log).sum(-1, keepdims=True))


def _height(at: np.ndarray, n: np.ndarray, s: np.ndarray) -> np.ndarray:
    return (n * _log_share(at, s, n.shape[1])).sum((1, 2))


def _slopes(at: np.ndarray, n: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the log-likelihood, and the information, of thresholds and locations."""
    levels, share = len(s), np.exp(_log_share(at, s, n.shape[1]))
    expected = share * n.sum(-1, keepdims=True)
    left = n - expected
    gradient = np.concatenate([left.sum(1)[:, 1:], (left @ s)[:, 1:]], axis=1)
    away = s - (share @ s)[..., None]
    cross = (expected * away)[:, 1:, 1:]
    information = np.zeros((len(at), at.shape[1], at.shape[1]))
    both = np.einsum("pkm,pkl->pml", expected, share)[:, 1:, 1:]
    information[:, : levels - 1, : levels - 1] = -both
    at_levels, at_classes = np.arange(levels - 1), np.arange(levels - 1, at.shape[1])
    information[:, at_levels, at_levels] += expected.sum(1)[:, 1:]
    information[:, levels - 1 :, : levels - 1] = cross
    information[:, : levels - 1, levels - 1 :] = np.swapaxes(cross, 1, 2)
    information[:, at_classes, at_classes] = (expected * away**2).sum(-1)[:, 1:]
    return gradient, information
