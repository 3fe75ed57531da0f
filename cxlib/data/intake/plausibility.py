"""What looks wrong in rows that hold the contract: warnings, which keep every row.

warnings_of(study, "responses", rows)     # a list of DataWarning
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from cxlib.data import contract
from cxlib.data.intake.reasons import Reason
from cxlib.data.study import Study

FEW = 20  # rows in which two questions may be answered alike by chance
PERIOD = r"\d{4}(-(Q[1-4]|H[12]|W\d{2}|\d{2}(-\d{2})?))?"  # 2026, 2026-Q1, 2026-03, 2026-W07 ...


class DataWarning(NamedTuple):
    """A column (empty for the whole table), how many rows it is about, and the reason."""

    column: str
    rows: int
    reason: Reason


def warnings_of(study: Study, name: str, rows: pd.DataFrame) -> Iterator[DataWarning]:
    """What is worth a look in the sound rows of a table."""
    if 0 < len(rows) < 3:
        yield DataWarning("", len(rows), Reason("few_rows", {"n": len(rows)}))
    if "wave" in contract.TABLES[name].columns and "wave" in rows:
        yield from _waves(rows["wave"])
    if name == "responses" and len(rows):
        items = [i for i in study.items if i in rows]
        for item in items:
            yield from _answers(item, rows[item])
        yield from _copies(items, rows)
        yield from _small_groups(study.group, study.reporting.smallest_cell, rows)


def _waves(wave: pd.Series) -> Iterator[DataWarning]:
    blank = int(wave.isna().sum())
    if 0 < blank < len(wave):
        yield DataWarning("wave", blank, Reason("no_wave"))
    unlike = wave[~wave.str.fullmatch(PERIOD).fillna(True).astype(bool)]
    if len(unlike):
        names = list(map(repr, unlike.value_counts().index[:3]))
        yield DataWarning("wave", len(unlike), Reason("wave_no_period", {"names": names}))


def _answers(item: str, answers: pd.Series) -> Iterator[DataWarning]:
    given = answers.dropna()
    if given.empty:
        yield DataWarning(item, len(answers), Reason("no_answers"))
    elif len(given) > 1 and given.nunique() == 1:
        value = float(given.iloc[0])
        yield DataWarning(item, len(given), Reason("constant_answers", {"value": value}))


def _copies(items: list[str], rows: pd.DataFrame) -> Iterator[DataWarning]:
    """Questions answered alike by everybody: most often one column mapped under two names."""
    differ = [i for i in items if rows[i].nunique() > 1] if len(rows) >= FEW else []
    for n, item in enumerate(differ):
        other = next((o for o in differ[:n] if rows[item].equals(rows[o])), None)
        if other:
            yield DataWarning(item, len(rows), Reason("copy", {"other": other}))


def _small_groups(group: str, least: int, rows: pd.DataFrame) -> Iterator[DataWarning]:
    """Groups of the study's own comparison that are too small to be shown."""
    if group not in rows or len(rows) < least:
        return
    sizes = rows[group].value_counts()
    if len(small := sizes[sizes < least]):
        shown = {str(k): int(n) for k, n in small.head(4).items()}
        params = {"n": len(small), "least": least, "names": shown}
        yield DataWarning(group, int(small.sum()), Reason("small_groups", params))
