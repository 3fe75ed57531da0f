"""A study whose tables stay on a PostgreSQL server: the same rows, sums and pages as in DuckDB."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import postgres_server
import pyarrow as pa
import pytest
import test_door
from click.testing import CliRunner
from numpy.testing import assert_allclose, assert_array_equal

from cxlib import cli, drivers, loyalty, offers, reserve, scores, segments, service, value
from cxlib.core.errors import RowsStay
from cxlib.data import contract, sql
from cxlib.data import study as study_
from cxlib.data.intake import IntakeError
from cxlib.data.schema import Limits, Reporting
from cxlib.data.sources import SourceError
from cxlib.reserve import pathways, requirements, tables_read
from cxlib.reserve.cases import StoredCases
from cxlib.reserve.engine import EngineError, _Attached
from cxlib.reserve.nonresponse import silent_shares
from cxlib.reserve.subsample import SomeCustomers
from cxlib.stats import moments, resampling
from cxlib.stats.raking import CELL

dialects = pytest.importorskip("cxlib.reserve.dialects")
pytest.importorskip("sqlglot", reason="engines need cxlib[databases]")

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROLES = """
create schema shop;
create role reader login password 'p@ss/word';
alter default privileges in schema shop grant select on tables to reader;
grant usage on schema shop to reader;
create table shop.cells (id int, s text, x double precision, k bigint, d timestamp, b boolean);
"""
PAGES = (
    *("00", "01", "10", "11", "12", "20", "21", "22", "23", "24", "25", "26", "27"),
    *("30", "31", "32", "33", "34", "40", "41", "42"),
)


# Translation, without a server

VIEWS = {
    "responses": 'SELECT "id" AS customer_id, "q1" AS speed, "q2" AS price FROM "raw"',
    "customers": 'SELECT "cid" AS customer_id, "reg" AS region FROM "crm"',
    "_responses": 'select r.*, c."region" from responses r left join customers c '
    "using (customer_id)",
}


def test_a_table_is_read_in_place_with_the_columns_that_are_asked_for():
    made = dialects.translated("select speed from responses", VIEWS, "postgres")
    assert made == 'SELECT "speed" FROM (SELECT "q1" AS "speed" FROM "raw") AS "responses"'
    joined = dialects.translated('select "region" from "_responses"', VIEWS, "postgres")
    assert '"crm"' in joined and '"raw"' in joined and "price" not in joined
    everything = dialects.translated('select * from "_responses"', VIEWS, "postgres")
    assert '"price"' in everything


def test_journeys_can_be_asked_of_the_engine():
    view = 'SELECT "c" AS customer_id, "t" AS touchpoint, "d" AS at, 1 AS _cxlab_row FROM "log"'
    known = "{} <= '2026-03-01 10:30:00'::timestamp"
    query = pathways._query(
        "customer_id", 30, "('it''s', 0)", "code in (0)", 3, known, "true", sql.ROW
    )
    made = dialects.translated(query, {"events": view}, "postgres")
    assert (
        "VALUES ('it''s', 0)" in made
        and "EXTRACT(epoch FROM" in made
        and "GROUP BY ALL" not in made
        and made.count("CAST('2026-03-01 10:30:00' AS TIMESTAMP)") == 2
    )


def test_parameters_stand_in_the_statement():
    query = "select speed from responses where customer_id = $who and speed < $most"
    made = dialects.translated(query, VIEWS, "postgres", {"who": "it's", "most": 3})
    assert made.endswith("""WHERE "customer_id" = 'it''s' AND "speed" < 3""")
    made = dialects.translated("select 1 from customers where ? < ?", VIEWS, "postgres", [1, "b"])
    assert made.endswith("WHERE 1 < 'b'")


@pytest.mark.parametrize(
    "query",
    [
        "select strftime(speed, '%Y') from responses",
        "select quarter(speed) from responses",
        "select round(speed) from responses",
        "select * from responses where customer_id ilike 'a%'",
        r"select * from responses where customer_id like 'a\_%'",
        "select speed // 2 from responses",
        "select arg_max(speed, price) from responses",
        "select * from orders",
        "select * exclude speed from responses",
        "select from where",
    ],
)
def test_what_was_not_compared_between_engines_is_refused(query):
    with pytest.raises(dialects.NotTranslated):
        dialects.translated(query, VIEWS, "postgres")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "mysql://h/x"}, "PostgreSQL database: postgresql://"),
        ({"engine": "postgresql://u:secret@h/x"}, "password in it"),
        ({"engine": "duckdb"}, "needs the study's `engine`"),
        ({"recode": "recode: {channel: {1: web}}"}, "recode cannot be used with the tables of an"),
        ({"recode": 'only: "speed > 1"'}, "only cannot be used"),
        ({"file": "answers.csv"}, "files hold only actions"),
        ({"file": "{from: engine}"}, "needs the `table` of the engine"),
        ({"id": '"#row"'}, "#row cannot be used"),
    ],
)
def test_study_yaml_refuses_what_an_engine_cannot_do(tmp_path, change, message):
    asked = {"engine": "postgresql://h/x", "recode": "", "file": "{from: engine, table: a}"}
    asked |= {"id": "id"} | change
    (tmp_path / "mine").mkdir()
    file = tmp_path / "mine" / "study.yaml"
    file.write_text(
        "title: T\nengine: {engine}\ntables:\n  responses:\n    files: {file}\n    {recode}\n"
        "    columns: {{response_id: {id}}}\n".format(**asked)
    )
    with pytest.raises(study_.StudyError, match=re.escape(message)):
        study_.read(file)


class _Failing:
    """A server with 3 rows that fails once, and has 4 rows when it is asked again."""

    dialect = "postgres"

    def __init__(self) -> None:
        self.said = [3, SourceError("lost"), 4]

    def fetch(self, _statement: str) -> pa.Table:
        now = self.said.pop(0)
        if isinstance(now, Exception):
            raise now
        return pa.table({"n": [now]})


def test_rows_are_counted_again_after_an_error_of_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv(tables_read.FILE, str(tmp_path / "read"))
    local = duckdb.connect()
    local.execute("create table orders (n bigint)")
    asked = _Attached(local, _Failing(), {"orders": "select n from shop"}, {"orders": 3})
    with pytest.raises(SourceError, match="lost"):
        asked.execute("select n from orders")
    with pytest.raises(EngineError, match="has 4 rows .* had 3"):
        asked.execute("select n from orders")
    assert tables_read.cost(tmp_path / "read")["queries"] == 2  # both counts are scans


def test_every_engine_gives_customers_and_rows_the_keys_that_python_does():
    names, numbers = pd.Index(["c1", "客户 7", "", "it's"]), pd.Index([0, 7, -1, 2**40 + 5])
    with sql.connect() as store:
        text = [sql.first(store, "select customer_key(?)", [n])[0] for n in names]
        rows = [sql.first(store, "select row_key(?::bigint)", [int(n)])[0] for n in numbers]
    assert text == resampling.hashed(names).tolist()
    assert rows == resampling.hashed(numbers).tolist()


# On a server


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a server with the tables of `sample`, of which a role may only read."""
    with postgres_server.running(ROLES) as port:
        for file in sorted(SAMPLE.glob("*.csv.gz")):
            _ingest(port, file.name.split(".")[0], _typed(file))
        yield port


