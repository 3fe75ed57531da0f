"""The runs that are kept: how many, how large, and which are old enough to go.

    for run in retention.runs("mine"): ...             # the newest first
    gone = retention.prune(["mine"], keep=12)          # removes the others; returns them
    retention.forget(["mine"], "2026-11-30-093000")    # a run that nobody has seen

Only runs that are named by their time are removed: whoever named one with `-o` wanted it. Pages
that other runs share stay with those.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cxlib.batch import ledger, paths
from cxlib.data import study

BY_TIME = re.compile(r"\d{4}-\d\d-\d\d-\d{6}(-\d+)?")


@dataclass(frozen=True)
class Run:
    """A run that is kept: `size` in bytes, `own` those that no other run and no cache share."""

    study: str
    folder: Path
    begun: str
    counts: Mapping[str, int]
    size: int
    own: int

    @property
    def by_time(self) -> bool:
        """Whether it is named by its time, so that it may be removed."""
        return bool(BY_TIME.fullmatch(self.folder.name))


def runs(name: str) -> list[Run]:
    """The runs in reports/<name>, the newest first."""
    from cxlib.report import history

    folder = study.root() / "reports" / name
    if not folder.is_dir():
        return []
    found = []
    for place, run in history.of(folder).items():
        counts = Counter(page.get("status", "") for page in run["pages"])
        found.append(Run(name, place, str(run.get("begun", "")), counts, *_sizes(place)))
    return sorted(found, key=lambda run: (run.begun, run.folder.name), reverse=True)


def _sizes(folder: Path) -> tuple[int, int]:
    abouts = [entry.stat() for entry in os.scandir(folder) if entry.is_file()]
    return sum(a.st_size for a in abouts), sum(a.st_size for a in abouts if a.st_nlink == 1)


def studies() -> list[str]:
    """The studies of which there are runs."""
    reports = study.root() / "reports"
    return sorted(f.name for f in reports.glob("[!.]*") if f.is_dir() and runs(f.name))


def prune(
    names: Iterable[str],
    *,
    keep: int | None = None,
    older_than: int | None = None,
    dry_run: bool = False,
) -> list[Run]:
    """Remove runs of the studies beyond the `keep` newest and those begun `older_than` days ago.

    With both, a run goes when it is beyond the number and older as well. A run that is being
    written stays. The index over all runs is written anew.
    """
    if keep is None and older_than is None:
        raise ValueError("say which runs to remove: --keep N, --older-than DAYS, or both.")
    since = datetime.now(UTC) - timedelta(days=older_than or 0)
    gone = []
    for name in names:
        old = [run for run in runs(name) if run.by_time][keep or 0 :]
        for run in [r for r in old if older_than is None or _time(r) < since]:
            if dry_run or _removed(run.folder):
                gone.append(run)
    if gone and not dry_run:
        _index_of_all()
    return gone


def forget(names: Iterable[str], run: str) -> list[str]:
    """Remove a run that nobody has seen, with what the ledger knows of it; the studies that had it.

    Later runs are no longer compared with it. Raises ValueError where no study has a run of this
    name, and BusyError while it is being written.
    """
    found = []
    for name in names:
        folder = study.root() / "reports" / name / run
        there = Path(run).name == run and (folder / "run.json").is_file()
        if there and not _removed(folder):
            raise paths.BusyError(f"{folder} is being written. Wait until the run is done.")
        if ledger.forget(name, run) or there:
            found.append(name)
    if not found:
        raise ValueError(f"no run {run!r} is known. `cx list --runs` names those that are kept.")
    _index_of_all()
    return found


def _time(run: Run) -> datetime:
    try:
        return datetime.fromisoformat(run.begun)
    except ValueError:
        return datetime.fromtimestamp(run.folder.stat().st_mtime, UTC)


def _removed(folder: Path) -> bool:
    try:
        with paths.alone(folder):
            # Its record goes first: what is left of a run after a crash is no run.
            (folder / "run.json").unlink(missing_ok=True)
    except paths.BusyError:
        return False
    shutil.rmtree(folder)
    return True


def _index_of_all() -> None:
    from cxlib.batch import execute
    from cxlib.report import indexes

    top = study.root() / "reports"
    lang = _language(top / "index.html")
    for file, html in indexes.of_all(top, lang).items():
        execute.put(top / file, html)


def _language(index: Path) -> str:
    """The language of the index that is there."""
    try:
        return m[1] if (m := re.search(r'<html lang="(\w+)"', index.read_text("utf-8"))) else "en"
    except OSError:
        return "en"


def size(of: int) -> str:
    """Bytes in the unit that suits them: 16.2 MB.

    Examples
    --------
    >>> size(16_200_000), size(900)
    ('16.2 MB', '1 kB')
    """
    return f"{of / 1e6:,.1f} MB" if of >= 1e6 else f"{of / 1e3:.0f} kB"


def total(of: Sequence[Run]) -> int:
    """The bytes on disk of several runs, what they share counted once."""
    found = {}
    for run in of:
        for entry in os.scandir(run.folder):
            about = entry.stat()
            found[about.st_dev, about.st_ino] = about.st_size
    return sum(found.values())
