"""Files are written whole or not at all; a lock ends with whoever holds it."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cxlib.core import files


class Busy(RuntimeError):
    """Another holds the lock."""


def names(folder: Path) -> list[str]:
    return sorted(f.name for f in folder.iterdir())


def child(code: str, folder: Path, **how) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("两行\nof text\n", "两行\nof text\n".encode()),
        (b"\x00\xff", b"\x00\xff"),
        ("", b""),
        ("a\r\nb", b"a\r\nb"),
    ],
)
def test_what_is_written_is_what_was_given(tmp_path, content, found):
    (tmp_path / "a.txt").write_bytes(b"old and longer than the new one")
    files.write(tmp_path / "a.txt", content)
    assert (tmp_path / "a.txt").read_bytes() == found and names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        (None, None, 0o644),
        (0o600, None, 0o600),
        (0o664, None, 0o664),
        (0o644, 0o600, 0o600),
        (None, 0o600, 0o600),
    ],
)
def test_permissions_are_kept_unless_others_are_asked_for(tmp_path, before, asked, after):
    file = tmp_path / "a.txt"
    if before:
        file.write_text("old")
        file.chmod(before)
    files.write(file, "new", mode=asked)
    assert stat.S_IMODE(file.stat().st_mode) == after


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_at_any_step_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, step, error):
    (tmp_path / "a.txt").write_text("old")

    def fails(*_, **__):
        raise error

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(type(error)):
        files.write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old" and names(tmp_path) == ["a.txt"]


FILLS = """
    import sys
    from pathlib import Path
    from cxlib.core import files
    try:
        files.write(Path(sys.argv[1]) / "a.txt", "x" * 20_000)
    except OSError as error:
        print("refused")
"""


def test_a_full_disk_is_an_error_and_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))  # noqa: E731
    assert child(FILLS, tmp_path, preexec_fn=limit).communicate()[0].strip() == "refused"
    assert (tmp_path / "a.txt").read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, n=name, r=real: (steps.append(n), r(*a))[1])
    files.write(tmp_path / "a.txt", "new")
    assert steps == ["fsync", "replace"]


def test_the_new_file_has_the_suffix_of_the_old_one(tmp_path):
    with files.replacing(tmp_path / "a.csv.gz") as fresh:
        assert fresh.parent == tmp_path and fresh.name.endswith(".csv.gz")
        fresh.write_bytes(b"new")
    assert names(tmp_path) == ["a.csv.gz"]


# A run in the background ignores Ctrl-C, and so would the processes that it starts.
HOLDS = """
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from pathlib import Path
    from cxlib.core import files
    with files.held(Path(sys.argv[1]) / "a.lock", busy=RuntimeError):
        print("held", flush=True)
        sys.stdin.read()
"""


def holds(folder: Path) -> None:
    with files.held(folder / "a.lock", busy=Busy):
        pass


def test_one_at_a_time_and_the_message_names_the_holder(tmp_path):
    with files.held(tmp_path / "a.lock", busy=Busy):
        with pytest.raises(Busy, match=f"process {os.getpid()} since"):
            holds(tmp_path)
        with pytest.raises(Busy, match=f"process {os.getpid()} since"):
            holds(tmp_path)  # who was refused took nothing away
    assert names(tmp_path) == []
    holds(tmp_path)


def test_another_process_is_refused_until_the_holder_ends(tmp_path):
    holder = child(HOLDS, tmp_path)
    assert holder.stdout.readline().strip() == "held"
    with pytest.raises(Busy, match=f"process {holder.pid} since"):
        holds(tmp_path)
    holder.communicate("")
    holds(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_holder_that_was_ended_blocks_nobody(tmp_path, how):
    holder = child(HOLDS, tmp_path, stderr=subprocess.DEVNULL)
    assert holder.stdout.readline().strip() == "held"
    holder.send_signal(how)
    holder.wait(30)
    assert (names(tmp_path) == []) == (how == signal.SIGINT)  # Ctrl-C leaves no lock file either
    holds(tmp_path)
    assert names(tmp_path) == []


def test_a_mistake_under_the_lock_lets_it_go(tmp_path):
    with pytest.raises(ZeroDivisionError), files.held(tmp_path / "a.lock", busy=Busy):
        raise ZeroDivisionError
    holds(tmp_path)


COUNTS = """
    import sys
    from pathlib import Path
    from cxlib.core import files
    file = Path(sys.argv[1]) / "count"
    for _ in range(30):
        with files.held(file.with_suffix(".lock"), wait=60, busy=RuntimeError):
            files.write(file, str(int(file.read_text()) + 1))
"""


@pytest.mark.slow
def test_who_waits_gets_the_lock_and_no_change_is_lost(tmp_path):
    (tmp_path / "count").write_text("0")
    at_once = [child(COUNTS, tmp_path) for _ in range(3)]
    assert [process.wait(120) for process in at_once] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "90" and names(tmp_path) == ["count"]
