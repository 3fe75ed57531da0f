"""Pages made by the workers of a Dask cluster that is running already.

    cluster = Cluster("tcp://host:8786", storage="s3://bucket/cx")
    ended = cluster.run(job, page, timeout=600)        # as `processes.run` tells

Pages are submitted through `distributed.Client.get_executor()`. A worker makes a page as this
machine would, by `processes.run`: a fresh process, the same limits; and only if its cxlib and its
libraries are the same, so the page has the same bytes. A page whose worker is lost goes to another.
Which worker was lost, and what becomes of its page, is told (`lost`). Without `storage` the workers
must see the project's folder, and pages come back over the network; with it (any fsspec address)
the study goes there once, and pages come back through it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import multiprocessing
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from cxlib.batch import cache, dependencies, execute, fingerprints, processes, record, snapshots
from cxlib.batch.planning import Page
from cxlib.batch.processes import Unfinished
from cxlib.core import files

CONNECT = 10  # seconds to wait for a scheduler
NOBODY = 60  # seconds to wait for a worker when all are gone
# Of a study's files, what no worker needs.
LEAVE = (".lock", ".holder", ".new", ".wal", ".py", ".pyc")
_fetching = threading.Lock()
Lost = Callable[[str, Sequence[str], str], None]


class Cluster:
    """The driver's end of a Dask cluster. Raises Unfinished when it cannot be used, or is lost.

    `lost` is told each worker that is lost: its address, the pages that it was making, and what
    happens next.
    """

    def __init__(self, address: str, storage: str = "", lost: Lost = lambda *_: None) -> None:
        self.address, self.storage, self._lost_worker = address, storage, lost
        self._pages: dict[str, str] = {}  # key of a task: the page that it makes
        self._gone: SimpleQueue[tuple[str, list[str]]] = SimpleQueue()
        self._client = _connected(address)
        self._executor = self._client.get_executor(pure=False)
        self._all_of_a_kind()
        self._stopped = False
        self._sent: dict[str, str] = {}
        self._sending = threading.Lock()
        self._client.subscribe_topic("all", self._on_event)

    def _on_event(self, event: tuple[Any, ...]) -> None:
        """Note a worker that is gone, unless it was asked to end and had no page of ours.

        Told by a page that waits: Dask's own loop, which runs this, may not ask the scheduler.
        """
        message = event[1]
        if message.get("action") == "remove-worker":
            pages = sorted(p for k in message["processing-tasks"] if (p := self._pages.get(k)))
            if pages or not message["expected"]:
                self._gone.put((message["worker"], pages))

    def _tell_lost(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                worker, pages = self._gone.get_nowait()
                left = [w for w in self._workers() if w != worker]
                self._lost_worker(worker, pages, _what_next(pages, len(left)))

    @property
    def width(self) -> int:
        """How many pages the workers make at a time."""
        return sum(w["nthreads"] for w in self._workers().values())

    def _all_of_a_kind(self) -> None:
        """Refuse beforehand: a worker that fails every page at once would draw them all."""
        mine = cache.parts_of_machine()
        for worker, parts in self._client.run(cache.parts_of_machine, on_error="return").items():
            if parts != mine:
                self.close()
                raise Unfinished(f"{worker}: {_other_kind(parts, mine)}")

    def _workers(self) -> dict[str, Any]:
        return self._client.scheduler_info(n_workers=-1)["workers"]

    def run(self, job: dict[str, Any], page: Page, timeout: float) -> dict[str, Any]:
        """Send the page, wait for it, put its files in place; how it ended."""
        parcel = {
            "job": job,
            "notebook": page.notebook.read_text(encoding="utf-8"),
            "machine": cache.parts_of_machine(),
            "root": str(snapshots.root_of(page).resolve()),
            "timeout": timeout,
            "storage": self.storage,
            "inputs": self._send(page) if self.storage else "",
        }
        name = f"cx-{page.study}-{page.name}-{uuid.uuid4().hex[:8]}"
        self._pages[name] = f"{page.study}/{page.name}"
        try:
            made = self._wait(self._executor.submit(make, parcel, key=name))
        except Unfinished:
            raise
        except Exception as error:  # what Dask has to say: workers lost too often, no cxlib there
            return {"why": f"on the cluster: {error}"}
        finally:
            del self._pages[name]
        try:
            for file, content in self._received(made).items():
                execute.put(Path(job["folder"]) / file, content)
        except ValueError as error:  # a list would come into Git
            return {"why": str(error)}
        return made["ended"]

    def _wait(self, future: Any) -> dict[str, Any]:
        seen = time.monotonic()
        while True:
            try:
                return future.result(timeout=1)
            except TimeoutError:
                self._tell_lost()
                if future.done():  # the page's own error
                    raise
                if self._stopped:
                    raise Unfinished("stopped") from None
                if self._workers():
                    seen = time.monotonic()
                elif time.monotonic() - seen > NOBODY:
                    raise Unfinished(self._lost("has no worker left")) from None
            except CancelledError as error:
                why = "stopped" if self._stopped else self._lost("was lost")
                raise Unfinished(why) from error

    def _lost(self, what: str) -> str:
        return (
            f"the scheduler at {self.address} {what}. Finished pages are kept. Bring it back and "
            "run the same command again: it goes on from there; or leave out --scheduler."
        )

    def _send(self, page: Page) -> str:
        """Put the study's files into the storage, once; gives back where."""
        with self._sending:
            marks = page.data.items()
            of_files = {k: v for k, v in marks if not k.startswith(dependencies.ANSWERS)}
            name = f"{page.study}-{fingerprints.digest(of_files)[:16]}"
            if name not in self._sent:
                folder = snapshots.root_of(page) / "data" / page.study
                self._sent[name] = _upload(self.storage, name, folder)
        return self._sent[name]

    def _received(self, made: dict[str, Any]) -> dict[str, bytes]:
        if not made["stored"]:
            return made["files"]
        system, place = _system(made["stored"])
        files = {name: system.cat_file(f"{place}/{name}") for name in made["files"]}
        with contextlib.suppress(OSError):
            system.rm(place, recursive=True)
        return files

    def stop(self) -> None:
        """Wait for no page any more; one that a worker has begun is ended there (`_unwanted`)."""
        self._stopped = True
        self.close()

    def close(self) -> None:
        """Let go of the cluster, which stays as it is."""
        self._client.close(timeout=2)


