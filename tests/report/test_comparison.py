"""Two runs beside each other: what differs, significantly or not, and what changed behind it."""

from __future__ import annotations

import copy
import json

import pytest
from click.testing import CliRunner

from cxlib import cli
from cxlib.batch import verify
from cxlib.report import comparison, comparison_page
from cxlib.report.comparison import Difference, Run, compare

TABLE = {
    "columns": ["channel", "term", "estimate", "low", "high", "n"],
    "rows": [["web", "speed", 7.0, 6.5, 7.5, 90], ["shop", "speed", None, None, None, None]],
}


def run(name: str = "monday", **changes) -> Run:
    record = {"name": "by_group", "answer": "Web 7.", "note": "", "table": TABLE, "tables": {}}
    made = {"page": "10_x", "status": "ok", "notebook_sha256": "a", "seed": 1,
            "parameters": {"WAVE": "", "DRAWS": 100}}  # fmt: skip
    facts = {
        "run": name,
        "data": {"responses": "1", "orders": "2"},
        "code": "c",
        "wording": "w",
        "environment": {"python": "3.11", "fingerprint": "e", "packages": {"numpy": "2.0"}},
        "pages": [made],
    }
    return Run(name, {"10_x": {"by_group": copy.deepcopy(record)}}, facts | changes)


def moved(estimate: float, low: float, high: float) -> Run:
    other = run("friday")
    other.answers["10_x"]["by_group"]["table"]["rows"][0][2:5] = [estimate, low, high]
    return other


def test_the_same_run_is_the_same() -> None:
    found = compare(run(), run("friday"))
    assert found.same and not found.changed and found.values == 11
    assert str(found) == "All 11 values are the same.\nNo fingerprint differs."


def test_a_difference_is_named_with_page_answer_term_and_column() -> None:
    found = compare(run(), moved(7.1, 6.5, 7.5))
    assert found.differences == (
        Difference("10_x", "by_group", "web, speed", "estimate", 7.0, 7.1, False),
    )
    assert "10_x by_group web, speed estimate: 7 -> 7.1  intervals overlap" in str(found)


def test_intervals_that_do_not_touch_are_significant() -> None:
    found = compare(run(), moved(9.0, 8.5, 9.5))
    assert [d.beyond for d in found.differences] == [True, None, None]
    assert "3 of 11 values differ, 1 significantly." in str(found)


def test_intervals_in_the_other_direction_too() -> None:
    assert compare(moved(9.0, 8.5, 9.5), run()).beyond[0].after == 7.0


def test_a_number_that_becomes_hidden_is_a_difference() -> None:
    found = compare(run(), moved(None, None, None))
    assert "7 -> hidden or missing" in str(found) and not found.beyond


def test_a_page_that_is_gone_or_failed_is_a_difference() -> None:
    gone = Run("friday", {}, run().record | {"pages": []})
    found = compare(run(), gone)
    assert len(found.differences) == 1 and found.changed == {"pages": ("10_x",)}
    failed = run(pages=[run().record["pages"][0] | {"status": "failed"}])
    assert "status: ok -> failed" in str(compare(run(), failed))


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"data": {"responses": "9", "orders": "2"}}, {"data": ("responses",)}),
        ({"code": "d"}, {"code": ()}),
        ({"wording": "v"}, {"question wording": ()}),
        (
            {"environment": {"python": "3.12", "fingerprint": "f", "packages": {"numpy": "2.1"}}},
            {"environment": ("python 3.11 -> 3.12", "numpy 2.0 -> 2.1")},
        ),
        (
            {
                "pages": [
                    run().record["pages"][0]
                    | {
                        "seed": 2,
                        "notebook_sha256": "b",
                        "parameters": {"WAVE": "q1", "DRAWS": 100},
                    }
                ]
            },
            {"notebook": ("10_x",), "seed": ("10_x",), "parameter values": ("WAVE '' -> q1",)},
        ),
    ],
)
def test_what_changed_behind_the_numbers_is_named(changes: dict, changed: dict) -> None:
    assert dict(compare(run(), run(**changes)).changed) == changed


def test_rows_with_the_same_words_are_told_apart() -> None:
    twice = run()
    table = twice.answers["10_x"]["by_group"]["table"]
    table["rows"].append(["web", "speed", 1.0, 0.5, 1.5, 20])
    other = copy.deepcopy(twice)
    other.answers["10_x"]["by_group"]["table"]["rows"][-1][2] = 2.0
    assert [d.term for d in compare(twice, other).differences] == ["web, speed (2)"]


