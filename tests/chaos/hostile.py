"""Files as nobody should bring them: seeded, each with what `cx` may make of it.

    for case in cases(seed=1): case.write(folder)      # the files of a study, or a study.yaml

A case is held by a clear error, or by a load whose rows are those of `truth`. Nothing here is
anybody's data; bombs are written small and would unpack to more than the limits of the campaign.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROWS = 60
LETTERS = {
    "ja": "受付の対応がとても丁寧でした。また利用したいと思います",
    "ko": "직원이 매우 친절하고 배송이 빨랐습니다. 다시 이용하고 싶습니다",
    "ru": "Персонал очень вежливый, доставка быстрая, спасибо большое",
    "zh": "服务人员非常热情，配送很快，下次还会再来购买",
    "tw": "服務人員非常熱情，配送很快，下次還會再來購買",
    "de": "Die Lieferung war pünktlich, Größe und Qualität schön",
    "el": "Το προσωπικό ήταν πολύ ευγενικό και η παράδοση γρήγορη",
    "he": "הצוות היה אדיב מאוד והמשלוח הגיע מהר",
    "th": "พนักงานสุภาพมากและจัดส่งรวดเร็ว",
}
ENCODED = {
    "ja": ("shift_jis", "euc_jp", "iso2022_jp", "utf-16-le", "utf-16-be", "utf-32"),
    "ko": ("euc_kr", "cp949", "johab", "utf-16-le"),
    "ru": ("cp1251", "koi8_r", "cp866", "iso8859_5", "utf-16-be"),
    "zh": ("gbk", "gb18030", "hz", "utf-16-le", "utf-16-be", "utf-7"),
    "tw": ("big5", "big5hkscs", "cp950", "utf-16-le"),
    "de": ("cp1252", "latin-1", "cp850", "mac_roman", "utf-8-sig", "utf-16-le", "cp037"),
    "el": ("cp1253", "iso8859_7"),
    "he": ("cp1255", "utf-8"),
    "th": ("cp874", "utf-8"),
}
NAMES = {  # of columns
    "sql": '"; drop table responses; --',
    "quote": 'a "quoted" name',
    "apostrophe": "it's; attach 'x' as y",
    "comment": "speed /* x */ -- y",
    "html": "<script>alert(1)</script>",
    "entity": "&lt;b&gt; &amp; &#0;",
    "format": "{0} {x} {x:share} %s %(a)s %n",
    "percent": "100% {",
    "dollar": r"$\frac{a}{b}$",
    "jinja": "{{ 7*7 }}{% include 'x' %}",
    "backslash": "a\\b\\n\\",
    "newline": "two\nlines",
    "tab": "a\tb",
    "nul": "a\0b",
    "escape": "\x1b[31mred\x1b[0m",
    "bell": "\x07\x08\r",
    "bidi": "\u202egnp\u202c",
    "zero_width": "\u200bspeed\u200b",
    "emoji": "👩‍👩‍👧 score",
    "formula": "=cmd|' /C calc'!A0",
    "at": "@SUM(A1)",
    "hash": "#row",
    "star": "*",
    "dot": "a.b.c",
    "slash": "../../etc/passwd",
    "colon": "a: b",
    "yaml": "!!python/object/apply:os.system",
    "anchor": "&a *a",
    "bracket": "[x]{y}",
    "count": "count",
    "n": "n",
    "term": "term",
    "estimate": "estimate",
    "index": "index",
    "level_0": "level_0",
    "weight": "weight",
    "wave": "wave",
    "select": "select",
    "rowid": "rowid",
    "ours": "_cxlab_row",
    "file": "file",
    "made": "made",
    "t": "t",
    "true": "true",
    "null": "null",
    "nan": "nan",
    "number": "1",
    "date": "2026-01-01",
    "self": "self",
    "class": "class",
    "long": "x" * 5000,
    "surrogate": "caf\u00e9 e\u0301",
}
CELLS = {k: v for k, v in NAMES.items() if k not in ("level_0", "self", "t", "file", "made")}
NUMBERS = (
    *("inf", "-inf", "nan", "1e308", "-1e308", "1e999", "1e-400", "0x10", "1_000", "١٢", "５"),
    *("-0", "+5", "5.", ".5", "5,0", "5;0", "1/2", "50%", "½", "9" * 400, "5e0", "NULL", "TRUE"),
    *("--5", "5 5", "\u22125", "5\u00a0", "1.2.3", "= 5", "'5", "5\u200b"),
)
DATES = (
    *("0001-01-01", "9999-12-31", "0000-00-00", "10000-01-01", "-4712-01-01", "2026-02-31"),
    *("1970-01-01T00:00:00Z", "2026-01-01T24:00:00", "2026-01-01T23:59:60Z", "1677-09-20"),
    *("2262-04-12", "99999999999999", "0", "1e10", "2026-13-01", "2026-W54", "2026-366", "now"),
    *("infinity", "NaT", "2026-01-01T00:00:00+99:00", "２０２６年１月１日", "1/1/1", "45000"),
)
WEIGHTS = ("0", "-1", "1e308", "1e-308", "inf", "nan", "", "x", "0.0000001", "1e15", "-inf")
GROUPS = ("count", "n", "term", "estimate", "overall", "total", "Total", "All", "", "nan", "other")


@dataclass(frozen=True)
class Case:
    """Files of one study and what may come of them."""

    name: str  # kind/what
    files: dict[str, bytes] = field(repr=False)
    study: str = field(default="", repr=False)  # study.yaml; empty: `cx new` writes it
    page: bool = False  # make page 10 as well
    words: str = ""  # a text that the loaded rows must hold, or a note say that it may be garbled

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    def write(self, folder: Path) -> list[Path]:
        """Write the files; their paths."""
        paths = [folder / name for name in self.files]
        for path, content in zip(paths, self.files.values(), strict=True):
            path.write_bytes(content)
        return paths


def table(rows: int = ROWS, seed: int = 7) -> pd.DataFrame:
    """Answers of made-up customers."""
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "response_id": [f"r{i}" for i in number],
            "customer_id": [f"c{i % 50}" for i in number],
            "answered_on": [f"2026-{i % 6 + 1:02d}-{i % 28 + 1:02d}" for i in number],
            "wave": [f"2026-Q{i % 6 // 3 + 1}" for i in number],
            "channel": rng.choice(["web", "phone", "shop"], rows),
            "weight": np.round(rng.uniform(0.5, 2, rows), 2),
            "recommend": rng.integers(0, 11, rows),
            "speed": rng.integers(1, 6, rows),
            "comment": [f"comment number {i} about delivery" for i in number],
        }
    ).astype(object)


def csv(rows: pd.DataFrame, **how: object) -> bytes:
    return rows.to_csv(index=False, **how).encode("utf-8", "surrogatepass")


def study(columns: dict[str, str] | None = None, **keys: object) -> str:
    """A study.yaml for `answers.csv` with the columns of `table`."""
    mine = {c: c for c in table(1) if c != "comment"} | (columns or {})
    about = {
        "title": "Hostile",
        "source": "made here",
        "licence": "none",
        "tables": {"responses": {"files": "answers.csv", "columns": mine}},
        "items": {
            "recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"},
            "speed": {"label": "Speed", "scale": [1, 5], "role": "touchpoint"},
        },
        "group": "channel",
    }
    return yaml.safe_dump(about | keys, sort_keys=False, allow_unicode=True)


def cases(seed: int = 1, kinds: Sequence[str] = ()) -> Iterator[Case]:
    """The cases of some kinds, or all, in an order that does not change."""
    for kind in KINDS:
        if not kinds or kind.__name__ in kinds:
            yield from kind(random.Random(seed))


def encodings(_rng: random.Random) -> Iterator[Case]:
    for language, encoded in ENCODED.items():
        rows = table().assign(channel=LETTERS[language][:6].strip(), comment=LETTERS[language])
        text = csv(rows).decode()
        for encoding in encoded:
            content = text.encode(encoding, "replace")
            yield Case(f"encoding/{encoding}-{language}", {"a.csv": content}, words="channel")
            torn = content[: len(content) - 3]
            yield Case(f"encoding/{encoding}-{language}-torn", {"a.csv": torn})
        mixed = text.encode() + text.encode(encoded[0], "replace")
        yield Case(f"encoding/mixed-{language}", {"a.csv": mixed})


def raw_bytes(rng: random.Random) -> Iterator[Case]:
    good = csv(table())
    odd = {
        "nul-in-cell": good.replace(b"web", b"we\0b"),
        "nul-rows": good + b"\0" * 5000,
        "only-nul": b"\0" * 5000,
        "cr-only": good.replace(b"\n", b"\r"),
        "mixed-ends": good.replace(b"\n", b"\r\n", 20).replace(b"\n", b"\r", 5),
        "no-end": good.rstrip(b"\n"),
        "open-quote": good + b'"open,',
        "quotes": good.replace(b"web", b'w"e"b'),
        "all-quotes": b'"' * 100_001,
        "commas": b"," * 100_000,
        "one-line": b"x" * 10_000_000,
        "field-of-10-MB": good.replace(b"comment number 5 ", b"y" * 10_000_000),
        "header-of-10-MB": good.replace(b"comment\n", b"z" * 10_000_000 + b"\n"),
        "quoted-10-MB": good.replace(b"comment number 5 ", b'"' + b"y,\n" * 3_000_000 + b'"'),
        "columns-10000": csv(pd.DataFrame({f"c{i}": range(30) for i in range(10_000)})),
        "columns-1500": csv(pd.DataFrame({f"c{i}": range(30) for i in range(1500)})),
        "columns-100000": b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b"1," * 99_999,
        "ragged": good + b"1,2\n" * 30 + b"1" + b",2" * 500,
        "same-names": good.replace(b"speed", b"recommend").replace(b"wave", b"recommend"),
        "no-names": b",,,,,,,,\n" + good.partition(b"\n")[2],
        "blank-names": b" , ,  ,\t,,,,,\n" + good.partition(b"\n")[2],
        "only-header": good.partition(b"\n")[0],
        "elf": b"\x7fELF" + rng.randbytes(5000),
        "pickle": b"\x80\x04cposix\nsystem\n(S'touch pwned'\ntR.",
        "pdf": b"%PDF-1.7\n" + rng.randbytes(3000),
        "random": rng.randbytes(20_000),
        "bom-twice": b"\xef\xbb\xbf\xef\xbb\xbf" + good,
        "bom-only": b"\xef\xbb\xbf",
        "utf16-bom-only": b"\xff\xfe",
        "utf16-odd": "a,b\n1,2\n".encode("utf-16") + b"\x01",
        "delimiter-nul": good.replace(b",", b"\0"),
        "delimiter-bell": good.replace(b",", b"\x07"),
        "sep-line": b"sep=\n" + good,
        "sep-quote": b'sep="\n' + good,
        "comments": b"# x\n" * 40_000 + good,
        "titles": b"Title of the export\n\n" * 200 + good,
        "formulas": good.replace(b"web", b'=HYPERLINK("http://x")'),
    }
    for name, content in odd.items():
        yield Case(f"bytes/{name}", {"a.csv": content})
    for k in range(40):
        yield Case(f"mutated/csv-{k}", {"a.csv": mutated(good, rng)})


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The bytes with something torn out, turned, doubled or put in."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 3, 30))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 8, 300))
        how = rng.randrange(4)
        if how == 0:
            del data[at : at + size]
        elif how == 1:
            data[at : at + size] = rng.randbytes(size)
        elif how == 2:
            data[at:at] = data[at : at + size]
        else:
            data[at:at] = rng.choice((b'"', b"\n", b",", b"\0", b"\xff", b";", b"\r", b"'"))
    return bytes(data) or b"x"


def names(_rng: random.Random) -> Iterator[Case]:
    rows = table()
    for key, name in NAMES.items():
        for place in ("channel", "speed"):
            content = csv(rows.rename(columns={place: name}))
            if key in ("wave", "weight"):
                content = csv(rows.drop(columns=key).rename(columns={place: name}))
            yield Case(f"names/{place}-{key}", {"a.csv": content})
        content = csv(rows.rename(columns={"channel": name}))
        made = study({"channel": name})
        page = key in ("html", "dollar", "format", "sql", "escape", "count", "jinja")
        yield Case(f"names/mapped-{key}", {"answers.csv": content}, made, page=page)


def values(_rng: random.Random) -> Iterator[Case]:
    telling = ("html", "dollar", "format", "escape", "zero_width", "long", "percent", "emoji")
    for key, cell in CELLS.items():
        rows = table()
        rows["channel"] = rows["channel"].replace({"web": cell})
        files = {"answers.csv": csv(rows)}
        yield Case(f"values/group-{key}", files, study(), page=key in telling)
        keys = {"items": {"recommend": {"label": cell, "scale": [0, 10], "role": "nps"}}}
        labels = study({"speed": "weight"}, title=cell or "x", labels={"channel": cell}, **keys)
        text = labels.replace("  speed: weight\n", "")
        yield Case(f"values/label-{key}", {"answers.csv": csv(table())}, text, key in telling)


def numbers(_rng: random.Random) -> Iterator[Case]:
    for place, cells in (("recommend", NUMBERS), ("answered_on", DATES), ("weight", WEIGHTS)):
        for share in ("one", "all"):
            for k, cell in enumerate(cells):
                rows = table()
                rows.loc[[3] if share == "one" else rows.index, place] = cell
                page = share == "all" and place == "weight" or k % 11 == 0
                files = {"answers.csv": csv(rows)}
                yield Case(f"numbers/{place}-{share}-{k}", files, study(), page=page)


def shapes(_rng: random.Random) -> Iterator[Case]:
    rows = table()
    hundred = rows.assign(channel=[f"g{i % 100}" for i in range(ROWS)])
    wide = pd.concat([rows] * 50, ignore_index=True)
    wide["response_id"] = range(len(wide))
    wide["channel"] = [f"g{i % 100}" for i in range(len(wide))]
    odd = {
        "one-row": rows.head(1),
        "two-rows": rows.head(2),
        "all-missing": rows.assign(recommend="", speed=""),
        "one-answer": rows.assign(recommend=["5"] + [""] * (ROWS - 1)),
        "all-alike": rows.assign(recommend=7, speed=3),
        "groups-100": hundred,
        "groups-100-large": wide,
        "group-each": rows.assign(channel=rows["response_id"]),
        "one-group": rows.assign(channel="web"),
        "no-group": rows.assign(channel=""),
        "one-customer": rows.assign(customer_id="c1"),
        "no-customer": rows.assign(customer_id=""),
        "same-ids": rows.assign(response_id="r1"),
        "wave-each": rows.assign(wave=[f"{1900 + i}" for i in range(ROWS)]),
        "no-wave": rows.assign(wave=""),
        "waves-as-words": rows.assign(wave=["spring", "autumn"] * (ROWS // 2)),
        "day-each": rows.assign(answered_on="2026-01-01"),
    }
    for name, made in odd.items():
        yield Case(f"shape/{name}", {"answers.csv": csv(made)}, study(), page=True)
        yield Case(f"shape/{name}-new", {"a.csv": csv(made)})
    for k, word in enumerate(GROUPS):
        made = rows.assign(channel=rows["channel"].replace({"web": word}))
        yield Case(f"shape/group-called-{k}", {"answers.csv": csv(made)}, study(), page=True)


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
    import tempfile

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


def studies(rng: random.Random) -> Iterator[Case]:
    """study.yaml as nobody should write it."""
    good, files = study(), {"answers.csv": csv(table())}
    laughs = "\n".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10 if i else ['x'])}]" for i in range(12)
    )
    odd = {
        "alias-bomb": laughs + "\n" + good,
        "alias-bomb-in-title": laughs + "\ntitle: *a11\n",
        "merge-bomb": "\n".join(
            f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}" if i else "m0: &m0 {a: 1}"
            for i in range(10)
        ),
        "recursive": "title: &a [*a]\n" + good,
        "recursive-map": "a: &a {b: *a}\n" + good,
        "python-tag": "title: !!python/object/apply:os.system ['touch pwned']\n",
        "python-name": "title: !!python/name:os.system\n",
        "other-tag": "title: !evil x\n" + good,
        "binary": "title: !!binary aGVsbG8=\n" + good.partition("\n")[2],
        "set": "title: !!set {a, b}\n",
        "brackets": "title: " + "[" * 100_000 + "]" * 100_000,
        "braces": "title: " + "{a: " * 100_000 + "}" * 100_000,
        "dashes": "- " * 100_000,
        "indents": "\n".join(" " * i + "a:" for i in range(2000)),
        "quotes": "title: " + '"' * 99_999,
        "long-title": good.replace("Hostile", "x" * 5_000_000),
        "keys": "\n".join(f"k{i}: 1" for i in range(100_000)),
        "items": study(items={f"q{i}": {"label": "x", "scale": [0, 10]} for i in range(5000)}),
        "same-key": good + "title: again\n",
        "list-key": "? [a, b]\n: c\n" + good,
        "map-key": "? {a: b}\n: c\n" + good,
        "null-key": "~: c\n" + good,
        "bool-key": "true: c\n" + good,
        "documents": good + "---\n" + good,
        "directive": "%YAML 9.9\n---\n" + good,
        "tag-directive": "%TAG ! tag:evil,2000:\n---\n" + good,
        "nul": good.replace("Hostile", "a\0b"),
        "escape": good.replace("Hostile", "\x1b[31mred\x1b]0;x\x07"),
        "escape-written": good.replace("Hostile", '"\\e[31mred\\a"'),
        "bidi": good.replace("Hostile", "\u202egnp"),
        "tabs": good.replace("  ", "\t"),
        "empty": "",
        "only-comment": "# x\n",
        "scalar": "x",
        "list": "[1, 2]",
        "number": "5",
        "huge-number": good.replace("[0, 10]", "[0, 1e999]").replace("- 10", "- " + "9" * 5000),
        "nan-scale": good.replace("- 10", "- .nan"),
        "inf-scale": good.replace("- 10", "- .inf"),
        "reversed-scale": good.replace("- 10", "- -10"),
        "up": study().replace("answers.csv", "../../outside.csv"),
        "root": study().replace("answers.csv", "/etc/passwd"),
        "home": study().replace("answers.csv", "~/.bashrc"),
        "device": study().replace("answers.csv", "/dev/zero"),
        "glob": study().replace("answers.csv", "**/*"),
        "itself": study().replace("answers.csv", "study.yaml"),
        "folder": study().replace("answers.csv", "."),
        "url-file": study().replace("files: answers.csv", "files: [{from: 'file:///etc/passwd'}]"),
        "query": study().replace("files: answers.csv", "files: [{file: answers.csv, query: 'x'}]"),
        "encoding": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, encoding: idna}]"
        ),
        "encoding-zip": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, encoding: zip}]"
        ),
        "header-far": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, header: 99999999}]"
        ),
        "skip-all": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, skip_last: 99999999}]"
        ),
        "delimiter": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, delimiter: '\"'}]"
        ),
        "delimiter-nul": study().replace(
            "files: answers.csv", 'files: [{file: answers.csv, delimiter: "\\0"}]'
        ),
    }
    derived = (
        *("1/0", "repeat('x', 1e12)", "lpad('x', 2000000000, 'y')", "a" * 100_000, "(" * 50_000),
        *("speed + " * 3000 + "1", "not " * 20_000 + "true", "read_text('/etc/passwd')", "''", ""),
        *("9" * 400 + " * 9", "exp(1e9)", "-" * 5000 + "1", "regexp_replace(wave, '(a*)*b', 'x')"),
    )
    for k, how in enumerate(derived):
        both = {"derive": {"weight": how}}, {"only": how}
        for key in both:
            made = yaml.safe_load(good)
            made["tables"]["responses"] |= key
            if "derive" in key:
                made["tables"]["responses"]["columns"].pop("weight")
            odd[f"{next(iter(key))}-{k}"] = yaml.safe_dump(made)
    for name, text in odd.items():
        yield Case(f"study/{name}", files, text or "\n")
    yield Case("study/utf-16", files, good.encode("utf-16").decode("latin-1"))
    for k in range(40):
        torn = mutated(good.encode(), rng).decode("utf-8", "replace")
        yield Case(f"mutated/study-{k}", files, torn)
    reasons = ["price", "moved", "count", "$x$", "<b>", "n", "{0}", "=1", "\u200b", "other"]
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(50)]})
    people["joined_on"], people["left_on"] = "2020-01-01", ["2026-03-01", ""] * 25
    people["reason"] = [reasons[i % 10] for i in range(50)]
    tables = yaml.safe_load(good)["tables"]
    mine = {"customer_id": "customer_id", "joined_on": "joined_on", "left_on": "left_on"}
    tables["customers"] = {"files": "people.csv", "columns": mine, "keep": ["reason"]}
    for kind in ("customer", "company"):
        churn = {"reasons": "reason", "beyond": [reasons[1] if kind == "customer" else "x"]}
        text = study(tables=tables, churn=churn)
        yield Case(f"study/reasons-{kind}", files | {"people.csv": csv(people)}, text, page=True)


KINDS = (
    *(encodings, raw_bytes, names, values, numbers, shapes, studies),
    *(workbooks, archives, others, bombs),
)
