"""A study whose tables stay in a DuckDB file that others fill: the same rows and pages."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import test_engine
from click.testing import CliRunner

from cxlib import cli, reserve
from cxlib.data import sql
from cxlib.data import study as study_
from cxlib.data.intake import IntakeError
from cxlib.data.schema import Limits
from cxlib.data.sources import SourceError
from cxlib.reserve import dialects
from cxlib.reserve.duckdb_server import DuckDBFile
from cxlib.reserve.engine import EngineError, server_of

pytest.importorskip("sqlglot", reason="engines need cxlib[databases]")

SAMPLE, CELLS = test_engine.SAMPLE, test_engine.CELLS


def written(file: Path, tables: dict[str, pd.DataFrame]) -> str:
    """The address of a database with the tables in its schema `shop`."""
    with duckdb.connect(str(file)) as store:
        store.execute("create schema shop")
        for name, rows in tables.items():
            store.register("rows_", pa.Table.from_pandas(rows, preserve_index=False))
            store.execute(f"create table shop.{name} as select * from rows_")
    return f"duckdb://{file}"


def test_the_server_is_that_of_the_address(monkeypatch, tmp_path):
    monkeypatch.setenv("WAREHOUSE", "duckdb:///srv/shop.duckdb")
    assert server_of("${WAREHOUSE}").dialect == "duckdb"
    assert study_._engine("duckdb://w.duckdb") == "duckdb://w.duckdb"
    written(tmp_path / "w.duckdb", {"cells": CELLS})
    relative = server_of("duckdb://w.duckdb", tmp_path)
    assert relative.fetch("select count(*) as n from shop.cells")["n"].to_pylist() == [len(CELLS)]
    relative.close()


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    with pytest.raises(SourceError, match=r"duckdb://nowhere\.duckdb: .*Is it there"):
        DuckDBFile("duckdb://nowhere.duckdb", tmp_path).fetch("select 1 as n")
    server = DuckDBFile(written(tmp_path / "w.duckdb", {"cells": CELLS}), tmp_path)
    for refused in ("drop table shop.cells", "select * from read_csv('/etc/passwd')"):
        with pytest.raises(SourceError, match="read-only|disabled"):
            server.fetch(refused)
    server.close()


def test_study_yaml_names_a_file_in_its_folder_and_others_only_if_the_user_agrees(
    tmp_path, monkeypatch
):
    address, study = written(tmp_path / "w.duckdb", {"cells": CELLS}), tmp_path / "study"
    study.mkdir()
    asked = "select count(*) as n from shop.cells"
    (study / "link.duckdb").symlink_to(tmp_path / "w.duckdb")
    for outside in (address, "duckdb://../w.duckdb", "duckdb://link.duckdb"):
        with pytest.raises(SourceError, match="leads out of the study's folder"):
            DuckDBFile(outside, study).fetch(asked)
    with pytest.raises(ValueError, match="full path"):  # a run is made from another folder
        study_._engine("duckdb://../w.duckdb")
    monkeypatch.setenv("WAREHOUSE", address)
    DuckDBFile("${WAREHOUSE}", study).fetch(asked)
    monkeypatch.setenv("CX_ALLOW_OUTSIDE", "1")
    DuckDBFile(address, study).fetch(asked)


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> Iterator[tuple]:
    """CELLS in the reserve's DuckDB, and how to ask the file for its own."""
    folder = tmp_path_factory.mktemp("cells")
    address = written(folder / "w.duckdb", {"cells": CELLS})
    view = "select id, s, nullif(x, cast('nan' as double)) as x, k, d, b from shop.cells"
    with sql.connect() as store:
        store.register("cells_", pa.Table.from_pandas(CELLS, preserve_index=False))
        store.execute("create table cells as select * from cells_")
        there = DuckDBFile(address, folder)
        yield store, lambda q: there.fetch(dialects.translated(q, {"cells": view}, "duckdb"))
        there.close()


@pytest.mark.parametrize("expression", test_engine.SAME)
def test_a_checked_function_gives_the_same_in_the_file(cells, expression):
    test_engine.test_a_checked_function_gives_the_same_on_the_server(cells, expression)


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_what_breaks_the_contract_is_set_aside_as_of_files(tmp_path, monkeypatch, strict):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE", written(tmp_path / "w.duckdb", {}))
    test_engine.compare_set_aside("${WAREHOUSE}", tmp_path, strict=strict)


KINDS = [
    ("select 'a' as id, 'x' as c, cast('1' as varchar) as q", "q is of the type text"),
    ("select 'a' as id, 'x' as c, [1] as q", "q is of the type list"),
    ("select 'a' as id, 'x' as c, now() as q", "is of the type timestamp"),
    ("select * from nowhere", "nowhere does not exist"),
]