def _connect(port: int):
    from adbc_driver_postgresql import dbapi

    secret = postgres_server.SECRET.replace(" ", "%20")
    return dbapi.connect(f"postgresql://owner:{secret}@127.0.0.1:{port}/postgres")


def _ingest(port: int, table: str, rows: pd.DataFrame) -> None:
    with _connect(port) as connection, connection.cursor() as cursor:
        there = pa.Table.from_pandas(rows, preserve_index=False)
        cursor.adbc_ingest(table, there, mode="create", db_schema_name="shop")
        connection.commit()


def _run(port: int, statement: str) -> None:
    with _connect(port) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()


def _typed(file: Path) -> pd.DataFrame:
    """A file of the sample as a database would have it, with the codes of its answers."""
    kinds = {c.name: c.kind for c in contract.TABLES[file.name.split(".")[0]].columns.values()}
    text = {c: "string" for c, kind in kinds.items() if kind == "text"}
    rows = pd.read_csv(file, dtype=text, keep_default_na=False, na_values=[""]).convert_dtypes()
    for column in (c for c in rows if kinds.get(c) == "date"):
        rows[column] = pd.to_datetime(rows[column]).astype("datetime64[us]")
    return rows


@pytest.fixture(scope="module")
def roots(server, tmp_path_factory) -> dict[str, Path]:
    """Two projects with the study `sample`: its files, and the server's tables."""
    found = {}
    for engine in ("duckdb", "postgresql"):
        root = tmp_path_factory.mktemp(engine)
        found[engine] = root
        shutil.copytree(
            SAMPLE, root / "data" / "sample", ignore=shutil.ignore_patterns("*.duckdb*", "gen*")
        )
        (root / "notebooks").symlink_to(SAMPLE.parents[1] / "notebooks")
    folder = found["postgresql"] / "data" / "sample"
    for file in folder.glob("*.csv.gz"):
        file.unlink()
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    text = re.sub(r"files: (\w+)\.csv\.gz", r"files: {from: engine, table: shop.\1}", text)
    address = f"engine: postgresql://127.0.0.1:{server}/postgres\n"
    (folder / "study.yaml").write_text(address + text, encoding="utf-8")
    return found


