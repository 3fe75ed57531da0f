"""What stands where on a page: the head, what supports it, what is left out, what is said once."""

from __future__ import annotations

import re
from html import unescape

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlib import report
from cxlib.core import context
from cxlib.core.errors import ABSENT
from cxlib.core.result import Finding, Importance, Result
from cxlib.report import answers, layout, pages

TABLE = pd.DataFrame({"term": ["a"], "estimate": [0.5], "n": [40]})


def cell(*outputs: NotebookNode, **about) -> NotebookNode:
    return new_code_cell("x = 1", outputs=list(outputs), **about)


def found(name: str, claim: str, importance: int = Importance.CONTEXT, **more) -> NotebookNode:
    fit = Result(TABLE, Finding(claim, importance=importance, **more), "Of those who answered.")
    return new_output("display_data", data={report.MIME: answers._record(name, fit, "")})


def drawn(words: str) -> NotebookNode:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><desc>{words}</desc></svg>'
    mime = "image/svg+xml"
    return new_output("display_data", data={mime: svg}, metadata={mime: {"alt": words}})


def absent(reason: str) -> NotebookNode:
    return new_output("display_data", data={"text/plain": reason, ABSENT: {"reason": reason}})


def laid(*parts: str | NotebookNode, **facts) -> layout.Page:
    cells = [new_markdown_cell(p) if isinstance(p, str) else p for p in parts]
    return layout.of(new_notebook(cells=cells), pages.Facts("T", **facts))


def bound(*parts: str | NotebookNode, **facts) -> str:
    cells = [new_markdown_cell(p) if isinstance(p, str) else p for p in parts]
    return pages.bind(new_notebook(cells=cells), pages.Facts("T", **facts))


def test_the_head_is_the_most_important_finding_and_of_equals_the_first() -> None:
    page = laid(
        cell(found("level", "NPS is 19.", Importance.ANSWER)),
        cell(found("fall", "NPS fell.", Importance.NEWS), drawn("the fall")),
        cell(found("other", "CSAT fell.", Importance.NEWS), drawn("the other")),
    )
    assert page.head.finding["claim"] == "NPS fell." and page.figure.alt == "the fall"
    assert [a.finding["claim"] for a in page.supporting] == ["CSAT fell.", "NPS is 19."]


def test_what_only_describes_or_checks_supports_nothing_and_five_are_enough() -> None:
    others = [cell(found(f"a{k}", f"Finding {k}.", Importance.ANSWER)) for k in range(8)]
    page = laid(
        cell(found("news", "News.", Importance.NEWS)),
        cell(found("method", "Checked.", Importance.METHOD)),
        cell(found("context", "Described.", Importance.CONTEXT)),
        *others,
    )
    assert [a.finding["claim"] for a in page.supporting] == [f"Finding {k}." for k in range(5)]


@pytest.mark.slow
def test_the_papers_behind_the_methods_stand_in_the_fold() -> None:
    html = bound(
        cell(found("level", "NPS is 19.")),
        "## Caveats\n\n- One.\n\nNext: more.\nMethods: Wilson (1927) for shares.",
        cell(found("other", "CSAT is 3.")),
    )
    fold = html.index('id="about-this-page"')
    assert "See also: more." in html[:fold] and "Wilson" not in html[:fold]
    assert "Wilson (1927) for shares." in html[fold:]


@pytest.mark.slow
def test_the_head_has_the_figure_of_its_cell_which_is_shown_once() -> None:
    html = bound(
        "## A",
        cell(found("level", "NPS is 19."), found("fall", "NPS fell.", Importance.NEWS), drawn("f")),
    )
    assert html.count('aria-label="f"') == 1
    assert html.index('aria-label="f"') < html.index("<main>")


def test_figures_go_to_the_answers_of_their_cell() -> None:
    page = laid(
        "## A",
        cell(found("one", "One.", Importance.NEWS)),
        cell(found("two", "Two."), found("three", "Three."), drawn("second"), drawn("third")),
        cell(found("four", "Four."), found("five", "Five."), drawn("fourth")),
    )
    parts = [p for s in page.sections for g in s.groups for p in g.parts if p.kind == "answer"]
    assert {p.record["name"]: [f.alt for f in p.figures] for p in parts} == {
        "one": [], "two": ["second"], "three": ["third"], "four": ["fourth"], "five": [],
    }  # fmt: skip


