"""Errors such as #N/A in the cells of .xls, .xlsb and .ods are named with their place."""

from __future__ import annotations

import base64
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.files import zipped

from cxlib import reserve
from cxlib.data.intake.excel97 import NAMES, errors, hidden_rows
from cxlib.data.intake.readers import read_file

# A workbook of Excel 97, packed: sheet "Notes" with #REF! in A1; sheet "Antworten ü" with id and
# score, #N/A in B5 as a value and #DIV/0! in B6 as the value of a formula.
XLS = (
    "c-rk)O=uHA6#izjo4+<`QqxK+hEQnK*o%1a(ykS>CrkCBh@fe+htiVBHXwS?YRyp)JSkoZy?Cj5@rNqt&4W;>2SE"
    "@TJ@zChcu2FpdAnQFm_q{^t?akVo7p$t+j%?l=4bcqa(s3EQEwS_7=jN~D+GUyPEZQDH!)DXWyzwO2Ps(|wiQA_8"
    "c4r}rO2Cr978$YWhi*4z9I>HqI4D)Fj~kPsTSf0`;ZmVhe4rI>?ycMDT*HUtCQsf%N;BqF!wpj!>qZ<a*(*I;tZD"
    "c(aa$yj!!FnTo)xN@PutXu;u`|@LI<4)my^mY8W;rv(x`(MN)0Y0%+t$jJ#oHr&p1nAzZ*WD+PRY=jzLpr*ExZfb"
    "`!t>jMq+w-ptbg>_!YKrA7G6`!opXu=hZnG(fzT9b-44Cjj%3ue*Crz#Z+2N|qRn#>VpW};vkVYx!{jE-%Z(GiaG"
    "c9J=Ca5>J#F<P@L_rI(hA0N}tv1XQ6aeJ-rm(Ib$HEBV{(Ty5gX4qms%j^8qU0m*EnV^@TJU!Os6pqa?=LXlNshx"
    "w2clw^1@?I*J)=oT4mOktIsJu8*zMNQmug{~8_MRNs%WDn;VnE!zBk@dkbK$HCA6fSNvO)xvnB%+UY-k<O6#ISS*"
    "eQmTPCS-GT0efG6@6;&vdT8@Q>CU)*SXJRpGw$wvUh~T7j^s>)P`WbpXHiQ@+DJgz*LwMX4wsw>1)9BF(=A$sm*1"
    "ob<8VDn00Zo0LO#M-e!bkYYo`iM%#YuraOD&1AO|ii2)=9l2p$jg+?Le!Gi}69z1yP@RuN*bEiBjsr=z#pGE`Df1"
    "PzoRqr>+e~XhS&{d?*(xb>zZsJl?@zV`WxX%(>v~m9zN}QtBO-x~&{g`Sxe(8Ha)V|M_4P(D=3N_n)wHZJEaQi<1"
    "?8y3D"
)
SHEET = "Antworten ü"


def excel97() -> bytes:
    return zlib.decompress(base64.b85decode(XLS))


def record(kind: int, content: bytes = b"") -> bytes:
    """A record of an .xlsb: kind and size in groups of seven bits."""
    first = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return first + bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) + content


def wide(words: str) -> bytes:
    return len(words).to_bytes(4, "little") + words.encode("utf-16-le")


def binary() -> bytes:
    """The same as an .xlsb, by [MS-XLSB]."""

    def row(at: int) -> bytes:
        return record(0, at.to_bytes(4, "little") + bytes(13))

    def cell(kind: int, column: int, content: bytes) -> bytes:
        return record(kind, column.to_bytes(4, "little") + bytes(4) + content)

    def number(x: int) -> bytes:
        return (x << 2 | 2).to_bytes(4, "little")  # RkNumber of a whole number

    rows = [row(0), cell(6, 0, wide("id")), cell(6, 1, wide("score"))]
    for at in range(1, 4):
        rows += [row(at), cell(2, 0, number(at)), cell(2, 1, number(2 * at))]
    rows += [row(4), cell(2, 0, number(4)), cell(3, 1, b"\x2a")]
    rows += [row(5), cell(2, 0, number(5)), cell(11, 1, b"\x07" + bytes(10))]
    extent = b"".join(n.to_bytes(4, "little") for n in (0, 5, 0, 1))
    sheet = record(129) + record(148, extent) + record(145) + b"".join(rows)
    notes = record(129) + record(148, bytes(16)) + record(145) + row(0) + cell(3, 0, b"\x17")
    names = [("rId1", "Notes"), ("rId2", SHEET)]
    sheets = [record(156, bytes(4) + b"\1\0\0\0" + wide(r) + wide(n)) for r, n in names]
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    relations = "".join(
        f'<Relationship Id="rId{k}" Type="{kind}" Target="worksheets/sheet{k}.bin"/>'
        for k in (1, 2)
    )
    about = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "xl/workbook.bin": record(131) + record(143) + b"".join(sheets) + record(144) + record(132),
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{about}">{relations}</Relationships>',
        "xl/worksheets/sheet1.bin": notes + record(146) + record(130),
        "xl/worksheets/sheet2.bin": sheet + record(146) + record(130),
    }
    return zipped(**{k: v.encode() if isinstance(v, str) else v for k, v in parts.items()})


