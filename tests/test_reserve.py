"""The reserve: whole or not at all, the same sums as pandas, no peeping past a day."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.testing import assert_allclose

from cxlib import reserve, scores, weights
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.data import contract
from cxlib.data.expressions import ExpressionError
from cxlib.data.intake import IntakeError, reasons
from cxlib.privacy import disclosure
from cxlib.reserve import ReserveError, loading, quality, store
from cxlib.stats import moments, resampling

pytestmark = pytest.mark.slow  # whole files are drafted, checked or loaded

DAY = pd.Timestamp("2026-01-01")


def company(n: int = 60) -> dict[str, pd.DataFrame]:
    """A small seeded company: customers, responses in two waves, orders, cases, events."""
    rng = np.random.default_rng(3)
    who = [f"c{i:02d}" for i in range(n)]

    def dates(size: int) -> pd.Series:
        return pd.Series((DAY + pd.to_timedelta(rng.integers(0, 300, size), "D")).strftime("%F"))

    left = dates(n).where(rng.random(n) < 0.4)
    m = 4 * n
    answers = pd.DataFrame(
        {
            "response_id": range(m),
            "customer_id": rng.choice(who, m),
            "answered_on": dates(m),
            "wave": rng.choice(["2026-Q1", "2026-Q2"], m),
            "channel": rng.choice(["web", "shop"], m),
            "weight": rng.uniform(0.5, 2, m).round(3),
        }
    )
    for item in ("satisfied", "speed", "staff"):
        answers[item] = pd.Series(rng.integers(1, 11, m)).where(rng.random(m) > 0.1)
    orders = pd.DataFrame({"customer_id": rng.choice(who, m), "at": dates(m)})
    orders["order_id"], orders["amount"] = range(m), rng.uniform(5, 90, m).round(2)
    opened = dates(n)
    solved = (
        (pd.to_datetime(opened) + pd.Timedelta("9D")).dt.strftime("%F").where(opened > "2026-03")
    )
    return {
        "customers": pd.DataFrame(
            {"customer_id": who, "joined_on": "2025-06-01", "left_on": left, "plan": "basic"}
        ),
        "responses": answers,
        "orders": orders,
        "cases": pd.DataFrame(
            {"case_id": range(n), "customer_id": who, "opened_at": opened, "solved_at": solved}
        ),
        "events": pd.DataFrame(
            {"event_id": range(n), "customer_id": who, "at": dates(n), "touchpoint": "shop"}
        ),
    }


def write(root: Path, data: dict[str, pd.DataFrame], name: str = "shop", **keys: object) -> Path:
    folder = root / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    contract = {}
    for table, rows in data.items():
        rows.to_csv(folder / f"{table}.csv", index=False)
        items = ("satisfied", "speed", "staff", "plan")
        columns = {c: c for c in rows if c not in items}
        contract[table] = {"files": f"{table}.csv", "columns": columns, "keep": True}
    item = {"scale": [1, 10], "role": "touchpoint"}
    about = {
        "title": {"en": "Shop", "zh": "商店"},
        "source": "us",
        "licence": "internal",
        "tables": contract,
        "items": {
            "satisfied": {**item, "label": {"en": "Satisfied", "zh": "满意"}, "role": "csat"},
            "speed": {**item, "label": "Speed"},
            "staff": {**item, "label": "Staff"},
        },
    }
    (folder / "study.yaml").write_text(yaml.safe_dump({**about, **keys}, allow_unicode=True))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks").mkdir()
    write(root, company())
    return root


@pytest.fixture(autouse=True)
def at_root(root, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(root))


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """A project of its own, for tests that change it."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    write(tmp_path, company())
    return tmp_path


@pytest.fixture
def shop():
    with reserve.open("shop") as opened:
        yield opened


# Loading


def test_opening_builds_the_reserve_once_and_says_so(own, capsys):
    reserve.open("shop")
    assert "loading shop" in capsys.readouterr().err
    reserve.open("shop")
    assert "loading" not in capsys.readouterr().err


