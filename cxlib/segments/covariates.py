"""Who belongs to which segment: membership explained by covariates, errors of placing undone.

found = segments.covariates(customers, fit, ["age", "plan"])
print(found)          # Age is associated most strongly with segment: from 31 to 52 ...
found.table           # odds ratios against the reference segment, plain ones beside them

A regression of the segment in which customers were placed makes every difference too small, for
some of them are placed wrongly. Here the segments are found first, customers are placed, and how
often each segment is taken for each other enters the regression (three-step estimation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, Column, deciding_ends
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.segments import latent_classes
from cxlib.segments.features import MOST_LEVELS, is_category
from cxlib.segments.segmentation import memberships
from cxlib.segments.three_step import fit_membership, taken_for
from cxlib.stats import intervals, moments
from cxlib.stats.mixture_refits import REFITS
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resampling_units

Correction = Literal["ml", "bch"]
COLUMNS = [
    Column("reference", "segment compared with", "name"),
    Column("coefficient", "log-odds of one unit (of the level)", "number", 3),
    Column("plain", "odds ratio of the segments customers were placed in", label=N_("uncorrected")),
]


@dataclass(frozen=True)
class _Design:
    """Columns of the regression (n, 1 + q), ones first, with what each row of the table means.

    terms : name of each covariate or level, with the change that its odds ratio is of
    change : by how many units of its column, (q,); unit : of a column in units of the covariate
    """

    x: np.ndarray
    features: list[str]
    terms: list[str]
    change: np.ndarray
    unit: np.ndarray


def covariates(
    sample: SampleLike,
    fit: Result,
    features: list[str],
    *,
    method: Correction = "ml",
    reference: str | None = None,
) -> Result:
    """Odds of belonging to each segment by covariates, corrected for errors of placing.

    Every resample finds latent classes again, places customers and estimates the regression, so
    that intervals include what the first two steps leave uncertain. Segments of k-means have no
    errors of placing that could be known: their regression is the plain one.

    Parameters
    ----------
    sample : the customers of whom the segments were made, a row each
    fit : of `segments.fit`
    features : columns of numbers, yes or no, or categories, by which the segments were not made
    method : "ml" (Vermunt 2010) or "bch" (Bolck, Croon and Hagenaars 2004), which may fail where
        segments are hard to tell apart
    reference : name of the segment that the others are compared with; the largest unless given

    Returns
    -------
    Result with a table of segment, reference, term, estimate (odds ratio: of a number from its
    lower to its upper quartile, of a level against the commonest), low, high, n, coefficient (log
    of the odds ratio of one unit), plain (odds ratio without correction), simultaneous_low,
    simultaneous_high: over the whole table

    Raises
    ------
    ValueError : columns that do not exist, that made the segments, or never vary; no such reference
    InsufficientData : the regression cannot be estimated

    References
    ----------
    Vermunt (2010), Political Analysis 18(4); Bakk, Tekle and Vermunt (2013), Sociological
    Methodology 43. As the 3-step module of Latent GOLD and the covariates of poLCA (which has one
    step).

    Examples
    --------
    >>> from cxlib import segments
    >>> rng = np.random.default_rng(1)
    >>> kind = rng.integers(0, 2, 200)
    >>> rows = pd.DataFrame({"spend": rng.normal(4 * kind, 1), "visits": rng.normal(3 * kind, 1)})
    >>> fit = segments.fit(Sample(rows, draws=20), choice=segments.Choice(k=2, most=2, draws=5))
    >>> member = np.where(rng.random(200) < 0.8, kind, 1 - kind)
    >>> found = covariates(Sample(rows.assign(member=member), draws=50), fit, ["member"])
    >>> found.table["term"].tolist()
    ['member: no → yes']
    """
    sample = as_sample(sample)
    require_choice("method", method, get_args(Correction))
    _check(sample.data, fit, features)
    names = fit.table["term"].tolist()
    base = 0 if reference is None else _place(names, reference)
    inside = memberships(sample, fit)
    w = moments.weights_of(sample.data, sample.weight)
    known = ~np.isnan(inside).any(axis=1) & (w > 0)
    complete = sample.data[features].notna().all(axis=1).to_numpy()[known]
    sample, inside, w = sample.where(known), inside[known], w[known]
    design = _design(sample.data[features][complete])
    order = [base, *(k for k in range(len(names)) if k != base)]
    try:
        point = _step(design.x, inside[:, order], complete, w, method)
        plain = _step(design.x, inside[:, order], complete, w, "plain")
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise InsufficientData(
            _(
                "Segment membership cannot be explained by {features:label_list}: a feature "
                "determines the segment exactly, or the segments are not distinct.",
                features=features,
            )
        ) from error
    drawn = []
    for times, again in _redrawn(sample, fit, inside, w):
        try:
            found = _step(design.x, again[:, order], complete, w * times, method, point)
        except (ArithmeticError, np.linalg.LinAlgError):
            found = np.full(point.shape, np.nan)
        drawn.append(found)
    table = _table(design, [names[k] for k in order], point, plain, np.array(drawn), w[complete])
    failed = int(np.isnan(np.array(drawn)).any(axis=(1, 2)).sum())
    how = resampling_note(sample.replace(draws=len(drawn)))
    note = i18n.together([_note(method, fit, failed, len(drawn)), how])
    return Result(
        table, _finding(table), note, "ratio", draws=len(drawn), seed=sample.seed, columns=COLUMNS
    )


def _check(customers: pd.DataFrame, fit: Result, features: list[str]) -> None:
    require_columns(customers, features, "customers")
    if not features:
        raise ValueError("features: name at least one covariate.")
    if made := [axis.name for axis in fit.model.axes if axis.name in features]:
        raise ValueError(
            f"the segments were made by {made}: what they are like by these stands in `profiles`. "
            "Take other columns as covariates."
        )
    for name in features:
        values = customers[name]
        if values.nunique() < 2:
            raise ValueError(f"{name!r} is the same for everyone. Leave it out.")
        if is_category(values) and values.nunique() > MOST_LEVELS:
            raise ValueError(
                f"{name!r} has {values.nunique():,} different values; {MOST_LEVELS} are the most. "
                "Group them, or leave it out."
            )


def _place(names: list[str], reference: str) -> int:
    if reference not in names:
        raise ValueError(f"reference: no segment {reference!r}. There are: {', '.join(names)}.")
    return names.index(reference)


def _design(rows: pd.DataFrame) -> _Design:
    """Numbers and levels as columns of mean 0 and deviation 1, after a column of ones."""
    columns, features, terms, change = [], [], [], []
    for name in rows:
        values = rows[name]
        if not is_category(values) and not values.isin([0, 1]).all():
            number = values.to_numpy(float)
            low, high = np.quantile(number, [0.25, 0.75])
            low, high = (low, high) if low < high else (number.min(), number.max())
            columns.append(number)
            change.append(high - low)
            ends = [(i18n.number(low, 1), i18n.number(high, 1))]
        else:
            levels = values.value_counts().index.tolist()
            flag = values.isin([0, 1]).all()
            levels = [0, 1] if flag else levels
            words = [_("no"), _("yes")] if flag else [i18n.label(str(v)) for v in levels]
            columns += [(values == level).to_numpy(float) for level in levels[1:]]
            change += [1.0] * (len(levels) - 1)
            ends = [(words[0], word) for word in words[1:]]
        features += [str(name)] * len(ends)
        terms += [
            _("{feature:label}: {start} → {end}", feature=str(name), start=start, end=end)
            for start, end in ends
        ]
    x = np.column_stack(columns)
    unit = x.std(0)
    x = np.column_stack([np.ones(len(x)), (x - x.mean(0)) / unit])
    return _Design(x, features, terms, np.array(change), unit)


def _step(
    x: np.ndarray,
    inside: np.ndarray,
    complete: np.ndarray,
    w: np.ndarray,
    method: Literal["ml", "bch", "plain"],
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients (k - 1, 1 + q) from memberships (n, k), whose first segment is the base."""
    placed = inside.argmax(1)
    taken = taken_for(inside, placed, w)
    here = w[complete] / w[complete].mean()
    return fit_membership(x, placed[complete], taken, here, method, start)


