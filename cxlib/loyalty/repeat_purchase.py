"""Time to the next purchase, and the share of revenue that comes from repeat purchases.

    fit = loyalty.repeat_purchase(history, within=(30, 90, 365))
    fit.table                      # purchase (after the first, second ...), term, estimate
    fit.curve                      # the whole curves
    loyalty.repeat_revenue(history)    # share of revenue, and of purchases, that is repeated

Customers who have not bought again yet are censored: the share who bought again by a day is one
minus Kaplan and Meier's (1958) estimate of those who have not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.loyalty.cohorts import jeffreys
from cxlib.loyalty.history import SUMS, PurchaseHistory, date_of, name_of
from cxlib.stats import resampling, survival, survival_intervals
from cxlib.stats.intervals import LEVEL, percentile_interval
from cxlib.stats.notes import resampling_note

YEAR = 365  # days
WITHIN = (30, 60, 90, 180, 365)
WINDOW = 365  # days that the finding speaks of, where the orders reach so far
POINTS = 40  # of a curve
FEWEST = 10  # customers still at risk, for a curve to go on; and events, for a later one
MOSTLY_OLD = 0.5  # share of customers who are not new, above which repeat revenue is no finding
RARE = 0.1  # share who buy again, below which when to contact them matters little


def repeat_purchase(
    history: PurchaseHistory,
    *,
    within: tuple[int, ...] = WITHIN,
    most: int = 3,
    window: int = WINDOW,
) -> Result:
    """Share of new customers who bought again within so many days of each of `most` purchases.

    Parameters
    ----------
    history : see `purchase_history`
    within : days, 1 or more
    most : purchases after which the next one is awaited
    window : days that the finding speaks of, 1 or more. Where the orders do not reach so far, it is
        the longest of `within` that they reach, and the finding says so

    Returns
    -------
    Result with tables "table" (purchase: the one before, as text; term, estimate, low, high, n:
    customers who made the one before) and "curve" (the same at some forty times; `time` in days;
    simultaneous_low, simultaneous_high: bands over all times and curves)

    Raises
    ------
    ValueError : `within` below 1
    InsufficientData : fewer than two customers bought again

    References
    ----------
    Kaplan and Meier (1958); Greenwood (1926), on the scale log(-log).

    Examples
    --------
    >>> from cxlib.loyalty import purchase_history
    >>> days = pd.to_datetime(["2026-01-01"] * 3 + ["2026-01-11", "2026-01-21"])
    >>> orders = pd.DataFrame({"customer_id": list("abcab"), "at": days, "amount": 9.0})
    >>> repeat_purchase(purchase_history(orders), within=(10,)).table["estimate"].round(3).tolist()
    [0.333]
    """
    if not within or min(within) < 1:
        raise ValueError(f"within is {within}; give whole numbers of days, 1 or more.")
    if window < 1:
        raise ValueError(f"window is {window}; give a whole number of days, 1 or more.")
    within = tuple(sorted({*within, window}))
    counts = history.waits(most)
    waits = {k: _repeated(counts[counts["k"] == k]) for k in range(most)}
    waits = {k: w for k, w in waits.items() if w[1].sum() >= (FEWEST if k else 2)}
    if 0 not in waits:
        raise InsufficientData(
            _(
                "fewer than two of {n:count} new customers bought again before "
                "{day:date}; there is no curve to draw.",
                n=history.n_new,
                day=date_of(history.end),
            )
        )
    level, seed = LEVEL ** (1 / len(waits)), history.orders.seed
    curve = pd.concat(
        [_curve(k, *wait, within, level, seed) for k, wait in waits.items()], ignore_index=True
    )
    marked = curve[curve["time"].isin(within)].reset_index(drop=True)
    # Numbers that are read one by one have their own intervals; the curve has a band too.
    tables = {"table": marked.drop(columns=["time", *SIMULTANEOUS]), "curve": curve}
    finding = _repeat_finding(marked[marked["time"] <= window], window)
    return Result(tables, finding, _censoring_note(history), "share")


def repeat_revenue(history: PurchaseHistory, *, every: str = "quarter") -> Result:
    """Share of revenue and of purchases that is repeat business, by period and overall.

    A purchase is repeat business when its customer had bought before it; of customers who are not
    new, every one. Periods of which the file, less the quiet days at its start, holds only a part,
    and those without a new customer, count for the overall share alone.

    Parameters
    ----------
    history : see `purchase_history`
    every : length of a period: "week", "month", "quarter" or "year"

    Returns
    -------
    Result with a table of period ("overall" first), term (revenue, where amounts are known, and
    purchases), estimate, low, high, n (customers who bought in it)

    Raises
    ------
    ValueError : unknown period

    Examples
    --------
    >>> from cxlib.loyalty import purchase_history
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-11"])
    >>> orders = pd.DataFrame({"customer_id": list("aba"), "at": days, "amount": [10.0, 20, 30]})
    >>> repeat_revenue(purchase_history(orders), every="month").table["estimate"].round(3).tolist()
    [0.5, 0.333]
    """
    require_choice("every", every, ("week", "month", "quarter", "year"))
    keys, sums, by_period, periods, unlisted = _period_sums(history, every)
    # Customers may buy in several periods, so that the total less the periods is no group.
    buyers, outside = history.buyers(every, periods)
    n = np.array([buyers, *by_period])
    customers, clusters = history.customers, resampling.ResamplingUnits(keys)
    drawn = resampling.resample_sums(
        sums.reshape(len(sums), -1), **customers.bootstrap, clusters=clusters
    )
    shares, replicates = (
        _shares(s) for s in (sums.sum(0), drawn.reshape(customers.draws, *sums.shape[1:]))
    )
    low, high = percentile_interval(replicates)
    # All or none: resamples do not vary, so the interval is that of a share of so many customers.
    exact, fixed = jeffreys(shares * np.tile(n, 2), np.tile(n, 2), LEVEL), low == high
    low, high = (np.where(fixed, e, end) for e, end in zip(exact, (low, high), strict=True))
    table = pd.DataFrame(
        {
            "period": ["overall", *(name_of(p, every) for p in periods)] * 2,
            "term": np.repeat(["revenue", "purchases"], len(n)),
            "estimate": shares,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": np.tile(n, 2),
        }
    )
    if not history.priced:
        table, replicates = table.iloc[len(n) :].reset_index(drop=True), replicates[:, len(n) :]
    closed = _(
        "In {n:count} further periods nobody on file is new, so that all their business is "
        "repeated; they are not listed.",
        n=unlisted,
    )
    older = _("Of customers who are not new every purchase is a repeated one.")
    notes = i18n.together(
        [
            *history.notes,
            older if history.n_new < history.n else "",
            closed if unlisted else "",
            "" if history.priced else _("The orders have no amounts, so revenue is not known."),
            resampling_note(customers),
        ]
    )
    return Result(
        table,
        _revenue_finding(table, 1 - history.n_new / history.n),
        notes,
        "share",
        **customers.bootstrap,
        replicates=replicates,
        parts={"ungrouped": outside},
    )


def _period_sums(
    history: PurchaseHistory, every: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[pd.Period], int]:
    """Sums of the customers of each key, (keys, 4, 1 + periods), whose first period is all.

    Returns the keys, the sums of SUMS, how many customers bought in each period, the periods, and
    how many are not listed.
    """
    sums, of = history.revenue(every)
    complete = [p for p in of.index if _is_complete(p, history)]
    # Where nobody is new all business is repeated, whatever customers do.
    periods = [p for p in complete if of.loc[p, "new"]]
    row, keys = pd.factorize(sums["key"])
    place = pd.Index(periods).get_indexer(sums["period"])
    found = np.zeros((len(keys), 1 + len(periods), len(SUMS)))
    values, listed = sums[SUMS].to_numpy(float), place >= 0
    np.add.at(found[:, 0], row, values)
    np.add.at(found, (row[listed], 1 + place[listed]), values[listed])
    n = of["n"].reindex(periods).to_numpy(int)
    return np.asarray(keys), found.swapaxes(1, 2), n, periods, len(complete) - len(periods)


def _repeated(counts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(days waited, whether the next purchase came) of each customer."""
    time, came = (counts[c].repeat(counts["n"]).to_numpy() for c in ("time", "came"))
    return time.astype(float), came.astype(bool)


