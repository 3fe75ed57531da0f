"""A Spark Connect server of our own for tests that need one; they are skipped where none is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import postgres_server
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
SECONDS = 120  # that a server may take to start on a busy machine


@contextmanager
def running(tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, int]]:
    """The address of a server with tables in the schema `shop`, and the id of its process."""
    submit = _submit()
    with tempfile.TemporaryDirectory(prefix="cxspark") as name:
        folder, port = Path(name), postgres_server._free_port()
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": port,
            "spark.sql.shuffle.partitions": 2,
            "spark.sql.warehouse.dir": folder / "warehouse",
            "spark.ui.enabled": "false",
        }
        given = [word for k, v in settings.items() for word in ("--conf", f"{k}={v}")]
        master = os.environ.get("CX_SPARK_MASTER", "local[2]")  # or a cluster: spark://host:7077
        memory = ["--master", master, "--driver-memory", "2g"]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [submit, "--class", CLASS, *memory, *given, "spark-internal"],
                cwd=folder,
                env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait(server, folder / "log")
            _fill(f"sc://127.0.0.1:{port}", folder, tables)
            yield f"sc://127.0.0.1:{port}", server.pid
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _submit() -> str:
    """The command that starts a server."""
    pytest.importorskip("pyspark.sql.connect.client", reason="Spark needs cxlib[spark]")
    home = os.environ.get("SPARK_HOME")
    found = f"{home}/bin/spark-submit" if home else shutil.which("spark-submit")
    if not found or not Path(found).exists():
        pytest.skip("no Spark is installed (unpack one and set SPARK_HOME)")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java (apt install openjdk-17-jre-headless)")
    return found


def _wait(server: subprocess.Popen, log: Path) -> None:
    for _second in range(SECONDS):
        if "Spark Connect server started" in log.read_text():
            return
        if server.poll() is not None:
            break
        time.sleep(1)
    pytest.skip(f"Spark cannot be started here: {log.read_text()[-300:]}")


def _fill(address: str, folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    statements = ["create schema shop"]
    for table, rows in tables.items():
        file = folder / f"{table}.parquet"
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), file)
        statements.append(f"create table shop.{table} using parquet location '{file}'")
    run(address, *statements)


def run(address: str, *statements: str) -> None:
    """Have the server run statements, as its owner."""
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession(address)
    for statement in statements:
        session.sql(statement)
    session.stop()
