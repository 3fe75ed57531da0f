"""A single-threaded process that has the libraries imported, and forks one child for each page.

    template = Template.start()                        # None where fork is not to be had
    for event in template.events(job): ...             # as workers.plain gives them

A page costs its analysis and no import. The child is a fresh copy, so nothing leaks from page to
page. A process with threads is never forked: a library's lock held by another thread would stay
held for ever. So the template connects to nothing, computes nothing but what every page would
(`_first_times`), and counts its threads.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from cxlib.batch import imports
from cxlib.batch.workers import Running, end

# What every page needs; what its notebook imports besides is imported when the page comes.
LIBRARIES = (
    "cxlib.reserve", "IPython.core.interactiveshell", "ipykernel.jsonutil", "papermill",
    "matplotlib.pyplot", "matplotlib.backends.backend_svg", "matplotlib_inline.backend_inline",
    "cxlib.plots", "cxlib.report.pages", "pygments.styles.default", "cxlib.batch.one",
    "cxlib.batch.shell", "cxlib.batch.engines", "IPython.core.magics", "IPython.core.completerlib",
    "pyarrow.pandas_compat", "scipy.special",
)  # fmt: skip
BEGIN = "from cxlib.batch.template import main; main()"


def possible() -> bool:
    """Whether this system forks safely: Linux, where threads can be counted."""
    return hasattr(os, "fork") and Path("/proc/self/task").is_dir()


class Template:
    """The driver's end: hands out jobs, one socket each."""

    def __init__(self, process: subprocess.Popen, control: socket.socket, empty) -> None:
        self._process, self._control, self._empty = process, control, empty
        self._lock = threading.Lock()

    @classmethod
    def start(cls) -> Template | None:
        """Start a template and leave it importing; None where fork is not to be had."""
        from cxlib.batch.environment import for_pages

        if not possible():
            return None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        empty = tempfile.TemporaryDirectory(prefix="cx")
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=for_pages(Path(empty.name)),
            start_new_session=True,
        )
        theirs.close()
        return cls(process, ours, empty)

    def events(self, job: dict, running: Running = lambda pid: None) -> Iterator[dict]:
        """The events of a page; the last is its exit. An "exit" of None: the template is gone."""
        ours, theirs = socket.socketpair()
        with ours:
            try:
                names = json.dumps(imports.of(Path(job["notebook"])))
                with self._lock, theirs:
                    socket.send_fds(self._control, [names.encode()], [theirs.fileno()])
                lines = ours.makefile("rw", encoding="utf-8")
                lines.write(json.dumps(job) + "\n")
                lines.flush()
                for line in lines:
                    event = json.loads(line)
                    if event["event"] == "begun":
                        running(event["pid"])
                    yield event
                    if event["event"] == "exit":
                        return
            except (OSError, ValueError):
                yield {"event": "exit", "code": None, "said": "the template process ended"}

    def __enter__(self) -> Template:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the template; its children have ended, or end with it. Once is as good as twice."""
        self._control.close()
        if self._process.poll() is None:
            end(self._process.pid)
            self._process.wait()
        self._empty.cleanup()


def threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def main() -> None:
    """The template's own life: import, then fork for every socket that comes in."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    _Serving(control).loop()


def _import_all() -> None:
    gc.disable()  # nothing imported is ever thrown away
    for name in LIBRARIES:
        importlib.import_module(name)
    _first_times()


def _first_times() -> None:
    """What is slow the first time: the schema of notebooks read, the page's template compiled.

    Nothing that a notebook could see is touched.
    """
    import nbformat
    from nbformat import v4

    from cxlib.report import pages

    table = v4.new_output("display_data", {"text/html": "<table><tr><td>1</td></tr></table>"})
    cells = [v4.new_markdown_cell("# a\n\nb"), v4.new_code_cell("c = 1", outputs=[table])]
    notebook = nbformat.reads(v4.writes(v4.new_notebook(cells=cells)), as_version=4)
    pages.bind(notebook, pages.Facts(""))


def _import_for(names: Iterable[str]) -> None:
    """What a page's notebook imports; the page's own garbage collector passes over all of it."""
    for name in names:
        # `from scipy.stats import norm` names no module; and what is broken the page will tell.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()


class _Serving:
    """Children by process id, each with the socket that its page's driver listens to."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, socket.socket] = {}
        self.wake, woken = socket.socketpair()
        for end_ in (self.wake, woken):
            end_.setblocking(False)
        signal.set_wakeup_fd(woken.fileno())
        self._woken = woken
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def loop(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self.control, selectors.EVENT_READ)
            ready.register(self.wake, selectors.EVENT_READ)
            while True:
                for found, _ in ready.select():
                    if found.fileobj is self.wake:
                        with contextlib.suppress(BlockingIOError):
                            self.wake.recv(4096)
                        self._reap()
                    elif not self._take():
                        self._end_all()
                        return

    def _take(self) -> bool:
        names, fds, _, _ = socket.recv_fds(self.control, 65536, 1)
        if not names or not fds:
            return False
        page = socket.socket(fileno=fds[0])
        _import_for(json.loads(names))
        if threads() > 1:
            _tell(page, {"event": "exit", "code": None, "said": f"{threads()} threads: no fork"})
            page.close()
            return True
        pid = os.fork()
        if pid == 0:
            # A copy of another page's socket would keep its driver waiting for the end.
            for other in (self.control, *self.children.values()):
                other.close()
            _child(page)
        self.children[pid] = page
        return True

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            page = self.children.pop(pid, None)
            if page is not None:
                end(pid)  # whatever it started goes with it
                with contextlib.suppress(OSError):
                    _tell(page, {"event": "exit", "code": os.waitstatus_to_exitcode(status)})
                page.close()

    def _end_all(self) -> None:
        for pid in self.children:
            end(pid)


def _tell(page: socket.socket, event: dict) -> None:
    page.sendall((json.dumps(event) + "\n").encode())


def _child(page: socket.socket) -> None:
    """The page's own process: never returns."""
    code = 1
    try:
        os.setsid()
        _die_with_parent()
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        _own_chance()
        gc.enable()
        _tell(page, {"event": "begun", "pid": os.getpid()})
        job = json.loads(page.makefile("r", encoding="utf-8").readline())
        from cxlib.batch import one
        from cxlib.batch.engines import IN_PROCESS

        one.run(job, lambda event: _tell(page, event), engine=IN_PROCESS)
        code = 0
    except BaseException as error:
        with contextlib.suppress(OSError):
            _tell(page, {"event": "died", "said": f"{type(error).__name__}: {error}"})
    finally:
        _leave(code)


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _own_chance() -> None:
    """numpy's global generator is copied by fork; two pages must not draw the same numbers."""
    import numpy as np

    np.random.seed(array.array("I", os.urandom(16)).tolist())  # noqa: NPY002


def _leave(code: int) -> None:
    """Threads first, exit handlers then: the other way round loky waits for ever."""
    signal.alarm(10)
    with contextlib.suppress(BaseException):
        threading._shutdown()
    with contextlib.suppress(BaseException):
        import atexit

        atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)
