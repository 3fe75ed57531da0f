"""A run agrees with itself: one number, one interval for a measure of a group or wave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_notebooks import USUAL, made

from cxlib.data.sources import SourceError
from cxlib.report import consistency

STUDIES = sorted(f.parent.name for f in (Path(__file__).parents[2] / "data").glob("*/study.yaml"))
PUBLIC = [(study, lang) for study in STUDIES if study != "sample" for lang in ("en", "zh")]
NPS = {
    "claim": "NPS was +26 in 2026-Q3.",
    "detail": "95% CI 18.4 to 34.1; n = 458",
    "value": 26.488857,
    "low": 18.40909,
    "high": 34.133473,
    "unit": "points",
    "measure": "nps",
    "at": {"wave": "2026-Q3"},
}
COLUMNS = ["wave", "term", "estimate", "low", "high", "n"]
ROWS = [
    ["2026-Q2", "recommend", 22.2, 14.1, 30.2, 470],
    ["2026-Q3", "recommend", 26.488857, 18.40909, 34.133473, 458],
]


def record(finding: dict, rows: Sequence[list] = ROWS, columns: Sequence[str] = COLUMNS) -> dict:
    return {"finding": finding, "table": {"columns": columns, "rows": rows}, "tables": {}}


def found(*records: dict, where: Sequence[str] = ("", "")) -> list[str]:
    """The kinds of conflicts between pages of one answer each."""
    names = [f"{k}_page" for k in range(len(records))]
    pages = [
        {"page": name, "set": "", "parameters": {"WHERE": condition}}
        for name, condition in zip(names, [*where, ""], strict=False)
    ]
    answers = {name: {"nps": one} for name, one in zip(names, records, strict=True)}
    return [c.kind for c in consistency.conflicts({"pages": pages}, answers)]


def test_pages_that_say_the_same_agree() -> None:
    assert found(record(NPS), record(NPS)) == []


@pytest.mark.parametrize(
    "other",
    [
        {"value": 27.1, "claim": "NPS was +27.1."},
        {"low": 15.3, "high": 37.2, "detail": "95% CI 15.3 to 37.2"},
    ],
    ids=["value", "interval"],
)
def test_two_values_or_intervals_of_one_quantity_are_a_conflict(other: dict) -> None:
    mine = NPS | other
    rows = [ROWS[0], ["2026-Q3", "recommend", mine["value"], mine["low"], mine["high"], 458]]
    assert set(found(record(NPS), record(mine, rows))) == {"two values"}
    # Of other customers the numbers may differ.
    assert found(record(NPS), record(mine, rows), where=("", "region = 'north'")) == []


def test_a_wave_that_another_page_has_in_its_table_counts_too() -> None:
    rows = [["2026-Q2", "recommend", 22.2, 12.0, 32.0, 470], ROWS[1]]
    assert found(record(NPS), record(NPS, rows)) == ["two values"]


def of_groups(shift: float = 0.0, **more: str) -> dict:
    """An answer with the scores of two regions, all ends of their intervals moved by `shift`."""
    rows = [["east", 15.306851, 0.029 - shift, 29.773, 140], ["west", 28.412345, 10.4, 44.0, 90]]
    return record(dict(more), rows, ["region", "estimate", "low", "high", "n"])


def test_two_tables_with_the_same_estimates_have_the_same_intervals() -> None:
    """A region by its own rows on one page, beside those of other waves on another."""
    assert found(of_groups(), of_groups()) == []
    assert found(of_groups(), of_groups(0.5)) == ["two intervals"]
    assert found(of_groups(), of_groups(0.5), where=("", "plan = 'basic'")) == []
    limits = of_groups()
    limits["tables"] = {"limits": of_groups(20.0)["table"]}
    assert found(of_groups(), limits) == []  # control limits are no intervals of the score


def test_one_share_of_as_many_may_be_the_same_by_chance() -> None:
    one, other = of_groups(), of_groups(0.5)
    other["table"]["rows"] = other["table"]["rows"][:1]
    assert found(one, other) == []


def test_two_rows_of_as_many_are_each_compared_with_themselves() -> None:
    """Two categories of 180 cases have one share, and intervals of their own draws."""

    def page(low: float) -> dict:
        rows = [
            ["process", "a", 2.8792, 2.4887, 3.3309, 180],
            ["process", "b", 2.8792, low, 3.3385, 180],
        ]
        return record({}, rows, ["class", "term", "estimate", "low", "high", "n"])

    assert found(page(2.383), page(2.383)) == []
    assert found(page(2.383), page(2.5)) == ["two intervals"]


def test_pages_that_contradict_each_other_are_named_with_the_measure() -> None:
    mine = NPS | {"value": 27.1, "claim": "NPS was +27.1."}
    rows = [ROWS[0], ["2026-Q3", "recommend", 27.1, mine["low"], mine["high"], 458]]
    answers = {"10_a": {"nps": record(NPS)}, "12_b": {"nps": record(mine, rows)}}
    words = [["w", "t", "much", None, 1, 2]]
    answers["13_own"] = {"x": record({"claim": "x", "value": 1.0}, words)}
    pages = [{"page": name, "set": "", "parameters": {}} for name in answers]
    said = consistency.between_pages({"pages": pages}, answers)
    assert said == {"12_b": "its value of nps is not that of 10_a"}
    del answers["12_b"]
    assert consistency.between_pages({"pages": pages}, answers) == {}


def test_rows_that_differ_in_more_than_the_wave_are_other_quantities() -> None:
    columns = ["purchase", *COLUMNS]
    rows = [["first", *ROWS[1]], ["second", *ROWS[0]], ["second", "2026-Q3", "x", 1, 0, 2, 9]]
    assert found(record(NPS, rows, columns), record(NPS)) == []


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([["2026-Q3", "recommend", 26.488857, 16.0, 37.0, 458]], COLUMNS),
        ([ROWS[0], ["2026-Q3", "recommend", None, None, None, None]], COLUMNS),
    ],
    ids=["another interval", "hidden"],
)
def test_a_number_that_no_row_of_the_table_has_is_a_conflict(rows: list, columns: list) -> None:
    assert "not in its table" in found(record(NPS, rows, columns))


@pytest.mark.parametrize(
    "told",
    [
        {"claim": "NPS was +25 in 2026-Q3."},
        {"detail": "95% CI 15.3 to 37.2; n = 458"},
        {"detail": "n = 458"},
    ],
    ids=["value", "interval", "no interval"],
)
def test_a_sentence_with_other_numbers_is_a_conflict(told: dict) -> None:
    assert found(record(NPS | told)) == ["not in its sentence"]


@pytest.mark.parametrize(
    ("claim", "detail", "value", "low", "high", "unit"),
    [
        ("CSAT was 36% in 2026-Q3.", "95% CI 31.6% to 41.4%", 0.3639, 0.3162, 0.4144, "share"),
        ("It fell by 5.3 points.", "95% CI −7.8 to −2.9", -5.34, -7.81, -2.88, "points"),
        ("1.0 points less.", "95% CI 0.75 to 1.32", -1.01, -1.319, -0.751, "scale"),
        (
            "平均每位客户价值 €1,204。",
            "95% 置信区间 €1,100 至 €1,300",
            1204.4,
            1100.2,
            1299.8,
            "EUR",
        ),
        ("Half are solved in 2.4 days.", "95% CI 2.2 to 2.6 days", 57.2, 53.0, 62.1, "hours"),
        ("€421,000 at stake.", "95% CI €390,000 to €455,000", 420886.8, 389798.7, 455302.9, "EUR"),
        ("6.5 percentage points more.", "95% CI 2.7 to 10.4", 0.065, 0.0271, 0.1038, "share"),
    ],
)
def test_numbers_are_read_as_sentences_write_them(
    claim: str, detail: str, value: float, low: float, high: float, unit: str
) -> None:
    told = {"claim": claim, "detail": detail, "value": value, "low": low, "high": high}
    rows = [["2026-Q3", "x", value, low, high, 40]]
    assert found(record(told | {"unit": unit}, rows)) == []


def agrees(name: str, lang: str, only: str = "") -> None:
    results = made(name, only) if lang == "en" else made(name, only, LANG=lang)
    folder = Path(next(iter(results.values())).folder)
    run, answers = (
        json.loads((folder / file).read_text(encoding="utf-8"))
        for file in ("run.json", "answers.json")
    )
    assert [str(c) for c in consistency.conflicts(run, answers)] == []


@pytest.mark.slow
def test_pages_of_the_sample_agree() -> None:
    agrees("sample", "en", USUAL)


@pytest.mark.thorough
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_pages_of_the_sample_agree(lang: str) -> None:
    agrees("sample", lang)


@pytest.mark.thorough  # some 20 minutes
@pytest.mark.mirror
@pytest.mark.parametrize(("name", "lang"), PUBLIC)
def test_all_pages_of_public_studies_agree(name: str, lang: str) -> None:
    try:
        agrees(name, lang)
    except SourceError as error:
        pytest.skip(f"the data of {name} are public and cannot be had here: {error}")
