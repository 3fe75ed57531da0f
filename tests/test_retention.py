"""Runs that are kept: read once, listed with their sizes, removed when they are old."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from cxlib import cli
from cxlib.batch import paths, retention
from cxlib.report import history


def record(begun: str, **more) -> dict:
    page = {"page": "10_x", "name": "10_x", "status": "ok", "lang": "en", "answer": "All well."}
    return {
        "run": begun,
        "study": "mine",
        "lang": "en",
        "about": {"title": "Mine"},
        "begun": f"{begun}T00:00:00+00:00",
        "pages": [page],
        **more,
    }


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Four runs named by their time and one by hand, which share a page of 1,000 bytes."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    place = tmp_path / "reports" / "mine"
    (place / ".pages").mkdir(parents=True)
    (place / ".pages" / "page").write_bytes(b"x" * 1000)
    days = [f"2026-01-0{day}" for day in range(1, 5)]
    names = {**{f"{day}-060000": day for day in days}, "for-the-board": "2025-12-01"}
    for name, begun in names.items():
        (place / name).mkdir()
        (place / name / "run.json").write_text(json.dumps(record(begun)))
        os.link(place / ".pages" / "page", place / name / "10_x.html")
    return place


def cx(*words: str):
    return CliRunner().invoke(cli.main, list(words))


def test_a_run_that_was_read_is_not_read_again(kept, monkeypatch) -> None:
    first = history.of(kept)
    assert len(first) == 5
    read = []
    monkeypatch.setattr(history, "brief", lambda run: read.append(run) or {})
    assert history.of(kept) == first and not read
    file = kept / "for-the-board" / "run.json"
    file.write_text(json.dumps(record("2025-12-02")))
    os.utime(file, (1, 1))
    history.of(kept)
    assert len(read) == 1


def test_what_is_kept_of_a_run_is_small(kept) -> None:
    heavy = record("2026-01-05", environment={"packages": {f"p{i}": "1.0" for i in range(5000)}})
    assert len(json.dumps(history.brief(heavy))) < 1000 < len(json.dumps(heavy))


def test_runs_are_listed_with_what_is_theirs_alone(kept) -> None:
    said = cx("list", "--runs").output
    assert said.startswith("mine: 5 run(s)") and "1 ok" in said
    newest = retention.runs("mine")[0]
    assert newest.folder.name == "2026-01-04-060000"
    assert newest.size - newest.own == 1000
    total = retention.total(retention.runs("mine"))
    assert total < sum(r.size for r in retention.runs("mine"))
    assert f"\nRuns (reports/): 5, {retention.size(total)} on disk." in cx("list").output


def test_old_runs_are_removed_but_not_one_that_was_named(kept) -> None:
    assert "would remove" in cx("prune", "mine", "--keep", "1", "--dry-run").output
    assert len(retention.runs("mine")) == 5
    said = cx("prune", "mine", "--keep", "2")
    assert said.exit_code == 0 and "2 run(s) removed" in said.output
    left = [run.folder.name for run in retention.runs("mine")]
    assert left == ["2026-01-04-060000", "2026-01-03-060000", "for-the-board"]
    assert (kept / "for-the-board" / "10_x.html").read_bytes() == b"x" * 1000
    index = (kept.parent / "index.html").read_text()
    assert "2026-01-04" in index and "2026-01-01-060000" not in index


def test_a_run_that_is_being_written_stays(kept) -> None:
    with paths.alone(kept / "2026-01-01-060000"):
        cx("prune", "mine", "--older-than", "0")
    left = {run.folder.name for run in retention.runs("mine")}
    assert left == {"2026-01-01-060000", "for-the-board"}


def test_prune_without_a_limit_or_of_an_unknown_study_is_a_mistake(kept) -> None:
    for words, hint in ((("mine",), "--keep N"), (("yours", "--keep", "1"), "There are of: mine")):
        said = cx("prune", *words)
        assert said.exit_code == 2 and hint in said.output
