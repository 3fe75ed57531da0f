"""A run: pages over processes, an index at the end, and a record of what was made.

    results = run(plan(["sample"]), jobs=2)
    [r.answer for r in results if r.status == "ok"]
    [(r.page.name, r.why) for r in results if not r.reused]

A page whose inputs are those of a page made before is not made again but copied (`cache`).

A page that fails, dies or exceeds the time limit gets a page that says so; the others go on. After
Ctrl-C the pages that were made stay, the others are marked as not run, and no process is left.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from cxlib.batch import cache, dependencies, paths, processes, record, snapshots, unit_plan
from cxlib.batch.planning import Page, notebooks, pick, plan
from cxlib.batch.processes import Unfinished
from cxlib.batch.progress import Progress
from cxlib.batch.results import Result
from cxlib.data import study

__all__ = ["Page", "Result", "Unfinished", "notebooks", "pick", "plan", "run"]

TIMEOUT = 600.0  # seconds a page may take


def run(
    pages: Sequence[Page],
    *,
    out: str | Path = "",
    jobs: int | None = None,
    fork: bool = True,
    timeout: float = TIMEOUT,
    memory: float | None = None,
    force: bool = False,
    keep: bool = True,
    html: bool = True,
    scheduler: str = "",
    storage: str = "",
    progress: Progress | None = None,
) -> list[Result]:
    """Make the pages, `jobs` at a time (two, or one on a single core); results in their order.

    Files go to reports/<study>/<time of now>/, or to `out` (`out`/<study> when there are several
    studies). Pages made before of the same inputs are copied, unless `force`; `keep=False` neither
    looks for such pages nor keeps those it makes; then `html=False` makes them quicker where only
    their answers are wanted: notebooks with no figure, and no HTML. A page that takes longer than
    `timeout` seconds, or whose process holds more than `memory` GB, fails; the others go on.
    KeyboardInterrupt ends what runs, writes the index of what was made, and goes on up; a run that
    ends before its first page leaves no folder. `scheduler` is the address of a Dask cluster whose
    workers make the pages, `storage` an fsspec address that it shares with this machine (see
    `cluster`). Without `fork` each page has an ordinary kernel: slower, same bytes. All pages are
    made from one snapshot of the data and the notebooks; what changes while they are made is for
    the next run. Raises BusyError when another run writes into
    the same folder, Unfinished when the disk is full, the cluster is gone, or the data changed
    since `plan`, Withheld when small groups could be worked out from the run (`privacy.attack`).
    """
    begun = datetime.now(UTC)
    with ExitStack() as held:
        folders = held.enter_context(paths.for_run([p.study for p in pages], out))
        for folder in folders.values():
            held.enter_context(paths.alone(folder))
        frozen = held.enter_context(snapshots.of(pages))
        before = {folder: record.files_of_run(folder) for folder in folders.values()}
        limits = Limits(timeout, memory)
        work = _Work(frozen, folders, limits, progress or Progress(len(pages)))
        work.fork, work.keep, work.html = fork, keep, html or keep
        work.address, work.storage = scheduler, storage
        results = _run(work, frozen, jobs, begun, force)
        for folder, old in before.items():
            for file in old - record.files_of_run(folder):
                file.unlink(missing_ok=True)  # of the run that was in this folder before
        if keep and not out:
            _prune(work, folders)
    notebooks_of = {_key(p): p.notebook for p in pages}
    return [replace(r, page=replace(r.page, notebook=notebooks_of[_key(r.page)])) for r in results]


def _run(
    work: _Work, pages: Sequence[Page], jobs: int | None, begun: datetime, force: bool
) -> list[Result]:
    try:
        with work.progress:
            for together in dependencies.waves(pages):
                ready = [work.informed(p) for p in together]
                stale = [p for p in ready if not work.reuse(p, force=force)]
                if stale:
                    width = work.width()
                    jobs = jobs or width
                    _all(work, stale, jobs)
    finally:
        work.close()
        work.warn_of_boxes()
        results = [work.results.get(_key(p)) or work.not_run(p) for p in pages]
        if work.results:
            with work.progress.waiting("checking small groups and writing the index"):
                _record(results, begun, jobs or 0, work)
        else:  # stopped before the first page was done
            for result in results:
                record.clear(result.folder, [result.page.name])
    return results


def _prune(work: _Work, names: Iterable[str]) -> None:
    """Remove runs beyond what study.yaml keeps, and say which."""
    from cxlib.batch import retention

    for name in names:
        keep = study.read(name).reporting.keep_runs
        for gone in retention.prune([name], keep=keep) if keep else ():
            work.progress.say(f"removed {gone.folder} (reporting: keep_runs is {keep})")


def _record(results: list[Result], begun: datetime, jobs: int, work: _Work) -> None:
    try:
        record.close(
            results, begun, jobs=jobs, engine=work.engine, remember=work.keep, publish=work.html
        )
    except OSError as error:
        made = sum(r.status in ("ok", "skipped") for r in results)
        raise Unfinished(
            f"the index of {results[0].folder} cannot be written ({error}). {made} of "
            f"{len(results)} pages were finished. Make room and run the same command again: what "
            "was kept is not made again."
        ) from error


if TYPE_CHECKING:
    from cxlib.batch.cluster import Cluster


@dataclass(frozen=True)
class Limits:
    """What a page may take: seconds, and GB of memory (None: as much as there is)."""

    seconds: float = TIMEOUT
    memory: float | None = None


def _all(work: _Work, pages: Sequence[Page], jobs: int) -> None:
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def make(page: Page) -> None:
        try:
            work.make(page)
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for page in pages:
                pool.submit(make, page)
            _heard(ended, len(pages))
        except BaseException:
            work.stop()  # pages not begun yet end at once
            raise


def _heard(ended: SimpleQueue[BaseException | None], pages: int) -> None:
    """Wait for so many pages; raises what one of them raised.

    Waits are short, so that Ctrl-C is heard on every platform. Not on futures: when Ctrl-C comes
    while `concurrent.futures.wait` gathers their locks, it keeps them, and nothing ever ends.
    """
    while pages:
        with suppress(Empty):
            error = ended.get(timeout=0.2)
            pages -= 1
            if error is not None:
                raise error


class _Work:
    """What the threads share: where pages go, who runs, what came out."""

    fork, keep, html = True, True, True
    address, storage = "", ""  # of a Dask scheduler, and what it shares with this machine

    def __init__(
        self,
        pages: Sequence[Page],
        folders: Mapping[str, Path],
        limits: Limits,
        progress: Progress,
    ) -> None:
        self.pages, self.folders, self.limits, self.progress = pages, folders, limits, progress
        self.why: dict[tuple[str, str], str] = {}
        self.read: dict[tuple[str, str], dependencies.Found] = {}  # answers of others, by page
        self.results: dict[tuple[str, str], Result] = {}
        self._stopped = threading.Event()
        self._cluster: Cluster | None = None

    @property
    def engine(self) -> str:
        """What runs the pages, as run.json names it."""
        if self.address:
            return "cluster"
        return "fork" if self.fork and processes.possible() else "kernel"

    def informed(self, page: Page) -> Page:
        """The page with what the notebooks it reads kept, and what was published before."""
        if not page.after:
            return dependencies.beside_earlier(page)
        made = [(r.page, r.answers) for r in self.results.values() if r.status == "ok"]
        self.read[_key(page)] = found = dependencies.answers_for(page, made)
        return dependencies.beside_earlier(dependencies.informed(page, found))

    def reuse(self, page: Page, *, force: bool = False) -> bool:
        """Copy the page if it was made before of the same inputs, else note why it must be made."""
        begun = time.monotonic()
        found, why = (None, "") if not self.keep else cache.look(page)
        if force or found is None:
            self.why[_key(page)] = "forced" if force else why
            return False
        job = self.job(page)
        try:
            same = found.give(job)
        except (OSError, ValueError) as error:  # no room; or a list would come into Git
            self.why[_key(page)] = f"the page that was kept cannot be copied: {error}"
            return False
        ended, seconds = {**found.about, "cells_s": found.about["cells"]}, time.monotonic() - begun
        made = self._result(page, job, ended, seconds)
        self.results[_key(page)] = replace(made, reused=True)
        if not same:
            self._keep(made)
        self.progress.end(f"{page.study}/{page.name}", "up to date", seconds, said=made.answer)
        return True

    def make(self, page: Page) -> None:
        """Make one page and note its result; runs in a thread of its own."""
        if self._stopped.is_set():
            return
        name, begun = f"{page.study}/{page.name}", time.monotonic()
        self.progress.begin(name, self.why[_key(page)])
        job = self.job(page)
        ended = self._ended(job, page, name)
        if self._stopped.is_set():
            return
        result = self._result(page, job, ended, time.monotonic() - begun)
        result = replace(result, why=self.why[_key(page)])
        self.results[_key(page)] = result
        self._keep(result)
        self.progress.end(
            name,
            result.status,
            result.seconds,
            said=result.answer,
            memory_mb=result.memory_mb,
        )
        if _found_no_room(ended):
            raise Unfinished(
                f"{name}: no room on the disk ({result.answer}). Make room and run the same "
                "command again: what was finished is not made again."
            )

    def _ended(self, job: dict[str, Any], page: Page, name: str) -> dict[str, Any]:
        """How the page's process ended, here or on the cluster."""
        if self._cluster is not None:
            return self._cluster.run(job, page, self.limits.seconds)

        def tell(event: dict[str, Any]) -> None:
            if event["event"] == "cell":
                self.progress.cell(name, event["cell"], event["cells"])
            elif event["event"] == "threads":
                self.progress.say(f"{name}: the fork server has threads; an ordinary kernel")

        return processes.run(
            job,
            timeout=self.limits.seconds,
            fork=self.fork,
            tell=tell,
            stopped=self._stopped.is_set,
        )

    def _keep(self, result: Result) -> None:
        if not self.keep:
            return
        kept = ("status", "answers", "cells", "boxes", "read", "cost", "memory_mb")
        about = {name: getattr(result, name) for name in kept}
        try:
            cache.keep(result.page, result.job, about)
        except (OSError, ValueError) as error:
            name = f"{result.page.study}/{result.page.name}"
            self.progress.say(f"{name}: cannot be kept for the next run: {error}")

    def width(self) -> int:
        """How many pages to make at a time; connects to the cluster, if one was named."""
        if not self.address:
            return min(2, os.cpu_count() or 1)
        from cxlib.batch.cluster import Cluster

        if self._cluster is None:
            self._cluster = Cluster(self.address, self.storage, self.progress.lost)
        return min(64, 2 * self._cluster.width)  # the next page waits where the last one ends

    def close(self) -> None:
        """Let go of the cluster, if there is one."""
        if self._cluster is not None:
            self._cluster.close()

    def _result(
        self, page: Page, job: dict[str, Any], ended: dict[str, Any], seconds: float
    ) -> Result:
        if "status" in ended and not _is_there(job):
            ended = {"why": "its files are gone from the run's folder"}
        if "status" not in ended:
            late = self.limits.seconds if ended.get("late") else None
            why = ended.get("why") or record.why_it_died(ended, late, self.limits.memory)
            return self._dead(page, job, ended, why, seconds)
        mistake = tuple(ended["mistake"]) if ended.get("mistake") else None
        if ended.get("lacking"):  # seen only when the page was made
            page = replace(page, lacking=tuple(ended["lacking"]))
        return Result(
            page,
            self.folders[page.study],
            ended["status"],
            seconds,
            ended["answers"],
            mistake,
            tuple(ended["cells_s"]),
            job,
            boxes=ended.get("boxes", False),
            read=tuple(ended.get("read", ("*",))),
            memory_mb=ended.get("memory_mb"),
            cost=ended.get("cost", {}),
        )

    def _dead(
        self, page: Page, job: dict[str, Any], last: dict[str, Any], why: str, seconds: float
    ) -> Result:
        why = record.masked_of(page, why)
        mistake = (last.get("cell", 0), last.get("cells", 0), why)
        try:
            record.write_dead_page(job, mistake, last.get("traceback", ""))
        except OSError as error:
            mistake = (*mistake[:2], f"{why}; no page could be written: {error}")
        return Result(page, self.folders[page.study], "failed", seconds, {}, mistake, job=job)

    def job(self, page: Page) -> dict[str, Any]:
        """What a worker is told."""
        ways = self._links(page), self._others(page), self._units(page)
        job = record.job_of(page, self.folders[page.study], *ways)
        job = snapshots.bound(job, page)
        read = {"others": self.read.get(_key(page), {})} if page.after else {}
        return {**job, **read, "memory": self.limits.memory, "html": self.html}

    def _links(self, page: Page) -> dict[str, tuple[str, str]]:
        """Where links to other notebooks lead: their pages of the same study, group, language."""
        return {
            p.notebook.stem: (f"{p.name}.html", p.title)
            for p in self.pages
            if (p.study, p.suffix) == (page.study, page.suffix)
            and p.set_name in ("", page.set_name)
        }

    def _others(self, page: Page) -> dict[str, str]:
        """The same page in the run's other languages: language and file."""
        same = [p for p in self.pages if (p.study, p.base) == (page.study, page.base)]
        return {p.lang: f"{p.name}.html" for p in same if p.suffix != page.suffix}

    def _units(self, page: Page) -> dict[str, list[Any]]:
        """File and name of the pages of the unit above and of those below, of a page of a unit."""
        above, below = unit_plan.around(page, self.pages)
        found = {"above": [above] if above else [], "below": below}
        return {k: [[f"{p.name}.html", p.unit_name] for p in v] for k, v in found.items() if v}

    def not_run(self, page: Page) -> Result:
        return Result(page, self.folders[page.study], "not run", job=self.job(page))

    def warn_of_boxes(self) -> None:
        """Say which pages have figures whose letters no font has."""
        if names := [f"{s}/{p}" for (s, p), r in self.results.items() if r.boxes]:
            self.progress.say(
                f"figures show boxes instead of letters in {', '.join(names)}: no installed font "
                "has them. Install one (Debian: apt install fonts-wqy-microhei) and run the same "
                "command again."
            )

    def stop(self) -> None:
        """End what runs, and begin nothing more."""
        self._stopped.set()
        if self._cluster is not None:
            self._cluster.stop()


def _is_there(job: Mapping[str, Any]) -> bool:
    """Whether the files of a page that was made are where they belong."""
    kinds = ("ipynb", "html") if job["html"] else ("ipynb",)
    return all((Path(job["folder"]) / f"{job['page']}.{kind}").is_file() for kind in kinds)


def _found_no_room(ended: Mapping[str, Any]) -> bool:
    """Whether a page failed since the disk is full, while it was computed or written."""
    mistake = (ended.get("mistake") or [0, 0, ""])[2]
    full = (errno.ENOSPC, errno.EDQUOT)
    return ended.get("errno") in full or any(f"[Errno {code}]" in mistake for code in full)


def _key(page: Page) -> tuple[str, str]:
    return page.study, page.name
