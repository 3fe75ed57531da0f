"""Customers as they stood on a day: what was known before it, and what they did after it.

Point in time is the whole of it. A feature that peeps at the day it shall predict makes a model
that is splendid on paper and useless at the counter; so each feature is a sum over rows dated
before `as_of`, and a test changes the later rows and finds the features unchanged.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from cxlib import page
from cxlib.reserve import sql
from cxlib.reserve.store import ReserveError
from cxlib.study import STAGES, Study

if TYPE_CHECKING:
    from cxlib.reserve.reading import Reserve

DATED = {  # table: the column that says when a row came to be known
    "responses": "answered_on",
    "events": "at",
    "orders": "at",
    "cases": "opened_at",
    "comments": "at",
}

LOOK_BACK = 365  # days, the longest that a feature looks back


def history(
    store: duckdb.DuckDBPyConnection,
    columns: dict[str, list[str]],
    study: Study,
    as_of: str | date,
    horizon: int = 90,
) -> pd.DataFrame:
    """A row for each who is a customer at `as_of`: joined before it, and not left by it.

    Returns
    -------
    customer_id, attributes of the customers table (as loaded: keep those out that change
    afterwards, with `churn.exclude`), tenure_days; from orders recency_days, orders_365, spend_365;
    from cases cases_180, open_cases; from responses last_satisfaction (the latest answer to the
    first csat item, else the nps item); from events events_90; and, where left_on is there, `left`:
    True for those who left after as_of and within `horizon` days, and `left_after` the days it
    took them. Counts are 0 where there is nothing, recency and satisfaction are NaN.
    """
    day = _day(as_of)
    if horizon < 1:
        raise ReserveError(f"horizon is {horizon} days; it must be 1 or more.")
    have = columns.get("customers", ["customer_id"])  # else those who ordered
    joins, selected = [], ["c.customer_id"]
    if "joined_on" in have:
        selected.append("date_diff('day', c.joined_on, $day) as tenure_days")
    for table, counted, features in _features(study, columns):
        joins.append(f"left join ({counted}) {table}_ on {table}_.customer_id = c.customer_id")
        selected += features
    if "left_on" in have:
        within = "c.left_on > $day and c.left_on <= $day + to_days($horizon)"
        selected += [
            f'coalesce({within}, false) as "left"',
            f"case when {within} then date_diff('day', $day, c.left_on) end as left_after",
        ]
    # An attribute of the same name would take the place of what is computed.
    computed = {s.rsplit(" as ", 1)[-1].rpartition(".")[2].strip('"') for s in selected}
    theirs = [c for c in _attributes(study, have) if sql.fold(c) not in computed]
    selected[1:1] = [f"c.{sql.name(c)}" for c in theirs]
    there = ["true"]
    there += ["(c.joined_on is null or c.joined_on < $day)"] if "joined_on" in have else []
    there += ["(c.left_on is null or c.left_on > $day)"] if "left_on" in have else []
    order = f"c.{sql.ROW}" if "customers" in columns else "c.customer_id"
    query = (
        f"select {', '.join(selected)} from {_everybody(columns)} c {' '.join(joins)} "
        f"where {' and '.join(there)} order by {order}"
    )
    dated = joins or {"joined_on", "left_on"} & set(have)  # else nothing asks for the day
    values = {"day": day} if dated else {}
    if "left_on" in have:
        values["horizon"] = horizon
    rows = store.execute(query, values).df()
    if rows.empty:
        raise ReserveError(
            f"nobody is a customer of {study.name} on {day:%Y-%m-%d}. Choose a day between the "
            "first joined_on and the last left_on."
        )
    return rows


def _everybody(columns: dict[str, list[str]]) -> str:
    """The customers; where the study lists none, all who ever ordered."""
    if "customers" in columns:
        return "customers"
    return "(select distinct customer_id from orders where customer_id is not null)"


def _day(as_of: str | date) -> datetime:
    try:
        return pd.Timestamp(as_of).normalize().to_pydatetime()
    except ValueError as error:
        raise ReserveError(f"as_of {as_of!r} is not a day. Write it as 2026-06-30.") from error


def _attributes(study: Study, have: list[str]) -> list[str]:
    out = {"customer_id", "joined_on", "left_on", "left_because", "referred_by"}
    if study.churn:
        out |= {*study.churn.exclude, study.churn.flag}
    return [c for c in have if c not in out]


Feature = tuple[str, str, list[str]]  # table, query of one row a customer, what to select of it


def _features(study: Study, columns: dict[str, list[str]]) -> list[Feature]:
    """What the dated tables there are tell of a customer before $day."""
    scores = study.items_of("csat") or study.items_of("nps")
    found: list[Feature] = []
    if _can(columns, "orders", "at"):
        found.append(_of_orders("amount" in columns["orders"]))
    if _can(columns, "cases", "opened_at"):
        found.append(_of_cases("solved_at" in columns["cases"]))
    if _can(columns, "responses", "answered_on") and scores:
        found.append(_of_responses(scores[0]))
    if _can(columns, "events", "at"):
        found.append(_of_events())
    return found


def _of_orders(with_amount: bool) -> Feature:
    within = 'filter (where "at" >= $day - to_days(365))'
    spend = f"sum(amount) {within}" if with_amount else "null::double"
    query = (
        f"select customer_id, date_diff('day', max(\"at\"), $day) as recency_days, "
        f"count(*) {within} as orders_365, {spend} as spend_365 "
        'from orders where "at" < $day group by customer_id'
    )
    return "orders", query, [
        "orders_.recency_days::double as recency_days",
        "coalesce(orders_.orders_365, 0)::double as orders_365",
        "coalesce(orders_.spend_365, 0)::double as spend_365",
    ]  # fmt: skip


def _of_cases(with_end: bool) -> Feature:
    # A case solved on the day or later was open before it, whatever is known today.
    solved = "solved_at" if with_end else "null::timestamp"
    query = (
        "select customer_id, "
        "count(*) filter (where opened_at >= $day - to_days(180)) as cases_180, "
        f"count(*) filter (where {solved} is null or {solved} >= $day) as open_cases "
        "from cases where opened_at < $day and customer_id is not null group by customer_id"
    )
    return "cases", query, [
        "coalesce(cases_.cases_180, 0)::double as cases_180",
        "coalesce(cases_.open_cases, 0)::double as open_cases",
    ]  # fmt: skip


def _of_responses(score: str) -> Feature:
    query = (
        f"select customer_id, arg_max({sql.name(score)}, answered_on) as last_satisfaction "
        f"from responses where answered_on < $day and {sql.name(score)} is not null "
        "and customer_id is not null group by customer_id"
    )
    return "responses", query, ["responses_.last_satisfaction"]


def _of_events() -> Feature:
    query = (
        'select customer_id, count(*) filter (where "at" >= $day - to_days(90)) as events_90 '
        'from events where "at" < $day group by customer_id'
    )
    return "events", query, ["coalesce(events_.events_90, 0)::double as events_90"]


def _can(columns: dict[str, list[str]], table: str, at: str) -> bool:
    return {"customer_id", at} <= set(columns.get(table, ()))


def people(reserve: Reserve) -> pd.DataFrame:
    """Customers with `left` where it is known; see `Reserve.people`."""
    if not {"customers", "orders"} & set(reserve.tables):
        raise ReserveError(
            f"{reserve.study.name} has no customers and no orders table. Map one in study.yaml."
        )
    have, churn = reserve._all_columns().get("customers", ()), reserve.study.churn
    horizon = churn.horizon if churn else 90
    last = _last_day(reserve)
    if "left_on" in have and last is not None:
        return reserve.history(last - timedelta(days=horizon), horizon)
    if churn and churn.flag:
        return _flagged(reserve)
    if last is not None and any(t in reserve.tables for t in DATED):
        return reserve.history(last + timedelta(days=1), horizon)
    return reserve.read("customers")


def snapshots(reserve: Reserve, most: int) -> dict[str, pd.DataFrame]:
    """Histories whose outcomes are known and do not overlap; see `Reserve.snapshots`."""
    if "left_on" not in reserve._all_columns().get("customers", ()):
        return {}
    horizon = reserve.study.churn.horizon if reserve.study.churn else 90
    first = reserve.store.execute("select min(left_on) from customers").fetchone()[0]
    begun = _first_day(reserve)
    if first is not None and begun is not None:  # a year to look back on, or counts count less
        first = max(first, begun + timedelta(days=LOOK_BACK))
    found: dict[str, pd.DataFrame] = {}
    day = _last_day(reserve) - timedelta(days=horizon)
    while first is not None and day >= first and len(found) < most:
        found[f"{day:%Y-%m-%d}"] = reserve.history(day, horizon)
        day -= timedelta(days=horizon)
    return dict(reversed(found.items()))


def now(reserve: Reserve) -> pd.DataFrame:
    """Those who are customers after the last day of the data; see `Reserve.now`."""
    last = _last_day(reserve)
    if "left_on" in reserve._all_columns().get("customers", ()) and last is not None:
        rows = reserve.history(last + timedelta(days=1))
        return rows.drop(columns=["left", "left_after"])
    rows = reserve.people()
    if "left" not in rows:
        return rows
    return rows[rows["left"].eq(False).fillna(False)].drop(columns="left").reset_index(drop=True)


def pilot(reserve: Reserve) -> pd.DataFrame:
    """Those in the study's trial, with `treated`; see `Reserve.pilot`."""
    trial = reserve.study.churn.pilot if reserve.study.churn else None
    if trial is None:
        raise ReserveError(f"{reserve.study.name} has no churn.pilot in study.yaml.")
    rows = reserve.people()
    if trial.begun_on is not None:
        rows = reserve.history(trial.begun_on, (_last_day(reserve).date() - trial.begun_on).days)
    if trial.column not in rows:
        raise ReserveError(f"churn.pilot: {trial.column!r} is no attribute of the customers.")
    arms = rows[rows[trial.column].isin([trial.treated, trial.control])]
    if arms[trial.column].nunique() < 2:
        there = ", ".join(map(str, rows[trial.column].unique()))
        raise ReserveError(
            f"churn.pilot: {trial.column} holds {there}; both {trial.treated!r} and "
            f"{trial.control!r} are needed."
        )
    return arms.drop(columns=trial.column).assign(treated=arms[trial.column] == trial.treated)


