"""Every page opened in a real browser, phone and desk wide: quiet, self-contained, in bounds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_notebooks import NOTEBOOKS, USUAL, made

from cxlib.data.sources import SourceError
from cxlib.report import pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="no chromium with chromedriver; .ci/run installs them",
    ),
]
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync"""
OTHERS = ("index", "dictionary", "glossary")
PAGES = [*(n.stem for n in NOTEBOOKS), *OTHERS]
FEW = ("10_how_satisfied_are_customers", "index", "glossary")
AXE = Path(os.environ.get("CX_AXE", "axe")) / "package" / "axe.min.js"  # .ci/run gets it from npm
RUN_AXE = """const [rules, done] = arguments;
axe.run(document, {resultTypes: ["violations"], ...(rules && {runOnly: rules})})
  .then(r => done(r.violations.map(
    v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(" | "))))"""
CODE = "return [...new Set([...document.querySelectorAll('.code')].map(d => d.offsetHeight))]"
PREPARE = """document.querySelectorAll('details').forEach(d => d.open = true);
document.documentElement.style.scrollBehavior = 'auto';"""
WIDE = (
    "const w = document.documentElement; return [w.scrollWidth, w.clientWidth, "
    "[...document.images].every(i => i.naturalWidth > 0)]"
)


FIRST_FIGURE = """const f = document.querySelector('.answer > figure');
return f && f.getBoundingClientRect().top + scrollY;"""
SAVED = """const [kind, done] = arguments;
HTMLAnchorElement.prototype.click = function () { done([this.download, this.href]); };
const buttons = [...document.querySelectorAll('.save button')];
buttons.find(b => b.textContent === kind && b.closest('figure').querySelector('svg')).click();"""


def started():
    """A browser that keeps what it asks for; it ends when the generator does."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def browser():
    yield from started()


def requests_of(browser) -> list[str]:
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    sent = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in sent if not url.startswith(("file:", "data:", "about:"))]


def shown(browser, width: int = 1280, mode: str = "light") -> None:
    """The same page on another screen."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"name": "prefers-color-scheme", "value": mode}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def opened(browser, file: Path) -> None:
    shown(browser)
    browser.get_log("performance")
    browser.get(file.as_uri())


def usual(name: str) -> bool:
    return name in OTHERS or name[:2] in USUAL.split()


def folder_of(study: str, only: str = USUAL, **given) -> Path:
    return Path(next(iter(made(study, only, **given).values())).folder)


def file_of(name: str) -> Path:
    """A page of the sample, of the usual ones or of all."""
    return folder_of("sample", USUAL if usual(name) else "") / f"{name}.html"


def is_quiet_and_within_bounds(browser, file: Path) -> None:
    for width in (390, 1280):
        shown(browser, width)
        needed, there, drawn = browser.execute_script(WIDE)
        assert needed <= there, f"{file.name} is {needed} px wide on a screen of {there}"
        assert drawn, f"a figure of {file.name} did not load"
    assert browser.get_log("browser") == []
    assert requests_of(browser) == []
    assert file.stat().st_size < 1_000_000


def shows_its_figure_early(browser, file: Path) -> None:
    """The figure of the head begins within the first screen, on a phone within one and a half."""
    for width, screens in [(1280, 1.0), (390, 1.5)]:
        shown(browser, width)
        top = browser.execute_script(FIRST_FIGURE)
        assert top is None or top < screens * 844, f"{file.name}, {width} px: {top}"


def is_for_everybody(browser, file: Path) -> None:
    """axe finds nothing; in the dark and on a phone only what can differ there is looked at."""
    if not AXE.exists():
        return
    browser.execute_script(AXE.read_text(encoding="utf-8") + PREPARE)
    for width, mode, rules in [
        (1280, "light", None),
        (1280, "dark", ["color-contrast", "link-in-text-block"]),
        (390, "dark", ["scrollable-region-focusable", "target-size"]),
        (390, "light", ["color-contrast", "meta-viewport"]),
    ]:
        shown(browser, width, mode)
        found = browser.execute_async_script(RUN_AXE, rules)
        assert found == [], f"{file.name}, {width} px, {mode}"


@pytest.mark.parametrize(
    "name", [pytest.param(p, marks=() if usual(p) else pytest.mark.thorough) for p in PAGES]
)
def test_a_page_is_quiet_and_within_bounds(browser, name: str) -> None:
    file = file_of(name)
    opened(browser, file)
    shows_its_figure_early(browser, file)
    is_quiet_and_within_bounds(browser, file)


@pytest.mark.parametrize(
    "name",
    [pytest.param(p, marks=() if p in FEW else pytest.mark.thorough) for p in PAGES],
)
def test_a_page_is_for_everybody(browser, name: str) -> None:
    file = file_of(name)
    opened(browser, file)
    is_for_everybody(browser, file)


