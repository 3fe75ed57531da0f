"""Fonts with Chinese characters, and bold text where such a font has no bold cut."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache

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
CHINESE = re.compile("[\u3400-\u9fff]")
OUTLINED = "outlined"  # marks text that is to look bold


@cache
def chinese_fonts() -> list[str]:
    """Name of the first installed font with Chinese characters, in a list; else an empty list.

    matplotlib keeps a list of fonts; where that names none, the font files are searched again, as
    a font may have been installed since.

    Examples
    --------
    >>> len(chinese_fonts()) <= 1
    True
    """
    if not _listed_fonts():
        _list_new_fonts()
    return _listed_fonts()


def _listed_fonts() -> list[str]:
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return [name for name in CJK_FONTS if name in installed][:1]


def _list_new_fonts() -> None:
    """Add the font files that matplotlib's list lacks, for this process."""
    known = {f.fname for f in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with suppress(Exception):  # a broken file is no reason to stop
            font_manager.fontManager.addfont(path)


def set_bold(text: Text, bold: bool = True) -> None:
    """Set the text bold or plain; a Chinese font without a bold cut gets an outline when drawn."""
    chinese = CHINESE.search(text.get_text()) and chinese_fonts()
    outlined = bold and chinese and not _has_bold()
    text.set_fontweight("bold" if bold and not outlined else "normal")
    text.set_gid(OUTLINED if outlined else None)


@cache
def _has_bold() -> bool:
    entries = [f for f in font_manager.fontManager.ttflist if f.name in chinese_fonts()]
    return any(str(f.weight) in ("600", "700", "800", "semibold", "bold") for f in entries)
