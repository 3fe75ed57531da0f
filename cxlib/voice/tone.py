"""How comments sound: the chance that a comment is a good one, learnt from those with a score.

    fit = tone.fit(comments, "good")          # True, False or missing
    print(fit)                                # 90% (89% to 91%) of comments are told right ...
    tone.score(comments, fit)                 # chance of each comment, calibrated

Runs of characters and of words in two linear models, one with the weights of rare words, one with
how much oftener good comments have each (NB-SVM: Wang and Manning 2012); their mean and the words
of our lexicon then give a chance (Platt 1999), all from comments that were not learnt from. Where a
language has too few scored comments, the lexicon decides alone, and the note says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table
from cxlib.voice import lexicon, words

RUNS = {"zh": (1, 2, 3, 4), "en": (3, 4, 5), "other": (3, 4, 5)}  # lengths, in characters
ROOM = 1 << 20  # columns that runs fall into
FEWEST, RAREST = 60, 10  # scored comments of a language, and of its rarer kind, to learn from
FOLDS = 5
LEARNT = 8_000  # comments of a language that are learnt from at most, spread over all
BINS = 5
UNFITTED = np.array([0.0, 1.2])  # start and slope where nothing was scored
TERMS = ("accuracy", "balanced accuracy", "largest class")
WORDS = ("accuracy", "balanced accuracy", "largest class")


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


@dataclass(frozen=True)
class Tone(Estimates):
    """How well tone is told (`table`), and what tells it.

    `table` has, of comments that were not learnt from, term: accuracy, balanced accuracy (mean of
    the two kinds), largest class (what guessing would reach); `calibration` has predicted,
    term, estimate, low, high, n in bins of the chance.
    """

    calibration: pd.DataFrame = field(kw_only=True)
    models: dict[str, Linear] = field(kw_only=True, repr=False, compare=False)
    stages: dict[str, np.ndarray] = field(kw_only=True, repr=False, compare=False)


def fit(
    comments: pd.DataFrame,
    label: str,
    *,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Tone:
    """Learn the tone of comments (text, lang) from the column `label`: True, False or missing.

    Every number of `table` is of comments that were not learnt from (five folds, customers whole).
    Raises ValueError where `label` has other values.
    """
    kind = _kinds(comments, label)
    known = kind.notna().to_numpy()
    scored, y = comments[known], kind[known].to_numpy(bool)
    fold = resampling.keys_of(scored, bucket) % FOLDS
    chance = np.full(len(y), np.nan)
    models, stages, few = {}, {}, []
    for lang in sorted(set(comments["lang"]) - {""}):
        of = np.flatnonzero((scored["lang"] == lang).to_numpy())
        if len(of) < FEWEST or min(y[of].sum(), (~y[of]).sum()) < RAREST:
            few.append(lang)
            continue
        of = of[np.unique(np.linspace(0, len(of) - 1, LEARNT).astype(int))]
        models[lang], stages[lang], chance[of] = _learnt(scored.iloc[of], lang, y[of], fold[of])
    stages[""] = _by_lexicon(scored, y, fold, chance)
    return _packed(scored, y, chance, models, stages, few, bucket, draws, seed)


def score(comments: pd.DataFrame, fit: Tone) -> pd.Series:
    """Chance that each comment is a good one; missing where it has no words."""
    chance = pd.Series(np.nan, comments.index)
    for lang in set(comments["lang"]) - {""}:
        of = (comments["lang"] == lang).to_numpy()
        text = words.split(comments["text"][of], lang)
        if lang in fit.models:
            seen = fit.models[lang].decide(runs_of(comments["text"][of], text))
            told = np.column_stack([seen, leaning(text)])
        else:
            told = leaning(text)[:, None]
        chance[of] = _chance(told, fit.stages.get(lang, fit.stages[""]))
    return chance


def leaning(text: words.Text) -> np.ndarray:
    """What the lexicon says of each comment: good less bad words, by the root of their number."""
    good, bad = lexicon.score(text)
    return (good - bad) / np.sqrt(good + bad + 1)


def runs_of(texts: pd.Series, text: words.Text) -> sparse.csr_matrix:
    """How often each comment has each run of characters and of words: (n, ROOM)."""
    written = [str(t)[: words.MOST].lower() for t in texts]
    letters = np.frombuffer("".join(written).encode("utf-32-le", "replace"), np.uint32)
    of = np.repeat(np.arange(len(written)), [len(t) for t in written])
    spoken = pd.util.hash_array(text.words.astype(object), categorize=False)[text.code]
    said = spoken + text.negated.astype(np.uint64)
    found = [_run(letters.astype(np.uint64), of, k) for k in RUNS[text.lang]]
    found += [_run(said, text.place, k) for k in (1, 2)]
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
    text = words.split(scored["text"], lang)
    runs, lean = runs_of(scored["text"], text), leaning(text)
    # Which runs there are and how rare is known without the scores, so all folds may share it.
    x, columns, rarity = met_twice(runs)
    seen = np.zeros(len(y))
    for out in (fold == f for f in range(FOLDS)):
        if out.any() and len(np.unique(y[~out])) == 2:
            seen[out] = linear(x[~out], y[~out], columns, rarity).on(x[out])
    told = np.column_stack([seen, lean])
    model = linear(x, y, columns, rarity)
    return model, _stage(told, y), _crossed(told, y, fold)


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


def _stage(told: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Start and slopes of a logistic curve: from what was told to a chance."""
    from sklearn.linear_model import LogisticRegression

    curve = LogisticRegression(C=100.0).fit(told, y)
    return np.r_[curve.intercept_, curve.coef_[0]]


