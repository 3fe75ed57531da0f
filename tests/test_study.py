"""study.yaml is read strictly: each mistake is named with its key, what was found, what may be."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from cxlib.data import contract, study
from cxlib.data.study import StudyError

COMMITTED = sorted((Path(__file__).parents[1] / "data").glob("*/study.yaml"))


def plain(**changes: object) -> dict:
    return {
        "title": "Shop",
        "source": "us",
        "licence": "internal",
        "tables": {"responses": {"files": "a.csv", "columns": {"response_id": "id"}}},
        "items": {"recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"}},
    } | changes


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))

    def read(content: dict | str) -> study.Study:
        folder = tmp_path / "data" / "shop"
        folder.mkdir(parents=True, exist_ok=True)
        text = (
            content
            if isinstance(content, str)
            else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        )
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        return study.read("shop")

    return read


@pytest.mark.slow
@pytest.mark.parametrize("file", COMMITTED, ids=lambda f: f.parent.name)
def test_the_committed_studies_read(file):
    found = study.read(file)
    assert found.name == file.parent.name
    assert found.licence and found.source


@pytest.mark.parametrize("file", COMMITTED, ids=lambda f: f.parent.name)
def test_the_committed_studies_speak_both_languages(file):
    found = study.read(file)
    words = [found.title, *found.labels.values(), *(i.label for i in found.items.values())]
    words += found.model.labels.values() if found.model else []
    assert all({"en", "zh"} <= set(w) and all(w.values()) for w in words)


def test_mobile_is_the_ecsi_questionnaire():
    found = study.read(COMMITTED[0].parents[1] / "mobile/study.yaml")
    items = [i for of in found.model.constructs.values() for i in of]
    assert len(items) == len(set(items)) == 24 == len(found.items)
    assert found.items_of("csat") == ["cusa1"] and len(found.items_of("touchpoint")) == 6
    assert found.model.preset == "ecsi12" and found.default_outcome == "cusa1"


def test_text_in_one_language_serves_both(read):
    assert read(plain()).label("recommend", "zh") == "Recommend"


def test_names_of_no_one_are_said_in_plain_words(read):
    assert read(plain()).label("first_reply_at") == "first reply at"


def test_codes_are_text_whether_quoted_or_not(read):
    responses = plain()["tables"]["responses"] | {"recode": {"sex": {1: "male", "2": "female"}}}
    found = read(plain(tables={"responses": responses}))
    assert found.tables["responses"].recode == {"sex": {"1": "male", "2": "female"}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tabels": {}}, ["tabels", "not known", "did you mean 'tables'"]),
        ({"tables": {}}, ["tables"]),
        ({"tables": {"answers": {"files": "a", "columns": {}}}}, ["'answers' is not a table"]),
        ({"outcome": "recomend"}, ["outcome", "did you mean 'recommend'"]),
        ({"drivers": ["speed"]}, ["drivers", "'speed' is not an item"]),
        (
            {"model": {"preset": "ecsi12", "constructs": {"image": ["a"]}}},
            ["model.constructs.image", "'a' is not an item"],
        ),
        ({"model": {"constructs": {}}}, ["give a preset (acsi9, ecsi12, ecsi10, ccsi) or paths"]),
        ({"model": {"preset": "ecsi", "constructs": {}}}, ["model.preset", "acsi9"]),
        ({"margins": {"sex": {"f": 0.5, "m": 0.4}}}, ["margins.sex", "0.900, not 1"]),
        (
            {"items": {"q": {"label": "Q", "scale": [10, 1]}}},
            ["items.q", "[10, 1]", "first must be below the second"],
        ),
        (
            {"items": {"q": {"label": "Q", "scale": [1, 5], "role": "nps"}}},
            ["items.q", "NPS is defined on 0 to 10 only"],
        ),
        (
            {"items": {"q": {"label": "Q", "scale": [1, 5], "missing": [5]}}},
            ["items.q", "codes [5.0] lie inside the scale [1, 5]"],
        ),
        (
            {"items": {"q": {"label": "Q", "scale": [1, 5], "role": "nsp"}}},
            ["items.q.role", "'nsp'"],
        ),
        (
            {"tables": {"responses": {"files": "a", "columns": {"wave": "x", "channel": "x"}}}},
            ["tables.responses", "column 'x' is mapped twice, to wave and channel"],
        ),
        (
            {"tables": {"responses": {"files": [], "columns": {}}}},
            ["tables.responses.files"],
        ),
        (
            {
                "sources": {
                    "a": {"url": "https://x", "wheel": "y==1", "member": "z", "sha256": "0" * 64}
                }
            },
            ["sources.a", "either url, or wheel and member"],
        ),
        ({"sources": {"a": {"url": "https://x", "sha256": "123"}}}, ["sources.a.sha256", "'123'"]),
        ({"reporting": {"smallest_cell": -1}}, ["reporting.smallest_cell", "-1"]),
        ({"churn": {"flag": "x", "horizon": 0}}, ["churn.horizon"]),
    ],
)
def test_each_mistake_is_named_with_its_key(read, change, says):
    with pytest.raises(StudyError) as error:
        read(plain(**change))
    for words in says:
        assert words in str(error.value)


def test_all_mistakes_are_told_at_once(read):
    with pytest.raises(StudyError, match="3 mistake"):
        read(plain(colour=1, size=2, tables={}))


def test_a_key_that_stands_twice_is_a_mistake(read):
    with pytest.raises(StudyError, match="line 3.*'response_id' stands there twice"):
        read("tables: {responses: {columns: {\n  response_id: a,\n  response_id: b}}}")


WORDS = """
title: Shop
source: us
licence: internal
tables:
  responses:
    files: a.csv
    columns: {response_id: id, wave: wave}
    keep: yes
    recode: {left: {Yes: 1, No: 0, 01: off, 12:30: noon}}
    constants: {channel: on}
