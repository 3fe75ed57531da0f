"""Figures inline: what is drawn stays, what acts or asks for something never gets through."""

from __future__ import annotations

import pytest
from matplotlib import pyplot as plt

from cxlib import plots
from cxlib.report import figures

XML = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
HOSTILE = {
    "script": "<script>x()</script>",
    "script in a group": "<g><script href='https://x.org/a.js'/></g>",
    "onload": "<path onload='x()' d='M0 0'/>",
    "onclick": "<rect onclick='x()'/>",
    "foreignObject": "<foreignObject><p>x</p><iframe src='https://x.org'/></foreignObject>",
    "link": "<a xlink:href='https://x.org'><text>x</text></a>",
    "javascript link": "<a xlink:href='javascript:x()'><path d='M0 0'/></a>",
    "use of elsewhere": "<use xlink:href='https://x.org/a.svg#b'/>",
    "use of data": "<use href='data:image/svg+xml,x#b'/>",
    "image of elsewhere": "<image xlink:href='https://x.org/a.png'/>",
    "svg image": "<image href='data:image/svg+xml;base64,AAAA'/>",
    "fill of elsewhere": "<path fill='url(https://x.org/a)' d='M0 0'/>",
    "style of elsewhere": "<path style='fill:url(//x.org/a)' d='M0 0'/>",
    "style over the page": "<g style='position:fixed;inset:0;z-index:99'/>",
    "style sheet": "<style>body{display:none}</style>",
    "import": "<style>@import 'https://x.org/a.css'</style>",
    "animation": "<animate attributeName='href' values='javascript:x()'/>",
    "set": "<set attributeName='onload' to='x()'/>",
    "class of the page": "<g class='banner'/>",
}
ACTS = ("script", "onload", "onclick", "foreign", "iframe", "x.org", "javascript", "svg+xml",
        "position", "z-index", "style", "import", "animate", "<set", "banner", "x()")  # fmt: skip


@pytest.mark.parametrize("evil", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_a_figure_acts(evil: str) -> None:
    made = figures.inline(f"<svg {XML}>{evil}<circle r='2'/></svg>", "words", "f0-")
    assert '<circle r="2"/>' in made
    assert [word for word in ACTS if word in made] == []


@pytest.mark.parametrize(
    "broken",
    [
        "<svg",
        "<p>no figure</p>",
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
        "<svg><text>&nbsp;</text></svg>",
    ],
)
def test_what_is_no_svg_is_told_in_words(broken: str) -> None:
    output = {"data": {figures.WIDE: broken}, "metadata": {figures.WIDE: {"alt": "<Speed> leads"}}}
    assert str(figures.of(output, "f0-", "x").html) == "<p>&lt;Speed&gt; leads</p>"


def test_very_deep_figures_end() -> None:
    deep = f"<svg {XML}>{'<g>' * 500}<path d='M0 0'/>{'</g>' * 500}</svg>"
    assert "<path" not in figures.inline(deep, "words", "f0-")


def test_ids_are_of_one_figure_alone() -> None:
    svg = f"<svg {XML}><defs><clipPath id='p'/></defs><g clip-path='url(#p)'/></svg>"
    one, two = (figures.inline(svg, "w", prefix) for prefix in ("f0-", "f1-"))
    assert 'id="f0-0"' in one and 'clip-path="url(#f0-0)"' in one
    assert 'id="f1-0"' in two and 'clip-path="url(#f1-0)"' in two


def test_words_and_colours_of_the_page_stay() -> None:
    svg = (
        f"<svg {XML} viewBox='0 0 9 9'><text style='fill:var(--ink,#111)' x='1'>a &lt; b"
        "<tspan>c</tspan>d</text><path d='M0 0'><title>NPS 25</title></path></svg>"
    )
    output = {"data": {figures.WIDE: svg, figures.NARROW: svg}, "metadata": {}}
    figure = figures.of(output, "f0-", "10-nps")
    assert not figure.paper and figure.html.count("<svg") == 2
    assert 'class="full"' in figure.html and 'class="narrow"' in figure.html
    assert (
        '<text style="fill:var(--ink,#111)" x="1">a &lt; b<tspan>c</tspan>d</text>' in figure.html
    )
    assert "<title>NPS 25</title>" in figure.html


@pytest.mark.slow
def test_a_figure_of_matplotlib_is_drawn_whole() -> None:
    ax = plt.subplots()[1]
    ax.plot([1, 2, 3], "o-", label="x")
    ax.imshow([[1, 2], [3, 4]])
    svg, mime = plots.picture(ax.figure)
    plt.close(ax.figure)
    made = figures.inline(svg, "words", "f0-")
    assert mime == figures.WIDE
    assert made.count("<path") == svg.count("<path") and made.count("<use") == svg.count("<use")
    assert 'href="data:image/png;base64,' in made and 'viewBox="0 0 ' in made
