"""What reaches a page and what does not: small cells, personal data, lists of customers."""

from __future__ import annotations

import json
import os
import stat

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxlib import report
from cxlib.core import context, display
from cxlib.core.result import Result
from cxlib.report import answers, customer_lists, pages

PERSON = "Ann Lee, ann@firm.com, 13812345678"


def grouped(*n: int, answer: str = "Speed leads.") -> Result:
    table = pd.DataFrame(
        {
            "channel": list("abcdef")[: len(n)],
            "term": "recommend",
            "estimate": [float(f"7.{i}1731") for i in range(len(n))],
            "n": n,
        }
    )
    return Result(table, answer, unit="points")


def overall(n: int) -> Result:
    return Result(
        pd.DataFrame({"term": ["recommend"], "estimate": [6.5], "n": [n]}),
        "NPS 6.5.",
        unit="points",
    )


def kept(name: str, fit) -> NotebookNode:
    record = answers._record(name, fit, "")
    return new_output("display_data", data={"text/plain": record["answer"], report.MIME: record})


def shown(name: str, fit, **more: str) -> NotebookNode:
    """As `report.add` shows it in a notebook."""
    output = kept(name, fit)
    output.data |= {"text/html": fit._repr_html_(), **more}
    return output


def notebook(*cells: list[NotebookNode]) -> NotebookNode:
    return new_notebook(cells=[new_code_cell("1", outputs=list(outputs)) for outputs in cells])


def figure() -> NotebookNode:
    return new_output("display_data", data={"image/svg+xml": "<svg>7.0</svg>"})


def test_of_a_small_cell_and_its_complement_nothing_is_stored() -> None:
    made = notebook([kept("by_group", grouped(7, 12, 90))])
    text = json.dumps(made) + pages.bind(made, pages.Facts("T"))
    assert "7.01731" not in text and "7.11731" not in text and "7.21731" in text
    rows = report.answers_of(made)["by_group"]["table"]["rows"]
    assert rows[:2] == [["a", "recommend", None, None], ["b", "recommend", None, None]]
    assert rows[2][3] == 90 and isinstance(rows[2][3], int)


def test_a_page_says_that_there_are_fewer_than_ten() -> None:
    shown = report.table_of(answers._record("x", grouped(7, 12, 90), ""))
    assert shown["n"].tolist() == ["<10", "–", "90"]


def test_the_audit_tells_page_answer_cell_and_reason() -> None:
    audit = report.protect(notebook([kept("by_group", grouped(7, 12, 90))]))
    assert [h["cell"] for h in audit["hidden"]] == [
        "channel=a, term=recommend",
        "channel=b, term=recommend",
    ]
    assert audit["hidden"][0] == {
        "answer": "by_group",
        "cell": "channel=a, term=recommend",
        "reason": "n under 10",
    }


def test_a_total_kept_elsewhere_gives_no_group_away() -> None:
    made = notebook(
        [kept("nps", overall(93))], [figure(), kept("by_group", grouped(40, 50, answer="a leads"))]
    )
    audit = report.protect(made)
    record = report.answers_of(made)["by_group"]
    assert record["table"]["rows"][0] == ["a", "recommend", None, None]
    assert [h["cell"] for h in audit["hidden"]] == ["channel=a, term=recommend"]
    assert "svg" not in json.dumps(made) and "a leads" not in json.dumps(made)
    assert "left out" in record["answer"]
    assert report.table_of(record)["n"].tolist() == ["–", "50"]


@pytest.mark.parametrize("everybody", [90, 100, 300, 80])
def test_a_total_that_gives_nothing_away_changes_nothing(everybody: int) -> None:
    made = notebook([kept("nps", overall(everybody))], [figure(), kept("g", grouped(40, 50))])
    assert report.protect(made)["hidden"] == [] and "svg" in json.dumps(made)


def test_a_notebook_shows_tables_without_their_small_cells() -> None:
    data, about = display._without_small_cells(grouped(7, 12, 90).table)
    for text in data.values():
        assert "7.01" not in text and "7.11" not in text and "7.21" in text and "12" not in text
    assert len(about["cxlab_audit"]) == 2
    assert display._without_small_cells(grouped(90, 80).table) is None


def test_the_hook_is_heard_by_a_shell() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        display.hide_in_notebooks()
        data, about = shell.display_formatter.format(grouped(7, 12, 90).table)
        assert "7.01" not in str(data) and set(data) == {"text/plain", "text/html"}
        assert "NaN" not in str(data) and about["cxlab_audit"]
        assert "5.5" in shell.display_formatter.format(pd.DataFrame({"x": [5.5]}))[0]["text/html"]
    finally:
        InteractiveShell.clear_instance()


def test_the_plain_twin_of_a_table_is_not_stored() -> None:
    both = new_output("execute_result", data={"text/html": "<p>x</p>", "text/plain": "n=7"})
    made = notebook([both])
    report.protect(made)
    assert "n=7" not in json.dumps(made)


def test_personal_data_is_in_no_text_that_is_stored() -> None:
    context.begin(mask=["Ann Lee"])
    fit = grouped(90, 80, answer=PERSON)
    fit.table["channel"] = [PERSON, "web"]
    made = notebook(
        [kept("by_group", fit)],
        [
            new_output("stream", name="stdout", text=PERSON),
            new_output("display_data", data={"text/html": f"<td title='x'>{PERSON} &amp; co</td>"}),
            new_output(
                "display_data",
                data={"image/svg+xml": "<svg/>"},
                metadata={"image/svg+xml": {"alt": PERSON}},
            ),
            new_output("error", ename="E", evalue=PERSON, traceback=[PERSON]),
        ],
    )
    audit = report.protect(made)
    text = json.dumps(made)
    assert not any(word in text for word in ("Ann", "firm.com", "138"))
    assert "[e-mail]" in text and "&amp; co</td>" in text
    assert audit["masked"] == {"e-mail": 8, "phone": 8, "name": 8}


