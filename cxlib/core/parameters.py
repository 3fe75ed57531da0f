"""The parameters of a notebook, read from its cell tagged `parameters`, and held strictly.

    STUDY: str = "sample"   # folder under data/
    DRAWS: int = 1000       # bootstrap draws behind each interval (100 to 20000)

    known = parameters.read(path)                      # name -> Parameter
    parameters.settle(known, {"DRAWS": "500"})         # typed values; ValueError names the mistake

The bracket that ends a comment is read by the machine: `(100 to 20000)`, `(one of: en, zh)`,
`(a wave)`, `(a unit)`, `(an item)`, `(items)`, `(a condition on responses)`, `(columns of
responses)`, `(a column of customers|orders)`, `(a column in any table)`. Of several tables the
first that the study has counts; without a table it is that of any survey answers, customers or
orders. All but the first two are checked against the study (`reserve.selection`): by `cx run`
before any kernel starts, by a notebook that runs elsewhere when it opens its study.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from cxlib.core import context

TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list[str]": list}
INJECTED = "# Parameters\n"  # begins the cell that papermill adds
YES, NO = {"true", "yes", "1", "on"}, {"false", "no", "0", "off"}
KINDS = {
    "a wave": "wave",
    "a condition": "condition",
    "a column": "column",
    "columns": "column",
    "a column in any table": "column in any table",
    "columns in any table": "column in any table",
    "a unit": "unit",
    "an item": "item",
    "items": "item",
}
OF_TABLES = re.compile(r"(.+) o[fn] ([\w|]+)")  # a condition on responses


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell.

    `kind` is what the value must be in the study ("wave", "condition", "column", "item") or empty,
    `tables` those whose columns it may speak of, of which the first that a study has counts.
    """

    name: str
    type: str
    default: object
    comment: str = ""
    kind: str = ""
    tables: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def limits(self) -> str:
        """The lowest and highest value allowed, as people write them; empty when there are none."""
        return "" if self.low is None else f"{self.low:,.15g} to {self.high:,.15g}"

    def read(self, value: object) -> Any:
        """`value`, text or typed, as this parameter takes it. Raises ValueError."""
        try:
            typed = _typed(value, self.type)
        except ValueError as error:
            raise ValueError(f"{self.name}={value!r} is not {_TYPE_WORDS[self.type]}.") from error
        if isinstance(typed, list) and (twice := [v for v in typed if typed.count(v) > 1]):
            raise ValueError(f"{self.name} names {twice[0]!r} twice. Name each once.")
        if self.choices and str(typed) not in self.choices:
            raise ValueError(
                f"{self.name}={typed!r} is not allowed{nearest(str(typed), self.choices) or '.'} "
                f"Allowed: {', '.join(self.choices)}."
            )
        if self.low is not None and self.high is not None and not self.low <= typed <= self.high:
            raise ValueError(f"{self.name}={typed} is out of range. Allowed: {self.limits}.")
        return typed

    def against(self, value: object, known: Mapping[str, Iterable[str]]) -> None:
        """Raise ValueError if a wave, column or item is not among those `known` of that kind."""
        if self.kind not in known:
            return
        allowed = list(known[self.kind])
        for name in value if isinstance(value, list) else [value]:
            if name and name not in allowed:
                raise ValueError(
                    f"{self.name}={name!r}: the study has no such {self.kind}"
                    f"{nearest(str(name), allowed) or '.'} There are: "
                    f"{', '.join(allowed) or 'none'}."
                )


_TYPE_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list[str]": "a list (write it with commas: a,b,c)",
}


@cache
def read(notebook: Path) -> dict[str, Parameter]:
    """The parameters of the notebook at a path, by name, in order.

    Raises ValueError when there is no cell tagged `parameters`, or a line of it is not
    `NAME: type = value`.
    """
    cells = content(notebook)["cells"]
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(
            f"{notebook.name} has {len(tagged)} cells tagged 'parameters'; it must have one."
        )
    return read_cell("".join(tagged[0]["source"]), notebook.name)


def content(notebook: Path) -> dict[str, Any]:
    """The notebook at a path as JSON has it; whoever runs it sees whether all of it is well formed.

    Raises ValueError for a file that is no notebook of version 4.
    """
    try:
        found = parsed(notebook.read_bytes())
        if found["nbformat"] == 4:
            return found
        raise ValueError(f"its format is {found['nbformat']}; save it anew with Jupyter")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{notebook.name} is no notebook of version 4: {error}.") from error


@lru_cache(maxsize=100)
def parsed(notebook: bytes) -> Any:
    """What these bytes hold as JSON, read once: a run asks for it several times. Not to be changed.

    Raises ValueError where they are not JSON.
    """
    return json.loads(notebook)


