"""Files of SPSS, Stata and SAS, with their labels, through pyreadstat.

    raw = read_spss(Path("answers.sav"), "answers.sav", Reading())
    raw.labels["q1"], raw.values["q1"]     # "Overall satisfaction", {1.0: "Very satisfied", ...}

What a file declares missing is missing, and how many cells that are is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import Raw, numbered
from cxlib.data.mapping import Reading


def read_spss(path: Path, name: str, options: Reading) -> Raw:
    """An SPSS file (.sav, .zsav)."""
    return _read(path, name, "SPSS", "read_sav", options)


def read_stata(path: Path, name: str, options: Reading) -> Raw:
    """A Stata file (.dta)."""
    return _read(path, name, "Stata", "read_dta", options)


def read_sas(path: Path, name: str, options: Reading) -> Raw:
    """A SAS file (.sas7bdat), with value labels where a catalogue (.sas7bcat) lies beside it."""
    return _read(path, name, "SAS", "read_sas7bdat", options)


def read_xport(path: Path, name: str, options: Reading) -> Raw:
    """A SAS transport file (.xpt), with dates of SAS read by their format."""
    return _read(path, name, "SAS transport", "read_xport", options)


def _read(path: Path, name: str, kind: str, function: str, options: Reading) -> Raw:
    import pyreadstat

    how: dict[str, object] = {"encoding": options.encoding} if options.encoding else {}
    if function != "read_xport":
        how["user_missing"] = True
    try:
        frame, meta = getattr(pyreadstat, function)(str(path), **how)
        if (catalogue := path.with_suffix(".sas7bcat")).is_file() and kind == "SAS":
            formats = pyreadstat.read_sas7bcat(str(catalogue))[1]
            meta = pyreadstat.set_catalog_to_sas(frame, meta, formats)[1]
    except Exception as error:  # pyreadstat raises many kinds for a broken file
        raise IntakeError(f"{name} is not a {kind} file that can be read ({error}).") from error
    labels = {k: v for k, v in meta.column_names_to_labels.items() if v}
    values = {c: dict(v) for c, v in meta.variable_value_labels.items()}
    notes = [f"{name}: {len(labels)} variable labels, {len(values)} sets of value labels."]
    frame, values, said = _without_missing(frame.replace("", np.nan), meta, values)
    notes += [f"{name}: {s}" for s in said]
    return numbered(frame, notes, labels=labels, values=values, encoding=meta.file_encoding or "")


def _without_missing(
    frame: pd.DataFrame, meta: Any, values: dict[str, dict[str, Any]]
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]], list[str]]:
    """The cells declared missing made so, value labels without those of them, and counts."""
    done, said = {}, []
    for column, codes in frame.items():
        ranges = meta.missing_ranges.get(column, [])
        letters = meta.missing_user_values.get(column, [])  # .a to .z of Stata and SAS
        if not (ranges or letters):
            continue
        given = pd.Series(codes.dropna().unique(), dtype=object)
        declared = [c for c in given if _declared(c, ranges, letters)]
        labels = values.pop(column, {})
        missing = codes.isin(declared)
        if declared:
            shown = ", ".join(_plain(c, labels.get(c, "")) for c in declared)
            said.append(f"{column}: {int(missing.sum()):,} cell(s) declared missing ({shown}).")
        kept = codes.mask(missing)
        done[column] = pd.to_numeric(kept) if letters else kept
        if left := {k: v for k, v in labels.items() if not _declared(k, ranges, letters)}:
            values[column] = left
    return frame.assign(**done), values, said


def _declared(code: object, ranges: list[dict[str, Any]], letters: list[str]) -> bool:
    if isinstance(code, str):
        return code in letters or any(code == r["lo"] for r in ranges)
    return any(not isinstance(r["lo"], str) and r["lo"] <= code <= r["hi"] for r in ranges)


def _plain(code: object, label: str) -> str:
    words = f"{code:g}" if isinstance(code, float) else str(code)
    return f"{words} = {label!r}" if label else words
