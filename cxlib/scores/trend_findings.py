"""What a trend finds, in words: the latest wave, signals, the change of level, and the notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.scores.score_findings import facts, interval, misses, of_target
from cxlib.scores.trend_series import MINIMUM_WAVES, Series
from cxlib.stats.adaptive_charts import ACCEPT, CONFIRM
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import gap_note


def finding(
    series: Sequence[Series], measure: Measure, over: str, target: Target | None = None
) -> Finding:
    """Where the latest wave of one series stands; of many series, which of them give a signal."""
    if len(series) > 1:
        return _of_many(series, measure, over)
    chart, table = series[0].limits, series[0].table
    shown = np.flatnonzero(series[0].shown)
    if not len(shown):
        return Finding(disclosure.left_out())
    at = shown[-1]
    last, own = chart.iloc[at], table.iloc[at]
    earlier = chart.iloc[[k for k in shown if k < at]]
    earlier = earlier[earlier["signal"].isin(["above", "below"])]
    outside = [i18n.period(str(wave)) for wave in earlier[over]]
    words = {
        "measure": i18n.opening(measure.name(last["term"])),
        "wave": last[over],
        "value": measure.value(last["estimate"]),
        "since": last["first_seen"],
    }
    lines = [
        _(
            "{wave:period}: {value} ({ci}), control limits {limits}",
            ci=interval(measure, own["low"], own["high"], own["n"]),
            limits=measure.span(last["low"], last["high"]),
            **words,
        )
        if len(chart) > 2
        else _(
            "{wave:period}: {value} ({ci})",
            ci=interval(measure, own["low"], own["high"], own["n"]),
            **words,
        ),
        _("earlier outside: {waves:list6}", waves=outside) if outside else "",
        _of_change(series[0].changes.iloc[0], measure, str(last[over])),
    ]
    verdict, importance = "", Importance.ANSWER
    if measure.scale is not None and last["signal"]:
        fell = last["signal"] in ("below", "falling")
        verdict, importance = ("worse", Importance.NEWS) if fell else ("better", importance)
    claim = _place(last, words, over)
    if len(chart) == 2 and not last["signal"]:
        claim, importance = _of_two(words), Importance.METHOD
    if target is not None and misses(target, own):
        verdict, importance = "worse", Importance.NEWS
        if last["signal"] not in ("below", "falling"):
            claim = _(
                "{measure} was {now} in {wave:period}, significantly short of the target of "
                "{goal}.",
                now=measure.level(last["estimate"]),
                goal=measure.level(target.value),
                **words,
            )
    if at < len(chart) - 1:
        claim = i18n.together([claim, _("Later periods are too small to be shown.")])
    return Finding.of_row(
        own,
        claim,
        _("; ").join(line for line in lines if line),
        **facts(measure, str(last["term"]), **{over: str(last[over])}),
        **of_target(target, own),
        verdict=verdict,
        importance=importance,
    )


def _of_two(words: dict[str, object]) -> str:
    """Two waves are too few for what "within its limits" promises."""
    return _("{measure} has been asked in two waves only: too few for a trend.", **words)


def _place(last: pd.Series, words: dict[str, object], over: str) -> str:
    """Where the last wave lies, and since when."""
    lasting = last["first_seen"] != last[over]
    if last["signal"] == "below" and lasting:
        return _("{measure} has been below its control limits since {since:period}.", **words)
    if last["signal"] == "below":
        return _("{measure} fell below its control limits in {wave:period}.", **words)
    if last["signal"] == "above" and lasting:
        return _("{measure} has been above its control limits since {since:period}.", **words)
    if last["signal"] == "above":
        return _("{measure} rose above its control limits in {wave:period}.", **words)
    if last["signal"] == "falling":
        return _("{measure} has been drifting down since {since:period}.", **words)
    if last["signal"] == "rising":
        return _("{measure} has been drifting up since {since:period}.", **words)
    return _("{measure} is within its control limits in {wave:period}.", **words)


def _of_change(change: pd.Series, measure: Measure, now: str) -> str:
    if np.isnan(change["p"]):
        return ""
    if change["p"] >= 1 - LEVEL:
        return _("no significant change of level (p {p:p})", p=change["p"])
    words = {k: i18n.period(str(change[k])) for k in ("wave", "earliest", "latest")} | {
        "step": measure.moved(change["estimate"]),
        "span": measure.change_span(change["low"], change["high"]),
    }
    if str(change["wave"]) == now:  # a level of one wave
        return _(
            "{step} (95% CI {span}) against all waves before: whether the level has changed, the "
            "next wave will show",
            **words,
        )
    if change["earliest"] == change["latest"]:
        return _("level changed in {wave} by {step} (95% CI {span})", **words)
    return _(
        "level changed in {wave} (between {earliest} and {latest}) by {step} (95% CI {span})",
        **words,
    )


def _of_many(series: Sequence[Series], measure: Measure, over: str) -> Finding:
    waves = [wave for s in series for wave in s.limits.loc[s.shown, over]]
    if not waves:
        return Finding(disclosure.left_out())
    last = [s.limits.loc[s.limits[over] == max(waves), "signal"] for s in series]
    down, up = (
        [s for s, signal in zip(series, last, strict=True) if signal.isin(kinds).any()]
        for kinds in (("below", "falling"), ("above", "rising"))
    )
    ever = sum((s.limits["signal"] != "").any() for s in series)
    words = {"all": len(series), "wave": max(waves)}
    if not down and not up:
        claim = _("None of {all:count} scores is outside its limits in {wave:period}.", **words)
        importance = Importance.METHOD
    else:
        some = sorted(down or up, key=lambda s: _distance(s, over, max(waves)), reverse=True)
        names = [_name(s, measure) for s in some]
        claim = (
            ngettext(
                "{n:count} of {all:count} scores is below its limits in {wave:period}: "
                "{names:list2}.",
                "{n:count} of {all:count} scores are below their limits in {wave:period}: "
                "{names:list2}.",
                len(some),
                names=names,
                **words,
            )
            if down
            else ngettext(
                "{n:count} of {all:count} scores is above its limits in {wave:period}: "
                "{names:list2}.",
                "{n:count} of {all:count} scores are above their limits in {wave:period}: "
                "{names:list2}.",
                len(some),
                names=names,
                **words,
            )
        )
        importance = Importance.CONTEXT
    detail = _(
        "below: {down:count}, above: {up:count}; in some wave: {ever:count} of {all:count}",
        down=len(down),
        up=len(up),
        ever=ever,
        **words,
    )
    return Finding(claim, detail, importance=importance)


def _distance(one: Series, over: str, wave: object) -> float:
    """How far a wave of the series lies from its centre line."""
    row = one.limits[one.limits[over] == wave].iloc[0]
    return abs(float(row["estimate"] - row["centre"]))


def _name(one: Series, measure: Measure) -> str:
    """The score as other sentences name it (CSAT), or the question, and the group."""
    item = i18n.quoted(i18n.label(one.item))
    if measure.kind != "mean":
        item = measure.name(one.item)
    if one.group is None:
        return item
    return _("{item} ({group:label})", item=item, group=one.group)


def notes(
    series: Sequence[Series], limits: pd.DataFrame, width: float, resamples: str, over: str
) -> str:
    """What the centre line and the limits are, and how many points lie outside by chance."""
    first, waves = series[0].first, len(series[0].limits)
    gaps = gap_note(list(limits[over]))
    judged = int(limits["z"].notna().sum())
    parts = [*series[0].notes] if len(series) == 1 else []
    unseen = _unseen(series, first)
    facts = {
        "width": width,
        "judged": judged,
        "chance": judged * 2 * (1 - ndtr(width)),
    }
    if over != "wave":  # weeks of cases, say: neither waves nor answers
        line = _(
            "Limits: {width:number1} standard errors; of {judged:count} points about "
            "{chance:number2} would lie outside by chance.",
            **facts,
        )
        return i18n.together([_centre_of_points(first, waves), line, unseen, gaps, resamples])
    parts += [
        _centre_of_waves(first, waves),
        _(
            "Limits: {width:number1} standard errors; of {judged:count} points about "
            "{chance:number2} would lie outside by chance. Cumulative sum: k 0.5, h 4.",
            **facts,
        ),
    ]
    if len(series) == 1 and judged > MINIMUM_WAVES:
        scatter = series[0].scatter
        parts.append(
            _(
                "The baseline's waves scatter {times:number1} times as much as sampling explains.",
                times=scatter,
            )
            if first
            else _(
                "From wave to wave the score moves {times:number1} times as much as sampling "
                "explains.",
                times=scatter,
            )
        )
    return i18n.together([*parts, unseen, gaps, resamples])


def _unseen(series: Sequence[Series], first: int) -> str:
    """How many points are hidden, and that they count all the same."""
    hidden = sum(int((~s.shown).sum()) for s in series)
    if not hidden:
        return ""
    said = _(
        "Hidden, as too few are behind each: {hidden:count} of {points:count} points.",
        hidden=hidden,
        points=sum(len(s.shown) for s in series),
    )
    how = _("They count in the centre line and the limits once several together are enough.")
    return i18n.together([said, "" if first else how])


def _centre_of_waves(first: int, waves: int) -> str:
    if first:
        return _(
            "Centre line: the first {first:count} of {waves:count} waves.", first=first, waves=waves
        )
    return _(
        "Centre line: the waves before, since the last confirmed change of level. A gain is the "
        "new level after {gain:count} waves, a fall after {fall:count}; until then it is an alert.",
        gain=CONFIRM,
        fall=ACCEPT,
    )


def _centre_of_points(first: int, points: int) -> str:
    if first:
        return _(
            "Centre line: the first {first:count} of {points:count} points.",
            first=first,
            points=points,
        )
    return _(
        "Centre line: the points before, since the last confirmed change of level. An improvement "
        "is the new level after {gain:count} points, a deterioration after {fall:count}.",
        gain=CONFIRM,
        fall=ACCEPT,
    )
