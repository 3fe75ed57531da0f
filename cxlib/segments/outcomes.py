"""What segments answer, spend and do, with errors of placing accounted for.

A customer is placed where the model thinks it likeliest, and is wrong now and then, so that plain
means of the segments lie too close together. The model says how often each segment is taken for
each other; undoing that gives the means of the segments themselves (Bolck, Croon and Hagenaars
2004; Vermunt 2010). All of it is sums over customers, and is drawn as such.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, INTERVAL, SIMULTANEOUS, Column, deciding_ends
from cxlib.core.errors import require_choice, require_columns
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.segments import summary
from cxlib.segments.profiles import interval_columns
from cxlib.segments.segmentation import memberships
from cxlib.segments.three_step import fit_outcome, taken_for
from cxlib.stats import linear_algebra, moments, resampling
from cxlib.stats.mixture_refits import REFITS
from cxlib.stats.notes import resampling_note

Correction = Literal["bch", "ml"]
ORDERS = "orders_365"  # of the customers' profiles: purchases of the last year
RARE = 0.1  # share of buyers who buy twice, below which there is hardly anybody to keep
USUAL = ("left", "last_satisfaction", "worth", "spend_365", "cases_180")


def outcomes(
    sample: SampleLike,
    fit: Result,
    columns: list[str] | None = None,
    *,
    value: str | None = None,
    method: Correction = "bch",
) -> Result:
    """Means of outcomes in each segment, corrected for errors of placing, with 95% intervals.

    Parameters
    ----------
    sample : a row a customer; blanks are left out, column by column
    fit : of `segments.fit`; intervals hold its model
    columns : numbers, or yes and no; the usual outcomes that are there and that the segments were
        not made by where none are named
    value : column of amounts of which the share that each segment brings is reported
    method : "bch" supposes nothing of the outcome; "ml" (maximum likelihood) takes numbers to be
        normal in a segment and is then more precise where segments are hard to tell apart, else
        biased. What segments bring is by "bch" always; "ml" rests on at most 200 resamples

    Returns
    -------
    Result with tables

    - "table": segment, term, estimate (mean, or share of yes), low, high, n (placed there and
      answered), overall, plain (mean of those placed there), share (whether it is one),
      simultaneous_low, simultaneous_high; empty where there is no outcome
    - "brings": segment, term (the value), estimate (share of all of it that the segment brings),
      low, high, n; empty without a value
    - "taken": segment (true), term (placed), estimate (share of the true segment's customers), n

    Raises
    ------
    ValueError : columns that do not exist or are not numbers

    References
    ----------
    Bolck, Croon and Hagenaars (2004); Vermunt (2010); Bakk and Vermunt (2016), Structural Equation
    Modeling 23, for when which fails.

    Examples
    --------
    >>> from cxlib import segments
    >>> rows = pd.DataFrame({"age": np.repeat([20.0, 60.0], 30) + np.tile(np.arange(30), 2) / 10})
    >>> fit = segments.fit(rows, ["age"], choice=segments.Choice(most=2, draws=5))
    >>> rows["left"] = [i % 3 == 0 for i in range(60)]
    >>> outcomes(rows, fit, ["left"]).table["estimate"].round(2).tolist()
    [0.33, 0.33]
    """
    sample = as_sample(sample)
    require_choice("method", method, get_args(Correction))
    customers = sample.data
    columns = _usual(customers, fit) if columns is None else columns
    asked = [*columns, *([value] if value else [])]
    y = _numbers(customers, asked)
    inside, w = memberships(sample, fit), moments.weights_of(customers, sample.weight)
    known = ~np.isnan(inside).any(axis=1) & (w > 0)
    inside, w, y = inside[known], w[known], y[known]
    k = len(fit.table)
    placed = (inside.argmax(1)[:, None] == np.arange(k)).astype(float)
    each = _each(inside, placed, w, y)
    drawn = resampling.resample_sums(each, sample.draws, sample.seed)
    estimate, plain, taken, whole = _means(each.sum(0)[None], k, len(asked))
    replicates, _plain, _taken, again = _means(drawn, k, len(asked))
    n = (placed.T @ ~np.isnan(y)).astype(int)
    names, own = fit.table["term"].to_numpy(object), slice(len(columns))
    middle, again_own = estimate[0, :, own], replicates[:, :, own]
    if method == "ml" and columns:
        middle, again_own = _likeliest(sample, inside, y[:, own], w)
    found = middle, again_own, plain[0, :, own], n[:, own]
    table = _table(names, columns, y[:, own], w, *found)
    brings = _brings(names, value, whole[0], again, n)
    confused = pd.DataFrame(
        {
            "segment": np.repeat(names, k),
            "term": np.tile(names, k),
            "estimate": taken[0].ravel(),
            "n": np.repeat(placed.sum(0).astype(int), k),
        }
    )
    return Result(
        {"table": table, "brings": brings, "taken": confused},
        _finding(table),
        i18n.together([_note(taken[0], method), _left_since(customers), resampling_note(sample)]),
        **sample.bootstrap,
        parts={"sizes": fit.table, "value": value},
    )


def _left_since(customers: pd.DataFrame) -> str:
    """That customers who have left since are counted, and how many they are."""
    gone = int(customers["left"].eq(True).sum()) if "left" in customers else 0
    if not gone:
        return ""
    return ngettext(
        "{n:count} of {all:count} customers has left since and is counted in every share.",
        "{n:count} of {all:count} customers have left since and are counted in every share.",
        gone,
        all=len(customers),
    )


def _likeliest(
    sample: Sample, inside: np.ndarray, y: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means by maximum likelihood (k, p), and their replicates (draws, k, p)."""
    placed, shares = inside.argmax(1), [_is_share(column) for column in y.T]

    def means(w: np.ndarray) -> np.ndarray:
        taken, size, found = taken_for(inside, placed, w), w @ inside / w.sum(), []
        for column, share in zip(y.T, shares, strict=True):
            given = ~np.isnan(column) & (w > 0)
            found.append(
                fit_outcome(column[given], placed[given], taken, w[given], size, share=share)
            )
        return np.stack(found, axis=1)

    draws = min(sample.draws, REFITS)
    times = resampling.multiplicities(len(w), draws, sample.seed)
    return means(w), np.stack([means(w * some) for some in times])


def value_shares(fit: Result, customers: pd.DataFrame | None = None) -> Result:
    """The share of all value that each segment brings, against its share of the customers.

    Parameters
    ----------
    fit : of `outcomes`, made with a value
    customers : their profiles; of customers who hardly ever buy twice (orders_365) the advice is
        to win more, not to keep them

    Returns
    -------
    Result with "table", the "brings" of `outcomes` with a column customers (share of them), and
    "compared": segment, measure (customers, or the value), estimate (share of all), low, high, n

    Examples
    --------
    >>> from cxlib import segments
    >>> rows = pd.DataFrame({"age": np.repeat([20.0, 60.0], 30) + np.tile(np.arange(30), 2) / 10})
    >>> fit = segments.fit(rows, ["age"], choice=segments.Choice(most=2, draws=5))
    >>> rows["spend"] = np.repeat([10.0, 30.0], 30)
    >>> print(value_shares(outcomes(rows, fit, value="spend")))
    Customers fall into 2 stable segments; “Older customers”, 50% of them, bring 75% of spend.
    """
    sizes = fit.sizes.set_index("term")
    table = fit.brings.assign(customers=fit.brings["segment"].map(sizes["estimate"]))
    own = fit.sizes[["term", *INTERVAL, "n"]].rename(columns={"term": "segment"})
    own = own.assign(measure="customers")
    brought = fit.brings.assign(measure=fit.value)
    compared = pd.concat([own, brought], ignore_index=True)[["segment", "measure", *INTERVAL, "n"]]
    return fit.replace(
        tables={"table": table, "compared": compared},
        finding=_brought(table, fit, _bought_once(customers)),
        unit="share",
        columns=[
            Column("estimate", unit=ESTIMATE, label=N_("share of value")),
            Column("customers", unit="share", label=N_("share of customers")),
        ],
        replicates=None,
    )


def _table(
    names: np.ndarray,
    columns: list[str],
    y: np.ndarray,
    w: np.ndarray,
    estimate: np.ndarray,
    replicates: np.ndarray,
    plain: np.ndarray,
    n: np.ndarray,
) -> pd.DataFrame:
    """A row an outcome and segment; see `outcomes`."""
    k = len(names)
    shares = np.array([_is_share(column) for column in y.T], bool)
    middle = np.where(shares, estimate.clip(0, 1), estimate)
    ends = interval_columns(middle, replicates, np.where(shares, np.maximum(n, 1.0), np.nan))
    return pd.DataFrame(
        {
            "segment": np.tile(names, len(columns)),
            "term": np.repeat(np.array([i18n.label(c) for c in columns], object), k),
            "estimate": middle.T.ravel(),
            **{c: ends[c].T.ravel() for c in INTERVAL[1:]},
            "n": n.T.ravel(),
            "overall": np.repeat([_mean(v, w) for v in y.T], k),
            "plain": plain.T.ravel(),
            "share": np.repeat(shares, k),
            **{c: ends[c].T.ravel() for c in SIMULTANEOUS},
        }
    )


def _usual(customers: pd.DataFrame, fit: Result) -> list[str]:
    made_by = {axis.name for axis in fit.model.axes}
    return [c for c in USUAL if c in customers and c not in made_by and customers[c].nunique() > 1]


def _numbers(customers: pd.DataFrame, columns: list[str]) -> np.ndarray:
    require_columns(customers, columns, "customers")
    texts = [c for c in columns if not pd.api.types.is_numeric_dtype(customers[c])]
    if texts:
        raise ValueError(
            f"{texts} hold no numbers: an outcome is a number, or yes and no. Turn a category into "
            "one column a level."
        )
    return customers[columns].astype("Float64").to_numpy(float, na_value=np.nan)


def _each(inside: np.ndarray, placed: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What is summed over customers: who is taken for whom, then answers and their number."""
    wp = w[:, None] * placed
    taken = inside[:, :, None] * wp[:, None, :]
    answered = ~np.isnan(y)
    given = wp[:, :, None] * answered[:, None, :]
    answers = wp[:, :, None] * np.where(answered, y, 0.0)[:, None, :]
    return np.concatenate([a.reshape(len(w), -1) for a in (taken, given, answers)], axis=1)


def _means(sums: np.ndarray, k: int, p: int) -> tuple[np.ndarray, ...]:
    """(means (draws, k, p), plain means, who is taken for whom (draws, k, k), totals)."""
    taken, given, answers = np.split(sums, [k * k, k * k + k * p], axis=1)
    taken = taken.reshape(-1, k, k)
    given, answers = (a.reshape(len(sums), k, p) for a in (given, answers))
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = answers / given
        taken = taken / taken.sum(2, keepdims=True)
        back = np.swapaxes(taken, 1, 2)
        both = np.concatenate([answers, given], axis=2)
        totals, known = np.split(linear_algebra.solve_general(back, both, 1e-8), 2, axis=2)
        return totals / known, plain, taken, totals


def _brings(
    names: np.ndarray, value: str | None, whole: np.ndarray, again: np.ndarray, n: np.ndarray
) -> pd.DataFrame:
    """The segments' shares of all the value there is, which is the last of the columns."""
    if not value or not whole[:, -1].sum() > 0:
        return pd.DataFrame(columns=["segment", "term", "estimate", "low", "high", "n"])
    whole, again, n = whole[:, -1], again[:, :, -1], n[:, -1]
    term = _("Share of all: {value:label}", value=value)
    shares = whole / whole.sum(), again / again.sum(1, keepdims=True)
    ends = interval_columns(*shares)
    estimate = {"estimate": shares[0], **{c: ends[c] for c in INTERVAL[1:]}, "n": n}
    return pd.DataFrame({"segment": names, "term": term, **estimate})


def _brought(brings: pd.DataFrame, fit: Result, once: bool) -> Finding:
    """The segment that brings most beyond its share of customers."""
    shown, sizes, value = disclosure.shown(brings), fit.sizes, fit.value
    if shown.empty:
        return Finding(_("Too few customers to say what segments bring."))
    row = shown.loc[(shown["estimate"] - shown["customers"]).idxmax()]
    stable = int((sizes["verdict"] == "report").sum())
    words = {
        "k": len(sizes),
        "segment": row["segment"],
        "size": row["customers"],
        "share": row["estimate"],
        "value": value,
    }
    claim = (
        _(
            "Customers fall into {k} stable segments; {segment:verbatim}, {size:share} of them, "
            "bring {share:share} of {value:inner}.",
            **words,
        )
        if stable == len(sizes)
        else _(
            "{segment:verbatim}, {size:share} of customers, bring {share:share} of {value:inner}.",
            **words,
        )
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}; {stability}",
        span=(row["low"], row["high"]),
        n=shown["n"].sum(),
        stability=summary.stability(sizes),
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure=f"share_of_{value}",
        at={"segment": str(row["segment"])},
        importance=Importance.NOTABLE if row["low"] > row["customers"] else Importance.ANSWER,
        action=_next_step(row, stable == len(sizes), once, fit.table),
    )


def _bought_once(customers: pd.DataFrame | None) -> bool:
    """Whether hardly any customer of the last year bought twice, so that there is none to keep."""
    if customers is None or ORDERS not in customers:
        return False
    orders = customers[ORDERS].to_numpy(float)
    return bool((orders >= 1).any() and (orders[orders >= 1] > 1).mean() < RARE)


def _next_step(row: pd.Series, stable: bool, once: bool, outcomes: pd.DataFrame) -> str:
    """What to do about the segment that brings more than its share, where segments can be used.

    Where another one leaves significantly more often, that comes first.
    """
    if not stable:
        return _("Do not plan by these segments yet: some would look different in another sample.")
    leaving = _finding(outcomes[outcomes["term"] == i18n.label("left")])
    if leaving.action:
        return leaving.action
    if row["low"] <= row["customers"]:
        return _("Treat segments alike in what they are worth: none brings more than its share.")
    if once:
        return _(
            "Find out how the orders of {segment:verbatim} were won, and win more of them: hardly "
            "any customer buys twice.",
            segment=row["segment"],
        )
    return _(
        "Put {segment:verbatim} first in service and retention: they bring {share:share} of the "
        "value.",
        segment=row["segment"],
        share=row["estimate"],
    )


def _is_share(values: np.ndarray) -> bool:
    return bool(np.isin(values[~np.isnan(values)], (0, 1)).all())


def _mean(values: np.ndarray, w: np.ndarray) -> float:
    known = ~np.isnan(values)
    return float(np.average(values[known], weights=w[known])) if known.any() else np.nan


def _note(taken: np.ndarray, method: Correction) -> str:
    if np.allclose(taken, np.eye(len(taken))):
        return _("Every customer belongs to one segment for certain, as the segments are made.")
    worst = 1 - np.diag(taken)
    if method == "ml":
        return _(
            "Between {least:share} and {most:share} of a segment's customers are placed in "
            "another; the means are those of the segments themselves, by maximum likelihood "
            "(Vermunt 2010).",
            least=worst.min(),
            most=worst.max(),
        )
    return _(
        "Between {least:share} and {most:share} of a segment's customers are placed in another; "
        "the means are those of the segments themselves (Bolck, Croon and Hagenaars 2004).",
        least=worst.min(),
        most=worst.max(),
    )


def _finding(table: pd.DataFrame) -> Finding:
    """The outcome with the clearest difference, and the segment that is furthest off in it."""
    if table.empty:
        claim = _("There is no outcome to compare the segments in: all went into making them.")
        return Finding(claim, importance=Importance.METHOD)
    low, high = deciding_ends(table)
    differs = (low > table["overall"]) | (high < table["overall"])
    if not differs.any():
        return Finding(
            _("No segment differs significantly from the average in these outcomes."),
            importance=Importance.METHOD,
        )
    width = (high - low).clip(lower=1e-12)
    off = (table["estimate"] - table["overall"]).abs()[differs]
    clearest = table.loc[(off / width[differs]).idxmax(), "term"]
    row = table.loc[off[table.loc[off.index, "term"] == clearest].idxmax()]
    write: Callable[[float], str] = i18n.percent if row.share else lambda v: i18n.number(v, 2)
    claim = _(
        "Segments differ most in {outcome}: {value} for {segment:verbatim}, {overall} on average.",
        segment=row.segment,
        outcome=i18n.label("leaving") if row.term == i18n.label("left") else i18n.quoted(row.term),
        value=write(row.estimate),
        overall=write(row.overall),
    )
    detail = _(
        "95% CI {span}; n = {n:count}",
        span=i18n.span(row.low, row.high, 0 if row.share else 2, share=row.share),
        n=row.n,
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share" if row.share else "",
        measure=str(row.term),
        at={"segment": str(row.segment)},
        importance=Importance.NOTABLE,
        action=_keep_first(row, write),
    )


def _keep_first(row: Any, write: Callable[[float], str]) -> str:
    """What to do about a segment that leaves more often than the average; else nothing."""
    if row.term != i18n.label("left") or row.estimate <= row.overall:
        return ""
    return _(
        "Keep {segment:verbatim} first: more of them left ({value}) than on average ({overall}). "
        "Ask those who leave why.",
        segment=row.segment,
        value=write(row.estimate),
        overall=write(row.overall),
    )