@pytest.mark.parametrize("change", ["study", "file", "missing"])
def test_a_stale_reserve_is_built_anew(own, capsys, change):
    loaded = reserve.load("shop")
    folder = own / "data/shop"
    if change == "study":
        with (folder / "study.yaml").open("a") as f:
            f.write("about: more\n")
    elif change == "file":
        with (folder / "orders.csv").open("a") as f:
            f.write("c01,2026-02-02,9999,12\n")
    else:
        loaded.path.unlink()
    opened = reserve.open("shop")
    assert "loading shop" in capsys.readouterr().err
    assert len(opened["orders"]) == 240 + (change == "file")


def test_a_joined_file_that_changed_makes_the_reserve_stale(own, capsys):
    file = own / "data/shop/study.yaml"
    plan = yaml.safe_load(file.read_text())
    names = [f"c{i:02d}" for i in range(60)]
    towns = pd.DataFrame({"customer_id": names, "town": "Ulm"})
    towns.to_csv(file.with_name("towns.csv"), index=False)
    join = {"file": "towns.csv", "by": "customer_id"}
    customers = plan["tables"]["customers"]
    customers["files"] = [{"file": customers["files"], "join": [join]}]
    customers["columns"]["town"] = "town"
    file.write_text(yaml.safe_dump(plan))
    reserve.load("shop")
    assert set(reserve.open("shop")["customers"]["town"]) == {"Ulm"}
    capsys.readouterr()
    towns.assign(town="Bonn").to_csv(file.with_name("towns.csv"), index=False)
    assert set(reserve.open("shop")["customers"]["town"]) == {"Bonn"}
    assert "loading shop" in capsys.readouterr().err


def test_a_file_touched_but_not_changed_is_not_loaded_again(own, capsys):
    reserve.load("shop")
    os.utime(own / "data/shop/orders.csv", (1, 1))
    reserve.open("shop")
    assert "loading" not in capsys.readouterr().err


def test_the_same_files_have_the_same_fingerprints(own):
    first = reserve.load("shop").counts["sha256"].tolist()
    assert reserve.load("shop").counts["sha256"].tolist() == first
    assert len(set(first)) == len(first)


def test_one_changed_cell_changes_the_fingerprint():
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert store.fingerprint(rows) != store.fingerprint(rows.replace("y", "z"))
    assert store.fingerprint(rows) != store.fingerprint(rows.iloc[::-1])


def test_a_failed_load_leaves_the_old_reserve(own, monkeypatch):
    loaded = reserve.load("shop")
    before = loaded.path.read_bytes()
    monkeypatch.setattr(store, "_made_from", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reserve.load("shop")
    assert loaded.path.read_bytes() == before


def child(code: str, root: Path) -> subprocess.Popen:
    env = {**os.environ, "CX_ROOT": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )


KILLED = """
    import os
    from cxlib import reserve
    from cxlib.reserve import store
    def die(fresh, path):
        assert fresh.exists()
        os._exit(9)          # as a power cut, after the new file is written, before the swap
    store.move_in = die
    reserve.load("shop")
"""


def test_a_load_killed_midway_leaves_the_old_reserve_whole(own):
    loaded = reserve.load("shop")
    before = loaded.path.read_bytes()
    assert child(KILLED, own).wait(60) == 9
    assert (own / "data/shop/reserve.duckdb.new").exists()
    assert loaded.path.read_bytes() == before
    reserve.load("shop")  # the lock died with its process, the half file is swept away
    assert not (own / "data/shop/reserve.duckdb.new").exists()


HOLDING = """
    import sys
    from cxlib.data import study
    from cxlib.reserve import store
    with store.alone(study.read("shop")):
        print("held", flush=True)
        sys.stdin.read()
"""


def test_two_loads_at_once_are_one_too_many(own):
    env = {**os.environ, "CX_ROOT": str(own)}
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDING)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert holder.stdout.readline().strip() == "held"
    with pytest.raises(ReserveError, match=f"being loaded already, by process {holder.pid}"):
        reserve.load("shop")
    holder.communicate("")
    assert reserve.load("shop").check.ok


