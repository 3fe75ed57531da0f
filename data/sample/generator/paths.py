"""Journeys with known truth: a Markov chain, waits, trouble at touchpoints, and what people answer.

    made = paths.journeys(2000, seed=1)          # events, responses; journeys of 1 to 3 a customer
    paths.CHAIN["website"]                       # where one goes from there, and how often
    paths.removed("support")                     # the removal effect, by taking it out of the chain

Each journey ends in an answer. Its score is what the moments were, seen as `LOOK` says, and less
where there was trouble (`IMPACT`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

BEGIN, END, GOAL = "begin", "end", "review"
CHAIN: dict[str, dict[str, float]] = {
    BEGIN: {"advert": 0.5, "website": 0.5},
    "advert": {"website": 0.7, END: 0.3},
    "website": {"compare": 0.4, "checkout": 0.4, END: 0.2},
    "compare": {"website": 0.3, "checkout": 0.5, END: 0.2},
    "checkout": {"delivery": 0.85, END: 0.15},
    "delivery": {GOAL: 0.5, "support": 0.2, END: 0.3},
    "support": {"delivery": 0.3, GOAL: 0.3, END: 0.4},
}
STAGES = {"advert": "awareness", "website": "discovery", "compare": "consideration",
          "checkout": "action", "delivery": "use", "support": "use", GOAL: "advocacy"}  # fmt: skip
WAIT = {"advert": 5.0, "website": 3.0, "compare": 4.0, "checkout": 1.0, "delivery": 6.0,
        "support": 2.0}  # days until the next step, exponential  # fmt: skip
TROUBLE = {"checkout": 0.10, "delivery": 0.30, "support": 0.20}  # of the meetings; others 0.03
IMPACT = {"checkout": 0.6, "delivery": 2.0, "support": 0.5}  # points of the score; others nothing
LOOK = {"mean": 0.01, "worst": 0.03, "last": 0.03}  # points of the score a point of rating
MOST_STEPS = 60


def journeys(customers: int, seed: int, *, moods: float = 0.0) -> dict[str, pd.DataFrame]:
    """Events and responses of the journeys of so many customers, 1 to 3 each.

    events: customer_id, journey_id, at, touchpoint, outcome, minutes; responses: customer_id,
    journey_id, answered_on, score, and a rating (0 to 100) of each touchpoint met. With `moods`
    above 0 customers differ in how often they go on: their steps are not independent.
    """
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), rng.integers(1, 4, customers))
    mood = rng.normal(0, moods, customers)[owner]
    step, journey, touchpoint = _walk(rng, len(owner), mood)
    order = np.lexsort([step, journey])
    journey, touchpoint = journey[order], touchpoint[order]
    names = np.array(list(STAGES))
    wait = np.array([WAIT.get(t, 1.0) for t in names])[touchpoint] * rng.exponential(
        1, len(journey)
    )
    first = np.flatnonzero(np.diff(journey, prepend=-1))
    upto = np.cumsum(wait) - wait
    passed = upto - upto[first][np.cumsum(np.diff(journey, prepend=-1) > 0) - 1]
    # A customer's journeys lie a year apart, so that none is mixed up with another.
    start = np.datetime64("2025-01-01") + (np.arange(len(owner)) % 40) * np.timedelta64(365, "D")
    at = start[journey] + (passed * 86400).astype("timedelta64[s]")
    chance = np.array([TROUBLE.get(t, 0.03) for t in names])[touchpoint]
    bad = rng.random(len(journey)) < chance
    events = pd.DataFrame(
        {
            "customer_id": np.char.add("c", owner[journey].astype(str)),
            "journey_id": journey,
            "at": at.astype("datetime64[us]"),
            "touchpoint": names[touchpoint],
            "outcome": np.where(bad, "failed", "done"),
            "minutes": rng.gamma(2.0, 3.0, len(journey)),
        }
    )
    return {"events": events, "responses": _answers(rng, events, touchpoint, bad, names)}


def _walk(rng: np.random.Generator, n: int, mood: np.ndarray) -> tuple[np.ndarray, ...]:
    """(step, journey, touchpoint) of all steps; a good mood goes on where others end."""
    names = [*STAGES, END]
    table = np.zeros((len(names), len(names)))
    for before, after in CHAIN.items():
        row = names.index(before) if before != BEGIN else names.index(END)
        for name, share in after.items():
            table[row, names.index(name)] = share
    here, at = np.arange(n), np.full(n, names.index(END))
    found = []
    for step in range(MOST_STEPS):
        shares = table[at] * np.where(
            np.arange(len(names)) == names.index(END), np.exp(-mood[here])[:, None], 1
        )
        reach = np.cumsum(shares, axis=1)
        at = (rng.random(len(here))[:, None] * reach[:, -1:] > reach).sum(1)
        on = at != names.index(END)
        here, at = here[on], at[on]
        found.append((np.full(len(here), step), here, at))
        going = at != names.index(GOAL)
        here, at = here[going], at[going]
        if not len(here):
            break
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _answers(
    rng: np.random.Generator,
    events: pd.DataFrame,
    touchpoint: np.ndarray,
    bad: np.ndarray,
    names: np.ndarray,
) -> pd.DataFrame:
    rating = np.clip(rng.normal(60, 18, len(events)), 0, 100)
    journey = events["journey_id"].to_numpy()
    size, k = journey.max() + 1, len(names)
    cell = journey * k + touchpoint
    count = np.bincount(cell, minlength=size * k).reshape(size, k)
    with np.errstate(invalid="ignore"):
        rated = (np.bincount(cell, rating, size * k).reshape(size, k)) / count
    hurt = np.bincount(cell, bad, size * k).reshape(size, k) > 0
    impact = hurt @ np.array([IMPACT.get(t, 0.0) for t in names])
    last = np.flatnonzero(np.diff(journey, append=-1))
    look = LOOK["mean"] * np.nanmean(rated, 1) + LOOK["worst"] * np.nanmin(rated, 1)
    look = look + LOOK["last"] * rated[journey[last], touchpoint[last]]
    answers = pd.DataFrame(rated, columns=names)
    answers.insert(0, "customer_id", events["customer_id"].to_numpy()[last])
    answers.insert(1, "journey_id", journey[last])
    day = events["at"].to_numpy()[last] + np.timedelta64(1, "h")
    answers.insert(2, "answered_on", day.astype("datetime64[us]"))
    answers.insert(3, "score", 3 + look - impact + rng.normal(0, 1.2, size))
    return answers


def completes(without: str = "") -> float:
    """The chance that a journey reaches the goal; those who come to `without` are lost."""
    inner = [t for t in CHAIN if t != without]
    moves = np.array([[CHAIN[a].get(b, 0.0) for b in inner] for a in inner])
    goals = np.array([CHAIN[a].get(GOAL, 0.0) for a in inner])
    return float(np.linalg.solve(np.eye(len(inner)) - moves, goals)[inner.index(BEGIN)])


def removed(touchpoint: str) -> float:
    """The true removal effect."""
    return 1 - completes(touchpoint) / completes()
