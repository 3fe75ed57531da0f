"""Sampling designs: strata, primary sampling units (PSUs) and finite populations.

    design = SurveyDesign.of(rows, strata=["region"], psu="school", population="schools")
    design.deviations(sums)           # by PSU: their squares add up to the linearised variance
    design.multiplicities(keys, 1000, seed=1, together=100)      # the rescaled bootstrap

Variances are those of the ultimate cluster: PSUs vary within their stratum, and whatever was
sampled within a PSU varies with it. A sampling fraction makes them smaller by its share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.errors import require_columns


@dataclass(frozen=True, eq=False)
class SurveyDesign:
    """How rows were sampled; rows are known by their index labels, so subsets are domains.

    Attributes
    ----------
    index : labels of all rows that were sampled
    unit : PSU of each of them, from 0, (rows,)
    stratum : stratum of each PSU, from 0, (PSUs,)
    drawn : PSUs that were sampled in each stratum, (strata,)
    fraction : share of the stratum's PSUs that were sampled, 0 where the population is not known
        or PSUs were drawn with replacement, (strata,)
    """

    index: pd.Index
    unit: np.ndarray
    stratum: np.ndarray
    drawn: np.ndarray
    fraction: np.ndarray

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        strata: Sequence[str] = (),
        psu: str | None = None,
        population: str | Mapping[Any, float] | None = None,
    ) -> SurveyDesign:
        """The design that columns of the rows describe; `weights.with_design` says what they hold.

        Examples
        --------
        >>> rows = pd.DataFrame({"region": list("aabb"), "schools": [4, 4, 10, 10]})
        >>> design = SurveyDesign.of(rows, ["region"], population="schools")
        >>> design.drawn.tolist(), design.fraction.tolist(), design.degrees_of_freedom
        ([2, 2], [0.5, 0.2], 2)
        """
        columns = [*strata, *([psu] if psu else [])]
        columns += [population] if isinstance(population, str) else []
        require_columns(rows, columns)
        for column in columns:
            if empty := int(rows[column].isna().sum()):
                raise ValueError(
                    f"{column} is empty in {empty:,} of {len(rows):,} rows. Every row needs its "
                    "stratum, sampling unit and population."
                )
        if not len(rows):
            raise ValueError("no rows to take a design from. Choose another wave.")
        if not rows.index.is_unique:
            raise ValueError("index labels are repeated; use rows.reset_index(drop=True).")
        place, names = np.zeros(len(rows), int), ["all"]
        if strata:
            keys = (
                rows[strata[0]] if len(strata) == 1 else pd.MultiIndex.from_frame(rows[[*strata]])
            )
            place, found = pd.factorize(keys)
            names = list(found)
        unit = np.arange(len(rows))
        if psu:
            # A number of a PSU may be used again in another stratum: it is then another PSU.
            own = pd.factorize(rows[psu])[0]
            unit = pd.factorize(place * (own.max() + 1) + own)[0]
        stratum = np.zeros(unit.max() + 1, int)
        stratum[unit] = place
        drawn = np.bincount(stratum)
        fraction = _fractions(rows, population, place, names, drawn)
        lonely = (drawn < 2) & (fraction < 1)
        if lonely.any():
            few = [str(names[k]) for k in np.flatnonzero(lonely)[:5]]
            raise ValueError(
                f"{int(lonely.sum()):,} of {len(drawn):,} strata have one sampling unit, which "
                f"shows no variance: {', '.join(few)}. Join each to a similar stratum."
            )
        return cls(rows.index, unit, stratum, drawn, fraction)

    @property
    def units(self) -> int:
        """PSUs that were sampled."""
        return len(self.stratum)

    @property
    def degrees_of_freedom(self) -> int:
        """PSUs minus strata, at least 1."""
        return max(self.units - len(self.drawn), 1)

    def units_of(self, rows: pd.DataFrame) -> np.ndarray:
        """PSU of each row, (rows,); ValueError for rows that the design does not know."""
        if rows.index is self.index or rows.index.equals(self.index):
            return self.unit
        place = self.index.get_indexer(rows.index)
        if unknown := int((place < 0).sum()):
            raise ValueError(
                f"{unknown:,} of {len(rows):,} rows are not in the sampling design (their index "
                "has changed). Use Sample.where, assign or merge, which keep it."
            )
        return self.unit[place]

    def deviations(self, sums: np.ndarray) -> np.ndarray:
        """Deviations of PSU sums whose squares and products add up to the variance of the total.

        Parameters
        ----------
        sums : of linearised values times weights, by PSU from 0, (PSUs or fewer, k): PSUs after the
            last have no row in the domain and sums of 0

        Returns
        -------
        (PSUs, k): each sum minus the mean of its stratum, times √((1 − f) n / (n − 1)).

        References
        ----------
        Cochran (1977), Sampling Techniques, 5.4; Wolter (2007), 2.4 and 6.

        Examples
        --------
        >>> rows = pd.DataFrame({"region": list("aabb")})
        >>> d = SurveyDesign.of(rows, ["region"]).deviations(np.array([[1.0], [3.0], [5.0], [5.0]]))
        >>> round(float((d**2).sum()), 6)
        4.0
        """
        whole = np.zeros((self.units, sums.shape[1]))
        whole[: len(sums)] = sums
        means = np.zeros((len(self.drawn), sums.shape[1]))
        np.add.at(means, self.stratum, whole)
        means /= self.drawn[:, None]
        spread = np.sqrt((1 - self.fraction) * self.drawn / np.maximum(self.drawn - 1, 1))
        return (whole - means[self.stratum]) * spread[self.stratum, None]

    def multiplicities(
        self, units: np.ndarray, draws: int, seed: int, together: int
    ) -> Iterator[np.ndarray]:
        """How much each of the `units` counts in each draw of the rescaled bootstrap.

        In each stratum n − 1 PSUs are drawn with replacement from n; how often they come up is
        rescaled so that the variance of a total is that of `deviations`. A PSU's part depends on
        the design, the draw and the seed only, so estimates of all domains are comparable.

        Parameters
        ----------
        units : places of PSUs, (k,)
        draws, seed : of the bootstrap
        together : draws at a time

        Yields
        ------
        (some draws, k), 0 or more, 1 on average.

        References
        ----------
        Rao and Wu (1988), Journal of the American Statistical Association 83; Rao, Wu and Yue
        (1992), Survey Methodology 18(2).
        """
        order = np.argsort(self.stratum, kind="stable")
        start = np.cumsum(self.drawn) - self.drawn
        rank = np.empty(self.units, int)
        rank[order] = np.arange(self.units) - start[self.stratum[order]]
        of = self.stratum[units]
        wanted = [(s, np.flatnonzero(of == s)) for s in np.unique(of)]
        rngs = {s: np.random.default_rng([seed, int(s)]) for s, _ in wanted}
        for first in range(0, draws, together):
            size = min(together, draws - first)
            times = np.ones((size, len(units)))
            for s, at in wanted:
                n, kept = int(self.drawn[s]), float(np.sqrt(1 - self.fraction[s]))
                if n > 1 and kept > 0:
                    picks = (rngs[s].random((size, n - 1)) * n).astype(int)
                    flat = (picks + n * np.arange(size)[:, None]).ravel()
                    counts = np.bincount(flat, minlength=size * n).reshape(size, n)
                    times[:, at] = 1 - kept + kept * n / (n - 1) * counts[:, rank[units[at]]]
            yield times


def _fractions(
    rows: pd.DataFrame,
    population: str | Mapping[Any, float] | None,
    place: np.ndarray,
    names: list[Any],
    drawn: np.ndarray,
) -> np.ndarray:
    """Share of each stratum's PSUs that were sampled."""
    if population is None:
        return np.zeros(len(drawn))
    if isinstance(population, str):
        given = pd.to_numeric(rows[population], errors="coerce").to_numpy(float, na_value=np.nan)
        size = np.zeros(len(drawn))
        size[place] = given
        if (off := ~np.isclose(given, size[place])).any():
            raise ValueError(
                f"{population} differs within {len(np.unique(place[off])):,} strata, or is no "
                "number. It holds one number for each stratum: how many sampling units there are."
            )
    else:
        known = {str(k): float(v) for k, v in population.items()}
        if missing := [str(n) for n in names if str(n) not in known]:
            raise ValueError(
                f"population has no number for {', '.join(missing[:5])}. Its keys are the strata."
            )
        size = np.array([known[str(n)] for n in names])
    # As in other programs, numbers of at most 1 are shares that were sampled.
    fraction = np.where(size <= 1, size, drawn / np.maximum(size, 1))
    if (bad := (size <= 0) | (fraction > 1 + 1e-9)).any():
        at = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"population of stratum {names[at]}: {size[at]:g}, but {drawn[at]:,} sampling units "
            "were sampled. Give the number of sampling units in the population, or the share "
            "sampled (above 0, at most 1)."
        )
    return np.minimum(fraction, 1.0)


def student_quantile(degrees_of_freedom: float, level: float) -> float:
    """Quantile of Student's t of a two-sided interval.

    Examples
    --------
    >>> round(student_quantile(10, 0.95), 3)
    2.228
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, (1 + level) / 2))
