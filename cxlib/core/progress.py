"""How far long work in a notebook has come; nothing elsewhere, and nothing for work of a moment.

for some in progress(batches, total=20): ...
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import TypeVar

from cxlib.core import context

Part = TypeVar("Part")
PATIENCE = 2.0  # seconds without a word
PAGE = "CX_RUN_PAGE"  # set where `cx` makes a page, which nobody watches


def progress(parts: Iterable[Part], total: int = 0) -> Iterable[Part]:
    """The same parts one by one, with a bar in a notebook once they take longer than a moment.

    Parameters
    ----------
    parts : what is to be worked through
    total : how many they are; by their length where it is not given

    Examples
    --------
    >>> list(progress([1, 2]))
    [1, 2]
    """
    if not hasattr(context.shell(), "kernel") or PAGE in os.environ:
        return parts
    with warnings.catch_warnings():  # without ipywidgets the bar is text, which will do
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm(parts, total=total or None, delay=PATIENCE, leave=False)
