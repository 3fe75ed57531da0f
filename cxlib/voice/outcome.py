"""The score that comments come with: its scale, and which of its values are unhappy or happy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

CLASSES = ("unhappy", "in between", "happy")
WORDS = ("unhappy", "in between", "happy")


@dataclass(frozen=True)
class Outcome:
    """The score that comments come with.

    Attributes
    ----------
    column : of the responses, or of the comments where there are no responses
    scale : its ends; as far as it was used when None
    nps : whether it is the question of the Net Promoter Score, 0 to 10

    Examples
    --------
    >>> Outcome("csat", (1, 5)).bounds
    (2.6, 4.0)
    >>> Outcome("recommend", (0, 10), nps=True).bounds
    (6.0, 9.0)
    """

    column: str = "score"
    scale: tuple[float, float] | None = None
    nps: bool = False

    def scaled(self, values: pd.Series) -> Outcome:
        """The outcome with the ends of these values where it has no scale."""
        return self if self.scale else replace(self, scale=(values.min(), values.max()))

    @property
    def bounds(self) -> tuple[float, float]:
        """Scores up to the first are unhappy, from the second on happy.

        Of an NPS question detractors and promoters; else the lowest two fifths and the top quarter.
        """
        if self.nps:
            return 6.0, 9.0
        low, high = self.scale or (np.nan, np.nan)
        return low + 0.4 * (high - low), high - 0.25 * (high - low)

    @property
    def unit(self) -> str:
        """The unit of differences: "points" of an NPS or of a scale of 100, else "scale".

        Examples
        --------
        >>> Outcome("csat", (1, 5)).unit, Outcome("good", (0, 100)).unit
        ('scale', 'points')
        """
        low, high = self.scale or (0, 0)
        return "points" if self.nps or high - low >= 100 else "scale"

    def classes(self, values: pd.Series) -> pd.Series:
        """The class of each score, missing where it is missing."""
        bad, good = self.bounds
        conditions = [values.isna(), values <= bad, values >= good]
        kind = np.select(conditions, ["", CLASSES[0], CLASSES[2]], CLASSES[1])
        return pd.Series(kind, values.index, dtype=object).where(kind != "")

    def good(self, values: pd.Series) -> pd.Series:
        """True for happy scores, False for unhappy ones, else missing."""
        known = {CLASSES[0]: False, CLASSES[2]: True}
        return self.classes(values).map(known).astype("boolean")

    def points(self, values: pd.Series) -> pd.Series:
        """The score as it is; of NPS 100, 0 or -100 for promoters, passives and detractors."""
        if not self.nps:
            return values.astype(float)
        return 100.0 * (values >= 9) - 100.0 * (values <= 6)


def outcome_of(outcome: Outcome | str) -> Outcome:
    """The outcome itself; the name of a column as one."""
    return Outcome(outcome) if isinstance(outcome, str) else outcome