def test_opening_a_stale_reserve_waits_for_the_load_that_runs(own):
    from threading import Thread

    from cxlib.data import study

    found = study.read("shop")
    waiting = Thread(target=lambda: loading.refresh(found, wait=30))
    with store.alone(found):
        waiting.start()
        time.sleep(0.2)
        assert waiting.is_alive()
        loading._load(found)
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_broken_store_is_built_anew(own, capsys):
    (own / "data/shop/reserve.duckdb").write_bytes(b"not a database")
    assert len(reserve.open("shop")["customers"]) == 60
    assert "cannot be read" in capsys.readouterr().err


def test_a_reader_keeps_its_rows_while_another_loads(own):
    opened = reserve.open("shop")
    assert len(opened["customers"]) == 60
    reserve.load("shop")
    assert len(opened["customers"]) == 60


# Checking


def test_check_says_what_where_how_many_and_what_to_do(own):
    data = company()
    data["responses"].loc[[2, 5], "satisfied"] = 11
    data["orders"].loc[7, "customer_id"] = "nobody"
    write(own, data)
    check = reserve.check("shop")
    assert check.ok and str(check).startswith("shop: all data checks passed but for 2 cell(s)")
    assert "responses.satisfied: 2 cell(s) outside the scale 1 to 10, first '11.0' in row 4" in str(
        check
    )
    assert "warning: orders.customer_id: 1 row(s): not among the customers" in str(check)
    assert not (own / "data/shop/reserve.duckdb").exists()


def test_the_quarantine_is_stored_with_the_tables(own):
    data = company()
    data["responses"].loc[[2, 5], "satisfied"] = 11
    write(own, data)
    opened = reserve.open("shop")
    assert opened.quarantine["row"].tolist() == [4, 7]
    counts = opened.counts.set_index("table").loc["responses"]
    assert counts[["offered", "kept", "quarantined", "cells"]].tolist() == [240, 240, 0, 2]
    assert opened.losses.values.tolist() == [["responses", "satisfied", "cell", 2, 219]]


# Reading


def test_replicate_weights_of_the_file_come_with_the_answers(own):
    data = company()
    for k in range(4):
        data["responses"][f"rep{k}"] = data["responses"]["weight"] * (1 + (-1) ** k)
    write(own, data, replicates={"prefix": "rep", "kind": "brr"})
    sample = reserve.open("shop").sample(wave="2026-Q1")
    moved = resampling.resampling_units(sample).moved
    assert_allclose(moved, np.tile([0.5, -0.5, 0.5, -0.5], (len(sample), 1)))


def test_strata_of_the_study_come_with_the_answers_and_conditions_choose_a_domain(own):
    data = company()
    stratum = np.arange(len(data["responses"])) % 2
    data["responses"]["district"] = np.where(stratum, "east", "west")
    data["responses"]["branch"] = np.arange(len(stratum)) // 10
    write(own, data, sampling={"strata": ["wave", "district"], "psu": "branch"})
    opened = reserve.open("shop")
    whole, some = opened.sample(), opened.sample(where="district = 'east'")
    assert some.design.units == whole.design.units and len(some) < len(whole)
    chosen = whole.where(whole["district"] == "east")
    assert some["response_id"].tolist() == chosen["response_id"].tolist()
    assert (some.design.units_of(some.data) == whole.design.units_of(chosen.data)).all()
    write(own, data, sampling={"strata": ["distric"]})
    with pytest.raises(ReserveError, match="Did you mean 'district'"):
        reserve.open("shop").sample()


def test_opening_begins_a_page_in_the_studys_words(shop):
    reserve.open("shop", lang="zh")
    assert context.current().lang == "zh" and i18n.label("satisfied") == "满意"


