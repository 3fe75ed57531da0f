"""What is known of each customer, as columns of numbers that a model can add up.

    features = learn(customers, ["tenure", "contract"])   # knots, levels and averages, kept
    x = columns_of(features, customers)                    # (n, p), mean 0 and deviation 1
    places(features)                                       # {"tenure": slice(0, 6), ...}

A number becomes a straight line and what a smooth curve adds to it: a cubic B-spline with knots at
its quantiles (Eilers and Marx 1996), straight beyond its ends, less its line, so that the model may
bend it more reluctantly than tilt it. A category becomes a column for each level but the commonest.
Every column is centred and scaled, so that 0 means "like the average customer": that is what a
category never met in the training rows counts as.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _

KNOTS = 5
FEWEST_VALUES = 6  # a number with fewer different values is a straight line
SMALLEST_LEVEL = 10  # customers; smaller levels are counted together
STIFF = 10.0  # times harder to bend than to tilt
MOST_LEVELS = 40  # a text column with more is a name, not a category
FLAG = ("no", "yes")
OTHER, UNKNOWN = "other", "not known"


@dataclass(frozen=True)
class Feature:
    """How one column is read.

    Attributes
    ----------
    kind : "number", "flag" (yes or no) or "category"
    middle : median of the known values, used where a number is missing
    ends : lower and upper quartile of a number; where they are equal, the twentieth at both ends
    knots : of the curve; empty for a straight line
    levels : of a category or flag, the commonest first; OTHER gathers the small ones
    gaps : whether missing numbers get a column of their own
    implied : (level, feature) pairs: levels that another implies, like "no internet service"
    kept : the columns that say something new, of those that `_raw` makes
    centre, scale : of the kept columns
    lean : how much of the straight line is in each kept column; it is taken out of the curve's
    """

    name: str
    kind: str
    middle: float = 0.0
    ends: tuple[float, float] = (0.0, 0.0)
    knots: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    gaps: bool = False
    implied: tuple[tuple[str, str], ...] = ()
    kept: tuple[int, ...] = ()
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    lean: tuple[float, ...] = ()


def learn(customers: pd.DataFrame, names: list[str], curved: bool = True) -> list[Feature]:
    """The features of these customers; one that only repeats earlier ones keeps no column.

    Numbers are curves, or straight lines where `curved` is not asked for.
    """
    seen: dict[bytes, str] = {}
    found = (_feature(customers[name]) for name in names)
    found = (f if curved else replace(f, knots=()) for f in found)
    return [_scaled(feature, customers, seen) for feature in found]


def columns_of(features: list[Feature], customers: pd.DataFrame) -> np.ndarray:
    """The customers as the model's columns, (n, p), each 0 on average where they were learnt."""
    return np.hstack([_columns(f, customers[f.name]) for f in features])


def places(features: list[Feature]) -> dict[str, slice]:
    """Which of the model's columns belong to each feature."""
    ends = np.cumsum([len(f.kept) for f in features]).tolist()
    starts = [0, *ends[:-1]]
    return {f.name: slice(a, b) for f, a, b in zip(features, starts, ends, strict=True)}


def stiffness_of(features: list[Feature]) -> np.ndarray:
    """How many times the penalty weighs on each of the model's columns, (p,): more on curves."""
    return np.concatenate([np.where(np.array(f.lean) != 0, STIFF, 1.0) for f in features])


def known_of(feature: Feature, values: pd.Series) -> np.ndarray:
    """Whether each value is one that the training rows had: a number, or a level that was met."""
    if feature.kind == "number":
        return np.isfinite(numbers_of(values)) | feature.gaps
    codes, texts = _texts(values)
    return (pd.Index(texts).isin(feature.levels) | (OTHER in feature.levels))[codes]


def contrast_term(name: str, start: str, end: str) -> str:
    """What a change of a feature is called: "Plan: Basic → Premium"."""
    return _("{feature:label}: {start} → {end}", feature=name, start=start, end=end)


def contrasts(feature: Feature) -> list[tuple[str, str, np.ndarray]]:
    """Changes worth asking about: (from, to, the kept columns at both, (2, m)).

    A number moves from its lower to its upper quartile, a category from its commonest level to each
    other one. Levels whose column repeats another feature's are left out: nobody can change alone.
    """
    if feature.kind == "number":
        low, high = feature.ends
        return [(plain(low), plain(high), _columns(feature, pd.Series(feature.ends)))]
    moves = []
    for place, level in enumerate(feature.levels[1:]):
        if place in feature.kept:
            first = feature.levels[0]
            columns = _columns(feature, pd.Series([first, level]))
            moves.append((wording(feature, first), wording(feature, level), columns))
    return moves


def numbers_of(values: pd.Series) -> np.ndarray:
    """The values as floats, NaN where missing or endless."""
    x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(x), x, np.nan)


def text_of(values: pd.Series) -> np.ndarray:
    """The values as text; yes and no for flags and for 0 and 1, UNKNOWN where missing."""
    codes, texts = _texts(values)
    return texts[codes]


def wording(feature: Feature, level: str) -> str:
    """What a reader calls a level: the study's label, or plain yes and no for flags."""
    if level == UNKNOWN:
        return _("not known")
    if feature.kind == "flag":
        return _("yes") if level == FLAG[1] else _("no")
    return _("other") if level == OTHER else i18n.label(level)


