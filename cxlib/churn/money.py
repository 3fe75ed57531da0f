"""What a warning is worth in money, whom to contact first, and how far ahead it warns.

    rows = customers.assign(probability=warning.out_of_fold)     # judged on customers it never saw
    churn.lead_time(rows, 0.3, contact=4)             # precision and leavers caught, days ahead
    churn.profit(rows, value="value", offer=25, contact=4, capacity=200)
    churn.expected_profit(rows, value="value", offer=25, contact=4)   # of contacting each customer

A leaver who is contacted stays with a chance that nobody knows exactly: `accepted` is its mean,
and EMP takes it from a beta distribution (Verbraken, Verbeke and Baesens 2013). A customer who
would have stayed anyway takes the offer too. Money is in the study's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.enough import Unfit
from cxlib.estimates import Estimates
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import (
    percentile_interval,
    sidak_level,
    simultaneous_interval,
    wilson_interval,
)

SURENESS = 20.0  # of the beta distribution: alpha + beta, 6 + 14 in the paper
STEPS = 50  # of the profit curve
LEADS = (30, 60, 90)


@dataclass(frozen=True)
class Profit(Estimates):
    """The best number to contact; `curve` has the profit of contacting ever more.

    curve : term (the order: by expected profit, by risk), contacted, estimate, low, high (all at
        once), n
    emp : the expected maximum profit a customer, and the one without a model: term, estimate ...
    """

    curve: pd.DataFrame = field(kw_only=True)
    emp: pd.DataFrame = field(kw_only=True)


@dataclass(frozen=True)
class Lead(Estimates):
    """How far ahead a warning comes; `cost` is of a true warning: term, estimate, low, high, n."""

    cost: pd.DataFrame = field(kw_only=True)


def expected_profit(
    rows: pd.DataFrame,
    *,
    value: str | float,
    offer: float,
    contact: float,
    accepted: float = 0.3,
    probability: str = "probability",
) -> pd.Series:
    """Money that contacting each customer brings on average; below 0 it is better not to.

    p accepted (value - offer) - (1 - p) offer - contact: a leaver is kept with the chance
    `accepted` and then takes the offer; who would stay takes it too.
    """
    p, worth = rows[probability].astype(float), worth_of(rows, value)
    return p * accepted * (worth - offer) - (1 - p) * offer - contact


def profit(
    rows: pd.DataFrame,
    *,
    value: str | float,
    offer: float,
    contact: float,
    accepted: float = 0.3,
    capacity: int | None = None,
    currency: str = "",
    outcome: str = "left",
    weight: str | None = None,
    draws: int = 500,
    seed: int = 1,
) -> Profit:
    """What contacting the customers would have brought, best first, judged by who really left.

    `value` is a column of money, or one number for all; `capacity` the most that can be contacted.
    The table has the profit of contacting the best by expected profit and, as many, by risk, and
    the difference; the intervals are of each alone. `rows` hold `probability` of a
    model that had not seen them. Raises ValueError for money that makes no sense.
    """
    _check_money(rows, value, offer, contact, accepted, capacity)
    rows = rows[rows[outcome].notna()]
    left, w = rows[outcome].to_numpy(float), moments.weights_of(rows, weight)
    how = {"value": value, "offer": offer, "contact": contact, "accepted": accepted}
    hoped = expected_profit(rows, **how).to_numpy()
    real = expected_profit(rows.assign(probability=left), **how).to_numpy()
    p = rows["probability"].to_numpy(float)
    chosen = int(min((hoped > 0).sum(), capacity if capacity is not None else len(rows)))
    orders = {"by expected profit": hoped, "by risk": p}
    masks = np.column_stack([_first(by, chosen) for by in orders.values()])
    parts = w[:, None] * real[:, None] * masks
    estimate = parts.sum(0)
    drawn = resampling.resample_sums(parts, draws, seed)
    worth = float(np.average(worth_of(rows, value), weights=w))
    emp = _emp(left, p, w, worth, offer, contact, accepted, draws, seed)
    estimate = np.append(estimate, estimate[0] - estimate[1])
    low, high = percentile_interval(np.column_stack([drawn, drawn[:, 0] - drawn[:, 1]]))
    table = pd.DataFrame({"term": [*orders, "more than by risk"], "estimate": estimate})
    table["low"], table["high"] = np.minimum(low, estimate), np.maximum(high, estimate)
    table["n"] = chosen
    curve = _curve(orders, real, w, draws, seed)
    return Profit(
        table,
        _brought(table, chosen, len(rows), currency),
        _assumed(offer, contact, accepted, worth, emp, currency),
        "money",
        draws=draws,
        seed=seed,
        curve=curve,
        emp=emp,
    )


def lead_time(
    rows: pd.DataFrame,
    threshold: float,
    *,
    contact: float = 0.0,
    currency: str = "",
    after: str = "left_after",
    leads: tuple[int, ...] = LEADS,
    weight: str | None = None,
) -> Lead:
    """How far ahead the warning comes: of those warned, who leaves within so many days.

    The table has measure, term, estimate, low, high, n: "precision" is the share of the customers
    warned (probability of `threshold` or more) who leave within the days; "caught" the share of
    those who leave that far ahead (in the days since the lead before) who were warned. The cost of
    a true warning is `contact` over the precision, endless where none was true. Intervals are
    Wilson's (1927), of all at once (Bonferroni). `after` is the days until they left, empty for
    who stayed.
    """
    if after not in rows:
        raise ValueError(f"no column {after!r}. reserve.history() gives the days until they left.")
    w, days = moments.weights_of(rows, weight), rows[after].to_numpy(float, na_value=np.nan)
    warned = (rows["probability"] >= threshold).to_numpy()
    if not warned.any():
        raise Unfit(_("Nobody has a risk of {least:share1} or more.", least=threshold))
    found, before = [], 0
    for lead in leads:
        gone, lately = days <= lead, (days > before) & (days <= lead)
        found.append(_share("precision", lead, gone[warned], w[warned], 2 * len(leads)))
        found.append(_share("caught", lead, warned[lately], w[lately], 2 * len(leads)))
        before = lead
    table = pd.DataFrame(found[::2] + found[1::2])
    cost = pd.DataFrame([_cost(row, contact) for row in found[::2]])
    return Lead(
        table, _ahead(table, cost, leads, currency), _warned(warned, threshold), "share", cost=cost
    )


def expected_maximum_profit(
    left: np.ndarray,
    score: np.ndarray,
    w: np.ndarray,
    value: float,
    offer: float,
    contact: float,
    accepted: float = 0.3,
    sureness: float = SURENESS,
) -> tuple[float, float]:
    """EMP a customer, and the share of customers to contact for it (Verbraken and others 2013).

    The chance that a leaver is kept has a beta distribution of mean `accepted` and
    alpha + beta = `sureness`; for each chance the best threshold is taken, which walks along the
    convex hull of the ROC curve. The paper's own case: value 200, offer 10, contact 1.
    """
    parts = _parts(left, score, w, value, offer, contact, accepted, sureness)
    return tuple(float(v) for v in np.average(parts, axis=0, weights=w))


def _parts(
    left: np.ndarray,
    score: np.ndarray,
    w: np.ndarray,
    value: float,
    offer: float,
    contact: float,
    accepted: float = 0.3,
    sureness: float = SURENESS,
) -> np.ndarray:
    """What each customer adds to EMP, and the chance of being contacted for it: (n, 2).

    A customer is contacted when the chance of keeping a leaver is above that at which the stretch
    of the hull with this score begins to pay. Over a draw of customers the mean is the EMP of that
    draw, up to a term of order 1/n: where thresholds are best, moving them changes nothing.
    """
    from scipy.special import betainc

    alpha, beta = accepted * sureness, (1 - accepted) * sureness
    stretch, rate = _hull(left, score, w)
    with np.errstate(divide="ignore"):
        at = ((offer + contact) * (1 - rate) + contact * rate) / ((value - offer) * rate)
    at = np.clip(at, 0, 1)[stretch]
    often, kept = 1 - betainc(alpha, beta, at), accepted * (1 - betainc(alpha + 1, beta, at))
    gain = np.where(left > 0, (value - offer) * kept - contact * often, -(offer + contact) * often)
    return np.column_stack([gain, often])


def _hull(left: np.ndarray, score: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The stretch of the ROC curve's upper hull each customer lies on, (n,), and who left there.

    The stretches are the blocks of the isotonic regression of leaving on the score.
    """
    from sklearn.isotonic import isotonic_regression

    _unused, place = np.unique(score, return_inverse=True)
    gone, total = np.bincount(place, w * left), np.bincount(place, w)
    rate = isotonic_regression(gone / total, sample_weight=total)
    return place, rate


