"""What a list of those late for their kind would have shown each morning, from what was known then.

kinds = Kinds.of(steps, ["region", "state"])
flagged = replay(steps, kinds, [0.8, 0.9], until=today)     # (rates, rows): the first morning
late = late_now(steps, kinds, 0.9, today)                   # who is on the list today
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.stats.pooled_waits import PooledWaits, pooled_waits

REFIT = 7  # days between one estimate of the usual times and the next
LOOK_BACK = 180  # days from which usual times are learnt
HISTORY = 100  # steps that came, from which they are
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Kinds:
    """Nested kinds of rows, from coarse to fine.

    Attributes
    ----------
    columns : that make them
    levels : code of each row's kind at each level
    parents : of each level, the kind of the level before
    """

    columns: tuple[str, ...]
    levels: tuple[np.ndarray, ...]
    parents: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame, columns: Sequence[str]) -> Kinds:
        """Kinds by the values of more and more columns; a missing value is one of its own.

        Examples
        --------
        >>> rows = pd.DataFrame({"state": ["A", "A", "B"], "product": ["tea", "tin", "tea"]})
        >>> Kinds.of(rows, ["state", "product"]).parents[1].tolist()
        [0, 0, 1]
        """
        levels: list[np.ndarray] = []
        parents = []
        before = np.zeros(len(rows), int)
        for column in columns:
            own = pd.factorize(rows[column].astype("string"), use_na_sentinel=False)[0]
            codes, pairs = pd.factorize(before * (own.max(initial=0) + 1) + own)
            parent = np.zeros(len(pairs), int)
            parent[codes] = before
            levels.append(codes)
            parents.append(parent)
            before = codes
        return cls(tuple(columns), tuple(levels), tuple(parents))

    @property
    def finest(self) -> np.ndarray:
        """The code of the kind that each row's curve is of."""
        return self.levels[-1]

    def fit(self, some: np.ndarray, time: np.ndarray, came: np.ndarray) -> PooledWaits:
        """The curves of all kinds from some of the rows."""
        return pooled_waits(
            time,
            came,
            [codes[some] for codes in self.levels],
            kinds=[len(p) for p in self.parents],
            parents=self.parents,
        )


@dataclass(frozen=True)
class _Clock:
    """Start and coming of each step in days since the first; infinite where it has not come."""

    start: np.ndarray
    came: np.ndarray
    zero: np.datetime64

    @classmethod
    def of(cls, steps: pd.DataFrame) -> _Clock:
        start = steps["started_at"].to_numpy("datetime64[us]")
        zero = start.min().astype("datetime64[D]").astype("datetime64[us]")
        came = steps["came_at"].to_numpy("datetime64[us]")
        days = np.where(np.isnat(came), np.inf, (came - zero) / DAY)
        return cls((start - zero) / DAY, days, zero)

    def known(self, day: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows from which usual times are learnt on a day, how long each waited, if it came."""
        some = np.flatnonzero((self.start < day) & (self.start >= day - LOOK_BACK))
        came = self.came[some] <= day
        return some, np.minimum(self.came[some], day) - self.start[some], came


def replay(
    steps: pd.DataFrame, kinds: Kinds, rates: Sequence[float], until: pd.Timestamp
) -> np.ndarray:
    """The first morning on which each row would have been on the list, (rates, rows).

    Every 7 days usual times are estimated from the rows started in the 180 days before, as they
    stood then: what had not come counts for as long as it was waited for. On each morning a row is
    listed that still waits and has waited longer than the share `rate` of its kind takes.

    Parameters
    ----------
    steps : started_at, came_at (missing while waiting)
    kinds : of the rows
    rates : shares of a kind that are not late, between 0 and 1
    until : last morning

    Returns
    -------
    datetime64, NaT for rows that were never listed, or not known long enough to say: no list was
    made before 100 steps had come.
    """
    clock = _Clock.of(steps)
    last = (np.datetime64(until, "us") - clock.zero) / DAY
    flagged = np.full((len(rates), len(steps)), np.inf)
    for day in np.arange(1.0, last + 1, REFIT):
        some, waited, came = clock.known(day)
        if came.sum() < HISTORY:
            continue
        fit, end = kinds.fit(some, waited, came), min(day + REFIT, last + 1)
        there = np.flatnonzero((clock.start < end) & (clock.came > day))
        for k, rate in enumerate(rates):
            limit = fit.quantile(rate)[kinds.finest[there]]
            at = np.maximum(np.ceil(clock.start[there] + limit), day)
            late = (at < end) & (at < clock.came[there])
            flagged[k, there[late]] = np.minimum(flagged[k, there[late]], at[late])
    return _dates(flagged, clock.zero)


def since(steps: pd.DataFrame) -> pd.Timestamp:
    """The first day on which a list could be made; missing where too little ever came."""
    clock = _Clock.of(steps)
    came = np.sort(clock.came[np.isfinite(clock.came)])
    if len(came) < HISTORY:
        return pd.NaT
    first = np.ceil((came[HISTORY - 1] - 1) / REFIT) * REFIT + 1
    return pd.Timestamp(clock.zero) + pd.Timedelta(days=float(first))


def after_due(steps: pd.DataFrame) -> np.ndarray:
    """The first morning after the promised time on which a row still waits, (rows,)."""
    clock = _Clock.of(steps)
    due = steps["due_at"].to_numpy("datetime64[us]")
    at = np.ceil(np.where(np.isnat(due), np.inf, (due - clock.zero) / DAY))
    return _dates(np.where(at < clock.came, at, np.inf), clock.zero)


def late_now(
    steps: pd.DataFrame, kinds: Kinds, rate: float, today: pd.Timestamp, learnt: int | None = None
) -> pd.DataFrame | None:
    """Rows that wait today: days waited, usual days of the kind, days from which it is late.

    Where usual times are `learnt` from the first so many rows alone, only the others are returned.
    None where too few steps came in the days before.
    """
    clock = _Clock.of(steps)
    day = (np.datetime64(today, "us") - clock.zero) / DAY
    some, waited, came = clock.known(day)
    if learnt is not None:
        some, waited, came = (of[some < learnt] for of in (some, waited, came))
    if came.sum() < HISTORY:
        return None
    fit = kinds.fit(some, waited, came)
    there = np.flatnonzero((clock.start < day) & (clock.came > day))
    there = there if learnt is None else there[there >= learnt]
    usual, limit = (fit.quantile(p)[kinds.finest[there]] for p in (0.5, rate))
    found = steps.iloc[there].assign(
        waited_days=day - clock.start[there], usual_days=usual, late_after_days=limit
    )
    return found.assign(late=found["waited_days"] > found["late_after_days"])


def _dates(days: np.ndarray, zero: np.datetime64) -> np.ndarray:
    there = np.isfinite(days)
    dates = np.full(days.shape, np.datetime64("NaT", "us"))
    dates[there] = zero + (days[there] * 86_400_000_000).astype("timedelta64[us]")
    return dates
