"""Scores without survey waves: of the last days, day after day, and freed of the season.

    scores.rolling(sample, day="answered_on", window=28)     # a score each week, of four weeks
    scores.seasonally_adjusted(sample, over="quarter", season=4)

A rolling score of few days is that of few answers, and neighbouring windows share answers: two of
them differ significantly only where `compare` of answers of separate windows says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.scores import group_means, score_findings
from cxlib.scores.answers import read
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import score
from cxlib.stats.intervals import percentile_interval
from cxlib.stats.notes import resampling_note

FEWEST = 2  # answers in a window, to be scored
CYCLES = 2  # of the seasons, to tell a season from what happened once
WORDS = ("unadjusted", "season", "answered on")


def rolling(
    sample: SampleLike,
    item: str = "recommend",
    *,
    day: str = "answered_on",
    window: int = 28,
    step: int = 7,
    measure: Measure | str = "nps",
) -> Result:
    """A score of the last `window` days, every `step` days.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of answers
    day : column of the dates of the answers; a row without one is in no window
    window, step : days, 1 or more; windows are laid back from the last day with an answer, so that
        the last one is complete, and the first begins on or after the first day
    measure : what is measured

    Returns
    -------
    Result with a table `day` (the last day of the window), term, estimate, low, high (pointwise 95%
    intervals, as `score` gives them), n. Windows of fewer than two answers are left out.

    Raises
    ------
    ValueError : a column is missing or holds no dates; a window or step below 1; as of `score`
    InsufficientData : the answers span less than one window

    Examples
    --------
    >>> days = pd.to_datetime("2026-01-01") + pd.to_timedelta(range(60), unit="D")
    >>> rows = pd.DataFrame({"answered_on": days, "recommend": [10] * 30 + [0] * 30})
    >>> rolling(rows, window=30, step=15).table["estimate"].tolist()
    [100.0, 0.0, -100.0]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    require_columns(sample.data, [item, day], "the responses")
    for name, days in (("window", window), ("step", step)):
        if days < 1:
            raise ValueError(f"{name}={days} must be 1 day or more.")
    if not pd.api.types.is_datetime64_any_dtype(sample[day]):
        raise ValueError(f"responses.{day} holds no dates. Convert it with pandas.to_datetime.")
    at = sample[day].dt.normalize().where(sample[item].notna())
    first, last = at.min(), at.max()
    back, one = pd.Timedelta(days=window), pd.Timedelta(days=1)
    if pd.isna(last) or last - first + one < back:
        raise InsufficientData(
            _("The answers to {item:quoted} span fewer than {n:count} days.", item=item, n=window)
        )
    found = []
    for end in pd.date_range(last, first + back - one, freq=-pd.offsets.Day(step))[::-1]:
        inside = ((at > end - back) & (at <= end)).to_numpy()
        if inside.sum() >= FEWEST:
            row = score(sample.where(inside), item, measure).table.iloc[:1]
            found.append(row[["term", *INTERVAL, "n"]].assign(day=end))
    table = pd.concat(found, ignore_index=True)
    table.insert(0, "day", table.pop("day"))
    told = score_findings.level(measure, table.iloc[-1])
    claim = _("Over the last {n:count} days, {claim}", n=window, claim=told.claim)
    notes = _("Windows of {n:count} days; neighbouring ones share answers.", n=window)
    finding = Finding(claim, told.detail, importance=Importance.CONTEXT)
    return Result(table, finding, notes, measure.unit, draws=sample.draws, seed=sample.seed)


def seasonally_adjusted(
    sample: SampleLike,
    item: str = "recommend",
    *,
    over: str = "wave",
    season: int = 4,
    measure: Measure | str = "nps",
) -> Result:
    """The score of each wave without what the season adds: classical additive decomposition.

    What a season adds is the mean, over the cycles, of how far its waves lie from a centred moving
    average of a whole cycle; the seasons of a cycle add up to zero. It is taken off each wave.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    item : column of answers
    over : column of the waves, in order when sorted, evenly spaced and without a gap
    season : waves in a cycle: 4 of quarters, 12 of months
    measure : what is measured

    Returns
    -------
    Result with a table `over`, term, estimate (adjusted), low, high (pointwise 95% bootstrap
    intervals, that allow for the seasons being estimated), n, unadjusted, season (what the season
    adds). The seasons are taken to be the same in every cycle.

    Raises
    ------
    ValueError : unknown columns; a cycle of fewer than two waves; as of `score`
    InsufficientData : fewer than two complete cycles

    References
    ----------
    Brockwell and Davis (2016), Introduction to Time Series and Forecasting, 3rd ed., section 1.5.

    Examples
    --------
    >>> wave = np.repeat([f"{y}-Q{q}" for y in (2024, 2025) for q in (1, 2, 3, 4)], 20)
    >>> rows = pd.DataFrame({"wave": wave, "recommend": np.repeat([9, 7, 5, 7] * 2, 20)})
    >>> rows["recommend"] += np.tile([1, -1], 80)
    >>> seasonally_adjusted(rows, measure="mean").table["estimate"].round(6).tolist()
    [7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    if season < 2:
        raise ValueError(f"season={season} must be 2 waves or more.")
    answers = read(sample, [item], measure, by=over)
    if len(answers.groups) < CYCLES * season:
        raise InsufficientData(
            _(
                "Seasons of {season:count} waves need {least:count} waves; there are {n:count}.",
                season=season,
                least=CYCLES * season,
                n=len(answers.groups),
            )
        )
    cells = group_means.estimate(answers, measure.recode)
    ends = group_means.ratio(*group_means.resampled_sums(answers, measure.recode))
    plain, adds = cells.mean[:, 0], _season(len(answers.groups), season)
    drawn = group_means.expand(ends, plain, cells.effective)
    drawn -= drawn @ adds.T
    low, high = percentile_interval(measure.factor * drawn)
    table = pd.DataFrame(
        {
            over: answers.groups,
            "term": item,
            "estimate": measure.factor * (plain - adds @ plain),
            "low": low,
            "high": high,
            "n": cells.n[:, 0],
            "unadjusted": measure.factor * plain,
            "season": measure.factor * (adds @ plain),
        }
    )
    told = score_findings.level(measure, table.iloc[-1])
    claim = _("Without the season, {claim}", claim=told.claim)
    finding = Finding(claim, told.detail, importance=Importance.CONTEXT)
    notes = i18n.together(
        [
            *answers.notes,
            _(
                "Seasons of {season:count} waves, the same in every cycle, are estimated by a "
                "centred moving average and taken off.",
                season=season,
            ),
            resampling_note(sample),
        ]
    )
    return Result(table, finding, notes, measure.unit, draws=sample.draws, seed=sample.seed)


def _season(waves: int, season: int) -> np.ndarray:
    """(waves, waves): what the season adds to each wave, as weights of the waves' scores."""
    # The decomposition is linear, so that of one wave alone, each in turn, is its matrix.
    from statsmodels.tsa.seasonal import seasonal_decompose

    return np.asarray(seasonal_decompose(np.eye(waves), period=season).seasonal)
