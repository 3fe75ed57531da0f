r"""Text becomes rows of cells, once, by pyarrow; rows of another width than the header's come out.

    tokens = tokenise("id,nps\n1,9\n2\n", ",", "answers.csv")
    tokens.frame        # cells as text, empty ones missing, under the header; index: lines from 1
    tokens.broken       # row, value, found, expected
    tokens.notes        # where the header was found, and how many rows it takes

A row is called by the line it begins in, texts of several lines counted in.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.layout import LOOKED_AT, Header, header_of

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BROKEN = ["row", "value", "found", "expected"]
LINE_END = r"\r\n|\n|\r"
LETTER = re.compile(r"[^\W\d_]")
QUOTED = r'(^|[,;\t|])"[^"]*(?:""[^"]*)*"'
END = "\x03end-of-table\x03"  # a last record of our own: an open quotation mark swallows it
EVEN = 0.95  # of the first lines as wide as the header, from which no delimiter is in doubt
HEAD = 500_000  # bytes in which the header and the delimiter are looked for
BLOCK = 1 << 24  # bytes that pyarrow parses at a time


@dataclass(frozen=True)
class Tokens:
    """The rows of a text file.

    Attributes
    ----------
    frame : rows as wide as the header; the index holds the line that each begins in
    broken : the others: row, value (the line, at most 80 characters), fields found and expected
    blank : lines without any cell filled, which are passed over
    header : where the header was found, with notes
    """

    frame: pd.DataFrame
    broken: pd.DataFrame
    blank: list[int]
    header: Header


def tokenise(
    text: str | bytes,
    delimiter: str,
    name: str,
    *,
    first_line: int = 1,
    header: int | None = None,
    header_rows: int | None = None,
) -> Tokens:
    """Split the text into rows and cells.

    Parameters
    ----------
    text : the text, or its bytes in UTF-8
    delimiter : one character; of a blank, a run is one delimiter
    name : what messages call the file
    first_line : line of the file in which the text begins
    header, header_rows : line in which the header begins (0: there is none), and its rows; found
        by looking at the first rows without them

    Raises
    ------
    IntakeError : there is no header, or a quotation mark is opened and never closed
    """
    content = text.encode() if isinstance(text, str) else text
    if delimiter == " ":
        content = re.sub(rb"^ +| +$", b"", re.sub(rb" {2,}", b" ", content), flags=re.MULTILINE)
    rows, lines, starts = _head(content, delimiter, name)
    lines = [n + first_line - 1 for n in lines]
    found = header_of(rows, name, header=header, header_rows=header_rows, numbers=lines)
    if not found.names:
        raise IntakeError(f"{name}: line {lines[0]} is blank; the header must stand there.")
    invalid: list[pa.csv.InvalidRow] = []
    table = _read(content, starts[found.first], delimiter, len(found.names), invalid)
    if not len(table) or table[0][-1].as_py() != END:
        raise _open_quotation(name)
    wrong = {row.number - 1: row for row in invalid}
    place = np.setdiff1d(np.arange(len(table) + len(wrong)), list(wrong))
    breaks = np.zeros(len(table) + len(wrong), int)
    if b'"' in content:  # only quoted cells hold line ends
        breaks[place] = _line_ends(table)
        breaks[list(wrong)] = [len(re.findall(LINE_END, row.text)) for row in invalid]
    line = lines[found.first] + np.arange(len(breaks)) + np.cumsum(breaks) - breaks
    begin = int((place < found.rows).sum())
    table = table.slice(begin, len(table) - begin - 1)
    frame = table.to_pandas(types_mapper={pa.large_string(): pd.StringDtype(na_value=np.nan)}.get)
    frame = frame.set_axis(found.names, axis=1)
    frame = frame.set_axis(pd.Index(line[place][begin:-1], name="row"), axis=0)
    blank = _blank_rows(table)
    broken = [
        (line[i], row.text[:80], row.actual_columns, len(found.names))
        for i, row in wrong.items()
        if i >= found.rows
    ]
    empty = frame.index[blank].tolist()
    frame = frame[~blank] if empty else frame
    return Tokens(frame, pd.DataFrame(broken, columns=BROKEN), empty, found)


def _head(
    content: bytes, delimiter: str, name: str
) -> tuple[list[list[str]], list[int], list[int]]:
    """The first records, the line that each begins in, and the byte."""
    text = content[:HEAD].decode("utf-8", "ignore")
    lines = io.StringIO(text, newline="").readlines()
    ends = np.cumsum([0, *(len(line.encode()) for line in lines)])
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[list[str]] = []
    starts: list[int] = []
    try:
        while len(rows) < LOOKED_AT:
            starts.append(reader.line_num)
            rows.append(next(reader))
    except (StopIteration, csv.Error):  # the end, or a field longer than any in a header
        starts.pop()
    if not rows:
        raise _open_quotation(name) if b'"' in content[:HEAD] else _endless(name)
    if len(content) > HEAD and len(rows) > 1 and reader.line_num == len(lines):
        rows.pop()  # it may be cut
    return rows, [n + 1 for n in starts[: len(rows)]], [int(ends[n]) for n in starts[: len(rows)]]


def _blank_rows(table: pa.Table) -> np.ndarray:
    """Rows without any cell filled."""
    blank = np.ones(len(table), bool)
    for column in table.columns:
        if not blank.any():
            break
        blank &= column.is_null().to_numpy()
    return blank


def _open_quotation(name: str) -> IntakeError:
    return IntakeError(
        f"{name}: a quotation mark is opened and never closed. Find it, or export the file again "
        "with every text in quotes."
    )


def _endless(name: str) -> IntakeError:
    return IntakeError(
        f"{name}: its first line has a cell of more than {csv.field_size_limit():,} characters, "
        "which is no header. Name the `delimiter` or the `encoding`, or export the file again."
    )


def _read(
    content: bytes, start: int, delimiter: str, width: int, invalid: list[pa.csv.InvalidRow]
) -> pa.Table:
    """All records as wide as the header, the header and `END` among them; others to `invalid`."""

    def set_aside(row: pa.csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    line_end = b"" if content.endswith((b"\n", b"\r")) else b"\n"
    last = delimiter.join([END] * width).encode()
    content = b"".join((memoryview(content)[start:], line_end, last, b"\n"))
    names = [str(i) for i in range(width)]
    for block in (BLOCK, 2**31 - 1):  # a row must fit into a block
        invalid.clear()
        try:
            return pa.csv.read_csv(
                pa.BufferReader(content),
                read_options=pa.csv.ReadOptions(
                    use_threads=False,  # rows are numbered only so
                    block_size=min(len(content) + 1, block),
                    column_names=names,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=b'"' in content,
                    ignore_empty_lines=False,
                    invalid_row_handler=set_aside,
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error) or len(content) < block:
                raise
    raise AssertionError("a file below 2 GB fits into a block")


def _line_ends(table: pa.Table) -> np.ndarray:
    """Line ends within the cells of each row."""
    counts = np.zeros(len(table), int)
    for column in table.columns:
        found = pc.count_substring_regex(column, LINE_END)
        counts += pc.fill_null(found, 0).to_numpy().astype(int)
    return counts


def named_delimiter(start: bytes) -> tuple[str, int]:
    """The delimiter that Excel's first line `sep=;` names, and where the rest begins; else ""."""
    if found := re.match(rb'"?sep=(.)"?(\r\n|\n|\r)', start, re.IGNORECASE):
        return found[1].decode(), found.end()
    return "", 0


