"""The documentation site: built without a warning, its links lead somewhere, it loads nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.thorough  # `.ci/run` builds the site before the tests


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in ("sphinx", "furo", "myst_nb", "numpydoc"):
        pytest.importorskip(needed, reason=f"{needed} is not installed: `make setup` brings it")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    command += ["-c", "docs", "-d", str(target / "doctrees"), ".", str(target / "html")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    return target / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    found = {p: p.read_text(encoding="utf-8") for p in site.rglob("*.html")}
    return {p.resolve(): BeautifulSoup(text, "html.parser") for p, text in found.items()}


def test_each_question_and_each_topic_has_a_page(site: Path, pages) -> None:
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        page = pages[(site / "notebooks" / f"{notebook.stem}.html").resolve()]
        assert page.select(".cell_output")
    scores = pages[(site / "docs" / "api" / "cxlib.scores.html").resolve()]
    assert scores.find(id="cxlib.scores.nps")


def test_links_and_anchors_lead_somewhere(pages) -> None:
    names = {p: {t["id"] for t in page.find_all(id=True)} for p, page in pages.items()}
    wrong, tried = [], 0
    for place, page in pages.items():
        for link in page.select("a[href]"):
            target = urlsplit(str(link["href"]))
            if target.scheme or target.netloc:
                continue
            tried += 1
            goal = (place.parent / unquote(target.path)).resolve() if target.path else place
            if not goal.is_file():
                wrong.append(f"{place.name}: {link['href']}")
            elif target.fragment and goal in names and unquote(target.fragment) not in names[goal]:
                wrong.append(f"{place.name}: {link['href']}: no such anchor")
    assert tried > 1000 and not wrong


def test_the_site_loads_nothing_from_elsewhere(pages) -> None:
    for place, page in pages.items():
        loaded = page.select("script[src], img[src], iframe[src], link[rel=stylesheet][href]")
        assert loaded, place
        addresses = [str(tag.get("src") or tag.get("href")) for tag in loaded]
        assert not [a for a in addresses if urlsplit(a).netloc], place
