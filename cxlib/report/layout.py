"""What stands where on a page: head, supporting findings, evidence by question, methods.

    page = layout.of(notebook, facts)
    page.head.claim, [s.words for s in page.sections], page.absent

The most important finding is the head, with the figure of its cell; up to five more that answer the
question support it. A section in which nothing was printed is left out, and named in one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from markupsafe import Markup

from cxlib.core import i18n
from cxlib.core.errors import ABSENT, PARTIAL
from cxlib.core.finding import Importance
from cxlib.core.i18n import _
from cxlib.report import answer_names, figures, html_tables, prose
from cxlib.report.answers import MIME
from cxlib.report.figures import Figure

if TYPE_CHECKING:
    from nbformat import NotebookNode

SUPPORTING = 5  # findings under the head
MANY_FIGURES = 8  # figures of a page whose questions all stay open
MANY = (
    10  # questions that a page shows whole; of more, those whose answer changes nothing are closed
)
REMOVED = {"remove-cell", "papermill-error-cell-tag"}
NO_INPUT = {"remove-input", "parameters", "injected-parameters"}
NO_WORDS = re.compile(r"^\[?(array\()?\[*<(Axes|Figure|matplotlib|seaborn)")  # a figure's leftovers
HEADINGS = re.compile(r'(?=<h[23] id=")')
HEADING = re.compile(r'<h([23]) id="([^"]*)">(.*?)</h\1>', re.S)
TAKEN = ("about-this-page", "methods", "parameters", "stopped", "main", "contents")
# What tables are called whose answer claims nothing; others by the name they are kept by.
LIST_FILE = re.compile(r"(?<![\w./-])[\w.-]+\.csv\b")


@dataclass(frozen=True)
class Facts:
    """What a page says besides its notebook.

    `parameters` is a list of (name, value, comment); `pages` maps the notebooks of the same run to
    file and title of their pages; `mistake` is (cell, cells, error) of a page that failed; `foot`
    is a list of short texts. No times: two runs of the same inputs are the same page.
    """

    title: str
    lang: str = "en"
    study: Mapping[str, Any] = field(default_factory=dict)  # title, source, licence, period ...
    parameters: Iterable[tuple[str, str, str]] = ()
    pages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    set_name: str = ""
    mistake: tuple[int, int, str] | None = None
    lacking: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    notebook: str = ""
    others: Mapping[str, str] = field(default_factory=dict)  # language: its file of this page
    suffix: str = ""  # of the files of this language: index.zh.html
    # File and name of the pages of the unit that this one belongs to, and of the units below it
    above: Iterable[tuple[str, str]] = ()
    below: Iterable[tuple[str, str]] = ()


@dataclass
class Answer:
    """A kept answer: what is said, its figures, its table."""

    kind = "answer"
    record: dict[str, Any]
    figures: list[Figure]
    cell: list[Figure]  # all figures of its cell
    claim: str = ""  # empty where the page says it elsewhere
    detail: str = ""
    is_head: bool = False
    folded: bool = False  # its claim is what a closed question shows

    @property
    def finding(self) -> Mapping[str, Any]:
        """The finding; of an answer without one its sentence."""
        return self.record.get("finding") or {"claim": self.record["answer"]}

    @property
    def importance(self) -> int:
        """How important the finding is."""
        return self.finding.get("importance", Importance.CONTEXT)

    @property
    def is_method(self) -> bool:
        """Whether it says how an answer was checked, and is not what the page says first."""
        said = bool(self.record["answer"]) and not self.is_head
        return said and self.importance == Importance.METHOD

    @property
    def action(self) -> str:
        """What to do; empty where the claim says it already."""
        action = str(self.finding.get("action", ""))
        return "" if not self.finding.get("owner") and action in self.finding["claim"] else action

    @property
    def title(self) -> str:
        """What stands above a table without a claim."""
        return str(self.record.get("title") or "") or i18n.opening(
            answer_names.called(self.record["name"])
        )

    @property
    def table(self) -> Markup:
        """The table of the answer as HTML."""
        return Markup(html_tables.of_record(self.record))  # noqa: S704 - escapes its cells

    @property
    def is_minor(self) -> bool:
        """Whether it describes, or finds no significant difference."""
        said = bool(self.record["answer"]) and not self.is_head
        return said and self.importance <= Importance.CONTEXT

    @property
    def has_its_number(self) -> bool:
        """Whether the number of the finding, or its change, is in the table; true without one."""
        columns, said = self.record["table"]["columns"], self.finding
        if said.get("value") is None or "estimate" not in columns:
            return True
        at, wanted = columns.index("estimate"), (said["value"], said.get("change"))
        return any(
            row[at] is not None and row[at] in wanted for row in self.record["table"]["rows"]
        )

    @property
    def csv(self) -> str:
        """The table as an address that a browser saves."""
        return "data:text/csv;charset=utf-8,%EF%BB%BF" + quote(html_tables.csv_of(self.record))


@dataclass
class Shown:
    """Anything else in the middle of a page."""

    kind: str  # code, figure, text, html, error
    value: Any


Part: TypeAlias = Answer | Shown


@dataclass
class Group:
    """A piece of prose and what the cells up to the next one show."""

    prose: Markup = field(default_factory=Markup)
    parts: list[Part] = field(default_factory=list)
    ran: bool = False  # there was a cell

    @property
    def empty(self) -> bool:
        """Whether it ran and shows nothing but code."""
        return self.ran and all(part.kind == "code" for part in self.parts)


@dataclass
class Section:
    """A heading and its groups; level 0 is what stands before the first heading."""

    level: int = 0
    slug: str = ""
    words: str = ""
    groups: list[Group] = field(default_factory=lambda: [Group()])
    reasons: list[str] = field(default_factory=list)  # why parts are left out
    closed: str = ""  # the answer that stands for it until a reader opens it

    @property
    def empty(self) -> bool:
        """Whether something ran in it, and nothing of that shows anything but code."""
        return any(g.ran for g in self.groups) and all(g.empty or not g.ran for g in self.groups)

    @property
    def bare(self) -> bool:
        """Whether it is nothing but a heading and prose over sections of its own."""
        return not any(g.ran for g in self.groups)


@dataclass
class Page:
    """All that the template needs."""

    facts: Facts
    head: Answer | None
    figure: Figure | None
    supporting: list[Answer]
    sections: list[Section]
    intro: Section
    absent: list[str]  # sentences
    methods: list[Section]  # how the answers were checked, by question
    references: Markup  # the line of the notebook that begins with "Methods:"
    notes: list[tuple[str, str, str]]  # id, of what, note
    warnings: list[str]
    n: str
    partial: list[str]  # of which rows the page is made, where not of all
    foot: list[str]

    @property
    def contents(self) -> list[Section]:
        """The sections that have a heading."""
        return [s for s in self.sections if s.words]

    @property
    def about(self) -> list[str]:
        """When the data are from, which rows are counted, and how many."""
        said = []
        if period := self.facts.study.get("period"):
            said.append(i18n.data_period(*period))
        if today := self.facts.study.get("today"):
            said.append(_("lists and due dates as of {day}", day=i18n.day(today)))
        said += self.facts.study.get("stale", [])
        if self.facts.notebook.startswith("00_"):  # is the data sound?
            said += self.facts.study.get("fresh", [])
        asked = {name: value for name, value, _comment in self.facts.parameters}
        said += [asked.get("WAVE", ""), "" if self.facts.set_name else asked.get("WHERE", "")]
        said += self.partial
        said.append(f"n = {self.n}" if self.n else "")
        return [words for words in said if words]

    @property
    def neighbours(self) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
        """File and title of the page before and the page after, in the order of the run."""
        own = self.facts.notebook.removesuffix(".ipynb") + ".html"
        every = [None, *self.facts.pages.values(), None]
        place = next((i for i, page in enumerate(every) if page and page[0] == own), 0)
        return (every[place - 1], every[place + 1]) if place else (None, None)


def of(notebook: NotebookNode, facts: Facts) -> Page:
    """The page of an executed notebook."""
    sections, warnings, references = _sections(notebook, facts)
    every = [p for s in sections for g in s.groups for p in g.parts if isinstance(p, Answer)]
    head, supporting = _ranked(every)
    figure = None
    if head is not None and (drawn := head.figures or head.cell):
        figure = drawn[0]
        for answer in every:
            answer.figures = [f for f in answer.figures if f is not figure]
    _say_once(every, head)
    intro, kept = _intro(sections)
    absent = _absent(sections)
    methods = _methods(kept)
    shown = _without_empty(kept)
    _close_minor(shown, int(figure is not None))
    parts = (part.partition(" ") for part in facts.foot)  # "seed 1", in the page's language
    return Page(
        facts,
        head,
        figure,
        supporting,
        shown,
        intro,
        absent,
        methods,
        references,
        _notes(every, facts.pages),
        warnings,
        _people(head.record) if head else "",
        _partial(notebook),
        [f"{i18n.label(word)} {value}".strip() for word, _unused, value in parts],
    )


def _sections(notebook: NotebookNode, facts: Facts) -> tuple[list[Section], list[str], Markup]:
    """The cells by heading, what the software said on stderr, and the papers behind the methods."""
    sections, warnings, slugs, drawn = [Section()], [], set(TAKEN), 0
    references = Markup()
    stem = facts.notebook.removesuffix(".ipynb") or "page"
    for number, cell in enumerate(notebook.cells, 1):
        tags = set(cell.metadata.get("tags", []))
        if REMOVED & tags:
            continue
        if cell.cell_type == "markdown":
            words, _begins, papers = _(cell.source).partition("\n" + _("Methods:"))
            words = _see_also(words)
            _read_prose(prose.rendered(words, slugs, facts.pages), sections)
            papers = prose.rendered(papers.strip(), slugs, facts.pages)
            references += Markup(papers)  # noqa: S704 - `rendered` escapes HTML
            continue
        if cell.cell_type != "code":
            continue
        group = sections[-1].groups[-1]
        group.ran = True
        if cell.source.strip() and not NO_INPUT & tags:
            group.parts.append(Shown("code", cell.source))
        shown: list[Part] = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                said = prose.without_warnings(prose.strip_ansi(output.text))
                warnings.append(said.strip("\n"))
            elif ABSENT in output.get("data", {}):
                sections[-1].reasons.append(output.data[ABSENT]["reason"])
            else:
                part = _part(output, number, f"f{drawn}-", stem)
                drawn += part is not None and part.kind == "figure"
                shown += [part] if part else []
        group.parts += _joined(shown)
    return sections, [w for w in warnings if w.strip()], references


def _partial(notebook: NotebookNode) -> list[str]:
    """Of which rows the page is made, as its cells say it."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    found = (output.get("data", {}).get(PARTIAL) for output in outputs)
    return list(dict.fromkeys(about["short"] for about in found if about))


