"""The reference of study.yaml, made from its models: what each key is, and a JSON Schema.

    reference.text(Study, "items.scale")     # one key, for the terminal
    reference.markdown(Study)                # docs/study-yaml.md
    reference.json_schema(Study)             # docs/study.schema.json, for editors

Names that the user chooses, as of tables and items, are written as *: `items.*.scale`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

OWN = ("name", "folder")  # of the model, not of the file
KINDS = {str: "text", int: "whole number", float: "number", bool: "yes or no", date: "date"}


@dataclass(frozen=True)
class Key:
    """A key of study.yaml: its place, type, default, meaning and example in words."""

    path: tuple[str, ...]
    type: str
    default: str
    meaning: str
    example: str

    @property
    def name(self) -> str:
        """The key as it is written, with its parents: items.*.scale."""
        return ".".join(self.path)

    @property
    def plain(self) -> str:
        """The name without the names that the user chooses: items.scale."""
        return ".".join(p for p in self.path if p != "*")


def keys(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key of a model and of the models in it, those of a key behind it."""
    for name, field in model.model_fields.items():
        if name in OWN and not place:
            continue
        path = (*place, field.alias or name)
        default = "required" if field.is_required() else _written(field.get_default())
        [example] = field.examples or [""] if len(field.examples or []) < 2 else [field.examples]
        yield Key(path, _type(field.annotation), default, field.description or "", _shown(example))
        inner, chosen = _model_in(field.annotation)
        if inner is not None:
            yield from keys(inner, (*path, *["*"] * chosen))


