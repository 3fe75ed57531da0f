"""One table in any format gives the same tables of the reserve: values, kinds of columns."""

from __future__ import annotations

import json

import pandas as pd
import pyreadstat
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxlib.core import codes
from cxlib.data import intake, study

WHOLE = st.integers(-(10**6), 10**6)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "recommend": st.one_of(st.none(), st.integers(0, 10)),
            "sex": st.one_of(st.none(), st.integers(1, 3)),
            "spend": st.one_of(st.none(), WHOLE.map(lambda n: round(n / 4 + 0.01, 2))),
            "town": st.sampled_from(["Köln", "北京", "Bad Tölz, Süd", 'the "old" one', "x;y"]),
            "postcode": st.sampled_from(["01067", "99084", "00001"]),
            "session": st.integers(0, 999).map(lambda n: str(1582218195625938000 + n)),
        }
    ),
    min_size=2,
    max_size=8,
)


def text(rows: pd.DataFrame, sep: str, decimal: str) -> str:
    return rows.to_csv(index=False, sep=sep, decimal=decimal)


def as_excel(rows, path) -> None:
    rows.to_excel(path, index=False)


def as_spss(rows, path) -> None:
    pyreadstat.write_sav(rows.astype({"recommend": float, "sex": float}), str(path))


def as_stata(rows, path) -> None:
    pyreadstat.write_dta(rows.astype({"recommend": float, "sex": float}), str(path))


def as_lines(rows, path) -> None:
    rows.to_json(path, orient="records", lines=True, force_ascii=False)


FORMATS = {
    "comma.csv": lambda rows, path: path.write_text(text(rows, ",", "."), encoding="utf-8"),
    "semicolon.csv": lambda rows, path: path.write_text(text(rows, ";", ","), encoding="utf-8-sig"),
    "tab.tsv": lambda rows, path: path.write_text(text(rows, "\t", "."), encoding="utf-16"),
    "china.csv": lambda rows, path: path.write_bytes(text(rows, ",", ".").encode("gb18030")),
    "book.xlsx": as_excel,
    "table.parquet": lambda rows, path: rows.to_parquet(path),
    "survey.sav": as_spss,
    "survey.dta": as_stata,
    "records.jsonl": as_lines,
}


def taken(folder, name: str, rows: pd.DataFrame, write) -> pd.DataFrame:
    write(rows, folder / name)
    about = {
        "title": "t",
        "source": "s",
        "licence": "l",
        "tables": {
            "responses": {
                "files": {"file": name, "encoding": "gb18030" if name == "china.csv" else ""},
                "columns": {"response_id": "id"},
                "keep": True,
            }
        },
        "items": {"recommend": {"label": "R", "scale": [0, 10], "role": "nps"}},
    }
    (folder / "study.yaml").write_text(json.dumps(about))
    read = intake.table(study.read(folder / "study.yaml"), "responses")
    assert read.quarantine.empty and read.offered == len(rows)
    return read.rows


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in FORMATS if n != "comma.csv"])
@settings(max_examples=4, deadline=None, phases=[Phase.generate])  # shrinking takes minutes
@given(rows=ROWS)
def test_a_table_is_the_same_in_every_format(tmp_path_factory, name, rows):
    rows = pd.DataFrame(rows).astype({"recommend": "Int64", "sex": "Int64", "spend": "float64"})
    rows.loc[0, "postcode"] = "01067"  # a leading zero: the column is no number
    rows.insert(0, "id", [f"r{i:03d}" for i in range(len(rows))])
    folder = tmp_path_factory.mktemp("any")
    expected = taken(folder, "comma.csv", rows, FORMATS["comma.csv"])
    found = taken(folder, name, rows, FORMATS[name])
    # Of an empty column nobody knows the kind.
    filled = ["response_id", *(c for c in rows if c != "id" and rows[c].notna().any())]
    pd.testing.assert_frame_equal(found[filled], expected[filled])
    assert found["session"].tolist() == rows["session"].tolist()
    assert found["postcode"].tolist() == rows["postcode"].tolist()


LOST = [  # ids that a number could not hold, as files bring them
    ("floats.parquet", [1582218195625938900.0, 1582218195625938901.0]),
    ("floats.xlsx", [1.58221819562594e18, 1.58221819562595e18]),
    ("text.csv", ["1.58221819562594E+18", "1.58E+18"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ids"), LOST)
@pytest.mark.parametrize("column", ["response_id", "session"])
def test_an_id_whose_digits_are_lost_is_a_problem(tmp_path, name, ids, column):
    rows = pd.DataFrame({"id": ["a", "b"], "recommend": [1, 2], "number": ids})
    write = {"parquet": rows.to_parquet, "xlsx": rows.to_excel, "csv": rows.to_csv}
    kind = name.split(".")[1]
    write[kind](tmp_path / name, **({} if kind == "parquet" else {"index": False}))
    key = "number" if column == "response_id" else "id"
    keep = [] if column == "response_id" else ["number"]
    mapping = {"files": name, "columns": {"response_id": key, "recommend": "recommend"}}
    about = {
        **{"title": "t", "source": "s", "licence": "l"},
        "tables": {"responses": {**mapping, "keep": keep}},
        "items": {"recommend": {"label": "R", "scale": [0, 10], "role": "nps"}},
    }
    (tmp_path / "study.yaml").write_text(json.dumps(about))
    read = intake.table(study.read(tmp_path / "study.yaml"), "responses")
    assert read.quarantine["rule"].tolist() == ["not_exact"] * 2
    assert set(read.quarantine["lost"]) == {"row" if column == "response_id" else "cell"}


MATCHES = [
    (["1", 2, 3.0], [1, 2.0, "3"], [[1], [2.0], ["3"]]),
    (["1"], ["01", "02"], [["01"]]),
    (["1", "01"], ["1", "01"], [["1"], ["01"]]),
    (["1"], ["01", "001"], [[]]),  # which of the two is not known
    (["1.50", "x"], [1.5, "X"], [[1.5], []]),
]


@pytest.mark.parametrize(("wanted", "values", "found"), MATCHES)
def test_codes_match_by_value(wanted, values, found):
    assert list(codes.match(wanted, values).values()) == found