def test_protecting_twice_is_protecting_once() -> None:
    made = notebook([kept("nps", overall(93))], [kept("g", grouped(40, 50, answer=PERSON))])
    report.protect(made)
    once = json.dumps(made["cells"])
    report.protect(made)
    assert json.dumps(made["cells"]) == once


def test_warnings_of_a_notebook_are_told() -> None:
    made = notebook([new_output("stream", name="stderr", text="one draw failed\n")])
    assert report.protect(made)["warnings"] == ["one draw failed"]
    assert report.audit_of(made)["warnings"] == ["one draw failed"]


def test_comments_need_twice_the_crowd_and_lose_names() -> None:
    assert report.comments(["good"] * 19 + ["", None]) == []
    shown = report.comments(["mail ann@firm.com", *["good"] * 19], most=2)
    assert shown == ["mail [e-mail]", "good"]


def test_a_list_is_a_file_for_its_owner_alone(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv(customer_lists.FOLDER, str(tmp_path))
    monkeypatch.setenv(customer_lists.PAGE, "32_leave")
    umask = os.umask(0)
    try:
        file = report.list_to_file("at_risk", pd.DataFrame({"id": ["c1", "c2"], "risk": [0.5, -1]}))
    finally:
        os.umask(umask)
    assert file.name == "32_leave.at_risk.csv" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text(encoding="utf-8-sig").splitlines() == ["id,risk", "c1,0.5", "c2,-1.0"]
    said = capsys.readouterr().out
    assert "at risk" in said and "c1" not in said and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "＝1",
        "\n=1",
        "\u200b=1",
        "\u2060\u200b+1",
        "\u202e@x",
        "\u00ad=1",
        "\u3000-1+1",
        "\x1b=1",
        "﹦1",
    ],
)
def test_no_cell_of_a_list_is_a_formula(tmp_path, monkeypatch, cell: str) -> None:
    monkeypatch.setenv(customer_lists.FOLDER, str(tmp_path))
    file = report.list_to_file("risky", pd.DataFrame({cell: [cell]}))
    assert pd.read_csv(file, encoding="utf-8-sig").iloc[0, 0].startswith("'")


def test_a_list_needs_a_plain_name(tmp_path) -> None:
    with pytest.raises(ValueError, match="cannot name a list"):
        report.list_to_file("../x", pd.DataFrame())


def test_a_fit_that_is_only_shown_tells_the_audit_what_it_hides() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        data, about = shell.display_formatter.format(grouped(7, 12, 90))
    finally:
        InteractiveShell.clear_instance()
    assert "7.01731" not in str(data) and "7.2" in data["text/html"]
    audit = report.protect(notebook([new_output("display_data", data=data, metadata=about)]))
    assert [h["cell"] for h in audit["hidden"]] == [
        "channel=a, term=recommend",
        "channel=b, term=recommend",
    ]


@pytest.mark.parametrize("how", ["stream", "text/plain", "text/html", "text/markdown"])
def test_a_printed_table_of_few_is_left_out_and_audited(how: str) -> None:
    table = grouped(7, 12, 90).table
    text = table.to_html() if how == "text/html" else table.to_string()
    made = notebook(
        [
            new_output("stream", name="stdout", text=text)
            if how == "stream"
            else new_output("display_data", data={how: text})
        ]
    )
    audit = report.protect(made)
    assert "7.2" not in json.dumps(made) and "groups of fewer than 10" in json.dumps(made)
    assert audit["hidden"] == [{"answer": "", "cell": "printed table", "reason": "n under 10"}]


def test_a_count_by_another_name_is_not_kept() -> None:
    with pytest.raises(ValueError, match="rename the column 'count' to n"):
        report.add("x", pd.DataFrame({"channel": ["web"], "count": [3]}))


def test_what_a_notebook_shows_of_an_answer_goes_with_what_is_hidden_in_it() -> None:
    made = notebook([shown("all", overall(93))], [shown("by_group", grouped(40, 50))])
    report.protect(made)
    assert "<td>93</td>" in made.cells[0].outputs[0].data["text/html"]
    [left] = made.cells[1].outputs
    assert "text/html" not in left.data and "left out" in left.data["text/plain"]


def test_an_answer_is_masked_in_every_form_and_counted_once() -> None:
    table = pd.DataFrame({"term": ["ann@example.org"], "estimate": [6.5], "n": [90]})
    fit = Result(table, "ann@example.org leads.", unit="points")
    made = notebook([shown("first", fit)])
    once = notebook([kept("first", fit)])
    audit = report.protect(made)
    assert "ann@" not in json.dumps(made)
    assert made.cells[0].outputs[0].data.keys() >= {"text/plain", "text/html"}
    assert audit["masked"] == report.protect(once)["masked"]


def test_pixels_of_a_figure_with_personal_data_are_left_out() -> None:
    pixels = {"image/png": "iVBOR"}
    drawn = [
        new_output("display_data", data={"image/svg+xml": f"<svg><text>{t}</text></svg>"} | pixels)
        for t in ("ann@example.org", "Delivery")
    ]
    made = notebook(drawn)
    report.protect(made)
    assert ["image/png" in o.data for o in made.cells[0].outputs] == [False, True]
