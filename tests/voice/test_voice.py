"""What customers say: words, topics, impact and what is new, by hand and against known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from generator.words import REVIEWED, reviews
from numpy.testing import assert_allclose

from cxlib import voice
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.data import schema, study
from cxlib.privacy import disclosure
from cxlib.stats import pvalues
from cxlib.voice import keywords, lexicon, tokens
from cxlib.voice.quotes import excerpt
from cxlib.voice.topic_model import coherence, learn, loads
from cxlib.voice.topic_sentiment import sentiments

GIVEN = {name: {"en": said.split()} for name, (said, _, _) in REVIEWED.items()}
RAW = {name: f"{name}_raw" for name in GIVEN}


def comments(*texts: str, lang: str = "en") -> pd.DataFrame:
    return pd.DataFrame({"text": list(texts), "lang": lang})


def reviewed(n: int, seed: int = 1, **how) -> pd.DataFrame:
    return reviews(np.random.default_rng(seed), n, **how).rename(columns=RAW)


# Words


def test_each_comment_has_its_own_language():
    texts = pd.Series(
        ["房间很干净，wifi 不错", "the room was clean", "chegou muito tarde, não recomendo"]
        + ["Delivery late", "12345 !!", None, "部屋はとてもきれいでした"]
    )
    assert tokens.languages(texts).tolist() == ["zh", "en", "other", "en", "", "", "other"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "text", "turned"),
    [
        ("en", "the room was not very clean, but quiet", ["very", "clean"]),
        ("en", "nobody answered. good food", ["answered"]),
        ("zh", "房间不是很干净，早餐好吃", ["很", "干净"]),
        ("zh", "没有热水。服务热情", ["热水"]),
    ],
)
def test_a_negation_turns_the_words_after_it_in_its_clause(lang, text, turned):
    cut = tokens.tokenise([text], lang)
    assert cut.words[cut.code][cut.negated].tolist() == turned


@pytest.mark.slow
def test_a_domain_word_stays_whole():
    assert "状元楼饭店" not in tokens.tokenise(["状元楼饭店很好"], "zh").words
    assert "状元楼饭店" in tokens.tokenise(["状元楼饭店很好"], "zh", ["状元楼饭店"]).words


def test_plurals_are_one_word_with_their_singular_where_both_are_written():
    cut = tokens.tokenise(["rooms and room, glass, prices"], "en")
    assert set(cut.words[cut.code]) == {"room", "and", "glass", "prices"}


@pytest.mark.parametrize(
    ("lang", "word", "feels"),
    [
        ("zh", "好吃", 1),
        ("zh", "不好吃", -1),
        ("zh", "太贵", -1),
        ("zh", "桌子", 0),
        ("en", "spotless", 1),
        ("en", "overdue", -1),
        ("other", "bom", 1),
        ("other", "péssimo", -1),
        ("other", "mesa", 0),
    ],
)
def test_words_feel(lang, word, feels):
    assert lexicon.feeling(word, lang) == feels


# Topics that are given


def test_given_words_are_found_whole_or_by_their_beginning():
    said = keywords.mentions(
        comments("Deliveries came late", "the undelivered box", "two  long weeks"),
        {"delivery": {"en": ["deliver*"]}, "wait": {"en": ["long week*"]}},
    )
    assert said.to_numpy().tolist() == [[True, False], [False, False], [False, True]]


def test_feelings_are_those_of_the_clauses_that_speak_of_a_topic():
    topics = {"staff": {"en": ["staff"]}, "food": {"en": ["food"]}, "room": {"en": ["room"]}}
    said = sentiments(
        comments("Friendly staff, but the food was not good. The room, awful!", "room 12."),
        topics,
    )
    found = said.set_index(["place", "topic"])["sentiment"].to_dict()
    assert found == {(0, "staff"): 1, (0, "food"): -1, (0, "room"): -1, (1, "room"): 0}


@pytest.mark.slow
def test_given_topics_win_and_found_ones_do_not_take_their_words():
    rows = reviewed(800)
    own = {k: GIVEN[k] for k in ("delivery", "price")}
    fit = voice.topics(Sample(rows, draws=50), own, number=2)
    assert fit.table.set_index("term")["origin"]["delivery"] == "given"
    found = fit.table.loc[fit.table["origin"] == "found", "term"]
    assert len(found) == 2
    assert not {w for name in found for w in name.split(" & ")} & set(GIVEN["delivery"]["en"])


# Topics that are found


def purity(one: np.ndarray, other: np.ndarray) -> float:
    return pd.crosstab(one, other).max(axis=1).sum() / len(one)


@pytest.mark.slow
def test_known_topics_are_found_again():
    rows = reviewed(1000)
    fit = voice.topics(Sample(rows, draws=50))
    marked = voice.mark(rows, fit)
    assert len(fit.table) == len(REVIEWED)
    for name, raw in RAW.items():
        agree = [np.mean(marked[t] == rows[raw]) for t in fit.table["term"]]
        assert max(agree) > 0.97, name
    assert fit.choice.loc[fit.choice["chosen"], "estimate"].item() > 0.95


@pytest.mark.slow
def test_a_found_topic_called_as_a_column_has_another_name():
    plain = voice.topics(Sample(reviewed(400), draws=20), number=4).table["term"]
    rows = reviewed(400).assign(**{plain[0]: "kept"})
    fit = voice.topics(Sample(rows, draws=20), number=4)
    assert plain[0].capitalize() in set(fit.table["term"]) and plain[0] not in set(
        fit.table["term"]
    )
    assert (voice.mark(rows, fit)[plain[0]] == "kept").all()


@pytest.mark.slow
def test_comments_of_no_wave_are_left_out_where_there_are_waves():
    answers = pd.DataFrame({"response_id": [1, 2, 3], "score": [1.0, 5.0, 5.0],
                            "wave": ["2026-Q1", None, "2026-Q2"], "weight": 1.0})  # fmt: skip
    rows = pd.DataFrame({"response_id": [1, 2, 3], "text": ["a room", "a bed", "a view"]})
    outcome = voice.Outcome("score", (1, 5))
    joined, _masked = voice.prepare(rows, Sample(answers, weight="weight"), outcome)
    assert joined["response_id"].tolist() == [1, 3] and "1 comment belongs" in joined.notes[0]
    assert joined.notes[0] in voice.topics(joined.replace(draws=20)).notes
    assert "All 2 who answered" in str(voice.comment_rate(joined, answers, outcome))


def test_responses_after_the_last_wave_are_not_taken_for_silent():
    answers = pd.DataFrame({"response_id": [1, 2, 3, 4], "score": 5.0, "weight": 1.0,
                            "wave": ["1", "1", "2", "2"]})  # fmt: skip
    rows = pd.DataFrame({"response_id": [1, 3], "text": ["a room", "a bed"]})
    outcome = voice.Outcome("score", (1, 5))
    comments, _masked = voice.prepare(rows, Sample(answers, weight="weight"), outcome, until="1")
    assert comments["response_id"].tolist() == [1]
    rate = voice.comment_rate(comments, answers, outcome, until="1")
    assert rate.table[["estimate", "n"]].values.tolist() == [[0.5, 2]]


@pytest.mark.slow
def test_topics_do_not_hang_on_the_order_of_the_comments():
    rows = reviewed(600)
    other = rows.sample(frac=1, random_state=3)
    one, again = (voice.topics(Sample(r, draws=20), number=4) for r in (rows, other))
    assert one.table["term"].tolist() == again.table["term"].tolist()
    assert_allclose(one.table["estimate"], again.table["estimate"])
    assert_allclose(one.models[0].topics, again.models[0].topics)


def test_loads_are_the_nearest_non_negative_parts():
    from scipy.optimize import nnls
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(2)
    topics, x = rng.random((3, 8)), rng.random((20, 8))
    theirs = np.array([nnls(topics.T, row)[0] for row in x])
    assert_allclose(loads(csr_matrix(x), topics, steps=400), theirs, atol=1e-6)


def test_coherence_by_hand():
    from scipy.sparse import csr_matrix

    # Words 0 and 1 always together, 2 never with them: NPMI 1, -1 and -1.
    counts = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]]))
    assert coherence(counts, np.array([[3.0, 2, 1]])) == pytest.approx(-1 / 3)


def test_few_comments_have_no_found_topics():
    assert learn(tokens.tokenise(["good room"] * 50, "en"), []) is None
    fit = voice.topics(Sample(comments(*["nothing to say"] * 30), draws=20))
    assert fit.table.empty and "No topic" in fit.finding.detail


@pytest.mark.parametrize("n", range(100, 125, 8))
def test_a_hundred_comments_are_too_few_for_three_topics_but_no_error(n):
    parts = ["room", "price", "staff", "food", "pool", "desk", "view", "bath", "lift"]
    of = [f"good {parts[i % 9]} and bad {parts[i // 9 % 9]}" for i in range(n)]
    found = learn(tokens.tokenise(of, "en"), [])
    assert (found is None) == (n < 120)


# Impact


def marked_of(rows: pd.DataFrame) -> tuple[Sample, Result]:
    fit = voice.topics(Sample(rows, draws=20), GIVEN)
    return voice.mark(rows, fit), fit


def marked_with(rows: pd.DataFrame, fit: Result) -> tuple[Sample, Result]:
    return voice.mark(rows, fit), fit


@pytest.mark.slow
def test_impact_by_hand_and_its_sum():
    rows = comments(*["staff"] * 4, *["staff; food"] * 4, *["food"] * 4, *["-"] * 8)
    rows["score"] = [5.0] * 4 + [3.0] * 4 + [6.0] * 4 + [8.0] * 8
    fit = voice.topics(
        Sample(rows, draws=20), {"staff": {"en": ["staff"]}, "food": {"en": ["food"]}}
    )
    told = voice.impact(voice.mark(rows, fit).replace(draws=50), fit, "score")
    # Least squares of 20 scores on the two columns and a constant, worked out with exact numbers.
    x = np.column_stack([np.ones(20), [1] * 8 + [0] * 12, [0] * 4 + [1] * 8 + [0] * 8])
    slope = np.linalg.lstsq(x, rows["score"].to_numpy(), rcond=None)[0]
    table = told.table.set_index("term")
    assert_allclose(table.loc[["staff", "food"], "slope"], slope[1:])
    assert_allclose(table.loc[["staff", "food"], "estimate"], slope[1:] * 0.4)
    mean, silence = told.mean["estimate"]
    assert mean - silence == pytest.approx(table["estimate"].sum())
    # Removal: the mean less the mean of the comments on nothing of it.
    assert table["removal"]["staff"] == pytest.approx(mean - rows["score"][8:].mean())


@pytest.mark.slow
def test_removal_blames_the_company_and_the_adjusted_does_not():
    marked, fit = marked_of(reviewed(3000, seed=2, together=0.8))
    table = voice.impact(marked.replace(draws=200), fit, "score").table.set_index("term")
    assert table["removal"]["breakfast"] < -0.2
    assert table["low"]["breakfast"] < 0 < table["high"]["breakfast"]
    assert table["estimate"]["delivery"] == pytest.approx(-2.0 * 0.30, abs=0.08)


def test_net_promoters_are_points():
    score = pd.Series([10, 9, 8, 6, 0])
    assert voice.Outcome(nps=True).points(score).tolist() == [100, 100, 0, -100, -100]


@pytest.mark.coverage
def test_impact_covers_the_known_points(tell_coverage):
    covered, samples, names = 0, 60, list(REVIEWED)
    fit = voice.topics(Sample(reviewed(50), draws=2), GIVEN)
    for s in range(samples):
        marked = reviews(np.random.default_rng(s), 400, together=0.5)[[*names, "score"]]
        table = voice.impact(Sample(marked, draws=200, seed=s), fit, "score").table
        table = table.set_index("term")
        share = np.array([0.30, 0.25, 0.30, 0.20 + 0.30 * 0.5 * 0.8])
        truth = pd.Series(share * [p for _, _, p in REVIEWED.values()], names)[table.index]
        low, high = table["simultaneous_low"], table["simultaneous_high"]
        covered += ((low <= truth) & (truth <= high)).all()
    tell_coverage(
        "points of the score by topic, simultaneous", "400 comments", covered / samples, samples
    )
    assert covered / samples >= 0.85


# What is new


def test_benjamini_and_hochberg_beside_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).random(50) ** 2
    assert_allclose(pvalues.adjusted(p, "benjamini-hochberg"), false_discovery_control(p))


@pytest.mark.slow
def test_growth_by_hand():
    rows = comments(*["late parcel"] * 8, *["fine"] * 2, *["late parcel"] * 2, *["fine"] * 18)
    rows["wave"] = ["2"] * 10 + ["1"] * 20
    fit = voice.topics(Sample(rows, draws=20), {"late": {"en": ["late"]}})
    new = voice.emerging_topics(voice.mark(rows, fit), fit)
    row = new.table.iloc[0]
    from scipy.stats import fisher_exact

    theirs = fisher_exact([[8, 2], [2, 18]], alternative="greater").pvalue
    assert row["p"] == pytest.approx(theirs)
    assert (row["now"], row["before"], row["n"]) == (0.8, 0.1, 8)
    assert set(new.warnings["term"]) >= {"late"} and (new.warnings["signal"] == "rose").all()
    assert set(new.table["kind"]) == {"topic"}  # of a word in 8 comments no page may tell


def test_several_comments_of_a_customer_count_once_a_wave():
    rows = comments(*["late"] * 5, *["fine"] * 5, *["fine"] * 10)
    rows["wave"], rows["customer_id"] = ["2"] * 10 + ["1"] * 10, ["a"] * 5 + list("bcdefghijklmnop")
    fit = voice.topics(Sample(rows, draws=20), {"late": {"en": ["late"]}})
    marked = voice.mark(Sample(rows, cluster="customer_id"), fit)
    row = voice.emerging_topics(marked, fit).table.iloc[0]
    assert (row["n"], row["now"]) == (1, pytest.approx(1 / 6))


@pytest.mark.coverage
def test_false_discoveries_are_held_and_a_new_topic_is_seen(tell_coverage):
    false, seen, samples = 0, 0, 20
    fit = voice.topics(Sample(reviewed(50), draws=2), GIVEN)
    for s in range(samples):
        rows = reviewed(400, seed=s)
        false += bool(voice.emerging_topics(*marked_with(rows, fit)).table["new"].any())
        late = rows["wave"].eq("2") & (np.random.default_rng(s).random(len(rows)) < 0.08)
        rows.loc[late, "text"] += "; robot at the desk"
        seen += "robot" in set(
            voice.emerging_topics(*marked_with(rows, fit)).table.query("new")["term"]
        )
    tell_coverage(
        "rate of false findings, emerging topics", "400 comments", false / samples, samples, 0.05
    )
    assert false / samples <= 0.15 and seen / samples >= 0.8


# Who writes, and what is masked


def answered() -> tuple[pd.DataFrame, pd.DataFrame]:
    """90 of 100 detractors wrote, 30 of 100 passives and 60 of 100 promoters."""
    score = np.repeat([2.0, 8.0, 10.0], 100)
    responses = pd.DataFrame({"response_id": [f"r{k}" for k in range(300)], "nps": score})
    responses["weight"] = 1.0
    wrote = responses[np.arange(300) % 100 < np.repeat([90, 30, 60], 100)]
    text = np.where(wrote["nps"] == 2, "late parcel", "fine room")
    return wrote[["response_id"]].assign(text=text).reset_index(drop=True), responses


def test_comments_are_weighted_to_all_who_answered():
    wrote, responses = answered()
    outcome = voice.Outcome("nps", nps=True)
    rows, _masked = voice.prepare(wrote, Sample(responses, weight="weight"), outcome)
    share = rows.data.groupby("score_class")["weight"].sum() / rows["weight"].sum()
    assert_allclose(share[["happy", "in between", "unhappy"]], 1 / 3, atol=1e-6)
    fit = voice.topics(rows.replace(draws=50), {"late": {"en": ["late"]}})
    assert fit.table["estimate"][0] == pytest.approx(1 / 3)  # 90 of 180 comments, unweighted
    told = voice.comment_rate(rows, responses, outcome).table.set_index("term")
    assert_allclose(told["estimate"][["unhappy", "in between", "happy"]], [0.9, 0.3, 0.6])


def test_personal_data_are_masked_before_anything_is_read():
    comments_, told = voice.prepare(
        comments("Write to ann@firm.com or +44 20 7946 0958", "fine", "").drop(columns="lang")
    )
    assert comments_["text"][0] == "Write to [e-mail] or [phone]"
    assert told.table.set_index("term")["estimate"].to_dict() == {
        "e-mail addresses": 1,
        "phone numbers": 1,
    }
    assert "2 personal details were" in told.finding.claim


def test_counts_of_masked_items_are_no_cells_of_people():
    """However few comments there are: three of them are no group that anybody could be found in."""
    context.begin(lang="en", smallest_cell=1000)
    _comments, told = voice.prepare(comments("Call +44 20 7946 0958", "fine", "good"))
    assert "1 personal detail was masked in 3 comments" in told.finding.claim
    assert told.table["comments"].tolist() == [3]
    assert (disclosure.hidden(told.table) == "").all()


def test_quotes_of_few_are_not_shown():
    rows = comments(
        *[f"the parcel came {k} days late" for k in range(30)], *["dear price tag"] * 12
    )
    fit = voice.topics(Sample(rows, draws=20), GIVEN)
    told = voice.quotes(voice.mark(rows, fit), fit).set_index("term")
    assert told.loc["delivery", "quote 1"] and not told.loc["price", "quote 1"]
    from cxlib.report import topic_quotes as shown

    html = shown.html_of(voice.quotes(voice.mark(rows, fit), fit))
    assert "parcel came" in html and "dear price" not in html and "too few" in html


def test_quotes_judge_a_topic_as_most_do():
    """A complaint is no example of what is praised."""
    thanks = "delivery was good and came to the door, thank you and all the others"
    praise = [f"{w} {thanks} {w}" for w in ("our", "my", "the last", "every")]
    blame = ["the delivery was bad", "bad delivery, very bad", "not a word on the good delivery"]
    rows = comments(*praise * 8, *blame).assign(good=[True] * 32 + [False] * 3)
    fit = voice.topics(Sample(rows, draws=20), {"delivery": {"en": ["delivery"]}})
    marked = voice.mark(rows, fit)
    told = voice.quotes(marked, fit, sentiment=voice.topic_sentiment(marked, fit))
    first = ["quote 1", "quote 2"]
    assert not voice.quotes(marked, fit)[first].iloc[0].str.contains("thank").all()
    assert told[first].iloc[0].str.contains("thank").all()


def test_a_long_comment_is_quoted_around_the_topic():
    text = (
        "We arrived at noon and sat down. " * 6
        + "The soup was cold, sadly. "
        + "Then we left. " * 6
    )
    soup = keywords.patterns({"en": ["soup"]})["en"]
    assert excerpt(text, soup).startswith("The soup was cold, sadly. Then we left.")
    assert len(excerpt(text, soup)) <= 90 and excerpt(text, soup).endswith("left.")
    assert excerpt(text, soup, 25) == "The soup was cold, sadly."


def test_a_quote_is_of_whole_words_where_a_sentence_is_too_long():
    soup = keywords.patterns({"en": ["soup"]})["en"]
    said = excerpt("uninteresting " * 20 + "soup " + "uninteresting " * 20, soup)
    assert set(said.strip("…").split()) == {"uninteresting", "soup"}
    assert said.startswith("…") and said.endswith("…") and len(said) <= 92
    clauses = excerpt("interminable, " * 20 + "the soup was cold, " + "interminable, " * 20, soup)
    assert clauses.startswith("…interminable, ") and "the soup was cold, " in clauses
    cold = keywords.patterns({"zh": ["汤"]})["zh"]
    text = "我们中午到了，坐下等了很久很久。" * 6 + "汤是冷的！" + "后来我们就离开了。" * 6
    assert excerpt(text, cold, 20) == "汤是冷的！后来我们就离开了。"


def test_whole_sentences_are_quoted_before_parts_of_long_ones():
    rows = comments(*["and so on " * 20 + f"late {k} " + "and so on " * 20 for k in range(30)])
    rows.loc[29, "text"] = (
        "We waited there for a very long time. It came late. " + "Not again. " * 9
    )
    fit = voice.topics(Sample(rows, draws=20), {"delivery": {"en": ["late"]}})
    told = voice.quotes(voice.mark(rows, fit), fit)
    assert told["quote 1"][0].startswith("It came late. Not again.")


def test_a_quote_that_ends_a_sentence_goes_before_one_that_a_file_cut_off():
    rows = comments(*["it came late and"] * 5, "they were late again.", *["-"] * 5)
    rows = pd.concat([rows, rows.assign(text=rows["text"].replace("-", "so late that"))])
    fit = voice.topics(Sample(rows, draws=20), {"delivery": {"en": ["late"]}})
    with context.use(context.Context(smallest_cell=1)):
        told = voice.quotes(voice.mark(rows.reset_index(drop=True), fit), fit)
    assert told["quote 1"].tolist() == ["they were late again."]


# People and machine


def test_agreement_with_people_by_hand():
    rows = comments("good staff", "bad staff", "good food", "good staff")
    rows["people"] = [1, -1, np.nan, np.nan]
    sample, words = Sample(rows, draws=50), {"staff": {"en": ["staff"]}}
    whole = voice.coding_f1(sample, words, {"staff": "people"}).table.iloc[0]
    # 2 right of 3 said, both of 2
    assert (whole["precision"], whole["recall"], whole["estimate"]) == (2 / 3, 1, 0.8)
    alpha = voice.coding_alpha(sample, words, {"staff": "people"}).table
    assert alpha.set_index("term")["estimate"]["sentiment"] == 1


def test_topics_on_which_keywords_and_people_agree_little_are_named():
    rows = comments(*["staff"] * 60, *["good"] * 20)
    rows["right"], rows["wrong"] = [1.0] * 60 + [np.nan] * 20, [np.nan] * 50 + [1.0] * 30
    words = {"right": {"en": ["staff"]}, "wrong": {"en": ["staff"]}}
    fit = voice.coding_f1(Sample(rows, draws=200), words, {"right": "right", "wrong": "wrong"})
    assert fit.finding.detail.endswith("keywords and people agree little on wrong")
    alike = voice.coding_f1(Sample(rows, draws=50), {"right": words["right"]}, {"right": "right"})
    assert "agree little" not in alike.finding.detail


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: voice.topics(pd.DataFrame({"text": ["a"]})), "no column 'lang'"),
        (lambda: voice.topics(comments()), "no comments with words"),
        (lambda: voice.topics(comments("a"), {"x": {"en": [" "]}}), "at least one letter"),
        (lambda: tokens.tokenise(["a"], "de"), "no language 'de'"),
        (
            lambda: voice.tone(comments("a").assign(good=3), "good"),
            "must be True, False or missing",
        ),
        (lambda: voice.emerging_topics(comments("a").assign(wave="1"), None), "no wave '1'"),
        (
            lambda: voice.coding_f1(comments("a"), {"x": {"en": ["a"]}}, {"x": "y"}),
            "no column 'y'",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("texts", [("", "  "), ("1", "2", "10"), ("!!", "...", "👍")])
def test_comments_without_words_are_too_few_and_no_mistake(texts) -> None:
    read, _masked = voice.prepare(pd.DataFrame({"text": texts}))
    with pytest.raises(InsufficientData, match="no comments with words"):
        voice.topics(read)


def test_comments_of_other_responses_are_too_few_and_no_mistake() -> None:
    rows = pd.DataFrame({"text": ["late parcel"], "response_id": ["r9"]})
    answers = Sample(pd.DataFrame({"response_id": ["r1"], "recommend": [9.0]}))
    with pytest.raises(InsufficientData, match="None of 1 comments"):
        voice.prepare(rows, answers, voice.Outcome("recommend", nps=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "texts", [("good room", "bad room", "fine", "ok"), ("table", "chair"), ("房间很好",)]
)
@pytest.mark.parametrize("words", [{}, {"room": {"en": ["room"], "zh": ["房间"]}}])
def test_a_few_comments_end_in_sentences(texts, words) -> None:
    read, _masked = voice.prepare(Sample(pd.DataFrame({"text": texts}), draws=20))
    fit = voice.topics(read, words)
    sentiment = voice.topic_sentiment(voice.mark(read, fit), fit)
    assert str(fit) and str(sentiment) and str(voice.tone(read, "good"))


def test_a_topic_of_the_name_of_a_column_is_refused():
    rows = comments("parcel").assign(delivery=1)
    fit = voice.topics(Sample(rows, draws=20), {"delivery": {"en": ["parcel"]}})
    with pytest.raises(ValueError, match="already"):
        voice.mark(rows, fit)


def test_a_study_gives_topics():
    given_ = study.read("sample").topics
    assert given_["late_delivery"].label["zh"] == "配送延误"
    with pytest.raises(ValueError, match="needs a letter"):
        schema.Topic(label="x", words={"en": ["*"]})


@pytest.fixture(autouse=True)
def english():
    context.begin(lang="en")


def test_what_stands_for_masked_data_is_not_a_word_of_a_topic() -> None:
    rows = pd.DataFrame({"text": ["Call me on [phone]", "Your phone line is slow"], "lang": "en"})
    found = keywords.mentions(rows, {"slow_support": {"en": ["phone"]}})
    assert found["slow_support"].tolist() == [False, True]


def test_quotes_of_the_first_topics_are_open_and_of_the_others_folded():
    from cxlib.report import topic_quotes as shown

    rows = [(f"t{k}", 90 - k, "words", f"said of {k}") for k in range(shown.OPEN + 3)]
    table = pd.DataFrame(rows, columns=["term", "n", "words", "quote 1"])
    html = shown.html_of(table)
    before, _summary, folded = html.partition("<summary>3 more topics</summary>")
    assert f"said of {shown.OPEN - 1}" in before and f"said of {shown.OPEN}" in folded
    assert "<details>" not in shown.html_of(table.head(shown.OPEN))


def test_the_only_significant_gain_is_not_said_to_be_the_largest():
    from cxlib.voice.impact import _finding

    table = pd.DataFrame(
        {
            "term": ["dishes", "taste"],
            "estimate": [0.23, 0.59],
            "n": [150, 280],
            "low": [0.11, -0.2],
            "high": [0.36, 1.4],
            "simultaneous_low": [0.02, -0.6],
            "simultaneous_high": [0.44, 1.8],
        }
    )
    topics = pd.DataFrame({"term": ["taste", "dishes"], "n": [280, 150]})
    scored = Sample(pd.DataFrame({"stars": [1] * 300}))
    found = _finding(table, topics, voice.Outcome("stars", (1, 5)), scored)
    assert (
        found.claim
        == "Only dishes is significantly associated with a gain in stars (+0.23 points)."
    )
