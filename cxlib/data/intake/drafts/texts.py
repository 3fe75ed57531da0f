"""Whether a column holds texts in people's own words, or ids and names."""

from __future__ import annotations

import pandas as pd

from cxlib.data.intake.cells import NO_VALUE
from cxlib.data.intake.drafts import scales
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.questions import asks

NOTHING = (
    "no",
    "nope",
    "nothing",
    "no comment",
    "no comments",
    "nil",
    "x",
    "?",
    "..",
    "...",
    "无",
    "没有",
    "暂无",
    "nein",
    "nichts",
    "non",
    "ninguno",
    "nada",
)  # said instead of a comment


def written(column: Column) -> pd.Series:
    """The cells that say something in words: neither "NA" nor "nothing"."""
    small = column.words.str.strip().str.casefold()
    return column.words[~small.isin([*NO_VALUE, *NOTHING]) & (small.map(scales.no_rating) == "")]


def open_text(column: Column) -> bool:
    """Whether a column holds sentences in people's own words."""
    words = written(column)
    different = words.nunique()
    if column.labels or different < 5 or column.not_numbers < 0.9 * len(column.words):
        return False
    if column.dates >= 0.5 or _chosen(words) or _codes_only(words):
        return False
    length, spaces = words.str.len().mean(), words.str.count(r"\s").mean()
    chinese = words.str.contains("[\u3040-\u30ff\u4e00-\u9fff]").mean() > 0.5
    named = asks("own_words").search(column.text)
    varied = different > max(5, 0.2 * len(words)) or different > 100
    return bool(
        varied
        and (
            length > 25
            or spaces >= 3
            or (chinese and length > 8)
            or (named and (length > 8 or spaces >= 1))
        )
    )


def _chosen(words: pd.Series) -> bool:
    """Lists of answers that were offered, beside a few of one's own: their parts repeat."""
    parts = words.str.split(r"[,;┋]\s*", regex=True).explode().str.strip()
    return len(parts) > 1.5 * len(words) and parts.nunique() < 0.3 * len(parts)


def _codes_only(words: pd.Series) -> bool:
    """Letters and digits without a blank: tokens such as 7f3c-11aa, and no sentences."""
    return bool(words.str.fullmatch(r"[\x21-\x7e]+").mean() > 0.5)


def unique_text(column: Column) -> bool:
    """Short texts that hardly repeat: names, ids."""
    many = len(column.counts) > 0.8 * len(column.words) and len(column.words) > 20
    return many and column.not_numbers > 0.5 * len(column.words) and column.dates < 0.5
