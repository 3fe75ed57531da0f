"""How different those who did not answer must be to change a verdict (tipping points).

fit = scores.nonresponse(now, rate=0.3, measure=measure, target=study.target("nps"))
print(fit)                    # NPS would miss its target if those who did not answer ...
fit.verdicts                  # each verdict, and the difference at which it changes
fit.curve                     # the score of everybody by how much the others differ
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure, as_measure

TARGET, CHANGE = mark("target reached", "change since the wave before")
STEPS = 61  # points of the curve
COLUMNS = [
    Column("rate", "share who answered", "share", label="response rate"),
    Column("least", "score of everybody, all others worst", ESTIMATE, label="at worst"),
    Column("most", "score of everybody, all others best", ESTIMATE, label="at best"),
    Column("tip", "difference that changes the verdict", ESTIMATE, label="tipping point"),
    Column(
        "crosses", "difference at which the estimate crosses", ESTIMATE, label="estimate crosses"
    ),
    Column("difference", "difference of those who did not answer", ESTIMATE),
]
LIMITS = {"nps": (-100.0, 100.0), "csat": (0.0, 1.0)}


def nonresponse(
    fit: Result,
    rate: float | Mapping[str, float],
    measure: Measure | str = "nps",
    *,
    target: Target | None = None,
    late: Result | None = None,
    over: str = "wave",
) -> Result:
    """Tipping points: the difference of those who did not answer at which a verdict changes.

    Of those asked a share answered (`rate`), with the score y; the others have y + d, which nobody
    knows. Everybody's score is then y + (1 - rate) d. The interval moves with it, as d is supposed
    and not estimated. A change between two waves is moved by how much d itself changed.

    Parameters
    ----------
    fit : of `latest`, or of `score` for a single wave
    rate : share who answered of those asked, above 0 and at most 1; or {wave: rate}
    measure : what is measured
    target : the value to reach
    late : of `compare`, those who answered late with the others first: a guide to how those who
        never answered differ, and no estimate of it
    over : column of the waves

    Returns
    -------
    Result with tables

    - "table": term, estimate (score of those who answered), low, high, n, rate, least, most (the
      score of everybody when all others gave the worst, or the best, answer)
    - "verdicts": term ("target reached", "change since the wave before"), now ("met", "missed",
      "higher", "lower" or "unclear"), tip (difference nearest to 0 at which that changes; of
      those that are unclear, at which it becomes clear), then (the verdict beyond it), crosses
      (difference at which the estimate itself crosses the target, or the change is 0), possible
      (whether answers on the scale can differ as much as `tip`)
    - "curve": difference, estimate, low, high, n: the score of everybody

    Raises
    ------
    InsufficientData : everybody answered, or no score may be shown
    ValueError : a rate that is no share, or none for a wave

    References
    ----------
    Rubin (1977), Journal of the American Statistical Association 72; Manski (1990), American
    Economic Review 80, for the extremes; Yan, Lee and Li (2009), Journal of Biopharmaceutical
    Statistics 19, and Liublinska and Rubin (2014), Statistics in Medicine 33, for tipping points.

    Examples
    --------
    >>> from cxlib.scores import nps
    >>> rows = pd.DataFrame({"recommend": [10, 10, 10, 8, 0] * 200})
    >>> fit = nonresponse(nps(rows), 0.5, target=Target(value=20))
    >>> fit.verdicts[["now", "then"]].values.tolist(), fit.table[["least", "most"]].values.tolist()
    ([['met', 'unclear']], [[-30.0, 70.0]])
    """
    measure = as_measure(measure)
    shown = disclosure.shown(fit.table)
    shown = shown[shown["estimate"].notna()]
    if shown.empty:
        raise InsufficientData(_("No score of those who answered may be shown."))
    now = shown.iloc[0]  # the latest wave stands first
    wave = str(now[over]) if over in shown else ""
    silent = 1 - _rate(rate, wave)
    if silent <= 0:
        raise InsufficientData(_("Everybody who was asked answered: nobody is missing."))
    worst, best = LIMITS.get(measure.kind) or measure.scale or (np.nan, np.nan)
    table = pd.DataFrame(
        [now[[c for c in (over, "term", "estimate", "low", "high", "n") if c in now]]]
    )
    table = table.assign(
        rate=1 - silent,
        least=(1 - silent) * now["estimate"] + silent * worst,
        most=(1 - silent) * now["estimate"] + silent * best,
    ).infer_objects()
    room = worst - now["estimate"], best - now["estimate"]
    verdicts = []
    if target is not None:
        sign = -1 if target.direction == "at most" else 1
        ends = tuple(now[["low", "estimate", "high"]].astype(float) - target.value)
        ends = ends if sign > 0 else tuple(-e for e in reversed(ends))
        verdicts.append(_verdict(TARGET, ends, ("met", "missed"), silent, room, sign))
    change = fit.tables.get("changes", pd.DataFrame())
    if len(change) and over in change:
        ends = tuple(change[["low", "estimate", "high"]].astype(float).iloc[0])
        swing = (worst - best, best - worst)
        verdicts.append(_verdict(CHANGE, ends, ("higher", "lower"), silent, swing))
    columns = ["term", "now", "tip", "then", "crosses", "possible"]
    tables = {"table": table, "verdicts": pd.DataFrame(verdicts, columns=columns)}
    tables["curve"] = _curve(now, silent, room, tables["verdicts"])
    facts: dict[str, Any] = {"wave": wave, "silent": silent, "target": target}
    facts["late"] = None if late is None else late.table.iloc[0]
    if wave and len(change):
        facts["before"] = periods.before(wave, str(change["against"].iloc[0]))
    finding = _finding(measure, table.iloc[0], tables["verdicts"], facts)
    notes = [
        _("Differences are those that remain after weighting."),
        _("The response rate counts as known; the interval is that of the answers."),
    ]
    parts = {"target": None if target is None else target.value, "tip": _tip(tables["verdicts"])}
    parts["late"] = None if late is None else float(late.table["estimate"].iloc[0])
    return Result(tables, finding, i18n.together(notes), measure.unit, columns=COLUMNS, parts=parts)


def _rate(rate: float | Mapping[str, float], wave: str) -> float:
    if isinstance(rate, Mapping) and not wave and len(rate) == 1:
        [rate] = rate.values()
    if isinstance(rate, Mapping):
        if wave not in rate:
            raise ValueError(
                f"no response rate of wave {wave!r}; there are those of "
                f"{', '.join(map(str, rate))}."
            )
        rate = rate[wave]
    if not 0 < rate <= 1:
        raise ValueError(f"the response rate is {rate:g}; it must be above 0 and at most 1.")
    return float(rate)


def _verdict(
    term: str,
    ends: tuple[float, ...],
    names: tuple[str, str],
    silent: float,
    room: tuple[float, float],
    sign: int = 1,
) -> tuple[str, str, float, str, float, bool]:
    """What a difference (low, estimate, high) says, and the shift at which it says otherwise."""
    low, middle, high = ends
    if low > 0:
        now, tip, then = names[0], -low / silent, "unclear"
    elif high < 0:
        now, tip, then = names[1], -high / silent, "unclear"
    else:  # the nearer of the two clear verdicts
        up, down = -low / silent, -high / silent
        now, tip, then = "unclear", *((up, names[0]) if up < -down else (down, names[1]))
    tip = sign * tip
    possible = bool(room[0] <= tip <= room[1])
    return term, now, tip, then, -sign * middle / silent, possible


def _nearest(verdict: Any) -> float:
    """The tipping point that is told: of a target not settled, where the estimate crosses it."""
    unsettled = verdict.now == "unclear" and verdict.term == TARGET
    return float(verdict.crosses if unsettled else verdict.tip)


def _tip(verdicts: pd.DataFrame) -> float | None:
    """That of the first verdict."""
    return next(map(_nearest, verdicts.itertuples()), None)


def _curve(
    now: pd.Series, silent: float, room: tuple[float, float], verdicts: pd.DataFrame
) -> pd.DataFrame:
    """The score of everybody by the difference of those who did not answer."""
    at_target = verdicts.loc[verdicts["term"] == TARGET, "tip"].abs()
    spread = now["high"] - now["low"]
    reach = max(1.5 * spread, *(1.3 * at_target)) if len(at_target) else 1.5 * spread
    low, high = (np.nan_to_num(e, nan=s * np.inf) for e, s in zip(room, (-1, 1), strict=True))
    d = np.linspace(max(-reach, low), min(reach, high), STEPS)
    rows = {end: now[end] + silent * d for end in ("estimate", "low", "high")}
    return pd.DataFrame({"difference": d, **rows, "n": int(now["n"])})


def _finding(
    measure: Measure, row: pd.Series, verdicts: pd.DataFrame, facts: dict[str, Any]
) -> Finding:
    """The first verdict that is certain and that answers on the scale could change."""
    item = str(row["term"])
    words: dict[str, Any] = {
        "measure": i18n.opening(measure.name(item)),
        "score": measure.level(row["estimate"]),
        "ci": measure.span(row["low"], row["high"]),
        "rate": row["rate"],
        "n": row["n"],
        "least": measure.level(row["least"], bare=True),
        "most": measure.level(row["most"], bare=True),
        "before": facts.get("before", ""),
    }
    if (target := facts["target"]) is not None:
        words["goal"] = measure.level(target.value)
    certain = verdicts[verdicts["now"] != "unclear"]
    changeable = certain[certain["possible"]]
    first = (changeable if len(changeable) else certain if len(certain) else verdicts).head(1)
    claim = _unit_claim(measure, words, facts)
    importance, tip = Importance.CONTEXT, 0.0
    for verdict in first.itertuples():
        tip = _nearest(verdict)
        words["tip"] = measure.change(tip)
        claim = _claim(verdict, words)
        importance = Importance.ANSWER
    detail = _(
        "{score} of those who answered (95% CI {ci}; n = {n:count}), {rate:rate} of those asked; "
        "between {least} and {most} whatever the others would say",
        **words,
    )
    if (late := facts["late"]) is not None:
        words["gap"] = measure.moved(late["estimate"])
        words["gap_ci"] = measure.change_span(late["low"], late["high"])
        detail = _(
            "{detail}; late answers differ by {gap} (95% CI {gap_ci})", detail=detail, **words
        )
        reaches = 0 < tip <= late["estimate"] or late["estimate"] <= tip < 0
        if reaches and (late["low"] > 0 or late["high"] < 0):
            importance = Importance.NOTABLE
        beyond = 0 < tip <= late["low"] or late["high"] <= tip < 0
        if beyond and _unsettled_target(first):
            everybody = row["estimate"] + (1 - row["rate"]) * late["estimate"]
            everybody = np.clip(everybody, row["least"], row["most"])  # nobody is off the scale
            claim = _as_late({**words, "all": measure.level(everybody)}, tip)
    at = {"wave": facts["wave"]} if facts["wave"] else {}
    slots: dict[str, Any] = {
        "unit": measure.unit,
        "measure": measure.key(item),
        "at": at,
        "importance": importance,
    }
    return Finding.of_row(row, claim, detail, **slots)


def _unsettled_target(first: pd.DataFrame) -> bool:
    return any(v.term == TARGET and v.now == "unclear" for v in first.itertuples())


def _as_late(words: dict[str, Any], tip: float) -> str:
    """A target that late answers speak for or against."""
    if tip < 0:
        return _(
            "{measure} of all asked would be about {all}, below {goal}, if those who did not "
            "answer scored like late respondents.",
            **words,
        )
    return _(
        "{measure} of all asked would be about {all}, which meets {goal}, if those who did not "
        "answer scored like late respondents.",
        **words,
    )


def _unit_claim(measure: Measure, words: dict[str, Any], facts: dict[str, Any]) -> str:
    step = {"nps": 10.0, "csat": 0.1}.get(measure.kind, 1.0)
    return _(
        "{measure} of all asked moves by {moves} for each {step} by which those who did not answer "
        "differ.",
        moves=measure.change(step * facts["silent"]),
        step=measure.change(step),
        **words,
    )


def _claim(verdict: Any, words: dict[str, Any]) -> str:
    """What would change a verdict, in a sentence."""
    of_target = verdict.term == TARGET
    if not verdict.possible:
        return (
            _(
                "Whatever those who did not answer would say, it does not change whether {measure} "
                "meets {goal}.",
                **words,
            )
            if of_target
            else _(
                "Whatever those who did not answer would say, it does not change how {measure} "
                "moved.",
                **words,
            )
        )
    if of_target and verdict.now == "unclear":
        return (
            _(
                "{measure} of all asked would fall below {goal} if those who did not answer scored "
                "{tip} lower.",
                **words,
            )
            if verdict.crosses < 0
            else _(
                "{measure} of all asked would reach {goal} if those who did not answer scored "
                "{tip} higher.",
                **words,
            )
        )
    lower = verdict.tip < 0
    if of_target:
        return (
            _(
                "{measure} would no longer be certain to meet {goal} if those who did not answer "
                "scored {tip} lower.",
                **words,
            )
            if lower
            else _(
                "{measure} would no longer be certain to miss {goal} if those who did not answer "
                "scored {tip} higher.",
                **words,
            )
        )
    if verdict.now == "unclear":
        return (
            _(
                "{measure} would have fallen for certain since {before} if those who did not "
                "answer had lost {tip} more.",
                **words,
            )
            if lower
            else _(
                "{measure} would have risen for certain since {before} if those who did not answer "
                "had gained {tip} more.",
                **words,
            )
        )
    return (
        _(
            "The rise of {measure} since {before} would be unclear if those who did not answer had "
            "gained {tip} less.",
            **words,
        )
        if lower
        else _(
            "The fall of {measure} since {before} would be unclear if those who did not answer had "
            "lost {tip} less.",
            **words,
        )
    )
