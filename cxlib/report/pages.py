"""One notebook bound into one page: a self-contained HTML file that makes no request.

    facts = Facts(title="What moves satisfaction?", study=study, parameters={...}, ...)
    html = pages.bind(notebook, facts)

The template (`templates/page.html.j2`) is nbconvert's in form, and ours in content: HTML outputs go
through an allow-list, Markdown is rendered with HTML escaped, figures are data URIs with their
alternative text, and the policy in the head forbids everything else.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import bleach
import mistune
from nbconvert.exporters import TemplateExporter
from nbconvert.filters import Highlight2HTML, strip_ansi
from nbformat import NotebookNode

from cxlib import page
from cxlib.report.answers import MIME, table_of

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h2", "h3",
    "h4", "hr", "i", "li", "ol", "p", "pre", "small", "span", "strong", "sub", "sup", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"]}
NUMBER = re.compile(r"(&lt;|[−+-])?[\d,. ]*\d%?|–|NaN|")
NOTEBOOK = re.compile(r"(?<![\[\w/`])(?<!\]\()\b(\d\d_[a-z_]+)\b(?!\.ipynb|\]|`)")
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


def bind(notebook: NotebookNode, facts: Facts) -> str:
    """The whole page as text."""
    blocks = list(_blocks(notebook, facts))
    answers = [b for b in blocks if b["kind"] == "kept" and b["answer"]]
    for block in answers[:1]:
        block["first"] = True
    body, _ = _exporter().from_notebook_node(
        NotebookNode(nbformat=4, nbformat_minor=5, metadata={}, cells=[]),
        resources={
            "facts": facts,
            "blocks": blocks,
            "answers": answers,
            "contents": _contents(blocks),
            "people": _people(answers),
            "policy": POLICY,
        },
    )
    return body


def environment():
    """The Jinja environment of the templates, for the indexes too; made once."""
    return _exporter().environment


@cache
def _exporter() -> TemplateExporter:
    return _Exporter()


class _Exporter(TemplateExporter):
    """nbconvert's exporter with our one template and no preprocessor."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def __init__(self) -> None:
        super().__init__(
            template_file="page.html.j2",
            extra_template_basedirs=[str(TEMPLATES)],
            preprocessors=[],
            default_preprocessors=[],
        )

    def _create_environment(self):
        from jinja2 import Environment, FileSystemLoader

        made = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals.update(say=page.say, label=page.label, count=page.count)
        return made


def _blocks(notebook: NotebookNode, facts: Facts) -> Iterable[dict]:
    """What the page shows, from the top down: prose, code, and each output as its own block."""
    headings = {"about-this-page", "parameters", "stopped"}
    for number, cell in enumerate(notebook.cells, 1):
        tags = set(cell.metadata.get("tags", []))
        if "remove-cell" in tags or "papermill-error-cell-tag" in tags:
            continue
        if cell.cell_type == "markdown":
            yield {"kind": "prose", **_prose(page.say(cell.source), headings, facts)}
        elif cell.cell_type == "code":
            if not tags & {"remove-input", "parameters", "injected-parameters"}:
                yield {"kind": "code", "number": number, "html": _code(cell.source)}
            for output in cell.outputs:
                yield from _output(output, number)


def _prose(source: str, headings: set[str], facts: Facts) -> dict:
    """Markdown as HTML, its own `# title` left out, and its headings for the contents."""
    source = re.sub(r"\A\s*# .*\n?", "", source)
    source = NOTEBOOK.sub(r"[\1](\1.ipynb)", source)
    rendered = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(source)
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
    return {"html": _framed(rendered), "headings": found}


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
            if stem not in facts.pages:
                return words
            file, title = facts.pages[stem]
            words = html.escape(title) if words == stem else words
            return f'<a href="{html.escape(file)}">{words}</a>'
        safe = target.startswith(("https://", "http://", "#", "mailto:"))
        return f'<a href="{target}" rel="noreferrer noopener">{words}</a>' if safe else words

    return link


@cache
def _highlighter() -> Highlight2HTML:
    return Highlight2HTML(pygments_lexer="python")


def _code(source: str) -> str:
    return _highlighter()(source) if source.strip() else ""


