"""What customers are worth: who is here still, what they will buy, and what that is worth today.

    fit = value.fit(orders, margin=0.3)          # weeks ahead, discounted, with intervals
    print(fit)            # A customer is worth 21.40 (20.10 to 22.90) over the next 52 weeks ...
    fit.table             # worth of a customer, by group; `share` of the whole
    fit.alive             # share who are here still;  fit.purchases: purchases to come
    fit.outlook           # both in one sentence
    fit.parameters        # of the purchase model and of the amounts
    value.holdout(orders, 26)      # did such forecasts hold? what came beside what was foretold
    value.score(orders, fit)                     # a row a customer
    value.attempt(value.fit, orders)             # None, and why on the page, where rows are too few

Purchases: BG/NBD or Pareto/NBD; amounts: Gamma-Gamma, which takes amounts to go with nothing but
the customer (`fit.amounts_apart` says how far they go with the number of purchases). It tells what
customers will bring if nothing changes, not what an offer would add.
"""

from __future__ import annotations

from cxlib.enough import Unfit, attempt
from cxlib.value.contracts import Contract, contract, contract_by
from cxlib.value.fits import Value, fit, listed, score
from cxlib.value.forecast import holdout
from cxlib.value.histories import histories
from cxlib.value.lifecycle import Lifecycle, lifecycle
from cxlib.value.standing import Served, grid, served

__all__ = [
    "Contract", "Lifecycle", "Served", "Unfit", "Value", "attempt", "contract", "contract_by",
    "fit", "grid", "histories", "holdout", "lifecycle", "listed", "score", "served",
]  # fmt: skip
