"""The answers to analyse: rows, weights, the unit that is resampled, draws and seed, in one object.

    sample = Sample(responses, weight="weight", cluster="customer_id", draws=2000, seed=7)
    sample = study.sample(wave="2026-Q3")            # the same, weighted as study.yaml says
    scores.nps(sample, "recommend")
    scores.nps(sample.where(sample.data["plan"] == "basic"), "recommend")
    smf.wls("recommend ~ delivery", sample.data, weights=sample.weights)

A method takes a Sample or a bare DataFrame, which stands for unweighted, independent rows. What a
table cannot say of itself (how its weights were raked, which columns are replicate weights, what
was left out) is part of the Sample and is kept by `where`, `assign` and `merge`; nothing travels in
`DataFrame.attrs`, where a merge would lose it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

DRAWS = 1000
SEED = 1


class Calibration(Protocol):
    """How weights were raked, so that every resample is raked again (`stats.raking.Raking`)."""

    def cells_of(self, rows: pd.DataFrame, weight: str) -> np.ndarray | None:
        """The raking cell of each row; None where the rows are not those that were raked."""

    def ratios(
        self, cluster: str | None, draws: int, seed: int, together: int
    ) -> Iterator[np.ndarray]:
        """Weights of the cells in each draw, relative to their weights: (some draws, cells)."""


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
    losses : where rows went before
    notes : sentences on what was left out, in the page's language

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
    losses: Losses | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.data, pd.DataFrame):
            raise TypeError(f"a Sample holds a DataFrame, not a {type(self.data).__name__}.")
        if self.draws < 1:
            raise ValueError(f"draws is {self.draws}; it must be 1 or more.")
        for role in ("weight", "cluster"):
            if (column := getattr(self, role)) is not None and column not in self.data:
                raise ValueError(
                    f"no column {column!r} in these rows for the {role}. They have: "
                    f"{', '.join(map(str, self.data.columns))}."
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
    def clusters(self) -> pd.Series:
        """The resampling unit of each row, as covariance estimators with clusters take it."""
        if self.cluster is None:
            return pd.Series(np.arange(len(self.data)), index=self.data.index, name="row")
        return self.data[self.cluster]

    @property
    def bootstrap(self) -> dict[str, Any]:
        """`draws` and `seed`, as methods take them by name."""
        return {"draws": self.draws, "seed": self.seed}

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
        where the weights were raked and a row is not one of those, or its weight was changed.
        """
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
        design += [f"clustered by {self.cluster!r}"] if self.cluster else []
        return f"Sample({'; '.join(design)}; {self.draws:,} draws, seed {self.seed})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


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
