"""Figures as a page holds them: SVG with real text, pixels where those are lighter, alt texts."""

from __future__ import annotations

import base64
import re
import warnings
from io import BytesIO, StringIO
from typing import cast

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from cxlib.core.i18n import _
from cxlib.plots import layout
from cxlib.plots.fonts import chinese_fonts
from cxlib.plots.palette import PAPER
from cxlib.plots.svg import refine

WIDE, NARROW, PIXELS = "image/svg+xml", "application/vnd.cxlab.narrow+svg", "image/png"
LARGEST_SVG = 150_000  # characters; above it the pixels are lighter than the shapes
DPI = 160  # of those pixels
HALO = "halo"  # gid of text that stands on marks: an edge of the paper's colour goes round it
CHINESE = re.compile("[\u3400-\u9fff]")


def picture(figure: Figure) -> tuple[str | bytes, str]:
    """Render a figure as a page holds it.

    Parameters
    ----------
    figure : figure to render

    Returns
    -------
    SVG text, or PNG bytes where the SVG would be larger than 150,000 characters; and the mime type.
    The same figure gives the same bytes. In the SVG, text is text, colours are CSS variables with
    the house's colours as fallback, and the background is transparent.

    Examples
    --------
    >>> picture(Figure())[1]
    'image/svg+xml'
    """
    layout.fit(figure)
    _titles_to_the_left(figure)
    svg = _svg(figure)
    if len(svg) <= LARGEST_SVG:
        return svg, WIDE
    return _pixels(figure), PIXELS


def narrow_picture(figure: Figure) -> str | None:
    """Render the figure's form for a phone, with labels above what they name, as SVG.

    Parameters
    ----------
    figure : figure of a function of this package

    Returns
    -------
    SVG text; None where the figure has no such form, or its SVG would be too large.

    Examples
    --------
    >>> narrow_picture(Figure()) is None
    True
    """
    small = layout.for_phone(figure)
    if small is None:
        return None
    try:
        _titles_to_the_left(small)
        svg = _svg(small)
    finally:
        plt.close(small)
    return svg if len(svg) <= LARGEST_SVG else None


def _svg(figure: Figure) -> str:
    for text in figure.findobj(Text):
        text = cast(Text, text)
        halo = "-halo" if str(text.get_gid()).endswith(HALO) else ""
        text.set_gid(f"text-{text.get_horizontalalignment()}{halo}")
    written = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cxlab"}):
        how: dict = {"bbox_inches": "tight", "metadata": {"Date": None}, "transparent": True}
        figure.savefig(written, format="svg", **how)
    return refine(written.getvalue(), getattr(figure, "hover", {}))


def _pixels(figure: Figure) -> bytes:
    texts = [cast(Text, t) for t in figure.findobj(Text)]
    for text in texts:
        if str(text.get_gid()).endswith(HALO):
            text.set_path_effects([withStroke(linewidth=2.5, foreground=PAPER)])
    if not chinese_fonts() and any(CHINESE.search(t.get_text()) for t in texts):
        warnings.warn(
            "a figure is too large for SVG, and no font with Chinese characters was found for its "
            "pixels, so figures show boxes. Install one (Debian: apt install fonts-wqy-microhei) "
            "and run again.",
            stacklevel=2,
        )
    pixels = BytesIO()
    figure.savefig(pixels, format="png", bbox_inches="tight", dpi=DPI, metadata={"Software": None})
    return pixels.getvalue()


def _titles_to_the_left(figure: Figure) -> None:
    """Begin titles where the labels of the rows begin: at the edge, where reading begins."""
    for ax in figure.axes if len(figure.axes) == 1 else []:
        if ax.get_title("left"):
            figure.draw_without_rendering()
            box = cast(Bbox, ax.get_tightbbox(for_layout_only=True))
            edge = ax.transAxes.inverted().transform((box.x0, box.y0))[0]
            ax._left_title.set_x(min(edge, 0))  # type: ignore[attr-defined]  # set_title would drop its pad


def alt_text(figure: Figure) -> str:
    """Describe a figure for readers who cannot see it.

    Parameters
    ----------
    figure : any matplotlib figure

    Returns
    -------
    Its own `alt_text`, which figures of this package carry; else its titles, axes and legends.

    Examples
    --------
    >>> figure = Figure()
    >>> _ = figure.add_subplot().set(title="Mine", xlabel="days")
    >>> alt_text(figure)
    'Figure: Mine; days.'
    """
    if given := getattr(figure, "alt_text", ""):
        return given
    parts = [figure.get_suptitle()]
    for ax in figure.axes:
        parts += [ax.get_title(loc) for loc in ("left", "center")]
        parts += [ax.get_xlabel(), ax.get_ylabel()]
        parts += [t.get_text() for t in legend.get_texts()] if (legend := ax.get_legend()) else []
    words = "; ".join(dict.fromkeys(p.strip() for p in parts if p.strip()))
    return _("Figure: {what}.", what=words) if words else _("Figure.")


def show_in_notebooks() -> None:
    """Have a notebook show figures as SVG (or PNG where that is lighter), with their words."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    for mime in (PIXELS, WIDE, "image/jpeg", "application/pdf"):
        shell.display_formatter.formatters[mime].pop(Figure, None)
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Figure, **_unused: object) -> tuple[dict, dict]:
    data, mime = picture(figure)
    about: dict[str, object] = {"alt": alt_text(figure)}
    if isinstance(data, bytes):  # a notebook holds text
        about["width"] = round(int.from_bytes(data[16:20]) * 96 / DPI)  # as large as the SVG
        data = base64.b64encode(data).decode()
    bundle = {mime: data}
    if small := narrow_picture(figure):
        bundle[NARROW] = small
    return bundle, {mime: about}
