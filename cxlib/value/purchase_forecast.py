"""Purchases to come from dates alone: who is still active and how often customers will buy.

    fit = purchase_forecast(sample, 52)                                # weeks; BG/NBD
    fit = purchase_forecast(sample, 12, model="bg_bb", period="month")
    fit = purchase_forecast(sample, 8, model="mbg_nbd", covariates=promotions)
    fit.table, fit.active, fit.parameters, fit.covariates

For visits, logins and orders without amounts; `lifetime_value` has the money too.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import days_bought, seen_from
from cxlib.privacy import disclosure
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table
from cxlib.stats.notes import resampling_note
from cxlib.value import discrete, newton, predictions
from cxlib.value.dynamic_covariates import CLOCKS, Clock, clock_of, clocked
from cxlib.value.histories import (
    PERIODS,
    Period,
    kinds,
    opportunity_histories,
    purchase_histories,
)
from cxlib.value.lifetime_value import grouped, members
from cxlib.value.newton import Maximum, NoMaximum, maximise
from cxlib.value.purchase_model import LEAST_REPEATERS, PURCHASE, Data, gradient
from cxlib.value.purchase_model import NAMES as CONTINUOUS

Frequency = Literal["bg_nbd", "mbg_nbd", "pareto_nbd", "bg_bb"]
MEASURES = ("active", "purchases")
MOST_REFITTED = 20_000  # kinds of customers times ways to them, up to which draws are refitted
NAMES = {**CONTINUOUS, "bg_bb": ("alpha", "beta", "gamma", "delta")}


def purchase_forecast(
    sample: SampleLike,
    ahead: int = 52,
    *,
    model: Frequency = "bg_nbd",
    period: Period = "month",
    groups: pd.Series | None = None,
    as_of: str | pd.Timestamp | None = None,
    covariates: pd.DataFrame | None = None,
) -> Result:
    """Purchases to come and the share of active customers, from the dates of purchases alone.

    Parameters
    ----------
    sample : orders with customer_id and at (dates); of an amount, if there is one, only its sign
        counts, for refunds
    ahead : horizon in weeks, or in periods for "bg_bb"; 1 or more
    model : "bg_nbd", "mbg_nbd" or "pareto_nbd" in continuous time; "bg_bb" where customers have one
        opportunity a period (yearly donations, a monthly box, weekly shopping)
    period : of "bg_bb" only: calendar "week", "month", "quarter" or "year"
    groups : group of each customer_id (its index)
    as_of : date from which customers are seen, the day after the last order by default
    covariates : of "bg_nbd" and "mbg_nbd" only: what changes with time how fast customers buy, such
        as promotions or the season. A row for each `period` (pandas periods, all of one length) or,
        where customers differ, for each `customer_id` and `period`, and columns of numbers; all
        days from a customer's first purchase to the end of the forecast must be covered, so that
        those to come are yours to state. How soon customers leave does not depend on them

    Returns
    -------
    Result with the tables "table" (purchases of a customer to come) and "active" (share still
    active; with "bg_bb" in the period after the last complete one), both [group,] term, estimate,
    low, high, n, everyone first, then the groups with simultaneous_low and simultaneous_high; and
    "parameters" (term, estimate, low, high, n; with covariates where all are 0), with covariates
    "covariates" (term, estimate: how many times as fast an active customer buys where the covariate
    is higher by one, low, high, n); parts model, log_parameters and loglik. Each draw
    resamples customers and refits the model: by one Newton step, by several where there are a few
    hundred customers, and "bg_bb" in full up to some thousand.

    Raises
    ------
    InsufficientData : fewer than 30 customers who bought again, a likelihood without a maximum
    ValueError : columns or choices that do not exist

    References
    ----------
    Fader, Hardie and Lee (2005), Marketing Science 24(2); Fader, Hardie and Shang (2010), Marketing
    Science 29(6). Covariates: Bachmann, Meierer and Näf (2021), Marketing Science 40(4), of the
    Pareto/NBD.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> months = pd.date_range("2024-01-15", periods=24, freq="30D")
    >>> buys, stays = rng.beta(1.2, 0.8, 200), rng.geometric(rng.beta(0.7, 5, 200))
    >>> bought = (rng.random((200, 24)) < buys[:, None]) & (np.arange(24) < stays[:, None])
    >>> who, when = np.nonzero(bought)
    >>> orders = pd.DataFrame({"customer_id": who, "at": months[when]})
    >>> fit = purchase_forecast(orders, 12, model="bg_bb", period="month")
    >>> fit.table["term"].tolist(), fit.parameters["term"].tolist()
    (['purchases'], ['alpha', 'beta', 'gamma', 'delta'])
    """
    sample = as_sample(sample)
    require_choice("model", model, get_args(Frequency))
    require_choice("period", period, PERIODS)
    if not (ahead >= 1 and float(ahead).is_integer()):
        raise ValueError(f"ahead is {ahead}; it must be a whole number, 1 or more.")
    if covariates is not None:
        require_choice("model", model, CLOCKS)
    kept, notes = (
        opportunity_histories(sample.data, period, as_of)
        if model == "bg_bb"
        else purchase_histories(sample.data, as_of, amounts=False)
    )
    distinct, count, which = kinds(kept, ["repeats", "last", "age"])
    data: Data = distinct[:, 0], distinct[:, 1], distinct[:, 2]
    clock = None
    if covariates is not None:
        end = seen_from(sample.data, as_of)
        clock = clock_of(days_bought(sample.data, end)[0], kept, covariates, end, int(ahead))
        count, which = np.ones(len(kept)), np.arange(len(kept))
        data = kept["repeats"].to_numpy(float), kept["last"].to_numpy(), kept["age"].to_numpy()
    fit = _fitted(model, data, count, clock)

    def by_kind(at: np.ndarray) -> np.ndarray:
        if clock is not None:
            return clock.expected(model, at, data[0])
        own = np.exp(at)
        of = (
            (discrete.active(own, *data), discrete.purchases(own, *data, int(ahead)))
            if model == "bg_bb"
            else (
                predictions.active(model, own, *data),
                predictions.purchases(model, own, *data, ahead),
            )
        )
        return np.column_stack(of)

    names, member = members(pd.Index(kept["customer_id"]), groups)
    values = by_kind(fit.at)
    work = len(count) * (data[2] - data[1]).max() if model == "bg_bb" else len(count)
    if work <= (MOST_REFITTED if model == "bg_bb" else newton.MOST_REFITTED):
        kind = (which[:, None] == np.arange(len(count))).astype(float)
        stacked = np.hstack([m[:, None] * kind for m in member.T])
        sums = resampling.resample_sums(stacked, sample.draws, sample.seed)
        by_group = sums.reshape(sample.draws, len(names), len(count))
        counts = by_group[:, 0]
        drawn = discrete.refits(fit.at, counts, data) if model == "bg_bb" else fit.refits(counts)
        each = np.stack([by_kind(at) for at in drawn])
        with np.errstate(invalid="ignore", divide="ignore"):
            replicates = by_group @ each / by_group.sum(-1, keepdims=True)
    else:
        drawn, replicates = _one_step(fit, which, member, values, gradient(by_kind, fit.at), sample)
    replicates[..., 0] = replicates[..., 0].clip(0, 1)
    replicates[..., 1] = replicates[..., 1].clip(0)
    estimate, n = member.T @ values[which] / member.sum(0)[:, None], member.sum(0).astype(int)
    active, table = (
        grouped(term, names, estimate[:, at], replicates[..., at], n)
        for at, term in enumerate(MEASURES)
    )
    named = [*NAMES[model], *(clock.names if clock else ())]
    parameters = estimates_table(named, np.exp(fit.at), np.exp(drawn), len(kept))
    tables = {"table": table, "active": active, "parameters": parameters[:4]}
    if clock is not None:
        tables["covariates"] = parameters[4:].reset_index(drop=True)
    notes.append(resampling_note(sample.replace(cluster="customer_id")))
    return Result(
        tables,
        _finding(table.iloc[0], active.iloc[0], ahead, model),
        i18n.together(notes),
        "purchases",
        draws=sample.draws,
        seed=sample.seed,
        parts={"model": model, "log_parameters": fit.at, "loglik": fit.loglik},
    )


def _fitted(model: Frequency, data: Data, count: np.ndarray, clock: Clock | None) -> Maximum:
    """The model at its maximum; InsufficientData where there is none."""
    repeats, _last, age = data
    customers, again = int(count.sum()), int(count[repeats > 0].sum())
    if again < LEAST_REPEATERS:
        raise InsufficientData(
            _(
                "{again} of {customers:count} customers bought again; at least {least:count} are "
                "needed for a forecast. Choose a longer period or more customers.",
                again=disclosure.count_in_words(again),
                customers=customers,
                least=LEAST_REPEATERS,
            )
        )
    start = np.zeros(4)
    if model != "bg_bb":
        start[1] = np.log(max(np.average(age, weights=count), 1e-3))
        start[3] = start[1] if model == "pareto_nbd" else 0.0
    surface = discrete.bg_bb if model == "bg_bb" else PURCHASE[model]
    if clock is not None:
        start = np.r_[start, np.zeros(len(clock.names))]
        surface = clocked(model)
    try:
        return maximise(surface, clock.data(repeats) if clock else data, count, start)
    except NoMaximum as error:
        raise InsufficientData(
            _(
                "{again:count} of {customers:count} customers bought again: they are too few, or "
                "too alike, for a forecast by this model. Choose a longer period, more customers, "
                "or the other model.",
                again=again,
                customers=customers,
            )
        ) from error


def _one_step(
    fit: Maximum,
    which: np.ndarray,
    member: np.ndarray,
    values: np.ndarray,
    slopes: np.ndarray,
    sample: Sample,
) -> tuple[np.ndarray, np.ndarray]:
    """Parameters (draws, k) and means of the groups (draws, groups, 2), one step from the sample.

    `values` (u, 2) are those of each kind of customer and `slopes` (u, 2, k) how they move.
    """
    k, values, slopes = len(fit.at), values[which], slopes[which]
    inside = [np.column_stack([m, m[:, None] * values]) for m in member.T]
    stacked = np.hstack([fit.parts[which], *inside])
    sums = resampling.resample_sums(stacked, sample.draws, sample.seed)
    drawn = fit.replicates(sums[:, : k + k * k])
    by_group = sums[:, k + k * k :].reshape(sample.draws, member.shape[1], 3)
    tilt = np.einsum("ig,isp->gsp", member, slopes) / member.sum(0)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = by_group[..., 1:] / by_group[..., :1]
    return drawn, means + np.einsum("gsp,dp->dgs", tilt, drawn - fit.at)


def _finding(table: pd.Series, active: pd.Series, ahead: int, model: Frequency) -> Finding:
    of = 1 if table.estimate >= 1 else 100
    facts = {
        "active": active.estimate,
        "active_span": (active.low, active.high),
        "ahead": of * table.estimate,
        "ahead_span": (of * table.low, of * table.high),
        "weeks": ahead,
        "n": table.n,
    }
    if model != "bg_bb":
        claim = (
            _(
                "The purchase model expects {ahead:number1} purchases per customer in the next "
                "{weeks:count} weeks; {active:rate} of past buyers have not stopped buying "
                "(active).",
                **facts,
            )
            if of == 1
            else _(
                "The purchase model expects {ahead:number1} purchases per 100 customers in the "
                "next {weeks:count} weeks; {active:rate} of past buyers have not stopped buying "
                "(active).",
                **facts,
            )
        )
    else:
        claim = (
            _(
                "The purchase model expects {ahead:number1} purchases per customer in the next "
                "{weeks:count} periods; it counts {active:rate} as active.",
                **facts,
            )
            if of == 1
            else _(
                "The purchase model expects {ahead:number1} purchases per 100 customers in the "
                "next {weeks:count} periods; it counts {active:rate} as active.",
                **facts,
            )
        )
    detail = (
        _("no interval can be given; n = {n:count}", **facts)
        if np.isnan(table.low) or np.isnan(active.low)
        else _(
            "95% CI {active_span:share_interval1} active and {ahead_span:interval1} purchases; "
            "n = {n:count}",
            **facts,
        )
    )
    return Finding.of_row(
        active, claim, detail, unit="share", measure="active", importance=Importance.ANSWER
    )
