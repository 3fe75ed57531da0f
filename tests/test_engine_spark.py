"""A study whose tables stay on a Spark server: the same rows, sums and pages as in DuckDB."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import spark_server
import test_engine

from cxlib import reserve
from cxlib.data import sql
from cxlib.data import study as study_
from cxlib.data.intake import IntakeError
from cxlib.data.sources import SourceError
from cxlib.reserve import dialects
from cxlib.reserve.engine import EngineError, server_of
from cxlib.reserve.spark_server import TOKEN, SparkServer, _url

pytest.importorskip("sqlglot", reason="engines need cxlib[databases]")

SAMPLE, CELLS = test_engine.SAMPLE, test_engine.CELLS
ALSO = [  # what Spark computes otherwise, beside the functions of `test_engine.SAME`
    *(
        "k::int8 / 3",
        "(x / 1e9)::int",
        "(x > 1)::int",
        "'12.5'::bigint",
        "d::varchar",
        "b::varchar",
        "k / 2.5",
    ),
    *("left(s, 0)", "s = 'it''s'", "s = 'B' collate \"C\"", "(select avg(x * 0.1) from cells)"),
    *("date_diff('minute', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('year', d, timestamp '2026-05-05 05:05')",),
    *("date_diff('microsecond', d, timestamp '2026-05-05 05:05')",),
    "row_number() over (order by s desc, id)",
    "date_trunc('day', d) < date_trunc('day', d - to_days(1))",
]


# Translation, without a server


def _spark(expression: str) -> str:
    view = {"responses": "SELECT `q` AS x, `when` AS d, `s` FROM `raw`"}
    made = dialects.translated(f"select {expression} as v from responses", view, "spark")
    return made.removeprefix("SELECT ").partition(" AS `v`")[0]


@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("x / 2", "CAST(`x` AS DOUBLE) / 2"),
        ("date_diff('day', d, d)", "DATEDIFF(`d`, `d`)"),
        ("date_trunc('month', d)", "CAST(DATE_TRUNC('MONTH', `d`) AS TIMESTAMP_NTZ)"),
        ("s = any(['a', 'b'])", "`s` IN ('a', 'b')"),
        ("s = 'it''s'", r"`s` = 'it\'s'"),
        (r"s = 'a\b'", r"`s` = 'a\\b'"),
        ("(x is null)::tinyint", "CAST((`x` IS NULL) AS INT)"),
    ],
)
def test_what_spark_computes_otherwise_is_said_in_other_words(expression, made):
    assert _spark(expression) == made


@pytest.mark.parametrize(
    "expression",
    ["left(s, -1)", "substring(s, 0, 2)", "right(s, x)", "date_diff('week', d, d)", "s = any([])"],
)
def test_what_spark_cannot_give_as_duckdb_does_is_refused(expression):
    with pytest.raises(dialects.NotTranslated):
        _spark(expression)


def test_views_and_names_are_quoted_as_spark_takes_them():
    views = {
        "responses": "SELECT `id` AS customer_id, `q1` AS speed FROM `raw`",
        "customers": "SELECT `cid` AS customer_id, `reg` AS region FROM `crm`",
        "_responses": test_engine.VIEWS["_responses"],
    }
    made = dialects.translated('select "region", speed from "_responses"', views, "spark")
    assert '"' not in made and "`crm`" in made and "`raw`" in made


def test_the_server_is_that_of_the_address(monkeypatch):
    monkeypatch.setenv("LAKE", "sc://h:15002")
    kinds = {a: server_of(a).dialect for a in ("sc://h", "${LAKE}", "postgresql://h/x", "${NONE}")}
    assert list(kinds.values()) == ["spark", "spark", "postgres", "postgres"]


@pytest.mark.parametrize("address", ["sc://h:1/;token=abc", "sc://h:1/;use_ssl=true;Token=abc"])
def test_study_yaml_holds_no_token(address):
    with pytest.raises(ValueError, match="password in it"):
        study_._engine(address)


def test_a_token_goes_only_to_a_host_that_the_user_named(monkeypatch):
    named = "sc://spark.example.org:15002/;token=${SECRET}"
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.setenv("SECRET", "a b;c")
    assert study_._engine(named) == named
    with pytest.raises(SourceError, match="only study.yaml names.*SPARK_REMOTE=sc://spark"):
        _url(named)
    assert _url(named.replace("spark.example.org", "localhost")).endswith("token=a%20b%3Bc")
    monkeypatch.setenv("SPARK_REMOTE", "sc://spark.example.org:15002")
    assert _url(named).startswith("sc://spark.example.org")
    monkeypatch.setenv(TOKEN, "abc")  # the client would send it by itself
    with pytest.raises(SourceError, match="only study.yaml names"):
        _url("sc://elsewhere.example.org:15002")


def test_every_function_of_ours_is_written_for_every_engine():
    assert {engine: own.keys() for engine, own in dialects.OURS.items()} == dict.fromkeys(
        dialects.SUMS, dialects.OURS["postgres"].keys()
    )


# On a server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server with the tables of `sample`."""
    files = sorted(SAMPLE.glob("*.csv.gz"))
    tables = {file.name.split(".")[0]: test_engine._typed(file) for file in files}
    with spark_server.running(tables | {"cells": CELLS}) as (address, _process):
        yield address


