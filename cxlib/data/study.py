"""study.yaml read and checked: what a study is called, where its tables come from, what was asked.

    study = read("mobile")                       # data/mobile/study.yaml, or a path to one
    study.label("cusa1", "zh")                   # 总体满意度
    study.items_of("touchpoint")                 # names, in the order of the file
    study.tables["responses"].columns            # ours -> theirs

Every mistake is named with its key, what was found and what is allowed (`StudyError`); nothing is
guessed and nothing unknown is passed over.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from cxlib.data import contract, reference, sources
from cxlib.data.mapping import (
    CodedShares,
    Language,
    Mapping,
    Source,
    Strict,
    Text,
    code_keys,
)
from cxlib.data.schema import (
    STAGES,
    Change,
    Churn,
    Costs,
    IndexModel,
    Item,
    Journey,
    Loyalty,
    Replicates,
    Reporting,
    Segments,
    Service,
    Stage,
    Target,
    Topic,
    WithValue,
)

SCORES = ("nps", "csat", "effort", "index")  # that may have a target by their own names
# Further measures that may: those of pages 23, 24 and 31 to 33, 42. Of the second less is better.
HIGHER = (
    *("clv", "active", "retained", "caught", "repeat_purchase", "repeat_revenue"),
    *("first_contact_resolution", "maturity", "programme_effect"),
)
LOWER = (*("at_risk", "unprofitable", "complaint_rate", "open_cases", "median_hours_to_solution"),)


class StudyError(ValueError):
    """A study.yaml that cannot be used; the message has a line for each mistake."""


class Study(Strict):
    """A study.yaml that was found sound."""

    name: str
    folder: Path
    title: Text = Field(description="Title of the study.", examples=["Shop survey 2026"])
    about: Text | None = Field(
        default=None,
        description="What it is about, in a sentence or two.",
        examples=["Buyers of 2026."],
    )
    source: str = Field(
        default="", description="Where the data come from.", examples=["Own survey"]
    )
    licence: str = Field(
        default="", description="What may be done with the data.", examples=["internal"]
    )
    citation: str = Field(
        default="",
        description="How the data are to be cited.",
        examples=["Miller (2024), J. Retail 3"],
    )
    currency: str = Field(default="", description="Currency of all amounts.", examples=["EUR"])
    country: str = Field(
        default="",
        pattern="^([A-Z]{2})?$",
        description="Country whose telephone numbers are written without +49 or the like; such "
        "numbers are masked.",
        examples=["DE"],
    )
    sources: dict[str, Source] = Field(
        default={},
        description="Public data that are fetched, by the name that `file` uses.",
        examples=[{"mobi.csv": {"url": "https://example.org/mobi.csv", "sha256": "0" * 64}}],
    )
    tables: Annotated[dict[str, Mapping], Field(min_length=1)] = Field(
        description=f"The tables that the study has, of: {', '.join(contract.TABLES)}.",
        examples=[{"responses": {"files": "answers.csv", "columns": {"response_id": "id"}}}],
    )
    strict: bool = Field(
        default=False,
        description="Whether a cell that breaks a rule costs its row, and a row of a customer who "
        "is not among the customers is set aside. By default the cell becomes missing and the row "
        "stays. A table may say otherwise with its own `strict`.",
        examples=[True],
    )
    only: str = Field(
        default="",
        description="Condition, as in SQL, for every table that has its columns: other rows are "
        "left out and counted. See `tables.*.only`.",
        examples=["country = 'NO'"],
    )
    labels: Annotated[
        dict[str, Text], BeforeValidator(code_keys, json_schema_input_type=dict[str, Text])
    ] = Field(
        default={},
        description="What readers call attributes, touchpoints and values.",
        examples=[{"plan": {"en": "Plan", "zh": "套餐"}}],
    )
    items: dict[str, Item] = Field(
        default={},
        description="The questions of the survey, by the name of their column.",
        examples=[{"recommend": {"label": "Recommendation", "scale": [0, 10], "role": "nps"}}],
    )
    model: IndexModel | None = Field(
        default=None,
        description="The satisfaction index of notebook 11.",
        examples=[{"preset": "ecsi12", "constructs": {"satisfaction": ["overall"]}}],
    )
    drivers: list[str] = Field(
        default=[],
        description="Items that may explain the outcome; the touchpoint items when empty.",
        examples=[["delivery", "room"]],
    )
    outcome: str = Field(
        default="",
        description="Item that is to be explained; the first nps, else csat item when empty.",
        examples=["recommend"],
    )
    targets: dict[str, Annotated[Target, WithValue]] = Field(
        default={},
        description="What measures are to reach: {item, construct of the model, nps, csat, effort, "
        f"index, {', '.join(HIGHER + LOWER)}: value, or {{value, by, direction}}}}. "
        "Shares of cases in time have theirs in `service.share`.",
        examples=[{"nps": 30, "complaint_rate": {"value": 50, "by": "2026-12-31"}}],
    )
    group: str = Field(
        default="", description="Column whose groups pages compare.", examples=["region"]
    )
    margins: dict[str, CodedShares] = Field(
        default={},
        description="Shares of the population to weight to: {attribute: {value: share}}, the "
        "shares of each adding up to 1.",
        examples=[{"sex": {"F": 0.51, "M": 0.49}}],
    )
    replicates: Replicates | None = Field(
        default=None,
        description="Replicate weights in the file of responses.",
        examples=[{"prefix": "repwgt", "kind": "brr"}],
    )
    stages: list[Stage] = Field(
        default=list(STAGES), description="Journey stages that the study uses.", examples=[["use"]]
    )
    touchpoints: dict[str, Stage] = Field(
        default={},
        description="{touchpoint of the events: its stage}.",
        examples=[{"delivery": "use"}],
    )
    journey: Journey = Field(
        default=Journey(),
        description="How events make journeys.",
        examples=[{"goal": ["purchase"]}],
    )
    service: Service = Field(
        default=Service(),
        description="Service standards and what complaints are about.",
        examples=[{"standards": {"any": {"solved_hours": 72}}}],
    )
    topics: dict[str, Topic] = Field(
        default={},
        description="Topics of comments; they come before those that are found.",
        examples=[{"late": {"label": "Late delivery", "words": {"en": ["late", "delay*"]}}}],
    )
    churn: Churn | None = Field(
        default=None,
        description="Who counts as having left.",
        examples=[{"flag": "Churn", "left": "Yes"}],
    )
    changes: list[Change] = Field(
        default=[],
        description="What was done or happened, to ask whether it worked (notebook 40).",
        examples=[[{"name": "price", "label": "Price", "design": "series", "begun": "2026-Q1"}]],
    )
    segments: Segments = Field(
        default=Segments(),
        description="How customers are grouped.",
        examples=[{"value": "spend_365"}],
    )
    loyalty: Loyalty = Field(
        default=Loyalty(), description="Repeat purchase (notebook 33).", examples=[{"quiet": 90}]
    )
    mask: list[str] = Field(
        default=[],
        description="Names of people that are masked in every text of a page.",
        examples=[["Jane Miller"]],
    )
    costs: Costs = Field(
        default=Costs(),
        description="What contacts, offers, customers cost.",
        examples=[{"contact": 4.5}],
    )
    reporting: Reporting = Field(
        default=Reporting(), description="What pages show.", examples=[{"languages": ["en", "zh"]}]
    )
    accept: list[str] = Field(
        default=[],
        description="Warnings of `cx check` that are right as they are, called TABLE.COLUMN.RULE "
        "as the check calls them; * stands for any.",
        examples=[["orders.at.future_dates"], ["*.never_dates"]],
    )
    unconfirmed: list[str] = Field(
        default=[],
        description="Guesses of `cx new` that nobody has confirmed yet. `cx check`, page 00 and "
        "the index show them; take a line away when it is right.",
        examples=[["Which question is the outcome that the reports are about? Taken: Overall"]],
    )
    reports: dict[str, dict[str, str | int | float | bool | list[str]]] = Field(
        default={},
        description="Notebooks that `cx run` makes: a list, or {notebook: {PARAMETER: value}}.",
        examples=[[10, 20], {"20": {"DRAWS": 500}}],
    )

    @field_validator("tables", mode="after")
    @classmethod
    def _known_tables(cls, mappings: dict[str, Mapping]) -> dict[str, Mapping]:
        for name in mappings:
            if name not in contract.TABLES:
                raise ValueError(f"{name!r} is not a table{_nearest(name, contract.TABLES)}")
            ratings = [c.name for c in contract.TABLES[name].columns.values() if c.rating]
            for column in mappings[name].scales:
                if column not in ratings:
                    there = f"Ratings there: {', '.join(ratings) or 'none'}"
                    raise ValueError(
                        f"{name}.scales: {column!r} is no rating of {name}"
                        f"{_nearest(column, ratings)} {there}; questions have their scale under "
                        "items"
                    )
        return mappings

    @field_validator("targets", mode="after")
    @classmethod
    def _directions(cls, targets: dict[str, Target]) -> dict[str, Target]:
        """The targets, each with the direction of its measure unless it names one."""
        usual = {name: "at most" if name in LOWER else "at least" for name in targets}
        return {
            name: target
            if target.direction
            else target.model_copy(update={"direction": usual[name]})
            for name, target in targets.items()
        }

    @field_validator("reports", mode="before", json_schema_input_type=list[str | int] | dict)
    @classmethod
    def _plain_list(cls, reports: object) -> object:
        return {str(r): {} for r in reports} if isinstance(reports, list) else reports

    @model_validator(mode="after")
    def _names_agree(self) -> Study:
        for where, names in self._references().items():
            for name in names:
                if name not in self.items:
                    raise ValueError(
                        f"{where}: {name!r} is not an item{_nearest(name, self.items)}"
                    )
        names = [change.name for change in self.changes]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"changes: {sorted(twice)} stand there twice; give each its own name")
        for change in self.changes:
            if change.table not in self.tables:
                raise ValueError(f"changes.{change.name}: the study has no table {change.table}")
        constructs = self.model.constructs if self.model else {}
        for name in self.targets:
            if name not in (known := (*SCORES, *self.items, *constructs, *HIGHER, *LOWER)):
                raise ValueError(
                    f"targets: {name!r} is no item, construct or measure{_nearest(name, known)}. "
                    f"There are: {', '.join(known)}."
                )
        for attribute, shares in self.margins.items():
            if abs(sum(shares.values()) - 1) > 0.005:
                raise ValueError(
                    f"margins.{attribute}: the shares add up to {sum(shares.values()):.3f}, not 1"
                )
        return self

    def _references(self) -> dict[str, list[str]]:
        found = {"drivers": self.drivers, "outcome": [self.outcome] if self.outcome else []}
        for change in self.changes:
            asked = [change.outcome, *change.also] if change.table == "responses" else []
            found[f"changes.{change.name}"] = [name for name in asked if name]
        constructs = self.model.constructs if self.model else {}
        for construct, items in constructs.items():
            found[f"model.constructs.{construct}"] = [i for i in items if i not in constructs]
        return found

    def items_of(self, *roles: str) -> list[str]:
        """Names of the items that have one of the roles, in the order of the file."""
        return [name for name, item in self.items.items() if item.role in roles]

    def label(self, name: str, lang: str = "en") -> str:
        """What a reader calls an item, construct, attribute or touchpoint, else the name itself."""
        language = cast(Language, lang)
        if name in self.items:
            return self.items[name].label.get(language, name)
        if self.model and name in self.model.labels:
            return self.model.labels[name].get(language, name)
        return self.labels.get(name, {}).get(language, name.replace("_", " "))

    @property
    def default_outcome(self) -> str:
        roles = ("nps", "csat", "effort", "intention")
        found = [name for role in roles for name in self.items_of(role)]
        return self.outcome or (found[0] if found else "")

    @property
    def default_drivers(self) -> list[str]:
        return self.drivers or self.items_of("touchpoint")

    @property
    def reserve_path(self) -> Path:
        return self.folder / "reserve.duckdb"


def root() -> Path:
    """The project's folder: CX_ROOT, or the nearest one above that holds data/ and notebooks/."""
    if given := os.environ.get("CX_ROOT"):
        return Path(given)
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "data").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise StudyError(
        f"no folder above {here} holds data/ and notebooks/. Set CX_ROOT to the project."
    )


