"""The NPS beside its peers in one run on one machine; ratios are printed, nothing judged.

python -m pytest tests/benchmarks/test_scores_speed.py -s
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from clock import seconds

from cxlib import scores
from cxlib.core.sample import Sample
from cxlib.scores import Measure, group_means
from cxlib.scores.answers import read


def answered(n: int, groups: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    names = np.array([f"group {k}" for k in range(groups)])[rng.integers(0, groups, n)]
    return pd.DataFrame({"recommend": rng.integers(0, 11, n).astype(float), "group": names})


def test_ten_thousand_draws_beside_scipy():
    rows = answered(10_000)
    counted = np.where(rows["recommend"] >= 9, 1.0, np.where(rows["recommend"] <= 6, -1.0, 0.0))
    theirs = seconds(
        lambda: scipy.stats.bootstrap(
            (counted,), np.mean, n_resamples=10_000, method="percentile", batch=500, rng=1
        ),
        1,
    )
    whole = seconds(lambda: scores.nps(Sample(rows, draws=10_000), method="bootstrap"))
    answers, nps = read(Sample(rows, draws=10_000), ["recommend"]), Measure("nps")
    draws = seconds(lambda: group_means.ratio(*group_means.resampled_sums(answers, nps.recode)))
    print(
        f"\n10,000 draws of 10,000 answers: scipy takes {theirs:.2f} s, {theirs / whole:.0f} "
        f"times all of scores.nps and {theirs / draws:.0f} times its draws"
    )


@pytest.mark.parametrize("kind", ["text", "object", "category"])
def test_a_million_answers_in_twenty_groups_beside_pandas(kind):
    rows = answered(1_000_000, 20)
    if kind != "text":
        rows["group"] = rows["group"].astype(kind)
    theirs = seconds(lambda: rows.groupby("group", observed=True)["recommend"].mean())
    whole = seconds(lambda: scores.nps(rows, by="group"))
    drawn = seconds(
        lambda: scores.nps(Sample(rows, draws=10_000), by="group", method="bootstrap"), 2
    )
    print(
        f"\ngroups as {kind}: scores.nps takes {whole / theirs:.2f} times one groupby-mean "
        f"({theirs:.3f} s), with 10,000 draws {drawn / theirs:.2f} times"
    )


def test_a_trend_of_a_million_answers():
    rows = answered(1_000_000, 12).rename(columns={"group": "wave"})
    spent = seconds(lambda: scores.trend(rows), 3)
    print(f"\ntrend over 12 waves of a million answers: {spent:.2f} s CPU")
