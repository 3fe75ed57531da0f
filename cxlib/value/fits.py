"""The purchase model and the amounts together: `fit`, and `score` of customers by it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, simultaneous_interval
from cxlib.value import expected
from cxlib.value.found import (
    AMOUNT,
    NAMES,
    PURCHASE,
    Amounts,
    Found,
    Purchase,
    Worth,
    design_of,
    joined_to,
)
from cxlib.value.histories import histories
from cxlib.value.likelihood import parameters_of
from cxlib.value.standing import members


@dataclass(frozen=True)
class Value(Estimates):
    """What customers are worth, and what is needed to value others alike.

    Attributes
    ----------
    table : [group,] term (worth), estimate: discounted margin of a customer within `weeks`, in the
        currency of the orders; groups hold together
    alive, purchases : the same for the share who are here still, and purchases within `weeks`
    parameters : term, estimate, low, high, n
    logarithms, amounts : of the parameters of the purchase model (k,), of Gamma-Gamma (3,)
    """

    alive: pd.DataFrame = field(kw_only=True)
    purchases: pd.DataFrame = field(kw_only=True)
    parameters: pd.DataFrame = field(kw_only=True)
    model: Purchase = field(kw_only=True)
    logarithms: np.ndarray = field(kw_only=True)
    amounts: np.ndarray = field(kw_only=True)
    height: float = field(kw_only=True)
    amounts_apart: float = field(kw_only=True)
    weeks: float = field(kw_only=True)
    discount: float = field(kw_only=True)
    margin: float = field(kw_only=True)

    @property
    def outlook(self) -> Estimates:
        """`purchases` with a sentence about them and about `alive`."""
        here, ahead = self.alive.iloc[0], self.purchases.iloc[0]
        often = ahead.estimate >= 1
        of = 1 if often else 100
        said = _(
            "{here:share1} ({here_span:share_interval1}) of customers are taken to be here still; "
            "a customer is expected to buy {ahead:number1} times ({ahead_span:interval1}) over "
            "the next {weeks:count} weeks."
            if often
            else (
                "{here:share1} ({here_span:share_interval1}) of customers are taken to be here "
                "still; 100 customers are expected to buy {ahead:number1} times "
                "({ahead_span:interval1}) over the next {weeks:count} weeks."
            ),
            here=here.estimate,
            here_span=(here.low, here.high),
            ahead=of * ahead.estimate,
            ahead_span=(of * ahead.low, of * ahead.high),
            weeks=self.weeks,
        )
        return Estimates(
            self.purchases, said, self.note, "purchases", draws=self.draws, seed=self.seed
        )


def fit(
    orders: pd.DataFrame,
    *,
    model: Purchase = "bg_nbd",
    amounts: Amounts = "purchases",
    groups: pd.Series | None = None,
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
    weeks: float = 52,
    discount: float = 0.10,
    margin: float = 1.0,
    currency: str = "",
    draws: int = 1000,
    seed: int = 1,
) -> Value:
    """Worth of a customer over the next `weeks`, by maximum likelihood, with 95% intervals.

    `orders` has customer_id, at, amount. `groups` gives each customer_id (its index) a group,
    `covariates` numbers that go with how fast customers buy and how soon they leave (Fader and
    Hardie 2007: each unit multiplies the rate by exp of its coefficient).
    `amounts` are learnt from every purchase, or from customers' means as published. `discount` is
    a year's rate, `margin` what is kept of an amount, `currency` that of the answer. Intervals draw
    customers whole and refit the models by one Newton step a draw. Raises Unfit (a ValueError)
    where there are too few repeat buyers or the likelihood has no maximum.
    """
    _checked(model, amounts, weeks, discount, margin)
    kept, notes = histories(orders, as_of)
    found = Found(kept, model, covariates, amounts)
    worth = Worth(found, weeks, discount, margin)
    values, slopes = worth.each()
    names, member = members(pd.Index(kept["customer_id"]), groups)
    tables, drawn = _tables(found, values, slopes, names, member, draws, seed)
    parameters = _parameters(found, drawn["purchase"], drawn["amount"])
    if model == "bg_nbd" and (once := int((kept["repeats"] == 0).sum())):
        notes.append(
            _(
                "BG/NBD lets nobody leave before a second purchase: {once:count} who bought once "
                "count as here still.",
                once=once,
            )
        )
    notes += [how_drawn(draws, bucket="customer_id")]
    return Value(
        tables["worth"],
        _answer(tables["worth"], weeks, currency),
        i18n.together(notes),
        "amount",
        draws=draws,
        seed=seed,
        alive=tables["alive"],
        purchases=tables["purchases"],
        parameters=parameters,
        model=model,
        logarithms=found.purchase.at,
        amounts=found.amount.at,
        height=found.purchase.height,
        amounts_apart=found.apart,
        weeks=weeks,
        discount=discount,
        margin=margin,
    )


def score(
    orders: pd.DataFrame,
    fit: Value,
    *,
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """One row a customer: repeats, last, age, alive, risk, purchases, amount, worth, and `if_here`.

    `alive` is the chance of being here still, `risk` of being gone; `if_here` is the worth of a
    customer who is here still, and `worth` counts the chance of that.
    """
    kept, _unused = histories(orders, as_of)
    joined, names = joined_to(kept, covariates)
    own = parameters_of(fit.logarithms, design_of(fit.model, joined[names].to_numpy(float)))
    data = tuple(kept[["repeats", "last", "age"]].to_numpy(float).T)
    amount = expected.amount(np.exp(fit.amounts), *kept[["paid", "mean_amount"]].to_numpy(float).T)
    worth = fit.margin * amount
    worth = worth * expected.discounted(fit.model, own, *data, fit.weeks, fit.discount)
    alive = expected.alive(fit.model, own, *data)
    return kept.assign(
        alive=alive,
        risk=1 - alive,
        purchases=expected.purchases(fit.model, own, *data, fit.weeks),
        amount=amount,
        worth=worth,
        if_here=worth / alive,
    )


def listed(scored: pd.DataFrame) -> pd.DataFrame:
    """Scored customers as a list to hand on: those of most worth first, numbers rounded.

    customer_id, first (day), repeats, alive (a chance), purchases, amount, worth.
    """
    columns = ["customer_id", "first", "repeats", "alive", "purchases", "amount", "worth"]
    rows = scored.sort_values("worth", ascending=False, kind="stable")[columns]
    rows = rows.assign(first=rows["first"].dt.strftime("%Y-%m-%d"))
    return rows.round({"alive": 3, "purchases": 2, "amount": 2, "worth": 2})


def _tables(
    found: Found,
    values: np.ndarray,
    slopes: np.ndarray,
    names: list[str],
    member: np.ndarray,
    draws: int,
    seed: int,
) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    # A draw's mean is its sum of values plus what its parameters move them by: all are sums.
    groups = member.shape[1]
    parts = found.parts()
    inside = [np.column_stack([m, m[:, None] * values]) for m in member.T]
    sums = resampling.resample_sums(np.hstack([parts, *inside]), draws, seed)
    k, ends = len(found.purchase.at), parts.shape[1]
    drawn = {
        "purchase": found.purchase.moved(sums[:, : k + k * k]),
        "amount": found.amount.moved(sums[:, k + k * k : ends]),
    }
    moved = np.hstack([drawn["purchase"] - found.purchase.at, drawn["amount"] - found.amount.at])
    by_group = sums[:, ends:].reshape(draws, groups, 4)
    tilt = np.einsum("ig,isp->gsp", member, slopes) / member.sum(0)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = by_group[..., 1:] / by_group[..., :1]
    replicates = means + np.einsum("gsp,dp->dgs", tilt, moved)
    estimate = member.T @ values / member.sum(0)[:, None]
    n = member.sum(0).astype(int)
    tables = {
        name: _grouped(name, names, estimate[:, at], replicates[..., at], n)
        for at, name in enumerate(("alive", "purchases", "worth"))
    }
    tables["alive"][["low", "high"]] = tables["alive"][["low", "high"]].clip(0, 1)
    return tables, drawn


def _grouped(
    term: str, names: list[str], estimate: np.ndarray, replicates: np.ndarray, n: np.ndarray
) -> pd.DataFrame:
    """The whole first, by percentiles; the groups after it hold together (max-t)."""
    table = estimates_table([term] * len(n), estimate, replicates, n)
    if len(names) > 1:
        low, high = simultaneous_interval(estimate[1:], replicates[:, 1:])
        table.loc[1:, "low"], table.loc[1:, "high"] = np.maximum(low, 0), high
        table.insert(0, "group", names)
    return table


def _parameters(found: Found, purchase: np.ndarray, amount: np.ndarray) -> pd.DataFrame:
    """Parameters as the literature has them; coefficients of covariates are left as they are."""
    names = found.names()
    n = [found.customers] * len(found.purchase.at) + [int(found.buyers.sum())] * len(AMOUNT)
    values = np.concatenate([found.purchase.at, found.amount.at])
    drawn = np.hstack([purchase, amount])
    positive = np.array([name in (*NAMES[found.model], *AMOUNT) for name in names])
    values[positive], drawn[:, positive] = np.exp(values[positive]), np.exp(drawn[:, positive])
    return estimates_table(names, values, drawn, n)


def _answer(worth: pd.DataFrame, weeks: float, currency: str) -> str:
    row = worth.iloc[0]
    return _(
        "A customer is expected to bring {estimate} ({span:interval2}) over the next "
        "{weeks:count} weeks, in today's money, n {n:count}.",
        estimate=f"{i18n.number(row.estimate, 2)} {currency}".strip(),
        span=(row.low, row.high),
        weeks=weeks,
        n=int(row.n),
    )


def _checked(model: str, amounts: str, weeks: float, discount: float, margin: float) -> None:
    if model not in PURCHASE:
        raise ValueError(f"model={model!r} is not a choice. There are: {', '.join(PURCHASE)}.")
    for name, value, least in (
        ("weeks", weeks, 1),
        ("discount", discount, 0),
    ):
        if not least <= value < np.inf:
            raise ValueError(f"{name} is {value}; it must be {least} or more.")
    if not 0 < margin <= 1:
        raise ValueError(
            f"margin is {margin}; it must be above 0 and at most 1, a share of amounts."
        )
