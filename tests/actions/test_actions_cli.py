"""`cx actions`: the same checks as a load, whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxlib.cli import completion, ledger, main
from cxlib.core import files
from cxlib.data import study
from cxlib.reserve import editing

STUDY = """
title: Small
source: made here
licence: MIT
tables: {orders: {files: o.csv, columns: {order_id: o, customer_id: c, at: d}}}
"""
ADD = ["--class", "process", "--owner", "ann", "--due", "2026-12-31", "--begun", "2026-01-01"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "data" / "tiny"
    place.mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (place / "study.yaml").write_text(STUDY)
    (place / "o.csv").write_text("o,c,d\n1,a,2026-01-01\n")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    return place


def cx(*words: str):
    return CliRunner().invoke(main, ["actions", *words])


@pytest.mark.slow
def test_a_ledger_is_begun_listed_and_closed(folder):
    assert "no ledger yet" in cx("list", "tiny").stderr
    said = cx(
        "add",
        "tiny",
        "--problem",
        "Late, again",
        *ADD,
        "--predicted",
        "2",
        "--low",
        "1",
        "--high",
        "3",
        "--cost",
        "50",
        "--worth",
        "100",
    )
    assert said.output == "Added a01.\n", said.output
    assert "actions" in study.read("tiny").tables  # study.yaml need not name it
    listed = cx("list", "tiny", "--today", "2027-01-05").output
    assert (
        "overdue 5 days" in listed and "Late, again" in listed and "net 150 (50 to 250)" in listed
    )
    assert cx("close", "tiny", "a01", "--on", "2026-06-01", "--realised", "1.5").output == (
        "a01 is done.\n"
    )
    text = (folder / "actions.csv").read_text()
    assert '"Late, again"' in text and text.splitlines()[1].count("2026-06-01") == 1
    assert cx("add", "tiny", "--problem", "More", *ADD).output == "Added a02.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--predicted", "9", "--low", "1", "--high", "3"], "lies outside its own interval"),
        (["--begun", "2027-06-01"], "is before begun_on"),
        (["--customer", "c1"], "names a customer"),
    ],
)
def test_what_contradicts_itself_is_refused_and_the_file_is_left(folder, words, message):
    cx("add", "tiny", "--problem", "one", *ADD)
    before = (folder / "actions.csv").read_bytes()
    said = cx("add", "tiny", "--problem", "two", *ADD, *words)
    assert said.exit_code == 2 and message in said.stderr and "row 3" in said.stderr
    assert (folder / "actions.csv").read_bytes() == before
    assert not list(folder.glob(".part-*"))


@pytest.mark.slow
def test_an_action_that_is_not_there_is_told_with_the_nearest(folder):
    cx("add", "tiny", "--problem", "one", *ADD)
    said = cx("close", "tiny", "a02")
    assert said.exit_code == 2 and "did you mean 'a01'" in said.stderr
    cx("close", "tiny", "a01", "--dropped")
    assert "is dropped already" in cx("close", "tiny", "a01").stderr


@pytest.mark.slow
def test_rows_that_people_wrote_wrongly_are_named_and_do_not_stop_others(folder):
    cx("add", "tiny", "--problem", "one", *ADD)
    file = folder / "actions.csv"
    head, row = file.read_text().splitlines()[:2]
    file.write_text(
        "\n".join([head, row, row.replace("a01", "a07").replace("started", "strted"), ""])
    )
    said = cx("list", "tiny")
    assert said.exit_code == 1 and "row 3: status 'strted'" in said.stderr and "a01" in said.output
    assert cx("close", "tiny", "a01").exit_code == 0  # the old mistake is not this change's
    assert "strted" in file.read_text()


@pytest.mark.slow
def test_own_columns_and_text_stay_as_they_were(folder):
    (folder / "actions.csv").write_text(
        "action_id,problem,status,owner,note\na01,x,started,ann,keep me\n", encoding="utf-8-sig"
    )
    cx("close", "tiny", "a01", "--on", "2026-02-03")
    assert (folder / "actions.csv").read_text().splitlines()[1].startswith("a01,x,done,ann,keep me")


@pytest.mark.slow
def test_stopped_while_writing_leaves_the_file_whole(folder, monkeypatch):
    cx("add", "tiny", "--problem", "one", *ADD)
    before = (folder / "actions.csv").read_bytes()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_flush", stopped)
    assert cx("add", "tiny", "--problem", "two", *ADD).exit_code == 130
    assert (folder / "actions.csv").read_bytes() == before and not list(folder.glob(".part-*"))


@pytest.mark.slow
def test_two_who_write_at_once_lose_nothing(folder):
    cx("add", "tiny", "--problem", "first", *ADD)

    def one_more(k: int) -> None:
        with editing.alone(study.read("tiny"), "actions") as file:
            rows = file.rows()
            name = ledger._next([r["action_id"] for r in rows])
            new = rows[0] | {"action_id": name, "problem": f"p{k}"}
            file.write([*rows, new], lambda rows: rows.iloc[:0])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one_more, range(4)))
    problems = (folder / "actions.csv").read_text().splitlines()[1:]
    assert len(problems) == 5 and len({row.split(",")[0] for row in problems}) == 5


@pytest.mark.parametrize(
    ("known", "following"),
    [
        ([], "a01"),
        (["a01", "a09"], "a10"),
        (["a99"], "a100"),
        (["north", "x7"], "x8"),
    ],
)
def test_the_next_identifier_follows_the_last(known, following):
    assert ledger._next(known) == following


@pytest.mark.slow
def test_the_shell_completes_open_actions_and_studies(folder):
    cx("add", "tiny", "--problem", "one", *ADD)
    cx("add", "tiny", "--problem", "two", *ADD)
    cx("close", "tiny", "a01")
    import click

    ctx = click.Context(ledger.close, info_name="close")
    ctx.params = {"study": "tiny"}
    assert [c.value for c in completion.open_actions(ctx, None, "a")] == ["a02"]
    assert [c.value for c in completion.studies(ctx, None, "t")] == ["tiny"]
