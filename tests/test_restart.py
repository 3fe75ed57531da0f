"""Stopped, killed, out of room: what was finished stays, and the next run goes on from there."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_batch import assert_gone, descendants, project, write  # noqa: F401  (a fixture)

from cxlib import batch, cli, reserve
from cxlib.batch import cache, paths
from cxlib.batch.progress import Progress
from cxlib.core import files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("project"),
]
COMMAND = [sys.executable, "-c", "from cxlib.cli import main; main()", "run", "tiny"]


@pytest.fixture(scope="module")
def site(project) -> Path:  # noqa: F811
    write(project / "notebooks", "40_hoards", "import numpy as np", "len(np.ones(400_000_000))")
    write(project / "notebooks", "41_quick", "print('quick')")
    return project


def begun(*words: str, **how) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **how,
    )


def whole_pages(folder: Path) -> list[str]:
    """Names of the pages in a folder; fails if one is half written."""
    pages = sorted(folder.glob("[1-9]*.html"))
    assert all(p.read_text(encoding="utf-8").rstrip().endswith("</html>") for p in pages)
    return [p.stem for p in pages]


@pytest.fixture(scope="module")
def killed(site) -> tuple[Path, set[int]]:
    """A run that was killed while its second page hung; where it wrote, and its processes."""
    out = site / "killed"
    process = begun("41", "22", "--jobs", "1", "-o", str(out))
    for line in process.stderr:
        if "22_hangs: started" in line:
            break
    below: set[int] = set()
    while len(below) < 3:  # the fork server, multiprocessing's tracker, and the page
        below = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    return out, below


def test_a_killed_run_leaves_no_half_page_and_no_process(killed, site) -> None:
    out, below = killed
    assert whole_pages(out) == ["41_quick"]
    assert_gone(below)


def test_the_next_run_goes_on_where_it_was_killed(killed, site) -> None:
    kept = site / "reports" / "tiny" / ".pages"
    [entry] = (kept / "41_quick").glob("*/entry.json")
    [page] = batch.plan(["tiny"], ["41"])
    found, why = cache.look(page)
    # The run was another process: if cxlib was edited since, the page has to be made again.
    assert (found and found.folder == entry.parent) or why == "code changed"
    assert not (kept / "22_hangs").exists()


def untraced() -> dict[str, str]:
    """The environment without coverage's, whose own file would be the first to find no room."""
    return {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}


@pytest.fixture(scope="module")
def full(site) -> tuple[subprocess.CompletedProcess, Path]:
    """A run that may write files of 6 kB at most, which no page is; the reserve is there."""
    reserve.load("tiny")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    out = site / "full"
    done = subprocess.run(
        [*COMMAND, "10", "41", "-o", str(out), "--force", "--json"],
        env=untraced(),
        preexec_fn=no_room,
        capture_output=True,
        text=True,
    )
    return done, out


def test_a_reserve_that_finds_no_room_says_so_and_leaves_the_old_one(site) -> None:
    reserve.load("tiny")
    kept = (site / "data" / "tiny" / "reserve.duckdb").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", "from cxlib.cli import main; main()", "load", "tiny"],
        env=untraced(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and "Make room in" in done.stderr
    assert "Traceback" not in done.stderr
    assert (site / "data" / "tiny" / "reserve.duckdb").read_bytes() == kept


def test_a_full_disk_is_said_and_leaves_nothing_half_written(full) -> None:
    done, out = full
    said = json.loads(done.stdout)
    assert done.returncode == said["exit_code"] == 3 and "Make room" in said["error"]
    assert "Traceback" not in done.stderr
    assert whole_pages(out) == [] and not list(out.glob(".*"))


def test_after_a_full_disk_the_same_command_makes_what_is_missing(full, site) -> None:
    [page] = batch.plan(["tiny"], ["10"])
    assert cache.look(page)[0] is None  # nothing half made was kept
    place = site / "reports" / "tiny" / ".pages" / "10_works"
    assert not list(place.glob(".new*"))


def test_a_second_run_into_the_same_folder_is_refused_clearly(site) -> None:
    folder = site / "one"
    folder.mkdir()
    with paths.alone(folder):
        done = CliRunner().invoke(cli.main, ["run", "tiny", "41", "-o", str(folder)])
    assert done.exit_code == 2 and "another `cx run` is writing into" in done.output
    with paths.alone(folder):
        pass  # it was let go


def test_two_runs_at_once_each_have_their_own_whole_folder(site) -> None:
    other = begun("10", "--force")
    pages = batch.plan(["tiny"], ["10"])
    [mine] = batch.run(pages, force=True, progress=Progress(1, io.StringIO()))
    said, _ = other.communicate(timeout=120)
    theirs = Path(said.strip().splitlines()[-1]).parent
    theirs = theirs if theirs.is_absolute() else Path.cwd() / theirs
    assert other.returncode == 0 and theirs != mine.folder
    assert whole_pages(theirs) == whole_pages(mine.folder) == ["10_works"]
    one, other_ = ((f / "10_works.ipynb").read_bytes() for f in (theirs, mine.folder))
    assert one == other_
    assert cache.look(pages[0])[0] is not None


@pytest.fixture(scope="module")
def limited(site):
    """A page that is well, one that hangs, one that hoards; as `cx run --json` sees them."""
    words = ["run", "tiny", "41", "22", "40", "--force", "--timeout", "3", "--memory", "1.5"]
    return CliRunner().invoke(cli.main, [*words, "--json", "-o", str(site / "limited")])


def test_pages_beyond_a_limit_are_reported_and_the_others_finish(limited) -> None:
    assert limited.exit_code == 1
    found = {p["name"]: p for p in json.loads(limited.stdout)["pages"]}
    assert found["41_quick"]["status"] == "ok"
    assert found["22_hangs"]["mistake"]["said"] == "the page took longer than 3 s and was ended"
    assert "MemoryError" in found["40_hoards"]["mistake"]["said"]
    assert "--memory is 1.5 GB" in found["40_hoards"]["mistake"]["said"]


def test_the_summary_for_machines_is_alone_on_stdout(limited) -> None:
    said = json.loads(limited.stdout)
    assert said["exit_code"] == 1 and said["counts"] == {"ok": 1, "failed": 2}
    [run] = said["runs"]
    assert run["study"] == "tiny" and Path(run["index"]).is_file()
    quick = said["pages"][0]
    assert quick["why"] == "forced" and quick["seconds"] > 0 and Path(quick["html"]).is_file()
    assert "41_quick: started" in limited.stderr


def test_a_mistake_is_json_too() -> None:
    done = CliRunner().invoke(cli.main, ["run", "tinny", "--json"])
    assert done.exit_code == 2 and "did you mean 'tiny'" in json.loads(done.stdout)["error"]


def test_what_a_killed_run_was_writing_is_taken_away(site) -> None:
    folder = site / "litter"
    folder.mkdir()
    (folder / f"{files.PART}x-10_works.html").write_text("half")
    with paths.alone(folder):
        assert sorted(os.listdir(folder)) == [".run.holder", ".run.lock"]
    assert not os.listdir(folder)