def _see_also(words: str) -> str:
    """The line of a notebook that says where to go on, named apart from the next page of the run.

    A notebook points to what answers the next question; the page ends with a link to the page that
    comes next on the index.
    """
    for begins in dict.fromkeys((_("Next:"), "Next:")):
        words = re.sub(rf"^{re.escape(begins)}", _("See also:"), words, flags=re.M)
    return words


def _read_prose(made: str, sections: list[Section]) -> None:
    """Begin a section at each heading, else a group of the section that is open."""
    for piece in HEADINGS.split(made):
        heading = HEADING.match(piece)
        # `made` is what `prose.rendered` returns, which escapes HTML.
        text = Markup(piece[heading.end() :] if heading else piece)  # noqa: S704
        if heading:
            words = prose.words_of(heading[3])
            sections.append(Section(int(heading[1]), heading[2], words, [Group(text)]))
        elif piece.strip():
            if sections[-1].groups[-1].ran:
                sections[-1].groups.append(Group())
            sections[-1].groups[-1].prose += text


def _part(output: NotebookNode, number: int, prefix: str, stem: str) -> Part | None:
    """What an output shows; nothing for the leftovers of figures and for blanks."""
    if output.output_type == "error":
        return Shown("error", (number, output))
    if output.output_type == "stream":
        return _text(output.text)
    data = output.get("data", {})
    if MIME in data:
        return Answer(data[MIME], [], [])
    if figure := figures.of(output, prefix, f"{stem}-{prefix[1:-1]}"):
        return Shown("figure", figure)
    if "text/html" in data:
        return Shown("html", Markup(prose.clean(data["text/html"])))  # noqa: S704 - cleaned
    if "text/markdown" in data:
        made = prose.rendered(data["text/markdown"], set(), {})
        return Shown("html", Markup(made))  # noqa: S704 - `rendered` escapes HTML
    said = data.get("text/plain", "")
    return None if NO_WORDS.match(said) else _text(said)


