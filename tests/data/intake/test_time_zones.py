"""Times with offsets from UTC: kept where all have one, else asked about or converted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import intake
from cxlib.data import study as study_
from cxlib.data.intake.dates import date, mixed
from cxlib.data.intake.drafts import draft
from cxlib.data.intake.reasons import render
from cxlib.reserve import loading
from cxlib.service import make_clock
from cxlib.service.cases import times_of

CASES = """
title: Cases
tables:
  cases:
    files: cases*.csv
    columns: {case_id: id, opened_at: opened, first_reply_at: replied, solved_at: solved}
service: {standards: {any: {first_reply_hours: 8, solved_hours: 24}}}
"""
HEAD = "id,opened,replied,solved\n"


def _cases(folder: Path, rows: str, more: str = "") -> intake.Intake:
    (folder / "study.yaml").write_text(CASES + more, encoding="utf-8")
    (folder / "cases.csv").write_text(HEAD + rows)
    return intake.table(study_.read("new"), "cases")


def _offsets(opened: str, replied: str, solved: str) -> str:
    """Three cases answered 2 hours and solved 20 hours after 10:00 UTC, written in these zones."""
    zones = {"Z": 0, "+08:00": 8, "+01:00": 1, "": 0}
    rows = []
    for k in range(1, 4):
        begin = pd.Timestamp(f"2026-03-0{k} 10:00")
        cells = [
            f"{begin + pd.Timedelta(hours=h + zones[zone]):%Y-%m-%dT%H:%M:%S}{zone}"
            for h, zone in ((0, opened), (2, replied), (20, solved))
        ]
        rows.append(f"k{k},{','.join(cells)}\n")
    return "".join(rows)


def _asked(found: intake.Intake) -> list[str]:
    of = found.warnings[found.warnings["rule"] == "mixed_offsets"]
    return [render(w.rule, w.params) for w in of.itertuples()]


@pytest.mark.first_fast
@pytest.mark.parametrize("zone", ["Z", "+08:00", ""])
def test_times_of_one_offset_are_kept_as_written(folder, zone):
    found = _cases(folder, _offsets(zone, zone, zone))
    assert _asked(found) == []
    assert found.rows["opened_at"].iloc[0].hour == (18 if zone == "+08:00" else 10)


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("zones", "words"),
    [
        (("Z", "Z", "+08:00"), ["opened_at +00:00 (3)", "solved_at +08:00 (3)"]),
        (("Z", "", ""), ["opened_at +00:00 (3)", "first_reply_at – (3)", "solved_at – (3)"]),
    ],
)
def test_offsets_that_differ_between_columns_are_a_question(folder, zones, words):
    found = _cases(folder, _offsets(*zones))
    [asked] = _asked(found)
    assert all(w in asked for w in words)
    check = reserve.check("new")
    assert check.exit_code == loading.LOST
    assert "question: cases: 3 row(s): times with different offsets" in str(check)
    assert "time_zone: Europe/Berlin" in str(check)
    accepted = _cases(folder, _offsets(*zones), "accept: ['*']\n")  # no reading of them is right
    assert _asked(accepted)


@pytest.mark.first_fast
@pytest.mark.parametrize(
    "other", ["2026-07-01T12:00:00+08:00", "2026-07-01T12:00:00", "2026-07-01 12:00 CEST"]
)
def test_offsets_that_differ_within_a_column_are_a_question(folder, other):
    rows = f"a,2026-03-01T10:00:00+01:00,,\nb,2026-03-02T10:00:00+01:00,,\nc,{other},,\n"
    assert len(_asked(_cases(folder, rows))) == 1
    assert _asked(_cases(folder, rows, "time_zone: Europe/Berlin\n")) == []


def test_days_have_no_offset(folder):
    rows = "a,2026-03-01,2026-03-01T10:00:00Z,\nb,2026-03-02,2026-03-02T11:00:00Z,9999-12-31\n"
    assert _asked(_cases(folder, rows)) == []


@pytest.mark.first_fast
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Shanghai"])
def test_times_in_one_zone_give_the_hours_that_passed(folder, zone):
    _cases(folder, _offsets("Z", "+08:00", "+01:00"), f"time_zone: {zone}\n")
    loaded = reserve.load("new")
    assert loaded.check.exit_code == 0
    with reserve.Reserve(study_.read("new")) as opened:
        rows = opened.read("cases")
        times = times_of(rows, rows, opened.study)
    hours = (rows["first_reply_at"] - rows["opened_at"]) / pd.Timedelta(hours=1)
    assert hours.tolist() == [2, 2, 2]
    assert times["solution_hours"].tolist() == [20, 20, 20]


def test_summer_time_is_that_of_the_zone():
    # Clocks in Berlin went from 02:00 to 03:00 on 29 March 2026, and back on 25 October.
    cells = pd.Series(
        ["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-07-01 09:00"]
    )
    found = date(cells, zone="Europe/Berlin")
    assert found.values.dt.strftime("%m-%d %H:%M").tolist() == [
        *("03-29 01:59", "03-29 03:00", "10-25 02:00", "07-01 09:00"),
    ]
    assert found.offsets == {"+00:00": 3, "": 1}


def test_hours_across_the_change_of_summer_time_are_those_that_passed(folder):
    study = "time_zone: Europe/Berlin\n"
    found = _cases(folder, "a,2026-10-24T12:00:00+02:00,,2026-10-25T12:00:00+01:00\n", study)
    opened, solved = found.rows["opened_at"], found.rows["solved_at"]
    about = study_.read("new")
    clock = make_clock(None, about.service, zone=about.time_zone)
    assert clock.hours(opened, solved, None).tolist() == [25]
    assert make_clock(None, about.service).hours(opened, solved, None).tolist() == [24]
    written = _cases(folder, "a,2026-10-24T12:00:00+02:00,,2026-10-25T12:00:00+01:00\n")
    assert len(_asked(written)) == 1  # one zone, but a day as written is an hour short


@pytest.mark.parametrize(
    ("cell", "zone", "utc"),
    [
        ("2026-03-01 6:30 pm GMT+5:30", "UTC", "13:00"),
        ("2026-03-01 18:30 IST", "UTC", "13:00"),
        ("2026-03-01 08:00 CST", "UTC", "14:00"),
        ("2026-03-01 08:00 CST", "Asia/Shanghai", "08:00"),  # its own CST is that of China
        ("2026-03-01T08:00-0330", "UTC", "11:30"),
    ],
)
def test_zones_are_read_in_every_form(cell, zone, utc):
    assert date(pd.Series([cell]), zone=zone).values.dt.strftime("%H:%M").tolist() == [utc]


def test_times_of_a_typed_column_and_seconds_since_1970_are_converted():
    moments = pd.to_datetime(pd.Series(["2026-01-01 12:00Z", "2026-07-01 12:00Z"]))
    rome = moments.dt.tz_convert("Europe/Rome")
    assert date(rome).values.dt.hour.tolist() == [13, 14]
    assert date(rome).offsets == {"+01:00": 1, "+02:00": 1}
    assert date(rome, zone="UTC").values.dt.hour.tolist() == [12, 12]
    seconds = moments.astype("datetime64[s, UTC]").astype("int64").astype("string")
    found = date(seconds, "unix seconds", "Asia/Shanghai")
    assert found.values.dt.hour.tolist() == [20, 20]
    assert mixed({"at": found.offsets, "on": {"": 2}}) == ["at +00:00 (2)", "on – (2)"]


@pytest.mark.slow
def test_offsets_that_differ_between_tables_are_a_question(folder):
    columns = "{event_id: '#row', customer_id: c, at: at, touchpoint: t}"
    events = f"  events: {{files: e.csv, columns: {columns}}}\n"
    text = CASES.replace("service:", f"{events}service:")
    (folder / "e.csv").write_text("c,at,t\na,2026-03-01T10:00:00+08:00,x\n")
    (folder / "cases.csv").write_text(HEAD + _offsets("Z", "Z", "Z"))
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    for found in (reserve.check("new"), reserve.load("new").check):
        assert "mixed_offsets" in found.warnings["rule"].tolist()
        assert found.exit_code == loading.LOST
    (folder / "study.yaml").write_text(text + "time_zone: UTC\n", encoding="utf-8")
    assert "mixed_offsets" not in reserve.check("new").warnings["rule"].tolist()


@pytest.mark.first_fast
@pytest.mark.parametrize("more", ["", "time_zone: UTC\n"])
def test_what_is_computed_of_times_knows_their_offsets(folder, more):
    text = CASES.replace(", first_reply_at: replied, solved_at: solved", "").replace(
        "service:", "    derive: {solved_hours: \"date_diff('hour', opened, solved)\"}\nservice:"
    )
    (folder / "study.yaml").write_text(text + more, encoding="utf-8")
    (folder / "cases.csv").write_text(HEAD + _offsets("Z", "Z", "+08:00"))
    if more:
        assert intake.table(study_.read("new"), "cases").rows["solved_hours"].tolist() == [20] * 3
    else:
        with pytest.raises(intake.IntakeError, match="different offsets from UTC"):
            intake.table(study_.read("new"), "cases")


@pytest.mark.slow
def test_new_rows_with_another_offset_are_asked_about(folder):
    text = CASES.replace("    columns", "    grows: true\n    columns")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    (folder / "cases.csv").write_text(HEAD + _offsets("Z", "Z", "Z"))
    assert reserve.load("new").check.exit_code == 0
    late = _offsets("+08:00", "+08:00", "+08:00").replace("k", "l")
    (folder / "cases2.csv").write_text(HEAD + late)
    for whole in (False, True):
        assert "mixed_offsets" in reserve.load("new", whole=whole).check.warnings["rule"].tolist()


@pytest.mark.slow
def test_a_draft_converts_times_of_several_offsets_and_asks(folder):
    file = folder / "tickets.csv"
    head = "ticket_id,customer_id,opened_at,first_reply_at,solved_at,category\n"
    rows = _offsets("Z", "+08:00", "+08:00").replace("k", "t").splitlines()
    lines = [r.replace(",", f",c{i},", 1) + ",late" for i, r in enumerate(rows)]
    file.write_text(head + "\n".join(lines) + "\n")
    written = draft("s2", [file])
    assert "time_zone: UTC" in str(written)
    assert "different offsets from UTC" in str(written)


def test_an_unknown_zone_is_refused(folder):
    with pytest.raises(study_.StudyError, match="Europe/Berlin"):
        _cases(folder, _offsets("Z", "Z", "Z"), "time_zone: Europe/Berln\n")
