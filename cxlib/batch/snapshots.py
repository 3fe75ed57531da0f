"""One state of the data for a whole run: the reserves and notebooks as they were when it started.

    with snapshots.of(pages) as frozen:                # pages whose notebook is the frozen copy
        job = snapshots.bound(job, frozen[0])          # the worker sees the frozen project

A reserve is never changed in place, so a hard link to it is a snapshot that costs nothing; a copy
is made where the file system has no links. Files that change while a run reads them therefore
change no page of the run, and every page is kept under the key of what it was made from.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cxlib.batch import dependencies
from cxlib.batch.planning import Page
from cxlib.batch.processes import Unfinished
from cxlib.core import files
from cxlib.data import study
from cxlib.reserve.duckdb_server import below
from cxlib.reserve.tables_read import MARKS

DAY = 86400.0  # seconds after which the snapshot of a run that was killed is removed


@contextmanager
def of(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """The pages, made from frozen copies of their notebooks and data until the block ends.

    Raises
    ------
    Unfinished : the data or study.yaml changed after the pages were planned, or the disk is full
    """
    place = study.root() / "reports" / ".snapshots"
    try:
        place.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        root = Path(tempfile.mkdtemp(dir=place))
    except OSError as error:
        raise Unfinished(_no_room(place, error)) from error
    try:
        try:
            _fill(root, pages)
        except OSError as error:
            raise Unfinished(_no_room(place, error)) from error
        yield [replace(p, notebook=root / "notebooks" / p.notebook.name) for p in pages]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _fill(root: Path, pages: Sequence[Page]) -> None:
    (root / "notebooks").mkdir()
    for name in dict.fromkeys(p.study for p in pages):
        _freeze(name, root, [p for p in pages if p.study == name])
    for notebook in dict.fromkeys(p.notebook for p in pages):
        shutil.copyfile(notebook, root / "notebooks" / notebook.name)


def _no_room(place: Path, error: OSError) -> str:
    return f"{place} cannot be written ({error}). Make room there and run the same command again."


def bound(job: Mapping[str, Any], page: Page) -> dict[str, Any]:
    """The job with the frozen project in place of this one."""
    return {**job, "root": str(root_of(page))}


def root_of(page: Page) -> Path:
    """The frozen project of a page that `of` gave."""
    return page.notebook.parents[1]


def _freeze(name: str, root: Path, pages: Sequence[Page]) -> None:
    """The study's reserve, study.yaml and earlier warnings, if they are those of the pages."""
    from cxlib import reserve

    source, target = study.folder_of(name), root / "data" / name
    target.mkdir(parents=True)
    files.link(source / "reserve.duckdb", target / "reserve.duckdb")
    for file in ("study.yaml", "warnings.json", *reserve.BESIDE):
        if (source / file).is_file():
            shutil.copy(source / file, target / file)  # as readable as it is
    frozen = study.read(target / "study.yaml")
    if own := below(frozen.engine):  # a database in the study's folder, of which no row is copied
        (target / own).parent.mkdir(parents=True, exist_ok=True)
        files.link(source / own, target / own)
    state = reserve.state(frozen)
    for page in pages:
        changed = [k for k, mark in dependencies.of_data(page.data).items() if state.get(k) != mark]
        changed = [k for k in changed if k not in MARKS] or changed
        if changed:
            raise Unfinished(
                f"the data of {name} changed after this run was planned ({', '.join(changed)}). "
                "Run the same command again."
            )


def _sweep(place: Path) -> None:
    for left_over in place.iterdir():
        with suppress(FileNotFoundError):  # another run that ended just now
            if left_over.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(left_over, ignore_errors=True)
