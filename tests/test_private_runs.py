"""A run of several notebooks in two languages: personal data in none of its files or their names.

Each page is masked by the context of its own job, here, by a kernel and on a Dask worker.
"""

from __future__ import annotations

import html
import importlib.util
import io
import json
import re
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import batch
from cxlib.batch import fingerprints, verify
from cxlib.batch.progress import Progress
from cxlib.core import parameters

pytestmark = [pytest.mark.slow]

NAMES = ["Ann Lee", "王小明", "Pat O'Brien", "José Díaz"]
TELEPHONES = ["555-0122", "(555) 010-1234", "+44 20 7946 0958", "0171-1234567", "138 0013 8000",
              "+86 138 0013 8000", "020-8765 4321", "030 901820"]  # fmt: skip
OTHERS = [
    "ann@firm.com",
    "GB82 WEST 1234 5698 7654 32",
    "4111 1111 1111 1111",
    "11010519491231002X",
]
KEPT = ["order 5550122", "2026-11-21", "1,234,567", "2019-2021", "v2.10.1234"]
STUDY = """\
title: Service of Ann Lee
source: made here, call 555-0122
licence: none
country: DE
mask: [Ann Lee, 王小明, "Pat O'Brien", José Díaz]
tables:
  responses:
    files: answers.csv
    columns: {response_id: id, owner: owner, satisfied: satisfied}
    keep: [said]
labels:
  owner: {en: Owner, zh: 负责人}
items:
  satisfied: {label: Satisfied, scale: [1, 10], role: csat}
reporting: {languages: [en, zh]}
reports: [10, 20, 30]
"""
CELL = """\
STUDY: str = "private"  # folder under data/
WHERE: str = ""         # rows for which this holds (a condition)
LANG: str = "en"        # language of the page (one of: en, zh)
"""
CELLS = (
    "import sys\nimport pandas as pd\nfrom IPython.display import HTML\n"
    "from cxlib import plots, report, reserve, scores\n"
    "study = reserve.open(STUDY, lang=LANG)\nplots.use_house_style()\n"
    "rows = study.responses(where=WHERE)\n"
    "said = list(study.responses()['said'].unique())",
    "sample = study.sample(where=WHERE, draws=50, seed=1)\n"
    "fit = scores.mean(sample, ['satisfied'], by='owner')\n"
    "report.add('by_owner', fit)",
    "fit",
    "print(WHERE)\nprint(*said, sep='\\n')\nprint('warning of', said[-1], file=sys.stderr)",
    "pd.DataFrame({'text': said})",
    "HTML(f'<p title=\"{said[0]}\">{said[-1]}</p>')",
    "plots.intervals(fit.table, title=f'{said[-1]} leads');",
    "report.comments(said * 9, most=len(said))",
    "report.quoted(pd.DataFrame([['owner', 99, 'words', *said]]))",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("masked")
    place = root / "data" / "private"
    place.mkdir(parents=True)
    (root / "notebooks").mkdir()
    (place / "study.yaml").write_text(STUDY, encoding="utf-8")
    said = [*TELEPHONES, *OTHERS, *KEPT, *(f"请联系{n}，谢谢" for n in NAMES)]
    owners = [NAMES[i % len(NAMES)] for i in range(120)]
    rows = pd.DataFrame({"id": [f"r{i}" for i in range(120)], "owner": owners})
    rows["said"] = [said[i % len(said)] for i in range(120)]
    rows.assign(satisfied=[i % 10 + 1 for i in range(120)]).to_csv(place / "answers.csv")
    for name in ("10_first", "20_second", "30_third"):
        tagged = new_code_cell(CELL, metadata={"tags": ["parameters"]})
        made = new_notebook(
            cells=[new_markdown_cell(f"# {name} of Ann Lee"), tagged, *map(new_code_cell, CELLS)],
            metadata={"cxlib": {"needs": ["responses"], "title": {"en": f"{name} by Ann Lee"}}},
        )
        nbformat.write(made, root / "notebooks" / f"{name}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        parameters.read.cache_clear()
        yield root
    parameters.read.cache_clear()


def run(project: Path, out: str, by: str = "", names: tuple[str, ...] = (), **how) -> Path:
    pages = batch.plan(["private"], names, by=by)
    results = batch.run(
        pages, out=project / out, keep=False, progress=Progress(len(pages), io.StringIO()), **how
    )
    assert [r.mistake for r in results] == [None] * len(pages)
    return project / out


def _text_in(file: Path) -> str:
    """All text of a file; of a workbook, which is a zip, that of its parts."""
    if file.suffix != ".xlsx":
        return file.read_text(encoding="utf-8")
    with zipfile.ZipFile(file) as parts:
        return " ".join(parts.read(name).decode("utf-8") for name in parts.namelist())


def leaks(folder: Path) -> dict[str, list[str]]:
    """What should be in no file and in no file's name, by file."""
    found: dict[str, list[str]] = {}
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        text = html.unescape(_text_in(file)).replace("’", "'")
        names = {n: re.sub(r"\W+", r"\\W+", n) for n in NAMES}
        words = [n for n, p in names.items() if re.search(p, text + file.name)]
        words += [t for t in (*TELEPHONES, *OTHERS) if t in text]
        if words:
            found[file.name] = words
    return found


@pytest.fixture(scope="module")
def forked(project) -> Path:
    return run(project, "fork")


@pytest.fixture(scope="module")
def by_owner(project) -> Path:
    """A page of two notebooks for each owner, in two languages."""
    return run(project, "by", by="owner", names=("10", "20"))


def test_three_notebooks_in_two_languages_show_no_name_and_no_number(forked) -> None:
    assert len(list(forked.glob("*.html"))) >= 8  # six pages, and two indexes
    assert leaks(forked) == {}
    shown = (forked / "20_second.zh.ipynb").read_text(encoding="utf-8")
    assert "[name]" in shown and all(word in shown for word in KEPT)


@pytest.mark.thorough
def test_a_kernel_masks_the_same(project) -> None:
    assert leaks(run(project, "kernel", names=("10", "20"), fork=False)) == {}


@pytest.mark.thorough
def test_a_page_for_each_owner_names_none_of_them(by_owner) -> None:
    folder = by_owner
    assert len({f.name for f in folder.glob("10_first.owner-*.html")}) == 2 * len(NAMES)
    assert leaks(folder) == {}
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert all("mask" not in p["job"]["rules"] for p in record["pages"])
    pages = verify.pages_of(record)  # it can be made again: the study knows its names
    assert {p.values["WHERE"] for p in pages} == {
        f"\"owner\" = '{n}'" for n in ("Ann Lee", "王小明", "Pat O''Brien", "José Díaz")
    }
    assert [p.name for p in pages] == [p["page"] for p in record["pages"]]


@pytest.mark.thorough
def test_pages_made_anew_from_a_record_name_nobody(by_owner) -> None:
    from cxlib.batch import record

    before = {f.name: f.read_bytes() for f in by_owner.iterdir()}
    record.bind_again(by_owner)
    assert {f.name: f.read_bytes() for f in by_owner.iterdir()} == before


@pytest.mark.thorough
@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="no Dask")
def test_workers_of_a_cluster_mask_the_same(project, forked, tmp_path) -> None:
    from test_cluster import Dask

    fingerprints.code.cache_clear()
    dask = Dask(project, workers=1)
    try:
        assert dask.is_of_our_kind()
        far = run(project, "far", scheduler=dask.address, storage=f"file://{tmp_path}")
    finally:
        dask.close()
    assert leaks(far) == {}
    for file in forked.glob("*.ipynb"):
        assert file.read_bytes() == (far / file.name).read_bytes(), file.name
