"""Whom the made-up company contacted: call-backs that chance decided, and e-mails that it did not.

    contacts(rng, person, joined, left)       # the table; arm, block: of call-backs alone

In the first five weeks of each wave with the call-back programme a part of its customers is looked
at, a week at a time. Those of the group that is called back are called, the others are controls: so
the effect of a call is that of the programme, `TRUTH["contacts"]`. E-mails have no effect.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.people import END, STARTS
from generator.truth import TRUTH, WAVES

DAY = np.timedelta64(1, "D")
WEEKS = 5  # of a wave in which customers are looked at; it is asked from its day 40 on


def contacts(
    rng: np.random.Generator, person: pd.DataFrame, joined: np.ndarray, left: np.ndarray
) -> pd.DataFrame:
    """Every contact, in the order of time; calls have an arm and a block, e-mails have none."""
    both = [_calls(rng, person, joined, left), _mails(rng, person, joined, left)]
    table = pd.concat(both).sort_values(["at", "customer_id"], kind="stable", ignore_index=True)
    table.insert(0, "contact_id", [f"n{k:05d}" for k in range(1, len(table) + 1)])
    return table.astype({"at": "datetime64[us]"})


def _calls(
    rng: np.random.Generator, person: pd.DataFrame, joined: np.ndarray, left: np.ndarray
) -> pd.DataFrame:
    told, arm = TRUTH["contacts"], person["callback"].to_numpy()
    first = WAVES.index(TRUTH["callback"]["from"])
    i, w = np.nonzero(rng.random((len(person), len(WAVES) - first)) < told["looked_at"])
    monday = STARTS[first + w] + (7 - STARTS[first + w].astype(int) + 4) % 7 * DAY
    monday = monday + 7 * rng.integers(0, WEEKS, len(i)) * DAY
    day = monday + rng.integers(0, 5, len(i)) * DAY
    here = (arm[i] != "outside") & (joined[i] < monday) & (day < left[i])
    i, monday, day = i[here], monday[here], day[here]
    called, reached = arm[i] == "called", rng.random(len(i)) < told["reached"]
    return pd.DataFrame(
        {
            "customer_id": person["customer_id"].to_numpy()[i],
            "at": np.where(called, day, monday),
            "channel": np.where(called, "phone", None),
            "reason": "low score",
            "campaign": "call_back",
            "arm": np.where(called, "contacted", "control"),
            "block": np.datetime_as_string(monday),
            "outcome": np.where(called, np.where(reached, "reached", "not reached"), None),
        }
    )


def _mails(
    rng: np.random.Generator, person: pd.DataFrame, joined: np.ndarray, left: np.ndarray
) -> pd.DataFrame:
    told = TRUTH["contacts"]
    since = END - 365 * DAY
    i = rng.integers(0, len(person), told["mails"])
    day = since + rng.integers(0, 365, len(i)) * DAY
    here = (joined[i] < day) & (day < left[i])
    i, day = i[here], day[here]
    shares = told["mail_outcomes"]
    return pd.DataFrame(
        {
            "customer_id": person["customer_id"].to_numpy()[i],
            "at": day,
            "channel": "email",
            "reason": "offer",
            "campaign": "offers",
            "outcome": rng.choice(list(shares), len(i), p=list(shares.values())),
        }
    )