def _chance(told: np.ndarray, stage: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(stage[0] + told @ stage[1:])))


def _crossed(told: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The chance of each comment by a curve fitted to the other folds."""
    chance = np.full(len(y), np.nan)
    for out in (fold == f for f in range(FOLDS)):
        if out.any() and len(np.unique(y[~out])) == 2:
            chance[out] = _chance(told[out], _stage(told[~out], y[~out]))
    return chance


def _by_lexicon(
    scored: pd.DataFrame, y: np.ndarray, fold: np.ndarray, chance: np.ndarray
) -> np.ndarray:
    """The curve where a language has no model; fills the chances that are missing."""
    lean = np.zeros(len(scored))
    for lang in set(scored["lang"]) - {""}:
        of = (scored["lang"] == lang).to_numpy()
        lean[of] = leaning(words.split(scored["text"][of], lang))
    if min(y.sum(), (~y).sum()) < RAREST:
        return UNFITTED
    missing = np.isnan(chance)
    chance[missing] = _crossed(lean[:, None], y, fold)[missing]
    return _stage(lean[:, None], y)


def _kinds(comments: pd.DataFrame, label: str) -> pd.Series:
    if lacking := [c for c in ("text", "lang", label) if c not in comments]:
        raise ValueError(f"no column {lacking} in comments. They have: {', '.join(comments)}.")
    kind = comments[label].astype("object").where(comments["lang"] != "")
    if strange := [v for v in kind.dropna().unique() if v not in (True, False)]:
        raise ValueError(f"{label!r} holds {strange[:3]}; it must be True, False or missing.")
    return kind


def bounds(low: float, high: float, *, nps: bool = False) -> tuple[float, float]:
    """Scores up to the first are bad, from the second on good, on a scale from low to high.

    Of an NPS question detractors and promoters; else the lowest two fifths and the top quarter.
    """
    return (6.0, 9.0) if nps else (low + 0.4 * (high - low), high - 0.25 * (high - low))


def _packed(
    scored: pd.DataFrame,
    y: np.ndarray,
    chance: np.ndarray,
    models: dict[str, Linear],
    stages: dict[str, np.ndarray],
    few: list[str],
    bucket: str | None,
    draws: int,
    seed: int,
) -> Tone:
    told = np.flatnonzero(~np.isnan(chance))
    facts = {"models": models, "stages": stages, "draws": draws, "seed": seed}
    if not len(told):
        answer = _(
            "Nothing was scored that tone could be learnt from: a small list of words decides, and "
            "how often it is right is not known."
        )
        empty = pd.DataFrame(columns=["term", "estimate", "low", "high", "n"])
        return Tone(empty, answer, "", "share", calibration=empty, **facts)
    y, chance = y[told], chance[told]
    who = resampling.who_of(scored.iloc[told], bucket)
    parts = np.column_stack([(chance >= 0.5) == y, y, y & (chance >= 0.5), ~y & (chance < 0.5)])
    parts = np.column_stack([np.ones(len(y)), parts]).astype(float)
    drawn = resampling.resample_sums(parts, draws, seed, who)
    table = estimates_table(TERMS, _rates(parts.sum(0)[None])[0], _rates(drawn), len(y))
    right, balanced, guess = table.itertuples()
    answer = _(
        "{share:share1} ({span:share_interval1}) of {n:count} comments are told right as good or "
        "bad by a model that has not seen them; guessing the commoner kind would reach "
        "{guess:share1}.",
        share=right.estimate,
        span=(right.low, right.high),
        n=len(y),
        guess=guess.estimate,
    )
    note = [
        _(
            "{good:count} good and {bad:count} bad comments, by their scores; five folds, "
            "customers whole.",
            good=int(y.sum()),
            bad=int((~y).sum()),
        ),
        how_drawn(draws, bucket=bucket),
    ]
    if few:
        note.insert(
            1,
            _(
                "Too few scored comments to learn from, so a small list of words decides: "
                "{langs:label_list}.",
                langs=[words.COMMENTS[lang] for lang in few],
            ),
        )
    bins = _bins(y, chance, who, draws, seed)
    return Tone(table, answer, i18n.together(note), "share", calibration=bins, **facts)


def _rates(sums: np.ndarray) -> np.ndarray:
    """Accuracy, balanced accuracy and share of the commoner kind, from sums: (draws, 3)."""
    n, right, good, good_right, bad_right = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        balanced = (good_right / good + bad_right / (n - good)) / 2
        return np.column_stack([right / n, balanced, np.maximum(good, n - good) / n])


def _bins(
    y: np.ndarray, chance: np.ndarray, who: resampling.Who, draws: int, seed: int
) -> pd.DataFrame:
    """Share of good comments in equal groups of the chance told."""
    cuts = np.unique(np.quantile(chance, np.linspace(0, 1, BINS + 1)[1:-1]))
    member = np.searchsorted(cuts, chance, side="right")[:, None] == np.arange(len(cuts) + 1)
    good = ratio(member * y[:, None], member, draws=draws, seed=seed, who=who)
    n = member.sum(0)
    table = estimates_table([str(b + 1) for b in range(len(n))], *good, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        table.insert(0, "predicted", chance @ member / n)
    return table
