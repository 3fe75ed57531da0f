"""The grid: parameters held strictly, pages in processes of their own, failures that show."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import batch
from cxlib.batch import execute, processes, record, results
from cxlib.batch.progress import Progress
from cxlib.core import parameters
from cxlib.core import progress as core_progress
from cxlib.report import MIME

CELL = """\
STUDY: str = "tiny"     # folder under data/
WAVE: str = ""          # survey wave; empty for all (a wave)
WHERE: str = ""         # rows for which this holds, e.g. channel = 'web' (a condition)
BY: str = ""            # compare the groups of this column (a column)
LANG: str = "en"        # language of the page (one of: en, zh)
DRAWS: int = 100        # bootstrap draws (10 to 20000)
SEED: int = 1           # of the draws (0 to 2147483647)
ITEMS: list[str] = []   # what to average (items)
SHARE: float = 0.5      # a share (0 to 1)
LOUD: bool = False      # say more
"""
STUDY = """\
title: Tiny
source: made here
licence: none
tables:
  responses:
    files: answers.csv
    columns: {response_id: id, wave: wave, channel: channel, satisfied: satisfied}
items:
  satisfied: {label: Satisfied, scale: [1, 10], role: csat}
reports: [10, 30]
"""
ANSWER = """\
import pandas as pd
from cxlib import report, plots, reserve
from cxlib.core.result import Result
study = reserve.open(STUDY, lang=LANG)
plots.use_house_style()
rows = study.responses(wave=WAVE, where=WHERE)
table = rows.groupby("channel")["satisfied"].agg(estimate="mean", n="size").reset_index()
table = table.rename(columns={"channel": "term"}).assign(low=1.0, high=10.0)
"""
MORE = """\
import sys
print("out"); print("err", file=sys.stderr); print("out again")
report.add("mean", Result(table, f"Mean {rows.satisfied.mean():.4f}, n {len(rows)}."))
pd.DataFrame({c: [1] for c in "abcdefghijklmnopqr"})
"""
# Moves a little each time it is drawn.
LAID_OUT = """\
from matplotlib import pyplot as plt
figure, axes = plt.subplots(2, 2, layout="constrained")
for ax in axes.flat:
    ax.plot([0, 1e6], [0, 1]); ax.set(title="Titles of some length", ylabel="and labels")
figure.suptitle("All");
"""


def write(folder: Path, name: str, *cells: str, needs=("responses",), asked: str = CELL) -> None:
    tagged = new_code_cell(asked, metadata={"tags": ["parameters"]})
    made = new_notebook(
        cells=[new_markdown_cell(f"# {name}"), tagged, *map(new_code_cell, cells)],
        metadata={"cxlib": {"needs": list(needs), "title": {"en": name}}},
    )
    nbformat.write(made, folder / f"{name}.ipynb")


# Too few rows for one answer: what hangs on it is left out, an older value is not taken for it.
TOO_FEW = [
    ANSWER + "fit = 'an older value'",
    """
from cxlib.core.errors import InsufficientData
def forecast(weeks):
    raise InsufficientData(f"{weeks} weeks are too few.")
