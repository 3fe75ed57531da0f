"""What looks wrong in rows that hold the contract: warnings, which keep every row.

warnings_of(study, "responses", rows)     # DataWarning: what is worth a look
date_rules(study, "orders", rows)         # Rule: dates that cannot be, such as one order in 2062
accepted(study, "orders", warnings)       # those that `accept` in study.yaml does not answer

A warning is called TABLE.COLUMN.RULE, as in orders.at.future_dates. Those of `DOUBTFUL` may move
numbers: a study does not pass its checks before they are corrected or accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pandas.api.types import is_string_dtype

from cxlib.data import contract
from cxlib.data.intake.cells import iso_day
from cxlib.data.intake.copies import copies
from cxlib.data.intake.currencies import several
from cxlib.data.intake.dates import mixed
from cxlib.data.intake.garbled import garbled
from cxlib.data.intake.reasons import Reason, render
from cxlib.data.intake.rules import Rule, within
from cxlib.data.intake.scales import unclear_ratings
from cxlib.data.intake.spelling import grouping, odd_spellings
from cxlib.data.study import Study

FEW = 20  # rows in which two questions may be answered alike by chance


DOUBTFUL = (
    "future_dates",
    "one_date",
    "never_dates",
    "distant_dates",
    "out_of_order",
    "unclear_scale",
    "spellings",
    "no_refusal",
    "garbled",
    "several_currencies",
    "other_than_stated",
    "heavy_weights",
    "wave_order",
    "doubtful_encoding",
    "several_customers",
    "doubtful_sheet",
)
SENT = ("responses", "orders", "cases")  # tables whose rows may have been sent or exported twice
BAD_WEIGHTS = ("no_weight", "unweighted", "zero_weights")  # no page on answers can be made of them
NOT_TO_ACCEPT = (
    "no_share",
    "mixed_offsets",
    *BAD_WEIGHTS,
)  # to be answered too, but not by `accept`
PLANNED = ("due_on", "begun_on", "promised_on")  # dates that may well be ahead
ENDING = "left_on"  # may be known ahead, where a contract was cancelled
FAR, FAR_OF_FEW = 5 * 365, 20 * 365  # days without any date between most dates and a few
ENOUGH = 20  # dates from which FAR holds, and from which most on one day are worth a look
HEAVY, HEAVY_SHARE = 10, 0.15  # times the median weight; share of the total that such make up
FINE = 11  # points of a scale from which answers between them are no surprise
STRAY = 0.01  # share of the dates that may be set aside as mistyped; of more it is not said


class DataWarning(NamedTuple):
    """A column (empty for the whole table), how many rows it is about, and the reason."""

    column: str
    rows: int
    reason: Reason


def warnings_of(study: Study, name: str, rows: pd.DataFrame) -> Iterator[DataWarning]:
    """What is worth a look in the sound rows of a table."""
    if 0 < len(rows) < 3:
        yield DataWarning("", len(rows), Reason("few_rows", {"n": len(rows)}))
    for column in _dates(name, rows):
        yield from _odd_dates(name, column, rows[column])
    for found in (*unclear_ratings(study, name, rows), *odd_spellings(study, name, rows)):
        yield DataWarning(*found)
    if name in SENT and _numbered(study, name):
        n, by_chance = copies(rows.drop(columns=contract.TABLES[name].key[0]))
        if n > by_chance:
            yield DataWarning("", n, Reason("copied_rows"))
    if "wave" in contract.TABLES[name].columns and "wave" in rows:
        blank = int(rows["wave"].isna().sum())
        if 0 < blank < len(rows):
            yield DataWarning("wave", blank, Reason("no_wave"))
    if name == "responses" and len(rows):
        items = [i for i in study.items if i in rows]
        for item in items:
            yield from _answers(item, rows[item])
            yield from _between(item, rows[item], study.items[item].scale)
        yield from _copies(items, rows)
        yield from _small_groups(study.group, study.reporting.smallest_cell, rows)


def _numbered(study: Study, name: str) -> bool:
    """Whether the ids of the table are the numbers of its rows, so that no row repeats another."""
    mapping, key = study.tables[name], contract.TABLES[name].key[0]
    return all({**mapping.columns, **f.columns}.get(key) == "#row" for f in mapping.files)


def weights_of(rows: pd.DataFrame, places: pd.DataFrame) -> Iterator[DataWarning]:
    """Sound responses without a usable weight, weights that are all 0 or that few rows make up."""
    if "weight" not in rows or rows.empty:
        return
    none = rows["weight"].isna()
    if none.any():
        first = places.loc[none.index[none.argmax()]]
        about = {"row": int(first["row"]), "file": Path(first["file"]).name}
        yield DataWarning("weight", int(none.sum()), Reason("no_weight", about))
    elif not rows["weight"].sum() > 0:
        yield DataWarning("weight", len(rows), Reason("zero_weights"))
    elif len(rows) >= ENOUGH:
        yield from _heavy(rows["weight"], places)


def _heavy(weight: pd.Series, places: pd.DataFrame) -> Iterator[DataWarning]:
    """Weights far above the others that take a good part of the total, as 5000 among 1.2 and 0.8.

    The effective number of responses is (sum w)^2 / sum w^2 (Kish 1965).
    """
    heavy = weight > HEAVY * weight[weight > 0].median()
    share = weight[heavy].sum() / weight.sum()
    effective = weight.sum() ** 2 / (weight**2).sum()
    if share > HEAVY_SHARE and effective < len(weight) / 2:
        place = places.loc[weight.idxmax()]
        about = {"weight": float(weight.max()), "share": f"{share:.1%}", "n": len(weight)}
        about |= {"effective": f"{effective:,.1f}", "row": int(place["row"])}
        about |= {"file": Path(place["file"]).name}
        yield DataWarning("weight", int(heavy.sum()), Reason("heavy_weights", about))


def garbled_of(
    study: Study, name: str, rows: pd.DataFrame, places: pd.DataFrame
) -> Iterator[DataWarning]:
    """Texts that were read in another encoding; in a column of groups they are a question."""
    groups, key = grouping(study, name, rows), contract.TABLES[name].key
    for column in map(str, rows):
        if column in key or column.endswith("_id") or not is_string_dtype(rows[column]):
            continue
        if odd := garbled(rows[column]):
            place = places.loc[odd.first]
            about = {"row": int(place["row"]), "file": Path(place["file"]).name}
            rule = "garbled" if column in groups else "garbled_text"
            yield DataWarning(column, odd.n, Reason(rule, {"words": odd.words, **about}))


def currencies_of(study: Study, named: Mapping[str, Mapping[str, int]]) -> Iterator[DataWarning]:
    """Columns by which amounts are not all of one currency, that of the study where it has one.

    `named` is {column: {code: rows}}.
    """
    for column, sizes in several([named], study.currency).items():
        counts = [f"{code} ({n:,})" for code, n in sizes.items()]
        about = {"counts": counts, "column": column, "stated": study.currency}
        rule = "several_currencies" if len(sizes) > 1 else "other_than_stated"
        yield DataWarning(column, sum(sizes.values()), Reason(rule, about))


def doubtful(warnings: pd.DataFrame) -> pd.DataFrame:
    """The warnings (table, column, rows, rule, params) that have to be answered."""
    return warnings[warnings["rule"].isin([*DOUBTFUL, *NOT_TO_ACCEPT])]


def accepted(
    study: Study, name: str, warnings: Iterable[DataWarning]
) -> tuple[list[DataWarning], list[str]]:
    """The warnings of a table that study.yaml does not accept, and a note on each that it does."""
    left, notes = list[DataWarning](), list[str]()
    for w in warnings:
        called = ".".join(filter(None, (name, w.column, w.reason.rule)))
        if w.reason.rule not in NOT_TO_ACCEPT and is_accepted(study, called):
            what = render(w.reason.rule, w.reason.params)
            notes.append(f"{called}: {w.rows:,} row(s): {what}; accepted in study.yaml.")
        else:
            left.append(w)
    return left, notes


def is_accepted(study: Study, called: str) -> bool:
    """Whether `accept` in study.yaml answers what is called so, as orders.at.far_date."""
    return any(fnmatchcase(called, pattern) for pattern in study.accept)


# Dates


def date_rules(study: Study, name: str, rows: pd.DataFrame) -> Iterator[Rule]:
    """Rules against the few dates that are years from all others, or after today."""
    for column in _dates(name, rows):
        first, last = _without_strays(rows[column].dropna().sort_values())
        if pd.notna(first) and not is_accepted(study, f"{name}.{column}.far_date"):
            about = {"first": iso_day(first), "last": iso_day(last)}
            reason = Reason("far_date", {**about, "key": f"{name}.{column}.far_date"})
            yield within(column, reason, first, last)
        ahead = _ahead(rows[column].dropna())
        few = ahead.sum() <= _strays(len(ahead))
        called = f"{name}.{column}.future_date"
        if few and ahead.any() and column != ENDING and not is_accepted(study, called):
            yield Rule(column, Reason("future_date", {"key": called}), lambda s: ~_ahead(s))


def _dates(name: str, rows: pd.DataFrame) -> list[str]:
    """Date columns of what has happened, with any date."""
    dated = [c.name for c in contract.TABLES[name].columns.values() if c.kind == "date"]
    return [c for c in dated if c in rows and c not in PLANNED and rows[c].notna().any()]


def _strays(n: int) -> float:
    return max(1, STRAY * n)


def _ahead(at: pd.Series) -> pd.Series:
    """Which are after today; a day more, as somewhere it is tomorrow already."""
    return at > pd.Timestamp.now() + pd.Timedelta(days=1)


def _without_strays(at: pd.Series) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last of sorted dates without those that a wide gap parts from nearly all others.

    NaT when there are none such.
    """
    wide = pd.Timedelta(days=FAR if len(at) >= ENOUGH else FAR_OF_FEW)
    gaps = (at.diff() > wide).to_numpy().nonzero()[0]  # places of the first date after a gap
    most = _strays(len(at))
    low = max((g for g in gaps if g <= most), default=0)
    high = min((g for g in gaps if len(at) - g <= most), default=len(at))
    if len(at) < 4 or (low == 0 and high == len(at)) or high - low <= len(at) / 2:
        return pd.NaT, pd.NaT
    return at.iloc[low], at.iloc[high - 1]


