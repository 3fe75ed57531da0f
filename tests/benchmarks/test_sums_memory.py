"""Memory and time of the sums of ten million responses to 20 questions, by one scan of the store.

CX_BIG=1 python -m pytest tests/benchmarks/test_sums_memory.py -s     # some minutes, 0.3 GB of disk
"""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest

ROWS, QUESTIONS, CUSTOMERS = 10_000_000, 20, 2_000_000
SCAN = """
import resource, sys, time
from pathlib import Path
import numpy as np
from cxlib.data import sql
from cxlib.reserve import aggregates

store = sql.connect(Path(sys.argv[1]), read_only=True)
items = [f"q{i}" for i in range(int(sys.argv[2]))]
start = time.perf_counter()
middle = np.full(len(items), 5.5)
sums = aggregates.scan(store, "responses", items, middle, "weight", "customer_id", "true")
spent, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"{sums.offered:,} responses in {spent:.0f} s, at most {peak:.2f} GB of memory")
"""


@pytest.mark.skipif(not os.environ.get("CX_BIG"), reason="takes minutes; ask for it with CX_BIG=1")
def test_ten_million_responses(tmp_path):
    file = tmp_path / "big.duckdb"
    answers = ", ".join(f"(1 + floor(random() * 10))::tinyint as q{i}" for i in range(QUESTIONS))
    with duckdb.connect(str(file)) as store:
        store.execute(
            f"create table responses as select 'c' || (range % {CUSTOMERS}) as customer_id, "
            f"0.5 + random() as weight, {answers} from range({ROWS})"
        )
    asked = [sys.executable, "-c", SCAN, str(file), str(QUESTIONS)]
    print("\n" + subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
