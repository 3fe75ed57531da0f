"""Comments coded by people: drawn, checked, compared with the machine, shares corrected by them."""

from __future__ import annotations

import os
import stat

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

from cxlib import cli, voice
from cxlib.cli import voice as cli_voice
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.voice.coding_accuracy import Coded
from cxlib.voice.coding_sheet import seals

WORDS = {"staff": {"en": ["staff"]}, "food": {"en": ["food"]}}


def marked_of(texts: list[str], draws: int = 200):
    rows = pd.DataFrame({"comment_id": [f"t{k}" for k in range(len(texts))], "text": texts})
    sample = Sample(rows.assign(lang="en"), draws=draws)
    fit = voice.topics(sample, WORDS)
    return voice.mark(sample, fit), fit


def test_rare_topics_are_drawn_and_the_drawn_stand_for_all():
    marked, fit = marked_of(["good food"] * 300 + ["kind staff"] * 6 + ["fine"] * 94)
    sheet = voice.coding_sheet(marked, fit, 40)
    assert len(sheet) == 40 and sheet["comment_id"].is_unique
    assert_allclose(sheet["stands_for"].sum(), 400, atol=1e-3)
    drawn = sheet.groupby("text")["stands_for"].agg(["size", "sum"])
    assert drawn.loc["kind staff", "size"] >= 2 and drawn["sum"].round(3).tolist() == [94, 300, 6]
    assert (sheet[["staff", "food", "done"]] == "").all(
        axis=None
    )  # the machine's view is not shown
    assert len(voice.coding_sheet(marked, fit, 1000)) == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"staff": ["2", ""]}, "row 2, staff: '2'"),
        ({"comment_id": ["t9", "t1"]}, "row 2: no comment comment_id 't9'"),
        ({"comment_id": ["t1", "t1"]}, "row 3: comment_id 't1' stands there twice"),
        ({"stands_for": ["2", "-1"]}, "row 3, stands_for: '-1'"),
        ({"staff": ["", ""]}, "no comment is coded"),
        ({"done": ["no", "x"]}, "row 2, done: 'no'"),
        ({"stuff": ["1", ""]}, "1 columns are no topics of the study: 'stuff'"),
    ],
)
def test_mistakes_of_a_sheet_are_named_with_their_row(change, message):
    sheet = pd.DataFrame(
        {"comment_id": ["t0", "t1"], "stands_for": "1", "done": "", "staff": ["1", ""]}
    )
    sheet["seal"] = seals(sheet)
    with pytest.raises(ValueError, match=message):
        voice.checked_codes(sheet.assign(**change), ["t0", "t1"], ["staff"])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s.drop(index=1), "lacks 1 of the 3 rows that were drawn"),
        (lambda s: s.assign(stands_for=["2", "2.5", "9"]), r"1 rows is not as .* \(row 4\)"),
        (lambda s: s.assign(comment_id=["t1", "t0", "t2"]), r"2 rows is not as .* \(row 2, 3\)"),
        (lambda s: s.drop(columns="seal"), "has no column seal"),
        (lambda s: s.assign(seal=["", *s["seal"][1:]]), "no seal of an export"),
        (lambda s: s.assign(seal=["of 9: 0", *s["seal"][1:]]), "seals of several exports"),
    ],
)
def test_rows_that_are_not_as_they_were_drawn_are_refused(edit, message):
    sheet = pd.DataFrame({"comment_id": ["t0", "t1", "t2"], "stands_for": ["2", "2.5", "3"]})
    sheet = sheet.assign(done="x", staff="1", seal=seals(sheet))
    assert len(voice.checked_codes(sheet, ["t0", "t1", "t2"], ["staff"])) == 3
    with pytest.raises(ValueError, match=message):
        voice.checked_codes(edit(sheet), ["t0", "t1", "t2"], ["staff"])


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["utf-8-sig", "gb18030", "semicolons", "xlsx"])
def test_a_sheet_is_read_as_a_spreadsheet_saves_it(tmp_path, saved):
    marked, fit = marked_of(["态度很好", "good staff; kind", "food, bad", "fine"] * 5)
    sheet = voice.coding_sheet(marked, fit, 7).assign(study="mine", done="x", staff="-1")
    file = tmp_path / ("sheet.xlsx" if saved == "xlsx" else "sheet.csv")
    if saved == "xlsx":
        sheet.assign(staff=-1).to_excel(file, index=False)
    elif saved == "semicolons":  # a decimal comma goes with them
        sheet.to_csv(file, index=False, sep=";", decimal=",", encoding="gb18030")
    else:
        sheet.to_csv(file, index=False, encoding=saved)
    read = cli_voice._sheet(file)
    assert read["text"].tolist() == sheet["text"].tolist()
    codes = voice.checked_codes(read.drop(columns="study"), marked["comment_id"], ["staff", "food"])
    assert_allclose(codes["staff"], -1)
    assert_allclose(codes["stands_for"], sheet["stands_for"], rtol=1e-6)