def _odd_dates(name: str, column: str, at: pd.Series) -> Iterator[DataWarning]:
    given = at.dropna()
    if ahead := int(_ahead(given).sum()):
        last = iso_day(given.max())
        yield DataWarning(column, ahead, Reason("future_dates", {"last": last}))
    if n := _distant(given):
        about = {"first": iso_day(given.min()), "last": iso_day(given.max())}
        yield DataWarning(column, n, Reason("distant_dates", about))
    days = given.dt.normalize().value_counts()
    if name != "audits" and len(given) >= ENOUGH and days.iloc[0] > len(given) / 2:
        about = {"day": iso_day(days.index[0]), "share": f"{days.iloc[0] / len(given):.0%}"}
        # All on one day may be a survey of a day; most on one day are more often a default.
        rule = "one_date" if len(days) > 1 else "single_date"
        yield DataWarning(column, int(days.iloc[0]), Reason(rule, about))


def _distant(given: pd.Series) -> int:
    """How many dates a gap of decades parts from most others, as 1926 written for 26."""
    at = given.sort_values()
    gaps = (at.diff() > pd.Timedelta(days=FAR_OF_FEW)).to_numpy().nonzero()[0]
    return max((min(int(g), len(at) - int(g)) for g in gaps), default=0)


def offsets_of_tables(
    study: Study, offsets: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> list[tuple[str, DataWarning]]:
    """Tables whose times have another offset from UTC than those of a table before them.

    Parameters
    ----------
    offsets : {table: {column: {offset: rows}}}; tables in which they differ are asked about already
    """
    of_table = {n: {o for counts in c.values() for o in counts} for n, c in offsets.items()}
    single = {n: o.pop() for n, o in of_table.items() if len(o) == 1}
    single = {n: offset for n, offset in single.items() if offset}
    if study.time_zone or len(set(single.values())) < 2:
        return []
    columns = {f"{n}.{c}": counts for n in single for c, counts in offsets[n].items()}
    name = next(n for n, o in single.items() if o != next(iter(single.values())))
    n = max(size for counts in offsets[name].values() for size in counts.values())
    return [(name, DataWarning("", n, Reason("mixed_offsets", {"offsets": mixed(columns)})))]


# Other columns


def _answers(item: str, answers: pd.Series) -> Iterator[DataWarning]:
    given = answers.dropna()
    if given.empty:
        yield DataWarning(item, len(answers), Reason("no_answers"))
    elif len(given) > 1 and given.nunique() == 1:
        value = float(given.iloc[0])
        yield DataWarning(item, len(given), Reason("constant_answers", {"value": value}))


def _between(item: str, answers: pd.Series, scale: tuple[float, float]) -> Iterator[DataWarning]:
    """Answers such as 3.5 of 5: halves of some forms, or averages of several answers."""
    given = answers.dropna()
    part = given[given % 1 != 0]
    if part.empty or scale[1] - scale[0] >= FINE:
        return
    shown = [f"{x:g}" for x in part.value_counts().index[:3]]
    averages = (part % 0.5 != 0).any() or len(part) > len(given) / 2
    about = {"words": shown, "share": f"{len(part) / len(given):.1%}"}
    rule = "like_averages" if averages else "between_points"
    yield DataWarning(item, len(part), Reason(rule, about))


def _copies(items: list[str], rows: pd.DataFrame) -> Iterator[DataWarning]:
    """Questions answered alike by everybody: most often one column mapped under two names."""
    differ = [i for i in items if rows[i].nunique() > 1] if len(rows) >= FEW else []
    for n, item in enumerate(differ):
        other = next((o for o in differ[:n] if rows[item].equals(rows[o])), None)
        if other:
            yield DataWarning(item, len(rows), Reason("copy", {"other": other}))


def _small_groups(group: str, least: int, rows: pd.DataFrame) -> Iterator[DataWarning]:
    """Groups of the study's own comparison that are too small to be shown."""
    if group not in rows or len(rows) < least:
        return
    sizes = rows[group].value_counts()
    if len(small := sizes[sizes < least]):
        shown = {str(k): int(n) for k, n in small.head(4).items()}
        params = {"n": len(small), "least": least, "names": shown}
        yield DataWarning(group, int(small.sum()), Reason("small_groups", params))
