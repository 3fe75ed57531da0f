"""The arithmetic of finding out whether a change did it: arrays in, numbers with their draws out.

    comparison     by lot: the difference, and the one adjusted by what came before (CUPED)
    differences    those reached beside those spared, before and after; event study and its bounds
    matching       those who took part beside others weighted to be like them
    stand_in       one that changed beside a mixture of those that did not (synthetic control)
    series         one series broken by a change
    before_after   the same customers, less the way back to the middle
    sensitivity    how strong something unseen would have to be
    power          what a comparison could find before it is made

Nothing here speaks to readers; `trials` does, and any topic may use it. Each is imported by its
name (`from cxlib.designs import matching`).
"""

from __future__ import annotations

from cxlib.designs.drawn import Drawn, cell_means, least_squares

__all__ = ["Drawn", "cell_means", "least_squares"]
