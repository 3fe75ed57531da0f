"""A change judged: its effect by the design it allows, and every check that its rows allow.

    one = impact.evaluate(trial)
    print(one)        # After the price rise, “Value” fell by 0.66 points compared with ...
    one.checks        # term (the check), result (passed, failed, not possible), what it shows
    one.path          # the tables of the checks, for figures
    impact.evaluate_all(trials)   # those with an effect first

A check passes or fails by a rule of its own, so that a verdict can count them: pre-trends differ
significantly or not, a placebo test shows an effect or not, a second estimate contradicts the first
or not. A check that could not have failed is inconclusive: a second estimate passes only where its
interval is narrow enough to tell the effect from none. Nor does one pass that is less than half of
a significant effect and not significant itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import RATED, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact import counterfactuals, parallel_trends, robustness, wording
from cxlib.impact.effects import effect, in_each_wave, in_latest_wave, without_shared_waves
from cxlib.impact.trial import Trial

PASSED, FAILED, IMPOSSIBLE, SILENT = mark("passed", "failed", "not possible", "inconclusive")
UNEVEN = 0.1  # difference in attrition that biases an effect; a wider interval cannot rule it out
SMALL_CONFOUNDER = 1.2  # risk ratio of a small effect, 0.2 standard deviations: exp(0.91 x 0.2)
FAILURES = 2  # of checks, from which an effect without randomisation is in doubt
TOLD = 2  # changes that `verdicts` names, which their own findings need not repeat
COLUMNS = (
    Column("term", "check", "name", label="check"),
    Column("result", "whether the check is passed", "name"),
    Column("shows", "what the check shows", "text", label="what it shows"),
)
WORDS = (
    *("check", "result", "what it shows", "parallel pre-trends", "placebo tests", "attrition"),
    *("unmeasured confounder", "balance at baseline"),
)


def evaluate(trial: Trial) -> Result:
    """Estimate the effect of a change, and check what could speak against it.

    Parameters
    ----------
    trial : from `read`

    Returns
    -------
    Result with the tables

    - checks: term (the check), result ("passed", "failed", "inconclusive": its interval is wider
      than the effect that it would have to detect, or includes 0 where its estimate is less than
      half of a significant effect, "not possible"), shows (in words)
    - effects, standard, by_design: as `effect` has them
    - path, bounds, placebos, synthetic_control, donors, time_series, regression_to_the_mean,
      attrition, baseline, confounding: of the checks that the rows allow

    and the parts of `effect`, with passed, failed and silent (numbers of checks) and doubt (whether
    the effect is significant, but in doubt: no controls, pre-trends not parallel, a roll-out whose
    effect random starts match, two failed checks, or no effect without the waves in which another
    change came on top of it; a randomised one only where its arms differed significantly in the
    same direction before, and the difference-in-differences is not significant)

    Raises
    ------
    InsufficientData : the rows do not allow the design

    Examples
    --------
    >>> from cxlib.data.schema import Change
    >>> from cxlib.impact.trial import read
    >>> rows = pd.DataFrame({"arm": ["new", "old"] * 40, "score": [5, 3, 4, 3] * 20, "wave": "1"})
    >>> change = Change(name="desk", label="The new desk", design="randomised", outcome="score",
    ...                 column="arm", treated=["new"], begun="1")
    >>> one = evaluate(read(rows, change))
    >>> print(one)
    The new desk raised score by 1.50 points.
    >>> one.checks["result"].value_counts().to_dict()
    {'not possible': 5}
    """
    fit = effect(trial)
    rows: list[dict[str, str]] = []
    tables: dict[str, pd.DataFrame] = {}
    for name, (designs, run, judge) in _CHECKS.items():
        if trial.change.design not in designs:
            continue
        try:
            found = run(trial, fit)
        except InsufficientData as error:
            shows = i18n.opening(str(error))
            rows.append({"term": name, "result": IMPOSSIBLE, "shows": shows})
            continue
        told = found.finding
        shows = i18n.together([told.claim, _("{first}.", first=told.detail) if told.detail else ""])
        rows.append({"term": name, "result": judge(fit, found), "shows": shows})
        tables |= {_TABLES.get((name, k), k): t for k, t in found.tables.items()}
    if fit.design == "randomised" and len(by_wave := in_each_wave(trial)) > 1:
        tables["path"] = by_wave
    rows += _other_designs(fit, {r["term"] for r in rows})
    checks = pd.DataFrame(rows, columns=[c.name for c in COLUMNS])
    results = dict(zip(checks["term"], checks["result"], strict=True))
    passed, failed, silent = (int((checks["result"] == r).sum()) for r in (PASSED, FAILED, SILENT))
    first = fit.table.iloc[0]
    significant = bool(first["low"] > 0 or first["high"] < 0)
    crucial = ["parallel pre-trends"] + ["placebo tests"] * (fit.design == "staggered")
    uneven = failed >= FAILURES or any(results.get(name) == FAILED for name in crucial)
    mixed, apart, size = _apart(trial, fit) if significant else ("", "", "")
    already = _differed_before(trial, tables) if significant else ""
    if fit.design == "randomised":
        doubt = bool(already) and not _confirmed(fit, tables["baseline"])
    else:
        doubt = significant and (fit.design == "series" or uneven or bool(mixed))
    parts = {**fit.parts, "passed": passed, "failed": failed, "silent": silent, "doubt": doubt}
    names = checks.loc[checks["result"] == FAILED, "term"].tolist()
    latest, parts["faded"] = _latest(trial, fit, tables)
    parts["faded_in"] = _last_wave(trial) if parts["faded"] else ""
    if significant:
        path = tables.get("path", pd.DataFrame())
        if fit.design == "randomised":  # drawn only: 26 has other intervals of its single waves
            path = pd.DataFrame()
        fit = _dated(trial, fit, parts["faded_in"], doubt, path, size)
        if already:
            fit = _with_baseline(trial, fit, already, doubt, tables["baseline"].iloc[0])
        parts["clause"] = fit.clause
    latest = _("; ").join(filter(None, [apart, latest]))
    finding = _finding(fit, latest, passed, silent, names, doubt, mixed)
    finding = replace(finding, action=_next_step(fit, parts, significant))
    own = {"effects": fit.table, "standard": fit.standard, "by_design": fit.by_design}
    return Result(
        {"checks": checks, **own, **tables},
        finding,
        fit.notes,
        trial.unit,
        columns=COLUMNS,
        **fit.bootstrap,
        parts=parts,
    )


def evaluate_all(trials: Mapping[str, Trial]) -> dict[str, Result]:
    """Evaluate every change whose rows allow it, and print which do not.

    Parameters
    ----------
    trials : name of the change -> Trial

    Returns
    -------
    name of the change -> Result of `evaluate`; significant effects first, then those in doubt, then
    the others. What the head of a page tells already (the first two effects) is context
    """
    found: dict[str, Result] = {}
    out = []
    for name, trial in trials.items():
        try:
            found[name] = evaluate(trial)
        except InsufficientData:
            out.append(i18n.quoted(trial.label))
    if out:
        print(_("Too few waves, groups or customers to judge: {changes:list}.", changes=out))
    ordered = sorted(found, key=lambda name: _rank(found[name]))
    told = [one.change for one in in_head(found[name] for name in ordered)] or ordered[:1]
    for name in told:
        quiet = replace(found[name].finding, importance=Importance.CONTEXT)
        found[name] = found[name].replace(finding=quiet)
    return {name: found[name] for name in ordered}


def is_significant(one: Result) -> bool:
    """Whether the interval of the first outcome excludes 0."""
    first = one.effects.iloc[0]
    return bool(first["low"] > 0 or first["high"] < 0)


def improves(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether the interval of an effect lies above 0 in a unit in which higher is better."""
    return bool(row["low"] > 0) and row["unit"] in RATED


