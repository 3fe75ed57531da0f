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
import re
from collections.abc import Hashable, Iterable
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from cxlib.core import files
from cxlib.data import contract, sources, study_mistakes, topic_file, yaml_limits
from cxlib.data.mapping import (
    ENGINE,
    CodedShares,
    File,
    Language,
    Mapping,
    Source,
    Strict,
    Text,
    code_keys,
    without_password,
)
from cxlib.data.schema import (
    STAGES,
    Benchmark,
    Change,
    Churn,
    ContactRules,
    Costs,
    IndexModel,
    Item,
    Journey,
    Limits,
    Loyalty,
    Organisation,
    Replicates,
    Reporting,
    Sampling,
    Segments,
    Service,
    Stage,
    Target,
    Topic,
    WithValue,
)
from cxlib.data.working_hours import WorkingHours, known_zone

SCORES = ("nps", "csat", "effort", "index")  # that may have a target by their own names
# Further measures that may: those of pages 23, 24 and 31 to 33, 42. Of the second less is better.
HIGHER = (
    *("clv", "active", "retained", "caught", "repeat_purchase", "repeat_revenue"),
    *("first_contact_resolution", "maturity", "programme_effect"),
)
LOWER = (*("at_risk", "unprofitable", "complaint_rate", "open_cases", "median_hours_to_solution"),)


LEDGERS = ("actions", "audits", "units", "benchmarks")  # small tables that people keep in files


class StudyError(ValueError):
    """A study.yaml that cannot be used; the message has a line for each mistake."""


