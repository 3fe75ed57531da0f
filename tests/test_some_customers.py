"""Customers chosen for tables with too many rows: who they are, what is theirs, what is said."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from cxlib import cli, loyalty, reserve
from cxlib.data import study as study_
from cxlib.data.schema import Limits, Reporting
from cxlib.reserve import subsample

LIMIT = 8000  # of the 21,635 orders of the sample
OWN = ("customers", "orders", "cases", "events", "responses", "contacts")
LINKED = {"order_lines": ("order_id", "orders"), "case_statuses": ("case_id", "cases")}


@pytest.fixture(scope="module")
def loaded_sample():
    """The reserve of the sample."""
    reserve.open("sample").close()


def opened(limit: int = LIMIT, **reporting: object) -> reserve.Reserve:
    changed = {"limits": Limits(rows_at_most=limit), "reporting": Reporting(**reporting)}
    return reserve.Reserve(study_.read("sample").model_copy(update=changed))


@pytest.fixture
def both(loaded_sample):
    """The sample, and the rows of some of its customers."""
    with opened() as whole, whole.of_some_customers("orders", "cases") as some:
        yield whole, some


def key(customer: str) -> int:
    """Bits of the hash by which a customer is chosen, from the definition."""
    return int(hashlib.md5(customer.encode()).hexdigest()[8:14], 16)


@pytest.mark.slow
def test_they_have_all_rows_that_are_theirs_and_no_others(both):
    whole, some = both
    share = LIMIT / len(whole["orders"])
    chosen = {c for c in whole["customers"]["customer_id"] if key(c) < round(share * 2**24)}
    assert 0.9 < len(chosen) / len(whole["customers"]) / share < 1.1
    for table in OWN:
        rows = whole[table]
        theirs = rows[rows["customer_id"].isin(chosen)].reset_index(drop=True)
        found = some[table]
        known = found[found["customer_id"].notna()].reset_index(drop=True)
        pd.testing.assert_frame_equal(known, theirs)
        assert len(found) < 0.6 * len(rows)
    for table, (column, of) in LINKED.items():
        rows = whole[table]
        theirs = rows[rows[column].isin(some[of][column])].reset_index(drop=True)
        pd.testing.assert_frame_equal(some[table], theirs)
    assert len(some["units" if "units" in some.tables else "audits"]) == len(whole["audits"])


def test_features_come_from_their_rows_and_days_from_all(both):
    whole, some = both
    assert (some.first_day, some.last_day, some.today) == (
        whole.first_day,
        whole.last_day,
        whole.today,
    )
    all_of_them = whole.customers.active().set_index("customer_id")
    theirs = some.customers.active().set_index("customer_id")
    assert 500 < len(theirs) < 0.6 * len(all_of_them)
    pd.testing.assert_frame_equal(theirs, all_of_them.loc[theirs.index])
    assert some.schema == whole.schema and some.columns("orders") == whole.columns("orders")


def test_what_is_read_is_said_and_counted(loaded_sample, capsys):
    with opened() as whole, whole.of_some_customers("orders") as some:
        said = capsys.readouterr().out
        assert "Orders have 21,635 rows" in said and "one customer in 2.7" in said
        assert "1.6 times as wide" in said
        some.report_losses(some.sample("orders"))
        n = len(some["orders"])
        assert f"{n:,} after {21635 - n:,} of customers who were not chosen" in (
            capsys.readouterr().out
        )


@pytest.mark.parametrize(
    ("limit", "tables", "leave"),
    [(30_000, ("orders",), True), (LIMIT, ("cases",), True), (LIMIT, ("orders",), False)],
)
def test_all_are_read_where_none_are_too_many_or_none_may_leave(
    loaded_sample, capsys, limit, tables, leave
):
    with opened(limit, leave_rows=leave) as whole:
        assert whole.of_some_customers(*tables) is whole
    assert not capsys.readouterr().out


def test_too_many_answers_of_theirs_are_chosen_among_them(loaded_sample):
    """The share of answers is one of theirs: the same bits choose both."""
    half = subsample.SomeCustomers(0.5, "responses", 3649)
    with opened(1000) as whole, reserve.Reserve(whole.study, some=half, _whole=whole) as some:
        assert 1700 < len(some["responses"]) < 1950
        rows = some.sample().in_rows()
        assert 850 < len(rows) < 1150
        assert {key(c) < 2**23 for c in rows["customer_id"].dropna()} == {True}


def test_estimates_are_those_of_all_customers_within_their_wider_intervals(both):
    whole, some = both
    found = []
    for study in both:
        orders = study.sample("orders", draws=200)
        history = loyalty.purchase_history(orders, **study.loyalty.first_orders())
        found.append(loyalty.repeat_purchase(history).table.iloc[0])
    of_all, of_some = found
    assert of_some["n"] < 0.5 * of_all["n"]
    assert of_some["low"] < of_all["estimate"] < of_some["high"]
    width = (of_some["high"] - of_some["low"]) / (of_all["high"] - of_all["low"])
    assert 1.2 < width < 2.2  # 1.6 is expected


@pytest.mark.thorough
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pages_say_that_they_read_some_customers(tmp_path, monkeypatch, lang):
    root = Path(__file__).parents[1]
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").symlink_to(root / "notebooks")
    ignored = shutil.ignore_patterns("reserve.duckdb*", "generator")
    shutil.copytree(root / "data" / "sample", tmp_path / "data" / "sample", ignore=ignored)
    with (tmp_path / "data" / "sample" / "study.yaml").open("a") as about:
        about.write(f"\nlimits: {{rows_at_most: {LIMIT}}}\n")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    asked = ["run", "sample", "33", "34", "-o", str(tmp_path / "out"), "--lang", lang]
    done = CliRunner().invoke(cli.main, [*asked, "-p", "DRAWS=100", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    said, below = {
        "en": (
            {"33": "read those of one customer in 5.3", "34": "read those of one customer in 5.3"},
            "rows of one customer in 5.3",
        ),
        "zh": (
            {"33": "只读取每 5.3 位客户中一位的行", "34": "只读取每 5.3 位客户中一位的行"},
            "每 5.3 位客户读取一位的记录",
        ),
    }[lang]
    for page in (tmp_path / "out").glob("3*.html"):
        text = page.read_text(encoding="utf-8")
        assert text.count(said[page.name[:2]]) == 1 and below in text.partition("<h2")[0]
