"""Bad input, as people bring it: a message says what, where, how many and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from cxlib import csi, drivers, reserve, scores
from cxlib.cli import main
from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.data import intake, study
from cxlib.data.intake import IntakeError
from cxlib.data.study import StudyError

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


@pytest.mark.slow
def test_good_input_is_sound(shop):
    check = shop()
    assert (
        check.ok
        and check.warnings.empty
        and str(check).startswith("shop: all data checks passed\n")
    )


CELLS = [  # old line of the file, new one, and what the check says
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,2026-01-06,2026-Q1,web,11,1\n",
        "responses.recommend: 1 cell(s) outside the scale 0 to 10, first '11' in row 7 of "
        "answers.csv. Correct it, or name the code under items.recommend: missing or "
        "not_experienced.",
    ),
    (
        "5,c0,2026-01-06,2026-Q1,web,5,1\n",
        "5,c0,2026-01-06,2026-Q1,web,five,1\n",
        "responses.recommend: 1 cell(s) not a number, first 'five' in row 7 of answers.csv",
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
        "responses.answered_on: 1 cell(s) not a date in ISO form (2026-03-31), first 'sixth of "
        "January' in row 7 of answers.csv. Correct it, or name the form of the dates in study.yaml",
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


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "says"), CELLS, ids=[c[2][10:50] for c in CELLS])
def test_a_bad_cell_costs_itself_and_its_row_only_where_it_must(shop, old, new, says):
    check = shop(GOOD.replace(old, new))
    assert line(check, says[:30]).startswith(says)
    cells, kept = ("cell(s)" in says) * 1, 40 - ("row(s)" in says)
    counts = check.counts.set_index("table").loc["responses"]
    assert counts[["offered", "kept", "quarantined", "cells"]].tolist() == [
        *(40, kept, 40 - kept, cells)
    ]
    assert reserve.load("shop").counts.set_index("table").loc["responses", "kept"] == kept


@pytest.mark.slow
@pytest.mark.parametrize("where", ["study", "table"])
def test_strict_rules_cost_the_row(shop, where):
    answers = GOOD.replace(
        "5,c0,2026-01-06,2026-Q1,web,5,1\n", "5,c9,2026-01-06,2026-Q1,web,11,1\n"
    )
    mapping = {"files": "answers.csv", "columns": COLUMNS, "strict": True}
    customers = {"files": "customers.csv", "columns": {"customer_id": "customer_id"}}
    table = {"tables": {"customers": customers, "responses": mapping}}
    check = shop(answers, **({"strict": True} if where == "study" else table))
    assert check.counts.set_index("table").loc["responses", "kept"] == 39
    assert set(check.problems["rule"]) == {"outside_scale", "unknown_reference"}
    assert set(check.problems["lost"]) == {"row"}


@pytest.mark.slow
def test_rows_of_an_unknown_customer_are_kept_with_a_warning(shop):
    orders = "order_id,customer_id,at,amount\n1,c1,2026-01-01,9\n2,stranger,2026-01-02,9\n"
    check = shop(GOOD.replace("\n7,c2,", "\n7,c9,"), orders)
    assert check.ok
    for table in ("responses", "orders"):
        says = line(check, f"warning: {table}.customer_id")
        assert "1 row(s): not among the customers: kept, without attributes" in says


@pytest.mark.slow
def test_customers_of_whom_none_is_known_are_a_mistake(shop):
    check = shop(GOOD.replace(",c", ",00").replace(",00hannel", ",channel"))
    assert "none of the 5 customers is among the customers: ids here are like '000', there" in str(
        check
    )
    with pytest.raises(IntakeError, match="none of the 5 customers"):
        reserve.load("shop")


@pytest.mark.slow
def test_distinct_bad_values_are_listed_with_a_recode_that_mends_them(shop):
    bad = GOOD.replace("2026-Q1,web,3,", "2026-Q1,web,n.a. \U0001f600,").replace(
        "web,4,", "web,often,"
    )
    check = shop(bad)
    [_, values, _, *proposed] = str(check)[str(check).index("responses.recommend") :].split("\n")[
        :7
    ]
    assert values.strip() == "values: 'n.a. \U0001f600' (4), 'often' (4)"
    recode = yaml.safe_load("\n".join(proposed))
    recode = recode["tables"]["responses"]["recode"]
    assert recode == {"recommend": {"n.a. \U0001f600": None, "often": None}}
    responses = {"files": "answers.csv", "columns": COLUMNS, "recode": recode}
    assert shop(bad, tables={"responses": responses}).ok


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "wave", ["2017", "2026-Q1", "2026-03", "2026-03-31", "2026-W07", "2026-H1"]
)
def test_waves_that_are_dates_are_not_asked_about(shop, wave):
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
    (b'id,who\n1,"open\n2,x\n', "a quotation mark is opened and never closed"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("content", "says"), WHOLE, ids=[w[1][:40] for w in WHOLE])
def test_a_bad_file_is_told_and_loads_nothing(shop, content, says):
    check = shop(content)
    assert says in str(check) and not check.ok
    with pytest.raises(IntakeError) as error:
        reserve.load("shop")
    assert says in str(error.value)


@pytest.mark.slow
def test_a_file_that_is_not_there_names_those_that_are(shop):
    responses = {"files": "answer.csv", "columns": COLUMNS}
    check = shop(tables={"responses": responses})
    assert "no file 'answer.csv' in shop/; did you mean 'answers.csv'?" in str(check)


@pytest.mark.slow
def test_a_file_in_gbk_is_read_and_said(shop):
    check = shop(GOOD.replace("web", "网站").encode("gbk"))
    assert check.ok
    assert "encoding gb18030: it is not UTF-8, and" in line(check, "note: answers.csv: encoding")
    assert reserve.open("shop").responses()["channel"].unique().tolist() == ["网站"]


@pytest.mark.slow
def test_a_column_mapped_twice_is_a_mistake(shop):
    columns = COLUMNS | {"channel": "wave"}
    with pytest.raises(StudyError, match="column 'wave' is mapped twice, to wave and channel"):
        shop(tables={"responses": {"files": "answers.csv", "columns": columns}})


@pytest.mark.slow
def test_a_scale_upside_down_is_a_mistake(shop):
    with pytest.raises(StudyError, match=r"scale \[10, 0\]: the first must be below the second"):
        shop(items={"recommend": {"label": "R", "scale": [10, 0]}})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../shop", "..", "shop/../shop"])
@pytest.mark.parametrize("act", [reserve.check, reserve.load, reserve.open, study.read])
def test_a_name_that_leaves_the_folder_is_refused(shop, act, name):
    with pytest.raises(StudyError, match="is not a study name. Use letters"):
        act(name)


@pytest.mark.slow
def test_two_rows_are_loaded_with_a_warning(shop):
    check = shop("".join(GOOD.splitlines(True)[:3]))
    assert check.ok and "only 2 row(s): no interval" in line(check, "warning: responses:")
    assert len(reserve.open("shop").responses()) == 2


@pytest.mark.slow
def test_answers_all_alike_are_warned_of(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(speed=3)
    says = line(shop(rows.to_csv(index=False)), "warning: responses.speed")
    assert "40 row(s): all answers are 3: it can explain nothing" in says


@pytest.mark.slow
def test_a_question_that_copies_another_is_warned_of(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(recommend=lambda t: t["speed"])
    scale = {"label": "Q", "scale": [1, 5], "role": "touchpoint"}
    items = {"recommend": scale, "speed": scale}
    says = line(shop(rows.to_csv(index=False), items=items), "warning: responses.speed")
    assert "40 row(s): every answer is that to recommend: one is a copy of the other" in says
    assert "take one of them out" in says


@pytest.mark.slow
def test_an_nps_question_mapped_to_a_five_point_one_is_asked_about(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(recommend=lambda t: t["speed"])
    check = shop(rows.to_csv(index=False))
    assert not check.ok and "on a scale of 1 to 5, of which no NPS can be made" in str(check)


@pytest.mark.slow
def test_a_group_with_one_row_is_warned_of(shop):
    check = shop(GOOD.replace("web,3,4", "shop,3,4", 1), group="channel")
    assert check.ok
    says = line(check, "warning: responses.channel")
    assert "1 row(s): 1 group(s) have fewer than 10 rows and are hidden in reports: 'shop' (1)" in (
        says
    )


@pytest.mark.slow
def test_a_group_that_is_no_column_is_an_error_with_a_suggestion(shop):
    says = line(shop(group="chanel"), "study.yaml: group: there is no column 'chanel'")
    assert "did you mean 'channel'?" in says
    with pytest.raises(IntakeError, match="did you mean 'channel'"):
        reserve.load("shop")


@pytest.mark.slow
def test_a_few_lost_cells_are_no_failure_of_check_or_load(shop):
    many = (
        GOOD.splitlines()[0]
        + "\n"
        + "".join(
            f"x{i},c{i % 5},2026-01-05,2026-Q1,web,{i % 11},{'oops' if i < 2 else i % 5 + 1}\n"
            for i in range(460)
        )
    )
    check = shop(many)
    assert (
        str(check).startswith("shop: all data checks passed but for 2 cell(s)")
        and check.exit_code == 0
    )
    run = CliRunner().invoke
    assert [run(main, [c, "shop"]).exit_code for c in ("check", "load")] == [0, 0]
    shop(many.replace("web,5,", "web,often,"))
    assert [run(main, [c, "shop"]).exit_code for c in ("check", "load")] == [4, 4]
    shop(many, group="chanel")
    assert [run(main, [c, "shop"]).exit_code for c in ("check", "load")] == [2, 2]


@pytest.mark.slow
def test_a_study_wide_only_that_is_no_condition_names_the_columns(shop):
    says = line(shop(only="sttaus = 'x'"), "study.yaml: only")
    assert "it is no condition" in says and "speed" in says


def test_a_role_that_is_none_is_told_with_the_nearest(shop):
    with pytest.raises(StudyError, match=r"items.recommend.role: 'npss' is not allowed; did you"):
        shop(items={"recommend": {"label": "R", "scale": [0, 10], "role": "npss"}})


@pytest.mark.slow
def test_a_missing_key_and_broken_yaml_say_where(shop):
    shop()
    file = study.folder_of("shop") / "study.yaml"
    good = file.read_text()
    file.write_text(good.replace("title: Shop\n", ""))
    with pytest.raises(StudyError, match="title: this key is required and is not there"):
        study.read("shop")
    file.write_text(good.replace("title: Shop", "title: [Shop"))
    with pytest.raises(StudyError, match='is not YAML: (.|\\n)*in "study.yaml", line 1'):
        study.read("shop")


@pytest.mark.slow
def test_what_cx_new_guessed_is_told_until_it_is_confirmed(shop):
    shop()
    file = study.folder_of("shop") / "study.yaml"
    assert reserve.check("shop").exit_code == reserve.load("shop").check.exit_code == 0
    file.write_text(file.read_text() + "unconfirmed: [is 1 the best?]\n")
    said = str(found := reserve.check("shop"))
    assert said.startswith("shop: all data checks passed; 1 guess(es) to confirm\n")
    assert "  question: unconfirmed: is 1 the best?\n" in said
    loaded = reserve.load("shop").check
    assert found.exit_code == loaded.exit_code == reserve.LOST == 4
    done = CliRunner().invoke(main, ["load", "shop"])
    assert done.exit_code == 4 and "question: unconfirmed: is 1 the best?" in done.output
    assert reserve.open("shop").quality.unconfirmed().iloc[:, 0].tolist() == ["is 1 the best?"]


@pytest.mark.slow
def test_labels_that_a_language_of_the_pages_lacks_are_noted_once(shop):
    shop()
    file = study.folder_of("shop") / "study.yaml"
    assert "no label" not in str(reserve.check("shop"))  # pages are in English alone
    file.write_text(file.read_text() + "reporting: {languages: [en, zh]}\n")
    said = str(reserve.check("shop"))
    assert said.count("question(s) have no label in Chinese") == 1
    assert "write `label: {en: ..., zh: ...}` under `items`" in said


@pytest.mark.slow
def test_a_condition_that_holds_for_no_row_says_what_values_there_are(shop):
    shop()
    with pytest.raises(ValueError, match="no row has channel = 'wbe'. channel holds: 'web' .40."):
        reserve.open("shop").responses(where="channel = 'wbe'")


@pytest.mark.slow
def test_a_question_nobody_answered_is_warned_of(shop):
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).assign(speed=np.nan)
    says = line(shop(rows.to_csv(index=False)), "warning: responses.speed")
    assert "40 row(s): nobody answered" in says


@pytest.mark.slow
def test_a_column_with_no_sound_cell_is_not_loaded(shop):
    shop(GOOD.replace("2026-01-", "01/2026/"))
    with pytest.raises(
        IntakeError,
        match=r"shop: responses: none of the 40 cells of answered_on can be read.*`dates:",
    ):
        reserve.load("shop")


@pytest.mark.slow
def test_a_good_reserve_outlives_bad_files(shop):
    shop()
    path = reserve.load("shop").path
    before = path.read_bytes()
    shop(b"")
    with pytest.raises(IntakeError):
        reserve.load("shop")
    assert path.read_bytes() == before


# What the methods say to data that cannot answer


@pytest.fixture
def answers() -> pd.DataFrame:
    rows = pd.read_csv(pd.io.common.StringIO(GOOD))
    rng = np.random.default_rng(1)
    return rows.assign(
        recommend=(rows["speed"] * 1.5 + rng.integers(0, 3, 40)).clip(0, 10).round(),
        staff=rng.integers(1, 6, 40),
    )


DRIVERS = [  # what was done to the answers, and what the drivers of satisfaction say to it
    (lambda t: t.head(2), "2 of 2 responses can be used for 2 drivers; at least 5 are needed"),
    (lambda t: t.assign(recommend=7), "outcome 'recommend' is constant: all 40 answers are 7"),
    (lambda t: t.assign(staff=3), "driver 'staff' is constant: all 40 answers are 3.*leave it out"),
    (lambda t: t.assign(staff=t["speed"]), "'staff' is a copy of driver 'speed'.*Leave one out"),
]


@pytest.mark.few(2)
@pytest.mark.parametrize(("spoil", "says"), DRIVERS, ids=["two", "alike", "flat", "copy"])
def test_drivers_name_what_cannot_be_explained(answers, spoil, says):
    with pytest.raises(ValueError, match=says):
        drivers.importance(spoil(answers), "recommend", ["speed", "staff"])


@pytest.mark.slow
def test_a_handful_of_answers_give_no_number_in_a_sentence(answers):
    context.begin()
    few = drivers.importance(answers.head(8), "recommend", ["speed", "staff"])
    assert str(few) == "Fewer than 10 answered: no number is shown."
    assert str(scores.nps(answers.head(2))) == "Fewer than 10 answered: no number is shown."


def test_the_index_refuses_answers_all_alike(answers):
    model = csi.Model(
        {"value": ["speed"], "satisfaction": ["recommend"]}, {"satisfaction": ["value"]}
    )
    scales = {"speed": (1, 5), "recommend": (0, 10)}
    with pytest.raises(ValueError, match="recommend"):
        csi.fit(Sample(answers.assign(recommend=7), draws=10), model, csi.Options(scales=scales))


@pytest.mark.slow
def test_a_group_of_one_row_is_hidden_and_said(answers):
    context.begin()
    alone = answers.assign(channel=["kiosk", *["web"] * 20, *["shop"] * 19])
    by = scores.nps(alone, by="channel")
    assert "kiosk" not in str(by) and "numbers are not shown" in by.notes
    assert by.table.set_index("channel")["n"].to_dict() == {"kiosk": 1, "shop": 19, "web": 20}


# What `cx new` makes of files


@pytest.mark.slow
def test_every_sheet_of_a_workbook_is_drafted(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    book = tmp_path / "shop.xlsx"
    orders = pd.DataFrame(
        {
            "Order no": [1, 2],
            "Customer": ["a", "b"],
            "Order date": ["2026-01-01"] * 2,
            "Amount": [3.5, 4],
        }
    )
    with pd.ExcelWriter(book) as writer:
        orders.to_excel(writer, sheet_name="Orders", index=False)
        people = pd.DataFrame({"CustomerID": ["a", "b"], "Since": ["2020-01-01"] * 2})
        people.to_excel(writer, sheet_name="People", index=False)
        pd.DataFrame({"Notes": ["by Ann"]}).to_excel(writer, sheet_name="Read me", index=False)
    text = intake.draft("shop", [book])
    assert "# Left out: shop.xlsx, sheet 'Read me' looks like no table" in text
    tables = yaml.safe_load(text)["tables"]
    assert [t["files"][0]["sheet"] for t in tables.values()] == ["People", "Orders"]


@pytest.mark.slow
def test_rows_of_two_sheets_are_two_places(tmp_path, monkeypatch, shop):
    shop()
    book = study.folder_of("shop") / "both.xlsx"
    rows = pd.read_csv(pd.io.common.StringIO(GOOD)).head(20)
    rows.loc[3, "recommend"] = 11
    with pd.ExcelWriter(book) as writer:
        for sheet in ("March", "April"):
            rows.to_excel(writer, sheet_name=sheet, index=False)
    files = [{"file": "both.xlsx", "sheet": s} for s in ("March", "April")]
    columns = COLUMNS | {"response_id": "#row"}
    check = shop(tables={"responses": {"files": files, "columns": columns}})
    assert "2 cell(s) outside the scale 0 to 10" in str(check)
    assert check.counts.loc[0, ["offered", "kept", "quarantined"]].tolist() == [40, 40, 0]


@pytest.mark.slow
def test_a_slip_does_not_hide_a_question_from_the_draft(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    rows = pd.DataFrame({"id": range(100), "recommend": [n % 11 for n in range(99)] + [11]})
    rows.to_csv(tmp_path / "survey.csv", index=False)
    text = intake.draft("shop", [tmp_path / "survey.csv"])
    assert "1 answer(s) are not on it" in text
    drafted = yaml.safe_load(text)
    assert drafted["items"]["recommend"] | {"label": "", "wording": ""} == {
        "label": "",
        "wording": "",
        "scale": [0, 10],
        "role": "nps",
    }
    assert drafted["tables"]["responses"]["columns"]["response_id"] == "id"


@pytest.mark.slow
def test_a_draft_names_the_labels_and_the_group_it_saw(tmp_path, monkeypatch):
    import pyreadstat

    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    rows = pd.DataFrame(
        {
            "respid": range(40),
            "q1": [1.0 + n % 10 for n in range(40)],
            "sex": [1.0 + n % 2 for n in range(40)],
        }
    )
    pyreadstat.write_sav(
        rows,
        str(tmp_path / "survey.sav"),
        column_labels={"q1": "Overall satisfaction", "sex": "Gender"},
        variable_value_labels={"sex": {1: "Male", 2: "Female"}},
    )
    drafted = yaml.safe_load(intake.draft("shop", [tmp_path / "survey.sav"]))
    assert drafted["group"] == "sex" and drafted["labels"]["sex"]["en"] == "Gender"
    assert drafted["items"]["q1"]["label"]["en"] == "Overall satisfaction"


@pytest.mark.slow
def test_orders_alone_make_customers(shop):
    orders = "order_id,customer_id,at,amount\n" + "".join(
        f"{i},c{i % 5},2026-01-{i % 28 + 1:02d},{i % 7 + 1}\n" for i in range(60)
    )
    shop(orders=orders)
    mine = {c: c for c in ("order_id", "customer_id", "at", "amount")}
    shop(orders=orders, tables={"orders": {"files": "orders.csv", "columns": mine}}, items={})
    people = reserve.open("shop").customers.profiles()
    assert people["customer_id"].tolist() == [f"c{i}" for i in range(5)]
    assert {"recency_days", "orders_365", "spend_365"} <= set(people)
