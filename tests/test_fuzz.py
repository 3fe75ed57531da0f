"""Hostile text through everything that is shown: it may look odd, it may not do anything."""

from __future__ import annotations

import re
import warnings

import matplotlib
import pandas as pd
import pytest
from bleach._vendor import html5lib
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlib import plots, report
from cxlib.core import context
from cxlib.core.result import Result
from cxlib.report import answers, comparison, comparison_page, indexes, pages

matplotlib.use("Agg")

TEXTS = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>",
    "attribute": '" onmouseover="alert(1)" x=\'y\' `z` <a href=javascript:alert(1)>x</a>',
    "closing": "</title></style></script></td></table></details></main><script>alert(1)</script>",
    "torn": '<scr<script>ipt>alert(1)</scr</script>ipt><img src="x" <!-- --!> onerror=alert(1)>',
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62; &amp;lt; &#x202e;gnp&#0;",
    "comment": "<!--<img src=--><img src=x onerror=alert(1)>--><![CDATA[<script>x</script>]]>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph>",
    "markdown": "[x](javascript:alert(1)) ![y](http://evil/x.png) # h\n\n| a | b |\n|--|--|\n***",
    "links": "[x](data:text/html,<script>1</script>) <http://evil> [y]( java\tscript:alert(1))",
    "jinja": "{{ 7*7 }} {% include '/etc/passwd' %} {0} {n} %s %(x)s {{config}}",
    "latex": r"$\frac{a}{b}$ \$x$ $$ \\$ \input{/etc/passwd} $\invalid{$ ^_{}",
    "ansi": "\x1b[31mred\x1b[0m\x1b]8;;http://evil\x07link\x1b]8;;\x07\x9b31m\r\x08\x08",
    "direction": "\u202eevil\u202c \u2066x\u2069 \u200f\u200e \u061c abc",
    "nul": "a\x00b\x00<\x00script>\x01\x02\x7f\ufffe",
    "surrogate": "half \ud83d of \udc00 a pair",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈é̷̡̛̛̗̘̲̳̖̟\u200b\ufeff",
    "long": "<b>x</b>" * 500 + "y" * 96_000,
    "wide": "满意" * 50_000,
    "unbroken": "W" * 100_000,
    "spaces": " \t\n" * 3_000 + "x",
    "unclosed": "<table>" * 40 + "<script>" * 800 + "<style " * 800,
    "deep": "<div><b>" * 90 + "</p></table>" * 90,
    "formula": "=cmd|' /C calc'!A0",
    "empty": "",
    "words": "nan None NaN inf -0 overall term n",
}
pytestmark = pytest.mark.slow
ALL = pytest.mark.parametrize("evil", TEXTS.values(), ids=TEXTS.keys())
TELLING = ("script", "latex", "direction", "nul", "emoji")  # drawn in every way, others in one
# `make test` makes pages of these; the others are in its tables, figures and indexes.
IN_PAGES = [
    pytest.param(text, id=name, marks=() if name in TELLING else pytest.mark.thorough)
    for name, text in TEXTS.items()
]
ALLOWED_LINKS = ("http://", "https://", "#", "mailto:", "data:,", "data:text/csv;charset=utf-8,")


@pytest.fixture(autouse=True)
def _quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that no font has
        yield
    plt.close("all")