def test_opening_reads_nothing_before_it_is_asked(shop):
    opened = reserve.open("shop")
    assert opened._store is None
    assert opened.waves() and opened._store is not None


def test_rows_are_those_of_the_files(shop):
    assert (
        shop["customers"]["customer_id"].tolist() == company()["customers"]["customer_id"].tolist()
    )
    assert shop.read("orders", columns=["amount"])["amount"].sum() == pytest.approx(
        company()["orders"]["amount"].sum()
    )
    assert shop["customers"]["left_on"].dtype.kind == "M"


def test_waves_and_conditions_leave_rows_out_and_losses_add_up(shop, capsys):
    sample = shop.sample(wave="2026-Q1", where="channel = 'web'")
    every = company()["responses"]
    expected = ((every["wave"] == "2026-Q1") & (every["channel"] == "web")).sum()
    assert len(sample) == expected
    shop.report_losses(sample.where(np.arange(len(sample)) > 0))
    printed = capsys.readouterr().out
    assert "240 rows in the files" in printed and f"{expected - 1} after 1 more" in printed


@pytest.mark.parametrize(
    "where",
    [
        "channel == 'web'",
        'channel == "web"',
        'CHANNEL in ("web") and satisfied is not null or speed between 2 and 3',
        "answered_on >= '2026-03-01'",
        "answered_on >= date '2026-03-01' and month(answered_on) < 6",
        "not (staff > 5) or lower(channel) like 'w%'",
        "case when speed > 5 then true else false end",
        "coalesce(speed, 0) + 1 > 5 -- a remark",
    ],
)
def test_conditions_people_write_are_understood(shop, where):
    assert 0 < len(shop.responses(where=where)) <= 240


def test_columns_named_by_words_of_sql_need_no_quotes(shop):
    assert len(shop.read("orders", where="at < '2026-05-01'")) < 240


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("chanel = 'web'", "no column 'chanel'; did you mean 'channel'"),
        ("channel = web", "no column 'web'. Text needs single quotes"),
        ("speed", "gives double, not true or false"),
        ("speed >", "cannot be used"),
        ("speed = 1; drop table responses", "cannot be used"),
        ("speed > 1) or (select true", "subquery is not allowed"),
        ("exists (from customers)", "subquery is not allowed"),
        ("speed > 1 union select 1", "cannot be used"),
        ("speed > 1) order by (1", "more than one expression"),
        ("speed > 1) limit (1", "more than one expression"),
        ("length(getenv('HOME')) > 0", "'getenv' is not allowed"),
        ("row_number() over () = 1", "window is not allowed"),
        ("responses.speed > 1", "no column 'responses.speed'"),
        ("speed > 'fast'", "fails on responses"),
        ("speed > 99", "leaves none of the 240 rows"),
    ],
)
def test_conditions_that_are_none_are_refused(shop, where, why):
    with pytest.raises((ReserveError, ExpressionError)) as error:
        shop.responses(where=where)
    assert why in str(error.value)
    assert len(shop["responses"]) == 240


def test_what_is_not_there_is_named_with_what_is(shop):
    with pytest.raises(ReserveError, match="no wave '2027'.*2026-Q1, 2026-Q2"):
        shop.responses(wave="2027")
    with pytest.raises(ReserveError, match="no table 'comments'.*customers"):
        shop["comments"]
    with pytest.raises(ReserveError, match="orders .* has no waves"):
        shop.read("orders", wave="2026-Q1")
    with pytest.raises(ReserveError, match="no column \\['x'\\]"):
        shop.read("orders", columns=["x"])


def test_names_are_completed_at_the_prompt(shop):
    assert shop._ipython_key_completions_() == [
        "customers",
        "responses",
        "events",
        "orders",
        "cases",
    ]


# Sums


