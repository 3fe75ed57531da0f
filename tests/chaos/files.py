"""Hostile workbooks, archives and files of other kinds, and small ones that unpack to much."""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from chaos.base import Case, csv, mutated, table


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def repacked(book: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return zipped(**{n: change(n, archive.read(n)) for n in archive.namelist()})


def workbook(rows: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    rows.to_excel(file, index=False, engine="openpyxl")
    return file.getvalue()


def workbooks(rng: random.Random) -> Iterator[Case]:
    book = workbook(table())

    def sheet(old: bytes, new: bytes) -> bytes:
        return repacked(book, lambda n, c: c.replace(old, new, 1) if "sheet1" in n else c)

    far = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
    entity = b'<?xml version="1.0"?><!DOCTYPE x [%s]><worksheet '
    laughs = b"".join(
        b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"ha") for i in range(12)
    )
    outside = b'<!ENTITY e SYSTEM "file:///etc/passwd">'
    odd = {
        "far-cell": sheet(b"</sheetData>", far),
        "far-down": sheet(b"</sheetData>", far.replace(b"XFD", b"A")),
        "far-right": sheet(b"</row>", b'<c r="XFD1" t="n"><v>1</v></c></row>'),
        "beyond": sheet(b"</sheetData>", far.replace(b"XFD1048576", b"ZZZZ99999999")),
        "row-0": sheet(b'r="A1"', b'r="A0"'),
        "laughs": sheet(b"<worksheet ", entity % laughs),
        "external-entity": sheet(b"<worksheet ", entity % outside),
        "no-sheets": zipped(**{"xl/workbook.xml": b"<workbook/>"}),
        "dimension": sheet(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'),
        "slip": zipped(**{"../../../../evil.csv": csv(table())}),
        "absolute": zipped(**{"/evil.csv": csv(table())}),
        "csv-as-xlsx": csv(table()),
        "html-as-xlsx": b"<table><tr><td>a<td>b</tr></table>",
        "truncated": book[: len(book) // 2],
    }
    for name, content in odd.items():
        yield Case(f"workbook/{name}", {"a.xlsx": content})
    for k in range(25):
        yield Case(f"mutated/xlsx-{k}", {"a.xlsx": mutated(book, rng)})
    many = io.BytesIO()
    with pd.ExcelWriter(many, engine="openpyxl") as writer:
        for k in range(100):
            table(3).to_excel(writer, sheet_name=f"s{k}", index=False)
    yield Case("workbook/sheets-100", {"a.xlsx": many.getvalue()})


def archives(rng: random.Random) -> Iterator[Case]:
    good = csv(table())
    odd = {
        "nested.zip": zipped(**{"a.zip": zipped(**{"b.zip": zipped(**{"c.csv": good})})}),
        "nested.csv.gz": gzip.compress(gzip.compress(good)),
        "torn.csv.gz": gzip.compress(good)[:-20],
        "tail.csv.gz": gzip.compress(good) + b"tail",
        "many.zip": zipped(**{f"m{i}.csv": good for i in range(300)}),
        "slip.zip": zipped(**{"../../evil.csv": good}),
        "named.zip": zipped(**{"a\x1b[31m;\n.csv": good}),
        "folder.zip": zipped(**{"a/": b"", "a/b/c.csv": good}),
        "empty.zip": zipped(),
        "empty-member.zip": zipped(**{"a.csv": b""}),
    }
    for name, content in odd.items():
        yield Case(f"archive/{name}", {name: content})
    for k in range(15):
        yield Case(f"mutated/zip-{k}", {"a.zip": mutated(zipped(**{"a.csv": good}), rng)})


def parquet(rows: pd.DataFrame, **how: object) -> bytes:
    file = io.BytesIO()
    rows.astype(str).to_parquet(file, **how)
    return file.getvalue()


def others(rng: random.Random, place: Path = Path("/dev/shm")) -> Iterator[Case]:
    rows = table()
    good = parquet(rows)
    yield Case("parquet/marks-only", {"a.parquet": b"PAR1PAR1"})
    yield Case("parquet/nested", {"a.parquet": _nested_parquet()})
    for k in range(25):
        yield Case(f"mutated/parquet-{k}", {"a.parquet": mutated(good, rng)})
    records = rows.to_json(orient="records").encode()
    deep = b"[" * 100_000 + b"]" * 100_000
    odd = {
        "deep": deep,
        "deep-objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "nested": json.dumps([{"a": {"b": [1, {"c": 2}]}}] * 30).encode(),
        "same-keys": b'[{"a":1,"a":2}]' * 1,
        "nan": b'[{"a":NaN,"b":Infinity}]',
        "huge-number": b'[{"a":' + b"9" * 5000 + b"}]",
        "scalar": b"5",
        "surrogate": b'[{"a":"\\ud800"}]',
        "lines-and-array": records + b"\n" + records,
        "mixed": b'[1,"a",null,{"a":1},[2]]',
    }
    for name, content in odd.items():
        yield Case(f"json/{name}", {"a.json": content})
    for k in range(15):
        yield Case(f"mutated/json-{k}", {"a.json": mutated(records, rng)})
    html = rows.head(30).to_html().encode()
    yield Case("html/deep", {"a.html": b"<table>" + b"<div>" * 50_000 + html})
    yield Case("html/spans", {"a.html": html.replace(b"<td>", b'<td colspan="99999999">')})
    yield Case("html/script", {"a.html": b"<script>while(1);</script>" + html})
    for k in range(10):
        yield Case(f"mutated/html-{k}", {"a.html": mutated(html, rng)})
    for suffix, content in _written(rows, place).items():
        for k in range(8):
            yield Case(f"mutated/{suffix}-{k}", {f"a.{suffix}": mutated(content, rng)})


def bombs(_rng: random.Random) -> Iterator[Case]:
    """Small files that unpack to far more than the limits."""
    good, book = csv(table()), workbook(table())

    def sheet(change: Callable[[bytes], bytes]) -> bytes:
        return repacked(book, lambda n, c: change(c) if "sheet1" in n else c)

    end, text = b"</sheetData>", b'<c t="inlineStr"><is><t>x</t></is></c>' * 2_000_000
    row = b'<row r="99">' + text + b"</row>" + end
    yield Case("bomb/xlsx-blanks", {"a.xlsx": sheet(lambda c: b" " * 600_000_000 + c)})
    yield Case("bomb/xlsx-cells", {"a.xlsx": sheet(lambda c: c.replace(end, row))})
    zeros = gzip.compress(b"\0" * 1_000_000_000, 9)
    yield Case("bomb/gz-zeros", {"a.csv.gz": zeros * 12})
    lines = gzip.compress(good + good.splitlines(True)[1] * 12_000_000, 1)
    yield Case("bomb/gz-rows", {"a.csv.gz": lines})
    yield Case("bomb/zip-rows", {"a.zip": zipped(**{"a.csv": b"1,2\n" * 250_000_000})})
    file = io.BytesIO()
    pd.DataFrame({"a": np.zeros(300_000_000, np.int8)}).to_parquet(file, compression="zstd")
    yield Case("bomb/parquet-zeros", {"a.parquet": file.getvalue()})
    file = io.BytesIO()
    pd.DataFrame({"a": pd.Categorical(["x" * 10_000] * 2_000_000)}).to_parquet(file)
    yield Case("bomb/parquet-words", {"a.parquet": file.getvalue()})


def _nested_parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    file = io.BytesIO()
    deep: pa.DataType = pa.int8()
    for _ in range(40):
        deep = pa.list_(deep)
    pyarrow.parquet.write_table(pa.table({"a": pa.nulls(30, deep)}), file)
    return file.getvalue()


def _written(rows: pd.DataFrame, place: Path) -> dict[str, bytes]:
    """The rows in the formats of statistics packages and in a database."""

    import pyreadstat

    found = {}
    plain = rows.astype(str)
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as folder:
        path = Path(folder)
        pyreadstat.write_sav(plain, str(path / "a.sav"))
        pyreadstat.write_dta(plain, str(path / "a.dta"))
        pyreadstat.write_xport(plain, str(path / "a.xpt"))
        base = sqlite3.connect(path / "a.sqlite")
        plain.to_sql("answers", base, index=False)
        base.close()
        for file in path.iterdir():
            found[file.suffix[1:]] = file.read_bytes()
    return found
