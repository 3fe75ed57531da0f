"""A seeded part of `make chaos`: payloads in the texts of a study stay texts in a real browser."""

from __future__ import annotations

import test_browser
from chaos import injection

pytestmark = test_browser.pytestmark
browser = test_browser.browser


def test_no_payload_runs_and_none_asks_for_anything(browser, tmp_path) -> None:
    used = injection.write(tmp_path, injection.texts("http://127.0.0.1:9", 1))
    files, said = injection.run(tmp_path, ["10", "payloads"], ["en"])
    assert len(files) > 3, said
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": injection.SEEN})
    assert [wrong for file in files for wrong in injection.judged(browser, file)] == []
    text = "".join(file.read_text("utf-8") for file in files)
    shown = sum(f"ran({k})" in text or f":9/{k}" in text for k in range(used.total()))
    assert shown > 40  # or the test above says nothing


def test_the_judge_sees_what_runs_and_what_leaves(browser, tmp_path) -> None:
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": injection.SEEN})
    page = tmp_path / "page.html"
    page.write_text(
        "<script>ran(7)</script><img src='http://127.0.0.1:9/8'><a href='javascript:0'>"
    )
    wrong = "\n".join(injection.judged(browser, page))
    assert all(s in wrong for s in ("payload 7 ran", "asks for http://127.0.0.1:9/8", "would run"))
