"""Equal answers counted in the store, with the weights that they have.

    answers = Counting.raked(raking, columns)    # by how many rows each cell has
    store.execute(answers.query(columns, key, source, holds))

Raking gives all rows of a cell (a combination of categories and a base weight) one weight, so that
counts by cell say all. Weights without margins are summed, and so are their squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlib.data import sql
from cxlib.reserve.store import ReserveError
from cxlib.stats.raking import CELL, Raking
from cxlib.stats.resampling import ResamplingUnits

COUNT, SQUARES = "_rows", "_squares"
MOST_WEIGHTS = 100  # base weights that cells of margins are counted by


@dataclass(frozen=True)
class Counting:
    """What is counted of equal answers.

    Attributes
    ----------
    weighted : answers have weights of their own
    raking : how they were raked; None without margins
    reads : the columns that raking needs
    code, cell : SQL of the number of a row's combination of these, and the cell of each number
    own : SQL of the weight of a row
    """

    weighted: bool = False
    raking: Raking | None = None
    reads: tuple[str, ...] = ()
    code: str = "0"
    cell: np.ndarray | None = None
    own: str = "weight"

    @classmethod
    def raked(cls, raking: Raking, columns: Sequence[str]) -> Counting:
        """As counted rows were raked, whose cells are combinations of these columns."""
        rows = raking.rows
        code, number, size = "0", np.zeros(len(rows), int), 1
        for column in columns:
            place, values = pd.factorize(rows[column])
            cases = " ".join(f"when {constant(v)} then {k}" for k, v in enumerate(values))
            if not cases:
                continue
            kinds = len(values) + 1  # the last is of those without a value
            code = f"({code}) * {kinds} + case {sql.name(column)} {cases} else {kinds - 1} end"
            number = number * kinds + np.where(place < 0, kinds - 1, place)
            size *= kinds
        cell = np.full(size, -1)
        cell[number] = raking.cell
        return cls(True, raking, tuple(columns), code, cell)

    def fixed(self) -> Counting:
        """Each row with the weight of its cell, which is that also in every resample."""
        if self.raking is None or self.cell is None:
            return self
        known = (k for k, cell in enumerate(self.cell) if cell >= 0)
        weight = self.raking.weight
        cases = (f"when {k} then {constant(float(weight[self.cell[k]]))}" for k in known)
        return Counting(True, None, self.reads, own=f"case {self.code} {' '.join(cases)} end")

    def coarser(self, size: int) -> Counting:
        """As sums of so many keys of customers as one are raked again in each resample."""
        if self.raking is None or size == 1:
            return self
        rows = self.raking.rows
        keys = rows["customer_id"] - rows["customer_id"] % size
        raking = replace(self.raking, rows=rows.assign(customer_id=keys), _last={})
        return replace(self, raking=raking)

    @property
    def design(self) -> dict[str, object]:
        """What a Sample of the counts says of its weights."""
        summed = self.weighted and self.raking is None
        return {
            "weight": "weight" if self.weighted else COUNT,
            "count": COUNT,
            "squares": SQUARES if summed else None,
            "raking": self.raking,
        }

    def query(self, columns: Sequence[str], key: str, source: str, holds: str) -> str:
        """How many rows there are of equal columns and key, and what their weights need."""
        wanted = [sql.name(c) for c in columns] + [f"{key} as customer_id", f"count(*) as {COUNT}"]
        if self.raking is not None:
            wanted.append(f"{self.code} as {CELL}")
        elif self.weighted:  # those of weight 0 are left out of every score, and not of notes
            w = f"({self.own})"
            wanted += [f"sum({w}) as weight", f"sum({w} * {w}) as {SQUARES}"]
            wanted.append(f"{w} > 0 as _positive")
        return f"select {', '.join(wanted)} from {source} where {holds} group by all"

    def finished(self, found: pd.DataFrame) -> pd.DataFrame:
        """What the query brought, with the sum of the weights of each row."""
        if self.raking is None:
            return found
        return self.weighed(found.assign(weight=found[COUNT].astype(float)), ["weight"])

    def weighed(self, found: pd.DataFrame, sums: list[str]) -> pd.DataFrame:
        """Sums by combination as sums by cell, each times the weight of its cell."""
        if self.raking is None or self.cell is None:
            return found
        cell = self.cell[found[CELL].to_numpy(int)]
        if (cell < 0).any():
            raise ReserveError("responses changed while they were counted. Run the page again.")
        weight = pd.Series(self.raking.weight[cell], found.index)
        return found.assign(**found[sums].mul(weight, axis=0), **{CELL: cell})

    def units(self, found: pd.DataFrame, units: ResamplingUnits) -> ResamplingUnits:
        """How sums by cell are drawn."""
        if self.raking is None:
            return units
        cell = found[CELL].to_numpy(int)
        return replace(units, cell=cell, raking=self.raking, cluster="customer_id")


def constant(value: object) -> str:
    """A value in SQL."""
    if isinstance(value, str):
        return sql.text(value)
    number = np.asarray(value).item()
    # a decimal constant would be compared in fewer digits than the column has
    return f"'{number!r}'::double" if isinstance(number, float) else repr(number)
