"""One list of warnings over all notebooks, with false alarms held over the whole report.

    alarms = actions.alarms(report.others(STUDY), known=study.alerts.known())
    print(alarms)                 # 6 warnings, 2 of them new ...
    alarms.table                  # measure, by, group, term, ..., adjusted, standing, money

Of the warnings raised, at most `rate` are false on average, and where nothing moved any warning at
all is raised with probability `rate` at most (Benjamini and Hochberg 1995, J. Royal Statistical
Society B 57(1)): holds for tests that are independent or move together, as questions of one survey
do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.actions.series import AT_RISK, SINKING, Found, tests_of
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.stats import pvalues

RATE = 0.05
KEY = ["measure", "by", "group", "term", "kind"]
COLUMNS = ["by", "group", "term", "estimate", "low", "high", "n", "wave", "first_seen", "standing",
           "signal", "adjusted", "money", "kind", "measure", "probability"]  # fmt: skip
WORDS = (
    "new", "known", "over", "adjusted", "money", "kind", "warnings", "first seen", "still now",
)  # fmt: skip


@dataclass(frozen=True)
class Alarms(Estimates):
    """Warnings, those of a fall that still holds first.

    Attributes
    ----------
    table : COLUMNS, a row a warning; estimate is how far it moved, adjusted the probability after
        all that was looked at, standing "new", "known" (warned of in earlier data) or "over" (no
        longer out of line), money what a fall costs in a year, where that is told
    looked : how many tests there were
    rate : the share of false warnings that is allowed
    ended : the known warnings that no longer hold, as `study.alerts.known` tells them
    """

    looked: int = field(default=0, kw_only=True)
    rate: float = field(default=RATE, kw_only=True)
    ended: pd.DataFrame = field(kw_only=True)


def alarms(
    found: Found,
    known: pd.DataFrame | None = None,
    *,
    rate: float = RATE,
    point: float = 0.0,
    customer: float = 0.0,
) -> Alarms:
    """What is out of line in what the notebooks kept; see `Alarms`.

    `known` are the warnings of earlier data (measure, by, group, term, kind, first_seen): such a
    one keeps its first_seen and is not raised anew. `point` is what one point of the outcome (one
    measured in points, NPS or an index) is worth in a year, `customer` what a customer at risk is.
    Raises ValueError for a rate outside 0 to 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate is {rate}; the share of false warnings lies between 0 and 1.")
    tests = tests_of(found)
    tests["adjusted"] = pvalues.adjusted(tests["probability"].to_numpy(float), "benjamini-hochberg")
    raised = tests[tests["adjusted"] <= rate].copy()
    raised["signal"] = raised["signal"].where(
        raised["signal"] != "", np.where(raised["estimate"] < 0, "below", "above")
    )
    raised = _recognised(raised, known)
    raised["money"] = _money(raised, tests, point, customer)
    falls = _falls(raised)
    over = raised["standing"].eq("over")
    order = np.lexsort((raised["adjusted"], raised["group"] != "", ~falls, over))
    table = raised.iloc[order][COLUMNS].reset_index(drop=True)
    table["group"] = table["group"].fillna("")
    ended = pd.DataFrame(columns=[*KEY, "first_seen"])
    if known is not None and len(known):
        now = set(table[KEY].astype(str).itertuples(index=False, name=None))
        gone = [k not in now for k in known[KEY].astype(str).itertuples(index=False, name=None)]
        ended = known[gone].reset_index(drop=True)
    return Alarms(
        table,
        _answer(table, len(tests), len(found)),
        _note(rate, len(tests), len(found), table),
        looked=len(tests),
        rate=rate,
        ended=ended,
    )


