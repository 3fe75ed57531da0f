"""What every method gives back: a table of estimates, one sentence, and what was left out.

    fit = scores.nps(responses, by="channel")
    print(fit)                        # NPS 31 points (28 to 34), n 4,812.
    fit.table                         # channel, term, estimate, low, high, n
    fit.note                          # 4,812 of 5,240 responses answered.

    draws = resampling.bootstrap(rows, statistic, by="customer_id", draws=1000, seed=1)
    intervals.estimates_table(["speed"], [0.41], draws, n=4812)

The rows are never kept, and nothing here draws a picture. Cells smaller than the page's smallest
cell are hidden wherever a table is shown (`core.display`), never in `fit.table` itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.display import display_table
from cxlib.core.i18n import _
from cxlib.privacy import disclosure
from cxlib.stats.intervals import percentile_interval, simultaneous_interval
from cxlib.stats.moments import Moments

MEASURES = ("term", "estimate", "low", "high", "n")


@dataclass(frozen=True)
class Estimates:
    """A result that can be kept, sent and compared.

    Attributes
    ----------
    table : grouping columns, then term, estimate, low, high, n; one row a term
    answer : one sentence with the number, its interval and n, in the page's language
    note : what was left out and why
    unit : "points", "share", "scale" ...: how the numbers of `table` are to be read
    draws, seed : of the bootstrap behind the intervals; 0 draws where there is none
    replicates : `table`'s estimates in each draw, (draws, rows), NaN where a draw has none; all
        estimates of one seed are drawn from the same customers (`together`, `difference`)
    """

    table: pd.DataFrame
    answer: str
    note: str = ""
    unit: str = ""
    draws: int = field(default=0, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    replicates: np.ndarray | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Whatever prints them (a page, a figure's title, the record of a run), sentences keep the
        # rule of the tables.
        tables = [t for t in vars(self).values() if isinstance(t, pd.DataFrame)]
        if any(disclosure.tells_of_hidden(self.answer, t) for t in tables):
            object.__setattr__(self, "answer", disclosure.left_out())
        object.__setattr__(self, "note", disclosure.without_hidden(self.note, tables))

    def __str__(self) -> str:
        return self.answer

    def _repr_pretty_(self, printer, cycle: bool) -> None:
        # Subclasses carry many tables; a prompt wants the sentence, the main table and the note.
        table = display_table(self.table, self.unit).to_string(index=False)
        printer.text("..." if cycle else f"{self.answer}\n{table}\n{self.note}")

    def _repr_mimebundle_(self, **_unused: object) -> tuple[dict, dict]:
        # The page's audit hears here what the two representations beside hide.
        why = disclosure.hidden(self.table)
        return {}, {"cxlab_audit": disclosure.audit(self.table, why)} if (why != "").any() else {}

    def _repr_html_(self) -> str:
        shown = display_table(self.table, self.unit).to_html(index=False, border=0)
        shown = shown if len(self.table) else ""
        answer, note = escape(self.answer), escape(self.note)
        return f"<p><strong>{answer}</strong></p>{shown}<p><small>{note}</small></p>"


def together(parts: Mapping[str, Estimates]) -> Estimates:
    """Several results as one whose intervals all hold at once, whatever is compared with what.

    `table` has the name of each in `of`, then their columns. Raises ValueError unless all rest on
    the same draws.
    """
    _check_draws(list(parts.values()))
    table = pd.concat({name: e.table for name, e in parts.items()}, names=["of", None])
    table = table.reset_index("of").reset_index(drop=True)
    replicates = np.concatenate([e.replicates for e in parts.values()], axis=1)
    table["low"], table["high"] = simultaneous_interval(
        table["estimate"].to_numpy(float), replicates
    )
    first, units = next(iter(parts.values())), {e.unit for e in parts.values()}
    return Estimates(
        table,
        i18n.together(e.answer for e in parts.values()),
        i18n.together(
            [
                _("The {cells:count} intervals hold together.", cells=len(table)),
                *dict.fromkeys(e.note for e in parts.values()),
            ]
        ),
        units.pop() if len(units) == 1 else "",
        draws=first.draws,
        seed=first.seed,
        replicates=replicates,
    )


def difference(one: Estimates, other: Estimates, *, names: tuple[str, str]) -> Estimates:
    """How far each estimate of `one` lies above the same of `other`, taken draw by draw.

    Rows are matched by all columns before `estimate` (term, groups); two results of one row each
    are matched as they are. Several intervals hold at once. `names` are what readers call the two.
    Raises ValueError unless both rest on the same draws, have the same unit and a row in common.
    """
    _check_draws([one, other])
    if one.unit != other.unit:
        raise ValueError(f"{one.unit or 'no unit'} less {other.unit or 'no unit'} has no meaning.")
    first, second = _matched(one.table, other.table)
    table = one.table.iloc[first][[*_named_by(one.table), "estimate"]].reset_index(drop=True)
    table["estimate"] -= other.table["estimate"].to_numpy()[second]
    apart = one.replicates[:, first] - other.replicates[:, second]
    known = table["estimate"].notna().to_numpy()  # asked in both
    first, second, table = first[known], second[known], table[known].reset_index(drop=True)
    apart = apart[:, known]
    if table.empty:
        raise ValueError("no row has an estimate in both results.")
    held = simultaneous_interval
    if len(table) == 1:
        held = lambda _, draws: percentile_interval(draws)  # noqa: E731
    table["low"], table["high"] = held(table["estimate"].to_numpy(float), apart)
    table["n"] = np.minimum(one.table["n"].to_numpy()[first], other.table["n"].to_numpy()[second])
    facts = {"draws": one.draws, "seed": one.seed, "replicates": apart}
    note = i18n.together(dict.fromkeys([one.note, other.note]))
    told = disclosure.shown(table)
    if told.empty:
        return Estimates(table, disclosure.left_out(), note, one.unit, **facts)
    widest = told.iloc[int(told["estimate"].abs().to_numpy().argmax())]
    write = i18n.percent if one.unit == "share" else i18n.number
    digits = 2 if one.unit == "scale" else 1
    answer = _(
        "{term:opening}: {one:label} less {other:label} is {apart} ({span}), n {n:count}.",
        term=widest["term"],
        one=names[0],
        other=names[1],
        apart=write(widest["estimate"], digits),
        span=i18n.span(widest["low"], widest["high"], digits, share=one.unit == "share"),
        n=widest["n"],
    )
    return Estimates(table, answer, note, one.unit, **facts)


def _check_draws(results: Sequence[Estimates]) -> None:
    if without := sum(e.replicates is None for e in results):
        raise ValueError(
            f"{without} of {len(results)} results have no draws, so they cannot be compared draw "
            "by draw. Ask for them with method='bootstrap'."
        )
    if len({(e.draws, e.seed) for e in results}) > 1:
        found = ", ".join(f"{e.draws:,} draws of seed {e.seed}" for e in results)
        raise ValueError(f"results of different draws ({found}). Give all the same draws and seed.")


def _named_by(table: pd.DataFrame) -> list[str]:
    return list(table.columns[: table.columns.get_loc("estimate")])


def _matched(one: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows that both tables have."""
    if len(one) == len(other) == 1:
        return np.zeros(1, int), np.zeros(1, int)
    if (by := _named_by(one)) != _named_by(other):
        raise ValueError(f"rows named by {by} cannot be matched with {_named_by(other)}.")
    sides = [t[by].assign(place=np.arange(len(t))) for t in (one, other)]
    both = sides[0].merge(sides[1], on=by, suffixes=("", "_2"))
    if both.empty:
        raise ValueError(f"the results have no row in common (by {', '.join(by)}).")
    return both["place"].to_numpy(), both["place_2"].to_numpy()


def how_drawn(draws: int, weight: str | None = None, bucket: str | None = None) -> str:
    """What a note says of weights and draws, in the page's language."""
    facts = {"draws": draws, "weight": weight or ""}
    if weight and bucket:
        return _("Weighted by {weight:label}; {draws:count} draws of whole customers.", **facts)
    if weight:
        return _("Weighted by {weight:label}; {draws:count} draws.", **facts)
    if bucket:
        return _("{draws:count} draws of whole customers.", **facts)
    return _("{draws:count} draws.", **facts)


def filled(sums: Moments) -> str:
    """What a note says of answers estimated by maximum likelihood (`missing="em"`)."""
    return _(
        "{n:count} of {offered:count} responses answered some of the questions; means and "
        "correlations are found by maximum likelihood, taking it that what is missing depends "
        "only on what was answered.",
        n=sums.rows.sum(),
        offered=sums.offered,
    )
