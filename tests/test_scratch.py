"""Temporary folders of commands: gone at the end, and those of killed commands with the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from cxlib.core import scratch

pytestmark = pytest.mark.skipif(scratch.fcntl is None, reason="no such locks here")
HOLDS = """
import tempfile, time
from cxlib.core import scratch
with scratch.own():
    tempfile.mkdtemp(); print("held", flush=True); time.sleep(60)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_what_is_put_there_is_gone_at_the_end_also_of_an_error(place) -> None:
    with pytest.raises(ValueError), scratch.own():
        mine = tempfile.mkdtemp()
        inside = subprocess.check_output(
            [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], text=True
        )
        assert inside.strip() == os.path.dirname(mine) != str(place)
        raise ValueError
    assert not list(place.iterdir()) and os.environ["TMPDIR"] == str(place)
    assert tempfile.gettempdir() == str(place)


def test_a_folder_of_a_killed_command_goes_and_one_that_is_held_stays(place) -> None:
    command = [sys.executable, "-c", HOLDS]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dead,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as alive,
    ):
        try:
            assert dead.stdout.readline() == alive.stdout.readline() == "held\n"
            assert len(list(place.iterdir())) == 2
            dead.send_signal(signal.SIGKILL)
            dead.wait()
            with scratch.own():
                pass
            assert len(list(place.iterdir())) == 1
        finally:
            alive.kill()


def test_folders_of_others_links_and_new_ones_are_left_alone(place, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "kept").write_text("x")
    (place / f"{scratch.HELD}link").symlink_to(other)
    (place / f"{scratch.NEW}fresh").mkdir()
    (place / f"{scratch.NEW}old").mkdir()
    os.utime(place / f"{scratch.NEW}old", (time.time() - 9999,) * 2)
    with scratch.own():
        pass
    assert (other / "kept").exists()
    assert {p.name for p in place.iterdir()} == {f"{scratch.HELD}link", f"{scratch.NEW}fresh"}


def test_where_no_folder_can_be_made_the_usual_place_is_used(place, monkeypatch) -> None:
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", full)
    with scratch.own():
        assert tempfile.gettempdir() == str(place)


def test_what_multiprocessing_keeps_there_goes_at_exit_without_a_word(place) -> None:
    """Removed before its own exit handler ran, it made that end in a traceback."""
    code = (
        "from cxlib.core import scratch\n"
        "with scratch.own():\n"
        "    from multiprocessing import util\n"
        "    util.get_temp_dir()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and not list(place.iterdir())
