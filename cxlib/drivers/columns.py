"""What goes into a fit: the outcome, the drivers as columns of numbers, and what goes together.

A driver is a column, a factor (text: its categories enter together), or a named group of columns.
"Not experienced" is no missing answer: with `missing="dummy"` such a rating is set to the mean and
a column tells who did not meet the touchpoint, and the two enter together (Cohen and Cohen 1985;
right where the question does not apply, wrong where it was only left open: Allison 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.drivers.shares import LEAST_PIVOT
from cxlib.stats import moments
from cxlib.stats.moments import Moments

MISSING = (*moments.MISSING, "dummy")
FLAG = "_not_experienced"
MOST_CATEGORIES = 30  # of a factor
COPY = 1 - 1e-9  # correlation from which one driver says what another does

Drivers = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Chosen:
    """Rows (or sums), the outcome, and the drivers: term t stands in columns[players[t]]."""

    responses: pd.DataFrame | Moments
    outcome: str
    terms: list[str]
    columns: list[str]
    players: list[list[int]]
    missing: str
    adjusted: list[str]
    factors: list[str]

    @property
    def grouped(self) -> list[str]:
        """Terms of several columns."""
        return [t for t, p in zip(self.terms, self.players, strict=True) if len(p) > 1]

    def sums(self, *, weight: str | None = None, bucket: str | None = None) -> Moments:
        """Sums of outcome and columns that a regression can be made of; else ValueError."""
        columns = [self.outcome, *self.columns]
        if isinstance(self.responses, Moments):
            sums = self.responses.select(columns)
        else:
            how = {"weight": weight, "bucket": bucket, "missing": self.missing}
            sums = moments.of(self.responses, columns, **how)
        self.check_rows(int(sums.rows.sum()), sums.offered)
        self._check_spread(sums)
        return sums

    def check_rows(self, n: int, offered: int) -> None:
        if n < (least := len(self.columns) + 3):
            raise ValueError(
                f"{n} of {offered:,} responses can be used for {len(self.columns)} drivers; at "
                f"least {least} are needed, and some 30 a driver for useful intervals. Take fewer "
                "drivers or more responses, or missing='pairwise'."
            )

    def _check_spread(self, sums: Moments) -> None:
        total = sums.total()
        variance, columns = np.diagonal(total.cov), list(sums.columns)
        if alike := [c for c, v in zip(columns, variance, strict=True) if v < 1e-12]:
            mean, first = total.mean[columns.index(alike[0])], alike[0] == self.outcome
            mend = (
                "cannot be explained; choose another" if first else "explains nothing; leave it out"
            )
            raise ValueError(
                f"{'outcome' if first else 'driver'} {alike[0]!r} is constant: all "
                f"{int(sums.rows.sum()):,} answers are {mean:g}. What never differs {mend}."
            )
        if np.isnan(total.cov).any():
            i, j = np.argwhere(np.isnan(total.cov))[0]
            raise ValueError(
                f"nobody answers both {columns[i]!r} and {columns[j]!r}, so they cannot be weighed "
                "together. Leave one out."
            )
        same = np.argwhere(np.triu(np.abs(total.cor), 1) > COPY)
        if len(same):
            one, other = (columns[i] for i in same[0])
            what = "the outcome" if one == self.outcome else f"driver {one!r}"
            raise ValueError(
                f"driver {other!r} is a copy of {what} (correlation {total.cor[tuple(same[0])]:.3f}"
                "): the credit cannot be shared between them. Leave one out."
            )
        if not sums.pairwise:
            _check_combinations(total.cor[1:, 1:], self.columns)


def choose(
    responses: pd.DataFrame | Moments, outcome: str, drivers: Drivers, missing: str = "complete"
) -> Chosen:
    """The columns of a fit; ValueError for drivers given twice, and for what sums cannot tell."""
    given = _named(drivers)
    named = [outcome, *(c for members in given.values() for c in members)]
    if len(named) == 1 or not all(given.values()):
        raise ValueError("no drivers given. Name the columns that may explain the outcome.")
    if twice := sorted({c for c in named if named.count(c) > 1}):
        where = "the outcome and a driver" if twice[0] == outcome else "given twice as a driver"
        raise ValueError(f"{twice[0]!r} is {where}. Name each column once.")
    if missing not in MISSING:
        raise ValueError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    adjusted: list[str] = []
    factors: list[str] = []
    if isinstance(responses, pd.DataFrame):
        responses, given, adjusted, factors = _as_numbers(responses, given, missing)
    places = iter(range(len(named) * MOST_CATEGORIES))
    players = [[next(places) for _ in members] for members in given.values()]
    columns = [c for members in given.values() for c in members]
    missing = "complete" if missing == "dummy" else missing
    return Chosen(responses, outcome, list(given), columns, players, missing, adjusted, factors)


def _named(drivers: Drivers) -> dict[str, list[str]]:
    """Term -> its columns; drivers named twice stay visible in the columns."""
    if isinstance(drivers, Mapping):
        return {name: [m] if isinstance(m, str) else list(m) for name, m in drivers.items()}
    drivers = list(drivers)
    if twice := sorted({d for d in drivers if drivers.count(d) > 1}):
        raise ValueError(f"{twice[0]!r} is given twice as a driver. Name each column once.")
    return {d: [d] for d in drivers}


def _as_numbers(rows: pd.DataFrame, given: dict[str, list[str]], missing: str):
    """(rows with the columns added, term -> columns, drivers adjusted, terms with a factor)."""
    made, terms, adjusted, factors = {}, {}, [], []
    for term, members in given.items():
        terms[term] = []
        for column in members:
            if column in rows and _is_factor(rows[column]):
                made |= (parts := _categories(rows[column], column))
                terms[term] += list(parts)
                factors.append(term)
                continue
            terms[term].append(column)
            if missing == "dummy" and (never := _never(rows, column)).any():
                made[column] = (
                    rows[column].astype(float).mask(never, rows.loc[~never, column].mean())
                )
                made[column + FLAG] = never.astype(float)
                terms[term].append(column + FLAG)
                adjusted.append(column)
    return (rows.assign(**made) if made else rows), terms, adjusted, factors


def _is_factor(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype) or (
        not pd.api.types.is_numeric_dtype(column)
        and column.nunique() > 1
        and pd.to_numeric(column, errors="coerce").isna().all()
    )


def _categories(column: pd.Series, name: str) -> dict[str, pd.Series]:
    """A column of 0 and 1 for each category but the most frequent."""
    levels = column.value_counts().index.astype(str)
    if len(levels) > MOST_CATEGORIES:
        raise ValueError(
            f"driver {name!r} has {len(levels)} categories; the limit is {MOST_CATEGORIES}. Join "
            "rare ones first."
        )
    text = column.astype(str)
    return {f"{name} = {v}": (text == v).astype(float).where(column.notna()) for v in levels[1:]}


def _never(rows: pd.DataFrame, column: str) -> pd.Series:
    flag = column + FLAG
    if flag not in rows:
        return pd.Series(False, index=rows.index)
    return rows[flag].fillna(False).astype(bool)


def _check_combinations(cor: np.ndarray, drivers: list[str]) -> None:
    values, vectors = np.linalg.eigh(cor)
    if values[0] < LEAST_PIVOT:
        involved = [d for d, v in zip(drivers, vectors[:, 0], strict=True) if abs(v) > 0.05]
        raise ValueError(
            f"drivers {', '.join(involved)} are copies of one another taken together: one is a sum "
            "of the others. Leave one of them out."
        )
