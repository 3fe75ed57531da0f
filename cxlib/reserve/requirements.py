"""What a notebook needs of a study, and why a study does not have it, in words for a page.

A need is one of:

- a table, or alternatives: "events", "customers|orders"
- what study.yaml states: the keys of STATED
- answers to a question of some role: "items:touchpoint", "items:nps|csat", "items:any"
- a column with a value in some row: "column:cases.solved_at"; with several values, as a mean or a
  comparison wants: "varied:orders.amount", or so many of them: "varied:comments.text:20"
- cases that were watched for so many days, "observed:cases:35", and enough customers who left and
  who stayed to fit a model to, "leavers:20"
- "groups": channels, products or branches to compare (`reserve.grouping`)
- "waves" (two or more), "drivers" (one or more), "drivers:2", "coded", "quarantine"
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cxlib.core import i18n
from cxlib.core.errors import RowsStay
from cxlib.core.i18n import N_, _, ngettext
from cxlib.data import sql
from cxlib.reserve import grouping
from cxlib.reserve.customers import Customers
from cxlib.reserve.database import Database
from cxlib.reserve.engine import EngineError
from cxlib.reserve.grouping import OWN
from cxlib.reserve.journeys import Journeys
from cxlib.reserve.limits import TooManyRows


def coded_topics(reserve: Database) -> dict[str, str]:
    """The topics that people coded: name -> column of the comments, where it is there."""
    have = reserve.schema.get("comments", ())
    topics = reserve.study.topics.items()
    return {name: topic.coded for name, topic in topics if topic.coded in have}


def coding_file(reserve: Database) -> Path:
    """What `cx coding import` keeps: comment_id, stands_for and a column a topic."""
    return reserve.study.folder / "coding.csv"


def unmet(reserve: Database, need: str) -> str:
    """Why this need is not met, as a sentence of the page's language; empty when it is."""
    try:
        return _unmet(reserve, need)
    except (EngineError, RowsStay, TooManyRows) as error:  # it cannot be asked, or may not be
        return str(error)


def _unmet(reserve: Database, need: str) -> str:
    kind, _colon, rest = need.partition(":")
    if need in STATED:
        holds, sentence = STATED[need]
        if not holds(reserve):
            return _(sentence)
        return _unmet_together(reserve) if need == "drivers" else ""
    if kind == "items":
        return _unmet_items(reserve, rest.split("|"))
    if kind in ("column", "varied"):
        return _unmet_column(reserve, rest, varied=kind == "varied")
    if kind == "observed":
        return _unmet_observed(reserve, int(rest.rpartition(":")[2]))
    if kind == "leavers":
        return _unmet_leavers(reserve, int(rest))
    if kind == "drivers":
        return _unmet_drivers(reserve, int(rest))
    if need == "waves":
        if "responses" not in reserve.tables:
            return _unmet(reserve, "responses")
        few = _("Two survey waves are needed; the study has one.")  # without dates, too
        return "" if len(reserve.waves()) > 1 else few
    options = need.split("|")
    if there := [t for t in options if t in reserve.tables]:
        if reserve.study.limits.max_rows_scanned is not None:  # else any page of it fails later
            reserve.store.execute(f"select 1 from {sql.name(reserve.source(there[0]))} limit 0")
        return ""
    return _("The study has no table {tables}.", tables=" / ".join(map(i18n.label, options)))


def _flagged(reserve: Database, *, tenure: bool = False) -> bool:
    churn = reserve.study.churn
    return churn is not None and bool(churn.flag) and (not tenure or bool(churn.tenure))


def _leavers(reserve: Database) -> bool:
    """Whether some customer has left, or the study's own flag says who has."""
    return _flagged(reserve) or distinct(reserve, "customers", "left_on") > 0


def _timed(*ends: str) -> Callable[[Database], bool]:
    """Whether some case says when one of these came, by its date or the hours until then."""
    columns = [f"{end}_{how}" for end in ends for how in ("at", "hours")]
    return lambda reserve: any(distinct(reserve, "cases", c) for c in columns)


def _advocates(reserve: Database) -> bool:
    reviewed = "advocacy" in reserve.study.touchpoints.values() and "events" in reserve.tables
    return reviewed or reserve.has_columns("customers", "referred_by", "joined_on")


def _organised(reserve: Database, table: str) -> bool:
    stated = reserve.study.organisation
    return stated is not None and stated.table == table


