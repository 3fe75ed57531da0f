"""Tables of a database read by a watermark: the reserve is that of a full load, from few rows."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import postgres_server
import pytest
from click.testing import CliRunner

from cxlib import cli, reserve
from cxlib.data import live
from cxlib.data import study as study_
from cxlib.data.mapping import File
from cxlib.data.sources import SourceError
from cxlib.reserve import watermarks

STUDY = """
title: Shop
tables:
  customers:
    files: {{from: "{address}", table: customers, watermark: changed}}
    columns: {{customer_id: id}}
    keep: [region]
  orders:
    files: {{from: "{address}", query: "select * from orders where not test", watermark: changed}}
    columns: {{order_id: id, customer_id: customer, at: day, amount: amount}}
    keep: [discount]
    strict: true
  cases:
    files: {{from: "{address}", table: cases, watermark: version}}
    columns: {{case_id: id, customer_id: customer, opened_at: opened, solved_at: solved}}
"""
TABLES = """
create table customers (id integer, region text, changed timestamp);
insert into customers values (1, 'north', '2026-03-01'), (2, 'south', '2026-03-01'),
  (3, 'south', '2026-03-02');
create table orders (id integer, customer integer, day timestamp, amount text, discount
  double precision, test boolean, changed timestamp);
insert into orders values
  (1, 1, '2026-03-01', '10.5', 0.5, false, '2026-03-01 10:00:00.000001'),
  (2, 2, '2026-03-01', '20', null, false, '2026-03-01 11:00'),
  (3, 3, '2026-03-02', '12.25', 2, false, '2026-03-02 09:00'),
  (4, 1, '2026-03-02', 'x', 1, false, '2026-03-02 09:00'),
  (5, 1, '2026-03-02', '7', 1, true, '2026-03-09 09:00');
