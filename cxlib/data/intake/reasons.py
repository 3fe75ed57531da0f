"""Why a row is set aside and what is worth a look: message ids with parameters, and their words.

    render("above_maximum", {"high": 3})            # "must be at most 3"
    advice("above_maximum", {"high": 3})            # "Correct it, or recode it in study.yaml."
    render(rule, params, for_readers=True)             # in the words of a page, counts left out

The quarantine and the warnings keep the id (`rule`) and the parameters (`params`, JSON); a sentence
in English or Chinese is made from them only where it is printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from cxlib import page

COLUMN_OR_TABLE = ("key", "table", "other", "earlier", "later")  # parameters that readers see named


@dataclass(frozen=True)
class Reason:
    """A message id and its parameters, which are plain JSON."""

    rule: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """The parameters as they are stored."""
        return json.dumps(self.params, ensure_ascii=False)


def render(rule: str, params: Mapping[str, object] | str, *, for_readers: bool = False) -> str:
    """The reason as a sentence in the language of the page, without a full stop.

    Parameters
    ----------
    rule : message id
    params : its parameters, as a mapping or as JSON text
    for_readers : columns and tables go by their labels, and counts of small groups are left out

    Examples
    --------
    >>> render("outside_scale", {"low": 0, "high": 10, "item": "recommend"})
    'outside the scale 0 to 10'
    """
    return _filled(_messages()[rule][0], params, for_readers)


def advice(rule: str, params: Mapping[str, object] | str) -> str:
    """What to do about it, in whole sentences."""
    return _filled(_messages()[rule][1], params, False)


def by_kind(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str, str], pd.DataFrame]]:
    """Groups of a quarantine: (table, column, rule, params) without what differs by row, rows."""
    kinds = rows.copy()
    if (again := kinds["rule"] == "duplicate_key").any():
        keys = kinds.loc[again, "params"].map(lambda p: {"key": json.loads(p)["key"]})
        kinds.loc[again, "params"] = [Reason("", key).json for key in keys]
        kinds.loc[again, "rule"] = "duplicate_keys"
    yield from kinds.groupby(["table", "column", "rule", "params"], sort=False, dropna=False)


def in_words(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a quarantine or of warnings with `reason` and `mend`, the sentences, added."""
    both = list(zip(rows["rule"], rows["params"], strict=True))
    return rows.assign(
        reason=pd.Series([render(*r) for r in both], index=rows.index, dtype="object"),
        mend=pd.Series([advice(*r) for r in both], index=rows.index, dtype="object"),
    )


def _filled(sentence: str, params: Mapping[str, object] | str, for_readers: bool) -> str:
    values = json.loads(params) if isinstance(params, str) else params
    words = {k: _word(k, v, for_readers) for k, v in values.items()}
    return page.say(sentence, **words) if words else sentence


def _word(name: str, value: object, for_readers: bool) -> str:
    if name == "n":
        return format(value, ",")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):  # groups and their sizes
        return ", ".join(repr(k) if for_readers else f"{k!r} ({n:,})" for k, n in value.items())
    if name in COLUMN_OR_TABLE:
        names = list(map(str, value if isinstance(value, list) else [value]))
        return page.listed(map(page.label, names)) if for_readers else " and ".join(names)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _messages() -> dict[str, tuple[str, str]]:
    """Message id -> (what is wrong, what to do), in the language of the page."""
    correct = page.say("Correct it, or recode it in study.yaml.")
    number = page.say("Correct it, recode it in study.yaml (`recode`), or leave it empty.")
    date = page.say(
        "Correct it, or name the form of the dates in study.yaml, e.g. `dates: '%d/%m/%Y'`."
    )
    copy = page.say("Check the column; take one of them out of items and drivers.")
    return {
        # Rows that are set aside
        "not_finite": (page.say("not a finite number"), page.say("Correct it.")),
        "not_number": (page.say("not a number"), number),
        "not_whole": (page.say("not a whole number"), number),
        "not_flag": (
            page.say("neither yes nor no"),
            page.say("Write yes or no, 1 or 0, true or false, 是 or 否."),
        ),
        "not_date": (page.say("not a date as {form}"), date),
        "not_iso_date": (page.say("not a date in ISO form (2026-03-31)"), date),
        "outside_scale": (
            page.say("outside the scale {low} to {high}"),
            page.say(
                "Correct it, or name the code under items.{item}: missing or not_experienced."
            ),
        ),
        "required": (
            page.say("empty; every row must have it"),
            page.say("Fill in {name}, or leave the row out."),
        ),
        "below_minimum": (page.say("must be at least {low}"), correct),
        "above_maximum": (page.say("must be at most {high}"), correct),
        "outside_range": (page.say("must be between {low} and {high}"), correct),
        "not_allowed": (page.say("must be one of {values}"), correct),
        "duplicate_key": (
            page.say("the same {key} as row {row}"),
            page.say("The first row is kept. Take the others out, or give each its own id."),
        ),
        "duplicate_keys": (
            page.say("the same {key} as another row"),
            page.say("The first row is kept. Take the others out, or give each its own id."),
        ),
        "unknown_reference": (
            page.say("not among the {table}"),
            page.say("Add the row to {table}, correct the id, or leave the row out."),
        ),
        "field_count": (
            page.say("{found} fields where the header has {expected}"),
            page.say("Put quotation marks around each text that contains the delimiter."),
        ),
        "unreadable_table": (page.say("{why}"), ""),
        # Warnings: the rows are kept
        "out_of_order": (
            page.say("{later} is before {earlier}"),
            page.say("Correct the dates: times between the two are negative."),
        ),
        "few_rows": (
            page.say("only {n} row(s): no interval can be made of so few"),
            page.say("Collect more, or read the numbers as a list."),
        ),
        "no_wave": (
            page.say("no wave"),
            page.say("Fill in the wave; such rows belong to none."),
        ),
        "wave_no_period": (
            page.say("waves that are no date, such as {names}, sort as text"),
            page.say(
                "Write waves as 2026, 2026-Q1, 2026-03 or 2026-03-31 (recode them in study.yaml), "
                "so that they follow in time."
            ),
        ),
        "no_answers": (
            page.say("nobody answered"),
            page.say("Check the column, or drop the item."),
        ),
        "constant_answers": (
            page.say("all answers are {value}: it can explain nothing"),
            page.say("Check the column; leave the item out of models."),
        ),
        "copy": (page.say("every answer is that to {other}: one is a copy of the other"), copy),
        "small_groups": (
            page.say(
                "{n} group(s) have fewer than {least} rows and are hidden in reports: {names}"
            ),
            page.say("Correct the spelling, or recode small groups into a larger one."),
        ),
        "text_among_numbers": (
            page.say("text ({words}) among numbers: the whole column is kept as text"),
            page.say("Recode these values in study.yaml, null for missing."),
        ),
        "unknown_column": (
            page.say("{place} in study.yaml names no column"),
            page.say("Correct it, or take the column in with `keep`. There are: {columns}."),
        ),
    }
