"""`cx doctor`: what is missing fails or warns, with what to do; the exit code follows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxlib import cli
from cxlib.cli import doctor
from cxlib.cli.doctor import Check


def by(*lines: Check):
    return lambda: iter(lines)


@pytest.mark.parametrize(
    ("statuses", "code", "total"),
    [
        (["ok", "warn"], 0, "2 checks: 0 failed, 1 warnings."),
        (["ok", "fail", "warn"], 1, "3 checks: 1 failed, 1 warnings."),
    ],
)
def test_only_what_fails_is_exit_code_1(monkeypatch, statuses, code, total) -> None:
    lines = [Check(f"part {k}", status, "as found", "do this") for k, status in enumerate(statuses)]
    monkeypatch.setattr(doctor, "CHECKS", (by(*lines),))
    done = CliRunner().invoke(cli.main, ["doctor"])
    assert done.exit_code == code and done.output.endswith(f"{total}\n")
    assert done.output.count("do this") == len(statuses)
    done = CliRunner().invoke(cli.main, ["doctor", "--json"])
    said = json.loads(done.output)
    assert done.exit_code == code and said["ok"] == (code == 0)
    assert [line["status"] for line in said["checks"]] == statuses


def test_a_check_whose_own_package_is_missing_fails_and_the_rest_goes_on(monkeypatch) -> None:
    def fonts():
        raise ImportError("No module named 'matplotlib'")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (fonts, by(Check("git", "ok", "there"))))
    done = CliRunner().invoke(cli.main, ["doctor"])
    assert done.exit_code == 1
    assert "fail  fonts           cannot be checked: No module named" in done.output
    assert "ok    git" in done.output


def test_versions_are_held_against_the_lock_for_this_system_only(tmp_path, monkeypatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    here = doctor.version_of("click")
    lock = (
        f"click=={here} \\\n    --hash=sha256:00\n"
        "babel==0.1 \\\n    --hash=sha256:00\n"
        "numpy==0.1 ; sys_platform == 'none'\n"
        "not-installed-anywhere==1.0\n"
    )
    (tmp_path / doctor.LOCK).write_text(lock, encoding="utf-8")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    lines = {line.name: line for line in doctor.packages()}
    assert lines["lock"].status == "warn"
    assert lines["lock"].detail == f"babel {doctor.version_of('babel')} (lock: 0.1)"
    (tmp_path / doctor.LOCK).write_text(f"click=={here}\n", encoding="utf-8")
    assert {line.name: line for line in doctor.packages()}["lock"].status == "ok"


def test_a_package_that_is_missing_or_too_old_fails(monkeypatch) -> None:
    asked = ["click>=8", "babel>=999", "nowhere>=1", "never; extra == 'lab'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: asked)
    line = next(doctor.packages())
    assert line.status == "fail" and "never" not in line.detail
    babel = doctor.version_of("babel")
    assert line.detail == f"babel {babel} (needs >=999), nowhere is missing (needs >=1)"


@pytest.mark.parametrize(("amount", "status"), [(0.1, "fail"), (1.0, "warn"), (50.0, "ok")])
def test_room_is_judged_by_two_bounds(monkeypatch, amount, status) -> None:
    usage = type("usage", (), {"free": amount * doctor.GB})
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    line = next(doctor.disk())
    assert line.status == status and line.detail.startswith(f"{amount:.1f} GB free")
    assert bool(line.advice) == (status != "ok")


def test_what_only_some_commands_need_is_a_warning(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CX_BROWSER", raising=False)
    monkeypatch.setenv("CX_MIRROR", str(tmp_path / "none"))
    monkeypatch.setattr("cxlib.plots.fonts.chinese_fonts", lambda: [])
    found = [*doctor.browser(), *doctor.git(), *doctor.mirror(), *doctor.fonts()]
    assert {line.name: line.status for line in found} == {
        "browser": "warn",
        "git": "warn",
        "mirror": "warn",
        "font, Latin": "ok",
        "font, Chinese": "warn",
    }
    assert all(line.advice for line in found if line.status == "warn")


def test_an_index_that_does_not_answer_is_a_warning(monkeypatch) -> None:
    def silent(*words, **options):
        raise doctor.subprocess.TimeoutExpired(words, 1)

    monkeypatch.setattr("subprocess.run", silent)
    assert next(doctor.package_index()).status == "warn"


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    assert not doctor.writable(tmp_path / "reports" / "sample")
    assert doctor.writable(tmp_path / "not yet" / "there")


def test_folders_of_the_project_are_tried(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    monkeypatch.setattr(doctor, "writable", lambda folder: folder.name != "reports")
    found = {line.name: line.status for line in doctor.folders()}
    assert found["project"] == "ok" and found["folder, data"] == "ok"
    assert found["folder, reports"] == "fail"


@pytest.mark.parametrize(
    ("command", "status"),
    [("python", "ok"), (sys.executable, "ok"), ("/elsewhere/bin/python", "warn")],
)
def test_a_kernel_of_another_python_is_a_warning(monkeypatch, tmp_path, command, status) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # Jupyter starts its own Python for "python"
    spec = type("spec", (), {"argv": [command, "-m", "ipykernel_launcher"]})
    monkeypatch.setattr(
        "jupyter_client.kernelspec.KernelSpecManager.get_kernel_spec", lambda self, name: spec
    )
    line = next(doctor.kernel())
    assert line.status == status
    assert ("/elsewhere/bin/python" in line.detail) == (status == "warn")
