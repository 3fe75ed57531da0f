"""Whether forecasts of purchases held: the last weeks set apart, and foretold from those before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.purchases import seen_from
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import estimators
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.value import expected
from cxlib.value.found import Found, Purchase
from cxlib.value.histories import histories

MOST_REPEATS = 7  # customers who came back more often stand together


def holdout(
    orders: pd.DataFrame,
    weeks: float = 26,
    *,
    model: Purchase = "bg_nbd",
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Purchases a customer made in the last `weeks`, beside those foretold from before.

    table: term (how often they had come back before), estimate (purchases that came), low, high, n,
    predicted; intervals hold together. The answer is of all. Raises ValueError where there are too
    few repeat buyers before the split.
    """
    end = seen_from(orders, as_of)
    before, notes = histories(orders, end - pd.Timedelta(days=round(7 * weeks)))
    after, _unused = histories(orders[orders["at"] < end], end)
    came = after.set_index("customer_id")["repeats"].reindex(before["customer_id"]).to_numpy()
    came = (came - before["repeats"]).to_numpy(float)
    found = Found(before, model, covariates)
    ahead = expected.purchases(model, found.own(), *found.data, weeks)[found.which]
    top = int(np.clip(np.quantile(before["repeats"], 0.99), 2, MOST_REPEATS))
    groups = np.minimum(before["repeats"].to_numpy(int), top)
    inside = (groups[:, None] == np.arange(top + 1)).astype(float)
    sums = inside.sum(0)
    means, again = estimators.ratio(inside * came[:, None], inside, draws=draws, seed=seed)
    low, high = simultaneous_interval(means, again)
    words = [i18n.count(k) for k in range(top)]
    table = pd.DataFrame(
        {
            "term": [*words, _("{count:count} or more", count=top)],
            "estimate": means,
            "low": np.maximum(low, 0),
            "high": high,
            "n": sums.astype(int),
            "predicted": (inside * ahead[:, None]).sum(0) / np.maximum(sums, 1),
        }
    )
    whole = estimators.mean(came, draws=draws, seed=seed).replicates
    all_ = estimates_table(["all"], [came.mean()], whole, len(came)).iloc[0]
    answer = _(
        "In the last {weeks:count} weeks a customer bought {estimate:number2} times "
        "({span:interval2}); {predicted:number2} were foretold from before, n {n:count}.",
        weeks=weeks,
        estimate=all_.estimate,
        span=(all_.low, all_.high),
        predicted=ahead.mean(),
        n=len(came),
    )
    note = i18n.together([*notes, how_drawn(draws, bucket="customer_id")])
    return Estimates(table, answer, note, "purchases", draws=draws, seed=seed)
