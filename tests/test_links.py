"""Papers, docs and notebooks: links lead to files in git and to headings; tables are whole."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import mistune
import pytest

ROOT = Path(__file__).parents[1]


@cache
def in_git() -> frozenset[str]:
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    files = {name for name in done.stdout.split("\0") if name}
    return frozenset(files | {str(f) for name in files for f in Path(name).parents})


def papers() -> list[str]:
    own = "cxlib/cli/new_project"  # its links are those of a project; the next test follows them
    named = [f for f in in_git() if f.endswith((".md", ".ipynb"))]
    return sorted(f for f in named if not f.startswith((own, "tests/")))


@cache
def tokens(file: str) -> list[dict]:
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".ipynb"):
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    parsed = mistune.create_markdown(renderer="ast", plugins=["table"])(text)
    assert isinstance(parsed, list)
    return parsed


def walk(parts: list[dict]) -> Iterator[dict]:
    for part in parts:
        yield part
        yield from walk(part.get("children", []))


def text_of(part: dict) -> str:
    return part.get("raw", "") + "".join(text_of(p) for p in part.get("children", []))


@cache
def anchors(file: str) -> set[str]:
    """The anchors of headings, as GitHub and MyST make them; a repeated one gets a number."""
    found: set[str] = set()
    for part in walk(tokens(file)):
        if part["type"] == "heading":
            slug = re.sub(r"[^\w\- ]", "", text_of(part).lower()).replace(" ", "-")
            number = 1
            while (name := slug if number == 1 else f"{slug}-{number - 1}") in found:
                number += 1
            found.add(name)
    return found


def broken(file: str, known: frozenset[str], root: str = "") -> list[str]:
    """The links of a file that lead nowhere: a file that is not known, a heading that is not."""
    wrong = []
    for part in walk(tokens(file)):
        target = part.get("attrs", {}).get("url", "") if part["type"] in ("link", "image") else ""
        if not target or re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        at = ROOT / (root or Path(file).parent)
        goal = (at / path).resolve() if path else (ROOT / file).resolve()
        name = goal.relative_to(ROOT.resolve()).as_posix()
        if name not in known:
            wrong.append(f"{file}: {target}: no such file in git")
        elif anchor and anchor not in anchors(name):
            wrong.append(f"{file}: {target}: no such heading")
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("file", papers())
def test_links_lead_somewhere(file: str) -> None:
    assert not broken(file, in_git())


def test_links_of_a_new_projects_readme_lead_to_files_that_it_gets() -> None:
    assert not broken("cxlib/cli/new_project/README.md", in_git(), root=".")


def test_a_broken_link_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# One\n\n[a](README.md) [b](README.md#start) [c](nowhere.md) [d](#one) [e](#two)"
    parsed = mistune.create_markdown(renderer="ast")(text)
    before = tokens
    fake = lambda file: parsed if file == "CONTRIBUTING.md" else before(file)  # noqa: E731
    monkeypatch.setitem(globals(), "tokens", fake)
    anchors.cache_clear()
    try:
        assert broken("CONTRIBUTING.md", in_git()) == [
            "CONTRIBUTING.md: nowhere.md: no such file in git",
            "CONTRIBUTING.md: #two: no such heading",
        ]
    finally:
        anchors.cache_clear()


def loose(parts: list[dict]) -> list[str]:
    """Lines of a table that stand outside of one, and what a merge left."""
    texts = [text_of(p) for p in walk(parts) if p["type"] in ("paragraph", "heading", "block_text")]
    return [text[:80] for text in texts if text.startswith(("|", "<" * 7, ">" * 7))]


@pytest.mark.slow
@pytest.mark.parametrize("file", papers())
def test_tables_are_whole(file: str) -> None:
    assert not loose(tokens(file))


def test_a_row_outside_of_its_table_would_be_found() -> None:
    table, marks = "| a | b |\n|---|---|\n| 1 | 2 |\n", ("<" * 7, "=" * 7, ">" * 7)
    for text, found in (
        (table, 0),
        (table + "\n| 3 | 4 |\n", 1),
        (f"{table}{marks[0]} HEAD\n| 3 | 4 |\n{marks[1]}\n| 5 | 6 |\n{marks[2]} b\n", 2),
    ):
        parsed = mistune.create_markdown(renderer="ast", plugins=["table"])(text)
        assert isinstance(parsed, list)
        assert len(loose(parsed)) == found
