"""Effects of topics where long comments mention more and score lower, in every language."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import drivers, voice
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.voice.comment_length import comment_length, length_terms

TOPICS = {"late": {"en": ["late"], "zh": ["迟到"]}, "staff": {"en": ["staff"], "zh": ["服务"]}}
TRUE = {"late": 0.0, "staff": 1.5}  # points of the score of who mentions it, length held fixed
FILLING = {"en": "and ", "zh": "的"}  # of no topic


def written(seed: int, n: int, langs: tuple[str, ...] = ("en", "zh")) -> pd.DataFrame:
    """Comments of which longer ones mention more and score lower, by a curve of their length."""
    rng = np.random.default_rng(seed)
    lang = rng.choice(langs, n)
    length = np.exp(rng.normal(2.5, 0.9, n)).astype(int) + 2
    spoken = rng.random((n, 2)) < (np.log(length) / 6)[:, None]
    texts = []
    for one, size, said in zip(lang, length, spoken, strict=True):
        words = [TOPICS[t][one][0] for t, yes in zip(TOPICS, said, strict=True) if yes]
        sep = " " if one == "en" else "，"
        texts.append(sep.join([*words, FILLING[one] * max(size - len(words), 1)]))
    rows = pd.DataFrame({"text": texts, "lang": lang})
    size = np.log(comment_length(rows).to_numpy())
    score = 9 - 0.5 * size**2 - 2.0 * (lang == "zh") + spoken @ [*TRUE.values()]
    return rows.assign(score=score + rng.normal(size=n))


def effect_of(rows: pd.DataFrame, draws: int = 20, seed: int = 1):
    fit = voice.topics(Sample(rows, draws=2), TOPICS, found=None)
    return voice.impact(voice.mark(Sample(rows, draws=draws, seed=seed), fit), fit, "score"), fit


def test_length_is_of_characters_where_words_are_not_separated():
    rows = pd.DataFrame(
        {
            "text": ["It wasn't cold, at 20 degrees!", "房间 很冷。", "とても寒い"],
            "lang": ["en", "zh", "other"],
            "language": ["en", "zh", "ja"],
        }
    )
    assert comment_length(rows).tolist() == [6, 4, 5]


@pytest.mark.slow
@pytest.mark.parametrize("langs", [("en",), ("zh",), ("en", "zh")])
def test_the_effect_of_a_topic_is_that_among_comments_of_the_same_length(langs):
    rows = written(1, 4000, langs)
    effect, fit = effect_of(rows)
    slope = effect.table.set_index("term")["slope"]
    for topic, true in TRUE.items():
        assert slope[topic] == pytest.approx(true, abs=0.15)
    assert "Adjusted for the length of comments within each language" in effect.notes
    bare = voice.mark(rows, fit).data.drop(columns="text")  # without texts there is no length
    unadjusted = voice.impact(bare, fit, "score")
    assert unadjusted.table.set_index("term")["slope"]["late"] < -0.5
    assert "Not adjusted for the length of comments" in unadjusted.notes


def test_what_explains_the_score_is_what_length_does_not():
    rows = written(2, 4000)
    fit = voice.topics(Sample(rows, draws=2), TOPICS)
    marked = voice.mark(Sample(rows, draws=50), fit)
    terms = length_terms(marked, fit)
    shares = drivers.importance(
        marked.assign(**terms), "score", [*TOPICS], always=list(terms)
    ).table.set_index("term")["estimate"]
    assert shares["late"] < 0.02
    assert drivers.importance(marked, "score", [*TOPICS]).table.set_index("term")["estimate"][
        "late"
    ] > 5 * max(shares["late"], 0.01)


def test_canned_answers_are_not_adjusted_for_the_length_that_they_have():
    """The length says which answer it is: held fixed, it would take the topics' own effect."""
    rows = pd.DataFrame({"text": ["late parcel", "staff", "nothing to say"] * 60, "lang": "en"})
    effect, fit = effect_of(rows.assign(score=[1.0, 5, 3] * 60))
    assert length_terms(voice.mark(rows, fit), fit).empty
    assert_allclose(effect.table.set_index("term")["slope"][["late", "staff"]], [-2, 2])


