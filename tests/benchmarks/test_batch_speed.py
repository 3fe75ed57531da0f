"""Realistic pages by papermill's API in a loop, as bare scripts, and by us, in one run: ratios.

python -m pytest tests/benchmarks/test_batch_speed.py -s             # 12 pages
CX_PAGES=48 python -m pytest tests/benchmarks/test_batch_speed.py -s

A page has twelve cells, four figures and a bootstrap of 1,000 draws; HTML is part of the work.
Times are of the wall clock, two pages at a time for us: other work on the machine distorts them.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import batch
from cxlib.batch import declared
from cxlib.batch.progress import Progress

PAGES = int(os.environ.get("CX_PAGES", "12"))
PARAMETERS = 'STUDY: str = "speed"  # folder\nSEED: int = 1  # of the draws (0 to 9999)\n'
STUDY = """\
title: Speed
source: made here
licence: none
tables:
  responses:
    files: answers.csv
    columns: {response_id: id, wave: wave, channel: channel, satisfied: satisfied}
items:
  satisfied: {label: Satisfied, scale: [1, 10], role: csat}
"""
FIGURE = """\
fig, ax = plt.subplots()
sns.histplot(x=rows.groupby("channel").satisfied.transform("mean") + rng.normal(size=len(rows)),
             bins=20 + {i}, ax=ax)
ax.set(title="Figure {i}", xlabel="points", ylabel="answers")
plt.show()
"""
CELLS = [
    "import numpy as np\nimport pandas as pd\nimport seaborn as sns\n"
    "from matplotlib import pyplot as plt\nfrom scipy import stats\n"
    "from sklearn.linear_model import LogisticRegression\nfrom cxlib import reserve",
    "rows = reserve.open(STUDY).responses()\nrng = np.random.default_rng(SEED)\nlen(rows)",
    'rows.groupby("channel").satisfied.agg(["mean", "std", "size"])',
    "drawn = rng.integers(0, len(rows), (1000, len(rows)))\n"
    "means = rows.satisfied.to_numpy()[drawn].mean(1)\nnp.quantile(means, [0.025, 0.975])",
    FIGURE.format(i=1),
    'stats.f_oneway(*[g.satisfied for _, g in rows.groupby("channel")])',
    FIGURE.format(i=2),
    "x = pd.get_dummies(rows.channel)\n"
    "LogisticRegression().fit(x, rows.satisfied > 7).coef_.round(3)",
    FIGURE.format(i=3),
    FIGURE.format(i=4),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("speed")
    place = root / "data" / "speed"
    place.mkdir(parents=True)
    (root / "notebooks").mkdir()
    rng = np.random.default_rng(1)
    rows = [f"r{i},w1,{rng.choice(list('abc'))},{rng.integers(1, 11)}" for i in range(3000)]
    (place / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
    (place / "study.yaml").write_text(STUDY)
    for number in range(PAGES):
        tagged = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        cells = [new_markdown_cell(f"# {number}"), tagged, *map(new_code_cell, CELLS)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        about = {"cxlab": {"needs": ["responses"]}, "kernelspec": kernel}
        made = new_notebook(cells=cells, metadata=about)
        nbformat.write(made, root / "notebooks" / f"{number + 10}_page.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        declared.of.cache_clear()
        yield root


def seconds(task: Callable[[], object]) -> float:
    began = time.monotonic()
    task()
    return time.monotonic() - began


def in_a_process(code: str) -> float:
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True,
                                          capture_output=True))  # fmt: skip


LOOP = """\
import papermill, nbformat, sys
from pathlib import Path
from nbconvert import HTMLExporter
out = Path({out!r}); out.mkdir()
for path in sorted(Path({notebooks!r}).glob("*.ipynb")):
    made = papermill.execute_notebook(path, out / path.name, parameters=dict(STUDY="speed", SEED=7),
                                      kernel_name="python3", progress_bar=False)
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(out / path.name, as_version=4))
    (out / (path.stem + ".html")).write_text(html, encoding="utf-8")
"""
BARE = """\
import json, matplotlib; matplotlib.use("agg")
from pathlib import Path
for path in sorted(Path({notebooks!r}).glob("*.ipynb")):
    cells = json.loads(path.read_text())["cells"]
    space = dict(STUDY="speed", SEED=7)
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
"""


def ours(pages: list, out: Path, **how) -> float:
    said = io.StringIO()
    spent = seconds(lambda: batch.run(pages, out=out, progress=Progress(len(pages), said), **how))
    assert all(f"{p.name}: " in said.getvalue() for p in pages)
    return spent


def test_pages_beside_papermill(site) -> None:
    from cxlib import reserve

    reserve.load("speed")
    notebooks = str(site / "notebooks")
    pages = batch.plan(["speed"], [p.stem for p in batch.notebooks().values()], {"SEED": 7})
    one = ours(pages[:1], site / "one", keep=False)
    forked = ours(pages, site / "ours")
    again = ours(pages, site / "again")
    loop = in_a_process(LOOP.format(out=str(site / "loop"), notebooks=notebooks))
    bare = in_a_process(BARE.format(notebooks=notebooks))
    print(
        f"\n{PAGES} pages, HTML included: papermill loop {loop:.1f} s, ours {forked:.1f} s "
        f"({loop / forked:.1f}x), bare scripts one after the other {bare:.1f} s (ours takes "
        f"{forked / bare:.2f} of it); first page after {one:.1f} s with the template's start; "
        f"nothing stale {again:.2f} s ({loop / again:.0f}x)"
    )
