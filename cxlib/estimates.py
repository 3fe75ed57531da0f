"""What every method gives back: a table of estimates, one sentence, and what was left out.

    fit = scores.nps(responses, by="channel")
    print(fit)                        # NPS 31 points (28 to 34), n 4,812.
    fit.table                         # channel, term, estimate, low, high, n
    fit.note                          # 4,812 of 5,240 responses answered.

    draws = estimates.bootstrap(rows, statistic, by="customer_id", draws=1000, seed=1)
    estimates.tabulate(["speed"], [0.41], draws, n=4812)

The rows are never kept, and nothing here draws a picture. Cells smaller than the page's smallest
cell are hidden wherever a table is shown (`core.display`), never in `fit.table` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import NormalDist

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.core.display import display_table
from cxlib.moments import Moments, keys_of, multiplicities
from cxlib.privacy import disclosure

LEVEL = 0.95
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

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        # The page's audit hears here what the two representations beside hide.
        why = disclosure.hidden(self.table)
        return {}, {"cxlab_audit": disclosure.audit(self.table, why)} if (why != "").any() else {}

    def _repr_html_(self) -> str:
        shown = display_table(self.table, self.unit).to_html(index=False, border=0)
        shown = shown if len(self.table) else ""
        answer, note = escape(self.answer), escape(self.note)
        return f"<p><strong>{answer}</strong></p>{shown}<p><small>{note}</small></p>"


def tabulate(
    terms: Sequence[str],
    estimate: np.ndarray,
    replicates: np.ndarray,
    n: int | Sequence[int],
    *,
    level: float = LEVEL,
    **groups: object,
) -> pd.DataFrame:
    """Tidy table of `terms` with percentile intervals; `replicates` is (draws, terms).

    Draws that failed are NaN and are left out of the interval; say how many with `failed`.
    Keyword arguments become grouping columns in front.
    """
    low, high = interval(replicates, level)
    # Draws of a biased statistic (many drivers, few rows) may all lie on one side of the estimate.
    estimate = np.asarray(estimate, float)
    low, high = np.minimum(low, estimate), np.maximum(high, estimate)
    table = pd.DataFrame({"term": list(terms), "estimate": estimate, "low": low, "high": high})
    table["n"] = n
    for place, (name, value) in enumerate(groups.items()):
        table.insert(place, name, value)
    return table


def interval(replicates: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over the first axis, NaN draws apart: (low, high)."""
    replicates = np.asarray(replicates, float)
    tail = (1 - level) / 2
    if not len(replicates):
        nothing = np.full(replicates.shape[1:], np.nan)
        return nothing, nothing
    inside = np.nanquantile if np.isnan(replicates).any() else np.quantile
    low, high = inside(replicates, [tail, 1 - tail], axis=0)
    return low, high


def widened(units: float, fitted: int = 1, level: float = LEVEL) -> float:
    """The level to ask of a percentile interval so that it covers with probability `level`.

    Drawing from n units understates spread by the factor sqrt((n - fitted) / n) and ignores that
    it is estimated; the tails are moved out by both (expanded percentile: Hesterberg 2015, Am.
    Statistician 69(4)). `units` is the (effective) number drawn, `fitted` the numbers fitted.
    """
    from scipy.special import ndtr, stdtrit

    free = max(units - fitted, 2.0)
    return float(2 * ndtr(stdtrit(free, (1 + level) / 2) * np.sqrt(max(units / free, 1))) - 1)


