"""Raking, poststratification and the weighting of a page (iterative proportional fitting)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.raking import CELL, Cells, Raking, Strata, group_rows
from cxlib.weights.margins import Margins, categories_of, usable_margins, with_blanks

SCARCE = 10  # rows of a category: with 5, intervals of 95% held in 87 of 100 samples
FEW = 5  # a wave with fewer rows of a category is raked together with another
MISSED = 0.0005  # a share further than this from its margin counts as missed


def rake(
    sample: SampleLike,
    margins: Margins,
    *,
    by: str | None = None,
    trim: float = 5.0,
    tolerance: float = 1e-8,
    rounds: int = 200,
) -> Result:
    """Weights of mean 1 whose shares equal the population's in every attribute of `margins`.

    Iterative proportional fitting, starting from the sample's weights.

    Parameters
    ----------
    sample : rows with the attributes as columns; of counted rows the weight is that of one answer
    margins : attribute -> category -> share of the population, adding up to 1; rows without a value
        are a category of their own, "not stated", whose share stays what it is
    by : column of survey waves, each of which is raked by itself: to the shares among the
        categories that it has. A wave with 1 to 4 rows in a category is raked together with the
        next, or with those before
    trim : no weight exceeds this many times the mean (of its wave); what is cut off goes to the
        other rows, and margins that can then not be met are named
    tolerance, rounds : raking stops when no share moves more than `tolerance`, or after `rounds`

    Returns
    -------
    Result whose table has a row a category: attribute, term, estimate (share after weighting), low
    and high (none: margins are met, not estimated), n, fewest (its rows in the wave with fewest),
    before (share with the sample's weights), target. Parts: weights (a Series aligned to the rows),
    raking (to rake resamples again), effect (design effect by Kish), effective (n), rounds,
    converged, strata (waves, or groups of them, that were raked each by itself), small_waves (how
    many were raked together with others).

    Raises
    ------
    ValueError : margins that no weights can meet, no rows, bad weights

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11; Deville and Särndal (1992),
    Journal of the American Statistical Association 87.

    Examples
    --------
    >>> rows = pd.DataFrame({"sex": ["f", "f", "f", "m"]})
    >>> rake(rows, {"sex": {"f": 0.5, "m": 0.5}}).weights.round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    sample = as_sample(sample)
    rows, start, counts = sample.data, _start(sample), sample.counts
    if trim <= 1:
        raise ValueError(f"trim={trim:g} times the mean weight; it must be more than 1.")
    if not margins:
        raise ValueError("no margins to rake to. Give the population's shares of some attribute.")
    strata, small = _strata(sample, margins, by, counts * (start > 0))
    cell, stratum = np.zeros(len(rows), int), np.zeros(len(rows), int)
    parts: list[Cells] = []
    for k, at in enumerate(strata):
        some = rows if len(strata) == 1 else rows.iloc[at]
        own = margins if len(strata) == 1 else usable_margins(Sample(some), margins)[0]
        of, cells = _cells(some, own, start[at], counts[at])
        cell[at], stratum[at] = of + sum(len(part.base) for part in parts), k
        parts.append(cells)
    together = parts[0] if len(parts) == 1 else Strata(tuple(parts))
    base, n = together.base, np.bincount(cell, counts)
    first = base / (base @ n) * n.sum()
    weight, turns = together.rake(n[None], first, trim, tolerance, rounds)
    table = _table(rows, margins, counts, start, weight[0][cell], stratum)
    total = int(counts.sum())
    effect = float(total * (n @ weight[0] ** 2) / (n @ weight[0]) ** 2)
    known = {
        "weights": pd.Series(weight[0][cell] * counts, rows.index, name="weight"),
        "raking": Raking(rows, cell, together, weight[0], trim, sample.count),
        "effect": effect,
        "effective": total / effect,
        "rounds": int(turns[0]) or rounds,
        "converged": bool(turns[0]),
        "strata": len(strata),
        "small_waves": small,
    }
    cut = int(n[weight[0] >= trim * (1 - 1e-9)].sum())
    notes = i18n.together(_notes(table, known, cut, trim))
    return Result(table, _finding(table, known, total), notes, "share", parts=known)


def poststratify(
    sample: SampleLike,
    by: Sequence[str],
    shares: Mapping[tuple[Any, ...], float],
    *,
    trim: float = 5.0,
) -> Result:
    """Weights by which every combination of the columns `by` has its share in the population.

    Parameters
    ----------
    sample : rows, with the weights to start from
    by : columns of categories
    shares : share of the population, keyed by tuples of categories in the order of `by`
    trim : as in `rake`

    Returns
    -------
    Result as of `rake`.

    Raises
    ------
    ValueError : as of `rake`

    Examples
    --------
    >>> rows = pd.DataFrame({"sex": list("ffm"), "age": list("aba")})
    >>> shares = {("f", "a"): 0.25, ("f", "b"): 0.25, ("m", "a"): 0.5}
    >>> poststratify(rows, ["sex", "age"], shares).weights.tolist()
    [0.75, 0.75, 1.5]
    """
    sample = as_sample(sample)
    require_columns(sample.data, by)
    name = " × ".join(by)
    named = {" × ".join(map(str, cell)): share for cell, share in shares.items()}
    crossed = _texts(sample.data[by[0]])
    for column in by[1:]:
        crossed = crossed + " × " + _texts(sample.data[column])
    return rake(sample.assign(**{name: crossed}), {name: named}, trim=trim)


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("str").where(values.notna())


def weigh(
    sample: SampleLike, margins: Margins, *, column: str = "weight", by: str | None = None
) -> Sample:
    """The sample with its weight in `column`: raked to what of the margins applies to it.

    What is estimated with these weights is raked again in every resample, so that intervals
    include the effect of raking.

    Parameters
    ----------
    sample : rows; a weight they already have in `column` is where raking starts. Of counted rows
        it is the weight of one answer, and what they get is the sum over their answers
    margins : attribute -> category -> share of the population. After a selection (one region, one
        wave) categories without rows do not apply, nor attributes with one category left: the rest
        is raked to its shares among what is left, and what was left out is printed
    column : of the weights
    by : column of survey waves, each of which is raked by itself, as of `rake`

    Returns
    -------
    Sample weighted by `column`.

    Raises
    ------
    ValueError : as of `rake`

    Examples
    --------
    >>> rows = pd.DataFrame({"sex": ["f"] * 30 + ["m"] * 10})
    >>> weigh(Sample(rows), {"sex": {"f": 0.5, "m": 0.5}}).weights.round(2)[[0, -1]].tolist()
    [0.67, 2.0]
    """
    sample = as_sample(sample)
    sample = sample.replace(weight=column if column in sample else None)
    usable, omitted = usable_margins(sample, margins)
    for sentence in omitted:
        print(sentence)
    if not usable:
        start = _start(sample) if len(sample) else np.ones(0)
        rows = sample.data.assign(**{column: start * sample.counts})
        return sample.replace(data=rows, weight=column)
    fit = rake(sample, usable, by=by)
    if fit.small_waves:
        print(
            ngettext(
                "{n:count} wave has fewer than {least:count} answers in a category of the margins; "
                "it is weighted together with a neighbouring wave.",
                "{n:count} waves have fewer than {least:count} answers in a category of the "
                "margins; they are weighted together with neighbouring waves.",
                fit.small_waves,
                least=FEW,
            )
        )
    if len(few := fit.table[fit.table["fewest"].between(1, SCARCE - 1)]):
        print(
            _(
                "Fewer than {least:count} rows in {names:label_list}: intervals that rest on such "
                "weights come out somewhat short.",
                least=SCARCE,
                names=few["term"],
            )
            if fit.strata == 1
            else _(
                "Fewer than {least:count} rows of a wave in {names:label_list}: intervals that "
                "rest on such weights come out somewhat short.",
                least=SCARCE,
                names=few["term"],
            )
        )
    rows = sample.data.assign(**{column: fit.weights})
    # Replicate weights belong to the weights that are replaced.
    return sample.replace(
        data=rows if sample.count is None else rows.assign(**{CELL: fit.raking.cell}),
        weight=column,
        raking=fit.raking,
        replicate_weights=None,
    )


def design_effect(weights: np.ndarray | pd.Series) -> float:
    """How many times larger weights make the variance of a mean, at least 1 (Kish 1965).

    Examples
    --------
    >>> design_effect(np.array([1, 3]))
    1.25
    """
    w = np.asarray(weights, float)
    return float(len(w) * (w**2).sum() / w.sum() ** 2)


def _strata(
    sample: Sample, margins: Margins, by: str | None, n: np.ndarray
) -> tuple[list[np.ndarray], int]:
    """Rows that are raked together, and how many waves are too small to be raked by themselves.

    A wave with few rows in a category takes in the next one, and so on; what remains at the end
    joins those before.
    """
    if by is None or by not in sample or sample[by].nunique(dropna=False) < 2:
        return [np.arange(len(sample))], 0
    wave, names = pd.factorize(sample[by], sort=True, use_na_sentinel=False)
    filled = []  # of each attribute: rows of each wave and category
    for attribute, shares in margins.items():
        stated = sample[attribute].notna().to_numpy()
        place, category = categories_of(sample.data[stated], attribute, shares)
        at = wave[stated] * len(shares) + category[place]
        size = len(names) * len(shares)
        filled.append(np.bincount(at, n[stated], size).reshape(len(names), -1))
    rows = np.concatenate(filled, axis=1)

    def scarce(some: np.ndarray) -> bool:
        return bool(((some > 0) & (some < FEW)).any() or not some.any())

    stratum, current, held = np.zeros(len(names), int), 0, np.zeros(rows.shape[1])
    for k, own in enumerate(rows):
        held = held + own
        stratum[k] = current
        if not scarce(held):
            current, held = current + 1, np.zeros_like(held)
    stratum = np.minimum(stratum, max(current - 1, 0))
    small = sum(scarce(own) for own in rows)
    return [np.flatnonzero(stratum[wave] == k) for k in range(stratum.max() + 1)], small


def _cells(
    rows: pd.DataFrame, margins: Margins, start: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, Cells]:
    """The cell of each row, and the cells with their margins."""
    completed, margins = with_blanks(rows, margins, start * counts)
    found = [categories_of(completed, a, shares) for a, shares in margins.items()]
    targets = [np.array([*s.values()], float) / sum(s.values()) for s in margins.values()]
    if not margins:  # a wave all of whose rows are alike keeps its weights
        found, targets = [(np.zeros(len(rows), int), np.zeros(1, int))], [np.ones(1)]
    cell, (*places, base) = group_rows([p for p, _ in found], [len(c) for _, c in found], start)
    places = [category[place] for place, (_, category) in zip(places, found, strict=True)]
    cells = Cells(base, places, targets)
    _check_filled(margins, cells, np.bincount(cell, counts))
    return cell, cells


def _check_filled(margins: Margins, cells: Cells, n: np.ndarray) -> None:
    for (attribute, shares), place in zip(margins.items(), cells.codes, strict=False):
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


def _start(sample: Sample) -> np.ndarray:
    """The weights that raking starts from; ValueError for bad ones."""
    if not len(sample):
        raise ValueError("no rows to weigh. Choose another wave, or a wider WHERE.")
    if (base := sample.weight) is None:
        return np.ones(len(sample))
    w = pd.to_numeric(sample[base], errors="coerce").to_numpy(float, na_value=np.nan)
    if bad := int((np.isnan(w) | (w < 0)).sum()):
        raise ValueError(
            f"{bad:,} of {len(w):,} base weights in {base!r} are negative, missing or text. Give "
            "every row a weight of 0 or more."
        )
    if not w.sum() > 0:
        raise ValueError(f"the base weights in {base!r} are all 0. Some must be positive.")
    return w


def _table(
    rows: pd.DataFrame,
    margins: Margins,
    counts: np.ndarray,
    start: np.ndarray,
    weight: np.ndarray,
    stratum: np.ndarray,
) -> pd.DataFrame:
    completed, margins = with_blanks(rows, margins, start * counts)
    sums: list[list[np.ndarray]] = [[], [], []]
    fewest: list[float] = []
    for attribute, shares in margins.items():
        place, category = categories_of(completed, attribute, shares)
        for of, w in zip(sums, (weight * counts, start * counts, counts), strict=True):
            of.append(np.bincount(category[place], w, len(shares)))
        at = stratum * len(shares) + category[place]
        held = np.bincount(at, counts, (stratum.max() + 1) * len(shares)).reshape(-1, len(shares))
        fewest += np.where(held > 0, held, np.inf).min(0).tolist()
    after, before = (np.concatenate([s / s.sum() for s in of]) for of in sums[:2])
    targets = [np.array([*s.values()], float) / sum(s.values()) for s in margins.values()]
    return pd.DataFrame(
        {
            "attribute": [a for a, shares in margins.items() for _ in shares],
            "term": [str(c) for shares in margins.values() for c in shares],
            "estimate": after,
            "low": np.nan,
            "high": np.nan,
            "n": np.concatenate(sums[2]).astype(int),
            "fewest": fewest,
            "before": before,
            "target": np.concatenate(targets),
        }
    )


def _finding(table: pd.DataFrame, parts: Mapping[str, Any], n: int) -> Finding:
    claim = _(
        "Weighting moves shares by up to {moved:points1} percentage points, to those of the "
        "population.",
        moved=float((table["estimate"] - table["before"]).abs().max()),
    )
    detail = _(
        "design effect {effect:number2}; n = {n:count}, effective n = {effective:count}",
        effect=parts["effect"],
        n=n,
        effective=parts["effective"],
    )
    return Finding(claim, detail)


def _notes(table: pd.DataFrame, parts: Mapping[str, Any], cut: int, trim: float) -> list[str]:
    notes = [
        _("Raking converged after {rounds} rounds.", rounds=parts["rounds"])
        if parts["converged"]
        else _("Raking did not converge in {rounds} rounds.", rounds=parts["rounds"])
    ]
    if cut:
        notes.append(
            ngettext(
                "{n:count} weight was cut at {trim:number1} times the mean.",
                "{n:count} weights were cut at {trim:number1} times the mean.",
                cut,
                trim=trim,
            )
        )
    off = (table["estimate"] - table["target"]).abs()
    if (off > MISSED).any():
        worst = table.loc[off.idxmax()]
        notes.append(
            ngettext(
                "{n:count} share is not met; the furthest is {term:label}: {share:share1} for "
                "{target:share1}.",
                "{n:count} shares are not met; the furthest is {term:label}: {share:share1} for "
                "{target:share1}.",
                int((off > MISSED).sum()),
                term=worst.term,
                share=worst.estimate,
                target=worst.target,
            )
        )
    return notes
