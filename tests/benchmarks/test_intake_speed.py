"""Time and memory of taking a large file in: 1,000,000 answers in 40 columns; `cx new` of 10,000.

python -m pytest tests/benchmarks/test_intake_speed.py -s     # a minute or two, 0.5 GB of disk
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow
ITEMS, KEPT = 30, 6
SCAN = """
import resource, sys, time
from cxlib.data import intake
from cxlib import reserve

start = time.perf_counter()
if sys.argv[1] == "read":
    raw = intake.read_file(sys.argv[2])
    rows = len(raw.frame)
elif sys.argv[1] == "new":
    rows = intake.draft("big", [sys.argv[2]]).count("role:")
else:
    rows = int(getattr(reserve, sys.argv[1])("big").counts["kept"].sum())
spent, cpu = time.perf_counter() - start, time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"{sys.argv[1]}: {rows:,} rows in {spent:.1f} s ({cpu:.1f} s CPU), {peak:.2f} GB")
"""


def study(folder: Path, rows: int, text: bool = False) -> Path:
    """data/big with answers.csv and study.yaml; the rest of its 40 columns is kept as it is."""
    place = folder / "data" / "big"
    place.mkdir(parents=True)
    (folder / "notebooks").mkdir()
    items = ", ".join(f"floor(random() * 11)::tinyint as q{i}" for i in range(ITEMS))
    kept = ", ".join(f"'group ' || floor(random() * 9)::int as k{i}" for i in range(KEPT))
    duckdb.sql(
        f"copy (select range as id, 'c' || range as customer, (timestamp '2024-01-01' + "
        f"to_seconds(range * 60))::varchar as answered, 1 + random() as w, {items}, {kept} "
        f"from range({rows})) to '{place / 'answers.csv'}' (header, quote '\"'"
        f"{', force_quote (k0)' if text else ''})"
    )
    columns = {"response_id": "id", "answered_on": "answered", "weight": "w"}
    about = "".join(
        f"  q{i}: {{label: Question {i}, scale: [0, 10], role: {'touchpoint' if i else 'nps'}}}\n"
        for i in range(ITEMS)
    )
    (place / "study.yaml").write_text(
        "title: Big\nsource: made up\nlicence: internal\ntables:\n  responses:\n"
        f"    files: answers.csv\n    columns: {columns}\n    keep: true\nitems:\n{about}"
    )
    return place / "answers.csv"


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
def test_a_million_answers_are_read_checked_and_loaded(tmp_path, monkeypatch, quoted):
    file = study(tmp_path, 1_000_000, quoted)
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    print(f"\n{file.stat().st_size / 1e6:,.0f} MB")
    for what in ("read", "check", "load"):
        asked = [sys.executable, "-c", SCAN, what, str(file)]
        print(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def test_a_draft_of_ten_thousand_answers(tmp_path, monkeypatch):
    file = study(tmp_path, 10_000)
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    asked = [sys.executable, "-c", SCAN, "new", str(file)]
    print("\n" + subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
