"""Shares and rates of few events: by hand, published and other libraries' limits, coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import channels
from cxlib.core.sample import Sample
from cxlib.stats import intervals
from cxlib.stats.estimators import Replicated, rate_interval, share_interval
from cxlib.voice import comments


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)],
)
def test_counts_have_the_limits_that_garwood_printed(count, low, high) -> None:
    from scipy.stats import chi2

    found = intervals.poisson_interval(np.array([count]))
    assert_allclose([end[0] for end in found], [low, high], atol=1e-4)
    assert_allclose(found[1][0], chi2.ppf(0.975, 2 * count + 2) / 2)


def test_rates_of_few_cases_have_the_limits_of_counts() -> None:
    cases = pd.DataFrame({"channel": ["web"] * 4 + ["phone"] * 30})
    contacts = pd.DataFrame({"channel": ["web"] * 100 + ["phone"] * 100 + ["app"] * 100})
    fit = channels.per_contact(
        Sample(cases, draws=4000), Sample(contacts, draws=4000), by="channel", what="cases"
    )
    web = fit.table.set_index("channel").loc["web"]
    # By hand 1.09 to 10.24 (Garwood); draws also vary the contacts, which adds 4 in 100.
    assert web["low"] == pytest.approx(1.09, abs=0.12)
    assert web["high"] == pytest.approx(10.24, abs=0.35)


def test_no_event_has_a_rate_below_that_of_the_rule_of_three() -> None:
    none = Replicated(np.array([0.0]), np.zeros((10, 1)), 300.0)
    low, high = rate_interval(none, np.array([0]), np.array([1 / 300]))
    assert low[0] == 0 and high[0] == pytest.approx(3.6889 / 300, abs=1e-6)


def test_few_rows_of_small_weight_are_worth_no_more_than_there_are() -> None:
    drawn = Replicated(np.array([0.02]), np.random.default_rng(1).normal(0.02, 0.002, (900, 1)))
    share = share_interval(drawn, np.array([60]), effective=np.array([30.0]))
    level = intervals.expanded_level(30)
    assert_allclose([e[0] for e in share], np.ravel(intervals.wilson_interval(0.02, 30, level)))


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"), [(20, ""), (60, ""), (80, "weighted"), (50, "weighted"), (50, "clustered")]
)
def test_shares_of_topics_cover_the_truth(n: int, kind: str, tell_coverage) -> None:
    truth = np.array([0.05, 0.1, 0.3])
    own, together = [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        rows = pd.DataFrame({"who": np.arange(n) // (2 if kind == "clustered" else 1), "w": 1.0})
        chance = truth * np.ones((n, 1))
        if kind == "clustered":  # two comments a customer, which are alike
            chance = rng.beta(3 * truth, 3 * (1 - truth), (n // 2, 3))[rows["who"]]
        if kind == "weighted":
            rows["w"] = rng.choice([0.5, 1.0, 3.0], n)
        sample = Sample(rows, weight="w", cluster="who", draws=300, seed=seed)
        marked = (rng.random((n, 3)) < chance).astype(float)
        ends = comments.shares(sample, marked, np.ones((n, 1)))[1]
        own.append((ends[0] <= truth) & (truth <= ends[1]))
        together.append(((ends[2] <= truth) & (truth <= ends[3])).all())
    # 95 in 100, less what Wilson's interval loses between whole counts and two standard errors.
    of = f"{n} comments" + {"clustered": ", 2 from each customer", "": ""}.get(kind, f", {kind}")
    tell_coverage("share of a topic, Wilson interval", of, np.mean(own), len(own))
    tell_coverage("shares of topics, Wilson, simultaneous", of, np.mean(together), len(together))
    assert np.mean(own) >= 0.93 and np.mean(own, axis=0).min() >= 0.92, np.mean(own, axis=0)
    assert np.mean(together) >= 0.93, np.mean(together)


@pytest.mark.coverage
@pytest.mark.parametrize("kind", ["", "clustered"])
def test_rates_of_three_to_five_cases_cover_the_truth(kind: str, tell_coverage) -> None:
    held = []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        each = 2 if kind else 1
        counts = rng.poisson(4 / each), rng.poisson(20)
        who = [np.repeat(np.arange(counts[0]), each), 10_000 + np.arange(counts[1])]
        cases = pd.DataFrame(
            {
                "channel": np.repeat(["web", "phone"], [len(w) for w in who]),
                "customer_id": np.concatenate(who),
            }
        )
        contacts = pd.DataFrame(
            {"channel": ["web"] * 200 + ["phone"] * 200, "customer_id": np.arange(400)}
        )
        if not counts[0]:
            held.append(True)  # none: the limit of 0 events holds 4 in 200
            continue
        how = {"cluster": "customer_id", "draws": 300, "seed": seed}
        fit = channels.per_contact(
            Sample(cases, **how), Sample(contacts, **how), by="channel", what="cases"
        )
        row = fit.table.set_index("channel").loc["web"]
        held.append(row["low"] <= 2 <= row["high"])
    of = "about 4 cases" + ", 2 from each customer" * bool(kind)
    tell_coverage("cases per 100 contacts, Poisson interval", of, np.mean(held), len(held))
    assert np.mean(held) >= 0.93, np.mean(held)
