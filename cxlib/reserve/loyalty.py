"""Loyalty of a study's customers: who is new, first orders, referrals, the programme."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cxlib.core.sample import DRAWS, SEED
from cxlib.data.schema import Programme
from cxlib.reserve.customers import Customers
from cxlib.reserve.database import Database
from cxlib.reserve.purchases import StoredPurchases
from cxlib.reserve.store import ReserveError

AS_OF = (  # columns of customers as of a day that hold nothing later, whatever customers.csv says
    "customer_id",
    "tenure_days",
    "recency_days",
    "orders_365",
    "spend_365",
    "cases_180",
    "open_cases",
    "last_satisfaction",
    "events_90",
)


@dataclass(frozen=True)
class Loyalty:
    """What a study records of those who buy again and of those whom they bring."""

    database: Database

    def first_orders(self) -> dict[str, object]:
        """What tells new customers from those who bought before the file starts.

        `joined` (the day, by customer; None where it is not known) and `quiet` days.
        """
        joined = None
        if self.database.has_columns("customers", "joined_on"):
            rows = self.database.read("customers", columns=["customer_id", "joined_on"])
            joined = rows.set_index("customer_id")["joined_on"]
        return {"joined": joined, "quiet": self.database.study.loyalty.quiet}

    def purchases(self, *, draws: int = DRAWS, seed: int = SEED) -> StoredPurchases:
        """Purchases by customer and day, counted where they are: for `loyalty.purchase_history`.

        Parameters
        ----------
        draws, seed : of the bootstrap behind every interval
        """
        return StoredPurchases(self.database, draws, seed)

    def all_purchases(
        self, by: str = "", *, draws: int = DRAWS, seed: int = SEED
    ) -> StoredPurchases | None:
        """Purchases of all customers, where the rows here are those of some; else None.

        Parameters
        ----------
        by : column of their groups, as of `customers.groups`
        draws, seed : of the bootstrap behind every interval
        """
        if (some := self.database.some) is None:
            return None
        whole = self.database.whole
        groups = Customers(whole).group_query(by)
        return StoredPurchases(whole, draws, seed, some=some).grouped(groups)

    def order_context(self) -> dict[str, object]:
        """The tables around a purchase: lines, events, cases, responses (and `item`, the question).

        Customers too, and those of their columns that were `known` by then; what is not there is
        left out.
        """
        database = self.database
        names = {
            "order_lines": "lines",
            "events": "events",
            "cases": "cases",
            "responses": "responses",
        }
        found: dict[str, object] = {
            name: database.read(t) for t, name in names.items() if t in database.tables
        }
        if not database.has_columns("responses", "answered_on"):  # answers of no known day
            found.pop("responses", None)
        elif asked := database.items_of("csat") or database.items_of("nps"):
            found["item"] = asked[0]
        known = database.study.loyalty.known
        if known or database.has_columns("customers", "referred_by"):
            found |= {"customers": database.read("customers"), "known": known}
        return found

    def referrals(self) -> pd.DataFrame:
        """customer_id, at and touchpoint of each contact of advocacy and of each customer brought.

        A customer brought (`referred_by`) counts on the day the other joined.
        """
        database = self.database
        names = [t for t, stage in database.study.touchpoints.items() if stage == "advocacy"]
        parts = []
        if names and "events" in database.tables:
            rows = database.read("events", columns=["customer_id", "at", "touchpoint"])
            parts.append(rows[rows["touchpoint"].isin(names)])
        if database.has_columns("customers", "referred_by", "joined_on"):
            rows = database.read("customers", columns=["referred_by", "joined_on"]).dropna()
            brought = rows.set_axis(["customer_id", "at"], axis=1)
            parts.append(brought.assign(touchpoint="referral"))
        return pd.concat(parts, ignore_index=True)

    def programme(self) -> tuple[Programme, pd.DataFrame]:
        """`loyalty.programme` of study.yaml, and the customers as they stood when it started.

        `member` says who is in it; all else was known before that day.
        """
        study = self.database.study
        plan = study.loyalty.programme
        if plan is None:
            raise ReserveError(f"{study.name} has no loyalty.programme in study.yaml.")
        rows = Customers(self.database).as_of(plan.begun_on)
        rows = rows[[c for c in rows if c in AS_OF or c in study.loyalty.known]]
        member = rows["customer_id"].isin(self._who(plan, plan.where))
        if plan.control:
            control = rows["customer_id"].isin(self._who(plan, plan.control))
            rows, member = rows[member | control], member[member | control]
        if not 0 < member.sum() < len(member):
            raise ReserveError(
                f"loyalty.programme: {int(member.sum()):,} of {len(member):,} customers are in it "
                f"on {plan.begun_on}; both sorts are needed. Correct where and control in "
                "study.yaml."
            )
        return plan, rows.assign(member=member).reset_index(drop=True)

    def _who(self, plan: Programme, where: str) -> pd.Series:
        return self.database.read(plan.table, where=where, columns=["customer_id"])["customer_id"]
