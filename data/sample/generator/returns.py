"""Customers who come back, and members of a programme, with known truth, cheaply repeated.

shoppers(500, seed=3)        # customers, orders, events: who comes back goes with RETURN
members(600, seed=3, effect=0.2, chosen=True)      # people, orders around a programme
"""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2025-01-01")
# Chance to come back within 150 days of the landmark, and what adds to it.
RETURN = {"usual": 0.35, "late": -0.12, "plus": 0.15}
LANDMARK, HORIZON = 30, 150
PERIOD, BEFORE, AFTER = 50, 3, 2  # days, periods


def shoppers(n: int, *, seed: int) -> dict[str, pd.DataFrame]:
    """Customers with a plan, a first order, its delivery on time or late, and perhaps a second.

    Chances add up as in RETURN; the plan goes with late deliveries, so that plain differences are
    not those of customers alike in the other. Nobody comes back before the landmark, and everybody
    is seen to the end of the horizon.
    """
    rng = np.random.default_rng(seed)
    plus = rng.random(n) < 0.4
    late = rng.random(n) < np.where(plus, 0.5, 0.2)
    chance = RETURN["usual"] + RETURN["late"] * late + RETURN["plus"] * plus
    back = rng.random(n) < chance
    first = rng.integers(0, 200, n)
    second = first + rng.integers(LANDMARK + 1, LANDMARK + HORIZON + 1, n)
    who = np.array([f"s{i}" for i in range(n)])
    day = np.r_[first, second[back], 200 + LANDMARK + HORIZON]
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(day))],
            "customer_id": np.concatenate([who, who[back], ["end"]]),
            "at": START + pd.to_timedelta(day, unit="D"),
            "amount": 20.0,
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": who,
            "at": START + pd.to_timedelta(first + rng.integers(2, 12, n), unit="D"),
            "touchpoint": "delivery",
            "outcome": np.where(late, "late", "on_time"),
        }
    )
    customers = pd.DataFrame({"customer_id": who, "plan": np.where(plus, "plus", "basic")})
    return {"customers": customers, "orders": orders, "events": events}


def members(
    n: int, *, seed: int, effect: float = 0.2, chosen: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(people, orders) over BEFORE and AFTER periods of PERIOD days; a purchase a day at most.

    Customers buy at rates of their own (gamma), a fifth more after than before; members `effect`
    more after it began. Members are drawn by lot or, where `chosen`, by how often they bought
    before: what is known of them, so that others alike in it tell what would have been.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 0.03, n)  # a day
    before = rng.random((n, BEFORE * PERIOD)) < rate[:, None]
    odds = -1.2 + 0.12 * before.sum(1) if chosen else np.zeros(n)
    member = rng.random(n) < 1 / (1 + np.exp(-odds))
    later = 1.2 * rate * (1 + effect * member)
    after = rng.random((n, AFTER * PERIOD)) < later[:, None]
    i, day = np.nonzero(np.hstack([before, after]))
    who = np.array([f"m{k}" for k in range(n)])
    orders = pd.DataFrame(
        {
            "customer_id": np.concatenate([who[i], ["first", "last"]]),
            "at": START + pd.to_timedelta(np.r_[day, 0, (BEFORE + AFTER) * PERIOD - 1], unit="D"),
            "amount": np.r_[rng.gamma(4.0, 5.0, len(i)), 1.0, 1.0],
        }
    )
    people = pd.DataFrame({"customer_id": who, "member": member})
    return people, orders


def begun() -> pd.Timestamp:
    """The day the programme of `members` begins."""
    return START + pd.Timedelta(days=BEFORE * PERIOD)
