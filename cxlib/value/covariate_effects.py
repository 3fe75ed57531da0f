"""Which customers buy more often and which leave sooner: covariates of the purchase model.

covariate_effects(orders, groups, model="mbg_nbd").table
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.intervals import estimates_table
from cxlib.stats.notes import resampling_note
from cxlib.value.patterns import CountedPurchases, histories
from cxlib.value.purchase_model import Purchase, PurchaseModel

BUYS, LEAVES = RATES = mark("how often they buy", "how soon they leave")
LEAST = 50  # customers of a group that is compared


def covariate_effects(
    sample: SampleLike,
    groups: pd.Series | None = None,
    *,
    model: Purchase = "mbg_nbd",
    as_of: str | pd.Timestamp | None = None,
    counted: CountedPurchases | None = None,
) -> Result:
    """How many times as often each group buys, and leaves, as the largest group.

    Parameters
    ----------
    sample : orders with customer_id, at and amount
    groups : group of each customer_id (its index); not one that is made of the purchases
    model : of purchases
    as_of : date from which customers are seen, the day after the last order by default
    counted : purchases of all customers with their groups, as for `lifetime_value`

    Returns
    -------
    Result whose table has rate ("how often they buy", "how soon they leave"), term (group),
    estimate (rate divided by that of the largest group), low, high, n, against (that group)

    Raises
    ------
    InsufficientData : fewer than two groups of 50 customers, or a model without a maximum

    References
    ----------
    Fader and Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rate = rng.gamma(1.5, 0.1, 400) * np.repeat([1, 2], 200)
    >>> ends = np.minimum(rng.exponential(60, 400), 60)
    >>> weeks = [rng.exponential(1 / r, 99).cumsum() for r in rate]
    >>> weeks = [[0.0, *w[w < end]] for w, end in zip(weeks, ends)]
    >>> orders = pd.DataFrame([(i, w) for i, bought in enumerate(weeks) for w in bought])
    >>> orders = orders.set_axis(["customer_id", "week"], axis=1).assign(amount=10.0)
    >>> orders["amount"] += rng.random(len(orders))
    >>> orders["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(orders["week"] * 7, unit="D")
    >>> groups = pd.Series(np.repeat(["a", "b"], 200), range(400))
    >>> table = covariate_effects(orders, groups).table
    >>> bool(1.5 < table.loc[table["rate"] == BUYS, "estimate"].item() < 2.6)
    True
    """
    sample = as_sample(sample)
    found = histories(sample, as_of=as_of, groups=groups, counted=counted)
    of = pd.Series("", found.rows.index) if found.group is None else found.group.astype("string")
    sizes = pd.Series(found.customers).groupby(of).sum().sort_values(ascending=False, kind="stable")
    names = sorted(sizes.index[sizes >= LEAST])
    if len(names) < 2:
        raise InsufficientData(
            _("Two groups of at least {least:count} customers are needed.", least=LEAST)
        )
    kept = found.rows[of.isin(names)]
    own = of[kept.index]
    base = str(sizes.idxmax())
    others = [str(n) for n in names if n != base]
    columns = [f"group {k}" for k in range(len(others))]
    dummies = (own.to_numpy()[:, None] == np.array(others)).astype(float)
    covariates = pd.DataFrame(dummies, kept["customer_id"], columns)
    buyers = kept if counted is None else found.buyers
    fit = PurchaseModel(kept.reset_index(drop=True), model, covariates, buyers=buyers)
    k = len(fit.purchase.at)
    drawn = fit.resample(fit.purchase.parts[fit.which], sample.draws, sample.seed)
    replicates = np.exp(fit.purchase.replicates(drawn)[:, 4:k])
    estimate = np.exp(fit.purchase.at[4:k])
    n = [int(sizes[name]) for name in others]
    table = estimates_table(others * 2, estimate, replicates, n * 2)
    table.insert(0, "rate", np.repeat(RATES, len(others)))
    table["against"] = base
    notes = [*found.notes, resampling_note(sample.replace(cluster="customer_id"))]
    return Result(table, _finding(table, base), i18n.together(notes), "times", **sample.bootstrap)


def _finding(table: pd.DataFrame, base: str) -> Finding:
    """The group whose rate differs most for certain."""
    low, high = (table[c] for c in INTERVAL[1:])
    sure = table[(low > 1) | (high < 1)]
    if sure.empty:
        claim = _(
            "No group buys or leaves significantly faster or slower than {base:quoted}.", base=base
        )
        detail = _("{n:count} groups compared", n=table["term"].nunique())
        return Finding(claim, detail, importance=Importance.METHOD)
    row = sure.loc[np.log(sure["estimate"]).abs().idxmax()]
    words = {"group": row["term"], "base": base, "times": row["estimate"]}
    claim = (
        _(
            "Customers of {group:quoted} buy {times:number2} times as often as those of "
            "{base:quoted}.",
            **words,
        )
        if row["rate"] == BUYS
        else _(
            "Customers of {group:quoted} leave {times:number2} times as fast as those of "
            "{base:quoted}.",
            **words,
        )
    )
    ci = i18n.span(row["low"], row["high"], 2)
    detail = _("95% CI {ci}; n = {n:count}", ci=ci, n=row["n"])
    slots: dict[str, Any] = {
        "unit": "times",
        "measure": "covariate",
        "importance": Importance.ANSWER,
    }
    return Finding.of_row(row, claim, detail, **slots)
