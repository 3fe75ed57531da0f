"""The grid run: pages over worker processes, an index at the end, and a record of the run.

    results = run(plan(["sample"]), jobs=2)
    [r.answer for r in results if r.status == "whole"]
    [(r.page.name, r.why) for r in results if not r.reused]

A page whose inputs are those of a page made before is not made again but copied (`cache`).

A page that fails, dies or exceeds the time limit gets a page that says so; the others go on. After
Ctrl-C the pages that were made stay, the others are marked as not made, and no process is left.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from cxlib.batch import cache, order, places, record, snapshots, template, workers
from cxlib.batch.planning import Page, notebooks, pick, plan
from cxlib.batch.progress import Progress
from cxlib.batch.template import Template
from cxlib.batch.workers import Unfinished

__all__ = ["Page", "Result", "Unfinished", "notebooks", "pick", "plan", "run"]

LONGEST = 600.0  # seconds a page may take


@dataclass(frozen=True)
class Result:
    """What became of a page: its status ("whole", "failed", "lacking", "not made").

    `reused`: it was made by an earlier run of the same inputs. `why`: why it had to be made.
    """

    page: Page
    folder: Path
    status: str
    seconds: float = 0.0
    answers: dict = field(default_factory=dict)
    mistake: tuple[int, int, str] | None = None
    cells: tuple[float, ...] = ()
    job: dict = field(default_factory=dict, repr=False)
    reused: bool = False
    why: str = ""

    @property
    def file(self) -> Path:
        return self.folder / f"{self.page.name}.html"

    @property
    def answer(self) -> str:
        """The first sentence the page kept, or why there is none."""
        if self.mistake:
            return self.mistake[2].splitlines()[0]
        if self.page.lacking:
            return " ".join(self.page.lacking)
        return next((a["answer"] for a in self.answers.values() if a["answer"]), "")


def run(
    pages: Sequence[Page],
    *,
    out: str | Path = "",
    jobs: int | None = None,
    plain: bool = False,
    longest: float = LONGEST,
    memory: float | None = None,
    force: bool = False,
    keep: bool = True,
    html: bool = True,
    scheduler: str = "",
    storage: str = "",
    progress: Progress | None = None,
    started: Template | None = None,
) -> list[Result]:
    """Make the pages, `jobs` at a time (two, or one on a single core); results in their order.

    Files go to reports/<study>/<time of now>/, or to `out` (`out`/<study> when there are several
    studies). Pages made before of the same inputs are copied, unless `force`; `keep=False` neither
    looks for such pages nor keeps those it makes; then `html=False` makes them quicker where only
    their answers are wanted: notebooks with no figure, and no HTML. A page that takes longer than
    `longest` seconds, or whose process holds more than `memory` GB, fails; the others go on.
    KeyboardInterrupt ends what runs, writes the index of what was made, and goes on up. `scheduler`
    is the address of a Dask cluster whose workers make the pages, `storage` an fsspec address that
    it shares with this machine (see `cluster`). `started` is a template that imports already, and
    is closed by whoever started it. All pages are made from one snapshot of the data and the
    notebooks; what changes while they are made is for the next run. Raises BusyError when another
    run writes into the same folder, Unfinished when the disk is full, the cluster is gone, or
    the data changed since `plan`.
    """
    folders = places.of([p.study for p in pages], out)
    begun = datetime.now(UTC)
    limits = Limits(longest, memory)
    with ExitStack() as held:
        for folder in folders.values():
            held.enter_context(places.alone(folder))
        frozen = held.enter_context(snapshots.of(pages))
        work = _Work(frozen, folders, plain, limits, progress or Progress(len(pages)), keep)
        work.elsewhere, work.started = (scheduler, storage), started
        work.html = html or keep
        results = _run(work, frozen, jobs, begun, force)
    notebooks_of = {_key(p): p.notebook for p in pages}
    return [replace(r, page=replace(r.page, notebook=notebooks_of[_key(r.page)])) for r in results]


def _run(work: _Work, pages: Sequence[Page], jobs: int | None, begun, force) -> list[Result]:
    try:
        with work.progress:
            for together in order.waves(pages):
                ready = [work.informed(p) for p in together]
                stale = [p for p in ready if not work.reuse(p, force=force)]
                if stale:
                    width = work.width()
                    jobs = jobs or width
                    _all(work, stale, jobs)
    finally:
        work.close()
        results = [work.results.get(_key(p)) or work.not_made(p) for p in pages]
        _record(results, begun, jobs or 0, work)
    return results


def _record(results: list[Result], begun: datetime, jobs: int, work: _Work) -> None:
    try:
        record.close(results, begun, jobs=jobs, engine=work.engine, remember=work.keep)
    except OSError as error:
        made = sum(r.status in ("whole", "lacking") for r in results)
        raise Unfinished(
            f"the index of {results[0].folder} cannot be written ({error}). {made} of "
            f"{len(results)} pages were finished. Make room and run the same command again: what "
            "was kept is not made again."
        ) from error


@dataclass(frozen=True)
class Limits:
    """What a page may take: seconds, and GB of memory (None: as much as there is)."""

    seconds: float = LONGEST
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


def _heard(ended: SimpleQueue, pages: int) -> None:
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

    def __init__(self, pages, folders, plain, limits: Limits, progress, keep: bool) -> None:
        self.pages, self.plain, self.keep = pages, plain, keep
        self.why: dict[tuple[str, str], str] = {}
        self.read: dict[tuple[str, str], order.Found] = {}  # answers of others, by page
        self.folders, self.limits, self.progress = folders, limits, progress
        self.engine = "kernel"
        self.results: dict[tuple[str, str], Result] = {}
        self._leaders: dict[tuple[str, str], int] = {}
        self._timers: dict[tuple[str, str], threading.Timer] = {}
        self._too_slow: set[tuple[str, str]] = set()
        self._stopped = False
        self._template: Template | None = None
        self.started: Template | None = None  # by somebody else, who closes it
        self.html = True
        self.elsewhere = "", ""  # a scheduler's address, and a storage's
        self._cluster = None
        self._starting = threading.Lock()

    def informed(self, page: Page) -> Page:
        """The page with what the notebooks it reads kept, in this run or before."""
        if not page.after:
            return page
        made = [(r.page, r.answers) for r in self.results.values() if order.whole(r.status)]
        self.read[_key(page)] = found = order.answers_for(page, made)
        return order.informed(page, found)

    def reuse(self, page: Page, *, force: bool = False) -> bool:
        """Copy the page if it was made before of the same inputs, else note why it must be made."""
        begun = time.monotonic()
        found, why = (None, "") if not self.keep else cache.look(page)
        if force or found is None:
            self.why[_key(page)] = "forced" if force else why
            return False
        job = self.job(page)
        try:
            found.give(job)
        except OSError as error:
            self.why[_key(page)] = f"the page that was kept cannot be copied: {error}"
            return False
        self.results[_key(page)] = Result(
            page, self.folders[page.study], found.about["status"], time.monotonic() - begun,
            found.about["answers"], None, tuple(found.about["cells"]), job, reused=True,
        )  # fmt: skip
        self.progress.end(f"{page.study}/{page.name}", "reused", time.monotonic() - begun)
        return True

    def make(self, page: Page) -> None:
        """Make one page and note its result; runs in a thread of its own."""
        if self._stopped:
            return
        name, begun = f"{page.study}/{page.name}", time.monotonic()
        self.progress.begin(name, self.why[_key(page)])
        job = self.job(page)
        last: dict = {}
        try:
            for event in self._events(job, page):
                if event["event"] == "cell":
                    self.progress.cell(name, event["cell"], event["cells"])
                last = {**last, **event}
        finally:
            self._forget(page)
        if self._stopped:
            return
        result = self._result(page, job, last, time.monotonic() - begun)
        result = replace(result, why=self.why[_key(page)])
        self.results[_key(page)] = result
        self._keep(result)
        self.progress.end(name, result.status, result.seconds)

    def _keep(self, result: Result) -> None:
        if not self.keep:
            return
        about = {"status": result.status, "answers": result.answers, "cells": result.cells}
        try:
            cache.keep(result.page, result.job, about)
        except OSError as error:
            name = f"{result.page.study}/{result.page.name}"
            self.progress.say(f"{name}: cannot be kept for the next run: {error}")

    def _events(self, job: dict, page: Page) -> Iterator[dict]:
        def running(pid: int) -> None:
            # From here on the clock runs: starting a template is no fault of the page.
            self._forget(page)
            self._leaders[_key(page)] = pid
            timer = threading.Timer(self.limits.seconds, self._too_long, [page])
            self._timers[_key(page)] = timer
            timer.daemon = True
            timer.start()
            if self._stopped:
                workers.end(pid)

        if self._cluster is not None:
            yield from self._cluster.events(job, page, self.limits)
            return
        forking = self._template_or_none()
        if forking is None:
            yield from workers.plain(job, running)
            return
        for event in forking.events(job, running):
            if event["event"] == "exit" and event["code"] is None:
                # It could not fork (or is gone): an ordinary kernel gives the same page.
                self.progress.say(f"{page.study}/{page.name}: {event['said']}; an ordinary kernel")
                yield from workers.plain(job, running)
                return
            yield event

    def _template_or_none(self) -> Template | None:
        if self.plain or not template.possible():
            return None
        with self._starting:
            if self._template is None:
                self._template = self.started or Template.start()
                self.engine = "fork"
        return self._template

    def width(self) -> int:
        """How many pages to make at a time; connects to the cluster, if one was named."""
        if not self.elsewhere[0]:
            return min(2, os.cpu_count() or 1)
        from cxlib.batch.cluster import Cluster

        if self._cluster is None:
            self._cluster = Cluster(*self.elsewhere)
            self.engine = "cluster"
        return min(64, 2 * self._cluster.width)  # the next page waits where the last one ends

    def close(self) -> None:
        """End the template, if there is one."""
        if self._cluster is not None:
            self._cluster.close()
        if self._template is not None and self._template is not self.started:
            self._template.close()

    def _result(self, page: Page, job: dict, last: dict, seconds: float) -> Result:
        folder = self.folders[page.study]
        if last.get("code") == 0 and "status" in last:
            mistake = tuple(last["mistake"]) if last["mistake"] else None
            cells = tuple(last["cells_s"])
            return Result(
                page, folder, last["status"], seconds, last["answers"], mistake, cells, job
            )
        if "why" in last:  # a worker elsewhere knows
            return self._dead(page, job, last, last["why"], seconds)
        late = self.limits.seconds if _key(page) in self._too_slow else None
        why = record.why_it_died(last, late, self.limits.memory)
        return self._dead(page, job, last, why, seconds)

    def _dead(self, page: Page, job: dict, last: dict, why: str, seconds: float) -> Result:
        why = record.masked_of(page, why)
        mistake = (last.get("cell", 0), last.get("cells", 0), why)
        try:
            record.write_dead_page(job, mistake)
        except OSError as error:
            mistake = (*mistake[:2], f"{why}; no page could be written: {error}")
        return Result(page, self.folders[page.study], "failed", seconds, {}, mistake, job=job)

    def job(self, page: Page) -> dict:
        """What a worker is told."""
        job = record.job_of(page, self.folders[page.study], self._links(page), self._others(page))
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

    def not_made(self, page: Page) -> Result:
        return Result(page, self.folders[page.study], "not made", job=self.job(page))

    def _too_long(self, page: Page) -> None:
        if leader := self._leaders.get(_key(page)):
            self._too_slow.add(_key(page))
            workers.end(leader)

    def _forget(self, page: Page) -> None:
        """The page's process has ended, or another takes its place."""
        if timer := self._timers.pop(_key(page), None):
            timer.cancel()
        self._leaders.pop(_key(page), None)

    def stop(self) -> None:
        self._stopped = True
        if self._cluster is not None:
            self._cluster.stop()
        for leader in list(self._leaders.values()):
            workers.end(leader)


def _key(page: Page) -> tuple[str, str]:
    return page.study, page.name