def test_a_comment_that_mentions_nothing_is_coded_by_its_mark():
    sheet = pd.DataFrame({"comment_id": ["t0", "t1", "t2"], "stands_for": "1"})
    sheet = sheet.assign(done=["x", "", ""], staff=["", "−1", ""], seal=seals(sheet))
    codes = voice.checked_codes(sheet, ["t0", "t1", "t2"], ["staff"])
    assert codes["comment_id"].tolist() == ["t0", "t1"]
    assert_allclose(codes["staff"], [np.nan, -1])


def test_accuracy_by_hand():
    marked, fit = marked_of(["good staff", "rude staff", "staff", "good food"])
    coding = pd.DataFrame({"comment_id": [f"t{k}" for k in range(4)], "stands_for": 1.0})
    coding = coding.assign(staff=[1, 1, np.nan, np.nan], food=[1, 1, np.nan, 1])
    found = voice.accuracy(voice.codes_of(marked, fit, coding)).table
    # People: 2 of staff, 3 of food; the machine: 3 of staff, 1 of food; both 3, of them 2 alike.
    assert_allclose(found["estimate"], [3 / 5, 3 / 4, 2 / 3, 1 / 3])
    with pytest.raises(InsufficientData, match="None of 4 coded comments"):
        voice.codes_of(marked, fit, coding.assign(comment_id=list("wxyz")))
    with pytest.raises(ValueError, match="'t0' is coded twice"):
        voice.codes_of(marked, fit, coding.assign(comment_id="t0"))


@pytest.mark.slow
def test_where_all_are_coded_the_corrected_share_is_that_of_people():
    marked, fit = marked_of(["good staff"] * 20 + ["food"] * 20)
    people = np.where(np.arange(40) < 30, 1.0, np.nan)
    coding = pd.DataFrame({"comment_id": marked["comment_id"], "stands_for": 1.0, "staff": people})
    codes = voice.codes_of(marked, fit, coding)
    table = voice.corrected(fit, marked, codes).table.set_index("term")
    assert_allclose(table.loc["staff", ["estimate", "machine", "n"]].astype(float), [0.75, 0.5, 30])
    assert_allclose(table.loc["food", "estimate"], 0.5)  # nobody coded it
    told = voice.topic_sentiment(marked, fit, None, voice.correction(codes)).table.set_index("term")
    assert_allclose(told.loc["staff", ["estimate", "n"]].astype(float), [1, 30])


@pytest.mark.coverage
def test_a_correction_recovers_the_share_that_a_bad_machine_misses(tell_coverage):
    inside, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        true = rng.random(1500) < 0.3
        read = np.where(true, rng.random(1500) < 0.6, rng.random(1500) < 0.2)  # 32% of them wrong
        chosen = rng.choice(1500, 200, replace=False)
        stands = np.zeros(1500)
        stands[chosen] = 7.5
        sample = Sample(pd.DataFrame({"a": read.astype(float)}), draws=100, seed=seed)
        codes = [np.where(x, 0.0, np.nan)[:, None] for x in (true, read)]
        coded = Coded(sample, ["a"], stands, *codes)
        gap, again = coded.difference(true[:, None], read[:, None])
        estimate, spread = read.mean() + gap[0], again[:, 0].std()
        errors.append(estimate - true.mean())
        inside.append(abs(estimate - true.mean()) < 1.96 * spread)
    of = "1,500 comments, 200 coded by people"
    tell_coverage("share of a topic, corrected", of, np.mean(inside), len(inside))
    noise = np.std(errors) / np.sqrt(len(errors))  # of the mean of 40 simulations
    assert abs(np.mean(errors)) < 3 * noise and np.mean(inside) > 0.85


@pytest.mark.slow
def test_the_loop_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "mine"
    folder.mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    texts = ["good staff, call 020 7946 0958", "rude staff", "good food", "fine"] * 30
    rows = pd.DataFrame({"id": [f"t{k}" for k in range(120)], "text": texts})
    rows.to_csv(folder / "c.csv", index=False)
    (folder / "study.yaml").write_text(
        "title: Mine\nsource: made up\n"
        "tables: {comments: {files: c.csv, columns: {comment_id: id, text: text}}}\n"
        "topics:\n  staff: {label: Staff, words: {en: [staff]}}\n"
        "  food: {label: Food, words: {en: [food]}}\n",
        encoding="utf-8",
    )

    def cx(*words: str):
        return CliRunner().invoke(cli.main, list(words), catch_exceptions=False)

    assert "Staff" in cx("topics", "mine").output
    assert cx("coding", "export", "mine", "40").exit_code == 0
    sheet = folder / "coding_sheet.csv"
    assert stat.S_IMODE(os.stat(sheet).st_mode) == 0o600
    assert "is there already" in cx("coding", "export", "mine", "40").output
    filled = pd.read_csv(sheet, dtype=str, keep_default_na=False)
    assert not filled["text"].str.contains("7946").any()
    filled["done"] = "x"
    filled["staff"] = np.where(filled["text"].str.contains("staff"), "1", "")
    filled.to_csv(sheet, index=False)
    done = cx("coding", "import", str(sheet))
    assert "The machine finds" in done.output and "40 comments coded, 0 not yet" in done.output
    kept = folder / "coding.csv"
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600 and "text" not in kept.read_text()
    filled.assign(staff="9").to_csv(sheet, index=False)
    assert "Codes are 1, 0, -1 or empty" in cx("coding", "import", str(sheet)).output
