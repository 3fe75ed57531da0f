"""Warnings kept by one page for others: whole, in order, the same bytes, from many processes."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cxlib import batch, study
from cxlib.reserve import ReserveError, warned

ROOT = Path(__file__).parents[1]


def records(*terms: str, wave: str = "2026-Q1") -> pd.DataFrame:
    rows = [
        {"wave": wave, "by": "", "group": "", "term": t, "estimate": -1.23456789012, "low": -2.0,
         "high": -0.5, "n": 300, "measure": "mean", "signal": "below", "probability": 1e-5,
         "first_seen": wave}
        for t in terms
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(warned.COLUMNS))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A project of its own with the sample, so that no warning of the tree is touched."""
    (tmp_path / "data" / "sample").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    for file in (ROOT / "data" / "sample").glob("*.*"):
        if not file.name.startswith(("warnings", "reserve")):
            shutil.copy(file, tmp_path / "data" / "sample")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    return tmp_path


def text(root: Path) -> str:
    return (root / "data" / "sample" / "warnings.json").read_text(encoding="utf-8")


def test_what_was_warned_is_read_back(root):
    sample = study.read("sample")
    assert warned.read(sample, {}).empty
    warned.write(sample, records("room", "delivery"), {"where": ""})
    found = warned.read(sample, {})
    assert list(found["term"]) == ["room", "delivery"]
    assert found["estimate"][0] == -1.2345679 and found["n"][0] == 300


def test_a_page_replaces_what_it_said_and_leaves_the_others(root):
    sample = study.read("sample")
    warned.write(sample, records("room"), {"where": ""})
    warned.write(sample, records("app"), {"where": "region = 'north'"})
    warned.write(sample, records("delivery"), {"where": ""})
    assert set(warned.read(sample, {})["term"]) == {"delivery", "app"}
    assert list(warned.read(sample, {"where": ""})["term"]) == ["delivery"]
    warned.write(sample, records(), {"where": ""})
    assert list(warned.read(sample, {})["term"]) == ["app"]


def test_the_same_warnings_are_the_same_bytes_in_any_order(root):
    sample, pages = study.read("sample"), [{"where": w} for w in ("", "a", "b")]
    texts = []
    for order in (pages, pages[::-1], pages + pages):
        for page in order:
            warned.write(sample, records("room", page["where"] or "all"), page)
        texts.append(text(root))
        (root / "data" / "sample" / "warnings.json").unlink()
    assert len(set(texts)) == 1


def test_a_file_that_says_the_same_is_not_touched(root):
    sample, file = study.read("sample"), root / "data" / "sample" / "warnings.json"
    warned.write(sample, records("room"), {"where": ""})
    before, mark = file.stat().st_mtime_ns, warned.mark(sample)
    warned.write(sample, records("room"), {"where": ""})
    assert file.stat().st_mtime_ns == before and warned.mark(sample) == mark
    warned.write(sample, records("app"), {"where": ""})
    assert warned.mark(sample) != mark


def _write(k: int) -> None:
    warned.write(study.read("sample"), records(f"item {k}"), {"where": f"region = '{k}'"})


def test_pages_of_several_processes_lose_nothing(root):
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        list(pool.map(_write, range(24)))
    assert len(warned.read(study.read("sample"), {})) == 24
    assert len(json.loads(text(root))) == 24


@pytest.mark.parametrize(
    ("broken", "message"),
    [("{", "warnings.json of sample cannot be read"), (None, "a warning has no wave")],
)
def test_what_cannot_be_used_is_said(root, broken, message):
    sample = study.read("sample")
    if broken:
        (root / "data" / "sample" / "warnings.json").write_text(broken)
    with pytest.raises(ReserveError, match=message):
        rows = records("room") if broken else records("room").drop(columns="wave")
        warned.write(sample, rows, {})


@pytest.mark.slow
def test_a_page_that_reads_warnings_depends_on_them(root):
    for name, reads in (("20_reads", ["warnings"]), ("21_does_not", [])):
        notebook = nbformat.v4.new_notebook(metadata={"cxlib": {"reads": reads}})
        cell = nbformat.v4.new_code_cell('STUDY: str = "sample"  # folder under data/')
        cell.metadata["tags"] = ["parameters"]
        notebook.cells = [cell]
        nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")

    def marks() -> list[dict]:
        return [dict(page.data) for page in batch.plan(["sample"], ["20", "21"])]

    before = marks()
    warned.write(study.read("sample"), records("room"), {"where": ""})
    after = marks()
    assert before[0] != after[0] and before[1] == after[1]
