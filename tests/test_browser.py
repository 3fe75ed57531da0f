"""Every page opened in a real browser, phone and desk wide: quiet, self-contained, in bounds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from test_notebooks import NOTEBOOKS, made

pytestmark = [
    pytest.mark.xdist_group("pages"),
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="no chromium with chromedriver; .ci/run installs them",
    ),
]
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync"""
PAGES = [*(n.stem for n in NOTEBOOKS), "index"]
WIDE = (
    "const w = document.documentElement; return [w.scrollWidth, w.clientWidth, "
    "[...document.images].every(i => i.naturalWidth > 0)]"
)


@pytest.fixture(scope="module")
def browser():
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


def requests_of(browser) -> list[str]:
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages
            if m["method"] == "Network.requestWillBeSent"]  # fmt: skip
    return [url for url in sent if not url.startswith(("file:", "data:", "about:"))]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_within_bounds(browser, name: str, width: int) -> None:
    folder = Path(next(iter(made().values())).folder)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get_log("performance")
    browser.get((folder / f"{name}.html").as_uri())
    needed, there, drawn = browser.execute_script(WIDE)
    assert needed <= there, f"{name} is {needed} px wide on a screen of {there}"
    assert drawn, "a figure did not load"
    assert browser.get_log("browser") == []
    assert requests_of(browser) == []