items: {sat: {label: NO, scale: [1, 5], role: csat, reverse: off, missing: [99]}}
labels: {NO: Norway, on: {en: On, zh: 开}}
margins: {country: {NO: 0.5, SE: 0.5}}
drivers: [sat]
changes:
  - {name: t, label: T, design: randomised, column: pilot, begun: 2026,
     treated: [yes], control: [no, 01]}
churn: {flag: gone, left: yes}
reports: {10: {WAVE: 2026-03-01}}
"""


def test_words_that_yaml_takes_for_truth_or_numbers_stay_words(read):
    found = read(WORDS)
    responses, item, change = found.tables["responses"], found.items["sat"], found.changes[0]
    assert responses.recode["left"] == {"Yes": 1, "No": 0, "01": "off", "12:30": "noon"}
    assert (responses.keep, responses.constants["channel"]) == (True, "on")
    assert (item.label["en"], item.reverse, item.missing) == ("NO", False, [99])
    assert list(found.labels) == ["NO", "on"] and list(found.margins["country"]) == ["NO", "SE"]
    assert (change.treated, change.control, change.begun) == (["yes"], ["no", "01"], "2026")
    assert found.churn.left == "yes" and found.reports["10"]["WAVE"] == "2026-03-01"


def test_a_word_is_no_truth_where_one_is_wanted(read):
    with pytest.raises(StudyError, match=r"items.sat.reverse: .*yes or no.*'perhaps'"):
        read(WORDS.replace("reverse: off", "reverse: perhaps"))


@pytest.mark.parametrize("text", ["", "- a\n- b", "title: [", "just words"])
def test_what_is_no_study_yaml_is_said_so(read, text):
    with pytest.raises(StudyError, match="shop/study.yaml"):
        read(text)


@pytest.mark.parametrize(
    "name", ["../shop", "shop/..", "", ".hidden", "a b", "/etc/passwd", "a" * 65]
)
def test_names_that_leave_the_folder_are_refused(read, name):
    with pytest.raises(StudyError, match="not a study name"):
        study.read(name)


def test_a_study_that_is_not_there_names_those_that_are(read):
    read(plain())
    with pytest.raises(StudyError, match="no study 'shp'; did you mean 'shop'.*cx new shp"):
        study.read("shp")


@pytest.mark.slow
def test_the_contract_covers_what_the_committed_studies_map():
    for file in COMMITTED:
        assert set(study.read(file).tables) <= set(contract.TABLES)


def test_the_country_of_telephone_numbers_is_two_capital_letters() -> None:
    field = study.Study.model_fields["country"]
    pattern = next(m.pattern for m in field.metadata if hasattr(m, "pattern"))
    assert re.search(pattern, "DE") and re.search(pattern, "")
    assert not re.search(pattern, "Germany") and not re.search(pattern, "de")


def test_targets_are_numbers_or_have_a_day_and_belong_to_a_score(read):
    goals = {"nps": 30, "recommend": {"value": 40, "by": "2026-12-31", "direction": "at most"}}
    found = read(plain(targets=goals)).targets
    assert found["nps"].value == 30 and found["nps"].by is None
    assert (found["recommend"].value, str(found["recommend"].by)) == (40, "2026-12-31")
    with pytest.raises(StudyError, match="'recomend' is no item.*did you mean 'recommend'"):
        read(plain(targets={"recomend": 30}))
    with pytest.raises(StudyError, match="There are: nps, csat, .*recommend.*complaint_rate"):
        read(plain(targets={"colour": 30}))
    with pytest.raises(StudyError, match="targets.nps.valu"):
        read(plain(targets={"nps": {"valu": 30}}))


@pytest.mark.parametrize(
    "measure",
    [
        *("referral", "problem_rate", "recovery", "reopened"),  # pages tell them of groups alone
        *("reply_in_time", "solved_in_time"),  # their target is service.share
        "median_hours_to_first_reply",
    ],
)
def test_a_target_that_no_page_judges_is_an_error(read, measure):
    with pytest.raises(StudyError, match=f"'{measure}' is no item.*There are: nps, .*open_cases"):
        read(plain(targets={measure: 0.5}))


def test_a_target_of_a_measure_of_which_less_is_better_is_a_maximum(read):
    goals = {"nps": 30, "complaint_rate": 20, "at_risk": {"value": 0.2, "direction": "at least"}}
    found = read(plain(targets=goals)).targets
    assert [t.direction for t in found.values()] == ["at least", "at most", "at least"]


def test_the_study_of_the_five_minute_start_is_one(read):
    text = (Path(__file__).parents[1] / "docs" / "start.md").read_text(encoding="utf-8")
    block = re.search(r"^    title: .*?\n\n", text, re.M | re.S)
    assert block
    found = read(textwrap.dedent(block[0]))
    assert found.default_outcome == "recommend" and found.items["delivery"].stage == "use"
