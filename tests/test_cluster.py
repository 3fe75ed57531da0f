"""Pages made by a Dask cluster: the same bytes, workers and the scheduler lost on the way."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from test_batch import project, write  # noqa: F401  (project is a fixture)

from cxlib import batch, cli
from cxlib.batch import cache, cluster, fingerprints, log
from cxlib.batch.progress import Progress

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="no Dask"),
]


PATIENCE = 120  # seconds that others may keep this machine busy


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dask:
    """A scheduler and workers, processes of their own."""

    def __init__(self, place: Path, workers: int) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.place = place
        self.scheduler = self.begin("scheduler", "--host", self.address, "--no-dashboard")
        self.workers = [self.worker(f"w{i}") for i in range(workers)]

    def begin(self, kind: str, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words],
            cwd=self.place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "CX_ROOT": str(self.place)},  # workers know the project by no name
        )

    def worker(self, name: str) -> subprocess.Popen:
        # Under a nanny a worker is a daemon, which multiprocessing allows no children.
        nanny = "--nanny" if name == "w1" else "--no-nanny"
        return self.begin(
            "worker",
            self.address,
            nanny,
            "--nthreads",
            "1",
            "--name",
            name,
            "--no-dashboard",
            "--local-directory",
            str(self.place),
        )

    def is_of_our_kind(self) -> bool:
        from distributed import Client

        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=PATIENCE)
            theirs = client.run(cache.parts_of_machine, on_error="return").values()
        return all(parts == cache.parts_of_machine() for parts in theirs)

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def site(project) -> Path:  # noqa: F811
    for name in ("60_slow", "61_slow"):
        write(project / "notebooks", name, f"import time; time.sleep(2); print('{name}')")
    return project


@pytest.fixture(scope="module")
def dask(site, tmp_path_factory):
    for _ in range(5):
        fingerprints.code.cache_clear()
        cache.parts_of_machine.cache_clear()
        running = Dask(tmp_path_factory.mktemp("cluster"), workers=2)
        if running.is_of_our_kind():
            break
        running.close()  # somebody edited cxlib while it started
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "CONNECT", PATIENCE)  # a busy machine answers late
        yield running
    running.close()


class Watching(Progress):
    """Does something once, when the first page has ended."""

    def __init__(self, total: int, then) -> None:
        super().__init__(total, io.StringIO())
        self.then, self.gone = then, []

    def lost(self, worker: str, pages, then: str) -> None:
        super().lost(worker, pages, then)
        self.gone.append((worker, list(pages), then))

    def end(self, name: str, status: str, seconds: float, **about) -> None:
        super().end(name, status, seconds, **about)
        then, self.then = self.then, lambda: None
        then()


@pytest.fixture(scope="module")
def spread(site, dask, tmp_path_factory):
    """Pages of a cluster that loses a worker at the first page's end; the same made here."""
    pages = batch.plan(["tiny"], ["10", "20", "60", "61"])
    watching = Watching(len(pages), dask.workers[0].kill)
    far = batch.run(
        pages,
        out=site / "far",
        keep=False,
        scheduler=dask.address,
        storage=f"file://{tmp_path_factory.mktemp('storage')}",
        progress=watching,
    )
    near = batch.run(pages[:2], out=site / "near", keep=False, progress=Progress(2, io.StringIO()))
    return {r.page.notebook.stem[:2]: r for r in far}, near, watching


@pytest.mark.thorough
def test_a_page_from_a_cluster_has_the_same_bytes(spread) -> None:
    far, near, _ = spread
    for here in near:
        there = far[here.page.notebook.stem[:2]]
        assert (there.status, there.answer) == (here.status, here.answer)
        for kind in (".html", ".ipynb"):
            # But for the way to the next page, which is another in a shorter run.
            both = (r.file.with_suffix(kind).read_bytes() for r in (here, there))
            one, other = (re.sub(rb'<a rel="(?:next|prev)".*?</a>', b"", page) for page in both)
            assert one == other, here.page.name + kind


@pytest.mark.slow
def test_pages_of_a_lost_worker_are_made_by_another(spread) -> None:
    far, _, watching = spread
    assert far["60"].status == far["61"].status == far["10"].status == "ok"
    [(worker, pages, then)] = watching.gone
    assert worker.startswith("tcp://127.0.0.1:") and all(p.startswith("tiny/") for p in pages)
    assert "(1 left)" in then if pages else then == "1 left"


