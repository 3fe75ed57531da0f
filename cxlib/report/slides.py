"""slides.pptx: a slide for each finding that matters, with its claim as the title, and its figure.

    data, left_out = slides.of_run(folder, run, answers)     # bytes; figures that were not drawn

A finding has a slide if it is the most important of its page or NOTABLE or more. The notes say how
it was found. Figures are drawn by Chromium where it is there; without it slides have none.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxlib.core.finding import Importance
from cxlib.core.i18n import _
from cxlib.report import browser, findings
from cxlib.report.answers import MIME
from cxlib.report.findings import Answers, Found

SVG, PIXELS = "image/svg+xml", ("image/png", "image/jpeg")
# Inches, on a slide of 16:9.
WIDE, HIGH, EDGE = 13.333, 7.5, 0.6
INK, SOFT, ACCENT = "1B232B", "55626E", "005F99"
TITLE, TEXT, SMALL = 26, 16, 12  # points


@dataclass(frozen=True)
class Slide:
    """What stands on a slide."""

    title: str
    detail: str
    do: str  # what to do, and who
    source: str
    notes: str
    alt: str = ""
    svg: str = ""
    pixels: bytes = b""


def of_run(folder: Path, run: Mapping[str, Any], answers: Answers) -> tuple[bytes, int]:
    """The slides of a run in one of its languages.

    Parameters
    ----------
    folder : of the run; its notebooks hold the figures
    run : as in run.json, with the pages of one language
    answers : as in answers.json

    Returns
    -------
    The file, and how many figures are left out because there is no browser to draw them
    """
    found = findings.of(run, answers)
    made = [_slide(f, folder, answers, run) for f in chosen(found)]
    places = [k for k, slide in enumerate(made) if slide.svg]
    drawn: dict[int, bytes] = {}
    if browser.found():
        drawn = dict(zip(places, browser.pngs([made[k].svg for k in places]), strict=True))
    first = (run["about"]["title"], [f.claim for f in findings.summary(found)], run["run"])
    return _written(first, made, drawn), len(places) - len(drawn)


def chosen(found: Sequence[Found]) -> list[Found]:
    """The findings that have a slide, page by page, the page with the largest news first."""
    heads = findings.heads(found)
    return [
        f
        for head in heads.values()
        for f in found
        if f.page == head.page and (f is head or f.importance >= Importance.NOTABLE)
    ]


def _slide(f: Found, folder: Path, answers: Answers, run: Mapping[str, Any]) -> Slide:
    record = answers[f.page][f.answer]
    figure = figures_of(folder / f"{f.page}.ipynb").get(f.answer, {})
    action, owner = f.record.get("action", ""), f.record.get("owner", "")
    do = _("Open action: {action} (owner: {owner})", action=action, owner=owner) if owner else ""
    if action and not owner:
        do = _("What to do: {action}", action=action)
    link = f"{run['study']}/{run['run']}/{f.link}"
    notes = [
        f.claim,
        f.record.get("detail", ""),
        record.get("note") or "",
        _("Page: {link}", link=link),
    ]
    data = figure.get("data", {})
    pixels = next((data[m] for m in PIXELS if m in data), "")
    return Slide(
        f.claim,
        f.record.get("detail", ""),
        do,
        f"{run['about']['title']} · {f.title}",
        "\n\n".join(note for note in notes if note),
        _alt(figure),
        data.get(SVG, ""),
        _bytes(pixels),
    )


def _alt(figure: Mapping[str, Any]) -> str:
    about = figure.get("metadata", {})
    return next((str(about[m]["alt"]) for m in (SVG, *PIXELS) if about.get(m, {}).get("alt")), "")


def _bytes(text: str) -> bytes:
    import base64

    return base64.b64decode("".join(text.split())) if text else b""


def figures_of(notebook: Path) -> dict[str, Mapping[str, Any]]:
    """The figure of each answer of an executed notebook: the next after it in its cell, or before.

    Raises ValueError where the notebook is gone.
    """
    import nbformat

    if not notebook.is_file():
        raise ValueError(f"{notebook.name} is gone; run it again with `cx run`.")
    kept: dict[str, Mapping[str, Any]] = {}
    for cell in nbformat.read(notebook, as_version=4).cells:
        kept |= dict(_of_cell(cell.get("outputs", [])))
    return kept


def _of_cell(outputs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    last, name = None, ""
    for output in outputs:
        data = output.get("data", {})
        if MIME in data:
            if name and last is not None:
                yield name, last
            name = data[MIME]["name"]
        elif any(m in data for m in (SVG, *PIXELS)):
            if name:
                yield name, output
                name = ""
            last = output
    if name and last is not None:
        yield name, last


def _written(
    first: tuple[str, list[str], str], slides: Sequence[Slide], drawn: Mapping[int, bytes]
) -> bytes:
    """The file. Titles are real titles, so that outlines and screen readers have them."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDE), Inches(HIGH)
    title, sentences, name = first
    opening = _titled(deck, title, top=1.2)
    for at, sentence in enumerate(sentences):
        _line(
            opening, sentence, top=2.3 + 0.95 * at, size=20 if at == 0 else TEXT + 2, bold=at == 0
        )
    _line(opening, name, top=HIGH - 0.75, size=SMALL, color=SOFT)
    for place, slide in enumerate(slides):
        _add(deck, slide, drawn.get(place, slide.pixels))
    made = io.BytesIO()
    deck.save(made)
    return made.getvalue()


