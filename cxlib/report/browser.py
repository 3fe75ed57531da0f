"""Chromium, where the machine has it: pages as PDF, figures as PNG for slides.

    browser.pdf(Path("index.html"), Path("index.pdf"))
    browser.pngs([svg, svg])                    # one picture a figure, each PIXELS wide and high

Nothing is loaded from anywhere: pages bring all they need and forbid the rest.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
NAMED = "CX_BROWSER"  # the environment variable with another name or path
SECONDS = 120
WIDTH, HEIGHT, SCALE = 1200, 560, 2  # of a figure on a slide, in CSS pixels
TOGETHER = 12  # figures in one screenshot; a taller one would exceed what a browser can draw


class NoBrowserError(RuntimeError):
    """Chromium is needed and is not there, or did not do what was asked."""


def found() -> str | None:
    """Path of the browser; None where there is none."""
    names = [os.environ[NAMED]] if os.environ.get(NAMED) else NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


def pdf(page: Path, target: Path) -> None:
    """Print a page of ours to a PDF file.

    Raises
    ------
    NoBrowserError : there is no browser, or it failed
    """
    _run([f"--print-to-pdf={target.resolve()}", "--no-pdf-header-footer", page.resolve().as_uri()])
    if not target.is_file():
        raise NoBrowserError(f"the browser wrote no PDF of {page.name}.")


def pngs(figures: Sequence[str]) -> list[bytes]:
    """SVG figures as PNG, each fitted into WIDTH x HEIGHT, on white.

    Raises
    ------
    NoBrowserError : there is no browser, or it failed
    """
    drawn: list[bytes] = []
    for start in range(0, len(figures), TOGETHER):
        drawn += _drawn(figures[start : start + TOGETHER])
    return drawn


def _drawn(figures: Sequence[str]) -> list[bytes]:
    """One screenshot of several figures below each other, cut apart: a browser starts slowly."""
    from PIL import Image

    style = f"display:block;width:{WIDTH}px;height:{HEIGHT}px;object-fit:contain"
    # As images, so that nothing in a figure can run.
    images = (
        f'<img style="{style}" src="data:image/svg+xml;base64,'
        f'{base64.b64encode(figure.encode()).decode()}">'
        for figure in figures
    )
    html = f'<body style="margin:0;background:#fff">{"".join(images)}</body>'
    with tempfile.TemporaryDirectory() as place:
        page, shot = Path(place, "figures.html"), Path(place, "figures.png")
        page.write_text(f'<!doctype html><meta charset="utf-8">{html}', encoding="utf-8")
        size = f"--window-size={WIDTH},{HEIGHT * len(figures)}"
        scale = f"--force-device-scale-factor={SCALE}"
        _run([f"--screenshot={shot}", "--hide-scrollbars", size, scale, page.as_uri()])
        if not shot.is_file():
            raise NoBrowserError("the browser drew no figures.")
        with Image.open(shot) as image:
            return [_part(image, place) for place in range(len(figures))]


def _part(image: Any, place: int) -> bytes:
    top, made = SCALE * HEIGHT * place, BytesIO()
    image.crop((0, top, SCALE * WIDTH, top + SCALE * HEIGHT)).save(made, "PNG", optimize=True)
    return made.getvalue()


def _run(arguments: Sequence[str]) -> None:
    browser = found()
    if browser is None:
        raise NoBrowserError(
            "Chromium or Chrome is needed and was not found. Install it (Debian: apt install "
            f"chromium) or name it in {NAMED}."
        )
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        common = ["--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"]
        command = [browser, *common, *root, f"--user-data-dir={profile}", *arguments]
        try:
            subprocess.run(  # noqa: S603 - the browser that was found, with a page of ours
                command, check=True, capture_output=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise NoBrowserError(f"the browser took longer than {SECONDS} s.") from None
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoBrowserError(f"{browser} failed ({type(error).__name__}).") from None
