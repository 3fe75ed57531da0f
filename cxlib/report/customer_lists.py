"""Lists of customers: a file beside the page that only its owner may read.

list_to_file("at_risk", customers)    # a CSV with mode 0600; the page says that there is one
"""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from pathlib import Path

import pandas as pd

from cxlib.core import files, i18n
from cxlib.core.i18n import _, mark
from cxlib.core.text import NOT_XML

FOLDER, PAGE = "CX_RUN_FOLDER", "CX_RUN_PAGE"  # set by whoever runs the notebook
FORMULA = "=+-@"  # begin one, as do their forms of other widths
HEADINGS = mark(  # of lists; other columns have their names from the tables
    "action id", "age days", "answered on", "arm", "at", "because 1", "because 2", "because 3",
    "block", "call", "call back", "campaign", "case id", "comment", "commented on", "contact id",
    "customer id", "days overdue", "due at", "due on", "expected gain", "late after days",
    "no contact", "offer 1", "offer 2", "offer 3", "repeats", "started at", "usual days",
    "waited days", "waits for",
)  # fmt: skip
VERBATIM = {"comment"}  # written by customers
UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"}  # categories of what nobody sees before them
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.I)


def list_to_file(name: str, rows: pd.DataFrame) -> Path:
    """Write customers to a CSV file next to the page, readable by its owner only.

    The page says that there is a list, never who is on it. Cells that a spreadsheet would take for
    a formula begin with an apostrophe.

    Parameters
    ----------
    name : one word ("at_risk"), a part of the file's name
    rows : customers and what is to be known of them

    Returns
    -------
    the file

    Raises
    ------
    ValueError : a name that is no word; a folder whose files are under version control
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot name a list. Use small letters, digits and '_'.")
    folder, stem = Path(os.environ.get(FOLDER) or "."), os.environ.get(PAGE, "")
    file = folder / (f"{stem}.{name}.csv" if stem else f"{name}.csv")
    files.refuse_versioned(file, "It lists customers")
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    write = csv.writer(text)
    rows = _for_readers(rows)
    write.writerow([spreadsheet_cell(c) for c in rows.columns])
    write.writerows(
        [spreadsheet_cell(v) for v in r] for r in rows.itertuples(index=False, name=None)
    )
    files.write(file, text.getvalue().encode("utf-8-sig"), mode=0o600)
    said = _(
        "Customer list “{name}”: a file that only the owner of this run can read: {file}.",
        # Not `label`: a column of the study may have the same name.
        name=_(name.replace("_", " ")),
        file=file.name,
    )
    print(said)
    return file


def _for_readers(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers with the digits that readers need; headings and values in the language.

    English pages keep the names of columns and values, for programs that read the file.
    """
    rows = rows.copy()
    for name in rows.select_dtypes("float"):
        rows[name] = rows[name].map(lambda v: float(f"{v:.6g}") if abs(v) < 1000 else round(v, 2))
    if i18n.language() == "en":
        return rows
    for name in rows.select_dtypes(["object", "string", "category"]):
        if not name.endswith("_id") and name not in VERBATIM:
            words = {v: i18n.label(v) for v in rows[name].dropna().unique() if isinstance(v, str)}
            rows[name] = rows[name].map(lambda v, words=words: words.get(v, v), na_action="ignore")
    heads = [i18n.heading(str(name)) for name in rows.columns]
    if len(set(heads)) == len(heads):  # two columns of one heading would be confused
        rows.columns = pd.Index(heads)
    return rows


def spreadsheet_cell(value: object) -> object:
    r"""Text as a spreadsheet shows it and never computes it (OWASP, CSV injection).

    Examples
    --------
    >>> spreadsheet_cell("=1+1"), spreadsheet_cell(-1.5), spreadsheet_cell(None)
    ("'=1+1", '-1.5', '')
    >>> spreadsheet_cell("\u200b\u2060=1+1").startswith("'")
    True
    >>> spreadsheet_cell("\x1b[31mred")
    '[31mred'
    """
    text = "" if value is None or value is pd.NA or value != value else str(value)
    text = NOT_XML.sub("", text)  # a workbook is XML
    seen = next((c for c in text if unicodedata.category(c) not in UNSEEN), "")
    risky = text[:1] in ("\t", "\r", "\n") or unicodedata.normalize("NFKC", seen)[:1] in [*FORMULA]
    return f"'{text}" if risky and not NUMBER.fullmatch(text) else text
