"""Columns of results: what each holds, in which unit, with how many decimals, under which head.

    WAITING = Column("waiting", "worth of open cases", "money", label="Worth waiting")
    display_table(table, columns=[WAITING])   # of `core.display`: as text, heads in words

Columns that mean one thing wherever they stand are registered in `COMMON`. A topic declares the
others with its result: `Result(..., columns=[Column("share", unit="share")])`. No unit is guessed
from a name: a column that nobody declared is written by its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _

# Units of cases.
PER_CONTACTS, PER_CUSTOMERS = "cases per 1,000 contacts", "cases per 1,000 customers"
A_WEEK = "cases a week"
# Unit -> the spec of its numbers (`i18n`) and how many decimals unless a column says otherwise.
UNITS: Mapping[str, tuple[str, int | None]] = MappingProxyType(
    {
        "": ("number", 2),
        "count": ("count", None),
        "share": ("share", 0),
        "gap": ("share", 0),  # a difference of shares
        "points": ("number", 1),
        "percentage points": ("number", 1),
        "index": ("number", 1),
        "scale": ("number", 2),
        "maturity level": ("number", 0),
        "money": ("money", 0),
        "days": ("number", 1),
        PER_CONTACTS: ("number", 1),
        PER_CUSTOMERS: ("number", 1),
        A_WEEK: ("number", 2),
        "p": ("p", None),
        "chance": ("chance", None),
        "date": ("date", None),
        "name": ("label", None),
        "page": ("label", None),  # the number of a page, which its title names
        "text": ("", None),
    }
)
ESTIMATE = "estimate"  # the unit of a column that has the unit and decimals of the estimates


# What heads a column whose name is no plain words, wherever it stands.
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "action_id": N_("action"),
        "adjusted": N_("p-value (adjusted)"),
        "bad": N_("negative"),
        "chance_first": N_("probability of rank 1"),
        "chance_priority": N_("probability of being a priority"),
        "chance_top": N_("probability of the top 3"),
        "chi2": "χ²",
        "class": N_("type"),
        "could_find": N_("detectable effect"),
        "csat": N_("CSAT"),
        "due_on": N_("due date"),
        "everyone": N_("all customers"),
        "first_seen": N_("began"),
        "goal": N_("target"),
        "holds": N_("confirmed in hold-out data"),
        "htmt2": "HTMT2",
        "k": N_("number of segments"),
        "kept": N_("rows loaded"),
        "lang": N_("language"),
        "least_ave": N_("smallest AVE"),
        "mae": "MAE",
        "mae_linear": N_("MAE (linear model)"),
        "mae_means": N_("MAE (means)"),
        "mend": N_("what to do"),
        "money": N_("amount at stake"),
        "nps": N_("NPS"),
        "odds": N_("odds ratio"),
        "of": N_("series"),
        "offered": N_("rows in the files"),
        "outer_high": N_("99.8% control limits, upper"),
        "outer_low": N_("99.8% control limits, lower"),
        "p": N_("p-value"),
        "p_held": N_("p-value (hold-out data)"),
        "people": N_("people"),
        "plain": N_("unadjusted"),
        "proof": N_("evidence"),
        "rmse": "RMSE",
        "rmse_linear": N_("RMSE (linear model)"),
        "rmse_means": N_("RMSE (means)"),
        "robust": N_("robustness value"),
        "robustness": N_("robustness value"),
        "simultaneous": N_("simultaneous 95% CI"),
        "standing": N_("status"),
        "way": N_("method"),
    }
)
ENDS: Mapping[str, str] = MappingProxyType(
    {"low": N_("{name}, lower limit"), "high": N_("{name}, upper limit")}
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result's table.

    Attributes
    ----------
    name : in the table
    quantity : what is measured, in a few words ("share of customers", "lift"), for axes and docs
    unit : one of `UNITS`, or `ESTIMATE`; any other text is a unit of its own ("minutes"), written
        as a number
    decimals : of the numbers; the unit's own unless given
    label : what heads the column in English; the name in plain words unless given
    """

    name: str
    quantity: str = ""
    unit: str = ""
    decimals: int | None = None
    label: str = ""

    def written(self, value: Any) -> str:
        """A value as readers see it; a dash where there is none, a text as it is."""
        spec, decimals = UNITS.get(self.unit, UNITS[""])
        decimals = decimals if self.decimals is None else self.decimals
        if not isinstance(value, str) and pd.isna(value):
            return "–"
        digits = "" if decimals is None else str(decimals)
        return i18n.FORMATTER.format_field(value, spec + digits if spec else "")

    @property
    def is_measured(self) -> bool:
        """Whether the method says what the column holds: no item, construct or attribute does."""
        return bool(self.quantity) or self.unit not in ("", "name", "text")

    def heading(self, known: Mapping[str, Column] | None = None) -> str:
        """What heads the column, in the page's language; `known` has the label of an end's base.

        A study's label of a construct or status ("value", "support") does not name a column of
        numbers that a method happens to call so.

        Examples
        --------
        >>> with context.use(context.Context(labels={"support": "Help line"})):
        ...     Column("support", unit="share").heading(), Column("support").heading()
        ('support', 'Help line')
        """
        base, _under, end = self.name.rpartition("_")
        label = self.label or HEADINGS.get(self.name, "")
        if base and end in ENDS and not label:
            return _(ENDS[end], name=heading(known or {}, base))
        text = label or self.name.replace("_", " ")
        if label and not self.is_measured and self.name in context.current().labels:
            return context.current().labels[self.name]
        special = i18n.pgettext("column", text)
        if special != text:
            return special
        return _(text) if self.is_measured else i18n.label(label or self.name)


