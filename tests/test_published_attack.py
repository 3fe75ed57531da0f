"""Who has the published files of a run, and nothing else, recovers no hidden cell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import disclosure_plant as plant
import pandas as pd
import pytest
from published_attacker import Published

from cxlib.privacy.leaks import Withheld
from cxlib.report import workbook

ROOT = Path(__file__).parents[1]
# Reasons are those of all who left: of 709 at risk, 4 may give one (docs/privacy.md).
HIDDEN = {plant.REGION, plant.CATEGORY, plant.WAVE}
# Not numbers of the group: its name among periods, notes of what is left out, alarms of none.
PUBLIC = ("waves from", "hidden in reports", "too few customers", "changes", "alarm_audit")
PUBLIC += ("['0', '0', '0', '0']",)
PAGE = """<html><p>{said}</p><svg aria-label="{alt}"><text x="10" y="23">islet</text>{mark}
<text x="10" y="90">share</text></svg>
<table><tr><td>islet</td><td>{cell}</td></tr></table></html>"""


def files(folder: Path, **told: str) -> Published:
    """A page of a group that is hidden, but for what is told."""
    folder.mkdir()
    nothing = {"said": "Too few.", "alt": "Dots.", "mark": "", "cell": "&lt;10"}
    (folder / "10.html").write_text(PAGE.format(**nothing | told), encoding="utf-8")
    (folder / "answers.json").write_text("{}", encoding="utf-8")
    (folder / "run.json").write_text("{}", encoding="utf-8")
    run = {"pages": [], "lang": "en"}
    (folder / "tables.xlsx").write_bytes(workbook.of_run(run, {}))
    return Published(folder)


@pytest.mark.parametrize(
    ("channel", "told"),
    [
        ("sentence", {"said": "Lowest on the islet, 12%."}),
        ("alternative text", {"alt": "East 20%; islet 12%."}),
        ("mark of a figure", {"mark": '<use x="80" y="20"/>'}),
        ("words of a figure", {"mark": "<title>islet: 12%; n = 4</title>"}),
        ("table", {"cell": "12%"}),
    ],
)
def test_the_outsider_finds_what_a_page_tells(tmp_path, channel, told) -> None:
    assert files(tmp_path / "tight").numbers_of({"islet"}) == []
    found = files(tmp_path / "leaky", **told).numbers_of({"islet"})
    assert channel in {claim.channel for claim in found}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The sample with groups of four, and its run."""
    place = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(place))
        plant.plant(place)
        shutil.copytree(ROOT / "notebooks", place / "notebooks")
        plant.run(place, place / "reports" / "sample" / "monday")
        yield place


@pytest.mark.thorough
def test_the_files_of_a_run_tell_nothing_of_planted_groups(root) -> None:
    run = Published(root / "reports" / "sample" / "monday")
    claims = [
        claim
        for claim in run.numbers_of(HIDDEN)
        if not any(words in f"{claim.place} {claim.said}" for words in PUBLIC)
        and not (claim.channel == "run.json" and claim.said.startswith(("region=", "wave=")))
    ]
    assert claims == []
    # Of another population: who was asked, and who answered.
    shown = [s for s in run.shown_elsewhere() if "representation" not in s]
    assert shown == []


@pytest.mark.thorough
def test_one_answer_more_publishes_nothing_more(root) -> None:
    """Everybody has grown by one: the second run has no files to be compared."""
    file = root / "data" / "sample" / "responses.csv.gz"
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    more = rows.tail(1).assign(response_id="one more")
    pd.concat([rows, more]).to_csv(file, index=False)
    tuesday = root / "reports" / "sample" / "tuesday"
    with pytest.raises(Withheld):
        plant.run(root, tuesday)
    published = [f for f in tuesday.rglob("*") if f.is_file() and not f.name.startswith(".")]
    assert published == [], json.dumps([f.name for f in published])
