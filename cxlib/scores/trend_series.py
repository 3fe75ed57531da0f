"""One score over the waves: its estimates, control limits, cumulative sums and change of level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlib.core import periods
from cxlib.core.sample import Sample
from cxlib.privacy import disclosure
from cxlib.scores import group_means
from cxlib.scores.answers import Answers, read
from cxlib.scores.group_means import GroupMeans
from cxlib.scores.measures import Measure
from cxlib.scores.score_tables import own_interval
from cxlib.stats import control_charts
from cxlib.stats.intervals import LEVEL, normal_quantile

MINIMUM_WAVES = 4  # for a change point


@dataclass(frozen=True)
class ControlLimits:
    """How control limits are drawn.

    Attributes
    ----------
    width : of the limits, in standard errors
    baseline : how many of the first waves set the centre line; 0 for the first half of them
    overdispersed : widen the limits by how much more the baseline's waves scatter than sampling
        explains, if they do (Laney 2002, Quality Engineering 14)

    Examples
    --------
    >>> ControlLimits(baseline=4).width
    3.0
    """

    width: float = 3.0
    baseline: int = 0
    overdispersed: bool = False


@dataclass(frozen=True)
class Series:
    """One item in one group over the waves.

    Attributes
    ----------
    item, group : of what; the group None for everybody
    notes : what was left out of the answers
    first : waves of the baseline
    scatter : how much more they scatter than sampling explains
    table, limits, changes : as of `trend`
    shown : which rows of `limits` a sentence may speak of
    """

    item: str
    group: object
    notes: tuple[str, ...]
    first: int
    scatter: float
    table: pd.DataFrame
    limits: pd.DataFrame
    changes: pd.DataFrame
    shown: np.ndarray


def series_of(
    sample: Sample, item: str, group: object, over: str, measure: Measure, how: ControlLimits
) -> Series:
    """Everything about one item in one group."""
    answers = read(sample, [item], measure, by=over)
    found = group_means.estimate(answers, measure.recode)
    first = _baseline(how.baseline, len(answers.groups), item, over)
    y, n = measure.factor * found.mean[:, 0], found.n[:, 0]
    covariance = measure.factor**2 * covariance_of(answers, measure, found, first)
    z, centre, error = control_charts.standardised(y, covariance, found.total[:, 0], first)
    scatter = control_charts.overdispersion(z[:first], periods.places(answers.groups)[:first])
    if how.overdispersed and scatter > 1:
        z, error = z / scatter, error * scatter
    low, high, replicates = own_interval(answers, found, measure)
    noise = _noise(measure.factor * replicates, covariance)
    up, down = control_charts.cusum(z, decision=control_charts.DECISION)
    base = pd.DataFrame({over: answers.groups, "term": item, "estimate": y})
    counted = {"n": n}
    if disclosure.CASES in sample:
        of_wave = sample.data.groupby(over)[disclosure.CASES].sum()
        counted[disclosure.CASES] = of_wave[answers.groups].to_numpy()
    chart = base.assign(
        low=centre - how.width * error,
        high=centre + how.width * error,
        **counted,
        centre=centre,
        baseline=np.arange(len(y)) < first,
        z=z,
        up=up,
        down=down,
    )
    quiet = control_charts.standardised(noise, covariance, found.total[:, 0], first)[0]
    return Series(
        item,
        group,
        answers.notes,
        first,
        scatter,
        base.assign(low=low, high=high, **counted),
        _with_signals(chart, answers.groups, how.width, quiet),
        _changes(answers.groups, y, n, covariance, noise, item),
        np.ones(len(y), bool),
    )


def _baseline(asked: int, waves: int, item: str, over: str) -> int:
    first = asked or max(1, waves // 2)
    if not 0 < first < waves:
        raise ValueError(
            f"baseline={asked} of {waves} values of {over} with answers to {item}: it must leave "
            f"one to judge. Choose 1 to {waves - 1}."
        )
    return first


def covariance_of(answers: Answers, measure: Measure, found: GroupMeans, first: int) -> np.ndarray:
    """Covariance of the waves without any change: the baseline's spread, each wave's own n.

    Waves share customers: their correlation is that of what the customers add to each.
    """
    size, weight = found.counted[:, 0], found.total[:first, 0]
    mean = np.nansum(weight * found.mean[:first, 0]) / weight.sum()
    within = found.variance[:first, 0] + (found.mean[:first, 0] - mean) ** 2
    spread = np.sqrt(np.nansum(weight * within) / weight.sum() / size)
    cor = np.eye(len(size))
    if answers.repeated:
        rest = group_means.residuals(answers, measure.recode, found.mean)
        products = rest.T @ rest
        length = np.sqrt(np.diag(products))
        length[length == 0] = 1.0
        cor = products / np.outer(length, length)
        np.fill_diagonal(cor, 1.0)
    return cor * np.outer(spread, spread)


def _noise(replicates: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Resamples of the waves about their mean, with the variances that the chart has."""
    # A wave without resamples, or one whose answers are all alike, shows no noise of its own.
    replicates = np.where(np.isnan(replicates).all(0), 0.0, replicates)
    away = replicates - np.nanmean(replicates, axis=0)
    alike = np.nanstd(away, axis=0) == 0
    shape = (len(away), int(alike.sum()))
    away[:, alike] = np.random.default_rng(len(away)).standard_normal(shape)
    return away * np.sqrt(np.diag(covariance)) / np.nanstd(away, axis=0)