@pytest.mark.parametrize("missing", moments.MISSING)
@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("cluster", [None, "customer_id"])
def test_sums_by_sql_are_the_sums_of_the_rows(shop, missing, weight, cluster):
    columns = ["satisfied", "speed", "staff"]
    ask = {"weight": weight, "cluster": cluster, "missing": missing}
    by_sql = shop.sums("responses", columns, where="channel = 'web'", **ask)
    rows = shop.responses(where="channel = 'web'")
    sample = Sample(rows, weight=weight, cluster=cluster)
    by_rows = moments.of(sample, columns, missing=missing, origin=by_sql.origin)
    if cluster:  # rows without one go by their place, which a selection of rows knows anew
        for part in ("keys", "weight", "first", "second", "rows"):
            assert_allclose(getattr(by_sql, part), getattr(by_rows, part), atol=1e-9)
    assert by_sql.offered == by_rows.offered
    whole = moments.of(sample, columns, missing=missing)
    assert_allclose(by_sql.total().cov, whole.total().cov, atol=1e-9)


def test_sums_of_text_and_of_nothing_are_refused(shop):
    with pytest.raises(ReserveError, match="Only numbers can"):
        shop.sums("responses", ["channel"])
    with pytest.raises(ReserveError, match="no column"):
        shop.sums("responses", ["quickness"])


# Customers at a date


def test_history_knows_only_what_was_before_the_day(own):
    data = company()
    day = "2026-05-01"
    before = _history(own, data, day)
    rng = np.random.default_rng(9)
    for table, at in (
        ("responses", "answered_on"),
        ("orders", "at"),
        ("events", "at"),
        ("cases", "opened_at"),
    ):
        late = data[table][at] >= day
        data[table] = data[table][~late | (rng.random(len(late)) < 0.5)].copy()
        for column in ("amount", "satisfied"):
            if column in data[table]:
                data[table].loc[data[table][at] >= day, column] = 1
    data["cases"].loc[data["cases"]["solved_at"] >= day, "solved_at"] = None
    after = _history(own, data, day)
    pd.testing.assert_frame_equal(before, after)


def _history(root: Path, data: dict[str, pd.DataFrame], day: str) -> pd.DataFrame:
    write(root, data)
    with reserve.open("shop") as opened:
        return opened.customers.as_of(day)


def test_a_row_dated_on_the_day_itself_is_not_known_yet(own):
    data = company()
    data["orders"] = (
        data["orders"].iloc[:2].assign(customer_id="c00", at=["2026-04-30", "2026-05-01"])
    )
    row = _history(own, data | {"customers": data["customers"].assign(left_on=None)}, "2026-05-01")
    first = row[row["customer_id"] == "c00"].iloc[0]
    assert first["orders_365"] == 1 and first["recency_days"] == 1


def test_left_is_after_the_day_and_within_the_horizon(own):
    data = company()
    days = ["2026-04-30", "2026-05-01", "2026-05-02", "2026-07-30", "2026-07-31", None]
    data["customers"] = data["customers"].iloc[:6].assign(left_on=days)
    for table in ("responses", "orders", "cases", "events"):
        data[table] = data[table][data[table]["customer_id"].isin(data["customers"]["customer_id"])]
    rows = _history(own, data, "2026-05-01")
    assert rows.set_index("customer_id")["left"].to_dict() == {
        "c02": True,
        "c03": True,
        "c04": False,
        "c05": False,
    }


def test_features_are_those_counted_by_hand(shop):
    day = pd.Timestamp("2026-05-01")
    rows = shop.customers.as_of(day).set_index("customer_id")
    data = company()
    orders = data["orders"].assign(at=pd.to_datetime(data["orders"]["at"]))
    orders = orders[orders["at"] < day]
    who = rows.index[3]
    mine = orders[orders["customer_id"] == who]
    assert rows.loc[who, "orders_365"] == len(mine)
    assert rows.loc[who, "spend_365"] == pytest.approx(mine["amount"].sum())
    assert rows.loc[who, "recency_days"] == (day - mine["at"].max()).days
    answers = data["responses"].dropna(subset="satisfied").query("customer_id == @who")
    last = answers[answers["answered_on"] < "2026-05-01"].sort_values("answered_on").iloc[-1]
    assert rows.loc[who, "last_satisfaction"] == last["satisfied"]
    assert rows.loc[who, "tenure_days"] == (day - pd.Timestamp("2025-06-01")).days


