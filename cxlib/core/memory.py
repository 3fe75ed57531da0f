"""How much memory there is: that of the machine, or less in a container."""

from __future__ import annotations

from pathlib import Path

import psutil

LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def total_memory() -> int:
    """Bytes of memory of the machine, or what its container may use.

    Examples
    --------
    >>> total_memory() > 2**20
    True
    """
    there: int = psutil.virtual_memory().total
    if LIMIT_OF_CONTAINER.is_file() and (limit := LIMIT_OF_CONTAINER.read_text().strip()).isdigit():
        return min(there, int(limit))
    return there
