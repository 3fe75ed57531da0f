"""What a file or a study.yaml says reaches the terminal as text: it steers nothing and ends."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from cxlib.cli import main, terminal

STEERS = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\x08"


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """A project with a study for each text, as its study.yaml."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()

    def write(**texts: bytes):
        for name, text in texts.items():
            (tmp_path / "data" / name).mkdir(parents=True)
            (tmp_path / "data" / name / "study.yaml").write_bytes(text)

    return write


def cx(*words: str):
    return CliRunner().invoke(main, list(words))


GOOD = (
    b"title: Fine\nsource: us\nlicence: none\n"
    b"tables: {customers: {files: a.csv, columns: {customer_id: id}}}\n"
)


def test_no_title_and_no_message_steers_the_terminal(studies) -> None:
    written = STEERS.encode("unicode_escape").replace(b"\\x9b", b"\\u009b")
    studies(odd=GOOD.replace(b"Fine", b'"Fine' + written + b'"'), wrong=b'"a' + written + b'": 1\n')
    for words in (["list"], ["check", "odd"], ["check", "wrong"], ["load", "wrong"]):
        said = cx(*words).output
        assert not set(STEERS) & set(said) - set("[2J]0;owned31mgnp"), (words, said)
    assert "Fine]0;owned" in cx("list").output


@pytest.mark.parametrize(
    "text",
    [
        b"title: [" * 3000,
        b"\xff\xfe\x00",
        b"title: !!python/name:os.system\n",
        b"a: &a [*a]\n",
        b"",
        b"title: " + b"{a: " * 3000,
    ],
    ids=["brackets", "bytes", "tag", "recursive", "empty", "braces"],
)
def test_a_study_that_cannot_be_read_does_not_end_the_list(studies, text) -> None:
    studies(a_bad=text, b_good=GOOD)
    done = cx("list")
    assert done.exit_code == 0 and "b_good        Fine" in done.output
    assert "a_bad" in done.output and "Traceback" not in done.output


def test_a_study_whose_file_is_a_folder_or_gone_does_not_end_the_list(studies, tmp_path) -> None:
    studies(b_good=GOOD)
    (tmp_path / "data" / "a_folder" / "study.yaml").mkdir(parents=True)
    (tmp_path / "data" / "c_link").mkdir()
    (tmp_path / "data" / "c_link" / "study.yaml").symlink_to("nowhere")
    done = cx("list")
    assert done.exit_code == 0 and "b_good        Fine" in done.output


def test_a_line_without_an_end_is_shortened_and_keeps_what_to_do() -> None:
    said = terminal.shortened("x" * 10_000 + " Export it again.\nnext")
    assert said.endswith("Export it again.\nnext") and len(said) < 2100
    assert "(8,017 characters left out)" in said


def test_a_column_of_a_long_name_makes_no_endless_message(studies, tmp_path) -> None:
    studies(odd=GOOD)
    (tmp_path / "data" / "odd" / "a.csv").write_text("n" * 100_000 + "\n1\n")
    done = cx("load", "odd")
    assert done.exit_code == 2 and len(done.output) < 5000 and "no column 'id'" in done.output
