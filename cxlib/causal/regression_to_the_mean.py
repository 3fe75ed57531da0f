"""Before and after, corrected for regression to the mean.

    found = adjusted_change(before, after, picked)     # raw change, regression to the mean, rest

Who is picked for a low score does better next time, treated or not (Davis 1976; Barnett, van der
Pols and Dobson 2005). The change of others with the same score says by how much, and is taken off.
"""

from __future__ import annotations

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats.estimators import Replicated, least_squares, ready
from cxlib.stats.resampling import ResamplingUnits


def adjusted_change(
    before: np.ndarray,
    after: np.ndarray,
    picked: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    clusters: ResamplingUnits | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Replicated:
    """(3,): raw change of the picked, the part that is the way back, what is left of it.

    `before` and `after` are answers of the same customers, of the picked and of others, to whom
    nothing was done (or of an earlier pair of waves). A line of after on before among the others
    predicts the picked; customers must have both answers.
    """
    w, clusters = ready(len(before), weight, clusters)
    picked = np.asarray(picked, bool)
    if picked.sum() < 2 or (~picked).sum() < 3:
        raise InsufficientData(
            _(
                "Treated customers with answers before and after: {picked:count}; controls: "
                "{others:count}. One of the treated and three controls are needed.",
                picked=int(picked.sum()),
                others=int((~picked).sum()),
            )
        )
    # One regression holds all three: the others' line, and how far the picked lie above it.
    x = np.column_stack([np.ones(len(before)), before, picked])
    line = least_squares(x, after, weight=w, clusters=clusters, draws=draws, seed=seed)
    own = least_squares(
        picked[:, None].astype(float),
        np.column_stack([before, after]),
        weight=w,
        clusters=clusters,
        draws=draws,
        seed=seed,
    )

    def told(beta: np.ndarray, means: np.ndarray) -> np.ndarray:
        first, then = means[..., 0, 0], means[..., 0, 1]
        left = beta[..., 2, 0]
        return np.stack([then - first, then - first - left, left], axis=-1)

    fewer = float(min(picked.sum(), (~picked).sum()))  # the smaller side is what is unsure
    return Replicated(
        told(line.estimate, own.estimate), told(line.replicates, own.replicates), fewer
    )


def expected_return(cut: float, mean: float, spread: float, correlation: float) -> float:
    """Rise to be expected of those under `cut` when nothing is done, answers normal.

    (1 - r) spread times the hazard of the normal law at the cut (Davis 1976, equation 3).

    Examples
    --------
    >>> round(expected_return(5, 7, 2, 0.5), 2)
    1.53
    """
    from scipy.special import ndtr

    z = (mean - cut) / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return float((1 - correlation) * spread * density / ndtr(-z))
