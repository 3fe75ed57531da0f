"""What distinguishes those who come back: differences of shares, others equal, held together.

    apart = returning(began)          # of `firsts.first_purchases`
    apart.table       # feature, term (level), against, estimate: points more who came back

A linear model of shares on all features at once, each in levels: an adjusted difference is one of
customers alike in all other features. It goes with coming back; it need not bring it about.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import estimators, resampling
from cxlib.stats.intervals import wilson_interval

NOT_FEATURES = ("customer_id", "first", "came_back")
MOST_LEVELS = 6  # distinct numbers that are levels by themselves; more are cut into thirds
EXPECTED = 5  # customers who come back (and who do not) that a level must hold, at the usual share
THIRDS = ("low third", "middle third", "high third")
WORDS = (
    "not known",
    "other levels",
    "came back",
    "not yet",
    "known",
    "yes",
    "no",
    "case opened",
    "brought by a customer",
    "products bought",
    "category",
    "feature",
    "against",
)
UNKNOWN, OTHER = "not known", "other levels"


def returning(
    began: pd.DataFrame,
    features: Sequence[str] | None = None,
    *,
    outcome: str = "came_back",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """How much more often those with each level came back than those with the level it is against.

    `began` has a row a customer with `outcome` (True, False) and features. Numbers of more than six
    values are cut into thirds and set against the low third, other levels against the commonest.
    Levels of which fewer than five would come back, or not, at the usual share are put together;
    a draw could not tell how sure they are. table: feature, term, against, estimate (adjusted
    difference of shares), low, high (all at once), n, share (who came back), plain (the difference
    unadjusted). Where no feature has two such levels, its one row is the share of all. Raises
    ValueError for unknown features.
    """
    names = features
    if features is None:
        names = [c for c in began if c not in (*NOT_FEATURES, outcome)]
    if unknown := [c for c in [*names, outcome] if c not in began]:
        raise ValueError(f"no column {unknown}. There are: {', '.join(map(str, began))}.")
    came = began[outcome].astype(float)
    levels = {name: _levels(began[name], came.mean()) for name in names}
    levels = {name: of for name, of in levels.items() if of.nunique() > 1}
    if not levels:
        return _usual(began, came)
    against, columns = {}, {}
    for name, of in levels.items():
        against[name] = _reference(of)
        for level in (v for v in _order(of) if v != against[name]):
            columns[name, level] = (of == level).to_numpy(float)
    columns, doubled = _distinct(columns)
    x = np.column_stack([np.ones(len(began)), *columns.values()])
    who = resampling.who_of(began, "customer_id" if "customer_id" in began else None)
    found = estimators.least_squares(x, came, who=who, draws=draws, seed=seed)[1:, 0]
    low, high = found.simultaneous_interval()
    table = pd.DataFrame(
        {
            "feature": [name for name, _ in columns],
            "term": [_said(began[name], level) for name, level in columns],
            "against": [_said(began[name], against[name]) for name, _ in columns],
            "estimate": found.estimate,
            "low": low,
            "high": high,
            "n": [int(x.sum()) for x in columns.values()],
            "share": [float(came[x > 0].mean()) for x in columns.values()],
            "plain": [_plain(came, levels[k], against[k], x) for (k, _), x in columns.items()],
        }
    )
    note = i18n.together(
        [*began.attrs.get("notes", []), _about(names, levels, doubled), how_drawn(draws)]
    )
    facts = {"draws": draws, "seed": seed, "replicates": found.replicates}
    return Estimates(table, _answer(table, came), note, "gap", **facts)


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


def _said(values: pd.Series, level: str) -> str:
    """The level as a reader sees it: a third by its bounds."""
    if level not in THIRDS:
        return level
    low, high = np.quantile(values.dropna(), [1 / 3, 2 / 3])
    whole = bool((values.dropna() % 1 == 0).all())
    if whole and level == THIRDS[1]:
        return f"{high:g}" if low + 1 == high else f"{low + 1:g}–{high:g}"
    digits = 0 if whole or high >= 100 else 1 if high >= 10 else 2
    ends = {"low": i18n.number(low, digits), "high": i18n.number(high, digits)}
    return (
        _("up to {low}", **ends),
        _("over {low}, to {high}", **ends),
        _("over {high}", **ends),
    )[THIRDS.index(level)]


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
        runs[-2] += runs.pop()
    names = [f"{r[0]:g}" if len(r) == 1 else f"{r[0]:g}–{r[-1]:g}" for r in runs]
    return {kind: name for run, name in zip(runs, names, strict=True) for kind in run}


def _reference(of: pd.Series) -> str:
    return THIRDS[0] if THIRDS[0] in set(of) else of.value_counts().index[0]


def _order(of: pd.Series) -> list[str]:
    """Levels in their order, what is not known last."""
    last = {UNKNOWN: 2, OTHER: 1}
    place = {third: i for i, third in enumerate(THIRDS)}
    return sorted(of.unique(), key=lambda v: (last.get(v, 0), place.get(v, 0), v))


def _distinct(columns: dict) -> tuple[dict, list]:
    """Columns that tell something beyond those before them; and the others."""
    kept, doubled, basis = {}, [], [np.ones(len(next(iter(columns.values()))))]
    for key, x in columns.items():
        q = np.linalg.qr(np.column_stack(basis))[0]
        if np.sum((x - q @ (q.T @ x)) ** 2) < 1e-9 * len(x):
            doubled.append(key)
            continue
        kept[key] = x
        basis.append(x)
    return kept, doubled


def _usual(began: pd.DataFrame, came: pd.Series) -> Estimates:
    """The share of all, where too few come back, or do not, to tell them apart."""
    low, high = wilson_interval(came.mean(), len(came))
    row = {"feature": "came back", "term": "overall", "against": "", "estimate": came.mean()}
    table = pd.DataFrame([row | {"low": low, "high": high, "n": len(came)}])
    answer = _(
        "{share:share1} ({span:share_interval1}) of {n:count} customers came back; too few came "
        "back, or did not, to tell what sets them apart.",
        share=came.mean(),
        span=(low, high),
        n=len(came),
    )
    return Estimates(table, answer, i18n.together(began.attrs.get("notes", [])), "share")


def _plain(came: pd.Series, of: pd.Series, against: str, level: np.ndarray) -> float:
    return float(came[level > 0].mean() - came[of == against].mean())


def _about(names: Sequence[str], levels: dict, doubled: list) -> str:
    said = [_("Differences in points, others equal; all intervals hold together.")]
    if lost := [n for n in names if n not in levels]:
        said.append(_("Left out, as too few differ in it: {names:quoted_list6}.", names=lost))
    if doubled:
        said.append(
            _(
                "Told by other features already: {names:list6}.",
                names=[i18n.quoted(f"{i18n.label(n)}: {i18n.label(v)}") for n, v in doubled],
            )
        )
    return i18n.together(said)


def _answer(table: pd.DataFrame, came: pd.Series) -> str:
    facts = {"share": came.mean(), "n": len(came)}
    clear = table[(table["low"] > 0) | (table["high"] < 0)]
    if clear.empty:
        return _(
            "{share:share1} of {n:count} customers came back; nothing known before clearly tells "
            "who.",
            **facts,
        )
    top = clear.loc[clear["estimate"].abs().idxmax()]
    facts |= {
        "feature": top.feature,
        "level": top.term,
        "against": top.against,
        "points": abs(top.estimate),
        "span": i18n.span(*sorted(100 * abs(v) for v in (top.low, top.high)), 1),
    }
    if top.estimate > 0:
        return _(
            "{share:share1} of {n:count} customers came back; most apart are those with "
            "{feature:quoted} {level:quoted}: {points:points1} points ({span}) more of them than "
            "with {against:quoted}, others equal.",
            **facts,
        )
    return _(
        "{share:share1} of {n:count} customers came back; most apart are those with "
        "{feature:quoted} {level:quoted}: {points:points1} points ({span}) fewer of them than "
        "with {against:quoted}, others equal.",
        **facts,
    )
