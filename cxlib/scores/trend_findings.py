"""What a trend finds, in words: the latest wave, signals, the change of level, and the notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.scores.trend_series import MINIMUM_WAVES, Series
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import gap_note


def finding(series: Sequence[Series], measure: Measure, over: str) -> Finding:
    """The latest wave of one series and its limits; of many series, how many give a signal."""
    if len(series) > 1:
        return Finding(_of_many(series, over))
    chart, table = series[0].limits, series[0].table
    shown = np.flatnonzero(series[0].shown)
    if not len(shown):
        return Finding(disclosure.left_out())
    at = shown[-1]
    last, own = chart.iloc[at], table.iloc[at]
    facts = {
        "measure": measure.name(last["term"]),
        "wave": last[over],
        "value": measure.value(last["estimate"]),
        "n": last["n"],
        "span": measure.span(own["low"], own["high"]),
        "limits": measure.span(last["low"], last["high"]),
    }
    if last["signal"] == "below":
        place = _(
            "{measure} in {wave:label}: {value} ({span}), n {n:count}; below its control limits, "
            "{limits}.",
            **facts,
        )
    elif last["signal"] == "above":
        place = _(
            "{measure} in {wave:label}: {value} ({span}), n {n:count}; above its control limits, "
            "{limits}.",
            **facts,
        )
    else:
        place = _(
            "{measure} in {wave:label}: {value} ({span}), n {n:count}; inside its control limits, "
            "{limits}.",
            **facts,
        )
    claims = [place]
    earlier = chart.iloc[[k for k in shown if k < at]]
    earlier = earlier[earlier["signal"].isin(["above", "below"])]
    if len(earlier):
        claims.append(_("Outside them earlier: {waves:label_list6}.", waves=earlier[over]))
    else:
        claims.append(
            _("No earlier wave was outside.") if over == "wave" else _("None before was outside.")
        )
    if last["signal"] in ("rising", "falling"):
        claims.append(
            _(
                "Its cumulative sum has been out of control since {wave:label}.",
                wave=last["first_seen"],
            )
        )
    claim = i18n.together([*claims, _of_change(series[0].changes.iloc[0], measure)])
    return Finding(claim, value=float(last["estimate"]), unit=measure.unit)


def _of_change(change: pd.Series, measure: Measure) -> str:
    if np.isnan(change["p"]):
        return ""
    if change["p"] >= 1 - LEVEL:
        return _("No change of level is significant (p {p:p}).", p=change["p"])
    facts = {k: i18n.label(str(change[k])) for k in ("wave", "earliest", "latest")} | {
        "step": measure.moved(change["estimate"]),
        "span": measure.change_span(change["low"], change["high"]),
    }
    if change["earliest"] == change["latest"]:
        return _("The level most likely changed in {wave}, by {step} ({span}).", **facts)
    return _(
        "The level most likely changed in {wave} (between {earliest} and {latest}), by {step} "
        "({span}).",
        **facts,
    )


def _of_many(series: Sequence[Series], over: str) -> str:
    waves = [wave for s in series for wave in s.limits.loc[s.shown, over]]
    if not waves:
        return disclosure.left_out()
    now = [s for s in series if s.limits.loc[s.limits[over] == max(waves), "signal"].any()]
    ever = [s for s in series if (s.limits["signal"] != "").any()]
    facts = {"all": len(series), "now": len(now), "ever": len(ever), "wave": max(waves)}
    if not ever:
        return _("None of {all:count} scores gives a signal in any wave.", **facts)
    counted = _(
        "Scores that give a signal in {wave:label}: {now:count} of {all:count}; in some wave: "
        "{ever:count}.",
        **facts,
    )
    names = [_name(s) for s in now or ever]
    which = (
        _("Now: {names:list4}.", names=names) if now else _("Earlier: {names:list4}.", names=names)
    )
    return i18n.together([counted, which])


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
