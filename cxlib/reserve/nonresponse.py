"""Which share of those who were asked did not answer, wave by wave."""

from __future__ import annotations

from typing import Any

from cxlib.core.errors import RowsStay
from cxlib.reserve.door import Held, fewest

NEEDED = ["wave", "customer_id", "response_id"]


def silent_shares(store: Any) -> dict[str, float]:
    """Share of the customers invited in a wave who did not answer, by wave, of a `Reserve`.

    Where study.yaml states the response rate, it holds for every wave (the key is empty); empty
    where nothing is known. 01_who_answers has the rate with its interval; this says only whether a
    verdict could be overturned.
    """
    if store.study.response_rate is not None:
        return {"": 1 - store.study.response_rate}
    known = store.schema.get("invitations", ())
    if "invitations" not in store.tables or not set(NEEDED) <= set(known):
        return {}
    invited = "wave is not null and customer_id is not null"
    answered = "max(case when response_id is null then 0 else 1 end) as answered"
    each = f"select wave, customer_id, {answered} from invitations where {invited} group by 1, 2"
    shares = (
        f"select wave, sum(answered) as answered, count(*) as n from ({each}) as each group by 1"
    )
    query = Held(f"{shares} order by 1", fewest(["wave"], "invitations", invited))
    try:
        found = store.store.execute(query).fetchall()
    except RowsStay:  # some wave invited too few
        return {}
    return {str(wave): 1 - int(answered) / n for wave, answered, n in found}