def touchpoints(reserve: Reserve) -> dict[str, str]:
    """Stage by touchpoint; see `Reserve.touchpoints`."""
    if reserve.study.touchpoints:
        return dict(reserve.study.touchpoints)
    if "stage" not in reserve._all_columns().get("events", ()):
        return {}
    found = reserve.store.execute(
        "select touchpoint, mode(stage) from events where stage is not null group by 1 order by 1"
    ).fetchall()
    return {t: s for t, s in found if s in STAGES}


def attributes(reserve: Reserve, most: int = 30) -> list[str]:
    """Columns of customers with 2 to `most` values that their answers carry too."""
    have = reserve._all_columns().get("customers", ())
    out = {"customer_id", "joined_on", "left_on", "left_because", "referred_by"}
    out |= {reserve.study.churn.flag} if reserve.study.churn else set()
    asked = reserve._all_columns().get("responses", ())
    columns = [c for c in have if c not in out and c in asked]
    if not columns:
        return []
    counted = ", ".join(f"approx_count_distinct({sql.name(c)})" for c in columns)
    values = reserve.store.execute(f"select {counted} from customers").fetchone()
    return [c for c, n in zip(columns, values, strict=True) if 2 <= n <= most]


def worth_of_journeys(reserve: Reserve) -> tuple[pd.Series | None, str]:
    """What each journey or customer brought, and the column it goes by."""
    have = reserve._all_columns().get("orders", ())
    if not {"amount", "at"} <= set(have):
        return None, "customer_id"
    by = reserve.study.journey.by if reserve.study.journey.by in have else "customer_id"
    since = _last_day(reserve) - timedelta(days=LOOK_BACK)
    recent = "" if by != "customer_id" else 'where "at" >= $since'
    found = reserve.store.execute(
        f"select {sql.name(by)} as name, sum(amount) as worth "
        f"from orders {recent} group by 1 order by 1",
        {"since": since} if recent else {},
    ).df()
    return found.set_index("name")["worth"], by


