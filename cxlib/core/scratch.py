"""A temporary folder of one command, in which all that it starts keeps what it needs for a moment.

with scratch.own(): ...      # tempfile, and the processes that are started, use it; then it is gone

What ends by force cleans up nothing. So each command also takes away the folders of those before it
that no process holds any more.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows cannot rename a folder with an open file: it keeps its own
    fcntl = None  # type: ignore[assignment]

HELD, NEW = "cxlab-", "cxlabnew-"  # begin the names of folders that are held, and not held yet
LOCK = "held"
MULTIPROCESSING = "pymp-*"  # its own folder, which it removes at exit
MOMENT = 3600  # seconds after which a folder that is not held yet never will be


@contextmanager
def own() -> Iterator[None]:
    """Within the block temporary files lie in a folder of their own, which is removed at the end.

    On a full disk, and on Windows, they lie where they always do.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    place = Path(tempfile.gettempdir())
    lock = -1
    try:
        _sweep(place)
        folder, lock = _made(place)
    except OSError:
        yield
        return
    if lock < 0:
        yield
        return

    def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    # Exit handlers run last in, first out: this one after that of multiprocessing, if that is
    # imported within the block.
    atexit.register(remove)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if variable is not None:
            os.environ["TMPDIR"] = variable
        if not any(folder.glob(MULTIPROCESSING)):  # which fails at exit where its folder is gone
            atexit.unregister(remove)
            remove()
            os.close(lock)


def _made(place: Path) -> tuple[Path, int]:
    """A folder that this process holds, and the lock; -1 where there are no such locks."""
    if fcntl is None:
        return place, -1
    fresh = Path(tempfile.mkdtemp(prefix=NEW, dir=place))
    lock = os.open(fresh / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = place / fresh.name.replace(NEW, HELD, 1)
    fresh.rename(folder)  # held from the moment that it has this name
    return folder, lock


def _sweep(place: Path) -> None:
    """Remove our folders that no process holds: their command was killed."""
    if fcntl is None:
        return
    for folder in place.glob(f"{HELD}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
    for folder in place.glob(f"{NEW}*"):
        with suppress(OSError):
            about = folder.lstat()
            if about.st_uid == os.getuid() and about.st_mtime < time.time() - MOMENT:
                shutil.rmtree(folder, ignore_errors=True)