def test_the_claim_of_the_head_stands_on_the_page_once_and_others_once_with_their_evidence() -> (
    None
):
    html = bound(
        "## A",
        cell(found("fall", "NPS fell.", Importance.NEWS, detail="95% CI 1 to 2; n = 40")),
        cell(found("level", "NPS is 19.", Importance.ANSWER, detail="n = 41")),
        cell(found("again", "NPS is 19.", Importance.ANSWER)),
    )
    plain = re.sub(r'<a class="term"[^>]*>(.*?)</a>', r"\1", html)
    text = unescape(re.sub(r"<(head|script)>.*?</\1>|<[^>]+>", " ", plain, flags=re.S))
    assert text.count("NPS fell.") == 1 and text.replace("\u00a0", " ").count("95% CI 1 to 2") == 1
    below = html[html.index("<main>") :]
    assert len(re.findall(r">NPS is 19\. ", below)) == 1
    assert text.count("Of those who answered.") == 1


def test_a_section_without_a_print_goes_with_its_prose_and_is_named_with_its_reason() -> None:
    html = bound(
        "## Evidence",
        "### Does it pay?\n\nProse of costs.",
        cell(absent("The study has no costs.")),
        "### Who returns?\n\nProse of returns.",
        cell(absent("The study has no costs.")),
        "### Is it so?\n\nIt is.",
        cell(found("so", "So it is.")),
        "Prose of a further cell.",
        cell(absent("The study has no waves.")),
        "## Next\n\nA page.",
    )
    gone = ["Prose of costs", "Prose of returns", "Prose of a further", 'id="does-it-pay"']
    assert [words for words in gone if words in html] == []
    assert all(words in html for words in ["Is it so?", "It is.", "A page.", ">Evidence "])
    closing = re.search(r'<p class="absent">(.*?)</p>', html)[1]
    assert re.sub("<[^>]+>", "", closing) == (
        "Not available for this study: Does it pay? Who returns? (The study has no costs). "
        "The study has no waves."
    )


@pytest.mark.slow
def test_a_reason_that_a_heading_gives_is_not_given_twice() -> None:
    page = laid(
        cell(absent("No questions.")),
        "## A?",
        cell(absent("No questions.")),
        "## B",
        cell(found("b", "B.")),
    )
    assert page.absent == ["A? (No questions)."]


def test_an_action_that_the_claim_says_is_not_said_again() -> None:
    first = found("first", "Improve Delivery first: it pays.", action="Improve Delivery first")
    assert "What to do" not in bound(cell(first))
    owned = found("first", "Improve Delivery first.", action="Solve it.", owner="Ann")
    assert "Solve it." in bound(cell(owned))


def test_a_heading_over_nothing_but_empty_sections_goes_too() -> None:
    page = laid(
        "## Evidence\n\nWords.", "### One?", cell(), "### Two?", cell(), "## Caveats\n\nOne."
    )
    assert [s.words for s in page.sections] == ["Caveats"]
    assert page.absent == ["One? Two?"]


def test_what_was_left_out_is_listed_in_the_language_of_the_page() -> None:
    context.begin(lang="zh")
    html = bound("## A?", cell(absent("没有成本。")), lang="zh")
    assert "本研究不涉及：</strong>A?（没有成本）。" in html


def test_a_mistake_is_shown_where_it_happened() -> None:
    error = new_output("error", ename="ValueError", evalue="no", traceback=["line 1"])
    page = laid("## A", cell(error))
    assert [p.kind for p in page.sections[0].groups[0].parts] == ["code", "error"]


