"""Waves sort as text wherever they are read: their names sort in time, or it is asked."""

import pandas as pd
import pytest
import yaml

from cxlib import reserve
from cxlib.data.intake.waves import in_order


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["Q1 FY25", "Q4 FY24", "Q2 FY25"], ["FY2025-Q1", "FY2024-Q4", "FY2025-Q2"]),
        (["2025财年Q1", "2024财年Q4"], ["FY2025-Q1", "FY2024-Q4"]),
        (["Jan 2025", "Feb 2025", "Dec 2024"], ["2025-01", "2025-02", "2024-12"]),
        (["Jan-25", "Dec-24"], ["2025-01", "2024-12"]),
        (["Januar 2025", "Dezember 2024"], ["2025-01", "2024-12"]),
        (["Mayo 2025", "Abril de 2025"], ["2025-05", "2025-04"]),
        (["января 2025", "декабря 2024"], ["2025-01", "2024-12"]),
        (["Q1 2025", "Q4 2024"], ["2025-Q1", "2024-Q4"]),
        (["Q1 '25", "Q4 '24"], ["2025-Q1", "2024-Q4"]),
        (["1T25", "4T24"], ["2025-Q1", "2024-Q4"]),
        (["1. Quartal 2025", "4. Quartal 2024"], ["2025-Q1", "2024-Q4"]),
        (["2025年第1季度", "2024年第4季度"], ["2025-Q1", "2024-Q4"]),
        (["2025年第一季度", "2024年第四季度"], ["2025-Q1", "2024-Q4"]),
        (["2025年1月", "2024年12月"], ["2025-01", "2024-12"]),
        (["2025年上半年", "2024年下半年"], ["2025-H1", "2024-H2"]),
        (["KW 9/2025", "KW 10/2025"], ["2025-W09", "2025-W10"]),
        (["01/2025", "12/2024"], ["2025-01", "2024-12"]),
        (["202501", "202412"], ["2025-01", "2024-12"]),
        (["W9", "W10", "W11"], ["W09", "W10", "W11"]),
        (["Wave 2", "Wave 10"], ["Wave 02", "Wave 10"]),
        (["第九期", "第十期", "第二十一期"], ["第09期", "第10期", "第21期"]),
        (["1", "2", "10"], ["01", "02", "10"]),
        (["2025 wave 2", "2025 wave 10"], ["2025 wave 02", "2025 wave 10"]),
        (["1", "2"], ["1", "2"]),
        (["01 before", "02 after"], ["01 before", "02 after"]),
        (["2026-Q1", "2025-Q4"], ["2026-Q1", "2025-Q4"]),
        (["after"], ["after"]),
    ],
)
def test_names_of_waves_tell_their_order(given, named):
    found = in_order(pd.Series(given), None)
    assert [found.names[name] for name in given] == named
    assert found.question is None


@pytest.mark.parametrize(
    "given",
    [
        ["2025 Spring", "2025 Autumn"],
        ["before", "after"],
        ["Jan", "Feb"],
        ["I 2025", "IV 2024"],
        ["Wave 1 of 24/25", "Wave 2 of 23/24"],
    ],
)
def test_names_that_do_not_tell_are_asked_about(given):
    found = in_order(pd.Series(given), None)
    assert found.names == {name: name for name in given}
    assert found.question.rule == "wave_order"


def dated(*waves: tuple[str, str]) -> tuple[pd.Series, pd.Series]:
    """Five answers of each wave, in the days from the one given on."""
    names = pd.Series([name for name, _day in waves for _ in range(5)])
    days = [pd.Timestamp(day) + pd.Timedelta(days=k) for _name, day in waves for k in range(5)]
    return names, pd.Series(days)


def test_dates_tell_the_order_where_names_do_not():
    found = in_order(*dated(("2025 Spring", "2025-03-01"), ("2025 Autumn", "2025-09-01")))
    assert found.names == {"2025 Spring": "01 2025 Spring", "2025 Autumn": "02 2025 Autumn"}
    assert "in the order of their dates" in found.note
    first, then = ("after", "2025-03-01"), ("before", "2025-09-01")
    assert in_order(*dated(first, then)).names == {"after": "after", "before": "before"}


@pytest.mark.parametrize(
    "waves",
    [
        [("Q3 2025", "2024-09-01"), ("Q2 2025", "2025-06-01")],  # against the names
        [("2025-Q3", "2024-09-01"), ("2025-Q2", "2025-06-01")],
        [("old", "2025-03-01"), ("new", "2025-03-02")],  # at the same time
    ],
)
def test_dates_that_contradict_or_overlap_are_asked_about(waves):
    assert in_order(*dated(*waves)).question.rule == "wave_order"


@pytest.fixture
def survey(folder):
    """The check of a survey with these waves, ten answers each."""

    def make(*given: str, **keys: object) -> reserve.Check:
        rows = [f"{w}-{k},{w},{(3 * k) % 11}" for w in given for k in range(10)]
        (folder / "a.csv").write_text("\n".join(["id,wave,nps", *rows]), encoding="utf-8")
        columns = {"response_id": "id", "wave": "wave", "nps": "nps"}
        responses = {"files": "a.csv", "columns": columns, **keys}
        study = {
            **{"title": "S", "source": "us", "licence": "internal"},
            "tables": {"responses": responses},
            "items": {"nps": {"label": "Recommendation", "scale": [0, 10], "role": "nps"}},
        }
        (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
        return reserve.check("new")

    return make


def test_what_is_proposed_answers_the_question_of_the_order(survey):
    check = survey("before", "after")
    assert check.exit_code == reserve.LOST
    says = str(check)
    assert "question: responses.wave: 20 row(s): waves whose order is clear neither" in says
    proposed = yaml.safe_load(says[says.index("      tables:") :].split("\n  note", maxsplit=1)[0])
    recode = proposed["tables"]["responses"]["recode"]
    assert recode == {"wave": {"before": "01 before", "after": "02 after"}}
    assert survey("before", "after", recode=recode).ok


def test_pages_have_waves_in_the_order_of_time(survey):
    check = survey("Wave 2", "Wave 10", "Wave 9")
    assert check.ok
    assert sorted(check.taken["responses"].rows["wave"].unique()) == [
        *("Wave 02", "Wave 09", "Wave 10"),
    ]
    assert "responses.wave: 'Wave 2' is 'Wave 02', 'Wave 9' is 'Wave 09'" in " ".join(check.notes)
