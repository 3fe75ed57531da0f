"""What page 23 says of topics: names, losses, changes since the last wave, sentiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlib import drivers, voice
from cxlib.core import context
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.voice.topic_model import _names
from cxlib.voice.topics import _untranslated

TOPICS = {"late": {"en": ["late"]}, "price": {"en": ["price"]}, "staff": {"en": ["staff"]}}


def marked_of(texts: list[str], **columns: object):
    rows = pd.DataFrame({"text": texts, "lang": "en", **columns})
    fit = voice.topics(Sample(rows, draws=200), TOPICS)
    return voice.mark(Sample(rows, draws=200), fit), fit


@pytest.mark.slow
def test_the_topics_that_cost_most_are_named_with_the_one_mentioned_most():
    rng = np.random.default_rng(1)
    texts = ["staff"] * 200 + ["late"] * 90 + ["price"] * 80 + ["-"] * 130
    score = np.repeat([9.0, 4, 4, 9], [200, 90, 80, 130]) + rng.integers(-1, 2, 500)
    marked, fit = marked_of(texts, score=score)
    finding = voice.impact(marked, fit, "score").finding
    assert finding.claim.startswith("Staff is mentioned most; late and price are associated with")
    assert finding.importance is Importance.NOTABLE and finding.verdict == "worse"
    assert finding.at == {"topic": "late"} and finding.low < finding.value < finding.high < 0
    assert len(finding.claim.split()) <= 25 and "95% CI" in finding.detail
    few = voice.impact(*marked_of(texts[:290] + ["price"] * 20 + ["-"] * 190, score=score), "score")
    assert "late is associated with" in few.finding.claim  # the loss by price is less than half


def test_scores_without_topics_behind_them_are_context():
    marked, fit = marked_of(["staff", "late", "price", "-"] * 30, score=[1.0, 2, 3, 4, 5, 6] * 20)
    finding = voice.impact(marked, fit, "score").finding
    assert "No topic is significantly" in finding.claim
    assert finding.importance is Importance.CONTEXT


@pytest.mark.slow
def test_a_topic_that_grew_little_by_little_is_found_since_the_first_wave():
    """10, 17, 24 and 31 of 60: no step is significant, all of them together are."""
    counts = (10, 17, 24, 31)
    texts = [text for k in counts for text in ["late"] * k + ["-"] * (60 - k)]
    waves = [f"2026-Q{q}" for q in range(1, 5) for _one in range(60)]
    marked, fit = marked_of(texts, wave=waves)
    found = voice.by_wave(marked, fit)
    [step] = found.changes.loc[found.changes["term"] == "late", "simultaneous_low"]
    whole = found.since_first.set_index("term").loc["late"]
    assert step < 0 < whole["simultaneous_low"]
    assert (whole["before"], whole["now"]) == (10 / 60, 31 / 60)
    assert found.finding.claim == (
        "Late is mentioned more often than at first: in 52% of comments in 2026-Q4, 17% in 2026-Q1."
    )
    assert "; mentioned in 10 comments or more of each of the two" in found.finding.detail
    assert found.finding.importance is Importance.NOTABLE
    two, fit = marked_of(texts[:120], wave=waves[:120])
    assert voice.by_wave(two, fit).since_first.empty  # of two waves the change is that of the step


@pytest.mark.slow
@pytest.mark.parametrize(
    ("late", "importance"), [(30, Importance.NEWS), (12, Importance.CONTEXT)], ids=["rose", "same"]
)
def test_the_latest_wave_is_compared_with_the_one_before(late, importance):
    waves = ["2026-Q1"] * 60 + ["2026-Q2"] * 60 + ["2026-Q3"] * 60
    texts = (["late"] * 50 + ["-"] * 10) + (["late"] * 12 + ["-"] * 48)
    marked, fit = marked_of([*texts, *["late"] * late, *["-"] * (60 - late)], wave=waves)
    found = voice.by_wave(marked, fit)
    change = found.changes.set_index("term").loc["late"]
    assert change["estimate"] == pytest.approx((late - 12) / 60) and change["before"] == 0.2
    assert found.finding.importance is importance
    assert "than in the quarter before" in found.finding.claim
    if importance is Importance.NEWS:
        assert found.finding.claim.startswith("Late is mentioned more often in 2026-Q3")
        assert (found.finding.previous, found.finding.value) == (0.2, 0.5)


def test_shares_of_sentiment_add_up_to_everything():
    marked, fit = marked_of(["good staff", "bad staff", "staff", "late", "awful price"] * 12)
    table = voice.topic_sentiment(marked, fit).table.set_index("term")
    assert np.allclose(table[["estimate", "bad", "neutral"]].sum(axis=1), 1)
    assert table.loc["staff", "n"] == 36 and table.loc["staff", "neutral"] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_the_most_negative_topic_is_said_to_leave_complaints_by_name_out():
    """All comments on "late" are negative, as its name says; of those on "price" two thirds are."""
    texts = ["late, bad", "awful price", "bad price", "good price", "good staff", "good staff"]
    marked, fit = marked_of(texts * 10)
    told = voice.topic_sentiment(marked, fit, {"late": True}).finding.claim
    assert told == (
        "Leaving out complaints by name, price is discussed most negatively (67% "
        "of its comments), staff most positively (100%)."
    )
    plain = voice.topic_sentiment(marked, fit, {"late": False}).finding.claim
    assert plain.startswith("Late is discussed most negatively (100% of its comments)")


@pytest.mark.slow
def test_topics_that_are_negative_alike_are_named_together():
    """12 of 30 and 11 of 30 are negative: the difference is chance, that to 2 of 30 is not."""
    kinds = {"late": (12, 18), "price": (11, 19), "staff": (2, 28)}
    texts = [f"{w} {t}" for t, k in kinds.items() for w in ["awful"] * k[0] + ["good"] * k[1]]
    marked, fit = marked_of(texts)
    found = voice.topic_sentiment(marked, fit, dict.fromkeys(TOPICS, False))
    assert found.most_negative == ["late", "price"]
    assert found.finding.claim == (
        "Late and price are discussed most negatively (40% and 37% of their comments)."
    )
    marked, fit = marked_of([t for t in texts if "price" not in t])
    found = voice.topic_sentiment(marked, fit, dict.fromkeys(TOPICS, False))
    assert found.most_negative == ["late"]


@pytest.mark.slow
def test_the_advice_is_about_the_largest_loss_of_the_latest_wave():
    """By its peak, late cost most of all waves; in the latest, 24 of 80 speak of the price."""
    counts = [(10, 24)] * 2 + [(60, 8)] + [(10, 24)] * 2
    texts, waves = [], []
    for q, (late, price) in enumerate(counts, 1):
        texts += ["late"] * late + ["price"] * price + ["-"] * (80 - late - price)
        waves += [f"2026-Q{q}"] * 80
    score = [{"late": 2.0, "price": 3.0}.get(t, 9.0) + i % 2 for i, t in enumerate(texts)]
    marked, fit = marked_of(texts, score=score, wave=waves)
    found = voice.impact(marked, fit, "score", {"price": True})
    assert found.finding.at == {"topic": "late"}
    assert found.finding.action == (
        "Reduce price, the largest loss in 2026-Q5: 30% of comments mention it. Read them to find "
        "the causes."
    )
    plain = voice.impact(marked, fit, "score", {"price": False}).finding
    assert plain.action.startswith("Reduce what customers complain of in price, the largest loss")


def test_the_most_positive_topic_is_named_alone_only_where_it_is_apart_from_the_next():
    """28 of 30 and 27 of 30 are positive: the difference is chance."""
    kinds = {"late": (5, 25), "price": (3, 27), "staff": (2, 28)}
    texts = [f"{w} {t}" for t, k in kinds.items() for w in ["awful"] * k[0] + ["good"] * k[1]]
    marked, fit = marked_of(texts)
    plain = dict.fromkeys(TOPICS, False)
    found = voice.topic_sentiment(marked, fit, plain).finding
    assert "most positively" not in found.claim
    assert "staff and price most positively: 93% (95% CI" in found.detail
    apart = ["good staff"] * 60 + ["awful late", "good late"] * 30
    found = voice.topic_sentiment(*marked_of(apart), plain).finding
    assert found.claim.endswith("staff most positively (100%).")


def test_both_losses_are_named_rather_than_the_topic_that_is_mentioned_most():
    long = {"a very long name of a topic": {"en": ["late"]}, "price": {"en": ["price"]}}
    rows = pd.DataFrame({"text": ["late"] * 90 + ["price"] * 80 + ["staff"] * 200, "lang": "en"})
    rows["score"] = np.repeat([4.0, 4.0, 9.0], [90, 80, 200]) + np.arange(370) % 2
    names = long | {"yet another name of several words": {"en": ["staff"]}}
    sample = Sample(rows, draws=100)
    fit = voice.topics(sample, names)
    claim = voice.impact(voice.mark(sample, fit), fit, "score").finding.claim
    assert "mentioned most" not in claim and "price are associated" in claim.replace("”", "")


def test_topics_named_by_words_of_another_language_are_said_to_be_without_a_translation():
    table = pd.DataFrame(
        {"term": ["late", "方便", "环境"], "lang": ["", *["Chinese comments"] * 2]}
    )
    assert _untranslated(table) == ["方便", "环境"]
    with context.use(context.Context(lang="en", labels={"方便": "Convenience"})):
        assert _untranslated(table) == ["环境"]
    with context.use(context.Context(lang="zh")):
        assert _untranslated(table) == []
    assert _untranslated(table[["term"]]) == []


def test_the_advice_tells_who_mentions_a_topic_from_who_is_negative_about_it():
    """30 of 120 mention the bill, 6 of those 30 negatively."""
    texts = ["bad price"] * 6 + ["price"] * 24 + ["-"] * 90
    marked, fit = marked_of(texts, score=[2.0] * 30 + [8.0, 9.0] * 45)
    plain = dict.fromkeys(TOPICS, False)
    sentiment = voice.topic_sentiment(marked, fit, plain)
    found = voice.impact(marked, fit, "score", plain, sentiment).finding
    assert found.action == (
        "Reduce what customers complain of in price, the largest loss: 25% of comments mention it, "
        "and 20% of those are negative about it. Read them to find the causes."
    )
    stated = voice.impact(marked, fit, "score", {"price": True}, sentiment).finding
    assert "negative about it" not in stated.action  # who mentions a complaint complains


def test_the_figure_of_sentiment_has_both_measures_of_its_headline():
    texts = ["bad late"] * 40 + ["good late"] * 20 + ["good price"] * 45 + ["price"] * 15
    marked, fit = marked_of(texts)
    found = voice.topic_sentiment(marked, fit, dict.fromkeys(TOPICS, False))
    shown = found.both.set_index(["term", "tone"])
    assert found.finding.claim.startswith("Late is discussed most negatively (67%")
    assert shown["estimate"]["late", "negative"] == pytest.approx(2 / 3)
    assert shown["estimate"]["price", "positive"] == pytest.approx(0.75)
    assert (shown["low"] <= shown["estimate"] + 1e-9).all()
    assert (shown["estimate"] <= shown["high"] + 1e-9).all()


def test_effects_on_a_scale_of_a_hundred_are_points_and_on_short_scales_of_rating_points():
    texts = ["late"] * 60 + ["-"] * 60
    for high, unit in ((100.0, "points"), (5.0, "scale")):
        marked, fit = marked_of(texts, score=[0.0, high] * 30 + [high] * 60)
        effect = voice.impact(marked, fit, "score")
        assert effect.unit == effect.finding.unit == unit


def test_comments_without_waves_are_not_said_to_be_of_one(capsys):
    marked, _fit = marked_of(["late"] * 3)
    assert not voice.has_waves(marked)
    assert "No dates or waves" in capsys.readouterr().out
    assert not voice.has_waves(marked.assign(at=pd.Timestamp("2026-01-01")))
    assert "have dates but no waves" in capsys.readouterr().out
    assert not voice.has_waves(marked.assign(wave="2026-Q1"))
    assert "are of one wave" in capsys.readouterr().out


def test_topics_whose_words_judge_both_ways_have_names_that_do_not():
    """A topic called noise that holds praise of quiet reads as a complaint."""
    import yaml

    from cxlib.voice import lexicon

    data = Path(__file__).parents[2] / "data"
    for file in sorted(data.glob("*/study.yaml")):
        for topic, said in (yaml.safe_load(file.read_text("utf-8")).get("topics") or {}).items():
            signs = {lexicon._sign(w, k) for k, some in said["words"].items() for w in some}
            if {1, -1} <= signs:
                assert lexicon._sign(said["label"]["zh"], "zh") == 0, (file.parent.name, topic)


def shares_of(marked, fit, outcome="score"):
    return drivers.importance(marked, outcome, fit.commonest)


@pytest.mark.slow
def test_no_topic_is_called_a_driver_where_none_is_significant():
    """Scores by chance: who is first is not known, and mentioning is nothing to improve."""
    texts = ["awful late"] * 30 + ["good late"] * 30 + ["price"] * 60 + ["good staff"] * 60
    rng = np.random.default_rng(3)
    marked, fit = marked_of(texts + ["-"] * 60, score=rng.integers(1, 6, 240).astype(float))
    effect = voice.impact(marked, fit, "score")
    assert "No topic is significantly" in effect.finding.claim
    sentiment = voice.topic_sentiment(marked, fit, dict.fromkeys(TOPICS, False))
    told = voice.topic_shares(shares_of(marked, fit), effect, sentiment).finding
    assert told.verdict == "unclear"
    assert "strongest drivers" not in told.claim and "effort" not in told.action
    assert told.action == (
        "Collect or code more comments before you act on drivers; look first at late "
        "(50% of its mentions are negative)"
    )


def test_a_weak_topic_is_the_most_likely_first_and_not_a_driver():
    table = pd.DataFrame({"term": ["taste", "noise", "space"], "estimate": [0.46, 0.38, 0.16]})
    table = table.assign(low=0.04, high=0.68, n=300, chance_first=[0.6, 0.398, 0.002], top=True)
    told = Finding("Taste and noise are the strongest drivers.", at={"outcome": "stars"})
    shares = Result({"table": table, "r2": table.head(1)}, told)
    nothing = table.assign(simultaneous_low=-1.0, simultaneous_high=1.0)
    found = voice.topic_shares(shares, Result(nothing, Finding("")))
    assert found.finding.claim == (
        "No topic is significantly associated with stars; taste is the most likely to be the "
        "strongest."
    )
    assert "46% of explained variance (95% CI 4% to 68%)" in found.finding.detail
    loss = table.assign(simultaneous_low=-1.0, simultaneous_high=[-0.1, 1.0, 1.0])
    found = voice.topic_shares(shares, Result(loss, Finding("")))
    assert found.finding.claim == (
        "Mentions of taste and noise predict stars best; the order of the top 3 is not settled."
    )
    assert found.finding.importance is Importance.CONTEXT and not found.finding.action


@pytest.mark.parametrize(("lang", "second"), [("en", "bed & bath"), ("zh", "bed与bath")])
def test_found_topics_are_called_by_one_or_two_words_that_tell_them_from_others(lang, second):
    words = np.array(["room", "pool", "bed", "bath"])
    topics = np.array([[0.9, 0.2, 0.1, 0.0], [0.5, 0.0, 0.9, 0.8]])
    assert _names(topics, words, lang) == ("room", second)
    assert len(set(_names(np.array([[0.9, 0.3, 0, 0], [0.9, 0, 0.3, 0]]), words, lang))) == 2
