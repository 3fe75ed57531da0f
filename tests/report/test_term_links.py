"""The first use of a term leads to the glossary; headings, links, code and tables do not."""

import pytest

from cxlib.core import context
from cxlib.report import term_links


def linked(html: str, lang: str = "en") -> str:
    with context.use(context.Context(lang=lang)):
        return term_links.linked(html, "glossary.html")


def test_the_first_use_is_linked_with_its_meaning_as_title() -> None:
    html = linked("<p>The NPS rose.</p><p>NPS is 3.</p>")
    assert html.count("<a ") == 1 and html.index("<a ") < html.index("rose")
    assert 'href="glossary.html#nps" title="The share of promoters' in html


@pytest.mark.parametrize(
    "html",
    [
        "<h3>NPS</h3>",
        '<a href="x">the <b>NPS</b></a>',
        "<pre>NPS</pre>",
        "<table><tr><td>NPS</td></tr></table>",
        "<svg><text>NPS</text></svg>",
        '<img alt="NPS">',
        "<p>NPSX and uplifting drivers-to-be</p>",
    ],
)
def test_what_is_no_sentence_stays_as_it_is(html: str) -> None:
    assert linked(html) == html


def test_the_longest_term_wins_and_each_is_linked_once() -> None:
    html = linked("<p>Simultaneous confidence intervals and a confidence interval.</p>")
    assert html.count("#simultaneous") == 1 and html.count("#ci") == 1


def test_terms_are_linked_in_chinese_too() -> None:
    html = linked("<p>净推荐值上升，复购率下降。</p>", "zh")
    assert ">净推荐值</a>上升" in html and ">复购率</a>" in html


def test_a_term_within_another_word_is_none_in_chinese() -> None:
    assert "term" not in linked("<p>order、prices、npses</p>", "zh")
    assert "#ces" in linked("<p>本季CES上升</p>", "zh")
