"""One list of alerts over all notebooks, with false alerts controlled over the whole report.

    alerts = actions.alerts(report.others(STUDY), known=study.alerts.known())
    print(alerts)                 # Alerts: new 4, known 2 ...
    alerts.table                  # measure, by, group, term, ..., adjusted, standing, money

Of the alerts raised, at most `rate` are false on average, and where nothing moved any alert at all
is raised with probability `rate` at most (Benjamini and Hochberg 1995, J. Royal Statistical
Society B 57(1)): holds for tests that are independent or move together, as questions of one survey
do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.actions.series import AT_RISK, SINKING, Answers, tests_of
from cxlib.core import i18n
from cxlib.core.columns import in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.stats import pvalues

RATE = 0.05
KEY = ["measure", "by", "group", "term", "kind"]
COLUMNS = ["by", "group", "term", "estimate", "low", "high", "n", "wave", "first_seen", "standing",
           "signal", "adjusted", "money", "kind", "measure", "probability"]  # fmt: skip
WORDS = (
    "new", "known", "over", "adjusted", "money", "kind", "warnings", "first seen", "still now",
)  # fmt: skip


def alerts(
    answers: Answers,
    known: pd.DataFrame | None = None,
    *,
    rate: float = RATE,
    point: float = 0.0,
    customer: float = 0.0,
) -> Result:
    """List what is out of line in the answers of all notebooks.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    known : alerts of earlier data: measure, by, group, term, kind, first_seen; such a one keeps its
        first_seen and is not raised anew
    rate : share of false alerts allowed, 0 to 1
    point : what one point of the outcome (measured in points, NPS or an index) is worth in a year
    customer : what a customer at risk is worth

    Returns
    -------
    Result with table, a row an alert, those of a fall that still holds first: by, group, term,
    estimate (how far it moved), low, high, n, wave, first_seen, standing ("new", "known" or "over":
    no longer out of line), signal, adjusted (p-value adjusted for all tests), money (what a fall
    costs in a year, where that is known), kind, measure, probability; and the parts looked (number
    of tests), rate and ended (known alerts that no longer hold)

    Raises
    ------
    ValueError : a rate outside 0 to 1

    References
    ----------
    Benjamini and Hochberg (1995), J. Royal Statistical Society B 57(1)
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate is {rate}; the share of false alerts lies between 0 and 1.")
    tests = tests_of(answers)
    tests["adjusted"] = pvalues.adjusted(tests["probability"].to_numpy(float), "benjamini-hochberg")
    raised = tests[tests["adjusted"] <= rate].copy()
    raised["signal"] = raised["signal"].where(
        raised["signal"] != "", np.where(raised["estimate"] < 0, "below", "above")
    )
    raised = _recognised(raised, known)
    raised["money"] = _money(raised, tests, point, customer)
    over = raised["standing"].eq("over")
    order = np.lexsort((raised["adjusted"], raised["group"] != "", ~_falls(raised), over))
    table = raised.iloc[order][COLUMNS].reset_index(drop=True)
    table["group"] = table["group"].fillna("")
    ended = pd.DataFrame(columns=[*KEY, "first_seen"])
    if known is not None and len(known):
        now = set(table[KEY].astype(str).itertuples(index=False, name=None))
        gone = [k not in now for k in known[KEY].astype(str).itertuples(index=False, name=None)]
        ended = known[gone].reset_index(drop=True)
    return Result(
        table,
        Finding(_finding(table, len(tests), len(answers)), value=len(table), unit="count"),
        _note(rate, len(tests), len(answers), table),
        columns=in_unit("money", "money"),
        parts={"looked": len(tests), "rate": rate, "ended": ended},
    )


def _recognised(raised: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """`standing` and `first_seen`: an alert of earlier data is known, not new."""
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


def _finding(table: pd.DataFrame, looked: int, notebooks: int) -> str:
    if not looked and notebooks:
        return _(
            "No alerts: no series over time in the results of {n:count} notebooks.", n=notebooks
        )
    if not looked:
        return _("No results yet: run the notebooks that measure first, then this one.")
    if table.empty:
        return _("No alerts: none of {looked:count} series stands out.", looked=looked)
    counts = {k: i18n.count((table["standing"] == k).sum()) for k in ("new", "known", "over")}
    first_ = _(
        "Alerts: new {new}, known from earlier data {known}, back in line {over}; {looked:count} "
        "series were examined.",
        looked=looked,
        **counts,
    )
    first = table.iloc[0]
    facts = {"name": name_of(first), "since": i18n.label(str(first["first_seen"]))}
    which = _("First: {name} since {since}." if facts["since"] else "First: {name}.", **facts)
    return i18n.together([first_, which])


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
        return _("moves up minus moves down between grades")
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
        "All {looked:count} series of {notebooks:count} notebooks count: at most {rate:share} of "
        "the alerts are expected to be false, and where nothing moved at most {rate:share} of the "
        "reports have any (Benjamini and Hochberg).",
        looked=looked,
        notebooks=notebooks,
        rate=rate,
    )
    unknown = table[(table["estimate"] < 0) & table["money"].isna()]
    if unknown.empty:
        return held
    return i18n.together(
        [
            held,
            _(
                "The cost of a fall is known for points of the outcome and for customers at risk, "
                "where study.yaml gives their value; for {n:count} falls it is unknown.",
                n=len(unknown),
            ),
        ]
    )
