"""The documentation site (`make docs`): Sphinx over the papers, notebooks and docstrings of the project.

The source is the project's own folder, so that links between papers are the same on the site as in the
files. Notebooks are shown with the outputs they are committed with; nothing is run and nothing is fetched.
"""  # noqa: E501

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sphinx.application import Sphinx  # noqa: E402

from cxlib import __version__  # noqa: E402

project = "CX Lab"
author = "CX Lab contributors"
copyright = "2026, CX Lab contributors"  # a name that Sphinx reads
version = release = __version__
root_doc = "docs/index"
include_patterns = [
    *("docs/*.md", "docs/api/*.rst", "notebooks/*.ipynb", "data/README.md", "reports/README.md"),
    *("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "README.md"),
]
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb"]
html_theme = "furo"
html_title = f"CX Lab {version}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/svg+xml", 5), ("html", "text/html", 10)]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
default_role = "code"  # a single backtick in a docstring is code, as in its source
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # in the signature they are longer than the signature
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]


def as_code(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Show indented lines of a module's docstring as code: reStructuredText wants `::` before."""
    if what != "module":
        return
    made: list[str] = []
    for at, line in enumerate(lines):
        starts = line.startswith("    ") and (at == 0 or not lines[at - 1].strip())
        inside = any(before.strip() for before in made) and made[-1:] == [""]
        before = next((text for text in reversed(made) if text.strip()), "")
        if starts and inside and not before.startswith("    "):
            made += ["::", ""]
        made.append(line)
    lines[:] = made


def hide_code(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fold the code of notebooks, but for parameters: readers see answers first."""
    if not docname.startswith("notebooks/"):
        return
    content = json.loads(source[0])
    for cell in content["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            tags = cell["metadata"].setdefault("tags", [])
            cell["metadata"]["tags"] = [*tags, "hide-input"]
    source[0] = json.dumps(content)


def write_stubs(app: Sphinx) -> None:
    """Write a page for each module that docs/api.md lists; autodoc fills it."""
    folder = ROOT / "docs" / "api"
    folder.mkdir(exist_ok=True)
    listed = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in re.findall(r"^api/(cxlib[\w.]*)$", listed, re.M):
        title = name.removeprefix("cxlib.")
        text = f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n   :members:\n"
        stub = folder / f"{name}.rst"
        if not stub.exists() or stub.read_text(encoding="utf-8") != text:
            stub.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect the functions above, as Sphinx asks of a configuration."""
    app.connect("builder-inited", write_stubs)
    app.connect("autodoc-process-docstring", as_code)
    app.connect("source-read", hide_code)
