"""What comments speak of: the topics that a study gives, and those found in the rest.

Found topics are non-negative factors of the weights of words (Lee and Seung 1999; NNDSVD start,
Boutsidis and Gallopoulos 2008). Nothing in it is left to chance or to the order of the comments:
the same comments have the same topics on every machine. How many there are is chosen by how far
halves of the comments give the same topics (stability: Greene, O'Callaghan and Cunningham 2014) and
by whether a topic's words stand in the same comments (coherence, NPMI: Bouma 2009; Röder, Both and
Hinneburg 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.stats import resampling
from cxlib.voice import lexicon, tokens
from cxlib.voice.phrases import key_phrases
from cxlib.voice.tokens import Text

EACH = 40  # comments that a topic needs at least
FEWEST = 100  # comments of a language in which topics are looked for
NUMBERS = (3, 4, 5, 6, 8, 10, 12, 15)  # of topics, that are tried
LEARNT = 8000  # comments that a model is learnt from
TRIED = 1500  # and that numbers of topics are tried on
HALVES = 3  # of the comments, that are compared
VOCABULARY = 1000
RARE, COMMON = 0.002, 0.3  # share of comments that must and may have a word
NEAR = 0.02  # a number of topics is as good as the best up to this; then more tell more
STEPS = 30
TIE, GOLDEN = 1e-4, (5**0.5 - 1) / 2  # by which words differ at most; multiples of it never meet
TOP = 8  # words by which a topic is judged
SLIGHT = 0.1  # of the weight of the first word; what is below is not listed
SECOND = 0.5  # of it, from which a second word belongs into the name of a topic
HELD = 0.15  # part of a comment (its length is one) from which it speaks of a topic


@dataclass(frozen=True, eq=False)
class Model:
    """Topics found in one language.

    Attributes
    ----------
    lang : their language: "en", "zh" or "other"
    language : its code where `lang` is "other" and it is known, else the same
    words : (p,) the vocabulary
    rarity : (p,) weight of each word
    topics : (k, p) weight of each word in each topic, each of length one
    names : (k,) what they are called: a key phrase, else their one or two most distinctive words
    """

    lang: str
    language: str
    words: np.ndarray
    rarity: np.ndarray
    topics: np.ndarray
    names: tuple[str, ...]

    def loads(self, text: Text) -> np.ndarray:
        """How much of each comment is of each topic: (n, k)."""
        place = pd.Index(text.words).get_indexer(self.words)
        counts = text.counts(np.where(place < 0, len(text.words), place)[place >= 0])
        whole = sparse.csr_matrix(
            (counts.data, np.flatnonzero(place >= 0)[counts.indices], counts.indptr),
            (text.n, len(self.words)),
        )
        return loads(_weighed(whole, self.rarity), self.topics)

    def listed(self, most: int = TOP) -> list[list[str]]:
        """The first words of each topic."""
        return [_first(t, self.words, most) for t in self.topics]


def learn(
    text: Text, taken: list[str], number: int = 0, language: str = ""
) -> tuple[Model, pd.DataFrame] | None:
    """Topics of the comments, and what was tried; None where too few comments share words.

    `taken` are words of topics that the study gives, and no others are named by. The table has
    term (number of topics), estimate (stability: mean cosine of the topics of halves to their
    like), low and high (over halves), n (comments), coherence, chosen.
    """
    counts, vocabulary = _vocabulary(text, taken, language)
    rarity = np.log((1 + text.n) / (1 + np.asarray((counts > 0).sum(0)).ravel())) + 1
    filled = np.flatnonzero(np.diff(counts.indptr))
    least = FEWEST if number else max(FEWEST, EACH * NUMBERS[0])
    if len(filled) < least or len(vocabulary) < 2 * max(NUMBERS[0], number):
        return None
    rows = filled[_order(text, counts[filled], vocabulary)]
    x = _weighed(counts[rows[:LEARNT]], rarity)
    most = min(len(vocabulary) // 2, max(2, len(filled) // EACH))
    tried = _tried(
        x[:TRIED], counts[rows[:TRIED]], [number] if number else [k for k in NUMBERS if k <= most]
    )
    best = int(tried["term"][tried["chosen"].to_numpy()].iloc[0])
    topics = factors(x, best).round(6)
    topics = topics[np.argsort(-loads(x, topics).sum(0), kind="stable")]
    held = np.zeros((text.n, best), bool)
    held[rows[:LEARNT]] = loads(x, topics) >= HELD
    names = _names(topics, vocabulary, text.lang)
    names = _phrased(names, text, held, topics, vocabulary, language)
    model = Model(text.lang, language or text.lang, vocabulary, rarity, topics, names)
    return model, tried.assign(n=len(filled))


def factors(x: sparse.csr_matrix, number: int) -> np.ndarray:
    """Non-negative factors of the rows: (number, p), each of length one.

    Words of comments that have no other word are often equally strong, and which of them the start
    then takes would hang on the rounding of the machine. Hardly visible differences settle it.
    """
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    apart = 1 + TIE * ((1 + np.arange(x.shape[1])) * GOLDEN % 1)
    fit = NMF(number, init="nndsvd", random_state=0, max_iter=STEPS, tol=1e-3)
    # Steps are few on purpose; the error of an exact fit may round below zero.
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit.fit(x.multiply(apart).tocsr())
    found = fit.components_ / apart
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(length > 0, length, 1)


def loads(x: sparse.csr_matrix, topics: np.ndarray, steps: int = 25) -> np.ndarray:
    """The non-negative parts of topics that come nearest to each row: (n, k)."""
    near, alike = np.asarray(x @ topics.T), topics @ topics.T
    parts = np.maximum(near, 0) / max(len(topics) / 4, 1)
    for _ in range(steps):
        for t in range(len(topics)):
            step = (near[:, t] - parts @ alike[:, t]) / max(alike[t, t], 1e-12)
            parts[:, t] = np.maximum(parts[:, t] + step, 0)
    return parts


def _tried(x: sparse.csr_matrix, counts: sparse.csr_matrix, numbers: list[int]) -> pd.DataFrame:
    rows = []
    for number in numbers:
        whole = factors(x, number)
        parts = [factors(x[half], number) for half in _halves(x.shape[0], HALVES)]
        same = np.array([_alike(whole, part) for part in parts])
        rows.append((number, same.mean(), same.min(), same.max(), coherence(counts, whole)))
    table = pd.DataFrame(rows, columns=["term", "estimate", "low", "high", "coherence"])
    worth = (table["estimate"] + table["coherence"]).to_numpy()
    last = np.flatnonzero(worth >= worth.max() - NEAR)[-1]
    return table.assign(chosen=np.arange(len(table)) == last)


def _halves(n: int, how_many: int) -> list[np.ndarray]:
    drawn = resampling.multiplicities(n, how_many, 1) > 0  # 63 in 100 come up at least once
    return [np.flatnonzero(d) for d in drawn]


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Mean cosine of topics with their best counterparts, each used once."""
    from scipy.optimize import linear_sum_assignment

    cosine = one @ other.T
    return float(cosine[linear_sum_assignment(-cosine)].mean())


