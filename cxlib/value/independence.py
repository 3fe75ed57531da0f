"""Whether amounts depend on how often customers buy, which the Gamma-Gamma model rules out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, interval_columns
from cxlib.stats.notes import resampling_note
from cxlib.value.histories import purchase_histories
from cxlib.value.purchase_model import LEAST_REPEATERS

STRONG = 0.3  # correlation from which amounts are called dependent on frequency


def amount_correlation(sample: SampleLike, *, as_of: str | pd.Timestamp | None = None) -> Result:
    """Correlation of the number and the mean amount of repeat purchases, with a 95% interval.

    Parameters
    ----------
    sample : orders, as for `lifetime_value`
    as_of : date from which customers are seen, the day after the last order by default

    Returns
    -------
    Result with a table of term, estimate, low, high, n: "correlation" of Pearson, and that of the
    logarithms, which a few large amounts do not decide. Customers with repeat purchases are
    resampled

    Raises
    ------
    InsufficientData : fewer than 30 customers with a repeat purchase, or none who differ
    ValueError : as `lifetime_value`

    References
    ----------
    Fader, Hardie and Lee (2005), Journal of Marketing Research 42, who accept .06 in CDNOW's 12
    months.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> orders = pd.DataFrame({"customer_id": np.repeat(range(60), 4)})
    >>> orders["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.random(240) * 300, unit="D")
    >>> orders["amount"] = rng.gamma(5, 2, 240)
    >>> orders = orders.drop(index=range(0, 80, 4))
    >>> amount_correlation(orders).table["term"].tolist()
    ['correlation', 'correlation of logarithms']
    """
    sample = as_sample(sample)
    kept, notes = purchase_histories(sample.data, as_of)
    kept = kept[kept["paid"] > 0]
    if len(kept) < LEAST_REPEATERS:
        raise InsufficientData(
            _(
                "{again} customers bought again for an amount; a correlation needs {least:count}.",
                again=disclosure.count_in_words(len(kept)),
                least=LEAST_REPEATERS,
            )
        )
    pairs = kept[["paid", "mean_amount"]].to_numpy(float)
    if not (pairs.std(0) > 1e-12 * np.abs(pairs.mean(0))).all():
        raise InsufficientData(
            _("All customers buy equally often or for the same amount: there is no correlation.")
        )
    columns = [pairs, np.log(pairs)]
    columns = [c - c.mean(0) for c in columns]
    one = np.ones((len(kept), 1))
    sums = np.hstack([np.hstack([one, c, c**2, c.prod(1, keepdims=True)]) for c in columns])
    drawn = resampling.resample_sums(sums, sample.draws, sample.seed)
    estimate, replicates = _correlations(sums.sum(0)), _correlations(drawn)
    # On Fisher's scale, where the spread hardly depends on the correlation.
    ends = interval_columns(np.arctanh(estimate), np.arctanh(replicates), units=len(kept))
    terms = [_("correlation"), _("correlation of logarithms")]
    table = estimates_table(terms, estimate, replicates, len(kept))
    table = table.assign(low=np.tanh(ends["low"]), high=np.tanh(ends["high"]))
    notes.append(resampling_note(sample.replace(cluster="customer_id")))
    return Result(
        table,
        _finding(table.iloc[0]),
        i18n.together(notes),
        "number",
        draws=sample.draws,
        seed=sample.seed,
    )


def _correlations(sums: np.ndarray) -> np.ndarray:
    """Correlations from sums of one, both values, their squares and product, (..., 2)."""
    n, x, y, xx, yy, xy = np.moveaxis(sums.reshape(*sums.shape[:-1], 2, 6), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt((xx - x**2 / n) * (yy - y**2 / n))
        return np.clip((xy - x * y / n) / spread, -1 + 1e-12, 1 - 1e-12)


def _finding(row: pd.Series) -> Finding:
    """Whether the assumption of the spending model holds well enough."""
    facts = {"r": row.estimate, "span": (row.low, row.high), "n": row.n}
    differs = row.low > 0 or row.high < 0
    if not differs:
        claim = _("How much customers spend does not depend significantly on how often they buy.")
    elif abs(row.estimate) < STRONG:
        claim = _(
            "How much customers spend depends only weakly on how often they buy: the spending "
            "model can be used."
        )
    else:
        claim = _(
            "How much customers spend depends on how often they buy: the spending model misjudges "
            "frequent buyers."
        )
    return Finding.of_row(
        row,
        claim,
        _("correlation {r:number2} (95% CI {span:interval2}); n = {n:count}", **facts),
        unit="number",
        measure="amount_correlation",
        importance=Importance.METHOD,
    )
