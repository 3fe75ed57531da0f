"""Weights that make those who answered look like the population, in the attributes known of both.

    fit = weights.rake(responses, {"region": {"north": 0.4, "south": 0.6}, "plan": {...}})
    print(fit)                        # Weights meet all margins; design effect 1.31, ...
    responses["weight"] = fit.weights
    responses = weights.weigh(responses, study.margins)       # the same, as a page does it

Raking mends differences in the attributes it is given, and only those: if within an age group the
dissatisfied answer less, no weight shows it. Weights make estimates less exact; the design effect
says by how much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.sample import Sample, SampleLike
from cxlib.estimates import Estimates
from cxlib.stats.raking import Cells, Raking

Margins = Mapping[str, Mapping[str, float]]
FEW = 1000  # whole numbers that lie this close are told apart without sorting
SCARCE = 10  # rows of a category: with 5 an interval of 95% was found to hold in 87 of 100
FAR = 0.0005  # a share further than this from its margin is said to miss it


@dataclass(frozen=True)
class Weights(Estimates):
    """Weights of mean 1 and how well they do.

    `table` has a row for each category: attribute, term, estimate (share after weighting), low and
    high (none: margins are met, not estimated), n, before (share without weighting), target.
    """

    weights: pd.Series = field(kw_only=True)  # aligned to the rows
    raking: Raking = field(kw_only=True, repr=False)  # to rake draws of the rows
    effect: float = field(kw_only=True)  # design effect by Kish
    effective: float = field(kw_only=True)  # effective n
    rounds: int = field(kw_only=True)
    converged: bool = field(kw_only=True)


def differing(responses: pd.DataFrame | object, weight: str | None) -> str | None:
    """`weight`, unless the column counts every row alike: then there is nothing to say of it.

    Of sums (Moments) the rows' own weights are no longer known, and `weight` comes back.
    """
    if weight is None or not isinstance(responses, pd.DataFrame):
        return weight
    return weight if responses[weight].dropna().nunique() > 1 else None


def rake(
    rows: pd.DataFrame,
    margins: Margins,
    *,
    base: str | None = None,
    trim: float = 5.0,
    tolerance: float = 1e-8,
    most: int = 200,
) -> Weights:
    """Weights of mean 1 whose shares equal the population's in every attribute of `margins`.

    Iterative proportional fitting (Deming and Stephan 1940; Deville and Särndal 1992), starting
    from the column `base` (ones without). No weight exceeds `trim` times the mean; what is cut off
    goes to the other rows, and margins that can then not be met are named. Stops when no share
    moves more than `tolerance`, or after `most` rounds, and says which. Raises ValueError for
    margins that no weights can meet.
    """
    start = _start(rows, base)
    if trim <= 1:
        raise ValueError(f"trim={trim:g} times the mean weight; it must be more than 1.")
    if not margins:
        raise ValueError("no margins to rake to. Give the population's shares of some attribute.")
    found = [_codes(rows, a, shares) for a, shares in margins.items()]
    targets = [np.array([*s.values()], float) / sum(s.values()) for s in margins.values()]
    cell, (*places, base) = _cells([p for p, _ in found], [len(c) for _, c in found], start)
    places = [category[place] for place, (_, category) in zip(places, found, strict=True)]
    cells, n = Cells(base, places, targets), np.bincount(cell).astype(float)
    _check_filled(margins, cells, n)
    weight, rounds = cells.rake(n[None], cells.base / (base @ n) * n.sum(), trim, tolerance, most)
    raking = Raking(rows, cell, cells, weight[0], trim)
    table = _table(margins, cells, n, weight[0])
    return _packed(rows, table, raking, n, (trim, int(rounds[0]) or most, bool(rounds[0])))


def poststratify(
    rows: pd.DataFrame,
    by: Sequence[str],
    shares: Mapping[tuple, float],
    *,
    base: str | None = None,
    trim: float = 5.0,
) -> Weights:
    """Weights by which every combination of the columns `by` has its share in the population.

    `shares` are keyed by tuples of categories in the order of `by`; errors as of `rake`.
    """
    name = " × ".join(by)
    named = {" × ".join(map(str, cell)): share for cell, share in shares.items()}
    crossed = rows[by[0]].astype("str").where(rows[by[0]].notna())
    for column in by[1:]:
        crossed = crossed + " × " + rows[column].astype("str").where(rows[column].notna())
    return rake(rows.assign(**{name: crossed}), {name: named}, base=base, trim=trim)


def weigh(rows: SampleLike, margins: Margins, *, column: str = "weight") -> Any:
    """The rows with their weight in `column`: raked to what of the margins applies to them.

    A weight they already have is where raking starts. After a selection (one region, one wave)
    categories without rows do not apply, nor attributes with one category left: the rest is raked
    to its shares among what is left, and what was left out is printed. What is estimated with these
    weights is raked again in every bootstrap draw, so that intervals know what raking takes away
    and adds.
    """
    data = rows.data if isinstance(rows, Sample) else rows
    base = column if column in data else None
    usable, said = _applicable(data, margins)
    for sentence in said:
        print(sentence)
    if not usable:
        start = _start(data, base) if len(data) else np.ones(0)
        weighed = data.assign(**{column: start})
        return replace(rows, data=weighed, weight=column) if data is not rows else weighed
    fit = rake(data, usable, base=base)
    if len(few := fit.table[fit.table["n"].between(1, SCARCE - 1)]):
        print(
            _(
                "Fewer than {least:count} rows in {names:label_list}: intervals that rest on such "
                "weights come out somewhat short.",
                least=SCARCE,
                names=few["term"],
            )
        )
    weighed = data.assign(**{column: fit.weights})
    if isinstance(rows, Sample):  # replicate weights belong to the weights that were replaced
        design = {"weight": column, "raking": fit.raking, "replicate_weights": None}
        return replace(rows, data=weighed, **design)
    if kept := dict(rows.attrs.get("replicates", {})):
        kept.pop(column, None)
        weighed.attrs["replicates"] = kept
    weighed.attrs["raking"] = {**rows.attrs.get("raking", {}), column: fit.raking}
    return weighed


def applicable(rows: pd.DataFrame, margins: Margins) -> Margins:
    """The margins that rows can meet: categories without rows left out, shares made to add up."""
    return _applicable(rows, margins)[0]


def design_effect(weights: np.ndarray | pd.Series) -> float:
    """How many times larger weights make the variance of a mean, at least 1 (Kish 1965)."""
    w = np.asarray(weights, float)
    return float(len(w) * (w**2).sum() / w.sum() ** 2)


def effective_n(weights: np.ndarray | pd.Series) -> float:
    """How many answers of equal weight would tell as much (Kish 1965)."""
    return len(weights) / design_effect(weights)


def _cells(
    codes: list[np.ndarray], sizes: list[int], start: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """(cell of each row, codes and base weight of each cell): rows alike in all of these."""
    values, level = start[:1], None
    if np.ptp(start) > 0:
        values, level = np.unique(start, return_inverse=True)
        codes, sizes = [*codes, level], [*sizes, len(values)]
    if np.prod(sizes, dtype=float) < 4 * len(start):  # quicker than sorting
        joint = codes[0]
        for code, size in zip(codes[1:], sizes[1:], strict=True):
            joint = joint * size + code
        there = np.bincount(joint, minlength=int(np.prod(sizes))) > 0
        cell = (np.cumsum(there) - 1)[joint]
        own = np.unravel_index(np.flatnonzero(there), sizes)
    else:
        cell = np.zeros(len(start), int)
        for code, size in zip(codes, sizes, strict=True):
            _unused, first, cell = np.unique(
                cell * size + code, return_index=True, return_inverse=True
            )
        own = [c[first] for c in codes]
    if level is None:
        return cell, [*own, np.full(len(own[0]), values[0])]
    return cell, [*own[:-1], values[own[-1]]]


def _check_filled(margins: Margins, cells: Cells, n: np.ndarray) -> None:
    for (attribute, shares), place in zip(margins.items(), cells.codes, strict=True):
        mass = np.bincount(place, cells.base * n, len(shares))
        empty = [
            f"{c} ({s:.1%})"
            for (c, s), w in zip(shares.items(), mass, strict=True)
            if s > 0 and not w > 0
        ]
        if empty:
            raise ValueError(
                f"margins.{attribute}: no row is in {', '.join(empty)}, so no weights can give it "
                "its share. Join it to a category that has rows, or take other rows."
            )


def _start(rows: pd.DataFrame, base: str | None) -> np.ndarray:
    if rows.empty:
        raise ValueError("no rows to weigh. Choose another wave, or a wider WHERE.")
    if base is None:
        return np.ones(len(rows))
    if base not in rows:
        raise ValueError(f"no column {base!r} in these rows. They have: {', '.join(rows.columns)}.")
    w = pd.to_numeric(rows[base], errors="coerce").to_numpy(float, na_value=np.nan)
    if bad := int((np.isnan(w) | (w < 0)).sum()):
        raise ValueError(
            f"{bad:,} of {len(w):,} base weights in {base!r} are negative, missing or text. Give "
            "every row a weight of 0 or more."
        )
    if not w.sum() > 0:
        raise ValueError(f"the base weights in {base!r} are all 0. Some must be positive.")
    return w


def _codes(
    rows: pd.DataFrame, attribute: str, shares: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(which value each row has, which category of `shares` each value is).

    Raises ValueError for what no weights could meet.
    """
    where = f"margins.{attribute}"
    if attribute not in rows:
        raise ValueError(
            f"{where}: no column {attribute!r} in these rows. They have: {', '.join(rows.columns)}."
        )
    if bad := {c: s for c, s in shares.items() if not s >= 0}:
        raise ValueError(f"{where}: the shares {bad} are not 0 or more.")
    if abs(sum(shares.values()) - 1) > 0.005:
        raise ValueError(f"{where}: the shares add up to {sum(shares.values()):.3f}, not 1.")
    values = rows[attribute]
    if values.dtype.kind not in "iu" and (lost := int(values.isna().sum())):
        raise ValueError(
            f"{where}: {lost:,} of {len(rows):,} rows have no {attribute}. Fill them, give them a "
            "category of their own with its share, or leave the attribute out of the margins."
        )
    names = [str(c) for c in shares]
    places, found = _places(values)
    category = np.array([names.index(v) if v in names else -1 for v in found.tolist()])
    if category.min() < 0 and (lost := category[places] < 0).any():
        unknown = values[lost].astype("str").value_counts()
        raise ValueError(
            f"{where}: {unknown.sum():,} of {len(rows):,} rows are in categories without a share "
            f"({', '.join(f'{c} {k:,}' for c, k in unknown.head(5).items())}). There are: "
            f"{', '.join(names)}. Add the shares, or recode the rows."
        )
    return places, category


