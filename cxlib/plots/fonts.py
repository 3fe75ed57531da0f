"""Fonts: what text is measured with, and those with Chinese characters for figures of pixels.

Text in an SVG is drawn by the fonts of the reader's machine. matplotlib only measures it, with its
own font for Latin letters and, where no Chinese font is installed, with an empty font whose letters
are as wide as Chinese ones.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from matplotlib import font_manager
from matplotlib.text import Text

CJK_FONTS = (
    "WenQuanYi Micro Hei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
BLANK = "CX Lab Blank"  # measures all letters, draws none
BLANK_FILE = str(Path(__file__).with_name("blank.ttf"))


def families() -> list[str]:
    """The fonts of a figure: for Latin letters, for Chinese characters, and to measure the rest."""
    if not is_listed(BLANK):
        font_manager.fontManager.addfont(BLANK_FILE)
    return ["DejaVu Sans", *chinese_fonts(), BLANK]


def chinese_fonts() -> list[str]:
    """Name of the first installed font with Chinese characters, in a list; else an empty list.

    matplotlib keeps a list of fonts; where that names none, the font files are searched again at
    each call, as a font may have been installed since.

    Examples
    --------
    >>> len(chinese_fonts()) <= 1
    True
    """
    if not _listed_fonts():
        _list_new_fonts()
    return _listed_fonts()


def is_listed(name: str) -> bool:
    """Whether matplotlib's list of fonts has one of this name."""
    return name in {f.name for f in font_manager.fontManager.ttflist}


def _listed_fonts() -> list[str]:
    return [name for name in CJK_FONTS if is_listed(name)][:1]


def _list_new_fonts() -> None:
    """Add the font files that matplotlib's list lacks, for this process."""
    known = {f.fname for f in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with suppress(Exception):  # a broken file is no reason to stop
            font_manager.fontManager.addfont(path)


def set_bold(text: Text, bold: bool = True) -> None:
    """Set the text bold or plain."""
    text.set_fontweight("bold" if bold else "normal")
