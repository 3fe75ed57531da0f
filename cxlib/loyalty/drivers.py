"""Drivers of repeat purchase: adjusted differences in the share of customers who bought again.

    sample = loyalty.first_purchases(history, around)
    fit = loyalty.repurchase_drivers(sample)
    fit.table         # feature, term (level), against, estimate: points more who bought again

A linear probability model on all features at once, each in levels: an adjusted difference compares
customers alike in all other features. It is an association, not a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, deciding_ends, in_unit
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import estimators, resampling
from cxlib.stats.intervals import wilson_interval
from cxlib.stats.notes import resampling_note, simultaneous_note

NOT_FEATURES = ("customer_id", "first", "came_back")
MOST_LEVELS = 6  # distinct numbers that are levels by themselves; more are cut into thirds
EXPECTED = 5  # customers who come back (and who do not) that a level must hold, at the usual share
THIRDS = ("low third", "middle third", "high third")
WORDS = (
    *("bought again", "not yet", "known", "yes", "no", "case opened", "referred by a customer"),
    *("products bought", "category", "feature", "against"),
)
UNKNOWN, OTHER = mark("not known", "other levels")


def repurchase_drivers(
    sample: SampleLike, features: Sequence[str] | None = None, *, outcome: str = "came_back"
) -> Result:
    """How much more often customers with each level bought again than with the reference level.

    Numbers of more than six values are cut into thirds, with the low third as reference; the
    reference of other features is their commonest level. Levels of which fewer than five customers
    would come back, or not, at the average share are merged: resamples give no interval for them.

    Parameters
    ----------
    sample : one row a customer, as `first_purchases` gives it
    features : columns; by default all but the customer, the day and the outcome
    outcome : column that is true for customers who bought again

    Returns
    -------
    Result with a table of feature, term, against (reference level), estimate (adjusted difference
    of shares), low, high, n, share (who bought again), plain (unadjusted), simultaneous_low,
    simultaneous_high.
    Where no feature has two such levels, its one row is the share of all

    Raises
    ------
    ValueError : unknown features

    Examples
    --------
    >>> rows = pd.DataFrame({"came_back": [True, False] * 20, "plan": ["plus", "basic"] * 20})
    >>> rows.loc[:9, "came_back"] = True
    >>> repurchase_drivers(rows).table["estimate"].round(2).tolist()
    [-0.75]
    """
    sample = as_sample(sample)
    rows = sample.data
    names = list(rows.columns.drop([*NOT_FEATURES, outcome], errors="ignore"))
    names = names if features is None else list(features)
    require_columns(rows, [*names, outcome], "the first purchases")
    came = rows[outcome].astype(float)
    levels = {name: _levels(rows[name], came.mean()) for name in names}
    levels = {name: of for name, of in levels.items() if of.nunique() > 1}
    if not levels:
        return _overall_share(sample, came)
    against = {name: _reference(of) for name, of in levels.items()}
    columns = {
        (name, level): (of == level).to_numpy(float)
        for name, of in levels.items()
        for level in _order(of)
        if level != against[name]
    }
    columns, collinear = _independent(columns)
    x = np.column_stack([np.ones(len(rows)), *columns.values()])
    clusters, draws, seed = resampling.resampling_units(sample), sample.draws, sample.seed
    effects = estimators.least_squares(x, came, clusters=clusters, draws=draws, seed=seed)[1:, 0]
    ends = effects.interval_columns()
    table = pd.DataFrame(
        {
            "feature": [name for name, _ in columns],
            "term": [_display(rows[name], level) for name, level in columns],
            "against": [_display(rows[name], against[name]) for name, _ in columns],
            "estimate": effects.estimate,
            **{c: ends[c] for c in INTERVAL[1:]},
            "n": [int(x.sum()) for x in columns.values()],
            "share": [float(came[x > 0].mean()) for x in columns.values()],
            "plain": [_plain(came, levels[k], against[k], x) for (k, _), x in columns.items()],
            **ends,
        }
    )
    notes = [
        *sample.notes,
        _model_note(names, levels, collinear, len(table)),
        resampling_note(sample),
    ]
    known = in_unit("share", "share")
    facts: dict[str, Any] = {"draws": draws, "seed": seed, "replicates": effects.replicates}
    return Result(table, _finding(table, came), i18n.together(notes), "gap", columns=known, **facts)


def _levels(values: pd.Series, usual: float) -> pd.Series:
    """The level of each customer, sparse ones put together."""
    needed = EXPECTED / max(min(usual, 1 - usual), 1e-9)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        text = _cut(values, needed)
    else:
        text = values.astype("string").fillna(UNKNOWN).astype(object)
    size = text.value_counts()
    if (few := size.index[size < needed]).empty:
        return text
    text = text.where(~text.isin(few), OTHER)
    if (text == OTHER).sum() >= needed:
        known = text.where(text != OTHER, "known") if set(text) == {UNKNOWN, OTHER} else text
        return known
    # Still too few: they go with the commonest, so that nobody is left out of the others.
    return text.where(text != OTHER, size.index[0])


def _cut(values: pd.Series, needed: float) -> pd.Series:
    """Numbers as levels: few of them each, or with their neighbours; many in thirds."""
    kinds, counts = np.unique(values.dropna(), return_counts=True)
    if len(kinds) > MOST_LEVELS:
        edges = np.quantile(values.dropna(), [1 / 3, 2 / 3])
        third = np.searchsorted(edges, values, "left")
        text = pd.Series(np.array(THIRDS, object)[np.minimum(third, 2)], values.index)
    else:
        text = values.map(_runs(kinds, counts, needed))
    return text.astype(object).where(values.notna(), UNKNOWN)


def _display(values: pd.Series, level: str) -> str:
    """The level as a reader sees it: a third by its bounds."""
    if level not in THIRDS:
        return level
    low, high = np.quantile(values.dropna(), [1 / 3, 2 / 3])
    whole = bool((values.dropna() % 1 == 0).all())
    if whole and level == THIRDS[1]:
        return f"{high:g}" if low + 1 == high else f"{low + 1:g}–{high:g}"
    digits = 0 if whole or high >= 100 else 1 if high >= 10 else 2
    ends = {"low": i18n.number(low, digits), "high": i18n.number(high, digits)}
    return (_("up to {low}", **ends), _("over {low}, to {high}", **ends), _("over {high}", **ends))[
        THIRDS.index(level)
    ]


def _runs(kinds: np.ndarray, counts: np.ndarray, needed: float) -> dict[float, str]:
    """Neighbours put together, from the least on, until each run holds enough customers."""
    runs: list[list[float]] = [[]]
    held = 0.0
    for kind, count in zip(kinds, counts, strict=True):
        if held >= needed:
            runs.append([])
            held = 0.0
        runs[-1].append(kind)
        held += count
    if held < needed and len(runs) > 1:
        last = runs.pop()
        runs[-1] += last
    names = [f"{r[0]:g}" if len(r) == 1 else f"{r[0]:g}–{r[-1]:g}" for r in runs]
    return {kind: name for run, name in zip(runs, names, strict=True) for kind in run}


def _reference(of: pd.Series) -> str:
    return THIRDS[0] if THIRDS[0] in set(of) else of.value_counts().index[0]


def _order(of: pd.Series) -> list[str]:
    """Levels in their order, what is not known last."""
    last = {UNKNOWN: 2, OTHER: 1}
    place = {third: i for i, third in enumerate(THIRDS)}
    return sorted(of.unique(), key=lambda v: (last.get(v, 0), place.get(v, 0), v))


def _independent(
    columns: dict[tuple[Any, str], np.ndarray],
) -> tuple[dict[tuple[Any, str], np.ndarray], list[tuple[Any, str]]]:
    """Columns that are linearly independent of those before them; and the others."""
    kept, collinear, basis = {}, [], [np.ones(len(next(iter(columns.values()))))]
    for key, x in columns.items():
        q = np.linalg.qr(np.column_stack(basis))[0]
        if np.sum((x - q @ (q.T @ x)) ** 2) < 1e-9 * len(x):
            collinear.append(key)
            continue
        kept[key] = x
        basis.append(x)
    return kept, collinear


def _overall_share(sample: Sample, came: pd.Series) -> Result:
    """The share of all, where too few buy again, or do not, to compare them."""
    low, high = wilson_interval(came.mean(), np.array(len(came)))
    row = {"feature": "bought again", "term": "overall", "against": "", "estimate": came.mean()}
    table = pd.DataFrame([row | {"low": low, "high": high, "n": len(came)}])
    facts = {"share": came.mean(), "span": (low, high), "n": len(came)}
    finding = Finding.of_row(
        table.iloc[0],
        _(
            "{share:rate} of customers bought again: too few did, or did not, to find what is "
            "associated with it.",
            **facts,
        ),
        _("95% CI {span:share_interval1}; n = {n:count}", **facts),
        unit="share",
    )
    return Result(table, finding, i18n.together(sample.notes), "share")


def _plain(came: pd.Series, of: pd.Series, against: str, level: np.ndarray) -> float:
    return float(came[level > 0].mean() - came[of == against].mean())


def _model_note(
    names: Sequence[str], levels: dict[str, Any], collinear: list[Any], terms: int
) -> str:
    notes = [
        _("Differences in percentage points, others equal."),
        simultaneous_note(terms),
    ]
    if lost := [n for n in names if n not in levels]:
        notes.append(_("Left out, as too few differ in it: {names:quoted_list6}.", names=lost))
    if collinear:
        notes.append(
            _(
                "Left out, as other features imply them: {names:list6}.",
                names=[i18n.quoted(f"{i18n.label(n)}: {i18n.label(v)}") for n, v in collinear],
            )
        )
    return i18n.together(notes)


def _finding(table: pd.DataFrame, came: pd.Series) -> Finding:
    facts = {"share": came.mean(), "n": len(came)}
    low, high = deciding_ends(table)
    clear = table[(low > 0) | (high < 0)]
    if clear.empty:
        return Finding(
            _("Nothing known at the first purchase is significantly associated with buying again."),
            _("{share:share1} of {n:count} customers bought again", **facts),
        )
    top = clear.loc[clear["estimate"].abs().idxmax()]
    facts |= {
        "feature": top.feature,
        "level": top.term,
        "against": top.against,
        "points": abs(top.estimate),
        "span": (100 * top.low, 100 * top.high),
    }
    if top.estimate > 0:
        claim = _(
            "Customers whose {feature:inner} is {level:quoted} are {points:points1} percentage "
            "points more likely to buy again than those for whom it is {against:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "Customers whose {feature:inner} is {level:quoted} are {points:points1} percentage "
            "points less likely to buy again than those for whom it is {against:quoted}.",
            **facts,
        )
    return Finding.of_row(
        top,
        claim,
        _(
            "other features equal; 95% CI {span:interval1}; {share:share1} of "
            "{n:count} customers bought again",
            **facts,
        ),
        unit="gap",
        measure="repurchase_effect",
        at={str(top.feature): str(top.term)},
        importance=Importance.NOTABLE,
    )
