"""60,000 Chinese reviews read by us, and by jieba and scikit-learn as their manuals begin."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from cxlib.voice import tokens
from cxlib.voice.tone import LEARNT, linear, met_twice, runs_of
from cxlib.voice.topic_model import learn

pytestmark = [pytest.mark.slow, pytest.mark.mirror]
REVIEWS, TOPICS = 60_000, 10
FILE = "hotel_reviews_zh/ChnSentiCorp_htl_all.csv.gz"


def many() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews made of the first two thirds of the labelled ones, two of a kind each; the rest."""
    path = Path(os.environ.get("CX_MIRROR", ".")) / FILE
    if not path.is_file():
        pytest.skip(f"CX_MIRROR holds no {FILE}")
    rows = pd.read_csv(path).dropna().sample(frac=1, random_state=0, ignore_index=True)
    first, rest = rows[: 2 * len(rows) // 3], rows[2 * len(rows) // 3 :]
    rng, made = np.random.default_rng(0), []
    for label, share in first["label"].value_counts(normalize=True).items():
        texts = first.loc[first["label"] == label, "review"].str.slice(0, 80).to_numpy()
        one, other = rng.choice(texts, (2, int(REVIEWS * share)))
        made.append(pd.DataFrame({"review": one + "\u3002" + other, "label": label}))
    return pd.concat(made).sample(frac=1, random_state=0, ignore_index=True), rest


def by_default(rows: pd.DataFrame, rest: pd.DataFrame) -> tuple[float, float]:
    """(seconds, accuracy): jieba.lcut, TfidfVectorizer, NMF and LogisticRegression."""
    jieba = pytest.importorskip("jieba")
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    jieba.setLogLevel(60)
    jieba.initialize()
    start = time.process_time()
    weights = TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None)
    x = weights.fit_transform(rows["review"])
    NMF(TOPICS, random_state=0).fit_transform(x)
    model = LogisticRegression(max_iter=1000).fit(x, rows["label"])
    spent = time.process_time() - start
    return spent, (model.predict(weights.transform(rest["review"])) == rest["label"]).mean()


def by_us(rows: pd.DataFrame, rest: pd.DataFrame) -> tuple[float, float]:
    """(seconds, accuracy): words, topics found and held by each review, and tone."""
    tokens.tokenise(["\u597d"], "zh")
    start = time.process_time()
    text = tokens.tokenise(rows["review"], "zh")
    model, _ = learn(text, [], TOPICS)
    model.loads(text)
    some = rows.iloc[:LEARNT]
    x, columns, rarity = met_twice(runs_of(some["review"], tokens.tokenise(some["review"], "zh")))
    tone = linear(x, some["label"].to_numpy() == 1, columns, rarity)
    spent = time.process_time() - start
    said = tone.decide(runs_of(rest["review"], tokens.tokenise(rest["review"], "zh"))) > 0
    return spent, (said == (rest["label"].to_numpy() == 1)).mean()


def test_sixty_thousand_reviews_beside_jieba_and_sklearn() -> None:
    rows, rest = many()
    with threadpool_limits(1):
        quick, ours = by_us(rows, rest)
        plain, theirs = by_default(rows, rest)
    print(
        f"\n{len(rows):,} reviews of {rows['review'].str.len().sum():,} characters: {quick:.1f} s, "
        f"jieba and scikit-learn {plain:.1f} s: {plain / quick:.1f}x; held-out accuracy {ours:.3f} "
        f"against {theirs:.3f}"
    )
    assert ours >= theirs
    assert plain > 5 * quick
