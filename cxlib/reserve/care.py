"""What the care of single customers asks of the reserve: whom to call, and one customer's history.

study.care.tables(where="plan = 'premium'")     # answers, cases ... of today's customers
study.care.never()                              # who may not be contacted
study.care.history("c0042")                     # all rows of one customer, by table
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cxlib.core.errors import leave_out, suggestion
from cxlib.core.i18n import N_, _
from cxlib.core.sample import DRAWS, SEED, Sample
from cxlib.data import sql
from cxlib.data.study import Study
from cxlib.reserve import grouping
from cxlib.reserve.customers import Customers
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError
from cxlib.reserve.tables import DATED

LACKING = {  # what a call-back looks at, and what is said where it is not there
    "responses": N_("No answers of known customers are on file."),
    "cases": N_("No cases of known customers are on file."),
    "events": N_("No journeys of known customers are on file."),
    "comments": N_("No comments of known customers are on file."),
    "contacts": N_("No contacts are on file, so that rest rules cannot count them."),
}
HISTORY = ("customers", *DATED, "contacts")
KINDS = {"orders": ("unit", "channel", "category"), "cases": ("severity", "category", "channel")}


@dataclass(frozen=True)
class Care:
    """Customers to be called back, and what is known of one of them."""

    database: Database

    @property
    def _study(self) -> Study:
        return self.database.study

    def tables(self, where: str = "") -> dict[str, pd.DataFrame]:
        """Answers, cases, events, comments and contacts of those who are customers today.

        Parameters
        ----------
        where : condition on the customers; empty for all

        Returns
        -------
        name of the table -> its rows; what the study lacks, or has without customers, is left out,
        and said so
        """
        ids, found = self._today(where), {}
        for table, lacking in LACKING.items():
            if not self.database.has_columns(table, "customer_id"):
                if self.database.first_part:
                    leave_out(_(lacking))
                continue
            rows = self.database.read(table)
            found[table] = rows if ids is None else rows[rows["customer_id"].isin(ids)]
        return found

    def _today(self, where: str) -> pd.Series | None:
        """Who is a customer today; None where nobody lists them, or nobody leaves."""
        if "customers" not in self.database.tables:
            return None
        rows = self.database.read("customers", where=where)
        gone = rows["left_on"].notna() if "left_on" in rows else pd.Series(False, rows.index)
        churn = self._study.churn
        if churn and churn.flag and churn.flag in rows:
            return Customers(self.database).active(where)["customer_id"]
        return rows.loc[~gone, "customer_id"]

    def every_case(self) -> pd.DataFrame:
        """All cases, with the column of `service.grade` where study.yaml names one."""
        rows, grade = self.database.read("cases"), self._study.service.grade
        found = grouping.grouped(self.database, Sample(rows), "cases", grade) if grade else None
        return rows if found is None else found.data

    def statuses(self) -> pd.DataFrame | None:
        """When cases changed their status; None where the study does not say."""
        there = "case_statuses" in self.database.tables
        return self.database.read("case_statuses") if there else None

    def contacts(self, where: str = "") -> pd.DataFrame:
        """Contacts of customers, of those too who have left since.

        Parameters
        ----------
        where : condition on the customers; empty for all. What chance decided is compared among
            all for whom it holds: leaving is part of the effect
        """
        rows = self.database.read("contacts")
        if not where:
            return rows
        ids = self.database.read("customers", where=where, columns=["customer_id"])["customer_id"]
        return rows[rows["customer_id"].isin(ids)]

    def awaited(
        self, table: str, where: str = "", *, draws: int = DRAWS, seed: int = SEED
    ) -> tuple[Sample, list[str]]:
        """Orders or cases with the kinds by which waits are compared, from coarse to fine.

        Parameters
        ----------
        table : "orders" or "cases"
        where : condition on the customers who get on a list; all are learnt from
        draws, seed : of the bootstrap

        Returns
        -------
        The rows, with a column `listed` (whether the customer is one today, and meets the
        condition), and names of the kinds that vary: of orders the region or other unit, channel
        and category; of cases severity, category and channel.
        """
        sample = self.database.sample(table, draws=draws, seed=seed)
        units = self._study.organisation
        if table == "orders":
            # Only of what is known when an order is placed: an answer's own columns would tell
            # which orders were answered.
            for source, key, column in (
                ("customers", "customer_id", units.column if units else ""),
                ("order_lines", "order_id", "category"),
            ):
                if column and column not in sample and self.database.has_columns(source, column):
                    known = grouping.values(self.database, source, key, column)
                    sample = sample.assign(**{column: sample[key].map(known)})
            if units and units.column in sample:
                own = sample[units.column]
                sample = sample.assign(unit=own.map(units.units).replace("", pd.NA).fillna(own))
        ids = self._today(where)
        listed = True if ids is None else sample["customer_id"].isin(ids).to_numpy()
        kinds = [c for c in KINDS[table] if c in sample and sample[c].nunique() > 1]
        return sample.assign(listed=listed), kinds

    def never(self) -> pd.Series | None:
        """The column of customers that `contact_rules.never` names, by customer_id."""
        column = self._study.contact_rules.never
        if not column or not self.database.has_columns("customers", column):
            return None
        return self.database.read("customers").set_index("customer_id")[column]

    def worth(self) -> pd.Series | None:
        """What each customer of today brings, by `costs`; None where the study does not say."""
        costs = self._study.costs
        if not {"customers", "orders"} & set(self.database.tables):
            return None
        if not (costs.value_column or costs.customer_value):
            return None
        customers = Customers(self.database)
        rows = customers.with_value(customers.active())
        return rows.set_index("customer_id")["worth"] if "customer_id" in rows else None

    def history(self, customer: str) -> dict[str, pd.DataFrame]:
        """Every row of one customer.

        Parameters
        ----------
        customer : customer_id

        Returns
        -------
        name of the table -> rows, by time; tables without a row of the customer are left out

        Raises
        ------
        ReserveError : no table has such a customer; says how many customers there are
        """
        found = {}
        for table in (t for t in HISTORY if self.database.has_columns(t, "customer_id")):
            source, at = sql.name(self.database.source(table)), DATED.get(table, "at")
            have = self.database.columns(table)
            rows = self.database.store.execute(
                f"select {sql.names(have)} from {source} where customer_id = ? "
                f"order by {sql.name(at) if at in have else sql.ROW}",
                [customer],
            ).df()
            if len(rows):
                found[table] = rows
        if not found:
            raise ReserveError(self._unknown(customer))
        return found

    def _unknown(self, customer: str) -> str:
        """Which customers there are, where there is none of this name."""
        known: set[str] = set()
        counts = []
        for table in (t for t in HISTORY if self.database.has_columns(t, "customer_id")):
            ids = self.database.read(table, columns=["customer_id"])["customer_id"].dropna()
            known |= set(ids.unique())
            counts.append(f"{table} {ids.nunique():,}")
        if not counts:
            return f"no table of {self._study.name} has a customer_id. Map one in study.yaml."
        return (
            f"{self._study.name} has no customer {customer!r}.{suggestion(customer, known)} "
            f"It has {len(known):,} customers ({', '.join(counts)}), called like "
            f"{min(known)!r}."
        )