def open_document(error: str = 'calcext:value-type="error"') -> bytes:
    """The same as LibreOffice writes it in an .ods."""

    def cell(words: object, about: str) -> str:
        return f"<table:table-cell {about}><text:p>{words}</text:p></table:table-cell>"

    def text(words: str) -> str:
        return cell(words, 'office:value-type="string"')

    def number(x: float) -> str:
        return cell(x, f'office:value-type="float" office:value="{x}"')

    def failed(words: str) -> str:
        what = 'table:formula="of:=NA()" office:value-type="string" office:string-value=""'
        return cell(words, f"{what} {error}")

    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    rows = [row(text("id"), text("score"))]
    rows += [row(number(k), number(2 * k)) for k in range(1, 4)]
    rows += [row(number(4), failed("#N/A")), row(number(5), failed("#DIV/0!"))]
    tables = [("Notes", row(failed("#REF!"))), (SHEET, "".join(rows))]
    names = {
        **{"office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0"},
        **{"table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0"},
        **{"text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0"},
        **{"calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"},
    }
    spaces = " ".join(f'xmlns:{k}="{v}"' for k, v in names.items())
    body = "".join(f'<table:table table:name="{n}">{r}</table:table>' for n, r in tables)
    body = f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>"
    content = f"<office:document-content {spaces}>{body}</office:document-content>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    parts = {"mimetype": kind, "META-INF/manifest.xml": b"<manifest/>"}
    return zipped(**parts, **{"content.xml": content.encode()})


BOOKS: dict[str, Callable[[], bytes]] = {
    "a.xls": excel97,
    "a.xlsb": binary,
    "a.ods": open_document,
    "b.ods": lambda: open_document(""),  # as other programs write it
}


@pytest.mark.parametrize("name", BOOKS)
def test_errors_are_named_with_their_place(tmp_path, name):
    (tmp_path / name).write_bytes(BOOKS[name]())
    raw = read_file(tmp_path / name, sheet=SHEET)
    assert raw.frame["id"].tolist() == [1, 2, 3, 4, 5]
    assert raw.frame["score"].notna().tolist() == [True] * 3 + [False] * 2
    found = raw.unread[["row", "column", "value", "rule", "sheet", "cell"]]
    assert found.to_numpy().tolist() == [
        [5, "score", "#N/A", "error_cell", SHEET, "B5"],
        [6, "score", "#DIV/0!", "error_cell", SHEET, "B6"],
    ]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsb", "a.ods"])
def test_errors_are_lost_cells_of_a_study(tmp_path: Path, monkeypatch, name):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (folder := tmp_path / "data" / "s").mkdir(parents=True)
    (folder / name).write_bytes(BOOKS[name]())
    (folder / "study.yaml").write_text(
        f"title: S\ntables:\n  responses:\n    files: [{{file: {name}, sheet: {SHEET}}}]\n"
        "    columns: {response_id: id, score: score}\n"
        "items: {score: {label: S, scale: [0, 10]}}\n",
        encoding="utf-8",
    )
    check = reserve.check("s")
    assert check.exit_code == reserve.LOST
    assert "2 cell(s) an error of the spreadsheet (#N/A, #DIV/0!), from cell B5" in str(check)


def test_a_repeated_error_of_an_open_document_is_each_of_its_cells(tmp_path):
    content = open_document(' table:number-columns-repeated="2" calcext:value-type="error"')
    (tmp_path / "a.ods").write_bytes(content)
    found = read_file(tmp_path / "a.ods", sheet=SHEET).unread
    assert found["cell"].tolist() == ["B5", "C5", "B6", "C6"]


@pytest.mark.parametrize("size", [8, 100, 512, 600, 1500, 4000])
def test_a_cut_workbook_is_left_to_its_reader(size):
    assert list(errors(excel97()[:size], SHEET)) == []


def test_a_broken_workbook_is_left_to_its_reader():
    whole, lots = excel97(), random.Random(1)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(20):  # most of them in the header and the list of streams
            broken[int(len(whole) * lots.random() ** 3)] = lots.randrange(256)
        assert len(list(errors(bytes(broken), SHEET))) <= 10


def test_errors_have_the_codes_of_excel():
    # [MS-XLS] 2.5.10 BErr
    codes = [0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B]
    assert list(NAMES) == codes and NAMES[0x2A] == "#N/A"


def test_hidden_rows_of_an_old_workbook_are_told():
    content = bytearray(excel97())
    assert hidden_rows(bytes(content), SHEET) == set()
    for at in (m.start() for m in re.finditer(rb"\x08\x02\x10\x00\x03\x00", bytes(content))):
        content[at + 16] |= 0x20  # of the record of a row: its height is zero [MS-XLS, 2.4.221]
    assert hidden_rows(bytes(content), SHEET) == {4}
    assert hidden_rows(b"PK", SHEET) == set()
