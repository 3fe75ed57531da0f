"""A run made again, to see whether it comes to the same.

found = verify(Path("reports/mine/2026-11-21-093000"))
found.same, str(found)                             # a `report.comparison.Comparison`
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cxlib import study
from cxlib.batch import parameters, runner
from cxlib.batch.planning import Page, notebooks, plan
from cxlib.batch.progress import Progress
from cxlib.report import comparison


def verify(folder: Path, *, jobs: int | None = None, fork: bool = True) -> comparison.Comparison:
    """Execute every page of the run anew, in a folder that is gone afterwards, and compare.

    What the run left is never touched. Raises ValueError when the folder is no run, or when its
    study, a notebook or a parameter is no longer there.
    """
    before = comparison.read(folder)
    pages = pages_of(before.record)
    with tempfile.TemporaryDirectory(prefix="cx-verify") as place:
        out = Path(place) / folder.resolve().name
        runner.run(
            pages, out=out, jobs=jobs, fork=fork, keep=False, html=False,
            progress=Progress(len(pages), io.StringIO()),
        )  # fmt: skip
        return comparison.compare(before, comparison.read(out))


def pages_of(record: Mapping) -> list[Page]:
    """The pages of a run as its record tells, with today's data, notebooks and code."""
    if record["study"] not in study.names():
        raise ValueError(
            f"the run is of the study {record['study']!r}, which is not here"
            f"{parameters.nearest(record['study'], study.names()) or '.'}"
        )
    made = [p for p in record["pages"] if p["status"] != "not run"]
    if not made:
        raise ValueError("no page of the run was made, so there is nothing to verify.")
    return [_page(record["study"], p) for p in made]


def _page(name: str, was: Mapping) -> Page:
    stem = Path(was["notebook"]).stem
    if stem not in notebooks():
        raise ValueError(f"{stem}, of which the run has a page, is no longer in notebooks/.")
    values = {k: v for k, v in was["parameters"].items() if k != "STUDY"}
    [page] = plan([name], [stem], values)
    suffix = was.get("suffix", "")
    return replace(page, name=was["page"], set_name=was["set"], suffix=suffix)