first = "kept"
fit = forecast(3)
""",
    "print('shown', fit)",
    "print(first, 'goes on')",
    MORE,
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of one small study and notebooks that do well, fail, die and hang."""
    root = tmp_path_factory.mktemp("project")
    study, notebooks = root / "data" / "tiny", root / "notebooks"
    study.mkdir(parents=True)
    notebooks.mkdir()
    (study / "study.yaml").write_text(STUDY)
    rows = [f"r{i},w{i % 2 + 1},{'web' if i % 3 else 'shop'},{i % 10 + 1}" for i in range(60)]
    (study / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
    write(notebooks, "10_works", ANSWER, MORE, "plots.intervals(table);", LAID_OUT)
    write(notebooks, "11_too_few", *TOO_FEW)
    write(notebooks, "12_misspelt", *TOO_FEW[:2], "print(frist)")
    write(notebooks, "20_breaks", "x = 1", "raise ValueError('<b>no & such</b> thing')", "x = 2")
    write(notebooks, "21_dies", "import os\nos._exit(3)")
    write(notebooks, "22_hangs", "import time\ntime.sleep(600)")
    of_orders = CELL.replace("(a condition)", "(a condition on orders)")
    write(notebooks, "15_of_orders", "1", asked=of_orders)
    write(notebooks, "30_orders", "1", needs=("orders",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        parameters.read.cache_clear()
        yield root


@pytest.fixture(scope="module")
def runs(project):
    """The pages of every notebook but the one that hangs, by "fork" or by "kernel", made once."""

    @functools.cache
    def pages(kind: str) -> dict[str, results.Result]:
        if kind == "fork" and not processes.possible():
            pytest.skip("no fork on this system")
        made = batch.run(
            batch.plan(["tiny"], ["10", "11", "12", "20", "21", "30"], {"SEED": "7"}),
            out=project / f"out-{kind}",
            fork=kind == "fork",
            keep=False,
            progress=Progress(4, io.StringIO()),
        )
        return {r.page.notebook.stem[:2]: r for r in made}

    return pages


# To make all pages takes ten seconds of each: the tests of pages are slow by what they look at.
@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.slow) for kind in ("fork", "kernel")],
)
def made(request, runs):
    return runs(request.param)


def test_parameters_are_read_from_the_cell() -> None:
    read = parameters.read_cell(CELL)
    assert list(read)[:3] == ["STUDY", "WAVE", "WHERE"]
    draws, lang, items = read["DRAWS"], read["LANG"], read["ITEMS"]
    assert (draws.type, draws.default, draws.low, draws.high) == ("int", 100, 10, 20000)
    assert draws.comment == "bootstrap draws" and lang.choices == ("en", "zh")
    assert items.kind == "item" and read["WHERE"].kind == "condition"


def test_a_list_names_nothing_twice() -> None:
    with pytest.raises(ValueError, match="ITEMS names 'a' twice"):
        parameters.read_cell(CELL)["ITEMS"].read("a, b, a")


@pytest.mark.slow
def test_what_is_explained_does_not_explain_itself(project) -> None:
    asked = CELL + 'OUTCOME: str = ""  # what to explain (an item)\n'
    asked += "DRIVERS: list[str] = []  # what may explain it (items)\n"
    write(project / "notebooks", "70_drives", "1", asked=asked)
    for given in ({"DRIVERS": "satisfied"}, {"DRIVERS": "satisfied", "OUTCOME": "satisfied"}):
        with pytest.raises(ValueError, match="'satisfied' is one of the DRIVERS.*another outcome"):
            batch.plan(["tiny"], ["70"], given)
    assert batch.plan(["tiny"], ["70"])  # the study's own are the study's to check


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DRAWS", "500", 500),
        ("SHARE", "0.25", 0.25),
        ("SHARE", "1", 1.0),
        ("LOUD", "yes", True),
        ("LOUD", "False", False),
        ("ITEMS", "a, b", ["a", "b"]),
        ("ITEMS", "", []),
        ("WAVE", "2026", "2026"),
    ],
)
def test_text_becomes_the_declared_type(name: str, text: str, value) -> None:
    assert parameters.read_cell(CELL)[name].read(text) == value


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"DRWAS": "5"}, "no parameter 'DRWAS'; did you mean 'DRAWS'"),
        ({"draws": "5"}, "did you mean 'DRAWS'"),
        ({"DRAWS": "many"}, "not a whole number"),
        ({"DRAWS": 1.5}, "not a whole number"),
        ({"DRAWS": "5"}, "Allowed: 10 to 20,000"),
        ({"SHARE": "nan"}, "not a number"),
        ({"LANG": "fr"}, "Allowed: en, zh"),
        ({"LOUD": "perhaps"}, "not true or false"),
        ({"WAVE": 3}, "not text"),
    ],
)
def test_a_mistaken_parameter_is_named_with_what_is_allowed(given: dict, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parameters.settle(parameters.read_cell(CELL), given)


@pytest.mark.parametrize("cell", ["DRAWS = 5", "x: set = {1}", "x: int", "import os"])
def test_a_parameter_without_type_or_default_is_refused(cell: str) -> None:
    with pytest.raises(ValueError):
        parameters.read_cell(cell)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"WAVE": "w9"}, "There are: w1, w2"),
        ({"BY": "chanel"}, "did you mean 'channel'"),
        ({"ITEMS": "satisfied,nothing"}, "There are: satisfied"),
        ({"WHERE": "colour = 'red'"}, "colour"),
        ({"WHERE": "channel = "}, "WHERE"),
        ({"WHERE": "channel = 'fax'"}, "fax"),
        ({"STUDY": "other"}, "cx run STUDY"),
    ],
)
def test_a_parameter_that_cannot_apply_is_refused_before_anything_runs(
    project, given: dict, says: str
) -> None:
    with pytest.raises((ValueError, RuntimeError), match=re.escape(says)):
        batch.plan(["tiny"], ["10"], given)