@pytest.mark.slow
def test_a_page_that_hangs_on_a_worker_is_ended_at_its_limit(site, dask, spread) -> None:
    [hung] = batch.run(
        batch.plan(["tiny"], ["22"]),
        out=site / "hung",
        keep=False,
        timeout=1,
        scheduler=dask.address,
        progress=Progress(1, io.StringIO()),
    )
    assert hung.status == "failed" and "took longer than 1 s" in hung.answer
    assert "took longer" in hung.file.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_cluster_of_another_kind_is_refused_before_anything_runs(dask, spread, monkeypatch):
    other = {**cache.parts_of_machine(), "environment": "other"}
    monkeypatch.setattr("distributed.Client.run", lambda *_, **__: {"tcp://w:1": other})
    with pytest.raises(batch.Unfinished, match="tcp://w:1: the worker has other environment"):
        cluster.Cluster(dask.address)


@pytest.fixture
def interruptible():
    """Ctrl-C raises; where the tests were started in the background Python finds it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_stopping_waits_for_no_worker_and_ends_what_it_runs(site, dask, spread) -> None:
    place = site / "pid"
    told = f"pathlib.Path({str(place)!r}).write_text(str(os.getpid()))"
    write(site / "notebooks", "62_tells", f"import os, pathlib, time\n{told}\ntime.sleep(600)")

    def stop() -> None:
        while not place.exists() or not place.read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        batch.run(
            batch.plan(["tiny"], ["62"]),
            out=site / "stopped",
            scheduler=dask.address,
            keep=False,
            progress=Progress(1, io.StringIO()),
        )
    assert not (site / "stopped").exists()  # no page was done
    until = time.monotonic() + PATIENCE
    while Path(f"/proc/{place.read_text()}").exists():
        assert time.monotonic() < until, "the page runs on"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_lost_scheduler_is_said_and_finished_pages_stay(site, dask, spread, monkeypatch) -> None:
    # One at a time: the one worker left might else begin with the page that hangs.
    pages = batch.plan(["tiny"], ["10", "22"])
    with pytest.raises(batch.Unfinished, match=r"was lost\. Finished pages are kept"):
        batch.run(
            pages,
            out=site / "lost",
            scheduler=dask.address,
            jobs=1,
            progress=Watching(2, dask.scheduler.kill),
        )
    assert (site / "lost" / "10_works.html").exists()
    assert cache.look(pages[0])[0] is not None  # the next run begins with what was finished


@pytest.mark.slow
def test_no_scheduler_is_exit_code_3(site, monkeypatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(cli.main, ["run", "tiny", "60", "--scheduler", address])
    assert done.exit_code == 3 and f"no Dask scheduler answers at {address}" in done.output


def test_a_lost_worker_is_told_with_its_pages_and_what_happens_next(tmp_path, monkeypatch) -> None:
    workers = {"tcp://w:1": {}, "tcp://w:2": {}}
    dask = SimpleNamespace(
        get_executor=lambda pure: None,
        run=lambda *_, **__: {},
        scheduler_info=lambda n_workers: {"workers": workers},
        subscribe_topic=lambda topic, handler: None,
    )
    monkeypatch.setattr(cluster, "_connected", lambda address: dask)
    said, file = io.StringIO(), tmp_path / "log.jsonl"
    with log.to(file) as tell:
        running = cluster.Cluster("tcp://s:1", lost=Progress(2, said, tell).lost)
        running._pages |= {"cx-1": "tiny/10_works", "cx-2": "tiny/20_other"}

        def lose(worker: str, *keys: str, expected: bool = False) -> None:
            workers.pop(worker, None)
            about = {"processing-tasks": {*keys, "another client's"}, "expected": expected}
            running._on_event((0.0, {"action": "remove-worker", "worker": worker, **about}))
            running._tell_lost()

        lose("tcp://w:9", expected=True)  # retired with nothing to do
        lose("tcp://w:1", "cx-1")
        lose("tcp://w:2", "cx-1", "cx-2")
    assert said.getvalue().splitlines() == [
        "worker tcp://w:1 was lost while it was making tiny/10_works: another worker makes it "
        "again (1 left)",
        "worker tcp://w:2 was lost while it was making tiny/10_works, tiny/20_other: no worker is "
        "left; waiting 60 s for another",
    ]
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(e["event"], e["worker"], e["pages"]) for e in events] == [
        ("worker_lost", "tcp://w:1", ["tiny/10_works"]),
        ("worker_lost", "tcp://w:2", ["tiny/10_works", "tiny/20_other"]),
    ]


@pytest.mark.slow
def test_a_missing_extra_is_named(site, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(cli.main, ["run", "tiny", "60", "--scheduler", "tcp://x:1"])
    assert done.exit_code == 2 and "pip install 'cxlib[dask]'" in done.output


def test_a_worker_with_other_code_is_refused(monkeypatch) -> None:
    with pytest.raises(RuntimeError, match="the worker has other code than this machine"):
        cluster._refuse_another_kind({**cache.parts_of_machine(), "code": "other"})