@pytest.mark.parametrize(("query", "message"), KINDS)
def test_tables_that_cannot_be_used_are_refused(tmp_path, monkeypatch, query, message):
    with pytest.raises((IntakeError, SourceError), match=message):
        _loaded(tmp_path, monkeypatch, query)


def _loaded(
    root: Path, monkeypatch: pytest.MonkeyPatch, query: str, more: str = ""
) -> reserve.Reserve:
    monkeypatch.setenv("CX_ROOT", str(root))
    (root / "notebooks").mkdir(parents=True)
    (root / "data" / "mine").mkdir(parents=True)
    written(root / "data" / "mine" / "w.duckdb", {"answers": CELLS.iloc[:3][["id"]]})
    (root / "data" / "mine" / "study.yaml").write_text(
        "title: T\nengine: duckdb://w.duckdb\ntables:\n  responses:\n"
        f'    files: {{from: engine, query: "{query}"}}\n'
        f"    columns: {{response_id: id, channel: c, q: q{more}}}\n"
        "items: {q: {label: Q, scale: [1, 10], role: csat}}\n"
    )
    reserve.load("mine")
    return reserve.Reserve(study_.read("mine"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Wave 9", "Wave 10", "Wave 11"), "'Wave 9' as 'Wave 09', 'Wave 10' as 'Wave 10'"),
        (("Q4 FY24", "Q1 FY25", "Q2 FY25"), "'Q4 FY24' as 'FY2024-Q4', 'Q1 FY25' as 'FY2025-Q1'"),
        (("second", "first", "third"), "clear neither from their names nor from the dates"),
        (("2025-Q4", "2026-Q1", "2026-Q2"), ""),
        (("a", "b", "c"), "clear neither from their names"),
    ],
)
def test_waves_that_do_not_sort_in_time_are_refused(tmp_path, monkeypatch, names, said):
    of = " ".join(f"when {k} then '{name}'" for k, name in enumerate(names))
    query = f"select n as id, case n {of} end as w, 'web' as c, 7.0 as q from range(3) as r(n)"
    if not said:
        assert _loaded(tmp_path, monkeypatch, query, ", wave: w").waves() == list(names)
        return
    with pytest.raises(IntakeError, match=said):
        _loaded(tmp_path, monkeypatch, query, ", wave: w")


@pytest.mark.slow
def test_dates_tell_the_order_of_waves(tmp_path, monkeypatch):
    dated = (
        "timestamp '2026-01-01' + to_days(n::int) as d, 'web' as c, 7.0 as q from range(40) r(n)"
    )
    query = f"select n as id, ['before', 'during'][1 + (n >= 20)::int] as w, {dated}"
    more = ", wave: w, answered_on: d"
    assert _loaded(tmp_path / "a", monkeypatch, query, more).waves() == ["before", "during"]
    with pytest.raises(IntakeError, match="'zero' as '01 zero', 'one' as '02 one'"):
        _loaded(
            tmp_path / "b",
            monkeypatch,
            query.replace("before", "zero").replace("during", "one"),
            more,
        )


@pytest.mark.slow
def test_categories_of_the_file_are_text(tmp_path, monkeypatch):
    """DuckDB's ENUM, and decimals, which dbt models often hold."""
    query = "select id::varchar as id, 'web'::enum('web', 'shop') as c, 7.0::decimal(4, 1) as q "
    with _loaded(tmp_path, monkeypatch, query + "from shop.answers") as opened:
        rows = opened["responses"]
    assert rows["channel"].tolist() == ["web"] * 3 and rows["q"].tolist() == [7.0] * 3


def test_rows_that_came_after_the_checks_are_not_read_unchecked(tmp_path, monkeypatch):
    query = "select id::varchar as id, 'web' as c, 7.0 as q from shop.answers"
    _loaded(tmp_path, monkeypatch, query).close()
    with duckdb.connect(str(tmp_path / "data" / "mine" / "w.duckdb")) as store:
        store.execute("insert into shop.answers values (99)")
    with (
        reserve.Reserve(study_.read("mine")) as opened,
        pytest.raises(EngineError, match="has 4 rows .* had 3 .* Run `cx load`"),
    ):
        opened.read("responses")


