"""One score over the waves: its estimates, control limits, cumulative sums and change of level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

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
from cxlib.stats.adaptive_charts import adaptive_chart, usual_swing
from cxlib.stats.intervals import LEVEL, normal_quantile

MINIMUM_WAVES = 4  # for a change point
MOST_REPLAYED = 400  # resamples in which alarms without a change are counted
SHIFTS, WITHIN = (2, 3, 4), (1, 2, 4)  # falls in standard errors; waves within which one warns


@dataclass(frozen=True)
class ControlLimits:
    """How control limits are drawn.

    Attributes
    ----------
    width : of the limits, in standard errors
    baseline : how many of the first waves set the centre line for good; 0 for a baseline that
        adapts: the waves before, since the last confirmed change of level
    overdispersed : widen the limits by how much more the waves of such a fixed baseline scatter
        than sampling explains, if they do (Laney 2002, Quality Engineering 14)
    rises_are_worse : of a measure such as complaints, whose rise is the fall of a score

    Examples
    --------
    >>> ControlLimits(baseline=4).width
    3.0
    """

    width: float = 3.0
    baseline: int = 0
    overdispersed: bool = False
    rises_are_worse: bool = False


@dataclass(frozen=True)
class Series:
    """One item in one group over the waves.

    Attributes
    ----------
    item, group : of what; the group None for everybody
    notes : what was left out of the answers
    first : waves of a fixed baseline; 0 where it adapts
    scatter : how much more waves scatter than sampling explains
    table, limits, changes, replay, delays : as of `trend`
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
    replay: pd.DataFrame
    delays: Callable[[], pd.DataFrame]
    shown: np.ndarray


def series_of(
    sample: Sample,
    item: str,
    group: object,
    over: str,
    measure: Measure,
    how: ControlLimits,
    why: pd.Series | None = None,
) -> Series:
    """Everything about one item in one group.

    Waves that are hidden (`why`, of `disclosure.hidden`) are judged, and enter an adaptive
    baseline, as one with others: what moved with a single one would give it away.
    """
    answers = read(sample, [item], measure, by=over)
    found = group_means.estimate(answers, measure.recode)
    first = _baseline(how.baseline, len(answers.groups), item, over) if how.baseline else 0
    y, n = measure.factor * found.mean[:, 0], found.n[:, 0]
    low, high, replicates = own_interval(answers, found, measure)
    base = pd.DataFrame({over: answers.groups, "term": item, "estimate": y})
    counted = {"n": n}
    if disclosure.CASES in sample:
        of_wave = sample.data.groupby(over)[disclosure.CASES].sum()
        counted[disclosure.CASES] = of_wave[answers.groups].to_numpy()
    lots = disclosure.blocks(base.assign(**counted), why) if why is not None else []
    enters = np.arange(len(y))
    if why is not None:
        enters[(why != "").to_numpy()] = len(y)
        for lot in lots:
            enters[lot] = lot[-1]
    known = measure.factor**2 * covariance_as_known(answers, measure, found, enters)
    if first:
        known = measure.factor**2 * covariance_of(answers, measure, found, first)[None]
    noise = _noise(measure.factor * replicates, known[-1])
    if first:
        drawn, scatter = _fixed(y, known[-1], found.total[:, 0], noise, first, how, answers.groups)
        replay, delays = pd.DataFrame(), pd.DataFrame
        judged = y
    else:
        weight = np.nan_to_num(found.total[:, 0])
        mixed, there = _together(weight, enters)
        judged = np.where(there, mixed @ np.nan_to_num(y), np.nan)
        noise = np.where(there, noise @ mixed.T, np.nan)
        known = mixed @ known @ mixed.T
        weight = np.where(there, (mixed > 0) @ weight, 0.0)
        drawn, scatter, replay, delays = _adaptive(judged, known, weight, noise, how)
        replay.insert(0, "term", item)
    signal, since, probability, chart = drawn
    if why is not None:
        gone = (why != "").to_numpy()
        chart = {k: v if k == "baseline" else np.where(gone, np.nan, v) for k, v in chart.items()}
        probability = np.where(gone, np.nan, probability)
        for lot in lots:
            chart["baseline"][lot] = chart["baseline"][lot[-1]]
    limits = base.assign(
        low=chart["centre"] - how.width * chart["error"],
        high=chart["centre"] + how.width * chart["error"],
        **counted,
        **{c: chart[c] for c in ("centre", "baseline", "z", "up", "down")},
        signal=signal,
        probability=probability,
        first_seen=[answers.groups[k] if s else "" for k, s in zip(since, signal, strict=True)],
    )
    return Series(
        item,
        group,
        answers.notes,
        first,
        scatter,
        sample.counted(base.assign(low=low, high=high, **counted)),
        sample.counted(limits),
        _changes(answers.groups, judged, n, known[-1], noise, item),
        replay,
        delays,
        np.ones(len(y), bool),
    )


