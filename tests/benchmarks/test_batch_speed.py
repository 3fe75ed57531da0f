"""Realistic pages made five ways in one run, and what each costs beside ours: ratios.

python -m pytest tests/benchmarks/test_batch_speed.py -s                 # 12 pages
CX_PAGES=48 python -m pytest tests/benchmarks/test_batch_speed.py -s     # 48; CX_FULL=1: see below

A page has twelve cells, four figures and a bootstrap of 1,000 draws. Beside `cx run` (its command
line, two pages at a time, HTML and index included, nothing reused):

- papermill's API in a loop, HTML by one nbconvert exporter each;
- the command lines `papermill` and `jupyter nbconvert`, page after page: 6 pages, counted for all
  of them (CX_FULL=1 makes all of them);
- bare cells, two: a process that has the libraries imported forks one for each page, two at a time,
  which runs the cells; no notebook, no HTML. Told with and without the imports at its beginning;
- bare scripts, two: a Python for each page, two at a time, which imports and runs the cells.

All of them keep each BLAS to one thread. Times are of the wall clock: leave the machine alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import reserve
from cxlib.batch.processes import THREADS

PAGES = int(os.environ.get("CX_PAGES", "12"))
BY_COMMAND = PAGES if os.environ.get("CX_FULL") else min(PAGES, 6)
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
IMPORTS = (
    "import numpy as np\nimport pandas as pd\nimport seaborn as sns\n"
    "from matplotlib import pyplot as plt\nfrom scipy import stats\n"
    "from sklearn.linear_model import LogisticRegression\nfrom cxlib import reserve"
)
CELLS = [
    IMPORTS,
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
LOOP = """\
import papermill, nbformat
from pathlib import Path
from nbconvert import HTMLExporter
out = Path("loop"); out.mkdir()
for path in sorted(Path("notebooks").glob("*.ipynb")):
    papermill.execute_notebook(path, out / path.name, parameters=dict(STUDY="speed", SEED=7),
                               kernel_name="python3", progress_bar=False)
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(out / path.name, as_version=4))
    (out / (path.stem + ".html")).write_text(html, encoding="utf-8")
"""
# A figure is shown as a notebook shows it: drawn once, as a PNG that fits it.
BARE = """\
import io, json, matplotlib, os, sys; matplotlib.use("agg")
from matplotlib import pyplot
def show():
    pyplot.gcf().savefig(io.BytesIO(), format="png", bbox_inches="tight"); pyplot.close("all")
pyplot.show = show
def make(path):
    space = dict(STUDY="speed", SEED=7)
    for cell in json.loads(open(path).read())["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), space)
"""
WARM = """\
import time; began = time.monotonic()
exec(imports)
ready = time.monotonic()
def wait():
    assert os.wait()[1] == 0
running = 0
for path in sys.argv[1:]:
    if running == 2:
        wait(); running -= 1
    if os.fork() == 0:
        make(path); os._exit(0)
    running += 1
for _ in range(running):
    wait()
print(json.dumps([ready - began, time.monotonic() - ready]))
"""


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
        about = {"cxlib": {"needs": ["responses"]}, "kernelspec": kernel}
        made = new_notebook(cells=cells, metadata=about)
        nbformat.write(made, root / "notebooks" / f"{number + 10}_page.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        for name in THREADS:
            patch.setenv(name, "1")
        patch.chdir(root)
        reserve.load("speed")
        yield root


def seconds(task: Callable[[], object]) -> float:
    began = time.monotonic()
    task()
    return time.monotonic() - began


def python(*given: str) -> str:
    return subprocess.run(
        [sys.executable, *given], check=True, capture_output=True, text=True
    ).stdout


def cx(out: Path, notebooks: list[Path], *more: str) -> tuple[float, float]:
    """Seconds of `cx run`, and until the first page was there."""
    names = [n.stem for n in notebooks]
    began = time.monotonic()
    run = subprocess.Popen(
        [sys.executable, "-m", "cxlib.cli", "run", "speed", *names, "-o", str(out), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    first = None
    while run.poll() is None:
        time.sleep(0.01)
        if first is None and any(out.glob("*_page.html")):
            first = time.monotonic() - began
    spent = time.monotonic() - began
    assert run.returncode == 0 and len(list(out.glob("*_page.html"))) == len(notebooks)
    return spent, first if first is not None else spent


def by_commands(notebook: Path) -> None:
    made = notebook.parents[1] / f"{notebook.stem}-by-command.ipynb"
    python(
        "-m",
        "papermill",
        str(notebook),
        str(made),
        "-p",
        "STUDY",
        "speed",
        "-p",
        "SEED",
        "7",
        "-k",
        "python3",
        "--no-progress-bar",
    )
    python("-m", "jupyter", "nbconvert", "--to", "html", str(made))


def test_pages_beside_papermill(site) -> None:
    notebooks = sorted((site / "notebooks").glob("*.ipynb"))
    cx(site / "cold", notebooks[:1], "--force")  # files are in memory, compiled, from here on
    ours, first = cx(site / "ours", notebooks, "-p", "SEED=7")
    again, _ = cx(site / "again", notebooks, "-p", "SEED=7")
    loop = seconds(lambda: python("-c", LOOP))
    commands = seconds(lambda: [*map(by_commands, notebooks[:BY_COMMAND])]) * PAGES / BY_COMMAND
    told = python("-c", f"imports = {IMPORTS!r}\n{BARE}{WARM}", *map(str, notebooks))
    imports, cells = json.loads(told)
    with ThreadPoolExecutor(2) as two:
        one = lambda path: python("-c", f"import sys\n{BARE}\nmake(sys.argv[1])", str(path))  # noqa: E731
        scripts = seconds(lambda: list(two.map(one, notebooks)))
    print(
        f"\n{PAGES} pages, HTML included. cx run {ours:.1f} s, first page after {first:.1f} s; "
        f"nothing stale {again:.1f} s"
        f"\npapermill loop {loop:.1f} s: {loop / ours:.1f}x ours"
        f"\npapermill + nbconvert commands {commands:.1f} s (from {BY_COMMAND} pages, "
        f"{commands / PAGES:.1f} s each): {commands / ours:.1f}x ours"
        f"\nbare cells, two {imports + cells:.1f} s with {imports:.1f} s of imports: ours takes "
        f"{ours / (imports + cells):.2f} of it, {ours / cells:.2f} without them"
        f"\nbare scripts, two {scripts:.1f} s: {scripts / ours:.1f}x ours"
    )