def harmless(html: str) -> None:
    """Parse as a browser does; nothing in it may act or ask for anything."""
    html.encode("utf-8")
    tree = html5lib.parse(html, treebuilder="etree", namespaceHTMLElements=False)
    policy = [m for m in tree.iter("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(policy) == 1 and "default-src 'none'" in policy[0].get("content")
    assert policy[0] in list(tree.find("head"))
    assert "unsafe-inline" not in policy[0].get("content").split("style-src")[0]
    for node in (n for n in tree.iter() if isinstance(n.tag, str)):
        check(node)
    assert tree.find("body/main") is not None and len(tree.findall("body/main")) == 1
    assert not re.search(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(tree.itertext())
    )


def check(node) -> None:
    tag = node.tag.rpartition("}")[2].lower()
    assert tag not in {"iframe", "object", "embed", "form", "base", "math", "frame"}, tag
    assert tag not in {"foreignobject", "animate", "set"}, tag
    if tag == "svg":  # a figure, drawn from an allow-list
        assert node.attrib.get("role") == "img" and node.attrib.get("class") in {"full", "narrow"}
    if tag == "script":
        assert node.text.strip() == getattr(pages, "SCRIPT", "").strip() and not node.attrib
    for key, value in node.attrib.items():
        assert not str(key).lower().startswith("on") and key != "srcdoc", key
        if key == "href":
            own = re.fullmatch(r"[\w./-]*", value, re.A) or value.endswith(".ipynb")
            assert own or value.startswith(ALLOWED_LINKS), value[:80]
        if key == "src":
            assert value.startswith("data:image/") and tag == "img", value[:80]
        if key == "style":
            assert "url(" not in value and "expression" not in value


def estimates(evil: str) -> Result:
    evil = evil.encode("utf-8", "replace").decode()  # no column of text holds half a character
    table = pd.DataFrame(
        {
            "channel": [evil, "web", evil + "2"],
            "term": [evil, "speed", "price"],
            "estimate": [1.5, 2.5, 3.0],
            "low": [1.0, 2.0, 2.5],
            "high": [2.0, 3.0, 3.5],
            "n": [40, 50, 3],
            "words": [evil, evil, "x"],
        }
    )
    return Result(table, evil, evil, "points")


def kept(name: str, evil: str):
    record = answers._record(name, estimates(evil), evil)
    return new_output("display_data", data={"text/plain": evil, report.MIME: record})


def notebook(evil: str):
    whole = evil.encode("utf-8", "replace").decode()
    frame = pd.DataFrame({whole: [whole, 1], "n": [5, 50]})
    outputs = [
        kept("first", evil),
        kept("second", evil),
        new_output("display_data", data={"text/html": evil}),
        new_output("display_data", data={"text/html": frame.to_html()}),
        new_output("display_data", data={"text/html": frame.to_html(escape=False)}),
        new_output("display_data", data={"text/markdown": evil}),
        new_output("display_data", data={"text/plain": evil}),
        new_output("stream", name="stdout", text=evil),
        new_output("stream", name="stderr", text=evil),
        new_output(
            "display_data",
            data={"image/svg+xml": f"<svg><text>{evil[:999]}</text></svg>"},
            metadata={"image/svg+xml": {"alt": evil}},
        ),
        new_output("error", ename="ValueError", evalue=evil, traceback=[evil]),
    ]
    return new_notebook(
        cells=[
            new_markdown_cell(f"# T\n\n{evil}\n\n## {evil}"),
            new_code_cell(evil, outputs=outputs),
        ]
    )


def facts(evil: str) -> pages.Facts:
    return pages.Facts(
        title=evil,
        study=dict.fromkeys(("title", "source", "licence", "citation"), evil),
        parameters=[("WHERE", evil, evil)],
        set_name=evil,
        mistake=(2, 3, evil),
        lacking=(evil,),
        foot=(evil,),
        notebook="10_x.ipynb",
    )


@pytest.mark.parametrize("evil", IN_PAGES)
def test_no_page_does_anything(evil: str) -> None:
    context.begin(labels={"speed": evil, "channel": evil}, mask=[evil[:50]])
    made = notebook(evil)
    report.protect(made)
    context.begin(labels={"speed": evil, "channel": evil})
    html = pages.bind(made, facts(evil))
    harmless(html)


@ALL
def test_no_index_does_anything(evil: str) -> None:
    made = {"page": "10_x", "title": evil, "set": evil, "status": "failed", "answer": evil}
    about = dict.fromkeys(("title", "source", "licence", "citation"), evil)
    run = {
        "run": "r",
        "study": evil,
        "about": about,
        "lang": "en",
        "begun": "2026-11-21",
        "code": "c" * 64,
        "pages": [made],
    }
    harmless(indexes.of_run(run))


@ALL
def test_no_comparison_does_anything(evil: str) -> None:
    def run(value: float) -> comparison.Run:
        table = {
            "columns": ["term", "estimate", "low", "high"],
            "rows": [[evil, value, value - 1, value + 1]],
        }
        kept = {
            "name": evil,
            "answer": f"{evil}{value}",
            "note": evil,
            "table": table,
            "tables": {evil: table},
            "unit": evil,
        }
        made = {
            "page": evil,
            "title": evil,
            "status": "ok",
            "parameters": {evil: value},
            "key": {evil: value},
        }
        record = {"data": {evil: value}, "pages": [made]}
        return comparison.Run(evil, {evil: {evil: kept}}, record)

    found = comparison.compare(run(1.0), run(9.0))
    assert found.beyond
    harmless(comparison_page.html(found))
    assert str(found)


@ALL
def test_no_table_does_anything(evil: str) -> None:
    context.begin(labels={"speed": evil})
    fragment = pages.clean(estimates(evil)._repr_html_())
    head = f'<meta http-equiv="Content-Security-Policy" content="{pages.POLICY}">'
    from cxlib.privacy.masking import legible

    harmless(f"<html><head>{head}</head><body><main>{legible(fragment)}</main></body></html>")


DRAWN = {
    "intervals": lambda t: plots.intervals(t, unit="points", title=""),
    "panels": lambda t: plots.intervals(t, panel="channel"),
    "trend": lambda t: plots.trend(t.drop(columns="channel").assign(wave=t["channel"])),
    "bars": lambda t: plots.bars(t, unit="points"),
}
DRAW = [(text, way) for text in TEXTS for way in (DRAWN if text in TELLING else ["intervals"])]


@pytest.mark.few(20)
@pytest.mark.parametrize(("text", "name"), DRAW, ids=["-".join(d) for d in DRAW])
def test_every_figure_is_drawn(text: str, name: str) -> None:
    evil = TEXTS[text]
    context.begin(labels={"speed": evil})
    table = estimates(evil).table[["channel", "term", "estimate", "low", "high", "n"]]
    ax = DRAWN[name](table.assign(n=[40, 50, 30]))
    picture, mime = plots.picture(ax.figure)
    alt = plots.alt_text(ax.figure)
    assert len(picture) > 1000 and mime.startswith("image/")
    if mime == "image/svg+xml":
        assert "<script" not in picture and not re.search(r"<[^!>]*\son\w+=", picture)
    output = new_output(
        "display_data",
        data={mime: picture if mime == "image/svg+xml" else ""},
        metadata={mime: {"alt": alt}},
    )
    harmless(
        pages.bind(new_notebook(cells=[new_code_cell("1", outputs=[output])]), pages.Facts("T"))
    )


def test_personal_data_is_in_no_figure() -> None:
    table = estimates("ann@firm.com").table.assign(n=[40, 50, 30])
    figure = plots.intervals(table[["channel", "term", "estimate", "low", "high", "n"]]).figure
    assert "ann" not in plots.picture(figure)[0] + plots.alt_text(figure)