def followed(reserve: Reserve, responses: pd.DataFrame) -> pd.DataFrame:
    """Answers with `loses`; see `Reserve.followed`."""
    have, costs = reserve._all_columns().get("customers", ()), reserve.study.costs
    if "left_on" not in have or not costs.customer_value:
        return responses
    horizon = reserve.study.churn.horizon if reserve.study.churn else 90
    left = reserve.read("customers").set_index("customer_id")["left_on"]
    day = responses["answered_on"]
    took = (responses["customer_id"].map(left) - day).dt.days
    worth = pd.Series(costs.customer_value, index=responses.index)
    seen = day <= pd.Timestamp(_last_day(reserve)) - timedelta(days=horizon)
    return responses.assign(loses=(worth * took.between(0, horizon)).where(seen))


def lifetimes(reserve: Reserve) -> pd.DataFrame:
    """How long each customer has stayed; see `Reserve.lifetimes`."""
    churn, have = reserve.study.churn, reserve._all_columns().get("customers", ())
    if {"joined_on", "left_on"} <= set(have):
        rows = reserve.read("customers")
        rows = rows.drop(columns=[c for c in (churn.exclude if churn else []) if c in rows])
        last, first = pd.Timestamp(_last_day(reserve)), rows["left_on"].min()
        until = rows["left_on"].fillna(last)
        return rows.assign(
            time=(until - rows["joined_on"]).dt.days.astype(float),
            # A leaving on the first day is one: the watch begins the day before.
            entry=((first - rows["joined_on"]).dt.days - 1.0).clip(lower=0),
            left=rows["left_on"].notna(),
        )
    if churn and churn.flag and churn.tenure:
        rows = reserve.people()
        return rows.assign(time=rows[churn.tenure].astype(float), entry=0.0)
    return reserve.read("customers").iloc[:0]


