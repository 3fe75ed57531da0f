"""Quality of a study's data: what was loaded, what was set aside and why, what is filled in."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.data import contract, sql
from cxlib.data.intake import plausibility, reasons, serious
from cxlib.privacy import disclosure
from cxlib.reserve.database import Database
from cxlib.reserve.losses import at_least, not_weighted
from cxlib.reserve.losses import sentence as loss_sentence

DOUBTED = 0.05  # share of doubtful responses from which the finding tells of them


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
            not_weighted(w)
            if w.rule == "no_share"
            else _(
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
        return [*map(loss_sentence, lost.itertuples()), *self._of_nobody(), *self.questions()]

    def _of_nobody(self) -> list[str]:
        """Rows with amounts that name no customer, and what share of the amount they are."""
        return [
            _(
                "{n} rows of {table:label} name no customer; {share} of their amount is left out "
                "of every page.",
                n=at_least(len(rows)),
                table=table,
                share=json.loads(params)["share"],
            )
            for (table, _column, rule, params), rows in reasons.by_kind(self.database.quarantine)
            # The amount of a few orders would tell of single customers.
            if rule == "no_customer" and len(rows) >= context.current().smallest_cell
        ]

    def verdict(
        self, *, doubtful: Result | None = None, representation: Result | None = None
    ) -> Result:
        """Whether the data can be relied on: one finding over all that page 00 looks at.

        Parameters
        ----------
        doubtful : of `scores.survey_quality`, where there are questions
        representation : of `weights.representation`, where customers are known

        Returns
        -------
        Result whose table has a row a table of enough rows: estimate (share of its rows that were
        kept), n (rows offered, without those that `only` leaves out), without intervals.
        How many rows a whole table has tells of nobody, and `contents` shows it of every table: one
        that is short is left out here, not hidden as a small group would be. The finding
        says first what was lost or is open, then which responses are doubtful and who is missing.
        Part "evidence": which of both is to be drawn with it ("doubtful", "representation" or "").
        """
        counts = self.database.counts
        counts = counts.assign(offered=counts["offered"] - counts["left_out"])
        offered, kept = int(counts["offered"].sum()), int(counts["kept"].sum())
        long = counts[counts["offered"] >= context.current().smallest_cell]
        table = pd.DataFrame(
            {
                "term": long["table"],
                "estimate": long["kept"] / long["offered"].clip(lower=1),
                "low": np.nan,
                "high": np.nan,
                "n": long["offered"],
            }
        ).reset_index(drop=True)
        doubts = _doubted(doubtful)
        told = representation.finding if representation else None
        who = told.claim if told and told.importance >= Importance.ANSWER else ""
        claims = self._checks(kept, offered) or [
            _("The data passed every check of form.")
            if doubts
            else _("The data passed every check.")
        ]
        detail = ngettext(
            "{rows:count} rows in {n:count} table; {lost} set aside.",
            "{rows:count} rows in {n:count} tables; {lost} set aside.",
            len(counts),
            rows=offered,
            lost=at_least(offered - kept) if kept < offered else _("none"),
        )
        some = doubtful is not None and bool((doubtful.table["estimate"] > 0).any())
        evidence = "representation" if who and not doubts else "doubtful" if some else ""
        more = ""  # what the figure shows, where the claim does not say it
        if evidence == "representation" and told:
            more = _("{first}.", first=i18n.opening(told.detail))
        elif evidence == "doubtful" and doubtful and not doubts:
            share = doubtful.table["estimate"].iloc[-1]
            more = _("{share:rate} of responses look doubtful.", share=share)
        detail = i18n.together([detail, more])
        finding = Finding(
            i18n.together([*claims, doubts, who]),
            detail,
            importance=Importance.NEWS,
            action=_next_step(
                bool(self._checks(kept, offered)),
                doubtful,
                bool(doubts),
                told,
                bool({"customers", "invitations"} & set(self.database.tables)),
            ),
        )
        notes = i18n.together([*self.questions(), self._warned()])
        return Result(table, finding, notes, unit="share", parts={"evidence": evidence})

    def _checks(self, kept: int, offered: int) -> list[str]:
        """What the checks of form found: rows set aside, cells lost, questions that are open."""
        cells = serious(self.database.losses).query("lost == 'cell'")
        found = [loss_sentence(loss) for loss in cells.itertuples()]
        nobody = int((self.database.quarantine["rule"] == "no_customer").sum())
        told = self._of_nobody()
        if kept < offered and not (told and nobody == offered - kept):
            aside = _(
                "{lost} of {offered:count} rows failed a check and were set aside.",
                lost=at_least(offered - kept),
                offered=offered,
            )
            found = [aside, *found]
        doubtful = plausibility.doubtful(self.database.warnings)
        weighting = list(map(not_weighted, doubtful.query("rule == 'no_share'").itertuples()))
        open_ = doubtful.query("rule != 'no_share'")
        asked = ngettext(
            "{n:count} question about the data is open ({columns:label_list}).",
            "{n:count} questions about the data are open ({columns:label_list}).",
            len(open_),
            columns=list(dict.fromkeys(open_["column"])),
        )
        return [*told, *found, *weighting, *[asked] * bool(len(open_))]

    def _warned(self) -> str:
        """The first of the warnings that the finding does not tell of."""
        found = self.database.warnings
        found = found.drop(plausibility.doubtful(found).index)
        if found.empty:
            return ""
        first = found.iloc[0]
        column = i18n.label(first["column"]) if first["column"] else ""
        return _(
            "One thing is worth a look: {place}, {rows} rows: {what}."
            if len(found) == 1
            else "{n} things are worth a look, first: {place}, {rows} rows: {what}.",
            n=len(found),
            place=".".join(filter(None, (i18n.label(first["table"]), column))),
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
        """Share of rows with a value, for each column with missing values; a blank is none.

        Answers to questions are not among the columns: pages on these count who did not answer.
        """
        found = []
        for table in self.database.tables:
            own = self.database.columns(table)
            if table == "responses":  # customers' columns, joined to them, count once
                theirs = {*self.database.study.items, *self.database.schema.get("customers", ())}
                own = [c for c in own if c not in theirs or c in contract.TABLES[table].columns]
            source, store = sql.name(self.database.source(table)), self.database.store
            kinds = {
                c: k for c, k, *_ in store.execute(f"describe select * from {source}").fetchall()
            }
            texts = {c: f"nullif(trim({sql.name(c)}), '')" for c in own if kinds[c] == "VARCHAR"}
            values = (f"count({texts.get(c, sql.name(c))})" for c in own)
            shares = sql.first(store, f"select {', '.join(['count(*)', *values])} from {source}")
            if shares[0] < context.current().smallest_cell:  # none of it can be shown
                continue
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
            return Result(rows, _("No column has missing values."), unit="share")
        most = rows.loc[rows["estimate"].idxmin()]
        answer = ngettext(
            "{n:count} column has missing values: {name} ({lost} of {rows:count} rows).",
            "{n:count} columns have missing values, most of all {name} ({lost} of {rows:count} "
            "rows).",
            len(rows),
            name=most["term"],
            lost=disclosure.count_in_words(round((1 - most["estimate"]) * most["n"])),
            rows=most["n"],
        )
        return Result(rows, answer, unit="share")

    def practice(self) -> dict[str, object]:
        """What the records tell of how the work is done, as evidence of maturity.

        responses, cases, actions (where there are any), worded (questions with their wording, and
        all), questions, roles asked, standards stated, joined (tables share customers).
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
            "questions": tuple(study.items),
            "roles": frozenset(item.role for item in study.items.values()),
            "standards": len(study.service.standards),
        }