def test_people_are_taken_where_their_outcome_is_known(shop):
    rows = shop.customers.profiles()
    assert rows["left"].dtype == bool and rows["left"].any() and not rows["left"].all()


def test_a_flag_becomes_left(own):
    customers = pd.DataFrame({"customer_id": range(6), "gone": ["Yes", "No", "No"] * 2, "total": 1})
    write(own, {"customers": customers}, items={}, churn={"flag": "gone", "exclude": ["total"]})
    rows = reserve.open("shop").customers.profiles()
    assert list(rows) == ["customer_id", "left"]
    assert rows["left"].tolist() == [True, False, False] * 2
    with pytest.raises(InsufficientData, match="cannot be selected by .*gone"):
        reserve.open("shop").customers.profiles(where="gone = 'No'")
    write(own, {"customers": customers}, items={}, churn={"flag": "gone", "left": "Ja"})
    with pytest.raises(IntakeError, match="churn.left: no row has 'Ja'.*'No' .4., 'Yes' .2."):
        reserve.open("shop")


def test_what_a_study_lacks_is_said_in_words(shop):
    assert shop.lacks(["responses", "customers|orders", "churn", "waves", "items:touchpoint"]) == []
    assert len(shop.lacks(["comments", "model", "items:nps|effort"])) == 3
    assert "comments" in shop.lacks(["comments"])[0]


def test_answers_of_nobody_known_are_clusters_of_their_own(own):
    data = company()
    data["responses"].loc[:9, "customer_id"] = None
    write(own, data)
    opened = reserve.open("shop")
    sums = opened.sums("responses", ["satisfied", "speed"], cluster="customer_id")
    known = data["responses"].dropna(subset=["satisfied", "speed"])
    alone = known["customer_id"].isna().sum()
    assert len(np.unique(sums.keys)) == known["customer_id"].nunique() + alone
    by_rows = moments.of(
        Sample(opened.responses(), cluster="customer_id"),
        ["satisfied", "speed"],
        origin=sums.origin,
    )
    assert len(np.unique(by_rows.keys)) == len(np.unique(sums.keys))
    assert_allclose(by_rows.total().cov, sums.total().cov)


# What it tells a page


def test_answers_come_with_the_attributes_of_who_answered(own):
    data = company()
    data["customers"]["plan"] = ["plus", "basic"] * 30
    write(own, data)
    opened = reserve.open("shop")
    joined = opened.responses()
    plan = data["customers"].set_index("customer_id")["plan"]
    assert joined["plan"].tolist() == plan[data["responses"]["customer_id"]].tolist()
    assert "left_on" not in joined
    plus = opened.responses(where="plan = 'plus'")
    assert len(plus) == (joined["plan"] == "plus").sum()
    sums = opened.sums("responses", ["speed"], cluster="customer_id", where="plan = 'plus'")
    assert_allclose(sums.total().mean, plus["speed"].mean())


def test_soundness_counts_what_was_kept_and_names_why_not(own):
    data = company()
    data["responses"].loc[:9, "satisfied"] = 11
    data["responses"].loc[20, "response_id"] = data["responses"].loc[19, "response_id"]
    write(own, data)
    opened = reserve.open("shop")
    finding = opened.quality.verdict().finding
    assert finding.claim == (
        "<10 of 660 rows failed a check and were set aside. 10 of 219 values of Satisfied "
        "(responses) could not be used and count as missing."
    )
    assert finding.detail == "660 rows in 5 tables; <10 set aside."
    assert opened.quality.losses()[0] == "<10 of 240 rows of responses were set aside."
    found = opened.quality.rejections().itertuples(index=False, name=None)
    assert [(f[0], *f[3:]) for f in found] == [("responses", 1, 0), ("responses", 0, 10)]
    contents = opened.quality.contents().set_index("table").loc["responses"]
    assert contents[["offered", "kept", "quarantined", "cells lost"]].tolist() == [240, 239, 1, 10]
    assert opened.has("quarantine")