def is_sure(one: Result) -> bool:
    """Whether the effect is significant and not in doubt."""
    return is_significant(one) and not one.doubt


def works(one: Result) -> bool:
    """Whether an improvement is sure, passed every check and is there in the latest wave."""
    parts = one.parts
    known = is_sure(one) and not parts["faded"] and not parts["failed"]
    return known and improves(one.effects.iloc[0])


def in_head(every: Iterable[Result]) -> list[Result]:
    """The effects that the head of a page tells in one sentence: sure ones, two at most.

    One that the latest wave does not show has the sentence for itself.
    """
    sure = [one for one in every if is_sure(one)]
    if sure and sure[0].parts.get("faded"):
        return sure[:1]
    return [one for one in sure if not one.parts.get("faded")][:TOLD]


def counted(passed: int, failed: Sequence[str] = (), silent: int = 0) -> str:
    """How many of all checks passed, which failed, and how many could not have, for a detail."""
    said = ngettext(
        "{passed:count} of {n:count} check passed",
        "{passed:count} of {n:count} checks passed",
        passed + len(failed) + silent,
        passed=passed,
    )
    if failed:
        wrong = _("{n:count} failed ({checks:label_list})", n=len(failed), checks=list(failed))
        said = _("{first}, {second}", first=said, second=wrong)
    if not silent:
        return said
    others = ngettext("{n:count} is inconclusive", "{n:count} are inconclusive", silent)
    return _("{first}, {second}", first=said, second=others)