def names() -> list[str]:
    """The studies there are, by name."""
    return sorted(p.parent.name for p in (root() / "data").glob("*/study.yaml"))


def folder_of(name: str) -> Path:
    """data/<name>, whether it exists or not; StudyError for a name that leaves data/."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise StudyError(
            f"{name!r} is not a study name. Use letters, digits, '-' and '_', 64 at most: the name "
            "of a folder under data/."
        )
    return root() / "data" / name


if TYPE_CHECKING:
    _Loader = yaml.SafeLoader
else:
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: 10x


class _Plain(_Loader):
    """YAML in which a word is a word: only whole numbers and decimals are numbers, nothing else.

    By the letter of YAML 1.1, NO is false, 01 is 1, 12:30 is 750 and 2026-03-01 a date, as keys
    too. Here they stay text, and what a key of study.yaml wants decides what they are: `keep: yes`
    is true, a country NO is "NO". A key that stands twice is a mistake.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: the key {key.value!r} stands there twice")
            seen.add(key.value)
            if key.tag in (YAML + "int", YAML + "float"):
                key.tag = YAML + "str"
        return super().construct_mapping(node, deep)


YAML = "tag:yaml.org,2002:"
_WHOLE = r"[-+]?(0|[1-9][0-9]*)"
_DECIMAL = r"[-+]?(0|[1-9][0-9]*)?[.][0-9]+([eE][-+]?[0-9]+)?|[-+]?[1-9][0-9]*[eE][-+]?[0-9]+"
_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in (YAML + "null", YAML + "merge")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
for _tag, _numbers in (("int", _WHOLE), ("float", _DECIMAL)):
    _Plain.add_implicit_resolver(YAML + _tag, re.compile(f"^({_numbers})$"), [*"-+.0123456789"])


