"""Can the alerts be trusted? Every alarm of the past, as it was raised then, and what came of it.

    audit = scores.alarm_audit(*trends)
    audit.table        # a row a score: alarms, lasted, passed, open, false_alarm_rate, verdict
    audit.delays       # how soon a fall that stays would be noticed

A trend judges each wave by those before it alone, so its signals are the replay of what would have
been said then. An alarm is the first wave of a fall. It lasted if the next wave was still nearer to
the fallen level than to the baseline; else it passed, be it chance or a problem that was solved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.scores.alerts import DOWN, HELD_BACK, name_of_series
from cxlib.scores.measures import Measure
from cxlib.stats import control_charts

LEAD = 4  # waves ahead of the outcome's alarm that still count as announcing it
LEAST = 0.1  # expected alarms that are still written as a number
REPEATED = 2  # alarms that passed, before a score is held back
LASTED, PASSED, OPEN, TRUSTED = mark("lasted", "passed", "open", "trusted")
WORDS = ("awaits confirmation", "alarms", "judged", "swing", "lead", "delay", "alarm audit")
SERIES = ["by", "group", "term"]
COLUMNS = (
    Column("judged", "waves held against a baseline", "count", label="waves examined"),
    Column("alarms", "falls signalled", "count"),
    Column("lasted", "alarms that the next wave confirmed", "count"),
    Column("passed", "alarms over by the next wave", "count", label="did not last"),
    Column("open", "alarms of the latest wave", "count", label="too recent to judge"),
    Column("false_alarm_rate", "probability a wave", "share", 1, "false-alarm rate"),
    Column("false_alarms", "false alarms expected by chance", "", 2, "expected by chance"),
    Column("swing", "moves from wave to wave, of sampling", "", 1, "swing (1 = sampling)"),
    Column("delay", "waves from the change to its alarm", "", 1, "waves until noticed"),
    Column("lead", "waves ahead of the outcome", "", 1, "waves ahead of the outcome"),
    Column("within_1", "share of falls noticed", "share", 0, "in the same wave"),
    Column("within_2", "share of falls noticed", "share", 0, "within 2 waves"),
    Column("within_4", "share of falls noticed", "share", 0, "within 4 waves"),
)


def alarm_audit(*trends: Result) -> Result:
    """Replay the alarms of each score: how many, how many lasted, and how many are due to chance.

    Parameters
    ----------
    trends : of `trend`, with a baseline that adapts; the first is that of the outcome

    Returns
    -------
    Result with tables

    - table: a row a score, those with alarms first: by, group (both empty for everybody), term,
      judged (waves), alarms, lasted, passed, open, false_alarm_rate (probability that a wave in
      which nothing changed raises an alarm, by resamples), false_alarms (expected in these waves),
      swing, delay (mean waves between the change and its alarm, of alarms that lasted), lead (mean
      waves by which alarms came before one of the outcome, up to 4), verdict ("trusted", "held
      back", "")
    - delays: for falls of the outcome that stay, of 2, 3 and 4 standard errors of a wave: term (in
      words), estimate (size), within_1, within_2, within_4 (share noticed within so many waves)

    and the part timeline (wave, term, estimate, signal: "lasted", "passed", "open" or ""), of the
    scores with alarms, for `plots.signals`. A score is held back where at least two alarms passed,
    none lasted, and its usual swing alone would raise one or more: it is no alert until a second
    wave confirms it.

    Raises
    ------
    ValueError : no trend

    Examples
    --------
    >>> from cxlib.scores import trend
    >>> rows = pd.DataFrame({"recommend": [10, 9, 8, 0] * 60})
    >>> rows["wave"] = np.repeat(list("abcdef"), 40)
    >>> rows.loc[rows["wave"].isin(["d", "e"]), "recommend"] = 5
    >>> alarm_audit(trend(rows)).table[["alarms", "lasted", "passed"]].values.tolist()
    [[1, 1, 0]]
    """
    if not trends:
        raise ValueError("no trend to audit. Pass what scores.trend() gives.")
    ahead = _alarm_waves(trends[0])
    rows, timeline = [], []
    for trend in trends:
        for row, waves in _of_trend(trend, [] if trend is trends[0] else ahead):
            rows.append(row)
            if row["alarms"]:
                timeline.append(waves)
    table = pd.DataFrame(rows, columns=[*SERIES, *(c.name for c in COLUMNS[:10]), "verdict"])
    table = table.sort_values("alarms", ascending=False, kind="stable").reset_index(drop=True)
    delays = trends[0].parts["delays"]
    tables = {"table": table} | ({"delays": _in_words(delays)} if len(delays) else {})
    columns = ["wave", "term", "estimate", "signal"]
    return Result(
        tables,
        _finding(table, delays, trends[0].parts["measure"]),
        _note(table),
        trends[0].unit,
        columns=COLUMNS,
        parts={"timeline": pd.concat(timeline) if timeline else pd.DataFrame(columns=columns)},
    )


def _of_trend(trend: Result, ahead: list[int]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    by, over, measure = (trend.parts[k] for k in ("by", "over", "measure"))
    names = [*([by] if by else []), "term"]
    order = {w: k for k, w in enumerate(sorted(trend.limits[over].unique()))}
    for replay in trend.parts["replay"].to_dict("records"):
        own = trend.limits[_same(trend.limits, names, replay)]
        rows = disclosure.shown(own).dropna(subset=["estimate"])
        alarms = list(_alarms(rows))
        (change,) = trend.changes[_same(trend.changes, names, replay)].to_dict("records")
        ended = [k for k in alarms if k["ended"] != OPEN]
        leads = [_lead(order[k["wave"]], ahead) for k in alarms]
        counts = {kind: sum(k["ended"] == kind for k in alarms) for kind in (LASTED, PASSED, OPEN)}
        by_swing = replay["swing_alarms"] >= 1
        held = counts[PASSED] >= REPEATED and not counts[LASTED] and by_swing
        judged = replay["judged"]
        row = {
            "by": by,
            "group": str(replay[by]) if by else "",
            **{k: replay[k] for k in ("term", "judged", "false_alarms", "swing")},
            "alarms": len(alarms),
            **counts,
            "false_alarm_rate": replay["false_alarms"] / judged if judged else np.nan,
            "delay": _mean([_delay(k, change, order) for k in alarms if k["ended"] == LASTED]),
            "lead": _mean(leads),
            "verdict": HELD_BACK if held else TRUSTED if ended else "",
        }
        marks = {w: k["ended"] for k in alarms for w in k["waves"]}
        waves = rows.assign(
            wave=rows[over],
            term=_plain(measure, replay["term"], row["group"]),
            signal=[marks.get(wave, "") for wave in rows[over]],
        )
        yield row, waves[["wave", "term", "estimate", "n", "signal"]]


def _plain(measure: Measure, term: str, group: str) -> str:
    """A score and its group as a row of a figure names it, without quotation marks."""
    name = i18n.label(term) if measure.kind == "mean" else measure.name(term)
    return _("{item} ({group:label})", item=name, group=group) if group else name


def _alarms(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each fall: the wave of its alarm, what came of it, how late it was noticed, its waves."""
    down = rows["signal"].isin(DOWN).to_numpy()
    begun, judged = rows["first_seen"].to_numpy(), rows["z"].notna().to_numpy()
    waves = rows[rows.columns[list(rows.columns).index("term") - 1]].tolist()
    k = 0
    while k < len(rows):
        if not down[k]:
            k += 1
            continue
        last = k
        while last + 1 < len(rows) and down[last + 1] and begun[last + 1] == begun[k]:
            last += 1
        ended = LASTED if last > k else PASSED if judged[k + 1 :].any() else OPEN
        yield {"wave": waves[k], "begun": begun[k], "ended": ended, "waves": waves[k : last + 1]}
        k = last + 1


def _same(table: pd.DataFrame, names: list[str], row: dict[str, Any]) -> pd.Series:
    return (table[names] == pd.Series({c: row[c] for c in names})).all(axis=1)


def _delay(alarm: dict[str, Any], change: dict[str, Any], order: dict[object, int]) -> int:
    """Waves from the change, as it is dated with hindsight, to its alarm."""
    began = control_charts.began(str(alarm["begun"]), -1.0, change)
    places = {str(wave): k for wave, k in order.items()}
    return places[str(alarm["wave"])] - places.get(began, places[str(alarm["begun"])])


def _alarm_waves(trend: Result) -> list[int]:
    """Places of the waves in which the outcome of everybody raised an alarm."""
    if trend.parts["by"] or trend.limits["term"].nunique() > 1:
        return []
    order = sorted(trend.limits[trend.parts["over"]].unique())
    rows = disclosure.shown(trend.limits).dropna(subset=["estimate"])
    return [order.index(k["wave"]) for k in _alarms(rows)]


def _lead(wave: int, ahead: list[int]) -> float:
    """Waves from an alarm to the next one of the outcome; NaN where none comes within a few."""
    return min((k - wave for k in ahead if 0 <= k - wave <= LEAD), default=np.nan)


def _mean(values: list[float]) -> float:
    there = [v for v in values if v == v]
    return float(np.mean(there)) if there else np.nan


def _in_words(delays: pd.DataFrame) -> pd.DataFrame:
    words = [_("fall of {k:count} standard errors", k=k) for k in delays["errors"]]
    sizes = delays.drop(columns="errors").rename(columns={"size": "estimate"})
    sizes.insert(0, "term", words)
    return sizes


def _finding(table: pd.DataFrame, delays: pd.DataFrame, measure: Measure) -> Finding:
    """How many alarms lasted, and how many chance alone would have raised."""
    alarms, lasted, passed, open_, chance = (
        table[c].sum() for c in ("alarms", "lasted", "passed", "open", "false_alarms")
    )
    expected = _("about {x:number1}", x=chance) if chance >= LEAST else _("fewer than {x}", x=LEAST)
    detail = [
        _(
            "{all:count} waves of {series:count} scores replayed as known then; lasted: "
            "{lasted:count}, faded: {passed:count}, too recent to judge: {open:count}; expected "
            "by chance: {chance}",
            all=table["judged"].sum(),
            series=len(table),
            lasted=lasted,
            passed=passed,
            open=open_,
            chance=expected,
        )
    ]
    if len(delays):
        row = delays.iloc[-1]
        detail.append(
            _(
                "a fall by {size} that stays is noticed within 2 waves with probability {p:chance}",
                size=measure.moved(row["size"]).lstrip("+"),
                p=row["within_2"],
            )
        )
    if not alarms:
        claim = _("No score raised an alarm in the waves examined.")
    elif not lasted + passed:
        claim = ngettext(
            "The {n:count} alarm so far is too recent to judge.",
            "All {n:count} alarms so far are too recent to judge.",
            int(alarms),
        )
    else:
        claim = ngettext(
            "{lasted:count} of {n:count} past alarm lasted into the next wave; chance alone would "
            "have raised {chance}.",
            "{lasted:count} of {n:count} past alarms lasted into the next wave; chance alone would "
            "have raised {chance}.",
            int(lasted + passed),
            lasted=lasted,
            chance=expected,
        )
    return Finding(claim, _("; ").join(detail), importance=Importance.CONTEXT)


def _note(table: pd.DataFrame) -> str:
    held = table[table["verdict"] == HELD_BACK]
    parts = [
        _(
            "False-alarm rate: probability that a wave in which nothing changed raises an alarm. "
            "Faded: over by the next wave, by chance or because the problem was solved."
        )
    ]
    if len(held):
        names = [name_of_series(None, row.term, row.group) for row in held.itertuples(index=False)]
        parts.append(
            _(
                "To be confirmed by a second wave, since their earlier alarms faded and they "
                "usually swing by as much: {names:list}.",
                names=names,
            )
        )
    return i18n.together(parts)
