"""What a score counts: NPS, CSAT, effort and means are one weighted mean of recoded answers.

    nps, top_two = Measure("nps"), Measure("csat", scale=(1, 10), top=2)
    measure_of(study.items["overall"], top=2)          # by the role that study.yaml gives it

Every function of `scores` that looks at one question takes `measure=`: one of these, or the name
of one whose scale need not be known ("nps", "mean").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cxlib.core import i18n
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.data.schema import Item

Scale = tuple[float, float]  # worst and best answer
KINDS = ("nps", "csat", "effort", "mean")
NPS_SCALE = (0, 10)


@dataclass(frozen=True)
class Measure:
    """A score of one question.

    Attributes
    ----------
    kind : "nps" (points, -100 to 100), "csat" (share of the best answers, 0 to 1), "effort" or
        "mean" (on the question's own scale)
    scale : worst and best answer; an answer outside is an error. The NPS has its own.
    top : how many of the best answers count as satisfied (csat), 1 or more

    Raises
    ------
    ValueError : unknown kind; csat without a scale, or more boxes than the scale has

    Examples
    --------
    >>> Measure("csat", scale=(1, 10)).recode(np.array([10.0, 8.0])).tolist()
    [1.0, 0.0]
    """

    kind: str = "nps"
    scale: Scale | None = None
    top: int = 2

    def __post_init__(self) -> None:
        require_choice("measure", self.kind, KINDS)
        if self.kind == "nps":
            object.__setattr__(self, "scale", NPS_SCALE)
        if self.kind == "csat":
            if self.scale is None:
                raise ValueError(
                    "the share satisfied needs the question's scale: "
                    "scores.Measure('csat', scale=(1, 10))."
                )
            low, high = self.scale
            if not 1 <= self.top <= high - low:
                raise ValueError(
                    f"top={self.top} boxes of the scale {low:g}-{high:g}; choose 1 to "
                    f"{high - low:g}."
                )

    def recode(self, x: np.ndarray) -> np.ndarray:
        """What each answer counts; NaN stays NaN. The score is `factor` times the mean of these."""
        if self.kind == "nps":
            return np.where(np.isnan(x), np.nan, (x >= 9) * 1.0 - (x <= 6))
        if self.kind == "csat" and self.scale:
            return np.where(np.isnan(x), np.nan, (x > self.scale[1] - self.top) * 1.0)
        return x

    @property
    def factor(self) -> float:
        return 100.0 if self.kind == "nps" else 1.0

    @cached_property
    def unit(self) -> str:
        return {"nps": "points", "csat": "share"}.get(self.kind, "scale")

    @property
    def whole(self) -> bool:
        """Answers must be whole numbers."""
        return self.kind == "nps"

    def name(self, item: str) -> str:
        """What the number is called."""
        if self.kind == "nps":
            return _("NPS")
        if self.kind == "csat" and self.scale == (0, 1):
            return _("Share of {item:quoted}", item=item)
        if self.kind == "csat" and self.scale:
            return _(
                "{item:quoted}, share of {least:count} or more",
                item=item,
                least=self.scale[1] - self.top + 1,
            )
        return _("Mean of {item:label}", item=item)

    def value(self, value: float) -> str:
        """The score, as said in a sentence."""
        if self.kind == "nps":
            return _("{v:number1} points", v=value)
        return i18n.percent(value, 1) if self.kind == "csat" else i18n.number(value, 2)

    def span(self, low: float, high: float) -> str:
        """Its interval."""
        if self.kind == "nps":
            return i18n.span(low, high)
        share = self.kind == "csat"
        if share:  # limits of a chart may reach beyond what a share can be
            low, high = max(low, 0.0), min(high, 1.0)
        return i18n.span(low, high, 1 if share else 2, share=share)

    def change(self, change: float) -> str:
        """The size of a difference between two scores: 14.8 points, 3.1 percentage points, 0.21."""
        if self.kind == "csat":
            return _("{v:points1} percentage points", v=abs(change))
        return self.value(abs(change))

    def moved(self, change: float) -> str:
        """A difference with its sign and its unit: −3.1 percentage points."""
        return ("−" if change < 0 else "") + self.change(change)

    def signed(self, change: float) -> str:
        """A difference with its sign, in the unit of `change`, which is not said."""
        factor, digits = 100 if self.kind == "csat" else 1, 2 if self.unit == "scale" else 1
        return i18n.number(round(factor * change, digits) + 0.0, digits)  # no minus before zero

    def change_span(self, low: float, high: float) -> str:
        """The interval of a difference, in the unit of `change`."""
        return _("{low} to {high}", low=self.signed(low), high=self.signed(high))


def measure_of(asked: Item, top: int = 2) -> Measure:
    """The score that belongs to a question by its role; the mean where it has none of its own.

    Parameters
    ----------
    asked : the question, as study.yaml declares it
    top : how many of the best answers count as satisfied (role csat)

    Returns
    -------
    Measure of kind "nps", "csat", "effort" or "mean", on the question's scale.

    Examples
    --------
    >>> measure_of(Item(label="Overall", scale=(1, 10), role="csat")).top
    2
    """
    kind = asked.role if asked.role in KINDS else "mean"
    room = asked.scale[1] - asked.scale[0]
    return Measure(kind, asked.scale, int(min(top, room)) if kind == "csat" else top)


def as_measure(measure: Measure | str) -> Measure:
    """The measure, made from its name if need be."""
    return measure if isinstance(measure, Measure) else Measure(measure)
