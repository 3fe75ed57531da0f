"""Files read as they are: CSV, TSV, Excel, Parquet and SPSS, with what had to be found out said.

    raw = read_file("answers.csv")
    raw.frame                    # text columns under clean names, line numbers as index
    raw.encoding, raw.delimiter  # "gb18030", ";"
    raw.notes                    # why these: one sentence each
    raw.broken                   # lines that do not have the header's number of fields

The encoding is found by what the bytes allow (a byte order mark, valid UTF-8, zero bytes, pairs of
high bytes) and the delimiter by which one splits the lines evenly. Both are said in `notes`, and
`encoding:` and `delimiter:` in study.yaml overrule them.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
TEXT_FILES = (".csv", ".tsv", ".txt", ".tab")
KNOWN = (*TEXT_FILES, ".csv.gz", ".tsv.gz", ".xlsx", ".xlsm", ".parquet", ".sav", ".zsav")
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # comments may be long


class IntakeError(ValueError):
    """A file or table that cannot be taken in; the message says what, where and what to do."""


@dataclass(frozen=True)
class Raw:
    """A file as it is.

    Attributes
    ----------
    frame : its rows; the index holds the line (text) or row (Excel) they stand in, from 1
    labels : SPSS variable labels, by column
    values : SPSS value labels, by column: {code: label}
    encoding, delimiter : what a text file was read with; empty for others
    notes : what was found out and why, one sentence each
    broken : lines with more or fewer fields than the header: row, value, reason
    repeated : column names that stand in the header more than once
    """

    frame: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[object, str]] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[str, ...] = ()
    broken: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["row", "value", "reason"])
    )
    repeated: tuple[str, ...] = ()

    @property
    def offered(self) -> int:
        """Rows of the file, broken lines among them."""
        return len(self.frame) + len(self.broken)


def read_file(
    path: str | Path,
    *,
    sheet: str | int = 0,
    encoding: str = "",
    delimiter: str = "",
    called: str = "",
) -> Raw:
    """The file's rows as they are, with notes on what had to be found out.

    `called` is the name it goes by in notes and errors; its own when empty.

    Raises IntakeError for a file that is not there, is empty, has a header only, is of no known
    kind, or is not in the encoding named.
    """
    path = Path(path)
    if not path.is_file():
        raise IntakeError(_not_there(path))
    if path.stat().st_size == 0:
        raise IntakeError(f"{path.name} is empty (0 bytes). Export it again.")
    name = called or path.name
    raw = _reader(path)(path, name, sheet=sheet, encoding=encoding, delimiter=delimiter)
    if not raw.offered:
        raise IntakeError(
            f"{name} has a header ({len(raw.frame.columns)} columns) and no rows. Export it "
            "again, or take it out of study.yaml."
        )
    return _clean_header(raw, name)


def _reader(path: Path):
    name = path.name.lower()
    stem = name.removesuffix(".gz")
    if stem.endswith(TEXT_FILES):
        return _read_text
    if name.endswith((".xlsx", ".xlsm")):
        return _read_excel
    if name.endswith(".parquet"):
        return _read_parquet
    if name.endswith((".sav", ".zsav")):
        return _read_spss
    hint = {
        ".xls": "Open it in Excel and save it as .xlsx.",
        ".pkl": "A pickle can run code: read only out of a checked source. Use Parquet.",
    }.get(path.suffix.lower(), f"Save it as one of: {', '.join(KNOWN)}.")
    raise IntakeError(f"{path.name} is of no known kind ({path.suffix or 'no ending'}). {hint}")


def _not_there(path: Path) -> str:
    there = sorted(p.name for p in path.parent.glob("*") if p.is_file() and p.name != "study.yaml")
    near = get_close_matches(path.name, there, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = f" The folder holds: {', '.join(there[:12])}." if there else " The folder is empty."
    return f"there is no file {path.name!r} in {path.parent.name}/{hint}{listed}"


def _clean_header(raw: Raw, name: str) -> Raw:
    """Blanks around column names cut, repeated names numbered; both said."""
    notes, seen, names = list(raw.notes), {}, []
    for old in map(str, raw.frame.columns):
        new = old.strip()
        seen[new] = seen.get(new, 0) + 1
        names.append(new if seen[new] == 1 else f"{new} ({seen[new]})")
    cut = [c for c in map(str, raw.frame.columns) if c != c.strip()]
    repeated = tuple(n for n, times in seen.items() if times > 1)
    if cut:
        notes.append(f"{name}: blanks around {len(cut)} column name(s) were cut: {cut}.")
    if repeated:
        notes.append(
            f"{name}: the header repeats {list(repeated)}; the later ones are called 'NAME (2)'."
        )
    return Raw(
        raw.frame.set_axis(names, axis=1),
        *(raw.labels, raw.values, raw.encoding, raw.delimiter, tuple(notes), raw.broken),
        repeated,
    )


# Text


def _read_text(path: Path, name: str, *, encoding: str, delimiter: str, **_: object) -> Raw:
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        content = gzip.decompress(content)
    text, encoding, why = decode(content, name, encoding)
    notes = [why]
    if not text.strip():
        raise IntakeError(f"{name} is empty but for blanks. Export it again.")
    if delimiter == " ":  # columns lined up with blanks: a run of them is one
        text = re.sub(r"^ +| +$", "", re.sub(r" {2,}", " ", text), flags=re.MULTILINE)
    if not delimiter:
        delimiter, why = find_delimiter(text, name)
        notes.append(why)
    lines, widths = _measure(text, delimiter)
    if not widths[0]:
        raise IntakeError(f"{name}: line 1 is blank; the header must stand there.")
    good = widths == widths[0]
    blank = widths == 0
    if blank.any():
        notes.append(f"{name}: {int(blank.sum()):,} blank line(s) passed over.")
    broken = _broken(text, delimiter, lines, widths, ~good & ~blank)
    frame = _parse(text, delimiter, name, ragged=not good.all())
    if len(frame) != good.sum() - 1:  # the two parsers differ on stray control characters
        records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        even = [r for r, fits in zip(records, good, strict=True) if fits]
        frame = pd.DataFrame(even[1:], columns=even[0], dtype=str).replace("", np.nan)
    frame.index = pd.Index(lines[good][1:], name="row")
    return Raw(frame, encoding=encoding, delimiter=delimiter, notes=tuple(notes), broken=broken)


def _measure(text: str, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """For each record: the line it begins in (from 1) and its number of fields (0 when blank)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    ends, widths = [], []
    for record in reader:
        ends.append(reader.line_num)
        widths.append(len(record))
    begins = np.concatenate([[0], ends[:-1]]).astype(int) + 1
    return begins, np.array(widths)


