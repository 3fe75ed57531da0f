"""Segments by k-means: how many, how stable, what each is like, and whom to put where."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cxlib import moments, page
from cxlib.estimates import LEVEL, Estimates
from cxlib.segments import stability
from cxlib.segments.space import (
    FARTHEST,
    MOST_LEVELS,
    Axis,
    axes_of,
    clipped,
    is_category,
    points_of,
    terms_of,
    values_of,
    wording,
)

MISSING = ("complete", "median")
FEWEST = 30  # customers
MOSTLY = 0.8  # share of customers that must have a feature chosen for its numbers alone
SAMPLE = 10_000  # customers on whom the number of segments is chosen
TELLING = 0.3  # deviations from the average from which a feature names a segment
CLEAR = 0.25  # silhouette below which segments shade into each other


@dataclass(frozen=True)
class Fit(Estimates):
    """Segments, and what is needed to place other customers.

    Attributes
    ----------
    table : term (the segment's name), estimate (share of customers), low, high, n, segment
        (number), jaccard, verdict ("report", "pattern", "not named"); largest first
    profiles : segment (name), term (feature or level), estimate (mean or share), low, high, n,
        overall, distance (from the average, in deviations), spread (one deviation); the intervals
        of a term hold for all segments at once
    marks : profiles in deviations from the average customer, to set features side by side
    choice : k, silhouette, stability, weakest, smallest, chosen
    axes, centres : how customers become points, and the middle of each segment (k, columns)
    missing : what was done about missing values
    """

    profiles: pd.DataFrame = field(kw_only=True)
    marks: pd.DataFrame = field(kw_only=True)
    choice: pd.DataFrame = field(kw_only=True)
    axes: list[Axis] = field(kw_only=True)
    centres: np.ndarray = field(kw_only=True)
    missing: str = field(kw_only=True)


def fit(
    customers: pd.DataFrame,
    features: list[str] | None = None,
    *,
    k: int | None = None,
    most: int = 8,
    weight: str | None = None,
    missing: str = "complete",
    draws: int = 50,
    interval_draws: int = 1000,
    seed: int = 1,
) -> Fit:
    """Segments of customers alike in `features` (numbers, yes or no, categories).

    Without features, those are the columns of numbers that most customers have and that differ.
    The number is chosen from 2 to `most` by stability over `draws` bootstrap samples and by how far
    segments lie apart (silhouette), unless `k` is given. `missing="complete"` leaves out customers
    with a gap; "median" puts the median for a number, and "not known" as a level. Raises ValueError
    for unknown, useless or unfit columns, and for fewer than 30 (different) customers.
    """
    numbers = _numbers(k, most, missing)
    features = _own_numbers(customers) if features is None else features
    _check_columns(customers, features)
    w = moments.weights_of(customers, weight)
    rows, w, notes = _used(customers, list(dict.fromkeys(features)), w, missing)
    axes = axes_of(rows, list(rows), w)
    x = points_of(axes, rows)
    numbers = [n for n in numbers if n <= _different(x) // 2]
    _check_rows(x, rows, k, numbers)
    sampled = np.sort(np.random.default_rng(seed).permutation(len(x))[:SAMPLE])
    # Small products: threads would only wait for each other. (What scikit-learn has not loaded by
    # now is not held to one thread, so `stability` imports it at its top.)
    with threadpool_limits(1):
        tried = stability.trials(x[sampled], w[sampled], numbers, draws, seed)
        chosen = k or stability.choose(tried, w[sampled])
        found = _ordered(x, w, tried[chosen], seed)
    named = _sizes(axes, x, w, *found, interval_draws, seed)
    profiles = _profiles(axes, rows, w, found[1], named, interval_draws, seed)
    choice = stability.choice_of(tried, w[sampled], chosen)
    return Fit(
        named,
        _answer(named),
        page.together([*_notes(axes, rows, customers, choice, named, len(sampled)), *notes]),
        "share",
        draws=interval_draws,
        seed=seed,
        profiles=profiles,
        marks=_marks(profiles),
        choice=choice,
        axes=axes,
        centres=found[0],
        missing=missing,
    )


def place(customers: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    """The customers, row for row, with `segment` (number, 1 the largest) and `segment_name`.

    Empty where a feature is missing, unless the fit was made with missing="median".
    """
    names = [axis.name for axis in fit.axes]
    if lacking := [name for name in names if name not in customers]:
        raise ValueError(
            f"customers lack {lacking}, by which the segments were made. They have: "
            f"{', '.join(map(str, customers))}."
        )
    x = points_of(fit.axes, customers)
    # |x - c|² without |x|², which is the same for every centre.
    nearest = ((fit.centres**2).sum(1) - 2 * x @ fit.centres.T).argmin(1) if len(x) else []
    segment = pd.Series(nearest, index=customers.index, dtype="Int64") + 1
    if fit.missing == "complete":
        segment = segment.mask(_finite(customers[names]).isna().any(axis=1))
    return customers.assign(
        segment=segment, segment_name=segment.map(fit.table.set_index("segment")["term"])
    )


def _numbers(k: int | None, most: int, missing: str) -> list[int]:
    if missing not in MISSING:
        raise ValueError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    if (k or most) < 2 or (k or most) > 20:
        raise ValueError(f"k is {k}, most {most}; segments number from 2 to 20.")
    return sorted({*range(2, most + 1), *([k] if k else [])})


def _own_numbers(customers: pd.DataFrame) -> list[str]:
    """Columns of numbers that tell customers apart: filled for 4 in 5, no ids, not who left."""
    numbers = customers.select_dtypes("number").drop(columns="left", errors="ignore")
    return [
        c
        for c in numbers
        if not str(c).endswith("id")
        and numbers[c].notna().mean() >= MOSTLY
        and numbers[c].nunique() > 1
    ]


def _check_columns(customers: pd.DataFrame, features: list[str]) -> None:
    if not features:
        raise ValueError(
            "no features: name the columns by which customers shall be alike (segments.features in "
            f"study.yaml). There are: {', '.join(map(str, customers))}."
        )
    if unknown := [c for c in features if c not in customers]:
        raise ValueError(
            f"no column {unknown} in customers. They have: {', '.join(map(str, customers))}."
        )
    unfit = [
        c
        for c in features
        if pd.api.types.is_datetime64_any_dtype(customers[c])
        or (is_category(customers[c]) and customers[c].nunique() > MOST_LEVELS)
    ]
    if unfit:
        raise ValueError(
            f"{unfit} hold dates, or texts with more than {MOST_LEVELS} different values. Turn "
            "dates into days, group texts, or leave them out of features."
        )


def _used(
    customers: pd.DataFrame, features: list[str], w: np.ndarray, missing: str
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    rows = _finite(customers[features])
    whole = rows.notna().all(axis=1).to_numpy()
    keep = (whole if missing == "complete" else rows.notna().any(axis=1).to_numpy()) & (w > 0)
    rows, w = rows[keep], w[keep] / (w[keep].mean() if keep.any() else 1)
    if len(rows) < FEWEST:
        gaps = _finite(customers[features]).isna().sum().sort_values(ascending=False)
        raise ValueError(
            f"{len(rows):,} of {len(customers):,} customers can be used; segments need at least "
            f"{FEWEST}. Most gaps: {gaps.index[0]} ({gaps.iloc[0]:,}). Leave it out, or use "
            "missing='median'."
        )
    constant = [c for c in features if rows[c].nunique(dropna=False) < 2]
    if len(constant) == len(features):
        raise ValueError(
            f"all {len(rows):,} customers are identical in {features}, so there is nothing to "
            "part them by. Add features."
        )
    notes = []
    if missing == "median" and (gaps := int((~whole[keep]).sum())):
        notes.append(
            page.say(
                "{gaps} customers lack an answer; medians stand in for numbers.",
                gaps=page.count(gaps),
            )
        )
    if constant:
        said = page.listed(map(page.label, constant))
        notes.append(page.say("Left out, the same for everyone: {columns}.", columns=said))
    return rows.drop(columns=constant), w, notes


def _finite(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.mask(rows.isin([np.inf, -np.inf]))  # endless is as good as missing


def _check_rows(x: np.ndarray, rows: pd.DataFrame, k: int | None, numbers: list[int]) -> None:
    if not numbers or (k and k not in numbers):
        raise ValueError(
            f"the {len(x):,} customers show only {_different(x):,} different points in "
            f"{list(rows)}, too few for {k or 2} segments. Take fewer, or add features."
        )


def _different(x: np.ndarray) -> int:
    return len(np.unique(x[:, :], axis=0))


def _ordered(
    x: np.ndarray, w: np.ndarray, trial: stability.Trial, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres, labels of all customers and stability, the largest segment first."""
    k = len(trial.centres)
    centres, labels, _ = stability.clusters(x, w, k, seed, trial.centres)
    order = np.argsort(-np.bincount(labels, w, k), kind="stable")
    return centres[order], np.argsort(order)[labels], trial.stability[order]


def _sizes(
    axes: list[Axis],
    x: np.ndarray,
    w: np.ndarray,
    centres: np.ndarray,
    labels: np.ndarray,
    jaccard: np.ndarray,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    inside = (labels[:, None] == np.arange(len(centres))).astype(float) * w[:, None]
    sums = moments.resample_sums(np.column_stack([inside, w]), draws, seed)
    share = inside.sum(0) / w.sum()
    low, high = _together(share, sums[:, :-1] / sums[:, -1:])
    verdicts = np.select(
        [jaccard >= stability.REPORT, jaccard >= stability.PATTERN],
        ["report", "pattern"],
        "not named",
    )
    return pd.DataFrame(
        {
            "term": _names(axes, centres, x.std(0), verdicts),
            "estimate": share,
            "low": low.clip(0, 1),
            "high": high.clip(0, 1),
            "n": np.bincount(labels, minlength=len(centres)),
            "segment": np.arange(1, len(centres) + 1),
            "jaccard": jaccard,
            "verdict": verdicts,
        }
    )


def _names(
    axes: list[Axis], centres: np.ndarray, deviation: np.ndarray, verdicts: np.ndarray
) -> list[str]:
    """The two features in which each segment differs most from the average, in words."""
    columns = [(axis, level) for axis in axes for level in (axis.levels or ("",))]
    distance = centres / np.maximum(deviation, 1e-12)
    names: list[str] = []
    for number, (away, verdict) in enumerate(zip(distance, verdicts, strict=True), 1):
        parts = _parts(columns, away)
        name = page.listed(parts[:2]) or page.say("close to the average")
        if name in names:
            name = page.listed(parts[:3])
        if verdict == "not named":
            name = page.say("segment {number}, not named", number=number)
        elif verdict == "pattern":
            name = page.say("pattern: {name}", name=name)
        if name in names:
            name = page.say("{name}, segment {number}", name=name, number=number)
        names.append(name)
    return names


def _parts(columns: list[tuple[Axis, str]], away: np.ndarray) -> list[str]:
    said: dict[str, str] = {}
    for at in np.argsort(-np.abs(away), kind="stable"):
        axis, level = columns[at]
        # Of a category we say what its members are, not what they are not.
        if abs(away[at]) < TELLING or axis.name in said or (level and away[at] < 0):
            continue
        feature, value = page.label(axis.name), wording(axis, level) if level else ""
        if level:
            said[axis.name] = page.say("{feature}: {value}", feature=feature, value=value)
        elif away[at] > 0:
            said[axis.name] = page.say("{feature}: high", feature=feature)
        else:
            said[axis.name] = page.say("{feature}: low", feature=feature)
    return list(said.values())


def _profiles(
    axes: list[Axis],
    rows: pd.DataFrame,
    w: np.ndarray,
    labels: np.ndarray,
    named: pd.DataFrame,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """What each segment is like; the interval of a term holds for all segments at once."""
    values = np.hstack([values_of(axis, rows[axis.name]) for axis in axes])
    mean = np.average(values, axis=0, weights=w)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=w))
    shown = [i for i, flag in enumerate(_shown(axes)) if flag]
    is_share = np.repeat([bool(a.levels) for a in axes], [max(len(a.levels), 1) for a in axes])
    terms, values = np.array(terms_of(axes), object)[shown], values[:, shown]
    estimate, replicates = _segment_means(values - mean[shown], w, labels, len(named), draws, seed)
    tables = []
    for j, term in enumerate(terms):
        centre = mean[shown][j]
        low, high = (e + centre for e in _together(estimate[:, j], replicates[:, :, j]))
        if is_share[shown][j]:
            low, high = low.clip(0, 1), high.clip(0, 1)
        table = pd.DataFrame({"segment": named["term"], "term": term})
        tables.append(
            table.assign(
                estimate=estimate[:, j] + centre,
                low=low,
                high=high,
                n=named["n"],
                overall=centre,
                distance=estimate[:, j] / spread[shown][j],
                spread=spread[shown][j],
            )
        )
    return pd.concat(tables, ignore_index=True)


def _marks(profiles: pd.DataFrame) -> pd.DataFrame:
    marks = profiles[["segment", "term", "estimate", "low", "high", "n"]].copy()
    for column in ("estimate", "low", "high"):
        marks[column] = (profiles[column] - profiles["overall"]) / profiles["spread"]
    return marks


def _shown(axes: list[Axis]) -> list[bool]:
    """Which columns a reader needs: of yes and no, the share of yes tells both."""
    return [
        not (set(axis.levels) == {"no", "yes"} and level == "no")
        for axis in axes
        for level in (axis.levels or ("",))
    ]


def _segment_means(
    values: np.ndarray, w: np.ndarray, labels: np.ndarray, k: int, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Means by segment (k, p), and over draws of customers (draws, k, p), memberships held."""
    inside = (labels[:, None] == np.arange(k)) * w[:, None]
    each = np.concatenate([inside, *(inside * v[:, None] for v in values.T)], axis=1)
    sums = moments.resample_sums(each, draws, seed)
    means = [
        np.moveaxis(s.reshape(-1, values.shape[1] + 1, k), 1, 2) for s in (each.sum(0)[None], sums)
    ]
    with np.errstate(invalid="ignore"):
        whole, drawn = (m[..., 1:] / m[..., :1] for m in means)
    return whole[0], drawn


def _together(estimate: np.ndarray, replicates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals that hold for all entries at once: the largest error in deviations (max-t)."""
    spread = np.nanstd(replicates, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.where(spread > 0, np.abs(replicates - estimate) / spread, 0.0)
    reach = np.nanquantile(np.nanmax(errors, axis=1), LEVEL) * spread
    return estimate - reach, estimate + reach


def _answer(named: pd.DataFrame) -> str:
    first = named.iloc[0]
    return page.say(
        "{k} segments; the largest ({name}) holds {share} of {n} customers ({span}). {stable} of "
        "{k} are stable.",
        k=len(named),
        name=first.term,
        share=page.percent(first.estimate),
        n=page.count(named["n"].sum()),
        span=page.span(first.low, first.high, share=True, digits=0),
        stable=int((named["verdict"] == "report").sum()),
    )


def _notes(
    axes: list[Axis],
    rows: pd.DataFrame,
    customers: pd.DataFrame,
    choice: pd.DataFrame,
    named: pd.DataFrame,
    sampled: int,
) -> list[str]:
    chosen = choice[choice["chosen"]].iloc[0]
    notes = [
        page.say(
            "{used} of {n} customers could be placed by their features.",
            used=page.count(len(rows)),
            n=page.count(len(customers)),
        )
    ]
    if far := clipped(axes, rows):
        notes.append(
            page.say(
                "{far} values more than {deviations} deviations from the mean count as that far.",
                far=page.count(far),
                deviations=page.count(FARTHEST),
            )
        )
    if sampled < len(rows):
        notes.append(
            page.say("The number was chosen on {n} of them.", n=page.count(sampled)),
        )
    if chosen.silhouette < CLEAR:
        notes.append(
            page.say(
                "The segments shade into each other (silhouette {silhouette}): a useful cut "
                "through a crowd, not natural kinds.",
                silhouette=page.number(chosen.silhouette, 2),
            )
        )
    if weak := int((named["verdict"] == "not named").sum()):
        notes.append(
            page.say(
                "{weak} of {k} segments are not found again in other samples of customers "
                "(Jaccard below {limit}) and get no name.",
                weak=weak,
                k=len(named),
                limit=page.number(stability.PATTERN, 2),
            )
        )
    return notes