def _next_step(
    failed: bool, asked: Result | None, doubts: bool, told: Finding | None, invited: bool
) -> str:
    """What to do before other pages are read: mend the files, exclude, weight, or nothing.

    `asked` is there where responses were looked at. Nothing to correct is said of what this page
    checks: how those who did not answer may differ is no such thing. Of reviews that nobody was
    asked for (`invited`: the study knows customers or invitations) nobody did not answer.
    """
    if failed:
        return _("Settle with the owner of the data what the checks found, then load again.")
    if doubts and asked is not None:
        keep = _("Decide whether the doubtful responses stay in.")
        return i18n.together([keep, asked.without])
    if told and told.importance >= Importance.NOTABLE:
        return _("Read differences between these groups with care: weighting does not correct all.")
    if asked is None:
        return _("Nothing to correct in the rows and values checked here.")
    if not invited:
        return _("Nothing to correct in the rows, values and responses checked here.")
    return _(
        "Nothing to correct in the rows, values and responses checked here; how those who did "
        "not answer differ is not among these checks."
    )


def _doubted(doubtful: Result | None) -> str:
    """How many responses are doubtful and which check finds most of them; empty for a few."""
    if doubtful is None:
        return ""
    checks, overall = doubtful.table.iloc[:-1], doubtful.table.iloc[-1]
    if overall["estimate"] < DOUBTED or checks.empty:
        return ""
    return _(
        "{share:share} of {n:count} responses look doubtful, most of them by the check "
        "{check:quoted}.",
        share=overall["estimate"],
        n=overall["n"],
        check=checks.loc[checks["estimate"].idxmax(), "term"],
    )
