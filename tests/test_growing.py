"""Tables that grow: new files alone are read, and the reserve is that of a whole load."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import study as study_
from cxlib.data.intake import IntakeError, gathering
from cxlib.data.mapping import Join
from cxlib.reserve import appending, store

STUDY = """
title: Shop
tables:
  customers:
    files: customers.csv
    columns: {customer_id: id}
    keep: [region]
  orders:
    files: orders/*.csv
    grows: true
    columns: {order_id: order, customer_id: customer, at: day, amount: amount}
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Path:
    """A project with a study of three customers and two days of orders, loaded."""
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks").mkdir()
    folder = root / "data" / "shop"
    (folder / "orders").mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    (folder / "customers.csv").write_text("id,region\na,north\nb,south\nc,south\n")
    _day(folder, 1, "o1,a,2026-03-01,10.5\no2,b,2026-03-01,20\n")
    _day(folder, 2, "o3,c,2026-03-02,12.25\no4,a,2026-03-02,x\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        reserve.load("shop")
    return root


@pytest.fixture
def shop(loaded: Path, tmp_path: Path, monkeypatch) -> Path:
    """The study in a copy of the project: files keep their times, so that none is new."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    return tmp_path / "data" / "shop"


def _day(folder: Path, day: int, lines: str) -> None:
    text = f"order,customer,day,amount\n{lines}"
    (folder / "orders" / f"2026-03-{day:02}.csv").write_text(text)


def _everything(folder: Path) -> dict[str, pd.DataFrame]:
    """All that the reserve holds but the fingerprints of tables and the words about their files."""
    with reserve.Reserve(study_.read(folder / "study.yaml")) as opened:
        found = {table: opened.read(table) for table in opened.tables}
        counts = opened.counts.drop(columns=["sha256", "notes"])
        own = {"counts": counts, "quarantine": opened.quarantine, "losses": opened.losses}
        return found | own | {"warnings": opened.warnings}


@pytest.mark.slow
def test_a_new_file_alone_is_read_and_the_reserve_is_that_of_a_whole_load(shop, monkeypatch):
    opened: list[str] = []
    read = gathering.read_file
    monkeypatch.setattr(
        gathering,
        "read_file",
        lambda path, *a, **k: [opened.append(path.name), read(path, *a, **k)][1],
    )
    # with a late row, an unknown customer and an amount that cannot be read
    _day(shop, 3, "o5,b,2026-03-03,1\no6,a,2026-02-01,2\no7,z,2026-03-03,3\no8,b,2026-03-03,?\n")
    loaded = reserve.load("shop")
    assert opened == ["2026-03-03.csv"]
    assert loaded.only_new == ("new in orders: 4 rows",)
    added = _everything(shop)
    assert added["orders"]["order_id"].tolist() == [f"o{k}" for k in range(1, 9)]
    reserve.load("shop", whole=True)
    for name, rows in _everything(shop).items():
        pd.testing.assert_frame_equal(added[name], rows, obj=name)


def test_a_load_without_a_new_file_changes_nothing(shop):
    before = (shop / "reserve.duckdb").read_bytes()
    assert reserve.load("shop").only_new == ("no file is new, and none has changed",)
    assert (shop / "reserve.duckdb").read_bytes() == before


@pytest.mark.slow
def test_rows_that_are_sent_again_are_left_out(shop):
    _day(shop, 3, "o3,c,2026-03-02,12.25\no5,b,2026-03-03,1\n")
    loaded = reserve.load("shop")
    assert loaded.only_new[0] == "new in orders: 1 rows"
    assert "1 row(s) of new files have a key that is loaded already" in loaded.only_new[1]
    assert _everything(shop)["orders"]["order_id"].tolist() == ["o1", "o2", "o3", "o4", "o5"]


@pytest.mark.slow
@pytest.mark.parametrize("change", ["file", "study", "removed", "customers"])
def test_anything_else_that_changed_is_a_whole_load(shop, change):
    if change == "file":
        _day(shop, 2, "o3,c,2026-03-02,99\n")
    elif change == "study":
        (shop / "study.yaml").write_text(STUDY.replace("Shop", "Store"), encoding="utf-8")
    elif change == "removed":
        (shop / "orders" / "2026-03-02.csv").unlink()
    else:
        (shop / "customers.csv").write_text("id,region\na,north\nb,south\nc,south\nz,north\n")
    _day(shop, 3, "o5,b,2026-03-03,1\n")
    assert reserve.load("shop").only_new == ()
    orders = _everything(shop)["orders"]["order_id"].tolist()
    there = {"file": ["o1", "o2", "o3", "o5"], "removed": ["o1", "o2", "o5"]}
    assert orders == there.get(change, ["o1", "o2", "o3", "o4", "o5"])


@pytest.mark.slow
def test_files_joined_from_an_address_may_have_changed_and_are_a_whole_load(shop):
    study = study_.read(shop / "study.yaml")
    digests = store.digests(study)
    assert appending.new_files(study, digests) == {}
    join = Join(**{"from": "https://example.invalid/prices.csv", "by": "order"})
    orders = study.tables["orders"]
    files = [file.model_copy(update={"join": [join]}) for file in orders.files]
    tables = {**study.tables, "orders": orders.model_copy(update={"files": files})}
    assert appending.new_files(study.model_copy(update={"tables": tables}), digests) is None


@pytest.mark.slow
def test_a_file_of_which_nothing_is_sound_adds_nothing(shop):
    before = (shop / "reserve.duckdb").read_bytes()
    _day(shop, 3, ",b,2026-03-03,1\n,c,2026-03-03,2\n")
    with pytest.raises(IntakeError, match="none of the 2 rows of orders/2026-03-03.csv is sound"):
        reserve.load("shop")
    assert (shop / "reserve.duckdb").read_bytes() == before


@pytest.mark.slow
def test_a_column_of_another_kind_is_a_whole_load(shop):
    (shop / "study.yaml").write_text(STUDY + "    keep: [code]\n", encoding="utf-8")
    for day in (1, 2):
        lines = f"order,customer,day,amount,code\np{day},a,2026-03-01,1,{day}\n"
        (shop / "orders" / f"2026-03-{day:02}.csv").write_text(lines)
    reserve.load("shop")
    text = "order,customer,day,amount,code\nq,a,2026-03-03,1,seven\n"
    (shop / "orders" / "2026-03-03.csv").write_text(text)
    assert reserve.load("shop").only_new == ()
    assert _everything(shop)["orders"]["code"].tolist() == ["1", "2", "seven"]


def test_a_name_with_a_star_must_find_files_below_the_study(shop):
    (shop / "study.yaml").write_text(STUDY.replace("orders/*.csv", "none/*.csv"), encoding="utf-8")
    with pytest.raises(IntakeError, match=r"there is no file '\*.csv' in none/"):
        reserve.load("shop")
    outside = STUDY.replace("orders/*.csv", "../*/*.csv")
    (shop / "study.yaml").write_text(outside, encoding="utf-8")
    with pytest.raises(study_.StudyError, match="must name files below"):
        study_.read(shop / "study.yaml")


