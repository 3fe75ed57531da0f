"""What a notebook needs of a study, and why a study does not have it, in words for a page."""

from __future__ import annotations

from cxlib import page
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
        return "" if len(reserve.quarantine) else page.say("No row was set aside.")
    if need == "margins":
        margins = study.margins
        return "" if margins else page.say("The study states no shares of its population.")
    if need == "drivers":
        drivers = study.default_drivers
        return "" if drivers else page.say("The study names no drivers and no touchpoints.")
    if need == "model":
        return "" if study.model else page.say("The study declares no satisfaction index model.")
    if need == "goal":
        goal = study.journey.goal
        return "" if goal else page.say("The study does not say what completes a journey.")
    if need == "stages":
        staged = bool(Journeys(reserve).stages) if "events" in reserve.tables else False
        return "" if staged else page.say("The study does not say the stages of its touchpoints.")
    if need == "churn":
        known = reserve.has_columns("customers", "left_on")
        flagged = study.churn is not None and bool(study.churn.flag)
        return "" if known or flagged else page.say("The study does not say who has left.")
    if need == "contract":
        counted = study.churn is not None and bool(study.churn.tenure)
        return "" if counted else page.say("The study does not count the periods of a contract.")
    if need == "lifetimes":
        known = reserve.has_columns("customers", "joined_on", "left_on")
        flagged = study.churn is not None and bool(study.churn.flag and study.churn.tenure)
        said = page.say("The study does not say how long customers stayed.")
        return "" if known or flagged else said
    if need == "leaving_dates":
        known = reserve.has_columns("customers", "left_on")
        return "" if known else page.say("The study does not say when customers left.")
    if need == "leaving_reasons":
        known = reserve.has_columns("customers", "left_because")
        return "" if known else page.say("The study does not say why customers left.")
    if need == "coded":
        return (
            ""
            if coded_topics(reserve)
            else page.say("No topic of the comments was coded by people.")
        )
    if need == "costs":
        stated = bool(study.costs.value_column or study.costs.customer_value)
        said = page.say("The study does not say what a customer is worth.")
        return "" if stated else said
    if need == "pilot":
        pilot = study.churn is not None and study.churn.pilot is not None
        return "" if pilot else page.say("The study tells of no randomised pilot.")
    if need == "changes":
        said = page.say("The study tells of no change to be judged.")
        return "" if study.changes else said
    if need == "programme":
        planned = study.loyalty.programme is not None and "orders" in reserve.tables
        return "" if planned else page.say("The study tells of no loyalty programme.")
    if need == "referrals":
        advocacy = "advocacy" in study.touchpoints.values() and "events" in reserve.tables
        dated = reserve.has_columns("customers", "referred_by", "joined_on")
        said = page.say("The study records no reviews or referrals.")
        return "" if advocacy or dated else said
    if need == "referred":
        known = reserve.has_columns("customers", "referred_by")
        return "" if known else page.say("The study does not say which customer brought which.")
    if need == "standards":
        stated = bool(study.service.standards)
        return "" if stated else page.say("The study states no service standards.")
    if need.startswith("column:"):
        table, _, column = need.removeprefix("column:").partition(".")
        there = column in reserve.schema.get(table, ())
        said = page.say("{table} have no column {column}.", table=page.label(table),
                        column=page.quoted(page.label(column)))  # fmt: skip
        return "" if there else page.opening(said)
    if need == "waves":
        n = page.count(waves := len(reserve.waves()))
        if waves > 1:
            return ""
        return page.say("Two survey waves are needed; the study has {n}.", n=n)
    options = need.split("|")
    if any(t in reserve.tables for t in options):
        return ""
    return page.say("The study has no table {tables}.", tables=" / ".join(map(page.label, options)))


def _unmet_items(reserve: Database, roles: list[str]) -> str:
    have = reserve.schema.get("responses", ())
    asked = reserve.study.items if roles == ["any"] else reserve.study.items_of(*roles)
    if any(item in have for item in asked):
        return ""
    if roles == ["any"]:
        return page.say("The study asks no questions.")
    called = {
        "nps": page.say("recommendation (NPS)"), "csat": page.say("satisfaction (CSAT)"),
        "effort": page.say("effort (CES)"), "touchpoint": page.say("touchpoints"),
        "construct": page.say("the parts of an index"),
    }  # fmt: skip
    words = " / ".join(called.get(role) or page.label(role) for role in roles)
    return page.say("The study asks no question on {roles}.", roles=words)