def _parse(text: str, delimiter: str, name: str, *, ragged: bool) -> pd.DataFrame:
    if ragged:
        text = _even_records(text, delimiter)
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    try:
        return (
            pd.read_csv(
                io.StringIO(text, newline=""),
                sep=delimiter,
                dtype=str,
                header=None,
                names=range(len(header)),
                keep_default_na=False,
                na_values=[""],
                skip_blank_lines=False,
            )
            .iloc[1:]
            .set_axis(header, axis=1)
        )
    except pd.errors.ParserError as error:
        raise IntakeError(
            f"{name}: a quotation mark is opened and never closed ({error}). Find it, or export "
            "the file again with every text in quotes."
        ) from error


def _even_records(text: str, delimiter: str) -> str:
    """The records that have as many fields as the header."""
    out = io.StringIO(newline="")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    write = csv.writer(out, delimiter=delimiter).writerow
    header = next(reader)
    write(header)
    for record in reader:
        if len(record) == len(header):
            write(record)
    return out.getvalue()


def _broken(
    text: str, delimiter: str, lines: np.ndarray, widths: np.ndarray, wrong: np.ndarray
) -> pd.DataFrame:
    if not wrong.any():
        return pd.DataFrame(columns=["row", "value", "reason"])
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    values = [delimiter.join(r)[:80] for r, bad in zip(records, wrong, strict=True) if bad]
    reasons = [f"{w} fields where the header has {widths[0]}" for w in widths[wrong]]
    return pd.DataFrame({"row": lines[wrong], "value": values, "reason": reasons})


def decode(content: bytes, name: str, encoding: str = "") -> tuple[str, str, str]:
    """The text, the encoding it was read with, and a sentence on why."""
    if encoding:
        try:
            return content.decode(encoding), encoding, f"{name}: encoding {encoding}, as named."
        except LookupError:
            raise IntakeError(
                f"{name}: encoding {encoding!r} is not known. Use utf-8, gb18030, cp1252 ..."
            ) from None
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise IntakeError(
                f"{name} is not in {encoding}: line {line} has the byte "
                f"0x{content[error.start]:02x}. Leave `encoding` out to have it found."
            ) from error
    encoding, why = find_encoding(content, name)
    return content.decode(encoding), encoding, f"{name}: encoding {encoding}: {why}"


def find_encoding(content: bytes, name: str = "the file") -> tuple[str, str]:
    """The encoding of the bytes and why: UTF-8, UTF-16, GB18030 (with GBK) or Windows-1252."""
    marks = [
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ]
    for mark, encoding in marks:
        if content.startswith(mark):
            return encoding, "it begins with that byte order mark."
    zeros = content[:4000].count(0)
    if zeros > len(content[:4000]) / 5:
        at = "le" if content[:4000:2].count(0) < zeros / 2 else "be"
        return f"utf-16-{at}", "every other byte is zero."
    try:
        content.decode("utf-8")
        return "utf-8", "every byte is plain ASCII." if content.isascii() else "it is valid UTF-8."
    except UnicodeDecodeError as error:
        _refuse_almost_utf8(content, name, error)
    share = _share_of_gb_pairs(content)
    if share > 0.7 and _decodes(content, "gb18030"):
        return "gb18030", (
            f"it is not UTF-8, and {share:.0%} of its high bytes pair up as common Chinese "
            "characters. Name another with `encoding:` if the text looks wrong."
        )
    western = "cp1252" if _decodes(content, "cp1252") else "latin-1"
    return western, (
        "it is not UTF-8, and its high bytes stand alone as Western letters do. Name another with "
        "`encoding:` if the text looks wrong."
    )


