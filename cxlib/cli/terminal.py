"""What is printed: nothing that steers a terminal, and no line without an end.

with plain_output(): print(title)       # a title out of a file cannot clear the screen
shortened("a" * 9000)                   # the begin and the end, and how much is left out
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from cxlib.privacy.text import UNSEEN

LONGEST = 2000  # characters of a line of a message
END = 500  # of them, those at the end, where messages say what to do


class Plain:
    """A stream of text that passes on what people see: no code of a terminal, no turned text.

    What is written as bytes (`buffer`) stays as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text without characters that nobody sees; how long it was."""
        self._stream.write(text if text.isprintable() else UNSEEN.sub("", text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def plain_output() -> Iterator[None]:
    """Within the block, what is printed cannot steer the terminal."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Plain(before[0]), Plain(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def shortened(text: str) -> str:
    """The text, of lines that are too long the begin and the end.

    Examples
    --------
    >>> shortened("x" * 2600)[1500:1533]
    ' (600 characters left out) xxxxxx'
    """
    return "\n".join(map(_short, text.split("\n")))


def _short(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    begin, gone = LONGEST - END, len(line) - LONGEST
    return f"{line[:begin]} ({gone:,} characters left out) {line[-END:]}"
