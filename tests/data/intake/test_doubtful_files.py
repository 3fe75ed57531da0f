"""Files that look whole and would give wrong numbers: what is asked, named and counted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from cxlib import reserve
from cxlib.data import intake

ANSWERS = pd.DataFrame(
    {
        "Response ID": [f"R{i}" for i in range(40)],
        "Date": [f"2026-03-{1 + i % 28:02d}" for i in range(40)],
        "Recommend": [(7 * i) % 11 for i in range(40)],
        "Region": ["North", "South"] * 20,
    }
)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "new").mkdir(parents=True)
    return tmp_path / "data" / "new"


@pytest.fixture
def drafted(root):
    """The check of a draft of the files, with the proposed answers."""

    def make(**files: pd.DataFrame | bytes) -> reserve.Check:
        paths = []
        for name, content in files.items():
            path = root / name.replace("__", ".")
            plain = isinstance(content, bytes)
            path.write_bytes(content if plain else content.to_csv(index=False).encode())
            paths.append(path)
        (root / "study.yaml").write_text(intake.draft("new", paths), encoding="utf-8")
        return reserve.check("new")

    return make


def asked(check: reserve.Check, words: str) -> bool:
    return any(words in guess for guess in check.unconfirmed)


# Ids that repeat


@pytest.mark.parametrize("called", ["Response ID", "ID", "id", "Nr", "#"])
def test_an_id_that_repeats_is_asked_about(drafted, called):
    rows = ANSWERS.rename(columns={"Response ID": called})
    check = drafted(a__csv=pd.concat([rows, rows.head(30)]))
    assert asked(check, f"30 of 40 ids in {called!r} repeat, 30 of them in rows that are identical")
    assert check.exit_code == reserve.LOST
    assert not drafted(a__csv=rows).unconfirmed


def test_ids_that_repeat_in_rows_that_differ_are_asked_about(drafted):
    rows = ANSWERS.assign(**{"Response ID": [f"R{i % 30}" for i in range(40)]})
    check = drafted(a__csv=rows)
    assert asked(
        check, "10 of 30 ids in 'Response ID' repeat, 0 of them in rows that are identical"
    )
    assert check.exit_code == reserve.LOST


def test_what_the_question_advises_keeps_the_first_row_of_each_id(drafted, root):
    drafted(a__csv=pd.concat([ANSWERS, ANSWERS]))
    written = yaml.safe_load((root / "study.yaml").read_text(encoding="utf-8"))
    del written["unconfirmed"]
    responses = written["tables"]["responses"]
    responses["columns"]["response_id"] = "Response ID"
    responses["files"] = [{"file": "a.csv", "first_by": ["Response ID"]}]
    (root / "study.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == 0 and check.counts["kept"].tolist() == [40]
    assert any(
        "40 further rows with the same Response ID are passed over" in n for n in check.notes
    )


@pytest.mark.parametrize(("times", "said"), [(2, True), (1, False)])
def test_a_file_without_ids_that_is_there_twice_is_asked_about(drafted, times, said):
    rows = ANSWERS.drop(columns="Response ID").assign(Day=range(40))
    check = drafted(a__csv=pd.concat([rows] * times))
    assert asked(check, "40 row(s) repeat another row in every cell") == said


def test_a_form_of_one_question_repeats_by_chance(drafted):
    check = drafted(a__csv=pd.concat([ANSWERS[["Recommend"]]] * 3))
    assert not asked(check, "repeat another row")
    assert not (check.warnings["rule"] == "copied_rows").any()


def test_rows_that_two_files_share_are_asked_about(drafted):
    check = drafted(a__csv=ANSWERS.head(30), b__csv=ANSWERS.tail(20))
    assert asked(check, "10 row(s) stand in several of the files")
    other = ANSWERS.tail(20).assign(Recommend=10, Date="2026-04-01")
    assert not asked(drafted(a__csv=ANSWERS.head(30), b__csv=other), "several of the files")


def test_identical_rows_are_counted_where_rows_are_numbered(drafted):
    warnings = drafted(a__csv=pd.concat([ANSWERS, ANSWERS.head(30)])).warnings
    assert warnings.loc[warnings["rule"] == "copied_rows", "rows"].tolist() == [30]
    assert "copied_rows" not in drafted(a__csv=ANSWERS).warnings["rule"].tolist()