def _recognised(raised: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """`standing` and `first_seen`: what was warned of in earlier data is known, not new."""
    keys = list(raised[KEY].astype(str).itertuples(index=False, name=None))
    first: Mapping[tuple, str] = {}
    if known is not None and len(known):
        names = known[KEY].astype(str).itertuples(index=False, name=None)
        first = dict(zip(names, known["first_seen"].astype(str), strict=True))
    now = raised["now"].fillna(False).to_numpy(bool)
    standing = np.where(now, np.where([k in first for k in keys], "known", "new"), "over")
    seen = [first.get(k) or s for k, s in zip(keys, raised["first_seen"], strict=True)]
    return raised.assign(standing=standing, first_seen=seen)


def _falls(rows: pd.DataFrame) -> np.ndarray:
    """Whether it got worse: less of a score, more customers at risk or lost."""
    worse = (rows["estimate"] < 0) ^ (rows["kind"] == AT_RISK)
    return worse.to_numpy(bool)


def _money(raised: pd.DataFrame, tests: pd.DataFrame, point: float, customer: float) -> np.ndarray:
    """What a fall of an outcome in points costs in a year, of a group by its share of answers; and
    more customers at risk or lost, by how many they are.
    """
    size, n = (raised[c].to_numpy(float) for c in ("estimate", "n"))
    whole = tests[tests["group"] == ""].groupby(["term", "measure"])["n"].max()
    keys = zip(raised["term"], raised["measure"], strict=True)
    part = np.where(raised["group"] == "", 1.0, n / [whole.get(k, np.nan) for k in keys])
    cost = np.select(
        [raised["measure"] == "points", raised["kind"] == AT_RISK],
        [-size * part * (point or np.nan), size * n * (customer or np.nan)],
        np.nan,
    )
    return np.where(cost > 0, cost, np.nan)


def _answer(table: pd.DataFrame, looked: int, notebooks: int) -> str:
    if not looked and notebooks:
        return _(
            "Nothing to warn of: no series over time in what {n:count} notebooks kept.", n=notebooks
        )
    if not looked:
        return _("No notebook has looked yet: run those that measure first, then this one.")
    if table.empty:
        return _("No warning: none of {looked:count} series stands out.", looked=looked)
    counts = {k: i18n.count((table["standing"] == k).sum()) for k in ("new", "known", "over")}
    said = _(
        "Warnings: new {new}, known from earlier data {known}, out of line before and back "
        "{over}; {looked:count} series were looked at.",
        looked=looked,
        **counts,
    )
    first = table.iloc[0]
    facts = {"name": name_of(first), "since": i18n.label(str(first["first_seen"]))}
    which = _("First: {name} since {since}." if facts["since"] else "First: {name}.", **facts)
    return i18n.together([said, which])


def name_of(row: pd.Series | Mapping) -> str:
    """What moved, in words: the question, its group, and how far."""
    name = _called(row)
    if row["group"]:
        group = i18n.label(str(row["group"]))
        if row.get("by"):
            group = _("{column:label}: {value}", column=row["by"], value=group)
        name = _("{item} ({group})", item=name, group=group)
    size = size_of(row)
    if size.endswith("%"):
        size = _("{v} percentage points", v=size.removesuffix("%"))
    return _("{name} {size}", name=name, size=size)


def _called(row: pd.Series | Mapping) -> str:
    """The question in quotation marks; of customers' states and grades what is counted."""
    if row.get("kind") == SINKING:
        return _("moves up less moves down between grades")
    if row.get("kind") == AT_RISK and row["term"] == "lost":
        return _("share of customers lost")
    if row.get("kind") == AT_RISK and row["term"] == "at risk":
        return _("share of customers at risk")
    return i18n.quoted(i18n.label(str(row["term"])))


def size_of(row: pd.Series | Mapping) -> str:
    """How far it moved, with its sign: shares as percentages, the rest in points."""
    shares = row["measure"] in ("share", "csat")
    write = i18n.percent if shares else lambda v: i18n.number(v, 2)
    return ("+" if row["estimate"] > 0 else "") + write(row["estimate"])


def _note(rate: float, looked: int, notebooks: int, table: pd.DataFrame) -> str:
    held = _(
        "All {looked:count} series of {notebooks:count} notebooks count: of the warnings "
        "{rate:share} at most are expected to be chance, and where nothing moved any warning at "
        "all comes up in {rate:share} of the reports at most (Benjamini and Hochberg).",
        looked=looked,
        notebooks=notebooks,
        rate=rate,
    )
    untold = table[(table["estimate"] < 0) & table["money"].isna()]
    if untold.empty:
        return held
    return i18n.together(
        [
            held,
            _(
                "What a fall costs is told of points of the outcome and of customers at risk, "
                "where study.yaml says what one is worth; of {n:count} falls it cannot be told.",
                n=len(untold),
            ),
        ]
    )