create table cases (id text, customer integer, opened timestamp, solved text, version bigint);
insert into cases values ('a', 1, '2026-03-01', null, 1), ('b', 2, '2026-03-02', 'soon', 2);
"""
LATER = [  # a day's changes each
    # a new order, a late one and a tie; an order with a broken amount that is mended
    """insert into orders values (6, 2, '2026-03-03', '1', 0, false, '2026-03-03'),
         (7, 3, '2026-02-01', '2', 0, false, '2026-03-03'),
         (8, 3, '2026-03-02', '3', 0.25, false, '2026-03-02 09:00');
       update orders set amount = '44', changed = '2026-03-03 01:00' where id = 4""",
    # a new customer and an order of theirs; one that breaks; an order that has changed
    """insert into customers values (9, 'west', '2026-03-04');
       insert into orders values (9, 9, '2026-03-04', '5', 1, false, '2026-03-04');
       update orders set amount = 'y', changed = '2026-03-04' where id = 1;
       update orders set amount = '21', changed = '2026-03-04' where id = 2;
       insert into cases values ('c', 3, '2026-03-05', 'later', 3)""",
    # a cell that is set aside again, and one that is mended
    """update cases set customer = 3, version = 4 where id = 'b';
       update cases set solved = '2026-03-06', version = 5 where id = 'c'""",
]


class _Database:
    """What the driver of PostgreSQL does, by DuckDB in memory, and what it was asked."""

    def __init__(self) -> None:
        self.store, self.asked = duckdb.connect(), list[str]()
        self.store.execute(TABLES)

    def run(self, statements: str) -> None:
        self.store.execute(statements).fetchall()

    def cursor(self) -> contextlib.AbstractContextManager[_Database]:
        return contextlib.nullcontext(self)

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        if not statement.startswith("set "):
            self.found = self.store.sql(statement)

    def fetch_arrow_table(self):
        return self.found.to_arrow_table()

    def rows(self) -> int:
        """The rows that the last load brought, of all tables."""
        asked = [a for a in self.asked if a.startswith("select * from")]
        self.asked.clear()
        return sum(len(self.store.sql(a)) for a in asked)


@pytest.fixture
def database(monkeypatch) -> _Database:
    """A database, in the place of any PostgreSQL server."""
    made = _Database()

    def connection(_address: str):
        return contextlib.nullcontext(made), lambda error: f"the server: {error}"

    monkeypatch.setattr(live, "postgresql", connection)
    return made


@pytest.fixture
def shop(database, tmp_path, monkeypatch) -> Path:
    """A study whose tables are read from the database."""
    return _study(tmp_path, monkeypatch, "postgresql://db.invalid/shop")


def _study(root: Path, monkeypatch, address: str) -> Path:
    folder = root / "data" / "shop"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    (folder / "study.yaml").write_text(STUDY.format(address=address), encoding="utf-8")
    monkeypatch.setenv("CX_ROOT", str(root))
    return folder


def _everything(folder: Path) -> dict[str, pd.DataFrame]:
    """All that the reserve holds but warnings, which are those of each load; rows in any order."""
    with reserve.Reserve(study_.read(folder / "study.yaml")) as opened:
        found = {table: opened.read(table) for table in opened.tables}
        counts = opened.counts.drop(columns=["sha256", "notes"])
        aside = opened.quarantine.drop(columns="row")
        everything = found | {"counts": counts, "aside": aside, "losses": opened.losses}
    return {
        name: rows.sort_values(list(rows), ignore_index=True) for name, rows in everything.items()
    }


@pytest.mark.slow
def test_new_and_changed_rows_make_the_reserve_of_a_full_load(shop, database):
    _same_as_full_loads(shop, database)


def _same_as_full_loads(folder: Path, database) -> None:
    shutil.copytree(folder, folder.with_name("whole"))
    reserve.load("shop")
    for day in LATER:
        database.run(day)
        assert reserve.load("shop").only_new, day
        reserve.load("whole", whole=True)
        few, whole = _everything(folder), _everything(folder.with_name("whole"))
        for name, rows in whole.items():
            pd.testing.assert_frame_equal(few[name], rows, obj=f"{name} after {day}")


@pytest.fixture
def customers(database, tmp_path, monkeypatch) -> Path:
    """A study of the customers alone, loaded."""
    folder = _study(tmp_path, monkeypatch, "postgresql://db.invalid/shop")
    text = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(text.partition("  orders:")[0])
    reserve.load("shop")
    database.rows()
    return folder


@pytest.mark.slow
def test_rows_at_the_highest_value_are_all_that_is_read_again(customers, database):
    before = (customers / "reserve.duckdb").read_bytes()
    assert reserve.load("shop").only_new == ("no row of customers is new or has changed",)
    assert database.rows() == 1
    assert (customers / "reserve.duckdb").read_bytes() == before
    database.run("insert into customers values (4, 'east', '2026-03-02'), (5, 'x', '2026-03-03')")
    assert reserve.load("shop").only_new == ("new in customers: 2 rows",)
    assert database.rows() == 3
    database.run("update customers set region = 'sea', changed = '2026-03-04' where id = 2")
    new, replaced = reserve.load("shop").only_new
    assert new == "new in customers: 1 rows" and "1 row(s) have a key" in replaced
    assert reserve.open("shop").read("customers")["region"].tolist() == [
        *("north", "sea", "south", "east", "x")  # each in its place
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("delete from customers where id = 1", "has 2 rows on the server.*would have 3"),
        ("insert into customers values (4, 'a', '2026-03-01')", "has 4 rows on the server"),
        ("update customers set changed = '2026-02-01' where id = 3", "no row any more whose"),
        ("insert into customers values (4, 'a', null)", "changed is empty in 1 of 4 rows"),
        ("insert into customers values (4, 'a', 'infinity')", "highest changed is infinity"),
    ],
)
def test_what_a_watermark_cannot_see_stops_the_load(customers, database, change, says):
    before = (customers / "reserve.duckdb").read_bytes()
    database.run(change)
    done = CliRunner().invoke(cli.main, ["load", "shop"])
    assert done.exit_code == 2, done.output
    assert re.search(says, " ".join(done.output.split()))
    assert (customers / "reserve.duckdb").read_bytes() == before
    if "rows on" in says or "any more" in says:
        assert "cx load shop --full" in " ".join(done.output.split())
        done = CliRunner().invoke(cli.main, ["load", "shop", "--full"])
        assert done.exit_code == 0, done.output
        rows = reserve.open("shop").read("customers")
        assert len(rows) == len(database.store.sql("select * from customers"))


@pytest.mark.slow
def test_a_load_that_is_interrupted_loses_no_row(customers, database, monkeypatch):
    database.run("insert into customers values (4, 'east', '2026-03-03')")
    with monkeypatch.context() as patch:
        patch.setattr("cxlib.reserve.store._verify", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reserve.load("shop")
    assert len(reserve.open("shop").read("customers")) == 3
    assert reserve.load("shop").only_new == ("new in customers: 1 rows",)
    assert len(reserve.open("shop").read("customers")) == 4


@pytest.mark.slow
def test_a_table_that_was_fetched_again_meanwhile_has_no_mark(customers, database, monkeypatch):
    file = study_.read("shop").tables["customers"].files[0]
    verified = watermarks.marks

    def late(*given):
        database.run("insert into customers values (4, 'east', '2026-03-03')")
        live.fetch(file, customers, watermark="changed")  # as `cx check` does
        return verified(*given)

    monkeypatch.setattr(watermarks, "marks", late)
    with pytest.raises(SourceError, match="fetched by another process while it was loaded"):
        reserve.load("shop", whole=True)
    assert len(reserve.open("shop").read("customers")) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("keep: [region]", "grows: true"), "grows cannot be used with `watermark`"),
        (("keep: [region]", 'only: "region = 1"'), "only cannot be used with `watermark`"),
        (("watermark: changed", "watermark: changed, first_by: [id]"), "first_by cannot be used"),
        (("title:", 'only: "region = 1"\ntitle:'), "write the condition into its `query`"),
        (("customer_id: id", 'customer_id: "#row"'), "the column of the database that is customer"),
        (("keep: [region]", "recode: {{customer_id: {{1: a}}}}"), "without derive or recode"),
        (("keep: [region]", "derive: {{id: region}}"), "without derive or recode"),
        (('from: "{address}", table: customers', "file: a.csv"), "one table or query"),
    ],
)
def test_study_yaml_refuses_rows_that_depend_on_others(tmp_path, change, says):
    text = STUDY.partition("  orders:")[0].replace(*change)
    (tmp_path / "study.yaml").write_text(text.format(address="postgresql://h/d"))
    with pytest.raises(study_.StudyError, match=re.escape(says)):
        study_.read(tmp_path / "study.yaml")


def test_only_a_database_has_a_watermark(tmp_path):
    with pytest.raises(SourceError, match="`watermark` is for tables of a database"):
        live.fetch(File(**{"from": "https://example.invalid/a.csv"}), tmp_path, watermark="at")


# On a server


@pytest.fixture
def server(monkeypatch) -> Iterator[_Server]:
    monkeypatch.setenv("PGUSER", "owner")
    monkeypatch.setenv("PGPASSWORD", postgres_server.SECRET)
    with postgres_server.running(TABLES) as port:
        yield _Server(f"postgresql://127.0.0.1:{port}/postgres")


class _Server:
    """A PostgreSQL server, of which `run` changes the tables."""

    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, statements: str) -> None:
        opened, _said = live.postgresql(self.address)
        with opened as connection, connection.cursor() as cursor:
            for statement in statements.split(";"):
                cursor.execute(statement)
            connection.commit()


@pytest.mark.slow
def test_a_server_gives_the_reserve_of_a_full_load(server, tmp_path, monkeypatch):
    server.run("set timezone to 'Asia/Shanghai'; alter role owner set datestyle to 'German'")
    server.run("alter table customers alter changed type timestamptz")
    _same_as_full_loads(_study(tmp_path, monkeypatch, server.address), server)


@pytest.mark.few(1)
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["date", "numeric", "text", "double precision"])
def test_a_watermark_may_be_of_any_kind_that_has_an_order(server, tmp_path, monkeypatch, kind):
    value = "date '2026-01-01' + {}" if kind == "date" else "(1e15 + {})::" + kind
    server.run(f"alter table customers alter changed type {kind} using {value.format('id')}")
    folder = _study(tmp_path, monkeypatch, server.address)
    text = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(text.partition("  orders:")[0])
    reserve.load("shop")
    tie, higher = value.format(3), value.format(9)
    server.run(f"insert into customers values (4, 'a', {tie}), (5, 'b', {higher})")
    assert reserve.load("shop").only_new == ("new in customers: 2 rows",)
    assert reserve.load("shop").only_new == ("no row of customers is new or has changed",)
