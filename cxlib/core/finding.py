"""What a reader is told, in fixed slots: page heads, index cards, alerts and slides come from it.

    Finding(
        _("NPS fell by {x:number1} points from {before} to {now}.", ...),
        _("95% CI {ci:interval1}; n = {n:count}", ...),
        value=41.2, unit="points", previous=46.5, change=-5.3,
        verdict="worse", importance=Importance.NEWS,
    )

The claim is a sentence that can be read aloud: what is the case, compared with what; at most 25
words and two numbers. Intervals, n and fit stand in the detail.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

import pandas as pd

from cxlib.core import i18n


class Importance(IntEnum):
    """How much a finding matters to somebody who has one minute.

    The most important finding of a page is its head; of equals the first.
    """

    METHOD = 0  # how the answer was checked; nothing found where nothing was expected
    CONTEXT = 1  # describes, or a difference that is not significant
    ANSWER = 2  # answers the question of the page
    NOTABLE = 3  # a significant difference or effect that changes what one would do
    NEWS = 4  # a significant change in the latest wave, a missed target, an alert


@dataclass(frozen=True)
class Finding:
    """What a reader is told.

    Attributes
    ----------
    claim : the sentence, in the page's language
    detail : the quiet second line: interval, n, fit
    value, unit : the number the claim is about, and its unit
    low, high : its pointwise 95% interval
    measure : what the number measures, the same on every page ("nps", "csat", "clv")
    at : of which group or wave it is: {"wave": "2026-Q3"}; empty for all rows
    previous, change : the number the time before, and how much it moved since
    target, target_by : the value to reach, of study.yaml, and until when; no day once it is due
    target_standing : whether it is met, as `data.schema.Target.standing` says it
    verdict : "better", "worse", "unchanged", "unclear", or "" where there is none
    importance : how much it matters; pages put the most important finding first
    action, owner : what to do, and who does it

    Examples
    --------
    >>> finding = Finding("NPS is 25.", "n = 40", value=25.0, unit="points")
    >>> str(finding), finding.importance.name
    ('NPS is 25.', 'CONTEXT')
    """

    claim: str
    detail: str = ""
    value: float | None = None
    unit: str = ""
    verdict: str = ""
    low: float | None = None
    high: float | None = None
    measure: str = ""
    at: Mapping[str, str] = ()  # type: ignore[assignment]
    previous: float | None = None
    change: float | None = None
    target: float | None = None
    target_by: str = ""
    target_standing: str = ""
    importance: Importance = Importance.CONTEXT
    action: str = ""
    owner: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", dict(self.at))
        object.__setattr__(self, "importance", Importance(self.importance))

    def __str__(self) -> str:
        return self.claim

    @property
    def notable(self) -> bool:
        """Whether it would change what one does; a figure of anything else shows no difference."""
        return self.importance >= Importance.NOTABLE

    def record(self) -> dict[str, Any]:
        """The slots that are filled, as JSON has them; the detail is written as a line of its own.

        Examples
        --------
        >>> Finding("NPS is 25.", "randomised; n = 40", value=25.0).record()
        {'claim': 'NPS is 25.', 'detail': 'Randomised; n = 40.', 'value': 25.0, 'importance': 1}
        """
        slots = asdict(self) | {"detail": i18n.line(self.detail)}
        filled = {k: v for k, v in slots.items() if v not in (None, "", {})}
        return filled | {"importance": int(self.importance)}

    @classmethod
    def of_row(
        cls,
        row: Any,
        claim: str,
        detail: str = "",
        *,
        estimate: str = "estimate",
        low: str = "low",
        high: str = "high",
        **slots: Any,
    ) -> Finding:
        """The finding about one row of a result's table: its number and interval are the row's.

        Parameters
        ----------
        row : of `DataFrame.itertuples`, or a Series
        claim, detail : the sentence and its second line
        estimate, low, high : columns of the number and of its pointwise 95% interval; what is
            missing or infinite in the row stays empty
        slots : further attributes

        Raises
        ------
        KeyError : the row has no such column

        Examples
        --------
        >>> row = pd.Series({"term": "nps", "estimate": 25.0, "low": 15.0, "high": float("nan")})
        >>> Finding.of_row(row, "NPS is 25.", unit="points").record()
        {'claim': 'NPS is 25.', 'value': 25.0, 'unit': 'points', 'low': 15.0, 'importance': 1}
        """
        held = row._asdict() if hasattr(row, "_asdict") else row
        numbers = {"value": held[estimate], "low": held[low], "high": held[high]}
        slots |= {k: float(v) for k, v in numbers.items() if pd.notna(v) and math.isfinite(v)}
        return cls(claim, detail, **slots)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Finding:
        """The finding that `record` wrote; slots of other versions are passed by."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in record.items() if k in known})


def by_importance(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Findings as `Finding.record` writes them, the most important first; equals keep their order.

    Examples
    --------
    >>> level, fall = Finding("NPS is 25."), Finding("NPS fell.", importance=Importance.NEWS)
    >>> [f["claim"] for f in by_importance([level.record(), fall.record()])]
    ['NPS fell.', 'NPS is 25.']
    """
    return sorted(findings, key=lambda f: -f.get("importance", Importance.CONTEXT))
