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
from cxlib.scores.score_findings import facts, interval, short_of, target_words
from cxlib.scores.trend_series import MINIMUM_WAVES, Series
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import gap_note


def finding(
    series: Sequence[Series], measure: Measure, over: str, target: Target | None = None
) -> Finding:
    """Where the latest wave of one series stands; of many series, which of them give a signal."""
    if len(series) > 1:
        return _of_many(series, over)
    chart, table = series[0].limits, series[0].table
    shown = np.flatnonzero(series[0].shown)
    if not len(shown):
        return Finding(disclosure.left_out())
    at = shown[-1]
    last, own = chart.iloc[at], table.iloc[at]
    earlier = chart.iloc[[k for k in shown if k < at]]
    earlier = earlier[earlier["signal"].isin(["above", "below"])]
    words = {
        "measure": i18n.opening(measure.name(last["term"])),
        "wave": last[over],
        "value": measure.value(last["estimate"]),
        "since": last["first_seen"],
    }
    lines = [
        _(
            "{wave:label}: {value} ({ci}), control limits {limits}",
            ci=interval(measure, own["low"], own["high"], own["n"]),
            limits=measure.span(last["low"], last["high"]),
            **words,
        ),
        _("earlier outside: {waves:label_list6}", waves=earlier[over]) if len(earlier) else "",
        _of_change(series[0].changes.iloc[0], measure),
        target_words(target, measure),
    ]
    verdict, importance = "", Importance.ANSWER
    if measure.scale is not None and last["signal"]:
        fell = last["signal"] in ("below", "falling")
        verdict, importance = ("worse", Importance.NEWS) if fell else ("better", importance)
    claim = _place(last, words, over)
    if target is not None and short_of(target, own["low"], own["high"]):
        verdict, importance = "worse", Importance.NEWS
        if last["signal"] not in ("below", "falling"):
            claim = _(
                "{measure} was {now} in {wave:label}, significantly short of the target of {goal}.",
                now=measure.level(last["estimate"]),
                goal=measure.level(target.value),
                **words,
            )
    return Finding.of_row(
        own,
        claim,
        _("; ").join(line for line in lines if line),
        **facts(measure, str(last["term"]), **{over: str(last[over])}),
        target=None if target is None else target.value,
        verdict=verdict,
        importance=importance,
    )


def _place(last: pd.Series, words: dict[str, object], over: str) -> str:
    """Where the last wave lies, and since when."""
    lasting = last["first_seen"] != last[over]
    if last["signal"] == "below" and lasting:
        return _("{measure} has been below its control limits since {since:label}.", **words)
    if last["signal"] == "below":
        return _("{measure} fell below its control limits in {wave:label}.", **words)
    if last["signal"] == "above" and lasting:
        return _("{measure} has been above its control limits since {since:label}.", **words)
    if last["signal"] == "above":
        return _("{measure} rose above its control limits in {wave:label}.", **words)
    if last["signal"] == "falling":
        return _("{measure} has been drifting down since {since:label}.", **words)
    if last["signal"] == "rising":
        return _("{measure} has been drifting up since {since:label}.", **words)
    return _("{measure} is within its control limits in {wave:label}.", **words)


def _of_change(change: pd.Series, measure: Measure) -> str:
    if np.isnan(change["p"]):
        return ""
    if change["p"] >= 1 - LEVEL:
        return _("no significant change of level (p {p:p})", p=change["p"])
    words = {k: i18n.label(str(change[k])) for k in ("wave", "earliest", "latest")} | {
        "step": measure.moved(change["estimate"]),
        "span": measure.change_span(change["low"], change["high"]),
    }
    if change["earliest"] == change["latest"]:
        return _("level changed in {wave} by {step} (95% CI {span})", **words)
    return _(
        "level changed in {wave} (between {earliest} and {latest}) by {step} (95% CI {span})",
        **words,
    )


def _of_many(series: Sequence[Series], over: str) -> Finding:
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
        claim = _("None of {all:count} scores is outside its limits in {wave:label}.", **words)
        importance = Importance.METHOD
    else:
        some = down or up
        names = [_name(s) for s in some]
        claim = (
            ngettext(
                "{n:count} of {all:count} scores is below its limits in {wave:label}: "
                "{names:list2}.",
                "{n:count} of {all:count} scores are below their limits in {wave:label}: "
                "{names:list2}.",
                len(some),
                names=names,
                **words,
            )
            if down
            else ngettext(
                "{n:count} of {all:count} scores is above its limits in {wave:label}: "
                "{names:list2}.",
                "{n:count} of {all:count} scores are above their limits in {wave:label}: "
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


def _name(one: Series) -> str:
    item = i18n.quoted(i18n.label(one.item))
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
    facts = {
        "first": first,
        "waves": waves,
        "width": width,
        "judged": judged,
        "chance": judged * 2 * (1 - ndtr(width)),
    }
    if over != "wave":  # weeks of cases, say: neither waves nor answers
        line = _(
            "Centre line: the first {first:count} of {waves:count} points. Limits: "
            "{width:number1} standard errors; of {judged:count} points about "
            "{chance:number2} would lie outside by chance.",
            **facts,
        )
        return i18n.together([line, gaps, resamples])
    parts.append(
        _(
            "Centre line: the first {first:count} of {waves:count} waves. Limits: {width:number1} "
            "standard errors; of {judged:count} points about {chance:number2} would lie outside "
            "by chance. Cumulative sum: k 0.5, h 4.",
            **facts,
        )
    )
    if len(series) == 1 and first > MINIMUM_WAVES:
        parts.append(
            _(
                "The baseline's waves scatter {times:number1} times as much as sampling explains.",
                times=series[0].scatter,
            )
        )
    return i18n.together([*parts, gaps, resamples])