def _places(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(place of each value, the distinct values as text); whole numbers without sorting."""
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        numbers = values.to_numpy()
        low = numbers.min()
        if numbers.max() - low < FEW:
            return numbers - low, np.arange(low, numbers.max() + 1).astype(str)
    places, found = pd.factorize(values)
    return places, np.asarray(found.astype("str"))


def _applicable(rows: pd.DataFrame, margins: Margins) -> tuple[Margins, list[str]]:
    usable, said = {}, []
    for attribute, shares in margins.items():
        there = set(_places(rows[attribute])[1]) if attribute in rows else set()
        left = {c: s for c, s in shares.items() if str(c) in there}
        if len(left) < 2 or not sum(left.values()) > 0:
            said.append(
                _(
                    "Not weighted by {attribute:label}: these rows do not differ in it.",
                    attribute=attribute,
                )
            )
            continue
        if gone := [i18n.label(str(c)) for c in shares if c not in left]:
            said.append(
                _(
                    "Weighted by {attribute:label} without {gone:list}: no rows there.",
                    attribute=attribute,
                    gone=gone,
                )
            )
        usable[attribute] = {c: s / sum(left.values()) for c, s in left.items()}
    return usable, said


def _table(margins: Margins, cells: Cells, n: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    weighted = weight * n, cells.base * n, n
    sums = [
        [np.bincount(place, w, len(t)) for place, t in zip(cells.codes, cells.targets, strict=True)]
        for w in weighted
    ]
    after, before = (np.concatenate([s / s.sum() for s in of]) for of in sums[:2])
    return pd.DataFrame(
        {
            "attribute": [a for a, shares in margins.items() for _ in shares],
            "term": [str(c) for shares in margins.values() for c in shares],
            "estimate": after,
            "low": np.nan,
            "high": np.nan,
            "n": np.concatenate(sums[2]).astype(int),
            "before": before,
            "target": np.concatenate(cells.targets),
        }
    )


def _packed(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    raking: Raking,
    n: np.ndarray,
    run: tuple[float, int, bool],
) -> Weights:
    (trim, rounds, converged), w = run, raking.weight
    effect = float(len(rows) * (n @ w**2) / (n @ w) ** 2)
    off = (table["estimate"] - table["target"]).abs()
    at_limit = int(n[w >= trim * (1 - 1e-9)].sum())
    answer = _(
        "Weighting moved shares by up to {moved:points1} points to meet the population; design "
        "effect {effect:number2}, so {n:count} responses tell as much as {effective:count}.",
        moved=float((table["estimate"] - table["before"]).abs().max()),
        effect=effect,
        n=len(rows),
        effective=len(rows) / effect,
    )
    note = [
        _("Settled after {rounds} rounds.", rounds=rounds)
        if converged
        else _("Did not settle in {rounds} rounds.", rounds=rounds)
    ]
    if at_limit:
        note.append(
            ngettext(
                "{n:count} weight was cut at {trim:number1} times the mean.",
                "{n:count} weights were cut at {trim:number1} times the mean.",
                at_limit,
                trim=trim,
            )
        )
    if (off > FAR).any():
        worst = table.loc[off.idxmax()]
        note.append(
            ngettext(
                "{n:count} share is not met; the furthest is {term:label}: {share:share1} for "
                "{target:share1}.",
                "{n:count} shares are not met; the furthest is {term:label}: {share:share1} for "
                "{target:share1}.",
                (off > FAR).sum(),
                term=worst.term,
                share=worst.estimate,
                target=worst.target,
            )
        )
    return Weights(
        table,
        answer,
        i18n.together(note),
        "share",
        weights=pd.Series(w[raking.cell], rows.index, name="weight"),
        raking=raking,
        effect=effect,
        effective=len(rows) / effect,
        rounds=rounds,
        converged=converged,
    )
