"""JSON: a list of records, an object that holds one, or a record a line.

What is nested one level deep becomes columns "values.Q1"; a list of words becomes "a; b".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from cxlib.data.intake.encodings import to_utf8
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import Raw, numbered
from cxlib.data.mapping import Reading


def read(path: Path, name: str, options: Reading) -> Raw:
    """The records of a JSON file (.json) or of a file with a record a line (.jsonl)."""
    content, encoding, _ = to_utf8(path.read_bytes(), name, options.encoding)
    records, note = _records(content.decode(), name, options.table)
    if bad := [i for i, r in enumerate(records, 1) if not isinstance(r, dict)]:
        raise IntakeError(
            f"{name}: record {bad[0]:,} ({len(bad):,} in all) is no object with named fields: "
            f"{json.dumps(records[bad[0] - 1])[:60]}. Export one object a record."
        )
    if not records:
        raise IntakeError(f"{name} holds no records. Export it again.")
    frame = pd.DataFrame([_flat(r) for r in records], dtype=object)
    frame = frame.mask(frame.isna() | (frame == "")).convert_dtypes()
    return numbered(frame, [note], encoding=encoding)


def _records(text: str, name: str, table: str) -> tuple[list[Any], str]:
    try:
        found = json.loads(text)
    except RecursionError:
        raise IntakeError(
            f"{name}: its brackets lie too deep within each other. Export a list of flat records."
        ) from None
    except json.JSONDecodeError as whole:
        if whole.msg != "Extra data":
            raise IntakeError(f"{name} is not JSON: {whole}. Export it again.") from None
        return _lines(text, name), f"{name}: a record a line."
    if isinstance(found, list):
        return found, f"{name}: a list of {len(found):,} records."
    lists = (
        {k: v for k, v in found.items() if isinstance(v, list)} if isinstance(found, dict) else {}
    )
    if table and table not in lists:
        raise IntakeError(f"{name} has no list {table!r}. It has: {', '.join(lists) or 'none'}.")
    records = {k: v for k, v in lists.items() if v and isinstance(v[0], dict)}
    if not table and len(records) > 1:
        raise IntakeError(
            f"{name} holds several lists: {', '.join(records)}. Choose with `table:`."
        )
    if not table and not records:
        return [found], f"{name}: a single record."
    key = table or next(iter(records))
    return lists[key], f"{name}: the {len(lists[key]):,} records of {key!r}."


def _lines(text: str, name: str) -> list[Any]:
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except RecursionError:
            raise IntakeError(
                f"{name} line {number}: its brackets lie too deep within each other. Correct the "
                "line or export the file again."
            ) from None
        except json.JSONDecodeError as error:
            raise IntakeError(
                f"{name} line {number}: no JSON record ({error.msg} at character {error.pos + 1}). "
                "Correct the line or export the file again."
            ) from None
    return records


def _flat(record: dict[str, Any]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in record.items():
        parts = (
            {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
        )
        flat |= {k: _cell(v) for k, v in parts.items()}
    return flat


def _cell(value: object) -> object:
    if isinstance(value, list) and all(isinstance(v, (str, int, float)) for v in value):
        return "; ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