def test_a_short_table_is_counted_and_not_hidden_like_a_small_group(own):
    data = company()
    data["cases"] = data["cases"].iloc[:4]
    write(own, data)
    opened = reserve.open("shop")
    assert "cases" in set(opened.quality.contents()["table"])
    verdict = opened.quality.verdict().table
    assert "cases" not in set(verdict["term"]) and (verdict["n"] >= 10).all()
    assert not disclosure.hidden(verdict).any()


def test_page_00_says_once_what_all_its_checks_found(own):
    data = company()
    data["customers"]["plan"] = ["plus"] * 30 + ["basic"] * 30
    answers = data["responses"]
    answers = answers[answers["customer_id"].isin(data["customers"]["customer_id"][:40])]
    data["responses"] = answers.reset_index(drop=True)
    write(own, data)
    opened = reserve.open("shop")
    twice = opened.sample(draws=100).assign(answered_on=pd.Timestamp("2026-01-05"), wave="a")
    doubtful = scores.survey_quality(twice, opened.asked())
    who = weights.representation(opened.sample(draws=100), opened.read("customers"))
    finding = opened.quality.verdict(doubtful=doubtful, representation=who).finding
    claim = finding.claim
    keep = "Decide whether the doubtful responses stay in."
    assert finding.action == keep  # no score to say what leaving them out would change
    parts = doubtful.parts | {"without": "Leaving them out would change NPS by +1.0 points."}
    told = opened.quality.verdict(doubtful=doubtful.replace(parts=parts)).finding
    assert told.action == f"{keep} Leaving them out would change NPS by +1.0 points."
    assert claim.startswith("The data passed every check of form.")
    assert "responses look doubtful, most of them by the check “duplicate respondents”." in claim
    assert "-represented; weighting does not correct every group." in claim
    assert "noticed" not in claim


def test_losses_below_one_percent_of_a_column_stay_out_of_the_headline(own):
    data = company()
    data["responses"].loc[[2, 5], "satisfied"] = 11
    write(own, data)
    opened = reserve.open("shop")
    assert str(opened.quality.verdict()) == "The data passed every check."
    assert opened.quality.losses() == []


def test_nothing_to_correct_is_said_of_what_was_checked_and_not_of_nonresponse(own):
    data = company()
    write(own, data)
    opened = reserve.open("shop")
    rows = opened.quality.verdict().finding
    assert rows.action == "Nothing to correct in the rows and values checked here."
    fine = Result(pd.DataFrame({"term": ["a", "any"], "estimate": 0.0, "n": 240}), "")
    both = opened.quality.verdict(doubtful=fine).finding
    assert both.action == (
        "Nothing to correct in the rows, values and responses checked here; how those who did not "
        "answer differ is not among these checks."
    )
    assert opened.quality.verdict(doubtful=fine).evidence == ""  # bars of 0% show nothing
    with context.use(context.Context(lang="zh")):
        assert "未作答" in opened.quality.verdict(doubtful=fine).finding.action


@pytest.mark.parametrize("invited", [True, False])
def test_of_reviews_that_nobody_was_asked_for_nobody_did_not_answer(invited):
    fine = Result(pd.DataFrame({"term": ["a", "any"], "estimate": 0.0, "n": 240}), "")
    said = quality._next_step(False, fine, False, None, invited)
    assert ("did not answer" in said) == invited


