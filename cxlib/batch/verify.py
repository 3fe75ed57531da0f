"""A run made again, to see whether it comes to the same.

found = verify(Path("reports/mine/2026-11-21-093000"))
found.same, str(found)                             # a `report.comparison.Comparison`
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, product, zip_longest
from pathlib import Path
from typing import Any

from cxlib.batch import runner
from cxlib.batch.fingerprints import digest
from cxlib.batch.planning import Page, notebooks, plan
from cxlib.batch.progress import Progress
from cxlib.core import parameters
from cxlib.data import study
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
            pages,
            out=out,
            jobs=jobs,
            fork=fork,
            keep=False,
            html=False,
            progress=Progress(len(pages), io.StringIO()),
        )
        return comparison.compare(before, comparison.read(out))


def pages_of(record: Mapping[str, Any]) -> list[Page]:
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


def _as_asked(was: Mapping[str, Any], names: Sequence[str]) -> dict[str, object]:
    """The parameters of a page of a run, whose record has the names under `mask` replaced.

    Raises ValueError where rows were named by other personal data, which nobody knows any more.
    """
    given = dict(was["parameters"])
    wanted = was.get("parameters_sha256", digest(given))
    if digest(given) == wanted:
        return given
    pieces = str(given.get("WHERE", "")).split("[name]")
    for chosen in product(names, repeat=min(len(pieces) - 1, 2)):
        quoted = [n.replace("'", "''") for n in chosen]
        where = "".join(chain.from_iterable(zip_longest(pieces, quoted, fillvalue="")))
        if digest(given | {"WHERE": where}) == wanted:
            return given | {"WHERE": where}
    raise ValueError(
        f"{was['page']} is of rows that personal data name, which the record of the run masks. "
        "Make the page again with `cx run`."
    )


def _page(name: str, was: Mapping[str, Any]) -> Page:
    stem = Path(was["notebook"]).stem
    if stem not in notebooks():
        raise ValueError(f"{stem}, of which the run has a page, is no longer in notebooks/.")
    given = _as_asked(was, study.read(name).mask)
    values = {k: v for k, v in given.items() if k != "STUDY"}
    [page] = plan([name], [stem], values)
    suffix = was.get("suffix", "")
    return replace(page, name=was["page"], set_name=was["set"], suffix=suffix)
