"""What is being done, while it is done: one live line on a terminal, plain lines elsewhere.

with Progress(total=13) as progress:
    progress.cell("mobile/20_what_moves_satisfaction", 4, 16)
    progress.end("mobile/20_what_moves_satisfaction", "ok", 12.1)
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import TextIO

EVERY = 5.0  # seconds between plain lines about the same page


class Progress:
    """Counts pages and tells which cell each running page is at. Safe from several threads."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total, self.done = total, 0
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self._running: dict[str, tuple[int, int, float]] = {}
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._clock: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if self.live:
            self._clock = threading.Thread(target=self._tick, daemon=True)
            self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._clock:
            self._clock.join()
            self._write("\r\x1b[K")

    def say(self, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._line(text)

    def begin(self, name: str, why: str = "") -> None:
        """A page has begun; `why` it has to be made."""
        with self._lock:
            self._running[name] = (0, 0, time.monotonic())
            self._said[name] = time.monotonic()
            if not self.live or why:
                self._line(f"{name}: started" + (f" ({why})" if why else ""))

    def cell(self, name: str, cell: int, cells: int) -> None:
        """The page is at this cell."""
        now = time.monotonic()
        with self._lock:
            begun = self._running.get(name, (0, 0, now))[2]
            self._running[name] = (cell, cells, begun)
            if not self.live and now - self._said.get(name, 0) >= EVERY:
                self._said[name] = now
                self._line(f"{name}: cell {cell} of {cells}, {now - begun:.0f} s")

    def end(self, name: str, status: str, seconds: float) -> None:
        """The page is done, well or not."""
        with self._lock:
            self._running.pop(name, None)
            self.done += 1
            self._line(f"{name}: {status}, {seconds:.1f} s ({self.done} of {self.total})")

    def _line(self, text: str) -> None:
        self._write(f"\r\x1b[K{text}\n" if self.live else f"{text}\n")

    def _tick(self) -> None:
        while not self._stop.wait(0.2):
            with self._lock:
                self._write("\r\x1b[K" + self._live_line())

    def _live_line(self) -> str:
        now = time.monotonic()
        parts = [
            f"{name} cell {cell}/{cells} {now - begun:.0f} s" if cells else f"{name} starting"
            for name, (cell, cells, begun) in self._running.items()
        ]
        width = shutil.get_terminal_size().columns - 1
        return f"[{self.done}/{self.total}] {'  |  '.join(parts)}"[:width]

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