def plain(value: float) -> str:
    """A number as a reader likes it: 9, 1,394.6 or 0.25."""
    if value == round(value):
        return i18n.count(value)
    return i18n.number(value, 2 if abs(value) < 10 else 1)


def _feature(values: pd.Series) -> Feature:
    name = str(values.name)
    if pd.api.types.is_bool_dtype(values) or _is_zero_one(values):
        gaps = (UNKNOWN,) if values.isna().any() else ()
        return Feature(name, "flag", levels=(*FLAG, *gaps))
    if pd.api.types.is_numeric_dtype(values):
        return _number(name, numbers_of(values))
    sizes = pd.Series(text_of(values)).value_counts()
    levels = sizes.index[sizes >= SMALLEST_LEVEL].tolist()
    return Feature(name, "category", levels=(*levels, *([OTHER] * (len(levels) < len(sizes)))))


def _texts(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    # Different values are few; each is written once. Code -1, for missing, reads the last text.
    codes, found = pd.factorize(values)
    number = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
    texts = [(FLAG[int(v > 0)] if number else str(v)) for v in found]
    return codes, np.array([*texts, UNKNOWN], object)


def _is_zero_one(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and values.dropna().isin([0, 1]).all()


def _number(name: str, x: np.ndarray) -> Feature:
    known = x[~np.isnan(x)]
    least, low, middle, high, most = np.quantile(known, [0.05, 0.25, 0.5, 0.75, 0.95])
    pairs = [(low, high), (least, most), (known.min(), known.max())]
    ends = next(pair for pair in pairs if pair[0] < pair[1] or pair is pairs[-1])
    knots = np.unique(np.quantile(known, np.linspace(0, 1, KNOTS)))
    curved = len(np.unique(known)) >= FEWEST_VALUES and len(knots) > 2
    return Feature(
        name,
        "number",
        middle=float(middle),
        ends=(float(ends[0]), float(ends[1])),
        knots=tuple(knots.tolist()) if curved else (),
        gaps=len(known) < len(x),
    )


def _scaled(feature: Feature, customers: pd.DataFrame, seen: dict[bytes, str]) -> Feature:
    values = customers[feature.name]
    feature = _with_implied(feature, values, seen)
    raw = _raw(feature, values)
    centre, scale = raw.mean(0), raw.std(0)
    implied = {level for level, _ in feature.implied}
    kept = []
    for place in np.flatnonzero(scale > 1e-9):
        known = feature.kind != "number" and feature.levels[place + 1] in implied
        if not known and _key(raw[:, place]) not in seen:
            seen[_key(raw[:, place])] = feature.name
            kept.append(int(place))
    at = np.array(kept, int)
    z = (raw[:, at] - centre[at]) / scale[at]
    lean = np.zeros(len(at))
    if feature.knots and kept:
        lean[1:] = z[:, 0] @ z[:, 1:] / len(z)
        lean[at > len(feature.knots) + 1] = 0.0  # the column of gaps is no curve
    return replace(
        feature,
        kept=tuple(kept),
        centre=tuple(centre[at].tolist()),
        scale=tuple(scale[at].tolist()),
        lean=tuple(lean.tolist()),
    )


def _with_implied(feature: Feature, values: pd.Series, seen: dict[bytes, str]) -> Feature:
    # Levels that an earlier feature implies come last, so that none of them is the yardstick.
    if feature.kind == "number":
        return feature
    texts = text_of(values)
    owners = {level: seen.get(_key((texts == level).astype(float))) for level in feature.levels}
    implied = tuple((level, owner) for level, owner in owners.items() if owner)
    free = [level for level, owner in owners.items() if not owner]
    return replace(feature, levels=(*free, *(level for level, _ in implied)), implied=implied)


def _key(column: np.ndarray) -> bytes:
    """The same for columns that are copies, or opposites, up to scale and origin."""
    z = column - column.mean()
    z = np.round(z / max(z.std(), 1e-12), 6)
    # Adding 0 makes -0 into 0.
    return blake2b((z * np.sign(z[np.argmax(z != 0)]) + 0.0).tobytes()).digest()


def _columns(feature: Feature, values: pd.Series) -> np.ndarray:
    raw = _raw(feature, values)[:, list(feature.kept)]
    z = (raw - np.array(feature.centre)) / np.array(feature.scale)
    if any(feature.lean):
        z = z - z[:, :1] * np.array(feature.lean)
    return np.where(known_of(feature, values)[:, None], z, 0.0)


def _raw(feature: Feature, values: pd.Series) -> np.ndarray:
    if feature.kind != "number":
        codes, texts = _texts(values)
        level = pd.Index(feature.levels).get_indexer(texts)
        if OTHER in feature.levels:
            level = np.where(level < 0, feature.levels.index(OTHER), level)
        return (level[codes][:, None] == np.arange(1, len(feature.levels))).astype(float)
    x = numbers_of(values)
    gap = np.isnan(x)
    x = np.where(gap, feature.middle, x)
    columns = [x, *_curve(x, feature.knots).T] if feature.knots else [x]
    return np.column_stack([*columns, gap] if feature.gaps else columns)


def _curve(x: np.ndarray, knots: tuple[float, ...]) -> np.ndarray:
    from sklearn.preprocessing import SplineTransformer

    at = np.array(knots)[:, None]
    spline = SplineTransformer(knots=at, degree=3, extrapolation="linear", include_bias=False)
    return spline.fit(at).transform(x[:, None])
