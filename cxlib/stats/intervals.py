"""Intervals: of one number from its replicates, of several that hold together, and of shares.

Replicates are the same numbers in each bootstrap draw, (draws, terms), NaN where a draw gives none.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from cxlib.core.columns import INTERVAL, SIMULTANEOUS

LEVEL = 0.95


def estimates_table(
    terms: Sequence[str],
    estimate: np.ndarray,
    replicates: np.ndarray,
    n: int | Sequence[int],
    *,
    level: float = LEVEL,
    **groups: object,
) -> pd.DataFrame:
    """Tidy table of estimates with percentile intervals.

    Parameters
    ----------
    terms : names of the estimates
    estimate : (terms,)
    replicates : (draws, terms); NaN draws are left out of the interval (`failed_draws` counts them)
    n : answers behind all or each of them
    level : confidence level
    groups : columns to put in front

    Returns
    -------
    Table with the grouping columns, then term, estimate, low, high, n. An interval always holds its
    estimate: draws of a biased statistic (many drivers, few rows) may all lie on one side of it.

    Examples
    --------
    >>> draws = np.array([[0.1], [0.2], [0.3]])
    >>> estimates_table(["speed"], [0.2], draws, 40, level=1.0).values.tolist()
    [['speed', 0.2, 0.1, 0.3, 40]]
    """
    low, high = percentile_interval(replicates, level)
    estimate = np.asarray(estimate, float)
    low, high = np.minimum(low, estimate), np.maximum(high, estimate)
    table = pd.DataFrame({"term": list(terms), "estimate": estimate, "low": low, "high": high})
    table["n"] = n
    for place, (name, value) in enumerate(groups.items()):
        table.insert(place, name, value)
    return table


def recentred_fit(table: pd.DataFrame, replicates: np.ndarray) -> pd.DataFrame:
    """Rows of R² with their intervals moved back by the bias of the draws.

    The unexplained share of a sample is too small by a factor, for its coefficients are fitted to
    its own errors, and that of a draw is so twice over: the unexplained share at either end of an
    interval of draws is multiplied by the factor twice.

    Parameters
    ----------
    table : of `estimates_table`
    replicates : (draws, terms)

    Returns
    -------
    The table with other low and high; they hold the estimate still, and low is at least 0.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 10.

    Examples
    --------
    >>> draws = np.array([[0.2], [0.4], [0.6]])
    >>> table = estimates_table(["R²"], np.array([0.25]), draws, 40, level=1.0)
    >>> recentred_fit(table, draws)[["low", "high"]].round(3).values.tolist()
    [[0.0, 0.375]]
    """
    if not replicates.size:
        return table
    factor = (1 - table["estimate"]) / np.maximum(1 - np.nanmedian(replicates, axis=0), 1e-12)
    low, high = (1 - (1 - table[end]) * factor**2 for end in ("low", "high"))
    return table.assign(
        low=np.minimum(low.clip(0), table["estimate"]), high=np.maximum(high, table["estimate"])
    )


def percentile_interval(
    replicates: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over the draws, the first axis; NaN draws are left out.

    Parameters
    ----------
    replicates : (draws, ...)
    level : confidence level

    Returns
    -------
    (low, high), each (...); NaN without any draw.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0), 0.9)
    >>> round(float(low), 6), round(float(high), 6)
    (4.1, 95.9)
    """
    replicates = np.asarray(replicates, float)
    tail = (1 - level) / 2
    if not len(replicates):
        nothing = np.full(replicates.shape[1:], np.nan)
        return nothing, nothing
    low, high = draw_quantile(replicates, [tail, 1 - tail])
    return low, high


def draw_quantile(replicates: np.ndarray, at: float | Sequence[float]) -> np.ndarray:
    """Quantiles over draws, the first axis: number (draws + 1) * at in their order.

    So an interval of a few hundred draws covers as often as one of very many would. The usual
    quantiles, (draws - 1) * at + 1, lie further inside: 200 draws would cover 94% in place of 95%.

    Parameters
    ----------
    replicates : (draws, ...); NaN draws are left out, and of nothing but such the quantile is NaN
    at : probabilities

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5; type 6 of
    Hyndman and Fan (1996), The American Statistician 50(4).

    Examples
    --------
    >>> draw_quantile(np.arange(1.0, 40), [0.025, 0.975]).tolist()
    [1.0, 39.0]
    """
    missing = np.isnan(replicates)
    if not missing.any():
        return np.quantile(replicates, at, axis=0, method="weibull")
    # What no draw could estimate has no quantile; numpy would warn of it. Zeros stand in for it.
    none = missing.all(axis=0)
    found = np.nanquantile(np.where(none, 0.0, replicates), at, axis=0, method="weibull")
    return np.where(none, np.nan, found)


