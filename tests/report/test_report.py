"""Pages: what is kept, what is shown, what never gets through."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlib import report
from cxlib.core import context
from cxlib.core.result import Result
from cxlib.report import answers, indexes, pages, prose

OURS = f"<script>{pages.SCRIPT}</script>"
SCRIPT = "<script"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def fit() -> Result:
    table = pd.DataFrame(
        {
            "term": ["speed", "price"],
            "estimate": [0.412345678912, np.nan],
            "low": [0.38, 0.2],
            "high": [0.44, np.inf],
            "n": [4390, 8],
        }
    )
    return Result(table, "Speed explains most: 41%.", "4,390 of 4,812.", "share", draws=9, seed=1)


def kept(fit, name: str = "drivers") -> NotebookNode:
    return new_output("display_data", data={report.MIME: answers._record(name, fit, "")})


def notebook(*outputs: NotebookNode, prose: str = "# Title\n\nWhy.\n\n## Answer") -> NotebookNode:
    return new_notebook(
        cells=[new_markdown_cell(prose), new_code_cell("1 + 1  # why", outputs=list(outputs))]
    )


def bound(*outputs: NotebookNode, prose: str = "# Title\n\nWhy.\n\n## Answer", **facts) -> str:
    return pages.bind(notebook(*outputs, prose=prose), pages.Facts("Title", **facts))


def test_keeping_says_the_sentence(fit, capsys) -> None:
    report.add("drivers", fit)
    assert capsys.readouterr().out == "Speed explains most: 41%.\n"


def test_what_is_kept_is_read_back_rounded_and_without_small_cells(fit) -> None:
    record = report.answers_of(notebook(kept(fit)))["drivers"]
    assert record["table"]["rows"] == [
        ["speed", 0.41234568, 0.38, 0.44, 4390],
        ["price", None, None, None, None],
    ]
    assert (record["answer"], record["unit"], record["draws"]) == (str(fit), "share", 9)


def test_a_bare_table_can_be_kept(fit) -> None:
    record = report.answers_of(notebook(kept(fit.table)))["drivers"]
    assert record["answer"] == "" and len(record["table"]["rows"]) == 2


def test_what_is_kept_is_json_without_nan(fit) -> None:
    json.dumps(report.answers_of(notebook(kept(fit))), allow_nan=False)


@pytest.mark.parametrize("name", ["", "Drivers", "my answer", "../x"])
def test_an_answer_needs_a_plain_name(fit, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an answer"):
        report.add(name, fit)


def test_only_results_are_kept() -> None:
    with pytest.raises(ValueError, match="was given a int"):
        report.add("drivers", 41)


def test_a_name_added_twice_is_refused(fit) -> None:
    with pytest.raises(ValueError, match="added twice"):
        report.answers_of(notebook(kept(fit), kept(fit)))


def test_the_answer_comes_first(fit) -> None:
    html = bound(kept(fit))
    assert html.index(str(fit)) < html.index("Contents") if "Contents" in html else True
    assert html.index(str(fit)) < html.index("<main>")


def test_a_page_asks_nobody_for_anything(fit) -> None:
    html = bound(kept(fit))
    assert "default-src 'none'" in unescape(html) and SCRIPT not in html.replace(OURS, "")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', html)


def test_the_language_is_in_the_page(fit) -> None:
    assert '<html lang="zh">' in bound(kept(fit), lang="zh")


def test_code_waits_for_its_switch_and_parameters_are_a_list(fit) -> None:
    html = bound(kept(fit), parameters=[("DRAWS", "500", "draws behind each interval")])
    assert html.count('id="code-too"') == 1
    assert re.search(r'<div class="code">.*?why</span>', html, re.S)
    assert "<dt>DRAWS</dt><dd>500 <span>draws behind each interval</span></dd>" in html


def test_headings_make_the_contents(fit) -> None:
    html = bound(kept(fit), prose="# T\n\n## Answer\n\n### Is it so?\n\n## Answer")
    contents = html[html.index("<nav") : html.index("</nav>")]
    slugs = ["answer", "is-it-so", "answer-2", "about-this-page"]
    assert re.findall(r'href="#([^"]+)"', contents) == slugs


def test_study_and_foot_are_named(fit) -> None:
    study = {"title": "Mobile", "source": "ECSI", "licence": "CC", "citation": "Tenenhaus 2005"}
    html = bound(kept(fit), study=study, foot=("seed 7",))
    assert all(
        word in html
        for word in ["Mobile", "ECSI", "CC", "Tenenhaus 2005", "n\u00a0=\u00a04,390", "seed 7"]
    )


def test_a_failed_page_says_so_at_its_top() -> None:
    error = new_output(
        "error", ename="ValueError", evalue=EVIL, traceback=["\x1b[31mline 1\x1b[0m"]
    )
    html = bound(error, mistake=(2, 9, "ValueError: " + EVIL))
    assert html.index("This page is incomplete") < html.index("<main>")
    assert (
        "Cell 2 of 9 stopped" in html
        and "\x1b" not in html
        and SCRIPT not in html.replace(OURS, "")
    )
    assert "<title>✗" in html


def test_a_study_that_lacks_tables_is_told_so() -> None:
    html = bound(lacking=("The study has no table orders.",))
    assert "The study has no table orders." in html and "incomplete" not in html


@pytest.mark.parametrize(
    "output",
    [
        new_output("display_data", data={"text/html": f"<p onclick=x>{EVIL}</p><iframe src=x>"}),
        new_output("display_data", data={"text/plain": EVIL}),
        new_output("display_data", data={"text/markdown": f"{EVIL} [x](javascript:alert(1))"}),
        new_output("stream", name="stdout", text=EVIL + "\x1b[31m\u202e"),
        new_output(
            "display_data",
            data={"image/svg+xml": f"<svg>{EVIL}</svg>"},
            metadata={"image/svg+xml": {"alt": f'"{EVIL}'}},
        ),
    ],
    ids=["html", "text", "markdown", "stream", "figure"],
)
def test_nothing_harmful_gets_through(output) -> None:
    html = bound(output, prose=f"# T\n\n{EVIL} [a](javascript:alert(3))")
    assert SCRIPT not in html.replace(OURS, "") and "onerror=alert" not in re.sub(
        r'&lt;.*?&gt;|src="data:image/svg\+xml,[^"<>]*"', "", html
    )
    assert "<iframe" not in html and "onclick" not in html and 'href="javascript' not in html


def test_a_table_scrolls_in_its_own_box_with_numbers_to_the_right() -> None:
    frame = pd.DataFrame({"name": ["a"], "much": [1.5]}).to_html()
    html = bound(new_output("display_data", data={"text/html": frame}))
    assert re.search(r'<div class="scroll"[^>]*><table', html)
    assert '<td class="num">1.5</td>' in html and "<td>a</td>" in html


def test_a_figure_has_its_words() -> None:
    svg = new_output(
        "display_data",
        data={"image/svg+xml": "<svg/>"},
        metadata={"image/svg+xml": {"alt": "Speed leads"}},
    )
    assert '<svg class="full" role="img" aria-label="Speed leads"/>' in bound(svg)


def test_leftovers_of_figures_are_not_shown() -> None:
    left = new_output("execute_result", data={"text/plain": "<Axes: title={'left': 'x'}>"})
    assert "Axes" not in bound(left)


def test_links_to_notebooks_lead_to_their_pages() -> None:
    html = bound(
        prose="# T\n\nNext: 20_what_moves and [x](10_how.ipynb); 40_did_it stays",
        pages={"20_what_moves": ("20_what_moves.html", "What moves?"), "10_how": ("a.html", "H")},
    )
    assert '<a href="20_what_moves.html">What moves?</a>' in html
    assert '<a href="a.html">x</a>' in html and "“Did it?” (not in this run) stays" in html
    ends = bound(
        prose="# T\n\nNext: [20_what_moves](20_what_moves.ipynb).",
        pages={"20_what_moves": ("20_what_moves.html", "What moves?")},
    )
    assert "What moves?</a></p>" in ends  # a question needs no full stop


@pytest.mark.parametrize(
    ("lang", "there", "gone"),
    [
        ("en", "“Did it work?”", "“Is it changing?” (not in this run)"),
        ("zh", "“奏效了吗？”", "“在变化吗？”（本次运行未包含）"),
    ],
)
def test_notes_call_pages_by_their_titles(lang, there, gone) -> None:
    context.begin(lang=lang)
    title = there.strip("“”")
    links = {"40_did_the_change_work": ("40.html", title)}
    note = prose.named("40_did_the_change_work; 12_is_it_changing", links)
    assert note == f"{there}; {gone}"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_that_is_absent_has_its_title(lang) -> None:
    context.begin(lang=lang)
    for notebook in sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb")):
        title = json.loads(notebook.read_text())["metadata"]["cxlib"]["title"][lang]
        assert f"“{title}”" in prose.named(f"see {notebook.stem}", {})


@pytest.mark.parametrize(
    ("lang", "source", "made"),
    [
        ("en", "They are associated (40_did_it).", "(“Did it?”, not in this run)"),
        ("en", "[x](a.html) see 40_did_it", "“Did it?” (not in this run)"),
        ("zh", "只是相关（见 40_did_it）。", "（见“Did it？”，本次运行未包含）"),
    ],
)
def test_no_brackets_stand_within_brackets(lang, source, made) -> None:
    context.begin(lang=lang)
    assert made in prose.named(source, {})


def test_no_space_is_left_between_chinese_and_a_title() -> None:
    context.begin(lang="zh")
    told = prose.named(
        "若含 40_did_the_change_work 一页", {"40_did_the_change_work": ("a", "有效吗？")}
    )
    assert told == "若含“有效吗？”一页"


def test_chinese_sentences_quote_the_questions_they_link_to() -> None:
    context.begin(lang="zh")
    pages = {"20_what_moves": ("20.html", "什么影响满意度？")}
    html = bound(prose="# T\n\n下一步：20_what_moves。", pages=pages, lang="zh")
    assert '<a href="20.html">“什么影响满意度？”</a>。' in html


def test_the_same_notebook_is_the_same_page(fit) -> None:
    assert bound(kept(fit)) == bound(kept(fit))


def record(**changes) -> dict:
    made = {"page": "10_x", "title": EVIL, "set": "", "status": "ok", "answer": EVIL}
    run = {
        "run": "r1",
        "study": "s",
        "about": {"title": EVIL},
        "lang": "en",
        "begun": "2026-11-21",
        "code": "c" * 64,
        "pages": [made],
    }
    return run | changes


def test_the_index_has_a_line_an_answer_and_escapes_it() -> None:
    html = indexes.of_run(record())
    assert 'href="10_x.html"' in html and SCRIPT not in html.replace(OURS, "")


def test_the_index_says_what_failed() -> None:
    made = record()["pages"][0]
    html = indexes.of_run(record(pages=[made | {"status": "failed"}, made | {"status": "not run"}]))
    assert "This run is incomplete" in html and "1 failed, 1 not run, of 2 pages." in html


def test_the_index_says_which_data_are_older_than_they_should_be() -> None:
    assert "older than they should be" not in indexes.of_run(record())
    about = {**record()["about"], "stale": ["Orders: 9 days old"], "fresh": ["Cases: 0 days old"]}
    html = indexes.of_run(record(about=about)).split("<main>")[0]
    assert html.index("Some of the data are older") < html.index("Orders: 9 days old")
    assert html.index("Orders: 9 days old") < html.index("Cases: 0 days old")


def test_the_index_folds_away_time_and_memory_of_the_pages() -> None:
    assert "Time and memory" not in indexes.of_run(record())
    made = record()["pages"][0] | {"seconds": 12.34, "memory_mb": 1345, "reused": False}
    old = made | {"page": "11_y", "title": "Y", "reused": True}
    html = indexes.of_run(record(pages=[made, old])).split("<details>")[1]
    words = re.sub(r"<[^>]*>", " ", html).split("All tables")[0]
    assert "12.3 s" in words and words.count("1,345 MB") == 2 and "up to date" in words


def test_the_top_index_shows_the_newest_run_first(tmp_path) -> None:
    for run, begun in (("r1", "2026-11-01"), ("r2", "2026-11-02")):
        (tmp_path / "s" / run).mkdir(parents=True)
        (tmp_path / "s" / run / "run.json").write_text(json.dumps(record(run=run, begun=begun)))
    (tmp_path / "s" / "broken").mkdir()
    (tmp_path / "s" / "broken" / "run.json").write_text("{")
    html = indexes.of_all(tmp_path)["index.html"]
    assert html.index("s/r2/index.html") < html.index("s/r1/index.html")


def test_an_empty_top_index_says_so(tmp_path) -> None:
    assert "No report yet." in indexes.of_all(tmp_path)["index.html"]


def test_chinese_pages_keep_their_words(fit) -> None:
    context.begin(lang="zh", labels={"speed": "速度"})
    assert "速度" in bound(kept(fit), lang="zh")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            [
                "seed 1 · data 2de",
                "Citation",
                "Cite this page as",
                "Data dictionary",
                "Show code",
                "Notebook",
            ],
        ),
        (
            "zh",
            ["种子 1 · 数据 2de", "引用", "引用本页", "数据字典", "显示代码", "笔记本"],
        ),
    ],
)
def test_a_page_says_what_it_is_made_of(fit, lang: str, words: list[str]) -> None:
    context.begin(lang=lang)
    about = {"title": "T", "source": "s", "licence": "l", "citation": "Doe (2020)"}
    html = bound(kept(fit), lang=lang, study=about, foot=("seed 1", "data 2de"), notebook="x.ipynb")
    assert [w for w in [*words, "Doe (2020)"] if w not in html] == []
    for file in ("dictionary.html", "index.html", "answers.json", "run.json", "x.ipynb"):
        assert f'href="{file}"' in html


def test_a_notebook_shows_finding_table_and_notes(fit, monkeypatch) -> None:
    seen: list[dict] = []
    display = SimpleNamespace(publish=lambda data, metadata: seen.append(data))
    monkeypatch.setattr(context, "shell", lambda: SimpleNamespace(display_pub=display))
    report.add("drivers", fit.replace(notes="12 answers were left out."))
    [data] = seen
    assert data["text/plain"] == str(fit) and data[report.MIME]["name"] == "drivers"
    html = data["text/html"]
    assert html.index(str(fit)) < html.index("<table") < html.index("12 answers")
    assert "tex2jax_ignore" in html  # or "$5 to $9" would be set as a formula


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (pd.Index(["web", "shop"], name="channel"), ["channel", "estimate"]),
        (pd.Index(["web", "shop"]), ["term", "estimate"]),
        (
            pd.MultiIndex.from_tuples([("web", 1), ("shop", 2)], names=["channel", "wave"]),
            ["channel", "wave", "estimate"],
        ),
        (pd.Index([7, 3]), ["estimate"]),
    ],
)
def test_the_index_of_a_table_is_kept_where_it_says_something(index, columns) -> None:
    record = answers._record("mine", pd.DataFrame({"estimate": [1.0, 2.0]}, index=index), "")
    assert record["table"]["columns"] == columns
