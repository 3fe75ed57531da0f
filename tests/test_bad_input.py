"""Bad input, as people bring it: a message says what, where, how many and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from cxlib import reserve, study
from cxlib.intake import IntakeError
from cxlib.study import StudyError

GOOD = "id,who,when,wave,channel,recommend,speed\n" + "".join(
    f"{i},c{i % 5},2026-01-{i % 28 + 1:02d},2026-Q1,web,{i % 11},{i % 5 + 1}\n" for i in range(40)
)
COLUMNS = {
    "response_id": "id",
    "customer_id": "who",
    "answered_on": "when",
    "wave": "wave",
    "channel": "channel",
    "recommend": "recommend",
    "speed": "speed",
}
CUSTOMERS = "customer_id\n" + "".join(f"c{i}\n" for i in range(5))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Write the files of a shop, some of them bad; gives back the check."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)

    def shop(answers: str | bytes = GOOD, orders: str = "", **keys: object) -> reserve.Check:
        data = answers if isinstance(answers, bytes) else answers.encode()
        (folder / "answers.csv").write_bytes(data)
        (folder / "customers.csv").write_text(CUSTOMERS)
        tables = {
            "customers": {"files": "customers.csv", "columns": {"customer_id": "customer_id"}},
            "responses": {"files": "answers.csv", "columns": COLUMNS},
        }
        if orders:
            (folder / "orders.csv").write_text(orders)
            mine = {c: c for c in ("order_id", "customer_id", "at", "amount")}
            tables["orders"] = {"files": "orders.csv", "columns": mine}
        about = {
            "title": "Shop",
            "source": "us",
            "licence": "internal",
            "tables": tables,
            "items": {
                "recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"},
                "speed": {"label": "Speed", "scale": [1, 5], "role": "touchpoint"},
            },
        } | keys
        (folder / "study.yaml").write_text(yaml.safe_dump(about, sort_keys=False))
        return reserve.check("shop")

    return shop


def line(check: reserve.Check, start: str) -> str:
    """The one line of the printed check that begins so."""
    found = [text.strip() for text in str(check).splitlines() if text.strip().startswith(start)]
    assert len(found) == 1, str(check)
    return found[0]


def test_good_input_is_sound(shop):
    check = shop()
    assert check.ok and check.warnings.empty and str(check).startswith("shop: sound")


CELLS = [  # old line of the file, new one, and what the check says
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,2026-01-06,2026-Q1,web,11,1\n",
        "responses.recommend: 1 row(s) outside the scale 0 to 10, first '11' in row 7 of "
        "answers.csv. Correct it, or name the code under items.recommend: missing or "
        "not_experienced.",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,2026-01-06,2026-Q1,web,five,1\n",
        "responses.recommend: 1 row(s) not a number, first 'five' in row 7 of answers.csv. Correct",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "4,c0,2026-01-06,2026-Q1,web,5,1\n",
        "responses.response_id: 1 row(s) the same response_id as another row, first '4' in row 7 "
        "of answers.csv. The first row is kept.",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,sixth of January,2026-Q1,web,5,1\n",
        "responses.answered_on: 1 row(s) not a date in ISO form (2026-03-31), first 'sixth of "
        "January' in row 7 of answers.csv. Correct it, or name the form of the dates in study.yaml",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c9,2026-01-06,2026-Q1,web,5,1\n",
        "responses.customer_id: 1 row(s) not among the customers, first 'c9' in row 7 of "
        "answers.csv.",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        ",c0,2026-01-06,2026-Q1,web,5,1\n",
        "responses.response_id: 1 row(s) empty; every row must have it, first in row 7",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,2026-01-06,2026-Q1,web,5\n",
        "responses: 1 row(s) 6 fields where the header has 7, first "
        "'5,c0,2026-01-06,2026-Q1,web,5' in row 7",
    ),
]


@pytest.mark.parametrize(("old", "new", "says"), CELLS, ids=[c[2][10:50] for c in CELLS])
def test_a_bad_cell_quarantines_its_row(shop, old, new, says):
    check = shop(GOOD.replace(old, new))
    assert line(check, says[:30]).startswith(says)
    counts = check.counts.set_index("table").loc["responses"]
    assert (counts["offered"], counts["kept"], counts["quarantined"]) == (40, 39, 1)
    assert reserve.load("shop").counts.set_index("table").loc["responses", "kept"] == 39


def test_an_order_of_an_unknown_customer_is_quarantined(shop):
    orders = "order_id,customer_id,at,amount\n1,c1,2026-01-01,9\n2,stranger,2026-01-02,9\n"
    says = line(shop(orders=orders), "orders.customer_id")
    assert "1 row(s) not among the customers, first 'stranger' in row 3 of orders.csv" in says
    assert "Add the row to customers, correct the id, or leave the row out." in says


def test_a_wave_that_is_no_date_is_warned_of(shop):
    check = shop(GOOD.replace("2026-Q1,web,3,", "spring,web,3,"))
    assert check.ok
    says = line(check, "warning: responses.wave")
    assert "4 row(s): waves that are no date, such as 'spring', sort as text" in says
    assert "2026-Q1" in says


@pytest.mark.parametrize(
    "wave", ["2017", "2026-Q1", "2026-03", "2026-03-31", "2026-W07", "2026-H1"]
)
def test_waves_that_are_dates_are_not_warned_of(shop, wave):
    assert shop(GOOD.replace("2026-Q1", wave)).warnings.empty


WHOLE = [  # a file nothing can be read of
    (b"", "answers.csv is empty (0 bytes). Export it again."),
    (b"\n\n", "answers.csv is empty but for blanks"),
    (GOOD.splitlines()[0].encode(), "answers.csv has a header (7 columns) and no rows. Export it"),
    (
        GOOD.replace("speed", "pace").encode(),
        "there is no column 'speed' for speed",
    ),
    (
        GOOD.replace("when", "When").encode(),
        "there is no column 'when' for answered_on; did you mean 'When'?",
    ),
    (
        GOOD.replace("channel,", "who,", 1).encode(),
        "column 'who' (for customer_id) stands in the header more than once",
    ),
    (b'id,who\n1,"open\n2,x\n', "a quotation mark is opened and never closed"),
]


@pytest.mark.parametrize(("content", "says"), WHOLE, ids=[w[1][:40] for w in WHOLE])
def test_a_bad_file_is_told_and_loads_nothing(shop, content, says):
    check = shop(content)
    assert says in str(check) and not check.ok
    with pytest.raises(IntakeError) as error:
        reserve.load("shop")
    assert says in str(error.value)


def test_a_file_that_is_not_there_names_those_that_are(shop):
    responses = {"files": "answer.csv", "columns": COLUMNS}
    check = shop(tables={"responses": responses})
    assert "no file 'answer.csv' in shop/; did you mean 'answers.csv'?" in str(check)


def test_a_file_in_gbk_is_read_and_said(shop):
    check = shop(GOOD.replace("web", "网站").encode("gbk"))
    assert check.ok
    assert "encoding gb18030: it is not UTF-8, and" in line(check, "note: answers.csv: encoding")
    assert reserve.open("shop").responses()["channel"].unique().tolist() == ["网站"]


def test_a_column_mapped_twice_is_a_mistake(shop):
    columns = COLUMNS | {"channel": "wave"}
    with pytest.raises(StudyError, match="column 'wave' is mapped twice, to wave and channel"):
        shop(tables={"responses": {"files": "answers.csv", "columns": columns}})


def test_a_scale_upside_down_is_a_mistake(shop):
    with pytest.raises(StudyError, match=r"scale \[10, 0\]: the first must be below the second"):
        shop(items={"recommend": {"label": "R", "scale": [10, 0]}})


@pytest.mark.parametrize("name", ["../shop", "..", "shop/../shop"])
@pytest.mark.parametrize("act", [reserve.check, reserve.load, reserve.open, study.read])
def test_a_name_that_leaves_the_folder_is_refused(shop, act, name):
    with pytest.raises(StudyError, match="is not a study name. Use letters"):
        act(name)


def test_two_rows_are_loaded_with_a_warning(shop):
    check = shop("".join(GOOD.splitlines(True)[:3]))
    assert check.ok and "only 2 row(s): no interval" in line(check, "warning: responses:")
    assert len(reserve.open("shop").responses()) == 2


def test_answers_all_alike_are_warned_of(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(speed=3)
    says = line(shop(rows.to_csv(index=False)), "warning: responses.speed")
    assert "40 row(s): all answers are 3: it can explain nothing" in says


def test_a_question_nobody_answered_is_warned_of(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(speed=np.nan)
    says = line(shop(rows.to_csv(index=False)), "warning: responses.speed")
    assert "40 row(s): nobody answered" in says


def test_a_table_with_no_sound_row_is_not_loaded(shop):
    shop(GOOD.replace("2026-01-", "01/2026/"))
    with pytest.raises(IntakeError, match="none of its 40 rows is sound; most often answered_on"):
        reserve.load("shop")


def test_a_good_reserve_outlives_bad_files(shop):
    shop()
    path = reserve.load("shop").path
    before = path.read_bytes()
    shop(b"")
    with pytest.raises(IntakeError):
        reserve.load("shop")
    assert path.read_bytes() == before
