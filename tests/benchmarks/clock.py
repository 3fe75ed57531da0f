"""The clock of every benchmark: CPU time, so that a busy machine changes little."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(task: Callable[[], object], times: int = 5) -> float:
    """Least CPU time of several runs."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        task()
        spent.append(time.process_time() - start)
    return min(spent)
