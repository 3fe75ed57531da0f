"""Journeys beside pychattr and ChannelAttribution, and ten million events in the store.

pip install pychattr==0.2.1 ChannelAttribution==2.2.5      # in an environment of their own
python -m pytest tests/benchmarks/test_journeys_speed.py -s

Ratios of one run on one machine are printed, nothing is judged but that the results agree. The
peers simulate 10,000 journeys (pychattr) or until the effects settle (ChannelAttribution); ours are
exact.
"""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from clock import seconds

from cxlib import journeys
from cxlib.synthetic import paths

pytestmark = pytest.mark.slow
PATHS, DRAWS = 10_000, 1000


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    rows = paths.journeys(PATHS * 6 // 10, seed=1)["events"]
    return rows[rows["journey_id"] < PATHS]


@pytest.fixture(scope="module")
def strings(events) -> pd.DataFrame:
    """The same journeys as the peers want them."""
    each = events.groupby("journey_id")["touchpoint"].agg(list)
    done = each.map(lambda t: t[-1] == paths.GOAL).astype(int)
    inner = each.map(lambda t: ">".join(x for x in t if x != paths.GOAL))
    return pd.DataFrame({"path": inner, "conv": done, "none": 1 - done}).reset_index(drop=True)


@pytest.mark.parametrize("peer", ["pychattr", "ChannelAttribution"])
def test_removal_effects_beside(peer, events, strings) -> None:
    goal = [paths.GOAL]
    counts = journeys.counted(journeys.steps(events, by="journey_id"), goal=goal)
    found = journeys.removal(counts, goal=goal, draws=2)
    of_counts = seconds(lambda: journeys.removal(counts, goal=goal, draws=2))
    of_rows = seconds(lambda: journeys.counted(journeys.steps(events, by="journey_id"), goal=goal))
    drawn = seconds(lambda: journeys.removal(counts, goal=goal, draws=DRAWS), 3)
    theirs, effects = _peer(peer, strings)
    exact = found.table.set_index("term")["estimate"]
    print(
        f"\n{PATHS:,} paths, CPU ms: counts {of_rows * 1e3:.1f}, exact effects "
        f"{of_counts * 1e3:.1f}, {DRAWS:,} draws {drawn * 1e3:.0f}; {peer} {theirs * 1e3:.0f}\n"
        f"one fit from events: {theirs / (of_rows + of_counts):.1f} times; from counts: "
        f"{theirs / of_counts:.0f} times; with intervals of {DRAWS:,} draws, from events: "
        f"{DRAWS * theirs / (of_rows + drawn):,.0f} times"
    )
    assert effects[exact.index].to_numpy() == pytest.approx(exact.to_numpy(), abs=0.06)


def _peer(name: str, strings: pd.DataFrame) -> tuple[float, pd.Series]:
    """CPU seconds of a fit, and the removal effects by touchpoint."""
    if name == "pychattr":
        markov = pytest.importorskip("pychattr.channel_attribution").MarkovModel
        model = markov("path", "conv", null_feature="none", separator=">", random_state=1)
        spent = seconds(lambda: model.fit(strings), 3)
        table = model.removal_effects_.set_index("channel_name")["removal_effect"]
        return spent, table
    module = pytest.importorskip("ChannelAttribution")

    def fit():
        return module.markov_model(
            strings, "path", "conv", var_null="none", out_more=True, verbose=False
        )

    spent, result = seconds(fit, 3), fit()
    table = result["removal_effects"]
    return spent, table.set_index(table.columns[0]).iloc[:, 0]


MANY = """
import resource, sys, tempfile, time
import duckdb
from cxlib.reserve import pathways

store = duckdb.connect(tempfile.mkdtemp() + "/many.duckdb")
store.execute("set memory_limit = '1GB'; set threads = 1; set enable_progress_bar = false")
store.execute('''
    create table events as
    select 'c' || (hash(i) % 1000000)::varchar as customer_id,
        timestamp '2025-01-01' + to_seconds((hash(i * 7 + 1) % 31536000)::bigint) as "at",
        'touchpoint ' || (hash(i * 13 + 5) % 12)::varchar as touchpoint
    from range(10000000) t(i)
''')
begun = resource.getrusage(resource.RUSAGE_SELF)
wall = time.perf_counter()
found = pathways.counted(store, gap=30)
spent = resource.getrusage(resource.RUSAGE_SELF)
cpu = spent.ru_utime + spent.ru_stime - begun.ru_utime - begun.ru_stime
assert int(found.loc[found["after"].notna(), "n"].sum()) == 10_000_000
print(f"{len(found):,} rows of counts from 10,000,000 events: {cpu:.1f} s CPU, "
      f"{time.perf_counter() - wall:.1f} s, at most {spent.ru_maxrss / 1e6:.2f} GB")
"""


def test_ten_million_events_are_counted_under_two_gigabytes() -> None:
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    print("\n" + done.stdout.strip())
    assert float(done.stdout.split("at most ")[1].split()[0]) < 2