def wilson(share: np.ndarray, n: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of a share, 0 to 1 (Wilson 1927)."""
    n, square = np.asarray(n, float), z(level) ** 2
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = np.sqrt(share * (1 - share) * square / n + (square / (2 * n)) ** 2) / (1 + square / n)
    return np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)


def each(cells: int, level: float = LEVEL) -> float:
    """Level of each of `cells` intervals that together cover with `level` (Šidák 1967).

    Exact for separate groups, and on the safe side where customers are in several.
    """
    return level ** (1 / max(cells, 1))


def z(level: float) -> float:
    """Standard normal quantile of a two-sided interval: 1.96 for 95%."""
    return NormalDist().inv_cdf((1 + level) / 2)


def at_once(
    estimate: np.ndarray,
    replicates: np.ndarray,
    level: float = LEVEL,
    *,
    units: float = np.inf,
    fitted: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of several terms that all hold at once with probability `level`: (low, high).

    Max-t: each is the estimate plus and minus its standard error times one factor, the `level`
    quantile over draws of the largest standardised deviation. With `units` drawn and `fitted`
    numbers they are stretched as `widened` does for one term. Terms (last axis) that no draw gives,
    or that never vary, have no interval.
    """
    replicates = np.asarray(replicates, float)
    error = np.full(len(estimate), np.nan)
    known = (~np.isnan(replicates)).sum(0) > 1
    error[known] = np.nanstd(replicates[:, known], axis=0, ddof=1)
    error[error < 1e-12] = np.nan
    if np.isnan(error).all():
        return error, error
    apart = np.abs(replicates - estimate) / error
    apart = apart[~np.isnan(apart).all(1)]
    reach = _stretched(np.quantile(np.nanmax(apart, axis=1), level), units, fitted) * error
    return estimate - reach, estimate + reach


def _stretched(reach: float, units: float, fitted: int) -> float:
    """A reach in standard errors, for errors estimated from few `units` (as `widened` does)."""
    from scipy.special import ndtr, stdtrit

    if not np.isfinite(units):
        return float(reach)
    free = max(units - fitted, 2.0)
    return float(stdtrit(free, ndtr(reach)) * np.sqrt(max(units / free, 1)))


def together(parts: Mapping[str, Estimates]) -> Estimates:
    """Several results as one whose intervals all hold at once, whatever is compared with what.

    `table` has the name of each in `of`, then their columns. Raises ValueError unless all rest on
    the same draws.
    """
    _check_draws(list(parts.values()))
    table = pd.concat({name: e.table for name, e in parts.items()}, names=["of", None])
    table = table.reset_index("of").reset_index(drop=True)
    replicates = np.concatenate([e.replicates for e in parts.values()], axis=1)
    table["low"], table["high"] = at_once(table["estimate"].to_numpy(float), replicates)
    first, units = next(iter(parts.values())), {e.unit for e in parts.values()}
    return Estimates(
        table,
        page.together(e.answer for e in parts.values()),
        page.together(
            [
                page.say("The {cells} intervals hold together.", cells=page.count(len(table))),
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
    held = at_once if len(table) > 1 else lambda _, draws: interval(draws)
    table["low"], table["high"] = held(table["estimate"].to_numpy(float), apart)
    table["n"] = np.minimum(one.table["n"].to_numpy()[first], other.table["n"].to_numpy()[second])
    facts = {"draws": one.draws, "seed": one.seed, "replicates": apart}
    note = page.together(dict.fromkeys([one.note, other.note]))
    told = disclosure.shown(table)
    if told.empty:
        return Estimates(table, disclosure.left_out(), note, one.unit, **facts)
    widest = told.iloc[int(told["estimate"].abs().to_numpy().argmax())]
    write = page.percent if one.unit == "share" else page.number
    digits = 2 if one.unit == "scale" else 1
    answer = page.say(
        "{term}: {one} less {other} is {apart} ({span}), n {n}.",
        term=page.opening(page.label(str(widest["term"]))),
        one=page.label(names[0]),
        other=page.label(names[1]),
        apart=write(widest["estimate"], digits),
        span=page.span(widest["low"], widest["high"], digits, share=one.unit == "share"),
        n=page.count(widest["n"]),
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
    facts = {"draws": page.count(draws), "weight": page.label(weight or "")}
    if weight and bucket:
        return page.say("Weighted by {weight}; {draws} draws of whole customers.", **facts)
    if weight:
        return page.say("Weighted by {weight}; {draws} draws.", **facts)
    if bucket:
        return page.say("{draws} draws of whole customers.", **facts)
    return page.say("{draws} draws.", **facts)


def filled(sums: Moments) -> str:
    """What a note says of answers estimated by maximum likelihood (`missing="em"`)."""
    return page.say(
        "{n} of {offered} responses answered some of the questions; means and correlations are "
        "found by maximum likelihood, taking it that what is missing depends only on what was "
        "answered.",
        n=page.count(sums.rows.sum()),
        offered=page.count(sums.offered),
    )


def failed(replicates: np.ndarray) -> int:
    """How many draws gave no number for some term."""
    return int(np.isnan(np.asarray(replicates, float)).reshape(len(replicates), -1).any(1).sum())


def bootstrap(
    rows: pd.DataFrame,
    statistic: Callable[[pd.DataFrame], Sequence[float]],
    *,
    by: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> np.ndarray:
    """`statistic` of `draws` samples of the rows, customers (`by`) drawn whole: (draws, terms).

    For statistics that are not functions of sums; others go through `moments.resample`, which is
    faster by far. A row without a known customer is drawn alone. A draw whose statistic raises
    ArithmeticError or LinAlgError is NaN.
    """
    if rows.empty:
        raise ValueError("no rows to draw from. Choose another wave, or a wider WHERE.")
    values = []
    for times in multiplicities(keys_of(rows, by), draws, seed):
        values.append(_value(statistic, rows.iloc[np.repeat(np.arange(len(rows)), times)]))
    width = max(map(len, values))
    return np.array([v if len(v) == width else np.full(width, np.nan) for v in values], float)


def _value(statistic: Callable, sample: pd.DataFrame) -> np.ndarray:
    if sample.empty:
        return np.array([np.nan])
    try:
        return np.atleast_1d(np.asarray(statistic(sample), float))
    except (ArithmeticError, np.linalg.LinAlgError):
        return np.array([np.nan])
