"""Files of later months are held to what the first ones were: another scale, spelling or wave."""

import pytest
import yaml

from cxlib import reserve
from cxlib.data import intake

pytestmark = pytest.mark.slow  # each loads a study twice or more
HEAD = "Response ID,Date,Recommend,Satisfaction,Region"


def month(
    number: int, *, recommend: int = 11, satisfaction: int = 10, region: str = "North"
) -> str:
    """Sixty answers of a month, on scales of so many points."""
    rows = [
        f"{number}-{k},2026-{number:02}-{1 + k % 28:02},{(7 * k) % recommend},"
        f"{1 + (3 * k) % satisfaction},{region if k % 2 else 'South'}"
        for k in range(60)
    ]
    return "\n".join([HEAD, *rows, ""])


@pytest.fixture
def study(folder):
    """A confirmed study of January; other months are to be added."""
    (folder / "m1.csv").write_text(month(1))
    drafted = yaml.safe_load(intake.draft("new", [folder / "m1.csv"]))
    drafted.pop("unconfirmed", None)
    drafted["tables"]["responses"] |= {"files": "m*.csv", "grows": True}
    drafted["tables"]["responses"].pop("derive", None)
    (folder / "study.yaml").write_text(yaml.safe_dump(drafted, allow_unicode=True))
    assert reserve.load("new").check.ok
    return folder


def test_a_month_like_the_first_is_added(study):
    (study / "m2.csv").write_text(month(2))
    loaded = reserve.load("new")
    assert loaded.check.ok and loaded.only_new == ("new in responses: 60 rows",)


@pytest.mark.parametrize("changed", [{"recommend": 6}, {"satisfaction": 5}])
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_on_a_shorter_scale_is_asked_about_though_the_others_are_not(study, changed, whole):
    (study / "m2.csv").write_text(month(2, **changed))
    with pytest.raises(intake.IntakeError, match="They were probably given on a scale of"):
        reserve.load("new", whole=whole)


def test_the_file_on_another_scale_is_named(study):
    (study / "m2.csv").write_text(month(2, satisfaction=5))
    assert "This is of m2.csv alone." in str(reserve.check("new"))


@pytest.mark.parametrize("points", [5, 20])
def test_the_wave_on_another_scale_is_named_though_one_file_has_all(study, points):
    about = yaml.safe_load((study / "study.yaml").read_text())
    about["tables"]["responses"]["derive"] = {"wave": "period(Date, 'month')"}
    (study / "study.yaml").write_text(yaml.safe_dump(about))
    rows = month(2, satisfaction=points).split("\n", 1)[1]
    others = [month(1), *(month(k).split("\n", 1)[1] for k in range(3, 13))]
    (study / "m1.csv").write_text("".join([*others, rows]))
    assert "This is of wave 2026-02 alone." in str(reserve.check("new"))


def test_a_group_in_another_spelling_is_asked_about_among_all_rows(study):
    (study / "m2.csv").write_text(month(2, region="NORTH "))
    check = reserve.load("new").check
    assert check.exit_code == reserve.LOST
    assert check.warnings["rule"].tolist() == ["spellings"]


def test_waves_of_new_files_are_put_in_order_with_those_there(folder):
    rows = [f"{{0}}-{k},{{0}},{k % 11}" for k in range(40)]
    text = "\n".join(["id,wave,nps", *rows, ""])
    (folder / "w9.csv").write_text(text.format("W9"))
    responses = {"files": "w*.csv", "grows": True}
    responses["columns"] = {"response_id": "id", "wave": "wave", "nps": "nps"}
    items = {"nps": {"label": "Recommendation", "scale": [0, 10], "role": "nps"}}
    about = {"title": "S", "source": "us", "licence": "internal"}
    whole = {**about, "tables": {"responses": responses}, "items": items}
    (folder / "study.yaml").write_text(yaml.safe_dump(whole))
    assert reserve.load("new").check.ok
    (folder / "w10.csv").write_text(text.format("W10"))
    assert reserve.load("new").check.ok
    assert reserve.open("new").waves() == ["W09", "W10"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_question_that_a_later_file_has_is_named(study, whole):
    rows = month(2).split("\n")
    more = [f"{rows[0]},Reg", *(f"{row},{k % 5 + 1}" for k, row in enumerate(rows[1:-1])), ""]
    (study / "m2.csv").write_text("\n".join(more))
    loaded = reserve.load("new", whole=whole)
    assert loaded.check.ok and bool(loaded.only_new) != whole
    [line] = [w for w in str(reserve.check("new")).splitlines() if "warning" in w]
    assert line.startswith("  warning: responses: 60 row(s): m2.csv has columns")
    assert "study.yaml does not name: 'Reg'. Add those" in line
    # A file of the next month says nothing of it again, nor does study.yaml with a comment.
    (study / "m3.csv").write_text("\n".join(more).replace("\n2-", "\n3-"))
    assert reserve.load("new").only_new == ("new in responses: 60 rows",)
    assert len(reserve.load("new", whole=True).check.warnings) == 1
    with open(study / "study.yaml", "a") as text:
        text.write("# Not used: Reg\n")
    assert reserve.load("new").check.warnings.empty