REASONS = [
    ("not_number", {}, "not a number"),
    ("not_date", {"form": "%d/%m/%Y"}, "not a date as %d/%m/%Y"),
    ("outside_scale", {"low": 0.0, "high": 10.0, "item": "csat"}, "outside the scale 0 to 10"),
    ("below_minimum", {"low": 0}, "must be at least 0"),
    ("not_allowed", {"values": ["planned", "begun"]}, "must be one of planned, begun"),
    ("unknown_reference", {"table": "customers"}, "not among the customers"),
    ("not_exact", {}, "a number too long for its cell: the last digits of the id are lost"),
    ("field_count", {"found": 5, "expected": 4}, "5 fields where the header has 4"),
    ("no_answers", {}, "nobody answered"),
    ("few_rows", {"n": 2}, "only 2 row(s): no interval can be made of so few"),
    (
        "unclear_scale",
        {"low": -3.0, "high": 250.0, "column": "score", "table": "comments"},
        "ratings from -3 to 250, of which the scale is not clear",
    ),
    (
        "duplicate_key",
        {"key": ["order_id", "product"], "row": 7},
        "the same order id, product as row 7",
    ),
]


@pytest.mark.parametrize(("rule", "params", "sentence"), REASONS)
def test_reasons_are_told_in_the_language_of_the_page(rule, params, sentence):
    assert reasons.render(rule, params, for_readers=True) == sentence
    context.begin(lang="zh", labels=contract.labels("zh"))
    with i18n.noting_untranslated() as untranslated:
        shown = reasons.render(rule, params, for_readers=True)
    known = re.sub("margins.age|study.yaml|%d/%m/%Y|planned, begun", "", shown)
    assert not re.search("[A-Za-z]{2}", known) and untranslated == set()


def test_a_warning_of_small_groups_tells_no_page_how_small():
    params = {"n": 2, "least": 10, "names": {"fax": 3, "telex": 1}}
    assert reasons.render("small_groups", params, for_readers=True).endswith("'fax', 'telex'")
    assert reasons.render("small_groups", params).endswith("'fax' (3), 'telex' (1)")


def test_a_part_that_cannot_be_answered_says_why(shop, capsys):
    assert not shop.has("model") and shop.has("items:csat")
    assert shop.group() == "" and shop.group("channel") == "channel"
    said = capsys.readouterr().out
    assert "no satisfaction index model" in said and "names no groups" in said
    with pytest.raises(reserve.ReserveError, match="no column 'chanel'"):
        shop.group("chanel")


def test_questions_are_found_by_their_role(shop):
    assert shop.items_of("touchpoint") == ["speed", "staff"] and shop.item("csat") == "satisfied"
    assert shop.outcome == "satisfied" and shop.drivers == ["speed", "staff"]
    assert shop.scales["speed"] == (1, 10) and shop.cluster == "customer_id"
    with pytest.raises(reserve.ReserveError, match="no question with the role nps"):
        shop.item("nps")


def test_filled_names_the_columns_that_are_not(shop):
    told = shop.quality.completeness()
    filled = told.table.set_index("term")["estimate"]
    assert "missing values" in str(told) and " rows)." in str(told)
    assert_allclose(
        filled.filter(like="left").iloc[0], company()["customers"]["left_on"].notna().mean()
    )


def test_blank_cells_of_the_studys_own_columns_are_missing_values(own):
    """A column that only this study has, empty or blank for 15 of 60 customers."""
    data = company()
    fee = ["9.5"] * 45 + [" "] * 8 + [""] * 7
    write(own, {**data, "customers": data["customers"].assign(fee=fee, city=["A"] * 59 + ["  "])})
    with reserve.open("shop") as shop:
        told = shop.quality.completeness()
    missing = told.table.set_index("term")["estimate"]
    assert missing.filter(like="fee").tolist() == [0.75]
    assert missing.filter(like="city").iloc[0] == pytest.approx(59 / 60)
    assert not len(missing.filter(like="Speed"))  # who did not answer is counted elsewhere
