"""Claims and details as readers meet them: each a line with a capital or digit first, a stop last.

All committed notebooks (the English pages of `sample`) are read; the Chinese of every sentence is
held to it in `test_catalogue.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cxlib.core import context, i18n
from cxlib.core.context import Context
from cxlib.core.finding import Finding
from cxlib.privacy.cross_page import MIME

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
OPENS = re.compile(r"[A-Z0-9“(+−<]|[€$£¥]|[np]\b")  # n and p are symbols, small everywhere
CLOSES = (".", "!", "?")


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem[:2])
def test_claims_and_details_of_a_page_are_lines_of_their_own(file: Path) -> None:
    notebook = json.loads(file.read_text(encoding="utf-8"))
    records = [
        output["data"][MIME].get("finding", {})
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]
    told = [r[slot] for r in records for slot in ("claim", "detail") if r.get(slot)]
    assert told
    assert [t for t in told if not OPENS.match(t) or not t.endswith(CLOSES)] == []


@pytest.mark.parametrize(
    ("lang", "detail", "written"),
    [
        ("en", "randomised; n = 40", "Randomised; n = 40."),
        ("en", "n = 40", "n = 40."),
        ("en", "20% answered (see “Who answers?”)", "20% answered (see “Who answers?”)."),
        ("zh", "随机分组；n = 40", "随机分组；n = 40。"),
    ],
)
def test_a_detail_is_recorded_as_a_line_and_a_line_stays_one(lang, detail, written) -> None:
    with context.use(Context(lang=lang)):
        record = Finding("NPS is 25.", detail).record()
        assert record["detail"] == written == i18n.line(written)
        assert "detail" not in Finding("NPS is 25.").record()
