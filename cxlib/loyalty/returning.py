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

from cxlib import moments, page
from cxlib.estimates import Estimates, at_once, how_drawn

NOT_FEATURES = ("customer_id", "first", "came_back")
MOST_LEVELS = 6  # distinct numbers that are levels by themselves; more are cut into thirds
EXPECTED = 5  # customers who come back (and who do not) that a level must hold, at the usual share
THIRDS = ("low third", "middle third", "high third")
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
    unadjusted). Raises ValueError for unknown features, and where no feature is left to tell apart.
    """
    names = (
        [c for c in began if c not in (*NOT_FEATURES, outcome)] if features is None else features
    )
    if unknown := [c for c in [*names, outcome] if c not in began]:
        raise ValueError(f"no column {unknown}. There are: {', '.join(map(str, began))}.")
    came = began[outcome].astype(float)
    levels = {name: _levels(began[name], came.mean()) for name in names}
    levels = {name: of for name, of in levels.items() if of.nunique() > 1}
    if not levels:
        raise ValueError(
            f"{int(came.sum()):,} of {len(came):,} came back, and no feature has two levels with "
            f"at least {EXPECTED} who would come back, and {EXPECTED} who would not, at the usual "
            "share. Take a longer horizon, or fewer features."
        )
    against, columns = {}, {}
    for name, of in levels.items():
        against[name] = _reference(of)
        for level in (v for v in _order(of) if v != against[name]):
            columns[name, level] = (of == level).to_numpy(float)
    columns, doubled = _distinct(columns)
    shares, replicates, plain = _fitted(came, columns, levels, against, began, draws, seed)
    low, high = at_once(shares, replicates, units=len(began), fitted=len(columns) + 1)
    table = pd.DataFrame(
        {
            "feature": [name for name, _ in columns],
            "term": [level for _, level in columns],
            "against": [against[name] for name, _ in columns],
            "estimate": shares, "low": low, "high": high,
            "n": [int(x.sum()) for x in columns.values()],
            "share": [float(came[x > 0].mean()) for x in columns.values()],
            "plain": plain,
        }
    )  # fmt: skip
    note = page.together(
        [*began.attrs.get("notes", []), _about(names, levels, doubled), how_drawn(draws)]
    )
    facts = {"draws": draws, "seed": seed, "replicates": replicates}
    return Estimates(table, _answer(table, came), note, "gap", **facts)


def _levels(values: pd.Series, usual: float) -> pd.Series:
    """The level of each customer, sparse ones put together."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        text = _cut(values)
    else:
        text = values.astype("string").fillna(UNKNOWN).astype(object)
    needed = EXPECTED / max(min(usual, 1 - usual), 1e-9)
    size = text.value_counts()
    if (few := size.index[size < needed]).empty:
        return text
    text = text.where(~text.isin(few), OTHER)
    if (text == OTHER).sum() >= needed:
        return text
    # Still too few: they go with the commonest, so that nobody is left out of the others.
    return text.where(text != OTHER, size.index[0])


def _cut(values: pd.Series) -> pd.Series:
    kinds = np.unique(values.dropna())
    if len(kinds) <= MOST_LEVELS:
        text = values.map(lambda v: f"{v:g}", na_action="ignore")
    else:
        edges = np.quantile(values.dropna(), [1 / 3, 2 / 3])
        third = np.searchsorted(edges, values, "left")
        text = pd.Series(np.array(THIRDS, object)[third], values.index).where(values.notna())
    return text.astype(object).where(values.notna(), UNKNOWN)


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


def _fitted(came, columns, levels, against, began, draws, seed):
    """Adjusted differences, the same in every draw, and the unadjusted ones."""
    x = pd.DataFrame(np.column_stack([*columns.values(), came]), index=began.index)
    x.columns = [str(i) for i in range(x.shape[1])]
    x["customer_id"] = began["customer_id"] if "customer_id" in began else np.arange(len(x))
    sums = moments.of(x, list(x.columns[:-1]), bucket="customer_id")
    plain = [
        came[of > 0].mean() - came[levels[name] == against[name]].mean()
        for (name, _), of in columns.items()
    ]
    return _slopes(sums.total.cov)[0], _slopes(sums.resample(draws, seed).cov), np.array(plain)


def _slopes(cov: np.ndarray) -> np.ndarray:
    """Regression of the last column on the others, (draws, p); NaN where a draw has no answer."""
    cov = cov.reshape(-1, *cov.shape[-2:])
    inner, outer = cov[:, :-1, :-1], cov[:, :-1, -1:]
    good = np.linalg.cond(inner) < 1e10
    found = np.full(outer.shape[:2], np.nan)
    found[good] = np.linalg.solve(inner[good], outer[good])[..., 0]
    return found


def _about(names: Sequence[str], levels: dict, doubled: list) -> str:
    said = [page.say("Differences in points, others equal; all intervals hold together.")]
    if lost := [n for n in names if n not in levels]:
        said.append(
            page.say(
                "Left out, as too few differ in it: {names}.",
                names=page.listed([page.quoted(page.label(n)) for n in lost], most=6),
            )
        )
    if doubled:
        said.append(
            page.say(
                "Told by other features already: {names}.",
                names=page.listed(
                    [page.quoted(f"{page.label(n)}: {page.label(v)}") for n, v in doubled], most=6
                ),
            )
        )
    return page.together(said)


def _answer(table: pd.DataFrame, came: pd.Series) -> str:
    facts = {
        "share": page.percent(came.mean(), 1),
        "n": page.count(len(came)),
    }
    clear = table[(table["low"] > 0) | (table["high"] < 0)]
    if clear.empty:
        return page.say(
            "{share} of {n} customers came back; nothing known before clearly tells who.", **facts
        )
    top = clear.loc[clear["estimate"].abs().idxmax()]
    facts |= {
        "feature": page.quoted(page.label(top.feature)),
        "level": page.quoted(page.label(top.term)),
        "against": page.quoted(page.label(top.against)),
        "points": page.number(100 * abs(top.estimate), 1),
        "span": page.span(*sorted(100 * abs(v) for v in (top.low, top.high)), 1),
    }
    if top.estimate > 0:
        return page.say(
            "{share} of {n} customers came back; most apart are those with {feature} {level}: "
            "{points} points ({span}) more of them than with {against}, others equal.",
            **facts,
        )
    return page.say(
        "{share} of {n} customers came back; most apart are those with {feature} {level}: "
        "{points} points ({span}) fewer of them than with {against}, others equal.",
        **facts,
    )