def _with_signals(
    chart: pd.DataFrame, waves: list, width: float, quiet: np.ndarray
) -> pd.DataFrame:
    """The chart with signal, probability and first_seen; `quiet` are resamples of z."""
    z, sums = chart["z"].to_numpy(), [chart[side].to_numpy() for side in ("up", "down")]
    above, below = z > width, z < -width
    rising, falling = (s > control_charts.DECISION for s in sums)
    flags = [above, below, rising, falling]
    signal = np.select(flags, ["above", "below", "rising", "falling"], "")
    since = np.select(
        flags,
        [
            _run(above),
            _run(below),
            *(control_charts.start(s, control_charts.DECISION) for s in sums),
        ],
    )
    alone = np.minimum(2 * ndtr(-np.abs(z)), 1 - 1e-12)
    by_sum = _chance_of_sums(np.where(rising, *sums), quiet)
    return chart.assign(
        signal=signal,
        probability=np.where(
            (rising | falling) & ~above & ~below,
            by_sum,
            -np.expm1(max(int((~np.isnan(z)).sum()), 1) * np.log1p(-alone)),
        ),
        first_seen=[waves[k] if s else "" for k, s in zip(since, signal, strict=True)],
    )


def _chance_of_sums(sums: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    """Share of resamples without a change in which some sum comes as far as each of these."""
    reached = np.max(
        [s.max(-1) for s in control_charts.cusum(quiet, decision=control_charts.DECISION)], axis=0
    )
    return (1 + (reached[:, None] >= sums).sum(0)) / (1 + len(quiet))


def _run(flags: np.ndarray) -> np.ndarray:
    """Where each run of signals began."""
    place = np.arange(len(flags))
    return np.maximum.accumulate(np.where(flags & ~np.r_[False, flags[:-1]], place, 0))


def _changes(
    waves: list, y: np.ndarray, n: np.ndarray, covariance: np.ndarray, noise: np.ndarray, item: str
) -> pd.DataFrame:
    """The most likely change of level; one row, empty of numbers where there are too few waves."""
    there = ~np.isnan(y) & ~np.isnan(noise).any(0)
    names = [w for w, ok in zip(waves, there, strict=True) if ok]
    row = {
        "term": item,
        "estimate": np.nan,
        "low": np.nan,
        "high": np.nan,
        "n": int(n.sum()),
        "wave": "",
        "earliest": "",
        "latest": "",
        "p": np.nan,
    }
    if there.sum() < MINIMUM_WAVES:
        return pd.DataFrame([row])
    inverse = 1 / np.diag(covariance)[there]
    found = control_charts.change_point(y[there], inverse, noise[:, there])
    at = found.wave
    reach = (
        normal_quantile(LEVEL)
        * control_charts.level_shifts(noise[:, there], inverse)[0][:, at - 1].std()
    )
    return pd.DataFrame(
        [
            row
            | {
                "estimate": found.step,
                "low": found.step - reach,
                "high": found.step + reach,
                "wave": names[at],
                "earliest": names[found.first],
                "latest": names[found.last],
                "p": found.p,
            }
        ]
    )
