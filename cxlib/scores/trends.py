"""Is a score changing from wave to wave, or is it sampling?

    fit = scores.trend(sample, "recommend", over="wave")
    fit.table          # wave, term, estimate, low, high, n
    fit.limits         # the same waves with their control limits, cumulative sums and signals
    fit.changes        # the most likely single change of level, its p, between which waves
    scores.trend(sample, ["room", "delivery"], measure="mean", by="region")    # many series

Three looks at one series. A control chart (Shewhart) finds a wave that stands out, a cumulative sum
(Page 1954) a small shift that stays, a change point (Hawkins 1977) where a level changed. None
explains why: a signal says that it is worth looking at 10, 20 and the comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores import trend_findings
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.trend_series import ControlLimits, Series, series_of
from cxlib.stats.notes import resampling_note

WORDS = (  # names of columns and of what they hold
    "wave", "by", "against", "p", "signal", "first seen", "centre", "baseline", "z", "up", "down",
    "above", "below", "rising", "falling", "earliest", "latest", "change", "mix", "rate",
    "share before", "share after", "score before", "score after", "answers",
)  # fmt: skip


def trend(
    sample: SampleLike,
    items: str | Sequence[str] = "recommend",
    *,
    over: str = "wave",
    by: str | None = None,
    measure: Measure | str = "nps",
    limits: ControlLimits | float = ControlLimits.width,
    target: Target | None = None,
) -> Result:
    """A score of each item, and of each group of `by`, over the waves, with its control limits.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed. A column `cases` counts what a rate is
        of: its sum is kept, and a wave of few cases is hidden as one of few answers is
    items : one or more columns of answers
    over : column of the waves, in order when sorted
    by : column of groups; each is a series of its own
    measure : what is measured
    limits : width and baseline of the control limits; a number is the width in standard errors
    target : the value to reach, of a single series

    Returns
    -------
    Result with parts measure, over, by ("" for none) and width, and tables
    table : [group,] wave, term, estimate, low, high (pointwise 95% intervals), n
    limits : [group,] wave, term, estimate, low, high (control limits: `width` standard errors of a
        wave minus the centre, customers who answer in several waves considered), n, centre (mean of
        the baseline's answers), baseline (the wave belongs to it), z, up, down (cumulative sums,
        k 0.5, h 4), signal ("", "above", "below": outside the limits; "rising", "falling": the sum
        passed h), probability (of such a wave anywhere in the series without a change; Šidák),
        first_seen (wave the signal began)
    changes : [group,] term, estimate (the step), low, high (of the step given its wave), n, wave
        (first of the new level), earliest, latest (its 95% interval), p

    Raises
    ------
    ValueError : fewer than two waves with answers, a baseline of all of them, and as of `nps`

    References
    ----------
    Shewhart (1931); Page (1954), Biometrika 41; Hawkins (1977), Journal of the American Statistical
    Association 72.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 16 + 16 * [10]})
    >>> rows["wave"] = np.repeat(list("abc"), 16)
    >>> trend(rows, limits=ControlLimits(baseline=2)).limits["signal"].tolist()
    ['', '', 'above']
    """
    sample, measure = as_sample(sample), as_measure(measure)
    items, series = [items] if isinstance(items, str) else list(items), []
    how = limits if isinstance(limits, ControlLimits) else ControlLimits(limits)
    require_columns(sample.data, [*items, over, *([by] if by else [])], "the responses")
    for group, part in _groups(sample, by):
        for item in items:
            if part.data.loc[part[item].notna(), over].nunique() > 1:
                series.append(series_of(part, item, group, over, measure, how))
    if not series:
        raise InsufficientData(
            _(
                "A trend needs answers in two waves; there are none to {items:list}.",
                items=[i18n.label(i) for i in items],
            )
        )
    table, charts, changes = (_joined(series, name, by) for name in ("table", "limits", "changes"))
    small = (disclosure.hidden(charts) != "").to_numpy()  # of these not even a signal is shown
    charts.loc[small, ["signal", "first_seen"]] = ""
    _untrace(charts, small, [by, "term"] if by else ["term"])
    ends, speakable = np.cumsum([len(s.limits) for s in series]), []
    for one, end in zip(series, ends, strict=True):
        place = slice(end - len(one.limits), end)
        speakable.append(replace(one, limits=charts.iloc[place], shown=~small[place]))
    return Result(
        {"table": table, "limits": charts, "changes": changes},
        trend_findings.finding(speakable, measure, over, target),
        trend_findings.notes(speakable, charts, how.width, resampling_note(sample), over),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
        parts={"measure": measure, "over": over, "by": by or "", "width": how.width},
    )


def last_two_waves(sample: SampleLike, item: str, over: str = "wave") -> Sample:
    """The answers of the last two waves that have any to the item.

    Parameters
    ----------
    sample : answers
    item : column of answers
    over : column of the waves

    Raises
    ------
    ValueError : unknown columns, or a single wave with answers

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": list("abc"), "recommend": [9, 8, 7]})
    >>> last_two_waves(rows, "recommend")["wave"].tolist()
    ['b', 'c']
    """
    sample = as_sample(sample)
    require_columns(sample.data, [item, over], "the responses")
    waves = sorted(sample.data.loc[sample[item].notna(), over].dropna().unique())
    if len(waves) < 2:
        raise InsufficientData(
            _(
                "A change needs answers in two waves; {item:quoted} has them in {n:count}.",
                item=i18n.label(item),
                n=len(waves),
            )
        )
    return sample.where(sample[over].isin(waves[-2:]))


def repeated(sample: SampleLike, items: Sequence[str], over: str = "wave") -> list[str]:
    """Those of the items that have answers in every one of the waves; the others are named.

    Parameters
    ----------
    sample : answers
    items : columns of answers
    over : column of the waves

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": list("ab"), "room": [4, 5], "app": [None, 3]})
    >>> repeated(rows, ["room", "app"])
    Not asked in each of these waves: app.
    ['room']
    """
    sample = as_sample(sample)
    require_columns(sample.data, [*items, over], "the responses")
    counts = sample.data.groupby(over)[list(items)].count().min()
    kept = [i for i in items if counts[i]]
    if left := [i18n.label(i) for i in items if i not in kept]:
        print(_("Not asked in each of these waves: {items:list}.", items=left))
    return kept


def _groups(sample: Sample, by: str | None) -> list[tuple[object, Sample]]:
    if not by:
        return [(None, sample)]
    return [(group, sample.with_data(rows)) for group, rows in sample.data.groupby(by, sort=True)]


def _untrace(limits: pd.DataFrame, hidden: np.ndarray, series: list[str]) -> None:
    """Blank the cumulative sums that carry on from a hidden wave, until they are zero again.

    The sum of the next wave, less its own deviation, would be that of the hidden one.
    """
    for places in limits.groupby(series, sort=False).indices.values():
        for side in ("up", "down"):
            sums, place = limits[side].to_numpy(copy=True), limits.columns.get_loc(side)
            traced = False
            for row in places:
                traced = hidden[row] or (traced and sums[row] > 0)
                if traced:
                    limits.iloc[row, place] = np.nan


def _joined(series: Sequence[Series], name: str, by: str | None) -> pd.DataFrame:
    parts = [getattr(s, name) for s in series]
    if by:
        parts = [p.assign(**{by: s.group}) for p, s in zip(parts, series, strict=True)]
        parts = [p[[by, *(c for c in p if c != by)]] for p in parts]
    return pd.concat(parts, ignore_index=True)