def test_what_stands_before_the_first_heading_is_in_the_fold() -> None:
    said = new_output("stream", name="stdout", text="3,649 rows\n")
    html = bound("# T\n\nAsked each wave.", cell(said), "## A", cell(found("a", "A.")))
    fold = html[html.index('id="about-this-page"') :]
    assert "Asked each wave." in fold and "3,649 rows" in fold
    assert "Asked each wave." not in html[: html.index('id="about-this-page"')]


def test_a_file_of_a_list_is_a_link() -> None:
    said = new_output("stream", name="stdout", text="The list is in <b>10_x.at_risk.csv.\n")
    html = bound("## A", cell(said))
    assert '&lt;b&gt;<a href="10_x.at_risk.csv" download>10_x.at_risk.csv</a>.' in html


def test_findings_on_method_stand_in_the_fold_with_their_question_and_code() -> None:
    page = laid(
        cell(found("fall", "NPS fell.", Importance.NEWS)),
        "## Evidence",
        "### Who?\n\nHow to read it.",
        cell(found("groups", "No group differs.")),
        cell(found("check", "The groups are alike.", Importance.METHOD)),
        "### Is the model sound?\n\nA good one has 0.",
        cell(found("fit", "The model fits.", Importance.METHOD)),
    )
    assert [s.words for s in page.contents] == ["Evidence", "Who?"] and not page.absent
    assert [s.words for s in page.methods] == ["Who?", "Is the model sound?"]
    both = [g for s in page.methods for g in s.groups]
    assert [a.record["name"] for g in both for a in g.parts if a.kind == "answer"] == [
        "check",
        "fit",
    ]
    assert "A good one has 0." in both[1].prose and both[0].prose == ""
    assert [p.kind for p in both[1].parts] == ["code", "answer"]


def test_the_only_finding_of_a_page_is_its_head_even_on_method() -> None:
    page = laid(cell(found("fit", "The model fits.", Importance.METHOD)))
    assert page.head.finding["claim"] == "The model fits." and page.methods == []


def test_action_and_owner_stand_under_the_claim() -> None:
    html = bound(cell(found("a", "A.", action="Call <them>.", owner="Service")))
    assert "Call &lt;them&gt;." in html and '<span class="owner">Owner: Service</span>' in html


def test_the_head_says_when_who_and_how_many() -> None:
    study = {"title": "S", "period": ["responses", "2024-10-01", "2026-09-30"]}
    study["today"] = "2026-10-01"
    page = laid(
        cell(found("a", "A.", value=0.5)),
        study=study,
        parameters=[("WAVE", "2026-Q3", ""), ("WHERE", "", ""), ("DRAWS", "9", "")],
    )
    dates = ["Fieldwork 1 Oct 2024 to 30 Sep 2026", "lists and due dates as of 1 Oct 2026"]
    assert page.about == [*dates, "2026-Q3", "n = 40"]


def test_n_of_one_row_is_not_that_of_the_page() -> None:
    table = pd.DataFrame({"term": ["a", "b"], "estimate": [0.5, 0.2], "n": [40, 900]})
    fit = Result(table, Finding("A.", value=0.5))
    part = new_output("display_data", data={report.MIME: answers._record("a", fit, "")})
    assert laid(cell(part)).about == []


def test_a_table_that_has_not_the_number_of_the_head_is_not_said_to_be_behind_it() -> None:
    behind = "The numbers behind the finding at the top"
    assert behind in bound("## A", cell(found("a", "A.", value=0.5)))
    assert behind in bound("## A", cell(found("a", "A.", value=0.7, change=0.5)))
    html = bound("## A", cell(found("a", "A.", value=0.7)))
    assert behind not in html and '<details class="table">' in html


def test_what_the_head_says_already_supports_nothing() -> None:
    page = laid(
        cell(found("all", "All is well. Basic is rare.", Importance.NEWS)),
        cell(found("who", "Basic is rare.", Importance.NOTABLE)),
    )
    assert page.supporting == []


def test_only_the_link_to_the_following_page_is_called_next() -> None:
    links = {"10_a": ("10_a.html", "A"), "20_b": ("b.html", "B"), "30_c": ("c.html", "C")}
    html = bound("## A", cell(found("a", "A.")), "Next: 30_c.", pages=links, notebook="10_a.ipynb")
    body = html.split("</style>")[-1]
    assert "See also: " in body and body.count(">Next<") == 1 and "Next:" not in body


