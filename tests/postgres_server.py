"""A PostgreSQL server of our own for tests that need one; they are skipped where none is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SECRET = "root secret"  # of the role `owner`


@contextmanager
def running(statements: str) -> Iterator[int]:
    """The port of a server that asks for passwords and has run the statements; then it ends."""
    pytest.importorskip("adbc_driver_postgresql")
    found = shutil.which("initdb")
    where = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(found).parent] if found else [])]
    tools = next((p for p in where if (p / "psql").exists()), None)
    if tools is None:
        pytest.skip("no PostgreSQL server is installed (apt install postgresql)")
    with _as_server_user() as (run, folder):
        port = _free_port()
        for name, text in {"secret": SECRET, "tables.sql": statements}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        data = ("-D", folder / "db")
        login = ("-U", "owner", "-A", "scram-sha-256", f"--pwfile={folder / 'secret'}")
        made = run(tools / "initdb", *data, *login)
        if made.returncode:
            pytest.skip(f"PostgreSQL cannot be started here: {made.stderr[-200:]}")
        options = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
        server = (*data, "-w", "-l", folder / "log", "-o", options)
        started = run(tools / "pg_ctl", *server, "start")
        if started.returncode:
            pytest.skip(f"PostgreSQL cannot be started here: {started.stdout[-200:]}")
        try:
            at = ("-h", "127.0.0.1", "-p", port, "-U", "owner", "-d", "postgres")
            asked = ("-v", "ON_ERROR_STOP=1", "-f", folder / "tables.sql")
            done = run(tools / "psql", *at, *asked, PGPASSWORD=SECRET)
            assert not done.returncode, done.stderr
            yield port
        finally:
            run(tools / "pg_ctl", *data, "-m", "immediate", "stop")


@contextmanager
def _as_server_user() -> Iterator[tuple[Callable[..., subprocess.CompletedProcess], Path]]:
    """How to run as the user that the server runs as (it refuses root), and a folder of theirs."""
    root = os.getuid() == 0
    with tempfile.TemporaryDirectory(prefix="cxpg", dir="/tmp") as name:
        folder = Path(name)
        if root:
            shutil.chown(folder, "postgres")

        def run(*command: object, **env: str) -> subprocess.CompletedProcess:
            words = [str(c) for c in command]
            if root:
                sets = [f"{k}={v}" for k, v in env.items()]
                words = ["runuser", "-u", "postgres", "--", "env", *sets, *words]
            return subprocess.run(
                words, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True
            )

        yield run, folder


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