def _dated(
    trial: Trial, fit: Result, faded_in: str, doubt: bool, path: pd.DataFrame, apart: str
) -> Result:
    """The effect with its waves in the claim, and whether the latest still shows it.

    That the latest wave does not show it means that it faded only where those before did. `apart`
    is its size without the waves of another change, of which single waves say too little.
    """
    earlier = path[path["changed"]].iloc[:-1] if "changed" in path else path
    shown = earlier[(earlier["low"] > 0) | (earlier["high"] < 0)] if len(earlier) else earlier
    single = bool(faded_in) and not doubt and len(shown) < len(earlier)  # the claim says which show
    clause = fit.clause
    if not single:
        clause = wording.with_period(trial, clause, faded=bool(faded_in))
    waves = {"effect": clause, "waves": shown["wave"].tolist() if len(shown) else []}
    shared = len(shown) and set(waves["waves"]) <= set(trial.shared_in)
    if single and shared and apart:
        clause = _(
            "{effect} ({size} without {others:label_list}); no effect can be shown in "
            "{latest:label}",
            effect=clause,
            size=apart,
            others=list(trial.shared_in),
            latest=faded_in,
        )
    elif single:
        clause = (
            ngettext(
                "{effect}; of single waves only {waves:label_list} shows it",
                "{effect}; of single waves only {waves:label_list} show it",
                len(shown),
                **waves,
            )
            if len(shown)
            else _("{effect}; no single wave shows it", **waves)
        )
    elif faded_in and not doubt:  # of a doubtful one the claim says why it is
        clause = _(
            "{effect}, but no effect can be shown in {wave:period}", effect=clause, wave=faded_in
        )
    finding = replace(fit.finding, claim=wording.sentence(clause))
    return fit.replace(finding=finding, parts={**fit.parts, "clause": clause})


def _apart(trial: Trial, fit: Result) -> tuple[str, str, str]:
    """What an effect is without the waves in which another change came on top of it.

    The first is why it is in doubt for that, empty where it is not; the second its number with its
    interval; the third its size, where the effect is significant.
    """
    if fit.design != "compared" or not trial.shared_in:
        return "", "", ""
    facts = {
        "waves": list(trial.shared_in),
        "changes": [wording.inside(name) for name in trial.shared],
    }
    row = without_shared_waves(trial)
    if row is None:
        return _("{changes:list} affected the same groups in all of its waves", **facts), "", ""
    unit = str(fit.table["unit"].iloc[0])
    number = _(
        "without {waves:label_list}, when {changes:list} affected the same groups, {size} "
        "(95% CI {span})",
        size=wording.signed(row["estimate"], unit),
        span=wording.span(row["low"], row["high"], unit),
        **facts,
    )
    if row["low"] <= 0 <= row["high"]:
        reason = _(
            "not significantly without {waves:label_list}, when {changes:list} affected the "
            "same groups",
            **facts,
        )
        return reason, number, ""
    return "", number, i18n.number(abs(row["estimate"]), 1 if unit.endswith("points") else 2)


def _last_wave(trial: Trial) -> str:
    """The latest wave with the change."""
    return trial.waves[int(np.flatnonzero(trial.after).max())]


