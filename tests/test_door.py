"""With `leave_rows: false` no row of a customer leaves the store, and estimates are the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlib import csi, drivers, reserve, scores, weights
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.core.sample import Sample
from cxlib.data import study as study_
from cxlib.data.schema import Limits, Reporting
from cxlib.reserve import door, limits
from cxlib.reserve.door import Held, TooFew
from cxlib.reserve.nonresponse import NEEDED, silent_shares
from cxlib.reserve.stored_sample import StoredSample
from cxlib.stats.resampling import MAX_CLUSTERS, keys_of

ROOT = Path(__file__).parents[1]
LEAST = 3  # a wave of the sample has some 450 customers, too few for 32 buckets of ten
NUMBERS = r"select (min\(n\)|count|case when p|wave, count|approx)|describe"
OF_PEOPLE = ("customers", "responses", "invitations", "events", "orders", "cases", "comments")


class Spied:
    """A connection that keeps what was sent through it."""

    def __init__(self, connection):
        self.connection, self.sent = connection, []

    def execute(self, query, values=None):
        self.sent.append(query)
        return self.connection.execute(query, values)

    def __getattr__(self, name):
        return getattr(self.connection, name)


pytestmark = pytest.mark.usefixtures("loaded_sample")


@pytest.fixture
def held(monkeypatch):
    """The sample with its rows kept in; its `_bounded` keeps all queries that are sent."""
    bounded = limits.bounded
    monkeypatch.setattr(limits, "bounded", lambda *given: Spied(bounded(*given)))
    return opened(leave_rows=False, smallest_cell=LEAST)


def rows_sent(study: reserve.Reserve) -> list[str]:
    """Queries of customers' tables that were sent, and whose rows may be of few customers."""
    tables = rf"\b_?({'|'.join(OF_PEOPLE)})\b"
    asked = [q for q in study._bounded.sent if re.search(tables, q) and not re.match(NUMBERS, q)]
    held = [q for q in asked if isinstance(q, Held)]
    fewest = {q: study._opened().execute(q.people).fetchone()[0] for q in held}
    return [q for q in asked if fewest.get(q, 0) < LEAST]


@pytest.fixture(scope="module")
def loaded_sample():
    """The reserve of the sample."""
    reserve.open("sample").close()


def opened(**reporting) -> reserve.Reserve:
    about = study_.read("sample")
    changed = {"reporting": Reporting(**reporting), "limits": Limits(rows_at_most=1000)}
    return reserve.Reserve(about.model_copy(update=changed))


def weighed_together(study: reserve.Reserve) -> Sample:
    """Answers weighted for all waves together: single waves have combinations of too few."""
    rows = study.read("responses")
    return weights.weigh(Sample(rows, cluster="customer_id", draws=50), study.margins)


@pytest.mark.slow
def test_what_needs_rows_is_refused_and_not_sent(held):
    study = held
    for table in ("customers", "orders", "comments", "events"):
        with pytest.raises(RowsStay, match="leave_rows: false"):
            study.read(table)
    with pytest.raises(InsufficientData, match="needs rows"):  # a part that is left out on a page
        _ = study.sample().data
    with pytest.raises(RowsStay):
        study.sample("comments")
    with pytest.raises(RowsStay):
        study.customers.profiles()
    assert not rows_sent(study)


@pytest.mark.slow
def test_scores_and_index_are_those_of_all_rows_though_none_is_sent(held, capsys):
    study = held
    whole = opened()
    whole = reserve.Reserve(whole.study.model_copy(update={"limits": Limits()}))
    rows, sums = weighed_together(whole), study.sample(draws=50)
    assert isinstance(sums, StoredSample)
    assert "weighted for all waves together" in capsys.readouterr().out
    model = csi.model_of(study.study.model)
    options = csi.Options(whole.scales)
    for method in (
        lambda s: scores.trend(s, "recommend"),
        lambda s: scores.trend(s, "satisfaction1"),
        lambda s: csi.fit(s, model, options),
    ):
        ours, theirs = method(sums).table, method(rows).table
        same = [c for c in ("term", "wave", "n") if c in theirs]
        pd.testing.assert_frame_equal(ours[same], theirs[same], check_dtype=False)
        np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=1e-9)
        width = (ours["high"] - ours["low"]) / (theirs["high"] - theirs["low"])
        assert width.between(0.5, 2).all()
    assert len(study._bounded.sent) > 10
    assert not rows_sent(study)


