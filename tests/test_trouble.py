"""Files that are gone or corrupt, folders used twice, full disks and memories: all said."""

from __future__ import annotations

import errno
import io
import json
import shutil

import pytest
from click.testing import CliRunner
from test_batch import project, write  # noqa: F401  (project is a fixture)

from cxlib import batch, cli, reserve
from cxlib.batch import processes
from cxlib.batch.progress import Progress
from cxlib.cli import errors

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("project")]
FULL = "raise OSError(28, 'No space left on device', '/reports/x.csv')"
HOARD = """
import subprocess, sys
held = "import time; held = b'x' * 900_000_000; time.sleep(90)"
[p.wait() for p in [subprocess.Popen([sys.executable, "-c", held]) for _ in range(2)]]
"""


@pytest.fixture(scope="module")
def site(project):  # noqa: F811
    write(project / "notebooks", "50_full", FULL)
    write(project / "notebooks", "51_hoards", HOARD)
    write(project / "notebooks", "52_quick", "from cxlib import reserve\nreserve.open(STUDY)")
    other = project / "data" / "other"
    shutil.copytree(project / "data" / "tiny", other, dirs_exist_ok=True)
    (other / "reserve.duckdb").unlink(missing_ok=True)
    return project


def cx(*words: str):
    return CliRunner().invoke(cli.main, list(words))


def test_a_source_that_is_gone_is_said_by_the_run_and_its_record(site) -> None:
    reserve.load("tiny")
    file = site / "data" / "tiny" / "answers.csv"
    aside = file.rename(site / "aside.csv")
    try:
        done = cx("run", "tiny", "52", "-o", str(site / "gone"))
    finally:
        aside.rename(file)
    assert done.exit_code == 0 and done.stderr.count("is gone") == 1
    assert "is gone" not in (site / "gone" / "52_quick.html").read_text(encoding="utf-8")
    assert "tiny: answers.csv is gone, so its rows are those loaded on" in done.stderr
    run = json.loads((site / "gone" / "run.json").read_text(encoding="utf-8"))
    assert "answers.csv is gone" in run["warnings"][0]["said"]
    assert "is gone" not in cx("run", "tiny", "52", "-o", str(site / "back")).stderr


@pytest.mark.parametrize("command", ["load", "run"])
def test_a_corrupt_file_stops_its_own_study_alone(site, command) -> None:
    file = site / "data" / "other" / "answers.csv"
    before = file.read_bytes()
    (site / "data" / "other" / "reserve.duckdb").unlink(missing_ok=True)
    file.write_bytes(b"PK\x03\x04 no archive")
    more = ["52", "--json", "-o", str(site / "both")] if command == "run" else []
    try:
        done = cx(command, "other", "tiny", *more)
        alone = cx(command, "other", *more)
    finally:
        file.write_bytes(before)
    assert "answers.csv" in done.stderr and "Traceback" not in done.stderr
    if command == "run":
        said = json.loads(done.stdout)
        assert done.exit_code == said["exit_code"] == 1 and list(said["unusable"]) == ["other"]
        assert [p["study"] for p in said["pages"]] == ["tiny"]
    else:
        assert done.exit_code == 2 and "60 in = 60 kept" in done.output
    assert alone.exit_code == 2


def test_a_mistake_in_what_was_asked_stops_all(site) -> None:
    done = cx("run", "other", "tiny", "52", "-p", "WHERE=nobody = 1")
    assert done.exit_code == 2 and "nobody" in done.output


def test_a_disk_that_is_full_within_a_page_ends_the_run_with_3(site) -> None:
    done = cx("run", "tiny", "50", "52", "--jobs", "1", "--json", "-o", str(site / "full"))
    said = json.loads(done.stdout)
    assert done.exit_code == said["exit_code"] == 3 and "no room on the disk" in said["error"]


def test_a_page_whose_file_is_gone_is_not_ok(site, monkeypatch) -> None:
    run = processes.run

    def lost(job, **how):
        ended = run(job, **how)
        for file in (site / "lost").glob("52_quick.html"):
            file.unlink()
        return ended

    monkeypatch.setattr(processes, "run", lost)
    pages = batch.plan(["tiny"], ["52"])
    [made] = batch.run(pages, out=site / "lost", force=True, progress=Progress(1, io.StringIO()))
    assert made.status == "failed" and "are gone" in made.answer


def test_memory_of_what_a_page_starts_counts_and_ends_it(site) -> None:
    words = ["run", "tiny", "51", "52", "--memory", "1.2", "--json", "-o", str(site / "hoards")]
    done = cx(*words, "--force")
    found = {p["name"]: p for p in json.loads(done.stdout)["pages"]}
    assert "held more than 1.2 GB (--memory)" in found["51_hoards"]["answer"]
    assert found["51_hoards"]["seconds"] < 60  # it would have slept for 90
    assert 50 < found["52_quick"]["memory_mb"] < 1200
    run = json.loads((site / "hoards" / "run.json").read_text(encoding="utf-8"))
    assert [p["memory_mb"] is not None for p in run["pages"]] == [False, True]


def test_a_folder_that_is_used_again_keeps_no_page_of_the_run_before(site) -> None:
    out = site / "twice"
    cx("run", "tiny", "10", "52", "--lang", "en,zh", "-o", str(out))
    (out / "notes.txt").write_text("by hand")
    assert (out / "10_works.zh.html").exists() and (out / "index.zh.html").exists()
    cx("run", "tiny", "52", "--lang", "en", "-o", str(out))
    left = {f.name for f in out.iterdir()}
    assert not any("10_works" in name or ".zh." in name for name in left)
    assert {"52_quick.html", "52_quick.ipynb", "index.html", "notes.txt", "run.json"} <= left


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.EACCES, "/x/y: permission denied. You may not"), (errno.EROFS, "-o DIR"),
     (errno.ENOSPC, "Make room")],
)  # fmt: skip
def test_a_refusal_of_the_system_is_said_in_words(number, says) -> None:
    import os

    error = OSError(number, os.strerror(number), "/x/y")
    said = errors.in_words(error)
    assert says in said and "Errno" not in said


def test_what_happens_is_logged_as_json_lines(site) -> None:
    log = site / "run.jsonl"
    cx("run", "tiny", "52", "20", "--log-json", str(log), "--force", "-o", str(site / "logged"))
    cx("run", "tiny", "52", "-p", "DRAWS=0", "--log-json", str(log))
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert all(e["time"].endswith("+00:00") for e in events)
    kinds = [e["event"] for e in events]
    assert kinds[0] == "run_started" and kinds.count("page_ended") == 2
    ended = {e["page"]: e for e in events if e["event"] == "page_ended"}
    broken = ended["tiny/20_breaks"]
    assert broken["status"] == "failed" and "thing" in broken["text"]
    last = [e for e in events if e["event"] == "run_ended"]
    assert last[0]["counts"] == {"failed": 1, "ok": 1}
    assert last[-1]["exit_code"] == 2 and "DRAWS" in last[-1]["error"]