@pytest.fixture
def reader(monkeypatch) -> None:
    monkeypatch.setenv("PGUSER", "reader")
    monkeypatch.setenv("PGPASSWORD", "p@ss/word")


@pytest.fixture
def both(roots, reader, monkeypatch) -> Iterator[tuple[reserve.Reserve, reserve.Reserve]]:
    """The study in DuckDB and on the server."""
    opened = []
    for root in roots.values():
        monkeypatch.setenv("CX_ROOT", str(root))
        study = study_.read("sample")
        if not study.reserve_path.exists():
            reserve.load("sample")
        opened.append(reserve.Reserve(study))
    yield tuple(opened)
    for one in opened:
        one.close()


@pytest.mark.slow
def test_every_table_is_the_same_and_no_row_of_it_is_copied(both):
    here, there = both
    assert here.schema == there.schema and here.waves() == there.waves()
    assert here.period() == there.period() and here.last_day == there.last_day
    for table in here.tables:
        pd.testing.assert_frame_equal(here[table], there[table])
    with sql.connect(there.study.reserve_path, read_only=True) as store:
        assert {sql.first(store, f"select count(*) from {t}")[0] for t in there.tables} == {0}


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        "channel = 'web' and recommend >= 9",
        'region in ("north", "east") and answered_on > "2026-01-01"',
        "welcome_not_experienced or room is null",
        "month(answered_on) = 3 and year(answered_on) = 2026",
        "plan like 'b%' and not recommend / 2 > 4.5",
        "recommend between 3 and 7 and left(wave, 4) = '2026'",
    ],
)
def test_a_condition_holds_for_the_same_rows(both, where):
    here, there = (one.read("responses", where=where) for one in both)
    assert len(here)
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["complete", "pairwise", "em"])
@pytest.mark.parametrize("cluster", ["customer_id", None])
def test_sums_and_their_resamples_are_the_same(both, missing, cluster):
    asked = {"weight": "weight", "cluster": cluster, "missing": missing, "where": "plan = 'plus'"}
    columns = ["recommend", "delivery", "room"]
    here, there = (one.sums("responses", columns, **asked) for one in both)
    assert_array_equal(here.keys, there.keys)
    assert_allclose(here.second, there.second, rtol=1e-12, atol=1e-9)
    assert_allclose(here.resample(20, 1).mean, there.resample(20, 1).mean, rtol=1e-9)


@pytest.mark.slow
def test_customers_as_of_a_day_are_the_same(both):
    here, there = both
    pd.testing.assert_frame_equal(here.customers.profiles(), there.customers.profiles())
    pd.testing.assert_frame_equal(here.customers.active(), there.customers.active())
    assert here.journeys.revenue()[0].equals(there.journeys.revenue()[0])


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "at_once"), [({"goal": True}, 10**6), ({"most": 4}, 3000)])
def test_journeys_are_the_same(both, monkeypatch, asked, at_once):
    monkeypatch.setattr("cxlib.reserve.pathways.AT_ONCE", at_once)  # some customers at a time
    here, there = (one.journeys.transitions(**asked) for one in both)
    pd.testing.assert_frame_equal(here.data, there.data)
    assert here.notes == there.notes


