"""A study.yaml reaches no file outside its folder unless the user says so on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
import yaml
from click.testing import CliRunner

from cxlib import cli, maturity
from cxlib.data import sources, study
from cxlib.reserve import editing

ROWS = "id,day,score\n" + "".join(f"r{i},2026-01-{i % 28 + 1:02},{i % 11}\n" for i in range(40))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project whose answers lie outside of it."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path / "project"))
    monkeypatch.delenv("CX_MIRROR", raising=False)
    monkeypatch.delenv(sources.ALLOW_OUTSIDE, raising=False)
    (tmp_path / "project" / "data" / "shop").mkdir(parents=True)
    (tmp_path / "project" / "notebooks").mkdir()
    (tmp_path / "answers.csv").write_text(ROWS)
    (tmp_path / "project" / "data" / "shop" / "link.csv").symlink_to(tmp_path / "answers.csv")
    return tmp_path / "project"


def write(project: Path, **files: object) -> None:
    about = {
        "title": "Shop",
        "source": "us",
        "licence": "internal",
        "tables": {
            "responses": {
                "columns": {"response_id": "id", "answered_on": "day", "recommend": "score"},
                **files,
            }
        },
        "items": {"recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"}},
    }
    (project / "data" / "shop" / "study.yaml").write_text(yaml.safe_dump(about))


def cx(*words: str):
    return CliRunner().invoke(cli.main, words)


def outside(project: Path) -> list[dict]:
    """The ways in which a study.yaml may name a file outside."""
    by = {"id": "id"}
    (project / "data" / "shop" / "own.csv").write_text("id\n" + "r1\n")
    return [
        {"files": "../../../answers.csv"},
        {"files": str(project.parent / "answers.csv")},
        {"files": "link.csv"},
        {"files": {"file": "own.csv", "join": [{"file": "link.csv", "by": by}]}},
    ]


@pytest.mark.slow
@pytest.mark.parametrize("way", range(4), ids=["up", "absolute", "link", "join"])
def test_check_and_load_read_no_file_outside_unless_allowed(project, way):
    write(project, **outside(project)[way])
    for verb in ("check", "load"):
        refused = cx(verb, "shop")
        assert refused.exit_code in (1, 2) and "--allow-outside" in refused.output, refused.output
    assert not (project / "data" / "shop" / "reserve.duckdb").exists()
    for verb in ("check", "load"):
        done = cx(verb, "shop", "--allow-outside")
        assert done.exit_code == 0, done.output
    assert os.environ.get(sources.ALLOW_OUTSIDE, "") == ""  # for one command only


@pytest.mark.slow
def test_run_loads_no_file_outside_unless_allowed(project):
    cells = [
        nbformat.v4.new_code_cell("from cxlib import reserve"),
        nbformat.v4.new_code_cell(
            'STUDY: str = "shop"  # the study', metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("len(reserve.open(STUDY)['responses'])"),
    ]
    about = {"cxlib": {"needs": ["responses"], "title": {"en": "How many?"}}}
    book = nbformat.v4.new_notebook(cells=cells, metadata=about)
    nbformat.write(book, project / "notebooks" / "10_many.ipynb")
    write(project, files="../../../answers.csv")
    refused = cx("run", "shop", "10")
    assert refused.exit_code == 2 and "--allow-outside" in refused.output
    done = cx("run", "shop", "10", "--allow-outside")
    assert done.exit_code == 0, done.output


def test_study_yaml_cannot_allow_it_itself(project):
    write(project, files="../../../answers.csv")
    file = project / "data" / "shop" / "study.yaml"
    file.write_text(file.read_text() + "allow_outside: true\n")
    refused = cx("check", "shop")
    assert refused.exit_code == 2 and "this key is not known" in refused.output


def test_the_ledgers_and_the_grid_are_no_links_that_lead_out(project):
    write(project, files="own.csv")
    folder = project / "data" / "shop"
    (folder / "maturity.csv").symlink_to(project.parent / "answers.csv")
    with pytest.raises(sources.SourceError, match="'maturity.csv' leads out"):
        maturity.grid(folder)
    about = study.read("shop")
    (folder / "actions.csv").symlink_to(project.parent / "answers.csv")
    with (
        pytest.raises(sources.SourceError, match="'actions.csv' leads out"),
        editing.alone(about, "actions"),
    ):
        pass
    with pytest.raises(study.StudyError, match="'actions.csv' leads out"):
        study.read("shop")
    assert (project.parent / "answers.csv").read_text() == ROWS


@pytest.mark.slow
def test_new_copies_the_files_so_that_the_study_is_whole(project):
    (project.parent / "answers.csv").chmod(0o644)
    done = cx("new", "other", str(project.parent / "answers.csv"))
    assert done.exit_code == 0 and "Copied answers.csv" in done.output
    copy = project / "data" / "other" / "answers.csv"
    assert copy.read_text() == ROWS and copy.stat().st_mode & 0o777 == 0o600
    assert os.name == "nt" or copy.parent.stat().st_mode & 0o777 == 0o700
    assert study.read("other").tables["responses"].files[0].file == "answers.csv"
    assert "40 offered, 40 kept" in cx("check", "other").output


@pytest.mark.slow
def test_new_names_files_where_they_lie_when_that_is_allowed(project):
    done = cx("new", "other", str(project.parent / "answers.csv"), "--allow-outside")
    assert done.exit_code == 0 and "cx check other --allow-outside" in done.output
    assert [f.name for f in (project / "data" / "other").iterdir()] == ["study.yaml"]
    assert "leads out of the study's folder" in cx("check", "other").output
    assert "40 offered, 40 kept" in cx("check", "other", "--allow-outside").output


@pytest.mark.slow
def test_new_copies_nothing_that_is_there_already(project):
    folder = project / "data" / "third"
    folder.mkdir()
    (folder / "answers.csv").write_text(ROWS)
    done = cx("new", "third", str(folder / "answers.csv"))
    assert done.exit_code == 0 and "Copied" not in done.output
    (folder / "study.yaml").unlink()
    refused = cx("new", "third", str(project.parent / "answers.csv"))
    assert refused.exit_code == 2 and "another file there is called answers.csv" in refused.output
    assert not (folder / "study.yaml").exists()
