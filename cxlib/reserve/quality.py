"""Quality of a study's data: what was loaded, what was set aside and why, what is filled in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Result
from cxlib.data import contract, sql
from cxlib.data.intake import plausibility, reasons, serious
from cxlib.reserve.database import Database, at_least, loss_sentence


@dataclass(frozen=True)
class Quality:
    """Counts, breaches of the contract and missing values of a study's tables."""

    database: Database

    def contents(self) -> pd.DataFrame:
        """A row a table: rows offered, kept, quarantined and left out, cells lost, days."""
        rows = []
        counts = self.database.counts
        for count in counts.itertuples():
            first, last = self._days(count.table)
            rows.append(
                {
                    "table": i18n.label(count.table),
                    "offered": count.offered,
                    "kept": count.kept,
                    "quarantined": count.quarantined,
                    **({"cells lost": count.cells} if counts["cells"].any() else {}),
                    **({"left_out": count.left_out} if counts["left_out"].any() else {}),
                    "from": first,
                    "to": last,
                }
            )
        return pd.DataFrame(rows).rename(columns=i18n.heading)

    def _days(self, table: str) -> tuple[str, str]:
        dated = [c.name for c in contract.TABLES[table].columns.values() if c.kind == "date"]
        there = [c for c in dated if c in self.database.columns(table)]
        if not there:
            return "–", "–"
        first, last = sql.first(
            self.database.store,
            f"select min({sql.name(there[0])}), max({sql.name(there[0])}) from {sql.name(table)}",
        )
        said = ["–" if day is None else f"{day:%Y-%m-%d}" for day in (first, last)]
        return said[0], said[1]

    def questions(self) -> list[str]:
        """Warnings that may move numbers and that study.yaml does not accept, a sentence each."""
        return [
            _(
                "To be checked: {table:label}.{column:label}, {rows} rows: {what}.",
                table=w.table,
                column=w.column,
                rows=at_least(w.rows),
                what=reasons.render(w.rule, w.params, for_readers=True),
            )
            for w in plausibility.doubtful(self.database.warnings).itertuples()
        ]

    def losses(self) -> list[str]:
        """What readers must know before any number: rows lost, cells lost, doubtful values."""
        lost = serious(self.database.losses)
        return [loss_sentence(loss) for loss in lost.itertuples()] + self.questions()

    def validity(self) -> Result:
        """Share of each table's rows that were kept; counts, so without an interval.

        The finding names what was lost, if it is any row or more than 1% of a column.
        """
        counts = self.database.counts
        counts = counts.assign(offered=counts["offered"] - counts["left_out"])
        table = pd.DataFrame(
            {
                "term": counts["table"],
                "estimate": counts["kept"] / counts["offered"].clip(lower=1),
                "low": np.nan,
                "high": np.nan,
                "n": counts["offered"],
            }
        )
        offered, kept = int(counts["offered"].sum()), int(counts["kept"].sum())
        values = {"kept": kept, "offered": offered, "tables": len(counts)}
        if kept == offered and len(counts) == 1:
            answer = ngettext(
                "The {offered:count} row keeps the data contract.",
                "All {offered:count} rows keep the data contract.",
                values["offered"],
                **values,
            )
        elif kept == offered:
            answer = _(
                "All {offered:count} rows of {tables} tables keep the data contract.", **values
            )
        else:
            answer = _(
                "{kept:count} of {offered:count} rows ({share:share1}) keep the data contract; "
                "{lost:count} were set aside.",
                share=kept / offered,
                lost=offered - kept,
                **values,
            )
        cells = serious(self.database.losses).query("lost == 'cell'")
        if lost := [loss_sentence(loss) for loss in cells.itertuples()]:
            answer = i18n.together([*[answer] * (kept < offered), *lost])
        return Result(table, answer, self._warned(), unit="share")

    def _warned(self) -> str:
        found = self.database.warnings
        if found.empty:
            return _("Nothing else was noticed.")
        first = pd.concat([plausibility.doubtful(found), found]).iloc[0]
        return _(
            "One thing is worth a look: {table:label}.{column:label}, {rows} rows: {what}."
            if len(found) == 1
            else (
                "{n} things are worth a look, first: {table:label}.{column:label}, {rows} rows: "
                "{what}."
            ),
            n=len(found),
            table=first["table"],
            column=first["column"],
            rows=at_least(first["rows"]),
            what=reasons.render(first["rule"], first["params"], for_readers=True),
        )

    def unconfirmed(self) -> pd.DataFrame:
        """What `cx new` guessed about the files and nobody has confirmed yet, a line a guess."""
        heading = _("Guesses about the files are not confirmed yet")
        return pd.DataFrame({heading: self.database.study.unconfirmed})

    def rejections(self) -> pd.DataFrame:
        """Why rows and cells were set aside: table, column, reason, rows, cells lost."""
        rows = [
            (
                i18n.label(table),
                i18n.label(column),
                reasons.render(*why, for_readers=True),
                int((lost["lost"] == "row").sum()),
                int((lost["lost"] == "cell").sum()),
            )
            for (table, column, *why), lost in reasons.by_kind(self.database.quarantine)
        ]
        found = pd.DataFrame(rows, columns=["table", "column", "reason", "rows", "cells lost"])
        found = found.sort_values(
            ["rows", "cells lost"], ascending=False, ignore_index=True, kind="stable"
        )
        return found.rename(columns=i18n.heading)

    def completeness(self) -> Result:
        """Share of rows with a value, for each column of the contract with missing values."""
        found = []
        for table in self.database.tables:
            own = [c for c in contract.TABLES[table].columns if c in self.database.columns(table)]
            counted = ", ".join(["count(*)", *(f"count({sql.name(c)})" for c in own)])
            shares = sql.first(self.database.store, f"select {counted} from {sql.name(table)}")
            found += [
                (
                    _("{name:label}: {value:label}", name=table, value=c),
                    k / shares[0],
                    shares[0],
                )
                for c, k in zip(own, shares[1:], strict=True)
                if 0 < k < shares[0]
            ]
        rows = pd.DataFrame(found, columns=["term", "estimate", "n"])
        rows.insert(2, "low", np.nan)
        rows.insert(3, "high", np.nan)
        if rows.empty:
            answer = _("Every column of the contract is filled throughout.")
        else:
            answer = _(
                "One column of the contract is filled in part."
                if len(rows) == 1
                else "{n} columns of the contract are filled in part.",
                n=len(rows),
            )
        return Result(rows, answer, unit="share")

    def practice(self) -> dict[str, object]:
        """What the records tell of how the work is done, as evidence of maturity.

        responses, cases, actions (where there are any), worded (questions with their wording, and
        all), roles asked, standards stated, joined (tables share customers).
        """
        study = self.database.study
        there: dict[str, object] = {}
        for table in ("responses", "cases", "actions"):
            if table in self.database.tables:
                there[table] = self.database.read(table)
        of_customers = [
            t
            for t in ("responses", "orders", "cases")
            if t in self.database.tables and "customer_id" in self.database.columns(t)
        ]
        if len(of_customers) > 1:
            sides = [
                set(self.database.read(t, columns=["customer_id"])["customer_id"].dropna())
                for t in of_customers
            ]
            there["joined"] = bool(set.intersection(*sides))
        worded = sum(item.wording is not None for item in study.items.values())
        return {
            **there,
            "worded": (worded, len(study.items)),
            "roles": frozenset(item.role for item in study.items.values()),
            "standards": len(study.service.standards),
        }
