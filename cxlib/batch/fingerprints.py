"""Digests of what a page is made from.

fingerprints.notebook(path)        # cells and tags; outputs do not count
fingerprints.code()                # cxlib's own source
fingerprints.packages()            # name -> version of everything installed
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from functools import cache
from pathlib import Path

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
    return hashlib.sha256(file.read_bytes()).hexdigest()


def notebook(path: Path) -> str:
    """Digest of a notebook's cells and tags and its own facts; outputs do not count."""
    return _notebook(path.read_bytes())


@cache
def _notebook(text: bytes) -> str:
    content = json.loads(text)
    cells = [
        [c["cell_type"], "".join(c["source"]), c.get("metadata", {}), c.get("id", "")]
        for c in content["cells"]
    ]
    return digest([cells, content.get("metadata", {}).get("cxlib", {})])


@cache
def code() -> str:
    """Digest of every file of cxlib: source, templates, styles, catalogues, word lists."""
    return of_package(Path(__file__).resolve().parents[1])


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
