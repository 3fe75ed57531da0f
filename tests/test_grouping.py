"""Rows of any table by a column of any table, and columns that no table has."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from cxlib import reserve, service
from cxlib.batch import groups
from cxlib.data import intake, study
from cxlib.data.intake import references
from cxlib.reserve import grouping, selection

DAYS = pd.date_range("2026-01-01", periods=40, freq="D").strftime("%Y-%m-%d")


def tables() -> dict[str, pd.DataFrame]:
    """A shop: customers with a region, orders with lines, their answers, cases with a channel."""
    customers = pd.DataFrame({"customer_id": [f"c{k}" for k in range(20)]})
    customers["region"] = ["north", "south"] * 10
    orders = pd.DataFrame({"order_id": [f"o{k}" for k in range(40)], "at": DAYS})
    orders["customer_id"] = [f"c{k % 20}" for k in range(40)]
    lines = pd.DataFrame({"order_id": orders["order_id"].repeat(2), "line": [1, 2] * 40})
    lines["product"], lines["amount"] = ["tea", "cup"] * 40, [5, 2] * 20 + [5, 9] * 20
    answers = orders.rename(columns={"at": "answered_on"}).assign(score=[5, 3] * 20)
    answers.insert(0, "response_id", [f"r{k}" for k in range(40)])
    cases = orders.drop(columns="order_id").rename(columns={"at": "opened_at"})
    cases.insert(0, "case_id", [f"k{k}" for k in range(40)])
    cases = cases.assign(channel=["web", "phone", "web", "web"] * 10, reply_in_time=[1, 0] * 20)
    return {
        "customers": customers,
        "orders": orders,
        "order_lines": lines,
        "responses": answers,
        "cases": cases,
    }


def written(root, names: list[str], **keys: object):
    folder = root / "data" / "shop"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    own = {name: rows for name, rows in tables().items() if name in names}
    for name, rows in own.items():
        rows.to_csv(folder / f"{name}.csv", index=False)
    mapped = {
        name: {"files": f"{name}.csv", "columns": {c: c for c in rows}, "keep": True}
        for name, rows in own.items()
    }
    about = {"title": {"en": "Shop"}, "tables": mapped, **keys}
    if "responses" in names:
        item = {"label": "Score", "scale": [1, 5], "role": "csat"}
        about["items"] = {"score": item}
        mapped["responses"]["columns"].pop("score")
    (folder / "study.yaml").write_text(yaml.safe_dump(about))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))

    def opened(names: str = "customers orders order_lines responses cases", **keys: object):
        written(tmp_path, names.split(), **keys)
        return reserve.open("shop")

    return opened


@pytest.mark.slow
def test_the_column_that_is_compared_is_found(shop):
    with shop() as opened:
        assert opened.column() == "channel" and opened.column("region") == "region"
        with pytest.raises(reserve.ReserveError, match="no column|Did you mean 'region'"):
            opened.column("regoin")


@pytest.mark.slow
def test_without_a_usual_column_it_is_the_groups_of_the_study(shop):
    with shop("customers responses", group="region") as opened:
        assert opened.column() == "region"


@pytest.mark.slow
def test_rows_have_the_column_of_their_order_and_customer(shop):
    with shop() as opened:
        by_region = opened.tables_by("region", draws=10)
        assert set(by_region) == {"cases", "orders", "responses", "customers"}
        assert by_region["cases"]["region"].tolist() == ["north", "south"] * 20
        by_product = opened.tables_by("product", draws=10)
        # the line with the largest amount of the order, also of the answer to it
        assert by_product["responses"]["product"].tolist() == ["tea"] * 20 + ["cup"] * 20
        assert by_product["orders"]["product"].tolist() == ["tea"] * 20 + ["cup"] * 20


@pytest.mark.slow
def test_the_steps_of_an_order_are_no_contacts_of_its_product(shop):
    with shop() as opened:
        schema = {**opened.schema, "events": ["event_id", "order_id", "customer_id"]}
        opened.__dict__["_there"] = schema
        assert grouping.groupable(opened, ["events", "orders"], "product") == ["orders"]
        assert grouping.groupable(opened, ["events"], "region") == ["events"]


@pytest.mark.slow
def test_a_customer_has_the_value_of_most_rows(shop):
    with shop() as opened:
        groups_ = opened.customers.groups("channel")
        assert groups_["c1"] == "phone" and groups_["c2"] == "web"
        assert opened.customers.groups("region")["c1"] == "south"
        with pytest.raises(reserve.ReserveError, match="Did you mean 'channel'"):
            opened.customers.groups("chanel")


@pytest.mark.slow
def test_cases_alone_are_compared_by_their_own_column(shop):
    with shop("cases", group="channel") as opened:
        sample, by = opened.grouped(opened.sample("cases", draws=10), "cases")
        assert by == "channel"
        fit = service.sla_attainment(service.case_times(sample), by=by)
        assert fit.table["channel"].tolist() == ["phone", "web"]


@pytest.mark.slow
def test_a_column_of_another_table_is_no_mistake_and_none_at_all_is_one(shop, capsys):
    with shop(group="channel") as opened:
        assert opened.group() == ""
        assert "have no column" in capsys.readouterr().out
        sample, by = opened.grouped(opened.sample("cases", draws=10), "cases", "region")
        assert by == "region" and "region" in sample
        with pytest.raises(ValueError, match="did you mean 'channel'"):
            groups.require(opened, ["chanel"])


def test_a_group_that_no_table_has_is_a_mistake_of_study_yaml(shop, tmp_path):
    written(tmp_path, ["cases"], group="chanel")
    about = study.read("shop")
    [said] = references.mistakes(about, {"cases": intake.table(about, "cases")})
    assert "there is no column 'chanel'; did you mean 'channel'?" in said


@pytest.mark.slow
def test_attributes_say_who_customers_are(shop):
    with shop() as opened:
        sample, names = opened.with_attributes(opened.sample("cases"), "cases", "channel")
        assert names == ["region"] and "region" in sample
        sample, names = opened.with_attributes(opened.sample("cases"), "cases", "region")
        assert names == []


@pytest.mark.slow
def test_a_parameter_may_name_a_column_of_any_table(shop):
    from cxlib.core.parameters import read_cell

    with shop() as opened:
        known = read_cell('BY: str = ""  # groups (a column in any table)', "x")
        selection.check(opened, known, {"BY": "channel"})
        with pytest.raises(ValueError, match="no such column in any table; did you mean 'channel'"):
            selection.check(opened, known, {"BY": "chanel"})


@pytest.mark.slow
def test_equals_leave_no_group_and_inferred_groups_are_no_rate_of_recorded_ones(shop, capsys):
    with shop() as opened:
        rows = pd.DataFrame(
            {"customer_id": list("aabbbc"), "channel": ["app", "web", "web", "app", "web", "app"]}
        )
        opened.read = lambda *_unused, **__unused: rows
        assert grouping.values(opened, "cases", "customer_id", "channel").to_dict() == {
            "b": "web",
            "c": "app",
        }
        lines = pd.DataFrame({"order_id": list("aabb"), "product": ["cup", "tea"] * 2})
        opened.read = lambda *_unused, **__unused: lines.assign(amount=[5, 5, 5, 9])
        assert grouping.values(opened, "order_lines", "order_id", "product").to_dict() == {
            "b": "tea"
        }
        del opened.read
        tables_ = opened.tables_by("channel", draws=10)
        assert "most frequent one among the customer's cases" in tables_["orders"].notes[-1]
        assert not tables_["cases"].notes
        assert opened.groups_alike("cases", ["orders", "customers"], "channel") == ""
        assert "from different sources" in capsys.readouterr().out
        assert opened.groups_alike("orders", ["cases", "customers"], "channel") == "customers"
        assert opened.groups_alike("cases", ["orders"], "region") == "orders"
        opened.customers.groups("channel")
        assert "most frequent one" in capsys.readouterr().out
