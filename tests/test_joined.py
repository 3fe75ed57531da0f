"""Rows of one file made complete by others: joins, filled rows, firsts, columns made of dates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from cxlib.data import intake, sources, study
from cxlib.data.intake import IntakeError, Raw
from cxlib.data.intake.joins import prepared
from cxlib.data.mapping import File, Join, Source

ORDERS = pd.DataFrame(
    {
        "order": ["o1", "o2", "o3", "o4"],
        "who": ["a", "b", "a", None],
        "placed": ["2026-01-30", "2026-03-31 23:00:00", "2026-10-01", None],
        "promised": ["2026-02-05 00:00:00"] * 2 + ["2026-10-09"] * 2,
        "came": ["2026-02-05 18:00:00", "2026-02-06 01:00:00", None, "2026-10-08"],
    },
    index=pd.Index([2, 3, 4, 5], name="row"),
)
PAID = pd.DataFrame({"order": ["o1", "o1", "o3"], "value": ["10", "2.5", "7"]})
PEOPLE = pd.DataFrame({"id": ["b", "a"], "town": ["Ulm", "Bonn"], "placed": ["x", "y"]})


def made(**how: object) -> Raw:
    tables = {"paid.csv": PAID, "people.csv": PEOPLE}
    file = File(file="orders.csv", **how)
    return prepared(
        Raw(ORDERS), file, lambda join: Raw(tables[join.file]), lambda *_: "", "orders.csv"
    )


def test_a_file_that_asks_for_nothing_is_as_it_was():
    pd.testing.assert_frame_equal(made().frame, ORDERS)


def test_columns_of_another_file_are_joined_by_its_key():
    raw = made(join=[{"file": "people.csv", "by": {"who": "id"}}])
    assert raw.frame["town"].fillna("-").tolist() == ["Bonn", "Ulm", "Bonn", "-"]
    assert raw.frame["placed"].tolist()[0] == "2026-01-30"  # its own stays
    assert raw.frame.index.tolist() == [2, 3, 4, 5]
    assert "orders.csv: 1 of 4 rows have no row in people.csv." in raw.notes
    assert any("['placed'] of people.csv are left out" in n for n in raw.notes)


def test_several_rows_of_a_key_are_added_up_where_asked():
    raw = made(join=[{"file": "paid.csv", "by": "order", "sum": ["value"]}])
    assert raw.frame["value"].fillna(-1).tolist() == [12.5, -1, 7, -1]
    assert raw.frame["value"].sum() == 19.5  # nothing lost, nothing twice


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"join": [{"file": "paid.csv", "by": "order"}]}, "2 rows whose order stands there more"),
        ({"join": [{"file": "paid.csv", "by": "ordr"}]}, "did you mean 'order'"),
        ({"join": [{"file": "people.csv", "by": {"order": "id"}}]}, "no row has its order in"),
        ({"join": [{"file": "people.csv", "by": {"who": "id"}, "sum": ["town"]}]}, "added up"),
        ({"filled": ["gone"]}, "no column 'gone'"),
        ({"derive": {"x": {"of": "plaecd"}}}, "did you mean 'placed'"),
    ],
)
def test_what_cannot_be_joined_is_told(how, told):
    with pytest.raises(IntakeError, match=told):
        made(**how)


def test_rows_of_another_kind_are_passed_over_and_keep_their_number():
    raw = made(filled=["came"])
    assert raw.frame["order"].tolist() == ["o1", "o2", "o4"]
    assert raw.frame["#row"].tolist() == [1, 2, 4]
    assert "orders.csv: 1 of 4 rows are left out by `filled`: 1 without 'came'." in raw.notes
    assert made(filled={"who": ["a"]}).frame["order"].tolist() == ["o2"]
    assert made(first_by=["who"]).frame["order"].tolist() == ["o1", "o2", "o4"]


@pytest.mark.slow
def test_dates_give_periods_times_and_words():
    days = {"since": "promised", "until": "came", "unit": "days", "words": ["on_time", "late"]}
    raw = (
        made(
            derive={
                "wave": {"of": "placed"},
                "month": {"of": "placed", "period": "month"},
                "took": {"since": "placed", "until": "came", "unit": "days"},
                "outcome": days,
                "minute": days | {"unit": "minutes"},
            }
        )
        .frame.astype(object)
        .fillna("-")
    )
    assert raw["wave"].tolist() == ["2026-Q1", "2026-Q1", "2026-Q4", "-"]
    assert raw["month"].tolist()[:2] == ["2026-01", "2026-03"]
    assert raw["took"].tolist() == [6.75, "-", "-", "-"]  # o2 came before it was placed
    # Within the promised day is in time; by the minute it is not.
    assert raw["outcome"].tolist() == ["on_time", "late", "-", "on_time"]
    assert raw["minute"].tolist() == ["late", "late", "-", "on_time"]


@pytest.mark.parametrize("how", [{}, {"since": "a"}, {"of": "a", "since": "b", "until": "c"}])
def test_a_derived_column_is_of_one_kind(how):
    with pytest.raises(ValueError, match="give an expression, or either of"):
        File(file="a.csv", derive={"x": how})


@pytest.mark.slow
def test_columns_are_derived_by_expressions_one_from_another():
    paid = {"join": [{"file": "paid.csv", "by": "order", "sum": ["value"]}]}
    frame = made(
        **paid,
        derive={
            "net": "round(value / 1.25, 2)",
            "twice": "net * 2",
            "wave": "period(placed, 'month')",
            "late": "came > promised",
            "hours": "time_between(placed, came, 'hours')",
        },
    ).frame
    assert frame["net"].fillna(-1).tolist() == [10, -1, 5.6, -1]
    assert frame["twice"].fillna(-1).tolist() == [20, -1, 11.2, -1]
    assert frame["wave"].fillna("-").tolist() == ["2026-01", "2026-03", "2026-10", "-"]
    assert frame["late"].astype(object).fillna("-").tolist() == [True, True, "-", False]
    assert frame["hours"].fillna(-1).tolist() == [162, -1, -1, -1]


def test_a_join_names_its_columns_in_three_ways():
    assert Join(file="f", by="a").by == {"a": "a"}
    assert Join(file="f", by=["a", "b"]).by == {"a": "a", "b": "b"}
    with pytest.raises(ValueError, match="at least 1"):
        Join(file="f", by=[])


def test_git_blobs_are_known_by_gits_own_checksum(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    blob = subprocess.run(
        ["git", "hash-object", tmp_path / "a.csv"], capture_output=True, text=True, check=True
    ).stdout.strip()
    about = {"url": "https://example.invalid/a.csv", "mirror": "m/a.csv.gz", "sha256": "0" * 64}

    def arrives(url, target):
        target.write_bytes((tmp_path / "a.csv").read_bytes())

    monkeypatch.setattr(sources, "_download", arrives)
    kept = sources.fetch(Source(**about, blob=blob), "a.csv")
    assert kept.name.endswith("a.csv") and kept.read_bytes() == b"a,b\n1,2\n"
    with pytest.raises(sources.SourceError, match="Expected blob 1111"):
        sources.fetch(Source(**about, blob="1" * 40), "a.csv")


@pytest.mark.slow
@pytest.mark.mirror
def test_the_marketplace_joins_its_files():
    about = study.read(Path(__file__).parents[1] / "data/marketplace/study.yaml")
    try:
        taken = intake.table(about, "orders", others={})
    except sources.SourceError as error:
        pytest.skip(str(error))
    assert taken.rows["customer_id"].nunique() < len(taken.rows)
    late = taken.rows["delivered"].eq("late").sum() / taken.rows["delivered"].notna().sum()
    assert 0.05 < late < 0.08, json.dumps(late)  # 6.6 % by calendar day, as counted in the files
