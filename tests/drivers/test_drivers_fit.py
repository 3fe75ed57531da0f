"""The interval of R²: freed of the bias that fitting to few answers gives it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import drivers
from cxlib.core.sample import Sample
from cxlib.stats.intervals import estimates_table, recentred_fit

SLOPES = {"a": 0.6, "b": 0.4, "c": 0.2}
TRUTH = 0.56 / 1.56  # by hand: 0.36 + 0.16 + 0.04 explained, 1 not


def answers(n: int, seed: int, kind: str = "") -> Sample:
    rng = np.random.default_rng(seed)
    who = np.arange(n) // (2 if kind == "clustered" else 1)

    def drawn() -> np.ndarray:  # of a customer and of the answer, half each
        alike = rng.normal(size=n)[who]
        return (alike + rng.normal(size=n)) / np.sqrt(2) if kind == "clustered" else alike

    rows = pd.DataFrame({name: drawn() for name in SLOPES})
    rows["y"] = sum(slope * rows[name] for name, slope in SLOPES.items()) + drawn()
    weight = rng.choice([0.5, 1.0, 2.0], n) if kind == "weighted" else 1.0
    rows = rows.assign(who=who, w=weight)
    return Sample(rows, weight="w", cluster="who", draws=300, seed=seed)


def test_an_interval_moves_back_by_twice_the_bias_of_its_draws() -> None:
    # By hand: 0.65 is unexplained, and 0.60 in the middle of the draws.
    draws = np.linspace(0.3, 0.5, 101)[:, None]
    table = estimates_table(["R²"], np.array([0.35]), draws, 40, level=1.0)
    moved, twice = recentred_fit(table, draws).iloc[0], (0.65 / 0.60) ** 2
    assert (moved["low"], moved["high"]) == pytest.approx((1 - 0.7 * twice, 1 - 0.5 * twice))
    none = recentred_fit(table, np.empty((0, 1)))
    assert none.equals(table)


def test_r_squared_of_noise_reaches_down_to_0() -> None:
    sample = answers(40, 1)
    noise = sample.assign(y=np.random.default_rng(2).normal(size=40))
    assert drivers.importance(noise, "y", list(SLOPES)).r2["low"].item() == 0


@pytest.mark.coverage
@pytest.mark.parametrize("kind", ["", "weighted", "clustered"])
@pytest.mark.parametrize("n", [40, 80])
def test_the_interval_of_r_squared_covers_the_truth(n: int, kind: str, tell_coverage) -> None:
    held = []
    for seed in range(200):
        row = drivers.importance(answers(n, seed, kind), "y", list(SLOPES)).r2.iloc[0]
        held.append(row["low"] <= TRUTH <= row["high"])
    of = f"{n} answers" + {"clustered": ", 2 from each customer", "": ""}.get(kind, f", {kind}")
    tell_coverage("R² of the drivers", of, np.mean(held), len(held))
    assert np.mean(held) >= 0.92, np.mean(held)
