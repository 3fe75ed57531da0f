"""One list of alerts over all notebooks, with false alerts controlled over the whole report.

    alerts = actions.alerts(report.others(STUDY), known=study.alerts.known())
    print(alerts)                 # Delivery has been below its baseline since 2026-Q1 ...
    alerts.table                  # measure, by, group, term, ..., adjusted, standing, money
    alerts.improved               # series that became better: no alerts

The headline scores (the outcome and NPS of everybody) and all other series are two families (Efron
2008). Of the alerts raised in each, at most `rate` are false on average, and where nothing moved
any alert at all is raised with probability `rate` at most (Benjamini and Hochberg 1995, J. Royal
Statistical Society B 57(1)): holds for tests that are independent or move together, as questions
of one survey do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.actions.responsibility import advice_against, names_of, responsible
from cxlib.actions.series import (
    AT_RISK,
    HIGHER_IS_WORSE,
    MISSED,
    MOVED,
    SINKING,
    STEPPED,
    TOPIC,
    Answers,
    held_back,
    tests_of,
)
from cxlib.core import i18n
from cxlib.core.columns import PER_CUSTOMERS, Column, in_unit
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.stats import pvalues

RATE = 0.05
KEY = ["measure", "by", "group", "term", "kind"]
COLUMNS = ["by", "group", "term", "estimate", "low", "high", "n", "wave", "first_seen", "standing",
           "signal", "adjusted", "money", "kind", "measure", "probability", "against"]  # fmt: skip
WORDS = (
    "new", "ongoing", "over", "p-value (unadjusted)", "adjusted",
    "money", "kind", "warnings", "still now",
)  # fmt: skip


def alerts(
    answers: Answers,
    known: pd.DataFrame | None = None,
    *,
    rate: float = RATE,
    point: float = 0.0,
    customer: float = 0.0,
    ledger: pd.DataFrame | None = None,
    more: int = 0,
    kin: Mapping[str, Sequence[str]] | None = None,
) -> Result:
    """List what became worse, or is worse than it should be, in the answers of all notebooks.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    known : alerts of earlier data: measure, by, group, term, kind, first_seen; such a one keeps its
        first_seen and is not raised anew. Without any, new is what began in the latest wave
    rate : share of false alerts allowed, 0 to 1
    point : what one point of the outcome (measured in points, NPS or an index) is worth in a year
    customer : what a customer at risk is worth
    ledger : actions, to name who works on the measure of an alert already
    more : answers of a further wave, as in `net_gain`
    kin : question -> the others of the same construct, on which the same action works

    Returns
    -------
    Result with the tables

    - table: a row an alert, those that still hold first: by, group, term, estimate (how far it
      moved), low, high, n, wave, first_seen (when it began), standing ("new", "ongoing" or "over":
      no longer out of line), signal, adjusted (p-value adjusted for all tests), money (what a fall
      costs in a year, where that is known), kind, measure, probability, against (the wave before,
      where that alone is the baseline); with a ledger also owner and verdict
      (of `net_gain` on its action, where that is against acting). Not of a score that 12's audit
      holds back
    - improved: the same columns, of what moved significantly and became better
    - held_back: the same columns, of what fell and is held back

    and the parts looked (number of tests), rate, ended (known alerts that no longer hold) and
    series, series_unit and series_over (the control chart of the first alert, where it still holds
    and has one: its table, unit and column of periods; the table is None without)

    Raises
    ------
    ValueError : a rate outside 0 to 1

    References
    ----------
    Benjamini and Hochberg (1995), J. Royal Statistical Society B 57(1); Efron (2008), Simultaneous
    inference: when should hypothesis testing problems be combined? Annals of Applied Statistics 2
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate is {rate}; the share of false alerts lies between 0 and 1.")
    tests = tests_of(answers)
    tests["adjusted"] = np.nan
    for rows in tests.groupby("headline").indices.values():
        chances = tests["probability"].to_numpy(float)[rows]
        tests.loc[tests.index[rows], "adjusted"] = pvalues.adjusted(chances, "benjamini-hochberg")
    raised = tests[tests["adjusted"] <= rate].copy()
    raised["signal"] = raised["signal"].where(
        raised["signal"] != "", np.where(raised["estimate"] < 0, "below", "above")
    )
    raised = _recognised(raised, known)
    raised["money"] = _money(raised, tests, point, customer)
    over, topic = raised["standing"].eq("over"), raised["kind"].eq(TOPIC)
    step = raised["signal"].eq(STEPPED)  # the level changed once; out of line now is news
    order = np.lexsort(
        (raised["adjusted"], raised["group"] != "", step, ~raised["headline"], topic, over)
    )
    ordered = raised.iloc[order][COLUMNS]
    ordered["group"] = ordered["group"].fillna("")
    better = ~_worse(ordered)
    table, improved = (ordered[rows].reset_index(drop=True) for rows in (~better, better))
    table, held = _without_held_back(table, answers)
    told = _beside_controls(_finding(table, len(tests), len(answers), held), table, answers)
    if ledger is not None:
        alerted = [names_of(row, kin or {}) for row in table.to_dict("records")]
        both = [responsible(ledger, *names, more=more) for names in alerted]
        table["owner"] = [owner for _action, owner in both]
        table["verdict"] = [advice_against(ledger, *names, more=more) for names in alerted]
        if len(table) and (table["standing"] != "over").iloc[0]:
            told = replace(told, action=both[0][0], owner=both[0][1])
    if not told.action:
        told = replace(told, action=_causes_to_find(table, held))
    ended = pd.DataFrame(columns=[*KEY, "first_seen"])
    if known is not None and len(known):
        now = set(table[KEY].astype(str).itertuples(index=False, name=None))
        gone = [k not in now for k in known[KEY].astype(str).itertuples(index=False, name=None)]
        ended = known[gone].reset_index(drop=True)
    return Result(
        {"table": table, "improved": improved, "held_back": held},
        told,
        _note(rate, len(tests), len(answers), table, held),
        columns=[
            *in_unit("money", "money"),
            Column("probability", "p-value of one test", "p", label="p-value (unadjusted)"),
        ],
        parts={"looked": len(tests), "rate": rate, "ended": ended} | _series(answers, table),
    )