STATED: dict[str, tuple[Callable[[Database], bool], str]] = {
    "quarantine": (lambda r: len(r.quarantine) > 0, N_("Nothing was set aside.")),
    "margins": (
        lambda r: bool(r.margins),
        N_("The study states no shares of its population, or not of every group."),
    ),
    "drivers": (
        lambda r: bool(r.study.default_drivers),
        N_("The study names no drivers and no touchpoints."),
    ),
    "expectations": (
        lambda r: any(i.expectation for i in r.study.items.values()),
        N_("No question asks what customers expected of what they then rate."),
    ),
    "model": (
        lambda r: r.study.model is not None,
        N_("The study declares no satisfaction index model."),
    ),
    "groups": (
        lambda r: bool(grouping.column(r)),
        N_("The study has no channels, products or branches to compare."),
    ),
    "goal": (
        lambda r: bool(r.study.journey.goal),
        N_("The study does not say what completes a journey."),
    ),
    "stages": (
        lambda r: "events" in r.tables and bool(Journeys(r).stages),
        N_("The study does not say the stages of its touchpoints."),
    ),
    "churn": (_leavers, N_("The study does not say who has left.")),
    "contract": (
        lambda r: r.study.churn is not None and bool(r.study.churn.tenure),
        N_("The study does not count the periods of a contract."),
    ),
    "charge": (
        lambda r: r.study.churn is not None and bool(r.study.churn.charge),
        N_("The study does not say what customers under contract pay in a period."),
    ),
    "lifetimes": (
        lambda r: _flagged(r, tenure=True) or r.has_columns("customers", "joined_on", "left_on"),
        N_("The study does not say how long customers stayed."),
    ),
    "leaving_dates": (
        lambda r: distinct(r, "customers", "left_on") > 0,
        N_("The study does not say when customers left."),
    ),
    "leaving_reasons": (
        lambda r: distinct(r, "customers", "left_because") > 0,
        N_("The study does not say why customers left."),
    ),
    "coded": (
        lambda r: bool(coded_topics(r)) or coding_file(r).is_file(),
        N_("No topic of the comments was coded by people."),
    ),
    "units": (
        lambda r: r.study.organisation is not None,
        N_("The study declares no organisation of units."),
    ),
    "organisation": (
        lambda r: _organised(r, "responses"),
        N_("The study declares no organisation whose units answers name."),
    ),
    "case_units": (
        lambda r: _organised(r, "cases"),
        N_("The study declares no organisation whose units cases name."),
    ),
    "response_rate": (
        lambda r: "invitations" in r.tables or r.study.response_rate is not None,
        N_(
            "It is not known what share of those asked answered: state `response_rate` in "
            "study.yaml, or add a table of invitations."
        ),
    ),
    "benchmarks": (
        lambda r: bool(r.study.benchmarks) or "benchmarks" in r.tables,
        N_("The study states no benchmarks."),
    ),
    "costs": (
        lambda r: bool(r.study.costs.value_column or r.study.costs.customer_value),
        N_("The study does not say what a customer is worth."),
    ),
    "pilot": (
        lambda r: r.study.churn is not None and r.study.churn.pilot is not None,
        N_("The study declares no randomised pilot."),
    ),
    "callback_trial": (
        lambda r: distinct(r, "contacts", "arm") > 1,
        N_("No call-backs are on file in which chance decided who was called."),
    ),
    "changes": (
        lambda r: bool(r.study.changes),
        N_("The study declares no change to be evaluated."),
    ),
    "programme": (
        lambda r: r.study.loyalty.programme is not None and "orders" in r.tables,
        N_("The study declares no loyalty programme."),
    ),
    "referrals": (_advocates, N_("The study records no reviews or referrals.")),
    "referred": (
        lambda r: distinct(r, "customers", "referred_by") > 0,
        N_("The study does not record who referred a customer."),
    ),
    "solutions": (_timed("solved"), N_("No case says when it was solved.")),
    "waits": (
        _timed("first_reply", "solved"),
        N_("No case says when it was answered or solved."),
    ),
    "awaited": (
        lambda r: r.has_columns("orders", "delivered_at") or _timed("solved")(r),
        N_("The study says neither when orders were delivered nor when cases were solved."),
    ),
    "standards": (
        lambda r: bool(r.study.service.standards),
        N_("The study states no service standards."),
    ),
}


LATER = {  # what no count of rows can foresee
    "risk": N_("Whether any customer is at high risk is known after the model is fitted."),
}


def distinct(reserve: Database, table: str, column: str) -> int:
    """How many different values a column has; 0 where it is not there."""
    if column not in reserve.schema.get(table, ()):
        return 0
    source = sql.name(reserve.source(table))
    query = f"select approx_count_distinct({sql.name(column)}) from {source}"
    return sql.first(reserve.store, query)[0]


