"""Check the outputs that a commit would hold: of the sample, complete, small, of no machine.

python tests/check_notebooks.py notebooks/20_what_moves_satisfaction.ipynb

Called by pre-commit and by the tests; exit code 1 names what is wrong, a line each.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat

LARGEST = 1_500_000  # bytes of a committed notebook
STUDY = re.compile(r'^STUDY: str = "sample"', re.MULTILINE)
MACHINE = re.compile(r"/(?:home|root|Users|tmp|work|var/folders)/\w|[A-Z]:\\\\Users", re.ASCII)


def faults(file: Path) -> list[str]:
    """What keeps the notebook from being committed, one sentence each."""
    text = file.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    parameters = [c for c in code if "parameters" in c.metadata.get("tags", [])]
    found = []
    if len(parameters) != 1 or not STUDY.search(parameters[0].source):
        found.append('the cell tagged "parameters" does not say STUDY: str = "sample"')
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        found.append("cells were not run once, in order; run `make notebooks`")
    if any(o.output_type == "error" for c in code for o in c.outputs):
        found.append("a cell ended in an error")
    outputs = "".join(str(o) for c in code for o in c.outputs)
    if path := MACHINE.search(outputs):
        found.append(f"an output holds a path of a machine ({path.group()}…)")
    if len(text.encode()) > LARGEST:
        found.append(f"it has {len(text.encode()):,} bytes; the limit is {LARGEST:,}")
    return [f"{file.name}: {fault}." for fault in found]


if __name__ == "__main__":
    wrong = [fault for name in sys.argv[1:] for fault in faults(Path(name))]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(bool(wrong))
