"""Bring cxlib/locale/zh.po up to date: every sentence a reader may see, its translation kept.

    python tests/refresh_catalogue.py          # adds what is new (untranslated), drops what is gone

Sentences are the literals given to `page.say` in cxlib and its templates, the tuples called WORDS
(names of terms and columns), and of the notebooks the markdown cells, the comments of the
parameters and the names of what is kept.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

from cxlib import page
from cxlib.batch import parameters

ROOT = Path(__file__).parents[1]
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'


@cache
def sentences() -> dict[str, str]:
    """Sentence -> where it stands first, in the order of the files."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "cxlib").rglob("*.py")):
        for literal in said_in(file):
            found.setdefault(literal, f"cxlib/{file.relative_to(ROOT / 'cxlib').as_posix()}")
    for file in sorted((ROOT / "cxlib").rglob("*.j2")):
        for literal in re.findall(r"""\bsay\((["'])(.+?)\1""", file.read_text(encoding="utf-8")):
            found.setdefault(literal[1], f"cxlib/{file.relative_to(ROOT / 'cxlib').as_posix()}")
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for literal in [*prose_of(file), *asked_by(file), *kept_by(file)]:
            found.setdefault(literal, f"notebooks/{file.name}")
    return found


def said_in(file: Path) -> list[str]:
    """The literals given to `page.say`, and the WORDS that name the terms of tables."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and _is_say(node.func):
            found += _literals(node.args[0])
        if isinstance(node, ast.Assign) and [_name(t) for t in node.targets] == ["WORDS"]:
            found += [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
    return found


def prose_of(file: Path) -> list[str]:
    """The markdown cells of a notebook."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]


def asked_by(file: Path) -> list[str]:
    """What the page says of each parameter."""
    return [p.comment for p in parameters.read(file).values() if p.comment]


def kept_by(file: Path) -> list[str]:
    """The names given to `report.keep`, as `page.label` writes them."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return [name.replace("_", " ") for name in re.findall(r"report\.keep\(\"(\w+)\"", code)]


def _is_say(func: ast.expr) -> bool:
    """`page.say`, or `say` inside page.py; others (a log's) have nothing to translate."""
    return ast.unparse(func) in ("page.say", "say")


def _literals(node: ast.expr) -> list[str]:
    """The string itself, or both of `a if so else b`."""
    if isinstance(node, ast.IfExp):
        return [*_literals(node.body), *_literals(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _name(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", "")


def quote(text: str) -> str:
    """A .po string, one line of text a line."""
    escape = lambda t: json.dumps(t, ensure_ascii=False)  # noqa: E731
    lines = text.splitlines(keepends=True)
    return escape(text) if len(lines) < 2 else "\n".join(['""', *map(escape, lines)])


def written(known: dict[str, str]) -> str:
    """The .po file of what is to be said now, with the translations that are known."""
    entries = [
        f"#: {where}\nmsgid {quote(text)}\nmsgstr {quote(known.get(text, ''))}\n"
        for text, where in sentences().items()
    ]
    return "\n".join([HEADER, *entries])


def main() -> None:
    file = ROOT / "cxlib" / "locale" / "zh.po"
    known = page.read_po(file.read_text(encoding="utf-8")) if file.exists() else {}
    wanted = sentences()
    file.write_text(written(known), encoding="utf-8")
    print(f"{len(wanted):,} sentences, {sum(t not in known for t in wanted):,} to be translated")
    for text in wanted:
        if text not in known:
            print(f"  {text!r}")


if __name__ == "__main__":
    main()
