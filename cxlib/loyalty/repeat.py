"""How soon the next purchase comes, and how much of the revenue comes from those who came back.

    again = repeat(orders, within=(30, 90, 365))
    again.table       # purchase (after the first, second ...), term, estimate: share by then
    again.curve       # the whole curves
    revenue(orders)   # share of revenue, and of purchases, by customers who had bought before

Customers whose time has not yet come are not counted as lost: the share who bought again by a day
is one minus Kaplan and Meier's (1958) estimate of those still to come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.loyalty import purchases
from cxlib.loyalty.cohorts import jeffreys
from cxlib.loyalty.purchases import Purchases
from cxlib.stats import intervals, resampling, survival
from cxlib.stats.intervals import LEVEL, simultaneous_interval

WITHIN = (30, 60, 90, 180, 365)
POINTS = 40  # of a curve
FEWEST = 10  # customers still waited for, for a curve to go on; and who came, for a later one


@dataclass(frozen=True)
class Repeat(Estimates):
    """Shares who bought again by time.

    Attributes
    ----------
    table : purchase (the one before, as text), term (within so many days), estimate, low, high, n
        (customers who made the one before)
    curve : the same at some forty times (`time`, days); all intervals of all curves hold at once
    """

    curve: pd.DataFrame = field(kw_only=True)


def repeat(
    orders: pd.DataFrame,
    *,
    within: tuple[int, ...] = WITHIN,
    most: int = 3,
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
    seed: int = 1,
) -> Repeat:
    """The share of new customers who bought again within so many days of each of `most` purchases.

    Bands are Greenwood's (1926) on the scale log(-log), widened to hold for all times of all
    curves. Raises ValueError where fewer than two customers bought again, and for `within` below 1.
    """
    if not within or min(within) < 1:
        raise ValueError(f"within is {within}; give whole numbers of days, 1 or more.")
    bought = purchases.read(orders, joined=joined, quiet=quiet, as_of=as_of)
    waits = {k: _waits(bought, k) for k in range(most)}
    waits = {k: w for k, w in waits.items() if w[1].sum() >= (FEWEST if k else 2)}
    if 0 not in waits:
        raise ValueError(
            f"fewer than two of {int(bought.new.sum()):,} new customers bought again before "
            f"{purchases.date_of(bought.end)}; there is no curve to draw."
        )
    level = LEVEL ** (1 / len(waits))
    curve = pd.concat(
        [_curve(k, *wait, within, level, seed) for k, wait in waits.items()], ignore_index=True
    )
    marked = curve[curve["time"].isin(within)].reset_index(drop=True)
    table = marked.drop(columns="time")
    return Repeat(table, _answer(marked), _about(bought), "share", curve=curve)


def revenue(
    orders: pd.DataFrame,
    *,
    every: str = "quarter",
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share of revenue and of purchases that is repeat business, by period and overall.

    A purchase is repeat business when its customer had bought before it; of customers who are not
    new, every one. table: period ("overall" first), term, estimate, low, high (all at once), n
    (customers who bought in it). Periods that the file, less `quiet` days at its beginning, holds
    in part only, and those without a new customer, count for the overall share alone. Raises
    ValueError for an unknown period.
    """
    if every not in ("week", "month", "quarter", "year"):
        raise ValueError(f"every is {every!r}; it must be week, month, quarter or year.")
    bought = purchases.read(orders, joined=joined, quiet=quiet, as_of=as_of)
    counted = bought.day >= bought.begin + quiet
    when = pd.PeriodIndex(bought.day.astype("datetime64[D]"), freq=every[0].upper())
    begun = set(when[(bought.number == 0) & bought.new[bought.who]])
    whole = [p for p in when.unique().sort_values() if _whole(p, bought, quiet)]
    # Where nobody is new all business is repeated, whatever customers do.
    periods = [p for p in whole if p in begun]
    inside = np.column_stack([counted, *[counted & (when == p) for p in periods]])
    again = (bought.number > 0) | ~bought.new[bought.who]
    gain = bought.amount[:, None] * inside
    parts = np.stack([gain * again[:, None], gain, inside * again[:, None], inside], axis=1)
    sums = np.zeros((len(bought.names), *parts.shape[1:]))
    np.add.at(sums, bought.who, parts)
    who = resampling.who_of(pd.DataFrame({"customer_id": bought.names}), "customer_id")
    drawn = resampling.resample_sums(sums.reshape(len(sums), -1), draws, seed, who)
    shares, replicates = (_shares(s) for s in (sums.sum(0), drawn.reshape(draws, *sums.shape[1:])))
    low, high = simultaneous_interval(shares, replicates)
    n = (sums[:, 3] > 0).sum(0)
    # All or none: no draw tells more, so what so many customers can tell of a share.
    least, largest = jeffreys(shares * np.tile(n, 2), np.tile(n, 2), LEVEL ** (1 / len(shares)))
    low, high = np.where(np.isnan(low), least, low), np.where(np.isnan(high), largest, high)
    table = pd.DataFrame(
        {
            "period": ["overall", *(purchases.name_of(p, every) for p in periods)] * 2,
            "term": np.repeat(["revenue", "purchases"], len(n)),
            "estimate": shares,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": np.tile(n, 2),
        }
    )
    closed = _(
        "In {n:count} further periods nobody on file is new, so that all their business is "
        "repeated; they are not listed.",
        n=len(whole) - len(periods),
    )
    older = _("Of customers who are not new every purchase is a repeated one.")
    note = i18n.together(
        [
            *bought.notes,
            older if (~bought.new).any() else "",
            closed if len(periods) < len(whole) else "",
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    facts = {"draws": draws, "seed": seed, "replicates": replicates}
    return Estimates(table, _share_told(table), note, "share", **facts)


def _waits(bought: Purchases, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(days from purchase `k` to the next one or to the end, whether it came), of new customers."""
    at = np.flatnonzero((bought.number == k) & bought.new[bought.who])
    following = np.minimum(at + 1, len(bought.who) - 1)
    came = (following > at) & (bought.who[following] == bought.who[at])
    time = np.where(came, bought.day[following], bought.end - 1) - bought.day[at]
    watched = time > 0  # bought on the last day: not seen for a day
    return time[watched].astype(float), came[watched]


def _curve(
    k: int, time: np.ndarray, came: np.ndarray, within: tuple[int, ...], level: float, seed: int
) -> pd.DataFrame:
    risk = survival.at_risk(np.zeros(len(time)), time, came.astype(int), np.ones(len(time)))
    there = risk.times[risk.there >= min(FEWEST, len(time) / 2)]
    last = there.max() if len(there) else risk.times.max()
    marks = [float(d) for d in within if d <= last]
    at = np.unique(np.r_[np.linspace(last / POINTS, last, POINTS).round(), marks])
    share, error, cor = survival.greenwood(risk, at)
    reach = intervals.normal_critical_value(cor, level, seed)
    low, high = survival.bent(share, error, reach)
    return pd.DataFrame(
        {
            "purchase": _ordinal(k),
            "term": [_("within {days:count} days", days=t) for t in at],
            "time": at,
            "estimate": share,
            "low": low,
            "high": high,
            "n": len(time),
        }
    )


def _whole(period: pd.Period, bought: Purchases, quiet: int) -> bool:
    ends = (period.start_time, period.end_time)
    first, last = (int(np.datetime64(t, "D").astype(int)) for t in ends)
    return first >= bought.begin + quiet and last < bought.end


def _shares(sums: np.ndarray) -> np.ndarray:
    """Repeat revenue over all, then repeat purchases over all: (..., 2 periods)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        both = sums[..., [0, 2], :] / sums[..., [1, 3], :]
    return both.reshape(*both.shape[:-2], -1)


def _ordinal(k: int) -> str:
    names = (_("after the first"), _("after the second"), _("after the third"))
    return names[k] if k < len(names) else _("after purchase {k:count}", k=k + 1)


def _about(bought: Purchases) -> str:
    return i18n.together(
        [
            *bought.notes,
            _(
                "Seen until {date}; those who had not bought again by then count for as long as "
                "they were seen. All intervals hold together.",
                date=purchases.date_of(bought.end - 1),
            ),
        ]
    )


def _answer(table: pd.DataFrame) -> str:
    first = table[table["purchase"] == table["purchase"].iloc[0]]
    if first.empty:
        return ""
    year = first.iloc[-1]
    said = _(
        "{share:share1} ({span:share_interval1}) of {n:count} new customers bought again within "
        "{days:count} days.",
        share=year.estimate,
        span=(year.low, year.high),
        n=year.n,
        days=year.time,
    )
    later = table[(table["time"] == year.time) & (table["purchase"] != year.purchase)]
    if later.empty or later.iloc[0].n < context.current().smallest_cell:
        return said
    second = later.iloc[0]
    return i18n.together(
        [
            said,
            _(
                "Of those who did, {share:share1} ({span:share_interval1}) bought a third time "
                "within as long.",
                share=second.estimate,
                span=(second.low, second.high),
            ),
        ]
    )


def _share_told(table: pd.DataFrame) -> str:
    money, times = table[table["period"] == "overall"].itertuples()
    return _(
        "{share:share1} ({span:share_interval1}) of the revenue and {times:share1} "
        "({times_span:share_interval1}) of the purchases came from customers who had bought "
        "before; n {n:count}.",
        share=money.estimate,
        span=(money.low, money.high),
        times=times.estimate,
        times_span=(times.low, times.high),
        n=money.n,
    )
