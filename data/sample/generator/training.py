"""A training given to hotels one after the other, and how welcome guests then felt at the desk.

    training.asked(rng, answered, customers)    # the answers with the columns hotel and welcome
    training.effect()                           # what it truly did, of those trained, on average

The hotels with the poorest welcome were trained first, so that trained and others differ from the
start; the effect grows over three waves, and every hotel has good and bad quarters of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.people import MISSING, NOT_EXPERIENCED
from generator.truth import TRUTH, WAVES

HOTELS = tuple(f"hotel {k:02}" for k in range(1, 17))
MEAN, LEVELS, GUESTS, DAY = 6.2, 0.5, 0.7, 1.1  # of an answer; hotels lie between -0.5 and 0.5
LASTS = 0.5  # correlation of a hotel's quarters


def effects() -> np.ndarray:
    """What the training adds to the answer of each hotel and wave, (hotels, waves)."""
    told = TRUTH["training"]
    starts = [WAVES.index(told["begun"][h]) if h in told["begun"] else len(WAVES) for h in HOTELS]
    since = np.arange(len(WAVES)) - np.array(starts)[:, None]
    grown = np.array(told["effect"])[np.clip(since, 0, len(told["effect"]) - 1)]
    return np.where(since >= 0, grown, 0.0)


def effect() -> float:
    """The mean of each trained hotel over its waves since the start, and of these over hotels."""
    added = effects()
    trained = added[(added > 0).any(1)]
    return float((trained.sum(1) / (trained > 0).sum(1)).mean())


def asked(rng: np.random.Generator, answered: pd.DataFrame, customers: int) -> pd.DataFrame:
    """The answers with the hotel that each customer stays at and `welcome`, of those with a room.

    `answered` holds the maker's `person`, the place of the customer.
    """
    told, shape = TRUTH["training"], (len(HOTELS), len(WAVES))
    hotel = rng.integers(0, len(HOTELS), customers)
    guest = GUESTS * rng.standard_normal(customers)
    quarters = rng.standard_normal(shape)
    for wave in range(1, len(WAVES)):
        new = np.sqrt(1 - LASTS**2) * quarters[:, wave]
        quarters[:, wave] = LASTS * quarters[:, wave - 1] + new
    level = np.linspace(-LEVELS, LEVELS, len(HOTELS))[:, None] + told["quarters"] * quarters
    level = MEAN + level + 0.2 * rng.standard_normal(len(WAVES)) + effects()
    person, wave = answered["person"].to_numpy(), answered["wave"].map(WAVES.index).to_numpy()
    at = hotel[person]
    raw = level[at, wave] + guest[person] + DAY * rng.standard_normal(len(answered))
    answer = np.clip(np.rint(raw), 1, 10).astype("int64")
    answer[rng.random(len(answered)) < TRUTH["missing"]["touchpoints"]] = MISSING
    answer[(answered["room"] == NOT_EXPERIENCED).to_numpy()] = NOT_EXPERIENCED
    return answered.assign(hotel=np.array(HOTELS)[at], welcome=answer)
