"""Files read as they are, whatever their kind, with what had to be found out said.

    raw = read_file("answers.csv")
    raw.frame                    # cells under clean names, line numbers as index
    raw.encoding, raw.delimiter  # "gb18030", ";"
    raw.notes                    # why these: one sentence each
    raw.broken                   # lines that do not have the header's number of fields
    raw.skipped                  # title lines and totals

A file is known by how it begins, not by its name: Excel under the name .csv is read as Excel, and
said. What was found out is overruled by the keys of `mapping.Reading` in study.yaml.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow.parquet

from cxlib.data.intake import databases, labelled, records, server_log, workbooks
from cxlib.data.intake.encodings import LOOKED_AT, to_utf8, unsure
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.memory import A_ROW, A_VALUE, needed_for_text, refuse_beyond_memory
from cxlib.data.intake.raw import SHEET_ERRORS, Raw, from_arrow, numbered, trimmed, without_errors
from cxlib.data.intake.tokenising import HEAD, find_delimiter, named_delimiter, tokenise
from cxlib.data.mapping import Reading

__all__ = ["Raw", "parts_of", "read_file", "sheets_of"]

LARGEST = 8 << 30  # bytes that an archive may unpack to
MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*<(html|table|!doctype html|meta|\?xml|div)", re.IGNORECASE)
OLD_STATA = range(0x68, 0x74)  # versions that a file before Stata 13 begins with

Reader = Callable[[Path, str, Reading], Raw]


def read_file(path: str | Path, name: str = "", **options: object) -> Raw:
    """The file's rows as they are, with notes on what had to be found out.

    Parameters
    ----------
    path : the file; text, Excel, OpenDocument, Parquet, SPSS, Stata, SAS, JSON, SQLite, or one of
        these packed as .gz or .zip; server logs
    name : what notes and errors call it; its own name when empty
    options : the keys of `mapping.Reading`: sheet, encoding, delimiter, header, header_rows,
        skip_last, member, table, query

    Raises
    ------
    IntakeError : the file is not there, is empty, has a header only, is of no known kind, or is
        not what the options say

    Examples
    --------
    >>> read_file("answers.csv", header=3, skip_last=1).frame  # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        raise IntakeError(_not_there(path))
    if path.stat().st_size == 0:
        raise IntakeError(f"{path.name} is empty (0 bytes). Export it again.")
    name = name or path.name
    raw = _read(path, name, Reading.model_validate(options))
    if not raw.offered:
        raise IntakeError(
            f"{name} has a header ({len(raw.frame.columns)} columns) and no rows. Export it "
            "again, or take it out of study.yaml."
        )
    return raw


def parts_of(path: str | Path) -> list[tuple[str, str]]:
    """The parts of a file that holds several tables, each as the key and value that choose it.

    Sheets of a workbook, members of a zip archive, tables of a database; none for a file that is
    one table or cannot be read (`read_file` says why).
    """
    path = Path(path)
    try:
        kind = _kind(path)
        if kind is _zip:
            return [("member", m) for m in _members(path)]
        if kind is workbooks.read:
            return [("sheet", s) for s in workbooks.sheets(path)]
        if kind is databases.read_sqlite:
            return [("table", t) for t in databases.tables(path)]
    except (OSError, IntakeError, zipfile.BadZipFile):
        pass  # `read_file` says what is wrong with it
    return []


def sheets_of(path: str | Path) -> list[str]:
    """The sheets of a workbook, by name; none for a file that is no workbook."""
    return [value for key, value in parts_of(path) if key == "sheet"]