def _curve(
    k: int, time: np.ndarray, came: np.ndarray, within: tuple[int, ...], level: float, seed: int
) -> pd.DataFrame:
    risk = survival.at_risk(np.zeros(len(time)), time, came.astype(int), np.ones(len(time)))
    # As long as enough are still waited for, whether or not anybody buys again so late.
    last = np.sort(time)[-int(np.ceil(min(FEWEST, len(time) / 2)))]
    marks = [float(d) for d in within if d <= last]
    at = np.unique(np.r_[np.linspace(last / POINTS, last, POINTS).round(), marks])
    share, error, cor = survival.greenwood(risk, at)
    here, most = survival_intervals.effective_at_risk(risk, at)
    together = survival_intervals.band(share, error, cor, here, most, level=level, seed=seed)
    low, high = survival_intervals.pointwise(share, error, here)
    return pd.DataFrame(
        {
            "purchase": _ordinal(k),
            "term": [_("within {days:count} days", days=t) for t in at],
            "time": at,
            "estimate": share,
            "low": low,
            "high": high,
            "n": len(time),
            **dict(zip(SIMULTANEOUS, together, strict=True)),
        }
    )


def _is_complete(period: pd.Period, history: PurchaseHistory) -> bool:
    ends = (period.start_time, period.end_time)
    first, last = (int(np.datetime64(t, "D").astype(int)) for t in ends)
    return first >= history.begin + history.quiet and last < history.end


