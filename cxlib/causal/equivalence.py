"""Whether two arms are alike within a margin that matters: two one-sided tests (TOST).

    effects = experiment.difference(y, treated, clusters=clusters)
    equivalence(effects, -0.2, 0.2)

"Not significant" is no evidence of no effect; an interval inside the margins is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.stats.estimators import Replicated


def equivalence(
    effects: Replicated, low: float, high: float, *, alpha: float = 0.05
) -> pd.DataFrame:
    """Two one-sided tests of effects against margins, from their bootstrap errors.

    Weights and clusters enter through the draws of the effects, and Student's distribution has as
    many degrees of freedom as both arms would have if each were as large as the smaller.

    Parameters
    ----------
    effects : of `experiment.difference`, `experiment.adjusted` or another design, (outcomes,)
    low, high : margins in the unit of the outcome; effects between them do not matter
    alpha : of each of the two tests

    Returns
    -------
    Table with a row for each outcome: estimate, low, high (the interval of 1 - 2 alpha), p (the
    larger of the two one-sided p-values) and equivalent (p below alpha).

    Raises
    ------
    ValueError : margins in the wrong order

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15(6); Lakens (2017), Social
    Psychological and Personality Science 8(4).

    Examples
    --------
    >>> from cxlib.causal import experiment
    >>> y = np.tile([4.0, 5.0, 6.0, 7.0], 100)
    >>> alike = experiment.difference(y, np.repeat([0, 1], 200), draws=400)
    >>> equivalence(alike, -0.5, 0.5)["equivalent"].tolist()
    [True]
    """
    from scipy.special import stdtr, stdtrit

    if not low < high:
        raise ValueError(f"margins {low:g} and {high:g}: the lower one must come first.")
    estimate = np.atleast_1d(effects.estimate).astype(float)
    free = max(2 * (effects.units - 1), 1.0) if np.isfinite(effects.units) else 1e9
    # Drawing n customers understates an error by the root of (n - 1) / n.
    stretch = np.sqrt(effects.units / (effects.units - 1)) if 1 < effects.units < np.inf else 1.0
    error = np.maximum(np.atleast_1d(effects.error) * stretch, 1e-300)
    p = np.maximum(stdtr(free, (low - estimate) / error), stdtr(free, (estimate - high) / error))
    reach = stdtrit(free, 1 - alpha) * error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "low": estimate - reach,
            "high": estimate + reach,
            "p": p,
            "equivalent": p < alpha,
        }
    )
