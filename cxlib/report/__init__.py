"""Keeps what a notebook found, and binds notebooks into pages that anyone can open.

    report.add("drivers", fit)                       # in a notebook: the sentence, and its record
    report.others("mystudy")["12"]["trend"]           # what the notebooks before this one kept
    report.answers_of(notebook)                       # name -> record, read back
    report.pages.bind(notebook, facts)                # the page as one HTML file's text
    report.indexes.write(folder)                      # index.html over the pages of a run

A page is one self-contained file: the answer first, then contents, evidence, parameters, source and
method; no request leaves it. Nothing is computed here.
"""

from __future__ import annotations

from cxlib.privacy.redaction import audit_of, comments, protect
from cxlib.report.answers import MIME, add, answers_of, others, table_of
from cxlib.report.cards import cards, sheet
from cxlib.report.lists import list_to_file
from cxlib.report.quotes import quoted
from cxlib.report.trees import tree

__all__ = [
    "MIME", "add", "answers_of", "audit_of", "cards", "comments", "list_to_file", "others",
    "protect", "quoted", "sheet", "table_of", "tree",
]  # fmt: skip
