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

from cxlib.core import i18n
from cxlib.core.i18n import _

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
    return _(sentence, **words) if words else sentence


def _word(name: str, value: object, for_readers: bool) -> str:
    if name == "n":
        return format(value, ",")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):  # groups and their sizes
        sized = not for_readers and all(isinstance(n, int) for n in value.values())
        return ", ".join(f"{k!r} ({n:,})" if sized else repr(k) for k, n in value.items())
    if name in COLUMN_OR_TABLE:
        names = list(map(str, value if isinstance(value, list) else [value]))
        return i18n.listed(map(i18n.label, names)) if for_readers else " and ".join(names)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _messages() -> dict[str, tuple[str, str]]:
    """Message id -> (what is wrong, what to do), in the language of the page."""
    correct = _("Correct it, or recode it in study.yaml.")
    number = _("Correct it, recode it in study.yaml (`recode`), or leave it empty.")
    date = _("Correct it, or name the form of the dates in study.yaml, e.g. `dates: '%d/%m/%Y'`.")
    dates = _("Correct the dates that are wrong.")
    one_date = _("Correct it, or add `accept: [{key}]` to study.yaml if it is right.")
    weight = _(
        "Give every row a weight of 0 or more, some of them above 0, or leave the column out of "
        "study.yaml: no page on answers can be made before."
    )
    encoding = _(
        "Part of the file is in another encoding: save all of it in one, or correct the cells, or "
        "name the `encoding` of the file in study.yaml."
    )
    copy = _("Check the column; take one of them out of items and drivers.")
    return {
        # Rows that are set aside
        "not_finite": (_("not a finite number"), _("Correct it.")),
        "not_number": (_("not a number"), number),
        "not_whole": (_("not a whole number"), number),
        "not_flag": (
            _("neither yes nor no"),
            _("Write yes or no, 1 or 0, true or false, 是 or 否."),
        ),
        "not_date": (_("not a date as {form}"), date),
        "not_iso_date": (_("not a date in ISO form (2026-03-31)"), date),
        "ambiguous_number": (
            _("fits both decimal points and decimal commas, and the column has both"),
            _("Name the form in study.yaml, e.g. `numbers: '1.234,5'`."),
        ),
        "percent_mixed": (_("some numbers with a percent sign, others without"), number),
        "other_currency": (
            _("another currency than most of the column"),
            _("Convert the amounts to one currency before you load them."),
        ),
        "far_date": (_("years from all other dates, {first} to {last}"), one_date),
        "future_date": (_("a date after today"), one_date),
        "outside_scale": (
            _("outside the scale {low} to {high}"),
            _("Correct it, or name the code under items.{item}: missing or not_experienced."),
        ),
        "outside_rating": (
            _("outside the scale {low} to {high}"),
            _(
                "Correct it, or write the scale as it was asked under tables.{table}: "
                "`scales: {{{column}: [LOW, HIGH]}}`."
            ),
        ),
        "no_customer": (
            _("no customer, so left out of every page: {share} of the amount"),
            _("Fill in {name} where it is known; such rows stay out of all totals."),
        ),
        "required": (
            _("empty; every row must have it"),
            _("Fill in {name}, or leave the row out."),
        ),
        "below_minimum": (_("must be at least {low}"), correct),
        "above_maximum": (_("must be at most {high}"), correct),
        "outside_range": (_("must be between {low} and {high}"), correct),
        "not_allowed": (_("must be one of {values}"), correct),
        "duplicate_key": (
            _("the same {key} as row {row}"),
            _("The first row is kept. Take the others out, or give each its own id."),
        ),
        "duplicate_keys": (
            _("the same {key} as another row"),
            _("The first row is kept. Take the others out, or give each its own id."),
        ),
        "unknown_reference": (
            _("not among the {table}"),
            _("Add the row to {table}, correct the id, or leave the row out."),
        ),
        "field_count": (
            _("{found} fields where the header has {expected}"),
            _("Put quotation marks around each text that contains the delimiter."),
        ),
        "not_exact": (
            _("a number too long for its cell: the last digits of the id are lost"),
            _("Export the column as text, so that every digit is in the file."),
        ),
        "formula_without_value": (
            _("a formula without a value, from cell {cell} of sheet {sheet} on"),
            _("Open the workbook in Excel or LibreOffice, save it, and load it again."),
        ),
        "error_cell": (
            _("an error of the spreadsheet ({words}), from cell {cell} of sheet {sheet} on"),
            _(
                "Correct the formula, or add `accept: [{key}]` to study.yaml if such a cell stands "
                "for no answer."
            ),
        ),
        "error_word": (
            _("an error of the spreadsheet ({words})"),
            _(
                "Correct the formula, or add `accept: [{key}]` to study.yaml if such a cell stands "
                "for no answer."
            ),
        ),
        "total_row": (
            _("a row of totals or averages amid the others ({words})"),
            _(
                "Take it out of the file, or leave it out by `only` in study.yaml; if it is a row "
                "as the others are, add `accept: [{key}]`."
            ),
        ),
        "unreadable_table": (_("{why}"), ""),
        "unmatched": (_("{why}"), ""),
        # Warnings: the rows are kept
        "unknown_customer": (
            _("not among the customers: kept, without attributes of the customer"),
            _("Add them to customers, or correct the id; `strict: true` sets such rows aside."),
        ),
        "out_of_order": (
            _("{later} is before {earlier}"),
            dates,
        ),
        "future_dates": (_("dates after today, up to {last}"), dates),
        "distant_dates": (
            _("dates that 20 years and more part from most others, {first} to {last}"),
            dates,
        ),
        "one_date": (_("{share} of the dates are {day}"), dates),
        "single_date": (_("{share} of the dates are {day}"), dates),
        "mixed_offsets": (
            _("times with different offsets from UTC (– is none): {offsets}"),
            _(
                "Name the zone that all are to be converted to in study.yaml, e.g. `time_zone: "
                "Europe/Berlin`; times without an offset count as of that zone."
            ),
        ),
        "several_currencies": (
            _("amounts in several currencies, which are added up as they are: {counts}"),
            _(
                "Convert them to one by `derive`, or select one by `only` in study.yaml, with "
                "{column} in the expression."
            ),
        ),
        "other_than_stated": (
            _("amounts are in {counts}, but `currency` of study.yaml is {stated}"),
            _("Correct `currency` in study.yaml, or convert the amounts by `derive`."),
        ),
        "never_dates": (_("dates that stand for never, such as {words}, are missing"), dates),
        "tied_times": (
            _("events of {of} that share their time with another of the same journey"),
            _(
                "They are taken in the order of the file. Add times of day or a column "
                "`sequence`, or name the order of the stages: `journey: {{ties: stage}}`."
            ),
        ),
        "unclear_scale": (
            _("ratings from {low} to {high}, of which the scale is not clear"),
            _(
                "Write the scale as it was asked under tables.{table} in study.yaml: "
                "`scales: {{{column}: [1, 5]}}`; values outside become missing."
            ),
        ),
        "spellings": (
            _("values that differ only in case, spaces, accents or width: {values}"),
            _("Make them one with `recode` in study.yaml."),
        ),
        "no_share": (
            _("values without a share of the population, so nothing is weighted: {values}"),
            _("Add their shares to margins.{attribute} in study.yaml, or recode the values."),
        ),
        "garbled": (
            _("read in another encoding ({words}), first in row {row} of {file}"),
            encoding,
        ),
        "garbled_text": (
            _("read in another encoding ({words}), first in row {row} of {file}"),
            encoding,
        ),
        "new_columns": (
            _(
                "{file} has columns that the files before it do not have and study.yaml does not "
                "name: {headers}"
            ),
            _("Add those that are needed under `columns` or `keep`; name the others in a comment."),
        ),
        "doubtful_sheet": (_("{file}: {why}"), _("Correct the sheet and save it.")),
        "several_customers": (
            _("rows of several customers have the same {key} and were merged under the first"),
            _(
                "Correct them, or make the key of several columns by `derive`, where numbers begin "
                "again each day or in each shop."
            ),
        ),
        "doubtful_encoding": (
            _("{file} was read as {encoding}, which is not certain, as in {words}"),
            _(
                "Write `encoding: {encoding}` under the file in study.yaml if these words look "
                "right, else the encoding that it was exported in."
            ),
        ),
        "no_weight": (_("no weight of 0 or more, first in row {row} of {file}"), weight),
        "unweighted": (_("no weight of 0 or more"), weight),
        "zero_weights": (_("all weights are 0"), weight),
        "heavy_weights": (
            _(
                "weights far above the others, up to {weight} in row {row} of {file}: {share} of "
                "the total weight, so that {n} responses count as {effective} (effective sample "
                "size)"
            ),
            _("Correct them, such as a lost decimal mark or a code for no weight."),
        ),
        "between_points": (
            _("answers between the points of the scale, such as {words}: {share} of the answers"),
            _("They are kept as they are; `recode` rounds them if the scale has no half points."),
        ),
        "like_averages": (
            _(
                "answers between the points of the scale, such as {words}, which look like averages"
                " of several answers: {share} of the answers"
            ),
            _(
                "They are kept as they are: the shares of marks and NPS of averages are not those "
                "of answers. Load the single answers if you have them."
            ),
        ),
        "no_refusal": (
            _("no contact ended in {names}, so that nobody is left in peace for it: {values}"),
            _("Correct `contact_rules.refused` in study.yaml where it is called otherwise."),
        ),
        "few_rows": (
            _("only {n} row(s): no interval can be made of so few"),
            _("Collect more, or read the numbers as a list."),
        ),
        "copied_rows": (
            _("identical to a row before them in every column; each is counted"),
            _("If they were sent or exported twice, take them out, or map a column of ids."),
        ),
        "no_wave": (
            _("no wave"),
            _("Fill in the wave; such rows belong to none."),
        ),
        "wave_order": (
            _(
                "waves whose order is clear neither from their names nor from the dates of "
                "answers: {names}"
            ),
            _(
                "Recode them in study.yaml to names that sort in time, such as 2026-Q1, 2026-03 or "
                "names that begin with a number."
            ),
        ),
        "no_answers": (
            _("nobody answered"),
            _("Check the column, or drop the item."),
        ),
        "constant_answers": (
            _("all answers are {value}: it can explain nothing"),
            _("Check the column; leave the item out of models."),
        ),
        "copy": (_("every answer is that to {other}: one is a copy of the other"), copy),
        "small_groups": (
            _("{n} group(s) have fewer than {least} rows and are hidden in reports: {names}"),
            _("Correct the spelling, or recode small groups into a larger one."),
        ),
        "text_among_numbers": (
            _("text ({words}) among numbers: all of the column is kept as text"),
            _("Recode these values in study.yaml, null for missing."),
        ),
    }
