"""The mathematics of how long things last: incidence of each way to end, and the Cox model.

    risk = at_risk(entry, time, cause, w)                 # who could leave when, and who did
    share, covariance = incidence(risk, at)               # Aalen-Johansen; one reason: Kaplan-Meier
    fit = cox(x, entry, time, left, w)                    # coefficients, information, residuals

Functions of arrays over customers, cases or stays in a stage: `entry` and `time` are when a
customer came under watch and was last seen (0 < entry < time for one who joined before the watch
began), `cause` is 0 for those still there and 1, 2 ... for the reasons of leaving, `w` weights. All
sums over those at risk are cumulative sums over sorted times, so that a fit costs as much as
sorting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROWS = 100_000  # customers whose influence is held at once


@dataclass(frozen=True)
class Risk:
    """Times at which somebody left (m,), and there: `there` at risk (m,), `left` by reason (k, m).

    `entry`, `time`, `cause` and `w` are those of the customers, (n,).
    """

    times: np.ndarray
    there: np.ndarray
    left: np.ndarray
    entry: np.ndarray
    time: np.ndarray
    cause: np.ndarray
    w: np.ndarray


def first_unit(time: np.ndarray) -> np.ndarray:
    """The times with zeros at half a unit, so that what ends on its first day is counted there.

    Whoever leaves on the day they join was at risk on that day. Sums over those at risk are over
    entry < t <= time, where a time of 0 would drop out and make the rest look as if they stayed
    longer. Where some time is under half a unit, it is half of the least.

    Examples
    --------
    >>> first_unit(np.array([0.0, 3.0, 0.0])).tolist()
    [0.5, 3.0, 0.5]
    """
    least = time[time > 0].min(initial=1.0)
    return np.where(time == 0, least / 2, time)


def at_risk(entry: np.ndarray, time: np.ndarray, cause: np.ndarray, w: np.ndarray) -> Risk:
    """The weighted numbers at risk and leaving at each time at which somebody left."""
    times, place = np.unique(time[cause > 0], return_inverse=True)
    left = np.zeros((max(int(cause.max()), 1), len(times)))
    np.add.at(left, (cause[cause > 0] - 1, place), w[cause > 0])
    return Risk(times, sums_from(times, entry, time, w), left, entry, time, cause, w)


def kaplan_meier(events: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """Share that no event has come to after each time (Kaplan and Meier 1958).

    Parameters
    ----------
    events, at_risk : (weighted) numbers at each time, (..., times); draws may lead

    Returns
    -------
    (..., times); carried forward where nobody is at risk. statsmodels' SurvfuncRight gives the same
    for one sample; draws by whole customers need the leading axes.

    Examples
    --------
    >>> kaplan_meier(np.array([1.0, 0.0, 1.0]), np.array([4.0, 3.0, 2.0])).tolist()
    [0.75, 0.75, 0.375]
    """
    hazard = np.divide(events, at_risk, out=np.zeros(np.shape(at_risk)), where=at_risk > 0)
    return np.cumprod(1 - hazard, axis=-1)


def incidence(
    risk: Risk, at: np.ndarray, who: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Share who left for each reason by the times `at`, (k, g), and its covariance (k g, k g).

    Aalen and Johansen (1978); with one reason it is one minus Kaplan and Meier's (1958) estimate.
    The covariance is that of influence (the infinitesimal jackknife), which for one reason and
    equal weights is Greenwood's (1926); it holds for unequal weights too. `who` are codes 0, 1 ...
    of whom each row is about: rows of one (stays of a customer) need not be independent.

    Examples
    --------
    >>> time, cause, one = np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]), np.ones(3)
    >>> share, _ = incidence(at_risk(np.zeros(3), time, cause, one), np.array([1.5]))
    >>> round(float(share[0, 0]), 3)
    0.333
    """
    hazard = risk.left / risk.there
    every = hazard.sum(0)
    before = np.concatenate([[1.0], np.cumprod(1 - every)[:-1]])
    share = np.cumsum(before * hazard, axis=1)
    by = np.searchsorted(risk.times, at, "right")  # leavings up to each time
    found = np.column_stack([np.zeros(len(share)), share])[:, by]
    covariance = np.zeros((found.size, found.size))
    each = np.zeros((0 if who is None else who.max() + 1, found.size))
    for start in range(0, len(risk.time), ROWS):
        rows = slice(start, start + ROWS)
        parts = _influence(risk, rows, hazard, before, share, found, by)
        if who is None:
            covariance += parts.T @ parts
        else:
            each += _tally(who[rows], parts, len(each))
    return found, covariance if who is None else each.T @ each


