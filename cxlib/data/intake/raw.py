"""A file as it is, before study.yaml maps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlib.data.intake.layout import SKIPPED, Header, ending, is_total, repeated
from cxlib.data.intake.tokenising import BROKEN

NULLABLE = {
    **{t: pd.Int64Dtype() for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{t: pd.Int64Dtype() for t in (pa.uint8(), pa.uint16(), pa.uint32())},
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}

UNREAD = ["row", "column", "value", "rule", "sheet", "cell"]
SHEET_ERRORS = (
    "#REF!",
    "#DIV/0!",
    "#VALUE!",
    "#NAME?",
    "#NUM!",
)  # errors of a spreadsheet, as text
TOTAL = "total_row"  # rule of rows amid the table that are totals or averages
FORMULA, ERROR, ERROR_WORD = "formula_without_value", "error_cell", "error_word"  # rules of them


@dataclass(frozen=True)
class Raw:
    """A file as it is.

    Attributes
    ----------
    frame : its rows; the index holds the line (text) or row (others) they stand in, from 1
    labels : what columns are about, by column: labels of SPSS, a second header row
    values : value labels of SPSS, Stata and SAS, by column: {code: label}
    encoding, delimiter : what a text file was read with; empty for others
    notes : what was found out and why, one sentence each
    broken : lines with more or fewer fields than the header: row, value, found, expected
    skipped : rows that are no data (title lines, totals): row, value, why
    unread : cells of a workbook that are missing in `frame`, as they hold an error or a formula
        without a value: row, column, value, rule, sheet, cell
    doubts : what a check is to ask about: merged cells, hidden rows
    unsure : words by which to see whether the encoding is right, where that is not certain
    """

    frame: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[float | int, str]] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[str, ...] = ()
    broken: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=BROKEN))
    skipped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SKIPPED))
    unread: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=UNREAD))
    doubts: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    @property
    def offered(self) -> int:
        """Rows of the file, broken lines among them."""
        return len(self.frame) + len(self.broken)


def numbered(frame: pd.DataFrame, notes: Sequence[str] = (), **found: object) -> Raw:
    """The rows under numbers from 1, as those of a file without lines."""
    index = pd.Index(np.arange(len(frame)) + 1, name="row")
    return Raw(frame.set_axis(index, axis=0), notes=tuple(notes), **found)  # type: ignore[arg-type]


def without_errors(raw: Raw) -> Raw:
    """A text file without the errors that a spreadsheet wrote into its cells, kept as `unread`."""
    lost, frame = [], raw.frame.copy(deep=False)
    for column in frame:
        if (odd := frame[column].isin(SHEET_ERRORS)).any():
            cells = pd.DataFrame(
                {"row": frame.index[odd], "value": frame.loc[odd, column].to_numpy()}
            )
            lost.append(cells.assign(column=column, rule=ERROR_WORD, sheet="", cell=""))
            frame[column] = frame[column].mask(odd)
    return (
        replace(raw, frame=frame, unread=pd.concat([raw.unread, *lost], ignore_index=True))
        if lost
        else raw
    )


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """The table with whole numbers whole where some are missing: long ids stay as they are."""
    return table.to_pandas(types_mapper=NULLABLE.get)


def trimmed(
    raw: Raw, header: Header, name: str, skip_last: int | None, blank: Sequence[int] = ()
) -> Raw:
    """The file without what is no data: columns without name and cells, totals, remarks; said."""
    notes = [*raw.notes, *header.notes]
    if blank:
        notes.append(f"{name}: {len(blank):,} blank line(s) passed over.")
    again = raw.frame[repeated(raw.frame, header, name)]
    double = [(row, ", ".join(map(str, c.dropna())), "the header") for row, c in again.iterrows()]
    if double:
        notes.append(
            f"{name}: {len(double):,} row(s) repeat the header and were skipped, first row "
            f"{double[0][0]}: several exports in one file? See that no row stands in two of them."
        )
        raw = replace(raw, frame=raw.frame.drop(index=again.index))
    nameless = [c for c in raw.frame if str(c).startswith("(column ") and raw.frame[c].isna().all()]
    if nameless and len(raw.frame):
        notes.append(f"{name}: {len(nameless)} column(s) have no name and no cell: left out.")
    frame = raw.frame.drop(columns=nameless) if len(raw.frame) else raw.frame
    if skip_last is None:
        last, why = _ending(frame, raw, set(blank))
        advice = " `skip_last: 0` keeps them."
    else:
        rows = sorted([*frame.index[len(frame) - skip_last :], *raw.broken["row"]])
        last, why, advice = rows[len(rows) - skip_last :], f"`skip_last: {skip_last}`", ""
    gone = frame.loc[frame.index.isin(last)]
    broken = raw.broken[raw.broken["row"].isin(last)]
    said = [(row, ", ".join(map(str, cells.dropna())), why) for row, cells in gone.iterrows()]
    said += [(row, value, why) for row, value in zip(broken["row"], broken["value"], strict=True)]
    if said:
        notes.append(
            f"{name}: {len(said)} row(s) at the end are no data and were skipped ({why}), first "
            f"row {said[0][0]}: {said[0][1][:60]!r}.{advice}"
        )
        frame = frame.loc[~frame.index.isin(last)]
    return replace(
        raw,
        frame=frame,
        broken=raw.broken.drop(index=broken.index),
        labels={**raw.labels, **header.labels},
        notes=tuple(notes),
        skipped=pd.DataFrame([*header.skipped, *double, *said], columns=SKIPPED),
    )


def _ending(frame: pd.DataFrame, raw: Raw, blank: set[int]) -> tuple[list[int], str]:
    """Rows at the end that are totals or remarks, of the header's width or another."""
    if len(frame) and len(raw.broken) and raw.broken["row"].max() > frame.index[-1]:
        last: list[int] = []
        for row, value in zip(raw.broken["row"], raw.broken["value"], strict=True):
            total = is_total(str(value).split(raw.delimiter or ",")[0].strip('" '))
            if row > frame.index[-1] and (total or row - 1 in blank or row - 1 in last):
                last.append(row)
        return last, "totals or remarks"
    n, why = ending(frame, sorted(blank))
    return frame.index[len(frame) - n :].tolist(), why