@pytest.mark.slow
@pytest.mark.parametrize("by", ["", "channel"])
def test_purchases_are_counted_the_same(both, by):
    found = []
    for one in both:
        history = loyalty.purchase_history(one.loyalty.purchases(draws=50))
        cohorts = loyalty.cohorts(history, groups=one.customers.group_query(by))
        revenue = loyalty.repeat_revenue(history, every="week")
        orders = one.loyalty.purchases(draws=50)
        grades = segments.rfm(orders), segments.grade_migration(orders, since=90)
        cycle = value.lifecycle(one.loyalty.purchases(draws=50))
        found.append([loyalty.repeat_purchase(history), cohorts, revenue, *grades, cycle])
    for here, there in zip(*found, strict=True):
        for name, table in here.tables.items():
            pd.testing.assert_frame_equal(table, there.tables[name], rtol=1e-9)
        assert here.notes == there.notes


@pytest.mark.slow
@pytest.mark.parametrize("by", ["", "channel"])
def test_models_of_purchases_are_the_same(both, by):
    compare_models_of_purchases(both, by)


def compare_models_of_purchases(both: tuple[reserve.Reserve, ...], by: str) -> None:
    """From patterns of all customers, some of whom are in rows, by group and by grade."""
    found = []
    for one in both:
        orders, stored = one.sample("orders", draws=50), one.loyalty.purchases(draws=50)
        stored = replace(stored, some=SomeCustomers(0.5, "orders", 1))
        own = stored.grouped(one.customers.group_query(by))
        held = value.holdout(orders, counted=own)
        graded = value.lifetime_value(orders, counted=segments.grouped_by_grade(stored))
        found.append([value.lifetime_value(orders, counted=own), held, graded])
    for here, there in zip(*found, strict=True):
        for name, table in here.tables.items():
            pd.testing.assert_frame_equal(table, there.tables[name], rtol=1e-9)
        assert here.notes == there.notes


@pytest.mark.slow
def test_baskets_are_counted_the_same(both):
    few = {"limits": Limits(rows_at_most=2000)}
    asked = [reserve.Reserve(one.study.model_copy(update=few)) for one in both]
    fits = [offers.rules(offers.count_baskets(one.baskets(draws=50))) for one in asked]
    assert len(fits[0].table) > 4
    for name, table in fits[0].tables.items():
        pd.testing.assert_frame_equal(table, fits[1].tables[name], rtol=1e-9, check_dtype=False)
    assert fits[0].notes == fits[1].notes and str(fits[0]) == str(fits[1])
    for one in asked:
        one.close()


@pytest.mark.slow
def test_cases_are_counted_the_same(both):
    found = []
    for one in both:
        about, hours = one.study.service, one.study.working_hours
        clock = service.make_clock(hours, about, one.read("case_statuses"))
        stored = StoredCases(one, draws=50)
        cases = service.count_cases(stored, about, clock, by="region")
        groups = (service.sla_attainment(cases, by=by) for by in ("severity", "region"))
        found.append([*groups, service.sla_by_month(cases), service.definitions(cases, clock)])
        found[-1] += [service.waiting_times(cases), service.volume_forecast(cases)]
    for here, there in zip(*found, strict=True):
        for name, table in here.tables.items():
            pd.testing.assert_frame_equal(table, there.tables[name], rtol=1e-9, check_dtype=False)
        assert here.notes == there.notes and str(here) == str(there)


@pytest.mark.slow
def test_one_customer_and_what_pages_lack_are_the_same(both):
    here, there = both
    customer = here.read("cases")["customer_id"].dropna().iloc[0]
    mine, theirs = here.care.history(customer), there.care.history(customer)
    assert mine.keys() == theirs.keys() and len(mine) > 3
    for table, rows in mine.items():
        pd.testing.assert_frame_equal(rows, theirs[table])
    needs = [*requirements.STATED, "observed:cases:35", "leavers:20", "drivers:2", "waves"]
    assert here.lacks(needs) == there.lacks(needs)


@pytest.mark.slow
def test_the_card_of_a_customer_is_the_same(both, roots, monkeypatch):
    cards = []
    for root in roots.values():
        monkeypatch.setenv("CX_ROOT", str(root))
        asked = ["customer", "sample", "c0042", "-o", str(root / "cards")]
        done = CliRunner().invoke(cli.main, asked)
        assert done.exit_code == 0, done.output
        cards.append((root / "cards" / "c0042.html").read_bytes())
    assert cards[0] == cards[1] and len(cards[0]) > 5000