@pytest.mark.parametrize(("own", "before", "after"), [("a", None, "B"), ("b", "A", None)])
def test_a_page_leads_to_its_neighbours(own: str, before: str | None, after: str | None) -> None:
    links = {"10_a": ("a.html", "A"), "20_b": ("b.html", "B")}
    page = laid(pages=links, notebook=f"{own}.ipynb")
    assert [n and n[1] for n in page.neighbours] == [before, after]


def test_a_long_table_of_the_head_is_folded_and_a_short_one_is_not() -> None:
    def of(rows: int) -> str:
        table = pd.DataFrame({"term": [f"t{k}" for k in range(rows)], "estimate": 0.5, "n": 40})
        fit = Result(table, Finding("News.", importance=Importance.NEWS))
        return bound(
            "## A",
            cell(new_output("display_data", data={report.MIME: answers._record("a", fit, "")})),
        )

    words = "The numbers behind the finding at the top"
    assert f"<summary>{words}</summary>" in of(12) and f'<p class="small">{words}</p>' in of(3)


def test_a_table_without_a_claim_has_a_heading_that_says_what_it_is() -> None:
    table = new_output(
        "display_data", data={report.MIME: answers._record("choice", Result(TABLE, ""), "")}
    )
    html = bound("## A", cell(found("news", "News.", Importance.NEWS)), cell(table))
    assert "Stability and coherence by number of topics" in html


def test_questions_left_out_stand_before_a_reason_that_an_earlier_part_gave() -> None:
    page = laid(
        "## Answer",
        cell(found("news", "News.", Importance.NEWS)),
        cell(absent("The study has no table orders.")),
        "### Who is active?",
        cell(),
    )
    assert page.absent == ["Who is active?", "The study has no table orders."]


@pytest.mark.slow
def test_a_long_page_closes_the_questions_whose_answers_change_nothing() -> None:
    """Their claim stays to be read; what answers, and all of a short page, stands open."""
    parts = [cell(found("news", "News.", Importance.NEWS)), "### Does it hold?"]
    parts += [cell(found("holds", "It holds.", Importance.ANSWER))]
    minor = [p for k in range(10) for p in (f"### Q{k}?", cell(found(f"m{k}", f"Same {k}.")))]
    closed = [s.closed for s in laid(*parts, *minor).sections if s.words]
    assert closed == ["", *(f"Same {k}." for k in range(10))]
    html = bound(*parts, *minor)
    fold = html[html.index('<details class="minor">') :]
    assert fold.index("Same 0.") < fold.index("</summary>") and html.count("Same 0.") == 1
    short = laid(*parts, *minor[:-2])
    assert not any(s.closed for s in short.sections)


def test_a_page_of_many_figures_closes_the_questions_whose_answers_change_nothing() -> None:
    """Eight figures are a page; a ninth is found where its question is opened."""
    parts = [cell(found("news", "News.", Importance.NEWS), drawn("head"))]
    for k in range(6):
        answer = found(f"a{k}", f"So {k}.", Importance.ANSWER)
        parts += [f"### A{k}?", cell(answer, drawn(f"figure {k}"))]
    for name in ("q", "r"):
        parts += [f"### {name}?", cell(found(name, f"Same {name}."), drawn(f"figure {name}"))]
    closed = [s.closed for s in laid(*parts).sections if s.words]
    assert closed == [*[""] * 6, "Same q.", "Same r."]
    assert not any(s.closed for s in laid(*parts[:-2]).sections)


def test_warnings_of_libraries_are_not_for_readers() -> None:
    """A message of our own is; the path and source line of a warning are not."""
    warned = "lib/numpy/nan.py:15: RuntimeWarning: All-NaN slice\n  return f(a,\n2 rows lost\n"
    html = bound("## A", cell(new_output("stream", name="stderr", text=warned)))
    assert "2 rows lost" in html and "RuntimeWarning" not in html and "return f(a" not in html
