"""Whether a run will have pages to make, guessed before anything is imported.

    if head_start.helps(words): processes.start()      # the fork server imports while we plan
    head_start.note(words, begun)                      # after a run that made nothing

A fork server imports for seconds. Where the same command made nothing last time, and no file that
it may have read is newer, none is started; where that guess is wrong it starts when the first page
is to be made. What is made and what is not is decided by `cache`, never here.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from cxlib.core import files

NOTED = ".up_to_date.json"  # in reports/: digest of a command -> when it last made nothing
MOST = 50  # commands noted
CODE = Path(__file__).resolve().parents[1]
OURS = ("warnings.json", ".lock", ".holder", ".pyc")  # ends of the names of what runs write there


def helps(root: Path, words: Sequence[object]) -> bool:
    """Whether this command is likely to have pages to make."""
    begun = _noted(root).get(_key(words), 0)
    return any(changed >= begun for changed in _changes(root))


def note(root: Path, words: Sequence[object], begun: int) -> None:
    """Note that a command which began then (nanoseconds of the clock) had nothing to make."""
    noted = {k: v for k, v in _noted(root).items() if k != _key(words)} | {_key(words): begun}
    with suppress(OSError):  # no room to note it: the next run starts a fork server
        files.write(root / "reports" / NOTED, json.dumps(dict([*noted.items()][-MOST:])))


def _noted(root: Path) -> dict[str, int]:
    try:
        found = json.loads((root / "reports" / NOTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(words: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(words, default=str).encode()).hexdigest()[:24]


def _changes(root: Path) -> Iterator[int]:
    """When each file that pages are made from changed: data, notebooks, code, packages."""
    for place in (root / "data", root / "notebooks", root / "my", CODE):
        for folder, _unused, names in os.walk(place):
            for name in names:
                if not name.endswith(OURS):
                    with suppress(OSError):
                        yield os.stat(os.path.join(folder, name)).st_mtime_ns
    for packages in filter(os.path.isdir, sys.path):
        yield os.stat(packages).st_mtime_ns
