"""The same data make the same bytes under another locale, time zone, BLAS, hash seed and order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chaos import hostile

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("10_how_satisfied_are_customers", "12_is_it_changing")
PLAIN = {"LC_ALL": "C", "TZ": "UTC", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
OTHER = {
    **{"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Pacific/Kiritimati"},
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2"),
    "PYTHONHASHSEED": "4242",
}


def run(
    root: Path, variables: dict[str, str], pages: tuple[str, ...], *, backwards: bool
) -> dict[str, bytes]:
    """The files of pages, made in a project whose files were written in one order or other."""
    folder, notebooks = root / "data" / "same", root / "notebooks"
    folder.mkdir(parents=True)
    notebooks.mkdir()
    rows = hostile.table(400)
    parts = {"part_a.csv": rows[:150], "part_b.csv": rows[150:]}
    names = sorted(parts, reverse=backwards)
    for name in names:
        (folder / name).write_bytes(hostile.csv(parts[name]))
    for page in sorted(pages, reverse=backwards):
        shutil.copy(ROOT / "notebooks" / f"{page}.ipynb", notebooks)
    text = hostile.study().replace("answers.csv", "[part_a.csv, part_b.csv]")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    environment = os.environ | variables | {"CX_ROOT": str(root), "PYTHONPATH": str(ROOT)}
    out = root / "out"
    for words in (
        ["load", "same"],
        ["run", "same", *(p[:2] for p in pages), "-p", "DRAWS=100", "-o", str(out)],
    ):
        command = [sys.executable, "-m", "cxlib.cli", *words]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    kinds = (".html", ".ipynb", ".json", ".xlsx")
    return {f.name: f.read_bytes() for f in out.iterdir() if f.suffix in kinds}


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("pages", [PAGES[:1], PAGES])
def test_pages_are_the_same_bytes_wherever_they_are_made(tmp_path, pages) -> None:
    one = run(tmp_path / "one", PLAIN, pages, backwards=False)
    other = run(tmp_path / "other", OTHER, pages, backwards=True)
    assert one.keys() == other.keys() and {f"{p}.html" for p in pages} <= one.keys()
    differ = [name for name in one if one[name] != other[name]]
    assert set(differ) <= {"run.json", "index.html"}  # these say when the run began
