"""How many k-means segments other customers would show again: prediction strength."""

from __future__ import annotations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.segments import inputs, kmeans
from cxlib.stats import moments

STRONG = 0.8  # from which the segments of one half are those of the other
SAMPLE = 4_000  # customers at most
COLUMNS = [
    Column("spread", "standard deviation over splits", decimals=2, label="spread over splits"),
]


def prediction_strength(
    sample: SampleLike,
    features: list[str] | None = None,
    *,
    most: int = 8,
    splits: int = 20,
    missing: inputs.Missing = "complete",
) -> Result:
    """Prediction strength of k-means: do the segments of one half hold in the other?

    Customers are split in two halves by chance, and segments are formed in each. In every segment
    of the second half, the share of pairs of customers whom the centres of the first half place
    together is taken; the strength of k segments is the lowest share, on average over splits. The
    number to choose is the largest k with a strength of at least 0.8; 1 says that there are no
    segments, only a continuum.

    Parameters
    ----------
    sample : a row a customer, with weights; rows of one cluster stay in one half
    features, missing : as in `fit`
    most : largest number of segments tried, 2 or more
    splits : halvings, 2 or more

    Returns
    -------
    Result whose table has a row for each k: k, estimate (mean over splits), spread (standard
    deviation over splits; there is no interval, as splits share customers), n and chosen; the part
    k is the number chosen.

    Raises
    ------
    InsufficientData, ValueError : as `fit`; fewer than 2 segments or splits

    References
    ----------
    Tibshirani and Walther (2005), Journal of Computational and Graphical Statistics 14(3).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"age": rng.normal([[20], [60]], 2, (2, 50)).ravel()})
    >>> found = prediction_strength(rows, ["age"], most=4, splits=5)
    >>> found.k, found.table["estimate"].head(2).tolist()
    (2, [1.0, 1.0])
    """
    sample = as_sample(sample)
    for name, given in (("most", most), ("splits", splits)):
        if given < 2:
            raise ValueError(f"{name} is {given}; it must be 2 or more.")
    inputs.check_choices("k-means", missing)
    features = inputs.numeric_features(sample.data) if features is None else features
    inputs.check_columns(sample.data, features, "k-means")
    w = moments.weights_of(sample.data, sample.weight)
    rows, w, notes = inputs.usable(sample.data, list(dict.fromkeys(features)), w, missing)
    who = pd.factorize(sample.clusters[sample.data.index.isin(rows.index)])[0]
    rng = np.random.default_rng(sample.seed)
    some = np.isin(who, rng.permutation(who.max() + 1)[:SAMPLE])
    data = kmeans.points(rows[some], w[some])
    numbers = range(2, min(most, data.different // 4) + 1)
    found = np.ones((splits, 1 + len(numbers)))
    with threadpool_limits(1):
        for row in found:
            first = rng.permutation(who.max() + 1) % 2 == 0
            half = first[who[some]]
            for at, k in enumerate(numbers, 1):
                row[at] = _strength(data.x, data.w, half, k, sample.seed)
    mean = found.mean(0)
    k = 1 + int(np.flatnonzero(mean >= STRONG).max())
    table = pd.DataFrame(
        {"k": [1, *numbers], "estimate": mean, "spread": found.std(0, ddof=1), "n": len(data.x)}
    ).assign(chosen=lambda t: t["k"] == k)
    return Result(
        table,
        _finding(table, k),
        i18n.together(notes),
        "share",
        draws=splits,
        seed=sample.seed,
        columns=COLUMNS,
        parts={"k": k},
    )


def _strength(x: np.ndarray, w: np.ndarray, first: np.ndarray, k: int, seed: int) -> float:
    """Lowest share of pairs of a segment of the second half whom the first half puts together."""
    centres = kmeans.clusters(x[first], w[first], k, seed)[0]
    own = kmeans.clusters(x[~first], w[~first], k, seed)[1]
    far = (centres**2).sum(1) - 2 * x[~first] @ centres.T
    return pairs_together(own, far.argmin(1), w[~first])


def pairs_together(own: np.ndarray, other: np.ndarray, w: np.ndarray) -> float:
    """Lowest share over the groups `own` (n,) of pairs that `other` (n,) puts together as well.

    A group of one has no pair and counts as 0.

    Examples
    --------
    >>> pairs_together(np.array([0, 0, 0, 1, 1]), np.array([2, 2, 3, 3, 3]), np.ones(5))
    0.3333333333333333
    """
    crossed = np.zeros((own.max() + 1, other.max() + 1))
    np.add.at(crossed, (own, other), w)
    alone = np.bincount(own, w**2)
    pairs = crossed.sum(1) ** 2 - alone
    some = np.bincount(own) > 1
    share = np.zeros(len(pairs))
    share[some] = ((crossed**2).sum(1) - alone)[some] / pairs[some]
    return float(share.min())


def _finding(table: pd.DataFrame, k: int) -> Finding:
    row = table.loc[table["chosen"]].iloc[0]
    if k == 1:
        claim = _("No number of segments of one half of the customers holds in the other half.")
        row = table.iloc[min(1, len(table) - 1)]
    else:
        claim = _(
            "{k:count} segments of one half of the customers hold in the other half.",
            k=k,
        )
    detail = _(
        "prediction strength of {k:count} segments {strength:number2} (threshold {least:number1}); "
        "n = {n:count}",
        k=row["k"],
        strength=row["estimate"],
        least=STRONG,
        n=row["n"],
    )
    return Finding(claim, detail, importance=Importance.METHOD)
