"""Customers as they stood on a day: what was known before it, and what they did after it.

    study.customers.as_of("2026-06-30", horizon=90)    # a row a customer, features and `left`
    study.customers.profiles()                         # for segments and early warning
    study.customers.lifetimes()                        # time, left, entry: for survival curves

A feature that uses what happened on the day it shall predict or later makes a model that fails in
use. Each feature is therefore a sum over rows dated before the day, and a test changes the later
rows and finds the features unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

import duckdb
import pandas as pd

from cxlib.core import codes, context, i18n
from cxlib.core.errors import InsufficientData, leave_out
from cxlib.core.i18n import _, ngettext
from cxlib.core.sample import Sample
from cxlib.data import expressions, sql
from cxlib.data.purchases import purchases
from cxlib.data.schema import Churn
from cxlib.data.study import Study
from cxlib.privacy import disclosure
from cxlib.reserve import grouping
from cxlib.reserve.database import Database
from cxlib.reserve.grouping import OWN
from cxlib.reserve.store import ReserveError
from cxlib.reserve.tables import DATED

LOOK_BACK = 365  # days, the longest that a feature looks back
A_MONTH = 365.25 / 12  # days


@dataclass(frozen=True)
class Customers:
    """The customers of a study; `left` says who left where that is known."""

    database: Database

    @property
    def _study(self) -> Study:
        return self.database.study

    @property
    def _horizon(self) -> int:
        return self._study.churn.horizon if self._study.churn else 90

    def as_of(self, day: str | date, horizon: int = 90) -> pd.DataFrame:
        """A row for each customer on `day`, with features from rows dated before that day only.

        See `as_of` of this module for the columns; `left` says whether they left within `horizon`
        days.
        """
        schema = self.database.schema
        if not {"customers", "orders"} & set(schema):
            self.database.columns("customers")  # says that there is no such table
        empty = self.database.may_be_empty
        return as_of(self.database.store, schema, self._study, day, horizon, may_be_empty=empty)

    def profiles(self, where: str = "") -> pd.DataFrame:
        """Customers for segments and early warning, with `left` where it is known.

        With left_on: as of the last day whose outcome is known (the last date of the data less the
        study's churn horizon). Else with `churn.flag`: customers, the flag turned into `left`. Else
        as of the day after the last, or the customers as they are.
        """
        return self._kept(self._profiles(), where)

    def _kept(self, rows: pd.DataFrame, where: str) -> pd.DataFrame:
        """The rows for which `where` holds; InsufficientData where it names what comes later."""
        if not where.strip():
            return rows
        named = set(re.findall(r"\w+", where))
        churn = self._study.churn
        outcome = {"left_on", "left_because", *((churn.flag, *churn.exclude) if churn else ())}
        later = sorted(c for c in named & outcome if c not in rows)
        if later:
            raise InsufficientData(
                _(
                    "Customers cannot be selected by {columns:quoted_list} here: it says what they "
                    "did afterwards.",
                    columns=later,
                )
            )
        return expressions.keep(rows, where, "customers", empty=self.database.may_be_empty)

    def _profiles(self) -> pd.DataFrame:
        database, churn = self.database, self._study.churn
        if not {"customers", "orders"} & set(database.tables):
            raise ReserveError(
                f"{self._study.name} has no customers and no orders table. Map one in study.yaml."
            )
        last = database.last_day
        if database.has_columns("customers", "left_on") and last is not None:
            return self.as_of(last - timedelta(days=self._horizon), self._horizon)
        if churn and churn.flag:
            return self._flagged(churn)
        if last is not None and any(t in database.tables for t in DATED):
            return self.as_of(last + timedelta(days=1), self._horizon)
        return database.read("customers")

    def _flagged(self, churn: Churn) -> pd.DataFrame:
        rows = self.database.read("customers")
        said = str(churn.left).casefold()
        wanted = ["true", "yes", "1"] if said in ("true", "yes") else [said]
        values = rows[churn.flag]
        words = values.map(lambda v: codes.plain(v).casefold(), na_action="ignore")
        means = codes.match(wanted, words.dropna().unique())
        if not any(means.values()) and not self.database.may_be_empty:
            raise ReserveError(
                f"nobody has {churn.flag} = {churn.left!r}. Its values are: "
                f"{codes.counted(values)}. Correct churn.left in study.yaml."
            )
        left = words.isin([w for same in means.values() for w in same])
        left = left.astype("boolean").mask(values.isna())
        rows = rows.drop(columns=[churn.flag, *(c for c in churn.exclude if c in rows)])
        return rows.assign(left=left)

    def snapshots(self, most: int = 6, where: str = "") -> dict[str, pd.DataFrame]:
        """Day -> customers as of that day, oldest first: at most `most`, a churn horizon apart.

        The last is that of `profiles`; none before a year of every table is on file, and none where
        nobody knows when customers left.
        """
        database = self.database
        if not database.has_columns("customers", "left_on"):
            return {}
        first = sql.first(database.store, "select min(left_on) from customers")[0]
        started = database.first_day
        if first is not None and started is not None:  # a year to look back on, or counts are low
            first = max(first, started + timedelta(days=LOOK_BACK))
        found: dict[str, pd.DataFrame] = {}
        if database.last_day is None:
            return {}
        day = database.last_day - timedelta(days=self._horizon)
        while first is not None and day >= first and len(found) < most:
            found[f"{day:%Y-%m-%d}"] = self._kept(self.as_of(day, self._horizon), where)
            day -= timedelta(days=self._horizon)
        return dict(reversed(found.items()))

    def active(self, where: str = "") -> pd.DataFrame:
        """Those who are customers after the last day of the data, with columns as in `profiles`."""
        return self._kept(self._active(), where)

    def _active(self) -> pd.DataFrame:
        last = self.database.last_day
        if self.database.has_columns("customers", "left_on") and last is not None:
            return self.as_of(last + timedelta(days=1)).drop(columns=["left", "left_after"])
        rows = self._profiles()
        if "left" not in rows:
            return rows
        stayed = rows["left"].eq(False).fillna(False)
        return rows[stayed].drop(columns="left").reset_index(drop=True)

    def pilot(self) -> pd.DataFrame:
        """The customers of the study's randomised trial as they stood when it started.

        `treated` says which arm, `left` who left by the end of the data.
        """
        trial = self._study.churn.pilot if self._study.churn else None
        if trial is None:
            raise ReserveError(f"{self._study.name} has no churn.pilot in study.yaml.")
        rows = self._profiles()
        if trial.begun_on is not None and self.database.last_day is not None:
            days = (self.database.last_day.date() - trial.begun_on).days
            rows = self.as_of(trial.begun_on, days)
        if trial.column not in rows:
            raise ReserveError(f"churn.pilot: {trial.column!r} is no attribute of the customers.")
        group = codes.named(rows[trial.column], [trial.treated, trial.control])
        among = group.isin([trial.treated, trial.control])
        if group[among].nunique() < 2:
            raise ReserveError(
                f"churn.pilot: {trial.column} holds {codes.counted(rows[trial.column])}; both "
                f"{trial.treated!r} and {trial.control!r} are needed."
            )
        return rows[among].drop(columns=trial.column).assign(treated=group == trial.treated)

    @property
    def pilot_name(self) -> str:
        """What the trial is called: as the change with its column (notebook 40), or the column."""
        trial = self._study.churn.pilot if self._study.churn else None
        if trial is None:
            return ""
        same = [c for c in self._study.changes if c.column == trial.column]
        lang, labels = context.current().lang, [c.label.items() for c in same]
        return next((text for key, text in chain(*labels) if key == lang), i18n.label(trial.column))

    def lifetimes(self, where: str = "") -> pd.DataFrame:
        """The customers with `time` as a customer, `left`, and `entry`: the time before the watch.

        Of dated customers in months, and those who joined before the first leaving on file are
        under watch from then on; else the study's `churn.tenure` in its unit.
        """
        return self._kept(self._lifetimes(), where)

    def _lifetimes(self) -> pd.DataFrame:
        churn, database = self._study.churn, self.database
        if database.has_columns("customers", "joined_on", "left_on"):
            rows = database.read("customers")
            rows = rows.drop(columns=[c for c in (churn.exclude if churn else []) if c in rows])
            last, first = pd.Timestamp(database.last_day), rows["left_on"].min()
            until = rows["left_on"].fillna(last)
            return rows.assign(
                time=(until - rows["joined_on"]).dt.days / A_MONTH,
                # A leaving on the first day is one: the watch starts the day before.
                entry=((first - rows["joined_on"]).dt.days - 1.0).clip(lower=0) / A_MONTH,
                left=rows["left_on"].notna(),
            )
        if churn and churn.flag and churn.tenure:
            rows = self._profiles()
            return rows.assign(time=rows[churn.tenure].astype(float), entry=0.0)
        return database.read("customers").iloc[:0]

    def left_by_month(self, where: str = "") -> Sample:
        """Customers counted by the month in which they left: left_on (its first day), n.

        Those who have not left are in the row without left_on. All customers are counted, of
        however many a page reads the rows.

        Parameters
        ----------
        where : condition on the customers; empty for all
        """
        database = self.database
        store, have = database.store, database.columns("customers")
        holds = expressions.condition(where, store, "customers", have)
        rows = store.execute(
            "select date_trunc('month', left_on)::timestamp as left_on, count(*) as n "
            f"from customers where {holds} group by 1 order by 1"
        )
        return Sample(rows.df(), count="n")

    def with_losses(self, responses: pd.DataFrame) -> pd.DataFrame:
        """The answers with `loses`, what each customer was worth who left within the churn horizon.

        0 for who stayed, missing where the data end before; the answers as they are where the study
        does not tell.
        """
        value = self._study.costs.customer_value
        if not self.database.has_columns("customers", "left_on") or not value:
            return responses
        left = self.database.read("customers").set_index("customer_id")["left_on"]
        day = responses["answered_on"]
        took = (responses["customer_id"].map(left) - day).dt.days
        seen = day <= pd.Timestamp(self.database.last_day) - timedelta(days=self._horizon)
        worth = pd.Series(value, index=responses.index)
        return responses.assign(loses=(worth * took.between(0, self._horizon)).where(seen))

    def with_value(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with `worth`: what each brings in a year by `costs`, else one for all.

        Margin where the study states it, else sales.
        """
        costs = self._study.costs
        if costs.value_column in rows:
            kept = costs.value_times * (costs.margin or 1)
            return rows.assign(worth=rows[costs.value_column] * kept)
        return rows.assign(worth=costs.customer_value)

    def attributes(self, most: int = 30) -> list[str]:
        """Columns of 2 to `most` values that the answers carry too, to compare like with like."""
        database, churn = self.database, self._study.churn
        out = {*OWN, churn.flag} if churn else {*OWN}
        asked = database.schema.get("responses", ())
        have = database.schema.get("customers", ())
        columns = [c for c in have if c not in out and c in asked]
        if not columns:
            return []
        counted = ", ".join(f"approx_count_distinct({sql.name(c)})" for c in columns)
        values = sql.first(database.store, f"select {counted} from customers")
        return [c for c, n in zip(columns, values, strict=True) if 2 <= n <= most]

    def demographics(self, rows: pd.DataFrame, most: int = 30) -> list[str]:
        """The columns that say who customers are: stated, else those of 2 to `most` words."""
        if stated := self._study.segments.demographics or list(self._study.margins):
            return [c for c in stated if c in rows]
        churn = self._study.churn
        out = {*OWN, "left", *((churn.flag, *churn.exclude) if churn else ())}
        words = rows.select_dtypes(["string", "object", "category", "boolean"])
        return [c for c in words if c not in out and 2 <= rows[c].nunique() <= most]

    def questions(self, rows: pd.DataFrame) -> dict[str, str]:
        """What can be asked a new customer: column -> the question, in the page's language."""
        if stated := self._study.segments.questions:
            at = i18n.language() == "zh"
            words = {c: (w.get("en", ""), w.get("zh", "")) for c, w in stated.items()}
            return {c: w[at] for c, w in words.items() if c in rows}
        return dict.fromkeys(self.demographics(rows), "")

    def groups(self, by: str = "") -> pd.Series | None:
        """The group of each customer by `by`, else by the study's own; None where it has none.

        A column `by` of another table gives each customer the value that most of their rows have,
        and none where two are equally frequent; a sentence is printed.
        """
        table, chosen = self._group_source(by)
        if table in ("", "customers"):
            theirs = self.database.read("customers") if table else None
            return None if theirs is None else theirs.set_index("customer_id")[chosen]
        return grouping.values(self.database, table, "customer_id", chosen)

    def group_query(self, by: str = "") -> str:
        """The query of the customers' `groups`, of columns customer_id and value; empty for none.

        For methods on what is counted in the store.
        """
        table, chosen = self._group_source(by)
        if table in ("", "customers"):
            named = f"select customer_id, {sql.name(chosen or ' ')} as value from customers"
            return named if table else ""
        return grouping.commonest(table, chosen)

    def _group_source(self, by: str) -> tuple[str, str]:
        """The table and the column that say a customer's group; both empty where none does."""
        database = self.database
        if by:
            grouping.require(database, by)
        chosen = by or self._study.group
        if chosen in database.schema.get("customers", ()):
            return "customers", chosen
        theirs = (t for t in grouping.having(database, by) if "customer_id" in database.schema[t])
        if (table := next(theirs, "")) and by:
            print(grouping.inferred_note("customers", table, by))
            return table, by
        if by:
            leave_out(_("No customer is known to have {column:quoted}.", column=by))
        return "", ""

    def experiences(self) -> dict[str, object]:
        """The tables of what customers met: cases, comments, responses, and `touchpoints`.

        `touchpoints` are the questions about them; what the study lacks is left out.
        """
        wanted = ("cases", "comments", "responses")
        found: dict[str, object] = {
            t: self.database.read(t) for t in wanted if t in self.database.tables
        }
        return {**found, "touchpoints": self.database.items_of("touchpoint")} if found else {}

    @property
    def tenure(self) -> str:
        """The column that counts the periods of a customer's contract; empty without one."""
        return self._study.churn.tenure if self._study.churn else ""

    @property
    def charge(self) -> str:
        """The column of what a customer pays in a period of the contract; empty without one."""
        return self._study.churn.charge if self._study.churn else ""

    @property
    def periods_a_year(self) -> float:
        """How many periods of a contract a year has."""
        return {"days": 365.25, "weeks": 365.25 / 7, "months": 12.0}[self.tenure_unit]

    @property
    def tenure_unit(self) -> str:
        """The unit of `tenure`: days, weeks or months."""
        return self._study.churn.unit if self._study.churn else ""

    def under_contract(self) -> pd.DataFrame:
        """The customers (see `profiles`) who have started at least one period of their contract."""
        rows = self._profiles()
        return rows[rows[self.tenure] > 0]

    def not_under_contract(self) -> tuple[str, ...]:
        """A note on the customers that `under_contract` leaves out; none where there are none."""
        lost = int((~(self._profiles()[self.tenure] > 0)).sum())
        note = ngettext(
            "{n} customer has not completed the first period and is left out.",
            "{n} customers have not completed the first period and are left out.",
            lost,
            n=disclosure.count_in_words(lost),
        )
        return (note,) if lost else ()

    @property
    def time_unit(self) -> str:
        """The unit of `lifetimes`: days, weeks or months."""
        dated = self.database.has_columns("customers", "left_on")
        return "months" if dated or not self._study.churn else self._study.churn.unit

    @property
    def churn_reasons(self) -> dict[str, str]:
        """The published reason that each of the study's own reasons for leaving belongs to."""
        return self._study.churn.reasons if self._study.churn else {}


def as_of(
    store: duckdb.DuckDBPyConnection,
    columns: dict[str, list[str]],
    study: Study,
    day: str | date,
    horizon: int = 90,
    *,
    may_be_empty: bool = False,
) -> pd.DataFrame:
    """A row for each who is a customer on `day`: joined before it, and not left by it.

    Returns
    -------
    customer_id, attributes of the customers table (as loaded: keep those out that change
    afterwards, with `churn.exclude`), tenure_days; from orders recency_days, orders_365 and, with
    amounts, spend_365, of purchases as `cxlib.data.purchases` defines them;
    from cases cases_180, open_cases; from responses last_satisfaction (the latest answer to the
    first csat item, else the nps item); from events events_90; and, where left_on is there, `left`:
    True for those who left after `day` and within `horizon` days, and `left_after` the days it
    took them. Counts are 0 where there is nothing, recency and satisfaction are NaN.
    """
    day = _day(day)
    if horizon < 1:
        raise ReserveError(f"horizon is {horizon} days; it must be 1 or more.")
    have = columns.get("customers", ["customer_id"])  # else those who ordered
    net = _net_orders(store, columns, day)
    bought = {} if net is None else _bought(net, day)
    joins, selected = [], ["c.customer_id"]
    if "joined_on" in have:
        selected.append("date_diff('day', c.joined_on, $day) as tenure_days")
    for table, counted, features in _features(study, columns):
        if table == "orders" and bought:  # filled in below
            selected += [f"null::double as {sql.name(c)}" for c in bought]
            continue
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
    values: dict[str, object] = {"day": day} if dated else {}
    if "left_on" in have:
        values["horizon"] = horizon
    rows = store.execute(query, values).df()
    if net is not None and "customers" not in columns:  # who handed all back has bought nothing
        rows = rows[rows["customer_id"].isin(net["customer_id"])].reset_index(drop=True)
    for column, counts in bought.items():
        rows[column] = rows["customer_id"].map(counts)
        rows[column] = rows[column] if column == "recency_days" else rows[column].fillna(0.0)
    if rows.empty and not may_be_empty:
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


def _day(day: str | date) -> datetime:
    try:
        return pd.Timestamp(day).normalize().to_pydatetime()
    except ValueError as error:
        raise ReserveError(f"as_of {day!r} is not a day. Write it as 2026-06-30.") from error


def _attributes(study: Study, have: list[str]) -> list[str]:
    out = {*OWN, study.contact_rules.never}  # whom not to contact says nothing of the customer
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
    spend = f", sum(amount) {within} as spend_365" if with_amount else ""
    query = (
        f"select customer_id, date_diff('day', max(\"at\"), $day) as recency_days, "
        f"count(*) {within} as orders_365{spend} "
        'from orders where "at" < $day group by customer_id'
    )
    return (
        "orders",
        query,
        [
            "orders_.recency_days::double as recency_days",
            "coalesce(orders_.orders_365, 0)::double as orders_365",
            *(["coalesce(orders_.spend_365, 0)::double as spend_365"] if with_amount else []),
        ],
    )


def _net_orders(
    store: duckdb.DuckDBPyConnection, columns: dict[str, list[str]], day: datetime
) -> pd.DataFrame | None:
    """The purchases known on a day, refunds taken off; None where no order is a refund."""
    if not _can(columns, "orders", "at") or "amount" not in columns["orders"]:
        return None
    if not sql.first(store, "select count(*) from orders where amount < 0")[0]:
        return None
    orders = store.execute(
        'select customer_id, "at", amount from orders where "at" < $day', {"day": day}
    )
    rows = orders.df()
    return purchases(rows, pd.Timestamp(day))[0] if (rows["amount"] >= 0).any() else rows.iloc[:0]


def _bought(net: pd.DataFrame, day: datetime) -> dict[str, pd.Series]:
    """The features of `_of_orders` by customer, of purchases with refunds taken off."""
    _table, query, features = _of_orders(with_amount=True)
    names = [feature.rpartition(" as ")[2] for feature in features]
    with sql.connect() as local:  # no row goes to the store, which may be a server's
        local.register("orders", net)
        counted = local.execute(query, {"day": day}).df().set_index("customer_id")
    return {name: counted[name].astype(float) for name in names}


def _of_cases(with_end: bool) -> Feature:
    # A case solved on the day or later was open before it, whatever is known today.
    solved = "solved_at" if with_end else "null::timestamp"
    query = (
        "select customer_id, "
        "count(*) filter (where opened_at >= $day - to_days(180)) as cases_180, "
        f"count(*) filter (where {solved} is null or {solved} >= $day) as open_cases "
        "from cases where opened_at < $day and customer_id is not null group by customer_id"
    )
    return (
        "cases",
        query,
        [
            "coalesce(cases_.cases_180, 0)::double as cases_180",
            "coalesce(cases_.open_cases, 0)::double as open_cases",
        ],
    )


def _of_responses(score: str) -> Feature:
    query = (
        f"select customer_id, {sql.name(score)} as last_satisfaction from (select customer_id, "
        f"{sql.name(score)}, row_number() over (partition by customer_id order by answered_on "
        f"desc, {sql.ROW}) as place from responses where answered_on < $day and {sql.name(score)} "
        "is not null and customer_id is not null) where place = 1"
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