def named(columns: Iterable[Column]) -> dict[str, Column]:
    """The columns by name. Raises ValueError where two of a name differ."""
    found: dict[str, Column] = {}
    for column in columns:
        if found.setdefault(column.name, column) != column:
            raise ValueError(
                f"column {column.name!r} is declared twice: {found[column.name]}, {column}."
            )
    return found


def in_unit(unit: str, *names: str) -> list[Column]:
    """Columns of one unit, for a result to declare.

    Examples
    --------
    >>> [c.written(0.254) for c in in_unit("share", "share", "again")]
    ['25%', '25%']
    """
    return [Column(name, unit=unit) for name in names]


QUANTITIES: Mapping[str, Mapping[str, str]] = {  # unit: what its columns measure
    ESTIMATE: {
        "estimate": "estimate",
        "low": "lower end of the interval",
        "high": "upper end of the interval",
        "simultaneous_low": "lower end of the simultaneous interval",
        "simultaneous_high": "upper end of the simultaneous interval",
        "outer_low": "lower limit of chance at 99.8%",
        "outer_high": "upper limit of chance at 99.8%",
        "before": "estimate of the time before",
        "before_low": "lower end of the interval of the time before",
        "before_high": "upper end of the interval of the time before",
        "now": "estimate of the latest time",
        "target": "value to reach",
        "goal": "value to reach",
        "predicted": "predicted estimate",
        "predicted_low": "lower end of the prediction",
        "predicted_high": "upper end of the prediction",
        "could_find": "effect that 80 of 100 such comparisons find",
        "plain": "estimate without adjustment",
        "quoted": "estimate with the comments that are quoted",
        "everyone": "estimate of all customers",
        "overall": "estimate of all rows",
    },
    "p": {
        "p": "p-value",
        "p_held": "p-value on data kept back",
        "adjusted": "p-value adjusted for the number of tests",
    },
    "share": {
        "detractors": "share of answers 0 to 6",
        "passives": "share of answers 7 and 8",
        "promoters": "share of answers 9 and 10",
        "not_experienced": "share of answers that had no such experience",
        "bad": "share of bad mentions",
        "neutral": "share of neutral mentions",
        "chance_first": "share of resamples where the row is first",
        "chance_top": "share of resamples where the row is among the first three",
        "chance_priority": "share of resamples where the row is a priority",
        "reach": "share of answers that rate the touchpoint",
        "robust": "robustness value",
        "robustness": "robustness value",
        "must-be": "share of resamples of this kind",
        "performance": "share of resamples of this kind",
        "attractive": "share of resamples of this kind",
        "indifferent": "share of resamples of this kind",
        "support": "share of orders with all items",
        "confidence": "share of orders with the first items that have the other",
    },
}
COMMON: Mapping[str, Column] = MappingProxyType(
    named(
        [
            Column("term", "what the row is about", "name"),
            Column("n", "answers", "count"),
            Column("probability", "p-value of a signal", "p", label=N_("p-value of the signal")),
            Column("people", "people behind the rows of n", "count"),
            Column(
                "jaccard", "Jaccard similarity of a segment to its resamples", label=N_("stability")
            ),
            *(Column(c, what, u) for u, own in QUANTITIES.items() for c, what in own.items()),
        ]
    )
)
INTERVAL = ("estimate", "low", "high")
RATED = ("scale", "points")  # units of ratings and scores, in which higher is better
SIMULTANEOUS = ("simultaneous_low", "simultaneous_high")
MEASURES = ("term", *INTERVAL, "n")  # what every table of estimates has


