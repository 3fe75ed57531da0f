"""Databases, addresses on the web and survey platforms; a PostgreSQL of our own, no network."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import postgres_server
import pytest
from pydantic import ValidationError

from cxlib.data import live
from cxlib.data.intake import read_file
from cxlib.data.mapping import File, Readable
from cxlib.data.sources import SourceError, csv_address

TABLES = """
create schema shop;
create table shop.answers (id bigint, nps smallint, amount numeric(12, 2), member boolean,
  answered timestamp, code text, wide numeric(30, 0));
insert into shop.answers values
  (9007199254740993, 10, 2.10, true, '2026-01-02 03:04:05', '007', 12345678901234567890),
  (2, null, 1234.5, null, null, '', null);
create sequence shop.numbers;
create role reader login password 'p@ss/word';
grant usage on schema shop to reader;
grant select on shop.answers to reader;
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[int]:
    """The port of a PostgreSQL that asks for passwords; its server is stopped afterwards."""
    with postgres_server.running(TABLES) as port:
        yield port


@pytest.fixture
def reader(monkeypatch, postgresql) -> str:
    monkeypatch.setenv("PGUSER", "reader")
    monkeypatch.setenv("PGPASSWORD", "p@ss/word")
    return f"postgresql://127.0.0.1:{postgresql}/postgres"


def rows(folder: Path, address: str, **keys: str) -> pd.DataFrame:
    path, _ = live.fetch(Readable(**{"from": address, **keys}), folder)
    return read_file(path, address).frame


@pytest.mark.slow
def test_a_table_of_a_database_keeps_the_types_of_its_server(reader, tmp_path):
    frame = rows(tmp_path, reader, table="shop.answers")
    assert frame["id"].tolist() == [9007199254740993, 2]
    assert frame["nps"].dtype == "Int64" and frame["nps"].isna().tolist() == [False, True]
    assert frame["amount"].tolist() == [2.10, 1234.5]
    assert frame["member"].dtype == "boolean"
    assert frame["answered"].iloc[0] == pd.Timestamp("2026-01-02 03:04:05")
    assert frame["code"].iloc[0] == "007"
    assert frame["wide"].iloc[0] == "12345678901234567890"


@pytest.mark.slow
def test_a_query_gives_its_rows_and_a_change_is_noted(reader, tmp_path):
    file = Readable(**{"from": reader, "query": "select id, nps from shop.answers where nps > 9; "})
    _, first = live.fetch(file, tmp_path)
    path, second = live.fetch(file, tmp_path)
    assert len(read_file(path).frame) == 1
    assert "for the first time" in first[0] and "unchanged since" in second[0]
    path.write_bytes(b"another")
    assert "CHANGED since" in live.fetch(file, tmp_path)[1][0]
    assert oct(path.stat().st_mode & 0o777) == "0o600"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"table": "shop.orders"}, "does not exist"),
        ({"query": "delete from shop.answers returning *"}, "syntax error"),
        ({"query": "select nextval('pg_catalog.x')"}, "does not exist"),
        ({}, "which `table:`"),
    ],
)
def test_what_is_no_reading_of_a_table_is_refused(reader, tmp_path, keys, says):
    with pytest.raises(SourceError, match=says):
        rows(tmp_path, reader, **keys)


@pytest.mark.slow
def test_a_query_cannot_write_even_through_a_function(postgresql, tmp_path, monkeypatch):
    monkeypatch.setenv("PGUSER", "owner")
    monkeypatch.setenv("PGPASSWORD", "root secret")
    with pytest.raises(SourceError, match="read-only transaction"):
        rows(
            tmp_path,
            f"postgresql://127.0.0.1:{postgresql}/postgres",
            query="select nextval('shop.numbers')",
        )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            "UNAUTHORIZED: [libpq] Failed to execute query: ERROR:  permission denied for table a"
            "\n\nQuery was: COPY (select 1) TO STDOUT. SQLSTATE: 42501",
            "permission denied for table a. Ask its owner to grant SELECT to your user.",
        ),
        (
            'NOT_FOUND: ERROR:  column "b" does not exist\nLINE 1: select b\n               ^\n\n'
            "Query was: select b. SQLSTATE: 42703",
            'column "b" does not exist. Compare study.yaml with the tables there, correct it and '
            "run `cx load` again.",
        ),
        (
            "IO: Failed to prepare query: FATAL:  terminating connection due to administrator "
            "command\nserver closed the connection unexpectedly\n\tThis probably means the server "
            "terminated abnormally\n",
            "terminating connection due to administrator command server closed the connection "
            "unexpectedly. The connection was lost. Run the same command again.",
        ),
        ("IO: [libpq] Failed to connect: refused", f"refused. {live.SERVER}"),
    ],
)
def test_an_error_of_a_server_is_said_with_what_to_do(error, says):
    assert live.in_words(OSError(error)).endswith(says)


