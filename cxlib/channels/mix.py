"""Groups as they would be with the customers of all of them, in the same time.

groups = comparable(sample, "channel")    # who is compared; None: fewer than two groups
mixed = at_one_mix(groups, "solved", y, ["region"], better="higher", limits=(0, 1))
mixed.table, mixed.versus, mixed.used
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.channels.groups import effective_clusters, in_time, places
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.stats import intervals
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.standardisation import from_rest, group_shares, standardised


@dataclass(frozen=True)
class Groups:
    """The rows that are compared: names of their groups, the place of each row, and its time."""

    sample: Sample
    by: str
    names: list[str]
    place: np.ndarray
    unit: str  # of time: wave, month, quarter, year or "" (unknown)
    time: pd.Series | None
    apart: list[str]  # a note on groups that are not compared

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group."""
        return np.bincount(self.place, minlength=len(self.names))


@dataclass(frozen=True)
class Mixed:
    """Groups at one mix: a table of each, one of their differences, and what was held alike."""

    table: pd.DataFrame
    versus: pd.DataFrame
    used: list[str]
    notes: list[str]
    replicates: np.ndarray  # (draws, groups)
    units: np.ndarray  # effective clusters of each group
    share: np.ndarray  # weight of each group in the mix
    share_replicates: np.ndarray


def comparable(known: Sample, by: str) -> Groups | None:
    """The groups of two or more rows that can be told from time; None where they are not two."""
    sizes = known[by].dropna().astype(str).value_counts()
    known = known.where(known[by].astype(str).isin(sizes.index[sizes > 1]))
    if known[by].nunique() < 2:
        return None
    known, unit, time, apart = in_time(known, by)
    return Groups(known, by, *places(known, by), unit, time, apart)


def at_one_mix(
    groups: Groups,
    term: str,
    y: np.ndarray,
    mix: Sequence[str],
    *,
    better: str,
    limits: tuple[float, float],
    factor: float = 1.0,
) -> Mixed:
    """`factor` times the mean of y in each group, were its customers those of all, and its time."""
    sample, by, names, place = groups.sample, groups.by, groups.names, groups.place
    others = [m for m in mix if m not in (by, groups.unit)]
    level, plain, used = standardised(sample, y, place, len(names), others, groups.time)
    units = effective_clusters(sample, place, len(names))
    share, again = group_shares(sample, place, len(names))

    def columns(estimate: np.ndarray, drawn: np.ndarray) -> dict[str, Any]:
        estimate, drawn = factor * estimate, factor * drawn
        ends = intervals.interval_columns(estimate, drawn, units=units, fitted=2)
        return {"term": term, "estimate": estimate, **ends, "n": groups.sizes}

    versus = pd.DataFrame(
        {by: names, "against": _("all others"), **columns(*from_rest(level, share, again))}
    )
    table = pd.DataFrame({by: names, **columns(level.estimate, level.replicates)})
    ends = [*INTERVAL[1:], *SIMULTANEOUS]
    table[ends] = table[ends].clip(*limits)
    table = table.assign(plain=factor * plain.estimate, verdict=verdicts(versus, better))
    order = [by, "term", *INTERVAL, "n", *SIMULTANEOUS, "plain", "verdict"]
    return Mixed(
        sample.counted(table[order]),
        sample.counted(versus),
        [name or groups.unit for name in used],
        [*groups.apart, *sample.notes, simultaneous_note(len(names)), resampling_note(sample)],
        factor * level.replicates,
        units,
        share,
        again,
    )


def verdicts(gap: pd.DataFrame, better: str) -> np.ndarray:
    """Of differences from all others what their simultaneous intervals decide."""
    low, high = deciding_ends(gap)
    up, down = (low > 0).to_numpy(), (high < 0).to_numpy()
    words = {"higher": ("better", "worse"), "lower": ("worse", "better")}
    above, below = words.get(better, ("different", "different"))
    return np.select([up, down], [above, below], "unclear")
