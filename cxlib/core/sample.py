"""The answers to analyse: rows, weights, the unit that is resampled, draws and seed, in one object.

    sample = Sample(responses, weight="weight", cluster="customer_id", draws=2000, seed=7)
    sample = study.sample(wave="2026-Q3")            # the same, weighted as study.yaml says
    scores.nps(sample, "recommend")
    scores.nps(sample.where(sample.data["plan"] == "basic"), "recommend")
    smf.wls("recommend ~ delivery", sample.data, weights=sample.weights)

A method takes a Sample or a bare DataFrame, which stands for unweighted, independent rows. What a
table cannot say of itself (how its weights were raked, which columns are replicate weights, how it
was sampled, what was left out) is part of the Sample and is kept by `where`, `assign` and `merge`;
nothing travels in `DataFrame.attrs`, where a merge would lose it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from cxlib.core.recoded import Recoded, Tally
from cxlib.privacy import disclosure

DRAWS = 1000
SEED = 1


class Calibration(Protocol):
    """How weights were raked, so that every resample is raked again (`stats.raking.Raking`)."""

    def cells_of(self, rows: pd.DataFrame, weight: str) -> np.ndarray | None:
        """The raking cell of each row; None where the rows are not those that were raked."""

    def ratios(
        self,
        cluster: str | None,
        draws: int,
        seed: int,
        together: int,
        design: Design | None = None,
    ) -> Iterator[np.ndarray]:
        """Weights of the cells in each draw, relative to their weights: (some draws, cells)."""


class Design(Protocol):
    """How rows were sampled: strata, sampling units, population (`stats.survey_design`)."""

    @property
    def units(self) -> int:
        """Primary sampling units that were sampled."""

    @property
    def degrees_of_freedom(self) -> int:
        """Sampling units minus strata."""

    def units_of(self, rows: pd.DataFrame) -> np.ndarray:
        """The sampling unit of each row; ValueError for rows of which the design knows nothing."""

    def deviations(self, sums: np.ndarray) -> np.ndarray:
        """Sums by sampling unit as deviations whose squares add up to the variance of the total."""

    def multiplicities(
        self, units: np.ndarray, draws: int, seed: int, together: int
    ) -> Iterator[np.ndarray]:
        """How much each of some sampling units counts in each draw: (some draws, units)."""


@dataclass(frozen=True)
class ReplicateWeights:
    """Replicate weights that came with the file.

    Attributes
    ----------
    columns : names of the replicate weights
    factor : by which the sum of squared deviations over replicates is multiplied
    """

    columns: tuple[str, ...]
    factor: float


@dataclass(frozen=True)
class Losses:
    """Where rows went before they were analysed.

    Attributes
    ----------
    table : of the study
    offered : rows in its files
    lost : reason ("quarantined", "wave", "where") -> rows, in the order they were lost
    wave, where : the selection
    """

    table: str
    offered: int
    lost: dict[str, int]
    wave: str = ""
    where: str = ""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to analyse, and everything about them that intervals need.

    Attributes
    ----------
    data : one row an answer; a plain DataFrame, which methods never change
    weight : column of the weights; None counts every row alike
    cluster : column of the unit that is resampled (the customer); None resamples rows
    draws : bootstrap resamples behind each interval, 1 or more
    seed : of the resamples; one seed resamples the same clusters for every estimate
    raking : how the weights were raked; every resample is then raked again
    replicate_weights : those that came with the file; resamples then follow them
    design : strata, sampling units and population (`weights.with_design`); sampling units are then
        resampled within strata, and `cluster` says only who is one person
    losses : where rows went before
    notes : sentences on what was left out, in the page's language
    count : column of how many equal rows each row stands for (`of`); None for one each. Weights are
        then sums over these, and `cluster` is the key by which customers are resampled
    squares : column of sums of squared weights, where rows of different weight are counted as one
    questions : in how many rows each answer is counted: one for each question that was asked for

    Examples
    --------
    >>> sample = Sample(pd.DataFrame({"nps": [10, 9, 8, 0], "who": [1, 1, 2, 3]}), cluster="who")
    >>> len(sample), sample.clusters.tolist(), sample.weights.tolist()
    (4, [1, 1, 2, 3], [1.0, 1.0, 1.0, 1.0])
    >>> len(sample.where(sample["nps"] > 8))
    2
    """

    data: pd.DataFrame
    weight: str | None = None
    cluster: str | None = None
    draws: int = DRAWS
    seed: int = SEED
    raking: Calibration | None = None
    replicate_weights: ReplicateWeights | None = None
    design: Design | None = None
    losses: Losses | None = None
    notes: tuple[str, ...] = ()
    count: str | None = None
    squares: str | None = None
    questions: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.data, pd.DataFrame):
            raise TypeError(f"a Sample holds a DataFrame, not a {type(self.data).__name__}.")
        if self.draws < 1:
            raise ValueError(f"draws is {self.draws}; it must be 1 or more.")
        for role in ("weight", "cluster"):
            if (column := getattr(self, role)) is not None and column not in self.data:
                raise ValueError(
                    f"no column {column!r} in these rows for the {role}. They have: "
                    f"{', '.join(map(str, self.data.columns)) or 'none'}."
                )

    def __len__(self) -> int:
        return len(self.data)

    def __contains__(self, column: object) -> bool:
        return column in self.data

    def __getitem__(self, column: Hashable) -> pd.Series:
        return self.data[column]

    def _ipython_key_completions_(self) -> list[str]:
        return list(map(str, self.data.columns))

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `data`."""
        return list(self.data.columns)

    @property
    def weights(self) -> np.ndarray:
        """The weight of each row, (n,); ones without a weight column."""
        if self.weight is None:
            return np.ones(len(self.data))
        return self.data[self.weight].to_numpy(float, na_value=np.nan)

    @property
    def counts(self) -> np.ndarray:
        """How many rows each row stands for, (n,)."""
        if self.count is None:
            return np.ones(len(self.data))
        return self.data[self.count].to_numpy(float)

    @property
    def clusters(self) -> pd.Series:
        """The resampling unit of each row, as covariance estimators with clusters take it."""
        if self.cluster is None:
            return pd.Series(np.arange(len(self.data)), index=self.data.index, name="row")
        return self.data[self.cluster]

    def rows_of(self, some: np.ndarray | slice = slice(None)) -> int:
        """How many rows some of the data stand for.

        Examples
        --------
        >>> rows = pd.DataFrame({"nps": [9, 0], "n": [3, 2]})
        >>> Sample(rows).rows_of(), Sample(rows, count="n").rows_of(rows["nps"] > 5)
        (2, 3)
        """
        if self.count is None:
            return len(self.data.index[some])
        return int(self.data[self.count].to_numpy()[some].sum()) // self.questions

    def of(self, items: str | Sequence[str], *groups: str | None) -> Sample:
        """The sample for a method that needs these questions, each by itself, and these columns.

        Of a table that is too large to be read it counts equal rows where they are; otherwise it
        is the sample itself. A method that calls it takes `count` into account.
        """
        return self

    def in_rows(self) -> Sample:
        """The sample for a method that needs rows; of a table too large for that, some of them."""
        return self

    def in_buckets(self, columns: Sequence[str], *, resampled: bool = True) -> Sample:
        """The sample for a method that needs sums of these columns, numbers of rows and values.

        Of a table that is too large to be read its sums are those of some hundreds of groups of
        customers, which are resampled in place of customers, or of all customers where nothing is
        to be resampled; otherwise it is the sample itself.
        """
        return self

    def recode(self, columns: Mapping[str, Recoded]) -> Sample:
        """The sample with columns made of others, added or in place of those of the same name."""
        return self.assign(**{name: made.of(self.data) for name, made in columns.items()})

    def tally(self, sets: Iterable[Tally]) -> list[int]:
        """How many rows of a positive weight are in each set.

        Examples
        --------
        >>> rows = Sample(pd.DataFrame({"room": [1, 0, None], "price": [None, 2, None]}))
        >>> rows.tally([Tally(["room"]), Tally(some=["room", "price"]), Tally(above=["price"])])
        [2, 2, 1]
        """
        counts = np.where(self.weights > 0, self.counts, 0)
        found = []
        for one in sets:
            there = self.data[list(one.given)].notna().all(axis=1).to_numpy()
            if one.some:
                there = there & self.data[list(one.some)].notna().any(axis=1).to_numpy()
            if one.above:
                there = there & (self.data[list(one.above)] > 0).all(axis=1).to_numpy()
            found.append(int(counts[there].sum()))
        return found

    def only(self, column: str, values: Iterable[object]) -> Sample:
        """The rows that have one of the values in the column.

        Examples
        --------
        >>> len(Sample(pd.DataFrame({"wave": ["a", "b", "b"]})).only("wave", ["b"]))
        2
        """
        return self.where(self[column].isin(list(values)))

    @property
    def bootstrap(self) -> dict[str, Any]:
        """`draws` and `seed`, as methods take them by name."""
        return {"draws": self.draws, "seed": self.seed}

    def people(self, inside: np.ndarray) -> np.ndarray:
        """Clusters with a row in each cell, (cells,); `inside` is (rows, cells), true or above 0.

        Examples
        --------
        >>> rows = Sample(pd.DataFrame({"who": [1, 1, 2]}), cluster="who")
        >>> rows.people(np.array([[1, 0], [1, 1], [0, 1]])).tolist()
        [1, 2]
        """
        codes = pd.factorize(self.clusters, use_na_sentinel=False)[0]
        return np.array([len(np.unique(codes[cell])) for cell in (inside > 0).T])

    def counted(self, table: pd.DataFrame, **named: str) -> pd.DataFrame:
        """The table with the clusters behind each of its groups, where they decide what is hidden.

        Parameters
        ----------
        table : groups in columns of the sample, n of its rows each; without such columns, n of all
            its rows, of a term that is a column those that have a value there
        named : columns of the table that are called otherwise in the sample: term="category"

        Examples
        --------
        >>> rows = pd.DataFrame({"who": [0] * 15 + list(range(15))})
        >>> rows["by"] = ["fax"] * 15 + ["web"] * 15
        >>> table = pd.DataFrame({"by": ["fax", "web"], "term": "calls", "n": 15})
        >>> Sample(rows, cluster="who").counted(table)["people"].tolist()
        [1, 15]
        """
        groups, who = disclosure.grouping(table), self.cluster
        columns = {c: c for c in groups if c in self} | named
        if who is None or not len(table) or not (columns or (not groups and self.count is None)):
            return table
        rows = self.data
        if rows[who].is_unique:
            return table
        people = np.full(len(table), np.nan)
        for term, places in table.groupby("term", sort=False).indices.items():
            asked = rows[rows[term].notna()] if "term" not in named and term in rows else rows
            part = table.iloc[places]
            people[places] = _clusters_of(asked, who, columns, part)
            if "against" in table and len(columns) == 1:  # as few as on the smaller side
                other = part.assign(**dict.fromkeys(columns, part["against"]))
                people[places] = np.fmin(people[places], _clusters_of(asked, who, columns, other))
        return disclosure.with_people(table, people)

    def replace(self, **changes: Any) -> Sample:
        """A copy with other draws, seed, weight, cluster, notes ...

        Another weight column is not raked: raking and replicate weights belong to theirs.
        """
        if "weight" in changes and changes["weight"] != self.weight:
            changes = {"raking": None, "replicate_weights": None, **changes}
        return replace(self, **changes)

    def with_data(self, rows: pd.DataFrame) -> Sample:
        """The same design for other columns or fewer rows of the data.

        Rows keep their index labels, by which their raking cells are known. Raises ValueError
        where the weights were raked and a row is not one of those, or its weight was changed, and
        for rows that the sampling design does not know.
        """
        if self.design is not None:
            self.design.units_of(rows)
        if self.raking is not None and len(rows):
            known = self.weight in rows and self.raking.cells_of(rows, str(self.weight))
            if known is None or known is False:
                raise ValueError(
                    "these rows are not those whose weights were raked (their index or their "
                    "weights have changed), so resamples cannot be raked again. Use "
                    "Sample.where, assign or merge, which keep them; or give "
                    "Sample(rows, weight=...) without raking."
                )
        return replace(self, data=rows)

    def where(self, keep: pd.Series | np.ndarray) -> Sample:
        """The rows for which `keep` (boolean, one value a row) holds."""
        return self.with_data(self.data[np.asarray(keep, bool)])

    def assign(self, **columns: Any) -> Sample:
        """The sample with columns added or replaced, as `DataFrame.assign` does it."""
        return self.with_data(self.data.assign(**columns))

    def merge(self, right: pd.DataFrame, on: str | Sequence[str]) -> Sample:
        """The sample with columns of `right`, found by the columns `on`; every row stays.

        Raises ValueError where a row of `right` is not unique by `on`, which would double rows.
        """
        keys = [on] if isinstance(on, str) else list(on)
        merged = self.data.merge(right, on=keys, how="left", validate="many_to_one")
        return self.with_data(merged.set_axis(self.data.index))

    def __repr__(self) -> str:
        design = [f"{len(self.data):,} rows, {len(self.data.columns)} columns"]
        design += [f"weighted by {self.weight!r}"] if self.weight else []
        design += ["raked in every draw"] if self.raking is not None else []
        if self.design is not None:
            design += [f"{self.design.units:,} sampling units in a stratified design"]
        design += [f"clustered by {self.cluster!r}"] if self.cluster else []
        return f"Sample({'; '.join(design)}; {self.draws:,} draws, seed {self.seed})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def _clusters_of(
    rows: pd.DataFrame, who: str, columns: Mapping[str, str], table: pd.DataFrame
) -> np.ndarray:
    """Clusters of the group that each row of the table is about; NaN where it is no group."""
    if not columns:
        known = rows[who].nunique()
        return np.full(len(table), float(known + rows[who].isna().sum()))
    grouped = rows.groupby([*columns.values()], observed=True)[who]
    keys = grouped.nunique() + grouped.size() - grouped.count()  # rows of nobody known, one each
    index = keys.index.to_frame().astype(str)
    people = {tuple(k): n for k, n in zip(index.to_numpy(), keys, strict=True)}
    asked = table[[*columns]].astype(str).itertuples(index=False, name=None)
    return np.array([people.get(k, np.nan) for k in asked], float)


SampleLike: TypeAlias = Sample | pd.DataFrame


def as_sample(rows: SampleLike, **design: Any) -> Sample:
    """The Sample itself, or unweighted, independent rows as one; `design` replaces its parts.

    Raises TypeError for anything but a Sample or a DataFrame.
    """
    if isinstance(rows, pd.DataFrame):
        return Sample(rows, **design)
    if not isinstance(rows, Sample):
        raise TypeError(f"expected a Sample or a DataFrame, not a {type(rows).__name__}.")
    return rows.replace(**design) if design else rows
