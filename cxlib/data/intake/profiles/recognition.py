"""Profiles read from their YAML files, and the one that fits a file's columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NO_PROFILE = ("labels.yaml", "names.yaml", "scales.yaml")


def _split(value: object) -> object:
    return value.split("|") if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_split)]  # "A|B": the first of these that is there


class Closed(BaseModel):
    """A part of a profile: keys that are not known are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(Closed):
    """What of the file makes one of our tables."""

    columns: dict[str, Names] = Field({}, description="ours: theirs")
    derive: dict[str, str] = Field({}, description="ours: an expression over {theirs}")
    rows: dict[str, list[str]] = Field(
        {}, description="rows that count have this column filled, with none of these words"
    )
    only: str = Field("", description="condition for rows of this table, over our columns")
    merge: list[str] | None = Field(None, description="rows of one key are one; these add up")
    rated: list[str] = Field([], description="columns of other tables that are asked here too")
    keep: bool = Field(True, description="further columns come along, as attributes")
    note: str = Field("", description="what to know of this table, for the draft")


class Profile(Closed):
    """An export of one tool."""

    title: str
    signature: list[Names] = Field(description="columns that must all be there")
    absent: Names = Field([], description="columns that must not be there")
    tables: dict[str, Part]
    tool: Names = Field([], description="the tool's own columns: neither answers nor attributes")
    personal: Names = Field([], description="left out as personal, beside what names tell")
    missing: Names = Field([], description="cells that mean: not answered")
    not_experienced: Names = Field([], description="cells that mean: does not apply")


@cache
def every_profile() -> dict[str, Profile]:
    """The profiles by the name of their file."""
    folder = resources.files("cxlib.data.intake.profiles")
    files = [f for f in folder.iterdir() if f.name.endswith(".yaml") and f.name not in NO_PROFILE]
    read = {f.name.removesuffix(".yaml"): f.read_text(encoding="utf-8") for f in files}
    return {name: Profile(**yaml.safe_load(text)) for name, text in sorted(read.items())}


@cache
def names() -> dict[str, Any]:
    """What columns are called: patterns by our name, of tables, of personal data."""
    file = resources.files("cxlib.data.intake.profiles") / "names.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def recognise(columns: Iterable[str]) -> Profile | None:
    """The profile whose signature the columns hold; of several the longest.

    Examples
    --------
    >>> recognise(["序号", "提交答卷时间", "所用时间", "来源", "来自IP", "1、满意吗"]).title
    '问卷星 Wenjuanxing'
    >>> recognise(["speed", "staff"]) is None
    True
    """
    there = {plain(c) for c in columns}
    fitting = [
        p
        for p in every_profile().values()
        if all(any(plain(n) in there for n in some) for some in p.signature)
        and not any(plain(n) in there for n in p.absent)
    ]
    return max(fitting, key=lambda p: len(p.signature), default=None)


def plain(name: str) -> str:
    """A column's name as profiles compare it: width, case and blanks aside."""
    name = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_]+", " ", name).strip(" :*\ufeff")