def _redrawn(
    sample: Sample, fit: Result, inside: np.ndarray, w: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """How often each customer comes up (n,) and the memberships (n, k) of each resample."""
    classes = fit.model if isinstance(fit.model, latent_classes.Classes) else None
    draws = sample.draws if classes is None else min(sample.draws, REFITS)
    for times in resampling_units(sample).times(draws, sample.seed):
        some = np.maximum(times, 0.0)
        again = [inside] * len(some) if classes is None else classes.refitted(sample.data, w, some)
        yield from zip(some, again, strict=True)


def _table(
    design: _Design,
    names: list[str],
    point: np.ndarray,
    plain: np.ndarray,
    drawn: np.ndarray,
    w: np.ndarray,
) -> pd.DataFrame:
    """A row a segment and term, see `covariates`."""
    move = design.change / design.unit
    value, wrong = (b[:, 1:] * move for b in (point, plain))
    again = (drawn[:, :, 1:] * move).reshape(len(drawn), -1)
    how = {"units": w.sum() ** 2 / (w**2).sum(), "fitted": point.size}
    low, high = intervals.symmetric_interval(value.ravel(), again, **how)
    joint = intervals.simultaneous_interval(value.ravel(), again, **how)
    k, q = value.shape
    return pd.DataFrame(
        {
            "segment": np.repeat(names[1:], q),
            "reference": names[0],
            "term": np.tile(np.array(design.terms, object), k),
            "estimate": np.exp(value.ravel()),
            "low": np.exp(low),
            "high": np.exp(high),
            "n": len(w),
            "feature": np.tile(np.array(design.features, object), k),
            "coefficient": (point[:, 1:] / design.unit).ravel(),
            "plain": np.exp(wrong.ravel()),
            **{c: np.exp(end) for c, end in zip(SIMULTANEOUS, joint, strict=True)},
        }
    )


def _note(method: str, fit: Result, failed: int, draws: int) -> str:
    if not isinstance(fit.model, latent_classes.Classes):
        return _("Segments of k-means are taken as known: there is no error of placing to undo.")
    notes = [
        _("Three-step estimation by maximum likelihood (Vermunt 2010).")
        if method == "ml"
        else _("Three-step estimation after Bolck, Croon and Hagenaars (2004).")
    ]
    if failed:
        notes.append(
            _(
                "Left out for want of a solution: {failed:count} of {draws:count} resamples.",
                failed=failed,
                draws=draws,
            )
        )
    return i18n.together(notes)


def _finding(table: pd.DataFrame) -> Finding:
    """The covariate and segment whose odds ratio is furthest from 1 for certain."""
    low, high = deciding_ends(table)
    sure = np.fmax(np.log(low), -np.log(high))
    if not sure.max() > 0:
        return Finding(
            _("No covariate is significantly associated with the segment customers belong to."),
            importance=Importance.CONTEXT,
        )
    row = table.loc[sure.idxmax()]
    facts = {"term": row.term, "segment": row.segment, "reference": row.reference}
    claim = _(
        "{term:verbatim} is associated most strongly with the segment: {segment:quoted} compared "
        "with {reference:quoted}.",
        **facts,
    )
    detail = _(
        "odds ratio {ratio:number2}, 95% CI {span:interval2}; n = {n:count}",
        ratio=row.estimate,
        span=(row.low, row.high),
        n=row.n,
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="ratio",
        measure="membership",
        at={"segment": str(row.segment), "term": str(row.term)},
        importance=Importance.NOTABLE,
    )
