"""Seconds that a load from PostgreSQL takes: all rows, and one day more by a watermark.

python tests/benchmarks/watermark.py [rows] [rows of a day]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import postgres_server

from cxlib import reserve
from cxlib.data import live

TABLES = """
create table orders (id bigint primary key, customer text, at timestamp, amount double precision,
  channel text, changed timestamp not null);
create index on orders (changed);
"""
ROWS = """
insert into orders select i, 'c' || i % 300000, timestamp '2025-01-01' + i * interval '30 seconds',
  1 + i % 997 / 10.0, (array['web', 'shop', 'phone'])[1 + i % 3],
  timestamp '2025-01-01' + i * interval '30 seconds' from generate_series({}, {}) i
"""
STUDY = """
title: Shop
tables:
  orders:
    files: {{from: "postgresql://127.0.0.1:{port}/postgres", table: orders, watermark: changed}}
    columns: {{order_id: id, customer_id: customer, at: at, amount: amount, channel: channel}}
"""


def main(rows: int = 1_000_000, day: int = 20_000) -> None:
    """Print the seconds of a full load, of a load without news, and of one day more."""
    os.environ |= {"PGUSER": "owner", "PGPASSWORD": postgres_server.SECRET}
    with postgres_server.running(TABLES) as port, tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "data" / "shop"
        folder.mkdir(parents=True)
        (Path(root) / "notebooks").mkdir()
        (folder / "study.yaml").write_text(STUDY.format(port=port))
        os.environ["CX_ROOT"] = root
        _run(port, ROWS.format(1, rows))
        _timed("full")
        _timed("nothing new")
        _run(port, ROWS.format(rows + 1, rows + day))
        _run(port, f"update orders set changed = now() at time zone 'utc' where id <= {day // 2}")
        _timed("a day more, half as many changed")
        _timed("nothing new")
        _timed("full", whole=True)


def _run(port: int, statement: str) -> None:
    opened, _said = live.postgresql(f"postgresql://127.0.0.1:{port}/postgres")
    with opened as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()


def _timed(what: str, *, whole: bool = False) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    loaded = reserve.load("shop", whole=whole)
    took = f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of processor"
    print(f"{what}: {took}; {loaded.counts['kept'].sum():,} rows; {loaded.only_new}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