@pytest.mark.slow
def test_a_wrong_password_is_said_without_it(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB", reader.replace("://", "://reader:wrong-one@"))
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(SourceError, match="password authentication failed") as error:
        rows(tmp_path, "${SHOP_DB}", table="shop.answers")
    assert "wrong-one" not in str(error.value) and "${SHOP_DB}" in str(error.value)


@pytest.mark.slow
def test_a_variable_may_hold_a_password_with_signs(reader, tmp_path, monkeypatch):
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("SHOP_SECRET", "p@ss/word")
    address = reader.replace("://", "://reader:${SHOP_SECRET}@")
    assert len(rows(tmp_path, address, table="shop.answers")) == 2


@pytest.mark.slow
def test_a_study_loads_from_a_database(reader, tmp_path, monkeypatch):
    import yaml

    from cxlib import reserve

    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "shop").mkdir(parents=True)
    about = {
        "title": "Shop",
        "source": "us",
        "licence": "internal",
        "tables": {
            "responses": {
                "files": [{"from": reader, "table": "shop.answers"}],
                "columns": {"response_id": "id"},
            }
        },
        "items": {"nps": {"label": "Recommend", "scale": [0, 10], "role": "nps"}},
    }
    (tmp_path / "data/shop/study.yaml").write_text(yaml.safe_dump(about))
    loaded = reserve.load("shop")
    assert loaded.counts["kept"].tolist() == [2]
    assert "fetched at" in str(loaded)
    assert reserve.open("shop")["responses"]["response_id"].tolist() == ["9007199254740993", "2"]


# Where passwords may stand, and where they may go


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hunter2@db.example.org/shop",
        "postgresql://db.example.org/shop?user=me&password=hunter2",
        "https://me:hunter2@example.org/a.csv",
        "https://example.org/a.csv?token=hunter2",
    ],
)
def test_a_password_in_study_yaml_is_refused_and_not_repeated(address):
    with pytest.raises(ValidationError, match="study.yaml is shared") as error:
        File(**{"from": address})
    assert "hunter2" not in error.value.errors()[0]["msg"]


def test_a_file_and_an_address_are_one_too_many():
    for keys in ({}, {"file": "a.csv", "from": "https://example.org/a.csv"}):
        with pytest.raises(ValidationError, match="either `file` or `from`"):
            File(**keys)


def test_a_password_goes_only_to_a_host_that_the_user_named(monkeypatch, tmp_path):
    pytest.importorskip("adbc_driver_postgresql")
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("PGHOST", "db.invalid")
    monkeypatch.setenv("ANY_TOKEN", "secret")
    for address in ("postgresql://evil.invalid/x", "postgresql://me:${ANY_TOKEN}@evil.invalid/x"):
        with pytest.raises(SourceError, match="would go to evil.invalid"):
            rows(tmp_path, address, table="a")
    with pytest.raises(SourceError, match="(?i)could not translate|name or service|Is the server"):
        rows(tmp_path, "postgresql://db.invalid/x", table="a")


def test_a_variable_that_is_not_set_is_named(tmp_path):
    with pytest.raises(SourceError, match="the environment has no CX_NO_SUCH"):
        rows(tmp_path, "${CX_NO_SUCH}", table="a")


def test_other_databases_are_told_what_to_do(tmp_path):
    with pytest.raises(SourceError, match=r"addresses begin with postgresql.*CSV or Parquet"):
        rows(tmp_path, "oracle://db/x", table="a")


# The web


@pytest.mark.parametrize(
    ("url", "csv"),
    [
        (
            "https://docs.google.com/spreadsheets/d/1aB-_/edit#gid=0",
            "1aB-_/export?format=csv&gid=0",
        ),
        (
            "https://docs.google.com/spreadsheets/d/1aB/edit?usp=sharing&gid=42#gid=42",
            "1aB/export?format=csv&gid=42",
        ),
        ("https://docs.google.com/spreadsheets/d/1aB/view", "1aB/export?format=csv&gid=0"),
        ("https://docs.google.com/spreadsheets/d/e/2PX/pub?output=csv", "e/2PX/pub?output=csv"),
    ],
)
def test_the_address_of_a_google_sheet_becomes_that_of_its_csv(url, csv):
    assert csv_address(url) == f"https://docs.google.com/spreadsheets/d/{csv}"


