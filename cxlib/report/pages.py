"""One notebook exported as one page: a self-contained HTML file that makes no request.

    facts = Facts(title="What moves satisfaction?", study=study, parameters={...}, ...)
    html = pages.bind(notebook, facts)

nbconvert's HTML exporter with our template (templates/cxlab). HTML outputs go through an
allow-list, Markdown is rendered with HTML escaped, figures are data URIs with their alternative
text, and the policy in the head forbids everything else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import bleach  # type: ignore[import-untyped]
import mistune
from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from nbformat import NotebookNode
from traitlets.config import Config

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.privacy.masking import legible
from cxlib.report import html_tables
from cxlib.report.answers import MIME

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = re.compile(r"<(style|script)\b", re.I)
# Characters written as numbers that would turn or hide text (`masking.legible` has them plain).
UNSEEN = re.compile(
    "&#(?:x0*(?:202[a-e]|206[6-9]|[0-8bcef]|1[0-9a-f]|7f)|0*(?:823[4-8]|829[4-7]|[0-8]|1[1245-9]"
    "|2[0-9]|3[01]|127))(?:;|(?![0-9a-f]))",
    re.I,
)
SCRIPT = (TEMPLATES / "sort.js").read_text(encoding="utf-8")  # sorts tables; nothing needs it
_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h2", "h3",
    "h4", "hr", "i", "li", "ol", "p", "pre", "small", "span", "strong", "sub", "sup", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"]}
NOTEBOOK = re.compile(r"(?<![\[\w/`])(?<!\]\()\b(\d\d_[a-z_]+)\b(?!\.ipynb|\]|`)")
IN_ADDRESS = re.compile('[%#<>&"]')  # what an address in a page may not hold
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')
WIDE, TALL = 538, 480  # points: wider than the text; more than half a printed page
# Chinese has no space beside a link, which its source needs, nor where a line ends.
BESIDE_LINKS = re.compile(
    "(?<=[\u3000-\u9fff\uff00-\uffef])(?: (?=<a |“)|\n(?=[\u3000-\u9fff\uff00-\uffef]))"
    "|(?:(?<=</a>)|(?<=”)) (?=[\u3000-\u9fff\uff00-\uffef])"
)
COLUMNS = re.compile(r"\S {2,}\S|^ ", re.M)  # printed in columns: letters of one width
ANSI = re.compile("\x1b\\[.*?[@-~]")
NO_WORDS = re.compile(r"^\[?(array\()?\[*<(Axes|Figure|matplotlib|seaborn)")  # a figure's leftovers


@dataclass(frozen=True)
class Facts:
    """What a page says besides its notebook.

    `parameters` is a list of (name, value, comment); `pages` maps the notebooks of the same run to
    file and title of their pages; `mistake` is (cell, cells, error) of a page that failed; `foot`
    is a list of short texts. No times: two runs of the same inputs are the same page.
    """

    title: str
    lang: str = "en"
    study: Mapping[str, str] = field(default_factory=dict)  # title, source, licence, citation
    parameters: Iterable[tuple[str, str, str]] = ()
    pages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    set_name: str = ""
    mistake: tuple[int, int, str] | None = None
    lacking: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    notebook: str = ""
    others: Mapping[str, str] = field(default_factory=dict)  # language: its file of this page
    suffix: str = ""  # of the files of this language: index.zh.html


FIGURES = ("image/svg+xml", "image/png", "image/jpeg")
PRIORITY = [MIME, *FIGURES, "text/html", "text/markdown", "text/plain"]  # of an output's forms


def bind(notebook: NotebookNode, facts: Facts) -> str:
    """The whole page as text."""
    body, _unused = _exporter().from_notebook_node(notebook, {"facts": facts})
    return legible(body.strip())


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with the template of reports."""

    def default_filters(self) -> Iterable:
        yield from super().default_filters()
        own = {"clean_html": clean, "data_uri": _data_uri, "highlight_code": self.highlight}
        yield from own.items()
        yield from {"kept_table": table_html, "strip_ansi": strip_ansi, "tied": tied}.items()

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict | None = None, **more
    ) -> tuple[str, dict]:
        """The page, and nbconvert's resources.

        HTMLExporter would parse the finished page again to add alternative texts and make outputs
        focusable, which takes as long as all else; the template does both.
        """
        return TemplateExporter.from_notebook_node(self, nb, resources, **more)

    def markdown2html(self, source: str) -> str:
        """Markdown of an output, its links left as words."""
        return _prose(source, set(), Facts(""))["html"]

    def highlight(self, source: str, metadata: Mapping | None = None) -> str:
        """Python in colours."""
        return Highlight2HTML(pygments_lexer="python", parent=self)(source, metadata=metadata)

    def _create_environment(self) -> Environment:
        made = super()._create_environment()
        made.autoescape = made.trim_blocks = made.lstrip_blocks = True
        made.tests["in_columns"] = COLUMNS.search
        made.tests["leftover"] = NO_WORDS.match
        made.globals.update(
            say=_,
            label=i18n.label,
            count=i18n.count,
            when=when,
            script=SCRIPT,
            languages=context.LANGUAGES,
            listed=i18n.listed,
            policy=POLICY,
            answer=MIME,
        )
        return made


