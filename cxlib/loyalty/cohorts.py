"""Cohort retention: the share of new customers who bought again in each period after the first.

    fit = loyalty.cohorts(history, every="quarter")
    fit.table         # cohort, after (periods since), term, estimate: share who bought in it
    fit.curve         # the same over all cohorts, and for each group

Time runs on each customer's own clock: the first period after is the 30 days (month), 91 days
(quarter) ... after the customer's first purchase, so that nobody has more of it than another. A
cell is there when all of its cohort were seen to its end: an unfinished one would look like a fall.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.loyalty.history import PurchaseHistory, date_of, name_of
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import simultaneous_note

LENGTHS = {"week": 7, "month": 30, "quarter": 91, "year": 365}  # days of a period
LEAST_SHARE = 0.05  # of those seen for the first period, for the curve of all to go on
WORDS = ("cohort", "purchase", "week", "month", "quarter", "year", "plain")
MOST_PERIODS = 20  # that a file may span, for a period to be chosen by itself


def cohorts(
    history: PurchaseHistory,
    *,
    every: str = "auto",
    groups: pd.Series | str | None = None,
    most: int = 12,
) -> Result:
    """Share of each cohort that bought in each of the `most` periods after its first purchase.

    Parameters
    ----------
    history : see `purchase_history`
    every : length of a period: "week", "month", "quarter" or "year"; "auto" takes the finest of
        which the orders span at most 20
    groups : group of each customer, by customer_id; of purchases that are counted in the store what
        `study.customers.group_query` gives
    most : periods after the first purchase

    Returns
    -------
    Result with tables "table" (cohort, after, term, estimate, low, high, n: customers of the
    cohort) and "curve" (group, "overall" first, after, term, estimate, low, high, n), and `every`,
    the length of a period; in both simultaneous_low, simultaneous_high over all cells of both

    Raises
    ------
    ValueError : unknown period
    InsufficientData : no cohort was seen for one whole period

    References
    ----------
    Jeffreys' interval: Brown, Cai and DasGupta (2001); simultaneous level: Šidák (1967).

    Examples
    --------
    >>> from cxlib.loyalty import purchase_history
    >>> days = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-02-01", "2026-03-01"])
    >>> orders = pd.DataFrame({"customer_id": list("abac"), "at": days, "amount": 9.0})
    >>> cohorts(purchase_history(orders), every="month").table["estimate"].tolist()
    [0.5]
    """
    require_choice("every", every, ("auto", *LENGTHS))
    every = _finest(history) if every == "auto" else every
    length = LENGTHS[every]
    cells = _cells(history, every, length, most)
    if cells.empty:
        raise InsufficientData(
            _(
                "no cohort was seen for {days:count} days after its first "
                "purchases; the orders end on {day:date}. Take a shorter period than "
                "{every!r}.",
                days=length,
                day=date_of(history.end - 1),
                every=every,
            )
        )
    cells["cohort"] = [name_of(period, every) for period in cells["cohort"]]
    parts, few = [_pooled(history.retained(length, most)).assign(group="overall")], []
    if isinstance(groups, pd.Series) or groups:
        for name, mine in history.retained(length, most, groups).groupby("group"):
            kept = _pooled(mine)
            if len(kept) and kept["n"].max() >= context.current().smallest_cell:
                parts.append(kept.assign(group=name))
            else:
                few.append(i18n.quoted(i18n.label(name)))
    curve = pd.concat(parts, ignore_index=True)
    both = [cells, curve]
    level = LEVEL ** (1 / sum(map(len, both)))
    table, curve = (_with_intervals(part, level) for part in both)
    left_out = _("Not shown, as they have too few new customers: {groups:list6}.", groups=few)
    notes = [
        *history.notes,
        _notes(history, every, length),
        simultaneous_note(sum(map(len, both))),
        left_out if few else "",
    ]
    note = i18n.together(notes)
    overall = curve.iloc[0]
    finding = _finding(table, overall, length)
    return Result({"table": table, "curve": curve}, finding, note, "share", parts={"every": every})


def jeffreys(count: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share: equal tails of Jeffreys' posterior; 0 of n reaches down to 0."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = betaincinv(count + 0.5, n - count + 0.5, tail)
    high = betaincinv(count + 0.5, n - count + 0.5, 1 - tail)
    return np.where(count > 0, low, 0.0), np.where(count < n, high, 1.0)


def _finest(history: PurchaseHistory) -> str:
    days = history.end - history.begin
    return next((e for e, size in LENGTHS.items() if days <= size * MOST_PERIODS), "year")


def _cells(history: PurchaseHistory, every: str, length: int, most: int) -> pd.DataFrame:
    """Cohort by cohort the periods to whose end all of the cohort were seen."""
    parts = []
    for cohort in history.cohorts(every, length, most).itertuples():
        whole = min((history.end - 1 - cohort.first) // length, most)
        counts = np.array(cohort[2 : 2 + whole])  # index and n come first
        parts.append(_rows(counts, np.full(len(counts), cohort.n)).assign(cohort=cohort.Index))
    return pd.concat(parts, ignore_index=True)


def _pooled(seen: pd.DataFrame) -> pd.DataFrame:
    """All customers who were seen to the end of a period, whatever their cohort."""
    n = seen["n"].to_numpy()
    kept = n >= max(1, LEAST_SHARE * n[0])
    return _rows(seen["count"].to_numpy()[kept], n[kept])


def _rows(counts: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    after = np.arange(1, len(counts) + 1)
    return pd.DataFrame({"after": after, "count": counts.astype(float), "n": n})


def _with_intervals(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    count, n = cells.pop("count").to_numpy(), cells.pop("n").to_numpy()
    own, together = jeffreys(count, n, LEVEL), jeffreys(count, n, level)
    names = [c for c in cells if c != "after"]
    table = cells[names].assign(
        after=cells["after"].astype(str),
        term="bought again",
        estimate=count / n,
        low=own[0],
        high=own[1],
        n=n,
        simultaneous_low=together[0],
        simultaneous_high=together[1],
    )
    return table.reset_index(drop=True)


def _notes(history: PurchaseHistory, every: str, length: int) -> str:
    return _(
        "Cohorts by the {every:label} of the first purchase; a period after it is "
        "{length:count} days, counted from each customer's first purchase. Cells whose cohort"
        " was not observed to the end of the period (until {date:date}) are empty.",
        every=every,
        length=length,
        date=date_of(history.end - 1),
    )


def repeat_by_group(fit: Result) -> Result:
    """The share of new customers of each group who bought again in the first period after.

    Parameters
    ----------
    fit : of `cohorts`, with groups

    Returns
    -------
    Result with a table of group, term, estimate, low, high, n, simultaneous_low and _high
    """
    table = fit.curve[(fit.curve["after"] == "1") & (fit.curve["group"] != "overall")]
    table = table.drop(columns="after").reset_index(drop=True)
    finding = Finding(_("Too few groups to compare."))
    if len(table) > 1:
        best, worst = table.loc[table["estimate"].idxmax()], table.loc[table["estimate"].idxmin()]
        differs = bool(deciding_ends(best)[0] > deciding_ends(worst)[1])
        facts = {
            "best": best.group,
            "high": best.estimate,
            "high_span": (best.low, best.high),
            "worst": worst.group,
            "low": worst.estimate,
            "low_span": (worst.low, worst.high),
        }
        if differs:
            claim = _(
                "{high:rate} of new customers in {best:quoted} buy again in the first period "
                "after, but only {low:rate} in {worst:quoted}.",
                **facts,
            )
        else:
            claim = _("Repeat purchase does not differ significantly between groups.")
        finding = Finding(
            claim,
            _(
                "{best:quoted} {high:share1} (95% CI {high_span:share_interval1}), "
                "{worst:quoted} {low:share1} ({low_span:share_interval1})",
                **facts,
            ),
            importance=Importance.NOTABLE if differs else Importance.CONTEXT,
        )
    return Result(table, finding, fit.notes, "share")


def _finding(table: pd.DataFrame, overall: pd.Series, length: int) -> Finding:
    """How many buy again in the first period after, and whether cohorts differ in that."""
    facts = {
        "share": overall.estimate,
        "span": (overall.low, overall.high),
        "n": overall.n,
        "days": length,
    }
    detail = _(
        "{share:share1} within {days:count} days (95% CI {span:share_interval1}); n = {n:count}",
        **facts,
    )
    importance = Importance.CONTEXT
    claim = _("{share:rate} of new customers buy again within {days:count} days.", **facts)
    first = table[(table["after"] == "1") & (table["n"] >= context.current().smallest_cell)]
    if len(first) > 1:
        best, worst = first.loc[first["estimate"].idxmax()], first.loc[first["estimate"].idxmin()]
        facts |= {
            "best": best.cohort,
            "high": best.estimate,
            "worst": worst.cohort,
            "low": worst.estimate,
        }
        detail += _("; cohorts {low:share1} to {high:share1}", **facts)
        if deciding_ends(best)[0] > deciding_ends(worst)[1]:
            importance = Importance.NOTABLE
            claim = _(
                "Cohorts differ: {high:rate} of {best} buy again in the first period after, only "
                "{low:rate} of {worst}.",
                **facts,
            )
        else:
            claim = _(
                "{share:rate} of new customers buy again within {days:count} days; cohorts do "
                "not differ significantly.",
                **facts,
            )
    return Finding.of_row(
        overall,
        claim,
        detail,
        unit="share",
        measure="repeat_purchase",
        at={"days": f"{length}"},
        importance=importance,
    )
