"""Tone by hand and on labelled reviews; topics beside labels made by hand and a plain LDA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlib import reserve, voice
from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.data import study
from cxlib.voice import tokens
from cxlib.voice.tone import leaning, linear, met_twice, runs_of, score
from cxlib.voice.topic_model import learn

MIRROR = Path(os.environ.get("CX_MIRROR", "."))


def mirrored(name: str) -> pd.DataFrame:
    path = MIRROR / name
    if not path.is_file():
        pytest.skip(f"CX_MIRROR holds no {name}")
    return pd.read_csv(path)


@pytest.fixture(autouse=True)
def english():
    context.begin(lang="en")


def hotels() -> pd.DataFrame:
    rows = mirrored("hotel_reviews_zh/ChnSentiCorp_htl_all.csv.gz").dropna()
    rows = rows.rename(columns={"review": "text"})
    return rows.assign(lang="zh", good=rows["label"] == 1).reset_index(drop=True)


@pytest.mark.parametrize(
    ("scale", "nps", "ends"), [((0, 10), True, (6, 9)), ((1, 5), False, (2.6, 4.0))]
)
def test_ends_of_a_scale_are_good_and_bad(scale, nps, ends):
    assert voice.Outcome("score", scale, nps).bounds == pytest.approx(ends)


@pytest.mark.slow
def test_runs_by_hand():
    text = tokens.tokenise(["ab"], "zh")
    runs = runs_of(pd.Series(["ab"]), text)
    # a, b, ab as characters; ab as one word.
    assert (runs.sum(), runs.nnz) == (4, 4)
    assert runs_of(pd.Series(["ab", "ab"]), tokens.tokenise(["ab", "ab"], "zh"))[1].nnz == 4


def test_without_scores_the_lexicon_decides_and_says_so():
    rows = pd.DataFrame({"text": ["good room", "dirty room", "a room"], "lang": "en", "good": None})
    fit = voice.tone(rows, "good")
    assert "its accuracy is not known" in fit.finding.claim and fit.table.empty
    chance = score(rows, fit)
    assert chance[0] > 0.5 > chance[1] and chance[2] == 0.5


@pytest.mark.slow
def test_tone_is_learnt_from_scores_and_foreign_words():
    rng = np.random.default_rng(1)
    good = rng.random(300) < 0.6
    texts = np.where(good, "produto chegou lindo", "produto veio quebrado")
    rows = pd.DataFrame({"text": texts, "lang": "other", "good": good})
    fit = voice.tone(Sample(rows, draws=50), "good")
    assert fit.table.set_index("term")["estimate"]["accuracy"] == 1
    assert (score(rows, fit).gt(0.5) == good).all()


def test_few_scores_leave_it_to_the_lexicon():
    rows = pd.DataFrame({"text": ["good stay", "awful stay"] * 20, "lang": "en"})
    rows["good"] = [True, False] * 20
    fit = voice.tone(Sample(rows, draws=50), "good")
    assert not fit.models and "Too few scored comments" in fit.notes
    assert fit.table.set_index("term")["estimate"]["accuracy"] == 1


@pytest.mark.slow
def test_chance_tells_nothing_of_scores_by_lot():
    rng = np.random.default_rng(2)
    texts = [" ".join(rng.choice(list("abcdefghij"), 6)) for _ in range(400)]
    rows = pd.DataFrame({"text": texts, "lang": "en", "good": rng.random(400) < 0.5})
    row = voice.tone(Sample(rows, draws=200), "good").table.iloc[0]
    assert row["low"] <= 0.5 <= row["high"] + 0.02


@pytest.mark.slow
@pytest.mark.mirror
def test_tone_of_hotel_reviews_on_a_held_out_third():
    from sklearn.model_selection import train_test_split

    rows, right = hotels(), []
    runs = runs_of(rows["text"], tokens.tokenise(rows["text"], "zh"))
    good = rows["good"].to_numpy()
    for seed in range(5):
        learn, rest = train_test_split(
            np.arange(len(rows)), test_size=1 / 3, stratify=good, random_state=seed
        )
        x, columns, rarity = met_twice(runs[learn])
        model = linear(x, good[learn], columns, rarity)
        right.append(((model.decide(runs[rest]) > 0) == good[rest]).mean())
    assert np.mean(right) >= 0.90


@pytest.mark.slow
@pytest.mark.mirror
def test_chances_of_hotel_reviews_are_calibrated():
    rows = hotels().sample(3000, random_state=1).reset_index(drop=True)
    rest = np.arange(len(rows)) % 2 == 0
    fit = voice.tone(Sample(rows[~rest], draws=50), "good")
    said = pd.DataFrame({"chance": score(rows[rest], fit), "good": rows["good"][rest]})
    groups = said.groupby(pd.qcut(said["chance"], 5, labels=False))
    assert (groups["chance"].mean() - groups["good"].mean()).abs().max() < 0.08


@pytest.mark.slow
@pytest.mark.mirror
def test_the_lexicon_leans_the_right_way():
    from sklearn.metrics import roc_auc_score

    rows = hotels().sample(1000, random_state=1)
    assert roc_auc_score(rows["good"], leaning(tokens.tokenise(rows["text"], "zh"))) > 0.8


@pytest.mark.slow
@pytest.mark.mirror
def test_topics_of_patients_beside_labels_made_by_hand_and_a_plain_lda():
    from sklearn.decomposition import LatentDirichletAllocation
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.metrics import adjusted_mutual_info_score

    rows = mirrored("nhs_feedback/text_data.csv.gz").dropna(subset=["feedback", "label"])
    rows = rows.sample(4000, random_state=1)
    text = tokens.tokenise(rows["feedback"], "en")
    model, _ = learn(text, [], 12)
    load = model.loads(text)
    ours = np.where(load.max(1) > 0, load.argmax(1), -1)
    counts = CountVectorizer(stop_words="english", min_df=5, max_df=0.3)
    x = counts.fit_transform(rows["feedback"])
    theirs = LatentDirichletAllocation(12, random_state=0, max_iter=5).fit_transform(x).argmax(1)

    def purity(topic: np.ndarray) -> float:
        return pd.crosstab(topic, rows["label"].to_numpy()).to_numpy().max(1).sum() / len(topic)

    labels = rows["label"]
    assert purity(ours) > purity(theirs) + 0.02
    assert adjusted_mutual_info_score(labels, ours) > adjusted_mutual_info_score(labels, theirs)


@pytest.mark.slow
@pytest.mark.mirror
def test_aspects_of_restaurants_beside_people():
    topics = study.read("restaurant").topics
    rows = mirrored("asap/test_sample.csv").rename(columns={"reviewbody": "text"})
    names = {
        "noise": "environment_noise",
        "staff": "service_waiters_attitude",
        "cleanliness": "environment_cleaness",
        "taste": "dish_taste",
    }
    rows = rows.assign(lang="zh", **{c: rows[c].replace(-2, np.nan) for c in names.values()})
    words = {name: topics[name].words for name in names}
    fit = voice.coding_f1(Sample(rows, draws=100), words, names)
    assert fit.table["low"][0] > 0.75  # F1 of who speaks of what
    alpha = voice.coding_alpha(Sample(rows, draws=100), words, names).table.set_index("term")
    assert alpha["low"]["mention"] > 0.4 and alpha["low"]["sentiment"] > 0.2


@pytest.mark.slow
@pytest.mark.mirror
def test_dates_and_codes_of_patients_as_counted_in_their_file():
    """Days and months change places in one list of the file; dates that may be both are missing."""
    mirrored("nhs_feedback/text_data.csv.gz")  # or the test is skipped
    rows = reserve.check("patients").taken["comments"].rows
    assert (len(rows), int(rows["at"].isna().sum())) == (6205, 602)
    quarters = rows["wave"].value_counts()
    assert (quarters["2021-Q3"], quarters["2022-Q3"]) == (943, 850)
    assert set(rows.loc[rows["wave"] == "2022-Q3", "trust"]) == {"NEAS"}
    assert int(rows["coded_staff"].notna().sum()) == 1751
    topics = study.read("patients").topics
    words = {name: topics[name].words for name in ("staff", "transport")}
    coded = {name: topics[name].coded for name in words}
    found = voice.coding_f1(Sample(rows.assign(lang="en"), draws=50), words, coded).table
    staff = found.set_index("term").loc["staff"]
    assert (staff["recall"], staff["precision"]) == pytest.approx((0.72, 0.73), abs=0.01)
