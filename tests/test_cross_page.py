"""Pages that a reader could subtract from each other: what the difference tells is hidden."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlib import report
from cxlib.batch.execute import _left_out
from cxlib.core.errors import ABSENT
from cxlib.core.result import Result
from cxlib.privacy import attack, cross_page, disclosure, redaction
from cxlib.privacy.cross_page import Shown, within
from cxlib.report import answers, pages


def fit(counts: dict[str, int], everybody: int | None = None) -> Result:
    rows = [(group, "speed", 7.25, n) for group, n in counts.items()]
    rows += [(disclosure.TOTAL, "speed", 7.5, everybody)] if everybody else []
    table = pd.DataFrame(rows, columns=["channel", "term", "estimate", "n"])
    return Result(table, "Web leads.", "All of them.", unit="points")


def overall(n: int) -> Result:
    return Result(
        pd.DataFrame({"term": ["speed"], "estimate": [7.1], "n": [n]}), "Mean 7.1.", unit="points"
    )


def shown(where: str, *fits: Result, wave: str = "") -> Shown:
    kept = {f"a{i}": answers._record(f"a{i}", f, "") for i, f in enumerate(fits)}
    return Shown(kept, wave, where, f"Title {where}")


def notebook(page: Shown):
    figure = new_output("display_data", data={"image/svg+xml": "<svg>7.25</svg>"})
    cells = [
        new_code_cell(
            "1",
            outputs=[
                figure,
                new_output("display_data", data={"text/plain": r["answer"], report.MIME: r}),
            ],
        )
        for r in page.answers.values()
    ]
    made = new_notebook(cells=cells)
    report.protect(made)
    return made


def test_a_total_on_another_page_of_the_same_rows_gives_no_group_away() -> None:
    one, other = shown("", overall(93)), shown("", fit({"a": 40, "b": 50}))
    found = cross_page.exposures({"10": one, "20": other})
    assert list(found) == ["20"]
    assert cross_page.exposures({"10": shown("x = 1", overall(93)), "20": other}) == {}
    made = notebook(other)
    redaction.protect_from(made, found["20"])
    assert [h["cell"] for h in report.audit_of(made)["hidden"]] == ["channel=a, term=speed"]
    assert "svg" not in json.dumps(made) and "Web leads" not in json.dumps(made)


def test_people_without_a_group_hide_no_group() -> None:
    by = fit({"a": 100, "b": 100}).replace(parts={"ungrouped": 5})
    of_run = {"10": shown("", overall(205)), "20": shown("", by)}
    assert cross_page.exposures(of_run) == {}
    of_run["20"] = shown("", by.replace(parts={"ungrouped": 2}))  # and three of another group
    assert list(cross_page.exposures(of_run)) == ["20"]


def test_a_group_that_a_total_gives_away_is_hidden_for_every_term() -> None:
    both = fit({"a": 40, "b": 50})
    slope = both.table.assign(term="slope", estimate=[400.0, 900.0])
    both = Result(pd.concat([both.table, slope]), "Web leads.", unit="points")
    page = shown("", both)
    made = notebook(page)
    found = cross_page.exposures({"10": shown("", overall(93)), "20": page})
    redaction.protect_from(made, found["20"])
    [kept] = report.answers_of(made).values()
    assert [row[3] for row in kept["table"]["rows"]] == [None, 50, None, 50]


def test_every_total_is_looked_at() -> None:
    of_run = {
        "10": shown("", overall(93)),
        "11": shown("", overall(400)),
        "20": shown("", fit({"a": 40, "b": 50})),
    }
    assert list(cross_page.exposures(of_run)) == ["20"]
    assert list(cross_page.exposures(dict(reversed(of_run.items())))) == ["20"]


WAVES = {"Q1": 120, "Q2": 110, "Q3": 100}


@pytest.mark.parametrize(
    ("latest", "where", "asked"),
    [(4, "", ["Q3"]), (4, "region = 'north'", ["Q3"]), (40, "", [])],
    ids=["a small wave", "of one region", "no small wave"],
)
def test_a_table_of_the_waves_before_a_small_one_hides_what_others_hide(latest, where, asked):
    """The first page hides Q3 with Q4; the second lists no Q4, and its Q3 would give Q4 away."""

    def of(counts: dict[str, int], term: str) -> Result:
        rows = [(wave, term, 7.25, n) for wave, n in counts.items()]
        table = pd.DataFrame(rows, columns=["wave", "term", "estimate", "n"])
        return Result(table, "Stable.", unit="points")

    pages_ = {
        "10": shown(where, overall(330 + latest), of(WAVES | {"Q4": latest}, "speed")),
        "12": shown(where, of(WAVES, "price")),
    }
    given_away = attack.recovered(pages_)
    assert [leak.cell.endswith("wave=Q4") for leak in given_away] == [True] * len(asked)
    found = attack.complements_shown(pages_)
    assert list(found) == ["12"] * len(asked)
    for name, away in found.items():
        made = notebook(pages_[name])
        told = away.hide(made)
        assert [what["cell"] for what in told] == [f"wave={wave}, term=price" for wave in asked]
        assert "svg" not in json.dumps(made)
        pages_[name] = Shown(report.answers_of(made), where=where)
    assert attack.recovered(pages_) == []


def test_a_difference_tells_the_n_of_the_groups_that_it_compares() -> None:
    rows = [["Q2", "Q1", "nps", 50], ["Q3", "Q2", "nps", 50], ["Q4", "Q3", "nps", 60]]
    table = {"columns": ["wave", "against", "term", "n"], "rows": rows}
    away = cross_page.Exposure(complements=frozenset({(("Q2",), 50)}))
    assert list(away.rows(table, "points")) == [0, 1]


def test_an_effect_is_no_total_of_means() -> None:
    effect = overall(93)
    effect.table["estimate"] = 0.2
    assert (
        cross_page.exposures({"10": shown("", effect), "20": shown("", fit({"a": 40, "b": 50}))})
        == {}
    )


def test_a_page_that_leaves_out_three_people_is_withheld() -> None:
    narrow = shown("channel != 'fax'", overall(90), fit({"a": 40, "b": 50}))
    found = cross_page.exposures({"all": shown("", overall(93)), "some": narrow})
    assert list(found) == ["some"] and found["some"].beside == "Title "
    made = notebook(narrow)
    redaction.protect_from(made, found["some"])
    html = pages.bind(made, pages.Facts("T"))
    assert not any(x in json.dumps(made) + html for x in ("7.25", "7.1", "Web leads", "<svg"))
    [kept] = report.answers_of(made).values()
    assert "left out" in kept["answer"] and kept["answer"] in html
    assert report.audit_of(made)["hidden"][-1]["reason"].startswith("beside a page about more")


@pytest.mark.slow
def test_of_a_cell_that_lacks_few_people_the_narrower_page_shows_nothing() -> None:
    wide = shown("", fit({"a": 100, "b": 200, "c": 300}, 600))
    narrow = shown("age > 30", fit({"a": 97, "b": 120, "c": 200}, 417))
    found = cross_page.exposures({"all": wide, "some": narrow})
    assert list(found) == ["some"] and not found["some"].beside
    made = notebook(narrow)
    redaction.protect_from(made, found["some"])
    [kept] = report.answers_of(made).values()
    # b goes too: everybody less b and c would be a.
    assert [row[3] for row in kept["table"]["rows"]] == [None, None, 200, 417]
    assert [h["cell"] for h in report.audit_of(made)["hidden"]] == [
        "channel=a, term=speed",
        "channel=b, term=speed",
    ]
    assert kept["note"] == "" and "–" in report.table_of(kept)["n"].tolist()


@pytest.mark.parametrize("few", [0, 10, 50])
def test_pages_that_differ_by_nobody_or_a_crowd_stay(few: int) -> None:
    wide = shown("", fit({"a": 100, "b": 200}))
    narrow = shown("age > 30", fit({"a": 100 - few, "b": 200}))
    assert cross_page.exposures({"all": wide, "some": narrow}) == {}


@pytest.mark.parametrize(
    ("narrow", "wide", "said"),
    [
        ("x = 1", "", True),
        ("", "x = 1", False),
        ("x = 1 and y = 'a'", "y = 'a'", True),
        ("(x = 1) and \"channel\" = 'web'", "x = 1", True),
        ("\"channel\" = 'web'", "\"channel\" = 'fax'", False),
        ("channel = 'a and b'", "channel = 'a'", False),
        ("age > 31", "age > 30", True),
        ("region in ('a', 'b')", "region in ('a', 'b', 'c')", True),
        ("age > 31", "channel = 'web'", False),
        ("x = 1", "x = 1", False),
    ],
)
def test_which_rows_lie_within_others(narrow: str, wide: str, said: bool) -> None:
    assert within(("", narrow), ("", wide)) is said


def test_a_wave_lies_within_all_and_beside_others() -> None:
    assert within(("q1", ""), ("", "")) and not within(("q1", ""), ("q2", ""))
    assert not within(("", "x = 1"), ("q1", ""))


@given(st.lists(st.integers(10, 60), min_size=3, max_size=5), st.data())
@pytest.mark.slow
def test_whoever_subtracts_two_pages_finds_nobody_or_a_crowd(n: list[int], data) -> None:
    less = [v - data.draw(st.integers(0, min(v, 20))) for v in n]
    names = "abcde"[: len(n)]
    wide = shown("", fit(dict(zip(names, n, strict=True)), sum(n)))
    narrow = shown("x", fit(dict(zip(names, less, strict=True)), sum(less)))
    found = cross_page.exposures({"all": wide, "some": narrow})
    made = notebook(narrow)
    if "some" in found:
        redaction.protect_from(made, found["some"])
    seen = cross_page.counts_of(report.answers_of(made).values())
    assert cross_page.clash(seen, cross_page.counts_of(wide.answers.values())) == set()
    groups = {key[1][0][1] for key in seen if key[1]}
    rest = [(a, b) for name, a, b in zip(names, n, less, strict=True) if name not in groups]
    if groups and any(not key[1] for key in seen):  # the total less what is shown, of both pages
        gap = sum(a - b for a, b in rest)
        assert len(rest) != 1 or gap == 0 or gap >= 10


def test_a_verdict_goes_with_the_numbers_it_follows_from() -> None:
    """Of a row that another page's total would give away no verdict stays either."""
    table = fit({"a": 40, "b": 50}).table.assign(verdict=["missed", "met"], kind="web")
    other = shown("", Result(table, "Web leads.", "All of them.", unit="points"))
    made = notebook(other)
    away = cross_page.exposures({"10": shown("", overall(93)), "20": other})["20"]
    redaction.protect_from(made, away)
    record = made.cells[0].outputs[-1].data[report.MIME]["table"]
    rows = pd.DataFrame(record["rows"], columns=record["columns"])
    hidden = rows["estimate"].isna()
    assert hidden.any() and (rows.loc[hidden, "verdict"] == "").all()
    assert (rows["kind"] == "web").all() and (rows.loc[~hidden, "verdict"] != "").all()


