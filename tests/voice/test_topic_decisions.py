"""Topics as people decide about them: merged, renamed, grouped, complaints; names, sources."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from generator.words import _MATTERS
from numpy.testing import assert_allclose

from cxlib import voice
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data import study
from cxlib.privacy import disclosure
from cxlib.voice import lexicon, tokens
from cxlib.voice.phrases import key_phrases
from cxlib.voice.topic_sentiment import sentiments

STUDY = """
title: A study
source: made up
tables: {comments: {files: c.csv, columns: {comment_id: id, text: text}}}
topics:
  late: {label: Late, words: {en: [late]}}
"""


def read(tmp_path, decisions: str) -> study.Study:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "topics.yaml").write_text(decisions, encoding="utf-8")
    return study.read(tmp_path / "study.yaml")


def test_topics_yaml_adds_to_the_topics_of_the_study(tmp_path):
    own = read(
        tmp_path,
        "topics: {late: {group: orders, complaint: true}, desk: {label: Desk}}\n"
        "groups: {orders: Orders}\nfound: {front desk: desk, next time: null}\n",
    )
    assert own.topics["late"].words == {"en": ["late"]} and own.topics["late"].complaint
    assert own.topics["late"].group == "orders" and own.topic_groups["orders"]["en"] == "Orders"
    assert own.found_topics == {"front desk": "desk", "next time": None}


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ("topic: {}", "the key 'topic' is not known; did you mean 'topics'"),
        ("[late]", "holds no keys. Keys there: topics, groups, found"),
        ("groups: orders", "groups holds 'orders', it must hold names with values"),
        ("topics: {late: {group: ordres}}\ngroups: {orders: O}", "did you mean 'orders'"),
        ("topics: {desk: {label: Desk}}", "topics.desk: it has no words, and no found topic"),
        ("found: {front desk: dsek}", "found.front desk: 'dsek' is not a topic"),
        ("topics: {late: {wrods: {en: [a]}}}", "did you mean 'words'"),
        ("topics: {late: [", "topics.yaml is not YAML"),
    ],
)
def test_a_wrong_topics_yaml_is_a_clear_error(tmp_path, decisions, message):
    with pytest.raises(study.StudyError, match=re.escape(message)):
        read(tmp_path, decisions)


def test_key_phrases_are_common_in_their_topic_and_rare_elsewhere():
    front = ["the front desk was slow", "nobody at the front desk", "front desk again"] * 4
    other = ["value for money", "poor value for money", "a clean desk"] * 4
    text = tokens.tokenise(front + other, "en")
    held = np.zeros((24, 2), bool)
    held[:12, 0], held[12:, 1] = True, True
    content = frozenset(text.words[tokens.content_words(text)])
    found = key_phrases(text, held, [["desk", "front"], ["money", "value"]], content)
    assert [f[0] for f in found] == ["front desk", "value for money"]
    assert key_phrases(text, held, [["nobody"], ["clean"]], frozenset()) == [[], []]


@pytest.mark.parametrize(
    ("words", "complains"),
    [
        ({"other": ["não recebi", "não chegou", "aguardando", "pedido"]}, True),
        ({"en": ["wait*", "late", "quick*"]}, False),  # "quick" is good
        ({"zh": ["没有送到", "漏水", "房间"]}, True),
        ({"en": ["room", "bed", "noisy"]}, False),
        ({}, False),
    ],
)
def test_a_topic_of_bad_words_is_a_complaint(words, complains):
    assert lexicon.complains(words) is complains


def test_who_mentions_a_complaint_does_not_speak_well_of_it():
    rows = pd.DataFrame(
        {"text": ["Great, still not received", "not received", "not received: bad"]}
    )
    rows["lang"] = "en"
    topics = {"missing": {"en": ["not received"]}}
    assert sentiments(rows, topics, ["missing"])["sentiment"].max() <= 0
    fit = voice.topics(rows, topics)
    told = voice.topic_sentiment(voice.mark(rows, fit), fit)
    assert told.table[["estimate", "bad"]].values.tolist() == [[0, pytest.approx(1)]]
    stated = voice.topic_sentiment(voice.mark(rows, fit), fit, {"missing": False})
    assert "Complaints by name" in told.notes and "Complaints by name" not in stated.notes


@pytest.mark.slow
def test_found_topics_of_two_languages_become_one():
    english = ["front desk queue luggage", "swimming pool towel lounge", "evening bus taxi station",
               "breakfast coffee bread fruit"]  # fmt: skip
    chinese = ["前台手续排队行李", "泳池毛巾更衣室", "公交地铁出租车", "早餐咖啡面包水果"]
    rows = pd.DataFrame({"text": english * 40 + chinese * 40, "lang": ["en"] * 160 + ["zh"] * 160})
    plain = voice.topics(Sample(rows, draws=20), number=4)
    names = {lang: [m.names for m in plain.models if m.lang == lang][0] for lang in ("en", "zh")}
    desk = [n for some in names.values() for n in some if "desk" in n or "前台" in n]
    assert len(desk) == 2 and len(plain.table) == 8
    own = {"desk": {}}
    found = {**dict.fromkeys(desk, "desk"), "gone": None}
    fit = voice.topics(Sample(rows, draws=20), own, number=4, found=found)
    table = fit.table.set_index("term")
    assert len(table) == 7 and table.loc["desk", "n"] == 80
    assert "names 1 topic that is not among those found this time: gone" in fit.notes
    assert voice.mark(rows, fit)["desk"].sum() == 80


def test_a_comment_on_two_topics_of_a_group_counts_once():
    rows = pd.DataFrame({"text": ["late and rude", "late", "dear", "fine"], "lang": "en"})
    fit = voice.topics(rows, {n: {"en": [n]} for n in ("late", "rude", "dear")})
    found = voice.topic_groups(voice.mark(rows, fit), fit, {"late": "people", "rude": "people"})
    assert found.table[["term", "n", "topics"]].values.tolist() == [
        ["people", 2, 2],
        ["other topics", 1, 1],
    ]
    assert_allclose(found.table["estimate"], [0.5, 0.25])
    with pytest.raises(InsufficientData, match="No topic belongs to a group"):
        voice.topic_groups(voice.mark(rows, fit), fit, {})


def by_source(late: dict[str, float], seed: int = 1, n: int = 1000):
    rng = np.random.default_rng(seed)
    source = rng.choice(list(late), n)
    is_late = rng.random(n) < np.array([late[s] for s in source])
    rows = pd.DataFrame({"text": np.where(is_late, "late", "fine"), "lang": "en", "source": source})
    rows["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 360, n), "D")
    fit = voice.topics(Sample(rows, draws=200), {"late": {"en": ["late"]}})
    return voice.by_source(voice.mark(Sample(rows, draws=200), fit), fit)


@pytest.mark.slow
def test_a_known_difference_of_sources_is_found_and_none_is_not():
    found = by_source({"review": 0.5, "survey": 0.2})
    assert re.match(r"Late differs most between sources: \d+% of .* from", found.finding.claim)
    row = found.differences.iloc[0]
    assert row["low"] < 0.3 < row["high"] and found.over_time["period"].nunique() == 4
    same = by_source({"review": 0.3, "survey": 0.3})
    assert same.finding.claim == "No topic differs significantly between the sources of comments."
    with pytest.raises(InsufficientData, match="1 of 1 sources has enough"):
        by_source({"review": 0.3})


@pytest.mark.slow
def test_decisions_of_the_sample_give_its_topics_back():
    own = study.read("sample")
    rows = pd.read_csv(own.folder / "comments.csv.gz").drop(columns="response_id")
    comments, _masked = voice.prepare(Sample(rows, draws=50))
    words = {n: {str(k): w for k, w in t.words.items()} for n, t in own.topics.items()}
    fit = voice.topics(comments, words, found=own.found_topics)
    marked = voice.mark(comments, fit).data

    def true_topic(text: str) -> str:
        for name, texts in _MATTERS.items():
            for matter in (m for some in texts.values() for m in some):
                if re.search(re.escape(matter).replace(r"\{days\}", r"\d+"), text, re.I):
                    return name
        return "?"

    truth = marked["text"].map(true_topic)
    for name, least in {"clean_room": 0.98, "easy_booking": 0.75, "late_delivery": 0.98}.items():
        on_it, true = marked[name] > 0, truth == name
        assert (on_it & true).sum() >= 0.98 * on_it.sum(), name  # what is found is right
        assert (on_it & true).sum() >= least * true.sum(), name  # and most of it is found


@pytest.mark.slow
def test_changes_do_not_tell_what_the_waves_hide():
    """A topic of 4 of 100 comments in one wave: other waves are hidden for it, and its changes."""
    waves = np.repeat(["2026-Q1", "2026-Q2", "2026-Q3"], 100)
    rows = pd.DataFrame({"comment_id": range(300), "text": "fine", "lang": "en", "wave": waves})
    rows.loc[rows.index.isin([*range(4), *range(100, 130), *range(200, 212)]), "text"] = "queue"
    sample = Sample(rows, draws=50)
    fit = voice.topics(sample, {"queue": {"en": ["queue"]}, "fine": {"en": ["fine"]}})
    found = voice.by_wave(voice.mark(sample, fit), fit)
    table, changes = found.table, found.changes
    hidden = table[disclosure.hidden(table) != ""]
    assert {"2026-Q1", "2026-Q3"} <= set(hidden["wave"])
    assert "queue" not in changes["term"].tolist()
