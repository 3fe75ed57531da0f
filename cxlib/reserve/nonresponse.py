"""Which share of those who were asked did not answer, wave by wave."""

from __future__ import annotations

from typing import Any

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
    asked = store.read("invitations", columns=NEEDED).dropna(subset=["wave", "customer_id"])
    answered = asked["response_id"].notna().groupby([asked["wave"], asked["customer_id"]]).any()
    shares = 1 - answered.groupby(level=0).mean()
    return {str(wave): float(share) for wave, share in shares.items()}
