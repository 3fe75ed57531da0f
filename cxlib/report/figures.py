"""Figures as a page holds them: inline SVG with real text, or pixels as an image.

    figures.of(output, "f1-", "10-nps")      # Figure, or None for an output without one

SVG is written anew from an allow-list of elements, attributes and style properties: no script, no
handler, no address but those inside the figure and pixels that it holds itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from cxlib.core.i18n import _

WIDE, NARROW = "image/svg+xml", "application/vnd.cxlab.narrow+svg"
FORMS = (WIDE, "image/png", "image/jpeg")
ELEMENTS = {
    "svg", "g", "defs", "path", "line", "rect", "circle", "ellipse", "polyline", "polygon", "text",
    "tspan", "title", "desc", "use", "clipPath", "linearGradient", "radialGradient", "stop",
    "pattern", "marker", "image",
}  # fmt: skip
STYLES = {
    "clip-path", "clip-rule", "color", "dominant-baseline", "fill", "fill-opacity", "fill-rule",
    "font", "font-family", "font-size", "font-style", "font-variant-numeric", "font-weight",
    "letter-spacing", "opacity", "paint-order", "stop-color", "stop-opacity", "stroke",
    "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "text-rendering",
    "vector-effect", "visibility", "white-space",
}  # fmt: skip
ATTRIBUTES = STYLES | {
    "clipPathUnits", "cx", "cy", "d", "dx", "dy", "fx", "fy", "gradientTransform", "gradientUnits",
    "height", "id", "markerHeight", "markerUnits", "markerWidth", "offset", "orient",
    "patternTransform", "patternUnits", "points", "preserveAspectRatio", "r", "refX", "refY",
    "rotate", "rx", "ry", "style", "textLength", "transform", "viewBox", "width", "x", "x1", "x2",
    "y", "y1", "y2",
}  # fmt: skip
HARMFUL = re.compile(r"[\\@<>{}]|/\*|expression|script:|url\((?!#[\w.-]+\))", re.I)
WITHIN = re.compile(r"url\(#([\w.-]+)\)")
PIXELS = re.compile(r"data:image/(?:png|jpeg);base64,[\w+/=\s]*")
DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>")
VARIABLES = "var(--"  # the figure takes the page's colours
DEEPEST = 60  # elements within each other
WIDEST, TALLEST = 538, 480  # points: wider than the text; more than half a printed page


@dataclass(frozen=True)
class Figure:
    """A figure: its HTML, what its words are, and how much room it needs."""

    html: Markup
    alt: str
    name: str  # of the files that a reader saves
    wide: bool = False
    tall: bool = False
    paper: bool = False  # its colours are made for white


def of(output: Mapping[str, Any], prefix: str, name: str) -> Figure | None:
    """The figure of an output.

    Parameters
    ----------
    output : with `data` and `metadata` by mime type
    prefix : begins each id in the figure, so that no two figures share one
    name : of the files that a reader saves
    """
    mime = next((m for m in FORMS if m in output["data"]), "")
    if not mime:
        return None
    about = output.get("metadata", {}).get(mime, {})
    alt = about.get("alt") or _("Figure without a description.")
    content = output["data"][mime]
    if mime != WIDE:
        pixels = about.get("width", 0)
        pixels = pixels if isinstance(pixels, int) else 0
        image = Markup('<img alt="{}" src="data:{};base64,{}"{}>').format(
            alt, mime, "".join(content.split()), _attribute("width", pixels)
        )
        return Figure(image, alt, name, wide=0.75 * pixels > WIDEST, paper=True)
    forms = [inline(content, alt, prefix, "full")]
    if NARROW in output["data"]:
        forms.append(inline(output["data"][NARROW], alt, f"{prefix}n", "narrow"))
    if not forms[0]:
        return Figure(Markup("<p>{}</p>").format(alt), alt, name)
    width, height = _size(content)
    return Figure(
        Markup("").join(forms),
        alt,
        name,
        wide=width > WIDEST,
        tall=height > TALLEST,
        paper=VARIABLES not in content,
    )


def inline(svg: str, alt: str, prefix: str, kind: str = "") -> Markup:
    """SVG for the middle of a page, from the allow-list; nothing where it is no whole SVG.

    Examples
    --------
    >>> str(inline('<svg onload="x()"><script>x()</script><path d="M0 0"/></svg>', "A line", "f1"))
    '<svg role="img" aria-label="A line"><path d="M0 0"/></svg>'
    """
    if "<!ENTITY" in svg:
        return Markup()
    try:
        # Without a DOCTYPE and entities there is nothing to expand.
        root = ElementTree.fromstring(DOCTYPE.sub("", svg, count=1))  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        return Markup()
    if _name(root.tag) != "svg":
        return Markup()
    words = _attribute("class", kind) + Markup(' role="img" aria-label="{}"').format(alt)
    return Markup(_written(root, prefix, {}, 0, words))  # noqa: S704 - from the allow-list


def _written(
    element: ElementTree.Element, prefix: str, ids: dict[str, str], depth: int, more: str = ""
) -> str:
    """The element and what is in it, as text; `ids` has the new name of each id."""
    name = _name(element.tag)
    if name not in ELEMENTS or depth > DEEPEST:
        return ""
    given = {_name(key): value for key, value in element.attrib.items()}
    kept = {k: v for k, v in given.items() if k in ATTRIBUTES and not HARMFUL.search(v)}
    if "style" in kept:
        kept["style"] = _style(kept["style"])
    if name in ("use", "image"):
        target = given.get("href", "")
        if name == "use" and re.fullmatch(r"#[\w.-]+", target):
            kept["href"] = f"url({target})"  # renamed with the others, and unwrapped below
        elif name == "image" and PIXELS.fullmatch(target):
            kept["href"] = "".join(target.split())
        else:
            return ""

    def renamed(old: str) -> str:
        return ids.setdefault(old, f"{prefix}{len(ids)}")

    if "id" in kept:
        kept["id"] = renamed(kept["id"])
    for key, value in kept.items():
        if "url(#" in value:
            kept[key] = WITHIN.sub(lambda m: f"url(#{renamed(m[1])})", value)
    if name == "use":
        kept["href"] = kept["href"][4:-1]
    attributes = "".join(str(_attribute(k, v)) for k, v in kept.items())
    inner = html.escape(element.text or "", quote=False) if name in TEXTS else ""
    for child in element:
        inner += _written(child, prefix, ids, depth + 1)
        if name in TEXTS:
            inner += html.escape(child.tail or "", quote=False)
    opening = f"<{name}{more}{attributes}"
    return f"{opening}>{inner}</{name}>" if inner else f"{opening}/>"


TEXTS = ("text", "tspan", "title", "desc")  # whose text is text


def _name(tag: object) -> str:
    """The name without its namespace; comments have none."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attribute(name: str, value: object) -> Markup:
    return Markup(' {}="{}"').format(name, value) if value else Markup()


def _style(style: str) -> str:
    """The declarations of the properties that are allowed."""
    parts = (part.partition(":") for part in style.split(";"))
    kept = [(k.strip(), v.strip()) for k, _unused, v in parts if k.strip() in STYLES]
    return ";".join(f"{k}:{v}" for k, v in kept)


def _size(svg: str) -> tuple[float, float]:
    """Width and height in points; 0 where the SVG does not say."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg[:2000])
    return (float(size[1]), float(size[2])) if size else (0.0, 0.0)
