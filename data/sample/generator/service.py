"""Complaints with known truth: who complains, how it is handled, and what that does to an answer.

    pairs = recoveries(600, seed=7, well=0.5)      # as service.answer_pairs gives them
    statuses(rng, cases)                           # what happened to each case, one by one

Answers are a customer's own level and the mood of the day. Those who answered low complain more, so
that they rise by themselves: the change of complainers is far from what their handling did.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.people import END
from generator.truth import TRUTH

LEVEL, SPREAD, MOOD = 7.0, 1.0, 1.3  # mean and spread of levels, spread of the mood of a day
COMPLAINS = (-1.2, -0.9)  # log-odds: at the mean answer, for each point above it


def recoveries(
    customers: int, seed: int, *, well: float = 0.5, badly: float = -0.8
) -> pd.DataFrame:
    """Pairs of answers: customer_id, since, until, before, after, handled.

    Half of the complaints are handled well, by lot; `well` and `badly` are what it does to the
    later answer, in points.
    """
    rng = np.random.default_rng(seed)
    level = rng.normal(LEVEL, SPREAD, customers)
    before, after = (level + rng.normal(0, MOOD, customers) for _ in range(2))
    odds = COMPLAINS[0] + COMPLAINS[1] * (before - LEVEL)
    complains = rng.random(customers) < 1 / (1 + np.exp(-odds))
    kind = np.where(complains, np.where(rng.random(customers) < 0.5, "well", "badly"), "none")
    done = {"none": 0.0, "well": well, "badly": badly}
    since = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 90, customers), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(customers)],
            "since": since,
            "until": since + pd.to_timedelta(rng.integers(60, 120, customers), unit="D"),
            "before": before,
            "after": after + np.array([done[k] for k in kind]),
            "handled": kind,
        }
    )


def statuses(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """The statuses of each case: new, in progress once answered, solved once solved.

    Some wait for their customer for a while, in the first three fifths of the time from reply to
    solution; those that were reopened had been solved before, in the last two fifths.
    """
    n, about = len(cases), TRUTH["statuses"]
    waits = rng.random(n) < about["waiting"]
    part = 0.6 * rng.beta(4, 6, n)  # of the time from reply to solution
    begins = rng.random(n) * (0.6 - part)
    reply, end = cases["first_reply_at"], cases["solved_at"].fillna(pd.Timestamp(END))
    took = end - reply

    def rows(status: str, at: pd.Series, those: np.ndarray) -> pd.DataFrame:
        found = pd.DataFrame({"case_id": cases["case_id"], "at": at, "status": status})[those]
        return found[found["at"].notna() & (found["at"] < pd.Timestamp(END))]

    every, again = np.ones(n, bool), cases["reopened"].to_numpy(bool)
    parts = [
        rows("new", cases["opened_at"], every),
        rows("in progress", reply, every),
        rows("waiting for customer", reply + begins * took, waits),
        rows("in progress", reply + (begins + part) * took, waits),
        rows("solved", reply + 0.7 * took, again),
        rows("in progress", reply + 0.85 * took, again),
        rows("solved", cases["solved_at"], every),
    ]
    table = pd.concat(parts).sort_values(["case_id", "at"], kind="stable", ignore_index=True)
    table["at"] = table["at"].dt.floor("min")
    table.insert(0, "status_id", [f"s{k:05d}" for k in range(1, len(table) + 1)])
    return table