def greenwood(risk: Risk, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share who came by each time of `at`, its standard error, and the correlations of all.

    What `durations.incidence` gives where there is one reason and no weights, from counts alone.
    """
    came, left_over = risk.left[0], risk.there - risk.left[0]
    wait = np.r_[1.0, kaplan_meier(came, risk.there)]
    part = np.divide(came, risk.there * left_over, out=np.zeros_like(came), where=left_over > 0)
    spread = np.r_[0.0, np.cumsum(part)]
    by = np.searchsorted(risk.times, at, "right")
    wait, spread = wait[by], spread[by]
    known = spread[spread > 0]
    return (
        1 - wait,
        wait * np.sqrt(spread),
        np.sqrt(np.minimum.outer(known, known) / np.maximum.outer(known, known)),
    )


def _influence(
    risk: Risk,
    rows: slice,
    hazard: np.ndarray,
    before: np.ndarray,
    share: np.ndarray,
    found: np.ndarray,
    by: np.ndarray,
) -> np.ndarray:
    """What each customer adds to each share, times the weight: (rows, k g)."""
    every = hazard.sum(0)
    left_over = np.where(every < 1, 1 - every, np.inf)  # nobody stays: the curve has ended
    w, cause = risk.w[rows], risk.cause[rows]
    first = np.searchsorted(risk.times, risk.entry[rows], "right")
    last = np.searchsorted(risk.times, risk.time[rows], "right")
    own = np.maximum(last - 1, 0)  # the place of the leaving itself
    parts = []
    for reason, (here, total) in enumerate(zip(hazard, share, strict=True), start=1):
        near = _up_to(before * here / risk.there)
        far = _up_to(every / risk.there / left_over)
        far_share = _up_to(total * every / risk.there / left_over)
        for now, j in zip(found[reason - 1], by, strict=True):
            start, stop = np.minimum(first, j), np.minimum(last, j)
            gone = (cause > 0) & (last <= j)
            direct = np.where(cause == reason, before[own], 0.0)
            direct = direct - (now - total[own]) / left_over[own]
            span = near[stop] - near[start] - now * (far[stop] - far[start])
            span += far_share[stop] - far_share[start]
            parts.append(w * (np.where(gone, direct / risk.there[own], 0.0) - span))
    return np.column_stack(parts)


def bent(share: np.ndarray, error: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of shares that stay between 0 and 1: on the scale log(-log(1 - share))."""
    inside = (share > 0) & (share < 1)
    stay = np.where(inside, 1 - share, 0.5)
    step = reach * error / (stay * -np.log(stay))
    low, high = 1 - stay ** np.exp(-step), 1 - stay ** np.exp(step)
    return np.where(inside, low, share), np.where(inside, high, share)


@dataclass(frozen=True)
class Cox:
    """coefficients (p,), information (p, p), loglik, and residuals.

    loglik_null : with all coefficients at zero
    scores : what each customer adds to the score, weight included, (n, p)
    times, schoenfeld : of each leaving, (d,) and (d, p): its features less those expected then
    """

    coefficients: np.ndarray
    information: np.ndarray
    loglik: float
    loglik_null: float
    scores: np.ndarray
    times: np.ndarray
    schoenfeld: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Of the coefficients, if the model holds."""
        return np.linalg.inv(self.information)

    def robust(self, who: np.ndarray | None = None) -> np.ndarray:
        """Of the coefficients, for weights and for several rows of one customer, codes `who` (n,).

        Lin and Wei (1989).
        """
        each = self.scores if who is None else _tally(who, self.scores, int(who.max()) + 1)
        reach = each @ self.covariance
        return reach.T @ reach


def cox(x: np.ndarray, entry: np.ndarray, time: np.ndarray, left: np.ndarray, w: np.ndarray) -> Cox:
    """Partial likelihood of Cox (1972), ties by Efron (1977), by Newton's steps.

    Own code because statsmodels' PHReg takes no case weights and no robust covariance for them;
    without weights both agree, with `entry` shifted by half a unit for PHReg, which counts a
    customer with entry == time as at risk (R and this function do not).

    `x` is (n, p). Raises ArithmeticError when the steps do not settle: a feature then tells the
    order of leaving exactly.

    Examples
    --------
    >>> x, time = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([4.0, 2.0, 3.0, 5.0])
    >>> cox(x, np.zeros(4), time, np.ones(4), np.ones(4)).coefficients.shape
    (1,)
    """
    x = x - np.average(x, axis=0, weights=w)
    deaths = _Deaths(entry, time, left, w)
    b, value = np.zeros(x.shape[1]), _partial(x, np.zeros(x.shape[1]), deaths)
    null = value[0]
    for _ in range(50):
        step = np.linalg.solve(value[2], value[1])
        size, least = 1.0, value[0] - 1e-9 * max(1.0, abs(value[0]))
        while not (new := _partial(x, b + size * step, deaths))[0] >= least and size > 1e-6:
            size /= 2
        b, value = b + size * step, new
        if np.abs(step).max() < 1e-9:
            break
    if not np.abs(step).max() < 1e-6 or np.abs(b).max() > 30:
        raise ArithmeticError("the Cox model does not settle: a feature tells who leaves when.")
    scores, residuals = _scores(x, b, deaths), _schoenfeld(x, b, deaths)
    return Cox(b, value[2], value[0], null, scores, deaths.at, residuals)


def proportional(fit: Cox, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether combinations `moves` (m, p) of the coefficients drift with the rank of time.

    chi2 on one degree each, and its p. Grambsch and Therneau (1994): scaled residuals of the
    leavings against time.
    """
    from scipy.stats import chi2, rankdata

    apart = rankdata(fit.times)
    apart -= apart.mean()
    scaled = fit.schoenfeld @ fit.covariance @ moves.T * len(fit.times)
    spread = np.einsum("mi,ij,mj->m", moves, fit.covariance, moves)
    statistic = (apart @ scaled) ** 2 / (len(fit.times) * spread * (apart @ apart))
    return statistic, chi2.sf(statistic, 1)


class _Deaths:
    """The leavings, and how ties thin out the risk set: one row a leaving, Efron's weights."""

    def __init__(
        self, entry: np.ndarray, time: np.ndarray, left: np.ndarray, w: np.ndarray
    ) -> None:
        self.w = w
        self.left = left > 0
        self.who = np.flatnonzero(self.left)
        self.who = self.who[np.argsort(time[self.who], kind="stable")]
        self.at = time[self.who]
        self.times, self.place, size = np.unique(self.at, return_inverse=True, return_counts=True)
        starts = np.cumsum(size) - size
        self.thin = (np.arange(len(self.at)) - starts[self.place]) / size[self.place]
        mass = np.bincount(self.place, w[self.who]) / size
        self.mass = mass[self.place]  # the mean weight of those tied
        self.first = np.searchsorted(self.times, entry, "right")
        self.last = np.searchsorted(self.times, time, "right")

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Of `values` (n, ...) over those at risk at each leaving, ties thinned: (d, ...)."""
        there = _sums_between(self.first, self.last, values, len(self.times))
        tied = _tally(self.place, values[self.who], len(self.times))
        thin = self.thin.reshape(-1, *[1] * (values.ndim - 1))
        return there[self.place] - thin * tied[self.place]

    def met(self, rates: np.ndarray) -> np.ndarray:
        """Sum of `rates` (d, ...) over the leavings each customer was at risk of: (n, ...)."""
        upto = _up_to(_tally(self.place, rates, len(self.times)))
        met = upto[self.last] - upto[self.first]
        thin = self.thin.reshape(-1, *[1] * (rates.ndim - 1))
        own = _tally(self.place, thin * rates, len(self.times))
        met[self.who] -= own[self.place]
        return met


def _partial(x: np.ndarray, b: np.ndarray, deaths: _Deaths) -> tuple[float, np.ndarray, np.ndarray]:
    eta = x @ b
    if np.abs(eta).max() > 500:
        return -np.inf, b, np.eye(len(b))
    odds = deaths.w * np.exp(eta)
    total = deaths.sums(odds)
    if not (total > 0).all():  # a step so long that the odds of the others vanish
        return -np.inf, b, np.eye(len(b))
    mean = deaths.sums(odds[:, None] * x) / total[:, None]
    who, mass = deaths.who, deaths.mass
    value = deaths.w[who] @ eta[who] - mass @ np.log(total)
    score = deaths.w[who] @ x[who] - mass @ mean
    met = deaths.met(mass / total)
    information = (x * (odds * met)[:, None]).T @ x - (mean * mass[:, None]).T @ mean
    return float(value), score, information


def _scores(x: np.ndarray, b: np.ndarray, deaths: _Deaths) -> np.ndarray:
    odds = deaths.w * np.exp(x @ b)
    total = deaths.sums(odds)
    mean = deaths.sums(odds[:, None] * x) / total[:, None]
    rate = deaths.mass / total
    expected = x * deaths.met(rate)[:, None] - deaths.met(rate[:, None] * mean)
    scores = -odds[:, None] * expected
    scores[deaths.who] += deaths.w[deaths.who, None] * (x[deaths.who] - _tied(mean, deaths))
    return scores


def _schoenfeld(x: np.ndarray, b: np.ndarray, deaths: _Deaths) -> np.ndarray:
    odds = deaths.w * np.exp(x @ b)
    mean = deaths.sums(odds[:, None] * x) / deaths.sums(odds)[:, None]
    return deaths.w[deaths.who, None] * (x[deaths.who] - _tied(mean, deaths))


def _tied(mean: np.ndarray, deaths: _Deaths) -> np.ndarray:
    """Of those who left at the same time, the same expectation: the mean over their order."""
    total = _tally(deaths.place, mean, len(deaths.times))
    return (total / np.bincount(deaths.place)[:, None])[deaths.place]


def sums_from(
    times: np.ndarray, entry: np.ndarray, time: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Sums of `values` (n, ...) over customers with entry < t <= time, for each of `times`."""
    first, last = (np.searchsorted(times, t, "right") for t in (entry, time))
    return _sums_between(first, last, values, len(times))


def _sums_between(first: np.ndarray, last: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sums of `values` (n, ...) over customers there from place `first` to `last`: (size, ...)."""
    change = _tally(first, values, size + 1) - _tally(last, values, size + 1)
    return np.cumsum(change, axis=0)[:-1]


def _tally(place: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sums of `values` (n, ...) at each place, (size, ...): a count a column, which is quickest."""
    if values.ndim == 1:
        return np.bincount(place, values, size)
    columns = [np.bincount(place, column, size) for column in values.T]
    return np.column_stack(columns)


def _up_to(values: np.ndarray) -> np.ndarray:
    """Cumulative sums with nothing in front: (1 + m, ...)."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
