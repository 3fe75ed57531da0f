"""How comments sound: the chance that a comment is a good one, learnt from those with a score.

    fit = voice.tone(comments, "good")        # True, False or missing
    print(fit)                                # The tone model classifies 90% of comments ...
    voice.score(comments, fit)                # chance of each comment, calibrated

Runs of characters and of words in two linear models, one with the weights of rare words, one with
how much oftener good comments have each (NB-SVM: Wang and Manning 2012); their mean and the words
of our lexicon then give a chance (Platt 1999), all from comments that were not learnt from. Where a
language has too few scored comments, the lexicon decides alone, and the note says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table
from cxlib.stats.notes import resampling_note
from cxlib.voice import lexicon, tokens

RUNS = {"zh": (1, 2, 3, 4), "en": (3, 4, 5), "other": (3, 4, 5)}  # lengths, in characters
ROOM = 1 << 20  # columns that runs fall into
FEWEST, RAREST = 60, 10  # scored comments of a language, and of its rarer kind, to learn from
FOLDS = 5
LEARNT = 8_000  # comments of a language that are learnt from at most, spread over all
BINS = 5
UNFITTED = np.array([0.0, 1.2])  # start and slope where nothing was scored
WORDS = TERMS = ("accuracy", "balanced accuracy", "largest class")


@dataclass(frozen=True, eq=False)
class Linear:
    """Two linear models over runs; `columns` are those met twice, in order."""

    columns: np.ndarray
    rarity: np.ndarray
    ratio: np.ndarray
    slopes: np.ndarray  # (2, columns)
    starts: np.ndarray  # (2,)

    def decide(self, runs: sparse.csr_matrix) -> np.ndarray:
        """Above zero for good; runs (n, ROOM)."""
        return self.on(runs[:, self.columns])

    def on(self, x: sparse.csr_matrix) -> np.ndarray:
        """Above zero for good; x (n, columns)."""
        ways = zip((self.rarity, self.ratio), self.slopes, self.starts, strict=True)
        return sum(_dressed(x, w, k) @ s + b for k, (w, s, b) in enumerate(ways)) / 2


def tone(sample: SampleLike, label: str) -> Result:
    """Learn the tone of comments from those with a score.

    Parameters
    ----------
    sample : comments with text and lang; counted without weights
    label : column that says whether a comment is a good one: True, False or missing

    Returns
    -------
    Result with the tables "table": term (accuracy; balanced accuracy, the mean of the two kinds;
    largest class, what guessing would reach), estimate, low, high, n, all of comments that were not
    learnt from (five folds, clusters whole); and "calibration": predicted, term, estimate, low,
    high, n in bins of the predicted chance. Its parts are the `models` by language and the
    `curves` that turn them into a chance.

    Raises
    ------
    ValueError : the label has other values

    References
    ----------
    Wang and Manning (2012), ACL 50; Platt (1999), Advances in Large Margin Classifiers.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["good stay", "awful stay"] * 20, "lang": "en"})
    >>> rows["good"] = [True, False] * 20
    >>> tone(rows, "good").table["estimate"].tolist()
    [1.0, 1.0, 0.5]
    """
    sample = as_sample(sample).replace(weight=None)
    comments = sample.data
    kind = _kinds(comments, label)
    sample = sample.where(kind.notna())
    scored, y = sample.data, kind[kind.notna()].to_numpy(bool)
    fold = resampling.keys_of(scored, sample.cluster) % FOLDS
    chance = np.full(len(y), np.nan)
    models: dict[str, Linear] = {}
    curves: dict[str, np.ndarray] = {}
    few = []
    for lang in sorted(set(comments["lang"]) - {""}):
        of = np.flatnonzero((scored["lang"] == lang).to_numpy())
        if len(of) < FEWEST or min(y[of].sum(), (~y[of]).sum()) < RAREST:
            few.append(lang)
            continue
        of = of[np.unique(np.linspace(0, len(of) - 1, LEARNT).astype(int))]
        models[lang], curves[lang], chance[of] = _learnt(scored.iloc[of], lang, y[of], fold[of])
    curves[""] = _by_lexicon(scored, y, fold, chance)
    fit = _packed(sample, y, chance, few)
    return fit.replace(parts={"models": models, "curves": curves})


def score(sample: SampleLike, fit: Result) -> pd.Series:
    """Chance that each comment is a good one; missing where it has no words.

    Parameters
    ----------
    sample : comments with text and lang
    fit : of `tone`

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["good", "awful", "a room"], "lang": "en", "good": None})
    >>> score(rows, tone(rows, "good")).round(2).tolist()
    [0.7, 0.3, 0.5]
    """
    comments = as_sample(sample).data
    chance = pd.Series(np.nan, comments.index)
    for lang in set(comments["lang"]) - {""}:
        of = (comments["lang"] == lang).to_numpy()
        text = tokens.tokenise(comments["text"][of], lang)
        features = leaning(text)[:, None]
        if lang in fit.models:
            seen = fit.models[lang].decide(runs_of(comments["text"][of], text))
            features = np.column_stack([seen, features])
        chance[of] = _chance(features, fit.curves.get(lang, fit.curves[""]))
    return chance


def leaning(text: tokens.Text) -> np.ndarray:
    """What the lexicon says of each comment: good less bad words, by the root of their number."""
    good, bad = lexicon.score(text)
    return (good - bad) / np.sqrt(good + bad + 1)


def runs_of(texts: pd.Series, text: tokens.Text) -> sparse.csr_matrix:
    """How often each comment has each run of characters and of words: (n, ROOM)."""
    written = [str(t)[: tokens.MOST].lower() for t in texts]
    if text.lang == "zh":
        written = [tokens.simplified(t) for t in written]
    letters = np.frombuffer("".join(written).encode("utf-32-le", "replace"), np.uint32)
    of = np.repeat(np.arange(len(written)), [len(t) for t in written])
    spoken = pd.util.hash_array(text.words.astype(object), categorize=False)[text.code]
    turned = spoken + text.negated.astype(np.uint64)
    found = [_run(letters.astype(np.uint64), of, k) for k in RUNS[text.lang]]
    found += [_run(turned, text.place, k) for k in (1, 2)]
    rows, columns = (np.concatenate(side) for side in zip(*found, strict=True))
    ones = np.ones(len(rows), np.float32)
    counts = sparse.csr_matrix((ones, (rows, columns)), (len(written), ROOM))
    counts.sum_duplicates()
    return counts


def _run(values: np.ndarray, of: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(comment, column) of every run of `length` values that lies in one comment."""
    n = max(len(values) - length + 1, 0)
    mixed = np.full(n, length, np.uint64)
    for j in range(length):
        mixed = (mixed ^ values[j : n + j]) * resampling.GOLDEN
        mixed ^= mixed >> np.uint64(29)
    inside = of[:n] == of[length - 1 :][:n]
    column = (mixed * resampling.GOLDEN) >> np.uint64(64 - ROOM.bit_length() + 1)
    return of[:n][inside], column[inside].astype(np.int32)