def test_the_page_escapes_and_flags() -> None:
    other = moved(9.0, 8.5, 9.5)
    other.answers["10_x"]["by_group"]["answer"] = "<script>alert(1)</script>"
    html = comparison_page.html(compare(run(), other))
    assert "<script" not in html and "default-src" in html and "<strong>yes</strong>" in html
    assert "7.00 (6.50 to 7.50)" in html and "9.00 (8.50 to 9.50)" in html
    assert "All 11 values are the same." in comparison_page.html(compare(run(), run()))


def test_a_run_is_read_from_its_folder_or_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="is not a run of `cx run`"):
        comparison.read(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(run().record))
    (tmp_path / "answers.json").write_text(json.dumps(run().answers))
    assert comparison.read(tmp_path) == run()


def test_a_reader_gets_answers_that_say_something_else_and_estimates_that_differ() -> None:
    other = moved(9.0, 8.5, 9.5)
    other.answers["10_x"]["quiet"] = run().answers["10_x"]["by_group"] | {"name": "quiet"}
    before = run()
    before.answers["10_x"]["quiet"] = copy.deepcopy(other.answers["10_x"]["quiet"])
    before.answers["10_x"]["quiet"]["table"]["rows"][0][2] = 7.1  # the intervals overlap
    [part] = comparison_page.parts(compare(before, other))
    assert (part.differing, part.beyond, len(part.answers)) == (4, 1, 1)
    [answer] = part.answers
    assert answer.before == "" and answer.after == "Web 7."
    assert answer.rows == (
        comparison_page.Row("web, speed", "7.00 (6.50 to 7.50)", "9.00 (8.50 to 9.50)", True),
    )
    said = comparison_page.text(compare(before, other))
    assert "web, speed: 7.00 (6.50 to 7.50) -> 9.00 (8.50 to 9.50)  significant" in said
    assert "4 of 21 values differ" in said


def test_a_page_that_only_one_run_has_is_a_line() -> None:
    gone = Run("friday", {}, run().record | {"pages": []})
    [part] = comparison_page.parts(compare(run(), gone))
    assert part.status == "only in monday" and part.answers == ()


def test_runs_are_compared_in_one_language() -> None:
    first = run().record["pages"][0]
    both = [first | {"lang": "zh"}, first | {"lang": "en", "page": "10_x.en", "suffix": ".en"}]
    two = Run("two", {"10_x": {}, "10_x.en": run().answers["10_x"]}, run().record | {"pages": both})
    assert compare(*comparison.in_one_language(two, run(), "zh")).same
    chinese = Run("zh", {}, run().record | {"pages": both[:1]})
    with pytest.raises(ValueError, match="zh is in zh and monday in en.*--lang"):
        comparison.in_one_language(chinese, run(), "en")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [("failed", "failed", True), ("ok", "failed", False), ("not run", "ok", False)],
)
def test_a_page_that_failed_is_named_and_not_compared(before, after, same) -> None:
    sides = [run(pages=[run().record["pages"][0] | {"status": s}]) for s in (before, after)]
    found = compare(*sides)
    assert found.without == {"10_x": (before, after)} and found.same is same
    assert len(found.differences) == found.values == (0 if same else 1)
    assert f"1 page could not be compared:\n  10_x: {before} -> {after}" in str(found)
    assert f"  10_x: {before} -> {after}" in comparison_page.text(found)
    assert f"“10_x” could not be compared: {before} before, {after} after." in (
        comparison_page.html(found)
    )


def test_verify_and_diff_end_with_1_where_a_page_failed(tmp_path, monkeypatch) -> None:
    page = run().record["pages"][0]
    for name, status in (("monday", "ok"), ("friday", "failed")):
        (tmp_path / name).mkdir()
        record = run(name, about={}, pages=[page | {"status": status}]).record
        (tmp_path / name / "run.json").write_text(json.dumps(record))
        (tmp_path / name / "answers.json").write_text(json.dumps(run().answers))
    monday, friday = (str(tmp_path / name) for name in ("monday", "friday"))
    codes = [
        CliRunner().invoke(cli.main, ["diff", *pair]).exit_code
        for pair in ((monday, monday), (monday, friday), (friday, friday))
    ]
    assert codes == [0, 1, 1]
    failed = comparison.read(tmp_path / "friday")
    monkeypatch.setattr(verify, "verify", lambda *_, **__: compare(failed, failed))
    done = CliRunner().invoke(cli.main, ["verify", friday])
    assert done.exit_code == 1 and "10_x: failed -> failed" in done.output