@pytest.mark.thorough
@pytest.mark.mirror
@pytest.mark.parametrize("study", ["airport"])
def test_chinese_pages_of_public_studies_are_so_too(browser, study: str) -> None:
    try:
        results = made(study, LANG="zh")
    except SourceError as error:
        pytest.skip(f"the data of {study} are public and cannot be had here: {error}")
    assert {r.status for r in results.values()} <= {"ok", "skipped"}
    index = folder_of(study, "", LANG="zh") / "index.html"
    for file in [*(r.file for r in results.values()), index]:
        opened(browser, file)
        is_quiet_and_within_bounds(browser, file)
        is_for_everybody(browser, file)


@pytest.mark.skipif(AXE.exists(), reason="axe-core is there, and was used above")
def test_axe_is_told_when_it_lacks() -> None:
    pytest.skip("no axe-core in $CX_AXE; .ci/run gets it from npm")


def test_a_table_is_sorted_from_the_keyboard_and_says_so(browser) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, folder_of("sample") / "20_what_moves_satisfaction.html")
    browser.execute_script(PREPARE)
    button = browser.find_element(By.CSS_SELECTOR, ".kept th:first-child button")
    shown = "return [...document.querySelectorAll('.kept table')][0].tBodies[0].innerText"
    before = browser.execute_script(shown).split("\n")
    button.send_keys(Keys.ENTER)
    button.send_keys(Keys.ENTER)
    after = browser.execute_script(shown).split("\n")
    assert after == sorted(before) and after != before
    head = button.find_element(By.XPATH, "..")
    assert head.get_attribute("aria-sort") == "ascending"
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) == "solid"


def test_one_switch_shows_all_code(browser) -> None:
    opened(browser, folder_of("sample") / "20_what_moves_satisfaction.html")
    browser.execute_script(PREPARE)
    assert browser.execute_script(CODE) == [0]
    browser.execute_script("document.getElementById('code-too').click()")
    assert 0 not in browser.execute_script(CODE)


@pytest.mark.parametrize(
    ("kind", "begins"), [("SVG", "data:image/svg+xml"), ("PNG", "data:image/png;base64,")]
)
def test_a_figure_is_saved_in_the_colours_of_paper(browser, kind: str, begins: str) -> None:
    opened(browser, folder_of("sample") / "20_what_moves_satisfaction.html")
    shown(browser, mode="dark")
    name, address = browser.execute_async_script(SAVED, kind)
    assert name.endswith(f".{kind.lower()}") and address.startswith(begins)
    assert len(address) > 2000 and "var(--" not in unquote(address)
    assert browser.get_log("browser") == []


def test_the_values_of_a_figure_are_read_with_the_arrow_keys(browser, tmp_path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    marks = "".join(f"<circle cx='{k}' r='1'><title>NPS {k}</title></circle>" for k in (5, 9))
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='90' viewBox='0 0 20 9'>"
    svg += f"{marks}</svg>"
    output = new_output("display_data", data={"image/svg+xml": svg})
    html = pages.bind(new_notebook(cells=[new_code_cell("1", outputs=[output])]), pages.Facts("T"))
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    opened(browser, file)
    figure = browser.find_element(By.CSS_SELECTOR, "figure svg")
    said = []
    for _step in range(3):
        figure.send_keys(Keys.ARROW_RIGHT)
        said.append(browser.find_element(By.CSS_SELECTOR, ".tip[role=status]").text)
    assert said == ["NPS 5", "NPS 9", "NPS 5"]


def test_a_page_prints_whole_without_its_code(browser) -> None:
    opened(browser, folder_of("sample") / "20_what_moves_satisfaction.html")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script(CODE) == [0]
    about = "return document.querySelector('#about-this-page dl').offsetHeight"
    assert browser.execute_script(about) > 0
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27})
    assert printed["data"].startswith("JVBER")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_long_heads_do_not_make_a_table_scroll(browser, tmp_path: Path) -> None:
    style = Path(pages.__file__).parent / "templates" / "style.css"
    heads = "".join(f"<th>How many of them {n}</th>" for n in range(7))
    table = (
        f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{'<td>1</td>' * 7}</tr></tbody></table>"
    )
    file = tmp_path / "wide.html"
    file.write_text(
        f"<style>{style.read_text()}</style><main><div class='scroll'>{table}</div></main>"
    )
    opened(browser, file)
    box = "const b = document.querySelector('.scroll'); return [b.scrollWidth, b.clientWidth];"
    scrolled, there = browser.execute_script(box)
    assert scrolled <= there
