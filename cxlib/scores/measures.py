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
from cxlib.core.columns import PER_CUSTOMERS
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.data.schema import Item

Scale = tuple[float, float]  # worst and best answer
KINDS = ("nps", "csat", "effort", "mean", "rate")
NPS_SCALE = (0, 10)
MOST_BOXES = 10  # between the ends of a scale whose best answers are boxes


@dataclass(frozen=True)
class Measure:
    """A score of one question.

    Attributes
    ----------
    kind : "nps" (points, -100 to 100), "csat" (share of the best answers, 0 to 1), "effort" or
        "mean" (on the question's own scale), "rate" (cases for each 1,000 customers)
    scale : worst and best answer; an answer outside is an error. The NPS has its own.
    top : how many of the best answers count as satisfied (csat), 1 or more; of 1 to 5 the top two
        are answers of at least 4, so that 3.5 does not count
    satisfied : the least answer that counts as satisfied (csat), instead of `top`
    reverse : a low answer was the best one when the question was asked, and the answers were
        reversed when they were loaded: `scale`, `top` and `satisfied` speak of the reversed ones,
        names of those that were given

    Raises
    ------
    ValueError : unknown kind; csat without a scale, or more boxes than the scale has

    Examples
    --------
    >>> Measure("csat", scale=(1, 10)).recode(np.array([10.0, 8.0])).tolist()
    [1.0, 0.0]
    >>> Measure("csat", scale=(1, 6), reverse=True).asked("grade")
    'grade, share of 1 or 2'
    """

    kind: str = "nps"
    scale: Scale | None = None
    top: int = 2
    satisfied: float | None = None
    reverse: bool = False

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
            if self.satisfied is not None and not low < self.satisfied <= high:
                raise ValueError(
                    f"satisfied={self.satisfied:g} must lie above {low:g} and not above {high:g}."
                )
            if self.satisfied is None and not 1 <= self.top <= high - low:
                raise ValueError(
                    f"top={self.top} boxes of the scale {low:g}-{high:g}; choose 1 to "
                    f"{high - low:g}."
                )

    def recode(self, x: np.ndarray) -> np.ndarray:
        """What each answer counts; NaN stays NaN. The score is `factor` times the mean of these."""
        if self.kind == "nps":
            return np.where(np.isnan(x), np.nan, (x >= 9) * 1.0 - (x <= 6))
        if self.kind == "csat" and self.scale:
            return np.where(np.isnan(x), np.nan, (x >= self.least) * 1.0)
        return x

    @property
    def least(self) -> float:
        """The least answer that counts as satisfied."""
        assert self.scale is not None
        least = self.satisfied
        return self.scale[1] - self.top + 1 if least is None else least

    @property
    def counted(self) -> str:
        """Which answers, as they were given, count as satisfied: 4 or more; 1 or 2."""
        assert self.scale is not None
        worst, best = self.scale
        if not self.reverse:
            if self.least == best:
                return f"{best:g}"
            return _("{least} or more", least=f"{self.least:g}")
        last = f"{worst + best - self.least:g}"
        if self.least == best:
            return last
        if self.least == best - 1:
            return _("{first} or {last}", first=f"{worst:g}", last=last)
        return _("{first} to {last}", first=f"{worst:g}", last=last)

    @property
    def factor(self) -> float:
        """The score is so many times the mean of what answers count."""
        return 100.0 if self.kind == "nps" else 1.0

    @cached_property
    def unit(self) -> str:
        """The unit of the score."""
        return {"nps": "points", "csat": "share", "rate": PER_CUSTOMERS}.get(self.kind, "scale")

    @property
    def recorded(self) -> str:
        """What an alert records it as: the kind, or "share" of what is no answer (solved on time).

        Examples
        --------
        >>> Measure("csat", (1, 5)).recorded, Measure("csat", (0, 1), 1).recorded
        ('csat', 'share')
        """
        if self.kind == "csat" and self.scale == (0, 1):
            return "share"
        return PER_CUSTOMERS if self.kind == "rate" else self.kind

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
            return _("CSAT")
        if self.kind == "rate":
            return _("the number of cases per 1,000 customers")
        if self.kind == "effort":
            return _("ease (customer effort score)")  # a lower effort score would read as easier
        if self.reverse and self.scale:
            return _(
                "the mean of {item:label} (reversed, {best} is best)",
                item=item,
                best=f"{self.scale[1]:g}",
            )
        return _("the mean of {item:label}", item=item)

    def asked(self, item: str) -> str:
        """Which question it is, and which answers count: for the line below a claim."""
        if self.kind == "csat" and self.scale != (0, 1):
            return _("{item:label}, share of {counted}", item=item, counted=self.counted)
        return i18n.label(item)

    def key(self, item: str) -> str:
        """What is measured, the same on every page: "nps", "csat:overall", "mean:room"."""
        return "nps" if self.kind == "nps" else f"{self.kind}:{item}"

    def level(self, value: float, *, bare: bool = False) -> str:
        """The score, as short as a claim says it: +26, 31%, 5.2 of 7 (`bare` 5.2)."""
        if self.kind == "nps":
            return i18n.signed(value, 0)
        if self.kind == "csat":
            return i18n.percent(value)
        if self.scale is None:
            return i18n.number(value, 2)
        if bare:
            return i18n.number(value, 1)
        return _("{v:number1} of {best}", v=value, best=f"{self.scale[1]:g}")

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
        written = self.signed(change)
        sign = "−" if written.startswith("−") else "+" if written.strip("0.") else ""
        return sign + self.change(change)

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
    Measure of kind "nps", "csat", "effort" or "mean", on the question's scale. A question of
    satisfaction on a scale of more than 11 answers (0 to 100) has no top boxes: its mean is taken,
    unless study.yaml says from which answer on a customer is `satisfied`.

    Examples
    --------
    >>> measure_of(Item(label="Overall", scale=(1, 10), role="csat")).top
    2
    >>> measure_of(Item(label="Overall", scale=(0, 100), role="csat")).kind
    'mean'
    """
    kind = asked.role if asked.role in KINDS else "mean"
    return (
        Measure(kind, asked.scale, top, reverse=asked.reverse)
        if kind != "csat"
        else (top_box_of(asked, top) or Measure("mean", asked.scale, reverse=asked.reverse))
    )


def top_box_of(asked: Item, top: int = 2) -> Measure | None:
    """The share of the best answers to a question; None where its scale has no such boxes."""
    room, satisfied = asked.scale[1] - asked.scale[0], asked.satisfied
    if satisfied is None and room > MOST_BOXES:
        return None
    if satisfied is not None and asked.reverse:
        satisfied = sum(asked.scale) - satisfied
    return Measure("csat", asked.scale, int(min(top, room)), satisfied, asked.reverse)


def as_measure(measure: Measure | str) -> Measure:
    """The measure, made from its name if need be."""
    return measure if isinstance(measure, Measure) else Measure(measure)
