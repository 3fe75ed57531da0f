"""The store on disk: whole on a full disk, faithful to any column name, never run by one."""

from __future__ import annotations

import ast
import graphlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_reserve import company, write

from cxlib import cli, reserve
from cxlib.data import expressions, sql, study
from cxlib.data.intake import QUARANTINE, Intake
from cxlib.data.schema import Costs
from cxlib.reserve import store

pytestmark = pytest.mark.slow  # whole files are drafted, checked or loaded

KB = 1024


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    return tmp_path


# A full disk


@pytest.fixture
def small_disk(project):
    """data/shop on a file system of 8 MB of its own, with a reserve that was loaded well."""
    folder = project / "data/shop"
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        write(project, company(60))
        reserve.load("shop")
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, left: int) -> None:
    """Fill the file system until `left` bytes are free."""
    there = os.statvfs(folder)
    with open(folder / "filler", "wb") as file:
        file.write(b"x" * max(0, there.f_bavail * there.f_frsize - left))


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="needs a POSIX file system")
def test_a_disk_too_small_for_the_reserve_leaves_the_old_one_at_every_size(small_disk):
    file = small_disk / "reserve.duckdb"
    before = file.read_bytes()
    whole = dict(reserve.open("shop").counts[["table", "kept"]].itertuples(index=False))
    ended = {}
    for left in (0, 100, 200, 400, 800, 1600):
        fill(small_disk, left * KB)
        done = CliRunner().invoke(cli.main, ["load", "shop"])
        ended[left] = done.exit_code
        (small_disk / "filler").unlink()
        assert not list(small_disk.glob("reserve.duckdb.new*")), left
        if done.exit_code:
            assert done.exit_code == 3, done.output
            assert "kept" not in done.stdout
            assert file.read_bytes() == before, left
        with reserve.open("shop") as opened:
            assert {t: len(opened.read(t)) for t in opened.tables} == whole, left
        before = file.read_bytes()
    assert ended[200] == 3 and ended[400] == 3


def test_rows_left_in_the_write_ahead_log_are_noticed(project, monkeypatch):
    write(project, company(20))
    path = reserve.load("shop").path
    before = path.read_bytes()

    def forgetful(store_, name, rows):
        write_table(store_, name, rows if name != "orders" else rows.iloc[1:])

    write_table = store._write
    monkeypatch.setattr(store, "_write", forgetful)
    with pytest.raises(OSError, match="orders holds 79 of 80 rows.*is untouched"):
        reserve.load("shop")
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_only_its_owner_may_read_a_reserve_also_while_it_is_being_built(project, monkeypatch):
    modes = []

    def watched(path, expected):
        modes.extend(stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path.parent.parent))
        verify(path, expected)

    verify = store._verify
    monkeypatch.setattr(store, "_verify", watched)
    write(project, company(20))
    path = reserve.load("shop").path
    path.chmod(0o644)  # as older versions left it
    assert stat.S_IMODE(reserve.load("shop").path.stat().st_mode) == 0o600
    assert modes[0] == 0o700 and not list(path.parent.glob("reserve.duckdb.*"))


# Imports


def test_the_modules_of_the_reserve_import_each_other_in_no_circle():
    graph = {}
    for file in Path(reserve.__file__).parent.glob("*.py"):
        found = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cxlib.reserve"):
                found |= {node.module.rpartition(".")[2], *(a.name for a in node.names)}
        graph[file.stem] = found - {"reserve"}
    known = {stem: found & set(graph) for stem, found in graph.items() if stem != "__init__"}
    assert list(graphlib.TopologicalSorter(known).static_order())


# Hostile names

INJECTION = "region\" from responses r; copy (select 'gone') to '{place}'; --"
HOSTILE = [
    'a"b',
    "it's",
    "semi;colon",
    "two\nlines",
    "-- remark",
    "/* remark */",
    "select",
    "rowid",
    "at",
    "_row",
    "名前",
    "é",
    "É",
    "x" * 3000,
    "{mine}",
    "$day",
    "$horizon",
    "?",
    "%s",
    "\\",
    "a b",
    "",
    "_cxlab_row",
    "_cxlab_keys_name",
    "name",
    "code",
    "b",
    "w",
    "x0",
    "g0",
    "pattern",
    "left",
    "Plan",
    "plan",
    "PLAN",
    "tenure_days",
    "who",
    "n",
    "day",
    "c",
    "responses",
    "a.b",
    "\t",
    "\u202e",
]


def test_a_header_that_holds_sql_is_a_name_and_nothing_else(project):
    place = project / "gone.csv"
    data = company(30)
    name = INJECTION.format(place=place)
    data["customers"][name] = ["north", "south"] * 15
    write(project, data)
    reserve.load("shop")
    assert not place.exists()
    with reserve.open("shop") as opened:
        assert opened.responses()[name].isin(["north", "south"]).all()
        rows = opened.responses(where=expressions.equal(name, "north"))
        assert 0 < len(rows) < len(opened.responses())
        assert not place.exists()


def test_a_connection_of_the_reserve_reaches_no_file_and_stays_so(project):
    write(project, company(20))
    reserve.load("shop")
    outside = project / "data/shop/orders.csv"
    with reserve.open("shop") as opened:
        for statement in (
            f"select * from read_csv('{outside}')",
            f"copy (select 1) to '{project / 'made.csv'}'",
            f"attach '{project / 'made.duckdb'}'",
            "set enable_external_access = true",
            "set threads = 1",
        ):
            with pytest.raises(Exception, match="disabled|locked|Cannot"):
                opened.store.execute(statement)
    assert not (project / "made.csv").exists()


names = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


DATES = ("joined_on", "left_on", "answered_on", "at", "opened_at", "solved_at")