def _emp(
    left: np.ndarray,
    score: np.ndarray,
    w: np.ndarray,
    value: float,
    offer: float,
    contact: float,
    accepted: float,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """EMP of the score, and of a score that is the same for all, each with the customers drawn."""
    found = []
    for term, by in (("EMP", score), ("EMP without a model", np.zeros(len(score)))):
        parts = _parts(left, by, w, value, offer, contact, accepted)
        estimate, share = np.average(parts, axis=0, weights=w)
        again = ratio(w[:, None] * parts[:, :1], w[:, None], draws=draws, seed=seed).replicates
        low, high = percentile_interval(again[:, 0])
        found.append((term, estimate, min(low, estimate), max(high, estimate), len(score), share))
    return pd.DataFrame(found, columns=["term", "estimate", "low", "high", "n", "contacted"])


def _curve(
    orders: dict[str, np.ndarray], real: np.ndarray, w: np.ndarray, draws: int, seed: int
) -> pd.DataFrame:
    """Profit of contacting ever more customers, in each order, with a band for all at once."""
    steps = np.unique(np.linspace(0, len(real), min(len(real), STEPS) + 1).astype(int))[1:]
    tables = []
    for name, by in orders.items():
        rank = np.empty(len(by), int)
        rank[np.argsort(-by, kind="stable")] = np.arange(len(by))
        parts = np.zeros((len(by), len(steps)))
        parts[np.arange(len(by)), np.searchsorted(steps, rank, "right")] = w * real
        sums = np.cumsum(resampling.resample_sums(parts, draws, seed), axis=1)
        estimate = np.cumsum(parts.sum(0))
        low, high = simultaneous_interval(estimate, sums)
        tables.append(
            pd.DataFrame(
                {"term": name, "contacted": steps, "estimate": estimate, "low": low, "high": high}
            ).assign(n=len(by))
        )
    return pd.concat(tables, ignore_index=True)


def _first(by: np.ndarray, chosen: int) -> np.ndarray:
    mask = np.zeros(len(by))
    mask[np.argsort(-by, kind="stable")[:chosen]] = 1
    return mask


def money(value: float, currency: str, digits: int = 0) -> str:
    """An amount as people write it: 1,204 EUR."""
    return f"{i18n.number(value, digits)} {currency}".strip()


def worth_of(rows: pd.DataFrame, value: str | float) -> pd.Series:
    """What each customer is worth: the column, its median where empty, or one number for all."""
    if not isinstance(value, str):
        return pd.Series(float(value), index=rows.index)
    return rows[value].astype(float).fillna(rows[value].median())


def _check_money(
    rows: pd.DataFrame,
    value: str | float,
    offer: float,
    contact: float,
    accepted: float,
    capacity: int | None,
) -> None:
    if isinstance(value, str) and value not in rows:
        raise ValueError(f"no column {value!r} for the value. There are: {', '.join(rows)}.")
    if "probability" not in rows:
        raise ValueError("no column 'probability'. customers.assign(probability=fit.out_of_fold)")
    if min(offer, contact) < 0 or not 0 < accepted < 1:
        raise ValueError(
            f"offer {offer:g} and contact {contact:g} must be 0 or more, and accepted "
            f"({accepted:g}) between 0 and 1."
        )
    if float(worth_of(rows, value).mean()) <= offer:
        raise ValueError(
            f"an offer of {offer:g} costs more than a customer is worth on average "
            f"({float(worth_of(rows, value).mean()):g}). Correct costs in study.yaml."
        )
    if capacity is not None and capacity < 1:
        raise ValueError(f"capacity is {capacity}; it must be 1 or more, or None for no limit.")


def _share(measure: str, lead: int, hit: np.ndarray, w: np.ndarray, held: int) -> dict:
    share, low, high = np.nan, np.nan, np.nan
    if len(hit):
        share = float(np.average(hit, weights=w))
        low, high = map(
            float, wilson_interval(share, w.sum() ** 2 / (w**2).sum(), sidak_level(held))
        )
    term = _("{n:count} days ahead", n=lead)
    return {
        "measure": measure,
        "term": term,
        "estimate": share,
        "low": low,
        "high": high,
        "n": len(hit),
    }


def _cost(precision: dict, contact: float) -> dict:
    turned = {"estimate": "estimate", "low": "high", "high": "low"}
    costs = {k: contact / precision[v] if precision[v] > 0 else np.inf for k, v in turned.items()}
    return {"term": precision["term"], **costs, "n": precision["n"]}


def _ahead(table: pd.DataFrame, cost: pd.DataFrame, leads: tuple[int, ...], currency: str) -> str:
    last = {m: rows.iloc[-1] for m, rows in table.groupby("measure")}
    said = _(
        "Of the customers warned {share:share} ({span:share_interval0}) leave within {days:count} "
        "days; of those who leave {since:count} to {days:count} days ahead {caught:share} "
        "({caught_span:share_interval0}) are already warned.",
        days=leads[-1],
        share=last["precision"].estimate,
        span=(last["precision"].low, last["precision"].high),
        caught=last["caught"].estimate,
        caught_span=(last["caught"].low, last["caught"].high),
        since=leads[-2] if len(leads) > 1 else 0,
    )
    top = cost.iloc[-1]
    if not 0 < top.estimate < np.inf or top.high == np.inf:
        return said
    more = _(
        "A true warning costs {cost} ({span:interval0}).",
        cost=money(top.estimate, currency),
        span=(top.low, top.high),
    )
    return i18n.together([said, more])


def _warned(warned: np.ndarray, threshold: float) -> str:
    return _(
        "{warned:count} of {n:count} customers are warned: a risk of {least:share} or more.",
        warned=warned.sum(),
        n=len(warned),
        least=threshold,
    )


def _brought(table: pd.DataFrame, chosen: int, n: int, currency: str) -> str:
    if not chosen:
        return _("Contacting nobody is best: no customer's expected profit is above 0.")
    best, more = table.iloc[0], table.iloc[2]
    said = _(
        "Contacting the best {chosen:count} of {n:count} customers would have brought {money} "
        "({span:interval0}).",
        chosen=chosen,
        n=n,
        money=money(best.estimate, currency),
        span=(best.low, best.high),
    )
    if more.low > 0:
        return i18n.together(
            [
                said,
                _(
                    "Choosing by expected profit rather than by risk alone brings {money} of it "
                    "({span:interval0}).",
                    money=money(more.estimate, currency),
                    span=(more.low, more.high),
                ),
            ]
        )
    return said


def _assumed(
    offer: float, contact: float, accepted: float, worth: float, emp: pd.DataFrame, currency: str
) -> str:
    best = emp.iloc[0]
    return _(
        "Assumed: an offer costs {offer}, a contact {contact}, a customer is worth {worth} on "
        "average, and {accepted:share} of the leavers who are contacted stay. Expected maximum "
        "profit: {emp} a customer ({span:interval2}), {without:number2} without a model.",
        offer=money(offer, currency),
        contact=money(contact, currency),
        worth=money(worth, currency),
        accepted=accepted,
        emp=money(best.estimate, currency, 2),
        span=(best.low, best.high),
        without=emp["estimate"].iloc[1],
    )