def _shares(sums: np.ndarray) -> np.ndarray:
    """Repeat revenue over all, then repeat purchases over all: (..., 2 periods)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        both = sums[..., [0, 2], :] / sums[..., [1, 3], :]
    return both.reshape(*both.shape[:-2], -1)


def _ordinal(k: int) -> str:
    names = (_("after the first"), _("after the second"), _("after the third"))
    return names[k] if k < len(names) else _("after purchase {k:count}", k=k + 1)


def _censoring_note(history: PurchaseHistory) -> str:
    return i18n.together(
        [
            *history.notes,
            _(
                "Observed until {date:date}; customers who had not bought again by then are "
                "censored. The bands of the curves are simultaneous.",
                date=date_of(history.end - 1),
            ),
        ]
    )


def _repeat_finding(table: pd.DataFrame, window: int) -> Finding:
    if table.empty:
        return Finding("")
    first = table[table["purchase"] == table["purchase"].iloc[0]]
    longest = first.iloc[-1]
    facts = {
        "share": longest.estimate,
        "span": (longest.low, longest.high),
        "days": longest.time,
        "n": longest.n,
    }
    few = longest.estimate < RARE  # purchases that are not in the file would change the picture
    if few and longest.time == YEAR:
        claim = _("At least {share:rate} of new customers buy again within a year.", **facts)
    elif few:
        claim = _(
            "At least {share:rate} of new customers buy again within {days:count} days.", **facts
        )
    elif longest.time == YEAR:
        claim = _("{share:rate} of new customers buy again within a year.", **facts)
    else:
        claim = _("{share:rate} of new customers buy again within {days:count} days.", **facts)
    detail = _("95% CI {span:share_interval1}; n = {n:count}", **facts)
    later = table[(table["time"] == longest.time) & (table["purchase"] != longest.purchase)]
    if len(later) and later.iloc[0].n >= context.current().smallest_cell:
        second = later.iloc[0]
        detail += _(
            "; after a second purchase {share:share1} buy a third time within {days:count} days "
            "(95% CI {span:share_interval1})",
            days=longest.time,
            share=second.estimate,
            span=(second.low, second.high),
        )
    if few:
        detail += _("; a lower bound where the file is a sample of orders")
    if longest.time < window:
        detail += _("; too few customers were observed for {wanted:count} days", wanted=window)
    return Finding.of_row(
        longest,
        claim,
        detail,
        unit="share",
        measure="repeat_purchase",
        at={"term": str(longest.term)},
        importance=Importance.ANSWER,
        action=_when_to_contact(first),
    )


def _when_to_contact(first: pd.DataFrame) -> str:
    """Until when to contact new customers: the window in which most of those who return do."""
    if first["estimate"].iloc[-1] < RARE:
        return _("Find out whether customers have a reason to buy again before you spend on it.")
    half = first[first["estimate"] >= first["estimate"].iloc[-1] / 2].iloc[0]
    if len(first) < 2 or half.time == first["time"].iloc[-1] or not half.estimate > 0:
        return ""
    return _(
        "Test a reminder after {days:count} days on customers drawn at random who have not bought "
        "again: by then most of those who return have done so.",
        days=half.time,
    )


def _revenue_finding(table: pd.DataFrame, older: float) -> Finding:
    overall = table[table["period"] == "overall"].set_index("term")
    times = overall.loc["purchases"]
    facts = {
        "times": times.estimate,
        "times_span": (times.low, times.high),
        "n": times.n,
    }
    if "revenue" not in overall.index:
        row = times
        claim = _("{times:rate} of purchases come from customers who had bought before.", **facts)
        detail = _("95% CI {times_span:share_interval1}; n = {n:count}", **facts)
    else:
        row = overall.loc["revenue"]
        facts |= {"share": row.estimate, "span": (row.low, row.high)}
        claim = _("{share:rate} of revenue comes from customers who had bought before.", **facts)
        detail = _(
            "95% CI {span:share_interval1}; {times:share1} of purchases; n = {n:count}", **facts
        )
    if older > 0:
        known = _(
            "{older:share} of customers are not new: by definition, all of theirs is repeated",
            older=older,
        )
        detail = _("{first}; {second}", first=detail, second=known)
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure="repeat_revenue",
        # Where most are not new it could hardly be otherwise.
        importance=Importance.CONTEXT if older > MOSTLY_OLD else Importance.ANSWER,
    )