def find_delimiter(text: str, name: str = "the file", header: int | None = None) -> tuple[str, str]:
    """The delimiter that splits the first 200 records most evenly, and what leaves a doubt.

    The doubt is empty where nearly all of them have as many fields as the header. The delimiter is
    empty for a file of a single column. `header` is the line that the header stands in,
    where the user says it.
    """
    sample = "".join(io.StringIO(text, newline="").readlines()[:400])
    bare = re.sub(QUOTED, r"\1x", sample, flags=re.MULTILINE)
    lines = re.split(LINE_END, bare)[max((header or 1) - 1, 0) :][:200]
    best, score, even, width = ",", (0.0, False, 1), 0.0, 1
    for candidate in DELIMITERS:
        widths = [line.count(candidate) + 1 for line in lines if line]
        if not (split := _common_width(lines, widths, candidate, header)):
            continue
        common, share, words = split
        if (new := (round(share, 1), words, common)) > score:
            best, score, even, width = candidate, new, share, common
    if width == 1:
        return "", f"{name}: no delimiter found in the header; read as a single column."
    if even >= EVEN:
        return best, ""
    return best, (
        f"{name}: delimiter {DELIMITERS[best]}: it gives only {even:.0%} of the first lines "
        f"{width} fields, as the header. Name another with `delimiter:` if the columns look wrong."
    )


def _common_width(
    lines: list[str], widths: list[int], delimiter: str, header: int | None
) -> tuple[int, float, bool] | None:
    """The width of most lines, how many from the header on have it, and if that is of words.

    A header below the first line must have three fields or stand below a blank line: a column of
    texts with a comma each is no table.
    """
    if not widths:
        return None
    common = widths[0] if widths[0] > 1 else Counter(widths).most_common(1)[0][0]
    if widths[0] > 1 and (most := Counter(widths).most_common(1)[0])[0] > widths[0]:
        common = most[0] if most[1] > 0.5 * len(widths) else common
    if common < 2:
        return None
    filled = [line for line in lines if line]
    first = widths.index(common)
    below_blank = "" in lines[: lines.index(filled[first])]
    if first and (header or not (common > 2 or below_blank)):
        return None
    share = float(np.mean([w == common for w in widths[first:]]))
    if first and share < 0.8:
        return None
    cells = filled[first].split(delimiter)
    return common, share, sum(not LETTER.search(c) for c in cells) <= len(cells) / 2