@pytest.mark.slow
@pytest.mark.parametrize("nameless", [False, True])
def test_answers_are_sorted_for_their_places_only_where_some_name_no_customer(
    tmp_path, monkeypatch, nameless
):
    own = "id::varchar || '-' || n::varchar"
    who = f"nullif({own}, '{CELLS['id'].iloc[0]}-{7 if nameless else 'none'}')"
    many = "from shop.answers cross join range(400) as r(n)"
    query = f"select {own} as id, {who} as who, 'web' as c, 7.0 as q {many}"
    loaded = _loaded(tmp_path, monkeypatch, query, ", customer_id: who")
    loaded.close()
    sent, fetch = [], DuckDBFile.fetch
    monkeypatch.setattr(DuckDBFile, "fetch", lambda *a: sent.append(a[1]) or fetch(*a))
    about = loaded.study.model_copy(update={"limits": Limits(rows_at_most=1000)})
    with reserve.Reserve(about) as opened:
        counted = opened.sample().of("q").data
        sums = opened.sample().sums(["q"], missing="complete", by=None, origin=None)
        read = opened.sample().in_rows()
        with opened.of_some_customers("responses") as part:
            some = part.read("responses")
    assert counted["_rows"].sum() == 1200
    assert sums[None].total().mean == pytest.approx(7)
    for rows in (read.data, some):
        assert 800 < len(rows) < 1200 and rows["response_id"].is_monotonic_increasing
    assert any("ROW_NUMBER" in query for query in sent) == nameless


# The sample


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """Two projects with the study `sample`: its files, and the tables of a database."""
    found = {}
    for engine in ("files", "database"):
        root = found[engine] = tmp_path_factory.mktemp(engine)
        ignored = shutil.ignore_patterns("*.duckdb*", "gen*")
        shutil.copytree(SAMPLE, root / "data" / "sample", ignore=ignored)
        (root / "notebooks").symlink_to(SAMPLE.parents[1] / "notebooks")
    folder = found["database"] / "data" / "sample"
    (folder / "mart").mkdir()
    files = sorted(folder.glob("*.csv.gz"))
    written(
        folder / "mart" / "w.duckdb",
        {file.name.split(".")[0]: test_engine._typed(file) for file in files},
    )
    for file in files:
        file.unlink()
    about = folder / "study.yaml"
    text = about.read_text(encoding="utf-8")
    text = re.sub(r"files: (\w+)\.csv\.gz", r"files: {from: engine, table: shop.\1}", text)
    about.write_text(f"engine: duckdb://mart/w.duckdb\n{text}", encoding="utf-8")
    return found


@pytest.fixture
def both(roots, monkeypatch) -> Iterator[tuple[reserve.Reserve, reserve.Reserve]]:
    """The study of files, and of the database."""
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
    test_engine.test_every_table_is_the_same_and_no_row_of_it_is_copied(both)


@pytest.mark.thorough
def test_a_page_is_made_of_a_database_in_a_folder_of_the_study(both, roots, monkeypatch):
    """The same as of files; each page of a run sees a frozen copy of the study's folder."""
    found = []
    for root in roots.values():
        monkeypatch.setenv("CX_ROOT", str(root))
        asked = ["run", "sample", "33", "-p", "DRAWS=100", "-o", str(root / "33"), "--jobs", "1"]
        done = CliRunner().invoke(cli.main, asked)
        assert done.exit_code == 0, done.output
        found.append(json.loads((root / "33" / "answers.json").read_text()))
    runs = dict(zip(roots, found, strict=True))
    test_engine.test_a_page_keeps_the_same_numbers_on_every_engine(runs, "33")


@pytest.mark.slow
def test_the_same_customers_and_answers_are_chosen_of_too_many(both):
    test_engine.test_the_same_customers_are_chosen_of_too_many_rows(both)
    test_engine.test_the_same_answers_are_chosen_of_too_many(both)


@pytest.mark.slow
def test_customers_as_of_a_day_are_the_same(both):
    test_engine.test_customers_as_of_a_day_are_the_same(both)


@pytest.fixture(scope="module")
def runs(roots) -> dict[str, dict]:
    """What pages of both keep."""
    with pytest.MonkeyPatch.context() as patch:
        return {name: test_engine.answers_of(root, patch) for name, root in roots.items()}


@pytest.mark.thorough
@pytest.mark.parametrize("page", test_engine.PAGES)
def test_a_page_keeps_the_same_numbers(runs, page):
    test_engine.test_a_page_keeps_the_same_numbers_on_every_engine(runs, page)


@pytest.mark.thorough
@pytest.mark.slow
def test_baskets_are_counted_the_same(both):
    test_engine.test_baskets_are_counted_the_same(both)


@pytest.mark.thorough
@pytest.mark.slow
def test_cases_are_counted_the_same(both):
    test_engine.test_cases_are_counted_the_same(both)