@pytest.mark.slow
def test_drivers_are_those_of_all_rows_though_none_is_sent(held):
    study = held
    whole = reserve.Reserve(opened().study.model_copy(update={"limits": Limits()}))
    rows, sums = weighed_together(whole), study.sample(draws=50)
    asked = study.outcome, study.drivers
    for method in (
        lambda s: drivers.importance(s, *asked, missing="dummy").table,
        lambda s: drivers.gains(s, *asked, missing="dummy").table,
        lambda s: drivers.penalty_reward(s, *asked, missing="dummy").table,
    ):
        ours, theirs = (method(s).sort_values(["term", "estimate"]) for s in (sums, rows))
        assert ours["term"].tolist() == theirs["term"].tolist()
        np.testing.assert_allclose(ours[["estimate", "n"]], theirs[["estimate", "n"]], rtol=1e-8)
        width = (ours["high"] - ours["low"]).sum() / (theirs["high"] - theirs["low"]).sum()
        assert 0.7 < width < 4  # wider, as of some 32 groups in place of 2,000 customers
    with pytest.raises(InsufficientData, match="leave_rows: false"):
        drivers.importance(sums, *asked, missing="em")
    assert not rows_sent(study)


@pytest.mark.slow
def test_a_bucket_has_as_many_customers_as_it_says(held):
    study = held
    counted = study.sample().of("recommend", "wave").data
    rows = opened().read("responses", columns=["wave", "customer_id"])
    buckets = counted["customer_id"].nunique()
    size = MAX_CLUSTERS // 32
    assert buckets == 32
    bucket = keys_of(rows, "customer_id") // size * size
    people = rows.groupby(["wave", bucket])["customer_id"].nunique()
    assert people.min() >= LEAST
    answers = counted.groupby(["wave", "customer_id"])["_rows"].sum()
    expected = rows.groupby(["wave", bucket]).size()
    assert answers.to_dict() == expected.to_dict()


@pytest.mark.slow
def test_groups_and_margins_of_too_few_are_refused():
    with pytest.raises(RowsStay, match="State fewer margins"):  # five customers of one combination
        opened(leave_rows=False, smallest_cell=10).sample()
    study = opened(leave_rows=False, smallest_cell=LEAST)
    with pytest.raises(TooFew, match="fewer than 3 customers"):
        study.sample().of("recommend", "wave", "hotel")
    with pytest.raises(RowsStay, match="by pairs"):
        study.sample().sums(["website", "room"], missing="pairwise", by=None, origin=None)


@pytest.mark.slow
def test_small_numbers_and_rare_values_do_not_leave():
    study = opened(leave_rows=False, smallest_cell=LEAST)
    [some] = opened().read("responses", columns=["customer_id"])["customer_id"].head(1)
    with pytest.raises(TooFew):  # a condition on one customer, whose answers are a small number
        study.sample(where=f"customer_id = '{some}'")
    store = study.store
    with pytest.raises(RowsStay):
        store.execute("select customer_id, count(*) from responses group by 1")
    with pytest.raises(RowsStay):
        store.execute("select count(*) from orders union all select amount from orders")
    with pytest.raises(RowsStay):
        store.execute("select count(distinct wave) from responses group by customer_id")
    with pytest.raises(RowsStay):
        store.sql("select * from orders")
    assert store.execute("select count(distinct wave) from responses").fetchall() == [(8,)]
    assert store.execute("select count(*) from responses where wave = 'none'").fetchall() == [(0,)]
    assert store.execute("select count(*) from responses").fetchall() == [(3649,)]


def test_sums_of_a_query_are_sent_only_above_the_smallest_cell():
    study = opened(leave_rows=False, smallest_cell=10)
    total = "select plan, count(*) as n from customers group by 1 order by 1"
    people = door.fewest(["plan"], "customers", "true")
    assert len(study.store.execute(Held(total, people)).df()) == 3
    few = door.fewest(["plan", "joined_on"], "customers", "true")
    with pytest.raises(TooFew):
        study.store.execute(Held(total, few))


@pytest.mark.slow
def test_shares_of_the_silent_are_counted_in_the_store():
    study = opened()
    asked = study.read("invitations", columns=NEEDED).dropna(subset=["wave", "customer_id"])
    answered = asked["response_id"].notna().groupby([asked["wave"], asked["customer_id"]]).any()
    assert silent_shares(study) == pytest.approx((1 - answered.groupby(level=0).mean()).to_dict())
    assert silent_shares(opened(leave_rows=False)) == pytest.approx(silent_shares(study))


@pytest.mark.slow
def test_a_page_that_needs_rows_says_why_and_scores_are_made(tmp_path, monkeypatch):
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    file = tmp_path / "data" / "sample" / "study.yaml"
    stated = "reporting: {smallest_cell: 10, control_limits: 3}"
    assert stated in (text := file.read_text())
    file.write_text(text.replace(stated, "reporting: {smallest_cell: 3, leave_rows: false}"))
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    out = tmp_path / "out"
    asked = ["run", "sample", "10", "23", "40", "-p", "DRAWS=100", "-o", str(out), "--jobs", "1"]
    done = subprocess.run([sys.executable, "-m", "cxlib.cli", *asked], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    pages = {p["page"]: p for p in json.loads((out / "run.json").read_text())["pages"]}
    satisfied, comments, changes = (pages[p] for p in sorted(pages))
    assert (satisfied["status"], comments["status"], changes["status"]) == ("ok", *2 * ["skipped"])
    assert "leave_rows: false" in comments["lacking"][0]
    assert "leave_rows: false" in changes["lacking"][0]
