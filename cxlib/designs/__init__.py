"""The arithmetic of finding out whether a change did it: arrays in, numbers with their draws out.

    designs.comparison     by lot: the difference, and the one adjusted by what came before (CUPED)
    designs.differences    those reached beside those spared, before and after (event study)
    designs.matching       those who took part beside others made like them

Nothing here speaks to readers; `trials` does, and any topic may use it.
"""

from __future__ import annotations

from cxlib.designs import comparison, differences, matching
from cxlib.designs.drawn import Drawn, cell_means, least_squares

__all__ = ["Drawn", "cell_means", "comparison", "differences", "least_squares", "matching"]