def _text(said: str) -> Shown | None:
    said = prose.strip_ansi(said).strip("\n")
    return Shown("text", _linked(said)) if said.strip() else None


def _linked(said: str) -> str:
    """The text, files of lists as links to them."""
    pieces, at = Markup(), 0
    for found in LIST_FILE.finditer(said):
        pieces += said[at : found.start()]
        pieces += Markup('<a href="{}" download>{}</a>').format(found[0], found[0])
        at = found.end()
    return pieces + said[at:] if at else said


def _joined(shown: list[Part]) -> list[Part]:
    """The parts of a cell, its figures given to its answers: one each, or all to the first."""
    drawn = [p.value for p in shown if isinstance(p, Shown) and p.kind == "figure"]
    answers = [p for p in shown if isinstance(p, Answer)]
    if not answers or not drawn:
        return shown
    for answer in answers:
        answer.cell = drawn
    speaking = [a for a in answers if a.record["answer"]] or answers
    if len(speaking) == len(drawn):
        for answer, figure in zip(speaking, drawn, strict=True):
            answer.figures = [figure]
    else:
        speaking[0].figures = list(drawn)
    return [p for p in shown if p.kind != "figure"]


def _ranked(every: list[Answer]) -> tuple[Answer | None, list[Answer]]:
    """The most important finding, of equals the first, and those that support it."""
    first: dict[str, Answer] = {}
    for answer in every:
        if answer.record["answer"]:
            first.setdefault(answer.finding["claim"], answer)
    ordered = sorted(first.values(), key=lambda a: -a.importance)
    new = [a for a in ordered[1:] if a.finding["claim"] not in ordered[0].finding["claim"]]
    supporting = [a for a in new if a.importance >= Importance.ANSWER][:SUPPORTING]
    return (ordered[0] if ordered else None), supporting