def find(model: type[BaseModel], name: str) -> list[Key]:
    """The key called `name` and those below it; of no such key LookupError with the nearest.

    Names that the user chose may stand in `name` or not: items.scale, items.delivery.scale.
    """
    every = list(keys(model))
    if slip := _slip(model, name.split(".")):
        raise LookupError(
            f"study.yaml has no key {name!r}. Did you mean {slip!r}? After "
            f"{name.rpartition('.')[0]!r} a name of yours may stand, then its keys."
        )
    for wanted in (_followed(model, name.split(".")), name):
        found = [k for k in every if k.plain == wanted or k.plain.startswith(f"{wanted}.")]
        if found:
            return found
    ends = {k.path[-1] for k in every}
    if name in ends:  # `scale` alone: wherever it stands
        return [k for k in every if k.path[-1] == name]
    near = get_close_matches(name, [*(k.plain for k in every), *ends], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise LookupError(
        f"study.yaml has no key {name!r}.{hint} Keys at the top: "
        f"{', '.join(f for f in model.model_fields if f not in OWN)}."
    )


def known_at(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand at a place of the file, as ("items", "delivery")."""
    at: Any = model
    for part in place:
        inner = at.model_fields.get(part) if isinstance(part, str) else None
        if inner is not None:
            at = _model_in(inner.annotation)[0] or at
    fields = at.model_fields.items()
    return [f.alias or name for name, f in fields if name not in OWN or at is not model]


def type_at(model: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """What a key of the file must be, in words; empty where the place is no key of the model."""
    at: Any = model
    field: FieldInfo | None = None
    below = 0  # names of the user's that have been passed since the key
    for part in place:
        inner = at.model_fields.get(part) if isinstance(part, str) else None
        if inner is None:
            below += 1
            continue
        field, below = inner, 0
        at = _model_in(inner.annotation)[0] or at
    if field is None:
        return ""
    return _type(_inside(field.annotation, below))


def _inside(annotation: Any, below: int) -> Any:
    """The type of what a mapping or a list holds, so many levels down."""
    for _level in range(below):
        annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
        options = [annotation, *get_args(annotation)]
        held = next((o for o in options if get_origin(o) in (dict, list)), None)
        annotation = annotation if held is None else get_args(held)[-1]
    return annotation


def text(model: type[BaseModel], name: str = "", width: int = 80) -> str:
    """The keys at the top of study.yaml, or one key and those below it, for a terminal."""
    lines: list[str] = []
    if not name:
        for key in (k for k in keys(model) if len(k.path) == 1):
            first = f"{key.name}: {key.meaning.split('. ')[0].rstrip('.')}."
            lines += textwrap.wrap(first, width, subsequent_indent="    ")
        return "\n".join(["Keys of study.yaml; `cx help study.yaml KEY` for one.", "", *lines])
    for key in find(model, name):
        default = key.default if key.default == "required" else f"default: {key.default}"
        lines.append(key.name)
        for said in (f"{key.type}; {default}", key.meaning, f"Example: {key.example}"):
            lines += [f"    {line}" for line in textwrap.wrap(said, width - 4)]
    return "\n".join(lines)


def markdown(model: type[BaseModel]) -> str:
    """The whole reference as a page."""
    lines = [
        "# study.yaml",
        "",
        "Made from the models by `cx help study.yaml --markdown`; do not edit. A `*` stands for a",
        "name that you choose. Words need no quotes: NO, yes and 01 are text unless the key wants",
        "yes or no, or a number.",
    ]
    every = list(keys(model))
    deep = list(dict.fromkeys(k.path[0] for k in every if len(k.path) > 1))
    for section in ["", *deep]:
        lines += ["", f"## {section or 'The study'}", ""]
        lines += ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
        for key in (k for k in every if (k.path[0] if k.path[0] in deep else "") == section):
            cells = [f"`{key.name}`", key.type, key.default, key.meaning, f"`{key.example}`"]
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def json_schema(model: type[BaseModel]) -> str:
    """The JSON Schema of the file, as editors use it to complete and to check."""
    schema = model.model_json_schema(mode="validation")
    for name in OWN:
        del schema["properties"][name]
    schema["required"] = [name for name in schema["required"] if name not in OWN]
    schema["title"] = "study.yaml of CX Lab"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _followed(model: type[BaseModel], parts: list[str]) -> str:
    """The parts that are keys, those the user chose left out."""
    at, taken, free = model, list[str](), 0
    for part in parts:
        field: FieldInfo | None = at.model_fields.get(part)
        if field is None and free:
            free -= 1
            continue
        taken.append(part)
        inner, free = _model_in(field.annotation) if field is not None else (None, 0)
        at = inner or at
    return ".".join(taken)


def _slip(model: type[BaseModel], parts: list[str]) -> str:
    """The key that the last part is near to where a name of the user's may stand; else empty."""
    *place, last = parts
    known = known_at(model, tuple(place)) if place else []
    if last in known or _followed(model, parts) != _followed(model, place):
        return ""
    near = get_close_matches(last, known, n=1, cutoff=0.75)
    return ".".join([*place, near[0]]) if near else ""


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, int]:
    """The model that a type holds, and how many names of the user's lie between."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, 0
    for part in get_args(annotation):
        inner, chosen = _model_in(part)
        if inner is not None:
            return inner, chosen + (get_origin(annotation) is dict)
    return None, 0


def _type(annotation: Any) -> str:
    """A type in words: "list of text"."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in KINDS:
        return KINDS[annotation]
    if origin is Annotated:
        return _type(parts[0])
    if origin is Literal:
        return "one of " + ", ".join(map(str, parts))
    if origin in (Union, UnionType):
        return " or ".join(_type(p) for p in parts if p is not type(None))
    if origin is list:
        return f"list of {_type(parts[0])}"
    if origin is tuple:
        return f"list of {len(parts)}: {', '.join(map(_type, parts))}"
    if origin is dict and get_origin(parts[0]) is Literal and "zh" in get_args(parts[0]):
        return "text, or one for each language" if parts[1] is str else "lists by language"
    if origin is dict:
        return f"mapping to {_type(parts[1])}"
    return "keys below"


def _written(default: Any) -> str:
    if isinstance(default, BaseModel) or default in (None, "", [], {}):
        return "none"
    return _shown(default)


def _shown(value: Any) -> str:
    """A value as study.yaml writes it, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"'{value}'" if set(value) & set(":#{}[]*") and "://" not in value else value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_shown(k)}: {_shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "null" if value is None else str(value)