@pytest.mark.slow
def test_the_same_answers_are_chosen_of_too_many(both):
    few = Limits(rows_at_most=2000)
    asked = [reserve.Reserve(one.study.model_copy(update={"limits": few})) for one in both]
    here, there = (one.sample(wave="2026-Q3").in_rows() for one in asked)
    assert 150 < len(here) < 350
    pd.testing.assert_frame_equal(here.data, there.data)
    for one in asked:
        one.close()


@pytest.mark.slow
def test_the_same_customers_are_chosen_of_too_many_rows(both):
    few = {"limits": Limits(rows_at_most=8000)}
    asked = [reserve.Reserve(one.study.model_copy(update=few)) for one in both]
    here, there = (one.of_some_customers("orders", "cases") for one in asked)
    assert 7000 < len(here["orders"]) < 9000
    for table in ("customers", "orders", "order_lines", "responses", "case_statuses"):
        pd.testing.assert_frame_equal(here[table], there[table])
    pd.testing.assert_frame_equal(here.customers.active(), there.customers.active())
    assert here.last_day == there.last_day
    for one in (here, there):
        one.close()


@pytest.mark.slow
def test_the_same_answers_are_counted_of_too_many(both):
    few = {"limits": Limits(rows_at_most=2000)}
    asked = [reserve.Reserve(one.study.model_copy(update=few)) for one in both]
    here, there = (
        one.sample(where="region != 'x'").only("wave", ["2026-Q3"]).of("recommend", "region").data
        for one in asked
    )
    order = ["recommend", "region", "customer_id", CELL]
    assert len(here) > 300
    pd.testing.assert_frame_equal(*(t.sort_values(order, ignore_index=True) for t in (here, there)))
    for one in asked:
        one.close()


@pytest.mark.slow
def test_sums_of_too_many_answers_are_the_same(both):
    few = {"limits": Limits(rows_at_most=2000)}
    asked = [reserve.Reserve(one.study.model_copy(update=few)) for one in both]
    here, there = (moments.by_group(s.sample(), ["recommend", "room"], "wave") for s in asked)
    assert len(here) == 8 and list(here) == list(there)
    for wave, sums in here.items():
        assert_array_equal(sums.drawn.cell, there[wave].drawn.cell)
        assert_allclose(sums.second, there[wave].second, rtol=1e-9, atol=1e-9)
        drawn = (one.resample(20, 1).mean for one in (sums, there[wave]))
        assert_allclose(next(drawn), next(drawn), rtol=1e-9)
    for one in asked:
        one.close()


@pytest.mark.slow
def test_drivers_of_too_many_answers_are_the_same(both):
    few = {"limits": Limits(rows_at_most=2000)}
    asked = [reserve.Reserve(one.study.model_copy(update=few)) for one in both]
    found = []
    for one in asked:
        sample, what = one.sample(draws=50), (one.outcome, one.drivers)
        found.append(
            [
                drivers.importance(sample, *what, missing="dummy"),
                drivers.without_each_wave(sample, *what, missing="dummy"),
                drivers.penalty_reward(sample, *what, missing="dummy"),
            ]
        )
        one.close()
    for here, there in zip(*found, strict=True):
        pd.testing.assert_frame_equal(here.table, there.table, rtol=1e-9, check_dtype=False)


