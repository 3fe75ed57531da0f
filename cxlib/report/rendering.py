"""Jinja as all templates of reports need it: our words, filters and policy.

    rendering.environment().get_template("run.html.j2").render(...)     # an index
    rendering.dressed(environment)                                      # nbconvert's, for the pages

The indexes do without nbconvert: a run whose pages are all up to date does not import it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.report.prose import strip_ansi, tied, when

TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = (TEMPLATES / "page.js").read_text(encoding="utf-8")  # nothing needs it
_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
COLUMNS = re.compile(r"\S {2,}\S|^ ", re.M)  # printed in columns: letters of one width
FILTERS = {"strip_ansi": strip_ansi, "tied": tied}


def dressed(made: Environment) -> Environment:
    """The environment, escaping by default, with the functions that our templates call."""
    made.autoescape = made.trim_blocks = made.lstrip_blocks = True
    made.tests["in_columns"] = COLUMNS.search
    made.filters.update(FILTERS)
    made.globals.update(
        say=_,
        label=i18n.label,
        count=i18n.count,
        when=when,
        data_period=i18n.data_period,
        script=SCRIPT,
        languages=context.LANGUAGES,
        listed=i18n.listed,
        policy=POLICY,
    )
    return made


@cache
def environment() -> Environment:
    """The Jinja environment of the indexes, dictionaries and comparisons."""
    return dressed(Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True))