def _recognised(raised: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """`standing` and `first_seen`: an alert of earlier data is ongoing, not new.

    Where no earlier data are known, that is a first run, only what began in the latest wave is new.
    """
    keys = list(raised[KEY].astype(str).itertuples(index=False, name=None))
    first: Mapping[tuple[Any, ...], str] = {}
    if known is not None and len(known):
        names = known[KEY].astype(str).itertuples(index=False, name=None)
        first = dict(zip(names, known["first_seen"].astype(str), strict=True))
    now = raised["now"].fillna(False).to_numpy(bool)
    began = raised["first_seen"].astype(str).to_numpy()
    late = np.isin(began, ["", "nan"]) | (began == raised["wave"].astype(str).to_numpy())
    late &= (raised["signal"] != STEPPED).to_numpy()  # its wave is that of the change
    ongoing = [k in first for k in keys] if first else ~late
    standing = np.where(now, np.where(ongoing, "ongoing", "new"), "over")
    seen = [first.get(k) or s for k, s in zip(keys, raised["first_seen"], strict=True)]
    return raised.assign(standing=standing, first_seen=seen)


def _without_held_back(table: pd.DataFrame, answers: Answers) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The alerts, and those of scores that 12's audit holds back."""
    doubtful = held_back(answers)
    keys = table[["by", "group", "term"]].astype(str).itertuples(index=False, name=None)
    quiet = np.array([k in doubtful for k in keys], bool) & (table["standing"] != "over")
    kept, held = (table[rows].reset_index(drop=True) for rows in (~quiet, quiet))
    return kept, held


def _causes_to_find(table: pd.DataFrame, held: pd.DataFrame) -> str:
    """What to do about alerts that no action of the ledger is about; empty where none holds.

    The questions that fell are named, also those that a second wave has to confirm, and the groups
    in which the score fell.
    """
    rows = table[table["standing"].ne("over") & table["kind"].eq(MOVED) & (table["estimate"] < 0)]
    if "owner" in rows:
        rows = rows[rows["owner"] == ""]
    if rows.empty:
        return ""
    questions = pd.concat([rows, held])
    questions = questions[questions["kind"].eq(MOVED) & questions["measure"].eq("scale")]
    names = [i18n.quoted(i18n.label(str(term))) for term in dict.fromkeys(questions["term"])]
    groups = [i18n.label(str(g)) for g in dict.fromkeys(rows["group"]) if g]
    if not names:
        names = list(dict.fromkeys(subject(row) for _k, row in rows.iterrows()))
    facts = {"names": names, "groups": groups}
    if groups and len(questions):
        return _(
            "Find out why customers rate {names:list3} lower than before, first in {groups:list3}, "
            "where the score fell; enter an action with its owner in the ledger.",
            **facts,
        )
    return _(
        "Find out why customers rate {names:list3} lower than before; enter an action with its "
        "owner in the ledger.",
        **facts,
    )


def _series(answers: Answers, table: pd.DataFrame) -> dict[str, Any]:
    """The control chart of the first alert, where it still holds and has one."""
    none = {"series": None, "series_unit": "", "series_over": ""}
    if table.empty or table["kind"].iloc[0] != MOVED or table["standing"].iloc[0] == "over":
        return none
    row = table.iloc[0]
    if row["against"]:  # two waves have no limits to speak of
        return none
    for fit in (fit for named in answers.values() for fit in named.values()):
        limits = fit.tables.get("limits", pd.DataFrame(columns=["wave", "term"]))
        *groups, over = limits.columns[: list(limits.columns).index("term")]
        if groups != [row["by"]] * bool(row["by"]):
            continue
        mine = limits["term"] == row["term"]
        for by in groups:
            mine &= limits[by].astype(str) == row["group"]
        if mine.any():
            series = limits[mine].drop(columns=groups).reset_index(drop=True)
            return {"series": series, "series_unit": fit.unit, "series_over": over}
    return none


def _worse(rows: pd.DataFrame) -> np.ndarray:
    """Whether it got worse: less of a score, more customers at risk or lost, more complaints.

    Of a topic nobody knows: that more is said of it is an alert.
    """
    rises = rows["kind"].isin([AT_RISK, TOPIC]) | rows["term"].isin(HIGHER_IS_WORSE)
    return ((rows["estimate"] < 0) ^ rises).to_numpy(bool)


def _money(raised: pd.DataFrame, tests: pd.DataFrame, point: float, customer: float) -> np.ndarray:
    """What a fall of an outcome in points costs in a year, of a group by its share of answers.

    More customers at risk or lost cost by how many they are.
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


def _finding(table: pd.DataFrame, looked: int, notebooks: int, held: pd.DataFrame) -> Finding:
    if not looked and notebooks:
        return Finding(
            _("There are no alerts: no page of this study has a series over time."),
            ngettext("{n:count} page read", "{n:count} pages read", notebooks),
        )
    if not looked:
        return Finding(_("There are no results yet: run the pages that measure first."))
    examined = ngettext("{n:count} series examined", "{n:count} series examined", looked)
    counts = table["standing"].value_counts()
    current = int(counts.get("new", 0) + counts.get("ongoing", 0))
    said = [write(n) for standing, write in _COUNTED.items() if (n := int(counts.get(standing, 0)))]
    if 0 < counts.get("new", 0) < current:
        said = [ngettext("{n:count} alert", "{n:count} alerts", current), *said]
    names = [
        _("{name} (−{gain})", name=subject(row), gain=distance(row)) for _k, row in held.iterrows()
    ]
    also = _(
        "also low, to be confirmed by a second wave as earlier alarms faded: {names:list3}",
        names=names,
    )
    quiet = [also] if names else []
    detail = _("; ").join([*said, examined, *quiet])
    if not current:
        claim = _("There are no alerts: no series is significantly worse than its baseline.")
        return Finding(claim, detail)
    first = table.iloc[0]
    return Finding(
        i18n.opening(_("{first}.", first=clause(first))),
        detail,
        current,
        "count",
        "worse",
        importance=Importance.NEWS if counts.get("new", 0) else Importance.NOTABLE,
    )


def _beside_controls(told: Finding, table: pd.DataFrame, answers: Answers) -> Finding:
    """With what page 40 shows of the same question now, where it compares it with controls."""
    kept = answers.get("40", {}).get("verdicts")
    if kept is None or table.empty or "faded_in" not in kept.table:
        return told
    first, judged = table.iloc[0], kept.table[kept.table["faded_in"].fillna("").ne("")]
    judged = judged[judged["term"] == first["term"]]
    if judged.empty or first["group"] or first["standing"] == "over":
        return told
    bridge = _(
        "its baseline is its own earlier waves; compared with controls, no effect of "
        "{change:quoted} can be shown in {wave:period} (see “Did the change work?”)",
        change=judged["change"].iloc[0],
        wave=judged["faded_in"].iloc[0],
    )
    return replace(told, detail=_("{first}; {second}", first=told.detail, second=bridge))


_COUNTED: Mapping[str, Callable[[int], str]] = {
    "new": lambda n: ngettext("{n:count} new alert", "{n:count} new alerts", n),
    "ongoing": lambda n: ngettext(
        "{n:count} alert open since an earlier period",
        "{n:count} alerts open since an earlier period",
        n,
    ),
    "over": lambda n: ngettext("{n:count} alert over", "{n:count} alerts over", n),
}


def clause(row: pd.Series | Mapping[str, Any]) -> str:
    """What an alert says, as part of a sentence: what is worse, by how much, and since when.

    Examples
    --------
    >>> row = {"kind": "change", "term": "delivery", "group": "", "by": "", "measure": "scale"}
    >>> row |= {"first_seen": "2026-Q1", "standing": "new", "wave": "2026-Q2"}
    >>> clause({**row, "estimate": -1.35})
    'delivery has been below its baseline since 2026-Q1, by 1.35 points in 2026-Q2'
    """
    facts = {
        "name": subject(row),
        "size": distance(row),
        "since": i18n.period(str(row["first_seen"])),
        "wave": i18n.period(str(row["wave"])),
    }
    if row["kind"] == TOPIC:
        return _("the share of comments on {name} rose by {size}", **facts)
    if row["kind"] == MISSED and facts["since"]:
        # The number is of all cases on file, not of those since the alert began.
        return _(
            "{name} is {size} below target over all months, and below it in each since {since}",
            **facts,
        )
    if row["kind"] == MISSED:
        return _("{name} is {size} below target over all months", **facts)
    if row["kind"] == AT_RISK:
        return _("the {name} rose by {size}", **facts)
    if row["kind"] == SINKING:
        share = (1 - row["estimate"]) / 2
        return _("{share:share} of customers whose purchase grade changed moved down", share=share)
    below = row["estimate"] < 0
    if row.get("against") and below and row["standing"] != "over":
        before = i18n.period(str(row["against"]))
        return _("{name} fell by {size} from {before} to {wave}", before=before, **facts)
    if row["standing"] == "over" and below:
        return _("{name} was {size} below its baseline in {wave}", **facts)
    if row["standing"] == "over":
        return _("{name} was {size} above its baseline in {wave}", **facts)
    if row.get("signal") == STEPPED and below:
        return _("{name} has been {size} lower on average since {since}", **facts)
    if row.get("signal") == STEPPED:
        return _("{name} has been {size} higher on average since {since}", **facts)
    if below and row["first_seen"] == row["wave"]:
        return _("{name} fell {size} below its baseline in {wave}", **facts)
    if below:
        return _("{name} has been below its baseline since {since}, by {size} in {wave}", **facts)
    return _("{name} has been above its baseline since {since}, by {size} in {wave}", **facts)


def subject(row: pd.Series | Mapping[str, Any]) -> str:
    """What moved, without how far: the question and its group."""
    name = _called(row)
    if not row["group"]:
        return name
    group = i18n.label(str(row["group"]))
    if row.get("by"):
        group = _("{column:label}: {value}", column=row["by"], value=group)
    return _("{item} ({group})", item=name, group=group)


def distance(row: pd.Series | Mapping[str, Any]) -> str:
    """How far it moved, without a sign and with its unit."""
    size = abs(row["estimate"])
    if row["measure"] in ("share", "csat"):
        return _("{v:points1} percentage points", v=size)
    if row["measure"] in ("scale", "points", "index"):
        fine = size < 10 and row["measure"] != "points"
        return _("{v:number2} points", v=size) if fine else _("{v:number1} points", v=size)
    if row["measure"] == PER_CUSTOMERS:
        return _("{v:number1} cases per 1,000 customers", v=size)
    return i18n.number(size, 2)


def name_of(row: pd.Series | Mapping[str, Any]) -> str:
    """What moved, in words: the question, its group, and how far.

    Examples
    --------
    >>> row = {"kind": "change", "term": "recommend", "group": "", "by": ""}
    >>> name_of({**row, "measure": "points", "estimate": -15.77})
    'NPS −15.8 points'
    >>> name_of({**row, "measure": "share", "estimate": 0.05})
    'recommend +5.0 percentage points'
    """
    sign = "−" if row["estimate"] < 0 else "+"
    return _("{name} {size}", name=subject(row), size=f"{sign}{distance(row)}")


def _called(row: pd.Series | Mapping[str, Any]) -> str:
    """The question in quotation marks, or NPS, CSAT; of states and grades what is counted."""
    if row["measure"] == "points":
        return _("NPS")
    if row["measure"] == "csat" and row.get("kind") == MOVED:
        return _("CSAT")
    if row.get("kind") == SINKING:
        return _("purchase grades (moves up minus moves down)")
    if row.get("kind") == AT_RISK and row["term"] == "lost":
        return _("share of customers lost")
    if row.get("kind") == AT_RISK and row["term"] == "at risk":
        return _("share of customers at risk")
    if row.get("kind") == MISSED:  # a measure by its own name, which is no question
        return i18n.opening(i18n.label(str(row["term"])))
    return i18n.quoted(i18n.label(str(row["term"])))


def _note(
    rate: float, looked: int, notebooks: int, table: pd.DataFrame, quiet: pd.DataFrame
) -> str:
    held = _(
        "Adjusted for all {looked:count} series of {notebooks:count} pages (Benjamini and "
        "Hochberg; outcome and NPS by themselves): at most {rate:share} of the alerts are expected "
        "to be false. An alert is dated by the wave in which it began.",
        looked=looked,
        notebooks=notebooks,
        rate=rate,
    )
    if len(quiet):
        names = [subject(row) for _k, row in quiet.iterrows()]
        said = _(
            "To be confirmed by a second wave, since earlier alarms faded: {names:list}.",
            names=names,
        )
        held = i18n.together([held, said])
    unknown = table[(table["estimate"] < 0) & table["money"].isna()]
    if unknown.empty:
        return held
    return i18n.together(
        [
            held,
            _(
                "What a fall costs is known for the outcome and for customers at risk, where "
                "study.yaml gives their value.",
            ),
        ]
    )
