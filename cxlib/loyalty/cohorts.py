"""Cohorts: of those who first bought in one period, how many bought again in each one after it.

    kept = cohorts(orders, every="quarter")
    kept.table        # cohort, after (periods since), term, estimate: share who bought in it
    kept.curve        # the same over all cohorts, and for each group

Time runs on each customer's own clock: the first period after is the 30 days (month), 91 days
(quarter) ... after the customer's first purchase, so that nobody has more of it than another. A
cell is there when all of its cohort were seen to its end: an unfinished one would look like a fall.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.loyalty import purchases
from cxlib.loyalty.purchases import Purchases
from cxlib.stats.intervals import LEVEL

LENGTHS = {"week": 7, "month": 30, "quarter": 91, "year": 365}  # days of a period
FREQUENCY = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
ENOUGH = 0.05  # of those seen for the first period, for the curve of all to go on
WORDS = ("cohort", "purchase", "week", "month", "quarter", "year", "plain")
MOST_PERIODS = 20  # that a file may span, for a period to be chosen by itself


@dataclass(frozen=True)
class Cohorts(Estimates):
    """Who came back, by the period of the first purchase.

    Attributes
    ----------
    table : cohort, after (periods since, as text: 1, 2 ...), term, estimate (share of the cohort
        who bought in that period), low, high, n (customers of the cohort)
    curve : group (overall first), after, term, estimate, low, high, n: all seen for that long
    every : length of a period; all intervals of both tables hold together
    """

    curve: pd.DataFrame = field(kw_only=True)
    every: str = field(kw_only=True)


def cohorts(
    orders: pd.DataFrame,
    *,
    every: str = "auto",
    groups: pd.Series | None = None,
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
    most: int = 12,
) -> Cohorts:
    """The share of each cohort who bought in each of the `most` periods after the first purchase.

    `orders` has customer_id, at, amount; `every` is week, month, quarter or year (auto: the
    finest of which the orders span at most 20); `groups` has each customer's group by customer_id,
    and `joined`, `quiet` and `as_of` are those of `purchases.read`. Intervals are Jeffreys'
    (Brown, Cai and DasGupta 2001), made to hold together (Šidák 1967). Raises ValueError for
    unknown periods, and where no cohort was seen for one whole period.
    """
    if every not in ("auto", *LENGTHS):
        raise ValueError(f"every is {every!r}; it must be auto, or one of {', '.join(LENGTHS)}.")
    bought = purchases.read(orders, joined=joined, quiet=quiet, as_of=as_of)
    every = _finest(bought) if every == "auto" else every
    length = LENGTHS[every]
    active = _active(bought, length, most)
    cohort = pd.PeriodIndex(bought.first.astype("datetime64[D]"), freq=FREQUENCY[every])
    cells = _cells(bought, active, cohort, length)
    if cells.empty:
        raise ValueError(
            f"no cohort was seen for {length} days after its first purchases; the orders end on "
            f"{purchases.date_of(bought.end - 1)}. Take a shorter period than {every!r}."
        )
    cells["cohort"] = [purchases.name_of(period, every) for period in cells["cohort"]]
    everyone = _pooled(bought, active, length, np.ones(len(bought.names), bool))
    parts, few = [everyone.assign(group="overall")], []
    if groups is not None:
        of = groups.groupby(level=0).first().reindex(bought.names).astype("string")
        for name in sorted(of.dropna().unique()):
            mine = _pooled(bought, active, length, (of == name).fillna(False).to_numpy(bool))
            if len(mine) and mine["n"].max() >= context.current().smallest_cell:
                parts.append(mine.assign(group=name))
            else:
                few.append(i18n.quoted(i18n.label(name)))
    curve = pd.concat(parts, ignore_index=True)
    both = [cells, curve]
    level = LEVEL ** (1 / sum(map(len, both)))
    table, curve = (_told(part, level) for part in both)
    left_out = _("Groups with too few new customers to tell: {groups:list6}.", groups=few)
    notes = [*bought.notes, _about(bought, every, length), left_out if few else ""]
    note = i18n.together(notes)
    return Cohorts(table, _answer(table, curve, length), note, "share", curve=curve, every=every)


def jeffreys(count: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share: equal tails of Jeffreys' posterior; 0 of n reaches down to 0."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = betaincinv(count + 0.5, n - count + 0.5, tail)
    high = betaincinv(count + 0.5, n - count + 0.5, 1 - tail)
    return np.where(count > 0, low, 0.0), np.where(count < n, high, 1.0)


def _finest(bought: Purchases) -> str:
    days = bought.end - bought.begin
    return next((e for e, size in LENGTHS.items() if days <= size * MOST_PERIODS), "year")


def _active(bought: Purchases, length: int, most: int) -> np.ndarray:
    """Whether each customer bought in each period after the first, (customers, periods)."""
    ages = bought.day - bought.first[bought.who]
    period = (ages - 1) // length  # day 0 is the first purchase itself
    inside = (ages > 0) & (period < most)
    active = np.zeros((len(bought.names), most), bool)
    active[bought.who[inside], period[inside]] = True
    return active


def _cells(bought: Purchases, active: np.ndarray, cohort: pd.PeriodIndex, length: int):
    parts = []
    for period in cohort[bought.new].unique().sort_values():
        inside = bought.new & (cohort == period)
        whole = min(int(bought.seen()[inside].min() // length), active.shape[1])
        counts = active[inside, :whole].sum(0)
        parts.append(_rows(counts, np.full(whole, inside.sum())).assign(cohort=period))
    return pd.concat(parts, ignore_index=True)


def _pooled(bought: Purchases, active: np.ndarray, length: int, chosen: np.ndarray) -> pd.DataFrame:
    """All customers who were seen to the end of a period, whatever their cohort."""
    there = (bought.new & chosen)[:, None] & (
        bought.seen()[:, None] >= length * np.arange(1, active.shape[1] + 1)
    )
    n = there.sum(0)
    enough = n >= max(1, ENOUGH * n[0])
    return _rows((there & active).sum(0)[enough], n[enough])


def _rows(counts: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    after = np.arange(1, len(counts) + 1)
    return pd.DataFrame({"after": after, "count": counts.astype(float), "n": n})


def _told(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    count, n = cells.pop("count").to_numpy(), cells.pop("n").to_numpy()
    low, high = jeffreys(count, n, level)
    names = [c for c in cells if c != "after"]
    table = cells[names].assign(
        after=cells["after"].astype(str),
        term="came back",
        estimate=count / n,
        low=low,
        high=high,
        n=n,
    )
    return table.reset_index(drop=True)


def _about(bought: Purchases, every: str, length: int) -> str:
    return _(
        "Cohorts by the {every:label} of the first purchase; a period after it is {length:count} "
        "days of the customer's own. Cells whose cohort was not seen to the end of the period "
        "(until {date}) are left open. All intervals hold together.",
        every=every,
        length=length,
        date=purchases.date_of(bought.end - 1),
    )


def _answer(table: pd.DataFrame, curve: pd.DataFrame, length: int) -> str:
    whole = curve.iloc[0]
    said = _(
        "{share:share1} ({span:share_interval1}) of {n:count} new customers bought again within "
        "{days:count} days of their first purchase.",
        share=whole.estimate,
        span=(whole.low, whole.high),
        n=whole.n,
        days=length,
    )
    return i18n.together([said, _cohorts_apart(table)])


def _cohorts_apart(table: pd.DataFrame) -> str:
    """Whether cohorts differ in the first period after, as far as the intervals tell."""
    first = table[(table["after"] == "1") & (table["n"] >= context.current().smallest_cell)]
    if len(first) < 2:
        return ""
    best, worst = first.loc[first["estimate"].idxmax()], first.loc[first["estimate"].idxmin()]
    facts = {
        "best": best.cohort,
        "high": best.estimate,
        "worst": worst.cohort,
        "low": worst.estimate,
    }
    if best.low > worst.high:
        return _(
            "Most of the cohort {best} ({high:share1}), fewest of {worst} ({low:share1}).", **facts
        )
    return _("No cohort stands out ({low:share1} to {high:share1}).", **facts)
