"""Journeys beside pychattr and ChannelAttribution, and ten million events in the store.

pip install pychattr==0.2.1 ChannelAttribution==2.2.5      # in an environment of their own
python -m pytest tests/benchmarks/test_journeys_speed.py -s

Both sides are given the same table of paths (a row a journey, whether it completed), once journeys
of a chain, of which many go the same way, once long ways that are nearly all different. Ratios of
one run on one machine are printed, nothing is judged but that the results agree. The peers simulate
10,000 journeys (pychattr) or until the effects settle (ChannelAttribution) and give no intervals;
ours are exact.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from clock import seconds
from generator import paths

from cxlib import journeys
from cxlib.core.result import Result
from cxlib.core.sample import Sample

pytestmark = pytest.mark.slow
PATHS, DRAWS = 10_000, 1000


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """Paths as the peers want them."""
    rows = paths.journeys(PATHS * 6 // 10, seed=1)["events"]
    each = rows[rows["journey_id"] < PATHS].groupby("journey_id")["touchpoint"].agg(list)
    done = each.map(lambda t: t[-1] == paths.GOAL).to_numpy(int)
    inner = each.map(lambda t: ">".join(x for x in t if x != paths.GOAL)).tolist()
    rng = np.random.default_rng(1)
    # Never a channel twice running, which the peers leave out each in their own way.
    walks = [np.cumsum(rng.integers(1, 12, n)) % 12 for n in rng.integers(4, 14, PATHS)]
    long = [">".join(f"channel {i}" for i in walk) for walk in walks]
    won = rng.integers(0, 2, PATHS)
    return {
        "of a chain": pd.DataFrame({"path": inner, "conv": done, "none": 1 - done}),
        "long and different": pd.DataFrame({"path": long, "conv": won, "none": 1 - won}),
    }


@pytest.mark.parametrize("kind", ["of a chain", "long and different"])
@pytest.mark.parametrize("peer", ["pychattr", "ChannelAttribution"])
def test_removal_effects_beside(peer, kind, tables) -> None:
    table = tables[kind]

    def fit(intervals: bool) -> Result:
        counts = journeys.paths(Sample(table, draws=DRAWS), completed="conv", lost="none")
        return journeys.removal(counts, goal=[journeys.GOAL], intervals=intervals)

    exact = fit(False).table.set_index("term")["estimate"]
    once, drawn = seconds(lambda: fit(False), 40), seconds(lambda: fit(True))
    theirs, effects = _peer(peer, table)
    print(
        f"\n{PATHS:,} paths {kind} ({table['path'].nunique():,} different), CPU ms: exact effects "
        f"{once * 1e3:.2f}, with {DRAWS:,} draws {drawn * 1e3:.0f}; {peer} {theirs * 1e3:.0f}\n"
        f"one fit: {theirs / once:.0f} times; with intervals: {DRAWS * theirs / drawn:,.0f} times"
    )
    assert effects[exact.index].to_numpy() == pytest.approx(exact.to_numpy(), abs=0.06)


def _peer(name: str, table: pd.DataFrame) -> tuple[float, pd.Series]:
    """CPU seconds of a fit, and the removal effects by touchpoint."""
    if name == "pychattr":
        markov = pytest.importorskip("pychattr.channel_attribution").MarkovModel
        model = markov("path", "conv", null_feature="none", separator=">", random_state=1)
        spent = seconds(lambda: model.fit(table), 5)
        return spent, model.removal_effects_.set_index("channel_name")["removal_effect"]
    module = pytest.importorskip("ChannelAttribution")

    # Without max_step simulated journeys break off at the longest path, which biases the effects.
    how = {"out_more": True, "verbose": False, "flg_pro": False, "max_step": 1000}

    def fit():
        return module.markov_model(table, "path", "conv", var_null="none", **how)

    spent, found = seconds(fit, 5), fit()["removal_effects"]
    return spent, found.set_index(found.columns[0]).iloc[:, 0]


MANY = """
import pathlib, resource, tempfile, time
from cxlib.data import sql
from cxlib.reserve import pathways

folder = tempfile.TemporaryDirectory()
resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31))  # as `cx run --memory 2GB` does
store = sql.connect(pathlib.Path(folder.name, "many.duckdb"))
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
