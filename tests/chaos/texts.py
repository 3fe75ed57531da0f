"""Hostile text files: encodings, bytes, names of columns, cells, numbers, dates, shapes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd
from chaos.base import ROWS, Case, csv, mutated, study, table

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
