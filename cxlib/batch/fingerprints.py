"""Digests of what a page is made from.

fingerprints.notebook(path)        # cells and tags; outputs do not count
fingerprints.code()                # cxlib's own source
fingerprints.code_of(path)         # as much of it as makes the pages of a notebook
fingerprints.packages()            # name -> version of everything installed
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from cxlib.core import parameters
from cxlib.data import contract
from cxlib.reserve import tables_read

ROOT = Path(__file__).resolve().parents[1]  # cxlib
# What makes every page, whatever its notebook imports; of `batch`, what its process runs.
MACHINERY = ("core", "data", "privacy", "report", "reserve")
WORKERS = ("engines", "execute", "preload", "processes")
OURS = re.compile(
    r"^\s*(?:(?:from|import) cxlib\.(\w+)|from cxlib import (?:\(([^)]*)\)|([\w, ]+)))", re.M
)
ALL_OF_IT = re.compile(r"^\s*import cxlib\s*(?:$|as\b|[,;#])|import_module|__import__", re.M)
# Files of the fonts that figures take Chinese characters from (`plots.fonts.CJK_FONTS`).
CHINESE_FONTS = re.compile(
    r"wqy|noto ?sans.?(cjk|sc)|source ?han ?sans|pingfang|msyh|simhei|droidsansfallback|"
    r"arial ?unicode",
    re.I,
)
FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    r"C:\Windows\Fonts",
)


def digest(value: object) -> str:
    """sha256 of a value written as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def of_file(file: Path) -> str:
    """sha256 of a file's bytes. Raises OSError."""
    return of_content(file.read_bytes())


def of_content(content: bytes) -> str:
    """sha256 of these bytes."""
    return hashlib.sha256(content).hexdigest()


def notebook(path: Path) -> str:
    """Digest of a notebook's cells and tags and its own facts; outputs do not count."""
    return _notebook(path.read_bytes())


@cache
def _notebook(text: bytes) -> str:
    content = parameters.parsed(text)
    cells = [
        [c["cell_type"], "".join(c["source"]), c.get("metadata", {}), c.get("id", "")]
        for c in content["cells"]
    ]
    return digest([cells, content.get("metadata", {}).get("cxlib", {})])


@cache
def code() -> str:
    """Digest of every file of cxlib: source, templates, styles, catalogues, word lists."""
    return of_package(ROOT)


def code_of(notebook: Path) -> str:
    """Digest of the parts of cxlib that a page is made with.

    These are what its notebook imports, what that imports in turn, and what makes every page.
    A notebook that mentions cxlib in another way is made with all of it.
    """
    return _code_of(_imported_by(notebook.read_bytes()))


@cache
def _imported_by(notebook: bytes) -> frozenset[str]:
    cells = parameters.parsed(notebook)["cells"]
    source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return frozenset(imports(source))


def imports(source: str) -> set[str]:
    r"""The packages of cxlib that a source imports; all where it names cxlib in another way.

    Examples
    --------
    >>> sorted(imports("from cxlib import scores, plots\nfrom cxlib.core.sample import Sample"))
    ['core', 'plots', 'scores']
    """
    return set(_parts()) if ALL_OF_IT.search(source) else _imported(source) & set(_parts())


@cache
def _code_of(imported: frozenset[str]) -> str:
    parts, found = _parts(), set[str]()
    new = {*imported, *MACHINERY} & set(parts)
    while new:
        found |= new
        new = {p for name in new for p in parts[name][1]} - found
    workers = [(name, of_file(ROOT / "batch" / f"{name}.py")) for name in WORKERS]
    return digest([[(name, parts[name][0]) for name in sorted(found)], workers])


@cache
def language(lang: str) -> str:
    """A language and the digest of its catalogue of sentences; English has none."""
    catalogue = ROOT / "locale" / f"{lang}.po"
    return f"{lang} {of_file(catalogue)}" if catalogue.is_file() else lang


@cache
def _parts() -> dict[str, tuple[str, set[str]]]:
    """Each package of cxlib: digest of its files, and the packages that they import."""
    folders = sorted(f.parent for f in ROOT.glob("*/__init__.py"))
    names = {f.name for f in folders}
    return {
        folder.name: (
            of_package(folder),
            {p for f in folder.rglob("*.py") for p in _imported(f.read_text("utf-8"))} & names,
        )
        for folder in folders
    }


def _imported(source: str) -> set[str]:
    found: set[str] = set()
    for module, in_brackets, names in OURS.findall(source):
        found |= {module} if module else set(re.findall(r"\w+", in_brackets or names))
    return found


def of_package(folder: Path) -> str:
    """Digest of every file in a folder but what Python compiles and editors leave.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     before = of_package(Path(place))
    ...     _written = Path(place, "words.yaml").write_text("one: 1")
    ...     of_package(Path(place)) == before
    False
    """
    files = sorted(
        p.relative_to(folder)
        for p in folder.rglob("*")
        if p.is_file() and p.suffix not in (".pyc", ".swp") and not p.name.endswith("~")
    )
    return digest([(p.as_posix(), of_file(folder / p)) for p in files])


@cache
def packages() -> dict[str, str]:
    """Name and version of everything installed.

    Read from the names of the folders that installers leave: importlib.metadata opens a file for
    each, which takes longer than all else that a batch with nothing to do has to do.
    """
    found: dict[str, str] = {}
    for place in filter(os.path.isdir, sys.path):
        for folder in os.scandir(place):
            stem, _, kind = folder.name.rpartition(".")
            name, _, version = stem.partition("-")
            if kind == "dist-info" and version:
                found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


@cache
def fonts() -> list[tuple[str, int]]:
    """Name and size of the files of fonts with Chinese characters: figures differ with them.

    Found by their names, without matplotlib: a batch with nothing to do does not import it.
    """
    files = {
        (name, os.stat(os.path.join(place, name)).st_size)
        for folder in FONT_FOLDERS
        for place, _, names in os.walk(os.path.expanduser(folder))
        for name in names
        if CHINESE_FONTS.search(name) and os.path.isfile(os.path.join(place, name))
    }
    return sorted(files)


def of_page(data: Mapping[str, str], read: Iterable[str]) -> dict[str, str]:
    """The fingerprints of data that a page which read these tables was made from."""
    if tables_read.ALL in read:
        return dict(data)
    others = {*contract.TABLES, *tables_read.MARKS} - set(read)
    return {k: mark for k, mark in data.items() if k not in others}
