"""Files of SPSS, Stata and SAS, with their labels, through pyreadstat.

    raw = read_spss(Path("answers.sav"), "answers.sav", Reading())
    raw.labels["q1"], raw.values["q1"]     # "Overall satisfaction", {1.0: "Very satisfied", ...}

What a file declares missing is missing, and how many cells that are is said.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import Raw, numbered
from cxlib.data.schema import Reading


def read_spss(path: Path, name: str, options: Reading) -> Raw:
    """An SPSS file (.sav, .zsav)."""
    return _read(path, name, "SPSS", "read_sav", options)


def read_stata(path: Path, name: str, options: Reading) -> Raw:
    """A Stata file (.dta)."""
    return _read(path, name, "Stata", "read_dta", options)


def read_sas(path: Path, name: str, options: Reading) -> Raw:
    """A SAS file (.sas7bdat), with value labels where a catalogue (.sas7bcat) lies beside it."""
    beside = path.with_suffix(".sas7bcat")
    more = {"catalog_file": str(beside)} if beside.is_file() else {}
    return _read(path, name, "SAS", "read_sas7bdat", options, **more)


def read_xport(path: Path, name: str, options: Reading) -> Raw:
    """A SAS transport file (.xpt), with dates of SAS read by their format."""
    return _read(path, name, "SAS transport", "read_xport", options)


def _read(path: Path, name: str, kind: str, function: str, options: Reading, **more: object) -> Raw:
    import pyreadstat

    if options.encoding:
        more["encoding"] = options.encoding
    if function != "read_xport":
        more["user_missing"] = True
    try:
        frame, meta = getattr(pyreadstat, function)(str(path), **more)
    except Exception as error:  # pyreadstat raises many kinds for a broken file
        raise IntakeError(f"{name} is not a {kind} file that can be read ({error}).") from error
    labels = {k: v for k, v in meta.column_names_to_labels.items() if v}
    values = {c: dict(v) for c, v in meta.variable_value_labels.items()}
    notes = [f"{name}: {len(labels)} variable labels, {len(values)} sets of value labels."]
    frame = frame.replace("", np.nan)
    frame, said = _without_missing(frame, meta, values)
    notes += [f"{name}: {s}" for s in said]
    return numbered(frame, notes, labels=labels, values=values, encoding=meta.file_encoding or "")


def _without_missing(
    frame: pd.DataFrame, meta, values: dict[str, dict]
) -> tuple[pd.DataFrame, list[str]]:
    """The cells that are declared missing made so, their labels taken away, and counts of them."""
    done, said = {}, []
    for column in frame:
        codes = frame[column]
        ranges = meta.missing_ranges.get(column, [])
        missing = pd.Series(False, index=codes.index)
        for r in ranges:
            same = codes == r["lo"] if r["lo"] == r["hi"] else _between(codes, r["lo"], r["hi"])
            missing |= same.fillna(False).astype(bool)
        letters = meta.missing_user_values.get(column, [])  # .a to .z of Stata and SAS
        missing |= codes.isin(letters)
        if not (ranges or letters):
            continue
        declared = set(codes[missing].unique()) | {
            k for k in values.get(column, {}) if k in letters
        }
        names = {k: v for k, v in values.get(column, {}).items() if _declared(k, ranges, letters)}
        values[column] = {k: v for k, v in values.get(column, {}).items() if k not in names}
        if missing.any():
            shown = ", ".join(
                f"{_plain(c)}{f' {names[c]!r}' if c in names else ''}" for c in declared
            )
            said.append(f"{column}: {int(missing.sum()):,} cell(s) declared missing ({shown}).")
        kept = codes.mask(missing)
        done[column] = pd.to_numeric(kept) if letters else kept
    return frame.assign(**done), said


def _between(codes: pd.Series, low: object, high: object) -> pd.Series:
    return (
        codes.between(low, high)
        if pd.api.types.is_numeric_dtype(codes)
        else codes.isin([low, high])
    )


def _declared(code: object, ranges: list[dict], letters: list[str]) -> bool:
    if isinstance(code, str):
        return code in letters or any(code == r["lo"] for r in ranges)
    return any(not isinstance(r["lo"], str) and r["lo"] <= code <= r["hi"] for r in ranges)


def _plain(code: object) -> str:
    return (
        f"{code:g}"
        if isinstance(code, float)
        else f".{code}"
        if isinstance(code, str)
        else str(code)
    )