def _latest(trial: Trial, fit: Result, tables: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    """The effect in the latest of several waves, which one over all of them does not show.

    The second is what whoever names the effect over all waves must add: that in the latest none can
    be shown; empty where one can.
    """
    path = tables.get("path", pd.DataFrame())
    if fit.design == "randomised":
        return _latest_of_arms(trial, fit)
    if fit.design != "compared" or "changed" not in path or path["changed"].sum() < 2:
        return "", ""
    before, last = path[trial.before].iloc[-1], path[path["changed"]].iloc[-1]
    unit = str(fit.table["unit"].iloc[0])
    facts = {
        "wave": last["wave"],
        "before": before["wave"],
        "size": wording.signed(last["estimate"], unit),
        "span": wording.span(last["low"], last["high"], unit),
    }
    said = _(
        "in {wave:label} {size} compared with {before:label} (simultaneous 95% CI {span})", **facts
    )
    if not last["low"] <= 0 <= last["high"]:
        return said, ""
    faded = _(
        "not distinguishable from 0 in {wave:label} ({size}, simultaneous 95% CI {span})", **facts
    )
    return _("{first}, not distinguishable from 0", first=said), faded


def _latest_of_arms(trial: Trial, fit: Result) -> tuple[str, str]:
    """The same of randomised arms, where all waves together show an effect."""
    first, last = fit.table.iloc[0], in_latest_wave(trial)
    if last is None or first["low"] <= 0 <= first["high"]:
        return "", ""
    unit = str(first["unit"])
    facts = {
        "wave": last["wave"],
        "size": wording.signed(last["estimate"], unit),
        "span": wording.span(last["low"], last["high"], unit),
    }
    said = _("among all answers of {wave:label} {size} (95% CI {span})", **facts)
    if not last["low"] <= 0 <= last["high"]:
        return said, ""
    faded = _(
        "not distinguishable from 0 among all answers of {wave:label} ({size}, 95% CI {span})",
        **facts,
    )
    return faded, faded


def _rank(one: Result) -> int:
    return 0 if is_sure(one) else 1 if is_significant(one) else 2


def _finding(
    fit: Result,
    latest: str,
    passed: int,
    silent: int,
    failed: list[str],
    doubt: bool,
    mixed: str = "",
) -> Finding:
    detail = fit.finding.detail
    none_passed = doubt and failed and not passed and not mixed and fit.design != "series"
    if latest and not none_passed:  # single waves of what cannot be told say nothing
        detail = _("{first}; {second}", first=detail, second=latest)
    if passed or failed or silent:
        counts = counted(passed, failed, silent)
        detail = _("{first}; {second}", first=detail, second=counts)
    if not doubt:
        return replace(fit.finding, detail=detail)
    if fit.design == "randomised":
        claim = fit.finding.claim  # it tells how the arms differed before
    elif fit.design == "series":
        reason = _("without controls, other causes cannot be ruled out")
        claim = wording.sentence(fit.clause, reason)
    elif mixed:
        claim = wording.sentence(_("{effect}, but {reason}", effect=fit.clause, reason=mixed))
    elif none_passed:
        claim = _(
            "No effect of {change:verbatim} can be shown or ruled out: none of {all:count} checks "
            "passed, and {failed:count} failed.",
            change=fit.label,
            failed=len(failed),
            all=len(failed) + silent,
        )
    else:
        claim = i18n.opening(
            _(
                "{effect}, but {failed:count} of {all:count} checks failed.",
                effect=fit.clause,
                failed=len(failed),
                all=passed + len(failed) + silent,
            )
        )
    return replace(
        fit.finding, claim=claim, detail=detail, verdict="unclear", importance=Importance.ANSWER
    )


def _next_step(fit: Result, parts: Mapping[str, Any], significant: bool) -> str:
    """What follows from an effect for the change."""
    change = {"change": fit.label}
    if parts["doubt"] and fit.design == "randomised":
        return _(
            "Do not decide on {change:verbatim} by this: check how its arms were assigned, and "
            "assign customers at random once more.",
            **change,
        )
    if parts["doubt"]:
        return _(
            "Do not decide on {change:verbatim} by this: compare with controls that moved in "
            "parallel before, or assign at random the next time.",
            **change,
        )
    if not significant:
        return _(
            "Do not extend {change:verbatim} on this evidence: no effect on the outcome is shown.",
            **change,
        )
    if not parts["faded"]:
        if improves(fit.table.iloc[0]) and not parts["failed"]:
            return _(
                "Extend {change:verbatim} to those who do not have it yet, where the effect is "
                "worth its cost.",
                **change,
            )
        return _("Weigh this effect of {change:verbatim} against its cost.", **change)
    if fit.design == "randomised":
        return _(
            "Keep {change:verbatim} a randomised trial and do not extend it yet: the latest wave "
            "does not show the effect on its first outcome.",
            **change,
        )
    return _(
        "Check in the next wave whether the effect of {change:verbatim} persists before acting on "
        "it.",
        **change,
    )


# The rules by which checks pass


def _contradicts(own: np.ndarray, other: np.ndarray) -> bool:
    """Whether a second estimate (estimate, low, high) contradicts the first.

    It does where the intervals do not overlap, or its sign is not that of a significant effect.
    """
    apart = other[1] > own[2] or other[2] < own[1]
    significant = own[1] > 0 or own[2] < 0
    return bool(apart or (significant and own[0] * other[0] < 0))


def _judged(passes: bool) -> str:
    return PASSED if passes else FAILED


def _compared(own: np.ndarray, other: np.ndarray) -> str:
    """How a second estimate judges the first (each: estimate, low, high).

    Half its interval is to be no wider than the effect that it would have to detect: wider, it
    holds no effect and the effect at once. Of an effect near 0 that is what the first could detect.
    Nor does it support a significant effect where it includes 0 and is less than half as large.
    """
    if _contradicts(own, other):
        return FAILED
    if (own[1] > 0 or own[2] < 0) and other[1] <= 0 <= other[2] and abs(other[0]) < abs(own[0]) / 2:
        return SILENT
    reach = max(abs(own[0]), (own[2] - own[1]) / 2)
    return PASSED if (other[2] - other[1]) / 2 <= reach else SILENT


def _ends(fit: Result) -> np.ndarray:
    return fit.table.iloc[0][["estimate", "low", "high"]].to_numpy(float)


def _trends(fit: Result, found: Result) -> str:
    return IMPOSSIBLE if np.isnan(found.p) else _judged(found.p >= parallel_trends.ALPHA)


def _placebos(fit: Result, found: Result) -> str:
    return _judged(not found.significant)


def _second(fit: Result, found: Result) -> str:
    other = np.array([found.effect, found.low, found.high])
    return _compared(_ends(fit), other)


def _adjusted(fit: Result, found: Result) -> str:
    row = found.table.set_index("term").loc["adjusted change"]
    other = row[["estimate", "low", "high"]].to_numpy(float)
    return _compared(_ends(fit), other)


def _balanced(fit: Result, found: Result) -> str:
    row, own = found.table.iloc[0], _ends(fit)
    if not row["low"] <= 0 <= row["high"]:
        return FAILED
    reach = max(abs(own[0]), (own[2] - own[1]) / 2)
    return PASSED if (row["high"] - row["low"]) / 2 <= reach else SILENT


def _differed_before(trial: Trial, tables: Mapping[str, pd.DataFrame]) -> str:
    """How randomised arms differed significantly before the change; empty where they did not."""
    if "baseline" not in tables:
        return ""
    row = tables["baseline"].iloc[0]
    if row["low"] <= 0 <= row["high"]:
        return ""
    return _(
        "before the change, the treated were already {size} {higher} than the controls",
        size=wording.value(abs(row["estimate"]), trial.units[0]),
        higher=_("higher") if row["estimate"] > 0 else _("lower"),
    )


def _with_baseline(
    trial: Trial, fit: Result, already: str, doubt: bool, before: pd.Series
) -> Result:
    """The effect with the difference before it; in doubt, both in one sentence without a cause."""
    if doubt:
        span = wording.span(before["low"], before["high"], trial.units[0])
        detail = _("{first}; before it {span}", first=fit.finding.detail, span=span)
        claim = wording.differed(trial, fit.table.iloc[0], before)
        return fit.replace(finding=replace(fit.finding, claim=claim, detail=detail))
    clause = _("{first}; {second}", first=fit.clause, second=already)
    told = replace(fit.finding, claim=wording.sentence(clause))
    return fit.replace(finding=told, parts={**fit.parts, "clause": clause})


def _confirmed(fit: Result, baseline: pd.DataFrame) -> bool:
    """Whether arms that differed before cannot explain the effect.

    They differed in the other direction, or the difference-in-differences is significant as well.
    """
    own = fit.table["estimate"].iloc[0]
    if own * baseline["estimate"].iloc[0] < 0:
        return True
    ways = fit.by_design.set_index("design")
    if wording.DESIGNS["compared"] not in ways.index:
        return False
    low, high = ways.loc[wording.DESIGNS["compared"], ["low", "high"]]
    return bool(low > 0 if own > 0 else high < 0)


def _even(fit: Result, found: Result) -> str:
    row = found.table.set_index("term").loc["difference"]
    if not row["low"] <= 0 <= row["high"]:
        return FAILED
    return PASSED if (row["high"] - row["low"]) / 2 <= UNEVEN else SILENT


def _strong(fit: Result, found: Result) -> str:
    low = found.table["low"].iloc[0]
    if not low > 1:  # no significant effect: nothing to explain
        return IMPOSSIBLE
    return _judged(low >= SMALL_CONFOUNDER)


def _other_designs(fit: Result, known: set[str]) -> list[dict[str, str]]:
    """Designs that the rows allow besides the one of study.yaml, in standard deviations."""
    table = fit.by_design
    own = table.iloc[0][["estimate", "low", "high"]].to_numpy(float)
    rows = []
    for row in table.iloc[1:].to_dict("records"):
        if row["design"] in known or np.isnan(row["estimate"]):
            continue
        other = np.array([row[c] for c in ("estimate", "low", "high")])
        shows = _(
            "The effect is {other:signed2} standard deviations instead of {own:signed2}; 95% CI "
            "{span:interval2}.",
            other=other[0],
            own=own[0],
            span=tuple(other[1:]),
        )
        result = _compared(own, other)
        rows.append({"term": row["design"], "result": result, "shows": shows})
    return rows


Check = tuple[
    frozenset[str], Callable[[Trial, Result], Result], Callable[[Result, Result], str]
]  # designs that it is for, what it runs, and its rule
_EVERY = frozenset({"randomised", "compared", "alike", "series"})
_CHECKS: Mapping[str, Check] = {
    "parallel pre-trends": (
        frozenset({"compared", "staggered", "series"}),
        lambda trial, _fit: parallel_trends.event_study(trial),
        _trends,
    ),
    "balance at baseline": (
        frozenset({"randomised"}),
        lambda trial, _fit: robustness.baseline_balance(trial),
        _balanced,
    ),
    "placebo tests": (
        _EVERY | {"staggered"},
        lambda trial, _fit: parallel_trends.placebo_tests(trial),
        _placebos,
    ),
    "synthetic control": (
        frozenset({"compared", "series"}),
        lambda trial, _fit: counterfactuals.synthetic_control(trial),
        _second,
    ),
    "interrupted time series": (
        _EVERY - {"series"},
        lambda trial, _fit: counterfactuals.interrupted_time_series(trial),
        _second,
    ),
    "regression to the mean": (
        _EVERY,
        lambda trial, _fit: robustness.regression_to_the_mean(trial),
        _adjusted,
    ),
    "attrition": (_EVERY, lambda trial, _fit: robustness.attrition(trial), _even),
    "unmeasured confounder": (
        (_EVERY | {"staggered"}) - {"randomised"},
        lambda _trial, fit: robustness.unmeasured_confounding(fit),
        _strong,
    ),
}
_TABLES = {  # check and its table -> what it is called among those of the evaluation
    ("parallel pre-trends", "table"): "path",
    ("placebo tests", "table"): "placebos",
    ("synthetic control", "table"): "synthetic_control",
    ("interrupted time series", "table"): "time_series",
    ("regression to the mean", "table"): "regression_to_the_mean",
    ("attrition", "table"): "attrition",
    ("balance at baseline", "table"): "baseline",
    ("unmeasured confounder", "table"): "confounding",
}
