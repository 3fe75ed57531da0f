"""Mistakes in study.yaml and topics.yaml, in words: the file, the key, what was found, what may be.

in_words(Study, folder, error, parsed)      # mine/topics.yaml: topics.late.lable: ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from cxlib.data import reference, topic_file

Place = tuple[str | int, ...]
TYPE_ERRORS = ("_type", "_parsing", "_from_float")  # how pydantic's names of such mistakes end


def in_words(
    model: type[BaseModel], folder: Path, error: ValidationError, parsed: Callable[[str], object]
) -> str:
    """The mistakes by file, a line each.

    Parameters
    ----------
    model : of study.yaml
    folder : of the study
    error : of its validation
    parsed : reads the text of a YAML file
    """
    own = _in_topics(folder, parsed)
    lines: dict[str, list[str]] = {}
    for mistake in _by_key(model, error):
        line = _line(model, mistake)
        file = _file_of(line, own)
        if file == topic_file.NAME:  # where keys have shorter names
            for short, key in topic_file.KEYS.items():
                line = re.sub(rf"^{key}\.", f"{short}.", line)
        lines.setdefault(file, []).append(f"  {line}")
    said = []
    for file, there in lines.items():
        said += [f"{folder.name}/{file} has {len(there)} mistake(s):", *dict.fromkeys(there)]
    return "\n".join(said)


def _in_topics(folder: Path, parsed: Callable[[str], object]) -> set[str]:
    """How keys begin that stand in topics.yaml."""
    file = folder / topic_file.NAME
    if not file.is_file():
        return set()
    try:
        content = parsed(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError):  # it was read before
        return set()
    parts = content.items() if isinstance(content, dict) else ()
    names = [(topic_file.KEYS.get(k, k), v) for k, v in parts if isinstance(v, dict)]
    return {f"{key}.{name}" for key, of in names for name in of}


def _file_of(line: str, own: set[str]) -> str:
    there = any(line.startswith((f"{key}.", f"{key}:", f"{key} ")) for key in own)
    return topic_file.NAME if there else "study.yaml"


def _by_key(model: type[BaseModel], error: ValidationError) -> list[Any]:
    """One mistake for each key: of a key with several types, each would say its own."""
    found: dict[Place, Any] = {}
    for mistake in error.errors():
        place = tuple(mistake["loc"])
        key = _without_types(place)
        worded = mistake["type"] in ("value_error", "literal_error", "missing", "extra_forbidden")
        if key not in found or (worded and found[key]["type"] not in ("value_error",)):
            found[key] = {**mistake, "loc": key, "several": key != place}
    # What is wrong inside a key says more than that the key is not of another type.
    inside = {key[:n] for key in found for n in range(1, len(key))}
    return [m for key, m in found.items() if key not in inside or not m["several"]]


def _without_types(place: Place) -> Place:
    """A place without the names of types that pydantic adds where a key may be of several."""
    return tuple(p for p in place if not (isinstance(p, str) and re.search(TYPES, p)))


TYPES = r"^(str|int|float|bool|dict|list|function|lax|tagged|constrained|nullable)(\[|-|$)"


def _line(model: type[BaseModel], mistake: Any) -> str:
    place: Place = mistake["loc"]
    key = ".".join(str(part) for part in place)
    message = mistake["msg"].removeprefix("Value error, ")
    found, kind = mistake["input"], mistake["type"]
    if kind == "missing":
        return f"{key}: this key is required and is not there"
    if kind == "extra_forbidden":
        known = reference.known_at(model, place[:-1])
        near = _nearest(str(place[-1]), known)
        message = f"this key is not known{near or '.'} Known here: {', '.join(known)}."
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", str(mistake["ctx"]["expected"]))
        hint = _nearest(str(found), words) or ";"
        return f"{key}: {found!r} is not allowed{hint} Allowed: {', '.join(words)}."
    elif kind.endswith(TYPE_ERRORS) and (wanted := reference.type_at(model, place)):
        what = "nothing" if found is None else "a mapping" if isinstance(found, dict) else "it"
        what = "a list" if isinstance(found, list) else what
        message = f"it must be {wanted}" + (f", and {what} stands there" if what != "it" else "")
    message = re.sub("^Input should be", "it must be", message)
    if not key:  # a check of the whole file names its key itself
        return message if re.match(r"[\w.]+( \S+)?: ", message) else f"(whole file): {message}"
    shown = f" (found {found!r})" if isinstance(found, (str, int, float, list, tuple)) else ""
    return f"{key}: {message}{shown}"


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