def _engine(address: str) -> str:
    """The engine, where it is one that can be read in place; ValueError."""
    known = ("postgresql:", "postgres:", "sc:", "duckdb://", "${")
    if address != "duckdb" and not address.startswith(known):
        raise ValueError(
            "the engine is duckdb, a DuckDB file that others fill: duckdb://FILE, the address of a "
            "PostgreSQL database: postgresql://HOST/NAME, or that of a Spark Connect server: "
            "sc://HOST:15002"
        )
    if address.startswith("duckdb://") and ".." in Path(address).parts:
        raise ValueError(
            "a DuckDB file outside the study's folder is named by its full path: duckdb:///PATH"
        )
    return without_password(address)


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
    source: Text | None = Field(
        default=None, description="Where the data come from.", examples=["Own survey"]
    )
    licence: Text | None = Field(
        default=None, description="What may be done with the data.", examples=["internal"]
    )
    citation: Text | None = Field(
        default=None,
        description="How the data are to be cited.",
        examples=["Miller (2024), J. Retail 3"],
    )
    currency: str = Field(default="", description="Currency of all amounts.", examples=["EUR"])
    time_zone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="",
        description="Time zone of all times in the study, as Europe/Berlin or UTC: times in files "
        "that have an offset from UTC (Z, +08:00) are converted to it, others count as of it. "
        "Needed where offsets differ; else times are kept as written. Days are those of the zone, "
        "and calendar hours of service standards count summer time, too.",
        examples=["Europe/Berlin"],
    )
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
    fresh_within: str = Field(
        default="",
        pattern=r"^(\d+ (hour|day|week)s?)?$",
        description="How old the newest row of each dated table may be. The index of a run and its "
        "pages say which tables are older.",
        examples=["2 days"],
    )
    engine: Annotated[str, AfterValidator(_engine)] = Field(
        default="duckdb",
        description="Where the rows are: duckdb, a file made by `cx load`; or the address of a "
        "DuckDB file that others fill, a PostgreSQL database or a Spark Connect server, whose "
        "tables (`from: engine`) are read where they are and never copied. See docs/engines.md.",
        examples=[
            "postgresql://db.example.org/shop",
            "sc://spark.example.org:15002",
            "duckdb://warehouse.duckdb",
            "${SHOP_DB}",
        ],
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
        description="What readers call attributes, touchpoints and values, and problems at "
        "touchpoints: `delivery: problem`, `delivery: low rating`, `delivery: not reached`.",
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
    benchmarks: list[Benchmark] = Field(
        default=[],
        description="Values of others to compare measures with; or a table `benchmarks`.",
        examples=[[{"measure": "nps", "value": 31, "n": 1200, "source": "Hotel association"}]],
    )
    organisation: Organisation | None = Field(
        default=None,
        description="Units of the organisation, which pages 10, 24 and 27 compare.",
        examples=[{"column": "branch", "units": {"North": None, "Kiel": "North"}}],
    )
    group: str = Field(
        default="", description="Column whose groups pages compare.", examples=["region"]
    )
    margins: dict[str, CodedShares] = Field(
        default={},
        description="Shares of the population to weight to: {attribute: {value: share}}, the "
        "shares of each adding up to 1. Each survey wave is weighted by itself.",
        examples=[{"sex": {"F": 0.51, "M": 0.49}}],
    )
    response_rate: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of those asked who answered, where there is no table `invitations`. "
        "Page 01 asks how different the others must be to change a verdict.",
        examples=[0.32],
    )
    replicates: Replicates | None = Field(
        default=None,
        description="Replicate weights in the file of responses.",
        examples=[{"prefix": "repwgt", "kind": "brr"}],
    )
    sampling: Sampling | None = Field(
        default=None,
        description="Strata, sampling units and population of the responses, where they are not a "
        "simple random sample. Intervals of pages then follow them. Not with `replicates`.",
        examples=[{"strata": ["wave", "region"], "psu": "branch"}],
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
    working_hours: WorkingHours | None = Field(
        default=None,
        description="When the team works; page 24 counts waits by these hours, too.",
        examples=[{"from": "09:00", "to": "18:00", "holidays": ["01-01", "12-25"]}],
    )
    topics: dict[str, Topic] = Field(
        default={},
        description="Topics of comments; they come before those that are found. topics.yaml in "
        "the study's folder may add to them.",
        examples=[{"late": {"label": "Late delivery", "words": {"en": ["late", "delay*"]}}}],
    )
    topic_groups: dict[str, Text] = Field(
        default={},
        description="Groups of topics, the level above them: {group: its label}; `groups` in "
        "topics.yaml.",
        examples=[{"delivery": {"en": "Delivery", "zh": "配送"}}],
    )
    found_topics: dict[str, str | None] = Field(
        default={},
        description="What becomes of a topic that was found: {its key phrase: the topic that it is "
        "part of}, null to leave it out; `found` in topics.yaml. `cx topics STUDY` shows them.",
        examples=[{"front desk": "staff", "next time": None}],
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
    contact_rules: ContactRules = Field(
        default=ContactRules(),
        description="Rest rules: who is not to be contacted now, or ever.",
        examples=[{"most": 2, "days": 30, "never": "no_contact"}],
    )
    costs: Costs = Field(
        default=Costs(),
        description="What contacts, offers, customers cost.",
        examples=[{"contact": 4.5}],
    )
    reporting: Reporting = Field(
        default=Reporting(), description="What pages show.", examples=[{"languages": ["en", "zh"]}]
    )
    limits: Limits = Field(
        default=Limits(),
        description="How much a page may read.",
        examples=[{"rows_at_most": 500_000}],
    )
    accept: list[str] = Field(
        default=[],
        description="Warnings of `cx check` that are right as they are, and errors of a "
        "spreadsheet that stand for no answer, called TABLE.COLUMN.RULE as the check calls them; "
        "* stands for any.",
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
        for name, mapping in mappings.items():
            if name not in contract.TABLES:
                raise ValueError(f"{name!r} is not a table{_nearest(name, contract.TABLES)}")
            ratings = [c.name for c in contract.TABLES[name].columns.values() if c.rating]
            for column in mapping.scales:
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
    def _topics_agree(self) -> Study:
        for name, topic in self.topics.items():
            if topic.group and topic.group not in self.topic_groups:
                near = _nearest(topic.group, self.topic_groups)
                raise ValueError(f"topics.{name}.group: {topic.group!r} is not a group{near}")
            if not any(topic.words.values()) and name not in self.found_topics.values():
                raise ValueError(
                    f"topics.{name}: it has no words, and no found topic is part of it; give it "
                    "words or name it under found"
                )
        for phrase, given in self.found_topics.items():
            if given is not None and given not in self.topics:
                near = _nearest(given, self.topics)
                raise ValueError(f"found_topics.{phrase}: {given!r} is not a topic{near}")
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> Study:
        for name, item in self.items.items():
            asked = self.items.get(item.expectation)
            if asked is not None and (asked.scale, asked.reverse) != (item.scale, item.reverse):
                raise ValueError(
                    f"items.{name}.expectation: {item.expectation!r} has another scale; an "
                    "expectation is compared on the scale of the experience"
                )
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
        scores = (*SCORES, *self.items, *constructs)
        named = {"targets": (list(self.targets), (*scores, *HIGHER, *LOWER))}
        named["benchmarks"] = ([b.measure for b in self.benchmarks], scores)
        for key, (measures, known) in named.items():
            for name in measures:
                if name not in known:
                    raise ValueError(
                        f"{key}: {name!r} is no item, construct or measure{_nearest(name, known)}. "
                        f"There are: {', '.join(known)}."
                    )
        if self.response_rate is not None and "invitations" in self.tables:
            raise ValueError(
                "response_rate: the table invitations says who answered; take response_rate out, "
                "or the table"
            )
        self._check_engine()
        self._check_watermarks()
        self._check_organisation()
        self._check_service()
        for attribute, shares in self.margins.items():
            if abs(sum(shares.values()) - 1) > 0.005:
                raise ValueError(
                    f"margins.{attribute}: the shares add up to {sum(shares.values()):.3f}, not 1"
                )
        return self

    def _check_engine(self) -> None:
        """Tables are on the engine or beside study.yaml, as the engine says; ValueError."""
        if self.engine == "duckdb":
            if self.on_engine:
                raise ValueError(
                    f"tables.{self.on_engine[0]}: `from: engine` needs the study's `engine`, such "
                    "as engine: postgresql://HOST/NAME"
                )
            return
        for name, mapping in self.tables.items():
            if name in self.on_engine:
                _refuse_on_engine(name, mapping)
            elif name not in LEDGERS:
                raise ValueError(
                    f"tables.{name}: with an `engine`, files hold only {', '.join(LEDGERS)}. "
                    "Give the table as files: {from: engine, table: ...}"
                )
        if self.only:
            raise ValueError("only: make it the `where` of a view, or of `query`, on the engine")

    def _check_watermarks(self) -> None:
        """Rows that are read again replace those of their key, which must be known; ValueError."""
        for name, mapping in self.tables.items():
            if not mapping.watermark:
                continue
            if self.only:
                raise ValueError(
                    f"only: tables.{name} has a `watermark`; write the condition into its `query`"
                )
            for key in contract.TABLES[name].key:
                if not mapping.column_of_database(key):
                    raise ValueError(
                        f"tables.{name}: `watermark` needs the column of the database that is "
                        f"{key}, so that a row that changed replaces the one that was loaded. Add "
                        f"`{key}: THEIR COLUMN` under columns, without derive or recode"
                    )

    @property
    def on_engine(self) -> list[str]:
        """The tables whose rows stay on the engine."""
        return [t for t, m in self.tables.items() if any(f.address == ENGINE for f in m.files)]

    def _check_organisation(self) -> None:
        """The organisation's table and its units are there; ValueError."""
        if (organisation := self.organisation) is None:
            return
        if organisation.table not in self.tables:
            raise ValueError(f"organisation: the study has no table {organisation.table}")
        if bool(organisation.units) == ("units" in self.tables):
            raise ValueError("organisation: give its units either in `units` or in a table units")

    def _check_service(self) -> None:
        """What the clock of service standards needs is there; ValueError."""
        about = self.service
        if about.clock != "calendar hours" and self.working_hours is None:
            raise ValueError(
                f"service.clock: {about.clock!r} needs `working_hours`; there are none"
            )
        if about.waiting and "case_statuses" not in self.tables:
            raise ValueError("service.waiting: the study has no table case_statuses")
        if about.less_waiting and not about.waiting:
            raise ValueError("service.less_waiting: name the statuses in service.waiting")

    def _references(self) -> dict[str, list[str]]:
        found = {"drivers": self.drivers, "outcome": [self.outcome] if self.outcome else []}
        for name, item in self.items.items():
            if item.expectation:
                found[f"items.{name}.expectation"] = [item.expectation]
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

    def untranslated(self, lang: str) -> list[str]:
        """Labels of questions that pages in `lang` show in the other language, for want of one."""
        other = "en" if lang == "zh" else "zh"
        found = []
        for name in self.items:
            own = self.label(name, lang)
            foreign = bool(HAN.search(own)) != (lang == "zh") and not own.isupper()
            if foreign and own in (name, self.label(name, other)):
                found.append(own)
        return found

    @property
    def default_outcome(self) -> str:
        """The outcome that study.yaml names, else the first that asks for the whole."""
        roles = ("nps", "csat", "effort", "intention")
        found = [name for role in roles for name in self.items_of(role)]
        return self.outcome or (found[0] if found else "")

    @property
    def default_drivers(self) -> list[str]:
        """The drivers that study.yaml names, else all touchpoints."""
        return self.drivers or self.items_of("touchpoint")

    @property
    def reserve_path(self) -> Path:
        """The file of the reserve."""
        return self.folder / "reserve.duckdb"


def _refuse_on_engine(name: str, mapping: Mapping) -> None:
    """ValueError for what is done to files and not to the tables of an engine."""
    if len(mapping.files) > 1:
        raise ValueError(f"tables.{name}: one table of the engine, or one query that joins several")
    plain, on_file = {"files", "columns", "constants", "keep"}, {"address", "table", "query"}
    asked = [k for k in mapping.model_fields_set if k not in plain and getattr(mapping, k)]
    file = mapping.files[0]
    asked += [k for k in file.model_fields_set if k not in on_file and getattr(file, k)]
    if "#row" in mapping.columns.values():
        asked.append("#row")
    if asked:
        raise ValueError(
            f"tables.{name}: {', '.join(sorted(asked))} cannot be used with the tables of an "
            "engine. Write it into a view, or into `query`, on the engine"
        )


def root() -> Path:
    """The project's folder, `files.project()`; StudyError where there is none."""
    if folder := files.project():
        return folder
    raise StudyError(
        f"no folder above {Path.cwd()} holds data/ and notebooks/. Go to your project, "
        "make one with `cx init DIR`, or set CX_ROOT to it."
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

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"line {line}: a key is a word, and no list or mapping")
            if key.value in seen:
                raise yaml.YAMLError(f"line {line}: the key {key.value!r} stands there twice")
            seen.add(key.value)
            if key.tag in (YAML + "int", YAML + "float"):
                key.tag = YAML + "str"
        return super().construct_mapping(node, deep)


HAN = re.compile("[\u3400-\u9fff]")
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
            f"no study {str(name)!r}{_nearest(str(name), known) or '.'} `cx list` shows those "
            f"there are; `cx new {file.parent.name} FILE...` makes one."
        )
    try:
        content = deepcopy(_parsed(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{file.parent.name}/study.yaml is not YAML: {_yaml(error)}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise StudyError(
            f"{file.parent.name}/study.yaml holds no keys, or one that is no word. Start with "
            "title, source, tables."
        )
    try:
        content = topic_file.added(_with_ledgers(content, file.parent), file.parent, _parsed)
        return _with_files(Study(**{**content, "name": file.parent.name, "folder": file.parent}))
    except ValidationError as error:
        raise StudyError(study_mistakes.in_words(Study, file.parent, error, _parsed)) from error
    except topic_file.TopicFileError as error:
        raise StudyError(str(error)) from error


def _with_files(study: Study) -> Study:
    """The study, with the files that are there in place of names with *."""
    tables = dict(study.tables)
    for name, mapping in study.tables.items():
        files = [f for file in mapping.files for f in _matching(study, name, file)]
        if files != mapping.files:
            tables[name] = mapping.model_copy(update={"files": files})
    return study.model_copy(update={"tables": tables}) if tables != study.tables else study


def _matching(study: Study, table: str, file: File) -> list[File]:
    """The file, or those that its name with * stands for; itself where none is there (any more)."""
    if "*" not in file.file:
        return [file]
    pattern = Path(file.file.replace("[", "[[]"))
    if pattern.is_absolute() or ".." in pattern.parts:
        raise StudyError(f"tables.{table}: {file.file!r} must name files below {study.folder}.")
    found = sorted(p for p in study.folder.glob(str(pattern)) if p.is_file())
    names = [p.relative_to(study.folder).as_posix() for p in found] or [file.file]
    return [file.model_copy(update={"file": name}) for name in names]


@lru_cache(32)
def _parsed(text: str) -> object:
    """What a study.yaml holds; a run reads the same one a dozen times."""
    yaml_limits.refuse_bombs(text)
    return yaml.load(text, _Plain)  # noqa: S506 - a safe loader with fewer types


def _with_ledgers(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What people keep beside study.yaml (actions, audits, contacts) need not be named in it."""
    mapped = content.get("tables")
    for name in ("actions", "audits", "contacts"):
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
            mapped = {**mapped, name: {"files": file.name, "columns": columns}}
            # A list of calls holds what callers should know, which is of no use later.
            mapped[name]["keep"] = name != "contacts"
    return {**content, "tables": mapped} if "tables" in content else content


def _yaml(error: Exception) -> str:
    return str(error).replace("<unicode string>", "study.yaml")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
