"""What happens in a run, as JSON lines for machines: one object a line, `event` says which.

    with log.to(Path("run.jsonl")) as tell: ...        # tell("page_ended", page="mine/10_x")

Events: run_started, page_started, page_ended, worker_lost, message, run_ended. Times are UTC.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

Tell = Callable[..., None]


@contextmanager
def to(file: Path) -> Iterator[Tell]:
    """A function that adds a line to the file, safe from several threads. Raises OSError."""
    with open(file, "a", encoding="utf-8") as stream:
        yield _teller(stream)


def _teller(stream: TextIO) -> Tell:
    lock = threading.Lock()

    def tell(event: str, **facts: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **facts}, ensure_ascii=False, default=str)
        with lock:
            stream.write(line + "\n")
            stream.flush()

    return tell
