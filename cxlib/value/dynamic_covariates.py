"""Covariates that change with time in the (M)BG/NBD model: promotions, seasons, prices.

A customer who is active buys at the rate lambda * exp(z(t) @ beta), with z(t) constant within each
period. Seen on a clock of one's own, A(t) = the integral of exp(z @ beta) from the first purchase
on, purchases come at the constant rate lambda; and a customer leaves after a purchase, whenever
that is. So the likelihood is that of the model without covariates at the times A(last) and A(age),
times exp(z @ beta) at each repeat purchase, and a forecast is one over A(age + ahead) - A(age).
Bachmann, Meierer and Näf (2021, Marketing Science 40(4)) do the same for the Pareto/NBD, whose
customers leave by the calendar, so that there a closed form is lost.

The rate of a day is in force on the way to that day: purchases of a day, and the time from the day
before, have its covariates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxlib.value import loglik, predictions
from cxlib.value.newton import Model

CLOCKS = ("bg_nbd", "mbg_nbd")  # models whose customers leave at purchases
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """Of n customers, S periods and q covariates.

    Attributes
    ----------
    names : of the covariates
    values : (n, S, q), of each period
    bought : (n, q), sum of the covariates over repeat purchases
    last, seen, ahead : weeks of each period from the first purchase to the last, to the last day
        seen, and from there to the horizon, (n, S)
    """

    names: list[str]
    values: np.ndarray
    bought: np.ndarray
    last: np.ndarray
    seen: np.ndarray
    ahead: np.ndarray

    def data(self, repeats: np.ndarray) -> tuple[np.ndarray, ...]:
        """What the model of `clocked` takes beside its parameters."""
        return repeats, self.bought, self.values, self.last, self.seen

    def times(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A(last), A(age) and A(age + ahead) - A(age) of each customer, each (n,)."""
        speed = np.exp(self.values @ beta)
        last, seen, ahead = ((days * speed).sum(1) for days in (self.last, self.seen, self.ahead))
        return last, seen, ahead

    def expected(self, model: str, at: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        """Probability of being active and purchases until the horizon of each customer, (n, 2)."""
        last, seen, ahead = self.times(at[4:])
        history = repeats, last, seen
        own = np.exp(at[:4])
        return np.column_stack(
            [
                predictions.active(model, own, *history),
                predictions.purchases(model, own, *history, ahead),
            ]
        )


def clocked(model: str) -> Model:
    """The log-likelihood of a model on a clock: its parameters, then exp(beta) of each covariate.

    Data are those of `Clock.data`.
    """
    first = int(model == "mbg_nbd")

    def surface(
        parameters: np.ndarray,
        x: np.ndarray,
        bought: np.ndarray,
        values: np.ndarray,
        last: np.ndarray,
        seen: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        own, times = parameters[:4], parameters[4:].reshape(-1)
        r, alpha, a, b = own
        beta, k = np.log(times), len(parameters)
        terms, place = np.unique(x, return_inverse=True)
        parts = loglik.of_repeats(own, terms, first)
        shared, gradient_of, hessian_of = (part.take(place, -1) for part in parts)
        every, chances = r + x, x + first
        before = np.where(chances > 0, b + chances - 1, 1.0)
        # Two ways to this history, active (0) and left after the last purchase (1)
        log = np.empty((2, len(x)))
        slope, bend = np.zeros((2, k, len(x))), np.zeros((2, k, k, len(x)))
        speed = np.exp(values @ beta)
        for way, weeks in enumerate((seen, last)):
            passed = weeks * speed
            weighted = passed[..., None] * values
            moved = weighted.sum(1).T
            curved = np.moveaxis(weighted.transpose(0, 2, 1) @ values, 0, -1)
            since = alpha + passed.sum(1)
            log[way] = -every * np.log(since)
            toward = np.concatenate([np.ones((1, len(x))), moved])  # alpha and beta move `since`
            at = np.r_[1, 4:k]
            slope[way, 0], slope[way, at] = -np.log(since), -every / since * toward
            bend[way, 0, at] = bend[way, at, 0] = -toward / since
            bend[np.ix_([way], at, at)] = every / since**2 * toward[:, None] * toward
            bend[way, 4:, 4:] -= every / since * curved
        log[1] += np.where(chances > 0, np.log(a) - np.log(before), -np.inf)
        slope[1, 2], slope[1, 3] = 1 / a, -1 / before
        bend[1, 2, 2], bend[1, 3, 3] = -1 / a**2, 1 / before**2
        here = np.exp(log[0] - np.logaddexp(*log))
        share, apart = np.stack([here, 1 - here]), slope[0] - slope[1]
        gradient = (share[:, None] * slope).sum(0)
        hessian = (share[:, None, None] * bend).sum(0) + here * (1 - here) * apart[:, None] * apart
        gradient[:4] += gradient_of
        gradient[4:] += bought.T
        hessian[:4, :4] += hessian_of
        # `maximise` moves logarithms, and that of exp(beta) is beta: the chain rule, backwards
        beyond = np.arange(4, k)
        hessian[beyond, beyond] -= gradient[4:]
        scale = np.r_[np.ones(4), times]
        hessian /= (scale[:, None] * scale)[..., None]
        return (
            shared + np.logaddexp(*log) + bought @ beta,
            gradient / scale[:, None],
            hessian,
        )

    return surface


@dataclass(frozen=True)
class _Periods:
    """Periods of the covariates, and their values for each customer, (n, S, q)."""

    periods: pd.PeriodIndex
    values: np.ndarray
    names: list[str]

    @cached_property
    def days(self) -> tuple[np.ndarray, np.ndarray]:
        """First day of each period and the day after its last, as whole numbers."""
        start = self.periods.start_time.normalize()
        after = self.periods.end_time.normalize() + DAY
        return _number(start), _number(after)

    def weeks(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Weeks of each period among the days from `begin` until before `end` (n,): (n, S)."""
        start, after = self.days
        inside = np.minimum(after, end[:, None]) - np.maximum(start, begin[:, None])
        return np.maximum(inside, 0) / 7


def clock_of(
    days: pd.DataFrame, kept: pd.DataFrame, covariates: pd.DataFrame, end: pd.Timestamp, ahead: int
) -> Clock:
    """The clock of customers: what each period had, and how long each of them was in it.

    Parameters
    ----------
    days : customer_id, day: a row a customer and day with a purchase
    kept : of `purchase_histories`: customer_id, first, last
    covariates : as in `purchase_forecast`
    end : day from which customers are not seen any more
    ahead : weeks of the horizon

    Raises
    ------
    ValueError : covariates without periods, with text, twice of a period, or not of all days
    """
    table = _table(covariates, kept["customer_id"])
    first = _number(kept["first"]) + 1  # the way to the day after the first purchase is the first
    final = first + np.rint(kept["last"].to_numpy() * 7).astype(int)
    seen = np.full(len(kept), int(_number(pd.Series([(end - DAY).normalize()]))[0]) + 1)
    spans = [
        table.weeks(first, final),
        table.weeks(first, seen),
        table.weeks(seen, seen + 7 * ahead),
    ]
    needed = (spans[1] + spans[2]) > 0
    blank = (needed[..., None] & np.isnan(table.values)).any((1, 2))
    short = np.abs(7 * (spans[1] + spans[2]).sum(1) - (seen + 7 * ahead - first)) > 1e-9
    if lacking := int((blank | short).sum()):
        until = (end + pd.Timedelta(weeks=ahead) - DAY).date()
        raise ValueError(
            f"covariates: {lacking:,} of {len(kept):,} customers lack values of some day from "
            f"their first purchase to {until}, the end of the forecast. Give every period, future "
            "ones too."
        )
    values = np.nan_to_num(table.values)
    again = days[days["customer_id"].duplicated()]
    who = pd.Index(kept["customer_id"]).get_indexer(again["customer_id"])
    start, after = table.days
    day = _number(again["day"])
    place = np.searchsorted(start, day, side="right") - 1
    bought = np.zeros((len(kept), len(table.names)))
    known = (who >= 0) & (day < after[place])
    np.add.at(bought, who[known], values[who[known], place[known]])
    return Clock(table.names, values, bought, *spans)


def _table(covariates: pd.DataFrame, customers: pd.Series) -> _Periods:
    """The covariates of each customer by period, NaN where there are none."""
    if not isinstance(covariates.get("period", pd.Series(dtype=float)).dtype, pd.PeriodDtype):
        raise ValueError(
            "covariates need a column `period` of pandas periods, such as "
            "orders['at'].dt.to_period('W')."
        )
    names = [c for c in covariates if c not in ("period", "customer_id")]
    text = [c for c in names if not pd.api.types.is_numeric_dtype(covariates[c])]
    if text or not names:
        raise ValueError(f"covariates {text} hold no numbers. Make a column of 0 and 1 a level.")
    keys = [c for c in ("customer_id", "period") if c in covariates]
    if twice := int(covariates.duplicated(keys).sum()):
        raise ValueError(f"covariates: {twice:,} rows are of a period that another row has.")
    periods = pd.PeriodIndex(covariates["period"].unique()).sort_values()
    known = covariates.set_index(keys)[names].astype(float)
    if "customer_id" not in covariates:
        one = known.loc[periods].to_numpy()
        values = np.broadcast_to(one, (len(customers), *one.shape))
    else:
        every = pd.MultiIndex.from_product([customers, periods], names=keys)
        values = known.reindex(every).to_numpy().reshape(len(customers), len(periods), len(names))
    return _Periods(periods, values, names)


def _number(days: pd.Series | pd.DatetimeIndex) -> np.ndarray:
    """Days as whole numbers."""
    return np.asarray(days).astype("datetime64[D]").astype(int)
