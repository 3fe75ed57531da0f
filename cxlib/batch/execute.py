"""One page, from notebook to HTML, in this process: what each worker does.

    run(job, tell=print, engine=KERNEL)                # a page, and events while it is made

Events: {"event": "cell", "cell": 4, "cells": 16} and at last {"event": "end", "status": ...}. Files
are written beside their place and moved in when whole, so that no half-written page is ever seen.
papermill's own marks are not trusted: it calls cells completed that never were. The exit is.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlib.core import context, files
from cxlib.core.context import Context
from cxlib.core.errors import ABSENT
from cxlib.core.sections import names_read, names_set
from cxlib.privacy import published
from cxlib.reserve import tables_read
from cxlib.reserve.tables_read import ALL

if TYPE_CHECKING:
    from nbformat import NotebookNode

Tell = Callable[[dict[str, Any]], None]
# Of the environment that opens the notebook, so that no kernel has to be installed.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
NO_GLYPH = re.compile(r"Glyph \d+ .*missing from font|figures show boxes")
ANSWER, NEXT = re.compile(r"^## Answer\b", re.M), re.compile(r"^##? ", re.M)  # headings of pages
CELL_FILE = re.compile(r"[^\s\"'(<]*ipykernel_\d+[/\\]\d+\.py")


def run(job: dict[str, Any], tell: Tell, *, engine: str) -> str:
    """Make the page of `job`; gives back its status. Errors of the notebook end up in the page.

    `job` holds root, notebook, folder, page, values, rules, facts and lacking: see `record.job_of`.
    """
    if job.get("root"):  # on another machine, or a snapshot
        os.environ["CX_ROOT"] = job["root"]
    with context.use(Context(**job["rules"])) as rules:
        return _made(job, tell, engine, rules)


def _made(job: dict[str, Any], tell: Tell, engine: str, rules: Context) -> str:
    """The page under its context; the notebook may begin another one, for its cells alone."""
    from cxlib.privacy import redaction
    from cxlib.report import answers_of, customer_lists

    os.environ |= {customer_lists.FOLDER: job["folder"], customer_lists.PAGE: job["page"]}
    os.environ.setdefault("CX_PREVIEWS", "no")  # pages hold figures as SVG
    started = time.monotonic()
    seconds: list[float] = []
    read, cost = [ALL], dict[str, float]()
    if job["lacking"]:
        notebook, mistake = _unread(job), None
    else:
        with (
            _bounded(job.get("memory")),
            _told_of_others(job),
            _told_of_earlier(job),
            _noting(read, cost),
        ):
            notebook, mistake, seconds = _execute(job, tell, engine)
        if mistake and "MemoryError" in mistake[2] and job.get("memory"):
            mistake[2] += f" (--memory is {job['memory']:g} GB)"
    with context.use(rules):
        notebook = canonical(notebook)
        redaction.protect(notebook)
        kept, mistake = _kept(notebook, mistake, answers_of)
        lacking = _left_out(notebook, mistake, kept)
        if lacking:
            mistake, job = None, {**job, "lacking": [] if kept else lacking}
        if mistake:
            mistake[2] = redaction.without_personal_data(mistake[2])
        write(job, notebook, mistake)
    status = SKIPPED if job["lacking"] else FAILED if mistake else OK
    tell(
        {
            "event": "end",
            "status": status,
            "answers": kept,
            "mistake": mistake,
            "lacking": job["lacking"],
            "cells_s": seconds,
            "boxes": shows_boxes(notebook),
            "read": read,
            "cost": cost,
            "memory_mb": _most_held(),
            "seconds": round(time.monotonic() - started, 3),
        }
    )
    return status


def _most_held() -> int | None:
    """The most that this process has held so far, in MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    of = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(who).ru_maxrss for who in of) * unit / 1e6)


@contextlib.contextmanager
def _told_of_others(job: dict[str, Any]) -> Iterator[None]:
    """Let the notebook read what others kept (`report.others`): a file, named to it."""
    from cxlib.report import answers

    os.environ.pop(answers.OTHERS, None)
    if "others" not in job:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="cx") as place:
        file = Path(place) / "answers.json"
        file.write_text(json.dumps(job["others"]), encoding="utf-8")
        os.environ[answers.OTHERS] = str(file)
        yield
    os.environ.pop(answers.OTHERS, None)


@contextlib.contextmanager
def _told_of_earlier(job: dict[str, Any]) -> Iterator[None]:
    """Let the notebook know what was published of it before: a file, named to it."""
    os.environ.pop(published.FILE, None)
    with tempfile.TemporaryDirectory(prefix="cx") as place:
        if states := job["rules"].get("published"):
            file = Path(place) / "published.json"
            file.write_text(json.dumps(states), encoding="utf-8")
            os.environ[published.FILE] = str(file)
        yield
    os.environ.pop(published.FILE, None)