def coherence(counts: sparse.csr_matrix, topics: np.ndarray) -> float:
    """Mean NPMI of the pairs of each topic's first words: 1 always together, -1 never."""
    there = (counts > 0).astype(float)
    share, found = np.asarray(there.mean(0)).ravel(), []
    one, other = np.triu_indices(min(TOP, topics.shape[1]), 1)
    for topic in topics:
        first = np.argsort(-topic, kind="stable")[:TOP]
        both = ((there[:, first].T @ there[:, first]).toarray() / there.shape[0])[one, other]
        alone = share[first][one] * share[first][other]
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.log(both / alone) / -np.log(both)
        found.append(np.where(both > 0, np.where(both < 1, value, 1.0), -1.0).mean())
    return float(np.mean(found))


def _vocabulary(
    text: Text, taken: list[str], language: str
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """(counts (n, p), words): words that tell a matter, neither rare nor in most comments."""
    places = tokens.content_words(text, language=language)
    out = lexicon.judging(text.lang) | set(taken)
    places = places[[w not in out for w in text.words[places]]]
    counts = text.counts(places)
    held = np.asarray((counts > 0).sum(0)).ravel()
    usual = (held >= max(5, RARE * text.n)) & (held <= COMMON * text.n)
    kept = np.flatnonzero(usual)
    kept = np.sort(kept[np.argsort(-held[kept], kind="stable")[:VOCABULARY]])
    return counts[:, kept], text.words[places[kept]]


def _order(text: Text, counts: sparse.csr_matrix, vocabulary: np.ndarray) -> np.ndarray:
    """An order of comments that hangs on their words alone, and is else like chance."""
    words = pd.util.hash_array(np.asarray(vocabulary, object), categorize=False)
    value = (words >> np.uint64(64 - resampling.BITS)).astype(float) + 1
    value = np.column_stack([np.sin(value * (j + 1)) for j in range(2)])
    known = np.asarray(counts @ value).round(6)
    return np.lexsort((known[:, 1], known[:, 0]))


def _weighed(counts: sparse.csr_matrix, rarity: np.ndarray) -> sparse.csr_matrix:
    from sklearn.preprocessing import normalize

    x = counts.astype(float).tocsr(copy=True)
    x.data = 1 + np.log(x.data)
    return normalize(sparse.csr_matrix(x.multiply(rarity)))


def _first(topic: np.ndarray, vocabulary: np.ndarray, most: int) -> list[str]:
    order = np.argsort(-topic, kind="stable")[:most]
    return [str(w) for w in vocabulary[order][topic[order] >= SLIGHT * topic[order[0]]]]


def _names(topics: np.ndarray, vocabulary: np.ndarray, lang: str) -> tuple[str, ...]:
    """A name for each topic: the word it has most of and others least, and a second such word."""
    own = topics**2 / np.maximum(topics.sum(0), 1e-12)
    names: list[str] = []
    for weight in own:
        words = _first(weight, vocabulary, TOP)
        heavy = np.sort(weight)[::-1][1] >= SECOND * weight.max()
        name = next(
            name
            for many in (1 + heavy, 2, 3, len(words))
            if (name := joined_words(words[:many], lang)) not in names or many == len(words)
        )
        names.append(name)
    return tuple(names)


def _phrased(
    names: tuple[str, ...],
    text: Text,
    held: np.ndarray,
    topics: np.ndarray,
    vocabulary: np.ndarray,
    language: str,
) -> tuple[str, ...]:
    """The best key phrase of each topic in place of its name, where there is one of its own."""
    content = frozenset(text.words[tokens.content_words(text, language=language)])
    own = topics**2 / np.maximum(topics.sum(0), 1e-12)
    leading = [_first(weight, vocabulary, TOP) for weight in own]
    # Words that judge say how, not what: they are in a name only where nothing else is common.
    tries = (content - lexicon.judging(text.lang), content)
    phrases = [key_phrases(text, held, leading, some) for some in tries]
    taken: list[str] = []
    for name, *ways in zip(names, *phrases, strict=True):
        usable = (p for way in ways for p in way if p not in taken and p not in names)
        taken.append(next(usable, name))
    return tuple(taken)


def joined_words(words: list[str], lang: str) -> str:
    """Words as the name of a topic, in the language of its comments."""
    joint = "与" if lang == "zh" else " & "
    return joint.join(words)