def _say_once(every: list[Answer], head: Answer | None) -> None:
    """Give each answer the words that stand with its evidence; those of the head are above."""
    said = {head.finding["claim"]} if head else set()
    for answer in every:
        answer.is_head = answer is head
        claim = answer.finding["claim"]
        answer.claim = "" if claim in said else claim
        answer.detail = "" if answer.is_head else answer.finding.get("detail", "")
        said.add(claim)


def _intro(sections: list[Section]) -> tuple[Section, list[Section]]:
    """What stands before the first heading: words and code for the fold, the rest for the page."""
    before, *others = sections
    quiet, loud = Section(groups=[]), Section(groups=[])
    for group in before.groups:
        in_fold = [p for p in group.parts if p.kind in ("code", "text")]
        quiet.groups.append(Group(group.prose, in_fold))
        if shown := [p for p in group.parts if p.kind not in ("code", "text")]:
            loud.groups.append(Group(parts=shown, ran=True))
    return quiet, [loud, *others] if loud.groups else others


def _methods(sections: list[Section]) -> list[Section]:
    """Take out the findings on method: by question, for the fold at the end of the page.

    With all that a section shows, its words and its code go too.
    """
    moved = []
    for section in sections:
        own = Section(3, "", section.words, groups=[])
        for group in section.groups:
            quiet = [p for p in group.parts if isinstance(p, Answer) and p.is_method]
            if quiet:
                group.parts = [
                    p for p in group.parts if not (isinstance(p, Answer) and p.is_method)
                ]
                code, words = (group.parts, group.prose) if group.empty else ([], Markup())
                own.groups.append(Group(words, [*code, *quiet], ran=True))
        moved += [own] if own.groups else []
    return moved


