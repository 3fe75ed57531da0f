"""How far long work has come: a bar in a notebook, plain lines of a command.

for some in progress(batches, total=20): ...       # in a notebook; nothing for work of a moment
with announced("loading sample"): ...              # a line on stderr at once and every 5 seconds
with repeated(say_where_we_are, every=5): ...      # while the block runs
"""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cxlib.core import context

Part = TypeVar("Part")
EVERY = 5.0  # seconds between two lines about the same work
PATIENCE = 2.0  # seconds without a word
PAGE = "CX_RUN_PAGE"  # set where `cx` makes a page, which nobody watches


def progress(parts: Iterable[Part], total: int = 0) -> Iterable[Part]:
    """The same parts one by one, with a bar in a notebook once they take longer than a moment.

    Parameters
    ----------
    parts : what is to be worked through
    total : how many they are; by their length where it is not given

    Examples
    --------
    >>> list(progress([1, 2]))
    [1, 2]
    """
    if not hasattr(context.shell(), "kernel") or PAGE in os.environ:
        return parts
    with warnings.catch_warnings():  # without ipywidgets the bar is text, which will do
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm(parts, total=total or None, delay=PATIENCE, leave=False)


@contextmanager
def repeated(action: Callable[[], None], every: float) -> Iterator[None]:
    """Call `action` every so many seconds, in a thread, until the block ends.

    Examples
    --------
    >>> called = threading.Event()
    >>> with repeated(called.set, every=0.001):
    ...     called.wait(10)
    True
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            action()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def announced(what: str, every: float = EVERY) -> Iterator[None]:
    """Say on stderr what is being done, at once and every so many seconds until it is done.

    Examples
    --------
    >>> with announced("loading sample"):
    ...     pass
    """
    print(f"{what} ...", file=sys.stderr, flush=True)
    with reminded(what, every):
        yield


@contextmanager
def reminded(what: str, every: float = EVERY) -> Iterator[None]:
    """Say on stderr every so many seconds what is being done, and for how long already."""
    begun, stream = time.monotonic(), sys.stderr

    def say() -> None:
        print(f"{what}: {time.monotonic() - begun:.0f} s", file=stream, flush=True)

    with repeated(say, every):
        yield
