"""What each answer is about: the touchpoints its customer had met, and where there was trouble.

    met = journeys.exposure(responses, events, window=90, bad=["failed"])
    met.times        # (answers, touchpoints): how often each was met
    met.trouble      # the same, with an outcome that is bad
    met.last         # which was met last, -1 for none

An answer is about the events of its own journey where both tables name it (`by`), else about those
of its customer within `window` days before it: nothing later is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Exposure:
    """Rows are answers, columns `touchpoints`; counts of meetings, and of meetings with trouble."""

    touchpoints: list[str]
    times: np.ndarray
    trouble: np.ndarray
    last: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Answers about any event at all."""
        return self.times.any(1)


Scales = Mapping[str, tuple[float, float]]  # the worst and the best answer of a question


def scaled(responses: pd.DataFrame, item: str, scales: Scales | None = None) -> np.ndarray:
    """Answers with 0 for the worst and 100 for the best: of the question's scale, else of all."""
    low, high = (scales or {}).get(item) or (responses[item].min(), responses[item].max())
    return 100 * (responses[item].to_numpy(float) - low) / (high - low)


def exposure(
    responses: pd.DataFrame,
    events: pd.DataFrame,
    *,
    by: str = "",
    window: float = 90,
    bad: Sequence[str] = (),
    date: str = "answered_on",
) -> Exposure:
    """Which touchpoints each answer is about. Raises ValueError for columns that are missing."""
    need = [by] if by else ["customer_id", date]
    if lacking := [c for c in need if c not in responses]:
        raise ValueError(f"responses lack {lacking}. They have: {', '.join(map(str, responses))}.")
    asked = ["touchpoint", "at", by or "customer_id", *(["outcome"] if len(bad) else [])]
    if lacking := [c for c in asked if c not in events]:
        raise ValueError(f"events lack {lacking}. They have: {', '.join(map(str, events))}.")
    of = by or "customer_id"
    events = events[events["touchpoint"].notna() & events[of].notna() & events["at"].notna()]
    names, which = np.unique(events["touchpoint"].astype(str), return_inverse=True)
    owners = pd.Index(events[of].unique())
    owner, asked_of = owners.get_indexer(events[of]), owners.get_indexer(responses[of])
    hurt = np.zeros(len(events), bool)
    if len(bad):
        hurt = events["outcome"].isin(list(bad)).to_numpy()
    at = events["at"].to_numpy("datetime64[s]").astype(np.int64)
    start, end = (None, None) if by else _window(responses[date], window)
    spans = _Spans(asked_of, start, end)
    times = np.column_stack([spans.count(owner[here], at[here]) for here in _each(which, names)])
    trouble = np.column_stack(
        [spans.count(owner[here & hurt], at[here & hurt]) for here in _each(which, names)]
    )
    return Exposure(list(names), times, trouble, spans.last(owner, at, which))


def _each(which: np.ndarray, names: np.ndarray):
    return (which == k for k in range(len(names)))


def _window(day: pd.Series, window: float) -> tuple[np.ndarray, np.ndarray]:
    """From `window` days before each answer until it; answers without a date are about nothing."""
    end = day.to_numpy("datetime64[s]").astype(np.int64)
    end = np.where(day.isna(), -(2**40), end)
    return end - int(window * 86400), end


class _Spans:
    """Counts of events by owner and time, by searching sorted numbers."""

    LONG = np.int64(2**41)  # seconds, more than any two dates are apart

    def __init__(self, owner: np.ndarray, start: np.ndarray | None, end: np.ndarray | None):
        ends = (-(2**40), 2**40 - 1) if start is None else (start, end)
        base = owner.astype(np.int64) * self.LONG + 2**40
        self.start, self.end = base + ends[0], base + ends[1]
        self.known = owner >= 0

    def _sorted(self, owner: np.ndarray, at: np.ndarray) -> np.ndarray:
        return owner.astype(np.int64) * self.LONG + 2**40 + at

    def count(self, owner: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Events of each row's owner after its start and up to its end."""
        key = np.sort(self._sorted(owner, at))
        found = np.searchsorted(key, self.end, "right") - np.searchsorted(key, self.start, "left")
        return np.where(self.known, found, 0)

    def last(self, owner: np.ndarray, at: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Which kind of event came last in each row's span; -1 for none."""
        key = self._sorted(owner, at)
        order = np.argsort(key, kind="stable")
        place = np.searchsorted(key[order], self.end, "right") - 1
        inside = self.known & (place >= 0)
        inside[inside] = key[order][place[inside]] >= self.start[inside]
        return np.where(inside, which[order][place], -1)