def deciding_ends(table: Any) -> tuple[Any, Any]:
    """The ends of the intervals that decide what is significant, of a table or of one row.

    The simultaneous ones, and the own one of a row that is in no family.

    Examples
    --------
    >>> ends = {"low": 0.1, "high": 0.9}
    >>> deciding_ends(ends), deciding_ends(ends | dict(zip(SIMULTANEOUS, (-0.1, 1.1))))
    ((0.1, 0.9), (-0.1, 1.1))
    """
    own = [table[c] for c in INTERVAL[1:]]
    if SIMULTANEOUS[0] not in table:
        return own[0], own[1]
    together = [table[c] for c in SIMULTANEOUS]
    if isinstance(table, pd.DataFrame):
        return together[0].fillna(own[0]), together[1].fillna(own[1])
    low, high = (a if pd.isna(b) else b for a, b in zip(own, together, strict=True))
    return low, high


def resolved(
    table: pd.DataFrame, unit: str = "", columns: Iterable[Column] = ()
) -> dict[str, Column]:
    """The declared columns of a table by name; those in the unit of the estimates have `unit`.

    Parameters
    ----------
    table : whose estimates say how many decimals `unit` needs
    unit : of the estimates
    columns : those that are not in `COMMON`, or differ from it
    """
    # Counts, p-values and dates have decimals of their own.
    fixed = UNITS.get(unit, UNITS[""])[1] is None
    decimals = None if fixed else decimals_of(table, unit)
    known = {**COMMON, **named(columns)}
    same = {
        name: replace(column, unit=unit, decimals=decimals)
        for name, column in known.items()
        # Beside estimates of several units, each column is written by its own numbers.
        if column.unit == ESTIMATE and (unit or name in (*INTERVAL, *SIMULTANEOUS))
    }
    rest = {name: column for name, column in known.items() if column.unit != ESTIMATE}
    return rest | same


def decimals_of(table: pd.DataFrame, unit: str) -> int:
    """Decimals of estimates: one for points, none for large shares and whole numbers.

    Shares have one where all are under 5%, or where half of the intervals are narrower than 1%, or
    where without it an interval would have the same ends ("100% to 100%").
    """
    estimates = table.get("estimate", pd.Series([0.0]))
    largest = estimates.abs().max()
    if unit in ("points", "percentage points", "maturity level", PER_CONTACTS, PER_CUSTOMERS):
        return int(unit != "maturity level")
    if unit in ("share", "gap"):
        narrow = "low" in table and (table["high"] - table["low"]).median() < 0.01
        ends = [(100 * table[end]).round() for end in INTERVAL[1:]] if "low" in table else [0, 1]
        same = (ends[0] == ends[1]) & (table["high"] > table["low"]) if "low" in table else None
        return int(largest < 0.05 or narrow or (same is not None and same.any()))
    known = estimates.dropna()
    if not unit and "estimate" in table and len(known) and bool((known % 1 == 0).all()):
        return 0
    return 2 if largest < 100 else 0


