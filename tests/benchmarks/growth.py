"""What pages cost as answers grow: seconds, processor seconds, peak memory and rows brought.

    python tests/benchmarks/growth.py FOLDER --rows 100000 1000000 --pages 10 11

Writes for each size a study of 20 questions in 8 waves, of a third as many customers and as many
orders as answers, to FOLDER, loads it and makes the pages one by one with `cx run`. Prints a table
and draws build/growth.svg.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil

ROOT = Path(__file__).parents[2]
QUESTIONS = 18  # on touchpoints, beside two on the whole
FILE = 1_000_000  # answers in a file
ANSWERS = """
copy (
    select 'r' || i as response_id, 'c' || who as customer_id,
        timestamp '2025-01-01' + interval (i * 700 * 86400 // {rows}) second as answered_on,
        '202' || (5 + part // 4) || '-Q' || (1 + part % 4) as wave,
        ['web', 'shop', 'phone', 'app'][1 + (hash(i * 7) % 4)::int] as channel,
        least(10, greatest(0, round(6 + quality * 2 + (hash(i * 3) % 7) / 2.0)))::double
            as recommend,
        least(10, greatest(1, round(6 + quality * 2 + (hash(i * 5) % 5) / 2.0)))::double
            as overall, {ratings}
    from (
        select i, i * 8 // {rows} as part, hash(i) % {customers} as who,
            (hash(hash(i) % {customers}) % 1000) / 500.0 - 1 as quality
        from range({low}, {high}) t(i)
    )
) to '{file}' (format parquet)
"""
RATING = """case when hash(i * 31 + {k}) % 100 = 0 then null else
    least(7, greatest(1, round(4 + quality * 1.2 + (hash(i * 37 + {k}) % 7) / 3.0 - 1)))::double
    end as q{k:02}"""
CUSTOMERS = """
copy (
    select 'c' || i as customer_id, ['north', 'south', 'east'][1 + (hash(i) % 3)::int] as region,
        timestamp '2022-01-01' + interval (hash(i * 17) % 1000) day as joined_on,
        case when hash(i * 19) % 100 < 12 + 8 * (hash(i) % 3)::int
            then timestamp '2025-06-01' + interval (hash(i * 23) % 500) day end as left_on
    from range({customers}) t(i)
) to '{file}' (format parquet)
"""
EVENTS = """
copy (
    select 'e' || i as event_id, 'c' || hash(i // 4) % {customers} as customer_id,
        timestamp '2025-01-01' + interval (hash(i // 4) % 700) day + interval (i % 4) hour as at,
        't' || (i % 4 + (hash(i) % 3)::int) as touchpoint,
        ['awareness', 'discovery', 'interest', 'consideration', 'action', 'use']
            [1 + i % 4 + (hash(i) % 3)::int]
            as stage
    from range({rows} // 10) t(i)
) to '{file}' (format parquet)
"""
ORDERS = """
copy (
    select 'o' || i as order_id, 'c' || hash(i // 5) % {customers} as customer_id,
        timestamp '2025-01-01' + interval (hash(i * 11) % 700) day as at,
        (10 + hash(i * 13) % 9000 / 100.0)::double as amount
    from range({rows}) t(i)
) to '{file}' (format parquet)
"""
STUDY = """
title: Large
currency: EUR
tables:
  orders:
    files: orders.parquet
    columns: {order_id: order_id, customer_id: customer_id, at: at, amount: amount}
  events:
    files: events.parquet
    columns:
      {event_id: event_id, customer_id: customer_id, at: at, touchpoint: touchpoint, stage: stage}
  customers:
    files: customers.parquet
    columns: {customer_id: customer_id, joined_on: joined_on, left_on: left_on}
    keep: [region]
  responses:
    files: days/*.parquet
    grows: true
    columns:
      {response_id: response_id, customer_id: customer_id, answered_on: answered_on, wave: wave}
    keep: [channel]
limits: {rows_at_most: 20000}
costs: {customer_value: 80, offer: 5, contact: 1, accepted: 0.3}
organisation:
  column: channel
  units: {online: null, staff: null, web: online, app: online, shop: staff, phone: staff}
model:
  constructs: {quality: [q00, q01, q02], satisfaction: [overall], loyalty: [recommend]}
  paths: {satisfaction: [quality], loyalty: [satisfaction]}
  target: satisfaction
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
  overall: {label: Overall, scale: [1, 10], role: csat}
"""
MARGINS = "margins:\n  region: {north: 0.5, south: 0.3, east: 0.2}\n"
QUESTION = "  q{k:02}: {{label: Question {k}, scale: [1, 7], role: touchpoint, touchpoint: t{k}}}\n"
PAGES = ("00", "10", "11", "12", "20", "21", "22")
COLUMNS = (
    "answers",
    "page",
    "seconds",
    "processor seconds",
    "GB at most",
    "rows brought",
    "queries",
    "seconds of queries",
)


def write(root: Path, rows: int, margins: str) -> None:
    """A project with a loaded study of so many answers."""
    place, customers = root / "data" / "large", max(rows // 3, 10)
    place.mkdir(parents=True)
    (root / "notebooks").symlink_to(ROOT / "notebooks")
    ratings = ", ".join(RATING.format(k=k) for k in range(QUESTIONS))
    made = {"rows": rows, "customers": customers, "ratings": ratings}
    duckdb.execute(CUSTOMERS.format(file=place / "customers.parquet", **made))
    duckdb.execute(EVENTS.format(file=place / "events.parquet", **made))
    duckdb.execute(ORDERS.format(file=place / "orders.parquet", **made))
    questions = "".join(QUESTION.format(k=k) for k in range(QUESTIONS))
    (place / "study.yaml").write_text(STUDY + questions + margins)
    (place / "days").mkdir()
    loading = [sys.executable, "-m", "cxlib.cli", "load", "large"]
    for k, low in enumerate(range(0, rows, FILE)):  # as they would come, file by file
        part = {"low": low, "high": min(low + FILE, rows)}
        duckdb.execute(ANSWERS.format(file=place / "days" / f"{k:03}.parquet", **made, **part))
        subprocess.run(loading, check=True, stdout=subprocess.DEVNULL)


def measure(root: Path, rows: int, page: str) -> dict[str, Any]:
    """Make a page, and say what it cost."""
    out = root / "reports" / page
    asked = [sys.executable, "-m", "cxlib.cli", "run", "large", page, "-o", str(out)]
    start = time.perf_counter()
    with (root / f"{page}.log").open("w") as log:
        made, spent = (
            psutil.Popen(
                [*asked, "--jobs", "1", "--force", "--timeout", "7200"], stdout=log, stderr=log
            ),
            {},
        )
        while made.poll() is None:
            for one in (made, *made.children(recursive=True)):  # the kernel is not waited for
                with contextlib.suppress(psutil.Error):
                    spent[one.pid] = sum(one.cpu_times()[:2])
            time.sleep(0.1)
    seconds = time.perf_counter() - start
    if made.returncode:
        raise SystemExit(f"page {page} of {rows:,} answers failed; see {root / page}.log")
    [told] = json.loads((out / "run.json").read_text())["pages"]
    return {
        "answers": rows,
        "page": page,
        "seconds": seconds,
        "processor seconds": sum(spent.values()),
        "GB at most": told["memory_mb"] / 1000,
        "rows brought": told["cost"]["rows"],
        "queries": told["cost"]["queries"],
        "seconds of queries": told["cost"]["seconds"],
    }


def plot(found: list[dict[str, Any]], file: Path) -> None:
    """Seconds and memory by number of answers, on logarithmic axes."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for page in dict.fromkeys(f["page"] for f in found):
        rows = [f for f in found if f["page"] == page]
        for axis, of in zip(axes, ("processor seconds", "GB at most"), strict=True):
            axis.plot([f["answers"] for f in rows], [f[of] for f in rows], "o-", label=page)
            axis.set(xscale="log", xlabel="answers", ylabel=of)
    axes[0].set(yscale="log", ylim=(1, None))  # of all pages, once they are drawn
    axes[1].set(ylim=(0, None))
    axes[1].legend(title="page", frameon=False)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Write, load and measure each size."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    asked.add_argument("--pages", nargs="+", default=PAGES)
    asked.add_argument("--margins", action="store_true", help="weight to shares of the regions")
    given, found = asked.parse_args(), []
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for rows in given.rows:
        root = given.folder.resolve() / f"{rows}{'-weighted' * given.margins}"
        os.environ["CX_ROOT"] = str(root)
        if not root.exists():
            write(root, rows, MARGINS if given.margins else "")
        for page in given.pages:
            found.append(measure(root, rows, page))
            cells = [f"{v:,.1f}" if isinstance(v, float) else v for v in found[-1].values()]
            cells = [f"{v:,}" if isinstance(v, int) else v for v in cells]
            print(f"| {' | '.join(cells)} |", flush=True)
    plot(found, ROOT / "build" / "growth.svg")


if __name__ == "__main__":
    main()
