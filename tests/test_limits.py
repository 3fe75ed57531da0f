"""More answers than a page reads, and queries of more rows than study.yaml allows."""

from __future__ import annotations

from hashlib import md5

import numpy as np
import pandas as pd
import pytest

from cxlib import reserve, stats
from cxlib.core.sample import Sample
from cxlib.data import sql
from cxlib.data import study as study_
from cxlib.data.schema import Limits
from cxlib.reserve import limits, subsample, tables_read
from cxlib.reserve.store import ReserveError

N = 20_000


@pytest.fixture(scope="module")
def store():
    """Answers of 8,000 customers in a small wave and two large ones, some of nobody known."""
    rng = np.random.default_rng(3)
    who = rng.integers(0, 8000, N)
    rows = pd.DataFrame(
        {
            "customer_id": pd.Series(who).map("c{}".format).where(who % 50 > 0),
            "wave": np.where(np.arange(N) < 2000, "1", np.where(np.arange(N) < 11_000, "2", "3")),
            "score": who % 11,
            sql.ROW: np.arange(N),
        }
    )
    with sql.connect() as opened:
        opened.register("rows", rows)
        opened.execute("create table responses as select * from rows").fetchall()
        yield opened


def _plan(store, at_most: int) -> subsample.Plan | None:
    return subsample.plan(store, "responses", ["customer_id", "wave", "score"], at_most)


def _read(store, holds: str) -> pd.DataFrame:
    return store.execute(f"select * from responses where {holds} order by {sql.ROW}").df()


def test_no_more_rows_than_are_read_are_all_read(store):
    assert _plan(store, N) is None


def test_customers_are_chosen_by_their_hash(store):
    plan = _plan(store, 8000)
    assert plan.shares == pytest.approx({"1": 1.0, "2": 1 / 3, "3": 1 / 3})
    rows = _read(store, plan.holds)
    everybody = _read(store, "true")
    name = everybody["customer_id"].fillna("row " + everybody[sql.ROW].astype(str))
    key = name.map(lambda n: int(md5(n.encode(), usedforsecurity=False).hexdigest()[8:14], 16))
    wanted = everybody[key < everybody["wave"].map(plan.shares) * subsample.KEYS]
    assert rows[sql.ROW].tolist() == wanted[sql.ROW].tolist()
    assert 7500 < len(rows) < 8500


def test_weights_stand_for_the_rows_that_are_not_read(store):
    plan = _plan(store, 8000)
    rows = plan.weighted(_read(store, plan.holds))
    stands_for = rows.groupby("wave")["weight"].sum()
    assert stands_for.to_dict() == pytest.approx({"1": 2000, "2": 9000, "3": 9000}, rel=0.05)
    own = plan.weighted(_read(store, plan.holds).assign(weight=2.0))["weight"]
    assert own.tolist() == (2 * rows["weight"]).tolist()
    mean = np.average(rows["score"], weights=rows["weight"])
    assert mean == pytest.approx(_read(store, "true")["score"].mean(), abs=0.15)


def test_the_sampling_error_that_it_adds_is_told(store):
    # by hand: all rows have the variance 1 / 20,000; these (2,000 + 3 * 9,000 + 3 * 9,000) / N**2
    plan = _plan(store, 8000)
    assert plan.widening == pytest.approx(np.sqrt(56_000 / 20_000))
    assert "about 1.7 times as wide" in plan.sentence()
    assert "Of 20,000 answers about 8,000 are read" in plan.sentence()


@pytest.mark.slow
def test_intervals_are_wider_by_what_is_told(store):
    plan, drawn = _plan(store, 8000), {"cluster": "customer_id", "draws": 400, "seed": 1}
    everybody, few = _read(store, "true"), plan.weighted(_read(store, plan.holds))
    large = [k for k in ("2", "3") if plan.shares[k] < 1]  # of equal share: the mean of these
    widths = []
    for rows in (everybody.assign(weight=1.0), few):
        sample = Sample(rows[rows["wave"].isin(large)], weight="weight", **drawn)
        found = stats.bootstrap(sample, lambda r, w: np.average(r["score"], weights=w))
        widths.append(float(found.table["high"].iloc[0] - found.table["low"].iloc[0]))
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(3), rel=0.12)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_rows_scanned": 19_999}, "a query reads responses with 20,000 rows"),
        ({"max_rows_fetched": 8_000}, "a query of responses would bring 9,000 rows"),
    ],
)
def test_a_query_above_the_limits_is_refused_before_it_is_sent(store, asked, message):
    counted, sent = {"responses": N}, []
    bounded = limits.bounded(_Recorded(store, sent), Limits(**asked), counted)
    with pytest.raises(ReserveError, match=message):
        bounded.execute("select score from responses where wave = $w", {"w": "2"})
    assert [query for query in sent if "count(*)" not in query] == []


def test_a_query_within_the_limits_is_answered(store):
    bounded = limits.bounded(
        store, Limits(max_rows_fetched=2000, max_rows_scanned=N), {"responses": N}
    )
    assert len(bounded.execute("select score from responses where wave = '1'").df()) == 2000
    assert limits.bounded(store, Limits(), {}) is store


def test_queries_of_a_page_are_counted_with_their_rows_and_bytes(store, tmp_path, monkeypatch):
    file = tmp_path / "read"
    file.touch()
    assert tables_read.noted(store) is store  # nothing is noted of a notebook that is opened
    monkeypatch.setenv(tables_read.FILE, str(file))
    noted = tables_read.noted(store)
    rows = noted.execute("select score, wave from responses where wave = '1'").df()
    assert noted.execute("select count(*), 1 from responses").fetchall() == [(N, 1)]
    noted.execute("select score from responses limit 5").fetchnumpy()
    size = int(rows.memory_usage(index=False).sum()) + 2 * 8 + 5 * 8
    cost = tables_read.cost(file)
    assert 0 < cost.pop("seconds") < 60
    assert cost == {"queries": 3, "rows": 2000 + 1 + 5, "bytes": size}
    assert tables_read.names(file) == {"responses"}
    few = limits.bounded(store, Limits(max_rows_fetched=2000), {"responses": N})
    few.execute("select score from responses where wave = '1'")  # counted first, which is a scan
    assert tables_read.cost(file)["queries"] == 4


@pytest.mark.slow
def test_a_page_of_a_table_that_is_too_large_is_not_called_ready(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text("o,c,d\n1,a,2026-03-01\n2,b,2026-03-02\n3,a,2026-03-02\n")
    (folder / "study.yaml").write_text(
        "title: S\nlimits: {max_rows_scanned: 2}\ntables:\n  orders: {files: orders.csv, "
        "columns: {order_id: o, customer_id: c, at: d}}\n"
    )
    reserve.load("shop")
    with reserve.Reserve(study_.read("shop")) as opened:
        [why] = opened.lacks(["orders"])
        assert "reads orders with 3 rows; limits.max_rows_scanned of study.yaml allows 2" in why
        assert opened.last_day is not None  # the first and last days are known all the same
        with pytest.raises(limits.TooManyRows):
            opened.read("orders")


class _Recorded:
    """A connection that notes what it is asked."""

    def __init__(self, store, sent: list[str]) -> None:
        self._store, self._sent = store, sent

    def execute(self, query: str, values: object = None):
        self._sent.append(query)
        return self._store.execute(query, values)
