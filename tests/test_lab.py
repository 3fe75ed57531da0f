"""The committed notebooks in a real JupyterLab: seen without trust, run, changed, saved."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 240  # seconds after which something is taken never to happen
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --window-size=1400,2000"""
TRACKER = "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
SEEN = """const [shown] = [document.querySelector('.jp-Notebook')];
return {figures: shown.querySelectorAll('.jp-RenderedImage img').length,
        drawn: shown.querySelectorAll('.jp-RenderedSVG img').length,
        tables: shown.querySelectorAll('.jp-OutputArea-output table').length,
        folded: shown.querySelectorAll('.jp-OutputArea-output details').length,
        text: shown.innerText}"""
COMMAND = """const [name, done] = arguments;
window.jupyterapp.commands.execute(name).then(() => done('done'), e => done(String(e)))"""
SET = """const [from, to] = arguments;
const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
const cell = cells.find(c => c.source.includes(from));
cell.setSource(cell.source.replace(from, to))"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="no chromium with chromedriver; .ci/run installs them",
    ),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The project as a fresh clone has it, in so far as JupyterLab sees it."""
    root = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "data/sample"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "index.ipynb", root)
    return root


@pytest.fixture(scope="module")
def address(project: Path, tmp_path_factory) -> Iterator[str]:
    """JupyterLab on the project, as `make lab` starts it, with settings of its own."""
    own = tmp_path_factory.mktemp("jupyter")
    (own / "settings" / TRACKER).parent.mkdir(parents=True)
    # All cells are on the page, not only those within the window.
    (own / "settings" / TRACKER).write_text('{"windowingMode": "none"}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "CX_ROOT": str(project),
        "PYTHONPATH": str(ROOT),
    }
    enabled = own / "config" / "jupyter_server_config.d" / "cxlab.json"  # as pip install places it
    enabled.parent.mkdir(parents=True)
    shutil.copy(ROOT / "cxlib" / "core" / "lab.json", enabled)
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{kind}_DIR"] = str(own / kind.lower())
    options = "--no-browser --allow-root --expose-app-in-browser --IdentityProvider.token=t"
    options += f" --ip=127.0.0.1 --port={port}"
    places = {"LabApp.user_settings_dir": "settings", "LabApp.workspaces_dir": "workspaces"}
    options += "".join(f" --{trait}={own / folder}" for trait, folder in places.items())
    with open(own / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options.split()],
            cwd=project,
            env=environment,
            stdout=log,
            stderr=log,
        )
    base = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: urlopen(f"{base}/api?token=t").status == 200, (own / "log").read_text)
        yield base
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture(scope="module")
def lab(address: str) -> Iterator[Callable]:
    """Opens a notebook of the project and gives the browser that shows it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS.split():
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_script_timeout(PATIENCE)

    def opened(path: str, cells: int):
        browser.get(f"{address}/lab/tree/{path}?token=t&reset")
        count = "return document.querySelectorAll('.jp-Notebook .jp-Cell').length"
        eventually(lambda: browser.execute_script(count) >= cells)
        # The kernel tells its language, which Lab writes into the notebook.
        kernel = "return window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?"
        eventually(lambda: browser.execute_script(f"{kernel}.status") == "idle")
        return browser

    yield opened
    browser.quit()


def eventually(holds: Callable[[], bool], about: Callable[[], object] = str) -> None:
    """Wait until it `holds`; a page that is being built, or a server that starts, may raise."""
    problem: Exception | None = None
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        problem = None
        try:
            if holds():
                return
        except Exception as error:
            problem = error
        time.sleep(0.3)
    raise AssertionError(f"it never came: {problem} {about()}")


def code_cells(file: Path) -> list:
    return [c for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]


def test_a_fresh_clone_shows_figures_and_tables_and_saving_changes_nothing(lab, project) -> None:
    file = project / "notebooks" / "20_what_moves_satisfaction.ipynb"
    before, notebook = file.read_text(encoding="utf-8"), nbformat.read(file, as_version=4)
    browser = lab(f"notebooks/{file.name}", len(notebook.cells))
    drawn = [o for c in code_cells(file) for o in c.outputs if "image/png" in o.get("data", {})]
    eventually(lambda: browser.execute_script(SEEN)["figures"] == len(drawn) > 3)
    seen = browser.execute_script(SEEN)
    assert seen["tables"] > 3 and "<Figure size" not in seen["text"]
    assert browser.execute_async_script(COMMAND, "docmanager:save") == "done"
    assert file.read_text(encoding="utf-8") == before


def test_a_changed_parameter_changes_figure_and_table_and_a_mistake_is_a_line(lab, project) -> None:
    file = project / "notebooks" / "42_how_mature_are_we.ipynb"
    browser = lab(f"notebooks/{file.name}", len(nbformat.read(file, as_version=4).cells))

    def run(saved: Callable[[], bool]) -> dict:
        browser.execute_async_script(COMMAND, "notebook:run-all-cells")
        eventually(
            lambda: browser.execute_async_script(COMMAND, "docmanager:save") == "done" and saved()
        )
        return browser.execute_script(SEEN)

    browser.execute_script(SET, "DRAWS: int = 1000", "DRAWS: int = 200")
    outputs = lambda: str([c.outputs for c in code_cells(file)])  # noqa: E731
    seen = run(lambda: "'draws': 200" in outputs() and "'draws': 1000" not in outputs())
    assert seen["drawn"] > 0 and seen["tables"] > 0
    browser.execute_script(SET, "DRAWS: int = 200", "DRAWS: int = 5")
    seen = run(lambda: "DRAWS=5 is out of range" in outputs())
    assert "ValueError: DRAWS=5 is out of range. Allowed: 100 to 20,000." in seen["text"]
    assert seen["folded"] == 1


@pytest.mark.thorough
def test_the_first_page_lists_every_question_with_a_link(lab, project) -> None:
    browser = lab("index.ipynb", 1)
    links = "return [...document.querySelectorAll('.jp-Notebook a')].map(a => a.innerText)"
    numbers = {p.name[:2] for p in (project / "notebooks").glob("[0-9]*.ipynb")}
    eventually(lambda: numbers <= set(browser.execute_script(links)))