OWN = {table: tuple(rows) for table, rows in company(1).items()}


def taken(table: str, rows: pd.DataFrame) -> Intake:
    """The table as the intake hands it on."""
    dates = {d: pd.to_datetime(rows[d]) for d in DATES if d in OWN[table]}
    return Intake(table, rows.assign(**dates), pd.DataFrame(columns=QUARANTINE), len(rows))


def frames(columns: list[str]) -> dict[str, pd.DataFrame]:
    """Every table of a small company with these columns added."""
    data = company(12)
    for rows in data.values():
        for place, column in enumerate(columns):
            if column not in rows:
                rows[column] = [f"{place}{'ab'[i % 2]}" for i in range(len(rows))]
    return data


@settings(
    max_examples=3,  # beside those written here, which have every hostile name
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(columns=HOSTILE)
@example(columns=["Plan", "PLAN", "plan "])
@given(columns=st.lists(names, min_size=1, max_size=6, unique=True))
def test_columns_of_any_name_are_stored_and_asked_for_as_they_are(columns, project):
    data = frames(columns)
    write(project, company(12))
    about = study.read("shop")
    store.build(
        about, {table: taken(table, rows) for table, rows in data.items()}, {"study.yaml": ""}
    )
    with reserve.Reserve(about) as opened:
        for table, rows in data.items():
            stored = sql.distinct(rows)
            read = opened.read(table)
            for column in columns:
                value = str(rows[column].iloc[0])
                assert len(read[stored[column]]) == len(rows)
                if stored[column] in DATES or column in OWN[table]:
                    continue
                kept = opened.read(table, where=expressions.equal(stored[column], value))
                assert set(kept[stored[column]]) == {value}
        assert len(opened.customers.as_of("2026-05-01"))
        assert len(opened.journeys.transitions())
        opened.sums("responses", ["satisfied", "speed"], weight="weight", cluster="customer_id")


@settings(max_examples=12, deadline=None)
@given(wave=values, word=values)
def test_values_of_any_text_are_compared_and_never_run(wave, word):
    rows = pd.DataFrame({"wave": [wave, "2026-Q1"], "channel": [word, "web"]})
    kept = expressions.keep(rows, expressions.equal("wave", wave), "responses")
    assert set(kept["wave"]) == {wave}
    kept = expressions.keep(rows, expressions.equal("channel", word), "responses")
    assert set(kept["channel"]) == {word}


@given(where=st.text(max_size=60))
@settings(max_examples=30, deadline=None)
def test_a_condition_of_any_text_filters_or_is_refused(where):
    rows = pd.DataFrame({'a"b': [1, 2], "channel": ["x", "y"]})
    try:
        kept = expressions.keep(rows, where or "true", "customers")
    except expressions.ExpressionError:
        return
    assert 0 < len(kept) <= 2


@given(column=names.filter(lambda n: n and "\0" not in n), value=values)
@settings(max_examples=10, deadline=None)
def test_pages_by_group_ask_for_any_column_and_value(column, value):
    from cxlib.batch.groups import Group

    stored = sql.distinct([column, "nps"])[column]
    rows = pd.DataFrame({stored: [value, value + "x"], "nps": [9, 10]})
    where = Group((stored,), (value,)).within("nps >= 9")
    if stored == "nps":
        return
    assert expressions.keep(rows, where, "responses")[stored].tolist() == [value]


@pytest.mark.parametrize(
    ("given", "stated", "margin"), [(0, None, None), (0, 0.45, 0.45), (0.2, 0.45, 0.2)]
)
def test_a_page_takes_the_margin_of_the_study_and_assumes_none(given, stated, margin) -> None:
    study = SimpleNamespace(costs=Costs(margin=stated))
    assert reserve.Reserve.margin(study, given) == margin


@pytest.mark.parametrize(("dated", "shown"), [(True, "2026-03-02"), (False, "")])
def test_a_page_names_a_day_of_lists_only_where_the_data_have_days(project, dated, shown):
    from cxlib.batch import planning

    day = {"answered_on": ["2026-03-01"] * 30} if dated else {}
    rows = pd.DataFrame({"response_id": range(30), "recommend": [9, 8, 2] * 10} | day)
    folder = project / "data/shop"
    folder.mkdir(parents=True)
    rows.to_csv(folder / "responses.csv", index=False)
    columns = ", ".join(f"{c}: {c}" for c in rows)
    (folder / "study.yaml").write_text(
        "title: Shop\nlicence: own\nitems:\n"
        "  recommend: {label: Recommend, role: nps, scale: [0, 10]}\n"
        f"tables:\n  responses: {{files: responses.csv, columns: {{{columns}}}}}\n",
        "utf-8",
    )
    reserve.load("shop")
    opened = reserve.open("shop")
    page = Path(__file__).parents[1] / "notebooks/41_what_shall_we_do_next.ipynb"
    assert planning._today(opened, page, {}) == shown
    if not dated:
        assert opened.today == f"{pd.Timestamp.today():%Y-%m-%d}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds a process")
def test_what_a_connection_holds_in_memory_is_bounded() -> None:
    asked = "select current_setting('memory_limit')"
    own = "import resource; from cxlib.data import sql;"
    own += "resource.setrlimit(resource.RLIMIT_DATA, (2**32, resource.RLIM_INFINITY));"
    own += f'print(sql.connect().execute("{asked}").fetchone()[0])'
    done = subprocess.run([sys.executable, "-c", own], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2.0 GiB"
    with sql.connect() as store:  # of two pages at a time, four fifths together
        [said] = store.execute(asked).fetchone()
    number, unit = said.split()
    held = float(number) * {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]
    assert held < 0.45 * psutil.virtual_memory().total
