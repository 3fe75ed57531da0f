"""Files that no memory of this machine holds, refused before they are read.

    refuse_beyond_memory("orders.parquet", bytes_needed=rows * (A_ROW + A_VALUE * columns))

A file is read completely. Where it does not fit, the system ends the command without a word, after
minutes; what a file will need is known before, from its size or its own count of rows.
"""

from __future__ import annotations

from pathlib import Path

from cxlib.core.memory import total_memory
from cxlib.data.intake.errors import IntakeError

# Bytes at the highest point of a load, measured with orders of four columns.
A_ROW, A_VALUE = 250, 9
COPIES = 3  # of a text: as it is, as UTF-8 and as cells
HEAD = 1 << 20  # bytes from which the length of a line is taken


def needed_for_text(path: Path) -> int:
    """Bytes that a load of a text file needs: few long lines take less than many short ones.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.csv"
    >>> path.write_text("1"), needed_for_text(path)
    (1, 3)
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
    return COPIES * size + A_ROW * (size * head.count(b"\n") // max(len(head), 1))


def refuse_beyond_memory(name: str, bytes_needed: int) -> None:
    """Raise IntakeError for a file that needs more than all memory of the machine or container.

    Parameters
    ----------
    name : what the message calls the file
    bytes_needed : an estimate for the complete load: `needed_for_text`, or rows and columns times
        the constants above

    Examples
    --------
    >>> refuse_beyond_memory("answers.csv", bytes_needed=10_000)
    """
    if bytes_needed > (there := total_memory()):
        raise IntakeError(
            f"{name} needs about {bytes_needed / 2**30:,.1f} GB to be loaded, and this machine has "
            f"{there / 2**30:,.1f} GB. Split it into files of about a million rows and load them "
            "with `grows: true`, or leave the table in a database (`engine:` in study.yaml)."
        )
