"""`cx run STUDY 27 --units`: a page for each unit in the order of the tree, none for small ones."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import batch, cli
from cxlib.batch import unit_plan
from cxlib.core import parameters

STUDY = {
    "title": "Shops",
    "source": "made here",
    "licence": "none",
    "tables": {
        "responses": {
            "files": "answers.csv",
            "columns": {"response_id": "id", "score": "score"},
            "keep": ["shop"],
        }
    },
    "items": {"score": {"label": "Score", "scale": [0, 10], "role": "nps"}},
    "organisation": {
        "column": "shop",
        "units": {"North": None, "Kiel": "North", "Bremen": "North", "Ulm": "South", "South": None}
        | {"Tiny": "South", "Bonn": "South"},
    },
}
CELL = """\
STUDY: str = "shops"  # folder under data/
UNIT: str = ""        # unit of the organisation; empty for all (a unit)
LANG: str = "en"      # language of the page (one of: en, zh)
"""


@pytest.fixture
def shops(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "shops"
    folder.mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    shop = ["Kiel"] * 40 + ["Bremen"] * 50 + ["Ulm"] * 30 + ["Tiny"] * 4 + ["Bonn"] * 60
    rows = pd.DataFrame({"id": [f"r{i}" for i in range(len(shop))], "shop": shop})
    rows.assign(score=[i % 11 for i in range(len(shop))]).to_csv(
        folder / "answers.csv", index=False
    )
    tagged = new_code_cell(CELL, metadata={"tags": ["parameters"]})
    for name, cells in (("27_units", [tagged]), ("10_other", [])):
        plain = new_code_cell('STUDY: str = "shops"  # folder', metadata={"tags": ["parameters"]})
        about = {"cxlib": {"needs": ["responses"], "title": {"en": name}}}
        made = new_notebook(cells=[new_markdown_cell("# A"), *(cells or [plain])], metadata=about)
        write(made, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    parameters.read.cache_clear()
    yield tmp_path
    parameters.read.cache_clear()


@pytest.mark.slow
def test_each_unit_has_a_page_and_the_small_one_with_its_complement_has_none(shops):
    pages = batch.unit_pages(batch.plan(["shops"], ["27"]))
    assert [p.values["UNIT"] for p in pages] == ["", "North", "Kiel", "Bremen", "South", "Bonn"]
    assert [p.set_name for p in pages][:3] == ["", "North", "North › Kiel"]
    assert pages[0].name == "27_units" and pages[2].name == "27_units.unit-Kiel"
    assert pages[0].left_out == ("unit=Ulm", "unit=Tiny")


def test_a_manager_gets_the_pages_of_the_own_units(shops):
    pages = batch.unit_pages(batch.plan(["shops"], ["27"], {"UNIT": "North"}))
    assert [p.values["UNIT"] for p in pages] == ["North", "Kiel", "Bremen"]


def names(pages) -> list[str]:
    return [p.unit_name for p in pages]


@pytest.mark.slow
def test_a_page_of_a_unit_leads_to_the_one_above_and_those_below(shops):
    pages = batch.unit_pages(batch.plan(["shops"], ["27"], langs=["en", "zh"]))
    of = {(p.lang, p.unit_name): p for p in pages if p.unit_path is not None}
    above, below = unit_plan.around(of["en", "North"], pages)
    assert above is of["en", ""] and names(below) == ["Kiel", "Bremen"]
    assert names(unit_plan.around(of["en", ""], pages)[1]) == ["North", "South"]
    assert unit_plan.around(of["zh", "Kiel"], pages) == (of["zh", "North"], [])
    [other] = batch.plan(["shops"], ["10"])
    assert unit_plan.around(other, [*pages, other]) == (None, [])
    without = [p for p in pages if p.unit_name != "North"]  # as where a unit has no page
    above, below = unit_plan.around(of["en", ""], without)
    assert above is None and names(below) == ["Kiel", "Bremen", "South"]


@pytest.mark.slow
def test_the_top_of_a_managers_pages_belongs_to_nothing(shops):
    pages = batch.unit_pages(batch.plan(["shops"], ["27"], {"UNIT": "North"}))
    above, below = unit_plan.around(pages[0], pages)
    assert above is None and names(below) == ["Kiel", "Bremen"]


@pytest.mark.slow
def test_the_links_are_on_the_page(shops, tmp_path):
    pages = batch.unit_pages(batch.plan(["shops"], ["27"]))
    batch.run(pages, out=tmp_path / "run", keep=True)
    html = (tmp_path / "run" / "27_units.unit-North.html").read_text("utf-8")
    links = html[html.index('<nav class="units"') :].partition("</nav>")[0]
    found = re.findall(r'href="([^"]+)">([^<]+)<', links)
    assert found == [
        ("27_units.html", "All units"),
        ("27_units.unit-Kiel.html", "Kiel"),
        ("27_units.unit-Bremen.html", "Bremen"),
    ]
    for file, _name in found:
        assert (tmp_path / "run" / file).is_file()


@pytest.mark.slow
def test_what_cannot_be_asked_is_a_mistake(shops):
    with pytest.raises(ValueError, match="none has one"):
        batch.unit_pages(batch.plan(["shops"], ["10"]))
    with pytest.raises(ValueError, match="no such unit"):
        batch.plan(["shops"], ["27"], {"UNIT": "Nort"})
    result = CliRunner().invoke(cli.main, ["run", "shops", "10", "--units"])
    assert result.exit_code == 2 and "--units" in result.output
