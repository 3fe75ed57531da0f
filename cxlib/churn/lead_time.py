"""Lead time of churn warnings: precision and leavers caught, days ahead, and cost of a warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import moments
from cxlib.stats.intervals import wilson_interval

LEADS = (30, 60, 90)
PRECISION, CAUGHT = mark("Flagged customers who leave", "Leavers who were flagged")
LEAST_CAUGHT = 0.25  # of leavers: a model that significantly catches fewer is not fit for use


def lead_time(
    sample: SampleLike,
    threshold: float,
    *,
    contact: float = 0.0,
    currency: str = "",
    after: str = "left_after",
    leads: tuple[int, ...] = LEADS,
) -> Result:
    """How far ahead warnings come: of the customers warned, who leaves within so many days.

    Parameters
    ----------
    sample : one row a customer, with `probability` and the days until they left
    threshold : probability from which a customer is warned of
    contact, currency : cost of a contact
    after : column of the days until customers left, empty for those who stayed
    leads : days, increasing

    Returns
    -------
    Result with tables "table" (measure, term, estimate, low, high, n) and "cost" (of
    a true warning: term, estimate, low, high, n). The measure PRECISION is the share of the
    warned customers who leave within the days; CAUGHT the share of customers leaving that far
    ahead (since the lead before; last, of several leads, of all of them) who were warned of. The
    cost is `contact` over the precision

    Raises
    ------
    ValueError : missing columns
    InsufficientData : nobody reaches the threshold

    References
    ----------
    Wilson (1927).

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [0.9, 0.9, 0.1], "left_after": [10, np.nan, 80]})
    >>> lead_time(rows, 0.5, leads=(90,)).table["estimate"].tolist()
    [0.5, 0.5]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [after, "probability"], "customers")
    w = moments.weights_of(sample.data, sample.weight)
    days = sample[after].to_numpy(float, na_value=np.nan)
    warned = (sample["probability"] >= threshold).to_numpy()
    if not warned.any():
        raise InsufficientData(_("Nobody has a risk of {least:share1} or more.", least=threshold))
    rows, before = [], 0
    for lead in leads:
        gone, lately = days <= lead, (days > before) & (days <= lead)
        within = _("within {n:count} days", n=lead)
        ahead = _("{since:count} to {n:count} days ahead", since=before, n=lead)
        rows.append(_share(PRECISION, within, gone[warned], w[warned]))
        rows.append(_share(CAUGHT, ahead, warned[lately], w[lately]))
        before = lead
    caught = rows[1::2]
    if len(leads) > 1:
        every, ahead = (
            days <= leads[-1],
            _("{since:count} to {n:count} days ahead", since=0, n=lead),
        )
        caught.append(_share(CAUGHT, ahead, warned[every], w[every]))
    table = pd.DataFrame(rows[::2] + caught)
    cost = pd.DataFrame([_cost(row, contact) for row in rows[::2]])
    finding = _finding(table, cost, leads, currency, int(warned.sum()))
    notes = _(
        "{warned:count} of {n:count} past customers are flagged: a risk of {least:share} or more.",
        warned=warned.sum(),
        n=len(warned),
        least=threshold,
    )
    return Result({"table": table, "cost": cost}, finding, notes, "share")


def _share(measure: str, term: str, hit: np.ndarray, w: np.ndarray) -> dict[str, Any]:
    share, low, high = np.nan, np.nan, np.nan
    if len(hit):
        share = float(np.average(hit, weights=w))
        low, high = map(float, wilson_interval(np.array(share), w.sum() ** 2 / (w**2).sum()))
    return {
        "measure": measure,
        "term": term,
        "estimate": share,
        "low": low,
        "high": high,
        "n": len(hit),
    }


def _cost(precision: dict[str, Any], contact: float) -> dict[str, Any]:
    inverted = {"estimate": "estimate", "low": "high", "high": "low"}
    costs = {k: contact / precision[v] if precision[v] > 0 else np.inf for k, v in inverted.items()}
    return {"term": precision["term"], **costs, "n": precision["n"]}


def _finding(
    table: pd.DataFrame, cost: pd.DataFrame, leads: tuple[int, ...], currency: str, warned: int
) -> Finding:
    """Whether the model catches enough of those who leave some time ahead to act on it."""
    last = {m: rows.iloc[-1] for m, rows in table.groupby("measure")}
    caught, precision, top = last[CAUGHT], last[PRECISION], cost.iloc[-1]
    facts = {
        "days": leads[-1],
        "share": precision.estimate,
        "span": (precision.low, precision.high),
        "caught": caught.estimate,
        "caught_span": (caught.low, caught.high),
        "cost": (top.estimate, currency),
        "leavers": caught.n,
    }
    flagged = disclosure.count_in_words(warned)
    unfit = bool(caught.high < LEAST_CAUGHT)
    if unfit:
        claim = ngettext(
            "In a backtest the churn model flagged {n} customer, but only {caught:share} of those "
            "who left within {days:count} days: use it with care.",
            "In a backtest the churn model flagged {n} customers, but only {caught:share} of those "
            "who left within {days:count} days: use it with care.",
            flagged,
            **facts,
        )
    else:
        claim = ngettext(
            "In a backtest the churn model flagged {n} customer, and {caught:share} of those who "
            "left within {days:count} days.",
            "In a backtest the churn model flagged {n} customers, and {caught:share} of those who "
            "left within {days:count} days.",
            flagged,
            **facts,
        )
    detail = _(
        "95% CI {caught_span:share_interval}; n = {leavers:count} leavers; {share:share} "
        "({span:share_interval}) of those flagged leave within {days:count} days",
        **facts,
    )
    if 0 < top.estimate < np.inf and top.high < np.inf:
        detail += _("; a correct warning costs {cost:money}", **facts)
    return Finding.of_row(
        caught,
        claim,
        detail,
        unit="share",
        verdict="worse" if unfit else "",
        measure="caught",
        at={"lead": str(caught.term)},
        importance=Importance.NEWS if unfit else Importance.ANSWER,
        action=_(
            "Contact listed customers only as a randomised trial, and look for features that "
            "show leaving earlier."
        )
        if unfit
        else _(
            "Contact the listed customers, but for a random control group that shows the effect."
        ),
    )
