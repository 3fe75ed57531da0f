"""What it is worth to wait for more answers before an action is chosen.

sample_information(-2000, 9000)         # expected value of perfect information
"""

from __future__ import annotations

import numpy as np

TINY = 0.01  # of the cost: waiting that gains less is not worth the trouble


def sample_information(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Expected value of sample information, where what is learnt moves the mean by `spread`.

    E max(0, M) minus max(0, mean), where M is normal about `mean`. With all that there is to know
    (the whole standard error) it is the expected value of perfect information.

    Parameters
    ----------
    mean : expected net gain
    spread : standard deviation of what is learnt; the whole standard error for perfect information

    Returns
    -------
    array of expected gains, in the unit of `mean`

    Examples
    --------
    >>> sample_information(np.array([0.0, 5000.0]), np.array([1000.0])).round().tolist()
    [399.0, 0.0]
    """
    from scipy.special import ndtr

    mean, spread = np.broadcast_arrays(np.asarray(mean, float), np.asarray(spread, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.abs(mean) / spread
        loss = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi) - u * ndtr(-u)
    return np.where(spread > 0, spread * loss, 0.0)


def value_of_waiting(
    gross: np.ndarray,
    cost: np.ndarray,
    error: np.ndarray,
    had: np.ndarray,
    more: float,
    wait: float,
    asking: float,
) -> np.ndarray:
    """What choosing after `more` answers is worth more than choosing now."""
    left = 1 - min(wait, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        learnt = error * left * np.sqrt(np.where(had > 0, more / (more + had), 0.0))
    later = left * gross - cost
    after = np.maximum(later, 0) + sample_information(later, np.nan_to_num(learnt))
    return after - asking * more - np.maximum(gross - cost, 0)


def fewest_answers(
    gross: np.ndarray,
    cost: np.ndarray,
    error: np.ndarray,
    had: np.ndarray,
    more: float,
    wait: float,
    asking: float,
) -> np.ndarray:
    """The smallest number of further answers for which waiting is worth it, of waves of `more`."""
    steps = np.arange(1, 101) * max(more, 1)
    years = np.arange(1, 101) * wait
    worth = np.array(
        [
            value_of_waiting(gross, cost, error, had, n, t, asking)
            for n, t in zip(steps, years, strict=True)
        ]
    ).reshape(100, -1)
    good = worth > TINY * np.maximum(cost, 1)
    return np.where(good.any(0), steps[good.argmax(0)], np.nan)
