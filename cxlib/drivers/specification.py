"""What goes into a regression: the sample, the outcome, and the drivers as columns of numbers.

A driver is a column, a factor (text: its categories enter together), or a named group of columns.
"Not experienced" is no missing answer: with `missing="dummy"` such a rating is set to the mean, a
column marks who did not meet the touchpoint, and the two enter together (Cohen and Cohen 1985;
right where the question does not apply, wrong where it was left unanswered: Allison 2001).
Questions skipped together by the same customers share one such column: what it explains is divided
among them equally.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.recoded import NOBODY, Recoded, Tally, flagged
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers.shapley_values import LEAST_PIVOT
from cxlib.stats import moments
from cxlib.stats.moments import Moments

MISSING = (*moments.MISSING, "dummy")
FLAG = "_not_experienced"
MOST_CATEGORIES = 30  # of a factor
COPY = 1 - 1e-9  # correlation from which one driver is a copy of another

Drivers: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
Answers: TypeAlias = SampleLike | Moments


@dataclass(frozen=True, eq=False)
class Specification:
    """Rows (or sums), the outcome, and the drivers: term t stands in columns[players[t]].

    `blocks` are columns that several terms share: place of the column -> places of the terms.
    `covariates` are columns that are adjusted for and have no share.
    """

    sample: Sample | Moments
    outcome: str
    terms: list[str]
    columns: list[str]
    players: list[list[int]]
    missing: str
    adjusted: list[str]
    factors: list[str]
    blocks: dict[int, list[int]] = field(default_factory=dict)
    covariates: list[str] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The outcome, the columns of the drivers, and the covariates."""
        return [self.outcome, *self.columns, *self.covariates]

    @property
    def entries(self) -> list[list[int]]:
        """Columns that enter a regression together: those of each term, then those shared."""
        return [*self.players, *([column] for column in self.blocks)]

    def divided(self, gains: np.ndarray) -> np.ndarray:
        """Gains (..., terms) from those of the `entries`: shared ones in equal parts."""
        own = gains[..., : len(self.terms)].copy()
        for place, members in enumerate(self.blocks.values(), len(self.terms)):
            own[..., members] += gains[..., [place]] / len(members)
        return own

    @property
    def rows(self) -> pd.DataFrame | None:
        """The answers, a row each; None where only their sums are known."""
        return None if isinstance(self.sample, Moments) else self.sample.data

    def require_rows(self) -> pd.DataFrame:
        """The answers, a row each; ValueError where only their sums are known."""
        if isinstance(self.sample, Moments):
            raise ValueError("this needs a row for each answer, not sums. Pass the Sample.")
        return self.sample.data

    def require_single_columns(self, advice: str) -> None:
        """ValueError for terms of several columns, but for those adjusted for "not experienced"."""
        for term, places in zip(self.terms, self.players, strict=True):
            if len(places) > 1 and term not in self.adjusted:
                raise ValueError(f"driver {term!r} has {len(places)} columns: {advice}")

    def sums(self) -> Moments:
        """Sums of outcome and columns that a regression can be made of; else ValueError."""
        columns = self.asked
        if isinstance(self.sample, Moments):
            sums = self.sample.select(columns)
        else:
            sums = moments.of(self.sample, columns, missing=self.missing)
        if (n := int(sums.rows.sum())) < (least := len(columns) + 2):
            raise InsufficientData(
                _(
                    "{n:count} of {all:count} responses can be used for {k:count}"
                    " drivers; at least {least:count} are needed, and some 30 a "
                    "driver for useful intervals. Take fewer drivers or more "
                    "responses, or missing='pairwise'.",
                    n=n,
                    all=sums.offered,
                    k=len(columns) - 1,
                    least=least,
                )
            )
        _check_spread(sums, self.outcome)
        return sums

    def used(self) -> np.ndarray:
        """Which rows a regression uses."""
        given = self.require_rows()[self.asked].notna()
        answered = given.all(axis=1) if self.missing == "complete" else given.any(axis=1)
        assert isinstance(self.sample, Sample)
        weight = moments.weights_of(self.sample.data, self.sample.weight)
        return answered.to_numpy() & (weight > 0)

    def usable(self) -> int:
        """How many rows a regression uses."""
        used = Tally(self.asked) if self.missing == "complete" else Tally(some=self.asked)
        return self._tally([used])[0]

    def fitted(self, sums: Moments) -> int:
        """Responses behind R²: those that give the outcome and some driver."""
        if sums.missing == "complete" or isinstance(self.sample, Moments):
            return int(sums.rows.sum())
        return self._tally([Tally([self.outcome], self.columns)])[0]

    def counts(self, sums: Moments) -> int | list[int]:
        """Responses behind each term."""
        if sums.missing == "complete" or isinstance(self.sample, Moments):
            return int(sums.rows.sum())
        of_terms = ([self.columns[c] for c in places] for places in self.players)
        return self._tally(Tally([self.outcome, *columns]) for columns in of_terms)

    def raters(self, sums: Moments) -> list[int]:
        """Of `counts` those who rated the driver: others have been given the mean."""
        counts = np.broadcast_to(self.counts(sums), len(self.terms)).tolist()
        flagged = self._tally(Tally(self.asked, above=[c + FLAG]) for c in self.adjusted)
        for column, never in zip(self.adjusted, flagged, strict=True):
            place = next(
                i for i, p in enumerate(self.players) if column in [self.columns[c] for c in p]
            )
            counts[place] -= never
        return counts

    def _tally(self, sets: Iterable[Tally]) -> list[int]:
        """Rows in each set; none are asked for where only sums are known."""
        return [] if isinstance(self.sample, Moments) else self.sample.tally(sets)


