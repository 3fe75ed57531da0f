"""What pages of scores cost as answers grow: processor seconds and peak memory, queries apart.

    python tests/benchmarks/growth.py FOLDER --rows 100000 1000000 10000000 --plot growth.svg

Writes for each size a study of 20 questions in 8 waves, of a third as many customers, to FOLDER,
loads it and makes the numbers of pages 10 and 12 from counts, each in a process of its own. Prints
a table: the ratio is of all processor seconds to those of the queries, the bare scans.
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
from typing import Any

import duckdb

QUESTIONS = 18  # on touchpoints, beside two on the whole
ANSWERS = """
copy (
    select 'r' || i as response_id, 'c' || who as customer_id,
        timestamp '2025-01-01' + interval (i * 700 * 86400 // {rows}) second as answered_on,
        '202' || (5 + part // 4) || '-Q' || (1 + part % 4) as wave,
        ['web', 'shop', 'phone', 'app'][1 + (hash(i * 7) % 4)::int] as channel,
        least(10, greatest(0, round(6 + quality * 2 + (hash(i * 3) % 7) / 2.0)))::double
            as recommend,
        least(10, greatest(1, round(6 + quality * 2)))::double as overall, {ratings}
    from (
        select i, i * 8 // {rows} as part, hash(i) % {customers} as who,
            (hash(hash(i) % {customers}) % 1000) / 500.0 - 1 as quality
        from range({rows}) t(i)
    )
) to '{file}' (format parquet)
"""
RATING = """case when hash(i * 31 + {k}) % 10 = 0 then null else
    least(7, greatest(1, round(4 + quality * 1.2 + (hash(i * 37 + {k}) % 7) / 3.0 - 1)))::double
    end as q{k:02}"""
CUSTOMERS = """
copy (
    select 'c' || i as customer_id, ['north', 'south', 'east'][1 + (hash(i) % 3)::int] as region
    from range({customers}) t(i)
) to '{file}' (format parquet)
"""
STUDY = """
title: Large
tables:
  customers: {files: customers.parquet, columns: {customer_id: customer_id}, keep: [region]}
  responses:
    files: responses.parquet
    columns:
      {response_id: response_id, customer_id: customer_id, answered_on: answered_on, wave: wave}
    keep: [channel]
limits: {rows_at_most: 20000}
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
  overall: {label: Overall, scale: [1, 10], role: csat}
"""
QUESTION = "  q{k:02}: {{label: Question {k}, scale: [1, 7], role: touchpoint}}\n"
PAGES = ("10", "12")


def write(folder: Path, rows: int) -> None:
    """The files of a study with so many answers."""
    place, customers = folder / "data" / "large", max(rows // 3, 10)
    place.mkdir(parents=True, exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    ratings = ", ".join(RATING.format(k=k) for k in range(QUESTIONS))
    made = {"rows": rows, "customers": customers, "ratings": ratings}
    duckdb.execute(ANSWERS.format(file=place / "responses.parquet", **made))
    duckdb.execute(CUSTOMERS.format(file=place / "customers.parquet", customers=customers))
    questions = "".join(QUESTION.format(k=k) for k in range(QUESTIONS))
    (place / "study.yaml").write_text(STUDY + questions)


def measure(page: str) -> dict[str, Any]:
    """Make the numbers of a page in this process."""
    from cxlib import reserve, scores
    from cxlib.reserve import tables_read

    study, spent = reserve.open("large"), {"queries": 0, "seconds": 0.0, "rows": 0}
    execute = tables_read.noted

    def timed(connection: Any) -> Any:
        return _Timed(execute(connection), spent)

    tables_read.noted = timed
    start = used()
    sample, touchpoints = study.sample(), study.items_of("touchpoint")
    asked, step = study.asked("nps", "csat"), {"by": "wave", "against": "previous"}
    if page == "10":
        recent = scores.latest_wave(sample, "recommend")
        for item, question in asked.items():
            scores.latest(sample, item, scores.measure_of(question))
        scores.by_group(sample, "recommend", by="channel")
        scores.crosstab(sample, asked, "channel")
        scores.ratings(recent, touchpoints)
        scores.distribution(recent, study.asked())
    else:
        last = scores.last_two_waves(sample, "recommend")
        scores.trend(sample, "recommend")
        scores.trend(sample, touchpoints, measure="mean")
        scores.trend(sample, "recommend", by="channel")
        scores.compare(sample, "recommend", **step)
        scores.decompose_change(last, "recommend", by="channel")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": used() - start, "gb": peak, "of_queries": spent}


class _Timed:
    """A connection whose queries are timed."""

    def __init__(self, connection: Any, spent: dict[str, Any]) -> None:
        self._connection, self._spent = connection, spent

    def execute(self, *query: Any) -> Any:
        start = used()
        found = self._connection.execute(*query)
        self._spent["seconds"] += used() - start
        return _Timed(found, self._spent)

    def df(self) -> Any:
        start = used()
        rows = self._connection.df()
        self._spent["seconds"] += used() - start
        self._spent["queries"] += 1
        self._spent["rows"] += len(rows)
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def used() -> float:
    """Processor seconds of this process."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def plot(found: list[dict[str, Any]], file: Path) -> None:
    """Seconds and memory by number of answers, on logarithmic axes."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("svg")
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for page in PAGES:
        rows = [f for f in found if f["page"] == page]
        for axis, of in zip(axes, ("seconds", "gb"), strict=True):
            axis.plot([f["rows"] for f in rows], [f[of] for f in rows], "o-", label=f"page {page}")
    for axis, unit in zip(axes, ("processor seconds", "GB at most"), strict=True):
        axis.set(xscale="log", xlabel="answers", ylabel=unit, ylim=(0, None))
        axis.legend(frameon=False)
    axes[0].set(yscale="log", ylim=(1, None))
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Write, load and measure each size."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    asked.add_argument("--plot", type=Path)
    asked.add_argument("--page")
    given = asked.parse_args()
    if given.page:
        return print(json.dumps(measure(given.page)))
    found = []
    print("| answers | page | processor seconds | of them queries | ratio | rows brought | GB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for rows in given.rows:
        root = given.folder / str(rows)
        os.environ["CX_ROOT"] = str(root.resolve())
        if not root.exists():
            write(root, rows)
            subprocess.run([sys.executable, "-m", "cxlib.cli", "load", "large"], check=True)
        for page in PAGES:
            start = time.perf_counter()
            again = [sys.executable, __file__, str(given.folder), "--page", page]
            done = subprocess.run(again, stdout=subprocess.PIPE, text=True, check=True)
            one = json.loads(done.stdout.splitlines()[-1]) | {"page": page, "rows": rows}
            one["wall"] = time.perf_counter() - start
            queries = one["of_queries"]
            cells = [f"{rows:,}", page, f"{one['seconds']:.1f}", f"{queries['seconds']:.1f}"]
            cells += [f"{one['seconds'] / queries['seconds']:.2f}", f"{queries['rows']:,}"]
            print(f"| {' | '.join([*cells, format(one['gb'], '.2f')])} |", flush=True)
            found.append(one)
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
