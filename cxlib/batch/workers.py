"""Processes that make pages: an ordinary one for each, or forks of a template.

    for event in plain(job):                           # the events of `one.run`, then an "exit"
        ...

Each page's process leads a session of its own, so that ending it ends its kernel and whatever it
started. The last event is always {"event": "exit", "code": ...}: the one to trust.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

BEGIN = "from cxlib.batch.one import main; main()"
Running = Callable[[int], None]  # is told the process that leads the page's session


class Unfinished(RuntimeError):
    """The run could not go on: a full disk, a scheduler that is gone. Finished pages are kept."""


def plain(job: dict, running: Running = lambda pid: None) -> Iterator[dict]:
    """Events of a page made by a process of its own with an ordinary kernel."""
    from cxlib.batch.environment import for_pages

    with tempfile.TemporaryDirectory(prefix="cx") as empty, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
            env=for_pages(Path(empty)),
            start_new_session=True,
        )
        running(process.pid)
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(job))
                process.stdin.close()
            for line in process.stdout:
                yield json.loads(line)
            code = process.wait()
        finally:
            end(process.pid)
            process.wait()
        said.seek(0)
        yield {"event": "exit", "code": code, "said": said.read()[-2000:]}


def end(leader: int) -> None:
    """End a page's process and everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(leader, signal.SIGKILL)