class PagePreprocessor(Preprocessor):
    """What the head of a page tells of its cells, and what a template cannot work out.

    It goes into `resources`, and into the metadata `cxlab` of the cells and outputs.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Annotate the copy of the notebook that is exported."""
        facts = resources["facts"]
        slugs, contents = {"about-this-page", "parameters", "stopped"}, []
        kept: list[tuple[dict, dict]] = []  # what was kept, and where the page's facts of it go
        warnings = []
        for number, cell in enumerate(nb.cells, 1):
            about = cell.metadata["cxlab"] = NotebookNode(number=number)
            if REMOVED & set(cell.metadata.get("tags", [])):
                continue
            if cell.cell_type == "markdown":
                about |= _prose(_(cell.source), slugs, facts)
                contents += about["headings"]
            for output in cell.get("outputs", []):
                if output.output_type == "stream" and output.name == "stderr":
                    warnings.append(strip_ansi(output.text).strip("\n"))
                if "data" in output:
                    more = output.metadata["cxlab"] = NotebookNode(_about_output(output))
                    if MIME in output.data:
                        kept.append((output.data[MIME], more))
        answers = _annotated(kept)
        foot = (part.partition(" ") for part in facts.foot)  # "seed 1", in the page's language
        resources |= {
            "answers": answers,
            "contents": contents,
            "people": _people(answers),
            "foot": [f"{i18n.label(word)} {value}".strip() for word, _unused, value in foot],
            "warnings": [w for w in warnings if w.strip()],
        }
        return nb, resources


REMOVED = {"remove-cell", "papermill-error-cell-tag"}
NO_INPUT = {"remove-input", "parameters", "injected-parameters"}


@cache
def _exporter() -> PageExporter:
    removed = {"enabled": True, "remove_cell_tags": REMOVED, "remove_input_tags": NO_INPUT}
    config = Config(
        NbConvertBase={"display_data_priority": PRIORITY},
        PagePreprocessor={"enabled": True},
        TagRemovePreprocessor=removed,
    )
    return PageExporter(
        config=config,
        template_name="cxlab",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
        optimistic_validation=True,
        default_preprocessors=[PagePreprocessor, TagRemovePreprocessor],
    )


def environment() -> Environment:
    """The Jinja environment of all templates, for the indexes too."""
    return _exporter().environment


def _about_output(output: NotebookNode) -> dict:
    """Of a figure its words and size."""
    mime = next((m for m in FIGURES if m in output.data), "")
    if not mime:
        return {}
    about = output.metadata.get(mime, {})
    alt = about.get("alt") or _("Figure without a description.")
    return {"alt": alt, **_size(output.data[mime][:2000], about.get("width", 0))}


def _annotated(kept: list[tuple[dict, dict]]) -> list[dict]:
    """The answers for the head, each once, the most important first; which notes were told."""
    answers: dict[str, dict] = {}
    for record, _unused in kept:
        if record["answer"]:
            answers.setdefault(record["answer"], record)
    ordered = sorted(answers.values(), key=lambda r: -r.get("finding", {}).get("importance", 1))
    told: set[str] = set()
    for record, about in kept:
        about["first"] = bool(ordered) and record is ordered[0]
        about["told"] = record["note"] in told or about["first"]
        told.add(record["note"])
    return ordered


def _prose(source: str, headings: set[str], facts: Facts) -> dict:
    """Markdown as HTML, its own `# title` left out, and its headings for the contents."""
    source = re.sub(r"\A\s*# .*\n?", "", source)
    source = NOTEBOOK.sub(r"[\1](\1.ipynb)", source)
    markdown = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
    rendered = str(markdown(source))
    found = []

    def anchored(match: re.Match) -> str:
        level, inner = match[1], match[2]
        words = html.unescape(re.sub("<[^>]+>", "", inner))
        slug = _slug(words, headings)
        found.append((int(level), slug, words))
        return f'<h{level} id="{slug}">{inner}</h{level}>'

    rendered = re.sub(r"<h([23])>(.*?)</h\1>", anchored, rendered, flags=re.S)
    rendered = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', _link_to(facts), rendered, flags=re.S)
    rendered = re.sub(r"<img [^>]*>", "", rendered)
    if context.current().lang == "zh":
        rendered = BESIDE_LINKS.sub("", rendered)
    return {"html": html_tables.framed(rendered), "headings": found}


