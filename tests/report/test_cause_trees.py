"""Under each alert stands what changed with it, or that nothing did."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.core import context
from cxlib.core.result import Result
from cxlib.report.cause_trees import tree
from cxlib.report.prose import clean


class One:
    """A tree of one alert."""

    def __init__(self, *lines: tuple[int, bool, str]) -> None:
        self.head, self.lines = "Resolution SLA (severity: low) since 2025-Q3", list(lines)


@pytest.mark.parametrize(
    ("lang", "lines", "said"),
    [
        ("en", [(0, True, "Group: South")], "South"),
        ("en", [(0, False, "Group: South")], "No group, driver or topic is known"),
        ("en", [], "No group, driver or topic is known to have changed with it."),
        ("zh", [], "未发现同时发生变化的群体、驱动因素或主题。"),
    ],
)
def test_no_alert_stands_with_nothing_beneath_it(monkeypatch, lang, lines, said) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda part: shown.append(part.data))
    context.begin(lang=lang)
    tree(Result({"table": pd.DataFrame()}, "", parts={"trees": [One(*lines)]}))
    heading, _end, beneath = shown[0].partition("</h4>")
    assert "severity: low" in heading and said in beneath
    # No line is broken within a wave, also after the page has cleaned the output.
    assert 'since <span class="tied">2025-Q3</span>' in clean(heading)
    assert "<span>" in clean('<span class="other">x</span>')