def expanded_level(units: float, fitted: int = 1, level: float = LEVEL) -> float:
    """The level to ask of a percentile interval so that it covers with probability `level`.

    Drawing from n units understates spread by the factor sqrt((n - fitted) / n) and ignores that
    it is estimated; the tails are moved out by both.

    Parameters
    ----------
    units : (effective) number of units drawn
    fitted : how many numbers are fitted
    level : confidence level wanted

    References
    ----------
    Hesterberg (2015), The American Statistician 69(4): expanded percentile intervals.

    Examples
    --------
    >>> round(expanded_level(20), 3)
    0.968
    """
    from scipy.special import ndtr, stdtrit

    free = max(units - fitted, 2.0)
    return float(2 * ndtr(stdtrit(free, (1 + level) / 2) * np.sqrt(max(units / free, 1))) - 1)


def wilson_interval(
    share: np.ndarray, n: np.ndarray, level: float | np.ndarray = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of a share, by statsmodels.

    Parameters
    ----------
    share : observed shares, 0 to 1
    n : (effective) numbers behind them
    level : confidence level, of all or each

    Returns
    -------
    (low, high), 0 to 1.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22.

    Examples
    --------
    >>> low, high = wilson_interval(np.array([0.5]), np.array([10]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.237], [0.763])
    """
    from statsmodels.stats.proportion import proportion_confint

    share, n = (np.array(a, float) for a in np.broadcast_arrays(share, n))
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = proportion_confint(share * n, n, 1 - level, "wilson")
    return np.maximum(low, 0), np.minimum(high, 1)


def poisson_interval(
    count: np.ndarray, level: float | np.ndarray = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Exact interval of the mean of a Poisson count.

    Parameters
    ----------
    count : (effective) numbers of events, 0 or more; they need not be whole
    level : confidence level, of all or each

    Returns
    -------
    (low, high); low is 0 where there is no event.

    References
    ----------
    Garwood (1936), Biometrika 28; Fay and Feuer (1997), Statistics in Medicine 16, for rates.

    Examples
    --------
    >>> low, high = poisson_interval(np.array([0, 3]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.619], [3.689, 8.767])
    """
    from scipy.special import gammaincinv

    count, tail = np.asarray(count, float), (1 - np.asarray(level)) / 2
    low = gammaincinv(np.where(count > 0, count, 1.0), tail)
    return np.where(count > 0, low, 0.0), gammaincinv(count + 1, 1 - tail)


def sidak_level(cells: int, level: float = LEVEL) -> float:
    """Level of each of `cells` intervals that together cover with `level`.

    Exact for separate groups, and conservative where customers are in several.

    References
    ----------
    Šidák (1967), Journal of the American Statistical Association 62.

    Examples
    --------
    >>> round(sidak_level(5), 4)
    0.9898
    """
    return level ** (1 / max(cells, 1))


def normal_quantile(level: float) -> float:
    """Standard normal quantile of a two-sided interval.

    Examples
    --------
    >>> round(normal_quantile(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf((1 + level) / 2)


def critical_value(deviations: np.ndarray, level: float = LEVEL) -> float:
    """The `level` quantile over draws of the largest deviation of all terms (max-t).

    Parameters
    ----------
    deviations : (draws, terms), standardised, absolute for a two-sided interval; NaN left out

    Examples
    --------
    >>> critical_value(np.array([[1.0, 2.0], [0.0, 1.0]]), 0.5)
    1.5
    """
    known = deviations[~np.isnan(deviations).all(1)]
    return float(draw_quantile(np.nanmax(known, axis=1), level)) if len(known) else np.nan


def normal_critical_value(correlation: np.ndarray, level: float, seed: int) -> float:
    """How many standard errors hold for all of several normal estimates at once.

    Parameters
    ----------
    correlation : of the estimates, (terms, terms)
    level : confidence level
    seed : of the 4,000 simulated draws

    Examples
    --------
    >>> round(normal_critical_value(np.eye(1), 0.95, 1), 2)
    1.96
    """
    if len(correlation) < 2:
        return normal_quantile(level)
    values, vectors = np.linalg.eigh(correlation)
    drawn = np.random.default_rng(seed).standard_normal((4000, len(correlation)))
    return critical_value(np.abs(drawn * np.sqrt(np.maximum(values, 0)) @ vectors.T), level)


def simultaneous_interval(
    estimate: np.ndarray,
    replicates: np.ndarray,
    level: float = LEVEL,
    *,
    units: float | np.ndarray = np.inf,
    fitted: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of several terms that all hold with probability `level` (max-t).

    Each is the estimate plus and minus its standard error times one factor, the `level` quantile
    over draws of the largest standardised deviation.

    Parameters
    ----------
    estimate : (terms,)
    replicates : (draws, terms)
    level : confidence level
    units, fitted : as in `expanded_level`, for all terms or each; infinite for no correction

    Returns
    -------
    (low, high), each (terms,); NaN for terms that no draw gives, or that never vary.

    References
    ----------
    Montiel Olea and Plagborg-Møller (2019), Journal of Applied Econometrics 34(1).

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(2000, 2))
    >>> low, high = simultaneous_interval(np.zeros(2), draws)
    >>> high.round(1).tolist()
    [2.3, 2.3]
    """
    replicates = np.asarray(replicates, float)
    error = np.full(len(estimate), np.nan)
    known = (~np.isnan(replicates)).sum(0) > 1
    error[known] = np.nanstd(replicates[:, known], axis=0, ddof=1)
    error[error < 1e-12] = np.nan
    if np.isnan(error).all():
        return error, error
    factor = critical_value(np.abs(replicates - estimate) / error, level)
    each = np.broadcast_to(np.asarray(units, float), error.shape)
    reach = np.array([_stretched(factor, u, fitted) for u in each]) * error
    return estimate - reach, estimate + reach


def symmetric_interval(
    estimate: np.ndarray,
    replicates: np.ndarray,
    level: float = LEVEL,
    *,
    units: float | np.ndarray = np.inf,
    fitted: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Each term's own interval: its estimate plus and minus one reach (that of `max_t` of one).

    Parameters
    ----------
    estimate : (terms,)
    replicates : (draws, terms)
    level : confidence level
    units, fitted : as in `simultaneous_interval`

    Returns
    -------
    (low, high), each (terms,); NaN as of `simultaneous_interval`.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(2000, 2))
    >>> symmetric_interval(np.zeros(2), draws)[1].round(1).tolist()
    [2.0, 1.9]
    """
    each = np.broadcast_to(np.asarray(units, float), (len(estimate),))
    pairs = [
        simultaneous_interval(estimate[[k]], replicates[:, [k]], level, units=u, fitted=fitted)
        for k, u in enumerate(each)
    ]
    if not pairs:
        return np.empty(0), np.empty(0)
    low, high = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    return low, high


def interval_columns(
    estimate: np.ndarray,
    replicates: np.ndarray,
    level: float = LEVEL,
    *,
    units: float | np.ndarray = np.inf,
    fitted: int = 1,
) -> dict[str, np.ndarray]:
    """Columns of a table: each term's own interval, and the simultaneous ones of all.

    Parameters
    ----------
    estimate : (terms,)
    replicates : (draws, terms)
    level : confidence level
    units, fitted : as in `simultaneous_interval`

    Returns
    -------
    low, high: what readers are told; simultaneous_low, simultaneous_high: what decides

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(2000, 2))
    >>> [round(float(ends[0]), 1) for ends in interval_columns(np.zeros(2), draws).values()]
    [-2.0, 2.0, -2.3, 2.3]
    """
    own = symmetric_interval(estimate, replicates, level, units=units, fitted=fitted)
    together = simultaneous_interval(estimate, replicates, level, units=units, fitted=fitted)
    return dict(zip((*INTERVAL[1:], *SIMULTANEOUS), (*own, *together), strict=True))


def _stretched(reach: float, units: float, fitted: int) -> float:
    """A reach in standard errors, for errors estimated from few `units` (as `expanded_level`)."""
    from scipy.special import ndtr, stdtrit

    if not np.isfinite(units):
        return reach
    free = max(units - fitted, 2.0)
    return float(stdtrit(free, ndtr(reach)) * np.sqrt(max(units / free, 1)))


def failed_draws(replicates: np.ndarray) -> int:
    """How many draws gave no number for some term.

    Examples
    --------
    >>> failed_draws(np.array([[1.0, 2.0], [np.nan, 1.0]]))
    1
    """
    return int(np.isnan(np.asarray(replicates, float)).reshape(len(replicates), -1).any(1).sum())