def read_cell(source: str, where: str = "the cell") -> dict[str, Parameter]:
    """The parameters that a cell's source declares."""
    comments = _comments(source)
    found = {}
    for line in ast.parse(source).body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            raise ValueError(
                f"{where}: line {line.lineno} of the parameters is not `NAME: type = value  # why`."
            )
        kind = ast.unparse(line.annotation)
        if kind not in TYPES or line.value is None:
            raise ValueError(
                f"{where}: {line.target.id} is of type {kind}; allowed: {', '.join(TYPES)}, with a "
                "default."
            )
        default = ast.literal_eval(line.value)
        found[line.target.id] = _declared(
            line.target.id, kind, default, comments.get(line.end_lineno or 0, "")
        )
    return found


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _declared(name: str, kind: str, default: object, comment: str) -> Parameter:
    bracket = re.search(r"\(([^()]*)\)\s*$", comment)
    rule = bracket[1].strip() if bracket else ""
    words = comment[: bracket.start()].strip() if bracket else comment
    if rule.startswith("one of:"):
        choices = tuple(c.strip() for c in rule.removeprefix("one of:").split(","))
        return Parameter(name, kind, default, words, choices=choices)
    if limits := re.fullmatch(r"(-?[\d.]+) to (-?[\d.]+)", rule):
        return Parameter(name, kind, default, words, low=float(limits[1]), high=float(limits[2]))
    tables: tuple[str, ...] = ()
    if named := OF_TABLES.fullmatch(rule):
        rule, tables = named[1], tuple(named[2].split("|"))
    if rule in KINDS:
        return Parameter(name, kind, default, words, kind=KINDS[rule], tables=tables)
    return Parameter(name, kind, default, comment)


def _typed(value: object, kind: str) -> Any:
    if isinstance(value, str) and kind != "str":
        return _from_text(value.strip(), kind)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "list[str]":
        if not isinstance(value, (list, tuple)):
            raise ValueError
        return [str(v) for v in value]
    if type(value) is not TYPES[kind]:
        raise ValueError
    return value


def _from_text(text: str, kind: str) -> object:
    if kind == "bool":
        if text.lower() not in YES | NO:
            raise ValueError
        return text.lower() in YES
    if kind == "list[str]":
        return [part.strip() for part in text.split(",") if part.strip()]
    value = TYPES[kind](text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def settle(
    declared: Mapping[str, Parameter], given: Mapping[str, object], where: str = "the notebook"
) -> dict[str, object]:
    """Every declared parameter with its value: the given one, checked, or its default."""
    for name in given:
        if name not in declared:
            raise ValueError(
                f"{where} has no parameter {name!r}{nearest(name, declared) or '.'} It has: "
                f"{', '.join(declared) or 'none'}."
            )
    return {n: p.read(given[n]) if n in given else p.default for n, p in declared.items()}


def of_notebook() -> tuple[dict[str, Parameter], dict[str, Any]]:
    """The parameters that the running notebook declares, and their values; both empty elsewhere.

    The values are those that the names have now, whoever set them: the cell, a hand, papermill in a
    cell of its own. Text is taken as `cx run -p` takes it ("a,b" for a list), and replaced.

    Raises
    ------
    ValueError : a line or a value that is not allowed, or a name that is not declared
    """
    notebook = context.shell()
    cells: list[str] = notebook.user_ns.get("In", []) if notebook else []
    sources = [source for source in cells if _assigned(source).get("STUDY") is ast.AnnAssign]
    if not sources:
        return {}, {}
    declared = read_cell(sources[-1], "this notebook")
    injected = [source for source in cells if source.startswith(INJECTED)]
    given = [name for source in injected[-1:] for name in _assigned(source)]
    space = notebook.user_ns
    here = {name: space[name] for name in dict.fromkeys([*declared, *given]) if name in space}
    values = settle(declared, here, "this notebook")
    space.update(values)
    return declared, values


def _assigned(source: str) -> dict[str, type]:
    """The names that a cell gives plain values, and how; empty for one that does anything else."""
    found = {}
    try:
        for line in ast.parse(source).body:
            target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", 0)
            if not isinstance(target, ast.Name):
                return {}
            ast.literal_eval(line.value)  # type: ignore[attr-defined]
            found[target.id] = type(line)
    except (SyntaxError, ValueError, TypeError):  # magics, calculations
        return {}
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' for a name that is nearly one of those known, else nothing."""
    folded = {k.lower(): k for k in map(str, known)}
    near = get_close_matches(name.lower(), folded, n=1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""