@contextlib.contextmanager
def _noting(read: list[str], cost: dict[str, float]) -> Iterator[None]:
    """Put into `read` the tables that the notebook reads, into `cost` what its queries bring."""
    with tempfile.TemporaryDirectory(prefix="cx") as place:
        file = Path(place) / "read"
        file.touch()
        os.environ[tables_read.FILE] = str(file)
        try:
            yield
        finally:
            read[:] = sorted(tables_read.names(file))
            cost |= tables_read.cost(file)
            del os.environ[tables_read.FILE]


@contextlib.contextmanager
def _bounded(memory: float | None) -> Iterator[None]:
    """Let this process and what it starts hold `memory` GB at most: more is a MemoryError.

    Only Linux counts all a process's own data against this limit; elsewhere nothing is bounded.
    """
    if not memory or not sys.platform.startswith("linux"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory * 2**30), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))  # the page is yet to be written


def _execute(
    job: dict[str, Any], tell: Tell, engine: str
) -> tuple[NotebookNode, list[Any] | None, list[float]]:
    """(notebook, mistake or None, seconds of each cell)."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from cxlib.batch import engines

    engines.register()
    # What it would warn of in the parameters cell was checked before.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    begun: list[float] = []
    seen: list[NotebookNode] = []  # as far as it was run, however that ends
    cells: list[int] = [0]

    def on_cell(notebook: NotebookNode, cell: int) -> None:
        begun.append(time.monotonic())
        seen[:], cells[:] = [notebook], [len(notebook.cells)]  # papermill adds cells of errors
        tell({"event": "cell", "cell": cell, "cells": len(notebook.cells)})

    mistake, at = None, 0
    try:
        papermill.execute_notebook(
            job["notebook"],
            None,
            parameters=job["values"],
            engine_name=engine,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            tell=on_cell,
            html=job.get("html", True),
        )
    except PapermillExecutionError as error:
        mistake, at = f"{error.ename}: {error.evalue}", error.cell_index + 1
    except Exception as error:  # a dead kernel, a full disk: the page must say so
        mistake, at = f"{type(error).__name__}: {error}", len(begun)
    ends = [*begun[1:], time.monotonic()]
    seconds = [round(b - a, 3) for a, b in zip(begun, ends, strict=True)]
    notebook = nbformat.from_dict(seen[0]) if seen else _unread(job)
    return notebook, [at, cells[0], mistake] if mistake else None, seconds


def _left_out(notebook: NotebookNode, mistake: list[Any] | None, kept: object) -> list[str]:
    """Why the question of a page has no answer, of a page that came to no answer at all.

    That is what its answer lacks, said there or by the cells that were to make what it reads; other
    parts may have been left out before for reasons of their own.
    """
    if kept or mistake:
        return []
    titles = [i for i, c in enumerate(notebook.cells) if ANSWER.search(c.source)]
    begins = titles[0] if titles else len(notebook.cells)
    before, after = notebook.cells[:begins], notebook.cells[begins:]
    ends = next((i for i, c in enumerate(after) if i and NEXT.search(c.source)), len(after))
    answer = [c for c in after[:ends] if c.cell_type == "code"]
    wanted = {name for cell in answer for name in names_read(cell.source)}
    made = [c for c in before if c.cell_type == "code" and names_set(c.source) & wanted]
    every = [*answer, *reversed(made), *notebook.cells]
    return [why for cell in every for why in _reasons(cell)][:1]


def _reasons(cell: NotebookNode) -> list[str]:
    """Why parts of a cell are left out, also where an earlier one has said it."""
    absent = [o["data"][ABSENT] for o in cell.get("outputs", []) if ABSENT in o.get("data", {})]
    return [why for about in absent if (why := about.get("because") or about["reason"])]


def _unread(job: dict[str, Any]) -> NotebookNode:
    """The notebook with no output, for a study that cannot answer it."""
    import nbformat

    notebook = nbformat.read(job["notebook"], as_version=4)
    notebook.cells = [c for c in notebook.cells if c.cell_type == "markdown"][:1]
    return notebook


def _kept(
    notebook: NotebookNode,
    mistake: list[Any] | None,
    answers_of: Callable[[NotebookNode], dict[str, Any]],
) -> tuple[dict[str, Any], list[Any] | None]:
    try:
        return answers_of(notebook), mistake
    except ValueError as error:
        return {}, mistake or [0, len(notebook.cells), f"ValueError: {error}"]


def shows_boxes(notebook: NotebookNode) -> bool:
    """Whether matplotlib warned of letters that no font has, so that figures show boxes."""
    return any(
        NO_GLYPH.search(output.text)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    )


def canonical(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what differs from run to run: times, random ids, paths, addresses."""
    marked = {"papermill-error-cell-tag"}
    notebook.cells = [c for c in notebook.cells if not marked & set(c.metadata.get("tags", []))]
    for number, cell in enumerate(notebook.cells):
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
        elif not cell.get("id"):
            cell.id = f"cell-{number:02}"
        for output in cell.get("outputs", []):
            _settle_output(output)
        if "outputs" in cell:
            cell.outputs = _streams_in_order(cell.outputs)
    _renumber(notebook.cells)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _renumber(cells: list[Any]) -> None:
    """Executed cells from 1 on: engines count a cell that failed differently."""
    for number, cell in enumerate((c for c in cells if c.get("execution_count")), 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number


def _streams_in_order(outputs: list[Any]) -> list[Any]:
    """What was printed in a row: stdout, then stderr. A kernel sends them when it pleases."""
    from nbformat import NotebookNode

    ordered: list[Any] = []
    for is_stream, run_ in groupby(outputs, key=lambda o: o.output_type == "stream"):
        parts = list(run_)
        if is_stream:
            names = sorted({o.name for o in parts}, reverse=True)
            texts = {n: "".join(o.text for o in parts if o.name == n) for n in names}
            first = {n: next(o for o in parts if o.name == n) for n in names}
            parts = [first[n] | {"text": texts[n]} for n in names]
        ordered += [NotebookNode(o) for o in parts]
    return ordered


def _settle_output(output: NotebookNode) -> None:
    output.pop("transient", None)
    if "text" in output:
        output["text"] = _settled(output["text"])
    if "traceback" in output:
        output["traceback"] = [_settled(COLOUR.sub("", line)) for line in output["traceback"]]
    for mime in ("text/plain", "text/html"):
        if mime in output.get("data", {}):
            output["data"][mime] = _settled(output["data"][mime])


def _settled(text: str) -> str:
    text = ADDRESS.sub("at 0x…", text)
    for here in (os.environ.get("CX_ROOT", ""), str(Path(__file__).resolve().parents[2])):
        text = text.replace(here + os.sep, "") if here else text
    return CELL_FILE.sub("cell", text).replace(sys.prefix + os.sep, "").replace(sys.prefix, "")


def write(job: dict[str, Any], notebook: NotebookNode, mistake: Sequence[Any] | None) -> None:
    """The notebook and its page, each moved in when whole; the notebook alone for `html: False`."""
    import nbformat

    put(Path(job["folder"]) / f"{job['page']}.ipynb", nbformat.writes(notebook) + "\n")
    if job.get("html", True):
        bind(job, notebook, mistake)


def bind(job: dict[str, Any], notebook: NotebookNode, mistake: Sequence[Any] | None) -> None:
    """The page of a notebook that is there."""
    from cxlib.report import pages

    facts = pages.Facts(
        **{**job["facts"], "mistake": tuple(mistake) if mistake else None},
        lacking=tuple(job["lacking"]),
        notebook=f"{job['page']}.ipynb",
    )
    put(Path(job["folder"]) / f"{job['page']}.html", pages.bind(notebook, facts))


def files_of(folder: Path, page: str) -> list[Path]:
    """What a page left: its notebook, its HTML, and lists that only their owner may read."""
    lists = re.compile(re.escape(page) + r"\.[a-z][a-z0-9_]*\.csv")
    whole = [folder / f"{page}.{kind}" for kind in ("ipynb", "html")]
    found = [f for f in sorted(folder.iterdir()) if lists.fullmatch(f.name)]
    return [f for f in whole if f.exists()] + found


def mode_of(name: str) -> int:
    """Who may read a file of a run: anyone, but a list of customers its owner alone.

    Pages are for reading only: runs share them (`share`), and one that is changed in place would
    change in all. Windows replaces no such file.
    """
    if name.endswith(".csv"):
        return 0o600
    return 0o444 if name.endswith((".ipynb", ".html")) and os.name != "nt" else 0o644


def share(source: Path, target: Path) -> None:
    """Give a page to another folder too, where it takes no room; lists are copied, to work on."""
    if source.suffix == ".csv":
        put(target, source.read_bytes())
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        files.link(source, target)


def put(file: Path, content: str | bytes) -> None:
    """Write a file of a run whole or not at all, with the permissions that its kind has.

    Raises ValueError for a list of customers where Git would take it in: lists come from kept pages
    and from workers too, whose notebooks wrote them elsewhere.
    """
    if file.suffix == ".csv":
        files.refuse_versioned(file, "It lists customers")
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write(file, content, mode=mode_of(file.name))