def test_a_length_that_is_made_of_mentions_leaves_topics_room():
    """Each topic is a clause of four words: their number is the length, and no length is fixed."""
    rng = np.random.default_rng(7)
    spoken = rng.random((2000, 2)) < 0.4
    texts = ["; ".join(t + " and" * 3 for t in np.array([*TOPICS])[row]) or "-" for row in spoken]
    score = 5 + spoken @ [-2.0, 1.0] + rng.normal(size=2000)
    effect, fit = effect_of(pd.DataFrame({"text": texts, "lang": "en", "score": score}))
    slope = effect.table.set_index("term")["slope"]
    assert_allclose(slope[["late", "staff"]], [-2, 1], atol=0.15)


def test_few_comments_of_a_language_have_no_pieces():
    rows = written(3, 120).assign(lang=["en"] * 100 + ["zh"] * 20)
    fit = voice.topics(Sample(rows, draws=2), TOPICS)
    terms = length_terms(voice.mark(rows, fit), fit)
    assert len(terms.columns) == 3  # English or not, and two pieces of English
    assert (terms[100:].to_numpy() == 0).all()


@pytest.mark.coverage
def test_points_cover_the_truth_where_length_confounds(tell_coverage):
    covered, samples = 0, 100
    for s in range(samples):
        rows = written(s, 400)
        effect, _fit = effect_of(rows, draws=200, seed=s)
        table = effect.table.set_index("term").loc[[*TRUE]]
        low, high = table["slope_low"].to_numpy(), table["slope_high"].to_numpy()
        covered += ((low <= [*TRUE.values()]) & ([*TRUE.values()] <= high)).mean()
    tell_coverage(
        "slopes of topics where length confounds", "400 comments", covered / samples, samples
    )
    assert covered / samples >= 0.9


def test_a_rise_that_is_one_of_who_comments_is_no_news():
    """In the last wave only one group writes, which has always mentioned the topic most."""
    rows = pd.DataFrame({"text": ["late"] * 60 + ["fine"] * 140 + ["late"] * 40 + ["fine"] * 10})
    rows["wave"] = ["1"] * 200 + ["2"] * 50
    rows["trust"] = ["north"] * 75 + ["south"] * 125 + ["north"] * 50
    rows["lang"] = "en"
    fit = voice.topics(Sample(rows, draws=200), {"late": {"en": ["late"]}})
    marked = voice.mark(Sample(rows, draws=200), fit)
    plain, alike = (voice.by_wave(marked, fit, hold=hold).finding for hold in ("", "trust"))
    assert plain.importance is Importance.NEWS and alike.importance is Importance.CONTEXT
    assert "among comments of the same length and trust" in alike.detail
    grown, held = (voice.emerging_topics(marked, fit, hold=h).finding for h in ("", "trust"))
    assert grown.importance is Importance.NEWS and held.importance is Importance.CONTEXT
    assert grown.claim.startswith("More of those who comment mention Late in 2: 80.0%")


def test_sources_are_compared_among_comments_of_the_same_length_too():
    texts = [f"{'fine ' * (k % 20)}{'late' if k % 20 > 9 else ''}" or "fine" for k in range(400)]
    rows = pd.DataFrame({"text": texts, "lang": "en"})
    rows["source"] = np.where([k % 20 > 11 for k in range(400)], "review", "survey")
    fit = voice.topics(Sample(rows, draws=200), {"late": {"en": ["late"]}})
    found = voice.by_source(voice.mark(Sample(rows, draws=200), fit), fit)
    assert "among comments of the same length" in found.finding.detail
    assert "not adjusted for the length" in str(found.notes)
