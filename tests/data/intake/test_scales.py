"""Scales told by their words: eight languages, three to seven points, what is no rating."""

from __future__ import annotations

import pytest
import yaml

from cxlib.data.intake import profiles
from cxlib.data.intake.drafts import scales

LEXICON = yaml.safe_load(
    (profiles.recognition.resources.files(profiles) / "scales.yaml").read_text(encoding="utf-8")
)
FAMILIES = LEXICON["families"]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_word_stands_at_two_places(family):
    places: dict[str, set[int]] = {}
    for ladder in FAMILIES[family]["words"].values():
        assert len(ladder) == 9
        for step, words in enumerate(ladder):
            for word in filter(None, words.split("|")):
                places.setdefault(scales.normal(word), set()).add(step)
    assert not {w: p for w, p in places.items() if len(p) > 1}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("language", ["en", "zh", "de", "fr", "es", "pt", "it", "ja"])
def test_every_form_is_read_in_every_language(family, language):
    """The words of each form in order are 1, 2, 3 ..., whichever word the form uses."""
    ladder = FAMILIES[family]["words"][language]
    for form in FAMILIES[family]["forms"]:
        words = [ladder[step].split("|")[0] for step in form]
        scale = scales.of_words(words)
        assert scale and scale.complete and (scale.low, scale.high) == (1, len(form))
        assert list(scale.codes.values()) == list(range(1, len(form) + 1)), words


@pytest.mark.parametrize("family", ["satisfaction", "quality"])
@pytest.mark.parametrize("language", ["tr", "pl", "ru", "ko", "nl"])
def test_satisfaction_and_quality_are_read_in_further_languages(family, language):
    test_every_form_is_read_in_every_language(family, language)


@pytest.mark.parametrize(
    ("answers", "codes", "high"),
    [
        (["Very satisfied", "Satisfied", "Neutral"], [5, 4, 3], 5),
        (["Çok memnunum", "Memnunum", "Kararsızım", "Hiç memnun değilim"], [5, 4, 3, 1], 5),
        (["Çok iyi", "İyi", "Orta", "Çok kötü"], [5, 4, 3, 1], 5),
        (["Bardzo zadowolona", "Ani zadowolony, ani niezadowolony"], [5, 3], 5),
        (["Очень довольна", "Скорее доволен", "Недоволен"], [7, 5, 2], 7),
        (["매우 만족", "보통", "불만족"], [5, 3, 2], 5),
        (["Zeer tevreden", "Neutraal", "Ontevreden"], [5, 3, 2], 5),
        (["非常满意", "不满意", "一般"], [5, 2, 3], 5),
        (["stimme voll zu", "stimme eher zu", "teils/teils"], [5, 4, 3], 5),
        (["Très satisfaite", "Plutôt satisfait", "Pas du tout satisfait"], [5, 4, 1], 5),
        (["Muy satisfecha", "Insatisfecho"], [5, 2], 5),
        (["Concordo totalmente", "Discordo"], [5, 2], 5),
        (["Molto d’accordo", "Per niente d'accordo"], [5, 1], 5),
        (["とても満足", "不満"], [5, 2], 5),
        (["Poor", "Fair", "Good", "Very good", "Excellent"], [1, 2, 3, 4, 5], 5),
        (["Never", "Rarely", "Sometimes", "Often", "Always"], [1, 2, 3, 4, 5], 5),
        (["Sehr gut", "Befriedigend", "Mangelhaft", "Ungenügend"], [6, 4, 2, 1], 6),
        (["Very favorably", "Somewhat unfavorably", "Unfamiliar (N/A)"][:2], [5, 2], 5),
        (["Very useful", "Somewhat useful", "Not useful at all"], [3, 2, 1], 3),
        (["Extremely reasonable", "Somewhat unreasonable"], [5, 2], 5),
        (
            ["Very comfortable", "Neither comfortable nor uncomfortable", "Uncomfortable"],
            [5, 3, 2],
            5,
        ),
        (["Adequate", "Very inadequate", "Inadequate"], [4, 1, 2], 5),
    ],
)
def test_words_are_ordered(answers, codes, high):
    scale = scales.of_words(answers)
    assert [scale.codes[a] for a in answers] == codes and scale.high == high


@pytest.mark.parametrize(
    ("answers", "codes", "span"),
    [
        (["10 - Extremely likely", "0 - Not at all likely", "7"], [10, 0, 7], (0, 10)),
        (["Not at all likely - 0", "Extremely likely - 10", "8"], [0, 10, 8], (0, 10)),
        (["4 (Satisfied)", "5 (Very satisfied)"], [4, 5], (1, 5)),
        (["1 = Strongly disagree", "7 = Strongly agree", "3"], [1, 7, 3], (1, 7)),
        (["5星", "3星"], [5, 3], (1, 5)),
        (["★★★★☆", "★★☆☆☆"], [4, 2], (1, 5)),
    ],
)
def test_numbers_may_carry_words(answers, codes, span):
    scale = scales.of_numbered(answers)
    assert [scale.codes[a] for a in answers] == codes and (scale.low, scale.high) == span


def test_numbers_whose_words_say_that_low_is_good_are_reversed():
    assert scales.of_numbered(["1 - Very satisfied", "5 - Very dissatisfied", "3"]).reverse


@pytest.mark.parametrize(
    "answers",
    [
        *(["North", "South"], ["18-24", "25-34"], ["1 child", "2 children"], ["yes", "no"]),
        *(["Satisfied", "Blue"], ["2025-01-01", "2025-01-02"], ["Satisfied"]),
    ],
)
def test_groups_are_no_scale(answers):
    assert scales.of_words(answers) is None and scales.of_numbered(answers) is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *(("Don't know", "missing"), ("weiß nicht", "missing"), ("(跳过)", "missing")),
        *(("Ne sait pas", "missing"), ("わからない", "missing"), ("No sé", "missing")),
        *(("Not applicable", "not_experienced"), ("不适用", "not_experienced")),
        *(("Nicht zutreffend", "not_experienced"), ("Não se aplica", "not_experienced")),
        # A bare n/a or a dash says only that there is no answer.
        *((word, "missing") for word in ("n/a", "N/A", "NA", "-", "—", "不知道", "无", "未填写")),
        *(("Never used", "not_experienced"), ("未使用过", "not_experienced")),
        *(("Good", ""), ("★★★", ""), ("++", "")),
    ],
)
def test_what_is_no_rating_is_told_apart(word, kind):
    assert scales.no_rating(word) == kind


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({1: "Very dissatisfied", 5: "Very satisfied", 9: "Don't know"}, (1, 5, False, ("9",), ())),
        ({1: "Strongly agree", 2: "Agree", 3: "Disagree"}, (1, 3, True, (), ())),
        ({0: "0", 10: "10", 99: "N/A"}, (0, 10, False, ("99",), ())),
        ({1: "North", 2: "South", 3: "East"}, None),
        ({1: "Male", 2: "Female"}, None),
        ({1: "Under 18", 2: "18 to 34", 3: "35 and over"}, None),
    ],
)
def test_value_labels_name_a_scale_or_groups(labels, found):
    scale = scales.of_labels(labels)
    if found is None:
        assert scale is None
    else:
        assert (scale.low, scale.high, scale.reverse, scale.missing, scale.not_experienced) == found