CELLS = pd.DataFrame(
    {
        "id": range(8),
        "s": ["a", "B", " É ", "", None, "客户", "a", "ab"],
        "x": [1.5, 2.5, -3.5, np.nan, 0.1, 1e12, 0.0, 3.5],
        "k": [1, 2, -7, 0, None, 2**40 + 5, 7, 8],
        "d": pd.to_datetime(
            ["2026-01-31 23:59:59", "2026-02-01", "2024-02-29 12:00", "2025-12-31", None]
            + ["2026-03-01 00:00:01", "2026-10-25 02:30", "2026-07-01"],
            format="ISO8601",
        ),
        "b": [True, False, None, True, False, True, None, False],
    }
).astype({"s": "string", "k": "Int64", "b": "boolean", "d": "datetime64[us]"})
SAME = [  # an expression or more for each function of CHECKED, over CELLS
    *("abs(x)", "abs(k)", "x + k", "x - k", "x * k", "-x", "k / 2", "(x)", "s || '!'"),
    *("x > 1", "x >= 1.5 and b", "x < 1 or b", "x <= 1", "s = 'a'", "s <> 'a'", "s = any(['a'])"),
    *("x is null", "not b", "s like 'a%'", "s in ('a', 'B')", "k between 0 and 7"),
    *("case when x > 1 then 'y' end", "if(b, 1, 2)", "coalesce(s, 'none')", "nullif(s, 'a')"),
    *("x::bigint", "k::double", "k::varchar", "b::int", "b::tinyint::double", "d::date"),
    *("date_diff('day', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('second', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('month', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('hour', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('microsecond', d, timestamp '2026-05-05 05:05')", "ceil(x)", "ceil(x)::bigint"),
    *("lag(k) over (order by id)", "lead(s) over (partition by b order by d, id)"),
    "coalesce(sum(k) over (order by id rows between unbounded preceding and 1 preceding), 0)",
    *("day(d)", "month(d)", "year(d)", "date_trunc('month', d)", "k % 4"),
    *("date_trunc('week', d)", "greatest(x, k)", "least(x, k)", "left(s, 1)", "right(s, 1)"),
    *("length(s)", "substring(s, 1, 2)", "trim(s)", "starts_with(s, 'a')", 's collate "C"'),
    *(
        "d - to_days(3)",
        "d + to_days(30)",
        "d + to_hours(30)",
        "customer_key(s)",
        "sample_key(s)",
        "row_key(k)",
        "row_number() over (order by s, id)",
    ),
    *("exists (select 1 from cells as o where o.k = cells.id)",),
    *("(select count(*) from cells)", "(select count(distinct s) from cells)"),
    *("(select approx_count_distinct(s) from cells)", "(select avg(x) from cells)"),
    *("(select max(s) from cells)", "(select min(d) from cells)", "(select sum(k) from cells)"),
    *("(select sum(x) filter (where b) from cells)", "(select max(x) from cells)"),
]


@pytest.fixture(scope="module")
def cells(server) -> Iterator[tuple]:
    """CELLS in DuckDB, and how to ask the server for theirs."""
    from cxlib.reserve.engine import Server

    _run(server, "drop table shop.cells")
    _ingest(server, "cells", CELLS)
    view = (
        'SELECT "id", "s" COLLATE "C" AS s, NULLIF("x", \'NaN\') AS x, "k", "d", "b" '
        'FROM "shop"."cells"'
    )
    with pytest.MonkeyPatch.context() as patch, sql.connect() as store:
        patch.setenv("PGUSER", "reader")
        patch.setenv("PGPASSWORD", "p@ss/word")
        store.register("cells_", pa.Table.from_pandas(CELLS, preserve_index=False))
        store.execute("create table cells as select * from cells_")
        there = Server(f"postgresql://127.0.0.1:{server}/postgres")
        yield store, lambda q: there.fetch(dialects.translated(q, {"cells": view}, "postgres"))
        there.close()


@pytest.mark.slow
@pytest.mark.parametrize("expression", SAME)
def test_a_checked_function_gives_the_same_on_the_server(cells, expression):
    store, fetch = cells
    query = f"select {expression} as v, id from cells order by id"
    here = store.execute(query).df()["v"]
    found = store.from_arrow(fetch(query)).project(f"cast(v as {store.sql(query).types[0]}) as v")
    pd.testing.assert_series_equal(here, found.df()["v"], rtol=1e-12)


def test_each_checked_function_is_compared():
    import sqlglot
    from sqlglot import exp

    used = set()
    for expression in SAME:
        tree = sqlglot.parse_one(f"select {expression} from cells", read="duckdb")
        used |= {type(n).__name__ for n in tree.find_all(exp.Func, exp.Binary, exp.Unary)}
    assert used >= dialects.CHECKED, dialects.CHECKED - used


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("select null::text as id, 1 as q", "response_id: id, q: q", "1 row.*empty"),
        ("select 'a' as id, '1' as q", "response_id: id, q: q", "q is of the type text"),
        ("select 'a' as id, 1 as r", "response_id: id, q: q", r"no column for q \(q\)"),
        ("select 'a' as id, now() as q", "response_id: id, q: q", "is of the type timestamp"),
        ("select from nowhere", "response_id: id, q: q", "nowhere.*does not exist"),
    ],
)
def test_rows_that_break_the_contract_are_refused(
    server, reader, tmp_path, monkeypatch, table, columns, message
):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "data" / "mine" / "study.yaml").write_text(
        f"title: T\nengine: postgresql://127.0.0.1:{server}/postgres\ntables:\n  responses:\n"
        f'    files: {{from: engine, query: "{table}"}}\n    columns: {{{columns}}}\n'
        "items: {q: {label: Q, scale: [1, 10], role: csat}}\n"
    )
    with pytest.raises((IntakeError, SourceError), match=f"(?s){message}") as refused:
        reserve.load("mine")
    assert "p@ss" not in str(refused.value)
    assert reserve.check("mine").exit_code == reserve.UNUSABLE


