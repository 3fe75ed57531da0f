"""Links from the first use of each term on a page to what the glossary says of it.

html = term_links.linked(html, "glossary.html")
"""

from __future__ import annotations

import html as html_
import re
from collections.abc import Iterator

from cxlib.core import context
from cxlib.report import glossary

PIECES = re.compile(r"(<[^>]*>)")
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
# Text that is no sentence: headings, links, code, tables, figures, lists of facts.
QUIET = {
    *("a", "code", "pre", "table", "figure", "svg", "script", "style", "head", "nav", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dl", "button", "label"),
}
# English words by which a term is used, where they are not those of its name.
FORMS = {
    "csat": ("CSAT",),
    "response-sla": ("first-response SLA", "first responses"),
    "resolution-sla": ("resolution SLA", "resolutions"),
    "maturity": ("CX maturity",),
    "ci": ("95% CI", "confidence interval"),
    "simultaneous": ("simultaneous interval", "simultaneous confidence interval"),
    "significant": ("statistically significant", "significantly", "significant"),
    "bootstrap": ("bootstrap",),
    "weighting": ("weighting", "raking"),
    "association": ("is associated with", "are associated with", "associated with"),
    "driver": ("key driver", "driver"),
    "r2": ("R²", "explained variance"),
    "segment-stability": ("segment stability",),
    "kaplan-meier": ("Kaplan–Meier",),
    "krippendorff-alpha": ("Krippendorff",),
    "kappa": ("Cohen’s κ",),
    "churn-risk": ("high risk of leaving",),
    "inactive": ("probably inactive", "probably stopped buying"),
    "treated": ("treated",),
    "repeat-purchase": ("repeat purchase rate", "repeat purchase"),
}
PARENTHESES = re.compile(r"^(.*?) ?[(（](.*)[)）]$")
COMMAS = re.compile("[,、] ?")


def linked(page: str, file: str) -> str:
    """The page with the first use of each term as a link to `file`, its meaning as the title.

    Examples
    --------
    >>> linked("<p>NPS fell; NPS is 3.</p>", "g.html")[:30]
    '<p><a class="term" href="g.htm'
    """
    terms = {term.slug: term for _name, part in glossary.parts() for term in part}
    by_form = {form.casefold(): slug for slug in terms for form in _forms(terms[slug])}
    forms = sorted(map(html_.escape, by_form), key=len, reverse=True)
    if context.current().lang == "zh":  # Chinese words have no edges, Latin ones among them have
        words = "|".join(
            rf"(?<![A-Za-z0-9]){w}(?![A-Za-z0-9])" if w.isascii() else w
            for w in map(re.escape, forms)
        )
        used = re.compile(f"({words})", re.IGNORECASE)
    else:
        words = "|".join(map(re.escape, forms))
        used = re.compile(rf"(?<![\w-])({words})s?(?![\w-])", re.IGNORECASE)

    def link(match: re.Match[str]) -> str:
        term = terms.pop(by_form[html_.unescape(match[1]).casefold()], None)
        if term is None:  # linked before
            return match[0]
        meaning = html_.escape(term.meaning)
        return f'<a class="term" href="{file}#{term.slug}" title="{meaning}">{match[0]}</a>'

    return "".join(used.sub(link, piece) if loud else piece for piece, loud in _pieces(page))


def _forms(term: glossary.Term) -> Iterator[str]:
    """The words by which a term is used in a sentence."""
    if context.current().lang == "en" and term.slug in FORMS:
        yield from FORMS[term.slug]
        return
    for name in COMMAS.split(term.name):
        parts = PARENTHESES.match(name)
        yield from parts.groups() if parts else (name,)


def _pieces(page: str) -> Iterator[tuple[str, bool]]:
    """Tags and texts one after the other, and whether it is text in which terms are linked."""
    inside = 0
    for piece in PIECES.split(page):
        tag = TAG.match(piece)
        if tag and tag[2].lower() in QUIET:
            inside += -1 if tag[1] else 1
        yield piece, not piece.startswith("<") and not inside and bool(piece.strip())
