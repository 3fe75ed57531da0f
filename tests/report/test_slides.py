"""Exports of a run: slides, PDF; what is left out without a browser is said."""

from __future__ import annotations

import io
import json
import shutil

import nbformat
import pytest
from click.testing import CliRunner

from cxlib.cli import main
from cxlib.report import browser, slides
from cxlib.report.answers import MIME

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'


def claim(words: str, importance: int = 1, **slots) -> dict:
    finding = {"claim": words, "detail": f"Detail of {words}", "importance": importance} | slots
    return {"finding": finding, "answer": words, "note": f"Note of {words}", "unit": ""}


def figure(alt: str) -> dict:
    data, about = {"image/svg+xml": SVG}, {"image/svg+xml": {"alt": alt}}
    return nbformat.v4.new_output("display_data", data=data, metadata=about)


def answer(name: str) -> dict:
    return nbformat.v4.new_output("display_data", data={MIME: {"name": name}})


@pytest.fixture
def folder(tmp_path):
    """A run of two pages."""
    answers = {
        "10_page": {"a": claim("A", 2), "b": claim("B"), "c": claim("C", 3)},
        "12_page": {"d": claim("D", 4, action="Act", owner="Ops")},
    }
    pages = [
        {
            "page": name,
            "notebook": f"{name}.ipynb",
            "set": "",
            "status": "ok",
            "lang": "en",
            "title": f"{name}?",
            "job": {"rules": {"lang": "en"}},
            "answer": "",
            "mistake": None,
        }
        for name in answers
    ]
    run = {"run": "now", "study": "nobody", "lang": "en", "pages": pages, "about": {"title": "N"}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    (tmp_path / "index.html").write_text("<!doctype html><title>Index</title><p>Here.")
    cells = [
        [answer("a"), figure("first"), answer("b"), answer("c"), figure("third")],
        [answer("d")],
    ]
    for page, outputs in zip(answers, cells, strict=True):
        book = nbformat.v4.new_notebook()
        book.cells = [nbformat.v4.new_code_cell("x", outputs=outputs)]
        nbformat.write(book, tmp_path / f"{page}.ipynb")
    return tmp_path


def export(folder, *options: str):
    return CliRunner().invoke(main, ["export", str(folder), *options])


def deck_of(folder):
    pptx = pytest.importorskip("pptx")
    return pptx.Presentation(io.BytesIO((folder / "slides.pptx").read_bytes()))


def test_each_answer_has_the_figure_that_follows_it(folder) -> None:
    figures = slides.figures_of(folder / "10_page.ipynb")
    alts = {k: f["metadata"]["image/svg+xml"]["alt"] for k, f in figures.items()}
    assert alts == {"a": "first", "b": "first", "c": "third"}


@pytest.mark.slow
def test_heads_and_notable_findings_have_slides_the_news_first(folder, monkeypatch) -> None:
    pytest.importorskip("pptx")
    monkeypatch.setattr(browser, "found", lambda: None)
    made = export(folder, "--pptx")
    assert made.exit_code == 0 and "1 figure is left out" in made.output
    deck = deck_of(folder)
    assert [s.shapes.title.text for s in deck.slides] == ["N", "D", "C"]
    news = deck.slides[1]
    words = [s.text_frame.text for s in news.shapes if s.has_text_frame]
    assert "Open action: Act (owner: Ops)" in words and "Detail of D" in words
    notes = news.notes_slide.notes_text_frame.text
    assert "Note of D" in notes and "nobody/now/12_page.html#answer-d" in notes


@pytest.mark.browser
@pytest.mark.skipif(not browser.found(), reason="no Chromium")
def test_figures_are_drawn_and_have_their_words(folder) -> None:
    pytest.importorskip("pptx")
    made = export(folder, "--pptx")
    assert made.exit_code == 0 and "left out" not in made.output
    pictures = [s for s in deck_of(folder).slides[2].shapes if s.shape_type == 13]
    assert [p._element.nvPicPr.cNvPr.get("descr") for p in pictures] == ["third"]
    assert pictures[0].image.size == (browser.WIDTH * 2, browser.HEIGHT * 2)


@pytest.mark.browser
@pytest.mark.skipif(not browser.found(), reason="no Chromium")
def test_pages_become_pdf(folder) -> None:
    assert export(folder, "--pdf").exit_code == 0
    assert (folder / "pdf" / "index.pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_pdf_says_what_is_needed(folder, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    made = export(folder, "--pdf")
    assert made.exit_code == 2 and "Chromium or Chrome is needed" in made.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--pptx, --pdf or --xlsx"),
        (("--pptx", "--lang", "zh"), "no pages in 'zh'"),
    ],
)
def test_what_cannot_be_exported_is_said(folder, options, words) -> None:
    made = export(folder, *options)
    assert made.exit_code == 2 and words in made.output


def test_a_folder_that_is_no_run_is_named(tmp_path) -> None:
    made = export(tmp_path, "--xlsx")
    assert made.exit_code == 2 and "is not a run of `cx run`" in made.output
