"""SVG as a page holds it inline: real text, colours as CSS variables, values on hover."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from cxlib.core.text import NOT_XML
from cxlib.plots.palette import PAPER, VARIABLES

# What the reader's machine has: its own letters first, then those with Chinese characters.
FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', "
    "'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif"
)
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
TEXT, GROUP, MARKS = f"{{{SVG}}}text", f"{{{SVG}}}g", (f"{{{SVG}}}use", f"{{{SVG}}}path")
HREF = f"{{{XLINK}}}href"
DROPPED = ("metadata", "style", "title")  # matplotlib's own; a style would hold for the whole page
LONG = re.compile(r"-?\d+\.\d{3,}")  # a hundredth of a point is more than an eye sees
HEX = re.compile(r"#[0-9a-f]{6}\b")
VARIABLE = re.compile(r"var\(--[\w-]+, ?(#[0-9A-Fa-f]{3,8})\)")
POINTED = re.compile(r"url\(#([^)]+)\)")
FAMILY = re.compile(r"font-family:[^;]*;?")
PLACE = re.compile(r"translate\((\S+) (\S+)\)$")
HALO = f"paint-order:stroke;stroke:{PAPER};stroke-width:3px;stroke-linejoin:round;"
ANCHORS = {"right": ("end", 1.0), "center": ("middle", 0.5)}


def refine(svg: str, hover: Mapping[str, Sequence[str]]) -> str:
    """What a page holds of an SVG that matplotlib has written.

    Parameters
    ----------
    svg : written with `svg.fonttype` "none"; the groups of its texts are called
        "text-left", "text-right" or "text-center", with "-halo" where a halo is wanted
    hover : id of a group, and what is said of each of its marks

    Returns
    -------
    SVG without styles, scripts, metadata and background, its ids unlike those of other figures.
    """
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(NOT_XML.sub("", svg))  # noqa: S314 - matplotlib wrote it just now
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in DROPPED or _unseen(child):
                parent.remove(child)
    for group in root.iter(GROUP):
        name = group.get("id", "")
        if name.startswith("text-"):
            _letters(group, name.split("-")[1:])
        elif name in hover:
            _say(group, hover[name])
    _rename(root, "")  # matplotlib's own ids depend on the last bit of numbers
    _flatten(root)
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, SHORT.get(name, _rounded)(value))
        element.tail = None
        if element.text is not None and not element.text.strip():
            element.text = None
    root.attrib.pop("version", None)
    root.attrib |= {"font-family": FONTS, "stroke-linejoin": "round", "stroke-linecap": "butt"}
    _rename(root, hashlib.sha256(ET.tostring(root)).hexdigest()[:6])
    return ET.tostring(root, encoding="unicode")


def without_variables(svg: str) -> str:
    """The SVG with plain colours, for programs that know no CSS variables.

    Examples
    --------
    >>> without_variables('<path style="fill:var(--ink,#1f2933)"/>')
    '<path style="fill:#1f2933"/>'
    """
    return VARIABLE.sub(r"\1", svg)


def _unseen(element: ET.Element) -> bool:
    """Whether this is a path that draws nothing, as the background is."""
    style = (element.get("style") or "").replace(" ", "").split(";")
    clear = "fill:none" in style and not any(s.startswith("stroke") for s in style)
    return element.tag == MARKS[1] and (clear or "opacity:0" in style)


def _letters(group: ET.Element, marked: list[str]) -> None:
    """Anchor each line of a text where it is aligned: its width depends on the reader's font."""
    texts = list(group.iter(TEXT))
    for text in texts:
        style = text.get("style") or ""
        place = PLACE.match(text.get("transform") or "")
        if place and marked[0] in ANCHORS:
            anchor, part = ANCHORS[marked[0]]
            x, y = float(place[1]) + part * _width(text.text or "", style), float(place[2])
            del text.attrib["transform"]
            text.attrib |= {"x": f"{x:.2f}", "y": f"{y:.2f}"}
            style += f";text-anchor:{anchor}"
        text.set("style", f"{HALO if 'halo' in marked else ''}{FAMILY.sub('', style)}")
        if re.match(r"rotate\(-?0 ", text.get("transform") or ""):
            del text.attrib["transform"]


def _width(words: str, style: str) -> float:
    """How wide matplotlib took the words to be, in points."""
    facts = dict(part.strip().split(": ", 1) for part in style.split(";") if ": " in part)
    weight = int(facts.get("font-weight", 400))
    font = FontProperties(size=float(facts["font-size"].removesuffix("px")), weight=weight)
    return text_to_path.get_text_width_height_descent(words, font, False)[0]


def _say(group: ET.Element, words: Sequence[str]) -> None:
    """Give each mark of the group its words, shown on hover."""
    known = {id(e) for defs in group.iter(f"{{{SVG}}}defs") for e in defs.iter()}
    marks = [e for e in group.iter() if e.tag in MARKS and id(e) not in known]
    uses = [e for e in marks if e.tag == MARKS[0]]
    marks = uses if len(uses) == len(words) else marks  # a line with markers is a path of its own
    for mark, said in zip(marks, words, strict=False) if len(marks) == len(words) else ():
        ET.SubElement(mark, f"{{{SVG}}}title").text = NOT_XML.sub("", said)


def _rename(root: ET.Element, prefix: str) -> None:
    """Ids of this figure alone, and none that nothing points to."""
    pointed: dict[str, str] = {}
    for element in root.iter():
        targets = [element.get(HREF, "").removeprefix("#")]
        targets += [m for value in element.attrib.values() for m in POINTED.findall(value)]
        for target in filter(None, targets):
            pointed.setdefault(target, f"f{prefix}-{len(pointed)}")
    for element in root.iter():
        if (name := element.attrib.pop("id", None)) in pointed:
            element.set("id", pointed[name])
        for key, value in element.attrib.items():
            if key == HREF and value.startswith("#"):
                element.set(key, f"#{pointed[value[1:]]}")
            elif "url(#" in value:
                element.set(key, POINTED.sub(lambda m: f"url(#{pointed[m[1]]})", value))


def _flatten(element: ET.Element) -> None:
    """Without groups that only hold others, and without empty ones."""
    children = []
    for child in list(element):
        _flatten(child)
        plain = child.tag == GROUP and not child.attrib
        children += list(child) if plain else [child]
    element[:] = [c for c in children if len(c) or c.tag not in (GROUP, f"{{{SVG}}}defs")]


def _rounded(value: str) -> str:
    return LONG.sub(_hundredth, value)


def _style(style: str) -> str:
    style = re.sub(r"\s*([:;])\s*", r"\1", style).strip(";")
    return HEX.sub(_variable, _rounded(style))


def _variable(match: re.Match[str]) -> str:
    name = VARIABLES.get(match[0])
    return f"var(--{name},{match[0]})" if name else match[0]


def _short(path: str) -> str:
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", _rounded(path)).strip()


def _hundredth(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


SHORT = {"style": _style, "d": _short}  # how the value of an attribute is shortened
