"""How much of the customer value is at risk: customers by value and by the risk that they left.

    value_at_risk(score(orders, fit))

It does not say whom to serve less.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import in_unit
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note

VALUE = mark("high value", "middle value", "low value")
TOP, BOTTOM = 0.8, 0.4  # quantiles above which value is high, and up to which it is low
RISK = mark("high risk", "medium risk", "low risk")
HIGH, MEDIUM = 0.5, 0.25  # probability of having left from which risk is high, and medium


def value_at_risk(
    sample: SampleLike, *, value: str = "clv_if_active", risk: str = "risk"
) -> Result:
    """Share of all value that each level of value and risk holds, with simultaneous intervals.

    Value is high for the top fifth of customers, low for the lowest two fifths.

    Parameters
    ----------
    sample : a row a customer, as `score` gives them
    value : column of what each would bring if active
    risk : column of the probability of having left, 0 to 1

    Returns
    -------
    Result whose table has risk and term (levels of risk and of value), estimate (share of value),
    low, high, n and customers (their share)

    Raises
    ------
    ValueError : columns or numbers that are missing, value that sums to nothing

    Examples
    --------
    >>> rows = pd.DataFrame({"clv_if_active": np.arange(1.0, 101.0), "risk": 0.6})
    >>> table = value_at_risk(rows).table
    >>> table.loc[table["risk"] == "high risk", "n"].tolist()
    [20, 40, 40]
    """
    sample = as_sample(sample)
    require_columns(sample.data, (value, risk), "customers")
    values = sample.data[[value, risk]].to_numpy(float)
    if lacking := int(np.isnan(values).any(1).sum()):
        raise ValueError(f"{lacking:,} of {len(values):,} customers lack {value!r} or {risk!r}.")
    if not values[:, 0].sum() > 0:
        raise ValueError(f"{value!r} sums to {values[:, 0].sum():g}; there is nothing to share.")
    low, high = np.quantile(values[:, 0], [BOTTOM, TOP])
    level = np.select([values[:, 0] > high, values[:, 0] > low], [0, 1], 2)
    danger = np.select([values[:, 1] >= HIGH, values[:, 1] >= MEDIUM], [0, 1], 2)
    inside = (3 * level + danger)[:, None] == np.arange(9)
    share, replicates = ratio(
        inside * values[:, :1], values[:, :1], draws=sample.draws, seed=sample.seed
    )
    ends = interval_columns(share, replicates)
    ends = {c: np.clip(end, 0, 1) for c, end in ends.items()}
    table = pd.DataFrame(
        {
            "risk": np.tile(RISK, 3),
            "term": np.repeat(VALUE, 3),
            "estimate": share,
            "n": inside.sum(0),
            "customers": inside.mean(0),
            **ends,
        }
    )
    note = _(
        "Value is high for the top fifth and low for the lowest two fifths; risk is high from "
        "{high:share} and medium from {medium:share}.",
        high=HIGH,
        medium=MEDIUM,
    )
    notes = [note, resampling_note(sample)]
    return Result(
        table,
        _finding(table, len(values)),
        i18n.together(notes),
        "share",
        columns=in_unit("share", "customers"),
        draws=sample.draws,
        seed=sample.seed,
    )


def _finding(table: pd.DataFrame, n: int) -> Finding:
    """How many are of high value and at high risk, as far as the page may say so."""
    first, least = table.iloc[0], context.current().smallest_cell
    count = int(first["n"])
    if 0 < count < least:
        return Finding(
            _(
                "Fewer than {least:count} of {n:count} customers are of high value and at high "
                "risk.",
                least=least,
                n=n,
            )
        )
    if disclosure.hidden(table).iloc[0]:
        return Finding(
            _(
                "How many of {n:count} customers are of high value and at high risk is not shown: "
                "a smaller number could be worked out from it.",
                n=n,
            )
        )
    if not count:
        return Finding(_("None of {n:count} customers is of high value and at high risk.", n=n))
    facts = {
        "count": count,
        "n": n,
        "share": first["estimate"],
        "span": (first["low"], first["high"]),
    }
    return Finding.of_row(
        first,
        ngettext(
            "{n:count} customer of high value is at high risk of having left, with {share:share} "
            "of all expected value.",
            "{n:count} customers of high value are at high risk of having left, with "
            "{share:share} of all expected value.",
            count,
            share=first["estimate"],
        ),
        _("95% CI {span:share_interval1}; n = {n:count}", **facts),
        unit="share",
        measure="value_at_risk",
        importance=Importance.ANSWER,
    )
