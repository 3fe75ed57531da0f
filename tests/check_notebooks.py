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
WHOLE = re.compile(r"^ *-?\d+\.0,?$", re.MULTILINE)  # JavaScript has no 0.0
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
    if nbformat.writes(notebook) + "\n" != text or WHOLE.search(text):
        found.append("JupyterLab would save it otherwise; run `make notebooks`")
    pixels = [o for c in code for o in c.outputs if "image/svg+xml" in o.get("data", {})]
    if unseen := sum("image/png" not in o.data for o in pixels):
        found.append(f"{unseen} figures are seen by nobody who does not trust it: no image/png")
    if len(text.encode()) > LARGEST:
        found.append(f"it has {len(text.encode()):,} bytes; the limit is {LARGEST:,}")
    return [f"{file.name}: {fault}." for fault in found]


if __name__ == "__main__":
    wrong = [fault for name in sys.argv[1:] for fault in faults(Path(name))]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(bool(wrong))
