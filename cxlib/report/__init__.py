"""Answers of notebooks, and the pages, indexes and comparisons made from them.

    report.add("drivers", fit)                       # in a notebook: prints the finding, stores it
    report.others("mystudy")["12"]["trend"]          # answers of the notebooks before this one
    report.answers_of(notebook)                      # name -> record, read back
    report.pages.bind(notebook, facts)               # the page as one HTML file's text
    report.indexes.of_run(run)                       # index.html over the pages of a run

A page is one self-contained file: the answer first, then contents, evidence, parameters, source and
method; no request leaves it. Nothing is computed here.
"""

from __future__ import annotations

from cxlib.privacy.redaction import audit_of, comments, protect
from cxlib.report.answers import MIME, add, answers_of, others, table_of
from cxlib.report.banner_workbook import banner_to_excel
from cxlib.report.cause_trees import tree
from cxlib.report.customer_lists import list_to_file
from cxlib.report.segment_cards import cards, sheet
from cxlib.report.topic_quotes import quoted

__all__ = [
    "MIME",
    "add",
    "answers_of",
    "audit_of",
    "banner_to_excel",
    "cards",
    "comments",
    "list_to_file",
    "others",
    "protect",
    "quoted",
    "sheet",
    "table_of",
    "tree",
]