def specify(
    answers: Answers,
    outcome: str,
    drivers: Drivers,
    missing: str = "complete",
    covariates: Sequence[str] = (),
    *,
    in_rows: bool = True,
) -> Specification:
    """The columns of a regression; ValueError for drivers given twice or that cannot be used.

    Without `in_rows` sums do, of a table that is too large to be read.
    """
    terms, always = _named(drivers), list(covariates)
    named = [outcome, *(c for members in terms.values() for c in members)]
    if len(named) == 1 or not all(terms.values()):
        raise ValueError("no drivers given. Name the columns that may explain the outcome.")
    if twice := sorted({c for c in named if named.count(c) > 1}):
        where = "the outcome and a driver" if twice[0] == outcome else "given twice as a driver"
        raise ValueError(f"{twice[0]!r} is {where}. Name each column once.")
    for column in always:
        if [*named, *always].count(column) > 1:
            raise ValueError(
                f"covariate {column!r} is named twice, or is the outcome or a driver too. Name "
                "each column once."
            )
    require_choice("missing", missing, MISSING)
    adjusted: list[str] = []
    factors: list[str] = []
    shared: dict[str, list[str]] = {}
    if not isinstance(answers, Moments):
        answers, read = as_sample(answers), in_rows or missing == "em"
        answers = answers.in_rows() if read else answers.in_buckets([*named, *always])
        answers, terms, adjusted, factors, shared = _as_numbers(answers, terms, missing)
        answers, always = _covariates(answers, always)
    places = iter(range(len(named) * MOST_CATEGORIES))
    players = [[next(places) for _ in members] for members in terms.values()]
    columns = [c for members in terms.values() for c in members]
    known = list(terms)
    blocks = {
        place: [known.index(t) for t in members]
        for place, members in enumerate(shared.values(), len(columns))
    }
    columns += list(shared)
    missing = "complete" if missing == "dummy" else missing
    return Specification(
        answers, outcome, known, columns, players, missing, adjusted, factors, blocks, always
    )


def never_met_by(sample: Sample, driver: str) -> int:
    """How many answers are of customers who did not experience the touchpoint."""
    if driver + FLAG not in sample:
        return 0
    answers = sample.of(driver)
    return int(answers.counts[never_met(answers.data, driver)].sum())


def never_met(rows: pd.DataFrame, driver: str) -> np.ndarray:
    """Rows of customers who did not experience the touchpoint."""
    flag = driver + FLAG
    if flag not in rows:
        return np.zeros(len(rows), bool)
    return flagged(rows[flag])


def _check_spread(sums: Moments, outcome: str) -> None:
    total = sums.total()
    variance, columns = np.diagonal(total.cov), list(sums.columns)
    if alike := [c for c, v in zip(columns, variance, strict=True) if v < 1e-12]:
        mean, is_outcome = total.mean[columns.index(alike[0])], alike[0] == outcome
        facts = {"name": alike[0], "n": int(sums.rows.sum()), "value": mean}
        if is_outcome:
            raise InsufficientData(
                _(
                    "outcome {name!r} is constant: all {n:count} answers are "
                    "{value:g}. What never differs cannot be explained; choose "
                    "another.",
                    **facts,
                )
            )
        raise InsufficientData(
            _(
                "driver {name!r} is constant: all {n:count} answers are "
                "{value:g}. What never differs explains nothing; leave it out.",
                **facts,
            )
        )
    if np.isnan(total.cov).any():
        i, j = np.argwhere(np.isnan(total.cov))[0]
        raise InsufficientData(
            _(
                "nobody answers both {one!r} and {other!r}, so they cannot be "
                "weighed together. Leave one out.",
                one=columns[i],
                other=columns[j],
            )
        )
    same = np.argwhere(np.triu(np.abs(total.cor), 1) > COPY)
    if len(same):
        one, other = (columns[i] for i in same[0])
        facts = {"other": other, "one": one, "cor": f"{total.cor[tuple(same[0])]:.3f}"}
        if one == outcome:
            raise InsufficientData(
                _(
                    "driver {other!r} is a copy of the outcome (correlation "
                    "{cor}): the credit cannot be shared between them. Leave one "
                    "out.",
                    **facts,
                )
            )
        raise InsufficientData(
            _(
                "driver {other!r} is a copy of driver {one!r} (correlation "
                "{cor}): the credit cannot be shared between them. Leave one out.",
                **facts,
            )
        )
    if not sums.pairwise:
        _check_combinations(total.cor[1:, 1:], columns[1:])


