"""What a study's files leave open is asked; answers stand in study.yaml."""

import datetime as dt
import random

import pandas as pd
import pytest
import yaml

from cxlib import reserve
from cxlib.data import study as studies
from cxlib.data.intake import IntakeError, table


@pytest.fixture
def orders(folder):
    """Read a study whose orders (or other table) stand in one file, with keys of study.yaml."""

    def read(text: str, name: str = "orders", mapping: dict | None = None, **keys: object):
        (folder / "t.csv").write_text(text, encoding="utf-8")
        heads = text.splitlines()[0].replace(";", ",").split(",")
        about = {"title": "Shop", "source": "us", "licence": "internal"}
        columns = {c: c for c in heads if c not in ("income",)}
        tables = {name: {"files": "t.csv", "columns": columns, "keep": True, **(mapping or {})}}
        (folder / "study.yaml").write_text(yaml.safe_dump({**about, "tables": tables, **keys}))
        return studies.read("new")

    return read


def lines(days, head="order_id,customer_id,at", rest="c{i}"):
    return head + "\n" + "".join(f"o{i},{rest.format(i=i)},{d}\n" for i, d in enumerate(days))


# Numbers and dates that fit two readings

GERMAN = (
    "order_id;customer_id;at;amount;income\n1;a;2026-01-01;{};1.234\n2;b;2026-01-02;3.100;2.500\n"
)
TWICE = r"'2.100', '3.100'(.|\n)*2100 and 3100(.|\n)*2.1 and 3.1"


@pytest.mark.slow
def test_an_amount_that_fits_two_readings_is_refused_until_answered(orders):
    with pytest.raises(IntakeError, match=TWICE):
        table(orders(GERMAN.format("2.100")), "orders")
    check = reserve.check("new")
    assert not check.ok and "numbers: {amount:" in str(check)
    for answer in ("1.234,5", {"amount": "1.234,5", "income": "1.234,5"}):
        rows = table(orders(GERMAN.format("2.100"), mapping={"numbers": answer}), "orders").rows
        assert rows["amount"].tolist() == [2100, 3100]
        assert rows["income"].tolist() == [1234, 2500]
    with pytest.raises(IntakeError, match="income"):
        table(orders(GERMAN.format("2.100"), mapping={"numbers": {"amount": "1,234.5"}}), "orders")


@pytest.mark.slow
def test_other_columns_of_the_table_answer_for_one_that_fits_two_readings(orders):
    taken = table(orders(GERMAN.format("999,50")), "orders")
    assert taken.rows["amount"].tolist() == [999.5, 3100]
    assert taken.rows["income"].tolist() == [1234, 2500]
    assert any("orders.income: read as '1.234,5'" in n for n in taken.notes)


CASES = "case_id,opened_at,solved_at\n1,1/2/2026,3/2/2026\n2,2/2/2026,{}\n"


@pytest.mark.slow
def test_day_and_month_are_asked_unless_a_date_of_the_table_proves_them(orders):
    with pytest.raises(IntakeError, match="dates: {opened_at: day first}"):
        table(orders(CASES.format("4/2/2026"), "cases"), "cases")
    taken = table(orders(CASES.format("14/2/2026"), "cases"), "cases")
    assert taken.rows["opened_at"].dt.strftime("%m-%d").tolist() == ["02-01", "02-02"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "dates",
    [
        "day first",
        "%d/%m/%Y",
        ["%Y", "%d/%m/%Y"],
        {"opened_at": "day first", "solved_at": ["%d/%m/%Y"]},
    ],
)
def test_dates_are_named_for_the_table_or_by_column(orders, dates):
    study = orders(CASES.format("4/2/2026"), "cases", {"dates": dates})
    rows = table(study, "cases").rows
    assert rows["opened_at"].dt.month.tolist() == rows["solved_at"].dt.month.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("dates", "dd/mm"), ("dates", {"at": "unix"}), ("numbers", "1234"), ("numbers", {"a": "x"})],
)
def test_a_form_that_is_none_is_a_mistake(orders, key, wrong):
    with pytest.raises(studies.StudyError, match=f"{key}: .* is no form"):
        orders(CASES.format("4/2/2026"), "cases", {key: wrong})


@pytest.mark.slow
def test_a_question_of_ratings_is_answered_by_their_scale(orders):
    text = "response_id;stars\n1;2,125\n2;3,500\n"
    items = {"stars": {"label": "Stars", "scale": [1, 5], "role": "csat"}}
    rows = table(orders(text, "responses", items=items), "responses").rows
    assert rows["stars"].tolist() == [2.125, 3.5]


# Dates that cannot be


def days(n, start="2024-01-01"):
    return [f"{d:%Y-%m-%d}" for d in pd.date_range(start, periods=n)]


SOON = f"{dt.date.today() + dt.timedelta(days=40)}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("good", "odd", "rule"),
    [
        (days(100), "2062-01-01", "far_date"),
        (days(100), "1924-03-01", "far_date"),
        (days(300), "0026-01-01", "far_date"),
        (days(8), "1904-01-01", "far_date"),
        ([f"{dt.date.today()}"] * 3 + days(5, "2026-01-01"), SOON, "future_date"),
    ],
)
def test_a_date_that_cannot_be_is_set_aside_unless_accepted(orders, good, odd, rule):
    text = lines([*good, odd])
    taken = table(orders(text), "orders")
    assert taken.quarantine["rule"].iloc[0] == rule and taken.quarantine["value"].tolist() == [odd]
    assert f"accept: [orders.at.{rule}]" in str(reserve.check("new"))
    assert len(taken.rows) == len(good)
    assert len(table(orders(text, accept=["orders.at.*"]), "orders").rows) == len(good) + 1