def _add(deck: Any, slide: Slide, picture: bytes) -> None:
    from pptx.util import Inches

    page = _titled(deck, slide.title, top=0.45)
    _line(page, slide.detail, top=1.45, size=14, color=SOFT)
    top = 2.0
    if slide.do:
        _line(page, slide.do, top=top, size=TEXT, color=ACCENT)
        top += 0.5
    if picture:
        shape = page.shapes.add_picture(io.BytesIO(picture), Inches(EDGE), Inches(top))
        room = (Inches(WIDE - 2 * EDGE), Inches(HIGH - 0.8 - top))
        scale = min(room[0] / shape.width, room[1] / shape.height)
        shape.width, shape.height = round(shape.width * scale), round(shape.height * scale)
        shape.left = round((Inches(WIDE) - shape.width) / 2)
        shape._element.nvPicPr.cNvPr.set("descr", slide.alt)
    _line(page, slide.source, top=HIGH - 0.6, size=SMALL, color=SOFT)
    page.notes_slide.notes_text_frame.text = slide.notes


def _titled(deck: Any, words: str, top: float) -> Any:
    """A new slide with a title and nothing else."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches

    page = deck.slides.add_slide(deck.slide_layouts[5])
    title = page.shapes.title
    title.left, title.top = Inches(EDGE), Inches(top)
    title.width, title.height = Inches(WIDE - 2 * EDGE), Inches(1.0)
    frame = title.text_frame
    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.BOTTOM
    frame.text = words
    frame.paragraphs[0].alignment = PP_ALIGN.LEFT
    _styled(frame, TITLE, INK, bold=True)
    return page


def _line(
    page: Any, words: str, top: float, size: int, color: str = INK, bold: bool = False
) -> None:
    from pptx.util import Inches

    if not words:
        return
    box = page.shapes.add_textbox(Inches(EDGE), Inches(top), Inches(WIDE - 2 * EDGE), Inches(0.45))
    box.text_frame.word_wrap = True
    box.text_frame.text = words
    _styled(box.text_frame, size, color, bold=bold)


def _styled(frame: Any, size: int, color: str, *, bold: bool) -> None:
    from pptx.dml.color import RGBColor
    from pptx.util import Pt

    for run in (run for paragraph in frame.paragraphs for run in paragraph.runs):
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = RGBColor.from_string(color)
