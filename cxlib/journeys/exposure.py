"""What each answer is about: the touchpoints its customer had met, and where there were problems.

    exposure = journeys.exposure(responses, events, window=90, bad=["failed"])
    exposure.times        # (answers, touchpoints): how often each was met
    exposure.trouble      # the same, with an outcome that is bad
    exposure.last         # which was met last, -1 for none

An answer is about the events of its own journey where both tables name it (`by`), else about those
of its customer within `window` days before it: nothing later is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.errors import require_columns
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.passing_waves import Remains, past_wave, what_remains


@dataclass(frozen=True, eq=False)
class Exposure:
    """The touchpoints each answer is about.

    Attributes
    ----------
    sample : the answers
    touchpoints : names
    times : how often each was met, (answers, touchpoints)
    trouble : how often with a problem, (answers, touchpoints)
    last : place of the touchpoint met last, -1 for none, (answers,)
    """

    sample: Sample
    touchpoints: list[str]
    times: np.ndarray
    trouble: np.ndarray
    last: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Answers about any event at all, (answers,)."""
        return np.asarray(self.times.any(1))


@dataclass(frozen=True)
class Touchpoints:
    """What a study says of its touchpoints and of the questions about them.

    Attributes
    ----------
    stages : the stage of each touchpoint
    ratings : the question that rates a touchpoint
    efforts : the question on the effort of a touchpoint
    scales : the worst and the best answer of a question; of all answers where it has none
    expected : touchpoints that every journey should reach
    """

    stages: Mapping[str, str] = field(default_factory=dict)
    ratings: Mapping[str, str] = field(default_factory=dict)
    efforts: Mapping[str, str] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    expected: Sequence[str] = ()

    def scaled(self, responses: pd.DataFrame, item: str) -> np.ndarray:
        """Answers with 0 for the worst and 100 for the best, (answers,)."""
        low, high = self.scales.get(item) or (responses[item].min(), responses[item].max())
        return 100 * (responses[item].to_numpy(float) - low) / (high - low)


def exposure(
    sample: SampleLike,
    events: pd.DataFrame,
    *,
    by: str = "",
    window: float = 90,
    bad: Sequence[str] = (),
    date: str = "answered_on",
) -> Exposure:
    """Which touchpoints each answer is about.

    Parameters
    ----------
    sample : answers, with `by`, or customer_id and `date`
    events : touchpoint, at, and `by` or customer_id; outcome where `bad` is given
    by : column of both tables that says which journey they belong to
    window : days before an answer in which events count; without `by`
    bad : outcomes that are problems
    date : column of the day of the answer

    Raises
    ------
    ValueError : columns that are absent

    Examples
    --------
    >>> events = pd.DataFrame({"order": ["o1", "o1"], "touchpoint": ["web", "shop"]})
    >>> events["at"] = pd.Timestamp("2026-01-01")
    >>> exposure(pd.DataFrame({"order": ["o1", "o2"]}), events, by="order").times.tolist()
    [[1, 1], [0, 0]]
    """
    sample = as_sample(sample)
    if sample.cluster is None and "customer_id" in sample:
        sample = sample.replace(cluster="customer_id")
    responses, of = sample.data, by or "customer_id"
    require_columns(responses, [by] if by else ["customer_id", date], "responses")
    require_columns(events, ["touchpoint", "at", of, *(["outcome"] if bad else [])], "events")
    events = events[events["touchpoint"].notna() & events[of].notna() & events["at"].notna()]
    names, which = np.unique(events["touchpoint"].astype(str), return_inverse=True)
    owners = pd.Index(events[of].unique())
    owner, asked_of = owners.get_indexer(events[of]), owners.get_indexer(responses[of])
    hurt = np.zeros(len(events), bool)
    if bad:
        hurt = events["outcome"].isin(list(bad)).to_numpy()
    at = events["at"].to_numpy("datetime64[s]").astype(np.int64)
    start, end = (None, None) if by else _window(responses[date], window)
    spans = _Spans(asked_of, start, end)
    times = np.column_stack([spans.count(owner[here], at[here]) for here in _each(which, names)])
    trouble = np.column_stack(
        [spans.count(owner[here & hurt], at[here & hurt]) for here in _each(which, names)]
    )
    return Exposure(sample, list(names), times, trouble, spans.last(owner, at, which))


def _each(which: np.ndarray, names: np.ndarray) -> Iterator[np.ndarray]:
    return (which == k for k in range(len(names)))


def _window(day: pd.Series, window: float) -> tuple[np.ndarray, np.ndarray]:
    """From `window` days before each answer until it; answers without a date are about nothing."""
    end = day.to_numpy("datetime64[s]").astype(np.int64)
    end = np.where(day.isna(), -(2**40), end)
    return end - int(window * 86400), end


class _Spans:
    """Counts of events by owner and time, by searching sorted numbers."""

    LONG = np.int64(2**41)  # seconds, more than any two dates are apart

    def __init__(self, owner: np.ndarray, start: np.ndarray | None, end: np.ndarray | None) -> None:
        ends: Sequence[Any] = (-(2**40), 2**40 - 1) if start is None else (start, end)
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


def past_fall(sample: Sample, touchpoints: Touchpoints, touchpoint: str) -> str:
    """The wave in which a touchpoint was rated lowest, where that is over; else empty."""
    item = touchpoints.ratings.get(touchpoint)
    if item is None or item not in sample:
        return ""
    return past_wave(sample.assign(rating=touchpoints.scaled(sample.data, item)), "rating")


def rating_now(
    sample: Sample, touchpoints: Touchpoints, touchpoint: str, past: str, below: float | None = None
) -> Remains | None:
    """The mean rating (0 to 100) of a touchpoint now and in a wave that is over.

    `below` asks for the share of ratings below it instead; None where too few may be shown.
    """
    rating = pd.Series(touchpoints.scaled(sample.data, touchpoints.ratings[touchpoint]))
    if below is not None:
        rating = (rating < below).astype(float).where(rating.notna())
    return what_remains(sample.assign(rating=rating.to_numpy()), "rating", past)
