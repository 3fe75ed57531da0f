"""Weighted sums of survey answers: the one small table that every linear method needs.

A mean, a covariance, a regression, a driver's share of R² and a path model are all functions of
three sums: of weights, of answers, and of products of answers. We take the sums once, by cluster of
customers. Adding the clusters gives the estimate; drawing clusters again with replacement gives its
uncertainty. The rows are never read twice.

    sums = moments.of(sample, ["nps", "speed", "price"])
    sums.total().cov                                 # (3, 3)
    sums.resample(draws=1000, seed=7).mean           # (1000, 3)

Missing answers are a named choice. "complete" uses the rows that answer everything; "pairwise" uses
for each pair of answers the rows that give both, which keeps more people but may give a covariance
that no data could have; "em" finds the likeliest means and covariances given all that was answered
(maximum likelihood under the normal law), which holds where what is missing depends on answers
that were given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.em import Patterned
from cxlib.stats.resampling import ResamplingUnits, resampling_units, sum_by
from cxlib.stats.sums import SUMS, Moments, possible

__all__ = ["MISSING", "Moments", "by_group", "groups_of", "of", "possible", "weights_of"]

MISSING = ("complete", "pairwise", "em")


@runtime_checkable
class Stored(Protocol):
    """Answers whose sums are taken where they are (`reserve.stored_sample.StoredSample`)."""

    def sums(
        self, columns: list[str], *, missing: str, by: str | None, origin: np.ndarray | None
    ) -> dict[Any, Moments]:
        """Sums of each group of the column `by`; without one, of all under None."""


HELD = 4_000_000  # products of answers held at once


def of(
    rows: SampleLike,
    columns: list[str],
    *,
    missing: str = "complete",
    origin: np.ndarray | None = None,
) -> Moments:
    """Sum `columns` over the rows, customer by customer.

    Rows of one cluster are drawn together; without a cluster each row is drawn alone. Above some
    thousands, several customers are drawn as one. Raises ValueError when a column is unknown, not a
    number, or answered by nobody together with the others, and for bad weights.

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1.0, 2.0, 3.0], "price": [2.0, 4.0, 6.0]})
    >>> of(rows, ["speed", "price"]).total().mean.tolist()
    [2.0, 4.0]
    """
    sample = as_sample(rows)
    if isinstance(sample, Stored):
        stored: Moments = sample.sums(columns, missing=missing, by=None, origin=origin)[None]
        return stored
    answers, origin = _answers(sample, columns, missing, origin)
    sums = _summed(tuple(columns), origin, *answers, missing, len(sample))
    return replace(sums, **sample.bootstrap)


def by_group(
    rows: SampleLike, columns: list[str], by: str, *, missing: str = "complete"
) -> dict[object, Moments]:
    """The sums of each group of the column `by`, around the same origin as `of` has for all rows.

    `resample` with one seed draws the same customers in every group and in the whole: differences
    may be taken draw by draw.
    """
    sample = as_sample(rows)
    if isinstance(sample, Stored):
        return sample.sums(columns, missing=missing, by=by, origin=None)
    names = groups_of(sample.data, by)
    answers, origin = _answers(sample, columns, missing, None)
    kept = _kept(sample.data, columns, sample.weight, missing)
    group, groups = sample[by].to_numpy()[kept], {}
    for name in names:
        if (here := group == name).any():
            (x, w, given, clusters), offered = answers, int((sample[by] == name).sum())
            part = x[here], w[here], given[here], clusters.take(here)
            sums = _summed(tuple(columns), origin, *part, missing, offered)
            groups[name] = replace(sums, **sample.bootstrap)
    return groups


def groups_of(rows: pd.DataFrame, by: str) -> list[Any]:
    """The groups of the column `by`, in order; ValueError where there is none."""
    if by not in rows:
        raise ValueError(f"no column {by!r} in these rows. They have: {', '.join(rows.columns)}.")
    if len(rows) and rows[by].isna().all():
        raise ValueError(
            f"column {by!r} is empty in these {len(rows):,} rows: there are no groups."
        )
    return list(pd.unique(rows[by].dropna().sort_values()))


def weights_of(rows: pd.DataFrame, weight: str | None) -> np.ndarray:
    """The rows' weights, ones without a column.

    Raises ValueError for negative or missing ones, InsufficientData where all are 0.
    """
    if weight is None:
        return np.ones(len(rows))
    w = _numbers(rows, [weight])[:, 0]
    if bad := int((np.isnan(w) | (w < 0)).sum()):
        raise ValueError(
            f"{bad:,} of {len(rows):,} weights in {weight!r} are negative or missing. Give every "
            "row a weight of 0 or more, or run `weights.rake` again."
        )
    if not w.sum() > 0:
        raise InsufficientData(_("None of the {n:count} rows has a weight above 0.", n=len(rows)))
    return w


def _numbers(rows: pd.DataFrame, columns: list[str]) -> np.ndarray:
    if unknown := [c for c in columns if c not in rows]:
        raise ValueError(
            f"no column {unknown} in these rows. They have: {', '.join(rows.columns)}."
        )
    try:
        return rows[list(columns)].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        text = [c for c in columns if not pd.api.types.is_numeric_dtype(rows[c])]
        raise ValueError(f"{text} hold text, not numbers. Recode them before summing.") from error


def _kept(rows: pd.DataFrame, columns: list[str], weight: str | None, missing: str) -> np.ndarray:
    given = ~np.isnan(_numbers(rows, columns))
    answered = given.all(1) if missing == "complete" else given.any(1)
    return answered & (weights_of(rows, weight) > 0)


def _answers(
    sample: Sample, columns: list[str], missing: str, origin: np.ndarray | None
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray, ResamplingUnits], np.ndarray]:
    """((answers less origin, weights, given, how drawn), origin) of the rows that are used."""
    rows, weight = sample.data, sample.weight
    if missing not in MISSING:
        raise ValueError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    x, w = _numbers(rows, columns), weights_of(rows, weight)
    given = ~np.isnan(x)
    keep = _kept(rows, columns, weight, missing)
    if rows.empty:
        raise ValueError("no rows to sum. Choose another wave, or a wider WHERE.")
    if not keep.any():
        raise unanswered(columns, given.sum(0), len(rows))
    if silent := [c for c, some in zip(columns, given[keep].any(0), strict=True) if not some]:
        raise ValueError(
            f"none of {len(rows):,} rows answers {silent}. Leave them out, or take other rows."
        )
    x, w, given = x[keep], w[keep], given[keep]
    if origin is None:
        origin = np.asarray(np.round(np.nanmean(np.where(given, x, np.nan), axis=0), 1))
    clusters = resampling_units(sample).take(keep)
    return (np.where(given, x - origin, 0.0), w, given, clusters), np.asarray(origin, float)


def _summed(
    columns: tuple[str, ...],
    origin: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    given: np.ndarray,
    clusters: ResamplingUnits,
    missing: str,
    offered: int,
) -> Moments:
    """Rows that are drawn alike, and with "em" have a pattern of answers in common, added up."""
    patterns, pattern = given[:1] | True, None
    if missing == "em":
        _, first, pattern = np.unique(
            np.packbits(given, axis=1), axis=0, return_index=True, return_inverse=True
        )
        patterns, pattern = given[first], pattern.ravel()
    clusters, place, pattern = clusters.grouped(pattern)
    sums: dict[str, Any] = dict.fromkeys(SUMS, 0.0)
    for some in _chunks(len(x), x.shape[1]):
        there, at = np.unique(place[some], return_inverse=True)
        for part, values in _products(x[some], w[some], given[some], missing).items():
            if len(there) == len(clusters.keys):
                sums[part] = sums[part] + sum_by(at, values)
                continue
            if np.isscalar(sums[part]):
                sums[part] = np.zeros((len(clusters.keys), *values.shape[1:]))
            sums[part][there] += sum_by(at, values)
    found: dict[str, Any] = {"columns": columns, "origin": origin, **sums}
    found |= {"offered": offered, "clusters": clusters}
    if missing != "em":
        return Moments(**found)
    return Patterned(**found, pattern=pattern, given=patterns)


def unanswered(columns: list[str], given: Iterable[float], rows: int) -> InsufficientData:
    """That no row answers all the columns, of which each has so many answers."""
    n, fewest = min(zip(map(int, given), columns, strict=True))
    return InsufficientData(
        _(
            "Nobody answered all of {columns:list}: {fewest:quoted} has {n:count} answers in "
            "{rows:count} rows.",
            columns=[i18n.label(c) for c in columns],
            fewest=i18n.label(fewest),
            n=n,
            rows=rows,
        )
    )


def _chunks(n: int, p: int) -> list[slice]:
    size = max(1, HELD // p**2)
    return [slice(start, start + size) for start in range(0, n, size)]


def _products(
    x: np.ndarray, w: np.ndarray, given: np.ndarray, missing: str
) -> dict[str, np.ndarray]:
    """What is summed of each row, by part of `Moments`."""
    wx, rows = w[:, None] * x, np.ones(len(x))
    second = wx[:, :, None] * x[:, None, :]
    if missing != "pairwise":
        return {"weight": w, "first": wx, "second": second, "rows": rows}
    there = given.astype(float)
    weight = (w[:, None] * there)[:, :, None] * there[:, None, :]
    return {
        "weight": weight,
        "first": wx[:, :, None] * there[:, None],
        "second": second,
        "rows": rows,
    }
