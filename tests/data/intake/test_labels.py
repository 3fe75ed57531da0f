"""Labels of drafts: short, unique, and in the words of the question."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.data.intake.drafts import labels
from cxlib.data.intake.drafts.looking import Column, clean
from cxlib.data.intake.drafts.questions import ratings


@pytest.mark.parametrize(
    ("wording", "label"),
    [
        ("Thanks! Overall, how satisfied are you with your last order?", "Last order"),
        (
            "On a scale from 1 to 10, how would you rate the quality of the food?",
            "Quality of the food",
        ),
        ("Q#3: How satisfied are you with our support?", "Support"),
        (
            "G01Q02[SQ001]. How would you rate the cleanliness of the ward?",
            "Cleanliness of the ward",
        ),
        (
            "In a row of three seats, who should get the two arm rests?",
            "Who should get the two arm rests",
        ),
        ("12、请对我们的物流速度进行打分（1-5分）", "物流速度"),
        ("您对客服人员的服务态度满意吗？", "客服人员的服务态度"),
        (
            "Wie zufrieden sind Sie mit der Beratung in unserer Filiale?",
            "Beratung in unserer Filiale",
        ),
        ("Êtes-vous satisfait de la livraison ?", "Livraison"),
        ("¿Qué tan satisfecho está con la atención?", "Atención"),
        ("The staff was friendly.", "The staff was friendly."),
        ("Is this your first order?", "Is this your first order?"),
    ],
)
def test_what_all_questions_begin_with_is_taken_off(wording, label):
    assert labels.label(clean(wording)) == label


@pytest.mark.parametrize(
    ("wording", "label"),
    [
        ("Which age group are you in?", "Age group"),
        ("What is your gender?", "Gender"),
        ("How old are you?", "Age"),
        ("Which of the following best describes your current role?", "Role"),
        ("2、您的年龄段：", "年龄段"),
        ("请问您的职业是什么？", "职业"),
    ],
)
def test_questions_about_people_are_labelled_by_what_they_ask_for(wording, label):
    assert labels.label(clean(wording), group=True) == label


@pytest.mark.parametrize(
    "wording",
    [
        "I would buy from this company again even if its prices were higher than those of others",
        "请您结合最近一次到店消费的实际感受并考虑到等待时间以及环境因素对我们门店的总体表现给出评价",
        "Pneumonoultramicroscopicsilicovolcanoconiosis_without_any_blank_to_cut_at",
    ],
)
def test_no_label_is_wider_than_forty_columns(wording):
    made = labels.label(wording)
    assert labels.width(made) <= labels.WIDEST and made.endswith("…")


def test_brackets_separate_nothing():
    stem, part = "请评价以下各项（1分：很差，5分：很好）", "服务"
    assert labels.matrix(f"{stem}:{part}") == (stem, part)


def rated(wordings: list[str]) -> list:
    cells = pd.Series([1, 2, 3, 4, 5] * 8)
    return ratings({f"Q{i}": Column(f"Q{i}", w, cells) for i, w in enumerate(wordings)})


@pytest.mark.slow
def test_a_block_is_labelled_by_its_parts_and_keeps_the_wording():
    found = rated(["Please rate these aspects - Speed", "Please rate these aspects - Staff"])
    assert [r.label for r in found] == ["Speed", "Staff"]
    assert found[1].wording == "Please rate these aspects - Staff"


def test_labels_are_unique():
    found = rated(["How would you rate the staff?", "How would you rate our staff?"])
    assert [r.label for r in found] == ["Staff (Q0)", "Staff (Q1)"]


@pytest.mark.parametrize(
    ("wording", "en", "zh"),
    [
        ("Overall, how satisfied are you with us?", "Overall satisfaction", "总体满意度"),
        ("总体而言，您对本次用餐的满意程度如何？", "Overall satisfaction", "总体满意度"),
    ],
)
def test_the_question_for_all_in_all_has_a_label_in_both_languages(wording, en, zh):
    (found,) = rated([wording])
    assert (found.label, found.label_zh, found.wording) == (en, zh, wording)
