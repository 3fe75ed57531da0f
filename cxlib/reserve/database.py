"""The tables of a study's reserve: rows by wave and condition, and sums that leave no row.

database.tables                                    # those the study has
database.read("orders", where="amount > 100")
database.sums("responses", ["speed", "price"], cluster="customer_id")
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property

import pandas as pd

from cxlib.core.sample import DRAWS, SEED, Sample
from cxlib.data import expressions, sql
from cxlib.reserve import aggregates, door, losses, store, tables_read
from cxlib.reserve.answers import Answers
from cxlib.reserve.store import ReserveError
from cxlib.reserve.tables import Tables
from cxlib.stats.moments import Moments

CHECKED = (  # what the checks of the load left, without the numbers of rows
    "select * from _quarantine",
    "select * from _losses",
    "select * from _warnings",
    'select "table", quarantined, cells, left_out, notes from _tables',
)


@dataclass
class Database(Tables):
    """A study's tables with what its pages ask of them: weighted samples, sums, checks."""

    def __str__(self) -> str:
        counts = self.counts
        rows = [f"  {c.table}: {c.kept:,} rows" for c in counts.itertuples()]
        return "\n".join([f"{self.study.name}: {self.study.title['en']}", *rows])

    __repr__ = __str__

    @property
    def counts(self) -> pd.DataFrame:
        """table, offered, kept, quarantined, cells (lost), left_out, sha256 and notes."""
        return self.store.execute("select * from _tables").df()

    @property
    def quarantine(self) -> pd.DataFrame:
        """table, row, column, value, rule, params, file, lost: what was not let in.

        Without rows and values where no row may leave.
        """
        nameless = (
            "" if self.study.reporting.leave_rows else 'replace (null as "row", null as value)'
        )
        return self.store.execute(f"select * {nameless} from _quarantine").df()

    @property
    def fingerprints(self) -> dict[str, str]:
        """sha256 of each table's content, and of study.yaml under "study.yaml"."""
        tables_read.note(tables_read.ALL)
        return store.fingerprints(self.study.reserve_path)

    @property
    def marks(self) -> dict[str, str]:
        """Fingerprints of what pages read of all tables together: columns, checks and days."""
        sums = "select count(*), sum(hash(t)::hugeint)::varchar from ({}) t"
        checks = [sql.first(self._opened(), sums.format(query)) for query in CHECKED]
        days = [self._day(f, f, [d]) for d in self._dated(customers=True) for f in ("min", "max")]
        found = {
            tables_read.COLUMNS: self.schema,
            tables_read.CHECKS: checks,
            tables_read.DAYS: [str(day) for day in days],
        }
        return {name: store.digest(value) for name, value in found.items()}

    def responses(self, wave: str = "", where: str = "") -> pd.DataFrame:
        """The questionnaires, each with its customer's attributes: `read("responses", ...)`.

        They carry no design: `sample` gives them weighted, clustered and with their replicates.
        """
        return self.read("responses", wave, where)

    def sample(
        self,
        table: str = "responses",
        *,
        wave: str = "",
        where: str = "",
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> Sample:
        """Rows of a table ready to be analysed: weighted, clustered by customer, losses counted.

        Parameters
        ----------
        table : of the study; responses carry the attributes of their customers and are weighted as
            study.yaml says (margins, replicate weights, sampling)
        wave : survey wave; empty for all
        where : condition on the columns, as in SQL; empty for all rows
        draws, seed : of the bootstrap behind every interval

        Raises
        ------
        ReserveError : unknown table, wave or column, no condition, no row left
        InsufficientData : rows that the margins of study.yaml do not speak of, or many rows of
            fewer customers than the smallest cell
        """
        if table == "responses":
            return self._answers.sample(wave, where, draws, seed)
        return self.sample_of(table, wave, where, draws, seed)

    @cached_property
    def _answers(self) -> Answers:
        return Answers(self)

    def report_losses(self, sample: Sample) -> None:
        """Print how many rows there were at first and where the others went."""
        losses.say(len(sample), asdict(sample.losses) if sample.losses else {}, self.losses)

    def sums(
        self,
        table: str,
        columns: list[str],
        weight: str | None = None,
        cluster: str | None = None,
        where: str = "",
        *,
        wave: str = "",
        missing: str = "complete",
    ) -> Moments:
        """`moments.of` of the rows, by one scan in the store: the same `Moments`, rows never leave.

        `cluster="customer_id"` draws customers whole (a row without one is its own cluster); None
        makes each row a cluster. The origin is the middle of an item's scale, or 0.
        """
        have = self.columns(table)
        asked = [*columns, *([weight] if weight else []), *([cluster] if cluster else [])]
        if unknown := [c for c in asked if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        source = self.source(table)
        holds = expressions.condition(where, self.store, source, have)
        in_wave = self.in_wave(table, wave)
        of = columns, self.origin(columns), weight, cluster, f"{in_wave} and {holds}", missing
        return door.by_customers(
            lambda size: aggregates.scan(self.store, source, *of, row=sql.ROW, size=size),
            leave_rows=self.study.reporting.leave_rows,
            missing=missing,
        )

    def items_of(self, *roles: str) -> list[str]:
        """The questions of these roles, all questions without one, in the order of study.yaml."""
        asked = self.study.items_of(*roles) if roles else list(self.study.items)
        have = self.schema.get("responses", ())
        return [name for name in asked if name in have]

    def item(self, role: str) -> str:
        """The first question of a role: "nps", "csat", "effort" ..."""
        if not (found := self.items_of(role)):
            raise ReserveError(f"{self.study.name} asks no question with the role {role}.")
        return found[0]

    def has_columns(self, table: str, *columns: str) -> bool:
        """Whether the table is there and has these columns."""
        return set(columns) <= set(self.schema.get(table, ())) and table in self.schema
