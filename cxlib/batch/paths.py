"""Where the pages of a run go, and one run at a time in a folder.

with paths.for_run(["mobile"], out="") as folders:    # study -> reports/mobile/<time of now>
    with paths.alone(folders["mobile"]): ...          # BusyError when another run writes there
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cxlib.core import files
from cxlib.data import study

LOCK = ".run.lock"  # in the folder of a run, while it lasts


class BusyError(ValueError):
    """Another run writes into the same folder."""


@contextmanager
def for_run(studies: Sequence[str], out: str | Path = "") -> Iterator[dict[str, Path]]:
    """The folder of each study's pages, for as long as a run takes.

    Where the run ends in an error, those made for it that hold nothing are removed again.
    """
    top = Path(out) if out else study.root() / "reports"
    places = [*(top / name for name in studies), top, *top.parents]
    there = {place for place in places if place.exists()}
    folders = run_folders(studies, out)
    try:
        yield folders
    except BaseException:
        new = {*places, *folders.values()} - there
        for folder in sorted(new, key=lambda place: len(place.parts), reverse=True):
            with suppress(OSError):  # it holds something
                folder.rmdir()
        raise


def run_folders(studies: Sequence[str], out: str | Path = "") -> dict[str, Path]:
    """The folder of each study's pages, which is there after this."""
    names = list(dict.fromkeys(studies))
    if out:
        folders = {n: Path(out) / n if len(names) > 1 else Path(out) for n in names}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return folders
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    return {n: _free(study.root() / "reports" / n / stamp) for n in names}


def _free(folder: Path) -> Path:
    """The folder, or the next name that is free: two runs may begin in the same second."""
    for more in ["", *(f"-{i}" for i in range(2, 100))]:
        candidate = folder.with_name(folder.name + more)
        try:
            candidate.mkdir(parents=True)
            return candidate
        except FileExistsError:
            continue
    raise ValueError(f"{folder} and 98 more are taken. Give a folder with -o.")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder for one run; the hold ends with the process, however it ends.

    Raises BusyError when another run has it.
    """

    def busy(holder: str) -> BusyError:
        return BusyError(
            f"another `cx run` is writing into {folder} ({holder}). Wait until it is done, or give "
            "another folder with -o; without -o each run has its own."
        )

    with files.held(folder / LOCK, busy=busy):
        for left_over in folder.glob(f"{files.PART}*"):  # of a run that was killed while it wrote
            left_over.unlink(missing_ok=True)
        yield