def test_dates_years_apart_that_are_many_are_not_mistyped(orders):
    taken = table(orders(lines(days(50) + days(50, "2012-01-01"))), "orders")
    assert taken.quarantine.empty and taken.warnings.empty


ASKED = [  # dated columns, their cells by row, the warning, and how many rows it is about
    ("orders at", [SOON] * 5 + days(95), "future_dates", 5),
    ("orders at", ["2026-01-01"] * 30 + days(20), "one_date", 30),
    ("orders at", ["9999-12-31", *days(20)], "never_dates", 1),
    ("customers left_on", ["9999-12-31", "2026-01-01", ""], "never_dates", 1),
    ("customers joined_on", ["1900-01-01", "2026-01-01", "0000-00-00"], "never_dates", 2),
    ("customers left_on", [SOON, "2026-01-01", ""], "future_dates", 1),
    ("customers joined_on,left_on", ["2026-01-02,2026-01-01", "2026-01-01,"], "out_of_order", 1),
]


@pytest.mark.slow
@pytest.mark.few(3)
@pytest.mark.parametrize(("dated", "cells", "rule", "n"), ASKED)
def test_a_study_is_not_sound_before_doubtful_dates_are_accepted(orders, dated, cells, rule, n):
    name, columns = dated.split(" ")
    head = {"orders": "order_id,customer_id,", "customers": "customer_id,"}[name] + columns
    text = lines(cells, head, "c{i}") if name == "orders" else _customers(cells, head)
    orders(text, name)
    check = reserve.check("new")
    called = f"{name}.{columns.split(',')[-1]}.{rule}"
    assert not check.ok
    assert f"accept: [{called}]" in str(check) and f": {n:,} row(s): " in str(check)
    taken = table(orders(text, name, accept=[called]), name)
    assert rule not in set(taken.warnings["rule"])
    assert any(note.startswith(called) for note in taken.notes)


def _customers(cells, head):
    return head + "\n" + "".join(f"c{i},{d}\n" for i, d in enumerate(cells))


@pytest.mark.slow
def test_planned_dates_may_be_ahead(orders):
    text = f"action_id,problem,begun_on,due_on\n1,slow,{SOON},2099-01-01\n2,dear,,\n3,far,,\n"
    taken = table(orders(text, "actions"), "actions")
    assert taken.quarantine.empty and taken.warnings.empty


# Order in time

STEPS = ["visit", "quote", "buy"]


def journeys_of(people, head="event_id,customer_id,at,touchpoint", sequence=False):
    rows = [
        (f"c{c},2026-01-{1 + c % 28:02},{t}" + (f",{k}" if sequence else ""))
        for c in range(people)
        for k, t in enumerate(STEPS)
    ]
    return head + (",sequence" if sequence else ""), sorted(rows, key=lambda r: r.split(",")[1])


def paths(rows):
    return {tuple(steps) for _, steps in rows.groupby("customer_id")["touchpoint"]}


def test_a_file_with_the_newest_first_is_turned_round_and_ties_are_counted(orders):
    head, rows = journeys_of(40)
    text = head + "\n" + "".join(f"e{i},{r}\n" for i, r in enumerate(reversed(rows)))
    taken = table(orders(text, "events"), "events")
    assert paths(taken.rows) == {tuple(STEPS)}
    [warning] = taken.warnings.to_dict("records")
    assert (warning["rule"], warning["rows"]) == ("tied_times", 120)
    assert any("newest" in n for n in taken.notes)


@pytest.mark.slow
def test_a_sequence_orders_events_of_one_time(orders):
    head, rows = journeys_of(30, sequence=True)
    mixed = random.Random(1).sample(rows, len(rows))
    text = head + "\n" + "".join(f"e{i},{r}\n" for i, r in enumerate(mixed))
    taken = table(orders(text, "events"), "events")
    assert paths(taken.rows) == {tuple(STEPS)}
    assert taken.warnings.empty


def test_stages_order_events_of_one_time_where_study_yaml_says_so(orders):
    head, rows = journeys_of(30)
    text = head + "\n" + "".join(f"e{i},{r}\n" for i, r in enumerate(rows[::-1]))
    stages = dict(zip(STEPS, ("discovery", "consideration", "action"), strict=True))
    study = orders(text, "events", touchpoints=stages, journey={"ties": "stage"})
    taken = table(study, "events")
    assert paths(taken.rows) == {tuple(STEPS)}


@pytest.mark.slow
def test_the_share_of_ties_is_said_where_paths_are_shown(orders):
    head, rows = journeys_of(40)
    orders(head + "\n" + "".join(f"e{i},{r}\n" for i, r in enumerate(rows)), "events")
    reserve.load("new")
    note, _of_open_journeys = reserve.open("new").journeys.transitions().notes
    assert note.startswith("100.0% of 120 events share their time")