def _learnt(
    scored: pd.DataFrame, lang: str, y: np.ndarray, fold: np.ndarray
) -> tuple[Linear, np.ndarray, np.ndarray]:
    """(model, second stage, chance of each comment from models that have not seen it)."""
    text = tokens.tokenise(scored["text"], lang)
    runs, lean = runs_of(scored["text"], text), leaning(text)
    # Which runs there are and how rare is known without the scores, so all folds may share it.
    x, columns, rarity = met_twice(runs)
    seen = np.zeros(len(y))
    for out in (fold == f for f in range(FOLDS)):
        if out.any() and len(np.unique(y[~out])) == 2:
            seen[out] = linear(x[~out], y[~out], columns, rarity).on(x[out])
    features = np.column_stack([seen, lean])
    model = linear(x, y, columns, rarity)
    return model, _curve(features, y), _crossed(features, y, fold)


def met_twice(runs: sparse.csr_matrix) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """The runs that two comments have: (their counts, their columns, how rare each is)."""
    held = np.bincount(runs.indices, minlength=ROOM)
    columns = np.flatnonzero(held >= 2)
    return runs[:, columns], columns, np.log((1 + runs.shape[0]) / (1 + held[columns])) + 1


def linear(x: sparse.csr_matrix, y: np.ndarray, columns: np.ndarray, rarity: np.ndarray) -> Linear:
    """The two linear models of `met_twice` runs (n, columns) and whether each comment is good."""
    from sklearn.svm import LinearSVC

    both = [np.asarray((x[y == k] > 0).sum(0), float).ravel() + 1 for k in (True, False)]
    ratio = np.log(both[0] / both[0].sum()) - np.log(both[1] / both[1].sum())
    slopes, starts = [], []
    for way, weight in enumerate((rarity, ratio)):
        machine = LinearSVC(C=0.5, random_state=0).fit(_dressed(x, weight, way), y)
        slopes.append(machine.coef_[0])
        starts.append(machine.intercept_[0])
    return Linear(columns, rarity, ratio, np.array(slopes), np.array(starts))


def _dressed(x: sparse.csr_matrix, weight: np.ndarray, way: int) -> sparse.csr_matrix:
    """Rows of length one: logarithms of counts by rarity (0), or there or not by ratio (1)."""
    from sklearn.preprocessing import normalize

    there = x.astype(float)
    there.data = 1 + np.log(there.data) if way == 0 else np.ones_like(there.data)
    there.data *= weight[there.indices]
    return normalize(there, copy=False)