def test_an_unknown_study_or_notebook_is_named_with_those_there_are(project) -> None:
    with pytest.raises(ValueError, match="no study 'tinny'; did you mean 'tiny'"):
        batch.plan(["tinny"])
    with pytest.raises(ValueError, match="no notebook '99'. `cx list` shows"):
        batch.plan(["tiny"], ["99"])
    with pytest.raises(ValueError, match="'2' begins 3 notebooks"):
        batch.pick("2")


@pytest.mark.slow
def test_without_notebooks_those_of_the_study_run(project) -> None:
    assert [p.name for p in batch.plan(["tiny"])] == ["10_works", "30_orders"]


@pytest.mark.slow
def test_values_of_study_yaml_hold_for_a_notebook_that_is_named_too(project) -> None:
    file = project / "data" / "tiny" / "study.yaml"
    file.write_text(STUDY.replace("[10, 30]", "{'10': {DRAWS: 30, SEED: 4}, '77': {DRAWS: 1}}"))
    try:
        [named] = batch.plan(["tiny"], ["10"])
        [overruled] = batch.plan(["tiny"], ["10"], {"SEED": 5})
        [other] = batch.plan(["tiny"], ["30"])
    finally:
        file.write_text(STUDY)
    assert (named.values["DRAWS"], named.values["SEED"]) == (30, 4)
    assert (overruled.values["DRAWS"], overruled.values["SEED"]) == (30, 5)
    assert other.values["DRAWS"] == 100


@pytest.mark.slow
def test_each_value_of_a_column_makes_a_set(project) -> None:
    pages = batch.plan(["tiny"], ["10"], {"WHERE": "wave = 'w1'"}, by="channel")
    assert [p.set_name for p in pages] == ["channel: shop", "channel: web"]
    assert pages[0].values["WHERE"] == "(wave = 'w1') and \"channel\" = 'shop'"


@pytest.mark.slow
def test_a_column_that_splits_nothing_is_refused(project) -> None:
    with pytest.raises(ValueError, match="no table of tiny has such a column"):
        batch.plan(["tiny"], ["10"], by="chanel")
    with pytest.raises(ValueError, match="smallest cell"):
        batch.plan(["tiny"], ["10"], by="response_id")


@pytest.mark.slow
def test_a_notebook_about_tables_that_are_not_there_is_not_split(project) -> None:
    with pytest.raises(ValueError, match=r"cannot split 15_of_orders: its WHERE is of orders"):
        batch.plan(["tiny"], ["15"], by="channel")


@pytest.mark.slow
def test_a_whole_page_is_kept_and_shown(made) -> None:
    result = made["10"]
    assert result.status == "ok" and result.answer == "Mean 5.5000, n 60."
    html = result.file.read_text(encoding="utf-8").replace("\xa0", " ")  # n stays with its number
    assert "Mean 5.5000, n 60." in html and "<dt>SEED</dt><dd>7" in html
    assert html.count("<figure ") == 2


@pytest.mark.slow
def test_a_failing_cell_shows_at_the_top_and_in_the_status(made) -> None:
    result = made["20"]
    html = result.file.read_text(encoding="utf-8")
    assert result.status == "failed" and result.mistake[0] == 5
    assert "Cell 5 of 6 stopped" in html and "&lt;b&gt;no &amp; such&lt;/b&gt; thing" in html
    assert html.index("incomplete") < html.index("<main>")