def _not_there(path: Path) -> str:
    own = ("study.yaml", "reserve.duckdb")  # and what is beside the reserve while it is loaded
    files = (p.name for p in path.parent.glob("*") if p.is_file())
    there = sorted(name for name in files if not name.startswith(own))
    near = get_close_matches(path.name, there, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = f" The folder holds: {', '.join(there[:12])}." if there else " The folder is empty."
    return f"there is no file {path.name!r} in {path.parent.name}/{hint}{listed}"


# Which reader


def _read(path: Path, name: str, options: Reading) -> Raw:
    kind = _kind(path)
    raw = kind(path, name, options)
    by_name = SUFFIXES.get(path.suffix.lower())
    if by_name and by_name is not kind:
        what = KINDS[kind]
        note = f"{name}: named {path.suffix}, but it is {what}; read as that."
        raw = replace(raw, notes=(note, *raw.notes))
    return raw


def _kind(path: Path) -> Reader:
    """The reader of the file: by how it begins, else by its suffix."""
    with open(path, "rb") as file:
        start = file.read(2048)
    if start.startswith(b"PK\x03\x04"):
        return workbooks.read if _is_workbook(path) else _zip
    for mark, kind in SIGNATURES:
        if start.startswith(mark):
            return kind
    if start[84:92] == b"SAS FILE":
        return labelled.read_sas
    if server_log.START.match(start):
        return server_log.read
    if MARKUP.match(start):
        return workbooks.read_markup
    by_name = SUFFIXES.get(path.suffix.lower())
    if by_name in (_text, records.read) or (
        by_name is labelled.read_stata and start[0] in OLD_STATA
    ):
        return by_name
    if by_name:
        raise IntakeError(
            f"{path.name} is not {KINDS[by_name]}: it does not begin as one. Export it again, or "
            "name it by what it is."
        )
    if path.suffix.lower() == ".pkl":
        hint = "A pickle can run code: read only out of a checked source. Use Parquet."
    else:
        hint = f"Save it as one of: {', '.join(SUFFIXES)}."
    raise IntakeError(f"{path.name} is of no known kind ({path.suffix or 'no ending'}). {hint}")


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return path.suffix.lower() in workbooks.SUFFIXES
    return any(n.startswith("xl/workbook") for n in names) or "content.xml" in names


# Archives


def _members(path: Path) -> list[str]:
    """Files in the archive that may be tables."""
    with zipfile.ZipFile(path) as archive:
        names = [i.filename for i in archive.infolist() if not i.is_dir()]
    return [
        n
        for n in names
        if not n.startswith("__MACOSX") and not PurePosixPath(n).name.startswith(".")
    ]


def _zip(path: Path, name: str, options: Reading) -> Raw:
    try:
        return _of_archive(path, name, options)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise IntakeError(f"{name} is not a whole zip archive ({error}). Get it again.") from error


def _of_archive(path: Path, name: str, options: Reading) -> Raw:
    members = _members(path)
    if options.member and options.member not in members:
        raise IntakeError(f"{name} holds no file {options.member!r}. It holds: {members}.")
    if not options.member and len(members) != 1:
        raise IntakeError(
            f"{name} holds {len(members)} files: {', '.join(members[:12])}. Choose one with "
            "`member:`."
        )
    member = options.member or members[0]
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(member).flag_bits & 1:
            raise IntakeError(f"{name} has a password. Unpack it, and name the file itself.")
        with archive.open(member) as file:
            note = f"{name}: {member!r} of the archive is read."
            return _unpacked(file, PurePosixPath(member).name, name, options, note)


def _gzip(path: Path, name: str, options: Reading) -> Raw:
    inner = path.stem if path.suffix.lower() == ".gz" else path.name
    note = "" if path.suffix.lower() == ".gz" else f"{name}: it is packed with gzip; unpacked."
    try:
        with gzip.open(path) as file:
            return _unpacked(file, inner, name, options, note)
    except (gzip.BadGzipFile, EOFError) as error:
        raise IntakeError(f"{name} is not a whole gzip file ({error}). Get it again.") from error


def _unpacked(
    file: IO[bytes] | gzip.GzipFile, inner: str, name: str, options: Reading, note: str
) -> Raw:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / inner
        with open(target, "wb") as out:
            while part := file.read(1 << 22):
                out.write(part)
                if out.tell() > LARGEST or shutil.disk_usage(folder).free < len(part):
                    raise IntakeError(f"{name} unpacks to more than fits. Unpack it by hand.")
        if not target.stat().st_size:
            raise IntakeError(f"{name}: {inner!r} is empty (0 bytes). Export it again.")
        if _kind(target) in (_zip, _gzip):
            raise IntakeError(f"{name}: {inner!r} is itself an archive. Unpack it by hand.")
        raw = _read(target, name, options)
    return replace(raw, notes=((note, *raw.notes) if note else raw.notes))


# Text and Parquet


def _text(path: Path, name: str, options: Reading) -> Raw:
    refuse_beyond_memory(name, needed_for_text(path))
    content, encoding, why = to_utf8(path.read_bytes(), name, options.encoding)
    text = "" if content.isascii() else content[:LOOKED_AT].decode("utf-8", "ignore")
    odd = unsure(text, encoding, named=bool(options.encoding))
    notes, first_line, delimiter = [why] if why else [], 1, options.delimiter
    named, start = named_delimiter(content[:20])
    if named:
        content, first_line, delimiter = content[start:], 2, delimiter or named
    if not content[:HEAD].strip() and not content.strip():
        raise IntakeError(f"{name} is empty but for blanks. Export it again.")
    header = options.header
    if not delimiter:
        at = header - first_line + 1 if header else header
        delimiter, why = find_delimiter(content[:HEAD].decode("utf-8", "ignore"), name, at)
        notes += [why] if why else []
    if not delimiter and header is None:  # of a single column the first line is the header
        header = first_line + content[: len(content) - len(content.lstrip())].count(b"\n")
    tokens = tokenise(
        content,
        delimiter or ",",
        name,
        first_line=first_line,
        header=header,
        header_rows=options.header_rows,
    )
    raw = Raw(tokens.frame, {}, {}, encoding, delimiter or ",", tuple(notes), tokens.broken)
    raw = replace(raw, unsure=tuple(odd))
    raw = trimmed(raw, tokens.header, name, options.skip_last, tokens.blank)
    return without_errors(raw) if any(word.encode() in content for word in SHEET_ERRORS) else raw


def _parquet(path: Path, name: str, _: Reading) -> Raw:
    try:
        facts = pyarrow.parquet.read_metadata(path)
        refuse_beyond_memory(name, facts.num_rows * (A_ROW + A_VALUE * facts.num_columns))
        table = pyarrow.parquet.read_table(path)
    except IntakeError:
        raise
    except Exception as error:  # pyarrow raises many kinds for a broken file
        raise IntakeError(f"{name} is not a Parquet file that can be read ({error}).") from error
    return numbered(from_arrow(table))


SIGNATURES: tuple[tuple[bytes, Reader], ...] = (
    (b"\x1f\x8b", _gzip),
    (b"PAR1", _parquet),
    (b"\xd0\xcf\x11\xe0", workbooks.read),
    (b"SQLite format 3\x00", databases.read_sqlite),
    (b"$FL2", labelled.read_spss),
    (b"$FL3", labelled.read_spss),
    (b"<stata_dta>", labelled.read_stata),
    (b"HEADER RECORD*******LIBRARY HEADER", labelled.read_xport),
    (b"HEADER RECORD*******LIBV8", labelled.read_xport),
)
KINDS: dict[Reader, str] = {
    _text: "a text file",
    _gzip: "packed with gzip",
    _zip: "a zip archive",
    _parquet: "a Parquet file",
    workbooks.read: "an Excel workbook",
    workbooks.read_markup: "an HTML or XML table",
    databases.read_sqlite: "an SQLite database",
    labelled.read_spss: "an SPSS file",
    labelled.read_stata: "a Stata file",
    labelled.read_sas: "a SAS file",
    labelled.read_xport: "a SAS transport file",
    records.read: "JSON",
    server_log.read: "a server log",
}
SUFFIXES: dict[str, Reader] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab"), _text),
    **dict.fromkeys(workbooks.SUFFIXES, workbooks.read),
    **dict.fromkeys((".html", ".htm", ".xml"), workbooks.read_markup),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), records.read),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), databases.read_sqlite),
    **dict.fromkeys((".sav", ".zsav"), labelled.read_spss),
    ".log": server_log.read,
    ".parquet": _parquet,
    ".dta": labelled.read_stata,
    ".sas7bdat": labelled.read_sas,
    ".xpt": labelled.read_xport,
    ".zip": _zip,
    ".gz": _gzip,
}
