"""Customer lifetime value: the purchase model and the amounts together, and scores of customers.

fit = lifetime_value(sample, Valuation(margin=0.3))     # weeks ahead, discounted
score(sample, fit)                                      # a row a customer
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.stats.notes import resampling_note
from cxlib.value import predictions
from cxlib.value.histories import purchase_histories
from cxlib.value.newton import MOST_REFITTED, parameters_of
from cxlib.value.patterns import CountedPurchases, histories
from cxlib.value.purchase_model import (
    AMOUNT,
    NAMES,
    PURCHASE,
    Purchase,
    PurchaseModel,
    design_of,
    individual_values,
    with_covariates,
)
from cxlib.value.valuation import Valuation, valued

MEASURES = mark("active", "purchases", "CLV")
WORDS = ("clv",)
UNRELIABLE = 0.5  # error of the hold-out, or gap between models, from which no forecast is trusted
SHORT = 300  # customers below which two models give short intervals of who is still active


def lifetime_value(
    sample: SampleLike,
    valuation: Valuation | None = None,
    *,
    model: Purchase = "bg_nbd",
    groups: pd.Series | None = None,
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
    counted: CountedPurchases | None = None,
) -> Result:
    """Customer lifetime value over the coming weeks, by maximum likelihood, with 95% intervals.

    Parameters
    ----------
    sample : orders with customer_id, at (dates) and amount; a negative amount is a refund
    valuation : horizon, discount and margin (52 weeks, 10% a year, in sales)
    model : of purchases, "bg_nbd", "mbg_nbd" or "pareto_nbd" (`compare_models` chooses); amounts
        are Gamma-Gamma, independent of how often a customer buys (`correlation` tells how far that
        holds)
    groups : group of each customer_id (its index)
    covariates : numbers for each customer_id (its index); each unit multiplies the rate of
        purchases, and that of leaving, by exp of its coefficient
    as_of : date from which customers are seen, the day after the last order by default
    counted : purchases of all customers, counted in the store (`study.loyalty.purchases`), with
        their groups in place of `groups`; then `sample` has the orders of some of them, from whom
        the distribution of amounts is learned

    Returns
    -------
    Result with tables

    - "table", "active", "purchases": [group,] term, estimate, low, high, n: the discounted value
      of a customer, the share still active, purchases to come; everyone first, then the groups,
      with simultaneous_low and simultaneous_high
    - "parameters": term, estimate, low, high, n

    and parts model, log_parameters, log_amounts, loglik, loglik_amounts (of the spending model),
    correlation (of the number and the mean amount of purchases; `amount_correlation` has its
    interval) and valuation. Each draw resamples customers and refits the models: by one
    Newton step, by several where there are a few hundred customers.

    Raises
    ------
    InsufficientData : too few customers who bought again, or a likelihood without a maximum
    ValueError : columns or choices that do not exist, covariates that are missing

    References
    ----------
    Fader, Hardie and Lee (2005) for BG/NBD; Schmittlein, Morrison and Colombo (1987) for
    Pareto/NBD; Fader and Hardie (2013) for Gamma-Gamma, (2007) for covariates; Davidson and
    MacKinnon (1999) for the bootstrap by one step, Andrews (2002) for that by several.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rate, life = rng.gamma(0.8, 0.2, 300), rng.exponential(30, 300)
    >>> weeks = [rng.exponential(1 / r, 40).cumsum() for r in rate]
    >>> weeks = [[0.0, *w[w < min(end, 60)]] for w, end in zip(weeks, life)]
    >>> orders = pd.DataFrame([(i, w) for i, bought in enumerate(weeks) for w in bought])
    >>> orders = orders.set_axis(["customer_id", "week"], axis=1)
    >>> orders["at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(orders["week"] * 7, unit="D")
    >>> orders["amount"] = rng.gamma(5, rng.gamma(4, 1, 300)[orders["customer_id"]])
    >>> fit = lifetime_value(Sample(orders, draws=20), Valuation(margin=0.3))
    >>> fit.table["term"].tolist(), list(fit.tables)
    (['CLV'], ['table', 'active', 'purchases', 'parameters'])
    """
    sample, valuation = as_sample(sample), valuation or Valuation()
    require_choice("model", model, PURCHASE)
    found = histories(sample, as_of=as_of, groups=groups, counted=counted)
    notes = found.notes
    notes.append(_("A purchase is a day on which a customer bought: orders of one day count once."))
    fit = PurchaseModel(found.rows, model, covariates, valuation.amounts, found.buyers)
    belongs = members_of(found.group, len(found.rows))
    tables, drawn = _tables(fit, valuation, belongs, sample)
    if len(belongs[0]) > 1 and (none := int(fit.each[belongs[1][:, 1:].sum(1) == 0].sum())):
        notes.append(
            ngettext(
                "{n} customer belongs to none of the groups and counts for everyone alone, so that "
                "everyone may lie outside of all groups.",
                "{n} customers belong to none of the groups and count for everyone alone, so that "
                "everyone may lie outside of all groups.",
                none,
                n=disclosure.count_in_words(none),
            )
        )
    if model == "bg_nbd" and (once := int(fit.each[found.rows["repeats"] == 0].sum())):
        notes.append(
            _(
                "BG/NBD lets nobody leave before a second purchase: {once:count} customers who "
                "bought once count as active.",
                once=once,
            )
        )
    if model in ("mbg_nbd", "pareto_nbd") and fit.customers < SHORT:
        notes.append(
            _(
                "Of fewer than {n:count} customers, 95% intervals of the share still active hold "
                "in some 90 of 100 studies.",
                n=SHORT,
            )
        )
    notes += [resampling_note(sample.replace(cluster="customer_id"))]
    whole = tables["CLV"].iloc[0]
    if np.isnan(whole.low):
        notes.append(
            _(
                "No interval can be given: in most resamples the data do not bound a parameter of "
                "the model, as where hardly anybody seems to leave. Do not rely on this forecast."
            )
        )
    return Result(
        {
            "table": tables["CLV"],
            "active": tables["active"],
            "purchases": tables["purchases"],
            "parameters": _parameters(fit, *drawn),
        },
        valued(
            whole,
            valuation,
            float(tables["purchases"]["estimate"].iloc[0]),
            0 if counted is None else int(fit.buyers.sum()),
        ),
        i18n.together(notes),
        "amount",
        draws=sample.draws,
        seed=sample.seed,
        parts={
            "model": model,
            "log_parameters": fit.purchase.at,
            "log_amounts": fit.amount.at,
            "loglik": fit.purchase.loglik,
            "loglik_amounts": fit.amount.loglik,
            "correlation": fit.correlation,
            "valuation": valuation,
        },
    )


def with_reliability(fit: Result, models: Result | None) -> Result:
    """The Result of `lifetime_value`, whose claim says where its forecast is not reliable.

    It is not where the model was off by more than half of what was bought in the hold-out, or
    models that fit alike put the shares of customers still active further apart than half of all.

    Parameters
    ----------
    fit : of `lifetime_value`
    models : of `compare_models`; the Result is left as it is without

    Examples
    --------
    >>> table = pd.DataFrame({"estimate": [0.03, 1.0], "error": [0.1, 0.2], "fits": True})
    >>> models = Result(table.assign(chosen=[True, False]), Finding(""))
    >>> clv = Result(table.head(1), Finding("The average customer is worth €9."))
    >>> print(with_reliability(clv, models))
    The average customer is worth €9; this forecast is not reliable.
    """
    if models is None:
        return fit
    table = models.table
    near = table.loc[table["fits"], "estimate"]
    error = abs(float(table.loc[table["chosen"], "error"].iloc[0]))
    apart = near.max() - near.min() > UNRELIABLE
    if not (error > UNRELIABLE or apart):
        return fit
    why = []
    if error > UNRELIABLE:
        why.append(_("off by {error:share} in the hold-out", error=error))
    if apart:
        why.append(
            _(
                "models that fit alike have {low:share} to {high:share} of customers active",
                low=near.min(),
                high=near.max(),
            )
        )
    told = fit.finding
    claim = _("{claim}; this forecast is not reliable.", claim=told.claim.rstrip(".。"))
    detail = _("; ").join([d for d in [told.detail, *why] if d])
    return fit.replace(finding=replace(told, claim=claim, detail=detail, verdict="unclear"))


def expected_purchases(fit: Result, models: Result | None = None) -> Result:
    """The table "purchases" of a fit, with a sentence on it and on those still active.

    Parameters
    ----------
    fit : of `lifetime_value`
    models : of `compare_models`; where who is active depends on the model, the sentence says so
    """
    active, ahead = fit.active.iloc[0], fit.purchases.iloc[0]
    depends = bool(models and models.depends)
    of = 1 if ahead.estimate >= 1 and not depends else 100
    facts: dict[str, Any] = {
        "active": active.estimate,
        "active_span": (active.low, active.high),
        "ahead": of * ahead.estimate,
        "ahead_span": (of * ahead.low, of * ahead.high),
        "digits": 2 if of * (ahead.high - ahead.low) < 0.2 else 1,
        "weeks": fit.valuation.weeks,
        "n": active.n,
    }
    if depends:
        claim = _(
            "The purchase model expects {ahead:number1} purchases per 100 customers in the next "
            "{weeks:count} weeks; how many are active depends on the model.",
            **facts,
        )
    elif of == 1:
        claim = _(
            "The purchase model expects {ahead:number1} purchases per customer in the next "
            "{weeks:count} weeks; {active:rate} of past buyers have not stopped buying (active).",
            **facts,
        )
    else:
        claim = _(
            "The purchase model expects {ahead:number1} purchases per 100 customers in the next "
            "{weeks:count} weeks; {active:rate} of past buyers have not stopped buying (active).",
            **facts,
        )
    detail = (
        _("no interval can be given; n = {n:count}", **facts)
        if np.isnan(active.low) or np.isnan(ahead.low)
        else _(
            "{active:rate} active by this model (95% CI {active_span:share_interval1}); "
            "{ahead_span:interval{digits}} days of purchase; n = {n:count}",
            **facts,
        )
        if depends
        else _(
            "95% CI {active_span:share_interval1} active and {ahead_span:interval{digits}} days of "
            "purchase; n = {n:count}",
            **facts,
        )
    )
    finding = Finding.of_row(
        active,
        claim,
        detail,
        unit="share",
        measure="active",
        verdict="unclear" if depends else "",
        importance=Importance.CONTEXT if depends else Importance.ANSWER,
    )
    tables = {"table": fit.purchases, "active": fit.active}
    return Result(tables, finding, fit.notes, "purchases", draws=fit.draws, seed=fit.seed)


def score(
    sample: SampleLike,
    fit: Result,
    *,
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
) -> Sample:
    """What a fit predicts of each customer.

    Parameters
    ----------
    sample : orders, as for `lifetime_value`
    fit : of `lifetime_value`
    covariates : as in the fit
    as_of : date from which customers are seen, the day after the last order by default

    Returns
    -------
    Sample with a row a customer: customer_id, first (day), repeats, last, age (weeks), paid,
    mean_amount, mean_log, active (probability), risk (1 - active), purchases, amount, clv (in the
    currency of the orders) and clv_if_active

    Raises
    ------
    ValueError : columns that are missing, covariates that are missing
    """
    sample, valuation = as_sample(sample), fit.valuation
    kept = purchase_histories(sample.data, as_of)[0]
    joined, names = with_covariates(kept, covariates)
    own = parameters_of(fit.log_parameters, design_of(fit.model, joined[names].to_numpy(float)))
    x, last, age = kept[["repeats", "last", "age"]].to_numpy(float).T
    paid = kept[["paid", "mean_amount"]].to_numpy(float).T
    amount = predictions.amount(np.exp(fit.log_amounts), *paid)
    terms = valuation.weeks, valuation.discount
    active, come, worth = predictions.measures(fit.model, own, x, last, age, *terms).T
    clv = valuation.kept * amount * worth
    rows = kept.assign(
        active=active,
        risk=1 - active,
        purchases=come,
        amount=amount,
        clv=clv,
        clv_if_active=clv / active,
    )
    return Sample(rows, cluster="customer_id", draws=sample.draws, seed=sample.seed)


def customer_list(scored: SampleLike) -> pd.DataFrame:
    """Scored customers as a list to hand on: the most valuable first, numbers rounded.

    Parameters
    ----------
    scored : of `score`

    Returns
    -------
    customer_id, first_purchase (day), repeats, probability_active, expected_purchases, amount, clv
    """
    columns = ["customer_id", "first", "repeats", "active", "purchases", "amount", "clv"]
    scored = as_sample(scored)
    rows = scored.data.sort_values("clv", ascending=False, kind="stable")[columns]
    rows = rows.assign(first=rows["first"].dt.strftime("%Y-%m-%d"))
    rows = rows.round({"active": 3, "purchases": 2, "amount": 2, "clv": 2})
    clear = {"first": "first_purchase", "active": "probability_active"}
    return rows.rename(columns=clear | {"purchases": "expected_purchases"})


def members(ids: pd.Index, groups: pd.Series | None) -> tuple[list[str], np.ndarray]:
    """Names, and who belongs (customers, names): everyone first, then each group."""
    return members_of(None if groups is None else pd.Series(ids).map(groups), len(ids))


def members_of(group: pd.Series | None, rows: int) -> tuple[list[str], np.ndarray]:
    """`members`, of so many rows whose groups are known."""
    everyone = np.ones((rows, 1))
    if group is None:
        return [_("everyone")], everyone
    names = sorted(group.dropna().astype(str).unique())
    inside = group.astype(str).to_numpy()[:, None] == np.array(names)
    return [_("everyone"), *names], np.hstack([everyone, inside])


def _tables(
    fit: PurchaseModel,
    valuation: Valuation,
    groups: tuple[list[str], np.ndarray],
    sample: Sample,
) -> tuple[dict[str, pd.DataFrame], tuple[np.ndarray, np.ndarray]]:
    """A table a measure, and the replicates of the parameters of both models."""
    terms = valuation.weeks, valuation.discount, valuation.kept
    values, gradients = individual_values(fit, *terms)
    names, member = groups
    if len(fit.count) <= MOST_REFITTED:
        drawn, replicates = _refitted(fit, terms, member, sample)
    else:
        drawn, replicates = _one_step(fit, values, gradients, member, sample)
    counts = member * fit.each[:, None]
    estimate = counts.T @ values / counts.sum(0)[:, None]
    n = counts.sum(0).astype(int)
    tables = {
        name: grouped(name, names, estimate[:, at], replicates[..., at], n)
        for at, name in enumerate(MEASURES)
    }
    ends = tables["active"].columns.intersection([*INTERVAL[1:], *SIMULTANEOUS])
    tables["active"][ends] = tables["active"][ends].clip(0, 1)
    return tables, drawn


def _refitted(
    fit: PurchaseModel, terms: tuple[float, ...], member: np.ndarray, sample: Sample
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Replicates of the parameters, and means of the groups (draws, groups, 3), of refitted draws.

    One Newton step is too short for few customers: of 150, its intervals cover in 70% to 85%.
    """
    times = fit.resample(np.eye(len(fit.each)), sample.draws, sample.seed)
    bought = fit.resample_buyers(np.eye(len(fit.buyers)), sample.draws, sample.seed)
    drawn = fit.refits(times, bought)
    means = np.full((sample.draws, member.shape[1], 3), np.nan)
    for mean, often, *at in zip(means, times, *drawn, strict=True):
        weight = often[:, None] * member
        with np.errstate(all="ignore"):
            mean[:] = weight.T @ fit.values(*at, *terms) / weight.sum(0)[:, None]
    return drawn, means


def _one_step(
    fit: PurchaseModel,
    values: np.ndarray,
    gradients: np.ndarray,
    member: np.ndarray,
    sample: Sample,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """As `_refitted`, by one Newton step, with values that follow the parameters in a line."""
    # A draw's mean is its sum of values plus what its parameters move them by: all are sums.
    inside = [np.column_stack([m, m[:, None] * values]) for m in member.T]
    stacked = np.hstack([fit.purchase.parts[fit.which], *inside])
    sums, k = fit.resample(stacked, sample.draws, sample.seed), len(fit.purchase.at)
    money = fit.resample_buyers(fit.amount_parts(), sample.draws, sample.seed)
    purchase, amount = fit.purchase.replicates(sums[:, : k + k * k]), fit.amount.replicates(money)
    change = np.hstack([purchase - fit.purchase.at, amount - fit.amount.at])
    by_group = sums[:, k + k * k :].reshape(sample.draws, member.shape[1], 4)
    counts = member * fit.each[:, None]
    tilt = np.einsum("ig,isp->gsp", counts, gradients) / counts.sum(0)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = by_group[..., 1:] / by_group[..., :1]
    # Customers of one pattern paid different amounts, which are drawn with them.
    varied = np.sqrt(counts.T @ fit.value_variance(values)) / counts.sum(0)
    rng = np.random.default_rng(sample.seed)
    means[..., 2] += varied * rng.standard_normal(means.shape[:2])
    return (purchase, amount), means + np.einsum("gsp,dp->dgs", tilt, change)


def grouped(
    term: str, names: list[str], estimate: np.ndarray, replicates: np.ndarray, n: np.ndarray
) -> pd.DataFrame:
    """Everyone first; simultaneous intervals of the groups beside their own."""
    table = estimates_table([term] * len(n), estimate, replicates, n.tolist())
    table["low"] = table["low"].clip(0)  # a draw of few customers may fall below what there can be
    if len(names) > 1:
        ends = simultaneous_interval(estimate[1:], replicates[:, 1:])
        low, high = (pd.Series(end, table.index[1:]).reindex(table.index) for end in ends)
        table = table.assign(simultaneous_low=low.clip(0), simultaneous_high=high)
        table.insert(0, "group", names)
    return table


def _parameters(fit: PurchaseModel, purchase: np.ndarray, amount: np.ndarray) -> pd.DataFrame:
    """Parameters as the literature has them; coefficients of covariates are left as they are."""
    names = fit.names()
    n = [fit.customers] * len(fit.purchase.at) + [int(fit.buyers.sum())] * len(AMOUNT)
    values = np.concatenate([fit.purchase.at, fit.amount.at])
    drawn = np.hstack([purchase, amount])
    positive = np.array([name in (*NAMES[fit.model], *AMOUNT) for name in names])
    values[positive], drawn[:, positive] = np.exp(values[positive]), np.exp(drawn[:, positive])
    return estimates_table(names, values, drawn, n)