@pytest.mark.slow
def test_scores_are_the_same_where_no_row_may_leave_the_server(both):
    here, there = both
    stays = {"reporting": Reporting(leave_rows=False, smallest_cell=3)}
    with reserve.Reserve(there.study.model_copy(update=stays)) as held:
        samples = held.sample(draws=50), test_door.weighed_together(here)
        ours, theirs = (scores.trend(s, "recommend").table for s in samples)
        assert_allclose(ours["estimate"], theirs["estimate"], rtol=1e-9)
        assert ours["n"].tolist() == theirs["n"].tolist()
        with pytest.raises(RowsStay):
            held.read("orders")
        assert silent_shares(held) == pytest.approx(silent_shares(here))


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_what_breaks_the_contract_is_set_aside_as_of_files(
    server, reader, tmp_path, monkeypatch, strict
):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    compare_set_aside(f"postgresql://127.0.0.1:{server}/postgres", tmp_path, strict=strict)


def compare_set_aside(address: str, tmp_path: Path, *, strict: bool) -> None:
    """Rows that break the contract are lost, and counted, as those of the same file are."""
    rows = [("a", 5.0), ("a", 7.0), ("", 3.0), ("b", 11.0), ("c", 9.0), ("d", 4.0)]
    (tmp_path / "notebooks").mkdir()
    values = ", ".join(f"('{who}', {q})" for who, q in rows)
    query = f"select nullif(i, '') as i, q from (values {values}) as t(i, q)"
    found = {}
    for name, files in (("files", "a.csv"), ("there", f'{{from: engine, query: "{query}"}}')):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "a.csv").write_text(
            "i,q\n" + "".join(f"{who},{q}\n" for who, q in rows)
        )
        engine = f"engine: {address}\n" if name == "there" else ""
        (tmp_path / "data" / name / "study.yaml").write_text(
            f"title: T\n{engine}tables:\n  responses:\n    files: {files}\n"
            f"    columns: {{response_id: i, q: q}}\nstrict: {str(strict).lower()}\n"
            "items: {q: {label: Q, scale: [1, 10], role: csat}}\n"
        )
        reserve.load(name)
        with reserve.Reserve(study_.read(name)) as opened:
            counts = opened.counts[["offered", "kept", "quarantined", "cells", "left_out"]]
            about = opened.quality.rejections(), opened.losses, counts
            found[name] = [opened.read("responses"), *about]
    for pair in zip(*found.values(), strict=True):
        here, there = (f.sort_values(list(f.columns), ignore_index=True) for f in pair)
        pd.testing.assert_frame_equal(here, there, check_dtype=False)
    offered, kept, aside, cells, _left_out = found["there"][3].iloc[0]
    assert (offered, kept, aside, cells) == ((6, 3, 3, 0) if strict else (6, 4, 2, 1))


