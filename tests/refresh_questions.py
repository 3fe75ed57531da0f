"""Renew docs/questions.md: what the committed pages of the sample say; `--check` says what is old.

python tests/refresh_questions.py            # after the committed outputs were renewed
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "questions.md"
MIME = "application/vnd.cxlab.answer+json"
ROW = re.compile(r"^\| \d+ \|")
AT = re.compile(r"`(\d\d)` (\w+)")


def rows(text: str) -> list[list[str]]:
    """The cells of each question: number, question, study, where, what it says, truth."""
    found = [line for line in text.splitlines() if ROW.match(line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found]


def notebook(number: str) -> Path | None:
    return next(iter(sorted((ROOT / "notebooks").glob(f"{number}_*.ipynb"))), None)


def claims(path: Path) -> dict[str, str]:
    """What the committed outputs of a notebook say, by the name of the answer."""
    content = json.loads(path.read_text("utf-8"))
    outputs = [o for c in content["cells"] for o in c.get("outputs", [])]
    records = [o["data"][MIME] for o in outputs if MIME in o.get("data", {})]
    return {r["name"]: r["answer"] for r in records}


def renewed(text: str) -> str:
    """The text with the sentences of the committed pages in the rows of the sample."""
    lines = []
    for line in text.splitlines():
        if ROW.match(line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            at = AT.match(cells[3])
            path = notebook(at[1]) if at else None
            if cells[2] == "sample" and at and path and (said := claims(path).get(at[2])):
                cells[4] = said.replace("|", "/")
            lines.append(f"| {' | '.join(cells)} |")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    old = FILE.read_text("utf-8")
    new = renewed(old)
    if "--check" in sys.argv:
        changed = [n for o, n in zip(old.splitlines(), new.splitlines(), strict=True) if o != n]
        print(*changed, sep="\n")
        sys.exit(bool(changed))
    FILE.write_text(new, "utf-8")
