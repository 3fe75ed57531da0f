"""Columns that tell who somebody is, by their name in eight languages or by what they hold."""

from __future__ import annotations

import re
from functools import cache

from cxlib.data.intake.drafts.looking import Column, slug
from cxlib.data.intake.profiles import names

MOST = 0.7  # of the cells that look like e-mail addresses, for a column to be taken for them
HELD = {
    "e-mail addresses": re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}"),
    "IP addresses": re.compile(
        r"(\d{1,3}\.){3}\d{1,3}([(（].*)?|([0-9a-fA-F]{0,4}:){4,7}[0-9a-fA-F]{1,4}"
    ),
    "web addresses": re.compile(r"https?://\S+"),
    "telephone numbers": re.compile(
        r"(\+|00)[1-9][\d ()./-]{6,18}|\(\d{2,5}\)[ \d-]{5,14}|\d{3}[- .]\d{3}[- .]\d{4}"
        r"|0\d{2,4}[ /-]\d[\d -]{4,10}|1[3-9]\d{9}"
    ),
    "numbers of identity cards": re.compile(r"\d{17}[\dXx]"),
}
NUMBERED = r"(id|no|nr|number|key|编号|号)$"


@cache
def _pattern() -> re.Pattern[str]:
    words = names()["personal"]
    before, after = words["before"], words["after"]
    return re.compile(rf"((?:{before})_?)*(?:{'|'.join(words['words'])})(_?(?:{after}))*")


def personal(column: Column) -> str:
    """Why the column is personal, for the draft; empty when it is not.

    A rating of the telephone service may be called Phone: what holds a few short answers is none.

    Examples
    --------
    >>> import pandas as pd
    >>> personal(Column("RecipientFirstName", "", pd.Series(["Ann", "Bo", "Cy"] * 5)))
    'its name'
    """
    name = slug(column.name)
    sample = column.counts.index[:200].to_series().astype(str).str.strip()
    if not len(sample):
        return "its name" if _pattern().fullmatch(name) else ""
    if set(sample) == {column.name.strip()}:
        return ""  # a box that was ticked: the column holds nothing but its own name
    for what, pattern in HELD.items():
        if what == "telephone numbers" and re.search(NUMBERED, name):
            continue
        if sample.str.fullmatch(pattern).mean() > MOST:
            return f"it holds {what}"
    if not _pattern().fullmatch(name):
        return ""
    few = len(column.counts) <= 12 and column.not_numbers == 0 and column.numbers.index.max() <= 10
    return "" if few and len(column.words) > 12 else "its name"
