"""A run from end to end: what stays private in its files, and whether it can be made again."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxlib import batch, cli
from cxlib.batch import verify
from cxlib.batch.progress import Progress
from cxlib.core import parameters

pytestmark = [pytest.mark.slow]

STUDY = """\
title: Private
source: made here
licence: none
mask: [Ann Lee]
tables:
  responses:
    files: answers.csv
    columns: {response_id: id, channel: channel, satisfied: satisfied}
items:
  satisfied: {label: Satisfied, scale: [1, 10], role: csat}
"""
CELL = """\
STUDY: str = "private"  # folder under data/
WHERE: str = ""         # rows for which this holds (a condition)
LANG: str = "en"        # language of the page (one of: en, zh)
DRAWS: int = 100        # bootstrap draws (10 to 20000)
SEED: int = 1           # of the draws (0 to 2147483647)
"""
CELLS = (
    "from cxlib import plots, report, reserve, scores\n"
    "study = reserve.open(STUDY, lang=LANG)\nplots.use_house_style()\n"
    "rows = study.responses(where=WHERE)",
    "sample = study.sample(where=WHERE, draws=DRAWS, seed=SEED)\n"
    "fit = scores.mean(sample, ['satisfied'], by='channel')\n"
    "report.add('by_channel', fit)",
    "fit",
    "fit.table",
    "plots.intervals(fit.table);",
    "report.list_to_file('people', rows[['response_id', 'satisfied']])",
    "print('asked by Ann', 'Lee, ann' + '@firm.com')",
)
COUNTS = {"web": 41, "shop": 23, "fax": 7}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("private")
    (root / "data" / "private").mkdir(parents=True)
    (root / "notebooks").mkdir()
    (root / "data" / "private" / "study.yaml").write_text(STUDY)
    rows = pd.DataFrame({"channel": np.repeat(list(COUNTS), list(COUNTS.values()))})
    rows["satisfied"] = np.random.default_rng(3).integers(1, 11, len(rows))
    rows.insert(0, "id", [f"r{i}" for i in rows.index])
    rows.to_csv(root / "data" / "private" / "answers.csv", index=False)
    cells = [new_code_cell(CELL, metadata={"tags": ["parameters"]}), *map(new_code_cell, CELLS)]
    made = new_notebook(
        cells=[new_markdown_cell("# Who?"), *cells],
        metadata={"cxlib": {"needs": ["responses"], "title": {"en": "Who?"}}},
    )
    nbformat.write(made, root / "notebooks" / "10_who.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        parameters.read.cache_clear()
        yield root
    parameters.read.cache_clear()


@pytest.fixture(scope="module")
def folder(project) -> Path:
    [made] = batch.run(
        batch.plan(["private"], ["10"]), out=project / "run", progress=Progress(1, io.StringIO())
    )
    assert made.status == "ok", made.mistake
    return made.folder


def hidden_numbers(project: Path) -> list[str]:
    rows = pd.read_csv(project / "data" / "private" / "answers.csv")
    means = rows.groupby("channel")["satisfied"].mean()[["fax", "shop"]]
    return [f"{m:.4f}" for m in means]


def test_no_file_of_a_run_holds_a_hidden_number(project, folder) -> None:
    for file in (f for f in folder.iterdir() if f.suffix in {".html", ".ipynb", ".json"}):
        text = file.read_text(encoding="utf-8")
        for number in hidden_numbers(project):
            assert number not in text, (file.name, number)


def test_what_was_hidden_is_told_with_page_answer_and_reason(folder) -> None:
    hidden = json.loads((folder / "run.json").read_text(encoding="utf-8"))["hidden"]
    kept = [h for h in hidden if h["answer"] == "by_channel"]
    assert {h["cell"].split(",")[0] for h in kept} == {"channel=fax", "channel=shop"}
    assert all(h["page"] == "10_who" and h["reason"] for h in hidden)
    assert len(hidden) > len(kept)  # the table that the notebook displayed too


def test_personal_data_is_masked_and_counted(folder) -> None:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["masked"] == {"e-mail": 1, "name": 1}
    page = (folder / "10_who.html").read_text(encoding="utf-8")
    assert "asked by [name], [e-mail]" in page and "ann@" not in page and "Ann Lee" not in page


def test_a_list_lies_beside_the_page_for_its_owner(folder) -> None:
    file = folder / "10_who.people.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(pd.read_csv(file)) == sum(COUNTS.values())
    assert "r17" not in (folder / "10_who.html").read_text(encoding="utf-8")


def test_the_record_tells_what_made_the_numbers(folder) -> None:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["seeds"] == [1] and len(run["wording"]) == 64 and run["warnings"] == []
    assert {"cxlib", "code", "data", "environment"} <= set(run)
    foot = (folder / "10_who.html").read_text(encoding="utf-8").split("<footer>")[1]
    assert "seed 1" in foot and run["pages"][0]["key"]["code"][:10] in foot


def test_a_run_made_again_comes_to_the_same(folder) -> None:
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    asked = CliRunner().invoke(cli.main, ["verify", str(folder)])
    assert asked.exit_code == 0, asked.output
    assert "values are the same.\nNo fingerprint differs." in asked.output
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def test_other_data_come_to_something_else_and_are_named(project, folder) -> None:
    file = project / "data" / "private" / "answers.csv"
    was = file.read_text()
    file.write_text(was.replace("r3,web,", "r3,web,10\nr999,web,"))
    try:
        asked = CliRunner().invoke(cli.main, ["verify", str(folder)])
    finally:
        file.write_text(was)
    assert asked.exit_code == 1, asked.output
    assert "10_who by_channel" in asked.output and "data changed: responses" in asked.output


def test_two_runs_are_compared_in_text_and_as_a_page(folder, tmp_path) -> None:
    out = tmp_path / "changes.html"
    asked = CliRunner().invoke(cli.main, ["diff", str(folder), str(folder), "-o", str(out)])
    assert asked.exit_code == 0 and "are the same" in asked.output
    assert "What changed" in out.read_text(encoding="utf-8")


def test_a_study_that_is_gone_is_named(folder) -> None:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="'privat', which is not here; did you mean 'private'"):
        verify.pages_of(run | {"study": "privat"})


def test_values_too_small_for_a_page_and_their_complement_get_none(project) -> None:
    with pytest.raises(ValueError, match="smallest cell"):
        batch.plan(["private"], ["10"], {"WHERE": "channel <> 'web'"}, by="channel")
    [only] = batch.plan(["private"], ["10"], by="channel")
    assert only.set_name == "channel: web"
    assert set(only.left_out) == {"channel=fax", "channel=shop"}


def test_pages_of_one_run_do_not_give_each_other_away(project) -> None:
    keep = (
        "import pandas as pd\nfrom cxlib import report, reserve\n"
        "from cxlib.core.result import Result\nstudy = reserve.open(STUDY, lang=LANG)\n"
        "report.add('x', Result(pd.DataFrame({table}), 'Said.', unit='points'))"
    )
    tables = {
        "20_all": "{'term': ['s'], 'estimate': [5.0], 'n': [93]}",
        "21_groups": "{'g': [*'ab'], 'term': 's', 'estimate': [10.2469 / 2, 6], 'n': [40, 50]}",
    }
    for name, table in tables.items():
        cell = new_code_cell(CELL, metadata={"tags": ["parameters"]})
        made = new_notebook(
            cells=[new_markdown_cell("# T"), cell, new_code_cell(keep.replace("{table}", table))],
            metadata={"cxlib": {"needs": ["responses"], "title": {"en": name}}},
        )
        nbformat.write(made, project / "notebooks" / f"{name}.ipynb")
    results = batch.run(
        batch.plan(["private"], ["20", "21"]),
        out=project / "two",
        progress=Progress(2, io.StringIO()),
    )
    assert [r.status for r in results] == ["ok", "ok"], [r.mistake for r in results]
    for file in (project / "two").iterdir():
        if file.suffix == ".xlsx":  # a zip
            with zipfile.ZipFile(file) as parts:
                text = b" ".join(map(parts.read, parts.namelist())).decode("utf-8")
        else:
            text = file.read_text(encoding="utf-8")
        assert "5.12345" not in text, file.name
    run = json.loads((project / "two" / "run.json").read_text(encoding="utf-8"))
    assert [(h["page"], h["cell"]) for h in run["hidden"]] == [("21_groups", "g=a, term=s")]
