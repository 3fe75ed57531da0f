"""How much of the customer value is at risk: customers by value and whether they still buy.

    value_at_risk(score(orders, fit))

It does not say whom to serve less. High risk of leaving is what the churn model (`cxlib.churn`)
says of somebody who is active; here it is how likely somebody has stopped buying already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column, in_unit
from cxlib.core.errors import require_columns
from cxlib.core.i18n import N_, _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note

VALUE = mark("high value", "middle value", "low value")
TOP, BOTTOM = 0.8, 0.4  # quantiles above which value is high, and up to which it is low
ACTIVITY = mark("probably inactive", "possibly inactive", "probably active")
HIGH, MEDIUM = 0.5, 0.25  # probability of having left from which inactive is probable, possible


def value_at_risk(
    sample: SampleLike,
    *,
    value: str = "clv_if_active",
    risk: str = "risk",
    models: Result | None = None,
) -> Result:
    """Share of all value that each level of value and activity holds, with simultaneous intervals.

    Value is high for the top fifth of customers, low for the lowest two fifths.

    Parameters
    ----------
    sample : a row a customer, as `score` gives them
    value : column of what each would bring if active
    risk : column of the probability of having left, 0 to 1
    models : of `compare_models`; where the risk depends on the model, this is no answer

    Returns
    -------
    Result whose table has risk (levels of activity) and term (of value), estimate (share of value),
    low, high, n and customers (their share)

    Raises
    ------
    ValueError : columns or numbers that are missing, value that sums to nothing

    Examples
    --------
    >>> rows = pd.DataFrame({"clv_if_active": np.arange(1.0, 101.0), "risk": 0.6})
    >>> table = value_at_risk(rows).table
    >>> table.loc[table["risk"] == "probably inactive", "n"].tolist()
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
            "risk": np.tile(ACTIVITY, 3),
            "term": np.repeat(VALUE, 3),
            "estimate": share,
            "n": inside.sum(0),
            "customers": inside.mean(0),
            **ends,
        }
    )
    note = _(
        "Value is high for the top fifth and low for the lowest two fifths. The levels of activity "
        "begin at a probability of {high:share} and of {medium:share} to have stopped buying.",
        high=HIGH,
        medium=MEDIUM,
    )
    notes = [note, resampling_note(sample)]
    finding = _finding(table, len(values))
    if models and models.depends:
        parts = [finding.detail, _("who is active depends on the purchase model")]
        detail = _("; ").join(p for p in parts if p)
        unsure: dict[str, Any] = {"verdict": "unclear", "importance": Importance.CONTEXT}
        finding = replace(finding, detail=detail, **unsure)
    return Result(
        table,
        finding,
        i18n.together(notes),
        "share",
        columns=[*in_unit("share", "customers"), Column("risk", unit="name", label=N_("activity"))],
        draws=sample.draws,
        seed=sample.seed,
    )


def _finding(table: pd.DataFrame, n: int) -> Finding:
    """How many are of high value and probably inactive, as far as the page may say so."""
    first, least = table.iloc[0], context.current().smallest_cell
    count = int(first["n"])
    if 0 < count < least:
        return Finding(
            _(
                "Fewer than {least:count} of {n:count} customers are of high value and probably "
                "inactive.",
                least=least,
                n=n,
            )
        )
    if disclosure.hidden(table).iloc[0]:
        return Finding(
            _(
                "How many of {n:count} customers are of high value and probably inactive is not "
                "shown: a smaller number could be worked out from it.",
                n=n,
            )
        )
    if not count:
        return Finding(
            _("None of {n:count} customers is of high value and probably inactive.", n=n)
        )
    facts = {
        "count": count,
        "n": n,
        "share": first["estimate"],
        "span": (first["low"], first["high"]),
    }
    return Finding.of_row(
        first,
        ngettext(
            "{n:count} customer of high value has probably stopped buying, with {share:share} of "
            "all expected value.",
            "{n:count} customers of high value have probably stopped buying, with {share:share} "
            "of all expected value.",
            count,
            share=first["estimate"],
        ),
        _("95% CI {span:share_interval1}; n = {n:count}", **facts),
        unit="share",
        measure="value_at_risk",
        importance=Importance.ANSWER,
    )