def _curve(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Start and slopes of a logistic curve: from features to a chance."""
    from sklearn.linear_model import LogisticRegression

    curve = LogisticRegression(C=100.0).fit(features, y)
    return np.r_[curve.intercept_, curve.coef_[0]]


def _chance(features: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(curve[0] + features @ curve[1:])))


def _crossed(features: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The chance of each comment by a curve fitted to the other folds."""
    chance = np.full(len(y), np.nan)
    for out in (fold == f for f in range(FOLDS)):
        if out.any() and len(np.unique(y[~out])) == 2:
            chance[out] = _chance(features[out], _curve(features[~out], y[~out]))
    return chance


def _by_lexicon(
    scored: pd.DataFrame, y: np.ndarray, fold: np.ndarray, chance: np.ndarray
) -> np.ndarray:
    """The curve where a language has no model; fills the chances that are missing."""
    lean = np.zeros(len(scored))
    for lang in set(scored["lang"]) - {""}:
        of = (scored["lang"] == lang).to_numpy()
        lean[of] = leaning(tokens.tokenise(scored["text"][of], lang))
    if min(y.sum(), (~y).sum()) < RAREST:
        return UNFITTED
    missing = np.isnan(chance)
    chance[missing] = _crossed(lean[:, None], y, fold)[missing]
    return _curve(lean[:, None], y)


def _kinds(comments: pd.DataFrame, label: str) -> pd.Series:
    require_columns(comments, ["text", "lang", label], "comments")
    kind = comments[label].astype("object").where(comments["lang"] != "")
    if strange := [v for v in kind.dropna().unique() if v not in (True, False)]:
        raise ValueError(f"{label!r} holds {strange[:3]}; it must be True, False or missing.")
    return kind


def _packed(sample: Sample, y: np.ndarray, chance: np.ndarray, few: list[str]) -> Result:
    known = ~np.isnan(chance)
    if not known.any():
        claim = _(
            "No comment has a score to learn tone from; a word list decides, and its accuracy is "
            "not known."
        )
        empty = pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
        return Result(
            {"table": empty, "calibration": empty},
            Finding(claim, importance=Importance.METHOD),
            "",
            "share",
            draws=sample.draws,
            seed=sample.seed,
        )
    y, chance, sample = y[known], chance[known], sample.where(known)
    parts = np.column_stack([(chance >= 0.5) == y, y, y & (chance >= 0.5), ~y & (chance < 0.5)])
    parts = np.column_stack([np.ones(len(y)), parts]).astype(float)
    again = resampling.resample_sums(parts, **resampling.design(sample))
    table = estimates_table(TERMS, _rates(parts.sum(0)[None])[0], _rates(again), len(y))
    right, _balanced, guess = table.itertuples()
    claim = _(
        "The tone model classifies {share:share} of unseen comments correctly, against "
        "{guess:share} for always guessing the larger class.",
        share=right.estimate,
        guess=guess.estimate,
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}", span=(right.low, right.high), n=len(y)
    )
    notes = [
        _(
            "{good:count} good and {bad:count} bad comments, by their scores; five-fold "
            "cross-validation, folds by customer.",
            good=int(y.sum()),
            bad=int((~y).sum()),
        ),
        resampling_note(sample),
    ]
    if few:
        notes.insert(
            1,
            _(
                "Too few scored comments to learn from, so a word list decides: "
                "{langs:label_list}.",
                langs=[tokens.COMMENTS[lang] for lang in few],
            ),
        )
    tables = {"table": table, "calibration": _bins(sample, y, chance)}
    finding = Finding(claim, detail, importance=Importance.METHOD)
    return Result(
        tables, finding, i18n.together(notes), "share", draws=sample.draws, seed=sample.seed
    )


def _rates(sums: np.ndarray) -> np.ndarray:
    """Accuracy, balanced accuracy and share of the commoner kind, from sums: (draws, 3)."""
    n, right, good, good_right, bad_right = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        balanced = (good_right / good + bad_right / (n - good)) / 2
        return np.column_stack([right / n, balanced, np.maximum(good, n - good) / n])


def _bins(sample: Sample, y: np.ndarray, chance: np.ndarray) -> pd.DataFrame:
    """Share of good comments in equal groups of the predicted chance."""
    cuts = np.unique(np.quantile(chance, np.linspace(0, 1, BINS + 1)[1:-1]))
    member = np.searchsorted(cuts, chance, side="right")[:, None] == np.arange(len(cuts) + 1)
    clusters = resampling.resampling_units(sample)
    good = ratio(
        member * y[:, None], member, draws=sample.draws, seed=sample.seed, clusters=clusters
    )
    n = member.sum(0)
    table = estimates_table([str(b + 1) for b in range(len(n))], good.estimate, good.replicates, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        table.insert(0, "predicted", chance @ member / n)
    return table