@pytest.mark.slow
def test_answers_without_a_usable_weight_fail_the_checks(server, reader, tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    check_weights(f"postgresql://127.0.0.1:{server}/postgres", tmp_path)


def check_weights(address: str, tmp_path: Path) -> None:
    """Missing, negative and all-zero weights fail the checks, and no page is made of them."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "there").mkdir(parents=True)
    cases = {
        "(('a', 1.0), ('b', 0.0), ('c', 2.0))": [],
        "(('a', 1.0), ('b', null), ('c', -2.0))": [["unweighted", 2]],
        "(('a', 0.0), ('b', 0.0), ('c', 0.0))": [["zero_weights", 3]],
    }
    for values, expected in cases.items():
        query = f"select i, w, 5.0 as q from (values {values[1:-1]}) as t(i, w)"
        (tmp_path / "data" / "there" / "study.yaml").write_text(
            f"title: T\nengine: {address}\ntables:\n  responses:\n"
            f'    files: {{from: engine, query: "{query}"}}\n'
            "    columns: {response_id: i, weight: w, q: q}\n"
            "items: {q: {label: Q, scale: [1, 10], role: csat}}\n"
        )
        check = reserve.load("there").check
        assert check.warnings[["rule", "rows"]].to_numpy().tolist() == expected
        assert check.exit_code == (reserve.LOST if expected else 0)
        with reserve.Reserve(study_.read("there")) as opened:
            if expected:
                with pytest.raises(ValueError, match="weights in 'weight' are"):
                    opened.sample()
            else:
                assert opened.sample().weights.sum() == 3


@pytest.mark.slow
def test_rows_that_came_after_the_checks_are_not_read_unchecked(both, server):
    _here, there = both
    _run(server, "create table shop.kept as select * from shop.audits")
    _run(server, "delete from shop.audits where ctid in (select ctid from shop.audits limit 1)")
    try:
        with pytest.raises(EngineError, match="has 95 rows .* had 96 .* Run `cx load`"):
            there.read("audits")
    finally:
        _run(server, "delete from shop.audits")
        _run(server, "insert into shop.audits select * from shop.kept")


@pytest.mark.slow
def test_the_server_is_only_read(both):
    _here, there = both
    there.read("audits")
    with pytest.raises(SourceError, match="read-only transaction"):
        there.store._server.fetch("create table shop.mine (x int)")
    assert len(there.read("audits")) == 96  # and goes on after an error


@pytest.mark.slow
def test_a_connection_that_is_lost_is_named_and_made_again(both, server):
    _here, there = both
    assert len(there.read("audits")) == 96
    _run(server, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
    with pytest.raises(SourceError, match=r"The connection was lost. Run the same command again"):
        there.read("actions")
    assert len(there.read("audits")) == 96


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "back", "says"),
    [
        (
            "revoke select on shop.cases from reader",
            "grant select on shop.cases to reader",
            "permission denied for table cases. Ask its owner to grant SELECT",
        ),
        (
            "alter table shop.cases rename severity to urgency",
            "alter table shop.cases rename urgency to severity",
            'column "severity" does not exist. Compare study.yaml with the tables there',
        ),
        (
            "alter table shop.cases alter satisfaction_after type text "
            "using satisfaction_after || ' of 10'",
            "alter table shop.cases alter satisfaction_after type bigint "
            "using split_part(satisfaction_after, ' ', 1)::bigint",
            "Correct the value there or convert it in `query`, and run `cx load` again.",
        ),
    ],
)
def test_a_change_of_the_server_is_named_and_other_tables_are_read(
    both, server, change, back, says
):
    _here, there = both
    _run(server, change)
    try:
        with pytest.raises(SourceError, match=re.escape(says)):
            there.read("cases")
        assert len(there.read("audits")) == 96
    finally:
        _run(server, back)


@pytest.fixture(scope="module")
def runs(roots) -> dict[str, dict]:
    """What pages of both engines keep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGUSER", "reader")
        patch.setenv("PGPASSWORD", "p@ss/word")
        return {engine: answers_of(root, patch) for engine, root in roots.items()}


def answers_of(root: Path, patch: pytest.MonkeyPatch) -> dict:
    """What all pages of `sample` in a project keep, page -> answers."""
    patch.setenv("CX_ROOT", str(root))
    few = [page for page in PAGES if page != "41"]  # which has no DRAWS, and reads others
    found: dict = {}
    for pages, draws in ((few, ["-p", "DRAWS=100"]), (["41"], [])):
        asked = ["run", "sample", *pages, *draws, "-o", str(root / pages[0]), "--jobs", "1"]
        done = CliRunner().invoke(cli.main, asked)
        assert done.exit_code == 0, done.output
        found |= json.loads((root / pages[0] / "answers.json").read_text())
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES)
def test_a_page_keeps_the_same_numbers_on_every_engine(runs, page):
    here, there = (_of(run, page) for run in runs.values())
    assert here.keys() == there.keys() and len(here) > 20
    for place, own in here.items():
        if isinstance(own, float) and isinstance(there[place], float):
            assert there[place] == pytest.approx(own, rel=1e-9, abs=1e-9, nan_ok=True), place
        else:
            assert there[place] == own, place


def _of(run: dict, page: str) -> dict[str, object]:
    """Every value of a page by its place."""
    [name] = [name for name in run if name.startswith(f"{page}_")]
    return dict(_leaves(run[name], ""))


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _leaves(inner, f"{place}/{k}")
    else:
        yield place, value
