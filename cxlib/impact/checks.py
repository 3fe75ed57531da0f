"""Is it the change, or something else? Waves before, places spared, stand-ins, hidden causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.causal import difference_in_differences, sensitivity
from cxlib.causal.synthetic_control import synthetic_control
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.enough import Unfit
from cxlib.estimates import Estimates, how_drawn
from cxlib.impact import said
from cxlib.impact.effects import Effect, broken, cells, joined, reached, wave_means, way_back
from cxlib.impact.rows import LEAST, Trial
from cxlib.stats.estimators import cell_means

SURE = 0.05
APART = (0.0, 0.5, 1.0, 2.0)


def each(
    check: Callable[..., Estimates], tried: Mapping[str, Trial], *, say: bool = True, **how: object
) -> dict[str, Estimates]:
    """What a check finds of every change whose rows allow it, by name; says which do not."""
    found = {}
    for name, trial in tried.items():
        with suppress(Unfit):
            found[name] = check(trial, **how)
    return told(found, tried) if say else found


def told(found: dict[str, Estimates], tried: Mapping[str, Trial]) -> dict[str, Estimates]:
    """What was found, after saying of which changes nothing was."""
    out = [i18n.quoted(trial.label) for name, trial in tried.items() if name not in found]
    if not tried:
        print(_("No change is of this kind."))
    elif out:
        print(_("Too few waves, groups or customers for this: {changes:list}.", changes=out))
    return found


@dataclass(frozen=True)
class Path(Estimates):
    """Wave by wave, how far those reached stand from those spared.

    Attributes
    ----------
    table : wave, term, estimate (gap less that of the last wave before), low, high, n, changed
        (whether the change was there); intervals hold together
    p : chance of gaps as uneven before the change if they were even; NaN with one wave before
    bounds : term (how many times), estimate, low, high, n: the effect if the two part from then on
        by up to so many times their largest step before, each wave
    breakdown : the `apart` from which there may be no effect
    """

    p: float = field(kw_only=True)
    bounds: pd.DataFrame = field(kw_only=True)
    breakdown: float = field(kw_only=True)


def path(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Path:
    """The event study of the first outcome. Raises ValueError without a wave before."""
    _spared(trial)
    grid = cells(trial, 0, draws=draws, seed=seed)
    found = difference_in_differences.path(grid, reached(trial), trial.before)
    p, compared = difference_in_differences.pre_trend_test(found, trial.before)
    low, high = found.simultaneous_interval()
    table = pd.DataFrame(
        {
            "wave": trial.waves,
            "term": trial.outcomes[0],
            "estimate": found.estimate,
            "low": low,
            "high": high,
            "n": grid.count.sum(0),
            "changed": trial.after,
        }
    )
    last = np.flatnonzero(trial.before)[-1]
    table.loc[last, ["low", "high"]] = 0.0
    mean = found.estimate[trial.after].mean()
    rows = [
        (
            _("{times:g} times", times=apart),
            mean,
            *difference_in_differences.bounds(found, trial.before, trial.after, apart),
        )
        for apart in (APART if compared else APART[:1])
    ]
    bounds = pd.DataFrame(rows, columns=["term", "estimate", "low", "high"])
    bounds["n"] = int(grid.count.sum())
    broken_at = difference_in_differences.breakdown(found, trial.before, trial.after)
    answer = _about(trial, _moved_alike(p, compared, broken_at))
    note = i18n.together([how_drawn(draws, bucket="customer_id"), _few(trial)])
    return Path(
        table,
        answer,
        note,
        _unit(trial),
        p=p,
        bounds=bounds,
        breakdown=broken_at,
        draws=draws,
        seed=seed,
    )


def _spared(trial: Trial) -> None:
    if not trial.before.any() or not (trial.arm == 0).any():
        raise Unfit(
            f"change {trial.change.name!r}: {int(trial.before.sum())} waves before it and "
            f"{int((trial.arm == 0).sum())} answers of those it spared; both are needed."
        )


def _unit(trial: Trial) -> str:
    return trial.units[0] if trial.units[0] != "amount" else ""


def _moved_alike(p: float, waves: int, broken_at: float) -> str:
    if not waves:
        return _("One wave came before: whether the two moved alike cannot be seen.")
    facts = {"p": p, "waves": waves + 1}
    first = (
        ngettext(
            "Before it the two moved alike as far as {waves:count} wave can tell (p {p:p}).",
            "Before it the two moved alike as far as {waves:count} waves can tell (p {p:p}).",
            facts["waves"],
            **facts,
        )
        if p >= SURE
        else _("Before it the two did not move alike (p {p:p}): take no effect as shown.", **facts)
    )
    if p < SURE:
        return first
    if broken_at < 0.1:
        second = _(
            "Wave by wave too little is known to bear the two parting from then on, even by a "
            "tenth of their largest step before."
        )
    else:
        second = _(
            "The effect stands if they part from then on by up to {apart:number1} times their "
            "largest step before, each wave.",
            apart=broken_at,
        )
    return i18n.together([first, second])


def _about(trial: Trial, found: str) -> str:
    return _("{change}: {found}", change=trial.label, found=found)


def _few(trial: Trial) -> str:
    return _(
        "Intervals speak of customers; that {groups:count} groups may drift by themselves is for "
        "the placebos to tell.",
        groups=len(trial.groups),
    )


def placebos(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Estimates:
    """Changes that never were, beside the true one: earlier waves, and spared groups.

    table: kind ("the change", "another time", "another place"), term, estimate, low, high, n; of
    the first outcome. A placebo in time pretends that it began earlier, with the waves before only;
    one in place, that it reached a spared group, beside the other spared ones. Intervals of the
    placebos hold together. Raises ValueError where there is no placebo to be had.
    """
    _spared(trial)
    grid = cells(trial, 0, draws=draws, seed=seed)
    treated, before, after = reached(trial), trial.before, trial.after
    real = difference_in_differences.effect(grid, treated, before, after)
    found = []
    for first, second in difference_in_differences.placebo_times(before):
        begun = trial.waves[np.flatnonzero(second)[0]]
        one = difference_in_differences.effect(grid, treated, first, second)
        found.append(
            ("another time", _("as if from {wave}", wave=begun), one, grid.count[:, before].sum())
        )
    spared = np.flatnonzero(~treated)
    if len(spared) > 1:
        for place in spared:
            kept = _only(grid, spared)
            one = difference_in_differences.effect(kept, spared == place, before, after)
            found.append(
                (
                    "another place",
                    trial.groups[place],
                    one,
                    grid.count[spared][:, before | after].sum(),
                )
            )
    if not found:
        raise Unfit(
            "one wave came before the change and one group was spared: there is no placebo."
        )
    every = difference_in_differences.Replicated(
        np.concatenate([f[2].estimate for f in found]),
        np.concatenate([f[2].replicates for f in found], axis=1),
        real.units,
    )
    low, high = every.simultaneous_interval()
    (own_low,), (own_high,) = real.interval()
    table = pd.DataFrame(
        [
            (
                "the change",
                trial.change.name,
                real.estimate[0],
                own_low,
                own_high,
                grid.count[:, before | after].sum(),
            ),
            *(
                (k, t, one.estimate[0], a, b, n)
                for (k, t, one, n), a, b in zip(found, low, high, strict=True)
            ),
        ],
        columns=["kind", "term", "estimate", "low", "high", "n"],
    )
    clear = int(((low > 0) | (high < 0)).sum())
    sure = np.abs(every.estimate) / every.error >= abs(real.estimate[0]) / real.error[0]
    larger = int(sure.sum())
    facts = {
        "clear": i18n.count(clear),
        "all": i18n.count(len(found)),
        "larger": i18n.count(larger),
    }
    answer = _(
        "Of {all} changes that never were, {clear} seem to have an effect and {larger} as clear a "
        "one as the true change.",
        **facts,
    )
    note, facts = how_drawn(draws, bucket="customer_id"), {"draws": draws, "seed": seed}
    return Estimates(table, _about(trial, answer), note, _unit(trial), **facts)


def _only(
    grid: difference_in_differences.Cells, groups: np.ndarray
) -> difference_in_differences.Cells:
    return difference_in_differences.Cells(
        grid.means[groups], grid.share[groups], grid.count[groups]
    )


@dataclass(frozen=True)
class Beside(Estimates):
    """Those reached, and what stands for what they would have been.

    Attributes
    ----------
    table : of ("those reached", "stand-in" or "line before"), wave, term, estimate, low, high, n,
        changed (whether the change was there)
    parts : term (spared group), estimate (its share of the stand-in), low, high, n
    effect, low, high : mean gap over the waves after
    p : share of groups that look as much changed; NaN where nobody was spared
    """

    parts: pd.DataFrame = field(kw_only=True)
    effect: float = field(kw_only=True)
    low: float = field(kw_only=True)
    high: float = field(kw_only=True)
    p: float = field(kw_only=True)


def beside(trial: Trial, *, draws: int = 500, seed: int = 1) -> Beside:
    """Those reached beside a stand-in put together of spared groups (synthetic control).

    Raises ValueError with fewer than two spared groups, two waves before, or where a group has no
    answer in some wave.
    """
    _spared(trial)
    grid = cells(trial, 0, draws=draws, seed=seed)
    treated, use = reached(trial), trial.before | trial.after
    spared = np.flatnonzero(~treated)
    pool = np.where(treated, grid.share, 0.0) / grid.share[treated].sum()
    own = grid.means @ pool[:, None]
    y = np.vstack([own.estimate[:, use], grid.means.estimate[spared][:, use]])
    fit = synthetic_control(y, 0, int(trial.before.sum()), method="sdid")
    low, high = fit.interval()
    waves = np.array(trial.waves)[use]
    spread = own.interval()
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "of": "those reached",
                    "wave": waves,
                    "term": trial.outcomes[0],
                    "estimate": own.estimate[0, use],
                    "low": spread[0][0, use],
                    "high": spread[1][0, use],
                    "n": grid.count[treated][:, use].sum(0),
                }
            ),
            pd.DataFrame(
                {
                    "of": "stand-in",
                    "wave": waves,
                    "term": trial.outcomes[0],
                    "estimate": fit.counterfactual,
                    "low": np.nan,
                    "high": np.nan,
                    "n": grid.count[spared][:, use].sum(0),
                }
            ),
        ],
        ignore_index=True,
    )
    table["changed"] = np.tile(trial.after[use], 2)
    parts = pd.DataFrame(
        {
            "term": [trial.groups[g] for g in spared],
            "estimate": fit.weights[1:],
            "low": np.nan,
            "high": np.nan,
            "n": grid.count[spared].sum(1),
        }
    )
    largest = parts.sort_values("estimate", ascending=False).head(3)
    facts = {
        "effect": said.value(fit.effect, trial.units[0]),
        "span": said.span(low, high, trial.units[0]),
        "groups": len(spared),
        "parts": [_part(row) for row in largest.itertuples()],
    }
    answer = _(
        "Beside a stand-in made of {groups:count} spared groups ({parts:list}): {effect} ({span}).",
        **facts,
    )
    if fit.p == fit.p:
        answer = i18n.together(
            [
                answer,
                _(
                    "Taken for changed in turn, {share:share} of the groups look as much changed, "
                    "itself among them.",
                    share=fit.p,
                ),
            ]
        )
    note = _(
        "Interval from the effects that spared groups seem to have when each is taken for changed."
    )
    about = _about(trial, answer)
    return Beside(
        table,
        about,
        note,
        _unit(trial),
        parts=parts,
        effect=fit.effect,
        low=low,
        high=high,
        p=fit.p,
        draws=draws,
        seed=seed,
    )


def _part(row: tuple) -> str:
    group, share = i18n.label(str(row.term)), i18n.percent(row.estimate)
    return _("{group} {share}", group=group, share=share)


def line(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Beside:
    """Those reached beside the line of the waves before carried on (interrupted time series).

    Raises ValueError where the waves are too few for a line and a break.
    """
    means = wave_means(trial, draws=draws, seed=seed)
    fit = broken(trial, means)
    upto = len(fit.counterfactual)
    low, high = means.interval()
    rows = (trial.arm == 1) & ~np.isnan(trial.y[:, 0])
    n = np.bincount(trial.wave[rows], minlength=len(trial.waves))[:upto]
    both = {"wave": trial.waves[:upto], "term": trial.outcomes[0]}
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "of": "those reached",
                    **both,
                    "estimate": means.estimate[:upto, 0],
                    "low": low[:upto, 0],
                    "high": high[:upto, 0],
                    "n": n,
                }
            ),
            pd.DataFrame(
                {
                    "of": "line before",
                    **both,
                    "estimate": fit.counterfactual,
                    "low": np.nan,
                    "high": np.nan,
                    "n": n,
                }
            ),
        ],
        ignore_index=True,
    )
    table["changed"] = np.tile(trial.after[:upto], 2)
    answer = _(
        "Beside the line of the {waves:count} waves before: {effect} ({span}) on average over the "
        "waves after.",
        waves=trial.before.sum(),
        effect=said.value(fit.effect, trial.units[0]),
        span=said.span(fit.low, fit.high, trial.units[0]),
    )
    note = _(
        "{free:count} waves more than are needed to draw the lines: few make it a hint.",
        free=fit.free,
    )
    about = _about(trial, answer)
    return Beside(
        table,
        about,
        note,
        _unit(trial),
        parts=pd.DataFrame(),
        effect=fit.effect,
        low=fit.low,
        high=fit.high,
        p=np.nan,
        draws=draws,
        seed=seed,
    )


def returning(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Estimates:
    """What before and after of the same customers would have told, and what is left of it.

    table: term (change of those reached; way back to the middle; what is left), estimate, low,
    high, n (customers who answered before and after). Raises ValueError where they are too few.
    """
    found = way_back(trial, draws=draws, seed=seed)
    low, high = found.interval()
    people = trial.customers()
    both = ~np.isnan(people.before[:, 0]) & ~np.isnan(people.after[:, 0]) & (people.arm >= 0)
    terms = ["change of those reached", "without it anyway", "what is left"]
    table = pd.DataFrame(
        {"term": terms, "estimate": found.estimate, "low": low, "high": high, "n": int(both.sum())}
    )
    unit = trial.units[0]
    answer = _(
        "The same customers changed by {raw}; {back} of it would have come without the change, "
        "{left} ({span}) is left, n {n:count}.",
        raw=said.value(found.estimate[0], unit),
        back=said.value(found.estimate[1], unit),
        left=said.value(found.estimate[2], unit),
        span=said.span(low[2], high[2], unit),
        n=both.sum(),
    )
    note, facts = how_drawn(draws, bucket="customer_id"), {"draws": draws, "seed": seed}
    return Estimates(table, _about(trial, answer), note, _unit(trial), **facts)


def answering(trial: Trial, *, draws: int = 1000, seed: int = 1) -> Estimates:
    """Did as many of those reached answer again as of those spared?

    table: term (reached, spared, difference), estimate (share of the customers with an answer
    before who have one while it was there), low, high, n. A change that keeps customers who would
    have left keeps their answers too: the effect on answers is then less than that on customers.
    Raises ValueError where fewer than 10 of either side did.
    """
    _spared(trial)
    people = trial.customers()
    rows = (people.arm >= 0) & ~np.isnan(people.before[:, 0])
    again, arm = (~np.isnan(people.after[rows, 0])).astype(float), people.arm[rows]
    if (least := int(np.bincount(arm, again, 2).min())) < LEAST:
        raise Unfit(
            f"change {trial.change.name!r}: {least} customers of one side answered before and "
            f"again; {LEAST} are needed."
        )
    how = {"weight": people.weight[rows], "who": people.who.take(rows), "draws": draws}
    means = cell_means(again, arm, 2, seed=seed, **how)
    found = joined([means[1], means[0], means[1] - means[0]])
    low, high = found.interval()
    counts = [int((arm == 1).sum()), int((arm == 0).sum()), len(arm)]
    table = pd.DataFrame(
        {
            "term": ["reached", "spared", "difference"],
            "estimate": found.estimate,
            "low": low,
            "high": high,
            "n": counts,
        }
    )
    facts = {
        "reached": found.estimate[0],
        "spared": found.estimate[1],
        "apart": found.estimate[2],
        "span": (100 * low[2], 100 * high[2]),
        "n": len(arm),
    }
    counted = _(
        "of those who answered before, {reached:share} of the reached and {spared:share} of the "
        "spared answered again ({apart:points1} percentage points apart, {span:interval1}), n "
        "{n:count}.",
        **facts,
    )
    told = (
        _("That is no more than chance brings.")
        if low[2] <= 0 <= high[2]
        else _(
            "Who answers is not alike: the effect is that on answers, and may be another on "
            "customers."
        )
    )
    answer = _about(trial, i18n.together([counted, told]))
    note = how_drawn(draws, bucket="customer_id")
    return Estimates(table, answer, note, "share", draws=draws, seed=seed)


def hidden(effects: list[Effect]) -> Estimates:
    """How strong something unseen would have to be to make each effect out of nothing.

    table: term (change), design, estimate (the E-value), low (that of the interval's nearer end),
    high (empty), n, robustness (share of what is left of both taking part and answers that it would
    have to explain). Changes drawn by lot are left out.
    """
    rows = []
    for one in (e for e in effects if e.design != "randomised"):
        first, plain = one.standard.iloc[0], one.table.iloc[0]
        near = sensitivity.nearest_to_none(first["low"], first["high"])
        t = plain["estimate"] / max(one.error, 1e-300)
        free = max(float(plain["n"]) - 4, 2.0)
        rows.append(
            {
                "term": one.change,
                "design": said.DESIGNS[one.design],
                "estimate": float(sensitivity.e_value(standardised=first["estimate"])),
                "low": float(sensitivity.e_value(standardised=near)),
                "high": np.nan,
                "n": int(plain["n"]),
                "robustness": float(sensitivity.robustness(t**2 / (t**2 + free), free)),
            }
        )
    if not rows:
        said_ = _("Every change was drawn by lot, which leaves nothing unseen but chance.")
        return Estimates(pd.DataFrame(columns=["term", "estimate", "low", "high", "n"]), said_)
    table = pd.DataFrame(rows)
    if table["estimate"].isna().all():
        return Estimates(table, _("No effect could be told."))
    weakest = table.loc[table["low"].idxmin()]
    answer = _(
        "Least sure against something unseen: {change:verbatim}. A cause that raises both taking "
        "part and the answer by a factor of {value:number2} ({low:number2} to reach the end of "
        "the interval) would do.",
        change=next(e.label for e in effects if e.change == weakest["term"]),
        value=weakest["estimate"],
        low=weakest["low"],
    )
    return Estimates(
        table,
        answer,
        _("E-values: the least risk ratio with both; 1 means that the interval reaches no effect."),
    )
