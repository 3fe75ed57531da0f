"""A seeded part of `make chaos`: payloads in the texts of a study stay texts in a real browser."""

from __future__ import annotations

import pytest
import test_browser
from chaos import injection

pytestmark = test_browser.pytestmark
browser = test_browser.browser


ASKED = ["case", "--lang", "en", "10", "payloads"], ["case", "--by", "channel", "10"]


@pytest.mark.few(1)
@pytest.mark.parametrize("asked", [ASKED[:1], ASKED], ids=["pages", "and groups"])
def test_no_payload_runs_and_none_asks_for_anything(browser, tmp_path, asked) -> None:
    injection.write(tmp_path, injection.texts("http://127.0.0.1:9", 1))
    files, ended_badly = injection.run(tmp_path, *asked)
    assert len(files) > 3 and ended_badly == []
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": injection.SEEN})
    wrong, shown = zip(*(injection.judged(browser, file) for file in files), strict=True)
    assert [w for some in wrong for w in some] == []
    assert len(set().union(*shown)) > 40  # or the test above says nothing


def test_the_judge_sees_what_runs_and_what_leaves(browser, tmp_path) -> None:
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": injection.SEEN})
    page = tmp_path / "page.html"
    page.write_text(
        "<script>ran(7)</script><img src='http://127.0.0.1:9/8'><a href='javascript:0'>"
    )
    found, shown = injection.judged(browser, page)
    wrong = "\n".join(found)
    assert shown == {8}  # the other is in a script, which is no text
    assert all(s in wrong for s in ("payload 7 ran", "asks for http://127.0.0.1:9/8", "would run"))