def test_what_the_rows_do_not_allow_is_said_and_the_page_goes_on(made) -> None:
    result = made["11"]
    assert result.status == "ok" and result.answer == "Mean 5.5000, n 60."
    html = result.file.read_text(encoding="utf-8").replace("\xa0", " ")
    assert "3 weeks are too few." in html and "kept goes on" in html
    assert "shown an older value" not in html


def test_a_misspelt_name_stays_a_mistake(made) -> None:
    assert made["12"].status == "failed" and "frist" in made["12"].mistake[2]


def test_a_page_whose_process_dies_says_so_whatever_its_notebook_says(made) -> None:
    result = made["21"]
    assert result.status == "failed"
    assert "This page is incomplete" in result.file.read_text(encoding="utf-8")


def test_a_study_without_the_tables_says_so_and_is_no_failure(made) -> None:
    result = made["30"]
    assert result.status == "skipped" and "orders" in result.answer
    assert "cannot answer" in result.file.read_text(encoding="utf-8")


def test_answers_and_record_lie_beside_the_pages(made) -> None:
    folder = made["10"].folder
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert answers["10_works"]["mean"]["answer"] == "Mean 5.5000, n 60."
    assert [p["status"] for p in run["pages"]] == ["ok", "ok", *["failed"] * 3, "skipped"]
    assert run["pages"][0]["seed"] == 7 and len(run["pages"][0]["cells"]) == 7
    assert {"code", "data", "environment"} <= set(run) and "responses" in run["data"]


def test_no_time_nor_place_is_in_a_page(made, project) -> None:
    folder = made["10"].folder
    for file in [*folder.glob("*.html"), *folder.glob("*.ipynb")]:
        text = file.read_text(encoding="utf-8")
        assert str(project) not in text and "start_time" not in text, file.name
        assert file.name == "index.html" or not re.search(r"20\d\d-\d\d-\d\dT\d\d", text), file.name


def test_nothing_half_written_is_left(made) -> None:
    assert not list(made["10"].folder.glob(".*"))


@pytest.mark.slow
def test_forks_and_kernels_make_the_same_bytes(runs) -> None:
    by = {kind: runs(kind)["10"].folder for kind in ("fork", "kernel")}
    for name in ("10_works", "11_too_few", "20_breaks", "30_orders"):
        for file in (f"{name}.html", f"{name}.ipynb"):
            assert (by["fork"] / file).read_bytes() == (by["kernel"] / file).read_bytes(), file


@pytest.mark.slow
def test_a_page_that_hangs_is_ended_at_its_limit(project) -> None:
    [result] = batch.run(
        batch.plan(["tiny"], ["22"]),
        out=project / "hang",
        timeout=2,
        progress=Progress(1, io.StringIO()),
    )
    assert result.status == "failed" and "took longer than 2 s" in result.answer


@pytest.mark.slow
def test_stopping_leaves_no_process_and_no_half_page(project) -> None:
    # A job in the background ignores Ctrl-C, and so would its children.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from cxlib import batch\nbatch.run(batch.plan(['tiny'], ['10', '22']), out='stopped')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CX_ROOT": str(project)},
        start_new_session=True,
    )
    for line in process.stderr:
        if "10_works: ok" in line:
            break
    below = descendants(process.pid)
    assert len(below) >= 2  # the fork server and the page that hangs
    process.send_signal(2)
    try:
        process.wait(30)
    finally:
        process.kill()
    run = json.loads((project / "stopped" / "run.json").read_text(encoding="utf-8"))
    assert [p["status"] for p in run["pages"]] == ["ok", "not run"]
    assert not (project / "stopped" / "22_hangs.html").exists()
    assert_gone(below)


