"""Improvement opportunities that other notebooks found: candidates for the ledger, largest first.

    opportunities(report.others("mine"))     # source, term, estimate, low, high, n, unit

21 has what a point more of a driver is associated with in the outcome, 22 the same of a pain point,
32 what it is expected to bring to contact the customers at risk that it lists. An association is no
promise: the effect that is expected of an action belongs into the ledger, with its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from cxlib.actions.series import Answers
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.problems import problem_name

COLUMNS = ["source", "term", "estimate", "low", "high", "n", "unit"]
MOST = 3  # of one notebook
STRENGTH = "strength"  # a driver that matters and is rated above average, as 21 says
RATED_AVERAGE = "rated about average"
(AVERAGE,) = mark("points on average")
WORDS = (
    *("rests on", "opportunities", "source", "contact customers at risk", "money", "a point more"),
)


def past_problems(answers: Answers, alerts: pd.DataFrame) -> dict[str, str]:
    """Drivers that rank lower without a wave in which something failed that is over.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    alerts : table of `alerts`

    Returns
    -------
    driver -> wave, as 20 finds them and as 20 and 21 say; drivers whose alert still holds are not
    among them

    Examples
    --------
    >>> rests = pd.DataFrame({"term": ["delivery"], "rests_on": "Q1", "place": 2})
    >>> alert = pd.DataFrame({"term": ["delivery"], "group": "", "wave": "Q1", "standing": "over"})
    >>> kept = Result({"table": rests, "rests": rests}, "")
    >>> past_problems({"20": {"without_waves": kept}}, alert)
    {'delivery': 'Q1'}
    """
    kept = answers.get("20", {}).get("without_waves")
    if kept is None or "rests" not in kept.tables:
        return {}
    holds = set()
    if len(alerts):
        lasting = alerts["group"].eq("") & alerts["standing"].ne("over")
        holds = set(alerts.loc[lasting, "term"])
    rests = kept.tables["rests"]
    return {
        str(term): str(wave)
        for term, wave in zip(rests["term"], rests["rests_on"], strict=True)
        if term not in holds
    }


def opportunities(
    answers: Answers,
    outcome: str = "",
    currency: str = "",
    past: Mapping[str, str] | None = None,
) -> Result:
    """List the three largest opportunities that each notebook reports.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    outcome, currency : what the drivers move, and that of amounts, for the sentence
    past : driver -> wave, as `past_problems` gives it; such a driver comes after those that hold

    Returns
    -------
    Result with table: source (number of the notebook), term, estimate, low, high, n, unit ("scale":
    points of the outcome for one point more of the driver; "money"; "points on average": of the
    outcome over all answers) and, where known, position of a driver ("weakness", "strength" ...
    of 21), rests_on (the wave without which a driver that has passed ranks lower) and place (by
    explained variance without it)
    """
    last = ""
    rows = [row for part in (_of_drivers, _of_pains, _of_contacts) for row in part(answers)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    if (kept := answers.get("21", {}).get("needs")) is not None and len(table):
        position = dict(zip(kept.table["term"], kept.table["position"], strict=True))
        table["position"] = table["term"].map(position).where(table["source"].eq("21")).fillna("")
    if past and (of := table["term"].map(past).where(table["unit"].eq("scale"))).notna().any():
        places = answers["20"]["without_waves"].rests.set_index("term")["place"]
        place = table["term"].map(places).where(of.notna())
        late = of.notna() & table["source"].eq("21")
        table = table.assign(rests_on=of.fillna(""), place=place, late=late)
        drivers = table["unit"].eq("scale")
        ordered = [table[drivers].sort_values("late", kind="stable"), table[~drivers]]
        table = pd.concat(ordered, ignore_index=True).drop(columns="late")
        last = _("Drivers that rank lower without a past wave come after those that do not.")
    note = _(
        "From the pages on drivers, pain points and churn; associations, unless randomised. Where "
        "an interval includes zero, no gain is certain. Of contacting customers at risk it is the "
        "prediction interval of the list of this run."
    )
    columns = [
        Column("source", "number of the page", "page", label=N_("page")),
        Column("place", "place without the wave", "count", label=N_("place without the wave")),
    ]
    finding = _with_latest(_finding(table, outcome, currency), table, answers)
    return Result(table, finding, i18n.together([note, last]), columns=columns)


def _first(table: pd.DataFrame, source: str, unit: str) -> Iterator[dict[str, Any]]:
    known = table[table["estimate"].notna() & table["n"].notna()]
    for row in known.sort_values("estimate", ascending=False).head(MOST).to_dict("records"):
        yield {c: row.get(c) for c in COLUMNS} | {"source": source, "unit": unit}


def _of_drivers(answers: Answers) -> Iterator[dict[str, Any]]:
    kept = answers.get("21", {})
    for name in ("gains", "first"):
        if name in kept:
            yield from _first(kept[name].table, "21", "scale")
            return


def _pains(answers: Answers) -> pd.DataFrame:
    """The pain points of 22, whatever it calls them; empty without."""
    for fit in answers.get("22", {}).values():
        if {"touchpoint", "term", "reach", "severity", "chance_top"} <= set(fit.table):
            return fit.table[fit.table["estimate"].notna()]
    return pd.DataFrame()


def _of_pains(answers: Answers) -> Iterator[dict[str, Any]]:
    pains = _pains(answers)
    if pains.empty:
        return
    both = zip(pains["touchpoint"], pains["term"], strict=True)
    names = [problem_name(str(t), str(p)) for t, p in both]
    named = pains.assign(term=names)
    money = {"money": "estimate", "money_low": "low", "money_high": "high"}
    if set(money) <= set(pains) and named["money"].notna().any():
        priced = named.drop(columns=["estimate", "low", "high"]).rename(columns=money)
        yield from _first(priced, "22", "money")
    else:
        own = {c: named[c] / 100 for c in ("estimate", "low", "high")}  # 22 has it per 100 answers
        yield from _first(named.assign(**own), "22", AVERAGE)


def _of_contacts(answers: Answers) -> Iterator[dict[str, Any]]:
    """What contacting today's list is expected to bring; the backtest of 32 is about past ones."""
    kept = answers.get("32", {}).get("contact")
    if kept is not None and len(kept.table):
        best = kept.table[kept.table["term"] == "by expected gain"]
        yield from _first(best.assign(term="contact customers at risk"), "32", "money")