ANSWERS = b"id,nps\n1,9\n2,10\n"


class Recorded(BaseHTTPRequestHandler):
    """Answers as recorded by us: a file, Qualtrics' export and LimeSurvey's RemoteControl."""

    def do_GET(self) -> None:
        if self.path == "/a.csv":
            return self._answer(ANSWERS)
        if self.headers.get("X-API-TOKEN") != "q-token":
            return self._answer(b"{}", 401)
        if self.path.endswith("/ES_1"):
            self.server.polls += 1
            done = self.server.polls > 1
            found = {"percentComplete": 100.0, "status": "complete", "fileId": "f-1"}
            found = found if done else {"percentComplete": 40.0, "status": "inProgress"}
            return self._answer(json.dumps({"result": found}).encode())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("Customer survey.csv", QUALTRICS)
        return self._answer(packed.getvalue())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        if self.path.startswith("/API/v3"):
            return self._answer(json.dumps({"result": {"progressId": "ES_1"}}).encode())
        result = {
            "get_session_key": "s-key"
            if asked.get("params") == ["me", "pw"]
            else {"status": "Invalid user name or password"},
            "export_responses": base64.b64encode(ANSWERS).decode(),
            "release_session_key": "OK",
        }[asked["method"]]
        return self._answer(json.dumps({"id": 1, "result": result, "error": None}).encode())

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


QUALTRICS = (
    "StartDate,ResponseId,Q1\nStart Date,Response ID,How likely are you to recommend us?\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\n'
    "2026-01-02 03:04:05,R_1,9\n2026-01-03 03:04:05,R_2,10\n"
)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorded) as running:
        running.polls, running.asked = 0, []
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.mark.slow
def test_a_file_on_the_web_is_fetched_at_each_load(server, tmp_path):
    assert rows(tmp_path, f"{server.url}/a.csv")["nps"].tolist() == ["9", "10"]


@pytest.mark.slow
def test_qualtrics_exports_its_answers(server, tmp_path, monkeypatch):
    monkeypatch.setenv("QUALTRICS_BASE_URL", server.url)
    monkeypatch.setenv("QUALTRICS_API_TOKEN", "q-token")
    path, _ = live.fetch(Readable(**{"from": "qualtrics:SV_1?useLabels=true"}), tmp_path)
    raw = read_file(path, "qualtrics:SV_1")
    assert raw.frame["Q1"].tolist() == ["9", "10"]
    assert raw.labels["Q1"] == "How likely are you to recommend us?"
    assert server.asked == [{"format": "csv", "useLabels": True}] and server.polls == 2


def test_limesurvey_exports_its_answers(server, tmp_path, monkeypatch):
    for name, value in {"URL": server.url, "USER": "me", "PASSWORD": "pw"}.items():
        monkeypatch.setenv(f"LIMESURVEY_{name}", value)
    assert rows(tmp_path, "limesurvey:4711")["nps"].tolist() == ["9", "10"]
    methods = [asked["method"] for asked in server.asked]
    assert methods == ["get_session_key", "export_responses", "release_session_key"]
    monkeypatch.setenv("LIMESURVEY_PASSWORD", "wrong")
    with pytest.raises(SourceError, match="Invalid user name or password"):
        rows(tmp_path, "limesurvey:4711")


def test_platforms_say_which_variables_they_need(tmp_path, server, monkeypatch):
    with pytest.raises(SourceError, match="QUALTRICS_BASE_URL and QUALTRICS_API_TOKEN"):
        rows(tmp_path, "qualtrics:SV_1")
    monkeypatch.setenv("QUALTRICS_BASE_URL", server.url)
    monkeypatch.setenv("QUALTRICS_API_TOKEN", "another")
    with pytest.raises(SourceError, match=r"progress|401|Is the token right"):
        rows(tmp_path, "qualtrics:SV_1")
    monkeypatch.setenv("QUALTRICS_BASE_URL", "http://fra1.qualtrics.com")
    with pytest.raises(SourceError, match="is not https"):
        rows(tmp_path, "qualtrics:SV_1")
