"""Figures as outlines (SVG) in as few characters as say the same picture."""

from __future__ import annotations

import re

NOT_DRAWN = re.compile(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.S)
LONG = re.compile(r"-?[1-9]\d*\.\d{3,}")  # a hundredth of a point is more than an eye sees
GLYPH = re.compile(r'(?<=["#])([A-Z][A-Za-z]+(?:-[A-Za-z]+)?)-([0-9a-f]+)(?=")')
NAMED = re.compile(r'<g id="[^"]*"')  # nothing in a figure points to a group


def lighter(svg: str) -> str:
    """The same picture in fewer characters; comments (what a text says) stay."""
    svg = LONG.sub(lambda m: f"{float(m[0]):.2f}", NOT_DRAWN.sub("", svg))
    svg = re.sub(r'(?<= d=")[^"]*', lambda m: re.sub(r"\s*([A-Za-z])\s*", r"\1", m[0]).strip(), svg)
    svg = re.sub(r'(?<= style=")[^"]*', lambda m: re.sub(r"(?<=[:;]) ", "", m[0]), svg)
    # Letters: by the capitals of their font, and moved along their line.
    svg = GLYPH.sub(lambda m: "".join(filter(str.isupper, m[1])) + m[2], svg)
    svg = re.sub(r'transform="translate\((\S+) 0\)"/>', r'x="\1"/>', svg)
    return re.sub(r">\s+<", "><", NAMED.sub("<g", svg))
