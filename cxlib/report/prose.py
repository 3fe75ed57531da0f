"""Markdown and HTML of a notebook as a page may hold them: escaped, linked, cleaned.

prose.rendered(cell.source, slugs, links)      # HTML, with an id on each heading
prose.clean(fragment)                          # HTML of an output, harmless tags alone
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _
from cxlib.report import html_tables

if TYPE_CHECKING:
    import bleach  # type: ignore[import-untyped]

SCRIPTS = re.compile(r"<(style|script)\b", re.I)
# Characters written as numbers that would turn or hide text (`masking.legible` has them plain).
UNSEEN = re.compile(
    "&#(?:x0*(?:202[a-e]|206[6-9]|[0-8bcef]|1[0-9a-f]|7f)|0*(?:823[4-8]|829[4-7]|[0-8]|1[1245-9]"
    "|2[0-9]|3[01]|127))(?:;|(?![0-9a-f]))",
    re.I,
)
TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "dd", "details", "div", "dl", "dt", "em", "h2",
    "h3", "h4", "hr", "i", "li", "ol", "p", "pre", "small", "span", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
    "span": lambda _tag, name, value: (name, value) == ("class", "tied"),  # of `tied`
}
# Of libraries: numerics and what is to change. A UserWarning is ours, and meant for readers.
WARNING = re.compile(r"^\S*\.py:\d+: (?!UserWarning)\w*Warning: .*\n?(?:[ \t]+.*\n?)*", re.M)
NOTEBOOK = re.compile(r"(?<![\[\w/`])(?<!\]\()\b(\d\d_[a-z_]+)\b(?!\.ipynb|\]|`)")
# Chinese has no space beside a link, which its source needs, nor where a line ends.
BESIDE_LINKS = re.compile(
    "(?<=[\u3000-\u9fff\uff00-\uffef])(?: (?=<a |“)|\n(?=[\u3000-\u9fff\uff00-\uffef]))"
    "|(?:(?<=</a>)|(?<=”)) (?=[\u3000-\u9fff\uff00-\uffef])"
)
BESIDE_TITLES = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef]) (?=“)|(?<=”) (?=[\u3000-\u9fff])")
# A question that a link names ends its sentence by itself.
AFTER_QUESTION = re.compile(r"(?<=\?</a>)\.(?=\s|<|$)")
ANSI = re.compile("\x1b\\[.*?[@-~]")


def rendered(source: str, slugs: set[str], links: Mapping[str, tuple[str, str]]) -> str:
    """Markdown as HTML without its own `# title`; h2 and h3 have an id that `slugs` has not.

    Parameters
    ----------
    source : Markdown in the page's language; HTML in it is shown as text
    slugs : ids that are taken; those of the headings are added
    links : notebook -> (file, title) of its page in this run
    """
    import mistune

    source = re.sub(r"\A\s*# .*\n?", "", source)
    source = NOTEBOOK.sub(r"[\1](\1.ipynb)", source)
    markdown = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
    made = str(markdown(source))

    def anchored(match: re.Match[str]) -> str:
        return f'<h{match[1]} id="{slug(words_of(match[2]), slugs)}">{match[2]}</h{match[1]}>'

    made = re.sub(r"<h([23])>(.*?)</h\1>", anchored, made, flags=re.S)
    made = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', _link_to(links), made, flags=re.S)
    made = re.sub(r"<img [^>]*>", "", made)
    made = AFTER_QUESTION.sub("", made)
    if context.current().lang == "zh":
        made = BESIDE_LINKS.sub("", made)
    return html_tables.framed(made)


def words_of(inner: str) -> str:
    """The text of a piece of HTML."""
    return html.unescape(re.sub("<[^>]+>", "", inner))


def slug(words: str, taken: set[str]) -> str:
    """An id for these words that is not taken, and is from now on."""
    base = re.sub(r"\W+", "-", words.lower()).strip("-") or "part"
    made, more = base, 2
    while made in taken:
        made, more = f"{base}-{more}", more + 1
    taken.add(made)
    return made


def _link_to(links: Mapping[str, tuple[str, str]]) -> Callable[[re.Match[str]], str]:
    """Links to notebooks lead to their pages in this run, or become plain words."""

    def link(match: re.Match[str]) -> str:
        target, words = match[1], match[2]
        if target.endswith(".ipynb"):
            stem = Path(target).stem
            if stem not in links:  # a notebook that this run has no page of
                return html.escape(_absent(stem, match)) if words == stem else words
            file, title = links[stem]
            if words == stem:  # a question within a Chinese sentence needs its marks
                quotes = context.current().lang == "zh"
                words = html.escape(f"“{title}”" if quotes else title)
            return f'<a href="{html.escape(file)}">{words}</a>'
        safe = target.startswith(("https://", "http://", "#", "mailto:"))
        return f'<a href="{target}" rel="noreferrer noopener">{words}</a>' if safe else words

    return link


QUESTIONS = ("did", "do", "how", "is", "what", "where", "which", "who", "whom")
TITLES = {  # of pages whose notebooks have a shorter name
    "what to improve first": N_("what shall we improve first"),
    "which channels work": N_("which channels, products or branches work"),
    "whom to call back": N_("whom shall we call back"),
    "what are they worth": N_("what are our customers worth"),
}


def _absent(stem: str, match: re.Match[str]) -> str:
    """What a page is called that this run does not have, and that it does not."""
    words = stem[3:].replace("_", " ")
    words = TITLES.get(words, words)
    title = i18n.opening(_(words))
    if words.split()[0] in QUESTIONS and not title.endswith(("?", "？")):
        title += "？" if context.current().lang == "zh" else "?"
    before = match.string[: match.start()]
    if max(map(before.rfind, "(（")) > max(map(before.rfind, ")）")):  # no brackets within brackets
        return _("“{title}”, not in this run", title=title)
    return _("“{title}” (not in this run)", title=title)


def named(text: str, links: Mapping[str, tuple[str, str]]) -> str:
    """Plain text in which pages are called by their titles, not by the files of their notebooks.

    Examples
    --------
    >>> named("40_did_it_work measures it.", {"40_did_it_work": ("40.html", "Did it work?")})
    '“Did it work?” measures it.'
    >>> named("see 40_did_it_work", {})
    'see “Did it work?” (not in this run)'
    """

    def title(match: re.Match[str]) -> str:
        stem = match[1]
        return f"“{links[stem][1]}”" if stem in links else _absent(stem, match)

    made = NOTEBOOK.sub(title, text)
    return BESIDE_TITLES.sub("", made) if context.current().lang == "zh" and made != text else made


def strip_ansi(text: str) -> str:
    """The text without the codes that colour it on a terminal."""
    return ANSI.sub("", text)


def without_warnings(text: str) -> str:
    r"""Messages without warnings of libraries, whose paths and source lines tell a reader nothing.

    The notebook keeps them, and the page what this package warns of (UserWarning).

    Examples
    --------
    >>> without_warnings("cell.py:3: UserWarning: 3 plans are new to the model.\n")
    'cell.py:3: UserWarning: 3 plans are new to the model.\n'
    >>> without_warnings("lib/nan.py:15: RuntimeWarning: All-NaN\n  return f(a,\n2 rows lost\n")
    '2 rows lost\n'
    """
    return WARNING.sub("", text)


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
    import bleach  # an index that is made of nothing new cleans nothing

    return bleach.Cleaner(tags=TAGS, attributes=ATTRIBUTES, strip=True, strip_comments=True)


JOINER = "\u2060"  # no line is broken here
SIGN = re.compile(r"[−+±](?=[\d€$£¥₹R])|(?:R\$|[€$£¥₹])(?=\d)")
WAVE_OR_DAY = re.compile(
    r"\b(?:\d{4}-(?:[QHW]\d+|\d{2}(?:-\d{2})?)|\d{1,2} [A-Z][a-z]{2} \d{4})\b|\d{4}年\d+月\d+日"
)


def tied(text: str) -> Markup:
    """The text with n and its number, and the parts of an amount, a wave or a day, on one line.

    Examples
    --------
    >>> tied("below < 2 since 2025-Q3")
    Markup('below &lt; 2 since <span class="tied">2025-Q3</span>')
    >>> str(tied("−€668 to −51 or €5")).count(JOINER)
    4
    """
    one_line = re.sub(r"\bn (= )?(?=[\d<])", lambda m: m[0].replace(" ", "\u00a0"), text)
    one_line = SIGN.sub(lambda m: m[0] + JOINER, one_line)
    escaped = str(escape(one_line))
    return Markup(WAVE_OR_DAY.sub(r'<span class="tied">\g<0></span>', escaped))  # noqa: S704


def when(moment: str) -> str:
    """A moment of a run's record, as 2026-11-21T22:27:00+00:00, as people write it."""
    try:
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except ValueError:
        return moment
    between = " " if context.current().lang == "zh" else ", "
    return f"{i18n.day(at)}{between}{at:%H:%M} UTC"
