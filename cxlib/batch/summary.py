"""What a run says of itself to a machine, and its exit code.

summary.of(results)                                # dict for `cx run --json`
summary.exit_code(results)                         # OK or FAILED
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlib.batch.results import Result

OK, FAILED = 0, 1
EMPTY: Mapping[str, str] = MappingProxyType({})


def exit_code(results: Sequence[Result], unusable: Mapping[str, str] = EMPTY) -> int:
    """FAILED when any page failed or a study was unusable, else OK.

    A page that the study cannot answer is no failure.
    """
    return FAILED if unusable or any(r.status == "failed" for r in results) else OK


def of(results: Sequence[Result], unusable: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    """exit_code, unusable (study: why), counts by status, reused, seconds, pages, and runs.

    A run: study, folder, index, and the index in each language as `indexes`.
    """
    statuses = [r.status for r in results]
    folders = dict.fromkeys((r.page.study, r.folder) for r in results)
    return {
        "exit_code": exit_code(results, unusable),
        "unusable": dict(unusable),
        "counts": {s: statuses.count(s) for s in dict.fromkeys(statuses)},
        "reused": sum(r.reused for r in results),
        "runs": [_run(study, folder, results) for study, folder in folders],
        "pages": [_page(r) for r in results],
    }


def _run(study: str, folder: Path, results: Sequence[Result]) -> dict[str, Any]:
    place = folder.resolve()
    suffixes = {r.page.lang: r.page.suffix for r in results if r.folder == folder}
    indexes = {lang: str(place / f"index{suffix}.html") for lang, suffix in suffixes.items()}
    index = str(place / "index.html")
    return {"study": study, "folder": str(place), "index": index, "indexes": indexes}


def _page(result: Result) -> dict[str, Any]:
    made = result.file.is_file()
    mistake = zip(("cell", "cells", "said"), result.mistake or (), strict=False)
    return {
        "study": result.page.study,
        "name": result.page.name,
        "title": result.page.title,
        "lang": result.page.lang,
        "status": result.status,
        "reused": result.reused,
        "why": result.why,
        "answer": result.answer,
        "seconds": round(result.seconds, 2),
        "memory_mb": result.memory_mb,
        "html": str(result.file.resolve()) if made else None,
        "notebook": str(result.file.resolve().with_suffix(".ipynb")) if made else None,
        "parameters": dict(result.page.values),
        "mistake": dict(mistake) or None,
    }