def test_a_reserve_outlives_the_files_that_a_star_stands_for(shop):
    for file in (shop / "orders").glob("*.csv"):
        file.unlink()
    assert len(reserve.open("shop").read("orders")) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    [
        "o3,c,2026-03-02,99\no1,a,2026-03-01,10.5\no5,b,2026-03-03,1\n",  # changed, sent again, new
        "o3,c,2026-03-02,99\no4,a,2026-03-02,x\n",  # nothing new, one of them with a lost cell
        "o5,b,2026-03-03,1\no5,b,2026-03-03,2\n,b,2026-03-03,1\n",
        "o5,b,2026-03-03,1\no6,b,2026-03-03,?\n",
    ],
)
def test_new_files_alone_and_all_files_tell_of_the_same_losses(shop, lines):
    _day(shop, 3, lines)
    found = []
    for whole in (False, True):
        loaded = reserve.load("shop", whole=whole)
        check = loaded.check
        counts = check.counts.astype({"left_out": int}).to_dict("records")
        shown = str(check).split("  note:")[0].splitlines()
        found.append((check.exit_code, counts, loaded.serious.to_dict("records"), sorted(shown)))
    assert found[0] == found[1]
    orders = _everything(shop)["orders"].set_index("order_id")
    assert orders.loc["o3", "amount"] == 12.25


@pytest.mark.slow
def test_rows_that_are_lost_are_told_of_at_every_load(shop):
    _day(shop, 3, ",b,2026-03-03,1\no5,b,2026-03-03,1\n")
    assert reserve.load("shop").check.exit_code == 4
    _day(shop, 4, "o6,b,2026-03-04,1\n")
    for _ in range(2):  # a new file, then none
        loaded = reserve.load("shop")
        assert loaded.only_new
        assert loaded.check.exit_code == 4
        lost = loaded.serious.query("lost == 'row'")
        assert lost[["table", "n", "of"]].to_numpy().tolist() == [["orders", 1, 7]]


@pytest.mark.slow
@pytest.mark.parametrize("first", [False, True])
def test_a_day_of_orders_is_no_question_of_all_of_them(shop, first):
    many = "".join(f"n{k},a,2026-03-03,1\n" for k in range(30)) + "n30,a,2026-03-02,1\n"
    old = "".join(f"p{k},a,2026-01-{1 + k % 28:02},1\n" for k in range(80))
    _day(shop, 3, many if first else old)
    asked = reserve.load("shop", whole=True).check
    assert ("one_date" in [*asked.warnings["rule"]]) == first
    _day(shop, 4, old if first else many)
    for whole in (False, True):
        assert "one_date" not in [*reserve.load("shop", whole=whole).check.warnings["rule"]]