@pytest.fixture(scope="module")
def roots(server, tmp_path_factory) -> dict[str, Path]:
    """Two projects with the study `sample`: its files, and the server's tables."""
    found = {}
    for engine in ("duckdb", "spark"):
        root = found[engine] = tmp_path_factory.mktemp(engine)
        ignored = shutil.ignore_patterns("*.duckdb*", "gen*")
        shutil.copytree(SAMPLE, root / "data" / "sample", ignore=ignored)
        (root / "notebooks").symlink_to(SAMPLE.parents[1] / "notebooks")
    file = found["spark"] / "data" / "sample" / "study.yaml"
    for rows in file.parent.glob("*.csv.gz"):
        rows.unlink()
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"files: (\w+)\.csv\.gz", r"files: {from: engine, table: shop.\1}", text)
    file.write_text(f"engine: {server}\n{text}", encoding="utf-8")
    return found


@pytest.fixture
def both(roots, monkeypatch) -> Iterator[tuple[reserve.Reserve, reserve.Reserve]]:
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


@pytest.fixture(scope="module")
def cells(server) -> Iterator[tuple]:
    """CELLS in DuckDB, and how to ask the server for theirs."""
    view = "SELECT `id`, `s`, NULLIF(`x`, DOUBLE('NaN')) AS x, `k`, `d`, `b` FROM `shop`.`cells`"
    with sql.connect() as store:
        store.register("cells_", pa.Table.from_pandas(CELLS, preserve_index=False))
        store.execute("create table cells as select * from cells_")
        there = SparkServer(server)
        yield store, lambda q: there.fetch(dialects.translated(q, {"cells": view}, "spark"))
        there.close()


@pytest.mark.thorough
@pytest.mark.parametrize("expression", [*test_engine.SAME, *ALSO])
def test_a_checked_function_gives_the_same_on_the_server(cells, expression):
    test_engine.test_a_checked_function_gives_the_same_on_the_server(cells, expression)


@pytest.mark.thorough
@pytest.mark.parametrize("expression", ["x::varchar", "(s || 'a')::double", "x / 0", "k * k * k"])
def test_what_would_differ_or_cannot_be_held_is_an_error(cells, expression):
    with pytest.raises(SourceError):
        cells[1](f"select {expression} as v from cells")


@pytest.mark.thorough
def test_missing_values_are_counted_the_same(both):
    here, there = (one.quality.completeness().table for one in both)
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.thorough
def test_every_table_is_the_same_and_no_row_of_it_is_copied(both):
    here, there = both
    assert here.schema == there.schema and here.waves() == there.waves()
    assert here.period() == there.period() and here.last_day == there.last_day
    for table in here.tables:
        pd.testing.assert_frame_equal(here[table], there[table])
    with sql.connect(there.study.reserve_path, read_only=True) as store:
        assert {sql.first(store, f"select count(*) from {t}")[0] for t in there.tables} == {0}


