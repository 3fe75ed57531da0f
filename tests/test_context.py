"""The context of a page: each thread, task and notebook has its own, and none is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextvars import copy_context
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cxlib.batch import record
from cxlib.core import context, i18n
from cxlib.core.context import Context
from cxlib.core.i18n import _

CHINESE = Context(lang="zh", mask=("Ann Lee",), labels={"speed": "速度"}, country="CN")


def test_a_context_holds_for_its_block_alone() -> None:
    before = context.current()
    with context.use(CHINESE):
        assert i18n.label("speed") == "速度" and context.current().mask == ("Ann Lee",)
        context.begin(lang="en")  # as a notebook does that opens a reserve
        assert i18n.label("speed") == "speed"
    assert context.current() is before


def test_a_context_ends_with_its_block_when_that_fails() -> None:
    before = context.current()
    with pytest.raises(RuntimeError), context.use(CHINESE):
        raise RuntimeError
    assert context.current() is before


def test_a_context_travels_whole_as_json() -> None:
    assert Context(**json.loads(json.dumps(CHINESE.as_job()))) == CHINESE


def test_a_context_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CHINESE.lang = "en"  # type: ignore[misc]


def test_a_thread_does_not_see_what_another_has_set_unless_it_is_given_a_copy() -> None:
    seen: dict[str, str] = {}
    with context.use(CHINESE):
        bare = threading.Thread(target=lambda: seen.update(bare=context.current().lang))
        inside = copy_context()
        given = threading.Thread(
            target=lambda: seen.update(given=inside.run(lambda: context.current().lang))
        )
        for thread in (bare, given):
            thread.start()
            thread.join()
    assert seen == {"bare": "en", "given": "zh"}


def test_sentences_without_an_entry_are_noted_where_somebody_asks() -> None:
    with context.use(CHINESE), i18n.noting_untranslated() as noted:
        _("no such sentence anywhere")
    _("nor this one")
    assert noted == {"no such sentence anywhere"}


def _dead(folder: Path, lang: str, number: int) -> dict:
    source = folder / "in.ipynb"
    rules = Context(lang=lang).as_job()
    facts = {"title": "t", "lang": lang}
    return {
        "notebook": str(source),
        "folder": str(folder),
        "page": f"{lang}-{number}",
        "rules": rules,
        "facts": facts,
        "lacking": [],
    }


@pytest.mark.slow
def test_pages_of_stopped_jobs_are_in_their_own_language(tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "in.ipynb")
    jobs = [_dead(tmp_path, lang, n) for n in range(12) for lang in ("en", "zh")]
    together = threading.Barrier(len(jobs))

    def write(job: dict) -> None:
        together.wait()
        record.write_dead_page(job, (1, 1, "its process was ended"))

    threads = [threading.Thread(target=write, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = {j["page"]: (tmp_path / f"{j['page']}.html").read_text("utf-8") for j in jobs}
    chinese = {name for name, text in texts.items() if "显示代码" in text}
    assert chinese == {name for name in texts if name.startswith("zh")}


@pytest.mark.slow
def test_what_a_cell_begins_holds_in_later_cells_that_have_contexts_of_their_own() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        for lang in ("zh", "en", "zh"):
            cells = [
                f"from cxlib.core import context; context.begin(lang='{lang}')",
                "seen = context.current().lang",
            ]
            for cell in cells:  # as a kernel may: each cell in a copy of where the kernel began
                copy_context().run(shell.run_cell, cell)
            assert shell.user_ns["seen"] == lang
        hooks = shell.events.callbacks["pre_run_cell"]
        assert sum(isinstance(h, context._InEachCell) for h in hooks) == 1
    finally:
        InteractiveShell.clear_instance()


CELLS = [
    "from cxlib.core import context; context.begin(lang='zh', mask=['Ann Lee']);",
    "import asyncio; await asyncio.sleep(0); print(context.current().lang)",
    "print(context.current().mask)",
    "with context.use(context.Context(lang='en')):\n    print(context.current().lang)",
    "print(context.current().lang)",
]
SAID = ["zh", "('Ann Lee',)", "en", "zh"]
PAPERMILL = """\
import sys, papermill
from cxlib.batch import engines
engines.register()
how = {how}
papermill.execute_notebook(*sys.argv[1:], progress_bar=False, kernel_name="python3", **how)
"""
WAYS = {
    "jupyter": [sys.executable, "-m", "jupyter", "execute", "in.ipynb", "--output=out"],
    "papermill": [sys.executable, "-c", PAPERMILL.format(how={}), "in.ipynb", "out.ipynb"],
    "kernel": [
        sys.executable,
        "-c",
        PAPERMILL.format(how="dict(engine_name='cxlab-kernel', tell=lambda *_: None)"),
        "in.ipynb",
        "out.ipynb",
    ],
    "in process": [
        sys.executable,
        "-c",
        PAPERMILL.format(how="dict(engine_name='cxlab-in-process', tell=lambda *_: None)"),
        "in.ipynb",
        "out.ipynb",
    ],
}


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("way", WAYS)
def test_a_notebook_has_one_context_in_all_of_its_cells(way: str, tmp_path: Path) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    made = new_notebook(cells=[*map(new_code_cell, CELLS)], metadata=kernel)
    nbformat.write(made, tmp_path / "in.ipynb")
    subprocess.run(WAYS[way], cwd=tmp_path, check=True, capture_output=True)
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    said = [o.text.strip() for c in cells for o in c.get("outputs", []) if "text" in o]
    assert said == SAID
