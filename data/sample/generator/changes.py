"""What the changes of the made-up company truly did to its answers, and panels with a known effect.

    effects()                                   # change, term, estimate: of each question
    panel(600, seed=3, effect=0.5)              # answers of six waves; a change by lot or by place

`effects` asks everybody twice, with the change and without it, from the same random numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator import people
from generator.truth import TRUTH


def effects(rows: int = 200_000, seed: int = 5) -> pd.DataFrame:
    """Mean effect of each change on each question (NPS in points, others on their scale).

    change, term, estimate, standard_error; of all customers, whoever would answer.
    """
    found = []
    for name in ("callback", "price", "failure"):
        told = TRUTH[name]
        where = told.get("construct", told.get("touchpoint"))
        shift = {where: np.full((rows, 1), told["effect"])}
        with_, without = (_answers(rows, seed, s, told if s else {}) for s in (shift, {}))
        for item in (*people.QUESTIONS, "nps"):
            gap = with_[item] - without[item]
            gap = gap[~np.isnan(gap)]
            found.append((name, item, gap.mean(), gap.std() / np.sqrt(len(gap))))
    return pd.DataFrame(found, columns=["change", "term", "estimate", "standard_error"])


def _answers(rows: int, seed: int, shift: dict, told: dict) -> dict[str, np.ndarray]:
    who, feel, ask, say = (np.random.default_rng([seed, k]) for k in range(4))
    kind = people.types_of(who, rows)
    felt = {n: v[:, 0] for n, v in people.latents(feel, kind, 1, shift).items()}
    topic = people.topics(ask, (rows,))
    if "topic" in told:
        usual = TRUTH["topics"][told["topic"]]["share"]
        more = ask.random(rows) < (told["topic_share"] - usual) / (1 - usual)
        topic = np.where(more, people.TOPICS.index(told["topic"]), topic)
    given = people.answers(say, felt, topic)
    for name in people.TOUCHPOINTS:
        given[name] = np.where(given[name] > 10, np.nan, given[name])
    recommend = given["recommend"]
    return {**given, "nps": 100.0 * ((recommend >= 9) * 1.0 - (recommend <= 6))}


def panel(
    customers: int = 400,
    *,
    seed: int,
    effect: float = 0.5,
    waves: int = 6,
    begun: int = 3,
    groups: int = 2,
    randomised: bool = True,
    answers: float = 0.6,
    drift: float = 0.0,
) -> pd.DataFrame:
    """Answers of `customers` over `waves`, `effect` added from wave `begun` on for the treated.

    customer_id, wave (w0, w1 ...), place (g0 ...; g0 is treated when not `randomised`), arm
    (treated or control), score. Customers differ for good, places and waves have levels of their
    own, a share `answers` of customers answers each wave, and the treated drift by `drift` a wave.
    """
    rng = np.random.default_rng([seed, 40])
    place = rng.integers(0, groups, customers)
    treated = rng.random(customers) < 0.5 if randomised else place == 0
    own, level = rng.standard_normal(customers), rng.standard_normal(groups)
    score = (
        own[:, None]
        + level[place][:, None]
        + 0.5 * rng.standard_normal(waves)
        + rng.standard_normal((customers, waves))
        + np.outer(treated, effect * (np.arange(waves) >= begun) + drift * np.arange(waves))
    )
    i, w = np.nonzero(rng.random(score.shape) < answers)
    return pd.DataFrame(
        {
            "customer_id": np.array([f"c{k:05d}" for k in range(customers)])[i],
            "wave": np.array([f"w{k}" for k in range(waves)])[w],
            "place": np.array([f"g{k}" for k in range(groups)])[place[i]],
            "arm": np.where(treated[i], "treated", "control"),
            "score": score[i, w],
        }
    )