def _refuse_almost_utf8(content: bytes, name: str, error: UnicodeDecodeError) -> None:
    text = content.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    other = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    if other > 20 * bad:
        line = content[: error.start].count(b"\n") + 1
        raise IntakeError(
            f"{name} is UTF-8 but for {bad:,} broken byte(s), the first in line {line}. Mend or "
            "export it again; `encoding: cp1252` would garble the rest."
        )


def _share_of_gb_pairs(content: bytes) -> float:
    """Of the high bytes, the share that reads as characters of GB 2312's common half.

    None where most stand inside Western words: in "AÇÃO" they pair up too.
    """
    inside = len(re.findall(rb"(?<=[A-Za-z])[\x80-\xff]+(?=[A-Za-z])", content[:2_000_000]))
    if inside > len(re.findall(rb"[\x80-\xff]+", content[:2_000_000])) / 2:
        return 0.0
    high = re.findall(rb"[\x80-\xff]+(?:[\x40-\x7e](?=[\x80-\xff]))?", content[:2_000_000])
    total = sum(len(run) for run in high)
    common = sum(2 * len(re.findall(rb"[\xa1-\xd7][\xa1-\xfe]", run)) for run in high)
    return common / total if total else 0.0


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def find_delimiter(text: str, name: str = "the file") -> tuple[str, str]:
    """The delimiter that splits the first 200 records most evenly, and a sentence on why."""
    sample = "".join(io.StringIO(text, newline="").readlines()[:400])
    best, even, width = ",", 0.0, 1
    for candidate in DELIMITERS:
        records = csv.reader(io.StringIO(sample, newline=""), delimiter=candidate)
        widths = [len(r) for _, r in zip(range(200), records, strict=False) if r]
        share = np.mean(np.array(widths) == widths[0])
        if widths[0] > 1 and (round(share, 1), widths[0]) > (round(even, 1), width):
            best, even, width = candidate, share, widths[0]
    if width == 1:
        return ",", f"{name}: no delimiter found in the header; read as a single column."
    return best, (
        f"{name}: delimiter {DELIMITERS[best]}: it gives {even:.0%} of the first lines {width} "
        "fields, as the header."
    )


# Other kinds


def sheets_of(path: Path) -> list[str]:
    """The sheets of a workbook, by name; none for a file that is no workbook or cannot be read."""
    if not path.name.lower().endswith((".xlsx", ".xlsm")) or not path.is_file():
        return []
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            return [str(s) for s in book.sheet_names]
    except Exception:  # what is wrong with it is said where it is read
        return []


def _read_excel(path: Path, name: str, *, sheet: str | int, **_: object) -> Raw:
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except Exception as error:  # openpyxl and zipfile raise many kinds for a broken book
        raise IntakeError(
            f"{name} is not an Excel workbook that can be read ({error}). Save it again as "
            ".xlsx; take a password off."
        ) from error
    with book:
        sheets = book.sheet_names
        if (isinstance(sheet, int) and sheet >= len(sheets)) or (
            isinstance(sheet, str) and sheet not in sheets
        ):
            raise IntakeError(f"{name} has no sheet {sheet!r}. There are: {sheets}.")
        cells = pd.read_excel(
            book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    if cells.empty:
        raise IntakeError(
            f"{name}: sheet {sheet if isinstance(sheet, str) else sheets[sheet]!r} is empty. "
            "Choose another with `sheet:`."
        )
    header = [f"column {i + 1}" if pd.isna(c) else str(c) for i, c in enumerate(cells.iloc[0])]
    frame = cells.iloc[1:].set_axis(header, axis=1)
    frame.index = pd.Index(np.arange(len(frame)) + 2, name="row")
    blank = frame.isna().all(axis=1)
    chosen = sheets[sheet] if isinstance(sheet, int) else sheet
    notes = [f"{name}: sheet {chosen!r} of {len(sheets)}."]
    if blank.any():
        notes.append(f"{name}: {int(blank.sum()):,} blank row(s) passed over.")
    return Raw(frame[~blank], notes=tuple(notes))


def _read_parquet(path: Path, name: str, **_: object) -> Raw:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds for a broken file
        raise IntakeError(f"{name} is not a Parquet file that can be read ({error}).") from error
    return Raw(frame.set_axis(pd.Index(np.arange(len(frame)) + 1, name="row"), axis=0))


def _read_spss(path: Path, name: str, **_: object) -> Raw:
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(str(path))
    except Exception as error:  # pyreadstat raises many kinds for a broken file
        raise IntakeError(f"{name} is not an SPSS file that can be read ({error}).") from error
    frame.index = pd.Index(np.arange(len(frame)) + 1, name="row")
    labels = {k: v for k, v in meta.column_names_to_labels.items() if v}
    note = f"{name}: {len(labels)} variable labels, {len(meta.variable_value_labels)} sets of "
    return Raw(
        frame.replace("", np.nan),
        labels=labels,
        values=dict(meta.variable_value_labels),
        encoding=meta.file_encoding or "",
        notes=(note + "value labels; values declared missing are empty.",),
    )
