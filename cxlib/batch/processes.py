"""One process for each page, forked by the standard library's fork server.

    processes.start()                                  # begins to import; returns at once
    ended = processes.run(job, timeout=600)            # a page, made in a process of its own

The fork server has the analysis libraries imported, so a page costs its analysis and no import; its
children are fresh copies, so nothing leaks from page to page. Where forking is not safe (Windows,
macOS, a server with threads) a page has an ordinary interpreter and kernel: slower, same bytes.

`concurrent.futures.ProcessPoolExecutor` is not used for the pages: one that is killed, as at its
time limit, breaks the pool and the pages running beside it. The executors that schedule are a
`ThreadPoolExecutor` here (`runner`) and Dask's on a cluster (`cluster`); both submit `run`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, forkserver
from pathlib import Path
from types import ModuleType
from typing import Any

Tell = Callable[[dict[str, Any]], None]
Stopped = Callable[[], bool]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PRELOAD = ["cxlib.batch.preload"]
# jsonschema imports these for nbformat, to check web addresses and durations that no notebook has;
# one of them builds 35 grammars, which takes a second.
FORMAT_CHECKERS = ("rfc3987_syntax", "isoduration")
GRACE = 10.0  # seconds that a finished page's exit handlers may take
_starting = threading.Lock()


class Unfinished(RuntimeError):
    """The run could not go on: a full disk, a scheduler that is gone. Finished pages are kept."""


def possible() -> bool:
    """Whether this system forks safely: Linux, where threads can be counted."""
    return Path("/proc/self/task").is_dir()


def start() -> None:
    """Start the fork server of this process, unless it runs; it imports while the caller goes on.

    It ends with this process. Scripts that start runs need the guard `if __name__ == "__main__":`,
    as with all of multiprocessing: children import the script that started them.
    """
    if possible():
        with _starting, _environment(environment()):
            forkserver.set_forkserver_preload(PRELOAD)
            forkserver.ensure_running()


def environment() -> dict[str, str]:
    """The environment variables of pages: one thread for each BLAS and fixed string hashes.

    Two pages whose BLAS take two threads each lose 15% on two cores.
    """
    return {
        **os.environ,
        **dict.fromkeys(THREADS, "1"),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def import_nbformat() -> ModuleType:
    """nbformat, imported without what jsonschema would import for it and no notebook needs.

    With JupyterLab installed this takes 0.14 s instead of 1.3 s.
    """
    absent = [name for name in FORMAT_CHECKERS if name not in sys.modules]
    hidden: dict[str, Any] = dict.fromkeys(absent)
    sys.modules.update(hidden)
    try:
        import nbformat
    finally:
        for name in absent:
            del sys.modules[name]
    return nbformat


def run(
    job: dict[str, Any],
    *,
    timeout: float,
    fork: bool = True,
    tell: Tell = lambda event: None,
    stopped: Stopped = lambda: False,
) -> dict[str, Any]:
    """Make the page of `job` in a process of its own, and end all that it leaves running.

    Parameters
    ----------
    job : what `execute.run` takes
    timeout : seconds that the page may take, from when its process has begun
    fork : by the fork server; else by a new interpreter with an ordinary kernel
    tell : is given the events of `execute.run`
    stopped : is asked a few times a second whether to end the page now

    Returns
    -------
    The events together ("status", "answers", ...: only a page that was finished has a status), with
    "code", the exit code of the process, "late", whether it exceeded `timeout`, and "over", whether
    it and its own processes held more than the job's `memory`.
    """
    fork = fork and possible()
    if fork:
        start()
    with _starting:
        variables = environment()
    with tempfile.TemporaryDirectory(prefix="cx") as empty:  # no start-up files of ~/.ipython
        ended = _run(job, {**variables, "IPYTHONDIR": empty}, fork, timeout, tell, stopped)
    if ended.get("event") == "threads":
        return run(job, timeout=timeout, fork=False, tell=tell, stopped=stopped)
    return ended


def _run(
    job: dict[str, Any],
    variables: dict[str, str],
    fork: bool,
    timeout: float,
    tell: Tell,
    stopped: Stopped,
) -> dict[str, Any]:
    context: Any = multiprocessing.get_context("forkserver" if fork else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_make, args=(job, variables, fork, timeout, sender))
    with _starting, _environment(variables):
        process.start()
    sender.close()
    ended: dict[str, Any] = {"late": False}
    try:
        for event in _events(process, receiver, timeout, stopped, job.get("memory")):
            ended |= event
            tell(event)
        if ended.get("event") in ("end", "died"):  # it leaves by itself: exit handlers, exit code
            process.join(GRACE)
    finally:
        _kill(process)
        receiver.close()
    return {**ended, "code": process.exitcode}


def _events(
    process: Any, receiver: Any, timeout: float, stopped: Stopped, memory: float | None = None
) -> Iterator[dict[str, Any]]:
    """What the page's process tells, until it has finished, died, or has to be ended."""
    until = math.inf
    while not stopped():
        if memory and held(process.pid) > memory * 2**30:
            yield {"event": "over", "over": True}
            return
        if time.monotonic() >= until:
            yield {"event": "late", "late": True}
            return
        wait = min(0.2, max(0.0, until - time.monotonic()))
        if receiver in connection.wait([receiver, process.sentinel], wait):
            try:
                event = receiver.recv()
            except (EOFError, OSError):
                return
            if event["event"] == "begun":  # to start the fork server is no fault of the page
                until = time.monotonic() + timeout
            yield event
            if event["event"] in ("end", "died", "threads"):
                return
        elif not process.is_alive() and not receiver.poll():
            return


def held(pid: int) -> int:
    """The bytes in memory of a process and of all that it started; 0 where it cannot be told."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = list(_children(pid))
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(held, children))


def _children(pid: int) -> Iterator[int]:
    """The processes that a process started: Linux lists them with the thread that did."""
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended; its children are another thread's now
            yield from map(int, file.read_text().split())


def _kill(process: Any) -> None:
    """End a page's process and everything it started."""
    with suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set the environment for a process that is started within; multiprocessing takes none."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


# In the page's process


def _make(
    job: dict[str, Any], variables: dict[str, str], forked: bool, timeout: float, sender: Any
) -> None:
    """Make one page and tell what happens."""
    if forked and len(os.listdir(f"/proc/{os.getppid()}/task")) > 1:
        sender.send({"event": "threads"})  # a lock that another thread held would be held for ever
        return
    with suppress(AttributeError):  # Windows has neither
        os.setsid()
        signal.alarm(math.ceil(timeout + 60))  # ends it even where nobody waits any more
    threading.Thread(target=_end_with_driver, daemon=True).start()
    os.environ.clear()
    os.environ.update(variables)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # what a page's programs print is not the run's output
    sender.send({"event": "begun"})
    try:
        import_nbformat()
        from cxlib.batch import engines, execute

        if forked:
            _seed_afresh()
        execute.run(job, sender.send, engine=engines.IN_PROCESS if forked else engines.KERNEL)
    except BaseException as error:
        with suppress(OSError):
            said = f"{type(error).__name__}: {error}"
            where = {"traceback": "".join(traceback.format_exception(error))}
            sender.send(
                {"event": "died", "said": said, "errno": getattr(error, "errno", None), **where}
            )
        raise SystemExit(1) from error


def _end_with_driver() -> None:
    """When the process that asked for the page is gone, however it ended, end this and its own."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        with suppress(AttributeError):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def _seed_afresh() -> None:
    """Seed numpy's global generator, which fork copies: pages must not draw the same numbers."""
    import numpy as np

    np.random.seed(list(os.urandom(16)))  # noqa: NPY002
