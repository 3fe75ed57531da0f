"""Small cells: nothing that is hidden can be worked out from what is shown."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlib.core import context
from cxlib.core.display import display_table
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.privacy import disclosure

COUNTS = st.integers(0, 40)


def groups(*n: int, names: str = "abcdefgh", overall: int | None = None) -> pd.DataFrame:
    rows = [(g, "speed", 5.0, v) for g, v in zip(names, n, strict=False)]
    rows += [(disclosure.TOTAL, "speed", 5.0, overall)] if overall is not None else []
    return pd.DataFrame(rows, columns=["channel", "term", "estimate", "n"])


def crossed(counts: np.ndarray) -> pd.DataFrame:
    rows = [
        (f"c{i}", f"w{j}", "speed", 5.0, int(counts[i, j])) for i, j in np.ndindex(counts.shape)
    ]
    return pd.DataFrame(rows, columns=["channel", "wave", "term", "estimate", "n"])


@pytest.mark.parametrize(
    ("n", "said"),
    [
        ((90, 80), ["", ""]),
        ((7, 12, 90), ["small", "complement", ""]),
        ((7, 8, 90), ["small", "small", ""]),
        ((3, 4, 90, 50), ["small", "small", "", "complement"]),  # 7 people are a small cell too
        ((7,), ["small"]),
    ],
)
def test_a_small_cell_takes_others_with_it_until_it_cannot_be_worked_out(n, said) -> None:
    assert disclosure.hidden(groups(*n)).tolist() == said


def test_the_row_of_everybody_is_never_hidden_for_another() -> None:
    assert disclosure.hidden(groups(7, 90, overall=97)).tolist() == ["small", "complement", ""]
    assert disclosure.hidden(groups(7, overall=97)).tolist() == ["small", ""]


def test_those_of_no_group_hide_no_group_and_stand_with_a_small_one() -> None:
    assert disclosure.hidden(groups(40, 50, overall=93)).tolist() == ["", "", ""]
    assert disclosure.hidden(groups(40, 50, overall=190)).tolist() == ["", "", ""]
    assert disclosure.hidden(groups(7, 50, overall=87)).tolist() == ["small", "", ""]


def test_a_two_way_table_is_kept_along_both_ways() -> None:
    why = disclosure.hidden(crossed(np.array([[5, 50, 60], [70, 20, 80], [90, 95, 30]])))
    gone = (why != "").to_numpy().reshape(3, 3)
    assert gone[0, 0] and not (gone.sum(0) == 1).any() and not (gone.sum(1) == 1).any()
    assert not gone.all()


@given(st.lists(COUNTS, min_size=2, max_size=6), st.integers(0, 25))
def test_whoever_subtracts_finds_nothing_or_a_crowd(n: list[int], others: int) -> None:
    table = groups(*n, overall=sum(n) + others)
    shown = (disclosure.hidden(table) == "").to_numpy()[:-1]
    rest = sum(n) + others - np.array(n)[shown].sum()
    assert rest == others or rest >= 10 or not shown.any()
    assert (np.array(n)[shown] >= 10).all()


@pytest.mark.slow
@given(st.lists(COUNTS, min_size=9, max_size=9))
def test_every_line_of_a_two_way_table_holds(n: list[int]) -> None:
    counts = np.array(n).reshape(3, 3)
    shown = (disclosure.hidden(crossed(counts)) == "").to_numpy().reshape(3, 3)
    for axis, line in itertools.product((0, 1), range(3)):
        seen, count = np.take(shown, line, axis), np.take(counts, line, axis)
        rest = count[~seen].sum()
        assert seen.all() or not seen.any() or (rest >= 10 and (~seen).sum() > 1)


def test_terms_are_measures_of_their_own() -> None:
    table = pd.DataFrame({"term": ["speed", "price"], "estimate": [1.0, 2.0], "n": [5, 50]})
    assert disclosure.hidden(table).tolist() == ["small", ""]


def test_n_of_a_complement_goes_with_its_numbers() -> None:
    table = groups(7, 12, 90)
    why = disclosure.hidden(table)
    assert disclosure.blanked(table, why)["n"].fillna(-1).tolist() == [7, -1, 90]
    assert disclosure.blanked(table, why, n_too=True)["n"].isna().tolist() == [True, True, False]
    assert disclosure.counts(table, why) == ["<10", "–", "90"]


def test_people_count_where_their_rows_are_many() -> None:
    """A hundred contacts of four customers are four customers."""
    table = groups(100, 12, 90).assign(people=[4, 12, 80])
    why = disclosure.hidden(table)
    assert why.tolist() == ["small", "complement", ""]
    assert disclosure.counts(table, why) == ["–", "–", "90"]  # 100 is not fewer than ten


def test_the_audit_names_cell_and_reason_but_no_number() -> None:
    table = groups(7, 12, 90)
    first, second = disclosure.audit(table, disclosure.hidden(table))
    assert first == {"cell": "channel=a, term=speed", "reason": "n under 10"}
    assert second["cell"] == "channel=b, term=speed" and "12" not in str(second)


def test_without_n_or_threshold_nothing_is_hidden() -> None:
    assert (disclosure.hidden(groups(7, 12).drop(columns="n")) == "").all()
    context.begin(smallest_cell=0)
    assert (disclosure.hidden(groups(0, 12)) == "").all()


def test_groups_without_a_page_of_their_own() -> None:
    out = disclosure.too_few_left_out
    assert out({"a": 50, "b": 60}, 110) == []
    assert out({"a": 5, "b": 60, "c": 70}, 135) == ["a", "b"]
    assert out({"a": 5, "b": 60, "c": 70}, 155) == ["a"]  # twenty of no group stand with it
    assert out({"b": 60, "c": 70}, 133) == ["b"]  # three of no group would be found


SHARES = pd.DataFrame(
    {"term": ["price", "room", "lift"], "estimate": [0.6, 0.36, 0.04], "n": [60, 36, 4]}
)


def test_one_hidden_share_of_a_whole_takes_the_next_smallest_with_it() -> None:
    assert disclosure.hidden(SHARES).tolist() == ["", "complement", "small"]
    parts = SHARES.rename(columns={"estimate": "leavers"}).assign(estimate=[0.5, 0.4, 0.3])
    assert disclosure.hidden(parts).tolist() == ["", "complement", "small"]


def test_shares_of_different_wholes_take_nothing_with_them() -> None:
    table = SHARES.assign(estimate=[0.6, 0.5, 0.04])
    assert disclosure.hidden(table).tolist() == ["", "", "small"]


def test_shares_of_a_whole_in_each_group_are_kept_group_by_group() -> None:
    table = pd.concat([SHARES.assign(region="a"), SHARES.assign(region="b", n=[60, 36, 40])])
    table = table[["region", "term", "estimate", "n"]].reset_index(drop=True)
    why = disclosure.hidden(table)
    assert why.tolist()[:3] == ["", "complement", "small"]
    assert (why[3:] != "").sum() == 2  # a column of two regions: both give each other away


def test_a_rate_of_few_cases_is_a_small_cell_however_many_customers_there_are() -> None:
    table = groups(2000, 2001, 2002).assign(cases=[4, 12, 30])
    assert disclosure.hidden(table).tolist() == ["small", "complement", ""]


def test_sentences_speak_of_shown_rows_only() -> None:
    table = groups(7, 12, 90)
    assert disclosure.shown(table)["channel"].tolist() == ["c"]


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Lowest for a: 5.0 (4.1 to 6.2), n 31.", True),
        ("Lowest for A, n 7.", True),
        ("Lowest for b: 4.4, n 12.", True),
        ("Lowest for c: 5.0, n 90.", False),
        ("Lowest for a.", False),
        ("Almost all: 5.0, n 90.", False),
        ("", False),
    ],
)
def test_a_sentence_that_names_a_hidden_group_and_its_number_is_found(sentence, told) -> None:
    assert disclosure.tells_of_hidden(sentence, disclosure.hiding([groups(7, 12, 90)])) is told


def test_a_table_of_one_small_row_needs_no_name() -> None:
    table = pd.DataFrame({"term": ["nps"], "estimate": [26.5], "n": [4]})
    assert disclosure.tells_of_hidden("NPS 26.5 points, n 4.", disclosure.hiding([table]))
    assert disclosure.hiding([table.assign(n=40)]) == []


def test_no_result_has_a_sentence_about_a_hidden_row() -> None:
    fit = Result(groups(7, 12, 90), "Lowest for a: 5.0, n 7.", "Of a there are 7.")
    assert fit.finding.claim == disclosure.left_out() and fit.notes == ""
    assert Result(groups(7, 12, 90), "Best: c, n 90.", "All.").finding.claim == "Best: c, n 90."


def test_a_group_without_a_row_is_protected_and_people_of_no_group_are_not() -> None:
    def table(*rows: tuple) -> pd.DataFrame:
        columns = ["group", "after", "term", "estimate", "n"]
        return pd.DataFrame([(g, a, "back", 0.5, n) for g, a, n in rows], columns=columns)

    first = [("overall", 1, 120), ("east", 1, 70), ("west", 1, 45)]  # 5 are of no group
    gone = disclosure.hidden(table(*first))
    assert (gone == "").all()
    later = [("overall", 2, 60), ("east", 2, 52)]  # 8 of the west are left: 60 - 52
    gone = disclosure.hidden(table(*first, *later))
    assert gone.tolist() == [
        "",
        "complement",
        "",
        "",
        "complement",
    ]  # the east's sum over time, too


def calls(per_customer: dict[str, list[int]]) -> Sample:
    """Calls by channel, so many of each of its customers."""
    rows = [
        (f"{channel}{who}", channel, 1.0)
        for channel, each in per_customer.items()
        for who, n in enumerate(each)
        for _unused in range(n)
    ]
    return Sample(
        pd.DataFrame(rows, columns=["customer_id", "channel", "speed"]), cluster="customer_id"
    )


def test_a_group_is_as_small_as_its_customers_are_few() -> None:
    sample = calls({"fax": [12, 12, 12, 11], "web": [3] * 40, "phone": [5] * 11})
    counted = sample.counted(groups(47, 120, 55, names=["fax", "web", "phone"]))
    assert counted["people"].tolist() == [4, 40, 11]
    assert disclosure.hidden(counted).tolist() == ["small", "", "complement"]
    named = sample.counted(pd.DataFrame({"term": ["fax"], "n": [47]}), term="channel")
    assert named["people"].tolist() == [4]
    sides = groups(47).assign(channel="web", against="fax")  # as small as the smaller side
    assert sample.counted(sides)["people"].tolist() == [4]
    assert sample.replace(cluster=None).counted(groups(47, names=["fax"])).columns[-1] == "n"


def test_people_are_no_column_where_they_say_nothing_new() -> None:
    once = calls({"fax": [1] * 4, "web": [1] * 40})
    assert "people" not in once.counted(groups(4, 40, names=["fax", "web"]))
    few = calls({"fax": [2] * 4, "web": [2] * 40})  # hidden by its rows already
    assert "people" not in few.counted(groups(8, 80, names=["fax", "web"]))
    many = calls({"fax": [2] * 20, "web": [2] * 40})
    assert "people" not in many.counted(groups(40, 80, names=["fax", "web"]))


def test_a_hidden_row_has_no_verdict() -> None:
    table = groups(4, 40, 50).assign(verdict=["missed", "met", "met"])
    why = disclosure.hidden(table)
    assert disclosure.blanked(table, why)["verdict"].tolist() == ["", "", "met"]


def test_a_complement_leaves_more_than_one_number_open() -> None:
    # 1 and 10 hidden together are 11: readers who see which is small know both.
    assert disclosure.hidden(groups(1, 10, 50, 60)).tolist() == ["small", *["complement"] * 2, ""]
    assert disclosure.hidden(groups(9, 9, 50, 60)).tolist() == ["small", "small", "complement", ""]


def test_people_are_counted_of_everybody_too() -> None:
    rows = pd.DataFrame({"customer_id": [1, 2, 3, 4] * 10, "speed": 5.0})
    rows["price"] = np.where(rows.index < 16, 1.0, np.nan)
    table = pd.DataFrame({"term": ["speed", "price"], "estimate": 1.0, "n": [40, 16]})
    few = Sample(rows, cluster="customer_id").counted(table)
    assert few["people"].tolist() == [4, 4]
    assert disclosure.hidden(few).tolist() == ["small", "small"]
    many = pd.concat([rows.assign(price=np.nan), rows.assign(customer_id=range(100, 140))])
    told = Sample(many, cluster="customer_id").counted(table.assign(n=[80, 16]))
    assert "people" not in told  # 44 people, and 16 others with a price
    several = many.assign(price=np.where(many["customer_id"] < 5, 1.0, np.nan))
    told = Sample(several, cluster="customer_id").counted(table.assign(n=[80, 40]))
    assert disclosure.hidden(told).tolist() == ["", "small"]


def test_rows_of_nobody_known_count_as_people_each() -> None:
    rows = pd.DataFrame(
        {"customer_id": [1.0] * 12 + [np.nan] * 12, "channel": ["a"] * 12 + ["b"] * 12}
    )
    table = pd.DataFrame({"channel": ["a", "b"], "term": "calls", "n": 12})
    assert Sample(rows, cluster="customer_id").counted(table)["people"].tolist() == [1, 12]


def test_answers_of_a_group_hide_another_group_with_a_small_one() -> None:
    """Three answers of six people are six, not eighteen: another group is hidden with them."""
    counts = {"east": 40, "west": 30, "islet": 6}
    rows = [(g, "speed", a, 0.3, n) for g, n in counts.items() for a in ("low", "mid", "high")]
    table = pd.DataFrame(rows, columns=["region", "term", "answer", "estimate", "n"])
    why = disclosure.hidden(table)
    assert why.groupby(table["region"]).unique().str[0].to_dict() == {
        "east": "",
        "islet": "small",
        "west": "complement",
    }


def test_a_hidden_row_keeps_no_conclusion() -> None:
    """Neither yes nor no, nor when its level changed."""
    table = groups(7, 12, 90).assign(
        differs=[True, False, True], wave="q2", earliest="q1", latest="q3", within="yes"
    )
    shown = disclosure.blanked(table, disclosure.hidden(table))
    assert shown["differs"].isna().tolist() == [True, True, False]
    assert shown[["wave", "earliest", "latest", "within"]].agg("".join, axis=1).tolist() == [
        *("", ""),
        "q2q1q3yes",
    ]
    text = display_table(table)
    assert text.iloc[:, text.columns.str.contains("differ", case=False)].squeeze().tolist() == [
        *("–", "–"),
        "yes",
    ]
