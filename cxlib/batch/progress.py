"""What is being done, while it is done: a live line on a terminal, plain lines elsewhere.

with Progress(total=13) as progress:
    progress.cell("mobile/20_what_moves_satisfaction", 4, 16)
    progress.end("mobile/20_what_moves_satisfaction", "ok", 12.1)
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TextIO

from tqdm import tqdm

from cxlib.batch.log import Tell
from cxlib.core.progress import EVERY, repeated

LOOK = 0.5  # seconds between looks at whether a line is due


class Progress:
    """Counts pages and tells which cell each running page is at. Safe from several threads."""

    def __init__(
        self, total: int, stream: TextIO | None = None, tell: Tell = lambda *_, **__: None
    ) -> None:
        self._tell = tell  # the same for machines: `log`
        self.total, self.done = total, 0
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self._running: dict[str, tuple[int, int, float]] = {}
        self._said: dict[str, float] = {}
        self._lock = threading.RLock()
        self._open = ExitStack()
        self._bar = tqdm(
            total=total,
            file=self.stream,
            disable=not self.live,
            leave=False,
            dynamic_ncols=True,
            bar_format="[{n_fmt}/{total_fmt} {elapsed}] {desc}",
        )

    def __enter__(self) -> Progress:
        self._open.enter_context(repeated(self.remind, LOOK))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._bar.close()

    def remind(self) -> None:
        """Say of each page where it is, if nothing was said of it for EVERY seconds."""
        now = time.monotonic()
        with self._lock:
            for name, (cell, cells, begun) in self._running.items():
                if self.live:
                    self._at(name, cell, cells)
                elif now - self._said[name] >= EVERY:
                    self._said[name] = now
                    where = f"cell {cell} of {cells}, " if cells else ""
                    self._say(f"{name}: {where}{now - begun:.0f} s")

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say `what` is being done if it takes longer than EVERY seconds, and again after these."""
        begun = time.monotonic()
        with repeated(lambda: self._say(f"{what}: {time.monotonic() - begun:.0f} s"), EVERY):
            yield

    def say(self, text: str) -> None:
        """A line that stays."""
        self._tell("message", text=text)
        self._say(text)

    def _say(self, text: str) -> None:
        with self._lock:
            self._bar.write(text, file=self.stream)
            self.stream.flush()

    def lost(self, worker: str, pages: Sequence[str], then: str) -> None:
        """A worker of a cluster is gone; the pages that it was making, and what happens `then`."""
        self._tell("worker_lost", worker=worker, pages=list(pages), text=then)
        making = f" while it was making {', '.join(pages)}" if pages else ""
        self._say(f"worker {worker} was lost{making}: {then}")

    def begin(self, name: str, why: str = "") -> None:
        """A page has begun; `why` it has to be made."""
        self._tell("page_started", page=name, why=why)
        with self._lock:
            self._said[name] = time.monotonic()
            if not self.live or why:
                self._say(f"{name}: started" + (f" ({why})" if why else ""))
            self._at(name, 0, 0)

    def cell(self, name: str, cell: int, cells: int) -> None:
        """The page is at this cell."""
        with self._lock:
            self._at(name, cell, cells)

    def end(
        self, name: str, status: str, seconds: float, said: str = "", memory_mb: int | None = None
    ) -> None:
        """The page is done, well or not; `said` is its answer or mistake."""
        facts = {"status": status, "seconds": round(seconds, 3), "memory_mb": memory_mb}
        self._tell("page_ended", page=name, **facts, text=said)
        with self._lock:
            self._running.pop(name, None)
            self.done += 1
            self._bar.update()
            self._say(f"{name}: {status}, {seconds:.1f} s ({self.done} of {self.total})")

    def _at(self, name: str, cell: int, cells: int) -> None:
        now = time.monotonic()
        self._running[name] = (cell, cells, self._running.get(name, (0, 0, now))[2])
        if self.live:
            self._bar.set_description_str(
                "  |  ".join(
                    f"{name} cell {at}/{of} {now - begun:.0f} s" if of else f"{name} starting"
                    for name, (at, of, begun) in self._running.items()
                )
            )
