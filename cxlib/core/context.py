"""The context of the page being written: language, smallest cell, labels, names to mask, country.

    context.begin(lang="zh", mask=["Ann Lee"])      # once in a notebook, for all of its cells
    with context.use(rules):                        # for a block, in this thread or task alone
        context.current().lang

The context is frozen and held in a `ContextVar`: threads and tasks have their own, so that pages in
two languages can be written side by side. A thread starts with the default; give it the context
whole, by `contextvars.copy_context().run` or by `use(Context(**job["rules"]))`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

LANGUAGES = {"en": "English", "zh": "中文"}  # as each calls itself
SMALLEST_CELL = 10


OF_RESERVE = ("targets", "ledger", "last_wave", "silent")  # what each page reads from there itself


@dataclass(frozen=True)
class Context:
    """What holds for the whole page.

    Parameters
    ----------
    lang : language of the page, one of `LANGUAGES`
    smallest_cell : groups of fewer people are hidden; 0 hides none
    labels : what readers call items, constructs and columns, in the page's language
    mask : names that no page may show
    country : two letters (ISO 3166-1) of the country whose telephone numbers have no country code;
        empty where none is named
    published : of each earlier state of the data, how many people each cell of the page was shown
        with: cells to which fewer than the smallest cell have come since are hidden
        (`privacy.published`)
    currency : of all amounts, three letters (ISO 4217); empty where the study names none
    targets, ledger, last_wave, silent : what measures are to reach, the open actions with what a
        unit of their effect is worth, how many answers the last wave has, and which share of those
        asked did not answer, by wave (empty key: of every wave), as the study has them; each page
        reads them from the reserve, and no job holds them

    Raises
    ------
    ValueError : unknown language, negative smallest cell
    """

    lang: str = "en"
    smallest_cell: int = SMALLEST_CELL
    labels: Mapping[str, str] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    country: str = ""
    currency: str = ""
    published: tuple[Mapping[str, Any], ...] = ()
    targets: Mapping[str, Any] = field(default_factory=dict)
    ledger: Any = field(default=None, compare=False, repr=False)
    last_wave: int = 0
    silent: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            raise ValueError(f"no language {self.lang!r}. There are: {', '.join(LANGUAGES)}.")
        if self.smallest_cell < 0:
            raise ValueError(f"smallest_cell is {self.smallest_cell}; it must be 0 or more.")
        # Half a character ("\\ud83d" in a study.yaml) fits in no column of text.
        whole = {k: v.encode("utf-8", "replace").decode() for k, v in (self.labels or {}).items()}
        object.__setattr__(self, "labels", whole)
        object.__setattr__(self, "mask", tuple(self.mask))
        object.__setattr__(self, "published", tuple(self.published))

    def as_job(self) -> dict[str, Any]:
        """The context as JSON holds it; `Context(**that)` is the same context."""
        kept = {k: v for k, v in vars(self).items() if k not in OF_RESERVE}
        lists = {"mask": list(self.mask), "published": list(self.published)}
        return {**kept, "labels": dict(self.labels), **lists}


_DEFAULT = Context()
_current: ContextVar[Context] = ContextVar("cxlib_context", default=_DEFAULT)


def current() -> Context:
    """The context in force."""
    return _current.get()


@contextmanager
def use(rules: Context) -> Iterator[Context]:
    """Work under `rules`; afterwards what held before holds again, whatever was begun inside."""
    token = _current.set(rules)
    try:
        yield rules
    finally:
        _current.reset(token)


def begin(**rules: Any) -> Context:
    """Set the context of a notebook or script once, from here on; gives it back.

    Parameters are those of `Context`. Inside a notebook it holds in all later cells: some kernels
    run each cell in a context of its own, where what another cell has set is not seen.
    """
    begun = Context(**rules)
    _current.set(begun)
    notebook = shell()
    if notebook is not None:
        callbacks = notebook.events.callbacks["pre_run_cell"]
        callbacks[:] = [c for c in callbacks if not isinstance(c, _InEachCell)]
        callbacks.append(_InEachCell(begun))
    return begun


@dataclass(frozen=True)
class _InEachCell:
    """Sets the notebook's context as each cell begins, in the context that the cell runs in."""

    rules: Context

    def __call__(self, _info: object = None) -> None:
        _current.set(self.rules)


def shell() -> Any:
    """The IPython shell that this code runs in, a notebook's or a terminal's; None elsewhere."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