def _unmet_column(reserve: Database, place: str, *, varied: bool) -> str:
    place, _colon, least = place.partition(":")
    table, _dot, column = place.partition(".")
    values: dict[str, object] = {"table": table, "column": column}
    if table not in reserve.schema:
        return _("The study has no table {table:label}.", table=table)
    if column not in reserve.schema.get(table, ()):
        said = _("{table:label} have no column {column:quoted}.", **values)
        return i18n.opening(said)
    n = distinct(reserve, table, column)
    if not n:
        said = _("{table:label}: {column:quoted} is empty in every row.", **values)
    elif varied and n < int(least or 2):
        said = _(
            "{table:label}: too few different values of {column:quoted} ({n:count}).",
            n=n,
            **values,
        )
    else:
        return ""
    return i18n.opening(said)


def _unmet_observed(reserve: Database, least: int) -> str:
    """Why cases were not watched for so many days, from the first opening to the last moment."""
    have = reserve.schema.get("cases", ())
    if "opened_at" not in have:
        return unmet(reserve, "column:cases.opened_at")
    ends = [sql.name(c) for c in ("opened_at", "first_reply_at", "solved_at") if c in have]
    hours = (sql.name(c) for c in ("first_reply_hours", "solved_hours") if c in have)
    ends += [f"opened_at + to_hours(ceil({c})::bigint)" for c in hours]
    last = ", ".join(f"max({end})" for end in ends)
    source = sql.name(reserve.source("cases"))
    query = f"select date_diff('second', min(opened_at), greatest({last})) from {source}"
    days = (sql.first(reserve.store, query)[0] or 0) // 86400
    if days >= least:
        return ""
    return ngettext(
        "The cases span {n:count} days; {least:count} is needed.",
        "The cases span {n:count} days; {least:count} are needed.",
        least,
        n=days,
        least=least,
    )


def _unmet_leavers(reserve: Database, least: int) -> str:
    """Why no model of leaving can be fitted: too few left or stayed, or all are alike."""
    if not _leavers(reserve):
        return _(STATED["churn"][1])
    rows = Customers(reserve).profiles()
    left = rows["left"].dropna().astype(bool)
    if min(left.sum(), (~left).sum()) < least:
        return _(
            "A churn model needs {least:count} customers who left and as many who stayed.",
            least=least,
        )
    features = rows.columns.difference([*OWN, "left", "left_after"])
    alike = all(rows[c].nunique() < 2 for c in features)
    return _("No column differs between customers.") if alike else ""


def _unmet_drivers(reserve: Database, least: int) -> str:
    have = [d for d in reserve.study.default_drivers if distinct(reserve, "responses", d) > 1]
    if len(have) >= least:
        return ""
    return _(
        "Drivers are compared with each other; the study has {n:count} with different answers.",
        n=len(have),
    )


def _unmet_together(reserve: Database) -> str:
    """Why the outcome and all drivers cannot be looked at together, as of different waves."""
    have, study = reserve.schema.get("responses", ()), reserve.study
    asked = [i for i in (study.default_outcome, *study.default_drivers) if i in have]
    if not asked:
        return ""
    answered = []
    for item in asked:
        flag = f"{item}_not_experienced"
        never = f" or coalesce({sql.name(flag)}, false)" if flag in have else ""
        answered.append(f"({sql.name(item)} is not null{never})")
    together = " and ".join(answered)
    source = sql.name(reserve.source("responses"))
    query = f"select count(*) from {source} where {together}"
    if sql.first(reserve.store, query)[0]:
        return ""
    labels = [i18n.label(item) for item in asked]
    return _("Nobody answered all of {columns:list} in the same survey.", columns=labels)


def _unmet_items(reserve: Database, roles: list[str]) -> str:
    asked = reserve.study.items if roles == ["any"] else reserve.study.items_of(*roles)
    if any(distinct(reserve, "responses", item) for item in asked):
        return ""
    if roles == ["any"]:
        return _("The study asks no questions.")
    called = {
        "nps": _("recommendation (NPS)"),
        "csat": _("satisfaction (CSAT)"),
        "effort": _("effort (CES)"),
        "touchpoint": _("touchpoints"),
        "construct": _("the parts of an index"),
    }
    words = _(" or ").join(called.get(role) or i18n.label(role) for role in roles)
    return _("The study asks no question on {roles}.", roles=words)
