"""Gain of a retention campaign: what contacting customers brings, and how many to contact.

    campaign = Campaign(value="worth", offer=25, contact=4, capacity=200)
    scored = sample.assign(probability=fit.out_of_fold)      # models that had not seen the customer
    churn.campaign_gain(scored, campaign)
    churn.expected_gain(rows, campaign)                      # of contacting each customer

A leaver who is contacted stays with a chance that nobody knows exactly: `accepted` is its mean,
and the expected maximum profit (EMP) takes it from a beta distribution. A customer who would have
stayed anyway takes the offer too. Money is in the study's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns, percentile_interval

CONCENTRATION = 20.0  # of the beta distribution: alpha + beta, 6 + 14 in the paper
STEPS = 50  # of the profit curve


@dataclass(frozen=True)
class Campaign:
    """What a retention campaign costs and brings, in the study's currency.

    Attributes
    ----------
    value : of a customer who stays: a column, or one amount for all
    offer, contact : what an accepted offer and a contact cost, 0 or more
    accepted : share of the leavers contacted who stay, between 0 and 1
    capacity : the most customers who can be contacted; None for no limit
    currency : its code, for sentences
    basis : column that the value is taken from, for sentences; it is no lifetime value
    margin : share of the basis that the value is; None where the value is sales, not margin

    Examples
    --------
    >>> Campaign(value=200, offer=10, contact=1).accepted
    0.3
    """

    value: str | float
    offer: float = 0.0
    contact: float = 0.0
    accepted: float = 0.3
    capacity: int | None = None
    currency: str = ""
    basis: str = ""
    margin: float | None = None

    @property
    def in_sales(self) -> bool:
        """Whether the value is sales: nobody knows what is left of them."""
        return bool(self.basis) and self.margin is None

    @property
    def gain(self) -> str:
        """What a campaign brings, for sentences and axes."""
        if self.in_sales:
            return _("sales less costs (margin not taken off)")
        return _("margin less costs")

    def __post_init__(self) -> None:
        if min(self.offer, self.contact) < 0 or not 0 < self.accepted < 1:
            raise ValueError(
                f"offer {self.offer:g} and contact {self.contact:g} must be 0 or more, and "
                f"accepted ({self.accepted:g}) between 0 and 1."
            )
        if self.capacity is not None and self.capacity < 1:
            raise ValueError(
                f"capacity is {self.capacity}; it must be 1 or more, or None for no limit."
            )

    def worth(self, rows: pd.DataFrame) -> pd.Series:
        """Value of each customer: the column, its median where empty, or one amount for all."""
        if not isinstance(self.value, str):
            return pd.Series(float(self.value), index=rows.index)
        require_columns(rows, [self.value], "customers")
        return rows[self.value].astype(float).fillna(rows[self.value].median())


def expected_gain(
    rows: pd.DataFrame, campaign: Campaign, probability: str = "probability"
) -> pd.Series:
    """Money that contacting each customer brings on average; below 0 it is better not to.

    p accepted (value - offer) - (1 - p) offer - contact: a leaver is kept with the chance
    `accepted` and then takes the offer; a customer who would stay takes it too.

    Parameters
    ----------
    rows : one row a customer
    campaign : costs and value
    probability : column of the probability of leaving

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [1.0, 0.0]})
    >>> expected_gain(rows, Campaign(value=110, offer=10, contact=2)).tolist()
    [28.0, -12.0]
    """
    p, worth, offer = rows[probability].astype(float), campaign.worth(rows), campaign.offer
    return p * campaign.accepted * (worth - offer) - (1 - p) * offer - campaign.contact


def break_even_margin(rows: pd.DataFrame, campaign: Campaign, gain: float) -> float:
    """The margin from which contacting the rows pays, where their value is sales.

    Parameters
    ----------
    rows : customers to contact, with `probability`
    campaign : costs and value, in sales
    gain : what contacting them is expected to bring, sales less costs

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [1.0], "worth": [110.0]})
    >>> campaign = Campaign("worth", offer=10, contact=2, basis="spend")
    >>> break_even_margin(rows, campaign, 28.0).round(3)    # 0.3 · 110 brought, 5 of it spent
    np.float64(0.152)
    """
    brought = campaign.accepted * (rows["probability"] * campaign.worth(rows)).sum()
    return 1 - gain / brought


def campaign_gain(sample: SampleLike, campaign: Campaign, *, outcome: str = "left") -> Result:
    """What contacting the customers would have brought, judged by who really left.

    Parameters
    ----------
    sample : one row a customer, with the `probability` of a model that had not seen the customer
    campaign : costs, value and capacity
    outcome : column that is true for customers who left

    Returns
    -------
    Result with tables "table" (term: by expected gain, by risk, more than by risk; estimate, low,
    high, n: customers contacted), "curve" (term, contacted, estimate, low, high, n,
    simultaneous_low, simultaneous_high) and "emp" (term: EMP, EMP without a model; estimate a
    customer, low, high, n, contacted)

    Raises
    ------
    ValueError : no probability, an offer that costs more than a customer is worth

    References
    ----------
    EMP: Verbraken, Verbeke and Baesens (2013).

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [0.9, 0.5, 0.1], "left": [True, False, False]})
    >>> fit = campaign_gain(rows, Campaign(value=100, offer=5, contact=1))
    >>> fit.table["estimate"].tolist()
    [21.5, 21.5, 0.0]
    """
    sample = as_sample(sample)
    if "probability" not in sample:
        raise ValueError("no column 'probability'. customers.assign(probability=fit.out_of_fold)")
    sample = sample.where(sample[outcome].notna())
    rows, w = sample.data, moments.weights_of(sample.data, sample.weight)
    mean_worth = float(campaign.worth(rows).mean())
    if mean_worth <= campaign.offer:
        raise ValueError(
            f"an offer of {campaign.offer:g} costs more than a customer is worth on average "
            f"({mean_worth:g}). Correct costs in study.yaml."
        )
    left, p = rows[outcome].to_numpy(float), rows["probability"].to_numpy(float)
    how: dict[str, Any] = {
        "draws": sample.draws,
        "seed": sample.seed,
        "clusters": resampling.resampling_units(sample),
    }
    expected = expected_gain(rows, campaign).to_numpy()
    realised = expected_gain(rows.assign(probability=left), campaign).to_numpy()
    most = len(rows) if campaign.capacity is None else campaign.capacity
    chosen = int(min((expected > 0).sum(), most))
    orders = {"by expected gain": expected, "by risk": p}
    table = _gain_table(orders, w * realised, chosen, **how)
    worth = float(np.average(campaign.worth(rows), weights=w))
    emp = _emp(left, p, w, replace(campaign, value=worth), **how)
    notes = _assumptions(campaign, worth, emp)
    return Result(
        {"table": table, "curve": _curve(orders, w * realised, **how), "emp": emp},
        _finding(table, len(rows), campaign, _paying_margin(rows, left, expected, campaign, table)),
        notes,
        "money",
        draws=sample.draws,
        seed=sample.seed,
    )


def _gain_table(
    orders: dict[str, np.ndarray], gain: np.ndarray, chosen: int, **how: Any
) -> pd.DataFrame:
    """Gain of contacting the first of each order, and the difference."""
    masks = np.column_stack([_first(by, chosen) for by in orders.values()])
    parts = gain[:, None] * masks
    drawn = resampling.resample_sums(parts, **how)
    estimate = parts.sum(0)
    estimate = np.append(estimate, estimate[0] - estimate[1])
    low, high = percentile_interval(np.column_stack([drawn, drawn[:, 0] - drawn[:, 1]]))
    table = pd.DataFrame({"term": [*orders, "more than by risk"], "estimate": estimate})
    return table.assign(low=np.minimum(low, estimate), high=np.maximum(high, estimate), n=chosen)


def expected_maximum_profit(
    left: np.ndarray, score: np.ndarray, w: np.ndarray, campaign: Campaign
) -> tuple[float, float]:
    """EMP a customer, and the share of customers to contact for it (Verbraken and others 2013).

    The chance that a leaver is kept has a beta distribution of mean `accepted` and
    alpha + beta = CONCENTRATION; for each chance the best threshold is taken, which walks along the
    convex hull of the ROC curve. `campaign.value` is an amount.
    """
    emp, share = np.average(_emp_parts(left, score, w, campaign), axis=0, weights=w)
    return float(emp), float(share)


def _emp_parts(
    left: np.ndarray, score: np.ndarray, w: np.ndarray, campaign: Campaign
) -> np.ndarray:
    """What each customer adds to EMP, and the chance of being contacted for it: (n, 2).

    A customer is contacted when the chance of keeping a leaver is above that at which the stretch
    of the hull with this score begins to pay. Over a resample the mean is the EMP of that resample,
    up to a term of order 1/n: where thresholds are best, moving them changes nothing.
    """
    from scipy.special import betainc

    value, offer, contact = float(campaign.value), campaign.offer, campaign.contact
    accepted = campaign.accepted
    alpha, beta = accepted * CONCENTRATION, (1 - accepted) * CONCENTRATION
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
    left: np.ndarray, score: np.ndarray, w: np.ndarray, campaign: Campaign, **how: Any
) -> pd.DataFrame:
    """EMP of the score, and of a score that is the same for all, with intervals over customers."""
    found = []
    for term, by in (("EMP", score), ("EMP without a model", np.zeros(len(score)))):
        parts = _emp_parts(left, by, w, campaign)
        estimate, share = np.average(parts, axis=0, weights=w)
        replicates = ratio(w[:, None] * parts[:, :1], w[:, None], **how).replicates
        low, high = percentile_interval(replicates[:, 0])
        found.append((term, estimate, min(low, estimate), max(high, estimate), len(score), share))
    return pd.DataFrame(found, columns=["term", "estimate", "low", "high", "n", "contacted"])


def _curve(orders: dict[str, np.ndarray], gain: np.ndarray, **how: Any) -> pd.DataFrame:
    """Gain of contacting ever more customers, in each order, with a simultaneous band too."""
    steps = np.unique(np.linspace(0, len(gain), min(len(gain), STEPS) + 1).astype(int))[1:]
    tables = []
    for name, by in orders.items():
        rank = np.empty(len(by), int)
        rank[np.argsort(-by, kind="stable")] = np.arange(len(by))
        parts = np.zeros((len(by), len(steps)))
        parts[np.arange(len(by)), np.searchsorted(steps, rank, "right")] = gain
        sums = np.cumsum(resampling.resample_sums(parts, **how), axis=1)
        estimate = np.cumsum(parts.sum(0))
        columns = {"term": name, "contacted": steps, "estimate": estimate, "n": len(by)}
        tables.append(pd.DataFrame(columns | interval_columns(estimate, sums)))
    return pd.concat(tables, ignore_index=True)


def _first(by: np.ndarray, chosen: int) -> np.ndarray:
    mask = np.zeros(len(by))
    mask[np.argsort(-by, kind="stable")[:chosen]] = 1
    return mask


def _paying_margin(
    rows: pd.DataFrame,
    left: np.ndarray,
    expected: np.ndarray,
    campaign: Campaign,
    table: pd.DataFrame,
) -> str:
    """From which margin contacting by expected gain would have paid, where the value is sales."""
    best = table.iloc[0]
    mask = _first(expected, int(best["n"])) > 0
    if not campaign.in_sales or not left[mask].sum():
        return ""
    contacted = rows.assign(probability=left)[mask]
    even = break_even_margin(contacted, campaign, float(best["estimate"]))
    if even > 1:
        return _("no margin would have covered the costs")
    return _("covers the costs only if at least {even:share} of sales is margin", even=even)


def _finding(table: pd.DataFrame, n: int, campaign: Campaign, even: str = "") -> Finding:
    best, more, currency = table.iloc[0], table.iloc[2], campaign.currency
    chosen = int(best.n)
    if not chosen:
        return Finding(_("No campaign would have paid: no customer's expected gain is above 0."))
    facts = {
        "what": campaign.gain,
        "chosen": chosen,
        "n": n,
        "money": (i18n.rounded(best.estimate), currency),
        "span": (*map(i18n.rounded, (best.low, best.high)), currency),
        "more": (i18n.rounded(more.estimate), currency),
        "more_span": (*map(i18n.rounded, (more.low, more.high)), currency),
    }
    if more.low > 0:
        claim = _(
            "Contacting by expected gain would have brought {money:money} of {what} within a year, "
            "{more:money} more than by risk alone.",
            **facts,
        )
    else:
        claim = _(
            "Contacting by expected gain would have brought {money:money} of {what} within a year, "
            "not significantly more than by risk alone.",
            **facts,
        )
    detail = _(
        "95% CI {span:money_interval}, difference {more_span:money_interval}; backtest: "
        "{chosen:count} of {n:count} past customers contacted",
        **facts,
    )
    return Finding.of_row(
        best,
        claim,
        _("; ").join([*filter(None, [even]), detail]),
        unit=currency,
        measure="backtest_gain",
        importance=Importance.NOTABLE if more.low > 0 else Importance.CONTEXT,
    )


def _assumptions(campaign: Campaign, worth: float, emp: pd.DataFrame) -> str:
    best, currency = emp.iloc[0], campaign.currency
    facts = {
        "offer": (campaign.offer, currency),
        "contact": (campaign.contact, currency),
        "value": (worth, currency),
        "basis": campaign.basis,
        "accepted": campaign.accepted,
        "emp": (best.estimate, currency),
        "span": (best.low, best.high, currency),
        "without": (emp["estimate"].iloc[1], currency),
    }
    notes = [
        _(
            "Assumed: an offer costs {offer:money}, a contact {contact:money}; keeping a customer "
            "brings {value:money} on average, and {accepted:share} of the leavers who are "
            "contacted stay.",
            **facts,
        ),
        _(
            "The value of a customer is {margin:share} of {basis:quoted}, the margin of a year; it "
            "is not the customer lifetime value (CLV), which looks ahead.",
            margin=campaign.margin,
            **facts,
        )
        if campaign.margin is not None
        else _(
            "The value of a customer is based on {basis:quoted}, sales of a year: the gain is "
            "sales less costs, as study.yaml states no margin. It is not the customer lifetime "
            "value (CLV).",
            **facts,
        )
        if campaign.basis
        else "",
        _(
            "Expected maximum profit per customer: {emp:money2} (95% CI {span:money_interval2}), "
            "{without:money2} without a model.",
            **facts,
        ),
    ]
    return i18n.together(notes)