def _together(weight: np.ndarray, enters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the waves that are judged together, (t, t), and the waves in which they are.

    `enters` is the place of the wave with which each is judged; t where it is with none.
    """
    mixed = np.where(enters == np.arange(len(weight))[:, None], weight, 0.0)
    total = mixed.sum(1, keepdims=True)
    return mixed / np.where(total > 0, total, 1.0), total[:, 0] > 0


def _fixed(
    y: np.ndarray,
    covariance: np.ndarray,
    total: np.ndarray,
    noise: np.ndarray,
    first: int,
    how: ControlLimits,
    waves: list[Any],
) -> tuple[tuple[Any, ...], float]:
    """The chart whose centre line is that of the first waves, and how much they scatter."""
    z, centre, error = control_charts.standardised(y, covariance, total, first)
    scatter = control_charts.overdispersion(z[:first], periods.places(waves)[:first])
    if how.overdispersed and scatter > 1:
        z, error = z / scatter, error * scatter
    up, down = control_charts.cusum(z, decision=control_charts.DECISION)
    above, below = z > how.width, z < -how.width
    rising, falling = (s > control_charts.DECISION for s in (up, down))
    flags = [above, below, rising, falling]
    starts = [control_charts.start(s, control_charts.DECISION) for s in (up, down)]
    since = np.select(flags, [_run(above), _run(below), *starts])
    quiet = control_charts.standardised(noise, covariance, total, first)[0]
    sums = np.maximum(*control_charts.cusum(quiet, decision=control_charts.DECISION))
    probability = np.where(
        (rising | falling) & ~above & ~below,
        _chance_of_sums(np.where(rising, up, down), sums),
        _chance_of_wave(z),
    )
    chart = {"centre": centre, "error": error, "baseline": np.arange(len(y)) < first}
    signal = np.select(flags, ["above", "below", "rising", "falling"], "")
    return (signal, since, probability, chart | {"z": z, "up": up, "down": down}), scatter


def _adaptive(
    y: np.ndarray, known: np.ndarray, weight: np.ndarray, noise: np.ndarray, how: ControlLimits
) -> tuple[tuple[Any, ...], float, pd.DataFrame, Callable[[], pd.DataFrame]]:
    """The chart whose baseline adapts; its swing; its alarms by chance; how soon it warns."""
    sign = -1 if how.rises_are_worse else 1
    noise = sign * noise
    made = partial(adaptive_chart, covariance=known, weight=weight, width=how.width)
    found, quiet = made(sign * y), made(noise)
    sides = np.select([found.side > 0, found.side < 0], ["up", "down"], "")
    beyond = np.abs(found.z) > how.width
    words = {"up": ("rising", "above"), "down": ("falling", "below")}
    if sign < 0:
        words = {"up": words["down"], "down": words["up"]}
    signal = np.array([words[s][int(b)] if s else "" for s, b in zip(sides, beyond, strict=True)])
    sums = np.where(found.side > 0, found.up, found.down)
    both = np.maximum(np.nan_to_num(quiet.up), np.nan_to_num(quiet.down))
    by_sum = (found.side != 0) & ~beyond & (sums > control_charts.DECISION)
    chance = np.where(by_sum, _chance_of_sums(sums, both), _chance_of_wave(found.z))
    for t in range(1, len(y)):  # what is known of a fall is what its clearest wave so far shows
        earlier = np.flatnonzero((found.side[:t] != 0) & (found.since[:t] == found.since[t]))
        if found.side[t] != 0 and len(earlier):
            chance[t] = np.fmin(chance[t], np.nanmin(chance[earlier]))
    up, down = (found.up, found.down)[::sign]
    chart = {"centre": sign * found.centre, "error": found.error, "baseline": found.baseline}
    chart |= {"z": sign * found.z, "up": up, "down": down}
    swing = usual_swing(found.z)
    judged = int((~np.isnan(found.z)).sum())
    noise = noise[:MOST_REPLAYED]
    by_noise, by_swing = (made(times * noise).alarms.sum() / len(noise) for times in (1, swing))
    row = {"judged": judged, "swing": swing, "false_alarms": by_noise, "swing_alarms": by_swing}
    replay = pd.DataFrame([row])
    return (
        (signal, found.since, chance, chart),
        swing,
        replay,
        partial(_delays, made, noise, found.error),
    )


def _delays(made: Callable[..., Any], noise: np.ndarray, error: np.ndarray) -> pd.DataFrame:
    """How soon a fall that stays would be signalled, by its size in errors of the latest wave."""
    judged = np.flatnonzero(~np.isnan(error))
    if len(judged) < MINIMUM_WAVES:
        return pd.DataFrame()
    at, usual = judged[len(judged) // 2], float(error[judged[-1]])
    waves = np.arange(noise.shape[1])
    rows = []
    for size in SHIFTS:
        alarms = made(noise - size * usual * (waves >= at)).alarms[:, judged[judged >= at]]
        first = np.where(alarms.any(1), alarms.argmax(1) + 1, len(judged))
        caught = {f"within_{k}": float((first <= k).mean()) for k in WITHIN}
        rows.append({"size": size * usual, "errors": size, **caught})
    return pd.DataFrame(rows)


def _baseline(asked: int, waves: int, item: str, over: str) -> int:
    if not 0 < asked < waves:
        raise ValueError(
            f"baseline={asked} of {waves} values of {over} with answers to {item}: it must leave "
            f"one to judge. Choose 1 to {waves - 1}."
        )
    return asked


def covariance_of(answers: Answers, measure: Measure, found: GroupMeans, first: int) -> np.ndarray:
    """Covariance of the waves without any change: the baseline's spread, each wave's own n.

    Waves share customers: their correlation is that of what the customers add to each.
    """
    size, weight = found.counted[:, 0], found.total[:first, 0]
    mean = np.nansum(weight * found.mean[:first, 0]) / weight.sum()
    within = found.variance[:first, 0] + (found.mean[:first, 0] - mean) ** 2
    spread = np.sqrt(np.nansum(weight * within) / weight.sum() / size)
    return _correlation(answers, measure, found) * np.outer(spread, spread)


def covariance_as_known(
    answers: Answers, measure: Measure, found: GroupMeans, enters: np.ndarray
) -> np.ndarray:
    """For each wave the covariance of the waves as known then: spread from it and those before.

    `enters` is the place of the wave from which on each one is known.
    """
    size, weight = found.counted[:, 0], np.nan_to_num(found.total[:, 0])
    within = np.nan_to_num(found.variance[:, 0]) * size / np.maximum(size - 1, 0.5)
    there = enters <= np.arange(len(weight))[:, None]
    so_far = there @ weight
    mean = np.nan_to_num(found.mean[:, 0])
    with np.errstate(invalid="ignore"):
        spread, middle, square = (
            np.nan_to_num(there @ (weight * v) / so_far) for v in (within, mean, mean**2)
        )
    spread = np.where(spread > 0, spread, square - middle**2)  # all alike within waves
    cor = _correlation(answers, measure, found) / np.sqrt(np.outer(size, size))
    return spread[:, None, None] * cor


def _correlation(answers: Answers, measure: Measure, found: GroupMeans) -> np.ndarray:
    """Of the waves, through the customers they share: that of what these add to each."""
    if not answers.repeated:
        return np.eye(len(found.counted))
    rest = group_means.residuals(answers, measure.recode, found.mean)
    products = rest.T @ rest
    length = np.sqrt(np.diag(products))
    length[length == 0] = 1.0
    cor = products / np.outer(length, length)
    np.fill_diagonal(cor, 1.0)
    return cor


def _noise(replicates: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Resamples of the waves about their mean, with the variances that the chart has."""
    # A wave without resamples, or one whose answers are all alike, shows no noise of its own.
    replicates = np.where(np.isnan(replicates).all(0), 0.0, replicates)
    away = replicates - np.nanmean(replicates, axis=0)
    alike = np.nanstd(away, axis=0) == 0
    shape = (len(away), int(alike.sum()))
    away[:, alike] = np.random.default_rng(len(away)).standard_normal(shape)
    return away * np.sqrt(np.diag(covariance)) / np.nanstd(away, axis=0)


def _chance_of_wave(z: np.ndarray) -> np.ndarray:
    """Probability of so far a wave anywhere in the series without a change (Šidák)."""
    alone = np.minimum(2 * ndtr(-np.abs(z)), 1 - 1e-12)
    return -np.expm1(max(int((~np.isnan(z)).sum()), 1) * np.log1p(-alone))


def _chance_of_sums(sums: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    """Share of resamples without a change in which some sum comes as far as each of these."""
    reached = quiet.max(-1)
    return (1 + (reached[:, None] >= sums).sum(0)) / (1 + len(quiet))


def _run(flags: np.ndarray) -> np.ndarray:
    """Where each run of signals began."""
    place = np.arange(len(flags))
    return np.maximum.accumulate(np.where(flags & ~np.r_[False, flags[:-1]], place, 0))


def _changes(
    waves: list[Any],
    y: np.ndarray,
    n: np.ndarray,
    covariance: np.ndarray,
    noise: np.ndarray,
    item: str,
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
