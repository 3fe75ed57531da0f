"""A study opened for a notebook: its tables, customers, journeys, loyalty, quality and alerts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxlib.core import context, display, parameters, sections
from cxlib.core.context import Context
from cxlib.core.errors import leave_out, read_in_part, suggestion
from cxlib.core.i18n import _
from cxlib.core.sample import DRAWS, SEED, Sample
from cxlib.data import contract, sql
from cxlib.data import study as study_
from cxlib.data.intake import Intake
from cxlib.data.organisation import Tree
from cxlib.data.schema import Benchmark, Costs, IndexModel, Item, Organisation, Target
from cxlib.data.study import Study
from cxlib.privacy import published
from cxlib.reserve import (
    alerts,
    engine,
    grouping,
    loading,
    requirements,
    selection,
    store,
)
from cxlib.reserve import organisation as units_of_study
from cxlib.reserve.alerts import Alerts
from cxlib.reserve.baskets import StoredBaskets
from cxlib.reserve.care import Care
from cxlib.reserve.cases import StoredCases
from cxlib.reserve.customers import Customers
from cxlib.reserve.database import Database
from cxlib.reserve.journeys import Journeys
from cxlib.reserve.loyalty import Loyalty
from cxlib.reserve.nonresponse import silent_shares
from cxlib.reserve.quality import Quality
from cxlib.reserve.store import ReserveError

LOOP = ("class", "status")  # columns that say whether an action is of one customer, and closed
COMPARED = ("events", "cases", "orders", "responses", "customers")  # tables that groups divide


def open(name: str, *, lang: str = "en") -> Reserve:
    """The reserve of the study `name`; begins a page in `lang` with the study's labels and rules.

    Builds the reserve first when it is missing or older than study.yaml or the files, saying so on
    stderr. In a notebook it checks the parameters as `cx run` does, and has errors shown in a line.

    Raises
    ------
    StudyError, IntakeError, SourceError, ReserveError : as `load` does
    ValueError : a language there is not, or a parameter of the notebook that is not allowed
    """
    sections.go_on_in_notebooks()
    parameters.of_notebook()  # before the study is read: its language must be one there is
    study = study_.read(name)
    rules = context_of(study, lang).as_job()
    context.begin(**rules)
    opened = attach(study)
    targets = {t: opened.target(t) for t in study.targets}
    silent = silent_shares(opened) if targets else {}
    context.begin(**rules, targets=targets, silent=silent, **opened.open_actions)
    selection.check_notebook(opened)
    return opened


def attach(study: Study) -> Reserve:
    """The reserve of a study, built first as by `open`, under the context that is in force."""
    display.hide_in_notebooks()
    sections.go_on_in_notebooks()
    loading.refresh(study)
    return Reserve(study)


def in_memory(study: Study, taken: dict[str, Intake]) -> Reserve:
    """A reserve of tables that were taken in and are not written; for `cx check`."""
    built = store.in_memory(study, taken)
    return Reserve(study, engine.attached(study, built, store.views(taken)))


def context_of(study: Study, lang: str = "en") -> Context:
    """The context of the study's pages in `lang`: its labels, names to mask, smallest cell."""
    return Context(
        lang=lang,
        smallest_cell=study.reporting.smallest_cell,
        labels=_labels(study, lang),
        mask=tuple(study.mask),
        country=study.country,
        currency=study.currency,
        published=_published(),
    )


def _published() -> tuple[dict[str, Any], ...]:
    """What was published before of the page that is being made, as its run has told."""
    file = os.environ.get(published.FILE)
    return tuple(json.loads(Path(file).read_text(encoding="utf-8"))) if file else ()


def state(study: Study) -> dict[str, str]:
    """Fingerprints of what the study's folder holds.

    These are tables, what they have together, study.yaml and earlier warnings.
    """
    data = store.fingerprints(study.reserve_path)
    own = store.digests(study)[store.STUDY]
    with Database(study) as database:
        marks = database.marks
    return {**data, **marks, store.STUDY: own, "warnings": alerts.fingerprint(study, data)}


def _labels(study: Study, lang: str) -> dict[str, str]:
    """What readers call everything: the contract's columns, then the study's own words."""
    words = contract.labels(lang)
    own: dict[str, Any] = {**study.segments.names, **study.labels}
    if study.loyalty.programme:
        own["the programme"] = study.loyalty.programme.label
    own |= {change.name: change.label for change in study.changes}
    own |= study.model.labels if study.model else {}
    own |= {name: label for name, label in study.topic_groups.items() if name not in own}
    own |= {name: item.label for name, item in (study.items | study.topics).items()}
    return words | {name: label.get(lang, name) for name, label in own.items()}