def _check_combinations(cor: np.ndarray, drivers: list[str]) -> None:
    values, vectors = np.linalg.eigh(cor)
    if values[0] < LEAST_PIVOT:
        involved = [d for d, v in zip(drivers, vectors[:, 0], strict=True) if abs(v) > 0.05]
        raise InsufficientData(
            _(
                "drivers {drivers} are copies of one another taken together: one "
                "is a sum of the others. Leave one of them out.",
                drivers=", ".join(involved),
            )
        )


def _named(drivers: Drivers) -> dict[str, list[str]]:
    """Term -> its columns; drivers named twice stay visible in the columns."""
    if isinstance(drivers, Mapping):
        return {name: [m] if isinstance(m, str) else list(m) for name, m in drivers.items()}
    drivers = list(drivers)
    if twice := sorted({d for d in drivers if drivers.count(d) > 1}):
        raise ValueError(f"{twice[0]!r} is given twice as a driver. Name each column once.")
    return {d: [d] for d in drivers}


def _as_numbers(
    sample: Sample, named: dict[str, list[str]], missing: str
) -> tuple[Sample, dict[str, list[str]], list[str], list[str], dict[str, list[str]]]:
    """(sample with columns added, term -> columns, drivers adjusted, terms with a factor, shared).

    The last are columns of who skipped several questions together -> the terms of these questions.
    """
    made: dict[str, pd.Series] = {}
    filled: dict[str, Recoded] = {}
    terms: dict[str, list[str]] = {}
    factors: list[str] = []
    term_of: dict[str, str] = {}  # of columns that are adjusted
    for term, members in named.items():
        terms[term] = []
        for column in members:
            if _has_categories(sample, column):
                made |= (parts := _categories(sample[column], column))
                terms[term] += list(parts)
                factors.append(term)
                continue
            terms[term].append(column)
            if missing == "dummy" and never_met_by(sample, column):
                answers = sample.of(column)
                rated = answers[column].notna().to_numpy() & ~never_met(answers.data, column)
                if not (n := answers.counts[rated]).any():
                    continue
                mean = float(np.average(answers[column].to_numpy(float)[rated], weights=n))
                filled[column] = Recoded(column, column + FLAG, mean)
                filled[column + FLAG] = Recoded(column, column + FLAG, 1.0, NOBODY)
                term_of[column] = term
    sample = sample.assign(**made) if made else sample
    sample = sample.recode(filled) if filled else sample
    shared: dict[str, list[str]] = {}
    for columns in skipped_together(sample, list(term_of)):
        flag, of = columns[0] + FLAG, list(dict.fromkeys(term_of[c] for c in columns))
        if len(of) > 1:
            shared[flag] = of
        else:
            terms[of[0]].append(flag)
    return sample, terms, list(term_of), factors, shared


def skipped_together(sample: Sample, columns: list[str]) -> list[list[str]]:
    """The columns, those together that the same customers did not experience."""
    count = {c: never_met_by(sample, c) for c in columns}
    pairs = [pair for pair in combinations(columns, 2) if count[pair[0]] == count[pair[1]]]
    asked = [one for pair in pairs for one in ((pair[0],), (pair[1],), pair)]
    found = sample.tally(Tally(above=[c + FLAG for c in one]) for one in asked)
    first = {c: c for c in columns}
    for k, (one, other) in enumerate(pairs):
        if len(set(found[3 * k : 3 * k + 3])) == 1 and first[other] == other:
            first[other] = first[one]
    return [[c for c in columns if first[c] == one] for one in dict.fromkeys(first.values())]


def _covariates(sample: Sample, columns: list[str]) -> tuple[Sample, list[str]]:
    """The sample and its covariates as columns of numbers, factors by their categories."""
    made: dict[str, pd.Series] = {}
    found: list[str] = []
    for column in columns:
        if _has_categories(sample, column):
            made |= (parts := _categories(sample[column], column))
            found += list(parts)
        else:
            found.append(column)
    return (sample.assign(**made) if made else sample), found


def _has_categories(sample: Sample, column: str) -> bool:
    """Whether a column is text or the like; sums in a store are of numbers."""
    held = isinstance(sample, moments.Stored)
    return not held and column in sample and _is_factor(sample[column])


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
