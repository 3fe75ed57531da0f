"""The `cx` command: teaches, checks before it starts, says what went wrong in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from test_batch import ANSWER, project, write  # noqa: F401  (a fixture)

from cxlib import batch, cli
from cxlib.batch import record
from cxlib.cli import completion, output
from cxlib.cli.output import NewPath
from cxlib.data import study

pytestmark = [pytest.mark.usefixtures("project")]


def cx(*words: str):
    return CliRunner().invoke(cli.main, list(words))


@pytest.mark.parametrize("verb", ["list", "new", "check", "load", "run", "report"])
def test_help_teaches(verb: str) -> None:
    done = cx(verb, "--help")
    assert done.exit_code == 0 and len(done.output) > 60


def test_the_front_door_shows_examples() -> None:
    assert "cx run mobile telco 10 20" in cx("--help").output


def _groups(group: click.Group) -> Iterator[click.Group]:
    yield group
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from _groups(command)


@pytest.mark.parametrize("group", list(_groups(cli.main)), ids=lambda group: group.name)
def test_each_command_is_listed_with_a_whole_sentence(group: click.Group) -> None:
    listed = CliRunner().invoke(group, ["--help"]).output.partition("Commands:\n")[2]
    lines = listed.partition("\n\n")[0].splitlines()
    assert len(lines) == len(group.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in lines), lines


@pytest.mark.slow
def test_an_unknown_name_does_not_list_all_that_there_are() -> None:
    output = cx("run", "nope").output
    assert "`cx list` shows the studies and notebooks there are." in output
    assert "10_works" not in output and "did you mean" not in output


def test_a_notebook_shows_its_parameters() -> None:
    done = cx("run", "10", "--help")
    assert done.exit_code == 0
    assert "DRAWS       int        100       bootstrap draws [10 to 20,000]" in done.output
    assert "[a wave]" in done.output or "[wave]" in done.output


def test_list_names_studies_and_notebooks() -> None:
    output = cx("list").output
    assert "tiny" in output and "10_works" in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "tinny"], "did you mean 'tiny'? `cx list` shows the studies and notebooks"),
        (["run", "10_wroks"], "did you mean '10_works'"),
        (["run", "10"], "name a study"),
        (["run", "tiny", "99"], "no notebook '99'"),
        (["run", "tiny", "2"], "begins 3 notebooks"),
        (["run", "tiny", "10", "-p", "DRAWS"], "not NAME=VALUE"),
        (["run", "tiny", "10", "-p", "DRAWS=1"], "Allowed: 10 to 20,000"),
        (["run", "tiny", "10", "-p", "DRWAS=100"], "did you mean 'DRAWS'"),
        (["run", "tiny", "10", "-p", "WAVE=w9"], "There are: w1, w2"),
        (["run", "tiny", "10", "--by", "chanel"], "has such a column; did you mean 'channel'"),
        (["run", "tiny", "--storage", "file:///x"], "name its --scheduler"),
        (["run", "tiny", "--memory", "0.1"], "0.1 is not in the range"),
        (["run", "tiny", "10", "-o", __file__], "is a file"),
        (["check", "../x"], "is not a study name"),
        (["load", "nothing"], "no study 'nothing'. `cx list` shows those there are"),
        (["check"], "--dictionary"),
    ],
)
def test_a_mistake_is_a_message_and_exit_code_2(words: list[str], says: str) -> None:
    done = cx(*words)
    assert done.exit_code == 2, done.output
    assert says in done.output and "Traceback" not in done.output


def test_debug_shows_where() -> None:
    done = cx("--debug", "run", "tiny", "99")
    assert isinstance(done.exception, ValueError)


def test_the_dictionary_is_printed() -> None:
    output = cx("check", "--dictionary").output
    assert "customer_id" in output and "responses" in output
    assert max(map(len, output.splitlines())) <= 100


def test_the_dictionary_wraps_in_a_narrow_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = cx("check", "--dictionary").output.splitlines()
    [head] = [n for n, line in enumerate(lines) if line.startswith("responses:")]
    table = lines[head + 1 : lines.index("", head)]
    assert all(len(line) <= 50 for line in table) and "  response_id *" in table[0]
    assert any(line.startswith(" " * 12) for line in table)  # a meaning goes on below itself


def test_check_finds_reports_that_there_are_not(project) -> None:  # noqa: F811
    file = project / "data" / "tiny" / "study.yaml"
    before = file.read_text()
    wrong = before.replace("reports: [10, 30]", "reports: {'10': {DRWAS: 5}, '77': {}, '30': {}}")
    file.write_text(wrong)
    try:
        done = cx("check", "tiny")
    finally:
        file.write_text(before)
    assert done.exit_code == 2
    assert "reports, '10': 10_works has no parameter 'DRWAS'; did you mean" in done.output
    assert "reports, '77': no notebook '77'" in done.output and "'30'" not in done.output


@pytest.mark.slow
def test_check_and_load_count_rows() -> None:
    assert cx("check", "tiny").exit_code == 0
    assert "60 in = 60 kept + 0 quarantined" in cx("load", "tiny").output


@pytest.mark.slow
def test_a_run_ends_with_a_line_a_page_and_the_index(tmp_path) -> None:
    done = cx("run", "tiny", "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "Mean 5.5000, n 60." in done.output and "skipped: The study has no table" in done.output
    assert done.output.rstrip().endswith("index.html")


@pytest.mark.slow
def test_a_failed_page_is_exit_code_1_and_named(tmp_path) -> None:
    done = cx("run", "tiny", "20", "10", "-o", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "20_breaks" in done.output and "FAILED ValueError" in done.output
    assert (tmp_path / "out" / "10_works.html").exists()


@pytest.mark.slow
def test_report_binds_again(tmp_path) -> None:
    cx("run", "tiny", "10", "-o", str(tmp_path / "out"))
    (tmp_path / "out" / "10_works.html").unlink()
    assert cx("report", str(tmp_path / "out")).exit_code == 0
    assert (tmp_path / "out" / "10_works.html").exists()


@pytest.mark.slow
def test_new_writes_a_study_and_leaves_one_alone(tmp_path, project) -> None:  # noqa: F811
    file = tmp_path / "answers.csv"
    file.write_text("id,satisfied\n" + "".join(f"{i},{i % 10 + 1}\n" for i in range(30)))
    assert cx("new", "mine", str(file)).exit_code == 0
    drafted = (project / "data" / "mine" / "study.yaml").read_text(encoding="utf-8")
    assert "# high: its wording ('satisf'), answers 1 to 10" in drafted
    assert "exists already" in cx("new", "mine", str(file)).output


TWO_OUTCOMES = "id,speed,price\n" + "".join(f"{i},{i % 5 + 1},{i % 7 % 5 + 1}\n" for i in range(40))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "options", "outcome", "waiting"),
    [("2\n", [], "price", 0), ("", ["--yes"], "speed", 1)],
)
def test_new_asks_on_a_terminal_what_only_the_owner_knows(
    tmp_path,
    project,  # noqa: F811
    monkeypatch,
    typed,
    options,
    outcome,
    waiting,
) -> None:
    monkeypatch.setattr("cxlib.cli.studies._on_terminal", lambda: True)
    file = tmp_path / "answers.csv"
    file.write_text(TWO_OUTCOMES)
    words = ["new", f"asked{waiting}", str(file), *options]
    done = CliRunner().invoke(cli.main, words, input=typed)
    assert done.exit_code == 0, done.output
    assert ("Which question is the outcome" in done.output) and ("Number" in done.output) == (
        not options
    )
    made = study.read(f"asked{waiting}")
    assert made.default_outcome == outcome
    assert sum("is the outcome" in guess for guess in made.unconfirmed) == waiting


def test_names_are_completed() -> None:
    found = [item.value for item in completion.studies_and_notebooks(None, None, "1")]
    assert found == ["10_works", "11_too_few", "12_misspelt", "15_of_orders"]
    assert [item.value for item in completion.parameters(None, None, "DRA")] == ["DRAWS="]


@pytest.mark.parametrize(
    "words",
    [
        ["diff", "{run}", "{run}", "-o", "{there}/x.html"],
        ["export", "{run}", "--xlsx", "-o", "{there}/x"],
        ["run", "tiny", "10", "-o", "{there}/x"],
        ["run", "tiny", "10", "--log-json", "{there}/x.jsonl"],
        ["customer", "tiny", "c1", "-o", "{there}/x"],
        ["coding", "export", "tiny", "-o", "{there}/x.csv"],
    ],
    ids=lambda words: " ".join(words[:1]),
)
def test_a_folder_that_is_not_there_is_named_and_not_made(words, tmp_path) -> None:
    there = tmp_path / "nowhere" / "below"
    done = cx(*(word.format(run=tmp_path, there=there) for word in words))
    assert done.exit_code == 2 and "there is no folder" in done.output
    assert str(there) in done.output.replace("\n", "") and not there.parent.exists()


def test_folders_of_the_project_are_made(project) -> None:  # noqa: F811
    there = NewPath("folder").convert(str(project / "reports" / "new" / "run"), None, None)
    assert there == project / "reports" / "new" / "run"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "error", "out"),
    [("snapshots.of", ValueError, "new/run"), ("processes.run", KeyboardInterrupt, "")],
)
def test_a_run_that_ends_before_its_first_page_leaves_no_folder(
    part,
    error,
    out,
    project,  # noqa: F811
    monkeypatch,
) -> None:
    def ended(*_, **__):
        raise error("too early")

    monkeypatch.setattr(f"cxlib.batch.{part}", ended)
    before, place = {*project.rglob("*")}, project / out if out else ""
    with pytest.raises(error):
        batch.run(batch.plan(["tiny"], ["10"]), out=place, keep=False)
    made = {f.relative_to(project).as_posix() for f in {*project.rglob("*")} - before}
    assert made <= {"reports", "reports/.snapshots", "data/tiny/reserve.duckdb"}


@pytest.mark.slow
def test_where_a_page_failed_is_kept_with_it_and_printed(project, tmp_path, capsys) -> None:  # noqa: F811
    [page] = batch.plan(["tiny"], ["20"])
    job = {
        "notebook": str(page.notebook),
        "folder": str(tmp_path),
        "page": page.name,
        "html": False,
    }
    told = 'File "cxlib/scores/nps.py", line 7\nValueError: write to jo.doe@shop.example <now>'
    rules = {"rules": {"lang": "en"}}
    record.write_dead_page({**job, **rules, "html": False}, (1, 2, "died"), told)
    result = batch.Result(page, tmp_path, "failed", mistake=(1, 2, "ValueError: died"))
    output.tracebacks([result, batch.Result(page, tmp_path, "ok")])
    said = capsys.readouterr().err
    assert "tiny/20_breaks" in said and 'File "cxlib/scores/nps.py", line 7' in said
    assert "<now>" in said and "jo.doe" not in said


@pytest.mark.slow
def test_debug_shows_where_a_page_failed(project, tmp_path) -> None:  # noqa: F811
    write(project / "notebooks", "40_inside", ANSWER, "study.sample(wave=['w1', 'w2'])")
    try:
        quiet, loud = (
            cx(*debug, "run", "tiny", "20", "40", "-o", str(tmp_path / "out"))
            for debug in ([], ["--debug"])
        )
    finally:
        (project / "notebooks" / "40_inside.ipynb").unlink()
    assert quiet.exit_code == loud.exit_code == 1
    assert "Traceback" not in quiet.output and "`cx --debug run` shows where" in quiet.output
    assert "raise ValueError('<b>no & such</b> thing')" in loud.output
    assert re.search(r'File "cxlib/reserve/\w+.py", line \d+, in sample', loud.output)


@pytest.mark.parametrize("asked", [["verify", "nope"], ["diff", "nope", "no"], ["export", "nope"]])
def test_a_run_that_is_not_there_is_named_with_how_to_find_one(asked):
    done = CliRunner().invoke(cli.main, asked)
    assert done.exit_code == 2
    assert "there is no run 'nope'. `cx list --runs` shows the runs that are kept." in done.output


def test_no_project_is_made_within_another(tmp_path):
    for name in ("data/mine", "notebooks"):
        (tmp_path / name).mkdir(parents=True)
    done = CliRunner().invoke(cli.main, ["init", str(tmp_path / "data" / "mine")])
    assert done.exit_code == 2 and "lies in the project" in done.output
    assert not list((tmp_path / "data" / "mine").iterdir())


@pytest.mark.slow
def test_an_output_that_nobody_reads_any_more_ends_a_command_in_silence(tmp_path):
    """As in `cx help study.yaml | head`: the code is that of a program that a closed pipe ended."""
    reads, writes = os.pipe()
    os.close(reads)
    asked = [sys.executable, "-m", "cxlib.cli", "help", "study.yaml", "--markdown"]
    done = subprocess.run(asked, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("asked", "of"), [("run", "no page"), ("check", "nothing")])
def test_what_ctrl_c_says_fits_the_command(monkeypatch, asked, of):
    def stop(*_given: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.main.commands[asked], "invoke", stop)
    done = CliRunner().invoke(cli.main, [asked, "sample"])
    assert done.exit_code == 130 and f"{of} is half written" in done.output
