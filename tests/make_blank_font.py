"""Make the font that only measures: letters of no shape, one em wide in Chinese.

    python tests/make_blank_font.py      # writes cxlib/plots/blank.ttf

Figures are SVG with real text, which the reader's own fonts draw. matplotlib must still know how
wide each text is. Chinese characters are all as wide as they are high, so a font of a single empty
letter measures them as well as any Chinese font does.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

FILE = Path(__file__).parents[1] / "cxlib/plots/blank.ttf"
FAMILY = "CX Lab Blank"
EM = 1000
WIDE = (  # scripts and signs as wide as they are high
    (0x1100, 0x11FF),
    (0x2E80, 0xA4CF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF01, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x1F000, 0x1FAFF),
    (0x20000, 0x3FFFD),
)


def build() -> bytes:
    """The font as the bytes of its file."""
    glyphs = {name: TTGlyphPen(None).glyph() for name in (".notdef", "half", "wide")}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({".notdef": (600, 0), "half": (600, 0), "wide": (EM, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=880, usWinDescent=120)
    builder.setupPost()
    wide = {c for first, last in WIDE for c in range(first, last + 1)}
    every = CmapSubtable.newSubtable(13)  # whole ranges share a glyph: a small file
    every.platformID, every.platEncID, every.language = 3, 10, 0
    every.format, every.reserved, every.length, every.nGroups = 13, 0, 0, 0
    others = (c for c in range(0x370, 0x3FFFE) if not 0xD800 <= c <= 0xDFFF)
    every.cmap = {c: "wide" if c in wide else "half" for c in others}
    builder.font["cmap"].tables = [every]
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    FILE.parent.mkdir(exist_ok=True)
    builder.save(FILE)
    return FILE.read_bytes()


if __name__ == "__main__":
    print(f"{FILE.name}: {len(build())} bytes")