def _with_latest(finding: Finding, table: pd.DataFrame, answers: Answers) -> Finding:
    """With the driver that 20 finds first in the latest wave alone, where it is another one."""
    kept = answers.get("20", {}).get("without_waves")
    latest = pd.DataFrame() if kept is None else kept.tables.get("latest", pd.DataFrame())
    if latest.empty or table.empty or table["unit"].iloc[0] != "scale":
        return finding
    first = latest.iloc[0]
    if first["term"] == table["term"].iloc[0]:
        return finding
    alone = _(
        "in {wave:label} alone {driver:quoted} is the strongest driver (n = {n:count})",
        wave=first["wave"],
        driver=first["term"],
        n=first["n"],
    )
    return replace(finding, detail=_("; ").join([finding.detail, alone]))


def _finding(table: pd.DataFrame, outcome: str, currency: str) -> Finding:
    if table.empty:
        return Finding(_("No page of this study reports an improvement opportunity."))
    first = table.iloc[0]
    facts = {
        "term": first["term"],
        "size": first["estimate"],
        "outcome": outcome or _("the outcome"),
    }
    detail = _(
        "95% CI {span:interval2}; n = {n:count}", span=(first["low"], first["high"]), n=first["n"]
    )
    if first.get("position") == STRENGTH:
        known = _("{term:quoted} is a strength: rated above average already", **facts)
        detail = _("{first}; {second}", first=detail, second=known)
    elif first.get("position") == RATED_AVERAGE:
        known = _("{term:quoted} is rated about average", **facts)
        detail = _("{first}; {second}", first=detail, second=known)
    late = table[table["rests_on"].ne("")] if "rests_on" in table else table.iloc[:0]
    for row in late.itertuples():
        held = _(
            "without {wave:label}, whose fall is over, {driver:quoted} ({gain:signed2}) is number "
            "{place:count} by explained variance",
            driver=row.term,
            gain=row.estimate,
            wave=row.rests_on,
            place=row.place,
        )
        detail = _("{first}; {second}", first=detail, second=held)
    if len(late) and first["unit"] == "scale":
        detail = _("over all waves; {detail}", detail=detail)
    importance = Importance.NOTABLE if first["low"] > 0 else Importance.ANSWER
    if first["unit"] == "scale":
        largest = (
            _("the largest opportunity that rests on no past event")
            if len(late) and not first.get("rests_on")
            else _("the largest opportunity")
        )
        claim = _(
            "{term:quoted} is {largest}: each rating point is associated with {outcome:quoted} "
            "being {size:number2} points higher.",
            largest=largest,
            **facts | {"term": i18n.opening(i18n.label(str(first["term"])))},
        )
    elif first["unit"] == AVERAGE:
        claim = _(
            "The largest opportunity: {term:quoted}, associated with {outcome:quoted} being "
            "{size:number2} points lower on average over all answers.",
            **facts,
        )
    else:
        facts["size"] = (first["estimate"], currency)
        claim = _(
            "The largest opportunity is {term:quoted}, with an expected gain of {size:money}.",
            **facts,
        )
        detail = _(
            "95% CI {span:money_interval}; n = {n:count}",
            span=(first["low"], first["high"], currency),
            n=first["n"],
        )
    action = _(
        "Find out what would improve {term:quoted}, and enter an action with its owner in the "
        "ledger",
        **facts,
    )
    if first["unit"] != "scale":
        return Finding(claim, detail, importance=importance, action=action)
    about = {"outcome": outcome, "driver": str(first["term"])}
    return Finding.of_row(
        first,
        claim,
        detail,
        unit="scale",
        measure="driver_gain",
        at={k: v for k, v in about.items() if v},
        importance=importance,
        action=action,
    )
