"""Ten million answers: what a load, one day more, and reading them cost. Seconds and peak memory.

    python tests/benchmarks/large.py FOLDER --rows 10000000

Writes Parquet files and a reserve to FOLDER (some 2 GB for ten million rows). Each measurement runs
in a process of its own; its peak is all that the process held, libraries included. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

STUDY = """
title: Large
tables:
  customers:
    files: customers.parquet
    columns: {customer_id: customer_id}
    keep: [region]
  responses:
    files: days/*.parquet
    grows: true
    columns:
      {response_id: response_id, customer_id: customer_id, answered_on: answered_on, wave: wave}
    keep: [channel]
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
  speed: {label: Speed, scale: [1, 7], role: touchpoint}
  price: {label: Price, scale: [1, 7], role: touchpoint}
  care: {label: Care, scale: [1, 7], role: touchpoint}
limits: {rows_at_most: 100000000}
"""
FILES = 20  # that the rows come in
DAY = 20_000  # rows of one day more


def write(folder: Path, rows: int) -> None:
    """The files of a study with so many answers, of a tenth as many customers."""
    place = folder / "data" / "large"
    (place / "days").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    (place / "study.yaml").write_text(STUDY)
    many, rng = max(rows // 10, 10), np.random.default_rng(1)
    names = np.char.add("c", np.arange(many).astype(str))
    regions = rng.choice(["north", "south", "east", "west"], many)
    customers = pd.DataFrame({"customer_id": names, "region": regions})
    customers.to_parquet(place / "customers.parquet")
    for k, part in enumerate(np.array_split(np.arange(rows), FILES)):
        answers(part, names, 1 + k // 3, rng).to_parquet(place / "days" / f"{k:03}.parquet")


def answers(ids: np.ndarray, names: np.ndarray, month: int, rng: np.random.Generator):
    """Answers with these numbers, in a month of 2026."""
    who, n = rng.integers(0, len(names), len(ids)), len(ids)
    seconds = rng.integers(0, 28 * 86400, n)
    at = np.datetime64(f"2026-{month:02}-01") + seconds.astype("timedelta64[s]")
    quality = rng.normal(0, 1, n)
    rating = {
        item: np.clip(np.round(5 + quality + rng.normal(0, 1, n)), 1, 7)
        for item in ("speed", "price", "care")
    }
    return pd.DataFrame(
        {
            "response_id": np.char.add("r", ids.astype(str)),
            "customer_id": names[who],
            "answered_on": at.astype("datetime64[us]"),
            "wave": f"2026-Q{(month + 2) // 3}",
            "channel": rng.choice(["web", "shop", "phone"], n),
            "recommend": np.clip(np.round(7.5 + 1.5 * quality + rng.normal(0, 1.5, n)), 0, 10),
            **rating,
        }
    )


def one_day_more(folder: Path, rows: int) -> None:
    """A further file, with some late answers."""
    place = folder / "data" / "large"
    names = pd.read_parquet(place / "customers.parquet")["customer_id"].to_numpy(str)
    ids, rng = np.arange(rows, rows + DAY), np.random.default_rng(2)
    made = pd.concat(
        [answers(ids[: DAY // 2], names, 7, rng), answers(ids[DAY // 2 :], names, 2, rng)]
    )
    made.to_parquet(place / "days" / "900.parquet")


STEPS = {  # name -> code, after `study = reserve.Reserve(study_.read("large"))` but for loads
    "load, file by file": "grow()",
    "load of one day more": "print(reserve.load('large').only_new, file=sys.stderr)",
    "load without a new file": "reserve.load('large')",
    "read the answers into pandas": "study.sample()",
    "NPS by wave from the rows": "scores.trend(study.sample(draws=200), 'recommend')",
    "read at most 2,000,000 of them": "few(2_000_000).sample()",
    "NPS by wave from at most 2,000,000": (
        "scores.trend(few(2_000_000).sample(draws=200), 'recommend')"
    ),
    "sums of 4 questions by customer (one scan)": (
        "study.sums('responses', ['recommend', 'speed', 'price', 'care'], cluster='customer_id')"
    ),
    "the same of each wave": (
        "[study.sums('responses', ['recommend'], cluster='customer_id', wave=w) "
        "for w in study.waves()]"
    ),
}


def grow() -> None:
    """Load the first file, then each further one as if it had just come."""
    from cxlib import reserve
    from cxlib.data import study as study_

    place = study_.read("large").folder / "days"
    waiting = sorted(place.glob("*.parquet"))[1:]
    later = place.with_name("later")
    later.mkdir()
    for file in waiting:
        file.rename(later / file.name)
    reserve.load("large")
    for file in waiting:
        (later / file.name).rename(file)
        reserve.load("large")


def measure(step: str) -> None:
    """Run one step in this process and print its seconds and peak memory as JSON."""
    from cxlib import reserve, scores
    from cxlib.data import study as study_
    from cxlib.data.schema import Limits

    names = {"reserve": reserve, "scores": scores, "grow": grow, "sys": sys}
    if not step.startswith("load"):
        about = study_.read("large")
        names["study"] = reserve.Reserve(about)
        names["few"] = lambda n: reserve.Reserve(
            about.model_copy(update={"limits": Limits(rows_at_most=n)})
        )
    start = time.perf_counter()
    exec(STEPS[step], names)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"seconds": round(seconds, 2), "gb": round(peak, 2)}))


def main() -> None:
    """Write the files and print a table of all steps."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--step")
    given = asked.parse_args()
    if given.step:
        return measure(given.step)
    os.environ["CX_ROOT"] = str(given.folder.resolve())
    write(given.folder, given.rows)
    print(f"| {given.rows:,} answers | seconds | GB at most |\n|---|---|---|", flush=True)
    for step in STEPS:
        if step == "load of one day more":
            one_day_more(given.folder, given.rows)
        again = [sys.executable, __file__, str(given.folder), "--step", step]
        done = subprocess.run(again, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
        print(f"| {step} | {found.get('seconds', 'failed')} | {found.get('gb', '')} |", flush=True)
    file = given.folder / "data" / "large" / "reserve.duckdb"
    print(f"| the reserve's file | | {file.stat().st_size / 1e9:.2f} |")


if __name__ == "__main__":
    main()