def _what_next(pages: Sequence[str], workers: int) -> str:
    """What happens after a worker was lost that was making these pages."""
    if not workers:
        return f"no worker is left; waiting {NOBODY} s for another"
    if not pages:
        return f"{workers} left"
    it = "it" if len(pages) == 1 else "them"
    return f"another worker makes {it} again ({workers} left)"


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            "--scheduler needs Dask, which is not installed: pip install 'cxlib[dask]'."
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unfinished(
            f"no Dask scheduler answers at {address} ({error}). Start one with `dask scheduler` "
            "and workers with `dask worker ADDRESS`, or leave out --scheduler."
        ) from error
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.close()
        raise Unfinished(
            f"the scheduler at {address} has no worker. Start `dask worker {address}`."
        )
    return client


def _system(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ValueError("--storage needs fsspec: pip install 'cxlib[dask]'.") from error
    return url_to_fs(address)


def _upload(storage: str, name: str, folder: Path) -> str:
    system, place = _system(f"{storage.rstrip('/')}/studies/{name}")
    if not system.exists(f"{place}/whole"):
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            # A link that leads out of the study is no file of it.
            if file.suffix not in LEAVE and files.inside(file, [folder]):
                target = f"{place}/{file.relative_to(folder).as_posix()}"
                system.makedirs(target.rpartition("/")[0], exist_ok=True)
                system.put_file(str(file), target)
        system.pipe_file(f"{place}/whole", b"")
    return f"{storage.rstrip('/')}/studies/{name}"


# On a worker


def make(parcel: dict[str, Any]) -> dict[str, Any]:
    """On a worker: how the page ended, its files or where they are stored."""
    _refuse_another_kind(parcel["machine"])
    job = parcel["job"]
    root = _root_of(parcel)
    with tempfile.TemporaryDirectory(prefix="cx") as place:
        notebook = Path(place) / "in" / Path(job["notebook"]).name
        execute.put(notebook, parcel["notebook"])
        here = {**job, "notebook": str(notebook), "folder": f"{place}/out", "root": root}
        Path(here["folder"]).mkdir()
        ended = _run(here, parcel["timeout"])
        out = Path(here["folder"])
        files = {f.name: f.read_bytes() for f in execute.files_of(out, job["page"])}
    if not parcel["storage"]:
        return {"ended": ended, "files": files, "stored": ""}
    stored = f"{parcel['storage'].rstrip('/')}/pages/{uuid.uuid4().hex}"
    system, there = _system(stored)
    system.makedirs(there, exist_ok=True)
    for name, content in files.items():
        system.pipe_file(f"{there}/{name}", content)
    return {"ended": ended, "files": list(files), "stored": stored}


def _other_kind(parts: object, wanted: dict[str, str]) -> str:
    """Why a worker's pages could differ from ours."""
    if not isinstance(parts, dict):
        what = f"does not have cxlib ({parts})"
    else:
        differ = [part for part in wanted if parts.get(part) != wanted[part]]
        what = f"has other {' and '.join(differ)} than this machine, so pages could differ"
    return f"the worker {what}. Install the same cxlib and requirements.lock there; start it again."


def _refuse_another_kind(wanted: dict[str, str]) -> None:
    """A worker that came later than the run's beginning."""
    mine = cache.parts_of_machine()
    if mine != wanted:
        raise RuntimeError(_other_kind(mine, wanted))


def _root_of(parcel: dict[str, Any]) -> str:
    """The project's folder on this worker, where the study's data lie."""
    if not parcel["inputs"]:
        root = parcel["job"]["root"]
        if not Path(root).is_dir():
            raise RuntimeError(f"the worker sees no folder {root}. Give a --storage.")
        return root
    with _fetching:
        return _fetched(parcel["inputs"], parcel["job"]["values"]["STUDY"])


@functools.cache
def _fetched(address: str, study: str) -> str:
    """A folder that holds the study's data until this process, a worker, ends; fetched once."""
    place = tempfile.TemporaryDirectory(prefix="cx")
    atexit.register(place.cleanup)
    _download(address, Path(place.name) / "data" / study)
    return place.name


def _download(address: str, folder: Path) -> None:
    system, place = _system(address)
    for path in system.find(place):
        target = folder / path[len(place) :].lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(path, str(target))


def _run(job: dict[str, Any], timeout: float) -> dict[str, Any]:
    """The page in a process of its own; what is known of its end."""
    # A Dask nanny starts its worker as a daemon, and multiprocessing allows daemons no children.
    # Ours end with their page, or with the worker.
    multiprocessing.current_process().daemon = False
    ended = processes.run(job, timeout=timeout, stopped=_unwanted())
    if "status" not in ended:
        late = timeout if ended["late"] else None
        ended["why"] = record.why_it_died(ended, late, job.get("memory"))
    return ended


def _unwanted() -> Callable[[], bool]:
    """Whether nobody waits for this worker's page any more.

    A driver that is stopped, or dies, lets go of its tasks: the scheduler has them cancelled, but a
    worker lets what runs run on.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def unwanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    return unwanted