def _close_minor(sections: list[Section], drawn: int = 0) -> None:
    """On a long page, close the questions whose answers change nothing: their first claim stays.

    A page is long by its questions or by its figures, of which `drawn` stand above the sections.
    """
    asked = [s for s in sections if s.level == 3 and any(g.ran for g in s.groups)]
    every = [p for s in sections for g in s.groups for p in g.parts]
    drawn += sum(len(p.figures) if isinstance(p, Answer) else p.kind == "figure" for p in every)
    if len(asked) <= MANY and drawn <= MANY_FIGURES:
        return
    for section in asked:
        parts = [p for g in section.groups for p in g.parts if p.kind != "code"]
        answers = [p for p in parts if isinstance(p, Answer)]
        if answers and len(answers) == len(parts) and all(a.is_minor for a in answers):
            section.closed, answers[0].claim, answers[0].folded = answers[0].claim, "", True


def _without_empty(sections: list[Section]) -> list[Section]:
    """Sections that show something; one above others is kept where any of them is."""
    kept: list[Section] = []
    for place, section in enumerate(sections):
        below = []
        for other in sections[place + 1 :]:
            if other.level <= section.level:
                break
            below.append(other)
        alone = section.empty or (below and section.bare)
        if not alone or not all(s.empty for s in below):
            section.groups = [g for g in section.groups if not g.empty]
            kept.append(section)
    return kept


def _absent(sections: list[Section]) -> list[str]:
    """What the page has not, with the reason where one was given."""
    by_reason: dict[tuple[str, ...], list[str]] = {}
    for section in sections:
        reasons = tuple(dict.fromkeys(filter(None, section.reasons)))
        heading = section.words if section.empty else ""  # of others only a part is left out
        if reasons or heading:
            by_reason.setdefault(reasons, []).append(heading)
    of_headings = {r for reasons, words in by_reason.items() if any(words) for r in reasons}
    said = []
    # Questions first: a reason that was given within a part may be that of questions after it.
    ordered = sorted(by_reason.items(), key=lambda item: (bool(item[0]), not any(item[1])))
    for reasons, words in ordered:
        if not any(words) and not (reasons := tuple(r for r in reasons if r not in of_headings)):
            continue  # a heading that is not there says so already
        what, why = i18n.together(words), i18n.together(reasons).rstrip(".。")
        said.append(_("{what} ({why})", what=what, why=why) if what and why else what or why)
    return [s if s.endswith(("?", "？")) else _("{first}.", first=s) for s in said]


def _notes(every: list[Answer], pages: Mapping[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Each note once: the id it has, of which answers it is, and what it says."""
    by_note: dict[str, list[str]] = {}
    for answer in every:
        if answer.record["note"]:
            by_note.setdefault(answer.record["note"], []).append(answer.record["name"])
    return [
        (
            f"method-{names[0]}",
            i18n.opening(i18n.listed(map(answer_names.called, names))),
            prose.named(note, pages),
        )
        for note, names in by_note.items()
    ]


def _people(record: Mapping[str, Any]) -> str:
    """How many the answer is about, where that is one number for all its rows.

    Rows that share everybody out between them (segments) are added up.
    """
    columns = record["table"]["columns"]
    if not {"n", "estimate"} <= set(columns):
        return ""
    at, place = columns.index("estimate"), columns.index("n")
    rows = [r for r in record["table"]["rows"] if None not in (r[at], r[place])]
    counts = [row[place] for row in rows]
    if len(set(counts)) < 2:
        return i18n.count(counts[0]) if counts else ""
    everybody = sum(counts)
    parted = all(abs(row[place] - row[at] * everybody) < 1 for row in rows)
    return i18n.count(everybody) if parted else ""