def left_out(source: str, reason: str = "", because: str = ""):
    about = {"reason": reason, "because": because or reason}
    shown = [new_output("display_data", data={"text/plain": "x", ABSENT: about})]
    return new_code_cell(source, outputs=shown if reason or because else [])


@pytest.mark.parametrize(
    ("first", "second", "answer", "said"),
    [
        # Said in the answer itself.
        (("late = wait()", "No delivery days."), ("needs = 1", ""), ("few", ""), "few"),
        # The answer lacks what an earlier cell was to make, and an earlier part has said why.
        (("late = wait()", "No delivery days."), ("needs = 1", ""), ("", "none"), "none"),
        # The answer prints nothing: the cell that was to make what it reads has the reason.
        (("late = wait()", "No delivery days."), ("needs = f()", "none"), ("", ""), "none"),
        # Nothing but another part gives a reason.
        (("late = wait()", "No delivery days."), ("needs = 1", ""), ("", ""), "No delivery days."),
    ],
)
def test_a_page_without_an_answer_says_why_its_question_has_none(first, second, answer, said):
    made = new_notebook(
        cells=[
            left_out(*first),
            left_out(*second),
            new_markdown_cell("## Answer"),
            left_out("if needs:\n    show(needs)", *answer),
            new_markdown_cell("## Evidence\n\n### What else?"),
            left_out("other = late", "Something else."),
        ]
    )
    assert _left_out(made, None, {}) == [said]
    assert _left_out(made, None, {"kept": 1}) == [] == _left_out(made, [1, 2, "x"], {})
