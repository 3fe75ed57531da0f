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
from typing import Any

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
from cxlib.scores.answers import weightless_note
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.trend_series import ControlLimits, Series, series_of
from cxlib.stats.notes import resampling_note

WORDS = (  # names of columns and of what they hold
    "wave", "by", "against", "p", "signal", "centre", "baseline", "z", "up", "down",
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
    Result with the parts

    - measure, over, by ("" for none), width
    - replay (a row a series; empty for a fixed baseline): [group,] term, judged (waves held against
      a baseline), swing (how much more it moves from wave to wave than sampling explains, at least
      1), false_alarms (expected in these waves if nothing changed, by resamples), swing_alarms (of
      resamples with this swing)
    - delays (of a single series): size of a fall that stays, errors (the same in standard errors of
      the latest wave), within_1, within_2, within_4 (share signalled within so many waves)

    and the tables

    table : [group,] wave, term, estimate, low, high (pointwise 95% intervals), n
    limits : [group,] wave, term, estimate, low, high (control limits: `width` standard errors of a
        wave minus the centre, customers who answer in several waves considered), n, centre (mean of
        the baseline's answers, as known then: see `stats.adaptive_charts`), baseline (the wave
        belongs to that of the latest wave), z, up, down (cumulative sums, k 0.5, h 4), signal ("",
        "above", "below": outside the limits; "rising", "falling": the sum passed h, or a gain or
        fall that began before lasts), probability (of such a wave anywhere in the series without a
        change; Šidák), first_seen (wave the signal began). Hidden waves count several together
    changes : [group,] term, estimate (the step), low, high (of the step given its wave), n, wave
        (first of the new level), earliest, latest (its 95% interval), p

    Raises
    ------
    ValueError : fewer than two waves with answers, a fixed baseline of all of them, and as of `nps`

    References
    ----------
    Shewhart (1931); Page (1954), Biometrika 41; Hawkins (1977), Journal of the American Statistical
    Association 72; Quesenberry (1991), Journal of Quality Technology 23; Wheeler (2004), When do I
    recalculate my limits?

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 16 + 16 * [10]})
    >>> rows["wave"] = np.repeat(list("abc"), 16)
    >>> trend(rows, limits=ControlLimits(baseline=2)).limits["signal"].tolist()
    ['', '', 'above']
    """
    sample, measure = as_sample(sample), as_measure(measure)
    items, asked = [items] if isinstance(items, str) else list(items), []
    weightless: list[object] = []
    how = limits if isinstance(limits, ControlLimits) else ControlLimits(limits)
    for group, part in _groups(sample, items, over, by):
        if by and not part.weights.any():
            weightless.append(group)
        for item in (i for i in items if i in part):
            given = part[item].notna() & (part.weights != 0)
            waves = part.data.loc[given, over].dropna().unique()
            if len(waves) > 1:  # a wave that did not ask is none of the series, and hides no other
                asked.append((part.where(part[over].isin(waves)), item, group, over, measure, how))
    if not asked:
        raise InsufficientData(
            _(
                "A trend needs answers in two waves; there are none to {items:list}.",
                items=[i18n.label(i) for i in items],
            )
        )
    series, charts, small = _charted(asked, how, by)
    table, changes, replay = (_joined(series, name, by) for name in ("table", "changes", "replay"))
    people = [_people(part, item) for part, item, *_rest in asked]
    rows = [len(one.changes) for one in series]
    changes = disclosure.with_people(changes, np.repeat(people, rows).astype(float))
    charts.loc[small, ["signal", "first_seen"]] = ""
    _untrace(charts, small, [by, "term"] if by else ["term"])
    ends, speakable = np.cumsum([len(s.limits) for s in series]), []
    for one, end in zip(series, ends, strict=True):
        place = slice(end - len(one.limits), end)
        speakable.append(replace(one, limits=charts.iloc[place], shown=~small[place]))
    return Result(
        {"table": table, "limits": charts, "changes": changes},
        trend_findings.finding(speakable, measure, over, target),
        i18n.together(
            [
                trend_findings.notes(
                    speakable, charts, how.width, resampling_note(asked[0][0]), over
                ),
                weightless_note(by, weightless) if by and weightless else "",
            ]
        ),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
        parts={
            "measure": measure,
            "over": over,
            "by": by or "",
            "width": how.width,
            "replay": replay,
            "delays": series[0].delays() if len(series) == 1 else pd.DataFrame(),
        },
    )


def _charted(
    asked: Sequence[tuple[Any, ...]], how: ControlLimits, by: str | None
) -> tuple[list[Series], pd.DataFrame, np.ndarray]:
    """The series, their charts together, and which waves of these are hidden."""
    series = [series_of(*one) for one in asked]
    charts = _joined(series, "limits", by)
    why = disclosure.hidden(charts)
    small = (why != "").to_numpy()  # of these not even a signal is shown
    if small.any() and not how.baseline:  # one alone in a baseline that moves would be given away
        ends = np.cumsum([len(s.limits) for s in series])
        whys = [why.iloc[end - len(s.limits) : end] for s, end in zip(series, ends, strict=True)]
        series = [
            series_of(*(*one, own)) if (own != "").any() else s
            for one, s, own in zip(asked, series, whys, strict=True)
        ]
        charts = _joined(series, "limits", by)
    return series, charts, small


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
    asked = sample.of(item, over)
    require_columns(asked.data, [item, over], "the responses")
    waves = sorted(asked.data.loc[asked[item].notna(), over].dropna().unique())
    if len(waves) < 2:
        raise InsufficientData(
            _(
                "A change needs answers in two waves; {item:quoted} has them in {n:count}.",
                item=i18n.label(item),
                n=len(waves),
            )
        )
    return sample.only(over, waves[-2:])


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
    asked = sample.of(items, over)
    require_columns(asked.data, [*items, over], "the responses")
    counts = asked.data.groupby(over)[list(items)].count().min()
    kept = [i for i in items if counts[i]]
    if left := [i18n.label(i) for i in items if i not in kept]:
        print(_("Not asked in each of these waves: {items:list}.", items=left))
    return kept


def _groups(
    sample: Sample, items: Sequence[str], over: str, by: str | None
) -> list[tuple[object, Sample]]:
    """Each group with its answers; where they are counted, item by item."""
    whole, more = sample.of(items[0], over, by), [over, *([by] if by else [])]
    parts = [whole]
    if whole.count is not None and whole is not sample:
        parts += [sample.of(item, over, by) for item in items[1:]]
    require_columns(pd.concat([p.data.head(1) for p in parts]), [*items, *more], "the responses")
    if not by:
        return [(None, part) for part in parts]
    found = [(g, p.with_data(rows)) for p in parts for g, rows in p.data.groupby(by, sort=True)]
    return found if len(parts) == 1 else sorted(found, key=lambda one: str(one[0]))


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


def _people(sample: Sample, item: str) -> int:
    """How many customers answered an item; of counted rows, how many keys of customers."""
    who = sample.clusters[sample[item].notna()]
    return int(who.nunique() + who.isna().sum())


def _joined(series: Sequence[Series], name: str, by: str | None) -> pd.DataFrame:
    parts = [getattr(s, name) for s in series]
    if by:
        parts = [p.assign(**{by: s.group}) for p, s in zip(parts, series, strict=True)]
        parts = [p[[by, *(c for c in p if c != by)]] for p in parts]
    return pd.concat(parts, ignore_index=True)
