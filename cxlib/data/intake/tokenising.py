"""Text becomes rows of cells, once, by pyarrow; rows of another width than the header's come out.

    tokens = tokenise("id,nps\\n1,9\\n2\\n", ",", "answers.csv")
    tokens.frame        # cells as text, empty ones missing, under the header; index: lines from 1
    tokens.broken       # row, value, found, expected

A row is called by the line it begins in, texts of several lines counted in.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cxlib.data.intake.errors import IntakeError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BROKEN = ["row", "value", "found", "expected"]
LINE_END = r"\r\n|\n|\r"
QUOTED = r'(^|[,;\t|])"[^"]*(?:""[^"]*)*"'
END = "\x03end-of-table\x03"  # a last record of our own: an open quotation mark swallows it


@dataclass(frozen=True)
class Tokens:
    """The rows of a text file.

    Attributes
    ----------
    frame : rows as wide as the header; the index holds the line that each begins in
    broken : the others: row, value (the line, at most 80 characters), fields found and expected
    blank : lines without any cell filled, which are passed over
    """

    frame: pd.DataFrame
    broken: pd.DataFrame
    blank: int


def tokenise(text: str, delimiter: str, name: str, first_line: int = 1) -> Tokens:
    """Split the text into rows and cells.

    Parameters
    ----------
    text : the file without what stands above the header
    delimiter : one character; of a blank, a run is one delimiter
    name : what messages call the file
    first_line : line of the file in which the header stands

    Raises
    ------
    IntakeError : the header is blank, or a quotation mark is opened and never closed
    """
    if delimiter == " ":
        text = re.sub(r"^ +| +$", "", re.sub(r" {2,}", " ", text), flags=re.MULTILINE)
    header = _header(text, delimiter, name)
    if not header:
        raise IntakeError(f"{name}: line {first_line} is blank; the header must stand there.")
    invalid: list[pa.csv.InvalidRow] = []
    table = _read(text, delimiter, len(header), invalid)
    if not len(table) or table[0][-1].as_py() != END:
        raise _open_quotation(name)
    wrong = {row.number - 1: row for row in invalid}
    place = np.setdiff1d(np.arange(len(table) + len(wrong)), list(wrong))
    breaks = np.zeros(len(table) + len(wrong), int)
    if '"' in text:  # only quoted cells hold line ends
        breaks[place] = _line_ends(table)
        breaks[list(wrong)] = [len(re.findall(LINE_END, row.text)) for row in invalid]
    line = first_line + np.arange(len(breaks)) + np.cumsum(breaks) - breaks
    frame = table.to_pandas(types_mapper={pa.large_string(): pd.StringDtype(na_value=np.nan)}.get)
    frame = frame.set_axis(header, axis=1).set_axis(pd.Index(line[place], name="row"), axis=0)
    frame = frame.iloc[int(0 not in wrong) : -1]
    blank = frame.isna().all(axis=1)
    broken = [(line[i], row.text[:80], row.actual_columns, len(header)) for i, row in wrong.items()]
    return Tokens(frame[~blank], pd.DataFrame(broken, columns=BROKEN), int(blank.sum()))


def _header(text: str, delimiter: str, name: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:  # a field longer than any name: the rest of the file is in it
        raise _open_quotation(name) from None


def _open_quotation(name: str) -> IntakeError:
    return IntakeError(
        f"{name}: a quotation mark is opened and never closed. Find it, or export the file again "
        "with every text in quotes."
    )


def _read(text: str, delimiter: str, width: int, invalid: list[pa.csv.InvalidRow]) -> pa.Table:
    """All records as wide as the header, the header and `END` among them; others to `invalid`."""

    def set_aside(row: pa.csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    line_end = "" if text.endswith(("\n", "\r")) else "\n"
    content = f"{text}{line_end}{delimiter.join([END] * width)}\n".encode()
    names = [str(i) for i in range(width)]
    return pa.csv.read_csv(
        pa.BufferReader(content),
        read_options=pa.csv.ReadOptions(
            use_threads=False,  # rows are numbered only so
            block_size=min(len(content) + 1, 2**31 - 1),  # a row must fit into a block
            column_names=names,
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _line_ends(table: pa.Table) -> np.ndarray:
    """Line ends within the cells of each row."""
    counts = np.zeros(len(table), int)
    for column in table.columns:
        found = pc.count_substring_regex(column, LINE_END)
        counts += pc.fill_null(found, 0).to_numpy().astype(int)
    return counts


def named_delimiter(text: str) -> tuple[str, str]:
    """The delimiter that Excel's first line `sep=;` names, and the rest; ("", text) without it."""
    if found := re.match(r'"?sep=(.)"?(\r\n|\n|\r)', text, re.IGNORECASE):
        return found[1], text[found.end() :]
    return "", text


def find_delimiter(text: str, name: str = "the file") -> tuple[str, str]:
    """The delimiter that splits the first 200 records most evenly, and a sentence on why."""
    sample = "".join(io.StringIO(text, newline="").readlines()[:400])
    bare = re.sub(QUOTED, r"\1", sample, flags=re.MULTILINE)
    lines = [line for line in re.split(LINE_END, bare) if line][:200]
    best, even, width = ",", 0.0, 1
    for candidate in DELIMITERS:
        widths = np.array([line.count(candidate) + 1 for line in lines])
        share = np.mean(widths == widths[0])
        if widths[0] > 1 and (round(share, 1), widths[0]) > (round(even, 1), width):
            best, even, width = candidate, share, widths[0]
    if width == 1:
        return ",", f"{name}: no delimiter found in the header; read as a single column."
    return best, (
        f"{name}: delimiter {DELIMITERS[best]}: it gives {even:.0%} of the first lines {width} "
        "fields, as the header."
    )
