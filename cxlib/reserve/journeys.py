"""Journeys of a study: touchpoints, their stages and ratings, and how they follow each other.

study.journeys.transitions(goal=True)              # cluster, step, before, after, n
study.journeys.stages                              # {"shop": "action", ...}
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from cxlib.core.i18n import _
from cxlib.core.sample import DRAWS, SEED, Sample
from cxlib.data import expressions, sql
from cxlib.data.schema import STAGES, Journey
from cxlib.reserve import pathways
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError
from cxlib.stats.notes import open_journeys_note

YEAR = 365  # days


@dataclass(frozen=True)
class Journeys:
    """How events make journeys, as study.yaml says."""

    database: Database

    @property
    def rules(self) -> Journey:
        """How events make journeys, as study.yaml says."""
        return self.database.study.journey

    def transitions(
        self,
        *,
        goal: bool = False,
        most: int = 0,
        where: str = "",
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> Sample:
        """How often one touchpoint follows another: cluster, step, before, after, n.

        Journeys are those of `journey` in study.yaml, counted by SQL (see
        `journeys.count_transitions`); with `goal` up to the study's goal, with `most` step by step.
        What follows the steps of the last days, in which journeys may go on, is left out.
        """
        have, journey = self.database.columns("events"), self.rules
        if journey.by and journey.by not in have:
            raise ReserveError(
                f"journey.by {journey.by!r} is no column of events. It has: {', '.join(have)}."
            )
        holds = expressions.condition(where, self.database.store, "events", have)
        goals = journey.goal if goal else []
        counts = pathways.counted(
            self.database.store,
            by=journey.by,
            gap=journey.gap,
            goal=goals,
            most=most,
            patience=journey.patience,
            holds=holds,
            row=sql.ROW,
        )
        notes = (*self._ties(holds), open_journeys_note(journey.patience))
        return Sample(counts, cluster="cluster", draws=draws, seed=seed, notes=notes)

    def _ties(self, holds: str) -> tuple[str, ...]:
        """How many events share their time with others of their journey, and what orders them."""
        have = self.database.columns("events")
        rank = ', "sequence"' if "sequence" in have else ""
        of = sql.name(self.rules.by or "customer_id")
        events, tied = sql.first(
            self.database.store,
            "select sum(n), coalesce(sum(n) filter (where k > 1), 0) from (select count(*) as n, "
            f'count(distinct touchpoint) as k from events where {holds} and "at" is not null '
            f'group by {of}, "at"{rank})',
        )
        if not tied:
            return ()
        shares = {"share": tied / events, "n": int(events)}
        if self.rules.ties == "stage":
            return (
                _(
                    "{share:share1} of {n:count} events share their time with others of the same "
                    "journey; these follow the order of the stages.",
                    **shares,
                ),
            )
        return (
            _(
                "{share:share1} of {n:count} events share their time with others of the same "
                "journey; these follow the order of the file, which may not be that in time.",
                **shares,
            ),
        )

    @property
    def stages(self) -> dict[str, str]:
        """The stage of each touchpoint: of study.yaml, else of its events."""
        if self.database.study.touchpoints:
            return dict(self.database.study.touchpoints)
        if not self.database.has_columns("events", "stage"):
            return {}
        query = (
            f"select touchpoint, stage, count(*) as n, min({sql.ROW}) as first from events "
            "where stage is not null group by touchpoint, stage order by touchpoint, n, first desc"
        )
        found = self.database.store.execute(query).fetchall()  # the last of a touchpoint counts
        most = {touchpoint: stage for touchpoint, stage, *_counts in found}
        return {touchpoint: stage for touchpoint, stage in most.items() if stage in STAGES}

    @property
    def ratings(self) -> dict[str, str]:
        """The question that rates each touchpoint."""
        return self._asked_of("touchpoint")

    @property
    def efforts(self) -> dict[str, str]:
        """The question on the effort of each touchpoint."""
        return self._asked_of("effort")

    def _asked_of(self, role: str) -> dict[str, str]:
        items = self.database.study.items
        return {t: i for i in self.database.items_of(role) if (t := items[i].touchpoint)}

    def revenue(self) -> tuple[pd.Series | None, str, int]:
        """Sales of each journey where orders name it, else of each customer in the last year.

        With them the column of events that they go by, and in how many days they were made; 0 for
        all sales of a journey. None where nobody knows.
        """
        if not self.database.has_columns("orders", "amount", "at"):
            return None, "customer_id", 0
        named = self.rules.by in self.database.columns("orders")
        by = self.rules.by if named else "customer_id"
        last = self.database.last_day
        if last is None:
            return None, "customer_id", 0
        since = last - timedelta(days=YEAR)
        recent = "" if by != "customer_id" else 'where "at" >= $since'
        found = self.database.store.execute(
            f"select {sql.name(by)} as name, sum(amount) as worth "
            f"from orders {recent} group by 1 order by 1",
            {"since": since} if recent else {},
        ).df()
        return found.set_index("name")["worth"], by, YEAR if recent else 0