@pytest.mark.thorough
@pytest.mark.parametrize("missing", ["complete", "pairwise", "em"])
@pytest.mark.parametrize("cluster", ["customer_id", None])
def test_sums_and_their_resamples_are_the_same(both, missing, cluster):
    test_engine.test_sums_and_their_resamples_are_the_same(both, missing, cluster)


@pytest.mark.thorough
def test_customers_as_of_a_day_are_the_same(both):
    test_engine.test_customers_as_of_a_day_are_the_same(both)


@pytest.mark.thorough
def test_cases_are_counted_the_same(both):
    test_engine.test_cases_are_counted_the_same(both)


@pytest.mark.thorough
def test_models_of_purchases_are_the_same(both):
    test_engine.compare_models_of_purchases(both, "")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select cast(null as string) as id, 1 as q", "1 row.*empty"),
        ("select 'a' as id, '1' as q", "q is of the type text"),
        ("select 'a' as id, 1 as r", r"no column for q \(q\)"),
        ("select 'a' as id, now() as q", "is of the type timestamp"),
        ("select * from nowhere", "nowhere.*cannot be found"),
        ("select 1) as a; drop table shop.cells; select (1", "cannot be parsed|PARSE_SYNTAX"),
    ],
)
def test_rows_that_break_the_contract_are_refused(server, tmp_path, monkeypatch, query, message):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "data" / "mine" / "study.yaml").write_text(
        f"title: T\nengine: {server}\ntables:\n  responses:\n"
        f'    files: {{from: engine, query: "{query}"}}\n'
        "    columns: {response_id: id, q: q}\n"
        "items: {q: {label: Q, scale: [1, 10], role: csat}}\n"
    )
    with pytest.raises((IntakeError, SourceError), match=f"(?s){message}"):
        reserve.load("mine")


@pytest.mark.thorough
@pytest.mark.parametrize("strict", [False, True])
def test_what_breaks_the_contract_is_set_aside_as_of_files(server, tmp_path, monkeypatch, strict):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    test_engine.compare_set_aside(server, tmp_path, strict=strict)


@pytest.mark.thorough
def test_answers_without_a_usable_weight_fail_the_checks(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    test_engine.check_weights(server, tmp_path)


@pytest.mark.thorough
def test_rows_that_came_after_the_checks_are_not_read_unchecked(both):
    there = both[1].store
    assert there._server.fetch("SELECT 1 AS n").num_rows == 1
    there._server._session.sql("create temporary view a as select * from shop.audits limit 95")
    there._views["audits"] = there._views["audits"].replace("`shop`.`audits`", "a")
    with pytest.raises(EngineError, match="has 95 rows .* had 96 .* Run `cx load`"):
        both[1].read("audits")


@pytest.fixture(scope="module")
def runs(roots) -> dict[str, dict]:
    """What pages of both engines keep."""
    with pytest.MonkeyPatch.context() as patch:
        return {engine: test_engine.answers_of(root, patch) for engine, root in roots.items()}


@pytest.mark.thorough
@pytest.mark.parametrize("page", test_engine.PAGES)
def test_a_page_keeps_the_same_numbers_on_every_engine(runs, page):
    test_engine.test_a_page_keeps_the_same_numbers_on_every_engine(runs, page)


@pytest.mark.thorough
def test_a_server_that_is_gone_is_named_and_found_again():
    with spark_server.running({"cells": CELLS}) as (address, process):
        asked = SparkServer(address)
        assert asked.fetch("SELECT count(*) AS n FROM shop.cells")["n"].to_pylist() == [len(CELLS)]
        with pytest.raises(SourceError, match="shop.*nowhere"):
            asked.fetch("SELECT * FROM shop.nowhere")
        assert asked.fetch("SELECT 1 AS n")["n"].to_pylist() == [1]  # and goes on after an error
        os.killpg(process, signal.SIGKILL)
        with pytest.raises(SourceError, match=re.escape(address)):
            asked.fetch("SELECT 1 AS n")
        asked.close()
