"""Forks: nothing leaks from page to page, every library computes, threads are never forked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import nbformat
import pytest
from test_batch import project, write  # noqa: F401  (project is a fixture)

from cxlib import batch
from cxlib.batch import processes
from cxlib.batch.progress import Progress

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not processes.possible(), reason="no fork on this system"),
]

PROBES = """\
import decimal, json, os, sys, warnings
import matplotlib as mpl, numpy as np, pandas as pd
seen = {
    "random": np.random.rand(),
    "pandas options": pd.options.display.precision,
    "environment": os.environ.get("SPOILT"),
    "warnings": repr(warnings.filters),
    "sys.path": list(sys.path),
    "decimal": decimal.getcontext().prec,
    "monkeypatch": pd.DataFrame.mean.__qualname__,
    "modules": "spoilt" in sys.modules,
    "cwd": os.getcwd(),
    "rcParams": mpl.rcParams["font.size"],
    "lacking": [name for name, module in sys.modules.items() if module is None],
}
print(json.dumps(seen))
"""
SPOIL = """\
np.random.seed(1)
pd.options.display.precision = 1
os.environ["SPOILT"] = "1"
warnings.simplefilter("error")
sys.path.insert(0, "/spoilt")
decimal.getcontext().prec = 3
pd.DataFrame.mean = lambda *_, **__: None
sys.modules["spoilt"] = sys
os.chdir("/")
mpl.rcParams["font.size"] = 33
"""
# After the fork each library may start as many threads as it likes: two here.
CANARIES = {
    "blas": "from threadpoolctl import threadpool_limits as limits; import numpy as np\n"
    "with limits(2): a = np.random.rand(300, 300); print((a @ a).shape)",
    "openmp": "from sklearn.cluster import KMeans\n"
    "with limits(2): KMeans(2, n_init=1).fit(np.random.rand(5000, 2))",
    "forest": "from sklearn.ensemble import RandomForestClassifier as F\n"
    "F(4, n_jobs=2).fit(np.random.rand(100, 2), np.arange(100) % 2)",
    "duckdb": "import duckdb; duckdb.connect(config={'threads': 2}).sql("
    "'select i % 7, sum(i) from range(500000) t(i) group by 1').fetchall()",
    "arrow": "import pyarrow as pa, pyarrow.parquet as q, io; b = io.BytesIO()\n"
    "q.write_table(pa.table(dict(a=range(9999))), b); q.read_table(b, use_threads=True)",
    "pandas": "import pandas as pd; pd.Series(['a'] * 1000).str.upper().value_counts()",
    "scipy": "import scipy.linalg as s\nwith limits(2): s.svd(np.random.rand(100, 100))",
    "matplotlib": "from matplotlib import pyplot as p; p.plot([1, 2]); p.show()",
}


@pytest.fixture(scope="module")
def forked(project):  # noqa: F811
    """Two pages that spoil all they can, one after the other, and one for the libraries."""
    write(project / "notebooks", "50_first", PROBES, SPOIL)
    write(project / "notebooks", "51_second", PROBES, SPOIL)
    write(project / "notebooks", "52_canaries", *CANARIES.values())
    said = io.StringIO()
    results = batch.run(
        batch.plan(["tiny"], ["50", "51", "52"]),
        out=project / "forked",
        jobs=1,
        keep=False,
        timeout=120,
        progress=Progress(3, said),
    )
    assert "an ordinary kernel" not in said.getvalue()
    return {r.page.notebook.stem[:2]: r for r in results}


def seen_by(result: batch.Result) -> dict:
    assert result.status == "ok", result.mistake
    notebook = nbformat.read(result.file.with_suffix(".ipynb"), as_version=4)
    [said] = [o.text for c in notebook.cells for o in c.get("outputs", []) if "text" in o]
    return json.loads(said)


def test_nothing_a_page_spoils_is_seen_by_the_next(forked) -> None:
    first, second = seen_by(forked["50"]), seen_by(forked["51"])
    random = first.pop("random"), second.pop("random")
    assert first == second
    assert random[0] != random[1] and random[1] != pytest.approx(0.417022004702574)
    assert first["pandas options"] == 6 and not first["modules"] and first["decimal"] == 28


def test_every_library_computes_with_threads_after_a_fork(forked) -> None:
    result = forked["52"]
    assert result.status == "ok", (list(CANARIES)[result.mistake[0] - 4], result.mistake)


def test_a_fork_server_with_a_thread_is_not_used_and_the_page_is_made(project) -> None:  # noqa: F811
    write(project / "notebooks", "53_plain", "print('made')")
    (project / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    )
    code = (
        "from cxlib import batch; from cxlib.batch import processes\n"
        "processes.PRELOAD[:] = ['threaded']\n"
        "[made] = batch.run(batch.plan(['tiny'], ['53']), out='threaded', keep=False)\n"
        "print(made.status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=project,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(project), *filter(None, sys.path)])},
    )
    assert "tiny/53_plain: the fork server has threads; an ordinary kernel" in done.stderr
    assert done.stdout.strip() == "ok"


def test_all_that_is_preloaded_starts_no_thread() -> None:
    imports = ", ".join(processes.PRELOAD)
    code = f"import os; import {imports}; print(len(os.listdir('/proc/self/task')), flush=True)"
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=processes.environment(),
    )
    assert out.stdout.strip() == "1"


def test_a_notebook_may_import_what_nbformat_was_imported_without(forked) -> None:
    """Nothing that was kept from nbformat is kept from the page."""
    lacking = seen_by(forked["50"])["lacking"]
    assert not {name for name in processes.FORMAT_CHECKERS if name in lacking}


def test_importing_batch_changes_nothing_elsewhere() -> None:
    code = (
        "import sys; from cxlib import batch; batch.plan, batch.run\n"
        "print([name for name, module in sys.modules.items() if module is None])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