def heading(known: Mapping[str, Column], name: str) -> str:
    """What heads a column, in the page's language."""
    return known.get(name, Column(name)).heading(known)


def format_cells(table: pd.DataFrame, known: Mapping[str, Column]) -> pd.DataFrame:
    """The table as text under its own heads; `known` says of columns what they hold."""
    return pd.DataFrame(
        {name: _written(table[name], known.get(str(name))) for name in table}, index=table.index
    )


def _written(values: pd.Series, column: Column | None) -> list[str]:
    known_values = values.dropna()
    if len(known_values) and all(isinstance(v, bool | np.bool_) for v in known_values):
        return ["–" if pd.isna(v) else _("yes") if v else _("no") for v in values]
    if column is not None and column.unit not in ("name", "text"):
        return [i18n.label(v) if isinstance(v, str) else column.written(v) for v in values]
    if pd.api.types.is_numeric_dtype(values):
        whole = bool(values.notna().any()) and bool((values.dropna() % 1 == 0).all())
        return [i18n.number(v, 0 if whole else 2) for v in values.astype(float)]
    if column is not None and column.unit == "text":
        return ["–" if pd.isna(v) else str(v) for v in values]
    return ["–" if pd.isna(v) else i18n.label(str(v)) for v in values]


# Terms, columns and levels that results of several topics share: said through `i18n.label`.
WORDS = (
    "happened", "term", "estimate", "n", "low (column)", "high (column)", "low", "medium", "high",
    "needed (column)", "other (column)", "before (column)", "after (column)", "adjusted (column)",
    "class (column)", "answers (column)", "now", "tier", "topic", "group", "item", "construct",
    "cause", "effect",
    "driver", "outcome", "measure", "value", "overall", "points", "share", "scale", "index",
    "mean", "recency", "frequency", "alpha", "predicted", "risk", "probability", "reasons", "k",
    "stability", "verdict", "segment", "score", "table", "column", "rows", "reason", "offered",
    "kept", "missing", "target", "solved at", "first reply at", "opened at", "realised",
    "touchpoint", "nps", "csat", "effort", "intention", "chance first", "feature", "detractors",
    "passives", "promoters", "jaccard", "report", "pattern", "not named", "before", "after",
    "attribute", "least", "most", "chosen", "parameters", "choice", "placing", "needed",
    "moves", "limit", "p", "part", "size", "who", "worth", "needs", "hurts",
    "confusion cost", "plain",
    "sheet", "precision", "by expected gain", "died", "moved", "product", "days",
    "weeks", "months", "months (column)",
    "quoted", "contacted", "treated", "time", "question", "grade", "meaning",
    "kind", "must hold", "unit", "currency", "seed", "data", "code", "penalty", "reward", "class",
    "open", "necessary", "robustness", "rank", "slope", "top", "level", "chance", "reached",
    "complete", "pairwise",
    "em", "one", "other", "mae linear", "rmse means", "mae means", "p held", "correlation",
    "at risk", "lost", "model", "fitted", "observed", "period",
    "periods", "purchases", "amount", "line", "times the risk", "holds", "gain", "way", "offer",
    "met", "everyone", "times as often", "orders per 1,000", "together", "lower", "unknown",
    "standard deviations", "design", "changed", "inside", "slope", "waves", 
    "within", "ends", "reach", "met by", "satisfaction", "ease", "contacts", "minutes",
    "contacts (column)", "severity", "impact", "chance top", "money", 
    "rated", "step", "times", "problem", "rule", "stage", "priority", "awareness",
    "discovery", "interest", "consideration", "action", "use", "advocacy", "over",
    "simultaneous low", "simultaneous high", "customers (column)",
)  # fmt: skip