def _output(output: NotebookNode, number: int) -> Iterable[dict]:
    if output.output_type == "stream":
        text = strip_ansi(output.text).strip("\n")
        if text.strip():
            yield {"kind": "text", "text": text, "warning": output.name == "stderr"}
    elif output.output_type == "error":
        yield {
            "kind": "error",
            "number": number,
            "text": strip_ansi("\n".join(output.traceback)),
            "said": f"{output.ename}: {strip_ansi(output.evalue)}",
        }
    else:
        yield from _data(output)


def _data(output: NotebookNode) -> Iterable[dict]:
    data, metadata = output.data, output.get("metadata", {})
    if record := data.get(MIME):
        yield {"kind": "kept", **record, "html": table_html(record), "first": False}
    elif found := next((m for m in ("image/svg+xml", "image/png", "image/jpeg") if m in data), ""):
        alt = metadata.get(found, {}).get("alt") or page.say("Figure without a description.")
        yield {"kind": "figure", "source": _data_uri(found, data[found]), "alt": alt}
    elif "text/html" in data:
        yield {"kind": "html", "html": clean(data["text/html"])}
    elif "text/markdown" in data:
        yield {"kind": "html", "html": _prose(data["text/markdown"], set(), Facts(""))["html"]}
    elif (text := data.get("text/plain", "")).strip() and not NO_WORDS.match(text):
        yield {"kind": "text", "text": strip_ansi(text), "warning": False}


def _data_uri(mime: str, content: str) -> str:
    if mime == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    return f"data:{mime};base64,{''.join(content.split())}"


def table_html(record: dict) -> str:
    """The kept table as HTML, in a box of its own that scrolls."""
    return clean(table_of(record).to_html(index=False, border=0))


def clean(fragment: str) -> str:
    """HTML from an output with only harmless tags left, tables framed and numbers aligned."""
    fragment = re.sub(r"<(style|script)\b.*?</\1\s*>", "", fragment, flags=re.S | re.I)
    return _framed(_cleaner().clean(fragment))


@cache
def _cleaner() -> bleach.Cleaner:
    return bleach.Cleaner(tags=TAGS, attributes=ATTRIBUTES, strip=True, strip_comments=True)


def _framed(fragment: str) -> str:
    return re.sub(r"<table.*?</table>", lambda m: _frame(m[0]), fragment, flags=re.S)


def _frame(table: str) -> str:
    name = html.escape(page.say("Table"))
    box = f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">'
    return f"{box}{_aligned(table)}</div>"


def _aligned(table: str) -> str:
    """Columns whose every cell is a number get the class that sets them right."""
    rows = re.findall(r"<tr.*?</tr>", table, flags=re.S)
    cells = [re.findall(r"<t([hd])[^>]*>(.*?)</t\1>", row, flags=re.S) for row in rows]
    body = [row for row in cells if any(kind == "d" for kind, _ in row)]
    width = max((len(row) for row in body), default=0)
    numeric = [
        bool(body) and all(len(r) > i and NUMBER.fullmatch(r[i][1].strip()) for r in body)
        for i in range(width)
    ]
    return re.sub(r"<tr.*?</tr>", lambda row: _mark(row[0], numeric), table, flags=re.S)


def _mark(row: str, numeric: list[bool]) -> str:
    place = iter(range(len(numeric)))

    def mark(match: re.Match) -> str:
        here = next(place, None)
        right = here is not None and numeric[here]
        return f'{match[0][:-1]} class="num">' if right else match[0]

    return re.sub(r"<t[hd](?: [^>]*)?>", mark, row)


def _contents(blocks: list[dict]) -> list[tuple[int, str, str]]:
    return [h for b in blocks if b["kind"] == "prose" for h in b["headings"]]


def _people(answers: list[dict]) -> str:
    """n of the first answer: the most people that stand behind one of its rows."""
    if not answers or "n" not in answers[0]["table"]["columns"]:
        return ""
    place = answers[0]["table"]["columns"].index("n")
    counts = [row[place] for row in answers[0]["table"]["rows"] if row[place] is not None]
    return page.count(max(counts)) if counts else ""
