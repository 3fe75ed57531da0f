"""Bring cxlib/locale/*.po up to date with Babel: every sentence a reader may see, translated once.

    python tests/refresh_catalogue.py          # adds what is new, drops what is gone
    python tests/refresh_catalogue.py --check  # says what is new, gone, empty or fuzzy; exit code 1

A sentence whose English changed a little keeps its translation, marked fuzzy: correct it and take
the mark away. Sentences are the literals given to `_`, `ngettext`, `N_` and `mark` in cxlib and its
templates, the tuples called WORDS and the labels of columns, and of the notebooks the markdown
cells, the comments of the parameters, what axes show and the names of what is kept.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from cxlib.core import i18n, parameters

ROOT = Path(__file__).parents[1]
SENTENCES = ("_", "say", "N_", "mark")  # every literal given to them
COLUMN = " (column)"  # ends a word that is said otherwise at the head of a column
# Babel's own header has the date and its version in it: another file every time.
HEADER = r"""msgid ""
msgstr ""
"Language: {language}\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: {plurals}\n"

"""
Entry = tuple[str | tuple[str, str], str | None]  # the sentence (one, many) and its context


def template() -> Catalog:
    """Every sentence, with the file where it stands first, in the order of the files."""
    found = Catalog()
    for pattern, collect in (
        ("cxlib/**/*.py", of_code),
        ("cxlib/**/*.j2", of_template),
        ("notebooks/*.ipynb", of_notebook),
    ):
        for file in sorted(ROOT.glob(pattern)):
            where = (file.relative_to(ROOT).as_posix(), 0)
            for sentence, context in collect(file):
                key = sentence if isinstance(sentence, str) else sentence[0]
                if key and not found.get(key, context):
                    found.add(sentence, locations=[where], context=context)
    return found


def of_code(file: Path) -> Iterator[Entry]:
    """Literals given to the functions of `i18n`, and tuples called WORDS."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = _name(node.func)
            if name == "ngettext" and len(both := _literals(*node.args[:2])) == 2:
                yield (both[0], both[1]), None
            elif name == "Column":
                labels = [*node.args[4:5], *(k.value for k in node.keywords if k.arg == "label")]
                yield from ((word, "column") for word in _literals(*labels))
            elif name in SENTENCES and ast.unparse(node.func) in (name, f"i18n.{name}"):
                yield from map(_entry, _literals(*node.args))
        elif isinstance(node, ast.Assign) and "WORDS" in map(_name, node.targets):
            words = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
            yield from map(_entry, words)


def of_template(file: Path) -> Iterator[Entry]:
    said = re.findall(r"""\b(?:say|_)\((["'])(.+?)\1""", file.read_text(encoding="utf-8"))
    yield from ((literal, None) for _quote, literal in said)


def of_notebook(file: Path) -> Iterator[Entry]:
    """Markdown cells, comments of parameters, what axes show, and names given to `report.add`."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"]), None
    yield from ((p.comment, None) for p in parameters.read(file).values() if p.comment)
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    for name in re.findall(r"report\.add\(\"(\w+)\"", code):
        yield name.replace("_", " "), None
    yield from ((about, None) for about in re.findall(r"\babout=\"([^\"]+)\"", code))
    yield file.stem.partition("_")[2].replace("_", " "), None  # as pages are called that are absent


def _entry(word: str) -> Entry:
    return (word.removesuffix(COLUMN), "column") if word.endswith(COLUMN) else (word, None)


def _literals(*nodes: ast.expr) -> list[str]:
    """The strings themselves, and both of `a if so else b`."""
    found = []
    for node in nodes:
        if isinstance(node, ast.IfExp):
            found += _literals(node.body, node.orelse)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def _name(node: ast.AST) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", "")


def known(file: Path) -> Catalog:
    with file.open("rb") as text:
        return read_po(text, locale=file.stem)


def updated(file: Path, wanted: Catalog) -> Catalog:
    """The catalogue of a language for the sentences wanted, in their order."""
    had = known(file)
    had.update(wanted, no_fuzzy_matching=False)
    new = Catalog(locale=file.stem, fuzzy=False)
    for message in wanted:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            old = had.get(key, message.context)
            new.add(
                message.id,
                old.string,
                locations=message.locations,
                flags=old.flags & {"fuzzy"},
                context=message.context,
            )
    return new


def written(catalog: Catalog) -> bytes:
    text = BytesIO()
    write_po(text, catalog, width=0, include_lineno=False, omit_header=True)
    header = HEADER.format(language=catalog.locale, plurals=catalog.plural_forms)
    return header.encode() + text.getvalue()


def faults(catalog: Catalog) -> list[str]:
    """Sentences without a translation, or with one that nobody has confirmed."""
    return [str(m.id) for m in catalog if m.id and (m.fuzzy or not all(strings(m.string)))]


def strings(string: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The forms of a translation; one that is empty where there is none."""
    return (string,) if isinstance(string, str) else tuple(string or ("",))


def main() -> int:
    wanted, bad = template(), 0
    for file in sorted(i18n.LOCALE.glob("*.po")):
        new = updated(file, wanted)
        stale = file.read_bytes() != written(new)
        if "--check" not in sys.argv:
            file.write_bytes(written(new))
        print(f"{file.name}: {len(new):,} sentences, {len(faults(new)):,} to be translated")
        for sentence in faults(new):
            print(f"  {sentence!r}")
        bad += bool(faults(new)) or (stale and "--check" in sys.argv)
    return int(bad > 0 and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
