"""One notebook exported as one page: a self-contained HTML file that makes no request.

    facts = Facts(title="What moves satisfaction?", study=study, parameters={...}, ...)
    html = pages.bind(notebook, facts)

nbconvert's HTML exporter with our template (templates/cxlab), which `layout` tells what stands
where. HTML outputs go through an allow-list, figures are inline SVG from another one, Markdown is
rendered with HTML escaped, and the policy in the head forbids everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets.config import Config

from cxlib.privacy.masking import legible
from cxlib.report import layout, rendering, term_links
from cxlib.report.layout import Facts as Facts
from cxlib.report.prose import clean as clean
from cxlib.report.rendering import POLICY as POLICY
from cxlib.report.rendering import SCRIPT as SCRIPT
from cxlib.report.rendering import TEMPLATES


def bind(notebook: NotebookNode, facts: Facts) -> str:
    """The whole page as text."""
    body, _unused = _exporter().from_notebook_node(notebook, {"facts": facts})
    return legible(term_links.linked(body.strip(), f"glossary{facts.suffix}.html"))


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with the template of reports."""

    def default_filters(self) -> Iterable[Any]:
        """Filters of nbconvert and of the page."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield from {"code": self.highlight, **rendering.FILTERS}.items()

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page, and nbconvert's resources.

        HTMLExporter would parse the finished page again to add alternative texts and make outputs
        focusable, which takes as long as all else; the template does both.
        """
        return TemplateExporter.from_notebook_node(self, nb, resources, **more)

    def highlight(self, source: str) -> str:
        """Python in colours."""
        return Highlight2HTML(pygments_lexer="python", parent=self)(source)

    def _create_environment(self) -> Environment:
        return rendering.dressed(super()._create_environment())  # type: ignore[no-untyped-call]


class Layout(Preprocessor):
    """Work out what stands where, for the template."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook as it is, and the page in `resources`."""
        return nb, resources | {"page": layout.of(nb, resources["facts"])}


@cache
def _exporter() -> PageExporter:
    return PageExporter(  # type: ignore[no-untyped-call]
        config=Config(Layout={"enabled": True}),
        template_name="cxlab",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
        optimistic_validation=True,
        default_preprocessors=[Layout],
    )