def _slug(words: str, taken: set[str]) -> str:
    base = re.sub(r"\W+", "-", words.lower()).strip("-") or "part"
    slug, more = base, 2
    while slug in taken:
        slug, more = f"{base}-{more}", more + 1
    taken.add(slug)
    return slug


def _link_to(facts: Facts):
    """Links to notebooks lead to their pages in this run, or become plain words."""

    def link(match: re.Match) -> str:
        target, words = match[1], match[2]
        if target.endswith(".ipynb"):
            stem = Path(target).stem
            if stem not in facts.pages:  # a notebook that this run has no page of
                title = i18n.opening(_(stem[3:].replace("_", " ")))
                return f"“{title}”" if words == stem else words
            file, title = facts.pages[stem]
            words = html.escape(title) if words == stem else words
            return f'<a href="{html.escape(file)}">{words}</a>'
        safe = target.startswith(("https://", "http://", "#", "mailto:"))
        return f'<a href="{target}" rel="noreferrer noopener">{words}</a>' if safe else words

    return link


def strip_ansi(text: str) -> str:
    """The text without the codes that colour it on a terminal."""
    return ANSI.sub("", text)


def _size(svg: str, pixels: object) -> dict[str, object]:
    """Whether a figure is wider than the text, and too tall for two on a printed page."""
    size = SIZE.search(svg)
    width, height = (float(size[1]), float(size[2])) if size else (0.0, 0.0)
    pixels = pixels if isinstance(pixels, int) else 0
    return {"wide": max(width, 0.75 * pixels) > WIDE, "tall": height > TALL, "pixels": pixels}


def _data_uri(content: str, mime: str) -> str:
    """The figure itself as an address; outlines as text, a fifth lighter than base 64."""
    if mime != "image/svg+xml":
        return f"data:{mime};base64,{''.join(content.split())}"
    text = " ".join(content.split())
    text = text if "'" in text else text.replace('"', "'")
    return Markup(f"data:{mime}," + IN_ADDRESS.sub(lambda m: f"%{ord(m[0]):02X}", text))


def table_html(record: dict) -> str:
    """The kept table as HTML, in a box of its own that scrolls."""
    return clean(html_tables.of_record(record))


def clean(fragment: str) -> str:
    """HTML from an output with only harmless tags left, tables framed and numbers aligned."""
    fragment = UNSEEN.sub("", fragment)
    fragment = _without_scripts(fragment)
    return html_tables.framed(_cleaner().clean(fragment))


def _without_scripts(fragment: str) -> str:
    """Without scripts and styles and what is in them; one that never ends takes all the rest."""
    kept, at = [], 0
    while begins := SCRIPTS.search(fragment, at):
        kept.append(fragment[at : begins.start()])
        ends = re.compile(rf"</{begins[1]}\s*>", re.I).search(fragment, begins.end())
        if ends is None:
            return "".join(kept)
        at = ends.end()
    return "".join([*kept, fragment[at:]])


@cache
def _cleaner() -> bleach.Cleaner:
    return bleach.Cleaner(tags=TAGS, attributes=ATTRIBUTES, strip=True, strip_comments=True)


def tied(text: str) -> str:
    """The text with n and its number on one line."""
    return re.sub(r"\bn (?=[\d<])", "n\u00a0", text)


def when(moment: str) -> str:
    """A moment of a run's record, as 2026-11-21T22:27:00+00:00, as people write it."""
    try:
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except ValueError:
        return moment
    if context.current().lang == "zh":
        return f"{at.year} 年 {at.month} 月 {at.day} 日 {at:%H:%M} UTC"
    return f"{at.day} {MONTHS[at.month - 1]} {at:%Y, %H:%M} UTC"


def _people(answers: list[dict]) -> str:
    """n of the first answer, where it is one number.

    Rows that share everybody out between them (segments) are added up.
    """
    columns = answers[0]["table"]["columns"] if answers else []
    if not {"n", "estimate"} <= set(columns):
        return ""
    at, place = columns.index("estimate"), columns.index("n")
    rows = [r for r in answers[0]["table"]["rows"] if None not in (r[at], r[place])]
    counts = [row[place] for row in rows]
    if len(set(counts)) < 2:
        return i18n.count(counts[0]) if counts else ""
    everybody = sum(counts)
    parted = all(abs(row[place] - row[at] * everybody) < 1 for row in rows)
    return i18n.count(everybody) if parted else ""