def descendants(of: int) -> set[int]:
    """The processes below a process: its children, theirs, and so on."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(place.parent.name)] = int(place.read_text().rsplit(")", 1)[1].split()[1])
    found: set[int] = set()
    while more := {p for p, parent in parents.items() if parent in {of, *found}} - found:
        found |= more
    return found


def assert_gone(pids: set[int], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while alive := {p for p in pids if Path(f"/proc/{p}").exists()}:
        assert time.monotonic() < until, [Path(f"/proc/{p}/cmdline").read_text() for p in alive]
        time.sleep(0.1)


@pytest.mark.slow
def test_pages_can_be_bound_again_from_what_was_kept(made) -> None:
    folder = made["10"].folder
    before = made["10"].file.read_bytes()
    made["10"].file.unlink()
    assert record.bind_again(folder) == 6
    assert made["10"].file.read_bytes() == before


def test_a_folder_that_is_no_run_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="is not a run"):
        record.bind_again(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path) -> None:
    execute.put(tmp_path / "a.html", "first")
    with pytest.raises(UnicodeEncodeError):
        execute.put(tmp_path / "a.html", "second \ud800")
    assert (tmp_path / "a.html").read_text() == "first" and len(list(tmp_path.iterdir())) == 1


def test_progress_is_plain_lines_away_from_a_terminal() -> None:
    stream = io.StringIO()
    with Progress(1, stream) as progress:
        progress.begin("s/10")
        progress.cell("s/10", 2, 5)
        progress.end("s/10", "ok", 1.23)
    assert stream.getvalue() == "s/10: started\ns/10: ok, 1.2 s (1 of 1)\n"


def test_a_long_page_is_named_again_while_nothing_else_is_said(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("cxlib.batch.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    progress = Progress(1, stream)
    progress.begin("s/10")
    for now[0] in (4.9, 5.1, 6.0, 10.2):
        progress.remind()
    progress.cell("s/10", 2, 5)
    now[0] = 16.0
    progress.remind()
    progress.end("s/10", "ok", 16.0)
    progress.remind()
    assert stream.getvalue().splitlines() == [
        "s/10: started",
        "s/10: 5 s",
        "s/10: 10 s",
        "s/10: cell 2 of 5, 16 s",
        "s/10: ok, 16.0 s (1 of 1)",
    ]


def test_what_takes_long_is_said_at_once_and_again(monkeypatch) -> None:
    again = threading.Event()

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            if text.startswith("loading sample: 0 s"):
                again.set()
            return super().write(text)

    monkeypatch.setattr("sys.stderr", stream := Stream())
    with core_progress.announced("loading sample", every=0.01):
        assert stream.getvalue() == "loading sample ...\n"
        assert again.wait(30)
    ended = stream.getvalue()
    assert set(ended.splitlines()[1:]) == {"loading sample: 0 s"}
    assert stream.getvalue() == ended


def test_progress_on_a_terminal_is_one_live_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress(2, stream) as progress:
        progress.begin("s/10")
        progress.cell("s/10", 2, 5)
        progress.say("a line that stays")
    lines = stream.getvalue().split("\r")
    assert "[0/2 00:00] s/10 cell 2/5 0 s" in [line.rstrip() for line in lines]
    assert "a line that stays\n" in lines


def test_wide_tables_are_not_cut_as_on_a_terminal(made) -> None:
    notebook = nbformat.read(made["10"].file.with_suffix(".ipynb"), as_version=4)
    shown = [o.get("data", {}) for c in notebook.cells for o in c.get("outputs", [])]
    [table] = [d for d in shown if "text/html" in d and MIME not in d]
    assert "<th>r</th>" in table["text/html"]


@pytest.mark.slow
@pytest.mark.skipif(not processes.possible(), reason="no /proc here")
def test_memory_counts_what_any_thread_of_a_page_started() -> None:
    child = "import sys; held = b'x' * 2**27; print(flush=True); sys.stdin.read()"
    code = f"""
import subprocess, sys, threading
def start():
    how = {{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}}
    with subprocess.Popen([sys.executable, "-c", {child!r}], **how) as child:
        child.stdout.readline()
        print(flush=True)
        sys.stdin.read()
threading.Thread(target=start).start()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as page:
        page.stdout.readline()  # the child of its second thread has its memory
        assert processes.held(page.pid) > 2**27


@pytest.mark.slow
@pytest.mark.skipif(not processes.possible(), reason="no fork server here")
def test_the_fork_server_ends_without_a_traceback_at_ctrl_c() -> None:
    code = "import importlib, os, signal\n"
    code += "importlib.import_module = lambda name: os.kill(os.getpid(), signal.SIGINT)\n"
    code += "import cxlib.batch.preload\n"
    ran = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr) == (-signal.SIGINT, "")