def _flagged(reserve: Reserve) -> pd.DataFrame:
    churn, rows = reserve.study.churn, reserve.read("customers")
    if churn.flag not in rows:
        raise ReserveError(
            f"churn.flag {churn.flag!r} is not a column of customers. There are: "
            f"{', '.join(rows.columns)}."
        )
    values = rows[churn.flag].astype("string")
    known = {v.casefold() for v in values.dropna().unique()}
    wanted = {"true", "yes", "1", "1.0"} if churn.left is True else {str(churn.left).casefold()}
    if isinstance(churn.left, int) and not isinstance(churn.left, bool):
        wanted.add(f"{float(churn.left)}")
    if not wanted & known:
        raise ReserveError(
            f"nobody has {churn.flag} = {churn.left!r}. Its values are: {', '.join(sorted(known))}."
            " Correct churn.left in study.yaml."
        )
    left = values.str.casefold().isin(wanted).astype("boolean").mask(values.isna())
    rows = rows.drop(columns=[churn.flag, *(c for c in churn.exclude if c in rows)])
    return rows.assign(left=left)


def _first_day(reserve: Reserve) -> datetime | None:
    """The first day of the dated tables, the latest of them: since when everything is on file."""
    dated = [(t, c) for t, c in DATED.items() if c in reserve._all_columns().get(t, ())]
    if not dated:
        return None
    days = " union all ".join(
        f"select min({sql.name(c)}) as d from {sql.name(t)}" for t, c in dated
    )
    found = reserve.store.execute(f"select max(d) from ({days})").fetchone()[0]
    return None if found is None else datetime(found.year, found.month, found.day)


def _last_day(reserve: Reserve) -> datetime | None:
    """The last day of the data, over all dated tables and left_on."""
    dated = [(t, c) for t, c in DATED.items() if c in reserve._all_columns().get(t, ())]
    dated += [
        ("customers", c)
        for c in ("joined_on", "left_on")
        if c in reserve._all_columns().get("customers", ())
    ]
    if not dated:
        return None
    days = " union all ".join(
        f"select max({sql.name(c)}) as d from {sql.name(t)}" for t, c in dated
    )
    found = reserve.store.execute(f"select max(d) from ({days})").fetchone()[0]
    return None if found is None else datetime(found.year, found.month, found.day)


def lack(reserve: Reserve, need: str) -> str:
    """Why this need is not met, as a sentence of the page's language; empty when it is."""
    study = reserve.study
    if need.startswith("items:"):
        return _lack_of_items(reserve, need.removeprefix("items:").split("|"))
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
        staged = bool(touchpoints(reserve)) if "events" in reserve.tables else False
        return "" if staged else page.say("The study does not say the stages of its touchpoints.")
    if need == "churn":
        known = "left_on" in reserve._all_columns().get("customers", ())
        flagged = study.churn is not None and bool(study.churn.flag)
        return "" if known or flagged else page.say("The study does not say who has left.")
    if need == "contract":
        counted = study.churn is not None and bool(study.churn.tenure)
        return "" if counted else page.say("The study does not count the periods of a contract.")
    if need == "lifetimes":
        known = {"joined_on", "left_on"} <= set(reserve._all_columns().get("customers", ()))
        flagged = study.churn is not None and bool(study.churn.flag and study.churn.tenure)
        said = page.say("The study does not say how long customers stayed.")
        return "" if known or flagged else said
    if need == "leaving_dates":
        known = "left_on" in reserve._all_columns().get("customers", ())
        return "" if known else page.say("The study does not say when customers left.")
    if need == "leaving_reasons":
        known = "left_because" in reserve._all_columns().get("customers", ())
        return "" if known else page.say("The study does not say why customers left.")
    if need == "coded":
        return "" if reserve.coded else page.say("No topic of the comments was coded by people.")
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
        dated = {"referred_by", "joined_on"} <= set(reserve._all_columns().get("customers", ()))
        said = page.say("The study records no reviews or referrals.")
        return "" if advocacy or dated else said
    if need == "referred":
        known = "referred_by" in reserve._all_columns().get("customers", ())
        return "" if known else page.say("The study does not say which customer brought which.")
    if need == "standards":
        stated = bool(study.service.standards)
        return "" if stated else page.say("The study states no service standards.")
    if need.startswith("column:"):
        table, _, column = need.removeprefix("column:").partition(".")
        there = column in reserve._all_columns().get(table, ())
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


def _lack_of_items(reserve: Reserve, roles: list[str]) -> str:
    have = reserve._all_columns().get("responses", ())
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
