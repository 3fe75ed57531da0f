"""Pages for every group and wave of a study: a page comes of each.

A subset has few rows, constant answers and tables without some categories. A page may leave parts
out or be skipped there; it must not fail. The ordinary run makes the pages of scores and drivers of
the made-up company in `test_notebooks`; `CX_SUBSETS=sample,airport` makes every notebook for every
column of the studies named, which must be loaded: some 15 minutes a study.
"""

from __future__ import annotations

import io
import os
import re

import pytest

from cxlib import batch, reserve
from cxlib.batch import runner
from cxlib.batch.progress import Progress
from cxlib.core import context, parameters
from cxlib.data import study

pytestmark = pytest.mark.slow
STUDIES = [name for name in os.environ.get("CX_SUBSETS", "").split(",") if name]
MOST = 12  # values of a column that is taken to make groups


def columns_of(name: str) -> list[str]:
    """The columns that split a study: those of few values that are no question."""
    about = study.read(name)
    with context.use(reserve.context_of(about)), reserve.attach(about) as store:
        kinds = ("responses", "customers", "comments", "cases", "orders")
        home = next(t for t in kinds if t in store.tables)
        rows = store.read(home)
    return [
        c
        for c in rows
        if c not in about.items and not c.endswith("_id") and 2 <= rows[c].nunique() <= MOST
    ]


def subsets(name: str, by: str) -> list[batch.Page]:
    """The pages of every notebook that this column can split, with few resamples."""
    pages: list[batch.Page] = []
    for notebook, path in batch.notebooks().items():
        asked = parameters.read(path)
        if "WHERE" not in asked:
            continue
        few = {"DRAWS": "100"} if "DRAWS" in asked else {}
        try:
            pages += batch.plan([name], [notebook], few, by=by, langs=["en"])
        except ValueError as error:
            # It is about another table.
            assert re.search("no such column|which the study does not have", str(error))
    return [page for page in pages if page.set_name]


@pytest.mark.parametrize("name", STUDIES)
def test_no_page_of_a_group_or_wave_fails(name, tmp_path) -> None:
    reserve.refresh(study.read(name))
    failed: dict[str, str] = {}
    made = 0
    columns = columns_of(name)
    for by in columns:
        pages = subsets(name, by)
        if not pages:
            continue
        quiet = Progress(len(pages), io.StringIO())
        out = tmp_path / by
        results = runner.run(pages, out=out, keep=False, html=False, progress=quiet)
        made += len(results)
        failed |= {r.page.name: r.answer for r in results if r.status == "failed"}
    if not made and name != "sample":
        pytest.skip(f"no notebook splits a table that {name} has")
    assert made > 0 and failed == {}


def test_one_driver_says_what_it_explains(tmp_path) -> None:
    pages = batch.plan(["sample"], ["20", "21"], {"DRAWS": "100", "DRIVERS": "delivery"})
    results = runner.run(
        pages, out=tmp_path, keep=False, html=False, progress=Progress(2, io.StringIO())
    )
    assert [r.status for r in results] == ["ok", "ok"], [r.answer for r in results]
    assert not any("strongest" in r.answer for r in results)  # of one there is no order