def read(name: str | Path) -> Study:
    """The study called `name`, or the study.yaml at a path. Raises StudyError."""
    file = (
        Path(name) if str(name).endswith((".yaml", ".yml")) else folder_of(str(name)) / "study.yaml"
    )
    if not file.is_file():
        known = names()
        raise StudyError(
            f"no study {str(name)!r}{_nearest(str(name), known) or '.'} There are: "
            f"{', '.join(known) or 'none yet'}. `cx new {file.parent.name} FILE...` makes one."
        )
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Plain)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{file.parent.name}/study.yaml is not YAML: {_yaml(error)}") from error
    if not isinstance(content, dict):
        raise StudyError(
            f"{file.parent.name}/study.yaml holds no keys. Start with title, source, tables."
        )
    try:
        content = _with_ledgers(content, file.parent)
        return Study(**{**content, "name": file.parent.name, "folder": file.parent})
    except ValidationError as error:
        raise StudyError(_mistakes(file.parent.name, error)) from error


def _with_ledgers(content: dict, folder: Path) -> dict:
    """What people keep beside study.yaml, actions.csv and audits.csv, need not be named in it."""
    mapped = content.get("tables")
    for name in ("actions", "audits"):
        if not isinstance(mapped, dict) or name in mapped:
            continue
        try:
            file = sources.local(folder, f"{name}.csv")
        except sources.SourceError as error:
            raise StudyError(f"{folder.name}: {error}") from None
        if file.is_file():
            with open(file, encoding="utf-8-sig", newline="") as lines:
                heads = next(csv.reader(lines), [])
            columns = {c: c for c in contract.TABLES[name].columns if c in heads}
            mapped = {**mapped, name: {"files": file.name, "columns": columns, "keep": True}}
    return {**content, "tables": mapped} if "tables" in content else content


def _yaml(error: Exception) -> str:
    return str(error).replace("<unicode string>", "study.yaml")


def _mistakes(name: str, error: ValidationError) -> str:
    lines = [f"{name}/study.yaml has {error.error_count()} mistake(s):"]
    for mistake in error.errors():
        key = ".".join(str(part) for part in mistake["loc"]) or "(whole file)"
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            known = reference.known_at(Study, mistake["loc"][:-1])
            near = _nearest(str(mistake["loc"][-1]), known)
            message = f"this key is not known{near or '.'} Known here: {', '.join(known)}."
        if mistake["type"] == "missing":
            lines.append(f"  {key}: this key is required and is not there")
            continue
        found = mistake["input"]
        if mistake["type"] == "literal_error":
            words = re.findall(r"'([^']*)'", str(mistake["ctx"]["expected"]))
            hint = _nearest(str(found), words) or ";"
            message = f"{found!r} is not allowed{hint} Allowed: {', '.join(words)}."
            lines.append(f"  {key}: {message}")
            continue
        shown = f" (found {found!r})" if isinstance(found, (str, int, float, list, tuple)) else ""
        lines.append(f"  {key}: {message}{shown}")
    return "\n".join(lines)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
