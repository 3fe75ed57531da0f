"""Ratings off their scale, groups in several spellings, orders without a customer."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from cxlib import reserve
from cxlib.cli import main
from cxlib.data import reference
from cxlib.data.intake.dates import date
from cxlib.data.intake.scales import told_scale
from cxlib.data.intake.spelling import spellings
from cxlib.data.study import Study, StudyError

FIVE = [1, 2, 3, 4, 5]
CASES = ["case_id", "opened_at", "satisfaction_after", "channel"]


@pytest.fixture
def desk(folder):
    """Write a study of one table; gives back its check."""

    def desk(rows: pd.DataFrame, table: str = "cases", **keys: object) -> reserve.Check:
        rows.to_csv(folder / "rows.csv", index=False)
        mapping = {"files": "rows.csv", "columns": {c: c for c in rows}, **keys}
        about = {"title": "T", "source": "s", "licence": "l", "tables": {table: mapping}}
        (folder / "study.yaml").write_text(yaml.safe_dump(about, allow_unicode=True))
        return reserve.check("new")

    return desk


def cases(ratings: list[float], channels: list[str] | None = None) -> pd.DataFrame:
    n = len(ratings)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), "D")
    channels = channels or ["web"] * n
    return pd.DataFrame(dict(zip(CASES, (range(n), days, ratings, channels), strict=True)))


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        (FIVE * 10, (1, 5)),
        ([*FIVE * 10, 55], (1, 5)),
        ([*FIVE * 10, -1], (1, 5)),
        ([*FIVE * 10, 0], None),  # no rating, or the lowest answer?
        ([*FIVE * 10, *[0] * 9], (0, 5)),
        ([*range(11)] * 3, (0, 10)),
        ([10, 35, 80, 100] * 9, (0, 100)),
        ([*FIVE * 10, 8], None),  # a slip, or a scale up to 10 of which half is used?
        ([*FIVE, 55], None),  # too few to tell
        ([-50, 20, 130] * 9, None),
    ],
)
def test_the_scale_of_ratings_is_told_or_in_doubt(ratings, scale):
    assert told_scale(pd.Series(ratings, dtype=float)) == scale


@pytest.mark.slow
def test_a_satisfaction_off_its_scale_is_set_to_missing(desk):
    check = desk(cases([*FIVE * 10, 55]))
    assert "cases.satisfaction_after: 1 cell(s) outside the scale 1 to 5, first '55'" in str(check)
    kept = reserve.open("new").read("cases")["satisfaction_after"]
    assert kept.isna().sum() == 1 and kept.max() == 5


@pytest.mark.slow
def test_a_declared_scale_decides(desk):
    check = desk(cases([*FIVE * 10, 8]), scales={"satisfaction_after": [1, 10]})
    assert check.ok and check.problems.empty
    check = desk(cases([*FIVE * 10, 8]), scales={"satisfaction_after": [1, 5]})
    assert check.problems["value"].tolist() == ["8"]
    with pytest.raises(StudyError, match="no rating of cases; did you mean 'satisfaction_after'"):
        desk(cases(FIVE), scales={"satisfacton_after": [1, 5]})
    with pytest.raises(StudyError, match="the first must be below the second"):
        desk(cases(FIVE), scales={"satisfaction_after": [5, 1]})


@pytest.mark.slow
def test_a_scale_that_cannot_be_told_is_a_question(desk):
    check = desk(cases([*FIVE * 10, 8]))
    assert check.exit_code == 4
    assert "question: cases.satisfaction_after: 51 row(s): ratings from 1 to 8, of" in str(check)
    assert "scales: {satisfaction_after: [1, 5]}" in str(check)


def test_spellings_of_one_group_are_found():
    values = ["Berlin", "Berlin", "berlin", "ＢＥＲＬＩＮ", "Bonn", "São  Paulo", "Sao Paulo", None]
    found = spellings(pd.Series(values, dtype="string"))
    assert {usual: set(same) for usual, same in found.items()} == {
        "Berlin": {"Berlin", "berlin", "ＢＥＲＬＩＮ"},
        "São  Paulo": {"São  Paulo", "Sao Paulo"},
    }
    assert spellings(pd.Series(["が", "か", "北京", "南京", "A", "B"])) == {}


@pytest.mark.slow
def test_spellings_are_a_question_with_a_recode_that_mends_them(desk):
    channels = ["Berlin"] * 30 + ["berlin", "BERLIN ", "Bonn"] * 5
    check = desk(cases(FIVE * 9, channels))
    assert check.exit_code == 4
    text = str(check)
    assert "question: cases.channel: 10 row(s): values that differ only in case" in text
    assert "'Berlin' (30)" in text and "'berlin' (5)" in text and "'BERLIN' (5)" in text
    pasted = text[text.index("    proposed recode:") :].split("\n")[1:5]
    recode = yaml.safe_load("\n".join(pasted))["tables"]["cases"]["recode"]
    assert recode == {"channel": {"berlin": "Berlin", "BERLIN": "Berlin"}}
    said = CliRunner().invoke(main, ["load", "new"])
    assert said.exit_code == 4 and "'berlin' (5)" in " ".join(said.output.split())
    assert desk(cases(FIVE * 9, channels), recode=recode).ok


def test_ids_and_free_text_are_no_groups(desk):
    n = 30
    words = {"comment_id": [f"{'Aa'[i % 2]}{i // 2}" for i in range(n)]}
    rows = pd.DataFrame(words).assign(text=["Good", "good", "bad"] * 10)
    assert desk(rows, "comments").ok


@pytest.mark.slow
def test_orders_without_a_customer_are_told_with_their_share_of_the_amount(desk):
    n = 60
    rows = pd.DataFrame({"order_id": range(n), "customer_id": [f"c{i % 9}" for i in range(n)]})
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), "D")
    rows = rows.assign(at=days, amount=10.0)
    rows.loc[:11, "customer_id"] = None
    rows.loc[:11, "amount"] = 40.0  # 12 of 60 orders, half of the amount
    check = desk(rows, "orders")
    assert "12 row(s) no customer, so left out of every page: 50.0% of the amount" in str(check)
    said = CliRunner().invoke(main, ["load", "new"])
    assert said.exit_code == 4 and "12 rows have no customer" in said.output
    told = reserve.open("new").quality
    sentence = "12 rows of orders name no customer; 50.0% of their amount is left out of every page"
    assert sentence in " ".join(told.losses()) and sentence in str(told.verdict())
    assert json.loads(check.problems["params"].iloc[0])["share"] == "50.0%"


@pytest.mark.slow
def test_forms_of_dates_are_told_without_a_date_that_nobody_wrote():
    notes = " ".join(date(pd.Series(["13/1/2023", "2/1/2023", "2023-05-06", "7 May 2023"])).notes)
    assert "day first ('13/1/2023')" in notes and "ISO dates ('2023-05-06')" in notes
    assert "2024" not in notes


def test_help_on_a_key_that_is_a_slip_names_the_key():
    with pytest.raises(LookupError, match="Did you mean 'items.role'"):
        reference.text(Study, "items.rol")
    assert reference.text(Study, "items.delivery").startswith("items")
