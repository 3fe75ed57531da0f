"""What a notebook needs of a study, and why a study does not have it, in words for a page."""

from __future__ import annotations

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.reserve.database import Database
from cxlib.reserve.journeys import Journeys


def coded_topics(reserve: Database) -> dict[str, str]:
    """The topics that people coded: name -> column of the comments, where it is there."""
    have = reserve.schema.get("comments", ())
    topics = reserve.study.topics.items()
    return {name: topic.coded for name, topic in topics if topic.coded in have}


def unmet(reserve: Database, need: str) -> str:
    """Why this need is not met, as a sentence of the page's language; empty when it is."""
    study = reserve.study
    if need.startswith("items:"):
        return _unmet_items(reserve, need.removeprefix("items:").split("|"))
    if need == "quarantine":
        return "" if len(reserve.quarantine) else _("Nothing was set aside.")
    if need == "margins":
        margins = study.margins
        return "" if margins else _("The study states no shares of its population.")
    if need == "drivers":
        drivers = study.default_drivers
        return "" if drivers else _("The study names no drivers and no touchpoints.")
    if need == "model":
        return "" if study.model else _("The study declares no satisfaction index model.")
    if need == "goal":
        goal = study.journey.goal
        return "" if goal else _("The study does not say what completes a journey.")
    if need == "stages":
        staged = bool(Journeys(reserve).stages) if "events" in reserve.tables else False
        return "" if staged else _("The study does not say the stages of its touchpoints.")
    if need == "churn":
        known = reserve.has_columns("customers", "left_on")
        flagged = study.churn is not None and bool(study.churn.flag)
        return "" if known or flagged else _("The study does not say who has left.")
    if need == "contract":
        counted = study.churn is not None and bool(study.churn.tenure)
        return "" if counted else _("The study does not count the periods of a contract.")
    if need == "lifetimes":
        known = reserve.has_columns("customers", "joined_on", "left_on")
        flagged = study.churn is not None and bool(study.churn.flag and study.churn.tenure)
        said = _("The study does not say how long customers stayed.")
        return "" if known or flagged else said
    if need == "leaving_dates":
        known = reserve.has_columns("customers", "left_on")
        return "" if known else _("The study does not say when customers left.")
    if need == "leaving_reasons":
        known = reserve.has_columns("customers", "left_because")
        return "" if known else _("The study does not say why customers left.")
    if need == "coded":
        return "" if coded_topics(reserve) else _("No topic of the comments was coded by people.")
    if need == "costs":
        stated = bool(study.costs.value_column or study.costs.customer_value)
        said = _("The study does not say what a customer is worth.")
        return "" if stated else said
    if need == "pilot":
        pilot = study.churn is not None and study.churn.pilot is not None
        return "" if pilot else _("The study tells of no randomised pilot.")
    if need == "changes":
        said = _("The study tells of no change to be judged.")
        return "" if study.changes else said
    if need == "programme":
        planned = study.loyalty.programme is not None and "orders" in reserve.tables
        return "" if planned else _("The study tells of no loyalty programme.")
    if need == "referrals":
        advocacy = "advocacy" in study.touchpoints.values() and "events" in reserve.tables
        dated = reserve.has_columns("customers", "referred_by", "joined_on")
        said = _("The study records no reviews or referrals.")
        return "" if advocacy or dated else said
    if need == "referred":
        known = reserve.has_columns("customers", "referred_by")
        return "" if known else _("The study does not say which customer brought which.")
    if need == "standards":
        stated = bool(study.service.standards)
        return "" if stated else _("The study states no service standards.")
    if need.startswith("column:"):
        table, _unused, column = need.removeprefix("column:").partition(".")
        there = column in reserve.schema.get(table, ())
        said = _("{table:label} have no column {column:quoted}.", table=table, column=column)
        return "" if there else i18n.opening(said)
    if need == "waves":
        n = (waves := len(reserve.waves()))
        if waves > 1:
            return ""
        return _("Two survey waves are needed; the study has {n:count}.", n=n)
    options = need.split("|")
    if any(t in reserve.tables for t in options):
        return ""
    return _("The study has no table {tables}.", tables=" / ".join(map(i18n.label, options)))


def _unmet_items(reserve: Database, roles: list[str]) -> str:
    have = reserve.schema.get("responses", ())
    asked = reserve.study.items if roles == ["any"] else reserve.study.items_of(*roles)
    if any(item in have for item in asked):
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
    words = " / ".join(called.get(role) or i18n.label(role) for role in roles)
    return _("The study asks no question on {roles}.", roles=words)