class Reserve(Database):
    """A study's reserve, opened for reading; nothing is read before it is asked for.

    `reserve["orders"]` is `reserve.read("orders")`, and the names are completed at the prompt.

    Attributes
    ----------
    customers : customers as they stood on a day, with what they did after it
    journeys : how touchpoints follow each other
    loyalty : first purchases, referrals, the programme
    quality : what was loaded and what was set aside
    alerts : alerts of earlier states of the data
    care : customers to be called back, and one customer's history
    """

    @property
    def customers(self) -> Customers:
        """What is known of each customer."""
        return Customers(self)

    @property
    def care(self) -> Care:
        """What a call-back looks at."""
        return Care(self)

    @property
    def journeys(self) -> Journeys:
        """The journeys of customers."""
        return Journeys(self)

    @property
    def loyalty(self) -> Loyalty:
        """Orders, repeat purchases and referrals."""
        return Loyalty(self)

    def baskets(self, *, draws: int = DRAWS, seed: int = SEED) -> StoredBaskets | None:
        """What orders held, counted where they are: for `offers.count_baskets`.

        None where all rows can be read (`limits.rows_at_most`), which is quicker; and where
        something was handed back, or amounts are known of some orders only: such orders have to be
        read.

        Parameters
        ----------
        draws, seed : of the bootstrap behind every interval
        """
        rows = max(self.kept_rows.get(table, 0) for table in ("orders", "order_lines"))
        stored = StoredBaskets(self, draws, seed)
        many = rows > self.study.limits.rows_at_most and self.study.reporting.leave_rows
        return stored if many and stored.countable else None

    def cases(self, *, draws: int = DRAWS, seed: int = SEED) -> StoredCases | None:
        """Cases counted where they are: for `service.count_cases`.

        None where all rows can be read (`limits.rows_at_most`), which is quicker; and where times
        are of a time zone, or durations and verdicts are on file in place of dates.

        Parameters
        ----------
        draws, seed : of the bootstrap behind every interval
        """
        rows = max(self.kept_rows.get(table, 0) for table in ("cases", "events", "customers"))
        stored = StoredCases(self, draws, seed)
        many = rows > self.study.limits.rows_at_most and self.study.reporting.leave_rows
        return stored if many and stored.countable else None

    @property
    def quality(self) -> Quality:
        """What the data hold, and how good they are."""
        return Quality(self)

    @property
    def alerts(self) -> Alerts:
        """The alerts of earlier states of the data."""
        return Alerts(self)

    # What a page asks by default

    def has(self, need: str) -> bool:
        """Whether the study has what is needed (see `lacks`); says why not when it has not."""
        for reason in (lacking := self.lacks([need])):
            if need == "quarantine":  # nothing set aside is an answer
                print(reason)
            else:
                leave_out(reason)
        return not lacking

    def group(self, by: str = "") -> str:
        """The column to compare the answers by: `by`, else the study's own; empty without one.

        Raises ReserveError for a column `by` that the answers do not have.
        """
        chosen = by or self.study.group
        if not chosen:
            leave_out(_("The study names no groups to compare."))
            return ""
        have = self.columns("responses")
        if chosen in have:
            return chosen
        if by:
            raise ReserveError(
                f"responses have no column {by!r}.{suggestion(by, have)} They have: "
                f"{', '.join(have)}."
            )
        leave_out(_("The responses have no column {column:quoted}.", column=chosen))
        return ""

    def column(self, by: str = "") -> str:
        """The column that channels, products or branches stand in: `by`, else one that is found.

        The first of channel, product, branch and the like with 2 to 100 different values, else the
        study's own group; empty, and said so, where there is none. Raises ReserveError where no
        table has a column `by`.
        """
        if not (chosen := grouping.column(self, by)):
            leave_out(_("The study names no groups to compare."))
        return chosen

    def grouped(self, sample: Sample, table: str, by: str = "") -> tuple[Sample, str]:
        """The rows of a table with the column `by`, else the study's own group; and its name.

        The column may be of any table whose rows the rows belong to, by order, answer or customer.
        The name is empty where the study names no group, or rows of the table cannot have it; by
        default their own channel then. Raises ReserveError for a column `by` that no table has.
        """
        if by:
            grouping.require(self, by)
        for chosen in (by,) if by else (self.study.group, "channel"):
            if chosen and (found := grouping.grouped(self, sample, table, chosen)) is not None:
                return found, chosen
        if by:
            leave_out(_("{table:opening} have no column {column:quoted}.", table=table, column=by))
        return sample, ""

    def tables_by(self, by: str, *, draws: int = DRAWS, seed: int = SEED) -> dict[str, Sample]:
        """Contacts, cases, orders, answers and customers that have the column, ready to analyse.

        A table without the column has it of the order, answer or customer that its rows belong to.
        """
        found = (
            (t, grouping.grouped(self, self.sample(t, draws=draws, seed=seed), t, by))
            for t in grouping.groupable(self, COMPARED, by)
        )
        return {t: rows for t, rows in found if rows is not None and rows[by].notna().any()}

    def groups_alike(self, table: str, others: Iterable[str], by: str) -> str:
        """The first of other tables by whose rows those of a table can be divided, by group.

        Empty, and said so, where the group of one was recorded and that of the other is its
        customer's most frequent one.
        """
        others = list(others)
        if not (found := grouping.alike(self, table, others, by)) and others:
            leave_out(
                _(
                    "{table:opening} and contacts have {column:quoted} from different sources: "
                    "a rate of the two would be wrong.",
                    table=table,
                    column=by,
                )
            )
        return found

    def with_attributes(
        self, sample: Sample, table: str, by: str, names: Sequence[str] = ()
    ) -> tuple[Sample, list[str]]:
        """The rows of a table with what says who their customers are, and the names of these.

        Parameters
        ----------
        sample, table : rows, and the table that they are of
        by : column of the groups that are compared, which is none of them
        names : columns of any table; by default those of customers with 2 to 30 values, the wave
            of answers, severity and category of cases

        Raises
        ------
        ReserveError : a name that no table has
        """
        kept: list[str] = []
        for name in names or grouping.attributes(self, table, by):
            grouping.require(self, name)
            if name != by and (found := grouping.grouped(self, sample, table, name)) is not None:
                sample, kept = found, [*kept, name]
        return sample, kept

    @property
    def today(self) -> str:
        """The day after the last of the data, from which a page looks at what is due.

        Of a study without dated rows, the day after its last action; without any, this day.
        """
        last = self.last_dated
        return f"{pd.Timestamp.today() if last is None else last + pd.Timedelta(days=1):%Y-%m-%d}"

    @property
    def last_dated(self) -> pd.Timestamp | None:
        """The last day of the data, else of the actions; None where nothing has a date."""
        last = self.last_day
        if last is None and "actions" in self.tables:
            days = self._ledger()[0].select_dtypes("datetime")
            last = days.max().max() if days.size else None
        return None if last is None or pd.isna(last) else pd.Timestamp(last)

    @property
    def last_wave(self) -> int:
        """How many answers the last wave has; 0 without waves."""
        if not (waves := self.waves()):
            return 0
        counted = f"select count(*) from responses where wave = {sql.text(waves[-1])}"
        return int(sql.first(self.store, counted)[0])

    def ledger(self) -> pd.DataFrame:
        """The actions of the study.

        Of more than `limits.rows_at_most` those about single customers that are closed are not
        read, and the page says how many they are.
        """
        rows, left_out = self._ledger()
        if left_out:
            sentence = _(
                "The ledger has {n:count} actions. The {closed:count} that were about single "
                "customers and are closed are not read, nor counted on this page.",
                n=len(rows) + left_out,
                closed=left_out,
            )
            read_in_part(_("without closed actions of single customers"), sentence)
        return rows

    def _ledger(self) -> tuple[pd.DataFrame, int]:
        """The actions that are read, and how many are not."""
        n = self.kept_rows["actions"]
        if n <= self.study.limits.rows_at_most or not self.has_columns("actions", *LOOP):
            return self.read("actions"), 0
        open_ = "coalesce(status, '') not in ('done', 'dropped')"
        rows = self.read("actions", where=f"coalesce(class, '') <> 'one customer' or {open_}")
        return rows, n - len(rows)

    @property
    def open_actions(self) -> dict[str, Any]:
        """What a page needs to judge the actions of the ledger as 41 does; empty without one."""
        if "actions" not in self.study.tables:
            return {}
        ledger, point = self._ledger()[0], self.costs.point or float("nan")
        worth = ledger["worth"].fillna(point) if "worth" in ledger else point
        return {"ledger": ledger.assign(worth=worth), "last_wave": self.last_wave}

    @property
    def costs(self) -> Costs:
        """What contacts, offers and customers cost, as study.yaml says."""
        return self.study.costs

    def margin(self, given: float = 0.0) -> float | None:
        """Share of an amount that is margin: `given`, else that of study.yaml; None for sales."""
        return given or self.costs.margin

    def index_model(self) -> IndexModel | None:
        """The satisfaction index of the study; none, and said so, where it has none."""
        if self.study.model is None:
            leave_out(_("The study has no satisfaction index."))
        return self.study.model

    @property
    def currency(self) -> str:
        """What amounts are in; "amount" where the study does not say."""
        return self.study.currency or "amount"

    @property
    def outcome(self) -> str:
        """What the study wants explained: its `outcome`, else its NPS or CSAT question."""
        return self.study.default_outcome

    @property
    def kin(self) -> dict[str, list[str]]:
        """Question -> the other questions of the same construct of the satisfaction index."""
        constructs = self.study.model.constructs.values() if self.study.model else ()
        return {item: [i for i in c if i != item] for c in constructs for item in c}

    def target(self, *names: str) -> Target | None:
        """The target of the first of the names that has one; without its day once that is over."""
        found = next((t for name in names if (t := self.study.targets.get(name))), None)
        if found is not None and found.by is not None and str(found.by) < self.today:
            return found.model_copy(update={"by": None})
        return found

    @property
    def organisation(self) -> Organisation | None:
        """Which table and column name units, as study.yaml says."""
        return self.study.organisation

    @property
    def units(self) -> Tree:
        """The units of the organisation.

        Raises
        ------
        ReserveError : the study has none, or its table of units is no tree
        """
        return units_of_study.tree(self)

    def benchmarks(self, *names: str) -> list[Benchmark]:
        """The benchmarks of a measure by any of its names, of study.yaml and of the table."""
        rows = self.read("benchmarks") if "benchmarks" in self.tables else pd.DataFrame()
        known = [c for c in Benchmark.model_fields if c in rows]
        given = [
            Benchmark(**{c: v for c, v in row.items() if pd.notna(v)})
            for row in rows[known].to_dict("records")
        ]
        return [b for b in (*self.study.benchmarks, *given) if b.measure in names]

    @property
    def drivers(self) -> list[str]:
        """What may explain it: the study's `drivers`, else its touchpoint questions."""
        return self.study.default_drivers

    def features(self, topic: str) -> list[str] | None:
        """The columns study.yaml names for "segments" or "churn"; None leaves it to the topic."""
        section = getattr(self.study, topic, None)
        return list(section.features) if section and section.features else None

    @property
    def expectations(self) -> dict[str, str]:
        """Questions on an experience -> those on what was expected of it, where both were asked."""
        asked = self.asked()
        return {q: i.expectation for q, i in asked.items() if i.expectation in asked}

    @property
    def scales(self) -> dict[str, tuple[float, float]]:
        """Worst and best answer of each question."""
        return {name: self.study.items[name].scale for name in self.items_of()}

    def asked(self, *roles: str) -> dict[str, Item]:
        """The questions of these roles, all without one, as study.yaml declares them."""
        return {name: self.study.items[name] for name in self.items_of(*roles)}

    @property
    def cluster(self) -> str | None:
        """The column that makes rows one customer's, for draws of whole customers; None without."""
        return "customer_id" if "customer_id" in self.columns("responses") else None

    def lacks(self, needs: list[str]) -> list[str]:
        """Why a notebook that needs these cannot be run, one sentence each; empty when it can.

        What may be needed is listed in `reserve.requirements`.
        """
        return [reason for need in needs if (reason := requirements.unmet(self, need))]

    @property
    def topics(self) -> dict[str, dict[str, list[str]]]:
        """The topics of comments that the study gives, by name: language -> words."""
        return {
            name: {str(lang): words for lang, words in topic.words.items()}
            for name, topic in self.study.topics.items()
        }

    @property
    def coded(self) -> dict[str, str]:
        """The topics that people coded: name -> column of the comments, where it is there."""
        return requirements.coded_topics(self)

    @property
    def coding(self) -> pd.DataFrame:
        """What people coded: comment_id, stands_for and a column a topic: -1, 0, 1 or missing.

        What `cx coding import` kept; else the columns that study.yaml names as `coded`, in which
        every comment is coded and stands for itself.
        """
        file = requirements.coding_file(self)
        if file.is_file():
            return pd.read_csv(file, dtype={"comment_id": str})
        comments, columns = self.read("comments"), self.coded
        codes = {n: pd.to_numeric(comments[c], errors="coerce") for n, c in columns.items()}
        kept = {"comment_id": comments["comment_id"].astype(str), "stands_for": 1.0}
        return pd.DataFrame({**kept, **codes})

    @property
    def complaints(self) -> dict[str, bool | None]:
        """Whether each topic that the study gives is a complaint; None where it does not say."""
        return {name: topic.complaint for name, topic in self.study.topics.items()}

    @property
    def topic_groups(self) -> dict[str, str]:
        """The group of each topic that has one."""
        return {name: t.group for name, t in self.study.topics.items() if t.group}
